//! Rows that change: they are there, refer to what is there, and have values that can be.

use std::collections::BTreeSet;

use cashpoint_core::account::{Account, Totals};
use cashpoint_core::card::PinKey;
use cashpoint_core::case::{Case, Matter};
use cashpoint_core::enrolled::EnrolledTerminal;
use cashpoint_core::id::{CaseId, TransferId};
use cashpoint_core::machine::Holdings;
use cashpoint_core::replenishment::Replenishment;
use cashpoint_core::withdrawal::{DailyUse, WithdrawalState};

use super::{Group, Verdict, nonsense};
use crate::store::CommitError;

impl Group<'_> {
    /// Every row that changes.
    pub(super) fn changed(&mut self) -> Verdict {
        self.money()?;
        self.people()?;
        self.places()?;
        self.cases()?;
        self.withdrawals()?;
        self.terminals()?;
        self.notifications()
    }

    fn money(&self) -> Verdict {
        for (number, row) in &self.changes.accounts {
            self.has_account(*number)?;
            account(row)?;
        }
        for (account, row) in &self.changes.cash {
            self.has_internal(*account)?;
            totals(row.totals)?;
        }
        Ok(())
    }

    fn people(&mut self) -> Verdict {
        let changes = self.changes;
        for id in changes.customers.keys().chain(changes.passwords.keys()).chain(changes.profiles.keys()) {
            self.has_customer(*id)?;
        }
        for (profile, retired) in changes.profiles.values() {
            for index in retired {
                let known = self.state.emails.get(index).copied();
                let owner = self.fresh.emails.entry(*index).or_insert(known);
                *owner = owner.filter(|owner| *owner != profile.customer);
            }
            if let Some((_, index)) = &profile.email {
                self.email(*index, profile.customer)?;
            }
        }
        for id in changes.sessions.keys() {
            self.has_session(*id)?;
        }
        for ((customer, ..), DailyUse { withdrawn, deposited, transferred }) in &changes.daily {
            self.has_customer(*customer)?;
            sound!(*withdrawn.min(deposited).min(transferred) >= 0, "{customer} used less than nothing")?;
        }
        Ok(())
    }

    fn places(&self) -> Verdict {
        for (id, row) in &self.changes.cards {
            self.has_card(*id)?;
            self.session_if_any(row.session)?;
        }
        for key in self.changes.pins.keys() {
            match key {
                PinKey::Card(card) => self.has_card(*card)?,
                PinKey::Unknown(_) => {}
            }
        }
        for (id, row) in &self.changes.machines {
            self.has_machine(*id)?;
            self.session_if_any(row.session)?;
        }
        for (id, row) in &self.changes.holdings {
            self.has_machine(*id)?;
            holdings(row)?;
        }
        Ok(())
    }

    fn cases(&self) -> Verdict {
        for (id, row) in &self.changes.cases {
            self.has_machine(row.machine)?;
            if let Some(transfer) = row.matter.transfer() {
                self.has_transfer(transfer)?;
                free!(self.case_about(transfer).is_none_or(|other| other == *id))?;
            }
            sound!(is_sound(row), "case {id} cannot be")?;
        }
        Ok(())
    }

    /// The first case that a transfer has, before this group or in it.
    fn case_about(&self, transfer: TransferId) -> Option<CaseId> {
        let fresh = || {
            let mut cases = self.changes.cases.values();
            cases.find(|case| case.matter.transfer() == Some(transfer)).map(|case| case.id)
        };
        self.state.case_of.get(&transfer).copied().or_else(fresh)
    }

    fn withdrawals(&self) -> Verdict {
        for (id, row) in &self.changes.withdrawals {
            let is_there = self.state.withdrawals.contains_key(id) || self.fresh.withdrawals.contains(id);
            there!(is_there, "withdrawal", id)?;
            match row.state {
                WithdrawalState::Suspect { case } => {
                    let is_there = self.state.cases.contains_key(&case) || self.changes.cases.contains_key(&case);
                    there!(is_there, "case", case)?;
                }
                WithdrawalState::Partial { paid } => {
                    sound!(paid > 0, "of withdrawal {id} a part was paid that is none")?;
                }
                WithdrawalState::Approved | WithdrawalState::Completed | WithdrawalState::Reversed => {}
            }
        }
        Ok(())
    }

    fn terminals(&self) -> Verdict {
        for (machine, card) in self.changes.visits.keys() {
            self.has_machine(*machine)?;
            self.has_card(*card)?;
        }
        for (id, row) in &self.changes.terminals {
            self.has_machine(*id)?;
            terminal(row)?;
        }
        for id in self.changes.terminal_keys.keys() {
            self.has_machine(*id)?;
        }
        for ((machine, _), row) in &self.changes.replenishments {
            let is_there = self.state.terminals.contains_key(machine) || self.changes.terminals.contains_key(machine);
            there!(is_there, "terminal", machine)?;
            self.has_operator(row.operator)?;
            replenishment(row)?;
        }
        Ok(())
    }

    fn notifications(&self) -> Verdict {
        for ((channel, customer), row) in &self.changes.waiting {
            if row.is_some() {
                self.has_feed(*channel)?;
                self.has_customer(*customer)?;
            }
        }
        for ((customer, _), row) in &self.changes.wishes {
            if row.is_some() {
                self.has_customer(*customer)?;
            }
        }
        Ok(())
    }
}

