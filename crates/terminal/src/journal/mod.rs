//! The journal as a file: one SQLite database, append-only, every record chained to the one before by a MAC.
//!
//! An append returns when the record is synced (WAL, `synchronous=FULL`). What a crash tore off was never acknowledged
//! and is dropped by SQLite. Anything else that is not as it was written stops the terminal: evidence is kept, nothing
//! is repaired. A little disk space is kept back (the ballast) so that what was begun can be finished on a full disk.

mod ballast;

use std::fmt;
use std::path::{Path, PathBuf};

use cashpoint_core::terminal::JournalFailure;
use cashpoint_core::terminal::journal::{Fill, Journal};
use cashpoint_core::terminal::record::{Entry, Record};
use cashpoint_core::time::Timestamp;
use cashpoint_wire::journal::{self as wire, ChainError, ChainKey, Head};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, TransactionBehavior, ffi, params};

use crate::operation::Chained;
use ballast::Ballast;

/// So many entries' MACs are kept after the entries were dropped: the host may know the journal up to one of them, and a
/// terminal that cannot say what stood there is doubted. Days of work, and no more than a few hundred kilobytes.
const KEPT_HEADS: i64 = 4_096;

/// Bytes that a record costs besides its body: its MAC, number, instant and place in the file.
const RECORD_OVERHEAD: u64 = 64;

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS journal (
        id       INTEGER PRIMARY KEY CHECK (id = 1),
        base_n   INTEGER NOT NULL CHECK (base_n >= 0),            -- the last entry that was dropped; 0: none was
        base_mac BLOB NOT NULL CHECK (length(base_mac) = 32)      -- its MAC, which the first kept entry is chained to
    ) STRICT;
    CREATE TABLE IF NOT EXISTS records (
        n    INTEGER PRIMARY KEY CHECK (n >= 1),                  -- 1, 2, 3 … without gaps
        at   INTEGER NOT NULL,                                    -- microseconds since the Unix epoch, the terminal's clock
        body BLOB NOT NULL,                                       -- the record, as `docs/journal.md` says
        mac  BLOB NOT NULL CHECK (length(mac) = 32)               -- over the MAC before it, n, at and body
    ) STRICT;
    CREATE TABLE IF NOT EXISTS heads (
        n   INTEGER PRIMARY KEY CHECK (n >= 1),                   -- an entry that was dropped
        mac BLOB NOT NULL CHECK (length(mac) = 32)                -- its MAC
    ) STRICT;
";

/// Limits of a journal, in bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// What may be used in ordinary work.
    pub limit: u64,
    /// What is kept back for finishing what was begun.
    pub reserve: u64,
}

impl Default for Limits {
    /// 64 MiB, and one for the worst case.
    fn default() -> Self {
        Self { limit: 64 << 20, reserve: 1 << 20 }
    }
}

/// Why a journal cannot be opened. The file is left as it is.
#[derive(Debug)]
pub enum JournalError {
    /// The file cannot be opened or is no SQLite database any more.
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// What SQLite says.
        source: rusqlite::Error,
    },
    /// Somebody else has it open.
    InUse {
        /// Which file.
        path: PathBuf,
    },
    /// An entry is not what was written under this key.
    Tampered {
        /// Which file.
        path: PathBuf,
        /// What is wrong, and where.
        what: ChainError,
    },
    /// Its beginning was cut off: what it begins with does not stand for what came before.
    Beheaded {
        /// Which file.
        path: PathBuf,
    },
}

/// No database is smaller, bytes: SQLite's smallest page.
const SMALLEST: u64 = 512;

impl fmt::Display for JournalError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable { path, source } => write!(out, "the journal {} cannot be read: {source}", path.display()),
            Self::InUse { path } => write!(out, "the journal {} is in use by another process", path.display()),
            Self::Tampered { path, what } => {
                write!(
                    out,
                    "the journal {} is not what was written: {what}; keep the file and call staff",
                    path.display()
                )
            }
            Self::Beheaded { path } => write!(
                out,
                "the journal {} lacks its beginning, and nothing stands for it; keep the file and call staff",
                path.display()
            ),
        }
    }
}

impl std::error::Error for JournalError {}

/// An open journal.
pub struct JournalFile {
    connection: Connection,
    key: ChainKey,
    head: Head,
    used: u64,
    limits: Limits,
    ballast: Ballast,
    /// Set by a failure after which nobody knows what the file holds.
    broken: bool,
}

