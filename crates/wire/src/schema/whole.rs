//! Whole bodies that have no struct of their own, because they are written or read as something smaller.

use cashpoint_core::event::EventKind;
use utoipa::openapi::schema::{
    AdditionalProperties, ArrayBuilder, ObjectBuilder, OneOfBuilder, Schema, SchemaType, Type,
};
use utoipa::openapi::{Ref, RefOr};
use utoipa::{PartialSchema, ToSchema};

use super::{
    AccountId, AccountType, AmountOrZeroSent, AmountSent, CardNumber, Count, CurrencyCode, MachineId, Pin, Secret,
    one_of,
};
use crate::answer::customer::AccountAnswer;
use crate::answer::history::{EntryAnswer, MachineEntryAnswer, NotificationAnswer};
use crate::answer::machine::{CounterAnswer, MachineAnswer};
use crate::answer::notification::WishesAnswer;
use crate::answer::policy::PoliciesAnswer;
use crate::money::Money;
use crate::request::session::{LogInRequest, OnlineLogIn, OperatorLogIn};

/// The accounts that a session reaches.
#[derive(Clone, Debug, ToSchema)]
pub struct AccountList {
    /// In the order in which they were opened.
    pub accounts: Vec<AccountAnswer>,
}

/// All ATMs.
#[derive(Clone, ToSchema)]
pub struct MachineList {
    /// In the order of their ids.
    pub atms: Vec<MachineAnswer>,
}

/// All counters.
#[derive(Clone, ToSchema)]
pub struct CounterList {
    /// In the order of their ids.
    pub counters: Vec<CounterAnswer>,
}

/// The notifications that would have gone out.
#[derive(Clone, Debug, ToSchema)]
pub struct NotificationList {
    /// Oldest first.
    pub notifications: Vec<NotificationAnswer>,
}

/// A page of an account's history.
#[derive(Clone, Debug, ToSchema)]
pub struct EntryPage {
    /// Newest first, by entry number: a fee comes before the withdrawal that it is for.
    pub transactions: Vec<EntryAnswer>,
    /// What to ask the next page with; null on the last.
    #[schema(required)]
    pub next_cursor: Option<String>,
}

/// A page of a machine's transactions.
#[derive(Clone, Debug, ToSchema)]
pub struct MachineEntryPage {
    /// Newest first.
    pub transactions: Vec<MachineEntryAnswer>,
    /// What to ask the next page with; null on the last.
    #[schema(required)]
    pub next_cursor: Option<String>,
}

/// An account to open with money on it.
#[derive(Clone, Copy, Debug, ToSchema)]
pub struct OpeningAccount {
    /// What kind.
    #[schema(rename = "type")]
    pub product: AccountType,
    /// In which currency.
    pub currency: CurrencyCode,
    /// What is on it at first; nothing unless given.
    #[schema(required = false, value_type = AmountOrZeroSent)]
    pub opening_balance: AmountOrZeroSent,
}

/// A cassette that a new machine is delivered with.
#[derive(Clone, Copy, Debug, ToSchema)]
pub struct CassetteSent {
    /// Value of one note.
    pub denomination: AmountSent,
    /// The same for all cassettes of a machine.
    pub currency: CurrencyCode,
    /// How many notes.
    pub count: Count,
}

/// A cassette as it was counted.
#[derive(Clone, Copy, Debug, ToSchema)]
pub struct CassetteCounted {
    /// Value of one note.
    pub denomination: AmountSent,
    /// How many notes were in it.
    pub counted_out: Count,
    /// How many notes are in it now.
    pub counted_in: Count,
}

/// A log-in with a card at a machine.
#[derive(Clone, Copy, Debug, ToSchema)]
pub struct CardLogIn {
    /// The card's number.
    pub card_number: CardNumber,
    /// The PIN as entered.
    pub pin: Pin,
    /// Where the card is.
    pub atm_id: MachineId,
}

impl PartialSchema for LogInRequest {
    fn schema() -> RefOr<Schema> {
        let either = OneOfBuilder::new().item(reference::<CardLogIn>()).item(reference::<OnlineLogIn>());
        Schema::from(either.description(Some("A log-in with a card at a machine, or online."))).into()
    }
}

impl ToSchema for LogInRequest {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        add::<CardLogIn>(schemas);
        add::<OnlineLogIn>(schemas);
    }
}

/// A log-in by name and password. The second factor is read, and is no field of what the reader makes.
fn by_password(name: &'static str, description: &'static str) -> RefOr<Schema> {
    let text = || ObjectBuilder::new().schema_type(Type::String);
    let second = text().pattern(Some("^[0-9]{6}$")).description(Some(
        "The second factor's six digits. Nobody can enrol one yet: a code that is sent is taken and compared with nothing, \
         because refusing it would tell who has a second factor and who has none.",
    ));
    ObjectBuilder::new()
        .schema_type(Type::Object)
        .description(Some(description))
        .property(name, text().min_length(Some(1)).max_length(Some(254)).description(Some("Who.")))
        .required(name)
        .property("password", reference::<Secret>())
        .required("password")
        .property("totp", second)
        .build()
        .into()
}

