//! The shared store: PostgreSQL, or what speaks like it; any number of hosts, several writers each.
//!
//! [`PostgresStore`] is the money path's and one writer of many; [`PostgresReads`] are separate connections that cannot
//! write. A group costs four round trips however many commands it has: resolve, load, write, commit. Why that is safe
//! beside other writers stands in `docs/adr/0014-several-writers-on-postgresql.md`. Nothing is decided here.

mod address;
mod archive;
mod commit;
mod connection;
mod history;
mod link;
mod load;
mod notifications;
mod reads;
mod resolve;
mod schema;
mod snapshot;
mod target;
mod terminals;
mod tls;
mod values;

use std::sync::Arc;
use std::time::Duration;

use cashpoint_core::change::{Changes, Stamp};
use cashpoint_core::facts::{Facts, Keys, Lookups, Terms};
use cashpoint_core::policy::Policy;
use cashpoint_core::time::Timestamp;
use tokio_postgres::error::SqlState;

use super::rows::{self, Row as _};
use super::{CommitError, OpenMode, PROGRAM, Position, Presence, Store, StoreError, policies};
use crate::bank::Mode;

use commit::{Begun, Numbers};
use connection::Connection;
use link::{Link, LinkError, Query};
use load::{Held, Lock, Taking};

pub(super) use snapshot::{Scan, Snapshot};
pub(crate) use target::Target;
pub(super) use values::Uuid;

pub use address::Address;
pub use archive::archive;
pub use reads::PostgresReads;
pub use schema::{PostgresError, migrate};

/// A batch is answered within this, or the server is taken to be away. Longer than any time-out of the server's own.
const WITHIN: Duration = Duration::from_secs(15);

/// So long may a commit wait for a synchronous standby, and so long is it asked afterwards what became of it.
const COMMIT_WITHIN: Duration = Duration::from_secs(30);

/// A group that finds its connection dead waits so long for another, before it is refused.
const FOUND_WITHIN: Duration = Duration::from_millis(300);

/// So long may a step of reading everything take.
const SCANNING: Duration = Duration::from_secs(3_600);

/// Begins a group's transaction. Each statement sees what was committed before it began, so rows that had to be waited
/// for are read as they are then.
const BEGIN: [&str; 2] = ["BEGIN ISOLATION LEVEL READ COMMITTED", "SET LOCAL statement_timeout = '10s'"];

/// Begins a transaction that reads one state of the database.
const READ_ONLY: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

/// The server's clock, µs since 1970.
const CLOCK: &str = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS clock";

/// Row ids of events: the writer times this, and the writer's own count. Room for two million writers.
const EVENTS_OF_A_WRITER: i64 = 1 << 42;

/// How often loading is tried when others are in the way.
const ATTEMPTS: usize = 3;

/// One writer of a shared database.
pub struct PostgresStore {
    connection: Connection,
    writer: u32,
    seq: u64,
    mode: Mode,
    /// No commit may carry this instant, or an earlier one.
    highest: Option<Timestamp>,
    /// Policy values by version: a version never changes.
    policy: Option<(u32, Arc<Policy>)>,
    numbers: Numbers,
    /// How many events this writer has counted.
    events: u64,
    group: Group,
    /// The server's clock, when it was last asked, µs.
    clock: Option<i64>,
    /// A commit of which nobody knows what became of it; no other takes its place before that is known.
    unknown: Option<Stamp>,
}

/// The group under way.
#[derive(Default)]
struct Group {
    held: Held,
    /// Whether a transaction with locks is open.
    begun: Begun,
}

/// What became of a commit.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Committed,
    /// It never can be: its place is taken by a row that says so.
    Void,
}

impl PostgresStore {
    /// Opens a bank for writing, as a new writer.
    ///
    /// # Errors
    /// [`PostgresError`] says what to do.
    pub fn open(address: &Address, mode: OpenMode) -> Result<Self, PostgresError> {
        Self::open_beside(address, mode, Arc::default())
    }

