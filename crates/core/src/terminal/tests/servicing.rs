//! Cassettes are exchanged between two visits, with nothing left to tell; and once, wherever the power goes meanwhile.

use std::collections::BTreeSet;

use super::rig::*;
use crate::terminal::device::{Bin, Failure, Filling, Unit};
use crate::terminal::link::{AdviceKind, ReplenishmentOrder};
use crate::terminal::screen::Screen;
use crate::terminal::{Input, JournalFailure, Timer};

const FULL: u32 = 80;

fn order(filling: Option<Filling>) -> Option<ReplenishmentOrder> {
    Some(ReplenishmentOrder { number: 3, filling })
}

fn filling() -> Option<Filling> {
    let emptied = BTreeSet::from([Bin::Deposit, Bin::Reject, Bin::Retract]);
    Some(Filling { cassettes: vec![Some(FULL), None], emptied })
}

/// The counters that the one advice about it names: notes out before, notes in after.
fn told(rig: &Rig) -> (u32, u32) {
    let mut told = rig.host.advices.iter().filter_map(|kind| {
        let AdviceKind::Replenished { number: 3, found, left } = kind else { return None };
        Some((found.cassettes[0].out, left.cassettes[0].initial))
    });
    let first = told.next().expect("it was told");
    assert_eq!(told.next(), None, "once");
    first
}

fn pay(rig: &mut Rig, minor: i64) {
    rig.log_in();
    rig.order(minor);
    rig.take_card();
    rig.take_cash(40);
    rig.elapse(Timer::Message);
}

#[test]
fn opens_between_visits_and_ends_when_it_is_counted() {
    let mut rig = Rig::ready();
    pay(&mut rig, 50_00);
    rig.log_in();
    rig.host.replenishment = order(None);
    rig.beat();
    assert_eq!(rig.count("start exchange"), 0, "somebody is served");
    rig.order(50_00);
    rig.take_card();
    rig.take_cash(40);
    rig.elapse(Timer::Message);
    assert_eq!(*rig.screen(), Screen::OutOfService { card_kept: false });
    assert_eq!(rig.records().last(), Some(&"replenishing, counted"));
    rig.beat();
    rig.beat();
    assert_eq!((rig.count("start exchange"), rig.count("end exchange")), (1, 0), "staff are at it");
    rig.host.replenishment = order(filling());
    rig.beat();
    assert!(matches!(rig.screen(), Screen::Welcome { .. }), "{:?}", rig.log);
    assert_eq!((rig.dispenser.filled, rig.deposits_emptied), (1, 1));
    assert_eq!(told(&rig), (2, FULL));
    assert_eq!(rig.dispenser.cassettes[1].initial, 100, "it was not opened");
    pay(&mut rig, 100_00);
    rig.assert_balanced();
}

#[test]
fn waits_until_everything_before_is_told_and_what_it_did_is_posted() {
    let mut rig = Rig::ready();
    rig.log_in();
    rig.order(50_00);
    rig.take_card();
    rig.host.replenishment = order(filling());
    rig.beat();
    rig.line(Line::Down);
    rig.take_cash(40);
    rig.elapse(Timer::Message);
    assert_eq!((rig.count("start exchange"), rig.host.advices.len()), (0, 0));
    assert_eq!(*rig.screen(), Screen::OutOfService { card_kept: false });
    rig.line(Line::Up);
    rig.beat();
    rig.beat();
    assert!(matches!(rig.screen(), Screen::Welcome { .. }), "{:?}", rig.log);
    let kinds: Vec<_> = rig.host.advices.iter().map(advice_name).collect();
    assert_eq!(kinds, ["completed", "replenished"]);
    rig.assert_balanced();
}

#[test]
fn does_not_begin_again_on_old_news() {
    let mut rig = Rig::ready();
    rig.host.replenishment = order(filling());
    rig.beat();
    assert_eq!(told(&rig), (0, FULL));
    rig.host.replenishment = order(filling());
    rig.beat();
    assert_eq!(rig.dispenser.filled, 1);
    assert!(matches!(rig.screen(), Screen::Welcome { .. }), "{:?}", rig.screen());
}

#[test]
fn goes_on_from_the_first_step_when_a_device_fails() {
    for (command, unit) in [
        ("start exchange", Unit::Dispenser),
        ("read counters", Unit::Dispenser),
        ("empty deposits", Unit::Acceptor),
        ("end exchange", Unit::Dispenser),
    ] {
        for when in [When::Before, When::After] {
            let mut rig = Rig::ready();
            pay(&mut rig, 50_00);
            rig.host.replenishment = order(filling());
            rig.fail_when(command, Failure::Sequence, when);
            rig.beat();
            assert_eq!(*rig.screen(), Screen::OutOfService { card_kept: false }, "{command} {when:?}");
            rig.elapse(Timer::Device(unit));
            assert!(matches!(rig.screen(), Screen::Welcome { .. }), "{command} {when:?}: {:?}", rig.log);
            assert_eq!(told(&rig), (1, FULL), "the counters are those of before anybody touched a note");
        }
    }
}

fn exchange(rig: &mut Rig) {
    rig.host.replenishment = order(None);
    rig.beat();
    // Somebody might be there and reach into it; the host repeats what it wants until it is told.
    if let Some(order) = &mut rig.host.replenishment {
        order.filling = filling();
    }
    rig.beat();
    rig.beat();
}

#[test]
fn is_done_once_wherever_the_power_goes() {
    let prepared = || {
        let mut rig = Rig::ready();
        pay(&mut rig, 50_00);
        rig
    };
    let mut rig = prepared();
    let from = rig.log.len();
    exchange(&mut rig);
    let whole = rig.log.len() - from;
    assert!(whole > 12, "{whole}");
    for cut in 0..whole {
        let mut rig = prepared();
        rig.budget = Some(cut);
        exchange(&mut rig);
        rig.start();
        rig.beat();
        rig.beat();
        rig.beat();
        assert!(matches!(rig.screen(), Screen::Welcome { .. }), "cut after {cut}: {:?}", rig.log);
        assert_eq!(told(&rig), (1, FULL), "cut after {cut}");
        assert!(!rig.records().contains(&"escalated"));
        pay(&mut rig, 100_00);
        rig.assert_balanced();
    }
}

#[test]
fn begins_nothing_that_it_cannot_write_down() {
    let mut rig = Rig::ready();
    rig.unwritable = Some(("replenishing", JournalFailure::DiskFull));
    rig.host.replenishment = order(filling());
    rig.beat();
    assert_eq!(rig.count("start exchange"), 0, "{:?}", rig.log);
    assert_eq!(*rig.screen(), Screen::OutOfService { card_kept: false });
    rig.unwritable = None;
    rig.feed(Input::JournalWrites);
    rig.beat();
    assert_eq!(told(&rig), (0, FULL), "{:?}", rig.log);
}
