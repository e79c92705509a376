//! What became of a commit whose answer was lost. Its place in the writer's sequence says: only one row can stand there.

use cashpoint_core::change::Stamp;
use tokio_postgres::error::SqlState;

use super::WITHIN;
use super::incarnation::Incarnation;
use super::link::{self, Link, LinkError, Query};
use crate::store::StoreError;
use crate::store::rows;

/// A commit of which nobody knows what became of it; no other takes its place before that is known.
#[derive(Clone, Copy)]
pub(super) struct Unknown {
    pub(super) stamp: Stamp,
    /// How many events its writer has counted if it is there.
    pub(super) events: u64,
}

/// What became of a commit.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is there, and wherever commits must be before they are answered.
    Committed,
    /// It never can be: its place is taken by a row that says so.
    Void,
}

/// Takes the place of a commit, if it is not taken; says whether the commit has it.
pub(super) fn find_out(
    link: &mut Link,
    (writer, seq): (&Incarnation, u64),
    unknown: &Unknown,
) -> Result<Fate, LinkError> {
    let place = || -> Vec<link::Value<'static>> {
        vec![Box::new(i64::from(writer.number)), Box::new(i64::try_from(seq).unwrap_or(i64::MAX))]
    };
    let mut values = place();
    values.push(Box::new(unknown.stamp.now.micros()));
    values.push(Box::new(i64::from(unknown.stamp.business_date.days())));
    values.push(Box::new(i64::from(unknown.stamp.policy_version)));
    let insert =
        "INSERT INTO commits (writer, seq, now, business_date, policy_version, void) VALUES ($1, $2, $3, $4, $5, true)";
    match link.run_one(Query::new(insert, values), WITHIN) {
        Ok(_) => return Ok(Fate::Void),
        Err(LinkError::Refused(code, _)) if code == SqlState::UNIQUE_VIOLATION => {}
        Err(error) => return Err(error),
    }
    let sql = "SELECT void FROM commits WHERE writer = $1 AND seq = $2";
    let answer = link.run_one(Query::new(sql, place()), WITHIN)?;
    match answer.rows.first().map(|row| rows::truth(row, "void")) {
        // An earlier attempt of ours may have written it, and its answer was lost.
        Some(Ok(true)) => Ok(Fate::Void),
        // What ended the wait for its standbys made it visible all the same.
        Some(Ok(false)) => writer.has_all_kept(link).map(|()| Fate::Committed),
        Some(Err(error)) => Err(LinkError::Unreadable(error)),
        None => Err(LinkError::Unreadable(StoreError("a commit that stood in the way is gone".into()))),
    }
}