impl PartialSchema for OnlineLogIn {
    fn schema() -> RefOr<Schema> {
        by_password("email", "A customer's log-in online.")
    }
}

impl ToSchema for OnlineLogIn {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        add::<Secret>(schemas);
    }
}

impl PartialSchema for OperatorLogIn {
    fn schema() -> RefOr<Schema> {
        by_password("username", "A log-in of staff.")
    }
}

impl ToSchema for OperatorLogIn {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        add::<Secret>(schemas);
    }
}

/// Policy values to change: any of them by name.
#[derive(Clone, Copy, Debug)]
pub struct PolicyPatch;

fn policy_values() -> ObjectBuilder {
    let kinds = SchemaType::from_iter([Type::Number, Type::String, Type::Null]);
    let value = ObjectBuilder::new().schema_type(kinds).description(Some("A number, a text, or null: no limit."));
    ObjectBuilder::new()
        .schema_type(Type::Object)
        .additional_properties(Some(AdditionalProperties::RefOr(RefOr::T(value.build().into()))))
}

impl PartialSchema for PolicyPatch {
    fn schema() -> RefOr<Schema> {
        policy_values().description(Some("Policy values to change, by name.")).min_properties(Some(1)).build().into()
    }
}

impl ToSchema for PolicyPatch {}

impl PartialSchema for PoliciesAnswer {
    fn schema() -> RefOr<Schema> {
        let version = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0)).description(Some("Counts up."));
        ObjectBuilder::new()
            .schema_type(Type::Object)
            .description(Some("The policy in force: its version, and every value by name."))
            .property("version", version)
            .required("version")
            .property("policies", policy_values())
            .required("policies")
            .build()
            .into()
    }
}

impl ToSchema for PoliciesAnswer {}

/// What somebody wants to be told of on one channel.
#[derive(Clone, Copy, Debug)]
pub struct WishShown;

impl PartialSchema for WishShown {
    fn schema() -> RefOr<Schema> {
        let kinds = one_of(EventKind::ALL.iter().map(|kind| kind.name()));
        let either = OneOfBuilder::new()
            .item(one_of(["all", "none"]))
            .item(ArrayBuilder::new().items(kinds).unique_items(true))
            .description(Some("Everything, nothing, or only what is listed."));
        Schema::from(either).into()
    }
}

impl ToSchema for WishShown {}

impl PartialSchema for WishesAnswer {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::Object)
            .description(Some("What a customer wants to be told of, by channel."))
            .additional_properties(Some(AdditionalProperties::RefOr(RefOr::Ref(reference::<WishShown>()))))
            .build()
            .into()
    }
}

impl ToSchema for WishesAnswer {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        add::<WishShown>(schemas);
    }
}

/// An answer of the sandbox's teller to a question for a balance.
#[derive(Clone, Copy, ToSchema)]
pub struct TellerBalance {
    /// Always true.
    pub success: bool,
    /// The answer.
    pub data: TellerHeld,
    /// The status again.
    #[schema(value_type = Count)]
    pub code: u16,
}

/// What a teller account holds.
#[derive(Clone, Copy, ToSchema)]
pub struct TellerHeld {
    /// The account.
    pub account_number: AccountId,
    /// What it holds.
    pub balance: Money,
}

/// An answer of the sandbox's teller to a withdrawal or a deposit.
#[derive(Clone, Copy, ToSchema)]
pub struct TellerReceipt {
    /// Always true.
    pub success: bool,
    /// The answer.
    pub data: TellerMoved,
    /// The status again.
    #[schema(value_type = Count)]
    pub code: u16,
}

/// What a teller account holds afterwards.
#[derive(Clone, Copy, ToSchema)]
pub struct TellerMoved {
    /// The account.
    pub account_number: AccountId,
    /// What it holds now.
    pub new_balance: Money,
}

/// A "no" of the sandbox's teller.
#[derive(Clone, ToSchema)]
pub struct TellerError {
    /// Always false.
    pub success: bool,
    /// What is wrong, for people: the title of one of the problem codes.
    pub error: String,
    /// The status again.
    #[schema(value_type = Count)]
    pub code: u16,
}

/// Whether a host lives, or is ready.
#[derive(Clone, Copy, Debug, ToSchema)]
pub struct Health {
    /// `live`, `ready` or `unavailable`.
    #[schema(value_type = HealthStatus)]
    pub status: HealthStatus,
}

/// How a host is.
#[derive(Clone, Copy, Debug)]
pub struct HealthStatus;

impl PartialSchema for HealthStatus {
    fn schema() -> RefOr<Schema> {
        one_of(["live", "ready", "unavailable"]).description(Some("How a host is.")).build().into()
    }
}

impl ToSchema for HealthStatus {}

/// Any JSON object.
#[derive(Clone, Copy, Debug)]
pub struct AnyObject;

impl PartialSchema for AnyObject {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(Type::Object).description(Some("Any JSON object.")).build().into()
    }
}

impl ToSchema for AnyObject {}

fn reference<T: ToSchema>() -> Ref {
    Ref::from_schema_name(T::name())
}

fn add<T: ToSchema>(schemas: &mut Vec<(String, RefOr<Schema>)>) {
    schemas.push((T::name().into_owned(), T::schema()));
    T::schemas(schemas);
}
