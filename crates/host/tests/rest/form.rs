//! What holds for every path: size, route, method, media type, form, session, headers.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use axum::http::{Method, Request};
use serde_json::json;

use super::support::{JOHN, PATHS, Site, body_for, is_for_staff, is_open, request, with_header};

fn line(method: &Method, path: &str) -> String {
    format!("{method} {path}")
}

fn takes_json(method: &Method, path: &str) -> bool {
    let empty = ["/close", "/unblock", "/enrolment-codes"].iter().any(|end| path.ends_with(end));
    let reset = *method == Method::POST && path.ends_with("/pin");
    matches!(*method, Method::POST | Method::PUT | Method::PATCH) && !empty && !reset
}

#[tokio::test]
async fn it_gives_every_answer_an_id_and_careful_headers() {
    let site = Site::sandbox();
    let mut ids = std::collections::BTreeSet::new();
    for (method, path) in &PATHS {
        for told in
            [site.ask(&line(method, path), "", "").await, site.ask(&format!("GET /nowhere{path}"), "", "").await]
        {
            assert_eq!(told.header("cache-control"), "no-store", "{path}");
            assert_eq!(told.header("x-content-type-options"), "nosniff", "{path}");
            assert_eq!(told.header("x-request-id").len(), 36, "{path}");
            ids.insert(told.header("x-request-id").to_owned());
        }
    }
    assert_eq!(ids.len(), 2 * PATHS.len());
}

#[tokio::test]
async fn it_refuses_what_is_declared_too_long_before_anything_else() {
    let site = Site::sandbox();
    let declared = |line: &str, length: &str| {
        let (method, path) = line.split_once(' ').unwrap();
        Request::builder().method(method).uri(path).header("content-length", length).body(Body::empty()).unwrap()
    };
    for line in ["POST /api/sessions", "GET /api/accounts", "BREW /nowhere", "GET /"] {
        let told = site.send(declared(line, "65537")).await;
        told.is_problem(413, "body_too_large");
        assert_eq!(told.header("connection"), "close", "{line}");
    }
    site.send(declared("POST /nowhere", "65536")).await.is_problem(404, "not_found");
}

#[tokio::test]
async fn it_stops_reading_a_body_that_never_said_how_long_it_is() {
    let site = Site::sandbox();
    let endless = |length: usize| {
        let body = format!("{{\"email\":\"{}\"}}", "x".repeat(length - 12));
        let chunks = body.into_bytes().chunks(1_000).map(<[u8]>::to_vec).collect::<Vec<_>>();
        let request = Request::builder().method("POST").uri("/api/sessions").header("content-type", "application/json");
        request.body(Body::new(Chunks(chunks.into_iter()))).unwrap()
    };
    let told = site.send(endless(65_537)).await;
    told.is_problem(413, "body_too_large");
    assert_eq!(told.header("connection"), "close");
    site.send(endless(65_536)).await.is_wrong_in("email");
}

/// A body in pieces that never says how long it is.
struct Chunks(std::vec::IntoIter<Vec<u8>>);

impl hyper::body::Body for Chunks {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<hyper::body::Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.next().map(|chunk| Ok(hyper::body::Frame::data(chunk.into()))))
    }
}

#[tokio::test]
async fn it_knows_its_paths_and_methods() {
    let site = Site::sandbox();
    for path in [
        "/api",
        "/api/",
        "/api/accounts/",
        "/api/accounts/12345",
        "/API/accounts",
        "/api/sessions/current/x",
        "/favicon.ico",
        "//",
    ] {
        site.ask(&format!("GET {path}"), "", "").await.is_problem(404, "not_found");
    }
    for (method, path) in &PATHS {
        let told = site.ask(&format!("TRACE {path}"), "", "").await;
        told.is_problem(405, "method_not_allowed");
        let allowed = told.header("allow");
        assert!(allowed.split(',').any(|name| name.trim() == method.as_str()), "{path}: {allowed}");
    }
    let told = site.ask("GET /api/sessions", "", "").await;
    told.is_problem(405, "method_not_allowed");
    assert_eq!(told.header("allow"), "POST");
    let told = site.ask("HEAD /health/live", "", "").await;
    assert_eq!((told.status.as_u16(), told.body.len()), (200, 0));
}

