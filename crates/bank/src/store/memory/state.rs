//! What a bank in memory holds: rows by key, chains as the files have them, and the groups in their order.
//!
//! Nothing is checked here, and nothing is hidden: `check` refuses a group before `apply` writes any of it.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use cashpoint_core::account::{Account, Totals};
use cashpoint_core::card::{Card, CardIdentity, PinCounter, PinKey};
use cashpoint_core::case::Case;
use cashpoint_core::change::{DayMove, New, Stamp};
use cashpoint_core::customer::{Customer, Operator, PasswordHash, Profile, Sealed, Tries};
use cashpoint_core::enrolled::{EnrolledTerminal, SealedKeys, StoredNotice};
use cashpoint_core::facts::{BusinessDay, DailyKey, Recorded};
use cashpoint_core::id::{
    AccountNumber, CardId, CaseId, CustomerId, Index, MachineId, OperatorId, RequestId, RequestKey, SessionId,
    TransferId,
};
use cashpoint_core::ledger::LedgerAccount;
use cashpoint_core::machine::{Holdings, Machine, MachineIdentity};
use cashpoint_core::notification::{ChannelName, DeadLetter, Feed, Waiting, Wish};
use cashpoint_core::policy::Policy;
use cashpoint_core::replenishment::Replenishment;
use cashpoint_core::session::{Session, SessionState};
use cashpoint_core::time::Timestamp;
use cashpoint_core::withdrawal::{DailyUse, Withdrawal, WithdrawalIdentity};

use super::books::Posted;
use crate::bank::Mode;
use crate::store::{Delivered, Position};

/// Everything.
#[derive(Clone, Default)]
pub(super) struct State {
    /// What the bank is; none before it is opened for the first time.
    pub(super) mode: Option<Mode>,
    /// The number of the last writer.
    pub(super) writers: u32,
    /// All commits, in their order.
    pub(super) groups: Vec<Group>,
    pub(super) day: Option<BusinessDay>,
    pub(super) policies: BTreeMap<u32, Arc<Policy>>,

    pub(super) customers: HashMap<CustomerId, Person>,
    pub(super) emails: HashMap<Index, CustomerId>,
    pub(super) operators: HashMap<String, Operator>,
    pub(super) operator_ids: HashSet<OperatorId>,
    pub(super) tries: HashMap<Index, Tries>,
    pub(super) daily: HashMap<DailyKey, DailyUse>,
    pub(super) sessions: HashMap<SessionId, (Session, SessionState)>,
    pub(super) tokens: HashMap<Index, SessionId>,

    pub(super) cards: HashMap<CardId, KeptCard>,
    pub(super) card_numbers: HashMap<Index, CardId>,
    pub(super) pins: HashMap<PinKey, PinCounter>,
    /// Cards that must not be served: reported, withdrawn, blocked or locked.
    pub(super) spent: BTreeSet<CardId>,

    pub(super) accounts: HashMap<AccountNumber, Account>,
    /// Every account that is no customer's.
    pub(super) internal: HashMap<LedgerAccount, Totals>,
    pub(super) transfers: Vec<Posted>,
    /// Where a transfer stands among them.
    pub(super) transfer_at: HashMap<TransferId, usize>,
    pub(super) events: Vec<Happened>,
    pub(super) requests: HashMap<RequestKey, Recorded>,
    pub(super) withdrawals: BTreeMap<TransferId, KeptWithdrawal>,
    pub(super) originals: HashMap<RequestKey, TransferId>,
    pub(super) cases: BTreeMap<CaseId, Case>,
    pub(super) open_cases: BTreeSet<CaseId>,
    pub(super) case_of: HashMap<TransferId, CaseId>,

    pub(super) machines: HashMap<MachineId, Place>,
    /// Machines in the order of their names.
    pub(super) names: BTreeMap<String, MachineId>,
    pub(super) terminals: HashMap<MachineId, EnrolledTerminal>,
    pub(super) terminal_keys: HashMap<MachineId, SealedKeys>,
    pub(super) replenishments: BTreeMap<(MachineId, u64), Replenishment>,
    /// Notices that were not told, by card, with their numbers.
    pub(super) notices: HashMap<CardId, Vec<(i64, StoredNotice)>>,
    /// How many notices there ever were.
    pub(super) all_notices: i64,
    /// Up to which number cards' notices were told.
    pub(super) told: BTreeMap<CardId, i64>,

