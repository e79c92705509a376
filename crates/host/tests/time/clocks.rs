//! Clocks that jump, under a running host and across a restart: time limits go on by the clock that only counts, no
//! day begins twice, and time never runs backwards.

use std::time::Duration;

use cashpoint_core::time::Timestamp;

use crate::http::{Answer, Call, online_log_in};
use crate::world::{DAY, HOUR, MICROSECOND, MINUTE, Plastic, Visit, World, instant};

const NOON: &str = "2026-09-15T12:00:00Z";
const DAY_S: i64 = 86_400;

/// An ATM's session ends after this.
const ATM_IDLE: Duration = Duration::from_secs(300);

fn wrong(card: &Plastic) -> &'static str {
    if card.pin == "0000" { "1111" } else { "0000" }
}

#[track_caller]
fn use_day(world: &World, visit: &Visit) {
    for _ in 0..4 {
        world.send(visit.withdraw("450.00")).is(201);
    }
    used(world, visit);
}

/// Today is used up but for 200.00.
#[track_caller]
fn used(world: &World, visit: &Visit) {
    world.send(visit.withdraw("300.00")).refused(422, "daily_limit_exceeded").says("\"remaining\":200.00");
}

#[track_caller]
fn disagrees(world: &World, call: Call) {
    let answer = world.send(call).refused(503, "clock_disagrees");
    assert_eq!(answer.retry_after(), 30);
}

fn block(world: &World, card: &Plastic) {
    for _ in 0..3 {
        world.send(world.card_log_in(&card.number, wrong(card), "ATM2")).refused(401, "wrong_credentials");
    }
}

/// The wall clock of a running bank is set off by so much, and a while later set right.
#[track_caller]
fn check_jump(seconds: i64) {
    let world = World::real(NOON);
    let (card, late, blocked) =
        (world.card("Ada", &["9000.00", "0.00"]), world.card("Bob", &["1.00"]), world.card("Cleo", &["1.00"]));
    let dead = world.visit_at(&late, "ATM2");
    world.pass(ATM_IDLE);
    block(&world, &blocked);
    let blocked_until = world.now().plus_s(1_800);
    let visit = world.visit(&card);
    use_day(&world, &visit);
    let (shown, commits) = (world.send(visit.session()).is(200).string("/expires_at"), world.commits().len());
    world.jump_s(seconds);
    for call in [
        visit.withdraw("100.00").key("again"),
        visit.deposit("20.00"),
        visit.balance(),
        visit.transfer(&card.accounts[1], "1.00"),
        visit.change_pin(&card.card, &card.pin, "2580"),
        world.card_log_in(&late.number, &late.pin, "ATM2"),
        world.card_log_in(&blocked.number, &blocked.pin, "ATM2"),
        online_log_in("nobody@example.com", "a wrong one"),
    ] {
        disagrees(&world, call);
    }
    assert_eq!((world.date().as_str(), world.commits().len()), ("2026-09-15", commits), "nothing was written");
    // No session is revived, none ends, and none is given more time than it has.
    world.send(dead.session()).refused(401, "session_expired");
    assert_eq!(world.send(visit.session()).is(200).string("/expires_at"), shown);
    world.pass(ATM_IDLE - MICROSECOND);
    world.send(visit.list()).is(200);
    world.pass(MICROSECOND);
    world.send(visit.list()).refused(401, "session_expired");
    disagrees(&world, visit.balance());
    // The clock is set right: it goes on by itself, as if nothing had been.
    world.jump_s(-seconds);
    for gone in [&dead, &visit] {
        world.send(gone.balance()).refused(401, "session_expired");
    }
    let log_in = world.send(world.card_log_in(&blocked.number, &blocked.pin, "ATM2"));
    log_in.refused(423, "card_blocked").says(&blocked_until.to_string());
    let visit = world.visit(&card);
    used(&world, &visit);
    let answer = world.send(visit.withdraw("100.00").key("again")).is(201);
    assert!(!answer.headers.contains_key("idempotent-replayed"));
    assert_eq!(world.date(), "2026-09-15");
    world.until(Timestamp::from_micros(blocked_until.micros() - 1));
    world.send(world.card_log_in(&blocked.number, &blocked.pin, "ATM2")).refused(423, "card_blocked");
    world.pass(MICROSECOND);
    world.send(world.card_log_in(&blocked.number, &blocked.pin, "ATM2")).is(201);
    world.verified();
}

#[test]
fn a_clock_set_a_day_ahead_stops_the_money_and_nothing_else() {
    check_jump(DAY_S);
}

#[test]
fn a_clock_set_a_day_back_stops_the_money_and_nothing_else() {
    check_jump(-DAY_S);
}

