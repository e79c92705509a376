//! Pages for people: where to begin, and what every code means. Plain HTML, without scripts.

use std::fmt::Write as _;

use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::IntoResponse;
use cashpoint_wire::problem::Code;

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:72em;margin:2em auto;padding:0 1em}\
    table{border-collapse:collapse}td,th{text-align:left;vertical-align:top;padding:.4em .8em;border-top:1px solid #ccc}";

/// `/`: where to begin.
pub(crate) async fn landing() -> impl IntoResponse {
    let body = "<h1>Cashpoint</h1>\n\
        <p>This is the host of an ATM network: customers, cards, accounts and a double-entry ledger over HTTP.</p>\n\
        <ul>\n<li>The interface begins at <code>POST /api/sessions</code>; requests and answers are JSON.</li>\n\
        <li><a href=\"/docs/errors\">What every error code means, and who can do something about it</a></li>\n</ul>\n";
    html(page("Cashpoint", body))
}

/// `/docs/errors`: the table of codes.
pub(crate) async fn errors() -> impl IntoResponse {
    let mut body = String::from(
        "<h1>Error codes</h1>\n<p>Every refusal is a problem document (RFC 9457) whose <code>code</code> stands here.</p>\n\
         <table>\n<tr><th>code</th><th>status</th><th>what callers read</th><th>what it means</th><th>who acts</th></tr>\n",
    );
    for code in Code::ALL {
        let (name, title) = (code.name(), escaped(code.title()));
        let (detail, meaning, acts) = (escaped(code.detail()), escaped(code.meaning()), escaped(code.acts().text()));
        writeln!(
            body,
            "<tr id=\"{name}\"><td><code>{name}</code></td><td>{}</td><td><b>{title}.</b> {detail}</td><td>{meaning}</td><td>{acts}</td></tr>",
            code.status()
        )
        .expect("a text takes more text");
    }
    body.push_str("</table>\n");
    html(page("Error codes of Cashpoint", &body))
}

fn page(title: &str, body: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>{title}</title>\
         <meta name=\"viewport\" content=\"width=device-width\"><style>{STYLE}</style></head>\n<body>\n{body}</body>\n</html>\n"
    )
}

fn html(page: String) -> impl IntoResponse {
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"),
    ];
    (headers, page)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
