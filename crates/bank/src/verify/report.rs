//! What was checked and what differs, in words.

use std::fmt;

/// Differences that are kept of one check; the rest are counted, so that one flood does not hide the others.
const KEPT_PER_CHECK: usize = 100;

/// The outcome of a verification.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// What was checked, in order.
    pub checks: Vec<Check>,
    /// What differs, by check.
    pub differences: Vec<Difference>,
    /// Differences found beyond those that are listed.
    pub more: u64,
    /// What could not be checked, and why.
    pub limits: Vec<String>,
}

impl Report {
    /// Whether nothing differs.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.differences.is_empty()
    }

    pub(super) fn add(&mut self, judge: Judge) {
        let Judge { name, examined, differences, more } = judge;
        self.checks.push(Check { name, examined });
        self.differences.extend(differences.into_iter().map(|what| Difference { check: name, what }));
        self.more += more;
    }
}

/// One check.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Check {
    /// Its name.
    pub name: &'static str,
    /// How many rows it looked at.
    pub examined: u64,
}

/// One thing that is not as the records say it must be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Difference {
    /// The check that found it.
    pub check: &'static str,
    /// Which row, what was found there, and what was expected.
    pub what: String,
}

/// Collects what one check finds.
pub(super) struct Judge {
    name: &'static str,
    examined: u64,
    differences: Vec<String>,
    more: u64,
}

impl Judge {
    pub(super) fn of(name: &'static str) -> Self {
        Self { name, examined: 0, differences: Vec::new(), more: 0 }
    }

    /// One more row is looked at.
    pub(super) fn examine(&mut self) {
        self.examined += 1;
    }

    /// Something is wrong.
    pub(super) fn differs(&mut self, what: fmt::Arguments<'_>) {
        if self.differences.len() < KEPT_PER_CHECK {
            self.differences.push(what.to_string());
        } else {
            self.more += 1;
        }
    }

    /// `what` of `subject` must be as expected.
    pub(super) fn same<T: PartialEq + fmt::Display>(
        &mut self,
        subject: &impl fmt::Display,
        what: &str,
        found: T,
        expected: T,
    ) {
        if found != expected {
            self.differs(format_args!("{subject}: {what} is {found}, expected {expected}"));
        }
    }

    /// As [`Self::same`], for what may be absent.
    pub(super) fn same_or_none<T: PartialEq + fmt::Display>(
        &mut self,
        subject: &impl fmt::Display,
        what: &str,
        found: Option<T>,
        expected: Option<T>,
    ) {
        if found != expected {
            let (found, expected) = (Shown(found), Shown(expected));
            self.differs(format_args!("{subject}: {what} is {found}, expected {expected}"));
        }
    }
}

/// Shows what may be absent.
pub(super) struct Shown<T>(pub(super) Option<T>);

impl<T: fmt::Display> fmt::Display for Shown<T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(value) => value.fmt(out),
            None => out.write_str("nothing"),
        }
    }
}

/// Names a row: what it is, and which one.
pub(super) struct Named<T>(pub(super) &'static str, pub(super) T);

impl<T: fmt::Display> fmt::Display for Named<T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {}", self.0, self.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_what_it_does_not_keep() {
        let mut judge = Judge::of("accounts");
        for n in 0..150 {
            judge.examine();
            judge.same(&Named("account", n), "balance", 1, 2);
        }
        let mut report = Report::default();
        report.add(judge);
        assert_eq!((report.differences.len(), report.more, report.is_clean()), (100, 50, false));
        assert_eq!(report.differences[7].what, "account 7: balance is 1, expected 2");
        assert_eq!(report.checks, [Check { name: "accounts", examined: 150 }]);
    }
}
