//! A person at a real machine: sees the screen and what lies in the slots, presses keys, takes and feeds. Whatever is
//! killed meanwhile, they go on from what they see.

use std::time::Duration;

use serde_json::{Value, json};

use super::deadline::Deadline;
use super::machine::{Machine, value_at};
use super::network::Holder;

/// How long somebody waits for a screen that does not change before they give up.
const PATIENCE: Duration = Duration::from_secs(4);

/// What somebody came for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Wish {
    /// So many whole units of cash.
    Cash(u32),
    /// To pay in so many notes of 20.
    Deposit(u32),
}

/// What somebody takes of notes within reach.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Takes {
    /// All.
    All,
    /// So many, and leaves the rest.
    Some(u32),
}

/// What somebody else does meanwhile.
type Happening<'a> = Box<dyn FnOnce() + 'a>;

/// Somebody at a machine.
pub(crate) struct Person<'a> {
    holder: &'a Holder,
    wish: Wish,
    takes: Takes,
    /// What somebody else does when this screen is first seen, before it is answered.
    first: Option<(&'a str, Happening<'a>)>,
    inserted_card: bool,
    inserted_notes: bool,
    asked: bool,
    took: bool,
    /// The screen that was answered last, how often, and since when it has stood there.
    answered: Option<(String, Answered, Deadline)>,
    /// Since when they have stood before a machine that serves nobody and holds nothing of theirs in its slots.
    leaving: Option<Deadline>,
}

/// How often somebody answered a screen that stays.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Answered {
    /// Once: a key that is pressed as a screen comes may reach nobody.
    Once,
    /// Again.
    Again,
}

impl<'a> Person<'a> {
    pub(crate) fn new(holder: &'a Holder, wish: Wish) -> Self {
        Self {
            holder,
            wish,
            takes: Takes::All,
            first: None,
            inserted_card: false,
            inserted_notes: false,
            asked: false,
            took: false,
            answered: None,
            leaving: None,
        }
    }

    /// As one who takes no more than this.
    pub(crate) fn who_takes(self, takes: Takes) -> Self {
        Self { takes, ..self }
    }

    /// As one before whom this happens when they first see that screen: whatever they answer there comes later.
    pub(crate) fn when_shown(self, screen: &'a str, happens: impl FnOnce() + 'a) -> Self {
        Self { first: Some((screen, Box::new(happens))), ..self }
    }

    fn sees(&mut self, screen: &str) {
        if let Some((_, happens)) = self.first.take_if(|(first, _)| *first == screen) {
            happens();
        }
    }

    /// Whether they were served: got cash, or put notes in and left none of them to be taken back.
    pub(crate) fn was_served(&self) -> bool {
        match self.wish {
            Wish::Cash(_) => self.took,
            Wish::Deposit(_) => self.inserted_notes && !self.took,
        }
    }

    /// Does the next thing, if there is one; whether the visit is over.
    pub(crate) fn go_on(&mut self, machine: &Machine) -> bool {
        machine.screen().iter().for_each(|screen| self.sees(screen));
        let Some(state) = machine.state() else { return false };
        if self.take_what_lies_there(machine, &state) {
            return false;
        }
        let waits = |what: &str| state["waiting"].as_array().unwrap().iter().any(|waiting| waiting == what);
        let Some(screen) = machine.screen() else { return false };
        self.sees(&screen);
        if let Some((before, ..)) = self.answered.take_if(|(before, ..)| *before != screen) {
            self.asked |= before == "menu";
        }
        let empty = state["card"]["slot"] == "empty" && value_at(&state, "exit") == 0;
        if self.inserted_card && empty && screen == "out_of_service" {
            // Notes of theirs that are inside may still come back.
            let patience = if self.inserted_notes { PATIENCE } else { Duration::ZERO };
            return self.leaving.get_or_insert_with(|| Deadline::after(patience)).is_over();
        }
        self.leaving = None;
        if waits("card") && screen == "welcome" {
            if self.inserted_card {
                return true;
            }
            let track2 = format!("{}=2912201", self.holder.card.number);
            self.inserted_card = machine.act(&json!({"action": "insert_card", "track2": track2}));
        } else if waits("pin") && screen == "pin" {
            let digits = self.holder.card.pin.chars().map(String::from).chain(["enter".to_owned()]);
            let keys: Vec<String> = digits.collect();
            machine.act(&json!({"action": "press", "keys": keys}));
        } else if waits("notes") && screen == "insert_notes" && !self.inserted_notes {
            if let Wish::Deposit(count) = self.wish {
                let notes = json!([{"denomination_minor": 20_00, "count": count}]);
                self.inserted_notes = machine.act(&json!({"action": "insert_notes", "notes": notes}));
            }
        } else if waits("keys") {
            self.answer(machine, &screen);
        }
        false
    }

    fn take_what_lies_there(&mut self, machine: &Machine, state: &Value) -> bool {
        if state["card"]["slot"] == "exit" {
            return machine.act(&json!({"action": "take_card"}));
        }
        if value_at(state, "return slot") > 0 {
            let took = machine.act(&json!({"action": "take_returned"}));
            self.took |= took;
            return took;
        }
        if value_at(state, "exit") > 0 && state["shutter"] == "open" && !self.took {
            let count = match self.takes {
                Takes::All => json!({"action": "take_notes"}),
                Takes::Some(count) => json!({"action": "take_notes", "count": count}),
            };
            self.took = machine.act(&count);
            return self.took;
        }
        false
    }

    /// Presses what the screen asks for, and again if it stays; gives up if it then stands there for too long.
    fn answer(&mut self, machine: &Machine, screen: &str) {
        let again = match &self.answered {
            None => false,
            Some((_, _, since)) if !since.is_over() => return,
            // What was typed of an amount stands there.
            Some((_, Answered::Once, _)) if screen != "amount" => true,
            Some((_, Answered::Once | Answered::Again, _)) => {
                machine.press(&["cancel"]);
                self.answered = Some((screen.to_owned(), Answered::Again, Deadline::after(PATIENCE)));
                return;
            }
        };
        let amount;
        let keys: Vec<&str> = match (screen, self.wish) {
            ("language" | "account" | "confirm" | "counted" | "more_time", _) => vec!["f1"],
            ("menu", _) if self.asked => vec!["cancel"],
            ("menu", Wish::Cash(_)) => vec!["f2"],
            ("menu", Wish::Deposit(_)) => vec!["f3"],
            ("amount", Wish::Cash(units)) => {
                amount = format!("{units}");
                (0..amount.len()).map(|at| &amount[at..=at]).chain(["enter"]).collect()
            }
            ("receipt_choice", _) => vec!["f2"],
            ("amount" | "balance" | "statement" | "target", _) => vec!["cancel"],
            ("done" | "sorry", _) => vec!["enter"],
            _ => return,
        };
        if machine.press(&keys) {
            let times = if again { Answered::Again } else { Answered::Once };
            self.answered = Some((screen.to_owned(), times, Deadline::after(PATIENCE)));
        }
    }
}

/// Lets somebody make their whole visit; `meanwhile` is called again and again, and may kill and start what it likes.
/// Whether they were served.
#[track_caller]
pub(crate) fn visit(
    machine: &mut Machine,
    mut person: Person<'_>,
    limit: Duration,
    mut meanwhile: impl FnMut(&mut Machine),
) -> bool {
    let over = Deadline::after(limit).wait(|| {
        meanwhile(machine);
        person.go_on(machine).then_some(())
    });
    assert!(over.is_some(), "the visit at {} does not end: {:?} {:?}", machine.id, machine.screen(), machine.state());
    person.was_served()
}
