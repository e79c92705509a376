//! From rows to what they mean, whichever database they come from. A row that breaks a rule of the core is an error and
//! never a guess.
//!
//! Columns are read by name: what a reader needs is what its query must select.

use std::fmt::Display;

use cashpoint_core::account::{Account, AccountIdentity, Product, Totals};
use cashpoint_core::card::{Card, PinCounter, Verifier};
use cashpoint_core::currency::Currency;
use cashpoint_core::customer::{Customer, Operator, PasswordHash, Profile, Sealed};
use cashpoint_core::facts::Recorded;
use cashpoint_core::id::{AccountNumber, CardId, CaseId, CustomerId, MachineId, OperatorId, SessionId, TransferId};
use cashpoint_core::ledger::LedgerAccount;
use cashpoint_core::machine::{CashAccount, Holdings, Machine, MachineIdentity, MachineKind};
use cashpoint_core::money::Amount;
use cashpoint_core::session::{Role, Session, SessionState, Subject};
use cashpoint_core::time::{BusinessDate, Timestamp};
use cashpoint_core::withdrawal::{DailyUse, Withdrawal, WithdrawalIdentity, WithdrawalState};

use super::{StoreError, codec, names};

/// One row that a query found. NULL is none; a column that is missing or of another type is an error.
pub(super) trait Row {
    /// How the database's library fails.
    type Error: From<Corrupt>;

    /// A whole number.
    fn whole(&self, column: &str) -> Result<Option<i64>, Self::Error>;

    /// A truth value.
    fn truth(&self, column: &str) -> Result<Option<bool>, Self::Error>;

    /// A text.
    fn text(&self, column: &str) -> Result<Option<&str>, Self::Error>;

    /// Bytes.
    fn bytes(&self, column: &str) -> Result<Option<&[u8]>, Self::Error>;
}

pub(super) type Read<R, T> = Result<T, <R as Row>::Error>;

/// A value in the database that this program did not write, or that a newer one wrote.
#[derive(Debug)]
pub(super) struct Corrupt {
    column: String,
    why: String,
}

impl Display for Corrupt {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{}: {}", self.column, self.why)
    }
}

impl std::error::Error for Corrupt {}

impl From<Corrupt> for StoreError {
    fn from(corrupt: Corrupt) -> Self {
        Self(Box::new(corrupt))
    }
}

/// The error for a value that means nothing.
pub(super) fn corrupt<E: From<Corrupt>>(column: &str, why: impl Display) -> E {
    Corrupt { column: column.to_owned(), why: why.to_string() }.into()
}

/// What must not be NULL.
fn there<T, E: From<Corrupt>>(column: &str, value: Option<T>) -> Result<T, E> {
    value.ok_or_else(|| corrupt(column, "it is NULL"))
}

/// A whole number.
pub(super) fn whole<R: Row>(row: &R, column: &str) -> Read<R, i64> {
    there(column, row.whole(column)?)
}

/// A whole number in the range of `T`.
pub(super) fn number<R: Row, T: TryFrom<i64>>(row: &R, column: &str) -> Read<R, T> {
    let number = whole(row, column)?;
    T::try_from(number).map_err(|_| corrupt(column, format_args!("{number} is out of range")))
}

/// What a whole number stands for, if one is there.
pub(super) fn optional<R: Row, T>(row: &R, column: &str, make: impl FnOnce(i64) -> T) -> Read<R, Option<T>> {
    Ok(row.whole(column)?.map(make))
}

/// A truth value.
pub(super) fn truth<R: Row>(row: &R, column: &str) -> Read<R, bool> {
    there(column, row.truth(column)?)
}

/// A text, as it stands.
pub(super) fn text<R: Row>(row: &R, column: &str) -> Read<R, String> {
    there(column, row.text(column)?.map(str::to_owned))
}

/// A text, read.
pub(super) fn parsed<R: Row, T>(row: &R, column: &str, parse: impl FnOnce(&str) -> Option<T>) -> Read<R, T> {
    there(column, parsed_if_any(row, column, parse)?)
}

