//! The rules: one function for each invariant, named after its number; none at all: not checked.
//!
//! What `verify` finds by recomputing the bank from its records is taken from it ([`invariants_1_to_5_and_9`]); everything
//! else is weighed against what people at the machines saw.

use std::collections::BTreeMap;

use cashpoint_bank::store::records::Records;
use cashpoint_bank::verify::verify;
use cashpoint_core::id::MachineId;
use cashpoint_core::terminal::Alarm;
use cashpoint_core::terminal::link::{LinkFailure, Reply, Request};

use super::Standing;
use super::money::{Account, Flow, Told, Visit};
use super::seen::{Seen, Sight};
use crate::person::Wish;

/// A rule's name, and what is against it.
type Broken = (&'static str, String);

/// What is checked whenever something is seen.
pub(super) fn at_every_sight(account: &Account, sight: &Sight) -> Result<(), Broken> {
    let Some(id) = sight.machine else { return Ok(()) };
    if matches!(sight.what, Seen::Answered { .. }) {
        invariant_13_a_repeat_gets_the_first_answer(account)?;
    }
    if let Seen::Told(alarm) = &sight.what {
        invariant_27_a_journal_that_nobody_touched_is_believed(alarm)?;
    }
    if let Seen::Altered { request, reply } = &sight.what {
        invariant_12_one_id_has_one_content(request, reply)?;
    }
    let Some(visit) = account.machines.get(&id).and_then(|machine| machine.visit.as_ref()) else { return Ok(()) };
    match sight.what {
        Seen::Taken(_) => invariant_20_no_more_notes_than_were_asked_for(visit),
        Seen::Left => the_last_screen_is_true(visit),
        Seen::Opened { .. }
        | Seen::Ruled(_)
        | Seen::Loaded(_)
        | Seen::Fetched(_)
        | Seen::Stolen(_)
        | Seen::Ordered(_)
        | Seen::Replenished { .. }
        | Seen::Unblocked(_)
        | Seen::Resolved { .. }
        | Seen::Closed(_)
        | Seen::Altered { .. }
        | Seen::Power(_)
        | Seen::Entered { .. }
        | Seen::TurnedAway
        | Seen::PutIn(_)
        | Seen::GivenBack(_)
        | Seen::Shown(_)
        | Seen::CardIn
        | Seen::CardOut
        | Seen::CardKept
        | Seen::Told(_)
        | Seen::Answered { .. }
        | Seen::Repeated { .. }
        | Seen::Reported { .. }
        | Seen::Staff(_)
        | Seen::Counted(..)
        | Seen::Died
        | Seen::Began
        | Seen::Line(_)
        | Seen::Armed(_)
        | Seen::JournalFails(_)
        | Seen::ClockSet(_)
        | Seen::Healed => Ok(()),
    }
}

/// What is checked when faults have stopped and everything was given time.
pub(super) fn once_settled(account: &Account, records: &Records, standing: &[Standing]) -> Result<(), Broken> {
    invariant_33_queues_drain(standing)?;
    invariants_1_to_5_and_9(records)?;
    let ledger = Ledger::read(records);
    invariant_2_the_ledger_sums_to_nothing(&ledger)?;
    for machine in account.machines.keys() {
        invariant_10_in_flight_is_what_is_unresolved(&ledger, *machine)?;
        invariant_19_cash_in_the_books_is_cash_in_the_machine(account, &ledger, *machine)?;
    }
    invariants_16_and_17_customers_paid_for_what_they_have(account, &ledger)
}

/// Balances and open cases, as the records have them.
struct Ledger {
    /// By account, credits minus debits.
    balances: BTreeMap<String, i64>,
    cases: Vec<Case>,
}

/// An open case.
struct Case {
    matter: Matter,
    machine: String,
    account: String,
    amount: i64,
}

/// What an open case means for the account and the machine that it names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Matter {
    /// Debited, and the machine's cash still in the books: in flight.
    InFlight,
    /// Cash that may be out, and nothing posted.
    CashUnposted,
    /// Cash that is out of the machine's books, and no account charged.
    CashUncharged,
    /// Notes that may be in, and nothing posted.
    NotesUnposted,
    /// Notes in the machine's books, and no account credited.
    NotesUncredited,
}

