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
