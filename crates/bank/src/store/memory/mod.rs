//! A bank that is nowhere but in memory, for simulations that go through years of one in minutes.
//!
//! [`MemoryBank`] keeps to everything that the other stores keep to: groups whole or not at all, identities once, rows
//! only where those are that they refer to. What a commit costs does not grow with the bank. It has one writer at a
//! time, and outlives it: a new one finds everything that was committed, as a host finds its file when it starts again.
//! Commits fail on request ([`CommitFault`]), and everything can be written into a file that `verify` reads.
//!
//! Nothing is durable, nothing is archived, and no address leads here: only a program that links this has one.

mod apply;
mod books;
mod check;
mod find;
mod reads;
mod replay;
mod state;
mod terminals;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};

use cashpoint_core::change::Changes;
use cashpoint_core::facts::{Facts, Keys, Lookups, Terms};
use cashpoint_core::time::Timestamp;

use super::{CommitError, OpenMode, Position, Store, StoreError};
use crate::bank::Mode;

use state::State;

pub use books::{AccountRow, Books, Posted, WithdrawalRow};
pub use reads::MemoryReads;

/// Rows held by the facts above which they are forgotten before the next group, as the other single writer does.
const MOST_FACTS: usize = 2_000_000;

/// A bank in memory. Clones are the same bank.
#[derive(Clone)]
pub struct MemoryBank {
    inner: Arc<Mutex<Inner>>,
}

struct Inner {
    state: State,
    /// Whether somebody has it open for writing.
    taken: bool,
    fault: Option<CommitFault>,
    /// How many commits met each fault.
    met: BTreeMap<CommitFault, u64>,
}

/// How a commit fails.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum CommitFault {
    /// The database is away before anything of the next group is written: nothing of it is there.
    Away,
    /// The next group is there, and the answer to its commit is lost for longer than a host waits for one. The host
    /// says that the database was away, as it does on a server whose connection dies in a commit and does not come
    /// back in time; whoever asks again is answered by what was recorded.
    AnswerLost,
    /// The disk is full: nothing of any group is there, until [`MemoryBank::mend`].
    DiskFull,
}

/// Why a bank in memory was not opened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MemoryError {
    /// Somebody has it open for writing.
    Taken,
    /// Nobody has made a bank in it yet.
    Empty,
}

impl fmt::Display for MemoryError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Taken => "the bank in memory is open for writing already",
            Self::Empty => "there is no bank in this memory yet",
        })
    }
}

impl std::error::Error for MemoryError {}

impl From<MemoryError> for StoreError {
    fn from(error: MemoryError) -> Self {
        Self(Box::new(error))
    }
}

impl MemoryBank {
    /// An empty one. What it is, real or play money, it becomes when it is opened first.
    #[must_use]
    pub fn new() -> Self {
        Self::of(State::new())
    }

    fn of(state: State) -> Self {
        Self { inner: Arc::new(Mutex::new(Inner { state, taken: false, fault: None, met: BTreeMap::new() })) }
    }

    /// Another bank, with everything that was committed here; from then on each goes its own way. No fault is taken
    /// along.
    #[must_use]
    pub fn fork(&self) -> Self {
        Self::of(self.lock().state.clone())
    }

    /// Has commits fail from the next one on, in the place of what was asked for before.
    pub fn fault(&self, fault: CommitFault) {
        self.lock().fault = Some(fault);
    }

    /// Ends a fault, whether it has shown or not.
    pub fn mend(&self) {
        self.lock().fault = None;
    }

    /// The fault that the next commit meets.
    #[must_use]
    pub fn pending_fault(&self) -> Option<CommitFault> {
        self.lock().fault
    }

    /// How many commits met this fault so far, whoever's they were.
    #[must_use]
    pub fn met(&self, fault: CommitFault) -> u64 {
        self.lock().met.get(&fault).copied().unwrap_or(0)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().expect("no holder of this lock can panic")
    }
}

impl Default for MemoryBank {
    fn default() -> Self {
        Self::new()
    }
}

