//! A request that breaks several rules is refused for the first in the contract's order.

use crate::account::{Account, Product};
use crate::card::{Card, CardState, PinCounter, PinKey};
use crate::change::{Change, New, Row};
use crate::command::{By, Caller, Deposit, LogInWithCard, PinEntry, Standing, Transfer, Withdraw};
use crate::currency::Currency;
use crate::id::{AccountNumber, MachineId, RequestId};
use crate::ledger::{BankAccount, LedgerAccount, TransferKind};
use crate::machine::{Machine, MachineKind, MachineStatus};
use crate::mix::Cassette;
use crate::money::Amount;
use crate::outcome::Outcome;

use super::super::world::{figure, right_pin, usd, wrong_pin};
use super::{Visit, code};

/// A fault: the code it is refused with, and how a good request comes to have it.
type Fault<S> = (&'static str, fn(&mut S));

/// Any two of `faults`, and each with all that come after it: the first one's code is the answer. They are laid on from
/// the last to the first.
fn check<S>(good: fn() -> S, run: fn(S) -> Outcome, faults: &[Fault<S>]) {
    assert_eq!(code(&run(good())), "done");
    let expect = |first: usize, others: &[usize]| {
        let mut request = good();
        for &other in others.iter().rev() {
            faults[other].1(&mut request);
        }
        faults[first].1(&mut request);
        let others: Vec<_> = others.iter().map(|other| faults[*other].0).collect();
        assert_eq!(code(&run(request)), faults[first].0, "with {others:?} as well");
    };
    for first in 0..faults.len() {
        let later: Vec<usize> = (first + 1..faults.len()).collect();
        expect(first, &[]);
        expect(first, &later);
        for other in later {
            expect(first, &[other]);
        }
    }
}

struct Request<C> {
    visit: Visit,
    command: C,
}

impl<C> Request<C> {
    fn new(command: impl FnOnce(&mut Visit) -> C) -> Self {
        let mut visit = Visit::new(Product::Savings, 1_000_00);
        let command = command(&mut visit);
        Self { visit, command }
    }

    fn expire(&mut self) {
        self.visit.world.now = self.visit.world.now.plus_s(3_600);
    }

    fn nowhere(&self) -> By {
        By::Session(Caller { session: self.visit.session, standing: Standing::Nowhere })
    }

    fn use_key(&mut self, request: RequestId) {
        let used = RequestId { content: [9; 16], ..request };
        self.visit.world.apply(Change::New(New::Request(used, Err(crate::outcome::Refusal::AtmInactive))));
    }

    fn switch_off(&mut self) {
        let machine = self.visit.world.facts.machines.at(&self.visit.atm).clone();
        self.visit.world.apply(Change::Row(Row::Machine(Machine { status: MachineStatus::Inactive, ..machine })));
    }

    fn lock(&mut self) {
        self.visit.world.apply(Change::Row(Row::Pin(PinKey::Card(self.visit.card), PinCounter::Locked)));
    }

    fn close(&mut self) {
        let account = *self.visit.world.facts.accounts.at(&self.visit.account);
        let closed = Some(self.visit.world.now);
        self.visit.world.apply(Change::Row(Row::Account(Account { closed, ..account })));
    }

    fn empty_account(&mut self) {
        let (own, vault) = (LedgerAccount::Customer(self.visit.account), BankAccount::Vault);
        let vault = LedgerAccount::Bank(vault, Currency::USD);
        let all = usd(self.visit.balance());
        self.visit.world.post(TransferKind::Withdrawal, own, vault, all);
    }

    fn fill(&mut self, denomination: i64, count: u32) {
        let mut holdings = self.visit.world.facts.holdings.at(&self.visit.atm).clone();
        holdings.cassettes = vec![Cassette { denomination, count }];
        self.visit.world.apply(Change::Row(Row::Holdings(holdings)));
    }
}

const NOBODYS: AccountNumber = AccountNumber::new(99_999);

#[test]
fn of_a_withdrawal() {
    const FAULTS: &[Fault<Request<Withdraw>>] = &[
        ("session_expired", Request::expire),
        ("channel_required", |r| r.command.by = r.nowhere()),
        ("account_not_found", |r| r.command.account = NOBODYS),
        ("invalid_amount", |r| r.command.amount = figure("50.001")),
        ("idempotency_key_reused", |r| r.use_key(r.command.request)),
        ("atm_inactive", Request::switch_off),
        ("card_blocked", Request::lock),
        ("account_closed", Request::close),
        ("over_transaction_limit", |r| r.visit.world.policy.withdrawal_limit = figure("49.99")),
        ("daily_limit_exceeded", |r| r.visit.world.policy.daily_withdrawal_limit = Some(figure("49.99"))),
        ("insufficient_funds", Request::empty_account),
        ("atm_out_of_cash", |r| r.fill(20_00, 2)),
        ("amount_not_dispensable", |r| r.fill(20_00, 100)),
    ];
    check(
        || Request::new(|visit| visit.withdrawal("50")),
        |Request { mut visit, command }: Request<Withdraw>| visit.world.run(command),
        FAULTS,
    );
}

fn to_terminal_elsewhere(request: &mut Request<Withdraw>) {
    request.command.machine = Some(request.visit.world.machine("ATM002", MachineKind::Terminal));
}

#[test]
fn of_the_machines_of_a_withdrawal() {
    const FAULTS: &[Fault<Request<Withdraw>>] = &[
        ("idempotency_key_reused", |r| r.use_key(r.command.request)),
        ("atm_not_found", |r| r.command.machine = MachineId::parse("ATM999").ok()),
        ("atm_mismatch", to_terminal_elsewhere),
        ("atm_inactive", Request::switch_off),
        ("card_blocked", Request::lock),
    ];
    check(
        || Request::new(|visit| visit.withdrawal("50")),
        |Request { mut visit, command }: Request<Withdraw>| visit.world.run(command),
        FAULTS,
    );
}

#[test]
fn of_a_deposit() {
    const FAULTS: &[Fault<Request<Deposit>>] = &[
        ("session_expired", Request::expire),
        ("channel_required", |r| r.command.by = r.nowhere()),
        ("account_not_found", |r| r.command.account = NOBODYS),
        ("invalid_amount", |r| r.command.amount = figure("50.001")),
        ("idempotency_key_reused", |r| r.use_key(r.command.request)),
        ("atm_inactive", Request::switch_off),
        ("card_blocked", Request::lock),
        ("account_closed", Request::close),
        ("over_deposit_limit", |r| r.visit.world.policy.deposit_limit = figure("49.99")),
    ];
    check(
        || Request::new(|visit| visit.deposit("50")),
        |Request { mut visit, command }: Request<Deposit>| visit.world.run(command),
        FAULTS,
    );
}

fn good_transfer() -> Request<Transfer> {
    Request::new(|visit| {
        let own = visit.world.account(visit.customer, Product::Savings, 0);
        Transfer { session: visit.session, ..visit.transfer(own, "50") }
    })
}

fn to_euros(request: &mut Request<Transfer>) {
    let visit = &mut request.visit;
    let euros = visit.world.account_in(visit.customer, Product::Savings, Amount::new(0, Currency::EUR));
    request.command.target = euros;
}

#[test]
fn of_a_transfer() {
    let first: [Fault<Request<Transfer>>; 4] = [
        ("session_expired", Request::expire),
        ("account_not_found", |r| r.command.source = NOBODYS),
        ("invalid_amount", |r| r.command.amount = figure("50.001")),
        ("idempotency_key_reused", |r| r.use_key(r.command.request)),
    ];
    let last: [Fault<Request<Transfer>>; 4] = [
        ("card_blocked", Request::lock),
        ("account_closed", Request::close),
        ("daily_limit_exceeded", |r| r.visit.world.policy.daily_transfer_limit = Some(figure("49.99"))),
        ("insufficient_funds", Request::empty_account),
    ];
    let same: Fault<Request<Transfer>> = ("same_account", |r| r.command.target = r.visit.account);
    // One transfer cannot be to the same account and in another currency.
    for between in [same, ("currency_mismatch", to_euros)] {
        let faults: Vec<_> = first.into_iter().chain([between]).chain(last).collect();
        check(good_transfer, |Request { mut visit, command }| visit.world.run(command), &faults);
    }
}

fn card_is(request: &mut Request<LogInWithCard>, state: CardState) {
    let card = *request.visit.world.facts.cards.at(&request.visit.card);
    request.visit.world.apply(Change::Row(Row::Card(Card { state, ..card })));
}

#[test]
fn of_a_log_in_with_a_card() {
    let good = || {
        Request::new(|visit| LogInWithCard {
            pin: PinEntry { key: PinKey::Card(visit.card), candidates: vec![right_pin(visit.card)] },
            place: visit.atm,
            standing: Standing::At(visit.atm),
            session: visit.world.new_session(),
        })
    };
    let machine: [Fault<Request<LogInWithCard>>; 2] = [
        ("atm_mismatch", |r| r.command.standing = Standing::At(r.visit.world.machine("ATM002", MachineKind::Api))),
        ("atm_inactive", Request::switch_off),
    ];
    let proof: [Fault<Request<LogInWithCard>>; 2] = [
        ("card_blocked", Request::lock),
        ("wrong_credentials", |r| r.command.pin.candidates = vec![wrong_pin(r.visit.card)]),
    ];
    let stolen: Fault<Request<LogInWithCard>> = ("card_stolen", |r| card_is(r, CardState::Stolen));
    let lost: Fault<Request<LogInWithCard>> = ("card_lost", |r| card_is(r, CardState::Lost));
    let old: Fault<Request<LogInWithCard>> = ("card_expired", |r| {
        r.visit.world.now = r.visit.world.facts.card_identities.at(&r.visit.card).expires;
    });
    let unknown: Fault<Request<LogInWithCard>> =
        ("atm_not_found", |r| r.command.place = MachineId::parse("ATM999").expect("well named"));
    let nowhere: Fault<Request<LogInWithCard>> = ("channel_required", |r| r.command.standing = Standing::Nowhere);
    for state in [stolen, lost] {
        let faults: Vec<_> = [unknown].into_iter().chain(machine).chain(proof).chain([state, old]).collect();
        check(good, |Request { mut visit, command }| visit.world.run(command), &faults);
    }
    let faults: Vec<_> = [nowhere, unknown].into_iter().chain(machine.into_iter().skip(1)).chain(proof).collect();
    check(good, |Request { mut visit, command }| visit.world.run(command), &faults);
}
