//! The bounded queue before the worker, and the worker that takes whatever is waiting.
//!
//! There is no timer for what somebody waits for: while one group commits, the next one gathers by itself. A simulated
//! world has no threads: there whoever submits a command does its work ([`Hands`]).

use std::sync::mpsc::{Receiver, RecvError, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, RwLock};
use std::thread::JoinHandle;
use std::time::Duration;

use cashpoint_core::command::Command;
use tracing::{Level, Span};

use crate::clock::Clock;
use crate::execute::{Executor, Failure, Reply};
use crate::measures::Measures;
use crate::pipe::Pipe;
use crate::store::Presence;

/// What log lines about groups are found by.
pub(crate) const TARGET: &str = "cashpoint::group";

/// Whose thread executes commands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Hands {
    /// One of the bank's own for each writer: what comes while a group commits is the next group.
    Own,
    /// That of whoever submits one, before [`Bank::submit`](crate::bank::Bank::submit) returns: each is a group of its own,
    /// with whatever waits to go along. Nothing is timed, so what waits to go along waits for the next command or the end.
    Callers,
}

/// While a group is committed, those who come meanwhile are looked at so often, and not each as it comes: waking somebody
/// costs more than deciding.
const LOOKS_UP: Duration = Duration::from_millis(1);

/// How commands are gathered into groups.
#[derive(Clone, Copy)]
pub(crate) struct Gathering {
    /// Who executes them.
    pub(crate) hands: Hands,
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

    pub(crate) fn tell(&self) {
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
pub(crate) struct Submitted {
    pub(crate) at: Duration,
    pub(crate) span: Span,
}

/// Where commands wait for the next group.
pub(crate) struct Queue {
    way: Way,
    measures: Arc<Measures>,
    clock: Arc<dyn Clock>,
    presence: Arc<Presence>,
    pub(crate) capacity: usize,
}

/// Where a command goes.
enum Way {
    /// To the worker's thread.
    Thread(SyncSender<Message>),
    /// Nowhere: whoever submits it has the worker do it. None once it has ended.
    Here(Mutex<Option<Box<Here>>>),
}

/// A worker without a thread, and what waits to go along.
struct Here {
    pipe: Pipe,
    along: Vec<(Command, Reply)>,
}

impl Queue {
    /// Starts the worker, on a thread if it is to have one.
    pub(crate) fn start(
        executor: Executor,
        presence: Arc<Presence>,
        gathering: Gathering,
        listeners: Listeners,
    ) -> (Self, Option<JoinHandle<()>>) {
        let (measures, clock) = (executor.measures(), executor.clock());
        let pipe = Pipe::new(executor, listeners);
        let (way, thread) = match gathering.hands {
            Hands::Own => {
                let (sender, receiver) = sync_channel(gathering.queue);
                let work = move || work(pipe, &receiver, &gathering);
                let thread = std::thread::Builder::new().name("bank".into()).spawn(work);
                (Way::Thread(sender), Some(thread.expect("the system gives a thread at start")))
            }
            Hands::Callers => (Way::Here(Mutex::new(Some(Box::new(Here { pipe, along: Vec::new() })))), None),
        };
        (Self { way, measures, clock, presence, capacity: gathering.queue }, thread)
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
        self.send(Message::Job(command, reply, submitted));
    }

    /// Puts a command that nobody waits for into the queue: it goes along with the next group that has something else
    /// to do, or by itself after [`Gathering::alone_after`], so that it costs no commit while there is traffic.
    pub(crate) fn submit_along(&self, command: Command, reply: Reply) {
        self.measures.submitted();
        self.send(Message::Along(command, reply));
    }

    fn send(&self, message: Message) {
        let refused = match &self.way {
            Way::Thread(sender) => match sender.try_send(message) {
                Ok(()) => return,
                Err(TrySendError::Full(message) | TrySendError::Disconnected(message)) => message,
            },
            Way::Here(here) => match execute_here(here, message) {
                None => return,
                Some(message) => message,
            },
        };
        match refused {
            Message::Job(_, reply, _) | Message::Along(_, reply) => {
                self.measures.refused_at_the_door(Failure::Overloaded);
                reply(Err(Failure::Overloaded));
            }
            Message::Stop => {}
        }
    }

    /// Has the worker end once everything that waits now is answered.
    pub(crate) fn stop(&self) {
        match &self.way {
            // A worker that is gone already has nothing left to answer.
            Way::Thread(sender) => drop(sender.send(Message::Stop)),
            Way::Here(_) => self.send(Message::Stop),
        }
    }
}

/// Executes a message on this thread; gives it back if the worker has ended.
fn execute_here(here: &Mutex<Option<Box<Here>>>, message: Message) -> Option<Message> {
    let mut locked = here.lock().expect("no holder of this lock can panic");
    let Some(Here { pipe, along }) = locked.as_deref_mut() else { return Some(message) };
    let mut batch = pipe.batch();
    let stopping = match message {
        Message::Job(command, reply, submitted) => {
            batch.add(command, reply, Some(submitted));
            false
        }
        Message::Along(command, reply) => {
            along.push((command, reply));
            return None;
        }
        Message::Stop => true,
    };
    batch.take_along(along);
    let answers = pipe.execute(&batch);
    let listeners = pipe.listeners();
    if stopping {
        *locked = None;
    }
    // Whoever hears an answer may submit the next command.
    drop(locked);
    batch.answer(answers);
    listeners.tell();
    None
}

/// Takes what waits, again and again, until it is to stop.
fn work(mut pipe: Pipe, receiver: &Receiver<Message>, gathering: &Gathering) {
    let mut along = Vec::new();
    let mut stopping = false;
    while !stopping {
        let (first, alone) = if pipe.is_flying() {
            pipe.land(LOOKS_UP);
            (None, false)
        } else {
            let Ok(first) = first(receiver, &along, gathering.alone_after) else { break };
            let alone = first.is_none();
            (first, alone)
        };
        let mut batch = pipe.batch();
        let room = pipe.room(gathering.group);
        for message in first.into_iter().chain(receiver.try_iter()) {
            match message {
                Message::Job(command, reply, submitted) => batch.add(command, reply, Some(submitted)),
                Message::Along(command, reply) => along.push((command, reply)),
                Message::Stop => stopping = true,
            }
            if stopping || batch.len() >= room {
                break;
            }
        }
        if !batch.is_empty() || alone || stopping {
            batch.take_along(&mut along);
        }
        pipe.take(batch, gathering.group);
    }
    pipe.settle();
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