impl Ledger {
    fn read(records: &Records) -> Self {
        let readable = "the records of a bank that was verified can be read";
        let (mut balances, mut machines, mut cases) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
        records.accounts(|row| balances.extend([(row.code, row.credits - row.debits)])).expect(readable);
        records.machines(|row| machines.extend([(row.number, row.id)])).expect(readable);
        records
            .cases(|row| {
                let matter = match row.matter.as_str() {
                    "suspect" | "offline_suspect" => Matter::InFlight,
                    "withdrawal_unclear" => Matter::CashUnposted,
                    "withdrawal_unclaimed" => Matter::CashUncharged,
                    "deposit_unclear" => Matter::NotesUnposted,
                    "over_ceiling" | "deposit_unclaimed" => Matter::NotesUncredited,
                    other => unreachable!("there are no cases about {other}"),
                };
                let machine = machines.get(&row.machine).cloned().unwrap_or_default();
                let case = Case { matter, machine, account: row.account, amount: row.amount };
                cases.extend(row.resolved.is_none().then_some(case));
            })
            .expect(readable);
        Self { balances, cases }
    }

    fn balance(&self, code: &str) -> i64 {
        self.balances.get(code).copied().unwrap_or(0)
    }

    /// What open cases of some matters are about.
    fn open(&self, matters: &[Matter], of: impl Fn(&Case) -> bool) -> i64 {
        let cases = self.cases.iter().filter(|case| matters.contains(&case.matter) && of(case));
        cases.map(|case| case.amount).sum()
    }
}

/// Debits are credits; balances are the fold of transfers; nothing is missing, changed or out of order; and what is kept
/// beside the records is what follows from them.
fn invariants_1_to_5_and_9(records: &Records) -> Result<(), Broken> {
    let report = verify(records, None).map_err(|error| ("invariants_1_to_5_and_9", error.to_string()))?;
    if report.is_clean() { Ok(()) } else { Err(("invariants_1_to_5_and_9", format!("{:?}", report.differences))) }
}

/// Whatever goes in or out goes through an account with a name, so that all of them together have nothing.
fn invariant_2_the_ledger_sums_to_nothing(ledger: &Ledger) -> Result<(), Broken> {
    let sum: i64 = ledger.balances.values().sum();
    broken("invariant_2_the_ledger_sums_to_nothing", (sum != 0).then(|| format!("it sums to {sum}")))
}

/// Once everything is told, only open questions are in flight.
fn invariant_10_in_flight_is_what_is_unresolved(ledger: &Ledger, machine: MachineId) -> Result<(), Broken> {
    let in_flight = ledger.balance(&format!("atm:{machine}:in_flight:USD"));
    let open = ledger.open(&[Matter::InFlight], |case| case.machine == machine.as_str());
    let rule = "invariant_10_in_flight_is_what_is_unresolved";
    broken(rule, (in_flight != open).then(|| format!("{machine}: {in_flight} in flight, {open} in cases")))
}

/// What bears a used id and says something else is refused.
fn invariant_12_one_id_has_one_content(request: &Request, reply: &Result<Reply, LinkFailure>) -> Result<(), Broken> {
    let taken = match reply {
        Ok(Reply::Refused(_)) | Err(_) => false,
        Ok(_) => true,
    };
    let rule = "invariant_12_one_id_has_one_content";
    broken(rule, taken.then(|| format!("{}: {reply:?}", request.name())))
}

/// A repeated request gets the first answer.
fn invariant_13_a_repeat_gets_the_first_answer(account: &Account) -> Result<(), Broken> {
    let rule = "invariant_13_a_repeat_gets_the_first_answer";
    account.other_answer.as_ref().map_or(Ok(()), |what| Err((rule, what.clone())))
}

