//! What no schema takes, memory does not take either, and calls it by the same name.

use cashpoint_bank::store::memory::MemoryBank;
use cashpoint_bank::store::{CommitError, Position};
use cashpoint_core::account::{Account, AccountIdentity, Totals};
use cashpoint_core::card::{Card, CardIdentity, PinCounter, PinKey};
use cashpoint_core::case::{Case, Matter};
use cashpoint_core::change::{Change, New, Row};
use cashpoint_core::currency::Currency;
use cashpoint_core::customer::{Customer, PasswordHash, Profile, Sealed};
use cashpoint_core::enrolled::{EnrolledTerminal, GrantedLease, SealedKeys, StoredNotice};
use cashpoint_core::event::{About, Event, EventKind};
use cashpoint_core::id::{AccountNumber, CardId, CaseId, CustomerId, OperatorId, SessionId, TransferId};
use cashpoint_core::ledger::{BankAccount, Context, Entry, LedgerAccount, Sides, Transfer, TransferKind};
use cashpoint_core::machine::{CashAccount, Holdings, Machine, MachineIdentity};
use cashpoint_core::notification::{DeadLetter, NotificationId, Waiting, Wish};
use cashpoint_core::replenishment::{Posted, Replenishment};
use cashpoint_core::session::{Role, Session, SessionState, Subject};
use cashpoint_core::withdrawal::{DailyUse, Withdrawal, WithdrawalIdentity, WithdrawalState};

use crate::sample::{
    ANN, ANNS, ANNS_SAVINGS, BEN, Builder, CARD, FIRST_DATE, bank, channel, customers, index, machine, request, usd,
};
use crate::sqlite::File;
use crate::{Database, empty, small_bank};

const NOBODY: CustomerId = CustomerId::new(31);
const NOTHING: TransferId = TransferId::new(31);
const NO_CARD: CardId = CardId::new(31);
const NO_CASE: CaseId = CaseId::new(31);

