//! Accounts as they stand: running totals, and what a product allows.

use cashpoint_mutant::{Mutant, chosen};

use crate::currency::Currency;
use crate::id::{AccountNumber, CustomerId, NotAnId, TransferId};
use crate::money::Amount;
use crate::policy::Policy;
use crate::time::Timestamp;

/// What kind of account a customer has.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Product {
    /// May be overdrawn down to the policy's floor, for a fee.
    Checking,
    /// Never overdrawn.
    Savings,
}

impl Product {
    /// The product's name outside and in the database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Checking => "checking",
            Self::Savings => "savings",
        }
    }

    /// Reads [`Self::name`] back.
    ///
    /// # Errors
    /// [`NotAnId`] for any other text.
    pub fn parse(name: &str) -> Result<Self, NotAnId> {
        match name {
            "checking" => Ok(Self::Checking),
            "savings" => Ok(Self::Savings),
            _ => Err(NotAnId),
        }
    }
}

/// What never changes about a customer's account.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AccountIdentity {
    /// Its number.
    pub number: AccountNumber,
    /// Its owner.
    pub customer: CustomerId,
    /// Its product.
    pub product: Product,
    /// Its currency.
    pub currency: Currency,
    /// When it was opened.
    pub opened: Timestamp,
}

/// Running totals, in minor units of the account's currency. Both only ever grow.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Totals {
    /// Sum of all transfers that debit the account.
    pub debits: i64,
    /// Sum of all transfers that credit the account.
    pub credits: i64,
}

impl Totals {
    /// With one more debit.
    ///
    /// # Panics
    /// If the sum leaves 63 bits: amounts are at most 10^13, so that takes a million of the largest postings.
    #[must_use]
    pub fn debited(self, minor: i64) -> Self {
        Self { debits: self.debits.checked_add(minor).expect("an account's debits fit 63 bits"), ..self }
    }

    /// With one more credit.
    ///
    /// # Panics
    /// As [`Self::debited`].
    #[must_use]
    pub fn credited(self, minor: i64) -> Self {
        Self { credits: self.credits.checked_add(minor).expect("an account's credits fit 63 bits"), ..self }
    }

    /// Credits less debits: what the bank owes. Assets (a machine's cash) have it negative.
    #[must_use]
    pub fn owed(self) -> i64 {
        self.credits.checked_sub(self.debits).expect("both are non-negative")
    }
}

/// A customer's account as it stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Account {
    /// What never changes.
    pub identity: AccountIdentity,
    /// What moved.
    pub totals: Totals,
    /// How many entries its history has; the number of the last.
    pub entries: u64,
    /// The transfer that holds the last entry.
    pub head: Option<TransferId>,
    /// When it was closed, if it is.
    pub closed: Option<Timestamp>,
}

/// What an account would say to a withdrawal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cover {
    /// It is covered; the fee is due if the balance falls below zero.
    Covered {
        /// Overdraft fee in minor units; 0 if the balance stays at or above zero.
        fee: i64,
    },
    /// It is not; this much would be.
    Short {
        /// Largest amount that would be approved now, in minor units.
        available: i64,
    },
}

impl Account {
    /// A new, empty account.
    #[must_use]
    pub fn opened(identity: AccountIdentity) -> Self {
        Self { identity, totals: Totals::default(), entries: 0, head: None, closed: None }
    }

    /// What the customer has, in minor units; negative when overdrawn.
    #[must_use]
    pub fn balance_minor(&self) -> i64 {
        self.totals.owed()
    }

    /// What the customer has.
    #[must_use]
    pub fn balance(&self) -> Amount {
        Amount::new(self.balance_minor(), self.identity.currency)
    }

    /// Whether a withdrawal of `minor` is covered, fee included; overdraft is a matter of the product.
    #[must_use]
    pub fn cover(&self, minor: i64, policy: &Policy) -> Cover {
        let balance = self.balance_minor();
        let (overdraft, fee) = match self.identity.product {
            Product::Savings => (0, 0),
            Product::Checking => policy.overdraft(self.identity.currency),
        };
        let after = balance.saturating_sub(minor);
        if after >= 0 {
            return Cover::Covered { fee: 0 };
        }
        let lowest = if chosen(Mutant::FeeLeftOut) { after } else { after.saturating_sub(fee) };
        if (overdraft > 0 && lowest >= -overdraft) || chosen(Mutant::FloorIgnored) {
            return Cover::Covered { fee };
        }
        let with_overdraft = if overdraft > 0 { balance.saturating_add(overdraft).saturating_sub(fee) } else { 0 };
        Cover::Short { available: balance.max(with_overdraft).max(0) }
    }
}
