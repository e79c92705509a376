//! The cash acceptor: input position, escrow, deposit bin, and the memory of its last cash-in.

use std::collections::BTreeMap;

use cashpoint_core::mix::Notes;
use cashpoint_core::terminal::device::{Answer, CashInState, CashInStatus, Failure, Unit};
use serde::{Deserialize, Serialize};

use super::{Exchange, Fault, Happening, Hardware, Outcome, Pile, Place, Quality, Step, Stopped};

/// The acceptor's memory, kept across a loss of power.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Acceptor {
    state: CashInMemory,
    /// Accepted by the current or last cash-in: value of a note, how many.
    accepted: BTreeMap<i64, u32>,
    refused: u32,
    /// In the deposit bin since it was emptied.
    deposited: BTreeMap<i64, u32>,
    /// Whether something is stuck; staff must look.
    jam: Jam,
    /// Whether a motion has begun whose end was not recorded.
    moving: Moving,
    /// Whether staff are exchanging its bin.
    #[serde(default)]
    pub(super) exchange: Exchange,
}

/// How the last cash-in stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CashInMemory {
    /// Stored, or there was none yet.
    #[default]
    Stored,
    /// Given back.
    Returned,
    /// Open.
    Active,
    /// Not to be told.
    Unknown,
}

/// Whether something is stuck.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub(super) enum Jam {
    /// Nothing is.
    #[default]
    No,
    /// Something is.
    Stuck,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
enum Moving {
    #[default]
    Still,
    Begun,
}

impl Acceptor {
    /// How the last cash-in stands.
    #[must_use]
    pub const fn state(&self) -> CashInMemory {
        self.state
    }

    /// What the current or last cash-in accepted.
    #[must_use]
    pub fn accepted(&self) -> Notes {
        largest_first(&self.accepted)
    }

    /// How many notes it gave back at once.
    #[must_use]
    pub const fn refused(&self) -> u32 {
        self.refused
    }

    /// What the deposit bin holds, as the device counted it.
    #[must_use]
    pub fn deposited(&self) -> Notes {
        largest_first(&self.deposited)
    }

    /// Whether something is stuck.
    #[must_use]
    pub fn is_stuck(&self) -> bool {
        self.jam == Jam::Stuck
    }

    pub(super) fn can_take(&self) -> bool {
        self.state == CashInMemory::Active && !self.is_stuck()
    }

    pub(super) const fn clear_jam(&mut self) {
        self.jam = Jam::No;
    }

    /// After a reset: what it stored is known no longer, if there was something.
    pub(super) fn forget(&mut self, state: Option<CashInMemory>) {
        self.moving = Moving::Still;
        self.state = match (state, self.state) {
            (Some(state), _) => state,
            (None, CashInMemory::Active) => CashInMemory::Returned,
            (None, other) => other,
        };
    }

    /// Whether staff are exchanging its bin.
    #[must_use]
    pub const fn exchange(&self) -> Exchange {
        self.exchange
    }

    /// Staff say that the deposit bin is empty.
    pub(super) fn forget_deposits(&mut self) {
        self.deposited.clear();
    }

    pub(super) fn begin_anew(&mut self) {
        *self = Self::default();
    }

    /// Which notes a pile holds, added to a count.
    fn add(counts: &mut BTreeMap<i64, u32>, pile: &Pile) {
        for (note, count) in pile.iter() {
            *counts.entry(note.denomination).or_default() += count;
        }
    }
}

fn largest_first(counts: &BTreeMap<i64, u32>) -> Notes {
    counts.iter().rev().map(|(denomination, count)| (*denomination, *count)).collect()
}

impl Hardware {
    pub(super) fn start_cash_in(&mut self) -> Outcome {
        self.before(Unit::Acceptor, Step::StartCashIn)?;
        self.acceptor_moves()?;
        if self.acceptor.exchange == Exchange::Active {
            return Err(Failure::Sequence.into());
        }
        if self.acceptor.state == CashInMemory::Active || !self.census.is_empty(Place::Escrow) {
            return Err(Failure::CashInActive.into());
        }
        self.acceptor.state = CashInMemory::Active;
        self.acceptor.accepted.clear();
        self.acceptor.refused = 0;
        self.after(Unit::Acceptor, Step::StartCashIn)?;
        Ok(Answer::CashInStarted)
    }

    /// Notes lie in the input and are counted: known good ones go to escrow, the rest back to the slot.
    pub(super) fn count_in(&mut self) -> Outcome {
        self.before_notes(Step::TakeNotes, Place::AcceptorTransport, Place::ReturnSlot)?;
        let known = self.fitting.accepted.clone();
        let none = self.faults.happens(Fault::NotesRefused, Step::TakeNotes);
        let good = |note: &super::Note| !none && note.quality == Quality::Good && known.contains(&note.denomination);
        let room = self.fitting.escrow.saturating_sub(self.census.count(Place::Escrow));
        let there = self.census.count(Place::AcceptorTransport);
        let broken = self.broken_off(Step::TakeNotes);
        let most = if broken.is_some() { room.min(there / 2) } else { room };
        let taken = self.census.shift_which(Place::AcceptorTransport, Place::Escrow, most, good);
        Acceptor::add(&mut self.acceptor.accepted, &taken);
        if let Some(stopped) = broken {
            return Err(stopped);
        }
        let refused = self.census.shift_all(Place::AcceptorTransport, Place::ReturnSlot).count();
        self.acceptor.refused += refused;
        self.acceptor.moving = Moving::Still;
        if refused > 0 {
            self.note(Happening::NotesReturned);
        }
        self.after(Unit::Acceptor, Step::TakeNotes)?;
        Ok(Answer::NotesTaken { accepted: taken.by_denomination(), refused })
    }

