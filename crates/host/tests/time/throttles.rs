//! How often somebody may try, by identity and by address, and what a bank that is busy answers.

use std::sync::mpsc::sync_channel;
use std::time::Duration;

use cashpoint_bank::bank::Mode;
use cashpoint_core::command::Touch;
use serde_json::json;

use crate::http::{Answer, Call, get, online_log_in, post, put};
use crate::world::{MICROSECOND, MINUTE, PASSWORD, World};

const NOON: &str = "2026-09-15T12:00:00Z";

/// Refused, and to come back after so many seconds: the same number in the header and in the document.
#[track_caller]
fn throttled(answer: Answer, seconds: u32) {
    let answer = answer.refused(429, "too_many_requests").says(&format!("\"retry_after_s\":{seconds}"));
    assert_eq!(answer.retry_after(), seconds);
}

fn operator_log_in(name: &str, password: &str) -> Call {
    post("/api/operators/sessions", json!({"username": name, "password": password}))
}

/// Ten at once, then one every six seconds, whether somebody has this identity or not.
#[track_caller]
fn check_identity(world: &World, log_in: impl Fn(&str) -> Call, right: u16) {
    for _ in 0..10 {
        world.send(log_in("a wrong one")).refused(401, "wrong_credentials");
    }
    // The right password is not looked at either, and who is refused does not wait longer for it.
    let before = world.bank().password_evaluations();
    for _ in 0..3 {
        throttled(world.send(log_in(PASSWORD)), 6);
    }
    world.pass(Duration::from_secs(2));
    throttled(world.send(log_in(PASSWORD)), 4);
    world.pass(Duration::from_secs(4) - MICROSECOND);
    throttled(world.send(log_in(PASSWORD)), 1);
    assert_eq!(world.bank().password_evaluations(), before, "no work is done for who is refused");
    world.pass(MICROSECOND);
    world.send(log_in(PASSWORD)).is(right);
    throttled(world.send(log_in(PASSWORD)), 6);
    // A minute later there are ten more, and not eleven, however many came to nothing in between.
    world.pass(MINUTE);
    for _ in 0..10 {
        world.send(log_in("a wrong one")).refused(401, "wrong_credentials");
    }
    throttled(world.send(log_in(PASSWORD)), 6);
}

#[test]
fn an_address_that_somebody_has_may_be_tried_ten_times_and_then_ten_a_minute() {
    let world = World::real(NOON);
    world.sign_up("ada@example.com");
    check_identity(&world, |password| online_log_in("ada@example.com", password), 201);
    // Somebody else has tries of their own.
    world.sign_up("bob@example.com");
    world.online("bob@example.com", PASSWORD);
    world.verified();
}

#[test]
fn an_address_that_nobody_has_is_no_different() {
    let world = World::real(NOON);
    check_identity(&world, |password| online_log_in("nobody@example.com", password), 401);
    // However it is written, it is one identity.
    throttled(world.send(online_log_in("NoBody@Example.com", PASSWORD)), 6);
}

#[test]
fn a_member_of_staff_is_no_different() {
    let world = World::real(NOON);
    // The admin has logged in once already.
    world.pass(MINUTE);
    check_identity(&world, |password| operator_log_in("admin", password), 201);
    world.pass(MINUTE);
    check_identity(&world, |password| operator_log_in("nobody", password), 401);
}

#[test]
fn a_wrong_old_password_is_a_try_too() {
    let world = World::real(NOON);
    let visit = world.sign_up("ada@example.com");
    let change = |old: &str| {
        let body = json!({"old_password": old, "new_password": "another password"});
        put("/api/customers/current/password", body).token(&visit.token)
    };
    for _ in 0..5 {
        world.send(change("a wrong one")).refused(401, "wrong_credentials");
        world.send(online_log_in("ada@example.com", "a wrong one")).refused(401, "wrong_credentials");
    }
    throttled(world.send(change(PASSWORD)), 6);
    throttled(world.send(online_log_in("ada@example.com", PASSWORD)), 6);
    world.pass(Duration::from_secs(6) - MICROSECOND);
    throttled(world.send(change(PASSWORD)), 1);
    world.pass(MICROSECOND);
    world.send(change(PASSWORD)).is(204);
    throttled(world.send(online_log_in("ada@example.com", "another password")), 6);
}

