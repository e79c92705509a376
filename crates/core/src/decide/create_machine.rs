//! Staff set up a machine, with the notes that it is filled with, or a counter, which has none.

use crate::change::New;
use crate::command::{CreateMachine, NewCassette};
use crate::currency::Currency;
use crate::event::{Actor, AuditKind};
use crate::facts::{Facts, Keys, Lookups};
use crate::id::RequestId;
use crate::ledger::{BankAccount, LedgerAccount, TransferKind};
use crate::machine::{Holdings, Machine, MachineIdentity, MachineKind, MachineStatus};
use crate::mix::Cassette;
use crate::money::Amount;
use crate::outcome::{Done, Refusal};
use crate::session::Role;
use crate::time::BusinessDate;

use super::{Decide, Draft, Posting, Stop, permit, settle};

impl Decide for CreateMachine {
    fn request(&self) -> Option<RequestId> {
        Some(self.request)
    }

    fn lookups(&self, lookups: &mut Lookups) {
        lookups.machines.insert(self.machine);
    }

    fn keys(&self, _: &Facts, _: BusinessDate, keys: &mut Keys) {
        permit::session_keys(&self.session, keys);
    }

    fn decide(&self, draft: &mut Draft<'_>) -> Result<Done, Stop> {
        let operator = permit::operator(draft, &self.session, &[Role::Custodian])?;
        let holds = self.holds()?;
        draft.replay(self.request)?;
        if draft.facts.machine_identities.find(&self.machine).is_some() {
            return Err(Refusal::AtmIdTaken.into());
        }
        let (currency, cassettes) = match holds {
            Some((currency, cassettes)) => (Some(currency), cassettes),
            None => (None, Vec::new()),
        };
        let id = self.machine;
        let identity = MachineIdentity { id, kind: self.kind, currency, secret: self.secret };
        let machine = Machine { id, location: self.location.clone(), status: MachineStatus::Active, session: None };
        let holdings = Holdings { machine: id, cassettes, deposit_bin: 0, reject_bin: 0, retract_bin: 0 };
        let cash = holdings.cash();
        draft.add(New::Machine(identity, machine, holdings));
        if let Some(currency) = currency {
            self.fill(draft, Amount::new(cash, currency));
        }
        draft.audit(Actor::Operator(operator), AuditKind::MachineCreated, id, self.kind.name());
        draft.touch(&self.session);
        Ok(Done::MachineCreated(id))
    }
}

impl CreateMachine {
    /// What the notes are, and the cassettes; none for a counter.
    fn holds(&self) -> Result<Option<(Currency, Vec<Cassette>)>, Refusal> {
        match (self.kind, self.currency) {
            (MachineKind::Counter, None) if self.cassettes.is_empty() => Ok(None),
            (MachineKind::Counter, Some(_)) | (MachineKind::Api | MachineKind::Terminal, None) => {
                Err(Refusal::InvalidRequest { field: "currency" })
            }
            (MachineKind::Counter, None) => Err(Refusal::InvalidRequest { field: "cassettes" }),
            (MachineKind::Api | MachineKind::Terminal, Some(currency)) => {
                Ok(Some((currency, self.cassettes(currency)?)))
            }
        }
    }

    /// The cassettes, all together within what one posting may move.
    fn cassettes(&self, currency: Currency) -> Result<Vec<Cassette>, Refusal> {
        let mut cash = 0_i64;
        let mut cassettes = Vec::with_capacity(self.cassettes.len());
        for NewCassette { denomination, count } in &self.cassettes {
            let note = denomination.to_amount(currency).map_err(|_| Refusal::InvalidAmount)?.minor();
            let value = note.checked_mul(i64::from(*count)).and_then(|value| cash.checked_add(value));
            cash =
                value.filter(|&sum| note > 0 && sum <= Amount::LARGEST_REQUEST_MINOR).ok_or(Refusal::InvalidAmount)?;
            cassettes.push(Cassette { denomination: note, count: *count });
        }
        Ok(cassettes)
    }

