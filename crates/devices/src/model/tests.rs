//! Every fault at every step: what the devices report and believe, against where the notes are.

use cashpoint_core::currency::Currency;
use cashpoint_core::money::Amount;
use cashpoint_core::terminal::device::{
    Answer, Command, Dispense, DispenseToken, Event, Failure, Key, Nonce, PinEntered, Report, Unit, Way,
};
use cashpoint_core::time::Timestamp;
use cashpoint_wire::dispense_token::{self, HostTokenKey, TokenNonce};
use expect_test::{expect, expect_file};
use proptest::prelude::*;
use zeroize::Zeroizing;

use super::*;

const CASSETTES: [(i64, u32); 3] = [(50_00, 100), (20_00, 100), (10_00, 100)];
const PLAN: [u32; 3] = [2, 2, 1];
const AMOUNT: i64 = 150_00;
const TRACK2: &str = "9999000012345678905=29122010000000000";

/// A machine and the host's side of its keys.
struct Rig {
    hardware: Hardware,
    now: Timestamp,
    host: HostTokenKey,
}

impl Rig {
    fn new() -> Self {
        let random: [u8; RANDOM_BYTES] = std::array::from_fn(|at| u8::try_from(at).unwrap());
        let keys = DeviceKeys::from_random(&random);
        let host = HostTokenKey::new(keys.authenticate_host.0);
        let hardware = Hardware::new(Fitting::with(Currency::EUR, &CASSETTES), keys);
        Self { hardware, now: Timestamp::EPOCH, host }
    }

    fn with(fault: Fault, step: Step) -> Self {
        let mut rig = Self::new();
        rig.hardware.arm(Armed::once(fault, step)).unwrap();
        rig
    }

    /// The last report of a command that needs nobody.
    fn run(&mut self, command: &Command) -> Report {
        let reports = self.hardware.execute(command);
        self.check();
        let unit = command.unit();
        let ends = |report: &&Report| match report {
            Report::Done(_) => true,
            Report::Failed(failed, _) => *failed == unit,
            Report::Event(_) => false,
        };
        let end = reports.iter().find(ends).unwrap_or_else(|| panic!("{command:?} waits")).clone();
        if matches!(end, Report::Failed(_, Failure::Lost)) {
            self.come_back();
        }
        end
    }

    fn person(&mut self, action: PersonAction) -> Vec<Report> {
        let reports = self.hardware.person(&action);
        self.check();
        if reports.iter().any(|report| matches!(report, Report::Failed(_, Failure::Lost))) || !self.hardware.has_power()
        {
            self.come_back();
        }
        reports
    }

    /// Starts a command, and lets a person do what it waits for.
    fn with_person(&mut self, command: &Command, actions: Vec<PersonAction>) -> Report {
        let waits = self.hardware.execute(command);
        if let Some(end) = waits.into_iter().find(|report| !matches!(report, Report::Event(_))) {
            return end;
        }
        let reports: Vec<Report> = actions.into_iter().flat_map(|action| self.person(action)).collect();
        reports
            .into_iter()
            .find(|report| !matches!(report, Report::Event(_)))
            .expect("the person did what it waited for")
    }

    fn come_back(&mut self) {
        self.now = self.now.plus_s(10);
        let reports = self.hardware.advance(self.now);
        assert!(reports.iter().any(|report| matches!(report, Report::Event(Event::Connected(_)))), "{reports:?}");
        self.check();
    }

    fn nonce(&mut self) -> Option<Nonce> {
        match self.run(&Command::FetchNonce) {
            Report::Done(Answer::Nonce(nonce)) => Some(nonce),
            Report::Done(_) | Report::Failed(..) | Report::Event(_) => None,
        }
    }

    fn token(&self, nonce: Nonce, minor: i64) -> DispenseToken {
        dispense_token::make(&self.host, &TokenNonce::from(nonce), Amount::new(minor, Currency::EUR))
    }

    fn dispense(&mut self, token: DispenseToken) -> Report {
        let amount = Amount::new(AMOUNT, Currency::EUR);
        self.run(&Command::Dispense(Dispense { notes: PLAN.to_vec(), amount, token }))
    }

