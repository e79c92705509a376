//! Visits, as scripts: what a person does, and what must be written, told and shown.

use super::rig::*;
use crate::outcome::Refusal;
use crate::terminal::Timer;
use crate::terminal::device::*;
use crate::terminal::language::Language;
use crate::terminal::link::AdviceKind;
use crate::terminal::screen::*;

/// The outputs from one on, without what only keeps time or shows.
fn since(rig: &Rig, from: usize) -> Vec<&str> {
    let quiet = ["set ", "stop ", "show ", "heartbeat", "accept keys", "cancel"];
    let lines = rig.log[from..].iter().map(String::as_str);
    lines.filter(|line| !quiet.iter().any(|quiet| line.starts_with(quiet))).collect()
}

fn why(screen: &Screen) -> &Why {
    let Screen::Sorry(Sorry::NotCharged { why, .. } | Sorry::CardKept { why, .. } | Sorry::CardRefused { why }) =
        screen
    else {
        panic!("no reason is given: {screen:?}")
    };
    why
}

#[test]
fn waits_for_a_card_once_everything_works() {
    let rig = Rig::ready();
    let Screen::Welcome { services } = rig.screen() else { panic!("{:?}", rig.screen()) };
    assert!(services.withdrawal && services.deposit && services.transfer && services.receipt);
    assert_eq!(services.host, Connection::Online);
    assert_eq!(rig.running.get(&Unit::CardReader), Some(&Command::ReadCard));
}

#[test]
fn pays_after_the_card_is_taken_and_tells_the_host() {
    let mut rig = Rig::ready();
    rig.log_in();
    assert!(matches!(rig.screen(), Screen::Menu { name, .. } if name == "Ada"), "{:?}", rig.screen());
    let from = rig.log.len();
    rig.order(120_00);
    assert_eq!(*rig.screen(), Screen::TakeCard { then: AfterCard::Cash });
    assert_eq!(
        since(&rig, from),
        ["read counters", "intent", "ask approval", "approved", "dispensing", "dispense", "eject card"]
    );
    let from = rig.log.len();
    rig.take_card();
    assert_eq!(*rig.screen(), Screen::TakeCash { amount: usd(120_00) });
    rig.take_cash(40);
    assert_eq!(
        since(&rig, from),
        [
            "presenting",
            "present",
            "read counters",
            "present status",
            "clear nonce",
            "fetch nonce",
            "completed",
            "print",
            "send advice",
            "acknowledged"
        ]
    );
    let Screen::Done(Finished::Withdrawal { amount, balance, .. }) = rig.screen() else { panic!("{:?}", rig.screen()) };
    assert_eq!((*amount, *balance), (usd(120_00), Some(usd(880_00))));
    assert!(rig.printed[0].iter().any(|line| line == "Withdrawal    $120.00"), "{:?}", rig.printed);
    rig.elapse(Timer::Message);
    assert!(matches!(rig.screen(), Screen::Welcome { .. }));
    assert_eq!(rig.dispenser.taken, 120_00);
    rig.assert_balanced();
}

#[test]
fn gives_the_card_back_after_three_wrong_pins() {
    let mut rig = Rig::ready();
    rig.host.refuse.extend([Refusal::WrongCredentials, Refusal::WrongCredentials, Refusal::WrongCredentials]);
    rig.log_in();
    let wrong = Screen::Pin { purpose: PinPurpose::Begin, digits: 0, trouble: Some(PinTrouble::Wrong) };
    assert_eq!(*rig.screen(), wrong);
    rig.enter_pin();
    rig.enter_pin();
    assert_eq!(*why(rig.screen()), Why::TooManyPins);
    rig.elapse(Timer::Message);
    assert_eq!(*rig.screen(), Screen::TakeCard { then: AfterCard::Goodbye });
    rig.take_card();
    assert!(matches!(rig.screen(), Screen::Welcome { .. }));
}

