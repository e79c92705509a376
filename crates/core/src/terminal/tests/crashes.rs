//! The power goes after every single output of a withdrawal and of a deposit, and the program begins anew: nothing is
//! dispensed twice, nothing is lost, and the books say what the notes say.

use super::rig::*;
use crate::money::Amount;
use crate::terminal::device::{CashInState, Event, Failure, Unit};
use crate::terminal::link::AdviceKind;
use crate::terminal::screen::{Choice, MenuItem, Screen, Sorry};
use crate::terminal::{Input, JournalFailure, StaffAction, Timer};

/// What is left of a person who stands before a machine that died: they take what they can reach.
fn after_the_crash(rig: &mut Rig, person: Person) {
    match person {
        Person::Takes => rig.take_cash(40),
        Person::TakesSome => rig.take_cash(1),
        Person::Leaves => {}
    }
    rig.start();
    rig.take_cash(40);
    if matches!(rig.screen(), Screen::TakeCard { .. }) {
        rig.elapse(Timer::Taking);
    }
    rig.host.line = Line::Up;
    rig.beat();
    rig.beat();
    assert!(matches!(rig.screen(), Screen::Welcome { .. }), "{:?} after {:?}", rig.screen(), rig.log);
    assert!(rig.entries.iter().all(|entry| record_name(&entry.record) != "escalated"));
}

#[derive(Clone, Copy, Debug)]
enum Person {
    Takes,
    TakesSome,
    Leaves,
}

fn withdraw(rig: &mut Rig) {
    rig.log_in();
    rig.order(120_00);
    rig.take_card();
    rig.take_cash(40);
}

/// Counts the outputs of a whole run.
fn outputs_of(run: impl Fn(&mut Rig)) -> usize {
    let mut rig = Rig::ready();
    let from = rig.log.len();
    run(&mut rig);
    rig.log.len() - from
}

#[test]
fn settles_a_withdrawal_cut_after_any_output() {
    let whole = outputs_of(withdraw);
    assert!(whole > 30, "{whole}");
    let mut endings = std::collections::BTreeMap::<&str, u32>::new();
    for person in [Person::Takes, Person::TakesSome, Person::Leaves] {
        for cut in 0..whole {
            let mut rig = Rig::ready();
            rig.budget = Some(cut);
            withdraw(&mut rig);
            after_the_crash(&mut rig, person);
            rig.assert_balanced();
            assert_eq!(rig.host.suspects, 0, "cut after {cut} with {person:?}: {:?}", rig.records());
            assert!(rig.dispenser.dispenses.len() <= 1, "cut after {cut}");
            for kind in &rig.host.advices {
                *endings.entry(advice_name(kind)).or_default() += 1;
            }
        }
    }
    for ending in ["completed", "reversed", "card retained"] {
        assert!(endings.contains_key(ending), "{ending} was reached: {endings:?}");
    }
}

/// A deposit until the acceptor waits for notes.
fn insert_notes(rig: &mut Rig) {
    rig.log_in();
    rig.choose(Choice::Menu(MenuItem::Deposit));
    rig.choose(Choice::Account(CHECKING));
}

fn deposit(rig: &mut Rig) {
    insert_notes(rig);
    rig.lay_in(&[(20_00, 3)], 0);
    rig.choose(Choice::Yes);
    rig.choose(Choice::No);
}

#[test]
fn settles_a_deposit_cut_after_any_output() {
    let whole = outputs_of(deposit);
    let mut stored = 0;
    for cut in 0..whole {
        let mut rig = Rig::ready();
        rig.budget = Some(cut);
        deposit(&mut rig);
        after_the_crash(&mut rig, Person::Leaves);
        assert_eq!(rig.host.cash_in, rig.stored, "cut after {cut}: {:?}", rig.records());
        let unclear = |kind: &&AdviceKind| matches!(kind, AdviceKind::DepositUnclear { .. });
        assert_eq!(rig.host.advices.iter().filter(unclear).count(), 0);
        stored += i32::from(rig.stored > 0);
    }
    assert!(stored > 3, "some cuts come after the notes are stored: {stored}");
}

