//! The rules: one function for each invariant, named after its number; none at all: not checked.
//!
//! What `verify` finds by recomputing the bank from its records is taken from it ([`invariants_1_to_5_and_9`]); everything
//! else is weighed against what people at the machines saw.

use std::collections::BTreeMap;

use cashpoint_bank::store::records::Records;
use cashpoint_bank::verify::verify;
use cashpoint_core::id::{AccountNumber, MachineId};
use cashpoint_core::terminal::Alarm;
use cashpoint_core::terminal::link::{LinkFailure, Reply, Request};
use cashpoint_devices::model::Place;

use super::ledger::Ledger;
use super::money::{Account, Flow, Told, Visit};
use super::rows::{CaseRow, CaseState, HoldingRow, Rows};
use super::seen::{Seen, Sight, value};
use super::{Broken, Remains, Standing, broken};
use crate::person::Wish;

/// What is checked whenever something is seen.
pub(super) fn at_every_sight(account: &Account, sight: &Sight) -> Result<(), Broken> {
    let Some(id) = sight.machine else { return Ok(()) };
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
        | Seen::Secret(_)
        | Seen::Fetched(_)
        | Seen::Fed(_)
        | Seen::Command(_)
        | Seen::PinComparable
        | Seen::Wrote(..)
        | Seen::Heard(_)
        | Seen::Posted(_)
        | Seen::Reopened(_)
        | Seen::Stolen(_)
        | Seen::Ordered(_)
        | Seen::Replenished { .. }
        | Seen::Unblocked(_)
        | Seen::Resolved { .. }
        | Seen::Closed(_)
        | Seen::Altered { .. }
        | Seen::Power(_)
        | Seen::Loaded(_)
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
        | Seen::Disk(_)
        | Seen::CommitFailed(_)
        | Seen::ClockSet(_)
        | Seen::Healed => Ok(()),
    }
}

/// What is checked when faults have stopped and everything was given time.
pub(super) fn once_settled(account: &Account, ledger: &Ledger, remains: &Remains<'_>) -> Result<(), Broken> {
    invariant_33_queues_drain(remains.standing)?;
    remains.records.map_or(Ok(()), invariants_1_to_5_and_9)?;
    let rows = remains.rows;
    invariant_2_the_ledger_sums_to_nothing(rows)?;
    invariant_34_nothing_is_unresolved_but_cases(rows)?;
    invariant_10_suspense_is_what_cases_are_about(rows)?;
    for machine in account.machines.keys() {
        invariant_10_in_flight_is_what_is_unresolved(rows, *machine)?;
        invariant_15_every_note_is_somewhere(account, *machine)?;
        invariant_19_cash_in_the_books_is_cash_in_the_machine(account, rows, *machine)?;
    }
    for holding in rows.holdings.iter().filter(|holding| account.machines.contains_key(&holding.machine)) {
        invariant_34_host_and_machines_agree(account, rows, holding)?;
    }
    invariants_16_and_17_customers_paid_for_what_they_have(account, ledger, rows)
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
    /// What went back, and no account that could take it.
    NotReturned,
}

fn matter(case: &CaseRow) -> Matter {
    match case.matter.as_str() {
        "suspect" | "offline_suspect" => Matter::InFlight,
        "withdrawal_unclear" => Matter::CashUnposted,
        "withdrawal_unclaimed" => Matter::CashUncharged,
        "deposit_unclear" => Matter::NotesUnposted,
        "over_ceiling" | "deposit_unclaimed" => Matter::NotesUncredited,
        "return_unclaimed" => Matter::NotReturned,
        other => unreachable!("there are no cases about {other}"),
    }
}

fn balance(rows: &Rows, code: &str) -> i64 {
    rows.balances.get(code).copied().unwrap_or(0)
}

/// What open cases of some matters are about.
fn open(rows: &Rows, matters: &[Matter], of: impl Fn(&CaseRow) -> bool) -> i64 {
    let open = rows.cases.iter().filter(|case| case.state == CaseState::Open);
    open.filter(|case| matters.contains(&matter(case)) && of(case)).map(|case| case.amount).sum()
}

