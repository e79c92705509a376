//! Who runs the host adds a member of staff, at its command line: no session asks.

use crate::change::New;
use crate::command::AddOperator;
use crate::event::{Actor, AuditKind};
use crate::facts::{Facts, Keys, Lookups};
use crate::outcome::{Done, Refusal};
use crate::time::BusinessDate;

use super::{Decide, Draft, Stop};

impl Decide for AddOperator {
    fn lookups(&self, lookups: &mut Lookups) {
        lookups.operator_names.insert(self.operator.name.clone());
    }

    fn keys(&self, _: &Facts, _: BusinessDate, _: &mut Keys) {}

    fn decide(&self, draft: &mut Draft<'_>) -> Result<Done, Stop> {
        if draft.facts.operator_names.find(&self.operator.name).is_some() {
            return Err(Refusal::InvalidRequest { field: "username" }.into());
        }
        let id = self.operator.id;
        let role = self.operator.role.name();
        draft.add(New::Operator(self.operator.clone()));
        draft.audit(Actor::Console, AuditKind::OperatorAdded, id, role);
        Ok(Done::OperatorAdded(id))
    }
}

#[cfg(test)]
mod tests {
    use super::super::world::World;
    use super::*;
    use crate::customer::{Operator, PasswordHash};
    use crate::id::OperatorId;
    use crate::session::Role;

    #[test]
    fn adds_each_name_once() {
        let mut world = World::new();
        let password = PasswordHash { version: 1, phc: "$argon2id$".to_owned() };
        let operator = Operator { id: OperatorId::new(5), name: "ada".to_owned(), role: Role::Clerk, password };
        let command = AddOperator { operator: operator.clone() };
        assert_eq!(world.run(command), Ok(Done::OperatorAdded(operator.id)));
        assert_eq!(world.audits(AuditKind::OperatorAdded)[0].actor, Actor::Console);
        let again = AddOperator { operator: Operator { id: OperatorId::new(6), ..operator } };
        assert_eq!(world.run(again), Err(Refusal::InvalidRequest { field: "username" }));
    }
}
