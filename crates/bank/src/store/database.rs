//! Which database a bank is in, and everything that is opened there: a file, a server that several hosts share, or, for
//! simulations, memory.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use cashpoint_core::time::Timestamp;

use super::memory::{MemoryBank, MemoryError, MemoryReads, MemoryStore};
use super::postgres::{self, Address, PostgresError, PostgresReads, PostgresStore, Remembering};
use super::records::Records;
use super::sqlite::{self, SqliteError, SqliteReads, SqliteStore};
use super::{Archived, Archiving, Migrated, OpenMode, Presence, Reads, Store, StoreError};
use crate::bank::Mode;
use crate::calendar::Month;
use crate::clock::Clock;

/// Where a bank's rows are.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Database {
    /// A file of this host's.
    Sqlite(PathBuf),
    /// A server that other hosts use too.
    Postgres(Address),
    /// The memory of this process. No text names it.
    Memory(MemoryBank),
}

/// Why a database was not opened. `Display` says what to do.
#[derive(Debug)]
pub enum DatabaseError {
    /// The file.
    Sqlite(SqliteError),
    /// The server.
    Postgres(PostgresError),
    /// The memory.
    Memory(MemoryError),
}

/// Why history was not archived. `Display` says what to do.
#[derive(Debug)]
pub enum ArchiveError {
    /// A bank in a file, or in memory, has its history there.
    OneFile,
    /// The month has not begun, so one before it is not over.
    NotOver(Month),
    /// The database.
    Database(DatabaseError),
}

impl fmt::Display for ArchiveError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OneFile => out.write_str(
                "a bank in a file keeps all of its history there; one on a server (postgres://…) has an archive",
            ),
            Self::NotOver(month) => {
                write!(out, "{month} has not begun by the server's clock (UTC): only what is over is archived")
            }
            Self::Database(error) => error.fmt(out),
        }
    }
}

impl std::error::Error for ArchiveError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Database(error) => error.source(),
            Self::OneFile | Self::NotOver(_) => None,
        }
    }
}

impl From<DatabaseError> for ArchiveError {
    fn from(error: DatabaseError) -> Self {
        Self::Database(error)
    }
}

/// A text that is no database's address.
#[derive(Debug)]
pub struct NotADatabase(String);

