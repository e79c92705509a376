use crate::account::Product;
use crate::change::{Change, Row};
use crate::command::{By, Caller, Standing, Withdraw};
use crate::currency::Currency;
use crate::event::EventKind;
use crate::id::{AccountNumber, CustomerId, MachineId};
use crate::ledger::{LedgerAccount, TransferKind};
use crate::machine::{Machine, MachineKind, MachineStatus};
use crate::mix::Cassette;
use crate::money::Amount;
use crate::outcome::Refusal;
use crate::time::BusinessDate;

use super::super::world::{by, figure, usd};
use super::{Visit, events, receipt, transfers};

#[test]
fn pays_up_to_the_limit_and_not_a_cent_more() {
    let mut visit = Visit::new(Product::Savings, 2_000_00);
    assert_eq!(visit.withdraw_at_counter("500.01"), Err(Refusal::OverTransactionLimit { limit: usd(500_00) }));
    assert_eq!(receipt(visit.withdraw_at_counter("500.00")).balance, usd(1_500_00));
    visit.world.policy.withdrawal_limit = figure("600");
    assert_eq!(receipt(visit.withdraw_at_counter("600")).balance, usd(900_00), "a changed limit holds at once");
}

#[test]
fn leaves_of_the_day_what_was_not_paid_yet() {
    let mut visit = Visit::new(Product::Savings, 9_000_00);
    for _ in 0..4 {
        receipt(visit.withdraw("450"));
    }
    assert_eq!(visit.withdraw("300"), Err(Refusal::DailyLimitExceeded { remaining: usd(200_00) }));
    receipt(visit.withdraw("200"));
    assert_eq!(visit.withdraw("10"), Err(Refusal::DailyLimitExceeded { remaining: usd(0) }));
    visit.world.date = BusinessDate::from_days(visit.world.date.days() + 1);
    receipt(visit.withdraw("450"));
}

#[test]
fn counts_the_day_over_all_accounts_and_cards_of_a_customer() {
    let mut visit = Visit::new(Product::Savings, 9_000_00);
    for _ in 0..3 {
        receipt(visit.withdraw("500"));
    }
    let other = visit.world.account(visit.customer, Product::Checking, 9_000_00);
    let card = visit.world.card(visit.customer, &[other]);
    let atm = visit.world.machine("ATM002", MachineKind::Api);
    let session = visit.world.in_machine(card, atm);
    let at_other = |visit: &Visit, amount| Withdraw { by: by(session), account: other, ..visit.withdrawal(amount) };
    receipt({
        let command = at_other(&visit, "400");
        visit.world.run(command)
    });
    let command = at_other(&visit, "110");
    assert_eq!(visit.world.run(command), Err(Refusal::DailyLimitExceeded { remaining: usd(100_00) }));
}

#[test]
fn counts_the_day_by_currency_and_by_customer() {
    let mut visit = Visit::new(Product::Savings, 9_000_00);
    for _ in 0..4 {
        receipt(visit.withdraw("500"));
    }
    let euros = visit.world.account_in(visit.customer, Product::Savings, Amount::new(600_00, Currency::EUR));
    let command = Withdraw { account: euros, ..visit.counter_withdrawal("500") };
    assert_eq!(receipt(visit.world.run(command)).balance, Amount::new(100_00, Currency::EUR));
    let neighbour = visit.world.customer();
    let theirs = visit.world.account(neighbour, Product::Savings, 600_00);
    let session = visit.world.online(neighbour);
    let command = Withdraw { by: by(session), account: theirs, ..visit.withdrawal("500") };
    receipt(visit.world.run(command));
}

#[test]
fn counts_nothing_on_the_day_for_a_decline() {
    let mut visit = Visit::new(Product::Savings, 100_00);
    assert_eq!(visit.withdraw("450"), Err(Refusal::InsufficientFunds { available: usd(100_00) }));
    let day = (visit.customer, visit.world.date, Currency::USD);
    assert_eq!(visit.world.facts.daily.find(&day), None);
    receipt(visit.withdraw("60"));
    assert_eq!(visit.world.facts.daily.at(&day).withdrawn, 60_00);
}

/// What a checking account with `balance` says to `amount`: fee and balance afterwards, or what is available.
fn overdraw(balance: i64, amount: &str) -> Result<(i64, i64), i64> {
    let mut visit = Visit::new(Product::Checking, balance);
    let command = visit.counter_withdrawal(amount);
    let decision = visit.world.decide(command);
    let fees = transfers(&decision).iter().filter(|(kind, _)| *kind == TransferKind::OverdraftFee).count();
    match decision.outcome {
        Err(Refusal::InsufficientFunds { available }) => {
            assert_eq!((fees, visit.balance()), (0, balance), "a decline costs nothing");
            Err(available.minor())
        }
        outcome => {
            let receipt = receipt(outcome);
            assert_eq!(receipt.balance.minor(), visit.balance());
            assert_eq!(fees, usize::from(receipt.fee.minor() > 0), "one fee at most");
            Ok((receipt.fee.minor(), receipt.balance.minor()))
        }
    }
}

