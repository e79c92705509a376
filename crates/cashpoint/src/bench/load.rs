//! The load generator: connections that each send a request, wait for its answer, and send the next.
//!
//! It speaks the least HTTP/1.1 that our server answers (a status line, `content-length`), so that what is measured is
//! the server. It runs in the same process, and its cost is part of every figure.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use cashpoint_bank::clock::{Clock, SystemClock};
use hdrhistogram::Histogram;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// Small, quick, good enough for choosing accounts: xorshift64*.
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed | 1)
    }

    /// A number below `bound`.
    pub(super) fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let high = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 32;
        let product = high * u64::try_from(bound).expect("a count fits 64 bits");
        usize::try_from(product >> 32).expect("less than the bound")
    }
}

/// Writes the next request of a connection.
pub(super) type Ask = dyn Fn(&mut Dice, &mut Vec<u8>) + Send + Sync;

/// What a measurement came to.
pub(super) struct Stats {
    /// Answers 2xx.
    pub(super) ok: u64,
    /// Those of them that made something: 201.
    pub(super) created: u64,
    /// Answers 4xx.
    pub(super) refused: u64,
    /// Other answers, and connections that broke.
    pub(super) errors: u64,
    pub(super) seconds: f64,
    /// Of the answers 2xx, microseconds.
    pub(super) latency: Histogram<u64>,
}

impl Stats {
    pub(super) fn per_second(&self, count: u64) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
        let count = count as f64;
        count / self.seconds
    }
}

/// A quantile of microseconds, in milliseconds.
pub(super) fn quantile_ms(latency: &Histogram<u64>, quantile: f64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a time for people")]
    let micros = latency.value_at_quantile(quantile) as f64;
    micros / 1000.0
}

/// A histogram of microseconds up to a minute.
pub(super) fn new_histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 60_000_000, 3).expect("the bounds are in order")
}

/// How long the last answers may take once no more requests are sent; an answer that is later is an error.
const PATIENCE: Duration = Duration::from_secs(10);

/// What the connections share.
#[derive(Default)]
struct Shared {
    stop: AtomicBool,
    counting: AtomicBool,
    ok: AtomicU64,
    created: AtomicU64,
    refused: AtomicU64,
    errors: AtomicU64,
}

