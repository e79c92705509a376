//! Giving a terminal leave to pay cash while the host is away. Granted again for the same nonce, it is the same lease.

use crate::change::Row;
use crate::command::GrantLease;
use crate::enrolled::JournalTrust;
use crate::facts::{Facts, Keys, Lookups};
use crate::outcome::{Done, Refusal};
use crate::time::BusinessDate;

use super::{Decide, Draft, Stop};

impl Decide for GrantLease {
    fn lookups(&self, _: &mut Lookups) {}

    fn keys(&self, _: &Facts, _: BusinessDate, keys: &mut Keys) {
        keys.terminals.insert(self.terminal);
    }

    fn decide(&self, draft: &mut Draft<'_>) -> Result<Done, Stop> {
        let mut terminal = draft.facts.terminals.find(&self.terminal).ok_or(Refusal::AtmNotFound)?.clone();
        match terminal.journal {
            JournalTrust::Doubted(_) => return Err(Refusal::Forbidden.into()),
            JournalTrust::Open | JournalTrust::Kept(_) => {}
        }
        if terminal.leases.iter().any(|lease| lease.nonce == self.lease.nonce) {
            return Ok(Done::Changed);
        }
        terminal.grant(self.lease);
        draft.set(Row::Terminal(terminal));
        Ok(Done::Changed)
    }
}
