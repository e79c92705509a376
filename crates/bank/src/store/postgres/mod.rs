//! The shared store: PostgreSQL, or what speaks like it; any number of hosts, several writers each.
//!
//! [`PostgresStore`] is the money path's and one writer of many; [`PostgresReads`] are separate connections that cannot
//! write. A group costs four round trips however many commands it has: resolve, load, write, commit. Why that is safe
//! beside other writers stands in `docs/adr/0014-several-writers-on-postgresql.md`; why the only one that writes may
//! remember rows, and decide a group while another is committed, in `docs/adr/0018-one-writer-that-remembers.md`. Nothing
//! is decided here.

mod address;
mod archive;
mod aside;
mod binary;
mod commit;
mod connection;
mod fate;
mod flight;
mod history;
mod incarnation;
mod link;
mod load;
mod notifications;
mod reads;
mod resolve;
mod schema;
mod snapshot;
mod stalled;
mod target;
mod tenure;
mod terminals;
mod tls;
mod values;
mod writer;

use std::sync::Arc;
use std::time::Duration;

use cashpoint_core::change::{Changes, New};
use cashpoint_core::facts::{Facts, Keys, Lookups, Terms};
use cashpoint_core::time::Timestamp;

use super::{CommitError, OpenMode, Overlapping, Position, Presence, Recalled, Store, StoreError, Term};
use crate::bank::Mode;
use crate::clock::Clock;

use aside::Aside;
use flight::Flight;
use writer::{Memory, Writer};

pub(super) use snapshot::{Scan, Snapshot};
pub(crate) use target::Target;
pub(super) use values::Uuid;

pub use address::Address;
pub use archive::archive;
pub use reads::PostgresReads;
pub use schema::{PostgresError, migrate};
pub use tenure::Remembering;

/// A batch is answered within this, or the server is taken to be away. Longer than any time-out of the server's own.
const WITHIN: Duration = Duration::from_secs(15);

/// So long may a step of reading everything take.
const SCANNING: Duration = Duration::from_secs(3_600);

/// Begins a transaction that reads one state of the database.
const READ_ONLY: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

/// The server's clock, µs since 1970.
const CLOCK: &str = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS clock";

/// Row ids of events: the writer times this, and the writer's own count. Room for two million writers.
const EVENTS_OF_A_WRITER: i64 = 1 << 42;

/// Rows held by the facts above which they are forgotten before the next group: about a gigabyte.
const MOST_FACTS: usize = 2_000_000;

/// So many requests are presumed new before what is remembered of them is dropped.
const MOST_REQUESTS: usize = 65_536;

/// The server's clock is reckoned on from when it was last heard, but not for longer: two clocks drift apart.
const CLOCK_HOLDS: Duration = Duration::from_secs(1);

/// After a request turned out to be an old one, requests of so many groups are looked for before they are decided.
const LOOK_FIRST: u32 = 64;

/// One writer of a shared database.
pub struct PostgresStore {
    /// Not here while its group is under way.
    writer: Option<Box<Writer>>,
    flight: Option<Flight>,
    aside: Aside,
    /// What the writer knew when it was last here, and what was sent off since.
    memory: Memory,
    /// The instant to go by in the group that is being decided from memory.
    recalled: Option<Timestamp>,
    presumed: usize,
    look_first: u32,
    mode: Mode,
    /// What the memory's instants are told by; none: nothing is remembered.
    clock: Option<Arc<dyn Clock>>,
}

impl PostgresStore {
    /// Opens a bank for writing, as a new writer that locks its rows for each group.
    ///
    /// # Errors
    /// [`PostgresError`] says what to do.
    pub fn open(address: &Address, mode: OpenMode) -> Result<Self, PostgresError> {
        Self::open_beside(address, mode, Arc::default(), Remembering::Never)
    }

    /// As [`Self::open`]; remembers rows while it is the only one that writes, if it may. `presence` is told when the
    /// server goes and comes.
    ///
    /// # Errors
    /// [`PostgresError`] says what to do.
    pub fn open_beside(
        address: &Address,
        mode: OpenMode,
        presence: Arc<Presence>,
        remembering: Remembering,
    ) -> Result<Self, PostgresError> {
        let clock = match &remembering {
            Remembering::Alone(clock) => Some(Arc::clone(clock)),
            Remembering::Never => None,
        };
        let writer = Box::new(Writer::open(address, mode, presence, remembering)?);
        let (memory, mode) = (writer.memory().clone(), writer.mode());
        let writer = Some(writer);
        let aside = Aside::new(address.clone());
        Ok(Self { writer, flight: None, aside, memory, recalled: None, presumed: 0, look_first: 0, mode, clock })
    }

