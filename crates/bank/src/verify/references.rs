//! What the database itself knows: references that lead nowhere, broken constraints, broken pages.

use super::report::{Judge, Report};
use crate::store::StoreError;
use crate::store::records::Records;

/// Asks the database.
pub(super) fn check(records: &Records, report: &mut Report) -> Result<(), StoreError> {
    let mut judge = Judge::of("references");
    records.dangling(|row| {
        judge.examine();
        judge.differs(format_args!("{}: {} rows refer to {} that are not there", row.table, row.rows, row.parent));
    })?;
    report.add(judge);
    let mut judge = Judge::of("integrity");
    records.integrity(|row| {
        judge.examine();
        if row.found != "ok" {
            judge.differs(format_args!("{}", row.found));
        }
    })?;
    report.add(judge);
    Ok(())
}
