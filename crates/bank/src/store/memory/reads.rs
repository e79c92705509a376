//! Everybody else's reads: look-ups before the queue, history, lists. Each call sees the last commit.

use std::collections::VecDeque;

use cashpoint_core::account::Account;
use cashpoint_core::card::CardIdentity;
use cashpoint_core::customer::{Operator, PasswordHash, Profile, Sealed};
use cashpoint_core::facts::{Facts, Keys};
use cashpoint_core::id::{AccountNumber, CardId, CustomerId, Index, MachineId, TransferId};
use cashpoint_core::ledger::LedgerAccount;
use cashpoint_core::notification::{ChannelName, Cursor, DeadLetter, Place as EventPlace, Wish};
use cashpoint_core::policy::Policy;
use cashpoint_core::session::Session;

use super::state::{Place, State};
use super::{Inner, MemoryBank, MemoryError, find};
use crate::store::history::{broken, own_entry};
use crate::store::{Delivered, FeedRows, HistoryEntry, HistoryQuery, MachineView, Outgoing, Reads, StoreError};

/// The one stream of events: there is one writer at a time.
const STREAM: u32 = 0;

/// A reader of a bank in memory.
pub struct MemoryReads {
    bank: MemoryBank,
}

impl MemoryReads {
    /// Opens a bank for reading; its writer may be at work.
    ///
    /// # Errors
    /// There is no bank yet.
    pub fn open(bank: &MemoryBank) -> Result<Self, MemoryError> {
        let made = bank.lock().state.mode.is_some();
        if made { Ok(Self { bank: bank.clone() }) } else { Err(MemoryError::Empty) }
    }

    /// What a query finds. Nothing is shared with whoever asks, so that no commit waits for them.
    pub(super) fn ask<T>(&self, query: impl FnOnce(&State) -> T) -> T {
        let inner: &Inner = &self.bank.lock();
        query(&inner.state)
    }
}

impl Reads for MemoryReads {
    fn load(&mut self, keys: &Keys, facts: &mut Facts) -> Result<(), StoreError> {
        self.ask(|state| find::rows(state, keys, facts));
        Ok(())
    }

    fn session(&mut self, token: &Index) -> Result<Option<Session>, StoreError> {
        Ok(self.ask(|state| state.sessions.get(state.tokens.get(token)?).map(|(session, _)| *session)))
    }

    fn card_by_number(&mut self, indexes: &[Index]) -> Result<Option<CardId>, StoreError> {
        Ok(self.ask(|state| indexes.iter().find_map(|index| state.card_numbers.get(index).copied())))
    }

    fn card(&mut self, card: CardId) -> Result<Option<(CardIdentity, Sealed)>, StoreError> {
        Ok(self.ask(|state| state.cards.get(&card).map(|card| (card.identity.clone(), card.number.clone()))))
    }

    fn customer_by_email(
        &mut self,
        indexes: &[Index],
    ) -> Result<Option<(CustomerId, Option<PasswordHash>)>, StoreError> {
        Ok(self.ask(|state| {
            let id = indexes.iter().find_map(|index| state.emails.get(index).copied())?;
            state.customers.get(&id).map(|person| (id, person.password.clone()))
        }))
    }

    fn customer(&mut self, customer: CustomerId) -> Result<Option<(Profile, Option<PasswordHash>)>, StoreError> {
        let found = |state: &State| {
            state.customers.get(&customer).map(|person| (person.profile.clone(), person.password.clone()))
        };
        Ok(self.ask(found))
    }

    fn accounts(&mut self, customer: CustomerId) -> Result<Vec<Account>, StoreError> {
        let found = |state: &State| {
            let accounts = state.customers.get(&customer).into_iter().flat_map(|person| &person.accounts);
            accounts.filter_map(|number| state.accounts.get(number).copied()).collect()
        };
        Ok(self.ask(found))
    }

    fn account(&mut self, account: AccountNumber) -> Result<Option<Account>, StoreError> {
        Ok(self.ask(|state| state.accounts.get(&account).copied()))
    }

