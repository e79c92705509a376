//! A small bank for tests of stores: rows of every kind, in a few commits, and what must be found afterwards.
//!
//! The rows obey the ledger (entries, chains and totals fit together), but no rule of a decision: a store must take
//! whatever the core could decide.

mod builder;

use std::sync::Arc;

use cashpoint_core::account::{AccountIdentity, Product};
use cashpoint_core::card::{Card, CardIdentity, CardState, PinCounter, PinKey, Verifier};
use cashpoint_core::case::{Case, Matter};
use cashpoint_core::change::{DayMove, New, Row};
use cashpoint_core::currency::Currency;
use cashpoint_core::customer::{Operator, PasswordHash, Profile, Sealed, Tries};
use cashpoint_core::enrolled::{
    EnrolledTerminal, GrantedLease, JournalHead, JournalTrust, LaneNumbers, SealedKeys, StaffOrder, StoredNotice,
};
use cashpoint_core::event::{About, Actor, AuditKind, EventKind};
use cashpoint_core::facts::BusinessDay;
use cashpoint_core::id::{
    AccountNumber, CardId, CaseId, CustomerId, FeedHolder, Index, MachineId, OperatorId, RequestId, SessionId,
};
use cashpoint_core::ledger::{BankAccount, LedgerAccount, TransferKind};
use cashpoint_core::machine::MachineKind;
use cashpoint_core::money::{Amount, Decimal};
use cashpoint_core::notification::{ChannelName, Cursor, DeadLetter, Feed, NotificationId, Place, Waiting, Wish};
use cashpoint_core::outcome::{Done, Receipt, Refusal};
use cashpoint_core::policy::Policy;
use cashpoint_core::replenishment::{CashCount, CassetteCount, Posted, Replenishment};
use cashpoint_core::session::{EndReason, Role, Session, SessionState, Subject};
use cashpoint_core::terminal::link::HostCommandKind;
use cashpoint_core::terminal::settings::PartitionPolicy;
use cashpoint_core::time::BusinessDate;
use cashpoint_core::withdrawal::{DailyUse, Withdrawal, WithdrawalIdentity, WithdrawalState};

pub(crate) use builder::Builder;

/// A customer with everything: two accounts, a card, an email address, a password.
pub(crate) const ANN: CustomerId = CustomerId::new(100);
/// A customer with nothing but an account.
pub(crate) const BEN: CustomerId = CustomerId::new(200);
/// Ann's checking account.
pub(crate) const ANNS: AccountNumber = AccountNumber::new(10_001);
/// Ann's savings account, opened second though its number is lower.
pub(crate) const ANNS_SAVINGS: AccountNumber = AccountNumber::new(10_000);
/// Ben's account.
pub(crate) const BENS: AccountNumber = AccountNumber::new(9_000_000_000_000_000_019);
/// Ann's card.
pub(crate) const CARD: CardId = CardId::new(500);
/// The first date of the books.
pub(crate) const FIRST_DATE: BusinessDate = BusinessDate::from_days(19_675);

/// An index or digest that differs for every number.
pub(crate) fn index(number: u8) -> Index {
    [number; 32]
}

/// A request id that differs for every number.
pub(crate) fn request(number: u8) -> RequestId {
    RequestId { key: [number; 16], content: [number ^ 0xff; 16] }
}

/// A machine's id.
pub(crate) fn machine(id: &str) -> MachineId {
    MachineId::parse(id).expect("tests name machines well")
}

/// So many cents.
pub(crate) fn usd(minor: i64) -> Amount {
    Amount::new(minor, Currency::USD)
}

/// A customer's ledger account.
pub(crate) fn customers(account: AccountNumber) -> LedgerAccount {
    LedgerAccount::Customer(account)
}

/// One of the bank's own accounts, in dollars.
pub(crate) fn bank(account: BankAccount) -> LedgerAccount {
    LedgerAccount::Bank(account, Currency::USD)
}

/// The whole bank: each closure fills one commit.
pub(crate) fn commits() -> Vec<fn(&mut Builder)> {
    vec![places_and_staff, people, money, two_steps, changes, notifications]
}

