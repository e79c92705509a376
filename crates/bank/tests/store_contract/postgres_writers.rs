//! Two writers on one database, and a writer whose connection is lost at the worst moment.

use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use cashpoint_bank::bank::Mode;
use cashpoint_bank::clock::{Clock as _, SystemClock};
use cashpoint_bank::store::{CommitError, OpenMode, Position, Store};
use cashpoint_core::card::{PinCounter, PinKey};
use cashpoint_core::change::{Change, Changes, New, Row};
use cashpoint_core::event::{About, EventKind};
use cashpoint_core::facts::{Facts, Keys, Lookups};
use cashpoint_core::outcome::Done;
use cashpoint_core::time::Timestamp;

use crate::cluster::{Cluster, Files};
use crate::postgres::Server;
use crate::sample::{ANN, ANNS, Builder, index, request};
use crate::{Database, empty, is_conflict, small_bank};

/// Loads these keys as a group would.
fn load(store: &mut dyn Store, keys: &Keys) -> Facts {
    let mut facts = Facts::default();
    store.resolve(&Lookups::default(), &mut facts).unwrap();
    store.load(keys, &mut facts).unwrap();
    facts
}

/// A group that makes these changes to what was loaded.
fn group(bank: &Builder, facts: &mut Facts, rows: Vec<Row>) -> Changes {
    let mut changes = empty(bank);
    rows.into_iter().for_each(|row| changes.apply(Change::Row(row), facts));
    changes
}

/// One dollar more on Ann's account.
fn one_more(bank: &Builder, facts: &mut Facts) -> Changes {
    let mut row = *facts.accounts.at(&ANNS);
    row.totals = row.totals.credited(1_00);
    group(bank, facts, vec![Row::Account(row)])
}

#[test]
fn decides_on_a_row_as_the_group_before_left_it() {
    let server = Server::new();
    let bank = small_bank(server.writer().as_mut());
    let keys = Keys { accounts: [ANNS].into(), ..Keys::default() };
    let rounds = 20;
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let mut store = server.writer();
                for _ in 0..rounds {
                    let mut facts = load(store.as_mut(), &keys);
                    store.commit(&one_more(&bank, &mut facts)).unwrap();
                }
            });
        }
    });
    let expected = bank.facts.accounts.at(&ANNS).totals.credits + 3 * rounds * 1_00;
    assert_eq!(load(server.writer().as_mut(), &keys).accounts.at(&ANNS).totals.credits, expected, "no update is lost");
}

#[test]
fn lets_go_of_rows_when_a_group_ends_without_a_commit() {
    let server = Server::new();
    let bank = small_bank(server.writer().as_mut());
    let keys = Keys { accounts: [ANNS].into(), ..Keys::default() };
    let (mut first, mut second) = (server.writer(), server.writer());
    load(first.as_mut(), &keys);
    first.release();
    let mut facts = load(second.as_mut(), &keys);
    second.commit(&one_more(&bank, &mut facts)).unwrap();
}

#[test]
fn lets_go_of_the_rows_of_a_writer_that_stands_still() {
    let server = Server::new();
    let bank = small_bank(server.writer().as_mut());
    let keys = Keys { accounts: [ANNS].into(), ..Keys::default() };
    let (mut first, mut second) = (server.writer(), server.writer());
    let mut stale = load(first.as_mut(), &keys);
    // Each try waits for a lock; the server ends the idle session before there were that many.
    let mut facts = Facts::default();
    second.resolve(&Lookups::default(), &mut facts).unwrap();
    let tries = (1..=6).find(|_| second.load(&keys, &mut facts).is_ok());
    assert!(tries.is_some(), "the rows of a writer that stands still stay locked");
    second.commit(&one_more(&bank, &mut facts)).unwrap();
    let late = first.commit(&one_more(&bank, &mut stale));
    assert!(late.is_err(), "what it decided rests on rows that are others' by now");
    let expected = bank.facts.accounts.at(&ANNS).totals.credits + 1_00;
    assert_eq!(load(server.writer().as_mut(), &keys).accounts.at(&ANNS).totals.credits, expected);
}

