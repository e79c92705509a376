use crate::account::Product;
use crate::change::{Change, Row};
use crate::command::{By, Caller, Deposit, Standing};
use crate::currency::Currency;
use crate::customer::Customer;
use crate::event::EventKind;
use crate::id::CustomerId;
use crate::ledger::{LedgerAccount, TransferKind};
use crate::machine::MachineKind;
use crate::outcome::Refusal;
use crate::time::BusinessDate;

use super::super::world::{by, usd};
use super::{Visit, events, receipt, transfers};

fn deposit(visit: &mut Visit, amount: &str) -> crate::outcome::Outcome {
    let command = visit.deposit(amount);
    visit.world.run(command)
}

#[test]
fn goes_to_the_deposit_bin_of_the_machine() {
    let mut visit = Visit::new(Product::Savings, 0);
    let command = visit.deposit("70.50");
    let decision = visit.world.decide(command);
    assert_eq!(transfers(&decision), [(TransferKind::Deposit, 70_50)]);
    assert_eq!(events(&decision), [(visit.customer, EventKind::Deposit)]);
    let receipt = receipt(decision.outcome);
    assert_eq!((receipt.balance, receipt.fee, receipt.notes), (usd(70_50), usd(0), Vec::new()));
    let holdings = visit.world.facts.holdings.at(&visit.atm);
    assert_eq!(holdings.deposit_bin, 70_50);
    let cash = visit.world.facts.cash.at(&LedgerAccount::AtmCash(visit.atm, Currency::USD));
    assert_eq!(-cash.totals.owed(), holdings.cash(), "the ledger knows what is in the machine");
}

#[test]
fn goes_to_the_counter_or_the_vault_elsewhere() {
    let mut visit = Visit::new(Product::Savings, 0);
    let desk = visit.world.machine("DESK-1", MachineKind::Counter);
    let command = Deposit { by: by(visit.online), machine: Some(desk), ..visit.deposit("1.00") };
    receipt(visit.world.run(command));
    let command = Deposit { by: by(visit.online), ..visit.deposit("1.00") };
    receipt(visit.world.run(command));
    assert_eq!(visit.world.facts.holdings.at(&desk).deposit_bin, 0);
    assert_eq!(visit.balance(), 2_00);
}

#[test]
fn takes_up_to_the_limit_of_one_item() {
    let mut visit = Visit::new(Product::Savings, 0);
    assert_eq!(deposit(&mut visit, "10000.01"), Err(Refusal::OverDepositLimit { limit: usd(10_000_00) }));
    assert_eq!(receipt(deposit(&mut visit, "10000.00")).balance, usd(10_000_00));
}

#[test]
fn says_what_the_day_leaves() {
    let mut visit = Visit::new(Product::Savings, 0);
    receipt(deposit(&mut visit, "10000"));
    receipt(deposit(&mut visit, "6000"));
    assert_eq!(deposit(&mut visit, "4000.01"), Err(Refusal::OverDepositLimit { limit: usd(4_000_00) }));
    receipt(deposit(&mut visit, "4000"));
    assert_eq!(deposit(&mut visit, "0.01"), Err(Refusal::OverDepositLimit { limit: usd(0) }));
    visit.world.date = BusinessDate::from_days(visit.world.date.days() + 1);
    receipt(deposit(&mut visit, "10000"));
}

#[test]
fn leaves_the_withdrawals_of_the_day_as_they_were() {
    let mut visit = Visit::new(Product::Savings, 500_00);
    receipt(visit.withdraw("100"));
    receipt(deposit(&mut visit, "30"));
    let day = *visit.world.facts.daily.at(&(visit.customer, visit.world.date, Currency::USD));
    assert_eq!((day.withdrawn, day.deposited, day.transferred), (100_00, 30_00, 0));
}

#[test]
fn takes_anything_from_the_teller() {
    let mut visit = Visit::new(Product::Savings, 0);
    visit.world.apply(Change::Row(Row::Customer(Customer::new(CustomerId::TELLER, 0))));
    let account = visit.world.account(CustomerId::TELLER, Product::Savings, 0);
    let command = Deposit { by: By::Teller, account, ..visit.deposit("50000.00") };
    assert_eq!(receipt(visit.world.run(command)).balance, usd(50_000_00));
    let command = Deposit { by: By::Teller, ..visit.deposit("1.00") };
    assert_eq!(visit.world.run(command), Err(Refusal::AccountNotFound));
}

#[test]
fn is_taken_only_where_the_cash_stands() {
    let mut visit = Visit::new(Product::Savings, 0);
    let other = visit.world.machine("ATM002", MachineKind::Api);
    let terminal = visit.world.machine("ATM901", MachineKind::Terminal);
    let standing = |standing| By::Session(Caller { session: visit.session, standing });
    let nowhere = Deposit { by: standing(Standing::Nowhere), ..visit.deposit("1.00") };
    let elsewhere = Deposit { by: standing(Standing::At(other)), ..visit.deposit("1.00") };
    let named = Deposit { machine: Some(other), ..visit.deposit("1.00") };
    let own = Deposit { by: by(visit.online), machine: Some(terminal), ..visit.deposit("1.00") };
    assert_eq!(visit.world.run(nowhere), Err(Refusal::ChannelRequired));
    assert_eq!(visit.world.run(elsewhere), Err(Refusal::AtmMismatch));
    assert_eq!(visit.world.run(named), Err(Refusal::AtmMismatch));
    assert_eq!(visit.world.run(own), Err(Refusal::TerminalOnly));
    assert_eq!(visit.balance(), 0);
}

#[test]
fn brings_an_overdrawn_account_back() {
    let mut visit = Visit::new(Product::Checking, -60_00);
    assert_eq!(receipt(deposit(&mut visit, "70")).balance, usd(10_00));
}
