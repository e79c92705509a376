//! Finding identities and rows by key, for groups and for readers.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::hash::Hash;

use cashpoint_core::facts::{Facts, Keys, Lookups, Table};
use cashpoint_core::machine::CashAccount;

use super::state::State;

/// Settles those of `keys` that the table does not hold.
fn fill<K, V>(table: &mut Table<K, V>, keys: &BTreeSet<K>, find: impl Fn(&K) -> Option<V>)
where
    K: Ord + Eq + Hash + Clone + Debug,
{
    for key in keys {
        if !table.is_loaded(key) {
            table.put(key.clone(), find(key));
        }
    }
}

/// Settles everything in `lookups`.
pub(super) fn identities(state: &State, lookups: &Lookups, facts: &mut Facts) {
    fill(&mut facts.requests, &lookups.requests, |key| state.requests.get(key).cloned());
    fill(&mut facts.account_identities, &lookups.accounts, |key| state.accounts.get(key).map(|row| row.identity));
    fill(&mut facts.card_identities, &lookups.cards, |key| state.cards.get(key).map(|card| card.identity.clone()));
    fill(&mut facts.card_numbers, &lookups.card_numbers, |key| state.card_numbers.get(key).copied());
    fill(&mut facts.emails, &lookups.emails, |key| state.emails.get(key).copied());
    fill(&mut facts.machine_identities, &lookups.machines, |key| state.machines.get(key).map(|place| place.identity));
    fill(&mut facts.originals, &lookups.originals, |key| {
        let kept = state.withdrawals.get(state.originals.get(key)?)?;
        Some(kept.identity)
    });
    fill(&mut facts.withdrawal_identities, &lookups.withdrawals, |key| {
        state.withdrawals.get(key).map(|kept| kept.identity)
    });
    fill(&mut facts.operator_names, &lookups.operator_names, |key| state.operators.get(key).map(|row| row.id));
}

/// Settles everything in `keys`.
pub(super) fn rows(state: &State, keys: &Keys, facts: &mut Facts) {
    fill(&mut facts.accounts, &keys.accounts, |key| state.accounts.get(key).copied());
    fill(&mut facts.cash, &keys.cash, |key| {
        state.internal.get(key).map(|totals| CashAccount { account: *key, totals: *totals })
    });
    fill(&mut facts.customers, &keys.customers, |key| state.customers.get(key).map(|person| person.row));
    fill(&mut facts.profiles, &keys.profiles, |key| state.customers.get(key).map(|person| person.profile.clone()));
    fill(&mut facts.sessions, &keys.sessions, |key| state.sessions.get(key).map(|(_, row)| *row));
    fill(&mut facts.cards, &keys.cards, |key| state.cards.get(key).map(|card| card.row));
    fill(&mut facts.pins, &keys.pins, |key| state.pins.get(key).copied());
    fill(&mut facts.tries, &keys.tries, |key| state.tries.get(key).copied());
    fill(&mut facts.machines, &keys.machines, |key| state.machines.get(key).map(|place| place.row.clone()));
    fill(&mut facts.holdings, &keys.holdings, |key| state.machines.get(key).map(|place| place.holdings.clone()));
    fill(&mut facts.daily, &keys.daily, |key| state.daily.get(key).copied());
    fill(&mut facts.withdrawals, &keys.withdrawals, |key| state.withdrawals.get(key).map(|kept| kept.row));
    fill(&mut facts.cases, &keys.cases, |key| state.cases.get(key).cloned());
    fill(&mut facts.visits, &keys.visits, |(machine, card)| {
        state.machines.get(machine).and_then(|place| place.visits.get(card)).copied()
    });
    fill(&mut facts.terminals, &keys.terminals, |key| state.terminals.get(key).cloned());
    fill(&mut facts.replenishments, &keys.replenishments, |key| state.latest_replenishment(*key).cloned());
    fill(&mut facts.feeds, &keys.feeds, |key| state.feeds.get(key).cloned());
}
