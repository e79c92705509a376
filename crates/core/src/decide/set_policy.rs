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
        if self.changed.is_empty() {
            draft.touch(&self.session);
            return Ok(Done::PolicyChanged(self.from));
        }
        let version = self.from.checked_add(1).expect("nobody changes a policy four billion times");
        draft.add(New::Policy(version, self.policy.clone()));
        let actor = Actor::Operator(operator);
        draft.audit(actor, AuditKind::PolicyChanged, version, self.changed.join(", "));
        draft.touch(&self.session);
        Ok(Done::PolicyChanged(version))
    }
}

#[cfg(test)]
mod tests {
    use super::super::world::World;
    use super::*;
    use crate::policy::Policy;
    use crate::session::Role;

    #[test]
    fn makes_the_next_version_of_what_was_read_last() {
        let mut world = World::new();
        let admin = world.operator(Role::Admin);
        let policy = Policy { pin_tries: 5, ..Policy::default() };
        let command =
            SetPolicy { session: admin, from: 1, policy: policy.clone(), changed: vec!["pin_tries", "time_zone"] };
        assert_eq!(world.run(command.clone()), Ok(Done::PolicyChanged(2)));
        let version = |new: &New| matches!(new, New::Policy(2, values) if *values == policy);
        assert!(world.log.new.iter().any(version));
        let record = &world.audits(AuditKind::PolicyChanged)[0];
        assert_eq!((record.subject.as_str(), record.detail.as_str()), ("2", "pin_tries, time_zone"));
        world.policy_version = 2;
        let late = world.decide(command.clone());
        assert_eq!((late.outcome, late.changes.len()), (Err(Refusal::Moved), 0), "somebody was faster");
        let same = SetPolicy { from: 2, changed: Vec::new(), ..command.clone() };
        assert_eq!(world.run(same.clone()), Ok(Done::PolicyChanged(2)), "nothing changed, nothing new");
        for role in [Role::Clerk, Role::Custodian, Role::Auditor] {
            let session = world.operator(role);
            assert_eq!(world.run(SetPolicy { session, from: 2, ..command.clone() }), Err(Refusal::Forbidden));
            assert_eq!(world.run(SetPolicy { session, ..same.clone() }), Err(Refusal::Forbidden));
        }
    }
}
