//! Wrong PINs: what blocks and for how long, what locks, and what both refuse. A number that no card has is no different.

use std::time::Duration;

use serde_json::json;

use crate::http::{Answer, Call, post_nothing};
use crate::world::{DAY, MICROSECOND, MILLISECOND, MINUTE, Plastic, Visit, World};

const NOON: &str = "2026-09-15T12:00:00Z";

/// How long a block lasts.
const BLOCK: Duration = Duration::from_secs(1_800);

/// A number that no card has.
const NOBODYS: &str = "4000000000000000006";

/// A PIN that the card does not have.
fn wrong(card: &Plastic) -> &'static str {
    if card.pin == "0000" { "1111" } else { "0000" }
}

/// Both answers are the same to the byte, but for what names the request.
#[track_caller]
fn alike(known: &Answer, unknown: &Answer) {
    let told = |answer: &Answer| {
        let mut headers = answer.headers.clone();
        let id = headers.remove("x-request-id").expect("every answer has one");
        (answer.status, headers, answer.text.replace(id.to_str().unwrap(), "…"))
    };
    assert_eq!(told(known), told(unknown));
}

/// Tries a card and a number that nobody has, each with a wrong PIN.
#[track_caller]
fn try_both(world: &World, card: &Plastic) -> Answer {
    let known = world.send(world.card_log_in(&card.number, wrong(card), "ATM1"));
    let unknown = world.send(world.card_log_in(NOBODYS, wrong(card), "ATM1"));
    alike(&known, &unknown);
    known
}

/// Refused until the instant that this gives in the form of an answer.
#[track_caller]
fn blocked(answer: Answer, until: &str) {
    answer.refused(423, "card_blocked").says(&format!("\"blocked_until\":{until}"));
}

#[test]
fn three_wrong_pins_block_for_thirty_minutes_and_three_blocks_until_staff_unlock() {
    let world = World::real(NOON);
    let card = world.card("Ada", &["100.00"]);
    for block in 1..=3 {
        for _ in 0..3 {
            // The third wrong one answers like the others, also the one that locks.
            try_both(&world, &card).refused(401, "wrong_credentials");
            world.pass(Duration::from_secs(7));
        }
        if block == 3 {
            break;
        }
        let until = format!("\"{}\"", world.now().plus_s(1_800 - 7));
        blocked(try_both(&world, &card), &until);
        // The right PIN is not compared either.
        blocked(world.send(world.card_log_in(&card.number, &card.pin, "ATM1")), &until);
        world.pass(BLOCK - Duration::from_secs(7) - MILLISECOND);
        blocked(try_both(&world, &card), &until);
        world.pass(MILLISECOND - MICROSECOND);
        blocked(try_both(&world, &card), &until);
        // At the instant that was told it is over, and nothing had to lift it.
        world.pass(MICROSECOND);
    }
    for _ in 0..3 {
        blocked(try_both(&world, &card), "null");
        blocked(world.send(world.card_log_in(&card.number, &card.pin, "ATM2")), "null");
        world.pass(40 * DAY);
    }
    world.staff();
    let unblock = post_nothing(&format!("/api/cards/{}/unblock", card.card)).token(&world.admin());
    world.send(unblock).is(204);
    world.send(world.visit(&card).balance()).is(200);
    // Nobody can unlock what nobody has.
    blocked(world.send(world.card_log_in(NOBODYS, &card.pin, "ATM1")), "null");
    world.verified();
}

#[test]
fn the_block_lifts_for_the_right_pin_at_the_instant_it_named() {
    let world = World::real(NOON);
    let card = world.card("Ada", &["100.00"]);
    let log_in = || world.send(world.card_log_in(&card.number, &card.pin, "ATM1"));
    for _ in 0..3 {
        world.send(world.card_log_in(&card.number, wrong(&card), "ATM1")).refused(401, "wrong_credentials");
    }
    world.pass(BLOCK - MILLISECOND);
    log_in().refused(423, "card_blocked");
    world.pass(MILLISECOND);
    log_in().is(201);
}

#[test]
fn a_right_pin_between_starts_every_count_over() {
    let world = World::real(NOON);
    let card = world.card("Ada", &["100.00"]);
    let miss = |times: usize| {
        for _ in 0..times {
            world.send(world.card_log_in(&card.number, wrong(&card), "ATM1")).refused(401, "wrong_credentials");
        }
    };
    for _ in 0..4 {
        miss(2);
        world.visit(&card);
    }
    // Four blocks in all and never three without a success between: none of them locks.
    for _ in 0..2 {
        for _ in 0..2 {
            miss(3);
            blocked(
                world.send(world.card_log_in(&card.number, &card.pin, "ATM1")),
                &format!("\"{}\"", world.now().plus_s(1_800)),
            );
            world.pass(BLOCK);
        }
        world.visit(&card);
    }
    // Staff lift a block at once, and it does not count any more.
    miss(3);
    world.staff();
    let unblock = || post_nothing(&format!("/api/cards/{}/unblock", card.card)).token(&world.admin());
    world.send(unblock()).is(204);
    world.visit(&card);
    world.verified();
}

