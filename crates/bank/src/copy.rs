//! Moving a whole bank from a file to a server that several hosts can share.
//!
//! Everything is taken along: identities, answered requests, sessions, feeds, terminals, cases. It happens in one transaction of
//! the server's, which ends only when both sides agree with themselves, by [`verify`], and with each other, by the number of
//! rows and the sum of each column of each table. Whatever ends it before leaves an empty database behind, so a half
//! bank is never there. Rows go a few thousand at a time; memory is needed for [`verify`], and by nothing that is done here.
//!
//! The way back does not exist: a server's writers work side by side, and a file's must have come one after the other.

use std::fmt;
use std::path::Path;

use crate::keys::KeyStore;
use crate::store::StoreError;
use crate::store::database::DatabaseError;
use crate::store::postgres::{Address, PostgresError, Target};
use crate::store::records::Records;
use crate::store::sqlite::{SqliteError, Whole};
use crate::store::whole::{Filled, Kind, Streams, Sums, Table, Value};
use crate::verify::{Report, verify};

/// What was copied.
#[derive(Clone, Debug)]
pub struct Copied {
    /// Tables that the server has now.
    pub tables: usize,
    /// Rows in them.
    pub rows: u64,
    /// What a verification of the server's side could not check.
    pub limits: Vec<String>,
}

/// Why nothing was copied. `Display` says it in a line.
#[derive(Debug)]
pub enum CopyError {
    /// A database cannot be had, or went away.
    Database(DatabaseError),
    /// What is there does not agree with itself.
    Source(Report),
    /// What arrived is not what was sent: a line for each table or column.
    Differs(Vec<String>),
    /// What arrived does not agree with itself.
    Target(Report),
}

impl fmt::Display for CopyError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Database(error) => error.fmt(out),
            Self::Source(_) => out.write_str("the bank does not agree with itself; nothing was copied"),
            Self::Differs(what) => {
                write!(out, "what arrived is not what was sent; nothing was copied: {}", what.join(", "))
            }
            Self::Target(_) => out.write_str("what arrived does not agree with itself; nothing was copied"),
        }
    }
}

impl std::error::Error for CopyError {}

impl From<StoreError> for CopyError {
    fn from(error: StoreError) -> Self {
        PostgresError::from(error).into()
    }
}

impl From<PostgresError> for CopyError {
    fn from(error: PostgresError) -> Self {
        Self::Database(error.into())
    }
}

impl From<SqliteError> for CopyError {
    fn from(error: SqliteError) -> Self {
        Self::Database(error.into())
    }
}

/// Copies the bank in the file `from` into the empty database `to`; no host may serve it meanwhile. Without `keys`, what is
/// sealed is copied and not opened.
///
/// # Errors
/// [`CopyError`]; in every case nothing was copied, but where the connection was lost while the copy was made durable: then
/// all of it is there, or nothing.
pub fn copy(from: &Path, to: &Address, keys: Option<&dyn KeyStore>) -> Result<Copied, CopyError> {
    let source = Whole::open(from)?;
    let report = verify(&Records::open(from)?, keys)?;
    if !report.is_clean() {
        return Err(CopyError::Source(report));
    }
    let mut target = Target::open(to)?;
    let streams = Target::streams(source.event_runs()?)?;
    let tables = target.tables()?;
    let mut sent = Vec::new();
    for table in &tables {
        let sums = match table.filled {
            Filled::Copied | Filled::WithTheSchema => Some(fill(&source, &mut target, table, &streams)?),
            Filled::Computed => {
                target.compute()?;
                None
            }
            Filled::LeftEmpty | Filled::ItsOwn => None,
        };
        if let Some(sums) = &sums {
            tracing::info!(table = table.name, rows = sums.rows, "copied");
        }
        sent.push(sums);
    }
    let rows = compare(&source, &mut target, &tables, &sent)?;
    target.analyse()?;
    let records = Records::within(target);
    let report = verify(&records, keys)?;
    if !report.is_clean() {
        return Err(CopyError::Target(report));
    }
    records.into_target().expect("it was made of one").commit()?;
    Ok(Copied { tables: tables.len(), rows, limits: report.limits })
}

/// Copies a table, or only reads what the migrations gave both sides.
fn fill(source: &Whole, target: &mut Target, table: &Table, streams: &Streams) -> Result<Sums, CopyError> {
    let mut sums = Sums::of(table);
    let mut filling = target.filling(table);
    let mut add = |row: Vec<Value>| -> Result<(), StoreError> {
        sums.add(&row);
        if table.filled == Filled::Copied { filling.add(row) } else { Ok(()) }
    };
    let kinds: Vec<Kind> = table.columns.iter().map(|(_, kind)| *kind).collect();
    let events = table.event_columns();
    source.rows(&table.query(), &kinds, |mut row| {
        if table.name == "feed_cursors" {
            return streams.cursors(&row)?.into_iter().try_for_each(&mut add);
        }
        for at in &events {
            if let Value::Whole(event) = row[*at] {
                row[*at] = Value::Whole(streams.number(event)?);
            }
        }
        add(row)
    })?;
    filling.finish()?;
    Ok(sums)
}

/// Holds what is on the server against what was sent, and the books' totals against the file's. Gives the rows in all.
fn compare(source: &Whole, target: &mut Target, tables: &[Table], sent: &[Option<Sums>]) -> Result<u64, CopyError> {
    let (mut all, mut found) = (0, Vec::new());
    for (table, sent) in tables.iter().zip(sent) {
        let arrived = target.sums(table)?;
        all += arrived.rows;
        if let Some(sent) = sent {
            found.extend(sent.differences(&arrived, table));
        }
    }
    if source.totals()? != target.totals()? {
        found.push("the sums of accounts' debits and credits by currency".to_owned());
    }
    if found.is_empty() { Ok(u64::try_from(all).unwrap_or(u64::MAX)) } else { Err(CopyError::Differs(found)) }
}
