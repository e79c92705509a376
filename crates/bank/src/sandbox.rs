//! Play data: the teller's accounts, people with cards, machines, an operator everybody knows.
//!
//! It comes in through commands like everything else, under request keys that are always the same, so an interrupted
//! start is taken up where it ended. There is nothing here that works outside a sandbox.

mod books;

use cashpoint_core::account::Product;
use cashpoint_core::command::{ChangePassword, LogInOnline, Match, NewCassette, PasswordCheck};
use cashpoint_core::currency::Currency;
use cashpoint_core::customer::PasswordHash;
use cashpoint_core::id::{AccountNumber, CardId, CustomerId, MachineId};
use cashpoint_core::machine::MachineKind;
use cashpoint_core::money::Decimal;
use cashpoint_core::outcome::{Done, Refusal};
use cashpoint_core::policy::Policy;
use cashpoint_core::session::{Role, Session};
use cashpoint_wire::link::enrolment::EnrolmentSecret;

use crate::bank::{Answered, Bank};
use crate::desk::{
    CardRequest, FixedCard, FixedCustomer, MachineRequest, NewCustomer, OpeningAccount, PolicyValue, Stop,
};
use crate::execute::Failure;
use crate::secret::{Pan, Password, Pin};

pub use books::{Books, books};

/// Name and password of the sandbox's operator.
pub const OPERATOR: (&str, &str) = ("operator", "operator");

/// The rates of a sandbox are this much higher than those of a bank.
const MAGNIFIED: u32 = 100;

/// Somebody to play with.
#[derive(Clone, Copy, Debug)]
pub struct Person {
    /// Customer id.
    pub customer: i64,
    /// Name.
    pub name: &'static str,
    /// Email address to log in with …
    pub email: &'static str,
    /// … and the password.
    pub password: &'static str,
    /// Card id.
    pub card: i64,
    /// Card number.
    pub number: &'static str,
    /// PIN.
    pub pin: &'static str,
    /// Account numbers, products and opening balances; the first account is the primary one.
    pub accounts: &'static [(u64, Product, &'static str)],
}

/// Everybody.
pub const PEOPLE: [Person; 6] = [
    Person {
        customer: 2,
        name: "John Doe",
        email: "john.doe@example.com",
        password: "sandbox-john",
        card: 1,
        number: "4532123456789012",
        pin: "1234",
        accounts: &[(400_000_000_011, Product::Savings, "1500.00")],
    },
    Person {
        customer: 3,
        name: "Jane Smith",
        email: "jane.smith@example.com",
        password: "sandbox-jane",
        card: 2,
        number: "4532111111111111",
        pin: "5678",
        accounts: &[(400_000_000_021, Product::Savings, "2000.00")],
    },
    Person {
        customer: 4,
        name: "Bob Johnson",
        email: "bob.johnson@example.com",
        password: "sandbox-bob",
        card: 3,
        number: "4532222222222222",
        pin: "9999",
        accounts: &[(400_000_000_031, Product::Savings, "200.00")],
    },
    Person {
        customer: 5,
        name: "Alice Brown",
        email: "alice.brown@example.com",
        password: "sandbox-alice",
        card: 4,
        number: "4532333333333333",
        pin: "1111",
        accounts: &[(400_000_000_041, Product::Savings, "3000.00")],
    },
    Person {
        customer: 6,
        name: "Charlie Davis",
        email: "charlie.davis@example.com",
        password: "sandbox-charlie",
        card: 5,
        number: "4532444444444444",
        pin: "2222",
        accounts: &[(400_000_000_051, Product::Savings, "1000.00")],
    },
    Person {
        customer: 7,
        name: "Dana Reed",
        email: "dana.reed@example.com",
        password: "sandbox-dana",
        card: 6,
        number: "4539578763621486",
        pin: "4321",
        accounts: &[(400_000_000_061, Product::Savings, "800.00"), (400_000_000_062, Product::Checking, "50.00")],
    },
];

/// Machines and where they stand.
pub const MACHINES: [(&str, &str); 6] = [
    ("ATM001", "Main Street"),
    ("ATM002", "Downtown"),
    ("ATM003", "Uptown"),
    ("ATM004", "Airport"),
    ("ATM005", "Mall"),
    ("ATM123", "Head Office"),
];

/// Terminals and where they stand; not part of the play data of every sandbox, see [`seed_terminal`].
pub const TERMINALS: [(&str, &str); 2] = [("ATM901", "Station"), ("ATM902", "Harbour")];

