//! What terminals ask and the host answers: identity of operations, sessions, PIN tries.
//!
//! Only words count here, not what became of money: that is the ledger's.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt::Write as _;

use cashpoint_core::id::{CardId, MachineId, SessionId};
use cashpoint_core::outcome::Refusal;
use cashpoint_core::policy::Policy;
use cashpoint_core::terminal::link::{AdviceKind, Lease, LinkFailure, OperationId, Reply, Request};
use cashpoint_core::time::Timestamp;

use super::seen::{Seen, Sight};
use super::{Broken, broken};

/// By how much clocks may differ where times are compared, milliseconds.
const SLACK_MS: i64 = 10_000;

/// What was said so far.
#[derive(Default)]
pub(super) struct Conversation {
    /// The first content of each operation that was answered, and its answer.
    first: BTreeMap<Name, (String, Reply)>,
    /// Operations that were taken back before they were approved.
    barred: BTreeSet<(MachineId, OperationId)>,
    sessions: BTreeMap<SessionId, Session>,
    tries: BTreeMap<String, Tries>,
    /// The bank's choices: what they allow at most, of all that held so far.
    idle_ms: i64,
    wrong_at_once: usize,
    wrong_in_all: usize,
    block_ms: i64,
    /// The host's clock was set: once it begins anew, a block lasts by the clock that it finds.
    clock_was_set: bool,
}

/// A request of a machine. What is asked for and later told may bear one id, and so may an approval and what became of it.
type Name = (MachineId, OperationId, Manner);

/// How an operation is spoken of.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Manner {
    /// Cash is asked for.
    Approval,
    /// Money is to be moved.
    Transfer,
    /// It is told what happened.
    Advice,
}

/// A session at a machine.
struct Session {
    last: Timestamp,
    ended: bool,
}

/// PINs that were compared with a card's and were wrong, since one was right.
#[derive(Default)]
struct Tries {
    card: Option<CardId>,
    wrong: VecDeque<Timestamp>,
}

impl Conversation {
    pub(super) fn see(&mut self, sight: &Sight) -> Result<(), Broken> {
        match (&sight.what, sight.machine) {
            (Seen::Ruled(policy), _) => self.rule(policy),
            (Seen::ClockSet(_), None) => self.clock_was_set = true,
            (Seen::Unblocked(card), _) => {
                let freed = |tries: &Tries| tries.card.is_none_or(|known| known == *card);
                self.tries.retain(|_, tries| !freed(tries));
            }
            (Seen::Answered { request, reply: Err(LinkFailure::Busy), .. }, Some(_)) => {
                if let Request::LogIn { pan, .. } | Request::ChangePin { pan, .. } = &**request {
                    // The PIN may have been right, and only its answer be missing.
                    self.tries.entry(pan.expose().to_owned()).or_default().wrong.clear();
                }
            }
            (Seen::Answered { request, reply: Ok(reply), .. }, Some(machine)) => {
                return self.answered(machine, sight.at, request, reply);
            }
            _ => {}
        }
        Ok(())
    }

    fn rule(&mut self, policy: &Policy) {
        self.idle_ms = self.idle_ms.max(i64::from(policy.atm_session_idle_s) * 1_000);
        self.wrong_at_once = self.wrong_at_once.max(usize::from(policy.pin_tries));
        self.wrong_in_all = self.wrong_in_all.max(usize::from(policy.pin_tries) * usize::from(policy.pin_blocks));
        let block_ms = i64::from(policy.pin_block_s) * 1_000;
        self.block_ms = if self.block_ms == 0 { block_ms } else { self.block_ms.min(block_ms) };
    }

    fn answered(&mut self, machine: MachineId, at: Timestamp, asked: &Request, reply: &Reply) -> Result<(), Broken> {
        if let Request::Heartbeat(_) = asked {
            return Ok(());
        }
        let name = name(asked).map(|(id, manner)| (machine, id, manner));
        let is_repeat = name.is_some_and(|name| self.first.contains_key(&name));
        if !is_repeat {
            self.invariant_30_an_ended_session_has_no_effects(at, asked, reply)?;
        }
        if let Some(name) = name {
            self.invariant_14_what_was_taken_back_first_is_never_approved(name, reply)?;
            self.invariants_12_and_13_one_content_and_one_answer(name, asked, reply)?;
        }
        self.remember(machine, asked, reply);
        self.invariant_29_few_pins_are_compared(at, asked, reply)
    }

    /// Under one id with another content there is an error; with the same one the first answer.
    fn invariants_12_and_13_one_content_and_one_answer(
        &mut self,
        name: Name,
        asked: &Request,
        reply: &Reply,
    ) -> Result<(), Broken> {
        let content = content(asked);
        let Some((first, answer)) = self.first.get(&name) else {
            self.first.insert(name, (content, reply.clone()));
            return Ok(());
        };
        let (machine, id, _) = name;
        let said = || format!("{machine}, {id}: first {answer:?}, then {reply:?}");
        if let Reply::Refused(Refusal::SessionExpired) = reply {
            // Whom the host serves no more it tells nothing.
            return Ok(());
        }
        if content == *first {
            broken("invariant_13_a_repeat_gets_the_first_answer", (!is_same(answer, reply)).then(said))
        } else {
            let taken = !matches!(reply, Reply::Refused(_));
            broken("invariant_12_another_content_is_an_error", taken.then(said))
        }
    }

