//! Notes and where they are: the physical truth of a machine, apart from what its devices believe.
//!
//! A note is never made or lost by a motion: it comes from a filling or from a customer, and from then on it lies in
//! exactly one [`Place`]. Nothing here counts for a bank; the counters of the devices stand beside them.

use std::collections::BTreeMap;

use cashpoint_core::mix::Notes;
use serde::{Deserialize, Serialize};

/// What tells one note from another here.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct Note {
    /// Its value, minor units of the machine's currency.
    pub denomination: i64,
    /// Whether the acceptor would take it.
    pub quality: Quality,
    /// Where it came from.
    pub origin: Origin,
}

/// How a note looks to an acceptor.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quality {
    /// As it should be.
    Good,
    /// Genuine, but too worn to be recognised.
    Worn,
    /// Not genuine.
    False,
}

/// Where a note came from.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// The cassette in this position, from 0.
    Cassette(usize),
    /// A customer's pocket.
    Customer,
}

/// Where a note can be.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// In the cassette in this position, from 0.
    Cassette(usize),
    /// Between cassettes, stacker, exit and bins.
    Transport,
    /// On the stacker, waiting.
    Stacker,
    /// In the output position; within reach if the shutter is open.
    Exit,
    /// With the customer, out of the machine.
    Customer,
    /// In the reject bin.
    RejectBin,
    /// In the retract bin.
    RetractBin,
    /// Between the input position, escrow and deposit bin.
    AcceptorTransport,
    /// Counted, and still the customer's.
    Escrow,
    /// Given back at the acceptor's slot, not yet taken.
    ReturnSlot,
    /// In the deposit bin.
    DepositBin,
    /// With the machine's staff.
    Staff,
}

/// Notes in one place.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(into = "Vec<(Note, u32)>", from = "Vec<(Note, u32)>")]
pub struct Pile(BTreeMap<Note, u32>);

impl From<Pile> for Vec<(Note, u32)> {
    fn from(pile: Pile) -> Self {
        pile.0.into_iter().collect()
    }
}

impl From<Vec<(Note, u32)>> for Pile {
    fn from(notes: Vec<(Note, u32)>) -> Self {
        let mut pile = Self::default();
        for (note, count) in notes {
            pile.add(note, count);
        }
        pile
    }
}

impl Pile {
    /// How many notes.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.0.values().sum()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What they add up to, minor units; notes that are not genuine are worth nothing.
    #[must_use]
    pub fn value(&self) -> i64 {
        let genuine = self.0.iter().filter(|(note, _)| note.quality != Quality::False);
        genuine.map(|(note, count)| note.denomination * i64::from(*count)).sum()
    }

    /// How many of each denomination.
    #[must_use]
    pub fn by_denomination(&self) -> Notes {
        let mut sums = BTreeMap::<i64, u32>::new();
        for (note, count) in &self.0 {
            *sums.entry(note.denomination).or_default() += count;
        }
        sums.into_iter().rev().collect()
    }

    /// How many came from each of the first `cassettes` cassettes.
    #[must_use]
    pub fn by_cassette(&self, cassettes: usize) -> Vec<u32> {
        let from = |at| self.0.iter().filter(move |(note, _)| note.origin == Origin::Cassette(at));
        (0..cassettes).map(|at| from(at).map(|(_, count)| count).sum()).collect()
    }

    /// Each kind of note with its count, in a fixed order.
    pub fn iter(&self) -> impl Iterator<Item = (&Note, u32)> {
        self.0.iter().map(|(note, count)| (note, *count))
    }

    pub(super) fn add(&mut self, note: Note, count: u32) {
        if count > 0 {
            *self.0.entry(note).or_default() += count;
        }
    }

    fn merge(&mut self, other: Self) {
        for (note, count) in other.0 {
            self.add(note, count);
        }
    }

    /// Takes up to `most` of those that `which` is true of.
    fn take(&mut self, most: u32, which: impl Fn(&Note) -> bool) -> Self {
        let (mut left, mut taken) = (most, Self::default());
        for (note, count) in self.0.iter_mut().filter(|(note, _)| which(note)) {
            let some = left.min(*count);
            *count -= some;
            left -= some;
            taken.add(*note, some);
        }
        self.0.retain(|_, count| *count > 0);
        taken
    }
}

/// All notes of a machine, by place.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(into = "CensusOnDisk", from = "CensusOnDisk")]
pub struct Census {
    places: BTreeMap<Place, Pile>,
    /// Everything that was ever filled in or inserted.
    entered: Pile,
    /// How often notes came or moved; kept for no longer than the process runs.
    moves: u64,
}

