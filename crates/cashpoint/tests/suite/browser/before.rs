//! Somebody before a real screen: what they do on it is done with the keyboard alone; card, PIN and notes go where they go,
//! to the devices.

use serde_json::{Value, json};

use crate::support::browser::Browser;
use crate::support::deadline::Deadline;
use crate::support::machine::{Machine, Motion};
use crate::support::network::{Holder, Network, SETTLING, Wiring};

/// Somebody before a machine's screen.
pub(super) struct Before<'a> {
    pub(super) machine: &'a Machine,
    pub(super) browser: Browser,
}

/// What a test needs of a language: its key, and what screens say in it.
pub(super) struct Said {
    pub(super) key: &'static str,
    pub(super) menu: &'static str,
    pub(super) pin: &'static str,
    pub(super) card: &'static str,
}

pub(super) const ENGLISH: Said =
    Said { key: "1", menu: "What would you like to do?", pin: "Please enter your PIN", card: "Please take your card" };

/// A bank with one machine at the end of a cable.
#[track_caller]
pub(super) fn start() -> Network {
    Network::start(1, Wiring::Cabled, Motion(0))
}

impl<'a> Before<'a> {
    #[track_caller]
    pub(super) fn of(network: &'a Network, machine: usize) -> Self {
        let machine = &network.machines[machine];
        let said = machine.terminal.as_ref().expect("it runs").logged("is at http://");
        let (_, url) = said.rsplit_once("is at http://").expect("the line has it");
        let browser = Browser::start();
        browser.open(&format!("http://{}", url.trim_end()));
        browser.shows("Please insert your card");
        Self { machine, browser }
    }

    /// Does something at the machine as soon as it lets one.
    #[track_caller]
    pub(super) fn act(&self, what: &Value) {
        let done = Deadline::after(SETTLING).wait(|| self.machine.act(what).then_some(()));
        assert!(done.is_some(), "{what}: {:?}\n{}", self.machine.state(), self.browser.text());
    }

    #[track_caller]
    pub(super) fn insert(&self, holder: &Holder) {
        self.act(&json!({"action": "insert_card", "track2": format!("{}=2912201", holder.card.number)}));
        self.browser.shows("Please choose your language");
    }

    #[track_caller]
    pub(super) fn enter_pin(&self, pin: &str) {
        let keys: Vec<String> = pin.chars().map(String::from).chain(["enter".to_owned()]).collect();
        self.waits_for("pin");
        self.act(&json!({"action": "press", "keys": keys}));
    }

    #[track_caller]
    pub(super) fn waits_for(&self, what: &str) {
        let waits = Deadline::after(SETTLING).wait(|| {
            let state = self.machine.state()?;
            state["waiting"].as_array()?.iter().any(|waiting| waiting == what).then_some(())
        });
        assert!(waits.is_some(), "nobody waits for {what}: {:?}", self.machine.state());
    }

    /// What the printer's mouth shows, once it has printed; it may do so while the last screen stands.
    #[track_caller]
    pub(super) fn receipt(&self) -> String {
        let printed = Deadline::after(SETTLING).wait(|| {
            let receipt = &self.machine.state()?["receipt"];
            (!receipt.is_null()).then(|| receipt.to_string())
        });
        printed.unwrap_or_else(|| panic!("nothing is printed: {:?}", self.machine.state()))
    }

    /// From the welcome to the menu.
    #[track_caller]
    pub(super) fn log_in(&self, holder: &Holder, said: &Said) {
        self.insert(holder);
        self.browser.press(&[said.key]);
        self.browser.shows(said.pin);
        self.enter_pin(&holder.card.pin);
        self.browser.shows(said.menu);
    }

    #[track_caller]
    pub(super) fn leave(&self, said: &Said) {
        self.browser.press(&["Escape"]);
        self.browser.shows(said.card);
        self.act(&json!({"action": "take_card"}));
        self.browser.shows("Please insert your card");
    }

    /// Chooses a line of the menu once it is offered: after a fault the dispenser is looked at first.
    #[track_caller]
    pub(super) fn choose_cash(&self, line: &str) {
        let offered = format!("return !document.querySelector('[data-line=\"{line}\"]').disabled");
        let can = Deadline::after(SETTLING).wait(|| (self.browser.run(&offered, &[]) == json!(true)).then_some(()));
        assert!(can.is_some(), "{}", self.browser.text());
        self.browser.press(&[line]);
        self.browser.shows("How much cash would you like?");
    }

    /// Asks for cash, other amount, without a receipt.
    #[track_caller]
    pub(super) fn ask_cash(&self, amount: &[&str]) {
        self.choose_cash("2");
        self.browser.press(amount);
        self.browser.press(&["Enter"]);
    }

    /// Takes card and cash, and gives what the last screen says.
    #[track_caller]
    pub(super) fn take_both(&self) -> String {
        self.browser.shows("Please take your card");
        assert!(self.browser.text().contains("Your cash follows"), "{}", self.browser.text());
        self.act(&json!({"action": "take_card"}));
        self.browser.shows("Please take your cash");
        self.act(&json!({"action": "take_notes"}));
        self.browser.shows("Thank you");
        self.browser.text()
    }

    /// The host's history, as the menu of a connected machine tells it.
    #[track_caller]
    pub(super) fn history(&self, holder: &Holder) -> String {
        self.log_in(holder, &ENGLISH);
        self.browser.press(&["6"]);
        self.browser.shows("Your last transactions");
        let said = self.browser.text();
        self.browser.press(&["2"]);
        self.browser.shows(ENGLISH.card);
        self.act(&json!({"action": "take_card"}));
        said
    }

    /// Waits until a text stands on the screen, whatever its heading; the whole of it.
    #[track_caller]
    pub(super) fn reads(&self, part: &str) -> String {
        let mut text = String::new();
        let read = Deadline::after(SETTLING).wait(|| {
            text = self.browser.text();
            text.contains(part).then_some(())
        });
        assert!(read.is_some(), "{part:?} is not to be read: {text}");
        text
    }

    /// What the browser complained of; a refused key is not one.
    #[track_caller]
    pub(super) fn is_content(&self) {
        let complaints = self.browser.complaints();
        assert!(complaints.is_empty(), "{complaints:?}");
    }
}
