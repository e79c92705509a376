//! A terminal says that nothing of what it asked for, or only a part, left the machine: the rest goes back. A reversal
//! that overtakes its original leaves a tombstone, which declines the original when it comes.

use cashpoint_mutant::{Mutant, chosen};

use crate::command::Reverse;
use crate::event::Actor;
use crate::facts::{Facts, Keys, Lookups, Recorded};
use crate::id::RequestId;
use crate::outcome::{Done, Refusal};
use crate::time::BusinessDate;

use super::settle::{self, Ending, Word};
use super::{Decide, Draft, Stop, advice};

impl Decide for Reverse {
    fn request(&self) -> Option<RequestId> {
        Some(self.request)
    }

    fn lookups(&self, lookups: &mut Lookups) {
        lookups.originals.insert(self.original);
        lookups.requests.insert(self.original);
    }

    fn keys(&self, facts: &Facts, _: BusinessDate, keys: &mut Keys) {
        settle::original_keys(facts, self.original, keys);
    }

    fn decide(&self, draft: &mut Draft<'_>) -> Result<Done, Stop> {
        advice::replay(draft, self.terminal, self.request)?;
        if draft.facts.originals.find(&self.original).is_none() {
            return self.without_original(draft);
        }
        let unsettled = settle::advised(draft, self.terminal, self.original)?;
        if chosen(Mutant::ReversalNotPosted) {
            return Ok(Done::Changed);
        }
        let holdings = draft.facts.holdings.at(&self.terminal);
        match settle::believable(holdings, &self.moved).filter(|paid| *paid < unsettled.amount()) {
            Some(paid) => {
                let paid = if chosen(Mutant::PartPaidBack) { 0 } else { paid };
                let (moved, word, case) = (&self.moved, Word::Terminal, &self.case);
                Ok(Done::Settled(unsettled.settle(draft, &Ending { paid, moved, word, case })))
            }
            None => Ok(unsettled.suspend(draft, Actor::Machine(self.terminal), &self.case)),
        }
    }
}

impl Reverse {
    /// Nothing was approved under that key. A tombstone sees to it that nothing will be, unless an answer stands there
    /// already: a refusal, or an earlier reversal's tombstone.
    fn without_original(&self, draft: &mut Draft<'_>) -> Result<Done, Stop> {
        if self.moved.dispensed.iter().any(|&count| count > 0) {
            return Err(advice::refused(draft, self.terminal, Refusal::TransactionNotFound));
        }
        if draft.facts.requests.find(&self.original).is_none() && !chosen(Mutant::TombstoneForgotten) {
            let tombstone = RequestId { key: self.original, content: Recorded::ANY_CONTENT };
            draft.record(tombstone, Err(Refusal::Reversed));
        }
        Ok(Done::Changed)
    }
}
