//! What stands only in the journal.

use cashpoint_core::currency::Currency;
use cashpoint_core::id::{AccountNumber, CardId, SessionId};
use cashpoint_core::mix::Notes;
use cashpoint_core::money::Amount;
use cashpoint_core::terminal::device::{CardReference, Counters, DispenseId, Nonce};
use cashpoint_core::terminal::link::{
    AccountLine, Advice, Approved, Availability, Lease, OfflineVerifier, OperationId,
};
use cashpoint_core::terminal::record::{CardProfile, Intent, Leave, Record, Summary};
use cashpoint_core::terminal::settings::{HotList, Settings};
use cashpoint_core::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::mirrored;

#[derive(Serialize, Deserialize)]
#[serde(remote = "Record", rename_all = "snake_case", deny_unknown_fields)]
enum RecordMirror {
    Begun {
        nonce: u64,
    },
    Settings(#[serde(with = "crate::mirror")] Settings),
    HotList(#[serde(with = "crate::mirror")] HotList),
    HotListConfirmed {
        version: u64,
    },
    Lease(#[serde(with = "crate::mirror")] Lease),
    Card(#[serde(with = "crate::mirror")] CardProfile),
    Intent(#[serde(with = "crate::mirror")] Intent),
    Approved {
        #[serde(with = "crate::mirror")]
        id: OperationId,
        #[serde(with = "crate::mirror")]
        approved: Approved,
    },
    Dropped {
        #[serde(with = "crate::mirror")]
        id: OperationId,
    },
    Dispensing {
        #[serde(with = "crate::mirror")]
        id: OperationId,
        #[serde(with = "crate::mirror")]
        before: Counters,
        #[serde(with = "crate::mirror")]
        dispense: DispenseId,
        #[serde(with = "crate::mirror")]
        present_nonce: Option<Nonce>,
    },
    Presenting {
        #[serde(with = "crate::mirror")]
        id: OperationId,
    },
    CardJammed {
        #[serde(with = "crate::mirror")]
        id: OperationId,
    },
    Depositing {
        #[serde(with = "crate::mirror")]
        id: OperationId,
        #[serde(with = "crate::mirror")]
        card: CardId,
        #[serde(with = "crate::mirror")]
        account: AccountNumber,
        #[serde(with = "crate::mirror")]
        currency: Currency,
    },
    Storing {
        #[serde(with = "crate::mirror")]
        id: OperationId,
        #[serde(with = "crate::mirror")]
        card: CardId,
        #[serde(with = "crate::mirror")]
        account: AccountNumber,
        notes: Notes,
        #[serde(with = "crate::mirror")]
        amount: Amount,
    },
    NotesJammed {
        #[serde(with = "crate::mirror")]
        id: OperationId,
    },
    Advice(#[serde(with = "crate::mirror")] Advice),
    Acknowledged {
        #[serde(with = "crate::mirror")]
        id: OperationId,
    },
    Escalated {
        #[serde(with = "crate::mirror")]
        id: OperationId,
        code: String,
    },
    OfflineTry {
        #[serde(with = "crate::mirror")]
        card: CardReference,
        wrong: u8,
    },
    CarriedOut {
        number: u64,
    },
    Availability {
        #[serde(with = "crate::mirror")]
        service: Availability,
    },
    Replenishing {
        number: u64,
        #[serde(with = "crate::mirror")]
        found: Option<Counters>,
    },
    Summary(#[serde(with = "crate::mirror")] Box<Summary>),
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "CardProfile", deny_unknown_fields)]
struct CardProfileMirror {
    #[serde(with = "crate::mirror")]
    reference: CardReference,
    #[serde(with = "crate::mirror")]
    card: CardId,
    name: String,
    #[serde(with = "crate::mirror")]
    accounts: Vec<AccountLine>,
    #[serde(with = "crate::mirror")]
    verifier: Option<OfflineVerifier>,
    #[serde(with = "crate::mirror")]
    at: Timestamp,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Intent", deny_unknown_fields)]
struct IntentMirror {
    #[serde(with = "crate::mirror")]
    id: OperationId,
    #[serde(with = "crate::mirror")]
    card: CardId,
    #[serde(with = "crate::mirror")]
    reference: CardReference,
    #[serde(with = "crate::mirror")]
    account: AccountNumber,
    #[serde(with = "crate::mirror")]
    amount: Amount,
    notes: Vec<u32>,
    #[serde(with = "crate::mirror")]
    leave: Leave,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Leave", rename_all = "snake_case", deny_unknown_fields)]
enum LeaveMirror {
    Host {
        #[serde(with = "crate::mirror")]
        session: SessionId,
    },
    Lease {
        #[serde(with = "crate::mirror")]
        nonce: Nonce,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Summary", deny_unknown_fields)]
struct SummaryMirror {
    #[serde(with = "crate::mirror")]
    settings: Option<Settings>,
    #[serde(with = "crate::mirror")]
    hot_list: Option<(HotList, Timestamp)>,
    #[serde(with = "crate::mirror")]
    lease: Option<Lease>,
    #[serde(with = "crate::mirror")]
    lease_since: Timestamp,
    lease_used: i64,
    #[serde(with = "crate::mirror")]
    lease_presents: Vec<Nonce>,
    #[serde(with = "crate::mirror")]
    cards: Vec<CardProfile>,
    #[serde(with = "crate::mirror")]
    tries: Vec<(CardReference, u8)>,
    #[serde(with = "crate::mirror")]
    paid: Vec<(CardReference, Timestamp, i64)>,
    carried_out: u64,
    #[serde(with = "crate::mirror")]
    service: Option<Availability>,
    #[serde(with = "crate::mirror")]
    clock: Timestamp,
}

mirrored! {
    Record => RecordMirror,
    CardProfile => CardProfileMirror,
    Intent => IntentMirror,
    Leave => LeaveMirror,
    Summary => SummaryMirror,
}