impl fmt::Display for NotADatabase {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl std::error::Error for NotADatabase {}

/// A bank that is open for writing.
pub(crate) struct Opened {
    pub(crate) store: Box<dyn Store>,
    /// Whether the database is there.
    pub(crate) presence: Arc<Presence>,
    pub(crate) mode: Mode,
    /// The latest instant that any commit carries.
    pub(crate) highest: Option<Timestamp>,
}

impl Database {
    /// Whether other hosts may use it too.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        match self {
            Self::Sqlite(_) | Self::Memory(_) => false,
            Self::Postgres(_) => true,
        }
    }

    /// The same for reading reports, from a server that only follows too.
    ///
    /// # Errors
    /// It is a file or memory: nothing follows it.
    pub fn replica(&self) -> Result<Self, NotADatabase> {
        match self {
            Self::Sqlite(_) | Self::Memory(_) => {
                Err(NotADatabase(format!("{self}: a replica is a database server, postgres://…")))
            }
            Self::Postgres(address) => Ok(Self::Postgres(address.of_any())),
        }
    }

    /// Brings the schema up to date; all of it or nothing.
    ///
    /// # Errors
    /// [`DatabaseError`] says what to do.
    pub fn migrate(&self) -> Result<Migrated, DatabaseError> {
        Ok(match self {
            Self::Sqlite(path) => sqlite::migrate(path)?,
            Self::Postgres(address) => postgres::migrate(address)?,
            // Rows in memory have no schema that could be old.
            Self::Memory(_) => Migrated { from: 0, to: 0 },
        })
    }

    /// Takes history of months that are over out of the hot tables; hosts may serve meanwhile, and it may be broken off.
    ///
    /// # Errors
    /// [`ArchiveError`] says what to do; what was moved until then stays moved.
    pub fn archive(&self, archiving: Archiving) -> Result<Archived, ArchiveError> {
        match self {
            Self::Sqlite(_) | Self::Memory(_) => Err(ArchiveError::OneFile),
            Self::Postgres(address) => {
                let archived = postgres::archive(address, archiving).map_err(DatabaseError::from)?;
                archived.ok_or(ArchiveError::NotOver(archiving.before))
            }
        }
    }

    /// Everything that is recorded, for reading from end to end.
    ///
    /// # Errors
    /// [`DatabaseError`] says what to do.
    pub fn records(&self) -> Result<Records, DatabaseError> {
        Ok(match self {
            Self::Sqlite(path) => Records::open(path)?,
            Self::Postgres(address) => Records::open_shared(address)?,
            Self::Memory(bank) => bank.records()?,
        })
    }

    /// Opens it for writing; makes what is missing. The clock is what a store reckons time by between two commits.
    pub(crate) fn open(&self, mode: Mode, clock: &Arc<dyn Clock>) -> Result<Opened, DatabaseError> {
        let mode = OpenMode::CreateIfMissing(mode);
        match self {
            Self::Sqlite(path) => {
                let store = SqliteStore::open(path, mode)?;
                let (mode, highest) = (store.mode(), store.highest_now());
                Ok(Opened { store: Box::new(store), presence: Arc::default(), mode, highest })
            }
            Self::Postgres(address) => {
                let presence = Arc::<Presence>::default();
                let store = PostgresStore::open_beside(
                    address,
                    mode,
                    Arc::clone(&presence),
                    Remembering::Alone(Arc::clone(clock)),
                )?;
                let (mode, highest) = (store.mode(), store.highest_now());
                Ok(Opened { store: Box::new(store), presence, mode, highest })
            }
            Self::Memory(bank) => {
                let store = MemoryStore::open(bank, mode)?;
                let (mode, highest) = (store.mode(), store.highest_now());
                Ok(Opened { store: Box::new(store), presence: Arc::default(), mode, highest })
            }
        }
    }

    /// Opens it for reading.
    pub(crate) fn reader(&self) -> Result<Box<dyn Reads>, StoreError> {
        Ok(match self {
            Self::Sqlite(path) => Box::new(SqliteReads::open(path)?),
            Self::Postgres(address) => Box::new(PostgresReads::open(address)?),
            Self::Memory(bank) => Box::new(MemoryReads::open(bank)?),
        })
    }
}

impl From<PathBuf> for Database {
    fn from(path: PathBuf) -> Self {
        Self::Sqlite(path)
    }
}

impl FromStr for Database {
    type Err = NotADatabase;

    /// Reads `sqlite:PATH` or `postgres://…`.
    fn from_str(text: &str) -> Result<Self, NotADatabase> {
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return text.parse().map(Self::Postgres).map_err(|error: PostgresError| NotADatabase(error.to_string()));
        }
        match text.strip_prefix("sqlite:").filter(|path| !path.is_empty()) {
            Some(path) => Ok(Self::Sqlite(PathBuf::from(path))),
            None => {
                // A mistyped address may have a password in it.
                let shown = if text.contains('@') { String::new() } else { format!(" {text:?}") };
                let how = "write sqlite:PATH, for example sqlite:bank.db, or postgres://USER@HOST/DATABASE";
                Err(NotADatabase(format!("database{shown}: {how}")))
            }
        }
    }
}

/// As it is written, without user and password.
impl fmt::Display for Database {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(out, "sqlite:{}", path.display()),
            Self::Postgres(address) => address.fmt(out),
            Self::Memory(_) => out.write_str("memory"),
        }
    }
}

impl fmt::Display for DatabaseError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(error) => error.fmt(out),
            Self::Postgres(error) => error.fmt(out),
            Self::Memory(error) => error.fmt(out),
        }
    }
}

impl std::error::Error for DatabaseError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Sqlite(error) => error.source(),
            Self::Postgres(error) => error.source(),
            Self::Memory(error) => error.source(),
        }
    }
}

impl From<SqliteError> for DatabaseError {
    fn from(error: SqliteError) -> Self {
        Self::Sqlite(error)
    }
}

impl From<MemoryError> for DatabaseError {
    fn from(error: MemoryError) -> Self {
        Self::Memory(error)
    }
}

impl From<PostgresError> for DatabaseError {
    fn from(error: PostgresError) -> Self {
        Self::Postgres(error)
    }
}
