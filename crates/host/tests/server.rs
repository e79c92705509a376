//! The listener over real sockets: deadlines, caps, bounded memory, and a stop that lets answers out.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

use std::collections::BTreeSet;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Extension, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use axum::routing::{get, post};
use cashpoint_host::server::{Counters, Deadlines, LateBody, Peer, ServeSummary, ServerOptions, serve};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, oneshot};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, interval, sleep, timeout};

const GET: &[u8] = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n";

/// Longer than anything here takes; what takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(20);

/// A deadline that is not the subject of a test.
const FAR: Duration = Duration::from_secs(600);

/// Who is served has to be faster than this too.
const SHORT: Duration = Duration::from_millis(1_000);

/// What may come on top of a deadline on a busy machine.
const BUSY: Duration = Duration::from_secs(10);

const NO_DEADLINES: Deadlines = Deadlines {
    handshake: FAR,
    first_byte: FAR,
    header: FAR,
    body: FAR,
    answer: FAR,
    write: FAR,
    idle: FAR,
    linger: Duration::from_secs(2),
    drain: PATIENCE,
};

struct Server {
    address: SocketAddr,
    counters: Arc<Counters>,
    /// Lets the handlers of `/gate` go on.
    gate: Arc<Notify>,
    /// Requests that reached the router.
    handled: Arc<AtomicU64>,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<ServeSummary>,
}

#[derive(Clone)]
struct Play {
    gate: Arc<Notify>,
    handled: Arc<AtomicU64>,
}

impl Server {
    async fn start(options: ServerOptions) -> Self {
        let play = Play { gate: Arc::default(), handled: Arc::default() };
        let (gate, handled) = (play.gate.clone(), play.handled.clone());
        let router = Router::new()
            .route(
                "/",
                get(|State(play): State<Play>| async move {
                    play.handled.fetch_add(1, Ordering::SeqCst);
                    "ok"
                }),
            )
            .route("/peer", get(|Extension(Peer(peer)): Extension<Peer>| async move { peer.to_string() }))
            .route("/large", get(large))
            .route("/heads", get(heads))
            .route(
                "/gate",
                get(|State(play): State<Play>| async move {
                    play.gate.notified().await;
                    "gone on"
                }),
            )
            .route("/length", post(length))
            .route("/no-body-please", post(|| async { StatusCode::PAYLOAD_TOO_LARGE }))
            .route("/echo", get(echo))
            .with_state(play);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let counters = options.counters.clone();
        let stopped = async move { stopped.await.unwrap_or(()) };
        let serving = tokio::spawn(serve(listener, router, options, stopped));
        Self { address, counters, gate, handled, stop, serving }
    }

    async fn with_deadlines(change: impl FnOnce(&mut Deadlines)) -> Self {
        let mut deadlines = NO_DEADLINES;
        change(&mut deadlines);
        Self::start(ServerOptions { deadlines, ..ServerOptions::default() }).await
    }

    async fn connect(&self) -> TcpStream {
        within(TcpStream::connect(self.address)).await.unwrap()
    }

    async fn stop(self) -> ServeSummary {
        self.stop.send(()).unwrap();
        within(self.serving).await.unwrap()
    }
}

async fn large(State(play): State<Play>) -> Bytes {
    play.handled.fetch_add(1, Ordering::SeqCst);
    static LARGE: [u8; 16 << 20] = [b'x'; 16 << 20];
    Bytes::from_static(&LARGE)
}

/// Answers whose weight is in their head.
async fn heads(State(play): State<Play>) -> ([(&'static str, HeaderValue); 1], ()) {
    play.handled.fetch_add(1, Ordering::SeqCst);
    static LONG: [u8; 4 << 10] = [b'x'; 4 << 10];
    ([("x-long", HeaderValue::from_bytes(&LONG).unwrap())], ())
}

async fn length(request: Request) -> (StatusCode, String) {
    match to_bytes(request.into_body(), 1 << 20).await {
        Ok(body) => (StatusCode::OK, body.len().to_string()),
        Err(error) if LateBody::caused(&error) => (StatusCode::REQUEST_TIMEOUT, "late".to_owned()),
        Err(error) => (StatusCode::BAD_REQUEST, error.to_string()),
    }
}

/// Another protocol: what comes goes back.
async fn echo(mut request: Request) -> Response {
    let upgrade = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        let mut stream = hyper_util::rt::TokioIo::new(upgrade.await.unwrap());
        let (mut from, mut to) = tokio::io::split(&mut stream);
        tokio::io::copy(&mut from, &mut to).await.unwrap();
        stream.write_all(b"bye").await.unwrap();
        stream.shutdown().await.unwrap();
    });
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    response.headers_mut().insert(header::UPGRADE, HeaderValue::from_static("echo"));
    response
}

