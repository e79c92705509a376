//! Tells a feed that something was committed, without costing whoever commits.
//!
//! Commits come by the thousand, and waking a task is a call to the system on the bank's own thread. So it rings once,
//! and then only after the feed listened again. It does not say what was committed, nor how much.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;

/// Rings for one listener.
#[derive(Debug, Default)]
pub(super) struct Bell {
    listening: AtomicBool,
    bell: Notify,
}

impl Bell {
    /// Wakes the listener, if there is one. Never waits.
    pub(super) fn ring(&self) {
        if self.listening.load(Ordering::SeqCst) && self.listening.swap(false, Ordering::SeqCst) {
            self.bell.notify_one();
        }
    }

    /// From now on the next commit rings: to be called before looking, so that nothing comes between.
    pub(super) fn listen(&self) {
        self.listening.store(true, Ordering::SeqCst);
    }

    /// Waits for it to ring; it may have rung before.
    pub(super) async fn rung(&self) {
        self.bell.notified().await;
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Waker};

    use super::*;

    fn rang(bell: &Bell) -> bool {
        pin!(bell.rung()).poll(&mut Context::from_waker(Waker::noop())).is_ready()
    }

    #[test]
    fn rings_once_for_each_time_that_somebody_listened() {
        let bell = Bell::default();
        bell.ring();
        assert!(!rang(&bell), "nobody listened");
        bell.listen();
        assert!(!rang(&bell), "nothing was committed");
        bell.ring();
        bell.ring();
        assert!(rang(&bell));
        assert!(!rang(&bell), "it rang once");
    }
}
