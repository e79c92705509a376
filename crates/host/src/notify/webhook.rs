//! Signed webhooks to the operator's endpoint, by the Standard Webhooks specification.
//!
//! 2xx is delivered. 410 says that the endpoint is gone, so that no repeat will arrive either. Everything else is tried
//! again; redirects are not followed, because a signed message is for one address.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use cashpoint_bank::bank::Bank;
use cashpoint_core::event::EventKind;
use cashpoint_core::notification::ChannelName;
use cashpoint_core::time::Timestamp;
use cashpoint_wire::answer::notification::WebhookBody;
use cashpoint_wire::answer::to_json;
use cashpoint_wire::webhook::{ID_HEADER, NotASecret, SIGNATURE_HEADER, TIMESTAMP_HEADER, WebhookSecret};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, RETRY_AFTER, USER_AGENT};
use hyper::{Request, Response, StatusCode, Uri};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use super::{Channel, Delivery, Notification, Sent, Trouble, everything, name, retry_after};

pub(super) const NAME: &str = "webhook";

const AT_ONCE: usize = 64;

/// What is read of an answer's body, so that the connection can be used again.
const LONGEST_ANSWER: usize = 64 * 1024;

const AGENT: &str = concat!("cashpoint/", env!("CARGO_PKG_VERSION"));

/// Why there is no webhook.
#[derive(Debug)]
pub enum WebhookError {
    /// Not an address of http or https.
    Address,
    /// Not a secret.
    Secret(NotASecret),
    /// The authorities that the system trusts cannot be read.
    Authorities(std::io::Error),
}

/// The operator's endpoint.
pub struct Webhook {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    address: Uri,
    secret: WebhookSecret,
    deadline: Duration,
    bank: Bank,
}

impl Webhook {
    /// Sends to `address`, signed with `secret` (`whsec_…`); each delivery may take as long as `deadline`.
    ///
    /// # Errors
    /// [`WebhookError`].
    pub fn new(bank: Bank, address: &str, secret: &str, deadline: Duration) -> Result<Self, WebhookError> {
        let address: Uri = address.parse().map_err(|_| WebhookError::Address)?;
        let known = matches!(address.scheme_str(), Some("http" | "https"));
        if !known || address.host().is_none_or(str::is_empty) {
            return Err(WebhookError::Address);
        }
        let secret = WebhookSecret::parse(secret).map_err(WebhookError::Secret)?;
        if address.scheme_str() == Some("http") {
            tracing::info!("webhooks go out over plain HTTP: signed, and readable on their way");
        }
        let provider = rustls::crypto::ring::default_provider();
        let https = hyper_rustls::HttpsConnectorBuilder::new()
            .with_provider_and_native_roots(provider)
            .map_err(WebhookError::Authorities)?
            .https_or_http()
            .enable_http1()
            .build();
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(Duration::from_secs(30))
            .pool_max_idle_per_host(AT_ONCE)
            .build(https);
        Ok(Self { client, address, secret, deadline, bank })
    }

    async fn post(&self, notification: Notification) -> Sent {
        let Notification { id, event } = notification;
        let (id, sent_s) = (id.to_string(), self.bank.now().micros() / 1_000_000);
        let body = to_json(&WebhookBody::new(notification.id, &event));
        let request = Request::post(self.address.clone())
            .header(CONTENT_TYPE, "application/json")
            .header(USER_AGENT, AGENT)
            .header(TIMESTAMP_HEADER, sent_s)
            .header(SIGNATURE_HEADER, self.secret.sign(&id, sent_s, &body))
            .header(ID_HEADER, id)
            .body(Full::new(Bytes::from(body)))
            .expect("an id, a number and base64 are header values");
        match self.client.request(request).await {
            Ok(response) => {
                let sent = judged(&response, self.bank.now());
                // Whatever it says; one that says too much loses the connection.
                drop(Limited::new(response.into_body(), LONGEST_ANSWER).collect().await);
                sent
            }
            Err(error) => {
                let why = if error.is_connect() { "no connection" } else { "the connection broke off" };
                Sent::Later { why: why.to_owned(), after_ms: None, trouble: Trouble::Channel }
            }
        }
    }
}

/// What an answer means.
fn judged(response: &Response<Incoming>, now: Timestamp) -> Sent {
    let asked = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
    of_status(response.status(), asked.and_then(|value| retry_after::parse(value, now)))
}

fn of_status(status: StatusCode, after_ms: Option<i64>) -> Sent {
    let why = format!("HTTP {}", status.as_u16());
    if status.is_success() {
        return Sent::Delivered;
    }
    if status == StatusCode::GONE {
        return Sent::Never { why };
    }
    // Of an endpoint that is not found, or does not know us, nobody else's message would be taken either.
    let own = [StatusCode::BAD_REQUEST, StatusCode::PAYLOAD_TOO_LARGE, StatusCode::UNPROCESSABLE_ENTITY];
    let trouble = if own.contains(&status) { Trouble::Message } else { Trouble::Channel };
    Sent::Later { why, after_ms, trouble }
}

impl Channel for Webhook {
    fn name(&self) -> ChannelName {
        name(NAME)
    }

    fn usually(&self) -> fn(EventKind) -> bool {
        everything
    }

    fn at_once(&self) -> usize {
        AT_ONCE
    }

    fn deadline(&self) -> Duration {
        self.deadline
    }

    fn deliver(self: Arc<Self>, notification: Notification) -> Delivery {
        Box::pin(async move { self.post(notification).await })
    }
}

impl fmt::Display for WebhookError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address => out.write_str("a webhook's address begins with http:// or https:// and names a host"),
            Self::Secret(error) => error.fmt(out),
            Self::Authorities(error) => write!(out, "the authorities that this system trusts cannot be read: {error}"),
        }
    }
}

impl std::error::Error for WebhookError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(status: u16, expected: &Sent) {
        assert_eq!(&of_status(StatusCode::from_u16(status).unwrap(), Some(3_000)), expected);
    }

    #[test]
    fn takes_any_success_for_delivered_and_gone_for_never() {
        for status in [200, 201, 202, 204, 299] {
            check(status, &Sent::Delivered);
        }
        check(410, &Sent::Never { why: "HTTP 410".to_owned() });
    }

    #[test]
    fn tries_everything_else_again() {
        let later =
            |status: u16, trouble| Sent::Later { why: format!("HTTP {status}"), after_ms: Some(3_000), trouble };
        for status in [301, 307, 401, 403, 404, 429, 500, 502, 503, 504] {
            check(status, &later(status, Trouble::Channel));
        }
        for status in [400, 413, 422] {
            check(status, &later(status, Trouble::Message));
        }
    }
}
