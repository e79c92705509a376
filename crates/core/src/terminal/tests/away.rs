//! Visits while the host is away, and what it has to tell when it is back.

use super::rig::*;
use crate::outcome::Refusal;
use crate::terminal::device::*;
use crate::terminal::language::Language;
use crate::terminal::link::*;
use crate::terminal::screen::*;
use crate::terminal::settings::*;
use crate::terminal::{Alarm, Input, JournalFailure, Lane, StaffAction, Timer};

const LIMITS: OfflineLimits = OfflineLimits {
    per_card: Amount::new(150_00, USD),
    per_outage: Amount::new(1_000_00, USD),
    hot_list_age_s: 3_600,
    lease: Amount::new(LEASE, USD),
};

use crate::money::Amount;

fn generous(settings: &mut Settings) {
    settings.partition = PartitionPolicy {
        balance: OfflineBalance::Stale,
        deposit: OfflineDeposit::Store,
        transfer: OfflineTransfer::Store,
        withdrawal: OfflineWithdrawal::Limited(LIMITS),
    };
}

/// A machine that has served the card, holds a lease, and has lost its host.
fn cut_off() -> Rig {
    let mut rig = Rig::with(generous);
    rig.beat();
    rig.log_in();
    rig.choose(Choice::Cancel);
    rig.take_card();
    rig.line(Line::Down);
    rig
}

#[test]
fn serves_nobody_without_a_host_if_the_policy_says_so() {
    let mut rig = Rig::ready();
    rig.line(Line::Down);
    assert_eq!(*rig.screen(), Screen::OutOfService { card_kept: false });
    rig.line(Line::Up);
    assert!(matches!(rig.screen(), Screen::Welcome { .. }));
}

#[test]
fn pays_under_the_lease_and_no_more_than_card_and_lease_allow() {
    let mut rig = cut_off();
    let Screen::Welcome { services } = rig.screen() else { panic!("{:?}", rig.screen()) };
    assert!(services.withdrawal && !services.statement && services.host == Connection::Offline);
    rig.log_in();
    rig.order(200_00);
    let Screen::Amount { trouble: Some(trouble), .. } = rig.screen() else { panic!("{:?}", rig.screen()) };
    assert_eq!(*trouble, AmountTrouble::OverOfflineLimit { limit: usd(150_00) });
    rig.key_in("100");
    rig.choose(Choice::No);
    rig.take_card();
    rig.take_cash(40);
    let Screen::Done(Finished::Withdrawal { balance, transaction, .. }) = rig.screen() else {
        panic!("{:?}", rig.screen())
    };
    assert_eq!((*balance, *transaction), (None, None));
    rig.elapse(Timer::Message);

    rig.log_in();
    rig.choose(Choice::Menu(MenuItem::FastCash));
    rig.choose(Choice::Account(CHECKING));
    let Screen::Amount { offered, .. } = rig.screen() else { panic!("{:?}", rig.screen()) };
    assert_eq!(*offered, [usd(20_00), usd(40_00)]);
    rig.choose(Choice::Amount(usd(40_00)));
    rig.choose(Choice::No);
    rig.take_card();
    rig.take_cash(40);
    rig.elapse(Timer::Message);
    assert_eq!((rig.dispenser.taken, rig.host.balance), (140_00, 1_000_00));

    let nonces = rig.count("fetch nonce");
    rig.line(Line::Up);
    assert_eq!(rig.host.balance, 860_00);
    assert!(rig.count("fetch nonce") > nonces, "a lease that was used is given up");
    rig.assert_balanced();
}

