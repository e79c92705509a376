//! What records and requests are called where only their kind is told: in logs, and where a test ends a process.

use super::link::{AdviceKind, Request};
use super::record::Record;

impl Record {
    /// Its kind; of an advice, what it tells.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Begun { .. } => "begun",
            Self::Settings(_) => "settings",
            Self::HotList(_) => "hot_list",
            Self::HotListConfirmed { .. } => "hot_list_confirmed",
            Self::Lease(_) => "lease",
            Self::Card(_) => "card",
            Self::Intent(_) => "intent",
            Self::Approved { .. } => "approved",
            Self::Dropped { .. } => "dropped",
            Self::Dispensing { .. } => "dispensing",
            Self::Presenting { .. } => "presenting",
            Self::Depositing { .. } => "depositing",
            Self::Storing { .. } => "storing",
            Self::Advice(advice) => advice.kind.name(),
            Self::Acknowledged { .. } => "acknowledged",
            Self::Escalated { .. } => "escalated",
            Self::OfflineTry { .. } => "offline_try",
            Self::CarriedOut { .. } => "carried_out",
            Self::Availability { .. } => "availability",
            Self::CardJammed { .. } => "card_jammed",
            Self::NotesJammed { .. } => "notes_jammed",
            Self::Replenishing { .. } => "replenishing",
            Self::Summary(_) => "summary",
        }
    }
}

impl AdviceKind {
    /// What it tells.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Completed { .. } => "completed",
            Self::Reversed { .. } => "reversed",
            Self::Suspect { .. } => "suspect",
            Self::Deposited { .. } => "deposited",
            Self::DepositUnclear { .. } => "deposit_unclear",
            Self::OfflineWithdrawn { .. } => "offline_withdrawn",
            Self::StoredTransfer { .. } => "stored_transfer",
            Self::OfflineTries { .. } => "offline_tries",
            Self::CardRetained { .. } => "card_retained",
            Self::Replenished { .. } => "replenished",
        }
    }
}

impl Request {
    /// Its kind; of an advice, what it tells.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::LogIn { .. } => "log_in",
            Self::LogOut { .. } => "log_out",
            Self::Balance { .. } => "balance",
            Self::Statement { .. } => "statement",
            Self::Transfer { .. } => "transfer",
            Self::ChangePin { .. } => "change_pin",
            Self::Approve { .. } => "approve",
            Self::Advice(advice) => advice.kind.name(),
            Self::Heartbeat(_) => "heartbeat",
        }
    }
}
