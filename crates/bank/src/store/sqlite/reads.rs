//! Everybody else's reads: look-ups before the queue, history, lists.
//!
//! Each call is one read transaction on a connection that cannot write, so it sees one state: that of the last commit
//! when it began. No call waits for the writer, and none makes it wait.

use std::collections::VecDeque;
use std::path::Path;

use cashpoint_core::account::Account;
use cashpoint_core::card::CardIdentity;
use cashpoint_core::customer::{Operator, PasswordHash, Profile, Sealed};
use cashpoint_core::facts::{Facts, Keys};
use cashpoint_core::id::{AccountNumber, CardId, CustomerId, Index, MachineId, TransferId};
use cashpoint_core::notification::{ChannelName, Cursor, DeadLetter, Place, Wish};
use cashpoint_core::policy::Policy;
use cashpoint_core::session::Session;
use rusqlite::{Connection, OptionalExtension, Row, Transaction};

use super::resolve::{card_identity, day_and_policy, row_id};
use super::{SqliteError, load, notifications, policies, schema};
use crate::store::history::{broken, delivered, history_entry, own_entry};
use crate::store::{Delivered, FeedRows, HistoryEntry, HistoryQuery, MachineView, Outgoing, Reads, StoreError, rows};

/// A connection for reading one SQLite file.
pub struct SqliteReads {
    pub(super) connection: Connection,
    /// The policy read last, by version: a version never changes.
    policy: Option<(u32, Policy)>,
}

impl SqliteReads {
    /// Opens a bank for reading; its writer may be running.
    ///
    /// # Errors
    /// [`SqliteError`] says what to do.
    pub fn open(path: &Path) -> Result<Self, SqliteError> {
        let connection = schema::connect(path, schema::Access::Read)?;
        schema::check(&connection, path)?;
        Ok(Self { connection, policy: None })
    }

    /// One state of the database for several queries.
    pub(super) fn snapshot(&self) -> Result<Transaction<'_>, StoreError> {
        Ok(self.connection.unchecked_transaction()?)
    }
}

impl Reads for SqliteReads {
    fn load(&mut self, keys: &Keys, facts: &mut Facts) -> Result<(), StoreError> {
        load::rows(&*self.snapshot()?, keys, facts)?;
        facts.settle_rows(keys);
        Ok(())
    }

