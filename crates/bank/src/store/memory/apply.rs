//! Writing a group that was found to be sound: nothing here can fail.

use cashpoint_core::account::Totals;
use cashpoint_core::card::{CardState, PinCounter, PinKey};
use cashpoint_core::change::{Changes, New};
use cashpoint_core::enrolled::EnrolledTerminal;
use cashpoint_core::event::Event;
use cashpoint_core::facts::Recorded;
use cashpoint_core::id::{CardId, RequestId};
use cashpoint_core::ledger::{LedgerAccount, Transfer};
use cashpoint_core::outcome::Outcome;
use cashpoint_core::withdrawal::{Withdrawal, WithdrawalIdentity};

use super::books::Posted;
use super::state::{Added, Group, Happened, KeptCard, KeptWithdrawal, Person, Place, State};
use crate::store::{Delivered, Position};

/// Writes the group.
pub(super) fn group(state: &mut State, position: Position, changes: &Changes) {
    if let Some(day) = &changes.day {
        state.day = Some(day.to);
    }
    // What others refer to comes first, in whatever order it was decided.
    changes.new.iter().for_each(|new| state.identity(new));
    // Only these rows carry a place, and only they take one, as in the other stores.
    let mut places = 0_u32..;
    let mut next = || places.next().expect("a group has less than 2^32 changes");
    let added: Vec<Added> = changes
        .new
        .iter()
        .map(|new| match new {
            New::Transfer(row) => state.transfer(row, position, next()),
            New::Event(row) => state.event(*row, position, next()),
            New::Request(id, outcome) => {
                next();
                state.request(*id, outcome)
            }
            New::Audit(_) => {
                next();
                Added::Other(Box::new(new.clone()))
            }
            New::Account(_)
            | New::Cash(_)
            | New::Customer(..)
            | New::Session(..)
            | New::Card(..)
            | New::Machine(..)
            | New::Withdrawal(..)
            | New::Operator(_)
            | New::Policy(..)
            | New::DeadLetter(_)
            | New::Notice(_) => Added::Other(Box::new(new.clone())),
        })
        .collect();
    state.money(changes);
    state.people(changes);
    state.places(changes);
    state.terminals(changes);
    state.notifications(changes);
    let profiles = changes.profiles.values().cloned().collect();
    let group = Group { position, stamp: changes.stamp, day: changes.day, added: added.into(), profiles };
    state.groups.push(group);
}

impl State {
    fn transfer(&mut self, row: &Transfer, position: Position, index: u32) -> Added {
        let minor = row.amount().minor();
        self.count(row.debit(), |totals| totals.debited(minor));
        self.count(row.credit(), |totals| totals.credited(minor));
        let place = row.context.machine.and_then(|machine| self.machines.get_mut(&machine));
        let machine_previous = place.and_then(|place| place.last_transfer.replace(row.id));
        let at = self.transfers.len();
        self.transfer_at.insert(row.id, at);
        self.transfers.push(Posted { transfer: row.clone(), position, index, machine_previous });
        Added::Transfer(at)
    }

    /// Adds to an account that no decision reads; the others' rows come with the group.
    fn count(&mut self, account: LedgerAccount, more: impl FnOnce(Totals) -> Totals) {
        match account {
            LedgerAccount::Bank(..) | LedgerAccount::Counter(..) => {
                let totals = self.internal.entry(account).or_default();
                *totals = more(*totals);
            }
            LedgerAccount::Customer(_) | LedgerAccount::AtmCash(..) | LedgerAccount::AtmInFlight(..) => {}
        }
    }

    fn event(&mut self, event: Event, position: Position, index: u32) -> Added {
        let at = self.events.len();
        let person = self.customers.get_mut(&event.customer);
        let previous = person.and_then(|person| person.last_event.replace(at));
        self.events.push(Happened { delivered: Delivered { position, index, event }, previous });
        Added::Event(at)
    }

    fn request(&mut self, id: RequestId, outcome: &Outcome) -> Added {
        self.requests.insert(id.key, Recorded { content: id.content, outcome: outcome.clone() });
        Added::Request(id.key)
    }

    /// Everything that is new and carries no place.
    fn identity(&mut self, new: &New) {
        match new {
            New::Account(row) => {
                self.accounts.insert(row.identity.number, *row);
                if let Some(person) = self.customers.get_mut(&row.identity.customer) {
                    person.accounts.push(row.identity.number);
                }
            }
            New::Cash(row) => {
                self.internal.insert(row.account, row.totals);
            }
            New::Customer(row, profile, password) => {
                let (profile, password) = (profile.clone(), password.clone());
                self.emails.extend(profile.email.as_ref().map(|(_, index)| (*index, row.id)));
                let person = Person { row: *row, profile, password, accounts: Vec::new(), last_event: None };
                self.customers.insert(row.id, person);
            }
            New::Session(session, row) => {
                self.tokens.insert(session.token, session.id);
                self.sessions.insert(session.id, (*session, *row));
            }
            New::Card(identity, row, number, index) => {
                self.card_numbers.insert(*index, identity.id);
                let card = KeptCard { identity: identity.clone(), number: number.clone(), row: *row };
                self.cards.insert(identity.id, card);
                self.judge(identity.id);
            }
            New::Machine(identity, row, holdings) => {
                self.names.insert(identity.id.to_string(), identity.id);
                let (row, holdings) = (row.clone(), holdings.clone());
                let (last_transfer, withdrawals, visits) = Default::default();
                let place = Place { identity: *identity, row, holdings, last_transfer, withdrawals, visits };
                self.machines.insert(identity.id, place);
            }
            New::Withdrawal(identity, row, request) => self.withdrawal(*identity, *row, *request),
            New::Operator(row) => {
                self.operator_ids.insert(row.id);
                self.operators.insert(row.name.clone(), row.clone());
            }
            New::Policy(version, policy) => {
                self.policies.insert(*version, policy.clone().into());
            }
            New::DeadLetter(letter) => {
                // One that was given up before stays as it was.
                if self.given_up.insert((letter.channel, letter.customer, letter.number)) {
                    self.dead_letters.push(letter.clone());
                }
            }
            New::Notice(notice) => {
                self.all_notices += 1;
                self.notices.entry(notice.card).or_default().push((self.all_notices, notice.clone()));
            }
            New::Transfer(_) | New::Event(_) | New::Request(..) | New::Audit(_) => {}
        }
    }

