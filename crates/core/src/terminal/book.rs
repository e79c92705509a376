//! What follows from a terminal's journal: what is in force, what is owed, what still waits for the host.
//!
//! At boot the book folds every record, and after that each one that was just written; so it never says anything that a
//! power cut could take back. Deliberately not here: what the devices say (that is [`super::recovery`]'s), what may be
//! done while the host is away ([`super::offline`]) and when to send again ([`super::delivery`]).
//!
//! *Forgetting.* Once nothing is open and nothing waits, everything that still matters fits into a [`Summary`]. It is
//! written as the next record, and then everything before it may be dropped: the book of the summary and what follows
//! allows and owes what the book of the whole journal does.

mod fold;
mod open;

use std::collections::{BTreeMap, BTreeSet};

use cashpoint_mutant::{Mutant, chosen};

use crate::time::Timestamp;

use super::device::{CardReference, Counters, Nonce};
use super::link::{Advice, AdviceKind, Availability, Lease, OperationId};
use super::record::{CardProfile, Entry, Intent, Leave, Summary};
use super::settings::{HotList, Settings};

pub use fold::Contradiction;
pub use open::{CardFate, DepositStep, Dispensing, Open, OpenDeposit, OpenWithdrawal, Step, Tally, TokenUse};

/// For how long offline cash counts towards a card's limit, milliseconds: 24 hours.
pub const CARD_WINDOW_MS: i64 = 86_400_000;

/// By how much offline cash grows older at most between two entries, milliseconds: an hour. A clock that shows more was set
/// ahead, or nothing happened here for so long: then the cash counts longer, never shorter. A machine with its host writes
/// more often.
const AGES_AT_MOST_MS: i64 = 3_600_000;

/// What a journal says, up to its last entry.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Book {
    last: u64,
    settings: Option<Settings>,
    hot_list: Option<(HotList, Timestamp)>,
    lease: Option<HeldLease>,
    cards: BTreeMap<CardReference, CardProfile>,
    tries: BTreeMap<CardReference, u8>,
    paid: Vec<Paid>,
    open: Option<Open>,
    waiting: BTreeMap<u64, Waiting>,
    carried_out: u64,
    replenishing: Option<Replenishing>,
    service: Option<Availability>,
    /// The latest time seen since the hot list came: a clock that shows less was set back, and no age can be told by it.
    clock: Timestamp,
    /// Whether the last entry is a summary, so that another one would drop nothing.
    summed_up: Option<u64>,
}

/// A lease and what became of it.
#[derive(Clone, PartialEq, Eq, Debug)]
struct HeldLease {
    lease: Lease,
    since: Timestamp,
    used: i64,
    presents: BTreeSet<Nonce>,
}

/// An exchange of cassettes that has begun and not ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Replenishing {
    /// Number of the order.
    pub number: u64,
    /// The dispenser's counters as it began, once they are read.
    pub found: Option<Counters>,
}

/// Offline cash that a card got.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Paid {
    card: CardReference,
    /// When, by the clock that is shown now: what the clock was set ahead meanwhile is added.
    at: Timestamp,
    minor: i64,
}

impl Paid {
    /// When it was paid as seen from `now`, the clock having shown `before` at the last entry.
    fn seen_from(&self, now: Timestamp, before: Timestamp) -> Timestamp {
        let age_ms = before.since_ms(self.at).max(0).saturating_add(AGES_AT_MOST_MS);
        self.at.max(now.plus_ms(age_ms.saturating_neg()))
    }

    /// Whether it counts towards its card's limit.
    fn is_recent(&self, now: Timestamp, before: Timestamp) -> bool {
        now.since_ms(self.seen_from(now, before)) < CARD_WINDOW_MS
    }
}

/// An advice that the host has not acknowledged.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Waiting {
    advice: Advice,
    /// What it says was paid without the host, minor units.
    paid_offline: i64,
}

impl Book {
    /// The book of a whole journal, oldest entry first.
    ///
    /// # Errors
    /// [`Contradiction`] at the first entry that cannot follow what is before it: then nothing the journal says is to be
    /// acted on, and staff must look.
    pub fn read(entries: &[Entry]) -> Result<Self, Contradiction> {
        let mut book = Self::default();
        entries.iter().try_for_each(|entry| book.apply(entry))?;
        Ok(book)
    }

