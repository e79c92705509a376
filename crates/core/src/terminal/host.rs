//! What goes to the host without a customer waiting for it, and what the host has to tell: heartbeats, news, advices.

use super::cash::Held;
use super::delivery::{Answered, Next};
use super::device::{Command, Unit};
use super::link::{
    Acknowledgement, Availability, Heartbeat, HostCommand, HostCommandKind, Lease, LinkFailure, News, Reply, Request,
};
use super::machine::{Machine, Signal};
use super::record::Record;
use super::screen::Connection;
use super::settings::HotList;
use super::{Alarm, Lane, Output, Timer};

/// Between heartbeats while nobody is served, milliseconds.
const IDLE_HEARTBEAT_MS: u32 = 2_000;

/// Between heartbeats during a visit, milliseconds.
const BUSY_HEARTBEAT_MS: u32 = 1_000;

/// How long a confirmed hot list is not written down again, milliseconds: its age is reckoned in hours.
const CONFIRM_EVERY_MS: i64 = 30_000;

/// Whether somebody is being served.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Presence {
    /// Nobody.
    Nobody,
    /// A customer.
    Customer,
}

impl Machine {
    /// Says that it lives, unless that is being said.
    pub(super) fn beat(&mut self) {
        if !self.uplink.is_free(Lane::Heartbeat) {
            return;
        }
        let book = self.journal.book();
        let open = book.open().is_some();
        let heartbeat = Heartbeat {
            service: if self.serves() { Availability::In } else { Availability::Out },
            devices: self.devices.conditions(),
            counters: self.cash.counters().cloned(),
            settings: book.settings().map_or(0, |settings| settings.version),
            hot_list: book.hot_list().map_or(0, |(list, _)| list.version),
            nonce: self.cash.fresh_nonce().filter(|_| !open),
            waiting: book.waiting(),
            carried_out: Some(book.carried_out()).filter(|number| *number > 0).into_iter().collect(),
            pin_key: self.pin_key,
            exchange: self.exchange_open(),
        };
        self.uplink.ask(Lane::Heartbeat, Request::Heartbeat(Box::new(heartbeat)), &mut self.out);
    }

    /// Takes what came on a lane.
    pub(super) fn hear_host(&mut self, lane: Lane, reply: Result<Reply, LinkFailure>, presence: Presence) {
        let before = self.uplink.connection();
        let Some((request, reply)) = self.uplink.answer(lane, reply, &mut self.out) else { return };
        if reply == Err(LinkFailure::Rejected) && lane != Lane::Advice && before == Connection::Online {
            self.alarm(Alarm::NotAccepted);
        }
        match lane {
            Lane::Heartbeat => {
                let pause = match presence {
                    Presence::Nobody => IDLE_HEARTBEAT_MS,
                    Presence::Customer => BUSY_HEARTBEAT_MS,
                };
                self.set(Timer::Heartbeat, pause);
                if reply.is_ok() {
                    self.delivery.host_is_there();
                }
                if let Ok(Reply::News(news)) = reply {
                    self.take_news(*news);
                }
            }
            Lane::Advice => self.advice_answered(reply),
            Lane::Online => self.signal(Signal::Replied(Box::new(request), reply)),
        }
        if self.uplink.connection() != before {
            self.signal(Signal::Changed);
        }
    }

    /// Sends the advice that is due, if one is; not before it is known what of the last step was written.
    pub(super) fn deliver(&mut self) {
        if !self.journal.writes() || !self.journal.is_folded() || !self.uplink.is_free(Lane::Advice) {
            return;
        }
        match self.delivery.next(self.journal.book()) {
            Next::Send(advice) => {
                let request = Request::Advice(Box::new(advice.clone()));
                self.uplink.ask(Lane::Advice, request, &mut self.out);
            }
            Next::Waiting | Next::UnderWay | Next::Nothing => {}
        }
    }

