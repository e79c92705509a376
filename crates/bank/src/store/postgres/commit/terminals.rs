//! Cases, terminals with their leases and visits, notices: written after everything that they refer to.

use cashpoint_core::case::Case;
use cashpoint_core::change::New;
use cashpoint_core::enrolled::{EnrolledTerminal, StoredNotice};
use cashpoint_core::replenishment::Replenishment;

use super::{Fault, Group, Must, whole};
use crate::store::postgres::link::{Value, column};
use crate::store::postgres::values::Uuid;
use crate::store::replenishments::counted_text;
use crate::store::terminals::{order_word, partition_text, trust};

/// Adds a row that was absent, or writes over what is there.
macro_rules! put {
    ($absent:expr, $insert:literal, $conflict:literal) => {
        if $absent { $insert } else { concat!($insert, " ON CONFLICT ", $conflict) }
    };
}

impl<'a> Group<'a> {
    /// Cases, before withdrawals that may refer to them.
    pub(super) fn cases(&mut self) -> Result<(), Fault> {
        let changes = self.changes;
        for case in changes.cases.values() {
            self.case(case)?;
        }
        Ok(())
    }

    fn case(&mut self, case: &'a Case) -> Result<(), Fault> {
        let sql = put!(
            self.held.absent.cases.contains(&case.id),
            "INSERT INTO cases (id, matter, transfer, machine, account, card, amount, currency, opened, evidence, short,
                 resolved)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
            "(id) DO UPDATE SET evidence = excluded.evidence, short = excluded.short, resolved = excluded.resolved"
        );
        let machine = self.machine(case.machine)?;
        let values: Vec<Value<'a>> = vec![
            Box::new(case.id.number()),
            Box::new(case.matter.name()),
            Box::new(case.matter.transfer().map(Uuid::from)),
            Box::new(machine),
            Box::new(case.account.to_string()),
            Box::new(case.card.map(|card| card.number())),
            Box::new(case.amount.minor()),
            Box::new(case.amount.currency().code().to_owned()),
            Box::new(case.opened.map(|at| at.micros())),
            Box::new(&case.evidence),
            Box::new(case.short),
            Box::new(case.resolved),
        ];
        self.step(sql, values, Must::Whatever);
        Ok(())
    }

    /// Everything else about terminals.
    pub(super) fn terminals(&mut self) -> Result<(), Fault> {
        let changes = self.changes;
        for (key @ (machine, card), at) in &changes.visits {
            let sql = put!(
                self.held.absent.visits.contains(key),
                "INSERT INTO visits (machine, card, at) VALUES ($1, $2, $3)",
                "(machine, card) DO UPDATE SET at = excluded.at"
            );
            let machine = self.machine(*machine)?;
            self.step(sql, vec![Box::new(machine), Box::new(card.number()), Box::new(at.micros())], Must::Whatever);
        }
        for terminal in changes.terminals.values() {
            self.terminal(terminal)?;
        }
        for replenishment in changes.replenishments.values() {
            self.replenishment(replenishment)?;
        }
        for (machine, keys) in &changes.terminal_keys {
            let machine = self.machine(*machine)?;
            let (version, data_key) = &keys.data_key;
            self.step(
                "INSERT INTO terminal_keys (machine, data_key_version, data_key, secrets) VALUES ($1, $2, $3, $4)
                 ON CONFLICT (machine) DO UPDATE SET data_key_version = excluded.data_key_version,
                     data_key = excluded.data_key, secrets = excluded.secrets",
                vec![
                    Box::new(machine),
                    Box::new(i64::from(*version)),
                    Box::new(&data_key.0),
                    Box::new(&keys.secrets.0),
                ],
                Must::Whatever,
            );
        }
        for new in &changes.new {
            if let New::Notice(notice) = new {
                self.notice(notice);
            }
        }
        for (card, upto) in &changes.notices_told {
            self.step(
                "UPDATE notices SET told = true WHERE card = $1 AND NOT told AND id <= $2",
                vec![Box::new(card.number()), Box::new(*upto)],
                Must::Whatever,
            );
        }
        Ok(())
    }

    fn terminal(&mut self, terminal: &'a EnrolledTerminal) -> Result<(), Fault> {
        let sql = put!(
            self.held.absent.terminals.contains(&terminal.machine),
            "INSERT INTO terminals (machine, key, enrolled, number_online, number_advice, number_heartbeat, trust, head,
                 head_mac, seen, partition_policy, partition_changes, order_number, order_kind, deposited_on, deposited)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
            "(machine) DO UPDATE SET key = excluded.key, enrolled = excluded.enrolled,
                 number_online = excluded.number_online, number_advice = excluded.number_advice,
                 number_heartbeat = excluded.number_heartbeat, trust = excluded.trust, head = excluded.head,
                 head_mac = excluded.head_mac, seen = excluded.seen, partition_policy = excluded.partition_policy,
                 partition_changes = excluded.partition_changes, order_number = excluded.order_number,
                 order_kind = excluded.order_kind, deposited_on = excluded.deposited_on, deposited = excluded.deposited"
        );
        let machine = self.machine(terminal.machine)?;
        let (trust, head) = trust(terminal.journal);
        let values: Vec<Value<'a>> = vec![
            Box::new(machine),
            Box::new(terminal.key.as_slice()),
            Box::new(terminal.enrolled.micros()),
            Box::new(whole(terminal.numbers.online)?),
            Box::new(whole(terminal.numbers.advice)?),
            Box::new(whole(terminal.numbers.heartbeat)?),
            Box::new(trust),
            Box::new(head.map(|head| whole(head.n)).transpose()?),
            Box::new(head.map(|head| head.mac.to_vec())),
            Box::new(terminal.seen.micros()),
            Box::new(terminal.partition.as_ref().map(partition_text)),
            Box::new(i64::from(terminal.partition_changes)),
            Box::new(terminal.order.map(|order| whole(order.number)).transpose()?),
            Box::new(terminal.order.map(|order| order_word(order.kind))),
            Box::new(i64::from(terminal.deposited.0.days())),
            Box::new(terminal.deposited.1),
        ];
        self.step(sql, values, Must::Whatever);
        self.step("DELETE FROM leases WHERE machine = $1", vec![Box::new(machine)], Must::Whatever);
        let leases = || terminal.leases.iter();
        self.step(
            "INSERT INTO leases (machine, nonce, amount, used, presents, granted, closed)
             SELECT $1, l.* FROM unnest($2::bytea[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::boolean[])
                 AS l (nonce, amount, used, presents, granted, closed)",
            vec![
                Box::new(machine),
                column(leases().map(|lease| lease.nonce.as_slice())),
                column(leases().map(|lease| lease.amount.minor())),
                column(leases().map(|lease| lease.used)),
                column(leases().map(|lease| i64::from(lease.presents))),
                column(leases().map(|lease| lease.granted.micros())),
                column(leases().map(|lease| lease.closed)),
            ],
            Must::Whatever,
        );
        Ok(())
    }

    fn replenishment(&mut self, row: &'a Replenishment) -> Result<(), Fault> {
        let machine = self.machine(row.machine)?;
        let (count, posted) = (row.count.as_ref(), row.posted.as_ref());
        let values: Vec<Value<'a>> = vec![
            Box::new(machine),
            Box::new(whole(row.number)?),
            Box::new(row.operator.number()),
            Box::new(row.ordered.micros()),
            Box::new(count.map(counted_text)),
            Box::new(count.and_then(|count| count.deposit_bin)),
            Box::new(count.and_then(|count| count.reject_bin)),
            Box::new(count.and_then(|count| count.retract_bin)),
            Box::new(posted.map(|posted| posted.at.micros())),
            Box::new(posted.map(|posted| posted.cash.minor())),
            Box::new(posted.map(|posted| posted.difference.minor())),
            Box::new(posted.map(|posted| posted.held.minor())),
            Box::new(posted.map(|posted| &posted.found)),
        ];
        // Under the terminal's lock, or that of the one before: a new one's number is refused twice by the key.
        self.step(
            "INSERT INTO replenishments (machine, number, operator, ordered, cassettes, deposit_bin, reject_bin, retract_bin,
                 posted, cash, difference, held, found)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
             ON CONFLICT (machine, number) DO UPDATE SET cassettes = excluded.cassettes, deposit_bin = excluded.deposit_bin,
                 reject_bin = excluded.reject_bin, retract_bin = excluded.retract_bin, posted = excluded.posted,
                 cash = excluded.cash, difference = excluded.difference, held = excluded.held, found = excluded.found",
            values,
            Must::Whatever,
        );
        Ok(())
    }

    fn notice(&mut self, notice: &'a StoredNotice) {
        let last = self.fresh.notices.entry(notice.card).or_default();
        *last += 1;
        let id = *last;
        self.step(
            "INSERT INTO notices (card, id, at, amount, currency, target, code, told)
             VALUES ($1, $2, $3, $4, $5, $6, $7, false)",
            vec![
                Box::new(notice.card.number()),
                Box::new(id),
                Box::new(notice.at.micros()),
                Box::new(notice.amount.minor()),
                Box::new(notice.amount.currency().code().to_owned()),
                Box::new(notice.target.to_string()),
                Box::new(&notice.code),
            ],
            Must::Whatever,
        );
    }
}
