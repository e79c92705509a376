//! `verify` is clean after everything that a bank can go through, and finds a raw edit of each column that matters.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

mod alternating;
mod archived;
#[path = "../cluster/mod.rs"]
mod cluster;
mod copied;
mod edits;
mod remembered;
mod scale;
mod world;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use cashpoint_bank::entropy::SeededEntropy;
use cashpoint_bank::keys::{FileKeyStore, MasterKey};
use cashpoint_bank::store::records::Records;
use cashpoint_bank::verify::{Report, verify};
use rusqlite::Connection;

use edits::{DELETIONS, EDITS, Found};
use world::Files;

fn report(database: &Path, files: &Files) -> Report {
    let keys = FileKeyStore::open(&files.keys(), MasterKey::InFile, Arc::new(SeededEntropy::new(1))).unwrap();
    verify(&Records::open(database).unwrap(), Some(&keys)).unwrap()
}

/// A copy of the bank, changed behind its back; with how many rows that were.
fn edited(files: &Files, sql: &str) -> rusqlite::Result<(Report, usize)> {
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("bank.db");
    std::fs::copy(files.database(), &copy).unwrap();
    let connection = Connection::open(&copy).unwrap();
    connection.execute_batch("PRAGMA ignore_check_constraints = ON; PRAGMA foreign_keys = OFF;").unwrap();
    let rows = connection.execute(sql, [])?;
    drop(connection);
    Ok((report(&copy, files), rows))
}

/// What a verification says wrongly of an edit; none if it is as the table says.
fn misjudged(files: &Files, sql: &str, expected: Found) -> Option<String> {
    let (report, rows) = match edited(files, sql) {
        Ok(edited) => edited,
        Err(error) => return Some(format!("{sql}\n    {error}")),
    };
    let by: BTreeSet<_> = report.differences.iter().map(|difference| difference.check).collect();
    let right = match expected {
        Found::By(check) => by.contains(check),
        Found::Never => by.is_empty(),
    };
    (rows != 1 || !right).then(|| format!("{sql}\n    rows {rows}, expected {expected:?}, found by {by:?}"))
}

/// The columns of a table's key, as a list for SQL.
fn key(connection: &Connection, table: &str) -> String {
    let sql = "SELECT group_concat(name, ', ') FROM (SELECT name FROM pragma_table_info(?) WHERE pk > 0 ORDER BY pk)";
    connection.query_row(sql, [table], |row| row.get(0)).unwrap()
}

/// Every table and column that a bank has.
fn columns(connection: &Connection) -> BTreeSet<(String, String)> {
    let sql = "SELECT t.name, c.name FROM sqlite_schema t, pragma_table_info(t.name) c
               WHERE t.type = 'table' AND t.name <> 'refinery_schema_history' AND t.name NOT LIKE 'sqlite_%'";
    let mut statement = connection.prepare(sql).unwrap();
    statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect()
}

#[test]
fn is_clean_after_everything_that_a_bank_goes_through() {
    let files = world::live();
    let report = report(&files.database(), &files);
    assert!(report.is_clean(), "{:#?}", report.differences);
    let idle: Vec<_> = report.checks.iter().filter(|check| check.examined == 0).map(|check| check.name).collect();
    assert_eq!(idle, ["references"], "every check but that for what leads nowhere saw rows");
}

#[test]
fn says_so_when_it_has_no_keys() {
    let files = world::live();
    let report = verify(&Records::open(&files.database()).unwrap(), None).unwrap();
    assert!(report.is_clean());
    assert!(report.checks.iter().all(|check| check.name != "sealed"));
    assert!(report.limits.iter().any(|limit| limit.contains("sealed")), "{:?}", report.limits);
}

#[test]
fn finds_a_raw_edit_of_each_column_that_matters() {
    let files = world::live();
    let connection = Connection::open(files.database()).unwrap();
    let statements: Vec<_> = EDITS
        .iter()
        .copied()
        .flatten()
        .map(|edit| {
            let (table, key) = (edit.table, key(&connection, edit.table));
            let which = format!("({key}) IN (SELECT {key} FROM {table} WHERE {} ORDER BY {key} LIMIT 1)", edit.row);
            (format!("UPDATE {table} SET {} = {} WHERE {which}", edit.column, edit.value), edit.found)
        })
        .collect();
    drop(connection);
    let wrong: Vec<_> = statements.iter().filter_map(|(sql, found)| misjudged(&files, sql, *found)).collect();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), statements.len(), wrong.join("\n"));
}

#[test]
fn misses_a_row_that_is_gone() {
    let files = world::live();
    let connection = Connection::open(files.database()).unwrap();
    let statements: Vec<_> = DELETIONS
        .iter()
        .map(|(table, row, found)| {
            let key = key(&connection, table);
            let which = format!("({key}) IN (SELECT {key} FROM {table} WHERE {row} ORDER BY {key} LIMIT 1)");
            (format!("DELETE FROM {table} WHERE {which}"), *found)
        })
        .collect();
    drop(connection);
    let wrong: Vec<_> = statements.iter().filter_map(|(sql, found)| misjudged(&files, sql, *found)).collect();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), statements.len(), wrong.join("\n"));
}

#[test]
fn every_column_of_the_schema_is_in_the_table_of_edits() {
    let files = world::live();
    let connection = Connection::open(files.database()).unwrap();
    let edited: BTreeSet<_> =
        EDITS.iter().copied().flatten().map(|edit| (edit.table.to_owned(), edit.column.to_owned())).collect();
    let missing: Vec<_> = columns(&connection).difference(&edited).cloned().collect();
    assert_eq!(missing, []);
    let deleted: BTreeSet<_> = DELETIONS.iter().map(|(table, ..)| (*table).to_owned()).collect();
    let tables: BTreeSet<_> = columns(&connection).into_iter().map(|(table, _)| table).collect();
    assert_eq!(deleted, tables);
}

/// `CASHPOINT_SOAK=1` takes a million transfers.
#[test]
#[expect(clippy::disallowed_methods, reason = "it measures how long a verification really takes")]
#[expect(clippy::print_stdout, reason = "what was done is told")]
fn is_clean_after_a_crowd_and_reads_it_in_one_go() {
    let soak = std::env::var("CASHPOINT_SOAK").is_ok_and(|soak| soak == "1");
    let (members, times) = if soak { (20_000, 1_000_000) } else { (50, 2_000) };
    let files = scale::busy(members, times);
    let begun = std::time::Instant::now();
    let report = report(&files.database(), &files);
    let took_ms = begun.elapsed().as_millis();
    assert!(report.is_clean(), "{:#?}", report.differences);
    let transfers = report.checks.iter().find(|check| check.name == "transfers").unwrap().examined;
    assert!(transfers >= u64::try_from(members + times).unwrap(), "an opening balance each, and what they moved");
    println!("soak: {transfers} transfers verified in {took_ms} ms");
}
