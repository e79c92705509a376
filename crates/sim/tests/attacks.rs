//! Messages that come late, twice or from a thief; journals that somebody laid hands on; disks that are full; cards that
//! are reported while their owner's cash is on its way. Nothing posts twice, nothing posts silently, and staff hear of it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

use std::cell::Cell;
use std::collections::BTreeSet;
use std::rc::Rc;

use cashpoint_bank::sandbox::PEOPLE;
use cashpoint_core::command::ReportReason;
use cashpoint_core::currency::Currency;
use cashpoint_core::enrolled::JournalTrust;
use cashpoint_core::id::{AccountNumber, CardId};
use cashpoint_core::money::Amount;
use cashpoint_core::terminal::link::{
    Advice, AdviceKind, Evidence, LinkFailure, Movement, OfflineOutcome, OperationId, Reply, Request,
};
use cashpoint_core::terminal::record::Record;
use cashpoint_core::terminal::screen::{Screen, Sorry};
use cashpoint_core::terminal::{Alarm, JournalFailure, Lane};
use cashpoint_sim::bench::{self, Books, walked_away_with};
use cashpoint_sim::chance::Chance;
use cashpoint_sim::host::Echo;
use cashpoint_sim::journal::MemoryJournal;
use cashpoint_sim::moment::{Moment, shown};
use cashpoint_sim::network::{Host, Network, Sent};
use cashpoint_sim::person::{Person, Wish};
use cashpoint_sim::site::{CHECKING, DANA, GENEROUS, Gets, SAVINGS, Site, got};
use cashpoint_sim::world::Weather;
use cashpoint_wire::journal::Head;
use tempfile::TempDir;

const CASH: i64 = 100_00;
const LAID_IN: [(i64, u32); 2] = [(50_00, 1), (20_00, 1)];

fn usd(minor: i64) -> Amount {
    Amount::new(minor, Currency::USD)
}

fn site() -> (TempDir, Site) {
    let folder = tempfile::tempdir().unwrap();
    let site = Site::new(folder.path(), &GENEROUS);
    (folder, site)
}

fn dana() -> CardId {
    CardId::new(DANA.card)
}

fn is_approval(sent: &Sent) -> bool {
    matches!(sent.request, Request::Approve { .. })
}

/// F4: an approval that comes with the last tick of its deadline is paid; one that comes a tick later is not, whether its
/// request or its answer was slow, and whether the reversal comes after the request or overtakes it.
#[test]
fn obeys_an_approval_up_to_its_deadline_and_never_after_it() {
    for (there_ms, back_ms, paid) in
        [(5, 14_995, true), (5, 14_996, false), (15_000, 0, true), (15_001, 0, false), (15_200, 0, false)]
    {
        let (_folder, mut site) = site();
        let overtaken = there_ms == 15_200;
        site.world.weather = Some(Box::new(move |sent| {
            Some(if is_approval(sent) { Network::Slow { there_ms, back_ms } } else { Network::Up })
        }));
        let gets = site.serve(&DANA, Wish::Cash(SAVINGS.0, usd(CASH)));
        site.mend();
        let books = site.audit();
        let (expected, moved) = if paid { (Gets::Now, CASH) } else { (Gets::Nothing, 0) };
        assert_eq!(gets, expected, "{there_ms} there, {back_ms} back");
        assert_eq!(walked_away_with(&site.world.station.hardware), moved);
        assert_eq!(books.balance(SAVINGS.0), SAVINGS.1 - moved);
        let approved = books.withdrawals.len();
        assert_eq!(approved, usize::from(!overtaken), "one that is overtaken finds its tombstone");
    }
}

/// A morning at the machine: visits while the host is there, an outage, and visits after it.
fn morning(percent: u64) -> (Books, u64) {
    let (_folder, mut site) = site();
    site.world.host.echo = Some(Echo::new(percent, percent));
    for _ in 0..2 {
        assert_eq!(site.serve(&DANA, Wish::Deposit(SAVINGS.0, LAID_IN.to_vec())), Gets::Now);
        assert_eq!(site.serve(&DANA, Wish::Cash(SAVINGS.0, usd(CASH))), Gets::Now);
        assert_eq!(site.serve(&DANA, Wish::Send(SAVINGS.0, CHECKING.0, usd(30_00))), Gets::Now);
        site.cut();
        assert_eq!(site.serve(&DANA, Wish::Deposit(CHECKING.0, LAID_IN.to_vec())), Gets::Later);
        assert_eq!(site.serve(&DANA, Wish::Cash(CHECKING.0, usd(20_00))), Gets::Later);
        assert_eq!(site.serve(&DANA, Wish::Send(SAVINGS.0, CHECKING.0, usd(10_00))), Gets::Later);
        site.mend();
    }
    let books = site.audit();
    let echo = site.world.host.echo.as_ref().unwrap();
    assert_eq!(echo.taken, 0, "a copy is never taken for a message");
    (books, echo.copies)
}

