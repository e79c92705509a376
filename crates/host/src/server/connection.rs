//! One connection from its first byte to its last: handshake, requests to the router, answers back.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::body::Body;
use axum::http::header::CONNECTION;
use axum::http::{HeaderValue, Request, Response, StatusCode};
use cashpoint_wire::problem::{Code, Problem};
use hyper::body::{Body as _, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt;
use tracing::{debug, info};

use super::answered_by_hyper::Completed;
use super::body::{AnswerBody, RequestBody};
use super::register::{Register, Ticket};
use super::socket::Socket;
use super::stage::{Stage, Watch};
use super::{Counters, Overloaded, Peer};
use crate::look;

/// Most header fields of a request.
const HEADERS: usize = 64;

/// Seconds after which a client that was shed may try again: the shortest that the header can say.
const SHED_RETRY_S: u32 = 1;

/// The connection was over its time just as a request came in; nobody has looked at it.
#[derive(Debug)]
struct TooLate;

impl std::fmt::Display for TooLate {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("the connection is being closed")
    }
}

impl std::error::Error for TooLate {}

/// What every request of a connection needs.
pub(super) struct Connection {
    register: Arc<Register>,
    watch: Arc<Watch>,
    peer: SocketAddr,
    router: Router,
    /// How what was no request is named, if that came.
    refusal: OnceLock<String>,
}

impl Connection {
    pub(super) fn watch(&self) -> &Watch {
        &self.watch
    }

    /// A name for what was no request: the last that came.
    pub(super) fn name_refusal(&self) -> &str {
        self.refusal.get_or_init(|| self.register.next_id())
    }
}

/// Serves one connection to its end.
pub(super) async fn carry(stream: TcpStream, ticket: Ticket, router: Router) {
    let (register, watch, peer) = (ticket.register().clone(), ticket.watch().clone(), ticket.peer());
    let tls = register.options().tls.clone();
    let connection = Connection { register, watch, peer, router, refusal: OnceLock::new() };
    let socket = Socket::new(stream, ticket);
    let Some(config) = tls else { return speak(socket, connection).await };
    match TlsAcceptor::from(config).accept(socket).await {
        Ok(stream) => {
            connection.watch.shaken();
            // Boxed: a plain connection need not have the size of one with TLS.
            Box::pin(speak(stream, connection)).await;
        }
        Err(error) => debug!(%peer, %error, "TLS handshake failed"),
    }
}

/// HTTP/1.1 over `stream`.
async fn speak(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, connection: Connection) {
    let peer = connection.peer;
    let header_bytes = connection.register.options().header_bytes.max(8192);
    let connection = Arc::new(connection);
    let stream = Completed::new(stream, connection.clone());
    let answering = connection.clone();
    let service = service_fn(move |request| answer(answering.clone(), request));
    let served = http1::Builder::new()
        // Deadlines are ours: hyper's would measure the idle time between requests by the same clock as their heads.
        .header_read_timeout(None)
        .max_headers(HEADERS)
        .max_header_size(header_bytes)
        .max_buf_size(header_bytes)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades()
        .await;
    match served {
        Ok(()) => {}
        Err(error) if error.is_parse() => {
            let request_id = connection.refusal.get().map_or("-", String::as_str);
            info!(target: "cashpoint::server", %peer, %error, request_id, "refuses what is not HTTP");
        }
        Err(error) => debug!(%peer, %error, "connection broken off"),
    }
}

async fn answer(connection: Arc<Connection>, request: Request<Incoming>) -> Result<Response<AnswerBody>, TooLate> {
    let watch = &connection.watch;
    let next = if request.body().is_end_stream() { Stage::Handling } else { Stage::Body };
    if !watch.head_read(next) {
        return Err(TooLate);
    }
    let mut request = request.map(|incoming| Body::new(RequestBody::new(incoming, watch.clone())));
    request.extensions_mut().insert(Peer(connection.peer));
    let counters = connection.register.counters();
    let mut response = match connection.register.place() {
        Some(_place) => {
            connection.router.clone().oneshot(request).await.unwrap_or_else(|never: Infallible| match never {})
        }
        None => shed(&connection.register, request.uri().path()),
    };
    if response.extensions().get::<Overloaded>().is_some() {
        Counters::add(&counters.overloaded);
    }
    let late = watch.answered();
    if late || connection.register.is_stopping() {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        watch.upgraded();
        return Ok(response.map(|body| AnswerBody::new(body, None)));
    }
    Ok(response.map(|body| AnswerBody::new(body, Some(watch.clone()))))
}

/// The answer to one request too many.
fn shed(register: &Register, path: &str) -> Response<Body> {
    let (request_id, look) = (register.next_id(), register.options().looks.at(path));
    let mut response = Response::new(Body::empty());
    look::write(&mut response, &Problem::passing(Code::Overloaded, SHED_RETRY_S), &request_id, look);
    look::finish(response.headers_mut(), &request_id);
    response
}
