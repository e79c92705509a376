//! The one table of everything that can go wrong: code, status, public text, what it means inside, who acts.

use cashpoint_core::outcome::Refusal;

/// Who can do something about it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Acts {
    /// Whoever wrote the program that calls.
    Developer,
    /// The customer, or the member of staff, whom the program serves.
    Person,
    /// The operator's staff.
    Staff,
    /// Whoever runs the host.
    Host,
    /// Nobody: the program tries again later.
    Retry,
}

impl Acts {
    /// For people.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Developer => "the program's developer",
            Self::Person => "the person it serves",
            Self::Staff => "the operator's staff",
            Self::Host => "whoever runs the host",
            Self::Retry => "nobody: try again later",
        }
    }
}

struct Entry {
    name: &'static str,
    status: u16,
    title: &'static str,
    detail: &'static str,
    meaning: &'static str,
    acts: Acts,
}

macro_rules! codes {
    ($($variant:ident = $status:literal $name:literal, $title:literal, $detail:literal, $meaning:literal, $acts:ident;)*) => {
        /// A code of the interface.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum Code { $(#[doc = $title] $variant),* }

        impl Code {
            /// Every code, by status.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            const fn entry(self) -> Entry {
                match self { $(Self::$variant => Entry {
                    name: $name, status: $status, title: $title, detail: $detail, meaning: $meaning, acts: Acts::$acts,
                }),* }
            }
        }
    };
}

