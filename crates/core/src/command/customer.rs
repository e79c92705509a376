//! Commands about customers and their accounts.

use super::{NewSession, PasswordCheck};
use crate::account::Product;
use crate::currency::Currency;
use crate::customer::{PasswordHash, Profile, Sealed};
use crate::id::{AccountNumber, CustomerId, Index, RequestId};
use crate::money::Decimal;
use crate::session::Session;

/// An account to be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NewAccount {
    /// Its number, freshly made.
    pub number: AccountNumber,
    /// Its product.
    pub product: Product,
    /// Its currency.
    pub currency: Currency,
}

/// A customer opens the first account by themselves.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SignUp {
    /// Who they are; the email is present.
    pub profile: Profile,
    /// Their password.
    pub password: PasswordHash,
    /// Their first account.
    pub account: NewAccount,
    /// The session to begin.
    pub session: NewSession,
}

/// Staff make a customer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CreateCustomer {
    /// Who asks.
    pub session: Session,
    /// The request's name for ever.
    pub request: RequestId,
    /// Who they are.
    pub profile: Profile,
    /// Their accounts with opening balances (may be zero).
    pub accounts: Vec<(NewAccount, Decimal)>,
}

/// A customer's data as they wish it; what is none stays.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UpdateCustomer {
    /// Who asks.
    pub session: Session,
    /// New name.
    pub name: Option<String>,
    /// New email address, sealed, and its index.
    pub email: Option<(Sealed, Index)>,
    /// New telephone number; the inner none takes it away.
    pub phone: Option<Option<Sealed>>,
    /// New postal address; the inner none takes it away.
    pub address: Option<Option<Sealed>>,
}

/// A new password; ends the customer's other sessions.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ChangePassword {
    /// Who asks.
    pub session: Session,
    /// Index of their email address: tries are counted by it.
    pub identity: Index,
    /// The old password's comparison.
    pub check: PasswordCheck<CustomerId>,
    /// The new password.
    pub password: PasswordHash,
}

/// A customer opens another account.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OpenAccount {
    /// Who asks.
    pub session: Session,
    /// The request's name for ever.
    pub request: RequestId,
    /// The account.
    pub account: NewAccount,
}

/// A customer closes an account.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CloseAccount {
    /// Who asks.
    pub session: Session,
    /// Which.
    pub account: AccountNumber,
}
