//! What histories are made of: transfers and events, from rows.

use cashpoint_core::currency::Currency;
use cashpoint_core::event::{About, Event, EventKind};
use cashpoint_core::id::{AccountNumber, CardId, TransferId};
use cashpoint_core::ledger::{Context, Entry, LedgerAccount, Sides, Transfer, TransferKind};
use cashpoint_core::money::Amount;

use super::rows::{self, Read, Row};
use super::{Delivered, HistoryEntry, Position, StoreError, names};

/// Columns: those of `transfers`; kind_name; debit_code, credit_code and their currency; place: the machine's id; state,
/// paid and case_id of a withdrawal in two steps.
pub(super) fn history_entry<R: Row>(row: &R) -> Read<R, HistoryEntry> {
    let side = |code: &str, entry: &str| -> Read<R, (LedgerAccount, Option<Entry>)> {
        let account = rows::parsed(row, code, |text| LedgerAccount::parse(text).ok())?;
        let Some(balance) = row.whole(&format!("{entry}_balance"))? else {
            return Ok((account, None));
        };
        let number = rows::number(row, &format!("{entry}_entry"))?;
        let previous = rows::transfer_id_if_any(row, &format!("{entry}_previous"))?;
        Ok((account, Some(Entry { number, previous, balance })))
    };
    let sides = Sides { debit: side("debit_code", "debit")?, credit: side("credit_code", "credit")? };
    let amount = Amount::new(rows::whole(row, "amount")?, rows::currency(row, "currency")?);
    let context = Context {
        at: rows::time(row, "at")?,
        business_date: rows::date(row, "business_date")?,
        machine: rows::machine_id_if_any(row, "place")?,
        card: rows::optional(row, "card", CardId::new)?,
        concerns: rows::transfer_id_if_any(row, "concerns")?,
    };
    let kind = rows::parsed(row, "kind_name", |name| TransferKind::parse(name).ok())?;
    let id = rows::transfer_id(row, "id")?;
    let transfer =
        Transfer::new(id, kind, sides, amount, context).map_err(|error| rows::corrupt("transfers", error))?;
    Ok(HistoryEntry { transfer, state: rows::withdrawal_state_if_any(row)? })
}

/// The account's own side of a transfer.
pub(super) fn own_entry(transfer: &Transfer, account: AccountNumber) -> Option<Entry> {
    let own = Some(account);
    if transfer.debit().customer() == own {
        transfer.debit_entry
    } else if transfer.credit().customer() == own {
        transfer.credit_entry
    } else {
        None
    }
}

/// The error for a chain of entries that ends before its time.
pub(super) fn broken(id: TransferId) -> StoreError {
    rows::corrupt("transfers", format_args!("the chain of entries breaks at {id}"))
}

/// Columns: those of `events`; kind_name; place: the machine's id.
pub(super) fn delivered<R: Row>(row: &R) -> Read<R, Delivered> {
    let currency = rows::parsed_if_any(row, "currency", Currency::from_code)?;
    let amount = row.whole("amount")?;
    let about = About {
        account: match row.whole("account")? {
            None => None,
            Some(_) => Some(rows::account_number(row, "account")?),
        },
        amount: amount.zip(currency).map(|(minor, currency)| Amount::new(minor, currency)),
        transfer: rows::transfer_id_if_any(row, "transfer")?,
        machine: rows::machine_id_if_any(row, "place")?,
        card: rows::optional(row, "card", CardId::new)?,
        code: rows::parsed_if_any(row, "code", names::refusal_code)?,
    };
    let event = Event {
        customer: rows::customer_id(row, "customer")?,
        number: rows::number(row, "number")?,
        kind: rows::parsed(row, "kind_name", |name| EventKind::parse(name).ok())?,
        at: rows::time(row, "at")?,
        about,
    };
    let position = Position { writer: rows::number(row, "writer")?, seq: rows::number(row, "seq")? };
    Ok(Delivered { position, index: rows::number(row, "idx")?, event })
}
