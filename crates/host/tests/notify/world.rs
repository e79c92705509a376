//! A sandbox bank with customers at machines, who can be made to do things as fast as the bank takes them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use cashpoint_bank::bank::{Bank, Mode, Setting};
use cashpoint_bank::clock::SystemClock;
use cashpoint_bank::desk::{CardRequest, MachineRequest, NewCustomer, OpeningAccount, PolicyValue};
use cashpoint_bank::entropy::SystemEntropy;
use cashpoint_bank::secret::{Password, Pin};
use cashpoint_core::account::Product;
use cashpoint_core::command::{By, Caller, Deposit, NewCassette, Standing, Withdraw};
use cashpoint_core::currency::Currency;
use cashpoint_core::id::{AccountNumber, CustomerId, MachineId, RequestId};
use cashpoint_core::machine::MachineKind;
use cashpoint_core::money::Decimal;
use cashpoint_core::outcome::Outcome;
use cashpoint_core::session::Session;
use tempfile::TempDir;

/// A customer whose card is in a machine.
#[derive(Clone, Copy)]
pub(crate) struct Visitor {
    pub(crate) customer: CustomerId,
    pub(crate) account: AccountNumber,
    pub(crate) session: Session,
}

pub(crate) struct World {
    pub(crate) bank: Bank,
    pub(crate) operator: Session,
    folder: TempDir,
    requests: AtomicU64,
}

impl World {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let bank = open(&folder);
        cashpoint_bank::sandbox::seed(&bank).unwrap();
        let password = Password::attempt("operator").unwrap();
        let operator = bank.log_in_operator("operator", password).unwrap().unwrap().session;
        let no_limit = vec![("daily_withdrawal_limit".to_owned(), PolicyValue::Off)];
        bank.set_policies(operator, no_limit).unwrap().unwrap();
        Self { bank, operator, folder, requests: AtomicU64::new(1) }
    }

    /// The host dies (as far as the bank can tell) and another opens the bank.
    pub(crate) fn reopen(&mut self) {
        self.bank.close();
        self.bank = open(&self.folder);
    }

    /// So many customers with an address, each at a machine of their own.
    pub(crate) fn visitors(&self, count: usize) -> Vec<Visitor> {
        (0..count).map(|number| self.visitor(number)).collect()
    }

    fn visitor(&self, number: usize) -> Visitor {
        let (bank, operator) = (&self.bank, self.operator);
        let machine = MachineId::parse(&format!("BENCH-{number}")).unwrap();
        let cassettes = vec![NewCassette { denomination: Decimal::new(10, 0), count: 100_000 }];
        let kind = MachineKind::Api;
        let request =
            MachineRequest { machine, kind, location: "Hall".to_owned(), currency: Some(Currency::USD), cassettes };
        bank.create_machine(operator, &format!("machine-{number}"), request).unwrap().unwrap();
        let opening =
            OpeningAccount { product: Product::Savings, currency: Currency::USD, balance: Decimal::new(1_000_000, 0) };
        let request = NewCustomer {
            name: format!("Visitor {number}"),
            email: Some(format!("visitor-{number}@example.com")),
            phone: None,
            address: None,
            accounts: vec![opening],
        };
        let (created, _) = bank.create_customer(operator, &format!("customer-{number}"), request).unwrap().unwrap();
        let (customer, account) = (created.customer, created.accounts[0].account.identity.number);
        let pin = Pin::parse("1234").unwrap();
        let request = CardRequest { customer, accounts: vec![account], number: None, pin: Some(pin.clone()) };
        let (card, _) = bank.issue_card(operator, &format!("card-{number}"), request).unwrap().unwrap();
        let pan = card.number.expect("it is shown the first time");
        let session = bank.log_in_with_card(pan, pin, machine, Standing::Sandbox).unwrap().unwrap().session;
        Visitor { customer, account, session }
    }

    fn request(&self) -> RequestId {
        let number = u128::from(self.requests.fetch_add(1, Ordering::Relaxed)).to_be_bytes();
        RequestId { key: number, content: number }
    }

    fn by(visitor: Visitor) -> By {
        By::Session(Caller { session: visitor.session, standing: Standing::Sandbox })
    }

    pub(crate) fn deposit(&self, visitor: Visitor) -> Outcome {
        let (by, request, account) = (Self::by(visitor), self.request(), visitor.account);
        let amount = Decimal::new(1, 0);
        self.bank.execute(Deposit { by, request, account, amount, machine: None }).unwrap().outcome
    }

    pub(crate) fn withdraw(&self, visitor: Visitor, amount: u64) -> Outcome {
        let (by, request, account) = (Self::by(visitor), self.request(), visitor.account);
        let amount = Decimal::new(amount, 0);
        self.bank.execute(Withdraw { by, request, account, amount, machine: None }).unwrap().outcome
    }

    /// Deposits, round after round, from a few threads at once.
    pub(crate) fn deposits(&self, visitors: &[Visitor], events: usize) {
        std::thread::scope(|scope| {
            for share in visitors.chunks(visitors.len().div_ceil(8)) {
                scope.spawn(move || {
                    let own = events * share.len() / visitors.len();
                    for at in 0..own {
                        self.deposit(share[at % share.len()]).unwrap();
                    }
                });
            }
        });
    }

    /// The ids of everything that the outbox shows of a customer, by number.
    pub(crate) fn outbox(&self, customer: CustomerId) -> BTreeMap<u64, String> {
        let shown = self.bank.outbox(customer, 0, usize::MAX).unwrap();
        shown.into_iter().map(|delivered| (delivered.event.number, delivered.id().to_string())).collect()
    }
}

fn open(folder: &TempDir) -> Bank {
    let (database, keys) = (folder.path().join("bank.db"), folder.path().join("keys.toml"));
    let setting = Setting::new(database, keys, Arc::new(SystemClock), Arc::new(SystemEntropy));
    Bank::open(setting.with_mode(Mode::Sandbox)).unwrap().0
}