    /// As [`Self::open`]; `presence` is told when the server goes and comes.
    pub(crate) fn open_beside(
        address: &Address,
        mode: OpenMode,
        presence: Arc<Presence>,
    ) -> Result<Self, PostgresError> {
        let mut link = schema::connect(address)?;
        let mode = match mode {
            OpenMode::CreateIfMissing(mode) => {
                schema::make_or_check(&mut link, address)?;
                found(&mut link, mode)?;
                mark(&mut link)?
            }
            OpenMode::Existing => {
                schema::check(&mut link, address)?;
                mark(&mut link)?
            }
        };
        let mode = mode.ok_or_else(|| PostgresError::NotABank(address.clone()))?;
        let writer = register(&mut link)?;
        let highest = highest_now(&mut link)?;
        let numbers = Numbers::read(&mut link)?;
        Ok(Self {
            connection: Connection::new(address.clone(), presence, link),
            writer,
            seq: 0,
            mode,
            highest,
            policy: None,
            numbers,
            events: 0,
            group: Group::default(),
            clock: None,
            unknown: None,
        })
    }

    /// Whether this is play money; marked when the database was made, for ever.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// The latest instant that any commit carried when the store was opened. None in a new bank.
    #[must_use]
    pub fn highest_now(&self) -> Option<Timestamp> {
        self.highest
    }

    /// Resolves as the first step of a group.
    fn resolved_anew(&mut self, lookups: &Lookups, facts: &mut Facts) -> Result<Terms, LinkError> {
        self.release();
        facts.clear();
        if self.unknown.is_some() {
            self.connection.up().map_err(LinkError::Unreadable)?;
            self.settle(Duration::ZERO).map_err(LinkError::Unreadable)?;
        }
        self.resolved(lookups, facts).inspect_err(|error| {
            self.connection.judge(error);
            // The transaction that reads may be open still.
            self.group.begun = Begun::Open;
            self.release();
        })
    }

    fn resolved(&mut self, lookups: &Lookups, facts: &mut Facts) -> Result<Terms, LinkError> {
        let link = self.connection.up().map_err(LinkError::Unreadable)?;
        let ground = resolve::identities(link, lookups, facts)?;
        let policy = match &self.policy {
            Some((version, policy)) if *version == ground.policy_version => Arc::clone(policy),
            Some(_) | None => {
                let policy = resolve::policy(link, ground.policy_version)?;
                self.policy = Some((ground.policy_version, Arc::clone(&policy)));
                policy
            }
        };
        self.tell(ground.clock)?;
        Ok(Terms { day: ground.day, policy_version: ground.policy_version, policy })
    }

    /// The server's clock says this; it must be later than every commit that is there.
    fn tell(&mut self, clock: i64) -> Result<(), LinkError> {
        if self.highest.is_some_and(|highest| clock <= highest.micros()) {
            let why = "the server's clock is behind the last commit: it serves again when it has caught up";
            return Err(LinkError::Unreadable(StoreError(why.into())));
        }
        self.clock = Some(clock);
        Ok(())
    }

    fn loaded(&mut self, keys: &Keys, facts: &mut Facts) -> Result<(), LinkError> {
        let asks = load::asks(keys, Lock::Group);
        if asks.is_empty() {
            facts.settle_rows(keys);
            return Ok(());
        }
        let link = self.connection.up().map_err(LinkError::Unreadable)?;
        let (queries, takes) = asks.into_iter().unzip::<_, _, Vec<Query<'_>>, Vec<load::Take>>();
        let mut batch: Vec<Query<'_>> = BEGIN.map(Query::plain).into();
        batch.extend(queries);
        batch.push(Query::plain(CLOCK));
        self.group.begun = Begun::Open;
        let answers = link.run(&batch, WITHIN)?;
        let mut held = Held::default();
        let (last, rows) = answers[BEGIN.len()..].split_last().expect("the clock was asked");
        let taken = load::take(&takes, rows, &mut Taking { facts, held: &mut held, keys });
        taken.map_err(LinkError::Unreadable)?;
        self.group.held = held;
        let clock =
            last.rows.first().map(|row| rows::whole(row, "clock")).transpose().map_err(LinkError::Unreadable)?;
        clock.map_or(Ok(()), |clock| self.tell(clock))
    }