    /// The settings in force.
    #[must_use]
    pub const fn settings(&self) -> Option<&Settings> {
        self.settings.as_ref()
    }

    /// The hot list, and when it came or was last confirmed, by the terminal's clock.
    #[must_use]
    pub fn hot_list(&self) -> Option<(&HotList, Timestamp)> {
        self.hot_list.as_ref().map(|(list, since)| (list, *since))
    }

    /// Whether the hot list names this card, however old the list is.
    #[must_use]
    pub fn is_hot(&self, card: &CardReference) -> bool {
        self.hot_list.as_ref().is_some_and(|(list, _)| list.cards.contains(card))
    }

    /// The lease that came last, used up or not.
    #[must_use]
    pub fn lease(&self) -> Option<&Lease> {
        self.lease.as_ref().map(|held| &held.lease)
    }

    /// When the lease came, by the terminal's clock.
    #[must_use]
    pub fn lease_since(&self) -> Option<Timestamp> {
        self.lease.as_ref().map(|held| held.since)
    }

    /// Minor units of the lease that are used up or about to be: an open intent counts in full, so does whatever left a
    /// cassette (the dispenser reckons so too), and an approval's dispense uses up the lease whose nonce it takes.
    #[must_use]
    pub fn lease_used(&self) -> i64 {
        let Some(held) = &self.lease else { return 0 };
        let open = self.open_under_lease().filter(|(_, nonce)| *nonce == held.lease.nonce);
        held.used.saturating_add(open.map_or(0, |(intent, _)| intent.amount.minor()))
    }

    /// Minor units that the lease still allows, never negative; zero without one.
    #[must_use]
    pub fn lease_left(&self) -> i64 {
        self.lease().map_or(0, |lease| lease.amount.minor().saturating_sub(self.lease_used()).max(0))
    }

    /// Whether this present nonce of the lease was used already.
    #[must_use]
    pub fn is_present_nonce_used(&self, nonce: &Nonce) -> bool {
        self.lease.as_ref().is_some_and(|held| held.presents.contains(nonce))
    }

    /// What is known of a card.
    #[must_use]
    pub fn profile(&self, card: &CardReference) -> Option<&CardProfile> {
        self.cards.get(card)
    }

    /// Wrong PINs in a row, tried offline since the host last vouched for the card here.
    #[must_use]
    pub fn wrong_tries(&self, card: &CardReference) -> u8 {
        self.tries.get(card).copied().unwrap_or(0)
    }

    /// Minor units of offline cash that a card got in the last 24 hours, an open intent included. What bears a later time
    /// than `now` counts too: then the clock was set back. Set ahead, it makes cash an hour older at most.
    #[must_use]
    pub fn paid_to_card(&self, card: &CardReference, now: Timestamp) -> i64 {
        let recent = self.paid.iter().filter(|paid| paid.card == *card && paid.is_recent(now, self.clock));
        let open = self.open_under_lease().filter(|(intent, _)| intent.reference == *card);
        recent.map(|paid| paid.minor).chain(open.map(|(intent, _)| intent.amount.minor())).fold(0, i64::saturating_add)
    }

    /// Minor units of offline cash that the host has not acknowledged, an open intent included: what the machine paid in
    /// this outage. An outage ends by delivering what it brought, not by a line that flickers, nor by a restart.
    #[must_use]
    pub fn paid_in_outage(&self) -> i64 {
        let told = self.waiting.values().map(|waiting| waiting.paid_offline);
        let open = self.open_under_lease().map(|(intent, _)| intent.amount.minor());
        told.chain(open).fold(0, i64::saturating_add)
    }

    /// The withdrawal or deposit that has begun and not ended.
    #[must_use]
    pub const fn open(&self) -> Option<&Open> {
        self.open.as_ref()
    }

    /// The oldest advice that waits for the host.
    #[must_use]
    pub fn next_advice(&self) -> Option<&Advice> {
        let mut waiting = self.waiting.values();
        let next = if chosen(Mutant::NewestFirst) { waiting.next_back() } else { waiting.next() };
        next.map(|waiting| &waiting.advice)
    }

    /// All advices that wait, oldest first.
    pub fn advices(&self) -> impl Iterator<Item = &Advice> {
        self.waiting.values().map(|waiting| &waiting.advice)
    }

