use crate::account::Product;
use crate::card::{Card, CardState, PinCounter, PinKey, Verifier};
use crate::change::{Change, Row};
use crate::command::{LogInWithCard, PinEntry, Standing};
use crate::event::{AuditKind, EventKind};
use crate::id::{CardId, MachineId};
use crate::machine::MachineKind;
use crate::outcome::{Outcome, Refusal};
use crate::session::{Session, Subject};
use crate::time::Timestamp;

use super::super::session_alive;
use super::super::world::{World, index, right_pin, wrong_pin};
use super::{Visit, audits, code, events, receipt, session};

fn entry(key: PinKey, candidates: &[Verifier]) -> PinEntry {
    PinEntry { key, candidates: candidates.to_vec() }
}

fn log_in(world: &World, pin: PinEntry, place: MachineId) -> LogInWithCard {
    LogInWithCard { pin, place, standing: Standing::At(place), session: world.new_session() }
}

fn right(world: &World, card: CardId, place: MachineId) -> LogInWithCard {
    log_in(world, entry(PinKey::Card(card), &[right_pin(card)]), place)
}

fn wrong(world: &World, card: CardId, place: MachineId) -> LogInWithCard {
    log_in(world, entry(PinKey::Card(card), &[wrong_pin(card)]), place)
}

fn lives(world: &World, session: &Session) -> bool {
    session_alive(&world.facts, session, world.now).is_ok()
}

#[test]
fn begins_a_session_of_the_card_at_the_machine() {
    let mut visit = Visit::new(Product::Savings, 100_00);
    visit.world.policy.atm_session_idle_s = 120;
    let command = right(&visit.world, visit.card, visit.atm);
    let decision = visit.world.decide(command.clone());
    assert_eq!(events(&decision), [(visit.customer, EventKind::LoggedIn)]);
    assert_eq!(audits(&decision), []);
    let begun = session(decision.outcome);
    let subject = Subject::Card { card: visit.card, customer: visit.customer, place: visit.atm };
    assert_eq!((begun.id, begun.token, begun.subject), (command.session.id, command.session.token, subject));
    assert_eq!((begun.began, begun.idle_s, begun.ends), (visit.world.now, 120, None));
    visit.session = begun;
    receipt(visit.withdraw("50"));
}

#[test]
fn takes_cards_at_counters_and_terminals_too() {
    for kind in [MachineKind::Counter, MachineKind::Terminal] {
        let mut visit = Visit::new(Product::Savings, 100_00);
        let place = visit.world.machine("PLACE", kind);
        let command = right(&visit.world, visit.card, place);
        let begun = session(visit.world.run(command));
        assert!(lives(&visit.world, &begun), "{kind:?}");
    }
}

#[test]
fn looks_at_the_machine_before_it_counts_a_try() {
    let mut visit = Visit::new(Product::Savings, 100_00);
    let other = visit.world.machine("ATM002", MachineKind::Api);
    let pin = || entry(PinKey::Card(visit.card), &[wrong_pin(visit.card)]);
    let here = log_in(&visit.world, pin(), visit.atm);
    let unknown = MachineId::parse("ATM999").expect("well named");
    let commands = [
        (LogInWithCard { place: unknown, standing: Standing::Sandbox, ..here.clone() }, Refusal::AtmNotFound),
        (LogInWithCard { standing: Standing::At(other), ..here.clone() }, Refusal::AtmMismatch),
        (LogInWithCard { standing: Standing::Nowhere, ..here }, Refusal::ChannelRequired),
    ];
    for (command, refusal) in commands {
        let decision = visit.world.decide(command);
        assert_eq!(decision.outcome, Err(refusal));
        assert_eq!(decision.changes, Vec::new());
    }
}

/// Whose PIN is tried.
#[derive(Clone, Copy, Debug)]
enum Number {
    Known,
    Unknown,
    Removed,
}

/// Answers to tries, each after waiting so many seconds, with a wrong PIN or the right one.
fn answers(number: Number, tries: &[(i64, bool)]) -> Vec<(Outcome, Timestamp)> {
    let mut visit = Visit::new(Product::Savings, 100_00);
    let key = match number {
        Number::Known | Number::Removed => PinKey::Card(visit.card),
        Number::Unknown => PinKey::Unknown(index(4_711)),
    };
    if matches!(number, Number::Removed) {
        let card = *visit.world.facts.cards.at(&visit.card);
        visit.world.apply(Change::Row(Row::Card(Card { state: CardState::Removed, session: None, ..card })));
    }
    let mut given = Vec::new();
    for &(wait_s, is_right) in tries {
        visit.world.now = visit.world.now.plus_s(wait_s);
        let verifier = if is_right { right_pin(visit.card) } else { wrong_pin(visit.card) };
        let command = log_in(&visit.world, entry(key, &[verifier]), visit.atm);
        given.push((visit.world.run(command), visit.world.now));
    }
    given
}

