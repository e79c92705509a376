//! A group is there as a whole or not at all, in its place.

use cashpoint_core::change::{Change, DayMove, New, Row};
use cashpoint_core::currency::Currency;
use cashpoint_core::event::{About, Event, EventKind};
use cashpoint_core::facts::{BusinessDay, Facts, Lookups};
use cashpoint_core::id::{AccountNumber, CardId, CustomerId, SessionId};
use cashpoint_core::ledger::{BankAccount, LedgerAccount, TransferKind};
use cashpoint_core::machine::CashAccount;
use cashpoint_core::outcome::{Done, Refusal};
use cashpoint_core::time::BusinessDate;

use crate::sample::{self, ANN, ANNS, ANNS_SAVINGS, BEN, Builder, FIRST_DATE, customers, index, machine, request, usd};
use crate::{Database, commit, empty, found, is_conflict, is_rejected, small_bank};

pub(crate) fn numbers_commits_without_gaps_for_each_writer(database: &dyn Database) {
    let mut store = database.writer();
    let mut bank = Builder::new();
    let mut record = |store: &mut dyn cashpoint_bank::store::Store, number| {
        bank.add(New::Request(request(number), Ok(Done::Changed)));
        commit(store, &mut bank)
    };
    let first = record(store.as_mut(), 1);
    let second = record(store.as_mut(), 2);
    assert_eq!((first.seq, second.seq, second.writer), (1, 2, first.writer));
    drop(store);
    let mut store = database.writer();
    let third = record(store.as_mut(), 3);
    assert_eq!(third.seq, 1);
    assert!(third.writer > first.writer, "a new incarnation is a new writer");
}

pub(crate) fn refuses_to_write_an_identity_twice(database: &dyn Database) {
    let mut store = database.writer();
    let mut bank = Builder::new();
    let mut all: Vec<New> = Vec::new();
    for fill in sample::commits() {
        fill(&mut bank);
        all.extend(bank.changes.new.iter().cloned());
        commit(store.as_mut(), &mut bank);
    }
    let mut tried = 0;
    for new in all {
        let identity = match &new {
            // These have no identity of their own; a customer's numbering of events is the core's.
            New::Event(_) | New::Audit(_) => continue,
            // Giving up twice is no harm: the first letter stays.
            New::DeadLetter(_) => continue,
            // Nor has what somebody is to be told.
            New::Notice(_) => continue,
            New::Transfer(_)
            | New::Request(..)
            | New::Account(_)
            | New::Cash(_)
            | New::Customer(..)
            | New::Session(..)
            | New::Card(..)
            | New::Machine(..)
            | New::Withdrawal(..)
            | New::Operator(_)
            | New::Policy(..) => format!("{new:?}"),
        };
        let mut changes = empty(&bank);
        changes.new.push(new);
        let result = store.commit(&changes);
        assert!(is_conflict(&result), "{result:?} for {identity}");
        tried += 1;
    }
    assert!(tried > 30, "the sample has rows of every kind");
    refuses_taken_indexes(store.as_mut(), &bank);
}

/// New ids, but with an index, number or name that something has already.
fn refuses_taken_indexes(store: &mut dyn cashpoint_bank::store::Store, bank: &Builder) {
    let mut check = |new: New| {
        let mut changes = empty(bank);
        let what = format!("{new:?}");
        changes.new.push(new);
        let result = store.commit(&changes);
        assert!(is_conflict(&result), "{result:?} for {what}");
    };
    let mut profile = bank.facts.profiles.at(&ANN).clone();
    profile.customer = CustomerId::new(300);
    let row = cashpoint_core::customer::Customer::new(profile.customer, 0);
    check(New::Customer(row, profile, None));
    let mut identity = bank.facts.card_identities.at(&sample::CARD).clone();
    identity.id = CardId::new(501);
    let mut card = *bank.facts.cards.at(&sample::CARD);
    card.id = identity.id;
    check(New::Card(identity, card, cashpoint_core::customer::Sealed(vec![1]), index(50)));
    let session = cashpoint_core::session::Session {
        id: SessionId::new(999),
        token: index(91),
        subject: cashpoint_core::session::Subject::Online { customer: BEN },
        began: bank.now,
        idle_s: 1,
        ends: None,
    };
    let state = *bank.facts.sessions.at(&SessionId::new(901));
    check(New::Session(session, cashpoint_core::session::SessionState { id: session.id, ..state }));
    check(New::Operator(cashpoint_core::customer::Operator {
        id: cashpoint_core::id::OperatorId::new(8),
        name: "olga".to_owned(),
        role: cashpoint_core::session::Role::Admin,
        password: cashpoint_core::customer::PasswordHash { version: 1, phc: "x".to_owned() },
    }));
    let taken = bank.facts.originals.at(&request(3).key);
    let identity = cashpoint_core::withdrawal::WithdrawalIdentity {
        id: bank.facts.accounts.at(&ANNS).head.expect("it has entries"),
        ..*taken
    };
    let state = cashpoint_core::withdrawal::WithdrawalState::Approved;
    let row = cashpoint_core::withdrawal::Withdrawal { id: identity.id, state };
    check(New::Withdrawal(identity, row, request(3)));
}