/// F6: up to half of all traffic is repeated, late and in any order; the ledger is that of the run without.
#[test]
fn takes_no_copy_of_a_message() {
    let (once, _) = morning(0);
    for percent in [10, 25, 50] {
        let (books, copies) = morning(percent);
        assert!(copies > 20, "{copies} copies with {percent} %");
        assert_eq!(books, once, "{percent} %");
    }
}

/// Chance loses, slows and lets through whatever it likes, but for the signs of life.
fn foul(seed: u64) -> Weather {
    let mut chance = Chance::new(seed);
    Box::new(move |sent| {
        Some(match (sent.lane, chance.below(100)) {
            (Lane::Heartbeat, _) | (Lane::Online | Lane::Advice, 0..55) => Network::Up,
            (Lane::Online | Lane::Advice, 55..70) => Network::AnswersLost,
            (Lane::Online | Lane::Advice, 70..80) => Network::RequestsLost,
            (Lane::Online | Lane::Advice, 80..85) => Network::Cut,
            (Lane::Online | Lane::Advice, 85..93) => Network::Slow { there_ms: 14_000, back_ms: 1_500 },
            (Lane::Online | Lane::Advice, 93..) => Network::Slow { there_ms: 16_000, back_ms: 5 },
        })
    })
}

/// F6: once, too, when chance has lost, slowed and repeated what it liked, so that what was asked is asked again.
#[test]
fn posts_once_whatever_is_lost_slowed_and_repeated() {
    for seed in 1..=4 {
        let (_folder, mut site) = site();
        site.world.host.echo = Some(Echo::new(seed, 30));
        let (mut savings, mut checking) = (SAVINGS.1, CHECKING.1);
        for round in 0..6 {
            site.world.weather = Some(foul(seed * 100 + round));
            let wishes = [
                Wish::Cash(SAVINGS.0, usd(CASH)),
                Wish::Deposit(SAVINGS.0, LAID_IN.to_vec()),
                Wish::Send(SAVINGS.0, CHECKING.0, usd(30_00)),
            ];
            let which = usize::try_from(round % 3).unwrap();
            let has = walked_away_with(&site.world.station.hardware);
            let done = match site.serve(&DANA, wishes[which].clone()) {
                Gets::Now | Gets::Later | Gets::Checked => 1,
                Gets::Nothing => 0,
            };
            savings -= walked_away_with(&site.world.station.hardware) - has;
            savings += [0, 70_00, -30_00][which] * done;
            checking += [0, 0, 30_00][which] * done;
        }
        site.mend();
        let books = site.audit();
        assert_eq!((books.balance(SAVINGS.0), books.balance(CHECKING.0)), (savings, checking), "seed {seed}");
    }
}

/// What somebody does to a journal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Tampering {
    /// It is gone.
    Deleted,
    /// Its end is, as far as the host knew it.
    Cut,
    /// An earlier copy is put in its place.
    RolledBack,
    /// A record is another, by somebody without its key.
    Edited,
    /// A record that the host was told of is another, by somebody with its key.
    Forged,
}

const TAMPERINGS: [Tampering; 5] =
    [Tampering::Deleted, Tampering::Cut, Tampering::RolledBack, Tampering::Edited, Tampering::Forged];

fn tamper(journal: &mut MemoryJournal, earlier: &MemoryJournal, how: Tampering) {
    let entries = journal.entries().unwrap();
    let stored = entries.iter().find_map(|entry| {
        let Record::Advice(advice) = &entry.record else { return None };
        matches!(advice.kind, AdviceKind::Deposited { .. }).then(|| (entry.n, advice.clone()))
    });
    let (n, advice) = stored.expect("a deposit is stored");
    match how {
        Tampering::Deleted => journal.delete(),
        // The deposit and what it stands on: further than the host was told.
        Tampering::Cut => journal.cut(entries.len() - 6),
        Tampering::RolledBack => *journal = earlier.clone(),
        Tampering::Edited => journal.edit(n, &Record::Advice(larger(advice))),
        Tampering::Forged => {
            let told = entries.iter().find(|entry| matches!(entry.record, Record::Card(_))).unwrap();
            journal.forge(told.n, &Record::Begun { nonce: 99 });
        }
    }
}

