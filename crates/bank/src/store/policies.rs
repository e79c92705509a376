//! Versions of the policy: one `name=value` a line, so that people can read them in the database.
//!
//! Reading is strict: a missing, unknown or repeated name is an error, because a limit that silently falls back to a
//! default is not the operator's choice. A schema migration that adds a value adds its line.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::str::FromStr;

use cashpoint_core::money::Decimal;
use cashpoint_core::policy::{Policy, TerminalPolicy};

use super::terminals;

/// Stands for a limit that is off.
const OFF: &str = "off";

pub(crate) fn to_text(policy: &Policy) -> String {
    let figure = |value: &Option<Decimal>| value.map_or_else(|| OFF.to_owned(), Decimal::canonical);
    let lines: [(&str, String); 36] = [
        ("withdrawal_limit", policy.withdrawal_limit.canonical()),
        ("daily_withdrawal_limit", figure(&policy.daily_withdrawal_limit)),
        ("daily_transfer_limit", figure(&policy.daily_transfer_limit)),
        ("deposit_limit", policy.deposit_limit.canonical()),
        ("daily_deposit_limit", policy.daily_deposit_limit.canonical()),
        ("overdraft_limit", policy.overdraft_limit.canonical()),
        ("overdraft_fee", policy.overdraft_fee.canonical()),
        ("pin_tries", policy.pin_tries.to_string()),
        ("pin_block_s", policy.pin_block_s.to_string()),
        ("pin_blocks", policy.pin_blocks.to_string()),
        ("atm_session_idle_s", policy.atm_session_idle_s.to_string()),
        ("online_session_idle_s", policy.online_session_idle_s.to_string()),
        ("online_session_s", policy.online_session_s.to_string()),
        ("notes_per_withdrawal", policy.notes_per_withdrawal.to_string()),
        ("password_burst", policy.password_burst.to_string()),
        ("password_per_minute", policy.password_per_minute.to_string()),
        ("address_log_in_burst", policy.address_log_in_burst.to_string()),
        ("address_log_in_per_second", policy.address_log_in_per_second.to_string()),
        ("address_sign_up_burst", policy.address_sign_up_burst.to_string()),
        ("address_sign_up_every_s", Decimal::new(u64::from(policy.address_sign_up_every_ms), 3).canonical()),
        ("time_zone", policy.time_zone.clone()),
        ("machine_deposit_limit", policy.terminals.machine_deposit_limit.canonical()),
        ("offline_balance", terminals::balance_word(policy.terminals.offline_balance).to_owned()),
        ("offline_deposit", terminals::deposit_word(policy.terminals.offline_deposit).to_owned()),
        ("offline_transfer", terminals::transfer_word(policy.terminals.offline_transfer).to_owned()),
        ("offline_withdrawal", terminals::cash_word(policy.terminals.offline_withdrawal).to_owned()),
        ("offline_card_limit", policy.terminals.offline_card_limit.canonical()),
        ("offline_outage_limit", policy.terminals.offline_outage_limit.canonical()),
        ("offline_hot_list_age_s", policy.terminals.offline_hot_list_age_s.to_string()),
        ("offline_lease", policy.terminals.offline_lease.canonical()),
        ("offline_fleet_limit", policy.terminals.offline_fleet_limit.canonical()),
        ("note_mix", terminals::mix_word(policy.terminals.note_mix).to_owned()),
        ("device_errors", policy.terminals.device_errors.to_string()),
        ("customer_wait_s", policy.terminals.customer_wait_s.to_string()),
        ("taking_wait_s", policy.terminals.taking_wait_s.to_string()),
        ("fast_cash", policy.terminals.fast_cash.clone()),
    ];
    lines.into_iter().fold(String::new(), |mut text, (name, value)| {
        writeln!(text, "{name}={value}").expect("a string takes everything");
        text
    })
}

/// The lines of a policy that are not read yet.
struct Lines<'a>(BTreeMap<&'a str, &'a str>);

impl<'a> Lines<'a> {
    fn new(text: &'a str) -> Result<Self, String> {
        let mut lines = BTreeMap::new();
        for line in text.lines() {
            let (name, value) = line.split_once('=').ok_or_else(|| format!("`{line}` is not name=value"))?;
            if lines.insert(name, value).is_some() {
                return Err(format!("`{name}` stands there twice"));
            }
        }
        Ok(Self(lines))
    }

    fn text(&mut self, name: &str) -> Result<&'a str, String> {
        self.0.remove(name).ok_or_else(|| format!("`{name}` is missing"))
    }

    fn number<T: FromStr>(&mut self, name: &str) -> Result<T, String> {
        self.text(name)?.parse().map_err(|_| format!("`{name}` is not a number of its kind"))
    }

    fn word<T>(&mut self, name: &str, read: fn(&str) -> Option<T>) -> Result<T, String> {
        read(self.text(name)?).ok_or_else(|| format!("`{name}` is not a choice"))
    }

    fn figure(&mut self, name: &str) -> Result<Decimal, String> {
        Decimal::parse_or_zero(self.text(name)?).map_err(|_| format!("`{name}` is not a figure"))
    }

    fn milliseconds(&mut self, name: &str) -> Result<u32, String> {
        let thousandths = self.figure(name)?.thousandths().and_then(|ms| u32::try_from(ms).ok());
        thousandths.ok_or_else(|| format!("`{name}` is no time in seconds"))
    }

    fn figure_or_off(&mut self, name: &str) -> Result<Option<Decimal>, String> {
        match self.text(name)? {
            OFF => Ok(None),
            text => Decimal::parse_or_zero(text).map(Some).map_err(|_| format!("`{name}` is not a figure")),
        }
    }
}