#[test]
fn does_with_a_card_what_the_host_says_of_it() {
    let check = |refusal: Refusal, kept: u32, expected: Why| {
        let mut rig = Rig::ready();
        rig.host.refuse.push_back(refusal.clone());
        rig.log_in();
        assert_eq!((why(rig.screen()), rig.cards_kept), (&expected, kept), "{refusal:?}");
    };
    check(Refusal::CardBlocked { until: None }, 0, Why::TooManyPins);
    check(Refusal::CardStolen, 1, Why::CardReported);
    check(Refusal::CardLost, 1, Why::CardReported);
    check(Refusal::CardExpired, 0, Why::Refused(Refusal::CardExpired));
}

#[test]
fn looks_at_a_card_before_it_asks_for_a_pin() {
    let mut rig = Rig::ready();
    rig.insert(OTHER_CARD, (20, 1));
    assert_eq!(*why(rig.screen()), Why::Refused(Refusal::CardExpired));

    let mut rig = Rig::ready();
    (rig.host.hot_version, rig.host.hot) = (2, [OTHER_CARD].into());
    rig.beat();
    rig.insert(OTHER_CARD, (99, 1));
    assert_eq!((why(rig.screen()), rig.cards_kept), (&Why::CardReported, 1));
    assert_eq!(advice_name(&rig.host.advices[0]), "card retained");

    let mut rig = Rig::ready();
    rig.card_inside = true;
    rig.report(Unit::CardReader, Err(Failure::Unreadable));
    assert_eq!(*rig.screen(), Screen::TakeCard { then: AfterCard::Goodbye });
    rig.take_card();
    assert!(matches!(rig.screen(), Screen::Welcome { .. }));
}

#[test]
fn asks_again_for_a_pin_that_is_too_short_and_shows_its_digits() {
    let mut rig = Rig::ready();
    rig.insert_card();
    rig.choose(Choice::Language(Language::German));
    rig.event(Event::PinDigits(3));
    assert_eq!(*rig.screen(), Screen::Pin { purpose: PinPurpose::Begin, digits: 3, trouble: None });
    rig.report(Unit::PinPad, Ok(Answer::Pin(PinEntered::Digits(3))));
    let short = Screen::Pin { purpose: PinPurpose::Begin, digits: 0, trouble: Some(PinTrouble::TooShort) };
    assert_eq!(*rig.screen(), short);
    rig.report(Unit::PinPad, Ok(Answer::Pin(PinEntered::GivenUp)));
    assert_eq!(*rig.screen(), Screen::TakeCard { then: AfterCard::Goodbye });
}

#[test]
fn offers_only_what_the_notes_can_make() {
    let mut rig = Rig::ready();
    rig.log_in();
    rig.choose(Choice::Menu(MenuItem::FastCash));
    rig.choose(Choice::Account(CHECKING));
    let Screen::Amount { offered, .. } = rig.screen() else { panic!("{:?}", rig.screen()) };
    assert_eq!(*offered, [usd(20_00), usd(40_00), usd(100_00)]);
    rig.choose(Choice::OtherAmount);
    rig.key_in("30");
    let Screen::Amount { trouble: Some(trouble), .. } = rig.screen() else { panic!("{:?}", rig.screen()) };
    assert_eq!(*trouble, AmountTrouble::NotDispensable { nearest: vec![usd(20_00), usd(40_00)] });
    rig.key_in("600");
    let Screen::Amount { trouble: Some(trouble), .. } = rig.screen() else { panic!("{:?}", rig.screen()) };
    assert_eq!(*trouble, AmountTrouble::Refused(Refusal::OverTransactionLimit { limit: usd(500_00) }));
    rig.event(Event::Key(Key::Digit(4)));
    rig.event(Event::Key(Key::Digit(0)));
    rig.event(Event::Key(Key::Enter));
    rig.event(Event::Key(Key::Function(2)));
    assert_eq!(*rig.screen(), Screen::TakeCard { then: AfterCard::Cash });
    rig.take_card();
    rig.take_cash(40);
    assert!(rig.printed.is_empty());
    rig.assert_balanced();
}

