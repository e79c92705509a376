//! A decision in the making: the facts as they will be, and the changes that make them so.

use cashpoint_mutant::{Mutant, chosen};

use crate::account::{Account, Totals};
use crate::change::{Change, New, Row};
use crate::customer::Customer;
use crate::event::{About, Actor, AuditKind, AuditRecord, Event, EventKind};
use crate::facts::{DailyKey, Facts};
use crate::id::{AccountNumber, CardId, CustomerId, MachineId, RequestId, TransferId};
use crate::ledger::{Context, Entry, LedgerAccount, Sides, Transfer, TransferKind};
use crate::machine::CashAccount;
use crate::money::Amount;
use crate::outcome::{Outcome, Refusal};
use crate::session::{Session, SessionState};
use crate::withdrawal::DailyUse;

use super::{Moment, Stop};

/// Collects the changes of one decision; reads see them.
pub(crate) struct Draft<'a> {
    pub(crate) facts: &'a Facts,
    pub(crate) moment: Moment<'a>,
    accounts: Vec<Account>,
    cash: Vec<CashAccount>,
    customers: Vec<Customer>,
    changes: Vec<Change>,
    transfers: u16,
    /// Whom a refusal concerns, and in what; set as the checks find out.
    pub(crate) concerns: Option<CustomerId>,
    pub(crate) about: About,
    /// Whose activity it is, once a customer's session is known to live.
    pub(crate) asks: Option<Session>,
}

/// A transfer to be made.
pub(crate) struct Posting {
    pub(crate) kind: TransferKind,
    pub(crate) debit: LedgerAccount,
    pub(crate) credit: LedgerAccount,
    pub(crate) amount: Amount,
    pub(crate) machine: Option<MachineId>,
    pub(crate) card: Option<CardId>,
    pub(crate) concerns: Option<TransferId>,
}

impl<'a> Draft<'a> {
    pub(crate) fn new(facts: &'a Facts, moment: Moment<'a>) -> Self {
        Self {
            facts,
            moment,
            accounts: Vec::new(),
            cash: Vec::new(),
            customers: Vec::new(),
            changes: Vec::with_capacity(10),
            transfers: 0,
            concerns: None,
            about: About::default(),
            asks: None,
        }
    }

    /// The recorded answer if the request is known; the content must be the same.
    pub(crate) fn replay(&self, request: RequestId) -> Result<(), Stop> {
        match self.facts.requests.find(&request.key) {
            None => Ok(()),
            Some(recorded) if recorded.answers(request.content) => {
                Err(Stop::Repeat(Box::new(recorded.outcome.clone())))
            }
            Some(_) => Err(Refusal::IdempotencyKeyReused.into()),
        }
    }

    /// The account as this decision leaves it.
    pub(crate) fn account(&self, number: AccountNumber) -> Account {
        let drafted = self.accounts.iter().find(|a| a.identity.number == number);
        *drafted.unwrap_or_else(|| self.facts.accounts.at(&number))
    }

    /// Sets an account row apart from postings (closing it).
    pub(crate) fn set_account(&mut self, account: Account) {
        replace(&mut self.accounts, account, |a| a.identity.number);
    }

    /// Moves money and returns the transfer's id.
    pub(crate) fn post(&mut self, posting: Posting) -> TransferId {
        let id = TransferId::new(self.moment.fresh.bits() + u128::from(self.transfers));
        self.transfers += 1;
        let minor = posting.amount.minor();
        let debit_entry = self.enter(posting.debit, id, |account| account.totals = account.totals.debited(minor));
        let credit_entry = self.enter(posting.credit, id, |account| account.totals = account.totals.credited(minor));
        self.count_cash(posting.debit, |row| row.totals = row.totals.debited(minor));
        if !chosen(Mutant::OneSided) {
            self.count_cash(posting.credit, |row| row.totals = row.totals.credited(minor));
        }
        let sides = Sides { debit: (posting.debit, debit_entry), credit: (posting.credit, credit_entry) };
        let context = Context {
            at: self.moment.now,
            business_date: self.moment.business_date,
            machine: posting.machine,
            card: posting.card,
            concerns: posting.concerns,
        };
        let transfer =
            Transfer::new(id, posting.kind, sides, posting.amount, context).expect("decisions post balanced transfers");
        self.add(New::Transfer(transfer));
        id
    }

    fn enter(&mut self, side: LedgerAccount, id: TransferId, change: impl FnOnce(&mut Account)) -> Option<Entry> {
        let number = side.customer()?;
        let mut account = self.account(number);
        let before = account.balance_minor();
        change(&mut account);
        let balance = if chosen(Mutant::BalanceBefore) { before } else { account.balance_minor() };
        let entry = Entry { number: account.entries + 1, previous: account.head, balance };
        account.entries = entry.number;
        if !chosen(Mutant::EntrySkipped) || entry.number == 1 {
            account.head = Some(id);
        }
        self.set_account(account);
        Some(entry)
    }

