//! One writer: its connection, its place in its own sequence of commits, and what it remembers.
//!
//! It locks the rows of each group, or remembers them where nobody else writes (`tenure`). Nothing is decided here.

use std::sync::Arc;
use std::time::Duration;

use cashpoint_core::change::{Changes, New};
use cashpoint_core::facts::{Facts, Keys, Lookups, Terms};
use cashpoint_core::id::TransferId;
use cashpoint_core::policy::Policy;
use cashpoint_core::time::Timestamp;
use tokio_postgres::error::SqlState;

use super::address::Address;
use super::aside;
use super::commit::{self, Begun, Numbers};
use super::connection::Connection;
use super::fate::{self, Fate, Unknown};
use super::incarnation::{Incarnation, found, highest_now, mark};
use super::link::{Link, LinkError, Query};
use super::load::{self, Held, Lock, Taking};
use super::schema::{self, PostgresError};
use super::tenure::{Remembering, Tenure};
use super::{CLOCK, MOST_FACTS, WITHIN, resolve, stalled};
use crate::bank::Mode;
use crate::store::rows;
use crate::store::{CommitError, OpenMode, Position, Presence, StoreError};

/// So long may a commit wait for a synchronous standby, and so long is it asked afterwards what became of it.
const COMMIT_WITHIN: Duration = Duration::from_secs(30);

/// A group that finds its connection dead waits so long for another, before it is refused.
const FOUND_WITHIN: Duration = Duration::from_millis(300);

/// A clock that is reckoned may be ahead of the server's by so much, which is more than two clocks drift apart in the time
/// that one is reckoned for.
const RECKONED_US: i64 = 1_000;

/// Begins a group's transaction. Each statement sees what was committed before it began, so rows that had to be waited
/// for are read as they are then.
pub(super) const BEGIN: [&str; 2] = ["BEGIN ISOLATION LEVEL READ COMMITTED", "SET LOCAL statement_timeout = '10s'"];

/// How often loading is tried when others are in the way.
const ATTEMPTS: usize = 3;

/// One writer of a shared database.
pub(super) struct Writer {
    connection: Connection,
    writer: Incarnation,
    seq: u64,
    mode: Mode,
    /// Policy values by version: a version never changes.
    policy: Option<(u32, Arc<Policy>)>,
    numbers: Numbers,
    /// How many events this writer has counted.
    events: u64,
    group: Group,
    unknown: Option<Unknown>,
    /// Somebody's lock was waited for in vain.
    waited: bool,
    tenure: Tenure,
    memory: Memory,
}

/// What may be known without asking the server.
#[derive(Clone, Default)]
pub(super) struct Memory {
    /// Which time it is that rows are remembered; none: they are not.
    pub(super) term: Option<u64>,
    /// What holds for every group, while rows are remembered.
    pub(super) ground: Option<Terms>,
    /// The server's clock, µs, and when that was heard.
    pub(super) clock: Option<(i64, Duration)>,
    /// No commit may carry this instant, or an earlier one.
    pub(super) highest: Option<Timestamp>,
    /// The server on which rows are remembered.
    pub(super) server: Arc<str>,
}

/// The group under way.
#[derive(Default)]
struct Group {
    /// While rows are remembered, this is too.
    held: Held,
    /// Whether a transaction with locks is open.
    begun: Begun,
    /// Which time of remembering its decisions rest on, if they rest on that.
    rests_on: Option<u64>,
}

impl Writer {
    pub(super) fn open(
        address: &Address,
        mode: OpenMode,
        presence: Arc<Presence>,
        remembering: Remembering,
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
        let writer = Incarnation::register(&mut link)?;
        let memory = Memory { highest: highest_now(&mut link)?, ..Memory::default() };
        let numbers = Numbers::read(&mut link)?;
        Ok(Self {
            tenure: Tenure::new(writer.number, remembering),
            connection: Connection::new(address.clone(), presence, writer.clone(), link),
            writer,
            seq: 0,
            mode,
            policy: None,
            numbers,
            events: 0,
            group: Group::default(),
            unknown: None,
            waited: false,
            memory,
        })
    }

    pub(super) const fn mode(&self) -> Mode {
        self.mode
    }

    pub(super) const fn memory(&self) -> &Memory {
        &self.memory
    }

    /// The next commit is of a group that was decided from what was remembered then, and from this.
    pub(super) fn rest_on(&mut self, term: u64, read: Held) {
        self.group.rests_on = Some(term);
        self.group.held.learn(read);
    }