#[test]
fn asks_for_less_when_the_host_refuses_the_amount() {
    let mut rig = Rig::ready();
    rig.log_in();
    rig.host.balance = 50_00;
    rig.order(100_00);
    let Screen::Amount { trouble: Some(trouble), .. } = rig.screen() else { panic!("{:?}", rig.screen()) };
    assert_eq!(*trouble, AmountTrouble::Refused(Refusal::InsufficientFunds { available: usd(50_00) }));
    assert_eq!(rig.records().last(), Some(&"dropped"));
    assert_eq!(rig.count("dispense"), 0);
}

#[test]
fn takes_back_what_was_approved_too_late() {
    let mut rig = Rig::ready();
    rig.log_in();
    rig.host.line = Line::Deaf;
    rig.order(100_00);
    assert_eq!(*why(rig.screen()), Why::Bank);
    assert_eq!(rig.host.balance, 1_000_00, "the reversal arrived, though its answer did not");
    rig.line(Line::Up);
    rig.assert_balanced();
    assert_eq!(rig.count("dispense"), 0);
    let reversed = rig.host.advices.iter().filter(|kind| matches!(kind, AdviceKind::Reversed { .. })).count();
    assert_eq!(reversed, 1);
}

#[test]
fn keeps_a_card_that_is_left_and_the_notes_with_it() {
    let mut rig = Rig::ready();
    rig.log_in();
    rig.order(100_00);
    let from = rig.log.len();
    rig.elapse(Timer::Taking);
    assert_eq!(rig.cards_kept, 1);
    assert!(since(&rig, from).starts_with(&["card retained", "retain card"]), "{:?}", since(&rig, from));
    assert!(since(&rig, from).contains(&"reject"));
    assert_eq!(*why(rig.screen()), Why::CardNotTaken);
    rig.elapse(Timer::Message);
    assert!(matches!(rig.screen(), Screen::Welcome { .. }));
    assert_eq!((rig.host.balance, rig.count("present")), (1_000_00, 0));
    rig.assert_balanced();
}

#[test]
fn charges_only_what_was_taken() {
    let check = |taken: u32, charged: i64, shown: fn(&Screen) -> bool| {
        let mut rig = Rig::ready();
        rig.log_in();
        rig.order(120_00);
        rig.take_card();
        rig.take_cash(taken);
        rig.elapse(Timer::Taking);
        assert!(shown(rig.screen()), "{:?}", rig.screen());
        assert_eq!(rig.host.balance, 1_000_00 - charged);
        rig.assert_balanced();
    };
    check(0, 0, |screen| *why(screen) == Why::TooLong);
    let partly = |screen: &Screen| matches!(screen, Screen::Sorry(Sorry::PartlyCharged { charged, .. }) if charged.minor() == 100_00);
    check(2, 100_00, partly);
}

#[test]
fn never_presents_a_part() {
    let mut rig = Rig::ready();
    rig.dispenser.short_by = 1;
    rig.log_in();
    rig.order(120_00);
    assert_eq!(*why(rig.screen()), Why::Machine);
    assert_eq!((rig.count("present"), rig.count("reject"), rig.host.balance), (0, 1, 1_000_00));
    rig.elapse(Timer::Message);
    assert!(matches!(rig.screen(), Screen::Menu { .. }), "the card is still inside: {:?}", rig.screen());
    rig.assert_balanced();
}