/// What each machine is filled with: denomination and notes, 10,000.00 in all.
pub const CASSETTES: [(u64, u32); 3] = [(50, 100), (20, 200), (10, 100)];

/// The teller's accounts and their opening balances, whole dollars.
pub const TELLER_ACCOUNTS: [(u64, u64); 10] = [
    (10_001, 1_000),
    (10_002, 2_000),
    (10_003, 3_000),
    (10_004, 4_000),
    (10_005, 5_000),
    (10_006, 6_000),
    (10_007, 7_000),
    (10_008, 8_000),
    (10_009, 9_000),
    LAST,
];

/// Made last: where it is, everything is.
const LAST: (u64, u64) = (100_000, 10_000);

/// Whether there was anything to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Seeded {
    /// The play data was made.
    Now,
    /// It was there.
    Before,
}

/// Makes the play data of a sandbox that does not have it yet.
///
/// # Errors
/// The world failed.
///
/// # Panics
/// Outside a sandbox.
pub fn seed(bank: &Bank) -> Result<Seeded, Failure> {
    assert!(bank.is_sandbox(), "play data belongs in a sandbox");
    if bank.read(|reads| reads.account(AccountNumber::new(LAST.0)))?.is_some() {
        return Ok(Seeded::Before);
    }
    failed(play_data(bank)).map(|()| Seeded::Now)
}

/// Makes a machine of kind terminal in a sandbox that does not have it yet, filled like all others, and gives what it is
/// enrolled with: who starts a sandbox and its terminals in one process need not carry a code from one to the other.
///
/// # Errors
/// The world failed.
///
/// # Panics
/// Outside a sandbox.
pub fn seed_terminal(bank: &Bank, id: MachineId, location: &str) -> Result<EnrolmentSecret, Failure> {
    assert!(bank.is_sandbox(), "play data belongs in a sandbox");
    let known = |bank: &Bank| bank.read(|reads| reads.machines(Some(id)));
    if known(bank)?.is_empty() {
        failed(make_terminal(bank, id, location))?;
    }
    let view = known(bank)?.into_iter().next().ok_or(Failure::Internal)?;
    Ok(EnrolmentSecret::new(view.identity.secret))
}

fn make_terminal(bank: &Bank, id: MachineId, location: &str) -> Result<(), Stop> {
    let session = operator_session(bank)?;
    make_machine(bank, session, (id, location), MachineKind::Terminal)?;
    flat(bank.log_out(session))
}

/// Play data is never refused, so what goes wrong is the world.
fn failed(made: Result<(), Stop>) -> Result<(), Failure> {
    made.map_err(|stop| match stop {
        Stop::Failed(failure) => failure,
        Stop::Refused(refusal) | Stop::Repeated(refusal) => {
            tracing::error!(?refusal, "the play data was refused");
            Failure::Internal
        }
        Stop::Store(error) => {
            tracing::error!(%error, "the database cannot be read");
            Failure::DatabaseUnavailable
        }
    })
}

fn play_data(bank: &Bank) -> Result<(), Stop> {
    let session = operator_session(bank)?;
    flat(bank.set_policies(session, magnified()))?;
    for person in &PEOPLE {
        make_person(bank, session, person)?;
        set_password(bank, person)?;
    }
    for (id, location) in MACHINES {
        let id = MachineId::parse(id).expect("play machines have ids");
        make_machine(bank, session, (id, location), MachineKind::Api)?;
    }
    make_teller(bank, session)?;
    flat(bank.log_out(session))
}

/// One kind of "no" for both.
fn flat<T>(answered: Answered<T>) -> Result<T, Stop> {
    Ok(answered??)
}

pub(crate) fn operator_session(bank: &Bank) -> Result<Session, Stop> {
    let (name, password) = OPERATOR;
    // Shorter than a password may be that somebody chooses.
    let password = Password::attempt(password).expect("the operator's password is short");
    if bank.read(|reads| reads.operator(name))?.is_none() {
        flat(bank.add_operator(name, Role::Admin, password.clone()))?;
    }
    Ok(flat(bank.log_in_operator(name, password))?.session)
}