    /// An advice, or a heartbeat, that was to be sent was not, because nothing could be written.
    pub(super) fn undo_send(&mut self, lane: Lane) {
        let request = self.uplink.undo(lane);
        match lane {
            Lane::Advice => {
                self.delivery.answered(Err(LinkFailure::Unreachable));
            }
            Lane::Heartbeat => self.set(Timer::Heartbeat, IDLE_HEARTBEAT_MS),
            Lane::Online => {
                if let Some(request) = request {
                    self.signal(Signal::Replied(Box::new(request), Err(LinkFailure::Unreachable)));
                }
            }
        }
    }

    fn advice_answered(&mut self, reply: Result<Reply, LinkFailure>) {
        let id = self.journal.book().next_advice().map(|advice| advice.id);
        match self.delivery.answered(reply) {
            Answered::Delivered { record, acknowledgement } => {
                self.write(record);
                let Acknowledgement { case: _, declined, lease } = *acknowledgement;
                if let Some(lease) = lease {
                    self.take_lease(lease);
                }
                if let Some(id) = id {
                    self.signal(Signal::Acknowledged(id, declined));
                }
            }
            Answered::Escalated { record, alarm } => {
                self.write(record);
                self.alarm(alarm);
            }
            Answered::Retry { wait_ms, alarm } => {
                self.set(Timer::Retry, wait_ms);
                if let Some(alarm) = alarm {
                    self.alarm(alarm);
                }
            }
            Answered::Stray => {}
        }
    }

    fn take_news(&mut self, news: News) {
        let newest = self.settings().map_or(0, |settings| settings.version);
        if let Some(settings) = news.settings.filter(|settings| settings.version > newest) {
            self.write(Record::Settings(settings));
        }
        if let Some(list) = news.hot_list {
            self.take_hot_list(list);
        }
        if let Some(lease) = news.lease {
            self.take_lease(lease);
        }
        self.offered_key = news.pin_key;
        self.import_key();
        let done = self.journal.book().carried_out();
        for command in news.commands.into_iter().filter(|command| command.number > done) {
            self.carry_out(&command);
        }
        self.servicing.take_order(news.replenishment);
        self.signal(Signal::Changed);
    }

    /// Gives the pad the key that the host offered, as soon as the pad can take it: before it is asked for a PIN.
    pub(super) fn import_key(&mut self) {
        if self.devices.works(Unit::PinPad)
            && self.devices.is_free(Unit::PinPad)
            && let Some(key) = self.offered_key.take()
        {
            self.tell(Command::ImportPinKey(key));
        }
    }

    fn take_hot_list(&mut self, list: HotList) {
        let confirmed = match self.journal.book().hot_list() {
            Some((here, _)) if here.version > list.version => return,
            Some((here, since)) if here.version == list.version => Some(self.now.since_ms(since)),
            Some(_) | None => None,
        };
        match confirmed {
            Some(0..CONFIRM_EVERY_MS) => {}
            Some(_) => {
                self.write(Record::HotListConfirmed { version: list.version });
            }
            None => {
                self.write(Record::HotList(list));
            }
        }
    }

    /// A lease is worth writing down only for the nonce that the dispenser holds.
    fn take_lease(&mut self, lease: Lease) {
        let here = self.journal.book().lease() == Some(&lease);
        if !here && self.cash.held() == Held::Told(lease.nonce) {
            self.write(Record::Lease(lease));
        }
    }

    fn carry_out(&mut self, command: &HostCommand) {
        self.set_service(match command.kind {
            HostCommandKind::Close => Availability::Out,
            HostCommandKind::Open => Availability::In,
        });
        self.write(Record::CarriedOut { number: command.number });
    }

    /// Drops from the journal what no longer matters, between visits.
    pub(super) fn forget(&mut self) {
        let Some(keep_from) = self.journal.book().may_forget() else { return };
        if !self.journal.is_long() {
            return;
        }
        let summary = self.journal.book().summary(self.now);
        if self.write(Record::Summary(Box::new(summary))).is_some() {
            self.out.push(Output::Forget { keep_from });
        }
    }
}