/// Transaction reversal fraud: the card is held while notes lie on the stacker, and the power is cut. No money goes back
/// by itself, whether the card is still stuck at the next start or was let go when that it had been was written.
#[test]
fn gives_nothing_back_for_a_card_that_jammed_before_the_crash() {
    let mut reached = [0; 2];
    for held in [true, false] {
        let whole = outputs_of(withdraw_with_a_jam);
        for cut in 0..whole {
            let mut rig = Rig::ready();
            rig.budget = Some(cut);
            withdraw_with_a_jam(&mut rig);
            let written = rig.records().contains(&"card jammed");
            rig.faults.clear();
            if held {
                rig.fail("eject card", Failure::Jam);
            }
            rig.start();
            if matches!(rig.screen(), Screen::TakeCard { .. }) {
                rig.take_card();
            }
            rig.beat();
            rig.beat();
            rig.assert_balanced();
            let moved = !rig.dispenser.dispenses.is_empty();
            if moved && (held || written) {
                reached[usize::from(held)] += 1;
                let back = |kind: &&AdviceKind| matches!(kind, AdviceKind::Reversed { .. });
                assert_eq!(rig.host.advices.iter().filter(back).count(), 0, "cut after {cut}: {:?}", rig.records());
                assert_eq!(rig.host.suspects, 120_00, "cut after {cut}: {:?}", rig.records());
            }
        }
    }
    assert!(reached.iter().all(|count| *count > 3), "{reached:?}");
}

fn withdraw_with_a_jam(rig: &mut Rig) {
    rig.fail("eject card", Failure::Jam);
    rig.log_in();
    rig.order(120_00);
}

/// The power goes while the acceptor takes notes that nobody agreed to. Whoever laid them in may have gone: what is in
/// escrow is theirs in their account, not at the slot.
#[test]
fn settles_notes_that_were_being_taken_when_the_power_went() {
    for (state, ending, taken) in [
        (CashInState::Active, "deposited", true),
        (CashInState::Active, "dropped", false),
        (CashInState::Returned, "dropped", false),
        (CashInState::Returned, "deposit unclear", true),
        (CashInState::Unknown, "deposit unclear", true),
        (CashInState::Retracted, "deposit unclear", true),
        (CashInState::Stored, "deposit unclear", true),
    ] {
        let mut rig = Rig::ready();
        insert_notes(&mut rig);
        assert_eq!(rig.records().last(), Some(&"depositing"));
        rig.budget = Some(0);
        rig.find_cash_in(state, if taken { &[(20_00, 2)] } else { &[] });
        rig.start();
        if matches!(rig.screen(), Screen::TakeCard { .. }) {
            rig.take_card();
        }
        rig.beat();
        assert!(rig.records().contains(&ending), "{state:?}: {:?}", rig.records());
        let stored = if ending == "deposited" { 40_00 } else { 0 };
        assert_eq!((rig.stored, rig.host.balance), (stored, 1_000_00 + stored), "{state:?}");
        assert_eq!(unclear(&rig), if ending == "deposit unclear" { vec![usd(40_00)] } else { vec![] }, "{state:?}");
        assert!(matches!(rig.screen(), Screen::Welcome { .. }), "{state:?}: {:?}", rig.screen());
    }
}

/// The journal cannot say that what was left in escrow is about to be stored: it stays there until the journal can.
#[test]
fn stores_what_was_left_in_escrow_once_that_is_written() {
    let mut rig = Rig::ready();
    insert_notes(&mut rig);
    rig.budget = Some(0);
    rig.find_cash_in(CashInState::Active, &[(20_00, 2)]);
    rig.unwritable = Some(("storing", JournalFailure::DiskFull));
    rig.start();
    rig.take_card();
    rig.beat();
    assert_eq!((rig.stored, rig.count("store notes"), rig.count("return notes")), (0, 0, 0));
    assert!(matches!(rig.screen(), Screen::OutOfService { .. }), "{:?}", rig.screen());
    rig.unwritable = None;
    rig.feed(Input::Staff(StaffAction::Open));
    rig.beat();
    assert_eq!((rig.stored, rig.host.balance, rig.count("return notes")), (40_00, 1_040_00, 0), "{:?}", rig.records());
    assert!(matches!(rig.screen(), Screen::Welcome { .. }), "{:?}", rig.screen());
}

