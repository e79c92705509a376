//! The texts and numbers that bodies are made of, as the interface's document describes them.
//!
//! Nothing is read or written with these: a body's own reader or writer does that, and its schema, derived from the
//! same struct, names one of these where the struct holds a value of the core. Tests hold every answer of a running
//! host, and every example, to the schemas.

mod whole;

use cashpoint_core::account::Product;
use cashpoint_core::event::EventKind;
use cashpoint_core::machine::MachineKind as Kind;
use cashpoint_core::session::Role as StaffRole;
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type};
use utoipa::openapi::{Object, RefOr};
use utoipa::{PartialSchema, ToSchema};

use crate::money::{Figure, Money};
use crate::request::LONGEST_LINE;
use crate::request::listing::HistoryParameters;

pub use whole::{
    AccountList, AnyObject, CardLogIn, CassetteCounted, CassetteSent, CounterList, EntryPage, Health, HealthStatus,
    MachineEntryPage, MachineList, NotificationList, OpeningAccount, PolicyPatch, TellerBalance, TellerError,
    TellerHeld, TellerMoved, TellerReceipt, WishShown,
};

macro_rules! texts {
    ($($name:ident = $pattern:literal, $example:literal, $doc:literal;)*) => {
        $(
            #[doc = $doc]
            #[derive(Clone, Copy, Debug)]
            pub struct $name;

            impl PartialSchema for $name {
                fn schema() -> RefOr<Schema> {
                    text().pattern(Some($pattern)).examples([$example]).description(Some($doc)).build().into()
                }
            }

            impl ToSchema for $name {}
        )*
    };
}

texts! {
    AccountId = "^[0-9]{5,19}$", "12345", "An account's number: 5 to 19 digits.";
    CustomerId = "^[1-9][0-9]{0,18}$", "217310923407360123", "A customer's id.";
    CaseId = "^[1-9][0-9]{0,18}$", "217310923407360126", "A case's id.";
    ReplenishmentId = "^[1-9][0-9]{0,18}$", "3", "A replenishment's number at its terminal.";
    CardId = "^[1-9][0-9]{0,18}$", "217310923407360124", "A card's id.";
    OperatorId = "^[1-9][0-9]{0,18}$", "217310923407360125", "The id of a member of staff.";
    MachineId = "^[A-Za-z0-9_-]{1,31}$", "ATM123", "The id of an ATM or a counter, chosen by the operator.";
    CurrencyCode = "^[A-Z]{3}$", "USD", "A currency's code (ISO 4217).";
    NotificationId = "^[0-9]+-[0-9]+-[0-9]+$", "1-204-0", "What receivers drop repeats by.";
    ExpiryMonth = "^[0-9]{4}-[0-9]{2}$", "2029-11", "The last month in which a card is valid.";
    ChannelName = "^[a-z]{1,15}$", "email", "A way of telling customers what happened.";
    CardNumber = "^[0-9]{12,19}$", "4539578763621486", "A card's number: 12 to 19 digits. Reaches no log.";
    Pin = "^[0-9]{4,12}$", "4321", "A PIN: 4 to 12 digits. Reaches no log.";
    PhoneNumber = "^[0-9+().\\-/ ]{1,32}$", "+1 555 0100", "A telephone number.";
}

/// A transaction's id.
#[derive(Clone, Copy, Debug)]
pub struct TransactionId;

/// An instant as it is written.
#[derive(Clone, Copy, Debug)]
pub struct Instant;

/// An amount as it is sent.
#[derive(Clone, Copy, Debug)]
pub struct AmountSent;

/// As [`AmountSent`], where zero is an amount too.
#[derive(Clone, Copy, Debug)]
pub struct AmountOrZeroSent;

/// Something secret: a PIN, a password, a card's number.
#[derive(Clone, Copy, Debug)]
pub struct Secret;

/// How many.
#[derive(Clone, Copy, Debug)]
pub struct Count;

macro_rules! names {
    ($($name:ident = $names:expr, $doc:literal;)*) => {
        $(
            #[doc = $doc]
            #[derive(Clone, Copy, Debug)]
            pub struct $name;

            impl PartialSchema for $name {
                fn schema() -> RefOr<Schema> {
                    described(one_of($names), $doc)
                }
            }

            impl ToSchema for $name {}
        )*
    };
}

