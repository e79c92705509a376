//! Who may ask, and what a browser may do with the answers. A page from elsewhere must not be able to press keys, nor a
//! name that somebody points at this machine to reach it. There are no cookies and no secrets to steal here: what a
//! stranger must not do is act. Other pages that act at a machine are guarded by the same rules ([`guarded`]).

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HOST, ORIGIN, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};

/// Everything from here, nothing inline, nobody but ourselves around it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      form-action 'self'; frame-ancestors 'self'; base-uri 'none'";

/// The same for a page that shows another page of ours in itself.
const FRAMING_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
                              connect-src 'self'; frame-src 'self'; form-action 'self'; frame-ancestors 'self'; \
                              base-uri 'none'";

/// A form's request says where it comes from only if this allows it.
const REFERRER: &str = "same-origin";

const CROSS_ORIGIN_RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
const CROSS_ORIGIN_OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// By which names the page is reached.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Hosts {
    /// By those of the machine itself, at this port. Any other name is somebody's trick.
    Loopback(u16),
    /// By whatever name the sandbox's address has; a key can be pressed only from that same name.
    Any,
}

/// What a page shows besides itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Frames {
    /// Nothing.
    None,
    /// Other pages from the same place.
    Own,
}

/// These routes, reached by these names alone, changed from their own pages alone, every answer marked with what a
/// browser may do with it.
pub fn guarded(routes: Router, hosts: Hosts, frames: Frames) -> Router {
    routes.layer(from_fn_with_state((hosts, frames), guard))
}

/// Lets pass what may, and marks every answer.
async fn guard(State((hosts, frames)): State<(Hosts, Frames)>, request: Request, next: Next) -> Response {
    let mut response = match refusal(hosts, request.method(), request.headers()) {
        Some((status, why)) => (status, why).into_response(),
        None => next.run(request).await,
    };
    let headers = response.headers_mut();
    let policy = match frames {
        Frames::None => POLICY,
        Frames::Own => FRAMING_POLICY,
    };
    let marks = [
        (CONTENT_SECURITY_POLICY, policy),
        (CACHE_CONTROL, "no-store"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, REFERRER),
        (CROSS_ORIGIN_RESOURCE_POLICY, "same-origin"),
        (CROSS_ORIGIN_OPENER_POLICY, "same-origin"),
    ];
    for (name, value) in marks {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

fn refusal(hosts: Hosts, method: &Method, headers: &HeaderMap) -> Option<(StatusCode, &'static str)> {
    let Some(host) = only(headers, &HOST).filter(|host| knows(hosts, host)) else {
        return Some((StatusCode::MISDIRECTED_REQUEST, "this machine has another name\n"));
    };
    if [Method::GET, Method::HEAD].contains(method) || is_ours(headers, host) {
        return None;
    }
    Some((StatusCode::FORBIDDEN, "keys can be pressed only on the machine's own page\n"))
}

fn knows(hosts: Hosts, host: &str) -> bool {
    match hosts {
        Hosts::Any => true,
        Hosts::Loopback(port) => {
            let name = host.strip_suffix(&format!(":{port}")).or_else(|| (port == 80).then_some(host));
            name.is_some_and(|name| ["localhost", "127.0.0.1", "[::1]"].contains(&name))
        }
    }
}

/// Whether a browser says that the request comes from our own page. One that says nothing is no browser.
fn is_ours(headers: &HeaderMap, host: &str) -> bool {
    if headers.contains_key(ORIGIN) {
        let origin = only(headers, &ORIGIN);
        let authority = origin.and_then(|origin| origin.strip_prefix("http://").or(origin.strip_prefix("https://")));
        return authority == Some(host);
    }
    only(headers, &FETCH_SITE) == Some("same-origin")
}

/// A header's value, if it stands there once and is text.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok();
    value.filter(|_| values.next().is_none())
}