#[test]
fn clocks_may_part_by_five_seconds() {
    let world = World::real(NOON);
    let visit = world.visit(&world.card("Ada", &["9000.00"]));
    let right = world.now();
    let balance_at = |off_us: i64| {
        world.clock.set_wall(Timestamp::from_micros(right.micros() + off_us));
        world.send(visit.balance())
    };
    for good in [5_000_000, -5_000_000, 0] {
        balance_at(good).is(200);
    }
    for bad in [5_000_001, -5_000_001] {
        balance_at(bad).refused(503, "clock_disagrees");
        balance_at(0).is(200);
    }
    // Small steps are not forgotten: it is the sum that counts.
    for step in 1..=3 {
        let answer = balance_at(step * 2_000_000);
        assert_eq!(answer.status, if step < 3 { 200 } else { 503 });
    }
    world.verified();
}

#[test]
fn a_clock_that_is_set_right_slowly_or_stands_still_is_noticed_too() {
    let world = World::real(NOON);
    let visit = world.visit(&world.card("Ada", &["9000.00"]));
    // A suspended machine counts its sleep on both clocks: that is only time that passed.
    world.pass(2 * MINUTE);
    world.send(visit.balance()).is(200);
    // A wall clock that stands still while the other goes on is not.
    let stopped = world.now();
    world.pass(Duration::from_secs(6));
    world.clock.set_wall(stopped);
    disagrees(&world, visit.balance());
    world.clock.set_wall(stopped.plus_s(6));
    world.send(visit.balance()).is(200);
}

#[test]
fn midnight_that_passes_while_the_clocks_disagree_is_caught_up_once() {
    for seconds in [DAY_S, -DAY_S] {
        let world = World::real("2026-09-15T23:30:00Z");
        let card = world.card("Ada", &["9000.00"]);
        use_day(&world, &world.visit(&card));
        world.until(instant("2026-09-15T23:50:00Z"));
        world.jump_s(seconds);
        disagrees(&world, world.card_log_in(&card.number, &card.pin, "ATM1"));
        world.pass(20 * MINUTE);
        disagrees(&world, world.card_log_in(&card.number, &card.pin, "ATM1"));
        assert_eq!(world.date(), "2026-09-15");
        world.jump_s(-seconds);
        use_day(&world, &world.visit(&card));
        assert_eq!(world.date(), "2026-09-16");
        world.verified();
    }
}

#[test]
fn a_sandbox_goes_on_by_the_clock_that_only_counts() {
    for seconds in [DAY_S, -DAY_S] {
        let world = World::sandbox(NOON);
        let card = world.card("Ada", &["9000.00"]);
        let visit = world.visit(&card);
        use_day(&world, &visit);
        world.jump_s(seconds);
        used(&world, &visit);
        assert_eq!(world.date(), "2026-09-15");
        world.pass(ATM_IDLE - MICROSECOND);
        world.send(visit.balance()).is(200);
        world.pass(ATM_IDLE);
        world.send(visit.balance()).refused(401, "session_expired");
        used(&world, &world.visit(&card));
        // Midnight comes twelve hours after noon, whatever the wall says.
        world.pass(12 * HOUR - 2 * ATM_IDLE);
        used(&world, &world.visit(&card));
        assert_eq!(world.date(), "2026-09-15");
        world.pass(MICROSECOND);
        use_day(&world, &world.visit(&card));
        assert_eq!(world.date(), "2026-09-16");
        world.verified();
    }
}

// --- across a restart ----------------------------------------------------------------------------------------------

/// The instant of an answer.
#[track_caller]
fn as_of(answer: &Answer) -> String {
    answer.string("/as_of")
}

#[test]
fn a_restart_a_day_ahead_begins_one_day_and_the_way_back_none() {
    let mut world = World::real(NOON);
    let card = world.card("Ada", &["20000.00"]);
    use_day(&world, &world.visit(&card));
    let right = world.now();
    world.restart_at(right.plus_s(DAY_S));
    let visit = world.visit(&card);
    use_day(&world, &visit);
    assert_eq!(world.date(), "2026-09-16");
    let before = as_of(&world.send(visit.balance()).is(200));
    // The clock is right again, a day behind what was written.
    world.restart_at(right.plus_s(60));
    let after = as_of(&world.send(visit.balance()).is(200));
    assert!(after >= before, "{after} is before {before}");
    used(&world, &visit);
    // The real midnight of the 16th: that day has begun already.
    world.until(instant("2026-09-16T00:00:01Z"));
    used(&world, &world.visit(&card));
    assert_eq!(world.date(), "2026-09-16");
    // Two days later the bank's time is the clock's again, to the microsecond.
    world.until(instant("2026-09-17T23:59:59.999999Z"));
    let visit = world.visit(&card);
    assert_eq!(as_of(&world.send(visit.balance()).is(200)), world.now().to_string());
    assert_eq!(world.date(), "2026-09-17");
    use_day(&world, &visit);
    world.pass(MICROSECOND);
    use_day(&world, &visit);
    assert_eq!(world.date(), "2026-09-18");
    world.verified();
    let mut dates: Vec<_> = world.commits().into_iter().map(|(_, date)| date).collect();
    dates.dedup();
    assert_eq!(dates.len(), 4, "the 15th to the 18th, each begun once");
}