/// The acceptor goes away with notes in it, and is back when nobody may stand there any more.
#[test]
fn stores_what_an_acceptor_that_was_away_has_in_escrow() {
    let mut rig = Rig::ready();
    insert_notes(&mut rig);
    rig.find_cash_in(CashInState::Active, &[(20_00, 2)]);
    rig.report(Unit::Acceptor, Err(Failure::Lost));
    let Screen::Sorry(Sorry::Checking { .. }) = rig.screen() else { panic!("{:?}", rig.screen()) };
    assert_eq!((rig.stored, rig.host.advices.len()), (0, 0));
    rig.elapse(Timer::Device(Unit::Acceptor));
    rig.beat();
    assert_eq!((rig.stored, rig.host.balance, rig.count("return notes")), (40_00, 1_040_00, 0), "{:?}", rig.records());
}

/// Notes were given back and nobody heard of it: they may lie where nobody watches. Or they were not, twice.
#[test]
fn opens_a_case_for_notes_that_were_given_back_unheard() {
    for when in [When::Before, When::After] {
        let mut rig = Rig::ready();
        insert_notes(&mut rig);
        rig.lay_in(&[(20_00, 2)], 0);
        rig.fail_when("return notes", Failure::Lost, when);
        rig.choose(Choice::Cancel);
        rig.elapse(Timer::Device(Unit::Acceptor));
        rig.beat();
        assert!(rig.records().contains(&"deposit unclear"), "{:?}", rig.records());
        assert_eq!((rig.stored, rig.host.balance, rig.count("return notes")), (0, 1_000_00, 1));
    }
}

/// The acceptor's list says what was laid in. A hand took a note out before the rest was stored.
#[test]
fn credits_nothing_by_a_list_when_less_was_stored() {
    for left in [vec![(20_00, 1)], vec![]] {
        let mut rig = Rig::ready();
        insert_notes(&mut rig);
        rig.budget = Some(0);
        rig.find_cash_in(CashInState::Active, &[(20_00, 2)]);
        rig.left_in_escrow = Some(left.clone());
        if left.is_empty() {
            rig.fail_when("store notes", Failure::Nothing, When::After);
        }
        rig.start();
        rig.take_card();
        rig.beat();
        assert!(rig.records().contains(&"deposit unclear"), "{left:?}: {:?}", rig.records());
        assert_eq!(rig.host.balance, 1_000_00, "{left:?}");
    }
}

/// A deposit whose acceptor fails to store is given back: until the notes are at the slot.
fn fail_to_store(rig: &mut Rig) {
    rig.fail("store notes", Failure::Hardware);
    deposit(rig);
}

/// The acceptor can take no more, with notes of which it told nothing yet, and gives back what it has.
fn fail_to_take(rig: &mut Rig) {
    insert_notes(rig);
    rig.find_cash_in(CashInState::Active, &[(20_00, 3)]);
    rig.report(Unit::Acceptor, Err(Failure::Cassette));
}

fn take_back(rig: &mut Rig) {
    assert!(rig.is_dead() || *rig.screen() == Screen::TakeNotesBack, "{:?}", rig.screen());
    rig.event(Event::DepositReturnTaken);
}

fn unclear(rig: &Rig) -> Vec<Amount> {
    let amount =
        |kind: &AdviceKind| if let AdviceKind::DepositUnclear { amount, .. } = kind { Some(*amount) } else { None };
    rig.host.advices.iter().filter_map(amount).collect()
}

