//! What a person at the machine does, and what the machine's staff do inside it.

use cashpoint_core::terminal::device::{Event, Key, Report, Unit};

use super::{CardSlot, Fault, Happening, Hardware, Note, Origin, Place, Quality, Step, Waiting};

/// What a person does.
#[derive(Clone, PartialEq, Eq)]
pub enum PersonAction {
    /// Puts a card in: its track 2, without sentinels (`PAN=YYMM…`). A secret.
    InsertCard(zeroize::Zeroizing<String>),
    /// Takes the card from the exit.
    TakeCard,
    /// Takes all notes that are within reach.
    TakeNotes,
    /// Takes so many of them and leaves the rest.
    TakeSome(u32),
    /// Puts notes in.
    InsertNotes(Vec<Inserted>),
    /// Takes the notes that the acceptor gave back.
    TakeReturned,
    /// Presses a key of the pad.
    Press(Key),
    /// Takes the receipt.
    TakeReceipt,
    /// Leaves. Whatever lies in a slot stays there.
    WalkAway,
    /// Staff take out what is stuck between the units, and the card reader's. What they took they hold.
    ClearJams,
    /// Staff, or a thief, take so many notes out of a cassette or bin by hand, and the devices notice nothing; or off the
    /// dispenser's ways or out of the escrow, which they see when nothing is left there: a deposit that was under way there
    /// is none any more.
    RemoveNotes(Place, u32),
    /// Staff put so many notes into the cassette in this position, from 0. The devices notice nothing.
    FillCassette(usize, u32),
    /// Staff count everything out and fill the cassettes again, with so many notes each; the counters begin anew.
    Replenish(Vec<u32>),
}

/// A person's keys may be a PIN and their card has a number: nothing of it is shown.
impl std::fmt::Debug for PersonAction {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(match self {
            Self::InsertCard(_) => "InsertCard(…)",
            Self::TakeCard => "TakeCard",
            Self::TakeNotes => "TakeNotes",
            Self::TakeSome(count) => return write!(out, "TakeSome({count})"),
            Self::InsertNotes(notes) => return write!(out, "InsertNotes({notes:?})"),
            Self::TakeReturned => "TakeReturned",
            Self::Press(_) => "Press(…)",
            Self::TakeReceipt => "TakeReceipt",
            Self::WalkAway => "WalkAway",
            Self::ClearJams => "ClearJams",
            Self::RemoveNotes(place, count) => return write!(out, "RemoveNotes({place:?}, {count})"),
            Self::FillCassette(position, count) => return write!(out, "FillCassette({position}, {count})"),
            Self::Replenish(counts) => return write!(out, "Replenish({counts:?})"),
        })
    }
}

/// Notes that are put in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Inserted {
    /// Value of each, minor units.
    pub denomination: i64,
    /// How they look to the machine.
    pub quality: Quality,
    /// How many.
    pub count: u32,
}

/// The machine does not let a person do that now: there is nothing to take, or nothing open to put into.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Impossible;

impl std::fmt::Display for Impossible {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("the machine does not let a person do that now")
    }
}

impl std::error::Error for Impossible {}

impl Hardware {
    /// A person does something. Nothing happens if the machine does not let them.
    pub fn person(&mut self, action: &PersonAction) -> Vec<Report> {
        self.attempt(action).unwrap_or_default()
    }

    /// A person tries something.
    ///
    /// # Errors
    /// [`Impossible`] if the machine does not let them; nothing happened then.
    pub fn attempt(&mut self, action: &PersonAction) -> Result<Vec<Report>, Impossible> {
        match action {
            PersonAction::InsertCard(track2) => {
                self.answered_wait(Waiting::Card)?;
                Ok(self.take_card_in(track2))
            }
            PersonAction::TakeCard if self.card.slot() == CardSlot::Exit => Ok(self.hand_card_over()),
            PersonAction::TakeNotes => self.take_notes(u32::MAX),
            PersonAction::TakeSome(count) => self.take_notes(*count),
            PersonAction::InsertNotes(notes) => {
                self.answered_wait(Waiting::Notes)?;
                for inserted in notes {
                    let Inserted { denomination, quality, count } = *inserted;
                    let note = Note { denomination, quality, origin: Origin::Customer };
                    self.census.enter(Place::AcceptorTransport, note, count);
                }
                self.note(Happening::NotesInserted);
                let outcome = self.count_in();
                Ok(self.end(Unit::Acceptor, outcome))
            }
            PersonAction::TakeReturned if !self.census.is_empty(Place::ReturnSlot) => {
                self.census.shift_all(Place::ReturnSlot, Place::Customer);
                Ok(self.event(Unit::Acceptor, Event::DepositReturnTaken))
            }
            PersonAction::Press(key) => {
                let listens = [Waiting::Pin, Waiting::Keys].iter().any(|waiting| self.waiting.contains(waiting));
                if listens { Ok(self.press(*key)) } else { Err(Impossible) }
            }
            PersonAction::TakeReceipt if self.printer.receipt().is_some() => Ok(self.hand_receipt_over()),
            PersonAction::WalkAway => Ok(Vec::new()),
            PersonAction::ClearJams => Ok(self.clear_jams()),
            PersonAction::RemoveNotes(place, count) => self.remove_notes(*place, *count),
            PersonAction::FillCassette(position, count) => self.fill_cassette(*position, *count),
            PersonAction::Replenish(counts) if counts.len() == self.fitting.cassettes.len() => {
                Ok(self.replenish(counts))
            }
            PersonAction::TakeCard
            | PersonAction::TakeReturned
            | PersonAction::TakeReceipt
            | PersonAction::Replenish(_) => Err(Impossible),
        }
    }

