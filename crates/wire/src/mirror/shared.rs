//! What stands both in the journal and on the link: advices, approvals, leases.

use cashpoint_core::account::Product;
use cashpoint_core::id::{AccountNumber, CardId, TransferId};
use cashpoint_core::mix::Notes;
use cashpoint_core::money::Amount;
use cashpoint_core::terminal::device::{Counters, DispenseToken, Failure, Nonce, PresentState};
use cashpoint_core::terminal::link::{
    AccountLine, Advice, AdviceKind, Approved, Availability, Evidence, Lease, Movement, OfflineOutcome,
    OfflineVerifier, OperationId, ReverseReason,
};
use cashpoint_core::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::mirrored;

#[derive(Serialize, Deserialize)]
#[serde(remote = "Advice", deny_unknown_fields)]
struct AdviceMirror {
    #[serde(with = "crate::mirror")]
    id: OperationId,
    #[serde(with = "crate::mirror")]
    at: Timestamp,
    #[serde(with = "crate::mirror")]
    kind: AdviceKind,
    #[serde(with = "crate::mirror")]
    nonce: Option<Nonce>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "AdviceKind", rename_all = "snake_case", deny_unknown_fields)]
enum AdviceKindMirror {
    Completed {
        #[serde(with = "crate::mirror")]
        original: OperationId,
        #[serde(with = "crate::mirror")]
        moved: Movement,
        #[serde(with = "crate::mirror")]
        evidence: Evidence,
    },
    Reversed {
        #[serde(with = "crate::mirror")]
        original: OperationId,
        #[serde(with = "crate::mirror")]
        moved: Movement,
        #[serde(with = "crate::mirror")]
        reason: ReverseReason,
        #[serde(with = "crate::mirror")]
        evidence: Evidence,
    },
    Suspect {
        #[serde(with = "crate::mirror")]
        original: OperationId,
        #[serde(with = "crate::mirror")]
        evidence: Evidence,
    },
    Deposited {
        #[serde(with = "crate::mirror")]
        card: CardId,
        #[serde(with = "crate::mirror")]
        account: AccountNumber,
        notes: Notes,
        #[serde(with = "crate::mirror")]
        amount: Amount,
    },
    DepositUnclear {
        #[serde(with = "crate::mirror")]
        card: CardId,
        #[serde(with = "crate::mirror")]
        account: AccountNumber,
        counted: Notes,
        #[serde(with = "crate::mirror")]
        amount: Amount,
    },
    OfflineWithdrawn {
        #[serde(with = "crate::mirror")]
        card: CardId,
        #[serde(with = "crate::mirror")]
        account: AccountNumber,
        #[serde(with = "crate::mirror")]
        amount: Amount,
        #[serde(with = "crate::mirror")]
        lease: Nonce,
        #[serde(with = "crate::mirror")]
        outcome: OfflineOutcome,
        #[serde(with = "crate::mirror")]
        evidence: Evidence,
    },
    StoredTransfer {
        #[serde(with = "crate::mirror")]
        card: CardId,
        #[serde(with = "crate::mirror")]
        source: AccountNumber,
        #[serde(with = "crate::mirror")]
        target: AccountNumber,
        #[serde(with = "crate::mirror")]
        amount: Amount,
    },
    OfflineTries {
        #[serde(with = "crate::mirror")]
        card: CardId,
        wrong: u8,
    },
    CardRetained {
        #[serde(with = "crate::mirror")]
        card: Option<CardId>,
    },
    Replenished {
        number: u64,
        #[serde(with = "crate::mirror")]
        found: Counters,
        #[serde(with = "crate::mirror")]
        left: Counters,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Movement", deny_unknown_fields)]
struct MovementMirror {
    dispensed: Vec<u32>,
    rejected: i64,
    retracted: i64,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Evidence", deny_unknown_fields)]
struct EvidenceMirror {
    #[serde(with = "crate::mirror")]
    present: Option<PresentState>,
    #[serde(with = "crate::mirror")]
    token: Option<String>,
    #[serde(with = "crate::mirror")]
    counters: Option<Vec<u32>>,
    #[serde(with = "crate::mirror")]
    failure: Option<Failure>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "ReverseReason", rename_all = "snake_case")]
enum ReverseReasonMirror {
    CustomerCancelled,
    LateResponse,
    DeviceFailed,
    PartlyTaken,
    Restarted,
    CardReported,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "OfflineOutcome", rename_all = "snake_case")]
enum OfflineOutcomeMirror {
    Paid(#[serde(with = "crate::mirror")] Movement),
    Suspect,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Availability", rename_all = "snake_case")]
enum AvailabilityMirror {
    In,
    Out,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Approved", deny_unknown_fields)]
struct ApprovedMirror {
    #[serde(with = "crate::mirror")]
    id: OperationId,
    #[serde(with = "crate::mirror")]
    transaction: TransferId,
    #[serde(with = "crate::mirror")]
    fee: Amount,
    #[serde(with = "crate::mirror")]
    balance: Amount,
    #[serde(with = "crate::mirror")]
    token: DispenseToken,
    #[serde(with = "crate::mirror")]
    present_nonce: Nonce,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Lease", deny_unknown_fields)]
struct LeaseMirror {
    #[serde(with = "crate::mirror")]
    nonce: Nonce,
    #[serde(with = "crate::mirror")]
    token: DispenseToken,
    #[serde(with = "crate::mirror")]
    amount: Amount,
    #[serde(with = "crate::mirror")]
    until: Timestamp,
    #[serde(with = "crate::mirror")]
    present_nonces: Vec<Nonce>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "AccountLine", deny_unknown_fields)]
struct AccountLineMirror {
    #[serde(with = "crate::mirror")]
    account: AccountNumber,
    #[serde(with = "crate::mirror")]
    product: Product,
    #[serde(with = "crate::mirror")]
    balance: Amount,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "OfflineVerifier", deny_unknown_fields)]
struct OfflineVerifierMirror {
    #[serde(with = "crate::mirror")]
    salt: [u8; 32],
    #[serde(with = "crate::mirror")]
    verifier: [u8; 32],
    #[serde(with = "crate::mirror")]
    until: Timestamp,
}

mirrored! {
    Advice => AdviceMirror,
    AdviceKind => AdviceKindMirror,
    Movement => MovementMirror,
    Evidence => EvidenceMirror,
    ReverseReason => ReverseReasonMirror,
    OfflineOutcome => OfflineOutcomeMirror,
    Availability => AvailabilityMirror,
    Approved => ApprovedMirror,
    Lease => LeaseMirror,
    AccountLine => AccountLineMirror,
    OfflineVerifier => OfflineVerifierMirror,
}
