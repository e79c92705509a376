//! A terminal says that its device cannot tell what became of promised cash: a case is opened, the money stays in
//! flight, and nobody is credited on a guess.

use cashpoint_mutant::{Mutant, chosen};

use crate::command::Suspect;
use crate::event::Actor;
use crate::facts::{Facts, Keys, Lookups};
use crate::id::RequestId;
use crate::outcome::Done;
use crate::terminal::link::Movement;
use crate::time::BusinessDate;

use super::settle::{self, Ending, Word};
use super::{Decide, Draft, Stop, advice};

impl Decide for Suspect {
    fn request(&self) -> Option<RequestId> {
        Some(self.request)
    }

    fn lookups(&self, lookups: &mut Lookups) {
        lookups.originals.insert(self.original);
    }

    fn keys(&self, facts: &Facts, _: BusinessDate, keys: &mut Keys) {
        if let Some(withdrawal) = facts.originals.find(&self.original) {
            if chosen(Mutant::SuspectPaidBack) {
                settle::keys(withdrawal, keys);
            }
            keys.withdrawals.insert(withdrawal.id);
            keys.customers.insert(withdrawal.customer);
        }
    }

    fn decide(&self, draft: &mut Draft<'_>) -> Result<Done, Stop> {
        advice::replay(draft, self.terminal, self.request)?;
        let unsettled = settle::advised(draft, self.terminal, self.original)?;
        if chosen(Mutant::SuspectPaidBack) {
            let (moved, word) = (&Movement::default(), Word::Terminal);
            return Ok(Done::Settled(unsettled.settle(draft, &Ending { paid: 0, moved, word, case: &self.case })));
        }
        Ok(unsettled.suspend(draft, Actor::Machine(self.terminal), &self.case))
    }
}
