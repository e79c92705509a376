//! The journal as the state machine's shells see it, and the loop that keeps its promise.
//!
//! [`step`] is the one place that executes a step's outputs, for the real terminal and for simulated ones: in their
//! order, and nothing after a record that could not be written.

use std::collections::VecDeque;

use cashpoint_mutant::{Mutant, chosen};

use crate::time::Timestamp;

use super::record::Record;
use super::{Input, JournalFailure, Output, Terminal};

/// How full a journal is, in bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fill {
    /// Used.
    pub used: u64,
    /// What may be used, the reserve for finishing what was begun not included.
    pub limit: u64,
}

/// An append-only file of records. A record that was appended is durable: it survives power loss.
pub trait Journal {
    /// Writes a record behind the last one and syncs it.
    ///
    /// # Errors
    /// It is not written, and nothing is until the next start if it is [`JournalFailure::Broken`].
    fn append(&mut self, record: &Record, at: Timestamp) -> Result<Fill, JournalFailure>;

    /// Drops the entries before `keep_from`: the entry there stands for them. If that fails they stay, and nothing is
    /// lost.
    ///
    /// # Errors
    /// They stay.
    fn forget(&mut self, keep_from: u64) -> Result<Fill, JournalFailure>;
}

/// What executes outputs other than records.
pub trait Shell {
    /// The journal.
    fn journal(&mut self) -> &mut dyn Journal;

    /// Starts what the output says. It must not wait: what comes of it is an input later.
    fn execute(&mut self, output: Output);
}

/// Gives the machine an input, and does what follows.
pub fn step(terminal: &mut Terminal, input: Input, now: Timestamp, shell: &mut dyn Shell) {
    let mut inputs = VecDeque::from([input]);
    while let Some(input) = inputs.pop_front() {
        let mut outputs = VecDeque::from(terminal.handle(input, now));
        let mut fill = None;
        while let Some(output) = outputs.pop_front() {
            let written = match &output {
                Output::Journal(record) => shell.journal().append(record, now),
                Output::Forget { keep_from } => shell.journal().forget(*keep_from),
                Output::Device(_)
                | Output::Send { .. }
                | Output::Show(_)
                | Output::Speak(_)
                | Output::Set(..)
                | Output::Stop(_)
                | Output::Alarm(_) => {
                    shell.execute(output);
                    continue;
                }
            };
            match written {
                Ok(now) => fill = Some(now),
                Err(_) if chosen(Mutant::RecordSkipped) => {}
                Err(why) => {
                    outputs.push_front(output);
                    inputs.push_back(Input::JournalFailed { why, unexecuted: outputs.into() });
                    break;
                }
            }
        }
        if let Some(Fill { used, limit }) = fill {
            inputs.push_back(Input::JournalFill { used, limit });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::MachineId;
    use crate::terminal::device::Command;

    /// A journal that takes so many records, and a shell that notes what it is told.
    #[derive(Default)]
    struct Noted {
        room: usize,
        written: Vec<Record>,
        done: Vec<Output>,
    }

    impl Journal for Noted {
        fn append(&mut self, record: &Record, _: Timestamp) -> Result<Fill, JournalFailure> {
            if self.written.len() == self.room {
                return Err(JournalFailure::DiskFull);
            }
            self.written.push(record.clone());
            Ok(Fill { used: 1, limit: 2 })
        }

        fn forget(&mut self, _: u64) -> Result<Fill, JournalFailure> {
            Ok(Fill { used: 0, limit: 2 })
        }
    }

    impl Shell for Noted {
        fn journal(&mut self) -> &mut dyn Journal {
            self
        }

        fn execute(&mut self, output: Output) {
            self.done.push(output);
        }
    }

    fn begin(room: usize) -> Noted {
        let mut terminal = Terminal::new(MachineId::parse("ATM1").unwrap());
        let mut shell = Noted { room, ..Noted::default() };
        step(&mut terminal, Input::Begun { entries: Vec::new(), nonce: 1 }, Timestamp::EPOCH, &mut shell);
        shell
    }

    #[test]
    fn does_what_follows_a_record_that_is_written() {
        let shell = begin(9);
        assert_eq!(shell.written, [Record::Begun { nonce: 1 }]);
        assert!(shell.done.iter().any(|done| matches!(done, Output::Device(_))), "{:?}", shell.done);
    }

    #[test]
    fn does_nothing_that_follows_a_record_that_cannot_be_written() {
        let shell = begin(0);
        let moved = |done: &Output| matches!(done, Output::Device(command) if !matches!(command, Command::Probe(_)));
        assert!(shell.written.is_empty() && !shell.done.iter().any(moved), "{:?}", shell.done);
    }
}
