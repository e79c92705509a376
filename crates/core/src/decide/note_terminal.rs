//! How far a terminal's messages and its journal got. Nothing goes back: a note that comes late changes nothing.

use crate::change::Row;
use crate::command::NoteTerminal;
use crate::enrolled::JournalTrust;
use crate::facts::{Facts, Keys, Lookups};
use crate::outcome::{Done, Refusal};
use crate::time::BusinessDate;

use super::{Decide, Draft, Stop};

impl Decide for NoteTerminal {
    fn lookups(&self, _: &mut Lookups) {}

    fn keys(&self, _: &Facts, _: BusinessDate, keys: &mut Keys) {
        keys.terminals.insert(self.terminal);
    }

    fn decide(&self, draft: &mut Draft<'_>) -> Result<Done, Stop> {
        let mut terminal = draft.facts.terminals.find(&self.terminal).ok_or(Refusal::AtmNotFound)?.clone();
        terminal.numbers.take(self.lane, self.number);
        terminal.seen = terminal.seen.max(draft.moment.now);
        let is_late = matches!(terminal.journal, JournalTrust::Kept(known) if self.head.n < known.n);
        terminal.journal = match terminal.journal {
            JournalTrust::Open => JournalTrust::Kept(self.head),
            JournalTrust::Kept(head) if head.n < self.head.n => JournalTrust::Kept(self.head),
            JournalTrust::Kept(head) => JournalTrust::Kept(head),
            JournalTrust::Doubted(head) => JournalTrust::Doubted(head),
        };
        // A sign of life that was overtaken by an advice tells a nonce of before: the lease that went with the advice's answer
        // is for another one, and stands.
        if let Some(nonce) = self.drained.filter(|_| !is_late) {
            terminal.close_leases(nonce);
        }
        draft.set(Row::Terminal(terminal));
        Ok(Done::Changed)
    }
}
