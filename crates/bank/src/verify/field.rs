//! What lies out in the field: terminals' journals, and the notes in their machines, against what the bank has.
//!
//! A journal is folded as its terminal folds it, and held against the head that the host knows and the requests that the
//! host answered. The notes in a machine must be the ledger's cash, less and more what the journal tells of notes that moved
//! and whose posting still waits; what is open or in doubt widens that by its amount, and no further. Reading files is
//! not done here, nor is anything believed of whose machine they are.

use std::collections::{HashMap, HashSet};

use cashpoint_core::currency::Currency;
use cashpoint_core::id::{MachineId, TransferId};
use cashpoint_core::ledger::LedgerAccount;
use cashpoint_core::machine::MachineKind;
use cashpoint_core::mix::Cassette;
use cashpoint_core::terminal::book::{Book, DepositStep, Open};
use cashpoint_core::terminal::link::{Advice, AdviceKind, Movement, OfflineOutcome, OperationId};
use cashpoint_core::terminal::record::{Entry, Record};
use cashpoint_wire::journal::Head;

use super::chart::{Chart, Machine};
use super::report::{Judge, Named, Report};
use crate::link::original_key;
use crate::store::StoreError;
use crate::store::records::{CaseRecord, Id, Records, TerminalRecord};

/// Everything that was found in the field.
#[derive(Clone, Debug, Default)]
pub struct Field {
    /// Journals, and what lies in the machines of their terminals.
    pub terminals: Vec<Found>,
}

/// What was found of one terminal.
#[derive(Clone, Debug)]
pub struct Found {
    /// Whose it is.
    pub terminal: MachineId,
    /// Its journal; or what is wrong with its chain, in words.
    pub journal: Result<Chain, String>,
    /// What lies in its machine, if that was looked at.
    pub notes: Option<FoundNotes>,
}

/// A journal whose chain holds.
#[derive(Clone, Debug)]
pub struct Chain {
    /// What its first entry follows.
    pub base: Head,
    /// Its entries, and the head that each makes.
    pub entries: Vec<(Entry, Head)>,
}

/// The notes in a machine, wherever they are; those that are still, or again, a customer's are not among them. Values in
/// minor units.
#[derive(Clone, Debug, Default)]
pub struct FoundNotes {
    /// By cassette: what a note is worth, and how many there are.
    pub cassettes: Vec<(i64, u32)>,
    /// In the reject bin.
    pub rejected: i64,
    /// In the retract bin.
    pub retracted: i64,
    /// In the deposit bin.
    pub deposited: i64,
    /// Between cassettes, stacker, exit and bins.
    pub on_the_way: i64,
    /// Whether each note that ever came in lies in exactly one place.
    pub each_once: bool,
}

impl FoundNotes {
    fn value(&self) -> i128 {
        let cassettes = self.cassettes.iter().map(|(worth, count)| i128::from(*worth) * i128::from(*count));
        let bins = [self.rejected, self.retracted, self.deposited, self.on_the_way].map(i128::from);
        cassettes.chain(bins).sum()
    }
}

/// Matters in which nobody could tell where notes went.
const SUSPECT: [&str; 3] = ["suspect", "offline_suspect", "withdrawal_unclear"];

/// Whether the host's mirror knows in which cassette or bin each note lies.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Places {
    Mirrored,
    /// Only how much there is in all.
    Unknown,
}

/// By how much the notes in a machine may differ from the ledger's cash.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
struct Leeway {
    least: i128,
    most: i128,
}

impl Leeway {
    fn surely(&mut self, amount: i128) {
        self.least += amount;
        self.most += amount;
    }

    fn perhaps_out(&mut self, amount: i64) {
        self.least -= i128::from(amount);
    }

    /// Zero: nobody knows how much.
    fn perhaps_in(&mut self, amount: i64) {
        self.most = self.most.saturating_add(if amount == 0 { i128::MAX / 4 } else { i128::from(amount) });
    }

