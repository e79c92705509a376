//! Operations written down as one OpenAPI document.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use cashpoint_wire::problem::{self, Code, Problem};
use cashpoint_wire::schema::TellerError;
use serde_json::json;
use utoipa::openapi::example::Example;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{OperationBuilder, ParameterBuilder, ParameterIn, Paths};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{
    Components, ComponentsBuilder, ContentBuilder, Header, HttpMethod, InfoBuilder, LicenseBuilder, OpenApi,
    OpenApiBuilder, Ref, RefOr, Required, Response, ResponseBuilder, ServerBuilder,
};

use super::operation::{Access, Content, Json, Naming, Need, Operation, Refusals, Tag, Verb, named, reference};
use super::raw::Examples;

const SESSION: &str = "session";
const CHANNEL: &str = "channel";
/// A request id for examples.
const REQUEST_ID: &str = "01901234-5678-8abc-8def-0123456789ab";

const INTRODUCTION: &str = "\
The host of an ATM network: customers, cards, accounts and a double-entry ledger.

Bodies are JSON, at most 65,536 bytes. Unknown fields and parameters are refused. Ids are strings; instants are RFC 3339 \
in UTC. **Amounts** are JSON numbers with exactly the currency's decimals (`100.00` dollars, `100` yen); in requests fewer \
decimals will do, and a string such as `\"100.00\"` is taken too. Programs should read them as decimals, not as floats.

**Sending again** is safe: a request that moves money or makes something is named by its `Idempotency-Key`. The same key \
with the same content gives the same answer, through restarts, marked `Idempotent-Replayed: true`; with other content it \
is refused as `idempotency_key_reused`. A key that is not sent is made, and returned.

**A \"no\"** is a problem document (RFC 9457) whose `code` is for programs; `/docs/errors` explains all of them. What is \
wrong is told in this order: size, route, method, media type, form, session, channel, account, an amount that the \
currency cannot have, replay, then the rules. Sending a refused request again under its key gives the same refusal if the \
status was 422, and is decided anew otherwise.";

/// The document, its examples still apart.
pub(super) struct Document {
    pub(super) openapi: OpenApi,
    pub(super) examples: Examples,
}

impl Document {
    /// As it is served.
    pub(super) fn to_json(&self) -> String {
        self.examples.put_into(&self.openapi.to_json().expect("a document of texts and numbers is JSON"))
    }
}

/// Writes these operations down.
pub(super) fn document(operations: &[Operation]) -> Document {
    let mut writer = Writer::default();
    let mut paths = Paths::new();
    for operation in operations {
        let (method, described) = (http_method(operation.verb), writer.operation(operation));
        paths.add_path_operation(operation.path, vec![method], described);
    }
    let openapi = writer.whole(paths, operations);
    Document { openapi, examples: writer.examples }
}

fn http_method(verb: Verb) -> HttpMethod {
    match verb {
        Verb::Get => HttpMethod::Get,
        Verb::Post => HttpMethod::Post,
        Verb::Put => HttpMethod::Put,
        Verb::Patch => HttpMethod::Patch,
        Verb::Delete => HttpMethod::Delete,
    }
}

#[derive(Default)]
struct Writer {
    examples: Examples,
}

impl Writer {
    fn whole(&mut self, paths: Paths, operations: &[Operation]) -> OpenApi {
        let used = |tag: &Tag| operations.iter().any(|operation| operation.tag == *tag);
        let tags = Tag::ALL.into_iter().filter(used);
        let tags = tags.map(|tag| TagBuilder::new().name(tag.name()).description(Some(tag.description())).build());
        let license = LicenseBuilder::new().name("Apache-2.0 OR MIT").identifier(Some("Apache-2.0 OR MIT")).build();
        let info = InfoBuilder::new()
            .title("Cashpoint")
            .version(env!("CARGO_PKG_VERSION"))
            .description(Some(INTRODUCTION))
            .license(Some(license));
        OpenApiBuilder::new()
            .info(info.build())
            .servers(Some([ServerBuilder::new().url("/").build()]))
            .paths(paths)
            .components(Some(self.components(operations)))
            .tags(Some(tags))
            .build()
    }

