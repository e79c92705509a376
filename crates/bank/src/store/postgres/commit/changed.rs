//! Rows that change, each written once per group, as it is after the group's last command.

use cashpoint_core::card::{PinCounter, PinKey};
use cashpoint_core::customer::Profile;
use cashpoint_core::id::Index;
use cashpoint_core::session::SessionState;

use super::{Fault, Group, Must, insert, whole};
use crate::store::names;
use crate::store::postgres::link::{Value, column};
use crate::store::postgres::values::Uuid;

/// What is written of sessions, by column.
pub(super) fn session_states<'a>(states: impl Iterator<Item = &'a SessionState> + Clone) -> Vec<Value<'a>> {
    let ended = || states.clone().map(|state| state.ended);
    vec![
        column(states.clone().map(|state| state.id.number())),
        column(states.clone().map(|state| state.active.micros())),
        column(states.clone().map(|state| i64::from(state.generation))),
        column(ended().map(|ended| ended.map(|(at, _)| at.micros()))),
        column(ended().map(|ended| ended.map(|(_, why)| names::end_reason(why)))),
    ]
}

/// What is written of a count of wrong PINs.
struct PinRow {
    state: &'static str,
    wrong: Option<i64>,
    blocks: Option<i64>,
    until: Option<i64>,
}

impl From<PinCounter> for PinRow {
    fn from(counter: PinCounter) -> Self {
        let (state, wrong, blocks, until) = match counter {
            PinCounter::Open { wrong, blocks } => ("open", Some(wrong), Some(blocks), None),
            PinCounter::Blocked { until, blocks } => ("blocked", None, Some(blocks), Some(until.micros())),
            PinCounter::Locked => ("locked", None, None, None),
        };
        Self { state, wrong: wrong.map(i64::from), blocks: blocks.map(i64::from), until }
    }
}

