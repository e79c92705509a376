//! Rate limits, in a real bank: a sandbox has a hundred times as much.

use crate::support::process::{Bank, cashpoint};
use crate::support::{Answer, Demo, Host, Online, Site};

fn try_password(site: &Site, email: &str) -> Answer {
    site.post("/api/sessions").json(format!(r#"{{"email":"{email}","password":"not the password"}}"#)).send()
}

/// Asks until the limit bites; gives after how many answers.
fn until_throttled(limit: usize, mut ask: impl FnMut(usize) -> Answer) -> usize {
    for n in 0..limit {
        let answer = ask(n);
        if answer.status() == 429 {
            answer.refused(429, "too_many_requests", r#""retry_after_s?":"<count>""#);
            return n;
        }
    }
    panic!("no limit within {limit} requests")
}

#[test]
fn it_holds_password_tries_per_identity_known_or_not() {
    let host = Host::start(&["admin"]);
    let online = Online::sign_up(&host, "savings");
    for email in [online.email.as_str(), "nobody@example.com"] {
        let tries = until_throttled(20, |_| {
            let answer = try_password(&host, email);
            assert!(matches!(answer.status(), 401 | 429), "{answer}");
            answer
        });
        // The burst is 10, and one more comes back every 6 seconds.
        assert!((10..=12).contains(&tries), "{email}: {tries} tries");
    }
    // The right password waits too; another identity does not.
    online.log_in(&host, &online.password).refused(429, "too_many_requests", r#""retry_after_s?":"<count>""#);
    let other = Online::sign_up(&host, "savings");
    assert_eq!(other.log_in(&host, &other.password).send().status(), 201);
    let tries = until_throttled(20, |_| {
        host.post("/api/operators/sessions").json(r#"{"username":"admin","password":"not the password"}"#).send()
    });
    assert!((10..=12).contains(&tries), "staff: {tries} tries");
}

#[test]
fn it_holds_sign_ups_and_log_ins_per_address() {
    let host = Host::start(&[]);
    let body = |n: usize| {
        format!(
            r#"{{"name":"A","email":"a{n}@example.com","password":"long enough","account":{{"type":"savings","currency":"USD"}}}}"#
        )
    };
    let signed_up = until_throttled(30, |n| host.post("/api/customers").json(body(n)).send());
    assert!((20..=22).contains(&signed_up), "the burst of sign-ups is 20, not {signed_up}");
    // By card: without a channel it costs nothing, so that a slow machine cannot fall behind the limit.
    let by_card = r#"{"card_number":"9000000000000000","pin":"1234","atm_id":"ATM1"}"#;
    let logged_in = until_throttled(2_000, |_| host.post("/api/sessions").json(by_card).send());
    assert!(
        (100..=1_000).contains(&logged_in),
        "the burst of log-ins is 100, and 5 more come every second: {logged_in}"
    );
    // Only a trusted proxy may say for whom it asks.
    let forged = host.post("/api/sessions").header("X-Forwarded-For", "203.0.113.7").json(by_card);
    let throttled = until_throttled(50, |_| forged.send());
    assert!(throttled < 50);
}

#[test]
fn it_is_a_hundred_times_as_patient_in_a_sandbox() {
    let demo = Demo::start();
    for _ in 0..110 {
        try_password(&demo, "nobody@example.com").refused(401, "wrong_credentials", "");
    }
    for _ in 0..25 {
        Online::sign_up(&demo, "savings");
    }
}

#[test]
fn it_believes_a_trusted_proxy_about_the_address() {
    let host = Host::on(Bank::new(&[]), cashpoint().env("CASHPOINT_BEHIND_PROXY", r#"["127.0.0.0/8"]"#));
    let sign_up = |n: usize, from: &str| {
        let body = format!(
            r#"{{"name":"A","email":"p{n}@example.com","password":"long enough","account":{{"type":"savings","currency":"USD"}}}}"#
        );
        host.post("/api/customers").header("X-Forwarded-For", from).json(body).send()
    };
    let used_up = until_throttled(30, |n| sign_up(n, "198.51.100.7"));
    assert!((20..=22).contains(&used_up), "{used_up}");
    // What the client itself wrote in front counts for nothing; another address has its own.
    sign_up(100, "203.0.113.9, 198.51.100.7").refused(429, "too_many_requests", r#""retry_after_s?":"<count>""#);
    assert_eq!(sign_up(101, "198.51.100.7, 203.0.113.9").status(), 201);
    // IPv6 counts by /64.
    let used_up = until_throttled(30, |n| sign_up(200 + n, &format!("2001:db8:1:2::{n:x}")));
    assert!((20..=22).contains(&used_up), "{used_up}");
    assert_eq!(sign_up(300, "2001:db8:1:3::1").status(), 201);
}
