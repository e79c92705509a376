//! Terminals, their leases and visits, cases and notices, from rows; and the texts that stand for choices.

use cashpoint_core::case::{Case, Matter};
use cashpoint_core::currency::Currency;
use cashpoint_core::enrolled::{
    EnrolledTerminal, GrantedLease, JournalHead, JournalTrust, LaneNumbers, SealedKeys, StaffOrder, StoredNotice,
};
use cashpoint_core::id::{AccountNumber, CardId, CaseId};
use cashpoint_core::money::Amount;
use cashpoint_core::policy::OfflineCash;
use cashpoint_core::terminal::link::HostCommandKind;
use cashpoint_core::terminal::settings::{
    Mix, OfflineBalance, OfflineDeposit, OfflineLimits, OfflineTransfer, OfflineWithdrawal, PartitionPolicy,
};

use super::rows::{self, Read, Row};

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

/// What stands for how far a journal is trusted.
pub(super) const fn trust(journal: JournalTrust) -> (&'static str, Option<JournalHead>) {
    match journal {
        JournalTrust::Open => ("open", None),
        JournalTrust::Kept(head) => ("kept", Some(head)),
        JournalTrust::Doubted(head) => ("doubted", Some(head)),
    }
}

/// A row of `cases`, and place: the machine's id.
pub(super) fn case<R: Row>(row: &R) -> Read<R, Case> {
    let transfer = rows::transfer_id_if_any(row, "transfer")?;
    Ok(Case {
        id: CaseId::new(rows::whole(row, "id")?),
        matter: rows::parsed(row, "matter", |name| Matter::parse(name, transfer).ok())?,
        machine: rows::machine_id(row, "place")?,
        amount: Amount::new(rows::whole(row, "amount")?, rows::currency(row, "currency")?),
        account: account(row, "account")?,
        card: rows::optional(row, "card", CardId::new)?,
        opened: rows::time_if_any(row, "opened")?,
        evidence: rows::text(row, "evidence")?,
        short: rows::whole(row, "short")?,
        resolved: row.whole("resolved")?,
    })
}

/// An account as somebody told it; it need not be one.
fn account<R: Row>(row: &R, column: &str) -> Read<R, AccountNumber> {
    rows::parsed(row, column, |text| text.parse().ok().map(AccountNumber::new))
}

/// A row of `terminals`, place: the machine's id, and the machine's currency; its leases come from their own rows.
pub(super) fn terminal<R: Row>(row: &R, leases: Vec<GrantedLease>) -> Read<R, EnrolledTerminal> {
    let currency = rows::currency(row, "currency")?;
    let head = row.whole("head")?.map(i64::unsigned_abs);
    let head = head.zip(rows::array_if_any(row, "head_mac")?).map(|(n, mac)| JournalHead { n, mac });
    let journal = rows::parsed(row, "trust", |word| match (word, head) {
        ("open", None) => Some(JournalTrust::Open),
        ("kept", Some(head)) => Some(JournalTrust::Kept(head)),
        ("doubted", Some(head)) => Some(JournalTrust::Doubted(head)),
        _ => None,
    })?;
    let order = rows::parsed_if_any(row, "order_kind", order_of)?.zip(row.whole("order_number")?);
    Ok(EnrolledTerminal {
        machine: rows::machine_id(row, "place")?,
        key: rows::array(row, "key")?,
        enrolled: rows::time(row, "enrolled")?,
        numbers: LaneNumbers {
            online: rows::number(row, "number_online")?,
            advice: rows::number(row, "number_advice")?,
            heartbeat: rows::number(row, "number_heartbeat")?,
        },
        journal,
        seen: rows::time(row, "seen")?,
        partition: rows::parsed_if_any(row, "partition_policy", |text| partition_of(text, currency))?,
        partition_changes: rows::number(row, "partition_changes")?,
        order: order.map(|(kind, number)| StaffOrder { number: number.unsigned_abs(), kind }),
        deposited: (rows::date(row, "deposited_on")?, rows::whole(row, "deposited")?),
        leases,
    })
}

/// A row of `leases`, in the currency of its machine.
pub(super) fn lease<R: Row>(row: &R, currency: Currency) -> Read<R, GrantedLease> {
    Ok(GrantedLease {
        nonce: rows::array(row, "nonce")?,
        amount: Amount::new(rows::whole(row, "amount")?, currency),
        used: rows::whole(row, "used")?,
        presents: rows::number(row, "presents")?,
        granted: rows::time(row, "granted")?,
        closed: rows::truth(row, "closed")?,
    })
}

/// A row of `terminal_keys`.
pub(super) fn sealed_keys<R: Row>(row: &R) -> Read<R, SealedKeys> {
    Ok(SealedKeys {
        data_key: (rows::number(row, "data_key_version")?, rows::sealed(row, "data_key")?),
        secrets: rows::sealed(row, "secrets")?,
    })
}

/// A row of `notices`, with its number.
pub(super) fn notice<R: Row>(row: &R) -> Read<R, (i64, StoredNotice)> {
    let notice = StoredNotice {
        card: CardId::new(rows::whole(row, "card")?),
        at: rows::time(row, "at")?,
        amount: Amount::new(rows::whole(row, "amount")?, rows::currency(row, "currency")?),
        target: account(row, "target")?,
        code: rows::text(row, "code")?,
    };
    Ok((rows::whole(row, "id")?, notice))
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
