//! Customers: coming, being made by staff, and their own data, which is opened only for them.

use cashpoint_core::account::Product;
use cashpoint_core::command::{ChangePassword, CreateCustomer, NewAccount, SignUp, UpdateCustomer};
use cashpoint_core::currency::Currency;
use cashpoint_core::customer::{PasswordHash, Profile, Sealed};
use cashpoint_core::decide::Replay;
use cashpoint_core::id::{AccountNumber, CustomerId, Index, RequestId};
use cashpoint_core::money::Decimal;
use cashpoint_core::outcome::{Done, Refusal};
use cashpoint_core::session::Session;
use cashpoint_core::time::Timestamp;

use super::accounts::{AccountView, accounts_numbered, listed};
use super::reading::{online, staff};
use super::sessions::{LoggedIn, indexes_of, throttle};
use super::{Stop, answered, answered_once, defect, prepared, unexpected};
use crate::bank::{Answered, AnsweredOnce, Bank};
use crate::entropy::account_number;
use crate::keys::{MacPurpose, WrappedKey};
use crate::personal::{DataKey, PersonalColumn, email_indexes};
use crate::request::{Canonical, Content, Scope};
use crate::secret::Password;
use crate::store::Reads;

/// Somebody who comes by themselves. Holds personal data, so it cannot be printed.
pub struct SignUpRequest {
    /// Name.
    pub name: String,
    /// Email address, with which they log in.
    pub email: String,
    /// Password they chose.
    pub password: Password,
    /// Telephone number.
    pub phone: Option<String>,
    /// Postal address.
    pub address: Option<String>,
    /// Product of their first account.
    pub product: Product,
    /// Its currency.
    pub currency: Currency,
}

/// What became of a sign-up.
pub struct SignedUp {
    /// The new customer.
    pub customer: CustomerId,
    /// Their first account.
    pub account: AccountNumber,
    /// Their session.
    pub session: LoggedIn,
}

/// A customer's own data, opened. Cannot be printed.
pub struct CustomerView {
    /// Who.
    pub customer: CustomerId,
    /// Name.
    pub name: String,
    /// Email address.
    pub email: Option<String>,
    /// Telephone number.
    pub phone: Option<String>,
    /// Postal address.
    pub address: Option<String>,
    /// When they came.
    pub since: Timestamp,
}

/// A customer's data as they wish it; what is none stays.
#[derive(Default)]
pub struct CustomerChange {
    /// New name.
    pub name: Option<String>,
    /// New email address.
    pub email: Option<String>,
    /// New telephone number; the inner none takes it away.
    pub phone: Option<Option<String>>,
    /// New postal address; the inner none takes it away.
    pub address: Option<Option<String>>,
}

/// A customer whom staff make. Holds personal data, so it cannot be printed.
pub struct NewCustomer {
    /// Name.
    pub name: String,
    /// Email address.
    pub email: Option<String>,
    /// Telephone number.
    pub phone: Option<String>,
    /// Postal address.
    pub address: Option<String>,
    /// Their accounts.
    pub accounts: Vec<OpeningAccount>,
}

/// An account to open with something on it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OpeningAccount {
    /// Its product.
    pub product: Product,
    /// Its currency.
    pub currency: Currency,
    /// What is on it at once; may be zero.
    pub balance: Decimal,
}

/// A customer made by staff.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CustomerCreated {
    /// Who.
    pub customer: CustomerId,
    /// Their accounts, in the order asked for, the first primary.
    pub accounts: Vec<AccountView>,
}

/// Numbers that are not drawn but known beforehand: those of play data.
pub(crate) struct FixedCustomer {
    pub(crate) id: CustomerId,
    pub(crate) accounts: Vec<AccountNumber>,
}

/// What a profile is made of.
struct Person<'a> {
    name: &'a str,
    email: Option<&'a str>,
    phone: Option<&'a str>,
    address: Option<&'a str>,
}

impl Bank {
    /// Somebody opens their first account by themselves, which begins a session.
    ///
    /// # Errors
    /// The world failed; so everywhere on the desk.
    pub fn sign_up(&self, request: SignUpRequest) -> Answered<SignedUp> {
        answered(self.try_sign_up(&request))
    }

