//! A group that is being committed on a thread of its own, while the next one is decided.
//!
//! The writer goes along with the group and comes back with what became of it, so it is never used by two.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use cashpoint_core::change::Changes;

use super::writer::Writer;
use crate::store::{CommitError, Position, StoreError};

/// A group, and who writes it.
type Job = (Box<Writer>, Arc<Changes>);

/// The writer again, and what became of the group.
pub(super) type Back = (Box<Writer>, Result<Position, CommitError>);

/// The thread. It ends when this is dropped.
pub(super) struct Flight {
    jobs: Sender<Job>,
    back: Receiver<Back>,
}

impl Flight {
    pub(super) fn new() -> Self {
        let (jobs, waiting) = channel::<Job>();
        let (sender, back) = channel();
        let work = move || {
            for (mut writer, changes) in waiting {
                let done = catch_unwind(AssertUnwindSafe(|| writer.commit(&changes)));
                let done = done.unwrap_or_else(|_| Err(CommitError::Rejected(StoreError("writing panicked".into()))));
                if sender.send((writer, done)).is_err() {
                    return;
                }
            }
        };
        let thread = std::thread::Builder::new().name("bank-commit".into()).spawn(work);
        thread.expect("the system gives a thread at start");
        Self { jobs, back }
    }

    /// Sends a group off.
    pub(super) fn launch(&self, writer: Box<Writer>, changes: Arc<Changes>) {
        self.jobs.send((writer, changes)).expect("the thread is there as long as this is");
    }

    /// Waits for it, so long.
    pub(super) fn land(&self, within: Duration) -> Option<Back> {
        match self.back.recv_timeout(within) {
            Ok(back) => Some(back),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => unreachable!("the thread is there as long as this is"),
        }
    }
}