names! {
    AccountType = [Product::Checking.name(), Product::Savings.name()],
        "An account's kind: a checking account may be overdrawn a little, against a fee.";
    EntryType = HistoryParameters::KINDS, "What an entry of an account's history is.";
    EntryStatus = ["posted", "pending", "reversed"], "How an entry stands.";
    Direction = ["debit", "credit"], "Which way money moved, seen from the account.";
    EventType = EventKind::ALL.iter().map(|kind| kind.name()), "What happened to a customer.";
    MachineKind = [Kind::Api.name(), Kind::Terminal.name()],
        "Who moves a machine's notes: whoever calls (`api`), or its own enrolled terminal.";
    MachineStatus = ["active", "inactive"], "Whether a machine takes commands.";
    CaseMatter = ["suspect", "offline_suspect", "deposit_unclear", "over_ceiling", "deposit_unclaimed",
        "withdrawal_unclaimed", "withdrawal_unclear", "return_unclaimed"], "What a case is about.";
    JournalState = ["open", "kept", "doubted"],
        "Whether a terminal's journal is believed: whatever comes next, as far as it is known, no more.";
    JournalWord = ["accept"], "Staff have looked: the journal is taken as it is.";
    ReplenishmentState = ["ordered", "open", "counted", "done"], "How far a terminal's replenishment is: told to the terminal; its exchange is open and waits for the count; counted, and not yet told as done; posted.";
    ServiceState = ["in", "out"], "Whether a terminal serves.";
    OfflineBalance = ["hide", "stale"], "A balance while the host is away: not shown, or the last known with its date.";
    OfflineOrder = ["store", "refuse"], "A deposit or transfer while the host is away: kept and told later, or not taken.";
    OfflineCash = ["refuse", "limited"], "Cash while the host is away: none, or within limits.";
    ReportReason = ["lost", "stolen"], "Why a card is reported.";
    Role = [StaffRole::Admin, StaffRole::Clerk, StaffRole::Custodian, StaffRole::Auditor].map(StaffRole::name),
        "What a member of staff may do.";
}

/// A line for people: a name, a place.
#[derive(Clone, Copy, Debug)]
pub struct Line;

/// A postal address, perhaps of several lines.
#[derive(Clone, Copy, Debug)]
pub struct PostalAddress;

/// A password that somebody chooses.
#[derive(Clone, Copy, Debug)]
pub struct NewPassword;

fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

/// One of these names.
pub(crate) fn one_of(names: impl IntoIterator<Item = &'static str>) -> ObjectBuilder {
    text().enum_values(Some(names))
}

fn described(schema: ObjectBuilder, description: &str) -> RefOr<Schema> {
    Object::from(schema.description(Some(description))).into()
}

/// A figure as it may be sent: a number, or the same as a text.
fn sent(pattern: &str) -> ObjectBuilder {
    let either = utoipa::openapi::schema::SchemaType::from_iter([Type::Number, Type::String]);
    ObjectBuilder::new().schema_type(either).pattern(Some(pattern))
}

impl PartialSchema for Line {
    fn schema() -> RefOr<Schema> {
        let line = text()
            .min_length(Some(1))
            .max_length(Some(LONGEST_LINE))
            .pattern(Some(r"^[^\u0000-\u001f\u007f-\u009f]*$"));
        described(line, "A line for people: not blank, no control characters.")
    }
}

impl PartialSchema for PostalAddress {
    fn schema() -> RefOr<Schema> {
        let lines = text().min_length(Some(1)).max_length(Some(2 * LONGEST_LINE));
        described(lines, "A postal address, perhaps of several lines.")
    }
}

impl PartialSchema for NewPassword {
    fn schema() -> RefOr<Schema> {
        let password = text().format(Some(SchemaFormat::KnownFormat(KnownFormat::Password)));
        described(password.min_length(Some(8)).max_length(Some(1_024)), "A password to choose: 8 to 1,024 bytes.")
    }
}

impl PartialSchema for AmountSent {
    fn schema() -> RefOr<Schema> {
        let schema = sent(r"^([1-9][0-9]*(\.[0-9]+)?|0\.0*[1-9][0-9]*)$").exclusive_minimum(Some(0.0));
        described(
            schema,
            "An amount to move: a JSON number, or the same as a text (\"100.00\") for programs whose numbers are floats. \
             Not zero, at most the currency's decimals, no exponent.",
        )
    }
}

impl PartialSchema for AmountOrZeroSent {
    fn schema() -> RefOr<Schema> {
        let schema = sent(r"^(0|[1-9][0-9]*)(\.[0-9]+)?$").minimum(Some(0.0));
        described(schema, "An amount as in AmountSent, or zero.")
    }
}

