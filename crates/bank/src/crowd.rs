//! Play customers in bulk, for benchmarks: each with one savings account, money on it, and an online session.
//!
//! They come in through the same commands as everybody, sealed profiles and all, many of them waiting at once; only
//! their passwords are left out, because hashing them would take longer than everything else. There is nothing here
//! that works outside a sandbox.

use std::sync::mpsc::channel;

use cashpoint_core::account::Product;
use cashpoint_core::command::{
    Command, CreateCustomer, CreateMachine, LogInOnline, Match, NewAccount, NewCassette, NewSession, PasswordCheck,
};
use cashpoint_core::currency::Currency;
use cashpoint_core::customer::{Profile, Sealed};
use cashpoint_core::id::{AccountNumber, CustomerId, Index, MachineId, OperatorId, RequestId, SessionId};
use cashpoint_core::machine::MachineKind;
use cashpoint_core::money::Decimal;
use cashpoint_core::outcome::Done;
use cashpoint_core::session::{Session, Subject};

use crate::bank::Bank;
use crate::desk::{PolicyValue, Stop};
use crate::execute::Failure;
use crate::personal::{DataKey, PersonalColumn, email_indexes};
use crate::request::{Content, Scope, request_id};
use crate::sandbox::operator_session;
use crate::tokens::{ChannelSecret, Token};

/// What everybody has to begin with: 1,000,000.00.
pub const OPENING_BALANCE: Decimal = Decimal::new(1_000_000, 0);

/// Denominations of a machine's cassettes and how many notes are in each: more than a benchmark can take out.
const CASSETTES: [(u64, u32); 3] = [(50, 1_000_000), (20, 1_000_000), (10, 100_000_000)];

/// The first account's number; the others follow it. What is random in a real bank is who uses which.
const FIRST_ACCOUNT: u64 = 500_000_000_001;

/// Commands that wait at once: two groups of half the size, so that one is prepared while the other commits. A bank's
/// queue must take as many.
const AT_ONCE: usize = 1_024;

/// As long as a policy allows any: a long run must not log anybody out.
const SESSION_S: u32 = 7 * 24 * 60 * 60;

/// One of the crowd.
#[derive(Clone, Debug)]
pub struct Member {
    /// Their account.
    pub account: AccountNumber,
    /// Their session …
    pub session: Session,
    /// … and its token.
    pub token: Token,
}

/// A bank with a crowd: makes more of it when asked.
pub struct Crowd {
    bank: Bank,
    session: Session,
    operator: OperatorId,
    machines: Vec<MachineId>,
    /// How many customers there are.
    size: u64,
}

/// A member on the way.
struct Newcomer {
    customer: CustomerId,
    identity: Index,
    account: AccountNumber,
    token: Option<Token>,
}

impl Crowd {
    /// Sets a sandbox up: limits that a benchmark would run into off, sessions of a week, so many `api` machines with
    /// ample notes.
    ///
    /// # Errors
    /// The world failed.
    ///
    /// # Panics
    /// Outside a sandbox.
    pub fn begin(bank: &Bank, machines: usize) -> Result<Self, Failure> {
        assert!(bank.is_sandbox(), "a crowd belongs in a sandbox");
        Self::set_up(bank, machines).map_err(failed)
    }

    fn set_up(bank: &Bank, machines: usize) -> Result<Self, Stop> {
        let session = operator_session(bank)?;
        let Subject::Operator { operator, .. } = session.subject else {
            return Err(Failure::Internal.into());
        };
        let most = PolicyValue::Figure(Decimal::new(100_000_000_000, 0));
        let week = PolicyValue::Count(SESSION_S);
        let patch = [
            ("daily_withdrawal_limit", PolicyValue::Off),
            ("daily_deposit_limit", most),
            ("online_session_s", week.clone()),
            ("online_session_idle_s", week),
        ];
        bank.set_policies(session, patch.map(|(name, value)| (name.to_owned(), value)).to_vec())??;
        let mut crowd = Self { bank: bank.clone(), session, operator, machines: Vec::with_capacity(machines), size: 0 };
        let mut numbers = 1..=machines;
        let mut made = Vec::with_capacity(machines);
        in_bulk(bank, |turn| match turn {
            Turn::Free => Ok(numbers.next().map(|number| (crowd.machine(number), ()))),
            Turn::Answered(Done::MachineCreated(machine), ()) => {
                made.push(machine);
                Ok(None)
            }
            Turn::Answered(other, ()) => Err(unexpected(&other)),
        })?;
        crowd.machines = made;
        Ok(crowd)
    }

