//! Commands about terminals as the host knows them: enrolment, how far their messages got, leases.

use crate::enrolled::{GrantedLease, JournalHead, SealedKeys};
use crate::id::{CardId, MachineId};
use crate::machine::MachineIdentity;
use crate::session::Session;
use crate::terminal::Lane;
use crate::terminal::settings::PartitionPolicy;

/// A terminal shows the one-time code that it was given, and its public key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EnrolTerminal {
    /// Which machine it says it runs.
    pub terminal: MachineId,
    /// What follows from the code.
    pub code: [u8; 32],
    /// Its public key (Ed25519).
    pub key: [u8; 32],
}

impl EnrolTerminal {
    /// Whether the code is that machine's.
    pub(crate) fn opens(&self, machine: &MachineIdentity) -> bool {
        use subtle::ConstantTimeEq;
        self.code.ct_eq(&machine.secret).into()
    }
}

/// Staff have a new code made for a terminal; it is kept, sealed, among the terminal's secrets.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct IssueEnrolment {
    /// Whose.
    pub session: Session,
    /// The terminal.
    pub terminal: MachineId,
    /// Its secrets, the code's among them.
    pub keys: SealedKeys,
}

/// A terminal showed the code that staff had made for it, and its public key. The code was looked at before: it is sealed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RenewTerminal {
    /// Which machine it runs.
    pub terminal: MachineId,
    /// The key that was the terminal's when the code was made, if it had one: the code serves in its place alone.
    pub replaces: Option<[u8; 32]>,
    /// Its public key (Ed25519).
    pub key: [u8; 32],
}

/// A message was taken from a terminal: how far it got.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NoteTerminal {
    /// The terminal.
    pub terminal: MachineId,
    /// The lane that the message came on …
    pub lane: Lane,
    /// … and its number there.
    pub number: u64,
    /// The head of its journal.
    pub head: JournalHead,
    /// The dispenser's nonce, told with nothing waiting: leases for others are no exposure any more.
    pub drained: Option<[u8; 16]>,
}

/// A terminal's journal does not continue what is known of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DoubtJournal {
    /// The terminal.
    pub terminal: MachineId,
    /// What is wrong, for people.
    pub why: String,
}

/// A terminal is given leave to pay cash while the host is away.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct GrantLease {
    /// The terminal.
    pub terminal: MachineId,
    /// The lease.
    pub lease: GrantedLease,
}

/// A terminal's secrets are kept, sealed, in the place of earlier ones.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeepTerminalKeys {
    /// The terminal.
    pub terminal: MachineId,
    /// Its secrets.
    pub keys: SealedKeys,
}

/// Notices were told to a card's holder.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NoticesTold {
    /// Whose card.
    pub card: CardId,
    /// The highest number that was told.
    pub upto: i64,
}

/// What staff choose for one terminal while the host is away.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PartitionChoice {
    /// These values.
    Own(PartitionPolicy),
    /// Those of the policy.
    Policy,
}

/// Staff have looked at a journal that was doubted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct JournalAccepted;
