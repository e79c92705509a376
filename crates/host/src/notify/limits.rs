//! How much a feed does at once, how often it tries, and how long it waits in between.

/// How much at once, how often, how long.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Deliveries on their way at once.
    pub in_flight: usize,
    /// Deliveries begun in a second: what a backlog may cost while customers stand at machines.
    pub per_second: usize,
    /// Events taken in that neither arrived nor wait: what may go out twice after a crash.
    pub window: usize,
    /// Tries before a delivery is given up …
    pub attempts: u32,
    /// … or the time, from the first that failed.
    pub patience_ms: i64,
    /// The pause after the first failure; each later one is twice as long.
    pub first_pause_ms: i64,
    /// The longest pause.
    pub longest_pause_ms: i64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            in_flight: 64,
            per_second: 2_000,
            window: 2_048,
            attempts: 20,
            patience_ms: 72 * 60 * 60 * 1_000,
            first_pause_ms: 2_000,
            longest_pause_ms: 4 * 60 * 60 * 1_000,
        }
    }
}

impl Limits {
    /// The pause after the n-th failure: twice as long each time, a quarter more or less; and never shorter than what
    /// the receiver asks for.
    pub(super) fn pause_ms(&self, attempts: u32, after_ms: Option<i64>, jitter: u64) -> i64 {
        let doubled = self.first_pause_ms.saturating_mul(1 << (attempts.clamp(1, 40) - 1));
        let pause = doubled.min(self.longest_pause_ms);
        let share = i64::try_from(jitter % 1_001).expect("a thousand fits");
        match after_ms {
            Some(after) => after + pause.min(after) * share / 10_000,
            None => pause * (750 + share / 2) / 1_000,
        }
    }
}
