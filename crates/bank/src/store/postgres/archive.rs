//! Taking history of months that are over out of the hot tables, beside hosts that serve.
//!
//! Rows move a few thousand at a time, each batch in one statement: whenever it is broken off, every row is in one of the two
//! tables, and the next run goes on. Nothing here is read by a decision, so no decision notices.

use std::time::Duration;

use cashpoint_core::time::Timestamp;

use super::address::Address;
use super::link::{Link, Query, Value};
use super::schema::{self, PostgresError};
use super::values::Uuid;
use super::{CLOCK, EVENTS_OF_A_WRITER};
use crate::store::rows;
use crate::store::{Archived, Archiving, StoreError};

/// A batch that takes longer than this is stuck.
const WITHIN: Duration = Duration::from_secs(600);

/// Transfers: after, before (by id), before (by time), how many. Ids begin with their instant, so the oldest come first
/// and none is looked at in vain.
const TRANSFERS: &str = "WITH due AS (
         SELECT id FROM transfers WHERE id > $1 AND id < $2 AND at < $3 ORDER BY id LIMIT $4),
     taken AS (DELETE FROM transfers WHERE id IN (SELECT id FROM due) RETURNING *),
     put AS (INSERT INTO archived_transfers SELECT * FROM taken RETURNING id)
     SELECT (SELECT count(*) FROM put) AS moved, (SELECT count(*) FROM due) AS due,
         (SELECT id FROM due ORDER BY id DESC LIMIT 1) AS last";

/// A writer's events: after, before (by id), before (by time), how many. Time never falls along them.
const EVENTS: &str = "WITH first AS (
         SELECT id, at FROM events WHERE id > $1 AND id < $2 ORDER BY id LIMIT $4),
     due AS (SELECT id FROM first WHERE at < $3),
     taken AS (DELETE FROM events WHERE id IN (SELECT id FROM due) RETURNING *),
     put AS (INSERT INTO archived_events SELECT * FROM taken RETURNING id)
     SELECT (SELECT count(*) FROM put) AS moved, (SELECT count(*) FROM due) AS due,
         (SELECT id FROM due ORDER BY id DESC LIMIT 1) AS last";

/// Moves the history before a month. `None`: that month has not begun, by the server's clock.
///
/// # Errors
/// [`PostgresError`] says what to do; what was moved until then stays moved.
pub fn archive(address: &Address, archiving: Archiving) -> Result<Option<Archived>, PostgresError> {
    let mut link = schema::connect(address)?;
    schema::check(&mut link, address)?;
    let clock = link.run_one(Query::plain(CLOCK), WITHIN)?;
    let clock = clock.rows.first().map(|row| rows::time(row, "clock")).transpose()?;
    let before = archiving.before.begins();
    if clock.is_none_or(|clock| clock < before) {
        return Ok(None);
    }
    let mut runs = Runs { link, at_once: i64::try_from(archiving.at_once.get()).unwrap_or(i64::MAX), before };
    let transfers = runs.transfers()?;
    let mut events = 0;
    for writer in runs.writers()? {
        events += runs.events(writer)?;
    }
    Ok(Some(Archived { transfers, events }))
}

struct Runs {
    link: Link,
    at_once: i64,
    before: Timestamp,
}

/// What a batch came to.
struct Batch {
    moved: u64,
    /// Whether there may be more.
    full: bool,
}

impl Runs {
    fn writers(&mut self) -> Result<Vec<i64>, StoreError> {
        let found = self.link.run_one(Query::plain("SELECT id FROM writers ORDER BY id"), WITHIN)?;
        found.rows.iter().map(|row| rows::whole(row, "id")).collect()
    }

    fn transfers(&mut self) -> Result<u64, StoreError> {
        let milliseconds = u128::from(self.before.micros().max(0).unsigned_abs() / 1_000);
        let end = Uuid((milliseconds << 80).to_be_bytes());
        let (mut after, mut moved) = (Uuid([0; 16]), 0);
        loop {
            let (batch, last) =
                self.batch(TRANSFERS, [Box::new(after), Box::new(end)], |row| rows::array(row, "last"))?;
            moved += batch.moved;
            match last {
                Some(last) if batch.full => after = Uuid(last),
                Some(_) | None => return Ok(moved),
            }
        }
    }

    fn events(&mut self, writer: i64) -> Result<u64, StoreError> {
        let end = (writer + 1) * EVENTS_OF_A_WRITER;
        let (mut after, mut moved) = (writer * EVENTS_OF_A_WRITER, 0);
        loop {
            let (batch, last) = self.batch(EVENTS, [Box::new(after), Box::new(end)], |row| rows::whole(row, "last"))?;
            moved += batch.moved;
            match last {
                Some(last) if batch.full => after = last,
                Some(_) | None => return Ok(moved),
            }
        }
    }

    fn batch<T>(
        &mut self,
        sql: &'static str,
        range: [Value<'_>; 2],
        last: impl Fn(&tokio_postgres::Row) -> Result<T, StoreError>,
    ) -> Result<(Batch, Option<T>), StoreError> {
        let mut values: Vec<Value<'_>> = range.into();
        values.push(Box::new(self.before.micros()));
        values.push(Box::new(self.at_once));
        let answer = self.link.run_one(Query::new(sql, values), WITHIN)?;
        let row = answer.rows.first().ok_or_else(|| StoreError("a batch has no answer".into()))?;
        let due: i64 = rows::whole(row, "due")?;
        let batch = Batch { moved: rows::number(row, "moved")?, full: due == self.at_once };
        tracing::debug!(moved = batch.moved, "archived");
        Ok((batch, (due > 0).then(|| last(row)).transpose()?))
    }
}
