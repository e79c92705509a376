//! Cases that are about no withdrawal in flight: what waits in suspense because of them, and how they were resolved.

use std::collections::{HashMap, HashSet};

use cashpoint_core::case::Matter;
use cashpoint_core::id::TransferId;
use cashpoint_core::ledger::TransferKind;

use super::chart::Chart;
use super::report::{Judge, Named};
use super::transfers::{Ledger, Moved};
use crate::store::records::CaseRecord;

/// What staff moved for a case: really paid (or paid in), and not.
type Resolved = (i64, i64);

/// What the ledger says of such cases, and which of it no case has claimed yet.
pub(super) struct Desk<'a> {
    chart: &'a Chart,
    ledger: &'a Ledger,
    /// By number of the transfer that waits.
    resolved: HashMap<u32, Resolved>,
    /// Of deposits, and of withdrawals, of which nothing had been posted.
    unposted: Resolved,
    /// Numbers of transfers that only a case explains.
    waiting: HashSet<u32>,
    /// Fees that went back to suspense, by number of the withdrawal: number and amount.
    fees: HashMap<u32, (u32, i64)>,
}

impl<'a> Desk<'a> {
    pub(super) fn read(chart: &'a Chart, ledger: &'a Ledger) -> Self {
        let (resolved, unposted) = (HashMap::new(), (0, 0));
        let mut desk = Self { chart, ledger, resolved, unposted, waiting: HashSet::new(), fees: HashMap::new() };
        for (number, moved) in ledger.numbered() {
            match moved.kind {
                Some(TransferKind::DepositHeld) => drop(desk.waiting.insert(number)),
                Some(TransferKind::OfflineWithdrawal) if chart.owner(moved.debit).is_none() => {
                    desk.waiting.insert(number);
                }
                Some(TransferKind::Reversal | TransferKind::SuspectNotPaid) if chart.owner(moved.credit).is_none() => {
                    desk.waiting.insert(number);
                }
                Some(TransferKind::FeeReturn) if chart.owner(moved.credit).is_none() => {
                    let withdrawal = moved.concerns.and_then(|fee| ledger.at(fee).concerns);
                    desk.fees.extend(withdrawal.map(|withdrawal| (withdrawal, (number, moved.amount))));
                }
                Some(TransferKind::DepositReleased | TransferKind::DepositPaidOut | TransferKind::ReturnPaidOut) => {
                    desk.count(moved, |desk| &mut desk.unposted.0);
                }
                Some(TransferKind::WithdrawalOwed) => desk.count(moved, |desk| &mut desk.unposted.1),
                Some(TransferKind::DepositRefuted | TransferKind::WithdrawalRefuted | TransferKind::ReturnRefuted) => {
                    if let Some(concerns) = moved.concerns {
                        let sum = &mut desk.resolved.entry(concerns).or_default().1;
                        *sum = sum.saturating_add(moved.amount);
                    }
                }
                Some(_) | None => {}
            }
        }
        desk
    }

    fn count(&mut self, moved: &Moved, unposted: fn(&mut Self) -> &mut i64) {
        let sum = match moved.concerns {
            Some(concerns) => &mut self.resolved.entry(concerns).or_default().0,
            None => unposted(self),
        };
        *sum = sum.saturating_add(moved.amount);
    }

    /// One case, against what waits because of it.
    pub(super) fn check(&mut self, case: &CaseRecord, judge: &mut Judge) {
        let subject = Named("case", case.id);
        let id = case.transfer.map(|_| TransferId::new(0));
        let Ok(matter) = Matter::parse(&case.matter, id) else {
            judge.differs(format_args!("{subject}: a matter {} with or without a transfer", case.matter));
            return;
        };
        let kinds: &[TransferKind] = match matter {
            Matter::OverCeiling(_) | Matter::DepositUnclaimed(_) => &[TransferKind::DepositHeld],
            Matter::WithdrawalUnclaimed(_) => &[TransferKind::OfflineWithdrawal],
            Matter::ReturnUnclaimed(_) => &[TransferKind::Reversal, TransferKind::SuspectNotPaid],
            Matter::DepositUnclear => {
                self.unposted.0 = self.unposted.0.saturating_sub(case.resolved.unwrap_or_default());
                return;
            }
            Matter::WithdrawalUnclear => {
                self.unposted.1 = self.unposted.1.saturating_sub(case.resolved.unwrap_or_default());
                return;
            }
            Matter::Suspect(_) | Matter::OfflineSuspect(_) => return,
        };
        let number = case.transfer.and_then(|id| self.ledger.number(id));
        let Some(number) = number.filter(|number| self.waiting.remove(number)) else {
            judge.differs(format_args!("{subject}: no transfer waits because of it"));
            return;
        };
        let moved = self.ledger.at(number);
        if !moved.kind.is_some_and(|kind| kinds.contains(&kind)) {
            judge.differs(format_args!(
                "{subject}: transfer {} waits for another matter than {}",
                moved.id, case.matter
            ));
        }
        let mut waits = moved.amount;
        // What went back is its withdrawal's, whose fee goes with it.
        if let (Matter::ReturnUnclaimed(_), Some(withdrawal)) = (matter, moved.concerns) {
            let fee = self.fees.remove(&withdrawal).map_or(0, |(_, fee)| fee);
            waits = waits.saturating_add(fee);
            let account = self.ledger.at(withdrawal).debit.to_string();
            judge.same(&subject, "account", case.account.as_str(), account.as_str());
        }
        judge.same(&subject, "amount", case.amount, waits);
        judge.same_or_none(&subject, "machine", Some(case.machine), moved.machine);
        let currency = self.chart.currency(moved.debit).map(cashpoint_core::currency::Currency::code);
        judge.same_or_none(&subject, "currency", Some(case.currency.as_str()), currency);
        let (paid, rest) = self.resolved.remove(&number).unwrap_or_default();
        judge.same(&subject, "what turned out paid", case.resolved.unwrap_or_default(), paid);
        let due = case.resolved.map_or(0, |resolved| case.amount.saturating_sub(resolved));
        judge.same(&subject, "what turned out not paid", rest, due);
    }

    /// Nothing waits, and nothing was moved at the desk, without a case.
    pub(super) fn finish(self, judge: &mut Judge) {
        let fees = self.fees.into_values().map(|(number, _)| number);
        let mut waiting: Vec<_> = self.waiting.into_iter().chain(fees).collect();
        waiting.sort_unstable();
        for number in waiting {
            judge.differs(format_args!(
                "transfer {}: it waits for staff, and there is no case",
                self.ledger.at(number).id
            ));
        }
        judge.same(&"cases without postings", "credited for deposits", self.unposted.0, 0);
        judge.same(&"cases without postings", "owed for withdrawals", self.unposted.1, 0);
    }
}
