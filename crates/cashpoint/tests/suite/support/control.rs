//! People at a machine: what they do goes through the control interface of its simulated devices.

use std::time::Duration;

use serde_json::{Value, json};

use super::deadline::Deadline;
use super::process::Process;

/// Longest that a machine may take for anything: motions of a debug build on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// The control interface of one machine's devices.
pub(crate) struct Control {
    url: String,
    agent: ureq::Agent,
}

impl Control {
    /// At this address.
    pub(crate) fn at(url: &str) -> Self {
        let agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        Self { url: url.to_owned(), agent }
    }

    /// That of a demo's machine, as the demo's log names it.
    #[track_caller]
    pub(crate) fn of_demo(demo: &Process, machine: &str) -> Self {
        let named = format!("terminal={machine} control=");
        let line = demo.logged(&named);
        Self::at(line.split_once(&named).expect("the line has it").1.trim())
    }

    /// Its address.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// How the machine stands.
    #[track_caller]
    pub(crate) fn state(&self) -> Value {
        self.agent.get(format!("{}/state", self.url)).call().unwrap().body_mut().read_json().unwrap()
    }

    /// Posts this; status and answer.
    #[track_caller]
    pub(crate) fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        let mut response = self.agent.post(format!("{}{path}", self.url)).send_json(body).unwrap();
        (response.status().as_u16(), response.body_mut().read_json().unwrap())
    }

    /// Removes all faults; how the machine stands then.
    pub(crate) fn clear_faults(&self) -> Value {
        self.agent.delete(format!("{}/faults", self.url)).call().unwrap().body_mut().read_json().unwrap()
    }

    /// Waits until the machine waits for this alone: `card`, `pin`, `keys`, `notes`.
    #[track_caller]
    pub(crate) fn wait_for(&self, what: &str) {
        let come = Deadline::after(PATIENCE).wait(|| (self.state()["waiting"] == json!([what])).then_some(()));
        come.unwrap_or_else(|| panic!("the machine does not wait for {what}: {}", self.state()));
    }

    /// A person does this as soon as the machine lets them.
    #[track_caller]
    pub(crate) fn act(&self, action: &Value) {
        let done = Deadline::after(PATIENCE).wait(|| match self.post("/person", action) {
            (200, _) => Some(()),
            (409, _) => None,
            (status, answer) => panic!("{action}: {status} {answer}"),
        });
        done.unwrap_or_else(|| panic!("the machine does not let them {action}: {}", self.state()));
    }

    /// A person presses these keys.
    #[track_caller]
    pub(crate) fn press(&self, keys: &[&str]) {
        self.act(&json!({"action": "press", "keys": keys}));
    }

    /// A whole withdrawal with this card, its PIN and an amount in whole dollars, receipt included.
    #[track_caller]
    pub(crate) fn withdraw(&self, card: &str, pin: &str, dollars: &str) {
        self.wait_for("card");
        self.act(&json!({"action": "insert_card", "track2": format!("{card}=29122010000")}));
        self.wait_for("keys");
        self.press(&["enter"]);
        self.wait_for("pin");
        let digits = |figure: &str| figure.chars().map(String::from).chain(["enter".to_owned()]).collect::<Vec<_>>();
        self.act(&json!({"action": "press", "keys": digits(pin)}));
        self.wait_for("keys");
        self.press(&["f2"]);
        self.act(&json!({"action": "press", "keys": digits(dollars)}));
        self.press(&["enter"]);
        for action in ["take_card", "take_notes", "take_receipt"] {
            self.act(&json!({ "action": action }));
        }
        self.wait_for("card");
    }

    /// Notes in each cassette, by value in minor units.
    #[track_caller]
    pub(crate) fn cassettes(&self) -> Vec<(i64, i64)> {
        let state = self.state();
        let cassettes = state["cassettes"].as_array().unwrap().iter().enumerate();
        let count = |(position, cassette): (usize, &Value)| {
            let place = format!("cassette {position}");
            let pile = state["census"].as_array().unwrap().iter().find(|pile| pile["place"] == place.as_str());
            let value = cassette["denomination_minor"].as_i64().unwrap();
            (value, pile.map_or(0, |pile| pile["value_minor"].as_i64().unwrap()) / value)
        };
        cassettes.map(count).collect()
    }
}
