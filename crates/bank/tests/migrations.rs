//! Every schema version that was ever in use can still be brought up to date.
//!
//! `fixtures/bank-NN.sql` is the small bank as a text dump of schema version NN. The newest is compared with what this
//! program makes (`UPDATE_FIXTURES=1` writes it); the older ones are never touched again.

#![expect(clippy::unwrap_used, reason = "in a test, what fails is the test")]

mod sample;

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use cashpoint_bank::bank::Mode;
use cashpoint_bank::store::sqlite::{Migrated, OpenMode, SqliteError, SqliteReads, SqliteStore, migrate};
use cashpoint_bank::store::{CasesWanted, HistoryQuery, Reads, Store, TerminalReads};
use cashpoint_core::change::New;
use cashpoint_core::facts::{Facts, Lookups};
use cashpoint_core::id::{AccountNumber, CustomerId, RequestKey};
use cashpoint_core::outcome::Done;
use cashpoint_core::time::Timestamp;
use rusqlite::Connection;

use sample::Builder;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

fn fixture(version: u32) -> PathBuf {
    folder().join(format!("bank-{version:02}.sql"))
}

/// Makes the small bank, and gives its schema version.
fn make_small_bank(path: &Path) -> u32 {
    let mut store = SqliteStore::open(path, OpenMode::CreateIfMissing(Mode::Sandbox)).unwrap();
    let mut bank = Builder::new();
    for fill in sample::commits() {
        fill(&mut bank);
        store.commit(&bank.take()).expect("the sample is sound");
    }
    drop(store);
    migrate(path).unwrap().to
}

/// Tables and rows as SQL, the same for the same bank on every day and in every release.
fn dump(connection: &Connection) -> String {
    let mut out = String::new();
    let objects = "SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY rowid";
    let mut objects = connection.prepare(objects).unwrap();
    let objects = objects.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
    let objects: Vec<(String, String, String)> = objects.unwrap().map(Result::unwrap).collect();
    for (_, _, sql) in &objects {
        writeln!(out, "{sql};").unwrap();
    }
    for (_, name, _) in objects.iter().filter(|(kind, ..)| kind == "table") {
        let mut columns = connection.prepare("SELECT name FROM pragma_table_info(?)").unwrap();
        let columns = columns.query_map([name], |row| row.get(0)).unwrap();
        let columns: Vec<String> = columns.map(Result::unwrap).collect();
        let quoted: Vec<String> = columns
            .iter()
            .map(|column| match column.as_str() {
                "applied_on" => "'''2026-01-01T00:00:00Z'''".to_owned(),
                "program" => "'''cashpoint'''".to_owned(),
                column => format!("quote({column})"),
            })
            .collect();
        let rows = format!("SELECT {} FROM {name} ORDER BY {}", quoted.join(" || ', ' || "), columns.join(", "));
        let mut rows = connection.prepare(&rows).unwrap();
        for row in rows.query_map([], |row| row.get::<_, String>(0)).unwrap() {
            writeln!(out, "INSERT INTO {name} VALUES ({});", row.unwrap()).unwrap();
        }
    }
    out
}

#[test]
fn the_newest_fixture_is_what_this_program_makes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bank.db");
    let version = make_small_bank(&path);
    let made = dump(&Connection::open(&path).unwrap());
    if std::env::var_os("UPDATE_FIXTURES").is_some() {
        fs::write(fixture(version), &made).unwrap();
    }
    let kept = fs::read_to_string(fixture(version)).expect("run once with UPDATE_FIXTURES=1 after a new migration");
    let first = kept.lines().zip(made.lines()).find(|(kept, made)| kept != made);
    assert!(kept == made, "the schema or the sample has changed, first at {first:?}");
}

#[test]
fn brings_every_fixture_up_to_date() {
    let mut versions = 0;
    for version in 1.. {
        let Ok(sql) = fs::read_to_string(fixture(version)) else {
            break;
        };
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bank.db");
        Connection::open(&path).unwrap().execute_batch(&format!("PRAGMA foreign_keys = OFF; {sql}")).unwrap();
        let opened = SqliteStore::open(&path, OpenMode::Existing).map(drop);
        let Migrated { from, to } = migrate(&path).unwrap();
        assert_eq!(from, version);
        match opened {
            Ok(()) => assert_eq!(from, to),
            Err(SqliteError::NeedsMigration { have, want }) => assert_eq!((have, want), (from, to)),
            Err(error) => panic!("bank-{version:02}.sql: {error}"),
        }
        reads_fine(&path);
        versions += 1;
    }
    assert!(versions > 0);
    assert_eq!(versions, fs::read_dir(folder()).unwrap().count(), "the fixtures are numbered from 01 without gaps");
}

