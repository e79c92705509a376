//! What a terminal and its host say to each other. How it is written, signed and numbered is the wire's matter.

use crate::account::Product;
use crate::id::{AccountNumber, CardId, CaseId, SessionId, TransferId};
use crate::mix::Notes;
use crate::money::Amount;
use crate::outcome::{Balance, Refusal, TransferReceipt};
use crate::secret::Pan;
use crate::time::Timestamp;

use super::device::{
    CheckValue, Counters, DispenseToken, Failure, Filling, KeyBlock, Nonce, PinBlock, PresentState, Unit,
};
use super::settings::{HotList, Settings};

/// Names an operation of a terminal for ever: made and journalled before it is sent. The bank's request key is a digest of
/// the terminal's name and this.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct OperationId(pub u128);

/// 32 hexadecimal digits.
impl std::fmt::Display for OperationId {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{:032x}", self.0)
    }
}

/// What a terminal asks of its host.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Request {
    /// Begin a card's session.
    LogIn {
        /// The card.
        pan: Pan,
        /// Its PIN, enciphered by the pad.
        pin: PinBlock,
    },
    /// End it.
    LogOut {
        /// Which.
        session: SessionId,
    },
    /// Tell a balance.
    Balance {
        /// Who asks.
        session: SessionId,
        /// Of which account.
        account: AccountNumber,
    },
    /// Tell the last entries of an account.
    Statement {
        /// Who asks.
        session: SessionId,
        /// Of which account.
        account: AccountNumber,
    },
    /// Move money.
    Transfer {
        /// The operation.
        id: OperationId,
        /// Who asks.
        session: SessionId,
        /// From.
        source: AccountNumber,
        /// To.
        target: AccountNumber,
        /// How much.
        amount: Amount,
    },
    /// Change the card's PIN.
    ChangePin {
        /// Who asks.
        session: SessionId,
        /// The card.
        pan: Pan,
        /// The PIN so far.
        old: PinBlock,
        /// The PIN to be.
        new: PinBlock,
        /// The PIN to be, entered once more. Blocks of one PIN never look alike and the pad forgets the PIN with each, so
        /// it is the host that compares; two that differ are refused as `InvalidRequest` of the field `repeat`.
        repeat: PinBlock,
    },
    /// Leave to pay cash.
    Approve {
        /// The operation; completion, reversal or suspicion will name it.
        id: OperationId,
        /// Who asks.
        session: SessionId,
        /// From which account.
        account: AccountNumber,
        /// How much.
        amount: Amount,
        /// What the dispenser holds as its nonce now.
        nonce: Nonce,
        /// Notes that will be paid, by cassette position.
        notes: Vec<u32>,
    },
    /// What already happened.
    Advice(Box<Advice>),
    /// A sign of life.
    Heartbeat(Box<Heartbeat>),
}

/// Something that happened at the machine. The host takes it whatever it is, once.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Advice {
    /// Its own name.
    pub id: OperationId,
    /// When, by the terminal's clock.
    pub at: Timestamp,
    /// What.
    pub kind: AdviceKind,
    /// The dispenser's fresh nonce, for the next lease.
    pub nonce: Option<Nonce>,
}

