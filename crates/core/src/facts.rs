//! What is known while a group is decided: rows by key, loaded beforehand.
//!
//! "Absent" is a fact too. Using a key that was not loaded is a bug of ours and panics: a decision must never rest on
//! a row that was not read under the group's protection.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Debug;
use std::hash::Hash;
use std::sync::Arc;

use cashpoint_mutant::{Mutant, chosen};

use crate::account::{Account, AccountIdentity};
use crate::card::{Card, CardIdentity, PinCounter, PinKey};
use crate::case::Case;
use crate::currency::Currency;
use crate::customer::{Customer, Profile, Tries};
use crate::enrolled::EnrolledTerminal;
use crate::id::{
    AccountNumber, CardId, CaseId, CustomerId, Index, MachineId, OperatorId, RequestKey, SessionId, TransferId,
};
use crate::ledger::LedgerAccount;
use crate::machine::{CashAccount, Holdings, Machine, MachineIdentity};
use crate::notification::{ChannelName, Feed};
use crate::outcome::Outcome;
use crate::policy::Policy;
use crate::replenishment::Replenishment;
use crate::session::SessionState;
use crate::time::{BusinessDate, Timestamp};
use crate::withdrawal::{DailyUse, Withdrawal, WithdrawalIdentity};

/// Rows of one kind, by key.
#[derive(Clone, Debug)]
pub struct Table<K, V> {
    rows: HashMap<K, Option<V>>,
}

impl<K, V> Default for Table<K, V> {
    fn default() -> Self {
        Self { rows: HashMap::new() }
    }
}

impl<K: Eq + Hash + Debug, V> Table<K, V> {
    /// The row, or none if there is none.
    ///
    /// # Panics
    /// If the key was not loaded.
    #[must_use]
    pub fn find(&self, key: &K) -> Option<&V> {
        match self.rows.get(key) {
            Some(row) => row.as_ref(),
            None => panic!("a decision asked for {key:?}, which was not loaded"),
        }
    }

    /// The row that must be there because another row refers to it.
    ///
    /// # Panics
    /// If the key was not loaded, or there is no such row.
    #[must_use]
    pub fn at(&self, key: &K) -> &V {
        match self.find(key) {
            Some(row) => row,
            None => panic!("{key:?} is referred to and is not there"),
        }
    }

    /// Whether the key was loaded, with or without a row.
    #[must_use]
    pub fn is_loaded(&self, key: &K) -> bool {
        self.rows.contains_key(key)
    }

    /// Those of `keys` that are not loaded.
    pub fn missing<'a>(&'a self, keys: &'a BTreeSet<K>) -> impl Iterator<Item = &'a K> + 'a
    where
        K: Ord,
    {
        keys.iter().filter(|key| !self.is_loaded(key))
    }

    /// Says of those of `keys` that are not loaded that there is no such row.
    fn settle(&mut self, keys: &BTreeSet<K>)
    where
        K: Clone,
    {
        for key in keys {
            self.rows.entry(key.clone()).or_insert(None);
        }
    }

    /// Says what stands under a key.
    pub fn put(&mut self, key: K, row: Option<V>) {
        self.rows.insert(key, row);
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.rows.clear();
    }

    fn len(&self) -> usize {
        self.rows.len()
    }

    /// Those of `keys` that are not loaded, as a set.
    fn without(&self, keys: &BTreeSet<K>) -> BTreeSet<K>
    where
        K: Ord + Clone,
    {
        self.missing(keys).cloned().collect()
    }
}

/// A request that was answered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Recorded {
    /// Digest of what it asked for.
    pub content: [u8; 16],
    /// What it was answered.
    pub outcome: Outcome,
}

impl Recorded {
    /// The content of a tombstone: a reversal that overtook its original names it by its key alone, so whatever the
    /// original turns out to ask for, the tombstone answers it. No digest is all zeros.
    pub const ANY_CONTENT: [u8; 16] = [0; 16];

    /// Whether this is the answer to a request of that content; if not, the key was used for something else.
    #[must_use]
    pub fn answers(&self, content: [u8; 16]) -> bool {
        self.content == content || self.content == Self::ANY_CONTENT || chosen(Mutant::ContentIgnored)
    }
}

/// Key of a customer's use of one day's allowances.
pub type DailyKey = (CustomerId, BusinessDate, Currency);

