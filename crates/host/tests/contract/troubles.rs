//! What is refused because the world fails, or because there is too much of it.

use std::time::Duration;

use cashpoint_bank::bank::Mode;
use cashpoint_host::Mount;
use cashpoint_host::server::{ServerOptions, serve};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::client::{Sent, Told};
use super::world::{World, open, options};

/// A server that answers nobody refuses every path.
pub(crate) async fn too_many_at_once(world: &World) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let options = ServerOptions { requests: 0, ..ServerOptions::default() };
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let server = tokio::spawn(serve(listener, world.router.clone(), options, async move { drop(stopped.await) }));
    for id in world.ids() {
        let good = world.good(&id);
        let (method, path) = good.line.split_once(' ').unwrap();
        let mut stream = TcpStream::connect(address).await.unwrap();
        let head = format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let told = parsed(&answer);
        assert_eq!(told.status, 503, "{id}: {answer}");
        // The teller's own shape is the router's, which has not seen the request.
        if !id.starts_with("teller") {
            let sent = Sent { method, path, body: "" };
            world.check(sent, &told);
        }
    }
    drop(stop);
    server.await.unwrap();
}

fn parsed(answer: &str) -> Told {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers = lines.map(|line| {
        let (name, value) = line.split_once(": ").unwrap();
        (name.parse::<axum::http::HeaderName>().unwrap(), value.parse::<axum::http::HeaderValue>().unwrap())
    });
    Told { status, headers: headers.collect(), body: body.to_owned() }
}

/// A bank that is being closed, a desk without a place.
pub(crate) async fn no_place(mut world: World) -> World {
    let places = cashpoint_host::Options { desk_places: 0, ..options(&world.clock, Mount::OnePort) };
    world.router = cashpoint_host::router(world.bank.clone(), places);
    world.bank.close();
    for id in world.ids() {
        let good = world.good(&id);
        let asks = good.line.contains("/api/") || good.line.contains("/accounts/") || good.line.contains("/sandbox/");
        let told = world.sent(&good.line, world.token_of(good.who), &good.body).await;
        assert_eq!(told.status == 503, asks || id == "getReadiness", "{id}: {}", told.body);
    }
    world
}

/// The database goes away under a host that has just started.
pub(crate) async fn no_database(mut world: World, mode: Mode) -> World {
    world.bank.close();
    world.bank = open(&world.folder, &world.clock, mode);
    world.router = cashpoint_host::router(world.bank.clone(), options(&world.clock, Mount::OnePort));
    std::fs::remove_file(world.folder.path().join("bank.db")).unwrap();
    for id in world.ids() {
        let good = world.good(&id);
        let told = world.sent(&good.line, world.token_of(good.who), &good.body).await;
        let asks = good.line.contains("/api/") || good.line.contains("/sandbox/") || id == "getReadiness";
        assert_eq!(told.status == 503, asks, "{id}: {}", told.body);
    }
    world
}

/// The wall clock jumps under a host with real money.
pub(crate) async fn clocks(world: &World) {
    let (clock, now) = (&world.clock, world.bank.now());
    clock.set_wall(now.plus_s(3_600));
    for id in world.ids() {
        let good = world.good(&id);
        world.sent(&good.line, world.token_of(good.who), &good.body).await;
        if id == "logIn" {
            let (number, pin) = (&world.known.card_number, &world.known.pin);
            assert_eq!(world.card_session(number, pin).await["code"], "clock_disagrees");
        }
    }
    clock.set_wall(now);
}

/// One address, one identity, too often.
pub(crate) async fn throttles(world: &World) {
    let wrong = json!({"old_password": "wrong horse", "new_password": "battery staple"}).to_string();
    let sign_up = json!({"name": "Zoe", "email": world.known.email, "password": "correct horse",
        "account": {"type": "savings", "currency": "USD"}})
    .to_string();
    let log_in = json!({"card_number": "9999000000000000", "pin": "1234", "atm_id": "NOWHERE"}).to_string();
    let staff = json!({"username": "nobody", "password": "nothing at all"}).to_string();
    for (line, token, body) in [
        ("PUT /api/customers/current/password", world.known.online.as_str(), &wrong),
        ("POST /api/customers", "", &sign_up),
        ("POST /api/sessions", "", &log_in),
        ("POST /api/operators/sessions", "", &staff),
    ] {
        let mut throttled = false;
        for _ in 0..200 {
            throttled = world.sent(line, token, body).await.status == 429;
            if throttled {
                break;
            }
        }
        assert!(throttled, "{line}");
    }
    world.clock.advance(Duration::from_secs(3_600));
}

/// Cash without the credential of where it is.
pub(crate) async fn no_channel(world: &World) {
    let channel = world.channel.take();
    for way in ["withdraw", "deposit"] {
        let line = format!("POST /api/accounts/{}/{way}", world.known.account);
        let told = world.sent(&line, &world.known.card, r#"{"amount":20}"#).await;
        assert_eq!(told.json()["code"], "channel_required");
    }
    assert_eq!(world.card_session(&world.known.card_number, &world.known.pin).await["code"], "channel_required");
    *world.channel.borrow_mut() = channel;
}