    pub(super) fn resolve(&mut self, lookups: &Lookups, facts: &mut Facts) -> Result<Terms, StoreError> {
        let resolved = match self.resolved_anew(lookups, facts) {
            // The connection may have died long ago, while nobody asked, and the server be there: that is no refusal yet.
            Err(LinkError::Lost(_)) if self.connection.wait(FOUND_WITHIN).is_ok() => self.resolved_anew(lookups, facts),
            resolved => resolved,
        };
        Ok(resolved?)
    }

    pub(super) fn load(&mut self, keys: &Keys, facts: &mut Facts) -> Result<(), StoreError> {
        if self.group.rests_on.is_some() {
            return self.fill_up(keys, facts).map_err(|error| {
                self.judge(&error);
                error.into()
            });
        }
        for attempt in 1.. {
            self.release();
            let error = match self.unblock().and_then(|()| self.loaded(keys, facts)) {
                Ok(()) => break,
                Err(error) => error,
            };
            self.judge(&error);
            self.release();
            match &error {
                // Nothing was decided yet, so nobody has to know that somebody else was in the way.
                LinkError::Refused(code, _) if commit::is_conflict(code) && attempt < ATTEMPTS => {}
                LinkError::Refused(..) | LinkError::Lost(_) | LinkError::Unreadable(_) => return Err(error.into()),
            }
        }
        Ok(())
    }

    pub(super) fn commit(&mut self, changes: &Changes) -> Result<Position, CommitError> {
        let position = Position { writer: self.writer.number, seq: self.seq + 1 };
        self.commit_now(position, changes)?;
        self.seq = position.seq;
        self.memory.highest = Some(changes.stamp.now);
        if changes.day.is_some() || changes.new.iter().any(|new| matches!(new, New::Policy(..))) {
            self.memory.ground = None;
        }
        Ok(position)
    }

    /// The group ends without a commit: whatever was locked for it is let go.
    pub(super) fn release(&mut self) {
        if self.tenure.term().is_none() {
            self.group.held = Held::default();
        }
        if std::mem::take(&mut self.group.begun) == Begun::Not {
            return;
        }
        if let Ok(link) = self.connection.up()
            && let Err(error) = link.script("ROLLBACK", WITHIN)
        {
            self.judge(&error);
        }
    }

    /// The group ends without a commit, and what it was told must be true.
    pub(super) fn confirm(&mut self) -> Result<(), CommitError> {
        let Some(term) = self.group.rests_on.take() else {
            self.release();
            return Ok(());
        };
        let link = self.connection.up().map_err(CommitError::Unavailable)?;
        match self.tenure.stands(link) {
            Ok(stands) if stands && self.tenure.term() == Some(term) => Ok(()),
            Ok(_) => {
                self.forget();
                Err(CommitError::Conflict)
            }
            Err(error) => {
                self.judge(&error);
                Err(CommitError::Unavailable(error.into()))
            }
        }
    }

    /// Rows are not remembered any more.
    fn forget(&mut self) {
        if self.tenure.term().is_some() {
            self.tenure.lose();
        }
        self.group.held = Held::default();
        self.memory.term = None;
        self.memory.ground = None;
    }

    /// What an error means for the connection, and for what is remembered: behind the next connection there may be a
    /// server that has not everything, and on which the same numbers mean something else.
    fn judge(&mut self, error: &LinkError) {
        match error {
            LinkError::Lost(_) => {
                self.forget();
                self.numbers.forget();
                self.policy = None;
            }
            LinkError::Refused(code, _) => self.waited |= *code == SqlState::LOCK_NOT_AVAILABLE,
            LinkError::Unreadable(_) => {}
        }
        self.connection.judge(error);
    }

    /// Resolves as the first step of a group.
    fn resolved_anew(&mut self, lookups: &Lookups, facts: &mut Facts) -> Result<Terms, LinkError> {
        self.release();
        if self.unknown.is_some() {
            self.connection.up().map_err(LinkError::Unreadable)?;
            self.settle(Duration::ZERO).map_err(LinkError::Unreadable)?;
        }
        self.unblock().inspect_err(|error| self.judge(error))?;
        let claimed = self.claim().inspect_err(|error| self.judge(error))?;
        self.memory.term = self.tenure.term();
        self.group.rests_on = self.memory.term;
        if claimed || self.group.rests_on.is_none() || facts.len() > MOST_FACTS {
            facts.clear();
            self.group.held = Held::default();
        }
        // What was presumed of requests is looked for now.
        facts.requests.clear();
        self.resolved(lookups, facts).inspect_err(|error| {
            self.judge(error);
            // The transaction that reads may be open still.
            self.group.begun = Begun::Open;
            self.release();
        })
    }