fn places_and_staff(bank: &mut Builder) {
    let next_cutover = bank.now.plus_s(86_400);
    bank.changes.day = Some(DayMove { from: None, to: BusinessDay { date: FIRST_DATE, next_cutover } });
    let values = Policy {
        daily_transfer_limit: Some(Decimal::new(1_234_56, 2)),
        time_zone: "Europe/Vienna".to_owned(),
        ..Policy::default()
    };
    bank.add(New::Policy(2, values));
    let operator = OperatorId::new(7);
    let password = PasswordHash { version: 1, phc: "$argon2id$operator".to_owned() };
    bank.add(New::Operator(Operator { id: operator, name: "olga".to_owned(), role: Role::Custodian, password }));
    bank.audit(Actor::Console, AuditKind::OperatorAdded, "7");
    bank.machine("ATM1", MachineKind::Api);
    bank.machine("ATM2", MachineKind::Terminal);
    bank.machine("C-1", MachineKind::Counter);
    bank.audit(Actor::Operator(operator), AuditKind::MachineCreated, "ATM1");
    bank.session(Session {
        id: SessionId::new(900),
        token: index(90),
        subject: Subject::Operator { operator, role: Role::Custodian },
        began: bank.now,
        idle_s: 1_800,
        ends: Some(bank.now.plus_s(86_400)),
    });
}

fn people(bank: &mut Builder) {
    let sealed = |number| Sealed(vec![number; 40]);
    let ann = Profile {
        customer: ANN,
        name: "Ann Ängström".to_owned(),
        data_key: (3, sealed(1)),
        email: Some((sealed(2), index(2))),
        phone: Some(sealed(3)),
        address: Some(sealed(4)),
        since: bank.now,
    };
    bank.customer(ann, Some(PasswordHash { version: 1, phc: "$argon2id$ann".to_owned() }));
    let ben = Profile {
        customer: BEN,
        name: "Ben".to_owned(),
        data_key: (3, sealed(5)),
        email: None,
        phone: None,
        address: None,
        since: bank.now,
    };
    bank.customer(ben, None);
    for (number, customer, product) in
        [(ANNS, ANN, Product::Checking), (ANNS_SAVINGS, ANN, Product::Savings), (BENS, BEN, Product::Savings)]
    {
        bank.account(AccountIdentity { number, customer, product, currency: Currency::USD, opened: bank.now });
        let about = About { account: Some(number), ..About::default() };
        bank.event(customer, EventKind::AccountOpened, about);
        let opening = self::bank(BankAccount::Opening);
        bank.post(TransferKind::Opening, (opening, customers(number)), 1_000_00, None);
    }
    let accounts: Arc<[AccountIdentity]> =
        [ANNS_SAVINGS, ANNS].map(|number| *bank.facts.account_identities.at(&number)).into();
    let identity = CardIdentity { id: CARD, customer: ANN, accounts, expires: bank.now.plus_s(100_000_000) };
    let verifier = Verifier { version: 4, mac: [44; 32] };
    let card = Card { id: CARD, state: CardState::Active, verifier, session: None };
    bank.add(New::Card(identity, card, sealed(6), index(50)));
    bank.session(Session {
        id: SessionId::new(901),
        token: index(91),
        subject: Subject::Online { customer: BEN },
        began: bank.now,
        idle_s: 1_800,
        ends: Some(bank.now.plus_s(86_400)),
    });
    let session = SessionId::new(902);
    bank.session(Session {
        id: session,
        token: index(92),
        subject: Subject::Card { card: CARD, customer: ANN, place: machine("ATM1") },
        began: bank.now,
        idle_s: 300,
        ends: None,
    });
    bank.set(Row::Card(Card { session: Some(session), ..card }));
    let place = bank.facts.machines.at(&machine("ATM1")).clone();
    bank.set(Row::Machine(cashpoint_core::machine::Machine { session: Some(session), ..place }));
}

