//! A bank in memory for the tests of decisions: facts that are never forgotten, and a clock that tests move.

use std::cell::Cell;

use crate::account::{Account, AccountIdentity, Product, Totals};
use crate::card::{Card, CardIdentity, CardState, Verifier};
use crate::change::{Change, Changes, New, Row, Stamp};
use crate::command::{By, Caller, Command, NewSession, Standing};
use crate::currency::Currency;
use crate::customer::{Customer, Profile, Sealed};
use crate::event::{AuditKind, AuditRecord, Event, EventKind};
use crate::facts::{Facts, Keys, Lookups};
use crate::id::{AccountNumber, CardId, CustomerId, Index, MachineId, OperatorId, RequestId, SessionId, TransferId};
use crate::ledger::{BankAccount, LedgerAccount, TransferKind};
use crate::machine::{CashAccount, Holdings, Machine, MachineIdentity, MachineKind, MachineStatus};
use crate::mix::Cassette;
use crate::money::{Amount, Decimal};
use crate::outcome::Outcome;
use crate::policy::Policy;
use crate::session::{Role, Session, SessionState, Subject};
use crate::time::{BusinessDate, Timestamp};

use super::{Decision, Draft, Moment, Posting};

/// The world of one test.
pub(crate) struct World {
    pub(crate) facts: Facts,
    pub(crate) now: Timestamp,
    pub(crate) date: BusinessDate,
    pub(crate) policy: Policy,
    pub(crate) policy_version: u32,
    /// Everything that was changed, in order.
    pub(crate) log: Changes,
    fresh: Cell<u128>,
}

impl World {
    /// An empty bank at noon of a day.
    pub(crate) fn new() -> Self {
        let now = Timestamp::from_micros(1_700_000_000_000_000);
        let date = BusinessDate::from_days(19_675);
        let log = Changes::new(Stamp { now, business_date: date, policy_version: 1 });
        Self {
            facts: Facts::default(),
            now,
            date,
            policy: Policy::default(),
            policy_version: 1,
            log,
            fresh: Cell::new(1),
        }
    }

    /// Decides and applies one command.
    pub(crate) fn run(&mut self, command: impl Into<Command>) -> Outcome {
        self.decide(command).outcome
    }

    /// As [`Self::run`], with everything that the decision says.
    pub(crate) fn decide(&mut self, command: impl Into<Command>) -> Decision {
        let command = command.into();
        let mut lookups = Lookups::default();
        super::lookups(&command, &mut lookups);
        self.facts.settle_identities(&lookups);
        let mut keys = Keys::default();
        super::keys(&command, &self.facts, self.date, &mut keys);
        self.facts.settle_rows(&keys);
        let (policy, policy_version) = (&self.policy, self.policy_version);
        let fresh = TransferId::new(self.fresh.get() << 12);
        self.fresh.set(self.fresh.get() + 1);
        let moment = Moment { now: self.now, business_date: self.date, policy, policy_version, fresh };
        let decision = super::decide(&self.facts, &command, moment);
        for change in decision.changes.clone() {
            self.log.apply(change, &mut self.facts);
        }
        decision
    }

    /// A request id that no other test step uses; the content digest is its number too.
    pub(crate) fn request(&self) -> RequestId {
        let number = u128::from(self.number()).to_be_bytes();
        RequestId { key: number, content: number }
    }

    /// A number that no other test step uses.
    pub(crate) fn number(&self) -> u64 {
        self.fresh.set(self.fresh.get() + 1);
        u64::try_from(self.fresh.get()).expect("tests are short")
    }

    /// What a session is begun with.
    pub(crate) fn new_session(&self) -> NewSession {
        let number = self.number();
        NewSession { id: SessionId::new(i64::try_from(number).expect("tests are short")), token: index(number) }
    }

    /// A customer without accounts who has an email address and a password of version 1.
    pub(crate) fn customer(&mut self) -> CustomerId {
        let number = self.number();
        let id = CustomerId::new(i64::try_from(number).expect("tests are short"));
        let profile = Profile {
            customer: id,
            name: format!("Customer {number}"),
            data_key: (1, Sealed(vec![1])),
            email: Some((Sealed(vec![2]), email_of(id))),
            phone: None,
            address: None,
            since: self.now,
        };
        self.apply(Change::New(New::Customer(Customer::new(id, 1), profile, None)));
        id
    }