#[test]
fn lets_go_of_the_rows_of_a_writer_that_owes_the_server_its_own() {
    let server = Server::new();
    let bank = small_bank(server.writer().as_mut());
    let keys = Keys { accounts: [ANNS].into(), ..Keys::default() };
    let mut store = server.writer();
    // It stands still where the server waits for the rows of a copy, and no time-out ends that.
    let lock = "SELECT 1 FROM accounts WHERE id = 10001 FOR NO KEY UPDATE; SELECT 1 FROM tenure FOR SHARE";
    let mut stalled = server.cluster.stand_still("postgres", &format!("BEGIN; {lock}; COPY requests FROM STDIN;"));
    let waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'ClientRead' AND query LIKE 'COPY%'";
    assert!((0..2_000).any(|_| server.sql(waits) == "1"), "it waits");
    let mut facts = Facts::default();
    store.resolve(&Lookups::default(), &mut facts).unwrap();
    let tries = (1..=6).find(|_| store.load(&keys, &mut facts).is_ok());
    assert!(tries.is_some(), "rows stay locked for a host that stands still");
    store.commit(&one_more(&bank, &mut facts)).unwrap();
    assert_eq!(server.sql(waits), "0");
    stalled.kill().unwrap();
    stalled.wait().unwrap();
}

#[test]
fn waits_until_the_clock_is_past_what_it_read() {
    let server = Server::new();
    drop(small_bank(server.writer().as_mut()));
    let keys = Keys { accounts: [ANNS].into(), ..Keys::default() };
    let mut store = server.writer();
    // Somebody set the server's clock back by seconds after this was written.
    let then = SystemClock.wall().micros() + 6_000_000;
    let head = format!("{:012x}", then / 1_000);
    server.sql(&format!(
        "UPDATE accounts SET head = '{}-{}-7000-8000-000000000000' WHERE id = 10001",
        &head[..8],
        &head[8..]
    ));
    let mut facts = Facts::default();
    store.resolve(&Lookups::default(), &mut facts).unwrap();
    assert!(store.load(&keys, &mut facts).is_err(), "an entry would come before the one that it follows");
    let loaded = (0..6_000).any(|_| {
        std::thread::sleep(Duration::from_millis(10));
        store.resolve(&Lookups::default(), &mut facts).is_ok() && store.load(&keys, &mut facts).is_ok()
    });
    assert!(loaded && store.instant(Timestamp::EPOCH).micros() > then / 1_000 * 1_000, "it has caught up");
}

#[test]
fn refuses_what_two_writers_found_absent() {
    let server = Server::new();
    let bank = small_bank(server.writer().as_mut());
    let key = PinKey::Unknown(index(66));
    let keys = Keys { pins: [key].into(), ..Keys::default() };
    let (mut first, mut second) = (server.writer(), server.writer());
    let mut facts = [load(first.as_mut(), &keys), load(second.as_mut(), &keys)];
    let wrong = || vec![Row::Pin(key, PinCounter::Open { wrong: 1, blocks: 0 })];
    let changes = facts.each_mut().map(|facts| group(&bank, facts, wrong()));
    first.commit(&changes[0]).unwrap();
    assert!(is_conflict(&second.commit(&changes[1])), "one wrong PIN must not hide the other");
    let found = load(second.as_mut(), &keys);
    assert_eq!(found.pins.find(&key), Some(&PinCounter::Open { wrong: 1, blocks: 0 }));
}

#[test]
fn answers_one_of_two_that_got_the_same_request() {
    let server = Server::new();
    let bank = small_bank(server.writer().as_mut());
    let mut changes = empty(&bank);
    changes.new.push(New::Request(request(77), Ok(Done::Changed)));
    let done: Vec<Result<Position, CommitError>> = std::thread::scope(|scope| {
        let both = [0, 1].map(|_| scope.spawn(|| server.writer().commit(&changes)));
        both.into_iter().map(|one| one.join().unwrap()).collect()
    });
    assert_eq!(done.iter().filter(|one| one.is_ok()).count(), 1);
    assert_eq!(done.iter().filter(|one| is_conflict(one)).count(), 1, "{done:?}");
}