#[test]
fn answers_every_failure_of_a_dispense() {
    use Failure::*;
    let all = [
        Jam,
        Nothing,
        AlreadyTaken,
        ShutterStuck,
        NotPresented,
        PartlyPresented,
        Cassette,
        NotDispensable,
        ItemsLeft,
        Token,
        NoNonce,
        NoPin,
        Key,
        PaperOut,
        Unreadable,
        TimedOut,
        Cancelled,
        Sequence,
        CashInActive,
        Hardware,
        Lost,
        Fraud,
    ];
    for command in ["dispense", "present"] {
        for when in [When::Before, When::After] {
            for failure in all {
                let mut rig = Rig::ready();
                rig.fail_when(command, failure, when);
                rig.log_in();
                rig.order(120_00);
                if command == "present" {
                    rig.take_card();
                }
                rig.take_cash(40);
                if rig.timers.contains_key(&Timer::Taking) {
                    rig.elapse(Timer::Taking);
                }
                if failure == Lost {
                    assert!(matches!(rig.screen(), Screen::Sorry(Sorry::Checking { .. })), "{:?}", rig.screen());
                    rig.event(Event::Connected(Unit::Dispenser));
                }
                let what = format!("{command} {failure:?} {when:?}: {:?}", rig.records());
                assert!(matches!(rig.screen(), Screen::Sorry(_) | Screen::Done(_)), "{what}: {:?}", rig.screen());
                assert!(rig.host.in_flight.is_empty(), "{what}");
                rig.assert_balanced();
            }
        }
    }
}

#[test]
fn gives_nothing_back_by_itself_when_the_card_jams_over_waiting_notes() {
    let mut rig = Rig::ready();
    rig.fail("eject card", Failure::Jam);
    rig.log_in();
    rig.order(120_00);
    assert!(matches!(rig.screen(), Screen::Sorry(Sorry::Checking { .. })), "{:?}", rig.screen());
    assert_eq!((rig.count("reject"), rig.count("present"), rig.host.suspects), (1, 0, 120_00));
    assert!(rig.host.advices.iter().all(|kind| !matches!(kind, AdviceKind::Reversed { .. })));
    rig.elapse(Timer::Message);
    assert_eq!(*rig.screen(), Screen::OutOfService { card_kept: true });
}

#[test]
fn keeps_the_notes_of_a_card_that_is_reported_in_between() {
    // Reported while the card is at the exit, and between two steps of the machine.
    let mut rig = Rig::ready();
    rig.log_in();
    rig.order(120_00);
    (rig.host.hot_version, rig.host.hot) = (2, [CARD].into());
    rig.beat();
    assert_eq!((rig.cards_kept, rig.count("present"), rig.host.balance), (1, 0, 1_000_00));
    assert_eq!(*why(rig.screen()), Why::CardReported);
    rig.assert_balanced();

    // After the notes are within reach it is too late.
    let mut rig = Rig::ready();
    rig.log_in();
    rig.order(120_00);
    rig.take_card();
    (rig.host.hot_version, rig.host.hot) = (2, [CARD].into());
    rig.beat();
    rig.take_cash(40);
    assert!(matches!(rig.screen(), Screen::Done(_)));
    rig.assert_balanced();
}

#[test]
fn stops_after_errors_in_a_row_until_staff_look() {
    let mut rig = Rig::ready();
    for _ in 0..3 {
        rig.fail("dispense", Failure::Cassette);
        rig.log_in();
        rig.order(120_00);
        assert_eq!(*why(rig.screen()), Why::Machine);
        rig.choose(Choice::Cancel);
        rig.take_card();
    }
    assert_eq!(*rig.screen(), Screen::OutOfService { card_kept: false });
    assert!(rig.alarms.contains(&crate::terminal::Alarm::TooManyErrors));
    rig.start();
    rig.beat();
    assert_eq!(*rig.screen(), Screen::OutOfService { card_kept: false }, "a restart does not forget it");
    rig.feed(crate::terminal::Input::Staff(crate::terminal::StaffAction::Open));
    assert!(matches!(rig.screen(), Screen::Welcome { .. }), "{:?}", rig.screen());
    rig.assert_balanced();
}

#[test]
fn asks_once_whether_more_time_is_needed() {
    let mut rig = Rig::ready();
    rig.log_in();
    rig.elapse(Timer::Customer);
    assert_eq!(*rig.screen(), Screen::MoreTime);
    rig.choose(Choice::Yes);
    assert!(matches!(rig.screen(), Screen::Menu { .. }));
    rig.elapse(Timer::Customer);
    assert_eq!(*rig.screen(), Screen::TakeCard { then: AfterCard::Goodbye });
    rig.elapse(Timer::Taking);
    assert_eq!(rig.cards_kept, 1);
    assert_eq!(*why(rig.screen()), Why::CardNotTaken);
    rig.elapse(Timer::Message);
    assert!(matches!(rig.screen(), Screen::Welcome { .. }), "{:?}", rig.screen());

    let mut rig = Rig::ready();
    rig.log_in();
    rig.elapse(Timer::Customer);
    rig.elapse(Timer::Customer);
    assert_eq!(*rig.screen(), Screen::TakeCard { then: AfterCard::Goodbye });
}

