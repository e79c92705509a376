//! Customers, their accounts and cards.

use cashpoint_core::account::Account;
use cashpoint_core::id::{AccountNumber, CardId, CustomerId};
use cashpoint_core::time::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::session::{Rank, SessionAccount, SessionAnswer};
use super::{shown, shown_option};
use crate::schema;

/// A customer's own data.
#[derive(Clone, Serialize, ToSchema)]
pub struct CustomerAnswer {
    /// Who.
    #[serde(serialize_with = "shown")]
    #[schema(value_type = schema::CustomerId)]
    pub customer_id: CustomerId,
    /// Their name.
    pub name: String,
    /// Email address; null for a customer whom staff made without one.
    #[schema(required)]
    pub email: Option<String>,
    /// Telephone number.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub phone: Option<String>,
    /// Postal address.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub address: Option<String>,
    /// Since when they are a customer.
    #[serde(serialize_with = "shown")]
    #[schema(value_type = schema::Instant)]
    pub created_at: Timestamp,
}

/// An account in a customer's list.
#[derive(Clone, Serialize, Debug, ToSchema)]
pub struct AccountAnswer {
    #[serde(flatten)]
    account: SessionAccount,
    /// When it was opened.
    #[serde(serialize_with = "shown")]
    #[schema(value_type = schema::Instant)]
    created_at: Timestamp,
    /// When it was closed, if it was.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "shown_option")]
    #[schema(value_type = schema::Instant, required = false)]
    closed_at: Option<Timestamp>,
}

impl AccountAnswer {
    /// This account.
    #[must_use]
    pub fn new(account: &Account, rank: Rank) -> Self {
        Self {
            account: SessionAccount::new(&account.identity, rank),
            created_at: account.identity.opened,
            closed_at: account.closed,
        }
    }
}

/// Somebody has become a customer.
#[derive(Clone, Serialize, ToSchema)]
pub struct SignedUpAnswer {
    /// Who.
    #[serde(serialize_with = "shown")]
    #[schema(value_type = schema::CustomerId)]
    pub customer_id: CustomerId,
    /// Their first account.
    #[serde(serialize_with = "shown")]
    #[schema(value_type = schema::AccountId)]
    pub account_id: AccountNumber,
    /// The session that began.
    pub session: SessionAnswer,
}

/// Staff have made a customer.
#[derive(Clone, Serialize, Debug, ToSchema)]
pub struct CustomerCreatedAnswer {
    /// Who.
    #[serde(serialize_with = "shown")]
    #[schema(value_type = schema::CustomerId)]
    pub customer_id: CustomerId,
    /// Their accounts, in the order asked for.
    pub accounts: Vec<SessionAccount>,
}

/// A card was made. A repeated answer is without number and PIN.
#[derive(Clone, Serialize, ToSchema)]
pub struct CardAnswer {
    /// Which.
    #[serde(serialize_with = "shown")]
    #[schema(value_type = schema::CardId)]
    pub card_id: CardId,
    /// Its number, this once.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = schema::CardNumber, required = false)]
    pub card_number: Option<String>,
    /// The last month in which it is valid, such as `2029-11`.
    #[schema(value_type = schema::ExpiryMonth)]
    pub expires: String,
    /// Its PIN, this once.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = schema::Pin, required = false)]
    pub pin: Option<String>,
}

/// A card's new PIN, this once.
#[derive(Clone, Serialize, ToSchema)]
pub struct PinAnswer {
    /// The PIN.
    #[schema(value_type = schema::Pin)]
    pub pin: String,
}

#[cfg(test)]
mod tests {
    use cashpoint_core::account::{AccountIdentity, Product};
    use cashpoint_core::currency::Currency;
    use expect_test::{Expect, expect};

    use super::*;
    use crate::answer::{Listed, to_json};

    #[track_caller]
    fn check(answer: &impl Serialize, expected: Expect) {
        expected.assert_eq(&String::from_utf8(to_json(answer)).unwrap());
    }

    fn account() -> Account {
        Account::opened(AccountIdentity {
            number: AccountNumber::new(12_345),
            customer: CustomerId::new(77),
            product: Product::Checking,
            currency: Currency::EUR,
            opened: Timestamp::from_micros(1_800_000_000_000_000),
        })
    }

    #[test]
    fn it_shows_a_customer_and_the_accounts() {
        let mut customer = CustomerAnswer {
            customer_id: CustomerId::new(77),
            name: "Jane".into(),
            email: Some("jane@example.org".into()),
            phone: Some("+1 555".into()),
            address: Some("1 Road\nTown".into()),
            created_at: Timestamp::EPOCH,
        };
        check(
            &customer,
            expect![[
                r#"{"customer_id":"77","name":"Jane","email":"jane@example.org","phone":"+1 555","address":"1 Road\nTown","created_at":"1970-01-01T00:00:00.000Z"}"#
            ]],
        );
        (customer.email, customer.phone, customer.address) = (None, None, None);
        check(
            &customer,
            expect![[r#"{"customer_id":"77","name":"Jane","email":null,"created_at":"1970-01-01T00:00:00.000Z"}"#]],
        );
        let open = AccountAnswer::new(&account(), Rank::Primary);
        let closed = Account { closed: Some(Timestamp::EPOCH), ..account() };
        check(
            &Listed("accounts", &[open, AccountAnswer::new(&closed, Rank::Further)]),
            expect![[
                r#"{"accounts":[{"account_id":"12345","type":"checking","currency":"EUR","primary":true,"created_at":"2027-01-15T08:00:00.000Z"},{"account_id":"12345","type":"checking","currency":"EUR","primary":false,"created_at":"2027-01-15T08:00:00.000Z","closed_at":"1970-01-01T00:00:00.000Z"}]}"#
            ]],
        );
        let created = CustomerCreatedAnswer {
            customer_id: CustomerId::new(77),
            accounts: vec![SessionAccount::new(&account().identity, Rank::Primary)],
        };
        check(
            &created,
            expect![[
                r#"{"customer_id":"77","accounts":[{"account_id":"12345","type":"checking","currency":"EUR","primary":true}]}"#
            ]],
        );
    }

    #[test]
    fn it_shows_a_cards_secrets_only_when_given() {
        let mut card = CardAnswer {
            card_id: CardId::new(78),
            card_number: Some("9999000000000001".into()),
            expires: "2029-11".into(),
            pin: Some("0417".into()),
        };
        check(
            &card,
            expect![[r#"{"card_id":"78","card_number":"9999000000000001","expires":"2029-11","pin":"0417"}"#]],
        );
        (card.card_number, card.pin) = (None, None);
        check(&card, expect![[r#"{"card_id":"78","expires":"2029-11"}"#]]);
        check(&PinAnswer { pin: "0417".into() }, expect![[r#"{"pin":"0417"}"#]]);
    }
}
