//! ATMs as they stand in the field: host, terminals and devices are processes, and people act on the devices alone.

use std::cell::Cell;
use std::time::Duration;

use crate::support::cable::Line;
use crate::support::machine::{FILLED, Motion};
use crate::support::network::{Network, Wiring};
use crate::support::person::{Person, Takes, Wish, visit};

/// How long a visit may take.
const VISIT: Duration = Duration::from_secs(60);

#[test]
fn people_get_cash_and_pay_it_in_by_cards_keys_and_slots() {
    let mut network = Network::start(2, Wiring::Direct, Motion(0));
    let holders = [network.holder(1_000), network.holder(1_000)];
    for (wish, moves) in [(Wish::Cash(130), -130_00), (Wish::Deposit(3), 60_00)] {
        for (n, holder) in holders.iter().enumerate() {
            let before = network.balance(&holder.account);
            assert!(visit(&mut network.machines[n], Person::new(holder, wish), VISIT, |_| {}), "{wish:?}");
            network.settled(&network.machines[n], std::slice::from_ref(holder), FILLED);
            assert_eq!(network.balance(&holder.account), before + moves);
        }
    }
    network.no_cases();
    for machine in &mut network.machines {
        let said = machine.terminal.as_mut().expect("it was started").stderr();
        assert!(!said.contains("staff are wanted"), "nothing is wrong with it: {said}");
    }
}

#[test]
fn whichever_of_its_processes_is_killed_the_next_visit_is_served() {
    let mut network = Network::start(1, Wiring::Direct, Motion(0));
    let holder = network.holder(1_000);
    let kills: [fn(&mut Network); 3] = [
        |network| {
            network.machines[0].kill_terminal();
            network.machines[0].start_terminal(None);
        },
        |network| {
            network.machines[0].kill_devices();
            network.machines[0].start_devices(None);
        },
        |network| {
            network.kill_host();
            network.start_host(None);
        },
    ];
    for kill in kills {
        kill(&mut network);
        network.in_service();
        assert!(visit(&mut network.machines[0], Person::new(&holder, Wish::Cash(50)), VISIT, |_| {}));
        network.settled(&network.machines[0], std::slice::from_ref(&holder), FILLED);
    }
    assert_eq!(network.balance(&holder.account), holder.opening - 150_00);
    network.no_cases();
}

#[test]
fn an_approval_that_is_lost_on_its_way_pays_nothing_and_is_taken_back() {
    let mut network = Network::start(1, Wiring::Cabled, Motion(0));
    let holder = network.holder(1_000);
    let cable = network.machines[0].cable.take().unwrap();
    let cut = Cell::new(false);
    let person = Person::new(&holder, Wish::Cash(100)).when_shown("receipt_choice", || {
        cut.set(true);
        cable.set(Line::AnswersLost);
    });
    let served = visit(&mut network.machines[0], person, VISIT, |_| {});
    assert!(cut.get() && !served, "cut {cut:?}, served {served}");
    cable.set(Line::Up);
    network.in_service();
    network.settled(&network.machines[0], std::slice::from_ref(&holder), FILLED);
    assert_eq!(network.balance(&holder.account), holder.opening, "nothing was paid");
    network.no_cases();
    // For a moment nothing arrives, and nobody is told: the machine serves on afterwards.
    for line in [Line::Silent, Line::RequestsLost, Line::Refused] {
        cable.set(line);
        cable.set(Line::Up);
    }
    let took =
        visit(&mut network.machines[0], Person::new(&holder, Wish::Cash(50)).who_takes(Takes::Some(1)), VISIT, |_| {});
    assert!(took);
    network.settled(&network.machines[0], std::slice::from_ref(&holder), FILLED);
}
