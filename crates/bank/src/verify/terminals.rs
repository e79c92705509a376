//! Enrolled terminals: that they are terminals, served the cards that they say, and credited what they counted.
//!
//! Keys, how far messages and journals got, and what staff chose stand here only: a journal itself can tell more.

use std::collections::HashMap;

use cashpoint_core::ledger::TransferKind;
use cashpoint_core::machine::MachineKind;

use super::chart::Chart;
use super::report::{Judge, Named, Report};
use super::transfers::Ledger;
use crate::store::StoreError;
use crate::store::records::Records;

/// Checks all of them.
pub(super) fn check(records: &Records, chart: &Chart, ledger: &Ledger, report: &mut Report) -> Result<(), StoreError> {
    let mut judge = Judge::of("terminals");
    let mut credited: HashMap<(i64, i64), i64> = HashMap::new();
    for moved in ledger.transfers.iter().filter(|moved| moved.kind == Some(TransferKind::Deposit)) {
        if let Some(machine) = moved.machine {
            let sum = credited.entry((machine, moved.business_date)).or_default();
            *sum = sum.saturating_add(moved.amount);
        }
    }
    let mut held: HashMap<i64, i64> = HashMap::new();
    for moved in ledger.transfers.iter().filter(|moved| moved.kind == Some(TransferKind::ShortageHeld)) {
        let sum = held.entry(moved.machine.unwrap_or_default()).or_default();
        *sum = sum.saturating_add(moved.amount);
    }
    let is_terminal =
        |number: i64| chart.machines.get(&number).and_then(|machine| machine.kind) == Some(MachineKind::Terminal);
    records.terminals(|row| {
        judge.examine();
        let subject = Named("terminal", row.machine);
        if !is_terminal(row.machine) {
            judge.differs(format_args!("{subject}: enrolled, and no machine of that kind"));
        }
        if row.seen < row.enrolled {
            judge.differs(format_args!("{subject}: last heard of before it was enrolled"));
        }
        let of_day = credited.get(&(row.machine, row.deposited_on)).copied().unwrap_or_default();
        judge.same(&subject, "what its deposits credited on a date", row.deposited, of_day);
    })?;
    records.leases(|row| {
        judge.examine();
        if row.used < 0 || row.used > row.amount || row.terminals == 0 {
            judge.differs(format_args!("lease of machine {}: {} of {} used", row.machine, row.used, row.amount));
        }
    })?;
    records.visits(|row| {
        judge.examine();
        let subject = format!("card {} at machine {}", row.card, row.machine);
        judge.same_or_none(&subject, "its last log-in", Some(row.at), row.began);
        if !is_terminal(row.machine) {
            judge.differs(format_args!("{subject}: no terminal"));
        }
    })?;
    records.replenishments(|row| {
        judge.examine();
        let sum = held.entry(row.machine).or_default();
        *sum = sum.saturating_sub(row.held);
    })?;
    let mut rests: Vec<_> = held.into_iter().collect();
    rests.sort_unstable();
    for (machine, rest) in rests {
        judge.same(&Named("terminal", machine), "what its counts hold beyond its replenishments", rest, 0);
    }
    report.add(judge);
    Ok(())
}
