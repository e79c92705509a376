//! Terminals, their leases and visits, cases and notices: rows read, and the texts that stand for choices.
//!
//! What is written stands in `commit/terminals.rs`.

use cashpoint_core::card::CardState;
use cashpoint_core::case::{Case, Matter};
use cashpoint_core::currency::Currency;
use cashpoint_core::customer::Sealed;
use cashpoint_core::enrolled::{
    EnrolledTerminal, GrantedLease, JournalHead, JournalTrust, LaneNumbers, SealedKeys, StaffOrder, StoredNotice,
};
use cashpoint_core::facts::{Facts, Keys};
use cashpoint_core::id::{AccountNumber, CardId, CaseId, MachineId, RequestKey, SessionId};
use cashpoint_core::money::Amount;
use cashpoint_core::policy::OfflineCash;
use cashpoint_core::session::Session;
use cashpoint_core::terminal::link::HostCommandKind;
use cashpoint_core::terminal::settings::{
    Mix, OfflineBalance, OfflineDeposit, OfflineLimits, OfflineTransfer, OfflineWithdrawal, PartitionPolicy,
};
use cashpoint_core::withdrawal::WithdrawalIdentity;
use rusqlite::{Connection, OptionalExtension, Row};

use super::resolve::fill;
use super::{SqliteReads, rows};
use crate::store::{StoreError, TerminalReads};

type Read<T> = rusqlite::Result<T>;

/// Names of choices, both ways.
macro_rules! words {
    ($($write:ident, $read:ident: $type:ty { $($variant:path = $word:literal),* $(,)? })*) => {
        $(
            pub(crate) const fn $write(choice: $type) -> &'static str {
                match choice { $($variant => $word),* }
            }

            pub(crate) fn $read(word: &str) -> Option<$type> {
                match word { $($word => Some($variant),)* _ => None }
            }
        )*
    };
}

words! {
    balance_word, balance_of: OfflineBalance { OfflineBalance::Hide = "hide", OfflineBalance::Stale = "stale" }
    deposit_word, deposit_of: OfflineDeposit { OfflineDeposit::Store = "store", OfflineDeposit::Refuse = "refuse" }
    transfer_word, transfer_of: OfflineTransfer { OfflineTransfer::Store = "store", OfflineTransfer::Refuse = "refuse" }
    cash_word, cash_of: OfflineCash { OfflineCash::Refuse = "refuse", OfflineCash::Limited = "limited" }
    mix_word, mix_of: Mix { Mix::Least = "least", Mix::Even = "even" }
    order_word, order_of: HostCommandKind { HostCommandKind::Close = "close", HostCommandKind::Open = "open" }
}

/// A terminal's own partition policy: its words and figures (minor units) with spaces between.
pub(super) fn partition_text(policy: &PartitionPolicy) -> String {
    let words = [balance_word(policy.balance), deposit_word(policy.deposit), transfer_word(policy.transfer)].join(" ");
    match policy.withdrawal {
        OfflineWithdrawal::Refuse => format!("{words} refuse"),
        OfflineWithdrawal::Limited(OfflineLimits { per_card, per_outage, hot_list_age_s, lease }) => {
            let [per_card, per_outage, lease] = [per_card, per_outage, lease].map(Amount::minor);
            format!("{words} limited {per_card} {per_outage} {hot_list_age_s} {lease}")
        }
    }
}

fn partition_of(text: &str, currency: Currency) -> Option<PartitionPolicy> {
    let words: Vec<&str> = text.split(' ').collect();
    let [balance, deposit, transfer, withdrawal, limits @ ..] = words.as_slice() else {
        return None;
    };
    let amount = |text: &str| text.parse().ok().map(|minor| Amount::new(minor, currency));
    let withdrawal = match (cash_of(withdrawal)?, limits) {
        (OfflineCash::Refuse, []) => OfflineWithdrawal::Refuse,
        (OfflineCash::Limited, [per_card, per_outage, age, lease]) => OfflineWithdrawal::Limited(OfflineLimits {
            per_card: amount(per_card)?,
            per_outage: amount(per_outage)?,
            hot_list_age_s: age.parse().ok()?,
            lease: amount(lease)?,
        }),
        (OfflineCash::Refuse | OfflineCash::Limited, _) => return None,
    };
    let (balance, deposit, transfer) = (balance_of(balance)?, deposit_of(deposit)?, transfer_of(transfer)?);
    Some(PartitionPolicy { balance, deposit, transfer, withdrawal })
}

