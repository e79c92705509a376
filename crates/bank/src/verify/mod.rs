//! Recomputing a bank from its records: every balance, chain, total and note, trusting no sum that is stored.
//!
//! It reads one snapshot, beside a running host if need be, and writes nothing. Machines are checked against the host's
//! own mirror of their cassettes and bins, and where journals and devices of terminals are given, against those
//! ([`Field`]). What really lies in a machine only a count by people can say.
//!
//! # What no check can find
//!
//! A verification compares records with each other. What stands in one place only, and means the same whatever its
//! value, cannot be found when it is edited:
//! - texts for people: customers' names, machines' locations, programs, the audit trail's actor, subject and detail;
//! - what events tell and nothing else knows: which refusal it was, log-ins and log-outs;
//! - choices: the values of a policy (an edit is found where a fee was charged under it), a machine's status, a product
//!   that was never overdrawn, names of staff, a card's expiry, idle and end times of sessions, when a customer came, the
//!   next cut-over within a day;
//! - what is only ever compared: digests of tokens, channel credentials, requests' contents, and keys too new for the
//!   index; PIN verifiers and
//!   password hashes (that they are well-formed, and a verifier of a live key, is checked);
//! - counters that only hinder: wrong PINs and passwords, the generation of sessions when it is raised;
//! - how far notifications got, within what happened: who holds a feed, its place, tries and reasons, wishes;
//! - notes that move between the bins of one machine so that the sum stays;
//! - an audit record that is gone, if it was its commit's last row, and the last of all requests, if it was that too and
//!   refused;
//! - edits that agree with each other everywhere. Against those, journals and copies of the database help.

mod accounts;
mod cases;
mod chart;
mod commits;
mod daily;
mod events;
mod field;
mod machines;
mod notifications;
mod people;
mod references;
mod report;
mod requests;
mod sealed;
mod terminals;
mod transfers;
mod withdrawals;

use cashpoint_core::id::CustomerId;

use crate::keys::KeyStore;
use crate::store::StoreError;
use crate::store::records::{Records, Writers};

pub use field::{Chain, Field, Found, FoundNotes};
pub use report::{Check, Difference, Report};

use report::Judge;

/// Recomputes the bank. Without `keys`, what is sealed is not checked, and the report says so.
///
/// # Errors
/// The database cannot be read.
pub fn verify(records: &Records, keys: Option<&dyn KeyStore>) -> Result<Report, StoreError> {
    verify_with(records, keys, &Field::default())
}

/// As [`verify`], and holds against it what was found of terminals and in their machines.
///
/// # Errors
/// The database cannot be read.
pub fn verify_with(records: &Records, keys: Option<&dyn KeyStore>, field: &Field) -> Result<Report, StoreError> {
    let mut report = Report::default();
    let mut commits = commits::check(records, &mut report)?;
    let mut chart = chart::read(records, &mut report)?;
    let people = people::read(records, &chart, commits.last_now(), &mut report)?;
    let ledger = transfers::read(records, &mut chart, &mut commits, &people.reach, &mut report)?;
    accounts::check(&chart, &mut report);
    let withdrawals = withdrawals::check(records, &chart, &commits, &ledger, &mut report)?;
    machines::check(&chart, &withdrawals.unresolved, &mut report);
    daily::check(records, &chart, &ledger, &mut report)?;
    terminals::check(records, &chart, &ledger, &mut report)?;
    let sources =
        events::Sources { records, chart: &chart, ledger: &ledger, people: &people, withdrawals: &withdrawals };
    events::check(&sources, &mut commits, &mut report)?;
    let sources = requests::Sources { chart: &chart, ledger: &ledger, people: &people, withdrawals: &withdrawals };
    requests::check(records, &sources, &mut commits, &mut report)?;
    commits.check_places(&mut report);
    check_mark(records, &people, &mut report)?;
    match keys {
        Some(keys) => sealed::check(records, keys, &mut report)?,
        None => report.limits.push("sealed data was not checked: no keys were given".to_owned()),
    }
    references::check(records, &mut report)?;
    field::check(records, &chart, field, &mut report)?;
    match records.order() {
        Writers::InTurn => {}
        Writers::SideBySide => {
            report
                .limits
                .push("the server's own pages and constraints were not checked: pg_amcheck does that".to_owned());
        }
    }
    Ok(report)
}

/// There is one mark, and the sandbox's teller is nowhere else.
fn check_mark(records: &Records, people: &people::People, report: &mut Report) -> Result<(), StoreError> {
    let mut judge = Judge::of("bank");
    let mut marks = Vec::new();
    records.bank(|row| marks.push(row.sandbox))?;
    judge.examine();
    let teller = people.customers().any(|(id, _)| id == CustomerId::TELLER.number());
    if marks.as_slice() != [1] && (teller || marks.as_slice() != [0]) {
        judge.differs(format_args!("bank: marked {marks:?}; a sandbox is 1, and only a sandbox has a teller"));
    }
    report.add(judge);
    Ok(())
}
