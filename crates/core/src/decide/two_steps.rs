//! Tests of the two-step withdrawal as a whole: whatever is said, in whatever order, the ledger pays once, the machine's
//! cash agrees with its mirror, and what is in flight is what is unresolved.

use crate::account::{Account, Product};
use crate::case::{Case, Matter};
use crate::change::{Change, New, Row};
use crate::command::{Approve, Command, Complete, InCase, ResolveCase, Reverse, Suspect};
use crate::currency::Currency;
use crate::event::{Actor, AuditKind, EventKind};
use crate::facts::Keys;
use crate::id::{AccountNumber, CaseId, CustomerId, MachineId, RequestId, TransferId};
use crate::ledger::{BankAccount, LedgerAccount, Transfer, TransferKind};
use crate::machine::{Machine, MachineKind, MachineStatus};
use crate::money::Decimal;
use crate::outcome::{Done, Outcome, Refusal, Settlement};
use crate::session::{Role, Session};
use crate::terminal::link::Movement;
use crate::withdrawal::WithdrawalState;

use super::Replay;
use super::world::{World, figure, usd};

/// A card in a terminal.
struct Visit {
    world: World,
    customer: CustomerId,
    account: AccountNumber,
    terminal: MachineId,
    session: Session,
}

const HUNDRED: [u32; 3] = [2, 0, 0];

impl Visit {
    fn new(product: Product, balance: i64) -> Self {
        let mut world = World::new();
        let customer = world.customer();
        let account = world.account(customer, product, balance);
        let card = world.card(customer, &[account]);
        let terminal = world.machine("ATM901", MachineKind::Terminal);
        let session = world.in_machine(card, terminal);
        Self { world, customer, account, terminal, session }
    }

    fn approve(&self, amount: &str) -> Approve {
        let (terminal, session, account) = (self.terminal, self.session, self.account);
        Approve { terminal, session, request: self.world.request(), account, amount: figure(amount), nonce: None }
    }

    fn complete(&self, original: RequestId, notes: &[u32]) -> Complete {
        let (terminal, request) = (self.terminal, self.world.request());
        Complete { terminal, request, original: original.key, card: None, moved: moved(notes), case: case(78) }
    }

    fn reverse(&self, original: RequestId, notes: &[u32]) -> Reverse {
        let (terminal, request) = (self.terminal, self.world.request());
        Reverse { terminal, request, original: original.key, moved: moved(notes), case: case(79) }
    }

    fn suspect(&self, original: RequestId) -> Suspect {
        let (terminal, request) = (self.terminal, self.world.request());
        Suspect { terminal, request, original: original.key, case: case(77) }
    }

    fn resolve(&mut self, withdrawal: TransferId, paid: &str) -> ResolveCase {
        let session = self.world.operator(Role::Custodian);
        let request = self.world.request();
        let of_it = self.world.log.cases.values().find(|case| case.matter.withdrawal() == Some(withdrawal));
        let case = of_it.map_or(CaseId::new(77), |case| case.id);
        let withdrawal = Some(withdrawal);
        let (account, paid, unclaimed) = (self.account, figure(paid), CaseId::new(80));
        ResolveCase { session, request, case, account, withdrawal, paid, unclaimed }
    }

    /// Approves and gives the request and the withdrawal.
    fn approved(&mut self, amount: &str) -> (RequestId, TransferId) {
        let approve = self.approve(amount);
        match self.world.run(approve) {
            Ok(Done::Withdrawn(receipt)) => (approve.request, receipt.transaction),
            other => panic!("{amount} was to be approved: {other:?}"),
        }
    }

    fn transfers(&self) -> impl Iterator<Item = &Transfer> {
        self.world
            .log
            .new
            .iter()
            .filter_map(|new| if let New::Transfer(transfer) = new { Some(transfer) } else { None })
    }

    /// Moved by transfers of this kind, in cents.
    fn moved(&self, kind: TransferKind) -> i64 {
        self.transfers().filter(|transfer| transfer.kind == kind).map(|transfer| transfer.amount().minor()).sum()
    }

    /// What one of the bank's own accounts owes.
    fn bank(&self, account: BankAccount) -> i64 {
        let account = LedgerAccount::Bank(account, Currency::USD);
        self.transfers().map(|transfer| side(transfer, account)).sum()
    }

    /// The case of this number is about so much that went back to the closed account, and lies in suspense.
    fn waits_for_its_owner(&self, case: i64, amount: i64) -> Case {
        let case = self.world.facts.cases.at(&CaseId::new(case)).clone();
        assert_eq!((case.amount, case.account, case.machine), (usd(amount), self.account, self.terminal));
        assert_eq!((case.opened, case.short, case.resolved), (Some(self.world.now), 0, None));
        let Matter::ReturnUnclaimed(transfer) = case.matter else { panic!("it is about {:?}", case.matter) };
        let waits = self.transfers().find(|posted| posted.id == transfer).expect("it was posted");
        assert!(matches!(waits.credit(), LedgerAccount::Bank(BankAccount::Suspense, _)));
        case
    }

