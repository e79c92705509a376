//! Withdrawals, deposits, transfers and balances.

use cashpoint_core::currency::Currency;
use cashpoint_core::id::{AccountNumber, TransferId};
use cashpoint_core::money::Amount;
use cashpoint_core::outcome::{Balance, Receipt, TransferReceipt};
use cashpoint_core::time::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::shown;
use crate::money::Money;
use crate::schema;

/// Notes of one denomination.
#[derive(Clone, Copy, Serialize, Debug, ToSchema)]
pub struct Notes {
    /// Value of one.
    pub denomination: Money,
    /// How many.
    #[schema(value_type = schema::Count)]
    pub count: u32,
}

/// A withdrawal or deposit that was done.
#[derive(Clone, Serialize, Debug, ToSchema)]
pub struct CashAnswer {
    /// Its transaction.
    #[serde(serialize_with = "shown")]
    #[schema(value_type = schema::TransactionId)]
    transaction_id: TransferId,
    /// The account.
    #[serde(serialize_with = "shown")]
    #[schema(value_type = schema::AccountId)]
    account_id: AccountNumber,
    /// How much moved.
    amount: Money,
    /// Overdraft fee, zero for most.
    fee: Money,
    /// Balance afterwards, fee included.
    balance: Money,
    /// The account's currency.
    #[serde(serialize_with = "shown")]
    #[schema(value_type = schema::CurrencyCode)]
    currency: Currency,
    /// When.
    #[serde(serialize_with = "shown")]
    #[schema(value_type = schema::Instant)]
    transaction_date: Timestamp,
    /// What a machine of kind `api` is to hand over.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    notes: Vec<Notes>,
}

impl From<&Receipt> for CashAnswer {
    fn from(receipt: &Receipt) -> Self {
        let currency = receipt.amount.currency();
        let notes = receipt
            .notes
            .iter()
            .map(|(minor, count)| Notes { denomination: Money(Amount::new(*minor, currency)), count: *count });
        Self {
            transaction_id: receipt.transaction,
            account_id: receipt.account,
            amount: receipt.amount.into(),
            fee: receipt.fee.into(),
            balance: receipt.balance.into(),
            currency,
            transaction_date: receipt.at,
            notes: notes.collect(),
        }
    }
}

/// A transfer that was done.
#[derive(Clone, Copy, Serialize, Debug, ToSchema)]
pub struct TransferAnswer {
    /// Its transaction.
    #[serde(serialize_with = "shown")]
    #[schema(value_type = schema::TransactionId)]
    transaction_id: TransferId,
    /// From.
    #[serde(serialize_with = "shown")]
    #[schema(value_type = schema::AccountId)]
    source_account_id: AccountNumber,
    /// To.
    #[serde(serialize_with = "shown")]
    #[schema(value_type = schema::AccountId)]
    target_account_id: AccountNumber,
    /// How much.
    amount: Money,
    /// The source's balance afterwards.
    source_balance: Money,
    /// The target's, only where it belongs to the same customer.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    target_balance: Option<Money>,
    /// The accounts' currency.
    #[serde(serialize_with = "shown")]
    #[schema(value_type = schema::CurrencyCode)]
    currency: Currency,
    /// When.
    #[serde(serialize_with = "shown")]
    #[schema(value_type = schema::Instant)]
    transaction_date: Timestamp,
}

impl From<&TransferReceipt> for TransferAnswer {
    fn from(receipt: &TransferReceipt) -> Self {
        Self {
            transaction_id: receipt.transaction,
            source_account_id: receipt.source,
            target_account_id: receipt.target,
            amount: receipt.amount.into(),
            source_balance: receipt.source_balance.into(),
            target_balance: receipt.target_balance.map(Money),
            currency: receipt.amount.currency(),
            transaction_date: receipt.at,
        }
    }
}