/// What happened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum AdviceKind {
    /// An approved withdrawal was paid in full.
    Completed {
        /// The approval.
        original: OperationId,
        /// Where the notes went.
        moved: Movement,
        /// What the device says.
        evidence: Evidence,
    },
    /// An approved withdrawal, or one whose approval never came, was not paid, or only in part.
    Reversed {
        /// The approval.
        original: OperationId,
        /// Where the notes went; what was paid follows from it.
        moved: Movement,
        /// Why.
        reason: ReverseReason,
        /// What the device says.
        evidence: Evidence,
    },
    /// Nobody knows whether an approved withdrawal was paid.
    Suspect {
        /// The approval.
        original: OperationId,
        /// What is known.
        evidence: Evidence,
    },
    /// Notes are in the deposit bin. `amount` is what they add up to.
    Deposited {
        /// Whose card.
        card: CardId,
        /// To which account.
        account: AccountNumber,
        /// The notes.
        notes: Notes,
        /// Their sum.
        amount: Amount,
    },
    /// A deposit of which nobody knows what became of the notes: nothing posts, a case is opened.
    DepositUnclear {
        /// Whose card.
        card: CardId,
        /// To which account.
        account: AccountNumber,
        /// What had been counted.
        counted: Notes,
        /// Its sum.
        amount: Amount,
    },
    /// Cash was paid without asking the host. It must post.
    OfflineWithdrawn {
        /// Whose card.
        card: CardId,
        /// From which account.
        account: AccountNumber,
        /// What was to be paid.
        amount: Amount,
        /// By the right of which lease.
        lease: Nonce,
        /// What became of it.
        outcome: OfflineOutcome,
        /// What the device says.
        evidence: Evidence,
    },
    /// A transfer that a customer asked for while the host was away. It may be refused.
    StoredTransfer {
        /// Whose card.
        card: CardId,
        /// From.
        source: AccountNumber,
        /// To.
        target: AccountNumber,
        /// How much.
        amount: Amount,
    },
    /// Wrong PINs that were tried offline.
    OfflineTries {
        /// Whose card.
        card: CardId,
        /// How many.
        wrong: u8,
    },
    /// The machine kept a card.
    CardRetained {
        /// Whose, if known.
        card: Option<CardId>,
    },
    /// The cassettes were exchanged as staff ordered.
    Replenished {
        /// Number of the order.
        number: u64,
        /// The dispenser's counters as the exchange began …
        found: Counters,
        /// … and since it ended.
        left: Counters,
    },
}

/// Where the notes of a dispense went. All counted; what is unknown is no movement but a suspicion.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Movement {
    /// Notes that left the cassettes, by position.
    pub dispensed: Vec<u32>,
    /// … of these, the value in the reject bin now, minor units.
    pub rejected: i64,
    /// … of these, the value in the retract bin now, minor units.
    pub retracted: i64,
}

/// What is known of a dispense besides its outcome.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Evidence {
    /// What the device says of the notes' being within reach.
    pub present: Option<PresentState>,
    /// The device's signed word, made for the host's nonce.
    pub token: Option<String>,
    /// Notes that left each cassette by its own counters, if they could be read before and after.
    pub counters: Option<Vec<u32>>,
    /// What failed, if something did.
    pub failure: Option<Failure>,
}

/// Why a withdrawal was taken back (the words of ISO 8583 message reasons).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum ReverseReason {
    /// The customer gave up or left the card.
    CustomerCancelled,
    /// The approval did not come in time.
    LateResponse,
    /// The device did not pay.
    DeviceFailed,
    /// Only a part was taken.
    PartlyTaken,
    /// The terminal stopped in between.
    Restarted,
    /// The card was reported stolen in between.
    CardReported,
}

/// What became of an offline withdrawal.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum OfflineOutcome {
    /// Paid, in whole or (after a retract) in part: what was paid follows from where the notes went.
    Paid(Movement),
    /// The device cannot tell.
    Suspect,
}

/// A sign of life.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Heartbeat {
    /// Whether customers are served.
    pub service: Availability,
    /// What each device says of itself: none = it works.
    pub devices: Vec<(Unit, Option<Failure>)>,
    /// The dispenser's counters as last read.
    pub counters: Option<Counters>,
    /// Version of the settings that are in force here.
    pub settings: u64,
    /// Version of the hot list that is here.
    pub hot_list: u64,
    /// The dispenser's nonce, if it may serve for a lease.
    pub nonce: Option<Nonce>,
    /// Which PIN key the pad holds; none: none, as far as is known.
    pub pin_key: Option<CheckValue>,
    /// Advices that wait.
    pub waiting: u32,
    /// Host commands that were carried out, by number.
    pub carried_out: Vec<u64>,
    /// The replenishment for which the exchange is open: staff may take out and put in.
    pub exchange: Option<u64>,
}

/// Whether a terminal serves.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Availability {
    /// It does.
    In,
    /// It does not.
    Out,
}

/// What a host answers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Reply {
    /// A session began.
    LoggedIn(Box<LoggedIn>),
    /// A session ended.
    LoggedOut,
    /// A balance.
    Balance(Balance),
    /// The last entries, newest first.
    Statement(Vec<StatementLine>),
    /// Money moved.
    Transferred(TransferReceipt),
    /// The PIN is changed.
    PinChanged,
    /// Cash may be paid.
    Approved(Box<Approved>),
    /// The advice is recorded.
    Acknowledged(Box<Acknowledgement>),
    /// What the host has to tell.
    News(Box<News>),
    /// No.
    Refused(Refusal),
}

