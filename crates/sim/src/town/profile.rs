//! Which faults a run has, and how often: each by itself off, rare or heavy, drawn from the seed, so that rare
//! combinations happen.

use crate::chance::Chance;

/// How often a fault happens.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Level {
    /// Never.
    Off,
    /// Now and then.
    Rare,
    /// All the time.
    Heavy,
}

impl Level {
    fn drawn(chance: &mut Chance) -> Self {
        match chance.below(3) {
            0 => Self::Off,
            1 => Self::Rare,
            _ => Self::Heavy,
        }
    }

    /// How often in a thousand.
    #[must_use]
    pub const fn per_mille(self, rare: u64, heavy: u64) -> u64 {
        match self {
            Self::Off => 0,
            Self::Rare => rare,
            Self::Heavy => heavy,
        }
    }
}

/// What machines may do while the host is away.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Partition {
    /// Nothing.
    Refuse,
    /// Stale balances, stored deposits and transfers, no cash.
    NoCash,
    /// The same, and cash within limits.
    Limited(Limits),
}

/// How much cash machines may pay while the host is away, major units.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// To a card in 24 hours.
    pub card: u32,
    /// In one outage.
    pub outage: u32,
    /// In all, before the host has heard of it.
    pub lease: u32,
}

impl Limits {
    /// Those that a bank has at first.
    pub const USUAL: Self = Self { card: 100, outage: 500, lease: 500 };
}

macro_rules! faults {
    ($($(#[$what:meta])+ $field:ident = $name:literal,)+) => {
        /// The names of all faults, as a command line has them.
        pub const FAULTS: [&str; [$($name),+].len()] = [$($name),+];

        /// The faults of a run.
        #[derive(Clone, PartialEq, Eq, Debug)]
        pub struct Profile {
            $($(#[$what])+ pub $field: Level,)+
            /// What machines may do while the host is away.
            pub partition: Partition,
        }

        impl Profile {
            /// No fault at all.
            #[must_use]
            pub const fn calm(partition: Partition) -> Self {
                Self { $($field: Level::Off,)+ partition }
            }

            /// The faults that a seed has.
            #[must_use]
            pub fn drawn(seed: u64) -> Self {
                let mut chance = Chance::new(seed ^ 0x5157_4152_4d00);
                let partition =
                    if chance.below(2) == 0 { Partition::Refuse } else { Partition::Limited(Limits::USUAL) };
                Self { $($field: Level::drawn(&mut chance),)+ partition }
            }

            /// Every fault by its name.
            fn faults(&mut self) -> [(&'static str, &mut Level); FAULTS.len()] {
                [$(($name, &mut self.$field)),+]
            }
        }
    };
}

faults! {
    /// Messages and answers that are lost.
    loss = "loss",
    /// Messages that take long, some longer than anybody waits: they overtake each other.
    delay = "delay",
    /// Lines that are down for a while, in both directions or one.
    outages = "outages",
    /// Messages that arrive again, late and in any order.
    repeats = "repeats",
    /// Faults of devices, at any step.
    devices = "devices",
    /// Terminals' processes that die before any one thing that they do.
    deaths = "deaths",
    /// The host's process that dies before or after it has done what it was asked for.
    host_deaths = "host-deaths",
    /// Journals that cannot be written.
    journals = "journals",
    /// Clocks that are wrong or are set.
    clocks = "clocks",
    /// Customers who leave things lying, mistype PINs, walk away.
    absent_minds = "absent-minds",
    /// Cards that are reported stolen, and whoever has them goes on.
    reports = "reports",
    /// Exchanges of cassettes by staff.
    exchanges = "exchanges",
    /// Notes that whoever can open a machine takes and tells nobody.
    insiders = "insiders",
    /// How often somebody at the bank looks into open cases and lets locked cards be used again.
    desk = "desk",
    /// People with somebody else's card and PINs that they guess.
    thieves = "thieves",
    /// Notes that are not genuine, or too worn, among those that are laid in.
    forgers = "forgers",
    /// Limits that people reach, blocks that are short, and machines that stop early.
    tight = "tight",
    /// Choices of the bank that change in the middle of everything.
    choices = "choices",
    /// Requests that bear a used id and say something else.
    altered = "altered",
    /// Machines that lose power.
    power = "power",
    /// Commits of the bank's that fail, or of which nobody knows whether they did. Of a bank in memory alone.
    commits = "commits",
    /// Accounts that are closed, while machines offer them still.
    closings = "closings",
}

impl Profile {
    /// The same without these faults.
    #[must_use]
    pub fn without(mut self, names: &[&str]) -> Self {
        for (name, level) in self.faults() {
            if names.contains(&name) {
                *level = Level::Off;
            }
        }
        self
    }

    /// Names of the faults that there are.
    #[must_use]
    pub fn on(&self) -> Vec<&'static str> {
        let mut profile = self.clone();
        profile.faults().into_iter().filter(|(_, level)| **level != Level::Off).map(|(name, _)| name).collect()
    }
}
