//! The play data of a sandbox is what its users were promised, and is made once.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

use std::sync::Arc;

use cashpoint_bank::bank::{Bank, Mode, Setting};
use cashpoint_bank::clock::ManualClock;
use cashpoint_bank::desk::{PolicyValue, Primary};
use cashpoint_bank::entropy::SeededEntropy;
use cashpoint_bank::sandbox::{MACHINES, OPERATOR, PEOPLE, Seeded, TELLER_ACCOUNTS, seed};
use cashpoint_bank::secret::{Pan, Password, Pin};
use cashpoint_core::account::Product;
use cashpoint_core::command::{By, ReadBalance, Standing};
use cashpoint_core::id::{AccountNumber, MachineId};
use cashpoint_core::outcome::{Done, Refusal};
use cashpoint_core::session::Role;
use cashpoint_core::time::Timestamp;

fn open() -> (Bank, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::new(Timestamp::EPOCH.plus_s(1_790_000_000)));
    let (database, keys) = (folder.path().join("bank.db"), folder.path().join("keys.toml"));
    let setting = Setting::new(database, keys, clock, Arc::new(SeededEntropy::new(7))).with_mode(Mode::Sandbox);
    (Bank::open(setting).unwrap().0, folder)
}

fn teller_balance(bank: &Bank, number: u64) -> String {
    let command = ReadBalance { by: By::Teller, account: AccountNumber::new(number) };
    match bank.execute(command).unwrap().outcome {
        Ok(Done::Balance(balance)) => balance.balance.to_string(),
        other => panic!("{number}: {other:?}"),
    }
}

#[test]
fn lets_everybody_in_with_card_and_password() {
    let (bank, _folder) = open();
    assert_eq!(seed(&bank).unwrap(), Seeded::Now);
    for person in PEOPLE {
        let (number, pin) = (Pan::parse(person.number).unwrap(), Pin::parse(person.pin).unwrap());
        let session = bank.log_in_with_card(number, pin, MachineId::parse("ATM001").unwrap(), Standing::Sandbox);
        let session = session.unwrap().expect(person.name);
        assert_eq!(session.customer.as_ref().map(|(_, name)| name.as_str()), Some(person.name));
        let found: Vec<_> = session.accounts.iter().map(|view| view.account.balance().to_string()).collect();
        let promised: Vec<_> = person.accounts.iter().map(|(_, _, balance)| (*balance).to_owned()).collect();
        assert_eq!(found, promised, "{}", person.name);
        let online = bank.log_in_online(person.email, Password::attempt(person.password).unwrap()).unwrap();
        assert_eq!(online.expect(person.name).accounts, session.accounts, "{}", person.name);
    }
}

#[test]
fn gives_dana_reed_two_accounts_with_savings_first() {
    let (bank, _folder) = open();
    seed(&bank).unwrap();
    let (number, pin) = (Pan::parse("4539578763621486").unwrap(), Pin::parse("4321").unwrap());
    let dana = bank.log_in_with_card(number, pin, MachineId::parse("ATM123").unwrap(), Standing::Sandbox);
    let view = |view: &cashpoint_bank::desk::AccountView| {
        (view.account.identity.product, view.account.balance().to_string(), view.primary)
    };
    let accounts: Vec<_> = dana.unwrap().unwrap().accounts.iter().map(view).collect();
    let savings = (Product::Savings, "800.00".to_owned(), Primary::Yes);
    assert_eq!(accounts, [savings, (Product::Checking, "50.00".to_owned(), Primary::No)]);
}

#[test]
fn fills_machines_and_teller_accounts() {
    let (bank, _folder) = open();
    seed(&bank).unwrap();
    let (name, password) = OPERATOR;
    let operator = bank.log_in_operator(name, Password::attempt(password).unwrap()).unwrap().unwrap();
    let machines = bank.machines(operator.session).unwrap().unwrap();
    let found: Vec<_> =
        machines.iter().map(|view| (view.machine.id.to_string(), view.machine.location.clone())).collect();
    assert_eq!(found, MACHINES.map(|(id, location)| (id.to_owned(), location.to_owned())));
    assert!(machines.iter().all(|view| view.holdings.cash() == 1_000_000));
    let (_, policies) = bank.policies(operator.session).unwrap().unwrap();
    assert!(policies.contains(&("password_burst", PolicyValue::Count(1_000))));
    for (number, dollars) in TELLER_ACCOUNTS {
        assert_eq!(teller_balance(&bank, number), format!("{dollars}.00"));
    }
    assert_eq!(
        (teller_balance(&bank, 10_001), teller_balance(&bank, 100_000)),
        ("1000.00".to_owned(), "10000.00".to_owned())
    );
}

#[test]
fn makes_it_once_and_takes_up_what_was_interrupted() {
    let (bank, _folder) = open();
    let password = || Password::attempt(OPERATOR.1).unwrap();
    bank.add_operator(OPERATOR.0, Role::Admin, password()).unwrap().unwrap();
    assert_eq!(seed(&bank).unwrap(), Seeded::Now);
    let work = bank.password_evaluations();
    assert_eq!(seed(&bank).unwrap(), Seeded::Before);
    assert_eq!(bank.password_evaluations(), work, "looking is cheap");
    let again = bank.add_operator(OPERATOR.0, Role::Admin, password()).unwrap();
    assert_eq!(again, Err(Refusal::InvalidRequest { field: "username" }));
}
