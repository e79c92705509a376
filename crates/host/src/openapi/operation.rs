//! One method of one path, as its callers see it.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use cashpoint_wire::problem::Code;
use cashpoint_wire::request::Body;
use cashpoint_wire::schema::{AccountId, CardId, CaseId, MachineId, ReplenishmentId, TransactionId};
use utoipa::openapi::schema::{AdditionalProperties, ObjectBuilder, Schema, Type};
use utoipa::openapi::{Ref, RefOr};
use utoipa::{PartialSchema, ToSchema};

/// A method.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Verb {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

impl Verb {
    /// As it is sent.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// A part of the interface.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Tag {
    Sessions,
    Customers,
    Accounts,
    Transactions,
    Cards,
    Machines,
    Policies,
    Operations,
    Documentation,
    Sandbox,
}

impl Tag {
    /// All of them, as the document orders them.
    pub(crate) const ALL: [Self; 10] = [
        Self::Sessions,
        Self::Customers,
        Self::Accounts,
        Self::Transactions,
        Self::Cards,
        Self::Machines,
        Self::Policies,
        Self::Operations,
        Self::Documentation,
        Self::Sandbox,
    ];

    /// Its name.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Sessions => "Sessions",
            Self::Customers => "Customers",
            Self::Accounts => "Accounts",
            Self::Transactions => "Transactions",
            Self::Cards => "Cards",
            Self::Machines => "Machines",
            Self::Policies => "Policies",
            Self::Operations => "Operations",
            Self::Documentation => "Documentation",
            Self::Sandbox => "Sandbox",
        }
    }

    /// What it is for.
    pub(crate) const fn description(self) -> &'static str {
        match self {
            Self::Sessions => "Log-ins: with a card at a machine, online, of staff.",
            Self::Customers => "Sign-up, a customer's own data, and customers made by staff.",
            Self::Accounts => "Accounts, balances, and everything that moves money.",
            Self::Transactions => "Histories.",
            Self::Cards => "Cards and PINs.",
            Self::Machines => "ATMs, counters and their cash.",
            Self::Policies => "The operator's choices: limits, fees, times.",
            Self::Operations => "For whoever runs the host, on a port of its own except in a demo.",
            Self::Documentation => "For people who write programs.",
            Self::Sandbox => "Only in a sandbox, and only for callers on the same machine.",
        }
    }
}

/// What must come along with a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Access {
    /// Nothing.
    Anyone,
    /// For one of the ways to ask, the credential of a place.
    Place,
    /// A session's token.
    Session,
    /// A session's token and the credential of a place.
    SessionAtPlace,
}

/// How a refusal looks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Refusals {
    /// A problem document.
    Problems,
    /// The sandbox teller's own shape.
    Teller,
}

/// What a request is named with, so that sending it again does not act again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Naming {
    Unnamed,
    /// An idempotency key.
    Keyed,
}

/// A parameter of the query string.
#[derive(Clone)]
pub(crate) struct Parameter {
    pub(crate) name: &'static str,
    pub(crate) need: Need,
    pub(crate) description: &'static str,
    pub(crate) schema: RefOr<Schema>,
}

/// Whether a parameter may be left out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Need {
    Required,
    Optional,
}

/// A body of JSON: its schema, and examples by name, as text so that amounts keep their decimals.
#[derive(Clone)]
pub(crate) struct Json {
    pub(crate) schema: RefOr<Schema>,
    pub(crate) examples: Vec<(&'static str, &'static str)>,
}

