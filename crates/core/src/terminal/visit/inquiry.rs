//! Balances and mini-statements.

use crate::id::AccountNumber;
use crate::outcome::Refusal;
use crate::terminal::link::{Reply, Request};
use crate::terminal::machine::{Machine, Signal};
use crate::terminal::offline::{self, Asked};
use crate::terminal::screen::{Choice, Freshness, Screen, Waiting, Why};

use super::{Step, Visit, gives_up};

/// Where an inquiry stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Inquiry {
    /// The host is asked for a balance.
    Balance(AccountNumber),
    /// The host is asked for entries.
    Statement(AccountNumber),
    /// It is on the screen.
    Shown,
}

impl Visit {
    pub(super) fn begin_balance(&mut self, account: AccountNumber, m: &mut Machine) -> Step {
        let Some(session) = self.session(m) else { return self.stale_balance(account, m) };
        m.show(Screen::Wait(Waiting::AskingBank));
        m.ask(Request::Balance { session, account });
        Step::Inquiry(Inquiry::Balance(account))
    }

    pub(super) fn begin_statement(&mut self, account: AccountNumber, m: &mut Machine) -> Step {
        let Some(session) = self.session(m) else { return self.apologise(Why::Bank, m) };
        m.show(Screen::Wait(Waiting::AskingBank));
        m.ask(Request::Statement { session, account });
        Step::Inquiry(Inquiry::Statement(account))
    }

    pub(super) fn on_inquiry(&mut self, inquiry: Inquiry, signal: &Signal, m: &mut Machine) -> Step {
        match (inquiry, signal) {
            (Inquiry::Balance(account), Signal::Replied(request, reply))
                if matches!(**request, Request::Balance { .. }) =>
            {
                match reply {
                    Ok(Reply::Balance(answer)) => {
                        let (balance, as_of) = (answer.balance, answer.at);
                        m.show(Screen::Balance { account, balance, as_of, freshness: Freshness::Current });
                        Step::Inquiry(Inquiry::Shown)
                    }
                    Ok(Reply::Refused(refusal)) => self.refused(refusal, m),
                    Ok(_) | Err(_) => self.stale_balance(account, m),
                }
            }
            (Inquiry::Statement(account), Signal::Replied(request, reply))
                if matches!(**request, Request::Statement { .. }) =>
            {
                match reply {
                    Ok(Reply::Statement(lines)) => {
                        m.show(Screen::Statement { account, lines: lines.clone() });
                        Step::Inquiry(Inquiry::Shown)
                    }
                    Ok(Reply::Refused(refusal)) => self.refused(refusal, m),
                    Ok(_) | Err(_) => self.apologise(Why::Bank, m),
                }
            }
            (Inquiry::Shown, Signal::Chosen(Choice::Yes | Choice::No | Choice::More)) => self.menu(m),
            (Inquiry::Shown, signal) if gives_up(signal) => self.leave(m),
            (inquiry, _) => Step::Inquiry(inquiry),
        }
    }

    /// The balance as it was last known, if the operator wants it shown; never without its date.
    fn stale_balance(&mut self, account: AccountNumber, m: &mut Machine) -> Step {
        let Some(holder) = &self.holder else { return self.leave(m) };
        let asked = Asked { holder: &holder.right, now: m.now };
        let known = offline::balance(m.journal.book(), &asked).ok();
        let line = known.and_then(|known| {
            let line = known.accounts().iter().find(|line| line.account == account)?;
            Some((line.balance, known.as_of()))
        });
        let Some((balance, as_of)) = line else { return self.apologise(Why::Bank, m) };
        m.show(Screen::Balance { account, balance, as_of, freshness: Freshness::Stale });
        Step::Inquiry(Inquiry::Shown)
    }

    /// The host refused something that moves no cash.
    pub(super) fn refused(&mut self, refusal: &Refusal, m: &mut Machine) -> Step {
        match refusal {
            Refusal::CardStolen
            | Refusal::CardLost
            | Refusal::CardBlocked { .. }
            | Refusal::CardExpired
            | Refusal::SessionExpired => self.refused_for_good(refusal, m),
            other => self.apologise(Why::Refused(other.clone()), m),
        }
    }
}
