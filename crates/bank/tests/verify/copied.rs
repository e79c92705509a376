//! A bank in which everything happened moves to a server, and is the same there.

use std::path::Path;
use std::sync::Arc;

use cashpoint_bank::bank::{Bank, Mode, Setting};
use cashpoint_bank::clock::SystemClock;
use cashpoint_bank::copy::{Copied, CopyError, copy};
use cashpoint_bank::entropy::{SeededEntropy, SystemEntropy};
use cashpoint_bank::keys::{FileKeyStore, MasterKey};
use cashpoint_bank::request::{Content, Scope};
use cashpoint_bank::store::database::{Database, DatabaseError};
use cashpoint_bank::store::postgres::{Address, PostgresError, PostgresReads, PostgresStore};
use cashpoint_bank::store::records::Records;
use cashpoint_bank::store::sqlite::{SqliteError, SqliteReads, SqliteStore};
use cashpoint_bank::store::{CasesWanted, HistoryQuery, OpenMode, Reads, Store};
use cashpoint_bank::verify::verify;
use cashpoint_core::command::{By, Deposit};
use cashpoint_core::facts::{Facts, Lookups};
use cashpoint_core::id::{AccountNumber, CardId, CustomerId, MachineId, RequestKey};
use cashpoint_core::money::Decimal;
use cashpoint_core::notification::ChannelName;
use rusqlite::Connection;

use crate::cluster::{Cluster, Files as Where};
use crate::world::{self, Files};

pub(crate) fn address(server: &Cluster) -> Address {
    server.url("postgres").parse().unwrap()
}

pub(crate) fn keys(files: &Files) -> FileKeyStore {
    FileKeyStore::open(&files.keys(), MasterKey::InFile, Arc::new(SystemEntropy)).unwrap()
}

pub(crate) fn copied(files: &Files, server: &Cluster) -> Result<Copied, CopyError> {
    copy(&files.database(), &address(server), Some(&keys(files)))
}

/// A bank that was copied agrees with itself.
#[track_caller]
pub(crate) fn is_clean(files: &Files, server: &Cluster) {
    let records = Records::open_shared(&address(server)).unwrap();
    let report = verify(&records, Some(&keys(files))).unwrap();
    assert!(report.is_clean(), "{:#?}", report.differences);
}

