use crate::account::Product;
use crate::command::{CloseAccount, Command, Deposit, NewAccount, OpenAccount, ReadBalance, SignUp, Transfer};
use crate::command::{UpdateCustomer, Withdraw};
use crate::currency::Currency;
use crate::customer::{PasswordHash, Profile, Sealed};
use crate::event::{AuditKind, EventKind};
use crate::id::{AccountNumber, CustomerId};
use crate::outcome::{Balance, Done, Outcome, Refusal};

use super::super::world::{World, by, email_of, index, usd};
use super::{Visit, audits, code, events, is_recorded, session};

pub(super) fn new_account(world: &World) -> NewAccount {
    let number = AccountNumber::new(5_000_000 + world.number());
    NewAccount { number, product: Product::Savings, currency: Currency::USD }
}

fn sign_up(world: &World, email: u64) -> SignUp {
    let customer = CustomerId::new(i64::try_from(world.number()).expect("tests are short"));
    let profile = Profile {
        customer,
        name: "Ada".to_owned(),
        data_key: (1, Sealed(vec![1])),
        email: Some((Sealed(vec![2]), index(email))),
        phone: None,
        address: None,
        since: world.now.plus_s(-5),
    };
    let password = PasswordHash { version: 1, phc: "$argon2id$first".to_owned() };
    SignUp { profile, password, account: new_account(world), session: world.new_session() }
}

#[test]
fn signs_up_with_an_account_and_a_session() {
    let mut world = World::new();
    let command = sign_up(&world, 1);
    let (customer, account) = (command.profile.customer, command.account.number);
    let decision = world.decide(command.clone());
    assert_eq!(events(&decision), [(customer, EventKind::AccountOpened), (customer, EventKind::LoggedIn)]);
    assert_eq!(audits(&decision), [AuditKind::CustomerCreated]);
    let session = session(decision.outcome);
    let answer = world.run(ReadBalance { by: by(session), account });
    assert_eq!(answer, Ok(Done::Balance(Balance { account, balance: usd(0), at: world.now })));
    let row = world.facts.customers.at(&customer);
    assert_eq!((row.password_version, row.generation, row.events), (1, 1, 3));
    assert_eq!(world.facts.profiles.at(&customer).since, world.now);
}

#[test]
fn signs_up_nobody_twice() {
    let mut world = World::new();
    let first = sign_up(&world, 1);
    session(world.run(first.clone()));
    let same_email = sign_up(&world, 1);
    let decision = world.decide(same_email);
    assert_eq!(decision.outcome, Err(Refusal::EmailTaken));
    assert_eq!(decision.changes, Vec::new());
    let same_number = SignUp { account: first.account, ..sign_up(&world, 2) };
    assert_eq!(world.run(same_number), Err(Refusal::NumberTaken));
}

fn update(visit: &Visit) -> UpdateCustomer {
    UpdateCustomer { session: visit.online, name: None, email: None, phone: None, address: None }
}

#[test]
fn changes_only_what_is_named() {
    let mut visit = Visit::new(Product::Savings, 0);
    let before = visit.world.facts.profiles.at(&visit.customer).clone();
    let phone = Some(Some(Sealed(vec![8])));
    let decision = visit.world.decide(UpdateCustomer { name: Some("Ada".to_owned()), phone, ..update(&visit) });
    assert_eq!(decision.outcome, Ok(Done::Changed));
    assert_eq!(events(&decision), [(visit.customer, EventKind::ProfileChanged)]);
    let after = Profile { name: "Ada".to_owned(), phone: Some(Sealed(vec![8])), ..before };
    assert_eq!(*visit.world.facts.profiles.at(&visit.customer), after);
    let gone = visit.world.run(UpdateCustomer { phone: Some(None), ..update(&visit) });
    assert_eq!(gone, Ok(Done::Changed));
    assert_eq!(visit.world.facts.profiles.at(&visit.customer).phone, None);
}

#[test]
fn gives_an_email_address_to_one_customer_at_a_time() {
    let mut visit = Visit::new(Product::Savings, 0);
    let own = email_of(visit.customer);
    let neighbour = visit.world.customer();
    let to = |visit: &Visit, email| UpdateCustomer { email: Some((Sealed(vec![3]), email)), ..update(visit) };
    let taken = to(&visit, email_of(neighbour));
    assert_eq!(visit.world.run(taken), Err(Refusal::EmailTaken));
    let same = to(&visit, own);
    assert_eq!(visit.world.run(same), Ok(Done::Changed), "one's own address is no obstacle");
    assert_eq!(visit.world.facts.emails.find(&own), Some(&visit.customer));
    assert_eq!(visit.world.log.profiles[&visit.customer].1, Vec::<[u8; 32]>::new(), "and is not given up");
    let new = to(&visit, index(12));
    assert_eq!(visit.world.run(new), Ok(Done::Changed));
    assert_eq!(visit.world.log.profiles[&visit.customer].1, [own]);
    assert_eq!(visit.world.facts.emails.find(&own), None);
    let theirs = visit.world.online(neighbour);
    let freed = UpdateCustomer { session: theirs, ..to(&visit, own) };
    assert_eq!(visit.world.run(freed), Ok(Done::Changed), "an address given up is free");
}