    /// What must be so whatever happened.
    fn check(&self) {
        let hardware = &self.hardware;
        let census = hardware.census();
        let counters = hardware.counters();
        assert!(census.is_conserved());
        if !hardware.has_power() {
            return;
        }
        for (position, cassette) in counters.cassettes.iter().enumerate() {
            let there = census.count(Place::Cassette(position));
            assert!(
                cassette.left() <= there,
                "it never believes in more notes than there are: {counters:?} {census:?}"
            );
        }
        let count = |notes: &[(i64, u32)]| notes.iter().map(|(_, count)| count).sum::<u32>();
        assert!(count(&counters.rejected) <= census.count(Place::RejectBin), "{counters:?} {census:?}");
        assert!(count(&counters.retracted) <= census.count(Place::RetractBin), "{counters:?} {census:?}");
        if counters.way == Way::Clear {
            for place in [Place::Transport, Place::Stacker, Place::Exit] {
                assert_eq!(census.count(place), 0, "{place:?}");
            }
        }
        let copy: Hardware = serde_json::from_str(&serde_json::to_string(hardware).unwrap()).unwrap();
        assert_eq!(copy.census(), census);
        assert_eq!(copy.counters(), counters);
    }
}

fn insert_card() -> PersonAction {
    PersonAction::InsertCard(Zeroizing::new(TRACK2.to_owned()))
}

fn pin(digits: &[u8]) -> Vec<PersonAction> {
    digits.iter().map(|digit| Key::Digit(*digit)).chain([Key::Enter]).map(PersonAction::Press).collect()
}

fn notes(good: u32, worn: u32, false_ones: u32) -> PersonAction {
    let inserted = |quality, count| Inserted { denomination: 20_00, quality, count };
    PersonAction::InsertNotes(vec![
        inserted(Quality::Good, good),
        inserted(Quality::Worn, worn),
        inserted(Quality::False, false_ones),
    ])
}

/// How a command ended, in a word.
fn word(report: &Report) -> String {
    match report {
        Report::Done(Answer::Card(_)) => "Card".to_owned(),
        Report::Done(Answer::Nonce(_)) => "Nonce".to_owned(),
        Report::Done(Answer::Counters(_)) => "Counters".to_owned(),
        Report::Done(Answer::PresentStatus(status)) => format!("{:?} {:?}", status.state, status.notes),
        Report::Done(answer) => format!("{answer:?}"),
        Report::Failed(_, failure) => format!("failed {failure:?}"),
        Report::Event(event) => format!("{event:?}"),
    }
}

/// A withdrawal as a terminal would drive it, and what it does about what goes wrong; a line for each answer.
fn withdraw(rig: &mut Rig) -> Vec<String> {
    let mut lines = Vec::new();
    let mut say = |name: &str, report: &Report| lines.push(format!("{name}: {}", word(report)));
    say("card", &rig.with_person(&Command::ReadCard, vec![insert_card()]));
    say("PIN", &rig.with_person(&Command::EnterPin, pin(&[1, 2, 3, 4])));
    say("counters", &rig.run(&Command::ReadCounters));
    let Some(nonce) = rig.nonce().or_else(|| rig.nonce()) else { unreachable!("the fault is over") };
    let token = rig.token(nonce, AMOUNT);
    let dispensed = rig.dispense(token);
    say("dispense", &dispensed);
    if rig.hardware.card_reader().slot() == CardSlot::Inside {
        say("eject", &rig.run(&Command::EjectCard));
        rig.person(PersonAction::TakeCard);
    }
    if dispensed == Report::Done(Answer::Dispensed(PLAN.to_vec())) {
        say("present", &rig.run(&Command::Present));
        rig.person(PersonAction::TakeNotes);
    }
    say("status", &rig.run(&Command::PresentStatus { nonce: None }));
    if !rig.hardware.census().is_empty(Place::Exit) {
        say("retract", &rig.run(&Command::Retract));
    }
    if !rig.hardware.census().is_empty(Place::Stacker) || !rig.hardware.census().is_empty(Place::Transport) {
        say("reject", &rig.run(&Command::Reject));
    }
    say("print", &rig.run(&Command::Print(vec!["150.00 EUR".to_owned()])));
    lines
}

