//! When sessions end: by idleness, by age, by another log-in, by a new password.

use std::time::Duration;

use cashpoint_core::time::Timestamp;
use serde_json::json;

use crate::http::{Answer, Call, get, online_log_in, put};
use crate::world::{DAY, HOUR, MICROSECOND, MILLISECOND, MINUTE, PASSWORD, Visit, World};

const NOON: &str = "2026-09-15T12:00:00Z";

/// An ATM's session ends after this.
const ATM_IDLE: Duration = Duration::from_secs(300);
/// An online session, or one of staff.
const ONLINE_IDLE: Duration = Duration::from_secs(1_800);

/// The session says that it ends then. Asking is a read: it moves nothing within 30 s of the last activity.
#[track_caller]
fn check_ends(world: &World, visit: &Visit, at: Timestamp) {
    // Times are shown in milliseconds.
    assert_eq!(world.send(visit.session()).is(200).string("/expires_at"), at.to_string());
}

#[track_caller]
fn check_dead(world: &World, visit: &Visit) {
    for call in [visit.balance(), visit.withdraw("10.00"), visit.session(), visit.list(), visit.history()] {
        let answer = world.send(call).refused(401, "session_expired");
        assert_eq!(answer.headers["www-authenticate"], "Bearer error=\"invalid_token\"");
    }
}

#[test]
fn an_atm_session_ends_after_five_minutes_without_a_command() {
    let world = World::real(NOON);
    let card = world.card("Ada", &["5000.00", "0.00"]);
    let visit = world.visit(&card);
    check_ends(&world, &visit, world.now().plus_s(300));
    // Every command moves the end, those that are refused too.
    let over_limit = |answer: Answer| drop(answer.refused(422, "over_transaction_limit"));
    let commands: [(Call, &dyn Fn(Answer)); 6] = [
        (visit.balance(), &|answer| drop(answer.is(200))),
        (visit.withdraw("20.00"), &|answer| drop(answer.is(201))),
        (visit.deposit("20.00"), &|answer| drop(answer.is(201))),
        (visit.transfer(&card.accounts[1], "1.00"), &|answer| drop(answer.is(201))),
        (visit.withdraw("500.01"), &over_limit),
        (visit.change_pin(&card.card, &card.pin, "2580"), &|answer| drop(answer.is(204))),
    ];
    for (command, check) in commands {
        world.pass(ATM_IDLE - MICROSECOND);
        check(world.send(command));
        check_ends(&world, &visit, world.now().plus_s(300));
    }
    world.pass(ATM_IDLE);
    check_dead(&world, &visit);
    world.verified();
}

#[test]
fn an_atm_session_that_is_too_late_for_any_command_stays_dead() {
    let world = World::real(NOON);
    let card = world.card("Ada", &["5000.00"]);
    for late in
        [|visit: &Visit| visit.balance(), |visit: &Visit| visit.withdraw("20.00"), |visit: &Visit| visit.session()]
    {
        let visit = world.visit(&card);
        world.pass(ATM_IDLE);
        world.send(late(&visit)).refused(401, "session_expired");
        check_dead(&world, &visit);
    }
    assert_eq!(world.send(world.visit(&card).balance()).is(200).json()["balance"], json!(5000.0));
}

#[test]
fn reads_extend_a_session_up_to_thirty_seconds_early_and_never_late() {
    let world = World::real(NOON);
    let card = world.card("Ada", &["100.00"]);
    let reads: [fn(&Visit) -> Call; 3] = [Visit::session, Visit::list, Visit::history];
    for read in reads {
        let visit = world.visit(&card);
        let began = world.now();
        // So soon after the last activity a read writes nothing …
        world.pass(Duration::from_secs(30));
        world.send(read(&visit)).is(200);
        world.settle();
        check_ends(&world, &visit, began.plus_s(300));
        // … and a millisecond later it does.
        world.pass(MILLISECOND);
        world.send(read(&visit)).is(200);
        world.settle();
        check_ends(&world, &visit, began.plus_s(330).plus_ms(1));
        // A read 30 s after that is lost again: 30 s early is the most, …
        world.pass(Duration::from_secs(30));
        world.send(read(&visit)).is(200);
        world.settle();
        world.pass(ATM_IDLE - Duration::from_secs(30) - MICROSECOND);
        world.send(read(&visit)).is(200);
        world.settle();
        // … and after the last one that was written it ends to the microsecond.
        world.pass(ATM_IDLE);
        world.send(read(&visit)).refused(401, "session_expired");
        check_dead(&world, &visit);
    }
    let visit = world.visit(&card);
    world.pass(Duration::from_secs(30));
    world.send(visit.list()).is(200);
    world.pass(ATM_IDLE - Duration::from_secs(30));
    check_dead(&world, &visit);
    world.verified();
}

