//! Signed messages. A request says whose it is, which number it has on its lane, and on which journal it stands; an answer
//! says to which request it is one.
//!
//! Numbers only grow, on each lane by itself: a host that keeps the last one takes no message twice. A terminal may skip
//! numbers, so that it can begin above all of its earlier ones after a start.

use std::fmt;

use cashpoint_core::id::MachineId;
use cashpoint_core::terminal::Lane;
use cashpoint_core::terminal::link::Request;
use cashpoint_core::time::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::frame::Frame;
use super::{Answer, PublicKey, SigningKey, json};
use crate::journal::Head;
use crate::mirror::mirrored;

/// The only version that is written and read.
const VERSION: u32 = 1;
/// What is signed begins with what it is.
const REQUEST: &str = "cashpoint terminal request 1\n";
const ANSWER: &str = "cashpoint host answer 1\n";

/// What a request says besides what it asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RequestHead {
    /// Whose it is.
    pub terminal: MachineId,
    /// On which lane.
    pub lane: Lane,
    /// Larger than every number before on this lane.
    pub number: u64,
    /// When it was sent, by the terminal's clock.
    pub at: Timestamp,
    /// The end of the terminal's journal.
    pub head: Head,
    /// What the journal has where the host's last answer said that it knows it: the proof that the journal of now goes on
    /// from there. None: no answer has said so yet.
    pub known: Option<Head>,
}

/// Which request an answer belongs to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Receipt {
    terminal: MachineId,
    number: u64,
    digest: [u8; 32],
}

/// A request that is the terminal's own.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Received {
    /// What it says.
    pub head: RequestHead,
    /// What it asks for.
    pub request: Request,
    /// What the answer is bound to.
    pub receipt: Receipt,
}

/// What an answer says besides what was asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AnswerHead {
    /// When it was made, by the host's clock.
    pub at: Timestamp,
    /// How far the host knows the terminal's journal, this request included; none: not at all.
    pub known: Option<Head>,
}

/// Why bytes are not believed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum EnvelopeError {
    /// Not the form of a signed message.
    Frame,
    /// Not signed with the key.
    Signature,
    /// Signed, but not of a version, or not a message, that is understood here.
    Message,
    /// Signed by this terminal in another's name, or made for another terminal.
    OtherTerminal,
    /// The answer to another request.
    OtherRequest,
}

/// Signs a request: the bytes to send, and what its answer must be bound to.
#[must_use]
pub fn sign_request(key: &SigningKey, head: &RequestHead, request: &Request) -> (Zeroizing<Vec<u8>>, Receipt) {
    let RequestHead { terminal, lane, number, at, head, known } = *head;
    let message = json(&RequestOut { v: VERSION, terminal, lane, number, at, head, known, request });
    let bytes = Frame::write(&terminal, &key.sign(REQUEST, &message), &message);
    let receipt = Receipt { terminal, number, digest: Sha256::digest(&bytes[..]).into() };
    (bytes, receipt)
}

/// Whose request it claims to be: by that its key is found.
///
/// # Errors
/// [`EnvelopeError::Frame`].
pub fn claimed_terminal(bytes: &[u8]) -> Result<MachineId, EnvelopeError> {
    Frame::read(bytes).map(|frame| frame.terminal).ok_or(EnvelopeError::Frame)
}

/// Reads a request that was signed with this terminal's key. Whether its number is new, and its journal the one that is
/// known, the caller sees.
///
/// # Errors
/// [`EnvelopeError`], in its order.
pub fn open_request(key: &PublicKey, bytes: &[u8]) -> Result<Received, EnvelopeError> {
    let frame = opened(key, REQUEST, bytes)?;
    let read: RequestIn = serde_json::from_str(frame.message).map_err(|_| EnvelopeError::Message)?;
    let RequestIn { v, terminal, lane, number, at, head, known, request } = read;
    if v != VERSION {
        return Err(EnvelopeError::Message);
    }
    if terminal != frame.terminal {
        return Err(EnvelopeError::OtherTerminal);
    }
    let receipt = Receipt { terminal, number, digest: Sha256::digest(bytes).into() };
    Ok(Received { head: RequestHead { terminal, lane, number, at, head, known }, request, receipt })
}