#[test]
fn overdraws_checking_to_the_floor_with_one_fee_and_not_a_cent_further() {
    assert_eq!(overdraw(50_00, "50.00"), Ok((0, 0)));
    assert_eq!(overdraw(50_00, "50.01"), Ok((15_00, -15_01)));
    assert_eq!(overdraw(50_00, "135.00"), Ok((15_00, -100_00)));
    assert_eq!(overdraw(50_00, "135.01"), Err(135_00));
    assert_eq!(overdraw(-50_00, "35.00"), Ok((15_00, -100_00)));
    assert_eq!(overdraw(-50_00, "35.01"), Err(35_00));
    assert_eq!(overdraw(-90_00, "0.01"), Err(0));
    assert_eq!(overdraw(-100_00, "0.01"), Err(0));
}

#[test]
fn never_overdraws_savings() {
    let mut visit = Visit::new(Product::Savings, 50_00);
    assert_eq!(visit.withdraw_at_counter("50.01"), Err(Refusal::InsufficientFunds { available: usd(50_00) }));
    assert_eq!(receipt(visit.withdraw_at_counter("50.00")).fee, usd(0));
}

#[test]
fn shows_the_fee_after_its_withdrawal() {
    let mut visit = Visit::new(Product::Checking, 50_00);
    let command = visit.withdrawal("100");
    let decision = visit.world.decide(command);
    assert_eq!(transfers(&decision), [(TransferKind::Withdrawal, 100_00), (TransferKind::OverdraftFee, 15_00)]);
    let told = events(&decision);
    assert_eq!(told, [(visit.customer, EventKind::Withdrawal), (visit.customer, EventKind::Fee)]);
    assert_eq!(visit.world.facts.accounts.at(&visit.account).entries, 3, "opening, withdrawal, fee");
}

#[test]
fn hands_over_the_fewest_notes_and_takes_them_from_the_cassettes() {
    let mut visit = Visit::new(Product::Savings, 500_00);
    let receipt = receipt(visit.withdraw("80"));
    assert_eq!(receipt.notes, [(50_00, 1), (20_00, 1), (10_00, 1)]);
    let holdings = visit.world.facts.holdings.at(&visit.atm);
    let counts: Vec<u32> = holdings.cassettes.iter().map(|cassette| cassette.count).collect();
    assert_eq!(counts, [99, 199, 99]);
    let cash = visit.world.facts.cash.at(&LedgerAccount::AtmCash(visit.atm, Currency::USD));
    assert_eq!(-cash.totals.owed(), holdings.cash(), "the ledger knows what is in the machine");
}

fn with_cassettes(cassettes: &[(i64, u32)]) -> Visit {
    let mut visit = Visit::new(Product::Savings, 500_00);
    let mut holdings = visit.world.facts.holdings.at(&visit.atm).clone();
    holdings.cassettes = cassettes.iter().map(|&(denomination, count)| Cassette { denomination, count }).collect();
    visit.world.apply(Change::Row(Row::Holdings(holdings)));
    visit
}

#[test]
fn names_the_nearest_amounts_when_its_notes_cannot_make_one() {
    let check = |cassettes: &[(i64, u32)], amount: &str, nearest: &[i64]| {
        let nearest = nearest.iter().map(|minor| usd(*minor)).collect();
        let mut visit = with_cassettes(cassettes);
        assert_eq!(visit.withdraw(amount), Err(Refusal::AmountNotDispensable { nearest }), "{amount} of {cassettes:?}");
        assert_eq!(visit.balance(), 500_00);
    };
    check(&[(50_00, 100), (20_00, 100)], "30", &[20_00, 40_00]);
    check(&[(50_00, 100), (20_00, 100)], "35.50", &[20_00, 40_00]);
    check(&[(50_00, 100)], "10", &[50_00]);
    check(&[(20_00, 3), (50_00, 0)], "50", &[40_00, 60_00]);
}

#[test]
fn says_out_of_cash_before_it_looks_at_notes() {
    assert_eq!(with_cassettes(&[(50_00, 1)]).withdraw("60"), Err(Refusal::AtmOutOfCash));
    assert_eq!(with_cassettes(&[]).withdraw("10"), Err(Refusal::AtmOutOfCash));
    receipt(with_cassettes(&[(50_00, 1)]).withdraw("50"));
}

#[test]
fn pays_only_where_the_request_stands() {
    let (here, there) = ("ATM001", "ATM002");
    let check = |from: Option<&str>, named: Option<&str>, expected: Option<Refusal>| {
        let mut visit = Visit::new(Product::Savings, 500_00);
        visit.world.machine(there, MachineKind::Api);
        let place = |text| MachineId::parse(text).expect("well named");
        let standing = from.map_or(Standing::Nowhere, |from| Standing::At(place(from)));
        let by = By::Session(Caller { session: visit.session, standing });
        let command = Withdraw { by, machine: named.map(place), ..visit.withdrawal("50") };
        let outcome = visit.world.run(command);
        assert_eq!(outcome.err(), expected, "from {from:?}, naming {named:?}");
    };
    check(Some(here), None, None);
    check(Some(here), Some(here), None);
    check(Some(there), None, Some(Refusal::AtmMismatch));
    check(Some(there), Some(here), Some(Refusal::AtmMismatch));
    check(Some(here), Some(there), Some(Refusal::AtmMismatch));
    check(Some(there), Some(there), Some(Refusal::AtmMismatch));
    check(Some(here), Some("ATM999"), Some(Refusal::AtmNotFound));
    check(None, None, Some(Refusal::ChannelRequired));
    check(None, Some(here), Some(Refusal::ChannelRequired));
}