/// Reads the rows of `keys` that this module knows and `facts` do not hold.
pub(super) fn load(connection: &Connection, keys: &Keys, facts: &mut Facts) -> Result<(), StoreError> {
    fill((&mut facts.cases, &keys.cases), connection, &cases("WHERE c.id = ?"), |statement, id| {
        statement.query_row([id.number()], case)
    })?;
    fill(
        (&mut facts.visits, &keys.visits),
        connection,
        "SELECT v.at FROM visits v JOIN machines m ON m.number = v.machine WHERE m.id = ? AND v.card = ?",
        |statement, (machine, card)| {
            statement.query_row((machine.as_str(), card.number()), |row| rows::time(row, "at"))
        },
    )?;
    fill((&mut facts.terminals, &keys.terminals), connection, &terminals("WHERE m.id = ?"), |statement, id| {
        statement.query_row([id.as_str()], |row| terminal(connection, row))
    })
}

fn cases(condition: &str) -> String {
    format!("SELECT c.*, m.id AS place FROM cases c JOIN machines m ON m.number = c.machine {condition}")
}

fn terminals(condition: &str) -> String {
    format!(
        "SELECT t.*, m.id AS place, m.currency FROM terminals t JOIN machines m ON m.number = t.machine {condition}"
    )
}

/// A row of `cases`, and place: the machine's id.
fn case(row: &Row<'_>) -> Read<Case> {
    let transfer = rows::transfer_id_if_any(row, "transfer")?;
    Ok(Case {
        id: CaseId::new(row.get("id")?),
        matter: rows::parsed(row, "matter", |name| Matter::parse(name, transfer).ok())?,
        machine: rows::machine_id(row, "place")?,
        amount: Amount::new(row.get("amount")?, rows::currency(row, "currency")?),
        account: account(row, "account")?,
        card: rows::optional(row, "card", CardId::new)?,
        opened: rows::time_if_any(row, "opened")?,
        evidence: row.get("evidence")?,
        resolved: row.get("resolved")?,
    })
}

/// An account as somebody told it; it need not be one.
fn account(row: &Row<'_>, column: &str) -> Read<AccountNumber> {
    rows::parsed(row, column, |text| text.parse().ok().map(AccountNumber::new))
}

/// A row of `terminals`, place: the machine's id, and the machine's currency.
fn terminal(connection: &Connection, row: &Row<'_>) -> Read<EnrolledTerminal> {
    let currency = rows::currency(row, "currency")?;
    let head = row.get::<_, Option<i64>>("head")?.map(|n| n.unsigned_abs());
    let head = head.zip(row.get("head_mac")?).map(|(n, mac)| JournalHead { n, mac });
    let journal = rows::parsed(row, "trust", |word| match (word, head) {
        ("open", None) => Some(JournalTrust::Open),
        ("kept", Some(head)) => Some(JournalTrust::Kept(head)),
        ("doubted", Some(head)) => Some(JournalTrust::Doubted(head)),
        _ => None,
    })?;
    let partition: Option<String> = row.get("partition_policy")?;
    let partition = partition
        .map(|text| partition_of(&text, currency).ok_or_else(|| rows::corrupt("terminals.partition_policy", &text)));
    let order: Option<String> = row.get("order_kind")?;
    let order = order.map(|word| order_of(&word).ok_or_else(|| rows::corrupt("terminals.order_kind", &word)));
    let number: Option<i64> = row.get("order_number")?;
    let order = order.transpose()?.zip(number);
    Ok(EnrolledTerminal {
        machine: rows::machine_id(row, "place")?,
        key: row.get("key")?,
        enrolled: rows::time(row, "enrolled")?,
        numbers: LaneNumbers {
            online: rows::number(row, "number_online")?,
            advice: rows::number(row, "number_advice")?,
            heartbeat: rows::number(row, "number_heartbeat")?,
        },
        journal,
        seen: rows::time(row, "seen")?,
        partition: partition.transpose()?,
        partition_changes: rows::number(row, "partition_changes")?,
        order: order.map(|(kind, number)| StaffOrder { number: number.unsigned_abs(), kind }),
        deposited: (rows::date(row, "deposited_on")?, row.get("deposited")?),
        leases: leases(connection, row.get("machine")?, currency)?,
    })
}

fn leases(connection: &Connection, machine: i64, currency: Currency) -> Read<Vec<GrantedLease>> {
    let sql = "SELECT * FROM leases WHERE machine = ? ORDER BY granted, nonce";
    let mut statement = connection.prepare_cached(sql)?;
    let read = statement.query_map([machine], |row| {
        Ok(GrantedLease {
            nonce: row.get("nonce")?,
            amount: Amount::new(row.get("amount")?, currency),
            used: row.get("used")?,
            presents: rows::number(row, "presents")?,
            granted: rows::time(row, "granted")?,
            closed: row.get("closed")?,
        })
    })?;
    read.collect()
}

