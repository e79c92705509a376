//! Staff have a new code made for a terminal, because the first was lost or the machine has another computer. Until it is
//! used, everything stays as it was.

use crate::change::Row;
use crate::command::IssueEnrolment;
use crate::event::{Actor, AuditKind};
use crate::facts::{Facts, Keys, Lookups};
use crate::outcome::Done;
use crate::time::BusinessDate;

use super::{Decide, Draft, Stop, advice, permit};

impl Decide for IssueEnrolment {
    fn lookups(&self, lookups: &mut Lookups) {
        lookups.machines.insert(self.terminal);
    }

    fn keys(&self, _: &Facts, _: BusinessDate, keys: &mut Keys) {
        permit::session_keys(&self.session, keys);
    }

    fn decide(&self, draft: &mut Draft<'_>) -> Result<Done, Stop> {
        let operator = permit::operator(draft, &self.session, &[])?;
        advice::terminal(draft, self.terminal)?;
        draft.set(Row::TerminalKeys(self.terminal, self.keys.clone()));
        draft.audit(Actor::Operator(operator), AuditKind::EnrolmentIssued, self.terminal, "");
        draft.touch(&self.session);
        Ok(Done::Changed)
    }
}