async fn within<T>(future: impl Future<Output = T>) -> T {
    timeout(PATIENCE, future).await.expect("it does not hang")
}

#[derive(Debug)]
struct Answer {
    status: u16,
    head: String,
    body: String,
}

async fn read_answer(stream: &mut TcpStream) -> Answer {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(within(stream.read_u8()).await.expect("an answer"));
    }
    let head = String::from_utf8(head).unwrap().to_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap_or("0");
    let mut body = vec![0; length.parse().unwrap()];
    within(stream.read_exact(&mut body)).await.expect("a whole body");
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer { status, head, body: String::from_utf8(body).unwrap() }
}

/// The request's name in a head in lower case.
fn named(head: &str) -> &str {
    let name = head.lines().find_map(|line| line.strip_prefix("x-request-id: ")).unwrap_or_default();
    assert_eq!(name.len(), 36, "{head}");
    name
}

async fn ask(stream: &mut TcpStream, request: &[u8]) -> Answer {
    within(stream.write_all(request)).await.unwrap();
    read_answer(stream).await
}

async fn ask_once(server: &Server, request: &[u8]) -> Answer {
    ask(&mut server.connect().await, request).await
}

/// Waits until the other side is closed; what still came.
async fn read_to_end(stream: &mut TcpStream) -> Vec<u8> {
    let mut rest = Vec::new();
    // A reset is an end too.
    let _ = within(stream.read_to_end(&mut rest)).await;
    rest
}

async fn until(what: impl Fn() -> bool) {
    within(async {
        let mut step = interval(Duration::from_millis(2));
        while !what() {
            step.tick().await;
        }
    })
    .await;
}

/// What a rude client does after it has connected.
#[derive(Clone, Copy)]
struct Rude {
    sends: &'static [u8],
    /// Sent again and again, every few milliseconds.
    drips: &'static [u8],
}

impl Rude {
    /// Returns when the server has closed the connection: how long that took, and what came.
    async fn play(self, address: SocketAddr) -> (Duration, Vec<u8>) {
        let began = Instant::now();
        let mut stream = within(TcpStream::connect(address)).await.unwrap();
        let _ = stream.write_all(self.sends).await;
        let mut came = Vec::new();
        let (mut from, mut to) = stream.split();
        let mut reading = pin!(from.read_to_end(&mut came));
        let mut step = interval(Duration::from_millis(20));
        within(async {
            loop {
                tokio::select! {
                    _ = &mut reading => break,
                    _ = step.tick(), if !self.drips.is_empty() => { let _ = to.write_all(self.drips).await; }
                }
            }
        })
        .await;
        (began.elapsed(), came)
    }
}

/// Asks on one connection, over and over, until it is told to stop; how often, and how long the longest took.
async fn steady(address: SocketAddr, stop: Arc<AtomicBool>) -> (u64, Duration) {
    let mut stream = within(TcpStream::connect(address)).await.unwrap();
    let (mut asked, mut longest) = (0, Duration::ZERO);
    while !stop.load(Ordering::SeqCst) {
        let began = Instant::now();
        let answer = ask(&mut stream, GET).await;
        assert_eq!((answer.status, answer.body.as_str()), (200, "ok"));
        longest = longest.max(began.elapsed());
        asked += 1;
    }
    (asked, longest)
}

