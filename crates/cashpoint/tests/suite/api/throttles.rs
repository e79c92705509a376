//! Rate limits, in a real bank: a sandbox has a hundred times as much.
//!
//! Requests go out all at once, so that what a slow machine needs for a password does not fill the limits up again.

use crate::support::process::{Bank, cashpoint};
use crate::support::site::{all_at_once, lines};
use crate::support::{Answer, Ask, Demo, Host, Online, Site};

fn try_password<'a>(site: &'a Site, email: &str) -> Ask<'a> {
    site.post("/api/sessions").json(format!(r#"{{"email":"{email}","password":"not the password"}}"#))
}

fn sign_up(site: &Site, n: usize) -> Ask<'_> {
    let body = format!(
        r#"{{"name":"A","email":"a{n}@example.com","password":"long enough","account":{{"type":"savings","currency":"USD"}}}}"#
    );
    site.post("/api/customers").json(body)
}

/// Sends all at once; gives how many were let through: the others were told to wait.
#[track_caller]
fn let_through(site: &Site, asks: &[Ask<'_>]) -> usize {
    statuses(site, asks).iter().filter(|status| **status != 429).count()
}

/// As [`let_through`], of so many that are the same. Those that a busy machine has no place for cost no try, and come again.
#[track_caller]
fn tried(site: &Site, ask: &Ask<'_>, mut count: usize) -> usize {
    let mut tries = 0;
    while count > 0 {
        let statuses = statuses(site, &vec![ask.clone(); count]);
        tries += statuses.iter().filter(|status| !matches!(status, 429 | 503)).count();
        count = statuses.iter().filter(|status| **status == 503).count();
    }
    tries
}

#[track_caller]
fn statuses(site: &Site, asks: &[Ask<'_>]) -> Vec<u16> {
    let answers = all_at_once(asks, &mut lines(site, asks.len()));
    for answer in answers.iter().filter(|answer| answer.status() == 429) {
        answer.refused(429, "too_many_requests", r#""retry_after_s?":"<count>""#);
    }
    answers.iter().map(Answer::status).collect()
}

#[test]
fn it_holds_password_tries_per_identity_known_or_not() {
    let host = Host::start(&["admin", "clerk"]);
    // The burst is 10, and one more comes back every minute: not while this runs.
    host.staff("admin").set_policies(r#""password_per_minute":1"#);
    let online = Online::sign_up(&host, "savings");
    for email in [online.email.as_str(), "nobody@example.com"] {
        let tries = tried(&host, &try_password(&host, email), 20);
        assert!((10..=11).contains(&tries), "{email}: {tries} tries");
    }
    // The right password waits too; another identity does not.
    online.log_in(&host, &online.password).refused(429, "too_many_requests", r#""retry_after_s?":"<count>""#);
    let other = Online::sign_up(&host, "savings");
    assert_eq!(other.log_in(&host, &other.password).send().status(), 201);
    let staff = host.post("/api/operators/sessions").json(r#"{"username":"clerk","password":"not the password"}"#);
    let tries = tried(&host, &staff, 20);
    assert!((10..=11).contains(&tries), "staff: {tries} tries");
}

#[test]
fn it_holds_sign_ups_and_log_ins_per_address() {
    let host = Host::start(&[]);
    let asks: Vec<Ask<'_>> = (0..30).map(|n| sign_up(&host, n)).collect();
    let signed_up = let_through(&host, &asks);
    assert!((20..=23).contains(&signed_up), "the burst of sign-ups is 20, not {signed_up}");
    // Only a trusted proxy may say for whom it asks: these are all from one address.
    let from = |n: usize| format!("203.0.113.{n}");
    let asks: Vec<Ask<'_>> = (0..200)
        .map(|n| try_password(&host, &format!("b{n}@example.com")).header("X-Forwarded-For", &from(n)))
        .collect();
    let logged_in = let_through(&host, &asks);
    assert!((100..200).contains(&logged_in), "the burst of log-ins is 100, and 5 more come every second: {logged_in}");
}

#[test]
fn it_is_a_hundred_times_as_patient_in_a_sandbox() {
    let demo = Demo::start();
    assert_eq!(let_through(&demo, &vec![try_password(&demo, "nobody@example.com"); 14]), 14);
    let asks: Vec<Ask<'_>> = (0..24).map(|n| sign_up(&demo, n)).collect();
    assert_eq!(let_through(&demo, &asks), 24);
    let by_card = |n: usize| format!(r#"{{"card_number":"49290000000{n:05}","pin":"1234","atm_id":"ATM001"}}"#);
    let asks: Vec<Ask<'_>> = (0..200).map(|n| demo.post("/api/sessions").json(by_card(n))).collect();
    assert_eq!(let_through(&demo, &asks), 200);
}

#[test]
fn it_believes_a_trusted_proxy_about_the_address() {
    let host = Host::on(Bank::new(&[]), cashpoint().env("CASHPOINT_BEHIND_PROXY", r#"["127.0.0.0/8"]"#));
    let from = |n: usize, address: &str| sign_up(&host, n).header("X-Forwarded-For", address);
    let asks: Vec<Ask<'_>> = (0..30).map(|n| from(n, "198.51.100.7")).collect();
    let used_up = let_through(&host, &asks);
    assert!((20..=23).contains(&used_up), "{used_up}");
    // What the client itself wrote in front counts for nothing; another address has its own.
    let asks: Vec<Ask<'_>> = (100..110).map(|n| from(n, "203.0.113.9, 198.51.100.7")).collect();
    assert!(let_through(&host, &asks) < 10);
    assert_eq!(from(120, "198.51.100.7, 203.0.113.9").send().status(), 201);
    // IPv6 counts by /64.
    let asks: Vec<Ask<'_>> = (200..230).map(|n| from(n, &format!("2001:db8:1:2::{n:x}"))).collect();
    let used_up = let_through(&host, &asks);
    assert!((20..=23).contains(&used_up), "{used_up}");
    assert_eq!(from(300, "2001:db8:1:3::1").send().status(), 201);
}
