use crate::account::{Account, Product};
use crate::change::{Change, Row};
use crate::command::Transfer;
use crate::currency::Currency;
use crate::customer::Customer;
use crate::event::EventKind;
use crate::id::{AccountNumber, CustomerId};
use crate::ledger::TransferKind;
use crate::money::Amount;
use crate::outcome::{Done, Outcome, Refusal, TransferReceipt};
use crate::time::BusinessDate;

use super::super::world::{figure, usd};
use super::{Visit, events, transfers};

fn transfer(visit: &mut Visit, target: AccountNumber, amount: &str) -> Outcome {
    let command = visit.transfer(target, amount);
    visit.world.run(command)
}

fn transferred(outcome: Outcome) -> TransferReceipt {
    match outcome {
        Ok(Done::Transferred(receipt)) => receipt,
        other => panic!("{other:?} moved nothing"),
    }
}

/// The visit, another customer and their account.
fn neighbours() -> (Visit, CustomerId, AccountNumber) {
    let mut visit = Visit::new(Product::Checking, 100_00);
    let neighbour = visit.world.customer();
    let theirs = visit.world.account(neighbour, Product::Savings, 7_00);
    (visit, neighbour, theirs)
}

#[test]
fn moves_money_and_tells_both_sides_but_not_the_others_balance() {
    let (mut visit, neighbour, theirs) = neighbours();
    let command = visit.transfer(theirs, "30.00");
    let decision = visit.world.decide(command);
    assert_eq!(transfers(&decision), [(TransferKind::Transfer, 30_00)]);
    let told = [(visit.customer, EventKind::TransferOut), (neighbour, EventKind::TransferIn)];
    assert_eq!(events(&decision), told);
    let receipt = transferred(decision.outcome);
    assert_eq!((receipt.source_balance, receipt.target_balance), (usd(70_00), None));
    assert_eq!((visit.balance(), visit.world.balance(theirs)), (70_00, 37_00));
}

#[test]
fn shows_both_balances_between_accounts_of_one_customer() {
    let mut visit = Visit::new(Product::Savings, 100_00);
    let own = visit.world.account(visit.customer, Product::Savings, 1_00);
    let receipt = transferred(transfer(&mut visit, own, "40"));
    assert_eq!((receipt.source_balance, receipt.target_balance), (usd(60_00), Some(usd(41_00))));
    let events = visit.world.facts.customers.at(&visit.customer).events;
    assert_eq!(events, 2, "out and in");
}

#[test]
fn never_overdraws() {
    let (mut visit, _, theirs) = neighbours();
    let short = Err(Refusal::InsufficientFunds { available: usd(100_00) });
    assert_eq!(transfer(&mut visit, theirs, "100.01"), short);
    transferred(transfer(&mut visit, theirs, "100.00"));
    assert_eq!(transfer(&mut visit, theirs, "0.01"), Err(Refusal::InsufficientFunds { available: usd(0) }));
    let mut overdrawn = Visit::new(Product::Checking, -50_00);
    let own = overdrawn.world.account(overdrawn.customer, Product::Savings, 0);
    let short = Err(Refusal::InsufficientFunds { available: usd(0) });
    assert_eq!(transfer(&mut overdrawn, own, "0.01"), short, "available is never negative");
}

#[test]
fn knows_a_daily_limit_only_if_there_is_one() {
    let mut visit = Visit::new(Product::Savings, 90_000_00);
    let own = visit.world.account(visit.customer, Product::Savings, 0);
    transferred(transfer(&mut visit, own, "30000"));
    visit.world.policy.daily_transfer_limit = Some(figure("30100"));
    let left = Err(Refusal::DailyLimitExceeded { remaining: usd(100_00) });
    assert_eq!(transfer(&mut visit, own, "100.01"), left, "what was moved before the limit counts");
    transferred(transfer(&mut visit, own, "100"));
    visit.world.policy.daily_transfer_limit = Some(figure("50"));
    assert_eq!(transfer(&mut visit, own, "1"), Err(Refusal::DailyLimitExceeded { remaining: usd(0) }));
    visit.world.date = BusinessDate::from_days(visit.world.date.days() + 1);
    transferred(transfer(&mut visit, own, "50"));
}

#[test]
fn takes_only_another_open_account_in_the_same_currency() {
    let (mut visit, neighbour, theirs) = neighbours();
    visit.world.apply(Change::Row(Row::Customer(Customer::new(CustomerId::TELLER, 0))));
    let tellers = visit.world.account(CustomerId::TELLER, Product::Savings, 0);
    let euros = visit.world.account_in(neighbour, Product::Savings, Amount::new(0, Currency::EUR));
    let closed = visit.world.account(neighbour, Product::Savings, 0);
    let row = Account { closed: Some(visit.world.now), ..*visit.world.facts.accounts.at(&closed) };
    visit.world.apply(Change::Row(Row::Account(row)));
    let own = visit.account;
    assert_eq!(transfer(&mut visit, own, "1"), Err(Refusal::SameAccount));
    assert_eq!(transfer(&mut visit, euros, "1"), Err(Refusal::CurrencyMismatch));
    assert_eq!(transfer(&mut visit, closed, "1"), Err(Refusal::AccountClosed));
    assert_eq!(transfer(&mut visit, tellers, "1"), Err(Refusal::AccountNotFound));
    assert_eq!(transfer(&mut visit, AccountNumber::new(99_999), "1"), Err(Refusal::AccountNotFound));
    let stolen = Transfer { source: theirs, target: visit.account, ..visit.transfer(theirs, "1") };
    assert_eq!(visit.world.run(stolen), Err(Refusal::AccountNotFound), "from another's account");
    assert_eq!(visit.balance(), 100_00);
}

#[test]
fn goes_from_a_card_only_from_its_own_accounts() {
    let (mut visit, _, theirs) = neighbours();
    let own = visit.world.account(visit.customer, Product::Savings, 5_00);
    let command = Transfer { session: visit.session, source: own, ..visit.transfer(theirs, "1") };
    assert_eq!(visit.world.run(command), Err(Refusal::AccountNotFound));
    let command = Transfer { session: visit.session, ..visit.transfer(own, "1") };
    transferred(visit.world.run(command));
}