    fn state(&self, withdrawal: TransferId) -> WithdrawalState {
        self.world.facts.withdrawals.at(&withdrawal).state
    }

    fn in_flight(&self) -> i64 {
        let account = LedgerAccount::AtmInFlight(self.terminal, Currency::USD);
        self.world.facts.cash.at(&account).totals.owed()
    }

    fn withdrawn_today(&self) -> i64 {
        self.world.facts.daily.at(&(self.customer, self.world.date, Currency::USD)).withdrawn
    }

    fn events(&self, kind: EventKind) -> usize {
        let named = |new: &&New| matches!(new, New::Event(event) if event.kind == kind);
        self.world.log.new.iter().filter(named).count()
    }

    /// What must hold after every step.
    fn check(&self) {
        let cash = LedgerAccount::AtmCash(self.terminal, Currency::USD);
        let in_flight = LedgerAccount::AtmInFlight(self.terminal, Currency::USD);
        let facts = &self.world.facts;
        for account in [cash, in_flight, LedgerAccount::Customer(self.account)] {
            let owed: i64 = self.transfers().map(|transfer| side(transfer, account)).sum();
            let row = match account.customer() {
                Some(number) => facts.accounts.at(&number).totals,
                None => facts.cash.at(&account).totals,
            };
            assert_eq!(row.owed(), owed, "{account}: running totals are those of the transfers");
        }
        let held = facts.holdings.at(&self.terminal).cash();
        assert_eq!(-facts.cash.at(&cash).totals.owed(), held, "the ledger's cash is what the mirror holds");
        let named = |new| if let &New::Withdrawal(identity, ..) = new { Some(identity) } else { None };
        let withdrawals = self.world.log.new.iter().filter_map(named);
        let (mut open, mut used) = (0, 0);
        for withdrawal in withdrawals {
            let amount = withdrawal.amount.minor();
            let (unresolved, counts) = match self.state(withdrawal.id) {
                WithdrawalState::Approved | WithdrawalState::Suspect { .. } => (amount, amount),
                WithdrawalState::Completed => (0, amount),
                WithdrawalState::Partial { paid } => (0, paid),
                WithdrawalState::Reversed => (0, 0),
            };
            open += unresolved;
            used += counts;
        }
        assert_eq!(self.in_flight(), open, "what is in flight is what is unresolved");
        let days = self.world.log.daily.values().map(|day| day.withdrawn).sum::<i64>();
        assert_eq!(days, used, "the days' use is what was paid or may yet be");
    }
}

fn side(transfer: &Transfer, account: LedgerAccount) -> i64 {
    let minor = transfer.amount().minor();
    match (transfer.debit() == account, transfer.credit() == account) {
        (true, _) => -minor,
        (_, true) => minor,
        (false, false) => 0,
    }
}

/// Notes that left the cassettes, all of them to the customer.
fn moved(notes: &[u32]) -> Movement {
    Movement { dispensed: notes.to_vec(), rejected: 0, retracted: 0 }
}

fn case(number: i64) -> InCase {
    InCase { id: CaseId::new(number), evidence: "failure=jam".to_owned() }
}

fn settled(outcome: Outcome) -> (i64, i64) {
    match outcome {
        Ok(Done::Settled(Settlement { paid, returned, .. })) => (paid.minor(), returned.minor()),
        other => panic!("it was to be settled: {other:?}"),
    }
}

#[test]
fn promises_cash_and_moves_no_note() {
    let mut visit = Visit::new(Product::Savings, 500_00);
    let held = visit.world.facts.holdings.at(&visit.terminal).clone();
    let approve = visit.approve("100.00");
    let Ok(Done::Withdrawn(receipt)) = visit.world.run(approve) else { panic!("it is covered") };
    assert_eq!((receipt.amount, receipt.fee, receipt.balance), (usd(100_00), usd(0), usd(400_00)));
    assert_eq!(receipt.notes, [(50_00, 2)]);
    assert_eq!(visit.in_flight(), 100_00);
    assert_eq!(visit.withdrawn_today(), 100_00);
    assert_eq!(visit.world.facts.holdings.at(&visit.terminal), &held);
    assert_eq!(visit.state(receipt.transaction), WithdrawalState::Approved);
    visit.check();
}

