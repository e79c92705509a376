//! A count of a machine's cash against what its mirror says: what it comes to, and its postings.

use crate::command::{CountedCassette, Replenish};
use crate::currency::Currency;
use crate::id::TransferId;
use crate::ledger::{BankAccount, LedgerAccount, TransferKind};
use crate::machine::Holdings;
use crate::money::{Amount, Decimal};
use crate::outcome::Refusal;
use crate::replenishment::{CashCount, CassetteCount};

use super::{Draft, Posting};

/// What a count comes to, in minor units.
pub(super) struct Tally {
    /// The machine's cash afterwards.
    pub(super) holdings: Holdings,
    /// What should have been in the parts that were emptied.
    expected: i64,
    /// What was.
    counted: i64,
    /// What was brought.
    brought: i64,
}

/// A part of a shortage that an open suspect explains.
#[derive(Clone, Copy)]
pub(super) struct Explained {
    /// The suspect's approval.
    pub(super) by: Option<TransferId>,
    /// How much.
    pub(super) amount: Amount,
}

/// What was counted, by place. Where cassettes share a denomination, the first that is named is the first in the machine,
/// and so on. A cassette or bin that is not named was not opened and stays as it is.
pub(super) fn placed(command: &Replenish, holdings: &Holdings, currency: Currency) -> Result<CashCount, Refusal> {
    let mut cassettes = Vec::new();
    for (at, named) in command.cassettes.iter().enumerate() {
        let earlier = command.cassettes[..at].iter().filter(|other| other.denomination == named.denomination);
        let position = position(named, earlier.count(), holdings, currency)?;
        cassettes.push(CassetteCount { position, counted_out: named.counted_out, counted_in: named.counted_in });
    }
    let bin = |counted: Option<Decimal>| {
        let counted = counted.map(|counted| counted.to_amount(currency).map_err(|_| Refusal::InvalidAmount));
        Ok::<_, Refusal>(counted.transpose()?.map(Amount::minor))
    };
    let (deposit_bin, reject_bin) = (bin(command.deposit_bin)?, bin(command.reject_bin)?);
    Ok(CashCount { cassettes, deposit_bin, reject_bin, retract_bin: bin(command.retract_bin)? })
}

/// The place of the `nth` cassette of a denomination.
fn position(named: &CountedCassette, nth: usize, holdings: &Holdings, currency: Currency) -> Result<usize, Refusal> {
    let note = named.denomination.to_amount(currency).map_err(|_| Refusal::InvalidAmount)?.minor();
    let same = holdings.cassettes.iter().enumerate().filter(|(_, cassette)| cassette.denomination == note);
    same.map(|(at, _)| at).nth(nth).ok_or(Refusal::InvalidRequest { field: "cassettes" })
}

impl Tally {
    /// Adds up a count against what the machine held.
    pub(super) fn of(count: &CashCount, holdings: Holdings) -> Result<Self, Refusal> {
        let mut tally = Self { holdings, expected: 0, counted: 0, brought: 0 };
        for cassette in &count.cassettes {
            tally.cassette(*cassette)?;
        }
        let Holdings { deposit_bin, reject_bin, retract_bin, .. } = tally.holdings;
        tally.holdings.deposit_bin = tally.bin(deposit_bin, count.deposit_bin)?;
        tally.holdings.reject_bin = tally.bin(reject_bin, count.reject_bin)?;
        tally.holdings.retract_bin = tally.bin(retract_bin, count.retract_bin)?;
        let largest = [tally.expected, tally.counted, tally.brought].into_iter().max();
        if largest > Some(Amount::LARGEST_REQUEST_MINOR) { Err(Refusal::InvalidAmount) } else { Ok(tally) }
    }

    /// Counted less expected: negative = short, positive = over.
    pub(super) const fn difference(&self) -> i64 {
        self.counted - self.expected
    }

    fn cassette(&mut self, count: CassetteCount) -> Result<(), Refusal> {
        let gone = Refusal::InvalidRequest { field: "cassettes" };
        let cassette = self.holdings.cassettes.get_mut(count.position).ok_or(gone)?;
        let (note, held) = (cassette.denomination, i64::from(cassette.count));
        cassette.count = count.counted_in;
        let value = |notes: i64| note.checked_mul(notes).ok_or(Refusal::InvalidAmount);
        self.expected = sum(self.expected, value(held)?)?;
        self.counted = sum(self.counted, value(i64::from(count.counted_out))?)?;
        self.brought = sum(self.brought, value(i64::from(count.counted_in))?)?;
        Ok(())
    }

    /// Counts a bin that holds `held`; gives what it holds afterwards.
    fn bin(&mut self, held: i64, counted: Option<i64>) -> Result<i64, Refusal> {
        let Some(counted) = counted else {
            return Ok(held);
        };
        self.expected = sum(self.expected, held)?;
        self.counted = sum(self.counted, counted)?;
        Ok(0)
    }

    /// Posts it; what is zero posts nothing. Of a shortage, what suspects explain waits in suspense.
    pub(super) fn post(&self, draft: &mut Draft<'_>, currency: Currency, explained: &[Explained]) {
        let machine = self.holdings.machine;
        let cash = LedgerAccount::AtmCash(machine, currency);
        let bank = |account| LedgerAccount::Bank(account, currency);
        let (vault, over_short) = (bank(BankAccount::Vault), bank(BankAccount::OverShort));
        let mut put = |(kind, debit, credit), minor: i64, concerns| {
            if minor > 0 {
                let (amount, machine) = (Amount::new(minor, currency), Some(machine));
                draft.post(Posting { kind, debit, credit, amount, machine, card: None, concerns });
            }
        };
        for Explained { by, amount } in explained {
            put((TransferKind::ShortageHeld, bank(BankAccount::Suspense), cash), amount.minor(), *by);
        }
        let held: i64 = explained.iter().map(|explained| explained.amount.minor()).sum();
        put((TransferKind::Shortage, over_short, cash), -self.difference() - held, None);
        put((TransferKind::Surplus, cash, over_short), self.difference(), None);
        put((TransferKind::Removal, vault, cash), self.counted, None);
        put((TransferKind::Replenishment, cash, vault), self.brought, None);
    }
}

fn sum(left: i64, right: i64) -> Result<i64, Refusal> {
    left.checked_add(right).ok_or(Refusal::InvalidAmount)
}
