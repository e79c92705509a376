//! A new password: it ends the customer's other online sessions. Cards and their sessions have PINs and stay.

use crate::change::Row;
use crate::command::ChangePassword;
use crate::customer::{Customer, PasswordHash};
use crate::event::{About, Actor, AuditKind, EventKind};
use crate::facts::{Facts, Keys, Lookups};
use crate::outcome::{Done, Refusal};
use crate::session::SessionState;
use crate::time::BusinessDate;

use super::password_try::{PasswordTry, try_password};
use super::{Decide, Draft, Stop, permit};

impl Decide for ChangePassword {
    fn lookups(&self, lookups: &mut Lookups) {
        permit::session_lookups(&self.session, lookups);
    }

    fn keys(&self, _: &Facts, _: BusinessDate, keys: &mut Keys) {
        permit::session_keys(&self.session, keys);
        keys.tries.insert(self.identity);
    }

    /// # Panics
    /// If the comparison is of another customer's password than the session's: the bank made it from the session.
    fn decide(&self, draft: &mut Draft<'_>) -> Result<Done, Stop> {
        let id = permit::online(draft, &self.session)?;
        assert_eq!(self.check.of, id, "the password compared is the caller's own");
        let customer = draft.customer(id);
        if customer.password_version != self.check.version {
            return Err(Refusal::Moved.into());
        }
        let actor = Actor::Customer(id);
        let attempt = PasswordTry { identity: &self.identity, actor, failure: AuditKind::OnlineLogInFailed };
        try_password(draft, attempt, Some(self.check.matched))?;
        let generation = customer.generation + 1;
        let version = customer.password_version + 1;
        draft.set_customer(Customer { generation, password_version: version, ..customer });
        draft.set(Row::Password(id, PasswordHash { version, phc: self.password.phc.clone() }));
        // The session takes the new generation along, so that it alone lives on.
        let state = *draft.facts.sessions.at(&self.session.id);
        draft.set(Row::Session(SessionState { active: draft.moment.now, generation, ..state }));
        draft.event(id, EventKind::PasswordChanged, About::default());
        draft.audit(actor, AuditKind::PasswordChanged, id, "by the customer");
        Ok(Done::Changed)
    }
}