    fn history(&mut self, query: &HistoryQuery) -> Result<Vec<HistoryEntry>, StoreError> {
        self.ask(|state| history(state, query))
    }

    fn transfer(&mut self, id: TransferId) -> Result<Option<HistoryEntry>, StoreError> {
        Ok(self.ask(|state| state.entry(id)))
    }

    fn machine_transfers(
        &mut self,
        machine: MachineId,
        before: Option<TransferId>,
        limit: usize,
    ) -> Result<Vec<HistoryEntry>, StoreError> {
        Ok(self.ask(|state| {
            let previous = |id: TransferId| {
                let posted = &state.transfers[*state.transfer_at.get(&id)?];
                posted.machine_previous.filter(|_| posted.transfer.context.machine == Some(machine))
            };
            let first = match before {
                None => state.machines.get(&machine).and_then(|place| place.last_transfer),
                Some(shown) => previous(shown),
            };
            let chain = std::iter::successors(first, |id| previous(*id));
            chain.take(limit).filter_map(|id| state.entry(id)).collect()
        }))
    }

    fn machines(&mut self, only: Option<MachineId>) -> Result<Vec<MachineView>, StoreError> {
        Ok(self.ask(|state| match only {
            Some(id) => state.machines.get(&id).map(|place| state.view(place)).into_iter().collect(),
            None => {
                let places = state.names.values().filter_map(|id| state.machines.get(id));
                places.map(|place| state.view(place)).collect()
            }
        }))
    }

    fn operator(&mut self, name: &str) -> Result<Option<Operator>, StoreError> {
        Ok(self.ask(|state| state.operators.get(name).cloned()))
    }

    fn has_operators(&mut self) -> Result<bool, StoreError> {
        Ok(self.ask(|state| !state.operators.is_empty()))
    }

    fn policy(&mut self) -> Result<(u32, Policy), StoreError> {
        Ok(self.ask(|state| {
            let (version, policy) = state.policy();
            (version, Policy::clone(policy))
        }))
    }

    fn events(&mut self, customer: CustomerId, after: u64, limit: usize) -> Result<Vec<Delivered>, StoreError> {
        Ok(self.ask(|state| {
            let new = oldest(state, customer, after.saturating_add(1), limit);
            new.into_iter().map(|at| state.events[at].delivered.clone()).collect()
        }))
    }

    fn feed(&mut self, channel: ChannelName) -> Result<Option<FeedRows>, StoreError> {
        Ok(self.ask(|state| {
            let feed = state.feeds.get(&channel)?.clone();
            let all = (channel, CustomerId::new(i64::MIN))..=(channel, CustomerId::new(i64::MAX));
            let waiting = state.waiting.range(all).map(|((_, customer), row)| (*customer, row.clone()));
            Some((feed, waiting.collect()))
        }))
    }

    fn events_end(&mut self) -> Result<Cursor, StoreError> {
        let mut cursor = Cursor::default();
        cursor.advance(EventPlace { stream: STREAM, number: self.ask(|state| number(state.events.len())) });
        Ok(cursor)
    }

    fn events_after(
        &mut self,
        channel: ChannelName,
        cursor: &Cursor,
        limit: usize,
    ) -> Result<Vec<Outgoing>, StoreError> {
        let after = usize::try_from(cursor.number(STREAM)).unwrap_or(usize::MAX);
        Ok(self.ask(|state| {
            let places = (after..state.events.len()).take(limit);
            places.map(|at| state.outgoing(channel, at)).collect()
        }))
    }

    fn event_places(&mut self, customer: CustomerId, from: u64, limit: usize) -> Result<Vec<EventPlace>, StoreError> {
        Ok(self.ask(|state| oldest(state, customer, from, limit).into_iter().map(place_of).collect()))
    }

    fn events_at(&mut self, channel: ChannelName, places: &[EventPlace]) -> Result<Vec<Outgoing>, StoreError> {
        let at = |place: &EventPlace| usize::try_from(place.number).ok().and_then(|number| number.checked_sub(1));
        self.ask(|state| {
            let event = |place| {
                let found = at(place).filter(|at| *at < state.events.len());
                found.map(|at| state.outgoing(channel, at)).ok_or_else(|| StoreError("there is no such event".into()))
            };
            places.iter().map(event).collect()
        })
    }

