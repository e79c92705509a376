//! Pages for people: where to begin, the interface's document, and what every code means. Plain HTML, without scripts, and
//! nothing comes from elsewhere: the pages say so to the browser.

use std::fmt::Write as _;

use axum::extract::State;
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::IntoResponse;
use cashpoint_wire::problem::Code;

use crate::answer::{Answered, Refused, Reply};
use crate::app::App;

const STYLE: &str = "\
    body{font:16px/1.5 system-ui,sans-serif;max-width:72em;margin:2em auto;padding:0 1em;color:#1c1c1c;background:#fff}\n\
    table{border-collapse:collapse}td,th{text-align:left;vertical-align:top;padding:.3em .8em;border-top:1px solid #ccc}\n\
    pre{background:#f4f4f4;padding:.6em;overflow-x:auto;white-space:pre-wrap;overflow-wrap:anywhere}\n\
    code{background:#f4f4f4;overflow-wrap:anywhere}section{border-top:1px solid #888;margin-top:2em}\n\
    summary{cursor:pointer}details{margin:.4em 0}nav ul{list-style:none;padding-left:1em;margin:.2em 0}\n\
    h4{margin:.8em 0 .2em}a{color:#0b57a4}\n";

/// What a browser may do with the pages: show them, with the one stylesheet.
const POLICY: &str =
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// `/`: where to begin.
pub(crate) async fn landing(State(app): State<App>) -> impl IntoResponse {
    let mut body = String::from(
        "<h1>Cashpoint</h1>\n\
        <p>This is the host of an ATM network: customers, cards, accounts and a double-entry ledger over HTTP.</p>\n\
        <ul>\n<li><a href=\"/docs\">The interface, path by path</a>; it begins at <code>POST /api/sessions</code>, requests \
        and answers are JSON</li>\n\
        <li><a href=\"/openapi.json\">The same for programs: an OpenAPI document</a></li>\n\
        <li><a href=\"/docs/errors\">What every error code means, and who can do something about it</a></li>\n</ul>\n",
    );
    let beside = &app.options().beside;
    if !beside.is_empty() {
        body.push_str("<h2>Machines of this sandbox</h2>\n<ul>\n");
        for link in beside {
            let (path, title) = (escaped(&link.path), escaped(&link.title));
            writeln!(body, "<li><a href=\"{path}\">{title}</a></li>").expect("a text takes more text");
        }
        body.push_str("</ul>\n");
    }
    html(page("Cashpoint", &body))
}

/// `/openapi.json`: the interface's document.
pub(crate) async fn document(State(app): State<App>) -> Answered {
    let published = app.published().ok_or_else(|| Refused::from(Code::NotFound))?;
    Ok(Reply::json(published.json.clone().into_bytes()))
}

/// `/docs`: the interface's document for people.
pub(crate) async fn documentation(State(app): State<App>) -> Result<impl IntoResponse, Refused> {
    let published = app.published().ok_or_else(|| Refused::from(Code::NotFound))?;
    Ok(html(published.page.clone()))
}

/// `/docs/style.css`: how the pages look.
pub(crate) async fn style() -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/css; charset=utf-8")], STYLE)
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

/// A whole page.
pub(crate) fn page(title: &str, body: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>{title}</title>\
         <meta name=\"viewport\" content=\"width=device-width\"><link rel=\"stylesheet\" href=\"/docs/style.css\"></head>\n<body>\n{body}</body>\n</html>\n"
    )
}

fn html(page: String) -> impl IntoResponse {
    let headers = [(CONTENT_TYPE, "text/html; charset=utf-8"), (CONTENT_SECURITY_POLICY, POLICY)];
    (headers, page)
}

/// A text as it may stand in HTML, attributes included.
pub(crate) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
