use crate::account::Product;
use crate::card::{PinCounter, PinKey};
use crate::change::{Change, Row};
use crate::command::{CloseAccount, Command, OpenAccount, Withdraw};
use crate::id::RequestId;
use crate::money::Decimal;
use crate::outcome::Refusal;

use super::super::Replay;
use super::super::world::{by, figure, usd};
use super::customers::new_account;
use super::{Visit, is_recorded, receipt};

/// Sends the command again; it must be answered as before and change nothing.
fn repeats(visit: &mut Visit, command: &Command, outcome: &crate::outcome::Outcome) {
    let again = visit.world.decide(command.clone());
    assert_eq!(&again.outcome, outcome);
    assert_eq!((again.replay, again.changes), (Replay::Repeat, Vec::new()));
}

#[test]
fn gives_every_recorded_answer_again_and_changes_nothing() {
    let mut visit = Visit::new(Product::Savings, 500_00);
    let own = visit.world.account(visit.customer, Product::Savings, 0);
    let open =
        OpenAccount { session: visit.online, request: visit.world.request(), account: new_account(&visit.world) };
    let commands: [Command; 5] = [
        visit.withdrawal("50").into(),
        visit.deposit("20").into(),
        visit.transfer(own, "10").into(),
        visit.transfer(visit.account, "10").into(),
        open.into(),
    ];
    for command in commands {
        let first = visit.world.decide(command.clone());
        assert_eq!(first.replay, Replay::First);
        assert!(is_recorded(&first), "{command:?}");
        repeats(&mut visit, &command, &first.outcome);
        let request =
            first.changes.iter().filter(|change| matches!(change, Change::New(crate::change::New::Request(..))));
        assert_eq!(request.count(), 1);
    }
    assert_eq!(visit.balance(), 460_00);
}

#[test]
fn repeats_an_approval_after_limits_and_times_have_changed() {
    let mut visit = Visit::new(Product::Savings, 500_00);
    let command = Command::from(visit.withdrawal("500"));
    let outcome = visit.world.run(command.clone());
    receipt(outcome.clone());
    visit.world.policy.withdrawal_limit = figure("1");
    visit.world.policy.daily_withdrawal_limit = Some(Decimal::new(1, 0));
    visit.world.now = visit.world.now.plus_s(60);
    let close = CloseAccount { session: visit.online, account: visit.account };
    assert!(visit.world.run(close).is_ok());
    repeats(&mut visit, &command, &outcome);
}

#[test]
fn repeats_a_decline_as_a_decline_after_the_money_came() {
    let mut visit = Visit::new(Product::Savings, 10_00);
    let command = Command::from(visit.withdrawal("50"));
    let outcome = visit.world.run(command.clone());
    assert_eq!(outcome, Err(Refusal::InsufficientFunds { available: usd(10_00) }));
    let deposit = visit.deposit("100");
    receipt(visit.world.run(deposit));
    repeats(&mut visit, &command, &outcome);
    assert_eq!(visit.balance(), 110_00);
    receipt(visit.withdraw("50"));
}

#[test]
fn refuses_a_key_that_was_used_for_something_else() {
    let mut visit = Visit::new(Product::Savings, 500_00);
    let first = visit.withdrawal("50");
    receipt(visit.world.run(first));
    let request = RequestId { content: [9; 16], ..first.request };
    let decision = visit.world.decide(Withdraw { request, amount: figure("60"), ..first });
    assert_eq!(decision.outcome, Err(Refusal::IdempotencyKeyReused));
    assert_eq!(decision.changes, Vec::new());
    assert_eq!(visit.balance(), 450_00);
    let outcome = visit.world.decide(first);
    assert_eq!(outcome.replay, Replay::Repeat, "the first answer stands");
}

#[test]
fn decides_anew_what_was_no_answer_to_keep() {
    let mut visit = Visit::new(Product::Savings, 500_00);
    let key = PinKey::Card(visit.card);
    visit.world.apply(Change::Row(Row::Pin(key, PinCounter::Locked)));
    let command = visit.withdrawal("50");
    let decision = visit.world.decide(command);
    assert_eq!(decision.outcome, Err(Refusal::CardBlocked { until: None }));
    assert!(!is_recorded(&decision));
    visit.world.apply(Change::Row(Row::Pin(key, PinCounter::default())));
    receipt(visit.world.run(command));
}

#[test]
fn asks_for_a_live_session_before_it_repeats_anything() {
    let mut visit = Visit::new(Product::Savings, 500_00);
    let command = visit.withdrawal("50");
    let outcome = visit.world.run(command);
    visit.world.now = visit.world.now.plus_s(300);
    assert_eq!(visit.world.run(command), Err(Refusal::SessionExpired));
    visit.online = visit.world.online(visit.customer);
    let again = Withdraw { by: by(visit.online), ..command };
    repeats(&mut visit, &again.into(), &outcome);
}
