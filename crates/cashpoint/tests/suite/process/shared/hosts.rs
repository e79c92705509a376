//! Two hosts on one database: what holds on one holds across both.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::load::{Client, clients};
use super::{Pair, SharedBank, SharedHost};
use crate::process::concurrency::{count, mixed_operations, tell};
use crate::support::cluster::{Cluster, Files};
use crate::support::deadline::Deadline;
use crate::support::dice::Dice;
use crate::support::network::SETTLING;
use crate::support::process::{Bank, Rows, STAFF_PASSWORD};
use crate::support::site::{all_at_once, lines};
use crate::support::{Answer, Ask, Online, Site, Staff, Visit};

/// Half of the requests to each host, all at once.
fn across(pair: &Pair, ask: impl Fn(&Site) -> Ask<'_> + Sync, each: usize) -> Vec<Answer> {
    let (mut left, mut right) = (lines(&pair.left, each), lines(&pair.right, each));
    std::thread::scope(|scope| {
        let left = scope.spawn(|| all_at_once(&vec![ask(&pair.left); each], &mut left));
        let right = scope.spawn(|| all_at_once(&vec![ask(&pair.right); each], &mut right));
        [left, right].into_iter().flat_map(|answers| answers.join().unwrap()).collect()
    })
}

#[test]
fn concurrency_of_two_hosts() {
    let pair = Pair::start();
    let (clients, operations) = (32, count(60, 500));
    let sites: [&Site; 2] = [&pair.left, &pair.right];
    let seen = mixed_operations(&sites, "concurrency_of_two_hosts", (clients, operations));
    pair.bank.verify_is_clean();
    tell(&format!(
        "{clients} clients x {operations} mixed operations on 3 accounts across two hosts, answers {seen:?}"
    ));
}

#[test]
fn concurrency_of_one_key_on_two_hosts() {
    let pair = Pair::start();
    let online = Online::with(&pair.left, "savings", "1000.00");
    for round in 0..count(5, 50) {
        let key = format!("w{round}");
        let answers = across(&pair, |site| online.withdraw(site, "7.00").key(&key), 40);
        let firsts = answers.iter().filter(|answer| answer.header("idempotent-replayed").is_none()).count();
        assert_eq!(firsts, 1, "one is the first, all others repeat it");
        for answer in &answers {
            assert_eq!(answer.status(), 201, "{answer}");
            assert_eq!(answer.comparable(), answers[0].comparable());
        }
    }
    let paid = 7_00 * i64::try_from(count(5, 50)).unwrap();
    assert_eq!(online.balance(&pair.right), 1000_00 - paid);
    pair.bank.verify_is_clean();
}