#[test]
fn an_online_session_ends_after_thirty_minutes_without_a_command() {
    let world = World::real(NOON);
    let visit = world.sign_up("ada@example.com");
    check_ends(&world, &visit, world.now().plus_s(1_800));
    for _ in 0..3 {
        world.pass(ONLINE_IDLE - MICROSECOND);
        world.send(visit.balance()).is(200);
    }
    world.pass(ONLINE_IDLE - MICROSECOND);
    // A read counts too.
    world.send(visit.list()).is(200);
    world.settle();
    check_ends(&world, &visit, world.now().plus_s(1_800));
    world.pass(ONLINE_IDLE);
    check_dead(&world, &visit);
}

#[test]
fn an_online_session_ends_a_day_after_it_began_however_active() {
    let world = World::real(NOON);
    let visit = world.sign_up("ada@example.com");
    let ends = world.now().plus_s(86_400);
    while world.now().plus_s(29 * 60) < ends {
        world.pass(29 * MINUTE);
        world.send(visit.balance()).is(200);
        let idle = world.now().plus_s(1_800);
        check_ends(&world, &visit, idle.min(ends));
    }
    world.until(Timestamp::from_micros(ends.micros() - 1));
    world.send(visit.balance()).is(200);
    check_ends(&world, &visit, ends);
    world.pass(MICROSECOND);
    check_dead(&world, &visit);
    world.verified();
}

#[test]
fn a_session_of_staff_ends_like_an_online_one() {
    let world = World::real(NOON);
    let staff = Visit { token: world.admin(), ..world.sign_up("ada@example.com") };
    world.pass(ONLINE_IDLE - MICROSECOND);
    world.send(put("/api/policies", json!({"withdrawal_limit": "501.00"})).token(&staff.token)).is(200);
    world.pass(ONLINE_IDLE - MICROSECOND);
    world.send(staff.session()).is(200);
    world.settle();
    world.pass(ONLINE_IDLE);
    world.send(staff.session()).refused(401, "session_expired");
    let change = put("/api/policies", json!({"withdrawal_limit": "502.00"})).token(&staff.token);
    world.send(change).refused(401, "session_expired");
}

#[test]
fn a_changed_session_time_holds_for_the_next_session_only() {
    let world = World::real(NOON);
    let card = world.card("Ada", &["100.00"]);
    let (old, old_online) = (world.visit(&card), world.sign_up("ada@example.com"));
    let shorter = json!({"atm_session_idle_s": 60, "online_session_idle_s": 120, "online_session_s": 180});
    world.policy(shorter);
    let other = world.card("Bob", &["100.00"]);
    let (new, new_online) = (world.visit_at(&other, "ATM2"), world.online("ada@example.com", PASSWORD));
    let shown = |visit: &Visit| {
        let answer = world.send(visit.session()).is(200);
        (answer.json()["idle_timeout_s"].as_u64().unwrap(), answer.string("/expires_at"))
    };
    let now = world.now();
    assert_eq!(shown(&old), (300, now.plus_s(300).to_string()));
    assert_eq!(shown(&new), (60, now.plus_s(60).to_string()));
    assert_eq!(shown(&old_online), (1_800, now.plus_s(1_800).to_string()));
    assert_eq!(shown(&new_online), (120, now.plus_s(120).to_string()));
    world.pass(MINUTE - MICROSECOND);
    world.send(new_online.balance()).is(200);
    check_ends(&world, &new_online, world.now().plus_s(120));
    world.pass(MICROSECOND);
    check_dead(&world, &new);
    world.send(old.balance()).is(200);
    world.pass(2 * MINUTE - 2 * MICROSECOND);
    world.send(new_online.balance()).is(200);
    check_ends(&world, &new_online, now.plus_s(180));
    world.pass(2 * MICROSECOND);
    check_dead(&world, &new_online);
    world.send(old_online.balance()).is(200);
    world.pass(ATM_IDLE - 2 * MINUTE - MICROSECOND);
    world.send(old.balance()).is(200);
}

#[test]
fn a_changed_limit_holds_for_the_next_operation() {
    let world = World::real(NOON);
    let visit = world.visit(&world.card("Ada", &["9000.00"]));
    world.send(visit.withdraw("510.00")).refused(422, "over_transaction_limit").says("\"limit\":500.00");
    world.policy(json!({"withdrawal_limit": "510.00", "daily_withdrawal_limit": "520.00", "deposit_limit": "50.00"}));
    world.send(visit.withdraw("510.00")).is(201);
    world.send(visit.withdraw("20.00")).refused(422, "daily_limit_exceeded").says("\"remaining\":10.00");
    world.send(visit.deposit("50.01")).refused(422, "over_deposit_limit").says("\"limit\":50.00");
    world.policy(json!({"daily_withdrawal_limit": null, "withdrawal_limit": "100.00"}));
    world.send(visit.withdraw("510.00")).refused(422, "over_transaction_limit").says("\"limit\":100.00");
    for _ in 0..30 {
        world.send(visit.withdraw("100.00")).is(201);
    }
    // What is lowered below what was used already leaves nothing, and not less.
    world.policy(json!({"daily_withdrawal_limit": "1000.00"}));
    world.send(visit.withdraw("10.00")).refused(422, "daily_limit_exceeded").says("\"remaining\":0.00");
    world.policy(json!({"pin_tries": 1}));
    let card = world.card("Bob", &["1.00"]);
    world.send(world.card_log_in(&card.number, &wrong(&card.pin), "ATM2")).refused(401, "wrong_credentials");
    world.send(world.card_log_in(&card.number, &card.pin, "ATM2")).refused(423, "card_blocked");
    world.verified();
}