/// The host is back, but this visit began without it: what needs a session is not offered, and what does not goes on.
#[test]
fn offers_nothing_that_needs_a_session_to_whom_it_served_alone() {
    let mut rig = cut_off();
    rig.log_in();
    rig.line(Line::Up);
    rig.beat();
    let Screen::Menu { services, .. } = rig.screen() else { panic!("{:?}", rig.screen()) };
    assert_eq!(services.host, Connection::Online);
    assert!(services.withdrawal && services.deposit && services.transfer && services.balance, "{services:?}");
    assert!(!services.statement && !services.pin_change, "{services:?}");
    rig.choose(Choice::Menu(MenuItem::Statement));
    assert!(matches!(rig.screen(), Screen::Menu { .. }), "{:?}", rig.screen());
    rig.order(100_00);
    rig.take_card();
    rig.take_cash(40);
    rig.elapse(Timer::Message);
    rig.beat();
    assert_eq!((rig.dispenser.taken, rig.host.balance), (100_00, 900_00));
    rig.log_in();
    let Screen::Menu { services, .. } = rig.screen() else { panic!("{:?}", rig.screen()) };
    assert!(services.statement && services.pin_change, "{services:?}");
    rig.choose(Choice::Cancel);
    rig.take_card();
    rig.assert_balanced();
}

#[test]
fn counts_wrong_pins_before_it_compares_and_gives_nothing_after_three() {
    let mut rig = cut_off();
    rig.pin_is_right = false;
    rig.log_in();
    rig.enter_pin();
    rig.enter_pin();
    let Screen::Sorry(Sorry::CardRefused { why: Why::TooManyPins }) = rig.screen() else {
        panic!("{:?}", rig.screen())
    };
    rig.choose(Choice::Yes);
    rig.take_card();
    rig.pin_is_right = true;
    rig.insert_card();
    rig.choose(Choice::Language(Language::English));
    assert_eq!(*rig.screen(), Screen::Sorry(Sorry::CardRefused { why: Why::TooManyPins }), "the pad is not even asked");
    rig.choose(Choice::Yes);
    rig.take_card();
    rig.line(Line::Up);
    rig.beat();
    let tries = rig.host.advices.iter().filter(|kind| matches!(kind, AdviceKind::OfflineTries { .. })).count();
    assert_eq!(tries, 3);
}

#[test]
fn knows_no_card_that_it_never_served_with_the_host() {
    let mut rig = cut_off();
    rig.insert(OTHER_CARD, (99, 12));
    rig.choose(Choice::Language(Language::English));
    assert_eq!(*rig.screen(), Screen::Sorry(Sorry::CardRefused { why: Why::Bank }));
}

#[test]
fn stores_deposits_and_transfers_and_says_so() {
    let mut rig = cut_off();
    rig.log_in();
    rig.choose(Choice::Menu(MenuItem::Balance));
    rig.choose(Choice::Account(CHECKING));
    let Screen::Balance { freshness, .. } = rig.screen() else { panic!("{:?}", rig.screen()) };
    assert_eq!(*freshness, Freshness::Stale);
    rig.choose(Choice::Yes);
    rig.choose(Choice::Menu(MenuItem::Deposit));
    rig.choose(Choice::Account(CHECKING));
    rig.lay_in(&[(20_00, 2)], 0);
    rig.choose(Choice::Yes);
    rig.choose(Choice::No);
    let Screen::Done(Finished::Deposit { settled: Settled::Later, .. }) = rig.screen() else {
        panic!("{:?}", rig.screen())
    };
    rig.choose(Choice::Yes);
    rig.choose(Choice::Menu(MenuItem::Transfer));
    rig.choose(Choice::Account(CHECKING));
    rig.choose(Choice::Account(SAVINGS));
    rig.key_in("1000");
    assert!(matches!(rig.screen(), Screen::Confirm(Confirm::Transfer { settled: Settled::Later, .. })));
    rig.choose(Choice::Yes);
    rig.choose(Choice::No);
    let Screen::Done(Finished::Transfer { settled: Settled::Later, .. }) = rig.screen() else {
        panic!("{:?}", rig.screen())
    };
    rig.choose(Choice::Cancel);
    rig.take_card();
    rig.line(Line::Up);
    let told: Vec<_> = rig.host.advices.iter().map(advice_name).collect();
    assert_eq!(told, ["deposited", "stored transfer"], "in their order");
    assert_eq!(rig.host.balance, 1_030_00);
}

