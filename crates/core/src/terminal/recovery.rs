//! What became of cash when something broke off: after a crash, and after a device failed.
//!
//! Two witnesses are heard: the counters, read before the dispense and now, and the device's record of the last present.
//! A verdict needs both to agree to the note. Money goes back only for notes that are counted in a bin, and only when the
//! device says of *this* dispense what the counters say; whatever is left unproven is suspect, the money stays in flight
//! and a person looks. A withdrawal whose dispense never began needs no witness but the journal; one whose dispense had
//! only been announced needs the counters alone, because a device that took no note has no record of it.
//!
//! Nothing is commanded here, and the device's signature is the host's to check.

mod difference;

use super::book::{CardFate, DepositStep, Dispensing, OpenDeposit, OpenWithdrawal, Step, Tally, TokenUse};
use super::device::{CashInState, CashInStatus, Counters, Failure, PresentState, PresentStatus, Way};
use super::link::{AdviceKind, Evidence, Movement, OfflineOutcome, ReverseReason};
use super::record::Leave;
use crate::mix::Notes;
use crate::money::Amount;

use difference::{Difference, by_denomination};

/// What the dispenser says now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Word<'a> {
    /// Its counters, if they could be read.
    pub counters: Option<&'a Counters>,
    /// Its record of the last present, if that could be read.
    pub present: Option<&'a PresentStatus>,
    /// Whether the way was cleared because a verdict said so.
    pub tried: Tried,
}

/// What a verdict already led to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Tried {
    /// Nothing yet.
    Nothing,
    /// The way was to be cleared, whether or not that worked.
    Clearing,
}

/// What became of a withdrawal.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// Notes lie between cassettes and customer: do this, read both again and judge again, once.
    Clear(Clearing),
    /// Nothing was paid: every note is in its cassette or counted in a bin.
    Reversed(Movement),
    /// All was paid.
    Completed(Movement),
    /// A part was paid; the rest is counted in the bins.
    Partial(Movement),
    /// Nobody can tell. The money stays in flight.
    Suspect(Doubt),
}

/// How notes in the way are brought to safety.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Clearing {
    /// [`super::device::Command::Reject`]: the customer never could reach them.
    Reject,
    /// [`super::device::Command::Retract`]: the customer could.
    Retract,
}

/// Why nobody can tell.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Doubt {
    /// The counters cannot be read.
    CountersUnread,
    /// The record of the last present cannot be read.
    PresentUnread,
    /// The counters are not those of the same fillings, or ran backwards.
    Refilled,
    /// A cassette that was to give notes does not count right, by its own word.
    Inaccurate,
    /// Notes went where the device does not know.
    NotesUnknown,
    /// The way was not clear before, or the device cannot tell whether it is.
    WayUnknown,
    /// The way could not be cleared.
    NotCleared,
    /// Notes that left cassettes are neither presented nor rejected, or the bins do not hold what was rejected.
    Unbalanced,
    /// The device's record is of another dispense.
    OtherDispense,
    /// The device cannot tell whether the customer could reach the notes.
    PresentUnknown,
    /// Record, counters and journal do not tell the same story.
    Disagree,
    /// Something was retracted and not counted.
    Uncounted,
    /// The card was stuck while the notes waited.
    CardJammed,
}

/// What became of an open withdrawal, by its journal and the dispenser's word.
#[must_use]
pub fn judge(withdrawal: &OpenWithdrawal, word: &Word<'_>) -> Verdict {
    match &withdrawal.step {
        Step::Intended | Step::Approved => Verdict::Reversed(nothing_moved(withdrawal)),
        Step::Dispensing(dispensing) | Step::Presenting(dispensing) => {
            let verdict = judge_dispense(withdrawal, dispensing, word).unwrap_or_else(Verdict::Suspect);
            match (withdrawal.card, verdict) {
                (CardFate::Moves, verdict) | (CardFate::Jammed, verdict @ Verdict::Clear(_)) => verdict,
                (CardFate::Jammed, verdict @ Verdict::Suspect(_)) => verdict,
                // However well it adds up: a card that jams over waiting notes is how a reversal is forced.
                (CardFate::Jammed, Verdict::Reversed(_) | Verdict::Completed(_) | Verdict::Partial(_)) => {
                    Verdict::Suspect(Doubt::CardJammed)
                }
            }
        }
    }
}

/// How a withdrawal that was judged ends in the journal.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Ending {
    /// [`super::record::Record::Advice`] of this. Under a lease its id is the intent's.
    Advice(AdviceKind),
    /// [`super::record::Record::Dropped`]: the host never heard of it, and no note moved.
    Dropped,
}

