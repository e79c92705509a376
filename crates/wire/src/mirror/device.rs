//! What devices tell.

use std::collections::BTreeSet;

use cashpoint_core::currency::Currency;
use cashpoint_core::mix::Notes;
use cashpoint_core::terminal::device::{
    Accuracy, Bin, CassetteCounters, Counters, Failure, Filling, PresentState, Unit, Usable, Way,
};
use serde::{Deserialize, Serialize};

use super::mirrored;

#[derive(Serialize, Deserialize)]
#[serde(remote = "Unit", rename_all = "snake_case")]
enum UnitMirror {
    CardReader,
    PinPad,
    Dispenser,
    Acceptor,
    Printer,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Failure", rename_all = "snake_case")]
enum FailureMirror {
    Jam,
    Nothing,
    AlreadyTaken,
    ShutterStuck,
    NotPresented,
    PartlyPresented,
    Cassette,
    NotDispensable,
    ItemsLeft,
    Token,
    NoNonce,
    NoPin,
    Key,
    PaperOut,
    Unreadable,
    TimedOut,
    Cancelled,
    Sequence,
    CashInActive,
    Hardware,
    Lost,
    Fraud,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "PresentState", rename_all = "snake_case")]
enum PresentStateMirror {
    Presented,
    NotPresented,
    Unknown,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Counters", deny_unknown_fields)]
struct CountersMirror {
    #[serde(with = "crate::mirror")]
    cassettes: Vec<CassetteCounters>,
    rejected: Notes,
    retracted: Notes,
    retract_operations: u32,
    #[serde(with = "crate::mirror")]
    way: Way,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "CassetteCounters", deny_unknown_fields)]
struct CassetteCountersMirror {
    denomination: i64,
    #[serde(with = "crate::mirror")]
    currency: Currency,
    initial: u32,
    out: u32,
    presented: u32,
    rejected: u32,
    unknown: u32,
    #[serde(with = "crate::mirror")]
    usable: Usable,
    #[serde(with = "crate::mirror")]
    accuracy: Accuracy,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Usable", rename_all = "snake_case")]
enum UsableMirror {
    Yes,
    Low,
    Empty,
    No,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Accuracy", rename_all = "snake_case")]
enum AccuracyMirror {
    Accurate,
    Inaccurate,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Way", rename_all = "snake_case")]
enum WayMirror {
    Clear,
    Inside,
    Reachable,
    Unknown,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Filling", deny_unknown_fields)]
struct FillingMirror {
    cassettes: Vec<Option<u32>>,
    #[serde(with = "crate::mirror")]
    emptied: BTreeSet<Bin>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Bin", rename_all = "snake_case")]
enum BinMirror {
    Deposit,
    Reject,
    Retract,
}

mirrored! {
    Filling => FillingMirror,
    Bin => BinMirror,
    Unit => UnitMirror,
    Failure => FailureMirror,
    PresentState => PresentStateMirror,
    Counters => CountersMirror,
    CassetteCounters => CassetteCountersMirror,
    Usable => UsableMirror,
    Accuracy => AccuracyMirror,
    Way => WayMirror,
}