/// A deposit of three good, one worn and one false note, stored or given back.
fn deposit(rig: &mut Rig, then: &Command) -> Vec<String> {
    let mut lines = Vec::new();
    let mut say = |name: &str, report: &Report| lines.push(format!("{name}: {}", word(report)));
    say("start", &rig.run(&Command::StartCashIn));
    say("notes", &rig.with_person(&Command::TakeNotes, vec![notes(3, 1, 1)]));
    say("end", &rig.run(then));
    say("status", &rig.run(&Command::CashInStatus));
    lines
}

/// What the devices believe, and where the notes are.
fn belief_and_truth(hardware: &Hardware) -> String {
    let counters = hardware.counters();
    let cassettes: Vec<String> = hardware.dispenser().cassettes().iter().map(|cassette| out(&cassette.out)).collect();
    let places = hardware.census().iter().filter(|(place, _)| !matches!(place, Place::Cassette(_)));
    let places: Vec<String> = places.map(|(place, pile)| format!("{place:?} {}", pile.count())).collect();
    let word = |notes: &[(i64, u32)]| notes.iter().map(|(_, count)| count).sum::<u32>();
    format!(
        "believes: {}; rejected {}, retracted {} in {}, way {:?}\n  truth: {}",
        cassettes.join(" | "),
        word(&counters.rejected),
        word(&counters.retracted),
        counters.retract_operations,
        counters.way,
        places.join(", "),
    )
}

fn out(out: &Out) -> String {
    let Out { presented, rejected, unknown, stacked, transport } = *out;
    let buckets = [
        (presented, "presented"),
        (rejected, "rejected"),
        (unknown, "unknown"),
        (stacked, "stacked"),
        (transport, "stuck"),
    ];
    let named = buckets.iter().filter(|(count, _)| *count > 0).map(|(count, name)| format!("{count} {name}"));
    let named: Vec<String> = named.collect();
    if named.is_empty() { "none out".to_owned() } else { named.join(" ") }
}

/// One story for each pair of fault and step, told only where it differs from the story without a fault.
fn stories(base: &[(Fault, Step)], play: impl Fn(&mut Rig) -> Vec<String>) -> String {
    let begin = || {
        let mut rig = Rig::new();
        base.iter().for_each(|(fault, step)| rig.hardware.arm(Armed::once(*fault, *step)).unwrap());
        rig
    };
    let mut calm = begin();
    let usual = play(&mut calm);
    let mut text = format!("{base:?} alone\n  {}\n  {}\n", usual.join("; "), belief_and_truth(&calm.hardware));
    for fault in Fault::ALL {
        for step in Step::ALL.into_iter().filter(|step| fault.meets(*step)) {
            let mut rig = begin();
            rig.hardware.arm(Armed::once(fault, step)).unwrap();
            let lines = play(&mut rig);
            // The step did not come, or the fault stands without having an effect.
            if !rig.hardware.faults().armed().is_empty() {
                continue;
            }
            let differing: Vec<String> = lines.into_iter().filter(|line| !usual.contains(line)).collect();
            let told = if differing.is_empty() { "as usual".to_owned() } else { differing.join("; ") };
            text.push_str(&format!("{fault:?} at {step:?}\n  {told}\n  {}\n", belief_and_truth(&rig.hardware)));
        }
    }
    text
}

#[test]
fn a_withdrawal_meets_every_fault() {
    expect_file!["tests/withdrawal.txt"].assert_eq(&stories(&[], withdraw));
}

#[test]
fn notes_that_are_left_meet_every_fault() {
    let all = stories(&[(Fault::NotTaken, Step::Take)], withdraw);
    expect_file!["tests/left.txt"].assert_eq(&only(&all, &["Retract"]));
}

#[test]
fn notes_that_do_not_come_out_meet_every_fault() {
    let all = stories(&[(Fault::ShutterStuck, Step::OpenShutter)], withdraw);
    expect_file!["tests/not_out.txt"].assert_eq(&only(&all, &["Reject"]));
}

