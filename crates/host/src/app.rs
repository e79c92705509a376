//! What every handler has at hand: the bank, and the two ways of asking it.
//!
//! Money and balances go through the bank's queue without a thread of their own. Everything else may wait for the
//! database or a password hash and runs on a bounded number of threads that may.

use std::sync::{Arc, OnceLock};

use cashpoint_bank::bank::{Answered, Bank};
use cashpoint_bank::clock::{Clock, SystemClock};
use cashpoint_bank::entropy::{Entropy, SystemEntropy};
use cashpoint_bank::execute::{Answer, Failure};
use cashpoint_core::command::Command;
use cashpoint_core::outcome::Refusal;
use tokio::sync::{Semaphore, oneshot};
use tracing::Span;

use crate::address::{Address, Proxies};
use crate::answer::Refused;
use crate::limits::AddressLimits;
use crate::metrics::Metrics;
use crate::openapi::Published;
use crate::request_ids::RequestIds;

/// Where health stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mount {
    /// On a port of its own.
    Apart,
    /// On the one port that there is, for demonstrations.
    OnePort,
}

/// A page that the landing page leads to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Link {
    /// What it is called.
    pub title: String,
    /// Its path on this port.
    pub path: String,
}

/// How a host is to behave.
#[derive(Clone)]
pub struct Options {
    /// Where health stands.
    pub mount: Mount,
    /// How many requests off the money path may wait or run at once; one more is answered 503.
    pub desk_places: usize,
    /// Whose word about a client's address is believed.
    pub proxies: Proxies,
    /// Pages of others on the same port, which the landing page leads to.
    pub beside: Vec<Link>,
    /// What requests are timed with.
    pub clock: Arc<dyn Clock>,
    /// What request ids are made from.
    pub entropy: Arc<dyn Entropy>,
    /// Where is counted what happens; a clone of the options counts in the same place.
    pub metrics: Arc<Metrics>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            mount: Mount::Apart,
            desk_places: 2_048,
            proxies: Proxies::default(),
            beside: Vec::new(),
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
            metrics: Arc::default(),
        }
    }
}

/// Shared by all handlers; cheap to clone.
#[derive(Clone)]
pub(crate) struct App(Arc<Shared>);

struct Shared {
    bank: Bank,
    options: Options,
    ids: RequestIds,
    limits: AddressLimits,
    desk: Arc<Semaphore>,
    published: OnceLock<Published>,
}

/// What an address may try only so often.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Try {
    /// A log-in of whatever kind.
    LogIn,
    /// A sign-up.
    SignUp,
}

impl App {
    pub(crate) fn new(bank: Bank, options: Options) -> Self {
        let ids = RequestIds::new(options.entropy.as_ref());
        let desk = Arc::new(Semaphore::new(options.desk_places));
        // A sandbox's own policy values are magnified, so nothing is to be magnified here.
        let limits = AddressLimits::new(1);
        Self(Arc::new(Shared { bank, options, ids, limits, desk, published: OnceLock::new() }))
    }

    pub(crate) fn bank(&self) -> &Bank {
        &self.0.bank
    }

    pub(crate) fn options(&self) -> &Options {
        &self.0.options
    }

    /// Says what the host publishes about its routes; only the first time counts.
    pub(crate) fn publish(&self, published: Published) {
        // A second set of routes on one app would be the same.
        let _ = self.0.published.set(published);
    }

    /// What the host publishes; nothing before it serves.
    pub(crate) fn published(&self) -> Option<&Published> {
        self.0.published.get()
    }

    pub(crate) fn ids(&self) -> &RequestIds {
        &self.0.ids
    }

    /// Puts a command into the bank's queue and waits for its answer. Whoever stops waiting changes nothing: the
    /// command is decided all the same.
    pub(crate) async fn ask(&self, command: impl Into<Command>) -> Result<Answer, Failure> {
        let (sender, receiver) = oneshot::channel();
        self.bank().submit(command, Box::new(move |answer| drop(sender.send(answer))));
        // A worker that ended between taking and answering drops the reply.
        receiver.await.unwrap_or(Err(Failure::Overloaded))
    }

    /// As [`Self::at_desk`], if `address` has such a try left.
    pub(crate) async fn tried<T: Send + 'static>(
        &self,
        what: Try,
        address: Address,
        work: impl FnOnce(&Bank) -> Answered<T> + Send + 'static,
    ) -> Result<T, Refused> {
        let app = self.clone();
        self.at_desk(move |bank| {
            let policy = bank.policy()?;
            let taken = match what {
                Try::LogIn => app.0.limits.log_in(address, &policy, bank.now()),
                Try::SignUp => app.0.limits.sign_up(address, &policy, bank.now()),
            };
            match taken {
                Ok(()) => work(bank),
                Err(throttled) => Ok(Err(Refusal::TooManyRequests { retry_after_s: throttled.retry_after_s })),
            }
        })
        .await
    }

    /// Has the desk do something on a thread that may wait.
    pub(crate) async fn at_desk<T: Send + 'static, No: Into<Refused> + Send + 'static>(
        &self,
        work: impl FnOnce(&Bank) -> Result<Result<T, No>, Failure> + Send + 'static,
    ) -> Result<T, Refused> {
        let Ok(place) = Arc::clone(&self.0.desk).try_acquire_owned() else {
            return Err(Failure::Overloaded.into());
        };
        let bank = self.0.bank.clone();
        let debugged = tracing::enabled!(target: "cashpoint::group", tracing::Level::DEBUG);
        let span = if debugged { Span::current() } else { Span::none() };
        let done = tokio::task::spawn_blocking(move || {
            let done = span.in_scope(|| work(&bank));
            drop(place);
            done
        });
        match done.await {
            Ok(answered) => answered?.map_err(Into::into),
            Err(error) => {
                tracing::error!(%error, "an operation at the desk panicked");
                Err(Failure::Internal.into())
            }
        }
    }
}