    /// How many advices wait.
    #[must_use]
    pub fn waiting(&self) -> u32 {
        u32::try_from(self.waiting.len()).unwrap_or(u32::MAX)
    }

    /// Whether this advice waits.
    #[must_use]
    pub fn is_waiting(&self, id: OperationId) -> bool {
        self.advices().any(|advice| advice.id == id)
    }

    /// The highest number of a host command that was carried out; zero: none.
    #[must_use]
    pub const fn carried_out(&self) -> u64 {
        self.carried_out
    }

    /// The exchange of cassettes that has begun and not ended.
    #[must_use]
    pub const fn replenishing(&self) -> Option<&Replenishing> {
        self.replenishing.as_ref()
    }

    /// Whether cassettes are being exchanged, or the host has not yet posted that they were.
    #[must_use]
    pub fn is_replenished(&self) -> bool {
        self.replenishing.is_some() || self.replenished().is_some()
    }

    /// The number of the exchange that was done and waits to be posted.
    #[must_use]
    pub fn replenished(&self) -> Option<u64> {
        self.advices().find_map(|advice| match advice.kind {
            AdviceKind::Replenished { number, .. } => Some(number),
            AdviceKind::Completed { .. }
            | AdviceKind::Reversed { .. }
            | AdviceKind::Suspect { .. }
            | AdviceKind::Deposited { .. }
            | AdviceKind::DepositUnclear { .. }
            | AdviceKind::OfflineWithdrawn { .. }
            | AdviceKind::StoredTransfer { .. }
            | AdviceKind::OfflineTries { .. }
            | AdviceKind::CardRetained { .. } => None,
        })
    }

    /// The availability that was last written down.
    #[must_use]
    pub const fn availability(&self) -> Option<Availability> {
        self.service
    }

    /// The number of the last entry; zero: none.
    #[must_use]
    pub const fn last(&self) -> u64 {
        self.last
    }

    /// The latest time that the clock has shown since the hot list came: an age cannot be told by a clock that shows less.
    #[must_use]
    pub const fn clock(&self) -> Timestamp {
        self.clock
    }

    /// The first entry to keep if [`Self::summary`] is written as the next record: that record itself. `None` as long as
    /// something is open or waits, or when nothing was written since the last summary.
    #[must_use]
    pub fn may_forget(&self) -> Option<u64> {
        let settled = self.open.is_none() && self.waiting.is_empty() && self.replenishing.is_none();
        let something = self.last > 0 && self.summed_up != Some(self.last);
        (settled && something).then_some(self.last.saturating_add(1))
    }

    /// Everything that still matters, as of `now`, given that nothing is open and nothing waits: cards whose verifier has
    /// expired and cash older than 24 hours are left out.
    #[must_use]
    pub fn summary(&self, now: Timestamp) -> Summary {
        let serves = |card: &&CardProfile| card.verifier.is_some_and(|verifier| now < verifier.until);
        let recent = |paid: &&Paid| paid.is_recent(now, self.clock);
        let held = self.lease.as_ref();
        Summary {
            settings: self.settings.clone(),
            hot_list: self.hot_list.clone(),
            lease: held.map(|held| held.lease.clone()),
            lease_since: held.map_or(Timestamp::EPOCH, |held| held.since),
            lease_used: held.map_or(0, |held| held.used),
            lease_presents: held.map_or_else(Vec::new, |held| held.presents.iter().copied().collect()),
            cards: self.cards.values().filter(serves).cloned().collect(),
            tries: self.tries.iter().map(|(card, wrong)| (*card, *wrong)).collect(),
            paid: self.paid.iter().filter(recent).map(|paid| (paid.card, paid.at, paid.minor)).collect(),
            carried_out: self.carried_out,
            service: self.service,
            clock: self.clock,
        }
    }

    /// The open withdrawal under a lease, if there is one, and the lease's nonce.
    fn open_under_lease(&self) -> Option<(&Intent, Nonce)> {
        let Some(Open::Withdrawal(withdrawal)) = &self.open else { return None };
        match withdrawal.intent.leave {
            Leave::Lease { nonce } => Some((&withdrawal.intent, nonce)),
            Leave::Host { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests;
