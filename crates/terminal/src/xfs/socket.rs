//! One connection to one service: text frames, request ids, and whether the other side is still there.

use std::time::Duration;

use cashpoint_wire::xfs::envelope::{Message, Request};
use cashpoint_wire::xfs::message::Command;
use cashpoint_wire::xfs::value::Version;
use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio::time::{Interval, MissedTickBehavior, interval, timeout};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Bytes, Message as Frame};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};

/// The most that a message may have, as the reference service has it.
const LARGEST: usize = 2 * 1024 * 1024;

/// Pings in a row that may stay unanswered.
const MOST_UNANSWERED: u32 = 3;

/// Why a connection is of no more use.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Broken {
    /// It could not be made.
    Refused,
    /// It was closed, or fell.
    Closed,
    /// Nothing came back for too long.
    Silent,
    /// What came makes no sense.
    Nonsense,
}

pub(super) struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    pings: Interval,
    unanswered: u32,
    last_id: u32,
    grace: Duration,
}

impl Socket {
    pub(super) async fn open(address: &str, grace: Duration, ping: Duration) -> Result<Self, Broken> {
        let limits = WebSocketConfig::default().max_message_size(Some(LARGEST)).max_frame_size(Some(LARGEST));
        let connecting = connect_async_with_config(address, Some(limits), true);
        let (stream, _) = timeout(grace, connecting).await.map_err(|_| Broken::Silent)?.map_err(|_| Broken::Refused)?;
        let mut pings = interval(ping);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        pings.reset();
        Ok(Self { stream, pings, unanswered: 0, last_id: 0, grace })
    }

    /// Sends a command under the next id, which it gives back.
    pub(super) async fn send(
        &mut self,
        command: Command,
        version: Version,
        limit: Option<Duration>,
    ) -> Result<u32, Broken> {
        self.last_id += 1;
        let timeout_ms = limit.map(|limit| u32::try_from(limit.as_millis()).unwrap_or(u32::MAX));
        let request = Request { id: self.last_id, timeout_ms, version, command };
        self.write(Frame::text(request.encode())).await?;
        Ok(self.last_id)
    }

    /// Whether a command was ever sent under this id.
    pub(super) const fn has_sent(&self, id: u32) -> bool {
        id != 0 && id <= self.last_id
    }

    /// The next message. May be dropped and asked again without losing one.
    pub(super) async fn next(&mut self) -> Result<Message, Broken> {
        loop {
            tokio::select! {
                frame = self.stream.next() => {
                    let frame = frame.ok_or(Broken::Closed)?.map_err(|_| Broken::Closed)?;
                    // Whatever comes shows that somebody is there.
                    self.unanswered = 0;
                    match frame {
                        Frame::Text(text) => return Message::decode(&text).map_err(|_| Broken::Nonsense),
                        Frame::Binary(bytes) => {
                            let text = std::str::from_utf8(&bytes).map_err(|_| Broken::Nonsense)?;
                            return Message::decode(text).map_err(|_| Broken::Nonsense);
                        }
                        Frame::Close(_) => return Err(Broken::Closed),
                        Frame::Ping(_) | Frame::Pong(_) | Frame::Frame(_) => {}
                    }
                }
                _ = self.pings.tick() => {
                    if self.unanswered >= MOST_UNANSWERED {
                        return Err(Broken::Silent);
                    }
                    self.unanswered += 1;
                    self.write(Frame::Ping(Bytes::new())).await?;
                }
            }
        }
    }

    async fn write(&mut self, frame: Frame) -> Result<(), Broken> {
        let writing = self.stream.send(frame);
        timeout(self.grace, writing).await.map_err(|_| Broken::Silent)?.map_err(|_| Broken::Closed)
    }
}
