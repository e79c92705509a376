//! Answers: what was done, or why not. A refusal is a normal answer, recorded and repeatable.

use crate::currency::Currency;
use crate::id::{AccountNumber, CardId, CaseId, CustomerId, MachineId, OperatorId, TransferId};
use crate::money::Amount;
use crate::session::Session;
use crate::time::Timestamp;

/// What a command came to.
pub type Outcome = Result<Done, Refusal>;

/// What was done.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Done {
    /// Cash was paid or promised.
    Withdrawn(Receipt),
    /// Cash was taken in.
    Deposited(Receipt),
    /// Money went from account to account.
    Transferred(TransferReceipt),
    /// A balance, as of now.
    Balance(Balance),
    /// A session began.
    LoggedIn(Session),
    /// A customer signed up; a session began.
    SignedUp {
        /// The customer's session.
        session: Session,
        /// The customer's first account.
        account: AccountNumber,
    },
    /// Staff made a customer.
    CustomerCreated {
        /// Who.
        customer: CustomerId,
        /// Their accounts, in the order asked for.
        accounts: Vec<AccountNumber>,
    },
    /// An account was opened.
    AccountOpened(AccountNumber),
    /// A card was made.
    CardIssued(CardId),
    /// A machine or counter was made.
    MachineCreated(MachineId),
    /// A member of staff was added.
    OperatorAdded(OperatorId),
    /// A machine was replenished.
    Replenished(Replenished),
    /// A terminal was told to exchange its cassettes.
    ReplenishmentOrdered {
        /// Which terminal.
        machine: MachineId,
        /// The number of the order there.
        number: u64,
    },
    /// Policy values were changed; the new version.
    PolicyChanged(u32),
    /// An approved withdrawal was settled or reversed.
    Settled(Settlement),
    /// It became a case.
    CaseOpened(CaseId),
    /// A case that is about no withdrawal was resolved.
    CaseResolved(CaseId),
    /// A stored transfer was refused, for good.
    Declined(Box<Refusal>),
    /// Done; there is nothing to tell.
    Changed,
}

/// A withdrawal or deposit, as the customer is told.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Receipt {
    /// Its transaction.
    pub transaction: TransferId,
    /// The customer's account.
    pub account: AccountNumber,
    /// How much cash.
    pub amount: Amount,
    /// Overdraft fee, often zero.
    pub fee: Amount,
    /// Balance afterwards, fee included.
    pub balance: Amount,
    /// When.
    pub at: Timestamp,
    /// What a machine of kind `api` is to hand over: denomination (minor units) and count.
    pub notes: Vec<(i64, u32)>,
}

/// A transfer between customers' accounts, as its sender is told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TransferReceipt {
    /// Its transaction.
    pub transaction: TransferId,
    /// From.
    pub source: AccountNumber,
    /// To.
    pub target: AccountNumber,
    /// How much.
    pub amount: Amount,
    /// The source's balance afterwards.
    pub source_balance: Amount,
    /// The target's balance afterwards, if it is the same customer's.
    pub target_balance: Option<Amount>,
    /// When.
    pub at: Timestamp,
}

/// An account's balance.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Balance {
    /// The account.
    pub account: AccountNumber,
    /// What it holds.
    pub balance: Amount,
    /// When.
    pub at: Timestamp,
}

/// The count of a machine's cash against its ledger.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Replenished {
    /// The machine.
    pub machine: MachineId,
    /// What it holds now.
    pub cash: Amount,
    /// Counted less expected: negative = short, positive = over.
    pub difference: Amount,
}

/// How an approved withdrawal ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Settlement {
    /// The approval.
    pub withdrawal: TransferId,
    /// What was paid in the end.
    pub paid: Amount,
    /// What went back to the customer, fee included.
    pub returned: Amount,
}

