//! The envelope: header and payload, both ways.
//!
//! A service reads commands strictly and says what it refuses; a client reads everything else tolerantly. How services
//! differ in what they write is a [`Dialect`]. Request ids, queues and deadlines are not kept here.

use serde::Serialize;
use serde_json::value::{RawValue, Value};

use super::capabilities::Spelling;
use super::message::{Answer, Command, CommandName, Event, EventKind, EventName};
use super::value::Version;
use super::word::{Word, words};

words! {
    /// How a command ended.
    CompletionCode {
        Success "success", CommandErrorCode "commandErrorCode", Canceled "canceled",
        DeviceNotReady "deviceNotReady", HardwareError "hardwareError", InternalError "internalError",
        InvalidCommand "invalidCommand", InvalidRequestId "invalidRequestID", TimeOut "timeOut",
        UnsupportedCommand "unsupportedCommand", InvalidData "invalidData", UserError "userError",
        UnsupportedData "unsupportedData", FraudAttempt "fraudAttempt", SequenceError "sequenceError",
        AuthorizationRequired "authorizationRequired", NoCommandNonce "noCommandNonce",
        InvalidToken "invalidToken", InvalidTokenNonce "invalidTokenNonce", InvalidTokenHmac "invalidTokenHMAC",
        InvalidTokenFormat "invalidTokenFormat", InvalidTokenKeyNoValue "invalidTokenKeyNoValue",
        NotEnoughSpace "notEnoughSpace",
    }
    /// Why a command was not queued: nothing follows.
    Refusal {
        InvalidMessage "invalidMessage", InvalidRequestId "invalidRequestID", TooManyRequests "tooManyRequests",
    }
}

/// The other spelling of `authorizationRequired`.
const AUTHORISATION_REQUIRED: &str = "authorisationRequired";

/// A command on its way to a service.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Request {
    /// From 1, once for each connection.
    pub id: u32,
    /// Milliseconds from its arrival; none or 0: no limit.
    pub timeout_ms: Option<u32>,
    /// The version that the service listed.
    pub version: Version,
    /// The command.
    pub command: Command,
}

/// What is repeated of a command in an acknowledge.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Echo {
    /// Its name, whether known or not.
    pub name: String,
    /// Its version.
    pub version: Version,
    /// Its id; 0: there was none.
    pub id: u32,
}

/// Why a service does not execute what it was sent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Refused {
    /// To be acknowledged with a refusal; no completion follows.
    AtOnce(Echo, Refusal),
    /// To be acknowledged, then completed with this code.
    Completed(Echo, CompletionCode, &'static str),
}

/// A message from a service.
#[derive(Clone, PartialEq, Eq, Debug)]
#[expect(clippy::large_enum_variant, reason = "there is one at a time, and it is not copied about")]
pub enum Message {
    /// The command is queued, or refused.
    Acknowledge(Echo, Option<Refusal>),
    /// The command with this id is over.
    Completion(Completion),
    /// Something happened: to the command with an id, or by itself.
    Event(Option<u32>, Event),
    /// A message with a name that is not known here. It may be passed over.
    Unknown(String),
}

/// The end of a command.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Completion {
    /// Of which command.
    pub id: u32,
    /// Its name, whether known or not.
    pub name: String,
    /// How it ended.
    pub code: CompletionCode,
    /// Text for logs.
    pub description: Option<String>,
    /// What it brought; none if the name is unknown or the payload cannot be read.
    pub answer: Option<Answer>,
}

/// Not a message at all.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Malformed;

/// How services differ in what they write.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Dialect {
    /// Whether success is written.
    pub success: SuccessCode,
    /// How events that belong to no command are marked.
    pub unsolicited: UnsolicitedType,
    /// How missing authority is spelt.
    pub authorization: Authorization,
    /// How interfaces are spelt in capabilities.
    pub interfaces: Spelling,
}

/// Whether success is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SuccessCode {
    /// `completionCode` is `success`.
    Written,
    /// `completionCode` is left out.
    LeftOut,
}