    pub(super) fn store_notes(&mut self) -> Outcome {
        self.begin_to_empty_escrow(Step::StoreNotes)?;
        let there = self.census.count(Place::Escrow);
        let broken = self.broken_off(Step::StoreNotes);
        let most = if broken.is_some() { there / 2 } else { there };
        let stored = self.census.shift(Place::Escrow, Place::DepositBin, most);
        if let Some(stopped) = broken {
            self.census.shift_all(Place::Escrow, Place::AcceptorTransport);
            return Err(stopped);
        }
        Acceptor::add(&mut self.acceptor.deposited, &stored);
        self.acceptor.state = CashInMemory::Stored;
        self.acceptor.moving = Moving::Still;
        self.note(Happening::CountsChanged(Unit::Acceptor));
        self.after(Unit::Acceptor, Step::StoreNotes)?;
        if there == 0 {
            return Err(Failure::Nothing.into());
        }
        Ok(Answer::NotesStored(self.acceptor.accepted()))
    }

    pub(super) fn return_notes(&mut self) -> Outcome {
        self.begin_to_empty_escrow(Step::ReturnNotes)?;
        let there = self.census.count(Place::Escrow);
        let broken = self.broken_off(Step::ReturnNotes);
        let most = if broken.is_some() { there / 2 } else { there };
        self.census.shift(Place::Escrow, Place::ReturnSlot, most);
        if let Some(stopped) = broken {
            self.census.shift_all(Place::Escrow, Place::AcceptorTransport);
            return Err(stopped);
        }
        self.acceptor.state = CashInMemory::Returned;
        self.acceptor.moving = Moving::Still;
        self.after(Unit::Acceptor, Step::ReturnNotes)?;
        if there == 0 {
            return Err(Failure::Nothing.into());
        }
        self.note(Happening::NotesReturned);
        Ok(Answer::NotesReturned)
    }

    pub(super) fn cash_in_status(&mut self) -> Outcome {
        self.before(Unit::Acceptor, Step::CashInStatus)?;
        self.after(Unit::Acceptor, Step::CashInStatus)?;
        let state = match self.acceptor.state {
            CashInMemory::Stored => CashInState::Stored,
            CashInMemory::Returned => CashInState::Returned,
            CashInMemory::Active => CashInState::Active,
            CashInMemory::Unknown => CashInState::Unknown,
        };
        Ok(Answer::CashInStatus(CashInStatus { state, accepted: self.acceptor.accepted() }))
    }

    /// After a loss of power: what was moving has an end that nobody recorded.
    pub(super) fn recover_acceptor(&mut self) {
        if self.acceptor.moving == Moving::Begun {
            self.acceptor.moving = Moving::Still;
            self.acceptor.state = CashInMemory::Unknown;
            self.acceptor.jam = Jam::Stuck;
        }
    }

    /// Notes inserted before a fault strikes lie in the acceptor: if power fails before they are drawn in, they are still
    /// the customer's, at the slot.
    fn before_notes(&mut self, step: Step, from: Place, back: Place) -> Result<(), Stopped> {
        let passed = self.before(Unit::Acceptor, step);
        if passed.is_err() {
            self.census.shift_all(from, back);
        }
        passed?;
        self.acceptor.moving = Moving::Begun;
        Ok(())
    }

    fn begin_to_empty_escrow(&mut self, step: Step) -> Result<(), Stopped> {
        self.before(Unit::Acceptor, step)?;
        self.acceptor_moves()?;
        if self.acceptor.state != CashInMemory::Active {
            return Err(Failure::Sequence.into());
        }
        self.acceptor.moving = Moving::Begun;
        Ok(())
    }

    fn acceptor_moves(&self) -> Result<(), Stopped> {
        if self.acceptor.is_stuck() { Err(Failure::Jam.into()) } else { Ok(()) }
    }

    /// What breaks a motion of the acceptor off half-way, if anything does. After a jam its list is not to be relied on.
    fn broken_off(&mut self, step: Step) -> Option<Stopped> {
        if self.is_cut_short(step) {
            return Some(Stopped::PowerLoss);
        }
        if !self.jams(step) {
            return None;
        }
        self.acceptor.jam = Jam::Stuck;
        self.acceptor.moving = Moving::Still;
        if step != Step::TakeNotes {
            self.acceptor.state = CashInMemory::Unknown;
        }
        self.note(Happening::StatusChanged(Unit::Acceptor));
        Some(Failure::Jam.into())
    }
}
