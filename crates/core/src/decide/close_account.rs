//! A customer closes an account that holds nothing. It keeps its number and history for ever. Cash of a withdrawal that
//! a terminal still has under way may come back to it later; that it moves on from there is the reversal's affair.

use crate::account::Account;
use crate::command::CloseAccount;
use crate::event::EventKind;
use crate::facts::{Facts, Keys, Lookups};
use crate::outcome::{Done, Refusal};
use crate::time::BusinessDate;

use super::{Decide, Draft, Stop, permit};

impl Decide for CloseAccount {
    fn lookups(&self, lookups: &mut Lookups) {
        permit::session_lookups(&self.session, lookups);
        lookups.accounts.insert(self.account);
    }

    fn keys(&self, facts: &Facts, _: BusinessDate, keys: &mut Keys) {
        permit::session_keys(&self.session, keys);
        if facts.account_identities.find(&self.account).is_some() {
            keys.accounts.insert(self.account);
        }
    }

    fn decide(&self, draft: &mut Draft<'_>) -> Result<Done, Stop> {
        let reach = permit::customer(draft, &self.session)?;
        if reach.card.is_some() {
            return Err(Refusal::Forbidden.into());
        }
        permit::account(draft, reach, self.account)?;
        permit::account_open(draft, self.account)?;
        let account = draft.account(self.account);
        if account.balance_minor() != 0 {
            return Err(Refusal::AccountNotEmpty.into());
        }
        draft.set_account(Account { closed: Some(draft.moment.now), ..account });
        draft.event(reach.customer, EventKind::AccountClosed, draft.about);
        draft.touch(&self.session);
        Ok(Done::Changed)
    }
}