/// A balance.
#[derive(Clone, Copy, Serialize, Debug, ToSchema)]
pub struct BalanceAnswer {
    /// The account.
    #[serde(serialize_with = "shown")]
    #[schema(value_type = schema::AccountId)]
    account_id: AccountNumber,
    /// What it holds.
    balance: Money,
    /// Its currency.
    #[serde(serialize_with = "shown")]
    #[schema(value_type = schema::CurrencyCode)]
    currency: Currency,
    /// When that was so.
    #[serde(serialize_with = "shown")]
    #[schema(value_type = schema::Instant)]
    as_of: Timestamp,
}

impl From<&Balance> for BalanceAnswer {
    fn from(balance: &Balance) -> Self {
        Self {
            account_id: balance.account,
            balance: balance.balance.into(),
            currency: balance.balance.currency(),
            as_of: balance.at,
        }
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;
    use crate::answer::to_json;

    const AT: Timestamp = Timestamp::from_micros(1_800_000_000_123_456);
    const ID: TransferId = TransferId::new(0x0190_1234_5678_7abc_8def_0123_4567_89ab);

    #[track_caller]
    fn check(answer: &impl Serialize, expected: Expect) {
        expected.assert_eq(&String::from_utf8(to_json(answer)).unwrap());
    }

    fn receipt(currency: Currency, notes: Vec<(i64, u32)>) -> Receipt {
        let amount = |minor| Amount::new(minor, currency);
        Receipt {
            transaction: ID,
            account: AccountNumber::new(12_345),
            amount: amount(10_000),
            fee: amount(0),
            balance: amount(90_000),
            at: AT,
            notes,
        }
    }

    #[test]
    fn it_tells_a_withdrawal() {
        check(
            &CashAnswer::from(&receipt(Currency::USD, vec![(5_000, 1), (2_000, 2), (1_000, 1)])),
            expect![[
                r#"{"transaction_id":"01901234-5678-7abc-8def-0123456789ab","account_id":"12345","amount":100.00,"fee":0.00,"balance":900.00,"currency":"USD","transaction_date":"2027-01-15T08:00:00.123Z","notes":[{"denomination":50.00,"count":1},{"denomination":20.00,"count":2},{"denomination":10.00,"count":1}]}"#
            ]],
        );
        check(
            &CashAnswer::from(&receipt(Currency::JPY, Vec::new())),
            expect![[
                r#"{"transaction_id":"01901234-5678-7abc-8def-0123456789ab","account_id":"12345","amount":10000,"fee":0,"balance":90000,"currency":"JPY","transaction_date":"2027-01-15T08:00:00.123Z"}"#
            ]],
        );
    }

    #[test]
    fn it_tells_a_transfer() {
        let mut receipt = TransferReceipt {
            transaction: ID,
            source: AccountNumber::new(12_345),
            target: AccountNumber::new(67_890),
            amount: Amount::new(15_000, Currency::USD),
            source_balance: Amount::new(85_000, Currency::USD),
            target_balance: None,
            at: AT,
        };
        check(
            &TransferAnswer::from(&receipt),
            expect![[
                r#"{"transaction_id":"01901234-5678-7abc-8def-0123456789ab","source_account_id":"12345","target_account_id":"67890","amount":150.00,"source_balance":850.00,"currency":"USD","transaction_date":"2027-01-15T08:00:00.123Z"}"#
            ]],
        );
        receipt.target_balance = Some(Amount::new(15_001, Currency::USD));
        check(
            &TransferAnswer::from(&receipt),
            expect![[
                r#"{"transaction_id":"01901234-5678-7abc-8def-0123456789ab","source_account_id":"12345","target_account_id":"67890","amount":150.00,"source_balance":850.00,"target_balance":150.01,"currency":"USD","transaction_date":"2027-01-15T08:00:00.123Z"}"#
            ]],
        );
    }

    #[test]
    fn it_tells_a_balance() {
        let balance =
            Balance { account: AccountNumber::new(12_345), balance: Amount::new(-9_999, Currency::USD), at: AT };
        check(
            &BalanceAnswer::from(&balance),
            expect![[r#"{"account_id":"12345","balance":-99.99,"currency":"USD","as_of":"2027-01-15T08:00:00.123Z"}"#]],
        );
    }
}
