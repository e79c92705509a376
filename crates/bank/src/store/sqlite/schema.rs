//! The database file: its lock, its connections, its schema version.
//!
//! One host per file: the writer holds an exclusive lock on the file itself, whatever name led to it, for as long as it
//! lives (`flock`, which SQLite's own locks know nothing of). Only an empty file
//! gets its schema by being opened; an older schema waits for [`migrate`], so that nobody's database changes because
//! a newer program looked at it.

use std::fmt;
use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use crate::store::{Migrated, StoreError};

mod migrations {
    refinery::embed_migrations!("migrations/sqlite");
}

/// Statements kept prepared on a connection: more than there are.
pub(super) const STATEMENTS: usize = 256;

/// Why a database was not opened.
#[derive(Debug)]
pub enum SqliteError {
    /// Another process writes to this file.
    Locked(PathBuf),
    /// There is no such file.
    Missing(PathBuf),
    /// The file is a database of something else, or of a bank that was never finished making.
    NotABank(PathBuf),
    /// The schema is older than this program's.
    NeedsMigration {
        /// Version of the file.
        have: u32,
        /// Version of this program.
        want: u32,
    },
    /// The schema is newer than this program's.
    Newer {
        /// Version of the file.
        have: u32,
        /// Version of this program.
        want: u32,
    },
    /// The database cannot be read or written.
    Database(StoreError),
}

impl fmt::Display for SqliteError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Locked(path) => write!(out, "{}: another host is running on this database", path.display()),
            Self::Missing(path) => write!(out, "{}: there is no such database", path.display()),
            Self::NotABank(path) => write!(out, "{}: this is not a bank's database", path.display()),
            Self::NeedsMigration { have, want } => {
                write!(
                    out,
                    "the database has schema version {have}, this program needs {want}: run `cashpoint migrate`"
                )
            }
            Self::Newer { have, want } => {
                write!(
                    out,
                    "the database has schema version {have}, this program knows only {want}: use a newer program"
                )
            }
            Self::Database(error) => error.fmt(out),
        }
    }
}

impl std::error::Error for SqliteError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Database(error) => Some(error),
            Self::Locked(_)
            | Self::Missing(_)
            | Self::NotABank(_)
            | Self::NeedsMigration { .. }
            | Self::Newer { .. } => None,
        }
    }
}

impl From<rusqlite::Error> for SqliteError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error.into())
    }
}

/// Brings the schema of an existing database up to date; all of it or nothing.
///
/// # Errors
/// [`SqliteError`]; a host must not be running on the file.
pub fn migrate(path: &Path) -> Result<Migrated, SqliteError> {
    if !path.exists() {
        return Err(SqliteError::Missing(path.to_owned()));
    }
    let _lock = lock(path)?;
    let mut connection = connect(path, Access::Write)?;
    let from = version(&connection)?.ok_or_else(|| SqliteError::NotABank(path.to_owned()))?;
    let want = latest_version();
    if from > want {
        return Err(SqliteError::Newer { have: from, want });
    }
    run_migrations(&mut connection)?;
    Ok(Migrated { from, to: want })
}

/// What a connection may do.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// Everything; makes the file if there is none.
    Write,
    /// Reading an existing file.
    Read,
}

/// Takes the one place of the file's writer.
pub(super) fn lock(path: &Path) -> Result<File, SqliteError> {
    // Nobody else may open and close this file in this process while SQLite has it open: that would drop SQLite's locks.
    let failed =
        |error: std::io::Error| SqliteError::Database(StoreError(format!("{}: {error}", path.display()).into()));
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(SqliteError::Locked(path.to_owned())),
        Err(TryLockError::Error(error)) => Err(failed(error)),
    }
}

/// Opens a connection with the settings that durability and speed rest on.
pub(super) fn connect(path: &Path, access: Access) -> Result<Connection, SqliteError> {
    // Readers open the file for writing too: the first connection to a write-ahead log has to make its index. What
    // keeps them from writing is `query_only`.
    let mut flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    match access {
        Access::Write => flags |= OpenFlags::SQLITE_OPEN_CREATE,
        Access::Read if !path.exists() => return Err(SqliteError::Missing(path.to_owned())),
        Access::Read => {}
    }
    let connection = Connection::open_with_flags(path, flags)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    // A plan is made once for each statement. Otherwise SQLite, which may choose by the values that are bound, makes a new
    // one whenever another value is: that takes several times as long as the look-up by a key that it is for.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.execute_batch(
        "PRAGMA busy_timeout = 5000;
         PRAGMA foreign_keys = ON;
         PRAGMA mmap_size = 0;
         PRAGMA temp_store = MEMORY;",
    )?;
    match access {
        // A commit is durable when it returns (FULL); the log is copied back often enough that no copy is long, and a
        // log that grew once is cut again.
        Access::Write => connection.execute_batch(
            "PRAGMA journal_mode = WAL;
             PRAGMA synchronous = FULL;
             PRAGMA wal_autocheckpoint = 4000;
             PRAGMA journal_size_limit = 67108864;
             PRAGMA cache_size = -65536;",
        )?,
        Access::Read => connection.execute_batch(
            "PRAGMA cache_size = -16384;
             PRAGMA query_only = ON;",
        )?,
    }
    Ok(connection)
}

/// Makes the schema in an empty file; anything but this program's version is an error.
pub(super) fn make_or_check(connection: &mut Connection, path: &Path) -> Result<(), SqliteError> {
    if version(connection)? == Some(0) {
        run_migrations(connection)?;
    }
    check(connection, path)
}

/// Whether the schema is this program's.
pub(super) fn check(connection: &Connection, path: &Path) -> Result<(), SqliteError> {
    let want = latest_version();
    match version(connection)? {
        Some(have) if have == want => Ok(()),
        Some(have) if have > want => Err(SqliteError::Newer { have, want }),
        None | Some(0) => Err(SqliteError::NotABank(path.to_owned())),
        Some(have) => Err(SqliteError::NeedsMigration { have, want }),
    }
}

/// The schema version of a file: 0 if it is empty, none if it is somebody else's.
fn version(connection: &Connection) -> Result<Option<u32>, SqliteError> {
    let tables = "SELECT count(*), count(*) FILTER (WHERE name = 'refinery_schema_history') FROM sqlite_schema";
    let (all, ours): (u32, u32) = connection.query_row(tables, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
    if ours == 0 {
        return Ok((all == 0).then_some(0));
    }
    let last = "SELECT coalesce(max(version), 0) FROM refinery_schema_history";
    Ok(Some(connection.query_row(last, [], |row| row.get(0))?))
}

fn latest_version() -> u32 {
    let versions = migrations::migrations::runner().get_migrations().iter().map(refinery::Migration::version).max();
    let newest = versions.expect("there is at least the first migration");
    u32::try_from(newest).expect("versions are counted by hand")
}

fn run_migrations(connection: &mut Connection) -> Result<(), SqliteError> {
    // A table that is made anew under its old name is gone for a moment, and others refer to it. Inside a transaction,
    // which all migrations together are, this cannot be set.
    connection.execute_batch("PRAGMA foreign_keys = OFF")?;
    let runner = migrations::migrations::runner().set_grouped(true);
    runner.run(connection).map_err(|error| SqliteError::Database(StoreError(Box::new(error))))?;
    connection.execute_batch("PRAGMA foreign_keys = ON")?;
    Ok(())
}
