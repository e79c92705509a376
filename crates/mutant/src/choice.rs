//! The defect that a test has chosen: one at a time for the whole process, because a bank works on a thread of its own.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::Mutant;

/// Its place, counted from one; zero: none.
static CHOSEN: AtomicUsize = AtomicUsize::new(0);

/// Held while one is chosen.
static TURN: Mutex<()> = Mutex::new(());

/// Whether this defect is in force.
#[inline]
#[must_use]
pub fn chosen(mutant: Mutant) -> bool {
    CHOSEN.load(Ordering::Relaxed) == mutant as usize + 1
}

/// Does something with a defect in force; whoever else wants one waits.
pub fn with<T>(mutant: Mutant, work: impl FnOnce() -> T) -> T {
    /// Puts it right whatever happens.
    struct Chosen;

    impl Drop for Chosen {
        fn drop(&mut self) {
            CHOSEN.store(0, Ordering::SeqCst);
        }
    }

    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    CHOSEN.store(mutant as usize + 1, Ordering::SeqCst);
    let _chosen = Chosen;
    work()
}
