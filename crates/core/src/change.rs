//! What decisions change: a closed list, applied to the facts at once and to the store when the group commits.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::hash::Hash;

use crate::account::Account;
use crate::card::{Card, CardIdentity, PinCounter, PinKey};
use crate::case::Case;
use crate::customer::{Customer, Operator, PasswordHash, Profile, Sealed, Tries};
use crate::enrolled::{EnrolledTerminal, SealedKeys, StoredNotice};
use crate::event::{AuditRecord, Event};
use crate::facts::{BusinessDay, DailyKey, Facts, Recorded, Table};
use crate::id::{AccountNumber, CardId, CaseId, CustomerId, Index, MachineId, RequestId, SessionId, TransferId};
use crate::ledger::{LedgerAccount, Transfer};
use crate::machine::{CashAccount, Holdings, Machine, MachineIdentity};
use crate::notification::{ChannelName, DeadLetter, Feed, Waiting, Wish};
use crate::outcome::Outcome;
use crate::policy::Policy;
use crate::replenishment::Replenishment;
use crate::session::{Session, SessionState};
use crate::time::{BusinessDate, Timestamp};
use crate::withdrawal::{DailyUse, Withdrawal, WithdrawalIdentity};

/// One change. A row is given whole, as it is afterwards.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Change {
    /// A row that never changes again.
    New(New),
    /// A row that has changed.
    Row(Row),
}

/// Rows that are only ever added.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum New {
    /// Money moved.
    Transfer(Transfer),
    /// Something happened to a customer.
    Event(Event),
    /// Something for the audit trail.
    Audit(AuditRecord),
    /// A request was answered.
    Request(RequestId, Outcome),
    /// An account; its row follows as [`Row::Account`].
    Account(Account),
    /// A machine's cash or in-flight account, still empty.
    Cash(CashAccount),
    /// A customer; with a password if they signed up.
    Customer(Customer, Profile, Option<PasswordHash>),
    /// A session.
    Session(Session, SessionState),
    /// A card, its number sealed, and the number's index.
    Card(CardIdentity, Card, Sealed, Index),
    /// A machine or counter.
    Machine(MachineIdentity, Machine, Holdings),
    /// A two-step withdrawal, and the request that approved it.
    Withdrawal(WithdrawalIdentity, Withdrawal, RequestId),
    /// A member of staff.
    Operator(Operator),
    /// A version of the policy.
    Policy(u32, Policy),
    /// A notification was given up.
    DeadLetter(DeadLetter),
    /// A card's holder is to be told something.
    Notice(StoredNotice),
}

/// Rows that change.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Row {
    /// A customer's account.
    Account(Account),
    /// A machine's cash or in-flight account.
    Cash(CashAccount),
    /// A customer.
    Customer(Customer),
    /// A customer's data; the index of an email address that is given up.
    Profile(Profile, Option<Index>),
    /// A customer's password.
    Password(CustomerId, PasswordHash),
    /// A session.
    Session(SessionState),
    /// A session of which nothing changed but its activity, and that too little for the store: only the facts know.
    Activity(SessionState),
    /// A card.
    Card(Card),
    /// A count of wrong PINs.
    Pin(PinKey, PinCounter),
    /// A count of password tries.
    Tries(Index, Tries),
    /// A machine.
    Machine(Machine),
    /// A machine's cash.
    Holdings(Holdings),
    /// A customer's use of a day's allowances.
    Daily(DailyKey, DailyUse),
    /// A two-step withdrawal.
    Withdrawal(Withdrawal),
    /// A case, new or resolved.
    Case(Case),
    /// A card was served at a terminal.
    Visit((MachineId, CardId), Timestamp),
    /// An enrolled terminal, new or changed.
    Terminal(EnrolledTerminal),
    /// A terminal's latest replenishment, new or moved on.
    Replenishment(Replenishment),
    /// A terminal's secrets, in the place of earlier ones.
    TerminalKeys(MachineId, SealedKeys),
    /// A card's notices up to this number were told.
    NoticesTold(CardId, i64),
    /// A feed of notifications, new or moved on.
    Feed(Feed),
    /// A customer's delivery that waits on a feed; none: no longer.
    Waiting((ChannelName, CustomerId), Option<Waiting>),
    /// What a customer wants to be told of on a channel; none: whatever it usually tells.
    Wish((CustomerId, ChannelName), Option<Wish>),
}

/// What a commit row says of its group.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stamp {
    /// When the group was decided.
    pub now: Timestamp,
    /// The business date it counts on.
    pub business_date: BusinessDate,
    /// The policy it was decided under.
    pub policy_version: u32,
}

/// The business date moves on, if it still is what was read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DayMove {
    /// The date read; none in a new database.
    pub from: Option<BusinessDate>,
    /// The day from now on.
    pub to: BusinessDay,
}

