//! The server: which one, whether it can be trusted with money, its schema's version.
//!
//! Only an empty database gets its schema by being opened; an older schema waits for [`migrate`]. Any number of hosts may
//! open one database at once.

use std::fmt;
use std::time::Duration;

use super::address::Address;
use super::link::{Link, LinkError, Query};
use crate::store::rows::{self, Row};
use crate::store::{Migrated, StoreError};

mod migrations {
    refinery::embed_migrations!("migrations/postgres");
}

/// The settings on which durability and the deadlines rest. A commit is durable when it returns: on this server's disk, and
/// where the server has synchronous standbys, applied there too, so that a read that is answered by one sees it.
/// A wait for somebody else's lock ends, and a host that stands still in the middle of a group lets go of its locks.
const SETTINGS: &str = "SET synchronous_commit = remote_apply;
     SET lock_timeout = '2s';
     SET idle_in_transaction_session_timeout = '5s'";

/// The money path looks rows up by key and does nothing else: no statistics, however old, make it do otherwise. And
/// nothing it does is worth compiling. Servers that do not know these settings do without them.
const PLANS: [&str; 5] = [
    "SET enable_seqscan = off",
    "SET enable_hashjoin = off",
    "SET enable_mergejoin = off",
    "SET jit = off",
    "SET plan_cache_mode = force_generic_plan",
];

/// What a read may take at most.
const READING: &str = "SET statement_timeout = '10s'; SET default_transaction_read_only = on; SET jit = off";

/// Migrations may take their time.
const MIGRATING: Duration = Duration::from_secs(3_600);

/// How often making the schema is tried where others make it too.
const MAKING: usize = 5;

/// How long a question about the server itself may take.
const ASKING: Duration = Duration::from_secs(10);

/// Why a database was not opened.
#[derive(Debug)]
pub enum PostgresError {
    /// The address cannot be read.
    Address(String),
    /// The server may lose what it says it has.
    Unsafe(&'static str),
    /// The database is one of something else, or of a bank that was never finished making.
    NotABank(Address),
    /// A bank was to be put into it, and something is there already.
    NotEmpty(Address),
    /// The schema is older than this program's.
    NeedsMigration {
        /// Version of the database.
        have: u32,
        /// Version of this program.
        want: u32,
    },
    /// The schema is newer than this program's.
    Newer {
        /// Version of the database.
        have: u32,
        /// Version of this program.
        want: u32,
    },
    /// The database cannot be read or written.
    Database(StoreError),
}

impl fmt::Display for PostgresError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(why) => write!(out, "the database's address: {why}"),
            Self::Unsafe(setting) => {
                write!(
                    out,
                    "the server runs with {setting}: after a power cut it could lose or tear money, so set it to on"
                )
            }
            Self::NotABank(address) => write!(out, "{address}: this is not a bank's database"),
            Self::NotEmpty(address) => {
                write!(out, "{address}: there is something in this database already: name an empty one")
            }
            Self::NeedsMigration { have, want } => write!(
                out,
                "the database has schema version {have}, this program needs {want}: run `cashpoint migrate`"
            ),
            Self::Newer { have, want } => write!(
                out,
                "the database has schema version {have}, this program knows only {want}: use a newer program"
            ),
            Self::Database(error) => error.fmt(out),
        }
    }
}

impl std::error::Error for PostgresError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Database(error) => Some(error),
            Self::Address(_)
            | Self::Unsafe(_)
            | Self::NotABank(_)
            | Self::NotEmpty(_)
            | Self::NeedsMigration { .. }
            | Self::Newer { .. } => None,
        }
    }
}

impl From<LinkError> for PostgresError {
    fn from(error: LinkError) -> Self {
        Self::Database(error.into())
    }
}

impl From<StoreError> for PostgresError {
    fn from(error: StoreError) -> Self {
        Self::Database(error)
    }
}

impl From<PostgresError> for StoreError {
    fn from(error: PostgresError) -> Self {
        Self(Box::new(error))
    }
}

/// Brings the schema of an existing database up to date; all of it or nothing.
///
/// # Errors
/// [`PostgresError`]; no host should be running on it.
pub fn migrate(address: &Address) -> Result<Migrated, PostgresError> {
    let mut link = trusted(address)?;
    let from = version(&mut link)?.filter(|version| *version > 0);
    let from = from.ok_or_else(|| PostgresError::NotABank(address.clone()))?;
    let want = latest_version();
    if from > want {
        return Err(PostgresError::Newer { have: from, want });
    }
    run_migrations(&mut link)?;
    Ok(Migrated { from, to: want })
}

