//! A store's way to the server: there, or away and being looked for.
//!
//! Whoever asks never waits for a connection: while the server is away each question is refused at once, and a thread
//! of its own tries the servers of the address until one takes writes.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Weak};
use std::time::Duration;

use super::address::Address;
use super::incarnation::{Incarnation, highest_now};
use super::link::{Link, LinkError, Query};
use super::schema::{self, PostgresError};
use super::{CLOCK, WITHIN};
use crate::store::{Presence, StoreError, rows};

/// Between two attempts to connect, first and at last.
const PAUSE: (Duration, Duration) = (Duration::from_millis(50), Duration::from_millis(500));

/// A store's way to the server.
pub(super) struct Connection {
    address: Address,
    presence: Arc<Presence>,
    /// Whose it is.
    writer: Incarnation,
    state: State,
    /// Nobody looks for a server any more once this is gone.
    wanted: Arc<()>,
}

enum State {
    Up(Box<Link>),
    Away(Receiver<Link>),
}

impl Connection {
    pub(super) fn new(address: Address, presence: Arc<Presence>, writer: Incarnation, link: Link) -> Self {
        Self { address, presence, writer, state: State::Up(Box::new(link)), wanted: Arc::new(()) }
    }

    /// The connection, if there is one; says whether it is a new one.
    pub(super) fn up(&mut self) -> Result<&mut Link, StoreError> {
        if let State::Away(found) = &self.state
            && let Ok(link) = found.try_recv()
        {
            self.state = State::Up(Box::new(link));
        }
        match &mut self.state {
            State::Up(link) => Ok(link),
            State::Away(_) => Err(StoreError("the database server is away".into())),
        }
    }

    /// Waits for a connection, so long.
    pub(super) fn wait(&mut self, within: Duration) -> Result<&mut Link, StoreError> {
        if let State::Away(found) = &self.state
            && let Ok(link) = found.recv_timeout(within)
        {
            self.state = State::Up(Box::new(link));
        }
        self.up()
    }

    /// What an error means for the connection; it is looked for again if it is gone.
    pub(super) fn judge(&mut self, error: &LinkError) {
        let LinkError::Lost(why) = error else { return };
        if matches!(self.state, State::Away(_)) {
            return;
        }
        tracing::error!(error = %why, database = %self.address, "the database server is away");
        self.presence.goes();
        let (sender, found) = channel();
        self.state = State::Away(found);
        let search = Search {
            address: self.address.clone(),
            presence: Arc::clone(&self.presence),
            writer: self.writer.clone(),
            wanted: Arc::downgrade(&self.wanted),
            sender,
        };
        let started = std::thread::Builder::new().name("bank-server".into()).spawn(move || search.run());
        if let Err(error) = started {
            // The receiver of nothing: every question is refused until the host is restarted.
            tracing::error!(%error, "nobody looks for the database server, because the system gives no thread");
        }
    }
}

/// A standby that was promoted may have a clock that is behind the last commit: until it is not, no commit could be later.
fn is_caught_up(link: &mut Link) -> Result<(), PostgresError> {
    let highest = highest_now(link)?;
    let answer = link.run_one(Query::plain(CLOCK), WITHIN)?;
    let clock = answer.rows.first().map(|row| rows::whole(row, "clock")).transpose()?;
    match (highest, clock) {
        (Some(highest), Some(clock)) if clock <= highest.micros() => {
            Err(StoreError("the server's clock is behind the last commit".into()).into())
        }
        (_, _) => Ok(()),
    }
}

struct Search {
    address: Address,
    presence: Arc<Presence>,
    writer: Incarnation,
    wanted: Weak<()>,
    sender: Sender<Link>,
}

impl Search {
    fn run(self) {
        let (mut pause, mut told) = (PAUSE.0, String::new());
        while self.wanted.upgrade().is_some() {
            let found = schema::connect(&self.address).and_then(|mut link| {
                schema::check(&mut link, &self.address)?;
                is_caught_up(&mut link)?;
                self.writer.has_all_kept(&mut link)?;
                Ok(link)
            });
            match found {
                Ok(link) => {
                    // The store may be gone by now.
                    if self.sender.send(link).is_ok() {
                        tracing::info!(database = %self.address, "the database server is there again");
                        self.presence.comes();
                    }
                    return;
                }
                Err(error) => {
                    let why = error.to_string();
                    if why != told {
                        tracing::warn!(why, "no server yet");
                        told = why;
                    }
                }
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(PAUSE.1);
        }
    }
}
