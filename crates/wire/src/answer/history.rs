//! Histories, a machine's transactions, and notifications.

use cashpoint_core::currency::Currency;
use cashpoint_core::event::Event;
use cashpoint_core::id::{AccountNumber, CardId, CustomerId, MachineId, TransferId};
use cashpoint_core::time::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::{shown, shown_option};
use crate::money::Money;
use crate::schema;

/// One entry of an account's history, as its owner sees it.
#[derive(Clone, Serialize, Debug, ToSchema)]
pub struct EntryAnswer {
    /// Its transaction.
    #[serde(serialize_with = "shown")]
    #[schema(value_type = schema::TransactionId)]
    pub transaction_id: TransferId,
    /// What it is, by name.
    #[serde(rename = "type")]
    #[schema(rename = "type", value_type = schema::EntryType)]
    pub kind: &'static str,
    /// `debit` or `credit`.
    #[schema(value_type = schema::Direction)]
    pub direction: &'static str,
    /// `posted`, `pending` or `reversed`.
    #[schema(value_type = schema::EntryStatus)]
    pub status: &'static str,
    /// How much, always positive.
    pub amount: Money,
    /// The account's balance after it.
    pub balance: Money,
    /// The account's currency.
    #[serde(serialize_with = "shown")]
    #[schema(value_type = schema::CurrencyCode)]
    pub currency: Currency,
    /// When.
    #[serde(serialize_with = "shown")]
    #[schema(value_type = schema::Instant)]
    pub transaction_date: Timestamp,
    /// Where.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "shown_option")]
    #[schema(value_type = schema::MachineId, required = false)]
    pub atm_id: Option<MachineId>,
    /// The other customer account of a transfer.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "shown_option")]
    #[schema(value_type = schema::AccountId, required = false)]
    pub counterparty_account_id: Option<AccountNumber>,
    /// The transaction that it takes back.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "shown_option")]
    #[schema(value_type = schema::TransactionId, required = false)]
    pub reverses: Option<TransferId>,
}

/// One of a machine's transactions, as staff see it.
#[derive(Clone, Serialize, Debug, ToSchema)]
pub struct MachineEntryAnswer {
    /// Which.
    #[serde(serialize_with = "shown")]
    #[schema(value_type = schema::TransactionId)]
    pub transaction_id: TransferId,
    /// What it is for, by its name in the ledger.
    #[serde(rename = "type")]
    #[schema(rename = "type")]
    pub kind: &'static str,
    /// `posted`, `pending` or `reversed`.
    #[schema(value_type = schema::EntryStatus)]
    pub status: &'static str,
    /// How much, always positive.
    pub amount: Money,
    /// The machine's currency.
    #[serde(serialize_with = "shown")]
    #[schema(value_type = schema::CurrencyCode)]
    pub currency: Currency,
    /// When.
    #[serde(serialize_with = "shown")]
    #[schema(value_type = schema::Instant)]
    pub transaction_date: Timestamp,
    /// The machine.
    #[serde(serialize_with = "shown")]
    #[schema(value_type = schema::MachineId)]
    pub atm_id: MachineId,
    /// The customer's account, if one is concerned.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "shown_option")]
    #[schema(value_type = schema::AccountId, required = false)]
    pub account_id: Option<AccountNumber>,
    /// The card, if one is concerned.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "shown_option")]
    #[schema(value_type = schema::CardId, required = false)]
    pub card_id: Option<CardId>,
    /// The transaction that it completes, corrects or is the fee of.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "shown_option")]
    #[schema(value_type = schema::TransactionId, required = false)]
    pub concerns: Option<TransferId>,
}

/// A page of a list.
#[derive(Clone, Serialize, Debug)]
pub struct Page<T> {
    /// What is on it, newest first.
    pub transactions: Vec<T>,
    /// What to ask the next page with; null on the last.
    pub next_cursor: Option<String>,
}

/// A notification that would have gone out.
#[derive(Clone, Serialize, Debug, ToSchema)]
pub struct NotificationAnswer {
    /// What receivers drop repeats by.
    #[schema(value_type = schema::NotificationId)]
    notification_id: String,
    /// Whom it tells.
    #[serde(serialize_with = "shown")]
    #[schema(value_type = schema::CustomerId)]
    customer_id: CustomerId,
    /// The customer's events are numbered 1, 2, 3 …
    number: u64,
    /// What happened.
    #[serde(rename = "type")]
    #[schema(rename = "type", value_type = schema::EventType)]
    kind: &'static str,
    /// When.
    #[serde(serialize_with = "shown")]
    #[schema(value_type = schema::Instant)]
    created_at: Timestamp,
    /// The account.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "shown_option")]
    #[schema(value_type = schema::AccountId, required = false)]
    account_id: Option<AccountNumber>,
    /// How much.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    amount: Option<Money>,
    /// Of the amount.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = schema::CurrencyCode, required = false)]
    currency: Option<&'static str>,
    /// The transaction.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "shown_option")]
    #[schema(value_type = schema::TransactionId, required = false)]
    transaction_id: Option<TransferId>,
    /// Where.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "shown_option")]
    #[schema(value_type = schema::MachineId, required = false)]
    atm_id: Option<MachineId>,
    /// With which card.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "shown_option")]
    #[schema(value_type = schema::CardId, required = false)]
    card_id: Option<CardId>,
    /// Why it was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    code: Option<&'static str>,
}

