//! Commits, policies and the business day: the order in which everything happened.

use std::collections::{BTreeMap, HashMap};

use cashpoint_core::policy::Policy;

use super::report::{Judge, Named, Report};
use crate::store::StoreError;
use crate::store::records::{Records, Writers};

/// The latest that a cut-over can follow the move before it: a day that a zone skips, a day, and the hour that
/// daylight saving adds, in microseconds.
const LONGEST_DAY_US: i64 = 49 * 3_600 * 1_000_000;

/// A commit as the rows that belong to it need it.
#[derive(Clone, Copy)]
pub(super) struct Commit {
    pub(super) now: i64,
    pub(super) business_date: i64,
    pub(super) policy_version: u32,
    void: bool,
}

/// All commits, and the places in them that rows took.
#[derive(Default)]
pub(super) struct Commits {
    list: Vec<Commit>,
    by_position: HashMap<(i64, i64), u32>,
    policies: BTreeMap<u32, Policy>,
    /// Commit, then place in it: one entry for each row that carries both.
    places: Vec<(u32, i64)>,
}

/// Which commit a row says that it belongs to, its place there, and when it says that it was.
pub(super) struct Belongs {
    pub(super) writer: i64,
    pub(super) seq: i64,
    pub(super) idx: i64,
    pub(super) at: Option<i64>,
}

impl Commits {
    /// The commit of a row, which must be there, not void, and of the row's own instant.
    pub(super) fn place(
        &mut self,
        row: &Belongs,
        judge: &mut Judge,
        subject: &impl std::fmt::Display,
    ) -> Option<(u32, Commit)> {
        let Belongs { writer, seq, idx, at } = *row;
        let Some(&number) = self.by_position.get(&(writer, seq)) else {
            judge.differs(format_args!("{subject}: its commit {writer}/{seq} is not there"));
            return None;
        };
        let commit = self.list[number as usize];
        if commit.void {
            judge.differs(format_args!("{subject}: its commit {writer}/{seq} is void"));
        }
        if let Some(at) = at {
            judge.same(subject, "at", at, commit.now);
        }
        self.places.push((number, idx));
        Some((number, commit))
    }

    /// A commit by its number.
    pub(super) fn at(&self, number: u32) -> Commit {
        self.list[number as usize]
    }

    /// The policy that a commit was decided under, if it can be read.
    pub(super) fn policy_of(&self, number: u32) -> Option<&Policy> {
        self.policies.get(&self.at(number).policy_version)
    }

    /// The instant of the last commit.
    pub(super) fn last_now(&self) -> Option<i64> {
        self.list.iter().map(|commit| commit.now).max()
    }

    /// Every row has a place of its own in its commit, and none is missing: 0, 1, 2 …
    pub(super) fn check_places(&mut self, report: &mut Report) {
        let mut judge = Judge::of("places");
        let mut before = None;
        self.places.sort_unstable();
        for &(commit, idx) in &self.places {
            judge.examine();
            let expected = match before {
                Some((last, place)) if last == commit => i64::saturating_add(place, 1),
                Some(_) | None => 0,
            };
            if idx != expected {
                let now = self.list[commit as usize].now;
                judge.differs(format_args!("commit of {now}: a row at place {idx}, expected {expected}"));
            }
            before = Some((commit, idx));
        }
        report.add(judge);
    }
}