    fn anything(&mut self) {
        (self.least, self.most) = (i128::MIN / 4, i128::MAX / 4);
    }
}

/// Checks all of it. Without anything found, nothing.
pub(super) fn check(records: &Records, chart: &Chart, field: &Field, report: &mut Report) -> Result<(), StoreError> {
    note_limits(chart, field, report);
    if field.terminals.is_empty() {
        return Ok(());
    }
    let (mut heads, mut cases, mut answered) = (HashMap::new(), Vec::new(), HashSet::new());
    records.terminals(|row| _ = heads.insert(row.machine, row))?;
    let mut resolved = HashSet::new();
    records.cases(|case| match case.resolved {
        // What a closed account is owed says nothing about notes.
        None if case.matter == "return_unclaimed" => {}
        None => cases.push(case),
        Some(_) => {
            resolved.extend(SUSPECT.contains(&case.matter.as_str()).then_some(case.machine));
        }
    })?;
    records.requests(|row| _ = answered.insert(row.key))?;
    let (mut journals, mut notes) = (Judge::of("journals"), Judge::of("machine_notes"));
    for found in &field.terminals {
        journals.examine();
        let subject = Named("terminal", found.terminal);
        let machine = chart.machines.values().find(|machine| machine.id == Some(found.terminal));
        let Some((machine, row)) = machine.and_then(|machine| Some((machine, heads.get(&machine.row.number)?))) else {
            journals.differs(format_args!("{subject}: the bank has enrolled no such terminal"));
            continue;
        };
        let checked = Terminal { found, chart, machine, row, answered: &answered };
        let book = checked.journal(&mut journals);
        if let Some(lies) = &found.notes {
            notes.examine();
            let cases = cases.iter().filter(|case| case.machine == machine.row.number).collect();
            // Whoever resolved a suspect said what was paid, not where the rest lies: that takes a count.
            let places = if resolved.contains(&machine.row.number) { Places::Unknown } else { Places::Mirrored };
            checked.notes(lies, &Unsettled { book, cases, places }, &mut notes);
        }
    }
    report.add(journals);
    report.add(notes);
    Ok(())
}

fn note_limits(chart: &Chart, field: &Field, report: &mut Report) {
    let looked_at = |machine: &Machine| {
        field.terminals.iter().any(|found| Some(found.terminal) == machine.id && found.notes.is_some())
    };
    let mut by_mirror = chart.machines.values().filter(|machine| machine.kind != Some(MachineKind::Counter));
    if field.terminals.is_empty() {
        report
            .limits
            .push("machines were checked against the host's mirror of their cassettes and bins only".to_owned());
    } else if by_mirror.any(|machine| !looked_at(machine)) {
        let text = "machines whose devices were not given were checked against the host's mirror of their cassettes and \
                    bins only";
        report.limits.push(text.to_owned());
    }
}

struct Terminal<'a> {
    found: &'a Found,
    chart: &'a Chart,
    machine: &'a Machine,
    row: &'a TerminalRecord,
    answered: &'a HashSet<Id>,
}

/// What is not settled at a machine: by its journal, if that can be read, and by the bank's open cases.
struct Unsettled<'a> {
    book: Option<Book>,
    cases: Vec<&'a CaseRecord>,
    places: Places,
}