/// Drives `connections`, by turns against each of the addresses: a second to warm up, then `seconds` that count.
///
/// # Errors
/// The connections cannot be made.
pub(super) async fn drive(
    addresses: &[SocketAddr],
    connections: usize,
    seconds: u64,
    ask: Arc<Ask>,
) -> std::io::Result<Stats> {
    // One after the other: thousands at once would overrun the listener's backlog.
    let mut streams = Vec::with_capacity(connections);
    for &address in addresses.iter().cycle().take(connections) {
        streams.push((address, connect(address).await?));
    }
    let shared = Arc::new(Shared::default());
    let mut clients = JoinSet::new();
    for (number, (address, stream)) in (0..).zip(streams) {
        let (shared, ask) = (Arc::clone(&shared), Arc::clone(&ask));
        clients.spawn(client(Client { address, stream: Some(stream), number }, shared, ask));
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    shared.counting.store(true, Ordering::Relaxed);
    let began = SystemClock.boot();
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    shared.counting.store(false, Ordering::Relaxed);
    let seconds = SystemClock.boot().saturating_sub(began).as_secs_f64();
    shared.stop.store(true, Ordering::Relaxed);
    let latency = gather(clients, &shared).await;
    let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
    Ok(Stats {
        ok: read(&shared.ok),
        created: read(&shared.created),
        refused: read(&shared.refused),
        errors: read(&shared.errors),
        seconds,
        latency,
    })
}

/// Waits for the last answers.
async fn gather(mut clients: JoinSet<Vec<u32>>, shared: &Shared) -> Histogram<u64> {
    let mut latency = new_histogram();
    let finished = tokio::time::timeout(PATIENCE, async {
        while let Some(done) = clients.join_next().await {
            match done {
                Ok(took) => took.into_iter().for_each(|micros| latency.saturating_record(micros.into())),
                Err(_) => {
                    shared.errors.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
    });
    if finished.await.is_err() {
        let left = u64::try_from(clients.len()).expect("a count fits 64 bits");
        shared.errors.fetch_add(left, Ordering::Relaxed);
    }
    latency
}

/// One connection.
pub(super) struct Client {
    address: SocketAddr,
    stream: Option<TcpStream>,
    number: u64,
}

/// Says how long each answer 2xx took, in microseconds. A histogram for each connection would be in nobody's cache.
async fn client(mut client: Client, shared: Arc<Shared>, ask: Arc<Ask>) -> Vec<u32> {
    let mut latencies = Vec::new();
    let mut dice = Dice::new(client.number.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0x5DEE_CE66);
    let (mut request, mut answer) = (Vec::with_capacity(1024), Vec::with_capacity(4096));
    while !shared.stop.load(Ordering::Relaxed) {
        request.clear();
        ask(&mut dice, &mut request);
        let began = SystemClock.boot();
        let status = client.exchange(&request, &mut answer).await;
        if !shared.counting.load(Ordering::Relaxed) {
            continue;
        }
        let add = |count: &AtomicU64| count.fetch_add(1, Ordering::Relaxed);
        match status {
            Ok(status @ 200..=299) => {
                add(&shared.ok);
                if status == 201 {
                    add(&shared.created);
                }
                let took = SystemClock.boot().saturating_sub(began);
                latencies.push(u32::try_from(took.as_micros()).unwrap_or(u32::MAX));
            }
            Ok(400..=499) => {
                add(&shared.refused);
            }
            Ok(_) | Err(_) => {
                add(&shared.errors);
            }
        }
    }
    latencies
}

/// Sends each request once, over `connections` in turn; how many were answered 2xx.
///
/// # Errors
/// A connection cannot be made, or breaks.
pub(super) async fn once(address: SocketAddr, connections: usize, requests: Vec<Vec<u8>>) -> std::io::Result<usize> {
    let mut clients = Vec::new();
    for number in 0..u64::try_from(connections).expect("a count fits 64 bits") {
        clients.push(Client { address, stream: Some(connect(address).await?), number });
    }
    let mut shares: Vec<Vec<Vec<u8>>> = vec![Vec::new(); connections];
    for (at, request) in requests.into_iter().enumerate() {
        shares[at % connections].push(request);
    }
    let mut tasks = JoinSet::new();
    for (mut client, share) in clients.into_iter().zip(shares) {
        tasks.spawn(async move {
            let (mut ok, mut answer) = (0, Vec::with_capacity(4096));
            for request in share {
                ok += usize::from((200..300).contains(&client.exchange(&request, &mut answer).await?));
            }
            std::io::Result::Ok(ok)
        });
    }
    let mut ok = 0;
    while let Some(done) = tasks.join_next().await {
        ok += done.map_err(std::io::Error::other)??;
    }
    Ok(ok)
}

async fn connect(address: SocketAddr) -> std::io::Result<TcpStream> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

impl Client {
    /// Connects when it is used.
    pub(super) fn new(address: SocketAddr) -> Self {
        Self { address, stream: None, number: 0 }
    }

    /// Sends a request and waits for the whole answer; makes a new connection if the last one broke.
    ///
    /// # Errors
    /// No connection, or what came is no answer.
    pub(super) async fn exchange(&mut self, request: &[u8], answer: &mut Vec<u8>) -> std::io::Result<u16> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => connect(self.address).await?,
        };
        stream.write_all(request).await?;
        answer.clear();
        let status = loop {
            if stream.read_buf(answer).await? == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            if let Some(status) = whole(answer)? {
                break status;
            }
        };
        self.stream = Some(stream);
        Ok(status)
    }
}

/// The status, once head and body are there.
fn whole(answer: &[u8]) -> std::io::Result<Option<u16>> {
    let invalid = || std::io::Error::from(std::io::ErrorKind::InvalidData);
    let Some(head) = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n") else {
        return Ok(None);
    };
    let text = std::str::from_utf8(&answer[..head]).map_err(|_| invalid())?;
    let status = text.get(9..12).and_then(|code| code.parse().ok()).ok_or_else(invalid)?;
    let length = text
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .map_or(Ok(0), |(_, value)| value.trim().parse::<usize>().map_err(|_| invalid()))?;
    Ok((answer.len() >= head + 4 + length).then_some(status))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sees_when_an_answer_is_whole() {
        let status = |text: &str| whole(text.as_bytes()).map_err(|error| error.kind());
        assert_eq!(status("HTTP/1.1 201 Created\r\ncontent-le"), Ok(None));
        assert_eq!(status("HTTP/1.1 201 Created\r\nContent-Length: 3\r\n\r\n{}"), Ok(None));
        assert_eq!(status("HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}"), Ok(Some(201)));
        assert_eq!(status("HTTP/1.1 204 No Content\r\n\r\n"), Ok(Some(204)));
        assert_eq!(status("nonsense\r\n\r\n"), Err(std::io::ErrorKind::InvalidData));
    }

    #[test]
    fn throws_numbers_below_the_bound() {
        let mut dice = Dice::new(7);
        let mut seen = [0_u32; 10];
        for _ in 0..10_000 {
            seen[dice.below(10)] += 1;
        }
        assert!(seen.iter().all(|&count| (800..1_200).contains(&count)), "{seen:?}");
    }
}
