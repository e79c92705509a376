//! Beginning a customer's online session by email and password. Several may live at once.

use crate::change::New;
use crate::command::{LogInOnline, NewSession};
use crate::event::{About, Actor, AuditKind, EventKind};
use crate::facts::{Facts, Keys, Lookups};
use crate::outcome::{Done, Refusal};
use crate::session::{Session, SessionState, Subject};
use crate::time::BusinessDate;

use super::password_try::{PasswordTry, try_password};
use super::{Decide, Draft, Stop};

impl Decide for LogInOnline {
    fn lookups(&self, _: &mut Lookups) {}

    fn keys(&self, _: &Facts, _: BusinessDate, keys: &mut Keys) {
        keys.tries.insert(self.identity);
        keys.customers.extend(self.check.map(|check| check.of));
    }

    fn decide(&self, draft: &mut Draft<'_>) -> Result<Done, Stop> {
        if let Some(check) = self.check
            && draft.customer(check.of).password_version != check.version
        {
            return Err(Refusal::Moved.into());
        }
        let actor = self.check.map_or(Actor::Unknown, |check| Actor::Customer(check.of));
        let attempt = PasswordTry { identity: &self.identity, actor, failure: AuditKind::OnlineLogInFailed };
        try_password(draft, attempt, self.check.map(|check| check.matched))?;
        let customer = self.check.expect("a password is right only for a customer").of;
        let generation = draft.customer(customer).generation;
        let (session, state) = online_session(draft, self.session, Subject::Online { customer }, generation);
        draft.add(New::Session(session, state));
        draft.event(customer, EventKind::LoggedIn, About::default());
        Ok(Done::LoggedIn(session))
    }
}

/// A session that begins now, with the times that the policy gives to sessions that no machine holds.
pub(super) fn online_session(
    draft: &Draft<'_>,
    new: NewSession,
    subject: Subject,
    generation: u32,
) -> (Session, SessionState) {
    let (now, policy) = (draft.moment.now, draft.moment.policy);
    let ends = Some(now.plus_s(i64::from(policy.online_session_s)));
    let NewSession { id, token } = new;
    let session = Session { id, token, subject, began: now, idle_s: policy.online_session_idle_s, ends };
    (session, SessionState { id, active: now, generation, ended: None })
}
