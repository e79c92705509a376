//! A writer that remembers rows, and what ends that: another one that writes, a connection that is lost.

use std::sync::Arc;
use std::time::Duration;

use cashpoint_bank::clock::{Clock, ManualClock, SystemClock};
use cashpoint_bank::store::postgres::{PostgresStore, Remembering};
use cashpoint_bank::store::{CommitError, Overlapping, Position, Store, Term};
use cashpoint_core::change::{Change, Changes, New, Row, Stamp};
use cashpoint_core::facts::{Facts, Keys, Lookups};
use cashpoint_core::outcome::Done;
use cashpoint_core::time::Timestamp;

use crate::postgres::Server;
use crate::sample::{ANNS, Builder, request};
use crate::{Database, is_conflict, small_bank};

fn keys() -> Keys {
    Keys { accounts: [ANNS].into(), ..Keys::default() }
}

/// Takes these rows in, as a group does; what is remembered stays.
fn load(store: &mut dyn Store, keys: &Keys, facts: &mut Facts) {
    store.resolve(&Lookups::default(), facts).unwrap();
    store.load(keys, facts).unwrap();
}

/// One dollar more on Ann's account, at the store's time.
fn one_more(store: &dyn Store, bank: &Builder, facts: &mut Facts) -> Changes {
    let now = store.instant(Timestamp::EPOCH);
    let mut changes = Changes::new(Stamp { now, ..bank.changes.stamp });
    let mut row = *facts.accounts.at(&ANNS);
    row.totals = row.totals.credited(1_00);
    changes.apply(Change::Row(Row::Account(row)), facts);
    changes
}

fn credits(server: &Server) -> i64 {
    server.sql("SELECT credits FROM accounts WHERE id = 10001").parse().unwrap()
}

/// Who stands in the row that says who remembers.
fn holder(server: &Server) -> String {
    server.sql("SELECT writer FROM tenure WHERE what = 'held'")
}

/// A bank with a writer that remembers Ann's account.
fn remembering() -> (Server, Builder, PostgresStore, Facts) {
    let server = Server::new();
    let bank = small_bank(server.writer().as_mut());
    let (mut store, mut facts) = (server.alone(), Facts::default());
    load(&mut store, &keys(), &mut facts);
    assert_eq!(holder(&server), "2");
    (server, bank, store, facts)
}

/// A group of another writer.
fn another_writes(server: &Server, bank: &Builder) -> Box<dyn Store> {
    let (mut other, mut facts) = (server.writer(), Facts::default());
    load(other.as_mut(), &keys(), &mut facts);
    let changes = one_more(other.as_ref(), bank, &mut facts);
    other.commit(&changes).unwrap();
    other
}

/// Begins a group from memory alone.
fn recall(store: &mut PostgresStore, lookups: &Lookups, facts: &mut Facts) -> Term {
    let recalled = (0..100).find_map(|_| {
        load(store, &keys(), facts);
        store.overlapping().unwrap().recall(lookups, facts)
    });
    recalled.expect("all of it is remembered").term
}

fn land(store: &mut dyn Overlapping) -> Result<Position, CommitError> {
    store.land(Duration::from_secs(30)).expect("the server is there")
}

#[test]
fn reads_a_row_once() {
    let (server, bank, mut store, mut facts) = remembering();
    let before = credits(&server);
    for round in 1..=3 {
        load(&mut store, &keys(), &mut facts);
        let changes = one_more(&store, &bank, &mut facts);
        store.commit(&changes).unwrap();
        assert_eq!(credits(&server), before + round * 1_00);
    }
    // Behind everybody's back: nobody looks.
    server.sql("UPDATE accounts SET credits = credits + 7 WHERE id = 10001");
    load(&mut store, &keys(), &mut facts);
    assert_eq!(facts.accounts.at(&ANNS).totals.credits, before + 3_00);
}

#[test]
fn loses_nothing_that_another_wrote() {
    let (server, bank, mut store, mut facts) = remembering();
    let before = credits(&server);
    let changes = one_more(&store, &bank, &mut facts);
    let mut other = another_writes(&server, &bank);
    assert_eq!(holder(&server), "", "nobody remembers any more");
    assert!(is_conflict(&store.commit(&changes)), "it rests on what was");
    // Both lock their rows now.
    for store in [&mut store as &mut dyn Store, other.as_mut()] {
        let mut facts = Facts::default();
        load(store, &keys(), &mut facts);
        let changes = one_more(store, &bank, &mut facts);
        store.commit(&changes).unwrap();
    }
    assert_eq!(credits(&server), before + 3_00);
}