#[test]
fn tells_balances_and_entries() {
    let mut rig = Rig::ready();
    rig.log_in();
    rig.choose(Choice::Menu(MenuItem::Balance));
    rig.choose(Choice::Account(SAVINGS));
    let Screen::Balance { account, balance, freshness, .. } = rig.screen() else { panic!("{:?}", rig.screen()) };
    assert_eq!((*account, *balance, *freshness), (SAVINGS, usd(1_000_00), Freshness::Current));
    rig.choose(Choice::Yes);
    rig.choose(Choice::Menu(MenuItem::Statement));
    rig.choose(Choice::Account(CHECKING));
    assert!(matches!(rig.screen(), Screen::Statement { account: CHECKING, .. }));
    rig.choose(Choice::Cancel);
    assert_eq!(*rig.screen(), Screen::TakeCard { then: AfterCard::Goodbye });
}

#[test]
fn changes_a_pin_with_three_blocks() {
    let mut rig = Rig::ready();
    rig.log_in();
    rig.choose(Choice::Menu(MenuItem::PinChange));
    let asked = |rig: &Rig| {
        let Screen::Pin { purpose, trouble, .. } = rig.screen() else { panic!("{:?}", rig.screen()) };
        (*purpose, *trouble)
    };
    assert_eq!(asked(&rig), (PinPurpose::Current, None));
    rig.enter_pin();
    assert_eq!(asked(&rig), (PinPurpose::New, None));
    rig.enter_pin();
    assert_eq!(asked(&rig), (PinPurpose::Repeat, None));
    rig.host.refuse.push_back(Refusal::InvalidRequest { field: "repeat" });
    rig.enter_pin();
    assert_eq!(asked(&rig), (PinPurpose::New, Some(PinTrouble::Different)));
    rig.enter_pin();
    rig.host.refuse.push_back(Refusal::WrongCredentials);
    rig.enter_pin();
    assert_eq!(asked(&rig), (PinPurpose::Current, Some(PinTrouble::Wrong)));
    rig.enter_pin();
    rig.enter_pin();
    rig.enter_pin();
    assert_eq!(*rig.screen(), Screen::Done(Finished::PinChanged));
}

#[test]
fn stores_what_was_counted_and_says_that_it_is_booked() {
    let mut rig = Rig::ready();
    rig.log_in();
    rig.choose(Choice::Menu(MenuItem::Deposit));
    rig.choose(Choice::Account(CHECKING));
    assert!(matches!(rig.screen(), Screen::InsertNotes { .. }));
    rig.lay_in(&[], 2);
    let Screen::InsertNotes { refused, .. } = rig.screen() else { panic!("{:?}", rig.screen()) };
    assert_eq!(*refused, 2);
    rig.lay_in(&[(20_00, 3)], 0);
    rig.choose(Choice::More);
    rig.lay_in(&[(50_00, 1)], 0);
    let Screen::Counted { notes, amount, settled, .. } = rig.screen() else { panic!("{:?}", rig.screen()) };
    assert_eq!((notes.as_slice(), *amount, *settled), (&[(50_00, 1), (20_00, 3)][..], usd(110_00), Settled::Now));
    let from = rig.log.len();
    rig.choose(Choice::Yes);
    rig.choose(Choice::Yes);
    assert_eq!(since(&rig, from), ["storing", "store notes", "deposited", "send advice", "acknowledged", "print"]);
    let Screen::Done(Finished::Deposit { settled, .. }) = rig.screen() else { panic!("{:?}", rig.screen()) };
    assert_eq!((*settled, rig.stored, rig.host.cash_in), (Settled::Now, 110_00, 110_00));
}