fn money(bank: &mut Builder) {
    let atm = machine("ATM1");
    let cash = LedgerAccount::AtmCash(atm, Currency::USD);
    let paid = bank.post(TransferKind::Withdrawal, (customers(ANNS), cash), 1_050_00, Some((atm, CARD)));
    let fee = bank.correct(TransferKind::OverdraftFee, (customers(ANNS), self::bank(BankAccount::Fees)), 15_00, paid);
    let about = About {
        account: Some(ANNS),
        amount: Some(usd(1_050_00)),
        transfer: Some(paid),
        machine: Some(atm),
        card: Some(CARD),
        code: None,
    };
    bank.event(ANN, EventKind::Withdrawal, about);
    bank.event(ANN, EventKind::Fee, About { transfer: Some(fee), amount: Some(usd(15_00)), ..about });
    let receipt = Receipt {
        transaction: paid,
        account: ANNS,
        amount: usd(1_050_00),
        fee: usd(15_00),
        balance: usd(-65_00),
        at: bank.now,
        notes: vec![(50_00, 21)],
    };
    bank.add(New::Request(request(1), Ok(Done::Withdrawn(receipt))));
    let mut holdings = bank.facts.holdings.at(&atm).clone();
    holdings.cassettes[0].count -= 21;
    holdings.deposit_bin += 20_00;
    bank.set(Row::Holdings(holdings));
    bank.set(Row::Daily((ANN, FIRST_DATE, Currency::USD), DailyUse { withdrawn: 1_050_00, ..DailyUse::default() }));
    bank.post(TransferKind::Deposit, (cash, customers(ANNS)), 20_00, Some((atm, CARD)));
    bank.post(TransferKind::Transfer, (customers(BENS), customers(ANNS)), 12_34, None);
    let counter = machine("C-1");
    let till = LedgerAccount::Counter(counter, Currency::USD);
    bank.post(TransferKind::Deposit, (till, customers(BENS)), 7, Some((counter, CARD)));
    let refusal = Refusal::InsufficientFunds { available: usd(42) };
    bank.event(BEN, EventKind::Refused, About { code: Some(refusal.code()), ..About::default() });
    bank.add(New::Request(request(2), Err(refusal)));
    let active = bank.now;
    let state = *bank.facts.sessions.at(&SessionId::new(902));
    bank.set(Row::Session(SessionState { active, ..state }));
}

/// Two withdrawals at a terminal: the first completed, the second suspect.
fn two_steps(bank: &mut Builder) {
    let atm = machine("ATM2");
    let in_flight = LedgerAccount::AtmInFlight(atm, Currency::USD);
    let before = bank.facts.accounts.at(&ANNS_SAVINGS).balance_minor();
    let approve = |bank: &mut Builder, number, fee| {
        let sides = (customers(ANNS_SAVINGS), in_flight);
        let id = bank.post(TransferKind::WithdrawalApproved, sides, 100_00, Some((atm, CARD)));
        let identity = WithdrawalIdentity {
            id,
            account: ANNS_SAVINGS,
            customer: ANN,
            machine: atm,
            amount: usd(100_00),
            fee,
            balance_before: before,
            counted_on: FIRST_DATE,
            nonce: Some([number; 16]),
        };
        bank.add(New::Withdrawal(identity, Withdrawal { id, state: WithdrawalState::Approved }, request(number)));
        id
    };
    let first = approve(bank, 3, None);
    let fees = self::bank(BankAccount::Fees);
    let fee = bank.correct(TransferKind::OverdraftFee, (customers(ANNS_SAVINGS), fees), 15_00, first);
    let second = approve(bank, 4, Some((fee, usd(15_00))));
    let cash = LedgerAccount::AtmCash(atm, Currency::USD);
    bank.correct(TransferKind::WithdrawalCompleted, (in_flight, cash), 100_00, first);
    bank.set(Row::Withdrawal(Withdrawal { id: first, state: WithdrawalState::Completed }));
    let case = CaseId::new(77);
    bank.set(Row::Withdrawal(Withdrawal { id: second, state: WithdrawalState::Suspect { case } }));
    bank.set(Row::Case(Case {
        id: case,
        matter: Matter::Suspect(second),
        machine: atm,
        amount: usd(100_00),
        account: ANNS_SAVINGS,
        card: None,
        opened: Some(bank.now),
        evidence: "present=unknown".to_owned(),
        short: 0,
        resolved: None,
    }));
    terminals(bank, atm);
    bank.audit(Actor::Machine(atm), AuditKind::Blocked, "500");
    bank.set(Row::Pin(PinKey::Card(CARD), PinCounter::Blocked { until: bank.now.plus_s(1_800), blocks: 1 }));
    bank.set(Row::Pin(PinKey::Unknown(index(60)), PinCounter::Locked));
    bank.set(Row::Pin(PinKey::Unknown(index(61)), PinCounter::Open { wrong: 2, blocks: 2 }));
    bank.set(Row::Tries(index(70), Tries { arrival: bank.now.micros() }));
}