/// Reads and checks commits, policies and the business day.
pub(super) fn check(records: &Records, report: &mut Report) -> Result<Commits, StoreError> {
    let mut commits = Commits { policies: check_policies(records, report)?, ..Commits::default() };
    let mut judge = Judge::of("commits");
    let mut writers = Vec::new();
    records.writers(|writer| writers.push(writer.id))?;
    for (expected, writer) in (1..).zip(&writers) {
        judge.same(&"writers", "a number", *writer, expected);
    }
    // Side by side, a group may still be decided under the date and the policy that another has just left.
    let one_by_one = records.order() == Writers::InTurn;
    let mut last: HashMap<i64, (i64, Commit)> = HashMap::new();
    let mut before = None;
    records.commits(|row| {
        judge.examine();
        let subject = format!("commit {}/{}", row.writer, row.seq);
        let own = last.get(&row.writer);
        judge.same(&subject, "seq", row.seq, own.map_or(0, |(seq, _)| *seq) + 1);
        let commit = Commit {
            now: row.now,
            business_date: row.business_date,
            policy_version: row.policy_version,
            void: row.void != 0,
        };
        follow(&mut judge, &subject, if one_by_one { before } else { own.map(|(_, commit)| *commit) }, commit);
        last.insert(row.writer, (row.seq, commit));
        if !commits.policies.contains_key(&row.policy_version) {
            judge.differs(format_args!("{subject}: policy version {} is not there", row.policy_version));
        }
        before = Some(commit);
        let number = u32::try_from(commits.list.len()).expect("commits are counted in 32 bits");
        commits.by_position.insert((row.writer, row.seq), number);
        commits.list.push(commit);
    })?;
    report.add(judge);
    check_policy_instants(records, &commits, report)?;
    check_business_day(records, &commits, report)?;
    Ok(commits)
}

/// A commit comes after the one before it.
fn follow(judge: &mut Judge, subject: &str, before: Option<Commit>, commit: Commit) {
    let Some(before) = before else {
        return;
    };
    let rising = [
        ("now", before.now, commit.now),
        ("business date", before.business_date, commit.business_date),
        ("policy version", i64::from(before.policy_version), i64::from(commit.policy_version)),
    ];
    for (what, earlier, later) in rising {
        if later < earlier {
            judge.differs(format_args!("{subject}: {what} is {later}, and was {earlier} before"));
        }
    }
}

fn check_policies(records: &Records, report: &mut Report) -> Result<BTreeMap<u32, Policy>, StoreError> {
    let mut judge = Judge::of("policies");
    let mut versions = Vec::new();
    records.policy_versions(|row| versions.push(row))?;
    let mut policies = BTreeMap::new();
    let mut before = None;
    for (expected, row) in (1..).zip(&versions) {
        judge.examine();
        let subject = Named("policy version", row.version);
        judge.same(&subject, "its place", row.version, expected);
        if row.at.is_some() != (row.version > 1) || row.at < before {
            judge.differs(format_args!("{subject}: the instant at which it came is not after the one before"));
        }
        before = row.at;
        match records.policy(row.version) {
            Ok(policy) => {
                policies.insert(row.version, policy);
            }
            Err(error) => judge.differs(format_args!("{subject}: {error}")),
        }
    }
    report.add(judge);
    Ok(policies)
}

/// A version came into force with a commit that was still decided under an earlier one.
fn check_policy_instants(records: &Records, commits: &Commits, report: &mut Report) -> Result<(), StoreError> {
    let mut judge = Judge::of("policy_instants");
    records.policy_versions(|row| {
        judge.examine();
        let came = |commit: &Commit| Some(commit.now) == row.at && commit.policy_version < row.version;
        if row.version > 1 && !commits.list.iter().any(came) {
            judge.differs(format_args!("policy version {}: no commit of its instant brought it", row.version));
        }
    })?;
    report.add(judge);
    Ok(())
}

fn check_business_day(records: &Records, commits: &Commits, report: &mut Report) -> Result<(), StoreError> {
    let mut judge = Judge::of("business_day");
    let mut days = Vec::new();
    records.business_day(|day| days.push(day))?;
    let last = commits.list.iter().map(|commit| (commit.business_date, commit.now)).max();
    if last.is_some() != (days.len() == 1) {
        judge.differs(format_args!("{} business days are stored; commits have one", days.len()));
    }
    for (day, (date, now)) in days.iter().zip(last) {
        judge.examine();
        judge.same(&"business day", "date", day.date, date);
        if day.next_cutover <= now || day.next_cutover > now.saturating_add(LONGEST_DAY_US) {
            let next = day.next_cutover;
            judge.differs(format_args!("business day: the next cut-over {next} is not within a day after {now}"));
        }
    }
    report.add(judge);
    Ok(())
}
