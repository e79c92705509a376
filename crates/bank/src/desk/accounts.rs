//! Accounts: listing, opening, closing. Their balances and movements take the money path.

use cashpoint_core::account::{Account, Product};
use cashpoint_core::command::{CloseAccount, NewAccount, OpenAccount};
use cashpoint_core::currency::Currency;
use cashpoint_core::decide::Replay;
use cashpoint_core::id::AccountNumber;
use cashpoint_core::outcome::Done;
use cashpoint_core::session::Session;

use super::reading::{Holder, holder, online};
use super::{Stop, answered, answered_once, defect, prepared, unexpected};
use crate::bank::{Answered, AnsweredOnce, Bank};
use crate::entropy::account_number;
use crate::request::{Canonical, Content, Scope, request_id};
use crate::store::Reads;

/// Whether an account is the one that is meant when none is named.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Primary {
    /// It is: a card's first, a customer's oldest.
    Yes,
    /// It is not.
    No,
}

/// An account in a list.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AccountView {
    /// The account as it stands.
    pub account: Account,
    /// Whether it is the primary one of the list.
    pub primary: Primary,
}

impl Bank {
    /// The open accounts that a session reaches, the primary one first: a card's in the order they were put on it, a
    /// customer's in the order they were opened.
    ///
    /// # Errors
    /// The world failed; so everywhere on the desk.
    pub fn accounts(&self, session: Session) -> Answered<Vec<AccountView>> {
        answered(self.look_as(&session, holder, accounts_of))
    }

    /// A customer opens another account.
    ///
    /// # Errors
    /// The world failed.
    pub fn open_account(
        &self,
        session: Session,
        key: &str,
        product: Product,
        currency: Currency,
    ) -> AnsweredOnce<AccountView> {
        answered_once(self.try_open_account(&session, key, product, currency))
    }

    fn try_open_account(
        &self,
        session: &Session,
        key: &str,
        product: Product,
        currency: Currency,
    ) -> Result<(AccountView, Replay), Stop> {
        let customer = self.permitted(session, online)?;
        let rest = Canonical::new().field(product.name()).field(currency.code());
        let request = request_id(Scope::Customer(customer), key, &Content::of("open_account", rest.as_str()));
        let (done, replay) = prepared(|| {
            let account = NewAccount { number: account_number(self.inner.entropy.as_ref()), product, currency };
            self.done(OpenAccount { session: *session, request, account })
        })?;
        let Done::AccountOpened(number) = done else {
            return Err(unexpected(&done));
        };
        let accounts = self.look(|reads| Ok(reads.accounts(customer)?))?;
        // By all there ever were: a repeated answer must not change when another account is closed.
        let at = accounts.iter().position(|account| account.identity.number == number);
        let at = at.ok_or_else(|| defect("an account that was opened is not there"))?;
        Ok((AccountView { account: accounts[at], primary: if at == 0 { Primary::Yes } else { Primary::No } }, replay))
    }

    /// A customer closes an account, which must be empty.
    ///
    /// # Errors
    /// The world failed.
    pub fn close_account(&self, session: Session, account: AccountNumber) -> Answered<()> {
        answered(self.changed(CloseAccount { session, account }))
    }
}

/// The open accounts within reach, the first of them primary.
pub(super) fn accounts_of(reads: &mut dyn Reads, holder: Holder) -> Result<Vec<AccountView>, Stop> {
    let mut accounts = match holder.card {
        None => reads.accounts(holder.customer)?,
        Some(card) => {
            let (identity, _) = reads.card(card)?.ok_or_else(|| defect("a session's card is not there"))?;
            let numbers: Vec<_> = identity.accounts.iter().map(|account| account.number).collect();
            accounts_numbered(reads, &numbers)?
        }
    };
    accounts.retain(|account| account.closed.is_none());
    Ok(listed(accounts))
}

/// These accounts, in this order.
pub(super) fn accounts_numbered(reads: &mut dyn Reads, numbers: &[AccountNumber]) -> Result<Vec<Account>, Stop> {
    let one = |number| reads.account(number)?.ok_or_else(|| defect("an account that is referred to is not there"));
    numbers.iter().copied().map(one).collect()
}

/// As a list whose first is primary.
pub(super) fn listed(accounts: Vec<Account>) -> Vec<AccountView> {
    let primary = std::iter::once(Primary::Yes).chain(std::iter::repeat(Primary::No));
    accounts.into_iter().zip(primary).map(|(account, primary)| AccountView { account, primary }).collect()
}

/// Whether the account is within reach; another's is as good as none.
pub(super) fn reaches(reads: &mut dyn Reads, holder: Holder, number: AccountNumber) -> Result<bool, Stop> {
    Ok(match holder.card {
        None => reads.account(number)?.is_some_and(|account| account.identity.customer == holder.customer),
        Some(card) => {
            let card = reads.card(card)?;
            card.is_some_and(|(identity, _)| identity.accounts.iter().any(|account| account.number == number))
        }
    })
}
