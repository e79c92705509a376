//! What the writer remembers of its database between commits: row ids and heads of chains.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use cashpoint_core::event::EventKind;
use cashpoint_core::id::{CustomerId, MachineId, TransferId};
use cashpoint_core::ledger::{LedgerAccount, TransferKind};
use rusqlite::{Connection, OptionalExtension};

use super::Fault;
use crate::store::daily::Day;
use crate::store::{StoreError, rows};

/// Customers whose row is remembered; above it all are looked up again.
const MOST_CUSTOMERS: usize = 1_000_000;

/// True for as long as the writer's commits succeed; there is no other writer.
pub(in crate::store::sqlite) struct Memory {
    transfer_kinds: HashMap<TransferKind, i64>,
    event_kinds: HashMap<EventKind, i64>,
    /// Row ids of machines.
    machines: HashMap<MachineId, i64>,
    /// Row ids of internal accounts.
    accounts: HashMap<LedgerAccount, i64>,
    /// What customers' rows say apart from what decisions know.
    customers: HashMap<CustomerId, Known>,
    /// Machines' last transfers, by the machine's row id.
    last_transfers: HashMap<i64, Option<TransferId>>,
    /// The lowest id of an internal account.
    lowest_account: i64,
    /// The highest id of an event.
    highest_event: i64,
}

/// What a customer's row says apart from what decisions know.
#[derive(Clone, Copy)]
struct Known {
    /// Row id of their last event, if they have one.
    last_event: Option<i64>,
    /// The day whose use stands there.
    used: Option<Day>,
}

impl Memory {
    /// Reads what has to be known before the first commit.
    pub(in crate::store::sqlite) fn read(connection: &Connection) -> Result<Self, StoreError> {
        let transfer_kinds = kinds(connection, "SELECT code, name FROM transfer_kinds", |name| {
            TransferKind::ALL.iter().copied().find(|kind| kind.name() == name)
        })?;
        let event_kinds = kinds(connection, "SELECT code, name FROM event_kinds", |name| {
            EventKind::ALL.iter().copied().find(|kind| kind.name() == name)
        })?;
        let lowest = "SELECT coalesce(min(id), 0) FROM accounts";
        let highest = "SELECT coalesce(max(id), 0) FROM events";
        Ok(Self {
            transfer_kinds,
            event_kinds,
            machines: HashMap::new(),
            accounts: HashMap::new(),
            customers: HashMap::new(),
            last_transfers: HashMap::new(),
            lowest_account: connection.query_row(lowest, [], |row| row.get::<_, i64>(0))?.min(0),
            highest_event: connection.query_row(highest, [], |row| row.get(0))?,
        })
    }

    pub(super) fn transfer_kind(&self, kind: TransferKind) -> Result<i64, Fault> {
        let code = self.transfer_kinds.get(&kind).copied();
        code.ok_or_else(|| Fault::Nonsense(format!("the schema has no transfers of kind {}", kind.name())))
    }

    pub(super) fn event_kind(&self, kind: EventKind) -> Result<i64, Fault> {
        let code = self.event_kinds.get(&kind).copied();
        code.ok_or_else(|| Fault::Nonsense(format!("the schema has no events of kind {}", kind.name())))
    }

    /// The row id of a machine that is there.
    pub(super) fn machine(&mut self, connection: &Connection, id: MachineId) -> Result<i64, Fault> {
        if let Some(number) = self.machines.get(&id) {
            return Ok(*number);
        }
        let mut statement = connection.prepare_cached("SELECT number FROM machines WHERE id = ?")?;
        let number = statement.query_row([id.as_str()], |row| row.get(0)).optional()?;
        let number = number.ok_or_else(|| Fault::Nonsense(format!("there is no machine {id}")))?;
        self.machines.insert(id, number);
        Ok(number)
    }

    /// As [`Self::machine`], if there is one to find.
    pub(super) fn machine_if_any(
        &mut self,
        connection: &Connection,
        id: Option<MachineId>,
    ) -> Result<Option<i64>, Fault> {
        id.map(|id| self.machine(connection, id)).transpose()
    }

    /// The row id of an account. The bank's own and counters' are made when they are first posted to.
    pub(super) fn account(&mut self, connection: &Connection, account: LedgerAccount) -> Result<i64, Fault> {
        if let LedgerAccount::Customer(number) = account {
            return super::whole(number.number());
        }
        if let Some(id) = self.accounts.get(&account) {
            return Ok(*id);
        }
        let mut statement = connection.prepare_cached("SELECT id FROM accounts WHERE code = ?")?;
        let id = match (statement.query_row([account.to_string()], |row| row.get(0)).optional()?, account) {
            (Some(id), _) => id,
            (None, LedgerAccount::Bank(..) | LedgerAccount::Counter(..)) => self.add_account(connection, account)?,
            (None, LedgerAccount::Customer(_) | LedgerAccount::AtmCash(..) | LedgerAccount::AtmInFlight(..)) => {
                return Err(Fault::Nonsense(format!("there is no account {account}")));
            }
        };
        self.accounts.insert(account, id);
        Ok(id)
    }

