//! Over a real socket.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use cashpoint_host::server::{Deadlines, ServerOptions};
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_says_that_a_body_did_not_come_in_time_and_closes() {
    let site = Site::real();
    let listen = Listen { public: ANYWHERE, operations: ANYWHERE };
    let deadlines = Deadlines { body: Duration::from_millis(200), ..Deadlines::default() };
    let server = ServerOptions { deadlines, ..ServerOptions::default() };
    let host = Host::start(site.bank.clone(), listen, Options::default(), server).await.unwrap();
    let half =
        "POST /api/sessions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{";
    let answer = exchange(host.local_addr(), half.to_owned()).await;
    assert!(answer.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{answer}");
    assert!(answer.contains("\"code\":\"invalid_request\""), "{answer}");
    assert!(answer.contains("the body did not come in time") && answer.contains("connection: close\r\n"), "{answer}");
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_sheds_in_the_shape_of_each_part_of_the_interface() {
    for (site, teller) in [(Site::sandbox(), true), (Site::real(), false)] {
        let listen = Listen { public: ANYWHERE, operations: ANYWHERE };
        // No request is let in at all.
        let server = ServerOptions { requests: 0, ..ServerOptions::default() };
        let host = Host::start(site.bank.clone(), listen, Options::default(), server).await.unwrap();
        let get = |path: &str| format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
        for (path, plain) in [("/accounts/10001/balance", teller), ("/api/accounts", false)] {
            let answer = exchange(host.local_addr(), get(path)).await;
            assert!(answer.starts_with("HTTP/1.1 503 Service Unavailable\r\n"), "{answer}");
            assert!(answer.contains("retry-after: 1\r\n") && answer.contains("x-request-id: "), "{answer}");
            let body = answer.split_once("\r\n\r\n").unwrap().1;
            if plain {
                assert_eq!(body, r#"{"success":false,"error":"Overloaded","code":503}"#);
                assert!(answer.contains("content-type: application/json\r\n"), "{answer}");
            } else {
                assert!(body.contains("\"code\":\"overloaded\""), "{answer}");
                assert!(answer.contains("content-type: application/problem+json\r\n"), "{answer}");
            }
        }
        host.stop().await;
    }
}