#[test]
fn declines_what_a_withdrawal_at_once_would_be_declined() {
    let check = |change: fn(&mut Visit), amount: &str, expected: Refusal| {
        let mut visit = Visit::new(Product::Savings, 5_000_00);
        change(&mut visit);
        let approve = visit.approve(amount);
        assert_eq!(visit.world.run(approve), Err(expected), "{amount}");
        assert_eq!(visit.moved(TransferKind::WithdrawalApproved), 0);
    };
    let limit = usd(500_00);
    check(|_| {}, "500.01", Refusal::OverTransactionLimit { limit });
    check(|_| {}, "100.001", Refusal::InvalidAmount);
    check(|_| {}, "15.00", Refusal::AmountNotDispensable { nearest: vec![usd(10_00), usd(20_00)] });
    check(|v| v.account = AccountNumber::new(99_999), "10", Refusal::AccountNotFound);
    check(|v| v.world.now = v.world.now.plus_s(300), "10", Refusal::SessionExpired);
    let daily = |v: &mut Visit| v.world.policy.daily_withdrawal_limit = Some(Decimal::new(99, 0));
    check(daily, "100", Refusal::DailyLimitExceeded { remaining: usd(99_00) });
    check(|v| v.account_closed(), "100", Refusal::AccountClosed);
    check(|v| v.switched_off(), "100", Refusal::AtmInactive);
    check(|v| v.emptied(), "100", Refusal::AtmOutOfCash);
    let mut visit = Visit::new(Product::Savings, 100_00);
    let approve = visit.approve("110.00");
    assert_eq!(visit.world.run(approve), Err(Refusal::InsufficientFunds { available: usd(100_00) }));
}

impl Visit {
    fn account_closed(&mut self) {
        let row = Account { closed: Some(self.world.now), ..*self.world.facts.accounts.at(&self.account) };
        self.world.apply(Change::Row(Row::Account(row)));
    }

    fn switched_off(&mut self) {
        let row = Machine { status: MachineStatus::Inactive, ..self.world.facts.machines.at(&self.terminal).clone() };
        self.world.apply(Change::Row(Row::Machine(row)));
    }

    fn emptied(&mut self) {
        let mut row = self.world.facts.holdings.at(&self.terminal).clone();
        row.cassettes.iter_mut().for_each(|cassette| cassette.count = 0);
        self.world.apply(Change::Row(Row::Holdings(row)));
    }
}

#[test]
fn promises_cash_only_at_the_terminal_that_holds_the_card() {
    let mut visit = Visit::new(Product::Savings, 500_00);
    let other = visit.world.machine("ATM902", MachineKind::Terminal);
    let api = visit.world.machine("ATM1", MachineKind::Api);
    let nowhere = MachineId::parse("ATM999").expect("a good id");
    for (terminal, expected) in
        [(other, Refusal::AtmMismatch), (api, Refusal::AtmMismatch), (nowhere, Refusal::AtmNotFound)]
    {
        let approve = Approve { terminal, ..visit.approve("100") };
        assert_eq!(visit.world.run(approve), Err(expected));
    }
    let online = visit.world.online(visit.customer);
    let approve = Approve { session: online, ..visit.approve("100") };
    assert_eq!(visit.world.run(approve), Err(Refusal::AtmMismatch));
    let card = visit.world.card(visit.customer, &[visit.account]);
    let at_api = visit.world.in_machine(card, api);
    let approve = Approve { session: at_api, terminal: api, ..visit.approve("100") };
    assert_eq!(visit.world.run(approve), Err(Refusal::AtmMismatch), "a plain machine has no two steps");
    visit.check();
}

#[test]
fn refuses_a_currency_that_the_terminal_does_not_hold() {
    let mut visit = Visit::new(Product::Savings, 500_00);
    let euros = crate::money::Amount::new(500_00, Currency::EUR);
    let account = visit.world.account_in(visit.customer, Product::Savings, euros);
    let card = visit.world.card(visit.customer, &[account]);
    visit.session = visit.world.in_machine(card, visit.terminal);
    let approve = Approve { account, ..visit.approve("100") };
    assert_eq!(visit.world.run(approve), Err(Refusal::CurrencyMismatch));
}

#[test]
fn completes_once() {
    let mut visit = Visit::new(Product::Checking, 500_00);
    let (original, withdrawal) = visit.approved("100");
    let complete = visit.complete(original, &[1, 2, 1]);
    let done = visit.world.run(complete.clone());
    assert_eq!(settled(done.clone()), (100_00, 0));
    assert_eq!(visit.state(withdrawal), WithdrawalState::Completed);
    let counts: Vec<u32> = visit.world.facts.holdings.at(&visit.terminal).cassettes.iter().map(|c| c.count).collect();
    assert_eq!(counts, [99, 198, 99]);
    let repeat = visit.world.decide(complete);
    assert_eq!((repeat.outcome, repeat.replay), (done, Replay::Repeat));
    assert!(repeat.changes.is_empty(), "a duplicate advice has one effect");
    for other in [visit.complete(original, &HUNDRED), visit.complete(original, &[0, 5, 0])] {
        assert_eq!(visit.world.run(other), Err(Refusal::Reversed), "another advice comes too late");
    }
    assert_eq!(visit.moved(TransferKind::WithdrawalCompleted), 100_00);
    assert_eq!(visit.world.balance(visit.account), 400_00);
    visit.check();
}

