//! A machine's cash is counted, fetched and renewed, in one posting each: the difference between the count and the
//! ledger, the removal of what was counted, the notes brought. It does not matter whether the machine is switched on.
//! Where a terminal stands, this is an order that the terminal carries out; it posts when the terminal tells so.

use crate::change::Row;
use crate::command::Replenish;
use crate::event::{Actor, AuditKind};
use crate::facts::{Facts, Keys, Lookups};
use crate::id::{OperatorId, RequestId};
use crate::machine::MachineKind;
use crate::money::Amount;
use crate::outcome::{Done, Refusal, Replenished};
use crate::replenishment::{CashCount, Replenishment};
use crate::session::Role;
use crate::time::BusinessDate;

use super::tally::{Tally, placed};
use super::{Decide, Draft, Stop, permit};

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
            keys.terminals.insert(machine.id);
            keys.replenishments.insert(machine.id);
            let own = machine.currency.and_then(|currency| machine.loaded_cash_account(currency));
            keys.cash.extend(own);
        }
    }

    fn decide(&self, draft: &mut Draft<'_>) -> Result<Done, Stop> {
        let operator = permit::operator(draft, &self.session, &[Role::Custodian])?;
        let machine = permit::atm(draft, self.machine)?;
        let currency = machine.currency.expect("every ATM has a currency");
        let holdings = draft.facts.holdings.at(&machine.id).clone();
        let count = placed(self, &holdings, currency)?;
        let tally = Tally::of(&count, holdings)?;
        draft.replay(self.request)?;
        match machine.kind {
            MachineKind::Api => {}
            MachineKind::Terminal => return self.order(draft, operator, count),
            MachineKind::Counter => return Err(Refusal::TerminalOnly.into()),
        }
        tally.post(draft, currency, &[]);
        let cash = Amount::new(tally.holdings.cash(), currency);
        let difference = Amount::new(tally.difference(), currency);
        draft.set(Row::Holdings(tally.holdings));
        let detail = format!("holds {cash} {currency}, difference {difference}");
        draft.audit(Actor::Operator(operator), AuditKind::Replenished, machine.id, detail);
        draft.touch(&self.session);
        Ok(Done::Replenished(Replenished { machine: machine.id, cash, difference }))
    }
}

impl Replenish {
    /// The terminal is to do it. A count goes to the exchange that was opened before, if there is one.
    fn order(&self, draft: &mut Draft<'_>, operator: OperatorId, count: CashCount) -> Result<Done, Stop> {
        let machine = self.machine;
        if draft.facts.terminals.find(&machine).is_none() {
            return Err(Refusal::TerminalOnly.into());
        }
        let last = draft.facts.replenishments.find(&machine).cloned();
        let (row, what) = match last {
            Some(open) if open.posted.is_none() && open.count.is_some() => {
                return Err(Refusal::ReplenishmentOpen.into());
            }
            Some(open) if open.posted.is_none() => (Replenishment { count: Some(count), ..open }, "counted"),
            earlier => {
                let number = earlier.map_or(1, |earlier| earlier.number + 1);
                let count = Some(count).filter(|count| !count.is_empty());
                let what = if count.is_some() { "ordered and counted" } else { "ordered" };
                let ordered = draft.moment.now;
                (Replenishment { machine, number, operator, ordered, count, posted: None }, what)
            }
        };
        let number = row.number;
        draft.set(Row::Replenishment(row));
        let detail = format!("{number} {what}");
        draft.audit(Actor::Operator(operator), AuditKind::ReplenishmentOrdered, machine, detail);
        draft.touch(&self.session);
        Ok(Done::ReplenishmentOrdered { machine, number })
    }
}

#[cfg(test)]
mod tests {
    use super::super::Replay;
    use super::super::world::{World, figure, usd};
    use super::*;
    use crate::change::Change;
    use crate::command::CountedCassette;
    use crate::currency::Currency;
    use crate::id::MachineId;
    use crate::ledger::{BankAccount, LedgerAccount, TransferKind};
    use crate::machine::{Holdings, Machine, MachineStatus};
    use crate::mix::Cassette;

    /// What the machine of the tests holds: 100 × 50, 200 × 20 and 100 × 10.
    const FULL: i64 = 10_000_00;

    fn filled(world: &mut World, kind: MachineKind) -> MachineId {
        let id = world.machine("ATM1", kind);
        let row = Machine { status: MachineStatus::Inactive, ..world.facts.machines.at(&id).clone() };
        world.apply(Change::Row(Row::Machine(row)));
        id
    }

    fn replenish(world: &mut World, machine: MachineId, notes: &[(&str, u32, u32)]) -> Replenish {
        let counted = |&(denomination, counted_out, counted_in): &(&str, u32, u32)| CountedCassette {
            denomination: figure(denomination),
            counted_out,
            counted_in,
        };
        Replenish {
            session: world.operator(Role::Custodian),
            request: world.request(),
            machine,
            cassettes: notes.iter().map(counted).collect(),
            deposit_bin: None,
            reject_bin: None,
            retract_bin: None,
        }
    }

