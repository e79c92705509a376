//! Staff move a machine, or switch it on or off. Counters are not ATMs and are not found here.

use crate::change::Row;
use crate::command::UpdateMachine;
use crate::event::{Actor, AuditKind};
use crate::facts::{Facts, Keys, Lookups};
use crate::machine::{Machine, MachineStatus};
use crate::outcome::Done;
use crate::session::Role;
use crate::time::BusinessDate;

use super::{Decide, Draft, Stop, permit};

impl Decide for UpdateMachine {
    fn lookups(&self, lookups: &mut Lookups) {
        lookups.machines.insert(self.machine);
    }

    fn keys(&self, _: &Facts, _: BusinessDate, keys: &mut Keys) {
        permit::session_keys(&self.session, keys);
        keys.machines.insert(self.machine);
    }

    fn decide(&self, draft: &mut Draft<'_>) -> Result<Done, Stop> {
        let operator = permit::operator(draft, &self.session, &[Role::Custodian])?;
        permit::atm(draft, self.machine)?;
        let mut machine: Machine = draft.facts.machines.at(&self.machine).clone();
        let mut changed = Vec::new();
        if let Some(location) = &self.location {
            machine.location.clone_from(location);
            changed.push("location");
        }
        if let Some(status) = self.status {
            machine.status = status;
            changed.push(match status {
                MachineStatus::Active => "switched on",
                MachineStatus::Inactive => "switched off",
            });
        }
        draft.set(Row::Machine(machine));
        let actor = Actor::Operator(operator);
        draft.audit(actor, AuditKind::MachineChanged, self.machine, changed.join(", "));
        draft.touch(&self.session);
        Ok(Done::Changed)
    }
}