/// How a withdrawal ends by this verdict; `None`: not yet, the way is to be cleared. `reason` is for a reversal in full.
#[must_use]
pub fn ending(
    withdrawal: &OpenWithdrawal,
    verdict: &Verdict,
    reason: ReverseReason,
    evidence: Evidence,
) -> Option<Ending> {
    let intent = &withdrawal.intent;
    let original = intent.id;
    let kind = match (intent.leave, verdict) {
        (Leave::Host { .. } | Leave::Lease { .. }, Verdict::Clear(_)) => return None,
        (Leave::Lease { .. }, Verdict::Reversed(_)) if withdrawal.step == Step::Intended => {
            return Some(Ending::Dropped);
        }
        (Leave::Host { .. }, Verdict::Reversed(moved)) => {
            AdviceKind::Reversed { original, moved: moved.clone(), reason, evidence }
        }
        (Leave::Host { .. }, Verdict::Partial(moved)) => {
            let reason = ReverseReason::PartlyTaken;
            AdviceKind::Reversed { original, moved: moved.clone(), reason, evidence }
        }
        (Leave::Host { .. }, Verdict::Completed(moved)) => {
            AdviceKind::Completed { original, moved: moved.clone(), evidence }
        }
        (Leave::Host { .. }, Verdict::Suspect(_)) => AdviceKind::Suspect { original, evidence },
        (
            Leave::Lease { nonce },
            Verdict::Reversed(_) | Verdict::Partial(_) | Verdict::Completed(_) | Verdict::Suspect(_),
        ) => AdviceKind::OfflineWithdrawn {
            card: intent.card,
            account: intent.account,
            amount: intent.amount,
            lease: nonce,
            outcome: offline_outcome(verdict),
            evidence,
        },
    };
    Some(Ending::Advice(kind))
}

/// What goes to the host besides the outcome.
#[must_use]
pub fn evidence(withdrawal: &OpenWithdrawal, word: &Word<'_>, failure: Option<Failure>) -> Evidence {
    let before = withdrawal.step.dispensing().map(|dispensing| &dispensing.before);
    let difference = before.zip(word.counters).and_then(|(before, now)| Difference::between(before, now));
    Evidence {
        present: word.present.map(|present| present.state),
        token: word.present.and_then(|present| present.token.clone()),
        counters: difference.map(|difference| difference.out),
        failure,
    }
}

/// What became of a deposit.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum DepositVerdict {
    /// It is in the deposit bin: the advice is [`AdviceKind::Deposited`] with what was counted.
    Deposited,
    /// The notes are in escrow and the customer is there, or no note is: give them back, ask again and judge again.
    Return,
    /// The notes are in escrow and the customer may have gone: store them, ask again and judge again.
    Store,
    /// They were given back and the customer is there: watch the slot. Once they are taken nothing is owed, unless the tally
    /// is broken; a case if nobody takes them.
    Watch,
    /// None is inside and none was given back: nothing is owed, [`super::record::Record::Dropped`].
    Returned,
    /// Nobody can tell: [`AdviceKind::DepositUnclear`].
    Unclear,
}

/// Whether the customer of a deposit is still there.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Customer {
    /// They are: the visit goes on.
    There,
    /// Perhaps not: the program began anew since. Notes laid into the slot now would be anybody's.
    Gone,
}

/// What became of an open deposit, by its journal and the acceptor's word (none: it could not be read).
#[must_use]
pub fn judge_deposit(
    deposit: &OpenDeposit,
    status: Option<&CashInStatus>,
    customer: Customer,
    tried: Tried,
) -> DepositVerdict {
    let Some(status) = status else { return DepositVerdict::Unclear };
    let verdict = match deposit.step {
        DepositStep::Taking => judge_taking(status, customer, tried),
        DepositStep::Storing => judge_storing(deposit, status, customer, tried),
    };
    match (deposit.tally, verdict) {
        (Tally::Whole, verdict)
        | (Tally::Broken, verdict @ (DepositVerdict::Return | DepositVerdict::Store | DepositVerdict::Watch)) => {
            verdict
        }
        // However well it adds up: what was never counted is missing from all of it.
        (Tally::Broken, DepositVerdict::Deposited | DepositVerdict::Returned | DepositVerdict::Unclear) => {
            DepositVerdict::Unclear
        }
    }
}

