//! What already happened at a terminal. Each advice is one command, named for ever by its terminal and operation; told
//! again, it has the same answer.

use cashpoint_core::command::{
    CardRetained, Command, Complete, DepositAdvice, DepositUnclear, Exchanged, InCase, OfflineTries, OfflineWithdrawn,
    OfflineWord, Reverse, StoredTransfer, Suspect,
};
use cashpoint_core::decide::Replay;
use cashpoint_core::id::{CardId, MachineId, RequestId};
use cashpoint_core::mix::Notes;
use cashpoint_core::money::Amount;
use cashpoint_core::outcome::Done;
use cashpoint_core::terminal::device::Nonce;
use cashpoint_core::terminal::link::{
    Acknowledgement, Advice, AdviceKind, Evidence, Movement, OfflineOutcome, OperationId, Reply, ReverseReason,
};

use cashpoint_mutant::{Mutant, chosen};

use super::evidence::{self, Claim};
use super::{advice_of, operation, original_key};
use crate::bank::Bank;
use crate::desk::{Stop, unexpected};
use crate::request::{Canonical, Content};

impl Bank {
    #[expect(clippy::wildcard_enum_match_arm, reason = "no advice comes to anything else")]
    pub(super) fn advised(&self, terminal: MachineId, advice: Advice) -> Result<Reply, Stop> {
        let nonce = advice.nonce;
        let command = self.command_of(terminal, advice)?;
        let (done, replay) = self.done(command)?;
        let (case, declined) = match done {
            Done::CaseOpened(_) if chosen(Mutant::AnswerForgotten) && replay == Replay::Repeat => (None, None),
            Done::CaseOpened(case) => (Some(case), None),
            Done::Declined(refusal) => (None, Some(*refusal)),
            Done::Settled(_)
            | Done::Withdrawn(_)
            | Done::Deposited(_)
            | Done::Transferred(_)
            | Done::Replenished(_)
            | Done::Changed => (None, None),
            done => return Err(unexpected(&done)),
        };
        let lease = nonce.and_then(|nonce| self.lease_after(terminal, nonce).transpose()).transpose()?;
        Ok(Reply::Acknowledged(Box::new(Acknowledgement { case, declined, lease })))
    }

    fn command_of(&self, terminal: MachineId, advice: Advice) -> Result<Command, Stop> {
        let Advice { id, at, kind, .. } = advice;
        let content = canonical(&kind);
        let request = operation(terminal, id, &Content::of("advice", content.as_str()));
        let reference = reference(id, &kind);
        let about = |known: &str| InCase { id: self.new_case(), evidence: evidence::of(reference, known) };
        let case = |evidence: &Evidence| about(&evidence::words(evidence));
        let no_evidence = Evidence::default();
        Ok(match kind {
            AdviceKind::Completed { original, moved, evidence } => {
                let told = Told { terminal, request, original, case: case(&evidence) };
                self.settled(told, Claim::Taken, &moved, &evidence)?
            }
            AdviceKind::Reversed { original, moved, reason, evidence } => {
                let told = Told { terminal, request, original, case: case(&evidence) };
                // An approval that never came brought no nonce to ask the device with.
                if reason == ReverseReason::LateResponse && evidence::nothing_left(&moved) {
                    told.reverse(moved)
                } else {
                    self.settled(told, Claim::Back(&moved), &moved, &evidence)?
                }
            }
            AdviceKind::Suspect { original, evidence } => {
                Told { terminal, request, original, case: case(&evidence) }.suspect()
            }
            AdviceKind::Deposited { card, account, notes, amount } => {
                if worth(&notes) == Some(amount.minor()) {
                    let case = case(&no_evidence);
                    DepositAdvice { terminal, request, card, account, amount, case }.into()
                } else {
                    let case = about(&format!("notes={notes:?}; they do not add up to the amount"));
                    DepositUnclear { terminal, request, card, account, amount, case }.into()
                }
            }
            AdviceKind::DepositUnclear { card, account, counted, amount } => {
                let case = about(&format!("counted={counted:?}"));
                DepositUnclear { terminal, request, card, account, amount, case }.into()
            }
            AdviceKind::OfflineWithdrawn { card, account, amount, lease, outcome, evidence } => {
                let (word, present) = self.offline_word(terminal, (lease, amount), outcome, &evidence)?;
                let case = case(&evidence);
                let lease = lease.0;
                OfflineWithdrawn { terminal, request, card, account, amount, lease, present, word, case }.into()
            }
            AdviceKind::StoredTransfer { card, source, target, amount } => {
                let (original, request) =
                    (request.key, advice_of(terminal, id, &Content::of("advice", content.as_str())));
                StoredTransfer { terminal, request, original, card, source, target, amount, at }.into()
            }
            AdviceKind::OfflineTries { card, wrong } => OfflineTries { terminal, request, card, wrong }.into(),
            AdviceKind::CardRetained { card } => CardRetained { terminal, request, card }.into(),
            AdviceKind::Replenished { number, found, left } => {
                let open = self.look(|reads| Ok(reads.open_cases(terminal)?))?;
                let suspects = open.iter().filter(|case| case.matter.withdrawal().is_some()).map(|case| case.id);
                let found = evidence::counted(&found, &left);
                Exchanged { terminal, request, number, suspects: suspects.collect(), found }.into()
            }
        })
    }

