//! A customer comes by themselves: with a password, a first account and a session.

use crate::account::{Account, AccountIdentity};
use crate::change::New;
use crate::command::{NewAccount, SignUp};
use crate::customer::{Customer, PasswordHash, Profile};
use crate::event::{About, Actor, AuditKind, EventKind};
use crate::facts::{Facts, Keys, Lookups};
use crate::id::CustomerId;
use crate::outcome::{Done, Refusal};
use crate::session::Subject;
use crate::time::BusinessDate;

use super::log_in_online::online_session;
use super::{Decide, Draft, Stop};

/// The version of a customer's first password.
const FIRST: u32 = 1;

impl Decide for SignUp {
    fn lookups(&self, lookups: &mut Lookups) {
        lookups.emails.extend(self.profile.email.as_ref().map(|(_, index)| *index));
        lookups.accounts.insert(self.account.number);
    }

    fn keys(&self, _: &Facts, _: BusinessDate, _: &mut Keys) {}

    fn decide(&self, draft: &mut Draft<'_>) -> Result<Done, Stop> {
        let email = self.profile.email.as_ref();
        if email.is_some_and(|(_, index)| draft.facts.emails.find(index).is_some()) {
            return Err(Refusal::EmailTaken.into());
        }
        number_free(draft, &self.account)?;
        let customer = Customer::new(self.profile.customer, FIRST);
        let profile = Profile { since: draft.moment.now, ..self.profile.clone() };
        let password = PasswordHash { version: FIRST, phc: self.password.phc.clone() };
        draft.set_customer(customer);
        draft.add(New::Customer(customer, profile, Some(password)));
        draft.audit(Actor::Customer(customer.id), AuditKind::CustomerCreated, customer.id, "signed up");
        open(draft, customer.id, &self.account);
        let subject = Subject::Online { customer: customer.id };
        let (session, state) = online_session(draft, self.session, subject, customer.generation);
        draft.add(New::Session(session, state));
        draft.event(customer.id, EventKind::LoggedIn, About::default());
        Ok(Done::SignedUp { session, account: self.account.number })
    }
}

/// No account has the number that was made for this one. Its identity must be looked up.
pub(super) fn number_free(draft: &Draft<'_>, account: &NewAccount) -> Result<(), Refusal> {
    if draft.facts.account_identities.find(&account.number).is_some() { Err(Refusal::NumberTaken) } else { Ok(()) }
}

/// Opens an empty account and tells its owner.
pub(super) fn open(draft: &mut Draft<'_>, customer: CustomerId, account: &NewAccount) {
    let NewAccount { number, product, currency } = *account;
    let identity = AccountIdentity { number, customer, product, currency, opened: draft.moment.now };
    let account = Account::opened(identity);
    draft.add(New::Account(account));
    draft.set_account(account);
    draft.event(customer, EventKind::AccountOpened, About { account: Some(number), ..About::default() });
}