/// Who has notes was charged for them, or a case is open; and nobody is credited for notes that they did not bring.
fn invariants_16_and_17_customers_paid_for_what_they_have(account: &Account, ledger: &Ledger) -> Result<(), Broken> {
    let rule = "invariants_16_and_17_customers_paid_for_what_they_have";
    for (holder, customer) in &account.holders {
        let codes: Vec<String> = customer.accounts.iter().map(|account| account.number().to_string()).collect();
        let now: i64 = codes.iter().map(|code| ledger.balance(code)).sum();
        let of = |case: &Case| codes.contains(&case.account);
        let Flow { taken, kept, unclaimed } = customer.flow;
        let (change, fair) = (now - customer.opening, kept - taken + customer.aside);
        let open = ledger.open(&[Matter::InFlight, Matter::NotesUnposted, Matter::NotesUncredited], of);
        let less = open + unclaimed + customer.fees;
        let more = ledger.open(&[Matter::CashUnposted, Matter::CashUncharged], of);
        let explained = (fair - less..=fair + more).contains(&change);
        broken(rule, (!explained).then(|| {
            format!(
                "customer {holder} has {change}, took {taken}, left {kept} (of these {unclaimed} unclaimed); cases explain {less} less, {more} more"
            )
        }))?;
    }
    Ok(())
}

/// What the books say of a machine's cash is what was laid in and not taken out, but for what open questions are about.
fn invariant_19_cash_in_the_books_is_cash_in_the_machine(
    account: &Account,
    ledger: &Ledger,
    machine: MachineId,
) -> Result<(), Broken> {
    let rule = "invariant_19_cash_in_the_books_is_cash_in_the_machine";
    let seen = &account.machines[&machine];
    let of = |case: &Case| case.machine == machine.as_str();
    let books = -ledger.balance(&format!("atm:{machine}:cash:USD"));
    let there = seen.loaded - seen.fetched - seen.flow.taken + seen.flow.kept;
    let less = ledger.open(&[Matter::NotesUnposted], of) + seen.flow.unclaimed;
    let more = ledger.open(&[Matter::InFlight, Matter::CashUnposted], of) + seen.stolen;
    let explained = (there - less..=there + more).contains(&books);
    broken(
        rule,
        (!explained)
            .then(|| format!("{machine}: {books} in the books, {there} there; cases explain {less} less, {more} more")),
    )
}

/// One request for cash never pays twice, and never more than was asked for.
fn invariant_20_no_more_notes_than_were_asked_for(visit: &Visit) -> Result<(), Broken> {
    let asked = match &visit.wish {
        Wish::Cash(_, amount) => amount.minor(),
        Wish::Deposit(..) | Wish::Send(..) | Wish::Balance(_) | Wish::NewPin => 0,
    };
    let taken = visit.flow.taken;
    let rule = "invariant_20_no_more_notes_than_were_asked_for";
    broken(rule, (taken > asked).then(|| format!("asked for {asked}, took {taken}")))
}

/// In these runs nobody lays hands on a journal, so neither terminal nor host may find that somebody did.
fn invariant_27_a_journal_that_nobody_touched_is_believed(alarm: &Alarm) -> Result<(), Broken> {
    let doubted = matches!(alarm, Alarm::JournalTampered | Alarm::NotAccepted);
    broken("invariant_27_a_journal_that_nobody_touched_is_believed", doubted.then(|| format!("{alarm:?}")))
}

/// Once faults have stopped, every machine has told everything and ended what it began.
fn invariant_33_queues_drain(standing: &[Standing]) -> Result<(), Broken> {
    let Some(stuck) = standing.iter().find(|standing| standing.waiting > 0 || standing.open > 0) else { return Ok(()) };
    Err(("invariant_33_queues_drain", format!("{stuck:?}")))
}

/// What a customer was told last of their money is so.
fn the_last_screen_is_true(visit: &Visit) -> Result<(), Broken> {
    let Flow { taken, kept, .. } = visit.flow;
    let is_true = match visit.told {
        Some(Told::Paid(amount) | Told::Partly(amount)) => taken == amount,
        Some(Told::Deposited(amount)) => kept == amount && taken == 0,
        Some(Told::Nothing) => taken == 0,
        Some(Told::Checking) | None => true,
    };
    broken(
        "the_last_screen_is_true",
        (!is_true)
            .then(|| format!("told {:?}, took {taken}, left {kept}, having come with {:?}", visit.told, visit.cash)),
    )
}

fn broken(rule: &'static str, what: Option<String>) -> Result<(), Broken> {
    what.map_or(Ok(()), |what| Err((rule, what)))
}