impl JournalFile {
    /// Opens the journal, or makes a new one, and reads all of it.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn open(path: &Path, key: ChainKey, limits: Limits) -> Result<(Self, Vec<Entry>), JournalError> {
        let unreadable = |source| unreadable(path, source);
        whole_or_new(path).map_err(unreadable)?;
        let connection = connect(path).map_err(unreadable)?;
        let (base, entries) = read(&connection, path, &key)?;
        let used = used(&connection).map_err(unreadable)?;
        let head = entries.last().map_or(base, |(_, head)| *head);
        let entries = entries.into_iter().map(|(entry, _)| entry).collect();
        let ballast = Ballast::beside(path, limits.reserve);
        Ok((Self { connection, key, head, used, limits, ballast, broken: false }, entries))
    }

    fn fill(&self) -> Fill {
        let limit = self.limits.limit;
        // Without its ballast the disk is full: nothing more is to be promised.
        let used = if self.ballast.is_there() { self.used } else { self.used.max(limit) };
        Fill { used, limit }
    }

    fn write(&mut self, record: &Record, at: Timestamp) -> Result<(), rusqlite::Error> {
        let body = wire::encode(record);
        let n = self.head.n + 1;
        let head = self.key.chain(&self.head, n, at, &body);
        let sql = "INSERT INTO records (n, at, body, mac) VALUES (?, ?, ?, ?)";
        self.connection.prepare_cached(sql)?.execute(params![n.cast_signed(), at.micros(), body, head.mac])?;
        self.head = head;
        self.used += body.len() as u64 + RECORD_OVERHEAD;
        Ok(())
    }

    fn drop_before(&mut self, keep_from: u64) -> Result<(), rusqlite::Error> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let keep_from = keep_from.cast_signed();
        transaction.execute(
            "UPDATE journal SET (base_n, base_mac) = (SELECT n, mac FROM records WHERE n = ?1)
             WHERE EXISTS (SELECT 1 FROM records WHERE n = ?1)",
            [keep_from - 1],
        )?;
        transaction.execute("INSERT INTO heads (n, mac) SELECT n, mac FROM records WHERE n < ?", [keep_from])?;
        transaction.execute("DELETE FROM heads WHERE n < ?", [keep_from - KEPT_HEADS])?;
        transaction.execute("DELETE FROM records WHERE n < ?", [keep_from])?;
        transaction.commit()?;
        self.used = used(&self.connection)?;
        Ok(())
    }

    /// Tries again what failed for want of room, once the ballast made some.
    fn with_room<T>(
        &mut self,
        mut act: impl FnMut(&mut Self) -> Result<T, rusqlite::Error>,
    ) -> Result<T, JournalFailure> {
        let why = match act(self) {
            Ok(done) => return Ok(done),
            Err(error) => failure(&error),
        };
        let again = why == JournalFailure::DiskFull && self.ballast.drop_it();
        let why = if again {
            match act(self) {
                Ok(done) => return Ok(done),
                Err(error) => failure(&error),
            }
        } else {
            why
        };
        self.broken = why == JournalFailure::Broken;
        Err(why)
    }
}

impl Journal for JournalFile {
    fn append(&mut self, record: &Record, at: Timestamp) -> Result<Fill, JournalFailure> {
        if self.broken {
            return Err(JournalFailure::Broken);
        }
        if self.used >= self.limits.limit + self.limits.reserve {
            return Err(JournalFailure::Full);
        }
        self.with_room(|journal| journal.write(record, at))?;
        self.ballast.put_back();
        Ok(self.fill())
    }

    fn forget(&mut self, keep_from: u64) -> Result<Fill, JournalFailure> {
        if self.broken {
            return Err(JournalFailure::Broken);
        }
        self.with_room(|journal| journal.drop_before(keep_from))?;
        self.ballast.put_back();
        Ok(self.fill())
    }
}

impl Chained for JournalFile {
    fn head(&self) -> Head {
        self.head
    }

    fn at(&self, n: u64) -> Option<Head> {
        if n == self.head.n {
            return Some(self.head);
        }
        let sql = "SELECT mac FROM records WHERE n = ?1 UNION ALL SELECT mac FROM heads WHERE n = ?1
                   UNION ALL SELECT base_mac FROM journal WHERE base_n = ?1";
        let found = self
            .connection
            .prepare_cached(sql)
            .and_then(|mut statement| statement.query_row([n.cast_signed()], |row| row.get(0)).optional());
        found
            .unwrap_or_else(|error| {
                tracing::error!(%error, "the journal cannot be read");
                None
            })
            .map(|mac| Head { n, mac })
    }