impl Terminal<'_> {
    fn subject(&self) -> Named<MachineId> {
        Named("terminal", self.found.terminal)
    }

    /// The journal's book, if it has one.
    fn journal(&self, judge: &mut Judge) -> Option<Book> {
        let subject = self.subject();
        let chain = match &self.found.journal {
            Ok(chain) => chain,
            Err(wrong) => {
                judge.differs(format_args!("{subject}: its journal is not what was written: {wrong}"));
                return None;
            }
        };
        self.head(chain, judge);
        let mut book = Book::default();
        for (entry, _) in &chain.entries {
            if book.apply(entry).is_err() {
                judge.differs(format_args!("{subject}: entry {} cannot follow what is before it", entry.n));
                return None;
            }
        }
        self.told(chain, judge);
        Some(book)
    }

    /// The chain goes on from what the host knows of it.
    fn head(&self, chain: &Chain, judge: &mut Judge) {
        let subject = self.subject();
        let Some((n, mac)) = self.row.head.zip(self.row.head_mac.as_deref()) else { return };
        let n = n.unsigned_abs();
        let last = chain.entries.last().map_or(chain.base.n, |(_, head)| head.n);
        if last < n {
            judge.differs(format_args!("{subject}: its journal ends at entry {last}; the host knows entry {n}"));
            return;
        }
        let heads = std::iter::once(&chain.base).chain(chain.entries.iter().map(|(_, head)| head));
        if heads.into_iter().any(|head| head.n == n && head.mac != mac) {
            judge.differs(format_args!("{subject}: entry {n} of its journal is not the one that the host knows"));
        }
    }

    /// What the journal says that the host took or approved, the host has answered.
    fn told(&self, chain: &Chain, judge: &mut Judge) {
        let subject = self.subject();
        let moves: HashMap<OperationId, &Advice> =
            chain.entries.iter().filter_map(|(entry, _)| advice(entry)).map(|advice| (advice.id, advice)).collect();
        for (entry, _) in &chain.entries {
            let taken = matches!(&entry.record, Record::Acknowledged { id }
                if moves.get(id).is_some_and(|advice| moves_money(&advice.kind)));
            let (Record::Acknowledged { id } | Record::Approved { id, .. }) = &entry.record else { continue };
            let what = match (taken, matches!(entry.record, Record::Approved { .. })) {
                (true, _) => "has taken",
                (false, true) => "has approved",
                (false, false) => continue,
            };
            judge.examine();
            if !self.answered.contains(&request(self.found.terminal, *id)) {
                judge.differs(format_args!(
                    "{subject}: entry {} says that the host {what} something; the host knows nothing of it",
                    entry.n
                ));
            }
        }
    }

    fn notes(&self, lies: &FoundNotes, unsettled: &Unsettled<'_>, judge: &mut Judge) {
        let subject = Named("machine", self.found.terminal);
        if !lies.each_once {
            judge.differs(format_args!("{subject}: a note lies nowhere, or in two places"));
        }
        let row = &self.machine.row;
        let currency = row.currency.as_deref().and_then(Currency::from_code);
        let cash = currency.and_then(|currency| self.chart.at(LedgerAccount::AtmCash(self.found.terminal, currency)));
        let (Some(cash), Some(mirror)) = (cash, row.cassettes()) else {
            judge.differs(format_args!("{subject}: the ledger has no cash of it"));
            return;
        };
        let leeway = leeway(unsettled, &mirror);
        let (ledger, lie) = (cash.debits - cash.credits, lies.value());
        let (least, most) = (ledger.saturating_add(leeway.least), ledger.saturating_add(leeway.most));
        if !(least..=most).contains(&lie) {
            let expected = if least == most { least.to_string() } else { format!("{least} to {most}") };
            judge.differs(format_args!("{subject}: notes worth {lie} lie in it, expected {expected}"));
        }
        if leeway != Leeway::default() || !unsettled.cases.is_empty() || unsettled.places == Places::Unknown {
            return;
        }
        for (at, (lies, mirrored)) in lies.cassettes.iter().zip(&mirror).enumerate() {
            let what = format!("what lies in cassette {at}");
            judge.same(&subject, &what, lies.1, mirrored.count);
            judge.same(&subject, "the value of its notes", lies.0, mirrored.denomination);
        }
        judge.same(&subject, "the number of its cassettes", lies.cassettes.len(), mirror.len());
        for (what, lies, mirrored) in [
            ("what lies in its deposit bin", lies.deposited, row.deposit_bin),
            ("what lies in its reject bin", lies.rejected, row.reject_bin),
            ("what lies in its retract bin", lies.retracted, row.retract_bin),
        ] {
            judge.same_or_none(&subject, what, Some(lies), mirrored);
        }
    }
}

