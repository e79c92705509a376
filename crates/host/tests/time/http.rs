//! Requests that are not sent yet, and what came back.

use std::net::SocketAddr;

use axum::body::Body;
use axum::http::{HeaderMap, Request};
use cashpoint_host::server::Peer;
use serde_json::{Value, json};

/// A request that is not sent yet.
#[derive(Clone)]
pub(crate) struct Call {
    method: &'static str,
    path: String,
    token: Option<String>,
    channel: Option<String>,
    key: Option<String>,
    peer: Option<SocketAddr>,
    body: Option<Value>,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Call {
    pub(crate) fn token(self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self }
    }

    /// From where this is the credential, if from anywhere.
    pub(crate) fn channel(self, channel: Option<String>) -> Self {
        Self { channel, ..self }
    }

    pub(crate) fn key(self, key: &str) -> Self {
        Self { key: Some(key.to_owned()), ..self }
    }

    /// As a client at this address and port.
    pub(crate) fn from(self, peer: &str) -> Self {
        Self { peer: Some(peer.parse().unwrap()), ..self }
    }

    pub(crate) fn request(self, fresh_key: &str) -> Request<Body> {
        let mut request = Request::builder().method(self.method).uri(self.path);
        if let Some(token) = self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        if let Some(channel) = self.channel {
            request = request.header("cashpoint-channel", channel);
        }
        if self.method == "POST" {
            request = request.header("idempotency-key", self.key.as_deref().unwrap_or(fresh_key));
        }
        if let Some(peer) = self.peer {
            request = request.extension(Peer(peer));
        }
        match self.body {
            None => request.body(Body::empty()),
            Some(body) => request.header("content-type", "application/json").body(Body::from(body.to_string())),
        }
        .unwrap()
    }
}

impl Answer {
    /// It has this status.
    #[track_caller]
    pub(crate) fn is(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text);
        self
    }

    /// It is a problem document with this status and code.
    #[track_caller]
    pub(crate) fn refused(self, status: u16, code: &str) -> Self {
        assert_eq!((self.status, self.code().as_str()), (status, code), "{}", self.text);
        assert_eq!(self.headers["content-type"], "application/problem+json");
        self
    }

    /// Its body holds this text, numbers as they are written.
    #[track_caller]
    pub(crate) fn says(self, text: &str) -> Self {
        assert!(self.text.contains(text), "{} should say {text}", self.text);
        self
    }

    /// `Retry-After`, in seconds.
    #[track_caller]
    pub(crate) fn retry_after(&self) -> u32 {
        self.headers.get("retry-after").expect("it says when to come back").to_str().unwrap().parse().unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or(Value::Null)
    }

    #[track_caller]
    pub(crate) fn string(&self, pointer: &str) -> String {
        let json = self.json();
        let value = json.pointer(pointer).unwrap_or_else(|| panic!("{} has no {pointer}", self.text));
        value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
    }

    /// The problem's code; empty if it is none.
    pub(crate) fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }
}

pub(crate) fn get(path: &str) -> Call {
    let path = path.to_owned();
    Call { method: "GET", path, token: None, channel: None, key: None, peer: None, body: None }
}

pub(crate) fn post(path: &str, body: Value) -> Call {
    Call { method: "POST", body: Some(body), ..get(path) }
}

/// A POST for which no fields are given.
pub(crate) fn post_nothing(path: &str) -> Call {
    Call { method: "POST", ..get(path) }
}

pub(crate) fn put(path: &str, body: Value) -> Call {
    Call { method: "PUT", body: Some(body), ..get(path) }
}

pub(crate) fn online_log_in(email: &str, password: &str) -> Call {
    post("/api/sessions", json!({"email": email, "password": password}))
}
