//! What a customer at a terminal waits for.

use cashpoint_core::command::{
    Approve, By, Caller, LogOut, NoteTerminal, NoticesTold, ReadBalance, Standing, Transfer,
};
use cashpoint_core::enrolled::EnrolledTerminal;
use cashpoint_core::id::{AccountNumber, MachineId, SessionId};
use cashpoint_core::money::{Amount, Decimal};
use cashpoint_core::outcome::{Done, Refusal};
use cashpoint_core::secret::Pan;
use cashpoint_core::session::{Session, Subject};
use cashpoint_core::terminal::device::{Nonce, PinBlock};
use cashpoint_core::terminal::link::{
    AccountLine, Approved, LoggedIn, Notice, OfflineVerifier, OperationId, Reply, Request, StatementLine,
};
use cashpoint_core::terminal::settings::PartitionPolicy;
use cashpoint_mutant::{Mutant, chosen};

use super::{Heard, operation};
use crate::bank::Bank;
use crate::desk::{Direction, HistoryRequest, Stop, unexpected};
use crate::entropy::random_bytes;
use crate::request::{Content, Scope};

/// How long a terminal may serve a card without the host after a log-in there.
const VERIFIER_S: i64 = 7 * 86_400;

/// Lines of a mini-statement.
const STATEMENT: usize = 10;

impl Bank {
    #[expect(clippy::wildcard_enum_match_arm, reason = "`serve_customer` names them all")]
    pub(super) fn serve_terminal(
        &self,
        enrolled: &EnrolledTerminal,
        heard: Heard,
        request: Request,
    ) -> Result<Reply, Stop> {
        let (Heard { lane, number, head }, terminal) = (heard, enrolled.machine);
        let drained = if let Request::Heartbeat(told) = &request
            && told.waiting == 0
        {
            told.nonce.map(|nonce| nonce.0)
        } else {
            None
        };
        let note = NoteTerminal { terminal, lane, number, head, drained };
        match request {
            Request::Heartbeat(told) => {
                self.submit_along(note, Box::new(|_| ()));
                self.news(enrolled, *told)
            }
            Request::Advice(advice) => {
                // Before what it tells: what posts has its place in the journal known.
                self.submit(note, Box::new(|_| ()));
                self.advised(terminal, *advice)
            }
            other => {
                self.submit_along(note, Box::new(|_| ()));
                self.serve_customer(enrolled, other)
            }
        }
    }

    fn serve_customer(&self, enrolled: &EnrolledTerminal, request: Request) -> Result<Reply, Stop> {
        let terminal = enrolled.machine;
        match request {
            Request::LogIn { pan, pin } => self.log_in_there(enrolled, &pan, &pin),
            Request::LogOut { session } => {
                let session = self.session_there(terminal, session)?;
                self.changed(LogOut { session }).map(|()| Reply::LoggedOut)
            }
            Request::Balance { session, account } => {
                let session = self.session_there(terminal, session)?;
                let by = By::Session(Caller { session, standing: Standing::At(terminal) });
                match self.done(ReadBalance { by, account })? {
                    (Done::Balance(balance), _) => Ok(Reply::Balance(balance)),
                    (done, _) => Err(unexpected(&done)),
                }
            }
            Request::Statement { session, account } => self.statement(terminal, session, account),
            Request::Transfer { id, session, source, target, amount } => {
                let session = self.session_there(terminal, session)?;
                let amount = figure(amount)?;
                let content = Content {
                    account: Some(source),
                    target: Some(target),
                    amount: Some(amount),
                    ..Content::of("terminal_transfer", "")
                };
                let request = operation(terminal, id, &content);
                match self.done(Transfer { session, request, source, target, amount })? {
                    (Done::Transferred(receipt), _) => Ok(Reply::Transferred(receipt)),
                    (done, _) => Err(unexpected(&done)),
                }
            }
            Request::ChangePin { session, pan, old, new, repeat } => {
                let session = self.session_there(terminal, session)?;
                let Subject::Card { card, .. } = session.subject else { return Err(Refusal::Forbidden.into()) };
                let secrets = self.terminal_secrets(terminal)?;
                let open = |block: &PinBlock| secrets.open_pin(block, &pan).ok_or(Refusal::WrongCredentials);
                let (old, new, repeat) = (open(&old)?, open(&new)?, open(&repeat)?);
                if new.expose() != repeat.expose() {
                    return Err(Refusal::InvalidRequest { field: "repeat" }.into());
                }
                self.try_change_pin(session, card, &old, &new).map(|()| Reply::PinChanged)
            }
            Request::Approve { id, session, account, amount, nonce, notes: _ } => {
                self.promise(terminal, (id, nonce), (session, account), amount)
            }
            Request::Advice(_) | Request::Heartbeat(_) => Err(Refusal::Forbidden.into()),
        }
    }

    /// The card's session at this terminal and no other.
    fn session_there(&self, terminal: MachineId, id: SessionId) -> Result<Session, Stop> {
        let found = self.look(|reads| Ok(reads.session_by_id(id)?))?;
        found
            .filter(|session| matches!(session.subject, Subject::Card { place, .. } if place == terminal))
            .ok_or_else(|| Refusal::SessionExpired.into())
    }

