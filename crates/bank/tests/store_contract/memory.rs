//! The contract, kept in memory; and what only memory does: forks, commits that fail on request, books, and all of it
//! again in a file.

use cashpoint_bank::bank::Mode;
use cashpoint_bank::store::memory::{Books, CommitFault, MemoryBank, MemoryError, MemoryReads, MemoryStore};
use cashpoint_bank::store::sqlite::{SqliteError, SqliteReads, SqliteStore};
use cashpoint_bank::store::{CommitError, HistoryQuery, OpenMode, Reads, Store};
use cashpoint_core::change::New;
use cashpoint_core::facts::{Facts, Lookups};
use cashpoint_core::ledger::{BankAccount, TransferKind};
use cashpoint_core::outcome::Done;

use crate::sample::{self, ANN, ANNS, ANNS_SAVINGS, BENS, Builder, channel, customers, request};
use crate::{Database, commit, contents, found, small_bank, store_contract};

impl Database for MemoryBank {
    fn writer(&self) -> Box<dyn Store> {
        Box::new(MemoryStore::open(self, OpenMode::CreateIfMissing(Mode::Real)).unwrap())
    }

    fn reader(&self) -> Box<dyn Reads> {
        Box::new(MemoryReads::open(self).unwrap())
    }
}

mod as_every_store {
    use super::*;

    store_contract!(MemoryBank::new());
}

#[test]
fn lets_only_one_writer_in() {
    let bank = MemoryBank::new();
    assert_eq!(MemoryStore::open(&bank, OpenMode::Existing).map(drop), Err(MemoryError::Empty));
    assert_eq!(MemoryReads::open(&bank).map(drop), Err(MemoryError::Empty));
    let create = OpenMode::CreateIfMissing(Mode::Sandbox);
    let first = MemoryStore::open(&bank, create).unwrap();
    assert_eq!(MemoryStore::open(&bank.clone(), create).map(drop), Err(MemoryError::Taken), "a clone is the same bank");
    assert!(MemoryReads::open(&bank).is_ok(), "readers are not writers");
    drop(first);
    let again = MemoryStore::open(&bank, OpenMode::CreateIfMissing(Mode::Real)).unwrap();
    assert_eq!(again.mode(), Mode::Sandbox, "it stays what it was made as");
}

#[test]
fn knows_the_highest_instant_when_it_is_opened_again() {
    let memory = MemoryBank::new();
    let open = || MemoryStore::open(&memory, OpenMode::CreateIfMissing(Mode::Real)).unwrap();
    let mut store = open();
    assert_eq!(store.highest_now(), None);
    let bank = small_bank(&mut store);
    drop(store);
    assert_eq!(open().highest_now(), Some(bank.now.plus_s(-1)));
}

#[test]
fn goes_its_own_way_after_a_fork() {
    let memory = MemoryBank::new();
    let mut store = memory.writer();
    let mut bank = small_bank(store.as_mut());
    let seeded = memory.books();
    memory.fault(CommitFault::DiskFull);
    let fork = memory.fork();
    assert!(fork != memory && memory.clone() == memory);
    memory.mend();
    bank.post(TransferKind::Transfer, (customers(ANNS), customers(ANNS_SAVINGS)), 7, None);
    commit(store.as_mut(), &mut bank);
    assert_ne!(memory.books(), seeded);
    assert_eq!(fork.books(), seeded);
    // Nobody has the fork open, and it took no fault along.
    let mut store = fork.writer();
    let position = commit(store.as_mut(), &mut bank_of(&fork));
    assert_eq!((position.writer, position.seq), (2, 1));
}

/// A builder whose next group is one answered request, which a bank has not answered yet.
fn bank_of(memory: &MemoryBank) -> Builder {
    let mut bank = Builder::new();
    let last = memory.books().transfers.last().map(|posted| posted.transfer.context.at);
    bank.now = last.unwrap_or(bank.now).plus_s(60);
    bank.add(New::Request(request(99), Ok(Done::Changed)));
    bank
}

