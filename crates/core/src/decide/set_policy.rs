//! Staff set policy values. The values themselves were checked at the edge; what is decided here is that nobody else
//! changed them since they were read.

use crate::change::New;
use crate::command::SetPolicy;
use crate::event::{Actor, AuditKind};
use crate::facts::{Facts, Keys, Lookups};
use crate::outcome::{Done, Refusal};
use crate::time::BusinessDate;

use super::{Decide, Draft, Stop, permit};

impl Decide for SetPolicy {
    fn lookups(&self, _: &mut Lookups) {}

    fn keys(&self, _: &Facts, _: BusinessDate, keys: &mut Keys) {
        permit::session_keys(&self.session, keys);
    }

    fn decide(&self, draft: &mut Draft<'_>) -> Result<Done, Stop> {
        let operator = permit::operator(draft, &self.session, &[])?;
        if self.from != draft.moment.policy_version {
            return Err(Refusal::Moved.into());
        }
        let version = self.from.checked_add(1).expect("nobody changes a policy four billion times");
        draft.add(New::Policy(version, self.policy.clone()));
        let actor = Actor::Operator(operator);
        draft.audit(actor, AuditKind::PolicyChanged, version, self.changed.join(", "));
        draft.touch(&self.session);
        Ok(Done::PolicyChanged(version))
    }
}
