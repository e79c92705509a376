//! Row ids of what a group refers to, and where chains stand: looked up in one round trip if the group needs something
//! that neither the store remembers nor `load` read.

use std::collections::{BTreeSet, HashMap};

use cashpoint_core::change::{Changes, New};
use cashpoint_core::event::EventKind;
use cashpoint_core::id::{CardId, CustomerId, MachineId};
use cashpoint_core::ledger::{LedgerAccount, TransferKind};
use cashpoint_core::session::Subject;

use super::{Fault, Group};
use crate::store::StoreError;
use crate::store::postgres::WITHIN;
use crate::store::postgres::link::{Answer, Link, LinkError, Query, column};
use crate::store::postgres::load::{self, Known, Lock};
use crate::store::postgres::tenure::Tenure;
use crate::store::rows;

/// Row ids that never change, as far as they are known.
#[derive(Default)]
pub(in crate::store::postgres) struct Numbers {
    transfer_kinds: HashMap<TransferKind, i64>,
    event_kinds: HashMap<EventKind, i64>,
    machines: HashMap<MachineId, i64>,
    /// Of internal accounts.
    accounts: HashMap<LedgerAccount, i64>,
}

/// Row ids that a group found or gives; true for ever only if it is committed.
#[derive(Default)]
pub(in crate::store::postgres) struct Fresh {
    machines: HashMap<MachineId, i64>,
    accounts: HashMap<LedgerAccount, i64>,
    /// Internal accounts that the group has to make.
    pub(super) made: Vec<LedgerAccount>,
    /// The highest number of a machine, and the lowest of an internal account.
    highest_machine: i64,
    lowest_account: i64,
    /// The last ordinals of customers' accounts.
    pub(super) ordinals: HashMap<CustomerId, i64>,
    /// The last numbers of cards' notices.
    pub(super) notices: HashMap<CardId, i64>,
    pub(super) last_letter: i64,
}

impl Numbers {
    /// Reads what the schema itself numbers.
    pub(in crate::store::postgres) fn read(link: &mut Link) -> Result<Self, LinkError> {
        let queries = ["SELECT code, name FROM transfer_kinds", "SELECT code, name FROM event_kinds"].map(Query::plain);
        let answers = link.run(&queries, WITHIN)?;
        let mut numbers = Self::default();
        let mut read = || {
            // A kind that only a newer program knows is none that this one writes.
            for row in &answers[0].rows {
                let name = rows::text(row, "name")?;
                if let Ok(kind) = TransferKind::parse(&name) {
                    numbers.transfer_kinds.insert(kind, rows::whole(row, "code")?);
                }
            }
            for row in &answers[1].rows {
                let name = rows::text(row, "name")?;
                if let Ok(kind) = EventKind::parse(&name) {
                    numbers.event_kinds.insert(kind, rows::whole(row, "code")?);
                }
            }
            Ok(())
        };
        read().map_err(LinkError::Unreadable)?;
        Ok(numbers)
    }

    /// Forgets what a group knew: the next server may be without it.
    pub(in crate::store::postgres) fn forget(&mut self) {
        self.machines.clear();
        self.accounts.clear();
    }

    /// Remembers what a committed group knew.
    pub(in crate::store::postgres) fn remember(&mut self, fresh: Fresh) {
        self.machines.extend(fresh.machines);
        self.accounts.extend(fresh.accounts);
    }
}

/// What a group refers to.
#[derive(Default)]
struct Wants {
    machines: BTreeSet<MachineId>,
    new_machines: BTreeSet<MachineId>,
    accounts: BTreeSet<LedgerAccount>,
    new_accounts: BTreeSet<LedgerAccount>,
    /// Machines with transfers.
    heads: BTreeSet<MachineId>,
    /// Customers with events or use.
    customers: BTreeSet<CustomerId>,
    /// Customers with new accounts.
    owners: BTreeSet<CustomerId>,
    /// Cards with new notices.
    told: BTreeSet<CardId>,
    letters: bool,
}

impl Wants {
    fn of(changes: &Changes) -> Self {
        let mut wants = Self::default();
        changes.new.iter().for_each(|new| wants.added(new));
        wants.machines.extend(changes.machines.keys().chain(changes.holdings.keys()));
        wants.machines.extend(changes.cases.values().map(|case| case.machine));
        wants.machines.extend(changes.visits.keys().map(|(machine, _)| *machine));
        wants.machines.extend(changes.terminals.keys().chain(changes.terminal_keys.keys()));
        wants.machines.extend(changes.replenishments.keys().map(|(machine, _)| *machine));
        wants.accounts.extend(changes.cash.keys());
        wants.customers.extend(changes.daily.keys().map(|(customer, ..)| *customer));
        wants.accounts.retain(|account| account.customer().is_none());
        wants
    }