#[test]
fn a_block_refuses_every_command_of_a_running_session_and_ends_none() {
    let world = World::real(NOON);
    // Shorter than a session may be idle, so that one can outlive it.
    world.policy(json!({"pin_block_s": 120}));
    let card = world.card("Ada", &["1000.00", "0.00"]);
    let second = world.further_card(&card.customer, card.accounts.clone());
    let visit = world.visit(&card);
    let other = world.visit_at(&second, "ATM2");
    for _ in 0..3 {
        world.send(world.card_log_in(&card.number, wrong(&card), "ATM2")).refused(401, "wrong_credentials");
    }
    let until = world.now().plus_s(120);
    let commands: Vec<(Call, u16)> = vec![
        (visit.balance(), 200),
        (visit.withdraw("20.00").key("again"), 201),
        (visit.deposit("20.00"), 201),
        (visit.transfer(&card.accounts[1], "1.00"), 201),
        (visit.session(), 200),
        (visit.list(), 200),
        (visit.history(), 200),
        (visit.change_pin(&card.card, &card.pin, "2580"), 204),
    ];
    let refused = || {
        for (command, _) in &commands {
            blocked(world.send(command.clone()), &format!("\"{until}\""));
        }
    };
    refused();
    world.pass(2 * MINUTE - MICROSECOND);
    refused();
    world.pass(MICROSECOND);
    for (command, status) in &commands {
        let answer = world.send(command.clone()).is(*status);
        assert!(!answer.headers.contains_key("idempotent-replayed"), "a block is not recorded");
    }
    // Another card of the same customer had nothing to do with it.
    world.send(other.balance()).is(200);
    world.verified();
}

#[test]
fn a_lock_stops_a_running_session_until_staff_lift_it() {
    let world = World::real(NOON);
    world.policy(json!({"pin_block_s": 60}));
    let card = world.card("Ada", &["1000.00"]);
    let visit = world.visit(&card);
    for block in 1..=3 {
        for _ in 0..3 {
            world.send(world.card_log_in(&card.number, wrong(&card), "ATM2")).refused(401, "wrong_credentials");
        }
        if block < 3 {
            world.pass(MINUTE);
            world.send(visit.balance()).is(200);
        }
    }
    blocked(world.send(visit.withdraw("20.00")), "null");
    world.pass(4 * MINUTE);
    blocked(world.send(visit.withdraw("20.00")), "null");
    world.send(post_nothing(&format!("/api/cards/{}/unblock", card.card)).token(&world.admin())).is(204);
    world.send(visit.withdraw("20.00")).is(201);
}

#[test]
fn a_wrong_old_pin_counts_as_a_try() {
    let world = World::real(NOON);
    let card = world.card("Ada", &["100.00"]);
    let visit = world.visit(&card);
    let change = |visit: &Visit, old: &str| world.send(visit.change_pin(&card.card, old, "2580"));
    // Tries at a log-in and in a session are the same tries.
    world.send(world.card_log_in(&card.number, wrong(&card), "ATM2")).refused(401, "wrong_credentials");
    change(&visit, wrong(&card)).refused(401, "wrong_credentials");
    change(&visit, wrong(&card)).refused(401, "wrong_credentials");
    let until = format!("\"{}\"", world.now().plus_s(1_800));
    blocked(change(&visit, &card.pin), &until);
    blocked(world.send(visit.balance()), &until);
    blocked(world.send(world.card_log_in(&card.number, &card.pin, "ATM1")), &until);
    world.pass(BLOCK);
    let visit = world.visit(&card);
    // Two wrong ones and the right one: nothing is left of them.
    for old in [wrong(&card), wrong(&card)] {
        change(&visit, old).refused(401, "wrong_credentials");
    }
    change(&visit, &card.pin).is(204);
    for _ in 0..2 {
        change(&visit, &card.pin).refused(401, "wrong_credentials");
    }
    world.send(visit.balance()).is(200);
    world.send(world.card_log_in(&card.number, "2580", "ATM1")).is(201);
    world.verified();
}

#[test]
fn of_two_hundred_wrong_pins_at_once_three_are_compared() {
    let world = World::real(NOON);
    world.policy(json!({"address_log_in_burst": 1_000}));
    let card = world.card("Ada", &["100.00"]);
    for number in [card.number.as_str(), NOBODYS] {
        let calls = (0..200).map(|_| world.card_log_in(number, wrong(&card), "ATM1")).collect();
        let answers = world.send_all(calls);
        let count = |status: u16| answers.iter().filter(|answer| answer.status == status).count();
        assert_eq!((count(401), count(423)), (3, 197));
    }
    world.verified();
}
