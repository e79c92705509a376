//! Staff choose what a terminal does while the host is away, or take its journal as it is after they have looked.

use crate::change::Row;
use crate::command::{DirectTerminal, JournalAccepted, PartitionChoice};
use crate::enrolled::JournalTrust;
use crate::event::{Actor, AuditKind};
use crate::facts::{Facts, Keys, Lookups};
use crate::outcome::{Done, Refusal};
use crate::session::Role;
use crate::time::BusinessDate;

use super::{Decide, Draft, Stop, advice, permit};

impl Decide for DirectTerminal {
    fn lookups(&self, lookups: &mut Lookups) {
        lookups.machines.insert(self.terminal);
    }

    fn keys(&self, _: &Facts, _: BusinessDate, keys: &mut Keys) {
        permit::session_keys(&self.session, keys);
        keys.terminals.insert(self.terminal);
    }

    fn decide(&self, draft: &mut Draft<'_>) -> Result<Done, Stop> {
        let operator = permit::operator(draft, &self.session, &[Role::Custodian])?;
        advice::terminal(draft, self.terminal)?;
        let known = draft.facts.terminals.find(&self.terminal).cloned();
        let mut terminal = known.ok_or(Refusal::InvalidRequest { field: "partition" })?;
        if let Some(choice) = self.partition {
            terminal.partition = match choice {
                PartitionChoice::Own(policy) => Some(policy),
                PartitionChoice::Policy => None,
            };
            terminal.partition_changes += 1;
            let detail = match choice {
                PartitionChoice::Own(_) => "a partition policy of its own",
                PartitionChoice::Policy => "the bank's partition policy",
            };
            draft.audit(Actor::Operator(operator), AuditKind::MachineChanged, self.terminal, detail);
        }
        if let Some(JournalAccepted) = self.journal {
            terminal.journal = JournalTrust::Open;
            draft.audit(Actor::Operator(operator), AuditKind::JournalAccepted, self.terminal, "");
        }
        draft.set(Row::Terminal(terminal));
        draft.touch(&self.session);
        Ok(Done::Changed)
    }
}
