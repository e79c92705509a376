//! The contract, kept by PostgreSQL; and what only a server with several writers can do wrong.

use std::sync::Arc;

use cashpoint_bank::bank::Mode;
use cashpoint_bank::clock::SystemClock;
use cashpoint_bank::store::postgres::{Address, PostgresError, PostgresReads, PostgresStore, Remembering, migrate};
use cashpoint_bank::store::{CasesWanted, HistoryQuery, Migrated, OpenMode, Reads, Store, TerminalReads};
use cashpoint_core::id::AccountNumber;

use crate::cluster::{Cluster, Files};
use crate::{Database, small_bank, store_contract};

/// A bank on a server of its own.
pub(crate) struct Server {
    pub(crate) cluster: Cluster,
}

impl Server {
    pub(crate) fn new() -> Self {
        Self { cluster: Cluster::start(Files::Fast) }
    }

    pub(crate) fn address(&self) -> Address {
        self.cluster.url("postgres").parse().unwrap()
    }

    pub(crate) fn open(&self, mode: OpenMode) -> Result<PostgresStore, PostgresError> {
        PostgresStore::open(&self.address(), mode)
    }

    /// A writer that remembers rows while it is the only one that writes.
    pub(crate) fn alone(&self) -> PostgresStore {
        self.remembering(Remembering::Alone(Arc::new(SystemClock)))
    }

    pub(crate) fn remembering(&self, remembering: Remembering) -> PostgresStore {
        PostgresStore::open_beside(&self.address(), CREATE, Arc::default(), remembering).unwrap()
    }

    pub(crate) fn sql(&self, sql: &str) -> String {
        self.cluster.sql("postgres", sql)
    }

    /// Ends every connection of writers and readers, and waits until the server has.
    pub(crate) fn end_connections(&self) {
        let of_hosts = "FROM pg_stat_activity WHERE application_name = 'cashpoint'";
        self.sql(&format!("SELECT count(pg_terminate_backend(pid, 60000)) {of_hosts}"));
    }
}

impl Server {
    /// A statement must break a constraint.
    pub(crate) fn refuses(&self, sql: &str) {
        self.cluster.refuses("postgres", sql);
    }
}

impl Database for Server {
    fn writer(&self) -> Box<dyn Store> {
        Box::new(self.open(CREATE).unwrap())
    }

    fn reader(&self) -> Box<dyn Reads> {
        // A reader makes nothing: somebody has to have been there before.
        drop(self.open(CREATE).unwrap());
        Box::new(PostgresReads::open(&self.address()).unwrap())
    }
}

mod as_every_store {
    use super::*;

    store_contract!(Server::new());
}

/// A server whose writers remember rows while they are the only ones that write.
struct Alone(Server);

impl Database for Alone {
    fn writer(&self) -> Box<dyn Store> {
        Box::new(self.0.alone())
    }

    fn reader(&self) -> Box<dyn Reads> {
        self.0.reader()
    }
}

mod as_every_store_alone {
    use super::*;

    store_contract!(Alone(Server::new()));
}

/// A server on which whatever is old enough to be read has just gone into the archive.
struct Archive(Server);

impl Archive {
    fn fill(&self) {
        drop(self.0.open(CREATE).unwrap());
        for table in ["transfers", "events"] {
            self.0.sql(&format!(
                "WITH taken AS (DELETE FROM {table} RETURNING *) INSERT INTO archived_{table} SELECT * FROM taken"
            ));
        }
    }
}

impl Database for Archive {
    fn writer(&self) -> Box<dyn Store> {
        self.fill();
        self.0.writer()
    }

    fn reader(&self) -> Box<dyn Reads> {
        self.fill();
        self.0.reader()
    }
}

/// Neither what reads history nor what writes it minds where it is.
mod as_every_store_with_an_archive {
    use super::*;

    store_contract!(Archive(Server::new()));
}

const CREATE: OpenMode = OpenMode::CreateIfMissing(Mode::Real);

#[test]
fn stays_what_it_was_made_as() {
    let server = Server::new();
    assert_eq!(server.open(OpenMode::CreateIfMissing(Mode::Sandbox)).unwrap().mode(), Mode::Sandbox);
    assert_eq!(server.open(CREATE).unwrap().mode(), Mode::Sandbox);
    assert_eq!(server.open(OpenMode::Existing).unwrap().mode(), Mode::Sandbox);
}