/// All changes of one group. Rows are held once, as they are after the group's last command.
#[derive(Clone, Debug)]
pub struct Changes {
    /// The commit row.
    pub stamp: Stamp,
    /// A cut-over.
    pub day: Option<DayMove>,
    /// Rows added, in order of decision.
    pub new: Vec<New>,
    /// Customers' accounts.
    pub accounts: BTreeMap<AccountNumber, Account>,
    /// Machines' cash and in-flight accounts.
    pub cash: BTreeMap<LedgerAccount, CashAccount>,
    /// Customers.
    pub customers: BTreeMap<CustomerId, Customer>,
    /// Customers' data, each with the email indexes given up.
    pub profiles: BTreeMap<CustomerId, (Profile, Vec<Index>)>,
    /// Customers' passwords.
    pub passwords: BTreeMap<CustomerId, PasswordHash>,
    /// Sessions.
    pub sessions: BTreeMap<SessionId, SessionState>,
    /// Cards.
    pub cards: BTreeMap<CardId, Card>,
    /// Counts of wrong PINs.
    pub pins: BTreeMap<PinKey, PinCounter>,
    /// Counts of password tries.
    pub tries: BTreeMap<Index, Tries>,
    /// Machines.
    pub machines: BTreeMap<MachineId, Machine>,
    /// Machines' cash.
    pub holdings: BTreeMap<MachineId, Holdings>,
    /// Use of the days' allowances.
    pub daily: BTreeMap<DailyKey, DailyUse>,
    /// Two-step withdrawals.
    pub withdrawals: BTreeMap<TransferId, Withdrawal>,
    /// Cases.
    pub cases: BTreeMap<CaseId, Case>,
    /// When cards were last served at terminals.
    pub visits: BTreeMap<(MachineId, CardId), Timestamp>,
    /// Enrolled terminals.
    pub terminals: BTreeMap<MachineId, EnrolledTerminal>,
    /// Terminals' replenishments, by terminal and number.
    pub replenishments: BTreeMap<(MachineId, u64), Replenishment>,
    /// Terminals' secrets.
    pub terminal_keys: BTreeMap<MachineId, SealedKeys>,
    /// Up to which number cards' notices were told.
    pub notices_told: BTreeMap<CardId, i64>,
    /// Feeds of notifications.
    pub feeds: BTreeMap<ChannelName, Feed>,
    /// Customers' deliveries that wait, by feed; none: no longer.
    pub waiting: BTreeMap<(ChannelName, CustomerId), Option<Waiting>>,
    /// What customers want to be told of; none: whatever the channel usually tells.
    pub wishes: BTreeMap<(CustomerId, ChannelName), Option<Wish>>,
}

impl Changes {
    /// Nothing yet.
    #[must_use]
    pub fn new(stamp: Stamp) -> Self {
        Self {
            stamp,
            day: None,
            new: Vec::new(),
            accounts: BTreeMap::new(),
            cash: BTreeMap::new(),
            customers: BTreeMap::new(),
            profiles: BTreeMap::new(),
            passwords: BTreeMap::new(),
            sessions: BTreeMap::new(),
            cards: BTreeMap::new(),
            pins: BTreeMap::new(),
            tries: BTreeMap::new(),
            machines: BTreeMap::new(),
            holdings: BTreeMap::new(),
            daily: BTreeMap::new(),
            withdrawals: BTreeMap::new(),
            cases: BTreeMap::new(),
            visits: BTreeMap::new(),
            terminals: BTreeMap::new(),
            replenishments: BTreeMap::new(),
            terminal_keys: BTreeMap::new(),
            notices_told: BTreeMap::new(),
            feeds: BTreeMap::new(),
            waiting: BTreeMap::new(),
            wishes: BTreeMap::new(),
        }
    }