    /// The machines.
    #[must_use]
    pub fn machines(&self) -> &[MachineId] {
        &self.machines
    }

    /// Adds so many customers, and hands over each as soon as their session has begun, in no particular order.
    ///
    /// # Errors
    /// The world failed.
    pub fn add(&mut self, customers: usize, each: impl FnMut(Member)) -> Result<(), Failure> {
        self.try_add(customers, each).map_err(failed)
    }

    fn try_add(&mut self, customers: usize, mut each: impl FnMut(Member)) -> Result<(), Stop> {
        let bank = self.bank.clone();
        let mut left = customers;
        in_bulk(&bank, |turn| match turn {
            Turn::Free if left == 0 => Ok(None),
            Turn::Free => {
                left -= 1;
                self.newcomer().map(Some)
            }
            Turn::Answered(Done::CustomerCreated { .. }, newcomer) => Ok(Some(self.log_in(newcomer))),
            Turn::Answered(Done::LoggedIn(session), Newcomer { account, token: Some(token), .. }) => {
                // As a log-in at the desk does.
                bank.remember(session);
                each(Member { account, session, token });
                Ok(None)
            }
            Turn::Answered(other, _) => Err(unexpected(&other)),
        })
    }

    fn machine(&self, number: usize) -> Command {
        let machine = MachineId::parse(&format!("CROWD{number}")).expect("short enough for an id");
        let cassette = |(denomination, count)| NewCassette { denomination: Decimal::new(denomination, 0), count };
        let command = CreateMachine {
            session: self.session,
            request: self.request(&format!("crowd-machine-{number}"), "create_machine"),
            machine,
            kind: MachineKind::Api,
            location: format!("Pitch {number}"),
            currency: Some(Currency::USD),
            cassettes: CASSETTES.map(cassette).to_vec(),
            secret: ChannelSecret::generate(self.bank.inner.entropy.as_ref()).hash(),
        };
        command.into()
    }

    /// The command that makes the next customer.
    fn newcomer(&mut self) -> Result<(Command, Newcomer), Stop> {
        let number = self.size;
        self.size += 1;
        let customer = CustomerId::new(self.bank.new_number());
        let (keys, entropy) = (self.bank.inner.keys.as_ref(), self.bank.inner.entropy.as_ref());
        let email = format!("crowd-{number}@example.com");
        let identity = email_indexes(keys, &email)?.last().expect("a key store always has a current key").index;
        let (key, wrapped) = DataKey::generate(keys, customer, entropy)?;
        let sealed = key.seal(PersonalColumn::Email, customer.number(), &email, entropy);
        let profile = Profile {
            customer,
            name: format!("Crowd {number}"),
            data_key: (wrapped.version, Sealed(wrapped.sealed)),
            email: Some((sealed, identity)),
            phone: None,
            address: None,
            since: self.bank.now(),
        };
        let account = AccountNumber::new(FIRST_ACCOUNT + number);
        let new = NewAccount { number: account, product: Product::Savings, currency: Currency::USD };
        let command = CreateCustomer {
            session: self.session,
            request: self.request(&format!("crowd-customer-{number}"), "create_customer"),
            profile,
            accounts: vec![(new, OPENING_BALANCE)],
        };
        Ok((command.into(), Newcomer { customer, identity, account, token: None }))
    }

