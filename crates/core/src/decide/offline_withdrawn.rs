//! Cash that a terminal paid without asking. The cash is gone, so it posts: past limits and funds, without a fee that
//! nobody was told of. Where no account can be charged, or no lease allowed it, suspense owes it and a case is opened.

use crate::case::Matter;
use crate::change::{New, Row};
use crate::command::{OfflineWithdrawn, OfflineWord};
use crate::currency::Currency;
use crate::enrolled::EnrolledTerminal;
use crate::event::{About, Actor, AuditKind, EventKind};
use crate::facts::{Facts, Keys, Lookups};
use crate::id::{CustomerId, RequestId, TransferId};
use crate::ledger::{LedgerAccount, TransferKind};
use crate::money::Amount;
use crate::outcome::{self, Done, Receipt};
use crate::terminal::link::Movement;
use crate::time::BusinessDate;
use crate::withdrawal::{DailyUse, Withdrawal, WithdrawalIdentity, WithdrawalState};

use super::advice::{self, Told};
use super::{Decide, Draft, Stop, settle};

impl Decide for OfflineWithdrawn {
    fn request(&self) -> Option<RequestId> {
        Some(self.request)
    }

    fn lookups(&self, lookups: &mut Lookups) {
        self.told().lookups(lookups);
    }

    fn keys(&self, facts: &Facts, date: BusinessDate, keys: &mut Keys) {
        self.told().keys(facts, date, keys);
    }

    fn decide(&self, draft: &mut Draft<'_>) -> Result<Done, Stop> {
        advice::replay(draft, self.terminal, self.request)?;
        let told = self.told();
        let (_, currency) = told.machine(draft).map_err(|refusal| advice::refused(draft, self.terminal, refusal))?;
        let paid = match &self.word {
            OfflineWord::Paid(moved) => settle::believable(draft.facts.holdings.at(&self.terminal), moved)
                .filter(|paid| *paid <= self.amount.minor())
                .map(|paid| (paid, moved)),
            OfflineWord::Suspect => None,
        };
        let under_lease = self.use_lease(draft, paid.map_or(self.amount.minor(), |(paid, _)| paid));
        let customer = told.claimant(draft).filter(|_| under_lease);
        match (paid, customer) {
            (Some((0, moved)), _) => {
                settle::move_notes(draft, self.terminal, Amount::new(0, currency), moved, None);
                Ok(Done::Changed)
            }
            (Some((paid, moved)), customer) => Ok(self.post(draft, customer, (Amount::new(paid, currency), moved))),
            (None, Some(customer)) => Ok(self.suspend(draft, customer)),
            (None, None) => Ok(told.open(draft, Matter::WithdrawalUnclear, &self.case)),
        }
    }
}

impl OfflineWithdrawn {
    fn told(&self) -> Told {
        Told { terminal: self.terminal, card: self.card, account: self.account, amount: self.amount }
    }

    /// Counts it on its lease; whether there is one that leaves so much, and whose present nonce is new.
    fn use_lease(&self, draft: &mut Draft<'_>, paid: i64) -> bool {
        let Some(mut terminal) = draft.facts.terminals.find(&self.terminal).cloned() else {
            return false;
        };
        let allowed = self.take(&mut terminal, paid);
        if allowed {
            draft.set(Row::Terminal(terminal));
        }
        allowed
    }

    fn take(&self, terminal: &mut EnrolledTerminal, paid: i64) -> bool {
        let Some(lease) = terminal.leases.iter_mut().find(|lease| lease.nonce == self.lease) else {
            return false;
        };
        let bit = self.present.map_or(0, |at| 1_u32.checked_shl(u32::from(at)).unwrap_or(0));
        if lease.amount.minor() - lease.used < paid || lease.presents & bit != 0 {
            return false;
        }
        lease.used += paid;
        lease.presents |= bit;
        true
    }

    /// It was paid: charged to the customer, or to suspense with a case.
    fn post(&self, draft: &mut Draft<'_>, customer: Option<CustomerId>, paid: (Amount, &Movement)) -> Done {
        let (amount, moved) = paid;
        let told = Told { amount, ..self.told() };
        let currency = amount.currency();
        let debit = match customer {
            Some(_) => LedgerAccount::Customer(self.account),
            None => advice::suspense(currency),
        };
        let cash = LedgerAccount::AtmCash(self.terminal, currency);
        let id = draft.post(told.posting(TransferKind::OfflineWithdrawal, debit, cash));
        settle::move_notes(draft, self.terminal, amount, moved, None);
        let Some(customer) = customer else {
            return told.open(draft, Matter::WithdrawalUnclaimed(id), &self.case);
        };
        self.charge(draft, customer, (id, amount));
        advice::flag_reported(draft, self.terminal, Some(self.card), amount);
        let balance = draft.account(self.account).balance();
        Done::Withdrawn(Receipt {
            transaction: id,
            account: self.account,
            amount,
            fee: outcome::no_fee(currency),
            balance,
            at: draft.moment.now,
            notes: Vec::new(),
        })
    }

    /// Nobody knows whether it was paid: the money stays in flight.
    fn suspend(&self, draft: &mut Draft<'_>, customer: CustomerId) -> Done {
        let currency: Currency = self.amount.currency();
        let before = draft.account(self.account);
        let in_flight = LedgerAccount::AtmInFlight(self.terminal, currency);
        let told = self.told();
        let debit = LedgerAccount::Customer(self.account);
        let id = draft.post(told.posting(TransferKind::OfflineSuspect, debit, in_flight));
        let identity = WithdrawalIdentity {
            id,
            account: self.account,
            customer,
            machine: self.terminal,
            amount: self.amount,
            fee: None,
            balance_before: before.balance_minor(),
            counted_on: draft.moment.business_date,
            nonce: Some(self.lease),
        };
        draft.add(New::Withdrawal(identity, Withdrawal { id, state: WithdrawalState::Approved }, self.request));
        let done = told.open(draft, Matter::OfflineSuspect(id), &self.case);
        draft.set(Row::Withdrawal(Withdrawal { id, state: WithdrawalState::Suspect { case: self.case.id } }));
        self.charge(draft, customer, (id, self.amount));
        draft.event(customer, EventKind::Suspect, settle::about(&identity));
        done
    }

    /// Counts it on the day, and tells the customer; an account that is now below zero is flagged.
    fn charge(&self, draft: &mut Draft<'_>, customer: CustomerId, (id, amount): (TransferId, Amount)) {
        let key = (customer, draft.moment.business_date, amount.currency());
        let day = draft.daily(&key);
        let withdrawn = day.withdrawn.saturating_add(amount.minor());
        draft.set(Row::Daily(key, DailyUse { withdrawn, ..day }));
        let about = About {
            account: Some(self.account),
            amount: Some(amount),
            transfer: Some(id),
            machine: Some(self.terminal),
            card: Some(self.card),
            code: None,
        };
        draft.event(customer, EventKind::Withdrawal, about);
        let balance = draft.account(self.account).balance();
        if balance.minor() < 0 {
            draft.event(customer, EventKind::Overdrawn, About { transfer: None, ..about });
            let detail = format!("{amount} {} left {balance}", amount.currency());
            draft.audit(Actor::Machine(self.terminal), AuditKind::Overdrawn, self.account, detail);
        }
    }
}
