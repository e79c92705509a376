//! Terminals, their leases and visits, cases and notices: which rows are read.
//!
//! What rows mean stands in `store/terminals.rs`, what is written in `commit/terminals.rs`.

use cashpoint_core::card::CardState;
use cashpoint_core::case::Case;
use cashpoint_core::enrolled::{EnrolledTerminal, SealedKeys, StoredNotice};
use cashpoint_core::facts::{Facts, Keys};
use cashpoint_core::id::{CardId, CaseId, MachineId, RequestKey, SessionId, TransferId};
use cashpoint_core::replenishment::Replenishment;
use cashpoint_core::session::Session;
use cashpoint_core::withdrawal::WithdrawalIdentity;
use rusqlite::{Connection, OptionalExtension, Row};

use super::resolve::fill;
use super::{SqliteReads, replenishments};
use crate::store::{CasesWanted, StoreError, TerminalReads, names, rows, terminals as codec};

type Read<T> = rusqlite::Result<T>;

/// Reads the rows of `keys` that this module knows and `facts` do not hold.
pub(super) fn load(connection: &Connection, keys: &Keys, facts: &mut Facts) -> Result<(), StoreError> {
    fill((&mut facts.cases, &keys.cases), connection, &cases("WHERE c.id = ?"), |statement, id| {
        statement.query_row([id.number()], |row| codec::case(row))
    })?;
    fill(
        (&mut facts.visits, &keys.visits),
        connection,
        "SELECT v.at FROM visits v JOIN machines m ON m.number = v.machine WHERE m.id = ? AND v.card = ?",
        |statement, (machine, card)| {
            statement.query_row((machine.as_str(), card.number()), |row| rows::time(row, "at"))
        },
    )?;
    fill((&mut facts.terminals, &keys.terminals), connection, &terminals("WHERE m.id = ?"), |statement, id| {
        statement.query_row([id.as_str()], |row| terminal(connection, row))
    })?;
    replenishments::load(connection, keys, facts)
}

fn cases(condition: &str) -> String {
    format!("SELECT c.*, m.id AS place FROM cases c JOIN machines m ON m.number = c.machine {condition}")
}

fn terminals(condition: &str) -> String {
    format!(
        "SELECT t.*, m.id AS place, m.currency FROM terminals t JOIN machines m ON m.number = t.machine {condition}"
    )
}

/// A row of `terminals`, place: the machine's id, and the machine's currency.
fn terminal(connection: &Connection, row: &Row<'_>) -> Read<EnrolledTerminal> {
    let (machine, currency) = (rows::whole(row, "machine")?, rows::currency(row, "currency")?);
    let sql = "SELECT * FROM leases WHERE machine = ? ORDER BY granted, nonce";
    let mut statement = connection.prepare_cached(sql)?;
    let leases = statement.query_map([machine], |row| codec::lease(row, currency))?.collect::<Read<_>>()?;
    codec::terminal(row, leases)
}

impl TerminalReads for SqliteReads {
    fn session_by_id(&mut self, id: SessionId) -> Result<Option<Session>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT s.*, m.id AS place FROM sessions s LEFT JOIN machines m ON m.number = s.machine WHERE s.id = ?",
        )?;
        Ok(statement.query_row([id.number()], |row| rows::session(row)).optional()?)
    }

    fn terminals(&mut self) -> Result<Vec<EnrolledTerminal>, StoreError> {
        let snapshot = self.snapshot()?;
        let mut statement = snapshot.prepare_cached(&terminals("ORDER BY m.id"))?;
        let read = statement.query_map([], |row| terminal(&snapshot, row))?;
        Ok(read.collect::<Read<_>>()?)
    }

    fn terminal_keys(&mut self, machine: MachineId) -> Result<Option<SealedKeys>, StoreError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT k.* FROM terminal_keys k JOIN machines m ON m.number = k.machine WHERE m.id = ?")?;
        Ok(statement.query_row([machine.as_str()], |row| codec::sealed_keys(row)).optional()?)
    }

    fn original(&mut self, request: RequestKey) -> Result<Option<WithdrawalIdentity>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT w.*, m.id AS place FROM withdrawals w JOIN machines m ON m.number = w.machine WHERE w.request = ?",
        )?;
        Ok(statement.query_row([request], |row| rows::withdrawal_identity(row)).optional()?)
    }

    fn unheard(&mut self, machine: MachineId) -> Result<Vec<TransferId>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT w.id FROM machines m JOIN withdrawals w ON w.machine = m.number JOIN withdrawal_states s ON s.id = w.id
             WHERE m.id = ? AND s.state = 'approved' ORDER BY w.id",
        )?;
        let read = statement.query_map([machine.as_str()], |row| rows::transfer_id(row, "id"))?;
        Ok(read.collect::<Read<_>>()?)
    }

    fn spent_cards(&mut self, machine: MachineId) -> Result<Vec<CardId>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT v.card FROM machines m JOIN visits v ON v.machine = m.number JOIN card_states s ON s.id = v.card
                 LEFT JOIN card_pins p ON p.card = v.card
             WHERE m.id = ? AND (s.state <> ? OR p.state IN ('blocked', 'locked'))",
        )?;
        let good = names::card_state(CardState::Active);
        let read = statement.query_map((machine.as_str(), good), |row| row.get(0).map(CardId::new))?;
        Ok(read.collect::<Read<_>>()?)
    }

    fn notices(&mut self, card: CardId) -> Result<Vec<(i64, StoredNotice)>, StoreError> {
        let mut statement =
            self.connection.prepare_cached("SELECT * FROM notices WHERE card = ? AND told = 0 ORDER BY id")?;
        let read = statement.query_map([card.number()], |row| codec::notice(row))?;
        Ok(read.collect::<Read<_>>()?)
    }

    fn case(&mut self, id: CaseId) -> Result<Option<Case>, StoreError> {
        let mut statement = self.connection.prepare_cached(&cases("WHERE c.id = ?"))?;
        Ok(statement.query_row([id.number()], |row| codec::case(row)).optional()?)
    }

    fn cases(&mut self, open: CasesWanted, after: i64, limit: usize) -> Result<Vec<Case>, StoreError> {
        let condition = match open {
            CasesWanted::Open => "WHERE c.id > ? AND c.resolved IS NULL ORDER BY c.id LIMIT ?",
            CasesWanted::All => "WHERE c.id > ? ORDER BY c.id LIMIT ?",
        };
        let mut statement = self.connection.prepare_cached(&cases(condition))?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let read = statement.query_map((after, limit), |row| codec::case(row))?;
        Ok(read.collect::<Read<_>>()?)
    }

    fn open_cases(&mut self, machine: MachineId) -> Result<Vec<Case>, StoreError> {
        let mut statement =
            self.connection.prepare_cached(&cases("WHERE m.id = ? AND c.resolved IS NULL ORDER BY c.opened, c.id"))?;
        let read = statement.query_map([machine.as_str()], |row| codec::case(row))?;
        Ok(read.collect::<Read<_>>()?)
    }

    fn replenishment(&mut self, machine: MachineId, number: u64) -> Result<Option<Replenishment>, StoreError> {
        replenishments::one(&self.connection, machine, number)
    }
}
