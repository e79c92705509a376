//! Whole requests, as bytes, through hyper and the router into a bank that is really there.
//!
//! What holds: no panic and no 5xx but 503; every status is a documented one, and its body has the documented form; a
//! refusal is short whatever was sent; an answer comes at all; and afterwards the bank's books are right.
//!
//! An input that begins with `@real` and a line's end goes to a host that is no sandbox. Names in braces stand for what a
//! client of this very host knows: see [`crate::site::Site`]. `{length}` is the number of bytes after the head, and
//! `{5000a}` stands for 5,000 times `a`.

use std::cell::RefCell;

use axum::body::Body;
use axum::http::{HeaderMap, Method, Response, StatusCode};
use cashpoint_wire::problem::Code;
use http_body_util::BodyExt as _;
use serde_json::Value as Json;

use crate::Target;
use crate::site::{Kind, Site};

/// See the module.
pub(crate) const TARGET: Target = Target {
    name: "http",
    check,
    finish,
    dictionary: &[
        "GET ",
        "POST ",
        "PUT ",
        "PATCH ",
        "DELETE ",
        "HEAD ",
        "OPTIONS ",
        "/api/accounts/",
        "{account}",
        "/balance",
        "/withdraw",
        "/deposit",
        "/transfer",
        "/transactions",
        "?limit=",
        "&cursor=",
        "&from=",
        "?atm_id=ATM001",
        "/api/sessions",
        "/current",
        "/api/cards/",
        "{card}",
        "/pin",
        "/report",
        "/unblock",
        "/api/atms",
        "/replenishments",
        "/api/policies",
        "/api/customers",
        "/api/operators/",
        "/sandbox/outbox?customer_id=",
        "&after=",
        "/accounts/10001/",
        "/api/transactions/{transaction}",
        "Authorization: Bearer {john}\r\n",
        "Authorization: Bearer {online}\r\n",
        "Authorization: Bearer {operator}\r\n",
        "Cashpoint-Channel: {channel}\r\n",
        "Idempotency-Key: k1\r\n",
        "Content-Type: application/json\r\n",
        "Origin: http://evil\r\n",
        "Content-Length: {length}\r\n",
        "Transfer-Encoding: chunked\r\n",
        "X-Forwarded-For: 10.0.0.1\r\n",
        "Expect: 100-continue\r\n",
        "Host: localhost\r\n",
        "Connection: close\r\n",
        " HTTP/1.1\r\n",
        " HTTP/1.0\r\n",
        "\r\n\r\n",
        "{\"amount\":10.00}",
        "\"amount\":",
        "{5000a}",
        "{70000a}",
        "%2e%2e/",
        "%00",
        "@real\r\n",
        "18446744073709551615",
        "9223372036854775808",
        "null",
        "\"atm_id\":\"ATM001\"",
    ],
};

/// Most bytes of an answer: a page of 500 entries has about a third of it.
const LONGEST_ANSWER: usize = 512 * 1024;

/// Most bytes of a refusal.
const LONGEST_REFUSAL: usize = 2_048;

thread_local! {
    static SITES: [RefCell<Site>; 2] = [RefCell::new(Site::new(Kind::Sandbox)), RefCell::new(Site::new(Kind::Real))];
}

fn check(bytes: &[u8]) {
    SITES.with(|sites| {
        let (site, rest) = chosen(sites, bytes);
        let site = &mut *site.borrow_mut();
        let answer = site.exchange(&filled_in(rest, |name| site.known(name)), answered);
        assert!(answer.is_empty() || answer.starts_with(b"HTTP/1."), "{}", answer.escape_ascii());
        assert!(!answer.starts_with(b"HTTP/1.1 500"), "{}", answer.escape_ascii());
    });
}

fn finish() {
    SITES.with(|sites| sites.iter().for_each(|site| site.borrow_mut().close()));
}

/// Whom an input goes to, and the input without saying so.
fn chosen<'s, 'i>(sites: &'s [RefCell<Site>; 2], input: &'i [u8]) -> (&'s RefCell<Site>, &'i [u8]) {
    let [sandbox, real] = sites;
    input.strip_prefix(b"@real\r\n").map_or((sandbox, input), |rest| (real, rest))
}

/// The input with what its names stand for.
fn filled_in(input: &[u8], known: impl Fn(&str) -> Option<String>) -> Vec<u8> {
    let mut filled = Vec::with_capacity(input.len() + 256);
    let mut length_goes = Vec::new();
    let mut rest = input;
    while let Some(open) = rest.iter().position(|byte| *byte == b'{') {
        filled.extend_from_slice(&rest[..open]);
        rest = &rest[open..];
        let close = rest.iter().take(24).position(|byte| *byte == b'}');
        let name = close.and_then(|close| std::str::from_utf8(&rest[1..close]).ok());
        let value =
            name.and_then(
                |name| if name == "length" { Some(String::new()) } else { repeated(name).or_else(|| known(name)) },
            );
        match (name, value) {
            (Some(name), Some(value)) => {
                if name == "length" {
                    length_goes.push(filled.len());
                }
                filled.extend_from_slice(value.as_bytes());
                rest = &rest[name.len() + 2..];
            }
            (Some(_) | None, _) => {
                filled.push(b'{');
                rest = &rest[1..];
            }
        }
    }
    filled.extend_from_slice(rest);
    let head = filled.windows(4).position(|four| four == b"\r\n\r\n").map_or(filled.len(), |at| at + 4);
    let length = (filled.len() - head).to_string();
    for at in length_goes.into_iter().rev() {
        filled.splice(at..at, length.bytes());
    }
    filled
}

