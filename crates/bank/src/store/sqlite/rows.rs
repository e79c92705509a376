//! From rows to what they mean. A row that breaks a rule of the core is an error and never a guess.
//!
//! Columns are read by name: what a reader needs is what its query must select.

use std::fmt::Display;

use cashpoint_core::account::{Account, AccountIdentity, Product, Totals};
use cashpoint_core::card::{Card, PinCounter, Verifier};
use cashpoint_core::currency::Currency;
use cashpoint_core::customer::{Customer, Operator, PasswordHash, Profile, Sealed};
use cashpoint_core::id::{
    AccountNumber, CardId, CaseId, CustomerId, Index, MachineId, OperatorId, SessionId, TransferId,
};
use cashpoint_core::ledger::LedgerAccount;
use cashpoint_core::machine::{CashAccount, Holdings, Machine, MachineIdentity, MachineKind};
use cashpoint_core::money::Amount;
use cashpoint_core::session::{Role, Session, SessionState, Subject};
use cashpoint_core::time::{BusinessDate, Timestamp};
use cashpoint_core::withdrawal::{DailyUse, Withdrawal, WithdrawalIdentity, WithdrawalState};
use rusqlite::Row;
use rusqlite::types::{FromSql, Type};

use super::names;

type Read<T> = rusqlite::Result<T>;

/// A value in the database that this program did not write, or that a newer one wrote.
#[derive(Debug)]
struct Corrupt {
    column: String,
    why: String,
}

impl Display for Corrupt {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{}: {}", self.column, self.why)
    }
}

impl std::error::Error for Corrupt {}

/// The error for a value that means nothing.
pub(super) fn corrupt(column: &str, why: impl Display) -> rusqlite::Error {
    let corrupt = Corrupt { column: column.to_owned(), why: why.to_string() };
    rusqlite::Error::FromSqlConversionFailure(0, Type::Null, Box::new(corrupt))
}

/// A whole number in the range of `T`.
pub(super) fn number<T: TryFrom<i64>>(row: &Row<'_>, column: &str) -> Read<T> {
    let number: i64 = row.get(column)?;
    T::try_from(number).map_err(|_| corrupt(column, format_args!("{number} is out of range")))
}

pub(super) fn optional<T: FromSql, U>(row: &Row<'_>, column: &str, make: impl FnOnce(T) -> U) -> Read<Option<U>> {
    Ok(row.get::<_, Option<T>>(column)?.map(make))
}

pub(super) fn parsed<T>(row: &Row<'_>, column: &str, parse: impl FnOnce(&str) -> Option<T>) -> Read<T> {
    let text = row.get_ref(column)?.as_str()?;
    parse(text).ok_or_else(|| corrupt(column, format_args!("`{text}` means nothing")))
}

fn parsed_if_any<T>(row: &Row<'_>, column: &str, parse: impl FnOnce(&str) -> Option<T>) -> Read<Option<T>> {
    match row.get_ref(column)?.as_str_or_null()? {
        None => Ok(None),
        Some(text) => match parse(text) {
            Some(value) => Ok(Some(value)),
            None => Err(corrupt(column, format_args!("`{text}` means nothing"))),
        },
    }
}

pub(super) fn time(row: &Row<'_>, column: &str) -> Read<Timestamp> {
    Ok(Timestamp::from_micros(row.get(column)?))
}

pub(super) fn time_if_any(row: &Row<'_>, column: &str) -> Read<Option<Timestamp>> {
    optional(row, column, Timestamp::from_micros)
}

pub(super) fn date(row: &Row<'_>, column: &str) -> Read<BusinessDate> {
    number(row, column).map(BusinessDate::from_days)
}

pub(super) fn currency(row: &Row<'_>, column: &str) -> Read<Currency> {
    parsed(row, column, Currency::from_code)
}

pub(super) fn machine_id(row: &Row<'_>, column: &str) -> Read<MachineId> {
    parsed(row, column, |text| MachineId::parse(text).ok())
}

pub(super) fn machine_id_if_any(row: &Row<'_>, column: &str) -> Read<Option<MachineId>> {
    parsed_if_any(row, column, |text| MachineId::parse(text).ok())
}

pub(super) fn transfer_id(row: &Row<'_>, column: &str) -> Read<TransferId> {
    Ok(TransferId::new(u128::from_be_bytes(row.get(column)?)))
}

pub(super) fn transfer_id_if_any(row: &Row<'_>, column: &str) -> Read<Option<TransferId>> {
    optional(row, column, |bytes: [u8; 16]| TransferId::new(u128::from_be_bytes(bytes)))
}