fn all<T>(connection: &Connection, sql: &str, read: impl Fn(&rusqlite::Row<'_>) -> T) -> Vec<T> {
    let mut statement = connection.prepare(sql).unwrap();
    statement.query_map([], |row| Ok(read(row))).unwrap().map(Result::unwrap).collect()
}

/// What a bank's file has, by what it is asked for.
pub(crate) struct Subjects {
    accounts: Vec<AccountNumber>,
    customers: Vec<CustomerId>,
    cards: Vec<CardId>,
    machines: Vec<MachineId>,
    channels: Vec<ChannelName>,
    tokens: Vec<[u8; 32]>,
    requests: Vec<RequestKey>,
}

impl Subjects {
    pub(crate) fn of(database: &Path) -> Self {
        let file = Connection::open(database).unwrap();
        let number = |row: &rusqlite::Row<'_>| row.get::<_, i64>(0).unwrap();
        let text = |row: &rusqlite::Row<'_>| row.get::<_, String>(0).unwrap();
        let accounts = all(&file, "SELECT id FROM accounts WHERE customer IS NOT NULL", number);
        Self {
            accounts: accounts.into_iter().map(|id| AccountNumber::new(u64::try_from(id).unwrap())).collect(),
            customers: all(&file, "SELECT id FROM customers", number).into_iter().map(CustomerId::new).collect(),
            cards: all(&file, "SELECT id FROM cards", number).into_iter().map(CardId::new).collect(),
            machines: all(&file, "SELECT id FROM machines", text)
                .iter()
                .map(|id| MachineId::parse(id).unwrap())
                .collect(),
            channels: all(&file, "SELECT channel FROM feeds", text)
                .iter()
                .map(|name| ChannelName::parse(name).unwrap())
                .collect(),
            tokens: all(&file, "SELECT token FROM sessions", |row| row.get(0).unwrap()),
            requests: all(&file, "SELECT key FROM requests", |row| row.get(0).unwrap()),
        }
    }

    /// Everything that readers are told, one line each.
    pub(crate) fn told(&self, reads: &mut dyn Reads) -> Vec<String> {
        let mut said = vec![
            format!("{:?}", reads.policy().unwrap()),
            format!("{:?}", reads.machines(None).unwrap()),
            format!("{:?}", reads.terminals().unwrap()),
            format!("{:?}", reads.cases(CasesWanted::All, i64::MIN, 1_000).unwrap()),
            format!("{:?}", reads.dead_letters(None, 1_000).unwrap()),
        ];
        for account in &self.accounts {
            let query = HistoryQuery { account: *account, before: None, from: None, to: None, limit: usize::MAX >> 2 };
            said.push(format!("{:?} {:?}", reads.account(*account).unwrap(), reads.history(&query).unwrap()));
        }
        for customer in &self.customers {
            let (profile, password) = reads.customer(*customer).unwrap().unwrap();
            said.push(format!("{:?} {password:?} {:?}", profile.customer, reads.wishes(*customer).unwrap()));
            said.push(format!("{:?}", reads.accounts(*customer).unwrap()));
            said.push(format!("{:?}", reads.events(*customer, 0, 100_000).unwrap()));
        }
        for card in &self.cards {
            said.push(format!("{:?} {:?}", reads.card(*card).unwrap(), reads.notices(*card).unwrap()));
        }
        for machine in &self.machines {
            said.push(format!("{:?}", reads.machine_transfers(*machine, None, 100_000).unwrap()));
            said.push(format!(
                "{:?} {:?}",
                reads.terminal_keys(*machine).unwrap(),
                reads.spent_cards(*machine).unwrap()
            ));
            said.push(format!("{:?}", reads.replenishment(*machine, 1).unwrap()));
        }
        for token in &self.tokens {
            said.push(format!("{:?}", reads.session(token).unwrap()));
        }
        for channel in &self.channels {
            let (feed, waiting) = reads.feed(*channel).unwrap().unwrap();
            said.push(format!("{:?} {:?} {:?} {waiting:?}", feed.channel, feed.holder, feed.until));
            for out in reads.events_after(*channel, &feed.cursor, 100_000).unwrap() {
                said.push(format!("{:?} {:?}", out.delivered, out.wish));
            }
        }
        said
    }

    fn answers(&self, store: &mut dyn Store) -> Vec<String> {
        let lookups = Lookups { requests: self.requests.iter().copied().collect(), ..Lookups::default() };
        let mut facts = Facts::default();
        store.resolve(&lookups, &mut facts).unwrap();
        self.requests.iter().map(|key| format!("{:?}", facts.requests.find(key).unwrap())).collect()
    }
}

#[test]
fn is_the_same_on_a_server() {
    let (files, server) = (world::live(), Cluster::start(Where::Fast));
    let subjects = Subjects::of(&files.database());
    let done = copied(&files, &server).unwrap();
    assert!(done.rows > 500 && done.tables > 40, "{done:?}");
    is_clean(&files, &server);
    let there = subjects.told(&mut SqliteReads::open(&files.database()).unwrap());
    let here = subjects.told(&mut PostgresReads::open(&address(&server)).unwrap());
    for (there, here) in there.iter().zip(&here) {
        assert_eq!(there, here);
    }
    assert_eq!(there.len(), here.len());
    let there = subjects.answers(&mut SqliteStore::open(&files.database(), OpenMode::Existing).unwrap());
    let here = subjects.answers(&mut PostgresStore::open(&address(&server), OpenMode::Existing).unwrap());
    assert!(!there.is_empty());
    assert_eq!(there, here, "every request has the answer that it had");
}

#[test]
fn goes_on_where_it_was() {
    let (files, server) = (world::live(), Cluster::start(Where::Fast));
    copied(&files, &server).unwrap();
    deposit_more(&files, &server, "after");
    is_clean(&files, &server);
}

/// A host on the server takes in some more.
pub(crate) fn deposit_more(files: &Files, server: &Cluster, name: &str) {
    let database = Database::Postgres(address(server));
    let setting = Setting::new(database, files.keys(), Arc::new(SystemClock), Arc::new(SeededEntropy::new(7)));
    let bank = Bank::open(setting.with_mode(Mode::Sandbox)).unwrap().0;
    let account = AccountNumber::new(10_001);
    let scope = Scope::Customer(CustomerId::TELLER);
    for number in 0..20 {
        let request = bank.request_id(scope, &format!("{name}-{number}"), &Content::of("after", ""));
        let deposit = Deposit { by: By::Teller, request, account, amount: Decimal::new(1, 0), machine: None };
        bank.execute(deposit).unwrap().outcome.unwrap();
    }
    bank.close();
}

#[test]
fn leaves_an_empty_database_when_it_does_not_come_to_the_end() {
    let (files, server) = (world::live(), Cluster::start(Where::Fast));
    // The first attempt makes the schema; the bank's mark is the last row of all.
    let sql = |sql: &str| server.sql("postgres", sql);
    drop(PostgresStore::open(&address(&server), OpenMode::CreateIfMissing(Mode::Sandbox)).unwrap());
    for table in ["commits", "bank", "policies", "writers"] {
        sql(&format!("DELETE FROM {table}"));
    }
    sql("CREATE FUNCTION breaks() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''broken''; END'");
    sql("CREATE TRIGGER breaks BEFORE INSERT ON bank FOR EACH ROW EXECUTE FUNCTION breaks()");
    let error = copied(&files, &server).unwrap_err();
    assert!(matches!(error, CopyError::Database(_)) && error.to_string().contains("bank"), "{error}");
    for table in ["transfers", "events", "accounts", "bank", "writers"] {
        assert_eq!(sql(&format!("SELECT count(*) FROM {table}")), "0", "{table}");
    }
    sql("DROP TRIGGER breaks ON bank");
    sql("CREATE FUNCTION bends() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.role = ''auditor''; RETURN NEW; END'");
    sql("CREATE TRIGGER bends BEFORE INSERT ON operators FOR EACH ROW EXECUTE FUNCTION bends()");
    let error = copied(&files, &server).unwrap_err();
    assert!(
        matches!(&error, CopyError::Differs(what) if what.len() == 1 && what[0].starts_with("operators.role")),
        "{error}"
    );
    sql("DROP TRIGGER bends ON operators");
    copied(&files, &server).unwrap();
    is_clean(&files, &server);
    let again = copied(&files, &server).unwrap_err();
    assert!(matches!(again, CopyError::Database(DatabaseError::Postgres(PostgresError::NotEmpty(_)))), "{again}");
}

#[test]
fn takes_only_a_bank_that_nobody_serves_and_that_agrees_with_itself() {
    let (files, server) = (world::live(), Cluster::start(Where::Fast));
    let host = SqliteStore::open(&files.database(), OpenMode::Existing).unwrap();
    let error = copied(&files, &server).unwrap_err();
    assert!(matches!(error, CopyError::Database(DatabaseError::Sqlite(SqliteError::Locked(_)))), "{error}");
    drop(host);
    Connection::open(files.database()).unwrap().execute("UPDATE accounts SET debits = debits + 1", []).unwrap();
    assert!(matches!(copied(&files, &server), Err(CopyError::Source(report)) if !report.is_clean()));
    let missing = files.database().with_file_name("nowhere.db");
    let error = copy(&missing, &address(&server), None).unwrap_err();
    assert!(matches!(error, CopyError::Database(DatabaseError::Sqlite(SqliteError::Missing(_)))), "{error}");
    assert!(!missing.exists());
    assert_eq!(
        server.sql("postgres", "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'"),
        "0"
    );
    server.sql("postgres", "CREATE TABLE recipes (name text)");
    let files = world::live();
    let error = copied(&files, &server).unwrap_err();
    assert!(matches!(error, CopyError::Database(DatabaseError::Postgres(PostgresError::NotABank(_)))), "{error}");
}
