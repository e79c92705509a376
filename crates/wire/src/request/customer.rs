//! Customers and their accounts.

use cashpoint_core::account::Product;
use cashpoint_core::currency::Currency;
use cashpoint_core::money::Decimal;
use utoipa::ToSchema;

use super::{Body, LONGEST_LINE};
use crate::malformed::Malformed;
use crate::object::{Object, Value};
use crate::schema;
use crate::secret::SecretText;

/// Longest email address: RFC 5321, 4.5.3.1.3, without the angle brackets.
const LONGEST_EMAIL: usize = 254;
const LONGEST_PHONE: usize = 32;
/// Accounts that one request may open.
const MOST_ACCOUNTS: usize = 100;

/// An account to open: `{"type","currency"}`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ToSchema)]
pub struct AccountRequest {
    /// What kind.
    #[schema(rename = "type", value_type = schema::AccountType)]
    pub product: Product,
    /// In which currency.
    #[schema(value_type = schema::CurrencyCode)]
    pub currency: Currency,
}

impl Body for AccountRequest {
    const FIELDS: &'static [&'static str] = &["type", "currency"];

    fn read(object: &Object<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            product: object.required("type")?.parsed("checking or savings", Product::parse)?,
            currency: object.required("currency")?.currency()?,
        })
    }
}

/// Somebody becomes a customer: `{"name","email","password","phone"?,"address"?,"account":{…}}`.
#[derive(Clone, Debug, ToSchema)]
pub struct SignUpBody {
    /// Who.
    #[schema(value_type = schema::Line)]
    pub name: String,
    /// Their address.
    #[schema(format = "email")]
    pub email: String,
    /// The password they choose.
    #[schema(value_type = schema::NewPassword)]
    pub password: SecretText,
    /// Telephone number.
    #[schema(value_type = schema::PhoneNumber, required = false)]
    pub phone: Option<String>,
    /// Postal address.
    #[schema(value_type = schema::PostalAddress, required = false)]
    pub address: Option<String>,
    /// Their first account.
    pub account: AccountRequest,
}

impl Body for SignUpBody {
    const FIELDS: &'static [&'static str] = &["name", "email", "password", "phone", "address", "account"];

    fn read(object: &Object<'_>) -> Result<Self, Malformed> {
        let (name, email) = (object.required("name")?, object.required("email")?);
        let (secret, account) = (object.required("password")?, object.required("account")?);
        Ok(Self {
            name: name.line(LONGEST_LINE)?,
            email: email_address(email)?,
            password: secret.secret()?,
            phone: object.optional("phone").map(phone).transpose()?,
            address: object.optional("address").map(address).transpose()?,
            account: AccountRequest::read(&account.object(AccountRequest::FIELDS)?)?,
        })
    }
}

/// A customer's data as they wish it: any of `{"name","email","phone","address"}`, `null` takes the last two away.
#[derive(Clone, PartialEq, Eq, Debug, ToSchema)]
pub struct CustomerPatch {
    /// New name.
    #[schema(value_type = schema::Line, required = false)]
    pub name: Option<String>,
    /// New email address.
    #[schema(nullable = false, format = "email")]
    pub email: Option<String>,
    /// New telephone number, or none any more.
    #[schema(value_type = Option<schema::PhoneNumber>)]
    pub phone: Option<Option<String>>,
    /// New postal address, or none any more.
    #[schema(value_type = Option<schema::PostalAddress>)]
    pub address: Option<Option<String>>,
}

impl Body for CustomerPatch {
    const FIELDS: &'static [&'static str] = &["name", "email", "phone", "address"];

    fn read(object: &Object<'_>) -> Result<Self, Malformed> {
        let or_none = |value: Value<'_, '_>, read: fn(Value<'_, '_>) -> Result<String, Malformed>| {
            if value.is_null() { Ok(None) } else { read(value).map(Some) }
        };
        Ok(Self {
            name: object.optional("name").map(|value| value.line(LONGEST_LINE)).transpose()?,
            email: object.optional("email").map(email_address).transpose()?,
            phone: object.optional("phone").map(|value| or_none(value, phone)).transpose()?,
            address: object.optional("address").map(|value| or_none(value, address)).transpose()?,
        })
    }
}