const WRONG: (i64, bool) = (1, false);

#[test]
fn blocks_after_three_wrong_pins_and_lets_go_after_half_an_hour() {
    let given = answers(Number::Known, &[WRONG, WRONG, WRONG, (0, true), (1_799, true), (1, true)]);
    let codes: Vec<_> = given.iter().map(|(outcome, _)| code(outcome)).collect();
    let wrong = "wrong_credentials";
    assert_eq!(codes, [wrong, wrong, wrong, "card_blocked", "card_blocked", "done"]);
    let until = Some(given[2].1.plus_s(1_800));
    assert_eq!(given[3].0, Err(Refusal::CardBlocked { until }));
    assert_eq!(given[4].0, Err(Refusal::CardBlocked { until }), "trying does not lengthen a block");
}

#[test]
fn locks_after_three_blocks_without_a_right_pin_between() {
    let block = [WRONG; 3];
    let tries: Vec<_> =
        [&block[..], &[(1_800, false)], &block[1..], &[(1_800, false)], &block[1..], &[(9_999_999, true)]].concat();
    let given = answers(Number::Known, &tries);
    let (last, wrong) = given.split_last().expect("tried");
    assert!(wrong.iter().all(|(outcome, _)| *outcome == Err(Refusal::WrongCredentials)), "{wrong:?}");
    assert_eq!(last.0, Err(Refusal::CardBlocked { until: None }));
}

#[test]
fn forgets_wrong_pins_and_blocks_after_a_right_one() {
    let tries = [WRONG, WRONG, (1, true), WRONG, WRONG, (1, true), WRONG, WRONG, WRONG, (1_800, true)];
    let codes: Vec<_> = answers(Number::Known, &tries).iter().map(|(outcome, _)| code(outcome)).collect();
    assert_eq!(codes.iter().filter(|code| **code == "done").count(), 3);
    assert_eq!(codes.iter().filter(|code| **code == "card_blocked").count(), 0);
}

#[test]
fn answers_for_an_unknown_number_and_a_withdrawn_card_as_for_wrong_pins() {
    let block = [WRONG, WRONG, WRONG, (60, false), (1_740, false), WRONG, WRONG, (1, false)];
    let wrong: Vec<_> = [&block[..], &block[..], &block[..]].concat();
    let known = answers(Number::Known, &wrong);
    assert_eq!(known.last().map(|(outcome, _)| code(outcome)), Some("card_blocked"));
    assert_eq!(answers(Number::Unknown, &wrong), known);
    // A PIN that would open the withdrawn card if it were one is as wrong as any.
    let right: Vec<_> = wrong.iter().map(|(wait_s, _)| (*wait_s, true)).collect();
    assert_eq!(answers(Number::Removed, &right), known);
    assert_eq!(answers(Number::Unknown, &right), known);
}

#[test]
fn evaluates_three_of_two_hundred_wrong_pins() {
    let mut visit = Visit::new(Product::Savings, 100_00);
    let atms: Vec<_> = (0..5).map(|n| visit.world.machine(&format!("ATM-{n}"), MachineKind::Api)).collect();
    let (mut evaluated, mut blocked) = (0, Vec::new());
    for at in 0..200 {
        let command = wrong(&visit.world, visit.card, atms[at % 5]);
        let decision = visit.world.decide(command);
        evaluated += audits(&decision).iter().filter(|kind| **kind == AuditKind::CardLogInFailed).count();
        blocked.extend(audits(&decision).into_iter().filter(|kind| *kind == AuditKind::Blocked));
    }
    assert_eq!((evaluated, blocked.len()), (3, 1));
}

#[test]
fn tells_the_holder_of_blocks_and_locks() {
    let mut visit = Visit::new(Product::Savings, 100_00);
    let mut told = Vec::new();
    for _ in 0..9 {
        let command = wrong(&visit.world, visit.card, visit.atm);
        told.extend(events(&visit.world.decide(command)).into_iter().map(|(_, kind)| kind));
        if let Some(PinCounter::Blocked { until, .. }) = visit.world.facts.pins.find(&PinKey::Card(visit.card)) {
            visit.world.now = *until;
        }
    }
    assert_eq!(told, [EventKind::CardBlocked, EventKind::CardBlocked, EventKind::CardLocked]);
}