pub(crate) fn leaves_nothing_of_a_group_that_was_refused(database: &dyn Database) {
    let mut store = database.writer();
    let mut bank = small_bank(store.as_mut());
    let before = database.reader().account(ANNS).unwrap();
    // Sound changes first, then one that no schema takes.
    bank.post(TransferKind::Transfer, (customers(ANNS_SAVINGS), customers(ANNS)), 1, None);
    bank.post(TransferKind::Opening, (sample::bank(BankAccount::Clearing), customers(ANNS)), 1, None);
    bank.add(New::Request(request(9), Ok(Done::Changed)));
    bank.event(ANN, EventKind::TransferOut, About::default());
    let (mut facts, mut changes) = (bank.facts.clone(), bank.take());
    let nobody = Event { customer: CustomerId::new(31), number: 1, ..bank.events[0] };
    changes.apply(Change::New(New::Event(nobody)), &mut facts);
    assert!(is_rejected(&store.commit(&changes)));
    let lookups = Lookups { requests: [request(9).key].into(), ..Lookups::default() };
    let facts = found(store.as_mut(), &lookups, &bank.keys);
    assert_eq!(facts.requests.find(&request(9).key), None);
    assert_eq!(facts.accounts.find(&ANNS).copied(), before);
    let moved = bank.facts.accounts.at(&ANNS).head.expect("it has entries");
    let mut reader = database.reader();
    assert_eq!(reader.transfer(moved).unwrap(), None);
    assert_eq!(reader.account(ANNS).unwrap(), before);
    let events = reader.events(ANN, 0, 100).unwrap();
    assert_eq!(events.len(), bank.events.iter().filter(|event| event.customer == ANN).count() - 1);
    for refused in [refused_outcome(&bank), missing_row(&bank), unknown_machine(&bank)] {
        let result = store.commit(&refused);
        assert!(is_rejected(&result), "{result:?} for {refused:?}");
    }
}

/// A refusal that is never recorded.
fn refused_outcome(bank: &Builder) -> cashpoint_core::change::Changes {
    let mut changes = empty(bank);
    changes.new.push(New::Request(request(9), Err(Refusal::SessionExpired)));
    changes
}

/// A change to a row that is not there.
fn missing_row(bank: &Builder) -> cashpoint_core::change::Changes {
    let mut changes = empty(bank);
    let mut row = *bank.facts.accounts.at(&ANNS);
    row.identity.number = AccountNumber::new(31_313);
    changes.apply(Change::Row(Row::Account(row)), &mut bank.facts.clone());
    changes
}

/// A transfer at a machine that is not there.
fn unknown_machine(bank: &Builder) -> cashpoint_core::change::Changes {
    let mut changes = empty(bank);
    let mut facts = bank.facts.clone();
    let account = LedgerAccount::AtmCash(machine("ATM31"), Currency::USD);
    let row = CashAccount { account, totals: cashpoint_core::account::Totals::default() };
    changes.apply(Change::Row(Row::Cash(row)), &mut facts);
    changes
}