/// How events that belong to no command are marked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum UnsolicitedType {
    /// Type `unsolicited`.
    Unsolicited,
    /// Type `event` without a request id.
    Event,
}

/// How missing authority is spelt.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Authorization {
    /// `authorizationRequired`.
    WithZ,
    /// `authorisationRequired`.
    WithS,
}

impl Default for Dialect {
    fn default() -> Self {
        Self {
            success: SuccessCode::Written,
            unsolicited: UnsolicitedType::Unsolicited,
            authorization: Authorization::WithZ,
            interfaces: Spelling::Upper,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Header<'a> {
    r#type: &'a str,
    name: &'a str,
    version: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timeout: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<Refusal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    completion_code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_description: Option<&'a str>,
}

impl<'a> Header<'a> {
    fn of(kind: &'a str, name: &'a str, version: Version) -> Self {
        let version = version.to_string();
        let (request_id, timeout, status, completion_code, error_description) = (None, None, None, None, None);
        Self { r#type: kind, name, version, request_id, timeout, status, completion_code, error_description }
    }

    fn with(&self, payload: Option<String>) -> String {
        #[derive(Serialize)]
        struct Envelope<'a> {
            header: &'a Header<'a>,
            #[serde(skip_serializing_if = "Option::is_none")]
            payload: Option<Box<RawValue>>,
        }
        let raw = |text| RawValue::from_string(text).expect("a payload is JSON");
        let envelope = Envelope { header: self, payload: payload.map(raw) };
        serde_json::to_string(&envelope).expect("an envelope is strings, numbers and JSON")
    }
}

impl Request {
    /// A command in the version of this project.
    #[must_use]
    pub fn new(id: u32, timeout_ms: Option<u32>, command: impl Into<Command>) -> Self {
        let command = command.into();
        Self { id, timeout_ms, version: command.name().version(), command }
    }

    /// What an acknowledge repeats of it.
    #[must_use]
    pub fn echo(&self) -> Echo {
        Echo { name: self.command.name().word().to_owned(), version: self.version, id: self.id }
    }

    /// As text. May hold a card's number: not for logs.
    #[must_use]
    pub fn encode(&self) -> String {
        let mut header = Header::of("command", self.command.name().word(), self.version);
        header.request_id = Some(self.id);
        header.timeout = self.timeout_ms;
        // Always with a payload, even an empty one: some services stumble over a command without.
        header.with(Some(self.command.payload()))
    }

    /// Reads a command, as a service does: strictly.
    ///
    /// # Errors
    /// [`Refused`] says what the service has to answer.
    pub fn decode(text: &str) -> Result<Self, Refused> {
        let fallback = || Echo { name: "Common.Acknowledge".to_owned(), version: Version::new(1, 0), id: 0 };
        let Ok(parts) = Parts::read(text) else {
            return Err(Refused::AtOnce(fallback(), Refusal::InvalidMessage));
        };
        let named = parts.name.as_deref().filter(|name| is_name(name));
        let echo = Echo {
            name: named.map_or_else(|| fallback().name, str::to_owned),
            version: parts.version.unwrap_or(Version::new(1, 0)),
            id: parts.id.unwrap_or(0),
        };
        let (Some(_), Some(version), Some(id)) = (named, parts.version, parts.id) else {
            return Err(Refused::AtOnce(echo, Refusal::InvalidMessage));
        };
        if parts.kind.as_deref() != Some("command") || parts.foreign || parts.answering {
            return Err(Refused::AtOnce(echo, Refusal::InvalidMessage));
        }
        if id == 0 {
            return Err(Refused::AtOnce(echo, Refusal::InvalidRequestId));
        }
        let Some(name) = CommandName::read(&echo.name) else {
            return Err(Refused::Completed(echo, CompletionCode::InvalidCommand, "There is no such command"));
        };
        if !name.understands(version) {
            let reason = "This version of the command is not supported";
            return Err(Refused::Completed(echo, CompletionCode::UnsupportedCommand, reason));
        }
        match Command::read(name, parts.payload.as_ref().map(|raw| raw.get())) {
            Ok(command) => Ok(Self { id, timeout_ms: parts.timeout, version, command }),
            Err(_) => Err(Refused::Completed(echo, CompletionCode::InvalidData, "The payload cannot be read")),
        }
    }
}

impl Completion {
    /// A command that did what it was told.
    #[must_use]
    pub fn done(id: u32, answer: Answer) -> Self {
        let name = answer.name().word().to_owned();
        Self { id, name, code: CompletionCode::Success, description: None, answer: Some(answer) }
    }

    /// A command that failed for a reason of its own, which is in the answer's `errorCode`.
    #[must_use]
    pub fn failed(id: u32, answer: Answer, description: Option<String>) -> Self {
        Self { code: CompletionCode::CommandErrorCode, description, ..Self::done(id, answer) }
    }

    /// A command that failed as any command can.
    #[must_use]
    pub fn ended(id: u32, name: impl Into<String>, code: CompletionCode, description: Option<String>) -> Self {
        Self { id, name: name.into(), code, description, answer: None }
    }
}

impl Message {
    /// As text, the way that a service with this dialect writes it. May hold what is on a card: not for logs.
    #[must_use]
    pub fn encode(&self, dialect: Dialect) -> String {
        match self {
            Self::Acknowledge(echo, refusal) => {
                let mut header = Header::of("acknowledge", &echo.name, echo.version);
                header.request_id = Some(echo.id);
                header.status = *refusal;
                header.with(None)
            }
            Self::Completion(completion) => completion.encode(dialect),
            Self::Event(id, event) => {
                let kind = match (id, dialect.unsolicited) {
                    (None, UnsolicitedType::Unsolicited) => "unsolicited",
                    (None, UnsolicitedType::Event) | (Some(_), _) => "event",
                };
                let mut header = Header::of(kind, event.name().word(), event.name().version());
                header.request_id = *id;
                header.with(some(event.payload()))
            }
            Self::Unknown(name) => Header::of("unsolicited", name, Version::new(1, 0)).with(None),
        }
    }

    /// Reads a message, as a client does: tolerantly.
    ///
    /// # Errors
    /// [`Malformed`]: it is no message, or one that only a client sends.
    pub fn decode(text: &str) -> Result<Self, Malformed> {
        let parts = Parts::read(text)?;
        let name = parts.name.ok_or(Malformed)?;
        let payload = parts.payload.as_ref().map(|raw| raw.get());
        // No id is as good as 0, and either means that the message belongs to no command, whatever its type says.
        let id = parts.id.filter(|id| *id != 0);
        match parts.kind.as_deref() {
            Some("acknowledge") => {
                // A refusal for a reason that is not known is still one.
                let refusal = parts.status.map(|text| Refusal::read(&text).unwrap_or(Refusal::InvalidMessage));
                let version = parts.version.unwrap_or(Version::new(1, 0));
                Ok(Self::Acknowledge(Echo { name, version, id: id.unwrap_or(0) }, refusal))
            }
            Some("completion") => {
                let answer = CommandName::read(&name).and_then(|known| Answer::read(known, payload).ok());
                let (code, description) = (code(parts.code.as_deref()), parts.description);
                Ok(Self::Completion(Completion { id: id.ok_or(Malformed)?, name, code, description, answer }))
            }
            Some("event" | "unsolicited") => {
                let event = EventName::read(&name).and_then(|known| Event::read(known, payload).ok());
                Ok(event.map_or(Self::Unknown(name), |event| Self::Event(id, event)))
            }
            Some(_) | None => Err(Malformed),
        }
    }

    /// An event as its kind wants it: with the id of the running command, or without.
    #[must_use]
    pub fn event(running: Option<u32>, event: Event) -> Self {
        match event.name().kind() {
            EventKind::Solicited => Self::Event(running, event),
            EventKind::Unsolicited => Self::Event(None, event),
        }
    }
}

impl Completion {
    fn encode(&self, dialect: Dialect) -> String {
        // The completion of a command that nobody knows has no version of its own.
        let version = CommandName::read(&self.name).map_or(Version::new(1, 0), CommandName::completion_version);
        let mut header = Header::of("completion", &self.name, version);
        header.request_id = Some(self.id);
        header.completion_code = match (self.code, dialect.success, dialect.authorization) {
            (CompletionCode::Success, SuccessCode::LeftOut, _) => None,
            (CompletionCode::AuthorizationRequired, _, Authorization::WithS) => Some(AUTHORISATION_REQUIRED),
            (code, _, _) => Some(code.word()),
        };
        header.error_description = self.description.as_deref();
        let payload = match &self.answer {
            Some(Answer::Capabilities(capabilities)) => {
                let mut spelt = capabilities.clone();
                let names = spelt.interfaces.iter_mut().flatten().filter_map(|listed| listed.name.as_mut());
                names.for_each(|name| name.spelling = dialect.interfaces);
                some(Answer::Capabilities(spelt).payload())
            }
            Some(answer) => some(answer.payload()),
            None => None,
        };
        header.with(payload)
    }
}

/// What stands in a message, before it is known what it is.
#[derive(Default)]
struct Parts {
    kind: Option<String>,
    name: Option<String>,
    version: Option<Version>,
    id: Option<u32>,
    timeout: Option<u32>,
    status: Option<String>,
    code: Option<String>,
    description: Option<String>,
    /// A header field that there is not, or one that cannot be read.
    foreign: bool,
    /// A header field of answers.
    answering: bool,
    payload: Option<Box<RawValue>>,
}

impl Parts {
    fn read(text: &str) -> Result<Self, Malformed> {
        #[derive(serde::Deserialize)]
        struct Envelope {
            header: serde_json::Map<String, Value>,
            #[serde(default)]
            payload: Option<Box<RawValue>>,
        }
        let envelope: Envelope = serde_json::from_str(text).map_err(|_| Malformed)?;
        let mut parts = Self { payload: envelope.payload.filter(|raw| raw.get() != "null"), ..Self::default() };
        for (field, value) in envelope.header {
            parts.take(&field, value);
        }
        Ok(parts)
    }

    fn take(&mut self, field: &str, value: Value) {
        if value.is_null() {
            return;
        }
        let number = value.as_u64().and_then(|number| u32::try_from(number).ok());
        let text = if let Value::String(text) = value { Some(text) } else { None };
        let read = match field {
            "type" => put(&mut self.kind, text),
            "name" => put(&mut self.name, text),
            "version" => put(&mut self.version, text.and_then(|text| text.parse().ok())),
            "requestId" => put(&mut self.id, number),
            "timeout" => put(&mut self.timeout, number),
            "status" => put(&mut self.status, text),
            "completionCode" => put(&mut self.code, text),
            "errorDescription" => put(&mut self.description, text),
            _ => Read::No,
        };
        self.foreign |= read == Read::No;
        self.answering |= matches!(field, "status" | "completionCode" | "errorDescription");
    }
}

#[derive(PartialEq)]
enum Read {
    Yes,
    No,
}

fn put<T>(place: &mut Option<T>, value: Option<T>) -> Read {
    let read = if value.is_some() { Read::Yes } else { Read::No };
    *place = value;
    read
}

/// A completion code; none is success.
fn code(text: Option<&str>) -> CompletionCode {
    match text {
        None => CompletionCode::Success,
        Some(AUTHORISATION_REQUIRED) => CompletionCode::AuthorizationRequired,
        // Whatever it means, it is not success, and nothing may be assumed about what the device did.
        Some(text) => CompletionCode::read(text).unwrap_or(CompletionCode::InternalError),
    }
}

/// Empty payloads are left out, as services do.
fn some(payload: String) -> Option<String> {
    (payload != "{}").then_some(payload)
}

/// `Interface.Message`: letters and digits, a letter first.
fn is_name(text: &str) -> bool {
    let part = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphabetic()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    text.split_once('.').is_some_and(|(interface, message)| part(interface) && part(message))
}
