//! Paying cash whose outcome is known at once: at machines of kind `api`, and over a counter.

use cashpoint_mutant::{Mutant, chosen};

use crate::account::Cover;
use crate::change::Row;
use crate::command::{By, Withdraw};
use crate::event::{About, EventKind};
use crate::facts::{Facts, Keys, Lookups};
use crate::id::{AccountNumber, MachineId, RequestId, TransferId};
use crate::ledger::{BankAccount, LedgerAccount, TransferKind};
use crate::machine::{Holdings, MachineIdentity};
use crate::mix;
use crate::money::Amount;
use crate::outcome::{Done, Receipt, Refusal};
use crate::time::BusinessDate;
use crate::withdrawal::DailyUse;

use super::permit::{self, Place, Reach};
use super::{Decide, Draft, Posting, Stop};

impl Decide for Withdraw {
    fn request(&self) -> Option<RequestId> {
        Some(self.request)
    }

    fn lookups(&self, lookups: &mut Lookups) {
        cash_lookups(&self.by, self.account, self.machine, lookups);
    }

    fn keys(&self, facts: &Facts, date: BusinessDate, keys: &mut Keys) {
        permit::by_keys(&self.by, keys);
        let place = permit::place_named(&self.by, self.machine);
        cash_keys(facts, self.account, place, date, keys);
    }

    fn decide(&self, draft: &mut Draft<'_>) -> Result<Done, Stop> {
        let reach = permit::mover(draft, &self.by)?;
        let account = permit::account(draft, reach, self.account)?;
        let amount = self.amount.to_amount(account.currency).map_err(|_| Refusal::InvalidAmount)?;
        draft.about.amount = Some(amount);
        draft.replay(self.request)?;
        let place = permit::place(draft, &self.by, reach, self.machine)?;
        let cash = cash_side(place, amount)?;
        permit::card_good(draft, reach)?;
        permit::account_open(draft, self.account)?;
        let day = match self.by {
            By::Session(_) => Some(within_limits(draft, reach, amount)?),
            By::Teller => None,
        };
        let fee = covered(draft, self, amount)?;
        let notes = match place {
            Place::Machine(machine) => Some(Notes::pick(draft, &machine, amount)?),
            Place::Vault => None,
        };
        let machine = match place {
            Place::Machine(machine) => Some(machine.id),
            Place::Vault => None,
        };
        let paid = Paid { reach, amount, fee, cash, machine, kind: TransferKind::Withdrawal };
        let transaction = paid.post(draft, self.account).withdrawal;
        if let Some(day) = day {
            count(draft, reach, amount, day);
        }
        let notes = notes.map(|notes| notes.take(draft)).unwrap_or_default();
        self.touch(draft);
        let balance = draft.account(self.account).balance();
        let at = draft.moment.now;
        Ok(Done::Withdrawn(Receipt { transaction, account: self.account, amount, fee, balance, at, notes }))
    }
}

/// The identities behind cash that moves at a place for an account.
pub(super) fn cash_lookups(by: &By, account: AccountNumber, machine: Option<MachineId>, lookups: &mut Lookups) {
    permit::by_lookups(by, lookups);
    lookups.accounts.insert(account);
    lookups.machines.extend(permit::place_named(by, machine));
}

/// The rows behind it, besides those of whoever asks.
pub(super) fn cash_keys(
    facts: &Facts,
    account: AccountNumber,
    place: Option<MachineId>,
    date: BusinessDate,
    keys: &mut Keys,
) {
    let Some(account) = facts.account_identities.find(&account) else {
        return;
    };
    keys.accounts.insert(account.number);
    keys.daily.insert((account.customer, date, account.currency));
    if let Some(machine) = place.and_then(|id| facts.machine_identities.find(&id)) {
        keys.machines.insert(machine.id);
        keys.holdings.insert(machine.id);
        keys.cash.extend(machine.loaded_cash_account(account.currency));
    }
}

impl Withdraw {
    fn touch(&self, draft: &mut Draft<'_>) {
        match &self.by {
            By::Session(caller) => draft.touch(&caller.session),
            By::Teller => {}
        }
    }
}

/// The ledger account of the cash at `place`.
pub(super) fn cash_side(place: Place, amount: Amount) -> Result<LedgerAccount, Refusal> {
    match place {
        Place::Machine(machine) => machine.cash_account(amount.currency()).ok_or(Refusal::CurrencyMismatch),
        Place::Vault => Ok(LedgerAccount::Bank(BankAccount::Vault, amount.currency())),
    }
}

/// Checks the limit of one withdrawal, then the day's; gives the day's use.
pub(super) fn within_limits(draft: &Draft<'_>, reach: Reach, amount: Amount) -> Result<DailyUse, Refusal> {
    let policy = draft.moment.policy;
    let currency = amount.currency();
    let limit = policy.withdrawal_limit.limit_in(currency);
    if amount.minor() > limit.minor() {
        return Err(Refusal::OverTransactionLimit { limit });
    }
    let used = draft.daily(&(reach.customer, draft.moment.business_date, currency));
    if let Some(daily) = policy.daily_withdrawal_limit
        && !chosen(Mutant::DayLimitIgnored)
    {
        let remaining = (daily.limit_in(currency).minor() - used.withdrawn).max(0);
        if amount.minor() > remaining {
            return Err(Refusal::DailyLimitExceeded { remaining: Amount::new(remaining, currency) });
        }
    }
    Ok(used)
}

