//! Histories: of accounts, machines and customers.

use cashpoint_bank::store::{HistoryQuery, Reads};
use cashpoint_core::change::New;
use cashpoint_core::event::{About, Event, EventKind};
use cashpoint_core::id::{AccountNumber, TransferId};
use cashpoint_core::ledger::{Transfer, TransferKind};
use cashpoint_core::withdrawal::WithdrawalState;

use crate::sample::{ANN, ANNS, ANNS_SAVINGS, BEN, BENS, Builder, customers, machine, request, usd};
use crate::{Database, commit, small_bank};

fn all_of(account: AccountNumber) -> HistoryQuery {
    HistoryQuery { account, before: None, from: None, to: None, limit: 1_000 }
}

/// The account's entry number in each transfer.
fn numbers(reader: &mut dyn Reads, query: &HistoryQuery) -> Vec<u64> {
    reader.history(query).unwrap().iter().map(|entry| number(&entry.transfer, query.account)).collect()
}

fn number(transfer: &Transfer, account: AccountNumber) -> u64 {
    let entry = if transfer.debit() == customers(account) { transfer.debit_entry } else { transfer.credit_entry };
    entry.expect("each transfer has the account on one side").number
}

/// The small bank, and ten more entries of both Ann's accounts in as many commits.
fn grown(database: &dyn Database) -> (Box<dyn cashpoint_bank::store::Store>, Builder) {
    let mut store = database.writer();
    let mut bank = small_bank(store.as_mut());
    for minor in 1..=10 {
        bank.post(TransferKind::Transfer, (customers(ANNS), customers(ANNS_SAVINGS)), minor, None);
        commit(store.as_mut(), &mut bank);
    }
    (store, bank)
}

pub(crate) fn shows_what_happened_to_an_account_newest_first(database: &dyn Database) {
    let mut store = database.writer();
    let mut bank = Builder::new();
    let mut posted: Vec<Transfer> = Vec::new();
    for fill in crate::sample::commits() {
        fill(&mut bank);
        for new in &bank.changes.new {
            if let New::Transfer(transfer) = new {
                posted.push(transfer.clone());
            }
        }
        commit(store.as_mut(), &mut bank);
    }
    let mut reader = database.reader();
    for account in [ANNS, ANNS_SAVINGS, BENS] {
        let side = customers(account);
        let expected: Vec<Transfer> =
            posted.iter().rev().filter(|t| t.debit() == side || t.credit() == side).cloned().collect();
        let found: Vec<Transfer> =
            reader.history(&all_of(account)).unwrap().into_iter().map(|entry| entry.transfer).collect();
        assert_eq!(found, expected);
        let last = u64::try_from(expected.len()).unwrap();
        assert_eq!(numbers(reader.as_mut(), &all_of(account)), (1..=last).rev().collect::<Vec<_>>());
    }
    for transfer in posted {
        assert_eq!(reader.transfer(transfer.id).unwrap().map(|entry| entry.transfer), Some(transfer));
    }
    assert_eq!(reader.history(&all_of(AccountNumber::new(31))).unwrap(), []);
}

pub(crate) fn pages_through_a_history_while_it_grows(database: &dyn Database) {
    let (mut store, mut bank) = grown(database);
    let mut reader = database.reader();
    let last = bank.facts.accounts.at(&ANNS).entries;
    let mut query = HistoryQuery { limit: 4, ..all_of(ANNS) };
    let mut seen = Vec::new();
    loop {
        let page = reader.history(&query).unwrap();
        let Some(oldest) = page.last() else {
            break;
        };
        seen.extend(page.iter().map(|entry| number(&entry.transfer, ANNS)));
        query.before = Some((number(&oldest.transfer, ANNS), oldest.transfer.id));
        bank.post(TransferKind::Transfer, (customers(ANNS_SAVINGS), customers(ANNS)), 1, None);
        commit(store.as_mut(), &mut bank);
    }
    assert_eq!(seen, (1..=last).rev().collect::<Vec<_>>(), "no entry twice, none left out");
    query = HistoryQuery { limit: 1, ..all_of(ANNS) };
    assert!(numbers(reader.as_mut(), &query) > vec![last], "a new reader begins with what is new");
    query.limit = 0;
    assert_eq!(reader.history(&query).unwrap(), []);
}

