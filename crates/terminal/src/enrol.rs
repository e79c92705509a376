//! Enrolment: a terminal makes its keys, and learns the host's against a code that is used once.

use std::fmt;
use std::time::Duration;

use cashpoint_core::id::MachineId;
use cashpoint_core::sources::Entropy;
use cashpoint_wire::link::SigningKey;
use cashpoint_wire::link::enrolment::{self, EnrolmentError, EnrolmentSecret, NotACode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::header::CONTENT_TYPE;
use hyper::{Request, StatusCode};
use zeroize::Zeroizing;

use crate::identity::Identity;
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
    /// The host refuses: the code was used, is of another machine, or is too old.
    Refused {
        /// Its status.
        status: u16,
    },
    /// The answer is not the host's.
    Answer(EnrolmentError),
}

impl fmt::Display for EnrolError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(error) => error.fmt(out),
            Self::Uplink(error) => error.fmt(out),
            Self::Unreachable(why) => write!(out, "the host does not answer: {why}"),
            Self::Refused { status } => write!(
                out,
                "the host refuses the enrolment (status {status}): the code may be used up, too old, or another machine's"
            ),
            Self::Answer(error) => write!(out, "the answer is not the host's: {error}"),
        }
    }
}

impl std::error::Error for EnrolError {}

/// Exchanges keys with the host. The code serves once, so the identity must be kept.
///
/// # Errors
/// [`EnrolError`].
pub async fn enrol(host: &str, terminal: MachineId, code: &str, entropy: &dyn Entropy) -> Result<Identity, EnrolError> {
    let secret = EnrolmentSecret::of_code(code).map_err(EnrolError::Code)?;
    let address = uplink::address(host, ENROLMENTS).map_err(EnrolError::Uplink)?;
    let client = uplink::http_client().map_err(EnrolError::Uplink)?;
    let (mut signing_key, mut chain_key) = (Zeroizing::new([0; 32]), Zeroizing::new([0; 32]));
    entropy.fill(&mut *signing_key);
    entropy.fill(&mut *chain_key);
    let public = SigningKey::from_seed(&signing_key).public();
    let (body, receipt) = enrolment::request(&secret, terminal, &public);
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
    Ok(Identity {
        terminal,
        host: host.to_owned(),
        host_key: enrolled.host.to_bytes(),
        signing_key,
        chain_key,
        card_key: Zeroizing::new(*enrolled.card_key.expose()),
    })
}
