//! The outermost layer: request ids, the limit on bodies, how problems look, headers that every answer has, and one log
//! line per request.
//!
//! A log line has the path's pattern and never the path, because a client may put anything into a path; bodies, tokens
//! and card numbers do not reach it.

use std::time::Duration;

use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER,
    WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{Response, StatusCode};
use axum::middleware::Next;
use axum::response::IntoResponse;
use cashpoint_wire::problem::{self, Code, Problem};
use cashpoint_wire::teller;
use tracing::Instrument;

use crate::answer::{Refused, status_of};
use crate::app::App;
use crate::incoming::LONGEST_BODY;
use crate::metrics::Handled;

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// How the problems of a part of the interface look.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Look {
    ProblemDocument,
    Teller,
}

/// Wraps every request.
pub(crate) async fn edge(State(app): State<App>, request: Request, next: Next) -> Response<Body> {
    let began = app.options().clock.boot();
    let request_id = app.ids().next();
    let method = request.method().clone();
    let pattern = request.extensions().get::<MatchedPath>().cloned();
    let teller = app.bank().is_sandbox() && request.uri().path().starts_with("/accounts/");
    let look = if teller { Look::Teller } else { Look::ProblemDocument };
    let response = if declares_too_much(request.headers()) {
        Refused::from(Code::BodyTooLarge).into_response()
    } else {
        // What is logged on the way, down to the commit, can be told apart by request where it is asked for.
        let path = pattern.as_ref().map_or("-", MatchedPath::as_str);
        let span = tracing::debug_span!(target: "cashpoint::request", "request", request_id, %method, path);
        next.run(request).instrument(span).await
    };
    let (mut response, code) = written(response, &request_id, look);
    finish(response.headers_mut(), &request_id);
    let took: Duration = app.options().clock.boot().saturating_sub(began);
    let status = response.status().as_u16();
    let pattern = pattern.as_ref().map(MatchedPath::as_str);
    app.options().metrics.count(&Handled { method: &method, pattern, status, code, took });
    let path = pattern.unwrap_or("-");
    let code = code.map_or("-", Code::name);
    let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
    // Failures of ours are always in the log, for who was given the request id; the rest only where it is asked for.
    if response.status().is_server_error() {
        tracing::warn!(target: "cashpoint::request", %method, path, status, code, micros, request_id);
    } else {
        tracing::debug!(target: "cashpoint::request", %method, path, status, code, micros, request_id);
    }
    response
}

/// Whether the head says that the body is longer than any may be. A length that is no number is hyper's to refuse.
fn declares_too_much(headers: &HeaderMap) -> bool {
    let length = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    let length: Option<usize> = length.and_then(|text| text.parse().ok());
    length.is_some_and(|length| length > LONGEST_BODY)
}

/// Writes down the problem that a response carries, if it does.
fn written(mut response: Response<Body>, request_id: &str, look: Look) -> (Response<Body>, Option<Code>) {
    let problem: Option<Problem> = response.extensions_mut().remove();
    let problem = match problem {
        Some(problem) => problem,
        // The router's own answer: it has `Allow` and no body.
        None if response.status() == StatusCode::METHOD_NOT_ALLOWED => Code::MethodNotAllowed.into(),
        None => return (response, None),
    };
    let code = problem.code;
    let (status, body, media_type) = match look {
        Look::ProblemDocument => (status_of(code), problem.to_json(request_id), problem::MEDIA_TYPE),
        Look::Teller => {
            let (status, body) = teller::error(&problem);
            (StatusCode::from_u16(status).unwrap_or(status_of(code)), body, "application/json")
        }
    };
    *response.status_mut() = status;
    *response.body_mut() = Body::from(body);
    let headers = response.headers_mut();
    headers.remove(CONTENT_LENGTH);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    if let Some(seconds) = problem.retry_after_s() {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    if code == Code::BodyTooLarge {
        // What is left of the body is not waited for.
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    if code == Code::SessionExpired {
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer error=\"invalid_token\""));
    } else if code.status() == 401 {
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    (response, Some(code))
}

fn finish(headers: &mut HeaderMap, request_id: &str) {
    let id = HeaderValue::from_str(request_id).expect("a request id is hexadecimal digits and hyphens");
    headers.insert(X_REQUEST_ID, id);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
}
