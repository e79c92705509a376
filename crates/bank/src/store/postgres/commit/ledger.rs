//! What is only ever added and comes with every command: transfers, events, answers, the audit trail.

use std::collections::BTreeMap;

use cashpoint_core::change::New;
use cashpoint_core::event::{AuditRecord, Event};
use cashpoint_core::id::{RequestId, TransferId};
use cashpoint_core::ledger::{Entry, LedgerAccount, Transfer};
use cashpoint_core::outcome::Outcome;

use super::{Fault, Group, Must, insert, whole};
use crate::store::postgres::EVENTS_OF_A_WRITER;
use crate::store::postgres::binary::Binary;
use crate::store::postgres::link::{Query, Value, column};
use crate::store::postgres::values::Uuid;
use crate::store::{codec, names, policies};

/// What a group adds to an account that is written and never read, minor units.
#[derive(Clone, Copy, Default)]
struct Added {
    debits: i64,
    credits: i64,
}

/// What a transfer's row says apart from the transfer.
struct Placed<'a> {
    idx: i64,
    transfer: &'a Transfer,
    kind: i64,
    debit: i64,
    credit: i64,
    /// Numbers of the customers' entries.
    entries: (Option<i64>, Option<i64>),
    machine: Option<i64>,
    machine_previous: Option<TransferId>,
}

/// What an event's row says apart from the event.
struct Told<'a> {
    idx: i64,
    event: &'a Event,
    id: i64,
    number: i64,
    previous: Option<i64>,
    kind: i64,
    account: Option<i64>,
    machine: Option<i64>,
}