#[test]
fn makes_nothing_where_a_bank_is_expected() {
    let server = Server::new();
    assert!(matches!(server.open(OpenMode::Existing), Err(PostgresError::NotABank(_))));
    assert!(matches!(migrate(&server.address()), Err(PostgresError::NotABank(_))));
    assert!(matches!(PostgresReads::open(&server.address()), Err(PostgresError::NotABank(_))));
    assert_eq!(server.sql("SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'"), "0");
    server.sql("CREATE TABLE recipes (name text)");
    assert!(matches!(server.open(CREATE), Err(PostgresError::NotABank(_))), "somebody else's");
}

#[test]
fn opens_only_its_own_version_of_the_schema() {
    let server = Server::new();
    drop(server.open(CREATE).unwrap());
    let now = migrate(&server.address()).unwrap();
    assert_eq!(now, Migrated { from: now.to, to: now.to }, "a new bank has the newest schema");
    server.sql(
        "INSERT INTO refinery_schema_history (version, name, applied_on, checksum)
                SELECT 999, 'future', applied_on, '1' FROM refinery_schema_history LIMIT 1",
    );
    assert!(matches!(server.open(CREATE), Err(PostgresError::Newer { have: 999, .. })));
    assert!(matches!(PostgresReads::open(&server.address()), Err(PostgresError::Newer { have: 999, .. })));
    assert!(matches!(migrate(&server.address()), Err(PostgresError::Newer { have: 999, .. })));
}

#[test]
fn brings_the_version_before_up_to_date_with_all_that_is_there() {
    let server = Server::new();
    small_bank(server.writer().as_mut());
    let told = |sql: &str| server.sql(sql);
    let before = told("SELECT * FROM transfers ORDER BY id");
    for sql in [
        "DELETE FROM transfer_kinds WHERE code > 25",
        "ALTER TABLE cases DROP CONSTRAINT cases_matter",
        "ALTER TABLE cases ADD CONSTRAINT cases_matter_check CHECK (matter <> 'return_unclaimed')",
        "DELETE FROM refinery_schema_history WHERE version = 5",
    ] {
        told(sql);
    }
    let opened = server.open(OpenMode::Existing);
    assert!(matches!(opened, Err(PostgresError::NeedsMigration { have: 4, want: 5 })));
    assert_eq!(migrate(&server.address()).unwrap(), Migrated { from: 4, to: 5 });
    assert_eq!(told("SELECT * FROM all_transfers ORDER BY id"), before);
    small_bank_is_read(&mut PostgresReads::open(&server.address()).unwrap());
}

/// What lay in suspense for a closed account before that was a case, some of it archived: with the fee, and without.
#[test]
fn opens_cases_for_what_already_waits_for_its_owner() {
    let server = Server::new();
    small_bank(server.writer().as_mut());
    let columns = "id, kind, debit, credit, amount, at, business_date, machine, concerns, writer, seq, idx";
    let back = |table, at: i64, kind: i64, amount: i64, of: &str| {
        server.sql(&format!(
            "INSERT INTO {table} ({columns})
             SELECT '018bcfe5-6800-7000-8000-0000000000a{at}', {kind}, flight.id, suspense.id, {amount}, 1700000004000000, 19675,
                    withdrawals.machine, {of}, writer, seq, 100 + {at}
             FROM withdrawals JOIN transfers AS approval ON approval.id = withdrawals.id,
                  accounts AS flight, accounts AS suspense
             WHERE (fee IS NULL) = ({at} = 0) AND flight.code = 'atm:ATM2:in_flight:USD'
               AND suspense.code = 'bank:suspense:USD'"
        ));
    };
    server.sql(
        "INSERT INTO accounts (id, code, currency, debits, credits)
         SELECT min(id) - 1, 'bank:suspense:USD', 'USD', 0, 0 FROM accounts",
    );
    for sql in [
        "ALTER TABLE cases DROP CONSTRAINT cases_matter",
        "ALTER TABLE cases ADD CONSTRAINT cases_matter_check CHECK (matter <> 'return_unclaimed')",
        "DELETE FROM transfer_kinds WHERE code > 25",
        "DELETE FROM refinery_schema_history WHERE version = 5",
    ] {
        server.sql(sql);
    }
    back("archived_transfers", 0, 5, 60_00, "withdrawals.id");
    back("transfers", 1, 9, 60_00, "withdrawals.id");
    back("transfers", 2, 7, 15_00, "withdrawals.fee_transfer");
    migrate(&server.address()).unwrap();
    let cases = PostgresReads::open(&server.address()).unwrap().cases(CasesWanted::Open, 78, 10).unwrap();
    let shown: Vec<_> = cases.iter().map(|case| (case.matter.name(), case.amount.minor(), case.account)).collect();
    let savings = AccountNumber::new(10_000);
    assert_eq!(shown, [("return_unclaimed", 60_00, savings), ("return_unclaimed", 75_00, savings)]);
}