/// A text, read, if one is there.
pub(super) fn parsed_if_any<R: Row, T>(
    row: &R,
    column: &str,
    parse: impl FnOnce(&str) -> Option<T>,
) -> Read<R, Option<T>> {
    let Some(text) = row.text(column)? else {
        return Ok(None);
    };
    match parse(text) {
        Some(value) => Ok(Some(value)),
        None => Err(corrupt(column, format_args!("`{text}` means nothing"))),
    }
}

/// So many bytes.
pub(super) fn array<R: Row, const N: usize>(row: &R, column: &str) -> Read<R, [u8; N]> {
    there(column, array_if_any(row, column)?)
}

/// So many bytes, if any.
pub(super) fn array_if_any<R: Row, const N: usize>(row: &R, column: &str) -> Read<R, Option<[u8; N]>> {
    let exact = |bytes: &[u8]| {
        bytes.try_into().map_err(|_| corrupt(column, format_args!("{} bytes instead of {N}", bytes.len())))
    };
    row.bytes(column)?.map(exact).transpose()
}

/// Bytes that only their key opens.
pub(super) fn sealed<R: Row>(row: &R, column: &str) -> Read<R, Sealed> {
    there(column, sealed_if_any(row, column)?)
}

fn sealed_if_any<R: Row>(row: &R, column: &str) -> Read<R, Option<Sealed>> {
    Ok(row.bytes(column)?.map(|bytes| Sealed(bytes.to_vec())))
}

pub(super) fn time<R: Row>(row: &R, column: &str) -> Read<R, Timestamp> {
    whole(row, column).map(Timestamp::from_micros)
}

pub(super) fn time_if_any<R: Row>(row: &R, column: &str) -> Read<R, Option<Timestamp>> {
    optional(row, column, Timestamp::from_micros)
}

pub(super) fn date<R: Row>(row: &R, column: &str) -> Read<R, BusinessDate> {
    number(row, column).map(BusinessDate::from_days)
}

pub(super) fn currency<R: Row>(row: &R, column: &str) -> Read<R, Currency> {
    parsed(row, column, Currency::from_code)
}

pub(super) fn machine_id<R: Row>(row: &R, column: &str) -> Read<R, MachineId> {
    parsed(row, column, |text| MachineId::parse(text).ok())
}

pub(super) fn machine_id_if_any<R: Row>(row: &R, column: &str) -> Read<R, Option<MachineId>> {
    parsed_if_any(row, column, |text| MachineId::parse(text).ok())
}

pub(super) fn transfer_id<R: Row>(row: &R, column: &str) -> Read<R, TransferId> {
    Ok(TransferId::new(u128::from_be_bytes(array(row, column)?)))
}

pub(super) fn transfer_id_if_any<R: Row>(row: &R, column: &str) -> Read<R, Option<TransferId>> {
    Ok(array_if_any(row, column)?.map(|bytes| TransferId::new(u128::from_be_bytes(bytes))))
}

pub(super) fn account_number<R: Row>(row: &R, column: &str) -> Read<R, AccountNumber> {
    number(row, column).map(AccountNumber::new)
}

pub(super) fn customer_id<R: Row>(row: &R, column: &str) -> Read<R, CustomerId> {
    whole(row, column).map(CustomerId::new)
}

/// Columns: id, customer, product, currency, opened.
pub(super) fn account_identity<R: Row>(row: &R) -> Read<R, AccountIdentity> {
    Ok(AccountIdentity {
        number: account_number(row, "id")?,
        customer: customer_id(row, "customer")?,
        product: parsed(row, "product", |text| Product::parse(text).ok())?,
        currency: currency(row, "currency")?,
        opened: time(row, "opened")?,
    })
}

/// Columns: those of the identity; debits, credits, entries, head, closed.
pub(super) fn account<R: Row>(row: &R) -> Read<R, Account> {
    Ok(Account {
        identity: account_identity(row)?,
        totals: totals(row)?,
        entries: number(row, "entries")?,
        head: transfer_id_if_any(row, "head")?,
        closed: time_if_any(row, "closed")?,
    })
}

fn totals<R: Row>(row: &R) -> Read<R, Totals> {
    Ok(Totals { debits: whole(row, "debits")?, credits: whole(row, "credits")? })
}