    fn session(&mut self, token: &Index) -> Result<Option<Session>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT s.*, m.id AS place FROM sessions s LEFT JOIN machines m ON m.number = s.machine WHERE s.token = ?",
        )?;
        Ok(statement.query_row([token], |row| rows::session(row)).optional()?)
    }

    fn card_by_number(&mut self, indexes: &[Index]) -> Result<Option<CardId>, StoreError> {
        let snapshot = self.snapshot()?;
        let mut statement = snapshot.prepare_cached("SELECT card FROM card_numbers WHERE number_index = ?")?;
        for index in indexes {
            if let Some(card) = statement.query_row([index], |row| row.get(0).map(CardId::new)).optional()? {
                return Ok(Some(card));
            }
        }
        Ok(None)
    }

    fn card(&mut self, card: CardId) -> Result<Option<(CardIdentity, Sealed)>, StoreError> {
        let snapshot = self.snapshot()?;
        let mut statement = snapshot.prepare_cached("SELECT id, customer, expires, number FROM cards WHERE id = ?")?;
        let found = statement
            .query_row([card.number()], |row| Ok((card_identity(&snapshot, row)?, rows::sealed(row, "number")?)));
        Ok(found.optional()?)
    }

    fn customer_by_email(
        &mut self,
        indexes: &[Index],
    ) -> Result<Option<(CustomerId, Option<PasswordHash>)>, StoreError> {
        let snapshot = self.snapshot()?;
        let mut statement = snapshot.prepare_cached(
            "SELECT c.id, c.password_version, c.password_hash
             FROM emails e JOIN customers c ON c.id = e.customer WHERE e.email_index = ?",
        )?;
        for index in indexes {
            let found = statement
                .query_row([index], |row| Ok((CustomerId::new(row.get("id")?), rows::password(row)?)))
                .optional()?;
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    fn customer(&mut self, customer: CustomerId) -> Result<Option<(Profile, Option<PasswordHash>)>, StoreError> {
        let mut statement = self.connection.prepare_cached("SELECT * FROM customers WHERE id = ?")?;
        let found = statement.query_row([customer.number()], |row| Ok((rows::profile(row)?, rows::password(row)?)));
        Ok(found.optional()?)
    }

    fn accounts(&mut self, customer: CustomerId) -> Result<Vec<Account>, StoreError> {
        let mut statement =
            self.connection.prepare_cached("SELECT * FROM accounts WHERE customer = ? ORDER BY ordinal")?;
        let accounts = statement.query_map([customer.number()], |row| rows::account(row))?;
        Ok(accounts.collect::<rusqlite::Result<_>>()?)
    }

    fn account(&mut self, account: AccountNumber) -> Result<Option<Account>, StoreError> {
        let mut statement = self.connection.prepare_cached("SELECT * FROM accounts WHERE id = ?")?;
        Ok(row_id(account).and_then(|id| statement.query_row([id], |row| rows::account(row))).optional()?)
    }

    /// Walks the account's chain of entries backwards: a page costs its length, wherever it begins, and what `to` and
    /// `from` leave out before it.
    fn history(&mut self, query: &HistoryQuery) -> Result<Vec<HistoryEntry>, StoreError> {
        let snapshot = self.snapshot()?;
        let mut next = match query.before {
            None => last_entry(&snapshot, query.account)?,
            Some((number, holder)) => {
                let shown = entry_of(&snapshot, holder)?;
                let entry = shown.and_then(|shown| own_entry(&shown.transfer, query.account));
                entry.filter(|entry| entry.number == number).and_then(|entry| entry.previous)
            }
        };
        let mut page = Vec::new();
        while let Some(id) = next
            && page.len() < query.limit
        {
            let entry = entry_of(&snapshot, id)?.ok_or_else(|| broken(id))?;
            let at = entry.transfer.context.at;
            // Time never falls along an account's entries, so nothing further back is wanted either.
            if query.from.is_some_and(|from| at < from) {
                break;
            }
            next = own_entry(&entry.transfer, query.account).ok_or_else(|| broken(id))?.previous;
            if query.to.is_none_or(|to| at < to) {
                page.push(entry);
            }
        }
        Ok(page)
    }

    fn transfer(&mut self, id: TransferId) -> Result<Option<HistoryEntry>, StoreError> {
        Ok(entry_of(&self.connection, id)?)
    }

    /// Walks the machine's chain of transfers backwards: a page costs its length, wherever it begins.
    fn machine_transfers(
        &mut self,
        machine: MachineId,
        before: Option<TransferId>,
        limit: usize,
    ) -> Result<Vec<HistoryEntry>, StoreError> {
        let snapshot = self.snapshot()?;
        let mut next = match before {
            None => {
                let mut statement = snapshot.prepare_cached(
                    "SELECT h.last_transfer FROM machines m JOIN holdings h ON h.machine = m.number WHERE m.id = ?",
                )?;
                let head = |row: &Row<'_>| rows::transfer_id_if_any(row, "last_transfer");
                statement.query_row([machine.as_str()], head).optional()?.flatten()
            }
            Some(shown) => {
                let mut statement = snapshot.prepare_cached(
                    "SELECT t.machine_previous FROM transfers t JOIN machines m ON m.number = t.machine
                     WHERE t.id = ? AND m.id = ?",
                )?;
                let shown = (shown.bits().to_be_bytes(), machine.as_str());
                statement
                    .query_row(shown, |row| rows::transfer_id_if_any(row, "machine_previous"))
                    .optional()?
                    .flatten()
            }
        };
        let mut statement = snapshot.prepare_cached(TRANSFER)?;
        let mut page = Vec::new();
        while let Some(id) = next
            && page.len() < limit
        {
            let (entry, previous) = statement.query_row([id.bits().to_be_bytes()], |row| {
                Ok((history_entry(row)?, rows::transfer_id_if_any(row, "machine_previous")?))
            })?;
            page.push(entry);
            next = previous;
        }
        Ok(page)
    }

    fn machines(&mut self, only: Option<MachineId>) -> Result<Vec<MachineView>, StoreError> {
        let snapshot = self.snapshot()?;
        let mut statement = snapshot.prepare_cached(
            "SELECT m.*, s.location, s.status, s.session, h.cassettes, h.deposit_bin, h.reject_bin, h.retract_bin,
                 coalesce(f.credits - f.debits, 0) AS in_flight
             FROM machines m JOIN machine_states s ON s.machine = m.number JOIN holdings h ON h.machine = m.number
                 LEFT JOIN accounts f ON f.code = 'atm:' || m.id || ':in_flight:' || m.currency
             WHERE ?1 IS NULL OR m.id = ?1 ORDER BY m.id",
        )?;
        let machines = statement.query_map([only.as_ref().map(MachineId::as_str)], |row| {
            Ok(MachineView {
                identity: rows::machine_identity(row)?,
                machine: rows::machine(row)?,
                holdings: rows::holdings(row)?,
                in_flight: row.get("in_flight")?,
            })
        })?;
        Ok(machines.collect::<rusqlite::Result<_>>()?)
    }

    fn operator(&mut self, name: &str) -> Result<Option<Operator>, StoreError> {
        let mut statement = self.connection.prepare_cached("SELECT * FROM operators WHERE name = ?")?;
        Ok(statement.query_row([name], |row| rows::operator(row)).optional()?)
    }

    fn has_operators(&mut self) -> Result<bool, StoreError> {
        Ok(self.connection.prepare_cached("SELECT 1 FROM operators LIMIT 1")?.exists([])?)
    }

    fn policy(&mut self) -> Result<(u32, Policy), StoreError> {
        let snapshot = self.snapshot()?;
        let (_, version) = day_and_policy(&snapshot)?;
        if let Some((known, policy)) = &self.policy
            && *known == version
        {
            return Ok((version, policy.clone()));
        }
        let policy = policies::read(&snapshot, version)?;
        drop(snapshot);
        self.policy = Some((version, policy.clone()));
        Ok((version, policy))
    }

    /// Walks the customer's chain of events backwards to number `after`: costs as much as there is after it, so a
    /// reader that keeps up pays for what is new.
    fn events(&mut self, customer: CustomerId, after: u64, limit: usize) -> Result<Vec<Delivered>, StoreError> {
        let snapshot = self.snapshot()?;
        let mut head = snapshot.prepare_cached("SELECT last_event FROM customer_states WHERE id = ?")?;
        let mut next: Option<i64> = head.query_row([customer.number()], |row| row.get(0)).optional()?.flatten();
        let mut statement = snapshot.prepare_cached(
            "SELECT e.*, k.name AS kind_name, m.id AS place FROM events e JOIN event_kinds k ON k.code = e.kind
                 LEFT JOIN machines m ON m.number = e.machine WHERE e.id = ?",
        )?;
        let mut page = VecDeque::new();
        while let Some(id) = next {
            let (event, previous) = statement.query_row([id], |row| Ok((delivered(row)?, row.get("previous")?)))?;
            if event.event.number <= after {
                break;
            }
            page.push_front(event);
            page.truncate(limit);
            next = previous;
        }
        Ok(page.into())
    }

    fn feed(&mut self, channel: ChannelName) -> Result<Option<FeedRows>, StoreError> {
        let snapshot = self.snapshot()?;
        match notifications::feed(&snapshot, channel)? {
            None => Ok(None),
            Some(feed) => Ok(Some((feed, notifications::waiting(&snapshot, channel)?))),
        }
    }

    fn events_end(&mut self) -> Result<Cursor, StoreError> {
        Ok(notifications::events_end(&self.connection)?)
    }

    fn events_after(
        &mut self,
        channel: ChannelName,
        cursor: &Cursor,
        limit: usize,
    ) -> Result<Vec<Outgoing>, StoreError> {
        notifications::events_after(&self.connection, channel, cursor, limit)
    }

    fn event_places(&mut self, customer: CustomerId, from: u64, limit: usize) -> Result<Vec<Place>, StoreError> {
        Ok(notifications::event_places(&*self.snapshot()?, customer, from, limit)?)
    }

    fn events_at(&mut self, channel: ChannelName, places: &[Place]) -> Result<Vec<Outgoing>, StoreError> {
        notifications::events_at(&*self.snapshot()?, channel, places)
    }

    fn wishes(&mut self, customer: CustomerId) -> Result<Vec<(ChannelName, Wish)>, StoreError> {
        Ok(notifications::wishes(&self.connection, customer)?)
    }

    fn dead_letters(&mut self, before: Option<i64>, limit: usize) -> Result<Vec<(i64, DeadLetter)>, StoreError> {
        Ok(notifications::dead_letters(&self.connection, before, limit)?)
    }
}

/// One transfer with everything that its meaning takes.
const TRANSFER: &str = "SELECT t.*, k.name AS kind_name, d.code AS debit_code, c.code AS credit_code, d.currency,
         m.id AS place, s.state, s.paid, s.case_id
     FROM transfers t JOIN transfer_kinds k ON k.code = t.kind
         JOIN accounts d ON d.id = t.debit JOIN accounts c ON c.id = t.credit
         LEFT JOIN machines m ON m.number = t.machine LEFT JOIN withdrawal_states s ON s.id = t.id
     WHERE t.id = ?";

fn entry_of(connection: &Connection, id: TransferId) -> rusqlite::Result<Option<HistoryEntry>> {
    connection.prepare_cached(TRANSFER)?.query_row([id.bits().to_be_bytes()], |row| history_entry(row)).optional()
}

fn last_entry(connection: &Connection, account: AccountNumber) -> rusqlite::Result<Option<TransferId>> {
    let mut statement = connection.prepare_cached("SELECT head FROM accounts WHERE id = ?")?;
    let head = row_id(account).and_then(|id| statement.query_row([id], |row| rows::transfer_id_if_any(row, "head")));
    Ok(head.optional()?.flatten())
}
