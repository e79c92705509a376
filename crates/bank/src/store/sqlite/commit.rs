//! Making a group durable: one transaction, all of it or nothing.
//!
//! The order of writing is that of the foreign keys. Every statement is looked up once per group, not once per row.

mod added;
mod changed;
mod customers;
mod ledger;
mod memory;
mod notifications;
mod terminals;

use std::collections::BTreeMap;

use cashpoint_core::change::{Changes, DayMove};
use cashpoint_core::id::{CustomerId, TransferId};
use rusqlite::{CachedStatement, Connection, Error, ErrorCode, Params, Transaction, TransactionBehavior, ffi};

use super::requests::{Batch, Requests};
use crate::store::codec::CodecError;
use crate::store::{CommitError, Position, StoreError};

pub(super) use memory::Memory;

/// A transaction that is being filled.
struct Group<'a> {
    transaction: &'a Transaction<'a>,
    position: Position,
    changes: &'a Changes,
    memory: &'a mut Memory,
    requests: &'a Requests,
    heads: Heads,
}

/// Where chains end after this group.
#[derive(Default)]
struct Heads {
    /// Customers' last events, by row id.
    events: BTreeMap<CustomerId, i64>,
    /// Machines' last transfers, by the machine's row id.
    transfers: BTreeMap<i64, TransferId>,
}

/// Why a change cannot be written.
enum Fault {
    /// The database says so.
    Sql(Error),
    /// A row is not as it was read.
    Stale,
    /// The change makes no sense here: a bug of ours.
    Nonsense(String),
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Sql(error)
    }
}

impl From<CodecError> for Fault {
    fn from(error: CodecError) -> Self {
        Self::Nonsense(error.to_string())
    }
}

impl From<Fault> for CommitError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Sql(error) => classify(error),
            Fault::Stale => Self::Conflict,
            Fault::Nonsense(why) => Self::Rejected(StoreError(why.into())),
        }
    }
}

/// Commits `changes` at `position`. The memory comes back only if that succeeded: after a failure it may hold what
/// was never committed. What is known of requests changes only if it did.
pub(super) fn group(
    connection: &mut Connection,
    position: Position,
    changes: &Changes,
    (mut memory, requests): (Memory, &mut Requests),
) -> Result<Memory, CommitError> {
    memory.trim();
    let begun = Transaction::new(connection, TransactionBehavior::Immediate);
    let transaction = begun.map_err(classify)?;
    let group =
        Group { transaction: &transaction, position, changes, memory: &mut memory, requests, heads: Heads::default() };
    let batch = group.write()?;
    match transaction.commit() {
        Ok(()) => {
            requests.accept(batch);
            Ok(memory)
        }
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::SystemIoFailure) => {
            // Nobody knows now whether the commit is on the disk: after a failed sync the kernel may have dropped the
            // pages and a second sync would succeed without them. Going on could answer "refused" to what the next
            // start finds done, or the reverse. The next start reads what is there.
            tracing::error!(%error, "the database could not be synced: ending, because what is durable is unknown");
            std::process::abort();
        }
        Err(error) => Err(classify(error)),
    }
}

/// A uniqueness that is broken is somebody else having been faster; any other constraint is a bug of ours.
fn classify(error: Error) -> CommitError {
    let Some(&ffi::Error { code, extended_code }) = error.sqlite_error() else {
        return CommitError::Rejected(error.into());
    };
    let taken = [ffi::SQLITE_CONSTRAINT_PRIMARYKEY, ffi::SQLITE_CONSTRAINT_UNIQUE, ffi::SQLITE_CONSTRAINT_ROWID];
    if code == ErrorCode::ConstraintViolation && taken.contains(&extended_code) {
        CommitError::Conflict
    } else if code == ErrorCode::ConstraintViolation {
        CommitError::Rejected(error.into())
    } else {
        CommitError::Unavailable(error.into())
    }
}

impl<'a> Group<'a> {
    fn write(mut self) -> Result<Batch, Fault> {
        self.commit_row()?;
        if let Some(day) = &self.changes.day {
            self.move_day(day)?;
        }
        // Rows come before rows that refer to them.
        self.added_people()?;
        self.added_places()?;
        self.added_sessions()?;
        let batch = self.ledger()?;
        self.added_withdrawals()?;
        self.changed_money()?;
        self.changed_customers()?;
        self.changed_people()?;
        self.changed_places()?;
        self.cases()?;
        self.changed_withdrawals()?;
        self.terminals()?;
        self.notifications()?;
        Ok(batch)
    }

    fn commit_row(&self) -> Result<(), Fault> {
        let Position { writer, seq } = self.position;
        let stamp = self.changes.stamp;
        self.statement(
            "INSERT INTO commits (writer, seq, now, business_date, policy_version, void) VALUES (?, ?, ?, ?, ?, 0)",
        )?
        .execute((
            writer,
            whole(seq)?,
            stamp.now.micros(),
            stamp.business_date.days(),
            stamp.policy_version,
        ))?;
        Ok(())
    }

    fn move_day(&self, day: &DayMove) -> Result<(), Fault> {
        let (date, next_cutover) = (day.to.date.days(), day.to.next_cutover.micros());
        let Some(from) = day.from else {
            self.statement("INSERT INTO business_day (id, date, next_cutover) VALUES (1, ?, ?)")?
                .execute((date, next_cutover))?;
            return Ok(());
        };
        let moved = self.statement("UPDATE business_day SET date = ?, next_cutover = ? WHERE date = ?")?.execute((
            date,
            next_cutover,
            from.days(),
        ))?;
        if moved == 0 { Err(Fault::Stale) } else { Ok(()) }
    }

    fn statement(&self, sql: &str) -> Result<CachedStatement<'a>, Error> {
        let transaction: &'a Transaction<'a> = self.transaction;
        transaction.prepare_cached(sql)
    }
}

/// Changes the one row that must be there.
fn update(statement: &mut CachedStatement<'_>, row: impl Params) -> Result<(), Fault> {
    match statement.execute(row)? {
        1 => Ok(()),
        _ => Err(Fault::Nonsense("a row that is to change is not there".to_owned())),
    }
}

/// A count as the database stores it.
fn whole(number: u64) -> Result<i64, Fault> {
    i64::try_from(number).map_err(|_| Fault::Nonsense(format!("{number} does not fit 63 bits")))
}