    fn wishes(&mut self, customer: CustomerId) -> Result<Vec<(ChannelName, Wish)>, StoreError> {
        Ok(self.ask(|state| {
            let own = state.wishes.get(&customer).into_iter().flatten();
            own.map(|(channel, wish)| (*channel, wish.clone())).collect()
        }))
    }

    fn dead_letters(&mut self, before: Option<i64>, limit: usize) -> Result<Vec<(i64, DeadLetter)>, StoreError> {
        Ok(self.ask(|state| {
            let numbered = state.dead_letters.iter().enumerate();
            let numbered = numbered.map(|(at, letter)| (i64::try_from(at + 1).unwrap_or(i64::MAX), letter));
            let latest = numbered.rev().skip_while(|(number, _)| before.is_some_and(|before| *number >= before));
            latest.take(limit).map(|(number, letter)| (number, letter.clone())).collect()
        }))
    }
}

impl State {
    /// A transfer with how a withdrawal in two steps stands.
    fn entry(&self, id: TransferId) -> Option<HistoryEntry> {
        let posted = &self.transfers[*self.transfer_at.get(&id)?];
        let state = self.withdrawals.get(&id).map(|kept| kept.row.state);
        Some(HistoryEntry { transfer: posted.transfer.clone(), state })
    }

    fn view(&self, place: &Place) -> MachineView {
        let id = place.identity.id;
        let in_flight = place.identity.currency.map(|currency| LedgerAccount::AtmInFlight(id, currency));
        let totals = in_flight.and_then(|account| self.internal.get(&account));
        MachineView {
            identity: place.identity,
            machine: place.row.clone(),
            holdings: place.holdings.clone(),
            in_flight: totals.map_or(0, |totals| totals.owed()),
        }
    }

    fn outgoing(&self, channel: ChannelName, at: usize) -> Outgoing {
        let delivered = self.events[at].delivered.clone();
        let wish = self.wishes.get(&delivered.event.customer).and_then(|own| own.get(&channel)).cloned();
        Outgoing { place: place_of(at), delivered, wish }
    }
}

/// Walks the account's chain of entries backwards: a page costs its length, wherever it begins, and what `to` and `from`
/// leave out before it.
fn history(state: &State, query: &HistoryQuery) -> Result<Vec<HistoryEntry>, StoreError> {
    let posted = |id: &TransferId| state.transfer_at.get(id).map(|at| &state.transfers[*at].transfer);
    let mut next = match query.before {
        None => state.accounts.get(&query.account).and_then(|row| row.head),
        Some((number, holder)) => {
            let entry = posted(&holder).and_then(|shown| own_entry(shown, query.account));
            entry.filter(|entry| entry.number == number).and_then(|entry| entry.previous)
        }
    };
    let mut page = Vec::new();
    while let Some(id) = next
        && page.len() < query.limit
    {
        let transfer = posted(&id).ok_or_else(|| broken(id))?;
        let at = transfer.context.at;
        // Time never falls along an account's entries, so nothing further back is wanted either.
        if query.from.is_some_and(|from| at < from) {
            break;
        }
        next = own_entry(transfer, query.account).ok_or_else(|| broken(id))?.previous;
        if query.to.is_none_or(|to| at < to) {
            page.extend(state.entry(id));
        }
    }
    Ok(page)
}

/// Where the first events of a customer from a number on stand, oldest first.
fn oldest(state: &State, customer: CustomerId, from: u64, limit: usize) -> VecDeque<usize> {
    let mut places = VecDeque::new();
    for at in state.events_of(customer) {
        if state.events[at].delivered.event.number < from {
            break;
        }
        places.push_front(at);
        places.truncate(limit);
    }
    places
}

/// Events are numbered from 1 in the order of their commits.
fn place_of(at: usize) -> EventPlace {
    EventPlace { stream: STREAM, number: number(at + 1) }
}

fn number(count: usize) -> u64 {
    u64::try_from(count).expect("a count of what is in memory fits 64 bits")
}
