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
