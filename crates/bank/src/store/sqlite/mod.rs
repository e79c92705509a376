//! The embedded store: one SQLite file, one writer, any number of readers.
//!
//! [`SqliteStore`] is the money path's and the file's only writer; [`SqliteReads`] are separate connections that
//! cannot write. Nothing is decided here, and no background work is done: everything happens on the caller's thread.

mod commit;
mod filling;
mod load;
mod notifications;
mod policies;
mod reads;
mod replenishments;
mod requests;
mod resolve;
mod schema;
mod terminals;
mod whole;

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use cashpoint_core::change::Changes;
use cashpoint_core::facts::{Facts, Keys, Lookups, Terms};
use cashpoint_core::policy::Policy;
use cashpoint_core::time::Timestamp;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, Transaction, TransactionBehavior};

use crate::bank::Mode;

use super::rows::{Corrupt, Row};
use super::{CommitError, PROGRAM, Position, Store, StoreError};

use requests::Requests;

pub(super) use filling::Filling;
pub(super) use policies::read as policy;

pub use reads::SqliteReads;
pub use schema::{SqliteError, migrate};
pub(crate) use whole::Whole;

pub use super::{Migrated, OpenMode};

/// Rows held by the facts above which they are forgotten before the next group: about a gigabyte.
const MOST_FACTS: usize = 2_000_000;

/// The writer of one SQLite file.
pub struct SqliteStore {
    connection: Connection,
    writer: u32,
    seq: u64,
    mode: Mode,
    highest: Option<Timestamp>,
    /// Policy values by version: a version never changes.
    policy: Option<(u32, Arc<Policy>)>,
    /// None after a failed commit: read again before the next.
    memory: Option<commit::Memory>,
    requests: Requests,
    /// Held until the connection above is closed (fields are dropped in order).
    _lock: File,
}

impl SqliteStore {
    /// Opens a bank for writing, as a new writer.
    ///
    /// # Errors
    /// [`SqliteError::Locked`] if there is another writer; else as [`SqliteError`] says.
    pub fn open(path: &Path, mode: OpenMode) -> Result<Self, SqliteError> {
        if mode == OpenMode::Existing && !path.exists() {
            return Err(SqliteError::Missing(path.to_owned()));
        }
        let lock = schema::lock(path)?;
        let mut connection = schema::connect(path, schema::Access::Write)?;
        match mode {
            OpenMode::CreateIfMissing(_) => schema::make_or_check(&mut connection, path)?,
            OpenMode::Existing => schema::check(&connection, path)?,
        }
        let transaction = Transaction::new(&mut connection, TransactionBehavior::Immediate)?;
        let mode = match (mark(&transaction)?, mode) {
            (Some(mode), _) => mode,
            (None, OpenMode::CreateIfMissing(mode)) => {
                found(&transaction, mode)?;
                mode
            }
            (None, OpenMode::Existing) => return Err(SqliteError::NotABank(path.to_owned())),
        };
        let highest = resolve::highest_now(&transaction)?;
        transaction.execute("INSERT INTO writers (program) VALUES (?)", [PROGRAM])?;
        let writer = u32::try_from(transaction.last_insert_rowid()).expect("a file is opened less than 2^32 times");
        let requests = Requests::read(&transaction)?;
        transaction.commit()?;
        Ok(Self { connection, writer, seq: 0, mode, highest, policy: None, memory: None, requests, _lock: lock })
    }

    /// Whether this is play money; marked when the database was made, for ever.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// The latest instant that any commit carried when the store was opened: no later commit may carry an earlier one.
    /// None in a new bank.
    #[must_use]
    pub fn highest_now(&self) -> Option<Timestamp> {
        self.highest
    }
}

impl Store for SqliteStore {
    fn resolve(&mut self, lookups: &Lookups, facts: &mut Facts) -> Result<Terms, StoreError> {
        // There is no other writer, so what was read stays true. Requests are the exception: most are asked about
        // once, and remembering that each was unknown would only fill memory.
        facts.requests.clear();
        if facts.len() > MOST_FACTS {
            facts.clear();
        }
        // One read transaction, so that the file is locked once and not for every row.
        let snapshot = self.connection.unchecked_transaction()?;
        resolve::requests(&snapshot, &mut self.requests, lookups, facts)?;
        resolve::identities(&snapshot, lookups, facts)?;
        let terms = terms(&snapshot, &mut self.policy)?;
        snapshot.commit()?;
        facts.settle_identities(lookups);
        Ok(terms)
    }