codes! {
    InvalidRequest = 400 "invalid_request", "Invalid request", "The request does not have the form asked for.",
        "Not JSON, not UTF-8, or a field, parameter or header is missing, unknown, repeated or mistyped; `field` names it. A body that breaks off or does not come in time is answered so too, and its connection closed.", Developer;
    InvalidAmount = 400 "invalid_amount", "Invalid amount", "This is not an amount that the account's currency can have.",
        "Zero, negative, an exponent, more decimals than the currency has, or over 10^13 minor units.", Developer;
    InvalidAccountId = 400 "invalid_account_id", "Invalid account id", "An account id has 5 to 19 digits.",
        "Only the form was looked at.", Developer;
    Unauthenticated = 401 "unauthenticated", "Not logged in", "This needs the token of a session.",
        "No bearer token came along, or one that never began a session.", Developer;
    SessionExpired = 401 "session_expired", "Session ended", "The session has ended; log in again.",
        "Logged out, idle for too long, over its time, displaced by a newer log-in of the card or at the machine, its card reported, or its password changed.", Person;
    WrongCredentials = 401 "wrong_credentials", "Wrong credentials", "Card number and PIN, or name and password, do not match.",
        "Unknown and wrong are indistinguishable on purpose, in the answer and in the work done.", Person;
    Forbidden = 403 "forbidden", "Forbidden", "This session may not do that.",
        "A customer's token on a path for staff or the reverse, a role that lacks the right, a card session where an online one is needed, a foreign Host or Origin at the teller surface, or a message or enrolment that is no terminal's of ours: which of its parts is wrong is not told.", Developer;
    ChannelRequired = 403 "channel_required", "Channel credential required", "Cash moves only with the credential of the machine or counter where it stands.",
        "The `Cashpoint-Channel` header is missing or wrong, and the database is not a sandbox.", Developer;
    NotFound = 404 "not_found", "Not found", "There is nothing here.",
        "No such path, or no such card or customer.", Developer;
    AccountNotFound = 404 "account_not_found", "Account not found", "There is no such account within reach of this session.",
        "It does not exist, or belongs to somebody else, or the card does not reach it: the three are indistinguishable.", Person;
    TransactionNotFound = 404 "transaction_not_found", "Transaction not found", "There is no such transaction within reach of this session.",
        "It does not exist or concerns only accounts out of reach.", Person;
    AtmNotFound = 404 "atm_not_found", "Machine not found", "There is no such machine.",
        "No ATM or counter has this id.", Developer;
    MethodNotAllowed = 405 "method_not_allowed", "Method not allowed", "The path is right, the method is not; `Allow` lists those that are.",
        "Only the method was looked at.", Developer;
    EmailTaken = 409 "email_taken", "Email address taken", "A customer with this email address exists.",
        "The look-up index of the address exists.", Person;
    AtmIdTaken = 409 "atm_id_taken", "Machine id taken", "A machine or counter with this id exists.",
        "Machines and counters share their ids.", Person;
    CardNumberTaken = 409 "card_number_taken", "Card number taken", "A card with this number exists.",
        "The look-up index of the number exists, under the current or an older key.", Person;
    ReplenishmentOpen = 409 "replenishment_open", "Being replenished", "The terminal has not yet carried out the replenishment before.",
        "Its count is given; it posts when the terminal has told that the exchange is done.", Staff;
    BodyTooLarge = 413 "body_too_large", "Body too large", "A body has at most 65,536 bytes.",
        "Answered from the declared length alone, or once more than that has come; the connection is closed.", Developer;
    UnsupportedMediaType = 415 "unsupported_media_type", "Unsupported media type", "The body must be application/json.",
        "The `Content-Type` header is missing or names something else.", Developer;
    InsufficientFunds = 422 "insufficient_funds", "Insufficient funds", "The account does not cover this; `available` says what it would.",
        "Balance, and for checking accounts overdraft less fee, are less than the amount.", Person;
    OverTransactionLimit = 422 "over_transaction_limit", "Over the limit of one withdrawal", "One withdrawal may pay at most `limit`.",
        "The policy value `withdrawal_limit`.", Person;
    DailyLimitExceeded = 422 "daily_limit_exceeded", "Daily limit exceeded", "Today's limit leaves `remaining`.",
        "The policy value for the customer's day, over all accounts and cards, counted at approval.", Person;
    OverDepositLimit = 422 "over_deposit_limit", "Over the deposit limit", "At most `limit` would be taken now.",
        "The policy value for one deposit, or what the day's leaves.", Person;
    AtmOutOfCash = 422 "atm_out_of_cash", "Machine out of cash", "The machine does not hold that much.",
        "Its cassettes together are worth less than the amount.", Staff;
    AmountNotDispensable = 422 "amount_not_dispensable", "Amount not dispensable", "The machine's notes cannot make this amount; `nearest` lists amounts that they can.",
        "No mix of at most the allowed number of notes is exactly the amount.", Person;
    AtmInactive = 422 "atm_inactive", "Machine switched off", "The machine takes no commands now.",
        "Staff have set it inactive.", Staff;
    AtmMismatch = 422 "atm_mismatch", "Another machine", "The session or the channel credential belongs to another machine.",
        "A card session moves cash only where its card is.", Developer;
    TerminalOnly = 422 "terminal_only", "Only at the terminal", "Cash moves at this machine only through its own terminal.",
        "The machine is of kind `terminal`: cash moves in two steps over the terminal link.", Developer;
    CardExpired = 422 "card_expired", "Card expired", "The card's time is over.",
        "Its expiry has passed.", Person;
    CardStolen = 422 "card_stolen", "Card reported stolen", "The card was reported stolen.",
        "Reported by its holder or by staff.", Staff;
    CardLost = 422 "card_lost", "Card reported lost", "The card was reported lost.",
        "Reported by its holder or by staff.", Staff;
    AccountClosed = 422 "account_closed", "Account closed", "The account is closed.",
        "Its history stays readable.", Person;
    AccountNotEmpty = 422 "account_not_empty", "Account not empty", "Only an account whose balance is zero can be closed.",
        "Money is left, owed or promised.", Person;
    SameAccount = 422 "same_account", "Same account", "Source and target are one account.",
        "Nothing would move.", Person;
    CurrencyMismatch = 422 "currency_mismatch", "Currencies differ", "The accounts, or account and machine, have different currencies.",
        "There is no exchange between currencies.", Person;
    IdempotencyKeyReused = 422 "idempotency_key_reused", "Idempotency key reused", "This key was used for another request.",
        "Same scope and key, other content. Nothing was done.", Developer;
    Reversed = 422 "reversed", "Reversed already", "The withdrawal was reversed or settled before.",
        "A reversal came before its original, or an advice about something settled.", Staff;
    CardBlocked = 423 "card_blocked", "Card blocked", "Too many wrong PINs; `blocked_until` says when the block lifts, null: when staff unlock the card.",
        "The count is the card's, over all machines; a number that no card has is counted likewise.", Person;
    TooManyRequests = 429 "too_many_requests", "Too many requests", "Too many tries; wait as `Retry-After` says.",
        "A rate limit per address or identity.", Retry;
    Internal = 500 "internal", "Internal error", "Something went wrong here; the request id finds it in the log.",
        "A defect of the host. Sending the request again with its key is safe.", Host;
    Overloaded = 503 "overloaded", "Overloaded", "Too much is waiting; try again as `Retry-After` says.",
        "A bounded queue is full. The request had no effect.", Retry;
    DatabaseUnavailable = 503 "database_unavailable", "Database unavailable", "The database cannot be reached; try again as `Retry-After` says.",
        "Reading or committing failed. The request had no effect.", Host;
    ClockDisagrees = 503 "clock_disagrees", "Clocks disagree", "The host does not trust its clock; try again as `Retry-After` says.",
        "Wall and boot-time clock have parted, or the host's and the database server's. Set the clock right or restart the host.", Host;
}

