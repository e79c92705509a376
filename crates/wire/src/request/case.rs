//! Cases: which of them, and what staff say.

use cashpoint_core::money::Decimal;
use utoipa::ToSchema;

use super::Body;
use super::listing::Query;
use crate::malformed::Malformed;
use crate::object::Object;
use crate::schema;

/// What a case came to: `{"paid"}`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ToSchema)]
pub struct ResolutionBody {
    /// What turned out paid (of a deposit: paid in; of what went back to a closed account: handed to its owner), from nothing to
    /// the case's amount; where that is 0.00 because it is not known, to what one deposit may bring.
    #[schema(value_type = schema::AmountOrZeroSent)]
    pub paid: Decimal,
}

impl Body for ResolutionBody {
    const FIELDS: &'static [&'static str] = &["paid"];

    fn read(object: &Object<'_>) -> Result<Self, Malformed> {
        Ok(Self { paid: object.required("paid")?.amount_or_zero()? })
    }
}

/// Which cases: `status`, `limit`, `cursor`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CaseParameters {
    /// Those that are resolved too.
    pub status: CaseStatus,
    /// At most so many.
    pub limit: usize,
    /// The id of the last case on the page before.
    pub cursor: Option<i64>,
}

/// Which cases.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CaseStatus {
    /// Those that wait for staff.
    Open,
    /// All of them.
    All,
}

impl CaseParameters {
    /// Reads decoded parameters.
    ///
    /// # Errors
    /// [`Malformed`] names the one that is wrong.
    pub fn read(pairs: Vec<(String, String)>) -> Result<Self, Malformed> {
        let query = Query::new(pairs, &["status", "limit", "cursor"])?;
        let status = query.parsed("status", "open or all", |text| match text {
            "open" => Some(CaseStatus::Open),
            "all" => Some(CaseStatus::All),
            _ => None,
        })?;
        let cursor = query.parsed("cursor", "a next_cursor of before", |text| text.parse().ok())?;
        Ok(Self { status: status.unwrap_or(CaseStatus::Open), limit: query.limit()?, cursor })
    }
}
