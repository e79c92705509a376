//! Machines and counters: making, changing, replenishing, looking at them.

use std::fmt;

use cashpoint_core::command::{
    CountedCassette, CreateMachine, DirectTerminal, JournalAccepted, NewCassette, PartitionChoice, Replenish,
    UpdateMachine,
};
use cashpoint_core::currency::Currency;
use cashpoint_core::decide::Replay;
use cashpoint_core::id::MachineId;
use cashpoint_core::machine::{Holdings, Machine, MachineKind, MachineStatus};
use cashpoint_core::mix::Cassette;
use cashpoint_core::money::Decimal;
use cashpoint_core::outcome::{Done, Refusal, Replenished};
use cashpoint_core::session::Session;
use cashpoint_wire::link::enrolment::{self, EnrolmentSecret};
use zeroize::Zeroizing;

use super::reading::staff;
use super::{Stop, answered, answered_once, unexpected};
use crate::bank::{Answered, AnsweredOnce, Bank};
use crate::entropy::{Entropy, random_bytes};
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

/// A count of a machine's cash. A bin that is not named stays as it is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ReplenishRequest {
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

    /// Staff change a machine; what is none stays.
    ///
    /// # Errors
    /// The world failed.
    pub fn update_machine(
        &self,
        session: Session,
        id: MachineId,
        location: Option<String>,
        status: Option<MachineStatus>,
    ) -> Answered<MachineView> {
        let changed = self.changed(UpdateMachine { session, machine: id, location, status });
        answered(changed.and_then(|()| self.look(|reads| view_of(reads, id))))
    }

    /// Staff choose what a terminal does while the host is away, or take its journal as it is; what is none stays.
    ///
    /// # Errors
    /// The world failed.
    pub fn direct_terminal(
        &self,
        session: Session,
        terminal: MachineId,
        partition: Option<PartitionChoice>,
        journal: Option<JournalAccepted>,
    ) -> Answered<()> {
        let directed = self.changed(DirectTerminal { session, terminal, partition, journal });
        if directed.is_ok() && journal.is_some() {
            self.forget_journal(terminal);
        }
        answered(directed)
    }

    /// The cash of a machine is counted, fetched and renewed. The answer holds only what was recorded with the
    /// request, so that a repeated one is the same; how the machine stands now is [`Self::machine`]'s.
    ///
    /// # Errors
    /// The world failed.
    pub fn replenish(&self, session: Session, key: &str, request: ReplenishRequest) -> AnsweredOnce<Replenished> {
        answered_once(self.try_replenish(session, key, &request))
    }

    fn try_replenish(
        &self,
        session: Session,
        key: &str,
        request: &ReplenishRequest,
    ) -> Result<(Replenished, Replay), Stop> {
        let operator = self.permitted(&session, staff)?;
        let ReplenishRequest { machine, cassettes, deposit_bin, reject_bin, retract_bin } = request;
        let bins = [deposit_bin, reject_bin, retract_bin].map(|bin| bin.map(Decimal::canonical));
        let bins = bins.iter().fold(Canonical::new(), |rest, bin| rest.maybe(bin.as_deref()));
        let rest = cassettes.iter().fold(bins, |rest, cassette| {
            let CountedCassette { denomination, counted_out, counted_in } = cassette;
            rest.field(&denomination.canonical()).field(&counted_out.to_string()).field(&counted_in.to_string())
        });
        let content = Content { atm_id: Some(machine.as_str()), ..Content::of("replenish", rest.as_str()) };
        let (done, replay) = self.done(Replenish {
            session,
            request: request_id(Scope::Operator(operator), key, &content),
            machine: *machine,
            cassettes: cassettes.clone(),
            deposit_bin: *deposit_bin,
            reject_bin: *reject_bin,
            retract_bin: *retract_bin,
        })?;
        let Done::Replenished(replenished) = done else {
            return Err(unexpected(&done));
        };
        Ok((replenished, replay))
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