    /// Opens the machine's accounts and posts the notes that it is filled with.
    fn fill(&self, draft: &mut Draft<'_>, amount: Amount) {
        let [cash, in_flight] = settle::cash_accounts(self.machine, amount.currency());
        draft.open_cash(cash);
        draft.open_cash(in_flight);
        if amount.minor() > 0 {
            draft.post(Posting {
                kind: TransferKind::Replenishment,
                debit: cash,
                credit: LedgerAccount::Bank(BankAccount::Vault, amount.currency()),
                amount,
                machine: Some(self.machine),
                card: None,
                concerns: None,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Replay;
    use super::super::world::{World, figure};
    use super::*;
    use crate::id::MachineId;

    fn create(
        world: &mut World,
        kind: MachineKind,
        currency: Option<Currency>,
        notes: &[(&str, u32)],
    ) -> CreateMachine {
        let cassette = |&(denomination, count): &(&str, u32)| NewCassette { denomination: figure(denomination), count };
        CreateMachine {
            session: world.operator(Role::Custodian),
            request: world.request(),
            machine: MachineId::parse("ATM7").expect("a good id"),
            kind,
            location: "Main Street".to_owned(),
            currency,
            cassettes: notes.iter().map(cassette).collect(),
            secret: [7; 32],
        }
    }

    #[test]
    fn posts_the_notes_that_a_machine_is_filled_with() {
        for (kind, notes, cash) in [
            (MachineKind::Api, vec![("50", 100), ("20.00", 5)], 5_100_00),
            (MachineKind::Terminal, vec![("10", 0)], 0),
            (MachineKind::Api, vec![], 0),
        ] {
            let mut world = World::new();
            let command = create(&mut world, kind, Some(Currency::USD), &notes);
            let id = command.machine;
            assert_eq!(world.run(command.clone()), Ok(Done::MachineCreated(id)));
            assert_eq!((world.cash(id), world.moved(TransferKind::Replenishment)), (cash, cash));
            let in_flight = LedgerAccount::AtmInFlight(id, Currency::USD);
            assert_eq!(world.facts.cash.at(&in_flight).totals.owed(), 0);
            assert_eq!(world.facts.machines.at(&id).status, MachineStatus::Active);
            assert_eq!(world.audits(AuditKind::MachineCreated).len(), 1);
            let repeat = world.decide(command);
            assert_eq!((repeat.outcome, repeat.replay), (Ok(Done::MachineCreated(id)), Replay::Repeat));
            let another = create(&mut world, MachineKind::Counter, None, &[]);
            assert_eq!(world.run(another), Err(Refusal::AtmIdTaken));
        }
    }

    #[test]
    fn makes_a_counter_without_currency_or_notes() {
        let mut world = World::new();
        let command = create(&mut world, MachineKind::Counter, None, &[]);
        let id = command.machine;
        assert_eq!(world.run(command), Ok(Done::MachineCreated(id)));
        assert_eq!(world.facts.machine_identities.at(&id).currency, None);
        assert!(world.log.cash.is_empty(), "a counter's cash is written, never read");
    }

    #[test]
    fn refuses_notes_that_cannot_be() {
        let (api, dollars) = (MachineKind::Api, Some(Currency::USD));
        let field = |field| Refusal::InvalidRequest { field };
        for (kind, currency, notes, expected) in [
            (api, dollars, vec![("0", 1)], Refusal::InvalidAmount),
            (api, dollars, vec![("0.001", 1)], Refusal::InvalidAmount),
            (api, Some(Currency::JPY), vec![("0.5", 1)], Refusal::InvalidAmount),
            (api, dollars, vec![("100000000000", 1), ("0.01", 1)], Refusal::InvalidAmount),
            (api, dollars, vec![("100000000000", u32::MAX)], Refusal::InvalidAmount),
            (api, None, vec![("10", 1)], field("currency")),
            (MachineKind::Counter, dollars, vec![], field("currency")),
            (MachineKind::Counter, None, vec![("10", 1)], field("cassettes")),
        ] {
            let mut world = World::new();
            let command = create(&mut world, kind, currency, &notes);
            assert_eq!(world.run(command), Err(expected), "{notes:?}");
        }
        let mut world = World::new();
        let largest = create(&mut world, api, dollars, &[("100000000000", 1)]);
        assert!(world.run(largest).is_ok(), "ten to the thirteenth is just right");
        let clerk = CreateMachine { session: world.operator(Role::Clerk), ..create(&mut world, api, dollars, &[]) };
        assert_eq!(world.run(clerk), Err(Refusal::Forbidden));
    }
}
