//! TLS over real sockets: versions, certificates, and the deadlines below it.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

use std::fs;
use std::future::Future;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::routing::get;
use cashpoint_core::time::Timestamp;
use cashpoint_host::server::{
    Counters, Deadlines, SelfSigned, ServeSummary, ServerOptions, load_tls, self_signed, serve,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{Instant, interval, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

const PATIENCE: Duration = Duration::from_secs(20);

/// Who is served has to be faster than this too; a hello that drips takes longer.
const SHORT: Duration = Duration::from_millis(900);

const GET: &[u8] = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n";

async fn within<T>(future: impl Future<Output = T>) -> T {
    timeout(PATIENCE, future).await.expect("it does not hang")
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

/// Certificates have to be valid today, and tests have no clock of their own.
fn made_for(names: &[&str]) -> SelfSigned {
    let today = fs::metadata(std::env::current_exe().unwrap()).unwrap().modified().unwrap();
    let since_epoch = today.duration_since(std::time::UNIX_EPOCH).unwrap();
    let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    self_signed(&names, Timestamp::from_micros(i64::try_from(since_epoch.as_micros()).unwrap())).unwrap()
}

struct Files {
    folder: TempDir,
}

impl Files {
    fn new() -> Self {
        Self { folder: TempDir::new().unwrap() }
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, text).unwrap();
        path
    }
}

struct Server {
    address: SocketAddr,
    certificate_pem: String,
    counters: Arc<Counters>,
    gate: Arc<Notify>,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<ServeSummary>,
}

impl Server {
    async fn start(change: impl FnOnce(&mut ServerOptions)) -> Self {
        let files = Files::new();
        let made = made_for(&["localhost", "127.0.0.1"]);
        let certificate = files.write("certificate.pem", &made.certificate_pem);
        let key = files.write("key.pem", made.key_pem.as_bytes());
        let tls = Some(load_tls(&certificate, &key).unwrap());
        let mut options = ServerOptions { tls, ..ServerOptions::default() };
        change(&mut options);
        let gate = Arc::new(Notify::new());
        let opened = gate.clone();
        let router = Router::new()
            .route("/", get(|| async { "ok" }))
            .route("/gate", get(move || async move { opened.notified().await }))
            .route("/large", get(|| async { Bytes::from_static(&[b'x'; 16 << 20]) }));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let counters = options.counters.clone();
        let stopped = async move { stopped.await.unwrap_or(()) };
        let serving = tokio::spawn(serve(listener, router, options, stopped));
        Self { address, certificate_pem: made.certificate_pem, counters, gate, stop, serving }
    }

    async fn plain(&self) -> TcpStream {
        within(TcpStream::connect(self.address)).await.unwrap()
    }

    async fn try_connect(
        &self,
        name: &'static str,
        versions: &[&'static SupportedProtocolVersion],
        protocols: &[&str],
    ) -> std::io::Result<TlsStream<TcpStream>> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.certificate_pem.as_bytes()).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
        let name = ServerName::try_from(name).unwrap();
        within(TlsConnector::from(Arc::new(config)).connect(name, self.plain().await)).await
    }

    async fn connect(&self) -> TlsStream<TcpStream> {
        self.try_connect("localhost", &[&TLS13, &TLS12], &["http/1.1"]).await.unwrap()
    }
}

/// Asks for `/`, and reads to the end of the two letters that it answers.
async fn ask(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) -> String {
    within(stream.write_all(GET)).await.unwrap();
    within(stream.flush()).await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\nok") {
        answer.push(within(stream.read_u8()).await.expect("an answer"));
    }
    String::from_utf8(answer).unwrap()
}

async fn read_to_end(stream: &mut (impl AsyncRead + Unpin)) -> Vec<u8> {
    let mut rest = Vec::new();
    // A reset is an end too, and so is an end without TLS's own.
    let _ = within(stream.read_to_end(&mut rest)).await;
    rest
}

