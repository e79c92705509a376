//! Making a group durable: what is to be written is put together as arrays, goes to the server in one batch, and only when
//! every statement did what it should is the transaction committed.
//!
//! The order of writing is that of the foreign keys. A row that `load` found absent is added, never overwritten: whoever
//! else found it absent is refused by the key. Rows that a group was told of without loading them are written over,
//! whatever is there.

mod added;
mod changed;
mod customers;
mod ledger;
mod notifications;
mod numbers;
mod terminals;

use std::collections::BTreeMap;

use cashpoint_core::change::{Changes, DayMove};
use cashpoint_core::id::{CustomerId, MachineId, TransferId};
use tokio_postgres::error::SqlState;

use super::WITHIN;
use super::link::{Answer, Link, LinkError, Query};
use super::load::Held;
use super::tenure::{self, Tenure};
use super::writer::BEGIN;
use crate::store::codec::CodecError;
use crate::store::{CommitError, Position, StoreError};

pub(super) use numbers::{Fresh, Numbers};

/// Why a group is not written.
pub(super) enum Fault {
    /// The connection or the server says so.
    Link(LinkError),
    /// A row is not as it was read.
    Stale,
    /// Another writer remembers rows, or this one must not any more.
    Taken,
    /// The changes make no sense here: a bug of ours.
    Nonsense(String),
}

impl From<LinkError> for Fault {
    fn from(error: LinkError) -> Self {
        Self::Link(error)
    }
}

impl From<CodecError> for Fault {
    fn from(error: CodecError) -> Self {
        Self::Nonsense(error.to_string())
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self::Link(LinkError::Unreadable(error))
    }
}

impl From<Fault> for CommitError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Link(error) => classify(error),
            Fault::Stale | Fault::Taken => Self::Conflict,
            Fault::Nonsense(why) => Self::Rejected(StoreError(why.into())),
        }
    }
}

/// Another transaction was in the way: a uniqueness, a deadlock, a snapshot, a lock that did not come.
pub(super) fn is_conflict(code: &SqlState) -> bool {
    [
        SqlState::UNIQUE_VIOLATION,
        SqlState::T_R_SERIALIZATION_FAILURE,
        SqlState::T_R_DEADLOCK_DETECTED,
        SqlState::LOCK_NOT_AVAILABLE,
    ]
    .contains(code)
}

/// What an error of the server says of the group. The transaction is not committed in any case.
fn classify(error: LinkError) -> CommitError {
    match error {
        LinkError::Refused(code, _) if is_conflict(&code) => CommitError::Conflict,
        // Constraints and values that no column can have are bugs of ours; for the rest the group is not to blame.
        LinkError::Refused(code, error) if ["22", "23", "42"].contains(&&code.code()[..2]) => {
            CommitError::Rejected(error)
        }
        LinkError::Refused(_, error) | LinkError::Lost(error) | LinkError::Unreadable(error) => {
            CommitError::Unavailable(error)
        }
    }
}

/// What a statement must have done.
#[derive(Clone, Copy)]
enum Must {
    /// Anything.
    Whatever,
    /// Changed so many rows, all of which are there.
    Change(usize),
    /// Changed the one row that is as it was read.
    StillStand,
    /// Found that nobody else remembers rows.
    BeSure,
}

/// A group that is being written.
struct Group<'a> {
    changes: &'a Changes,
    position: Position,
    held: Held,
    numbers: &'a Numbers,
    fresh: Fresh,
    /// The writer's count of events.
    events: u64,
    /// Customers' last events after this group.
    told: BTreeMap<CustomerId, i64>,
    /// Machines' last transfers after this group.
    moved: BTreeMap<MachineId, TransferId>,
    steps: Vec<(Query<'a>, Must)>,
    /// What `tenure` was found to say, if that was asked already.
    found: Option<tenure::Held>,
}

/// What the store knows once the group is committed.
pub(super) struct Written {
    pub(super) fresh: Fresh,
    pub(super) events: u64,
    /// What the group was told and wrote of chains' heads.
    pub(super) held: Held,
    /// Where rows are remembered: what was found.
    pub(super) tenure: Option<tenure::Held>,
}

/// Whether a transaction with the group's locks is open already.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum Begun {
    /// It is.
    Open,
    /// It is not.
    #[default]
    Not,
}