#[test]
fn answers_nothing_from_what_is_not_true_any_more() {
    let (server, bank, mut store, mut facts) = remembering();
    load(&mut store, &keys(), &mut facts);
    store.confirm().expect("it is the only one");
    load(&mut store, &keys(), &mut facts);
    let term = recall(&mut store, &Lookups::default(), &mut facts);
    store.overlapping().unwrap().confirm_recalled(term).expect("it is the only one");
    another_writes(&server, &bank);
    assert!(matches!(store.overlapping().unwrap().confirm_recalled(term), Err(CommitError::Conflict)));
    load(&mut store, &keys(), &mut facts);
    assert_eq!(facts.accounts.at(&ANNS).totals.credits, credits(&server));
    store.confirm().expect("it locked what it read");
}

#[test]
fn says_that_a_group_without_changes_was_told_the_truth() {
    let (server, bank, mut store, mut facts) = remembering();
    load(&mut store, &keys(), &mut facts);
    another_writes(&server, &bank);
    assert!(matches!(store.confirm(), Err(CommitError::Conflict)), "what was remembered is others' by now");
}

#[test]
fn goes_when_another_wants_to_write() {
    let (server, bank, mut store, mut facts) = remembering();
    server.sql("UPDATE tenure SET writer = 31 WHERE what = 'wanted'");
    let changes = one_more(&store, &bank, &mut facts);
    store.commit(&changes).expect("the group under way is finished");
    assert_eq!(holder(&server), "");
}

#[test]
fn commits_a_group_while_the_next_is_decided() {
    let (server, bank, mut store, mut facts) = remembering();
    let (before, mut flies) = (credits(&server), false);
    for round in 1..=20_u8 {
        let lookups = Lookups { requests: [request(100 + round).key].into(), ..Lookups::default() };
        let recalled = store.overlapping().unwrap().recall(&lookups, &mut facts);
        let term = recalled.map_or_else(
            || {
                // The clock was heard too long ago on a machine as busy as this.
                if std::mem::take(&mut flies) {
                    land(store.overlapping().unwrap()).unwrap();
                }
                recall(&mut store, &lookups, &mut facts)
            },
            |recalled| recalled.term,
        );
        assert!(facts.has_loaded(&keys()), "what the group before wrote is remembered");
        let mut changes = one_more(&store, &bank, &mut facts);
        changes.apply(Change::New(New::Request(request(100 + round), Ok(Done::Changed))), &mut facts);
        if flies {
            assert_eq!(land(store.overlapping().unwrap()).unwrap().seq, u64::from(round - 1));
        }
        store.overlapping().unwrap().launch(&Arc::new(changes), term);
        flies = true;
    }
    assert_eq!(land(store.overlapping().unwrap()).unwrap().seq, 20);
    assert_eq!(credits(&server), before + 20_00);
    assert_eq!(server.sql("SELECT count(*) FROM requests WHERE writer = 2"), "20");
}

#[test]
fn throws_away_what_was_decided_before_another_wrote() {
    let (server, bank, mut store, mut facts) = remembering();
    let before = credits(&server);
    let term = recall(&mut store, &Lookups::default(), &mut facts);
    let changes = one_more(&store, &bank, &mut facts);
    another_writes(&server, &bank);
    store.overlapping().unwrap().launch(&Arc::new(changes), term);
    assert!(is_conflict(&land(store.overlapping().unwrap())));
    assert!(store.overlapping().unwrap().recall(&Lookups::default(), &mut facts).is_none(), "it has to ask");
    load(&mut store, &keys(), &mut facts);
    let changes = one_more(&store, &bank, &mut facts);
    // Rows are locked for it, and what was recalled before is of no use.
    store.overlapping().unwrap().launch(&Arc::new(changes.clone()), term);
    assert!(is_conflict(&land(store.overlapping().unwrap())));
    assert_eq!(credits(&server), before + 1_00);
}