impl NotificationAnswer {
    /// The notification of an event; receivers drop repeats by `notification_id`.
    #[must_use]
    pub fn new(notification_id: String, event: &Event) -> Self {
        let about = &event.about;
        Self {
            notification_id,
            customer_id: event.customer,
            number: event.number,
            kind: event.kind.name(),
            created_at: event.at,
            account_id: about.account,
            amount: about.amount.map(Money),
            currency: about.amount.map(|amount| amount.currency().code()),
            transaction_id: about.transfer,
            atm_id: about.machine,
            card_id: about.card,
            code: about.code,
        }
    }
}

#[cfg(test)]
mod tests {
    use cashpoint_core::event::{About, EventKind};
    use cashpoint_core::money::Amount;
    use expect_test::{Expect, expect};

    use super::*;
    use crate::answer::{Listed, to_json};

    const AT: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);
    const ID: TransferId = TransferId::new(0x0190_1234_5678_7abc_8def_0123_4567_89ab);

    #[track_caller]
    fn check(answer: &impl Serialize, expected: Expect) {
        expected.assert_eq(&String::from_utf8(to_json(answer)).unwrap());
    }

    fn entry() -> EntryAnswer {
        EntryAnswer {
            transaction_id: ID,
            kind: "withdrawal",
            direction: "debit",
            status: "posted",
            amount: Amount::new(10_000, Currency::USD).into(),
            balance: Amount::new(-1, Currency::USD).into(),
            currency: Currency::USD,
            transaction_date: AT,
            atm_id: None,
            counterparty_account_id: None,
            reverses: None,
        }
    }

    #[test]
    fn it_pages_entries() {
        let full = EntryAnswer {
            atm_id: MachineId::parse("ATM1").ok(),
            counterparty_account_id: Some(AccountNumber::new(67_890)),
            reverses: Some(ID),
            ..entry()
        };
        let mut page = Page { transactions: vec![entry(), full], next_cursor: Some("c".into()) };
        check(
            &page,
            expect![[
                r#"{"transactions":[{"transaction_id":"01901234-5678-7abc-8def-0123456789ab","type":"withdrawal","direction":"debit","status":"posted","amount":100.00,"balance":-0.01,"currency":"USD","transaction_date":"2027-01-15T08:00:00.000Z"},{"transaction_id":"01901234-5678-7abc-8def-0123456789ab","type":"withdrawal","direction":"debit","status":"posted","amount":100.00,"balance":-0.01,"currency":"USD","transaction_date":"2027-01-15T08:00:00.000Z","atm_id":"ATM1","counterparty_account_id":"67890","reverses":"01901234-5678-7abc-8def-0123456789ab"}],"next_cursor":"c"}"#
            ]],
        );
        (page.transactions, page.next_cursor) = (Vec::new(), None);
        check(&page, expect![[r#"{"transactions":[],"next_cursor":null}"#]]);
        let machine = MachineEntryAnswer {
            transaction_id: ID,
            kind: "withdrawal",
            status: "posted",
            amount: Amount::new(10_000, Currency::USD).into(),
            currency: Currency::USD,
            transaction_date: AT,
            atm_id: MachineId::parse("ATM1").unwrap(),
            account_id: Some(AccountNumber::new(12_345)),
            card_id: Some(CardId::new(78)),
            concerns: None,
        };
        check(
            &machine,
            expect![[
                r#"{"transaction_id":"01901234-5678-7abc-8def-0123456789ab","type":"withdrawal","status":"posted","amount":100.00,"currency":"USD","transaction_date":"2027-01-15T08:00:00.000Z","atm_id":"ATM1","account_id":"12345","card_id":"78"}"#
            ]],
        );
    }

    #[test]
    fn it_lists_notifications() {
        let mut event = Event {
            customer: CustomerId::new(77),
            number: 3,
            kind: EventKind::LoggedIn,
            at: AT,
            about: About::default(),
        };
        let plain = NotificationAnswer::new("1-2-0".into(), &event);
        event.about = About {
            account: Some(AccountNumber::new(12_345)),
            amount: Some(Amount::new(1, Currency::USD)),
            transfer: Some(ID),
            machine: MachineId::parse("ATM1").ok(),
            card: Some(CardId::new(78)),
            code: Some("insufficient_funds"),
        };
        let full = NotificationAnswer::new("1-2-1".into(), &event);
        check(
            &Listed("notifications", &[plain, full]),
            expect![[
                r#"{"notifications":[{"notification_id":"1-2-0","customer_id":"77","number":3,"type":"log_in","created_at":"2027-01-15T08:00:00.000Z"},{"notification_id":"1-2-1","customer_id":"77","number":3,"type":"log_in","created_at":"2027-01-15T08:00:00.000Z","account_id":"12345","amount":0.01,"currency":"USD","transaction_id":"01901234-5678-7abc-8def-0123456789ab","atm_id":"ATM1","card_id":"78","code":"insufficient_funds"}]}"#
            ]],
        );
    }
}
