//! What is read for terminals and their cases.

use cashpoint_core::case::Case;
use cashpoint_core::enrolled::{EnrolledTerminal, SealedKeys, StoredNotice};
use cashpoint_core::id::{CardId, CaseId, MachineId, RequestKey, SessionId, TransferId};
use cashpoint_core::replenishment::Replenishment;
use cashpoint_core::session::Session;
use cashpoint_core::withdrawal::{WithdrawalIdentity, WithdrawalState};

use super::reads::MemoryReads;
use crate::store::{CasesWanted, StoreError, TerminalReads};

impl TerminalReads for MemoryReads {
    fn session_by_id(&mut self, id: SessionId) -> Result<Option<Session>, StoreError> {
        Ok(self.ask(|state| state.sessions.get(&id).map(|(session, _)| *session)))
    }

    fn terminals(&mut self) -> Result<Vec<EnrolledTerminal>, StoreError> {
        Ok(self.ask(|state| state.names.values().filter_map(|id| state.terminals.get(id).cloned()).collect()))
    }

    fn terminal_keys(&mut self, machine: MachineId) -> Result<Option<SealedKeys>, StoreError> {
        Ok(self.ask(|state| state.terminal_keys.get(&machine).cloned()))
    }

    fn original(&mut self, request: RequestKey) -> Result<Option<WithdrawalIdentity>, StoreError> {
        Ok(self.ask(|state| state.withdrawals.get(state.originals.get(&request)?).map(|kept| kept.identity)))
    }

    fn unheard(&mut self, machine: MachineId) -> Result<Vec<TransferId>, StoreError> {
        Ok(self.ask(|state| {
            let approved = |id: &TransferId| {
                state.withdrawals.get(id).is_some_and(|kept| kept.row.state == WithdrawalState::Approved)
            };
            let all = state.machines.get(&machine).into_iter().flat_map(|place| &place.withdrawals);
            let mut unheard: Vec<TransferId> = all.copied().filter(approved).collect();
            unheard.sort_unstable();
            unheard
        }))
    }

    fn spent_cards(&mut self, machine: MachineId) -> Result<Vec<CardId>, StoreError> {
        Ok(self.ask(|state| {
            let Some(place) = state.machines.get(&machine) else { return Vec::new() };
            state.spent.iter().copied().filter(|card| place.visits.contains_key(card)).collect()
        }))
    }

    fn notices(&mut self, card: CardId) -> Result<Vec<(i64, StoredNotice)>, StoreError> {
        Ok(self.ask(|state| state.notices.get(&card).cloned().unwrap_or_default()))
    }

    fn case(&mut self, id: CaseId) -> Result<Option<Case>, StoreError> {
        Ok(self.ask(|state| state.cases.get(&id).cloned()))
    }

    fn cases(&mut self, wanted: CasesWanted, after: i64, limit: usize) -> Result<Vec<Case>, StoreError> {
        let Some(from) = after.checked_add(1).map(CaseId::new) else { return Ok(Vec::new()) };
        Ok(self.ask(|state| match wanted {
            CasesWanted::All => state.cases.range(from..).take(limit).map(|(_, case)| case.clone()).collect(),
            CasesWanted::Open => {
                let open = state.open_cases.range(from..).take(limit);
                open.filter_map(|id| state.cases.get(id).cloned()).collect()
            }
        }))
    }

    fn open_cases(&mut self, machine: MachineId) -> Result<Vec<Case>, StoreError> {
        Ok(self.ask(|state| {
            let open = state.open_cases.iter().filter_map(|id| state.cases.get(id));
            let mut own: Vec<Case> = open.filter(|case| case.machine == machine).cloned().collect();
            own.sort_by_key(|case| (case.opened, case.id));
            own
        }))
    }

    fn replenishment(&mut self, machine: MachineId, number: u64) -> Result<Option<Replenishment>, StoreError> {
        Ok(self.ask(|state| state.replenishments.get(&(machine, number)).cloned()))
    }
}
