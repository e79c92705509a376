//! The bounded queue before the worker, and the worker that takes whatever is waiting.
//!
//! There is no timer for what somebody waits for: while one group commits, the next one gathers by itself.

use std::sync::mpsc::{Receiver, RecvError, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, RwLock};
use std::thread::JoinHandle;
use std::time::Duration;

use cashpoint_core::command::Command;
use tracing::{Level, Span};

use crate::clock::Clock;
use crate::execute::{Executor, Failure, Reply};
use crate::measures::Measures;
use crate::store::{Position, Presence};

/// What log lines about groups are found by.
const TARGET: &str = "cashpoint::group";

/// How commands are gathered into groups.
#[derive(Clone, Copy)]
pub(crate) struct Gathering {
    /// How many may wait.
    pub(crate) queue: usize,
    /// How many are decided at once at most.
    pub(crate) group: usize,
    /// How long a command that is to go along with others waits for them.
    pub(crate) alone_after: Duration,
}

/// Called after each group, on the worker's thread: to be quick, and to wait for nothing.
pub(crate) type Listener = Arc<dyn Fn() + Send + Sync>;

/// Whoever wants to know that something may have been committed.
#[derive(Clone, Default)]
pub(crate) struct Listeners(Arc<RwLock<Vec<Listener>>>);

impl Listeners {
    pub(crate) fn add(&self, listener: Listener) {
        self.0.write().expect("no holder of this lock can panic").push(listener);
    }

    fn tell(&self) {
        for listener in self.0.read().expect("no holder of this lock can panic").iter() {
            listener();
        }
    }
}

enum Message {
    Job(Command, Reply, Submitted),
    /// For the next group that has something else to do.
    Along(Command, Reply),
    Stop,
}

/// When a command was submitted, and for whom: the span of the request, if anybody looks at spans.
struct Submitted {
    at: Duration,
    span: Span,
}

/// Where commands wait for the next group.
pub(crate) struct Queue {
    sender: SyncSender<Message>,
    measures: Arc<Measures>,
    clock: Arc<dyn Clock>,
    presence: Arc<Presence>,
    pub(crate) capacity: usize,
}

impl Queue {
    /// Starts the worker.
    pub(crate) fn start(
        executor: Executor,
        presence: Arc<Presence>,
        gathering: Gathering,
        told: Listeners,
    ) -> (Self, JoinHandle<()>) {
        let (sender, receiver) = sync_channel(gathering.queue);
        let (measures, clock) = (executor.measures(), executor.clock());
        let work = move || work(executor, &receiver, &gathering, &told);
        let worker = std::thread::Builder::new().name("bank".into()).spawn(work);
        (
            Self { sender, measures, clock, presence, capacity: gathering.queue },
            worker.expect("the system gives a thread at start"),
        )
    }

    /// Puts a command into the queue, or refuses it at once.
    pub(crate) fn submit(&self, command: Command, reply: Reply) {
        let span = if tracing::enabled!(target: TARGET, Level::DEBUG) { Span::current() } else { Span::none() };
        let submitted = Submitted { at: self.clock.boot(), span };
        // Counted before it is there, so that it is never taken before it was counted.
        self.measures.submitted();
        if self.presence.is_away() {
            // Nobody waits for a database that is looked for already.
            self.measures.refused_at_the_door(Failure::DatabaseUnavailable);
            reply(Err(Failure::DatabaseUnavailable));
            return;
        }
        match self.sender.try_send(Message::Job(command, reply, submitted)) {
            Ok(()) => {}
            Err(TrySendError::Full(message) | TrySendError::Disconnected(message)) => match message {
                Message::Job(_, reply, _) => {
                    self.measures.refused_at_the_door(Failure::Overloaded);
                    reply(Err(Failure::Overloaded));
                }
                Message::Along(..) | Message::Stop => {}
            },
        }
    }

    /// Puts a command that nobody waits for into the queue: it goes along with the next group that has something else
    /// to do, or by itself after [`Gathering::alone_after`], so that it costs no commit while there is traffic.
    pub(crate) fn submit_along(&self, command: Command, reply: Reply) {
        self.measures.submitted();
        match self.sender.try_send(Message::Along(command, reply)) {
            Ok(()) => {}
            Err(TrySendError::Full(message) | TrySendError::Disconnected(message)) => match message {
                Message::Along(_, reply) => {
                    self.measures.refused_at_the_door(Failure::Overloaded);
                    reply(Err(Failure::Overloaded));
                }
                Message::Job(..) | Message::Stop => {}
            },
        }
    }

    /// Has the worker end once everything that waits now is answered.
    pub(crate) fn stop(&self) {
        // A worker that is gone already has nothing left to answer.
        let _ = self.sender.send(Message::Stop);
    }
}

/// The next message; none if those that are to go along have waited long enough.
fn first(
    receiver: &Receiver<Message>,
    along: &[(Command, Reply)],
    alone_after: Duration,
) -> Result<Option<Message>, RecvError> {
    if along.is_empty() {
        return receiver.recv().map(Some);
    }
    match receiver.recv_timeout(alone_after) {
        Ok(message) => Ok(Some(message)),
        Err(RecvTimeoutError::Timeout) => Ok(None),
        Err(RecvTimeoutError::Disconnected) => Err(RecvError),
    }
}

fn work(mut executor: Executor, receiver: &Receiver<Message>, gathering: &Gathering, listeners: &Listeners) {
    let (measures, clock) = (executor.measures(), executor.clock());
    let mut commands = Vec::new();
    let mut replies = Vec::new();
    let mut along = Vec::new();
    let mut spans = Vec::new();
    let mut stopping = false;
    while !stopping {
        let Ok(first) = first(receiver, &along, gathering.alone_after) else { return };
        let alone = first.is_none();
        let mut oldest = None;
        let waiting = first.into_iter().chain(receiver.try_iter());
        for message in waiting {
            match message {
                Message::Job(command, reply, submitted) => {
                    oldest.get_or_insert(submitted.at);
                    commands.push(command);
                    replies.push(reply);
                    if !submitted.span.is_none() {
                        spans.push(submitted.span);
                    }
                }
                Message::Along(command, reply) => along.push((command, reply)),
                Message::Stop => stopping = true,
            }
            if stopping || commands.len() >= gathering.group {
                break;
            }
        }
        if commands.is_empty() && !alone && !stopping {
            continue;
        }
        for (command, reply) in along.drain(..) {
            commands.push(command);
            replies.push(reply);
        }
        if commands.is_empty() {
            continue;
        }
        let began = clock.boot();
        let waited = began.saturating_sub(oldest.unwrap_or(began));
        measures.taken(commands.len(), waited);
        let answers = executor.execute(&commands);
        measures.answered(&answers, clock.boot().saturating_sub(began), executor.last_now());
        tell(&executor, &mut spans, commands.len(), waited);
        commands.clear();
        for (reply, answer) in replies.drain(..).zip(answers) {
            reply(answer);
        }
        listeners.tell();
    }
}

/// Says in each request's span which commit it was part of, for whoever follows one request through the host.
fn tell(executor: &Executor, spans: &mut Vec<Span>, commands: usize, waited: Duration) {
    let Position { writer, seq } = executor.last_commit();
    let waited_us = u64::try_from(waited.as_micros()).unwrap_or(u64::MAX);
    for span in spans.drain(..) {
        tracing::debug!(target: TARGET, parent: &span, writer, seq, commands, waited_us, "committed");
    }
}
