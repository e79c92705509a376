//! Power and connections: what interrupts a device, what survives it, and how it comes back.

use std::collections::BTreeMap;

use cashpoint_core::terminal::device::{Event, Failure, Report, Unit};
use cashpoint_core::time::Timestamp;

use super::{Fault, Happening, Hardware, Step, Stopped};

/// Every device of a machine.
pub const UNITS: [Unit; 5] = [Unit::CardReader, Unit::PinPad, Unit::Dispenser, Unit::Acceptor, Unit::Printer];

/// What is up and what is down.
#[derive(Clone, Debug, Default)]
pub(super) struct Lines {
    now: Timestamp,
    power: Power,
    /// Connections that are down, and when they come back.
    down: BTreeMap<Unit, Timestamp>,
    /// The connection on which the running command's answer will be lost.
    lost: Option<Unit>,
}

/// Whether the machine has power.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Power {
    /// It has.
    #[default]
    On,
    /// It starts again at this time.
    Until(Timestamp),
    /// Somebody has to switch it on.
    Off,
}

impl Lines {
    pub(super) fn is_up(&self, unit: Unit) -> bool {
        self.power == Power::On && !self.down.contains_key(&unit)
    }

    pub(super) fn is_heard(&self, unit: Unit) -> bool {
        self.lost != Some(unit)
    }

    /// The running command's answer on this connection will be lost.
    pub(super) const fn lose(&mut self, unit: Unit) {
        self.lost = Some(unit);
    }

    pub(super) fn take_lost(&mut self, unit: Unit) -> bool {
        self.lost.take_if(|lost| *lost == unit).is_some()
    }
}

impl Hardware {
    /// Whether the machine has power.
    #[must_use]
    pub fn has_power(&self) -> bool {
        self.lines.power == Power::On
    }

    /// Whether a device can be reached.
    #[must_use]
    pub fn is_reachable(&self, unit: Unit) -> bool {
        self.lines.is_up(unit)
    }

    pub(super) fn is_heard(&self, unit: Unit) -> bool {
        self.lines.is_heard(unit)
    }

    /// When [`Hardware::advance`] next has something to do, nonces apart; none: when something else happens.
    #[must_use]
    pub fn next_due(&self) -> Option<Timestamp> {
        let power = match self.lines.power {
            Power::Until(at) => Some(at),
            Power::On | Power::Off => None,
        };
        self.lines.down.values().copied().chain(power).min()
    }

    /// Takes the machine's power away until [`Hardware::switch_on`].
    pub fn switch_off(&mut self) -> Vec<Report> {
        if !self.has_power() {
            self.lines.power = Power::Off;
            return Vec::new();
        }
        let reports = self.power_fails(None);
        self.lines.power = Power::Off;
        reports
    }

    /// Gives it power again.
    pub fn switch_on(&mut self) -> Vec<Report> {
        if self.has_power() {
            return Vec::new();
        }
        self.lines.power = Power::Until(self.lines.now);
        self.come_back(self.lines.now)
    }

    /// As [`Hardware::switch_off`] and [`Hardware::switch_on`] for a machine whose state was read from a disk: what was
    /// running is gone, and whoever connects finds it started.
    pub fn power_up(&mut self) {
        self.forget_the_volatile();
        self.recover_dispenser();
        self.recover_acceptor();
    }

    pub(super) fn power_fails(&mut self, running: Option<Unit>) -> Vec<Report> {
        let units = UNITS.into_iter().filter(|unit| self.lines.is_up(*unit)).collect::<Vec<_>>();
        let waits = |unit: &Unit| self.waiting.iter().any(|waiting| waiting.unit() == *unit);
        let ended = units.iter().copied().filter(|unit| running == Some(*unit) || waits(unit));
        let mut reports: Vec<Report> = ended.map(|unit| Report::Failed(unit, Failure::Lost)).collect();
        reports.extend(units.into_iter().map(|unit| Report::Event(Event::Disconnected(unit))));
        self.forget_the_volatile();
        self.lines.power = Power::Until(self.lines.now.plus_ms(i64::from(self.fitting.restart_ms)));
        reports
    }

    /// The connection of a unit drops while its command runs.
    pub(super) fn connection_drops(&mut self, unit: Unit) -> Vec<Report> {
        self.told.clear();
        self.waiting.retain(|waiting| waiting.unit() != unit);
        let back = self.lines.now.plus_ms(i64::from(self.fitting.reconnect_ms));
        self.lines.down.insert(unit, back);
        vec![Report::Failed(unit, Failure::Lost), Report::Event(Event::Disconnected(unit))]
    }

    pub(super) fn come_back(&mut self, now: Timestamp) -> Vec<Report> {
        self.lines.now = now.max(self.lines.now);
        let now = self.lines.now;
        if matches!(self.lines.power, Power::Until(at) if at <= now) {
            self.power_up();
            return UNITS.into_iter().map(|unit| Report::Event(Event::Connected(unit))).collect();
        }
        let back: Vec<Unit> = self.lines.down.iter().filter(|(_, at)| **at <= now).map(|(unit, _)| *unit).collect();
        back.iter().for_each(|unit| _ = self.lines.down.remove(unit));
        if !self.has_power() {
            return Vec::new();
        }
        back.into_iter().map(|unit| Report::Event(Event::Connected(unit))).collect()
    }

    pub(super) const fn now(&self) -> Timestamp {
        self.lines.now
    }

    fn forget_the_volatile(&mut self) {
        self.lines = Lines { now: self.lines.now, ..Lines::default() };
        self.waiting.clear();
        self.told.clear();
        self.pad.forget_pin();
        self.dispenser.forget_nonce();
    }

    /// What stands before a step: power may fail, or the connection drop, before it has any effect.
    pub(super) fn before(&mut self, unit: Unit, step: Step) -> Result<(), Stopped> {
        if self.faults.happens(Fault::PowerLossBefore, step) {
            return Err(Stopped::PowerLoss);
        }
        if self.faults.happens(Fault::ConnectionLossBefore, step) {
            if !step.is_under_way() {
                return Err(Stopped::LineDown);
            }
            self.lines.lose(unit);
        }
        Ok(())
    }

    /// What stands after a step: it is done and recorded, but perhaps nobody hears of it.
    pub(super) fn after(&mut self, unit: Unit, step: Step) -> Result<(), Stopped> {
        if self.faults.happens(Fault::PowerLossAfter, step) {
            return Err(Stopped::PowerLoss);
        }
        if self.faults.happens(Fault::ConnectionLossAfter, step) {
            self.lines.lose(unit);
        }
        Ok(())
    }

    /// Whether power fails half-way through a step.
    pub(super) fn is_cut_short(&mut self, step: Step) -> bool {
        self.faults.happens(Fault::PowerLossDuring, step)
    }

    pub(super) fn jams(&mut self, step: Step) -> bool {
        self.faults.happens(Fault::Jam, step)
    }

    pub(super) fn note(&mut self, happening: Happening) {
        self.happened.push(happening);
    }
}
