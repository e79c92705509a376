//! What a terminal and its host say to each other, as bytes.
//!
//! [`envelope`] signs messages, numbers them and binds answers to requests; [`enrolment`] exchanges the keys for that. The
//! bodies are strict JSON: every field there once, none besides, every value in its one form. How bytes get across is not
//! known here, nor which numbers were seen and which journal a host knows: who receives a message decides what follows
//! from it.

pub mod enrolment;
pub mod envelope;
mod frame;
mod keys;

use std::fmt;

use cashpoint_core::terminal::link::{LinkFailure, Reply, Request};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::mirror::{Mirrored, Written, mirrored};
pub use keys::{NotAKey, PublicKey, SigningKey};

/// What comes back from a host.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Answer {
    /// An answer to what was asked.
    Reply(Reply),
    /// The host does not take the message.
    Declined(Declined),
}

/// Why a host does not take a message that is the terminal's own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Declined {
    /// It cannot serve now.
    Busy {
        /// When to try again, milliseconds.
        retry_after_ms: u32,
    },
    /// The number was used before, or is lower than one that was: a copy, or a terminal that forgot how far it was.
    NumberUsed {
        /// The last one that was used on this lane.
        last: u64,
    },
    /// The journal that the message stands on is not the one that the host knows: cut, edited, or written anew.
    OtherJournal,
    /// Staff do not let this machine speak.
    Closed,
}

impl Declined {
    /// What the terminal makes of it.
    #[must_use]
    pub const fn failure(self) -> LinkFailure {
        match self {
            Self::Busy { .. } => LinkFailure::Busy,
            Self::NumberUsed { .. } | Self::OtherJournal | Self::Closed => LinkFailure::Rejected,
        }
    }
}

/// The bytes are no body of this kind. Says nothing about them: they may hold a card number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NotABody;

impl fmt::Display for NotABody {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("not a message of the terminal link")
    }
}

impl std::error::Error for NotABody {}

/// A request's body.
#[must_use]
pub fn encode_request(request: &Request) -> Zeroizing<Vec<u8>> {
    json(&Written(request))
}

/// Reads a request's body.
///
/// # Errors
/// [`NotABody`] for anything that [`encode_request`] does not write, but for white space and the order of fields.
pub fn decode_request(body: &[u8]) -> Result<Request, NotABody> {
    decode(body)
}

/// An answer's body.
#[must_use]
pub fn encode_answer(answer: &Answer) -> Zeroizing<Vec<u8>> {
    json(&Written(answer))
}

/// Reads an answer's body.
///
/// # Errors
/// [`NotABody`] as with requests.
pub fn decode_answer(body: &[u8]) -> Result<Answer, NotABody> {
    decode(body)
}

fn decode<T: Mirrored>(body: &[u8]) -> Result<T, NotABody> {
    let mut from = serde_json::Deserializer::from_slice(body);
    let value = T::read(&mut from).map_err(|_| NotABody)?;
    from.end().map(|()| value).map_err(|_| NotABody)
}

/// In a buffer that is wiped. Nearly every message fits without a second one.
fn json(value: &impl Serialize) -> Zeroizing<Vec<u8>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(8 << 10));
    serde_json::to_writer(&mut *bytes, value).expect("messages are JSON");
    bytes
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Answer", rename_all = "snake_case", deny_unknown_fields)]
enum AnswerMirror {
    Reply(#[serde(with = "crate::mirror")] Reply),
    Declined(#[serde(with = "crate::mirror")] Declined),
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Declined", rename_all = "snake_case", deny_unknown_fields)]
enum DeclinedMirror {
    Busy { retry_after_ms: u32 },
    NumberUsed { last: u64 },
    OtherJournal,
    Closed,
}

mirrored! {
    Answer => AnswerMirror,
    Declined => DeclinedMirror,
}

#[cfg(test)]
mod tests;