#[test]
fn gives_notes_back_that_are_not_stored() {
    let check = |choice: Choice, notes: &[(i64, u32)], expected: Why| {
        let mut rig = Rig::ready();
        rig.log_in();
        rig.choose(Choice::Menu(MenuItem::Deposit));
        rig.choose(Choice::Account(CHECKING));
        rig.lay_in(notes, 0);
        if matches!(rig.screen(), Screen::Counted { .. }) {
            rig.choose(choice);
        }
        assert_eq!(*rig.screen(), Screen::TakeNotesBack);
        rig.event(Event::DepositReturnTaken);
        assert_eq!((why(rig.screen()), rig.stored), (&expected, 0));
        assert!(!rig.records().contains(&"storing"));
    };
    check(Choice::No, &[(20_00, 3)], Why::Cancelled);
    check(Choice::Cancel, &[(20_00, 3)], Why::Cancelled);
    let limit = usd(1_000_00);
    check(Choice::Yes, &[(50_00, 21)], Why::Refused(Refusal::OverDepositLimit { limit }));
}

#[test]
fn opens_a_case_for_a_deposit_that_nobody_can_tell_of() {
    let run = |failure: Failure, when: When| {
        let mut rig = Rig::ready();
        rig.fail_when("store notes", failure, when);
        rig.log_in();
        rig.choose(Choice::Menu(MenuItem::Deposit));
        rig.choose(Choice::Account(CHECKING));
        rig.lay_in(&[(20_00, 3)], 0);
        rig.choose(Choice::Yes);
        rig.choose(Choice::No);
        rig
    };
    let rig = run(Failure::Jam, When::After);
    assert!(matches!(rig.screen(), Screen::Done(Finished::Deposit { .. })), "the status tells: {:?}", rig.screen());
    assert_eq!(rig.host.cash_in, 60_00);

    let mut rig = run(Failure::Jam, When::Before);
    assert_eq!(*rig.screen(), Screen::TakeNotesBack, "still in escrow: {:?}", rig.records());
    rig.event(Event::DepositReturnTaken);
    assert_eq!((why(rig.screen()), rig.host.cash_in), (&Why::Machine, 0));

    let mut rig = run(Failure::Lost, When::After);
    assert!(matches!(rig.screen(), Screen::Sorry(Sorry::Checking { .. })), "{:?}", rig.screen());
    rig.event(Event::Connected(Unit::Acceptor));
    rig.elapse(Timer::Message);
    assert_eq!(rig.host.cash_in, 60_00);
}

#[test]
fn moves_money_once_though_answers_are_lost() {
    let mut rig = Rig::ready();
    rig.log_in();
    rig.choose(Choice::Menu(MenuItem::Transfer));
    rig.choose(Choice::Account(CHECKING));
    rig.choose(Choice::OtherAccount);
    rig.key_in("10001");
    let same = Screen::Target { typed: String::new(), trouble: Some(TargetTrouble::Refused(Refusal::SameAccount)) };
    assert_eq!(*rig.screen(), same);
    rig.key_in("12");
    let none = Screen::Target { typed: String::new(), trouble: Some(TargetTrouble::NotAnAccount) };
    assert_eq!(*rig.screen(), none);
    rig.key_in("20002");
    rig.key_in("2550");
    let target = crate::id::AccountNumber::new(20_002);
    let (source, amount, settled) = (CHECKING, usd(25_50), Settled::Now);
    assert_eq!(*rig.screen(), Screen::Confirm(Confirm::Transfer { source, target, amount, settled }));
    rig.host.line = Line::Deaf;
    rig.choose(Choice::Yes);
    rig.choose(Choice::Yes);
    assert!(matches!(rig.screen(), Screen::Sorry(Sorry::Checking { .. })), "{:?}", rig.screen());
    assert_eq!((rig.count("ask transfer"), rig.host.balance), (3, 974_50));

    let mut rig = Rig::ready();
    rig.log_in();
    rig.choose(Choice::Menu(MenuItem::Transfer));
    rig.choose(Choice::Account(CHECKING));
    rig.choose(Choice::Account(SAVINGS));
    rig.key_in("100");
    rig.choose(Choice::Yes);
    rig.choose(Choice::No);
    let Screen::Done(Finished::Transfer { balance, settled, .. }) = rig.screen() else { panic!("{:?}", rig.screen()) };
    assert_eq!((*balance, *settled), (Some(usd(999_00)), Settled::Now));
    rig.elapse(Timer::Message);
    assert!(matches!(rig.screen(), Screen::Menu { .. }));
}

