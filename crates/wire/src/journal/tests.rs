use std::collections::BTreeSet;

use expect_test::expect_file;
use proptest::prelude::*;

use super::*;
use crate::mirror::samples::{Source, place_of_advice, place_of_record};

fn key() -> ChainKey {
    ChainKey::new([7; 32])
}

/// A stored entry that owns its body.
#[derive(Clone)]
struct Stored {
    n: u64,
    at: Timestamp,
    body: Vec<u8>,
    mac: [u8; 32],
}

impl Stored {
    fn written(&self) -> Written<'_> {
        Written { n: self.n, at: self.at, body: &self.body, mac: self.mac }
    }
}

/// A journal of ten entries, and its head.
fn journal() -> (Vec<Stored>, Head) {
    let (mut head, mut source) = (Head::ORIGIN, Source::chance(1));
    let entries = (1..=10u64).map(|n| {
        let (at, body) =
            (Timestamp::from_micros(n.cast_signed() * 1_000), encode(&source.record(usize::try_from(n).unwrap())));
        head = key().chain(&head, n, at, &body);
        Stored { n, at, body, mac: head.mac }
    });
    (entries.collect(), head)
}

#[track_caller]
fn check(entries: &[Stored], known: &Head, expected: Result<u64, ChainError>) {
    let found = key().verify(Head::ORIGIN, entries.iter().map(Stored::written), known).map(|head| head.n);
    assert_eq!(found, expected);
}

#[test]
fn every_kind_of_record_has_a_stable_form() {
    let mut places = BTreeSet::new();
    let mut lines = String::new();
    let kinds = (0..Source::RECORDS).map(|variant| Source::plain().record(variant));
    let advices = (1..Source::ADVICES).map(|variant| Record::Advice(Source::plain().advice(variant)));
    for record in kinds.chain(advices) {
        let body = encode(&record);
        places.insert((place_of_record(&record), advice_place(&record)));
        assert_eq!(decode(&body).as_ref(), Ok(&record));
        lines.push_str(&String::from_utf8(body).unwrap());
        lines.push('\n');
    }
    assert_eq!(places.len(), Source::RECORDS + Source::ADVICES - 1);
    expect_file!["../../tests/vectors/journal_bodies.jsonl"].assert_eq(&lines);
}

fn advice_place(record: &Record) -> usize {
    if let Record::Advice(advice) = record { place_of_advice(&advice.kind) } else { 0 }
}

/// The rows of the table behind a mark in `docs/journal.md`, each cell's words in backticks.
fn described(mark: &str) -> Vec<Vec<Vec<String>>> {
    let page = include_str!("../../../../docs/journal.md");
    let table = page.split_once(&format!("<!-- test: {mark} -->\n")).expect("the page has this mark").1;
    let words = |cell: &str| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect();
    let rows = table.lines().take_while(|line| line.starts_with('|')).skip(2);
    rows.map(|row| row.trim_matches('|').split('|').map(words).collect()).collect()
}

#[test]
fn the_page_lists_every_kind_with_its_fields() {
    let fields = |value: &serde_json::Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let (mut records, mut advices) = (Vec::new(), Vec::new());
    for line in include_str!("../../tests/vectors/journal_bodies.jsonl").lines() {
        let body: serde_json::Value = serde_json::from_str(line).unwrap();
        let (kind, record) = body["record"].as_object().unwrap().iter().next().unwrap();
        records.push(vec![vec![kind.clone()], fields(record)]);
        if kind == "advice" {
            let (kind, advice) = record["kind"].as_object().unwrap().iter().next().unwrap();
            advices.push(vec![vec![kind.clone()], fields(advice)]);
        }
    }
    for (mark, mut written) in [("records", records), ("advices", advices)] {
        let sorted = |mut rows: Vec<Vec<Vec<String>>>| {
            rows.iter_mut().for_each(|row| row.truncate(2));
            rows.iter_mut().flatten().for_each(|words| words.sort());
            rows.sort();
            rows
        };
        written = sorted(written);
        written.dedup();
        assert_eq!(sorted(described(mark)), written, "{mark}");
    }
}

#[test]
fn the_pages_chain_is_one() {
    let mut head = Head::ORIGIN;
    let page = include_str!("../../../../docs/journal.md");
    for line in page.lines().filter(|line| line.contains("`{\"v\":1,\"record\":{") && line.starts_with('|')) {
        let cells: Vec<_> = line.trim_matches('|').split('|').map(|cell| cell.trim().trim_matches('`')).collect();
        let [n, at, body, mac] = cells[..] else { panic!("{line}") };
        let at = Timestamp::from_micros(at.parse().unwrap());
        head = key().chain(&head, n.parse().unwrap(), at, body.as_bytes());
        assert!(decode(body.as_bytes()).is_ok());
        assert_eq!(data_encoding::HEXLOWER.encode(&head.mac), mac, "{line}");
    }
    assert_eq!(head.n, 2);
}