/// Debits are credits; balances are the fold of transfers; nothing is missing, changed or out of order; and what is kept
/// beside the records is what follows from them.
fn invariants_1_to_5_and_9(records: &Records) -> Result<(), Broken> {
    let report = verify(records, None).map_err(|error| ("invariants_1_to_5_and_9", error.to_string()))?;
    if report.is_clean() { Ok(()) } else { Err(("invariants_1_to_5_and_9", format!("{:?}", report.differences))) }
}

/// What the bank holds for others is what open questions are about: somebody was told to look for whose it is. A shortage that
/// suspects explain waits there too.
fn invariant_10_suspense_is_what_cases_are_about(rows: &Rows) -> Result<(), Broken> {
    let suspense = balance(rows, "bank:suspense:USD");
    let short: i64 = rows.cases.iter().filter(|case| case.state == CaseState::Open).map(|case| case.short).sum();
    let held = open(rows, &[Matter::NotesUncredited, Matter::NotReturned], |_| true);
    let cases = held - open(rows, &[Matter::CashUncharged], |_| true) - short;
    let rule = "invariant_10_suspense_is_what_cases_are_about";
    broken(rule, (suspense != cases).then(|| format!("{suspense} in suspense, {cases} in cases")))
}

/// Whatever goes in or out goes through an account with a name, so that all of them together have nothing.
fn invariant_2_the_ledger_sums_to_nothing(rows: &Rows) -> Result<(), Broken> {
    let sum: i64 = rows.balances.values().sum();
    broken("invariant_2_the_ledger_sums_to_nothing", (sum != 0).then(|| format!("it sums to {sum}")))
}