    fn components(&mut self, operations: &[Operation]) -> Components {
        let mut schemas: BTreeMap<_, _> = operations.iter().flat_map(|operation| operation.schemas.clone()).collect();
        schemas.extend(operations.iter().flat_map(Operation::path_parameters).flat_map(|(_, kind)| kind.schema().1));
        schemas.extend(named::<Problem>());
        if operations.iter().any(|operation| operation.refusals == Refusals::Teller) {
            schemas.extend(named::<TellerError>());
        }
        let mut components = ComponentsBuilder::new().schemas_from_iter(schemas);
        for code in Code::ALL {
            components = components.response(code.name(), problem(code.status(), &[*code]));
            components = components.example(code.name(), self.problem_example(*code));
        }
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some("The token of a session."));
        let channel = ApiKeyValue::with_description(
            "Cashpoint-Channel",
            "`<id>.<secret>`: the credential of a machine of kind `api` or of a counter, shown once when it is made. \
             Cash moves only where it stands. Not needed in a sandbox.",
        );
        components
            .security_scheme(SESSION, SecurityScheme::Http(bearer.build()))
            .security_scheme(CHANNEL, SecurityScheme::ApiKey(ApiKey::Header(channel)))
            .build()
    }

    fn operation(&mut self, operation: &Operation) -> utoipa::openapi::path::Operation {
        let mut built = OperationBuilder::new()
            .tag(operation.tag.name())
            .operation_id(Some(operation.id))
            .summary(Some(operation.summary))
            .securities(Some(securities(operation.access)));
        if !operation.description.is_empty() {
            built = built.description(Some(operation.description.as_str()));
        }
        for parameter in parameters(operation) {
            built = built.parameter(parameter);
        }
        if let Some(body) = &operation.body {
            let body =
                RequestBodyBuilder::new().required(Some(Required::True)).content("application/json", self.json(body));
            built = built.request_body(Some(body.build()));
        }
        built = built.response(operation.status.as_str(), self.success(operation, "Done."));
        let refused = by_status(operation);
        for (status, means) in &operation.other {
            if !refused.iter().any(|(refused, _)| *refused == status.as_u16()) {
                built = built.response(status.as_str(), self.success(operation, means));
            }
        }
        for (status, codes) in refused {
            let means = operation.other.iter().find(|(other, _)| other.as_u16() == status);
            let response = match means {
                None => self.refusals(operation, status, &codes),
                Some((_, means)) => self.either(operation, means, &codes).into(),
            };
            built = built.response(status.to_string(), response);
        }
        built.build()
    }

    fn json(&mut self, body: &Json) -> utoipa::openapi::Content {
        let examples = body.examples.iter().map(|(name, json)| (identifier(name), self.examples.example(name, *json)));
        ContentBuilder::new().schema(Some(body.schema.clone())).examples_from_iter(examples.collect::<Vec<_>>()).build()
    }

    fn success(&mut self, operation: &Operation, means: &str) -> Response {
        let response = ResponseBuilder::new().description(means).header(X_REQUEST_ID.0, request_id_header());
        let response = match &operation.content {
            Content::Nothing => response,
            Content::Json(body) => response.content("application/json", self.json(body)),
            Content::Text(media_type) => {
                let text = ObjectBuilder::new().schema_type(Type::String).build();
                response.content(*media_type, ContentBuilder::new().schema(Some(text)).build())
            }
        };
        match operation.naming {
            Naming::Unnamed => response.build(),
            Naming::Keyed => keyed_headers(response).build(),
        }
    }

    /// An answer of a status that is also that of refusals.
    fn either(&mut self, operation: &Operation, means: &str, codes: &[Code]) -> Response {
        let mut response = self.success(operation, means);
        let refusals = problem(codes[0].status(), codes).build();
        response.description = format!("{means}\n{}", refusals.description);
        response.headers.extend(refusals.headers);
        response.content.extend(refusals.content);
        response
    }

    fn refusals(&mut self, operation: &Operation, status: u16, codes: &[Code]) -> RefOr<Response> {
        match (operation.refusals, codes, operation.naming) {
            (Refusals::Teller, _, Naming::Unnamed) => self.teller(status, codes).build().into(),
            (Refusals::Teller, _, Naming::Keyed) => keyed_headers(self.teller(status, codes)).build().into(),
            (Refusals::Problems, [code], naming) if naming == Naming::Unnamed || comes_before_the_key(*code) => {
                Ref::from_response_name(code.name()).into()
            }
            (Refusals::Problems, _, Naming::Unnamed) => problem(status, codes).build().into(),
            (Refusals::Problems, _, Naming::Keyed) => keyed_headers(problem(status, codes)).build().into(),
        }
    }

    /// A problem document of this code.
    fn problem_example(&mut self, code: Code) -> Example {
        let document = String::from_utf8(code.example().to_json(REQUEST_ID)).expect("a document is written in UTF-8");
        self.examples.example(code.title(), document)
    }

    /// The teller's answer to one of these, which have one status at the teller's.
    fn teller(&mut self, status: u16, codes: &[Code]) -> ResponseBuilder {
        let bodies = codes.iter().map(|code| {
            let (_, body) = cashpoint_wire::teller::error(&code.example());
            let body = String::from_utf8(body).expect("a body is written in UTF-8");
            (code.name(), self.examples.example(code.title(), body))
        });
        let content = ContentBuilder::new()
            .schema(Some(reference::<TellerError>()))
            .examples_from_iter(bodies.collect::<Vec<_>>());
        refusal_headers(ResponseBuilder::new().description(listed(codes)), status)
            .content("application/json", content.build())
    }
}

/// Problem documents with one of these codes, which have one status.
fn problem(status: u16, codes: &[Code]) -> ResponseBuilder {
    let place = |code: &Code| Ref::new(format!("#/components/examples/{}", code.name()));
    let example = |code: &Code| (code.name(), RefOr::<Example>::Ref(place(code)));
    let content =
        ContentBuilder::new().schema(Some(reference::<Problem>())).examples_from_iter(codes.iter().map(example));
    refusal_headers(ResponseBuilder::new().description(listed(codes)), status)
        .content(problem::MEDIA_TYPE, content.build())
}

