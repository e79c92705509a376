//! Staff move a machine, or switch it on or off. Counters are not ATMs and are not found here.

use crate::change::Row;
use crate::command::UpdateMachine;
use crate::enrolled::StaffOrder;
use crate::event::{Actor, AuditKind};
use crate::facts::{Facts, Keys, Lookups};
use crate::machine::{Machine, MachineStatus};
use crate::outcome::Done;
use crate::session::Role;
use crate::terminal::link::HostCommandKind;
use crate::time::BusinessDate;

use super::{Decide, Draft, Stop, permit};

impl Decide for UpdateMachine {
    fn lookups(&self, lookups: &mut Lookups) {
        lookups.machines.insert(self.machine);
    }

    fn keys(&self, _: &Facts, _: BusinessDate, keys: &mut Keys) {
        permit::session_keys(&self.session, keys);
        keys.machines.insert(self.machine);
        keys.terminals.insert(self.machine);
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
            self.order(draft, status);
        }
        draft.set(Row::Machine(machine));
        let actor = Actor::Operator(operator);
        draft.audit(actor, AuditKind::MachineChanged, self.machine, changed.join(", "));
        draft.touch(&self.session);
        Ok(Done::Changed)
    }
}

impl UpdateMachine {
    /// A terminal is told to serve, or not to.
    fn order(&self, draft: &mut Draft<'_>, status: MachineStatus) {
        if let Some(mut terminal) = draft.facts.terminals.find(&self.machine).cloned() {
            let kind = match status {
                MachineStatus::Active => HostCommandKind::Open,
                MachineStatus::Inactive => HostCommandKind::Close,
            };
            terminal.order = Some(StaffOrder { number: terminal.order.map_or(1, |order| order.number + 1), kind });
            draft.set(Row::Terminal(terminal));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::world::World;
    use super::*;
    use crate::id::MachineId;
    use crate::machine::MachineKind;
    use crate::outcome::Refusal;

    fn update(world: &mut World, machine: MachineId) -> UpdateMachine {
        UpdateMachine { session: world.operator(Role::Custodian), machine, location: None, status: None }
    }

    #[test]
    fn changes_what_is_named_and_keeps_the_rest() {
        let mut world = World::new();
        let id = world.machine("ATM1", MachineKind::Terminal);
        let off = UpdateMachine { status: Some(MachineStatus::Inactive), ..update(&mut world, id) };
        assert_eq!(world.run(off), Ok(Done::Changed));
        let moved = UpdateMachine { location: Some("Airport".to_owned()), ..update(&mut world, id) };
        assert_eq!(world.run(moved), Ok(Done::Changed));
        let machine = world.facts.machines.at(&id);
        assert_eq!((machine.status, machine.location.as_str()), (MachineStatus::Inactive, "Airport"));
        let details: Vec<_> = world.audits(AuditKind::MachineChanged).into_iter().map(|record| record.detail).collect();
        assert_eq!(details, ["switched off", "location"]);
    }

    #[test]
    fn finds_no_counter_and_no_unknown_machine_and_obeys_no_clerk() {
        let mut world = World::new();
        let (counter, atm) = (world.machine("C1", MachineKind::Counter), world.machine("ATM1", MachineKind::Api));
        for id in [counter, MachineId::parse("ATM9").expect("a good id")] {
            let command = update(&mut world, id);
            assert_eq!(world.run(command), Err(Refusal::AtmNotFound));
        }
        let command = UpdateMachine { session: world.operator(Role::Clerk), ..update(&mut world, atm) };
        assert_eq!(world.run(command), Err(Refusal::Forbidden));
    }
}
