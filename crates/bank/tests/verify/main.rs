//! `verify` is clean after everything that a bank can go through, and finds a raw edit of each column that matters.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

mod world;

use std::path::Path;
use std::sync::Arc;

use cashpoint_bank::entropy::SeededEntropy;
use cashpoint_bank::keys::{FileKeyStore, MasterKey};
use cashpoint_bank::store::sqlite::records::Records;
use cashpoint_bank::verify::{Report, verify};

use world::Files;

fn report(database: &Path, files: &Files) -> Report {
    let keys = FileKeyStore::open(&files.keys(), MasterKey::InFile, Arc::new(SeededEntropy::new(1))).unwrap();
    verify(&Records::open(database).unwrap(), Some(&keys)).unwrap()
}

#[test]
fn is_clean_after_everything_that_a_bank_goes_through() {
    let files = world::live();
    let report = report(&files.database(), &files);
    assert!(report.is_clean(), "{:#?}", report.differences);
    let idle: Vec<_> = report.checks.iter().filter(|check| check.examined == 0).map(|check| check.name).collect();
    assert_eq!(idle, ["references"], "every check but that for what leads nowhere saw rows");
}