    fn count_cash(&mut self, side: LedgerAccount, change: impl FnOnce(&mut CashAccount)) {
        match side {
            LedgerAccount::AtmCash(..) | LedgerAccount::AtmInFlight(..) => {}
            LedgerAccount::Customer(_) | LedgerAccount::Counter(..) | LedgerAccount::Bank(..) => return,
        }
        let drafted = self.cash.iter().find(|row| row.account == side);
        let mut row = *drafted.unwrap_or_else(|| self.facts.cash.at(&side));
        change(&mut row);
        replace(&mut self.cash, row, |row| row.account);
    }

    /// Opens a machine's cash or in-flight account, still empty.
    pub(crate) fn open_cash(&mut self, account: LedgerAccount) {
        let row = CashAccount { account, totals: Totals::default() };
        self.add(New::Cash(row));
        replace(&mut self.cash, row, |row| row.account);
    }

    /// The day's use as it stands, zeros if none.
    pub(crate) fn daily(&self, key: &DailyKey) -> DailyUse {
        self.facts.daily.find(key).copied().unwrap_or_default()
    }

    /// The customer as this decision leaves them.
    pub(crate) fn customer(&self, id: CustomerId) -> Customer {
        let drafted = self.customers.iter().find(|c| c.id == id);
        *drafted.unwrap_or_else(|| self.facts.customers.at(&id))
    }

    /// Sets a customer row, a new one's included.
    pub(crate) fn set_customer(&mut self, customer: Customer) {
        replace(&mut self.customers, customer, |c| c.id);
    }

    /// Tells a customer's events of something.
    pub(crate) fn event(&mut self, id: CustomerId, kind: EventKind, about: About) {
        let mut customer = self.customer(id);
        customer.events += 1;
        let number = customer.events;
        self.set_customer(customer);
        self.add(New::Event(Event { customer: id, number, kind, at: self.moment.now, about }));
    }

    /// Tells the audit trail of something.
    pub(crate) fn audit(&mut self, actor: Actor, kind: AuditKind, subject: impl ToString, detail: impl Into<String>) {
        let (subject, detail) = (subject.to_string(), detail.into());
        self.add(New::Audit(AuditRecord { actor, kind, subject, detail, at: self.moment.now }));
    }

    /// Notes that the session was active; in the store only if that has something much older.
    pub(crate) fn touch(&mut self, session: &Session) {
        let now = self.moment.now;
        let state = SessionState { active: now, ..*self.facts.sessions.at(&session.id) };
        let stored = self.facts.stored_activity(session.id);
        let recent = stored.is_some_and(|stored| now.since_ms(stored) <= session.activity_grain_ms());
        self.set(if recent { Row::Activity(state) } else { Row::Session(state) });
    }

    /// A row that is added.
    pub(crate) fn add(&mut self, new: New) {
        self.changes.push(Change::New(new));
    }

    /// A row that changes.
    pub(crate) fn set(&mut self, row: Row) {
        self.changes.push(Change::Row(row));
    }

    /// Remembers a refusal that stands among the customer's events.
    pub(crate) fn note_refusal(&mut self, refusal: &Refusal) {
        if let Some(customer) = self.concerns
            && refusal.is_recorded()
        {
            let about = About { code: Some(refusal.code()), ..self.about };
            self.event(customer, EventKind::Refused, about);
            // Being refused is activity too: a visit does not end while somebody tries a smaller amount.
            if let Some(session) = self.asks {
                self.touch(&session);
            }
        }
    }

    /// Remembers the answer to a request.
    pub(crate) fn record(&mut self, request: RequestId, outcome: Outcome) {
        if chosen(Mutant::TakenTwice) && self.facts.requests.find(&request.key).is_some() {
            return;
        }
        self.add(New::Request(request, outcome));
    }

    /// The changes, rows that were drafted in steps last.
    pub(crate) fn finish(mut self) -> Vec<Change> {
        self.changes.extend(self.accounts.into_iter().map(|row| Change::Row(Row::Account(row))));
        self.changes.extend(self.cash.into_iter().map(|row| Change::Row(Row::Cash(row))));
        self.changes.extend(self.customers.into_iter().map(|row| Change::Row(Row::Customer(row))));
        self.changes
    }
}

fn replace<T, K: PartialEq>(rows: &mut Vec<T>, row: T, key: impl Fn(&T) -> K) {
    match rows.iter_mut().find(|held| key(held) == key(&row)) {
        Some(held) => *held = row,
        None => rows.push(row),
    }
}
