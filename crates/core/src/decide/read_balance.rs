//! Telling a balance. It takes the road of the commands that change money, so it is ordered with them, touches the
//! session and stands among the customer's events. Closed accounts answer too.

use crate::command::{By, ReadBalance};
use crate::event::EventKind;
use crate::facts::{Facts, Keys, Lookups};
use crate::outcome::{Balance, Done};
use crate::time::BusinessDate;

use super::{Decide, Draft, Stop, permit};

impl Decide for ReadBalance {
    fn lookups(&self, lookups: &mut Lookups) {
        permit::by_lookups(&self.by, lookups);
        lookups.accounts.insert(self.account);
    }

    fn keys(&self, facts: &Facts, _: BusinessDate, keys: &mut Keys) {
        permit::by_keys(&self.by, keys);
        if facts.account_identities.find(&self.account).is_some() {
            keys.accounts.insert(self.account);
        }
    }

    fn decide(&self, draft: &mut Draft<'_>) -> Result<Done, Stop> {
        let reach = match &self.by {
            // No cash moves, so a session may ask from anywhere.
            By::Session(caller) => permit::customer(draft, &caller.session)?,
            By::Teller => permit::mover(draft, &self.by)?,
        };
        permit::account(draft, reach, self.account)?;
        permit::card_good(draft, reach)?;
        draft.about.machine = permit::place_named(&self.by, None);
        draft.event(reach.customer, EventKind::BalanceRead, draft.about);
        match &self.by {
            By::Session(caller) => draft.touch(&caller.session),
            By::Teller => {}
        }
        let balance = draft.account(self.account).balance();
        Ok(Done::Balance(Balance { account: self.account, balance, at: draft.moment.now }))
    }
}