/// Columns: code, debits, credits.
pub(super) fn cash<R: Row>(row: &R) -> Read<R, CashAccount> {
    Ok(CashAccount { account: parsed(row, "code", |text| LedgerAccount::parse(text).ok())?, totals: totals(row)? })
}

/// A row of `customer_states`.
pub(super) fn customer<R: Row>(row: &R) -> Read<R, Customer> {
    Ok(Customer {
        id: customer_id(row, "id")?,
        events: number(row, "events")?,
        generation: number(row, "generation")?,
        password_version: number(row, "password_version")?,
    })
}

/// A row of `customers`.
pub(super) fn profile<R: Row>(row: &R) -> Read<R, Profile> {
    let email = sealed_if_any(row, "email")?;
    let index = array_if_any(row, "email_index")?;
    Ok(Profile {
        customer: customer_id(row, "id")?,
        name: text(row, "name")?,
        data_key: (number(row, "data_key_version")?, sealed(row, "data_key")?),
        email: email.zip(index),
        phone: sealed_if_any(row, "phone")?,
        address: sealed_if_any(row, "address")?,
        since: time(row, "since")?,
    })
}

/// Columns: password_version, password_hash.
pub(super) fn password<R: Row>(row: &R) -> Read<R, Option<PasswordHash>> {
    let Some(phc) = row.text("password_hash")? else {
        return Ok(None);
    };
    Ok(Some(PasswordHash { version: number(row, "password_version")?, phc: phc.to_owned() }))
}

/// A row of `operators`.
pub(super) fn operator<R: Row>(row: &R) -> Read<R, Operator> {
    Ok(Operator {
        id: OperatorId::new(whole(row, "id")?),
        name: text(row, "name")?,
        role: role(row)?,
        password: PasswordHash { version: number(row, "password_version")?, phc: text(row, "password_hash")? },
    })
}

fn role<R: Row>(row: &R) -> Read<R, Role> {
    parsed(row, "role", |text| Role::parse(text).ok())
}

/// A row of `sessions`, and place: the machine's id.
pub(super) fn session<R: Row>(row: &R) -> Read<R, Session> {
    let subject = match there("kind", row.text("kind")?)? {
        "card" => Subject::Card {
            card: CardId::new(whole(row, "card")?),
            customer: customer_id(row, "customer")?,
            place: machine_id(row, "place")?,
        },
        "online" => Subject::Online { customer: customer_id(row, "customer")? },
        "operator" => Subject::Operator { operator: OperatorId::new(whole(row, "operator")?), role: role(row)? },
        other => return Err(corrupt("sessions.kind", other)),
    };
    Ok(Session {
        id: SessionId::new(whole(row, "id")?),
        token: array(row, "token")?,
        subject,
        began: time(row, "began")?,
        idle_s: number(row, "idle_s")?,
        ends: time_if_any(row, "ends")?,
    })
}

/// A row of `session_states`.
pub(super) fn session_state<R: Row>(row: &R) -> Read<R, SessionState> {
    let why = parsed_if_any(row, "why", |text| {
        names::END_REASONS.into_iter().find(|reason| names::end_reason(*reason) == text)
    })?;
    Ok(SessionState {
        id: SessionId::new(whole(row, "id")?),
        active: time(row, "active")?,
        generation: number(row, "generation")?,
        ended: time_if_any(row, "ended")?.zip(why),
    })
}

/// A row of `card_states`.
pub(super) fn card<R: Row>(row: &R) -> Read<R, Card> {
    Ok(Card {
        id: CardId::new(whole(row, "id")?),
        state: parsed(row, "state", |text| {
            names::CARD_STATES.into_iter().find(|state| names::card_state(*state) == text)
        })?,
        verifier: Verifier { version: number(row, "verifier_version")?, mac: array(row, "verifier")? },
        session: optional(row, "session", SessionId::new)?,
    })
}