#[test]
fn tries_are_remembered_across_a_restart() {
    let mut world = World::real(NOON);
    for _ in 0..10 {
        world.send(online_log_in("nobody@example.com", "a wrong one")).refused(401, "wrong_credentials");
    }
    world.restart_at(world.now());
    throttled(world.send(online_log_in("nobody@example.com", PASSWORD)), 6);
}

/// Log-ins of every kind, sent in turn.
fn log_ins(world: &World) -> impl Fn(usize) -> Call {
    let card = world.card_log_in("4000000000000000006", "0000", "ATM1");
    move |_| card.clone()
}

#[test]
fn a_network_address_may_log_in_a_hundred_times_and_then_five_times_a_second() {
    let world = World::real(NOON);
    let log_in = log_ins(&world);
    let burst = |peer: &str, tries: usize| {
        let answers = world.send_all((0..tries).map(|at| log_in(at).from(peer)).collect());
        answers.iter().filter(|answer| answer.status != 429).count()
    };
    assert_eq!(burst("192.0.2.1:1000", 150), 100);
    // Another port of the same address, other kinds of log-in: all one.
    throttled(world.send(log_in(0).from("192.0.2.1:2000")), 1);
    throttled(world.send(online_log_in("ada@example.com", PASSWORD).from("192.0.2.1:2000")), 1);
    throttled(world.send(operator_log_in("admin", PASSWORD).from("192.0.2.1:2000")), 1);
    world.pass(Duration::from_millis(200) - MICROSECOND);
    throttled(world.send(log_in(0).from("192.0.2.1:1000")), 1);
    world.pass(MICROSECOND);
    assert_eq!(burst("192.0.2.1:1000", 3), 1);
    world.pass(Duration::from_secs(1));
    assert_eq!(burst("192.0.2.1:1000", 20), 5);
    // Everybody else goes on; with IPv6, everybody else is outside these 64 bits.
    assert_eq!(burst("192.0.2.2:1000", 1), 1);
    assert_eq!(burst("[2001:db8:1:2::1]:1000", 60), 60);
    assert_eq!(burst("[2001:db8:1:2:ffff::9]:1000", 60), 40);
    assert_eq!(burst("[2001:db8:1:3::1]:1000", 60), 60);
    // After twenty seconds all of it is back.
    world.pass(Duration::from_secs(20));
    assert_eq!(burst("192.0.2.1:1000", 150), 100);
}

#[test]
fn a_network_address_may_sign_up_twenty_times_and_then_every_ten_seconds() {
    let world = World::real(NOON);
    let sign_up = |number: usize, peer: &str| {
        let account = json!({"type": "savings", "currency": "USD"});
        let email = format!("somebody-{number}@example.com");
        let body = json!({"name": "Ada", "email": email, "password": PASSWORD, "account": account});
        world.send(post("/api/customers", body).from(peer))
    };
    let (here, there) = ("192.0.2.1:1000", "192.0.2.2:1000");
    for number in 0..20 {
        sign_up(number, here).is(201);
    }
    throttled(sign_up(20, here), 10);
    // Log-ins are counted apart.
    world.send(online_log_in("somebody-1@example.com", PASSWORD).from(here)).is(201);
    sign_up(20, there).is(201);
    world.pass(Duration::from_secs(10) - MICROSECOND);
    throttled(sign_up(21, here), 1);
    world.pass(MICROSECOND);
    // One that comes to nothing is one too.
    sign_up(20, here).refused(409, "email_taken");
    throttled(sign_up(21, here), 10);
    world.pass(Duration::from_secs(10));
    sign_up(21, here).is(201);
    throttled(sign_up(22, here), 10);
    world.verified();
}

