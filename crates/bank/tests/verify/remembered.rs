//! A bank in memory goes through everything as one in a file does: it tells the same, and written into a file it is the
//! same row by row.

use std::path::Path;
use std::sync::Arc;

use cashpoint_bank::bank::Hands;
use cashpoint_bank::entropy::SeededEntropy;
use cashpoint_bank::execute::Failure;
use cashpoint_bank::keys::{FileKeyStore, MasterKey};
use cashpoint_bank::store::Reads;
use cashpoint_bank::store::database::Database;
use cashpoint_bank::store::memory::{CommitFault, MemoryBank, MemoryReads};
use cashpoint_bank::store::records::Records;
use cashpoint_bank::store::sqlite::SqliteReads;
use cashpoint_bank::verify::verify;
use cashpoint_core::command::Command;
use cashpoint_core::decide::Replay;
use rusqlite::Connection;
use rusqlite::types::Value;

use crate::copied::Subjects;
use crate::world::{self, Files};

/// Every row of every table, in an order of its own: table and values.
fn rows(path: &Path) -> Vec<String> {
    let connection = Connection::open(path).unwrap();
    let tables = "SELECT name FROM sqlite_schema
                  WHERE type = 'table' AND name <> 'refinery_schema_history' AND name NOT LIKE 'sqlite_%'";
    let mut statement = connection.prepare(tables).unwrap();
    let tables: Vec<String> = statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    let mut all = Vec::new();
    for table in tables {
        let mut statement = connection.prepare(&format!("SELECT * FROM {table}")).unwrap();
        let columns = statement.column_count();
        let values = |row: &rusqlite::Row<'_>| (0..columns).map(|at| row.get(at)).collect::<Result<Vec<Value>, _>>();
        all.extend(statement.query_map([], values).unwrap().map(|row| format!("{table} {:?}", row.unwrap())));
    }
    all.sort();
    all
}

/// How many answers the commit that has most of them recorded.
fn most_at_once(path: &Path) -> i64 {
    let sql = "SELECT max(answers) FROM (SELECT count(*) AS answers FROM requests GROUP BY writer, seq)";
    Connection::open(path).unwrap().query_row(sql, [], |row| row.get(0)).unwrap()
}

#[test]
fn is_clean_and_has_the_rows_of_a_file_after_all_that_happens() {
    let memory = MemoryBank::new();
    let (file, remembered) = (Files::new(), Files::of(memory.clone()));
    world::two_days(&file);
    world::two_days(&remembered);
    memory.write_to(&remembered.database()).unwrap();
    let (expected, found) = (rows(&file.database()), rows(&remembered.database()));
    assert!(expected.len() > 500, "{} rows", expected.len());
    let missing: Vec<_> = expected.iter().filter(|row| found.binary_search(row).is_err()).collect();
    let more: Vec<_> = found.iter().filter(|row| expected.binary_search(row).is_err()).collect();
    assert!(missing.is_empty() && more.is_empty(), "missing: {missing:#?}\nmore: {more:#?}");
    assert_eq!(found.len(), expected.len());
    assert!(most_at_once(&file.database()) >= 3, "commands that share a commit are among them");
    let keys = FileKeyStore::open(&remembered.keys(), MasterKey::InFile, Arc::new(SeededEntropy::new(1))).unwrap();
    let scanned = Database::Memory(memory).records().unwrap();
    for records in [scanned, Records::open(&remembered.database()).unwrap()] {
        let report = verify(&records, Some(&keys)).unwrap();
        assert!(report.is_clean(), "{:#?}", report.differences);
        let idle: Vec<_> = report.checks.iter().filter(|check| check.examined == 0).map(|check| check.name).collect();
        assert_eq!(idle, ["references"], "every check but that for what leads nowhere saw rows");
    }
}

#[test]
fn tells_what_a_file_tells_after_all_that_happens() {
    let memory = MemoryBank::new();
    let file = Files::new();
    world::two_days(&file);
    world::two_days(&Files::of(memory.clone()));
    let subjects = Subjects::of(&file.database());
    let (mut there, mut here) = (SqliteReads::open(&file.database()).unwrap(), MemoryReads::open(&memory).unwrap());
    assert_eq!(there.policy().unwrap(), here.policy().unwrap());
    // The first line is the policy: a file keeps the same figures, without the zeros at their end.
    let (there, here) = (subjects.told(&mut there).split_off(1), subjects.told(&mut here).split_off(1));
    let differ: Vec<_> = there.iter().zip(&here).filter(|(there, here)| there != here).collect();
    assert!(differ.is_empty(), "{differ:#?}");
    assert_eq!(there.len(), here.len());
}

#[test]
fn moves_money_once_whatever_becomes_of_a_commit() {
    for hands in [Hands::Own, Hands::Callers] {
        moves_money_once(hands);
    }
}

fn moves_money_once(hands: Hands) {
    let memory = MemoryBank::new();
    let files = Files::of(memory.clone());
    let (bank, deposits) = world::before_deposits(&files, hands);
    let faults = [
        (CommitFault::Away, Replay::First),
        (CommitFault::AnswerLost, Replay::Repeat),
        (CommitFault::DiskFull, Replay::First),
    ];
    for (deposit, (fault, replay)) in deposits.into_iter().zip(faults) {
        let deposit = Command::from(deposit);
        let before = memory.books().transfers.len();
        memory.fault(fault);
        assert_eq!(bank.execute(deposit.clone()), Err(Failure::DatabaseUnavailable), "{fault:?}");
        memory.mend();
        let answer = bank.execute(deposit).unwrap();
        assert_eq!((answer.replay, answer.outcome.is_ok()), (replay, true), "{fault:?}");
        assert_eq!(memory.transfers_since(before).len(), 1, "{fault:?}");
    }
    bank.close();
    let report = verify(&memory.records().unwrap(), None).unwrap();
    assert!(report.is_clean(), "{:#?}", report.differences);
}