/// Notes that were counted and not yet agreed to go back to a customer who is there. Where they may have gone the notes
/// are stored for the account that they chose: at the slot they would be anybody's. It was never told to store any before.
fn judge_taking(status: &CashInStatus, customer: Customer, tried: Tried) -> DepositVerdict {
    match (status.state, customer, tried) {
        (CashInState::Returned, Customer::There | Customer::Gone, Tried::Nothing | Tried::Clearing) => {
            judge_returned(status, customer)
        }
        (CashInState::Active, Customer::Gone, Tried::Nothing) if !status.accepted.is_empty() => DepositVerdict::Store,
        (CashInState::Active, Customer::There | Customer::Gone, Tried::Nothing) => DepositVerdict::Return,
        (CashInState::Active, Customer::There | Customer::Gone, Tried::Clearing)
        | (
            CashInState::Stored | CashInState::Retracted | CashInState::Unknown,
            Customer::There | Customer::Gone,
            Tried::Nothing | Tried::Clearing,
        ) => DepositVerdict::Unclear,
    }
}

/// Notes were given back. A visit watches them; whether somebody took them unwatched, and who, nobody can tell.
const fn judge_returned(status: &CashInStatus, customer: Customer) -> DepositVerdict {
    match customer {
        Customer::There | Customer::Gone if status.accepted.is_empty() => DepositVerdict::Returned,
        Customer::There => DepositVerdict::Watch,
        Customer::Gone => DepositVerdict::Unclear,
    }
}

fn judge_storing(deposit: &OpenDeposit, status: &CashInStatus, customer: Customer, tried: Tried) -> DepositVerdict {
    let as_counted = by_denomination(&status.accepted) == by_denomination(&deposit.notes);
    match (status.state, customer, tried) {
        (CashInState::Stored, Customer::There | Customer::Gone, Tried::Nothing | Tried::Clearing) if as_counted => {
            DepositVerdict::Deposited
        }
        (CashInState::Active, Customer::There, Tried::Nothing) => DepositVerdict::Return,
        (CashInState::Active, Customer::Gone, Tried::Nothing) if as_counted => DepositVerdict::Store,
        (CashInState::Returned, Customer::There | Customer::Gone, Tried::Nothing | Tried::Clearing) => {
            judge_returned(status, customer)
        }
        (
            CashInState::Stored | CashInState::Active | CashInState::Retracted | CashInState::Unknown,
            Customer::There | Customer::Gone,
            Tried::Nothing | Tried::Clearing,
        ) => DepositVerdict::Unclear,
    }
}

/// The deposit with what the acceptor says that it accepted, if the journal does not say what was counted.
#[must_use]
pub fn as_found(deposit: &OpenDeposit, status: Option<&CashInStatus>) -> OpenDeposit {
    match (deposit.step, status) {
        (DepositStep::Taking, Some(status)) => {
            let notes: Notes = by_denomination(&status.accepted).into_iter().rev().collect();
            let each = notes.iter().map(|(denomination, count)| denomination.saturating_mul(i64::from(*count)));
            let amount = Amount::new(each.fold(0, i64::saturating_add), deposit.amount.currency());
            OpenDeposit { notes, amount, ..deposit.clone() }
        }
        (DepositStep::Taking, None) | (DepositStep::Storing, _) => deposit.clone(),
    }
}

/// How a deposit that was judged ends in the journal; `None`: not yet.
#[must_use]
pub fn deposit_ending(deposit: &OpenDeposit, verdict: &DepositVerdict) -> Option<Ending> {
    let OpenDeposit { card, account, amount, .. } = *deposit;
    let notes: Notes = deposit.notes.clone();
    match verdict {
        DepositVerdict::Return | DepositVerdict::Store | DepositVerdict::Watch => None,
        DepositVerdict::Returned => Some(Ending::Dropped),
        DepositVerdict::Deposited => Some(Ending::Advice(AdviceKind::Deposited { card, account, notes, amount })),
        DepositVerdict::Unclear => {
            Some(Ending::Advice(AdviceKind::DepositUnclear { card, account, counted: notes, amount }))
        }
    }
}

fn offline_outcome(verdict: &Verdict) -> OfflineOutcome {
    match verdict {
        Verdict::Reversed(moved) | Verdict::Partial(moved) | Verdict::Completed(moved) => {
            OfflineOutcome::Paid(moved.clone())
        }
        Verdict::Clear(_) | Verdict::Suspect(_) => OfflineOutcome::Suspect,
    }
}

fn nothing_moved(withdrawal: &OpenWithdrawal) -> Movement {
    Movement { dispensed: vec![0; withdrawal.intent.notes.len()], rejected: 0, retracted: 0 }
}