impl Code {
    /// The code itself.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.entry().name
    }

    /// The HTTP status.
    #[must_use]
    pub const fn status(self) -> u16 {
        self.entry().status
    }

    /// Public text, short.
    #[must_use]
    pub const fn title(self) -> &'static str {
        self.entry().title
    }

    /// Public text, a sentence.
    #[must_use]
    pub const fn detail(self) -> &'static str {
        self.entry().detail
    }

    /// What it means inside, for developers and operators.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        self.entry().meaning
    }

    /// Who can do something about it.
    #[must_use]
    pub const fn acts(self) -> Acts {
        self.entry().acts
    }
}

impl From<&Refusal> for Code {
    fn from(refusal: &Refusal) -> Self {
        match refusal {
            Refusal::SessionExpired => Self::SessionExpired,
            Refusal::WrongCredentials => Self::WrongCredentials,
            Refusal::Forbidden => Self::Forbidden,
            Refusal::ChannelRequired => Self::ChannelRequired,
            Refusal::AccountNotFound => Self::AccountNotFound,
            Refusal::TransactionNotFound => Self::TransactionNotFound,
            Refusal::AtmNotFound => Self::AtmNotFound,
            Refusal::NotFound => Self::NotFound,
            Refusal::InvalidAmount => Self::InvalidAmount,
            Refusal::InvalidRequest { .. } => Self::InvalidRequest,
            Refusal::EmailTaken => Self::EmailTaken,
            Refusal::AtmIdTaken => Self::AtmIdTaken,
            Refusal::CardNumberTaken => Self::CardNumberTaken,
            Refusal::InsufficientFunds { .. } => Self::InsufficientFunds,
            Refusal::OverTransactionLimit { .. } => Self::OverTransactionLimit,
            Refusal::DailyLimitExceeded { .. } => Self::DailyLimitExceeded,
            Refusal::OverDepositLimit { .. } => Self::OverDepositLimit,
            Refusal::AtmOutOfCash => Self::AtmOutOfCash,
            Refusal::AmountNotDispensable { .. } => Self::AmountNotDispensable,
            Refusal::AtmInactive => Self::AtmInactive,
            Refusal::AtmMismatch => Self::AtmMismatch,
            Refusal::TerminalOnly => Self::TerminalOnly,
            Refusal::CardExpired => Self::CardExpired,
            Refusal::CardStolen => Self::CardStolen,
            Refusal::CardLost => Self::CardLost,
            Refusal::AccountClosed => Self::AccountClosed,
            Refusal::AccountNotEmpty => Self::AccountNotEmpty,
            Refusal::SameAccount => Self::SameAccount,
            Refusal::CurrencyMismatch => Self::CurrencyMismatch,
            Refusal::IdempotencyKeyReused => Self::IdempotencyKeyReused,
            Refusal::CardBlocked { .. } => Self::CardBlocked,
            Refusal::TooManyRequests { .. } => Self::TooManyRequests,
            Refusal::ReplenishmentOpen => Self::ReplenishmentOpen,
            Refusal::Reversed => Self::Reversed,
            Refusal::Moved | Refusal::NumberTaken => Self::Internal,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn it_names_every_code_once_in_the_order_of_the_statuses() {
        let names: BTreeSet<_> = Code::ALL.iter().map(|code| code.name()).collect();
        assert_eq!(names.len(), Code::ALL.len());
        assert!(Code::ALL.windows(2).all(|pair| pair[0].status() <= pair[1].status()));
    }

    #[test]
    fn it_calls_refusals_as_the_core_does() {
        let plain = [
            Refusal::SessionExpired,
            Refusal::WrongCredentials,
            Refusal::Forbidden,
            Refusal::ChannelRequired,
            Refusal::AccountNotFound,
            Refusal::TransactionNotFound,
            Refusal::AtmNotFound,
            Refusal::NotFound,
            Refusal::InvalidAmount,
            Refusal::InvalidRequest { field: "x" },
            Refusal::EmailTaken,
            Refusal::AtmIdTaken,
            Refusal::CardNumberTaken,
            Refusal::AtmOutOfCash,
            Refusal::AmountNotDispensable { nearest: Vec::new() },
            Refusal::AtmInactive,
            Refusal::AtmMismatch,
            Refusal::TerminalOnly,
            Refusal::CardExpired,
            Refusal::CardStolen,
            Refusal::CardLost,
            Refusal::AccountClosed,
            Refusal::AccountNotEmpty,
            Refusal::SameAccount,
            Refusal::CurrencyMismatch,
            Refusal::IdempotencyKeyReused,
            Refusal::CardBlocked { until: None },
            Refusal::TooManyRequests { retry_after_s: 1 },
            Refusal::ReplenishmentOpen,
            Refusal::Reversed,
            Refusal::Moved,
            Refusal::NumberTaken,
        ];
        for refusal in plain {
            let code = Code::from(&refusal);
            assert_eq!(code.name(), refusal.code());
            assert_eq!(refusal.is_recorded(), code.status() == 422 && code != Code::IdempotencyKeyReused);
        }
    }
}