pub(super) fn account_number(row: &Row<'_>, column: &str) -> Read<AccountNumber> {
    number(row, column).map(AccountNumber::new)
}

fn customer_id(row: &Row<'_>, column: &str) -> Read<CustomerId> {
    row.get(column).map(CustomerId::new)
}

/// Columns: id, customer, product, currency, opened.
pub(super) fn account_identity(row: &Row<'_>) -> Read<AccountIdentity> {
    Ok(AccountIdentity {
        number: account_number(row, "id")?,
        customer: customer_id(row, "customer")?,
        product: parsed(row, "product", |text| Product::parse(text).ok())?,
        currency: currency(row, "currency")?,
        opened: time(row, "opened")?,
    })
}

/// Columns: those of the identity; debits, credits, entries, head, closed.
pub(super) fn account(row: &Row<'_>) -> Read<Account> {
    Ok(Account {
        identity: account_identity(row)?,
        totals: totals(row)?,
        entries: number(row, "entries")?,
        head: transfer_id_if_any(row, "head")?,
        closed: time_if_any(row, "closed")?,
    })
}

fn totals(row: &Row<'_>) -> Read<Totals> {
    Ok(Totals { debits: row.get("debits")?, credits: row.get("credits")? })
}

/// Columns: code, debits, credits.
pub(super) fn cash(row: &Row<'_>) -> Read<CashAccount> {
    Ok(CashAccount { account: parsed(row, "code", |text| LedgerAccount::parse(text).ok())?, totals: totals(row)? })
}

/// A row of `customer_states`.
pub(super) fn customer(row: &Row<'_>) -> Read<Customer> {
    Ok(Customer {
        id: customer_id(row, "id")?,
        events: number(row, "events")?,
        generation: number(row, "generation")?,
        password_version: number(row, "password_version")?,
    })
}

/// A row of `customers`.
pub(super) fn profile(row: &Row<'_>) -> Read<Profile> {
    let email = optional(row, "email", Sealed)?;
    let index: Option<Index> = row.get("email_index")?;
    Ok(Profile {
        customer: customer_id(row, "id")?,
        name: row.get("name")?,
        data_key: (number(row, "data_key_version")?, Sealed(row.get("data_key")?)),
        email: email.zip(index),
        phone: optional(row, "phone", Sealed)?,
        address: optional(row, "address", Sealed)?,
        since: time(row, "since")?,
    })
}

/// Columns: password_version, password_hash.
pub(super) fn password(row: &Row<'_>) -> Read<Option<PasswordHash>> {
    let Some(phc) = row.get("password_hash")? else {
        return Ok(None);
    };
    Ok(Some(PasswordHash { version: number(row, "password_version")?, phc }))
}

/// A row of `operators`.
pub(super) fn operator(row: &Row<'_>) -> Read<Operator> {
    Ok(Operator {
        id: OperatorId::new(row.get("id")?),
        name: row.get("name")?,
        role: role(row)?,
        password: PasswordHash { version: number(row, "password_version")?, phc: row.get("password_hash")? },
    })
}

fn role(row: &Row<'_>) -> Read<Role> {
    parsed(row, "role", |text| Role::parse(text).ok())
}

/// A row of `sessions`, and place: the machine's id.
pub(super) fn session(row: &Row<'_>) -> Read<Session> {
    let kind: String = row.get("kind")?;
    let subject = match kind.as_str() {
        "card" => Subject::Card {
            card: CardId::new(row.get("card")?),
            customer: customer_id(row, "customer")?,
            place: machine_id(row, "place")?,
        },
        "online" => Subject::Online { customer: customer_id(row, "customer")? },
        "operator" => Subject::Operator { operator: OperatorId::new(row.get("operator")?), role: role(row)? },
        other => return Err(corrupt("sessions.kind", other)),
    };
    Ok(Session {
        id: SessionId::new(row.get("id")?),
        token: row.get("token")?,
        subject,
        began: time(row, "began")?,
        idle_s: number(row, "idle_s")?,
        ends: time_if_any(row, "ends")?,
    })
}

/// A row of `session_states`.
pub(super) fn session_state(row: &Row<'_>) -> Read<SessionState> {
    let why = parsed_if_any(row, "why", |text| {
        names::END_REASONS.into_iter().find(|reason| names::end_reason(*reason) == text)
    })?;
    Ok(SessionState {
        id: SessionId::new(row.get("id")?),
        active: time(row, "active")?,
        generation: number(row, "generation")?,
        ended: time_if_any(row, "ended")?.zip(why),
    })
}

