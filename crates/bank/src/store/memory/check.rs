//! Whether a group can be written: identities that are free, rows that are there, values that can be.
//!
//! What the schemas of the other stores refuse is refused here, before anything is written. An identity that somebody
//! has is [`CommitError::Conflict`], everything else a bug of ours.

/// An identity that something has already is somebody else having been faster.
macro_rules! free {
    ($is_free:expr) => {
        if $is_free { Ok(()) } else { Err(CommitError::Conflict) }
    };
}

/// Anything else that is not as it must be is a bug of ours.
macro_rules! sound {
    ($is_sound:expr, $($why:tt)+) => {
        if $is_sound { Ok(()) } else { Err(nonsense(format!($($why)+))) }
    };
}

/// Whatever is referred to must be there.
macro_rules! there {
    ($is_there:expr, $what:literal, $id:expr) => {
        sound!($is_there, "there is no {} {}", $what, $id)
    };
}

mod changed;

use std::collections::{BTreeMap, BTreeSet};

use cashpoint_core::account::{Account, Totals};
use cashpoint_core::card::CardIdentity;
use cashpoint_core::change::{Changes, New};
use cashpoint_core::event::Event;
use cashpoint_core::id::{
    AccountNumber, CardId, CustomerId, Index, MachineId, OperatorId, RequestId, RequestKey, SessionId, TransferId,
};
use cashpoint_core::ledger::{Entry, LedgerAccount, Transfer};
use cashpoint_core::machine::CashAccount;
use cashpoint_core::notification::DeadLetter;
use cashpoint_core::outcome::Outcome;
use cashpoint_core::session::{Session, Subject};
use cashpoint_core::withdrawal::WithdrawalIdentity;

use super::state::State;
use crate::store::codec;
use crate::store::{CommitError, Position, StoreError};

type Verdict = Result<(), CommitError>;

/// Whether the group can be written as a whole.
pub(super) fn group(state: &State, changes: &Changes) -> Verdict {
    let mut group = Group { state, changes, fresh: Fresh::default() };
    if let Some(day) = &changes.day {
        free!(state.day.map(|day| day.date) == day.from)?;
    }
    for new in &changes.new {
        group.identity(new)?;
    }
    for new in &changes.new {
        group.added(new)?;
    }
    group.changed()
}

/// A group, and what is known of it so far.
struct Group<'a> {
    state: &'a State,
    changes: &'a Changes,
    fresh: Fresh<'a>,
}

/// Identities that the group adds.
#[derive(Default)]
struct Fresh<'a> {
    customers: BTreeSet<CustomerId>,
    /// Who has an email address after this group; none: given up.
    emails: BTreeMap<Index, Option<CustomerId>>,
    operators: BTreeSet<OperatorId>,
    operator_names: BTreeSet<&'a str>,
    machines: BTreeSet<MachineId>,
    accounts: BTreeSet<AccountNumber>,
    internal: BTreeSet<LedgerAccount>,
    cards: BTreeSet<CardId>,
    card_numbers: BTreeSet<Index>,
    sessions: BTreeSet<SessionId>,
    tokens: BTreeSet<Index>,
    transfers: BTreeSet<TransferId>,
    requests: BTreeSet<RequestKey>,
    withdrawals: BTreeSet<TransferId>,
    originals: BTreeSet<RequestKey>,
    policies: BTreeSet<u32>,
    /// Customers' last events, by number.
    events: BTreeMap<CustomerId, u64>,
    /// What is added to accounts that no decision reads.
    totals: BTreeMap<LedgerAccount, Totals>,
}

impl<'a> Group<'a> {
    /// Takes the identities of a new row, which must be free.
    fn identity(&mut self, new: &'a New) -> Verdict {
        let (state, fresh) = (self.state, &mut self.fresh);
        match new {
            New::Customer(row, profile, _) => {
                free!(!state.customers.contains_key(&row.id) && fresh.customers.insert(row.id))?;
                profile.email.as_ref().map_or(Ok(()), |(_, index)| self.email(*index, row.id))
            }
            New::Operator(row) => {
                free!(!state.operator_ids.contains(&row.id) && fresh.operators.insert(row.id))?;
                free!(!state.operators.contains_key(&row.name) && fresh.operator_names.insert(&row.name))
            }
            New::Machine(identity, ..) => {
                free!(!state.machines.contains_key(&identity.id) && fresh.machines.insert(identity.id))
            }
            New::Account(row) => {
                let number = row.identity.number;
                free!(!state.accounts.contains_key(&number) && fresh.accounts.insert(number))
            }
            New::Cash(CashAccount { account, .. }) => {
                free!(!state.internal.contains_key(account) && fresh.internal.insert(*account))
            }
            New::Card(identity, _, _, index) => {
                free!(!state.cards.contains_key(&identity.id) && fresh.cards.insert(identity.id))?;
                free!(!state.card_numbers.contains_key(index) && fresh.card_numbers.insert(*index))
            }
            New::Session(session, _) => {
                free!(!state.sessions.contains_key(&session.id) && fresh.sessions.insert(session.id))?;
                free!(!state.tokens.contains_key(&session.token) && fresh.tokens.insert(session.token))
            }
            New::Transfer(row) => free!(!state.transfer_at.contains_key(&row.id) && fresh.transfers.insert(row.id)),
            New::Request(id, _) => free!(!state.requests.contains_key(&id.key) && fresh.requests.insert(id.key)),
            New::Withdrawal(identity, _, request) => {
                free!(!state.withdrawals.contains_key(&identity.id) && fresh.withdrawals.insert(identity.id))?;
                free!(!state.originals.contains_key(&request.key) && fresh.originals.insert(request.key))
            }
            New::Policy(version, _) => free!(!state.policies.contains_key(version) && fresh.policies.insert(*version)),
            New::Event(_) | New::Audit(_) | New::DeadLetter(_) | New::Notice(_) => Ok(()),
        }
    }

