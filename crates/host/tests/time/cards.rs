//! Cards that are out of date or reported.

use serde_json::json;

use crate::http::{Call, get, post};
use crate::world::{MICROSECOND, MINUTE, Plastic, Visit, World, instant};

fn wrong(card: &Plastic) -> &'static str {
    if card.pin == "0000" { "1111" } else { "0000" }
}

/// A card made in September ends with September three years on, at midnight in the bank's zone.
#[track_caller]
fn check_end(zone: &str, ends: &str) {
    let world = World::real("2026-09-15T12:00:00Z");
    world.policy(json!({"time_zone": zone}));
    let card = world.card("Ada", &["1000.00", "0.00"]);
    world.until(instant(ends).plus_s(-60));
    let visit = world.visit(&card);
    let commands = [
        (visit.withdraw("20.00"), 201),
        (visit.deposit("20.00"), 201),
        (visit.transfer(&card.accounts[1], "1.00"), 201),
        (visit.balance(), 200),
    ];
    world.pass(MINUTE - MICROSECOND);
    for (command, status) in &commands {
        world.send(command.clone()).is(*status);
    }
    let visit_before = world.visit_at(&card, "ATM2");
    world.send(visit_before.balance()).is(200);
    world.pass(MICROSECOND);
    for command in [
        visit_before.withdraw("20.00"),
        visit_before.deposit("20.00"),
        visit_before.transfer(&card.accounts[1], "1.00"),
        visit_before.balance(),
    ] {
        world.send(command).refused(422, "card_expired");
    }
    world.send(world.card_log_in(&card.number, &card.pin, "ATM1")).refused(422, "card_expired");
    // Without the PIN nobody learns that.
    world.send(world.card_log_in(&card.number, wrong(&card), "ATM1")).refused(401, "wrong_credentials");
    world.verified();
}

#[test]
fn a_card_ends_at_midnight_after_its_last_month() {
    for (zone, ends) in [
        ("UTC", "2029-10-01T00:00:00Z"),
        ("America/New_York", "2029-10-01T04:00:00Z"),
        ("Pacific/Apia", "2029-09-30T11:00:00Z"),
    ] {
        check_end(zone, ends);
    }
}

fn report(token: &str, card: &Plastic, reason: &str) -> Call {
    post(&format!("/api/cards/{}/report", card.card), json!({"reason": reason})).token(token)
}

#[track_caller]
fn check_dead(world: &World, visit: &Visit) {
    for call in [visit.balance(), visit.withdraw("20.00"), visit.session(), visit.history()] {
        world.send(call).refused(401, "session_expired");
    }
}

#[test]
fn a_report_ends_the_cards_session_at_once_whoever_reports() {
    let world = World::real("2026-09-15T12:00:00Z");
    for (by, reason, code) in [
        ("card", "lost", "card_lost"),
        ("card", "stolen", "card_stolen"),
        ("staff", "lost", "card_lost"),
        ("staff", "stolen", "card_stolen"),
        ("online", "stolen", "card_stolen"),
    ] {
        let online = world.sign_up(&format!("{by}.{reason}@example.com"));
        let customer = world.send(get("/api/customers/current").token(&online.token)).is(200);
        let customer = customer.string("/customer_id");
        let card = world.further_card(&customer, vec![online.account.clone()]);
        let second = world.further_card(&customer, vec![online.account.clone()]);
        let (visit, other) = (world.visit_at(&card, "ATM1"), world.visit_at(&second, "ATM2"));
        let token = match by {
            "card" => visit.token.clone(),
            "online" => online.token.clone(),
            _ => world.admin(),
        };
        world.send(visit.deposit("50.00")).is(201);
        // Somebody else's card is nobody's business.
        world.send(report(&other.token, &card, reason)).refused(404, "not_found");
        world.send(visit.balance()).is(200);
        world.send(report(&token, &card, reason)).is(204);
        check_dead(&world, &visit);
        // Only who knows the PIN learns what became of the card.
        world.send(world.card_log_in(&card.number, wrong(&card), "ATM1")).refused(401, "wrong_credentials");
        world.send(world.card_log_in(&card.number, &card.pin, "ATM1")).refused(422, code);
        check_dead(&world, &visit);
        // The second card, and the customer online, go on.
        world.send(other.withdraw("20.00")).is(201);
        world.send(online.balance()).is(200).says("\"balance\":30.00");
        // A reported card blocks like any other.
        for _ in 0..3 {
            world.send(world.card_log_in(&card.number, wrong(&card), "ATM1")).refused(401, "wrong_credentials");
        }
        world.send(world.card_log_in(&card.number, &card.pin, "ATM1")).refused(423, "card_blocked");
    }
    world.verified();
}