#[test]
fn a_restart_a_day_behind_begins_no_day_and_revives_nothing() {
    let mut world = World::real(NOON);
    let (card, late, blocked) =
        (world.card("Ada", &["20000.00"]), world.card("Bob", &["1.00"]), world.card("Cleo", &["1.00"]));
    let dead = world.visit_at(&late, "ATM2");
    world.pass(ATM_IDLE);
    world.send(dead.balance()).refused(401, "session_expired");
    block(&world, &blocked);
    for _ in 0..10 {
        world.send(online_log_in("nobody@example.com", "a wrong one")).refused(401, "wrong_credentials");
    }
    let visit = world.visit(&card);
    use_day(&world, &visit);
    let before = as_of(&world.send(visit.balance()).is(200));
    let right = world.now();
    world.restart_at(right.plus_s(-DAY_S));
    for gone in [dead.balance(), dead.session()] {
        world.send(gone).refused(401, "session_expired");
    }
    let answer = world.send(visit.balance()).is(200);
    assert!(as_of(&answer) >= before, "{} is before {before}", as_of(&answer));
    used(&world, &visit);
    assert_eq!(world.date(), "2026-09-15");
    // Tries come back after the seconds that are told, and not a day later.
    let throttled = world.send(online_log_in("nobody@example.com", "a wrong one")).refused(429, "too_many_requests");
    assert!(throttled.retry_after() <= 6, "{}", throttled.retry_after());
    world.send(world.card_log_in(&blocked.number, &blocked.pin, "ATM2")).refused(423, "card_blocked");
    // While the clock has to catch up, time goes at half its pace: limits last twice as long, and they do end.
    world.pass(2 * ATM_IDLE - 2 * MICROSECOND);
    world.send(visit.session()).is(200);
    world.settle();
    world.pass(2 * ATM_IDLE);
    for gone in [visit.session(), visit.balance()] {
        world.send(gone).refused(401, "session_expired");
    }
    world.send(online_log_in("nobody@example.com", "a wrong one")).refused(401, "wrong_credentials");
    world.pass(40 * MINUTE);
    world.send(world.card_log_in(&blocked.number, &blocked.pin, "ATM2")).refused(423, "card_blocked");
    world.pass(2 * MICROSECOND);
    world.send(world.card_log_in(&blocked.number, &blocked.pin, "ATM2")).is(201);
    used(&world, &world.visit(&card));
    world.verified();
    // Somebody sets the clock right and starts the host again.
    world.restart_at(right.plus_s(3_600));
    used(&world, &world.visit(&card));
    assert_eq!(world.date(), "2026-09-15");
    world.until(instant("2026-09-15T23:59:59.999999Z"));
    used(&world, &world.visit(&card));
    world.pass(MICROSECOND);
    use_day(&world, &world.visit(&card));
    assert_eq!(world.date(), "2026-09-16");
    world.verified();
}

#[test]
fn whatever_the_clock_says_at_each_start_no_day_begins_twice() {
    let mut world = World::real(NOON);
    let card = world.card("Ada", &["50000.00"]);
    let right = world.now();
    let mut dates = vec![world.date()];
    for (restart, days) in (1..).zip([1_i64, 0, -1, 2, 1, -30, 3, 0, 3]) {
        world.restart_at(right.plus_s(days * DAY_S + restart * 60));
        let visit = world.visit(&card);
        let fresh = dates.last() != Some(&world.date());
        if fresh {
            assert!(!dates.contains(&world.date()), "{dates:?} and again {}", world.date());
            dates.push(world.date());
            use_day(&world, &visit);
        } else if dates.len() > 1 {
            used(&world, &visit);
        }
    }
    assert_eq!(dates, ["2026-09-15", "2026-09-16", "2026-09-17", "2026-09-18"]);
    world.verified();
}

#[test]
fn a_restart_after_days_off_begins_one_day_only() {
    let mut world = World::real(NOON);
    let card = world.card("Ada", &["20000.00"]);
    use_day(&world, &world.visit(&card));
    world.restart_at(world.now().plus_s(9 * DAY_S));
    use_day(&world, &world.visit(&card));
    world.pass(DAY);
    use_day(&world, &world.visit(&card));
    let mut dates: Vec<_> = world.commits().into_iter().map(|(_, date)| date).collect();
    dates.dedup();
    assert_eq!(dates.len(), 3);
    world.verified();
}