/// Whether they are one bank.
impl PartialEq for MemoryBank {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.inner, &other.inner)
    }
}

impl Eq for MemoryBank {}

/// Says nothing of what is in it.
impl fmt::Debug for MemoryBank {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("MemoryBank")
    }
}

/// The writer of a bank in memory.
pub struct MemoryStore {
    bank: MemoryBank,
    writer: u32,
    seq: u64,
    mode: Mode,
    highest: Option<Timestamp>,
}

impl MemoryStore {
    /// Opens a bank for writing, as a new writer.
    ///
    /// # Errors
    /// [`MemoryError`] says why.
    pub fn open(bank: &MemoryBank, mode: OpenMode) -> Result<Self, MemoryError> {
        let mut inner = bank.lock();
        if inner.taken {
            return Err(MemoryError::Taken);
        }
        let mode = match (inner.state.mode, mode) {
            (Some(mode), _) | (None, OpenMode::CreateIfMissing(mode)) => mode,
            (None, OpenMode::Existing) => return Err(MemoryError::Empty),
        };
        inner.taken = true;
        inner.state.mode = Some(mode);
        inner.state.writers += 1;
        let (writer, highest) = (inner.state.writers, inner.state.highest());
        drop(inner);
        Ok(Self { bank: bank.clone(), writer, seq: 0, mode, highest })
    }

    /// Whether this is play money; marked when the bank was made, for ever.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// The latest instant that any commit carried when the store was opened. None in a new bank.
    #[must_use]
    pub fn highest_now(&self) -> Option<Timestamp> {
        self.highest
    }
}

impl Drop for MemoryStore {
    fn drop(&mut self) {
        // A store is dropped while a panic unwinds too: then this must not be the second.
        if let Ok(mut inner) = self.bank.inner.lock() {
            inner.taken = false;
        }
    }
}

impl Store for MemoryStore {
    fn resolve(&mut self, lookups: &Lookups, facts: &mut Facts) -> Result<Terms, StoreError> {
        // There is no other writer, so what was read stays true; that a request was unknown does not.
        facts.requests.clear();
        if facts.len() > MOST_FACTS {
            facts.clear();
        }
        let inner = self.bank.lock();
        find::identities(&inner.state, lookups, facts);
        let (policy_version, policy) = inner.state.policy();
        Ok(Terms { day: inner.state.day, policy_version, policy: Arc::clone(policy) })
    }

    fn load(&mut self, keys: &Keys, facts: &mut Facts) -> Result<(), StoreError> {
        find::rows(&self.bank.lock().state, keys, facts);
        Ok(())
    }

    fn commit(&mut self, changes: &Changes) -> Result<Position, CommitError> {
        let mut inner = self.bank.lock();
        match inner.fault {
            Some(CommitFault::Away) => {
                inner.fault = None;
                return Err(inner.meets(CommitFault::Away));
            }
            Some(CommitFault::DiskFull) => return Err(inner.meets(CommitFault::DiskFull)),
            Some(CommitFault::AnswerLost) | None => {}
        }
        check::group(&inner.state, changes)?;
        let position = Position { writer: self.writer, seq: self.seq + 1 };
        apply::group(&mut inner.state, position, changes);
        self.seq = position.seq;
        match inner.fault.take() {
            Some(CommitFault::AnswerLost) => Err(inner.meets(CommitFault::AnswerLost)),
            Some(CommitFault::Away | CommitFault::DiskFull) | None => Ok(position),
        }
    }
}

impl Inner {
    /// What a commit comes to that meets a fault.
    fn meets(&mut self, fault: CommitFault) -> CommitError {
        *self.met.entry(fault).or_default() += 1;
        let why = match fault {
            CommitFault::Away => "the database is away",
            CommitFault::AnswerLost => "the answer to a commit was lost",
            CommitFault::DiskFull => "the disk is full",
        };
        CommitError::Unavailable(StoreError(why.into()))
    }
}