/// Writes `changes` at `position`, all but the commit itself.
pub(super) fn write(
    link: &mut Link,
    (position, changes): (Position, &Changes),
    (begun, held): (Begun, Held),
    (numbers, events, tenure): (&Numbers, u64, &Tenure),
) -> Result<Written, Fault> {
    let mut group = Group {
        changes,
        position,
        held,
        numbers,
        fresh: Fresh::default(),
        events,
        told: BTreeMap::new(),
        moved: BTreeMap::new(),
        steps: Vec::new(),
        found: None,
    };
    if begun == Begun::Not {
        group.steps.extend(BEGIN.map(|sql| (Query::plain(sql), Must::Whatever)));
        group.steps.push((tenure.sure(), Must::BeSure));
    }
    group.look_up(link, tenure)?;
    group.fill()?;
    let Group { fresh, events, held, mut steps, found, .. } = group;
    // The commit may wait for a standby, and a wait that is cut short would count as done.
    steps.push((Query::plain("SET LOCAL statement_timeout = 0"), Must::Whatever));
    let found = run(link, steps, tenure)?.or(found);
    Ok(Written { fresh, events, held, tenure: found })
}

/// Runs the steps together, and looks whether each did what it must.
fn run(link: &mut Link, steps: Vec<(Query<'_>, Must)>, tenure: &Tenure) -> Result<Option<tenure::Held>, Fault> {
    let (queries, musts): (Vec<Query<'_>>, Vec<Must>) = steps.into_iter().unzip();
    let answers: Vec<Answer> = link.run(&queries, WITHIN)?;
    let mut found = None;
    for (must, answer) in musts.into_iter().zip(answers) {
        match must {
            Must::Change(rows) if usize::try_from(answer.changed) != Ok(rows) => {
                return Err(Fault::Nonsense("a row that is to change is not there".to_owned()));
            }
            Must::StillStand if answer.changed != 1 => return Err(Fault::Stale),
            Must::BeSure => found = tenure.found(&answer)?.ok_or(Fault::Taken)?,
            Must::Whatever | Must::Change(_) | Must::StillStand => {}
        }
    }
    Ok(found)
}

impl<'a> Group<'a> {
    fn fill(&mut self) -> Result<(), Fault> {
        self.commit_row()?;
        if let Some(day) = &self.changes.day {
            self.move_day(day);
        }
        // Rows come before rows that refer to them.
        self.added_people()?;
        self.added_places()?;
        self.added_sessions()?;
        self.ledger()?;
        self.added_withdrawals()?;
        self.changed_money()?;
        self.changed_customers()?;
        self.changed_people()?;
        self.changed_places()?;
        self.cases()?;
        self.changed_withdrawals();
        self.terminals()?;
        self.notifications()
    }

    fn commit_row(&mut self) -> Result<(), Fault> {
        let stamp = self.changes.stamp;
        self.step(
            "INSERT INTO commits (writer, seq, now, business_date, policy_version, void)
             VALUES ($1, $2, $3, $4, $5, false)",
            vec![
                Box::new(i64::from(self.position.writer)),
                Box::new(whole(self.position.seq)?),
                Box::new(stamp.now.micros()),
                Box::new(i64::from(stamp.business_date.days())),
                Box::new(i64::from(stamp.policy_version)),
            ],
            Must::Whatever,
        );
        Ok(())
    }

    fn move_day(&mut self, day: &DayMove) {
        let to = (i64::from(day.to.date.days()), day.to.next_cutover.micros());
        match day.from {
            None => self.step(
                "INSERT INTO business_day (id, date, next_cutover) VALUES (1, $1, $2)",
                vec![Box::new(to.0), Box::new(to.1)],
                Must::Whatever,
            ),
            Some(from) => self.step(
                "UPDATE business_day SET date = $1, next_cutover = $2 WHERE date = $3",
                vec![Box::new(to.0), Box::new(to.1), Box::new(i64::from(from.days()))],
                Must::StillStand,
            ),
        }
    }

    fn step(&mut self, sql: &'static str, values: Vec<super::link::Value<'a>>, must: Must) {
        self.steps.push((Query::new(sql, values), must));
    }
}

/// A count as the database stores it.
fn whole(number: u64) -> Result<i64, Fault> {
    i64::try_from(number).map_err(|_| Fault::Nonsense(format!("{number} does not fit 63 bits")))
}

/// Adds rows in one statement: the table and columns, then the type of each column's array.
macro_rules! insert {
    ($into:literal, $arrays:literal) => {
        concat!("INSERT INTO ", $into, " SELECT * FROM unnest(", $arrays, ")")
    };
    ($into:literal, $arrays:literal, $conflict:literal) => {
        concat!("INSERT INTO ", $into, " SELECT * FROM unnest(", $arrays, ") ON CONFLICT ", $conflict)
    };
}
use insert;
