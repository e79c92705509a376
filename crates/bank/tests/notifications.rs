//! What those who deliver notifications ask of the bank: feeds, and books that cost no commit of their own.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use cashpoint_bank::bank::{Bank, Hands, Mode, Setting};
use cashpoint_bank::clock::SystemClock;
use cashpoint_bank::entropy::SeededEntropy;
use cashpoint_bank::execute::{Answer, Failure};
use cashpoint_core::command::{By, ClaimFeed, Deposit, KeepFeed};
use cashpoint_core::id::{AccountNumber, FeedHolder, RequestId};
use cashpoint_core::money::Decimal;
use cashpoint_core::notification::{ChannelName, Cursor, Tenure};
use cashpoint_core::outcome::{Done, Refusal};
use rusqlite::Connection;
use tempfile::TempDir;

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);
const OWN: FeedHolder = FeedHolder::new(7);

struct World {
    bank: Bank,
    folder: TempDir,
}

fn channel() -> ChannelName {
    ChannelName::parse("webhook").unwrap()
}

impl World {
    fn new() -> Self {
        Self::worked_by(Hands::Own)
    }

    fn worked_by(hands: Hands) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let files: [PathBuf; 2] = ["bank.db", "keys.toml"].map(|name| folder.path().join(name));
        let [database, keys] = files;
        let setting = Setting::new(database, keys, Arc::new(SystemClock), Arc::new(SeededEntropy::new(3)));
        let setting = Setting { hands, ..setting.with_mode(Mode::Sandbox) };
        let (bank, _) = Bank::open(setting).unwrap();
        cashpoint_bank::sandbox::seed(&bank).unwrap();
        Self { bank, folder }
    }

    fn commits(&self) -> i64 {
        let connection = Connection::open(self.folder.path().join("bank.db")).unwrap();
        connection.query_row("SELECT count(*) FROM commits", [], |row| row.get(0)).unwrap()
    }

    /// The teller takes a dollar in.
    fn deposit(&self, number: u8) {
        let request = RequestId { key: [number; 16], content: [number; 16] };
        let account = AccountNumber::new(10_001);
        let command = Deposit { by: By::Teller, request, account, amount: Decimal::new(1, 0), machine: None };
        self.bank.execute(command).unwrap().outcome.unwrap();
    }

    /// Has the books say this, along with others.
    fn keep(&self, cursor: Cursor) -> Receiver<Result<Answer, Failure>> {
        let (sender, receiver) = sync_channel(1);
        let (waiting, dead) = (Vec::new(), Vec::new());
        let command = KeepFeed { channel: channel(), holder: OWN, lease_s: 30, cursor, waiting, dead };
        self.bank.submit_along(command, Box::new(move |answer| sender.send(answer).unwrap()));
        receiver
    }
}

#[test]
fn books_go_along_with_a_group_that_has_something_to_do() {
    let world = World::new();
    let state = world.bank.claim_feed(channel(), OWN, (Tenure::Sole, 30)).unwrap().unwrap();
    // Who is held up for half a second between the two lines finds two commits; not five times in a row.
    let together = (1..=5).any(|number| {
        let before = world.commits();
        let kept = world.keep(state.cursor.clone());
        world.deposit(number);
        assert_eq!(kept.recv_timeout(PATIENCE).unwrap().unwrap().outcome, Ok(Done::Changed));
        world.commits() == before + 1
    });
    assert!(together);
}

#[test]
fn books_are_written_alone_where_nothing_else_happens() {
    let world = World::new();
    let state = world.bank.claim_feed(channel(), OWN, (Tenure::Sole, 30)).unwrap().unwrap();
    let (before, kept) = (world.commits(), world.keep(state.cursor));
    assert_eq!(kept.recv_timeout(PATIENCE).unwrap().unwrap().outcome, Ok(Done::Changed));
    assert_eq!(world.commits(), before + 1);
}