/// What lay in suspense for a closed account, before that was a case: with the fee, and without.
#[test]
fn opens_cases_for_what_already_waits_for_its_owner() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bank.db");
    let connection = Connection::open(&path).unwrap();
    let sql = fs::read_to_string(fixture(5)).unwrap();
    connection.execute_batch(&format!("PRAGMA foreign_keys = OFF; {sql}")).unwrap();
    let columns = "id, kind, debit, credit, amount, at, business_date, machine, concerns, writer, seq, idx";
    connection
        .execute_batch(&format!(
            "INSERT INTO accounts (id, code, currency, debits, credits) VALUES (-9, 'bank:suspense:USD', 'USD', 0, 0);
             INSERT INTO transfers ({columns})
             SELECT X'018BCFE56800700080000000000000A0', 5, -4, -9, 6000, 1700000004000000, 19675, 2, id, 1, 5, 10
             FROM withdrawals WHERE fee IS NULL;
             INSERT INTO transfers ({columns})
             SELECT X'018BCFE56800700080000000000000A1', 9, -4, -9, 6000, 1700000004000000, 19675, 2, id, 1, 5, 11
             FROM withdrawals WHERE fee IS NOT NULL;
             INSERT INTO transfers ({columns})
             SELECT X'018BCFE56800700080000000000000A2', 7, -7, -9, 1500, 1700000004000000, 19675, 2, fee_transfer, 1, 5, 12
             FROM withdrawals WHERE fee IS NOT NULL;"
        ))
        .unwrap();
    drop(connection);
    migrate(&path).unwrap();
    let cases = SqliteReads::open(&path).unwrap().cases(CasesWanted::Open, 78, 10).unwrap();
    let shown: Vec<_> = cases.iter().map(|case| (case.matter.name(), case.amount.minor(), case.account)).collect();
    let savings = AccountNumber::new(10_000);
    assert_eq!(shown, [("return_unclaimed", 60_00, savings), ("return_unclaimed", 75_00, savings)]);
    let posted_at = Timestamp::from_micros(1_700_000_004_000_000);
    for case in cases {
        assert_eq!(case.opened, Some(posted_at));
        assert_eq!(case.id.number() >> 20, posted_at.micros() / 1000 - 1_577_836_800_000, "as the bank makes them");
    }
    reads_fine(&path);
}

/// Everything in the bank can be read, adds up, and can be written on.
fn reads_fine(path: &Path) {
    let connection = Connection::open(path).unwrap();
    let check: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(check, "ok");
    assert!(!connection.prepare("PRAGMA foreign_key_check").unwrap().exists([]).unwrap());
    let mut reader = SqliteReads::open(path).unwrap();
    let mut walked = 0;
    for (number, customer) in pairs(&connection, "SELECT id, customer FROM accounts WHERE customer IS NOT NULL") {
        let number = AccountNumber::new(u64::try_from(number).unwrap());
        let account = reader.account(number).unwrap().expect("it was listed");
        let query = HistoryQuery { account: number, before: None, from: None, to: None, limit: usize::MAX };
        let history = reader.history(&query).unwrap();
        assert_eq!(u64::try_from(history.len()).unwrap(), account.entries);
        walked += history.len();
        assert!(reader.accounts(CustomerId::new(customer)).unwrap().contains(&account));
    }
    assert!(walked > 10, "the sample has more entries");
    for (customer, events) in pairs(&connection, "SELECT id, events FROM customer_states") {
        let delivered = reader.events(CustomerId::new(customer), 0, usize::MAX).unwrap();
        assert_eq!(i64::try_from(delivered.len()).unwrap(), events);
        assert!(reader.customer(CustomerId::new(customer)).unwrap().is_some());
    }
    assert_eq!(reader.machines(None).unwrap().len(), 3);
    reader.policy().unwrap();
    let mut keys = connection.prepare("SELECT key FROM requests").unwrap();
    let requests = keys.query_map([], |row| row.get::<_, RequestKey>(0)).unwrap().map(Result::unwrap).collect();
    let lookups = Lookups { requests, ..Lookups::default() };
    let mut facts = Facts::default();
    let mut store = SqliteStore::open(path, OpenMode::Existing).unwrap();
    store.resolve(&lookups, &mut facts).unwrap();
    assert!(lookups.requests.iter().all(|key| facts.requests.find(key).is_some()));
    assert_eq!(lookups.requests.len(), 2);
    let mut bank = Builder::new();
    bank.add(New::Request(sample::request(99), Ok(Done::Changed)));
    store.commit(&bank.take()).unwrap();
}

fn pairs(connection: &Connection, sql: &str) -> Vec<(i64, i64)> {
    let mut statement = connection.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
    rows.unwrap().map(Result::unwrap).collect()
}