/// The rates of the default policy, magnified.
fn magnified() -> Vec<(String, PolicyValue)> {
    let policy = Policy::default();
    let rates = [
        ("password_burst", policy.password_burst * MAGNIFIED),
        ("password_per_minute", policy.password_per_minute * MAGNIFIED),
        ("address_log_in_burst", policy.address_log_in_burst * MAGNIFIED),
        ("address_log_in_per_second", policy.address_log_in_per_second * MAGNIFIED),
        ("address_sign_up_burst", policy.address_sign_up_burst * MAGNIFIED),
    ];
    let every_s = Decimal::new(u64::from(policy.address_sign_up_every_ms / MAGNIFIED), 3);
    let rates = rates.map(|(name, rate)| (name.to_owned(), PolicyValue::Count(rate)));
    rates.into_iter().chain([("address_sign_up_every_s".to_owned(), PolicyValue::Figure(every_s))]).collect()
}

fn make_person(bank: &Bank, session: Session, person: &Person) -> Result<(), Stop> {
    let Person { customer, name, email, card, number, pin, accounts, .. } = *person;
    let opening = |&(_, product, balance): &(u64, Product, &str)| {
        let balance = Decimal::parse(balance).expect("opening balances are figures");
        OpeningAccount { product, currency: Currency::USD, balance }
    };
    let request = NewCustomer {
        name: name.to_owned(),
        email: Some(email.to_owned()),
        phone: None,
        address: None,
        accounts: accounts.iter().map(opening).collect(),
    };
    let numbers: Vec<_> = accounts.iter().map(|(number, ..)| AccountNumber::new(*number)).collect();
    let fixed = FixedCustomer { id: CustomerId::new(customer), accounts: numbers.clone() };
    bank.make_customer(session, &format!("sandbox-customer-{customer}"), &request, Some(&fixed))?;
    let request = CardRequest {
        customer: CustomerId::new(customer),
        accounts: numbers,
        number: Some(Pan::parse(number).expect("card numbers are digits")),
        pin: Some(Pin::parse(pin).expect("PINs are digits")),
    };
    bank.make_card(session, &format!("sandbox-card-{card}"), &request, Some(FixedCard(CardId::new(card))))?;
    Ok(())
}

/// Gives somebody whom staff made their first password. Nobody has one to change it with; so the log-in says of the
/// password that there is none yet (version 0) that it was given. Only play data comes about like this.
fn set_password(bank: &Bank, person: &Person) -> Result<(), Stop> {
    let customer = CustomerId::new(person.customer);
    let (profile, password) = bank.read(|reads| reads.customer(customer))?.ok_or(Refusal::NotFound)?;
    if password.is_some() {
        return Ok(());
    }
    let (_, identity) = profile.email.ok_or(Refusal::NotFound)?;
    let chosen = Password::choose(person.password).expect("play passwords have the right length");
    let phc = bank.inner.passwords.hash(&chosen, bank.inner.entropy.as_ref())?;
    let check = PasswordCheck { of: customer, version: 0, matched: Match::Same };
    let (_, new) = bank.new_session();
    let (done, _) = bank.done(LogInOnline { identity, check: Some(check), session: new })?;
    let Done::LoggedIn(session) = done else {
        return Err(Failure::Internal.into());
    };
    bank.changed(ChangePassword { session, identity, check, password: PasswordHash { version: 1, phc } })?;
    flat(bank.log_out(session))
}

fn make_machine(
    bank: &Bank,
    session: Session,
    (machine, location): (MachineId, &str),
    kind: MachineKind,
) -> Result<(), Stop> {
    let cassette = |(denomination, count)| NewCassette { denomination: Decimal::new(denomination, 0), count };
    let request = MachineRequest {
        machine,
        kind,
        location: location.to_owned(),
        currency: Some(Currency::USD),
        cassettes: CASSETTES.map(cassette).to_vec(),
    };
    bank.make_machine(session, &format!("sandbox-machine-{machine}"), &request).map(drop)
}

fn make_teller(bank: &Bank, session: Session) -> Result<(), Stop> {
    let opening = |(_, dollars)| OpeningAccount {
        product: Product::Savings,
        currency: Currency::USD,
        balance: Decimal::new(dollars, 0),
    };
    let request = NewCustomer {
        name: "Teller".to_owned(),
        email: None,
        phone: None,
        address: None,
        accounts: TELLER_ACCOUNTS.map(opening).to_vec(),
    };
    let numbers = TELLER_ACCOUNTS.map(|(number, _)| AccountNumber::new(number)).to_vec();
    let fixed = FixedCustomer { id: CustomerId::TELLER, accounts: numbers };
    bank.make_customer(session, "sandbox-teller", &request, Some(&fixed)).map(drop)
}