pub(crate) fn cuts_a_history_by_time(database: &dyn Database) {
    let (_store, bank) = grown(database);
    let mut reader = database.reader();
    let last = bank.facts.accounts.at(&ANNS).entries;
    // The last ten entries stand one second apart, the newest one second before now.
    let ago = |seconds: i64| Some(bank.now.plus_s(-seconds));
    let mut check = |from, to, expected: std::ops::Range<u64>| {
        let query = HistoryQuery { from, to, ..all_of(ANNS) };
        let expected: Vec<u64> = expected.rev().map(|back| last + 1 - back).rev().collect();
        assert_eq!(numbers(reader.as_mut(), &query), expected, "from {from:?} to {to:?}");
    };
    check(ago(3), None, 1..4);
    check(ago(5), ago(3), 4..6);
    check(ago(3), ago(3), 1..1);
    check(None, ago(1_000_000), 1..1);
    check(ago(0), None, 1..1);
    check(None, ago(10), 11..last + 1);
}

pub(crate) fn shows_nothing_behind_a_cursor_of_another_account(database: &dyn Database) {
    let mut store = database.writer();
    let bank = small_bank(store.as_mut());
    let mut reader = database.reader();
    let bens_last = bank.facts.accounts.at(&BENS);
    let head = bens_last.head.expect("it has entries");
    let mut check = |account, before| {
        let query = HistoryQuery { before: Some(before), ..all_of(account) };
        assert_eq!(reader.history(&query).unwrap(), [], "{before:?}");
    };
    let savings = bank.facts.accounts.at(&ANNS_SAVINGS).head.expect("it has entries");
    check(BENS, (bens_last.entries, savings));
    check(BENS, (bens_last.entries + 1, head));
    check(BENS, (bens_last.entries, TransferId::new(31)));
    let query = HistoryQuery { before: Some((bens_last.entries, head)), ..all_of(BENS) };
    assert_eq!(numbers(reader.as_mut(), &query).first(), Some(&(bens_last.entries - 1)));
}

pub(crate) fn tells_how_a_two_step_withdrawal_stands(database: &dyn Database) {
    let mut store = database.writer();
    let bank = small_bank(store.as_mut());
    let mut reader = database.reader();
    let mut check = |number, expected| {
        let id = bank.facts.originals.at(&request(number).key).id;
        let entry = reader.transfer(id).unwrap().expect("it was approved");
        assert_eq!(entry.state, Some(expected));
        let page = reader.history(&all_of(ANNS_SAVINGS)).unwrap();
        assert!(page.contains(&entry), "the history says the same");
    };
    check(3, WithdrawalState::Completed);
    check(4, WithdrawalState::Partial { paid: 40_00 });
    let plain = bank.facts.accounts.at(&ANNS).head.expect("it has entries");
    assert_eq!(reader.transfer(plain).unwrap().expect("it is there").state, None);
}

pub(crate) fn shows_a_machines_transfers_newest_first(database: &dyn Database) {
    let mut store = database.writer();
    let mut bank = small_bank(store.as_mut());
    let (atm, card) = (machine("ATM1"), crate::sample::CARD);
    let cash = cashpoint_core::ledger::LedgerAccount::AtmCash(atm, cashpoint_core::currency::Currency::USD);
    let mut reader = database.reader();
    let ids = |entries: Vec<cashpoint_bank::store::HistoryEntry>| -> Vec<TransferId> {
        entries.iter().map(|entry| entry.transfer.id).collect()
    };
    let mut expected = ids(reader.machine_transfers(atm, None, 100).unwrap());
    assert_eq!(expected.len(), 3, "a replenishment, a withdrawal, a deposit");
    for minor in 1..=5 {
        // Two of a machine in one group, and one of another machine between.
        for _ in 0..2 {
            let id = bank.post(TransferKind::Deposit, (cash, customers(ANNS)), minor, Some((atm, card)));
            expected.insert(0, id);
        }
        let other = machine("ATM2");
        let cash = cashpoint_core::ledger::LedgerAccount::AtmCash(other, cashpoint_core::currency::Currency::USD);
        bank.post(TransferKind::Deposit, (cash, customers(ANNS)), minor, Some((other, card)));
        commit(store.as_mut(), &mut bank);
    }
    assert_eq!(ids(reader.machine_transfers(atm, None, 100).unwrap()), expected);
    let (mut seen, mut before) = (Vec::new(), None);
    loop {
        let page = ids(reader.machine_transfers(atm, before, 4).unwrap());
        let Some(last) = page.last() else {
            break;
        };
        before = Some(*last);
        seen.extend(page);
    }
    assert_eq!(seen, expected);
    drop(store);
    let mut store = database.writer();
    let id = bank.post(TransferKind::Deposit, (cash, customers(ANNS)), 1, Some((atm, card)));
    commit(store.as_mut(), &mut bank);
    expected.insert(0, id);
    assert_eq!(ids(reader.machine_transfers(atm, None, 100).unwrap()), expected, "a new writer goes on");
    assert_eq!(reader.machine_transfers(machine("ATM2"), before, 4).unwrap(), [], "a cursor of another machine");
}