    /// Asks to remember rows; whether that was granted just now.
    fn claim(&mut self) -> Result<bool, LinkError> {
        let link = self.connection.up().map_err(LinkError::Unreadable)?;
        if !self.tenure.claim(link)? {
            return Ok(false);
        }
        let known = schema::server(link).and_then(|server| Ok((server, highest_now(link)?)));
        let (server, highest) = known.inspect_err(|_| self.forget())?;
        self.memory.server = server.into();
        self.memory.highest = self.memory.highest.max(highest);
        Ok(true)
    }

    /// After a lock that did not come: whoever has it may stand still.
    fn unblock(&mut self) -> Result<(), LinkError> {
        if !std::mem::take(&mut self.waited) {
            return Ok(());
        }
        stalled::end(self.connection.up().map_err(LinkError::Unreadable)?)
    }

    fn resolved(&mut self, lookups: &Lookups, facts: &mut Facts) -> Result<Terms, LinkError> {
        let link = self.connection.up().map_err(LinkError::Unreadable)?;
        let ground = resolve::identities(link, &facts.unresolved(lookups), facts)?;
        let policy = match &self.policy {
            Some((version, policy)) if *version == ground.policy_version => Arc::clone(policy),
            Some(_) | None => {
                let policy = resolve::policy(link, ground.policy_version)?;
                self.policy = Some((ground.policy_version, Arc::clone(&policy)));
                policy
            }
        };
        self.tell(ground.clock)?;
        let terms = Terms { day: ground.day, policy_version: ground.policy_version, policy };
        self.memory.ground = self.memory.term.map(|_| terms.clone());
        Ok(terms)
    }

    /// The server's clock says this; it must be later than every commit that is there.
    fn tell(&mut self, clock: i64) -> Result<(), LinkError> {
        let highest = self.memory.highest.map_or(i64::MIN, Timestamp::micros);
        if clock.saturating_add(RECKONED_US) <= highest {
            let why = "the server's clock is behind the last commit: it serves again when it has caught up";
            return Err(LinkError::Unreadable(StoreError(why.into())));
        }
        self.memory.clock = Some((clock.max(highest.saturating_add(1)), self.tenure.uptime()));
        Ok(())
    }

    /// Loads what is not remembered. Nobody else writes, so nothing is locked.
    fn fill_up(&mut self, keys: &Keys, facts: &mut Facts) -> Result<(), LinkError> {
        if facts.has_loaded(keys) {
            return Ok(());
        }
        let missing = facts.unloaded(keys);
        let link = self.connection.up().map_err(LinkError::Unreadable)?;
        aside::rows(link, &missing, (facts, &mut self.group.held))
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
        batch.push(self.tenure.sure());
        batch.extend(queries);
        batch.push(Query::plain(CLOCK));
        self.group.begun = Begun::Open;
        let answers = link.run(&batch, WITHIN)?;
        if self.tenure.found(&answers[BEGIN.len()]).map_err(LinkError::Unreadable)?.is_none() {
            link.script("ROLLBACK", WITHIN)?;
            self.group.begun = Begun::Not;
            self.tenure.revoke(link)?;
            let why = StoreError("another writer remembered rows".into());
            return Err(LinkError::Refused(SqlState::T_R_SERIALIZATION_FAILURE, why));
        }
        let mut held = Held::default();
        let (last, rows) = answers[BEGIN.len() + 1..].split_last().expect("the clock was asked");
        let taken = load::take(&takes, rows, &mut Taking { facts, held: &mut held, keys });
        taken.map_err(LinkError::Unreadable)?;
        let heads = keys.accounts.iter().filter_map(|key| facts.accounts.find(key)?.head);
        let latest = heads.chain(held.heads.values().copied().flatten()).map(TransferId::made_at).max();
        self.memory.highest = self.memory.highest.max(latest);
        self.group.held = held;
        let clock =
            last.rows.first().map(|row| rows::whole(row, "clock")).transpose().map_err(LinkError::Unreadable)?;
        clock.map_or(Ok(()), |clock| self.tell(clock))
    }

