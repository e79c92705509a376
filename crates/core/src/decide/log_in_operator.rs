//! Beginning a session of staff. Their passwords are set at the host's command line and do not move under a log-in.

use crate::change::New;
use crate::command::LogInOperator;
use crate::event::{Actor, AuditKind};
use crate::facts::{Facts, Keys, Lookups};
use crate::outcome::Done;
use crate::session::Subject;
use crate::time::BusinessDate;

use super::log_in_online::online_session;
use super::password_try::{PasswordTry, try_password};
use super::{Decide, Draft, Stop};

impl Decide for LogInOperator {
    fn lookups(&self, _: &mut Lookups) {}

    fn keys(&self, _: &Facts, _: BusinessDate, keys: &mut Keys) {
        keys.tries.insert(self.identity);
    }

    fn decide(&self, draft: &mut Draft<'_>) -> Result<Done, Stop> {
        let actor = self.check.map_or(Actor::Unknown, |check| Actor::Operator(check.of.0));
        let attempt = PasswordTry { identity: &self.identity, actor, failure: AuditKind::OperatorLogInFailed };
        try_password(draft, attempt, self.check.map(|check| check.matched))?;
        let (operator, role) = self.check.expect("a password is right only for an operator").of;
        // Generations are of customers' passwords; a session of staff belongs to none.
        let (session, state) = online_session(draft, self.session, Subject::Operator { operator, role }, 0);
        draft.add(New::Session(session, state));
        draft.audit(Actor::Operator(operator), AuditKind::OperatorLoggedIn, operator, role.name());
        Ok(Done::LoggedIn(session))
    }
}
