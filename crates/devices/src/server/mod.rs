//! The XFS4IoT services around the hardware: sockets here, everything that is decided in [`desk`].
//!
//! One task owns the machine. Whatever reaches it (a message, a person, the time) is a job; after each job the machine's
//! state is on the disk before anything that the job brought is sent. So a process that is killed has told nobody of what
//! it then does not know.

mod capability;
mod cash_in;
mod control;
mod desk;
mod disk;
mod dispense;
mod event;
mod exchange;
mod hands;
mod key;
mod keyboard;
mod operation;
mod quirk;
mod reader;
mod receipt;
mod snapshot;
mod socket;
mod status;
mod storage;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use cashpoint_core::terminal::device::Unit;
use cashpoint_core::time::Timestamp;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};

pub use disk::{DiskError, StateFile};
pub use hands::{Hands, NotDone, key};
pub use quirk::{Interfaces, Quirks, ShortDispense, Spelt, StatusVersion, Success, Unsolicited};

use desk::{ConnectionId, Desk, Outgoing};

use crate::model::Hardware;

/// Where the publisher is, and where services' addresses begin.
const PUBLISHER_PATH: &str = "/xfs4iot/v1.0/";

/// Jobs that may wait for the machine.
const MOST_JOBS: usize = 1024;
/// Messages that may wait for one connection; one that reads no faster is dropped.
const MOST_MESSAGES: usize = 1024;
/// How long the machine sleeps at most: connections and nonces look at the clock.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);

/// How the devices are to be run.
pub struct Options {
    /// Where the services listen; port 0 is any.
    pub listen: SocketAddr,
    /// Where the control interface listens, if it does.
    pub control: Option<SocketAddr>,
    /// Where the state is kept.
    pub state: PathBuf,
    /// How long a motion takes, milliseconds.
    pub motion_ms: u32,
    /// What time it is.
    pub clock: fn() -> Timestamp,
}

/// Devices whose ports are open.
pub struct Devices {
    listener: TcpListener,
    control: Option<TcpListener>,
    desk: Desk,
    jobs: mpsc::Receiver<Job>,
    handle: Jobs,
    state: StateFile,
    clock: fn() -> Timestamp,
}

/// What reaches the machine, and what is to be done once that is on the disk.
type Job = Box<dyn FnOnce(&mut Counter) -> Kept + Send>;
type Kept = Box<dyn FnOnce() + Send>;

/// What jobs work on.
struct Counter {
    desk: Desk,
    writers: BTreeMap<ConnectionId, mpsc::Sender<String>>,
}

/// How jobs reach the machine.
#[derive(Clone)]
pub(crate) struct Jobs(mpsc::Sender<Job>);

/// The machine is gone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Gone;

impl Jobs {
    /// Has the machine do something, and waits for it; by then it is on the disk.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        what: impl FnOnce(&mut Desk) -> T + Send + 'static,
    ) -> Result<T, Gone> {
        self.run_with(|counter| what(&mut counter.desk)).await
    }

    async fn run_with<T: Send + 'static>(
        &self,
        what: impl FnOnce(&mut Counter) -> T + Send + 'static,
    ) -> Result<T, Gone> {
        let (reply, answer) = oneshot::channel();
        let job: Job = Box::new(move |counter| {
            let done = what(counter);
            // If nobody waits any more, it is done all the same.
            Box::new(move || _ = reply.send(done))
        });
        self.0.send(job).await.map_err(|_| Gone)?;
        answer.await.map_err(|_| Gone)
    }
}

impl Devices {
    /// Opens the ports.
    ///
    /// # Errors
    /// A port is taken, or is not this machine's.
    pub async fn open(hardware: Hardware, options: Options) -> io::Result<Self> {
        let listener = TcpListener::bind(options.listen).await?;
        let control = match options.control {
            Some(address) => Some(TcpListener::bind(address).await?),
            None => None,
        };
        let address = listener.local_addr()?;
        let desk = Desk::new(hardware, address, options.motion_ms);
        let (sender, jobs) = mpsc::channel(MOST_JOBS);
        let state = StateFile::at(options.state);
        Ok(Self { listener, control, desk, jobs, handle: Jobs(sender), state, clock: options.clock })
    }

    /// Where the services listen.
    ///
    /// # Errors
    /// The socket cannot tell.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Where the control interface listens, if it does.
    ///
    /// # Errors
    /// The socket cannot tell.
    pub fn control_address(&self) -> io::Result<Option<SocketAddr>> {
        self.control.as_ref().map(TcpListener::local_addr).transpose()
    }

    /// Hands at the machine. What they do is done once it serves.
    #[must_use]
    pub fn hands(&self) -> Hands {
        Hands::new(self.handle.clone())
    }

    /// Serves until the state cannot be written, or the future is dropped.
    ///
    /// # Errors
    /// The state cannot be written: what the machine would say could not be kept.
    pub async fn serve(self) -> Result<(), DiskError> {
        let counter = Counter { desk: self.desk, writers: BTreeMap::new() };
        let machine = run(counter, self.jobs, self.state, self.clock);
        let services = socket::accept(self.listener, self.handle.clone());
        let control = async {
            match self.control {
                Some(listener) => control::serve(listener, self.handle).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            ended = machine => ended,
            () = services => Ok(()),
            () = control => Ok(()),
        }
    }
}

/// Carries jobs out, one after the other: into the machine, onto the disk, out to the sockets.
async fn run(
    mut counter: Counter,
    mut jobs: mpsc::Receiver<Job>,
    mut state: StateFile,
    clock: fn() -> Timestamp,
) -> Result<(), DiskError> {
    counter.desk.advance(clock());
    loop {
        let due = counter.desk.next_due().map(|due| due.since_ms(clock()).max(0)).and_then(|ms| u64::try_from(ms).ok());
        let sleep = due.map_or(LONGEST_SLEEP, |ms| Duration::from_millis(ms + 1).min(LONGEST_SLEEP));
        let job = tokio::select! {
            job = jobs.recv() => match job {
                Some(job) => Some(job),
                None => return Ok(()),
            },
            () = tokio::time::sleep(sleep) => None,
        };
        counter.desk.advance(clock());
        let kept = job.map(|job| job(&mut counter));
        state = state.keep(counter.desk.hardware()).await?;
        counter.send();
        if let Some(kept) = kept {
            kept();
        }
    }
}

impl Counter {
    fn send(&mut self) {
        for outgoing in self.desk.take_outgoing() {
            match outgoing {
                Outgoing::Text(id, text) => {
                    let slow = self.writers.get(&id).is_some_and(|writer| writer.try_send(text).is_err());
                    if slow {
                        tracing::warn!(connection = ?id, "a client does not read; its connection is dropped");
                        self.writers.remove(&id);
                        self.desk.closed(id);
                    }
                }
                Outgoing::Drop(id) => _ = self.writers.remove(&id),
            }
        }
    }

    fn open(&mut self, unit: Unit) -> Option<(ConnectionId, mpsc::Receiver<String>)> {
        let id = self.desk.open(unit)?;
        let (writer, messages) = mpsc::channel(MOST_MESSAGES);
        self.writers.insert(id, writer);
        Some((id, messages))
    }
}
