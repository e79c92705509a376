//! Taking a terminal in again, with the code that staff had made: its key takes the place of the one before. The code serves
//! once, because it serves in that key's place alone; shown again with the same key, it is the same enrolment.

use crate::change::Row;
use crate::command::RenewTerminal;
use crate::enrolled::EnrolledTerminal;
use crate::event::{Actor, AuditKind};
use crate::facts::{Facts, Keys, Lookups};
use crate::outcome::{Done, Refusal};
use crate::time::BusinessDate;

use super::{Decide, Draft, Stop, advice};

impl Decide for RenewTerminal {
    fn lookups(&self, lookups: &mut Lookups) {
        lookups.machines.insert(self.terminal);
    }

    fn keys(&self, _: &Facts, _: BusinessDate, keys: &mut Keys) {
        keys.terminals.insert(self.terminal);
    }

    fn decide(&self, draft: &mut Draft<'_>) -> Result<Done, Stop> {
        let machine = advice::terminal(draft, self.terminal)?;
        let (now, date) = (draft.moment.now, draft.moment.business_date);
        let terminal = match draft.facts.terminals.find(&machine.id) {
            Some(known) if known.key == self.key => return Ok(Done::Changed),
            known if known.map(|known| known.key) != self.replaces => return Err(Refusal::WrongCredentials.into()),
            Some(known) => known.renewed(self.key, now),
            None => EnrolledTerminal::new(machine.id, self.key, now, date),
        };
        draft.set(Row::Terminal(terminal));
        draft.audit(Actor::Machine(machine.id), AuditKind::TerminalEnrolled, machine.id, "with a new code");
        Ok(Done::Changed)
    }
}