    fn commit_now(&mut self, position: Position, changes: &Changes) -> Result<(), CommitError> {
        let link = self.connection.up().map_err(CommitError::Unavailable)?;
        let begun = std::mem::replace(&mut self.group.begun, Begun::Open);
        let held = std::mem::take(&mut self.group.held);
        let written = commit::write(link, (position, changes), (begun, held), (&self.numbers, self.events));
        let written = match written {
            Ok(written) => written,
            Err(fault) => {
                if let commit::Fault::Link(error) = &fault {
                    self.connection.judge(error);
                }
                self.release();
                return Err(fault.into());
            }
        };
        let committed = link_of(&mut self.connection)?.run_one(Query::plain("COMMIT"), COMMIT_WITHIN);
        self.group.begun = Begun::Not;
        match committed {
            Ok(_) => {}
            Err(error @ LinkError::Lost(_)) => {
                self.connection.judge(&error);
                self.unknown = Some(changes.stamp);
                match self.settle(COMMIT_WITHIN).map_err(CommitError::Unavailable)? {
                    Fate::Committed => {}
                    Fate::Void => return Err(CommitError::Conflict),
                }
            }
            Err(error) => return Err(commit::Fault::Link(error).into()),
        }
        self.numbers.remember(written.fresh);
        self.events = written.events;
        Ok(())
    }

    /// Finds out what became of the commit of which nobody knows: its place in the sequence is taken now, or was.
    fn settle(&mut self, within: Duration) -> Result<Fate, StoreError> {
        let Some(stamp) = self.unknown else { return Ok(Fate::Void) };
        let mut error = StoreError("nobody knows what became of a commit".into());
        // A lock that does not come (the old connection's commit still waits for its standby) takes seconds each time.
        for _ in 0..ATTEMPTS * 3 {
            let link = self.connection.wait(within)?;
            match void(link, (self.writer, self.seq + 1), stamp) {
                Ok(fate) => {
                    self.unknown = None;
                    self.seq += 1;
                    tracing::warn!(
                        writer = self.writer,
                        seq = self.seq,
                        committed = fate == Fate::Committed,
                        "the connection was lost during a commit; what became of it is known now"
                    );
                    return Ok(fate);
                }
                Err(failed) => {
                    self.connection.judge(&failed);
                    error = failed.into();
                }
            }
        }
        Err(error)
    }
}

fn link_of(connection: &mut Connection) -> Result<&mut Link, CommitError> {
    connection.up().map_err(CommitError::Unavailable)
}

impl Store for PostgresStore {
    fn resolve(&mut self, lookups: &Lookups, facts: &mut Facts) -> Result<Terms, StoreError> {
        let resolved = match self.resolved_anew(lookups, facts) {
            // The connection may have died long ago, while nobody asked, and the server be there: that is no refusal yet.
            Err(LinkError::Lost(_)) if self.connection.wait(FOUND_WITHIN).is_ok() => self.resolved_anew(lookups, facts),
            resolved => resolved,
        };
        Ok(resolved?)
    }

    fn load(&mut self, keys: &Keys, facts: &mut Facts) -> Result<(), StoreError> {
        for attempt in 1.. {
            self.release();
            let error = match self.loaded(keys, facts) {
                Ok(()) => break,
                Err(error) => error,
            };
            self.connection.judge(&error);
            self.release();
            match &error {
                // Nothing was decided yet, so nobody has to know that somebody else was in the way.
                LinkError::Refused(code, _) if commit::is_conflict(code) && attempt < ATTEMPTS => {}
                LinkError::Refused(..) | LinkError::Lost(_) | LinkError::Unreadable(_) => return Err(error.into()),
            }
        }
        Ok(())
    }

    fn commit(&mut self, changes: &Changes) -> Result<Position, CommitError> {
        let position = Position { writer: self.writer, seq: self.seq + 1 };
        self.commit_now(position, changes)?;
        self.seq = position.seq;
        self.highest = Some(changes.stamp.now);
        Ok(position)
    }

    /// The server's clock: all hosts go by the same, and it is read while the rows are locked.
    fn instant(&self, own: Timestamp) -> Timestamp {
        self.clock.map_or(own, Timestamp::from_micros)
    }

    fn release(&mut self) {
        self.group.held = Held::default();
        if std::mem::take(&mut self.group.begun) == Begun::Not {
            return;
        }
        if let Ok(link) = self.connection.up()
            && let Err(error) = link.script("ROLLBACK", WITHIN)
        {
            self.connection.judge(&error);
        }
    }
}

