//! The operator's choices: limits, fees, times. Versioned in the database, read at use, never compiled in.

use crate::currency::Currency;
use crate::money::Decimal;
use crate::terminal::settings::{Mix, OfflineBalance, OfflineDeposit, OfflineTransfer};

/// All policy values of one version.
///
/// Amounts are figures without a currency (500.00) that hold in each account's own; times are whole seconds unless their names
/// say otherwise.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Policy {
    /// Most that one withdrawal may pay.
    pub withdrawal_limit: Decimal,
    /// Most that a customer may withdraw on one business date, over all accounts and cards.
    pub daily_withdrawal_limit: Option<Decimal>,
    /// Most that a customer may transfer away on one business date; none = no limit.
    pub daily_transfer_limit: Option<Decimal>,
    /// Most that one deposit may bring.
    pub deposit_limit: Decimal,
    /// Most that a customer may deposit on one business date.
    pub daily_deposit_limit: Decimal,
    /// How far below zero a checking account may go, fee included.
    pub overdraft_limit: Decimal,
    /// Fee for a withdrawal that leaves a checking account below zero.
    pub overdraft_fee: Decimal,
    /// Wrong PINs in a row that block a card.
    pub pin_tries: u8,
    /// How long a block lasts.
    pub pin_block_s: u32,
    /// Blocks without a success between them that lock a card until staff unlock it.
    pub pin_blocks: u8,
    /// An ATM session ends after this time without activity.
    pub atm_session_idle_s: u32,
    /// An online or operator session ends after this time without activity …
    pub online_session_idle_s: u32,
    /// … and at the latest this long after it began.
    pub online_session_s: u32,
    /// Most notes that a machine hands over at once.
    pub notes_per_withdrawal: u32,
    /// Password tries per identity that may come at once …
    pub password_burst: u32,
    /// … and how many more every minute.
    pub password_per_minute: u32,
    /// Log-ins per address that may come at once …
    pub address_log_in_burst: u32,
    /// … and how many more every second.
    pub address_log_in_per_second: u32,
    /// Sign-ups per address that may come at once …
    pub address_sign_up_burst: u32,
    /// … and after how many milliseconds one more.
    pub address_sign_up_every_ms: u32,
    /// IANA name of the bank's time zone: its midnight is the cut-over of the business date.
    pub time_zone: String,
    /// What concerns terminals.
    pub terminals: TerminalPolicy,
}

/// The operator's choices for terminals.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TerminalPolicy {
    /// Most that one terminal's deposits may credit on one business date.
    pub machine_deposit_limit: Decimal,
    /// Balances at a terminal while the host is away.
    pub offline_balance: OfflineBalance,
    /// Deposits there.
    pub offline_deposit: OfflineDeposit,
    /// Transfers there.
    pub offline_transfer: OfflineTransfer,
    /// Cash there.
    pub offline_withdrawal: OfflineCash,
    /// Most offline cash per card and 24 hours.
    pub offline_card_limit: Decimal,
    /// Most offline cash of one machine in one outage.
    pub offline_outage_limit: Decimal,
    /// How old the hot list may be for offline cash.
    pub offline_hot_list_age_s: u32,
    /// How much one machine is given leave to pay offline …
    pub offline_lease: Decimal,
    /// … and all of them together.
    pub offline_fleet_limit: Decimal,
    /// How terminals choose notes.
    pub note_mix: Mix,
    /// Device errors in a row after which a terminal stops.
    pub device_errors: u32,
    /// How long a customer at a terminal may do nothing.
    pub customer_wait_s: u32,
    /// How long a card or notes may lie in the slot.
    pub taking_wait_s: u32,
    /// Amounts that terminals offer at a key press: whole figures with commas between.
    pub fast_cash: String,
}

impl Default for TerminalPolicy {
    fn default() -> Self {
        Self {
            machine_deposit_limit: Decimal::new(50_000_00, 2),
            offline_balance: OfflineBalance::Hide,
            offline_deposit: OfflineDeposit::Refuse,
            offline_transfer: OfflineTransfer::Refuse,
            offline_withdrawal: OfflineCash::Refuse,
            offline_card_limit: Decimal::new(100_00, 2),
            offline_outage_limit: Decimal::new(500_00, 2),
            offline_hot_list_age_s: 60 * 60,
            offline_lease: Decimal::new(500_00, 2),
            offline_fleet_limit: Decimal::new(10_000_00, 2),
            note_mix: Mix::Least,
            device_errors: 3,
            customer_wait_s: 45,
            taking_wait_s: 30,
            fast_cash: "20,50,100,200,300,500".to_owned(),
        }
    }
}

/// Cash at a terminal while the host is away.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum OfflineCash {
    /// None.
    Refuse,
    /// Within the limits and leases.
    Limited,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            withdrawal_limit: Decimal::new(500_00, 2),
            daily_withdrawal_limit: Some(Decimal::new(2_000_00, 2)),
            daily_transfer_limit: None,
            deposit_limit: Decimal::new(10_000_00, 2),
            daily_deposit_limit: Decimal::new(20_000_00, 2),
            overdraft_limit: Decimal::new(100_00, 2),
            overdraft_fee: Decimal::new(15_00, 2),
            pin_tries: 3,
            pin_block_s: 30 * 60,
            pin_blocks: 3,
            atm_session_idle_s: 5 * 60,
            online_session_idle_s: 30 * 60,
            online_session_s: 24 * 60 * 60,
            notes_per_withdrawal: 50,
            password_burst: 10,
            password_per_minute: 10,
            address_log_in_burst: 100,
            address_log_in_per_second: 5,
            address_sign_up_burst: 20,
            address_sign_up_every_ms: 10_000,
            time_zone: "UTC".to_owned(),
            terminals: TerminalPolicy::default(),
        }
    }
}

impl Policy {
    /// How far below zero a checking account may go, and the fee for going there, in minor units.
    #[must_use]
    pub fn overdraft(&self, currency: Currency) -> (i64, i64) {
        (self.overdraft_limit.limit_in(currency).minor(), self.overdraft_fee.limit_in(currency).minor())
    }
}
