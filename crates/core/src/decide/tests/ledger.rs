//! Whatever is asked for in whatever order: the ledger adds up, entries have no gaps, floors hold, and an answer that
//! was given once stays.

use std::collections::BTreeMap;

use proptest::prelude::*;

use crate::account::{Account, Product};
use crate::change::New;
use crate::command::{Command, Deposit, Transfer, Withdraw};
use crate::currency::Currency;
use crate::id::{AccountNumber, MachineId};
use crate::ledger::{Entry, LedgerAccount, TransferKind};
use crate::machine::MachineKind;
use crate::money::{Amount, Decimal};
use crate::outcome::Refusal;
use crate::session::Session;
use crate::time::BusinessDate;
use crate::withdrawal::DailyUse;

use super::super::Replay;
use super::super::world::{World, by};

/// What somebody does next; the numbers pick who, where and how much.
#[derive(Clone, Copy, Debug)]
enum Step {
    Withdraw { account: usize, place: usize, cents: u64 },
    Deposit { account: usize, place: usize, cents: u64 },
    Transfer { source: usize, target: usize, cents: u64 },
    Again { earlier: usize },
    Midnight,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let index = || 0..1_000_usize;
    // Round amounts, that notes can make, as often as odd ones.
    let cents = || prop_oneof![(1..60_u64).prop_map(|tens| tens * 10_00), 1..1_200_000_u64];
    let step = prop_oneof![
        20 => (index(), index(), cents()).prop_map(|(account, place, cents)| Step::Withdraw { account, place, cents }),
        10 => (index(), index(), cents()).prop_map(|(account, place, cents)| Step::Deposit { account, place, cents }),
        10 => (index(), index(), cents()).prop_map(|(source, target, cents)| Step::Transfer { source, target, cents }),
        6 => index().prop_map(|earlier| Step::Again { earlier }),
        1 => Just(Step::Midnight),
    ];
    prop::collection::vec(step, 1..120)
}

/// Two customers with three accounts each, one of them in euros, and three places.
struct Town {
    world: World,
    accounts: Vec<(AccountNumber, Session)>,
    places: [Option<MachineId>; 3],
    asked: Vec<Command>,
}

impl Town {
    fn new() -> Self {
        let mut world = World::new();
        let mut accounts = Vec::new();
        for _ in 0..2 {
            let customer = world.customer();
            let euros = Amount::new(300_00, Currency::EUR);
            let numbers = [
                world.account(customer, Product::Checking, 120_00),
                world.account(customer, Product::Savings, 9_000_00),
                world.account_in(customer, Product::Checking, euros),
            ];
            let session = world.online(customer);
            accounts.extend(numbers.map(|number| (number, session)));
        }
        let atm = world.machine("ATM001", MachineKind::Api);
        let desk = world.machine("DESK-1", MachineKind::Counter);
        Self { world, accounts, places: [Some(atm), Some(desk), None], asked: Vec::new() }
    }

    fn take(&mut self, step: Step) {
        let account = |index: usize| self.accounts[index % self.accounts.len()];
        let place = |index: usize| self.places[index % self.places.len()];
        let request = self.world.request();
        let command: Command = match step {
            Step::Withdraw { account: index, place: at, cents } => {
                let ((account, session), amount) = (account(index), Decimal::new(cents, 2));
                Withdraw { by: by(session), request, account, amount, machine: place(at) }.into()
            }
            Step::Deposit { account: index, place: at, cents } => {
                let ((account, session), amount) = (account(index), Decimal::new(cents, 2));
                Deposit { by: by(session), request, account, amount, machine: place(at) }.into()
            }
            Step::Transfer { source, target, cents } => {
                let ((source, session), (target, _)) = (account(source), account(target));
                Transfer { session, request, source, target, amount: Decimal::new(cents, 2) }.into()
            }
            Step::Again { earlier } => return self.repeat(earlier),
            Step::Midnight => {
                self.world.date = BusinessDate::from_days(self.world.date.days() + 1);
                return;
            }
        };
        let decision = self.world.decide(command.clone());
        assert_eq!(decision.replay, Replay::First);
        self.asked.push(command);
    }

    fn repeat(&mut self, earlier: usize) {
        if self.asked.is_empty() {
            return;
        }
        let command = self.asked[earlier % self.asked.len()].clone();
        let again = self.world.decide(command.clone());
        assert_eq!((again.replay, again.changes), (Replay::Repeat, Vec::new()), "{command:?}");
        let recorded = command.as_decide().request().and_then(|request| self.world.facts.requests.find(&request.key));
        assert_eq!(recorded.map(|recorded| &recorded.outcome), Some(&again.outcome));
    }

    fn invariant_floors_hold(&self) {
        for (number, _) in &self.accounts {
            let account = self.world.facts.accounts.at(number);
            let floor = match account.identity.product {
                Product::Checking => -100_00,
                Product::Savings => 0,
            };
            assert!(account.balance_minor() >= floor, "{account:?}");
        }
    }