#[tokio::test(flavor = "multi_thread")]
async fn it_speaks_tls_1_3_and_1_2() {
    let server = Server::start(|_| ()).await;
    for (version, name) in [(&TLS13, "localhost"), (&TLS12, "localhost"), (&TLS13, "127.0.0.1")] {
        let mut stream = server.try_connect(name, &[version], &["h2", "http/1.1"]).await.unwrap();
        for _ in 0..3 {
            assert!(ask(&mut stream).await.starts_with("HTTP/1.1 200 OK\r\n"));
        }
        let (_, session) = stream.get_ref();
        assert_eq!(session.protocol_version(), Some(version.version));
        assert_eq!(session.alpn_protocol(), Some(b"http/1.1".as_slice()));
    }
    // A client that names no protocol is served too; one that wants only another is not.
    let mut stream = server.try_connect("localhost", &[&TLS13], &[]).await.unwrap();
    ask(&mut stream).await;
    assert!(server.try_connect("localhost", &[&TLS13], &["h2"]).await.is_err());
    assert!(server.try_connect("example.com", &[&TLS13], &[]).await.is_err());
}

/// A client's hello that offers TLS 1.`minor - 1` and nothing newer: its one extension lists signature algorithms.
fn hello(minor: u8) -> Vec<u8> {
    let mut body = vec![3, minor];
    body.extend([7; 32]);
    body.extend([0, 0, 4, 0xc0, 0x13, 0, 0x2f, 1, 0, 0, 8, 0, 13, 0, 4, 0, 2, 4, 3]);
    let length = u8::try_from(body.len()).unwrap();
    let mut record = vec![22, 3, 1, 0, length + 4, 1, 0, 0, length];
    record.extend(body);
    record
}

