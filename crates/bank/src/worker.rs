//! The worker of a bank: its queue, its thread, and who hears of its commits.
//!
//! There is one, also where several hosts write one database: two of one host would only wait for each other's rows.

use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use cashpoint_core::command::Command;

use crate::execute::{Executor, Reply};
use crate::queue::{Gathering, Listener, Listeners, Queue};
use crate::store::Presence;

/// The worker.
pub(crate) struct Worker {
    queue: Queue,
    thread: Mutex<Option<JoinHandle<()>>>,
    listeners: Listeners,
}

impl Worker {
    /// Starts it.
    pub(crate) fn start(executor: Executor, presence: Arc<Presence>, gathering: Gathering) -> Self {
        let listeners = Listeners::default();
        let (queue, thread) = Queue::start(executor, presence, gathering, listeners.clone());
        Self { queue, thread: Mutex::new(thread), listeners }
    }

    /// How many commands may wait.
    pub(crate) const fn capacity(&self) -> usize {
        self.queue.capacity
    }

    /// Has something called after each group, on the worker's thread.
    pub(crate) fn on_commit(&self, listener: Listener) {
        self.listeners.add(listener);
    }

    /// Puts a command into the queue, or refuses it at once.
    pub(crate) fn submit(&self, command: Command, reply: Reply) {
        self.queue.submit(command, reply);
    }

    /// As [`Self::submit`], for a command that nobody waits for.
    pub(crate) fn submit_along(&self, command: Command, reply: Reply) {
        self.queue.submit_along(command, reply);
    }

    /// Answers what waits, then ends.
    pub(crate) fn stop(&self) {
        self.queue.stop();
        let thread = self.thread.lock().expect("no holder of this lock can panic").take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the worker of the bank had panicked");
        }
    }
}
