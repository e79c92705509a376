//! Answered requests are found for ever, wherever the store keeps their keys by then.

use cashpoint_bank::store::Store;
use cashpoint_core::change::New;
use cashpoint_core::facts::{Facts, Keys, Lookups};
use cashpoint_core::id::{CaseId, RequestId};
use cashpoint_core::outcome::Done;

use crate::sample::Builder;
use crate::{Database, commit, empty, found, is_conflict};

/// So many that a store which writes its index behind has written parts of it several times.
const MANY: u64 = 600;

/// Keys in no order, as digests are.
fn request(number: u64) -> RequestId {
    let scattered = u128::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835).to_be_bytes();
    RequestId { key: scattered, content: scattered.map(|byte| byte ^ 0xff) }
}

/// Commits requests up to a number, in groups of one to nine.
fn answer(store: &mut dyn Store, bank: &mut Builder, numbers: std::ops::Range<u64>) {
    let mut left = numbers;
    while let Some(first) = left.next() {
        for number in std::iter::once(first).chain(left.by_ref().take(usize::try_from(first * 7 % 9).unwrap())) {
            let case = CaseId::new(i64::try_from(number).unwrap());
            bank.add(New::Request(request(number), Ok(Done::CaseOpened(case))));
        }
        commit(store, bank);
    }
}

/// Whether each of the first requests is answered as it was, and the next is not known.
fn check(store: &mut dyn Store, bank: &Builder, answered: u64) {
    let requests = (1..=answered + 1).map(|number| request(number).key).collect();
    let facts = found(store, &Lookups { requests, ..Lookups::default() }, &Keys::default());
    for number in 1..=answered {
        let key = request(number).key;
        assert_eq!(facts.requests.find(&key), bank.facts.requests.find(&key), "request {number} of {answered}");
    }
    assert_eq!(facts.requests.find(&request(answered + 1).key), None);
}

pub(crate) fn answers_again_however_long_ago_it_was(database: &dyn Database) {
    let mut bank = Builder::new();
    let mut answered = 0;
    // Steps of 13: each writer leaves off at another point, and the next begins there.
    while answered < MANY {
        let mut store = database.writer();
        check(store.as_mut(), &bank, answered);
        answer(store.as_mut(), &mut bank, answered + 1..answered + 14);
        answered += 13;
        check(store.as_mut(), &bank, answered);
    }
    let mut store = database.writer();
    for _ in 0..20 {
        answer(store.as_mut(), &mut bank, answered + 1..answered + 101);
        answered += 100;
        check(store.as_mut(), &bank, answered);
    }
}

pub(crate) fn refuses_a_key_twice_however_long_ago_it_was(database: &dyn Database) {
    let mut store = database.writer();
    let mut bank = Builder::new();
    answer(store.as_mut(), &mut bank, 1..MANY);
    let refused = |store: &mut dyn Store, number, looked_up| {
        let mut changes = empty(&bank);
        changes.new.push(New::Request(request(MANY + 1), Ok(Done::Changed)));
        changes.new.push(New::Request(request(number), Ok(Done::Changed)));
        if looked_up {
            let requests = [request(MANY + 1).key, request(number).key].into();
            store.resolve(&Lookups { requests, ..Lookups::default() }, &mut Facts::default()).unwrap();
        }
        let result = store.commit(&changes);
        assert!(is_conflict(&result), "{result:?} for request {number}");
    };
    for number in 1..MANY {
        refused(store.as_mut(), number, number % 2 == 0);
    }
    drop(store);
    let mut store = database.writer();
    for number in 1..MANY {
        refused(store.as_mut(), number, number % 2 == 1);
    }
    check(store.as_mut(), &bank, MANY - 1);
}

pub(crate) fn refuses_a_key_twice_in_one_group(database: &dyn Database) {
    let mut store = database.writer();
    let bank = Builder::new();
    let mut changes = empty(&bank);
    changes.new.push(New::Request(request(1), Ok(Done::Changed)));
    changes.new.push(New::Request(request(1), Ok(Done::Changed)));
    assert!(is_conflict(&store.commit(&changes)));
    check(store.as_mut(), &bank, 0);
}
