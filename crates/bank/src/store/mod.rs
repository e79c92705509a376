//! Where rows live. A store reads by key and applies a closed list of changes; it never decides.
//!
//! [`Store`] is the money path's: three calls a group. [`Reads`] is everybody else's: look-ups before the queue,
//! history, lists. Every implementation passes the contract suite in `tests/store_contract`.

pub(crate) mod codec;
mod daily;
pub mod database;
mod history;
pub mod memory;
mod names;
mod notifications;
pub(crate) mod policies;
pub mod postgres;
pub mod records;
mod replenishments;
mod rows;
pub mod sqlite;
pub(crate) mod terminals;
pub(crate) mod whole;

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use cashpoint_core::account::Account;
use cashpoint_core::card::CardIdentity;
use cashpoint_core::case::Case;
use cashpoint_core::change::Changes;
use cashpoint_core::customer::{Operator, PasswordHash, Profile, Sealed};
use cashpoint_core::enrolled::{EnrolledTerminal, SealedKeys, StoredNotice};
use cashpoint_core::event::Event;
use cashpoint_core::facts::{Facts, Keys, Lookups, Terms};
use cashpoint_core::id::{
    AccountNumber, CardId, CaseId, CustomerId, Index, MachineId, RequestKey, SessionId, TransferId,
};
use cashpoint_core::ledger::Transfer;
use cashpoint_core::machine::{Holdings, Machine, MachineIdentity};
use cashpoint_core::notification::{ChannelName, Cursor, DeadLetter, Feed, NotificationId, Place, Waiting, Wish};
use cashpoint_core::policy::Policy;
use cashpoint_core::replenishment::Replenishment;
use cashpoint_core::session::Session;
use cashpoint_core::time::Timestamp;
use cashpoint_core::withdrawal::{WithdrawalIdentity, WithdrawalState};

use crate::bank::Mode;
use crate::calendar::Month;

/// A place in one writer's sequence of commits. Writers are not ordered among each other.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Position {
    /// One incarnation of one bank worker.
    pub writer: u32,
    /// Its commits: 1, 2, 3 … without gaps.
    pub seq: u64,
}

/// The database cannot be read or written now.
#[derive(Debug)]
pub struct StoreError(pub Box<dyn std::error::Error + Send + Sync>);

impl fmt::Display for StoreError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "database: {}", self.0)
    }
}

impl std::error::Error for StoreError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(self.0.as_ref())
    }
}

/// Why a group was not committed. Nothing of it is there, but for the one case that [`CommitError::Unavailable`] names.
#[derive(Debug)]
pub enum CommitError {
    /// Somebody else was faster (a row or an identity is not as read): again from `resolve`.
    Conflict,
    /// A constraint of the schema refuses it: a bug of ours, in one of the group's commands.
    Rejected(StoreError),
    /// The database is away; nothing is known to be wrong with the group. If it went while the commit itself was on its
    /// way, and did not come back in time to be asked, the group may be there: whoever sends a command of it again is
    /// answered by what was recorded.
    Unavailable(StoreError),
}

/// What made a database, or wrote to it, for people.
const PROGRAM: &str = concat!("cashpoint ", env!("CARGO_PKG_VERSION"));

/// What is to be there already.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OpenMode {
    /// Maybe nothing: what is missing or empty becomes a new bank of this mode. A bank that is there stays what it is.
    CreateIfMissing(Mode),
    /// The bank.
    Existing,
}

/// From which schema version to which a database went.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Migrated {
    /// Version found.
    pub from: u32,
    /// Version now.
    pub to: u32,
}

/// Which history is to be taken out of the hot tables, and how.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Archiving {
    /// What happened before this month.
    pub before: Month,
    /// So many rows go together.
    pub at_once: NonZeroUsize,
}

/// What was taken out of the hot tables.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Archived {
    /// Transfers.
    pub transfers: u64,
    /// Events.
    pub events: u64,
}

/// Whether a store's database is there. While it is away, whoever asks is answered at once that it is.
#[derive(Debug, Default)]
pub struct Presence {
    away: AtomicBool,
    /// How often it went.
    losses: AtomicU64,
}