#[test]
fn takes_no_deposit_when_the_journal_has_its_size() {
    let mut rig = cut_off();
    rig.limit_journal(1);
    let Screen::Welcome { services } = rig.screen() else { panic!("{:?}", rig.screen()) };
    assert!(!services.deposit && !services.transfer && services.balance);
}

#[test]
fn goes_on_when_the_host_is_lost_during_a_visit() {
    let mut rig = Rig::with(generous);
    rig.beat();
    rig.log_in();
    rig.line(Line::Down);
    let Screen::Menu { services, .. } = rig.screen() else { panic!("{:?}", rig.screen()) };
    assert!(services.withdrawal && !services.statement, "the menu says what is left: {services:?}");
    rig.order(100_00);
    rig.take_card();
    rig.take_cash(40);
    assert!(matches!(rig.screen(), Screen::Done(_)), "{:?}", rig.screen());
    rig.line(Line::Up);
    rig.assert_balanced();
    assert_eq!(rig.host.balance, 900_00);
}

#[test]
fn obeys_staff_and_host() {
    let mut rig = Rig::ready();
    rig.feed(Input::Staff(StaffAction::Close));
    assert_eq!(*rig.screen(), Screen::OutOfService { card_kept: false });
    assert!(!rig.running.contains_key(&Unit::CardReader));
    rig.feed(Input::Staff(StaffAction::Open));
    assert!(matches!(rig.screen(), Screen::Welcome { .. }), "{:?}", rig.screen());
    let close = HostCommand { number: 4, kind: HostCommandKind::Close };
    rig.host.commands = vec![close.clone()];
    rig.beat();
    rig.beat();
    assert_eq!(*rig.screen(), Screen::OutOfService { card_kept: false });
    assert_eq!(rig.records().iter().filter(|record| **record == "carried out").count(), 1);
    rig.host.commands = vec![close, HostCommand { number: 5, kind: HostCommandKind::Open }];
    rig.beat();
    assert!(matches!(rig.screen(), Screen::Welcome { .. }));
}

#[test]
fn takes_new_settings_at_the_next_heartbeat() {
    let mut rig = Rig::ready();
    rig.host.settings.version = 2;
    rig.host.settings.withdrawal_limit = usd(40_00);
    rig.beat();
    rig.log_in();
    rig.choose(Choice::Menu(MenuItem::FastCash));
    rig.choose(Choice::Account(CHECKING));
    let Screen::Amount { offered, .. } = rig.screen() else { panic!("{:?}", rig.screen()) };
    assert_eq!(*offered, [usd(20_00), usd(40_00)]);
}

#[test]
fn sums_up_a_long_journal_when_nothing_waits() {
    let mut rig = Rig::with(generous);
    for _ in 0..600 {
        rig.feed(Input::Staff(StaffAction::Close));
        rig.feed(Input::Staff(StaffAction::Open));
    }
    assert!(rig.count("forget") >= 1);
    assert!(rig.entries.len() < 600, "{}", rig.entries.len());
    rig.start();
    rig.beat();
    assert!(matches!(rig.screen(), Screen::Welcome { .. }), "{:?}", rig.screen());
}

#[test]
fn ignores_an_approval_that_nobody_waits_for() {
    let mut rig = Rig::ready();
    rig.log_in();
    rig.host.line = Line::Deaf;
    rig.order(100_00);
    let late = Approved {
        id: OperationId(1 << 64 | 1),
        transaction: crate::id::TransferId::new(1),
        fee: usd(0),
        balance: usd(0),
        token: DispenseToken("F".repeat(64)),
        present_nonce: Nonce([1; 16]),
    };
    rig.feed(Input::Link(Lane::Online, Ok(Reply::Approved(Box::new(late)))));
    assert_eq!(rig.count("dispense"), 0);
}

