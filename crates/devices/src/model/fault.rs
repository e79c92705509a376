//! What can go wrong, where, and how often: the faults that are set on a machine from outside.
//!
//! A fault by itself does nothing. The step that meets it asks, and does what a machine would do; what that is stands at
//! the step.

use serde::{Deserialize, Serialize};

/// What goes wrong.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// Something gets stuck half-way; the device knows that it did, and needs staff.
    Jam,
    /// The motor does not move; the device knows that nothing moved.
    Stall,
    /// One note fewer is picked than was asked for.
    ShortDispense,
    /// Two notes stick together, go to the reject bin, and are replaced by others.
    DoubleNote,
    /// The shutter does not open; the notes are drawn back onto the stacker.
    ShutterStuck,
    /// The customer leaves the notes.
    NotTaken,
    /// The customer takes half of the notes (rounded down) and leaves the rest.
    PartTaken,
    /// The customer pulls half of the notes (rounded up) out while they are taken back.
    TakenDuring,
    /// The notes that are taken back cannot be counted.
    RetractUncounted,
    /// Power fails before the step has any effect.
    PowerLossBefore,
    /// Power fails half-way through the step's motion.
    PowerLossDuring,
    /// Power fails when the step is done and recorded, before anybody is told.
    PowerLossAfter,
    /// The connection drops before the step. A command that has not begun is not carried out; one that has goes on.
    ConnectionLossBefore,
    /// The connection drops after the step; what moves goes on, and nobody is told.
    ConnectionLossAfter,
    /// The device forgets what became of the last dispense.
    LostPresentStatus,
    /// A cassette's sensor says that it is empty.
    CassetteEmpty,
    /// A cassette's sensor says that few notes are left.
    CassetteLow,
    /// A cassette is not in its place.
    CassetteMissing,
    /// There is no paper.
    PaperOut,
    /// The acceptor recognises none of the notes.
    NotesRefused,
}

impl Fault {
    /// Every fault.
    pub const ALL: [Self; 20] = [
        Self::Jam,
        Self::Stall,
        Self::ShortDispense,
        Self::DoubleNote,
        Self::ShutterStuck,
        Self::NotTaken,
        Self::PartTaken,
        Self::TakenDuring,
        Self::RetractUncounted,
        Self::PowerLossBefore,
        Self::PowerLossDuring,
        Self::PowerLossAfter,
        Self::ConnectionLossBefore,
        Self::ConnectionLossAfter,
        Self::LostPresentStatus,
        Self::CassetteEmpty,
        Self::CassetteLow,
        Self::CassetteMissing,
        Self::PaperOut,
        Self::NotesRefused,
    ];

    /// Whether this can happen at `step`. Only such pairs can be set.
    #[must_use]
    pub const fn meets(self, step: Step) -> bool {
        match self {
            Self::Jam => step.moves() || matches!(step, Step::OpenShutter | Step::Print),
            Self::Stall => matches!(step, Step::Pick | Step::Present),
            Self::ShortDispense
            | Self::DoubleNote
            | Self::CassetteEmpty
            | Self::CassetteLow
            | Self::CassetteMissing => matches!(step, Step::Pick),
            Self::ShutterStuck => matches!(step, Step::OpenShutter),
            Self::NotTaken | Self::PartTaken => matches!(step, Step::Take),
            Self::TakenDuring | Self::RetractUncounted => matches!(step, Step::Retract),
            Self::PowerLossBefore | Self::PowerLossAfter => true,
            Self::PowerLossDuring => step.moves(),
            Self::ConnectionLossBefore | Self::ConnectionLossAfter => !matches!(step, Step::Take),
            Self::LostPresentStatus => matches!(step, Step::PresentStatus),
            Self::PaperOut => matches!(step, Step::Print),
            Self::NotesRefused => matches!(step, Step::TakeNotes),
        }
    }
}

/// Where something can go wrong: the steps of what the devices do, in about the order of a visit.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// A card is drawn in and read.
    ReadCard,
    /// PIN digits and keys are taken.
    EnterPin,
    /// A PIN block is made.
    PinBlock,
    /// A PIN key is taken into the pad.
    ImportKey,
    /// A nonce is handed out or forgotten.
    Nonce,
    /// Counters are read.
    Counters,
    /// Notes are picked from the cassettes. The dispense begins with it: token checked, record written.
    Pick,
    /// Picked notes are brought onto the stacker.
    Stack,
    /// The card is moved to the exit.
    EjectCard,
    /// The card is kept.
    RetainCard,
    /// The notes are moved from the stacker to the output position, its shutter closed.
    Present,
    /// The shutter opens: the notes are within reach.
    OpenShutter,
    /// The customer takes the notes.
    Take,
    /// Presented notes are taken back.
    Retract,
    /// Notes on the stacker are moved to the reject bin.
    Reject,
    /// The present status is read.
    PresentStatus,
    /// A cash-in begins.
    StartCashIn,
    /// Inserted notes are counted into escrow.
    TakeNotes,
    /// The escrow is moved into the deposit bin.
    StoreNotes,
    /// The escrow is given back.
    ReturnNotes,
    /// The cash-in status is read.
    CashInStatus,
    /// A receipt is printed.
    Print,
}