    /// A completion or reversal as it was told, or a suspicion if the device does not bear it out.
    fn settled(&self, told: Told, claim: Claim<'_>, moved: &Movement, evidence: &Evidence) -> Result<Command, Stop> {
        let original = original_key(told.terminal, told.original);
        let withdrawal = self.look(|reads| Ok(reads.original(original)?))?;
        let mut card = None;
        if let Some(withdrawal) = withdrawal {
            card = self.look(|reads| Ok(reads.transfer(withdrawal.id)?))?.and_then(|entry| entry.transfer.context.card);
            let secrets = self.terminal_secrets(told.terminal)?;
            if !evidence::bears_out(&secrets, (&withdrawal, original), claim, evidence) {
                return Ok(told.doubted().suspect());
            }
        }
        Ok(match claim {
            Claim::Taken => told.complete(card, moved.clone()),
            Claim::Back(_) => told.reverse(moved.clone()),
        })
    }

    fn offline_word(
        &self,
        terminal: MachineId,
        (lease, amount): (Nonce, Amount),
        outcome: OfflineOutcome,
        evidence: &Evidence,
    ) -> Result<(OfflineWord, Option<u8>), Stop> {
        let OfflineOutcome::Paid(moved) = outcome else {
            return Ok((OfflineWord::Suspect, None));
        };
        let secrets = self.terminal_secrets(terminal)?;
        if !secrets.has_devices() {
            return Ok((OfflineWord::Paid(moved), None));
        }
        let enrolled = self.enrolled(terminal)?;
        let granted = enrolled.and_then(|enrolled| {
            enrolled.leases.iter().find(|granted| granted.nonce == lease.0).map(|granted| granted.amount)
        });
        let back = moved.rejected != 0 || moved.retracted != 0;
        let claim = if back { Claim::Back(&moved) } else { Claim::Taken };
        let present =
            granted.and_then(|granted| evidence::use_borne_out(&secrets, (lease, granted), claim, (amount, evidence)));
        Ok(match present {
            Some(which) => (OfflineWord::Paid(moved), Some(which)),
            None => (OfflineWord::Suspect, None),
        })
    }
}

/// An advice about an approved withdrawal.
struct Told {
    terminal: MachineId,
    request: RequestId,
    original: OperationId,
    case: InCase,
}

impl Told {
    fn complete(self, card: Option<CardId>, moved: Movement) -> Command {
        let original = original_key(self.terminal, self.original);
        Complete { terminal: self.terminal, request: self.request, original, card, moved, case: self.case }.into()
    }

    fn reverse(self, moved: Movement) -> Command {
        let original = original_key(self.terminal, self.original);
        Reverse { terminal: self.terminal, request: self.request, original, moved, case: self.case }.into()
    }

    fn suspect(self) -> Command {
        let original = original_key(self.terminal, self.original);
        Suspect { terminal: self.terminal, request: self.request, original, case: self.case }.into()
    }

