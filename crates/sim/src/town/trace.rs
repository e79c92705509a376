//! What was seen: all of it with every value, or the last of it in words. The same seed and the same build give the same bytes.

use std::collections::VecDeque;
use std::fmt::Write as _;

use cashpoint_core::terminal::Lane;
use cashpoint_core::time::Timestamp;

use super::words;
use crate::audit::seen::{Seen, Sight};

/// How many sights a failure shows.
const LAST: usize = 60;

/// How much is kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Keep {
    /// What came last.
    Last,
    /// Everything.
    All,
}

/// What was seen.
pub struct Trace {
    keep: Keep,
    start: Timestamp,
    text: String,
    last: VecDeque<Sight>,
    /// How many sights there were.
    pub lines: u64,
}

impl Trace {
    /// Nothing yet.
    #[must_use]
    pub const fn new(keep: Keep, start: Timestamp) -> Self {
        Self { keep, start, text: String::new(), last: VecDeque::new(), lines: 0 }
    }

    /// Adds a sight. Signs of life that nothing follows from, and what was only read, are left out.
    pub fn add(&mut self, sight: &Sight) {
        let silent = matches!(
            sight.what,
            Seen::Answered { lane: Lane::Heartbeat, .. }
                | Seen::Heard(_)
                | Seen::Posted(_)
                | Seen::Reopened(_)
                | Seen::Secret(_)
                | Seen::Ruled(_)
        );
        if silent {
            return;
        }
        self.lines += 1;
        match self.keep {
            Keep::All => line(&mut self.text, sight, self.start),
            Keep::Last => {
                if matches!(sight.what, Seen::Command(_) | Seen::PinComparable | Seen::Wrote(..) | Seen::Fed(_)) {
                    // There are no words for them.
                    return;
                }
                if self.last.len() == LAST {
                    self.last.pop_front();
                }
                self.last.push_back(sight.clone());
            }
        }
    }

    /// The words, a line for each sight.
    #[must_use]
    pub fn into_text(mut self) -> String {
        for sight in &self.last {
            words::line(&mut self.text, sight, self.start);
        }
        self.text
    }
}

fn line(text: &mut String, sight: &Sight, start: Timestamp) {
    let ms = sight.at.since_ms(start);
    let place = sight.machine.map_or_else(|| "host".to_owned(), |machine| machine.to_string());
    writeln!(text, "{:>7}.{:03} {place} {:?}", ms / 1000, ms % 1000, sight.what).expect("memory takes everything");
}
