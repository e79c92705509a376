//! Commands that move a customer's money, or ask how much there is.

use crate::id::{AccountNumber, MachineId, RequestId};
use crate::money::Decimal;
use crate::session::Session;

/// From where a request comes, as proven at the edge.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Standing {
    /// A sandbox: from wherever the request says.
    Sandbox,
    /// From this machine or counter: its credential came along.
    At(MachineId),
    /// From nowhere that cash stands.
    Nowhere,
}

/// Who asks: a session that began once (whether it still lives is decided), and from where.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Caller {
    /// The session.
    pub session: Session,
    /// From where.
    pub standing: Standing,
}

/// Who moves money or asks for a balance.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum By {
    /// A session.
    Session(Caller),
    /// The sandbox's teller surface: teller accounts only, no limits.
    Teller,
}

/// Pays cash at once (`api` machines and counters).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Withdraw {
    /// Who asks.
    pub by: By,
    /// The request's name for ever.
    pub request: RequestId,
    /// From which account.
    pub account: AccountNumber,
    /// How much.
    pub amount: Decimal,
    /// The machine that the request names.
    pub machine: Option<MachineId>,
}

/// Takes cash in. Same shape as [`Withdraw`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Deposit {
    /// Who asks.
    pub by: By,
    /// The request's name for ever.
    pub request: RequestId,
    /// To which account.
    pub account: AccountNumber,
    /// How much.
    pub amount: Decimal,
    /// The machine that the request names.
    pub machine: Option<MachineId>,
}

/// Moves money between accounts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Transfer {
    /// Who asks.
    pub session: Session,
    /// The request's name for ever.
    pub request: RequestId,
    /// From.
    pub source: AccountNumber,
    /// To.
    pub target: AccountNumber,
    /// How much.
    pub amount: Decimal,
}

/// Asks for a balance.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ReadBalance {
    /// Who asks.
    pub by: By,
    /// Of which account.
    pub account: AccountNumber,
}