/// Whether the same notes lie at the same places.
impl PartialEq for Census {
    fn eq(&self, other: &Self) -> bool {
        (&self.places, &self.entered) == (&other.places, &other.entered)
    }
}

impl Eq for Census {}

/// Lists instead of maps, because a place is no text.
#[derive(Serialize, Deserialize)]
struct CensusOnDisk {
    places: Vec<(Place, Pile)>,
    entered: Pile,
}

impl From<Census> for CensusOnDisk {
    fn from(census: Census) -> Self {
        Self { places: census.places.into_iter().collect(), entered: census.entered }
    }
}

impl From<CensusOnDisk> for Census {
    fn from(disk: CensusOnDisk) -> Self {
        Self { places: disk.places.into_iter().collect(), entered: disk.entered, moves: 0 }
    }
}

impl Census {
    /// The notes in a place.
    #[must_use]
    pub fn at(&self, place: Place) -> Pile {
        self.places.get(&place).cloned().unwrap_or_default()
    }

    /// Every place with notes in it.
    pub fn iter(&self) -> impl Iterator<Item = (Place, &Pile)> {
        self.places.iter().filter(|(_, pile)| !pile.is_empty()).map(|(place, pile)| (*place, pile))
    }

    /// Value inside the machine, minor units: everything but what customers and staff hold. Notes in escrow and at the
    /// slots are inside as long as nobody took them.
    #[must_use]
    pub fn inside(&self) -> i64 {
        let inside = self.iter().filter(|(place, _)| !matches!(place, Place::Customer | Place::Staff));
        inside.map(|(_, pile)| pile.value()).sum()
    }

    /// Whether every note that ever came in lies in exactly one place.
    #[must_use]
    pub fn is_conserved(&self) -> bool {
        let mut all = Pile::default();
        self.places.values().for_each(|pile| all.merge(pile.clone()));
        all == self.entered
    }

    /// How often notes came or moved in this process: while it stays the same, every note lies where it lay.
    #[must_use]
    pub const fn moves(&self) -> u64 {
        self.moves
    }

    pub(super) fn count(&self, place: Place) -> u32 {
        self.places.get(&place).map_or(0, Pile::count)
    }

    pub(super) fn is_empty(&self, place: Place) -> bool {
        self.count(place) == 0
    }

    /// Notes come in from outside.
    pub(super) fn enter(&mut self, place: Place, note: Note, count: u32) {
        self.moves += 1;
        self.entered.add(note, count);
        self.places.entry(place).or_default().add(note, count);
    }

    /// Moves up to `most` notes, and says which.
    pub(super) fn shift(&mut self, from: Place, to: Place, most: u32) -> Pile {
        self.shift_which(from, to, most, |_| true)
    }

    /// Moves all notes, and says which.
    pub(super) fn shift_all(&mut self, from: Place, to: Place) -> Pile {
        self.shift(from, to, u32::MAX)
    }

    /// Moves up to `most` of those that `which` is true of, and says which.
    pub(super) fn shift_which(&mut self, from: Place, to: Place, most: u32, which: impl Fn(&Note) -> bool) -> Pile {
        let taken = self.places.entry(from).or_default().take(most, which);
        self.moves += u64::from(!taken.is_empty());
        self.places.entry(to).or_default().merge(taken.clone());
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(denomination: i64) -> Note {
        Note { denomination, quality: Quality::Good, origin: Origin::Cassette(0) }
    }

    #[test]
    fn it_moves_notes_without_making_or_losing_any() {
        let mut census = Census::default();
        census.enter(Place::Cassette(0), note(50_00), 10);
        census.enter(Place::Cassette(0), note(20_00), 2);
        let moved = census.shift(Place::Cassette(0), Place::Transport, 3);
        assert_eq!((moved.count(), moved.value()), (3, 90_00));
        assert_eq!(moved.by_denomination(), vec![(50_00, 1), (20_00, 2)]);
        assert_eq!(census.shift(Place::Transport, Place::Stacker, 99).count(), 3, "no more than there are");
        assert_eq!((census.count(Place::Cassette(0)), census.count(Place::Stacker)), (9, 3));
        assert!(census.is_conserved());
        assert_eq!(census.inside(), 540_00);
        let moves = census.moves();
        assert_eq!(census.shift(Place::Exit, Place::Staff, 9).count(), 0);
        assert_eq!(census.moves(), moves, "nothing moved");
        census.shift_all(Place::Stacker, Place::Customer);
        assert_ne!(census.moves(), moves);
        assert_eq!(census.inside(), 450_00);
        let read: Census = serde_json::from_str(&serde_json::to_string(&census).unwrap()).unwrap();
        assert!(read.is_conserved());
        assert_eq!(read, census);
    }
}
