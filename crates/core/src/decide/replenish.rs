//! A machine's cash is counted, fetched and renewed, in one posting each: the difference between the count and the
//! ledger, the removal of what was counted, the notes brought. It does not matter whether the machine is switched on.

use crate::change::Row;
use crate::command::{CountedCassette, Replenish};
use crate::currency::Currency;
use crate::event::{Actor, AuditKind};
use crate::facts::{Facts, Keys, Lookups};
use crate::id::RequestId;
use crate::ledger::{BankAccount, LedgerAccount, TransferKind};
use crate::machine::{Holdings, MachineIdentity, MachineKind};
use crate::mix::Cassette;
use crate::money::{Amount, Decimal};
use crate::outcome::{Done, Refusal, Replenished};
use crate::session::Role;
use crate::time::BusinessDate;

use super::{Decide, Draft, Posting, Stop, permit};

impl Decide for Replenish {
    fn request(&self) -> Option<RequestId> {
        Some(self.request)
    }

    fn lookups(&self, lookups: &mut Lookups) {
        lookups.machines.insert(self.machine);
    }

    fn keys(&self, facts: &Facts, _: BusinessDate, keys: &mut Keys) {
        permit::session_keys(&self.session, keys);
        if let Some(machine) = facts.machine_identities.find(&self.machine) {
            keys.holdings.insert(machine.id);
            let own = machine.currency.and_then(|currency| machine.loaded_cash_account(currency));
            keys.cash.extend(own);
        }
    }

    fn decide(&self, draft: &mut Draft<'_>) -> Result<Done, Stop> {
        let operator = permit::operator(draft, &self.session, &[Role::Custodian])?;
        let machine = permit::atm(draft, self.machine)?;
        let currency = machine.currency.expect("every ATM has a currency");
        let count = Count::take(self, draft.facts.holdings.at(&machine.id).clone(), currency)?;
        draft.replay(self.request)?;
        match machine.kind {
            MachineKind::Api => {}
            MachineKind::Terminal | MachineKind::Counter => return Err(Refusal::TerminalOnly.into()),
        }
        count.post(draft, &machine, currency);
        let cash = Amount::new(count.holdings.cash(), currency);
        let difference = Amount::new(count.counted - count.expected, currency);
        draft.set(Row::Holdings(count.holdings));
        let detail = format!("holds {cash} {currency}, difference {difference}");
        draft.audit(Actor::Operator(operator), AuditKind::Replenished, machine.id, detail);
        draft.touch(&self.session);
        Ok(Done::Replenished(Replenished { machine: machine.id, cash, difference }))
    }
}

/// What the count comes to, in minor units.
struct Count {
    /// The machine's cash afterwards.
    holdings: Holdings,
    /// What should have been in the parts that were emptied.
    expected: i64,
    /// What was.
    counted: i64,
    /// What was brought.
    brought: i64,
}

impl Count {
    /// Adds up a count. A denomination is named once and stands for all cassettes of it together: what was counted in
    /// lies in the first of them afterwards. A cassette or bin that is not named stays as it is.
    fn take(command: &Replenish, holdings: Holdings, currency: Currency) -> Result<Self, Refusal> {
        let mut count = Self { holdings, expected: 0, counted: 0, brought: 0 };
        for (at, cassette) in command.cassettes.iter().enumerate() {
            if command.cassettes[..at].iter().any(|other| other.denomination == cassette.denomination) {
                return Err(Refusal::InvalidRequest { field: "cassettes" });
            }
            count.cassette(cassette, currency)?;
        }
        let Holdings { deposit_bin, reject_bin, retract_bin, .. } = count.holdings;
        count.holdings.deposit_bin = count.bin(deposit_bin, command.deposit_bin, currency)?;
        count.holdings.reject_bin = count.bin(reject_bin, command.reject_bin, currency)?;
        count.holdings.retract_bin = count.bin(retract_bin, command.retract_bin, currency)?;
        let largest = [count.expected, count.counted, count.brought].into_iter().max();
        if largest > Some(Amount::LARGEST_REQUEST_MINOR) { Err(Refusal::InvalidAmount) } else { Ok(count) }
    }

    fn cassette(&mut self, named: &CountedCassette, currency: Currency) -> Result<(), Refusal> {
        let note = named.denomination.to_amount(currency).map_err(|_| Refusal::InvalidAmount)?.minor();
        let same = |cassette: &&mut Cassette| cassette.denomination == note;
        let mut cassettes = self.holdings.cassettes.iter_mut().filter(same);
        let first = cassettes.next().ok_or(Refusal::InvalidRequest { field: "cassettes" })?;
        let mut held = i64::from(first.count);
        first.count = named.counted_in;
        for other in cassettes {
            held += i64::from(other.count);
            other.count = 0;
        }
        let value = |notes: i64| note.checked_mul(notes).ok_or(Refusal::InvalidAmount);
        self.expected = sum(self.expected, value(held)?)?;
        self.counted = sum(self.counted, value(i64::from(named.counted_out))?)?;
        self.brought = sum(self.brought, value(i64::from(named.counted_in))?)?;
        Ok(())
    }

    /// Counts a bin that holds `held`; gives what it holds afterwards.
    fn bin(&mut self, held: i64, counted: Option<Decimal>, currency: Currency) -> Result<i64, Refusal> {
        let Some(counted) = counted else {
            return Ok(held);
        };
        let counted = counted.to_amount(currency).map_err(|_| Refusal::InvalidAmount)?;
        self.expected = sum(self.expected, held)?;
        self.counted = sum(self.counted, counted.minor())?;
        Ok(0)
    }

    /// Posts it; what is zero posts nothing.
    fn post(&self, draft: &mut Draft<'_>, machine: &MachineIdentity, currency: Currency) {
        let cash = LedgerAccount::AtmCash(machine.id, currency);
        let vault = LedgerAccount::Bank(BankAccount::Vault, currency);
        let over_short = LedgerAccount::Bank(BankAccount::OverShort, currency);
        let steps = [
            (TransferKind::Shortage, over_short, cash, self.expected - self.counted),
            (TransferKind::Surplus, cash, over_short, self.counted - self.expected),
            (TransferKind::Removal, vault, cash, self.counted),
            (TransferKind::Replenishment, cash, vault, self.brought),
        ];
        for (kind, debit, credit, minor) in steps {
            if minor > 0 {
                let (amount, machine) = (Amount::new(minor, currency), Some(machine.id));
                draft.post(Posting { kind, debit, credit, amount, machine, card: None, concerns: None });
            }
        }
    }
}

fn sum(left: i64, right: i64) -> Result<i64, Refusal> {
    left.checked_add(right).ok_or(Refusal::InvalidAmount)
}
