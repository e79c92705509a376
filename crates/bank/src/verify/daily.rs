//! Each day's use of allowances, recomputed from the ledger.

use std::collections::HashMap;

use cashpoint_core::currency::Currency;
use cashpoint_core::id::CustomerId;
use cashpoint_core::ledger::TransferKind;

use super::chart::Chart;
use super::report::{Judge, Report, Shown};
use super::transfers::{Ledger, Moved};
use crate::store::StoreError;
use crate::store::records::Records;

/// Withdrawn, deposited, transferred.
type Use = [i64; 3];

/// Date, customer, currency.
type Key = (i64, i64, Currency);

/// Compares every row with what its day's transfers came to.
pub(super) fn check(records: &Records, chart: &Chart, ledger: &Ledger, report: &mut Report) -> Result<(), StoreError> {
    let mut judge = Judge::of("daily_use");
    let mut days = recompute(chart, ledger);
    records.daily_use(|row| {
        judge.examine();
        let expected = Currency::from_code(&row.currency)
            .and_then(|currency| days.remove(&(row.date, row.customer, currency)))
            .unwrap_or_default();
        compare(
            &mut judge,
            (row.date, row.customer, &row.currency),
            [row.withdrawn, row.deposited, row.transferred],
            expected,
        );
    })?;
    // A row that says nothing was used may be missing.
    let mut missing: Vec<_> = days.into_iter().filter(|(_, used)| *used != Use::default()).collect();
    missing.sort_unstable_by_key(|((date, customer, _), _)| (*date, *customer));
    for ((date, customer, currency), expected) in missing {
        compare(&mut judge, (date, customer, currency.code()), Use::default(), expected);
    }
    report.add(judge);
    Ok(())
}

fn compare(judge: &mut Judge, (date, customer, currency): (i64, i64, &str), found: Use, expected: Use) {
    let date = i32::try_from(date).ok().map(cashpoint_core::time::BusinessDate::from_days);
    let subject = format_args!("customer {customer} on {}, {currency}", Shown(date));
    for ((what, found), expected) in ["withdrawn", "deposited", "transferred"].into_iter().zip(found).zip(expected) {
        judge.same(&subject, what, found, expected);
    }
}

fn recompute(chart: &Chart, ledger: &Ledger) -> HashMap<Key, Use> {
    let mut days: HashMap<Key, Use> = HashMap::new();
    for moved in &ledger.transfers {
        let Some((date, account, used)) = counted(ledger, moved) else {
            continue;
        };
        let owner = chart.owner(account).filter(|owner| *owner != CustomerId::TELLER.number());
        let Some((owner, currency)) = owner.zip(chart.currency(account)) else {
            continue;
        };
        let day = days.entry((date, owner, currency)).or_default();
        for (sum, part) in day.iter_mut().zip(used) {
            *sum = sum.saturating_add(part);
        }
    }
    days
}

/// On which date a transfer counts, for the owner of which account, and as what.
fn counted(ledger: &Ledger, moved: &Moved) -> Option<(i64, i64, Use)> {
    let amount = moved.amount;
    match moved.kind? {
        TransferKind::Withdrawal
        | TransferKind::WithdrawalApproved
        | TransferKind::OfflineWithdrawal
        | TransferKind::OfflineSuspect => Some((moved.business_date, moved.debit, [amount, 0, 0])),
        // What was not paid goes back to the date that it was counted on, to a closed account's owner too.
        TransferKind::Reversal | TransferKind::SuspectNotPaid => {
            let approval = ledger.at(moved.concerns?);
            Some((approval.business_date, approval.debit, [amount.saturating_neg(), 0, 0]))
        }
        TransferKind::Deposit => Some((moved.business_date, moved.credit, [0, amount, 0])),
        TransferKind::Transfer => Some((moved.business_date, moved.debit, [0, 0, amount])),
        TransferKind::Opening
        | TransferKind::WithdrawalCompleted
        | TransferKind::OverdraftFee
        | TransferKind::FeeReturn
        | TransferKind::SuspectPaid
        | TransferKind::Replenishment
        | TransferKind::Removal
        | TransferKind::Shortage
        | TransferKind::Surplus
        | TransferKind::ShortageHeld
        | TransferKind::ShortageResolved
        | TransferKind::DepositHeld
        | TransferKind::DepositReleased
        | TransferKind::DepositPaidOut
        | TransferKind::DepositRefuted
        | TransferKind::WithdrawalOwed
        | TransferKind::WithdrawalRefuted
        | TransferKind::ReturnPaidOut
        | TransferKind::ReturnRefuted => None,
    }
}
