//! `cashpoint verify`: says what was checked and what differs, in words or as JSON.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use cashpoint_bank::entropy::SystemEntropy;
use cashpoint_bank::keys::{FileKeyStore, KeyStore, MasterKey};
use cashpoint_bank::verify::Report;
use serde_json::{Value, json};

use crate::Verdict;
use crate::cli::Verify;
use crate::configuration::{DatabaseUrl, bank_files};
use crate::field;

/// Recomputes a bank from its records.
///
/// # Errors
/// The database or the keys cannot be read.
pub(crate) fn verify(verify: Verify) -> Result<Verdict> {
    if verify.devices.len() > verify.journal.len() {
        let text = "--devices: devices go with the --journal of their terminal, in the same order";
        return Ok(Verdict::Usage(text.to_owned()));
    }
    let named = verify.bank.keys.clone();
    let files = match bank_files(&verify.bank.database, verify.bank.keys) {
        Ok(files) => files,
        Err(wrong) => return Ok(Verdict::Usage(format!("{wrong:#}"))),
    };
    let records = match verify.replica.as_ref().map(DatabaseUrl::replica).transpose() {
        Ok(replica) => replica.as_ref().unwrap_or(&files.database).records()?,
        Err(wrong) => return Ok(Verdict::Usage(format!("--replica: {wrong}"))),
    };
    let keys = keys(named.as_deref(), &files.keys)?;
    let keys = keys.as_ref().map(|keys| keys as &dyn KeyStore);
    let field = field::read(&verify.journal, &verify.devices)?;
    let report = cashpoint_bank::verify::verify_with(&records, keys, &field)?;
    let mut out = std::io::stdout().lock();
    if verify.json {
        writeln!(out, "{}", as_json(&report))?;
    } else {
        write_words(&report, &mut out)?;
    }
    Ok(if report.is_clean() { Verdict::Yes } else { Verdict::No })
}

/// The bank's keys: those that are named, or else the usual ones, which may be absent: then what is sealed stays unchecked,
/// and the report says so.
///
/// # Errors
/// They cannot be read.
pub(crate) fn keys(named: Option<&Path>, usual: &Path) -> Result<Option<FileKeyStore>> {
    let path = named.unwrap_or(usual);
    if named.is_none() && !path.exists() {
        return Ok(None);
    }
    let store = FileKeyStore::open(path, MasterKey::from_environment()?, Arc::new(SystemEntropy));
    store.map(Some).with_context(|| format!("keys {}", path.display()))
}

fn as_json(report: &Report) -> Value {
    let checks: Vec<_> =
        report.checks.iter().map(|check| json!({"name": check.name, "examined": check.examined})).collect();
    let differences: Vec<_> =
        report.differences.iter().map(|found| json!({"check": found.check, "what": found.what})).collect();
    json!({
        "clean": report.is_clean(),
        "checks": checks,
        "differences": differences,
        "more": report.more,
        "limits": report.limits,
    })
}

/// Says what was checked and what differs.
///
/// # Errors
/// It cannot be written.
pub(crate) fn write_words(report: &Report, out: &mut impl Write) -> Result<()> {
    for check in &report.checks {
        let found = report.differences.iter().filter(|found| found.check == check.name).count();
        let verdict = if found == 0 { "agrees" } else { "DIFFERS" };
        writeln!(out, "{:<16}{:>12} rows  {verdict}", check.name, check.examined)?;
    }
    for limit in &report.limits {
        writeln!(out, "note: {limit}")?;
    }
    for found in &report.differences {
        writeln!(out, "{}: {}", found.check, found.what)?;
    }
    if report.more > 0 {
        writeln!(out, "… and {} more", report.more)?;
    }
    writeln!(out, "{}", if report.is_clean() { "everything agrees" } else { "the records do not agree" })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use cashpoint_bank::verify::{Check, Difference};

    use super::*;

    fn report() -> Report {
        Report {
            checks: vec![Check { name: "accounts", examined: 2 }, Check { name: "entries", examined: 12 }],
            differences: vec![Difference {
                check: "accounts",
                what: "account 10001: debits is 1, expected 2".to_owned(),
            }],
            more: 3,
            limits: vec!["machines by the mirror only".to_owned()],
        }
    }

    #[test]
    fn says_in_words_what_was_checked_and_what_differs() {
        let mut out = Vec::new();
        write_words(&report(), &mut out).expect("memory takes everything");
        let expected = "\
accounts                   2 rows  DIFFERS
entries                   12 rows  agrees
note: machines by the mirror only
accounts: account 10001: debits is 1, expected 2
… and 3 more
the records do not agree
";
        assert_eq!(String::from_utf8(out).expect("text"), expected);
    }

    #[test]
    fn says_the_same_as_json() {
        let expected = json!({
            "clean": false,
            "checks": [{"name": "accounts", "examined": 2}, {"name": "entries", "examined": 12}],
            "differences": [{"check": "accounts", "what": "account 10001: debits is 1, expected 2"}],
            "more": 3,
            "limits": ["machines by the mirror only"],
        });
        assert_eq!(as_json(&report()), expected);
        assert_eq!(as_json(&Report::default())["clean"], json!(true));
    }
}