#[test]
fn opens_a_case_where_a_completion_does_not_fit_the_approval() {
    let movement = |dispensed: &[u32], rejected, retracted| Movement { rejected, retracted, ..moved(dispensed) };
    for moved in [
        movement(&[1, 0, 0], 0, 0),
        movement(&[3, 0, 0], 0, 0),
        movement(&[], 0, 0),
        movement(&[u32::MAX; 3], 0, 0),
        movement(&[2, 0, 0, 0], 0, 0),
        movement(&[2, 0, 0], 10_00, 0),
        movement(&[2, 0, 0], 10_00, -10_00),
    ] {
        let mut visit = Visit::new(Product::Savings, 500_00);
        let (original, withdrawal) = visit.approved("100");
        let complete = Complete { moved: moved.clone(), ..visit.complete(original, &[]) };
        assert_eq!(visit.world.run(complete), Ok(Done::CaseOpened(CaseId::new(78))), "{moved:?}");
        assert_eq!(visit.state(withdrawal), WithdrawalState::Suspect { case: CaseId::new(78) });
        assert_eq!(visit.world.facts.cases.at(&CaseId::new(78)).evidence, "failure=jam");
        assert_eq!((visit.in_flight(), visit.events(EventKind::Suspect)), (100_00, 1));
        visit.check();
    }
}

#[test]
fn takes_no_word_about_an_approval_of_another_terminal() {
    let mut visit = Visit::new(Product::Savings, 500_00);
    let (original, _) = visit.approved("100");
    let complete = visit.complete(visit.world.request(), &HUNDRED);
    assert_eq!(visit.world.run(complete), Err(Refusal::TransactionNotFound));
    let other = visit.world.machine("ATM902", MachineKind::Terminal);
    let complete = Complete { terminal: other, ..visit.complete(original, &HUNDRED) };
    assert_eq!(visit.world.run(complete), Err(Refusal::TransactionNotFound));
    let reverse = Reverse { terminal: other, ..visit.reverse(original, &[]) };
    assert_eq!(visit.world.run(reverse), Err(Refusal::TransactionNotFound));
    let suspect = Suspect { terminal: other, ..visit.suspect(original) };
    assert_eq!(visit.world.run(suspect), Err(Refusal::TransactionNotFound));
    assert_eq!(visit.in_flight(), 100_00);
    visit.check();
}

#[test]
fn posts_what_left_even_if_the_mirror_did_not_hold_it() {
    let mut visit = Visit::new(Product::Savings, 500_00);
    let (original, _) = visit.approved("100");
    let mut row = visit.world.facts.holdings.at(&visit.terminal).clone();
    let short = row.cassettes[0].denomination * 99;
    row.cassettes[0].count = 1;
    visit.world.apply(Change::Row(Row::Holdings(row)));
    let cash = LedgerAccount::AtmCash(visit.terminal, Currency::USD);
    let vault = LedgerAccount::Bank(BankAccount::Vault, Currency::USD);
    visit.world.post(TransferKind::Removal, vault, cash, usd(short));
    visit.check();
    let complete = visit.complete(original, &HUNDRED);
    assert_eq!(settled(visit.world.run(complete)), (100_00, 0));
    assert_eq!(visit.moved(TransferKind::Surplus), 50_00, "one of the two notes was one more than counted");
    assert_eq!(visit.world.facts.holdings.at(&visit.terminal).cassettes[0].count, 0);
    visit.check();
}

#[test]
fn gives_back_money_fee_and_limit_when_nothing_left() {
    let mut visit = Visit::new(Product::Checking, 50_00);
    let (original, withdrawal) = visit.approved("100");
    assert_eq!(visit.world.balance(visit.account), -65_00);
    let reverse = visit.reverse(original, &[0, 0, 0]);
    let done = visit.world.run(reverse.clone());
    assert_eq!(settled(done.clone()), (0, 115_00));
    assert_eq!(visit.world.balance(visit.account), 50_00);
    assert_eq!(visit.withdrawn_today(), 0);
    assert_eq!(visit.state(withdrawal), WithdrawalState::Reversed);
    assert_eq!(visit.moved(TransferKind::FeeReturn), 15_00);
    assert_eq!(visit.events(EventKind::Reversal), 2);
    let fee = visit.transfers().find(|t| t.kind == TransferKind::OverdraftFee).expect("a fee was taken").id;
    let concerns = |kind| visit.transfers().find(|t| t.kind == kind).and_then(|t| t.context.concerns);
    assert_eq!(concerns(TransferKind::Reversal), Some(withdrawal));
    assert_eq!(concerns(TransferKind::FeeReturn), Some(fee), "a correction points at what it corrects");
    visit.check();
    let repeat = visit.world.decide(reverse);
    assert_eq!((repeat.outcome, repeat.changes.len()), (done, 0));
    let another = visit.reverse(original, &[]);
    assert_eq!(visit.world.run(another), Err(Refusal::Reversed));
    visit.check();
}