fn larger(advice: Advice) -> Advice {
    let AdviceKind::Deposited { card, account, .. } = advice.kind else { panic!("it is a deposit") };
    let kind = AdviceKind::Deposited { card, account, notes: vec![(50_00, 100)], amount: usd(5_000_00) };
    Advice { kind, ..advice }
}

/// F21: a machine whose journal was deleted, cut, rolled back or edited while a deposit waited in it. The host sees it or
/// the terminal does; nothing posts until staff have looked.
#[test]
fn takes_nothing_from_a_journal_that_somebody_laid_hands_on() {
    for how in TAMPERINGS {
        let (_folder, mut site) = site();
        let earlier = site.world.station.journal.clone();
        assert_eq!(site.serve(&DANA, Wish::Balance(SAVINGS.0)), Gets::Now);
        site.world.pass(5);
        site.cut();
        assert_eq!(site.serve(&DANA, Wish::Deposit(SAVINGS.0, LAID_IN.to_vec())), Gets::Later);
        let before = site.books();
        tamper(&mut site.world.station.journal, &earlier, how);
        site.world.kill();
        site.mend();
        let books = site.books();
        assert_eq!(books.balance(SAVINGS.0), SAVINGS.1, "{how:?}");
        assert_eq!(books.transfers, before.transfers, "{how:?}");
        let doubted = books.audit.iter().filter(|kind| *kind == "journal_doubted").count();
        let trust = site.world.host.bank.terminal_view(site.world.station.id).unwrap().unwrap().enrolled.journal;
        let alarms = &site.world.station.alarms;
        match how {
            Tampering::Edited => {
                assert!(!site.world.station.is_running() && alarms.contains(&Alarm::JournalTampered), "{alarms:?}");
            }
            Tampering::Deleted | Tampering::Cut | Tampering::RolledBack | Tampering::Forged => {
                assert_eq!(doubted, 1, "{how:?}");
                assert!(matches!(trust, JournalTrust::Doubted(_)), "{how:?}: {trust:?}");
                // What the machine may do by itself it may do; nothing of it is taken.
                assert_ne!(site.serve(&DANA, Wish::Send(SAVINGS.0, CHECKING.0, usd(10_00))), Gets::Now, "{how:?}");
                site.mend();
                assert_eq!(site.books().transfers, before.transfers, "{how:?}");
            }
        }
    }
}

/// F24: the disk is full from any record on, and has room again after the visit. What the customer is told is so, and what
/// was begun ends.
#[test]
fn ends_what_was_begun_on_a_disk_that_was_full_at_any_record() {
    let wishes: [fn() -> Wish; 3] = [
        || Wish::Cash(SAVINGS.0, usd(CASH)),
        || Wish::Deposit(SAVINGS.0, LAID_IN.to_vec()),
        || Wish::Send(SAVINGS.0, CHECKING.0, usd(30_00)),
    ];
    for wish in wishes {
        let (mut met, mut reached) = (0, BTreeSet::new());
        for after in 0.. {
            let (_folder, mut site) = site();
            let journal = &mut site.world.station.journal;
            (journal.failure, journal.fails_after) = (Some(JournalFailure::DiskFull), after);
            let from = site.world.station.shown.len();
            let gets = site.serve(&DANA, wish());
            let full = site.world.station.alarms.contains(&Alarm::Journal(JournalFailure::DiskFull));
            site.world.station.journal.failure = None;
            site.mend();
            assert_eq!(site.books().cases, [], "full after {after}: {:#?}", site.world.station.journal.entries());
            let books = site.audit();
            let away = walked_away_with(&site.world.station.hardware);
            let (savings, checking) = (books.balance(SAVINGS.0) - SAVINGS.1, books.balance(CHECKING.0) - CHECKING.1);
            let kept = bench::brought(&site.world.station.hardware);
            assert_eq!(savings + checking, kept - away, "full after {after}: {:?}", &site.world.station.shown[from..]);
            let moved = (savings, checking) != (0, 0);
            match gets {
                Gets::Now | Gets::Later => assert!(moved, "full after {after}"),
                Gets::Nothing => assert!(!moved, "full after {after}: {:?}", &site.world.station.shown[from..]),
                Gets::Checked => {}
            }
            met += u32::from(full);
            reached.insert(moved);
            if !full {
                break;
            }
        }
        assert!(met > 0 || reached.contains(&true), "{met}, {reached:?}");
    }
}