pub(crate) fn delivers_a_customers_events_in_order(database: &dyn Database) {
    let mut store = database.writer();
    let mut bank = small_bank(store.as_mut());
    let mut reader = database.reader();
    let mut check = |bank: &Builder| {
        for customer in [ANN, BEN] {
            let expected: Vec<Event> = bank.events.iter().filter(|e| e.customer == customer).copied().collect();
            let mut events = |after, limit| -> Vec<Event> {
                reader.events(customer, after, limit).unwrap().into_iter().map(|delivered| delivered.event).collect()
            };
            assert_eq!(events(0, 1_000), expected);
            assert_eq!(events(2, 2), expected.iter().skip(2).take(2).copied().collect::<Vec<_>>());
            let last = u64::try_from(expected.len()).unwrap();
            assert_eq!(events(last - 1, 10), expected[expected.len() - 1..]);
            assert_eq!(events(last, 10), []);
            assert_eq!(events(last + 5, 10), []);
        }
    };
    check(&bank);
    for _ in 0..3 {
        bank.event(ANN, EventKind::BalanceRead, About { account: Some(ANNS), ..About::default() });
        bank.event(BEN, EventKind::Deposit, About { amount: Some(usd(7)), ..About::default() });
        bank.event(ANN, EventKind::LoggedOut, About::default());
        commit(store.as_mut(), &mut bank);
    }
    check(&bank);
    drop(store);
    let mut store = database.writer();
    bank.event(ANN, EventKind::LoggedIn, About::default());
    commit(store.as_mut(), &mut bank);
    check(&bank);
}

pub(crate) fn delivers_each_event_with_its_commit(database: &dyn Database) {
    let mut store = database.writer();
    let mut bank = small_bank(store.as_mut());
    let last = bank.facts.customers.at(&ANN).events;
    bank.post(TransferKind::Transfer, (customers(ANNS), customers(ANNS_SAVINGS)), 1, None);
    bank.event(ANN, EventKind::TransferOut, About::default());
    bank.event(BEN, EventKind::Suspect, About::default());
    bank.event(ANN, EventKind::TransferIn, About::default());
    let position = commit(store.as_mut(), &mut bank);
    let delivered = database.reader().events(ANN, last, 10).unwrap();
    assert_eq!(delivered.iter().map(|d| (d.position, d.index)).collect::<Vec<_>>(), [(position, 1), (position, 3)]);
}

pub(crate) fn shows_the_last_commit_to_readers_already_open(database: &dyn Database) {
    let mut store = database.writer();
    let mut reader = database.reader();
    assert_eq!(reader.account(ANNS).unwrap(), None);
    let mut bank = small_bank(store.as_mut());
    for minor in 1..=20 {
        bank.post(TransferKind::Transfer, (customers(ANNS_SAVINGS), customers(ANNS)), minor, None);
        commit(store.as_mut(), &mut bank);
        assert_eq!(reader.account(ANNS).unwrap().as_ref(), bank.facts.accounts.find(&ANNS));
        let newest = reader.history(&HistoryQuery { limit: 1, ..all_of(ANNS) }).unwrap();
        assert_eq!(newest[0].transfer.amount(), usd(minor));
    }
}
