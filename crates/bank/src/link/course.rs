//! How a terminal's messages and its journal go on: which number comes next, and whether a journal is the one that is
//! known.
//!
//! Numbers are kept by lane. Three lanes send at once and overtake each other, so a message may come after one of another
//! lane with a higher number; on its own lane it cannot, because a lane asks one thing at a time. What was kept of the
//! numbers outlives the host, by lane too: after a restart nothing honest is refused, and of what was taken before only
//! messages that changed nothing might be taken once more, because the note of a number is committed with or before
//! what its message does.
//!
//! A journal's MACs are made with a key that the host does not have, so the host compares: what a terminal says about a
//! record that the host was told of must be what it said then. A message proves that its journal goes on from there by
//! naming such a record. One that names none (the terminal has just begun and does not know how far the host is) is not
//! taken; the answer says how far that is, and the next one can name it. However many such messages come, they show nothing
//! but that answers are lost: a terminal that began again behind a line that carries one way only can name nothing.

use std::collections::BTreeMap;

use cashpoint_core::enrolled::{EnrolledTerminal, JournalHead, JournalTrust, LaneNumbers};
use cashpoint_core::terminal::Lane;
use cashpoint_mutant::{Mutant, chosen};

/// Records that are remembered for comparing: more than a terminal has messages on their way.
const REMEMBERED: usize = 256;

/// What a message says about itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct Position {
    pub(super) lane: Lane,
    pub(super) number: u64,
    /// The end of the journal.
    pub(super) head: JournalHead,
    /// What it has where it believes the host to be.
    pub(super) known: Option<JournalHead>,
}

/// What becomes of a message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Verdict {
    /// It goes on from what is known.
    Taken,
    /// It does not say from where its journal goes on; once an answer reaches the terminal, the next one will.
    Unproven {
        /// How many in a row.
        times: u32,
    },
    /// It is a copy, or late.
    NumberUsed { last: u64 },
    /// It is not the journal that is known: what is wrong, for people.
    Other(String),
    /// The journal is doubted since an earlier message.
    Doubted,
}

/// How far a terminal's messages and its journal got.
#[derive(Clone, Default, Debug)]
pub(super) struct Course {
    taken: LaneNumbers,
    /// Records and their MACs; the last one is how far the journal is known.
    records: BTreeMap<u64, [u8; 32]>,
    unproven: u32,
}

impl Course {
    /// From what was kept.
    pub(super) fn resumed(enrolled: &EnrolledTerminal) -> Self {
        let mut course = Self { taken: enrolled.numbers, ..Self::default() };
        course.believe(enrolled.journal);
        course
    }

    /// Takes over what is kept of the journal, if nothing is known here.
    pub(super) fn believe(&mut self, trust: JournalTrust) {
        match trust {
            JournalTrust::Kept(head) if self.records.is_empty() => drop(self.records.insert(head.n, head.mac)),
            JournalTrust::Kept(_) | JournalTrust::Open | JournalTrust::Doubted(_) => {}
        }
    }

    /// Staff take the journal as it is: whatever comes next is it.
    pub(super) fn forget_journal(&mut self) {
        self.records.clear();
        self.unproven = 0;
    }

    /// How far the journal is known.
    pub(super) fn known(&self) -> Option<JournalHead> {
        self.records.last_key_value().map(|(n, mac)| JournalHead { n: *n, mac: *mac })
    }

    /// Judges a message that is the terminal's own, and remembers it. What shows another journal is told even if the
    /// number was used: a terminal that was set back has its numbers set back too.
    pub(super) fn judge(&mut self, message: &Position) -> Verdict {
        let Position { lane, number, head, known } = *message;
        if let Some(why) = self.contradiction(message) {
            return Verdict::Other(why);
        }
        let last = self.taken.on(lane);
        if number <= last {
            return Verdict::NumberUsed { last };
        }
        self.taken.take(lane, number);
        let named = |record: JournalHead| self.records.contains_key(&record.n);
        if self.known().is_some() && !named(head) && !known.is_some_and(named) {
            self.unproven = self.unproven.saturating_add(1);
            return Verdict::Unproven { times: self.unproven };
        }
        self.unproven = 0;
        self.records.insert(head.n, head.mac);
        if self.records.len() > REMEMBERED {
            self.records.pop_first();
        }
        Verdict::Taken
    }