/// `5000a`: that many times the letter, up to 100,000.
fn repeated(name: &str) -> Option<String> {
    let (count, letter) = name.split_at_checked(name.len().checked_sub(1)?)?;
    let count: usize = count.parse().ok()?;
    (count <= 100_000).then(|| letter.repeat(count))
}

/// One answer of the router, before it goes through hyper.
async fn answered(method: Method, path: String, response: Response<Body>) -> Response<Body> {
    let (head, body) = response.into_parts();
    let body = body.collect().await.expect("a body that is ready is there").to_bytes();
    let told = format!("{method} {path} -> {} {}", head.status, body.escape_ascii());
    assert!(body.len() <= LONGEST_ANSWER, "{} bytes: {told:.400}", body.len());
    headers_hold(head.status, &head.headers, &told);
    if method != Method::HEAD {
        body_holds(head.status, &head.headers, &body, &told);
    }
    Response::from_parts(head, Body::from(body))
}

fn headers_hold(status: StatusCode, headers: &HeaderMap, told: &str) {
    let documented = Code::ALL.iter().map(|code| code.status()).chain([200, 201, 204]);
    assert!(documented.into_iter().any(|known| status == known), "an unknown status: {told}");
    assert!(!status.is_server_error() || status == 503, "{told}");
    for (name, value) in [("cache-control", "no-store"), ("x-content-type-options", "nosniff")] {
        assert_eq!(headers.get(name).map(|value| value.as_bytes()), Some(value.as_bytes()), "{name}: {told}");
    }
    assert_eq!(headers.contains_key("retry-after"), matches!(status.as_u16(), 429 | 503), "{told}");
    assert_eq!(headers.contains_key("www-authenticate"), status == 401, "{told}");
    // A method that is not there gets `Allow` even where something else is refused first: a size, a foreign host.
    let allow = headers.contains_key("allow");
    assert!(allow || status != 405, "{told}");
    assert!(!allow || status.is_client_error(), "{told}");
}

fn body_holds(status: StatusCode, headers: &HeaderMap, body: &[u8], told: &str) {
    let media_type = headers.get("content-type").map_or("", |value| value.to_str().expect("it is ASCII"));
    let json = || serde_json::from_slice::<Json>(body).unwrap_or_else(|error| panic!("{error}: {told}"));
    match media_type {
        "" => assert!(body.is_empty() && status == 204, "{told}"),
        "application/problem+json" => {
            let problem = json();
            let code = Code::ALL.iter().find(|code| problem["code"] == code.name());
            let code = code.unwrap_or_else(|| panic!("an unknown code: {told}"));
            assert!(status == code.status() && problem["status"] == code.status(), "{told}");
            assert_eq!(
                problem["request_id"].as_str().map(str::as_bytes),
                headers.get("x-request-id").map(|id| id.as_bytes())
            );
            assert!(body.len() <= LONGEST_REFUSAL, "{told}");
        }
        "application/json" => {
            // The teller surface refuses in its own form.
            let json = json();
            let refused = json.get("success") == Some(&Json::Bool(false));
            assert_eq!(refused, status.is_client_error() || status.is_server_error(), "{told}");
            assert!(!refused || json["code"] == status.as_u16() && body.len() <= LONGEST_REFUSAL, "{told}");
        }
        _ => assert!(status == 200, "{told}"),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::corpus;

    /// What is answered to each seed: of several requests, to the last.
    fn answers() -> BTreeMap<String, u16> {
        let mut answers = BTreeMap::new();
        let sites = [Kind::Sandbox, Kind::Real].map(|kind| RefCell::new(Site::new(kind)));
        for seed in corpus::seeds(&TARGET) {
            let (site, rest) = chosen(&sites, &seed.bytes);
            let site = &mut *site.borrow_mut();
            let told = site.exchange(&filled_in(rest, |name| site.known(name)), answered);
            let told = String::from_utf8_lossy(&told).into_owned();
            let last = told.rfind("HTTP/1.").map_or("", |at| &told[at..]);
            let status = last.split(' ').nth(1).and_then(|status| status.parse().ok());
            answers.insert(seed.name, status.unwrap_or(0));
        }
        sites.into_iter().for_each(|site| site.into_inner().close());
        answers
    }

    #[test]
    fn its_seeds_reach_what_they_are_named_for() {
        let answers = answers();
        let mut by_status: BTreeMap<u16, Vec<&str>> = BTreeMap::new();
        for (name, status) in &answers {
            by_status.entry(*status).or_default().push(name);
        }
        for name in [
            "sign-up",
            "customer",
            "log-in-card",
            "session",
            "log-out",
            "accounts",
            "account-open",
            "balance",
            "withdraw",
            "deposit",
            "transfer",
            "history",
            "transaction",
            "machine-transactions",
            "operator-customer",
            "card",
            "card-pin",
            "card-report",
            "atms",
            "atm-new",
            "atm-patch",
            "replenishment",
            "policies",
            "policies-put",
            "outbox",
            "wishes",
            "wishes-put",
            "dead-letters",
            "openapi",
            "docs",
            "teller-withdraw",
            "chunked",
            "real-withdraw",
            "real-log-in",
        ] {
            let status = answers[&format!("{name}.http")];
            assert!((200..300).contains(&status), "{name}: {status}");
        }
        for status in [400, 401, 403, 404, 405, 409, 413, 415, 422, 431] {
            assert!(by_status.contains_key(&status), "no seed is answered {status}: {by_status:#?}");
        }
    }
}