#[tokio::test(flavor = "multi_thread")]
async fn it_refuses_older_versions_and_what_is_not_tls() {
    const ALERT: u8 = 21;
    const PROTOCOL_VERSION: u8 = 70;
    let server = Server::start(|_| ()).await;
    for minor in [1, 2] {
        let mut stream = server.plain().await;
        stream.write_all(&hello(minor)).await.unwrap();
        let came = read_to_end(&mut stream).await;
        assert_eq!((came.first(), came.last()), (Some(&ALERT), Some(&PROTOCOL_VERSION)), "{came:?}");
    }
    for nonsense in [GET, b"\0\0\0\0\0\0\0\0", &[0xff; 1000]] {
        let mut stream = server.plain().await;
        stream.write_all(nonsense).await.unwrap();
        let came = read_to_end(&mut stream).await;
        assert!(came.is_empty() || came[0] == ALERT, "{}", String::from_utf8_lossy(&came));
    }
    until(|| server.counters.open() == 0).await;
    ask(&mut server.connect().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_closes_handshakes_and_clients_that_take_too_long() {
    let server = Server::start(|options| {
        let far = Duration::from_secs(600);
        let deadlines =
            Deadlines { handshake: SHORT, first_byte: SHORT, header: SHORT, idle: SHORT, ..Deadlines::default() };
        options.deadlines = Deadlines { answer: far, write: SHORT, ..deadlines };
    })
    .await;
    let began = Instant::now();
    let whole = hello(3);
    let mut silent = server.plain().await;
    let mut half = server.plain().await;
    half.write_all(&whole[..20]).await.unwrap();
    let dripping = server.plain().await;
    let mut shaken = server.connect().await;
    let mut idle = server.connect().await;
    ask(&mut idle).await;
    let mut stuck = server.connect().await;
    stuck.write_all(b"GET /large HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    stuck.flush().await.unwrap();

    let (mut from, mut to) = dripping.into_split();
    let drip = tokio::spawn(async move {
        let mut step = interval(Duration::from_millis(20));
        for byte in whole {
            step.tick().await;
            let _ = to.write_all(&[byte]).await;
        }
    });
    let plain = async { tokio::join!(read_to_end(&mut silent), read_to_end(&mut half), read_to_end(&mut from)) };
    let (plain, fresh, idle) = tokio::join!(plain, read_to_end(&mut shaken), read_to_end(&mut idle));
    until(|| server.counters.open() == 0).await;
    assert_eq!((plain, fresh, idle), (Default::default(), vec![], vec![]));
    assert!((SHORT..SHORT + Duration::from_secs(10)).contains(&began.elapsed()), "{:?}", began.elapsed());
    assert_eq!(server.counters.late(), 6);
    drip.abort();
    drop(stuck);
    ask(&mut server.connect().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_closes_a_connection_too_many_without_a_handshake() {
    let server = Server::start(|options| options.connections = 1).await;
    let mut inside = server.connect().await;
    ask(&mut inside).await;
    for _ in 0..100 {
        assert_eq!(read_to_end(&mut server.plain().await).await, b"");
    }
    assert_eq!(server.counters.refused(), 100);
    ask(&mut inside).await;
    drop(inside);
    until(|| server.counters.open() == 0).await;
    ask(&mut server.connect().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_finishes_what_is_in_flight_before_it_ends() {
    let server = Server::start(|_| ()).await;
    let mut idle = server.connect().await;
    ask(&mut idle).await;
    let mut slow = server.connect().await;
    slow.write_all(b"GET /gate HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    slow.flush().await.unwrap();
    until(|| server.counters.in_flight() == 1).await;

    let Server { gate, stop, serving, .. } = server;
    stop.send(()).unwrap();
    assert_eq!(read_to_end(&mut idle).await, b"");
    assert!(!serving.is_finished());
    gate.notify_one();
    let answer = String::from_utf8(read_to_end(&mut slow).await).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.contains("connection: close\r\n"), "{answer}");
    assert_eq!(within(serving).await.unwrap().cut, 0);
}

fn check_load(certificate: &Path, key: &Path, want: &[&str]) {
    let error = load_tls(certificate, key).expect_err("it does not load").to_string();
    assert!(want.iter().all(|part| error.contains(part)) && !error.contains('\n'), "{error}");
}

#[test]
fn it_says_which_file_is_wrong_and_why() {
    let files = Files::new();
    let (one, other) = (made_for(&["one.example"]), made_for(&["other.example"]));
    let certificate = files.write("one.pem", &one.certificate_pem);
    let key = files.write("one.key", one.key_pem.as_bytes());
    let other_key = files.write("other.key", other.key_pem.as_bytes());
    let both = files.write("both.pem", format!("{}{}", one.certificate_pem, *one.key_pem));
    assert!(load_tls(&certificate, &key).is_ok());
    assert!(load_tls(&both, &both).is_ok());

    let missing = files.folder.path().join("missing.pem");
    check_load(&missing, &key, &["missing.pem", "cannot read"]);
    check_load(&certificate, &missing, &["missing.pem", "cannot read"]);
    check_load(&key, &key, &["no certificate in", "one.key"]);
    check_load(&certificate, &certificate, &["no private key in", "one.pem"]);
    check_load(&certificate, &other_key, &["other.key", "does not match", "one.pem"]);
    let empty = files.write("empty.pem", "");
    check_load(&empty, &key, &["no certificate in", "empty.pem"]);
    check_load(&certificate, &empty, &["no private key in", "empty.pem"]);
    let torn = files.write("torn.pem", &one.certificate_pem[..one.certificate_pem.len() / 2]);
    check_load(&torn, &key, &["torn.pem", "PEM"]);
    let swapped = one.certificate_pem.replace('M', "A");
    check_load(&files.write("bad.pem", swapped), &key, &["bad.pem"]);
    let encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
    check_load(&certificate, &files.write("locked.key", encrypted), &["locked.key", "encrypted", "openssl pkey"]);
    let nonsense = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    check_load(&certificate, &files.write("bad.key", nonsense), &["bad.key", "cannot be used"]);
}

#[test]
fn it_makes_certificates_only_for_names_and_shows_no_key() {
    let now = Timestamp::from_micros(1_767_225_600_000_000);
    let refused = |names: &[&str]| {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        self_signed(&names, now).expect_err("no certificate").to_string()
    };
    assert_eq!(refused(&[]), "a certificate needs at least one name");
    assert_eq!(refused(&["localhost", "no name"]), "\"no name\" is neither a DNS name nor an IP address");
    assert_eq!(refused(&[""]), "\"\" is neither a DNS name nor an IP address");
    let made = made_for(&["localhost", "*.bank.example", "::1"]);
    assert!(made.key_pem.starts_with("-----BEGIN PRIVATE KEY-----"));
    assert!(!format!("{made:?}").contains("PRIVATE"));
}
