//! A bank that is some months old moves to a server, and its history out of the hot tables there: everything is still told, and
//! everything still agrees.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, Ordering};

use cashpoint_bank::calendar::Month;
use cashpoint_bank::clock::{Clock, SystemClock};
use cashpoint_bank::store::database::{ArchiveError, Database};
use cashpoint_bank::store::postgres::PostgresReads;
use cashpoint_bank::store::records::Records;
use cashpoint_bank::store::{Archived, Archiving};
use cashpoint_bank::verify::verify;
use cashpoint_core::time::{BusinessDate, Timestamp};

use crate::cluster::{Cluster, Files as Where};
use crate::copied::{Subjects, address, copied, deposit_more, is_clean, keys};
use crate::world::{self, Files};

const DAY_US: i64 = 86_400_000_000;

/// The month that an instant is in, or one so many before.
fn month(at: Timestamp, back: i32) -> Month {
    // Days since a January, in months of civil dates.
    let days = i32::try_from(at.micros().div_euclid(DAY_US)).unwrap();
    let months = (1970 * 12..)
        .take_while(|months| {
            let first = BusinessDate::from_civil(months / 12, u8::try_from(months % 12 + 1).unwrap(), 1).unwrap();
            first.days() <= days
        })
        .last()
        .unwrap();
    let months = months - back;
    Month::parse(&format!("{:04}-{:02}", months / 12, months % 12 + 1)).unwrap()
}

fn this_month() -> Month {
    month(SystemClock.wall(), 0)
}

/// A bank of some months on a server.
fn old() -> (Files, Cluster) {
    let (files, server) = (world::aged(5), Cluster::start(Where::Fast));
    copied(&files, &server).unwrap();
    (files, server)
}

fn archive(server: &Cluster, before: Month, at_once: usize) -> Result<Archived, ArchiveError> {
    let archiving = Archiving { before, at_once: NonZeroUsize::new(at_once).unwrap() };
    Database::Postgres(address(server)).archive(archiving)
}

fn count(server: &Cluster, what: &str) -> u64 {
    server.sql("postgres", &format!("SELECT count(*) FROM {what}")).parse().unwrap()
}

#[test]
fn tells_the_same_from_the_archive_and_agrees() {
    let (files, server) = old();
    let subjects = Subjects::of(&files.database());
    let before = subjects.told(&mut PostgresReads::open(&address(&server)).unwrap());
    let (transfers, events) = (count(&server, "transfers"), count(&server, "events"));
    // Month by month, a few rows at a time, and again when there is nothing left.
    let mut moved = Archived { transfers: 0, events: 0 };
    for back in (0..5).rev().chain([0]) {
        let now = archive(&server, month(SystemClock.wall(), back), 7).unwrap();
        assert!(back > 0 || moved.transfers > 0);
        moved = Archived { transfers: moved.transfers + now.transfers, events: moved.events + now.events };
        is_clean(&files, &server);
        assert_eq!(count(&server, "all_transfers"), transfers);
        assert_eq!(count(&server, "all_events"), events);
    }
    assert_eq!(archive(&server, this_month(), 7).unwrap(), Archived { transfers: 0, events: 0 });
    let begins = this_month().begins().micros();
    assert_eq!(count(&server, &format!("transfers WHERE at < {begins}")), 0);
    assert_eq!(count(&server, &format!("events WHERE at < {begins}")), 0);
    assert_eq!(count(&server, &format!("archived_transfers WHERE at >= {begins}")), 0);
    assert_eq!(
        (count(&server, "archived_transfers"), count(&server, "archived_events")),
        (moved.transfers, moved.events)
    );
    assert!(moved.transfers > transfers / 2 && moved.events > events / 2, "{moved:?} of {transfers} and {events}");
    let after = subjects.told(&mut PostgresReads::open(&address(&server)).unwrap());
    for (before, after) in before.iter().zip(&after) {
        assert_eq!(before, after);
    }
    deposit_more(&files, &server, "hot");
    is_clean(&files, &server);
}

#[test]
fn finds_what_is_wrong_in_the_archive() {
    let (files, server) = old();
    archive(&server, this_month(), 1_000).unwrap();
    for edit in [
        "UPDATE archived_transfers SET amount = amount + 1 WHERE id = (SELECT id FROM archived_transfers ORDER BY id LIMIT 1)",
        "DELETE FROM archived_events WHERE id = (SELECT max(id) FROM archived_events)",
        "INSERT INTO transfers SELECT * FROM archived_transfers ORDER BY id DESC LIMIT 1",
    ] {
        let tables = ["archived_transfers", "archived_events", "transfers"];
        for table in tables {
            server.sql("postgres", &format!("CREATE TABLE saved_{table} AS SELECT * FROM {table}"));
        }
        server.sql("postgres", edit);
        let report = verify(&Records::open_shared(&address(&server)).unwrap(), Some(&keys(&files))).unwrap();
        assert!(!report.is_clean(), "{edit}");
        for table in tables {
            let back = format!("DELETE FROM {table}; INSERT INTO {table} SELECT * FROM saved_{table}");
            server.sql("postgres", &format!("{back}; DROP TABLE saved_{table}"));
        }
        is_clean(&files, &server);
    }
}