    fn withdrawal(&mut self, identity: WithdrawalIdentity, row: Withdrawal, request: RequestId) {
        self.originals.insert(request.key, identity.id);
        self.withdrawals.insert(identity.id, KeptWithdrawal { identity, request, row });
        if let Some(place) = self.machines.get_mut(&identity.machine) {
            place.withdrawals.push(identity.id);
        }
    }

    fn money(&mut self, changes: &Changes) {
        self.accounts.extend(&changes.accounts);
        self.internal.extend(changes.cash.values().map(|row| (row.account, row.totals)));
        self.daily.extend(&changes.daily);
        for (id, row) in &changes.withdrawals {
            if let Some(kept) = self.withdrawals.get_mut(id) {
                kept.row = *row;
            }
        }
        for (id, case) in &changes.cases {
            match case.resolved {
                None => self.open_cases.insert(*id),
                Some(_) => self.open_cases.remove(id),
            };
            self.case_of.extend(case.matter.transfer().map(|transfer| (transfer, *id)));
            self.cases.insert(*id, case.clone());
        }
    }

    fn people(&mut self, changes: &Changes) {
        for (id, row) in &changes.customers {
            if let Some(person) = self.customers.get_mut(id) {
                person.row = *row;
            }
        }
        for (id, (profile, retired)) in &changes.profiles {
            for index in retired {
                if self.emails.get(index) == Some(id) {
                    self.emails.remove(index);
                }
            }
            self.emails.extend(profile.email.as_ref().map(|(_, index)| (*index, *id)));
            if let Some(person) = self.customers.get_mut(id) {
                person.profile = profile.clone();
            }
        }
        for (id, password) in &changes.passwords {
            if let Some(person) = self.customers.get_mut(id) {
                person.password = Some(password.clone());
            }
        }
        for (id, row) in &changes.sessions {
            if let Some((_, state)) = self.sessions.get_mut(id) {
                *state = *row;
            }
        }
        self.tries.extend(&changes.tries);
    }

    fn places(&mut self, changes: &Changes) {
        for (id, row) in &changes.cards {
            if let Some(card) = self.cards.get_mut(id) {
                card.row = *row;
            }
            self.judge(*id);
        }
        for (key, counter) in &changes.pins {
            self.pins.insert(*key, *counter);
            match key {
                PinKey::Card(card) => self.judge(*card),
                PinKey::Unknown(_) => {}
            }
        }
        for (id, row) in &changes.machines {
            if let Some(place) = self.machines.get_mut(id) {
                place.row = row.clone();
            }
        }
        for (id, row) in &changes.holdings {
            if let Some(place) = self.machines.get_mut(id) {
                place.holdings = row.clone();
            }
        }
        for ((machine, card), at) in &changes.visits {
            if let Some(place) = self.machines.get_mut(machine) {
                place.visits.insert(*card, *at);
            }
        }
    }

    /// Puts down whether a card may be served.
    fn judge(&mut self, card: CardId) {
        let state = self.cards.get(&card).map(|card| card.row.state);
        let shut = match self.pins.get(&PinKey::Card(card)) {
            Some(PinCounter::Blocked { .. } | PinCounter::Locked) => true,
            Some(PinCounter::Open { .. }) | None => false,
        };
        if shut || state.is_some_and(|state| state != CardState::Active) {
            self.spent.insert(card);
        } else {
            self.spent.remove(&card);
        }
    }

    fn terminals(&mut self, changes: &Changes) {
        for (id, terminal) in &changes.terminals {
            let mut terminal: EnrolledTerminal = terminal.clone();
            // As every store gives them back.
            terminal.leases.sort_by_key(|lease| (lease.granted, lease.nonce));
            self.terminals.insert(*id, terminal);
        }
        for (key, row) in &changes.replenishments {
            self.replenishments.insert(*key, row.clone());
        }
        for (id, keys) in &changes.terminal_keys {
            self.terminal_keys.insert(*id, keys.clone());
        }
        for (card, upto) in &changes.notices_told {
            if let Some(notices) = self.notices.get_mut(card) {
                notices.retain(|(number, _)| number > upto);
            }
            let told = self.told.entry(*card).or_default();
            *told = (*told).max(*upto);
        }
    }

    fn notifications(&mut self, changes: &Changes) {
        for (channel, feed) in &changes.feeds {
            let mut cursor = self.feeds.remove(channel).map(|feed| feed.cursor).unwrap_or_default();
            cursor.0.extend(&feed.cursor.0);
            let mut feed = feed.clone();
            feed.cursor = cursor;
            self.feeds.insert(*channel, feed);
        }
        for (key, row) in &changes.waiting {
            match row {
                Some(row) => drop(self.waiting.insert(*key, row.clone())),
                None => drop(self.waiting.remove(key)),
            }
        }
        for ((customer, channel), row) in &changes.wishes {
            let own = self.wishes.entry(*customer).or_default();
            match row {
                Some(row) => drop(own.insert(*channel, row.clone())),
                None => drop(own.remove(channel)),
            }
        }
    }
}