/// Commits on another thread.
fn committing(
    mut store: Box<dyn Store>,
    changes: Changes,
) -> Receiver<(Box<dyn Store>, Result<Position, CommitError>)> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        let done = store.commit(&changes);
        sender.send((store, done))
    });
    receiver
}

/// Waits for a backend that waits like this, and ends it.
fn terminate(cluster: &Cluster, wait_event: &str) {
    let found = format!("SELECT pid FROM pg_stat_activity WHERE wait_event = '{wait_event}'");
    let pid = (0..2_000).find_map(|_| {
        let pid = cluster.sql("postgres", &found);
        (!pid.is_empty()).then_some(pid)
    });
    let pid = pid.expect("the commit waits");
    cluster.sql("postgres", &format!("SELECT pg_terminate_backend({pid})"));
}

/// Says whether commits are to wait for a standby that never comes: they are on this server's disk, and wait.
fn wait_for_a_standby(server: &Server, waits: Waits) {
    let names = match waits {
        Waits::ForEver => "nobody",
        Waits::NoMore => "",
    };
    server.sql(&format!("ALTER SYSTEM SET synchronous_standby_names = '{names}'"));
    server.sql("SELECT pg_reload_conf()");
    // The checkpointer tells the others; it is told itself once a new session sees it.
    assert!((0..2_000).any(|_| server.sql("SHOW synchronous_standby_names") == names));
    server.sql("CHECKPOINT");
}

#[derive(Clone, Copy)]
enum Waits {
    ForEver,
    NoMore,
}

#[test]
fn finds_out_that_a_commit_succeeded_whose_answer_was_lost() {
    let server = Server { cluster: Cluster::start(Files::Fast) };
    let bank = small_bank(server.writer().as_mut());
    let store = Box::new(server.open(OpenMode::CreateIfMissing(Mode::Real)).unwrap());
    wait_for_a_standby(&server, Waits::ForEver);
    let mut changes = empty(&bank);
    changes.new.push(New::Request(request(78), Ok(Done::Changed)));
    let done = committing(store, changes);
    terminate(&server.cluster, "SyncRep");
    let there = "SELECT count(*) FROM requests WHERE key = '4e4e4e4e-4e4e-4e4e-4e4e-4e4e4e4e4e4e'";
    assert!((0..2_000).any(|_| server.sql(there) == "1"), "everybody sees it");
    assert!(done.recv_timeout(Duration::from_secs(2)).is_err(), "nobody is answered by what no standby has");
    wait_for_a_standby(&server, Waits::NoMore);
    let (mut store, done) = done.recv_timeout(Duration::from_secs(30)).unwrap();
    assert_eq!(done.unwrap().seq, 1);
    assert_eq!(server.sql(there), "1");
    assert_eq!(store.commit(&empty(&bank)).unwrap().seq, 2, "the sequence goes on");
    assert_eq!(server.sql("SELECT count(*) FROM commits WHERE void"), "0");
}

#[test]
fn answers_nobody_by_what_no_standby_has() {
    let server = Server { cluster: Cluster::start(Files::Fast) };
    let bank = small_bank(server.writer().as_mut());
    let (first, mut second) = (server.writer(), server.writer());
    wait_for_a_standby(&server, Waits::ForEver);
    let mut changes = empty(&bank);
    changes.new.push(New::Request(request(76), Ok(Done::Changed)));
    let done = committing(first, changes);
    terminate(&server.cluster, "SyncRep");
    // As if the server had begun again: every connection is lost, and what waited is there.
    server.end_connections();
    let lookups = Lookups { requests: [request(76).key].into(), ..Lookups::default() };
    let mut found = || {
        let mut facts = Facts::default();
        second.resolve(&lookups, &mut facts).is_ok().then(|| facts.requests.find(&request(76).key).is_some())
    };
    assert_eq!(found(), None, "a standby that is promoted now would not have it");
    wait_for_a_standby(&server, Waits::NoMore);
    let told = (0..6_000).find_map(|_| {
        std::thread::sleep(Duration::from_millis(10));
        found()
    });
    assert_eq!(told, Some(true));
    done.recv_timeout(Duration::from_secs(30)).unwrap().1.unwrap();
}