/// Nothing is owed once the customer has the notes of a deposit that failed, and not before: whoever finds them at the
/// slot after the power was away may be anybody.
#[test]
fn opens_a_case_for_notes_given_back_when_the_power_goes_before_they_are_taken() {
    for fail in [fail_to_store, fail_to_take] {
        let whole = outputs_of(|rig| {
            fail(rig);
            take_back(rig);
        });
        let mut reached = [0; 3];
        for cut in 0..whole {
            let mut rig = Rig::ready();
            rig.budget = Some(cut);
            fail(&mut rig);
            let given_back = rig.count("return notes") > 0;
            let taken = !rig.is_dead();
            take_back(&mut rig);
            let dropped = taken && rig.records().contains(&"dropped");
            rig.faults.clear();
            after_the_crash(&mut rig, Person::Leaves);
            let told = (unclear(&rig), rig.stored, rig.host.cash_in);
            match (given_back, dropped) {
                (true, true) => assert_eq!(told, (vec![], 0, 0), "cut after {cut}: {:?}", rig.records()),
                (true, false) => assert_eq!(told, (vec![usd(60_00)], 0, 0), "cut after {cut}: {:?}", rig.records()),
                (false, _) => assert_eq!((told.0.len(), told.1), (0, told.2), "cut after {cut}: {:?}", rig.records()),
            }
            reached[usize::from(given_back) + usize::from(given_back && dropped)] += 1;
        }
        assert!(reached.iter().all(|count| *count > 1), "{reached:?}");
    }
}

/// The record that nothing is owed follows the hand that took the notes; where none does, staff look.
#[test]
fn ends_a_deposit_that_failed_when_its_notes_are_taken_or_left() {
    for fail in [fail_to_store, fail_to_take] {
        let mut rig = Rig::ready();
        fail(&mut rig);
        assert!(!rig.records().contains(&"dropped"), "{:?}", rig.records());
        take_back(&mut rig);
        assert!(matches!(rig.screen(), Screen::Sorry(Sorry::NotCharged { .. })), "{:?}", rig.screen());
        assert_eq!((rig.records().last(), unclear(&rig).len()), (Some(&"dropped"), 0));

        let mut rig = Rig::ready();
        fail(&mut rig);
        rig.elapse(Timer::Taking);
        assert!(matches!(rig.screen(), Screen::Sorry(Sorry::Checking { .. })), "{:?}", rig.screen());
        rig.beat();
        assert_eq!((rig.records().contains(&"dropped"), unclear(&rig)), (false, vec![usd(60_00)]));
    }
}

/// What the acceptor refused and what it counted lie at one slot: only a hand that comes once the counted notes are
/// there has taken them, and one that comes before the acceptor has told of them counts.
#[test]
fn takes_a_hand_for_the_notes_that_it_can_have_taken() {
    for early in [true, false] {
        let mut rig = Rig::ready();
        insert_notes(&mut rig);
        rig.find_cash_in(CashInState::Active, &[(20_00, 3)]);
        rig.pace = Pace::Held;
        rig.report(Unit::Acceptor, Err(Failure::Cassette));
        while rig.count("return notes") == 0 || !early && rig.screen() != &Screen::TakeNotesBack {
            rig.release_in_order(0);
        }
        rig.event(Event::DepositReturnTaken);
        while !rig.pending.is_empty() {
            rig.release_in_order(0);
        }
        let waits = *rig.screen() == Screen::TakeNotesBack;
        assert_eq!((waits, rig.records().contains(&"dropped")), (early, !early), "{:?}", rig.screen());
    }
}

/// The acceptor jams with notes counted and notes not, and cannot give back what it has.
fn jam_while_taking(rig: &mut Rig) {
    insert_notes(rig);
    rig.find_cash_in(CashInState::Active, &[(20_00, 2)]);
    rig.fail("return notes", Failure::Jam);
    rig.report(Unit::Acceptor, Err(Failure::Jam));
}

