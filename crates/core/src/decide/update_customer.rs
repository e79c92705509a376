//! A customer changes their own data.

use crate::change::Row;
use crate::command::UpdateCustomer;
use crate::customer::Profile;
use crate::event::{About, EventKind};
use crate::facts::{Facts, Keys, Lookups};
use crate::outcome::{Done, Refusal};
use crate::time::BusinessDate;

use super::{Decide, Draft, Stop, permit};

impl Decide for UpdateCustomer {
    fn lookups(&self, lookups: &mut Lookups) {
        permit::session_lookups(&self.session, lookups);
        lookups.emails.extend(self.email.as_ref().map(|(_, index)| *index));
    }

    fn keys(&self, _: &Facts, _: BusinessDate, keys: &mut Keys) {
        permit::session_keys(&self.session, keys);
        keys.profiles.extend(self.session.customer());
    }

    fn decide(&self, draft: &mut Draft<'_>) -> Result<Done, Stop> {
        let customer = permit::online(draft, &self.session)?;
        let old = draft.facts.profiles.at(&customer).clone();
        let holder = self.email.as_ref().and_then(|(_, index)| draft.facts.emails.find(index));
        if holder.is_some_and(|holder| *holder != customer) {
            return Err(Refusal::EmailTaken.into());
        }
        let old_index = old.email.as_ref().map(|(_, index)| *index);
        let new_index = self.email.as_ref().map(|(_, index)| *index);
        let retired = if new_index.is_some() && new_index != old_index { old_index } else { None };
        let profile = Profile {
            name: self.name.clone().unwrap_or(old.name),
            email: self.email.clone().or(old.email),
            phone: self.phone.clone().unwrap_or(old.phone),
            address: self.address.clone().unwrap_or(old.address),
            customer: old.customer,
            data_key: old.data_key,
            since: old.since,
        };
        draft.set(Row::Profile(profile, retired));
        draft.event(customer, EventKind::ProfileChanged, About::default());
        draft.touch(&self.session);
        Ok(Done::Changed)
    }
}
