//! Notifications: feeds, what waits, what was given up, who wants what.

use cashpoint_bank::store::{Outgoing, Reads};
use cashpoint_core::change::{New, Row};
use cashpoint_core::event::{About, Event, EventKind};
use cashpoint_core::facts::{Keys, Lookups};
use cashpoint_core::id::FeedHolder;
use cashpoint_core::notification::{Cursor, DeadLetter, Feed, Place, Waiting, Wish};

use crate::sample::{ANN, BEN, Builder, channel};
use crate::{Database, commit, found, small_bank};

fn feed_keys() -> Keys {
    Keys { feeds: [channel("webhook"), channel("email")].into(), ..Keys::default() }
}

/// The feed that the sample made.
fn sample_feed(bank: &Builder) -> Feed {
    bank.facts.feeds.at(&channel("webhook")).clone()
}

/// All letters that the sample gave up.
fn letters(bank: &[New]) -> Vec<DeadLetter> {
    let letters = bank.iter().filter_map(|new| if let New::DeadLetter(letter) = new { Some(letter) } else { None });
    letters.cloned().collect()
}

pub(crate) fn gives_back_feeds_as_they_stand(database: &dyn Database) {
    let mut store = database.writer();
    let mut bank = small_bank(store.as_mut());
    let mut reader = database.reader();
    assert_eq!(reader.feed(channel("email")).unwrap(), None);
    let (feed, waiting) = reader.feed(channel("webhook")).unwrap().expect("the sample made it");
    assert_eq!(feed, sample_feed(&bank));
    assert_eq!(waiting.len(), 1);
    assert_eq!((waiting[0].0, waiting[0].1.number, waiting[0].1.why.as_str()), (ANN, 2, "HTTP 503"));
    let facts = found(store.as_mut(), &Lookups::default(), &feed_keys());
    assert_eq!(facts.feeds.find(&channel("webhook")), Some(&feed));
    assert_eq!(facts.feeds.find(&channel("email")), None);
    let mut moved = Feed { holder: FeedHolder::new(72), until: bank.now.plus_s(99), ..feed };
    moved.cursor.advance(Place { stream: 0, number: 9 });
    bank.set(Row::Feed(moved.clone()));
    commit(store.as_mut(), &mut bank);
    assert_eq!(reader.feed(channel("webhook")).unwrap().map(|(feed, _)| feed), Some(moved.clone()));
    let facts = found(store.as_mut(), &Lookups::default(), &feed_keys());
    assert_eq!(facts.feeds.at(&channel("webhook")), &moved);
}

pub(crate) fn forgets_what_waits_no_longer(database: &dyn Database) {
    let mut store = database.writer();
    let mut bank = small_bank(store.as_mut());
    let mut reader = database.reader();
    let later = Waiting { number: 1, attempts: 0, since: bank.now, due: bank.now, why: String::new() };
    bank.set(Row::Waiting((channel("webhook"), ANN), None));
    bank.set(Row::Waiting((channel("webhook"), BEN), Some(later.clone())));
    commit(store.as_mut(), &mut bank);
    assert_eq!(reader.feed(channel("webhook")).unwrap().map(|(_, waiting)| waiting), Some(vec![(BEN, later.clone())]));
    let again = Waiting { attempts: 4, why: "timed out".to_owned(), due: bank.now.plus_s(60), ..later };
    bank.set(Row::Waiting((channel("webhook"), BEN), Some(again.clone())));
    bank.set(Row::Wish((ANN, channel("email")), None));
    commit(store.as_mut(), &mut bank);
    assert_eq!(reader.feed(channel("webhook")).unwrap().map(|(_, waiting)| waiting), Some(vec![(BEN, again)]));
    assert_eq!(reader.wishes(ANN).unwrap(), [(channel("webhook"), Wish::Nothing)]);
}

/// Everything behind the cursor, in pages.
fn pages(reader: &mut dyn Reads, cursor: &mut Cursor, size: usize) -> Vec<Outgoing> {
    let mut all = Vec::new();
    loop {
        let page = reader.events_after(channel("webhook"), cursor, size).unwrap();
        let full = page.len() == size;
        for outgoing in page {
            assert!(!cursor.covers(outgoing.place), "no event comes twice");
            cursor.advance(outgoing.place);
            all.push(outgoing);
        }
        if !full {
            return all;
        }
    }
}

fn told(page: &[Outgoing]) -> Vec<Event> {
    page.iter().map(|outgoing| outgoing.delivered.event).collect()
}