/// What a customer reads and what the machine does when one record of a withdrawal cannot be written.
#[test]
fn does_nothing_that_rests_on_a_record_that_is_missing() {
    let check = |record: &'static str, shown: &str, dispensed: usize, presented: usize| {
        let mut rig = Rig::ready();
        rig.log_in();
        rig.unwritable = Some((record, JournalFailure::Broken));
        rig.order(120_00);
        if rig.card_inside && matches!(rig.screen(), Screen::TakeCard { .. }) {
            rig.take_card();
            rig.take_cash(40);
        }
        let screen = format!("{:?}", rig.screen());
        assert!(screen.starts_with(shown), "{record}: {screen}");
        assert_eq!((rig.count("dispense"), rig.count("present")), (dispensed, presented), "{record}");
        assert!(rig.alarms.contains(&Alarm::Journal(JournalFailure::Broken)));
        // Nothing that needs the journal until it is whole again; then what was open is settled as after a crash.
        if rig.timers.contains_key(&Timer::Message) {
            rig.elapse(Timer::Message);
        }
        if rig.card_inside {
            rig.take_card();
        }
        rig.feed(Input::JournalWrites);
        rig.beat();
        rig.beat();
        assert!(matches!(rig.screen(), Screen::Welcome { .. }), "{record}: {:?}", rig.screen());
        rig.assert_balanced();
        assert_eq!(rig.host.suspects, 0, "{record}");
    };
    check("intent", "Sorry(NotCharged", 0, 0);
    check("approved", "Sorry(NotCharged", 0, 0);
    check("dispensing", "Sorry(NotCharged", 0, 0);
    check("presenting", "Sorry(NotCharged", 1, 0);
    check("completed", "Done(Withdrawal", 1, 1);
    check("acknowledged", "Done(Withdrawal", 1, 1);
}

#[test]
fn gives_counted_notes_back_when_storing_them_cannot_be_written() {
    let mut rig = Rig::ready();
    rig.log_in();
    rig.choose(Choice::Menu(MenuItem::Deposit));
    rig.choose(Choice::Account(CHECKING));
    rig.lay_in(&[(20_00, 3)], 0);
    rig.unwritable = Some(("storing", JournalFailure::DiskFull));
    rig.choose(Choice::Yes);
    rig.choose(Choice::No);
    assert_eq!(*rig.screen(), Screen::TakeNotesBack);
    assert_eq!(rig.stored, 0);
}

/// A dispenser that was being looked at had its dispense still before it when the record failed, and obeyed later.
#[test]
fn takes_a_dispense_back_that_a_busy_device_had_not_begun() {
    let mut rig = Rig::ready();
    rig.log_in();
    rig.pace = Pace::Held;
    rig.order(120_00);
    rig.release(0);
    rig.event(Event::StatusChanged(Unit::Dispenser));
    assert!(matches!(rig.running.get(&Unit::Dispenser), Some(Command::Probe(_))), "{:?}", rig.running);
    rig.unwritable = Some(("dispensing", JournalFailure::DiskFull));
    rig.release(0);
    let Screen::Sorry(Sorry::NotCharged { .. }) = rig.screen() else { panic!("{:?}", rig.screen()) };
    rig.release(0);
    assert_eq!(rig.count("dispense"), 0);
}

fn ask_for_a_transfer(rig: &mut Rig) {
    rig.choose(Choice::Menu(MenuItem::Transfer));
    rig.choose(Choice::Account(CHECKING));
    rig.choose(Choice::Account(SAVINGS));
    rig.key_in("100");
    rig.choose(Choice::Yes);
    rig.choose(Choice::No);
}

fn stored_transfers(rig: &Rig) -> usize {
    rig.host.advices.iter().filter(|kind| matches!(kind, AdviceKind::StoredTransfer { .. })).count()
}

