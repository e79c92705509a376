//! Cards and PINs.

use cashpoint_core::command::ReportReason;
use cashpoint_core::id::{AccountNumber, CustomerId};
use utoipa::ToSchema;

use super::Body;
use crate::malformed::Malformed;
use crate::object::{Object, Value};
use crate::schema;
use crate::secret::SecretText;

/// Accounts that one card may reach.
const MOST_ACCOUNTS: usize = 100;

/// A card to make: `{"customer_id","account_ids":[…],"card_number"?,"pin"?}`.
#[derive(Clone, Debug, ToSchema)]
pub struct CardBody {
    /// Its holder.
    #[schema(rename = "customer_id", value_type = schema::CustomerId)]
    pub customer: CustomerId,
    /// The accounts it reaches, the primary one first.
    #[schema(rename = "account_ids", value_type = Vec<schema::AccountId>, min_items = 1, max_items = 100)]
    pub accounts: Vec<AccountNumber>,
    /// Its number; made unless given.
    #[schema(rename = "card_number", value_type = schema::CardNumber, required = false)]
    pub number: Option<SecretText>,
    /// Its PIN; made unless given.
    #[schema(value_type = schema::Pin, required = false)]
    pub pin: Option<SecretText>,
}

impl Body for CardBody {
    const FIELDS: &'static [&'static str] = &["customer_id", "account_ids", "card_number", "pin"];

    fn read(object: &Object<'_>) -> Result<Self, Malformed> {
        let (customer, accounts) = (object.required("customer_id")?, object.required("account_ids")?);
        let accounts = accounts.list(MOST_ACCOUNTS)?.into_iter().map(Value::account);
        Ok(Self {
            customer: customer.parsed("a customer's id", CustomerId::parse)?,
            accounts: accounts.collect::<Result<_, _>>()?,
            number: object.optional("card_number").map(Value::secret).transpose()?,
            pin: object.optional("pin").map(Value::secret).transpose()?,
        })
    }
}

/// A holder's new PIN: `{"old_pin","new_pin"}`.
#[derive(Clone, Debug, ToSchema)]
pub struct PinChange {
    /// The one until now.
    #[schema(rename = "old_pin", value_type = schema::Pin)]
    pub old: SecretText,
    /// The one from now on.
    #[schema(rename = "new_pin", value_type = schema::Pin)]
    pub new: SecretText,
}

impl Body for PinChange {
    const FIELDS: &'static [&'static str] = &["old_pin", "new_pin"];

    fn read(object: &Object<'_>) -> Result<Self, Malformed> {
        let (old, new) = (object.required("old_pin")?, object.required("new_pin")?);
        Ok(Self { old: old.secret()?, new: new.secret()? })
    }
}

/// A card's report: `{"reason":"lost"|"stolen"}`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ToSchema)]
pub struct CardReport {
    /// Why.
    #[schema(value_type = schema::ReportReason)]
    pub reason: ReportReason,
}

impl Body for CardReport {
    const FIELDS: &'static [&'static str] = &["reason"];

    fn read(object: &Object<'_>) -> Result<Self, Malformed> {
        let reason = |text: &str| match text {
            "lost" => Ok(ReportReason::Lost),
            "stolen" => Ok(ReportReason::Stolen),
            _ => Err(()),
        };
        Ok(Self { reason: object.required("reason")?.parsed("lost or stolen", reason)? })
    }
}
