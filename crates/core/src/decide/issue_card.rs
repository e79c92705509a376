//! Staff make a card for a customer. Number, PIN and their digests were made before the queue.

use crate::account::AccountIdentity;
use crate::card::{Card, CardIdentity, CardState};
use crate::change::New;
use crate::command::IssueCard;
use crate::event::{Actor, AuditKind, EventKind};
use crate::facts::{Facts, Keys, Lookups};
use crate::id::{AccountNumber, CustomerId, RequestId};
use crate::outcome::{Done, Refusal};
use crate::session::Role;
use crate::time::BusinessDate;

use super::known_card::Happened;
use super::{Decide, Draft, Stop, permit};

impl Decide for IssueCard {
    fn request(&self) -> Option<RequestId> {
        Some(self.request)
    }

    fn lookups(&self, lookups: &mut Lookups) {
        lookups.accounts.extend(&self.card.accounts);
        lookups.card_numbers.extend(&self.card.number_indexes);
    }

    fn keys(&self, facts: &Facts, _: BusinessDate, keys: &mut Keys) {
        permit::session_keys(&self.session, keys);
        keys.customers.insert(self.card.customer);
        let known = |number: &&AccountNumber| facts.account_identities.find(number).is_some();
        keys.accounts.extend(self.card.accounts.iter().filter(known));
    }

    fn decide(&self, draft: &mut Draft<'_>) -> Result<Done, Stop> {
        let operator = permit::operator(draft, &self.session, &[Role::Clerk])?;
        draft.replay(self.request)?;
        let accounts = self.accounts(draft.facts)?;
        for account in &accounts {
            permit::account_open(draft, account.number)?;
        }
        let taken = |index| draft.facts.card_numbers.find(index).is_some();
        if self.card.number_indexes.iter().any(taken) {
            return Err(Refusal::CardNumberTaken.into());
        }
        let (id, customer, expires) = (self.card.id, self.card.customer, self.card.expires);
        let identity = CardIdentity { id, customer, accounts: accounts.into(), expires };
        let card = Card { id, state: CardState::Active, verifier: self.card.verifier, session: None };
        let index = *self.card.number_indexes.first().expect("a number has an index under the current key");
        draft.add(New::Card(identity.clone(), card, self.card.number.clone(), index));
        let happened = Happened {
            event: EventKind::CardIssued,
            audit: AuditKind::CardIssued,
            actor: Actor::Operator(operator),
            detail: "",
        };
        happened.tell(draft, &identity);
        draft.touch(&self.session);
        Ok(Done::CardIssued(id))
    }
}

impl IssueCard {
    /// The accounts, each named once and the customer's own. The sandbox's teller accounts answer to no card.
    fn accounts(&self, facts: &Facts) -> Result<Vec<AccountIdentity>, Refusal> {
        let customer = self.card.customer;
        if customer == CustomerId::TELLER || facts.customers.find(&customer).is_none() {
            return Err(Refusal::NotFound);
        }
        let mut accounts: Vec<AccountIdentity> = Vec::with_capacity(self.card.accounts.len());
        for number in &self.card.accounts {
            let own = facts.account_identities.find(number).filter(|account| account.customer == customer);
            let own = *own.ok_or(Refusal::AccountNotFound)?;
            if accounts.contains(&own) {
                return Err(Refusal::InvalidRequest { field: "account_ids" });
            }
            accounts.push(own);
        }
        if accounts.is_empty() { Err(Refusal::InvalidRequest { field: "account_ids" }) } else { Ok(accounts) }
    }
}
