//! A new bank that is filled with groups which were committed elsewhere, each in the place that it had there.
//!
//! Nobody waits for any of them, so nothing is synced before the end: what is broken off is begun again.

use std::fs::File;
use std::path::Path;

use cashpoint_core::change::Changes;
use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::requests::Requests;
use super::{SqliteError, commit, found, mark, schema};
use crate::bank::Mode;
use crate::store::{CommitError, PROGRAM, Position, StoreError};

/// A bank that is being filled.
pub(in crate::store) struct Filling {
    connection: Connection,
    requests: Requests,
    /// None before the first group.
    memory: Option<commit::Memory>,
    /// Held until the connection above is closed (fields are dropped in order); none where there is no file.
    _lock: Option<File>,
}

impl Filling {
    /// A bank in a new file.
    ///
    /// # Errors
    /// There is a bank already, or the file cannot be made.
    pub(in crate::store) fn file(path: &Path, mode: Mode) -> Result<Self, SqliteError> {
        let lock = schema::lock(path)?;
        let mut connection = schema::connect(path, schema::Access::Write)?;
        schema::make_or_check(&mut connection, path)?;
        if mark(&connection)?.is_some() {
            let why = format!("{}: there is a bank already", path.display());
            return Err(SqliteError::Database(StoreError(why.into())));
        }
        connection.execute_batch("PRAGMA synchronous = OFF;")?;
        Self::of(connection, Some(lock), mode)
    }

    /// A bank that is in no file, and gone with this.
    ///
    /// # Errors
    /// It cannot be made.
    pub(in crate::store) fn nowhere(mode: Mode) -> Result<Self, SqliteError> {
        let mut connection = Connection::open_in_memory()?;
        connection.set_prepared_statement_cache_capacity(schema::STATEMENTS);
        connection.execute_batch("PRAGMA foreign_keys = ON;")?;
        schema::make_or_check(&mut connection, Path::new(":memory:"))?;
        Self::of(connection, None, mode)
    }

    fn of(mut connection: Connection, lock: Option<File>, mode: Mode) -> Result<Self, SqliteError> {
        let transaction = Transaction::new(&mut connection, TransactionBehavior::Immediate)?;
        found(&transaction, mode)?;
        let requests = Requests::read(&transaction)?;
        transaction.commit()?;
        Ok(Self { connection, requests, memory: None, _lock: lock })
    }

    /// The next writer comes.
    ///
    /// # Errors
    /// It cannot be written; so everywhere below.
    pub(in crate::store) fn writer(&mut self) -> Result<(), SqliteError> {
        self.connection.execute("INSERT INTO writers (program) VALUES (?)", [PROGRAM])?;
        Ok(())
    }

    /// Writes a group into its place.
    pub(in crate::store) fn group(&mut self, position: Position, changes: &Changes) -> Result<(), SqliteError> {
        let memory = match self.memory.take() {
            Some(memory) => memory,
            None => commit::Memory::read(&self.connection).map_err(SqliteError::Database)?,
        };
        let written = commit::group(&mut self.connection, position, changes, (memory, &mut self.requests));
        self.memory = Some(written.map_err(|error| refused(position, error))?);
        Ok(())
    }

    /// Makes all of it durable where there is a file.
    pub(in crate::store) fn finish(self) -> Result<Connection, SqliteError> {
        self.connection.execute_batch("PRAGMA synchronous = FULL;")?;
        self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        Ok(self.connection)
    }
}

fn refused(Position { writer, seq }: Position, error: CommitError) -> SqliteError {
    let why = match error {
        CommitError::Conflict => "something that it adds is there already".to_owned(),
        CommitError::Rejected(error) | CommitError::Unavailable(error) => error.to_string(),
    };
    SqliteError::Database(StoreError(format!("commit {seq} of writer {writer} cannot be written: {why}").into()))
}