/// The transfer began while the host was there and no answer came: whatever the policy says, it is settled, once, and the
/// customer hears how.
#[test]
fn leaves_a_transfer_without_an_answer_to_the_host() {
    let strict: fn(&mut Settings) = |_| {};
    for (policy, first) in [(strict, "Sorry(Checking"), (generous, "Done(Transfer")] {
        for (heard, refusal) in [(true, None), (false, None), (false, Some(Refusal::AccountClosed))] {
            let mut rig = Rig::with(policy);
            rig.log_in();
            // With `heard` the host does it and the answers are lost; without, the requests are lost on their way.
            rig.host.line = Line::Deaf;
            rig.lost_on_the_way = !heard;
            ask_for_a_transfer(&mut rig);
            let shown = format!("{:?}", rig.screen());
            assert!(shown.starts_with(first), "{shown}");
            rig.host.declines.extend(refusal.clone());
            (rig.host.line, rig.lost_on_the_way) = (Line::Up, false);
            rig.beat();
            match (&refusal, rig.screen()) {
                (None, Screen::Done(Finished::Transfer { settled: Settled::Now, .. })) => {}
                (Some(refused), Screen::Target { trouble: Some(TargetTrouble::Refused(told)), .. })
                    if told == refused => {}
                (refusal, screen) => panic!("{refusal:?}: {screen:?}"),
            }
            assert_eq!(rig.host.balance, if refusal.is_some() { 1_000_00 } else { 999_00 });
            assert_eq!(stored_transfers(&rig), 1);
        }
    }
}

#[test]
fn settles_such_a_transfer_after_its_customer_has_gone() {
    let mut rig = Rig::ready();
    rig.log_in();
    rig.host.line = Line::Deaf;
    ask_for_a_transfer(&mut rig);
    rig.choose(Choice::Cancel);
    rig.take_card();
    rig.start();
    rig.line(Line::Up);
    rig.beat();
    assert_eq!((stored_transfers(&rig), rig.host.balance), (1, 999_00));
    assert!(rig.records().contains(&"acknowledged"));
}

/// The answer is lost, and before it is asked for again the session ends: the host did it and says that it serves nobody.
#[test]
fn leaves_a_transfer_to_the_host_when_its_session_has_ended_meanwhile() {
    let mut rig = Rig::ready();
    rig.log_in();
    rig.session_ends = true;
    ask_for_a_transfer(&mut rig);
    rig.beat();
    let screen = rig.screen();
    assert!(matches!(screen, Screen::Done(Finished::Transfer { settled: Settled::Now, .. })), "{screen:?}");
    assert_eq!((stored_transfers(&rig), rig.host.balance), (1, 999_00));
}

/// None of the requests left, so the host has done nothing: the policy decides as for any transfer without it.
#[test]
fn stores_no_transfer_of_which_the_host_never_heard_if_the_policy_has_none() {
    let mut rig = Rig::ready();
    rig.log_in();
    rig.host.line = Line::Down;
    ask_for_a_transfer(&mut rig);
    assert_eq!(*rig.screen(), Screen::Sorry(Sorry::NotCharged { why: Why::Bank, reference: None }));
    rig.line(Line::Up);
    assert_eq!((stored_transfers(&rig), rig.host.balance), (0, 1_000_00));
}

#[test]
fn does_not_say_that_a_transfer_was_not_made_when_that_cannot_be_written() {
    let mut rig = Rig::ready();
    rig.log_in();
    rig.host.line = Line::Deaf;
    rig.unwritable = Some(("stored transfer", JournalFailure::DiskFull));
    ask_for_a_transfer(&mut rig);
    assert!(matches!(rig.screen(), Screen::Sorry(Sorry::Checking { .. })), "{:?}", rig.screen());
}

/// More notes are asked for while the acceptor is being looked at, and the customer stops before it takes any: nobody
/// ever said that taking them had ended.
#[test]
fn stops_a_deposit_whose_acceptor_has_not_begun() {
    for (stop, shown) in [(Choice::Cancel, "TakeNotesBack"), (Choice::Yes, "Counted")] {
        let mut rig = Rig::ready();
        rig.log_in();
        rig.choose(Choice::Menu(MenuItem::Deposit));
        rig.choose(Choice::Account(CHECKING));
        rig.lay_in(&[(20_00, 3)], 0);
        rig.pace = Pace::Held;
        rig.event(Event::StatusChanged(Unit::Acceptor));
        rig.choose(Choice::More);
        rig.choose(stop);
        while !rig.pending.is_empty() {
            rig.release(0);
        }
        let screen = format!("{:?}", rig.screen());
        assert!(screen.starts_with(shown), "{screen}");
        assert_eq!(rig.running.get(&Unit::Acceptor), None);
    }
}
