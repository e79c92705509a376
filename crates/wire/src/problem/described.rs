//! Problem documents as the interface's document shows them: their schema, and one of each code.

use cashpoint_core::currency::Currency;
use cashpoint_core::money::Amount;
use cashpoint_core::time::Timestamp;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ArrayBuilder, Object, ObjectBuilder, Schema, SchemaType, Type};
use utoipa::{PartialSchema, ToSchema};

use super::{Code, Extra, Problem};
use crate::money::Money;
use crate::schema::{Instant, one_of};

/// An instant for examples: 20 November 2026, 10:11:07.
const LATER: Timestamp = Timestamp::from_micros(1_795_169_467_000_000);

impl Code {
    /// What a document of this code carries beside the usual, as in an example; [`Extra::None`] if nothing.
    fn extra(self) -> Extra {
        let dollars = |minor| Amount::new(minor, Currency::USD);
        match self {
            Self::InvalidRequest => Extra::Field("atm_id".to_owned()),
            Self::InvalidAmount => Extra::Field("amount".to_owned()),
            Self::InvalidAccountId => Extra::Field("account_id".to_owned()),
            Self::InsufficientFunds => Extra::Available(dollars(900_00)),
            Self::OverTransactionLimit => Extra::Limit(dollars(500_00)),
            Self::OverDepositLimit => Extra::Limit(dollars(10_000_00)),
            Self::DailyLimitExceeded => Extra::Remaining(dollars(200_00)),
            Self::AmountNotDispensable => Extra::Nearest(vec![dollars(120_00), dollars(130_00)]),
            Self::CardBlocked => Extra::BlockedUntil(Some(LATER)),
            Self::TooManyRequests | Self::Overloaded | Self::DatabaseUnavailable | Self::ClockDisagrees => {
                Extra::RetryAfter(1)
            }
            Self::Unauthenticated
            | Self::SessionExpired
            | Self::WrongCredentials
            | Self::Forbidden
            | Self::ChannelRequired
            | Self::NotFound
            | Self::AccountNotFound
            | Self::TransactionNotFound
            | Self::AtmNotFound
            | Self::MethodNotAllowed
            | Self::EmailTaken
            | Self::AtmIdTaken
            | Self::CardNumberTaken
            | Self::BodyTooLarge
            | Self::UnsupportedMediaType
            | Self::AtmOutOfCash
            | Self::AtmInactive
            | Self::AtmMismatch
            | Self::TerminalOnly
            | Self::CardExpired
            | Self::CardStolen
            | Self::CardLost
            | Self::AccountClosed
            | Self::AccountNotEmpty
            | Self::SameAccount
            | Self::CurrencyMismatch
            | Self::IdempotencyKeyReused
            | Self::ReplenishmentOpen
            | Self::Reversed
            | Self::Internal => Extra::None,
        }
    }

    /// A document of this code, as in an example.
    #[must_use]
    pub fn example(self) -> Problem {
        Problem { code: self, detail: None, extra: self.extra() }
    }
}

impl PartialSchema for Problem {
    fn schema() -> RefOr<Schema> {
        let text = || ObjectBuilder::new().schema_type(Type::String);
        let status = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(400)).maximum(Some(599));
        let codes = Code::ALL.iter().map(|code| code.name());
        let document = ObjectBuilder::new()
            .schema_type(Type::Object)
            .description(Some("A \"no\" (RFC 9457). `/docs/errors` says what each code means, and who acts."))
            .property("type", text().description(Some("Where the code is explained.")))
            .property("title", text().description(Some("For people, short.")))
            .property("status", status.description(Some("The HTTP status again.")))
            .property("detail", text().description(Some("For people, a sentence.")))
            .property("code", one_of(codes).description(Some("For programs.")))
            .property("request_id", text().description(Some("As in `X-Request-Id`; it finds the request in the log.")));
        let required = ["type", "title", "status", "detail", "code", "request_id"];
        let document = required.into_iter().fold(document, ObjectBuilder::required);
        extras(document).build().into()
    }
}

/// What only some codes carry.
fn extras(document: ObjectBuilder) -> ObjectBuilder {
    let money = |description| money().description(Some(description));
    let blocked = SchemaType::from_iter([Type::String, Type::Null]);
    let retry = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1));
    document
        .property(
            "field",
            ObjectBuilder::new().schema_type(Type::String).description(Some("With status 400: which field is wrong.")),
        )
        .property("available", money("With `insufficient_funds`: what the account would cover."))
        .property("limit", money("With `over_transaction_limit` and `over_deposit_limit`: what may be asked for."))
        .property("remaining", money("With `daily_limit_exceeded`: what the day's limit leaves."))
        .property(
            "nearest",
            ArrayBuilder::new().items(self::money()).max_items(Some(2)).description(Some(
                "With `amount_not_dispensable`: the nearest amounts, below and above, that the machine can pay.",
            )),
        )
        .property(
            "blocked_until",
            Object::from(
                instant()
                    .schema_type(blocked)
                    .description(Some("With `card_blocked`: when the block lifts; null: when staff unlock.")),
            ),
        )
        .property("retry_after_s", retry.description(Some("Seconds to wait, as in `Retry-After`.")))
}

fn money() -> ObjectBuilder {
    builder::<Money>()
}

fn instant() -> ObjectBuilder {
    builder::<Instant>()
}

/// The schema of something that is no object and no reference, to go on with.
fn builder<T: PartialSchema>() -> ObjectBuilder {
    match T::schema() {
        RefOr::T(Schema::Object(schema)) => schema.into(),
        RefOr::T(_) | RefOr::Ref(_) => ObjectBuilder::new(),
    }
}

impl ToSchema for Problem {}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn it_shows_one_of_each_code_with_the_fields_that_the_schema_has() {
        let schema = serde_json::to_value(Problem::schema()).unwrap();
        for code in Code::ALL {
            let example: Value = serde_json::from_slice(&code.example().to_json("r-1")).unwrap();
            for (field, _) in example.as_object().unwrap() {
                assert!(schema["properties"].get(field).is_some(), "{field} of {code:?}");
            }
            let required = schema["required"].as_array().unwrap();
            assert!(required.iter().all(|field| example.get(field.as_str().unwrap()).is_some()), "{code:?}");
            assert_eq!(code.example().retry_after_s().is_some(), matches!(code.status(), 429 | 503), "{code:?}");
        }
    }
}