    /// Nobody gave them a password, so the log-in says of version 0, which is none, that it was given.
    fn log_in(&mut self, newcomer: Newcomer) -> (Command, Newcomer) {
        let token = Token::generate(self.bank.inner.entropy.as_ref());
        let session = NewSession { id: SessionId::new(self.bank.new_number()), token: token.hash() };
        let check = Some(PasswordCheck { of: newcomer.customer, version: 0, matched: Match::Same });
        let command = LogInOnline { identity: newcomer.identity, check, session };
        (command.into(), Newcomer { token: Some(token), ..newcomer })
    }

    fn request(&self, key: &str, kind: &'static str) -> RequestId {
        request_id(Scope::Operator(self.operator), key, &Content::of(kind, key))
    }
}

/// What the maker of commands is asked.
enum Turn<T> {
    /// There is room for a new command.
    Free,
    /// A command was done; another may follow it at once.
    Answered(Done, T),
}

/// Keeps many commands waiting until `next` has no more, and none is under way.
fn in_bulk<T: Send + 'static>(
    bank: &Bank,
    mut next: impl FnMut(Turn<T>) -> Result<Option<(Command, T)>, Stop>,
) -> Result<(), Stop> {
    let (sender, receiver) = channel();
    let submit = |(command, about): (Command, T)| {
        let sender = sender.clone();
        bank.submit(command, Box::new(move |answer| drop(sender.send((answer, about)))));
    };
    let mut under_way = 0;
    loop {
        while under_way < AT_ONCE
            && let Some(command) = next(Turn::Free)?
        {
            submit(command);
            under_way += 1;
        }
        if under_way == 0 {
            return Ok(());
        }
        let (answer, about) = receiver.recv().expect("this thread holds a sender");
        under_way -= 1;
        if let Some(command) = next(Turn::Answered(answer?.outcome?, about))? {
            submit(command);
            under_way += 1;
        }
    }
}

fn unexpected(done: &Done) -> Stop {
    tracing::error!(?done, "an answer of another command");
    Failure::Internal.into()
}

fn failed(stop: Stop) -> Failure {
    match stop {
        Stop::Failed(failure) => failure,
        Stop::Refused(refusal) | Stop::Repeated(refusal) => {
            tracing::error!(?refusal, "the crowd was refused");
            Failure::Internal
        }
        Stop::Store(error) => {
            tracing::error!(%error, "the database cannot be read");
            Failure::DatabaseUnavailable
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use cashpoint_core::command::ReadBalance;
    use cashpoint_core::command::{By, Caller, Standing};

    use super::*;
    use crate::bank::{Mode, Setting};
    use crate::clock::SystemClock;
    use crate::entropy::SystemEntropy;

    #[test]
    fn makes_customers_whose_sessions_reach_their_money() {
        let folder = tempfile::tempdir().unwrap();
        let (database, keys) = (folder.path().join("bank.db"), folder.path().join("keys.toml"));
        let setting = Setting::new(database, keys, Arc::new(SystemClock), Arc::new(SystemEntropy));
        let (bank, _) = Bank::open(setting.with_mode(Mode::Sandbox)).unwrap();
        let mut crowd = Crowd::begin(&bank, 3).unwrap();
        assert_eq!(crowd.machines().len(), 3);
        let mut members = Vec::new();
        crowd.add(40, |member| members.push(member)).unwrap();
        crowd.add(2, |member| members.push(member)).unwrap();
        assert_eq!(members.len(), 42);
        for Member { account, session, token } in members {
            assert_eq!(bank.authenticate(token.expose()).unwrap(), Some(session));
            let by = By::Session(Caller { session, standing: Standing::Sandbox });
            let answer = bank.execute(ReadBalance { by, account }).unwrap();
            let Ok(Done::Balance(balance)) = answer.outcome else { panic!("{answer:?}") };
            assert_eq!(balance.balance.minor(), 1_000_000_00);
        }
        bank.close();
    }
}