/// Whether a group was refused because the database was away.
fn is_unavailable<T>(result: &Result<T, CommitError>) -> bool {
    matches!(result, Err(CommitError::Unavailable(_)))
}

/// A bank, its writer, and a group that moves money and answers a request.
fn about_to_commit(memory: &MemoryBank) -> (Box<dyn Store>, Builder) {
    let mut store = memory.writer();
    let mut bank = small_bank(store.as_mut());
    bank.post(TransferKind::Transfer, (customers(ANNS), customers(ANNS_SAVINGS)), 7, None);
    bank.add(New::Request(request(99), Ok(Done::Changed)));
    (store, bank)
}

/// Whether the request of [`about_to_commit`] is answered.
fn is_answered(store: &mut dyn Store) -> bool {
    let lookups = Lookups { requests: [request(99).key].into(), ..Lookups::default() };
    let mut facts = Facts::default();
    store.resolve(&lookups, &mut facts).unwrap();
    facts.requests.find(&request(99).key).is_some()
}

#[test]
fn leaves_nothing_of_a_group_when_it_is_away() {
    let memory = MemoryBank::new();
    let (mut store, mut bank) = about_to_commit(&memory);
    let before = memory.books();
    let changes = bank.take();
    memory.fault(CommitFault::Away);
    assert!(is_unavailable(&store.commit(&changes)));
    assert_eq!(memory.pending_fault(), None, "it was away once");
    assert_eq!(memory.books(), before);
    assert!(!is_answered(store.as_mut()));
    assert_eq!(memory.reader().account(ANNS).unwrap().as_ref().map(|row| row.entries), Some(last_entry(&before) - 1));
    let seq = store.commit(&changes).unwrap().seq;
    assert_eq!(usize::try_from(seq).unwrap(), sample::commits().len() + 1, "the refused group took no number");
}

/// The number of the next entry of Ann's account, going by the books.
fn last_entry(books: &Books) -> u64 {
    let own = books.transfers.iter().flat_map(|posted| {
        let transfer = &posted.transfer;
        [(transfer.debit(), transfer.debit_entry), (transfer.credit(), transfer.credit_entry)]
    });
    own.filter(|(account, _)| *account == customers(ANNS)).filter_map(|(_, entry)| Some(entry?.number)).max().unwrap()
        + 1
}

#[test]
fn has_a_group_whose_answer_was_lost() {
    let memory = MemoryBank::new();
    let (mut store, mut bank) = about_to_commit(&memory);
    let before = memory.books();
    memory.fault(CommitFault::AnswerLost);
    assert!(is_unavailable(&store.commit(&bank.take())));
    assert!(is_answered(store.as_mut()), "whoever asks again is answered");
    let after = memory.books();
    assert_eq!(after.transfers.len(), before.transfers.len() + 1);
    let facts = found(store.as_mut(), &bank.lookups, &bank.keys);
    contents::check_rows(&facts, &bank);
    bank.add(New::Request(request(98), Ok(Done::Changed)));
    let seq = commit(store.as_mut(), &mut bank).seq;
    assert_eq!(usize::try_from(seq).unwrap(), sample::commits().len() + 2, "the sequence goes on behind it");
}

#[test]
fn refuses_a_group_before_its_answer_can_be_lost() {
    let memory = MemoryBank::new();
    let (mut store, mut bank) = about_to_commit(&memory);
    let changes = bank.take();
    store.commit(&changes).unwrap();
    memory.fault(CommitFault::AnswerLost);
    assert!(crate::is_conflict(&store.commit(&changes)));
    assert_eq!(memory.pending_fault(), Some(CommitFault::AnswerLost), "the next commit meets it");
}