fn request(terminal: MachineId, id: OperationId) -> Id {
    Id::from(TransferId::new(u128::from_be_bytes(original_key(terminal, id))))
}

fn advice(entry: &Entry) -> Option<&Advice> {
    let Record::Advice(advice) = &entry.record else { return None };
    Some(advice)
}

const fn moves_money(kind: &AdviceKind) -> bool {
    match kind {
        AdviceKind::Completed { .. }
        | AdviceKind::Reversed { .. }
        | AdviceKind::Suspect { .. }
        | AdviceKind::Deposited { .. }
        | AdviceKind::DepositUnclear { .. }
        | AdviceKind::OfflineWithdrawn { .. }
        | AdviceKind::StoredTransfer { .. }
        | AdviceKind::Replenished { .. } => true,
        AdviceKind::OfflineTries { .. } | AdviceKind::CardRetained { .. } => false,
    }
}

/// What waits for its posting, what is open and what is in doubt.
fn leeway(unsettled: &Unsettled<'_>, mirror: &[Cassette]) -> Leeway {
    let mut leeway = Leeway::default();
    for case in &unsettled.cases {
        match case.matter.as_str() {
            "deposit_unclear" => leeway.perhaps_in(case.amount),
            // What counts found missing is no longer among the ledger's cash.
            matter if SUSPECT.contains(&matter) => leeway.perhaps_out(case.amount - case.short),
            _ => {}
        }
    }
    let Some(book) = &unsettled.book else { return leeway };
    for waiting in book.advices() {
        match &waiting.kind {
            AdviceKind::Completed { moved, .. } | AdviceKind::Reversed { moved, .. } => {
                leeway.surely(-paid(moved, mirror));
            }
            AdviceKind::OfflineWithdrawn { outcome: OfflineOutcome::Paid(moved), .. } => {
                leeway.surely(-paid(moved, mirror));
            }
            AdviceKind::OfflineWithdrawn { outcome: OfflineOutcome::Suspect, amount, .. } => {
                leeway.perhaps_out(amount.minor());
            }
            // What its counters say left the cassettes is the most that can be gone.
            AdviceKind::Suspect { evidence, .. } => match &evidence.counters {
                Some(out) => leeway.least -= worth(out, mirror),
                None => leeway.least = i128::MIN / 4,
            },
            AdviceKind::Deposited { amount, .. } => leeway.surely(i128::from(amount.minor())),
            AdviceKind::DepositUnclear { amount, .. } => leeway.perhaps_in(amount.minor()),
            // Whatever staff put in: it posts when the host has been told.
            AdviceKind::Replenished { .. } => leeway.anything(),
            AdviceKind::StoredTransfer { .. } | AdviceKind::OfflineTries { .. } | AdviceKind::CardRetained { .. } => {}
        }
    }
    if book.replenishing().is_some() {
        leeway.anything();
    }
    match book.open() {
        Some(Open::Withdrawal(open)) if open.step.dispensing().is_some() => {
            leeway.perhaps_out(open.intent.amount.minor());
        }
        Some(Open::Deposit(open)) if open.step == DepositStep::Storing => leeway.perhaps_in(open.amount.minor()),
        Some(Open::Withdrawal(_) | Open::Deposit(_)) | None => {}
    }
    leeway
}

fn worth(notes: &[u32], mirror: &[Cassette]) -> i128 {
    notes.iter().zip(mirror).map(|(count, cassette)| i128::from(cassette.denomination) * i128::from(*count)).sum()
}

/// What left the machine.
fn paid(moved: &Movement, mirror: &[Cassette]) -> i128 {
    worth(&moved.dispensed, mirror) - i128::from(moved.rejected) - i128::from(moved.retracted)
}
