//! What all parts of a terminal share: the journal, the devices, the lanes to the host, the screen, and the list of what
//! is to be done in this step.
//!
//! The parts talk to each other by [`Signal`]s, which are worked off before the step ends. Who is being served, and how,
//! is not known here.

use std::collections::VecDeque;

use crate::id::MachineId;
use crate::mix::Notes;
use crate::outcome::Refusal;
use crate::time::Timestamp;

use super::cash::Cash;
use super::delivery::Delivery;
use super::device::{CheckValue, Command, Event, Failure, KeyBlock, Unit};
use super::hardware::{Devices, Ended};
use super::intake::Intake;
use super::language::Language;
use super::link::{Advice, AdviceKind, Availability, LinkFailure, OperationId, Reply, Request};
use super::record::Record;
use super::recovery::{DepositVerdict, Verdict};
use super::screen::{Choice, Screen, Waiting};
use super::servicing::Servicing;
use super::settings::Settings;
use super::uplink::Uplink;
use super::written::{Log, Written};
use super::{Alarm, Lane, Output, Timer};

/// What one part of the terminal tells the others.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Signal {
    /// The person chose something.
    Chosen(Choice),
    /// A device's command ended.
    Ended(Ended),
    /// A device told something.
    Event(Event),
    /// The host answered what was asked on the online lane.
    Replied(Box<Request>, Result<Reply, LinkFailure>),
    /// A timer ran out.
    Elapsed(Timer),
    /// It is known what became of the open withdrawal.
    Settled(Verdict),
    /// It cannot be known until the dispenser can be asked.
    CashUnknown,
    /// It is known what became of the open deposit.
    DepositSettled(DepositVerdict),
    /// The notes of the open deposit are at the slot.
    DepositAtSlot,
    /// The acceptor says that it gave these notes of the open deposit back: it ends when they are taken, or are not.
    DepositToTake(Notes),
    /// It cannot be known until the acceptor can be asked.
    DepositUnknown,
    /// The host has taken an advice, or declined one that it may.
    Acknowledged(OperationId, Option<Refusal>),
    /// The host has come or gone, or has told something new.
    Changed,
}

/// What is stuck in the reader, as far as is known.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Stuck {
    Nothing,
    Card,
}

/// What all parts share.
#[derive(Debug)]
pub(super) struct Machine {
    pub(super) id: MachineId,
    pub(super) now: Timestamp,
    /// How far clocks here are ahead of UTC, seconds.
    pub(super) ahead_s: i32,
    pub(super) out: Vec<Output>,
    pub(super) signals: VecDeque<Signal>,
    pub(super) screen: Screen,
    pub(super) language: Language,
    pub(super) devices: Devices,
    pub(super) journal: Log,
    pub(super) uplink: Uplink,
    pub(super) delivery: Delivery,
    pub(super) cash: Cash,
    pub(super) intake: Intake,
    pub(super) servicing: Servicing,
    pub(super) service: Availability,
    pub(super) errors: u32,
    pub(super) pin_key: Option<CheckValue>,
    /// A PIN key from the host that the pad could not take yet.
    pub(super) offered_key: Option<KeyBlock>,
    pub(super) stuck: Stuck,
}

impl Machine {
    pub(super) fn new(id: MachineId) -> Self {
        Self {
            id,
            now: Timestamp::EPOCH,
            ahead_s: 0,
            out: Vec::new(),
            signals: VecDeque::new(),
            screen: Screen::Wait(Waiting::Starting),
            language: Language::default(),
            devices: Devices::new(),
            journal: Log::new(),
            uplink: Uplink::new(),
            delivery: Delivery::default(),
            cash: Cash::new(),
            intake: Intake::new(),
            servicing: Servicing::new(),
            service: Availability::In,
            errors: 0,
            pin_key: None,
            offered_key: None,
            stuck: Stuck::Nothing,
        }
    }

    pub(super) fn settings(&self) -> Option<&Settings> {
        self.journal.book().settings()
    }

    pub(super) fn show(&mut self, screen: Screen) {
        if self.screen != screen {
            self.screen = screen.clone();
            self.out.push(Output::Show(screen));
        }
    }

    pub(super) fn speak(&mut self, language: Language) {
        if self.language != language {
            self.language = language;
            self.out.push(Output::Speak(language));
        }
    }

    pub(super) fn tell(&mut self, command: Command) {
        self.devices.tell(command, &mut self.out);
    }

    /// Tells a device what moves money, which only what is written allows.
    pub(super) fn tell_as_written(&mut self, command: Command, _written: &Written) {
        self.devices.tell(command, &mut self.out);
    }

    pub(super) fn cancel(&mut self, unit: Unit) {
        let dropped = self.devices.cancel(unit, &mut self.out);
        self.signals.extend(dropped.into_iter().map(Signal::Ended));
    }

    pub(super) fn ask(&mut self, request: Request) {
        self.uplink.ask(Lane::Online, request, &mut self.out);
    }

    pub(super) fn write(&mut self, record: Record) -> Option<Written> {
        self.journal.write(record, self.now, &mut self.out)
    }

    /// Writes what the host must know. `nonce`: the dispenser's fresh one, if there is one.
    pub(super) fn advise(&mut self, id: OperationId, kind: AdviceKind) -> Option<Written> {
        let nonce = self.cash.fresh_nonce();
        self.write(Record::Advice(Advice { id, at: self.now, kind, nonce }))
    }

    pub(super) fn set(&mut self, timer: Timer, ms: u32) {
        self.out.push(Output::Set(timer, ms));
    }

    pub(super) fn stop(&mut self, timer: Timer) {
        self.out.push(Output::Stop(timer));
    }

    pub(super) fn set_taking(&mut self) {
        let taking_s = self.settings().map_or(30, |settings| settings.taking_s);
        self.set(Timer::Taking, taking_s.saturating_mul(1_000));
    }

    pub(super) fn alarm(&mut self, alarm: Alarm) {
        self.out.push(Output::Alarm(alarm));
    }

    pub(super) fn signal(&mut self, signal: Signal) {
        self.signals.push_back(signal);
    }

    /// A device failed with a customer's money in it. Too many such in a row are not chance.
    pub(super) fn count_error(&mut self, unit: Unit, failure: Failure) {
        self.alarm(Alarm::Device(unit, failure));
        self.errors = self.errors.saturating_add(1);
        let most = self.settings().map_or(1, |settings| settings.most_errors.max(1));
        if (self.errors >= most || failure == Failure::Fraud) && self.service == Availability::In {
            self.alarm(Alarm::TooManyErrors);
            self.set_service(Availability::Out);
        }
    }

    /// Puts the machine in or out of service. What is not written holds until the next start.
    pub(super) fn set_service(&mut self, service: Availability) {
        if self.service != service {
            self.service = service;
            self.write(Record::Availability { service });
        }
        if service == Availability::In {
            self.errors = 0;
        }
    }
}
