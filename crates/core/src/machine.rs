//! Machines and counters: places where cash stands.

use crate::account::Totals;
use crate::currency::Currency;
use crate::id::{MachineId, NotAnId, SessionId};
use crate::ledger::LedgerAccount;
use crate::mix::Cassette;

/// Who moves the notes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum MachineKind {
    /// The caller of the plain API; the host picks the notes from its mirror of the cassettes.
    Api,
    /// A terminal of ours: cash moves only through the terminal link, in two steps.
    Terminal,
    /// People at a counter; no cassettes.
    Counter,
}

impl MachineKind {
    /// The kind's name outside and in the database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Terminal => "terminal",
            Self::Counter => "counter",
        }
    }

    /// Reads [`Self::name`] back.
    ///
    /// # Errors
    /// [`NotAnId`] for any other text.
    pub fn parse(name: &str) -> Result<Self, NotAnId> {
        [Self::Api, Self::Terminal, Self::Counter].into_iter().find(|kind| kind.name() == name).ok_or(NotAnId)
    }
}

/// What never changes about a machine.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MachineIdentity {
    /// Its id.
    pub id: MachineId,
    /// Who moves the notes.
    pub kind: MachineKind,
    /// What its notes are; a counter takes any.
    pub currency: Option<Currency>,
    /// SHA-256 of its channel credential, or what follows from its one-time enrolment code.
    pub secret: [u8; 32],
}

impl MachineIdentity {
    /// The ledger account of the cash that stands here, for money in `currency`; none if the machine does not hold
    /// that currency.
    #[must_use]
    pub fn cash_account(&self, currency: Currency) -> Option<LedgerAccount> {
        match (self.kind, self.currency) {
            (MachineKind::Counter, _) => Some(LedgerAccount::Counter(self.id, currency)),
            (MachineKind::Api | MachineKind::Terminal, own) => {
                (own == Some(currency)).then_some(LedgerAccount::AtmCash(self.id, currency))
            }
        }
    }
}

impl MachineIdentity {
    /// As [`Self::cash_account`], if its row is loaded for decisions: a counter's is written, never read.
    #[must_use]
    pub fn loaded_cash_account(&self, currency: Currency) -> Option<LedgerAccount> {
        self.cash_account(currency).filter(|account| matches!(account, LedgerAccount::AtmCash(..)))
    }
}

/// Whether a machine takes commands.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum MachineStatus {
    /// It does.
    Active,
    /// Switched off by staff.
    Inactive,
}

/// What staff and log-ins change about a machine.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Machine {
    /// Its id.
    pub id: MachineId,
    /// Where it stands, for people.
    pub location: String,
    /// Whether it takes commands.
    pub status: MachineStatus,
    /// The only card session at this machine that may live.
    pub session: Option<SessionId>,
}

/// The cash in a machine; for a counter empty for ever.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Holdings {
    /// Which machine.
    pub machine: MachineId,
    /// Cassettes by position; denominations never change.
    pub cassettes: Vec<Cassette>,
    /// Value in the deposit bin, minor units.
    pub deposit_bin: i64,
    /// Value in the reject bin, minor units.
    pub reject_bin: i64,
    /// Value in the retract bin, minor units.
    pub retract_bin: i64,
}

impl Holdings {
    /// Everything that is in the machine, minor units.
    #[must_use]
    pub fn cash(&self) -> i64 {
        self.cassettes_value() + self.deposit_bin + self.reject_bin + self.retract_bin
    }

    /// What its cassettes hold, minor units.
    #[must_use]
    pub fn cassettes_value(&self) -> i64 {
        self.cassettes.iter().map(|c| c.denomination * i64::from(c.count)).sum()
    }
}

/// Totals of one `atm:*` account. Cash that moved posts: it has no floor.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CashAccount {
    /// Which account.
    pub account: LedgerAccount,
    /// Its totals.
    pub totals: Totals,
}
