//! What the listener does when the process has no file left. Alone in its process, whose limit it lowers.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

use std::fs::File;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use cashpoint_host::server::{ServerOptions, serve};
use rustix::process::{Resource, Rlimit, setrlimit};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};

const FILES: u64 = 200;

/// Asks once; the status.
async fn ask(stream: &mut TcpStream) -> u16 {
    let asked = async {
        stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap());
        }
        let head = String::from_utf8(head).unwrap().to_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
        stream.read_exact(&mut vec![0; length.parse().unwrap()]).await.unwrap();
        head.split(' ').nth(1).unwrap().parse().unwrap()
    };
    timeout(Duration::from_secs(20), asked).await.expect("it does not hang")
}

#[tokio::test(flavor = "multi_thread")]
async fn it_waits_for_a_file_without_spinning() {
    setrlimit(Resource::Nofile, Rlimit { current: Some(FILES), maximum: Some(FILES) }).unwrap();
    let options = ServerOptions::default();
    let counters = options.counters.clone();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let router = Router::new().route("/", get(|| async { "ok" }));
    let serving = tokio::spawn(serve(listener, router, options, async move { stopped.await.unwrap_or(()) }));
    let mut first = TcpStream::connect(address).await.unwrap();
    assert_eq!(ask(&mut first).await, 200);

    // All files but one are in use, and that is the client's.
    let mut files = Vec::new();
    while let Ok(file) = File::open("/dev/null") {
        files.push(file);
    }
    files.pop();
    let mut waiting = TcpStream::connect(address).await.unwrap();
    let window = Duration::from_secs(1);
    sleep(window).await;
    assert_eq!(counters.open(), 1);
    let errors = counters.accept_errors();
    assert!((1..50).contains(&errors), "{errors} errors in {window:?}");
    // Who is inside is served, and who waits is served as soon as there is a file.
    assert_eq!(ask(&mut first).await, 200);
    drop(files);
    assert_eq!(ask(&mut waiting).await, 200);

    drop((first, waiting));
    stop.send(()).unwrap();
    assert_eq!(timeout(Duration::from_secs(20), serving).await.unwrap().unwrap().cut, 0);
}
