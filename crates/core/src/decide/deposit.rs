//! Taking cash in: at machines of kind `api` it goes to the deposit bin, at a counter or without a place to the vault.

use crate::change::Row;
use crate::command::{By, Deposit};
use crate::event::{About, EventKind};
use crate::facts::{Facts, Keys, Lookups};
use crate::id::RequestId;
use crate::ledger::{LedgerAccount, TransferKind};
use crate::machine::{Holdings, MachineIdentity, MachineKind};
use crate::money::Amount;
use crate::outcome::{self, Done, Receipt, Refusal};
use crate::time::BusinessDate;
use crate::withdrawal::DailyUse;

use super::permit::{self, Place, Reach};
use super::withdraw::{cash_keys, cash_lookups, cash_side};
use super::{Decide, Draft, Posting, Stop};

impl Decide for Deposit {
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
        match &self.by {
            By::Session(caller) => {
                let day = within_limits(draft, reach, amount)?;
                count(draft, reach, amount, day);
                draft.touch(&caller.session);
            }
            By::Teller => {}
        }
        let machine = match place {
            Place::Machine(machine) => {
                stack(draft, &machine, amount);
                Some(machine.id)
            }
            Place::Vault => None,
        };
        let credit = LedgerAccount::Customer(self.account);
        let kind = TransferKind::Deposit;
        let card = reach.card;
        let transaction = draft.post(Posting { kind, debit: cash, credit, amount, machine, card, concerns: None });
        let about = About { transfer: Some(transaction), ..draft.about };
        draft.event(reach.customer, EventKind::Deposit, about);
        Ok(Done::Deposited(Receipt {
            transaction,
            account: self.account,
            amount,
            fee: outcome::no_fee(account.currency),
            balance: draft.account(self.account).balance(),
            at: draft.moment.now,
            notes: Vec::new(),
        }))
    }
}

/// Checks the limit of one deposit and the day's, which are one to the customer: what would be taken now. Gives the
/// day's use.
fn within_limits(draft: &Draft<'_>, reach: Reach, amount: Amount) -> Result<DailyUse, Refusal> {
    let policy = draft.moment.policy;
    let currency = amount.currency();
    let used = draft.daily(&(reach.customer, draft.moment.business_date, currency));
    let of_day = policy.daily_deposit_limit.limit_in(currency).minor();
    let limit = policy.deposit_limit.limit_in(currency).minor().min(of_day.saturating_sub(used.deposited)).max(0);
    if amount.minor() > limit {
        return Err(Refusal::OverDepositLimit { limit: Amount::new(limit, currency) });
    }
    Ok(used)
}

fn count(draft: &mut Draft<'_>, reach: Reach, amount: Amount, day: DailyUse) {
    let key = (reach.customer, draft.moment.business_date, amount.currency());
    let deposited = day.deposited.checked_add(amount.minor()).expect("a day's deposits are within a limit");
    draft.set(Row::Daily(key, DailyUse { deposited, ..day }));
}

/// Puts the cash into the machine's deposit bin; a counter has none.
fn stack(draft: &mut Draft<'_>, machine: &MachineIdentity, amount: Amount) {
    match machine.kind {
        MachineKind::Counter => {}
        MachineKind::Api | MachineKind::Terminal => {
            let holdings = draft.facts.holdings.at(&machine.id).clone();
            let deposit_bin = holdings.deposit_bin.checked_add(amount.minor()).expect("a bin's value fits 63 bits");
            draft.set(Row::Holdings(Holdings { deposit_bin, ..holdings }));
        }
    }
}