    /// Makes an email address lead to its customer, whose it is already or whose nobody's it is.
    fn email(&mut self, index: Index, customer: CustomerId) -> Verdict {
        let owner = self.fresh.emails.get(&index).copied().unwrap_or_else(|| self.state.emails.get(&index).copied());
        free!(owner.is_none_or(|owner| owner == customer))?;
        self.fresh.emails.insert(index, Some(customer));
        Ok(())
    }

    /// Whether a new row refers to what is there, and can be.
    fn added(&mut self, new: &New) -> Verdict {
        match new {
            New::Transfer(row) => self.transfer(row),
            New::Event(row) => self.event(row),
            New::Request(_, outcome) => recordable(outcome),
            New::Account(row) => self.account(row),
            New::Cash(row) => internal(row.account),
            New::Card(identity, ..) => self.card(identity),
            New::Session(session, _) => self.session(session),
            New::Withdrawal(identity, _, request) => self.withdrawal(identity, request),
            New::DeadLetter(letter) => self.dead_letter(letter),
            New::Notice(notice) => self.has_card(notice.card),
            New::Machine(_, row, holdings) => {
                changed::holdings(holdings).and_then(|()| self.session_if_any(row.session))
            }
            New::Customer(..) | New::Operator(_) | New::Policy(..) | New::Audit(_) => Ok(()),
        }
    }

    fn transfer(&mut self, row: &Transfer) -> Verdict {
        let minor = row.amount().minor();
        for (account, entry) in [(row.debit(), &row.debit_entry), (row.credit(), &row.credit_entry)] {
            match account {
                LedgerAccount::Customer(number) => self.has_account(number)?,
                LedgerAccount::AtmCash(..) | LedgerAccount::AtmInFlight(..) => self.has_internal(account)?,
                LedgerAccount::Bank(..) | LedgerAccount::Counter(..) => {}
            }
            let chained = |entry: &Entry| entry.number >= 1 && (entry.number > 1) == entry.previous.is_some();
            sound!(entry.as_ref().is_none_or(chained), "transfer {} is not in its account's chain", row.id)?;
        }
        let sums = [row.debit(), row.credit()].map(|account| match account {
            LedgerAccount::Bank(..) | LedgerAccount::Counter(..) => Some(account),
            LedgerAccount::Customer(_) | LedgerAccount::AtmCash(..) | LedgerAccount::AtmInFlight(..) => None,
        });
        let [debit, credit] = sums;
        self.count(debit, Totals { debits: minor, credits: 0 })?;
        self.count(credit, Totals { debits: 0, credits: minor })?;
        let context = &row.context;
        context.machine.map_or(Ok(()), |machine| self.has_machine(machine))?;
        context.card.map_or(Ok(()), |card| self.has_card(card))?;
        context.concerns.map_or(Ok(()), |id| self.has_transfer(id))
    }

    /// Adds to what an account that no decision reads comes to: it must fit.
    fn count(&mut self, account: Option<LedgerAccount>, more: Totals) -> Verdict {
        let Some(account) = account else { return Ok(()) };
        let known = || self.state.internal.get(&account).copied().unwrap_or_default();
        let totals = self.fresh.totals.entry(account).or_insert_with(known);
        let sums = totals.debits.checked_add(more.debits).zip(totals.credits.checked_add(more.credits));
        let (debits, credits) = sums.ok_or_else(|| nonsense(format!("{account} exceeds 63 bits")))?;
        *totals = Totals { debits, credits };
        Ok(())
    }

    fn event(&mut self, event: &Event) -> Verdict {
        let Event { customer, number, .. } = *event;
        let known = || {
            let last = self.state.customers.get(&customer).and_then(|person| person.last_event);
            last.map_or(0, |at| self.state.events[at].delivered.event.number)
        };
        let last = self.fresh.events.get(&customer).copied().unwrap_or_else(known);
        self.has_customer(customer)?;
        sound!((number == 1) == (last == 0), "event {number} of {customer} is not in their chain")?;
        self.fresh.events.insert(customer, number);
        let counted = self.changes.customers.contains_key(&customer);
        sound!(counted, "customer {customer} has an event that their row does not count")?;
        event.about.machine.map_or(Ok(()), |machine| self.has_machine(machine))
    }

