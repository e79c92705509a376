//! Town after town, and what they came to together: a page of words, and a failure that can be had again.

use std::fmt;

use crate::audit::{Auditor, Violation};
use crate::town::profile::Profile;
use crate::town::trace::Keep;
use crate::town::{Outcome, Setup, Tally, run};

/// Visits that make a terminal-day.
pub const VISITS_A_DAY: u32 = 100;

/// How large each town is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Scale {
    /// Machines.
    pub machines: usize,
    /// Visits at each.
    pub visits: u32,
}

/// What was found, and how it is had again.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The town's seed.
    pub seed: u64,
    /// How large it was.
    pub scale: Scale,
    /// What must not be.
    pub violation: Violation,
    /// What was seen last.
    pub last: String,
}

/// Towns so far.
#[derive(Clone, Debug, Default)]
pub struct Series {
    /// How many.
    pub towns: u64,
    /// Added up.
    pub tally: Tally,
}

impl Series {
    /// Runs a seed's town. What was seen of it in words, as much as is to be kept.
    ///
    /// # Errors
    /// Something is wrong with it.
    pub fn run(&mut self, seed: u64, scale: Scale, keep: Keep) -> Result<String, Box<Failure>> {
        let Scale { machines, visits } = scale;
        let setup = Setup { seed, machines, visits, profile: Profile::drawn(seed), keep };
        let Outcome { violation, trace, tally } = run(setup, &mut Auditor::new());
        self.towns += 1;
        self.tally.add(&tally);
        match violation {
            None => Ok(trace),
            Some(violation) => Err(Box::new(Failure { seed, scale, violation, last: trace })),
        }
    }

    /// How many terminal-days that were, in hundredths.
    #[must_use]
    pub fn hundredths_of_days(&self) -> u64 {
        self.tally.visits * 100 / u64::from(VISITS_A_DAY)
    }

    /// Situations that a long run must reach and this one did not.
    #[must_use]
    pub fn never(&self) -> Vec<&'static str> {
        self.tally.sometimes.counts().filter(|(_, count)| *count == 0).map(|(name, _)| name).collect()
    }
}

impl fmt::Display for Series {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let days = self.hundredths_of_days();
        let Tally { visits, served, messages, machine_ms, notes: [taken, laid_in], .. } = &self.tally;
        let Tally { cases, offline, stolen, unpaid, sometimes, .. } = &self.tally;
        writeln!(out, "{} towns, {visits} visits: {}.{:02} terminal-days", self.towns, days / 100, days % 100)?;
        writeln!(out, "{served} visits in which somebody got what they came for")?;
        writeln!(out, "{} hours at machines, {messages} messages answered", machine_ms / 3_600_000)?;
        writeln!(out, "{taken} notes taken, {laid_in} laid in, {cases} cases left open")?;
        let [offline, stolen, unpaid] = [offline, stolen, unpaid].map(|minor| minor / 100);
        writeln!(out, "{offline} dollars paid unasked ({stolen} to stolen cards), {unpaid} charged to nobody")?;
        writeln!(out, "situations, and how often they were reached:")?;
        for (name, count) in sometimes.counts() {
            writeln!(out, "{count:>12}  {name}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, scale, violation, last } = self;
        writeln!(out, "what was seen last, by seconds:\n{last}")?;
        writeln!(out, "{:?}", Profile::drawn(*seed))?;
        writeln!(out, "{violation}")?;
        let Scale { machines, visits } = scale;
        let version = env!("CARGO_PKG_VERSION");
        writeln!(out, "seed {seed} of cashpoint {version}, again from its beginning:")?;
        write!(out, "  cashpoint simulate --seed {seed} --machines {machines} --visits {visits} --trace")
    }
}
