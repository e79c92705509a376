//! Rows that change, each written once per group, as it is after the group's last command.

use cashpoint_core::card::{PinCounter, PinKey};
use cashpoint_core::customer::{Profile, Tries};
use cashpoint_core::id::Index;
use rusqlite::params;

use super::{Fault, Group, update, whole};
use crate::store::names;

impl Group<'_> {
    /// Accounts, machines' cash.
    pub(super) fn changed_money(&mut self) -> Result<(), Fault> {
        let mut statement = self
            .statement("UPDATE accounts SET debits = ?, credits = ?, entries = ?, head = ?, closed = ? WHERE id = ?")?;
        for (number, row) in &self.changes.accounts {
            let head = row.head.map(|head| head.bits().to_be_bytes());
            let closed = row.closed.map(|closed| closed.micros());
            let (entries, id) = (whole(row.entries)?, whole(number.number())?);
            update(&mut statement, (row.totals.debits, row.totals.credits, entries, head, closed, id))?;
        }
        let changes = self.changes;
        let mut statement = self.statement("UPDATE accounts SET debits = ?, credits = ? WHERE id = ?")?;
        for (account, row) in &changes.cash {
            let id = self.memory.account(self.transaction, *account)?;
            update(&mut statement, (row.totals.debits, row.totals.credits, id))?;
        }
        Ok(())
    }

    /// Sessions, customers' data and passwords, tries.
    pub(super) fn changed_people(&self) -> Result<(), Fault> {
        let mut statement =
            self.statement("UPDATE session_states SET active = ?, generation = ?, ended = ?, why = ? WHERE id = ?")?;
        for (id, row) in &self.changes.sessions {
            let (ended, why) = row.ended.map(|(at, why)| (at.micros(), names::end_reason(why))).unzip();
            update(&mut statement, (row.active.micros(), row.generation, ended, why, id.number()))?;
        }
        for (profile, retired) in self.changes.profiles.values() {
            self.change_profile(profile, retired)?;
        }
        let mut statement =
            self.statement("UPDATE customers SET password_version = ?, password_hash = ? WHERE id = ?")?;
        for (id, password) in &self.changes.passwords {
            update(&mut statement, (password.version, &password.phc, id.number()))?;
        }
        let mut statement = self.statement(
            "INSERT INTO tries (identity, arrival) VALUES (?, ?)
             ON CONFLICT (identity) DO UPDATE SET arrival = excluded.arrival",
        )?;
        for (identity, Tries { arrival }) in &self.changes.tries {
            statement.execute((identity, arrival))?;
        }
        Ok(())
    }

    fn change_profile(&self, profile: &Profile, retired: &[Index]) -> Result<(), Fault> {
        let (email, email_index) = profile.email.as_ref().map(|(email, index)| (&email.0, index)).unzip();
        let mut statement = self.statement(
            "UPDATE customers SET name = ?, data_key_version = ?, data_key = ?, email = ?, email_index = ?, phone = ?,
                 address = ? WHERE id = ?",
        )?;
        let row = params![
            profile.name,
            profile.data_key.0,
            profile.data_key.1.0,
            email,
            email_index,
            profile.phone.as_ref().map(|phone| &phone.0),
            profile.address.as_ref().map(|address| &address.0),
            profile.customer.number(),
        ];
        update(&mut statement, row)?;
        for index in retired {
            self.statement("DELETE FROM emails WHERE email_index = ? AND customer = ?")?
                .execute((index, profile.customer.number()))?;
        }
        let Some(index) = email_index else {
            return Ok(());
        };
        let kept = self
            .statement("SELECT 1 FROM emails WHERE email_index = ? AND customer = ?")?
            .exists((index, profile.customer.number()))?;
        if kept { Ok(()) } else { self.add_email(index, profile.customer) }
    }

    /// Cards, counts of wrong PINs, machines and their cash.
    pub(super) fn changed_places(&mut self) -> Result<(), Fault> {
        let changes = self.changes;
        let mut statement = self.statement(
            "UPDATE card_states SET state = ?, verifier_version = ?, verifier = ?, session = ? WHERE id = ?",
        )?;
        for (id, row) in &changes.cards {
            let session = row.session.map(|session| session.number());
            let verifier = &row.verifier;
            let state = names::card_state(row.state);
            update(&mut statement, (state, verifier.version, verifier.mac, session, id.number()))?;
        }
        for (key, counter) in &changes.pins {
            self.change_pin(key, *counter)?;
        }
        let mut statement =
            self.statement("UPDATE machine_states SET location = ?, status = ?, session = ? WHERE machine = ?")?;
        for (id, row) in &changes.machines {
            let number = self.memory.machine(self.transaction, *id)?;
            let session = row.session.map(|session| session.number());
            update(&mut statement, (&row.location, names::machine_status(row.status), session, number))?;
        }
        self.changed_holdings()
    }

    fn change_pin(&self, key: &PinKey, counter: PinCounter) -> Result<(), Fault> {
        let (state, wrong, blocks, until) = match counter {
            PinCounter::Open { wrong, blocks } => ("open", Some(wrong), Some(blocks), None),
            PinCounter::Blocked { until, blocks } => ("blocked", None, Some(blocks), Some(until.micros())),
            PinCounter::Locked => ("locked", None, None, None),
        };
        match key {
            PinKey::Card(card) => self
                .statement(
                    "INSERT INTO card_pins (card, state, wrong, blocks, until) VALUES (?, ?, ?, ?, ?)
                     ON CONFLICT (card) DO UPDATE SET
                         state = excluded.state, wrong = excluded.wrong, blocks = excluded.blocks, until = excluded.until",
                )?
                .execute((card.number(), state, wrong, blocks, until))?,
            PinKey::Unknown(index) => self
                .statement(
                    "INSERT INTO unknown_pins (number_index, state, wrong, blocks, until) VALUES (?, ?, ?, ?, ?)
                     ON CONFLICT (number_index) DO UPDATE SET
                         state = excluded.state, wrong = excluded.wrong, blocks = excluded.blocks, until = excluded.until",
                )?
                .execute((index, state, wrong, blocks, until))?,
        };
        Ok(())
    }

    /// Cassettes, bins and the head of the chain of transfers, in one row.
    fn changed_holdings(&mut self) -> Result<(), Fault> {
        let changes = self.changes;
        let mut heads = std::mem::take(&mut self.heads.transfers);
        let mut statement = self.statement(
            "UPDATE holdings SET cassettes = ?, deposit_bin = ?, reject_bin = ?, retract_bin = ?,
                 last_transfer = coalesce(?, last_transfer) WHERE machine = ?",
        )?;
        for (id, row) in &changes.holdings {
            let number = self.memory.machine(self.transaction, *id)?;
            let last = heads.remove(&number).map(|id| id.bits().to_be_bytes());
            let cassettes = names::cassettes(&row.cassettes);
            update(&mut statement, (cassettes, row.deposit_bin, row.reject_bin, row.retract_bin, last, number))?;
        }
        let mut statement = self.statement("UPDATE holdings SET last_transfer = ? WHERE machine = ?")?;
        for (number, last) in heads {
            update(&mut statement, (last.bits().to_be_bytes(), number))?;
        }
        Ok(())
    }

    /// How withdrawals stand, after cases that they may refer to.
    pub(super) fn changed_withdrawals(&mut self) -> Result<(), Fault> {
        let changes = self.changes;
        let mut statement =
            self.statement("UPDATE withdrawal_states SET state = ?, paid = ?, case_id = ? WHERE id = ?")?;
        for (id, row) in &changes.withdrawals {
            let (paid, case) = names::particulars(row.state);
            update(&mut statement, (names::withdrawal_state(row.state), paid, case, id.bits().to_be_bytes()))?;
        }
        Ok(())
    }
}
