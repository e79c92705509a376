//! A terminal says that its device cannot tell what became of promised cash: a case is opened, the money stays in
//! flight, and nobody is credited on a guess.

use crate::change::Row;
use crate::command::Suspect;
use crate::event::{About, EventKind};
use crate::facts::{Facts, Keys, Lookups};
use crate::id::RequestId;
use crate::outcome::Done;
use crate::time::BusinessDate;
use crate::withdrawal::Case;

use super::{Decide, Draft, Stop, settle};

impl Decide for Suspect {
    fn request(&self) -> Option<RequestId> {
        Some(self.request)
    }

    fn lookups(&self, lookups: &mut Lookups) {
        lookups.originals.insert(self.original);
    }

    fn keys(&self, facts: &Facts, _: BusinessDate, keys: &mut Keys) {
        if let Some(withdrawal) = facts.originals.find(&self.original) {
            keys.withdrawals.insert(withdrawal.id);
            keys.customers.insert(withdrawal.customer);
        }
    }

    fn decide(&self, draft: &mut Draft<'_>) -> Result<Done, Stop> {
        draft.replay(self.request)?;
        let withdrawal = settle::original(draft, self.terminal, self.original)?;
        settle::unsettled(draft, withdrawal)?.suspend(draft, self.case);
        draft.set(Row::Case(Case {
            id: self.case,
            withdrawal: withdrawal.id,
            machine: withdrawal.machine,
            amount: withdrawal.amount,
            resolved: None,
        }));
        let about = About {
            account: Some(withdrawal.account),
            amount: Some(withdrawal.amount),
            transfer: Some(withdrawal.id),
            machine: Some(withdrawal.machine),
            ..About::default()
        };
        draft.event(withdrawal.customer, EventKind::Suspect, about);
        Ok(Done::CaseOpened(self.case))
    }
}