    /// An account in dollars that holds `minor` cents.
    pub(crate) fn account(&mut self, customer: CustomerId, product: Product, minor: i64) -> AccountNumber {
        self.account_in(customer, product, usd(minor))
    }

    /// An account that holds `balance`, put there as an operator would; a balance below zero is owed as a fee.
    pub(crate) fn account_in(&mut self, customer: CustomerId, product: Product, balance: Amount) -> AccountNumber {
        let number = AccountNumber::new(1_000_000 + self.number());
        let currency = balance.currency();
        let identity = AccountIdentity { number, customer, product, currency, opened: self.now };
        self.apply(Change::New(New::Account(Account::opened(identity))));
        let own = LedgerAccount::Customer(number);
        let amount = Amount::new(balance.minor().abs(), currency);
        match balance.minor() {
            0 => {}
            1.. => self.post(TransferKind::Opening, LedgerAccount::Bank(BankAccount::Opening, currency), own, amount),
            ..0 => self.post(TransferKind::OverdraftFee, own, LedgerAccount::Bank(BankAccount::Fees, currency), amount),
        }
        number
    }

    /// A card that reaches these accounts of the customer, valid for a year. [`right_pin`] opens it.
    pub(crate) fn card(&mut self, customer: CustomerId, accounts: &[AccountNumber]) -> CardId {
        let number = self.number();
        let id = CardId::new(i64::try_from(number).expect("tests are short"));
        let accounts = accounts.iter().map(|number| *self.facts.account_identities.at(number)).collect();
        let identity = CardIdentity { id, customer, accounts, expires: self.now.plus_s(365 * 86_400) };
        let card = Card { id, state: CardState::Active, verifier: right_pin(id), session: None };
        self.apply(Change::New(New::Card(identity, card, Sealed(vec![4]), index(number))));
        id
    }

    /// A machine that is switched on. All but counters take dollars and hold 100 × 50, 200 × 20 and 100 × 10.
    pub(crate) fn machine(&mut self, id: &str, kind: MachineKind) -> MachineId {
        let id = MachineId::parse(id).expect("tests name machines well");
        let (currency, cassettes) = match kind {
            MachineKind::Counter => (None, Vec::new()),
            MachineKind::Api | MachineKind::Terminal => {
                let notes = [(50_00, 100), (20_00, 200), (10_00, 100)];
                (Some(Currency::USD), notes.map(|(denomination, count)| Cassette { denomination, count }).to_vec())
            }
        };
        let identity = MachineIdentity { id, kind, currency, secret: [7; 32] };
        let machine = Machine { id, location: "Main Street".to_owned(), status: MachineStatus::Active, session: None };
        let holdings = Holdings { machine: id, cassettes, deposit_bin: 0, reject_bin: 0, retract_bin: 0 };
        let held = holdings.cash();
        self.apply(Change::New(New::Machine(identity, machine, holdings)));
        if let Some(currency) = currency {
            let cash = LedgerAccount::AtmCash(id, currency);
            for account in [cash, LedgerAccount::AtmInFlight(id, currency)] {
                self.apply(Change::New(New::Cash(CashAccount { account, totals: Totals::default() })));
            }
            let vault = LedgerAccount::Bank(BankAccount::Vault, currency);
            self.post(TransferKind::Replenishment, cash, vault, Amount::new(held, currency));
        }
        id
    }

    /// An online session that has just begun.
    pub(crate) fn online(&mut self, customer: CustomerId) -> Session {
        let policy = &self.policy;
        let ends = Some(self.now.plus_s(i64::from(policy.online_session_s)));
        self.begin(Subject::Online { customer }, policy.online_session_idle_s, ends)
    }

    /// A card's session at a machine or counter that has just begun; it displaces the card's and the machine's other.
    pub(crate) fn in_machine(&mut self, card: CardId, place: MachineId) -> Session {
        let customer = self.facts.card_identities.at(&card).customer;
        let session = self.begin(Subject::Card { card, customer, place }, self.policy.atm_session_idle_s, None);
        let row = Card { session: Some(session.id), ..*self.facts.cards.at(&card) };
        self.apply(Change::Row(Row::Card(row)));
        let row = Machine { session: Some(session.id), ..self.facts.machines.at(&place).clone() };
        self.apply(Change::Row(Row::Machine(row)));
        session
    }

    /// A session of staff that has just begun.
    pub(crate) fn operator(&mut self, role: Role) -> Session {
        let operator = OperatorId::new(i64::try_from(self.number()).expect("tests are short"));
        let ends = Some(self.now.plus_s(i64::from(self.policy.online_session_s)));
        self.begin(Subject::Operator { operator, role }, self.policy.online_session_idle_s, ends)
    }

