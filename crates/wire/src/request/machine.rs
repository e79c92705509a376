//! Machines, counters and their cash.

use cashpoint_core::command::{CountedCassette, JournalAccepted, NewCassette};
use cashpoint_core::currency::Currency;
use cashpoint_core::id::MachineId;
use cashpoint_core::machine::{MachineKind, MachineStatus};
use cashpoint_core::money::Decimal;
use utoipa::ToSchema;

use super::partition::{self, PartitionBody, PartitionWish};
use super::{Body, LONGEST_LINE};
use crate::malformed::Malformed;
use crate::object::{Object, Value};
use crate::schema;

/// Cassettes that one machine may have.
const MOST_CASSETTES: usize = 32;

/// A machine's id in a body.
pub(super) fn machine_id(value: Value<'_, '_>) -> Result<MachineId, Malformed> {
    value.parsed("a machine's id: 1 to 31 of A-Z a-z 0-9 _ -", MachineId::parse)
}

/// A machine to make: `{"atm_id","location","kind","cassettes":[{"denomination","currency","count"}]}`.
#[derive(Clone, PartialEq, Eq, Debug, ToSchema)]
pub struct MachineBody {
    /// Its id.
    #[schema(rename = "atm_id", value_type = schema::MachineId)]
    pub machine: MachineId,
    /// Where it stands.
    #[schema(value_type = schema::Line)]
    pub location: String,
    /// Who moves its notes; never a counter.
    #[schema(value_type = schema::MachineKind)]
    pub kind: MachineKind,
    /// The currency of all its notes.
    #[schema(ignore)]
    pub currency: Currency,
    /// Its cassettes.
    #[schema(value_type = Vec<schema::CassetteSent>, min_items = 1, max_items = 32)]
    pub cassettes: Vec<NewCassette>,
}

impl Body for MachineBody {
    const FIELDS: &'static [&'static str] = &["atm_id", "location", "kind", "cassettes"];

    fn read(object: &Object<'_>) -> Result<Self, Malformed> {
        let (id, location) = (object.required("atm_id")?, object.required("location")?);
        let (kind, cassettes) = (object.required("kind")?, object.required("cassettes")?);
        let (machine, location) = (machine_id(id)?, location.line(LONGEST_LINE)?);
        let kind = kind.parsed("api or terminal", |text| {
            MachineKind::parse(text).ok().filter(|kind| *kind != MachineKind::Counter).ok_or(())
        })?;
        let mut currency = None;
        let mut read = Vec::new();
        for value in cassettes.list(MOST_CASSETTES)? {
            let cassette = value.object(&["denomination", "currency", "count"])?;
            let (denomination, code) = (cassette.required("denomination")?, cassette.required("currency")?);
            let count = cassette.required("count")?.count()?;
            let own = code.currency()?;
            if *currency.get_or_insert(own) != own {
                return Err(code.must_be("the same as the other cassettes'"));
            }
            let denomination = denomination.amount()?;
            read.push(NewCassette { denomination, count });
        }
        Ok(Self {
            machine,
            location,
            kind,
            currency: currency.ok_or_else(|| cassettes.must_be("a list of cassettes"))?,
            cassettes: read,
        })
    }
}

/// A counter to make: `{"counter_id","location"}`.
#[derive(Clone, PartialEq, Eq, Debug, ToSchema)]
pub struct CounterBody {
    /// Its id.
    #[schema(rename = "counter_id", value_type = schema::MachineId)]
    pub machine: MachineId,
    /// Where it is.
    #[schema(value_type = schema::Line)]
    pub location: String,
}

impl Body for CounterBody {
    const FIELDS: &'static [&'static str] = &["counter_id", "location"];

    fn read(object: &Object<'_>) -> Result<Self, Malformed> {
        let (id, location) = (object.required("counter_id")?, object.required("location")?);
        Ok(Self { machine: machine_id(id)?, location: location.line(LONGEST_LINE)? })
    }
}

/// A change of a machine: any of `{"location","status","partition","journal"}`.
#[derive(Clone, PartialEq, Eq, Debug, ToSchema)]
pub struct MachinePatch {
    /// New location.
    #[schema(value_type = schema::Line, required = false)]
    pub location: Option<String>,
    /// Switch on or off.
    #[schema(value_type = schema::MachineStatus, required = false)]
    pub status: Option<MachineStatus>,
    /// What its terminal does while the host is away; null: what the bank's policy says.
    #[schema(value_type = Option<PartitionBody>, required = false)]
    pub partition: Option<PartitionWish>,
    /// Take its terminal's journal as it is, after looking.
    #[schema(value_type = schema::JournalWord, required = false)]
    pub journal: Option<JournalAccepted>,
}

impl Body for MachinePatch {
    const FIELDS: &'static [&'static str] = &["location", "status", "partition", "journal"];

    fn read(object: &Object<'_>) -> Result<Self, Malformed> {
        let status = |text: &str| match text {
            "active" => Ok(MachineStatus::Active),
            "inactive" => Ok(MachineStatus::Inactive),
            _ => Err(()),
        };
        let read_status = |value: Value<'_, '_>| value.parsed("active or inactive", status);
        Ok(Self {
            location: object.optional("location").map(|value| value.line(LONGEST_LINE)).transpose()?,
            status: object.optional("status").map(read_status).transpose()?,
            partition: object.optional("partition").map(partition::wish).transpose()?,
            journal: object.optional("journal").map(partition::accepted).transpose()?,
        })
    }
}

/// A machine's cash as counted. Of a terminal an empty count opens the exchange, the next count ends it:
/// `{"cassettes":[{"denomination","counted_out","counted_in"}],"deposit_bin"?,"reject_bin"?,"retract_bin"?}`.
#[derive(Clone, PartialEq, Eq, Debug, ToSchema)]
pub struct ReplenishmentBody {
    /// Its cassettes.
    #[schema(value_type = Vec<schema::CassetteCounted>, min_items = 0, max_items = 32)]
    pub cassettes: Vec<CountedCassette>,
    /// Counted in the deposit bin.
    #[schema(value_type = schema::AmountOrZeroSent, required = false)]
    pub deposit_bin: Option<Decimal>,
    /// Counted in the reject bin.
    #[schema(value_type = schema::AmountOrZeroSent, required = false)]
    pub reject_bin: Option<Decimal>,
    /// Counted in the retract bin.
    #[schema(value_type = schema::AmountOrZeroSent, required = false)]
    pub retract_bin: Option<Decimal>,
}

impl Body for ReplenishmentBody {
    const FIELDS: &'static [&'static str] = &["cassettes", "deposit_bin", "reject_bin", "retract_bin"];

    fn read(object: &Object<'_>) -> Result<Self, Malformed> {
        let mut cassettes = Vec::new();
        for value in object.required("cassettes")?.list_or_none(MOST_CASSETTES)? {
            let cassette = value.object(&["denomination", "counted_out", "counted_in"])?;
            let denomination = cassette.required("denomination")?;
            let (counted_out, counted_in) = (cassette.required("counted_out")?, cassette.required("counted_in")?);
            cassettes.push(CountedCassette {
                counted_out: counted_out.count()?,
                counted_in: counted_in.count()?,
                denomination: denomination.amount()?,
            });
        }
        let bin = |name| object.optional(name).map(Value::amount_or_zero).transpose();
        Ok(Self {
            cassettes,
            deposit_bin: bin("deposit_bin")?,
            reject_bin: bin("reject_bin")?,
            retract_bin: bin("retract_bin")?,
        })
    }
}
