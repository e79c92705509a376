//! Machines and counters: making, changing, looking at them.

use std::fmt;

use cashpoint_core::command::{CreateMachine, JournalAccepted, NewCassette, PartitionChoice, UpdateMachine};
use cashpoint_core::currency::Currency;
use cashpoint_core::decide::Replay;
use cashpoint_core::id::{CaseId, MachineId, TransferId};
use cashpoint_core::machine::{Holdings, Machine, MachineKind, MachineStatus};
use cashpoint_core::mix::Cassette;
use cashpoint_core::outcome::{Done, Refusal};
use cashpoint_core::session::Session;
use cashpoint_wire::link::enrolment::{self, EnrolmentSecret};
use zeroize::Zeroizing;

use super::reading::staff;
use super::{Stop, answered, answered_once, unexpected};
use crate::bank::{Answered, AnsweredOnce, Bank};
use crate::entropy::{Entropy, random_bytes};
use crate::execute::Failure;
use crate::request::{Canonical, Content, Scope, request_id};
use crate::store::{MachineView, Reads};
use crate::tokens::ChannelSecret;

/// A machine or counter to make.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MachineRequest {
    /// Its id.
    pub machine: MachineId,
    /// Who moves its notes.
    pub kind: MachineKind,
    /// Where it stands.
    pub location: String,
    /// What its notes are; none for a counter.
    pub currency: Option<Currency>,
    /// Its cassettes; none for a counter.
    pub cassettes: Vec<NewCassette>,
}

/// A machine or counter that was made.
#[derive(Clone, Debug)]
pub struct MachineCreated {
    /// The machine as it was when it was made, also when the request is repeated.
    pub view: MachineView,
    /// What proves that somebody speaks for it; none when the request is repeated.
    pub secret: Option<MachineSecret>,
}

/// What proves that somebody speaks for a machine, told once.
#[derive(Clone)]
pub enum MachineSecret {
    /// The secret half of a channel credential.
    Channel(ChannelSecret),
    /// A terminal's enrolment code.
    Enrolment(Zeroizing<String>),
}

impl MachineSecret {
    pub(crate) fn make(kind: MachineKind, entropy: &dyn Entropy) -> Self {
        match kind {
            MachineKind::Api | MachineKind::Counter => Self::Channel(ChannelSecret::generate(entropy)),
            MachineKind::Terminal => {
                let random = Zeroizing::new(random_bytes::<16>(entropy));
                Self::Enrolment(enrolment::code(&random))
            }
        }
    }

    /// What is kept of it.
    pub(crate) fn kept(&self) -> [u8; 32] {
        match self {
            Self::Channel(secret) => secret.hash(),
            Self::Enrolment(code) => {
                *EnrolmentSecret::of_code(code).expect("a code that was made here is one").expose()
            }
        }
    }

    /// The text. It must not reach a log or a store.
    #[must_use]
    pub fn expose(&self) -> &str {
        match self {
            Self::Channel(secret) => secret.expose(),
            Self::Enrolment(code) => code,
        }
    }
}

impl fmt::Debug for MachineSecret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("MachineSecret(****)")
    }
}

/// What is to change about a machine; what is none stays.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct MachineChange {
    /// Where it stands.
    pub location: Option<String>,
    /// Whether it takes commands.
    pub status: Option<MachineStatus>,
    /// What its terminal does while the host is away.
    pub partition: Option<PartitionChoice>,
    /// Its terminal's journal is taken as it is.
    pub journal: Option<JournalAccepted>,
}

impl Bank {
    /// Staff make a machine or counter.
    ///
    /// # Errors
    /// The world failed; so everywhere on the desk.
    pub fn create_machine(&self, session: Session, key: &str, request: MachineRequest) -> AnsweredOnce<MachineCreated> {
        answered_once(self.make_machine(session, key, &request))
    }

