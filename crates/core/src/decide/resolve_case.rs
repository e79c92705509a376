//! Staff say what became of a case: paid, not paid, or paid in part.
//!
//! A suspect withdrawal ends as if the terminal had said so; what a count held of a shortage because of it goes to
//! over/short, where it meets what settling posts, and if nothing was paid it is a shortage after all. Of a deposit, what was really paid in goes to the customer,
//! or over the counter where the account can take nothing; of offline cash that nobody could be charged with, what was
//! really paid is owed; what went back to an account that is closed is paid out to its owner over the counter. The rest
//! goes to over/short, where it meets what the machine's count finds.
//!
//! That a suspect was not paid and that its account was closed are two questions: the answer to the first opens a case about
//! the second.

use crate::case::{Case, Matter};
use crate::change::Row;
use crate::command::{InCase, ResolveCase};
use crate::currency::Currency;
use crate::event::{About, Actor, AuditKind, EventKind};
use crate::facts::{Facts, Keys, Lookups};
use crate::id::RequestId;
use crate::ledger::{BankAccount, LedgerAccount, TransferKind};
use crate::money::Amount;
use crate::outcome::{Done, Refusal};
use crate::session::Role;
use crate::terminal::link::Movement;
use crate::time::BusinessDate;

use super::settle::{self, Ending, Word};
use super::{Decide, Draft, Posting, Stop, permit};

impl Decide for ResolveCase {
    fn request(&self) -> Option<RequestId> {
        Some(self.request)
    }

    fn lookups(&self, lookups: &mut Lookups) {
        lookups.withdrawals.extend(self.withdrawal);
        lookups.accounts.insert(self.account);
    }

    fn keys(&self, facts: &Facts, _: BusinessDate, keys: &mut Keys) {
        permit::session_keys(&self.session, keys);
        keys.cases.insert(self.case);
        if let Some(withdrawal) = self.withdrawal.and_then(|id| facts.withdrawal_identities.find(&id)) {
            settle::keys(withdrawal, keys);
        }
        if let Some(account) = facts.account_identities.find(&self.account) {
            keys.accounts.insert(account.number);
            keys.customers.insert(account.customer);
        }
    }

    fn decide(&self, draft: &mut Draft<'_>) -> Result<Done, Stop> {
        let operator = permit::operator(draft, &self.session, &[Role::Custodian])?;
        let case = draft.facts.cases.find(&self.case).ok_or(Refusal::NotFound)?.clone();
        if case.account != self.account || case.matter.withdrawal() != self.withdrawal {
            return Err(Refusal::NotFound.into());
        }
        let currency = case.amount.currency();
        let paid = self.paid.to_amount(currency).map_err(|_| Refusal::InvalidAmount)?;
        // Where not even the amount is known, what staff found is: no more than one deposit can bring.
        let unknown = case.matter == Matter::DepositUnclear && case.amount.minor() == 0;
        let most = if unknown { draft.moment.policy.deposit_limit.limit_in(currency) } else { case.amount };
        if paid.minor() > most.minor() {
            return Err(Refusal::InvalidAmount.into());
        }
        draft.replay(self.request)?;
        if case.resolved.is_some() {
            return Err(Refusal::Reversed.into());
        }
        let done = match case.matter {
            Matter::Suspect(id) | Matter::OfflineSuspect(id) => {
                let withdrawal = *draft.facts.withdrawal_identities.at(&id);
                // Nobody knows which notes they were: the mirror keeps counting them until staff count the machine.
                let unsettled = settle::suspect(draft, withdrawal)?;
                let case_after = InCase { id: self.unclaimed, evidence: format!("after_case={}", case.id) };
                let (moved, word) = (&Movement::default(), Word::Operator(operator));
                let ending = Ending { paid: paid.minor(), moved, word, case: &case_after };
                let settled = unsettled.settle(draft, &ending);
                release_shortage(draft, &case);
                Done::Settled(settled)
            }
            Matter::DepositUnclear
            | Matter::OverCeiling(_)
            | Matter::DepositUnclaimed(_)
            | Matter::WithdrawalUnclaimed(_)
            | Matter::WithdrawalUnclear
            | Matter::ReturnUnclaimed(_) => {
                self.post(draft, &case, paid);
                Done::CaseResolved(case.id)
            }
        };
        let id = case.id;
        let detail = format!("{paid} of {} {currency} paid", case.amount);
        draft.set(Row::Case(Case { resolved: Some(paid.minor()), ..case }));
        draft.audit(Actor::Operator(operator), AuditKind::CaseResolved, id, detail);
        draft.touch(&self.session);
        Ok(done)
    }
}