/// A row of `card_pins` or `unknown_pins`.
pub(super) fn pin_counter<R: Row>(row: &R) -> Read<R, PinCounter> {
    match there("state", row.text("state")?)? {
        "open" => Ok(PinCounter::Open { wrong: number(row, "wrong")?, blocks: number(row, "blocks")? }),
        "blocked" => Ok(PinCounter::Blocked { until: time(row, "until")?, blocks: number(row, "blocks")? }),
        "locked" => Ok(PinCounter::Locked),
        other => Err(corrupt("pins.state", other)),
    }
}

/// A row of `machines`.
pub(super) fn machine_identity<R: Row>(row: &R) -> Read<R, MachineIdentity> {
    Ok(MachineIdentity {
        id: machine_id(row, "id")?,
        kind: parsed(row, "kind", |text| MachineKind::parse(text).ok())?,
        currency: parsed_if_any(row, "currency", Currency::from_code)?,
        secret: array(row, "secret")?,
    })
}

/// A row of `machine_states`, and the machine's id.
pub(super) fn machine<R: Row>(row: &R) -> Read<R, Machine> {
    Ok(Machine {
        id: machine_id(row, "id")?,
        location: text(row, "location")?,
        status: parsed(row, "status", |text| {
            names::MACHINE_STATUSES.into_iter().find(|status| names::machine_status(*status) == text)
        })?,
        session: optional(row, "session", SessionId::new)?,
    })
}

/// A machine's cash. Columns: those of `holdings`, and the machine's id.
pub(super) fn holdings<R: Row>(row: &R) -> Read<R, Holdings> {
    Ok(Holdings {
        machine: machine_id(row, "id")?,
        cassettes: parsed(row, "cassettes", names::parse_cassettes)?,
        deposit_bin: whole(row, "deposit_bin")?,
        reject_bin: whole(row, "reject_bin")?,
        retract_bin: whole(row, "retract_bin")?,
    })
}

/// Columns: withdrawn, deposited, transferred.
pub(super) fn daily_use<R: Row>(row: &R) -> Read<R, DailyUse> {
    Ok(DailyUse {
        withdrawn: whole(row, "withdrawn")?,
        deposited: whole(row, "deposited")?,
        transferred: whole(row, "transferred")?,
    })
}

/// A row of `withdrawals`, and place: the machine's id.
pub(super) fn withdrawal_identity<R: Row>(row: &R) -> Read<R, WithdrawalIdentity> {
    let currency = currency(row, "currency")?;
    let fee = optional(row, "fee", |minor| Amount::new(minor, currency))?;
    Ok(WithdrawalIdentity {
        id: transfer_id(row, "id")?,
        account: account_number(row, "account")?,
        customer: customer_id(row, "customer")?,
        machine: machine_id(row, "place")?,
        amount: Amount::new(whole(row, "amount")?, currency),
        fee: transfer_id_if_any(row, "fee_transfer")?.zip(fee),
        balance_before: whole(row, "balance_before")?,
        counted_on: date(row, "counted_on")?,
        nonce: array_if_any(row, "nonce")?,
    })
}

/// A row of `withdrawal_states`.
pub(super) fn withdrawal<R: Row>(row: &R) -> Read<R, Withdrawal> {
    Ok(Withdrawal { id: transfer_id(row, "id")?, state: there("state", withdrawal_state_if_any(row)?)? })
}

/// Columns: state, paid, case_id.
pub(super) fn withdrawal_state_if_any<R: Row>(row: &R) -> Read<R, Option<WithdrawalState>> {
    let Some(state) = row.text("state")? else {
        return Ok(None);
    };
    Ok(Some(match state {
        "approved" => WithdrawalState::Approved,
        "completed" => WithdrawalState::Completed,
        "partial" => WithdrawalState::Partial { paid: whole(row, "paid")? },
        "reversed" => WithdrawalState::Reversed,
        "suspect" => WithdrawalState::Suspect { case: CaseId::new(whole(row, "case_id")?) },
        other => return Err(corrupt("withdrawal_states.state", other)),
    }))
}

/// Columns: content, outcome.
pub(super) fn recorded<R: Row>(row: &R) -> Read<R, Recorded> {
    let outcome = there("outcome", row.bytes("outcome")?)?;
    let outcome = codec::decode(outcome).map_err(|error| corrupt("requests.outcome", error))?;
    Ok(Recorded { content: array(row, "content")?, outcome })
}
