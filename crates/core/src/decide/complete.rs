//! A terminal says that the customer took all of what was promised: the money leaves the machine's cash. If the notes
//! that moved do not add up to that, it becomes a case.

use cashpoint_mutant::{Mutant, chosen};

use crate::command::Complete;
use crate::event::Actor;
use crate::facts::{Facts, Keys, Lookups};
use crate::id::RequestId;
use crate::outcome::Done;
use crate::terminal::link::Movement;
use crate::time::BusinessDate;

use super::settle::{self, Ending, Word};
use super::{Decide, Draft, Stop, advice};

impl Decide for Complete {
    fn request(&self) -> Option<RequestId> {
        Some(self.request)
    }

    fn lookups(&self, lookups: &mut Lookups) {
        lookups.originals.insert(self.original);
        lookups.cards.extend(self.card);
    }

    fn keys(&self, facts: &Facts, _: BusinessDate, keys: &mut Keys) {
        settle::original_keys(facts, self.original, keys);
        keys.cards.extend(self.card.and_then(|card| facts.card_identities.find(&card)).map(|card| card.id));
    }

    fn decide(&self, draft: &mut Draft<'_>) -> Result<Done, Stop> {
        advice::replay(draft, self.terminal, self.request)?;
        let unsettled = settle::advised(draft, self.terminal, self.original)?;
        let holdings = draft.facts.holdings.at(&self.terminal);
        let (word, case) = (Word::Terminal, &self.case);
        match settle::believable(holdings, &self.moved).filter(|paid| *paid == unsettled.amount()) {
            Some(_) if chosen(Mutant::CompletedPaidBack) => {
                let ending = Ending { paid: 0, moved: &Movement::default(), word, case };
                Ok(Done::Settled(unsettled.settle(draft, &ending)))
            }
            Some(paid) => {
                advice::flag_reported(draft, self.terminal, self.card, unsettled.promised());
                Ok(Done::Settled(unsettled.settle(draft, &Ending { paid, moved: &self.moved, word, case })))
            }
            None => Ok(unsettled.suspend(draft, Actor::Machine(self.terminal), &self.case)),
        }
    }
}
