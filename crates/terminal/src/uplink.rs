//! The way to the host: requests are signed and sent, answers checked and handed back as inputs.
//!
//! Every request ends with exactly one input, within its deadline. A transport is HTTP for now; what is said does not
//! depend on it. Nothing is repeated here: that is the state machine's decision.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::SyncSender;

use cashpoint_boundary::reached;
use cashpoint_core::id::MachineId;
use cashpoint_core::sources::Clock;
use cashpoint_core::terminal::Input;
use cashpoint_core::terminal::link::{LinkFailure, Reply};
use cashpoint_wire::link::envelope::{AnswerHead, Receipt, RequestHead, open_answer, sign_request};
use cashpoint_wire::link::{Answer, Declined, PublicKey, SigningKey};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::header::CONTENT_TYPE;
use hyper::http::uri::Scheme;
use hyper::{Request, StatusCode, Uri};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::{ClientConfig, RootCertStore};
use tokio::sync::mpsc;

use crate::operation::{Sending, Wake};

/// Where messages go, below the host's address.
pub const MESSAGES: &str = "/terminal/messages";

/// The most that is read of an answer: a hot list of some hundred thousand cards.
const LONGEST_ANSWER: usize = 32 << 20;

/// How far the host says that it knows the journal: an entry's number, 0 for nothing.
pub type KnownToHost = Arc<AtomicU64>;

/// Why there is no way to a host.
#[derive(Debug)]
pub enum UplinkError {
    /// Not an address of http or https.
    Address(String),
    /// The authorities that the system trusts cannot be read.
    Authorities(std::io::Error),
}

impl fmt::Display for UplinkError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(text) => write!(out, "{text:?} is no host address: write http://… or https://…"),
            Self::Authorities(error) => write!(out, "the authorities that this system trusts cannot be read: {error}"),
        }
    }
}

impl std::error::Error for UplinkError {}

/// An HTTP client for one host.
pub type HttpClient = Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// A client for this address, which trusts whom the system trusts. For a plain address a system need trust nobody.
///
/// # Errors
/// [`UplinkError::Authorities`].
pub fn http_client(address: &Uri) -> Result<HttpClient, UplinkError> {
    let provider = rustls::crypto::ring::default_provider();
    let builder = hyper_rustls::HttpsConnectorBuilder::new();
    let builder = if address.scheme() == Some(&Scheme::HTTPS) {
        builder.with_provider_and_native_roots(provider).map_err(UplinkError::Authorities)?
    } else {
        let config = ClientConfig::builder_with_provider(Arc::new(provider)).with_safe_default_protocol_versions();
        let config = config.expect("the provider speaks TLS 1.2 and 1.3");
        builder.with_tls_config(config.with_root_certificates(RootCertStore::empty()).with_no_client_auth())
    };
    let https = builder.https_or_http().enable_http1().build();
    Ok(Client::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).build(https))
}

/// An address below the host's.
///
/// # Errors
/// [`UplinkError::Address`].
pub fn address(host: &str, path: &str) -> Result<Uri, UplinkError> {
    let wrong = || UplinkError::Address(host.to_owned());
    let uri: Uri = format!("{}{path}", host.trim_end_matches('/')).parse().map_err(|_| wrong())?;
    let known = matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some_and(|host| !host.is_empty());
    if known { Ok(uri) } else { Err(wrong()) }
}

/// The way to one host.
#[derive(Clone)]
pub struct Uplink {
    /// Which terminal speaks.
    pub terminal: MachineId,
    /// What it signs with.
    pub key: SigningKey,
    /// What the host's answers are checked with.
    pub host_key: PublicKey,
    /// Where messages go.
    pub messages: Uri,
    /// How they get there.
    pub client: HttpClient,
    /// For the time that messages carry.
    pub clock: Arc<dyn Clock>,
    /// How far the host knows the journal.
    pub known: KnownToHost,
}

impl Uplink {
    /// Sends what comes until nothing more can come. `first` is above every number that was ever used.
    pub async fn run(self, mut requests: mpsc::Receiver<Sending>, inputs: SyncSender<Wake>, first: u64) {
        let last = Arc::new(AtomicU64::new(first));
        while let Some(sending) = requests.recv().await {
            let number = last.fetch_add(1, Ordering::AcqRel) + 1;
            let (uplink, inputs, last) = (self.clone(), inputs.clone(), Arc::clone(&last));
            tokio::spawn(async move {
                let lane = sending.lane;
                let answer = uplink.ask(sending, number, &last).await;
                // Nobody is left to be told if the terminal has ended.
                let _ = inputs.try_send(Wake::Input(Input::Link(lane, answer)));
            });
        }
    }

    async fn ask(&self, sending: Sending, number: u64, last: &AtomicU64) -> Result<Reply, LinkFailure> {
        let Sending { lane, request, deadline, head, known } = sending;
        let at = self.clock.wall();
        let head = RequestHead { terminal: self.terminal, lane, number, at, head, known };
        let (bytes, receipt) = sign_request(&self.key, &head, &request);
        let body = Full::new(Bytes::from(bytes.to_vec()));
        reached("request", request.name(), "before");
        match tokio::time::timeout(deadline, self.post(body)).await {
            Err(_) => Err(LinkFailure::TimedOut),
            Ok(Err(failure)) => Err(failure),
            Ok(Ok(bytes)) => {
                reached("request", request.name(), "answered");
                self.open(&receipt, &bytes, last)
            }
        }
    }

    async fn post(&self, body: Full<Bytes>) -> Result<Bytes, LinkFailure> {
        let request = Request::post(self.messages.clone())
            .header(CONTENT_TYPE, "application/json")
            .body(body)
            .expect("the address was parsed");
        let response = self.client.request(request).await.map_err(|error| {
            tracing::debug!(%error, "the host cannot be reached");
            // Only what never left is certain not to have been done.
            if error.is_connect() { LinkFailure::Unreachable } else { LinkFailure::TimedOut }
        })?;
        match response.status() {
            StatusCode::OK => {}
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => return Err(LinkFailure::Busy),
            status => {
                tracing::warn!(%status, "the host does not take this terminal's messages");
                return Err(LinkFailure::Rejected);
            }
        }
        let body = Limited::new(response.into_body(), LONGEST_ANSWER).collect().await;
        body.map(http_body_util::Collected::to_bytes).map_err(|_| LinkFailure::TimedOut)
    }

    fn open(&self, receipt: &Receipt, bytes: &[u8], last: &AtomicU64) -> Result<Reply, LinkFailure> {
        let (AnswerHead { known, .. }, answer) = open_answer(&self.host_key, receipt, bytes).map_err(|error| {
            // An answer that is not the host's is none: it may have been changed on its way.
            tracing::error!(%error, "an answer is not the host's");
            LinkFailure::TimedOut
        })?;
        self.known.store(known.map_or(0, |head| head.n), Ordering::Release);
        match answer {
            Answer::Reply(reply) => Ok(reply),
            Answer::Declined(declined) => {
                tracing::warn!(?declined, "the host declines a message");
                // A terminal that was set back goes on above what it forgot: the host then looks at its journal.
                if let Declined::NumberUsed { last: used } = declined {
                    last.fetch_max(used, Ordering::AcqRel);
                }
                Err(declined.failure())
            }
        }
    }
}
