//! What a pressed button asks for, and doing it.

use cashpoint_bank::sandbox::PEOPLE;
use cashpoint_devices::model::{Armed, Fault, Inserted, Lasts, PersonAction, Quality, Step};
use cashpoint_devices::server::{NotDone, key};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use zeroize::Zeroizing;

use crate::machines::{Plug, Switch, Switched};

/// What play cards say behind their number: valid to the end of 2029.
const REST_OF_TRACK_2: &str = "=29122010000";

/// The most notes of a kind that are put in at once; the escrow holds fewer.
const MOST_NOTES: u32 = 500;

/// What a form asks for.
pub(super) enum Act {
    /// Something at the devices.
    Person(PersonAction),
    /// A fault.
    Arm(Armed),
    /// No faults any more.
    ClearFaults,
    /// The network cable.
    Cable(Plug),
    /// The power switch.
    Power(Switch),
}

/// Why nothing was done.
#[derive(Debug)]
pub(super) enum Refused {
    /// The devices do not let one, or are gone.
    Devices(NotDone),
    /// The machine does not start.
    Power(anyhow::Error),
}

impl From<NotDone> for Refused {
    fn from(why: NotDone) -> Self {
        Self::Devices(why)
    }
}

/// A form's field, as it came: nothing that this page sends needs an escape, so an escaped one is not ours.
type Field<'a> = (&'a str, &'a str);

impl Act {
    /// Reads a form; none: it is no form of this page.
    pub(super) fn read(fields: &[Field<'_>]) -> Option<Self> {
        let field = |name: &str| {
            let mut found = fields.iter().filter(|(field, _)| *field == name).map(|(_, value)| *value);
            found.next().filter(|_| found.next().is_none())
        };
        let person = |action| Some(Self::Person(action));
        match field("act")? {
            "insert-card" => person(PersonAction::InsertCard(card(field("card")?)?)),
            "take-card" => person(PersonAction::TakeCard),
            "press" => person(PersonAction::Press(key(field("key")?)?)),
            "take-notes" => person(match field("count") {
                None => PersonAction::TakeNotes,
                Some(count) => PersonAction::TakeSome(count.parse().ok()?),
            }),
            "insert-notes" => person(PersonAction::InsertNotes(inserted(fields)?)),
            "take-returned" => person(PersonAction::TakeReturned),
            "take-receipt" => person(PersonAction::TakeReceipt),
            "clear-jams" => person(PersonAction::ClearJams),
            "fault" => {
                let (fault, step) = field("fault")?.split_once('.')?;
                let (fault, step): (Fault, Step) = (named(fault)?, named(step)?);
                let (lasts, cassette): (Lasts, usize) = (named(field("lasts")?)?, field("cassette")?.parse().ok()?);
                Some(Self::Arm(Armed { fault, step, lasts, cassette })).filter(|_| fault.meets(step))
            }
            "clear-faults" => Some(Self::ClearFaults),
            "cable" => Some(Self::Cable(match field("plug")? {
                "in" => Plug::In,
                "out" => Plug::Out,
                _ => return None,
            })),
            "power" => Some(Self::Power(match field("switch")? {
                "on" => Switch::On,
                "off" => Switch::Off,
                _ => return None,
            })),
            _ => None,
        }
    }

    /// Does it.
    pub(super) async fn perform(self, machine: &Switched) -> Result<(), Refused> {
        let hands = machine.hands();
        match self {
            Self::Person(action) => hands.act(action).await?,
            Self::Arm(armed) => hands.arm(armed).await?,
            Self::ClearFaults => hands.clear_faults().await?,
            Self::Cable(plug) => machine.cable().set(plug),
            Self::Power(switch) => machine.switch(switch).await.map_err(Refused::Power)?,
        }
        Ok(())
    }
}

/// The stripe of somebody's card.
fn card(place: &str) -> Option<Zeroizing<String>> {
    let person = PEOPLE.get(place.parse::<usize>().ok()?)?;
    Some(Zeroizing::new(format!("{}{REST_OF_TRACK_2}", person.number)))
}

/// `note-5000-good=2` and so on. At least one note.
fn inserted(fields: &[Field<'_>]) -> Option<Vec<Inserted>> {
    let mut notes = Vec::new();
    for (name, count) in fields {
        let Some(kind) = name.strip_prefix("note-") else { continue };
        let (denomination, quality) = kind.split_once('-')?;
        let (denomination, quality): (i64, Quality) = (denomination.parse().ok()?, named(quality)?);
        let count = if count.is_empty() { 0 } else { count.parse().ok().filter(|count| *count <= MOST_NOTES)? };
        if count > 0 {
            notes.push(Inserted { denomination, quality, count });
        }
    }
    (!notes.is_empty()).then_some(notes)
}

/// By the name that it also has outside.
fn named<T: DeserializeOwned>(name: &str) -> Option<T> {
    serde_json::from_value(Value::String(name.to_owned())).ok()
}

/// The name that [`named`] reads.
pub(super) fn name(thing: impl Serialize) -> String {
    match serde_json::to_value(thing) {
        Ok(Value::String(name)) => name,
        Ok(_) | Err(_) => unreachable!("faults, steps and the like are written as their names"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reads(form: &str) -> Option<Act> {
        let fields: Vec<_> = form.split('&').map(|pair| pair.split_once('=').unwrap()).collect();
        Act::read(&fields)
    }

    #[test]
    fn every_fault_can_be_set_at_every_step_where_it_happens_and_at_no_other() {
        for fault in Fault::ALL {
            for step in Step::ALL {
                let form = format!("act=fault&fault={}.{}&lasts=always&cassette=1", name(fault), name(step));
                let wanted = Armed { cassette: 1, ..Armed::always(fault, step) };
                match reads(&form) {
                    Some(Act::Arm(armed)) if fault.meets(step) => assert_eq!(armed, wanted),
                    None if !fault.meets(step) => {}
                    Some(_) | None => panic!("{form}"),
                }
            }
        }
    }

    #[test]
    fn what_is_no_form_of_the_page_is_not_read() {
        for form in [
            "act=rob",
            "act=insert-card&card=6",
            "act=insert-card",
            "act=press&key=f9",
            "act=press&key=1&key=2",
            "act=take-notes&count=-1",
            "act=insert-notes&note-5000-good=0",
            "act=insert-notes&note-5000-good=501",
            "act=insert-notes&note-5000-golden=1",
            "act=cable&plug=cut",
            "act=power&switch=",
            "card=1",
        ] {
            assert!(reads(form).is_none(), "{form}");
        }
        let Some(Act::Person(PersonAction::InsertNotes(notes))) =
            reads("act=insert-notes&note-5000-good=2&note-2000-false=&note-1000-worn=1")
        else {
            panic!("notes that are put in");
        };
        let told: Vec<_> = notes.iter().map(|notes| (notes.denomination, notes.quality, notes.count)).collect();
        assert_eq!(told, [(50_00, Quality::Good, 2), (10_00, Quality::Worn, 1)]);
    }
}
