use std::collections::BTreeSet;
use std::fs;
use std::num::NonZero;
use std::sync::Mutex;
use std::thread;

use tempfile::TempDir;

use super::*;

const LIMITS: Limits = Limits { limit: 8 << 10, reserve: 8 << 10 };

fn key(byte: u8) -> ChainKey {
    ChainKey::new([byte; 32])
}

fn at(s: i64) -> Timestamp {
    Timestamp::EPOCH.plus_s(s)
}

fn begun(nonce: u64) -> Record {
    Record::Begun { nonce }
}

struct Place {
    folder: TempDir,
}

impl Place {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("journal.db")
    }

    fn open(&self) -> Result<(JournalFile, Vec<Entry>), JournalError> {
        JournalFile::open(&self.path(), key(1), LIMITS)
    }

    /// A journal of so many records, closed again.
    fn written(count: u64) -> Self {
        let place = Self::new();
        let (mut journal, entries) = place.open().unwrap();
        assert!(entries.is_empty());
        for n in 1..=count {
            journal.append(&begun(n), at(1)).unwrap();
        }
        place
    }

    fn edit(&self, sql: &str) {
        let connection = Connection::open(self.path()).unwrap();
        connection.execute_batch(sql).unwrap();
    }
}

fn nonces(entries: &[Entry]) -> Vec<u64> {
    let nonce = |entry: &Entry| {
        let Record::Begun { nonce } = entry.record else { panic!("{entry:?}") };
        nonce
    };
    entries.iter().map(nonce).collect()
}

#[test]
fn reads_back_what_was_appended_and_goes_on_from_there() {
    let place = Place::written(3);
    let (mut journal, entries) = place.open().unwrap();
    assert_eq!((nonces(&entries), journal.head().n), (vec![1, 2, 3], 3));
    journal.append(&begun(4), at(2)).unwrap();
    let (second, head) = (journal.at(2).unwrap(), journal.head());
    drop(journal);
    let (journal, entries) = place.open().unwrap();
    assert_eq!((nonces(&entries), journal.head(), journal.at(2)), (vec![1, 2, 3, 4], head, Some(second)));
    assert_eq!(journal.at(9), None);
}

#[test]
fn the_page_has_the_tables_as_they_are() {
    let page = include_str!("../../../../docs/journal.md");
    let (_, block) = page.split_once("```sql\n").unwrap();
    let (block, _) = block.split_once("```").unwrap();
    let plain = |sql: &str| -> Vec<String> {
        let lines = sql.lines().map(|line| line.split("--").next().unwrap_or(line));
        lines.flat_map(str::split_whitespace).map(str::to_owned).collect()
    };
    assert_eq!(plain(block), plain(SCHEMA));
}

#[test]
fn has_one_terminal() {
    let place = Place::written(1);
    let (first, _) = place.open().unwrap();
    assert!(matches!(place.open(), Err(JournalError::InUse { .. })));
    drop(first);
    assert!(place.open().is_ok());
}

#[test]
fn finds_every_edit_and_keeps_the_file() {
    for edit in [
        "UPDATE records SET body = CAST(replace(CAST(body AS TEXT), '2', '3') AS BLOB) WHERE n = 2",
        "UPDATE records SET body = CAST(body || ' ' AS BLOB) WHERE n = 3",
        "UPDATE records SET at = at + 1 WHERE n = 2",
        "UPDATE records SET mac = zeroblob(32) WHERE n = 3",
        "DELETE FROM records WHERE n = 2",
        "UPDATE records SET n = 9 WHERE n = 3",
        "UPDATE journal SET base_n = 1, base_mac = (SELECT mac FROM records WHERE n = 1); DELETE FROM records WHERE n = 1",
        "UPDATE journal SET base_mac = (SELECT mac FROM records WHERE n = 1)",
    ] {
        let place = Place::written(3);
        place.edit(edit);
        let refused = place.open().map(|(_, entries)| entries);
        assert!(
            matches!(refused, Err(JournalError::Tampered { .. } | JournalError::Beheaded { .. })),
            "{edit}: {refused:?}"
        );
        assert!(place.path().exists());
    }
    let place = Place::written(2);
    assert!(matches!(JournalFile::open(&place.path(), key(2), LIMITS), Err(JournalError::Tampered { .. })));
}

/// The cuts of a file of this length: the first bytes and every 97th after them, every one in a long run.
fn cuts(length: usize) -> Vec<usize> {
    let step = if std::env::var("CASHPOINT_SOAK").is_ok_and(|soak| soak == "1") { 1 } else { 97 };
    (0..8).chain((8..length).step_by(step)).chain([length]).collect()
}

/// Has every core look at its share of the cuts.
fn at_each(cuts: &[usize], look: impl Fn(usize) + Sync) {
    let workers = thread::available_parallelism().map_or(1, NonZero::get);
    thread::scope(|scope| {
        for share in cuts.chunks(cuts.len().div_ceil(workers)) {
            scope.spawn(|| share.iter().for_each(|cut| look(*cut)));
        }
    });
}