    fn doubted(self) -> Self {
        let InCase { id, evidence } = self.case;
        let evidence = format!("the device does not bear out what the terminal told; {evidence}");
        Self { case: InCase { id, evidence }, ..self }
    }
}

/// What the customer was told to name it by: on the screen and on the receipt.
const fn reference(id: OperationId, kind: &AdviceKind) -> OperationId {
    match kind {
        AdviceKind::Completed { original, .. }
        | AdviceKind::Reversed { original, .. }
        | AdviceKind::Suspect { original, .. } => *original,
        AdviceKind::Deposited { .. }
        | AdviceKind::DepositUnclear { .. }
        | AdviceKind::OfflineWithdrawn { .. }
        | AdviceKind::StoredTransfer { .. }
        | AdviceKind::OfflineTries { .. }
        | AdviceKind::CardRetained { .. }
        | AdviceKind::Replenished { .. } => id,
    }
}

/// The value of notes, minor units.
fn worth(notes: &Notes) -> Option<i64> {
    notes
        .iter()
        .try_fold(0_i64, |sum, (denomination, count)| sum.checked_add(denomination.checked_mul(i64::from(*count))?))
}

/// What an advice tells, in canonical form. Evidence is no part of it: told again it is the same, whatever was found
/// since.
fn canonical(kind: &AdviceKind) -> Canonical {
    let about = |name: &str| Canonical::new().field(name);
    let operation = |id: &OperationId| format!("{:032x}", id.0);
    let money = |amount: &Amount| format!("{} {}", amount.minor(), amount.currency());
    let notes = |notes: &Notes| notes.iter().map(|(note, count)| format!("{note}x{count} ")).collect::<String>();
    let moved = |moved: &Movement| {
        let out: String = moved.dispensed.iter().map(|count| format!("{count} ")).collect();
        format!("{out}/{}/{}", moved.rejected, moved.retracted)
    };
    let id = |id: &CardId| id.to_string();
    match kind {
        AdviceKind::Completed { original, moved: where_to, .. } => {
            about("completed").field(&operation(original)).field(&moved(where_to))
        }
        AdviceKind::Reversed { original, moved: where_to, reason, .. } => {
            about("reversed").field(&operation(original)).field(&moved(where_to)).field(match reason {
                ReverseReason::CustomerCancelled => "customer_cancelled",
                ReverseReason::LateResponse => "late_response",
                ReverseReason::DeviceFailed => "device_failed",
                ReverseReason::PartlyTaken => "partly_taken",
                ReverseReason::Restarted => "restarted",
                ReverseReason::CardReported => "card_reported",
            })
        }
        AdviceKind::Suspect { original, .. } => about("suspect").field(&operation(original)),
        AdviceKind::Deposited { card, account, notes: stacked, amount } => {
            about("deposited").field(&id(card)).field(&account.to_string()).field(&notes(stacked)).field(&money(amount))
        }
        AdviceKind::DepositUnclear { card, account, counted, amount } => about("deposit_unclear")
            .field(&id(card))
            .field(&account.to_string())
            .field(&notes(counted))
            .field(&money(amount)),
        AdviceKind::OfflineWithdrawn { card, account, amount, lease, outcome, .. } => about("offline_withdrawn")
            .field(&id(card))
            .field(&account.to_string())
            .field(&money(amount))
            .field(&data_encoding::HEXLOWER.encode(&lease.0))
            .field(&match outcome {
                OfflineOutcome::Paid(where_to) => moved(where_to),
                OfflineOutcome::Suspect => "suspect".to_owned(),
            }),
        AdviceKind::StoredTransfer { card, source, target, amount } => about("stored_transfer")
            .field(&id(card))
            .field(&source.to_string())
            .field(&target.to_string())
            .field(&money(amount)),
        AdviceKind::OfflineTries { card, wrong } => about("offline_tries").field(&id(card)).field(&wrong.to_string()),
        AdviceKind::Replenished { number, .. } => about("replenished").field(&number.to_string()),
        AdviceKind::CardRetained { card } => about("card_retained").maybe(card.as_ref().map(id).as_deref()),
    }
}