    fn begin(&mut self, subject: Subject, idle_s: u32, ends: Option<Timestamp>) -> Session {
        let NewSession { id, token } = self.new_session();
        let session = Session { id, token, subject, began: self.now, idle_s, ends };
        let generation = session.customer().map_or(0, |customer| self.facts.customers.at(&customer).generation);
        let state = SessionState { id, active: self.now, generation, ended: None };
        self.apply(Change::New(New::Session(session, state)));
        session
    }

    /// Money that moved before the test begins.
    pub(crate) fn post(&mut self, kind: TransferKind, debit: LedgerAccount, credit: LedgerAccount, amount: Amount) {
        let fresh = TransferId::new(u128::from(self.number()) << 12);
        let (policy, policy_version) = (&self.policy, self.policy_version);
        let moment = Moment { now: self.now, business_date: self.date, policy, policy_version, fresh };
        let mut draft = Draft::new(&self.facts, moment);
        draft.post(Posting { kind, debit, credit, amount, machine: None, card: None, concerns: None });
        for change in draft.finish() {
            self.apply(change);
        }
    }

    /// What an account holds, in minor units.
    pub(crate) fn balance(&self, account: AccountNumber) -> i64 {
        self.facts.accounts.at(&account).balance_minor()
    }

    /// A customer's events of one kind, in order.
    pub(crate) fn events(&self, customer: CustomerId, kind: EventKind) -> Vec<Event> {
        let events =
            self.log.new.iter().filter_map(|new| if let New::Event(event) = new { Some(*event) } else { None });
        events.filter(|event| event.customer == customer && event.kind == kind).collect()
    }

    /// Records of one kind in the audit trail, in order.
    pub(crate) fn audits(&self, kind: AuditKind) -> Vec<AuditRecord> {
        let records =
            self.log.new.iter().filter_map(|new| if let New::Audit(record) = new { Some(record) } else { None });
        records.filter(|record| record.kind == kind).cloned().collect()
    }

    /// What transfers of one kind moved, in minor units.
    pub(crate) fn moved(&self, kind: TransferKind) -> i64 {
        let transfers =
            self.log.new.iter().filter_map(|new| if let New::Transfer(transfer) = new { Some(transfer) } else { None });
        transfers.filter(|transfer| transfer.kind == kind).map(|transfer| transfer.amount().minor()).sum()
    }

    /// What the ledger says is in a machine, in cents; asserts that it is what the mirror of its notes says.
    pub(crate) fn cash(&self, machine: MachineId) -> i64 {
        let ledger = -self.facts.cash.at(&LedgerAccount::AtmCash(machine, Currency::USD)).totals.owed();
        assert_eq!(ledger, self.facts.holdings.at(&machine).cash(), "the ledger's cash is what the mirror holds");
        ledger
    }

    /// Takes over a change that no command made.
    pub(crate) fn apply(&mut self, change: Change) {
        self.log.apply(change, &mut self.facts);
    }
}

/// So many cents.
pub(crate) fn usd(minor: i64) -> Amount {
    Amount::new(minor, Currency::USD)
}

/// A figure as somebody wrote it.
pub(crate) fn figure(text: &str) -> Decimal {
    Decimal::parse_or_zero(text).expect("tests write figures well")
}

/// In a sandbox, by this session.
pub(crate) fn by(session: Session) -> By {
    By::Session(Caller { session, standing: Standing::Sandbox })
}

/// An index that differs for every number.
pub(crate) fn index(number: u64) -> Index {
    let mut index = [0; 32];
    index[..8].copy_from_slice(&number.to_be_bytes());
    index
}

/// Index of the email address of a customer that [`World::customer`] made.
pub(crate) fn email_of(customer: CustomerId) -> Index {
    let mut index = index(u64::try_from(customer.number()).expect("ids are positive"));
    index[31] = b'@';
    index
}

/// What the right PIN of a card makes under the first key.
pub(crate) fn right_pin(card: CardId) -> Verifier {
    let mut mac = index(u64::try_from(card.number()).expect("ids are positive"));
    mac[31] = 1;
    Verifier { version: 1, mac }
}

/// What a wrong PIN makes under the first key.
pub(crate) fn wrong_pin(card: CardId) -> Verifier {
    let mut verifier = right_pin(card);
    verifier.mac[31] = 2;
    verifier
}