#[test]
fn keeps_the_fee_of_a_part_only_if_that_part_alone_overdrew() {
    // From 50.00: 50.00 paid leaves zero and costs nothing, 60.00 paid overdraws.
    for (notes, paid, fee_back) in [([1, 0, 0], 50_00, 15_00), ([1, 0, 1], 60_00, 0), ([0, 0, 1], 10_00, 15_00)] {
        let mut visit = Visit::new(Product::Checking, 50_00);
        let (original, withdrawal) = visit.approved("100");
        let reverse = visit.reverse(original, &notes);
        assert_eq!(settled(visit.world.run(reverse)), (paid, 100_00 - paid + fee_back));
        assert_eq!(visit.world.balance(visit.account), 50_00 - paid - (15_00 - fee_back));
        assert_eq!(visit.state(withdrawal), WithdrawalState::Partial { paid });
        assert_eq!(visit.withdrawn_today(), paid);
        assert_eq!(visit.moved(TransferKind::WithdrawalCompleted), paid);
        visit.check();
    }
}

#[test]
fn returns_a_fee_in_full_to_an_account_that_was_overdrawn_before() {
    let mut visit = Visit::new(Product::Checking, -10_00);
    let (original, _) = visit.approved("20");
    assert_eq!(visit.world.balance(visit.account), -45_00);
    let reverse = visit.reverse(original, &[]);
    assert_eq!(settled(visit.world.run(reverse)), (0, 35_00));
    let (original, _) = visit.approved("20");
    let reverse = visit.reverse(original, &[0, 0, 1]);
    assert_eq!(settled(visit.world.run(reverse)), (10_00, 10_00), "ten alone overdraw too");
    visit.check();
}

#[test]
fn opens_a_case_where_as_much_is_reversed_as_was_approved() {
    for (notes, retracted) in [([2, 0, 0], 0), ([2, 0, 1], 0), ([1, 0, 0], 60_00)] {
        let mut visit = Visit::new(Product::Savings, 500_00);
        let (original, _) = visit.approved("100");
        let mut reverse = visit.reverse(original, &notes);
        reverse.moved.retracted = retracted;
        assert_eq!(visit.world.run(reverse), Ok(Done::CaseOpened(CaseId::new(79))));
        assert_eq!(visit.in_flight(), 100_00);
        visit.check();
    }
}

/// Notes that did not reach the customer lie in the reject or the retract bin: paid is the rest.
#[test]
fn moves_notes_into_the_bins_where_they_lie() {
    for (rejected, retracted, paid) in [(100_00, 0, 0), (0, 100_00, 0), (0, 40_00, 60_00), (20_00, 30_00, 50_00)] {
        let mut visit = Visit::new(Product::Savings, 500_00);
        let (original, _) = visit.approved("100");
        let before = visit.world.facts.holdings.at(&visit.terminal).clone();
        let mut reverse = visit.reverse(original, &[1, 2, 1]);
        (reverse.moved.rejected, reverse.moved.retracted) = (rejected, retracted);
        assert_eq!(settled(visit.world.run(reverse)), (paid, 100_00 - paid));
        let held = visit.world.facts.holdings.at(&visit.terminal);
        assert_eq!(held.cassettes_value(), before.cassettes_value() - 100_00);
        assert_eq!((held.reject_bin, held.retract_bin), (rejected, retracted));
        assert_eq!(before.cash() - held.cash(), paid);
        assert_eq!(visit.world.balance(visit.account), 500_00 - paid);
        visit.check();
    }
}

#[test]
fn gives_the_limit_back_to_the_date_that_it_was_counted_on() {
    let mut visit = Visit::new(Product::Savings, 500_00);
    let (original, _) = visit.approved("100");
    let yesterday = visit.world.date;
    visit.world.date = crate::time::BusinessDate::from_days(19_676);
    visit.approved("20");
    let reverse = visit.reverse(original, &[0, 2, 0]);
    assert_eq!(settled(visit.world.run(reverse)), (40_00, 60_00));
    assert_eq!(visit.withdrawn_today(), 20_00);
    assert_eq!(visit.world.facts.daily.at(&(visit.customer, yesterday, Currency::USD)).withdrawn, 40_00);
    visit.check();
}

#[test]
fn returns_to_suspense_what_a_closed_account_cannot_take() {
    let mut visit = Visit::new(Product::Checking, 50_00);
    let (original, withdrawal) = visit.approved("100");
    visit.account_closed();
    let before = visit.world.balance(visit.account);
    let reverse = visit.reverse(original, &[]);
    assert_eq!(settled(visit.world.run(reverse.clone())), (0, 115_00));
    assert_eq!(settled(visit.world.run(reverse)), (0, 115_00), "told twice, it is one case");
    assert_eq!(visit.world.balance(visit.account), before);
    assert_eq!(visit.bank(BankAccount::Suspense), 115_00);
    assert_eq!(visit.state(withdrawal), WithdrawalState::Reversed);
    let returned = visit.waits_for_its_owner(79, 115_00);
    assert_eq!(returned.evidence, "failure=jam");
    let by = Actor::Machine(visit.terminal);
    assert!(visit.world.audits(AuditKind::CaseOpened).iter().any(|record| record.actor == by));
    visit.check();
}