fn judge_dispense(withdrawal: &OpenWithdrawal, dispensing: &Dispensing, word: &Word<'_>) -> Result<Verdict, Doubt> {
    let now = word.counters.ok_or(Doubt::CountersUnread)?;
    match (now.way, word.tried) {
        (Way::Clear, Tried::Nothing | Tried::Clearing) => {}
        (Way::Inside, Tried::Nothing) => return Ok(Verdict::Clear(Clearing::Reject)),
        (Way::Reachable, Tried::Nothing) => return Ok(Verdict::Clear(Clearing::Retract)),
        (Way::Inside | Way::Reachable, Tried::Clearing) => return Err(Doubt::NotCleared),
        (Way::Unknown, Tried::Nothing | Tried::Clearing) => return Err(Doubt::WayUnknown),
    }
    if dispensing.before.way != Way::Clear {
        return Err(Doubt::WayUnknown);
    }
    let moved = Difference::between(&dispensing.before, now).ok_or(Doubt::Refilled)?;
    if !moved.is_accurate(&withdrawal.intent.notes) {
        return Err(Doubt::Inaccurate);
    }
    if moved.is_nothing() {
        return never_started(withdrawal, dispensing, word);
    }
    if moved.unknown.iter().any(|notes| *notes > 0) {
        return Err(Doubt::NotesUnknown);
    }
    if !moved.is_balanced() {
        return Err(Doubt::Unbalanced);
    }
    let present = word.present.ok_or(Doubt::PresentUnread)?;
    if spoken_of(dispensing, present) == Spoken::OfAnother {
        return Err(Doubt::OtherDispense);
    }
    match present.state {
        PresentState::Unknown => Err(Doubt::PresentUnknown),
        PresentState::NotPresented => never_presented(&moved),
        PresentState::Presented => presented(&withdrawal.intent.notes, &moved),
    }
}

/// Of which dispense a record of the last present is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Spoken {
    /// Of this one, or of one of its token.
    OfThis,
    /// Of another, or of none that it can name.
    OfAnother,
    /// The device names no dispenses, and was not asked to.
    Unnamed,
}

fn spoken_of(dispensing: &Dispensing, present: &PresentStatus) -> Spoken {
    match (present.dispense, dispensing.present_nonce) {
        (Some(id), _) if id == dispensing.dispense => Spoken::OfThis,
        (Some(_), _) | (None, Some(_)) => Spoken::OfAnother,
        (None, None) => Spoken::Unnamed,
    }
}

/// No note left a cassette and none arrived in a bin. That is the end of it unless something says that notes had moved.
fn never_started(withdrawal: &OpenWithdrawal, dispensing: &Dispensing, word: &Word<'_>) -> Result<Verdict, Doubt> {
    let on_the_stacker = matches!(withdrawal.step, Step::Presenting(_));
    if on_the_stacker || word.tried == Tried::Clearing {
        return Err(Doubt::Disagree);
    }
    let reversed = Ok(Verdict::Reversed(nothing_moved(withdrawal)));
    let Some(present) = word.present else { return reversed };
    match (spoken_of(dispensing, present), dispensing.token, present.state) {
        (Spoken::OfThis, TokenUse::First, PresentState::Presented) => Err(Doubt::Disagree),
        (Spoken::OfThis, TokenUse::First, PresentState::Unknown) => Err(Doubt::PresentUnknown),
        (Spoken::OfThis, TokenUse::First, PresentState::NotPresented)
        | (Spoken::OfThis, TokenUse::Again, _)
        | (Spoken::OfAnother | Spoken::Unnamed, TokenUse::First | TokenUse::Again, _) => reversed,
    }
}

/// The customer never could reach a note: all of them must be in the reject bin.
fn never_presented(moved: &Difference) -> Result<Verdict, Doubt> {
    let within_reach = moved.presented.iter().any(|notes| *notes > 0);
    if within_reach || moved.retract_operations > 0 || !moved.retract_bin.is_empty() {
        return Err(Doubt::Disagree);
    }
    Ok(Verdict::Reversed(moved.movement()))
}

/// The customer could reach notes: what is not counted back is paid.
fn presented(wanted: &[u32], moved: &Difference) -> Result<Verdict, Doubt> {
    let as_wanted = moved.presented.iter().zip(wanted).all(|(presented, wanted)| presented <= wanted);
    let within_reach = moved.presented.iter().any(|notes| *notes > 0);
    if !as_wanted || moved.presented.len() != wanted.len() || !within_reach {
        return Err(Doubt::Disagree);
    }
    match (moved.retract_operations, moved.retract_bin.is_empty()) {
        (0, true) => {}
        (0, false) | (2.., _) => return Err(Doubt::Disagree),
        (1, true) => return Err(Doubt::Uncounted),
        (1, false) if !moved.came_back_as_presented() => return Err(Doubt::Disagree),
        (1, false) => {}
    }
    let movement = moved.movement();
    let paid = moved.presented_value().saturating_sub(movement.retracted);
    let all = moved.presented == wanted && movement.retracted == 0;
    Ok(match paid {
        0 => Verdict::Reversed(movement),
        _ if all => Verdict::Completed(movement),
        _ => Verdict::Partial(movement),
    })
}

#[cfg(test)]
mod tests;
