//! Withdrawals, deposits and transfers.

use cashpoint_core::id::{AccountNumber, MachineId};
use cashpoint_core::money::Decimal;
use utoipa::ToSchema;

use super::Body;
use crate::malformed::Malformed;
use crate::object::Object;
use crate::schema;

/// A withdrawal or a deposit: `{"amount","atm_id"?}`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ToSchema)]
pub struct CashRequest {
    /// How much.
    #[schema(value_type = schema::AmountSent)]
    pub amount: Decimal,
    /// Where; the session's machine or the counter unless named.
    #[schema(rename = "atm_id", value_type = schema::MachineId, required = false)]
    pub machine: Option<MachineId>,
}

impl Body for CashRequest {
    const FIELDS: &'static [&'static str] = &["amount", "atm_id"];

    fn read(object: &Object<'_>) -> Result<Self, Malformed> {
        let amount = object.required("amount")?;
        let machine = object.optional("atm_id").map(super::machine::machine_id).transpose()?;
        Ok(Self { amount: amount.amount()?, machine })
    }
}

/// A transfer: `{"target_account_id","amount"}`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ToSchema)]
pub struct TransferRequest {
    /// To which account.
    #[schema(rename = "target_account_id", value_type = schema::AccountId)]
    pub target: AccountNumber,
    /// How much.
    #[schema(value_type = schema::AmountSent)]
    pub amount: Decimal,
}

impl Body for TransferRequest {
    const FIELDS: &'static [&'static str] = &["target_account_id", "amount"];

    fn read(object: &Object<'_>) -> Result<Self, Malformed> {
        let (target, amount) = (object.required("target_account_id")?, object.required("amount")?);
        Ok(Self { target: target.account()?, amount: amount.amount()? })
    }
}