    fn added(&mut self, new: &New) {
        match new {
            New::Transfer(transfer) => {
                self.accounts.extend([transfer.debit(), transfer.credit()]);
                self.machines.extend(transfer.context.machine);
                self.heads.extend(transfer.context.machine);
            }
            New::Event(event) => {
                self.customers.insert(event.customer);
                self.machines.extend(event.about.machine);
            }
            New::Account(account) => {
                self.owners.insert(account.identity.customer);
            }
            New::Cash(cash) => {
                self.new_accounts.insert(cash.account);
            }
            New::Session(session, _) => match session.subject {
                Subject::Card { place, .. } => {
                    self.machines.insert(place);
                }
                Subject::Online { .. } | Subject::Operator { .. } => {}
            },
            New::Machine(identity, ..) => {
                self.new_machines.insert(identity.id);
            }
            New::Withdrawal(identity, ..) => {
                self.machines.insert(identity.machine);
            }
            New::DeadLetter(_) => self.letters = true,
            New::Notice(notice) => {
                self.told.insert(notice.card);
            }
            New::Audit(_)
            | New::Request(..)
            | New::Customer(..)
            | New::Card(..)
            | New::Operator(_)
            | New::Policy(..) => {}
        }
    }
}

/// What a question about row ids finds.
type Found = fn(&mut Group<'_>, &tokio_postgres::Row) -> Result<(), StoreError>;

impl Group<'_> {
    /// Finds what is not known, then gives numbers to what is new.
    pub(super) fn look_up(&mut self, link: &mut Link, tenure: &Tenure) -> Result<(), Fault> {
        let mut wants = Wants::of(self.changes);
        let Wants { machines, new_machines, accounts, new_accounts, heads, customers, .. } = &mut wants;
        machines.retain(|id| !self.numbers.machines.contains_key(id) && !new_machines.contains(id));
        accounts.retain(|id| !self.numbers.accounts.contains_key(id) && !new_accounts.contains(id));
        heads.retain(|id| !self.held.heads.contains_key(id));
        customers.retain(|id| !self.held.customers.contains_key(id));
        let asked = questions(&wants);
        let (queries, found): (Vec<Query<'_>>, Vec<Found>) = asked.into_iter().unzip();
        if !queries.is_empty() {
            // Within the transaction.
            let begin = std::mem::take(&mut self.steps);
            self.found = super::run(link, begin, tenure)?;
            let answers: Vec<Answer> = link.run(&queries, WITHIN)?;
            for (found, answer) in found.iter().zip(&answers) {
                for row in &answer.rows {
                    found(self, row)?;
                }
            }
        }
        self.number(&wants)
    }

    fn number(&mut self, wants: &Wants) -> Result<(), Fault> {
        for id in &wants.new_machines {
            self.fresh.highest_machine += 1;
            self.fresh.machines.insert(*id, self.fresh.highest_machine);
            self.held.heads.insert(*id, None);
        }
        for account in &wants.accounts {
            if self.fresh.accounts.contains_key(account) {
                continue;
            }
            match account {
                // The bank's own and counters' are made when they are first posted to.
                LedgerAccount::Bank(..) | LedgerAccount::Counter(..) => self.make(*account),
                LedgerAccount::Customer(_) | LedgerAccount::AtmCash(..) | LedgerAccount::AtmInFlight(..) => {
                    return Err(Fault::Nonsense(format!("there is no account {account}")));
                }
            }
        }
        for account in &wants.new_accounts {
            self.make(*account);
        }
        Ok(())
    }

    fn make(&mut self, account: LedgerAccount) {
        self.fresh.lowest_account -= 1;
        self.fresh.accounts.insert(account, self.fresh.lowest_account);
        self.fresh.made.push(account);
    }

    /// The row id of a machine that is there.
    pub(super) fn machine(&self, id: MachineId) -> Result<i64, Fault> {
        let number = self.numbers.machines.get(&id).or_else(|| self.fresh.machines.get(&id));
        number.copied().ok_or_else(|| Fault::Nonsense(format!("there is no machine {id}")))
    }

    /// As [`Self::machine`], if there is one to find.
    pub(super) fn machine_if_any(&self, id: Option<MachineId>) -> Result<Option<i64>, Fault> {
        id.map(|id| self.machine(id)).transpose()
    }

    /// The row id of an account.
    pub(super) fn account(&self, account: LedgerAccount) -> Result<i64, Fault> {
        if let LedgerAccount::Customer(number) = account {
            return super::whole(number.number());
        }
        let id = self.numbers.accounts.get(&account).or_else(|| self.fresh.accounts.get(&account));
        id.copied().ok_or_else(|| Fault::Nonsense(format!("there is no account {account}")))
    }

    pub(super) fn transfer_kind(&self, kind: TransferKind) -> Result<i64, Fault> {
        let code = self.numbers.transfer_kinds.get(&kind).copied();
        code.ok_or_else(|| Fault::Nonsense(format!("the schema has no transfers of kind {}", kind.name())))
    }

    pub(super) fn event_kind(&self, kind: EventKind) -> Result<i64, Fault> {
        let code = self.numbers.event_kinds.get(&kind).copied();
        code.ok_or_else(|| Fault::Nonsense(format!("the schema has no events of kind {}", kind.name())))
    }

    /// What a customer's row says; nothing of a customer who is new.
    pub(super) fn known(&mut self, customer: CustomerId) -> &mut Known {
        self.held.customers.entry(customer).or_default()
    }
}

fn questions(wants: &Wants) -> Vec<(Query<'_>, Found)> {
    let mut asked: Vec<(Query<'_>, Found)> = Vec::new();
    if !wants.machines.is_empty() {
        let ids = column(wants.machines.iter().map(|id| id.as_str()));
        asked.push((Query::new("SELECT id, number FROM machines WHERE id = ANY ($1)", vec![ids]), |group, row| {
            group.fresh.machines.insert(rows::machine_id(row, "id")?, rows::whole(row, "number")?);
            Ok(())
        }));
    }
    if !wants.new_machines.is_empty() {
        let sql = "SELECT coalesce(max(number), 0) AS last FROM machines";
        asked.push((Query::plain(sql), |group, row| {
            group.fresh.highest_machine = rows::whole(row, "last")?;
            Ok(())
        }));
    }
    if !wants.accounts.is_empty() {
        let codes = column(wants.accounts.iter().map(ToString::to_string));
        asked.push((Query::new("SELECT code, id FROM accounts WHERE code = ANY ($1)", vec![codes]), |group, row| {
            let account = rows::parsed(row, "code", |text| LedgerAccount::parse(text).ok())?;
            group.fresh.accounts.insert(account, rows::whole(row, "id")?);
            Ok(())
        }));
    }
    if !wants.accounts.is_empty() || !wants.new_accounts.is_empty() {
        let sql = "SELECT coalesce(min(id), 0) AS last FROM accounts WHERE id < 0";
        asked.push((Query::plain(sql), |group, row| {
            group.fresh.lowest_account = rows::whole(row, "last")?;
            Ok(())
        }));
    }
    if !wants.owners.is_empty() {
        let sql = "SELECT customer, max(ordinal) AS last FROM accounts WHERE customer = ANY ($1) GROUP BY customer";
        let owners = column(wants.owners.iter().map(|id| id.number()));
        asked.push((Query::new(sql, vec![owners]), |group, row| {
            group.fresh.ordinals.insert(rows::customer_id(row, "customer")?, rows::whole(row, "last")?);
            Ok(())
        }));
    }
    questions_of_chains(wants, &mut asked);
    asked
}

/// Where chains stand; their heads are locked in the order in which `load` would.
fn questions_of_chains<'a>(wants: &'a Wants, asked: &mut Vec<(Query<'a>, Found)>) {
    if !wants.customers.is_empty() {
        let ids = column(wants.customers.iter().map(|id| id.number()));
        asked.push((Query::new(load::customers_sql(Lock::Group), vec![ids]), |group, row| {
            group.held.customers.insert(rows::customer_id(row, "id")?, load::known(row)?);
            Ok(())
        }));
    }
    if !wants.heads.is_empty() {
        let ids = column(wants.heads.iter().map(|id| id.as_str()));
        asked.push((Query::new(load::holdings_sql(Lock::Group), vec![ids]), |group, row| {
            let last = rows::transfer_id_if_any(row, "last_transfer")?;
            group.held.heads.insert(rows::machine_id(row, "id")?, last);
            Ok(())
        }));
    }
    if !wants.told.is_empty() {
        let sql = "SELECT card, max(id) AS last FROM notices WHERE card = ANY ($1) GROUP BY card";
        asked.push((Query::new(sql, vec![column(wants.told.iter().map(|id| id.number()))]), |group, row| {
            group.fresh.notices.insert(CardId::new(rows::whole(row, "card")?), rows::whole(row, "last")?);
            Ok(())
        }));
    }
    if wants.letters {
        asked.push((Query::plain("SELECT coalesce(max(id), 0) AS last FROM dead_letters"), |group, row| {
            group.fresh.last_letter = rows::whole(row, "last")?;
            Ok(())
        }));
    }
}