    fn try_sign_up(&self, request: &SignUpRequest) -> Result<SignedUp, Stop> {
        let SignUpRequest { name, email, password, phone, address, product, currency } = request;
        let person = Person { name, email: Some(email), phone: phone.as_deref(), address: address.as_deref() };
        let phc = self.inner.passwords.hash(password, self.inner.entropy.as_ref())?;
        let (token, done) = prepared(|| {
            let profile = self.sealed(self.new_customer_id(), &person)?;
            let password = PasswordHash { version: 1, phc: phc.clone() };
            let number = account_number(self.inner.entropy.as_ref());
            let account = NewAccount { number, product: *product, currency: *currency };
            let (token, session) = self.new_session();
            let (done, _) = self.done(SignUp { profile, password, account, session })?;
            Ok((token, done))
        })?;
        let Done::SignedUp { session, account } = done else {
            return Err(unexpected(&done));
        };
        let customer = session.customer().ok_or_else(|| defect("a sign-up began no customer's session"))?;
        Ok(SignedUp { customer, account, session: self.welcome(token, session)? })
    }

    /// A customer's own data.
    ///
    /// # Errors
    /// The world failed.
    pub fn customer(&self, session: Session) -> Answered<CustomerView> {
        answered(self.look_as(&session, online, |reads, customer| self.opened(&profile_of(reads, customer)?.0)))
    }

    /// A customer changes their own data.
    ///
    /// # Errors
    /// The world failed.
    pub fn update_customer(&self, session: Session, change: CustomerChange) -> Answered<CustomerView> {
        answered(self.try_update_customer(session, &change))
    }

    fn try_update_customer(&self, session: Session, change: &CustomerChange) -> Result<CustomerView, Stop> {
        let profile = self.look_as(&session, online, |reads, customer| Ok(profile_of(reads, customer)?.0))?;
        let key = self.data_key(&profile)?;
        let seal = |column, text: &str| key.seal(column, profile.customer.number(), text, self.inner.entropy.as_ref());
        let email = match &change.email {
            None => None,
            Some(email) => Some((seal(PersonalColumn::Email, email.trim()), self.email_claim(email)?)),
        };
        let phone = change.phone.as_ref().map(|phone| phone.as_ref().map(|text| seal(PersonalColumn::Phone, text)));
        let address =
            change.address.as_ref().map(|address| address.as_ref().map(|text| seal(PersonalColumn::Address, text)));
        self.changed(UpdateCustomer { session, name: change.name.clone(), email, phone, address })?;
        self.look(|reads| self.opened(&profile_of(reads, profile.customer)?.0))
    }

    /// A customer changes their password, which ends their other sessions. A wrong old one counts as a try.
    ///
    /// # Errors
    /// The world failed.
    pub fn change_password(&self, session: Session, old: Password, new: Password) -> Answered<()> {
        answered(prepared(|| {
            let (customer, identity, stored) = self.look_as(&session, online, |reads, customer| {
                let (profile, stored) = profile_of(reads, customer)?;
                let email = self.opened(&profile)?.email.ok_or(Refusal::Forbidden)?;
                let identity = indexes_of(&email_indexes(self.inner.keys.as_ref(), &email)?)[0];
                throttle(reads, identity, self.now())?;
                Ok((customer, identity, stored))
            })?;
            let version = stored.as_ref().map_or(0, |hash| hash.version) + 1;
            let check = self.compare(&old, Some((customer, stored)))?.expect("somebody's password is compared");
            let phc = self.inner.passwords.hash(&new, self.inner.entropy.as_ref())?;
            let password = PasswordHash { version, phc };
            self.changed(ChangePassword { session, identity, check, password })
        }))
    }

    /// Staff make a customer.
    ///
    /// # Errors
    /// The world failed.
    pub fn create_customer(&self, session: Session, key: &str, request: NewCustomer) -> AnsweredOnce<CustomerCreated> {
        answered_once(self.make_customer(session, key, &request, None))
    }

    /// As [`Self::create_customer`], under numbers that may be given.
    pub(crate) fn make_customer(
        &self,
        session: Session,
        key: &str,
        request: &NewCustomer,
        fixed: Option<&FixedCustomer>,
    ) -> Result<(CustomerCreated, Replay), Stop> {
        let NewCustomer { name, email, phone, address, accounts } = request;
        let person = Person { name, email: email.as_deref(), phone: phone.as_deref(), address: address.as_deref() };
        let operator = self.permitted(&session, staff)?;
        let ids = self.customer_requests(Scope::Operator(operator), key, request)?;
        let (done, replay) = prepared(|| {
            let profile = self.sealed(fixed.map_or_else(|| self.new_customer_id(), |fixed| fixed.id), &person)?;
            let number = |at| match fixed {
                Some(fixed) => fixed.accounts[at],
                None => account_number(self.inner.entropy.as_ref()),
            };
            let new = |(at, account): (usize, &OpeningAccount)| {
                let OpeningAccount { product, currency, balance } = *account;
                (NewAccount { number: number(at), product, currency }, balance)
            };
            let accounts: Vec<_> = accounts.iter().enumerate().map(new).collect();
            let create =
                |request| CreateCustomer { session, request, profile: profile.clone(), accounts: accounts.clone() };
            self.once(&ids, |request| create(request).into())
        })?;
        let Done::CustomerCreated { customer, accounts } = done else {
            return Err(unexpected(&done));
        };
        let accounts = self.look(|reads| accounts_numbered(reads, &accounts))?;
        Ok((CustomerCreated { customer, accounts: listed(accounts) }, replay))
    }