#[test]
fn books_that_are_on_their_way_are_written_when_the_bank_closes() {
    let world = World::new();
    let state = world.bank.claim_feed(channel(), OWN, (Tenure::Sole, 30)).unwrap().unwrap();
    let kept = world.keep(state.cursor);
    world.bank.close();
    assert_eq!(kept.try_recv().unwrap().unwrap().outcome, Ok(Done::Changed));
}

/// No thread and no time decide what one commit takes: the next command takes along what waits, and so does the end.
#[test]
fn whoever_submits_a_command_does_its_work_and_that_which_waits_to_go_along() {
    let world = World::worked_by(Hands::Callers);
    let state = world.bank.claim_feed(channel(), OWN, (Tenure::Sole, 30)).unwrap().unwrap();
    let (before, done) = (world.commits(), Ok(Done::Changed));
    let kept = [world.keep(state.cursor.clone()), world.keep(state.cursor.clone())];
    assert!(kept.iter().all(|kept| kept.try_recv().is_err()));
    world.deposit(1);
    assert!(kept.iter().all(|kept| kept.try_recv().unwrap().unwrap().outcome == done));
    assert_eq!(world.commits(), before + 1);
    let kept = world.keep(state.cursor.clone());
    world.bank.close();
    assert_eq!(kept.try_recv().unwrap().unwrap().outcome, done);
    assert_eq!(world.commits(), before + 2);
    world.bank.close();
    assert!(matches!(world.keep(state.cursor).try_recv().unwrap(), Err(Failure::Overloaded)));
    // The file has its next writer at once.
    let path = |name| world.folder.path().join(name);
    let setting =
        Setting::new(path("bank.db"), path("keys.toml"), Arc::new(SystemClock), Arc::new(SeededEntropy::new(4)));
    drop(Bank::open(setting).unwrap());
}

#[test]
fn a_feed_that_never_was_begins_behind_the_last_event_and_then_goes_on() {
    let world = World::new();
    let first = world.bank.claim_feed(channel(), OWN, (Tenure::Shared, 30)).unwrap().unwrap();
    assert_eq!(world.bank.outgoing(channel(), &first.cursor, 100).unwrap(), []);
    world.deposit(1);
    world.deposit(2);
    let news = world.bank.outgoing(channel(), &first.cursor, 100).unwrap();
    assert_eq!(news.len(), 2);
    let mut cursor = first.cursor.clone();
    cursor.advance(news[0].place);
    let kept = world.keep(cursor.clone());
    kept.recv_timeout(PATIENCE).unwrap().unwrap().outcome.unwrap();
    let other = FeedHolder::new(8);
    assert_eq!(world.bank.claim_feed(channel(), other, (Tenure::Shared, 30)).unwrap(), None, "it is held");
    let next = world.bank.claim_feed(channel(), other, (Tenure::Sole, 30)).unwrap().unwrap();
    assert_eq!(next.cursor, cursor);
    assert_eq!(world.bank.outgoing(channel(), &next.cursor, 100).unwrap(), news[1..]);
    let late = world.keep(first.cursor).recv_timeout(PATIENCE).unwrap().unwrap();
    assert_eq!(late.outcome, Err(Refusal::Moved));
}

#[test]
fn tells_whoever_listens_after_each_group() {
    let world = World::new();
    let told = Arc::new(AtomicU64::new(0));
    let own = Arc::clone(&told);
    world.bank.on_commit(Arc::new(move || {
        own.fetch_add(1, Ordering::SeqCst);
    }));
    world.deposit(1);
    let (tenure, lease_s, begin) = (Tenure::Sole, 30, Cursor::default());
    world.bank.execute(ClaimFeed { channel: channel(), holder: OWN, tenure, lease_s, begin }).unwrap();
    world.bank.close();
    // The group before may tell after its answer went out.
    assert!(told.load(Ordering::SeqCst) >= 2);
}