impl ResolveCase {
    /// The postings of a case that is about no withdrawal; what is zero posts nothing.
    fn post(&self, draft: &mut Draft<'_>, case: &Case, paid: Amount) {
        let currency = paid.currency();
        let bank = |account| LedgerAccount::Bank(account, currency);
        let (suspense, over_short) = (bank(BankAccount::Suspense), bank(BankAccount::OverShort));
        let rest = Amount::new(case.amount.minor() - paid.minor(), currency);
        match case.matter {
            Matter::OverCeiling(_) | Matter::DepositUnclaimed(_) => {
                self.release(draft, case, suspense, paid);
                put(draft, case, (TransferKind::DepositRefuted, suspense, over_short), rest);
            }
            Matter::DepositUnclear => self.release(draft, case, over_short, paid),
            Matter::WithdrawalUnclaimed(_) => {
                let receivable = bank(BankAccount::Receivable);
                put(draft, case, (TransferKind::WithdrawalOwed, receivable, suspense), paid);
                put(draft, case, (TransferKind::WithdrawalRefuted, over_short, suspense), rest);
            }
            Matter::WithdrawalUnclear => {
                let receivable = bank(BankAccount::Receivable);
                put(draft, case, (TransferKind::WithdrawalOwed, receivable, over_short), paid);
            }
            Matter::ReturnUnclaimed(_) => {
                let vault = bank(BankAccount::Vault);
                put(draft, case, (TransferKind::ReturnPaidOut, suspense, vault), paid);
                put(draft, case, (TransferKind::ReturnRefuted, suspense, over_short), rest);
            }
            Matter::Suspect(_) | Matter::OfflineSuspect(_) => {}
        }
    }

    /// A deposit goes to its account, or over the counter if that can take nothing.
    fn release(&self, draft: &mut Draft<'_>, case: &Case, from: LedgerAccount, paid: Amount) {
        let owner = self.taker(draft, case, paid.currency());
        let Some(customer) = owner else {
            let vault = LedgerAccount::Bank(BankAccount::Vault, paid.currency());
            return put(draft, case, (TransferKind::DepositPaidOut, from, vault), paid);
        };
        let to = LedgerAccount::Customer(self.account);
        if paid.minor() > 0 {
            let id = draft.post(posting(case, (TransferKind::DepositReleased, from, to), paid));
            let about =
                About { account: Some(self.account), amount: Some(paid), transfer: Some(id), ..About::default() };
            draft.event(customer, EventKind::Deposit, about);
        }
    }

    /// Whose account it is, if it is open and of that currency, and the matter is not that nobody could claim it.
    fn taker(&self, draft: &Draft<'_>, case: &Case, currency: Currency) -> Option<crate::id::CustomerId> {
        if matches!(case.matter, Matter::DepositUnclaimed(_)) {
            return None;
        }
        let identity = draft.facts.account_identities.find(&self.account)?;
        let open = draft.account(self.account).closed.is_none();
        (open && identity.currency == currency).then_some(identity.customer)
    }
}

/// What a count held of a shortage because of the case.
fn release_shortage(draft: &mut Draft<'_>, case: &Case) {
    let currency = case.amount.currency();
    let bank = |account| LedgerAccount::Bank(account, currency);
    let sides = (TransferKind::ShortageResolved, bank(BankAccount::OverShort), bank(BankAccount::Suspense));
    let short = Amount::new(case.short, currency);
    put(draft, case, sides, short);
}

type Sides = (TransferKind, LedgerAccount, LedgerAccount);

fn put(draft: &mut Draft<'_>, case: &Case, sides: Sides, amount: Amount) {
    if amount.minor() > 0 {
        draft.post(posting(case, sides, amount));
    }
}

fn posting(case: &Case, (kind, debit, credit): Sides, amount: Amount) -> Posting {
    Posting { kind, debit, credit, amount, machine: None, card: None, concerns: case.matter.transfer() }
}
