//! What a server is told before it starts: deadlines and caps, with values that suit a bank's host.

use std::sync::Arc;
use std::time::Duration;

use super::Counters;
use crate::address::Proxies;
use crate::look::Looks;

/// How a server treats its connections. The default serves plain HTTP to at most 12,000 of them.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    /// The certificate and key to serve with; without them it is plain HTTP.
    pub tls: Option<Arc<rustls::ServerConfig>>,
    /// How long each part of a connection may take.
    pub deadlines: Deadlines,
    /// Most connections at once; one more is answered 503 (over plain HTTP) and closed.
    pub connections: usize,
    /// Most connections at once from one address (IPv6: one /64), if there is such a limit. Loopback and `proxies` are
    /// not counted: behind them stands more than one client.
    pub connections_per_address: Option<usize>,
    /// Proxies that stand between clients and this server.
    pub proxies: Proxies,
    /// Most requests being answered at once; one more is answered 503 with `Retry-After`. A connection has one at a
    /// time, so this binds only below `connections`.
    pub requests: usize,
    /// Most bytes of a request's head; more is answered 431. At least 8,192, which is what is read ahead.
    pub header_bytes: usize,
    /// How the server's own refusals look.
    pub looks: Looks,
    /// Where the server counts; keep a clone to look at it while it runs.
    pub counters: Arc<Counters>,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            tls: None,
            deadlines: Deadlines::default(),
            connections: 12_000,
            connections_per_address: None,
            proxies: Proxies::default(),
            requests: 12_000,
            header_bytes: 16 * 1024,
            looks: Looks::default(),
            counters: Arc::default(),
        }
    }
}

/// How long each part of a connection may take. What is over its time is closed within an eighth of the shortest of
/// them, at most a quarter of a second, later (if the machine keeps up); never sooner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadlines {
    /// From the connection to the end of the TLS handshake.
    pub handshake: Duration,
    /// From there to the first byte of the first request.
    pub first_byte: Duration,
    /// From the first byte of a request to the end of its head, however steadily it drips.
    pub header: Duration,
    /// From the end of the head to the end of the body, however steadily it drips. Reading the body then fails with
    /// [`super::LateBody`]; the connection is closed after the answer.
    pub body: Duration,
    /// From the end of the request to the head of its answer. The last resort: every wait inside has a deadline of its
    /// own, far below.
    pub answer: Duration,
    /// From the moment when the client's window is full to the moment when all that waits is sent, however steadily it
    /// reads.
    pub write: Duration,
    /// From the end of an answer to the next request.
    pub idle: Duration,
    /// How long what a client still sends after the last answer is read and thrown away, so that the answer reaches it:
    /// closing with bytes unread resets the connection.
    pub linger: Duration,
    /// From the order to stop to the end of the last answer; what is not done by then is cut.
    pub drain: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            handshake: Duration::from_secs(10),
            first_byte: Duration::from_secs(10),
            header: Duration::from_secs(5),
            body: Duration::from_secs(10),
            answer: Duration::from_secs(60),
            write: Duration::from_secs(20),
            idle: Duration::from_secs(60),
            linger: Duration::from_secs(2),
            drain: Duration::from_secs(8),
        }
    }
}