/// A new password: `{"old_password","new_password"}`.
#[derive(Clone, Debug, ToSchema)]
pub struct PasswordChange {
    /// The one until now.
    #[schema(rename = "old_password", value_type = schema::Secret)]
    pub old: SecretText,
    /// The one from now on.
    #[schema(rename = "new_password", value_type = schema::NewPassword)]
    pub new: SecretText,
}

impl Body for PasswordChange {
    const FIELDS: &'static [&'static str] = &["old_password", "new_password"];

    fn read(object: &Object<'_>) -> Result<Self, Malformed> {
        let (old, new) = (object.required("old_password")?, object.required("new_password")?);
        Ok(Self { old: old.secret()?, new: new.secret()? })
    }
}

/// Staff make a customer: `{"name","email"?,"phone"?,"address"?,"accounts":[{"type","currency","opening_balance"?}]}`.
#[derive(Clone, PartialEq, Eq, Debug, ToSchema)]
pub struct NewCustomerBody {
    /// Who.
    #[schema(value_type = schema::Line)]
    pub name: String,
    /// Their address.
    #[schema(nullable = false, format = "email")]
    pub email: Option<String>,
    /// Telephone number.
    #[schema(value_type = schema::PhoneNumber, required = false)]
    pub phone: Option<String>,
    /// Postal address.
    #[schema(value_type = schema::PostalAddress, required = false)]
    pub address: Option<String>,
    /// Their accounts and what is on them at first.
    #[schema(value_type = Vec<schema::OpeningAccount>, min_items = 1, max_items = 100)]
    pub accounts: Vec<(AccountRequest, Decimal)>,
}

impl Body for NewCustomerBody {
    const FIELDS: &'static [&'static str] = &["name", "email", "phone", "address", "accounts"];

    fn read(object: &Object<'_>) -> Result<Self, Malformed> {
        let (name, accounts) = (object.required("name")?, object.required("accounts")?);
        let accounts = accounts.list(MOST_ACCOUNTS)?.into_iter().map(opened_with);
        Ok(Self {
            name: name.line(LONGEST_LINE)?,
            email: object.optional("email").map(email_address).transpose()?,
            phone: object.optional("phone").map(phone).transpose()?,
            address: object.optional("address").map(address).transpose()?,
            accounts: accounts.collect::<Result<_, _>>()?,
        })
    }
}

fn opened_with(value: Value<'_, '_>) -> Result<(AccountRequest, Decimal), Malformed> {
    let object = value.object(&["type", "currency", "opening_balance"])?;
    let account = AccountRequest::read(&object)?;
    let balance = object.optional("opening_balance");
    Ok((account, balance.map_or(Ok(Decimal::new(0, 0)), Value::amount_or_zero)?))
}

fn email_address(value: Value<'_, '_>) -> Result<String, Malformed> {
    let text = value.line(LONGEST_EMAIL)?;
    let parts = text.split_once('@').filter(|(local, domain)| !local.is_empty() && !domain.is_empty());
    let one_at = parts.is_some_and(|(_, domain)| !domain.contains('@'));
    if one_at && !text.contains(char::is_whitespace) { Ok(text) } else { Err(value.must_be("an email address")) }
}

fn phone(value: Value<'_, '_>) -> Result<String, Malformed> {
    let text = value.line(LONGEST_PHONE)?;
    let known = |c: char| c.is_ascii_digit() || "+-()./ ".contains(c);
    let has_digit = text.bytes().any(|b| b.is_ascii_digit());
    if has_digit && text.chars().all(known) { Ok(text) } else { Err(value.must_be("a telephone number")) }
}

/// A postal address may have several lines.
fn address(value: Value<'_, '_>) -> Result<String, Malformed> {
    let text = value.text()?;
    let odd = |c: char| c.is_control() && c != '\n' && c != '\r';
    if text.trim().is_empty() || text.chars().count() > 2 * LONGEST_LINE || text.contains(odd) {
        return Err(value.must_be(format_args!("an address of at most {} characters", 2 * LONGEST_LINE)));
    }
    Ok(text.into_owned())
}
