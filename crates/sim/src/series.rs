//! Town after town, and what they came to together: a page of words, and a failure that can be had again.

use std::fmt;

use crate::audit::{Auditor, Violation};
use crate::town::profile::Profile;
use crate::town::trace::Keep;
use crate::town::{Outcome, Setup, Tally, run};

/// Visits that make a terminal-day.
pub const VISITS_A_DAY: u32 = 100;

/// Which build this is: the commit, or `unknown` where it was not built from a checkout.
pub const COMMIT: &str = env!("CASHPOINT_COMMIT");

/// How large each town is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Scale {
    /// Machines.
    pub machines: usize,
    /// Visits at each.
    pub visits: u32,
}

/// All that a town follows from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Drawn {
    /// Its seed.
    pub seed: u64,
    /// How large it is.
    pub scale: Scale,
    /// Faults of its profile that it does not have, by name.
    pub without: Vec<&'static str>,
}

impl Drawn {
    /// What may go wrong in it.
    #[must_use]
    pub fn profile(&self) -> Profile {
        Profile::drawn(self.seed).without(&self.without)
    }

    /// Runs it.
    #[must_use]
    pub fn run(&self, keep: Keep) -> Outcome {
        let Scale { machines, visits } = self.scale;
        let setup = Setup { seed: self.seed, machines, visits, profile: self.profile(), keep };
        run(setup, &mut Auditor::new())
    }
}

/// What was found, and how it is had again.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The town.
    pub drawn: Drawn,
    /// What must not be.
    pub violation: Violation,
    /// What was seen last, in words.
    pub last: String,
    /// How many sights led to it.
    pub sights: u64,
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
    /// Runs a seed's town. What was seen of it, as much as is to be kept.
    ///
    /// # Errors
    /// Something is wrong with it.
    pub fn run(&mut self, seed: u64, scale: Scale, keep: Keep) -> Result<String, Box<Failure>> {
        self.run_drawn(Drawn { seed, scale, without: Vec::new() }, keep)
    }

    /// Runs a town.
    ///
    /// # Errors
    /// Something is wrong with it.
    pub fn run_drawn(&mut self, drawn: Drawn, keep: Keep) -> Result<String, Box<Failure>> {
        let Outcome { violation, trace, tally, sights } = drawn.run(keep);
        self.towns += 1;
        self.tally.add(&tally);
        match violation {
            None => Ok(trace),
            Some(violation) => Err(Box::new(Failure { drawn, violation, last: trace, sights })),
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

/// How little a failure needs: smaller towns and fewer faults are tried for as long as `goes_on` says so, and each that
/// breaks the same rule takes the place of the one before.
pub fn shrink(failure: Failure, goes_on: &mut dyn FnMut() -> bool) -> Failure {
    let mut least = failure;
    'again: loop {
        for drawn in smaller(&least.drawn) {
            if !goes_on() {
                return least;
            }
            let Outcome { violation, trace, sights, .. } = drawn.run(Keep::Last);
            if let Some(violation) = violation.filter(|violation| violation.rule == least.violation.rule) {
                least = Failure { drawn, violation, last: trace, sights };
                continue 'again;
            }
        }
        return least;
    }
}

/// What is tried next, the most promising first.
fn smaller(drawn: &Drawn) -> Vec<Drawn> {
    let Scale { machines, visits } = drawn.scale;
    let mut scales = vec![(1, visits), (machines / 2, visits), (machines.saturating_sub(1), visits)];
    scales.extend([(machines, visits / 2), (machines, visits * 3 / 4), (machines, visits.saturating_sub(1))]);
    scales.retain(|scale| *scale != (machines, visits) && scale.0 > 0 && scale.1 > 0);
    scales.dedup();
    let scaled =
        scales.into_iter().map(|(machines, visits)| Drawn { scale: Scale { machines, visits }, ..drawn.clone() });
    let fewer = drawn.profile().on().into_iter().map(|fault| {
        let without = drawn.without.iter().copied().chain([fault]).collect();
        Drawn { without, ..drawn.clone() }
    });
    scaled.chain(fewer).collect()
}

impl fmt::Display for Series {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let days = self.hundredths_of_days();
        let Tally { visits, served, messages, machine_ms, notes: [taken, laid_in], .. } = &self.tally;
        let Tally { cases, faults, offline, stolen, unpaid, sometimes, .. } = &self.tally;
        writeln!(out, "{} towns, {visits} visits: {}.{:02} terminal-days", self.towns, days / 100, days % 100)?;
        writeln!(out, "{served} visits in which somebody got what they came for")?;
        let minutes = machine_ms / 60_000;
        let (time, unit) = if minutes < 600 { (minutes, "minutes") } else { (minutes / 60, "hours") };
        writeln!(out, "{time} {unit} at machines, {messages} messages answered, {faults} faults")?;
        writeln!(out, "{taken} notes taken, {laid_in} laid in, {cases} cases left open")?;
        let [offline, stolen, unpaid] = [offline, stolen, unpaid].map(|minor| minor / 100);
        writeln!(out, "{offline} dollars paid unasked ({stolen} to stolen cards), {unpaid} charged to nobody")?;
        writeln!(out, "situations, and how often they were reached:")?;
        let counts: Vec<(&str, u64)> = sometimes.counts().filter(|(_, count)| *count > 0).collect();
        for row in counts.chunks(2) {
            for (name, count) in row {
                write!(out, "{count:>9}  {name:<46}")?;
            }
            writeln!(out)?;
        }
        match self.never().as_slice() {
            [] => writeln!(out, "every situation was reached"),
            never => writeln!(out, "never reached ({}): {}", never.len(), never.join("; ")),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { drawn, violation, last, sights } = self;
        writeln!(out, "what was seen last of {sights} sights, by seconds:\n{last}")?;
        writeln!(out, "{:?}", drawn.profile())?;
        writeln!(out, "{violation}")?;
        let Drawn { seed, scale: Scale { machines, visits }, without } = drawn;
        writeln!(out, "seed {seed}, commit {COMMIT}; again from its beginning, with every value:")?;
        write!(out, "  cashpoint simulate --seed {seed} --machines {machines} --visits {visits} --trace")?;
        if without.is_empty() { Ok(()) } else { write!(out, " --without {}", without.join(",")) }
    }
}
