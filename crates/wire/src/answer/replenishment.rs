//! What counting a machine's cash came to, or how far a terminal's exchange of cassettes got.

use cashpoint_core::currency::Currency;
use cashpoint_core::id::{MachineId, OperatorId};
use cashpoint_core::outcome::Replenished;
use cashpoint_core::replenishment::Replenishment;
use cashpoint_core::time::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::{shown, shown_option};
use crate::money::Money;
use crate::schema;

/// A replenishment. Of a machine of kind `api`, what it came to; of a terminal, how far it got.
#[derive(Clone, Serialize, Debug, ToSchema)]
pub struct ReplenishmentAnswer {
    /// The machine.
    #[serde(serialize_with = "shown")]
    #[schema(value_type = schema::MachineId)]
    atm_id: MachineId,
    /// The currency of its notes.
    #[serde(serialize_with = "shown")]
    #[schema(value_type = schema::CurrencyCode)]
    currency: Currency,
    /// What it holds since it was counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Money, required = false)]
    cash: Option<Money>,
    /// Counted less expected: negative is short, positive over.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Money, required = false)]
    difference: Option<Money>,
    /// How much of a shortage is evidence in open cases, and not over/short.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Money, required = false)]
    in_cases: Option<Money>,
    /// A terminal's replenishment: its name there.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = schema::ReplenishmentId, required = false)]
    replenishment_id: Option<String>,
    /// How far the terminal is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = schema::ReplenishmentState, required = false)]
    status: Option<&'static str>,
    /// Who ordered it.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "shown_option")]
    #[schema(value_type = schema::OperatorId, required = false)]
    operator_id: Option<OperatorId>,
    /// When.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "shown_option")]
    #[schema(value_type = schema::Instant, required = false)]
    ordered_at: Option<Timestamp>,
    /// When it was posted.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "shown_option")]
    #[schema(value_type = schema::Instant, required = false)]
    posted_at: Option<Timestamp>,
    /// The dispenser's own counters as the exchange began: `name=value` with semicolons between.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    found: Option<String>,
}

impl ReplenishmentAnswer {
    fn of(atm_id: MachineId, currency: Currency) -> Self {
        Self {
            atm_id,
            currency,
            cash: None,
            difference: None,
            in_cases: None,
            replenishment_id: None,
            status: None,
            operator_id: None,
            ordered_at: None,
            posted_at: None,
            found: None,
        }
    }

    /// A terminal was told to do it.
    #[must_use]
    pub fn ordered(atm_id: MachineId, currency: Currency, number: u64) -> Self {
        let (replenishment_id, status) = (Some(number.to_string()), Some("ordered"));
        Self { replenishment_id, status, ..Self::of(atm_id, currency) }
    }

    /// How far a terminal's replenishment got. `exchange`: the one for which it says that the exchange is open.
    #[must_use]
    pub fn shown(row: &Replenishment, currency: Currency, exchange: Option<u64>) -> Self {
        let status = match (&row.posted, &row.count) {
            (Some(_), _) => "done",
            (None, Some(_)) => "counted",
            (None, None) if exchange == Some(row.number) => "open",
            (None, None) => "ordered",
        };
        let posted = row.posted.as_ref();
        Self {
            cash: posted.map(|posted| posted.cash.into()),
            difference: posted.map(|posted| posted.difference.into()),
            in_cases: posted.map(|posted| posted.held.into()),
            status: Some(status),
            operator_id: Some(row.operator),
            ordered_at: Some(row.ordered),
            posted_at: posted.map(|posted| posted.at),
            found: posted.map(|posted| posted.found.clone()),
            ..Self::ordered(row.machine, currency, row.number)
        }
    }
}

impl From<&Replenished> for ReplenishmentAnswer {
    fn from(replenished: &Replenished) -> Self {
        Self {
            cash: Some(replenished.cash.into()),
            difference: Some(replenished.difference.into()),
            ..Self::of(replenished.machine, replenished.cash.currency())
        }
    }
}

#[cfg(test)]
mod tests {
    use cashpoint_core::money::Amount;
    use cashpoint_core::replenishment::{CashCount, Posted};
    use expect_test::{Expect, expect};

    use super::*;
    use crate::answer::to_json;

    #[track_caller]
    fn check(answer: &ReplenishmentAnswer, expected: Expect) {
        expected.assert_eq(&String::from_utf8(to_json(answer)).unwrap());
    }

    #[test]
    fn it_shows_what_was_posted_and_how_far_a_terminal_is() {
        let usd = |minor| Amount::new(minor, Currency::USD);
        let machine = MachineId::parse("ATM901").unwrap();
        let at = |s| Timestamp::EPOCH.plus_s(s);
        check(
            &(&Replenished { machine, cash: usd(906_000), difference: usd(-2_000) }).into(),
            expect![[r#"{"atm_id":"ATM901","currency":"USD","cash":9060.00,"difference":-20.00}"#]],
        );
        let mut row = Replenishment {
            machine,
            number: 3,
            operator: OperatorId::new(7),
            ordered: at(60),
            count: None,
            posted: None,
        };
        let shown = |row: &Replenishment, exchange| ReplenishmentAnswer::shown(row, Currency::USD, exchange);
        check(
            &ReplenishmentAnswer::ordered(machine, Currency::USD, 3),
            expect![[r#"{"atm_id":"ATM901","currency":"USD","replenishment_id":"3","status":"ordered"}"#]],
        );
        assert_eq!(shown(&row, Some(2)).status, Some("ordered"));
        check(
            &shown(&row, Some(3)),
            expect![[
                r#"{"atm_id":"ATM901","currency":"USD","replenishment_id":"3","status":"open","operator_id":"7","ordered_at":"1970-01-01T00:01:00.000Z"}"#
            ]],
        );
        row.count = Some(CashCount::default());
        assert_eq!(shown(&row, Some(3)).status, Some("counted"));
        let found = "out=1,2".to_owned();
        row.posted = Some(Posted { at: at(120), cash: usd(100), difference: usd(-50), held: usd(20), found });
        check(
            &shown(&row, None),
            expect![[
                r#"{"atm_id":"ATM901","currency":"USD","cash":1.00,"difference":-0.50,"in_cases":0.20,"replenishment_id":"3","status":"done","operator_id":"7","ordered_at":"1970-01-01T00:01:00.000Z","posted_at":"1970-01-01T00:02:00.000Z","found":"out=1,2"}"#
            ]],
        );
    }
}
