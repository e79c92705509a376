//! Puts changes together and keeps book of what a store must give back.

use cashpoint_core::account::{Account, AccountIdentity, Totals};
use cashpoint_core::change::{Change, Changes, New, Row, Stamp};
use cashpoint_core::currency::Currency;
use cashpoint_core::customer::{Customer, PasswordHash, Profile};
use cashpoint_core::event::{About, Actor, AuditKind, AuditRecord, Event, EventKind};
use cashpoint_core::facts::{Facts, Keys, Lookups};
use cashpoint_core::id::{CardId, CustomerId, MachineId, TransferId};
use cashpoint_core::ledger::{BankAccount, Context, Entry, LedgerAccount, Sides, Transfer, TransferKind};
use cashpoint_core::machine::{CashAccount, Holdings, Machine, MachineIdentity, MachineKind, MachineStatus};
use cashpoint_core::mix::Cassette;
use cashpoint_core::money::Amount;
use cashpoint_core::session::{Session, SessionState};
use cashpoint_core::time::Timestamp;

use super::FIRST_DATE;

/// Fills one group after the other.
pub(crate) struct Builder {
    /// Every row, as it is after the changes so far.
    pub(crate) facts: Facts,
    /// Every identity that stands in `facts`.
    pub(crate) lookups: Lookups,
    /// Every row that stands in `facts`.
    pub(crate) keys: Keys,
    /// Every event, in order.
    pub(crate) events: Vec<Event>,
    /// The group being filled.
    pub(crate) changes: Changes,
    /// Its instant.
    pub(crate) now: Timestamp,
    fresh: u128,
}

impl Builder {
    /// An empty bank.
    pub(crate) fn new() -> Self {
        let now = Timestamp::from_micros(1_700_000_000_000_000);
        Self {
            facts: Facts::default(),
            lookups: Lookups::default(),
            keys: Keys::default(),
            events: Vec::new(),
            changes: Changes::new(Stamp { now, business_date: FIRST_DATE, policy_version: 1 }),
            now,
            fresh: 0x018b_cfe5_6800_7000_8000_0000_0000_0000,
        }
    }

    /// The group filled so far; the next begins a second later.
    pub(crate) fn take(&mut self) -> Changes {
        self.now = self.now.plus_s(1);
        let stamp = Stamp { now: self.now, ..self.changes.stamp };
        std::mem::replace(&mut self.changes, Changes::new(stamp))
    }

    /// Adds a row.
    pub(crate) fn add(&mut self, new: New) {
        match &new {
            New::Request(id, _) => {
                self.lookups.requests.insert(id.key);
            }
            New::Account(row) => {
                self.lookups.accounts.insert(row.identity.number);
            }
            New::Cash(row) => {
                self.keys.cash.insert(row.account);
            }
            New::Customer(row, profile, _) => {
                self.keys.customers.insert(row.id);
                self.keys.profiles.insert(row.id);
                self.lookups.emails.extend(profile.email.as_ref().map(|(_, index)| *index));
            }
            New::Session(session, _) => {
                self.keys.sessions.insert(session.id);
            }
            New::Card(identity, _, _, index) => {
                self.lookups.cards.insert(identity.id);
                self.lookups.card_numbers.insert(*index);
                self.keys.cards.insert(identity.id);
            }
            New::Machine(identity, ..) => {
                self.lookups.machines.insert(identity.id);
                self.keys.machines.insert(identity.id);
                self.keys.holdings.insert(identity.id);
            }
            New::Withdrawal(identity, _, request) => {
                self.lookups.originals.insert(request.key);
                self.lookups.withdrawals.insert(identity.id);
            }
            New::Operator(operator) => {
                self.lookups.operator_names.insert(operator.name.clone());
            }
            New::Event(event) => self.events.push(*event),
            New::Transfer(_) | New::Audit(_) | New::Policy(..) | New::DeadLetter(_) | New::Notice(_) => {}
        }
        self.changes.apply(Change::New(new), &mut self.facts);
    }

    /// Changes a row.
    pub(crate) fn set(&mut self, row: Row) {
        match &row {
            Row::Account(row) => {
                self.keys.accounts.insert(row.identity.number);
            }
            Row::Pin(key, _) => {
                self.keys.pins.insert(*key);
            }
            Row::Tries(key, _) => {
                self.keys.tries.insert(*key);
            }
            Row::Daily(key, _) => {
                self.keys.daily.insert(*key);
            }
            Row::Withdrawal(row) => {
                self.keys.withdrawals.insert(row.id);
            }
            Row::Case(row) => {
                self.keys.cases.insert(row.id);
            }
            Row::Visit(key, _) => {
                self.keys.visits.insert(*key);
            }
            Row::Replenishment(row) => {
                self.keys.replenishments.insert(row.machine);
            }
            Row::Terminal(row) => {
                self.keys.terminals.insert(row.machine);
            }
            Row::Profile(profile, _) => self.lookups.emails.extend(profile.email.as_ref().map(|(_, index)| *index)),
            Row::Cash(_)
            | Row::Customer(_)
            | Row::Password(..)
            | Row::Session(_)
            | Row::Activity(_)
            | Row::Card(_)
            | Row::Machine(_)
            | Row::Holdings(_)
            | Row::Waiting(..)
            | Row::NoticesTold(..)
            | Row::TerminalKeys(..)
            | Row::Wish(..) => {}
            Row::Feed(row) => {
                self.keys.feeds.insert(row.channel);
            }
        }
        self.changes.apply(Change::Row(row), &mut self.facts);
    }

