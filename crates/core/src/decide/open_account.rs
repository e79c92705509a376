//! A customer opens another account.

use crate::command::OpenAccount;
use crate::facts::{Facts, Keys, Lookups};
use crate::id::RequestId;
use crate::outcome::Done;
use crate::time::BusinessDate;

use super::{Decide, Draft, Stop, permit, sign_up};

impl Decide for OpenAccount {
    fn request(&self) -> Option<RequestId> {
        Some(self.request)
    }

    fn lookups(&self, lookups: &mut Lookups) {
        permit::session_lookups(&self.session, lookups);
        lookups.accounts.insert(self.account.number);
    }

    fn keys(&self, _: &Facts, _: BusinessDate, keys: &mut Keys) {
        permit::session_keys(&self.session, keys);
    }

    fn decide(&self, draft: &mut Draft<'_>) -> Result<Done, Stop> {
        let customer = permit::online(draft, &self.session)?;
        draft.replay(self.request)?;
        sign_up::number_free(draft, &self.account)?;
        sign_up::open(draft, customer, &self.account);
        draft.touch(&self.session);
        Ok(Done::AccountOpened(self.account.number))
    }
}