/// Takes the place of a commit, if it is not taken; says whether the commit has it.
fn void(link: &mut Link, (writer, seq): (u32, u64), stamp: Stamp) -> Result<Fate, LinkError> {
    let place = || -> Vec<link::Value<'static>> {
        vec![Box::new(i64::from(writer)), Box::new(i64::try_from(seq).unwrap_or(i64::MAX))]
    };
    let mut values = place();
    values.push(Box::new(stamp.now.micros()));
    values.push(Box::new(i64::from(stamp.business_date.days())));
    values.push(Box::new(i64::from(stamp.policy_version)));
    let insert =
        "INSERT INTO commits (writer, seq, now, business_date, policy_version, void) VALUES ($1, $2, $3, $4, $5, true)";
    match link.run_one(Query::new(insert, values), WITHIN) {
        Ok(_) => return Ok(Fate::Void),
        Err(LinkError::Refused(code, _)) if code == SqlState::UNIQUE_VIOLATION => {}
        Err(error) => return Err(error),
    }
    let sql = "SELECT void FROM commits WHERE writer = $1 AND seq = $2";
    let answer = link.run_one(Query::new(sql, place()), WITHIN)?;
    match answer.rows.first().map(|row| rows::truth(row, "void")) {
        // An earlier attempt of ours may have written it, and its answer was lost.
        Some(Ok(true)) => Ok(Fate::Void),
        Some(Ok(false)) => Ok(Fate::Committed),
        Some(Err(error)) => Err(LinkError::Unreadable(error)),
        None => Err(LinkError::Unreadable(StoreError("a commit that stood in the way is gone".into()))),
    }
}

/// What the bank that is here is; none if none was ever made.
fn mark(link: &mut Link) -> Result<Option<Mode>, PostgresError> {
    let answer = link.run_one(Query::plain("SELECT sandbox FROM bank"), WITHIN)?;
    let sandbox = answer.rows.first().map(|row| rows::truth(row, "sandbox")).transpose()?;
    Ok(sandbox.map(|sandbox| if sandbox { Mode::Sandbox } else { Mode::Real }))
}

/// Makes a bank in an empty schema: its mark, and the first version of its policy. Of several hosts, one does.
fn found(link: &mut Link, mode: Mode) -> Result<(), PostgresError> {
    let bank = "INSERT INTO bank (id, sandbox, program) VALUES (1, $1, $2) ON CONFLICT (id) DO NOTHING";
    let policy = "INSERT INTO policies (version, settings) VALUES (1, $1) ON CONFLICT (version) DO NOTHING";
    let queries = [
        Query::plain("BEGIN"),
        Query::new(policy, vec![Box::new(policies::to_text(&Policy::default()))]),
        Query::new(bank, vec![Box::new(mode == Mode::Sandbox), Box::new(PROGRAM)]),
        Query::plain("COMMIT"),
    ];
    link.run(&queries, WITHIN)?;
    Ok(())
}

/// The number of a new writer. Of several that come at once, each gets its own.
fn register(link: &mut Link) -> Result<u32, PostgresError> {
    let sql = "INSERT INTO writers (id, program) SELECT coalesce(max(id), 0) + 1, $1 FROM writers RETURNING id";
    loop {
        match link.run_one(Query::new(sql, vec![Box::new(PROGRAM)]), WITHIN) {
            Ok(answer) => {
                let row = answer.rows.first().expect("one row was added");
                return Ok(rows::number(row, "id")?);
            }
            Err(LinkError::Refused(code, _)) if commit::is_conflict(&code) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// The latest instant that a commit carries: within a writer the last has it.
fn highest_now(link: &mut Link) -> Result<Option<Timestamp>, PostgresError> {
    let sql = "SELECT max((SELECT c.now FROM commits c WHERE c.writer = w.id ORDER BY c.seq DESC LIMIT 1)) AS now FROM writers w";
    let answer = link.run_one(Query::plain(sql), WITHIN)?;
    let now = answer.rows.first().map(|row| row.whole("now")).transpose()?.flatten();
    Ok(now.map(Timestamp::from_micros))
}