    /// A customer.
    pub(crate) fn customer(&mut self, profile: Profile, password: Option<PasswordHash>) {
        let row = Customer::new(profile.customer, password.as_ref().map_or(0, |password| password.version));
        self.add(New::Customer(row, profile, password));
    }

    /// An empty account.
    pub(crate) fn account(&mut self, identity: AccountIdentity) {
        self.add(New::Account(Account::opened(identity)));
        self.set(Row::Account(Account::opened(identity)));
    }

    /// A session that has just begun.
    pub(crate) fn session(&mut self, session: Session) {
        let generation = u32::from(session.customer().is_some());
        self.add(New::Session(
            session,
            SessionState { id: session.id, active: session.began, generation, ended: None },
        ));
    }

    /// A machine with its accounts; all but counters hold 100 × 50 and 200 × 20 dollars.
    pub(crate) fn machine(&mut self, id: &str, kind: MachineKind) {
        let id = super::machine(id);
        let (currency, cassettes) = match kind {
            MachineKind::Counter => (None, Vec::new()),
            MachineKind::Api | MachineKind::Terminal => {
                let notes = [(50_00, 100), (20_00, 200)];
                (Some(Currency::USD), notes.map(|(denomination, count)| Cassette { denomination, count }).to_vec())
            }
        };
        let identity = MachineIdentity { id, kind, currency, secret: super::index(33) };
        let machine = Machine { id, location: "Main Street".to_owned(), status: MachineStatus::Active, session: None };
        let holdings = Holdings { machine: id, cassettes, deposit_bin: 0, reject_bin: 0, retract_bin: 0 };
        let held = holdings.cash();
        self.add(New::Machine(identity, machine, holdings));
        if let Some(currency) = currency {
            let cash = LedgerAccount::AtmCash(id, currency);
            for account in [cash, LedgerAccount::AtmInFlight(id, currency)] {
                self.add(New::Cash(CashAccount { account, totals: Totals::default() }));
            }
            let vault = LedgerAccount::Bank(BankAccount::Vault, currency);
            self.transfer(TransferKind::Replenishment, (cash, vault), held, self.context(Some(id)));
        }
    }

    /// A customer's next event.
    pub(crate) fn event(&mut self, customer: CustomerId, kind: EventKind, about: About) {
        let row = *self.facts.customers.at(&customer);
        let number = row.events + 1;
        self.add(New::Event(Event { customer, number, kind, at: self.now, about }));
        self.set(Row::Customer(Customer { events: number, ..row }));
    }

    /// A record of the audit trail.
    pub(crate) fn audit(&mut self, actor: Actor, kind: AuditKind, subject: &str) {
        let (subject, detail) = (subject.to_owned(), "as the test wants".to_owned());
        self.add(New::Audit(AuditRecord { actor, kind, subject, detail, at: self.now }));
    }

    /// Moves money; where and with which card.
    pub(crate) fn post(
        &mut self,
        kind: TransferKind,
        sides: (LedgerAccount, LedgerAccount),
        minor: i64,
        place: Option<(MachineId, CardId)>,
    ) -> TransferId {
        let (machine, card) = place.unzip();
        self.transfer(kind, sides, minor, Context { card, ..self.context(machine) })
    }

    /// Moves money because of another transfer.
    pub(crate) fn correct(
        &mut self,
        kind: TransferKind,
        sides: (LedgerAccount, LedgerAccount),
        minor: i64,
        concerns: TransferId,
    ) -> TransferId {
        self.transfer(kind, sides, minor, Context { concerns: Some(concerns), ..self.context(None) })
    }

    fn context(&self, machine: Option<MachineId>) -> Context {
        Context { at: self.now, business_date: FIRST_DATE, machine, card: None, concerns: None }
    }

    fn transfer(
        &mut self,
        kind: TransferKind,
        (debit, credit): (LedgerAccount, LedgerAccount),
        minor: i64,
        context: Context,
    ) -> TransferId {
        self.fresh += 1;
        let id = TransferId::new(self.fresh);
        let debit_entry = self.enter(debit, id, |totals| totals.debited(minor));
        let credit_entry = self.enter(credit, id, |totals| totals.credited(minor));
        let sides = Sides { debit: (debit, debit_entry), credit: (credit, credit_entry) };
        let amount = Amount::new(minor, Currency::USD);
        let transfer = Transfer::new(id, kind, sides, amount, context).expect("tests post balanced transfers");
        self.add(New::Transfer(transfer));
        id
    }

    fn enter(&mut self, side: LedgerAccount, id: TransferId, post: impl Fn(Totals) -> Totals) -> Option<Entry> {
        match side {
            LedgerAccount::Customer(number) => {
                let row = *self.facts.accounts.at(&number);
                let row = Account { totals: post(row.totals), entries: row.entries + 1, head: Some(id), ..row };
                let previous = self.facts.accounts.at(&number).head;
                self.set(Row::Account(row));
                Some(Entry { number: row.entries, previous, balance: row.balance_minor() })
            }
            LedgerAccount::AtmCash(..) | LedgerAccount::AtmInFlight(..) => {
                let row = *self.facts.cash.at(&side);
                self.set(Row::Cash(CashAccount { totals: post(row.totals), ..row }));
                None
            }
            LedgerAccount::Counter(..) | LedgerAccount::Bank(..) => None,
        }
    }
}