#[test]
fn finds_out_that_a_request_was_old() {
    let (server, bank, store, _) = remembering();
    let mut other = another_writes(&server, &bank);
    let mut changes = crate::empty(&bank);
    changes.new.push(New::Request(request(70), Ok(Done::Changed)));
    other.commit(&changes).unwrap();
    drop((other, store));
    let (mut store, mut facts) = (server.alone(), Facts::default());
    load(&mut store, &keys(), &mut facts);
    let lookups = Lookups { requests: [request(70).key].into(), ..Lookups::default() };
    let term = recall(&mut store, &lookups, &mut facts);
    assert_eq!(facts.requests.find(&request(70).key), None, "it is presumed new");
    let mut changes = one_more(&store, &bank, &mut facts);
    changes.apply(Change::New(New::Request(request(70), Ok(Done::Changed))), &mut facts);
    let before = credits(&server);
    store.overlapping().unwrap().launch(&Arc::new(changes), term);
    assert!(is_conflict(&land(store.overlapping().unwrap())));
    assert_eq!(credits(&server), before, "nothing of the group is there");
    assert_eq!(store.overlapping().unwrap().are_new(&lookups), Some(false), "whoever leaves no record asks");
    let others = Lookups { requests: [request(71).key].into(), ..Lookups::default() };
    assert_eq!(store.overlapping().unwrap().are_new(&others), Some(true));
    facts.clear();
    assert!(store.overlapping().unwrap().recall(&lookups, &mut facts).is_none(), "requests are looked for now");
    store.resolve(&lookups, &mut facts).unwrap();
    assert!(facts.requests.find(&request(70).key).is_some());
}

#[test]
fn commits_nothing_of_an_instant_to_come() {
    let server = Server::new();
    let bank = small_bank(server.writer().as_mut());
    let clock = Arc::new(ManualClock::new(Timestamp::EPOCH));
    let mut store = server.remembering(Remembering::Alone(Arc::clone(&clock) as Arc<dyn Clock>));
    let (mut facts, before) = (Facts::default(), credits(&server));
    // As if the server's clock were set back by what this one has gone on. (On a machine that is so busy that as much time
    // passes, nothing is wrong with it.)
    let on_time = (0..20).find(|_| {
        facts.clear();
        load(&mut store, &keys(), &mut facts);
        clock.advance(Duration::from_millis(900));
        let recalled = store.overlapping().unwrap().recall(&Lookups::default(), &mut facts);
        let term = recalled.expect("all of it is remembered").term;
        let changes = one_more(&store, &bank, &mut facts);
        store.overlapping().unwrap().launch(&Arc::new(changes), term);
        is_conflict(&land(store.overlapping().unwrap()))
    });
    let on_time = on_time.expect("others would write before it");
    facts.clear();
    load(&mut store, &keys(), &mut facts);
    let changes = one_more(&store, &bank, &mut facts);
    store.commit(&changes).expect("it goes by the server's clock again");
    assert_eq!(credits(&server), before + (on_time + 1) * 1_00);
}

#[test]
fn remembers_nothing_before_the_clock_is_past_every_commit() {
    let server = Server::new();
    drop(small_bank(server.writer().as_mut()));
    let (mut store, mut facts) = (server.alone(), Facts::default());
    let then = SystemClock.wall().plus_s(6);
    server.sql(&format!("INSERT INTO commits VALUES (1, 99, {}, 0, 1, true)", then.micros()));
    assert!(store.resolve(&Lookups::default(), &mut facts).is_err(), "somebody set the server's clock back");
    let read = (0..6_000).any(|_| {
        std::thread::sleep(Duration::from_millis(10));
        store.resolve(&Lookups::default(), &mut facts).is_ok()
    });
    assert!(read && store.instant(Timestamp::EPOCH) > then, "it has caught up");
}

#[test]
fn forgets_when_the_connection_is_lost() {
    let (server, bank, mut store, mut facts) = remembering();
    let changes = one_more(&store, &bank, &mut facts);
    server.end_connections();
    assert!(store.commit(&changes).is_err());
    // As if the next server had not everything.
    server.sql("UPDATE accounts SET credits = credits + 7 WHERE id = 10001");
    let after = credits(&server);
    let read = (0..6_000).any(|_| {
        std::thread::sleep(Duration::from_millis(10));
        store.resolve(&Lookups::default(), &mut facts).is_ok() && store.load(&keys(), &mut facts).is_ok()
    });
    assert!(read, "there is a connection again");
    assert_eq!(facts.accounts.at(&ANNS).totals.credits, after);
}