impl Step {
    /// Every step.
    pub const ALL: [Self; 22] = [
        Self::ReadCard,
        Self::EnterPin,
        Self::PinBlock,
        Self::ImportKey,
        Self::Nonce,
        Self::Counters,
        Self::Pick,
        Self::Stack,
        Self::EjectCard,
        Self::RetainCard,
        Self::Present,
        Self::OpenShutter,
        Self::Take,
        Self::Retract,
        Self::Reject,
        Self::PresentStatus,
        Self::StartCashIn,
        Self::TakeNotes,
        Self::StoreNotes,
        Self::ReturnNotes,
        Self::CashInStatus,
        Self::Print,
    ];

    /// Whether notes or a card move in it, so that it can be interrupted half-way.
    #[must_use]
    pub const fn moves(self) -> bool {
        match self {
            Self::ReadCard
            | Self::Pick
            | Self::Stack
            | Self::EjectCard
            | Self::RetainCard
            | Self::Present
            | Self::Retract
            | Self::Reject
            | Self::TakeNotes
            | Self::StoreNotes
            | Self::ReturnNotes => true,
            Self::EnterPin
            | Self::PinBlock
            | Self::ImportKey
            | Self::Nonce
            | Self::Counters
            | Self::OpenShutter
            | Self::Take
            | Self::PresentStatus
            | Self::StartCashIn
            | Self::CashInStatus
            | Self::Print => false,
        }
    }

    /// Whether its command has begun already when it comes.
    pub(super) const fn is_under_way(self) -> bool {
        matches!(self, Self::Stack | Self::OpenShutter)
    }
}

/// How often a fault that is set happens.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lasts {
    /// The first time that the step comes.
    #[default]
    Once,
    /// Until it is cleared.
    Always,
}

/// A fault that is set.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Armed {
    /// What.
    pub fault: Fault,
    /// Where.
    pub step: Step,
    /// How often.
    #[serde(default)]
    pub lasts: Lasts,
    /// Which cassette, from 0, where the fault concerns one.
    #[serde(default)]
    pub cassette: usize,
}

impl Armed {
    /// A fault for once, at the first cassette where it concerns one.
    #[must_use]
    pub const fn once(fault: Fault, step: Step) -> Self {
        Self { fault, step, lasts: Lasts::Once, cassette: 0 }
    }

    /// A fault for good.
    #[must_use]
    pub const fn always(fault: Fault, step: Step) -> Self {
        Self { lasts: Lasts::Always, ..Self::once(fault, step) }
    }
}

/// The fault does not happen at that step ([`Fault::meets`]).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NeverMeets;

impl std::fmt::Display for NeverMeets {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("this fault does not happen at that step")
    }
}

impl std::error::Error for NeverMeets {}

/// The faults that are set.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Faults(Vec<Armed>);

impl Faults {
    pub(super) fn arm(&mut self, armed: Armed) -> Result<(), NeverMeets> {
        if !armed.fault.meets(armed.step) {
            return Err(NeverMeets);
        }
        self.0.push(armed);
        Ok(())
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// What is set now.
    #[must_use]
    pub fn armed(&self) -> &[Armed] {
        &self.0
    }

    /// Whether the fault happens now; one for once is used up by asking.
    pub(super) fn happens(&mut self, fault: Fault, step: Step) -> bool {
        let found = self.0.iter().position(|armed| armed.fault == fault && armed.step == step);
        if let Some(at) = found.filter(|at| self.0[*at].lasts == Lasts::Once) {
            self.0.remove(at);
        }
        found.is_some()
    }

    /// These faults of a cassette have had their effect; those for once are over.
    pub(super) fn use_up(&mut self, faults: [Fault; 2], cassette: usize) {
        let over =
            |armed: &Armed| faults.contains(&armed.fault) && armed.cassette == cassette && armed.lasts == Lasts::Once;
        self.0.retain(|armed| !over(armed));
    }

    /// Whether the fault stands against this cassette, without using it up.
    pub(super) fn stands(&self, fault: Fault, cassette: usize) -> bool {
        self.0.iter().any(|armed| armed.fault == fault && armed.cassette == cassette)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_meets_a_step_and_every_step_a_fault() {
        for (at, fault) in Fault::ALL.into_iter().enumerate() {
            assert!(Step::ALL.into_iter().any(|step| fault.meets(step)), "{fault:?}");
            assert_eq!(fault as usize, at, "ALL holds each once, in order");
        }
        for (at, step) in Step::ALL.into_iter().enumerate() {
            assert!(Fault::ALL.into_iter().any(|fault| fault.meets(step)), "{step:?}");
            assert_eq!(step as usize, at, "ALL holds each once, in order");
        }
        assert_eq!(Fault::NotesRefused as usize + 1, Fault::ALL.len());
        assert_eq!(Step::Print as usize + 1, Step::ALL.len());
    }

    #[test]
    fn a_fault_for_once_happens_once() {
        let mut faults = Faults::default();
        assert_eq!(faults.arm(Armed::once(Fault::PaperOut, Step::Pick)), Err(NeverMeets));
        faults.arm(Armed::once(Fault::Jam, Step::Pick)).unwrap();
        faults.arm(Armed::always(Fault::Jam, Step::Reject)).unwrap();
        assert!(!faults.happens(Fault::Jam, Step::Stack));
        assert!(faults.happens(Fault::Jam, Step::Pick));
        assert!(!faults.happens(Fault::Jam, Step::Pick));
        assert!(faults.happens(Fault::Jam, Step::Reject) && faults.happens(Fault::Jam, Step::Reject));
        faults.clear();
        assert!(!faults.happens(Fault::Jam, Step::Reject));
    }
}
