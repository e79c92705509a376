//! The load generator: connections that each send a request, wait for its answer, and send the next.
//!
//! It speaks the least HTTP/1.1 that our server answers (a status line, `content-length`), so that what is measured is
//! the server. It runs in the same process, and its cost is part of every figure.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use hdrhistogram::Histogram;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::Instant;

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

/// What a round of load came to.
pub(super) struct Stats {
    pub(super) ok: u64,
    pub(super) refused: u64,
    pub(super) errors: u64,
    pub(super) seconds: f64,
    /// Microseconds.
    pub(super) latency: Histogram<u64>,
}

impl Stats {
    pub(super) fn per_second(&self, count: u64) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
        let count = count as f64;
        count / self.seconds
    }

    pub(super) fn quantile_ms(&self, quantile: f64) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a time for people")]
        let micros = self.latency.value_at_quantile(quantile) as f64;
        micros / 1000.0
    }
}

struct Shared {
    stop: AtomicBool,
    counting: AtomicBool,
    ok: AtomicU64,
    refused: AtomicU64,
    errors: AtomicU64,
}

/// Drives `connections` against `address`: a second to warm up, then `seconds` that count.
pub(super) async fn drive(address: SocketAddr, connections: usize, seconds: u64, ask: Arc<Ask>) -> Stats {
    let shared = Arc::new(Shared {
        stop: AtomicBool::new(false),
        counting: AtomicBool::new(false),
        ok: AtomicU64::new(0),
        refused: AtomicU64::new(0),
        errors: AtomicU64::new(0),
    });
    let mut clients = tokio::task::JoinSet::new();
    for number in 0..connections {
        let (shared, ask) = (Arc::clone(&shared), Arc::clone(&ask));
        clients.spawn(client(address, number, shared, ask));
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    shared.counting.store(true, Ordering::Relaxed);
    let began = Instant::now();
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    shared.counting.store(false, Ordering::Relaxed);
    let seconds = began.elapsed().as_secs_f64();
    shared.stop.store(true, Ordering::Relaxed);
    let mut latency = new_histogram();
    while let Some(done) = clients.join_next().await {
        match done {
            Ok(own) => latency.add(own).expect("all histograms have one range"),
            Err(_) => {
                shared.errors.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
    let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
    Stats { ok: read(&shared.ok), refused: read(&shared.refused), errors: read(&shared.errors), seconds, latency }
}

fn new_histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 60_000_000, 3).expect("the bounds are in order")
}

async fn client(address: SocketAddr, number: usize, shared: Arc<Shared>, ask: Arc<Ask>) -> Histogram<u64> {
    let mut latency = new_histogram();
    let seed = u64::try_from(number).expect("a count fits 64 bits").wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let mut dice = Dice::new(seed ^ 0x5DEE_CE66);
    let mut connection = None;
    let (mut request, mut answer) = (Vec::with_capacity(1024), Vec::with_capacity(4096));
    while !shared.stop.load(Ordering::Relaxed) {
        request.clear();
        ask(&mut dice, &mut request);
        let began = Instant::now();
        let status = exchange(&mut connection, address, &request, &mut answer).await;
        if !shared.counting.load(Ordering::Relaxed) {
            continue;
        }
        match status {
            Ok(200..=299) => {
                shared.ok.fetch_add(1, Ordering::Relaxed);
                let micros = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
                latency.saturating_record(micros);
            }
            Ok(400..=499) => {
                shared.refused.fetch_add(1, Ordering::Relaxed);
            }
            Ok(_) | Err(_) => {
                shared.errors.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
    latency
}

async fn exchange(
    connection: &mut Option<TcpStream>,
    address: SocketAddr,
    request: &[u8],
    answer: &mut Vec<u8>,
) -> std::io::Result<u16> {
    let mut stream = match connection.take() {
        Some(stream) => stream,
        None => {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            stream
        }
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
    *connection = Some(stream);
    Ok(status)
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