/// The stories of these steps alone, and the one without a second fault.
fn only(stories: &str, steps: &[&str]) -> String {
    let lines: Vec<&str> = stories.lines().collect();
    let told =
        |title: &str| title.ends_with("alone") || steps.iter().any(|step| title.ends_with(&format!("at {step}")));
    lines.chunks(4).filter(|story| told(story[0])).map(|story| story.join("\n") + "\n").collect()
}

#[test]
fn a_deposit_meets_every_fault() {
    expect_file!["tests/deposit.txt"].assert_eq(&stories(&[], |rig| deposit(rig, &Command::StoreNotes)));
}

#[test]
fn a_deposit_that_is_given_back_meets_every_fault() {
    expect_file!["tests/returned.txt"].assert_eq(&stories(&[], |rig| deposit(rig, &Command::ReturnNotes)));
}

#[test]
fn what_was_never_within_reach_is_never_with_the_customer() {
    for fault in Fault::ALL {
        for step in Step::ALL.into_iter().filter(|step| fault.meets(*step)) {
            let mut rig = Rig::with(fault, step);
            withdraw(&mut rig);
            let taken = rig.hardware.census().count(Place::Customer);
            if rig.hardware.dispenser().record().state == Reached::NotPresented {
                assert_eq!(taken, 0, "{fault:?} at {step:?}");
            }
        }
    }
}

#[test]
fn the_dispenser_obeys_only_tokens() {
    let mut rig = Rig::new();
    let forged = |rig: &Rig, nonce| {
        let key = HostTokenKey::new([7; 32]);
        let _ = rig;
        dispense_token::make(&key, &TokenNonce::from(nonce), Amount::new(AMOUNT, Currency::EUR))
    };
    let refused = |rig: &mut Rig, token, failure, why| {
        assert_eq!(rig.dispense(token), Report::Failed(Unit::Dispenser, failure));
        assert_eq!(rig.hardware.take_happened(), [Happening::TokenRefused(why)]);
        assert_eq!(rig.hardware.dispenser().record().state, Reached::Unknown, "the record stays as it was");
        assert_eq!(rig.hardware.counters().cassettes[0].out, 0);
    };
    use cashpoint_wire::dispense_token::TokenError;
    let early = rig.token(Nonce([1; 16]), AMOUNT);
    refused(&mut rig, DispenseToken(String::new()), Failure::Token, TokenError::Format);
    refused(&mut rig, early.clone(), Failure::NoNonce, TokenError::NoNonce);
    let nonce = rig.nonce().unwrap();
    refused(&mut rig, early, Failure::Token, TokenError::OtherNonce);
    let other = forged(&rig, nonce);
    refused(&mut rig, other, Failure::Token, TokenError::Forged);
    let little = rig.token(nonce, AMOUNT - 1);
    refused(&mut rig, little, Failure::Token, TokenError::Refused);
    let token = rig.token(nonce, AMOUNT);
    assert_eq!(rig.dispense(token.clone()), Report::Done(Answer::Dispensed(PLAN.to_vec())));
    assert_eq!(rig.hardware.dispenser().record().dispense, token.id());
    let again = rig.dispense(token.clone());
    assert_eq!(again, Report::Failed(Unit::Dispenser, Failure::Token), "a token is used up");
    let reports = rig.hardware.execute(&Command::Present);
    assert_eq!(reports, [Report::Event(Event::NonceCleared), Report::Done(Answer::Presented)]);
    assert_eq!(rig.dispense(token), Report::Failed(Unit::Dispenser, Failure::NoNonce), "and its nonce is gone");
}

#[test]
fn a_dispense_that_moved_nothing_uses_nothing_up() {
    let mut rig = Rig::with(Fault::Stall, Step::Pick);
    let nonce = rig.nonce().unwrap();
    let token = rig.token(nonce, AMOUNT);
    assert_eq!(rig.dispense(token.clone()), Report::Failed(Unit::Dispenser, Failure::Cassette));
    let larger = rig.token(nonce, 2 * AMOUNT);
    assert_eq!(rig.dispense(larger), Report::Failed(Unit::Dispenser, Failure::Token), "only the first token serves");
    assert_eq!(rig.dispense(token), Report::Done(Answer::Dispensed(PLAN.to_vec())));
}