macro_rules! tables {
    (
        identities { $($(#[$idoc:meta])* $identity:ident, $lookup:ident: $ikey:ty => $irow:ty),* $(,)? }
        rows { $($(#[$rdoc:meta])* $row:ident: $rkey:ty => $rrow:ty),* $(,)? }
    ) => {
        /// The identities that commands arrive with. They are write-once.
        #[derive(Clone, Debug, Default)]
        pub struct Lookups { $($(#[$idoc])* pub $lookup: BTreeSet<$ikey>),* }

        /// The rows that commands need, in table order, then key order.
        #[derive(Clone, Debug, Default)]
        pub struct Keys { $($(#[$rdoc])* pub $row: BTreeSet<$rkey>),* }

        /// Everything a group's decisions may know.
        #[derive(Clone, Debug, Default)]
        pub struct Facts {
            $($(#[$idoc])* pub $identity: Table<$ikey, $irow>,)*
            $($(#[$rdoc])* pub $row: Table<$rkey, $rrow>,)*
            /// The activity of sessions that was last given to the store, where that is known.
            stored_activity: HashMap<SessionId, Timestamp>,
        }

        impl Facts {
            /// Forgets everything: what was applied and not committed, or what another writer may have changed.
            pub fn clear(&mut self) {
                $(self.$identity.clear();)*
                $(self.$row.clear();)*
                self.stored_activity.clear();
            }

            /// The activity of a session that the store has, if that is known.
            #[must_use]
            pub fn stored_activity(&self, session: SessionId) -> Option<Timestamp> {
                self.stored_activity.get(&session).copied()
            }

            /// A store that read a session's row puts it down, and that it has this activity.
            pub fn know_stored(&mut self, state: &SessionState) {
                self.store_activity(state);
                self.sessions.put(state.id, Some(*state));
            }

            /// A session's row goes to the store.
            pub(crate) fn store_activity(&mut self, state: &SessionState) {
                self.stored_activity.insert(state.id, state.active);
            }

            /// After resolving: whatever of `lookups` was not found is absent.
            pub fn settle_identities(&mut self, lookups: &Lookups) {
                $(self.$identity.settle(&lookups.$lookup);)*
            }

            /// After loading: whatever of `keys` was not found is absent.
            pub fn settle_rows(&mut self, keys: &Keys) {
                $(self.$row.settle(&keys.$row);)*
            }

            /// Those of `lookups` that were not resolved yet.
            #[must_use]
            pub fn unresolved(&self, lookups: &Lookups) -> Lookups {
                Lookups { $($lookup: self.$identity.without(&lookups.$lookup)),* }
            }

            /// Whether all of `lookups` were resolved.
            #[must_use]
            pub fn has_resolved(&self, lookups: &Lookups) -> bool {
                true $(&& self.$identity.missing(&lookups.$lookup).next().is_none())*
            }

            /// Those of `keys` that were not loaded yet.
            #[must_use]
            pub fn unloaded(&self, keys: &Keys) -> Keys {
                Keys { $($row: self.$row.without(&keys.$row)),* }
            }

            /// Whether all of `keys` were loaded.
            #[must_use]
            pub fn has_loaded(&self, keys: &Keys) -> bool {
                true $(&& self.$row.missing(&keys.$row).next().is_none())*
            }

            /// Says of requests of which nothing is known that they were not answered yet. Whoever presumes that has a store
            /// that refuses to write a request twice.
            pub fn presume_new(&mut self, lookups: &Lookups) {
                self.requests.settle(&lookups.requests);
            }

            /// Rows held, absent ones included.
            #[must_use]
            pub fn len(&self) -> usize {
                0 $(+ self.$identity.len())* $(+ self.$row.len())*
            }

            /// Whether nothing is held.
            #[must_use]
            pub fn is_empty(&self) -> bool {
                self.len() == 0
            }
        }
    };
}

tables! {
    identities {
        /// Answered requests, by request key.
        requests, requests: RequestKey => Recorded,
        /// Customers' accounts, by number.
        account_identities, accounts: AccountNumber => AccountIdentity,
        /// Cards, by id.
        card_identities, cards: CardId => CardIdentity,
        /// Cards, by index of their number.
        card_numbers, card_numbers: Index => CardId,
        /// Customers, by index of their email address.
        emails, emails: Index => CustomerId,
        /// Machines and counters, by id.
        machine_identities, machines: MachineId => MachineIdentity,
        /// Two-step withdrawals, by the request key of their approval.
        originals, originals: RequestKey => WithdrawalIdentity,
        /// Two-step withdrawals, by their transfer.
        withdrawal_identities, withdrawals: TransferId => WithdrawalIdentity,
        /// Staff, by name.
        operator_names, operator_names: String => OperatorId,
    }
    rows {
        /// Customers' accounts.
        accounts: AccountNumber => Account,
        /// Machines' cash and in-flight accounts.
        cash: LedgerAccount => CashAccount,
        /// Customers.
        customers: CustomerId => Customer,
        /// Customers' data.
        profiles: CustomerId => Profile,
        /// Sessions.
        sessions: SessionId => SessionState,
        /// Cards.
        cards: CardId => Card,
        /// Counts of wrong PINs.
        pins: PinKey => PinCounter,
        /// Counts of password tries.
        tries: Index => Tries,
        /// Machines.
        machines: MachineId => Machine,
        /// Machines' cash.
        holdings: MachineId => Holdings,
        /// Use of the days' allowances.
        daily: DailyKey => DailyUse,
        /// Two-step withdrawals.
        withdrawals: TransferId => Withdrawal,
        /// Cases.
        cases: CaseId => Case,
        /// When a card was last served at a terminal.
        visits: (MachineId, CardId) => Timestamp,
        /// Enrolled terminals.
        terminals: MachineId => EnrolledTerminal,
        /// Terminals' latest replenishments.
        replenishments: MachineId => Replenishment,
        /// Feeds of notifications.
        feeds: ChannelName => Feed,
    }
}

/// The business date and the instant of the next cut-over.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BusinessDay {
    /// The date in force.
    pub date: BusinessDate,
    /// The first group at or after this instant moves it.
    pub next_cutover: Timestamp,
}

/// What holds for all commands of a group, read with the identities.
#[derive(Clone, Debug)]
pub struct Terms {
    /// The business day; none in a new database.
    pub day: Option<BusinessDay>,
    /// Version of the policy in force.
    pub policy_version: u32,
    /// Its values.
    pub policy: Arc<Policy>,
}