impl Presence {
    /// Whether it is away.
    #[must_use]
    pub fn is_away(&self) -> bool {
        self.away.load(Ordering::Acquire)
    }

    /// How often it went away: connections that are older than the last time are of no use.
    #[must_use]
    pub fn losses(&self) -> u64 {
        self.losses.load(Ordering::Acquire)
    }

    /// It is away from now on.
    pub(crate) fn goes(&self) {
        self.losses.fetch_add(1, Ordering::AcqRel);
        self.away.store(true, Ordering::Release);
    }

    /// It is there again.
    pub(crate) fn comes(&self) {
        self.away.store(false, Ordering::Release);
    }
}

/// What the money path asks of a database. One worker owns one store.
pub trait Store: Send {
    /// Finds the identities that a group's commands arrive with, in at most one round trip and without locks, and
    /// tells what holds for the whole group. Afterwards every look-up is settled in `facts`, found or absent.
    ///
    /// # Errors
    /// The database is away.
    fn resolve(&mut self, lookups: &Lookups, facts: &mut Facts) -> Result<Terms, StoreError>;

    /// Reads the rows, in table order, then key order. Afterwards every key is settled in `facts`. A store that is its
    /// database's only writer leaves rows standing that an earlier group loaded; another clears `facts` first.
    ///
    /// # Errors
    /// The database is away.
    fn load(&mut self, keys: &Keys, facts: &mut Facts) -> Result<(), StoreError>;

    /// Makes all changes durable, or none.
    ///
    /// # Errors
    /// [`CommitError`] says what to do.
    fn commit(&mut self, changes: &Changes) -> Result<Position, CommitError>;

    /// The instant to go by, once identities were resolved and again once rows were loaded, where the host's own clock
    /// says `own`: later than that of every commit whose rows were loaded. A store with one writer goes by the host's;
    /// where several hosts write, only a clock that they share can promise it.
    fn instant(&self, own: Timestamp) -> Timestamp {
        own
    }

    /// The group ends without a commit: whatever was locked for it is let go.
    fn release(&mut self) {}

    /// The group ends without a commit, and is answered: what it was told must be true.
    ///
    /// # Errors
    /// [`CommitError`] says what to do.
    fn confirm(&mut self) -> Result<(), CommitError> {
        self.release();
        Ok(())
    }

    /// The store as one that commits a group while the next is decided; none if it does not.
    fn overlapping(&mut self) -> Option<&mut dyn Overlapping> {
        None
    }
}

/// A store that commits a group while the next one is decided. Between a launch and its landing nothing else is asked of
/// it but what this trait has.
pub trait Overlapping {
    /// As [`Store::resolve`], from what is remembered and beside a group under way; none if that cannot be. Requests may be
    /// presumed new: a group with an old one is a conflict.
    fn recall(&mut self, lookups: &Lookups, facts: &mut Facts) -> Option<Recalled>;

    /// As [`Store::load`], where that can be done beside a group under way; none if it cannot.
    fn fill_up(&mut self, keys: &Keys, facts: &mut Facts) -> Option<()>;

    /// Whether none of these requests, presumed new or not, was answered by an earlier group; none if the store cannot be asked.
    /// Whoever leaves no record of a request under its key, so that the store cannot refuse it, asks this.
    fn are_new(&mut self, lookups: &Lookups) -> Option<bool>;

    /// As [`Store::confirm`], for a group that was decided from memory.
    ///
    /// # Errors
    /// [`CommitError`] says what to do.
    fn confirm_recalled(&mut self, term: Term) -> Result<(), CommitError>;

    /// Begins to make all changes durable.
    fn launch(&mut self, changes: &Arc<Changes>, term: Term);

    /// What became of the group that was launched, as [`Store::commit`] tells it; none if nobody knows within this time.
    fn land(&mut self, within: Duration) -> Option<Result<Position, CommitError>>;
}

/// Which time of remembering a decision rests on: if that is over, the group is a conflict.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Term(pub(crate) u64);

/// What was found without asking.
#[derive(Clone, Debug)]
pub struct Recalled {
    /// What holds for the group.
    pub terms: Terms,
    /// What it rests on.
    pub term: Term,
}

