//! Promising cash at a terminal: the customer is debited, the money is in flight until the terminal says what became
//! of it. No note moves here: the terminal's device picks and pays them.

use crate::change::New;
use crate::command::Approve;
use crate::facts::{Facts, Keys, Lookups};
use crate::id::RequestId;
use crate::ledger::{LedgerAccount, TransferKind};
use crate::machine::{MachineIdentity, MachineKind};
use crate::outcome::{Done, Receipt, Refusal};
use crate::session::Subject;
use crate::time::BusinessDate;
use crate::withdrawal::{Withdrawal, WithdrawalIdentity, WithdrawalState};

use super::withdraw::{Notes, Paid, count, cover, within_limits};
use super::{Decide, Draft, Stop, permit, settle};

impl Decide for Approve {
    fn request(&self) -> Option<RequestId> {
        Some(self.request)
    }

    fn lookups(&self, lookups: &mut Lookups) {
        permit::session_lookups(&self.session, lookups);
        lookups.accounts.insert(self.account);
        lookups.machines.insert(self.terminal);
    }

    fn keys(&self, facts: &Facts, date: BusinessDate, keys: &mut Keys) {
        permit::session_keys(&self.session, keys);
        keys.machines.insert(self.terminal);
        keys.holdings.insert(self.terminal);
        if let Some(account) = facts.account_identities.find(&self.account) {
            keys.accounts.insert(self.account);
            keys.daily.insert((account.customer, date, account.currency));
            // Both: an advice about this approval may be decided in the same group.
            keys.cash.extend(settle::cash_accounts(self.terminal, account.currency));
        }
    }

    fn decide(&self, draft: &mut Draft<'_>) -> Result<Done, Stop> {
        let reach = permit::customer(draft, &self.session)?;
        let account = permit::account(draft, reach, self.account)?;
        let currency = account.currency;
        let amount = self.amount.to_amount(currency).map_err(|_| Refusal::InvalidAmount)?;
        draft.about.amount = Some(amount);
        draft.replay(self.request)?;
        let machine = self.machine(draft)?;
        if machine.currency != Some(currency) {
            return Err(Refusal::CurrencyMismatch.into());
        }
        permit::card_good(draft, reach)?;
        permit::account_open(draft, self.account)?;
        let day = within_limits(draft, reach, amount)?;
        let before = draft.account(self.account);
        let fee = cover(draft, before, amount)?;
        let notes = Notes::pick(draft, &machine, amount)?.listed();
        let paid = Paid {
            reach,
            amount,
            fee,
            cash: LedgerAccount::AtmInFlight(machine.id, currency),
            machine: Some(machine.id),
            kind: TransferKind::WithdrawalApproved,
        };
        let posted = paid.post(draft, self.account);
        count(draft, reach, amount, day);
        let identity = WithdrawalIdentity {
            id: posted.withdrawal,
            account: self.account,
            customer: reach.customer,
            machine: machine.id,
            amount,
            fee: posted.fee.map(|transfer| (transfer, fee)),
            balance_before: before.balance_minor(),
            counted_on: draft.moment.business_date,
            nonce: self.nonce,
        };
        let withdrawal = Withdrawal { id: identity.id, state: WithdrawalState::Approved };
        draft.add(New::Withdrawal(identity, withdrawal, self.request));
        draft.touch(&self.session);
        let balance = draft.account(self.account).balance();
        let (transaction, at) = (identity.id, draft.moment.now);
        Ok(Done::Withdrawn(Receipt { transaction, account: self.account, amount, fee, balance, at, notes }))
    }
}

impl Approve {
    /// The terminal, if the card is in it and it takes commands.
    fn machine(&self, draft: &mut Draft<'_>) -> Result<MachineIdentity, Refusal> {
        let found = draft.facts.machine_identities.find(&self.terminal);
        let machine = *found.ok_or(Refusal::AtmNotFound)?;
        let place = match self.session.subject {
            Subject::Card { place, .. } => Some(place),
            Subject::Online { .. } | Subject::Operator { .. } => None,
        };
        match machine.kind {
            MachineKind::Terminal if place == Some(machine.id) => {}
            MachineKind::Terminal | MachineKind::Api | MachineKind::Counter => return Err(Refusal::AtmMismatch),
        }
        draft.about.machine = Some(machine.id);
        permit::machine_on(draft, machine.id)?;
        Ok(machine)
    }
}
