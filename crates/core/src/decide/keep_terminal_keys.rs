//! A terminal's secrets, sealed, are kept in the place of earlier ones. What they are is not known here.

use crate::change::Row;
use crate::command::KeepTerminalKeys;
use crate::event::{Actor, AuditKind};
use crate::facts::{Facts, Keys, Lookups};
use crate::outcome::Done;
use crate::time::BusinessDate;

use super::{Decide, Draft, Stop, advice};

impl Decide for KeepTerminalKeys {
    fn lookups(&self, lookups: &mut Lookups) {
        lookups.machines.insert(self.terminal);
    }

    fn keys(&self, _: &Facts, _: BusinessDate, _: &mut Keys) {}

    fn decide(&self, draft: &mut Draft<'_>) -> Result<Done, Stop> {
        advice::terminal(draft, self.terminal)?;
        draft.set(Row::TerminalKeys(self.terminal, self.keys.clone()));
        draft.audit(Actor::Console, AuditKind::TerminalKeysKept, self.terminal, "");
        Ok(Done::Changed)
    }
}