/// One entry of an account's history, as its owner sees it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HistoryEntry {
    /// The transfer.
    pub transfer: Transfer,
    /// For a withdrawal in two steps: how it stands.
    pub state: Option<WithdrawalState>,
}

/// Which entries of an account's history, newest first.
#[derive(Clone, Copy, Debug)]
pub struct HistoryQuery {
    /// Whose history.
    pub account: AccountNumber,
    /// Only entries with a number below this, which the transfer holds (a page's cursor).
    pub before: Option<(u64, TransferId)>,
    /// Not before this instant.
    pub from: Option<Timestamp>,
    /// Before this instant.
    pub to: Option<Timestamp>,
    /// At most so many.
    pub limit: usize,
}

/// A machine as staff see it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MachineView {
    /// What never changes.
    pub identity: MachineIdentity,
    /// What staff and log-ins change.
    pub machine: Machine,
    /// Its cash.
    pub holdings: Holdings,
    /// Promised and unresolved, minor units.
    pub in_flight: i64,
}

/// An event with the id that receivers drop repeats by.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Delivered {
    /// Its commit …
    pub position: Position,
    /// … and its place in it.
    pub index: u32,
    /// The event.
    pub event: Event,
}

impl Delivered {
    /// What receivers drop repeats by.
    #[must_use]
    pub const fn id(&self) -> NotificationId {
        NotificationId { writer: self.position.writer, seq: self.position.seq, index: self.index }
    }
}

/// An event on its way to a channel.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Outgoing {
    /// Where it stands among all events.
    pub place: Place,
    /// The event.
    pub delivered: Delivered,
    /// What its customer wants to be told of on the channel; none: whatever it usually tells.
    pub wish: Option<Wish>,
}

/// A channel's feed, and the customers whose deliveries wait on it.
pub type FeedRows = (Feed, Vec<(CustomerId, Waiting)>);

/// Which cases.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CasesWanted {
    /// Those that wait for staff.
    Open,
    /// All of them.
    All,
}

/// What is read for terminals and their cases, each call a snapshot of what was committed last.
pub trait TerminalReads {
    /// A session, by its id; dead ones too.
    ///
    /// # Errors
    /// The database is away; so everywhere below.
    fn session_by_id(&mut self, id: SessionId) -> Result<Option<Session>, StoreError>;

    /// All enrolled terminals.
    fn terminals(&mut self) -> Result<Vec<EnrolledTerminal>, StoreError>;

    /// A terminal's secrets, sealed.
    fn terminal_keys(&mut self, machine: MachineId) -> Result<Option<SealedKeys>, StoreError>;

    /// The withdrawal that a request approved.
    fn original(&mut self, request: RequestKey) -> Result<Option<WithdrawalIdentity>, StoreError>;

    /// Withdrawals approved for a machine of which nothing was heard since, in the order of their ids. It reads all of the
    /// machine's: staff ask for it when a journal is lost.
    fn unheard(&mut self, machine: MachineId) -> Result<Vec<TransferId>, StoreError>;

    /// Cards that were served at a terminal and must not be now: reported, withdrawn, blocked or locked.
    fn spent_cards(&mut self, machine: MachineId) -> Result<Vec<CardId>, StoreError>;

    /// What a card's holder is to be told, oldest first, each with its number.
    fn notices(&mut self, card: CardId) -> Result<Vec<(i64, StoredNotice)>, StoreError>;

    /// One case.
    fn case(&mut self, id: CaseId) -> Result<Option<Case>, StoreError>;

    /// Cases with an id above `after`, in the order of their ids.
    fn cases(&mut self, wanted: CasesWanted, after: i64, limit: usize) -> Result<Vec<Case>, StoreError>;

    /// The cases of one machine that wait for staff, the oldest first.
    fn open_cases(&mut self, machine: MachineId) -> Result<Vec<Case>, StoreError>;

    /// One of a terminal's replenishments.
    fn replenishment(&mut self, machine: MachineId, number: u64) -> Result<Option<Replenishment>, StoreError>;
}

