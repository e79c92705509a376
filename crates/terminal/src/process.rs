//! One terminal put together: devices, link and journal around its thread.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use cashpoint_core::sources::{Clock, Entropy};
use cashpoint_core::terminal::{Input, StaffAction, Terminal};
use cashpoint_wire::card_reference::CardKey;
use cashpoint_wire::journal::ChainKey;
use cashpoint_wire::link::{NotAKey, PublicKey, SigningKey};
use jiff::tz::TimeZone;
use tokio::sync::{mpsc, oneshot, watch};
use tracing::Instrument as _;

use crate::front::{Front, Shown};
use crate::identity::Identity;
use crate::journal::{JournalError, JournalFile, Limits};
use crate::operation::{Ended, Ends, Operation, Power, Wake};
use crate::uplink::{self, Uplink, UplinkError};
use crate::xfs::{self, Devices};

/// Inputs that wait; more are a defect.
const INPUTS: usize = 4_096;

/// Requests that wait to be sent: one a lane at most.
const REQUESTS: usize = 8;

/// How long a start waits for the devices: they answer within a fraction of it if they are there.
const CONNECTING: Duration = Duration::from_secs(3);

/// What a terminal needs.
pub struct Setting {
    /// Who it is.
    pub identity: Identity,
    /// Its journal's file.
    pub journal: PathBuf,
    /// How large that may be.
    pub limits: Limits,
    /// Where its devices are.
    pub devices: xfs::Services,
    /// Its clock.
    pub clock: Arc<dyn Clock>,
    /// Its randomness.
    pub entropy: Arc<dyn Entropy>,
    /// Where it stands, for the times on receipts.
    pub zone: TimeZone,
}

/// Why a terminal does not start.
#[derive(Debug)]
pub enum StartError {
    /// Its journal cannot be used.
    Journal(JournalError),
    /// There is no way to its host.
    Uplink(UplinkError),
    /// The host's key is none.
    HostKey(NotAKey),
    /// The system gives no thread.
    Thread(io::Error),
}

impl fmt::Display for StartError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Journal(error) => error.fmt(out),
            Self::Uplink(error) => error.fmt(out),
            Self::HostKey(error) => write!(out, "the host's key in the terminal's keys: {error}"),
            Self::Thread(error) => write!(out, "a thread for the terminal: {error}"),
        }
    }
}

impl std::error::Error for StartError {}

/// A terminal that runs. Its connections end when it is dropped; [`Running::stop`] waits for its thread.
pub struct Running {
    front: Front,
    inputs: SyncSender<Wake>,
    thread: JoinHandle<()>,
    ended: oneshot::Receiver<Ended>,
    power: Power,
}

/// The terminal has ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Gone;

impl Running {
    /// Starts a terminal. Must be called inside of a tokio runtime.
    ///
    /// # Errors
    /// [`StartError`].
    pub fn start(setting: Setting) -> Result<Self, StartError> {
        let Setting { identity, journal, limits, devices, clock, entropy, zone } = setting;
        let messages = uplink::address(&identity.host, uplink::MESSAGES).map_err(StartError::Uplink)?;
        let client = uplink::http_client(&messages).map_err(StartError::Uplink)?;
        let host_key = PublicKey::from_bytes(&identity.host_key).map_err(StartError::HostKey)?;
        let key = ChainKey::new(*identity.chain_key);
        let (journal, entries) = JournalFile::open(&journal, key, limits).map_err(StartError::Journal)?;
        let (inputs, wakes) = sync_channel(INPUTS);
        let (show, screen) = watch::channel(Arc::new(Shown::first(Terminal::new(identity.terminal).screen().clone())));
        let (link, requests) = mpsc::channel(REQUESTS);
        let known = Arc::new(AtomicU64::new(0));
        let uplink = Uplink {
            terminal: identity.terminal,
            key: SigningKey::from_seed(&identity.signing_key),
            host_key,
            messages,
            client,
            clock: Arc::clone(&clock),
            known: Arc::clone(&known),
        };
        // Every start writes a record, so no earlier one ended at this entry: numbers go on above all of theirs.
        let first = entries.last().map_or(0, |entry| entry.n) << 32;
        // Several terminals may run in one process; the log says of which it speaks.
        let span = tracing::info_span!("terminal", id = %identity.terminal);
        tokio::spawn(uplink.run(requests, inputs.clone(), first).instrument(span.clone()));
        let card_key = CardKey::new(*identity.card_key);
        let (devices, reports) = Devices::connect(xfs::Config {
            services: devices,
            keys: xfs::KeyNames::default(),
            card_key,
            timing: xfs::Timing::default(),
        });
        tokio::spawn(hand_over(reports, inputs.clone()));
        let terminal = Terminal::new(identity.terminal);
        let ends = Ends { devices, link, screen: show };
        let power = Power::default();
        let operation = Operation { terminal, journal, ends, known, clock, zone, power: power.clone() };
        let nonce = nonce(entropy.as_ref());
        let (tell, ended) = oneshot::channel();
        let run = move || {
            let _inside = span.entered();
            // A device that is asked before it is reached counts as lost, and staff would be called at each start.
            operation.ends.devices.wait(CONNECTING);
            let end = operation.run(entries, nonce, &wakes);
            if end == Ended::QueueBroken {
                tracing::error!("a queue of the terminal is full or broken: it ends, and recovers at its next start");
            }
            // Nobody may be waiting for it.
            let _ = tell.send(end);
        };
        let thread = thread::Builder::new().name(format!("terminal {}", identity.terminal)).spawn(run);
        let front = Front::new(screen, inputs.clone());
        Ok(Self { front, inputs, thread: thread.map_err(StartError::Thread)?, ended, power })
    }

    /// Its screen, and the keys beside it.
    #[must_use]
    pub fn front(&self) -> Front {
        self.front.clone()
    }

    /// Staff do something.
    ///
    /// # Errors
    /// [`Gone`], also if the terminal cannot keep up.
    pub fn staff(&self, action: StaffAction) -> Result<(), Gone> {
        self.inputs.try_send(Wake::Input(Input::Staff(action))).map_err(|_| Gone)
    }

    /// Waits until it ends by itself.
    pub async fn ended(&mut self) -> Ended {
        (&mut self.ended).await.unwrap_or(Ended::QueueBroken)
    }

    /// Cuts its power: it ends before whatever it would do next, also in the middle of what follows from one event. What
    /// it sent before is on its way. Waits for its thread, so that its journal can be opened again.
    pub fn cut(self) {
        self.power.cut();
        self.stop();
    }

    /// Ends it.
    pub fn stop(self) {
        // A full queue or a dead thread: it ends as well.
        let _ = self.inputs.try_send(Wake::Stop);
        drop(self.inputs);
        if self.thread.join().is_err() {
            tracing::error!("the terminal's thread panicked");
        }
    }
}

async fn hand_over(mut reports: mpsc::Receiver<cashpoint_core::terminal::device::Report>, inputs: SyncSender<Wake>) {
    while let Some(report) = reports.recv().await {
        if inputs.try_send(Wake::Input(Input::Device(report))).is_err() {
            return;
        }
    }
}

/// A number that no earlier start had, but for a chance of 2^-64.
fn nonce(entropy: &dyn Entropy) -> u64 {
    let mut bytes = [0; 8];
    entropy.fill(&mut bytes);
    u64::from_be_bytes(bytes)
}
