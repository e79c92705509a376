//! How problems are written down, in each part of the interface, and the headers that every answer has. Which problem
//! it is, others say.

use axum::body::Body;
use axum::http::header::{
    CACHE_CONTROL, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER,
    WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{Response, StatusCode};
use cashpoint_bank::bank::Bank;
use cashpoint_wire::problem::{self, Code, Problem};
use cashpoint_wire::teller;

use crate::answer::status_of;

pub(crate) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// How problems look, by the path that was asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Looks {
    /// Problem documents everywhere.
    #[default]
    Documents,
    /// The teller surface of a sandbox has a shape of its own.
    Sandbox,
}

/// How a problem looks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Look {
    ProblemDocument,
    Teller,
}

impl Looks {
    pub(crate) fn of(bank: &Bank) -> Self {
        if bank.is_sandbox() { Self::Sandbox } else { Self::Documents }
    }

    pub(crate) fn at(self, path: &str) -> Look {
        match self {
            Self::Sandbox if path.starts_with("/accounts/") => Look::Teller,
            Self::Sandbox | Self::Documents => Look::ProblemDocument,
        }
    }
}

/// Makes `response` the problem's: status, body, and the headers that go with them.
pub(crate) fn write(response: &mut Response<Body>, problem: &Problem, request_id: &str, look: Look) {
    let code = problem.code;
    let (status, body, media_type) = match look {
        Look::ProblemDocument => (status_of(code), problem.to_json(request_id), problem::MEDIA_TYPE),
        Look::Teller => {
            let (status, body) = teller::error(problem);
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
}

/// The headers that every answer has.
pub(crate) fn finish(headers: &mut HeaderMap, request_id: &str) {
    let id = HeaderValue::from_str(request_id).expect("a request id is hexadecimal digits and hyphens");
    headers.insert(X_REQUEST_ID, id);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
}