#[test]
fn pays_over_the_counter_whatever_the_currency_and_at_a_machine_only_its_own() {
    let mut visit = Visit::new(Product::Savings, 500_00);
    let counter = visit.world.machine("DESK-1", MachineKind::Counter);
    let euros = visit.world.account_in(visit.customer, Product::Savings, Amount::new(100_00, Currency::EUR));
    let pay = Withdraw { account: euros, machine: Some(counter), ..visit.counter_withdrawal("12.34") };
    let paid = receipt(visit.world.run(pay));
    assert_eq!((paid.balance.minor(), paid.notes), (87_66, Vec::new()));
    let at_machine = Withdraw { account: euros, machine: Some(visit.atm), ..visit.counter_withdrawal("50") };
    assert_eq!(visit.world.run(at_machine), Err(Refusal::CurrencyMismatch));
}

#[test]
fn leaves_machines_alone_that_are_switched_off_or_have_their_own_terminal() {
    let mut visit = Visit::new(Product::Savings, 500_00);
    let terminal = visit.world.machine("ATM901", MachineKind::Terminal);
    let command = Withdraw { machine: Some(terminal), ..visit.counter_withdrawal("50") };
    assert_eq!(visit.world.run(command), Err(Refusal::TerminalOnly));
    let machine = visit.world.facts.machines.at(&visit.atm).clone();
    visit.world.apply(Change::Row(Row::Machine(Machine { status: MachineStatus::Inactive, ..machine })));
    assert_eq!(visit.withdraw("50"), Err(Refusal::AtmInactive));
}

#[test]
fn gives_the_teller_its_own_accounts_without_limits_and_no_others() {
    let mut visit = Visit::new(Product::Savings, 9_000_00);
    let teller = crate::customer::Customer::new(CustomerId::TELLER, 0);
    visit.world.apply(Change::Row(Row::Customer(teller)));
    let account = visit.world.account(CustomerId::TELLER, Product::Savings, 9_000_00);
    let pay = |visit: &Visit, account, amount| Withdraw { by: By::Teller, account, ..visit.withdrawal(amount) };
    let command = pay(&visit, account, "9000.00");
    assert_eq!(receipt(visit.world.run(command)).balance, usd(0));
    let command = pay(&visit, account, "0.01");
    assert_eq!(visit.world.run(command), Err(Refusal::InsufficientFunds { available: usd(0) }));
    let command = pay(&visit, visit.account, "1.00");
    assert_eq!(visit.world.run(command), Err(Refusal::AccountNotFound));
    let command = Withdraw { account, ..visit.counter_withdrawal("1.00") };
    assert_eq!(visit.world.run(command), Err(Refusal::AccountNotFound), "nor anybody else the teller's");
}

#[test]
fn refuses_amounts_that_the_currency_cannot_have() {
    let mut visit = Visit::new(Product::Savings, 500_00);
    let yen = visit.world.account_in(visit.customer, Product::Savings, Amount::new(5_000, Currency::JPY));
    assert_eq!(visit.withdraw("100.000"), Err(Refusal::InvalidAmount));
    let command = Withdraw { account: yen, ..visit.counter_withdrawal("100.0") };
    assert_eq!(visit.world.run(command), Err(Refusal::InvalidAmount));
    let command = Withdraw { account: yen, ..visit.counter_withdrawal("100") };
    assert_eq!(receipt(visit.world.run(command)).balance, Amount::new(4_900, Currency::JPY));
}

#[test]
fn refuses_a_closed_account() {
    let mut visit = Visit::new(Product::Savings, 500_00);
    let account = *visit.world.facts.accounts.at(&visit.account);
    let closed = Some(visit.world.now);
    visit.world.apply(Change::Row(Row::Account(crate::account::Account { closed, ..account })));
    assert_eq!(visit.withdraw("50"), Err(Refusal::AccountClosed));
}

#[test]
fn reaches_with_a_card_only_the_accounts_of_that_card() {
    let mut visit = Visit::new(Product::Savings, 500_00);
    let own = visit.world.account(visit.customer, Product::Savings, 500_00);
    let command = Withdraw { account: own, ..visit.withdrawal("50") };
    assert_eq!(visit.world.run(command), Err(Refusal::AccountNotFound));
    let both = visit.world.card(visit.customer, &[visit.account, own]);
    visit.session = visit.world.in_machine(both, visit.atm);
    let command = Withdraw { account: own, ..visit.withdrawal("50") };
    receipt(visit.world.run(command));
    let nobodys = Withdraw { account: AccountNumber::new(99_999), ..visit.withdrawal("50") };
    assert_eq!(visit.world.run(nobodys), Err(Refusal::AccountNotFound));
}