impl<'a> Group<'a> {
    /// Accounts, machines' cash.
    pub(super) fn changed_money(&mut self) -> Result<(), Fault> {
        let changes = self.changes;
        if !changes.accounts.is_empty() {
            let rows = || changes.accounts.values();
            let ids = changes.accounts.keys().map(|number| whole(number.number())).collect::<Result<Vec<_>, _>>()?;
            let entries = rows().map(|row| whole(row.entries)).collect::<Result<Vec<_>, _>>()?;
            let values: Vec<Value<'a>> = vec![
                Box::new(ids),
                column(rows().map(|row| row.totals.debits)),
                column(rows().map(|row| row.totals.credits)),
                Box::new(entries),
                column(rows().map(|row| row.head.map(Uuid::from))),
                column(rows().map(|row| row.closed.map(|closed| closed.micros()))),
            ];
            self.step(
                "UPDATE accounts a SET debits = u.debits, credits = u.credits, entries = u.entries, head = u.head,
                     closed = u.closed
                 FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::uuid[], $6::bigint[])
                     AS u (id, debits, credits, entries, head, closed)
                 WHERE a.id = u.id",
                values,
                Must::Change(changes.accounts.len()),
            );
        }
        if !changes.cash.is_empty() {
            let ids = changes.cash.keys().map(|account| self.account(*account)).collect::<Result<Vec<_>, _>>()?;
            let values: Vec<Value<'a>> = vec![
                Box::new(ids),
                column(changes.cash.values().map(|row| row.totals.debits)),
                column(changes.cash.values().map(|row| row.totals.credits)),
            ];
            self.step(
                "UPDATE accounts a SET debits = u.debits, credits = u.credits
                 FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS u (id, debits, credits) WHERE a.id = u.id",
                values,
                Must::Change(changes.cash.len()),
            );
        }
        Ok(())
    }

    /// Sessions, customers' data and passwords, tries.
    pub(super) fn changed_people(&mut self) -> Result<(), Fault> {
        let changes = self.changes;
        if !changes.sessions.is_empty() {
            self.step(
                "UPDATE session_states s SET active = u.active, generation = u.generation, ended = u.ended, why = u.why
                 FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::text[])
                     AS u (id, active, generation, ended, why)
                 WHERE s.id = u.id",
                session_states(changes.sessions.values()),
                Must::Change(changes.sessions.len()),
            );
        }
        for (profile, retired) in changes.profiles.values() {
            self.change_profile(profile, retired);
        }
        for (id, password) in &changes.passwords {
            self.step(
                "UPDATE customers SET password_version = $1, password_hash = $2 WHERE id = $3",
                vec![Box::new(i64::from(password.version)), Box::new(&password.phc), Box::new(id.number())],
                Must::Change(1),
            );
        }
        let absent = std::mem::take(&mut self.held.absent.tries);
        let (added, kept): (Vec<_>, Vec<_>) =
            changes.tries.iter().partition(|(identity, _)| absent.contains(*identity));
        for (sql, rows) in [
            (insert!("tries (identity, arrival)", "$1::bytea[], $2::bigint[]"), added),
            (
                insert!(
                    "tries (identity, arrival)",
                    "$1::bytea[], $2::bigint[]",
                    "(identity) DO UPDATE SET arrival = excluded.arrival"
                ),
                kept,
            ),
        ] {
            if !rows.is_empty() {
                let identities = column(rows.iter().map(|(identity, _)| identity.as_slice()));
                self.step(sql, vec![identities, column(rows.iter().map(|(_, tries)| tries.arrival))], Must::Whatever);
            }
        }
        Ok(())
    }

    fn change_profile(&mut self, profile: &'a Profile, retired: &'a [Index]) {
        let (email, email_index) = profile.email.as_ref().map(|(email, index)| (&email.0, index.as_slice())).unzip();
        self.step(
            "UPDATE customers SET name = $1, data_key_version = $2, data_key = $3, email = $4, email_index = $5, phone = $6,
                 address = $7 WHERE id = $8",
            vec![
                Box::new(&profile.name),
                Box::new(i64::from(profile.data_key.0)),
                Box::new(&profile.data_key.1.0),
                Box::new(email),
                Box::new(email_index),
                Box::new(profile.phone.as_ref().map(|phone| &phone.0)),
                Box::new(profile.address.as_ref().map(|address| &address.0)),
                Box::new(profile.customer.number()),
            ],
            Must::Change(1),
        );
        let customer = profile.customer.number();
        for index in retired {
            self.step(
                "DELETE FROM emails WHERE email_index = $1 AND customer = $2",
                vec![Box::new(index.as_slice()), Box::new(customer)],
                Must::Whatever,
            );
        }
        if let Some(index) = email_index {
            // Another customer's address is refused by the key; one's own may stand there already.
            self.step(
                "INSERT INTO emails (email_index, customer) SELECT $1::bytea, $2::bigint
                 WHERE NOT EXISTS (SELECT 1 FROM emails WHERE email_index = $1 AND customer = $2)",
                vec![Box::new(index), Box::new(customer)],
                Must::Whatever,
            );
        }
    }

    /// Cards, counts of wrong PINs, machines and their cash.
    pub(super) fn changed_places(&mut self) -> Result<(), Fault> {
        let changes = self.changes;
        if !changes.cards.is_empty() {
            let rows = || changes.cards.values();
            let values: Vec<Value<'a>> = vec![
                column(rows().map(|row| row.id.number())),
                column(rows().map(|row| names::card_state(row.state))),
                column(rows().map(|row| i64::from(row.verifier.version))),
                column(rows().map(|row| row.verifier.mac.as_slice())),
                column(rows().map(|row| row.session.map(|session| session.number()))),
            ];
            self.step(
                "UPDATE card_states c
                 SET state = u.state, verifier_version = u.version, verifier = u.verifier, session = u.session
                 FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::bytea[], $5::bigint[])
                     AS u (id, state, version, verifier, session)
                 WHERE c.id = u.id",
                values,
                Must::Change(changes.cards.len()),
            );
        }
        self.changed_pins();
        for (id, row) in &changes.machines {
            let number = self.machine(*id)?;
            self.step(
                "UPDATE machine_states SET location = $1, status = $2, session = $3 WHERE machine = $4",
                vec![
                    Box::new(&row.location),
                    Box::new(names::machine_status(row.status)),
                    Box::new(row.session.map(|session| session.number())),
                    Box::new(number),
                ],
                Must::Change(1),
            );
        }
        self.changed_holdings()
    }

    fn changed_pins(&mut self) {
        let changes = self.changes;
        let absent = std::mem::take(&mut self.held.absent.pins);
        for (key, counter) in &changes.pins {
            let (sql, id): (_, Value<'a>) = match (key, absent.contains(key)) {
                (PinKey::Card(card), true) => {
                    ("INSERT INTO card_pins (card, state, wrong, blocks, until) VALUES ($1, $2, $3, $4, $5)", Box::new(card.number()))
                }
                (PinKey::Card(card), false) => (
                    "INSERT INTO card_pins (card, state, wrong, blocks, until) VALUES ($1, $2, $3, $4, $5)
                     ON CONFLICT (card) DO UPDATE SET
                         state = excluded.state, wrong = excluded.wrong, blocks = excluded.blocks, until = excluded.until",
                    Box::new(card.number()),
                ),
                (PinKey::Unknown(index), true) => (
                    "INSERT INTO unknown_pins (number_index, state, wrong, blocks, until) VALUES ($1, $2, $3, $4, $5)",
                    Box::new(index.as_slice()),
                ),
                (PinKey::Unknown(index), false) => (
                    "INSERT INTO unknown_pins (number_index, state, wrong, blocks, until) VALUES ($1, $2, $3, $4, $5)
                     ON CONFLICT (number_index) DO UPDATE SET
                         state = excluded.state, wrong = excluded.wrong, blocks = excluded.blocks, until = excluded.until",
                    Box::new(index.as_slice()),
                ),
            };
            let PinRow { state, wrong, blocks, until } = (*counter).into();
            let values = vec![id, Box::new(state), Box::new(wrong), Box::new(blocks), Box::new(until)];
            self.step(sql, values, Must::Whatever);
        }
    }

    /// Cassettes, bins and the head of the chain of transfers, in one row.
    fn changed_holdings(&mut self) -> Result<(), Fault> {
        let changes = self.changes;
        let mut heads = std::mem::take(&mut self.moved);
        if !changes.holdings.is_empty() {
            let ids = changes.holdings.keys().map(|id| self.machine(*id)).collect::<Result<Vec<_>, _>>()?;
            let lasts: Vec<Option<Uuid>> = changes.holdings.keys().map(|id| heads.remove(id).map(Uuid::from)).collect();
            let rows = || changes.holdings.values();
            let values: Vec<Value<'a>> = vec![
                Box::new(ids),
                column(rows().map(|row| names::cassettes(&row.cassettes))),
                column(rows().map(|row| row.deposit_bin)),
                column(rows().map(|row| row.reject_bin)),
                column(rows().map(|row| row.retract_bin)),
                Box::new(lasts),
            ];
            self.step(
                "UPDATE holdings h SET cassettes = u.cassettes, deposit_bin = u.deposit_bin, reject_bin = u.reject_bin,
                     retract_bin = u.retract_bin, last_transfer = coalesce(u.last_transfer, h.last_transfer)
                 FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::uuid[])
                     AS u (machine, cassettes, deposit_bin, reject_bin, retract_bin, last_transfer)
                 WHERE h.machine = u.machine",
                values,
                Must::Change(changes.holdings.len()),
            );
        }
        if !heads.is_empty() {
            let ids = heads.keys().map(|id| self.machine(*id)).collect::<Result<Vec<_>, _>>()?;
            let lasts: Vec<Uuid> = heads.values().copied().map(Uuid::from).collect();
            self.step(
                "UPDATE holdings h SET last_transfer = u.last_transfer
                 FROM unnest($1::bigint[], $2::uuid[]) AS u (machine, last_transfer) WHERE h.machine = u.machine",
                vec![Box::new(ids), Box::new(lasts)],
                Must::Change(heads.len()),
            );
        }
        Ok(())
    }

    /// How withdrawals stand, after cases that they may refer to.
    pub(super) fn changed_withdrawals(&mut self) {
        let rows = self.changes.withdrawals.values();
        if rows.len() == 0 {
            return;
        }
        let values: Vec<Value<'a>> = vec![
            column(rows.clone().map(|row| Uuid::from(row.id))),
            column(rows.clone().map(|row| names::withdrawal_state(row.state))),
            column(rows.clone().map(|row| names::particulars(row.state).0)),
            column(rows.clone().map(|row| names::particulars(row.state).1)),
        ];
        self.step(
            "UPDATE withdrawal_states w SET state = u.state, paid = u.paid, case_id = u.case_id
             FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::bigint[]) AS u (id, state, paid, case_id)
             WHERE w.id = u.id",
            values,
            Must::Change(rows.len()),
        );
    }
}
