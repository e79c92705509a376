//! A whole bank, row by row, for being taken elsewhere; nobody writes to it meanwhile.

use std::fs::File;
use std::path::Path;

use rusqlite::Connection;
use rusqlite::types::ValueRef;

use super::SqliteError;
use super::schema;
use crate::store::StoreError;
use crate::store::whole::{Kind, Value};

/// A bank's file that no host serves, and that none can while this is there.
pub(crate) struct Whole {
    connection: Connection,
    /// Held until the connection above is closed (fields are dropped in order).
    _lock: File,
}

impl Whole {
    /// Takes the place of the file's writer, and one state of the file.
    ///
    /// # Errors
    /// [`SqliteError::Locked`] if a host serves it; else as [`SqliteError`] says.
    pub(crate) fn open(path: &Path) -> Result<Self, SqliteError> {
        if !path.exists() {
            return Err(SqliteError::Missing(path.to_owned()));
        }
        let lock = schema::lock(path)?;
        Ok(Self { connection: super::snapshot(path)?, _lock: lock })
    }

    /// Hands out every row of a query whose columns are of these kinds.
    ///
    /// # Errors
    /// The file cannot be read, a value is of another kind, or what `each` says.
    pub(crate) fn rows<E: From<StoreError>>(
        &self,
        sql: &str,
        kinds: &[Kind],
        mut each: impl FnMut(Vec<Value>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut statement = self.connection.prepare(sql).map_err(StoreError::from)?;
        let mut rows = statement.query([]).map_err(StoreError::from)?;
        while let Some(row) = rows.next().map_err(StoreError::from)? {
            let read = |(at, kind): (usize, &Kind)| {
                let stored = row.get_ref(at).map_err(StoreError::from)?;
                value(stored, *kind).ok_or_else(|| StoreError(format!("{sql}: column {at} is no {kind:?}").into()))
            };
            each(kinds.iter().enumerate().map(read).collect::<Result<_, StoreError>>()?)?;
        }
        Ok(())
    }

    /// What all accounts come to, by currency: its code, debits, credits; as texts, as a server says it.
    ///
    /// # Errors
    /// The file cannot be read.
    pub(crate) fn totals(&self) -> Result<Vec<Vec<Value>>, StoreError> {
        let sql = "SELECT currency, CAST(sum(debits) AS TEXT), CAST(sum(credits) AS TEXT) FROM accounts
             GROUP BY currency ORDER BY currency";
        let mut totals = Vec::new();
        self.rows(sql, &[Kind::Text; 3], |row| -> Result<(), StoreError> {
            totals.push(row);
            Ok(())
        })?;
        Ok(totals)
    }

    /// Which numbers each writer's events have, in their order: writer, first, last.
    ///
    /// # Errors
    /// The file cannot be read.
    pub(crate) fn event_runs(&self) -> Result<Vec<(i64, i64, i64)>, StoreError> {
        // In the order of the key, so nothing is sorted and only the runs are kept.
        let mut statement = self.connection.prepare("SELECT id, writer FROM events ORDER BY id")?;
        let mut rows = statement.query([])?;
        let mut runs: Vec<(i64, i64, i64)> = Vec::new();
        while let Some(row) = rows.next()? {
            let (id, writer): (i64, i64) = (row.get(0)?, row.get(1)?);
            match runs.last_mut() {
                Some((last, _, to)) if *last == writer => *to = id,
                Some(_) | None => runs.push((writer, id, id)),
            }
        }
        Ok(runs)
    }
}

fn value(stored: ValueRef<'_>, kind: Kind) -> Option<Value> {
    Some(match (stored, kind) {
        (ValueRef::Null, _) => Value::Null,
        (ValueRef::Integer(number), Kind::Whole) => Value::Whole(number),
        (ValueRef::Integer(number @ (0 | 1)), Kind::Truth) => Value::Truth(number == 1),
        (ValueRef::Text(text), Kind::Text) => Value::Text(str::from_utf8(text).ok()?.to_owned()),
        (ValueRef::Blob(bytes), Kind::Bytes) => Value::Bytes(bytes.to_owned()),
        (ValueRef::Blob(bytes), Kind::Id) => Value::Id(bytes.try_into().ok()?),
        (ValueRef::Integer(_) | ValueRef::Real(_) | ValueRef::Text(_) | ValueRef::Blob(_), _) => return None,
    })
}