    /// Whether there is nothing to commit.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.day.is_none()
            && self.new.is_empty()
            && self.accounts.is_empty()
            && self.cash.is_empty()
            && self.customers.is_empty()
            && self.profiles.is_empty()
            && self.passwords.is_empty()
            && self.sessions.is_empty()
            && self.cards.is_empty()
            && self.pins.is_empty()
            && self.tries.is_empty()
            && self.machines.is_empty()
            && self.holdings.is_empty()
            && self.daily.is_empty()
            && self.withdrawals.is_empty()
            && self.cases.is_empty()
            && self.visits.is_empty()
            && self.terminals.is_empty()
            && self.replenishments.is_empty()
            && self.terminal_keys.is_empty()
            && self.notices_told.is_empty()
            && self.feeds.is_empty()
            && self.waiting.is_empty()
            && self.wishes.is_empty()
    }

    /// Takes one more change, and lets the facts know it.
    pub fn apply(&mut self, change: Change, facts: &mut Facts) {
        match change {
            Change::New(new) => {
                new.tell(facts);
                self.new.push(new);
            }
            Change::Row(row) => self.set(row, facts),
        }
    }

    fn set(&mut self, row: Row, facts: &mut Facts) {
        match row {
            Row::Account(row) => keep(&mut facts.accounts, &mut self.accounts, row.identity.number, row),
            Row::Cash(row) => keep(&mut facts.cash, &mut self.cash, row.account, row),
            Row::Customer(row) => keep(&mut facts.customers, &mut self.customers, row.id, row),
            Row::Profile(row, retired) => self.set_profile(row, retired, facts),
            Row::Password(customer, row) => {
                self.passwords.insert(customer, row);
            }
            Row::Session(row) => {
                facts.store_activity(&row);
                keep(&mut facts.sessions, &mut self.sessions, row.id, row);
            }
            Row::Activity(row) => facts.sessions.put(row.id, Some(row)),
            Row::Card(row) => keep(&mut facts.cards, &mut self.cards, row.id, row),
            Row::Pin(key, row) => keep(&mut facts.pins, &mut self.pins, key, row),
            Row::Tries(key, row) => keep(&mut facts.tries, &mut self.tries, key, row),
            Row::Machine(row) => keep(&mut facts.machines, &mut self.machines, row.id, row),
            Row::Holdings(row) => keep(&mut facts.holdings, &mut self.holdings, row.machine, row),
            Row::Daily(key, row) => keep(&mut facts.daily, &mut self.daily, key, row),
            Row::Withdrawal(row) => keep(&mut facts.withdrawals, &mut self.withdrawals, row.id, row),
            Row::Case(row) => keep(&mut facts.cases, &mut self.cases, row.id, row),
            Row::Visit(key, at) => keep(&mut facts.visits, &mut self.visits, key, at),
            Row::Terminal(row) => keep(&mut facts.terminals, &mut self.terminals, row.machine, row),
            Row::Replenishment(row) => {
                facts.replenishments.put(row.machine, Some(row.clone()));
                self.replenishments.insert((row.machine, row.number), row);
            }
            Row::TerminalKeys(terminal, keys) => {
                self.terminal_keys.insert(terminal, keys);
            }
            Row::NoticesTold(card, upto) => {
                self.notices_told.insert(card, upto);
            }
            Row::Feed(row) => keep(&mut facts.feeds, &mut self.feeds, row.channel, row),
            Row::Waiting(key, row) => {
                self.waiting.insert(key, row);
            }
            Row::Wish(key, row) => {
                self.wishes.insert(key, row);
            }
        }
    }

    fn set_profile(&mut self, row: Profile, retired: Option<Index>, facts: &mut Facts) {
        if let Some(index) = retired {
            facts.emails.put(index, None);
        }
        if let Some((_, index)) = &row.email {
            facts.emails.put(*index, Some(row.customer));
        }
        facts.profiles.put(row.customer, Some(row.clone()));
        let held = self.profiles.entry(row.customer).or_insert_with(|| (row.clone(), Vec::new()));
        held.0 = row;
        held.1.extend(retired);
    }
}

/// Holds a row for the commit, and lets the facts know it.
fn keep<K, V>(facts: &mut Table<K, V>, rows: &mut BTreeMap<K, V>, key: K, row: V)
where
    K: Copy + Debug + Hash + Ord,
    V: Clone,
{
    facts.put(key, Some(row.clone()));
    rows.insert(key, row);
}

impl New {
    /// Lets the facts know of a row that was not there before.
    fn tell(&self, facts: &mut Facts) {
        match self {
            Self::Transfer(_)
            | Self::Event(_)
            | Self::Audit(_)
            | Self::Policy(..)
            | Self::DeadLetter(_)
            | Self::Notice(_) => {}
            Self::Request(id, outcome) => {
                facts.requests.put(id.key, Some(Recorded { content: id.content, outcome: outcome.clone() }));
            }
            Self::Account(row) => {
                facts.account_identities.put(row.identity.number, Some(row.identity));
                facts.accounts.put(row.identity.number, Some(*row));
            }
            Self::Cash(row) => facts.cash.put(row.account, Some(*row)),
            Self::Customer(row, profile, _) => {
                facts.customers.put(row.id, Some(*row));
                if let Some((_, index)) = &profile.email {
                    facts.emails.put(*index, Some(row.id));
                }
                facts.profiles.put(row.id, Some(profile.clone()));
            }
            Self::Session(_, state) => {
                facts.store_activity(state);
                facts.sessions.put(state.id, Some(*state));
            }
            Self::Card(identity, row, _, index) => {
                facts.card_numbers.put(*index, Some(identity.id));
                facts.card_identities.put(identity.id, Some(identity.clone()));
                facts.cards.put(row.id, Some(*row));
                facts.pins.put(PinKey::Card(row.id), None);
            }
            Self::Machine(identity, row, holdings) => {
                facts.machine_identities.put(row.id, Some(*identity));
                facts.machines.put(row.id, Some(row.clone()));
                facts.holdings.put(row.id, Some(holdings.clone()));
            }
            Self::Withdrawal(identity, row, request) => {
                facts.originals.put(request.key, Some(*identity));
                facts.withdrawal_identities.put(row.id, Some(*identity));
                facts.withdrawals.put(row.id, Some(*row));
            }
            Self::Operator(operator) => facts.operator_names.put(operator.name.clone(), Some(operator.id)),
        }
    }
}
