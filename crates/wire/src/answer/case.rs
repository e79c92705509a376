//! Open questions about cash, as staff see them.

use cashpoint_core::case::Case;
use cashpoint_core::currency::Currency;
use cashpoint_core::id::{AccountNumber, CardId, CaseId, MachineId, TransferId};
use cashpoint_core::money::Amount;
use cashpoint_core::time::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::{shown, shown_option};
use crate::money::Money;
use crate::schema;

/// A case.
#[derive(Clone, Serialize, Debug, ToSchema)]
pub struct CaseAnswer {
    /// Its id.
    #[serde(serialize_with = "shown")]
    #[schema(value_type = schema::CaseId)]
    case_id: CaseId,
    /// What it is about.
    #[schema(value_type = schema::CaseMatter)]
    matter: &'static str,
    /// The machine concerned.
    #[serde(serialize_with = "shown")]
    #[schema(value_type = schema::MachineId)]
    atm_id: MachineId,
    /// The account concerned, as it was told: perhaps there is none such.
    #[serde(serialize_with = "shown")]
    #[schema(value_type = String)]
    account_id: AccountNumber,
    /// The card concerned, as it was told.
    #[serde(serialize_with = "shown_option")]
    #[schema(value_type = Option<String>, required)]
    card_id: Option<CardId>,
    /// What is unresolved; 0.00 of a deposit of which not even the amount is known.
    amount: Money,
    /// Its currency.
    #[serde(serialize_with = "shown")]
    #[schema(value_type = schema::CurrencyCode)]
    currency: Currency,
    /// The transaction that waits; null if nothing was posted.
    #[serde(serialize_with = "shown_option")]
    #[schema(value_type = Option<schema::TransactionId>, required)]
    transaction_id: Option<TransferId>,
    /// When it was opened; null for one of before that was kept.
    #[serde(serialize_with = "shown_option")]
    #[schema(value_type = Option<schema::Instant>, required)]
    opened_at: Option<Timestamp>,
    /// How much of it counts of the machine found missing: evidence that it was paid.
    short: Money,
    /// What is known: `name=value` with semicolons between. `reference` is what the customer was given at the machine.
    evidence: String,
    /// What turned out paid, or paid in, or was handed to the owner; null: it waits for staff.
    #[schema(required)]
    paid: Option<Money>,
}

impl From<&Case> for CaseAnswer {
    fn from(case: &Case) -> Self {
        let currency = case.amount.currency();
        Self {
            case_id: case.id,
            matter: case.matter.name(),
            atm_id: case.machine,
            account_id: case.account,
            card_id: case.card,
            amount: case.amount.into(),
            currency,
            transaction_id: case.matter.transfer(),
            opened_at: case.opened,
            short: Money(Amount::new(case.short, currency)),
            evidence: case.evidence.clone(),
            paid: case.resolved.map(|minor| Money(Amount::new(minor, currency))),
        }
    }
}

/// A page of cases.
#[derive(Clone, Serialize, Debug, ToSchema)]
pub struct CasesAnswer {
    /// Oldest first.
    pub cases: Vec<CaseAnswer>,
    /// What to ask the next page with; null on the last.
    #[schema(required)]
    pub next_cursor: Option<String>,
}