type Broken = Vec<(&'static str, Vec<Change>)>;

fn new(row: New) -> Vec<Change> {
    vec![Change::New(row)]
}

fn row(row: Row) -> Vec<Change> {
    vec![Change::Row(row)]
}

/// A transfer that is sound but for what `spoil` does to it.
fn transfer(of: &Builder, debit: (LedgerAccount, Option<Entry>), spoil: impl FnOnce(&mut Context)) -> New {
    let mut context = Context { at: of.now, business_date: FIRST_DATE, machine: None, card: None, concerns: None };
    spoil(&mut context);
    let sides = Sides { debit, credit: (bank(BankAccount::Fees), None) };
    New::Transfer(Transfer::new(TransferId::new(77), TransferKind::OverdraftFee, sides, usd(1), context).unwrap())
}

fn money(of: &Builder) -> Broken {
    let vault = (bank(BankAccount::Vault), None);
    let entry = |number, previous| Some(Entry { number, previous, balance: 1 });
    let account = *of.facts.accounts.at(&ANNS);
    let with = |change: &dyn Fn(&mut Account)| {
        let mut changed = account;
        change(&mut changed);
        row(Row::Account(changed))
    };
    let opened = |number, customer| {
        let identity = AccountIdentity { number: AccountNumber::new(number), customer, ..account.identity };
        new(New::Account(Account::opened(identity)))
    };
    let cash = |account, debits| row(Row::Cash(CashAccount { account, totals: Totals { debits, credits: 0 } }));
    let atm = |id| LedgerAccount::AtmCash(machine(id), Currency::USD);
    vec![
        ("concerns nothing", new(transfer(of, vault, |context| context.concerns = Some(NOTHING)))),
        ("with no card", new(transfer(of, vault, |context| context.card = Some(NO_CARD)))),
        ("at no machine", new(transfer(of, vault, |context| context.machine = Some(machine("ATM31"))))),
        ("of no account", new(transfer(of, (customers(AccountNumber::new(31)), entry(1, None)), |_| {}))),
        ("of no cash", new(transfer(of, (atm("ATM31"), None), |_| {}))),
        ("out of the chain", new(transfer(of, (customers(ANNS), entry(9, None)), |_| {}))),
        ("first and not first", new(transfer(of, (customers(ANNS), entry(1, Some(NOTHING))), |_| {}))),
        ("an account of nobody", opened(31, NOBODY)),
        ("an account without number", opened(0, ANN)),
        ("an account with too long a number", opened(u64::MAX, ANN)),
        ("no account", with(&|row| row.identity.number = AccountNumber::new(31))),
        ("a total below nothing", with(&|row| row.totals.debits = -1)),
        ("entries without a head", with(&|row| row.head = None)),
        ("a head without entries", with(&|row| row.entries = 0)),
        ("closed before it was opened", with(&|row| row.closed = Some(row.identity.opened.plus_s(-1)))),
        ("no cash", cash(atm("ATM31"), 1)),
        ("cash below nothing", cash(atm("ATM1"), -1)),
        ("a customer's cash", new(New::Cash(CashAccount { account: customers(ANNS), totals: Totals::default() }))),
        ("nobody's use", row(Row::Daily((NOBODY, FIRST_DATE, Currency::USD), DailyUse::default()))),
        (
            "use below nothing",
            row(Row::Daily((ANN, FIRST_DATE, Currency::USD), DailyUse { deposited: -1, ..DailyUse::default() })),
        ),
    ]
}

fn people(of: &Builder) -> Broken {
    let counted = *of.facts.customers.at(&ANN);
    let event = |customer, number, machine| {
        let about = About { machine, ..About::default() };
        Change::New(New::Event(Event { customer, number, kind: EventKind::Deposit, at: of.now, about }))
    };
    let next = counted.events + 1;
    let counts = Change::Row(Row::Customer(Customer { events: next, ..counted }));
    let session = |subject| {
        let state = *of.facts.sessions.at(&SessionId::new(901));
        let session =
            Session { id: SessionId::new(31), token: index(31), subject, began: of.now, idle_s: 1, ends: None };
        new(New::Session(session, SessionState { id: session.id, ..state }))
    };
    let (operator, role) = (OperatorId::new(31), Role::Admin);
    let profile = of.facts.profiles.at(&BEN).clone();
    let taken = Profile { email: of.facts.profiles.at(&ANN).email.clone(), ..profile.clone() };
    let password = || PasswordHash { version: 1, phc: "x".to_owned() };
    let state = *of.facts.sessions.at(&SessionId::new(901));
    vec![
        ("an event of nobody", vec![event(NOBODY, 1, None)]),
        ("an event that is not counted", vec![event(ANN, next, None)]),
        ("a first event again", vec![event(ANN, 1, None), counts.clone()]),
        ("an event at no machine", vec![event(ANN, next, Some(machine("ATM31"))), counts]),
        ("no customer", row(Row::Customer(Customer { id: NOBODY, ..counted }))),
        ("nobody's data", row(Row::Profile(Profile { customer: NOBODY, ..profile }, None))),
        ("another's address", row(Row::Profile(taken, None))),
        ("nobody's password", row(Row::Password(NOBODY, password()))),
        ("a session of nobody", session(Subject::Online { customer: NOBODY })),
        ("a session of no staff", session(Subject::Operator { operator, role })),
        ("a session without a card", session(Subject::Card { card: NO_CARD, customer: ANN, place: machine("ATM1") })),
        ("a session nowhere", session(Subject::Card { card: CARD, customer: ANN, place: machine("ATM31") })),
        ("no session", row(Row::Session(SessionState { id: SessionId::new(31), ..state }))),
        ("nobody's wish", row(Row::Wish((NOBODY, channel("email")), Some(Wish::All)))),
    ]
}

fn places(of: &Builder) -> Broken {
    let (identity, card) = (of.facts.card_identities.at(&CARD).clone(), *of.facts.cards.at(&CARD));
    let issued = |customer, accounts: &[AccountIdentity]| {
        let identity = CardIdentity { id: NO_CARD, customer, accounts: accounts.into(), ..identity.clone() };
        new(New::Card(identity, Card { id: NO_CARD, session: None, ..card }, Sealed(vec![1]), index(31)))
    };
    let own = *of.facts.account_identities.at(&ANNS);
    let elsewhere = AccountIdentity { number: AccountNumber::new(31), ..own };
    let atm = machine("ATM1");
    let (at, held) = (of.facts.machines.at(&atm).clone(), of.facts.holdings.at(&atm).clone());
    let no_session = Some(SessionId::new(31));
    let added = MachineIdentity { id: machine("ATM31"), ..*of.facts.machine_identities.at(&atm) };
    let place = Machine { id: added.id, ..at.clone() };
    vec![
        ("nobody's card", issued(NOBODY, &[own])),
        ("a card for no account", issued(ANN, &[elsewhere])),
        ("a card for one account twice", issued(ANN, &[own, own])),
        ("no card", row(Row::Card(Card { id: NO_CARD, ..card }))),
        ("a card in no session", row(Row::Card(Card { session: no_session, ..card }))),
        ("PINs of no card", row(Row::Pin(PinKey::Card(NO_CARD), PinCounter::Locked))),
        ("no machine", row(Row::Machine(place.clone()))),
        ("a machine in no session", row(Row::Machine(Machine { session: no_session, ..at }))),
        ("no machine's cash", row(Row::Holdings(Holdings { machine: added.id, ..held.clone() }))),
        ("a bin below nothing", row(Row::Holdings(Holdings { reject_bin: -1, ..held.clone() }))),
        (
            "a new bin below nothing",
            new(New::Machine(added, place, Holdings { machine: added.id, deposit_bin: -1, ..held })),
        ),
        ("a visit nowhere", row(Row::Visit((added.id, CARD), of.now))),
        ("a visit of no card", row(Row::Visit((atm, NO_CARD), of.now))),
    ]
}

fn two_steps(of: &Builder) -> Broken {
    let known = *of.facts.originals.at(&request(4).key);
    let head = of.facts.accounts.at(&ANNS).head.unwrap();
    let approved = |change: &dyn Fn(&mut WithdrawalIdentity)| {
        let mut identity = WithdrawalIdentity { id: head, fee: None, ..known };
        change(&mut identity);
        let state = Withdrawal { id: identity.id, state: WithdrawalState::Approved };
        new(New::Withdrawal(identity, state, request(31)))
    };
    let stands = |id, state| row(Row::Withdrawal(Withdrawal { id, state }));
    let case = |id, change: &dyn Fn(&mut Case)| {
        let mut case = of.facts.cases.at(&CaseId::new(id)).clone();
        change(&mut case);
        row(Row::Case(case))
    };
    vec![
        ("approved by nothing", approved(&|identity| identity.id = NOTHING)),
        ("approved for nothing", approved(&|identity| identity.amount = usd(0))),
        ("approved nowhere", approved(&|identity| identity.machine = machine("ATM31"))),
        ("approved for nobody", approved(&|identity| identity.customer = NOBODY)),
        ("approved of no account", approved(&|identity| identity.account = AccountNumber::new(31))),
        ("a fee that is none", approved(&|identity| identity.fee = Some((head, usd(0))))),
        ("a fee by nothing", approved(&|identity| identity.fee = Some((NOTHING, usd(1))))),
        ("no withdrawal", stands(NOTHING, WithdrawalState::Completed)),
        ("a part that is none", stands(known.id, WithdrawalState::Partial { paid: 0 })),
        ("suspect without a case", stands(known.id, WithdrawalState::Suspect { case: NO_CASE })),
        ("a case nowhere", case(78, &|case| case.machine = machine("ATM31"))),
        ("a case about nothing", case(77, &|case| (case.id, case.matter) = (NO_CASE, Matter::Suspect(NOTHING)))),
        ("a second case", case(77, &|case| case.id = NO_CASE)),
        ("a case of less than nothing", case(78, &|case| case.amount = usd(-1))),
        ("a suspect of nothing", case(77, &|case| (case.amount, case.resolved, case.short) = (usd(0), None, 0))),
        ("more paid than there was", case(77, &|case| case.resolved = Some(100_01))),
        ("more short than there was", case(77, &|case| case.short = 100_01)),
        ("short of a deposit", case(78, &|case| case.short = 1)),
    ]
}

fn terminals(of: &Builder) -> Broken {
    let (atm, nowhere) = (machine("ATM2"), machine("ATM31"));
    let known = of.facts.terminals.at(&atm).clone();
    let lease = |used, nonce| GrantedLease { used, nonce: [nonce; 16], ..known.leases[0] };
    let with = |leases| row(Row::Terminal(EnrolledTerminal { leases, ..known.clone() }));
    let order = of.facts.replenishments.at(&atm).clone();
    let ordered = |change: &dyn Fn(&mut Replenishment)| {
        let mut order = order.clone();
        change(&mut order);
        row(Row::Replenishment(order))
    };
    let keys = SealedKeys { data_key: (1, Sealed(vec![1])), secrets: Sealed(vec![2]) };
    let notice = StoredNotice { card: NO_CARD, at: of.now, amount: usd(1), target: ANNS_SAVINGS, code: "x".to_owned() };
    let letter = DeadLetter {
        channel: channel("webhook"),
        id: NotificationId { writer: 1, seq: 2, index: 1 },
        customer: BEN,
        number: 2,
        kind: EventKind::Deposit,
        at: of.now,
        attempts: 1,
        given_up: of.now,
        why: String::new(),
    };
    let unheard_of = NotificationId { writer: 1, seq: 31, index: 0 };
    let waits = Waiting { number: 1, attempts: 0, since: of.now, due: of.now, why: String::new() };
    vec![
        ("a terminal nowhere", row(Row::Terminal(EnrolledTerminal { machine: nowhere, ..known.clone() }))),
        ("more used than there was", with(vec![lease(300_01, 1)])),
        ("one lease twice", with(vec![lease(0, 1), lease(1, 1)])),
        (
            "deposits below nothing",
            row(Row::Terminal(EnrolledTerminal { deposited: (FIRST_DATE, -1), ..known.clone() })),
        ),
        ("keys of nothing", row(Row::TerminalKeys(nowhere, keys))),
        ("an exchange where no terminal is", ordered(&|order| order.machine = machine("ATM1"))),
        ("an exchange by nobody", ordered(&|order| (order.number, order.operator) = (3, OperatorId::new(31)))),
        ("an exchange without number", ordered(&|order| order.number = 0)),
        ("posted and not counted", ordered(&|order| order.count = None)),
        (
            "held below nothing",
            ordered(&|order| {
                order.posted = order.posted.clone().map(|posted| Posted { held: usd(-1), ..posted });
            }),
        ),
        ("a notice to no card", new(New::Notice(notice))),
        ("a letter on no feed", new(New::DeadLetter(DeadLetter { channel: channel("email"), ..letter.clone() }))),
        ("a letter to nobody", new(New::DeadLetter(DeadLetter { customer: NOBODY, ..letter.clone() }))),
        ("a letter about nothing", new(New::DeadLetter(DeadLetter { id: unheard_of, ..letter.clone() }))),
        ("a letter that was not tried", new(New::DeadLetter(DeadLetter { attempts: 0, ..letter }))),
        ("waiting on no feed", row(Row::Waiting((channel("email"), ANN), Some(waits.clone())))),
        ("nobody waits", row(Row::Waiting((channel("webhook"), NOBODY), Some(waits)))),
    ]
}

fn word(verdict: &Result<Position, CommitError>) -> &'static str {
    match verdict {
        Ok(_) => "taken",
        Err(CommitError::Conflict) => "conflict",
        Err(CommitError::Rejected(_)) => "rejected",
        Err(CommitError::Unavailable(_)) => "unavailable",
    }
}

#[test]
fn judges_broken_groups_as_a_file_does() {
    let (file, memory) = (File::new(), MemoryBank::new());
    let (mut on_disk, mut in_memory) = (file.writer(), memory.writer());
    small_bank(on_disk.as_mut());
    let bank = small_bank(in_memory.as_mut());
    let books = memory.books();
    let all = [money(&bank), people(&bank), places(&bank), two_steps(&bank), terminals(&bank)].concat();
    assert!(all.len() > 75);
    let mut wrong = Vec::new();
    for (name, broken) in all {
        let (mut changes, mut facts) = (empty(&bank), bank.facts.clone());
        broken.into_iter().for_each(|change| changes.apply(change, &mut facts));
        let verdicts = [on_disk.commit(&changes), in_memory.commit(&changes)];
        let [expected, found] = verdicts.each_ref().map(word);
        if expected != found || expected == "taken" {
            wrong.push(format!("{name}: {verdicts:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(memory.books(), books);
}
