//! What the host knows of an enrolled terminal: its key, how far its messages and journal got, the leases it was given,
//! what staff chose for it. How messages are signed is the wire's matter.

use crate::customer::Sealed;
use crate::id::{CardId, MachineId};
use crate::money::Amount;
use crate::terminal::Lane;
use crate::terminal::settings::PartitionPolicy;
use crate::time::{BusinessDate, Timestamp};

/// The last record of a terminal's journal that the host knows of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct JournalHead {
    /// Its number; 0 before the first.
    pub n: u64,
    /// Its MAC, which stands for everything before it.
    pub mac: [u8; 32],
}

/// Whether a terminal's journal is believed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum JournalTrust {
    /// Whatever comes next is taken for the journal: the terminal is new, or staff have looked at it.
    Open,
    /// This far it is known; what comes must continue it.
    Kept(JournalHead),
    /// What came did not continue this. Nothing is taken from the terminal until staff have looked.
    Doubted(JournalHead),
}

/// The number of the last message taken on each lane. Lanes overtake each other, so that one number for all of them would
/// refuse what is honest.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct LaneNumbers {
    /// On the one that customers wait for.
    pub online: u64,
    /// On the one of what already happened.
    pub advice: u64,
    /// On the one of signs of life.
    pub heartbeat: u64,
}

impl LaneNumbers {
    /// The last one on a lane.
    #[must_use]
    pub const fn on(&self, lane: Lane) -> u64 {
        match lane {
            Lane::Online => self.online,
            Lane::Advice => self.advice,
            Lane::Heartbeat => self.heartbeat,
        }
    }

    /// A message was taken. Nothing goes back.
    pub fn take(&mut self, lane: Lane, number: u64) {
        let last = match lane {
            Lane::Online => &mut self.online,
            Lane::Advice => &mut self.advice,
            Lane::Heartbeat => &mut self.heartbeat,
        };
        *last = number.max(*last);
    }

    /// The highest of all.
    #[must_use]
    pub fn highest(&self) -> u64 {
        self.online.max(self.advice).max(self.heartbeat)
    }
}

/// Leave to pay cash while the host is away, as the host remembers it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct GrantedLease {
    /// The dispenser's nonce that it is for.
    pub nonce: [u8; 16],
    /// Up to how much.
    pub amount: Amount,
    /// What was told to have been paid under it, minor units.
    pub used: i64,
    /// Which of its present nonces came back, a bit each.
    pub presents: u32,
    /// When it was given.
    pub granted: Timestamp,
    /// Superseded, and its use told: it is no exposure any more.
    pub closed: bool,
}

/// A command of staff to the machine; the last one is repeated until it is carried out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StaffOrder {
    /// Its number; grows.
    pub number: u64,
    /// What.
    pub kind: crate::terminal::link::HostCommandKind,
}

/// An enrolled terminal.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EnrolledTerminal {
    /// Which machine it runs.
    pub machine: MachineId,
    /// Its public key (Ed25519).
    pub key: [u8; 32],
    /// When it was enrolled.
    pub enrolled: Timestamp,
    /// The numbers of the last messages taken from it.
    pub numbers: LaneNumbers,
    /// Its journal.
    pub journal: JournalTrust,
    /// When it was last heard of, as far as that was kept.
    pub seen: Timestamp,
    /// What staff chose for it instead of the policy's partition values.
    pub partition: Option<PartitionPolicy>,
    /// How often that was changed.
    pub partition_changes: u32,
    /// What staff want of it.
    pub order: Option<StaffOrder>,
    /// What its deposits credited on a business date, minor units: its ceiling is the day's.
    pub deposited: (BusinessDate, i64),
    /// Leases, oldest first; of those closed only the latest few.
    pub leases: Vec<GrantedLease>,
}

impl EnrolledTerminal {
    /// Closed leases that are remembered, for uses that are told late.
    const CLOSED_KEPT: usize = 8;

    /// A terminal that has just been enrolled.
    #[must_use]
    pub fn new(machine: MachineId, key: [u8; 32], now: Timestamp, date: BusinessDate) -> Self {
        Self {
            machine,
            key,
            enrolled: now,
            numbers: LaneNumbers::default(),
            journal: JournalTrust::Open,
            seen: now,
            partition: None,
            partition_changes: 0,
            order: None,
            deposited: (date, 0),
            leases: Vec::new(),
        }
    }

    /// The same machine with another key. All else stays: its messages' numbers go on, because the last of the key before may
    /// be noted after this, and a journal that does not go on from what is known is doubted until staff take it.
    #[must_use]
    pub fn renewed(&self, key: [u8; 32], now: Timestamp) -> Self {
        Self { key, enrolled: now, seen: now, ..self.clone() }
    }

    /// What its deposits have credited on `date`, minor units.
    #[must_use]
    pub fn deposited_on(&self, date: BusinessDate) -> i64 {
        if self.deposited.0 == date { self.deposited.1 } else { 0 }
    }

    /// What it may have paid, or may yet pay, without the host's knowing: the leases that are not closed, minor units.
    #[must_use]
    pub fn exposure(&self) -> i64 {
        self.leases.iter().filter(|lease| !lease.closed).map(|lease| lease.amount.minor() - lease.used).sum()
    }

    /// Adds a lease.
    pub fn grant(&mut self, lease: GrantedLease) {
        self.leases.push(lease);
        self.forget();
    }

    /// Closes all leases but the one for `nonce`.
    pub fn close_leases(&mut self, nonce: [u8; 16]) {
        self.leases.iter_mut().filter(|lease| lease.nonce != nonce).for_each(|lease| lease.closed = true);
        self.forget();
    }

    fn forget(&mut self) {
        let closed = self.leases.iter().filter(|lease| lease.closed).count();
        let mut too_many = closed.saturating_sub(Self::CLOSED_KEPT);
        self.leases.retain(|lease| {
            let forgotten = lease.closed && too_many > 0;
            too_many -= usize::from(forgotten);
            !forgotten
        });
    }
}

/// A terminal's secrets as they are kept.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SealedKeys {
    /// Version of the wrapping key, and the wrapped data key.
    pub data_key: (u32, Sealed),
    /// The secrets, under the data key.
    pub secrets: Sealed,
}

/// Something that a card's holder is to be told at the next log-in at a terminal: a stored transfer was refused.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StoredNotice {
    /// Whose card.
    pub card: CardId,
    /// When the transfer was asked for, by the terminal's clock.
    pub at: Timestamp,
    /// How much.
    pub amount: Amount,
    /// To which account.
    pub target: crate::id::AccountNumber,
    /// The refusal's code.
    pub code: String,
}