/// Checks that the account covers the amount; gives the overdraft fee that is due.
fn covered(draft: &Draft<'_>, command: &Withdraw, amount: Amount) -> Result<Amount, Refusal> {
    cover(draft, draft.account(command.account), amount)
}

/// As [`covered`], for any account.
pub(super) fn cover(draft: &Draft<'_>, account: crate::account::Account, amount: Amount) -> Result<Amount, Refusal> {
    let currency = amount.currency();
    match account.cover(amount.minor(), draft.moment.policy) {
        Cover::Covered { fee } => Ok(Amount::new(fee, currency)),
        Cover::Short { available } => Err(Refusal::InsufficientFunds { available: Amount::new(available, currency) }),
    }
}

/// Counts a withdrawal on the day's use.
pub(super) fn count(draft: &mut Draft<'_>, reach: Reach, amount: Amount, day: DailyUse) {
    let key = (reach.customer, draft.moment.business_date, amount.currency());
    let withdrawn = day.withdrawn.checked_add(amount.minor()).expect("a day's withdrawals fit 63 bits");
    draft.set(Row::Daily(key, DailyUse { withdrawn, ..day }));
}

/// A withdrawal whose checks have passed.
pub(super) struct Paid {
    pub(super) reach: Reach,
    pub(super) amount: Amount,
    pub(super) fee: Amount,
    pub(super) cash: LedgerAccount,
    pub(super) machine: Option<MachineId>,
    pub(super) kind: TransferKind,
}

/// The transfers of a withdrawal.
pub(super) struct Posted {
    pub(super) withdrawal: TransferId,
    /// Its fee, if one was due.
    pub(super) fee: Option<TransferId>,
}

impl Paid {
    /// Posts it, then its fee.
    pub(super) fn post(&self, draft: &mut Draft<'_>, account: AccountNumber) -> Posted {
        let debit = LedgerAccount::Customer(account);
        let (machine, card) = (self.machine, self.reach.card);
        let id = draft.post(Posting {
            kind: self.kind,
            debit,
            credit: self.cash,
            amount: self.amount,
            machine,
            card,
            concerns: None,
        });
        let about = About { transfer: Some(id), ..draft.about };
        draft.event(self.reach.customer, EventKind::Withdrawal, about);
        let mut fee = None;
        let times = if chosen(Mutant::FeeTwice) { 2 } else { 1 };
        for _ in (0..times).filter(|_| self.fee.minor() > 0) {
            let credit = LedgerAccount::Bank(BankAccount::Fees, self.fee.currency());
            let kind = TransferKind::OverdraftFee;
            let taken =
                draft.post(Posting { kind, debit, credit, amount: self.fee, machine, card, concerns: Some(id) });
            let about = About { transfer: Some(taken), amount: Some(self.fee), ..draft.about };
            draft.event(self.reach.customer, EventKind::Fee, about);
            fee = Some(taken);
        }
        Posted { withdrawal: id, fee }
    }
}

/// Notes that a machine is to hand over.
pub(super) struct Notes {
    holdings: Holdings,
    counts: Vec<u32>,
}

impl Notes {
    /// Picks the least notes that make the amount; a counter needs none.
    pub(super) fn pick(draft: &Draft<'_>, machine: &MachineIdentity, amount: Amount) -> Result<Self, Refusal> {
        let holdings = draft.facts.holdings.at(&machine.id).clone();
        if machine.currency.is_none() {
            return Ok(Self { holdings, counts: Vec::new() });
        }
        if holdings.cassettes_value() < amount.minor() {
            return Err(Refusal::AtmOutOfCash);
        }
        let most = draft.moment.policy.notes_per_withdrawal;
        match mix::least_notes(&holdings.cassettes, amount.minor(), most) {
            Some(counts) => Ok(Self { holdings, counts }),
            None => {
                let nearest = mix::nearest(&holdings.cassettes, amount.minor(), most);
                let nearest = [nearest.below, nearest.above].into_iter().flatten();
                Err(Refusal::AmountNotDispensable {
                    nearest: nearest.map(|minor| Amount::new(minor, amount.currency())).collect(),
                })
            }
        }
    }

    /// The notes by denomination, largest first.
    pub(super) fn listed(&self) -> Vec<(i64, u32)> {
        mix::notes(&self.holdings.cassettes, &self.counts)
    }

    /// Takes them out of the cassettes; gives them by denomination.
    fn take(mut self, draft: &mut Draft<'_>) -> Vec<(i64, u32)> {
        let notes = self.listed();
        for (cassette, &count) in self.holdings.cassettes.iter_mut().zip(&self.counts) {
            cassette.count -= count;
        }
        if !notes.is_empty() {
            draft.set(Row::Holdings(self.holdings));
        }
        notes
    }
}