#[test]
fn returns_to_suspense_the_part_that_a_closed_account_did_not_get() {
    let mut visit = Visit::new(Product::Savings, 500_00);
    let (original, withdrawal) = visit.approved("100");
    visit.account_closed();
    let reverse = visit.reverse(original, &[0, 2, 0]);
    assert_eq!(settled(visit.world.run(reverse)), (40_00, 60_00));
    assert_eq!(visit.state(withdrawal), WithdrawalState::Partial { paid: 40_00 });
    visit.waits_for_its_owner(79, 60_00);
    visit.check();
}

#[test]
fn a_suspect_that_was_not_paid_leaves_a_case_about_its_closed_account() {
    for (paid, returned) in [("0", 115_00), ("40", 75_00), ("100", 0)] {
        let mut visit = Visit::new(Product::Checking, 50_00);
        let (original, withdrawal) = visit.approved("100");
        let suspect = visit.suspect(original);
        visit.world.run(suspect).expect("its outcome is open");
        visit.account_closed();
        let resolve = visit.resolve(withdrawal, paid);
        let done = visit.world.run(resolve);
        assert_eq!(settled(done.clone()).1, returned);
        assert_eq!(visit.world.run(resolve), done, "the same answer, and no second case");
        assert!(visit.world.facts.cases.at(&CaseId::new(77)).resolved.is_some(), "that question is answered");
        assert_eq!(visit.bank(BankAccount::Suspense), returned);
        if returned > 0 {
            assert_eq!(visit.waits_for_its_owner(80, returned).evidence, "after_case=77");
        } else {
            assert_eq!(visit.world.log.cases.len(), 1, "all of it was paid");
        }
        visit.check();
    }
}

#[test]
fn each_return_to_a_closed_account_is_a_case_of_its_own() {
    let mut visit = Visit::new(Product::Savings, 500_00);
    let [(first, _), (second, _)] = [visit.approved("100"), visit.approved("40")];
    visit.account_closed();
    let reverse = visit.reverse(first, &[]);
    visit.world.run(reverse).expect("nothing was paid");
    let reverse = Reverse { case: case(81), ..visit.reverse(second, &[]) };
    visit.world.run(reverse).expect("nothing was paid");
    visit.waits_for_its_owner(79, 100_00);
    visit.waits_for_its_owner(81, 40_00);
}

#[test]
fn pays_out_what_went_back_once_its_owner_is_found() {
    for (paid, minor) in [("0", 0), ("15", 15_00), ("115", 115_00)] {
        let mut visit = Visit::new(Product::Checking, 50_00);
        let (original, _) = visit.approved("100");
        visit.account_closed();
        let reverse = visit.reverse(original, &[]);
        visit.world.run(reverse).expect("nothing was paid");
        let resolve = |visit: &mut Visit, paid: &str| {
            let of_no_withdrawal = visit.resolve(TransferId::new(5), paid);
            visit.world.run(ResolveCase { case: CaseId::new(79), withdrawal: None, ..of_no_withdrawal })
        };
        let (balance, vault) = (visit.world.balance(visit.account), visit.bank(BankAccount::Vault));
        assert_eq!(resolve(&mut visit, "115.01"), Err(Refusal::InvalidAmount));
        assert_eq!(resolve(&mut visit, paid), Ok(Done::CaseResolved(CaseId::new(79))));
        assert_eq!(resolve(&mut visit, paid), Err(Refusal::Reversed), "once");
        assert_eq!((visit.bank(BankAccount::Suspense), visit.bank(BankAccount::OverShort)), (0, 115_00 - minor));
        let paid_out = visit.bank(BankAccount::Vault) - vault;
        assert_eq!((paid_out, visit.moved(TransferKind::ReturnPaidOut)), (minor, minor));
        assert_eq!(visit.moved(TransferKind::ReturnRefuted), 115_00 - minor);
        assert_eq!(visit.world.balance(visit.account), balance, "a closed account takes nothing");
        visit.check();
    }
}

#[test]
fn declines_an_original_that_its_reversal_has_overtaken() {
    let mut visit = Visit::new(Product::Savings, 500_00);
    let approve = visit.approve("100");
    let reverse = visit.reverse(approve.request, &[]);
    assert_eq!(visit.world.run(reverse), Ok(Done::Changed));
    let again = visit.reverse(approve.request, &[]);
    assert_eq!(visit.world.run(again), Ok(Done::Changed), "a second reversal finds the tombstone");
    for amount in ["100", "20"] {
        let late = visit.world.decide(Approve { amount: figure(amount), ..approve });
        assert_eq!((late.outcome, late.replay), (Err(Refusal::Reversed), Replay::Repeat), "whatever it asks for");
    }
    assert_eq!(visit.world.balance(visit.account), 500_00);
    visit.check();
    let with_notes = visit.reverse(visit.world.request(), &HUNDRED);
    assert_eq!(
        visit.world.run(with_notes),
        Err(Refusal::TransactionNotFound),
        "cash without an approval is no reversal"
    );
}

