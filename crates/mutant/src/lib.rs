//! Deliberate defects of the shipping code, one line each, that show whether the simulator's auditor sees anything. With
//! the feature `chosen`, which only builds for tests have, a test chooses one of them while it runs. Without it none is
//! ever chosen and the compiler drops them all. Which rule must find which is not known here.

#[cfg(feature = "chosen")]
mod choice;

#[cfg(feature = "chosen")]
pub use choice::{chosen, with};

macro_rules! mutants {
    ($($(#[$what:meta])+ $name:ident,)+) => {
        /// A defect.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum Mutant {
            $($(#[$what])+ $name,)+
        }

        impl Mutant {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];
        }
    };
}

mutants! {
    /// A posting counts on the side that is debited alone.
    OneSided,
    /// A deposit comes from what somebody owes the bank, which is nobody's.
    FromNowhere,
    /// An entry keeps the balance that was there before it.
    BalanceBefore,
    /// Every entry names the first one as the one before it.
    EntrySkipped,
    /// A deposit does not count on its customer's day.
    DayForgotten,
    /// A deposit comes from an account of another currency, and the ledger takes it.
    CurrenciesMixed,
    /// An account covers whatever is asked of it.
    FloorIgnored,
    /// The fee is left out when an overdraft is judged.
    FeeLeftOut,
    /// An overdrawing withdrawal pays its fee twice.
    FeeTwice,
    /// What was not paid is struck out of what was debited, and no entry says so.
    CorrectionOverwrites,
    /// A completed withdrawal stays in flight.
    InFlightKept,
    /// A deposit that is told again is taken again.
    TakenTwice,
    /// A known request answers whatever content comes under its id.
    ContentIgnored,
    /// A repeated advice is not told the case that it opened.
    AnswerForgotten,
    /// A reversal that overtakes its original leaves nothing behind.
    TombstoneForgotten,
    /// Rejected notes are counted out of their cassettes and into no bin.
    RejectBinForgotten,
    /// A completed withdrawal is paid back.
    CompletedPaidBack,
    /// A suspect withdrawal is paid back in full.
    SuspectPaidBack,
    /// Who took a part of the notes gets all of the money back.
    PartPaidBack,
    /// A deposit posts to the vault, and its notes lie in the machine.
    DepositInVault,
    /// Once the notes are taken they are dispensed again, and the dispenser forgets that the token was used.
    DispensedAgain,
    /// Notes move before the journal says that they are about to.
    EffectFirst,
    /// A withdrawal that was open when the terminal stopped is not taken up again.
    IntentForgotten,
    /// An advice is given up after a few attempts.
    AdviceDropped,
    /// The newest advice is told first.
    NewestFirst,
    /// What a card was paid offline does not count.
    CardLimitForgotten,
    /// What was paid under a lease does not count, neither here nor at the dispenser.
    LeaseForgotten,
    /// A hot list serves however old it is.
    StaleHotList,
    /// A message that was overtaken shows another journal.
    HonestDoubted,
    /// Each withdrawal has the day's limit for itself.
    DayLimitIgnored,
    /// A wrong PIN is not counted.
    WrongPinForgotten,
    /// Who logs out stays in.
    LogOutIgnored,
    /// A customer's name is their card's number.
    NumberForName,
    /// An advice that failed once is never tried again.
    QueueStuck,
    /// A reversal is acknowledged and not posted.
    ReversalNotPosted,
    /// A deposit is answered and not committed.
    AnsweredUncommitted,
    /// What follows from a record is done although the record could not be written.
    RecordSkipped,
    /// A commit of which nobody heard is taken for done.
    UnknownTakenForDone,
    /// What was decided for a group that could not be committed stays remembered.
    RefusedRemembered,
    /// A machine that staff open stays out of service.
    StaysClosed,
    /// Who took a part of the notes is told that nothing was charged.
    ScreenLies,
}

/// Whether this defect is in force: never.
#[cfg(not(feature = "chosen"))]
#[inline(always)]
#[must_use]
pub const fn chosen(_: Mutant) -> bool {
    false
}
