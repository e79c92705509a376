//! What the operator chose for a terminal.

use std::collections::BTreeSet;

use cashpoint_core::currency::Currency;
use cashpoint_core::money::Amount;
use cashpoint_core::terminal::device::CardReference;
use cashpoint_core::terminal::settings::{
    HotList, Mix, OfflineBalance, OfflineDeposit, OfflineLimits, OfflineTransfer, OfflineWithdrawal, PartitionPolicy,
    Settings,
};
use cashpoint_core::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::mirrored;

#[derive(Serialize, Deserialize)]
#[serde(remote = "Settings", deny_unknown_fields)]
struct SettingsMirror {
    version: u64,
    #[serde(with = "crate::mirror")]
    currency: Currency,
    #[serde(with = "crate::mirror")]
    partition: PartitionPolicy,
    most_notes: u32,
    #[serde(with = "crate::mirror")]
    withdrawal_limit: Amount,
    #[serde(with = "crate::mirror")]
    deposit_limit: Amount,
    #[serde(with = "crate::mirror")]
    mix: Mix,
    #[serde(with = "crate::mirror")]
    fast_cash: Vec<Amount>,
    most_errors: u32,
    customer_s: u32,
    taking_s: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Mix", rename_all = "snake_case")]
enum MixMirror {
    Least,
    Even,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "PartitionPolicy", deny_unknown_fields)]
struct PartitionPolicyMirror {
    #[serde(with = "crate::mirror")]
    balance: OfflineBalance,
    #[serde(with = "crate::mirror")]
    deposit: OfflineDeposit,
    #[serde(with = "crate::mirror")]
    transfer: OfflineTransfer,
    #[serde(with = "crate::mirror")]
    withdrawal: OfflineWithdrawal,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "OfflineBalance", rename_all = "snake_case")]
enum OfflineBalanceMirror {
    Hide,
    Stale,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "OfflineDeposit", rename_all = "snake_case")]
enum OfflineDepositMirror {
    Store,
    Refuse,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "OfflineTransfer", rename_all = "snake_case")]
enum OfflineTransferMirror {
    Store,
    Refuse,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "OfflineWithdrawal", rename_all = "snake_case")]
enum OfflineWithdrawalMirror {
    Refuse,
    Limited(#[serde(with = "crate::mirror")] OfflineLimits),
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "OfflineLimits", deny_unknown_fields)]
struct OfflineLimitsMirror {
    #[serde(with = "crate::mirror")]
    per_card: Amount,
    #[serde(with = "crate::mirror")]
    per_outage: Amount,
    hot_list_age_s: u32,
    #[serde(with = "crate::mirror")]
    lease: Amount,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "HotList", deny_unknown_fields)]
struct HotListMirror {
    version: u64,
    #[serde(with = "crate::mirror")]
    as_of: Timestamp,
    #[serde(with = "crate::mirror")]
    cards: BTreeSet<CardReference>,
}

mirrored! {
    Settings => SettingsMirror,
    Mix => MixMirror,
    PartitionPolicy => PartitionPolicyMirror,
    OfflineBalance => OfflineBalanceMirror,
    OfflineDeposit => OfflineDepositMirror,
    OfflineTransfer => OfflineTransferMirror,
    OfflineWithdrawal => OfflineWithdrawalMirror,
    OfflineLimits => OfflineLimitsMirror,
    HotList => HotListMirror,
}