#[test]
fn refuses_commands_of_a_blocked_card_without_ending_its_session() {
    let mut visit = Visit::new(Product::Savings, 100_00);
    visit.world.policy.pin_block_s = 60;
    let other = visit.world.machine("ATM002", MachineKind::Api);
    for _ in 0..3 {
        let command = wrong(&visit.world, visit.card, other);
        assert_eq!(visit.world.run(command), Err(Refusal::WrongCredentials));
    }
    let until = visit.world.now.plus_s(60);
    let blocked = Err(Refusal::CardBlocked { until: Some(until) });
    assert_eq!(visit.withdraw("50"), blocked);
    let read = visit.read_balance();
    assert_eq!(visit.world.run(read), blocked);
    let deposit = visit.deposit("50");
    assert_eq!(visit.world.run(deposit), blocked);
    let own = visit.world.account(visit.customer, Product::Savings, 0);
    let transfer = crate::command::Transfer { session: visit.session, ..visit.transfer(own, "1") };
    assert_eq!(visit.world.run(transfer), blocked);
    receipt(visit.withdraw_at_counter("50"));
    visit.world.now = until;
    receipt(visit.withdraw("50"));
}

#[test]
fn tells_of_a_reported_or_old_card_only_who_has_its_pin() {
    let check = |state: CardState, wait_s: i64, refusal: Option<Refusal>| {
        let mut visit = Visit::new(Product::Savings, 100_00);
        let card = *visit.world.facts.cards.at(&visit.card);
        visit.world.apply(Change::Row(Row::Card(Card { state, ..card })));
        visit.world.now = visit.world.now.plus_s(wait_s);
        let command = wrong(&visit.world, visit.card, visit.atm);
        assert_eq!(visit.world.run(command), Err(Refusal::WrongCredentials), "{state:?}");
        let command = right(&visit.world, visit.card, visit.atm);
        let decision = visit.world.decide(command);
        if refusal.is_some() {
            assert_eq!(events(&decision), [(visit.customer, EventKind::Refused)], "{state:?}");
        }
        assert_eq!(decision.outcome.err(), refusal, "{state:?}");
    };
    let year_s = 365 * 86_400;
    check(CardState::Active, 0, None);
    check(CardState::Stolen, 0, Some(Refusal::CardStolen));
    check(CardState::Lost, year_s, Some(Refusal::CardLost));
    check(CardState::Active, year_s - 1, None);
    check(CardState::Active, year_s, Some(Refusal::CardExpired));
}

#[test]
fn takes_over_a_pin_that_an_older_key_has_proven() {
    let mut visit = Visit::new(Product::Savings, 100_00);
    let old = right_pin(visit.card);
    let new = Verifier { version: 2, mac: [0xAB; 32] };
    let key = PinKey::Card(visit.card);
    let command = log_in(&visit.world, entry(key, &[new, old]), visit.atm);
    session(visit.world.run(command));
    assert_eq!(visit.world.facts.cards.at(&visit.card).verifier, new);
    let command = log_in(&visit.world, entry(key, &[new]), visit.atm);
    session(visit.world.run(command));
    let command = log_in(&visit.world, entry(key, &[old]), visit.atm);
    assert_eq!(visit.world.run(command), Err(Refusal::WrongCredentials));
}

#[test]
fn displaces_the_older_session_of_card_and_machine() {
    let mut visit = Visit::new(Product::Savings, 100_00);
    let other = visit.world.machine("ATM002", MachineKind::Api);
    let neighbour = visit.world.customer();
    let theirs = visit.world.card(neighbour, &[]);
    let first = visit.session;
    // The card turns up at another machine.
    let command = right(&visit.world, visit.card, other);
    let second = session(visit.world.run(command));
    assert_eq!((lives(&visit.world, &first), lives(&visit.world, &second)), (false, true));
    assert_eq!(visit.withdraw("50"), Err(Refusal::SessionExpired));
    // Another card turns up at that machine.
    let command = right(&visit.world, theirs, other);
    let third = session(visit.world.run(command));
    assert_eq!((lives(&visit.world, &second), lives(&visit.world, &third)), (false, true));
    assert!(lives(&visit.world, &visit.online), "online sessions are not of any machine");
}

#[test]
fn displaces_nothing_when_it_fails() {
    let mut visit = Visit::new(Product::Savings, 100_00);
    let other = visit.world.machine("ATM002", MachineKind::Api);
    let command = wrong(&visit.world, visit.card, other);
    assert_eq!(visit.world.run(command), Err(Refusal::WrongCredentials));
    let neighbour = visit.world.customer();
    let theirs = visit.world.card(neighbour, &[]);
    let command = wrong(&visit.world, theirs, visit.atm);
    assert_eq!(visit.world.run(command), Err(Refusal::WrongCredentials));
    assert!(lives(&visit.world, &visit.session));
}

#[test]
fn leaves_exactly_one_session_of_a_card_that_is_everywhere() {
    let mut visit = Visit::new(Product::Savings, 100_00);
    let atms = [visit.atm, visit.world.machine("ATM002", MachineKind::Api)];
    let mut begun = vec![visit.session];
    for at in 0..100 {
        let command = right(&visit.world, visit.card, atms[at % 2]);
        begun.push(session(visit.world.run(command)));
        let living = begun.iter().filter(|session| lives(&visit.world, session)).count();
        assert_eq!(living, 1);
    }
}