    pub(super) feeds: BTreeMap<ChannelName, Feed>,
    pub(super) waiting: BTreeMap<(ChannelName, CustomerId), Waiting>,
    pub(super) wishes: HashMap<CustomerId, BTreeMap<ChannelName, Wish>>,
    pub(super) dead_letters: Vec<DeadLetter>,
    pub(super) given_up: HashSet<(ChannelName, CustomerId, u64)>,
}

/// A customer.
#[derive(Clone)]
pub(super) struct Person {
    pub(super) row: Customer,
    pub(super) profile: Profile,
    pub(super) password: Option<PasswordHash>,
    /// In the order of opening.
    pub(super) accounts: Vec<AccountNumber>,
    /// Where their last event stands.
    pub(super) last_event: Option<usize>,
}

/// A card.
#[derive(Clone)]
pub(super) struct KeptCard {
    pub(super) identity: CardIdentity,
    pub(super) number: Sealed,
    pub(super) row: Card,
}

/// A machine or counter.
#[derive(Clone)]
pub(super) struct Place {
    pub(super) identity: MachineIdentity,
    pub(super) row: Machine,
    pub(super) holdings: Holdings,
    pub(super) last_transfer: Option<TransferId>,
    /// Withdrawals approved for it.
    pub(super) withdrawals: Vec<TransferId>,
    /// When cards were last served here.
    pub(super) visits: BTreeMap<CardId, Timestamp>,
}

/// A withdrawal in two steps.
#[derive(Clone, Copy)]
pub(super) struct KeptWithdrawal {
    pub(super) identity: WithdrawalIdentity,
    pub(super) request: RequestId,
    pub(super) row: Withdrawal,
}

/// An event in its customer's chain.
#[derive(Clone)]
pub(super) struct Happened {
    pub(super) delivered: Delivered,
    /// Where the customer's event before it stands.
    pub(super) previous: Option<usize>,
}

/// What a commit added, in order; rows that change are kept once, as they are now.
#[derive(Clone)]
pub(super) struct Group {
    pub(super) position: Position,
    pub(super) stamp: Stamp,
    pub(super) day: Option<DayMove>,
    pub(super) added: Box<[Added]>,
    /// Customers' data that changed: an email address that was given up may be somebody else's now.
    pub(super) profiles: Vec<(Profile, Vec<Index>)>,
}

/// One addition; where it is kept elsewhere, only where.
#[derive(Clone)]
pub(super) enum Added {
    Transfer(usize),
    Event(usize),
    Request(RequestKey),
    Other(Box<New>),
}

impl State {
    /// A bank that nobody has opened: the first version of its policy, and nothing else.
    pub(super) fn new() -> Self {
        Self { policies: BTreeMap::from([(1, Arc::default())]), ..Self::default() }
    }

    /// The latest instant that a commit carries.
    pub(super) fn highest(&self) -> Option<Timestamp> {
        self.groups.last().map(|group| group.stamp.now)
    }

    /// The policy in force and its version.
    pub(super) fn policy(&self) -> (u32, &Arc<Policy>) {
        let (version, policy) = self.policies.last_key_value().expect("there is a first version");
        (*version, policy)
    }

    /// A terminal's latest replenishment.
    pub(super) fn latest_replenishment(&self, machine: MachineId) -> Option<&Replenishment> {
        self.replenishments.range((machine, 0)..=(machine, u64::MAX)).next_back().map(|(_, row)| row)
    }

    /// Where a customer's events stand, latest first.
    pub(super) fn events_of(&self, customer: CustomerId) -> impl Iterator<Item = usize> + '_ {
        let last = self.customers.get(&customer).and_then(|person| person.last_event);
        std::iter::successors(last, |at| self.events[*at].previous)
    }
}
