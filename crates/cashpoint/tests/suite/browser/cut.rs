//! Visits while the host cannot be reached, under each choice that staff have: what the screen says and lets one do, and
//! that the host agrees as soon as the cable is in again.

use serde_json::json;

use super::before::{Before, ENGLISH, start};
use crate::support::cable::Line;
use crate::support::deadline::Deadline;
use crate::support::machine::FILLED;
use crate::support::network::{Holder, LIMITED, NO_CASH, NOTHING, Network, SETTLING};

/// A bank with one machine that does this while it is cut off, and somebody who was there before.
#[track_caller]
fn served_once(network: Network, choice: &str) -> (Network, Holder) {
    let holder = network.holder(1_000);
    network.choose(&network.machines[0], choice);
    let before = Before::of(&network, 0);
    before.log_in(&holder, &ENGLISH);
    before.leave(&ENGLISH);
    drop(before);
    (network, holder)
}

impl Before<'_> {
    fn cable(&self, line: Line) {
        self.machine.cable.as_ref().unwrap().set(line);
    }

    /// Puts the cable in again, and waits until the machine says that it can do everything.
    #[track_caller]
    fn connect(&self) {
        self.cable(Line::Up);
        let whole = Deadline::after(SETTLING).wait(|| {
            let text = self.browser.text();
            (text.contains("Please insert your card") && !text.contains("Not available today")).then_some(())
        });
        assert!(whole.is_some(), "{}", self.browser.text());
    }

    /// Which lines of the menu can be chosen, from the first one on.
    #[track_caller]
    fn offered(&self) -> Vec<bool> {
        let script = "return [...document.querySelectorAll('[data-line]')].map((line) => !line.disabled)";
        serde_json::from_value(self.browser.run(script, &[])).unwrap()
    }
}

#[test]
fn a_machine_that_does_nothing_alone_says_so_in_every_language_until_it_is_connected() {
    let (network, holder) = served_once(start(), NOTHING);
    let before = Before::of(&network, 0);
    before.cable(Line::Refused);
    before.browser.shows("This machine is out of service");
    let said = before.browser.text();
    for part in ["Please use another machine.", "außer Betrieb", "fuera de servicio", "خارج الخدمة"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    before.connect();
    before.log_in(&holder, &ENGLISH);
    before.leave(&ENGLISH);
    assert_eq!(network.balance(&holder.account), holder.opening);
    before.is_content();
}

#[test]
fn notes_and_transfers_are_taken_without_the_host_and_are_in_its_history_afterwards() {
    let (network, holder) = served_once(start(), NO_CASH);
    let other = network.holder(10);
    let before = Before::of(&network, 0);
    before.cable(Line::Refused);
    before.reads("Not available today: cash, last transactions, PIN change");
    before.log_in(&holder, &ENGLISH);
    assert_eq!(before.offered(), [false, false, true, true, true, false, false]);
    before.browser.press(&["5"]);
    before.browser.shows("Your balance");
    let said = before.browser.text();
    assert!(said.contains("$1,000.00") && said.contains("Last known balance, of "), "{said}");
    before.browser.press(&["1"]);
    before.browser.shows(ENGLISH.menu);

    before.browser.press(&["3"]);
    before.browser.shows("Please insert your notes");
    before.waits_for("notes");
    let notes = json!([{"denomination_minor": 20_00, "count": 3}]);
    before.act(&json!({"action": "insert_notes", "notes": notes}));
    before.browser.shows("We counted your notes");
    assert!(before.browser.text().contains("your bank credits them as soon as it can"), "{}", before.browser.text());
    before.browser.press(&["1"]);
    before.browser.shows("Would you like a receipt?");
    before.browser.press(&["2"]);
    before.browser.shows("Your notes are paid in");
    assert!(before.browser.text().contains("The machine has your $60.00."), "{}", before.browser.text());
    before.browser.press(&["1"]);
    before.browser.shows(ENGLISH.menu);

    before.browser.press(&["4"]);
    before.browser.shows("To which account number?");
    let digits: Vec<String> = other.account.chars().map(String::from).collect();
    before.browser.press(&digits.iter().map(String::as_str).collect::<Vec<_>>());
    before.browser.press(&["Enter"]);
    before.browser.shows("How much do you want to send?");
    before.browser.press(&["1", "2", "3", "4", "Enter"]);
    before.browser.shows("Is this right?");
    assert!(before.browser.text().contains("It may still be refused"), "{}", before.browser.text());
    before.browser.press(&["1"]);
    before.browser.shows("Would you like a receipt?");
    before.browser.press(&["2"]);
    before.browser.shows("Your transfer is noted");
    before.browser.press(&["Enter"]);
    before.browser.shows(ENGLISH.menu);
    before.leave(&ENGLISH);
    assert_eq!(network.balance(&holder.account), holder.opening, "the host does not know");

    before.connect();
    network.settled(before.machine, &[holder.clone(), other.clone()], FILLED);
    assert_eq!((network.balance(&holder.account), network.balance(&other.account)), (1_047_66, 22_34));
    let said = before.history(&holder);
    assert!(said.contains("$60.00") && said.contains("-$12.34") && said.contains("$1,047.66"), "{said}");
    network.no_cases();
    before.is_content();
}

#[test]
fn cash_is_paid_without_the_host_up_to_what_it_gave_leave_for() {
    let (network, holder) = served_once(start(), LIMITED);
    let before = Before::of(&network, 0);
    before.cable(Line::Refused);
    before.reads("Not available today: last transactions, PIN change");
    before.log_in(&holder, &ENGLISH);
    before.ask_cash(&["3", "5", "0"]);
    before.reads("This machine can pay you at most $300.00 now.");
    before.browser.press(&["5", "0", "Enter"]);
    before.browser.shows("Would you like a receipt?");
    before.browser.press(&["2"]);
    let said = before.take_both();
    assert!(said.contains("You took $50.00.") && !said.contains("Your new balance"), "{said}");
    assert_eq!(network.balance(&holder.account), holder.opening, "the host does not know");

    before.connect();
    network.settled(before.machine, std::slice::from_ref(&holder), FILLED);
    assert_eq!(network.balance(&holder.account), 950_00);
    let said = before.history(&holder);
    assert!(said.contains("-$50.00") && said.contains("$950.00"), "{said}");
    network.no_cases();
    before.is_content();
}

#[test]
fn without_leave_from_the_host_no_cash_is_paid_and_the_rest_goes_on() {
    let network = start();
    // Less than one machine's leave, so none has any.
    network.staff().set_policies(r#""offline_fleet_limit":399.99"#);
    let (network, holder) = served_once(network, LIMITED);
    let before = Before::of(&network, 0);
    before.cable(Line::Refused);
    before.reads("Not available today: cash, last transactions, PIN change");
    before.log_in(&holder, &ENGLISH);
    assert_eq!(before.offered(), [false, false, true, true, true, false, false]);
    before.leave(&ENGLISH);
    before.connect();
    before.log_in(&holder, &ENGLISH);
    before.ask_cash(&["5", "0"]);
    before.browser.shows("Would you like a receipt?");
    before.browser.press(&["2"]);
    assert!(before.take_both().contains("Your new balance: $950.00"));
    network.settled(before.machine, std::slice::from_ref(&holder), FILLED);
    before.is_content();
}