/// F33: whoever holds a terminal's key tells what they like. Credits stay below the ceilings and with people whose cards
/// were served there; everything else waits in suspense, as cases. What leaves a gap in the journal posts nothing at all.
#[test]
fn credits_no_more_than_its_ceilings_to_whoever_stole_a_terminals_key() {
    let (_folder, mut site) = site();
    site.world.host.set_policy(&[("machine_deposit_limit", "12000"), ("daily_deposit_limit", "20000")]);
    site.world.pass(5);
    site.cut();
    let thief = Thief::of(&site);
    let john = (CardId::new(PEOPLE[0].card), AccountNumber::new(400_000_000_011));
    let deposit = |(card, account): (CardId, AccountNumber), minor: i64| AdviceKind::Deposited {
        card,
        account,
        notes: vec![(50_00, u32::try_from(minor / 50_00).unwrap())],
        amount: usd(minor),
    };
    let own = (dana(), SAVINGS.0);
    let mut cases = 0;
    for kind in [deposit(own, 9_000_00), deposit(own, 9_000_00), deposit(own, 15_000_00), deposit(john, 50_00)] {
        let Ok(Reply::Acknowledged(told)) = thief.tell(&mut site, kind, Forged::GoesOn) else { panic!("it is signed") };
        cases += usize::from(told.case.is_some());
    }
    // Cash under no lease, and under one that was granted but without the device's word.
    let paid = AdviceKind::OfflineWithdrawn {
        card: john.0,
        account: john.1,
        amount: usd(500_00),
        lease: cashpoint_core::terminal::device::Nonce([7; 16]),
        outcome: OfflineOutcome::Paid(Movement { dispensed: vec![10, 0, 0], rejected: 0, retracted: 0 }),
        evidence: Evidence::default(),
    };
    let Ok(Reply::Acknowledged(told)) = thief.tell(&mut site, paid, Forged::GoesOn) else { panic!("it is signed") };
    cases += usize::from(told.case.is_some());
    let books = site.books();
    assert_eq!((cases, books.cases.len()), (4, 4), "{:?}", books.cases);
    assert_eq!(books.balance(SAVINGS.0), SAVINGS.1 + 9_000_00, "one fits under the machine's ceiling of 12,000");
    assert_eq!(books.balance(john.1), 1_500_00, "this card was never here");
    let before = books.transfers.len();
    for gap in [Forged::NamesNothing, Forged::NamesAnother] {
        let answer = thief.tell(&mut site, deposit(own, 50_00), gap);
        assert!(matches!(answer, Err(LinkFailure::Busy | LinkFailure::Rejected)), "{gap:?}: {answer:?}");
    }
    let books = site.books();
    assert_eq!(books.transfers.len(), before, "nothing posts by itself");
    assert!(books.audit.iter().any(|kind| kind == "journal_doubted"));
    // And the machine itself, whose records are others than those that were forged, says so when it is back.
    site.mend();
    assert!(matches!(thief.tell(&mut site, deposit(own, 50_00), Forged::GoesOn), Err(LinkFailure::Rejected)));
    assert_eq!(site.books().transfers.len(), before);
}

/// How a thief's message says that it goes on from what the host knows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Forged {
    GoesOn,
    NamesNothing,
    NamesAnother,
}

/// Somebody with a terminal's key, and its last record's MAC.
struct Thief {
    known: Head,
    count: Cell<u64>,
}

impl Thief {
    fn of(site: &Site) -> Self {
        let known = site.world.station.journal.at(site.world.station.known).unwrap();
        Self { known, count: Cell::new(0) }
    }

    fn tell(&self, site: &mut Site, kind: AdviceKind, how: Forged) -> Result<Reply, LinkFailure> {
        let count = self.count.replace(self.count.get() + 1) + 1;
        let (terminal, at) = (site.world.station.id, site.world.now());
        let advice = Advice { id: OperationId(0xBAD << 64 | u128::from(count)), at, kind, nonce: None };
        let head = Head { n: self.known.n + count, mac: [u8::try_from(count).unwrap(); 32] };
        let known = match how {
            Forged::GoesOn => Some(self.known),
            Forged::NamesNothing => None,
            Forged::NamesAnother => Some(Head { mac: [0xEE; 32], ..self.known }),
        };
        let request = Request::Advice(Box::new(advice));
        let sent = Sent { terminal, lane: Lane::Advice, at, head, known, request };
        let message = site.world.host.address(sent, at);
        site.world.host.answer(&message, at).reply
    }
}

