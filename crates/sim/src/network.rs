//! What becomes of messages between a machine and its host.

use cashpoint_core::id::MachineId;
use cashpoint_core::terminal::Lane;
use cashpoint_core::terminal::link::{LinkFailure, Reply, Request};
use cashpoint_core::time::Timestamp;
use cashpoint_wire::journal::Head;

/// A request on its way, with what the machine says of its journal.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sent {
    /// Whose.
    pub terminal: MachineId,
    /// On which lane.
    pub lane: Lane,
    /// When it left, by the terminal's clock.
    pub at: Timestamp,
    /// The end of the journal.
    pub head: Head,
    /// What the journal has where the host said that it knows it.
    pub known: Option<Head>,
    /// What.
    pub request: Request,
}

/// What a host answered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Heard {
    /// The answer, or why there is none.
    pub reply: Result<Reply, LinkFailure>,
    /// How far the host knows the journal, if it said so.
    pub known: Option<u64>,
}

/// The host's end of the link.
pub trait Host {
    /// Takes a message to the host. The machine numbers its messages in the order in which they leave.
    fn address(&mut self, sent: Sent, now: Timestamp) -> Message;

    /// Answers a message that arrived.
    fn answer(&mut self, message: &Message, now: Timestamp) -> Heard;
}

/// A message as it travels.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Message {
    /// What is said.
    pub sent: Sent,
    /// The number that it bears.
    pub number: u64,
}

impl<H: Host> Host for std::rc::Rc<std::cell::RefCell<H>> {
    fn address(&mut self, sent: Sent, now: Timestamp) -> Message {
        self.borrow_mut().address(sent, now)
    }

    fn answer(&mut self, message: &Message, now: Timestamp) -> Heard {
        self.borrow_mut().answer(message, now)
    }
}

/// What becomes of messages.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Network {
    /// They arrive.
    Up,
    /// Nobody can be reached.
    Cut,
    /// Requests arrive, answers do not.
    AnswersLost,
    /// Requests leave and do not arrive.
    RequestsLost,
    /// Both arrive, after so many milliseconds there and back. What is over its deadline still arrives at the host; its
    /// answer reaches nobody.
    Slow {
        /// On the way to the host.
        there_ms: u32,
        /// On the way back.
        back_ms: u32,
    },
}
