//! What is only ever added and comes with every command: transfers, events, answers, the audit trail.

use std::collections::BTreeMap;

use cashpoint_core::change::New;
use cashpoint_core::event::{AuditRecord, Event};
use cashpoint_core::id::{RequestId, TransferId};
use cashpoint_core::ledger::{Entry, LedgerAccount, Transfer};
use cashpoint_core::outcome::Outcome;
use rusqlite::{CachedStatement, params};

use super::{Fault, Group, update, whole};
use crate::store::sqlite::policies;
use crate::store::sqlite::requests::Batch;
use crate::store::{codec, names};

/// What a group adds to an account that is written and never read, minor units.
#[derive(Clone, Copy, Default)]
struct Added {
    debits: i64,
    credits: i64,
}

impl Group<'_> {
    /// Everything added that carries its commit and its place in it.
    pub(super) fn ledger(&mut self) -> Result<Batch, Fault> {
        let (mut transfers, mut events, mut requests, mut audit) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        // Only these rows carry a place, and only they take one: 0, 1, 2 … so `verify` sees that one is missing.
        let mut places = 0_i64..;
        let mut next = || places.next().expect("a group has less than 2^63 changes");
        for new in &self.changes.new {
            match new {
                New::Transfer(row) => transfers.push((next(), row)),
                New::Event(row) => events.push((next(), row)),
                New::Request(id, outcome) => requests.push((next(), id, outcome)),
                New::Audit(row) => audit.push((next(), row)),
                New::Policy(version, policy) => {
                    policies::add(self.transaction, *version, policy, Some(self.changes.stamp.now))?;
                }
                New::Account(_)
                | New::Cash(_)
                | New::Customer(..)
                | New::Session(..)
                | New::Card(..)
                | New::Machine(..)
                | New::Withdrawal(..)
                | New::Operator(_)
                | New::DeadLetter(_)
                | New::Notice(_) => {}
            }
        }
        self.transfers(&transfers)?;
        self.events(&events)?;
        self.audit(&audit)?;
        self.requests(&requests)
    }

    fn transfers(&mut self, transfers: &[(i64, &Transfer)]) -> Result<(), Fault> {
        let mut bank: BTreeMap<LedgerAccount, Added> = BTreeMap::new();
        let mut insert = self.statement(
            "INSERT INTO transfers (id, kind, debit, credit, amount, debit_entry, debit_previous, debit_balance,
                 credit_entry, credit_previous, credit_balance, at, business_date, machine, machine_previous, card,
                 concerns, writer, seq, idx)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )?;
        for (idx, transfer) in transfers {
            let minor = transfer.amount().minor();
            if is_written_only(transfer.debit()) {
                let added = bank.entry(transfer.debit()).or_default();
                added.debits = sum(added.debits, minor)?;
            }
            if is_written_only(transfer.credit()) {
                let added = bank.entry(transfer.credit()).or_default();
                added.credits = sum(added.credits, minor)?;
            }
            let machine = self.memory.machine_if_any(self.transaction, transfer.context.machine)?;
            let before = match machine {
                None => None,
                Some(machine) => {
                    self.heads.transfers.insert(machine, transfer.id);
                    self.memory.next_transfer(self.transaction, machine, transfer.id)?
                }
            };
            self.transfer(&mut insert, (*idx, transfer), (machine, before))?;
        }
        self.bank_totals(&bank)
    }

    fn transfer(
        &mut self,
        insert: &mut CachedStatement<'_>,
        (idx, transfer): (i64, &Transfer),
        (machine, machine_previous): (Option<i64>, Option<TransferId>),
    ) -> Result<(), Fault> {
        let debit = self.memory.account(self.transaction, transfer.debit())?;
        let credit = self.memory.account(self.transaction, transfer.credit())?;
        let kind = self.memory.transfer_kind(transfer.kind)?;
        let number = |entry: &Option<Entry>| entry.map(|entry| whole(entry.number)).transpose();
        let previous = |entry: &Option<Entry>| entry.and_then(|entry| entry.previous).map(bytes);
        let balance = |entry: &Option<Entry>| entry.map(|entry| entry.balance);
        let context = &transfer.context;
        insert.execute(params![
            bytes(transfer.id),
            kind,
            debit,
            credit,
            transfer.amount().minor(),
            number(&transfer.debit_entry)?,
            previous(&transfer.debit_entry),
            balance(&transfer.debit_entry),
            number(&transfer.credit_entry)?,
            previous(&transfer.credit_entry),
            balance(&transfer.credit_entry),
            context.at.micros(),
            context.business_date.days(),
            machine,
            machine_previous.map(bytes),
            context.card.map(|card| card.number()),
            context.concerns.map(bytes),
            self.position.writer,
            whole(self.position.seq)?,
            idx,
        ])?;
        Ok(())
    }

    /// Adds to the totals of accounts without a floor, each once per group.
    fn bank_totals(&mut self, bank: &BTreeMap<LedgerAccount, Added>) -> Result<(), Fault> {
        let mut statement =
            self.statement("UPDATE accounts SET debits = debits + ?, credits = credits + ? WHERE id = ?")?;
        for (account, added) in bank {
            let id = self.memory.account(self.transaction, *account)?;
            update(&mut statement, (added.debits, added.credits, id))?;
        }
        Ok(())
    }

    fn events(&mut self, events: &[(i64, &Event)]) -> Result<(), Fault> {
        let mut insert = self.statement(
            "INSERT INTO events (id, customer, number, previous, kind, at, account, amount, currency, transfer, machine,
                 card, code, writer, seq, idx)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )?;
        for (idx, event) in events {
            let (id, previous) = self.memory.next_event(self.transaction, event.customer)?;
            self.heads.events.insert(event.customer, id);
            self.event(&mut insert, (*idx, event), (id, previous))?;
        }
        Ok(())
    }

    fn event(
        &mut self,
        insert: &mut CachedStatement<'_>,
        (idx, event): (i64, &Event),
        (id, previous): (i64, Option<i64>),
    ) -> Result<(), Fault> {
        let kind = self.memory.event_kind(event.kind)?;
        let about = &event.about;
        let machine = self.memory.machine_if_any(self.transaction, about.machine)?;
        insert.execute(params![
            id,
            event.customer.number(),
            whole(event.number)?,
            previous,
            kind,
            event.at.micros(),
            about.account.map(|account| whole(account.number())).transpose()?,
            about.amount.map(|amount| amount.minor()),
            about.amount.map(|amount| amount.currency().code()),
            about.transfer.map(bytes),
            machine,
            about.card.map(|card| card.number()),
            about.code,
            self.position.writer,
            whole(self.position.seq)?,
            idx,
        ])?;
        Ok(())
    }

    fn requests(&self, requests: &[(i64, &RequestId, &Outcome)]) -> Result<Batch, Fault> {
        let keys = requests.iter().map(|(_, request, _)| request.key);
        let batch = self.requests.number(self.transaction, keys)?.ok_or(Fault::Stale)?;
        let mut statement = self.statement(
            "INSERT INTO requests (n, key, content, outcome, writer, seq, idx) VALUES (?, ?, ?, ?, ?, ?, ?)",
        )?;
        let (writer, seq) = (self.position.writer, whole(self.position.seq)?);
        for (number, (idx, request, outcome)) in (self.requests.next()..).zip(requests) {
            let outcome = codec::encode(outcome)?;
            statement.execute((number, request.key, request.content, outcome, writer, seq, idx))?;
        }
        self.requests.sweep(self.transaction, &batch)?;
        Ok(batch)
    }

    fn audit(&self, audit: &[(i64, &AuditRecord)]) -> Result<(), Fault> {
        let mut statement = self.statement(
            "INSERT INTO audit (writer, seq, idx, actor, kind, subject, detail, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        )?;
        let (writer, seq) = (self.position.writer, whole(self.position.seq)?);
        for (idx, row) in audit {
            let AuditRecord { actor, kind, subject, detail, at } = row;
            statement.execute((writer, seq, idx, names::actor(*actor), kind.name(), subject, detail, at.micros()))?;
        }
        Ok(())
    }
}

/// Whether the account's row is only ever added to: no decision reads it.
const fn is_written_only(account: LedgerAccount) -> bool {
    match account {
        LedgerAccount::Bank(..) | LedgerAccount::Counter(..) => true,
        LedgerAccount::Customer(_) | LedgerAccount::AtmCash(..) | LedgerAccount::AtmInFlight(..) => false,
    }
}

fn sum(total: i64, minor: i64) -> Result<i64, Fault> {
    total.checked_add(minor).ok_or_else(|| Fault::Nonsense("a group's postings exceed 63 bits".to_owned()))
}

fn bytes(id: TransferId) -> [u8; 16] {
    id.bits().to_be_bytes()
}