    /// Who tells that an approval was taken back, before the host heard of it, gets it never.
    fn invariant_14_what_was_taken_back_first_is_never_approved(
        &mut self,
        (machine, id, _): Name,
        reply: &Reply,
    ) -> Result<(), Broken> {
        let rule = "invariant_14_what_was_taken_back_first_is_never_approved";
        let approved = matches!(reply, Reply::Approved(_)) && self.barred.contains(&(machine, id));
        broken(rule, approved.then(|| format!("{machine}, {id}: {reply:?}")))
    }

    /// A session that somebody ended, or in which nobody did anything for long, serves nobody.
    fn invariant_30_an_ended_session_has_no_effects(
        &mut self,
        at: Timestamp,
        asked: &Request,
        reply: &Reply,
    ) -> Result<(), Broken> {
        if let Reply::LoggedIn(begun) = reply {
            self.sessions.insert(begun.session, Session { last: at, ended: false });
            return Ok(());
        }
        let (Some(named), false) = (session(asked), matches!(reply, Reply::Refused(_))) else { return Ok(()) };
        let Some(session) = self.sessions.get_mut(&named) else { return Ok(()) };
        if matches!(reply, Reply::LoggedOut) {
            session.ended = true;
            return Ok(());
        }
        let idle_ms = at.since_ms(session.last);
        let dead = session.ended || idle_ms > self.idle_ms + SLACK_MS;
        session.last = at;
        let what = || format!("{named:?}, ended: {}, idle for {idle_ms} ms: {asked:?}, {reply:?}", session.ended);
        broken("invariant_30_an_ended_session_has_no_effects", dead.then(what))
    }

    /// Only so many wrong PINs are compared with a card's before it is blocked, and only so many blocks before it is locked.
    fn invariant_29_few_pins_are_compared(
        &mut self,
        at: Timestamp,
        asked: &Request,
        reply: &Reply,
    ) -> Result<(), Broken> {
        let (Request::LogIn { pan, .. } | Request::ChangePin { pan, .. }) = asked else { return Ok(()) };
        let tries = self.tries.entry(pan.expose().to_owned()).or_default();
        if let Reply::LoggedIn(begun) = reply {
            *tries = Tries { card: Some(begun.card), wrong: VecDeque::new() };
        } else if let Reply::PinChanged
        | Reply::Refused(Refusal::CardStolen | Refusal::CardLost | Refusal::CardExpired) = reply
        {
            // Nobody is told that of a card whose PIN they do not know.
            tries.wrong.clear();
        } else if let Reply::Refused(Refusal::WrongCredentials) = reply {
            tries.wrong.push_back(at);
        }
        let count = tries.wrong.len();
        let soon = count.checked_sub(self.wrong_at_once + 1).is_some_and(|from| {
            self.wrong_at_once > 0 && !self.clock_was_set && at.since_ms(tries.wrong[from]) < self.block_ms - SLACK_MS
        });
        let many = self.wrong_in_all > 0 && count > self.wrong_in_all;
        let what = || format!("{count} wrong PINs in a row, by seconds before the last: {:?}", ago_s(&tries.wrong, at));
        broken("invariant_29_few_pins_are_compared", (soon || many).then(what))
    }

    /// An approval that was taken back before anybody approved it.
    fn remember(&mut self, machine: MachineId, asked: &Request, reply: &Reply) {
        let (Request::Advice(advice), Reply::Acknowledged(_)) = (asked, reply) else { return };
        let AdviceKind::Reversed { original, .. } = advice.kind else { return };
        let answer = self.first.get(&(machine, original, Manner::Approval));
        if !answer.is_some_and(|(_, reply)| matches!(reply, Reply::Approved(_))) {
            self.barred.insert((machine, original));
        }
    }
}

fn ago_s(times: &VecDeque<Timestamp>, now: Timestamp) -> Vec<i64> {
    times.iter().map(|at| now.since_ms(*at) / 1_000).collect()
}

/// What names a request for ever, if something does.
pub(super) fn name(asked: &Request) -> Option<(OperationId, Manner)> {
    match asked {
        Request::Approve { id, .. } => Some((*id, Manner::Approval)),
        Request::Transfer { id, .. } => Some((*id, Manner::Transfer)),
        Request::Advice(advice) => Some((advice.id, Manner::Advice)),
        Request::LogIn { .. }
        | Request::LogOut { .. }
        | Request::Balance { .. }
        | Request::Statement { .. }
        | Request::ChangePin { .. }
        | Request::Heartbeat(_) => None,
    }
}

