//! An empty database that a whole bank is put into: in one transaction, so that it is there with all of it or not at all.

use std::time::Duration;

use super::address::Address;
use super::link::{Link, Query};
use super::schema::{self, PostgresError};
use super::snapshot::Snapshot;
use super::{EVENTS_OF_A_WRITER, SCANNING};
use crate::store::StoreError;
use crate::store::rows;
use crate::store::whole::{BANK_TOTALS, Kind, Streams, Sums, TABLES, Table, Value};

/// Rows that go to the server together: some megabytes at most.
const TOGETHER: usize = 4_096;

/// Nothing is cut short by the server, however long it takes: whoever waits here is the only one.
const PATIENCE: &str = "SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0; SET jit = off";

/// What accounts come to, those included whose totals stand by writer.
const TOTALS: &str = "SELECT currency, sum(debits)::text AS debits, sum(credits)::text AS credits
     FROM (SELECT currency, debits, credits FROM accounts
         UNION ALL SELECT a.currency, t.debits, t.credits FROM bank_totals t JOIN accounts a ON a.id = t.account) AS posted
     GROUP BY currency ORDER BY currency COLLATE \"C\"";

/// A database that is being filled. Unless it is committed, nothing of it stays.
pub(crate) struct Target {
    link: Link,
}

impl Target {
    /// Takes an empty database, or one with the empty schema of this program's version, and begins to fill it.
    ///
    /// # Errors
    /// [`PostgresError::NotEmpty`] if anything is there; else as [`PostgresError`] says.
    pub(crate) fn open(address: &Address) -> Result<Self, PostgresError> {
        let mut link = schema::trusted(address)?;
        link.script(PATIENCE, SCANNING)?;
        schema::make_or_check(&mut link, address)?;
        link.script("BEGIN ISOLATION LEVEL REPEATABLE READ", SCANNING)?;
        let mut target = Self { link };
        for table in target.tables()?.iter().filter(|table| !table.filled.comes_with_the_schema()) {
            if target.sums(table)?.rows > 0 {
                return Err(PostgresError::NotEmpty(address.clone()));
            }
        }
        Ok(target)
    }

    /// The tables, in the order in which they can be filled. There is no other.
    pub(crate) fn tables(&mut self) -> Result<Vec<Table>, StoreError> {
        let sql =
            "SELECT table_name::text AS table_name, column_name::text AS column_name, data_type::text AS data_type
             FROM information_schema.columns JOIN information_schema.tables USING (table_schema, table_name)
             WHERE table_schema = current_schema() AND table_type = 'BASE TABLE'
                 AND table_name <> 'refinery_schema_history'
             ORDER BY table_name, ordinal_position";
        let found = self.link.run_one(Query::plain(sql), SCANNING)?;
        let mut tables: Vec<Table> =
            TABLES.iter().map(|(name, filled)| Table { name, filled: *filled, columns: Vec::new() }).collect();
        for row in &found.rows {
            let (table, column) = (rows::text(row, "table_name")?, rows::text(row, "column_name")?);
            let kind = Kind::of(&rows::text(row, "data_type")?);
            match (tables.iter_mut().find(|known| known.name == table), kind) {
                (Some(table), Some(kind)) => table.columns.push((column, kind)),
                (_, _) => return Err(rows::corrupt(&format!("{table}.{column}"), "nothing is known of it")),
            }
        }
        match tables.iter().find(|table| table.columns.is_empty()) {
            Some(missing) => Err(rows::corrupt(missing.name, "there is no such table")),
            None => Ok(tables),
        }
    }

    /// How a file's events are numbered here.
    pub(crate) fn streams(runs: Vec<(i64, i64, i64)>) -> Result<Streams, StoreError> {
        Streams::new(runs, EVENTS_OF_A_WRITER)
    }

    /// Adds rows to a table; takes them as they come.
    pub(crate) fn filling<'a>(&'a mut self, table: &'a Table) -> Filling<'a> {
        let columns: Vec<String> = table.columns.iter().map(|(column, _)| format!("\"{column}\"")).collect();
        let sql = format!("COPY \"{}\" ({}) FROM STDIN BINARY", table.name, columns.join(", "));
        Filling { link: &mut self.link, table, sql, waiting: Vec::new() }
    }

    /// Fills what is reckoned from rows that are here.
    pub(crate) fn compute(&mut self) -> Result<(), StoreError> {
        Ok(self.link.script(BANK_TOTALS, SCANNING)?)
    }

    /// How many rows a table has, and each column's sum.
    pub(crate) fn sums(&mut self, table: &Table) -> Result<Sums, StoreError> {
        let columns: Vec<String> = table.columns.iter().map(|(column, kind)| kind.sum(column)).collect();
        let sql = format!("SELECT count(*), {} FROM \"{}\"", columns.join(", "), table.name);
        let mut sums = self.link.ask(&sql, SCANNING)?.into_iter().map(|sum| match sum {
            Some(sum) => sum.parse().map_err(|error| rows::corrupt::<StoreError>(table.name, error)),
            // There are no values.
            None => Ok(0_i128),
        });
        let rows = sums.next().unwrap_or_else(|| Err(rows::corrupt(table.name, "it has no count")))?;
        Ok(Sums { rows, columns: sums.collect::<Result<_, _>>()? })
    }

    /// What all accounts come to, by currency: its code, debits, credits.
    pub(crate) fn totals(&mut self) -> Result<Vec<Vec<Value>>, StoreError> {
        let found = self.link.run_one(Query::plain(TOTALS), SCANNING)?;
        let text = |row, column| rows::text(row, column).map(Value::Text);
        found
            .rows
            .iter()
            .map(|row| Ok(vec![text(row, "currency")?, text(row, "debits")?, text(row, "credits")?]))
            .collect()
    }

    /// Tells the server how much there is of what, so that reading it from end to end is planned well.
    pub(crate) fn analyse(&mut self) -> Result<(), StoreError> {
        Ok(self.link.script("ANALYZE", SCANNING)?)
    }

    /// From now on there is a bank.
    pub(crate) fn commit(mut self) -> Result<(), StoreError> {
        Ok(self.link.script("COMMIT", SCANNING)?)
    }
}

/// For reading what was put there before it is committed.
impl From<Target> for Snapshot {
    fn from(target: Target) -> Self {
        Self::of(target.link)
    }
}

impl From<Snapshot> for Target {
    fn from(snapshot: Snapshot) -> Self {
        Self { link: snapshot.into_link() }
    }
}

/// A table that is being filled.
pub(crate) struct Filling<'a> {
    link: &'a mut Link,
    table: &'a Table,
    sql: String,
    waiting: Vec<Vec<Value>>,
}

impl Filling<'_> {
    /// Adds a row.
    pub(crate) fn add(&mut self, row: Vec<Value>) -> Result<(), StoreError> {
        self.waiting.push(row);
        if self.waiting.len() >= TOGETHER { self.send() } else { Ok(()) }
    }

    /// Adds what still waits.
    pub(crate) fn finish(mut self) -> Result<(), StoreError> {
        self.send()
    }

    fn send(&mut self) -> Result<(), StoreError> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let kinds: Vec<_> = self.table.columns.iter().map(|(_, kind)| kind.on_the_server()).collect();
        let sent = self.link.fill(&self.sql, &kinds, &self.waiting, WITHIN_A_BATCH);
        self.waiting.clear();
        sent.map(drop).map_err(|error| StoreError(format!("{}: {}", self.table.name, StoreError::from(error)).into()))
    }
}

/// A server that does not take a batch within this is gone.
const WITHIN_A_BATCH: Duration = Duration::from_secs(600);