    fn answered_wait(&mut self, waiting: Waiting) -> Result<(), Impossible> {
        if self.waiting.remove(&waiting) { Ok(()) } else { Err(Impossible) }
    }

    fn take_notes(&mut self, most: u32) -> Result<Vec<Report>, Impossible> {
        let there = self.census.count(Place::Exit);
        if there == 0 || !self.dispenser.shutter_is_open() {
            return Err(Impossible);
        }
        // Notes are there to be taken whether the machine has power or not; without it, it does not notice.
        let mut reports = Vec::new();
        if self.faults.happens(Fault::PowerLossBefore, Step::Take) && self.has_power() {
            reports = self.power_fails(None);
        }
        let most = match () {
            () if self.faults.happens(Fault::NotTaken, Step::Take) => 0,
            () if self.faults.happens(Fault::PartTaken, Step::Take) => most.min(there / 2),
            () => most,
        };
        self.census.shift(Place::Exit, Place::Customer, most);
        if self.faults.happens(Fault::PowerLossAfter, Step::Take) && self.has_power() {
            reports = self.power_fails(None);
        }
        if self.has_power() && self.census.is_empty(Place::Exit) {
            self.close_shutter();
            reports.extend(self.event(Unit::Dispenser, Event::NotesTaken));
        }
        Ok(reports)
    }

    /// Something that happens by itself, if anybody is there to hear it.
    pub(super) fn event(&self, unit: Unit, event: Event) -> Vec<Report> {
        if self.is_reachable(unit) { vec![Report::Event(event)] } else { Vec::new() }
    }

    fn clear_jams(&mut self) -> Vec<Report> {
        let mut changed = Vec::new();
        if self.card.is_stuck() {
            self.card.clear_jam();
            changed.push(Unit::CardReader);
        }
        if self.dispenser.is_stuck() {
            self.census.shift_all(Place::Transport, Place::Staff);
            self.dispenser.clear_jam();
            changed.push(Unit::Dispenser);
        }
        if self.acceptor.is_stuck() {
            self.census.shift_all(Place::AcceptorTransport, Place::Staff);
            self.acceptor.clear_jam();
            changed.push(Unit::Acceptor);
        }
        changed.iter().for_each(|unit| self.note(Happening::StatusChanged(*unit)));
        changed.into_iter().flat_map(|unit| self.event(unit, Event::StatusChanged(unit))).collect()
    }

    /// No more than there are, and only what a hand can reach.
    fn remove_notes(&mut self, place: Place, count: u32) -> Result<Vec<Report>, Impossible> {
        let by_hand = match place {
            Place::Cassette(_)
            | Place::RejectBin
            | Place::RetractBin
            | Place::DepositBin
            | Place::Transport
            | Place::Stacker
            | Place::Exit
            | Place::Escrow => true,
            Place::Customer | Place::AcceptorTransport | Place::ReturnSlot | Place::Staff => false,
        };
        if !by_hand || self.census.count(place) < count {
            return Err(Impossible);
        }
        self.census.shift(place, Place::Staff, count);
        if [Place::Transport, Place::Stacker].iter().all(|place| self.census.is_empty(*place)) {
            self.dispenser.clear_way();
        }
        if place == Place::Escrow && self.census.is_empty(place) {
            self.acceptor.forget(None);
        }
        Ok(Vec::new())
    }

    fn fill_cassette(&mut self, position: usize, count: u32) -> Result<Vec<Report>, Impossible> {
        let denomination = self.fitting.cassettes.get(position).ok_or(Impossible)?.denomination;
        let note = Note { denomination, quality: Quality::Good, origin: Origin::Cassette(position) };
        self.census.enter(Place::Cassette(position), note, count);
        Ok(Vec::new())
    }

    fn replenish(&mut self, counts: &[u32]) -> Vec<Report> {
        let full: Vec<Place> =
            self.census.iter().map(|(place, _)| place).filter(|place| *place != Place::Customer).collect();
        full.into_iter().for_each(|place| _ = self.census.shift_all(place, Place::Staff));
        for (position, (cassette, count)) in self.fitting.cassettes.iter_mut().zip(counts).enumerate() {
            cassette.notes = *count;
            let origin = Origin::Cassette(position);
            let note = Note { denomination: cassette.denomination, quality: Quality::Good, origin };
            self.census.enter(Place::Cassette(position), note, *count);
        }
        self.dispenser.begin_anew(&self.fitting);
        self.acceptor.begin_anew();
        self.card.clear();
        self.printer = super::Printer::new(self.fitting.receipts);
        self.note(Happening::CountsChanged(Unit::Dispenser));
        self.note(Happening::StatusChanged(Unit::Printer));
        let units = [Unit::CardReader, Unit::Dispenser, Unit::Acceptor, Unit::Printer];
        units.into_iter().flat_map(|unit| self.event(unit, Event::StatusChanged(unit))).collect()
    }
}
