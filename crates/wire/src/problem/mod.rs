//! Problem documents (RFC 9457): how every "no" looks.

mod code;
mod described;

use cashpoint_core::money::Amount;
use cashpoint_core::outcome::Refusal;
use cashpoint_core::time::Timestamp;
use serde::ser::{Serialize, SerializeMap, Serializer};

pub use code::{Acts, Code};

use crate::answer::{Text, to_json};
use crate::malformed::Malformed;
use crate::money::Money;

/// The media type of a problem document.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// Where the codes are explained; `type` links into it.
pub const PAGE: &str = "/docs/errors";

/// A "no", and what its receiver can use. Nothing of the inside is in it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Problem {
    /// Which one.
    pub code: Code,
    /// What is special about this one, for people; the code's own text unless there is something to say.
    pub detail: Option<String>,
    /// What programs can use.
    pub extra: Extra,
}

/// What a problem document carries beside the usual.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Extra {
    /// Nothing.
    None,
    /// `field`: which one is wrong.
    Field(String),
    /// `available`: what the account would cover.
    Available(Amount),
    /// `limit`: what may be asked for.
    Limit(Amount),
    /// `remaining`: what the day's limit leaves.
    Remaining(Amount),
    /// `nearest`: what the machine can pay.
    Nearest(Vec<Amount>),
    /// `blocked_until`: when the block lifts; null: when staff unlock the card.
    BlockedUntil(Option<Timestamp>),
    /// `retry_after_s`: seconds to wait, also sent as `Retry-After`.
    RetryAfter(u32),
}

impl Problem {
    /// A problem that says no more than its code.
    #[must_use]
    pub const fn new(code: Code) -> Self {
        Self { code, detail: None, extra: Extra::None }
    }

    /// A problem that goes away by itself.
    #[must_use]
    pub const fn passing(code: Code, retry_after_s: u32) -> Self {
        Self { code, detail: None, extra: Extra::RetryAfter(retry_after_s) }
    }

    /// Seconds to wait before trying again, if that helps.
    #[must_use]
    pub const fn retry_after_s(&self) -> Option<u32> {
        match self.extra {
            Extra::RetryAfter(seconds) => Some(seconds),
            Extra::None
            | Extra::Field(_)
            | Extra::Available(_)
            | Extra::Limit(_)
            | Extra::Remaining(_)
            | Extra::Nearest(_)
            | Extra::BlockedUntil(_) => None,
        }
    }

    /// The document.
    #[must_use]
    pub fn to_json(&self, request_id: &str) -> Vec<u8> {
        to_json(&Document { problem: self, request_id })
    }
}

impl From<Code> for Problem {
    fn from(code: Code) -> Self {
        Self::new(code)
    }
}

impl From<Malformed> for Problem {
    fn from(malformed: Malformed) -> Self {
        let (code, detail, field) = match malformed {
            Malformed::Request { field, detail } => (Code::InvalidRequest, Some(detail), field),
            Malformed::Amount { field, detail } => (Code::InvalidAmount, Some(detail), Some(field)),
            Malformed::AccountId { field } => (Code::InvalidAccountId, None, Some(field)),
        };
        Self { code, detail, extra: field.map_or(Extra::None, Extra::Field) }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let code = Code::from(&refusal);
        let extra = match refusal {
            Refusal::InvalidRequest { field } => Extra::Field(field.to_owned()),
            Refusal::InsufficientFunds { available } => Extra::Available(available),
            Refusal::OverTransactionLimit { limit } | Refusal::OverDepositLimit { limit } => Extra::Limit(limit),
            Refusal::DailyLimitExceeded { remaining } => Extra::Remaining(remaining),
            Refusal::AmountNotDispensable { nearest } => Extra::Nearest(nearest),
            Refusal::CardBlocked { until } => Extra::BlockedUntil(until),
            Refusal::TooManyRequests { retry_after_s } => Extra::RetryAfter(retry_after_s),
            Refusal::SessionExpired
            | Refusal::WrongCredentials
            | Refusal::Forbidden
            | Refusal::ChannelRequired
            | Refusal::AccountNotFound
            | Refusal::TransactionNotFound
            | Refusal::AtmNotFound
            | Refusal::NotFound
            | Refusal::InvalidAmount
            | Refusal::EmailTaken
            | Refusal::AtmIdTaken
            | Refusal::CardNumberTaken
            | Refusal::AtmOutOfCash
            | Refusal::AtmInactive
            | Refusal::AtmMismatch
            | Refusal::TerminalOnly
            | Refusal::CardExpired
            | Refusal::CardStolen
            | Refusal::CardLost
            | Refusal::AccountClosed
            | Refusal::AccountNotEmpty
            | Refusal::SameAccount
            | Refusal::CurrencyMismatch
            | Refusal::IdempotencyKeyReused
            | Refusal::ReplenishmentOpen
            | Refusal::Reversed
            | Refusal::Moved
            | Refusal::NumberTaken => Extra::None,
        };
        Self { code, detail: None, extra }
    }
}

struct Document<'a> {
    problem: &'a Problem,
    request_id: &'a str,
}

