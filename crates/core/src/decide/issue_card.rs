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

#[cfg(test)]
mod tests {
    use super::super::Replay;
    use super::super::world::{World, index, right_pin};
    use super::*;
    use crate::account::{Account, Product};
    use crate::card::PinKey;
    use crate::change::{Change, Row};
    use crate::command::NewCard;
    use crate::customer::Sealed;
    use crate::id::{AccountNumber, CardId, Index};

    fn issue(world: &mut World, customer: CustomerId, accounts: &[AccountNumber], indexes: &[Index]) -> IssueCard {
        let session = world.operator(Role::Clerk);
        let id = CardId::new(i64::try_from(world.number()).expect("tests are short"));
        let card = NewCard {
            id,
            customer,
            accounts: accounts.to_vec(),
            number_indexes: indexes.to_vec(),
            number: Sealed(vec![4]),
            expires: world.now.plus_s(1),
            verifier: right_pin(id),
        };
        IssueCard { session, request: world.request(), card }
    }

    #[test]
    fn makes_a_card_that_reaches_its_accounts_in_order() {
        let mut world = World::new();
        let customer = world.customer();
        let accounts = [Product::Savings, Product::Checking].map(|product| world.account(customer, product, 0));
        let command = issue(&mut world, customer, &[accounts[1], accounts[0]], &[index(1), index(2)]);
        let id = command.card.id;
        assert_eq!(world.run(command.clone()), Ok(Done::CardIssued(id)));
        let identity = world.facts.card_identities.at(&id);
        assert_eq!(
            identity.accounts.iter().map(|account| account.number).collect::<Vec<_>>(),
            [accounts[1], accounts[0]]
        );
        let card = world.facts.cards.at(&id);
        assert_eq!((card.state, card.session), (CardState::Active, None));
        assert_eq!(world.facts.card_numbers.find(&index(1)), Some(&id), "it is found under the current key");
        assert_eq!(world.facts.pins.find(&PinKey::Card(id)), None);
        assert_eq!(world.events(customer, EventKind::CardIssued)[0].about.card, Some(id));
        assert_eq!(world.audits(AuditKind::CardIssued).len(), 1);
        let repeat = world.decide(command);
        assert_eq!((repeat.outcome, repeat.replay), (Ok(Done::CardIssued(id)), Replay::Repeat));
        for taken in [vec![index(1)], vec![index(9), index(1)]] {
            let command = issue(&mut world, customer, &accounts, &taken);
            assert_eq!(world.run(command), Err(Refusal::CardNumberTaken), "under an older key too");
        }
    }

    #[test]
    fn refuses_a_holder_or_account_that_does_not_fit() {
        let mut world = World::new();
        let (customer, other) = (world.customer(), world.customer());
        let own = world.account(customer, Product::Savings, 0);
        let theirs = world.account(other, Product::Savings, 0);
        let closed = world.account(customer, Product::Savings, 0);
        let row = Account { closed: Some(world.now), ..*world.facts.accounts.at(&closed) };
        world.apply(Change::Row(Row::Account(row)));
        let nobody = CustomerId::new(999_999);
        let unknown = AccountNumber::new(99_999);
        let field = Refusal::InvalidRequest { field: "account_ids" };
        for (holder, accounts, expected) in [
            (nobody, vec![own], Refusal::NotFound),
            (CustomerId::TELLER, vec![own], Refusal::NotFound),
            (customer, vec![own, theirs], Refusal::AccountNotFound),
            (customer, vec![unknown], Refusal::AccountNotFound),
            (customer, vec![own, closed], Refusal::AccountClosed),
            (customer, vec![own, own], field.clone()),
            (customer, vec![], field),
        ] {
            let command = issue(&mut world, holder, &accounts, &[index(1)]);
            assert_eq!(world.run(command), Err(expected));
        }
        let clerk = issue(&mut world, customer, &[own], &[index(1)]);
        let command = IssueCard { session: world.operator(Role::Custodian), ..clerk };
        assert_eq!(world.run(command), Err(Refusal::Forbidden));
    }
}