/// The server does not look up what the ledger refers to, so whoever reads it from end to end does.
#[test]
fn finds_what_refers_to_nothing() {
    let (files, server) = old();
    let first_of = |table: &str| format!("WHERE id = (SELECT id FROM {table} ORDER BY id LIMIT 1)");
    for (table, edit, wants) in [
        ("transfers", "debit = -99999", "is not in the chart"),
        ("transfers", "credit = 99999", "is not in the chart"),
        ("transfers", "card = 31", "does not reach"),
        (
            "events",
            "customer = 31, number = 1, previous = NULL, account = NULL, card = NULL",
            "its customer is not there",
        ),
    ] {
        server.sql("postgres", &format!("CREATE TABLE saved AS SELECT * FROM {table}"));
        server.sql("postgres", &format!("UPDATE {table} SET {edit} {}", first_of(table)));
        let report = verify(&Records::open_shared(&address(&server)).unwrap(), Some(&keys(&files))).unwrap();
        assert!(!report.is_clean() && format!("{report:?}").contains(wants), "{edit}: {report:?}");
        let back = format!("DELETE FROM {table}; INSERT INTO {table} SELECT * FROM saved; DROP TABLE saved");
        server.sql("postgres", &back);
        is_clean(&files, &server);
    }
}

/// Two of them at once, beside a host, and the server ends them again and again.
#[test]
fn goes_on_after_every_interruption() {
    let (files, server) = old();
    let (transfers, events) = (count(&server, "transfers"), count(&server, "events"));
    let done = AtomicBool::new(false);
    let mut interrupted = 0;
    std::thread::scope(|scope| {
        let killer = scope.spawn(|| {
            let mut killed = 0;
            while !done.load(Ordering::Relaxed) {
                let sql = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE query LIKE 'WITH due%'
                               OR query LIKE 'WITH first%'";
                killed += server.sql("postgres", sql).parse::<u64>().unwrap();
            }
            killed
        });
        let archivers: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    let mut failed = 0_u64;
                    // Each attempt gets a little further; rows at once grow, so that it comes to an end.
                    for at_once in 1.. {
                        match archive(&server, this_month(), at_once) {
                            Ok(_) => break,
                            Err(ArchiveError::Database(_)) => failed += 1,
                            Err(other) => panic!("{other}"),
                        }
                    }
                    failed
                })
            })
            .collect();
        deposit_more(&files, &server, "beside");
        interrupted += archivers.into_iter().map(|archiver| archiver.join().unwrap()).sum::<u64>();
        done.store(true, Ordering::Relaxed);
        assert!(killer.join().unwrap() >= interrupted);
    });
    assert!(interrupted > 0, "somebody was in the way");
    assert_eq!(count(&server, "all_transfers"), transfers + 20);
    assert_eq!(count(&server, "all_events"), events + 20);
    assert_eq!(archive(&server, this_month(), 100).unwrap(), Archived { transfers: 0, events: 0 });
    is_clean(&files, &server);
}

/// The statements of `docs/archive.md`: to be run once, and for each month.
fn documented() -> [String; 2] {
    let page = include_str!("../../../../docs/archive.md");
    let blocks: Vec<_> = page.split("```sql\n").skip(1).map(|block| block.split("```").next().unwrap()).collect();
    <[&str; 2]>::try_from(blocks).unwrap().map(str::to_owned)
}

#[test]
fn months_are_detached_and_attached_as_documented() {
    let (files, server) = old();
    let sql = |sql: &str| server.sql("postgres", sql);
    let subjects = Subjects::of(&files.database());
    let before = subjects.told(&mut PostgresReads::open(&address(&server)).unwrap());
    // Some of it was archived before there were months.
    archive(&server, month(SystemClock.wall(), 4), 100).unwrap();
    let [once, each] = documented();
    sql(&once);
    for back in 0..5 {
        sql(&each.replace("2026-08", &month(SystemClock.wall(), back).to_string()));
    }
    let archived = archive(&server, this_month(), 3).unwrap();
    assert!(archived.transfers > 10, "{archived:?}");
    is_clean(&files, &server);
    let after = subjects.told(&mut PostgresReads::open(&address(&server)).unwrap());
    assert!(before == after, "whoever reads sees no difference");
    // Not always the month before this one: on a 31 March the bank's days lie before and after a whole February.
    let last = (1..5)
        .map(|back| month(SystemClock.wall(), back).to_string().replace('-', "_"))
        .find(|month| ["transfers", "events"].iter().all(|of| count(&server, &format!("archived_{of}_{month}")) > 0))
        .expect("some month has both");
    let bounds = |table: &str| {
        sql(&format!("SELECT pg_get_expr(relpartbound, oid) FROM pg_class WHERE relname = 'archived_{table}_{last}'"))
    };
    let bounds = ["transfers", "events"].map(|table| (table, bounds(table)));
    for (table, _) in &bounds {
        sql(&format!("ALTER TABLE archived_{table} DETACH PARTITION archived_{table}_{last}"));
    }
    let records = Records::open_shared(&address(&server)).unwrap();
    assert!(!verify(&records, Some(&keys(&files))).unwrap().is_clean(), "a month is missing");
    drop(records);
    for (table, bounds) in &bounds {
        sql(&format!("ALTER TABLE archived_{table} ATTACH PARTITION archived_{table}_{last} {bounds}"));
    }
    is_clean(&files, &server);
}

#[test]
fn archives_only_what_is_over_and_on_a_server() {
    let (files, server) = (world::live(), Cluster::start(Where::Fast));
    let next = month(SystemClock.wall(), -1);
    assert!(matches!(archive(&server, next, 1), Err(ArchiveError::Database(_))), "there is no bank");
    copied(&files, &server).unwrap();
    assert!(matches!(archive(&server, next, 1), Err(ArchiveError::NotOver(month)) if month == next));
    assert_eq!(count(&server, "archived_transfers"), 0);
    let archiving = Archiving { before: this_month(), at_once: NonZeroUsize::MIN };
    let file = Database::Sqlite(files.database()).archive(archiving);
    assert!(matches!(file, Err(ArchiveError::OneFile)));
}
