//! What happened: events for customers, and the audit trail of security events for the operator. Both hold ids, never
//! personal data.

use crate::id::{AccountNumber, CardId, CustomerId, MachineId, NotAnId, OperatorId, TransferId};
use crate::money::Amount;
use crate::time::Timestamp;

macro_rules! names {
    ($(#[$outer:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $text:literal),* $(,)? }) => {
        $(#[$outer])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum $name { $($(#[$doc])* $variant),* }

        impl $name {
            /// Every one of them.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// Its name outside and in the database.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $text),* }
            }

            /// Reads [`Self::name`] back.
            ///
            /// # Errors
            /// [`NotAnId`] for any other text.
            pub fn parse(name: &str) -> Result<Self, NotAnId> {
                match name { $($text => Ok(Self::$variant),)* _ => Err(NotAnId) }
            }
        }
    };
}

names! {
    /// What happened to a customer.
    EventKind {
        /// A session began.
        LoggedIn = "log_in",
        /// A session was ended by its holder.
        LoggedOut = "log_out",
        /// Too many wrong PINs: blocked for a while.
        CardBlocked = "card_blocked",
        /// Too many blocks: locked until staff unlock.
        CardLocked = "card_locked",
        /// Staff lifted a block or lock.
        CardUnblocked = "card_unblocked",
        /// A card was made.
        CardIssued = "card_issued",
        /// A card was reported lost or stolen.
        CardReported = "card_reported",
        /// A card was withdrawn by staff.
        CardRemoved = "card_removed",
        /// A PIN was changed by its holder or reset by staff.
        PinChanged = "pin_changed",
        /// A password was changed.
        PasswordChanged = "password_changed",
        /// Name or address data was changed.
        ProfileChanged = "profile_changed",
        /// An account was opened.
        AccountOpened = "account_opened",
        /// An account was closed.
        AccountClosed = "account_closed",
        /// A balance was asked for.
        BalanceRead = "balance",
        /// Cash was paid, or promised by a terminal.
        Withdrawal = "withdrawal",
        /// Cash was taken in.
        Deposit = "deposit",
        /// Money came from another account.
        TransferIn = "transfer_in",
        /// Money went to another account.
        TransferOut = "transfer_out",
        /// A fee was taken.
        Fee = "fee",
        /// Money came back.
        Reversal = "reversal",
        /// A withdrawal became a case.
        Suspect = "suspect",
        /// A limit, the funds or the machine stood in the way.
        Refused = "refused",
        /// Cash that was paid without asking overdrew the account.
        Overdrawn = "overdrawn",
        /// A deposit waits for staff.
        DepositHeld = "deposit_held",
        /// A machine kept the card.
        CardRetained = "card_retained",
    }
}

/// One event of a customer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Event {
    /// Whose.
    pub customer: CustomerId,
    /// 1, 2, 3 … without gaps within the customer.
    pub number: u64,
    /// What happened.
    pub kind: EventKind,
    /// When.
    pub at: Timestamp,
    /// The particulars.
    pub about: About,
}

/// The particulars of an event; whatever applies.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct About {
    /// The customer's account.
    pub account: Option<AccountNumber>,
    /// How much.
    pub amount: Option<Amount>,
    /// The transfer.
    pub transfer: Option<TransferId>,
    /// Where.
    pub machine: Option<MachineId>,
    /// With which card.
    pub card: Option<CardId>,
    /// The code of the refusal.
    pub code: Option<&'static str>,
}

/// Who did something that the audit trail remembers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Actor {
    /// Somebody not (yet) known.
    Unknown,
    /// A customer.
    Customer(CustomerId),
    /// A member of staff.
    Operator(OperatorId),
    /// A machine.
    Machine(MachineId),
    /// Who runs the host, at its command line.
    Console,
}

names! {
    /// What the audit trail remembers.
    AuditKind {
        /// A log-in with a wrong or unknown card number or PIN.
        CardLogInFailed = "card_log_in_failed",
        /// A log-in with a wrong or unknown email or password.
        OnlineLogInFailed = "online_log_in_failed",
        /// A log-in of staff that failed.
        OperatorLogInFailed = "operator_log_in_failed",
        /// A log-in of staff.
        OperatorLoggedIn = "operator_logged_in",
        /// A log-in refused because of too many tries.
        LogInThrottled = "log_in_throttled",
        /// A card (or an unknown number) was blocked.
        Blocked = "blocked",
        /// A card (or an unknown number) was locked.
        Locked = "locked",
        /// Staff lifted a block or lock.
        Unblocked = "unblocked",
        /// A card was reported lost or stolen.
        CardReported = "card_reported",
        /// A card was made.
        CardIssued = "card_issued",
        /// A card was withdrawn.
        CardRemoved = "card_removed",
        /// A PIN was changed or reset.
        PinChanged = "pin_changed",
        /// A password was changed.
        PasswordChanged = "password_changed",
        /// A customer was made by staff or signed up.
        CustomerCreated = "customer_created",
        /// A machine or counter was made.
        MachineCreated = "machine_created",
        /// A machine was changed.
        MachineChanged = "machine_changed",
        /// A machine was replenished.
        Replenished = "replenished",
        /// A terminal's replenishment was ordered, or its count given.
        ReplenishmentOrdered = "replenishment_ordered",
        /// Policy values were changed.
        PolicyChanged = "policy_changed",
        /// A member of staff was added.
        OperatorAdded = "operator_added",
        /// A case was resolved.
        CaseResolved = "case_resolved",
        /// A case was opened.
        CaseOpened = "case_opened",
        /// What a terminal told could not be taken.
        AdviceRefused = "advice_refused",
        /// Cash that was paid without asking overdrew an account.
        Overdrawn = "overdrawn",
        /// Cash went out by a card that was reported before anybody could keep it inside.
        PaidToReported = "paid_to_reported",
        /// A machine kept a card.
        CardRetained = "card_retained",
        /// A terminal was enrolled.
        TerminalEnrolled = "terminal_enrolled",
        /// A new enrolment code was made for a terminal.
        EnrolmentIssued = "enrolment_issued",
        /// A terminal's secrets were kept.
        TerminalKeysKept = "terminal_keys_kept",
        /// A terminal's journal did not continue what was known of it.
        JournalDoubted = "journal_doubted",
        /// Staff took a terminal's journal as it is.
        JournalAccepted = "journal_accepted",
    }
}

/// One record of the audit trail.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AuditRecord {
    /// Who.
    pub actor: Actor,
    /// What.
    pub kind: AuditKind,
    /// To what: an id, never a card number, email or name.
    pub subject: String,
    /// The particulars, for people; nothing secret.
    pub detail: String,
    /// When.
    pub at: Timestamp,
}
