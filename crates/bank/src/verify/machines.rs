//! Machines: their rows and accounts, the notes that the host's mirror counts, and cash whose outcome is not known.

use std::collections::HashMap;

use cashpoint_core::currency::Currency;
use cashpoint_core::ledger::LedgerAccount;
use cashpoint_core::machine::MachineKind;

use super::chart::{Chart, Machine};
use super::report::{Judge, Named, Report};

/// Checks every machine. `unresolved`: by machine, the withdrawals whose outcome is not known, in minor units.
pub(super) fn check(chart: &Chart, unresolved: &HashMap<i64, i128>, report: &mut Report) {
    let mut rows = Judge::of("machines");
    let mut cash = Judge::of("machine_cash");
    let mut in_flight = Judge::of("in_flight");
    let mut machines: Vec<_> = chart.machines.values().collect();
    machines.sort_unstable_by_key(|machine| machine.row.number);
    for machine in machines {
        rows.examine();
        check_row(machine, &mut rows);
        let subject = Named("machine", &machine.row.id);
        let open = unresolved.get(&machine.row.number).copied().unwrap_or_default();
        let Some((id, currency)) = machine.id.zip(machine.row.currency.as_deref().and_then(Currency::from_code)) else {
            in_flight.same(&subject, "what is in flight", open, 0);
            cash.same(&subject, "the cash in its bins", bins(machine), 0);
            continue;
        };
        match chart.at(LedgerAccount::AtmInFlight(id, currency)) {
            Some(account) => {
                in_flight.examine();
                in_flight.same(&subject, "in flight by the ledger", account.credits - account.debits, open);
            }
            None => rows.differs(format_args!("{subject}: no account for its cash in flight")),
        }
        match chart.at(LedgerAccount::AtmCash(id, currency)) {
            Some(account) => {
                cash.examine();
                cash.same(&subject, "cash in its cassettes and bins", bins(machine), account.debits - account.credits);
            }
            None => rows.differs(format_args!("{subject}: no account for its cash")),
        }
    }
    check_accounts(chart, &mut rows);
    for judge in [rows, in_flight, cash] {
        report.add(judge);
    }
}

/// What the mirror says is in it, minor units.
fn bins(machine: &Machine) -> i128 {
    let row = &machine.row;
    let bins = [row.deposit_bin, row.reject_bin, row.retract_bin].into_iter().flatten();
    let cassettes = row.cassettes().unwrap_or_default();
    let notes = cassettes.iter().map(|held| i128::from(held.denomination) * i128::from(held.count));
    bins.map(i128::from).chain(notes).sum()
}

fn check_row(machine: &Machine, judge: &mut Judge) {
    let row = &machine.row;
    let subject = Named("machine", &row.id);
    let Some(kind) = machine.kind.filter(|_| machine.id.is_some()) else {
        judge.differs(format_args!("{subject}: no machine has such an id or the kind {}", row.kind));
        return;
    };
    let counter = kind == MachineKind::Counter;
    if counter != row.currency.is_none() {
        judge.differs(format_args!(
            "{subject}: a {} with notes in {}",
            row.kind,
            super::report::Shown(row.currency.as_ref())
        ));
    }
    if row.deposit_bin.is_none() {
        judge.differs(format_args!("{subject}: nothing says what is in its bins"));
    }
    for (what, bin) in [("deposit", row.deposit_bin), ("reject", row.reject_bin), ("retract", row.retract_bin)] {
        if bin.is_some_and(|value| value < 0) {
            judge.differs(format_args!("{subject}: less than nothing in its {what} bin"));
        }
    }
    match row.cassettes() {
        None => judge.differs(format_args!("{subject}: its cassettes mean nothing")),
        Some(cassettes) if counter && !cassettes.is_empty() => {
            judge.differs(format_args!("{subject}: a counter with cassettes"));
        }
        Some(_) => {}
    }
    if !matches!(row.status.as_deref(), Some("active" | "inactive")) {
        judge.differs(format_args!("{subject}: it is neither active nor inactive"));
    }
    if row.session.is_some() && row.session_machine != Some(row.number) {
        let session = row.session.unwrap_or_default();
        judge.differs(format_args!("{subject}: names session {session}, which is not one at this machine"));
    }
}

/// Every internal account of a machine has its machine.
fn check_accounts(chart: &Chart, judge: &mut Judge) {
    let machines: HashMap<_, _> = chart.machines.values().filter_map(|machine| Some((machine.id?, machine))).collect();
    for account in chart.accounts.values() {
        let (id, currency) = match account.place {
            Some(LedgerAccount::AtmCash(id, currency) | LedgerAccount::AtmInFlight(id, currency)) => {
                (id, Some(currency))
            }
            Some(LedgerAccount::Counter(id, _)) => (id, None),
            Some(LedgerAccount::Customer(_) | LedgerAccount::Bank(..)) | None => continue,
        };
        let notes = machines.get(&id).map(|machine| machine.row.currency.as_deref());
        if notes != Some(currency.map(Currency::code)) {
            judge.differs(format_args!(
                "account {}: there is no such machine with notes in its currency",
                account.row.code
            ));
        }
    }
}