    /// Whether this is play money; marked when the database was made, for ever.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// The latest instant that any commit carried when the store was opened. None in a new bank.
    #[must_use]
    pub fn highest_now(&self) -> Option<Timestamp> {
        self.memory.highest
    }

    /// Uses the writer, and keeps what it knows afterwards.
    fn with<T>(&mut self, work: impl FnOnce(&mut Writer) -> T) -> T {
        let writer = self.writer.as_mut().expect("whoever sent a group off lands it before anything else");
        let done = work(writer);
        self.memory = writer.memory().clone();
        self.recalled = None;
        done
    }
}

impl Store for PostgresStore {
    fn resolve(&mut self, lookups: &Lookups, facts: &mut Facts) -> Result<Terms, StoreError> {
        self.presumed = 0;
        self.aside.take_held();
        self.look_first = self.look_first.saturating_sub(1);
        self.with(|writer| writer.resolve(lookups, facts))
    }

    fn load(&mut self, keys: &Keys, facts: &mut Facts) -> Result<(), StoreError> {
        self.with(|writer| writer.load(keys, facts))
    }

    fn commit(&mut self, changes: &Changes) -> Result<Position, CommitError> {
        self.with(|writer| writer.commit(changes))
    }

    /// The server's clock: all hosts go by the same, and it is read while the rows are locked.
    fn instant(&self, own: Timestamp) -> Timestamp {
        self.recalled.or(self.memory.clock.map(|(clock, _)| Timestamp::from_micros(clock))).unwrap_or(own)
    }

    fn release(&mut self) {
        self.with(Writer::release);
    }

    fn confirm(&mut self) -> Result<(), CommitError> {
        self.with(Writer::confirm)
    }

    fn overlapping(&mut self) -> Option<&mut dyn Overlapping> {
        Some(self)
    }
}

impl Overlapping for PostgresStore {
    fn recall(&mut self, lookups: &Lookups, facts: &mut Facts) -> Option<Recalled> {
        let Memory { term, ground, clock, highest, server } = &self.memory;
        let (Some(term), Some(ground), Some((clock, heard))) = (term, ground, clock) else { return None };
        let since = self.clock.as_ref()?.boot().saturating_sub(*heard);
        let now = Timestamp::from_micros(clock + i64::try_from(since.as_micros()).ok()?);
        if since > CLOCK_HOLDS || highest.is_some_and(|highest| now <= highest) {
            return None;
        }
        self.presumed += lookups.requests.len();
        if self.look_first > 0 || self.presumed > MOST_REQUESTS || facts.len() > MOST_FACTS {
            return None;
        }
        let recalled = Recalled { terms: ground.clone(), term: Term(*term) };
        facts.presume_new(lookups);
        self.recalled = Some(now);
        self.aside.resolve(server, lookups, facts)?;
        Some(recalled)
    }

    fn fill_up(&mut self, keys: &Keys, facts: &mut Facts) -> Option<()> {
        self.aside.load(&self.memory.server, keys, facts)
    }

    fn are_new(&mut self, lookups: &Lookups) -> Option<bool> {
        self.aside.are_new(&self.memory.server, lookups)
    }

    fn confirm_recalled(&mut self, Term(term): Term) -> Result<(), CommitError> {
        let read = self.aside.take_held();
        self.with(|writer| {
            writer.rest_on(term, read);
            writer.confirm()
        })
    }

    fn launch(&mut self, changes: &Arc<Changes>, Term(term): Term) {
        let mut writer = self.writer.take().expect("whoever sent a group off lands it before the next");
        writer.rest_on(term, self.aside.take_held());
        self.memory.highest = Some(changes.stamp.now);
        if changes.day.is_some() || changes.new.iter().any(|new| matches!(new, New::Policy(..))) {
            self.memory.ground = None;
        }
        self.flight.get_or_insert_with(Flight::new).launch(writer, Arc::clone(changes));
    }

    fn land(&mut self, within: Duration) -> Option<Result<Position, CommitError>> {
        let flight = self.flight.as_ref().expect("a group was sent off");
        let (writer, done) = flight.land(within)?;
        let highest = self.memory.highest;
        self.memory = writer.memory().clone();
        self.memory.highest = self.memory.highest.max(highest);
        self.writer = Some(writer);
        if done.is_err() {
            // Whoever decided by it decides again.
            self.aside.take_held();
        }
        if matches!(done, Err(CommitError::Conflict)) {
            self.look_first = LOOK_FIRST;
        }
        Some(done)
    }
}