/// Whether an account's row can be.
pub(super) fn account(row: &Account) -> Verdict {
    let closed = row.closed.is_none_or(|closed| closed >= row.identity.opened);
    let headed = (row.entries == 0) == row.head.is_none();
    sound!(closed && headed, "the row of account {} cannot be", row.identity.number)?;
    totals(row.totals)
}

fn totals(totals: Totals) -> Verdict {
    sound!(totals.debits >= 0 && totals.credits >= 0, "an account has a total below nothing")
}

/// Whether a machine can hold this.
pub(super) fn holdings(row: &Holdings) -> Verdict {
    let bins = row.deposit_bin.min(row.reject_bin).min(row.retract_bin);
    sound!(bins >= 0, "a bin of machine {} holds less than nothing", row.machine)
}

fn is_sound(case: &Case) -> bool {
    let (amount, resolved) = (case.amount.minor(), case.resolved);
    let may_be_short = match case.matter {
        Matter::Suspect(_) | Matter::OfflineSuspect(_) => true,
        Matter::DepositUnclear
        | Matter::OverCeiling(_)
        | Matter::DepositUnclaimed(_)
        | Matter::WithdrawalUnclaimed(_)
        | Matter::WithdrawalUnclear
        | Matter::ReturnUnclaimed(_) => false,
    };
    (amount > 0 || amount == 0 && case.matter == Matter::DepositUnclear)
        && resolved.is_none_or(|resolved| resolved >= 0 && (amount == 0 || resolved <= amount))
        && (case.short == 0 || may_be_short && (0..=amount).contains(&case.short))
}

fn terminal(row: &EnrolledTerminal) -> Verdict {
    let mut nonces = BTreeSet::new();
    free!(row.leases.iter().all(|lease| nonces.insert(lease.nonce)))?;
    let leases = row.leases.iter().all(|lease| {
        let amount = lease.amount.minor();
        amount > 0 && (0..=amount).contains(&lease.used)
    });
    let ordered = row.order.is_none_or(|order| order.number >= 1);
    sound!(leases && ordered && row.deposited.1 >= 0, "the row of terminal {} cannot be", row.machine)
}

fn replenishment(row: &Replenishment) -> Verdict {
    let bins = row.count.as_ref().map(|count| [count.deposit_bin, count.reject_bin, count.retract_bin]);
    let counted = bins.into_iter().flatten().flatten().all(|bin| bin >= 0);
    let posted = row.posted.as_ref().is_none_or(|posted| row.count.is_some() && posted.held.minor() >= 0);
    sound!(row.number >= 1 && counted && posted, "a replenishment of {} cannot be", row.machine)
}
