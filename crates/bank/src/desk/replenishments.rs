//! Counting, emptying and filling machines: at once, or through the terminal that stands there.

use cashpoint_core::command::{CountedCassette, Replenish};
use cashpoint_core::decide::Replay;
use cashpoint_core::id::MachineId;
use cashpoint_core::money::Decimal;
use cashpoint_core::outcome::{Done, Refusal, Replenished};
use cashpoint_core::replenishment::Replenishment;
use cashpoint_core::session::Session;

use super::reading::staff;
use super::{Stop, answered, answered_once, unexpected};
use crate::bank::{Answered, AnsweredOnce, Bank};
use crate::request::{Canonical, Content, Scope, request_id};

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

/// What a request to replenish came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Counted {
    /// It is posted.
    Posted(Replenished),
    /// The terminal has it as an order of this number.
    Ordered {
        /// Which terminal.
        machine: MachineId,
        /// The number of the order there.
        number: u64,
    },
}

impl Bank {
    /// The cash of a machine is counted, fetched and renewed. The answer holds only what was recorded with the
    /// request, so that a repeated one is the same; how the machine stands now is [`Self::machine`]'s, how far a terminal
    /// is [`Self::replenishment`]'s.
    ///
    /// # Errors
    /// The world failed.
    pub fn replenish(&self, session: Session, key: &str, request: ReplenishRequest) -> AnsweredOnce<Counted> {
        answered_once(self.try_replenish(session, key, &request))
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "a count comes to nothing else")]
    fn try_replenish(
        &self,
        session: Session,
        key: &str,
        request: &ReplenishRequest,
    ) -> Result<(Counted, Replay), Stop> {
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
        match done {
            Done::Replenished(replenished) => Ok((Counted::Posted(replenished), replay)),
            Done::ReplenishmentOrdered { machine, number } => Ok((Counted::Ordered { machine, number }, replay)),
            done => Err(unexpected(&done)),
        }
    }

    /// One of a terminal's replenishments, and the one for which it says that its exchange is open.
    ///
    /// # Errors
    /// The world failed.
    pub fn replenishment(
        &self,
        session: Session,
        machine: MachineId,
        number: u64,
    ) -> Answered<(Replenishment, Option<u64>)> {
        let open = self.exchange_open(machine);
        answered(self.look_as(&session, staff, |reads, _| {
            let found = reads.replenishment(machine, number)?;
            found.map(|row| (row, open)).ok_or_else(|| Refusal::NotFound.into())
        }))
    }
}