/// Signs the answer to a request.
#[must_use]
pub fn sign_answer(key: &SigningKey, to: &Receipt, head: &AnswerHead, answer: &Answer) -> Zeroizing<Vec<u8>> {
    let Receipt { terminal, number, digest } = *to;
    let AnswerHead { at, known } = *head;
    let message = json(&AnswerOut { v: VERSION, terminal, number, request: digest, at, known, answer });
    Frame::write(&terminal, &key.sign(ANSWER, &message), &message)
}

/// Reads the answer to a request, if it is one: signed with the host's key, for this request and no other.
///
/// # Errors
/// [`EnvelopeError`], in its order.
pub fn open_answer(key: &PublicKey, to: &Receipt, bytes: &[u8]) -> Result<(AnswerHead, Answer), EnvelopeError> {
    let frame = opened(key, ANSWER, bytes)?;
    let read: AnswerIn = serde_json::from_str(frame.message).map_err(|_| EnvelopeError::Message)?;
    let AnswerIn { v, terminal, number, request, at, known, answer } = read;
    if v != VERSION {
        return Err(EnvelopeError::Message);
    }
    if terminal != frame.terminal || terminal != to.terminal {
        return Err(EnvelopeError::OtherTerminal);
    }
    if number != to.number || request != to.digest {
        return Err(EnvelopeError::OtherRequest);
    }
    Ok((AnswerHead { at, known }, answer))
}

fn opened<'a>(key: &PublicKey, kind: &str, bytes: &'a [u8]) -> Result<Frame<'a>, EnvelopeError> {
    let frame = Frame::read(bytes).ok_or(EnvelopeError::Frame)?;
    if key.has_signed(kind, frame.message.as_bytes(), &frame.signature) {
        Ok(frame)
    } else {
        Err(EnvelopeError::Signature)
    }
}

#[derive(Serialize)]
struct RequestOut<'a> {
    v: u32,
    #[serde(with = "crate::mirror")]
    terminal: MachineId,
    #[serde(with = "crate::mirror")]
    lane: Lane,
    number: u64,
    #[serde(with = "crate::mirror")]
    at: Timestamp,
    #[serde(with = "crate::mirror")]
    head: Head,
    #[serde(with = "crate::mirror")]
    known: Option<Head>,
    #[serde(serialize_with = "crate::mirror::borrowed")]
    request: &'a Request,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RequestIn {
    v: u32,
    #[serde(with = "crate::mirror")]
    terminal: MachineId,
    #[serde(with = "crate::mirror")]
    lane: Lane,
    number: u64,
    #[serde(with = "crate::mirror")]
    at: Timestamp,
    #[serde(with = "crate::mirror")]
    head: Head,
    #[serde(with = "crate::mirror")]
    known: Option<Head>,
    #[serde(with = "crate::mirror")]
    request: Request,
}

#[derive(Serialize)]
struct AnswerOut<'a> {
    v: u32,
    #[serde(with = "crate::mirror")]
    terminal: MachineId,
    number: u64,
    #[serde(with = "crate::mirror")]
    request: [u8; 32],
    #[serde(with = "crate::mirror")]
    at: Timestamp,
    #[serde(with = "crate::mirror")]
    known: Option<Head>,
    #[serde(serialize_with = "crate::mirror::borrowed")]
    answer: &'a Answer,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AnswerIn {
    v: u32,
    #[serde(with = "crate::mirror")]
    terminal: MachineId,
    number: u64,
    #[serde(with = "crate::mirror")]
    request: [u8; 32],
    #[serde(with = "crate::mirror")]
    at: Timestamp,
    #[serde(with = "crate::mirror")]
    known: Option<Head>,
    #[serde(with = "crate::mirror")]
    answer: Answer,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Head", deny_unknown_fields)]
struct HeadMirror {
    n: u64,
    #[serde(with = "crate::mirror")]
    mac: [u8; 32],
}

mirrored! {
    Head => HeadMirror,
}

impl fmt::Display for EnvelopeError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Frame => "not a signed message",
            Self::Signature => "the signature is not right",
            Self::Message => "signed, but not understood",
            Self::OtherTerminal => "another terminal's message",
            Self::OtherRequest => "the answer to another request",
        })
    }
}

impl std::error::Error for EnvelopeError {}
