//! Customers' events: their chains, and that nothing moved on an account without its owner's events knowing.

use std::collections::{HashMap, HashSet};

use cashpoint_core::event::{AuditKind, EventKind};
use cashpoint_core::ledger::TransferKind;

use super::chart::Chart;
use super::commits::{Belongs, Commits};
use super::notifications::Letters;
use super::people::People;
use super::report::{Judge, Named, Report};
use super::transfers::{Ledger, Moved};
use super::withdrawals::Withdrawals;
use crate::store::StoreError;
use crate::store::records::{EventRecord, Records};

/// What accounts' and cards' events say; compared with the rows at the end.
#[derive(Default)]
struct Seen {
    /// By customer: number and id of the last event.
    chains: HashMap<i64, (i64, i64)>,
    /// By number of a transfer: what its events were about.
    told: HashMap<u32, Told>,
    opened: HashMap<i64, i64>,
    closed: HashMap<i64, i64>,
    /// Cards that were reported or withdrawn.
    spent: HashMap<i64, EventKind>,
    issued: HashSet<i64>,
}

/// How often each side of a transfer was told of.
#[derive(Clone, Copy, Default)]
struct Told {
    debited: u8,
    credited: u8,
    suspect: u8,
}

/// The events that a transfer must have: its debited side's, its credited side's.
const fn expected(kind: TransferKind) -> (Option<EventKind>, Option<EventKind>) {
    match kind {
        TransferKind::Opening | TransferKind::Deposit | TransferKind::DepositReleased => {
            (None, Some(EventKind::Deposit))
        }
        TransferKind::Withdrawal
        | TransferKind::WithdrawalApproved
        | TransferKind::OfflineWithdrawal
        | TransferKind::OfflineSuspect => (Some(EventKind::Withdrawal), None),
        TransferKind::Reversal | TransferKind::SuspectNotPaid | TransferKind::FeeReturn => {
            (None, Some(EventKind::Reversal))
        }
        TransferKind::OverdraftFee => (Some(EventKind::Fee), None),
        TransferKind::Transfer => (Some(EventKind::TransferOut), Some(EventKind::TransferIn)),
        TransferKind::WithdrawalCompleted
        | TransferKind::SuspectPaid
        | TransferKind::Replenishment
        | TransferKind::Removal
        | TransferKind::Shortage
        | TransferKind::Surplus
        | TransferKind::ShortageHeld
        | TransferKind::ShortageResolved
        | TransferKind::DepositHeld
        | TransferKind::DepositPaidOut
        | TransferKind::DepositRefuted
        | TransferKind::WithdrawalOwed
        | TransferKind::WithdrawalRefuted
        | TransferKind::ReturnPaidOut
        | TransferKind::ReturnRefuted => (None, None),
    }
}

/// Everything that events refer to.
pub(super) struct Sources<'a> {
    pub(super) records: &'a Records,
    pub(super) chart: &'a Chart,
    pub(super) ledger: &'a Ledger,
    pub(super) people: &'a People,
    pub(super) withdrawals: &'a Withdrawals,
}

/// Checks events, the books of notifications and the audit trail.
pub(super) fn check(sources: &Sources<'_>, commits: &mut Commits, report: &mut Report) -> Result<(), StoreError> {
    let mut judge = Judge::of("events");
    let mut kinds = HashMap::new();
    sources.records.event_kinds(|row| match EventKind::parse(&row.name) {
        Ok(kind) if kinds.insert(row.code, kind).is_none() => {}
        Ok(_) | Err(_) => judge.differs(format_args!("kind {}: {} is no kind of event", row.code, row.name)),
    })?;
    let mut seen = Seen::default();
    let mut letters = Letters::read(sources.records)?;
    sources.records.events(|row| {
        judge.examine();
        let subject = Named("event", row.id);
        let belongs = Belongs { writer: row.writer, seq: row.seq, idx: row.idx, at: Some(row.at) };
        let commit = commits.place(&belongs, &mut judge, &subject).map(|(number, _)| number);
        seen.follow(&row, &mut judge);
        letters.pass(&row);
        match kinds.get(&row.kind) {
            Some(kind) => sources.event(&row, *kind, commit, (&mut seen, &mut judge)),
            None => judge.differs(format_args!("{subject}: {} is no kind", row.kind)),
        }
    })?;
    sources.check_heads(&seen, &mut judge);
    sources.check_told(&seen, &mut judge);
    sources.check_states(&seen, &mut judge);
    report.add(judge);
    letters.finish(sources.records, sources.people, report)?;
    check_audit(sources.records, commits, report)
}

