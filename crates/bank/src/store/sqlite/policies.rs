//! Versions of the policy, added and read. What is written stands in `store/policies.rs`.

use cashpoint_core::policy::Policy;
use cashpoint_core::time::Timestamp;
use rusqlite::Connection;

use crate::store::{StoreError, policies, rows};

/// Adds a version; `at` is when it came into force, none for a new database's first.
pub(super) fn add(
    connection: &Connection,
    version: u32,
    policy: &Policy,
    at: Option<Timestamp>,
) -> Result<(), rusqlite::Error> {
    let mut statement = connection.prepare_cached("INSERT INTO policies (version, at, settings) VALUES (?, ?, ?)")?;
    statement.execute((version, at.map(Timestamp::micros), policies::to_text(policy)))?;
    Ok(())
}

/// Reads a version that is there.
pub(in crate::store) fn read(connection: &Connection, version: u32) -> Result<Policy, StoreError> {
    let mut statement = connection.prepare_cached("SELECT settings FROM policies WHERE version = ?")?;
    let policy = statement.query_row([version], |row| {
        let text: String = row.get(0)?;
        policies::from_text(&text).map_err(|error| rows::corrupt("policies.settings", error))
    })?;
    Ok(policy)
}