#[test]
fn changed_rates_hold_for_the_next_try() {
    let world = World::real(NOON);
    world.policy(json!({"password_burst": 2, "password_per_minute": 1, "address_log_in_burst": 6}));
    let wrong = |email: &str| world.send(online_log_in(email, "a wrong one").from("192.0.2.1:1000"));
    wrong("nobody@example.com").refused(401, "wrong_credentials");
    wrong("nobody@example.com").refused(401, "wrong_credentials");
    throttled(wrong("nobody@example.com"), 60);
    world.policy(json!({"password_burst": 4, "password_per_minute": 60}));
    world.pass(2 * MINUTE);
    for _ in 0..4 {
        wrong("nobody@example.com").refused(401, "wrong_credentials");
    }
    throttled(wrong("nobody@example.com"), 1);
    wrong("somebody@example.com").refused(401, "wrong_credentials");
    world.policy(json!({"address_log_in_burst": 2}));
    throttled(wrong("somebody.else@example.com"), 1);
}

#[test]
fn a_sandbox_allows_a_hundred_times_as_much() {
    let world = World::sandbox(NOON);
    cashpoint_bank::sandbox::seed(world.bank()).unwrap();
    let values = world.send(get("/api/policies").token(&world.admin())).is(200);
    for (name, value) in [
        ("password_burst", 1_000),
        ("password_per_minute", 1_000),
        ("address_log_in_burst", 10_000),
        ("address_log_in_per_second", 500),
        ("address_sign_up_burst", 2_000),
    ] {
        assert_eq!(values.json()["policies"][name], json!(value), "{name}");
    }
    assert_eq!(values.json()["policies"]["address_sign_up_every_s"], json!(0.1));
    for _ in 0..11 {
        world.send(online_log_in("nobody@example.com", "a wrong one")).refused(401, "wrong_credentials");
    }
    // A blocked number costs little, and counts for the address all the same.
    let log_in = log_ins(&world);
    let passed = |tries: usize| {
        let answers = world.send_all((0..tries).map(|at| log_in(at).from("192.0.2.1:1000")).collect());
        assert!(answers.iter().all(|answer| [401, 423, 429].contains(&answer.status)));
        answers.iter().filter(|answer| answer.status != 429).count()
    };
    assert_eq!((0..11).map(|_| passed(1_000)).sum::<usize>(), 10_000);
    world.pass(Duration::from_secs(1));
    assert_eq!(passed(1_000), 500);
}

#[test]
fn a_full_queue_answers_at_once_and_forgets_nothing() {
    let world = World::open(Mode::Real, NOON, 1);
    let card = world.card("Ada", &["1000.00"]);
    let visit = world.visit(&card);
    let admin = world.session_of(&world.admin());
    // The worker is busy telling somebody who does not listen …
    let (reached, busy) = sync_channel(1);
    let (release, gate) = sync_channel::<()>(1);
    let hold = move |_| {
        reached.send(()).unwrap();
        gate.recv().unwrap();
    };
    world.bank().submit(Touch { session: admin }, Box::new(hold));
    busy.recv().unwrap();
    // … and one waits: the queue is full.
    let (done, waited) = sync_channel(1);
    world.bank().submit(Touch { session: admin }, Box::new(move |answer| done.send(answer).unwrap()));
    let overloaded = |call: Call| {
        let answer = world.send(call).refused(503, "overloaded");
        assert_eq!(answer.retry_after(), 1);
    };
    overloaded(visit.balance());
    overloaded(visit.withdraw("20.00").key("again"));
    overloaded(world.card_log_in(&card.number, &card.pin, "ATM1"));
    overloaded(visit.change_pin(&card.card, &card.pin, "2580"));
    // What only reads does not need the queue.
    world.send(visit.list()).is(200);
    release.send(()).unwrap();
    assert!(waited.recv().unwrap().is_ok(), "who waited is answered");
    let answer = world.send(visit.withdraw("20.00").key("again")).is(201).says("\"balance\":980.00");
    assert!(!answer.headers.contains_key("idempotent-replayed"), "what was not taken left no trace");
    world.send(visit.balance()).is(200).says("\"balance\":980.00");
    world.verified();
}
