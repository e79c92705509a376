//! Every command there is, as data. What each does stands in its own file under [`crate::decide`].

mod card;
mod customer;
mod feed;
mod link;
mod machine;
mod money;
mod session;
mod terminal;

pub use card::{ChangePin, IssueCard, NewCard, RemoveCard, ReportCard, ReportReason, ResetPin, UnblockCard};
pub use customer::{ChangePassword, CloseAccount, CreateCustomer, NewAccount, OpenAccount, SignUp, UpdateCustomer};
pub use feed::{ClaimFeed, KeepFeed, SetWishes};
pub use link::{
    DoubtJournal, EnrolTerminal, GrantLease, IssueEnrolment, JournalAccepted, KeepTerminalKeys, NoteTerminal,
    NoticesTold, PartitionChoice, RenewTerminal,
};
pub use machine::{AddOperator, CountedCassette, CreateMachine, NewCassette, Replenish, SetPolicy, UpdateMachine};
pub use money::{By, Caller, Deposit, ReadBalance, Standing, Transfer, Withdraw};
pub use session::{
    LogInOnline, LogInOperator, LogInWithCard, LogOut, Match, NewSession, PasswordCheck, PinEntry, Touch,
};
pub use terminal::{
    Approve, CardRetained, Complete, DepositAdvice, DepositUnclear, Exchanged, InCase, OfflineTries, OfflineWithdrawn,
    OfflineWord, ResolveCase, Reverse, StoredTransfer, Suspect,
};

macro_rules! commands {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {
        /// A command of any kind.
        #[derive(Clone, PartialEq, Eq, Debug)]
        pub enum Command { $($(#[$doc])* $name($name)),* }

        $(impl From<$name> for Command {
            fn from(command: $name) -> Self {
                Self::$name(command)
            }
        })*

        impl Command {
            /// Its kind.
            #[must_use]
            pub const fn name(&self) -> &'static str {
                match self { $(Self::$name(_) => stringify!($name)),* }
            }

            /// The command as something to decide.
            pub(crate) fn as_decide(&self) -> &dyn crate::decide::Decide {
                match self { $(Self::$name(command) => command),* }
            }
        }
    };
}

commands! {
    /// Pay cash.
    Withdraw,
    /// Take cash in.
    Deposit,
    /// Move money.
    Transfer,
    /// Tell a balance.
    ReadBalance,
    /// Begin a card's session.
    LogInWithCard,
    /// Begin an online session.
    LogInOnline,
    /// Begin a session of staff.
    LogInOperator,
    /// End a session.
    LogOut,
    /// Note a session's activity.
    Touch,
    /// A customer comes by themselves.
    SignUp,
    /// Staff make a customer.
    CreateCustomer,
    /// Change a customer's data.
    UpdateCustomer,
    /// Change a customer's password.
    ChangePassword,
    /// Open another account.
    OpenAccount,
    /// Close an account.
    CloseAccount,
    /// Make a card.
    IssueCard,
    /// Change a PIN.
    ChangePin,
    /// Give a new PIN.
    ResetPin,
    /// Report a card lost or stolen.
    ReportCard,
    /// Lift a block or lock.
    UnblockCard,
    /// Withdraw a card.
    RemoveCard,
    /// Make a machine or counter.
    CreateMachine,
    /// Change a machine.
    UpdateMachine,
    /// Count and renew a machine's cash.
    Replenish,
    /// Set policy values.
    SetPolicy,
    /// Add staff.
    AddOperator,
    /// Promise cash at a terminal.
    Approve,
    /// Settle what was promised.
    Complete,
    /// Take back what was promised.
    Reverse,
    /// Open a case about what was promised.
    Suspect,
    /// Post cash that was paid without asking.
    OfflineWithdrawn,
    /// Take notes that a terminal took in.
    DepositAdvice,
    /// Open a case about notes of which nobody knows.
    DepositUnclear,
    /// Decide a transfer that waited at a terminal.
    StoredTransfer,
    /// Count wrong PINs that were tried while the host was away.
    OfflineTries,
    /// Note that a machine kept a card.
    CardRetained,
    /// Post a terminal's replenishment.
    Exchanged,
    /// Resolve a case.
    ResolveCase,
    /// Take a terminal in.
    EnrolTerminal,
    /// Note how far a terminal's messages got.
    NoteTerminal,
    /// Take nothing more from a terminal.
    DoubtJournal,
    /// Give a terminal a lease.
    GrantLease,
    /// Keep a terminal's secrets.
    KeepTerminalKeys,
    /// Have a new code made for a terminal.
    IssueEnrolment,
    /// Take a terminal in with a new code.
    RenewTerminal,
    /// Note what a card's holder was told.
    NoticesTold,
    /// Become the one who delivers a feed.
    ClaimFeed,
    /// Note how far a feed got.
    KeepFeed,
    /// Say what to be told of.
    SetWishes,
}