    fn load(&mut self, keys: &Keys, facts: &mut Facts) -> Result<(), StoreError> {
        let snapshot = self.connection.unchecked_transaction()?;
        load::rows(&snapshot, keys, facts)?;
        snapshot.commit()?;
        facts.settle_rows(keys);
        Ok(())
    }

    fn commit(&mut self, changes: &Changes) -> Result<Position, CommitError> {
        let memory = match self.memory.take() {
            Some(memory) => memory,
            None => commit::Memory::read(&self.connection).map_err(CommitError::Unavailable)?,
        };
        let position = Position { writer: self.writer, seq: self.seq + 1 };
        let memory = commit::group(&mut self.connection, position, changes, (memory, &mut self.requests))?;
        self.memory = Some(memory);
        self.seq = position.seq;
        Ok(position)
    }
}

/// A connection that reads everything as of one instant.
pub(super) fn snapshot(path: &Path) -> Result<Connection, SqliteError> {
    let connection = schema::connect(path, schema::Access::Read)?;
    schema::check(&connection, path)?;
    // Being looked at is no reason to copy the log back into the file, not even for whoever leaves last.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    connection.execute_batch("BEGIN DEFERRED; SELECT sandbox FROM bank;")?;
    Ok(connection)
}

/// What holds for the group; `known` is the policy read last.
fn terms(connection: &Connection, known: &mut Option<(u32, Arc<Policy>)>) -> Result<Terms, StoreError> {
    let (day, policy_version) = resolve::day_and_policy(connection)?;
    let policy = match known {
        Some((version, policy)) if *version == policy_version => Arc::clone(policy),
        Some(_) | None => {
            let policy = Arc::new(policies::read(connection, policy_version)?);
            *known = Some((policy_version, Arc::clone(&policy)));
            policy
        }
    };
    Ok(Terms { day, policy_version, policy })
}

/// What the bank that is here is; none if none was ever made.
fn mark(connection: &Connection) -> Result<Option<Mode>, rusqlite::Error> {
    let mut statement = connection.prepare("SELECT sandbox FROM bank")?;
    let mut rows = statement.query([])?;
    let sandbox: Option<bool> = rows.next()?.map(|row| row.get(0)).transpose()?;
    Ok(sandbox.map(|sandbox| if sandbox { Mode::Sandbox } else { Mode::Real }))
}

/// Makes a bank in an empty schema: its mark, and the first version of its policy.
fn found(connection: &Connection, mode: Mode) -> Result<(), rusqlite::Error> {
    let bank = "INSERT INTO bank (id, sandbox, program) VALUES (1, ?, ?)";
    connection.execute(bank, (mode == Mode::Sandbox, PROGRAM))?;
    policies::add(connection, 1, &Policy::default(), None)
}

impl Row for rusqlite::Row<'_> {
    type Error = rusqlite::Error;

    fn whole(&self, column: &str) -> rusqlite::Result<Option<i64>> {
        Ok(self.get_ref(column)?.as_i64_or_null()?)
    }

    fn truth(&self, column: &str) -> rusqlite::Result<Option<bool>> {
        self.get(column)
    }

    fn text(&self, column: &str) -> rusqlite::Result<Option<&str>> {
        Ok(self.get_ref(column)?.as_str_or_null()?)
    }

    fn bytes(&self, column: &str) -> rusqlite::Result<Option<&[u8]>> {
        Ok(self.get_ref(column)?.as_blob_or_null()?)
    }
}

impl From<Corrupt> for rusqlite::Error {
    fn from(corrupt: Corrupt) -> Self {
        Self::FromSqlConversionFailure(0, rusqlite::types::Type::Null, Box::new(corrupt))
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        Self(Box::new(error))
    }
}

impl From<SqliteError> for StoreError {
    fn from(error: SqliteError) -> Self {
        Self(Box::new(error))
    }
}