#[test]
fn leaves_a_refusal_as_it_is_when_it_is_reversed() {
    let mut visit = Visit::new(Product::Savings, 50_00);
    let approve = visit.approve("100");
    let refusal = Err(Refusal::InsufficientFunds { available: usd(50_00) });
    assert_eq!(visit.world.run(approve), refusal);
    let reverse = visit.reverse(approve.request, &[]);
    assert_eq!(visit.world.run(reverse), Ok(Done::Changed));
    assert_eq!(visit.world.run(approve), refusal);
    let changed = Approve { request: RequestId { content: [9; 16], ..approve.request }, ..approve };
    assert_eq!(visit.world.run(changed), Err(Refusal::IdempotencyKeyReused));
}

#[test]
fn keeps_suspect_money_in_flight_until_staff_say_what_became_of_it() {
    for (paid, minor, fee_back, state) in [
        ("0", 0, 15_00, WithdrawalState::Reversed),
        ("50.00", 50_00, 15_00, WithdrawalState::Partial { paid: 50_00 }),
        ("50.01", 50_01, 0, WithdrawalState::Partial { paid: 50_01 }),
        ("100", 100_00, 0, WithdrawalState::Completed),
    ] {
        let mut visit = Visit::new(Product::Checking, 50_00);
        let (original, withdrawal) = visit.approved("100");
        let suspect = visit.suspect(original);
        assert_eq!(visit.world.run(suspect.clone()), Ok(Done::CaseOpened(suspect.case.id)));
        assert_eq!(
            visit.world.run(suspect.clone()),
            Ok(Done::CaseOpened(suspect.case.id)),
            "told twice, it is one case"
        );
        assert_eq!((visit.in_flight(), visit.withdrawn_today()), (100_00, 100_00), "a suspect keeps the limit");
        assert_eq!((visit.world.log.cases.len(), visit.events(EventKind::Suspect)), (1, 1));
        visit.check();
        for late in [visit.reverse(original, &[]), visit.reverse(original, &[1, 0, 0])] {
            assert_eq!(visit.world.run(late), Err(Refusal::Reversed), "only staff resolve a case");
        }
        let complete = visit.complete(original, &HUNDRED);
        assert_eq!(visit.world.run(complete), Err(Refusal::Reversed));
        let resolve = visit.resolve(withdrawal, paid);
        let done = visit.world.run(resolve);
        assert_eq!(settled(done.clone()), (minor, 100_00 - minor + fee_back), "{paid}");
        assert_eq!(visit.state(withdrawal), state);
        assert_eq!(visit.world.facts.cases.at(&CaseId::new(77)).resolved, Some(minor));
        assert_eq!(visit.moved(TransferKind::SuspectPaid), minor);
        assert_eq!(visit.moved(TransferKind::SuspectNotPaid), 100_00 - minor);
        assert_eq!((visit.in_flight(), visit.withdrawn_today()), (0, minor));
        assert_eq!(visit.world.balance(visit.account), 50_00 - minor - (15_00 - fee_back));
        let audited = |new: &&New| matches!(new, New::Audit(record) if record.kind == AuditKind::CaseResolved);
        assert_eq!(visit.world.log.new.iter().filter(audited).count(), 1);
        visit.check();
        assert_eq!(visit.world.run(resolve), done);
        let again = visit.resolve(withdrawal, paid);
        assert_eq!(visit.world.run(again), Err(Refusal::Reversed));
        visit.check();
    }
}

#[test]
fn resolves_no_case_that_is_none_and_no_more_than_was_approved() {
    let mut visit = Visit::new(Product::Savings, 500_00);
    let (original, withdrawal) = visit.approved("100");
    let resolve = visit.resolve(withdrawal, "0");
    assert_eq!(visit.world.run(resolve), Err(Refusal::NotFound), "it is no case");
    let suspect = visit.suspect(original);
    visit.world.run(suspect).expect("its outcome is open");
    for (paid, expected) in [("100.01", Refusal::InvalidAmount), ("1.001", Refusal::InvalidAmount)] {
        let resolve = visit.resolve(withdrawal, paid);
        assert_eq!(visit.world.run(resolve), Err(expected));
    }
    let resolve = visit.resolve(TransferId::new(5), "0");
    assert_eq!(visit.world.run(resolve), Err(Refusal::NotFound), "another case than it says");
    for role in [Role::Clerk, Role::Auditor] {
        let session = visit.world.operator(role);
        let resolve = ResolveCase { session, ..visit.resolve(withdrawal, "0") };
        assert_eq!(visit.world.run(resolve), Err(Refusal::Forbidden));
    }
    let resolve = ResolveCase { session: visit.session, ..visit.resolve(withdrawal, "0") };
    assert_eq!(visit.world.run(resolve), Err(Refusal::Forbidden));
    assert_eq!(visit.in_flight(), 100_00);
}

/// What a terminal and the network between may bring, in any order.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Arrival {
    Request,
    RepeatOfRequest,
    Completion,
    Reversal,
    RepeatOfReversal,
}

fn orders(left: &[Arrival]) -> Vec<Vec<Arrival>> {
    if left.is_empty() {
        return vec![Vec::new()];
    }
    let with_first = |at: usize| {
        let mut rest = left.to_vec();
        let first = rest.remove(at);
        orders(&rest).into_iter().map(move |tail| [vec![first], tail].concat())
    };
    (0..left.len()).flat_map(with_first).collect()
}