/// An enrolled terminal with leases, a card that it served, a case without a transfer, and a notice.
fn terminals(bank: &mut Builder, atm: MachineId) {
    let lease = |nonce, closed| GrantedLease {
        nonce: [nonce; 16],
        amount: usd(300_00),
        used: 20_00,
        presents: 5,
        granted: bank.now,
        closed,
    };
    let terminal = EnrolledTerminal {
        numbers: LaneNumbers { online: 17, advice: 15, heartbeat: 16 },
        journal: JournalTrust::Kept(JournalHead { n: 9, mac: [8; 32] }),
        partition: Some(PartitionPolicy::STRICT),
        partition_changes: 2,
        order: Some(StaffOrder { number: 3, kind: HostCommandKind::Close }),
        leases: vec![lease(1, true), lease(2, false)],
        ..EnrolledTerminal::new(atm, [4; 32], bank.now, FIRST_DATE)
    };
    bank.set(Row::Terminal(terminal));
    let keys = SealedKeys { data_key: (3, Sealed(vec![7; 60])), secrets: Sealed(vec![8; 90]) };
    bank.set(Row::TerminalKeys(atm, keys));
    bank.set(Row::Visit((atm, CARD), bank.now));
    bank.set(Row::Case(Case {
        id: CaseId::new(78),
        matter: Matter::DepositUnclear,
        machine: atm,
        amount: usd(40_00),
        account: AccountNumber::new(u64::MAX),
        card: Some(CARD),
        opened: Some(bank.now),
        evidence: String::new(),
        short: 0,
        resolved: None,
    }));
    let replenishment = |number, count| Replenishment {
        machine: atm,
        number,
        operator: OperatorId::new(7),
        ordered: bank.now,
        count,
        posted: None,
    };
    let rows = [(1, None), (2, Some(counted()))].map(|(number, count)| replenishment(number, count));
    rows.into_iter().for_each(|row| bank.set(Row::Replenishment(row)));
    let (at, amount, target) = (bank.now, usd(5_00), BENS);
    bank.add(New::Notice(StoredNotice { card: CARD, at, amount, target, code: "insufficient_funds".to_owned() }));
}

/// What staff counted in a machine of two cassettes.
fn counted() -> CashCount {
    let cassette = |position, counted_out, counted_in| CassetteCount { position, counted_out, counted_in };
    let cassettes = vec![cassette(1, 7, 0), cassette(0, 40, 100)];
    CashCount { cassettes, deposit_bin: Some(0), reject_bin: None, retract_bin: Some(60_00) }
}

