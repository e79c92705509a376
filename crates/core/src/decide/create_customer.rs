//! Staff make a customer with accounts, and opening balances that come from the bank's own opening account.

use crate::account::{Account, AccountIdentity};
use crate::change::New;
use crate::command::CreateCustomer;
use crate::customer::Customer;
use crate::event::{About, Actor, AuditKind, EventKind};
use crate::facts::{Facts, Keys, Lookups};
use crate::id::{AccountNumber, RequestId};
use crate::ledger::{BankAccount, LedgerAccount, TransferKind};
use crate::money::Amount;
use crate::outcome::{Done, Refusal};
use crate::session::Role;
use crate::time::BusinessDate;

use super::{Decide, Draft, Posting, Stop, permit};

impl Decide for CreateCustomer {
    fn request(&self) -> Option<RequestId> {
        Some(self.request)
    }

    fn lookups(&self, lookups: &mut Lookups) {
        lookups.emails.extend(self.profile.email.iter().map(|(_, index)| *index));
        lookups.accounts.extend(self.numbers());
    }

    fn keys(&self, _: &Facts, _: BusinessDate, keys: &mut Keys) {
        permit::session_keys(&self.session, keys);
    }

    fn decide(&self, draft: &mut Draft<'_>) -> Result<Done, Stop> {
        let operator = permit::operator(draft, &self.session, &[Role::Clerk])?;
        let openings = self.openings()?;
        draft.replay(self.request)?;
        if let Some((_, index)) = &self.profile.email
            && draft.facts.emails.find(index).is_some()
        {
            return Err(Refusal::EmailTaken.into());
        }
        if self.has_known_number(draft.facts) {
            return Err(Refusal::NumberTaken.into());
        }
        let id = self.profile.customer;
        let customer = Customer::new(id, 0);
        draft.add(New::Customer(customer, self.profile.clone(), None));
        draft.set_customer(customer);
        for ((new, _), opening) in self.accounts.iter().zip(openings) {
            let identity = AccountIdentity {
                number: new.number,
                customer: id,
                product: new.product,
                currency: new.currency,
                opened: draft.moment.now,
            };
            open(draft, identity, opening);
        }
        draft.audit(Actor::Operator(operator), AuditKind::CustomerCreated, id, "by staff");
        draft.touch(&self.session);
        Ok(Done::CustomerCreated { customer: id, accounts: self.numbers().collect() })
    }
}

impl CreateCustomer {
    fn numbers(&self) -> impl Iterator<Item = AccountNumber> {
        self.accounts.iter().map(|(account, _)| account.number)
    }

    /// The opening balances; zero is none.
    fn openings(&self) -> Result<Vec<Amount>, Refusal> {
        let amounts = self.accounts.iter().map(|(account, opening)| opening.to_amount(account.currency));
        amounts.collect::<Result<_, _>>().map_err(|_| Refusal::InvalidAmount)
    }

    /// Whether a fresh number is somebody's, or came twice.
    fn has_known_number(&self, facts: &Facts) -> bool {
        let known = |number| facts.account_identities.find(&number).is_some();
        self.numbers().enumerate().any(|(at, number)| known(number) || self.numbers().take(at).any(|n| n == number))
    }
}

/// Opens an account, and posts what it is opened with.
fn open(draft: &mut Draft<'_>, identity: AccountIdentity, opening: Amount) {
    let AccountIdentity { number, customer, currency, .. } = identity;
    let account = Account::opened(identity);
    draft.add(New::Account(account));
    draft.set_account(account);
    let about = About { account: Some(number), ..About::default() };
    draft.event(customer, EventKind::AccountOpened, about);
    if opening.minor() == 0 {
        return;
    }
    let transfer = draft.post(Posting {
        kind: TransferKind::Opening,
        debit: LedgerAccount::Bank(BankAccount::Opening, currency),
        credit: LedgerAccount::Customer(number),
        amount: opening,
        machine: None,
        card: None,
        concerns: None,
    });
    let about = About { amount: Some(opening), transfer: Some(transfer), ..about };
    draft.event(customer, EventKind::Deposit, about);
}