    fn contradiction(&self, message: &Position) -> Option<String> {
        let Position { number, head, known, .. } = *message;
        for said in [Some(head), known].into_iter().flatten() {
            if self.records.get(&said.n).is_some_and(|mac| *mac != said.mac) {
                return Some(format!("record {} is not what it was", said.n));
            }
            if said.n > head.n {
                return Some(format!("it ends with record {} and names record {}", head.n, said.n));
            }
        }
        // What was sent before the last may end earlier; what was sent after may not.
        let end = self.known().filter(|end| {
            let later = number > self.taken.highest() || chosen(Mutant::HonestDoubted);
            head.n < end.n && later
        })?;
        Some(format!("it ends with record {}; record {} is known", head.n, end.n))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(n: u64) -> JournalHead {
        JournalHead { n, mac: [u8::try_from(n).unwrap(); 32] }
    }

    fn forged(n: u64) -> JournalHead {
        JournalHead { n, mac: [0xFF; 32] }
    }

    fn at(lane: Lane, number: u64, head: JournalHead, known: Option<JournalHead>) -> Position {
        Position { lane, number, head, known }
    }

    /// A course on which record 5 came with message 10.
    fn course() -> Course {
        let mut course = Course::default();
        assert_eq!(course.judge(&at(Lane::Heartbeat, 10, record(5), None)), Verdict::Taken);
        course
    }

    #[test]
    fn lets_lanes_overtake_each_other_and_takes_nothing_twice() {
        let mut course = course();
        for (lane, number, n) in [(Lane::Online, 12, 7), (Lane::Advice, 11, 6), (Lane::Heartbeat, 13, 7)] {
            assert_eq!(course.judge(&at(lane, number, record(n), Some(record(5)))), Verdict::Taken, "{number}");
            let again = course.judge(&at(lane, number, record(n), Some(record(5))));
            assert_eq!(again, Verdict::NumberUsed { last: number });
        }
        assert_eq!(course.known(), Some(record(7)));
        let earlier = course.judge(&at(Lane::Online, 11, record(6), Some(record(5))));
        assert_eq!(earlier, Verdict::NumberUsed { last: 12 });
    }

    #[test]
    fn asks_for_a_record_that_is_known() {
        let mut course = course();
        for (number, known, times) in [(11, None, 1), (12, Some(record(3)), 2), (13, Some(forged(0)), 3)] {
            let verdict = course.judge(&at(Lane::Heartbeat, number, record(9), known));
            assert_eq!(verdict, Verdict::Unproven { times }, "{number}");
        }
        assert_eq!(course.known(), Some(record(5)), "it is not known to go on from there");
        assert_eq!(course.judge(&at(Lane::Heartbeat, 14, record(9), Some(record(5)))), Verdict::Taken);
    }

    #[test]
    fn doubts_nobody_who_hears_no_answers() {
        let mut course = course();
        for (number, times) in (20..120).zip(1..) {
            let verdict = course.judge(&at(Lane::Heartbeat, number, record(12), None));
            assert_eq!(verdict, Verdict::Unproven { times }, "nothing is taken");
        }
        assert_eq!(course.judge(&at(Lane::Heartbeat, 120, record(12), Some(record(5)))), Verdict::Taken);
        let verdict = course.judge(&at(Lane::Heartbeat, 121, record(14), Some(record(13))));
        assert_eq!(verdict, Verdict::Unproven { times: 1 });
    }

    #[test]
    fn sees_a_journal_that_was_cut_edited_or_written_anew() {
        let cases = [
            ("cut", at(Lane::Online, 11, record(4), Some(record(4)))),
            ("deleted", at(Lane::Online, 11, record(0), None)),
            ("edited", at(Lane::Online, 11, record(8), Some(forged(5)))),
            ("written anew", at(Lane::Online, 11, forged(5), None)),
            ("set back, its numbers too", at(Lane::Heartbeat, 9, forged(5), None)),
            ("beyond its end", at(Lane::Online, 11, record(5), Some(record(9)))),
        ];
        for (name, message) in cases {
            let verdict = course().judge(&message);
            assert!(matches!(verdict, Verdict::Other(_)), "{name}: {verdict:?}");
        }
    }

    #[test]
    fn goes_on_from_what_was_kept_and_from_what_staff_take() {
        use cashpoint_core::id::MachineId;
        use cashpoint_core::time::{BusinessDate, Timestamp};
        let numbers = LaneNumbers { online: 12, advice: 5, heartbeat: 13 };
        let date = BusinessDate::from_days(20_000);
        let new = EnrolledTerminal::new(MachineId::parse("ATM901").unwrap(), [1; 32], Timestamp::EPOCH, date);
        let enrolled = EnrolledTerminal { numbers, journal: JournalTrust::Kept(record(7)), ..new };
        let mut course = Course::resumed(&enrolled);
        assert_eq!(course.judge(&at(Lane::Online, 12, record(7), None)), Verdict::NumberUsed { last: 12 });
        let overtaken = course.judge(&at(Lane::Advice, 10, record(6), Some(record(5))));
        assert_eq!(
            overtaken,
            Verdict::Unproven { times: 1 },
            "sent before and on its way: it is asked again, and not doubted"
        );
        assert_eq!(course.judge(&at(Lane::Advice, 11, record(7), None)), Verdict::Taken, "it was on its way");
        course.forget_journal();
        course.believe(JournalTrust::Open);
        assert_eq!(course.judge(&at(Lane::Online, 14, forged(2), None)), Verdict::Taken);
        assert_eq!(course.judge(&at(Lane::Online, 14, forged(2), None)), Verdict::NumberUsed { last: 14 });
    }
}
