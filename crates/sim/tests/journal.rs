//! What every journal keeps to: the terminal's file, and the one in memory that towns have in its place. What the file's
//! disk has when power fails is taken from its bytes; the one in memory says by itself what it left.

use std::fs;
use std::path::PathBuf;

use cashpoint_core::terminal::JournalFailure;
use cashpoint_core::terminal::journal::Journal;
use cashpoint_core::terminal::record::{Entry, Record};
use cashpoint_core::time::Timestamp;
use cashpoint_sim::journal::{MemoryJournal, Tail};
use cashpoint_terminal::journal::{JournalFile, Limits};
use cashpoint_terminal::operation::Chained;
use cashpoint_wire::journal::{ChainKey, Head};
use tempfile::TempDir;

const KEY: [u8; 32] = [7; 32];
const OPEN: &str = "it is open between tests of power";
const WORKS: &str = "disk and journal work";
const LIMITS: Limits = Limits { limit: 8 << 10, reserve: 8 << 10 };

/// How much of what was being written reached the disk.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Reached {
    Nothing,
    OneByte,
    Half,
    Everything,
}

impl Reached {
    const ALL: [Self; 4] = [Self::Nothing, Self::OneByte, Self::Half, Self::Everything];
}

/// A journal that can lose power.
trait Kept {
    /// A new one, open.
    fn new() -> Self;
    /// Its process begins again.
    fn reopen(&mut self) -> Vec<Entry>;
    fn journal(&mut self) -> &mut dyn Journal;
    fn head(&self) -> Head;
    fn at(&self, n: u64) -> Option<Head>;
    fn self_test(&mut self) -> Result<(), JournalFailure>;
    /// Power fails while a record is written.
    fn lose_power(&mut self, record: &Record, reached: Reached);
}

/// The terminal's.
struct File {
    folder: TempDir,
    journal: Option<JournalFile>,
}

impl File {
    fn path(&self) -> PathBuf {
        self.folder.path().join("journal.db")
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("journal.db-wal")
    }

    fn open(&self) -> &JournalFile {
        self.journal.as_ref().expect(OPEN)
    }
}

impl Kept for File {
    fn new() -> Self {
        let mut new = Self { folder: tempfile::tempdir().expect(WORKS), journal: None };
        assert_eq!(new.reopen(), []);
        new
    }

    fn reopen(&mut self) -> Vec<Entry> {
        self.journal = None;
        let (journal, entries) = JournalFile::open(&self.path(), ChainKey::new(KEY), LIMITS).expect(WORKS);
        self.journal = Some(journal);
        entries
    }

    fn journal(&mut self) -> &mut dyn Journal {
        self.journal.as_mut().expect(OPEN)
    }

    fn head(&self) -> Head {
        self.open().head()
    }

    fn at(&self, n: u64) -> Option<Head> {
        self.open().at(n)
    }

    fn self_test(&mut self) -> Result<(), JournalFailure> {
        self.journal.as_mut().expect(OPEN).self_test()
    }

    /// The newest records are in the write-ahead log alone, and what was being written is its end.
    fn lose_power(&mut self, record: &Record, reached: Reached) {
        let before = fs::read(self.log()).map_or(0, |log| log.len());
        self.journal().append(record, at(9)).expect(WORKS);
        let (main, mut log) = (fs::read(self.path()).expect(WORKS), fs::read(self.log()).expect(WORKS));
        assert!(log.len() > before, "the log was not begun anew: {before} bytes, {} after", log.len());
        log.truncate(match reached {
            Reached::Nothing => before,
            Reached::OneByte => before + 1,
            Reached::Half => before.midpoint(log.len()),
            Reached::Everything => log.len(),
        });
        self.journal = None;
        self.folder = tempfile::tempdir().expect(WORKS);
        fs::write(self.path(), main).expect(WORKS);
        fs::write(self.log(), log).expect(WORKS);
    }
}

impl Kept for MemoryJournal {
    fn new() -> Self {
        let mut new = Self::new(KEY);
        (new.limit, new.reserve) = (LIMITS.limit, LIMITS.reserve);
        new
    }

    fn reopen(&mut self) -> Vec<Entry> {
        self.open().expect(WORKS).0
    }

    fn journal(&mut self) -> &mut dyn Journal {
        self
    }

    fn head(&self) -> Head {
        self.head()
    }

    fn at(&self, n: u64) -> Option<Head> {
        self.at(n)
    }

    fn self_test(&mut self) -> Result<(), JournalFailure> {
        Self::self_test(self)
    }

    fn lose_power(&mut self, record: &Record, reached: Reached) {
        self.reaches = match reached {
            Reached::Nothing => 0,
            Reached::OneByte => 1,
            Reached::Half => 40,
            Reached::Everything => usize::MAX,
        };
        self.tear(record, at(9));
    }
}

fn at(s: i64) -> Timestamp {
    Timestamp::EPOCH.plus_s(s)
}

fn begun(nonce: u64) -> Record {
    Record::Begun { nonce }
}

