//! What staff choose for one terminal: what it does while the host is away.

use cashpoint_core::command::JournalAccepted;
use cashpoint_core::currency::Currency;
use cashpoint_core::money::{Amount, Decimal};
use cashpoint_core::terminal::settings::{
    OfflineBalance, OfflineDeposit, OfflineLimits, OfflineTransfer, OfflineWithdrawal, PartitionPolicy,
};
use utoipa::ToSchema;

use crate::malformed::Malformed;
use crate::object::Value;
use crate::schema;

const FIELDS: [&str; 8] =
    ["balance", "deposit", "transfer", "withdrawal", "card_limit", "outage_limit", "hot_list_age_s", "lease"];

/// What a terminal does while the host is away:
/// `{"balance","deposit","transfer","withdrawal","card_limit"?,"outage_limit"?,"hot_list_age_s"?,"lease"?}`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ToSchema)]
pub struct PartitionBody {
    /// Whether the last balance known is shown, with its date.
    #[schema(value_type = schema::OfflineBalance)]
    pub balance: OfflineBalance,
    /// Whether deposits are taken.
    #[schema(value_type = schema::OfflineOrder)]
    pub deposit: OfflineDeposit,
    /// Whether transfers are noted.
    #[schema(value_type = schema::OfflineOrder)]
    pub transfer: OfflineTransfer,
    /// Whether cash is paid; if limited, the limits must be there, and nowhere else.
    #[schema(value_type = schema::OfflineCash)]
    pub withdrawal: Cash,
    /// Most per card and day.
    #[schema(value_type = schema::AmountSent, required = false)]
    card_limit: (),
    /// Most in one outage.
    #[schema(value_type = schema::AmountSent, required = false)]
    outage_limit: (),
    /// How old the hot list may be, seconds.
    #[schema(value_type = schema::Count, required = false)]
    hot_list_age_s: (),
    /// How much leave the host gives at a time.
    #[schema(value_type = schema::AmountSent, required = false)]
    lease: (),
}

/// Cash while the host is away.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cash {
    /// None.
    Refuse,
    /// Within limits.
    Limited(CashLimits),
}

/// Limits on cash while the host is away, figures in the machine's currency.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CashLimits {
    per_card: Decimal,
    per_outage: Decimal,
    hot_list_age_s: u32,
    lease: Decimal,
}

/// What staff wish of a terminal's own choices.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PartitionWish {
    /// These.
    Own(PartitionBody),
    /// None: the bank's policy holds.
    Bank,
}

impl PartitionBody {
    fn read(value: Value<'_, '_>) -> Result<Self, Malformed> {
        let object = value.object(&FIELDS)?;
        let (balance, deposit) = (object.required("balance")?, object.required("deposit")?);
        let (transfer, withdrawal) = (object.required("transfer")?, object.required("withdrawal")?);
        let limited = withdrawal.parsed("refuse or limited", |text| match text {
            "limited" => Ok(true),
            "refuse" => Ok(false),
            _ => Err(()),
        })?;
        let withdrawal = if limited {
            Cash::Limited(CashLimits {
                per_card: object.required("card_limit")?.amount()?,
                per_outage: object.required("outage_limit")?.amount()?,
                hot_list_age_s: object.required("hot_list_age_s")?.count()?,
                lease: object.required("lease")?.amount()?,
            })
        } else if let Some(stray) = FIELDS[4..].iter().find_map(|name| object.optional(name)) {
            return Err(stray.must_be("left out where no cash is paid"));
        } else {
            Cash::Refuse
        };
        Ok(Self {
            balance: balance.parsed("hide or stale", |text| match text {
                "hide" => Ok(OfflineBalance::Hide),
                "stale" => Ok(OfflineBalance::Stale),
                _ => Err(()),
            })?,
            deposit: deposit.parsed("store or refuse", |text| match text {
                "store" => Ok(OfflineDeposit::Store),
                "refuse" => Ok(OfflineDeposit::Refuse),
                _ => Err(()),
            })?,
            transfer: transfer.parsed("store or refuse", |text| match text {
                "store" => Ok(OfflineTransfer::Store),
                "refuse" => Ok(OfflineTransfer::Refuse),
                _ => Err(()),
            })?,
            withdrawal,
            card_limit: (),
            outage_limit: (),
            hot_list_age_s: (),
            lease: (),
        })
    }

    /// In a machine's currency; none if a figure is no amount of it.
    #[must_use]
    pub fn policy(&self, currency: Currency) -> Option<PartitionPolicy> {
        let amount = |figure: Decimal| -> Option<Amount> { figure.to_amount(currency).ok() };
        let withdrawal = match self.withdrawal {
            Cash::Refuse => OfflineWithdrawal::Refuse,
            Cash::Limited(limits) => OfflineWithdrawal::Limited(OfflineLimits {
                per_card: amount(limits.per_card)?,
                per_outage: amount(limits.per_outage)?,
                hot_list_age_s: limits.hot_list_age_s,
                lease: amount(limits.lease)?,
            }),
        };
        Some(PartitionPolicy { balance: self.balance, deposit: self.deposit, transfer: self.transfer, withdrawal })
    }
}

/// `null` is the bank's policy.
pub(super) fn wish(value: Value<'_, '_>) -> Result<PartitionWish, Malformed> {
    if value.is_null() { Ok(PartitionWish::Bank) } else { PartitionBody::read(value).map(PartitionWish::Own) }
}

/// The one thing that staff say about a journal.
pub(super) fn accepted(value: Value<'_, '_>) -> Result<JournalAccepted, Malformed> {
    value.parsed("accept", |text| if text == "accept" { Ok(JournalAccepted) } else { Err(()) })
}
