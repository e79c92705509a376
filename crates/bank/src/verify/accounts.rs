//! Accounts' totals against the transfers, and that all money together is zero.

use std::collections::BTreeMap;

use super::chart::{Account, Chart};
use super::report::{Judge, Named, Report};

/// Compares every account's row with what its transfers came to.
pub(super) fn check(chart: &Chart, report: &mut Report) {
    let mut judge = Judge::of("accounts");
    let mut sums: BTreeMap<&str, (i128, i128)> = BTreeMap::new();
    let mut accounts: Vec<_> = chart.accounts.values().collect();
    accounts.sort_unstable_by_key(|account| account.row.id);
    for account in accounts {
        judge.examine();
        let row = &account.row;
        let subject = Named("account", &row.code);
        judge.same(&subject, "debits", i128::from(row.debits), account.debits);
        judge.same(&subject, "credits", i128::from(row.credits), account.credits);
        check_closed(account, &mut judge);
        let sum = sums.entry(&row.currency).or_default();
        sum.0 += i128::from(row.debits);
        sum.1 += i128::from(row.credits);
    }
    for (currency, (debits, credits)) in sums {
        judge.same(&Named("all accounts in", currency), "the sum of debits", debits, credits);
    }
    report.add(judge);
}

/// Only an account that holds nothing is closed, and nothing moves on it afterwards.
fn check_closed(account: &Account, judge: &mut Judge) {
    let row = &account.row;
    let Some(closed) = row.closed else {
        return;
    };
    let subject = Named("closed account", &row.code);
    judge.same(&subject, "balance", i128::from(row.credits) - i128::from(row.debits), 0);
    if let Some(moved) = account.moved.filter(|moved| *moved > closed) {
        judge.differs(format_args!("{subject}: closed at {closed}, and moved at {moved}"));
    }
}
