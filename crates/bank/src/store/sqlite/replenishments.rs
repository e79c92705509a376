//! Exchanges of terminals' cassettes: which rows are read.
//!
//! What rows mean stands in `store/replenishments.rs`, what is written in `commit/terminals.rs`.

use cashpoint_core::facts::{Facts, Keys};
use cashpoint_core::id::MachineId;
use cashpoint_core::replenishment::Replenishment;
use rusqlite::{Connection, OptionalExtension};

use super::resolve::fill;
use crate::store::{StoreError, replenishments as codec};

const ALL: &str = "SELECT r.*, m.id AS place, m.currency FROM replenishments r JOIN machines m ON m.number = r.machine";

/// Reads the latest of each terminal in `keys` that `facts` do not hold.
pub(super) fn load(connection: &Connection, keys: &Keys, facts: &mut Facts) -> Result<(), StoreError> {
    let latest = format!("{ALL} WHERE m.id = ? ORDER BY r.number DESC LIMIT 1");
    fill((&mut facts.replenishments, &keys.replenishments), connection, &latest, |statement, id| {
        statement.query_row([id.as_str()], |row| codec::replenishment(row))
    })
}

/// One of a terminal's.
pub(super) fn one(
    connection: &Connection,
    machine: MachineId,
    number: u64,
) -> Result<Option<Replenishment>, StoreError> {
    let Ok(number) = i64::try_from(number) else { return Ok(None) };
    let mut statement = connection.prepare_cached(&format!("{ALL} WHERE m.id = ? AND r.number = ?"))?;
    Ok(statement.query_row((machine.as_str(), number), |row| codec::replenishment(row)).optional()?)
}