/// What comes back if all goes well.
#[derive(Clone)]
pub(crate) enum Content {
    Nothing,
    Json(Box<Json>),
    /// A text of this media type.
    Text(&'static str),
}

/// See the module.
#[derive(Clone)]
pub(crate) struct Operation {
    pub(crate) verb: Verb,
    pub(crate) path: &'static str,
    pub(crate) id: &'static str,
    pub(crate) tag: Tag,
    pub(crate) summary: &'static str,
    pub(crate) description: String,
    pub(crate) access: Access,
    pub(crate) refusals: Refusals,
    pub(crate) naming: Naming,
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) body: Option<Json>,
    pub(crate) status: StatusCode,
    pub(crate) content: Content,
    /// Statuses of refusals that may also be answers like that of `status`, with what they mean then.
    pub(crate) other: Vec<(StatusCode, &'static str)>,
    pub(crate) codes: BTreeSet<Code>,
    /// Schemas that others refer to, by name.
    pub(crate) schemas: Vec<(String, RefOr<Schema>)>,
}

impl Operation {
    /// Something that is asked for at `path` with `verb`; `id` names it in programs made from the document.
    pub(crate) fn new(verb: Verb, path: &'static str, id: &'static str) -> Self {
        Self {
            verb,
            path,
            id,
            tag: Tag::Documentation,
            summary: "",
            description: String::new(),
            access: Access::Anyone,
            refusals: Refusals::Problems,
            naming: Naming::Unnamed,
            parameters: Vec::new(),
            body: None,
            status: StatusCode::OK,
            content: Content::Nothing,
            other: Vec::new(),
            // Whatever the path: the server sheds, and looks at lengths and methods, before anything else.
            codes: [Code::BodyTooLarge, Code::MethodNotAllowed, Code::Overloaded].into(),
            schemas: Vec::new(),
        }
    }

    /// What it does, in a line, and what else there is to know.
    pub(crate) fn says(mut self, tag: Tag, summary: &'static str, description: impl Into<String>) -> Self {
        (self.tag, self.summary, self.description) = (tag, summary, description.into());
        self
    }

    /// It is read strictly, and asks the bank.
    pub(crate) fn asks_the_bank(mut self) -> Self {
        self.codes.extend([Code::InvalidRequest, Code::Internal, Code::DatabaseUnavailable]);
        for (_, kind) in self.path_parameters() {
            if kind == PathParameter::Account {
                self.codes.insert(Code::InvalidAccountId);
            }
        }
        self
    }

    /// It is a command: it waits in the bank's queue, and for clocks that agree.
    pub(crate) fn commands_the_bank(self) -> Self {
        self.asks_the_bank().refuses(&[Code::ClockDisagrees])
    }

    /// Needs a session.
    pub(crate) fn in_session(mut self) -> Self {
        self.access = Access::Session;
        self.refuses(&[Code::Unauthenticated, Code::SessionExpired])
    }

    /// Needs a session, and the credential of where the cash is.
    pub(crate) fn at_place(mut self) -> Self {
        self = self.in_session().refuses(&[Code::ChannelRequired]);
        self.access = Access::SessionAtPlace;
        self
    }

    /// As [`Self::at_place`] without a session, for those requests that are about a place.
    pub(crate) fn perhaps_at_place(mut self) -> Self {
        self.access = Access::Place;
        self.refuses(&[Code::ChannelRequired])
    }

    /// Takes an idempotency key.
    pub(crate) fn keyed(mut self) -> Self {
        self.naming = Naming::Keyed;
        self.refuses(&[Code::IdempotencyKeyReused])
    }

    /// Its refusals look as the teller's.
    pub(crate) fn of_the_teller(mut self) -> Self {
        self.refusals = Refusals::Teller;
        self.refuses(&[Code::Forbidden])
    }

    /// Takes a body.
    pub(crate) fn takes<B: Body + ToSchema>(self, examples: &[(&'static str, &'static str)]) -> Self {
        self.takes_schema::<B>(examples)
    }

    /// Takes a body that is read in some other way.
    pub(crate) fn takes_schema<B: ToSchema>(mut self, examples: &[(&'static str, &'static str)]) -> Self {
        let mut schemas = named::<B>();
        schemas.iter_mut().for_each(|(_, schema)| close(schema));
        self.schemas.extend(schemas);
        self.body = Some(Json { schema: reference::<B>(), examples: examples.to_vec() });
        self.refuses(&[Code::UnsupportedMediaType])
    }

    /// The schema called `schema` has fields of these names only.
    pub(crate) fn with_names(mut self, schema: &str, names: &[&'static str]) -> Self {
        for (name, described) in &mut self.schemas {
            if let RefOr::T(Schema::Object(object)) = described
                && name == schema
            {
                let names = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(names.iter().copied()));
                object.property_names = Some(Box::new(names.build().into()));
            }
        }
        self
    }

