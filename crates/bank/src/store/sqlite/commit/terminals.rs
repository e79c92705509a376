//! Cases, terminals with their leases, visits and replenishments, notices: written after everything that they refer to.

use cashpoint_core::case::Case;
use cashpoint_core::change::New;
use cashpoint_core::enrolled::{EnrolledTerminal, StoredNotice};
use cashpoint_core::replenishment::Replenishment;
use rusqlite::params;

use super::{Fault, Group, whole};
use crate::store::replenishments::counted_text;
use crate::store::terminals::{order_word, partition_text, trust};

impl Group<'_> {
    /// Cases, before withdrawals that may refer to them.
    pub(super) fn cases(&mut self) -> Result<(), Fault> {
        let changes = self.changes;
        for case in changes.cases.values() {
            self.case(case)?;
        }
        Ok(())
    }

    fn case(&mut self, case: &Case) -> Result<(), Fault> {
        let machine = self.memory.machine(self.transaction, case.machine)?;
        self.statement(
            "INSERT INTO cases (id, matter, transfer, machine, account, card, amount, currency, opened, evidence,
                 short, resolved)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
             ON CONFLICT (id) DO UPDATE SET evidence = excluded.evidence, short = excluded.short,
                 resolved = excluded.resolved",
        )?
        .execute(params![
            case.id.number(),
            case.matter.name(),
            case.matter.transfer().map(|id| id.bits().to_be_bytes()),
            machine,
            case.account.to_string(),
            case.card.map(|card| card.number()),
            case.amount.minor(),
            case.amount.currency().code(),
            case.opened.map(|at| at.micros()),
            case.evidence,
            case.short,
            case.resolved,
        ])?;
        Ok(())
    }

    /// Everything else about terminals.
    pub(super) fn terminals(&mut self) -> Result<(), Fault> {
        let changes = self.changes;
        for ((machine, card), at) in &changes.visits {
            let machine = self.memory.machine(self.transaction, *machine)?;
            self.statement(
                "INSERT INTO visits (machine, card, at) VALUES (?, ?, ?)
                 ON CONFLICT (machine, card) DO UPDATE SET at = excluded.at",
            )?
            .execute((machine, card.number(), at.micros()))?;
        }
        for terminal in changes.terminals.values() {
            self.terminal(terminal)?;
        }
        for replenishment in changes.replenishments.values() {
            self.replenishment(replenishment)?;
        }
        for (machine, keys) in &changes.terminal_keys {
            let machine = self.memory.machine(self.transaction, *machine)?;
            let (version, data_key) = &keys.data_key;
            self.statement(
                "INSERT INTO terminal_keys (machine, data_key_version, data_key, secrets) VALUES (?, ?, ?, ?)
                 ON CONFLICT (machine) DO UPDATE SET data_key_version = excluded.data_key_version,
                     data_key = excluded.data_key, secrets = excluded.secrets",
            )?
            .execute((machine, version, &data_key.0, &keys.secrets.0))?;
        }
        for new in &changes.new {
            if let New::Notice(notice) = new {
                self.notice(notice)?;
            }
        }
        for (card, upto) in &changes.notices_told {
            self.statement("UPDATE notices SET told = 1 WHERE card = ? AND told = 0 AND id <= ?")?
                .execute((card.number(), upto))?;
        }
        Ok(())
    }

    fn terminal(&mut self, terminal: &EnrolledTerminal) -> Result<(), Fault> {
        let machine = self.memory.machine(self.transaction, terminal.machine)?;
        let (trust, head) = trust(terminal.journal);
        self.statement(
            "INSERT INTO terminals (machine, key, enrolled, number_online, number_advice, number_heartbeat, trust, head,
                 head_mac, seen, partition_policy, partition_changes, order_number, order_kind, deposited_on, deposited)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
             ON CONFLICT (machine) DO UPDATE SET key = excluded.key, enrolled = excluded.enrolled,
                 number_online = excluded.number_online, number_advice = excluded.number_advice,
                 number_heartbeat = excluded.number_heartbeat, trust = excluded.trust, head = excluded.head, head_mac = excluded.head_mac,
                 seen = excluded.seen, partition_policy = excluded.partition_policy,
                 partition_changes = excluded.partition_changes, order_number = excluded.order_number,
                 order_kind = excluded.order_kind, deposited_on = excluded.deposited_on, deposited = excluded.deposited",
        )?
        .execute(params![
            machine,
            terminal.key,
            terminal.enrolled.micros(),
            whole(terminal.numbers.online)?,
            whole(terminal.numbers.advice)?,
            whole(terminal.numbers.heartbeat)?,
            trust,
            head.map(|head| whole(head.n)).transpose()?,
            head.map(|head| head.mac),
            terminal.seen.micros(),
            terminal.partition.as_ref().map(partition_text),
            terminal.partition_changes,
            terminal.order.map(|order| whole(order.number)).transpose()?,
            terminal.order.map(|order| order_word(order.kind)),
            terminal.deposited.0.days(),
            terminal.deposited.1,
        ])?;
        self.statement("DELETE FROM leases WHERE machine = ?")?.execute([machine])?;
        let mut statement = self.statement(
            "INSERT INTO leases (machine, nonce, amount, used, presents, granted, closed) VALUES (?, ?, ?, ?, ?, ?, ?)",
        )?;
        for lease in &terminal.leases {
            let (amount, granted) = (lease.amount.minor(), lease.granted.micros());
            statement.execute((machine, lease.nonce, amount, lease.used, lease.presents, granted, lease.closed))?;
        }
        Ok(())
    }

    fn replenishment(&mut self, row: &Replenishment) -> Result<(), Fault> {
        let machine = self.memory.machine(self.transaction, row.machine)?;
        let (count, posted) = (row.count.as_ref(), row.posted.as_ref());
        self.statement(
            "INSERT INTO replenishments (machine, number, operator, ordered, cassettes, deposit_bin, reject_bin, retract_bin,
                 posted, cash, difference, held, found)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
             ON CONFLICT (machine, number) DO UPDATE SET cassettes = excluded.cassettes, deposit_bin = excluded.deposit_bin,
                 reject_bin = excluded.reject_bin, retract_bin = excluded.retract_bin, posted = excluded.posted,
                 cash = excluded.cash, difference = excluded.difference, held = excluded.held, found = excluded.found",
        )?
        .execute(params![
            machine,
            whole(row.number)?,
            row.operator.number(),
            row.ordered.micros(),
            count.map(counted_text),
            count.and_then(|count| count.deposit_bin),
            count.and_then(|count| count.reject_bin),
            count.and_then(|count| count.retract_bin),
            posted.map(|posted| posted.at.micros()),
            posted.map(|posted| posted.cash.minor()),
            posted.map(|posted| posted.difference.minor()),
            posted.map(|posted| posted.held.minor()),
            posted.map(|posted| &posted.found),
        ])?;
        Ok(())
    }

    fn notice(&self, notice: &StoredNotice) -> Result<(), Fault> {
        self.statement(
            "INSERT INTO notices (card, at, amount, currency, target, code, told) VALUES (?, ?, ?, ?, ?, ?, 0)",
        )?
        .execute((
            notice.card.number(),
            notice.at.micros(),
            notice.amount.minor(),
            notice.amount.currency().code(),
            notice.target.to_string(),
            &notice.code,
        ))?;
        Ok(())
    }
}
