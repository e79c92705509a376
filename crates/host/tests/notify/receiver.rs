//! A webhook receiver on loopback, which can be told to misbehave.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use cashpoint_bank::clock::{Clock, SystemClock};
use cashpoint_wire::webhook::{ID_HEADER, SIGNATURE_HEADER, Signed, TIMESTAMP_HEADER, WebhookSecret};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::RETRY_AFTER;
use hyper::service::service_fn;
use hyper::{HeaderMap, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use crate::inbox::{Arrival, Inbox};

pub(crate) const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// What the receiver does with the requests to come.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mood {
    /// 204.
    Well = 0,
    /// 500, a stall, a broken connection, an arrival that is answered 503, in turn.
    Unwell = 1,
    /// 429, to be left alone for a second.
    Overwhelmed = 2,
    /// 410.
    Gone = 3,
    /// Never answers.
    Stalled = 4,
}

pub(crate) struct Receiver {
    pub(crate) inbox: Inbox,
    mood: AtomicUsize,
    asked: AtomicU64,
    pub(crate) address: SocketAddr,
}

impl Receiver {
    pub(crate) async fn start(mood: Mood) -> Arc<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (mood, asked) = (AtomicUsize::new(mood as usize), AtomicU64::new(0));
        let receiver = Arc::new(Self { inbox: Inbox::default(), mood, asked, address });
        let own = Arc::clone(&receiver);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let own = Arc::clone(&own);
                tokio::spawn(async move {
                    let service = service_fn(move |request| Arc::clone(&own).answer(request));
                    // A connection that breaks is part of the play.
                    let _ = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
        receiver
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    pub(crate) fn be(&self, mood: Mood) {
        self.mood.store(mood as usize, Ordering::SeqCst);
    }

    pub(crate) fn asked(&self) -> u64 {
        self.asked.load(Ordering::SeqCst)
    }

    async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, std::io::Error> {
        let turn = self.asked.fetch_add(1, Ordering::SeqCst);
        let (head, body) = request.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let arrival = believed(&head.headers, &body);
        match self.mood.load(Ordering::SeqCst) {
            1 => match turn % 7 {
                0 | 3 => return Ok(answered(StatusCode::INTERNAL_SERVER_ERROR)),
                1 => std::future::pending().await,
                2 => return Err(std::io::Error::other("and so the connection breaks")),
                4 => {
                    self.inbox.take(arrival);
                    return Ok(answered(StatusCode::SERVICE_UNAVAILABLE));
                }
                _ => {}
            },
            2 => {
                let mut response = answered(StatusCode::TOO_MANY_REQUESTS);
                response.headers_mut().insert(RETRY_AFTER, "1".parse().unwrap());
                return Ok(response);
            }
            3 => return Ok(answered(StatusCode::GONE)),
            4 => std::future::pending().await,
            _ => {}
        }
        self.inbox.take(arrival);
        Ok(answered(StatusCode::NO_CONTENT))
    }
}

fn answered(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    response
}

/// The message, if it is signed by the bank and fresh; nothing else may arrive here.
fn believed(headers: &HeaderMap, body: &[u8]) -> Arrival {
    let header = |name: &str| headers.get(name).unwrap().to_str().unwrap();
    let (id, timestamp, signature) = (header(ID_HEADER), header(TIMESTAMP_HEADER), header(SIGNATURE_HEADER));
    let now_s = SystemClock.reading().wall.micros() / 1_000_000;
    let secret = WebhookSecret::parse(SECRET).unwrap();
    secret.verify(Signed { id, timestamp, signature }, body, now_s).unwrap();
    let said: serde_json::Value = serde_json::from_slice(body).unwrap();
    assert_eq!(said["data"]["notification_id"], id);
    assert_eq!(said["data"]["type"], said["type"]);
    Arrival { id: id.to_owned(), whose: said["data"]["customer_id"].as_str().unwrap().to_owned() }
}
