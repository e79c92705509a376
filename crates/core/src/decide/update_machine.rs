//! Staff move a machine, switch it on or off, choose what its terminal does while the host is away, or take the
//! terminal's journal as it is after they have looked: all of it or nothing. What the journal before alone knew nobody will
//! tell any more, so withdrawals of which nothing was heard become cases. Counters are not ATMs and are not found here.

use crate::change::Row;
use crate::command::{InCase, JournalAccepted, PartitionChoice, UpdateMachine};
use crate::enrolled::{EnrolledTerminal, JournalTrust, StaffOrder};
use crate::event::{Actor, AuditKind};
use crate::facts::{Facts, Keys, Lookups};
use crate::machine::{Machine, MachineStatus};
use crate::outcome::{Done, Refusal};
use crate::session::Role;
use crate::terminal::link::HostCommandKind;
use crate::time::BusinessDate;

use super::{Decide, Draft, Stop, permit, settle};

impl Decide for UpdateMachine {
    fn lookups(&self, lookups: &mut Lookups) {
        lookups.machines.insert(self.machine);
        lookups.withdrawals.extend(self.unheard.iter().map(|(withdrawal, _)| *withdrawal));
    }

    fn keys(&self, facts: &Facts, _: BusinessDate, keys: &mut Keys) {
        permit::session_keys(&self.session, keys);
        keys.machines.insert(self.machine);
        keys.terminals.insert(self.machine);
        for withdrawal in self.unheard.iter().filter_map(|(id, _)| facts.withdrawal_identities.find(id)) {
            settle::keys(withdrawal, keys);
        }
    }

    fn decide(&self, draft: &mut Draft<'_>) -> Result<Done, Stop> {
        let operator = permit::operator(draft, &self.session, &[Role::Custodian])?;
        permit::atm(draft, self.machine)?;
        let mut terminal = draft.facts.terminals.find(&self.machine).cloned();
        if let (Some(field), None) = (self.field(), &terminal) {
            return Err(Refusal::InvalidRequest { field }.into());
        }
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
        if let Some(terminal) = &mut terminal {
            changed.extend(self.direct(terminal));
        }
        draft.set(Row::Machine(machine));
        if let Some(terminal) = terminal {
            draft.set(Row::Terminal(terminal));
        }
        let actor = Actor::Operator(operator);
        if !changed.is_empty() {
            draft.audit(actor, AuditKind::MachineChanged, self.machine, changed.join(", "));
        }
        if let Some(JournalAccepted) = self.journal {
            draft.audit(actor, AuditKind::JournalAccepted, self.machine, "");
            self.doubt_unheard(draft, actor);
        }
        draft.touch(&self.session);
        Ok(Done::Changed)
    }
}

impl UpdateMachine {
    /// Opens a case for each withdrawal of this machine that is still not heard of.
    fn doubt_unheard(&self, draft: &mut Draft<'_>, by: Actor) {
        for (id, case) in &self.unheard {
            let unheard = draft.facts.withdrawal_identities.find(id).filter(|found| found.machine == self.machine);
            if let Some(unsettled) = unheard.and_then(|found| settle::unheard(draft, *found)) {
                let evidence = "the journal that knew was not the one that staff accepted".to_owned();
                unsettled.suspend(draft, by, &InCase { id: *case, evidence });
            }
        }
    }

    /// What is said that only a terminal can be told.
    const fn field(&self) -> Option<&'static str> {
        match (self.partition, self.journal) {
            (Some(_), _) => Some("partition"),
            (None, Some(JournalAccepted)) => Some("journal"),
            (None, None) => None,
        }
    }

    /// What the terminal is told; gives what of it stands in the audit trail as a change.
    fn direct(&self, terminal: &mut EnrolledTerminal) -> Option<&'static str> {
        if let Some(status) = self.status {
            let kind = match status {
                MachineStatus::Active => HostCommandKind::Open,
                MachineStatus::Inactive => HostCommandKind::Close,
            };
            terminal.order = Some(StaffOrder { number: terminal.order.map_or(1, |order| order.number + 1), kind });
        }
        if let Some(JournalAccepted) = self.journal {
            terminal.journal = JournalTrust::Open;
        }
        let choice = self.partition?;
        terminal.partition_changes += 1;
        match choice {
            PartitionChoice::Own(policy) => {
                terminal.partition = Some(policy);
                Some("a partition policy of its own")
            }
            PartitionChoice::Policy => {
                terminal.partition = None;
                Some("the bank's partition policy")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::world::World;
    use super::*;
    use crate::command::EnrolTerminal;
    use crate::id::MachineId;
    use crate::machine::MachineKind;

    fn update(world: &mut World, machine: MachineId) -> UpdateMachine {
        let session = world.operator(Role::Custodian);
        UpdateMachine {
            session,
            machine,
            location: None,
            status: None,
            partition: None,
            journal: None,
            unheard: Vec::new(),
        }
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
    fn tells_the_terminal_with_the_machine_or_nothing_at_all() {
        let mut world = World::new();
        let id = world.machine("ATM1", MachineKind::Terminal);
        let (status, partition) = (Some(MachineStatus::Inactive), Some(PartitionChoice::Policy));
        let both = UpdateMachine { status, partition, ..update(&mut world, id) };
        let unknown = Refusal::InvalidRequest { field: "partition" };
        assert_eq!(world.run(both.clone()), Err(unknown));
        assert_eq!(world.facts.machines.at(&id).status, MachineStatus::Active, "no terminal was enrolled");
        let code = world.facts.machine_identities.at(&id).secret;
        assert_eq!(world.run(EnrolTerminal { terminal: id, code, key: [7; 32] }), Ok(Done::Changed));
        assert_eq!(world.run(both), Ok(Done::Changed));
        let terminal = world.facts.terminals.at(&id);
        assert_eq!(terminal.order, Some(StaffOrder { number: 1, kind: HostCommandKind::Close }));
        assert_eq!((terminal.partition_changes, world.facts.machines.at(&id).status), (1, MachineStatus::Inactive));
        let audits = world.audits(AuditKind::MachineChanged);
        assert_eq!(audits.last().unwrap().detail, "switched off, the bank's partition policy");
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