/// `count` rude clients of each kind at once: each is closed after `deadline` and not before, and has got what `want`
/// begins with; meanwhile a steady one is served.
async fn check_rude(server: &Server, kinds: &[(&str, Rude, &[u8])], count: usize, deadline: Duration) {
    // It serves, so that what is measured is what it does to those who come then.
    assert_eq!(ask_once(server, GET).await.status, 200);
    let done = Arc::new(AtomicBool::new(false));
    let client = tokio::spawn(steady(server.address, done.clone()));
    let mut clients = JoinSet::new();
    for (index, &(_, rude, _)) in kinds.iter().enumerate() {
        for _ in 0..count {
            let address = server.address;
            clients.spawn(async move { (index, rude.play(address).await) });
        }
    }
    while let Some(ended) = within(clients.join_next()).await {
        let (index, (took, came)) = ended.unwrap();
        let (name, _, want) = kinds[index];
        let text = String::from_utf8_lossy(&came[..came.len().min(200)]);
        assert!(took >= deadline, "{name}: closed after {took:?}: {text}");
        assert!(took < deadline + BUSY, "{name}: closed after {took:?}");
        assert!(if want.is_empty() { came.is_empty() } else { came.starts_with(want) }, "{name}: {text}");
    }
    done.store(true, Ordering::SeqCst);
    let (asked, longest) = within(client).await.unwrap();
    assert!(asked > 20, "a steady client got {asked} answers");
    assert!(longest < BUSY, "a steady client waited {longest:?}");
    until(|| server.counters.open() == 0).await;
    assert_eq!(server.counters.late(), u64::try_from(kinds.len() * count).unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn it_closes_what_is_silent_or_slow_and_serves_everybody_else() {
    let server = Server::with_deadlines(|deadlines| {
        deadlines.first_byte = SHORT;
        deadlines.header = SHORT;
        deadlines.body = SHORT;
        deadlines.idle = SHORT;
        deadlines.write = SHORT;
    })
    .await;
    let half_body = b"POST /length HTTP/1.1\r\nhost: x\r\ncontent-length: 60000\r\n\r\nhalf";
    let kinds: [(&str, Rude, &[u8]); 8] = [
        ("zero bytes", Rude { sends: b"", drips: b"" }, b""),
        ("half a head", Rude { sends: b"GET / HTTP/1.1\r\nho", drips: b"" }, b""),
        ("a dripping head", Rude { sends: b"GET / HTTP/1.1\r\n", drips: b"a: b\r\n" }, b""),
        ("a dripping first line", Rude { sends: b"G", drips: b"E" }, b""),
        ("half a body", Rude { sends: half_body, drips: b"" }, b"HTTP/1.1 408 "),
        ("a dripping body", Rude { sends: half_body, drips: b"." }, b"HTTP/1.1 408 "),
        ("silent after a request", Rude { sends: GET, drips: b"" }, b"HTTP/1.1 200 "),
        (
            "half a head after a request",
            Rude { sends: b"GET / HTTP/1.1\r\nhost: x\r\n\r\nGET /", drips: b"" },
            b"HTTP/1.1 200 ",
        ),
    ];
    check_rude(&server, &kinds, 10, SHORT).await;
    assert_eq!(server.stop().await.cut, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_outlives_a_thousand_rude_sockets() {
    let deadline = Duration::from_millis(1_500);
    let server = Server::with_deadlines(|deadlines| {
        deadlines.first_byte = deadline;
        deadlines.header = deadline;
        deadlines.idle = deadline;
    })
    .await;
    let kinds: [(&str, Rude, &[u8]); 4] = [
        ("zero bytes", Rude { sends: b"", drips: b"" }, b""),
        ("half a head", Rude { sends: b"GET / HTTP/1.1\r\nho", drips: b"" }, b""),
        ("a dripping head", Rude { sends: b"GET / HTTP/1.1\r\n", drips: b"a" }, b""),
        ("idle after a request", Rude { sends: GET, drips: b"" }, b"HTTP/1.1 200 "),
    ];
    check_rude(&server, &kinds, 250, deadline).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_closes_on_who_does_not_take_his_answers() {
    let server = Server::with_deadlines(|deadlines| deadlines.write = SHORT).await;
    let began = Instant::now();
    // One reads nothing, one a little now and then, which is no progress worth waiting for.
    let mut silent = server.connect().await;
    let mut slow = server.connect().await;
    for stream in [&mut silent, &mut slow] {
        stream.write_all(b"GET /large HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    }
    until(|| server.counters.open() == 2).await;
    let mut step = interval(Duration::from_millis(20));
    let mut taken = 0;
    let mut piece = [0; 64];
    while server.counters.open() > 0 {
        step.tick().await;
        taken += slow.read(&mut piece).await.unwrap_or(0);
        assert!(began.elapsed() < PATIENCE, "it is still open");
    }
    assert!(began.elapsed() >= SHORT);
    assert!((1..1 << 20).contains(&taken), "{taken}");
    assert_eq!(server.counters.late(), 2);
    // One that reads as fast as it can gets all of it.
    let answer = ask_once(&server, b"GET /large HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert_eq!((answer.status, answer.body.len()), (200, 16 << 20));
}

#[tokio::test(flavor = "multi_thread")]
async fn it_gives_up_on_a_handler_that_never_answers() {
    let server = Server::with_deadlines(|deadlines| deadlines.answer = SHORT).await;
    let mut stream = server.connect().await;
    let began = Instant::now();
    stream.write_all(b"GET /gate HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    assert_eq!(read_to_end(&mut stream).await, b"");
    assert!(began.elapsed() >= SHORT);
    until(|| server.counters.in_flight() == 0 && server.counters.open() == 0).await;
}

#[tokio::test]
async fn it_keeps_a_connection_for_many_requests_and_tells_who_asks() {
    let server = Server::with_deadlines(|_| ()).await;
    let mut stream = server.connect().await;
    let me = stream.local_addr().unwrap().to_string();
    for _ in 0..100 {
        assert_eq!(ask(&mut stream, b"GET /peer HTTP/1.1\r\nhost: x\r\n\r\n").await.body, me);
    }
    let post = b"POST /length HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\nhello";
    assert_eq!(ask(&mut stream, post).await.body, "5");
    let chunked =
        b"POST /length HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n3\r\n, x\r\n0\r\n\r\n";
    assert_eq!(ask(&mut stream, chunked).await.body, "8");
    within(stream.write_all(b"HEAD / HTTP/1.1\r\nhost: x\r\n\r\n")).await.unwrap();
    let mut head = [0; 512];
    let length = within(stream.read(&mut head)).await.unwrap();
    assert!(head[..length].ends_with(b"\r\n\r\n"));
    assert_eq!(ask(&mut stream, GET).await.body, "ok");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_refuses_a_connection_too_many_at_once_and_takes_it_when_one_leaves() {
    let options = ServerOptions { connections: 3, ..ServerOptions::default() };
    let server = Server::start(options).await;
    let mut inside = Vec::new();
    for _ in 0..3 {
        let mut stream = server.connect().await;
        assert_eq!(ask(&mut stream, GET).await.status, 200);
        inside.push(stream);
    }
    for _ in 0..300 {
        let mut stream = server.connect().await;
        let answer = ask(&mut stream, GET).await;
        assert_eq!(answer.status, 503);
        assert!(answer.head.contains("\r\nretry-after: 1\r\n"), "{}", answer.head);
        assert!(answer.head.contains("\r\ncontent-type: application/problem+json\r\n"), "{}", answer.head);
        assert!(answer.body.contains("\"code\":\"overloaded\""), "{}", answer.body);
        assert_eq!(read_to_end(&mut stream).await, b"");
    }
    assert_eq!(ask(&mut inside[0], GET).await.status, 200);
    drop(inside.pop());
    until(|| server.counters.open() == 2).await;
    assert_eq!(ask_once(&server, GET).await.status, 200);
    let summary = server.stop().await;
    assert_eq!((summary.accepted, summary.refused, summary.cut), (4, 300, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn it_sheds_a_request_too_many_and_keeps_its_connection() {
    let server = Server::start(ServerOptions { requests: 2, ..ServerOptions::default() }).await;
    let mut waiting = Vec::new();
    for _ in 0..2 {
        let mut stream = server.connect().await;
        stream.write_all(b"GET /gate HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        waiting.push(stream);
    }
    until(|| server.counters.in_flight() == 2).await;
    let mut third = server.connect().await;
    let mut names = BTreeSet::new();
    for _ in 0..10 {
        let answer = ask(&mut third, GET).await;
        assert_eq!(answer.status, 503);
        assert!(answer.head.contains("\r\nretry-after: 1\r\n"), "{}", answer.head);
        assert!(answer.head.contains("\r\ncache-control: no-store\r\n"), "{}", answer.head);
        let name = named(&answer.head);
        assert!(answer.body.contains(&format!("\"request_id\":\"{name}\"")), "{}", answer.body);
        names.insert(name.to_owned());
    }
    assert_eq!(names.len(), 10, "each has a name of its own");
    server.gate.notify_one();
    until(|| server.counters.in_flight() == 1).await;
    assert_eq!(ask(&mut third, GET).await.status, 200);
    assert_eq!(server.handled.load(Ordering::SeqCst), 1);
    server.gate.notify_waiters();
    for stream in &mut waiting {
        assert_eq!(read_answer(stream).await.body, "gone on");
    }
    assert_eq!(server.stop().await.shed, 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_refuses_heads_that_are_too_large_or_no_http() {
    let server = Server::with_deadlines(|deadlines| deadlines.header = SHORT).await;
    let line = format!("GET /{} HTTP/1.1\r\nhost: x\r\n\r\n", "a".repeat(20_000));
    let field = format!("GET / HTTP/1.1\r\nhost: x\r\na: {}\r\n\r\n", "a".repeat(20_000));
    let endless = format!("GET / HTTP/1.1\r\nhost: x\r\na: {}", "a".repeat(1 << 20));
    let many = format!("GET / HTTP/1.1\r\nhost: x\r\n{}\r\n", "a: b\r\n".repeat(100));
    let cases: [(&str, u16); 7] = [
        (&line, 431),
        (&field, 431),
        (&endless, 431),
        (&many, 431),
        ("\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\u{0}\u{1}", 400),
        ("HELO there\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n", 400),
    ];
    for (request, want) in cases {
        let mut stream = server.connect().await;
        let _ = stream.write_all(request.as_bytes()).await;
        let came = String::from_utf8(read_to_end(&mut stream).await).unwrap();
        let status = came.split(' ').nth(1).unwrap_or_default();
        let request = &request[..request.len().min(60)];
        assert!(status == want.to_string() || (want == 431 && status == "414"), "{request:?}: {came}");
        let (head, body) = came.split_once("\r\n\r\n").unwrap();
        let name = named(&head.to_lowercase()).to_owned();
        assert!(head.contains("connection: close"), "{head}");
        // The table of codes has one for what is no request, and none for a head that is too long.
        let document = body.contains("\"code\":\"invalid_request\"") && body.contains(&name);
        assert_eq!((document, body.is_empty()), (want == 400, want != 400), "{request:?}: {came}");
    }
    // Behind a good request, in one piece with it and after it.
    let mut stream = server.connect().await;
    let answer = ask(&mut stream, &[GET, b"HELO there\r\n\r\n"].concat()).await;
    assert_eq!((answer.status, answer.body.as_str()), (200, "ok"));
    let answer = read_answer(&mut stream).await;
    assert!(answer.status == 400 && answer.body.contains(named(&answer.head)), "{answer:?}");
    assert_eq!(read_to_end(&mut stream).await, b"");
    server.handled.store(0, Ordering::SeqCst);
    assert_eq!(server.handled.load(Ordering::SeqCst), 0);
    assert_eq!(ask_once(&server, GET).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_answers_pipelined_requests_in_order_and_no_more_than_are_taken() {
    let server = Server::with_deadlines(|deadlines| deadlines.write = SHORT).await;
    let mut stream = server.connect().await;
    within(stream.write_all(&GET.repeat(1_000))).await.unwrap();
    for _ in 0..1_000 {
        assert_eq!(read_answer(&mut stream).await.body, "ok");
    }
    assert_eq!(server.handled.swap(0, Ordering::SeqCst), 1_000);
    drop(stream);
    // 4 KB each and 16 MB each: what waits to be taken is bounded by bytes, not by answers.
    for (request, asked, most) in [("HEAD /heads", 20_000, 10_000), ("GET /large", 100, 2)] {
        let before = server.counters.accepted();
        let mut stream = server.connect().await;
        let requests = format!("{request} HTTP/1.1\r\nhost: x\r\n\r\n").repeat(asked);
        let _ = within(stream.write_all(requests.as_bytes())).await;
        until(|| server.counters.accepted() > before && server.counters.open() == 0).await;
        let handled = server.handled.swap(0, Ordering::SeqCst);
        assert!((1..=most).contains(&handled), "{request}: {handled} answers for a client that takes none");
    }
    assert_eq!(server.counters.late(), 2);
}

/// Alone on its thread: while this test connects, nobody is let in.
#[tokio::test]
async fn it_keeps_a_burst_of_connections_waiting_and_loses_none() {
    let server = Server::with_deadlines(|_| ()).await;
    assert_eq!(ask_once(&server, GET).await.status, 200);
    let connect = |_| std::net::TcpStream::connect_timeout(&server.address, PATIENCE / 4);
    let burst: Result<Vec<_>, _> = (0..1_000).map(connect).collect();
    let burst = burst.expect("all of them wait");
    until(|| server.counters.accepted() == 1_001).await;
    drop(burst);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_gets_a_refusal_through_to_a_client_that_is_still_sending() {
    let server = Server::with_deadlines(|_| ()).await;
    for _ in 0..20 {
        let stream = server.connect().await;
        let (mut from, mut to) = stream.into_split();
        let sending = tokio::spawn(async move {
            let head = b"POST /no-body-please HTTP/1.1\r\nhost: x\r\ncontent-length: 8000000\r\n\r\n";
            to.write_all(head).await.unwrap();
            to.write_all(&vec![b'x'; 8_000_000]).await.expect("no reset while it sends");
        });
        let mut came = Vec::new();
        within(from.read_to_end(&mut came)).await.expect("no reset before the answer");
        assert!(came.starts_with(b"HTTP/1.1 413 "), "{}", String::from_utf8_lossy(&came));
        within(sending).await.unwrap();
    }
    until(|| server.counters.open() == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_finishes_what_is_in_flight_before_it_ends() {
    let server = Server::with_deadlines(|_| ()).await;
    let mut idle = server.connect().await;
    assert_eq!(ask(&mut idle, GET).await.status, 200);
    let mut fresh = server.connect().await;
    let mut slow = server.connect().await;
    slow.write_all(b"GET /gate HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut half = server.connect().await;
    half.write_all(b"POST /length HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\nhe").await.unwrap();
    until(|| server.counters.in_flight() == 2 && server.counters.accepted() == 4).await;

    let Server { address, gate, stop, serving, .. } = server;
    stop.send(()).unwrap();
    // Who waits for nothing is let go at once, and nobody new comes in.
    assert_eq!(read_to_end(&mut idle).await, b"");
    assert_eq!(read_to_end(&mut fresh).await, b"");
    assert!(within(TcpStream::connect(address)).await.is_err());
    assert!(!serving.is_finished());
    half.write_all(b"llo").await.unwrap();
    let answer = read_answer(&mut half).await;
    assert_eq!((answer.status, answer.body.as_str()), (200, "5"));
    assert!(answer.head.contains("\r\nconnection: close\r\n"), "{}", answer.head);
    gate.notify_one();
    assert_eq!(read_answer(&mut slow).await.body, "gone on");
    let summary = within(serving).await.unwrap();
    assert_eq!((summary.accepted, summary.cut, summary.late), (4, 0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn it_cuts_what_is_not_done_by_the_drain_deadline() {
    let server = Server::with_deadlines(|deadlines| deadlines.drain = SHORT).await;
    let mut slow = server.connect().await;
    slow.write_all(b"GET /gate HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    until(|| server.counters.in_flight() == 1).await;
    let began = Instant::now();
    let summary = server.stop().await;
    assert_eq!(summary.cut, 1);
    assert!((SHORT..SHORT + BUSY).contains(&began.elapsed()), "{:?}", began.elapsed());
    assert_eq!(read_to_end(&mut slow).await, b"");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_leaves_another_protocol_alone_until_it_stops() {
    let server = Server::with_deadlines(|deadlines| deadlines.idle = Duration::from_millis(100)).await;
    let mut stream = server.connect().await;
    let upgrade = b"GET /echo HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n";
    assert_eq!(ask(&mut stream, upgrade).await.status, 101);
    sleep(SHORT).await;
    let mut back = [0; 5];
    stream.write_all(b"hello").await.unwrap();
    within(stream.read_exact(&mut back)).await.unwrap();
    assert_eq!((&back, server.counters.open()), (b"hello", 1));
    let stopping = tokio::spawn(server.stop());
    assert_eq!(read_to_end(&mut stream).await, b"bye");
    drop(stream);
    assert_eq!(within(stopping).await.unwrap().cut, 0);
}