pub(crate) fn from_text(text: &str) -> Result<Policy, String> {
    let mut lines = Lines::new(text)?;
    let policy = Policy {
        withdrawal_limit: lines.figure("withdrawal_limit")?,
        daily_withdrawal_limit: lines.figure_or_off("daily_withdrawal_limit")?,
        daily_transfer_limit: lines.figure_or_off("daily_transfer_limit")?,
        deposit_limit: lines.figure("deposit_limit")?,
        daily_deposit_limit: lines.figure("daily_deposit_limit")?,
        overdraft_limit: lines.figure("overdraft_limit")?,
        overdraft_fee: lines.figure("overdraft_fee")?,
        pin_tries: lines.number("pin_tries")?,
        pin_block_s: lines.number("pin_block_s")?,
        pin_blocks: lines.number("pin_blocks")?,
        atm_session_idle_s: lines.number("atm_session_idle_s")?,
        online_session_idle_s: lines.number("online_session_idle_s")?,
        online_session_s: lines.number("online_session_s")?,
        notes_per_withdrawal: lines.number("notes_per_withdrawal")?,
        password_burst: lines.number("password_burst")?,
        password_per_minute: lines.number("password_per_minute")?,
        address_log_in_burst: lines.number("address_log_in_burst")?,
        address_log_in_per_second: lines.number("address_log_in_per_second")?,
        address_sign_up_burst: lines.number("address_sign_up_burst")?,
        address_sign_up_every_ms: lines.milliseconds("address_sign_up_every_s")?,
        time_zone: lines.text("time_zone")?.to_owned(),
        terminals: terminal_values(&mut lines)?,
    };
    match lines.0.keys().next() {
        Some(name) => Err(format!("`{name}` is no policy value of this version")),
        None => Ok(policy),
    }
}

fn terminal_values(lines: &mut Lines<'_>) -> Result<TerminalPolicy, String> {
    Ok(TerminalPolicy {
        machine_deposit_limit: lines.figure("machine_deposit_limit")?,
        offline_balance: lines.word("offline_balance", terminals::balance_of)?,
        offline_deposit: lines.word("offline_deposit", terminals::deposit_of)?,
        offline_transfer: lines.word("offline_transfer", terminals::transfer_of)?,
        offline_withdrawal: lines.word("offline_withdrawal", terminals::cash_of)?,
        offline_card_limit: lines.figure("offline_card_limit")?,
        offline_outage_limit: lines.figure("offline_outage_limit")?,
        offline_hot_list_age_s: lines.number("offline_hot_list_age_s")?,
        offline_lease: lines.figure("offline_lease")?,
        offline_fleet_limit: lines.figure("offline_fleet_limit")?,
        note_mix: lines.word("note_mix", terminals::mix_of)?,
        device_errors: lines.number("device_errors")?,
        customer_wait_s: lines.number("customer_wait_s")?,
        taking_wait_s: lines.number("taking_wait_s")?,
        fast_cash: lines.text("fast_cash")?.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes() {
        let policy = Policy {
            daily_withdrawal_limit: None,
            daily_transfer_limit: Some(Decimal::new(1_50, 2)),
            address_sign_up_every_ms: 100,
            time_zone: "Europe/Vienna".to_owned(),
            ..Policy::default()
        };
        for policy in [Policy::default(), policy] {
            assert_eq!(from_text(&to_text(&policy)), Ok(policy));
        }
    }

    #[test]
    fn refuses_missing_unknown_and_repeated_names() {
        let good = to_text(&Policy::default());
        let check = |text: String, expected: &str| assert_eq!(from_text(&text), Err(expected.to_owned()));
        check(good.replace("pin_tries=3\n", ""), "`pin_tries` is missing");
        check(good.clone() + "pin_trys=3\n", "`pin_trys` is no policy value of this version");
        check(good.clone() + "pin_tries=4\n", "`pin_tries` stands there twice");
        check(good.replace("pin_tries=3", "pin_tries=300"), "`pin_tries` is not a number of its kind");
        check(good.replace("withdrawal_limit=500\n", "withdrawal_limit=-500\n"), "`withdrawal_limit` is not a figure");
        let finer = good.replace("address_sign_up_every_s=10\n", "address_sign_up_every_s=0.0001\n");
        check(finer, "`address_sign_up_every_s` is no time in seconds");
        check(good + "x\n", "`x` is not name=value");
    }
}
