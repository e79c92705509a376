//! Worlds that the terminal's tests begin with: a journal to write, settings, a lease, cards, counters.
//!
//! Money is dollars; the dispenser has two cassettes, twenties and fifties.

use crate::account::Product;
use crate::currency::Currency;
use crate::id::{AccountNumber, CardId, SessionId, TransferId};
use crate::money::Amount;
use crate::time::Timestamp;

use super::book::{Book, Contradiction};
use super::device::{Accuracy, CardReference, CassetteCounters, Counters, DispenseToken, Nonce, Usable, Way};
use super::link::{
    AccountLine, Advice, AdviceKind, Approved, Evidence, Lease, Movement, OfflineOutcome, OfflineVerifier, OperationId,
};
use super::record::{CardProfile, Entry, Intent, Leave, Record};
use super::settings::{
    HotList, Mix, OfflineBalance, OfflineDeposit, OfflineLimits, OfflineTransfer, OfflineWithdrawal, PartitionPolicy,
    Settings,
};

/// When the samples begin.
pub(crate) const START: Timestamp = Timestamp::from_micros(1_780_000_000_000_000);

/// Whole dollars.
pub(crate) const fn usd(dollars: i64) -> Amount {
    Amount::new(dollars * 100, Currency::USD)
}

/// A card's reference.
pub(crate) const fn card(number: u8) -> CardReference {
    [number; 32]
}

/// A nonce.
pub(crate) const fn nonce(number: u8) -> Nonce {
    Nonce([number; 16])
}

/// A token whose dispense is called by this number.
pub(crate) fn token(number: u8) -> DispenseToken {
    DispenseToken(format!("HMACSHA256={}", format!("{number:02X}").repeat(32)))
}

/// Everything is offered offline: 300 a card, 500 an outage, a hot list of at most an hour.
pub(crate) const GENEROUS: PartitionPolicy = PartitionPolicy {
    balance: OfflineBalance::Stale,
    deposit: OfflineDeposit::Store,
    transfer: OfflineTransfer::Store,
    withdrawal: OfflineWithdrawal::Limited(OfflineLimits {
        per_card: usd(300),
        per_outage: usd(500),
        hot_list_age_s: 3_600,
        lease: usd(1_000),
    }),
};

/// Settings with this policy.
pub(crate) fn settings(partition: PartitionPolicy) -> Settings {
    Settings {
        version: 1,
        currency: Currency::USD,
        partition,
        most_notes: 40,
        withdrawal_limit: usd(250),
        deposit_limit: usd(2_000),
        mix: Mix::Least,
        fast_cash: vec![usd(20), usd(100)],
        most_errors: 3,
        customer_s: 30,
        taking_s: 20,
    }
}

/// A hot list of these cards.
pub(crate) fn hot_list(version: u64, cards: &[u8]) -> HotList {
    HotList { version, as_of: START, cards: cards.iter().copied().map(card).collect() }
}

/// A lease of 1,000 dollars for the nonce `number`, until 12 hours after the start, with five present nonces.
pub(crate) fn lease(number: u8) -> Lease {
    Lease {
        nonce: nonce(number),
        token: token(number),
        amount: usd(1_000),
        until: START.plus_s(12 * 3_600),
        present_nonces: (1..=5).map(|use_of| nonce(number.wrapping_mul(8).wrapping_add(use_of))).collect(),
    }
}

/// The account of a card.
pub(crate) const fn account(number: u8) -> AccountNumber {
    AccountNumber::new(1_000_000_000 + number as u64)
}

/// A card that was served at `at`, its verifier good for seven days.
pub(crate) fn profile(number: u8, at: Timestamp) -> CardProfile {
    CardProfile {
        reference: card(number),
        card: CardId::new(i64::from(number)),
        name: "A. Customer".to_owned(),
        accounts: vec![AccountLine { account: account(number), product: Product::Checking, balance: usd(700) }],
        verifier: Some(OfflineVerifier {
            salt: [number; 32],
            verifier: [number.wrapping_add(100); 32],
            until: at.plus_s(7 * 86_400),
        }),
        at,
    }
}

/// By the host's leave.
pub(crate) const fn host() -> Leave {
    Leave::Host { session: SessionId::new(1) }
}

/// By the lease for this nonce.
pub(crate) const fn under(number: u8) -> Leave {
    Leave::Lease { nonce: nonce(number) }
}

/// Operation `id`: 90 dollars for card 1, two twenties and a fifty.
pub(crate) fn intent(id: u128, leave: Leave) -> Intent {
    Intent {
        id: OperationId(id),
        card: CardId::new(1),
        reference: card(1),
        account: account(1),
        amount: usd(90),
        notes: vec![2, 1],
        leave,
    }
}

