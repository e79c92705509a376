//! The contract, kept by SQLite; and what only a file can do wrong.

use std::fs;
use std::path::PathBuf;

use cashpoint_bank::bank::Mode;
use cashpoint_bank::store::sqlite::{Migrated, OpenMode, SqliteError, SqliteReads, SqliteStore, migrate};
use cashpoint_bank::store::{Reads, Store};
use tempfile::TempDir;

use crate::{Database, small_bank, store_contract};

/// A bank's file in a folder of its own.
pub(crate) struct File {
    folder: TempDir,
}

impl File {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("bank.db")
    }

    fn open(&self, mode: OpenMode) -> Result<SqliteStore, SqliteError> {
        SqliteStore::open(&self.path(), mode)
    }
}

impl Database for File {
    fn writer(&self) -> Box<dyn Store> {
        Box::new(self.open(OpenMode::CreateIfMissing(Mode::Real)).unwrap())
    }

    fn reader(&self) -> Box<dyn Reads> {
        Box::new(SqliteReads::open(&self.path()).unwrap())
    }
}

mod as_every_store {
    use super::*;

    store_contract!(File::new());
}

const CREATE: OpenMode = OpenMode::CreateIfMissing(Mode::Real);

#[test]
fn lets_only_one_writer_in() {
    let file = File::new();
    let first = file.open(CREATE).unwrap();
    for mode in [CREATE, OpenMode::Existing] {
        assert!(matches!(file.open(mode), Err(SqliteError::Locked(path)) if path == file.path()));
    }
    assert!(matches!(migrate(&file.path()), Err(SqliteError::Locked(_))));
    assert!(SqliteReads::open(&file.path()).is_ok(), "readers are not writers");
    drop(first);
    assert!(file.open(OpenMode::Existing).is_ok());
}

#[test]
fn lets_nobody_in_by_another_name() {
    let file = File::new();
    let _first = file.open(CREATE).unwrap();
    let (soft, hard) = (file.path().with_file_name("soft.db"), file.path().with_file_name("hard.db"));
    std::os::unix::fs::symlink(file.path(), &soft).unwrap();
    fs::hard_link(file.path(), &hard).unwrap();
    for name in [soft, hard] {
        assert!(matches!(SqliteStore::open(&name, CREATE), Err(SqliteError::Locked(path)) if path == name));
    }
}

#[test]
fn stays_what_it_was_made_as() {
    let file = File::new();
    assert_eq!(file.open(OpenMode::CreateIfMissing(Mode::Sandbox)).unwrap().mode(), Mode::Sandbox);
    assert_eq!(file.open(CREATE).unwrap().mode(), Mode::Sandbox);
    assert_eq!(file.open(OpenMode::Existing).unwrap().mode(), Mode::Sandbox);
    let file = File::new();
    fs::write(file.path(), "").unwrap();
    assert_eq!(file.open(CREATE).unwrap().mode(), Mode::Real, "an empty file becomes a bank");
}

#[test]
fn makes_nothing_where_a_bank_is_expected() {
    let file = File::new();
    assert!(matches!(file.open(OpenMode::Existing), Err(SqliteError::Missing(_))));
    assert!(matches!(migrate(&file.path()), Err(SqliteError::Missing(_))));
    assert!(matches!(SqliteReads::open(&file.path()), Err(SqliteError::Missing(_))));
    assert!(!file.path().exists());
    fs::write(file.path(), "").unwrap();
    assert!(matches!(file.open(OpenMode::Existing), Err(SqliteError::NotABank(_))));
}

#[test]
fn leaves_other_peoples_databases_alone() {
    let file = File::new();
    rusqlite::Connection::open(file.path()).unwrap().execute_batch("CREATE TABLE recipes (name TEXT)").unwrap();
    for mode in [CREATE, OpenMode::Existing] {
        assert!(matches!(file.open(mode), Err(SqliteError::NotABank(_))));
    }
    assert!(matches!(migrate(&file.path()), Err(SqliteError::NotABank(_))));
    fs::write(file.path(), "this is no database, and longer than the header of one ".repeat(20)).unwrap();
    assert!(matches!(file.open(CREATE), Err(SqliteError::Database(_))));
}