impl Seen {
    /// What the event says of an account or a card.
    fn note(&mut self, row: &EventRecord, kind: EventKind) {
        if let Some(account) = row.account {
            if kind == EventKind::AccountOpened {
                self.opened.insert(account, row.at);
            }
            if kind == EventKind::AccountClosed {
                self.closed.insert(account, row.at);
            }
        }
        if let Some(card) = row.card {
            if kind == EventKind::CardIssued {
                self.issued.insert(card);
            }
            if kind == EventKind::CardReported || kind == EventKind::CardRemoved {
                self.spent.insert(card, kind);
            }
        }
    }

    /// The customer's chain goes on.
    fn follow(&mut self, row: &EventRecord, judge: &mut Judge) {
        let before = self.chains.insert(row.customer, (row.number, row.id));
        let subject = Named("event", row.id);
        judge.same(&subject, "its number", row.number, before.map_or(1, |(number, _)| number.saturating_add(1)));
        judge.same_or_none(&subject, "the customer's event before", row.previous, before.map(|(_, id)| id));
    }
}

impl Sources<'_> {
    fn event(&self, row: &EventRecord, kind: EventKind, commit: Option<u32>, (seen, judge): (&mut Seen, &mut Judge)) {
        let subject = Named("event", row.id);
        if let Some(account) = row.account {
            judge.same_or_none(&subject, "the owner of its account", self.chart.owner(account), Some(row.customer));
            let currency = self.chart.currency(account).map(cashpoint_core::currency::Currency::code);
            let own = row.amount.is_some().then_some(currency).flatten();
            judge.same_or_none(&subject, "currency", row.currency.as_deref(), own);
        }
        if self.people.events(row.customer).is_none() {
            judge.differs(format_args!("{subject}: its customer is not there"));
        }
        if row.card.is_some_and(|card| self.people.holder(card) != Some(row.customer)) {
            judge.differs(format_args!("{subject}: its card is not the customer's"));
        }
        if row.machine.is_some_and(|machine| !self.chart.machines.contains_key(&machine)) {
            judge.differs(format_args!("{subject}: its machine is not there"));
        }
        if (kind == EventKind::Refused) != row.code.is_some() {
            judge.differs(format_args!("{subject}: a code is for refusals, and each has one"));
        }
        self.of_transfer(row, kind, commit, (seen, judge));
        seen.note(row, kind);
    }

    /// An event of a transfer repeats it.
    fn of_transfer(
        &self,
        row: &EventRecord,
        kind: EventKind,
        commit: Option<u32>,
        (seen, judge): (&mut Seen, &mut Judge),
    ) {
        let subject = Named("event", row.id);
        let must = matches!(
            kind,
            EventKind::Withdrawal
                | EventKind::Deposit
                | EventKind::TransferIn
                | EventKind::TransferOut
                | EventKind::Fee
                | EventKind::Reversal
                | EventKind::Suspect
        );
        if must != row.transfer.is_some() {
            judge.differs(format_args!("{subject}: a {} with or without a transfer", kind.name()));
        }
        let Some(id) = row.transfer else {
            return;
        };
        let Some((number, moved)) = self.ledger.number(id).map(|number| (number, self.ledger.at(number))) else {
            judge.differs(format_args!("{subject}: its transfer {id} is not there"));
            return;
        };
        judge.same_or_none(&subject, "amount", row.amount, Some(moved.amount));
        judge.same_or_none(&subject, "machine", row.machine, moved.machine);
        let told = seen.told.entry(number).or_default();
        let (debited, credited) = moved.kind.map_or((None, None), expected);
        if kind == EventKind::Suspect {
            told.suspect = told.suspect.saturating_add(1);
            judge.same_or_none(&subject, "account", row.account, Some(moved.debit));
            return;
        }
        judge.same(
            &subject,
            "its commit",
            super::report::Shown(commit).to_string(),
            super::report::Shown(moved.commit).to_string(),
        );
        let (own, card) = if debited == Some(kind) {
            told.debited = told.debited.saturating_add(1);
            (moved.debit, moved.card)
        } else if credited == Some(kind) {
            told.credited = told.credited.saturating_add(1);
            (moved.credit, moved.card.filter(|_| kind != EventKind::TransferIn))
        } else {
            let of = moved.kind.map_or("transfer of no kind", TransferKind::name);
            judge.differs(format_args!("{subject}: a {} about a {of}", kind.name()));
            return;
        };
        judge.same_or_none(&subject, "account", row.account, Some(own));
        judge.same_or_none(&subject, "card", row.card, card);
    }

    /// Customers' rows name the last event and how many there are.
    fn check_heads(&self, seen: &Seen, judge: &mut Judge) {
        for (id, customer) in self.people.customers() {
            let last = seen.chains.get(&id);
            let subject = Named("customer", id);
            judge.same_or_none(
                &subject,
                "the number of events",
                customer.events,
                Some(last.map_or(0, |(number, _)| *number)),
            );
            judge.same_or_none(&subject, "the last event", customer.last_event, last.map(|(_, id)| *id));
        }
    }

    /// Each side of a transfer that is a customer's has its event, once.
    fn check_told(&self, seen: &Seen, judge: &mut Judge) {
        for (number, moved) in self.ledger.numbered() {
            let told = seen.told.get(&number).copied().unwrap_or_default();
            let (debited, credited) = moved.kind.map_or((None, None), expected);
            let due = |event: Option<EventKind>, account: i64| u8::from(event.is_some() && account > 0);
            let suspect = u8::from(self.withdrawals.cases.contains_key(&number));
            let sides = [
                ("debited", told.debited, due(debited, moved.debit)),
                ("credited", told.credited, due(credited, moved.credit)),
                ("suspicious", told.suspect, suspect),
            ];
            for (side, found, due) in sides {
                if found != due {
                    judge.differs(format_args!(
                        "transfer {}: {found} events tell that it {side}, expected {due}",
                        of(moved)
                    ));
                }
            }
        }
    }

    /// Accounts and cards came and went when their events say.
    fn check_states(&self, seen: &Seen, judge: &mut Judge) {
        for account in self.chart.accounts.values().filter(|account| account.row.customer.is_some()) {
            let subject = Named("account", account.row.id);
            let (opened, closed) = (seen.opened.get(&account.row.id), seen.closed.get(&account.row.id));
            judge.same_or_none(&subject, "the instant of opening", account.row.opened, opened.copied());
            judge.same_or_none(&subject, "the instant of closing", account.row.closed, closed.copied());
        }
        for (card, state) in self.people.card_states() {
            let fits = match seen.spent.get(&card) {
                None => state == "active",
                Some(EventKind::CardRemoved) => state == "removed",
                Some(_) => state == "lost" || state == "stolen",
            };
            if !fits || !seen.issued.contains(&card) {
                judge.differs(format_args!("card {card}: it is {state}, and its events say otherwise"));
            }
        }
    }
}

fn of(moved: &Moved) -> String {
    format!("{} from {} to {}", moved.id, moved.debit, moved.credit)
}

/// The audit trail belongs to commits.
fn check_audit(records: &Records, commits: &mut Commits, report: &mut Report) -> Result<(), StoreError> {
    let mut judge = Judge::of("audit");
    records.audit(|row| {
        judge.examine();
        let subject = format!("audit record {}/{}/{}", row.writer, row.seq, row.idx);
        let belongs = Belongs { writer: row.writer, seq: row.seq, idx: row.idx, at: Some(row.at) };
        commits.place(&belongs, &mut judge, &subject);
        if AuditKind::parse(&row.kind).is_err() {
            judge.differs(format_args!("{subject}: {} is nothing that the trail remembers", row.kind));
        }
    })?;
    report.add(judge);
    Ok(())
}