#[test]
fn nonces_never_repeat_and_are_lost_with_the_power() {
    let mut rig = Rig::new();
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..50 {
        assert!(seen.insert(rig.nonce().unwrap()));
        let text = serde_json::to_string(&rig.hardware).unwrap();
        rig.hardware = serde_json::from_str(&text).unwrap();
        rig.hardware.power_up();
        assert_eq!(rig.hardware.dispenser().nonce(), None);
    }
    rig.nonce().unwrap();
    let old = rig.now.plus_s(i64::from(rig.hardware.fitting().nonce_s));
    assert_eq!(rig.hardware.advance(old), [Report::Event(Event::NonceCleared)]);
}

#[test]
fn it_signs_what_became_of_the_last_dispense() {
    use cashpoint_wire::present_status::{self, DeviceTokenKey, Retracted};
    let mut rig = Rig::new();
    let nonce = rig.nonce().unwrap();
    let token = rig.token(nonce, AMOUNT);
    rig.dispense(token.clone());
    rig.run(&Command::Present);
    rig.person(PersonAction::TakeSome(2));
    assert_eq!(rig.run(&Command::Retract), Report::Done(Answer::Retracted(Some(vec![(50_00, 2), (20_00, 1)]))));
    let asked = Nonce([0xAB; 16]);
    let Report::Done(Answer::PresentStatus(status)) = rig.run(&Command::PresentStatus { nonce: Some(asked) }) else {
        panic!("the device tells")
    };
    let key = DeviceTokenKey::new(rig.hardware.keys().authenticate_device.0);
    let signed = present_status::read(&key, &asked.into(), &status.token.unwrap()).unwrap();
    let euro = |minor| Amount::new(minor, Currency::EUR);
    assert_eq!(signed.dispense, token.id());
    assert_eq!((signed.lines[0].dispensed, signed.lines[0].presented), (euro(AMOUNT), Some(euro(AMOUNT))));
    assert_eq!(signed.lines[0].retracted, Retracted::Counted(euro(120_00)));
}

#[test]
fn a_pin_is_entered_corrected_and_given_up() {
    let mut rig = Rig::new();
    let enter = |rig: &mut Rig, keys: &[Key]| {
        assert_eq!(rig.hardware.execute(&Command::EnterPin), []);
        keys.iter().flat_map(|key| rig.person(PersonAction::Press(*key))).collect::<Vec<_>>()
    };
    let digit = Key::Digit;
    let keys = [digit(1), digit(2), Key::Enter, Key::Clear, digit(4), digit(3), digit(2), digit(1), Key::Enter];
    let digits = |count| Report::Event(Event::PinDigits(count));
    let reports = enter(&mut rig, &keys);
    let ended = Report::Done(Answer::Pin(PinEntered::Digits(4)));
    assert_eq!(reports, [digits(1), digits(2), digits(0), digits(1), digits(2), digits(3), digits(4), ended]);
    assert!(rig.hardware.pad().has_pin());
    let reports = enter(&mut rig, &[digit(1), Key::Cancel]);
    assert_eq!(reports, [digits(1), Report::Done(Answer::Pin(PinEntered::GivenUp))]);
    assert!(!rig.hardware.pad().has_pin());
    rig.hardware.execute(&Command::AcceptKeys);
    assert_eq!(rig.person(PersonAction::Press(Key::Function(2))), [Report::Event(Event::Key(Key::Function(2)))]);
    assert_eq!(rig.hardware.execute(&Command::Cancel(Unit::PinPad)), [Report::Done(Answer::KeysEnded)]);
}

#[test]
fn nothing_secret_is_shown_or_stored() {
    let mut rig = Rig::new();
    rig.with_person(&Command::ReadCard, vec![insert_card()]);
    rig.with_person(&Command::EnterPin, pin(&[7, 3, 9, 2, 8, 1]));
    let (shown, stored) = (format!("{:?}", rig.hardware), serde_json::to_string(&rig.hardware).unwrap());
    for text in [shown.as_str(), &stored] {
        assert!(!text.contains("9999000012345678905") && !text.contains("739281"), "{text}");
    }
    let key = data_encoding::HEXLOWER.encode(&rig.hardware.keys().authenticate_host.0);
    assert!(!shown.contains(&key) && stored.contains(&key), "keys are kept and never shown");
    assert!(rig.hardware.keys().provisioning().contains(&key));
}