/// The lease that an answer brings.
pub(super) fn lease(reply: &Reply) -> Option<&Lease> {
    match reply {
        Reply::News(news) => news.lease.as_ref(),
        Reply::Acknowledged(acknowledgement) => acknowledgement.lease.as_ref(),
        Reply::LoggedIn(_)
        | Reply::LoggedOut
        | Reply::Balance(_)
        | Reply::Statement(_)
        | Reply::Transferred(_)
        | Reply::PinChanged
        | Reply::Approved(_)
        | Reply::Refused(_) => None,
    }
}

fn session(asked: &Request) -> Option<SessionId> {
    match asked {
        Request::LogOut { session }
        | Request::Balance { session, .. }
        | Request::Statement { session, .. }
        | Request::Transfer { session, .. }
        | Request::ChangePin { session, .. }
        | Request::Approve { session, .. } => Some(*session),
        Request::LogIn { .. } | Request::Advice(_) | Request::Heartbeat(_) => None,
    }
}

/// What matters of a request: whose money, how much, what happened. Not under which session it was asked, and not what
/// devices say of it besides.
fn content(asked: &Request) -> String {
    let mut text = String::new();
    let done = match asked {
        Request::Approve { account, amount, .. } => write!(text, "{account} {amount:?}"),
        Request::Transfer { source, target, amount, .. } => write!(text, "{source} {target} {amount:?}"),
        Request::Advice(advice) => match &advice.kind {
            AdviceKind::Completed { original, moved, .. } => write!(text, "completed {original} {moved:?}"),
            AdviceKind::Reversed { original, moved, reason, .. } => {
                write!(text, "reversed {original} {moved:?} {reason:?}")
            }
            AdviceKind::Suspect { original, .. } => write!(text, "suspect {original}"),
            AdviceKind::OfflineWithdrawn { card, account, amount, lease, outcome, .. } => {
                write!(text, "offline {card} {account} {amount:?} {lease:?} {outcome:?}")
            }
            AdviceKind::Replenished { number, .. } => write!(text, "replenished {number}"),
            kind @ (AdviceKind::Deposited { .. }
            | AdviceKind::DepositUnclear { .. }
            | AdviceKind::StoredTransfer { .. }
            | AdviceKind::OfflineTries { .. }
            | AdviceKind::CardRetained { .. }) => write!(text, "{kind:?}"),
        },
        Request::LogIn { .. }
        | Request::LogOut { .. }
        | Request::Balance { .. }
        | Request::Statement { .. }
        | Request::ChangePin { .. }
        | Request::Heartbeat(_) => Ok(()),
    };
    done.expect("memory takes everything");
    text
}

/// A lease goes along with an answer and is no part of it.
fn is_same(one: &Reply, other: &Reply) -> bool {
    match (one, other) {
        (Reply::Acknowledged(one), Reply::Acknowledged(other)) => {
            (one.case, &one.declined) == (other.case, &other.declined)
        }
        (one, other) => one == other,
    }
}

#[cfg(test)]
mod tests {
    use cashpoint_core::currency::Currency;
    use cashpoint_core::id::{AccountNumber, TransferId};
    use cashpoint_core::money::Amount;
    use cashpoint_core::terminal::Lane;
    use cashpoint_core::terminal::device::{DispenseToken, Nonce};
    use cashpoint_core::terminal::link::{Acknowledgement, Advice, Approved, Evidence, Movement, ReverseReason};

    use super::*;

    fn answered(request: Request, reply: Reply) -> Sight {
        let (lane, request, reply) = (Lane::Online, Box::new(request), Ok(reply));
        let machine = Some(MachineId::parse("ATM1").unwrap());
        Sight { at: Timestamp::EPOCH, machine, what: Seen::Answered { lane, request, reply } }
    }

    #[test]
    fn it_finds_an_approval_of_what_was_taken_back_first() {
        let (id, amount) = (OperationId(5), Amount::new(20_00, Currency::USD));
        let (moved, evidence) = (Movement::default(), Evidence::default());
        let kind = AdviceKind::Reversed { original: id, moved, reason: ReverseReason::LateResponse, evidence };
        let advice = Advice { id: OperationId(6), at: Timestamp::EPOCH, kind, nonce: None };
        let taken = Reply::Acknowledged(Box::new(Acknowledgement { case: None, declined: None, lease: None }));
        let (nonce, account, session) = (Nonce([0; 16]), AccountNumber::new(10_001), SessionId::new(1));
        let approve = Request::Approve { id, session, account, amount, nonce, notes: vec![1] };
        let approved = Reply::Approved(Box::new(Approved {
            id,
            transaction: TransferId::new(9),
            fee: Amount::new(0, Currency::USD),
            balance: amount,
            token: DispenseToken(String::new()),
            present_nonce: nonce,
        }));
        let reversal = answered(Request::Advice(Box::new(advice)), taken);
        let approval = answered(approve, approved);
        let mut early = Conversation::default();
        early.see(&reversal).unwrap();
        let found = early.see(&approval).unwrap_err();
        assert!(found.0.starts_with("invariant_14"), "{found:?}");
        let mut in_order = Conversation::default();
        in_order.see(&approval).unwrap();
        in_order.see(&reversal).unwrap();
        in_order.see(&approval).unwrap();
    }
}