impl<'a> Group<'a> {
    /// Everything added that carries its commit and its place in it.
    pub(super) fn ledger(&mut self) -> Result<(), Fault> {
        let (mut transfers, mut events, mut requests, mut audit) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        // Only these rows carry a place, and only they take one: 0, 1, 2 … so `verify` sees that one is missing.
        let mut places = 0_i64..;
        let mut next = || places.next().expect("a group has less than 2^63 changes");
        let changes = self.changes;
        for new in &changes.new {
            match new {
                New::Transfer(row) => transfers.push((next(), row)),
                New::Event(row) => events.push((next(), row)),
                New::Request(id, outcome) => requests.push((next(), id, outcome)),
                New::Audit(row) => audit.push((next(), row)),
                New::Policy(version, policy) => {
                    let values: Vec<Value<'a>> = vec![
                        Box::new(i64::from(*version)),
                        Box::new(changes.stamp.now.micros()),
                        Box::new(policies::to_text(policy)),
                    ];
                    let sql = "INSERT INTO policies (version, at, settings) VALUES ($1, $2, $3)";
                    self.step(sql, values, Must::Whatever);
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

    /// The commit.
    fn place(&self) -> Result<(i64, i64), Fault> {
        Ok((self.position.writer.into(), whole(self.position.seq)?))
    }

    /// The commit and the place, by column, of rows with these places.
    fn places(&self, places: impl Iterator<Item = i64> + Clone) -> Result<[Value<'a>; 3], Fault> {
        let (writer, seq) = self.place()?;
        Ok([column(places.clone().map(|_| writer)), column(places.clone().map(|_| seq)), column(places)])
    }

    fn transfers(&mut self, transfers: &[(i64, &'a Transfer)]) -> Result<(), Fault> {
        if transfers.is_empty() {
            return Ok(());
        }
        let mut bank: BTreeMap<LedgerAccount, Added> = BTreeMap::new();
        let mut rows = Vec::with_capacity(transfers.len());
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
            let machine_previous = match transfer.context.machine {
                None => None,
                Some(machine) => {
                    self.moved.insert(machine, transfer.id);
                    self.held.heads.insert(machine, Some(transfer.id)).flatten()
                }
            };
            let number = |entry: &Option<Entry>| entry.map(|entry| whole(entry.number)).transpose();
            rows.push(Placed {
                idx: *idx,
                transfer,
                kind: self.transfer_kind(transfer.kind)?,
                debit: self.account(transfer.debit())?,
                credit: self.account(transfer.credit())?,
                entries: (number(&transfer.debit_entry)?, number(&transfer.credit_entry)?),
                machine: self.machine_if_any(transfer.context.machine)?,
                machine_previous,
            });
        }
        self.transfer_rows(&rows)?;
        self.bank_totals(&bank)
    }

    fn transfer_rows(&mut self, rows: &[Placed<'a>]) -> Result<(), Fault> {
        let (writer, seq) = self.place()?;
        let mut out = Binary::new(20, rows.len() * 240);
        for Placed { idx, transfer, kind, debit, credit, entries, machine, machine_previous } in rows {
            let previous = |entry: &Option<Entry>| entry.and_then(|entry| entry.previous);
            let balance = |entry: &Option<Entry>| entry.map(|entry| entry.balance);
            let context = &transfer.context;
            out.row().id(transfer.id).whole(*kind).whole(*debit).whole(*credit).whole(transfer.amount().minor());
            let debited = &transfer.debit_entry;
            out.whole_if_any(entries.0).id_if_any(previous(debited)).whole_if_any(balance(debited));
            let credited = &transfer.credit_entry;
            out.whole_if_any(entries.1).id_if_any(previous(credited)).whole_if_any(balance(credited));
            out.whole(context.at.micros()).whole(context.business_date.days().into());
            out.whole_if_any(*machine).id_if_any(*machine_previous);
            out.whole_if_any(context.card.map(|card| card.number())).id_if_any(context.concerns);
            out.whole(writer).whole(seq).whole(*idx);
        }
        self.copy(
            "COPY transfers (id, kind, debit, credit, amount, debit_entry, debit_previous, debit_balance, credit_entry,
                 credit_previous, credit_balance, at, business_date, machine, machine_previous, card, concerns, writer, seq,
                 idx) FROM STDIN BINARY",
            out,
            rows.len(),
        );
        Ok(())
    }

    /// Adds to this writer's totals of accounts without a floor, each once per group.
    fn bank_totals(&mut self, bank: &BTreeMap<LedgerAccount, Added>) -> Result<(), Fault> {
        if bank.is_empty() {
            return Ok(());
        }
        let ids = bank.keys().map(|account| self.account(*account)).collect::<Result<Vec<_>, _>>()?;
        let writer = i64::from(self.position.writer);
        let values: Vec<Value<'a>> = vec![
            Box::new(ids),
            column(bank.keys().map(|_| writer)),
            column(bank.values().map(|added| added.debits)),
            column(bank.values().map(|added| added.credits)),
        ];
        self.step(
            insert!(
                "bank_totals (account, writer, debits, credits)",
                "$1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[]",
                "(account, writer) DO UPDATE SET debits = bank_totals.debits + excluded.debits,
                     credits = bank_totals.credits + excluded.credits"
            ),
            values,
            Must::Whatever,
        );
        Ok(())
    }

    fn events(&mut self, events: &[(i64, &'a Event)]) -> Result<(), Fault> {
        if events.is_empty() {
            return Ok(());
        }
        let mut rows = Vec::with_capacity(events.len());
        for (idx, event) in events {
            self.events += 1;
            let id = self.event_id()?;
            let previous = self.known(event.customer).last_event.replace(id);
            self.told.insert(event.customer, id);
            rows.push(Told {
                idx: *idx,
                event,
                id,
                number: whole(event.number)?,
                previous,
                kind: self.event_kind(event.kind)?,
                account: event.about.account.map(|account| whole(account.number())).transpose()?,
                machine: self.machine_if_any(event.about.machine)?,
            });
        }
        let (writer, seq) = self.place()?;
        let mut out = Binary::new(16, rows.len() * 180);
        for Told { idx, event, id, number, previous, kind, account, machine } in &rows {
            let about = &event.about;
            out.row().whole(*id).whole(event.customer.number()).whole(*number).whole_if_any(*previous).whole(*kind);
            out.whole(event.at.micros()).whole_if_any(*account).whole_if_any(about.amount.map(|amount| amount.minor()));
            let currency = about.amount.map(|amount| amount.currency());
            out.text_if_any(currency.as_ref().map(|currency| currency.code())).id_if_any(about.transfer);
            out.whole_if_any(*machine).whole_if_any(about.card.map(|card| card.number())).text_if_any(about.code);
            out.whole(writer).whole(seq).whole(*idx);
        }
        self.copy(
            "COPY events (id, customer, number, previous, kind, at, account, amount, currency, transfer, machine, card, code,
                 writer, seq, idx) FROM STDIN BINARY",
            out,
            rows.len(),
        );
        Ok(())
    }

    /// The row id of the event that was counted last.
    fn event_id(&self) -> Result<i64, Fault> {
        let count = whole(self.events)?;
        if count >= EVENTS_OF_A_WRITER {
            return Err(Fault::Nonsense("this writer has no numbers for events left: restart the host".to_owned()));
        }
        Ok(i64::from(self.position.writer) * EVENTS_OF_A_WRITER + count)
    }

    fn requests(&mut self, requests: &[(i64, &'a RequestId, &'a Outcome)]) -> Result<(), Fault> {
        if requests.is_empty() {
            return Ok(());
        }
        let (writer, seq) = self.place()?;
        let mut out = Binary::new(6, requests.len() * 160);
        for (idx, request, outcome) in requests {
            out.row().id(Uuid(request.key)).id(Uuid(request.content)).bytes(&codec::encode(outcome)?);
            out.whole(writer).whole(seq).whole(*idx);
        }
        self.copy("COPY requests (key, content, outcome, writer, seq, idx) FROM STDIN BINARY", out, requests.len());
        Ok(())
    }

    /// Adds so many rows.
    fn copy(&mut self, sql: &'static str, rows: Binary, count: usize) {
        self.steps.push((Query::copy(sql, rows.finish()), Must::Change(count)));
    }

    fn audit(&mut self, audit: &[(i64, &'a AuditRecord)]) -> Result<(), Fault> {
        if audit.is_empty() {
            return Ok(());
        }
        let rows = || audit.iter().map(|(_, row)| *row);
        let mut values: Vec<Value<'a>> = self.places(audit.iter().map(|(idx, _)| *idx))?.into();
        values.extend([
            column(rows().map(|row| names::actor(row.actor))),
            column(rows().map(|row| row.kind.name())),
            column(rows().map(|row| row.subject.as_str())),
            column(rows().map(|row| row.detail.as_str())),
            column(rows().map(|row| row.at.micros())),
        ]);
        self.step(
            insert!(
                "audit (writer, seq, idx, actor, kind, subject, detail, at)",
                "$1::bigint[], $2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bigint[]"
            ),
            values,
            Must::Whatever,
        );
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
