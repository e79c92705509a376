//! Moving money between customers' accounts. It never overdraws and costs nothing; the target may be anybody's but the
//! sandbox teller's. Transfers between accounts of one customer count towards the day's limit like any other.

use crate::account::AccountIdentity;
use crate::change::Row;
use crate::command::Transfer;
use crate::event::{About, EventKind};
use crate::facts::{Facts, Keys, Lookups};
use crate::id::{CustomerId, RequestId, TransferId};
use crate::ledger::{LedgerAccount, TransferKind};
use crate::money::Amount;
use crate::outcome::{Done, Refusal, TransferReceipt};
use crate::time::BusinessDate;
use crate::withdrawal::DailyUse;

use super::permit::{self, Reach};
use super::{Decide, Draft, Posting, Stop};

impl Decide for Transfer {
    fn request(&self) -> Option<RequestId> {
        Some(self.request)
    }

    fn lookups(&self, lookups: &mut Lookups) {
        permit::session_lookups(&self.session, lookups);
        lookups.accounts.extend([self.source, self.target]);
    }

    fn keys(&self, facts: &Facts, date: BusinessDate, keys: &mut Keys) {
        permit::session_keys(&self.session, keys);
        let identities = &facts.account_identities;
        let (Some(source), Some(target)) = (identities.find(&self.source), identities.find(&self.target)) else {
            return;
        };
        keys.accounts.extend([source.number, target.number]);
        keys.daily.insert((source.customer, date, source.currency));
        keys.customers.insert(target.customer);
    }

    fn decide(&self, draft: &mut Draft<'_>) -> Result<Done, Stop> {
        let reach = permit::customer(draft, &self.session)?;
        let source = permit::account(draft, reach, self.source)?;
        let target = draft.facts.account_identities.find(&self.target).copied();
        let target = target.filter(|target| target.customer != CustomerId::TELLER).ok_or(Refusal::AccountNotFound)?;
        let amount = self.amount.to_amount(source.currency).map_err(|_| Refusal::InvalidAmount)?;
        draft.about.amount = Some(amount);
        draft.replay(self.request)?;
        let done = Move { reach, source, target, amount }.carry_out(draft)?;
        draft.touch(&self.session);
        Ok(done)
    }
}

/// A transfer whose accounts and amount are known, from whatever side it comes.
pub(super) struct Move {
    pub(super) reach: Reach,
    pub(super) source: AccountIdentity,
    pub(super) target: AccountIdentity,
    pub(super) amount: Amount,
}

impl Move {
    /// Checks the rest, then moves the money.
    pub(super) fn carry_out(&self, draft: &mut Draft<'_>) -> Result<Done, Refusal> {
        let Self { reach, source, target, amount } = *self;
        if source.number == target.number {
            return Err(Refusal::SameAccount);
        }
        if source.currency != target.currency {
            return Err(Refusal::CurrencyMismatch);
        }
        permit::card_good(draft, reach)?;
        permit::account_open(draft, source.number)?;
        permit::account_open(draft, target.number)?;
        let day = within_limit(draft, reach, amount)?;
        let available = draft.account(source.number).balance_minor().max(0);
        if amount.minor() > available {
            return Err(Refusal::InsufficientFunds { available: Amount::new(available, source.currency) });
        }
        let transaction = self.post(draft);
        count(draft, reach, amount, day);
        let own = target.customer == reach.customer;
        Ok(Done::Transferred(TransferReceipt {
            transaction,
            source: source.number,
            target: target.number,
            amount,
            source_balance: draft.account(source.number).balance(),
            target_balance: own.then(|| draft.account(target.number).balance()),
            at: draft.moment.now,
        }))
    }

    fn post(&self, draft: &mut Draft<'_>) -> TransferId {
        let Self { reach, source, target, amount } = *self;
        let (debit, credit) = (LedgerAccount::Customer(source.number), LedgerAccount::Customer(target.number));
        let (kind, card) = (TransferKind::Transfer, reach.card);
        let id = draft.post(Posting { kind, debit, credit, amount, machine: None, card, concerns: None });
        let sent = About { transfer: Some(id), ..draft.about };
        draft.event(reach.customer, EventKind::TransferOut, sent);
        // The receiver learns nothing of the sender's card.
        let received =
            About { account: Some(target.number), amount: Some(amount), transfer: Some(id), ..About::default() };
        draft.event(target.customer, EventKind::TransferIn, received);
        id
    }
}

/// Checks the day's limit, if there is one; gives the day's use.
fn within_limit(draft: &Draft<'_>, reach: Reach, amount: Amount) -> Result<DailyUse, Refusal> {
    let currency = amount.currency();
    let used = draft.daily(&(reach.customer, draft.moment.business_date, currency));
    if let Some(limit) = draft.moment.policy.daily_transfer_limit {
        let remaining = limit.limit_in(currency).minor().saturating_sub(used.transferred).max(0);
        if amount.minor() > remaining {
            return Err(Refusal::DailyLimitExceeded { remaining: Amount::new(remaining, currency) });
        }
    }
    Ok(used)
}

/// Counts a transfer on the day's use, also while there is no limit: one that is set during the day knows of it.
fn count(draft: &mut Draft<'_>, reach: Reach, amount: Amount, day: DailyUse) {
    let key = (reach.customer, draft.moment.business_date, amount.currency());
    let transferred = day.transferred.checked_add(amount.minor()).expect("a day's transfers fit 63 bits");
    draft.set(Row::Daily(key, DailyUse { transferred, ..day }));
}
