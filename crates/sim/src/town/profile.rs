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

/// The names of all faults, as a command line has them.
pub const FAULTS: [&str; 20] = [
    "loss",
    "delay",
    "outages",
    "repeats",
    "devices",
    "deaths",
    "host-deaths",
    "journals",
    "clocks",
    "absent-minds",
    "reports",
    "exchanges",
    "insiders",
    "desk",
    "thieves",
    "forgers",
    "tight",
    "choices",
    "altered",
    "power",
];

/// The faults of a run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Profile {
    /// Messages and answers that are lost.
    pub loss: Level,
    /// Messages that take long, some longer than anybody waits: they overtake each other.
    pub delay: Level,
    /// Lines that are down for a while, in both directions or one.
    pub outages: Level,
    /// Messages that arrive again, late and in any order.
    pub repeats: Level,
    /// Faults of devices, at any step.
    pub devices: Level,
    /// Terminals' processes that die before any one thing that they do.
    pub deaths: Level,
    /// The host's process that dies before or after it has done what it was asked for.
    pub host_deaths: Level,
    /// Journals that cannot be written.
    pub journals: Level,
    /// Clocks that are wrong or are set.
    pub clocks: Level,
    /// Customers who leave things lying, mistype PINs, walk away.
    pub absent_minds: Level,
    /// Cards that are reported stolen, and whoever has them goes on.
    pub reports: Level,
    /// Exchanges of cassettes by staff.
    pub exchanges: Level,
    /// Notes that whoever can open a machine takes and tells nobody.
    pub insiders: Level,
    /// How often somebody at the bank looks into open cases and lets locked cards be used again.
    pub desk: Level,
    /// People with somebody else's card and PINs that they guess.
    pub thieves: Level,
    /// Notes that are not genuine, or too worn, among those that are laid in.
    pub forgers: Level,
    /// Limits that people reach, blocks that are short, and machines that stop early.
    pub tight: Level,
    /// Choices of the bank that change in the middle of everything.
    pub choices: Level,
    /// Requests that bear a used id and say something else.
    pub altered: Level,
    /// Machines that lose power.
    pub power: Level,
    /// What machines may do while the host is away.
    pub partition: Partition,
}

impl Profile {
    /// No fault at all.
    #[must_use]
    pub const fn calm(partition: Partition) -> Self {
        let off = Level::Off;
        Self {
            loss: off,
            delay: off,
            outages: off,
            repeats: off,
            devices: off,
            deaths: off,
            host_deaths: off,
            journals: off,
            clocks: off,
            absent_minds: off,
            reports: off,
            exchanges: off,
            insiders: off,
            desk: off,
            thieves: off,
            forgers: off,
            tight: off,
            choices: off,
            altered: off,
            power: off,
            partition,
        }
    }

    /// The faults that a seed has.
    #[must_use]
    pub fn drawn(seed: u64) -> Self {
        let mut chance = Chance::new(seed ^ 0x5157_4152_4d00);
        let partition = if chance.below(2) == 0 { Partition::Refuse } else { Partition::Limited(Limits::USUAL) };
        let mut level = || Level::drawn(&mut chance);
        Self {
            loss: level(),
            delay: level(),
            outages: level(),
            repeats: level(),
            devices: level(),
            deaths: level(),
            host_deaths: level(),
            journals: level(),
            clocks: level(),
            absent_minds: level(),
            reports: level(),
            exchanges: level(),
            insiders: level(),
            desk: level(),
            thieves: level(),
            forgers: level(),
            tight: level(),
            choices: level(),
            altered: level(),
            power: level(),
            partition,
        }
    }

    /// Every fault by its name. The pattern is without `..`, so that none is forgotten.
    fn faults(&mut self) -> [(&'static str, &mut Level); FAULTS.len()] {
        let Self {
            loss,
            delay,
            outages,
            repeats,
            devices,
            deaths,
            host_deaths,
            journals,
            clocks,
            absent_minds,
            reports,
            exchanges,
            insiders,
            desk,
            thieves,
            forgers,
            tight,
            choices,
            altered,
            power,
            partition: _,
        } = self;
        let levels = [
            loss,
            delay,
            outages,
            repeats,
            devices,
            deaths,
            host_deaths,
            journals,
            clocks,
            absent_minds,
            reports,
            exchanges,
            insiders,
            desk,
            thieves,
            forgers,
            tight,
            choices,
            altered,
            power,
        ];
        let mut names = FAULTS.into_iter();
        levels.map(|level| (names.next().expect("each has a name"), level))
    }

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