/// An approval of operation `id`.
pub(crate) fn approved(id: u128) -> Approved {
    Approved {
        id: OperationId(id),
        transaction: TransferId::new(id),
        fee: usd(0),
        balance: usd(610),
        token: token(200),
        present_nonce: nonce(201),
    }
}

/// Counters of 1,000 twenties and 1,000 fifties of which none left.
pub(crate) fn counters() -> Counters {
    let cassette = |denomination| CassetteCounters {
        denomination,
        currency: Currency::USD,
        initial: 1_000,
        out: 0,
        presented: 0,
        rejected: 0,
        unknown: 0,
        usable: Usable::Yes,
        accuracy: Accuracy::Accurate,
    };
    Counters {
        cassettes: vec![cassette(2_000), cassette(5_000)],
        rejected: Vec::new(),
        retracted: Vec::new(),
        retract_operations: 0,
        way: Way::Clear,
    }
}

/// The notes of [`intent`], all of them paid.
pub(crate) fn all_paid() -> Movement {
    Movement { dispensed: vec![2, 1], rejected: 0, retracted: 0 }
}

/// An advice without a nonce.
pub(crate) const fn advice(id: u128, kind: AdviceKind) -> Advice {
    Advice { id: OperationId(id), at: START, kind, nonce: None }
}

/// The advice that ends the lease withdrawal `id` of [`intent`].
pub(crate) fn withdrawn(id: u128, lease: u8, outcome: OfflineOutcome) -> Advice {
    let intent = intent(id, under(lease));
    let kind = AdviceKind::OfflineWithdrawn {
        card: intent.card,
        account: intent.account,
        amount: intent.amount,
        lease: nonce(lease),
        outcome,
        evidence: Evidence::default(),
    };
    advice(id, kind)
}

/// The advice `id` that ends the approved withdrawal `original` as paid.
pub(crate) fn completed(id: u128, original: u128) -> Advice {
    let original = OperationId(original);
    advice(id, AdviceKind::Completed { original, moved: all_paid(), evidence: Evidence::default() })
}

/// Records of a dispense about to begin.
pub(crate) fn dispensing(id: u128, present_nonce: Option<Nonce>) -> Record {
    Record::Dispensing { id: OperationId(id), before: counters(), dispense: [7; 32], present_nonce }
}

/// A journal that is written in a test, and the book of it.
#[derive(Clone, Debug)]
pub(crate) struct Journal {
    pub(crate) entries: Vec<Entry>,
    pub(crate) book: Book,
    pub(crate) now: Timestamp,
}

impl Journal {
    /// Nothing written.
    pub(crate) fn empty() -> Self {
        Self { entries: Vec::new(), book: Book::default(), now: START }
    }

    /// What a connected machine has: settings, hot list, lease 1, and card 1 served.
    pub(crate) fn usual() -> Self {
        let mut journal = Self::empty();
        journal.write(Record::Settings(settings(GENEROUS)));
        journal.write(Record::HotList(hot_list(1, &[66])));
        journal.write(Record::Lease(lease(1)));
        journal.write(Record::Card(profile(1, START)));
        journal
    }

    /// Writes and folds a record, or says why it contradicts.
    pub(crate) fn try_write(&mut self, record: Record) -> Result<(), Contradiction> {
        let entry = Entry { n: self.book.last() + 1, at: self.now, record };
        self.book.apply(&entry)?;
        self.entries.push(entry);
        Ok(())
    }

    /// Writes and folds a record.
    #[track_caller]
    pub(crate) fn write(&mut self, record: Record) {
        self.try_write(record).unwrap();
    }

    /// Time passes.
    pub(crate) fn wait_s(&mut self, seconds: i64) {
        self.now = self.now.plus_s(seconds);
    }

    /// Pays 90 dollars to card 1 under lease `number`, whole or as `outcome` says.
    #[track_caller]
    pub(crate) fn pay_offline(&mut self, id: u128, number: u8, outcome: OfflineOutcome) {
        self.write(Record::Intent(intent(id, under(number))));
        let lease = self.book.lease().cloned();
        let present =
            lease.and_then(|lease| lease.present_nonces.into_iter().find(|n| !self.book.is_present_nonce_used(n)));
        self.write(dispensing(id, present));
        self.write(Record::Presenting { id: OperationId(id) });
        self.write(Record::Advice(withdrawn(id, number, outcome)));
    }
}