/// Once everything is told, only open questions are in flight.
fn invariant_10_in_flight_is_what_is_unresolved(rows: &Rows, machine: MachineId) -> Result<(), Broken> {
    let in_flight = balance(rows, &format!("atm:{machine}:in_flight:USD"));
    let open = open(rows, &[Matter::InFlight], |case| case.machine == machine);
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

/// Every note that was laid in, by staff or by people, lies in the machine, is in staff's hands or was taken; of each
/// denomination.
fn invariant_15_every_note_is_somewhere(account: &Account, machine: MachineId) -> Result<(), Broken> {
    let seen = &account.machines[&machine];
    let mut counted: BTreeMap<i64, i64> = BTreeMap::new();
    for (denomination, count) in seen.counted.values().flatten() {
        *counted.entry(*denomination).or_default() += i64::from(*count);
    }
    let wrong = seen.due.iter().find(|(denomination, due)| counted.get(denomination).copied().unwrap_or(0) != **due);
    let wrong = wrong.map(|(denomination, due)| format!("{machine}: {due} of {denomination} due, counted {counted:?}"));
    broken("invariant_15_every_note_is_somewhere", wrong)
}

/// How every approval ended is known, or it is a case.
fn invariant_34_nothing_is_unresolved_but_cases(rows: &Rows) -> Result<(), Broken> {
    let known = ["completed", "partial", "reversed", "suspect"];
    let unresolved = rows.withdrawals.iter().find(|withdrawal| !known.contains(&withdrawal.state.as_str()));
    let suspects = rows.withdrawals.iter().filter(|withdrawal| withdrawal.state == "suspect").count();
    let open =
        rows.cases.iter().filter(|case| case.state == CaseState::Open && matter(case) == Matter::InFlight).count();
    let rule = "invariant_34_nothing_is_unresolved_but_cases";
    broken(rule, unresolved.map(|withdrawal| format!("{withdrawal:?}")))?;
    broken(rule, (suspects != open).then(|| format!("{suspects} suspects, {open} cases about such")))
}

/// What the host believes to lie in cassettes and bins lies there, but for what cases at that machine are or were about.
fn invariant_34_host_and_machines_agree(account: &Account, rows: &Rows, holding: &HoldingRow) -> Result<(), Broken> {
    let machine = holding.machine;
    let seen = &account.machines[&machine];
    let of_notes = |case: &CaseRow| case.machine == machine && matter(case) != Matter::NotReturned;
    if seen.stolen > 0 || rows.cases.iter().any(of_notes) {
        return Ok(());
    }
    let counted = &seen.counted;
    let there = |place| counted.get(&place).map_or(0, value);
    let mut pairs: Vec<(Place, i64, i64)> = Vec::new();
    for (position, cassette) in holding.cassettes.iter().enumerate() {
        let place = Place::Cassette(position);
        pairs.push((place, cassette.denomination * i64::from(cassette.count), there(place)));
    }
    let places = [Place::DepositBin, Place::RejectBin, Place::RetractBin];
    pairs.extend(places.into_iter().zip(holding.bins).map(|(place, believed)| (place, believed, there(place))));
    let wrong: Vec<_> = pairs.into_iter().filter(|(_, believed, there)| believed != there).collect();
    let what = || format!("{machine}: place, value believed and value there: {wrong:?}");
    broken("invariant_34_host_and_machines_agree", (!wrong.is_empty()).then(what))
}

/// Who has notes was charged for them, or a case is open; and nobody is credited for notes that they did not bring.
fn invariants_16_and_17_customers_paid_for_what_they_have(
    account: &Account,
    ledger: &Ledger,
    rows: &Rows,
) -> Result<(), Broken> {
    let rule = "invariants_16_and_17_customers_paid_for_what_they_have";
    for (holder, customer) in &account.holders {
        let codes: Vec<String> = customer.accounts.iter().map(AccountNumber::to_string).collect();
        let now: i64 = codes.iter().map(|code| balance(rows, code)).sum();
        let of = |case: &CaseRow| codes.contains(&case.account);
        let Flow { taken, kept, unclaimed } = customer.flow;
        let fees = ledger.fees(&customer.accounts);
        let aside = customer.aside + account.unheard(*holder, &ledger.rows);
        let (change, fair) = (now - customer.opening, kept - taken - fees + aside);
        let waits = [Matter::InFlight, Matter::NotesUnposted, Matter::NotesUncredited, Matter::NotReturned];
        let less = open(rows, &waits, of) + unclaimed;
        let more = open(rows, &[Matter::CashUnposted, Matter::CashUncharged], of);
        let explained = (fair - less..=fair + more).contains(&change);
        broken(rule, (!explained).then(|| {
            format!(
                "customer {holder} has {change}, took {taken}, left {kept} (of these {unclaimed} unclaimed), paid {fees} in fees, has {aside} from elsewhere; cases explain {less} less, {more} more"
            )
        }))?;
    }
    Ok(())
}

/// What the books say of a machine's cash is what was laid in and not taken out, but for what open questions are about.
fn invariant_19_cash_in_the_books_is_cash_in_the_machine(
    account: &Account,
    rows: &Rows,
    machine: MachineId,
) -> Result<(), Broken> {
    let rule = "invariant_19_cash_in_the_books_is_cash_in_the_machine";
    let seen = &account.machines[&machine];
    let of = |case: &CaseRow| case.machine == machine;
    let books = -balance(rows, &format!("atm:{machine}:cash:USD"));
    let there = seen.loaded - seen.fetched - seen.flow.taken + seen.flow.kept;
    let less = open(rows, &[Matter::NotesUnposted], of) + seen.flow.unclaimed;
    let more = open(rows, &[Matter::InFlight, Matter::CashUnposted], of) + seen.stolen + seen.judged;
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
        Some(Told::Nothing) => taken == 0 && visit.sent == 0,
        Some(Told::Sent | Told::Checking) | None => true,
    };
    broken(
        "the_last_screen_is_true",
        (!is_true).then(|| {
            let Visit { told, sent, cash, .. } = visit;
            format!("told {told:?}, took {taken}, left {kept}, had {sent} sent, having come with {cash:?}")
        }),
    )
}
