//! A bank in memory for the tests of decisions: facts that are never forgotten, and a clock that tests move.

use std::cell::Cell;

use crate::change::{Changes, Stamp};
use crate::command::Command;
use crate::facts::{Facts, Keys, Lookups};
use crate::id::{RequestId, TransferId};
use crate::outcome::Outcome;
use crate::policy::Policy;
use crate::time::{BusinessDate, Timestamp};

use super::{Decision, Moment};

/// The world of one test.
pub(crate) struct World {
    pub(crate) facts: Facts,
    pub(crate) now: Timestamp,
    pub(crate) date: BusinessDate,
    pub(crate) policy: Policy,
    pub(crate) policy_version: u32,
    /// Everything that was changed, in order.
    pub(crate) log: Changes,
    fresh: Cell<u128>,
}

impl World {
    /// An empty bank at noon of a day.
    pub(crate) fn new() -> Self {
        let now = Timestamp::from_micros(1_700_000_000_000_000);
        let date = BusinessDate(19_675);
        let log = Changes::new(Stamp { now, business_date: date, policy_version: 1 });
        Self { facts: Facts::default(), now, date, policy: Policy::default(), policy_version: 1, log, fresh: Cell::new(1) }
    }

    /// Decides and applies one command.
    pub(crate) fn run(&mut self, command: impl Into<Command>) -> Outcome {
        self.decide(command).outcome
    }

    /// As [`Self::run`], with everything that the decision says.
    pub(crate) fn decide(&mut self, command: impl Into<Command>) -> Decision {
        let command = command.into();
        let mut lookups = Lookups::default();
        super::lookups(&command, &mut lookups);
        self.facts.settle_identities(&lookups);
        let mut keys = Keys::default();
        super::keys(&command, &self.facts, self.date, &mut keys);
        self.facts.settle_rows(&keys);
        let (policy, policy_version) = (&self.policy, self.policy_version);
        let fresh = TransferId::new(self.fresh.get() << 12);
        self.fresh.set(self.fresh.get() + 1);
        let moment = Moment { now: self.now, business_date: self.date, policy, policy_version, fresh };
        let decision = super::decide(&self.facts, &command, moment);
        for change in decision.changes.clone() {
            self.log.apply(change, &mut self.facts);
        }
        decision
    }

    /// A request id that no other test step uses; the content digest is its number too.
    pub(crate) fn request(&self) -> RequestId {
        self.fresh.set(self.fresh.get() + 1);
        let number = self.fresh.get().to_be_bytes();
        RequestId { key: number, content: number }
    }
}
