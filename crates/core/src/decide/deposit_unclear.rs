//! A deposit of which nobody knows what became of the notes: a case is opened, and nothing posts. What is found in the
//! machine posts when it is counted. Where a fault struck before any note was counted, not even the amount is known: it is
//! zero, and staff say how much was found.

use crate::case::Matter;
use crate::command::DepositUnclear;
use crate::event::{About, EventKind};
use crate::facts::{Facts, Keys, Lookups};
use crate::id::RequestId;
use crate::outcome::Done;
use crate::time::BusinessDate;

use super::advice::{self, Told};
use super::{Decide, Draft, Stop};

impl Decide for DepositUnclear {
    fn request(&self) -> Option<RequestId> {
        Some(self.request)
    }

    fn lookups(&self, lookups: &mut Lookups) {
        self.told().lookups(lookups);
    }

    fn keys(&self, facts: &Facts, date: BusinessDate, keys: &mut Keys) {
        self.told().keys(facts, date, keys);
    }

    fn decide(&self, draft: &mut Draft<'_>) -> Result<Done, Stop> {
        advice::replay(draft, self.terminal, self.request)?;
        let told = self.told();
        told.machine_or_nothing(draft).map_err(|refusal| advice::refused(draft, self.terminal, refusal))?;
        if let Some(customer) = told.claimant(draft) {
            let about = About {
                account: Some(self.account),
                amount: Some(self.amount).filter(|amount| amount.minor() > 0),
                machine: Some(self.terminal),
                card: Some(self.card),
                ..About::default()
            };
            draft.event(customer, EventKind::DepositHeld, about);
        }
        Ok(told.open(draft, Matter::DepositUnclear, &self.case))
    }
}

impl DepositUnclear {
    fn told(&self) -> Told {
        Told { terminal: self.terminal, card: self.card, account: self.account, amount: self.amount }
    }
}