#[test]
fn opens_only_its_own_version_of_the_schema() {
    let file = File::new();
    drop(file.open(CREATE).unwrap());
    let now = migrate(&file.path()).unwrap();
    assert_eq!(now, Migrated { from: now.to, to: now.to }, "a new bank has the newest schema");
    let newer = "INSERT INTO refinery_schema_history (version, name, applied_on, checksum)
                 SELECT 999, 'future', applied_on, '1' FROM refinery_schema_history LIMIT 1";
    rusqlite::Connection::open(file.path()).unwrap().execute_batch(newer).unwrap();
    assert!(matches!(file.open(CREATE), Err(SqliteError::Newer { have: 999, .. })));
    assert!(matches!(SqliteReads::open(&file.path()), Err(SqliteError::Newer { have: 999, .. })));
    assert!(matches!(migrate(&file.path()), Err(SqliteError::Newer { have: 999, .. })));
}

#[test]
fn knows_the_highest_instant_when_it_is_opened_again() {
    let file = File::new();
    let mut store = file.open(CREATE).unwrap();
    assert_eq!(store.highest_now(), None);
    let bank = small_bank(&mut store);
    drop(store);
    assert_eq!(file.open(CREATE).unwrap().highest_now(), Some(bank.now.plus_s(-1)));
    assert_eq!(
        file.open(CREATE).unwrap().highest_now(),
        Some(bank.now.plus_s(-1)),
        "a writer without commits is no matter"
    );
}

#[test]
fn adds_up_the_accounts_that_no_decision_reads() {
    let file = File::new();
    small_bank(file.writer().as_mut());
    let connection = rusqlite::Connection::open(file.path()).unwrap();
    let totals = |code: &str| -> (i64, i64) {
        let sql = "SELECT debits, credits FROM accounts WHERE code = ?";
        connection.query_row(sql, [code], |row| Ok((row.get(0)?, row.get(1)?))).unwrap()
    };
    assert_eq!(totals("bank:opening:USD"), (3_000_00, 0));
    assert_eq!(totals("bank:fees:USD"), (0, 30_00));
    assert_eq!(totals("bank:vault:USD"), (0, 2 * 9_000_00));
    assert_eq!(totals("bank:counter:C-1:USD"), (7, 0));
    let all = "SELECT sum(debits) - sum(credits) FROM accounts";
    assert_eq!(connection.query_row(all, [], |row| row.get::<_, i64>(0)).unwrap(), 0);
    let each = "SELECT count(*) FROM accounts a WHERE
                    debits <> (SELECT coalesce(sum(amount), 0) FROM transfers WHERE debit = a.id)
                    OR credits <> (SELECT coalesce(sum(amount), 0) FROM transfers WHERE credit = a.id)";
    assert_eq!(connection.query_row(each, [], |row| row.get::<_, i64>(0)).unwrap(), 0, "totals = fold of transfers");
}

#[test]
fn writes_the_audit_trail() {
    let file = File::new();
    small_bank(file.writer().as_mut());
    let connection = rusqlite::Connection::open(file.path()).unwrap();
    let mut statement = connection.prepare("SELECT seq, actor, kind, subject, detail FROM audit").unwrap();
    let rows = statement.query_map([], |row| {
        Ok(format!(
            "{} {} {} {} {}",
            row.get::<_, i64>(0)?,
            row.get::<_, String>(1)?,
            row.get::<_, String>(2)?,
            row.get::<_, String>(3)?,
            row.get::<_, String>(4)?
        ))
    });
    let rows: Vec<String> = rows.unwrap().map(Result::unwrap).collect();
    assert_eq!(
        rows,
        [
            "1 console operator_added 7 as the test wants",
            "1 operator:7 machine_created ATM1 as the test wants",
            "4 machine:ATM2 blocked 500 as the test wants"
        ]
    );
}

#[test]
fn leaves_a_sound_file() {
    let file = File::new();
    small_bank(file.writer().as_mut());
    let connection = rusqlite::Connection::open(file.path()).unwrap();
    let answer = |sql: &str| -> String { connection.query_row(sql, [], |row| row.get(0)).unwrap() };
    assert_eq!(answer("PRAGMA integrity_check"), "ok");
    assert_eq!(answer("PRAGMA journal_mode"), "wal");
    assert!(!connection.prepare("PRAGMA foreign_key_check").unwrap().exists([]).unwrap());
}