#[test]
fn takes_nothing_while_the_disk_is_full() {
    let memory = MemoryBank::new();
    let (mut store, mut bank) = about_to_commit(&memory);
    let before = memory.books();
    let changes = bank.take();
    memory.fault(CommitFault::DiskFull);
    for _ in 0..3 {
        assert!(is_unavailable(&store.commit(&changes)));
        assert_eq!(memory.books(), before);
        assert!(memory.reader().account(ANNS).unwrap().is_some(), "it can be read");
    }
    assert_eq!(memory.met(CommitFault::DiskFull), 3);
    memory.mend();
    store.commit(&changes).unwrap();
    assert_eq!(memory.transfers_since(before.transfers.len()).len(), 1);
    assert_eq!([CommitFault::DiskFull, CommitFault::Away].map(|fault| memory.met(fault)), [3, 0]);
}

#[test]
fn shows_its_books() {
    let memory = MemoryBank::new();
    let (mut store, mut bank) = about_to_commit(&memory);
    commit(store.as_mut(), &mut bank);
    let books = memory.books();
    let of = |account| books.accounts.iter().find(|row| row.account == account).unwrap().totals;
    let opening = of(sample::bank(BankAccount::Opening));
    assert_eq!((opening.debits, opening.credits), (3_000_00, 0));
    assert_eq!(of(customers(ANNS)), bank.facts.accounts.at(&ANNS).totals);
    // Every account's totals are what its transfers come to.
    for row in &books.accounts {
        let side = |debit: bool| -> i64 {
            let own = books.transfers.iter().map(|posted| &posted.transfer);
            own.filter(|t| row.account == if debit { t.debit() } else { t.credit() }).map(|t| t.amount().minor()).sum()
        };
        assert_eq!((row.totals.debits, row.totals.credits), (side(true), side(false)), "{}", row.account);
    }
    assert_eq!(memory.accounts(), books.accounts);
    assert_eq!(books.withdrawals.len(), 2);
    assert!(books.withdrawals.iter().any(|row| row.identity.fee.is_some()));
    assert_eq!(books.cases.iter().map(|case| case.id.number()).collect::<Vec<_>>(), [77, 78]);
    for count in [0, 1, books.transfers.len()] {
        assert_eq!(memory.transfers_since(count), books.transfers[count..]);
    }
    assert_eq!(memory.transfers_since(books.transfers.len() + 1), []);
}

#[test]
fn is_all_there_in_the_file_that_it_is_written_to() {
    let memory = MemoryBank::new();
    let bank = small_bank(memory.writer().as_mut());
    // A writer that committed nothing.
    drop(memory.writer());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bank.db");
    memory.write_to(&path).unwrap();
    let mut reads = SqliteReads::open(&path).unwrap();
    let mut own = memory.reader();
    let all = |account| HistoryQuery { account, before: None, from: None, to: None, limit: 100 };
    for account in [ANNS, ANNS_SAVINGS, BENS] {
        assert_eq!(reads.history(&all(account)).unwrap(), own.history(&all(account)).unwrap());
    }
    let from_start = cashpoint_core::notification::Cursor::default();
    let events = |reads: &mut dyn Reads| reads.events_after(channel("email"), &from_start, 100).unwrap();
    assert_eq!(events(&mut reads), events(own.as_mut()));
    assert_eq!(reads.machines(None).unwrap(), own.machines(None).unwrap());
    assert_eq!(reads.customer(ANN).unwrap(), own.customer(ANN).unwrap());
    assert_eq!(reads.dead_letters(None, 10).unwrap(), own.dead_letters(None, 10).unwrap());
    assert_eq!(reads.feed(channel("webhook")).unwrap(), own.feed(channel("webhook")).unwrap());
    assert_eq!(reads.wishes(ANN).unwrap(), own.wishes(ANN).unwrap());
    let mut again = SqliteStore::open(&path, OpenMode::Existing).unwrap();
    assert_eq!((again.mode(), again.highest_now()), (Mode::Real, Some(bank.now.plus_s(-1))));
    let facts = found(&mut again, &bank.lookups, &bank.keys);
    contents::check_rows(&facts, &bank);
    contents::check_identities(&facts, &bank);
    assert_eq!(again.commit(&crate::empty(&bank)).unwrap().writer, 3, "the writers are counted too");
    drop(again);
    assert!(matches!(memory.write_to(&path), Err(SqliteError::Database(_))), "a bank is never written over");
}
