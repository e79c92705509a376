//! People, devices, hosts and power by chance: whatever comes in whatever order, nothing panics, nothing moves money
//! without its record (the rig looks at every output), and in the end the books say what the notes say.
//!
//! A failing case prints its happenings, made as few as they can be.

use proptest::prelude::*;

use super::rig::*;
use crate::terminal::device::*;
use crate::terminal::language::Language;
use crate::terminal::link::*;
use crate::terminal::screen::{Choice, MenuItem, Screen};
use crate::terminal::settings::*;
use crate::terminal::{Input, JournalFailure, Lane, StaffAction, Timer};

/// What may happen next.
#[derive(Clone, Debug)]
enum Happening {
    /// What the machine waits for: the number picks among the ways to go on.
    Sensible(u8),
    Chosen(Choice),
    Event(Event),
    /// A device says that it is done with, or failed at, what it was never told.
    Stray(Answer),
    StrayFailure(Unit, Failure),
    StrayReply(Lane, Result<(), LinkFailure>),
    Elapsed(Timer),
    Fault(&'static str, Failure, When),
    Line(Line),
    Release(usize),
    Unwritable(&'static str),
    Staff(StaffAction),
    Hot,
    PowerCut(usize),
}

const COMMANDS: [&str; 12] = [
    "dispense",
    "present",
    "reject",
    "retract",
    "read counters",
    "present status",
    "eject card",
    "store notes",
    "return notes",
    "fetch nonce",
    "retain card",
    "online PIN block",
];

const FAILURES: [Failure; 8] = [
    Failure::Jam,
    Failure::Nothing,
    Failure::NotPresented,
    Failure::PartlyPresented,
    Failure::ShutterStuck,
    Failure::Lost,
    Failure::Hardware,
    Failure::AlreadyTaken,
];

fn happening() -> impl Strategy<Value = Happening> {
    let unit = proptest::sample::select(Unit::ALL.to_vec());
    let failure = proptest::sample::select(FAILURES.to_vec());
    let choice = prop_oneof![
        Just(Choice::Yes),
        Just(Choice::No),
        Just(Choice::Cancel),
        Just(Choice::More),
        Just(Choice::OtherAmount),
        Just(Choice::Account(CHECKING)),
        Just(Choice::Menu(MenuItem::Withdrawal)),
        Just(Choice::Menu(MenuItem::Deposit)),
        (0..=9u8).prop_map(|digit| Choice::Key(Key::Digit(digit))),
    ];
    let event = prop_oneof![
        Just(Event::CardTaken),
        Just(Event::NotesTaken),
        Just(Event::NonceCleared),
        Just(Event::DepositReturnTaken),
        Just(Event::Key(Key::Enter)),
        unit.clone().prop_map(Event::Disconnected),
        unit.clone().prop_map(Event::Connected),
        unit.clone().prop_map(Event::StatusChanged),
    ];
    let answer = prop_oneof![
        Just(Answer::Presented),
        Just(Answer::Dispensed(vec![2, 1])),
        Just(Answer::Rejected),
        Just(Answer::Retracted(None)),
        Just(Answer::CardEjected),
        Just(Answer::NotesStored(vec![(50_00, 1)])),
        Just(Answer::NotesReturned),
    ];
    let lane = prop_oneof![Just(Lane::Online), Just(Lane::Advice), Just(Lane::Heartbeat)];
    let reply = prop_oneof![Just(Ok(())), Just(Err(LinkFailure::TimedOut)), Just(Err(LinkFailure::Rejected))];
    let timer = prop_oneof![
        Just(Timer::Customer),
        Just(Timer::Taking),
        Just(Timer::Message),
        Just(Timer::Retry),
        Just(Timer::Heartbeat),
        unit.clone().prop_map(Timer::Device),
    ];
    let when = prop_oneof![Just(When::Before), Just(When::After)];
    let line = prop_oneof![Just(Line::Up), Just(Line::Down), Just(Line::Deaf)];
    let record = proptest::sample::select(vec!["intent", "approved", "dispensing", "presenting", "completed", "any"]);
    prop_oneof![
        40 => any::<u8>().prop_map(Happening::Sensible),
        12 => (0..4usize).prop_map(Happening::Release),
        4 => choice.prop_map(Happening::Chosen),
        3 => event.prop_map(Happening::Event),
        2 => answer.prop_map(Happening::Stray),
        1 => (unit, failure.clone()).prop_map(|(unit, failure)| Happening::StrayFailure(unit, failure)),
        2 => (lane, reply).prop_map(|(lane, reply)| Happening::StrayReply(lane, reply)),
        3 => timer.prop_map(Happening::Elapsed),
        2 => (proptest::sample::select(COMMANDS.to_vec()), failure, when)
            .prop_map(|(command, failure, when)| Happening::Fault(command, failure, when)),
        2 => line.prop_map(Happening::Line),
        1 => record.prop_map(Happening::Unwritable),
        1 => prop_oneof![Just(StaffAction::Close), Just(StaffAction::Open)].prop_map(Happening::Staff),
        1 => Just(Happening::Hot),
        1 => (0..12usize).prop_map(Happening::PowerCut),
    ]
}

/// Does what a person would do at this screen.
fn go_on(rig: &mut Rig, pick: u8) {
    if let Some(command) = rig.running.values().find(|command| matches!(command, Command::EnterPin)).cloned()
        && rig.pending.is_empty()
    {
        rig.pin_is_right = !pick.is_multiple_of(5);
        return rig.report(command.unit(), Ok(Answer::Pin(PinEntered::Digits(4))));
    }
    match rig.screen().clone() {
        Screen::Welcome { .. } if rig.running.get(&Unit::CardReader) == Some(&Command::ReadCard) => rig.insert_card(),
        Screen::Language => rig.choose(Choice::Language(Language::English)),
        Screen::Menu { .. } => {
            let items =
                [MenuItem::Withdrawal, MenuItem::FastCash, MenuItem::Deposit, MenuItem::Transfer, MenuItem::Balance];
            rig.choose(Choice::Menu(items[usize::from(pick) % items.len()]));
        }
        Screen::Account { accounts, .. } => rig.choose(Choice::Account(accounts[usize::from(pick) % accounts.len()].0)),
        Screen::Amount { offered, .. } => match offered.get(usize::from(pick % 3)) {
            Some(amount) => rig.choose(Choice::Amount(*amount)),
            None => rig.key_in(["120", "20", "70", "90"][usize::from(pick % 4)]),
        },
        Screen::InsertNotes { .. } if rig.running.get(&Unit::Acceptor) == Some(&Command::TakeNotes) => {
            rig.lay_in(&[(20_00, 2)], 0)
        }
        Screen::TakeCard { .. } if rig.card_inside && !pick.is_multiple_of(8) => rig.take_card(),
        Screen::TakeCash { .. } => rig.take_cash(u32::from(pick % 4)),
        Screen::TakeNotesBack => rig.event(Event::DepositReturnTaken),
        Screen::MoreTime | Screen::Confirm(_) | Screen::Counted { .. } | Screen::Balance { .. } => {
            rig.choose(Choice::Yes)
        }
        Screen::ReceiptChoice => rig.choose(if pick.is_multiple_of(2) { Choice::Yes } else { Choice::No }),
        Screen::Done(_) | Screen::Sorry(_) => rig.choose(Choice::Yes),
        Screen::Welcome { .. }
        | Screen::Pin { .. }
        | Screen::Target { .. }
        | Screen::InsertNotes { .. }
        | Screen::Wait(_)
        | Screen::Statement { .. }
        | Screen::TakeCard { .. }
        | Screen::OutOfService { .. } => rig.release(0),
    }
}

fn happen(rig: &mut Rig, happening: Happening) {
    match happening {
        Happening::Sensible(pick) => go_on(rig, pick),
        Happening::Chosen(choice) => rig.choose(choice),
        Happening::Event(event) => {
            // A line that breaks takes the answer with it.
            if let Event::Disconnected(unit) = event {
                rig.forget_answer(unit);
            }
            rig.event(event);
        }
        Happening::Stray(answer) => {
            let unit = crate::terminal::hardware::unit_of(&answer);
            if !rig.running.contains_key(&unit) {
                rig.feed(Input::Device(Report::Done(answer)));
            }
        }
        Happening::StrayFailure(unit, failure) => {
            if !rig.running.contains_key(&unit) {
                rig.feed(Input::Device(Report::Failed(unit, failure)));
            }
        }
        Happening::StrayReply(lane, reply) => {
            if !rig.pending.iter().any(|input| matches!(input, Input::Link(of, _) if *of == lane)) {
                rig.feed(Input::Link(lane, reply.map(|()| Reply::LoggedOut)));
            }
        }
        Happening::Elapsed(timer) => {
            if rig.timers.contains_key(&timer) {
                rig.elapse(timer);
            } else {
                rig.feed(Input::Elapsed(timer));
            }
        }
        Happening::Fault(command, failure, when) => rig.fail_when(command, failure, when),
        Happening::Line(line) => rig.host.line = line,
        Happening::Release(at) => rig.release_in_order(at),
        Happening::Unwritable(record) => rig.unwritable = Some((record, JournalFailure::Broken)),
        Happening::Staff(action) => rig.feed(Input::Staff(action)),
        Happening::Hot => {
            (rig.host.hot_version, rig.host.hot) = (rig.host.hot_version + 1, [CARD].into());
        }
        Happening::PowerCut(after) => {
            if after == 0 {
                rig.start();
            } else {
                rig.budget = Some(after);
            }
        }
    }
    if rig.is_dead() {
        rig.start();
    }
}

/// Faults stop, the program begins once more, and everything must come to rest.
fn heal(rig: &mut Rig) {
    (rig.pace, rig.host.line, rig.unwritable) = (Pace::AtOnce, Line::Up, None);
    rig.faults.clear();
    rig.start();
    for _ in 0..4 {
        if rig.timers.contains_key(&Timer::Taking) && matches!(rig.screen(), Screen::TakeCard { .. }) {
            rig.elapse(Timer::Taking);
        }
        rig.beat();
    }
}

fn policy(generous: u8) -> impl FnOnce(&mut Settings) {
    move |settings| {
        if generous.is_multiple_of(2) {
            settings.partition = PartitionPolicy {
                balance: OfflineBalance::Stale,
                deposit: OfflineDeposit::Store,
                transfer: OfflineTransfer::Store,
                withdrawal: OfflineWithdrawal::Limited(OfflineLimits {
                    per_card: usd(10_000_00),
                    per_outage: usd(10_000_00),
                    hot_list_age_s: 360_000,
                    lease: usd(LEASE),
                }),
            };
        }
        settings.most_errors = 50;
    }
}

/// How often runs came to what they are for.
#[derive(Debug, Default)]
struct Reached(std::cell::RefCell<std::collections::BTreeMap<String, u32>>);

impl Reached {
    fn note(&self, rig: &Rig) {
        let mut reached = self.0.borrow_mut();
        let endings = rig.host.advices.iter().map(|kind| advice_name(kind).to_owned());
        let commands = ["dispense", "present", "reject", "retract", "store notes", "return notes", "retain card"];
        let done = commands.into_iter().filter(|name| rig.count(name) > 0).map(str::to_owned);
        for name in endings.chain(done) {
            *reached.entry(name).or_default() += 1;
        }
    }
}

#[test]
fn keeps_notes_and_books_together() {
    let usual = ProptestConfig::default();
    let config = ProptestConfig { cases: usual.cases.saturating_mul(8), failure_persistence: None, ..usual };
    let mut runner = proptest::test_runner::TestRunner::new(config);
    let reached = Reached::default();
    let happenings = proptest::collection::vec(happening(), 1..250);
    let run = |(generous, held, happenings): (u8, bool, Vec<Happening>)| {
        let mut rig = Rig::with(policy(generous));
        rig.pace = if held { Pace::Held } else { Pace::AtOnce };
        for happening in happenings {
            happen(&mut rig, happening);
        }
        heal(&mut rig);
        let at_rest = matches!(rig.screen(), Screen::Welcome { .. } | Screen::OutOfService { .. });
        prop_assert!(at_rest, "{:?} {:?}", rig.screen(), rig.log);
        rig.assert_balanced();
        prop_assert!(!rig.records().contains(&"escalated"));
        reached.note(&rig);
        Ok(())
    };
    if let Err(failure) = runner.run(&(any::<u8>(), any::<bool>(), happenings), run) {
        panic!("{failure}");
    }
    let reached = reached.0.into_inner();
    let wanted = [
        "completed",
        "reversed",
        "suspect",
        "deposited",
        "offline withdrawn",
        "stored transfer",
        "offline tries",
        "card retained",
        "present",
        "reject",
        "retract",
        "store notes",
        "return notes",
    ];
    for name in wanted {
        assert!(reached.contains_key(name), "{name} was never reached: {reached:?}");
    }
    eprintln!("{reached:?}");
}
