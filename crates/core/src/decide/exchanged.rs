//! A terminal has exchanged its cassettes as it was ordered: what staff counted posts, once, whatever is told again.
//!
//! A shortage up to the machine's open suspects is no loss yet but evidence in their cases: it waits in suspense until they
//! are resolved. Only what is missing beyond them is over/short.

use crate::case::{Case, Matter};
use crate::change::Row;
use crate::command::Exchanged;
use crate::currency::Currency;
use crate::event::{Actor, AuditKind};
use crate::facts::{Facts, Keys, Lookups};
use crate::id::RequestId;
use crate::ledger::LedgerAccount;
use crate::money::Amount;
use crate::outcome::{Done, Refusal, Replenished};
use crate::replenishment::{Posted, Replenishment};
use crate::time::BusinessDate;

use super::tally::{Explained, Tally};
use super::{Decide, Draft, Stop, advice};

/// Which cassettes were counted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Scope {
    All,
    Some,
}

impl Decide for Exchanged {
    fn request(&self) -> Option<RequestId> {
        Some(self.request)
    }

    fn lookups(&self, lookups: &mut Lookups) {
        lookups.machines.insert(self.terminal);
    }

    fn keys(&self, facts: &Facts, _: BusinessDate, keys: &mut Keys) {
        keys.replenishments.insert(self.terminal);
        keys.holdings.insert(self.terminal);
        keys.cases.extend(&self.suspects);
        if let Some(currency) = facts.machine_identities.find(&self.terminal).and_then(|machine| machine.currency) {
            keys.cash.insert(LedgerAccount::AtmCash(self.terminal, currency));
        }
    }

    fn decide(&self, draft: &mut Draft<'_>) -> Result<Done, Stop> {
        draft.replay(self.request)?;
        let (row, currency) = self.ordered(draft).map_err(|refusal| advice::refused(draft, self.terminal, refusal))?;
        let Replenishment { count: Some(count), posted: None, .. } = &row else {
            // It was told under another name: that one posted.
            return Ok(Done::Changed);
        };
        let tally = Tally::of(count, draft.facts.holdings.at(&self.terminal).clone())
            .map_err(|refusal| advice::refused(draft, self.terminal, refusal))?;
        let scope = if count.cassettes.len() == tally.holdings.cassettes.len() { Scope::All } else { Scope::Some };
        let explained = self.explain(draft, Amount::new((-tally.difference()).max(0), currency), scope);
        tally.post(draft, currency, &explained);
        let amount = |minor| Amount::new(minor, currency);
        let cash = amount(tally.holdings.cash());
        let difference = amount(tally.difference());
        let held = amount(explained.iter().map(|explained| explained.amount.minor()).sum());
        draft.set(Row::Holdings(tally.holdings));
        let detail = format!("{} holds {cash} {currency}, difference {difference}, {held} in cases", self.number);
        draft.audit(Actor::Machine(self.terminal), AuditKind::Replenished, self.terminal, detail);
        let posted = Posted { at: draft.moment.now, cash, difference, held, found: self.found.clone() };
        draft.set(Row::Replenishment(Replenishment { posted: Some(posted), ..row }));
        Ok(Done::Replenished(Replenished { machine: self.terminal, cash, difference }))
    }
}

impl Exchanged {
    /// What the terminal speaks of, if that was ordered and counted.
    fn ordered(&self, draft: &Draft<'_>) -> Result<(Replenishment, Currency), Refusal> {
        let machine = advice::terminal(draft, self.terminal)?;
        let row = draft.facts.replenishments.find(&self.terminal).cloned();
        let row = row.filter(|row| row.number == self.number && row.count.is_some()).ok_or(Refusal::NotFound)?;
        Ok((row, machine.currency.ok_or(Refusal::CurrencyMismatch)?))
    }

    /// Spreads a shortage over the open suspects, the oldest first, each up to what of it is not yet explained. That
    /// nothing was missing is evidence too, if all cassettes were counted.
    fn explain(&self, draft: &mut Draft<'_>, short: Amount, scope: Scope) -> Vec<Explained> {
        let mut left = short.minor();
        let mut explained = Vec::new();
        for id in &self.suspects {
            let Some(case) = draft.facts.cases.find(id).cloned().filter(|case| self.may_explain(case)) else {
                continue;
            };
            let part = left.min(case.amount.minor() - case.short);
            left -= part;
            if part == 0 && scope == Scope::Some {
                continue;
            }
            let amount = Amount::new(part, short.currency());
            let found = format!("short_at_replenishment_{}={amount}", self.number);
            let evidence = if case.evidence.is_empty() { found } else { format!("{}; {found}", case.evidence) };
            explained.push(Explained { by: case.matter.transfer(), amount });
            draft.set(Row::Case(Case { short: case.short + part, evidence, ..case }));
        }
        explained
    }

    fn may_explain(&self, case: &Case) -> bool {
        let suspect = match case.matter {
            Matter::Suspect(_) | Matter::OfflineSuspect(_) => true,
            Matter::DepositUnclear
            | Matter::OverCeiling(_)
            | Matter::DepositUnclaimed(_)
            | Matter::WithdrawalUnclaimed(_)
            | Matter::WithdrawalUnclear
            | Matter::ReturnUnclaimed(_) => false,
        };
        suspect && case.machine == self.terminal && case.resolved.is_none()
    }
}