/// A connection for writing, with its settings; of a server that keeps what it says it has.
pub(super) fn connect(address: &Address) -> Result<Link, PostgresError> {
    let mut link = trusted(address)?;
    for setting in PLANS {
        match link.script(setting, ASKING) {
            Ok(()) | Err(LinkError::Refused(..)) => {}
            Err(error @ (LinkError::Lost(_) | LinkError::Unreadable(_))) => return Err(error.into()),
        }
    }
    Ok(link)
}

/// A connection that reads for the money path, by key as the writer's does.
pub(super) fn connect_aside(address: &Address) -> Result<Link, PostgresError> {
    let mut link = connect(address)?;
    link.script("SET default_transaction_read_only = on", ASKING)?;
    Ok(link)
}

/// A connection for reading.
pub(super) fn connect_reader(address: &Address) -> Result<Link, PostgresError> {
    let mut link = Link::connect(address)?;
    link.script(READING, ASKING)?;
    check(&mut link, address)?;
    Ok(link)
}

/// A connection for writing to a server that keeps what it says it has.
pub(super) fn trusted(address: &Address) -> Result<Link, PostgresError> {
    let mut link = Link::connect(address)?;
    link.script(SETTINGS, ASKING)?;
    let settings = "SELECT current_setting('fsync', true) AS fsync, current_setting('full_page_writes', true) AS pages";
    let answer = link.run_one(Query::plain(settings), ASKING)?;
    for row in &answer.rows {
        for (column, off) in [("fsync", "fsync = off"), ("pages", "full_page_writes = off")] {
            if row.text(column)? == Some("off") {
                return Err(PostgresError::Unsafe(off));
            }
        }
    }
    Ok(link)
}

/// Makes the schema in an empty database; anything but this program's version is an error. Of several hosts that come at
/// once, one makes it; what the others run into is no error if the schema is there afterwards.
pub(super) fn make_or_check(link: &mut Link, address: &Address) -> Result<(), PostgresError> {
    for attempt in 1.. {
        if version(link)? != Some(0) {
            break;
        }
        match run_migrations(link) {
            Err(error) if attempt == MAKING => return Err(error),
            Ok(()) | Err(_) => {}
        }
    }
    check(link, address)
}

/// Which server this is: two that have the same bank, because one was a copy of the other, began at different times. Empty
/// if it does not say.
pub(super) fn server(link: &mut Link) -> Result<String, LinkError> {
    match link.run_one(Query::plain("SELECT pg_postmaster_start_time()::text AS began"), ASKING) {
        Ok(answer) => {
            let row = answer.rows.first().expect("a question without a table has one answer");
            rows::text(row, "began").map_err(LinkError::Unreadable)
        }
        Err(LinkError::Refused(..)) => Ok(String::new()),
        Err(error) => Err(error),
    }
}

/// Whether the schema is this program's.
pub(super) fn check(link: &mut Link, address: &Address) -> Result<(), PostgresError> {
    let want = latest_version();
    match version(link)? {
        Some(have) if have == want => Ok(()),
        Some(have) if have > want => Err(PostgresError::Newer { have, want }),
        None | Some(0) => Err(PostgresError::NotABank(address.clone())),
        Some(have) => Err(PostgresError::NeedsMigration { have, want }),
    }
}

/// The schema version of a database: 0 if it is empty, none if it is somebody else's.
fn version(link: &mut Link) -> Result<Option<u32>, PostgresError> {
    let tables = "SELECT count(*) AS present, count(*) FILTER (WHERE table_name = 'refinery_schema_history') AS ours
         FROM information_schema.tables WHERE table_schema = current_schema()";
    let answer = link.run_one(Query::plain(tables), ASKING)?;
    let row = answer.rows.first().expect("a count is one row");
    let (all, ours) = (rows::whole(row, "present")?, rows::whole(row, "ours")?);
    if ours == 0 {
        return Ok((all == 0).then_some(0));
    }
    let last = "SELECT coalesce(max(version), 0) AS version FROM refinery_schema_history";
    let answer = link.run_one(Query::plain(last), ASKING)?;
    let row = answer.rows.first().expect("a maximum is one row");
    Ok(Some(rows::number(row, "version")?))
}

fn latest_version() -> u32 {
    let versions = migrations::migrations::runner().get_migrations().iter().map(refinery::Migration::version).max();
    let newest = versions.expect("there is at least the first migration");
    u32::try_from(newest).expect("versions are counted by hand")
}

fn run_migrations(link: &mut Link) -> Result<(), PostgresError> {
    let runner = migrations::migrations::runner().set_grouped(true);
    Ok(link.migrate(&runner, MIGRATING)?)
}
