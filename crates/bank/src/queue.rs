//! The bounded queue before the worker, and the worker that takes whatever is waiting.
//!
//! There is no timer: while one group commits, the next one gathers by itself.

use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, RwLock};
use std::thread::JoinHandle;

use cashpoint_core::command::Command;

use crate::execute::{Executor, Failure, Reply};

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

#[expect(
    clippy::large_enum_variant,
    reason = "nearly every message is a job, and a box would be an allocation for each"
)]
enum Message {
    Job(Command, Reply),
    Stop,
}

/// Where commands wait for the next group.
pub(crate) struct Queue {
    sender: SyncSender<Message>,
    pub(crate) listeners: Listeners,
}

impl Queue {
    /// Starts the worker: at most `waiting` commands wait, at most `group` are decided at once.
    pub(crate) fn start(executor: Executor, waiting: usize, group: usize) -> (Self, JoinHandle<()>) {
        let (sender, receiver) = sync_channel(waiting);
        let listeners = Listeners::default();
        let told = listeners.clone();
        let work = move || work(executor, &receiver, group, &told);
        let worker = std::thread::Builder::new().name("bank".into()).spawn(work);
        (Self { sender, listeners }, worker.expect("the system gives a thread at start"))
    }

    /// Puts a command into the queue, or refuses it at once.
    pub(crate) fn submit(&self, command: Command, reply: Reply) {
        match self.sender.try_send(Message::Job(command, reply)) {
            Ok(()) => {}
            Err(TrySendError::Full(message) | TrySendError::Disconnected(message)) => match message {
                Message::Job(_, reply) => reply(Err(Failure::Overloaded)),
                Message::Stop => {}
            },
        }
    }

    /// Has the worker end once everything that waits now is answered.
    pub(crate) fn stop(&self) {
        // A worker that is gone already has nothing left to answer.
        let _ = self.sender.send(Message::Stop);
    }
}

fn work(mut executor: Executor, receiver: &Receiver<Message>, group: usize, listeners: &Listeners) {
    let mut commands = Vec::new();
    let mut replies = Vec::new();
    let mut stopping = false;
    while !stopping {
        let Ok(first) = receiver.recv() else { return };
        let waiting = std::iter::once(first).chain(receiver.try_iter());
        for message in waiting {
            match message {
                Message::Job(command, reply) => {
                    commands.push(command);
                    replies.push(reply);
                }
                Message::Stop => stopping = true,
            }
            if stopping || commands.len() >= group {
                break;
            }
        }
        if commands.is_empty() {
            continue;
        }
        let answers = executor.execute(&commands);
        commands.clear();
        for (reply, answer) in replies.drain(..).zip(answers) {
            reply(answer);
        }
        listeners.tell();
    }
}
