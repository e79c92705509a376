//! WebSocket connections: the publisher and the services behind one port.
//!
//! What messages mean is not known here but for the publisher's one question.

use std::sync::Arc;
use std::time::Duration;

use cashpoint_core::terminal::device::Unit;
use cashpoint_wire::xfs::envelope::{Completion, CompletionCode, Dialect, Message, Refused, Request};
use cashpoint_wire::xfs::message::{Answer, Command};
use cashpoint_wire::xfs::word::Word as _;
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request as Asked, Response};
use tokio_tungstenite::tungstenite::http::StatusCode;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Message as Frame, Utf8Bytes};

use super::desk::{ConnectionId, Desk};
use super::{Jobs, PUBLISHER_PATH, capability};
use crate::model::UNITS;

/// Connections at once.
const MOST_CONNECTIONS: usize = 64;
/// How long a handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(5);
/// Longest message, bytes.
const LONGEST_MESSAGE: usize = 2 * 1024 * 1024;
/// How long to wait after a connection could not be accepted.
const AFTER_AN_ERROR: Duration = Duration::from_millis(100);

/// What a path leads to.
#[derive(Clone, Copy)]
enum Place {
    Publisher,
    Service(Unit),
}

/// Accepts connections for ever.
pub(super) async fn accept(listener: TcpListener, jobs: Jobs) {
    let room = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(AFTER_AN_ERROR).await;
            continue;
        };
        let Ok(place) = Arc::clone(&room).try_acquire_owned() else { continue };
        let jobs = jobs.clone();
        tokio::spawn(async move {
            serve(stream, jobs).await;
            drop(place);
        });
    }
}

async fn serve(stream: TcpStream, jobs: Jobs) {
    // A machine without power does not even greet.
    if jobs.run(|desk| desk.hardware().has_power()).await != Ok(true) {
        return;
    }
    _ = stream.set_nodelay(true);
    let mut found = None;
    #[expect(clippy::result_large_err, reason = "the signature that the handshake asks for")]
    let look = |asked: &Asked, response: Response| {
        found = place(asked.uri().path());
        if found.is_some() { Ok(response) } else { Err(not_found()) }
    };
    let limits =
        WebSocketConfig::default().max_message_size(Some(LONGEST_MESSAGE)).max_frame_size(Some(LONGEST_MESSAGE));
    let handshake = tokio_tungstenite::accept_hdr_async_with_config(stream, look, Some(limits));
    let Ok(Ok(socket)) = timeout(HANDSHAKE, handshake).await else { return };
    match found {
        Some(Place::Publisher) => publish(socket, jobs).await,
        Some(Place::Service(unit)) => attend(socket, jobs, unit).await,
        None => {}
    }
}

fn place(path: &str) -> Option<Place> {
    if path == PUBLISHER_PATH || path == PUBLISHER_PATH.trim_end_matches('/') {
        return Some(Place::Publisher);
    }
    let name = path.strip_prefix(PUBLISHER_PATH)?;
    let name = name.strip_suffix('/').unwrap_or(name);
    UNITS.into_iter().find(|unit| capability::name(*unit) == name).map(Place::Service)
}

fn not_found() -> ErrorResponse {
    let mut response = ErrorResponse::new(None);
    *response.status_mut() = StatusCode::NOT_FOUND;
    response
}

type Socket = WebSocketStream<TcpStream>;

/// Carries messages between a client and a service until either goes away.
async fn attend(mut socket: Socket, jobs: Jobs, unit: Unit) {
    let Ok(Some((id, mut messages))) = jobs.run_with(move |counter| counter.open(unit)).await else { return };
    carry(&mut socket, &jobs, id, &mut messages).await;
    // If the machine is gone, so is everything that was asked of it.
    _ = jobs.run(move |desk| desk.closed(id)).await;
}

async fn carry(socket: &mut Socket, jobs: &Jobs, id: ConnectionId, messages: &mut mpsc::Receiver<String>) {
    loop {
        tokio::select! {
            message = messages.recv() => {
                let Some(text) = message else { return };
                if socket.send(Frame::Text(text.into())).await.is_err() {
                    return;
                }
            }
            frame = socket.next() => {
                let Some(text) = text(frame) else { return };
                let Some(text) = text else { continue };
                if jobs.run(move |desk| desk.receive(id, &text)).await.is_err() {
                    return;
                }
            }
        }
    }
}

/// What a frame brings; none: the connection is over.
fn text(frame: Option<Result<Frame, tokio_tungstenite::tungstenite::Error>>) -> Option<Option<Utf8Bytes>> {
    match frame? {
        Ok(Frame::Text(text)) => Some(Some(text)),
        Ok(Frame::Binary(bytes)) => Utf8Bytes::try_from(bytes).ok().map(Some),
        Ok(Frame::Ping(_) | Frame::Pong(_)) => Some(None),
        Ok(Frame::Close(_) | Frame::Frame(_)) | Err(_) => None,
    }
}

/// Answers which services there are.
async fn publish(mut socket: Socket, jobs: Jobs) {
    loop {
        let Some(text) = text(socket.next().await) else { return };
        let Some(text) = text else { continue };
        let Ok(answers) = jobs.run(move |desk| published(desk, &text)).await else { return };
        for answer in answers {
            if socket.send(Frame::Text(answer.into())).await.is_err() {
                return;
            }
        }
    }
}

fn published(desk: &Desk, text: &str) -> Vec<String> {
    let dialect: Dialect = desk.dialect();
    let encode = |message: Message| message.encode(dialect);
    match Request::decode(text) {
        Err(Refused::AtOnce(echo, refusal)) => vec![encode(Message::Acknowledge(echo, Some(refusal)))],
        Err(Refused::Completed(echo, code, why)) => {
            let completion = Completion::ended(echo.id, echo.name.clone(), code, Some(why.to_owned()));
            vec![encode(Message::Acknowledge(echo, None)), encode(Message::Completion(completion))]
        }
        Ok(request) => {
            let completion = if matches!(request.command, Command::GetServices(_)) {
                Completion::done(request.id, Answer::GetServices(desk.services()))
            } else {
                let name = request.command.name().word();
                Completion::ended(request.id, name, CompletionCode::InvalidCommand, None)
            };
            vec![encode(Message::Acknowledge(request.echo(), None)), encode(Message::Completion(completion))]
        }
    }
}
