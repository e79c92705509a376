//! Terminals, their leases and visits, cases and notices: which rows are read.

use cashpoint_core::card::CardState;
use cashpoint_core::case::Case;
use cashpoint_core::enrolled::{EnrolledTerminal, SealedKeys, StoredNotice};
use cashpoint_core::id::{CardId, CaseId, MachineId, RequestKey, SessionId, TransferId};
use cashpoint_core::replenishment::Replenishment;
use cashpoint_core::session::Session;
use cashpoint_core::withdrawal::WithdrawalIdentity;

use super::PostgresReads;
use super::history::read;
use super::link::{Query, Value};
use super::values::Uuid;
use super::{READ_ONLY, WITHIN};
use crate::store::{CasesWanted, StoreError, TerminalReads, names, rows, terminals as codec};

type Row = tokio_postgres::Row;

fn text(value: &str) -> Value<'static> {
    Box::new(value.to_owned())
}

impl TerminalReads for PostgresReads {
    fn session_by_id(&mut self, id: SessionId) -> Result<Option<Session>, StoreError> {
        let sql =
            "SELECT s.*, m.id AS place FROM sessions s LEFT JOIN machines m ON m.number = s.machine WHERE s.id = $1";
        self.one(sql, vec![Box::new(id.number())], rows::session)
    }

    fn terminals(&mut self) -> Result<Vec<EnrolledTerminal>, StoreError> {
        self.with(|link| {
            let answers = link.run(
                &[
                    Query::plain(READ_ONLY),
                    Query::plain(
                        "SELECT t.*, m.id AS place, m.currency FROM terminals t JOIN machines m ON m.number = t.machine
                         ORDER BY m.id",
                    ),
                    Query::plain(
                        "SELECT l.*, m.currency FROM leases l JOIN machines m ON m.number = l.machine
                         ORDER BY l.machine, l.granted, l.nonce",
                    ),
                    Query::plain("COMMIT"),
                ],
                WITHIN,
            )?;
            let leases = read(&answers[2].rows, |row| {
                Ok((rows::whole(row, "machine")?, codec::lease(row, rows::currency(row, "currency")?)?))
            })?;
            read(&answers[1].rows, |row| {
                let machine = rows::whole(row, "machine")?;
                let own = leases.iter().filter(|(of, _)| *of == machine).map(|(_, lease)| *lease);
                codec::terminal(row, own.collect())
            })
        })
    }

    fn terminal_keys(&mut self, machine: MachineId) -> Result<Option<SealedKeys>, StoreError> {
        let sql = "SELECT k.* FROM terminal_keys k JOIN machines m ON m.number = k.machine WHERE m.id = $1";
        self.one(sql, vec![text(machine.as_str())], codec::sealed_keys)
    }

    fn original(&mut self, request: RequestKey) -> Result<Option<WithdrawalIdentity>, StoreError> {
        let sql =
            "SELECT w.*, m.id AS place FROM withdrawals w JOIN machines m ON m.number = w.machine WHERE w.request = $1";
        self.one(sql, vec![Box::new(Uuid(request))], rows::withdrawal_identity)
    }

    fn unheard(&mut self, machine: MachineId) -> Result<Vec<TransferId>, StoreError> {
        let sql =
            "SELECT w.id FROM machines m JOIN withdrawals w ON w.machine = m.number JOIN withdrawal_states s ON s.id = w.id
             WHERE m.id = $1 AND s.state = 'approved' ORDER BY w.id";
        self.all(sql, vec![text(machine.as_str())], |row| rows::transfer_id(row, "id"))
    }

    fn spent_cards(&mut self, machine: MachineId) -> Result<Vec<CardId>, StoreError> {
        let sql =
            "SELECT v.card FROM machines m JOIN visits v ON v.machine = m.number JOIN card_states s ON s.id = v.card
                 LEFT JOIN card_pins p ON p.card = v.card
             WHERE m.id = $1 AND (s.state <> $2 OR p.state IN ('blocked', 'locked')) ORDER BY v.card";
        let values = vec![text(machine.as_str()), text(names::card_state(CardState::Active))];
        self.all(sql, values, |row| rows::whole(row, "card").map(CardId::new))
    }

    fn notices(&mut self, card: CardId) -> Result<Vec<(i64, StoredNotice)>, StoreError> {
        let sql = "SELECT * FROM notices WHERE card = $1 AND NOT told ORDER BY id";
        self.all(sql, vec![Box::new(card.number())], codec::notice)
    }

    fn case(&mut self, id: CaseId) -> Result<Option<Case>, StoreError> {
        let sql = "SELECT c.*, m.id AS place FROM cases c JOIN machines m ON m.number = c.machine WHERE c.id = $1";
        self.one(sql, vec![Box::new(id.number())], codec::case)
    }

    fn open_cases(&mut self, machine: MachineId) -> Result<Vec<Case>, StoreError> {
        let sql = "SELECT c.*, m.id AS place FROM cases c JOIN machines m ON m.number = c.machine
             WHERE m.id = $1 AND c.resolved IS NULL ORDER BY c.opened, c.id";
        self.all(sql, vec![text(machine.as_str())], codec::case)
    }

    fn replenishment(&mut self, machine: MachineId, number: u64) -> Result<Option<Replenishment>, StoreError> {
        let Ok(number) = i64::try_from(number) else { return Ok(None) };
        let sql = "SELECT r.*, m.id AS place, m.currency FROM replenishments r JOIN machines m ON m.number = r.machine
             WHERE m.id = $1 AND r.number = $2";
        self.one(sql, vec![text(machine.as_str()), Box::new(number)], crate::store::replenishments::replenishment)
    }

    fn cases(&mut self, wanted: CasesWanted, after: i64, limit: usize) -> Result<Vec<Case>, StoreError> {
        let sql = match wanted {
            CasesWanted::Open => {
                "SELECT c.*, m.id AS place FROM cases c JOIN machines m ON m.number = c.machine
                 WHERE c.id > $1 AND c.resolved IS NULL ORDER BY c.id LIMIT $2"
            }
            CasesWanted::All => {
                "SELECT c.*, m.id AS place FROM cases c JOIN machines m ON m.number = c.machine
                 WHERE c.id > $1 ORDER BY c.id LIMIT $2"
            }
        };
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.all(sql, vec![Box::new(after), Box::new(limit)], |row: &Row| codec::case(row))
    }
}