#[test]
fn opens_another_account() {
    let mut visit = Visit::new(Product::Savings, 0);
    let (request, account) = (visit.world.request(), new_account(&visit.world));
    let decision = visit.world.decide(OpenAccount { session: visit.online, request, account });
    assert_eq!(decision.outcome, Ok(Done::AccountOpened(account.number)));
    assert_eq!(events(&decision), [(visit.customer, EventKind::AccountOpened)]);
    let request = visit.world.request();
    let again = visit.world.decide(OpenAccount { session: visit.online, request, account });
    assert_eq!(again.outcome, Err(Refusal::NumberTaken));
    assert!(!is_recorded(&again), "another number may be tried under the same key");
    let account = new_account(&visit.world);
    let retried = visit.world.run(OpenAccount { session: visit.online, request, account });
    assert_eq!(retried, Ok(Done::AccountOpened(account.number)));
}

fn close(visit: &mut Visit) -> Outcome {
    let command = CloseAccount { session: visit.online, account: visit.account };
    visit.world.run(command)
}

#[test]
fn closes_an_account_only_at_balance_zero() {
    for owing in [1, -1] {
        let mut visit = Visit::new(Product::Checking, owing);
        assert_eq!(close(&mut visit), Err(Refusal::AccountNotEmpty), "{owing}");
    }
    let mut visit = Visit::new(Product::Checking, 0);
    assert_eq!(close(&mut visit), Ok(Done::Changed));
    assert_eq!(close(&mut visit), Err(Refusal::AccountClosed));
    let read = visit.read_balance();
    assert!(visit.world.run(read).is_ok(), "its balance can still be asked for");
    let deposit = visit.deposit("1");
    assert_eq!(visit.world.run(deposit), Err(Refusal::AccountClosed));
}

#[test]
fn wants_an_online_session_for_the_customers_own_affairs() {
    let mut visit = Visit::new(Product::Savings, 0);
    let (session, request, account) = (visit.session, visit.world.request(), new_account(&visit.world));
    let commands: [Command; 3] = [
        OpenAccount { session, request, account }.into(),
        CloseAccount { session, account: visit.account }.into(),
        UpdateCustomer { session, ..update(&visit) }.into(),
    ];
    for command in commands {
        assert_eq!(visit.world.run(command.clone()), Err(Refusal::Forbidden), "{command:?}");
    }
}

#[test]
fn knows_of_anothers_account_as_little_as_of_none() {
    let mut visit = Visit::new(Product::Savings, 100_00);
    let neighbour = visit.world.customer();
    let theirs = visit.world.account(neighbour, Product::Savings, 100_00);
    let nobodys = AccountNumber::new(99_999);
    let commands: [fn(&Visit, AccountNumber) -> Command; 8] = [
        |visit, account| Withdraw { account, ..visit.withdrawal("10") }.into(),
        |visit, account| Withdraw { account, ..visit.counter_withdrawal("10.001") }.into(),
        |visit, account| Deposit { account, ..visit.deposit("10") }.into(),
        |visit, source| Transfer { source, ..visit.transfer(visit.account, "10") }.into(),
        |visit, source| Transfer { session: visit.session, source, ..visit.transfer(visit.account, "10") }.into(),
        |visit, account| ReadBalance { account, ..visit.read_balance() }.into(),
        |visit, account| ReadBalance { by: by(visit.online), account }.into(),
        |visit, account| CloseAccount { session: visit.online, account }.into(),
    ];
    for command in commands {
        let (of_theirs, of_nobodys) = (command(&visit, theirs), command(&visit, nobodys));
        let (of_theirs, of_nobodys) = (visit.world.decide(of_theirs), visit.world.decide(of_nobodys));
        assert_eq!(code(&of_theirs.outcome), "account_not_found");
        assert_eq!(of_theirs.outcome, of_nobodys.outcome);
        assert_eq!(of_theirs.changes, of_nobodys.changes);
    }
}