impl TerminalReads for SqliteReads {
    fn session_by_id(&mut self, id: SessionId) -> Result<Option<Session>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT s.*, m.id AS place FROM sessions s LEFT JOIN machines m ON m.number = s.machine WHERE s.id = ?",
        )?;
        Ok(statement.query_row([id.number()], rows::session).optional()?)
    }

    fn terminals(&mut self) -> Result<Vec<EnrolledTerminal>, StoreError> {
        let snapshot = self.snapshot()?;
        let mut statement = snapshot.prepare_cached(&terminals("ORDER BY m.id"))?;
        let read = statement.query_map([], |row| terminal(&snapshot, row))?;
        Ok(read.collect::<Read<_>>()?)
    }

    fn terminal_keys(&mut self, machine: MachineId) -> Result<Option<SealedKeys>, StoreError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT k.* FROM terminal_keys k JOIN machines m ON m.number = k.machine WHERE m.id = ?")?;
        let read = statement.query_row([machine.as_str()], |row| {
            Ok(SealedKeys {
                data_key: (rows::number(row, "data_key_version")?, Sealed(row.get("data_key")?)),
                secrets: Sealed(row.get("secrets")?),
            })
        });
        Ok(read.optional()?)
    }

    fn original(&mut self, request: RequestKey) -> Result<Option<WithdrawalIdentity>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT w.*, m.id AS place FROM withdrawals w JOIN machines m ON m.number = w.machine WHERE w.request = ?",
        )?;
        Ok(statement.query_row([request], rows::withdrawal_identity).optional()?)
    }

    fn spent_cards(&mut self, machine: MachineId) -> Result<Vec<CardId>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT v.card FROM machines m JOIN visits v ON v.machine = m.number JOIN card_states s ON s.id = v.card
                 LEFT JOIN card_pins p ON p.card = v.card
             WHERE m.id = ? AND (s.state <> ? OR p.state IN ('blocked', 'locked'))",
        )?;
        let good = super::names::card_state(CardState::Active);
        let read = statement.query_map((machine.as_str(), good), |row| row.get(0).map(CardId::new))?;
        Ok(read.collect::<Read<_>>()?)
    }

    fn notices(&mut self, card: CardId) -> Result<Vec<(i64, StoredNotice)>, StoreError> {
        let mut statement =
            self.connection.prepare_cached("SELECT * FROM notices WHERE card = ? AND told = 0 ORDER BY id")?;
        let read = statement.query_map([card.number()], |row| {
            let notice = StoredNotice {
                card,
                at: rows::time(row, "at")?,
                amount: Amount::new(row.get("amount")?, rows::currency(row, "currency")?),
                target: account(row, "target")?,
                code: row.get("code")?,
            };
            Ok((row.get("id")?, notice))
        })?;
        Ok(read.collect::<Read<_>>()?)
    }

    fn case(&mut self, id: CaseId) -> Result<Option<Case>, StoreError> {
        let mut statement = self.connection.prepare_cached(&cases("WHERE c.id = ?"))?;
        Ok(statement.query_row([id.number()], case).optional()?)
    }

    fn cases(&mut self, open: crate::store::CasesWanted, after: i64, limit: usize) -> Result<Vec<Case>, StoreError> {
        let condition = match open {
            crate::store::CasesWanted::Open => "WHERE c.id > ? AND c.resolved IS NULL ORDER BY c.id LIMIT ?",
            crate::store::CasesWanted::All => "WHERE c.id > ? ORDER BY c.id LIMIT ?",
        };
        let mut statement = self.connection.prepare_cached(&cases(condition))?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let read = statement.query_map((after, limit), case)?;
        Ok(read.collect::<Read<_>>()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_partition_policies_that_it_writes() {
        let usd = |minor| Amount::new(minor, Currency::USD);
        let limits = OfflineLimits { per_card: usd(1), per_outage: usd(2), hot_list_age_s: 3, lease: usd(4) };
        let open = PartitionPolicy {
            balance: OfflineBalance::Stale,
            deposit: OfflineDeposit::Store,
            transfer: OfflineTransfer::Store,
            withdrawal: OfflineWithdrawal::Limited(limits),
        };
        assert_eq!(partition_text(&open), "stale store store limited 1 2 3 4");
        for policy in [PartitionPolicy::STRICT, open] {
            assert_eq!(partition_of(&partition_text(&policy), Currency::USD), Some(policy));
        }
        for bad in [
            "",
            "hide refuse refuse",
            "hide refuse refuse refuse 1",
            "hide refuse refuse limited 1 2 3",
            "x refuse refuse refuse",
        ] {
            assert_eq!(partition_of(bad, Currency::USD), None, "{bad}");
        }
    }
}
