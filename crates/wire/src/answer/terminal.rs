//! A machine's enrolled terminal, as staff see it.

use cashpoint_core::enrolled::{EnrolledTerminal, JournalTrust};
use cashpoint_core::terminal::device::{Failure, Unit};
use cashpoint_core::terminal::link::{Availability, Heartbeat};
use cashpoint_core::terminal::settings::{
    OfflineBalance, OfflineDeposit, OfflineLimits, OfflineTransfer, OfflineWithdrawal, PartitionPolicy,
};
use cashpoint_core::time::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::shown;
use crate::money::Money;
use crate::schema;

/// A terminal that was enrolled.
#[derive(Clone, Serialize, Debug, ToSchema)]
pub struct TerminalAnswer {
    /// When it was enrolled.
    #[serde(serialize_with = "shown")]
    #[schema(value_type = schema::Instant)]
    enrolled_at: Timestamp,
    /// Whether its journal is believed.
    #[schema(value_type = schema::JournalState)]
    journal: &'static str,
    /// What staff chose for it while the host is away; null: the bank's policy holds.
    #[schema(required)]
    partition: Option<PartitionAnswer>,
    /// What it told last; null: nothing since the host began.
    #[schema(required)]
    told: Option<ToldAnswer>,
}

/// What one terminal does while the host is away.
#[derive(Clone, Copy, Serialize, Debug, ToSchema)]
pub struct PartitionAnswer {
    /// Whether the last balance known is shown.
    #[schema(value_type = schema::OfflineBalance)]
    balance: &'static str,
    /// Whether deposits are taken.
    #[schema(value_type = schema::OfflineOrder)]
    deposit: &'static str,
    /// Whether transfers are noted.
    #[schema(value_type = schema::OfflineOrder)]
    transfer: &'static str,
    /// Whether cash is paid.
    #[schema(value_type = schema::OfflineCash)]
    withdrawal: &'static str,
    /// Most per card and day.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Money, required = false)]
    card_limit: Option<Money>,
    /// Most in one outage.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Money, required = false)]
    outage_limit: Option<Money>,
    /// How old the hot list may be, seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = schema::Count, required = false)]
    hot_list_age_s: Option<u32>,
    /// How much leave the host gives at a time.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Money, required = false)]
    lease: Option<Money>,
}

/// A terminal's last sign of life.
#[derive(Clone, Serialize, Debug, ToSchema)]
pub struct ToldAnswer {
    /// When it came.
    #[serde(serialize_with = "shown")]
    #[schema(value_type = schema::Instant)]
    at: Timestamp,
    /// Whether it serves.
    #[schema(value_type = schema::ServiceState)]
    service: &'static str,
    /// What its devices say of themselves.
    devices: Vec<DeviceAnswer>,
    /// What it has to tell and could not yet.
    #[schema(value_type = schema::Count)]
    waiting: u32,
}

/// A device of a terminal.
#[derive(Clone, Copy, Serialize, Debug, ToSchema)]
pub struct DeviceAnswer {
    /// Which.
    #[serde(with = "crate::mirror")]
    #[schema(value_type = String)]
    device: Unit,
    /// What is wrong with it; null: it works.
    #[serde(with = "crate::mirror")]
    #[schema(value_type = Option<String>, required)]
    failure: Option<Failure>,
}

impl TerminalAnswer {
    /// This terminal, and its last sign of life if there was one.
    #[must_use]
    pub fn new(enrolled: &EnrolledTerminal, told: Option<&(Timestamp, Heartbeat)>) -> Self {
        Self {
            enrolled_at: enrolled.enrolled,
            journal: match enrolled.journal {
                JournalTrust::Open => "open",
                JournalTrust::Kept(_) => "kept",
                JournalTrust::Doubted(_) => "doubted",
            },
            partition: enrolled.partition.as_ref().map(PartitionAnswer::from),
            told: told.map(|(at, told)| ToldAnswer {
                at: *at,
                service: match told.service {
                    Availability::In => "in",
                    Availability::Out => "out",
                },
                devices: told
                    .devices
                    .iter()
                    .map(|(device, failure)| DeviceAnswer { device: *device, failure: *failure })
                    .collect(),
                waiting: told.waiting,
            }),
        }
    }
}

impl From<&PartitionPolicy> for PartitionAnswer {
    fn from(policy: &PartitionPolicy) -> Self {
        let limits = match policy.withdrawal {
            OfflineWithdrawal::Refuse => None,
            OfflineWithdrawal::Limited(limits) => Some(limits),
        };
        let money =
            |of: fn(&OfflineLimits) -> cashpoint_core::money::Amount| limits.as_ref().map(|limits| Money(of(limits)));
        Self {
            balance: match policy.balance {
                OfflineBalance::Hide => "hide",
                OfflineBalance::Stale => "stale",
            },
            deposit: match policy.deposit {
                OfflineDeposit::Store => "store",
                OfflineDeposit::Refuse => "refuse",
            },
            transfer: match policy.transfer {
                OfflineTransfer::Store => "store",
                OfflineTransfer::Refuse => "refuse",
            },
            withdrawal: if limits.is_some() { "limited" } else { "refuse" },
            card_limit: money(|limits| limits.per_card),
            outage_limit: money(|limits| limits.per_outage),
            hot_list_age_s: limits.map(|limits| limits.hot_list_age_s),
            lease: money(|limits| limits.lease),
        }
    }
}