/// What is read outside the money path, each call a snapshot of what was committed last.
pub trait Reads: TerminalReads + Send {
    /// Whether the connection is gone, and with it the use of this object.
    fn is_lost(&self) -> bool {
        false
    }

    /// Rows by key, as [`Store::load`] gives them, into empty `facts`.
    ///
    /// # Errors
    /// The database is away; so everywhere below.
    fn load(&mut self, keys: &Keys, facts: &mut Facts) -> Result<(), StoreError>;

    /// The session that a token began, by the token's SHA-256; dead ones too.
    fn session(&mut self, token: &Index) -> Result<Option<Session>, StoreError>;

    /// The card that has one of these indexes.
    fn card_by_number(&mut self, indexes: &[Index]) -> Result<Option<CardId>, StoreError>;

    /// A card's identity and its sealed number.
    fn card(&mut self, card: CardId) -> Result<Option<(CardIdentity, Sealed)>, StoreError>;

    /// Who has one of these email indexes, and their password.
    fn customer_by_email(
        &mut self,
        indexes: &[Index],
    ) -> Result<Option<(CustomerId, Option<PasswordHash>)>, StoreError>;

    /// A customer's data and password.
    fn customer(&mut self, customer: CustomerId) -> Result<Option<(Profile, Option<PasswordHash>)>, StoreError>;

    /// A customer's accounts, in the order in which they were opened; closed ones too.
    fn accounts(&mut self, customer: CustomerId) -> Result<Vec<Account>, StoreError>;

    /// One account.
    fn account(&mut self, account: AccountNumber) -> Result<Option<Account>, StoreError>;

    /// A page of an account's history, newest first.
    fn history(&mut self, query: &HistoryQuery) -> Result<Vec<HistoryEntry>, StoreError>;

    /// One transfer.
    fn transfer(&mut self, id: TransferId) -> Result<Option<HistoryEntry>, StoreError>;

    /// A machine's latest transfers before `before`, newest first.
    fn machine_transfers(
        &mut self,
        machine: MachineId,
        before: Option<TransferId>,
        limit: usize,
    ) -> Result<Vec<HistoryEntry>, StoreError>;

    /// All machines, or one; counters too.
    fn machines(&mut self, only: Option<MachineId>) -> Result<Vec<MachineView>, StoreError>;

    /// A member of staff, by name.
    fn operator(&mut self, name: &str) -> Result<Option<Operator>, StoreError>;

    /// Whether there is any member of staff.
    fn has_operators(&mut self) -> Result<bool, StoreError>;

    /// The policy in force and its version.
    fn policy(&mut self) -> Result<(u32, Policy), StoreError>;

    /// A customer's events after number `after`, oldest first.
    fn events(&mut self, customer: CustomerId, after: u64, limit: usize) -> Result<Vec<Delivered>, StoreError>;

    /// A channel's feed, and the customers whose deliveries wait on it.
    fn feed(&mut self, channel: ChannelName) -> Result<Option<FeedRows>, StoreError>;

    /// Where the events end.
    fn events_end(&mut self) -> Result<Cursor, StoreError>;

    /// Events behind the cursor, in each stream in the order of their commits: what is committed later comes later.
    fn events_after(
        &mut self,
        channel: ChannelName,
        cursor: &Cursor,
        limit: usize,
    ) -> Result<Vec<Outgoing>, StoreError>;

    /// Where a customer's events stand from a number on, oldest first. Costs as much as there are of them, however few
    /// are asked for.
    fn event_places(&mut self, customer: CustomerId, from: u64, limit: usize) -> Result<Vec<Place>, StoreError>;

    /// The events at these places, in this order.
    fn events_at(&mut self, channel: ChannelName, places: &[Place]) -> Result<Vec<Outgoing>, StoreError>;

    /// What a customer wants to be told of, by channel, in the order of names.
    fn wishes(&mut self, customer: CustomerId) -> Result<Vec<(ChannelName, Wish)>, StoreError>;

    /// Deliveries that were given up, latest first, each with its number in that order; those below `before`.
    fn dead_letters(&mut self, before: Option<i64>, limit: usize) -> Result<Vec<(i64, DeadLetter)>, StoreError>;
}
