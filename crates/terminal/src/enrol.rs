//! Enrolment: a terminal makes its keys, and learns the host's against a code that serves one terminal.
//!
//! Its own keys are kept in a draft before the host hears of them: an enrolment whose answer was lost is the same one when
//! it is asked for again, and the host answers it again.

use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fmt, fs, io};

use cashpoint_core::id::MachineId;
use cashpoint_core::sources::Entropy;
use cashpoint_wire::link::SigningKey;
use cashpoint_wire::link::enrolment::{self, Enrolled, EnrolmentError, EnrolmentReceipt, EnrolmentSecret, NotACode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::header::CONTENT_TYPE;
use hyper::{Request, StatusCode};
use zeroize::Zeroizing;

use crate::identity::{Identity, IdentityError, OwnKeys};
use crate::uplink::{self, UplinkError};

/// Where enrolments go, below the host's address.
const ENROLMENTS: &str = "/terminal/enrolments";

/// How long the host may take.
const DEADLINE: Duration = Duration::from_secs(15);

/// Why an enrolment fails.
#[derive(Debug)]
pub enum EnrolError {
    /// Not a code.
    Code(NotACode),
    /// There is no way to the host.
    Uplink(UplinkError),
    /// The host cannot be reached, or does not answer.
    Unreachable(String),
    /// The host refuses: the code was used, is of another machine, or is too old; or it cannot answer now.
    Refused {
        /// Its status.
        status: u16,
    },
    /// The answer is not the host's.
    Answer(EnrolmentError),
    /// The terminal's own keys cannot be kept.
    Keys(IdentityError),
}

impl fmt::Display for EnrolError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(error) => error.fmt(out),
            Self::Uplink(error) => error.fmt(out),
            Self::Unreachable(why) => write!(out, "the host does not answer: {why}"),
            Self::Refused { status: 429 } => {
                write!(out, "the host had too many wrong codes lately (status 429): wait a minute and enrol again")
            }
            Self::Refused { status: 500.. } => {
                write!(out, "the host cannot enrol anybody now: try again; the code is still good if it was not used")
            }
            Self::Refused { status } => write!(
                out,
                "the host refuses the enrolment (status {status}): the code may be used up, too old, or another machine's"
            ),
            Self::Answer(error) => write!(out, "the answer is not the host's: {error}"),
            Self::Keys(error) => error.fmt(out),
        }
    }
}

impl std::error::Error for EnrolError {}

/// The keys that a terminal makes for itself, kept beside where its identity is to be until it is enrolled.
pub struct Draft(OwnKeys);

impl Draft {
    /// The draft of an earlier attempt, or a new one, for the identity that is to be at `identity`.
    ///
    /// # Errors
    /// [`IdentityError`].
    pub fn kept(identity: &Path, entropy: &dyn Entropy) -> Result<Self, IdentityError> {
        OwnKeys::read_or_make(&Self::path(identity), entropy).map(Self)
    }

    /// Asks to be enrolled as `terminal`: the message to the host, and what its answer must be bound to.
    #[must_use]
    pub fn request(&self, secret: &EnrolmentSecret, terminal: MachineId) -> (Vec<u8>, EnrolmentReceipt) {
        enrolment::request(secret, terminal, &SigningKey::from_seed(&self.0.signing).public())
    }

    /// Who the terminal is by the host's answer. `host` is the host's address.
    #[must_use]
    pub fn identity(&self, host: &str, terminal: MachineId, enrolled: &Enrolled) -> Identity {
        Identity {
            terminal,
            host: host.to_owned(),
            host_key: enrolled.host.to_bytes(),
            signing_key: self.0.signing.clone(),
            chain_key: self.0.chain.clone(),
            card_key: Zeroizing::new(*enrolled.card_key.expose()),
        }
    }

    /// Removes what is left of a draft when there is an identity.
    ///
    /// # Errors
    /// [`IdentityError::Io`]: it is there and cannot be removed.
    pub fn discard(identity: &Path) -> Result<(), IdentityError> {
        let path = Self::path(identity);
        match fs::remove_file(&path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => Err(IdentityError::Io { path, source }),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    fn path(identity: &Path) -> PathBuf {
        identity.with_extension("enrolling")
    }
}

/// Exchanges keys with the host, and keeps who the terminal is in the file `identity`, which is not there yet.
///
/// # Errors
/// [`EnrolError`].
pub async fn enrol(
    host: &str,
    terminal: MachineId,
    code: &str,
    identity: &Path,
    entropy: &dyn Entropy,
) -> Result<(), EnrolError> {
    let secret = EnrolmentSecret::of_code(code).map_err(EnrolError::Code)?;
    let address = uplink::address(host, ENROLMENTS).map_err(EnrolError::Uplink)?;
    let client = uplink::http_client(&address).map_err(EnrolError::Uplink)?;
    let draft = Draft::kept(identity, entropy).map_err(EnrolError::Keys)?;
    let (body, receipt) = draft.request(&secret, terminal);
    let request = Request::post(address).header(CONTENT_TYPE, "application/json").body(Full::new(Bytes::from(body)));
    let sent = tokio::time::timeout(DEADLINE, client.request(request.expect("the address was parsed")));
    let unreachable = |why: &dyn fmt::Display| EnrolError::Unreachable(why.to_string());
    let response = sent.await.map_err(|late| unreachable(&late))?.map_err(|error| unreachable(&error))?;
    if response.status() != StatusCode::OK {
        return Err(EnrolError::Refused { status: response.status().as_u16() });
    }
    let read = tokio::time::timeout(DEADLINE, Limited::new(response.into_body(), 64 << 10).collect());
    let answer = read.await.map_err(|late| unreachable(&late))?.map_err(|error| unreachable(&error))?.to_bytes();
    let enrolled = enrolment::open_answer(&secret, &receipt, &answer).map_err(EnrolError::Answer)?;
    draft.identity(host, terminal, &enrolled).write_new(identity).map_err(EnrolError::Keys)?;
    Draft::discard(identity).map_err(EnrolError::Keys)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_to_do_after_each_refusal() {
        for (status, told) in [(401, "may be used up"), (429, "wait a minute"), (503, "try again")] {
            let said = EnrolError::Refused { status }.to_string();
            assert!(said.contains(told), "{said}");
        }
    }
}