/// Why not. The order of checks is that of the interface's contract, not of this list.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// The session has ended.
    SessionExpired,
    /// Unknown card, email or operator, or wrong PIN or password.
    WrongCredentials,
    /// This session may not do that.
    Forbidden,
    /// Cash moves only with the credential of the place where it stands.
    ChannelRequired,
    /// No such account, or not this customer's.
    AccountNotFound,
    /// No such withdrawal or transaction.
    TransactionNotFound,
    /// No such machine.
    AtmNotFound,
    /// No such card or customer.
    NotFound,
    /// The account's currency cannot have this amount.
    InvalidAmount,
    /// A field is out of place in this request.
    InvalidRequest {
        /// Which one, as the interface names it.
        field: &'static str,
    },
    /// Somebody has this email address.
    EmailTaken,
    /// Something has this machine id.
    AtmIdTaken,
    /// A card has this number.
    CardNumberTaken,
    /// More than the account covers.
    InsufficientFunds {
        /// What would be covered now.
        available: Amount,
    },
    /// More than one withdrawal may pay.
    OverTransactionLimit {
        /// What one may.
        limit: Amount,
    },
    /// More than the day's limit leaves.
    DailyLimitExceeded {
        /// What it leaves.
        remaining: Amount,
    },
    /// More than may be deposited now.
    OverDepositLimit {
        /// What may.
        limit: Amount,
    },
    /// The machine does not hold that much.
    AtmOutOfCash,
    /// The machine's notes cannot make the amount.
    AmountNotDispensable {
        /// The nearest amounts that they can, below and above.
        nearest: Vec<Amount>,
    },
    /// The machine is switched off.
    AtmInactive,
    /// The session, or the credential, is of another machine.
    AtmMismatch,
    /// Cash moves at this machine only through its own terminal.
    TerminalOnly,
    /// The card's time is over.
    CardExpired,
    /// The card was reported stolen.
    CardStolen,
    /// The card was reported lost.
    CardLost,
    /// The account is closed.
    AccountClosed,
    /// Money is left on the account, or owed.
    AccountNotEmpty,
    /// Source and target are one account.
    SameAccount,
    /// The accounts, or account and machine, have different currencies.
    CurrencyMismatch,
    /// The key was used for something else.
    IdempotencyKeyReused,
    /// Too many wrong PINs.
    CardBlocked {
        /// Until when; none: until staff unlock the card.
        until: Option<Timestamp>,
    },
    /// Too many tries.
    TooManyRequests {
        /// Seconds to wait.
        retry_after_s: u32,
    },
    /// The terminal has not carried out the replenishment that was ordered and counted before.
    ReplenishmentOpen,
    /// The withdrawal was reversed before it was asked for, or is settled already.
    Reversed,
    /// What was read before the queue has moved; to be asked again with what is true now.
    Moved,
    /// A freshly made number belongs to something already; to be asked again with another.
    NumberTaken,
}

impl Refusal {
    /// Whether the refusal is an answer to keep: asked again under the same key, it stays. (Those that the interface
    /// answers with 422; what is malformed, unauthenticated, blocked or throttled is decided anew.)
    #[must_use]
    pub const fn is_recorded(&self) -> bool {
        match self {
            Self::InsufficientFunds { .. }
            | Self::OverTransactionLimit { .. }
            | Self::DailyLimitExceeded { .. }
            | Self::OverDepositLimit { .. }
            | Self::AtmOutOfCash
            | Self::AmountNotDispensable { .. }
            | Self::AtmInactive
            | Self::AtmMismatch
            | Self::TerminalOnly
            | Self::CardExpired
            | Self::CardStolen
            | Self::CardLost
            | Self::AccountClosed
            | Self::AccountNotEmpty
            | Self::SameAccount
            | Self::CurrencyMismatch
            | Self::Reversed => true,
            Self::SessionExpired
            | Self::WrongCredentials
            | Self::Forbidden
            | Self::ChannelRequired
            | Self::AccountNotFound
            | Self::TransactionNotFound
            | Self::AtmNotFound
            | Self::NotFound
            | Self::InvalidAmount
            | Self::InvalidRequest { .. }
            | Self::EmailTaken
            | Self::AtmIdTaken
            | Self::CardNumberTaken
            | Self::IdempotencyKeyReused
            | Self::CardBlocked { .. }
            | Self::TooManyRequests { .. }
            | Self::ReplenishmentOpen
            | Self::Moved
            | Self::NumberTaken => false,
        }
    }

    /// The refusal's name outside, as the interface's contract lists it.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::SessionExpired => "session_expired",
            Self::WrongCredentials => "wrong_credentials",
            Self::Forbidden => "forbidden",
            Self::ChannelRequired => "channel_required",
            Self::AccountNotFound => "account_not_found",
            Self::TransactionNotFound => "transaction_not_found",
            Self::AtmNotFound => "atm_not_found",
            Self::NotFound => "not_found",
            Self::InvalidAmount => "invalid_amount",
            Self::InvalidRequest { .. } => "invalid_request",
            Self::EmailTaken => "email_taken",
            Self::AtmIdTaken => "atm_id_taken",
            Self::CardNumberTaken => "card_number_taken",
            Self::InsufficientFunds { .. } => "insufficient_funds",
            Self::OverTransactionLimit { .. } => "over_transaction_limit",
            Self::DailyLimitExceeded { .. } => "daily_limit_exceeded",
            Self::OverDepositLimit { .. } => "over_deposit_limit",
            Self::AtmOutOfCash => "atm_out_of_cash",
            Self::AmountNotDispensable { .. } => "amount_not_dispensable",
            Self::AtmInactive => "atm_inactive",
            Self::AtmMismatch => "atm_mismatch",
            Self::TerminalOnly => "terminal_only",
            Self::CardExpired => "card_expired",
            Self::CardStolen => "card_stolen",
            Self::CardLost => "card_lost",
            Self::AccountClosed => "account_closed",
            Self::AccountNotEmpty => "account_not_empty",
            Self::SameAccount => "same_account",
            Self::CurrencyMismatch => "currency_mismatch",
            Self::IdempotencyKeyReused => "idempotency_key_reused",
            Self::CardBlocked { .. } => "card_blocked",
            Self::TooManyRequests { .. } => "too_many_requests",
            Self::ReplenishmentOpen => "replenishment_open",
            Self::Reversed => "reversed",
            Self::Moved | Self::NumberTaken => "internal",
        }
    }
}

/// Zero in `currency`; most receipts carry it as their fee.
#[must_use]
pub const fn no_fee(currency: Currency) -> Amount {
    Amount::new(0, currency)
}