    /// Answers 200 with a body.
    pub(crate) fn answers<A: ToSchema>(mut self, examples: &[(&'static str, &'static str)]) -> Self {
        self.schemas.extend(named::<A>());
        self.content = Content::Json(Box::new(Json { schema: reference::<A>(), examples: examples.to_vec() }));
        self
    }

    /// Answers 201 with a body.
    pub(crate) fn creates<A: ToSchema>(mut self, examples: &[(&'static str, &'static str)]) -> Self {
        self.status = StatusCode::CREATED;
        self.answers::<A>(examples)
    }

    /// Answers 204.
    pub(crate) fn answers_nothing(mut self) -> Self {
        self.status = StatusCode::NO_CONTENT;
        self
    }

    /// Answers 200 with a text.
    pub(crate) fn answers_text(mut self, media_type: &'static str) -> Self {
        self.content = Content::Text(media_type);
        self
    }

    /// May also answer this, with the same kind of body.
    pub(crate) fn or_answers(mut self, status: StatusCode, means: &'static str) -> Self {
        self.other.push((status, means));
        self
    }

    /// Knows a parameter of the query string.
    pub(crate) fn parameter(mut self, parameter: Parameter) -> Self {
        self.parameters.push(parameter);
        self
    }

    /// May refuse for these reasons too.
    pub(crate) fn refuses(mut self, codes: &[Code]) -> Self {
        self.codes.extend(codes);
        self
    }

    /// The variable parts of the path.
    pub(crate) fn path_parameters(&self) -> impl Iterator<Item = (&'static str, PathParameter)> + use<> {
        let segments = self.path.split('/').filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'));
        segments.map(|name| (name, PathParameter::named(name)))
    }
}

/// What a variable part of a path names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum PathParameter {
    Account,
    Card,
    Case,
    Machine,
    Replenishment,
    Transaction,
}

impl PathParameter {
    fn named(name: &str) -> Self {
        match name {
            "account_id" | "n" => Self::Account,
            "card_id" => Self::Card,
            "case_id" => Self::Case,
            "atm_id" => Self::Machine,
            "replenishment_id" => Self::Replenishment,
            "transaction_id" => Self::Transaction,
            other => panic!("the document does not know what {{{other}}} in a path is"),
        }
    }

    /// Its schema, and that by name.
    pub(crate) fn schema(self) -> (RefOr<Schema>, Vec<(String, RefOr<Schema>)>) {
        match self {
            Self::Account => (reference::<AccountId>(), named::<AccountId>()),
            Self::Card => (reference::<CardId>(), named::<CardId>()),
            Self::Case => (reference::<CaseId>(), named::<CaseId>()),
            Self::Machine => (reference::<MachineId>(), named::<MachineId>()),
            Self::Replenishment => (reference::<ReplenishmentId>(), named::<ReplenishmentId>()),
            Self::Transaction => (reference::<TransactionId>(), named::<TransactionId>()),
        }
    }

    /// For people.
    pub(crate) const fn description(self) -> &'static str {
        match self {
            Self::Account => "The account.",
            Self::Card => "The card.",
            Self::Case => "The case.",
            Self::Machine => "The machine.",
            Self::Replenishment => "The replenishment.",
            Self::Transaction => "The transaction.",
        }
    }
}

pub(crate) fn reference<T: ToSchema>() -> RefOr<Schema> {
    Ref::from_schema_name(T::name()).into()
}

/// A type's schema and those that it refers to.
pub(crate) fn named<T: ToSchema>() -> Vec<(String, RefOr<Schema>)> {
    let mut schemas = vec![(T::name().into_owned(), <T as PartialSchema>::schema())];
    T::schemas(&mut schemas);
    schemas
}

/// Says that an object sent may have no other fields: the readers refuse them.
fn close(schema: &mut RefOr<Schema>) {
    if let RefOr::T(Schema::Object(object)) = schema
        && !object.properties.is_empty()
    {
        object.additional_properties = Some(Box::new(AdditionalProperties::FreeForm(false)));
    }
}
