//! Open questions about cash, which staff answer. Nobody is credited or charged on a guess: until then the money stays in
//! flight or in suspense, or nothing was posted at all.

use crate::id::{AccountNumber, CardId, CaseId, MachineId, NotAnId, TransferId};
use crate::money::Amount;
use crate::time::Timestamp;

/// What a case is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Matter {
    /// An approved withdrawal of which the device cannot say whether it was paid: the money is in flight.
    Suspect(TransferId),
    /// The same of one that was paid without asking the host.
    OfflineSuspect(TransferId),
    /// A deposit of which nobody knows what became of the notes: nothing was posted.
    DepositUnclear,
    /// A deposit above a ceiling: the money is in suspense.
    OverCeiling(TransferId),
    /// A deposit of a card that was never seen at the machine, or to an account that is closed or not the card's: the
    /// money is in suspense.
    DepositUnclaimed(TransferId),
    /// Offline cash that no account can be charged with, or that no lease allowed: suspense owes it.
    WithdrawalUnclaimed(TransferId),
    /// The same, and nobody knows whether it was paid: nothing was posted.
    WithdrawalUnclear,
    /// What went back of a withdrawal whose account was closed meanwhile, the fee included: suspense holds it for its
    /// owner. The transfer is what was not paid.
    ReturnUnclaimed(TransferId),
}

impl Matter {
    /// The matter's name outside and in the database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Suspect(_) => "suspect",
            Self::OfflineSuspect(_) => "offline_suspect",
            Self::DepositUnclear => "deposit_unclear",
            Self::OverCeiling(_) => "over_ceiling",
            Self::DepositUnclaimed(_) => "deposit_unclaimed",
            Self::WithdrawalUnclaimed(_) => "withdrawal_unclaimed",
            Self::WithdrawalUnclear => "withdrawal_unclear",
            Self::ReturnUnclaimed(_) => "return_unclaimed",
        }
    }

    /// The transfer that waits in flight or in suspense, if one was made.
    #[must_use]
    pub const fn transfer(self) -> Option<TransferId> {
        match self {
            Self::Suspect(id)
            | Self::OfflineSuspect(id)
            | Self::OverCeiling(id)
            | Self::DepositUnclaimed(id)
            | Self::WithdrawalUnclaimed(id)
            | Self::ReturnUnclaimed(id) => Some(id),
            Self::DepositUnclear | Self::WithdrawalUnclear => None,
        }
    }

    /// The withdrawal whose money is in flight, if that is the matter.
    #[must_use]
    pub const fn withdrawal(self) -> Option<TransferId> {
        match self {
            Self::Suspect(id) | Self::OfflineSuspect(id) => Some(id),
            Self::DepositUnclear
            | Self::OverCeiling(_)
            | Self::DepositUnclaimed(_)
            | Self::WithdrawalUnclaimed(_)
            | Self::WithdrawalUnclear
            | Self::ReturnUnclaimed(_) => None,
        }
    }

    /// Reads [`Self::name`] and [`Self::transfer`] back.
    ///
    /// # Errors
    /// [`NotAnId`] for any other name, or where a transfer is missing or one too many.
    pub fn parse(name: &str, transfer: Option<TransferId>) -> Result<Self, NotAnId> {
        match (name, transfer) {
            ("suspect", Some(id)) => Ok(Self::Suspect(id)),
            ("offline_suspect", Some(id)) => Ok(Self::OfflineSuspect(id)),
            ("deposit_unclear", None) => Ok(Self::DepositUnclear),
            ("over_ceiling", Some(id)) => Ok(Self::OverCeiling(id)),
            ("deposit_unclaimed", Some(id)) => Ok(Self::DepositUnclaimed(id)),
            ("withdrawal_unclaimed", Some(id)) => Ok(Self::WithdrawalUnclaimed(id)),
            ("withdrawal_unclear", None) => Ok(Self::WithdrawalUnclear),
            ("return_unclaimed", Some(id)) => Ok(Self::ReturnUnclaimed(id)),
            _ => Err(NotAnId),
        }
    }
}

/// An open question about cash.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Case {
    /// Its id.
    pub id: CaseId,
    /// What it is about.
    pub matter: Matter,
    /// The machine concerned.
    pub machine: MachineId,
    /// What is unresolved; zero: a deposit of which not even the amount is known.
    pub amount: Amount,
    /// The account concerned, as it was told; perhaps there is none such.
    pub account: AccountNumber,
    /// The card concerned, as it was told; perhaps there is none such.
    pub card: Option<CardId>,
    /// When it was opened; none: before that was kept.
    pub opened: Option<Timestamp>,
    /// What is known, for people: `name=value` with semicolons between.
    pub evidence: String,
    /// How much of it a count of the machine found missing, minor units: evidence that a suspect was paid. It waits in
    /// suspense.
    pub short: i64,
    /// How it was resolved: what turned out paid (of a deposit: paid in), minor units.
    pub resolved: Option<i64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_names() {
        let id = TransferId::new(7);
        for matter in [
            Matter::Suspect(id),
            Matter::OfflineSuspect(id),
            Matter::DepositUnclear,
            Matter::OverCeiling(id),
            Matter::DepositUnclaimed(id),
            Matter::WithdrawalUnclaimed(id),
            Matter::WithdrawalUnclear,
            Matter::ReturnUnclaimed(id),
        ] {
            assert_eq!(Matter::parse(matter.name(), matter.transfer()), Ok(matter));
            let other = matter.transfer().is_none().then_some(id);
            assert_eq!(Matter::parse(matter.name(), other), Err(NotAnId), "{matter:?}");
        }
    }
}