    fn account(&self, row: &Account) -> Verdict {
        let number = row.identity.number.number();
        sound!(number > 0 && i64::try_from(number).is_ok(), "{number} is no account's number")?;
        self.has_customer(row.identity.customer)?;
        changed::account(row)
    }

    fn card(&self, identity: &CardIdentity) -> Verdict {
        self.has_customer(identity.customer)?;
        let mut reached = BTreeSet::new();
        for account in identity.accounts.iter() {
            self.has_account(account.number)?;
            free!(reached.insert(account.number))?;
        }
        Ok(())
    }

    fn session(&self, session: &Session) -> Verdict {
        match session.subject {
            Subject::Card { card, customer, place } => {
                self.has_machine(place)?;
                self.has_card(card)?;
                self.has_customer(customer)
            }
            Subject::Online { customer } => self.has_customer(customer),
            Subject::Operator { operator, .. } => self.has_operator(operator),
        }
    }

    fn withdrawal(&self, identity: &WithdrawalIdentity, request: &RequestId) -> Verdict {
        self.has_machine(identity.machine)?;
        self.has_transfer(identity.id)?;
        self.has_account(identity.account)?;
        self.has_customer(identity.customer)?;
        let fee = identity.fee.map(|(_, fee)| fee.minor());
        let sound_amounts = identity.amount.minor() > 0 && fee.is_none_or(|fee| fee > 0);
        sound!(sound_amounts, "the withdrawal of request {:?} is of nothing", request.key)?;
        identity.fee.map_or(Ok(()), |(id, _)| self.has_transfer(id))
    }

    fn dead_letter(&self, letter: &DeadLetter) -> Verdict {
        self.has_feed(letter.channel)?;
        self.has_customer(letter.customer)?;
        let commit = Position { writer: letter.id.writer, seq: letter.id.seq };
        let committed = self.state.groups.binary_search_by_key(&commit, |group| group.position).is_ok();
        sound!(committed, "there is no event {}", letter.id)?;
        sound!(letter.number >= 1 && letter.attempts >= 1, "a letter was given up before it was tried")
    }
}

/// Whatever refers to something must find it: as it stands, or in the same group.
impl Group<'_> {
    fn has_customer(&self, id: CustomerId) -> Verdict {
        there!(self.state.customers.contains_key(&id) || self.fresh.customers.contains(&id), "customer", id)
    }

    fn has_operator(&self, id: OperatorId) -> Verdict {
        there!(self.state.operator_ids.contains(&id) || self.fresh.operators.contains(&id), "member of staff", id)
    }

    fn has_machine(&self, id: MachineId) -> Verdict {
        there!(self.state.machines.contains_key(&id) || self.fresh.machines.contains(&id), "machine", id)
    }

    fn has_account(&self, number: AccountNumber) -> Verdict {
        there!(self.state.accounts.contains_key(&number) || self.fresh.accounts.contains(&number), "account", number)
    }

    fn has_internal(&self, account: LedgerAccount) -> Verdict {
        let is_there = self.state.internal.contains_key(&account) || self.fresh.internal.contains(&account);
        there!(is_there || self.fresh.totals.contains_key(&account), "account", account)
    }

    fn has_card(&self, id: CardId) -> Verdict {
        there!(self.state.cards.contains_key(&id) || self.fresh.cards.contains(&id), "card", id)
    }

    fn has_session(&self, id: SessionId) -> Verdict {
        there!(self.state.sessions.contains_key(&id) || self.fresh.sessions.contains(&id), "session", id)
    }

    fn session_if_any(&self, id: Option<SessionId>) -> Verdict {
        id.map_or(Ok(()), |id| self.has_session(id))
    }

    fn has_transfer(&self, id: TransferId) -> Verdict {
        there!(self.state.transfer_at.contains_key(&id) || self.fresh.transfers.contains(&id), "transfer", id)
    }

    fn has_feed(&self, channel: cashpoint_core::notification::ChannelName) -> Verdict {
        let is_there = self.state.feeds.contains_key(&channel) || self.changes.feeds.contains_key(&channel);
        there!(is_there, "feed", channel)
    }
}

/// An answer that is decided anew each time is never written down.
fn recordable(outcome: &Outcome) -> Verdict {
    match outcome {
        // Whatever was done can be written; only what was declined later may be a refusal of any kind.
        Ok(cashpoint_core::outcome::Done::Declined(_)) => {
            codec::encode(outcome).map(drop).map_err(|error| nonsense(error.to_string()))
        }
        Ok(_) => Ok(()),
        Err(refusal) => sound!(refusal.is_recorded(), "{} is never recorded", refusal.code()),
    }
}

/// Only what is no customer's has a row of this kind.
fn internal(account: LedgerAccount) -> Verdict {
    sound!(account.customer().is_none(), "{account} is not an internal account")
}

fn nonsense(why: String) -> CommitError {
    CommitError::Rejected(StoreError(why.into()))
}