impl PartialSchema for Money {
    fn schema() -> RefOr<Schema> {
        let schema = ObjectBuilder::new().schema_type(Type::Number);
        described(
            schema,
            "An amount: a JSON number with exactly the currency's decimals: 100.00 dollars, 100 yen, 1.005 Kuwaiti dinars.",
        )
    }
}

impl PartialSchema for Figure {
    fn schema() -> RefOr<Schema> {
        let schema = ObjectBuilder::new().schema_type(Type::Number);
        described(
            schema,
            "A limit or fee in whatever currency an account has: a JSON number with two decimals or more.",
        )
    }
}

impl PartialSchema for TransactionId {
    fn schema() -> RefOr<Schema> {
        let schema = text().format(Some(SchemaFormat::Custom("uuid".to_owned())));
        described(schema.examples(["01901234-5678-7abc-8def-0123456789ab"]), "A transaction's id (UUID version 7).")
    }
}

impl PartialSchema for Instant {
    fn schema() -> RefOr<Schema> {
        let schema = text().format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)));
        described(schema.examples(["2026-11-20T09:41:07.123Z"]), "An instant (RFC 3339), written in UTC with `Z`.")
    }
}

impl PartialSchema for Secret {
    fn schema() -> RefOr<Schema> {
        let schema = text().format(Some(SchemaFormat::KnownFormat(KnownFormat::Password)));
        described(schema, "A secret. It reaches no log, and no answer but the one that tells it for the first time.")
    }
}

impl PartialSchema for Count {
    fn schema() -> RefOr<Schema> {
        let schema = ObjectBuilder::new().schema_type(Type::Integer);
        described(schema.minimum(Some(0)).maximum(Some(u32::MAX)), "How many: a whole number.")
    }
}

macro_rules! named {
    ($($name:ident),*) => { $(impl ToSchema for $name {})* };
}

named!(
    Line,
    PostalAddress,
    NewPassword,
    AmountSent,
    AmountOrZeroSent,
    Money,
    Figure,
    TransactionId,
    Instant,
    Secret,
    Count
);

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::*;
    use crate::request::Body;
    use crate::request::card::{CardBody, CardReport, PinChange};
    use crate::request::cash::{CashRequest, TransferRequest};
    use crate::request::customer::{AccountRequest, CustomerPatch, NewCustomerBody, PasswordChange, SignUpBody};
    use crate::request::machine::{CounterBody, MachineBody, MachinePatch, ReplenishmentBody};
    use crate::request::session::{LogInRequest, OnlineLogIn, OperatorLogIn};
    use crate::teller::TellerRequest;

    fn json<T: PartialSchema>() -> Value {
        serde_json::to_value(T::schema()).unwrap()
    }

    fn properties(schema: &Value) -> BTreeSet<String> {
        schema["properties"].as_object().unwrap().keys().cloned().collect()
    }

    /// The schema has the fields that the reader knows, and none is required that the reader does not miss.
    #[track_caller]
    fn check<B: Body + ToSchema>() {
        let schema = json::<B>();
        let fields: BTreeSet<String> = B::FIELDS.iter().map(|name| (*name).to_owned()).collect();
        assert_eq!(properties(&schema), fields, "{}", B::name());
        let required = schema["required"].as_array().into_iter().flatten().count();
        assert_eq!(B::parse("{}").is_ok(), required == 0, "{}", B::name());
    }

    #[test]
    fn it_describes_the_fields_that_are_read() {
        check::<CardBody>();
        check::<PinChange>();
        check::<CardReport>();
        check::<CashRequest>();
        check::<TransferRequest>();
        check::<AccountRequest>();
        check::<SignUpBody>();
        check::<CustomerPatch>();
        check::<PasswordChange>();
        check::<NewCustomerBody>();
        check::<CounterBody>();
        check::<MachineBody>();
        check::<MachinePatch>();
        check::<ReplenishmentBody>();
        check::<crate::request::case::ResolutionBody>();
        check::<OperatorLogIn>();
        check::<TellerRequest>();
        let either: BTreeSet<_> =
            properties(&json::<CardLogIn>()).union(&properties(&json::<OnlineLogIn>())).cloned().collect();
        assert_eq!(either, LogInRequest::FIELDS.iter().map(|name| (*name).to_owned()).collect());
    }
}