impl Serialize for Document<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Problem { code, detail, extra } = self.problem;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("type", &Text(format_args!("{PAGE}#{}", code.name())))?;
        map.serialize_entry("title", code.title())?;
        map.serialize_entry("status", &code.status())?;
        map.serialize_entry("detail", detail.as_deref().unwrap_or(code.detail()))?;
        map.serialize_entry("code", code.name())?;
        map.serialize_entry("request_id", self.request_id)?;
        match extra {
            Extra::None => {}
            Extra::Field(field) => map.serialize_entry("field", field)?,
            Extra::Available(amount) => map.serialize_entry("available", &Money(*amount))?,
            Extra::Limit(amount) => map.serialize_entry("limit", &Money(*amount))?,
            Extra::Remaining(amount) => map.serialize_entry("remaining", &Money(*amount))?,
            Extra::Nearest(amounts) => {
                let amounts: Vec<_> = amounts.iter().copied().map(Money).collect();
                map.serialize_entry("nearest", &amounts)?;
            }
            Extra::BlockedUntil(until) => map.serialize_entry("blocked_until", &until.map(Text))?,
            Extra::RetryAfter(seconds) => map.serialize_entry("retry_after_s", seconds)?,
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use cashpoint_core::currency::Currency;
    use expect_test::{Expect, expect};

    use super::*;

    #[track_caller]
    fn check(problem: impl Into<Problem>, expected: Expect) {
        expected.assert_eq(&String::from_utf8(problem.into().to_json("r-1")).unwrap());
    }

    fn dollars(minor: i64) -> Amount {
        Amount::new(minor, Currency::USD)
    }

    #[test]
    fn it_shows_what_the_caller_can_use() {
        let available = dollars(90_000);
        check(
            Refusal::InsufficientFunds { available },
            expect![[
                r#"{"type":"/docs/errors#insufficient_funds","title":"Insufficient funds","status":422,"detail":"The account does not cover this; `available` says what it would.","code":"insufficient_funds","request_id":"r-1","available":900.00}"#
            ]],
        );
        check(
            Refusal::OverTransactionLimit { limit: dollars(50_000) },
            expect![[
                r#"{"type":"/docs/errors#over_transaction_limit","title":"Over the limit of one withdrawal","status":422,"detail":"One withdrawal may pay at most `limit`.","code":"over_transaction_limit","request_id":"r-1","limit":500.00}"#
            ]],
        );
        check(
            Refusal::DailyLimitExceeded { remaining: dollars(20_000) },
            expect![[
                r#"{"type":"/docs/errors#daily_limit_exceeded","title":"Daily limit exceeded","status":422,"detail":"Today's limit leaves `remaining`.","code":"daily_limit_exceeded","request_id":"r-1","remaining":200.00}"#
            ]],
        );
        check(
            Refusal::OverDepositLimit { limit: dollars(0) },
            expect![[
                r#"{"type":"/docs/errors#over_deposit_limit","title":"Over the deposit limit","status":422,"detail":"At most `limit` would be taken now.","code":"over_deposit_limit","request_id":"r-1","limit":0.00}"#
            ]],
        );
        let nearest = vec![dollars(1_000), dollars(2_000)];
        check(
            Refusal::AmountNotDispensable { nearest },
            expect![[
                r#"{"type":"/docs/errors#amount_not_dispensable","title":"Amount not dispensable","status":422,"detail":"The machine's notes cannot make this amount; `nearest` lists amounts that they can.","code":"amount_not_dispensable","request_id":"r-1","nearest":[10.00,20.00]}"#
            ]],
        );
        let until = Some(Timestamp::from_micros(1_800_000_000_000_000));
        check(
            Refusal::CardBlocked { until },
            expect![[
                r#"{"type":"/docs/errors#card_blocked","title":"Card blocked","status":423,"detail":"Too many wrong PINs; `blocked_until` says when the block lifts, null: when staff unlock the card.","code":"card_blocked","request_id":"r-1","blocked_until":"2027-01-15T08:00:00.000Z"}"#
            ]],
        );
        check(
            Refusal::CardBlocked { until: None },
            expect![[
                r#"{"type":"/docs/errors#card_blocked","title":"Card blocked","status":423,"detail":"Too many wrong PINs; `blocked_until` says when the block lifts, null: when staff unlock the card.","code":"card_blocked","request_id":"r-1","blocked_until":null}"#
            ]],
        );
        check(
            Refusal::TooManyRequests { retry_after_s: 6 },
            expect![[
                r#"{"type":"/docs/errors#too_many_requests","title":"Too many requests","status":429,"detail":"Too many tries; wait as `Retry-After` says.","code":"too_many_requests","request_id":"r-1","retry_after_s":6}"#
            ]],
        );
        check(
            Refusal::AccountNotFound,
            expect![[
                r#"{"type":"/docs/errors#account_not_found","title":"Account not found","status":404,"detail":"There is no such account within reach of this session.","code":"account_not_found","request_id":"r-1"}"#
            ]],
        );
    }

    #[test]
    fn it_names_the_field_that_is_wrong() {
        check(
            Malformed::field("a\"b", "it is missing"),
            expect![[
                r#"{"type":"/docs/errors#invalid_request","title":"Invalid request","status":400,"detail":"it is missing","code":"invalid_request","request_id":"r-1","field":"a\"b"}"#
            ]],
        );
        check(
            Malformed::whole("not JSON: line 1 column 2"),
            expect![[
                r#"{"type":"/docs/errors#invalid_request","title":"Invalid request","status":400,"detail":"not JSON: line 1 column 2","code":"invalid_request","request_id":"r-1"}"#
            ]],
        );
        let (field, detail) = ("amount".to_owned(), "zero".to_owned());
        check(
            Malformed::Amount { field, detail },
            expect![[
                r#"{"type":"/docs/errors#invalid_amount","title":"Invalid amount","status":400,"detail":"zero","code":"invalid_amount","request_id":"r-1","field":"amount"}"#
            ]],
        );
        let field = "account_id".to_owned();
        check(
            Malformed::AccountId { field },
            expect![[
                r#"{"type":"/docs/errors#invalid_account_id","title":"Invalid account id","status":400,"detail":"An account id has 5 to 19 digits.","code":"invalid_account_id","request_id":"r-1","field":"account_id"}"#
            ]],
        );
    }
}