    /// Each account's totals, entries and head are those of its transfers, one after the other.
    fn invariant_accounts_are_folds_of_their_transfers(&self) {
        let mut folded: BTreeMap<AccountNumber, Account> = BTreeMap::new();
        let mut sums: BTreeMap<(LedgerAccount, Currency), i64> = BTreeMap::new();
        for new in &self.world.log.new {
            let New::Transfer(transfer) = new else { continue };
            let minor = transfer.amount().minor();
            let currency = transfer.amount().currency();
            *sums.entry((transfer.debit(), currency)).or_default() -= minor;
            *sums.entry((transfer.credit(), currency)).or_default() += minor;
            let sides = [(transfer.debit(), transfer.debit_entry, -1), (transfer.credit(), transfer.credit_entry, 1)];
            for (side, entry, sign) in sides {
                let Some(number) = side.customer() else { continue };
                let identity = *self.world.facts.account_identities.at(&number);
                let account = folded.entry(number).or_insert_with(|| Account::opened(identity));
                assert_eq!(identity.currency, currency);
                account.totals = if sign < 0 { account.totals.debited(minor) } else { account.totals.credited(minor) };
                let expected =
                    Entry { number: account.entries + 1, previous: account.head, balance: account.balance_minor() };
                assert_eq!(entry, Some(expected));
                account.entries += 1;
                account.head = Some(transfer.id);
            }
        }
        for (number, _) in &self.accounts {
            assert_eq!(folded.get(number), Some(self.world.facts.accounts.at(number)));
        }
        for currency in [Currency::USD, Currency::EUR] {
            let sum: i64 = sums.iter().filter(|((_, of), _)| *of == currency).map(|(_, sum)| sum).sum();
            assert_eq!(sum, 0);
        }
        let atm = self.places[0].expect("the first place is the machine");
        let cash = LedgerAccount::AtmCash(atm, Currency::USD);
        assert_eq!(sums[&(cash, Currency::USD)], self.world.facts.cash.at(&cash).totals.owed());
        assert_eq!(-sums[&(cash, Currency::USD)], self.world.facts.holdings.at(&atm).cash());
    }

    /// The days' use is what the transfers of each day say, and within the limits.
    fn invariant_daily_use_is_that_of_the_transfers(&self) {
        let mut used = BTreeMap::new();
        for new in &self.world.log.new {
            let New::Transfer(transfer) = new else { continue };
            let side = if transfer.kind == TransferKind::Deposit { transfer.credit() } else { transfer.debit() };
            let Some(number) = side.customer() else { continue };
            let customer = self.world.facts.account_identities.at(&number).customer;
            let key = (customer, transfer.context.business_date, transfer.amount().currency());
            let use_of_day: &mut DailyUse = used.entry(key).or_default();
            let counts = [
                (TransferKind::Withdrawal, &mut use_of_day.withdrawn),
                (TransferKind::Deposit, &mut use_of_day.deposited),
                (TransferKind::Transfer, &mut use_of_day.transferred),
            ];
            for (kind, count) in counts {
                if kind == transfer.kind {
                    *count += transfer.amount().minor();
                }
            }
        }
        used.retain(|_, day| *day != DailyUse::default());
        assert_eq!(used, self.world.log.daily);
        for day in used.values() {
            assert!(day.withdrawn <= 2_000_00 && day.deposited <= 20_000_00, "{day:?}");
        }
    }

    /// Events of each customer are numbered without gaps, and the customer knows the last.
    fn invariant_events_have_no_gaps(&self) {
        let mut last = BTreeMap::new();
        for new in &self.world.log.new {
            let New::Event(event) = new else { continue };
            let number: &mut u64 = last.entry(event.customer).or_default();
            *number += 1;
            assert_eq!(event.number, *number);
        }
        for (customer, number) in last {
            assert_eq!(self.world.facts.customers.at(&customer).events, number);
        }
    }
}

proptest! {
    #[test]
    fn the_ledger_adds_up_whatever_is_asked_for(steps in steps()) {
        let mut town = Town::new();
        for step in steps {
            town.take(step);
            town.invariant_floors_hold();
        }
        town.invariant_accounts_are_folds_of_their_transfers();
        town.invariant_daily_use_is_that_of_the_transfers();
        town.invariant_events_have_no_gaps();
    }
}

/// The steps above reach what they are there for: without this a property could hold because nothing happens.
#[test]
fn meets_every_kind_of_answer() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let mut met: BTreeMap<&str, u32> = BTreeMap::new();
    for _ in 0..60 {
        let mut town = Town::new();
        for step in steps().new_tree(&mut runner).expect("steps can be made").current() {
            town.take(step);
        }
        for new in &town.world.log.new {
            if let New::Request(_, outcome) = new {
                *met.entry(outcome.as_ref().err().map_or("done", Refusal::code)).or_default() += 1;
            }
        }
    }
    for code in [
        "done",
        "insufficient_funds",
        "over_transaction_limit",
        "daily_limit_exceeded",
        "over_deposit_limit",
        "amount_not_dispensable",
        "same_account",
        "currency_mismatch",
    ] {
        assert!(met.contains_key(code), "{code} was never met: {met:?}");
    }
}