/// Everything that changes, changed.
fn changes(bank: &mut Builder) {
    let next = BusinessDate::from_days(FIRST_DATE.days() + 1);
    let to = BusinessDay { date: next, next_cutover: bank.now.plus_s(2 * 86_400) };
    bank.changes.day = Some(DayMove { from: Some(FIRST_DATE), to });
    let profile = bank.facts.profiles.at(&ANN).clone();
    let (email, phone) = (Some((Sealed(vec![9; 50]), index(9))), None);
    bank.set(Row::Profile(Profile { name: "Ann Smith".to_owned(), email, phone, ..profile }, Some(index(2))));
    bank.set(Row::Password(ANN, PasswordHash { version: 2, phc: "$argon2id$second".to_owned() }));
    let row = *bank.facts.customers.at(&ANN);
    bank.set(Row::Customer(cashpoint_core::customer::Customer { generation: 2, password_version: 2, ..row }));
    bank.event(ANN, EventKind::PasswordChanged, About::default());
    let (ended, card) = (Some((bank.now, EndReason::CardReported)), *bank.facts.cards.at(&CARD));
    let state = *bank.facts.sessions.at(&SessionId::new(902));
    bank.set(Row::Session(SessionState { ended, ..state }));
    let verifier = Verifier { version: 5, mac: [45; 32] };
    bank.set(Row::Card(Card { state: CardState::Stolen, verifier, session: None, ..card }));
    bank.set(Row::Pin(PinKey::Card(CARD), PinCounter::Open { wrong: 0, blocks: 0 }));
    let atm = bank.facts.machines.at(&machine("ATM2")).clone();
    let status = cashpoint_core::machine::MachineStatus::Inactive;
    bank.set(Row::Machine(cashpoint_core::machine::Machine { location: "Yard".to_owned(), status, ..atm }));
    let balance = bank.facts.accounts.at(&BENS).balance_minor();
    bank.post(TransferKind::Transfer, (customers(BENS), customers(ANNS)), balance, None);
    let closed = cashpoint_core::account::Account { closed: Some(bank.now), ..*bank.facts.accounts.at(&BENS) };
    bank.set(Row::Account(closed));
    let used = DailyUse { withdrawn: 1, deposited: 2, transferred: 3 };
    bank.set(Row::Daily((ANN, FIRST_DATE, Currency::USD), used));
    bank.set(Row::Daily((ANN, next, Currency::EUR), used));
    let suspect = bank.facts.originals.at(&request(4).key).id;
    let case = bank.facts.cases.at(&CaseId::new(77)).clone();
    bank.set(Row::Case(Case { resolved: Some(40_00), short: 100_00, evidence: "counted=short".to_owned(), ..case }));
    let terminal = bank.facts.terminals.at(&machine("ATM2")).clone();
    bank.set(Row::Terminal(EnrolledTerminal {
        journal: JournalTrust::Doubted(JournalHead { n: 10, mac: [9; 32] }),
        partition: None,
        order: None,
        deposited: (next, 7),
        leases: terminal.leases[1..].to_vec(),
        ..terminal
    }));
    let row = bank.facts.replenishments.at(&machine("ATM2")).clone();
    let found = "left=40,7".to_owned();
    let posted = Posted { at: bank.now, cash: usd(5_000_00), difference: usd(-100_00), held: usd(60_00), found };
    bank.set(Row::Replenishment(Replenishment { posted: Some(posted), ..row }));
    bank.set(Row::Visit((machine("ATM2"), CARD), bank.now));
    bank.set(Row::NoticesTold(CARD, 1));
    let paid = WithdrawalState::Partial { paid: 40_00 };
    bank.set(Row::Withdrawal(Withdrawal { id: suspect, state: paid }));
    bank.set(Row::Tries(index(70), Tries { arrival: bank.now.micros() + 5 }));
}

/// A feed on which one delivery waits and one was given up, and what Ann wants to be told of.
fn notifications(bank: &mut Builder) {
    let mut cursor = Cursor::default();
    cursor.advance(Place { stream: 0, number: 3 });
    let until = bank.now.plus_s(30);
    bank.set(Row::Feed(Feed { channel: channel("webhook"), holder: FeedHolder::new(71), until, cursor }));
    let waiting =
        Waiting { number: 2, attempts: 3, since: bank.now, due: bank.now.plus_s(8), why: "HTTP 503".to_owned() };
    bank.set(Row::Waiting((channel("webhook"), ANN), Some(waiting)));
    bank.add(New::DeadLetter(DeadLetter {
        channel: channel("webhook"),
        id: NotificationId { writer: 1, seq: 2, index: 1 },
        customer: BEN,
        number: 1,
        kind: EventKind::AccountOpened,
        at: bank.now.plus_s(-60),
        attempts: 20,
        given_up: bank.now,
        why: "HTTP 410".to_owned(),
    }));
    let kinds = Wish::Only([EventKind::Withdrawal, EventKind::CardBlocked].into());
    bank.set(Row::Wish((ANN, channel("email")), Some(kinds)));
    bank.set(Row::Wish((ANN, channel("webhook")), Some(Wish::Nothing)));
}

/// A channel's name.
pub(crate) fn channel(name: &str) -> ChannelName {
    ChannelName::parse(name).expect("tests name channels well")
}