fn wrong(pin: &str) -> String {
    if pin == "0000" { "1111".to_owned() } else { "0000".to_owned() }
}

#[test]
fn a_log_in_ends_the_older_session_of_that_card_and_of_that_machine() {
    let world = World::real(NOON);
    let (ada, bob) = (world.card("Ada", &["100.00"]), world.card("Bob", &["100.00"]));
    let first = world.visit_at(&ada, "ATM1");
    // A log-in that fails ends nothing.
    world.send(world.card_log_in(&bob.number, &wrong(&bob.pin), "ATM1")).refused(401, "wrong_credentials");
    world.send(world.card_log_in(&ada.number, &wrong(&ada.pin), "ATM2")).refused(401, "wrong_credentials");
    world.send(first.balance()).is(200);
    // The same machine.
    let second = world.visit_at(&bob, "ATM1");
    check_dead(&world, &first);
    world.send(second.balance()).is(200);
    // The same card.
    let third = world.visit_at(&bob, "ATM2");
    check_dead(&world, &second);
    world.send(third.balance()).is(200);
    // Both at once: Ada displaces Bob at ATM2 and her own session at ATM1.
    let fourth = world.visit_at(&ada, "ATM1");
    let fifth = world.visit_at(&ada, "ATM2");
    check_dead(&world, &third);
    check_dead(&world, &fourth);
    world.send(fifth.balance()).is(200);
    world.verified();
}

#[test]
fn the_same_card_at_two_machines_at_once_leaves_one_live_session() {
    let world = World::real(NOON);
    world.policy(json!({"address_log_in_burst": 1_000}));
    let card = world.card("Ada", &["100.00"]);
    let log_in = |machine| world.card_log_in(&card.number, &card.pin, machine);
    let begun = |answer: Answer| {
        let token = answer.is(201).string("/token");
        Visit { token, account: card.accounts[0].clone(), channel: None }
    };
    let lives = |visit: &Visit| match world.send(visit.balance()) {
        answer if answer.status == 200 => true,
        answer => answer.refused(401, "session_expired").status == 200,
    };
    // A hundred times two at once.
    let mut before: Option<Visit> = None;
    for round in 0..100 {
        let begun: Vec<_> = world.send_all(vec![log_in("ATM1"), log_in("ATM2")]).into_iter().map(begun).collect();
        let alive: Vec<_> = begun.into_iter().filter(|visit| lives(visit)).collect();
        assert_eq!(alive.len(), 1, "round {round}");
        assert!(!before.is_some_and(|before| lives(&before)), "round {round}");
        before = alive.into_iter().next();
    }
    // A hundred at once.
    let calls = (0..100).map(|at| log_in(if at % 2 == 0 { "ATM1" } else { "ATM2" })).collect();
    let begun: Vec<_> = world.send_all(calls).into_iter().map(begun).collect();
    assert_eq!(begun.iter().filter(|visit| lives(visit)).count(), 1);
    world.verified();
}

#[test]
fn a_new_password_ends_every_other_online_session() {
    let world = World::real(NOON);
    let own = world.sign_up("ada@example.com");
    let others = [world.online("ada@example.com", PASSWORD), world.online("ada@example.com", PASSWORD)];
    let stranger = world.sign_up("bob@example.com");
    let customer = world.send(get("/api/customers/current").token(&own.token)).is(200);
    let card = world.further_card(&customer.string("/customer_id"), vec![own.account.clone()]);
    let at_machine = world.visit(&card);
    let change = |old: &str, new: &str| {
        let body = json!({"old_password": old, "new_password": new});
        put("/api/customers/current/password", body).token(&own.token)
    };
    // A wrong old one ends nothing.
    world.send(change("a wrong one", "another password")).refused(401, "wrong_credentials");
    for visit in &others {
        world.send(visit.balance()).is(200);
    }
    world.send(change(PASSWORD, "another password")).is(204);
    for visit in &others {
        check_dead(&world, visit);
    }
    world.send(own.balance()).is(200);
    check_ends(&world, &own, world.now().plus_s(1_800));
    // Cards have PINs, and other people their own passwords.
    world.send(at_machine.balance()).is(200);
    world.send(stranger.balance()).is(200);
    world.send(online_log_in("ada@example.com", PASSWORD)).refused(401, "wrong_credentials");
    let new = world.online("ada@example.com", "another password");
    world.send(new.balance()).is(200);
    world.send(own.balance()).is(200);
    world.verified();
}

#[test]
fn a_session_that_nobody_touched_for_days_is_dead_and_hurts_nothing() {
    let world = World::real(NOON);
    let card = world.card("Ada", &["100.00"]);
    let visit = world.visit(&card);
    world.pass(3 * DAY + HOUR);
    check_dead(&world, &visit);
    let next = world.visit(&card);
    world.send(next.balance()).is(200);
    check_dead(&world, &visit);
    world.verified();
}