pub(crate) fn writes_on_after_a_group_that_was_refused(database: &dyn Database) {
    let mut store = database.writer();
    let mut bank = small_bank(store.as_mut());
    // The refused group was the first to post to an account of the bank, and gave Ann an event and ATM1 a transfer;
    // what the store may remember of that must be forgotten with it.
    let atm = machine("ATM1");
    let cash = LedgerAccount::AtmCash(atm, Currency::USD);
    let attempt = |bank: &mut Builder| {
        bank.post(TransferKind::Shortage, (sample::bank(BankAccount::OverShort), cash), 5, Some((atm, sample::CARD)));
        bank.event(ANN, EventKind::Deposit, About::default());
    };
    let (facts, events) = (bank.facts.clone(), bank.events.len());
    attempt(&mut bank);
    bank.changes.new.push(New::Request(request(9), Err(Refusal::Moved)));
    let refused = bank.take();
    assert!(is_rejected(&store.commit(&refused)));
    bank.facts = facts;
    bank.events.truncate(events);
    attempt(&mut bank);
    let position = commit(store.as_mut(), &mut bank);
    let sample_commits = u64::try_from(sample::commits().len()).unwrap();
    assert_eq!(position.seq, sample_commits + 1, "the refused group took no number");
    let mut reader = database.reader();
    let delivered: Vec<Event> = reader.events(ANN, 0, 100).unwrap().into_iter().map(|d| d.event).collect();
    let expected: Vec<Event> = bank.events.iter().filter(|event| event.customer == ANN).copied().collect();
    assert_eq!(delivered, expected);
    let at_atm = reader.machine_transfers(atm, None, 100).unwrap();
    assert_eq!(at_atm.iter().filter(|entry| entry.transfer.kind == TransferKind::Shortage).count(), 1);
    assert_eq!(at_atm.len(), 4);
}

pub(crate) fn moves_the_day_only_from_the_day_that_was_read(database: &dyn Database) {
    let mut store = database.writer();
    let bank = small_bank(store.as_mut());
    let mut facts = Facts::default();
    let day = store.resolve(&Lookups::default(), &mut facts).unwrap().day.expect("the sample moved it");
    let second = BusinessDate::from_days(FIRST_DATE.days() + 1);
    assert_eq!(day.date, second);
    let to = BusinessDay { date: BusinessDate::from_days(second.days() + 1), next_cutover: bank.now.plus_s(300_000) };
    let mut changes = empty(&bank);
    changes.new.push(New::Request(request(9), Ok(Done::Changed)));
    changes.day = Some(DayMove { from: Some(FIRST_DATE), to });
    assert!(is_conflict(&store.commit(&changes)), "somebody else moved it already");
    assert_eq!(store.resolve(&Lookups::default(), &mut facts).unwrap().day, Some(day));
    changes.day = Some(DayMove { from: Some(second), to });
    store.commit(&changes).unwrap();
    assert_eq!(store.resolve(&Lookups::default(), &mut facts).unwrap().day, Some(to));
}

pub(crate) fn begins_the_books_once(database: &dyn Database) {
    let mut store = database.writer();
    let bank = Builder::new();
    let mut facts = Facts::default();
    assert_eq!(store.resolve(&Lookups::default(), &mut facts).unwrap().day, None);
    let to = BusinessDay { date: FIRST_DATE, next_cutover: bank.now.plus_s(1) };
    let mut changes = empty(&bank);
    changes.day = Some(DayMove { from: None, to });
    store.commit(&changes).unwrap();
    assert_eq!(store.resolve(&Lookups::default(), &mut facts).unwrap().day, Some(to));
    assert!(is_conflict(&store.commit(&changes)), "somebody else began them already");
}

pub(crate) fn takes_a_large_group(database: &dyn Database) {
    let mut store = database.writer();
    let mut bank = small_bank(store.as_mut());
    for _ in 0..1_024 {
        bank.post(TransferKind::Transfer, (customers(ANNS), customers(ANNS_SAVINGS)), 1, None);
        let about = About { account: Some(ANNS), amount: Some(usd(1)), ..About::default() };
        bank.event(ANN, EventKind::TransferOut, about);
    }
    commit(store.as_mut(), &mut bank);
    let facts = found(store.as_mut(), &bank.lookups, &bank.keys);
    assert_eq!(facts.accounts.at(&ANNS), bank.facts.accounts.at(&ANNS));
    assert_eq!(facts.accounts.at(&ANNS_SAVINGS), bank.facts.accounts.at(&ANNS_SAVINGS));
    assert_eq!(facts.customers.at(&ANN), bank.facts.customers.at(&ANN));
}
