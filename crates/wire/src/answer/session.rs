//! Sessions.

use cashpoint_core::account::AccountIdentity;
use cashpoint_core::id::{AccountNumber, CardId, CustomerId, OperatorId};
use cashpoint_core::session::Role;
use cashpoint_core::time::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::{shown, shown_option};
use crate::schema;

/// A session's customer.
#[derive(Clone, Serialize, Debug, ToSchema)]
pub struct SessionCustomer {
    /// Who.
    #[serde(serialize_with = "shown")]
    #[schema(value_type = schema::CustomerId)]
    pub customer_id: CustomerId,
    /// Their name.
    pub name: String,
}

/// A session's member of staff.
#[derive(Clone, Serialize, Debug, ToSchema)]
pub struct SessionOperator {
    /// Who.
    #[serde(serialize_with = "shown")]
    #[schema(value_type = schema::OperatorId)]
    operator_id: OperatorId,
    /// What they may do.
    #[schema(value_type = schema::Role)]
    role: &'static str,
}

impl SessionOperator {
    /// This one.
    #[must_use]
    pub const fn new(operator_id: OperatorId, role: Role) -> Self {
        Self { operator_id, role: role.name() }
    }
}

/// An account that a session reaches.
#[derive(Clone, Serialize, Debug, ToSchema)]
pub struct SessionAccount {
    /// Its number.
    #[serde(serialize_with = "shown")]
    #[schema(value_type = schema::AccountId)]
    account_id: AccountNumber,
    /// Its kind.
    #[serde(rename = "type")]
    #[schema(rename = "type", value_type = schema::AccountType)]
    product: &'static str,
    /// Its currency.
    #[schema(value_type = schema::CurrencyCode)]
    currency: &'static str,
    /// Whether it is the one that the card, or the customer, stands for first.
    primary: bool,
}

/// Whether an account is the one that a card stands for first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rank {
    /// It is.
    Primary,
    /// Another is.
    Further,
}

impl SessionAccount {
    /// This account.
    #[must_use]
    pub fn new(identity: &AccountIdentity, rank: Rank) -> Self {
        Self {
            account_id: identity.number,
            product: identity.product.name(),
            currency: identity.currency.code(),
            primary: rank == Rank::Primary,
        }
    }
}

/// A session, with its token when it has just begun.
#[derive(Clone, Serialize, ToSchema)]
pub struct SessionAnswer {
    /// The token, this once.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = schema::Secret, required = false)]
    pub token: Option<String>,
    /// When it ends if nothing more happens.
    #[serde(serialize_with = "shown")]
    #[schema(value_type = schema::Instant)]
    pub expires_at: Timestamp,
    /// After how many seconds without activity it ends.
    #[schema(value_type = schema::Count)]
    pub idle_timeout_s: u32,
    /// The customer, of a customer's session.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub customer: Option<SessionCustomer>,
    /// The member of staff, of staff's session.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub operator: Option<SessionOperator>,
    /// The card, of a card's session.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "shown_option")]
    #[schema(value_type = schema::CardId, required = false)]
    pub card_id: Option<CardId>,
    /// What a customer's session reaches.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub accounts: Option<Vec<SessionAccount>>,
}

#[cfg(test)]
mod tests {
    use cashpoint_core::account::Product;
    use cashpoint_core::currency::Currency;
    use expect_test::expect;

    use super::*;
    use crate::answer::to_json;

    #[test]
    fn it_shows_what_a_session_reaches() {
        let identity = AccountIdentity {
            number: AccountNumber::new(12_345),
            customer: CustomerId::new(77),
            product: Product::Savings,
            currency: Currency::USD,
            opened: Timestamp::EPOCH,
        };
        let mut session = SessionAnswer {
            token: Some("cps_x".into()),
            expires_at: Timestamp::from_micros(1_800_000_000_000_000),
            idle_timeout_s: 300,
            customer: Some(SessionCustomer { customer_id: CustomerId::new(77), name: "John \"J\" Doe".into() }),
            operator: None,
            card_id: Some(CardId::new(78)),
            accounts: Some(vec![SessionAccount::new(&identity, Rank::Primary)]),
        };
        let text = |session: &SessionAnswer| String::from_utf8(to_json(session)).unwrap();
        expect![[r#"{"token":"cps_x","expires_at":"2027-01-15T08:00:00.000Z","idle_timeout_s":300,"customer":{"customer_id":"77","name":"John \"J\" Doe"},"card_id":"78","accounts":[{"account_id":"12345","type":"savings","currency":"USD","primary":true}]}"#]].assert_eq(&text(&session));
        session.operator = Some(SessionOperator::new(OperatorId::new(5), Role::Clerk));
        (session.token, session.customer, session.card_id, session.accounts) = (None, None, None, None);
        expect![[r#"{"expires_at":"2027-01-15T08:00:00.000Z","idle_timeout_s":300,"operator":{"operator_id":"5","role":"clerk"}}"#]].assert_eq(&text(&session));
    }
}
