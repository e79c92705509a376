//! What a terminal's journal holds. From its records alone, and the devices' word, a terminal knows after any crash what
//! it owes. No card number, PIN or key is ever in it.

use crate::currency::Currency;
use crate::id::{AccountNumber, CardId, SessionId};
use crate::mix::Notes;
use crate::money::Amount;
use crate::time::Timestamp;

use super::device::{CardReference, Counters, DispenseId, Nonce};
use super::link::{AccountLine, Advice, Approved, Availability, Lease, OfflineVerifier, OperationId};
use super::settings::{HotList, Settings};

/// A record in its place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// 1, 2, 3 … without gaps.
    pub n: u64,
    /// When it was written, by the terminal's clock.
    pub at: Timestamp,
    /// What.
    pub record: Record,
}

/// One thing that is so, or is about to be done.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Record {
    /// The program began, with a number that no earlier start had.
    Begun {
        /// The number.
        nonce: u64,
    },
    /// The host's settings, in force from here.
    Settings(Settings),
    /// The host's hot list.
    HotList(HotList),
    /// The host said again that the hot list here is the newest: it counts as fresh from here.
    HotListConfirmed {
        /// Its version; of any other list nothing is said.
        version: u64,
    },
    /// A lease to pay cash while the host is away; takes the place of an earlier one.
    Lease(Lease),
    /// What is known of a card that was served here.
    Card(CardProfile),
    /// Cash is about to be asked for, or (offline) paid.
    Intent(Intent),
    /// The host approved.
    Approved {
        /// The intent.
        id: OperationId,
        /// How.
        approved: Approved,
    },
    /// The host refused, or the customer gave up before anything was asked, or counted notes were given back: nothing
    /// is owed.
    Dropped {
        /// The intent or deposit.
        id: OperationId,
    },
    /// The dispenser is about to be told to move notes.
    Dispensing {
        /// The intent.
        id: OperationId,
        /// What the dispenser's counters say before.
        before: Counters,
        /// The dispense, as the device will name it.
        dispense: DispenseId,
        /// The host's nonce for the device's signed word.
        present_nonce: Option<Nonce>,
    },
    /// The notes are on the stacker and are about to be put within reach.
    Presenting {
        /// The intent.
        id: OperationId,
    },
    /// The card is stuck while notes lie on the stacker: nothing of this withdrawal goes back by itself, whatever the
    /// devices say later (transaction reversal fraud).
    CardJammed {
        /// The intent.
        id: OperationId,
    },
    /// The acceptor is about to take a customer's notes, not yet counted.
    Depositing {
        /// The deposit.
        id: OperationId,
        /// Whose card.
        card: CardId,
        /// To which account.
        account: AccountNumber,
        /// In which currency the acceptor counts.
        currency: Currency,
    },
    /// The acceptor failed when it may have held notes that it had not counted. Whoever clears it takes them out, and then
    /// nothing shows that they were there: whatever it says later, this deposit does not end without a case.
    NotesJammed {
        /// The deposit.
        id: OperationId,
    },
    /// Counted notes are about to be stored.
    Storing {
        /// The deposit.
        id: OperationId,
        /// Whose card.
        card: CardId,
        /// To which account.
        account: AccountNumber,
        /// What was counted.
        notes: Notes,
        /// Its sum.
        amount: Amount,
    },
    /// Something happened that the host must know. It ends the intent or deposit that it names, and waits until it is
    /// acknowledged.
    Advice(Advice),
    /// The host has recorded an advice.
    Acknowledged {
        /// Which.
        id: OperationId,
    },
    /// The host refused an advice for good: staff have it now.
    Escalated {
        /// Which.
        id: OperationId,
        /// The refusal's code.
        code: String,
    },
    /// A wrong PIN was tried offline; a right one, or the host's word, sets it back.
    OfflineTry {
        /// Which card.
        card: CardReference,
        /// How many wrong ones in a row.
        wrong: u8,
    },
    /// A host command was carried out.
    CarriedOut {
        /// Its number.
        number: u64,
    },
    /// The machine went out of service, or came back, by staff or by its own judgement.
    Availability {
        /// Whether it serves.
        service: Availability,
    },
    /// Cassettes are about to be exchanged. The machine serves nobody until it has told the host that it is done.
    Replenishing {
        /// Number of the order.
        number: u64,
        /// The dispenser's counters as the exchange began, once they are read.
        found: Option<Counters>,
    },
    /// Everything that still matters of what came before, when that was dropped from the journal.
    Summary(Box<Summary>),
}

/// What is known of a card that was served here while the host was there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CardProfile {
    /// Which card.
    pub reference: CardReference,
    /// The host's name for it.
    pub card: CardId,
    /// The holder's name.
    pub name: String,
    /// Its accounts with their balances as of `at`.
    pub accounts: Vec<AccountLine>,
    /// What its PIN is compared with offline.
    pub verifier: Option<OfflineVerifier>,
    /// When.
    pub at: Timestamp,
}

/// Cash that a customer wants.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Intent {
    /// The operation.
    pub id: OperationId,
    /// Whose card.
    pub card: CardId,
    /// The same card, as the terminal names it.
    pub reference: CardReference,
    /// From which account.
    pub account: AccountNumber,
    /// How much.
    pub amount: Amount,
    /// Notes to pay, by cassette position.
    pub notes: Vec<u32>,
    /// By whose leave.
    pub leave: Leave,
}

/// By whose leave cash is paid.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Leave {
    /// The host is asked.
    Host {
        /// Under which session.
        session: SessionId,
    },
    /// The host is away: under a lease.
    Lease {
        /// The dispenser's nonce that it is for.
        nonce: Nonce,
    },
}

/// What a journal whose beginning was dropped starts with.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Summary {
    /// The settings in force.
    pub settings: Option<Settings>,
    /// The hot list, and when it came.
    pub hot_list: Option<(HotList, Timestamp)>,
    /// The lease.
    pub lease: Option<Lease>,
    /// When it came, by the terminal's clock.
    pub lease_since: Timestamp,
    /// What of it is used up, minor units.
    pub lease_used: i64,
    /// Which of its present nonces are used.
    pub lease_presents: Vec<Nonce>,
    /// Cards with a verifier that still serves.
    pub cards: Vec<CardProfile>,
    /// Wrong PINs in a row.
    pub tries: Vec<(CardReference, u8)>,
    /// Offline cash per card of the last 24 hours: card, when, minor units.
    pub paid: Vec<(CardReference, Timestamp, i64)>,
    /// The last host command that was carried out.
    pub carried_out: u64,
    /// The availability that was last written down.
    pub service: Option<Availability>,
    /// The latest time that the terminal's clock has shown since the hot list came.
    pub clock: Timestamp,
}
