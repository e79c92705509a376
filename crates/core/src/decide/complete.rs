//! A terminal says that the customer took all of what was promised: the money leaves the machine's cash.

use crate::command::Complete;
use crate::facts::{Facts, Keys, Lookups};
use crate::id::RequestId;
use crate::outcome::{Done, Refusal};
use crate::time::BusinessDate;

use super::settle::{self, Word};
use super::{Decide, Draft, Stop};

impl Decide for Complete {
    fn request(&self) -> Option<RequestId> {
        Some(self.request)
    }

    fn lookups(&self, lookups: &mut Lookups) {
        lookups.originals.insert(self.original);
    }

    fn keys(&self, facts: &Facts, _: BusinessDate, keys: &mut Keys) {
        settle::original_keys(facts, self.original, keys);
    }

    fn decide(&self, draft: &mut Draft<'_>) -> Result<Done, Stop> {
        draft.replay(self.request)?;
        let withdrawal = settle::original(draft, self.terminal, self.original)?;
        let unsettled = settle::unsettled(draft, withdrawal)?;
        let paid = settle::value(draft.facts.holdings.at(&self.terminal), &self.notes)?;
        if paid != withdrawal.amount.minor() {
            return Err(Refusal::InvalidAmount.into());
        }
        Ok(Done::Settled(unsettled.settle(draft, paid, &self.notes, Word::Terminal)))
    }
}