fn written<K: Kept>(count: u64) -> K {
    let mut kept = K::new();
    for n in 1..=count {
        kept.journal().append(&begun(n), at(1)).expect(WORKS);
    }
    kept
}

/// The numbers of entries, each of which says its own.
#[track_caller]
fn numbers(entries: &[Entry]) -> Vec<u64> {
    let number = |entry: &Entry| {
        assert!(matches!(entry.record, Record::Summary(_)) || entry.record == begun(entry.n), "{entry:?}");
        entry.n
    };
    entries.iter().map(number).collect()
}

fn reads_back_what_was_appended_and_goes_on_from_there<K: Kept>() {
    let mut kept: K = written(3);
    assert_eq!((numbers(&kept.reopen()), kept.head().n), (vec![1, 2, 3], 3));
    kept.journal().append(&begun(4), at(2)).expect(WORKS);
    let (second, head) = (kept.at(2), kept.head());
    let entries = kept.reopen();
    assert_eq!((numbers(&entries), entries[3].at, kept.head(), kept.at(2)), (vec![1, 2, 3, 4], at(2), head, second));
    assert!(second.is_some() && kept.at(9).is_none());
}

fn drops_a_part_of_a_record_and_keeps_one_that_is_whole<K: Kept>() {
    for reached in Reached::ALL {
        let mut kept: K = written(3);
        kept.lose_power(&begun(4), reached);
        let there = if reached == Reached::Everything { 4 } else { 3 };
        assert_eq!(numbers(&kept.reopen()), (1..=there).collect::<Vec<_>>(), "{reached:?}");
        assert_eq!(kept.head().n, there, "{reached:?}");
        // What was torn is in nobody's way.
        kept.journal().append(&begun(there + 1), at(10)).expect(WORKS);
        assert_eq!(numbers(&kept.reopen()), (1..=there + 1).collect::<Vec<_>>(), "{reached:?}");
    }
}

fn is_full_only_when_its_reserve_is_used<K: Kept>() {
    let mut kept = K::new();
    let mut fills = Vec::new();
    let why = loop {
        match kept.journal().append(&begun(1), at(1)) {
            Ok(fill) => fills.push(fill),
            Err(why) => break why,
        }
    };
    assert_eq!((why, kept.self_test()), (JournalFailure::Full, Err(JournalFailure::Full)));
    let past = fills.iter().filter(|fill| fill.used >= fill.limit).count();
    assert!(past > 10, "what was begun can be finished behind the limit: {past} records");
    let last = kept.head().n;
    kept.journal().forget(last).expect(WORKS);
    assert_eq!(kept.self_test(), Ok(()));
    kept.journal().append(&begun(last + 1), at(1)).expect(WORKS);
}

fn forgets_what_a_summary_stands_for_and_knows_where_it_stood<K: Kept>() {
    let mut kept: K = written(3);
    let second = kept.at(2);
    let before = kept.journal().append(&Record::Summary(Box::default()), at(2)).expect(WORKS);
    let after = kept.journal().forget(4).expect(WORKS);
    assert!(after.used < before.used, "{after:?} of {before:?}");
    kept.journal().append(&begun(5), at(3)).expect(WORKS);
    assert_eq!(numbers(&kept.reopen()), [4, 5]);
    assert_eq!((kept.at(2), kept.head().n), (second, 5));
}

macro_rules! contract {
    ($($name:ident,)+) => {
        mod as_the_terminals_file {
            $(#[test]
            fn $name() {
                super::$name::<super::File>();
            })+
        }

        mod as_the_one_in_memory {
            $(#[test]
            fn $name() {
                super::$name::<super::MemoryJournal>();
            })+
        }
    };
}

contract! {
    reads_back_what_was_appended_and_goes_on_from_there,
    drops_a_part_of_a_record_and_keeps_one_that_is_whole,
    is_full_only_when_its_reserve_is_used,
    forgets_what_a_summary_stands_for_and_knows_where_it_stood,
}

/// As the file is, whose connection nobody can break from here.
#[test]
fn the_one_in_memory_takes_nothing_from_a_failure_on_until_it_is_opened() {
    for (reaches, tail, there) in [(0, Tail::Nothing, 2), (40, Tail::Torn, 2), (usize::MAX, Tail::Whole, 3)] {
        let mut journal: MemoryJournal = written(2);
        (journal.failure, journal.reaches) = (Some(JournalFailure::Broken), reaches);
        assert_eq!(journal.append(&begun(3), at(1)), Err(JournalFailure::Broken));
        journal.failure = None;
        assert_eq!(journal.append(&begun(4), at(1)), Err(JournalFailure::Broken));
        assert_eq!(journal.forget(2), Err(JournalFailure::Broken));
        assert_eq!((journal.self_test(), journal.head().n), (Err(JournalFailure::Broken), 2));
        let (entries, found) = journal.open().unwrap();
        assert_eq!((numbers(&entries).len(), found), (there, tail));
        journal.append(&begun(there as u64 + 1), at(1)).unwrap();
        assert_eq!(journal.open().map(|(_, tail)| tail), Ok(Tail::Nothing));
    }
}