    fn customer_requests(&self, scope: Scope, key: &str, request: &NewCustomer) -> Result<Vec<RequestId>, Stop> {
        let rest = request.accounts.iter().fold(Canonical::new().field(&request.name), |rest, account| {
            rest.field(account.product.name()).field(account.currency.code()).field(&account.balance.canonical())
        });
        let personal = [&request.email, &request.phone, &request.address];
        let personal = personal.iter().fold(Canonical::new(), |text, field| text.maybe(field.as_deref()));
        let secret: [&[u8]; 1] = [personal.as_str().as_bytes()];
        self.request_ids(scope, key, &Content::of("create_customer", rest.as_str()), (MacPurpose::EmailIndex, &secret))
    }

    fn new_customer_id(&self) -> CustomerId {
        CustomerId::new(self.new_number())
    }

    /// A new profile, sealed under a fresh data key.
    fn sealed(&self, customer: CustomerId, person: &Person<'_>) -> Result<Profile, Stop> {
        let entropy = self.inner.entropy.as_ref();
        let (key, wrapped) = DataKey::generate(self.inner.keys.as_ref(), customer, entropy)?;
        let seal = |column, text: &str| key.seal(column, customer.number(), text, entropy);
        let email = match person.email {
            None => None,
            Some(email) => Some((seal(PersonalColumn::Email, email.trim()), self.email_claim(email)?)),
        };
        Ok(Profile {
            customer,
            name: person.name.to_owned(),
            data_key: (wrapped.version, Sealed(wrapped.sealed)),
            email,
            phone: person.phone.map(|text| seal(PersonalColumn::Phone, text)),
            address: person.address.map(|text| seal(PersonalColumn::Address, text)),
            since: self.now(),
        })
    }

    /// The index to claim an email address by: the one that somebody has it by already, so that the claim is seen to
    /// be taken also while a key rotation is under way; otherwise the current key's.
    fn email_claim(&self, email: &str) -> Result<Index, Stop> {
        let indexes = indexes_of(&email_indexes(self.inner.keys.as_ref(), email)?);
        if indexes.len() == 1 {
            return Ok(indexes[0]);
        }
        self.look(|reads| {
            for index in &indexes {
                if reads.customer_by_email(&[*index])?.is_some() {
                    return Ok(*index);
                }
            }
            Ok(indexes[0])
        })
    }

    /// The data key that a profile is sealed under.
    pub(super) fn data_key(&self, profile: &Profile) -> Result<DataKey, Stop> {
        let (version, sealed) = &profile.data_key;
        let wrapped = WrappedKey { version: *version, sealed: sealed.0.clone() };
        Ok(DataKey::unwrap(self.inner.keys.as_ref(), profile.customer, &wrapped)?)
    }

    fn opened(&self, profile: &Profile) -> Result<CustomerView, Stop> {
        let key = self.data_key(profile)?;
        let open = |column, sealed: Option<&Sealed>| match sealed {
            None => Ok(None),
            Some(sealed) => key.open(column, profile.customer.number(), sealed).map(|text| Some(String::clone(&text))),
        };
        Ok(CustomerView {
            customer: profile.customer,
            name: profile.name.clone(),
            email: open(PersonalColumn::Email, profile.email.as_ref().map(|(sealed, _)| sealed))?,
            phone: open(PersonalColumn::Phone, profile.phone.as_ref())?,
            address: open(PersonalColumn::Address, profile.address.as_ref())?,
            since: profile.since,
        })
    }
}

/// The data and password of a customer who is referred to.
pub(super) fn profile_of(reads: &mut dyn Reads, customer: CustomerId) -> Result<(Profile, Option<PasswordHash>), Stop> {
    reads.customer(customer)?.ok_or_else(|| defect("a customer who is referred to is not there"))
}
