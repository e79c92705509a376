//! What can be seen of a machine: the difference that each event made to its notes, its card slot, its screen, its process.

use std::collections::BTreeMap;

use cashpoint_core::mix::Notes;
use cashpoint_devices::model::{CardSlot, Hardware, Origin, Place, Quality};

use crate::audit::seen::Seen;
use crate::network::Host;
use crate::world::World;

/// A machine as it was last seen.
#[derive(Debug, Default)]
pub struct Watch {
    /// How often its notes had moved then.
    moves: Option<u64>,
    /// What people have, by origin and denomination.
    theirs: BTreeMap<(bool, i64), u32>,
    /// Notes that people ever laid in, by denomination.
    brought: BTreeMap<i64, u32>,
    /// Notes that came out of the cassettes and that staff do not have, by denomination.
    fed: BTreeMap<i64, u32>,
    card: bool,
    kept: u32,
    alarms: usize,
    running: bool,
}

impl Watch {
    /// What is there at first, which nobody did.
    pub fn begin<H: Host>(&mut self, world: &World<H>) {
        self.running = world.station.is_running();
    }

    /// What is new.
    pub fn look<H: Host>(&mut self, world: &mut World<H>, seen: &mut Vec<Seen>) {
        let station = &mut world.station;
        seen.append(&mut station.seen);
        self.look_at_notes(&station.hardware, seen);
        self.look_at_card(&station.hardware, seen);
        let running = station.is_running();
        if running != self.running {
            seen.push(if running { Seen::Began } else { Seen::Died });
            self.running = running;
        }
        seen.extend(station.shown.drain(..).map(Seen::Shown));
        seen.extend(station.alarms[self.alarms..].iter().cloned().map(Seen::Told));
        self.alarms = station.alarms.len();
    }

    fn look_at_notes(&mut self, hardware: &Hardware, seen: &mut Vec<Seen>) {
        let moves = Some(hardware.census().moves());
        if self.moves == moves {
            return;
        }
        self.moves = moves;
        let (mut theirs, mut brought, mut fed) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        for (place, pile) in hardware.census().iter() {
            // What is not genuine is worth nothing.
            for (note, count) in pile.iter().filter(|(note, _)| note.quality != Quality::False) {
                let own = note.origin == Origin::Customer;
                if place == Place::Customer {
                    *theirs.entry((own, note.denomination)).or_default() += count;
                }
                if own {
                    *brought.entry(note.denomination).or_default() += count;
                } else if !matches!(place, Place::Cassette(_) | Place::Staff) {
                    *fed.entry(note.denomination).or_default() += count;
                }
            }
        }
        let left = grown(&self.fed, &fed, |denomination| Some(*denomination));
        let put_in = grown(&self.brought, &brought, |denomination| Some(*denomination));
        let taken = grown(&self.theirs, &theirs, |(own, denomination)| (!own).then_some(*denomination));
        let back = grown(&self.theirs, &theirs, |(own, denomination)| own.then_some(*denomination));
        (self.theirs, self.brought, self.fed) = (theirs, brought, fed);
        let told = [
            (left, Seen::Fed as fn(Notes) -> Seen),
            (put_in, Seen::PutIn),
            (taken, Seen::Taken),
            (back, Seen::GivenBack),
        ];
        seen.extend(told.into_iter().filter(|(notes, _)| !notes.is_empty()).map(|(notes, what)| what(notes)));
    }

    fn look_at_card(&mut self, hardware: &Hardware, seen: &mut Vec<Seen>) {
        let reader = hardware.card_reader();
        let there = reader.slot() != CardSlot::Empty;
        if reader.retained() > self.kept {
            seen.push(Seen::CardKept);
        } else if there != self.card {
            seen.push(if there { Seen::CardIn } else { Seen::CardOut });
        }
        (self.card, self.kept) = (there, reader.retained());
    }
}

/// By how much counts have grown.
fn grown<K: Ord>(before: &BTreeMap<K, u32>, now: &BTreeMap<K, u32>, which: impl Fn(&K) -> Option<i64>) -> Notes {
    let more = now.iter().filter_map(|(key, count)| {
        let more = count.saturating_sub(before.get(key).copied().unwrap_or(0));
        which(key).filter(|_| more > 0).map(|denomination| (denomination, more))
    });
    more.collect()
}

/// What genuine notes lie in a machine's places, and in the hands of its staff.
#[must_use]
pub fn count(hardware: &Hardware) -> Vec<(Place, Notes)> {
    let mut counted: BTreeMap<Place, BTreeMap<i64, u32>> = BTreeMap::new();
    for (place, pile) in hardware.census().iter().filter(|(place, _)| *place != Place::Customer) {
        let notes = counted.entry(place).or_default();
        for (note, count) in pile.iter().filter(|(note, _)| note.quality != Quality::False) {
            *notes.entry(note.denomination).or_default() += count;
        }
    }
    counted.into_iter().map(|(place, notes)| (place, notes.into_iter().rev().collect())).collect()
}

/// Whether nobody's notes or card lie where the next one comes.
#[must_use]
pub fn is_clear(hardware: &Hardware) -> bool {
    let empty = |place| hardware.census().at(place).is_empty();
    empty(Place::Exit) && empty(Place::ReturnSlot) && hardware.card_reader().slot() == CardSlot::Empty
}
