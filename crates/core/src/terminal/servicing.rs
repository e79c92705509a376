//! The exchange of cassettes: staff order it at the host, and the terminal carries it out between two visits.
//!
//! Every step may be done again: the device's exchange stays open until it is ended, what it is filled with is what the
//! order says, and nobody is served from the first step until the host has posted the last. So whatever breaks off goes
//! on from its first step, with the counters that were read before anybody touched a note.

use super::device::{Answer, Bin, Command, Counters, Filling, Unit};
use super::hardware::{Condition, Devices, Ended};
use super::link::{AdviceKind, ReplenishmentOrder};
use super::machine::Machine;
use super::record::Record;

/// How far the exchange got since it was last begun.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Phase {
    /// Nothing is under way.
    Resting,
    /// The dispenser is told to begin.
    Beginning,
    /// Its counters are read.
    Counting,
    /// Staff are at it.
    Open,
    /// The acceptor is told that its bin is empty.
    Emptying,
    /// The dispenser is told what is in its units.
    Ending,
    /// Its counters are read again.
    Recounting,
    /// A device failed: it is tried again when that was looked at.
    Stalled,
}

/// What the terminal knows of an exchange besides its journal.
#[derive(Debug)]
pub(super) struct Servicing {
    order: Option<ReplenishmentOrder>,
    phase: Phase,
    /// The last one that was done: news of it may still be on their way.
    done: u64,
}

impl Servicing {
    pub(super) const fn new() -> Self {
        Self { order: None, phase: Phase::Resting, done: 0 }
    }

    /// At the start: this one was done before, and the host may not know it yet.
    pub(super) fn resume(&mut self, done: Option<u64>) {
        self.done = done.unwrap_or(0);
    }

    /// What the host wants now.
    pub(super) fn take_order(&mut self, order: Option<ReplenishmentOrder>) {
        self.order = order;
    }

    /// What was told may not have been done: it goes on from the first step.
    pub(super) const fn pause(&mut self) {
        self.phase = Phase::Resting;
    }

    /// The number of an order that was not carried out.
    fn due(&self) -> Option<u64> {
        self.order.as_ref().map(|order| order.number).filter(|number| *number > self.done)
    }
}

impl Machine {
    /// Whether staff are to have the machine, or have it, or the host has not yet posted what they did.
    pub(super) fn is_serviced(&self) -> bool {
        self.servicing.due().is_some() || self.journal.book().is_replenished()
    }

    /// The replenishment for which the exchange is open.
    pub(super) fn exchange_open(&self) -> Option<u64> {
        let open = self.journal.book().replenishing().filter(|_| self.servicing.phase == Phase::Open);
        open.map(|open| open.number)
    }

    /// Goes on with the exchange as far as it can now. Nobody is being served.
    pub(super) fn exchange_cassettes(&mut self) {
        let ready = self.journal.writes() && self.journal.is_folded() && self.is_cash_settled();
        if !ready || !self.can_be_told(Unit::Dispenser) {
            return;
        }
        match self.servicing.phase {
            Phase::Resting => self.begin_exchange(),
            Phase::Open => self.end_exchange(),
            Phase::Beginning
            | Phase::Counting
            | Phase::Emptying
            | Phase::Ending
            | Phase::Recounting
            | Phase::Stalled => {}
        }
    }

    /// The host's mirror must be what it is when everything before is posted: the queue drains first.
    fn begin_exchange(&mut self) {
        let book = self.journal.book();
        if book.waiting() > 0 {
            return;
        }
        let begun = book.replenishing().is_some();
        match self.servicing.due() {
            _ if begun => self.tell(Command::StartExchange),
            Some(number) => {
                let Some(written) = self.write(Record::Replenishing { number, found: None }) else { return };
                self.tell_as_written(Command::StartExchange, &written);
            }
            None => return,
        }
        self.servicing.phase = Phase::Beginning;
    }

    /// Staff have said what they put in.
    fn end_exchange(&mut self) {
        let Some(filling) = self.filling() else { return };
        if !filling.emptied.contains(&Bin::Deposit) {
            self.servicing.phase = Phase::Ending;
            self.tell(Command::EndExchange(filling));
        } else if self.can_be_told(Unit::Acceptor) {
            self.servicing.phase = Phase::Emptying;
            self.tell(Command::EmptyDeposits);
        }
    }

    fn filling(&self) -> Option<Filling> {
        let number = self.journal.book().replenishing()?.number;
        let order = self.servicing.order.as_ref().filter(|order| order.number == number)?;
        order.filling.clone()
    }

    /// Whether it answers. Something may be stuck in it: that is what staff may come for.
    fn can_be_told(&self, unit: Unit) -> bool {
        let asked = self.devices.condition(unit) != Condition::Unasked;
        asked && self.devices.is_reachable(unit) && self.devices.is_free(unit)
    }

    /// Takes the end of a command, if the exchange waits for it.
    pub(super) fn exchange_on(&mut self, ended: &Ended) {
        let next = match (self.servicing.phase, &ended.command) {
            (Phase::Beginning, Command::StartExchange) => Phase::Counting,
            (Phase::Counting, Command::ReadCounters) => Phase::Open,
            (Phase::Emptying, Command::EmptyDeposits) => Phase::Ending,
            (Phase::Ending, Command::EndExchange(_)) => Phase::Recounting,
            (Phase::Recounting, Command::ReadCounters) => Phase::Resting,
            (Phase::Stalled, Command::Probe(_)) => return self.servicing.pause(),
            (
                Phase::Resting
                | Phase::Beginning
                | Phase::Counting
                | Phase::Open
                | Phase::Emptying
                | Phase::Ending
                | Phase::Recounting
                | Phase::Stalled,
                _,
            ) => return,
        };
        let before = std::mem::replace(&mut self.servicing.phase, next);
        match (next, &ended.result) {
            (_, Err(_)) => {
                self.servicing.phase = Phase::Stalled;
                Devices::look_again(ended.command.unit(), &mut self.out);
            }
            (Phase::Counting | Phase::Recounting, Ok(_)) => self.tell(Command::ReadCounters),
            (Phase::Open, Ok(Answer::Counters(found))) => self.note_found(found.clone()),
            (Phase::Ending, Ok(_)) => match self.filling() {
                Some(filling) => self.tell(Command::EndExchange(filling)),
                None => self.servicing.phase = Phase::Open,
            },
            (Phase::Resting, Ok(Answer::Counters(left))) => self.exchange_done(left.clone()),
            (Phase::Resting | Phase::Beginning | Phase::Open | Phase::Emptying | Phase::Stalled, Ok(_)) => {
                self.servicing.phase = before
            }
        }
    }

    fn note_found(&mut self, found: Counters) {
        let Some(open) = self.journal.book().replenishing().cloned() else { return };
        if open.found.is_none() {
            self.write(Record::Replenishing { number: open.number, found: Some(found) });
        }
    }

    /// One record ends it here, and the host posts it once.
    fn exchange_done(&mut self, left: Counters) {
        let Some(open) = self.journal.book().replenishing().cloned() else { return };
        let Some(found) = open.found else { return };
        let id = self.journal.new_id();
        if self.advise(id, AdviceKind::Replenished { number: open.number, found, left }).is_some() {
            self.servicing.done = open.number;
            self.errors = 0;
        }
    }
}