    fn log_in_there(&self, enrolled: &EnrolledTerminal, pan: &Pan, block: &PinBlock) -> Result<Reply, Stop> {
        let terminal = enrolled.machine;
        let secrets = self.terminal_secrets(terminal)?;
        let pin = secrets.open_pin(block, pan).ok_or(Refusal::WrongCredentials)?;
        let began = self.try_log_in_with_card(pan, &pin, terminal, Standing::At(terminal))?;
        let card = began.card.ok_or(Refusal::WrongCredentials)?;
        let notices = self.look(|reads| Ok(reads.notices(card)?))?;
        if let Some((upto, _)) = notices.last() {
            self.submit_along(NoticesTold { card, upto: *upto }, Box::new(|_| ()));
        }
        let offline = self.settings(enrolled)?.partition != PartitionPolicy::STRICT;
        let salt: [u8; 32] = random_bytes(self.inner.entropy.as_ref());
        let until = self.now().plus_s(VERIFIER_S);
        let verifier = secrets.offline_verifier(&salt, &pin, pan).filter(|_| offline);
        let reference = secrets.card_reference(pan);
        self.with_live(terminal, |live| live.references.insert(card, reference));
        let name = began.customer.map(|(_, name)| name).unwrap_or_default();
        let line = |view: &crate::desk::AccountView| AccountLine {
            account: view.account.identity.number,
            product: view.account.identity.product,
            balance: view.account.balance(),
        };
        Ok(Reply::LoggedIn(Box::new(LoggedIn {
            session: began.session.id,
            card,
            name: if chosen(Mutant::NumberForName) { pan.expose().to_owned() } else { name },
            accounts: began.accounts.iter().map(line).collect(),
            verifier: verifier.map(|verifier| OfflineVerifier { salt, verifier, until }),
            notices: notices
                .into_iter()
                .map(|(_, told)| Notice::TransferRefused {
                    at: told.at,
                    amount: told.amount,
                    target: told.target,
                    code: told.code,
                })
                .collect(),
        })))
    }

    fn statement(&self, terminal: MachineId, session: SessionId, account: AccountNumber) -> Result<Reply, Stop> {
        let session = self.session_there(terminal, session)?;
        let request = HistoryRequest { account, kind: None, from: None, to: None, limit: STATEMENT, cursor: None };
        let page = self.history(session, request)?.map_err(Stop::from)?;
        let line = |entry: &crate::desk::EntryView| StatementLine {
            at: entry.at,
            kind: entry.kind.name().to_owned(),
            amount: match entry.direction {
                Direction::Credit => entry.amount,
                Direction::Debit => Amount::new(-entry.amount.minor(), entry.amount.currency()),
            },
            balance: entry.balance,
        };
        Ok(Reply::Statement(page.entries.iter().map(line).collect()))
    }

    /// Leave to pay cash. Without the keys of its devices a terminal could do nothing with it.
    fn promise(
        &self,
        terminal: MachineId,
        (id, nonce): (OperationId, Nonce),
        (session, account): (SessionId, AccountNumber),
        amount: Amount,
    ) -> Result<Reply, Stop> {
        let session = self.session_there(terminal, session)?;
        let secrets = self.terminal_secrets(terminal)?;
        if !secrets.has_devices() || amount.minor() <= 0 {
            return Err(Refusal::AtmInactive.into());
        }
        let figure = figure(amount)?;
        let content = Content { account: Some(account), amount: Some(figure), ..Content::of("terminal_approve", "") };
        let request = operation(terminal, id, &content);
        let approve = Approve { terminal, session, request, account, amount: figure, nonce: Some(nonce.0) };
        let (Done::Withdrawn(receipt), _) = self.done(approve)? else {
            return Err(Refusal::Reversed.into());
        };
        // The leave is for the nonce that came first: a repeat brings no other.
        let kept = self.look(|reads| Ok(reads.original(request.key)?))?;
        let nonce = kept.and_then(|kept| kept.nonce).map_or(nonce, Nonce);
        let token = secrets.dispense_token(nonce, receipt.amount).ok_or(Refusal::AtmInactive)?;
        Ok(Reply::Approved(Box::new(Approved {
            id,
            transaction: receipt.transaction,
            fee: receipt.fee,
            balance: receipt.balance,
            token,
            present_nonce: secrets.present_nonce(&request.key, 0),
        })))
    }

    /// Scope of a terminal's requests, for those who look for them.
    #[must_use]
    pub const fn terminal_scope(terminal: MachineId) -> Scope {
        Scope::Terminal(terminal)
    }
}

/// An amount as the figure that was meant.
fn figure(amount: Amount) -> Result<Decimal, Stop> {
    let minor = u64::try_from(amount.minor()).map_err(|_| Refusal::InvalidAmount)?;
    Ok(Decimal::new(minor, amount.currency().decimals()))
}