/// F5: a reversal may overtake its original, and everything may come twice.
#[test]
fn pays_at_most_once_in_every_order_of_arrival() {
    use Arrival::{Completion, RepeatOfRequest, RepeatOfReversal, Request, Reversal};
    let orders = orders(&[Request, RepeatOfRequest, Completion, Reversal, RepeatOfReversal]);
    assert_eq!(orders.len(), 120);
    for paid_in_part in [vec![], vec![0, 2, 0]] {
        for order in &orders {
            plays_out_as_the_first_word_says(order, &paid_in_part);
        }
    }
}

fn plays_out_as_the_first_word_says(order: &[Arrival], paid_in_part: &[u32]) {
    let mut visit = Visit::new(Product::Checking, 50_00);
    let approve = visit.approve("100");
    let complete = visit.complete(approve.request, &HUNDRED);
    let reverse = visit.reverse(approve.request, paid_in_part);
    let partial: i64 = paid_in_part.iter().map(|&count| i64::from(count) * 20_00).sum();
    // What the host knows: the request's answer, and how the withdrawal ended.
    let (mut answer, mut reversal, mut ended) = (None, None, false);
    for arrival in order {
        match arrival {
            Arrival::Request | Arrival::RepeatOfRequest => {
                let outcome = visit.world.run(approve);
                let known = answer.get_or_insert(outcome.clone());
                assert_eq!(&outcome, known, "{order:?}: the same request has the same answer");
            }
            Arrival::Completion => {
                let outcome = visit.world.run(complete.clone());
                match &answer {
                    Some(Ok(_)) if !ended => assert_eq!(settled(outcome), (100_00, 0), "{order:?}"),
                    Some(Ok(_)) => assert_eq!(outcome, Err(Refusal::Reversed), "{order:?}"),
                    Some(Err(_)) | None => assert_eq!(outcome, Err(Refusal::TransactionNotFound), "{order:?}"),
                }
                ended |= matches!(answer, Some(Ok(_)));
            }
            Arrival::Reversal | Arrival::RepeatOfReversal => {
                let outcome = visit.world.run(reverse.clone());
                if let Some(known) = reversal.clone() {
                    assert_eq!(outcome, known, "{order:?}");
                } else if matches!(answer, Some(Ok(_))) {
                    assert_eq!(outcome.is_ok(), !ended, "{order:?}");
                    ended = true;
                } else if partial == 0 {
                    assert_eq!(outcome, Ok(Done::Changed), "{order:?}");
                    answer = Some(Err(Refusal::Reversed));
                } else {
                    assert_eq!(outcome, Err(Refusal::TransactionNotFound), "{order:?}");
                }
                if outcome.is_ok() || outcome == Err(Refusal::Reversed) {
                    reversal = Some(outcome);
                }
            }
        }
        visit.check();
    }
    let paid = visit.moved(TransferKind::WithdrawalCompleted);
    let approved = visit.moved(TransferKind::WithdrawalApproved);
    assert!(paid == 0 || paid == partial || paid == 100_00, "{order:?}");
    assert!(approved == 0 || approved == 100_00, "{order:?}: approved once");
    assert_eq!(visit.in_flight() + paid + visit.moved(TransferKind::Reversal), approved, "{order:?}");
    let fee = visit.moved(TransferKind::OverdraftFee) - visit.moved(TransferKind::FeeReturn);
    assert_eq!(fee, if paid + visit.in_flight() > 50_00 { 15_00 } else { 0 }, "{order:?}");
    assert_eq!(visit.world.balance(visit.account), 50_00 - paid - visit.in_flight() - fee, "{order:?}");
}

/// A group's rows are loaded before its first command is decided: what an advice needs about an approval of the same
/// group must have been loaded for the approval.
#[test]
fn loads_with_the_approval_what_an_advice_in_the_same_group_needs() {
    let mut visit = Visit::new(Product::Checking, 50_00);
    let approve = visit.approve("100");
    let mut loaded = Keys::default();
    super::keys(&approve.into(), &visit.world.facts, visit.world.date, &mut loaded);
    let (original, _) = (approve.request, visit.world.run(approve).expect("it is covered"));
    let commands: [Command; 3] = [
        visit.complete(original, &HUNDRED).into(),
        visit.reverse(original, &[]).into(),
        visit.suspect(original).into(),
    ];
    for command in commands {
        let mut needed = Keys::default();
        super::keys(&command, &visit.world.facts, visit.world.date, &mut needed);
        assert!(needed.accounts.is_subset(&loaded.accounts));
        assert!(needed.cash.is_subset(&loaded.cash));
        assert!(needed.customers.is_subset(&loaded.customers));
        assert!(needed.holdings.is_subset(&loaded.holdings));
        assert!(needed.daily.is_subset(&loaded.daily));
        assert_eq!(
            needed.cases.len() + needed.cards.len() + needed.sessions.len(),
            0,
            "the rest is told by the approval"
        );
    }
}
