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

#[cfg(test)]
mod tests {
    use super::super::Replay;
    use super::super::world::{World, email_of, figure, index, usd};
    use super::*;
    use crate::account::Product;
    use crate::command::NewAccount;
    use crate::currency::Currency;
    use crate::customer::{Profile, Sealed};
    use crate::id::{CustomerId, Index};
    use crate::session::Session;

    fn create(world: &mut World, email: Option<Index>, accounts: &[(u64, Currency, &str)]) -> CreateCustomer {
        let session = world.operator(Role::Clerk);
        let customer = CustomerId::new(i64::try_from(world.number()).expect("tests are short"));
        let profile = Profile {
            customer,
            name: "Ada".to_owned(),
            data_key: (1, Sealed(vec![1])),
            email: email.map(|index| (Sealed(vec![2]), index)),
            phone: None,
            address: None,
            since: world.now,
        };
        let account = |&(number, currency, opening): &(u64, Currency, &str)| {
            let number = AccountNumber::new(number);
            (NewAccount { number, product: Product::Savings, currency }, figure(opening))
        };
        let accounts = accounts.iter().map(account).collect();
        CreateCustomer { session, request: world.request(), profile, accounts }
    }

    #[test]
    fn opens_accounts_with_what_they_are_given() {
        let mut world = World::new();
        let accounts = [(70_001, Currency::USD, "12.50"), (70_002, Currency::JPY, "300"), (70_003, Currency::USD, "0")];
        let command = create(&mut world, Some(index(5)), &accounts);
        let numbers: Vec<_> = accounts.iter().map(|(number, ..)| AccountNumber::new(*number)).collect();
        let customer = command.profile.customer;
        let done = Ok(Done::CustomerCreated { customer, accounts: numbers.clone() });
        assert_eq!(world.run(command.clone()), done);
        assert_eq!(numbers.iter().map(|number| world.balance(*number)).collect::<Vec<_>>(), [12_50, 300, 0]);
        assert_eq!(world.events(customer, EventKind::AccountOpened).len(), 3);
        let deposits = world.events(customer, EventKind::Deposit);
        assert_eq!(
            deposits.iter().map(|event| event.about.account).collect::<Vec<_>>(),
            [Some(numbers[0]), Some(numbers[1])]
        );
        assert_eq!(deposits[0].about.amount, Some(usd(12_50)));
        assert_eq!(world.facts.customers.at(&customer).events, 5);
        assert_eq!(world.audits(AuditKind::CustomerCreated).len(), 1);
        let repeat = world.decide(command);
        assert_eq!((repeat.outcome, repeat.replay, repeat.changes.len()), (done, Replay::Repeat, 0));
    }

    #[test]
    fn refuses_what_is_taken_and_changes_nothing() {
        let mut world = World::new();
        let known = world.customer();
        let theirs = world.account(known, Product::Savings, 0);
        let dollars = Currency::USD;
        for (email, accounts, expected) in [
            (Some(email_of(known)), vec![(70_001, dollars, "0")], Refusal::EmailTaken),
            (None, vec![(70_001, dollars, "0"), (theirs.number(), dollars, "0")], Refusal::NumberTaken),
            (None, vec![(70_001, dollars, "0"), (70_001, dollars, "0")], Refusal::NumberTaken),
            (None, vec![(70_001, dollars, "1.001")], Refusal::InvalidAmount),
            (None, vec![(70_001, Currency::JPY, "1.0")], Refusal::InvalidAmount),
        ] {
            let command = create(&mut world, email, &accounts);
            let decision = world.decide(command);
            assert_eq!((decision.outcome, decision.changes.len()), (Err(expected), 0));
        }
    }

    #[test]
    fn obeys_clerks_and_admins_only() {
        let mut world = World::new();
        let holder = world.customer();
        let sessions: [(Session, bool); 5] = [
            (world.operator(Role::Admin), true),
            (world.operator(Role::Clerk), true),
            (world.operator(Role::Custodian), false),
            (world.operator(Role::Auditor), false),
            (world.online(holder), false),
        ];
        for (at, (session, may)) in (80_000..).zip(sessions) {
            let command = CreateCustomer { session, ..create(&mut world, None, &[(at, Currency::USD, "0")]) };
            let outcome = world.run(command);
            assert_eq!(outcome.is_ok(), may, "{:?}", session.subject);
            assert!(may || outcome == Err(Refusal::Forbidden));
        }
    }
}