    fn commit_now(&mut self, position: Position, changes: &Changes) -> Result<(), CommitError> {
        let Group { held, begun, rests_on } = std::mem::take(&mut self.group);
        if rests_on.is_some_and(|term| self.tenure.term() != Some(term)) {
            return Err(CommitError::Conflict);
        }
        let written = match self.written((position, changes), (begun, held)) {
            // It rests on no row, so it need not be decided again.
            Err(commit::Fault::Taken) if begun == Begun::Not && self.tenure.term().is_none() && rests_on.is_none() => {
                self.written((position, changes), (begun, Held::default()))?
            }
            written => written?,
        };
        if let Some(tenure) = &written.tenure {
            let ahead_us = changes.stamp.now.micros().saturating_sub(tenure.clock.0);
            if ahead_us > RECKONED_US {
                // Somebody set a clock. Others would read rows that are of an instant to come.
                self.group.begun = Begun::Open;
                self.release();
                return Err(CommitError::Conflict);
            }
            wait(ahead_us);
        }
        let committed = link_of(&mut self.connection)?.run_one(Query::plain("COMMIT"), COMMIT_WITHIN);
        self.group.begun = Begun::Not;
        match committed {
            Ok(_) => {}
            Err(error @ LinkError::Lost(_)) => {
                self.judge(&error);
                self.unknown = Some(Unknown { stamp: changes.stamp, events: written.events });
                match self.settle(COMMIT_WITHIN).map_err(CommitError::Unavailable)? {
                    Fate::Committed => {}
                    Fate::Void => return Err(CommitError::Conflict),
                }
            }
            Err(error) => return Err(commit::Fault::Link(error).into()),
        }
        self.numbers.remember(written.fresh);
        self.events = written.events;
        if self.tenure.term().is_some() {
            self.group.held = written.held;
        }
        if let Some(tenure) = written.tenure {
            self.memory.clock = Some(tenure.clock);
            if tenure.wanted {
                self.hand_over();
            }
        }
        Ok(())
    }

    /// Writes all but the commit itself.
    fn written(
        &mut self,
        group: (Position, &Changes),
        (begun, held): (Begun, Held),
    ) -> Result<commit::Written, commit::Fault> {
        let link = self.connection.up()?;
        self.group.begun = Begun::Open;
        commit::write(link, group, (begun, held), (&self.numbers, self.events, &self.tenure)).inspect_err(|fault| {
            match fault {
                commit::Fault::Link(error) => self.judge(error),
                commit::Fault::Taken => self.lost_to_another(),
                commit::Fault::Stale | commit::Fault::Nonsense(_) => {}
            }
            self.release();
        })
    }

    /// Another writer is in the way of what is remembered, or remembers itself.
    fn lost_to_another(&mut self) {
        self.release();
        if self.tenure.term().is_some() {
            self.forget();
        } else if let Ok(link) = self.connection.up()
            && let Err(error) = self.tenure.revoke(link)
        {
            self.judge(&error);
        }
    }

    /// Another writer wants to write: from now on both lock their rows.
    fn hand_over(&mut self) {
        if let Ok(link) = self.connection.up()
            && let Err(error) = self.tenure.yield_up(link)
        {
            self.judge(&error);
        }
        self.forget();
    }

    /// Finds out what became of the commit of which nobody knows: its place in the sequence is taken now, or was.
    fn settle(&mut self, within: Duration) -> Result<Fate, StoreError> {
        let Some(unknown) = self.unknown else { return Ok(Fate::Void) };
        let mut error = StoreError("nobody knows what became of a commit".into());
        // A lock that does not come (the old connection's commit still waits for its standby) takes seconds each time.
        for _ in 0..ATTEMPTS * 3 {
            let link = self.connection.wait(within)?;
            match fate::find_out(link, (&self.writer, self.seq + 1), &unknown) {
                Ok(fate) => {
                    self.unknown = None;
                    self.seq += 1;
                    self.memory.highest = self.memory.highest.max(Some(unknown.stamp.now));
                    if fate == Fate::Committed {
                        self.events = unknown.events;
                    }
                    tracing::warn!(
                        writer = self.writer.number,
                        seq = self.seq,
                        committed = fate == Fate::Committed,
                        "the connection was lost during a commit; what became of it is known now"
                    );
                    return Ok(fate);
                }
                Err(failed) => {
                    self.judge(&failed);
                    error = failed.into();
                }
            }
        }
        Err(error)
    }
}

/// A group's instant was reckoned: the server's clock must not be behind it when others may see it.
fn wait(ahead_us: i64) {
    if let Ok(ahead_us @ 1..) = u64::try_from(ahead_us) {
        std::thread::sleep(Duration::from_micros(ahead_us));
    }
}

fn link_of(connection: &mut Connection) -> Result<&mut Link, CommitError> {
    connection.up().map_err(CommitError::Unavailable)
}
