//! A bank on a real file, with a clock that tests move and randomness that follows from a seed.

use std::cell::Cell;
use std::sync::Arc;

use cashpoint_bank::bank::{Bank, Mode, Setting};
use cashpoint_bank::clock::ManualClock;
use cashpoint_bank::desk::{
    CardRequest, EntryKind, HistoryRequest, LoggedIn, MachineRequest, NewCustomer, OpeningAccount, ReplenishRequest,
    SignUpRequest, SignedUp,
};
use cashpoint_bank::entropy::SeededEntropy;
use cashpoint_bank::execute::Failure;
use cashpoint_bank::keys::{FileKeyStore, KeyPurpose, MasterKey};
use cashpoint_bank::request::{Content, Scope};
use cashpoint_bank::secret::{Pan, Password, Pin};
use cashpoint_core::account::Product;
use cashpoint_core::command::{
    By, Caller, Command, CountedCassette, Deposit, NewCassette, Standing, Touch, Transfer, Withdraw,
};
use cashpoint_core::currency::Currency;
use cashpoint_core::id::{AccountNumber, CardId, CustomerId, MachineId, RequestId, TransferId};
use cashpoint_core::machine::MachineKind;
use cashpoint_core::money::Decimal;
use cashpoint_core::outcome::{Done, Refusal};
use cashpoint_core::session::{Role, Session, Subject};
use cashpoint_core::time::{BusinessDate, Timestamp};
use tempfile::TempDir;

/// Everybody's password.
pub(crate) const PASSWORD: &str = "correct horse battery";

/// A number that no account has.
pub(crate) const NOBODYS: AccountNumber = AccountNumber::new(12_345);

/// The bank of one test, with an admin logged in and a machine of 500 twenties, ATM1.
pub(crate) struct Desk {
    pub(crate) bank: Bank,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) admin: Session,
    requests: Cell<u32>,
    folder: TempDir,
}

/// A customer whom staff made.
pub(crate) struct Holder {
    pub(crate) customer: CustomerId,
    pub(crate) accounts: Vec<AccountNumber>,
}

/// A card and what is needed to use it.
pub(crate) struct Plastic {
    pub(crate) card: CardId,
    pub(crate) number: Pan,
    pub(crate) pin: Pin,
}

impl Desk {
    pub(crate) fn open(mode: Mode) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let noon = i64::from(BusinessDate::from_civil(2026, 9, 15).unwrap().days()) * 86_400 + 43_200;
        let clock = Arc::new(ManualClock::new(Timestamp::EPOCH.plus_s(noon)));
        let bank = Self::bank_in(&folder, clock.clone(), mode);
        bank.add_operator("admin", Role::Admin, password(PASSWORD)).unwrap().unwrap();
        let admin = bank.log_in_operator("admin", password(PASSWORD)).unwrap().unwrap().session;
        bank.create_machine(admin, "ATM1", machine("ATM1", MachineKind::Api)).unwrap().unwrap();
        Self { bank, clock, admin, requests: Cell::new(0), folder }
    }

    fn bank_in(folder: &TempDir, clock: Arc<ManualClock>, mode: Mode) -> Bank {
        let entropy = Arc::new(SeededEntropy::new(7));
        let (database, keys) = (folder.path().join("bank.db"), folder.path().join("keys.toml"));
        Bank::open(Setting::new(database, keys, clock, entropy).with_mode(mode)).unwrap().0
    }

    /// Closes the bank, makes a next key for every purpose, and opens it again.
    pub(crate) fn rotate_every_key(&mut self) {
        let mode = if self.bank.is_sandbox() { Mode::Sandbox } else { Mode::Real };
        let path = self.folder.path().join("keys.toml");
        let keys = FileKeyStore::open(&path, MasterKey::InFile, Arc::new(SeededEntropy::new(8))).unwrap();
        for purpose in KeyPurpose::ALL {
            keys.rotate(purpose).unwrap();
        }
        // A spare folder stands in until the first bank has let go of its file.
        let spare = tempfile::tempdir().unwrap();
        let first = std::mem::replace(&mut self.bank, Self::bank_in(&spare, self.clock.clone(), mode));
        first.close();
        drop(first);
        self.bank = Self::bank_in(&self.folder, self.clock.clone(), mode);
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.bank.now()
    }

    /// A customer whom staff make, with accounts of these opening balances.
    pub(crate) fn customer(&self, name: &str, openings: &[&str]) -> Holder {
        let created = self.bank.create_customer(self.admin, &self.key(), new_customer(name, openings));
        let created = created.unwrap().unwrap().0;
        let accounts = created.accounts.iter().map(|view| view.account.identity.number).collect();
        Holder { customer: created.customer, accounts }
    }

    /// A card for those of the holder's accounts.
    pub(crate) fn card(&self, holder: &Holder, accounts: &[usize]) -> Plastic {
        let accounts = accounts.iter().map(|at| holder.accounts[*at]).collect();
        let request = CardRequest { customer: holder.customer, accounts, number: None, pin: None };
        let issued = self.bank.issue_card(self.admin, &self.key(), request).unwrap().unwrap().0;
        Plastic { card: issued.card, number: issued.number.unwrap(), pin: issued.pin.unwrap() }
    }

    /// The card's session at ATM1.
    pub(crate) fn card_session(&self, card: &Plastic) -> LoggedIn {
        let standing = Standing::At(place("ATM1"));
        let answer = self.bank.log_in_with_card(card.number.clone(), card.pin.clone(), place("ATM1"), standing);
        answer.unwrap().expect("the PIN is right")
    }

    pub(crate) fn sign_up_request(email: &str) -> SignUpRequest {
        SignUpRequest {
            name: "Ada".to_owned(),
            email: email.to_owned(),
            password: password(PASSWORD),
            phone: Some("+1 555 0100".to_owned()),
            address: None,
            product: Product::Savings,
            currency: Currency::USD,
        }
    }

    pub(crate) fn sign_up(&self, email: &str) -> SignedUp {
        self.bank.sign_up(Self::sign_up_request(email)).unwrap().expect("the address is free")
    }

    pub(crate) fn online(&self, email: &str) -> LoggedIn {
        self.bank.log_in_online(email, password(PASSWORD)).unwrap().expect("the password is right")
    }

    /// Waits until everything that was queued before is done.
    pub(crate) fn settle(&self) {
        let _ = self.bank.execute(Touch { session: self.admin }).unwrap();
    }

    pub(crate) fn withdraw(
        &self,
        session: Session,
        account: AccountNumber,
        amount: &str,
    ) -> Result<TransferId, Refusal> {
        let request = self.request(account);
        let by = here(session);
        let command = Withdraw { by, request, account, amount: money(amount), machine: None };
        self.moved(command.into())
    }

    pub(crate) fn deposit(
        &self,
        session: Session,
        account: AccountNumber,
        amount: &str,
    ) -> Result<TransferId, Refusal> {
        let request = self.request(account);
        let by = here(session);
        let command = Deposit { by, request, account, amount: money(amount), machine: None };
        self.moved(command.into())
    }

    pub(crate) fn transfer(
        &self,
        session: Session,
        source: AccountNumber,
        target: AccountNumber,
        amount: &str,
    ) -> TransferId {
        let request = self.request(source);
        let command = Transfer { session, request, source, target, amount: money(amount) };
        self.moved(command.into()).unwrap()
    }

    fn moved(&self, command: Command) -> Result<TransferId, Refusal> {
        let done = self.bank.execute(command).unwrap().outcome?;
        if let Done::Withdrawn(receipt) | Done::Deposited(receipt) = &done {
            return Ok(receipt.transaction);
        }
        let Done::Transferred(receipt) = done else { panic!("no money moved: {done:?}") };
        Ok(receipt.transaction)
    }

    fn request(&self, account: AccountNumber) -> RequestId {
        let content = Content { account: Some(account), ..Content::of("test", "") };
        self.bank.request_id(Scope::Teller, &self.key(), &content)
    }

    fn key(&self) -> String {
        self.requests.set(self.requests.get() + 1);
        format!("test-{}", self.requests.get())
    }
}