#[test]
fn counts_events_on_from_a_commit_of_which_it_heard_late() {
    let server = Server { cluster: Cluster::start(Files::Fast) };
    let mut bank = small_bank(server.writer().as_mut());
    let store = Box::new(server.open(OpenMode::CreateIfMissing(Mode::Real)).unwrap());
    // Whoever asks what became of a commit is not told.
    server.sql(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''not now''; END';
         CREATE TRIGGER refuse BEFORE INSERT ON commits FOR EACH ROW WHEN (NEW.void) EXECUTE FUNCTION refuse();",
    );
    wait_for_a_standby(&server, Waits::ForEver);
    bank.event(ANN, EventKind::TransferOut, About::default());
    let done = committing(store, bank.take());
    terminate(&server.cluster, "SyncRep");
    wait_for_a_standby(&server, Waits::NoMore);
    let (mut store, done) = done.recv_timeout(Duration::from_secs(60)).unwrap();
    assert!(matches!(done, Err(CommitError::Unavailable(_))), "{done:?}");
    server.sql("DROP TRIGGER refuse ON commits");
    store.resolve(&Lookups::default(), &mut Facts::default()).expect("the server is there");
    bank.event(ANN, EventKind::TransferOut, About::default());
    assert_eq!(crate::commit(store.as_mut(), &mut bank).seq, 2);
    assert_eq!(server.sql("SELECT count(*), max(id) - min(id) FROM events WHERE writer = 2"), "2|1");
}

#[test]
fn takes_the_place_of_a_commit_that_failed_and_whose_answer_was_lost() {
    let server = Server { cluster: Cluster::start(Files::Fast) };
    let bank = small_bank(server.writer().as_mut());
    let store = Box::new(server.open(OpenMode::CreateIfMissing(Mode::Real)).unwrap());
    // A commit that takes long before anything is written of it.
    server.sql(
        "CREATE TABLE slow (); INSERT INTO slow DEFAULT VALUES;
         CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS
             'BEGIN IF EXISTS (SELECT 1 FROM slow) THEN PERFORM pg_sleep(60); END IF; RETURN NULL; END';
         CREATE CONSTRAINT TRIGGER wait AFTER INSERT ON commits DEFERRABLE INITIALLY DEFERRED
             FOR EACH ROW EXECUTE FUNCTION wait();",
    );
    let mut changes = empty(&bank);
    changes.new.push(New::Request(request(79), Ok(Done::Changed)));
    let done = committing(store, changes.clone());
    let waits = || server.sql("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'") == "1";
    assert!((0..2_000).any(|_| waits()), "the commit waits");
    server.sql("DELETE FROM slow");
    terminate(&server.cluster, "PgSleep");
    let (mut store, done) = done.recv_timeout(Duration::from_secs(30)).unwrap();
    assert!(is_conflict(&done), "{done:?}: the group starts again");
    assert_eq!(server.sql("SELECT seq FROM commits WHERE void"), "1");
    assert_eq!(store.commit(&changes).unwrap().seq, 2);
    assert_eq!(server.sql("SELECT count(*) FROM requests WHERE writer = 2"), "1");
}

#[test]
fn takes_another_connection_for_one_that_died_while_nobody_asked() {
    let server = Server { cluster: Cluster::start(Files::Fast) };
    drop(small_bank(server.writer().as_mut()));
    let mut store = server.open(OpenMode::Existing).unwrap();
    for _ in 0..3 {
        server.end_connections();
        store.resolve(&Lookups::default(), &mut Facts::default()).expect("the server is there");
    }
}