#[test]
fn concurrency_of_wrong_pins_on_two_hosts() {
    let pair = Pair::start();
    let visit = pair.staff().visit("savings", "10.00");
    let body = format!(r#"{{"card_number":"4929000000000006","pin":"1234","atm_id":"{}"}}"#, visit.machine.id);
    let known = across(&pair, |site| visit.card.at(site, &visit.machine, visit.card.wrong_pin()), 40);
    let unknown = across(&pair, |site| site.post("/api/sessions").json(body.clone()), 40);
    for answers in [known, unknown] {
        let wrong = answers.iter().filter(|answer| answer.status() == 401).count();
        assert_eq!(wrong, 3, "exactly three are evaluated, whichever host they came to");
        for answer in answers.iter().filter(|answer| answer.status() != 401) {
            answer.refused(423, "card_blocked", r#""blocked_until":"<time>""#);
        }
    }
    for site in [&pair.left, &pair.right] {
        let right = visit.card.at(site, &visit.machine, &visit.card.pin);
        right.refused(423, "card_blocked", r#""blocked_until":"<time>""#);
    }
}

#[test]
fn concurrency_of_one_limit_on_two_hosts() {
    let pair = Pair::start();
    pair.staff().set_policies(r#""daily_withdrawal_limit":700.00"#);
    let online = Online::with(&pair.left, "savings", "5000.00");
    let answers = across(&pair, |site| online.withdraw(site, "33.00"), 40);
    assert_eq!(answers.iter().filter(|answer| answer.status() == 201).count(), 21, "700.00 for both hosts together");
    for answer in answers.iter().filter(|answer| answer.status() != 201) {
        assert_eq!(answer.json().member("code").text(), "daily_limit_exceeded", "{answer}");
    }
    assert_eq!(online.balance(&pair.right), 5000_00 - 21 * 33_00);
    pair.bank.verify_is_clean();
}

#[test]
fn tells_on_each_host_what_was_answered_on_the_other() {
    let pair = Pair::start();
    let online = Online::with(&pair.left, "savings", "10.00");
    for cents in 1..30 {
        let (here, there) = if cents % 2 == 0 { (&pair.left, &pair.right) } else { (&pair.right, &pair.left) };
        let paid = online.withdraw(here, &format!("0.{cents:02}")).send();
        assert_eq!(paid.status(), 201, "{paid}");
        let path = format!("/api/accounts/{}/transactions?limit=1", online.account);
        let page = there.get(&path).bearer(&online.token).send().json();
        let newest = page.member("transactions").list()[0].member("transaction_id").text().to_owned();
        assert_eq!(newest, paid.json().member("transaction_id").text());
    }
    let out = pair.left.delete("/api/sessions/current").bearer(&online.token).send();
    assert_eq!(out.status(), 204, "{out}");
    online.withdraw(&pair.right, "1.00").refused(401, "session_expired", "");
}

#[test]
fn ends_the_sessions_of_a_reported_card_on_both_hosts() {
    let pair = Pair::start();
    for (here, there) in [(&pair.left, &pair.right), (&pair.right, &pair.left)] {
        let staff = Staff::log_in(here, "operator", "operator");
        let visit = staff.visit("savings", "100.00");
        assert_eq!(visit.withdraw(there, "10").send().status(), 201, "a session of one host holds on the other");
        let path = format!("/api/cards/{}/report", visit.card.id);
        staff.ask("POST", &path).json(r#"{"reason":"stolen"}"#).expect(204, "");
        for site in [there, here] {
            visit.withdraw(site, "10").refused(401, "session_expired", "");
            site.get("/api/sessions/current").bearer(&visit.token).refused(401, "session_expired", "");
            visit.card.at(site, &visit.machine, &visit.card.pin).refused(422, "card_stolen", "");
        }
    }
}

#[test]
fn ends_a_session_on_one_host_that_another_displaces() {
    let pair = Pair::start();
    let visit = pair.staff().visit("savings", "100.00");
    let second = visit.card.enter(&pair.right, &visit.machine);
    visit.withdraw(&pair.left, "10").refused(401, "session_expired", "");
    let second = Visit { token: second, ..visit };
    assert_eq!(second.withdraw(&pair.left, "10").send().status(), 201);
    assert_eq!(second.balance(&pair.right), 90_00);

    let online = Online::with(&pair.left, "savings", "10.00");
    let elsewhere = online.log_in(&pair.right, &online.password).send().json().member("token").text().to_owned();
    let body = format!(r#"{{"old_password":"{}","new_password":"another long password"}}"#, online.password);
    let changed = pair.left.put("/api/customers/current/password").bearer(&online.token).json(body).send();
    assert_eq!(changed.status(), 204, "{changed}");
    let old = Online { token: elsewhere, ..online };
    old.withdraw(&pair.right, "1.00").refused(401, "session_expired", "");
    old.log_in(&pair.right, &old.password).refused(401, "wrong_credentials", "");
    assert_eq!(old.log_in(&pair.right, "another long password").send().status(), 201);
}

#[test]
fn holds_password_tries_across_both_hosts() {
    let bank = Bank::kept(Rows::Server, &["admin"]);
    let (left, right) = (SharedHost::of(&bank), SharedHost::of(&bank));
    // One more comes back every minute: not while this runs.
    Staff::log_in(&left, "admin", STAFF_PASSWORD).set_policies(r#""password_per_minute":1"#);
    let online = Online::sign_up(&left, "savings");
    let burst = || -> Vec<u16> {
        std::thread::scope(|scope| {
            let online = &online;
            let halves = [&left, &right].map(|site| {
                let wrong = move || vec![online.log_in(site, "not the password"); 15];
                scope.spawn(move || all_at_once(&wrong(), &mut lines(site, 15)))
            });
            halves.into_iter().flat_map(|half| half.join().unwrap()).map(|answer| answer.status()).collect()
        })
    };
    // A busy machine may have no place for some: they cost no try, and there may be more.
    let mut statuses = burst();
    while statuses[statuses.len() - 30..].contains(&503) {
        statuses.extend(burst());
    }
    let tried = statuses.iter().filter(|status| !matches!(status, 429 | 503)).count();
    assert!((10..=11).contains(&tried), "the burst is 10, whichever host they came to: {statuses:?}");
    for site in [&left, &right] {
        online.log_in(site, &online.password).refused(429, "too_many_requests", r#""retry_after_s?":"<count>""#);
    }
}

/// One host is killed under load: the other goes on, and nothing that was acknowledged is lost.
#[test]
fn kill_nine_of_one_host_of_two() {
    let server = Cluster::start(Files::Disk);
    let bank = SharedBank::on(&[&server]);
    let survivor = bank.host();
    let dice = Dice::roll("kill_nine_of_one_host_of_two");
    let limits = r#""daily_withdrawal_limit":null,"daily_deposit_limit":10000000"#;
    Staff::log_in(&survivor, "operator", "operator").set_policies(limits);
    let mut clients = clients(&survivor, &dice, 8);
    let (mut moments, mut totals) = (dice.split(99), BTreeMap::<&str, usize>::new());
    for _ in 0..count(2, 20) {
        let mut victim = bank.host();
        let stop = AtomicBool::new(false);
        let door = Site::new(victim.address());
        let sites: [&Site; 2] = [&survivor, &door];
        std::thread::scope(|scope| {
            let (sites, stop) = (&sites, &stop);
            let threads: Vec<_> =
                clients.iter_mut().map(|client| scope.spawn(move || client.operate(sites, stop))).collect();
            std::thread::sleep(Duration::from_millis(300 + moments.below(700)));
            victim.process.kill();
            std::thread::sleep(Duration::from_millis(500));
            stop.store(true, Ordering::Relaxed);
            threads.into_iter().for_each(|thread| thread.join().unwrap());
        });
        for client in &mut clients {
            let (settled, repeated) = client.settle(&survivor);
            *totals.entry("settled").or_default() += settled;
            *totals.entry("repeated").or_default() += repeated;
            client.check(&survivor);
        }
        bank.verify_is_clean();
    }
    let answered: usize = clients.iter().map(Client::answered).sum();
    tell(&format!("{} kills of one host of two, {answered} answered, {totals:?}", count(2, 20)));
}

/// How long a host stands still: longer than the server waits for one that has rows locked.
const STILL: Duration = Duration::from_secs(8);

/// The other host is not held up for longer, whatever the one that stands still was at.
const HELD_UP: Duration = Duration::from_secs(30);

/// One host stands still under load, wherever it is, while the other serves, and goes on afterwards as if nothing had happened.
#[test]
fn a_host_that_stood_still_goes_on_beside_the_other() {
    let server = Cluster::start(Files::Disk);
    let bank = SharedBank::on(&[&server]);
    let steady = bank.host();
    let dice = Dice::roll("a_host_that_stood_still_goes_on_beside_the_other");
    let limits = r#""daily_withdrawal_limit":null,"daily_deposit_limit":10000000"#;
    Staff::log_in(&steady, "operator", "operator").set_policies(limits);
    let probe = Online::with(&steady, "savings", "1.00");
    let mut clients = clients(&steady, &dice, 8);
    let (mut moments, mut longest) = (dice.split(99), Duration::ZERO);
    let (rounds, mut remembered) = (count(1, 20), 0);
    for _ in 0..rounds {
        // A new one may remember rows at once where nobody does.
        let moody = bank.host();
        server.sql("postgres", "UPDATE tenure SET writer = NULL");
        let stop = AtomicBool::new(false);
        let sites: [&Site; 1] = [&moody];
        std::thread::scope(|scope| {
            let (sites, stop) = (&sites, &stop);
            let threads: Vec<_> =
                clients.iter_mut().map(|client| scope.spawn(move || client.operate(sites, stop))).collect();
            std::thread::sleep(Duration::from_millis(500 + moments.below(2_000)));
            moody.process.stand_still();
            let still = Deadline::after(STILL);
            remembered += usize::from(!server.sql("postgres", HELD).is_empty());
            let waiting = Deadline::after(HELD_UP);
            let answered = waiting.wait(|| {
                let answer = probe.deposit(&steady, "0.01").try_send().ok()?;
                (answer.status() == 201).then_some(())
            });
            assert!(answered.is_some(), "the other host is held up:\n{}", steady.process.stderr());
            longest = longest.max(waiting.elapsed());
            still.wait(|| None::<()>);
            moody.process.go_on();
            std::thread::sleep(Duration::from_millis(500));
            stop.store(true, Ordering::Relaxed);
            threads.into_iter().for_each(|thread| thread.join().unwrap());
        });
        // It may find a connection dead first that the server has ended meanwhile.
        let serves = || (probe.deposit(&moody, "0.01").try_send().ok()?.status() == 201).then_some(());
        assert!(Deadline::after(HELD_UP).wait(serves).is_some(), "it does not go on:\n{}", moody.process.stderr());
        for client in &mut clients {
            client.settle(&steady);
            client.check(&moody);
        }
        bank.verify_is_clean();
    }
    let answered: usize = clients.iter().map(Client::answered).sum();
    tell(&format!(
        "stood still {rounds} times, {remembered} of them with rows remembered, {answered} answered; the other host was held up \
         for {:.1} s at most",
        longest.as_secs_f64()
    ));
}

const HELD: &str = "SELECT writer FROM tenure WHERE what = 'held'";

#[test]
fn says_at_once_that_the_database_is_away_and_recovers_by_itself() {
    let mut server = Cluster::start(Files::Disk);
    let bank = SharedBank::on(&[&server]);
    let host = bank.host();
    let online = Online::with(&host, "savings", "10.00");
    server.kill();
    for round in 0..20 {
        // Whoever waited for the server would do so for three seconds.
        let watch = Deadline::after(Duration::from_millis(2_500));
        let answer = online.withdraw(&host, "1.00").key("one").send();
        answer.refused(503, "database_unavailable", r#""retry_after_s?":"<count>""#);
        assert!(round == 0 || !watch.is_over(), "at once, once it is known");
    }
    server.resume();
    let paid = Deadline::after(SETTLING).wait(|| {
        let answer = online.withdraw(&host, "1.00").key("one").send();
        (answer.status() != 503).then_some(answer)
    });
    let paid = paid.expect("it recovers without a restart");
    assert_eq!(paid.status(), 201, "{paid}");
    assert_eq!(online.balance(&host), 9_00);
    bank.verify_is_clean();
}