    pub(crate) fn make_machine(
        &self,
        session: Session,
        key: &str,
        request: &MachineRequest,
    ) -> Result<(MachineCreated, Replay), Stop> {
        let operator = self.permitted(&session, staff)?;
        let MachineRequest { machine, kind, location, currency, cassettes } = request;
        let fields = Canonical::new().field(kind.name()).field(location).maybe(currency.map(Currency::code));
        let rest = cassettes.iter().fold(fields, |rest, cassette| {
            rest.field(&cassette.denomination.canonical()).field(&cassette.count.to_string())
        });
        let content = Content { atm_id: Some(machine.as_str()), ..Content::of("create_machine", rest.as_str()) };
        let secret = MachineSecret::make(*kind, self.inner.entropy.as_ref());
        let (done, replay) = self.done(CreateMachine {
            session,
            request: request_id(Scope::Operator(operator), key, &content),
            machine: *machine,
            kind: *kind,
            location: location.clone(),
            currency: *currency,
            cassettes: cassettes.clone(),
            secret: secret.kept(),
        })?;
        let Done::MachineCreated(machine) = done else {
            return Err(unexpected(&done));
        };
        let now = self.look(|reads| view_of(reads, machine))?;
        let secret = match replay {
            Replay::First => Some(secret),
            Replay::Repeat => None,
        };
        Ok((MachineCreated { view: as_created(&now, request), secret }, replay))
    }

    /// All machines, counters too.
    ///
    /// # Errors
    /// The world failed.
    pub fn machines(&self, session: Session) -> Answered<Vec<MachineView>> {
        answered(self.look_as(&session, staff, |reads, _| Ok(reads.machines(None)?)))
    }

    /// One machine or counter.
    ///
    /// # Errors
    /// The world failed.
    pub fn machine(&self, session: Session, id: MachineId) -> Answered<MachineView> {
        answered(self.look_as(&session, staff, |reads, _| view_of(reads, id)))
    }

    /// Staff change a machine and what its terminal is told; what is none stays.
    ///
    /// # Errors
    /// The world failed.
    pub fn update_machine(&self, session: Session, id: MachineId, change: MachineChange) -> Answered<MachineView> {
        let MachineChange { location, status, partition, journal } = change;
        let unheard = match journal {
            Some(JournalAccepted) => self.unheard(id)?,
            None => Vec::new(),
        };
        let changed =
            self.changed(UpdateMachine { session, machine: id, location, status, partition, journal, unheard });
        if changed.is_ok() && journal.is_some() {
            self.forget_journal(id);
        }
        answered(changed.and_then(|()| self.look(|reads| view_of(reads, id))))
    }

    /// The machine's withdrawals of which nothing was heard, each with a case that it may become.
    fn unheard(&self, id: MachineId) -> Result<Vec<(TransferId, CaseId)>, Failure> {
        let unheard = self.read(|reads| reads.unheard(id))?;
        Ok(unheard.into_iter().map(|withdrawal| (withdrawal, CaseId::new(self.new_number()))).collect())
    }
}

pub(super) fn view_of(reads: &mut dyn Reads, id: MachineId) -> Result<MachineView, Stop> {
    reads.machines(Some(id))?.into_iter().next().ok_or_else(|| Refusal::AtmNotFound.into())
}

/// The machine as it was when it was made from `request`: a repeated answer does not tell what happened since.
fn as_created(now: &MachineView, request: &MachineRequest) -> MachineView {
    let cassette = |new: &NewCassette| {
        let denomination = request.currency.map_or(0, |currency| new.denomination.limit_in(currency).minor());
        Cassette { denomination, count: new.count }
    };
    let id = request.machine;
    MachineView {
        identity: now.identity,
        machine: Machine { id, location: request.location.clone(), status: MachineStatus::Active, session: None },
        holdings: Holdings {
            machine: id,
            cassettes: request.cassettes.iter().map(cassette).collect(),
            deposit_bin: 0,
            reject_bin: 0,
            retract_bin: 0,
        },
        in_flight: 0,
    }
}