#[expect(clippy::print_stdout, reason = "the soak collects this line")]
#[test]
fn a_file_cut_at_any_offset_is_read_as_a_beginning_or_not_at_all() {
    let place = Place::new();
    let (mut journal, _) = place.open().unwrap();
    for n in 1..=6 {
        journal.append(&begun(n), at(1)).unwrap();
    }
    // As it lies on the disk while the terminal runs: the newest records are in the write-ahead log alone.
    let (main, log) = (place.path(), place.folder.path().join("journal.db-wal"));
    let (whole_main, whole_log) = (fs::read(&main).unwrap(), fs::read(&log).unwrap());
    let seen = Mutex::new(BTreeSet::new());
    let log_cuts = cuts(whole_log.len());
    at_each(&log_cuts, |cut| {
        let torn = Place::new();
        fs::write(torn.path(), &whole_main).unwrap();
        fs::write(torn.folder.path().join("journal.db-wal"), &whole_log[..cut]).unwrap();
        let (_, entries) = torn.open().unwrap_or_else(|error| panic!("cut at {cut}: {error}"));
        let expected: Vec<u64> = (1..=entries.len() as u64).collect();
        assert_eq!(nonces(&entries), expected, "cut at {cut}");
        seen.lock().unwrap().insert(entries.len());
    });
    assert_eq!(seen.into_inner().unwrap(), (0..=6).collect());
    drop(journal);
    let whole_main = fs::read(&main).unwrap();
    let mut main_cuts = cuts(whole_main.len());
    main_cuts.retain(|cut| (1..whole_main.len()).contains(cut));
    at_each(&main_cuts, |cut| {
        let torn = Place::new();
        fs::write(torn.path(), &whole_main[..cut]).unwrap();
        // The last page has nothing on it but its first bytes: a file that has those lacks nothing.
        let read = torn.open().map(|(_, entries)| entries.len());
        assert!(read.is_err() || matches!(read, Ok(6)), "cut at {cut}: {read:?} entries");
    });
    println!("soak: a journal of six records: file cut at {} places, log at {}", main_cuts.len(), log_cuts.len());
}

#[test]
fn forgets_what_a_summary_stands_for_and_nothing_else() {
    let place = Place::written(3);
    let (mut journal, _) = place.open().unwrap();
    let before = journal.append(&Record::Summary(Box::default()), at(2)).unwrap();
    let after = journal.forget(4).unwrap();
    assert!(after.used < before.used, "{after:?} of {before:?}");
    journal.append(&begun(5), at(3)).unwrap();
    drop(journal);
    let (_, entries) = place.open().unwrap();
    assert_eq!(entries.iter().map(|entry| entry.n).collect::<Vec<_>>(), [4, 5]);
    place.edit(
        "UPDATE journal SET base_n = 4, base_mac = (SELECT mac FROM records WHERE n = 4); DELETE FROM records WHERE n = 4",
    );
    assert!(matches!(place.open(), Err(JournalError::Beheaded { .. })));
}

#[test]
fn says_what_stood_where_the_host_may_still_be() {
    let place = Place::new();
    let (mut journal, _) = place.open().unwrap();
    let mut heads = Vec::new();
    for n in 1..=90 {
        let sums_up = n % 30 == 0;
        journal.append(&if sums_up { Record::Summary(Box::default()) } else { begun(n) }, at(1)).unwrap();
        heads.push(journal.head());
        if sums_up {
            journal.forget(n).unwrap();
        }
    }
    drop(journal);
    let (journal, entries) = place.open().unwrap();
    assert_eq!(entries.len(), 1);
    let said: Vec<_> = heads.iter().map(|head| journal.at(head.n)).collect();
    assert_eq!(said, heads.into_iter().map(Some).collect::<Vec<_>>());
}

#[test]
fn is_full_only_when_its_reserve_is_used() {
    let place = Place::new();
    let (mut journal, _) = place.open().unwrap();
    let mut fills = Vec::new();
    let why = loop {
        match journal.append(&begun(1), at(1)) {
            Ok(fill) => fills.push(fill),
            Err(why) => break why,
        }
    };
    assert_eq!(why, JournalFailure::Full);
    let past = fills.iter().filter(|fill| fill.used >= fill.limit).count();
    assert!(past > 10, "what was begun can be finished behind the limit: {past} records");
    assert!(fills.windows(2).all(|pair| pair[0].used < pair[1].used));
    assert_eq!(journal.self_test(), Err(JournalFailure::Full));
    journal.forget(journal.head().n).unwrap();
    assert_eq!(journal.self_test(), Ok(()));
    journal.append(&begun(2), at(1)).unwrap();
}

#[test]
fn a_full_disk_costs_the_ballast_first() {
    let place = Place::written(1);
    let (mut journal, _) = place.open().unwrap();
    let ballast = place.path().with_extension("ballast");
    assert_eq!(fs::metadata(&ballast).unwrap().len(), LIMITS.reserve);
    // No more pages: what SQLite says when the disk is full, without filling this one.
    let pages: i64 = journal.connection.query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap();
    journal.connection.pragma_update(None, "max_page_count", pages).unwrap();
    let why = (0..1000).find_map(|_| journal.append(&begun(2), at(1)).err()).expect("it fills up");
    assert_eq!(why, JournalFailure::DiskFull);
    // The next append makes the ballast again as soon as there is room.
    journal.connection.pragma_update(None, "max_page_count", 1_000_000).unwrap();
    let count = journal.head().n;
    let fill = journal.append(&begun(3), at(1)).unwrap();
    assert!(fill.used < fill.limit && ballast.exists(), "{fill:?}");
    drop(journal);
    let (_, entries) = place.open().unwrap();
    assert_eq!(entries.len() as u64, count + 1);
}