fn small_bank_is_read(reads: &mut dyn Reads) {
    let query = HistoryQuery { account: AccountNumber::new(10_001), before: None, from: None, to: None, limit: 100 };
    assert!(reads.history(&query).unwrap().len() > 3);
}

#[test]
fn refuses_a_server_that_does_not_sync() {
    for (setting, said) in [("fsync=off", "fsync = off"), ("full_page_writes=off", "full_page_writes = off")] {
        let server = Server { cluster: Cluster::with(Files::Fast, &[setting]) };
        assert!(matches!(server.open(CREATE), Err(PostgresError::Unsafe(found)) if found == said));
    }
}

#[test]
fn is_made_once_by_hosts_that_come_together() {
    let server = Server::new();
    let writers: Vec<u32> = std::thread::scope(|scope| {
        let opened: Vec<_> = (0..6).map(|_| scope.spawn(|| server.open(CREATE).unwrap())).collect();
        let mut stores: Vec<_> = opened.into_iter().map(|store| store.join().unwrap()).collect();
        stores.iter_mut().map(|store| crate::commit(store, &mut crate::sample::Builder::new()).writer).collect()
    });
    let mut writers = writers;
    writers.sort_unstable();
    assert_eq!(writers, [1, 2, 3, 4, 5, 6]);
    assert_eq!(server.sql("SELECT count(*) FROM bank"), "1");
}

#[test]
fn says_of_every_table_and_column_what_it_holds() {
    let server = Server::new();
    drop(server.open(CREATE).unwrap());
    let silent = "SELECT c.relname || '.' || a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
         WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND a.attnum > 0
             AND c.relname <> 'refinery_schema_history' AND col_description(c.oid, a.attnum) IS NULL
         UNION ALL
         SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'
             AND c.relname <> 'refinery_schema_history' AND obj_description(c.oid) IS NULL";
    assert_eq!(server.sql(silent), "");
    assert!(server.sql("SELECT count(*) FROM pg_sequences").starts_with('0'), "nothing rests on a sequence");
}

#[test]
fn adds_up_the_accounts_that_no_decision_reads() {
    let server = Server::new();
    small_bank(server.writer().as_mut());
    let totals = |code: &str| {
        server.sql(&format!(
            "SELECT sum(t.debits), sum(t.credits) FROM accounts a JOIN bank_totals t ON t.account = a.id WHERE a.code = '{code}'"
        ))
    };
    assert_eq!(totals("bank:opening:USD"), "300000|0");
    assert_eq!(totals("bank:fees:USD"), "0|3000");
    assert_eq!(totals("bank:vault:USD"), "0|1800000");
    assert_eq!(totals("bank:counter:C-1:USD"), "7|0");
    let all = "SELECT sum(debits) - sum(credits) FROM (SELECT debits, credits FROM accounts
        UNION ALL SELECT debits, credits FROM bank_totals) x";
    assert_eq!(server.sql(all), "0");
}

#[test]
fn knows_the_highest_instant_when_it_is_opened_again() {
    let server = Server::new();
    let mut store = server.open(CREATE).unwrap();
    assert_eq!(store.highest_now(), None);
    let bank = small_bank(&mut store);
    assert_eq!(server.open(CREATE).unwrap().highest_now(), Some(bank.now.plus_s(-1)));
}
