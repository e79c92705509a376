//! Machines whose cable is cut, between visits and in the middle of one, under each choice about cash; and how soon what
//! staff decide is in force at a machine. Host, terminal and devices are processes.

use std::cell::Cell;
use std::time::Duration;

use serde_json::json;

use super::kill_terminal::is_soak;
use crate::support::cable::Line;
use crate::support::deadline::Deadline;
use crate::support::machine::{FILLED, Motion};
use crate::support::network::{Holder, LIMITED, NO_CASH, NOTHING, Network, SETTLING, Wiring};
use crate::support::person::{Person, Wish, visit};
use crate::support::process::Rows;

/// How long a visit may take: over a dead line each question waits for its deadline.
const VISIT: Duration = Duration::from_secs(150);

/// What a connected terminal does by then that staff decided.
const IN_FORCE: Duration = Duration::from_secs(5);

impl Network {
    /// Somebody makes a visit; whether they were served.
    #[track_caller]
    fn visited(&mut self, person: Person<'_>) -> bool {
        visit(&mut self.machines[0], person, VISIT, |_| {})
    }

    /// Waits until a screen is shown.
    #[track_caller]
    fn shows(&self, wanted: &str) {
        let shown = Deadline::after(SETTLING).wait(|| self.machines[0].screen().filter(|screen| screen == wanted));
        assert!(shown.is_some(), "{wanted} is not shown: {:?}", self.machines[0].screen());
    }
}

/// Staff choose what the machine does while it is cut off; it does so in time.
#[track_caller]
fn choose(network: &Network, choice: &str) {
    in_time(network, network.choose(&network.machines[0], choice));
}

/// What staff decided was in force after so long, in time. Two signs of life are waited for, up to four seconds of the five:
/// on a busy machine that may fail, but not again and again.
#[track_caller]
fn in_time(network: &Network, took: Duration) {
    let in_time = took <= IN_FORCE || (0..3).any(|_| network.in_force(&network.machines[0]) <= IN_FORCE);
    assert!(in_time, "it took {took:?}");
}

/// A bank with one machine at the end of a cable that can be cut, and somebody with a card.
fn connected(rows: Rows) -> (Network, Holder) {
    let network = Network::kept(rows, 1, Wiring::Cabled, Motion(0));
    let holder = network.holder(1_000);
    (network, holder)
}

#[test]
fn a_choice_is_in_force_within_five_seconds_and_holds_when_the_cable_is_cut() {
    a_choice_holds(Rows::File);
}

#[test]
fn a_choice_holds_when_the_cable_is_cut_to_a_bank_on_a_server() {
    a_choice_holds(Rows::Server);
}

fn a_choice_holds(rows: Rows) {
    let (mut network, holder) = connected(rows);
    let cable = network.machines[0].cable.take().unwrap();
    cable.set(Line::Refused);
    network.shows("out_of_service");
    cable.set(Line::Up);
    network.in_service();

    choose(&network, LIMITED);
    assert!(network.visited(Person::new(&holder, Wish::Cash(20))), "with the host");
    network.settled(&network.machines[0], std::slice::from_ref(&holder), FILLED);
    cable.set(Line::Refused);
    assert!(network.visited(Person::new(&holder, Wish::Cash(50))), "without it");
    assert!(network.visited(Person::new(&holder, Wish::Deposit(3))), "without it");
    assert_eq!(network.balance(&holder.account), holder.opening - 20_00, "the host does not know");
    cable.set(Line::Up);
    network.in_service();
    network.settled(&network.machines[0], std::slice::from_ref(&holder), FILLED);
    assert_eq!(network.balance(&holder.account), holder.opening - 20_00 - 50_00 + 60_00);

    choose(&network, NOTHING);
    cable.set(Line::Refused);
    network.shows("out_of_service");
    cable.set(Line::Up);
    network.in_service();
    network.no_cases();
    network.bank.verify_is_clean();
}

#[test]
fn a_reported_card_is_kept_within_five_seconds_even_if_the_cable_is_cut_then() {
    a_reported_card_is_kept(Rows::File);
}

#[test]
fn a_card_reported_to_a_bank_on_a_server_is_kept_even_if_the_cable_is_cut_then() {
    a_reported_card_is_kept(Rows::Server);
}

fn a_reported_card_is_kept(rows: Rows) {
    let (mut network, holder) = connected(rows);
    let cable = network.machines[0].cable.take().unwrap();
    choose(&network, LIMITED);
    assert!(network.visited(Person::new(&holder, Wish::Cash(20))));
    network.settled(&network.machines[0], std::slice::from_ref(&holder), FILLED);
    let path = format!("/api/cards/{}/report", holder.card.id);
    let answer = network.staff().ask("POST", &path).json(r#"{"reason":"stolen"}"#).send();
    assert_eq!(answer.status(), 204, "{answer}");
    in_time(&network, network.in_force(&network.machines[0]));
    cable.set(Line::Refused);
    let track2 = format!("{}=2912201", holder.card.number);
    let machine = &network.machines[0];
    // A machine that notices just now that it is alone reads no card for a moment.
    let inserts = || machine.act(&json!({"action": "insert_card", "track2": track2})).then_some(());
    assert!(Deadline::after(SETTLING).wait(inserts).is_some(), "{:?}", machine.state());
    let kept = Deadline::after(SETTLING).wait(|| (machine.state()?["card"]["retained"] == 1).then_some(()));
    assert!(kept.is_some(), "{:?}", machine.state());
    cable.set(Line::Up);
    network.in_service();
    network.settled(&network.machines[0], std::slice::from_ref(&holder), FILLED);
    assert_eq!(network.balance(&holder.account), holder.opening - 20_00);
    network.bank.verify_is_clean();
}

#[test]
fn a_cable_cut_in_mid_visit_costs_nobody_anything_whatever_the_choice() {
    a_cable_is_cut_in_mid_visit(Rows::File, &[LIMITED, NO_CASH]);
}

#[test]
fn a_cable_cut_in_mid_visit_costs_nobody_anything_where_the_bank_is_on_a_server() {
    a_cable_is_cut_in_mid_visit(Rows::Server, if is_soak() { &[LIMITED, NO_CASH] } else { &[LIMITED] });
}

fn a_cable_is_cut_in_mid_visit(rows: Rows, choices: &[&str]) {
    for choice in choices {
        let (mut network, holder) = connected(rows);
        let cable = network.machines[0].cable.take().unwrap();
        choose(&network, choice);
        assert!(network.visited(Person::new(&holder, Wish::Cash(20))));
        let mut cash = -20_00;
        for (line, at) in [
            (Line::Refused, "menu"),
            (Line::Refused, "take_card"),
            (Line::AnswersLost, "amount"),
            (Line::Silent, "receipt_choice"),
        ] {
            let cut = Cell::new(false);
            let person = Person::new(&holder, Wish::Cash(50)).when_shown(at, || {
                cut.set(true);
                cable.set(line);
            });
            let served = network.visited(person);
            cable.set(Line::Up);
            network.in_service();
            network.settled(&network.machines[0], std::slice::from_ref(&holder), FILLED);
            cash -= if served { 50_00 } else { 0 };
            let balance = network.balance(&holder.account);
            assert_eq!(balance, holder.opening + cash, "{line:?} at {at} (cut: {}), {choice}", cut.get());
        }
        network.no_cases();
        network.bank.verify_is_clean();
    }
}