/// Why there is no answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LinkFailure {
    /// The host cannot be reached.
    Unreachable,
    /// No answer in time: the host may have done what it was asked for.
    TimedOut,
    /// The host is there and cannot serve now.
    Busy,
    /// The host does not accept this terminal's messages (its key, its numbering or its journal): staff must look.
    Rejected,
}

/// A session at this machine.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LoggedIn {
    /// The session.
    pub session: SessionId,
    /// The card's id.
    pub card: CardId,
    /// The holder's name.
    pub name: String,
    /// The card's accounts, the primary one first.
    pub accounts: Vec<AccountLine>,
    /// What lets this terminal serve this card without the host, if the policy has it.
    pub verifier: Option<OfflineVerifier>,
    /// What the customer is to be told: transfers that were stored and failed since.
    pub notices: Vec<Notice>,
}

/// An account that a card reaches.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AccountLine {
    /// Its number.
    pub account: AccountNumber,
    /// Its product.
    pub product: Product,
    /// Its balance as of the log-in.
    pub balance: Amount,
}

/// What is compared when a PIN is entered offline. Not shown in `Debug`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct OfflineVerifier {
    /// What the pad's block is to be mixed with.
    pub salt: [u8; 32],
    /// What must come out.
    pub verifier: [u8; 32],
    /// Until when it serves.
    pub until: Timestamp,
}

impl std::fmt::Debug for OfflineVerifier {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("OfflineVerifier").field("until", &self.until).finish_non_exhaustive()
    }
}

/// Something to tell a customer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Notice {
    /// A stored transfer was refused.
    TransferRefused {
        /// When it was asked for.
        at: Timestamp,
        /// How much.
        amount: Amount,
        /// To which account.
        target: AccountNumber,
        /// The refusal's code.
        code: String,
    },
}

/// A line of a mini-statement.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StatementLine {
    /// When.
    pub at: Timestamp,
    /// The entry's type, as the interface names it.
    pub kind: String,
    /// How much; negative: money that left.
    pub amount: Amount,
    /// The balance afterwards.
    pub balance: Amount,
}

/// Leave to pay cash.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Approved {
    /// The operation that it is for. An approval of another one is not obeyed.
    pub id: OperationId,
    /// The transaction, for the receipt.
    pub transaction: TransferId,
    /// Overdraft fee, often zero.
    pub fee: Amount,
    /// The balance afterwards.
    pub balance: Amount,
    /// What the dispenser obeys.
    pub token: DispenseToken,
    /// For the device's signed present status.
    pub present_nonce: Nonce,
}

/// An advice is recorded.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Acknowledgement {
    /// The case that was opened, if one was.
    pub case: Option<CaseId>,
    /// Why it was declined, if it was one that may be (a stored transfer).
    pub declined: Option<Refusal>,
    /// The next lease.
    pub lease: Option<Lease>,
}

/// Leave to pay cash up to an amount without asking, while the host is away.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Lease {
    /// The dispenser's nonce that it is for.
    pub nonce: Nonce,
    /// What the dispenser obeys.
    pub token: DispenseToken,
    /// Up to how much.
    pub amount: Amount,
    /// After that the terminal no longer uses it.
    pub until: Timestamp,
    /// For the device's signed present status, one for each use.
    pub present_nonces: Vec<Nonce>,
}

/// What the host has to tell.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct News {
    /// Settings newer than the terminal's.
    pub settings: Option<Settings>,
    /// A hot list newer than the terminal's, or the same one confirmed as of now.
    pub hot_list: Option<HotList>,
    /// A lease for the nonce that was told.
    pub lease: Option<Lease>,
    /// A key for the pad, when it holds another or none.
    pub pin_key: Option<KeyBlock>,
    /// What staff want of the machine.
    pub commands: Vec<HostCommand>,
    /// The replenishment that is ordered and not done.
    pub replenishment: Option<ReplenishmentOrder>,
}

/// Staff exchange the cassettes. It is told until the terminal has told that it is done.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ReplenishmentOrder {
    /// Its number; grows.
    pub number: u64,
    /// What staff put in; none: they are still at it, and the exchange stays open.
    pub filling: Option<Filling>,
}

/// A command of staff to a machine, carried out once.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HostCommand {
    /// Its number; grows.
    pub number: u64,
    /// What.
    pub kind: HostCommandKind,
}

/// What staff want of a machine.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HostCommandKind {
    /// Serve nobody.
    Close,
    /// Serve again.
    Open,
}