#[test]
fn says_before_the_pin_what_it_cannot_do() {
    let mut rig = Rig::ready();
    rig.fail("probe", Failure::Jam);
    rig.event(Event::StatusChanged(Unit::Dispenser));
    let Screen::Welcome { services } = rig.screen() else { panic!("{:?}", rig.screen()) };
    assert!(!services.withdrawal && services.deposit);
    rig.event(Event::Connected(Unit::Dispenser));
    let Screen::Welcome { services } = rig.screen() else { panic!("{:?}", rig.screen()) };
    assert!(services.withdrawal);
    rig.event(Event::Disconnected(Unit::PinPad));
    assert_eq!(*rig.screen(), Screen::OutOfService { card_kept: false });
    rig.event(Event::Connected(Unit::PinPad));
    assert!(matches!(rig.screen(), Screen::Welcome { .. }), "{:?}", rig.screen());
}

#[test]
fn gives_the_pad_the_hosts_key_before_it_serves() {
    let mut rig = Rig::ready();
    rig.event(Event::Disconnected(Unit::PinPad));
    rig.host.offered_key = Some(KeyBlock("D0112P0AE00E0000".to_owned()));
    rig.beat();
    assert_eq!(rig.count("import PIN key"), 0, "nobody is there to take it");
    rig.host.offered_key = None;
    rig.event(Event::Connected(Unit::PinPad));
    assert_eq!(rig.count("import PIN key"), 1);
    rig.log_in();
    assert!(matches!(rig.screen(), Screen::Menu { .. }), "{:?}", rig.screen());
    let place = |name: &str| rig.log.iter().rposition(|line| line == name);
    assert!(place("import PIN key") < place("enter PIN"), "{:?}", rig.log);
}

#[test]
fn settles_what_a_lost_dispenser_did_when_it_is_back() {
    let mut rig = Rig::ready();
    rig.log_in();
    rig.order(120_00);
    rig.take_card();
    rig.event(Event::Disconnected(Unit::Dispenser));
    rig.elapse(Timer::Taking);
    assert!(matches!(rig.screen(), Screen::Sorry(Sorry::Checking { .. })), "{:?}", rig.screen());
    rig.elapse(Timer::Message);
    let Screen::Welcome { services } = rig.screen() else { panic!("{:?}", rig.screen()) };
    assert!(!services.withdrawal && !services.deposit, "nothing else moves cash until it is settled");
    rig.event(Event::Connected(Unit::Dispenser));
    assert_eq!(rig.host.balance, 1_000_00, "the notes were still there and came back");
    rig.assert_balanced();
    assert!(matches!(rig.screen(), Screen::Welcome { services } if services.withdrawal));
}

#[test]
fn pays_nothing_with_a_dispenser_that_gives_no_nonce() {
    let mut rig = Rig::new(settings());
    for _ in 0..50 {
        rig.fail("fetch nonce", Failure::Sequence);
    }
    rig.start();
    rig.beat();
    assert_eq!(rig.count("fetch nonce"), 1, "it is not asked again and again");
    let Screen::Welcome { services } = rig.screen() else { panic!("{:?}", rig.screen()) };
    assert!(!services.withdrawal && services.deposit);
    rig.faults.clear();
    rig.elapse(Timer::Device(Unit::Dispenser));
    assert!(matches!(rig.screen(), Screen::Welcome { services } if services.withdrawal));
}