pub(crate) fn reads_events_on_from_a_cursor(database: &dyn Database) {
    let mut store = database.writer();
    let mut reader = database.reader();
    assert_eq!(reader.events_after(channel("webhook"), &Cursor::default(), 10).unwrap(), []);
    let mut bank = small_bank(store.as_mut());
    let mut cursor = Cursor::default();
    assert_eq!(told(&pages(reader.as_mut(), &mut cursor, 2)), bank.events);
    assert_eq!(cursor, reader.events_end().unwrap());
    assert_eq!(pages(reader.as_mut(), &mut cursor, 2), []);
    let known = bank.events.len();
    for _ in 0..3 {
        bank.event(BEN, EventKind::LoggedIn, About::default());
        bank.event(ANN, EventKind::LoggedIn, About::default());
        commit(store.as_mut(), &mut bank);
    }
    drop(store);
    let mut store = database.writer();
    bank.event(BEN, EventKind::LoggedOut, About::default());
    commit(store.as_mut(), &mut bank);
    let news = pages(reader.as_mut(), &mut cursor, 4);
    assert_eq!(told(&news), bank.events[known..], "across writers too");
    for outgoing in news {
        let Event { customer, number, .. } = outgoing.delivered.event;
        assert_eq!(reader.events(customer, number - 1, 1).unwrap(), [outgoing.delivered], "the same id everywhere");
    }
}

pub(crate) fn gives_each_event_the_wish_for_the_channel(database: &dyn Database) {
    let mut store = database.writer();
    small_bank(store.as_mut());
    let mut reader = database.reader();
    let some = Wish::Only([EventKind::Withdrawal, EventKind::CardBlocked].into());
    for (name, anns) in [("webhook", Some(Wish::Nothing)), ("email", Some(some)), ("log", None)] {
        let all = reader.events_after(channel(name), &Cursor::default(), 1_000).unwrap();
        assert!(all.iter().any(|outgoing| outgoing.delivered.event.customer == BEN));
        for outgoing in all {
            let expected = if outgoing.delivered.event.customer == ANN { anns.clone() } else { None };
            assert_eq!(outgoing.wish, expected, "{name}");
        }
    }
    assert_eq!(reader.wishes(BEN).unwrap(), []);
}

pub(crate) fn finds_a_customers_events_from_a_number_on(database: &dyn Database) {
    let mut store = database.writer();
    let bank = small_bank(store.as_mut());
    let mut reader = database.reader();
    let all = reader.events_after(channel("email"), &Cursor::default(), 1_000).unwrap();
    for customer in [ANN, BEN] {
        let own: Vec<Outgoing> = all.iter().filter(|o| o.delivered.event.customer == customer).cloned().collect();
        assert_eq!(own.len(), bank.events.iter().filter(|event| event.customer == customer).count());
        let places: Vec<Place> = own.iter().map(|outgoing| outgoing.place).collect();
        assert_eq!(reader.events_at(channel("email"), &places).unwrap(), own);
        let backwards: Vec<Place> = places.iter().rev().copied().collect();
        assert_eq!(reader.events_at(channel("email"), &backwards).unwrap().last(), own.first());
        let mut from = |number, limit| reader.event_places(customer, number, limit).unwrap();
        assert_eq!(from(0, 1_000), places);
        assert_eq!(from(1, 1_000), places);
        assert_eq!(from(2, 1), places[1..2]);
        let last = u64::try_from(own.len()).unwrap();
        assert_eq!(from(last, 10), places[places.len() - 1..]);
        assert_eq!(from(last + 1, 10), []);
    }
}

pub(crate) fn lists_what_was_given_up_latest_first(database: &dyn Database) {
    let mut store = database.writer();
    let mut bank = Builder::new();
    let mut given_up = Vec::new();
    for fill in crate::sample::commits() {
        fill(&mut bank);
        given_up.extend(letters(&bank.changes.new));
        commit(store.as_mut(), &mut bank);
    }
    let sample = given_up[0].clone();
    for number in 2..=5 {
        let letter = DeadLetter { number, kind: EventKind::LoggedIn, ..sample.clone() };
        given_up.push(letter.clone());
        bank.add(New::DeadLetter(letter));
    }
    commit(store.as_mut(), &mut bank);
    given_up.reverse();
    let mut reader = database.reader();
    let mut found = Vec::new();
    let mut before = None;
    loop {
        let page = reader.dead_letters(before, 2).unwrap();
        let Some((last, _)) = page.last() else { break };
        before = Some(*last);
        found.extend(page.into_iter().map(|(_, letter)| letter));
    }
    assert_eq!(found, given_up);
}

pub(crate) fn keeps_the_first_of_two_letters_about_one_event(database: &dyn Database) {
    let mut store = database.writer();
    let mut bank = small_bank(store.as_mut());
    let mut reader = database.reader();
    let first = reader.dead_letters(None, 10).unwrap();
    let again = DeadLetter { why: "HTTP 500".to_owned(), ..first[0].1.clone() };
    bank.add(New::DeadLetter(again));
    commit(store.as_mut(), &mut bank);
    assert_eq!(reader.dead_letters(None, 10).unwrap(), first);
}