#[test]
fn staff_clear_and_fill_the_machine() {
    let mut rig = Rig::with(Fault::Jam, Step::Stack);
    let nonce = rig.nonce().unwrap();
    let token = rig.token(nonce, AMOUNT);
    assert_eq!(rig.dispense(token), Report::Failed(Unit::Dispenser, Failure::Jam));
    assert_eq!(rig.run(&Command::Probe(Unit::Dispenser)), Report::Failed(Unit::Dispenser, Failure::Jam));
    let told = rig.person(PersonAction::ClearJams);
    assert_eq!(told, [Report::Event(Event::StatusChanged(Unit::Dispenser))]);
    assert_eq!(rig.run(&Command::Reject), Report::Done(Answer::Rejected));
    expect![[r#"
        believes: 2 unknown | 1 rejected 1 unknown | 1 rejected; rejected 2, retracted 0 in 0, way Clear
          truth: RejectBin 2, Staff 3"#]]
    .assert_eq(&belief_and_truth(&rig.hardware));
    rig.person(PersonAction::Replenish(vec![10, 20, 30]));
    assert_eq!(rig.hardware.census().inside(), 10 * 50_00 + 20 * 20_00 + 30 * 10_00);
    assert!(rig.hardware.counters().cassettes.iter().all(|cassette| cassette.out == 0));
}

#[derive(Clone, Debug)]
enum Move {
    Command(Command),
    Dispense,
    Person(PersonAction),
    Arm(Fault, Step),
    Later,
    Restart,
}

fn any_move() -> impl Strategy<Value = Move> {
    let command = prop::sample::select(vec![
        Command::ReadCard,
        Command::EjectCard,
        Command::RetainCard,
        Command::FetchNonce,
        Command::Present,
        Command::Reject,
        Command::Retract,
        Command::PresentStatus { nonce: None },
        Command::StartCashIn,
        Command::TakeNotes,
        Command::StoreNotes,
        Command::ReturnNotes,
        Command::CashInStatus,
        Command::Cancel(Unit::Acceptor),
    ]);
    let person = prop::sample::select(vec![
        insert_card(),
        PersonAction::TakeCard,
        PersonAction::TakeNotes,
        PersonAction::TakeSome(1),
        notes(2, 1, 0),
        PersonAction::TakeReturned,
        PersonAction::ClearJams,
    ]);
    let fault = (prop::sample::select(Fault::ALL.to_vec()), prop::sample::select(Step::ALL.to_vec()));
    prop_oneof![
        6 => command.prop_map(Move::Command),
        4 => Just(Move::Dispense),
        4 => person.prop_map(Move::Person),
        2 => fault.prop_map(|(fault, step)| Move::Arm(fault, step)),
        2 => Just(Move::Later),
        1 => Just(Move::Restart),
    ]
}

proptest! {
    #[test]
    fn no_sequence_of_commands_people_and_faults_loses_a_note(moves in prop::collection::vec(any_move(), 1..60)) {
        let mut rig = Rig::new();
        for next in moves {
            match next {
                Move::Command(command) => _ = rig.hardware.execute(&command),
                Move::Dispense => {
                    let nonce = rig.hardware.dispenser().nonce().unwrap_or(Nonce([0; 16]));
                    let amount = Amount::new(AMOUNT, Currency::EUR);
                    let token = rig.token(nonce, AMOUNT);
                    rig.hardware.execute(&Command::Dispense(Dispense { notes: PLAN.to_vec(), amount, token }));
                }
                Move::Person(action) => _ = rig.hardware.person(&action),
                Move::Arm(fault, step) => _ = rig.hardware.arm(Armed::once(fault, step)),
                Move::Later => {
                    rig.now = rig.now.plus_s(5);
                    rig.hardware.advance(rig.now);
                }
                Move::Restart => {
                    let text = serde_json::to_string(&rig.hardware).unwrap();
                    rig.hardware = serde_json::from_str(&text).unwrap();
                    rig.hardware.power_up();
                }
            }
            rig.check();
        }
    }
}