#[test]
fn what_is_no_record_is_refused() {
    let good = r#"{"v":1,"record":{"offline_try":{"card":"0101010101010101010101010101010101010101010101010101010101010101","wrong":2}}}"#;
    assert!(decode(good.as_bytes()).is_ok());
    for (what, by) in [
        ("\"v\":1", "\"v\":2"),
        ("\"v\":1,", ""),
        ("\"v\":1", "\"v\":1,\"v\":1"),
        ("{\"v\"", "{\"more\":0,\"v\""),
        ("offline_try", "online_try"),
        ("\"wrong\":2", "\"wrong\":2,\"more\":0"),
        ("\"wrong\":2", "\"wrong\":256"),
        ("\"wrong\":2", "\"wrong\":-1"),
        ("\"wrong\":2", "\"wrong\":2.0"),
        (",\"wrong\":2", ""),
        ("01\"", "0\""),
        ("\"01", "\"0G"),
        ("}}}", "}}"),
        ("}}}", "}}} x"),
    ] {
        let bad = good.replacen(what, by, 1);
        assert_eq!(decode(bad.as_bytes()), Err(NotARecord), "{bad}");
    }
    let unsorted = format!(
        r#"{{"v":1,"record":{{"hot_list":{{"version":1,"as_of":1,"cards":["{}","{}"]}}}}}}"#,
        "02".repeat(32),
        "01".repeat(32)
    );
    assert_eq!(decode(unsorted.as_bytes()), Err(NotARecord));
    let absent = r#"{"v":1,"record":{"advice":{"id":"00000000000000000000000000000001","at":1,"kind":{"card_retained":{"card":null}}}}}"#;
    assert_eq!(decode(absent.as_bytes()), Err(NotARecord));
}

#[test]
fn a_whole_journal_is_read() {
    let (entries, head) = journal();
    check(&entries, &head, Ok(10));
    check(&entries, &Head::ORIGIN, Ok(10));
    check(&[], &Head::ORIGIN, Ok(0));
    let middle = Head { n: 4, mac: entries[3].mac };
    check(&entries, &middle, Ok(10));
    // From the middle on, when the beginning was dropped.
    assert_eq!(key().verify(middle, entries[4..].iter().map(Stored::written), &head), Ok(head));
    let (entry, next) = key().read(&middle, &entries[4].written()).unwrap();
    assert_eq!((entry.n, entry.at, next.mac), (5, entries[4].at, entries[4].mac));
}

#[test]
fn gaps_cuts_and_orders_have_names() {
    let (entries, head) = journal();
    let without = |at: usize| [&entries[..at], &entries[at + 1..]].concat();
    check(&without(3), &head, Err(ChainError::Gap { after: 3, found: 5 }));
    check(&without(0), &head, Err(ChainError::Gap { after: 0, found: 2 }));
    check(&without(9), &head, Err(ChainError::Truncated { last: 9, known: 10 }));
    check(&[], &head, Err(ChainError::Truncated { last: 0, known: 10 }));
    let mut swapped = entries.clone();
    swapped.swap(3, 4);
    check(&swapped, &head, Err(ChainError::Gap { after: 3, found: 5 }));
    let mut twice = entries.clone();
    twice.insert(5, entries[4].clone());
    check(&twice, &head, Err(ChainError::Reordered { after: 5, found: 5 }));
    let mut back = entries.clone();
    back.insert(7, entries[2].clone());
    check(&back, &head, Err(ChainError::Reordered { after: 7, found: 3 }));
    // Swapped, and numbered anew so that it does not show.
    let mut renumbered = entries.clone();
    (renumbered[3].body, renumbered[4].body) = (entries[4].body.clone(), entries[3].body.clone());
    check(&renumbered, &head, Err(ChainError::Edited { n: 4 }));
}

#[test]
fn a_journal_that_was_written_anew_is_not_the_known_one() {
    let (entries, head) = journal();
    let other = Head { mac: [9; 32], ..head };
    check(&entries, &other, Err(ChainError::Replaced { n: 10 }));
    check(&entries, &Head { n: 4, mac: [9; 32] }, Err(ChainError::Replaced { n: 4 }));
    let foreign = ChainKey::new([8; 32]).verify(Head::ORIGIN, entries.iter().map(Stored::written), &head);
    assert_eq!(foreign, Err(ChainError::Edited { n: 1 }));
}

#[test]
fn every_edit_shows() {
    let (entries, head) = journal();
    let edited = |change: &dyn Fn(&mut Stored)| {
        let mut entries = entries.clone();
        change(&mut entries[4]);
        check(&entries, &head, Err(ChainError::Edited { n: 5 }));
    };
    edited(&|entry| entry.at = entry.at.plus_ms(1));
    edited(&|entry| entry.body.push(b' '));
    edited(&|entry| entry.body.truncate(entry.body.len() - 1));
    for at in 0..entries[4].body.len() {
        edited(&|entry| entry.body[at] ^= 1);
    }
    for at in 0..32 {
        edited(&|entry| entry.mac[at] ^= 0x80);
    }
}

#[test]
fn an_entry_of_another_version_is_kept_apart_from_an_edited_one() {
    let body = br#"{"v":2,"record":{}}"#;
    let head = key().chain(&Head::ORIGIN, 1, Timestamp::EPOCH, body);
    let entry = Written { n: 1, at: Timestamp::EPOCH, body, mac: head.mac };
    assert_eq!(key().read(&Head::ORIGIN, &entry).map(drop), Err(ChainError::Unreadable { n: 1 }));
}

proptest! {
    #[test]
    fn every_record_comes_back_as_it_was(seed in any::<u64>(), variant in 0..Source::RECORDS) {
        let record = Source::chance(seed).record(variant);
        let body = encode(&record);
        prop_assert_eq!(decode(&body), Ok(record.clone()));
        prop_assert_eq!(encode(&decode(&body).unwrap()), body);
    }
}