/// Staff clear the jam before the program begins again, and take out what was stuck: what is left is in order, and not
/// all. Whoever laid it in gets nothing by itself but a case, from when the terminal has heard of the jam.
#[test]
fn credits_nothing_of_a_deposit_that_jammed_and_was_cleared() {
    let whole = outputs_of(jam_while_taking);
    let mut reached = [0; 3];
    for cut in 0..whole {
        let mut rig = Rig::ready();
        rig.budget = Some(cut);
        jam_while_taking(&mut rig);
        let names = ["depositing", "notes jammed", "deposit unclear"].map(|name| rig.records().contains(&name));
        rig.faults.clear();
        after_the_crash(&mut rig, Person::Leaves);
        let told = (unclear(&rig), rig.host.cash_in, rig.stored);
        match names {
            [_, true, false] => assert_eq!(told, (vec![usd(40_00)], 0, 40_00), "cut after {cut}: {:?}", rig.records()),
            [_, true, true] => assert_eq!(told, (vec![usd(40_00)], 0, 0), "cut after {cut}: {:?}", rig.records()),
            // It never heard, and nothing shows it: what is in escrow is credited.
            [true, false, _] => assert_eq!(told, (vec![], 40_00, 40_00), "cut after {cut}: {:?}", rig.records()),
            [false, ..] => assert_eq!(told, (vec![], 0, 0), "cut after {cut}: {:?}", rig.records()),
        }
        reached[usize::from(names[1]) + usize::from(names[2])] += 1;
    }
    assert!(reached.iter().all(|count| *count > 0), "{reached:?}");
}

/// A terminal that begins over a jam hears of it then. It ends again before it has settled anything, and staff clear it.
#[test]
fn credits_nothing_of_a_deposit_whose_jam_was_found_at_a_start() {
    for (failure, ending) in [(Failure::Jam, "deposit unclear"), (Failure::Hardware, "deposited")] {
        let mut rig = Rig::ready();
        insert_notes(&mut rig);
        rig.find_cash_in(CashInState::Active, &[(20_00, 2)]);
        rig.fail("probe acceptor", failure);
        rig.fail("cash-in status", Failure::Lost);
        rig.start();
        rig.start();
        rig.take_card();
        rig.beat();
        assert!(rig.records().contains(&ending), "{failure:?}: {:?}", rig.records());
        let credited = if ending == "deposited" { 40_00 } else { 0 };
        assert_eq!((rig.stored, rig.host.cash_in), (40_00, credited), "{failure:?}");
    }
}

/// Of a jam that could not be written the program still knows, and a customer who has the counted notes back may miss others.
#[test]
fn makes_a_case_of_a_jam_that_could_not_be_written_and_of_one_whose_notes_came_back() {
    for written in [true, false] {
        let mut rig = Rig::ready();
        insert_notes(&mut rig);
        rig.find_cash_in(CashInState::Active, &[(20_00, 2)]);
        rig.unwritable = (!written).then_some(("notes jammed", JournalFailure::DiskFull));
        rig.report(Unit::Acceptor, Err(Failure::Jam));
        take_back(&mut rig);
        assert!(matches!(rig.screen(), Screen::Sorry(Sorry::Checking { .. })), "{:?}", rig.screen());
        rig.feed(Input::Staff(StaffAction::Open));
        rig.elapse(Timer::Message);
        rig.choose(Choice::Cancel);
        rig.take_card();
        rig.beat();
        assert_eq!((unclear(&rig), rig.host.cash_in), (vec![usd(40_00)], 0), "{:?}", rig.records());
        assert!(!rig.records().contains(&"dropped"));
    }
}

/// An acceptor that is jammed when all was counted has nothing in it that it did not count.
#[test]
fn takes_a_jam_after_the_counting_for_no_doubt() {
    let mut rig = Rig::ready();
    insert_notes(&mut rig);
    rig.lay_in(&[(20_00, 3)], 0);
    rig.fail("probe acceptor", Failure::Jam);
    rig.event(Event::StatusChanged(Unit::Acceptor));
    rig.choose(Choice::Yes);
    rig.choose(Choice::No);
    assert_eq!((rig.stored, rig.host.cash_in, rig.records().contains(&"notes jammed")), (60_00, 60_00, false));
}