/// A row of `card_states`.
pub(super) fn card(row: &Row<'_>) -> Read<Card> {
    Ok(Card {
        id: CardId::new(row.get("id")?),
        state: parsed(row, "state", |text| {
            names::CARD_STATES.into_iter().find(|state| names::card_state(*state) == text)
        })?,
        verifier: Verifier { version: number(row, "verifier_version")?, mac: row.get("verifier")? },
        session: optional(row, "session", SessionId::new)?,
    })
}

/// A row of `card_pins` or `unknown_pins`.
pub(super) fn pin_counter(row: &Row<'_>) -> Read<PinCounter> {
    let state: String = row.get("state")?;
    match state.as_str() {
        "open" => Ok(PinCounter::Open { wrong: number(row, "wrong")?, blocks: number(row, "blocks")? }),
        "blocked" => Ok(PinCounter::Blocked { until: time(row, "until")?, blocks: number(row, "blocks")? }),
        "locked" => Ok(PinCounter::Locked),
        other => Err(corrupt("pins.state", other)),
    }
}

/// A row of `machines`.
pub(super) fn machine_identity(row: &Row<'_>) -> Read<MachineIdentity> {
    Ok(MachineIdentity {
        id: machine_id(row, "id")?,
        kind: parsed(row, "kind", |text| MachineKind::parse(text).ok())?,
        currency: parsed_if_any(row, "currency", Currency::from_code)?,
        secret: row.get("secret")?,
    })
}

/// A row of `machine_states`, and the machine's id.
pub(super) fn machine(row: &Row<'_>) -> Read<Machine> {
    Ok(Machine {
        id: machine_id(row, "id")?,
        location: row.get("location")?,
        status: parsed(row, "status", |text| {
            names::MACHINE_STATUSES.into_iter().find(|status| names::machine_status(*status) == text)
        })?,
        session: optional(row, "session", SessionId::new)?,
    })
}

/// A machine's cash. Columns: those of `holdings`, and the machine's id.
pub(super) fn holdings(row: &Row<'_>) -> Read<Holdings> {
    Ok(Holdings {
        machine: machine_id(row, "id")?,
        cassettes: parsed(row, "cassettes", names::parse_cassettes)?,
        deposit_bin: row.get("deposit_bin")?,
        reject_bin: row.get("reject_bin")?,
        retract_bin: row.get("retract_bin")?,
    })
}

/// Columns: withdrawn, deposited, transferred.
pub(super) fn daily_use(row: &Row<'_>) -> Read<DailyUse> {
    Ok(DailyUse {
        withdrawn: row.get("withdrawn")?,
        deposited: row.get("deposited")?,
        transferred: row.get("transferred")?,
    })
}

/// A row of `withdrawals`, and place: the machine's id.
pub(super) fn withdrawal_identity(row: &Row<'_>) -> Read<WithdrawalIdentity> {
    let currency = currency(row, "currency")?;
    let fee = optional(row, "fee", |minor| Amount::new(minor, currency))?;
    Ok(WithdrawalIdentity {
        id: transfer_id(row, "id")?,
        account: account_number(row, "account")?,
        customer: customer_id(row, "customer")?,
        machine: machine_id(row, "place")?,
        amount: Amount::new(row.get("amount")?, currency),
        fee: transfer_id_if_any(row, "fee_transfer")?.zip(fee),
        balance_before: row.get("balance_before")?,
        counted_on: date(row, "counted_on")?,
        nonce: row.get("nonce")?,
    })
}

/// A row of `withdrawal_states`.
pub(super) fn withdrawal(row: &Row<'_>) -> Read<Withdrawal> {
    let state: String = row.get("state")?;
    Ok(Withdrawal { id: transfer_id(row, "id")?, state: withdrawal_state(row, &state)? })
}

/// What `state` says, with columns paid and case_id.
pub(super) fn withdrawal_state(row: &Row<'_>, state: &str) -> Read<WithdrawalState> {
    match state {
        "approved" => Ok(WithdrawalState::Approved),
        "completed" => Ok(WithdrawalState::Completed),
        "partial" => Ok(WithdrawalState::Partial { paid: row.get("paid")? }),
        "reversed" => Ok(WithdrawalState::Reversed),
        "suspect" => Ok(WithdrawalState::Suspect { case: CaseId::new(row.get("case_id")?) }),
        other => Err(corrupt("withdrawal_states.state", other)),
    }
}
