//! A tap between client and devices: passes every frame on, and holds each message against the schema.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::{Error, Message as Frame};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, accept_hdr_async, connect_async};

const SCHEMA: &str = include_str!("../../../wire/tests/schemas/xfs4iot-2024-3-subset.schema.json");

/// What was passed on, and what of it was no message of the specification.
#[derive(Default)]
pub(crate) struct Passed {
    /// Messages by name and type, in the order of their first crossing.
    pub(crate) names: Vec<String>,
    pub(crate) wrong: Vec<String>,
}

pub(crate) struct Tap {
    pub(crate) address: SocketAddr,
    target: Arc<Mutex<SocketAddr>>,
    passed: Arc<Mutex<Passed>>,
}

struct Judge {
    schema: jsonschema::Validator,
    passed: Arc<Mutex<Passed>>,
    target: Arc<Mutex<SocketAddr>>,
    own: String,
}

impl Tap {
    /// Between whoever connects here and the devices at `target`.
    pub(crate) async fn open(target: SocketAddr) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (target, passed) = (Arc::new(Mutex::new(target)), Arc::new(Mutex::new(Passed::default())));
        let schema: Value = serde_json::from_str(SCHEMA).unwrap();
        let judge = Arc::new(Judge {
            schema: jsonschema::draft202012::options().build(&schema).unwrap(),
            passed: Arc::clone(&passed),
            target: Arc::clone(&target),
            own: address.to_string(),
        });
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(carry(stream, Arc::clone(&judge)));
            }
        });
        Self { address, target, passed }
    }

    /// From now on the devices are there.
    pub(crate) fn turn_to(&self, target: SocketAddr) {
        *self.target.lock().unwrap() = target;
    }

    pub(crate) fn passed(&self) -> std::sync::MutexGuard<'_, Passed> {
        self.passed.lock().unwrap()
    }
}

async fn carry(stream: TcpStream, judge: Arc<Judge>) {
    let mut path = String::new();
    #[expect(clippy::result_large_err, reason = "the signature that the handshake asks for")]
    let look = |asked: &Request, response: Response| -> Result<Response, ErrorResponse> {
        asked.uri().path().clone_into(&mut path);
        Ok(response)
    };
    let Ok(mut near) = accept_hdr_async(stream, look).await else { return };
    let target = *judge.target.lock().unwrap();
    // Devices that are away hang up, and so does the tap.
    let Ok((mut far, _)) = connect_async(format!("ws://{target}{path}")).await else { return };
    loop {
        tokio::select! {
            frame = near.next() => if judge.pass(frame, &mut far).await.is_none() { return },
            frame = far.next() => if judge.pass_back(frame, &mut near, target).await.is_none() { return },
        }
    }
}

type Far = WebSocketStream<MaybeTlsStream<TcpStream>>;
type Received = Option<Result<Frame, Error>>;

impl Judge {
    async fn pass(&self, frame: Received, to: &mut Far) -> Option<()> {
        let frame = frame?.ok()?;
        self.look_at(&frame);
        to.send(frame).await.ok()
    }

    /// The publisher names the devices' own addresses; a client is to stay on this side.
    async fn pass_back(&self, frame: Received, to: &mut WebSocketStream<TcpStream>, target: SocketAddr) -> Option<()> {
        let mut frame = frame?.ok()?;
        self.look_at(&frame);
        if let Frame::Text(text) = &frame {
            frame = Frame::text(text.replace(&target.to_string(), &self.own));
        }
        to.send(frame).await.ok()
    }

    fn look_at(&self, frame: &Frame) {
        let Frame::Text(text) = frame else { return };
        let message: Value = serde_json::from_str(text).unwrap();
        let mut passed = self.passed.lock().unwrap();
        for error in self.schema.iter_errors(&message) {
            passed.wrong.push(format!("{error}: {message}"));
        }
        let header = &message["header"];
        let name = format!("{} {}", header["type"].as_str().unwrap(), header["name"].as_str().unwrap());
        if !passed.names.contains(&name) {
            passed.names.push(name);
        }
    }
}