/// What a refused operation was refused for.
#[track_caller]
pub(crate) fn refused<T>(answered: Result<Result<T, impl Into<Refusal>>, Failure>) -> Refusal {
    match answered.expect("the world does not fail here") {
        Ok(_) => panic!("it was done"),
        Err(refusal) => refusal.into(),
    }
}

pub(crate) fn new_customer(name: &str, openings: &[&str]) -> NewCustomer {
    let opening = |balance: &&str| OpeningAccount {
        product: Product::Savings,
        currency: Currency::USD,
        balance: Decimal::parse_or_zero(balance).unwrap(),
    };
    NewCustomer {
        name: name.to_owned(),
        email: Some(format!("{}@example.com", name.to_lowercase())),
        phone: None,
        address: None,
        accounts: openings.iter().map(opening).collect(),
    }
}

pub(crate) fn machine(id: &str, kind: MachineKind) -> MachineRequest {
    let cassettes = vec![NewCassette { denomination: money("20"), count: 500 }];
    MachineRequest { machine: place(id), kind, location: "Test".to_owned(), currency: Some(Currency::USD), cassettes }
}

pub(crate) fn replenishment(id: &str, counted_out: u32, counted_in: u32) -> ReplenishRequest {
    let cassettes = vec![CountedCassette { denomination: money("20"), counted_out, counted_in }];
    ReplenishRequest { machine: place(id), cassettes, deposit_bin: None, reject_bin: None, retract_bin: None }
}

pub(crate) fn history(
    account: AccountNumber,
    kind: Option<EntryKind>,
    limit: usize,
    cursor: Option<String>,
) -> HistoryRequest {
    HistoryRequest { account, kind, from: None, to: None, limit, cursor }
}

pub(crate) fn password(text: &str) -> Password {
    Password::attempt(text).unwrap()
}

pub(crate) fn pin(text: &str) -> Pin {
    Pin::parse(text).unwrap()
}

pub(crate) fn place(text: &str) -> MachineId {
    MachineId::parse(text).unwrap()
}

pub(crate) fn money(text: &str) -> Decimal {
    Decimal::parse(text).unwrap()
}

/// By a card's session, from where the card is.
fn here(session: Session) -> By {
    let standing = match session.subject {
        Subject::Card { place, .. } => Standing::At(place),
        Subject::Online { .. } | Subject::Operator { .. } => Standing::Nowhere,
    };
    By::Session(Caller { session, standing })
}
