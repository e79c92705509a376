//! The outermost layer: request ids, the limit on bodies, problems written down, and one log line per request.
//!
//! A log line has the path's pattern and never the path, because a client may put anything into a path; bodies, tokens
//! and card numbers do not reach it.

use std::time::Duration;

use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{CONTENT_LENGTH, HeaderMap};
use axum::http::{Response, StatusCode};
use axum::middleware::Next;
use axum::response::IntoResponse;
use cashpoint_wire::problem::{Code, Problem};
use tracing::Instrument;

use crate::answer::Refused;
use crate::app::App;
use crate::incoming::LONGEST_BODY;
use crate::look::{self, Look, Looks};
use crate::metrics::Handled;
use crate::server::Overloaded;

/// Wraps every request.
pub(crate) async fn edge(State(app): State<App>, request: Request, next: Next) -> Response<Body> {
    let began = app.options().clock.boot();
    let request_id = app.ids().next();
    let method = request.method().clone();
    let pattern = request.extensions().get::<MatchedPath>().cloned();
    let look = Looks::of(app.bank()).at(request.uri().path());
    let response = if declares_too_much(request.headers()) {
        Refused::from(Code::BodyTooLarge).into_response()
    } else {
        // What is logged on the way, down to the commit, can be told apart by request where it is asked for.
        let path = pattern.as_ref().map_or("-", MatchedPath::as_str);
        let span = tracing::debug_span!(target: "cashpoint::request", "request", request_id, %method, path);
        next.run(request).instrument(span).await
    };
    let (mut response, code) = written(response, &request_id, look);
    look::finish(response.headers_mut(), &request_id);
    let took: Duration = app.options().clock.boot().saturating_sub(began);
    let status = response.status().as_u16();
    let pattern = pattern.as_ref().map(MatchedPath::as_str);
    app.options().metrics.count(&Handled { method: &method, pattern, status, code, took });
    let path = pattern.unwrap_or("-");
    let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
    let shed = code == Some(Code::Overloaded);
    if shed {
        response.extensions_mut().insert(Overloaded);
    }
    let code = code.map_or("-", Code::name);
    // Failures of ours are always in the log, for who was given the request id; the rest only where it is asked for. So
    // is what was shed: a line for each would make an overload worse, and the server tells how many there were.
    if response.status().is_server_error() && !shed {
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
    look::write(&mut response, &problem, request_id, look);
    (response, Some(problem.code))
}
