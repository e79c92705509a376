//! What a server counts, for metrics and for its summary.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// Numbers that other threads may look at while the server runs. Only totals: nothing is decided by them.
#[derive(Debug, Default)]
pub struct Counters {
    pub(super) open: AtomicUsize,
    pub(super) in_flight: AtomicUsize,
    pub(super) accepted: AtomicU64,
    pub(super) refused: AtomicU64,
    pub(super) shed: AtomicU64,
    pub(super) overloaded: AtomicU64,
    pub(super) late: AtomicU64,
    pub(super) accept_errors: AtomicU64,
}

impl Counters {
    /// Connections open now.
    pub fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    /// Requests being answered now.
    pub fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// Connections taken so far.
    pub fn accepted(&self) -> u64 {
        self.accepted.load(Ordering::Relaxed)
    }

    /// Connections refused so far because there were too many.
    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// Requests refused so far because too many were being answered.
    pub fn shed(&self) -> u64 {
        self.shed.load(Ordering::Relaxed)
    }

    /// Requests that reached the router so far and were refused there because too much was waiting.
    pub fn overloaded(&self) -> u64 {
        self.overloaded.load(Ordering::Relaxed)
    }

    /// Connections and bodies that were over their time so far.
    pub fn late(&self) -> u64 {
        self.late.load(Ordering::Relaxed)
    }

    /// Times that the system could not hand over a connection (out of file descriptors, most likely).
    pub fn accept_errors(&self) -> u64 {
        self.accept_errors.load(Ordering::Relaxed)
    }

    pub(super) fn add(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }
}
