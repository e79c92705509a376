//! Waiting: always for something, never longer than said.

use std::time::{Duration, Instant};

/// How long a test takes to see that nothing comes.
pub(crate) struct Deadline {
    began: Instant,
    limit: Duration,
}

impl Deadline {
    /// So long from now.
    #[expect(clippy::disallowed_methods, reason = "how long a test waits is not the bank's time")]
    pub(crate) fn after(limit: Duration) -> Self {
        Self { began: Instant::now(), limit }
    }

    /// How long ago it began.
    pub(crate) fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    /// Whether it has passed.
    pub(crate) fn is_over(&self) -> bool {
        self.began.elapsed() >= self.limit
    }

    /// Asks again and again until there is an answer; none when the time is over.
    pub(crate) fn wait<T>(&self, mut ask: impl FnMut() -> Option<T>) -> Option<T> {
        loop {
            if let Some(answer) = ask() {
                return Some(answer);
            }
            if self.is_over() {
                return None;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}
