//! Over a real socket.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use cashpoint_host::server::ServerOptions;
use cashpoint_host::{Host, Listen, Mount, Options};

use super::support::Site;

const ANYWHERE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

/// Everything that comes back until the connection is closed.
async fn exchange(address: SocketAddr, request: String) -> String {
    let exchanged = tokio::task::spawn_blocking(move || {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).map(|_| answer)
    });
    exchanged.await.unwrap().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_serves_both_ports_and_stops() {
    let site = Site::real();
    let listen = Listen { public: ANYWHERE, operations: ANYWHERE };
    let options = Options { mount: Mount::Apart, ..Options::default() };
    let host = Host::start(site.bank.clone(), listen, options, ServerOptions::default()).await.unwrap();
    let (public, operations) = (host.local_addr(), host.operations_addr().unwrap());
    let get = |path: &str| format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    assert!(exchange(operations, get("/health/ready")).await.starts_with("HTTP/1.1 200 OK\r\n"));
    assert!(exchange(public, get("/health/ready")).await.starts_with("HTTP/1.1 404 Not Found\r\n"));
    assert!(exchange(public, get("/docs/errors")).await.contains("atm_out_of_cash"));
    let summaries = host.stop().await;
    assert_eq!(summaries.last().map(|summary| (summary.accepted, summary.cut)), Some((2, 0)));
    assert!(TcpStream::connect(public).is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_answers_from_the_declared_length_and_closes() {
    let site = Site::real();
    let listen = Listen { public: ANYWHERE, operations: ANYWHERE };
    let host = Host::start(site.bank.clone(), listen, Options::default(), ServerOptions::default()).await.unwrap();
    // Nothing of the body is ever sent: whoever waited for it would wait for ever.
    let head = "POST /api/sessions HTTP/1.1\r\nhost: localhost\r\ncontent-length: 65537\r\n\r\n";
    let answer = exchange(host.local_addr(), head.to_owned()).await;
    assert!(answer.starts_with("HTTP/1.1 413 Payload Too Large\r\n"), "{answer}");
    assert!(answer.contains("connection: close\r\n") && answer.contains("\"code\":\"body_too_large\""), "{answer}");
    // All of it is sent at once: the answer is read all the same.
    let whole = format!("{}{}", head.replace("65537", "1000000"), "x".repeat(1_000_000));
    let answer = exchange(host.local_addr(), whole).await;
    assert!(answer.starts_with("HTTP/1.1 413 Payload Too Large\r\n"), "{answer}");
    host.stop().await;
}
