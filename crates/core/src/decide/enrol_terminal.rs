//! Taking a terminal in: it shows the one-time code of its machine and its public key. The code serves once; shown again
//! with the same key, it is the same enrolment.

use crate::change::Row;
use crate::command::EnrolTerminal;
use crate::enrolled::EnrolledTerminal;
use crate::event::{Actor, AuditKind};
use crate::facts::{Facts, Keys, Lookups};
use crate::machine::MachineKind;
use crate::outcome::{Done, Refusal};
use crate::time::BusinessDate;

use super::{Decide, Draft, Stop};

impl Decide for EnrolTerminal {
    fn lookups(&self, lookups: &mut Lookups) {
        lookups.machines.insert(self.terminal);
    }

    fn keys(&self, _: &Facts, _: BusinessDate, keys: &mut Keys) {
        keys.terminals.insert(self.terminal);
    }

    fn decide(&self, draft: &mut Draft<'_>) -> Result<Done, Stop> {
        let machine = draft.facts.machine_identities.find(&self.terminal).filter(|machine| match machine.kind {
            MachineKind::Terminal => self.opens(machine),
            MachineKind::Api | MachineKind::Counter => false,
        });
        let machine = *machine.ok_or(Refusal::WrongCredentials)?;
        match draft.facts.terminals.find(&machine.id) {
            Some(known) if known.key == self.key => return Ok(Done::Changed),
            Some(_) => return Err(Refusal::WrongCredentials.into()),
            None => {}
        }
        let (now, date) = (draft.moment.now, draft.moment.business_date);
        draft.set(Row::Terminal(EnrolledTerminal::new(machine.id, self.key, now, date)));
        draft.audit(Actor::Machine(machine.id), AuditKind::TerminalEnrolled, machine.id, "");
        Ok(Done::Changed)
    }
}
