//! A terminal's journal does not continue what is known of it: from now on nothing is taken from it, until staff have
//! looked. What was taken before stands.

use crate::change::Row;
use crate::command::DoubtJournal;
use crate::enrolled::{JournalHead, JournalTrust};
use crate::event::{Actor, AuditKind};
use crate::facts::{Facts, Keys, Lookups};
use crate::outcome::{Done, Refusal};
use crate::time::BusinessDate;

use super::{Decide, Draft, Stop};

impl Decide for DoubtJournal {
    fn lookups(&self, _: &mut Lookups) {}

    fn keys(&self, _: &Facts, _: BusinessDate, keys: &mut Keys) {
        keys.terminals.insert(self.terminal);
    }

    fn decide(&self, draft: &mut Draft<'_>) -> Result<Done, Stop> {
        let mut terminal = draft.facts.terminals.find(&self.terminal).ok_or(Refusal::AtmNotFound)?.clone();
        let head = match terminal.journal {
            JournalTrust::Doubted(_) => return Ok(Done::Changed),
            JournalTrust::Kept(head) => head,
            JournalTrust::Open => JournalHead { n: 0, mac: [0; 32] },
        };
        terminal.journal = JournalTrust::Doubted(head);
        draft.set(Row::Terminal(terminal));
        draft.audit(Actor::Machine(self.terminal), AuditKind::JournalDoubted, self.terminal, self.why.as_str());
        Ok(Done::Changed)
    }
}
