//! Decisions against whole worlds, by rule.

mod customers;
mod deposit;
mod ledger;
mod log_in_online;
mod log_in_with_card;
mod precedence;
mod replay;
mod sessions;
mod transfer;
mod withdraw;

use crate::account::Product;
use crate::change::{Change, New};
use crate::command::{Deposit, ReadBalance, Transfer, Withdraw};
use crate::event::{AuditKind, EventKind};
use crate::id::{AccountNumber, CardId, CustomerId, MachineId};
use crate::ledger::TransferKind;
use crate::machine::MachineKind;
use crate::outcome::{Done, Outcome, Receipt, Refusal};
use crate::session::Session;

use super::Decision;
use super::world::{World, by, figure};

/// A customer with an account and a card, whose card is in a machine of kind `api`.
pub(super) struct Visit {
    pub(super) world: World,
    pub(super) customer: CustomerId,
    pub(super) account: AccountNumber,
    pub(super) card: CardId,
    pub(super) atm: MachineId,
    /// The card's.
    pub(super) session: Session,
    /// The same customer's, online: cash moves over the bank's counter.
    pub(super) online: Session,
}

impl Visit {
    pub(super) fn new(product: Product, minor: i64) -> Self {
        let mut world = World::new();
        let customer = world.customer();
        let account = world.account(customer, product, minor);
        let card = world.card(customer, &[account]);
        let atm = world.machine("ATM001", MachineKind::Api);
        let session = world.in_machine(card, atm);
        let online = world.online(customer);
        Self { world, customer, account, card, atm, session, online }
    }

    /// At the machine.
    pub(super) fn withdrawal(&self, amount: &str) -> Withdraw {
        let request = self.world.request();
        Withdraw { by: by(self.session), request, account: self.account, amount: figure(amount), machine: None }
    }

    /// Over the counter, where every cent can be paid.
    pub(super) fn counter_withdrawal(&self, amount: &str) -> Withdraw {
        Withdraw { by: by(self.online), ..self.withdrawal(amount) }
    }

    /// At the machine.
    pub(super) fn deposit(&self, amount: &str) -> Deposit {
        let request = self.world.request();
        Deposit { by: by(self.session), request, account: self.account, amount: figure(amount), machine: None }
    }

    pub(super) fn transfer(&self, target: AccountNumber, amount: &str) -> Transfer {
        let (session, request, source) = (self.online, self.world.request(), self.account);
        Transfer { session, request, source, target, amount: figure(amount) }
    }

    /// At the machine.
    pub(super) fn read_balance(&self) -> ReadBalance {
        ReadBalance { by: by(self.session), account: self.account }
    }

    pub(super) fn withdraw(&mut self, amount: &str) -> Outcome {
        let command = self.withdrawal(amount);
        self.world.run(command)
    }

    pub(super) fn withdraw_at_counter(&mut self, amount: &str) -> Outcome {
        let command = self.counter_withdrawal(amount);
        self.world.run(command)
    }

    pub(super) fn balance(&self) -> i64 {
        self.world.balance(self.account)
    }
}

/// The receipt of a withdrawal or deposit that must have been done.
pub(super) fn receipt(outcome: Outcome) -> Receipt {
    match outcome {
        Ok(Done::Withdrawn(receipt) | Done::Deposited(receipt)) => receipt,
        other => panic!("{other:?} is no receipt"),
    }
}

/// The session of a log-in that must have been done.
pub(super) fn session(outcome: Outcome) -> Session {
    match outcome {
        Ok(Done::LoggedIn(session) | Done::SignedUp { session, .. }) => session,
        other => panic!("{other:?} began no session"),
    }
}

/// The code of an answer; `done` if it is no refusal.
pub(super) fn code(outcome: &Outcome) -> &'static str {
    outcome.as_ref().err().map_or("done", Refusal::code)
}

/// Events of a decision.
pub(super) fn events(decision: &Decision) -> Vec<(CustomerId, EventKind)> {
    let new = decision.changes.iter().filter_map(|change| {
        let Change::New(New::Event(event)) = change else { return None };
        Some((event.customer, event.kind))
    });
    new.collect()
}

/// Audit records of a decision.
pub(super) fn audits(decision: &Decision) -> Vec<AuditKind> {
    let new = decision.changes.iter().filter_map(|change| {
        let Change::New(New::Audit(record)) = change else { return None };
        Some(record.kind)
    });
    new.collect()
}

/// Transfers of a decision: kind and minor units.
pub(super) fn transfers(decision: &Decision) -> Vec<(TransferKind, i64)> {
    let new = decision.changes.iter().filter_map(|change| {
        let Change::New(New::Transfer(transfer)) = change else { return None };
        Some((transfer.kind, transfer.amount().minor()))
    });
    new.collect()
}

/// Whether a decision keeps its answer for ever.
pub(super) fn is_recorded(decision: &Decision) -> bool {
    decision.changes.iter().any(|change| matches!(change, Change::New(New::Request(..))))
}
