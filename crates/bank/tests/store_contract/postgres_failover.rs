//! A writer that goes on at another server: one that is without what was committed last, beside one that still answers.

use std::sync::Arc;
use std::time::Duration;

use cashpoint_bank::bank::Mode;
use cashpoint_bank::clock::SystemClock;
use cashpoint_bank::store::postgres::{PostgresStore, Remembering};
use cashpoint_bank::store::{OpenMode, Store};
use cashpoint_core::change::{Change, Changes, Row};
use cashpoint_core::facts::{Facts, Keys, Lookups};
use cashpoint_core::ledger::{BankAccount, TransferKind};

use crate::cluster::{Cluster, Files, url};
use crate::sample::{ANNS, Builder, bank, customers};
use crate::{commit, empty, small_bank};

/// A server, and a copy of it that follows it without being waited for.
struct Pair {
    primary: Cluster,
    standby: Cluster,
}

impl Pair {
    fn new() -> (Self, Builder) {
        let primary = Cluster::start(Files::Fast);
        let bank = small_bank(&mut on(&[&primary], Remembering::Never));
        let standby = Cluster::standby_of(&primary, Files::Fast);
        (Self { primary, standby }, bank)
    }

    /// Until the standby has whatever the primary has.
    fn level(&self) {
        let at = self.primary.sql("postgres", "SELECT pg_current_wal_flush_lsn()");
        let level = format!("SELECT pg_last_wal_replay_lsn() >= '{at}'");
        assert!((0..2_000).any(|_| self.standby.sql("postgres", &level) == "t"), "the standby follows");
    }

    /// From now on the standby hears nothing.
    fn part(&self) {
        self.standby.sql("postgres", "ALTER SYSTEM SET primary_conninfo = ''");
        self.standby.sql("postgres", "SELECT pg_reload_conf()");
        let alone = || self.standby.sql("postgres", "SELECT count(*) FROM pg_stat_wal_receiver") == "0";
        assert!((0..2_000).any(|_| alone()), "it follows nobody");
    }
}

fn on(servers: &[&Cluster], remembering: Remembering) -> PostgresStore {
    let (address, create) = (url(servers, "postgres").parse().unwrap(), OpenMode::CreateIfMissing(Mode::Real));
    PostgresStore::open_beside(&address, create, Arc::default(), remembering).unwrap()
}

fn keys() -> Keys {
    Keys { accounts: [ANNS].into(), ..Keys::default() }
}

/// Whether the store gets to a server within a minute.
fn is_served(store: &mut PostgresStore, facts: &mut Facts) -> bool {
    (0..6_000).any(|_| {
        std::thread::sleep(Duration::from_millis(10));
        store.resolve(&Lookups::default(), facts).is_ok() && store.load(&keys(), facts).is_ok()
    })
}

/// One dollar more on Ann's account.
fn one_more(bank: &Builder, facts: &mut Facts) -> Changes {
    let mut changes = empty(bank);
    let mut row = *facts.accounts.at(&ANNS);
    row.totals = row.totals.credited(1_00);
    changes.apply(Change::Row(Row::Account(row)), facts);
    changes
}

#[test]
fn forgets_numbers_that_the_next_server_gives_to_something_else() {
    let (mut pair, mut book) = Pair::new();
    let both = [&pair.primary, &pair.standby];
    let mut first = on(&both, Remembering::Never);
    pair.level();
    pair.part();
    let post = |book: &mut Builder, account| {
        book.post(TransferKind::Opening, (bank(account), customers(ANNS)), 1, None);
    };
    post(&mut book, BankAccount::Suspense);
    commit(&mut first, &mut book);
    pair.primary.kill();
    pair.standby.promote();
    let server = &pair.standby;
    let known = |account: &str| {
        server.sql("postgres", &format!("SELECT count(*) FROM accounts WHERE code = 'bank:{account}:USD'"))
    };
    assert_eq!((known("suspense"), known("over_short")), ("0".to_owned(), "0".to_owned()), "that is lost");
    post(&mut book, BankAccount::OverShort);
    commit(&mut on(&[server], Remembering::Never), &mut book);
    assert!(is_served(&mut first, &mut Facts::default()), "it finds the other server");
    post(&mut book, BankAccount::Suspense);
    commit(&mut first, &mut book);
    let credited = "SELECT string_agg(code, ' ' ORDER BY code) FROM accounts JOIN bank_totals ON account = id
         WHERE code IN ('bank:suspense:USD', 'bank:over_short:USD') AND bank_totals.debits = 1";
    assert_eq!(server.sql("postgres", credited), "bank:over_short:USD bank:suspense:USD");
}

#[test]
fn writes_nothing_where_its_number_may_be_anothers() {
    let (mut pair, mut book) = Pair::new();
    pair.level();
    pair.part();
    let mut first = on(&[&pair.primary, &pair.standby], Remembering::Never);
    commit(&mut first, &mut book);
    pair.primary.kill();
    pair.standby.promote();
    let mut second = on(&[&pair.standby], Remembering::Never);
    assert_eq!(commit(&mut second, &mut book).writer, 2, "the number that the first has");
    let mut facts = Facts::default();
    let served = (0..100).any(|_| {
        std::thread::sleep(Duration::from_millis(10));
        first.resolve(&Lookups::default(), &mut facts).is_ok()
    });
    assert!(!served, "it was never there");
    assert!(is_served(&mut second, &mut facts), "the other is");
}

#[test]
fn asks_no_server_that_was_left_behind() {
    let (pair, book) = Pair::new();
    let remembering = || Remembering::Alone(Arc::new(SystemClock));
    // Whoever comes later finds the standby first, once it takes writes.
    let mut store = on(&[&pair.standby, &pair.primary], remembering());
    let mut facts = Facts::default();
    // Reads the account over the connection that the next group is decided by.
    let mut recall = |store: &mut PostgresStore| {
        let read = (0..6_000).any(|_| {
            std::thread::sleep(Duration::from_millis(10));
            if store.resolve(&Lookups::default(), &mut facts).is_err() {
                return false;
            }
            facts.clear();
            let Some(overlapping) = store.overlapping() else { return false };
            overlapping.recall(&Lookups::default(), &mut facts).is_some()
                && overlapping.fill_up(&keys(), &mut facts).is_some()
        });
        assert!(read, "it remembers rows");
        facts.accounts.at(&ANNS).totals.credits
    };
    let before = recall(&mut store);
    pair.level();
    // The server that is left goes on answering; only the writer's own connection to it ends.
    pair.standby.promote();
    let end = "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE application_name = 'cashpoint'
         ORDER BY backend_start LIMIT 1";
    assert_eq!(pair.primary.sql("postgres", end), "t");
    let mut other = on(&[&pair.standby], Remembering::Never);
    let mut facts = Facts::default();
    assert!(is_served(&mut other, &mut facts));
    other.commit(&one_more(&book, &mut facts)).unwrap();
    assert_eq!(recall(&mut store), before + 1_00, "as it stands on the server that it writes to");
}