    /// Makes an empty internal account.
    pub(super) fn add_account(&mut self, connection: &Connection, account: LedgerAccount) -> Result<i64, Fault> {
        let currency = match account {
            LedgerAccount::AtmCash(_, currency)
            | LedgerAccount::AtmInFlight(_, currency)
            | LedgerAccount::Counter(_, currency)
            | LedgerAccount::Bank(_, currency) => currency,
            LedgerAccount::Customer(_) => return Err(Fault::Nonsense(format!("{account} is not an internal account"))),
        };
        self.lowest_account -= 1;
        let mut statement = connection
            .prepare_cached("INSERT INTO accounts (id, code, currency, debits, credits) VALUES (?, ?, ?, 0, 0)")?;
        statement.execute((self.lowest_account, account.to_string(), currency.code()))?;
        self.accounts.insert(account, self.lowest_account);
        Ok(self.lowest_account)
    }

    /// Gives a customer's next event its row id; says which event of theirs came before.
    pub(super) fn next_event(
        &mut self,
        connection: &Connection,
        customer: CustomerId,
    ) -> Result<(i64, Option<i64>), Fault> {
        self.highest_event += 1;
        let next = self.highest_event;
        Ok((next, self.known(connection, customer)?.last_event.replace(next)))
    }

    /// The day whose use stands in a customer's row.
    pub(super) fn used(&mut self, connection: &Connection, customer: CustomerId) -> Result<Option<Day>, Fault> {
        Ok(self.known(connection, customer)?.used)
    }

    /// Another day's use is written into a customer's row.
    pub(super) fn use_on(&mut self, customer: CustomerId, day: Day) {
        if let Some(known) = self.customers.get_mut(&customer) {
            known.used = Some(day);
        }
    }

    fn known(&mut self, connection: &Connection, customer: CustomerId) -> Result<&mut Known, Fault> {
        // What this group changed is not in the rows yet: it is forgotten between groups only.
        match self.customers.entry(customer) {
            Entry::Occupied(known) => Ok(known.into_mut()),
            Entry::Vacant(place) => {
                let mut statement = connection
                    .prepare_cached("SELECT last_event, used_on, used_currency FROM customer_states WHERE id = ?")?;
                let known = statement.query_row([customer.number()], |row| {
                    let used = match row.get::<_, Option<i64>>("used_on")? {
                        None => None,
                        Some(_) => Some((rows::date(row, "used_on")?, rows::currency(row, "used_currency")?)),
                    };
                    Ok(Known { last_event: row.get("last_event")?, used })
                });
                let nobody = Known { last_event: None, used: None };
                Ok(place.insert(known.optional()?.unwrap_or(nobody)))
            }
        }
    }

    /// Keeps within bounds; between groups.
    pub(super) fn trim(&mut self) {
        if self.customers.len() > MOST_CUSTOMERS {
            self.customers.clear();
        }
    }

    /// Says which transfer was a machine's last, and makes `id` the last.
    pub(super) fn next_transfer(
        &mut self,
        connection: &Connection,
        machine: i64,
        id: TransferId,
    ) -> Result<Option<TransferId>, Fault> {
        let previous = match self.last_transfers.get(&machine) {
            Some(last) => *last,
            None => {
                let mut statement =
                    connection.prepare_cached("SELECT last_transfer FROM holdings WHERE machine = ?")?;
                let head = statement.query_row([machine], |row| rows::transfer_id_if_any(row, "last_transfer"));
                head.optional()?.flatten()
            }
        };
        self.last_transfers.insert(machine, Some(id));
        Ok(previous)
    }
}

fn kinds<K: Eq + std::hash::Hash>(
    connection: &Connection,
    sql: &str,
    find: impl Fn(&str) -> Option<K>,
) -> Result<HashMap<K, i64>, StoreError> {
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([])?;
    let mut kinds = HashMap::new();
    while let Some(row) = rows.next()? {
        // A kind that only a newer program knows is none that this one writes.
        if let Some(kind) = find(row.get_ref("name")?.as_str().map_err(rusqlite::Error::from)?) {
            kinds.insert(kind, row.get("code")?);
        }
    }
    Ok(kinds)
}
