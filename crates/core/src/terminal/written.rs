//! The state machine's hold on its journal: what is written, what is known to be written, and what that allows.
//!
//! A record counts only once the next input shows that it was written: until then the [`Book`] does not know it. What a
//! record means is the book's matter; files, syncing and chaining are the shell's.

use crate::time::Timestamp;

use super::book::{Book, Contradiction};
use super::link::OperationId;
use super::offline::Room;
use super::record::{Entry, Record};
use super::{JournalFailure, Output};

/// How many entries make it worth while to sum them up.
const MANY_ENTRIES: u64 = 512;

/// Proof that a record stands before what follows it in the same step.
#[derive(Debug)]
pub(super) struct Written(());

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Unread,
    Writes,
    Failed(JournalFailure),
}

/// The journal as the state machine sees it.
#[derive(Debug)]
pub(super) struct Log {
    book: Book,
    unfolded: Vec<Entry>,
    nonce: u64,
    counter: u64,
    state: State,
    room: Room,
    /// Entries since the last summary.
    entries: u64,
}

impl Log {
    pub(super) fn new() -> Self {
        let book = Book::default();
        Self { book, unfolded: Vec::new(), nonce: 0, counter: 0, state: State::Unread, room: Room::Enough, entries: 0 }
    }

    /// Takes what the journal holds at the start.
    pub(super) fn read(&mut self, entries: &[Entry], nonce: u64) -> Result<(), Contradiction> {
        self.book = Book::read(entries).inspect_err(|_| self.state = State::Failed(JournalFailure::Broken))?;
        self.unfolded.clear();
        self.entries = u64::try_from(entries.len()).unwrap_or(u64::MAX);
        (self.nonce, self.counter, self.state) = (nonce, 0, State::Writes);
        Ok(())
    }

    /// What is known to be written.
    pub(super) const fn book(&self) -> &Book {
        &self.book
    }

    pub(super) fn writes(&self) -> bool {
        self.state == State::Writes
    }

    pub(super) const fn room(&self) -> Room {
        self.room
    }

    /// Whether the book says everything: no record is under way.
    pub(super) const fn is_folded(&self) -> bool {
        self.unfolded.is_empty()
    }

    /// Whether it is worth while to sum up what it holds: it is long, or has no room left.
    pub(super) fn is_long(&self) -> bool {
        self.is_folded() && (self.entries >= MANY_ENTRIES || self.room == Room::Short)
    }

    /// A name for an operation that no operation ever had.
    pub(super) fn new_id(&mut self) -> OperationId {
        self.counter += 1;
        OperationId(u128::from(self.nonce) << 64 | u128::from(self.counter))
    }

    /// Writes a record before all that follows in this step. `None`: nothing can be written, so nothing may follow.
    pub(super) fn write(&mut self, record: Record, now: Timestamp, out: &mut Vec<Output>) -> Option<Written> {
        if !self.writes() {
            return None;
        }
        let last = self.unfolded.last().map_or(self.book.last(), |entry| entry.n);
        self.unfolded.push(Entry { n: last + 1, at: now, record: record.clone() });
        out.push(Output::Journal(record));
        Some(Written(()))
    }

    /// Takes the records of the step before as written.
    pub(super) fn fold(&mut self) -> Result<(), Contradiction> {
        for entry in std::mem::take(&mut self.unfolded) {
            let summed_up = matches!(entry.record, Record::Summary(_));
            self.entries = if summed_up { 0 } else { self.entries.saturating_add(1) };
            self.book.apply(&entry).inspect_err(|_| self.state = State::Failed(JournalFailure::Broken))?;
        }
        Ok(())
    }

    /// Takes the records of the step before as written, but for those that come back.
    pub(super) fn fail(&mut self, why: JournalFailure, unexecuted: &[Output]) {
        let back = unexecuted.iter().filter(|output| matches!(output, Output::Journal(_))).count();
        let written = self.unfolded.len().saturating_sub(back);
        self.unfolded.truncate(written);
        // A contradiction leaves the journal failed as well, which it is by now anyhow.
        let _ = self.fold();
        self.state = State::Failed(why);
    }

    /// Whether the last failure may be over: then the journal is tried again.
    pub(super) fn try_again(&mut self) {
        if let State::Failed(_) = self.state {
            self.state = State::Writes;
        }
    }

    pub(super) fn note_fill(&mut self, used: u64, limit: u64) {
        self.room = if used < limit { Room::Enough } else { Room::Short };
    }
}
