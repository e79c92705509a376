//! Commands about machines, policy and staff.

use super::link::{JournalAccepted, PartitionChoice};
use crate::currency::Currency;
use crate::id::{CaseId, MachineId, RequestId, TransferId};
use crate::machine::{MachineKind, MachineStatus};
use crate::money::Decimal;
use crate::policy::Policy;
use crate::session::Session;

/// A cassette to be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NewCassette {
    /// Value of one note.
    pub denomination: Decimal,
    /// How many are in it.
    pub count: u32,
}

/// Staff make a machine or a counter.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CreateMachine {
    /// Who asks.
    pub session: Session,
    /// The request's name for ever.
    pub request: RequestId,
    /// Its id.
    pub machine: MachineId,
    /// Who moves its notes.
    pub kind: MachineKind,
    /// Where it stands.
    pub location: String,
    /// What its notes are; none for a counter.
    pub currency: Option<Currency>,
    /// Its cassettes.
    pub cassettes: Vec<NewCassette>,
    /// SHA-256 of its channel credential, or of its enrolment code.
    pub secret: [u8; 32],
}

/// Staff change a machine; what is none stays. What is said of its terminal needs one that is enrolled.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UpdateMachine {
    /// Who asks.
    pub session: Session,
    /// Which.
    pub machine: MachineId,
    /// New location.
    pub location: Option<String>,
    /// Switch on or off.
    pub status: Option<MachineStatus>,
    /// What its terminal does while the host is away.
    pub partition: Option<PartitionChoice>,
    /// Its terminal's journal is taken as it is, after looking.
    pub journal: Option<JournalAccepted>,
    /// With it: the machine's withdrawals of which nothing was heard yet, as they were found, each with a case to open.
    pub unheard: Vec<(TransferId, CaseId)>,
}

/// Notes of one denomination counted out of, and into, a machine.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CountedCassette {
    /// Value of one note.
    pub denomination: Decimal,
    /// Counted when emptied.
    pub counted_out: u32,
    /// Counted when filled.
    pub counted_in: u32,
}

/// The machine's cash is counted, fetched and renewed. Of a terminal it is an order, which its own advice carries out;
/// one that names no place opens the machine, and the next one says what was counted. A cassette or bin that is not named stays as it is; a
/// denomination is named once and stands for all cassettes of it together: what is counted in lies in the first.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Replenish {
    /// Who asks.
    pub session: Session,
    /// The request's name for ever.
    pub request: RequestId,
    /// Which machine.
    pub machine: MachineId,
    /// Its cassettes.
    pub cassettes: Vec<CountedCassette>,
    /// Counted in the deposit bin.
    pub deposit_bin: Option<Decimal>,
    /// Counted in the reject bin.
    pub reject_bin: Option<Decimal>,
    /// Counted in the retract bin.
    pub retract_bin: Option<Decimal>,
}

/// Staff set policy values: the whole of the next version, made from version `from`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SetPolicy {
    /// Who asks.
    pub session: Session,
    /// The version that was read and changed.
    pub from: u32,
    /// The values.
    pub policy: Policy,
    /// Names of the values that differ, for the audit trail.
    pub changed: Vec<&'static str>,
}

/// Who runs the host adds a member of staff.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AddOperator {
    /// The operator.
    pub operator: crate::customer::Operator,
}