#[tokio::test]
async fn it_wants_json_where_there_are_fields_and_nothing_where_there_are_none() {
    let site = Site::sandbox();
    for (method, path) in &PATHS {
        let plain = |content_type: Option<&str>, body: &'static str| {
            let mut request = Request::builder().method(method).uri(*path);
            if let Some(content_type) = content_type {
                request = request.header("content-type", content_type);
            }
            request.body(Body::from(body)).unwrap()
        };
        if takes_json(method, path) {
            for other in [None, Some("text/plain"), Some("application/xml"), Some("application/json; charset=latin1")] {
                site.send(plain(other, "{}")).await.is_problem(415, "unsupported_media_type");
            }
            for bad in ["", "{", "[]", "null", "\u{feff}{}"] {
                let told = site.send(plain(Some("application/json;charset=UTF-8"), bad)).await;
                told.is_problem(400, "invalid_request");
            }
            let mut invalid = plain(Some("application/json"), "");
            *invalid.body_mut() = Body::from(&b"{\"\xff\":1}"[..]);
            site.send(invalid).await.is_problem(400, "invalid_request");
            site.send(plain(Some("application/json"), "{\"nonsense\":1}")).await.is_wrong_in("nonsense");
        } else if *method == Method::POST {
            site.send(plain(None, "{}")).await.is_problem(400, "invalid_request");
            site.send(plain(None, "")).await.is_problem(401, "unauthenticated");
        }
    }
}

#[tokio::test]
async fn it_refuses_parameters_that_a_path_does_not_have() {
    let site = Site::sandbox();
    for (method, path) in &PATHS {
        if path.starts_with("/health") || is_open(path) {
            continue;
        }
        let separator = if path.contains('?') { '&' } else { '?' };
        let told = site.ask(&format!("{method} {path}{separator}colour=red"), "", body_for(method, path)).await;
        told.is_wrong_in("colour");
    }
    let told = site.ask("POST /api/sessions?colour=red", "", JOHN).await;
    told.is_wrong_in("colour");
}

#[tokio::test]
async fn it_asks_for_a_session_after_the_form() {
    let site = Site::sandbox();
    let unknown = format!("cps_{}", "A".repeat(43));
    for (method, path) in PATHS.iter().filter(|(_, path)| !is_open(path)) {
        let (line, body) = (line(method, path), body_for(method, path));
        for token in ["", "x", &unknown] {
            site.ask(&line, token, body).await.is_problem(401, "unauthenticated");
        }
        for header in ["Basic eDp5", "Bearer", &unknown] {
            site.send(with_header(&line, "", body, ("authorization", header))).await.is_problem(401, "unauthenticated");
        }
    }
}

#[tokio::test]
async fn it_keeps_staff_and_customers_apart() {
    let site = Site::sandbox();
    let (john, operator) = (site.log_in(JOHN).await, site.operator().await);
    for (method, path) in PATHS.iter().filter(|(_, path)| !is_open(path)) {
        let stranger = match is_for_staff(method, path) {
            None => continue,
            Some(true) => &john,
            Some(false) => &operator,
        };
        let told = site.ask(&line(method, path), stranger, body_for(method, path)).await;
        told.is_problem(403, "forbidden");
    }
}

#[tokio::test]
async fn it_says_that_a_session_has_ended() {
    let site = Site::sandbox();
    let (john, operator) = (site.log_in(JOHN).await, site.operator().await);
    for token in [&john, &operator] {
        assert_eq!(site.ask("DELETE /api/sessions/current", token, "").await.status, 204);
    }
    for (method, path) in PATHS.iter().filter(|(_, path)| !is_open(path)) {
        let (line, body) = (line(method, path), body_for(method, path));
        for token in [&john, &operator] {
            site.ask(&line, token, body).await.is_problem(401, "session_expired");
        }
    }
}

#[tokio::test]
async fn it_shows_pages_without_scripts() {
    let site = Site::real();
    for path in ["/", "/docs/errors"] {
        let told = site.ask(&format!("GET {path}"), "", "").await;
        assert_eq!((told.status.as_u16(), told.header("content-type")), (200, "text/html; charset=utf-8"));
        assert!(told.header("content-security-policy").starts_with("default-src 'none'"));
        assert!(!told.text().contains("<script"), "{path}");
    }
    let table = site.ask("GET /docs/errors", "", "").await.text();
    for code in cashpoint_wire::problem::Code::ALL {
        assert!(table.contains(&format!("id=\"{}\"", code.name())), "{code:?}");
    }
}

#[tokio::test]
async fn it_reads_tokens_and_hides_nothing_else_in_a_path() {
    let site = Site::sandbox();
    let john = site.log_in(JOHN).await;
    let lower = with_header("GET /api/sessions/current", "", "", ("authorization", &format!("bearer {john}")));
    assert_eq!(site.send(lower).await.status, 200);
    let mut twice = request("GET /api/sessions/current", &john, "");
    twice.headers_mut().append("authorization", format!("Bearer {john}").parse().unwrap());
    site.send(twice).await.is_problem(401, "unauthenticated");
    site.ask("GET /api/accounts/%FF/balance", &john, "").await.is_problem(400, "invalid_account_id");
    let told = site.ask("GET /api/accounts/abc/balance", "", "").await;
    told.is_problem(400, "invalid_account_id");
    assert_eq!(told.json()["field"], json!("account_id"));
}
