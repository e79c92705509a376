//! What stands only on the link to the host.

use cashpoint_core::id::{AccountNumber, CardId, CaseId, SessionId, TransferId};
use cashpoint_core::money::Amount;
use cashpoint_core::outcome::{Balance, Refusal, TransferReceipt};
use cashpoint_core::secret::Pan;
use cashpoint_core::terminal::Lane;
use cashpoint_core::terminal::device::{CheckValue, Counters, Failure, Filling, KeyBlock, Nonce, PinBlock, Unit};
use cashpoint_core::terminal::link::{
    AccountLine, Acknowledgement, Advice, Approved, Availability, Heartbeat, HostCommand, HostCommandKind, Lease,
    LoggedIn, News, Notice, OfflineVerifier, OperationId, ReplenishmentOrder, Reply, Request, StatementLine,
};
use cashpoint_core::terminal::settings::{HotList, Settings};
use cashpoint_core::time::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};

use super::mirrored;

#[derive(Serialize, Deserialize)]
#[serde(remote = "Lane", rename_all = "snake_case")]
enum LaneMirror {
    Online,
    Advice,
    Heartbeat,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Request", rename_all = "snake_case", deny_unknown_fields)]
enum RequestMirror {
    LogIn {
        #[serde(with = "crate::mirror")]
        pan: Pan,
        #[serde(with = "crate::mirror")]
        pin: PinBlock,
    },
    LogOut {
        #[serde(with = "crate::mirror")]
        session: SessionId,
    },
    Balance {
        #[serde(with = "crate::mirror")]
        session: SessionId,
        #[serde(with = "crate::mirror")]
        account: AccountNumber,
    },
    Statement {
        #[serde(with = "crate::mirror")]
        session: SessionId,
        #[serde(with = "crate::mirror")]
        account: AccountNumber,
    },
    Transfer {
        #[serde(with = "crate::mirror")]
        id: OperationId,
        #[serde(with = "crate::mirror")]
        session: SessionId,
        #[serde(with = "crate::mirror")]
        source: AccountNumber,
        #[serde(with = "crate::mirror")]
        target: AccountNumber,
        #[serde(with = "crate::mirror")]
        amount: Amount,
    },
    ChangePin {
        #[serde(with = "crate::mirror")]
        session: SessionId,
        #[serde(with = "crate::mirror")]
        pan: Pan,
        #[serde(with = "crate::mirror")]
        old: PinBlock,
        #[serde(with = "crate::mirror")]
        new: PinBlock,
        #[serde(with = "crate::mirror")]
        repeat: PinBlock,
    },
    Approve {
        #[serde(with = "crate::mirror")]
        id: OperationId,
        #[serde(with = "crate::mirror")]
        session: SessionId,
        #[serde(with = "crate::mirror")]
        account: AccountNumber,
        #[serde(with = "crate::mirror")]
        amount: Amount,
        #[serde(with = "crate::mirror")]
        nonce: Nonce,
        notes: Vec<u32>,
    },
    Advice(#[serde(with = "crate::mirror")] Box<Advice>),
    Heartbeat(#[serde(with = "crate::mirror")] Box<Heartbeat>),
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Heartbeat", deny_unknown_fields)]
struct HeartbeatMirror {
    #[serde(with = "crate::mirror")]
    service: Availability,
    #[serde(with = "crate::mirror")]
    devices: Vec<(Unit, Option<Failure>)>,
    #[serde(with = "crate::mirror")]
    counters: Option<Counters>,
    settings: u64,
    hot_list: u64,
    #[serde(with = "crate::mirror")]
    nonce: Option<Nonce>,
    #[serde(with = "crate::mirror")]
    pin_key: Option<CheckValue>,
    waiting: u32,
    carried_out: Vec<u64>,
    #[serde(with = "crate::mirror")]
    exchange: Option<u64>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Reply", rename_all = "snake_case", deny_unknown_fields)]
enum ReplyMirror {
    LoggedIn(#[serde(with = "crate::mirror")] Box<LoggedIn>),
    LoggedOut,
    Balance(#[serde(with = "crate::mirror")] Balance),
    Statement(#[serde(with = "crate::mirror")] Vec<StatementLine>),
    Transferred(#[serde(with = "crate::mirror")] TransferReceipt),
    PinChanged,
    Approved(#[serde(with = "crate::mirror")] Box<Approved>),
    Acknowledged(#[serde(with = "crate::mirror")] Box<Acknowledgement>),
    News(#[serde(with = "crate::mirror")] Box<News>),
    Refused(#[serde(with = "crate::mirror")] Refusal),
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "LoggedIn", deny_unknown_fields)]
struct LoggedInMirror {
    #[serde(with = "crate::mirror")]
    session: SessionId,
    #[serde(with = "crate::mirror")]
    card: CardId,
    name: String,
    #[serde(with = "crate::mirror")]
    accounts: Vec<AccountLine>,
    #[serde(with = "crate::mirror")]
    verifier: Option<OfflineVerifier>,
    #[serde(with = "crate::mirror")]
    notices: Vec<Notice>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Notice", rename_all = "snake_case", deny_unknown_fields)]
enum NoticeMirror {
    TransferRefused {
        #[serde(with = "crate::mirror")]
        at: Timestamp,
        #[serde(with = "crate::mirror")]
        amount: Amount,
        #[serde(with = "crate::mirror")]
        target: AccountNumber,
        code: String,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Balance", deny_unknown_fields)]
struct BalanceMirror {
    #[serde(with = "crate::mirror")]
    account: AccountNumber,
    #[serde(with = "crate::mirror")]
    balance: Amount,
    #[serde(with = "crate::mirror")]
    at: Timestamp,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "StatementLine", deny_unknown_fields)]
struct StatementLineMirror {
    #[serde(with = "crate::mirror")]
    at: Timestamp,
    kind: String,
    #[serde(with = "crate::mirror")]
    amount: Amount,
    #[serde(with = "crate::mirror")]
    balance: Amount,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "TransferReceipt", deny_unknown_fields)]
struct TransferReceiptMirror {
    #[serde(with = "crate::mirror")]
    transaction: TransferId,
    #[serde(with = "crate::mirror")]
    source: AccountNumber,
    #[serde(with = "crate::mirror")]
    target: AccountNumber,
    #[serde(with = "crate::mirror")]
    amount: Amount,
    #[serde(with = "crate::mirror")]
    source_balance: Amount,
    #[serde(with = "crate::mirror")]
    target_balance: Option<Amount>,
    #[serde(with = "crate::mirror")]
    at: Timestamp,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Acknowledgement", deny_unknown_fields)]
struct AcknowledgementMirror {
    #[serde(with = "crate::mirror")]
    case: Option<CaseId>,
    #[serde(with = "crate::mirror")]
    declined: Option<Refusal>,
    #[serde(with = "crate::mirror")]
    lease: Option<Lease>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "News", deny_unknown_fields)]
struct NewsMirror {
    #[serde(with = "crate::mirror")]
    settings: Option<Settings>,
    #[serde(with = "crate::mirror")]
    hot_list: Option<HotList>,
    #[serde(with = "crate::mirror")]
    lease: Option<Lease>,
    #[serde(with = "crate::mirror")]
    pin_key: Option<KeyBlock>,
    #[serde(with = "crate::mirror")]
    commands: Vec<HostCommand>,
    #[serde(with = "crate::mirror")]
    replenishment: Option<ReplenishmentOrder>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "ReplenishmentOrder", deny_unknown_fields)]
struct ReplenishmentOrderMirror {
    number: u64,
    #[serde(with = "crate::mirror")]
    filling: Option<Filling>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "HostCommand", deny_unknown_fields)]
struct HostCommandMirror {
    number: u64,
    #[serde(with = "crate::mirror")]
    kind: HostCommandKind,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "HostCommandKind", rename_all = "snake_case")]
enum HostCommandKindMirror {
    Close,
    Open,
}

/// Under a name of its own, because serde would take a bare reference for one into the message.
type Name = &'static str;

/// Named as the interface names its codes.
#[derive(Serialize, Deserialize)]
#[serde(remote = "Refusal", rename_all = "snake_case", deny_unknown_fields)]
enum RefusalMirror {
    SessionExpired,
    WrongCredentials,
    Forbidden,
    ChannelRequired,
    AccountNotFound,
    TransactionNotFound,
    AtmNotFound,
    NotFound,
    InvalidAmount,
    InvalidRequest {
        #[serde(deserialize_with = "field")]
        field: Name,
    },
    EmailTaken,
    AtmIdTaken,
    CardNumberTaken,
    InsufficientFunds {
        #[serde(with = "crate::mirror")]
        available: Amount,
    },
    OverTransactionLimit {
        #[serde(with = "crate::mirror")]
        limit: Amount,
    },
    DailyLimitExceeded {
        #[serde(with = "crate::mirror")]
        remaining: Amount,
    },
    OverDepositLimit {
        #[serde(with = "crate::mirror")]
        limit: Amount,
    },
    AtmOutOfCash,
    AmountNotDispensable {
        #[serde(with = "crate::mirror")]
        nearest: Vec<Amount>,
    },
    AtmInactive,
    AtmMismatch,
    TerminalOnly,
    CardExpired,
    CardStolen,
    CardLost,
    AccountClosed,
    AccountNotEmpty,
    SameAccount,
    CurrencyMismatch,
    IdempotencyKeyReused,
    CardBlocked {
        #[serde(with = "crate::mirror")]
        until: Option<Timestamp>,
    },
    TooManyRequests {
        retry_after_s: u32,
    },
    ReplenishmentOpen,
    Reversed,
    Moved,
    NumberTaken,
}

/// Fields of a terminal's requests that a host may find out of place.
const FIELDS: [&str; 14] = [
    "account", "amount", "card", "id", "new", "nonce", "notes", "old", "pan", "pin", "repeat", "session", "source",
    "target",
];

/// A field's name as the program holds it; of one that it does not know only that it was one of the request's.
fn field<'de, D: Deserializer<'de>>(from: D) -> Result<&'static str, D::Error> {
    let name = String::deserialize(from)?;
    Ok(FIELDS.into_iter().find(|known| *known == name).unwrap_or("request"))
}

mirrored! {
    Lane => LaneMirror,
    Request => RequestMirror,
    Heartbeat => HeartbeatMirror,
    Reply => ReplyMirror,
    LoggedIn => LoggedInMirror,
    Notice => NoticeMirror,
    Balance => BalanceMirror,
    StatementLine => StatementLineMirror,
    TransferReceipt => TransferReceiptMirror,
    Acknowledgement => AcknowledgementMirror,
    News => NewsMirror,
    HostCommand => HostCommandMirror,
    ReplenishmentOrder => ReplenishmentOrderMirror,
    HostCommandKind => HostCommandKindMirror,
    Refusal => RefusalMirror,
}