/// What a report at a step of the visit means for the cash.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Reported {
    /// Nothing is approved.
    Declined,
    /// It is taken back: the notes never came within reach.
    TakenBack,
    /// It is paid, and flagged.
    Flagged,
}

fn reported_at(moment: Moment) -> Option<Reported> {
    match moment {
        Moment::Language | Moment::Pin | Moment::Menu | Moment::Amount | Moment::Receipt => Some(Reported::Declined),
        Moment::CountingOut | Moment::TakeCard => Some(Reported::TakenBack),
        Moment::TakeCash => Some(Reported::Flagged),
        // Afterwards nothing of this visit is left to be told.
        Moment::Told => None,
        Moment::LogIn
        | Moment::Account
        | Moment::Confirm
        | Moment::CountingIn
        | Moment::InsertNotes
        | Moment::Counted
        | Moment::Deed
        | Moment::TakeNotesBack => None,
    }
}

/// F34: a card is reported stolen at each step of a withdrawal with it.
#[test]
fn does_what_is_still_possible_when_a_card_is_reported() {
    let mut seen = BTreeSet::new();
    let (_folder, mut undisturbed) = site();
    let from = undisturbed.world.station.shown.len();
    undisturbed.serve(&PEOPLE[0], Wish::Cash(AccountNumber::new(400_000_000_011), usd(CASH)));
    let moments: BTreeSet<_> = undisturbed.world.station.shown[from..].iter().filter_map(shown).collect();
    for (moment, expected) in moments.iter().filter_map(|moment| Some((*moment, reported_at(*moment)?))) {
        let (_folder, mut site) = site();
        let (john, card) = (AccountNumber::new(400_000_000_011), CardId::new(PEOPLE[0].card));
        let from = site.world.station.shown.len();
        site.world.enter(Person::new(bench::plan(&PEOPLE[0], Wish::Cash(john, usd(CASH)))));
        let until = site.world.now().plus_s(200);
        let (mut looked, told) = (from, Rc::new(Cell::new(false)));
        while site.world.is_visited() && site.world.step(until) {
            for at in std::mem::replace(&mut looked, site.world.station.shown.len())..looked {
                if shown(&site.world.station.shown[at]) == Some(moment) && !told.replace(true) {
                    site.world
                        .host
                        .bank
                        .report_card(site.world.host.admin, card, ReportReason::Stolen)
                        .unwrap()
                        .unwrap();
                    // The list is with the terminal before the person does anything more.
                    site.world.delay_person(3_000);
                }
            }
        }
        assert!(told.get(), "{moment:?} was reached");
        site.world.leave();
        site.mend();
        let books = site.audit();
        let away = walked_away_with(&site.world.station.hardware);
        let flags = books.audit.iter().filter(|kind| *kind == "paid_to_reported").count();
        let screens = &site.world.station.shown[from..];
        let kept = screens.iter().any(|screen| matches!(screen, Screen::Sorry(Sorry::CardKept { .. })));
        let found = (away, books.balance(john) - 1_500_00, flags, books.withdrawals.last().map(String::as_str));
        match expected {
            Reported::Declined => assert_eq!(found, (0, 0, 0, None), "{moment:?}"),
            Reported::TakenBack => assert_eq!(found, (0, 0, 0, Some("reversed")), "{moment:?}"),
            Reported::Flagged => {
                assert_eq!(found, (CASH, -CASH, 1, Some("completed")), "{moment:?}");
                assert_eq!(got(screens), Gets::Now);
            }
        }
        // The card is with the customer once they took it, and is kept in every other case.
        let inside = !matches!(moment, Moment::TakeCash);
        let listed = site.book().hot_list().map(|(list, at)| (list.cards.len(), at));
        assert_eq!(kept, inside, "{moment:?}: {listed:?} {screens:?}");
        seen.insert(format!("{expected:?}"));
    }
    assert_eq!(seen.len(), 3, "{seen:?}");
}

/// The line carries requests and no answers; a terminal that began again meanwhile cannot know how far the host is.
#[test]
fn believes_a_terminal_that_began_again_behind_a_line_without_answers() {
    let folder = tempfile::tempdir().unwrap();
    let mut site = Site::new(folder.path(), &[]);
    site.world.network = Network::AnswersLost;
    site.world.kill();
    site.world.pass(300);
    assert!(!site.world.station.alarms.contains(&Alarm::NotAccepted));
    site.mend();
    assert_eq!(site.serve(&DANA, Wish::Cash(SAVINGS.0, usd(20_00))), Gets::Now);
    site.audit();
}