/// An operation's codes by status, as its answers have it.
fn by_status(operation: &Operation) -> BTreeMap<u16, Vec<Code>> {
    let mut statuses: BTreeMap<u16, Vec<Code>> = BTreeMap::new();
    for code in &operation.codes {
        let status = match operation.refusals {
            Refusals::Problems => code.status(),
            Refusals::Teller => cashpoint_wire::teller::error(&code.example()).0,
        };
        statuses.entry(status).or_default().push(*code);
    }
    statuses
}

/// Whether it is told before anybody has looked at the request's key, which then does not come back.
fn comes_before_the_key(code: Code) -> bool {
    matches!(code, Code::BodyTooLarge | Code::MethodNotAllowed)
}

fn listed(codes: &[Code]) -> String {
    let mut text = String::new();
    for (at, code) in codes.iter().enumerate() {
        let separator = if at == 0 { "" } else { "\n" };
        write!(text, "{separator}`{}`: {}", code.name(), code.detail()).expect("a text takes more text");
    }
    text
}

/// A key for an example: its name without spaces.
fn identifier(name: &str) -> String {
    name.to_lowercase().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect()
}

fn securities(access: Access) -> Vec<SecurityRequirement> {
    let none: [&str; 0] = [];
    let session = || SecurityRequirement::new(SESSION, none);
    let channel = || SecurityRequirement::new(CHANNEL, none);
    match access {
        Access::Anyone => vec![SecurityRequirement::default()],
        Access::Place => vec![channel(), SecurityRequirement::default()],
        Access::Session => vec![session()],
        // The second is a sandbox's.
        Access::SessionAtPlace => vec![session().add(CHANNEL, none), session()],
    }
}

fn parameters(operation: &Operation) -> Vec<utoipa::openapi::path::Parameter> {
    let path = operation.path_parameters().map(|(name, kind)| {
        let parameter = ParameterBuilder::new().name(name).parameter_in(ParameterIn::Path).required(Required::True);
        parameter.description(Some(kind.description())).schema(Some(kind.schema().0)).build()
    });
    let query = operation.parameters.iter().map(|own| {
        let required = match own.need {
            Need::Required => Required::True,
            Need::Optional => Required::False,
        };
        let parameter = ParameterBuilder::new().name(own.name).parameter_in(ParameterIn::Query).required(required);
        parameter.description(Some(own.description)).schema(Some(own.schema.clone())).build()
    });
    let key = match operation.naming {
        Naming::Unnamed => None,
        Naming::Keyed => Some(
            ParameterBuilder::new()
                .name(IDEMPOTENCY_KEY.0)
                .parameter_in(ParameterIn::Header)
                .required(Required::False)
                .description(Some(
                    "Names the request. 1 to 255 visible ASCII characters; made by the host if not sent.",
                ))
                .schema(Some(key_schema()))
                .build(),
        ),
    };
    path.chain(query).chain(key).collect()
}

/// A header's name, and what it says.
type Named = (&'static str, &'static str);

const X_REQUEST_ID: Named = ("X-Request-Id", "Finds the request in the host's log.");
const IDEMPOTENCY_KEY: Named = ("Idempotency-Key", "The request's key, sent or made.");
const REPLAYED: Named = ("Idempotent-Replayed", "`true` if this answer was given before; otherwise not there.");
const RETRY_AFTER: Named = ("Retry-After", "Seconds to wait.");
const AUTHENTICATE: Named = ("WWW-Authenticate", "`Bearer`, with `error=\"invalid_token\"` if the session has ended.");
const ALLOW: Named = ("Allow", "The methods that the path has.");

fn text_header(description: &str) -> Header {
    let text = ObjectBuilder::new().schema_type(Type::String);
    HeaderBuilder::new().schema(Some(text.build())).description(Some(description)).build()
}

fn request_id_header() -> Header {
    text_header(X_REQUEST_ID.1)
}

fn key_schema() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).pattern(Some("^[!-~]{1,255}$"))
}

fn keyed_headers(response: ResponseBuilder) -> ResponseBuilder {
    let key = HeaderBuilder::new().schema(Some(key_schema().build())).description(Some(IDEMPOTENCY_KEY.1));
    let replayed = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(["true"]));
    let replayed = HeaderBuilder::new().schema(Some(replayed.build())).description(Some(REPLAYED.1));
    response.header(IDEMPOTENCY_KEY.0, key.build()).header(REPLAYED.0, replayed.build())
}

fn refusal_headers(response: ResponseBuilder, status: u16) -> ResponseBuilder {
    let response = response.header(X_REQUEST_ID.0, request_id_header());
    match status {
        401 => response.header(AUTHENTICATE.0, text_header(AUTHENTICATE.1)),
        405 => response.header(ALLOW.0, text_header(ALLOW.1)),
        429 | 503 => {
            let seconds = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1));
            let header = HeaderBuilder::new().schema(Some(seconds.build())).description(Some(RETRY_AFTER.1));
            response.header(RETRY_AFTER.0, header.example(Some(json!(1))).build())
        }
        _ => response,
    }
}
