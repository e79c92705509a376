//! The workers of a bank, each with its own queue: one where one may write, several on a shared database.
//!
//! Commands of one account keep to one worker, so they wait for each other in memory and not for each other's row locks.
//! That makes them faster; nothing rests on it.

use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use cashpoint_core::command::Command;
use cashpoint_core::decide;
use cashpoint_core::facts::Lookups;

use crate::execute::{Executor, Reply};
use crate::queue::{Gathering, Listener, Listeners, Queue};
use crate::store::Presence;

/// All workers of a bank.
pub(crate) struct Workers {
    queues: Vec<Queue>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    listeners: Listeners,
}

impl Workers {
    /// Starts a worker for each executor; so many commands may wait for all of them together, and so many are decided
    /// at once by each.
    pub(crate) fn start(executors: Vec<Executor>, presence: &Arc<Presence>, gathering: &Gathering) -> Self {
        let listeners = Listeners::default();
        let each = Gathering { queue: gathering.queue.div_ceil(executors.len().max(1)), ..*gathering };
        let start = |executor| Queue::start(executor, Arc::clone(presence), each, listeners.clone());
        let (queues, threads): (Vec<_>, Vec<_>) = executors.into_iter().map(start).unzip();
        Self { queues, threads: Mutex::new(threads.into_iter().flatten().collect()), listeners }
    }

    /// How many commands may wait.
    pub(crate) fn capacity(&self) -> usize {
        self.queues.iter().map(|queue| queue.capacity).sum()
    }

    /// Has something called after each group, on its worker's thread.
    pub(crate) fn on_commit(&self, listener: Listener) {
        self.listeners.add(listener);
    }

    /// Puts a command into its worker's queue, or refuses it at once.
    pub(crate) fn submit(&self, command: Command, reply: Reply) {
        self.queue_of(&command).submit(command, reply);
    }

    /// As [`Self::submit`], for a command that nobody waits for.
    pub(crate) fn submit_along(&self, command: Command, reply: Reply) {
        self.queue_of(&command).submit_along(command, reply);
    }

    /// Answers what waits, then ends.
    pub(crate) fn stop(&self) {
        self.queues.iter().for_each(Queue::stop);
        let threads = std::mem::take(&mut *self.threads.lock().expect("no holder of this lock can panic"));
        for thread in threads {
            if thread.join().is_err() {
                tracing::error!("a worker of the bank had panicked");
            }
        }
    }

    fn queue_of(&self, command: &Command) -> &Queue {
        match self.queues.as_slice() {
            [only] => only,
            several => &several[usize::try_from(affinity(command)).unwrap_or(0) % several.len()],
        }
    }
}

/// The same number for all commands of an account; of a card, or a machine, for those that name no account.
fn affinity(command: &Command) -> u64 {
    let mut lookups = Lookups::default();
    decide::lookups(command, &mut lookups);
    if let Some(account) = lookups.accounts.first() {
        return spread(account.number());
    }
    if let Some(card) = lookups.cards.first() {
        return spread(card.number().unsigned_abs());
    }
    let name = lookups.machines.first().map(|machine| machine.as_str().bytes());
    name.map_or(0, |name| spread(name.fold(0, |sum, byte| (sum << 5) ^ (sum >> 59) ^ u64::from(byte))))
}

/// Numbers that lie together, apart.
const fn spread(number: u64) -> u64 {
    number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32
}