    fn check(notes: &[(&str, u32, u32)], cash: i64, difference: i64) -> World {
        let mut world = World::new();
        let id = filled(&mut world, MachineKind::Api);
        let command = replenish(&mut world, id, notes);
        let done = Replenished { machine: id, cash: usd(cash), difference: usd(difference) };
        assert_eq!(world.run(command), Ok(Done::Replenished(done)), "{notes:?}");
        assert_eq!(world.cash(id), cash, "{notes:?}");
        assert_eq!(world.moved(TransferKind::Surplus), difference.max(0));
        assert_eq!(world.moved(TransferKind::Shortage), (-difference).max(0));
        world
    }

    #[test]
    fn posts_differences_removal_and_notes_brought() {
        let exact = check(&[("50", 100, 80)], FULL - 1_000_00, 0);
        assert_eq!(exact.moved(TransferKind::Removal), 5_000_00);
        assert_eq!(exact.moved(TransferKind::Replenishment), FULL + 4_000_00);
        assert_eq!(exact.audits(AuditKind::Replenished).len(), 1);
        check(&[("50", 99, 100)], FULL, -50_00);
        check(&[("50", 101, 100)], FULL, 50_00);
        check(&[("50", 99, 100), ("20", 203, 0), ("10.0", 100, 100)], FULL - 4_000_00, 10_00);
        let gone = check(&[("50", 0, 0), ("20", 0, 0), ("10", 0, 0)], 0, -FULL);
        assert_eq!(gone.moved(TransferKind::Removal), 0, "nothing was there to fetch");
        check(&[], FULL, 0);
    }

    #[test]
    fn empties_the_bins_that_are_named() {
        let mut world = World::new();
        let id = filled(&mut world, MachineKind::Api);
        let row = world.facts.holdings.at(&id).clone();
        let row = Holdings { deposit_bin: 300_00, reject_bin: 40_00, retract_bin: 7_00, ..row };
        world.apply(Change::Row(Row::Holdings(row)));
        let cash = LedgerAccount::AtmCash(id, Currency::USD);
        let vault = LedgerAccount::Bank(BankAccount::Vault, Currency::USD);
        world.post(TransferKind::Replenishment, cash, vault, usd(347_00));
        let (deposit_bin, reject_bin) = (Some(figure("310.00")), Some(figure("0")));
        let command = Replenish { deposit_bin, reject_bin, ..replenish(&mut world, id, &[]) };
        let done = Replenished { machine: id, cash: usd(FULL + 7_00), difference: usd(-30_00) };
        assert_eq!(world.run(command.clone()), Ok(Done::Replenished(done)));
        let held = world.facts.holdings.at(&id);
        assert_eq!((held.deposit_bin, held.reject_bin, held.retract_bin), (0, 0, 7_00));
        assert_eq!(world.cash(id), FULL + 7_00);
        let repeat = world.decide(command);
        assert_eq!((repeat.outcome, repeat.replay), (Ok(Done::Replenished(done)), Replay::Repeat));
        assert_eq!(world.cash(id), FULL + 7_00, "a repeat counts nothing again");
    }

    #[test]
    fn takes_cassettes_of_one_denomination_in_order() {
        let mut world = World::new();
        let id = filled(&mut world, MachineKind::Api);
        let mut row = world.facts.holdings.at(&id).clone();
        row.cassettes = [100, 50, 50].map(|count| Cassette { denomination: 50_00, count }).to_vec();
        world.apply(Change::Row(Row::Holdings(row)));
        let command = replenish(&mut world, id, &[("50", 99, 80), ("50.00", 50, 40)]);
        let done = Replenished { machine: id, cash: usd(8_500_00), difference: usd(-50_00) };
        assert_eq!(world.run(command), Ok(Done::Replenished(done)));
        let counts: Vec<u32> = world.facts.holdings.at(&id).cassettes.iter().map(|cassette| cassette.count).collect();
        assert_eq!(counts, [80, 40, 50], "the third was not opened");
        assert_eq!(world.cash(id), 8_500_00);
    }

    #[test]
    fn refuses_a_count_that_cannot_be() {
        let field = Refusal::InvalidRequest { field: "cassettes" };
        for (notes, expected) in [
            (vec![("5", 1, 1)], field.clone()),
            (vec![("50", 1, 1), ("50.00", 1, 1)], field),
            (vec![("50.001", 1, 1)], Refusal::InvalidAmount),
            (vec![("50", u32::MAX, 1)], Refusal::InvalidAmount),
            (vec![("50", 1, u32::MAX)], Refusal::InvalidAmount),
        ] {
            let mut world = World::new();
            let id = filled(&mut world, MachineKind::Api);
            let command = replenish(&mut world, id, &notes);
            let decision = world.decide(command);
            assert_eq!((decision.outcome, decision.changes.len()), (Err(expected), 0), "{notes:?}");
        }
    }

    #[test]
    fn leaves_terminals_to_themselves_and_finds_no_counter() {
        let mut world = World::new();
        let terminal = filled(&mut world, MachineKind::Terminal);
        let command = replenish(&mut world, terminal, &[("50", 100, 100)]);
        assert_eq!(world.run(command), Err(Refusal::TerminalOnly));
        let counter = world.machine("C1", MachineKind::Counter);
        let command = replenish(&mut world, counter, &[]);
        assert_eq!(world.run(command), Err(Refusal::AtmNotFound));
        let clerk = Replenish { session: world.operator(Role::Clerk), ..replenish(&mut world, terminal, &[]) };
        assert_eq!(world.run(clerk), Err(Refusal::Forbidden));
    }
}