    fn self_test(&mut self) -> Result<(), JournalFailure> {
        if self.broken {
            return Err(JournalFailure::Broken);
        }
        if self.used >= self.limits.limit + self.limits.reserve {
            return Err(JournalFailure::Full);
        }
        // The reserve is synced when it is made: where it fits, a record does. With it, what is begun can be finished.
        self.ballast.put_back();
        if self.ballast.is_there() { Ok(()) } else { Err(JournalFailure::DiskFull) }
    }
}

fn connect(path: &Path) -> Result<Connection, rusqlite::Error> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(std::time::Duration::ZERO)?;
    // Exclusive: the file has one terminal, and a second process must fail at once.
    connection
        .execute_batch("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;")?;
    connection.execute_batch(SCHEMA)?;
    let first = "INSERT INTO journal (id, base_n, base_mac) VALUES (1, 0, zeroblob(32)) ON CONFLICT DO NOTHING";
    connection.execute(first, [])?;
    Ok(connection)
}

/// What a journal begins behind, and its entries, each with the head that it makes.
pub type Everything = (Head, Vec<(Entry, Head)>);

/// Reads all of a journal that no terminal has open, and leaves the file as it is.
///
/// # Errors
/// [`JournalError`].
pub fn read_only(path: &Path, key: &ChainKey) -> Result<Everything, JournalError> {
    let unreadable = |source| unreadable(path, source);
    // A log beside it is read too, which only a connection that could write may do; it is not copied into the file.
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE).map_err(unreadable)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).map_err(unreadable)?;
    connection.busy_timeout(std::time::Duration::ZERO).map_err(unreadable)?;
    read(&connection, path, key)
}

fn read(connection: &Connection, path: &Path, key: &ChainKey) -> Result<Everything, JournalError> {
    let unreadable = |source| unreadable(path, source);
    let sql = "SELECT base_n, base_mac FROM journal WHERE id = 1";
    let head = |row: &rusqlite::Row<'_>| Ok(Head { n: row.get::<_, i64>(0)?.cast_unsigned(), mac: row.get(1)? });
    let base = connection.query_row(sql, [], head).map_err(unreadable)?;
    let mut statement = connection.prepare("SELECT n, at, body, mac FROM records ORDER BY n").map_err(unreadable)?;
    let mut rows = statement.query([]).map_err(unreadable)?;
    let (mut last, mut entries) = (base, Vec::new());
    while let Some(row) = rows.next().map_err(unreadable)? {
        let n: i64 = row.get(0).map_err(unreadable)?;
        let at: i64 = row.get(1).map_err(unreadable)?;
        let body: Vec<u8> = row.get(2).map_err(unreadable)?;
        let mac: [u8; 32] = row.get(3).map_err(unreadable)?;
        let written = wire::Written { n: n.cast_unsigned(), at: Timestamp::from_micros(at), body: &body, mac };
        let tampered = |what| JournalError::Tampered { path: path.to_owned(), what };
        let (entry, head) = key.read(&last, &written).map_err(tampered)?;
        last = head;
        entries.push((entry, head));
    }
    // Only looked up later; a file that was cut there is to be found out now.
    connection.query_row("SELECT count(*) FROM heads", [], |_| Ok(())).map_err(unreadable)?;
    let begins_well = match entries.first() {
        None => base.n == 0,
        Some((entry, _)) => entry.n == 1 || matches!(entry.record, Record::Summary(_)),
    };
    if begins_well { Ok((base, entries)) } else { Err(JournalError::Beheaded { path: path.to_owned() }) }
}

fn used(connection: &Connection) -> Result<u64, rusqlite::Error> {
    let sql = "SELECT coalesce(sum(length(body) + ?), 0) FROM records";
    connection.query_row(sql, [RECORD_OVERHEAD.cast_signed()], |row| row.get::<_, i64>(0)).map(i64::cast_unsigned)
}

/// SQLite takes the first bytes of a database for a new one; what they belonged to is lost, and nobody would hear of it.
fn whole_or_new(path: &Path) -> Result<(), rusqlite::Error> {
    match std::fs::metadata(path) {
        Ok(file) if (1..SMALLEST).contains(&file.len()) => {
            let cut = format!("it ends after {} bytes", file.len());
            Err(rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_NOTADB), Some(cut)))
        }
        Ok(_) | Err(_) => Ok(()),
    }
}

fn unreadable(path: &Path, source: rusqlite::Error) -> JournalError {
    match source.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => JournalError::InUse { path: path.to_owned() },
        _ => JournalError::Unreadable { path: path.to_owned(), source },
    }
}

fn failure(error: &rusqlite::Error) -> JournalFailure {
    tracing::error!(%error, "the journal cannot be written");
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => JournalFailure::DiskFull,
        _ => JournalFailure::Broken,
    }
}

#[cfg(test)]
mod tests;
