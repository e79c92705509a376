//! What a handler gives back: an answer that is ready, or a problem that the edge writes down.
//!
//! A problem's document needs the request id, which only the edge knows, so a problem travels beside an empty response.

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use axum::http::{Response, StatusCode};
use axum::response::IntoResponse;
use cashpoint_bank::bank::Told;
use cashpoint_bank::execute::Failure;
use cashpoint_core::decide::Replay;
use cashpoint_core::outcome::Refusal;
use cashpoint_wire::answer::to_json;
use cashpoint_wire::malformed::Malformed;
use cashpoint_wire::problem::{Code, Problem};
use serde::Serialize;

use crate::incoming::Key;

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const TRUE: HeaderValue = HeaderValue::from_static("true");
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const IDEMPOTENT_REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// A handler's result.
pub(crate) type Answered = Result<Reply, Refused>;

/// An answer that is no problem.
#[derive(Debug)]
pub(crate) struct Reply {
    status: StatusCode,
    body: Option<Vec<u8>>,
    replay: Replay,
}

/// A problem, and whether it was told before.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) problem: Problem,
    replay: Replay,
}

/// The result of a request that has a key: the key goes back with every answer.
pub(crate) struct Keyed {
    pub(crate) key: Result<Key, Malformed>,
    pub(crate) result: Answered,
}

impl Reply {
    /// 200 with this body.
    pub(crate) fn ok(body: &impl Serialize) -> Self {
        Self::json(to_json(body))
    }

    /// 200 with this body, already written.
    pub(crate) const fn json(body: Vec<u8>) -> Self {
        Self { status: StatusCode::OK, body: Some(body), replay: Replay::First }
    }

    /// 201 with this body.
    pub(crate) fn created(body: &impl Serialize) -> Self {
        Self { status: StatusCode::CREATED, ..Self::ok(body) }
    }

    /// 202 with this body.
    pub(crate) fn accepted(body: &impl Serialize) -> Self {
        Self { status: StatusCode::ACCEPTED, ..Self::ok(body) }
    }

    /// 204.
    pub(crate) const fn nothing() -> Self {
        Self { status: StatusCode::NO_CONTENT, body: None, replay: Replay::First }
    }

    /// Says whether the answer was given before.
    pub(crate) fn replayed(self, replay: Replay) -> Self {
        Self { replay, ..self }
    }
}

impl Refused {
    /// A recorded refusal, perhaps told again.
    pub(crate) fn recorded(refusal: Refusal, replay: Replay) -> Self {
        Self { problem: refusal.into(), replay }
    }
}

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        Self { problem, replay: Replay::First }
    }
}

impl From<Code> for Refused {
    fn from(code: Code) -> Self {
        Problem::new(code).into()
    }
}

impl From<Malformed> for Refused {
    fn from(malformed: Malformed) -> Self {
        Problem::from(malformed).into()
    }
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Problem::from(refusal).into()
    }
}

impl From<Told> for Refused {
    fn from(Told { refusal, replay }: Told) -> Self {
        Self::recorded(refusal, replay)
    }
}

impl From<Failure> for Refused {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Overloaded => Problem::passing(Code::Overloaded, 1).into(),
            Failure::DatabaseUnavailable => Problem::passing(Code::DatabaseUnavailable, 5).into(),
            Failure::ClockDisagrees => Problem::passing(Code::ClockDisagrees, 30).into(),
            Failure::Internal => Code::Internal.into(),
        }
    }
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response<Body> {
        let mut response = match self.body {
            None => Response::new(Body::empty()),
            Some(body) => {
                let mut response = Response::new(Body::from(body));
                response.headers_mut().insert(CONTENT_TYPE, JSON);
                response
            }
        };
        *response.status_mut() = self.status;
        mark(&mut response, self.replay);
        response
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response<Body> {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = status_of(self.problem.code);
        mark(&mut response, self.replay);
        response.extensions_mut().insert(self.problem);
        response
    }
}

impl IntoResponse for Keyed {
    fn into_response(self) -> Response<Body> {
        let mut response = self.result.into_response();
        if let Ok(key) = self.key {
            response.headers_mut().insert(IDEMPOTENCY_KEY, key.into_header());
        }
        response
    }
}

/// The status of a code.
pub(crate) fn status_of(code: Code) -> StatusCode {
    StatusCode::from_u16(code.status()).expect("the table holds statuses of HTTP")
}

fn mark(response: &mut Response<Body>, replay: Replay) {
    match replay {
        Replay::First => {}
        Replay::Repeat => {
            response.headers_mut().insert(IDEMPOTENT_REPLAYED, TRUE);
        }
    }
}
