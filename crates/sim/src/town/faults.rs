//! When something happens in a town besides what machines and people do by themselves: what is on its agenda.

use cashpoint_core::id::AccountNumber;
use cashpoint_core::terminal::JournalFailure;
use cashpoint_devices::model::{Armed, Fault, Step};

use super::habits::index;
use super::host::Customer;
use super::profile::Level;
use super::weather::Weather;
use super::{MINUTE_MS, Phase, ROUND_MS, Town};
use crate::audit::Violation;
use crate::audit::seen::{Holder, Power, Seen};
use crate::chance::Chance;
use crate::network::Network;

/// Minutes between two of a kind, on average, where they are rare and where they are many.
const OUTAGES: [u64; 2] = [30, 4];
const CLOCKS: [u64; 2] = [30, 6];
const REPORTS: [u64; 2] = [40, 10];

const POWER_CUTS: [u64; 2] = [90, 20];

/// How often in a thousand visits, where rare and where many.
const DEVICES: [u64; 2] = [30, 300];
const DEATHS: [u64; 2] = [30, 250];
const JOURNALS: [u64; 2] = [15, 120];
const TEARS: [u64; 2] = [15, 120];
const HASTY_REPORTS: [u64; 2] = [40, 120];

/// As many bytes as most records have.
const LONG: usize = 200;

/// Bytes of a journal that is small.
const SMALL_JOURNAL: u64 = 12_000;

/// By how many seconds clocks are set.
const JUMPS_S: [i64; 6] = [-86_400, -3_600, -7, 7, 3_600, 86_400];

/// What happens at an instant.
#[derive(Clone, Copy, Debug)]
pub(super) enum Deed {
    /// Somebody comes to a machine.
    Comes(usize),
    /// Whoever was there at that visit has enough.
    GivesUp(usize, u32),
    /// Staff pass by.
    StaffPass(usize),
    /// A line goes down.
    LineDown(usize),
    /// It is up again.
    LineUp(usize),
    /// A journal can be written again.
    JournalMended(usize),
    /// Somebody sets the host's clock, by so many seconds.
    HostClock,
    /// It is right again.
    HostClockRight,
    /// Somebody sets a machine's clock.
    MachineClock(usize),
    /// A card is reported stolen.
    Report,
    /// That of somebody whose cash is on its way.
    ReportOf(Holder),
    /// Staff order an exchange of cassettes.
    Exchange(usize),
    /// They see to it.
    AtExchange(usize),
    /// Somebody who can open the machine takes notes.
    Rob(usize),
    /// Somebody looks into cases.
    Desk,
    /// Somebody closes an account.
    Close,
    /// The bank chooses otherwise.
    Choose,
    /// A machine loses power.
    PowerFails(usize),
    /// It has it again.
    PowerBack(usize),
    /// A minute is over.
    Minute,
    /// A round of the healed phase is over.
    RoundEnds,
}

impl Town<'_> {
    pub(super) const EXCHANGES: [u64; 2] = [30, 10];
    pub(super) const ROBBERIES: [u64; 2] = [60, 15];
    pub(super) const DESKS: [u64; 2] = [15, 4];
    pub(super) const CHOICES: [u64; 2] = [40, 10];
    pub(super) const CLOSINGS: [u64; 2] = [20, 4];

    pub(super) fn perform(&mut self, deed: Deed) -> Result<(), Violation> {
        match deed {
            Deed::Comes(at) => self.comes(at),
            Deed::GivesUp(at, visit) => self.gives_up(at, visit),
            Deed::StaffPass(at) => self.staff_pass(at),
            Deed::LineDown(at) => self.line_down(at),
            Deed::LineUp(at) => {
                self.machines[at].weather.borrow_mut().outage = None;
                self.tell(Some(at), Seen::Line(Network::Up))
            }
            Deed::JournalMended(at) => {
                self.machines[at].world.station.journal.failure = None;
                Ok(())
            }
            Deed::HostClock => self.host_clock(),
            Deed::HostClockRight => {
                let host = self.host.borrow();
                host.bank.wait_until(self.now);
                host.bank.set_clock(0);
                drop(host);
                self.later(CLOCKS, self.setup.profile.clocks, Deed::HostClock);
                self.tell(None, Seen::ClockSet(0))
            }
            Deed::MachineClock(at) => self.machine_clock(at),
            Deed::Report => self.report(),
            Deed::ReportOf(holder) => self.report_card(holder),
            Deed::Exchange(at) => self.order_exchange(at),
            Deed::AtExchange(at) => self.see_to_exchange(at),
            Deed::Rob(at) => self.rob(at),
            Deed::Desk => self.desk(),
            Deed::Close => self.close(),
            Deed::Choose => self.choose(),
            Deed::PowerFails(at) => self.power_fails(at),
            Deed::PowerBack(at) => self.power_back(at),
            Deed::Minute => {
                self.minute();
                self.after(MINUTE_MS, Deed::Minute);
                Ok(())
            }
            Deed::RoundEnds => Ok(()),
        }
    }

    /// Puts the first of each kind of fault on the agenda.
    pub(super) fn draw_faults(&mut self) {
        let profile = self.setup.profile.clone();
        for at in 0..self.machines.len() {
            if profile.journals != Level::Off && self.chance.below(2) == 0 {
                self.machines[at].world.station.journal.limit = SMALL_JOURNAL + self.chance.below(2 * SMALL_JOURNAL);
            }
            self.later(OUTAGES, profile.outages, Deed::LineDown(at));
            self.later(CLOCKS, profile.clocks, Deed::MachineClock(at));
            self.later(Self::EXCHANGES, profile.exchanges, Deed::Exchange(at));
            self.later(Self::ROBBERIES, profile.insiders, Deed::Rob(at));
            self.later(POWER_CUTS, profile.power, Deed::PowerFails(at));
        }
        self.later(Self::DESKS, profile.desk, Deed::Desk);
        self.later(Self::CLOSINGS, profile.closings, Deed::Close);
        self.later(Self::CHOICES, profile.choices, Deed::Choose);
        self.later(CLOCKS, profile.clocks, Deed::HostClock);
        self.later(REPORTS, profile.reports, Deed::Report);
    }

    pub(super) fn later(&mut self, [rare, heavy]: [u64; 2], level: Level, deed: Deed) {
        let minutes = level.per_mille(rare, heavy);
        if minutes > 0 && self.phase == Phase::Faults {
            let ms = self.chance.below(minutes * 120_000);
            self.after(i64::try_from(ms).unwrap_or(i64::MAX), deed);
        }
    }

    /// What goes wrong in the visit that begins.
    pub(super) fn arm(&mut self, at: usize) -> Result<(), Violation> {
        let profile = &self.setup.profile;
        let (devices, deaths) = (rate(profile.devices, DEVICES), rate(profile.deaths, DEATHS));
        let (journals, tears) = (rate(profile.journals, JOURNALS), rate(profile.power, TEARS));
        if self.chance.below(1000) < devices {
            let armed = self.draw_fault();
            let hardware = &mut self.machines[at].world.station.hardware;
            hardware.arm(armed).expect("they were drawn to meet");
            self.tell(Some(at), Seen::Armed(armed))?;
        }
        let station = &mut self.machines[at].world.station;
        if self.chance.below(1000) < deaths {
            station.dies_before = Some(station.done + self.chance.below(60));
        }
        if self.chance.below(1000) < tears {
            station.powerless_after = Some(self.chance.below(25));
            station.journal.reaches = draw_reach(&mut self.chance);
        }
        if self.chance.below(1000) < journals && station.journal.failure.is_none() {
            let kinds = [JournalFailure::Full, JournalFailure::DiskFull, JournalFailure::Broken];
            let after = self.chance.below(25);
            station.journal.failure = Some(kinds[index(&mut self.chance, kinds.len())]);
            station.journal.fails_after = after;
            station.journal.reaches = draw_reach(&mut self.chance);
            let mended = i64::try_from(self.chance.below(120_000)).unwrap_or(0);
            self.after(mended, Deed::JournalMended(at));
            self.tell(Some(at), Seen::JournalFails(after))?;
        }
        Ok(())
    }

    fn draw_fault(&mut self) -> Armed {
        loop {
            let fault = Fault::ALL[index(&mut self.chance, Fault::ALL.len())];
            let step = Step::ALL[index(&mut self.chance, Step::ALL.len())];
            if fault.meets(step) {
                let always = self.chance.below(8) == 0;
                return if always { Armed::always(fault, step) } else { Armed::once(fault, step) };
            }
        }
    }

    /// Now and then everybody's.
    fn line_down(&mut self, at: usize) -> Result<(), Violation> {
        self.later(OUTAGES, self.setup.profile.outages, Deed::LineDown(at));
        let outage = Weather::draw_outage(&mut self.chance);
        let lasts = 5_000 + i64::try_from(self.chance.below(300_000)).unwrap_or(0);
        let all = self.chance.below(3) == 0;
        let cut = (0..self.machines.len()).filter(|one| all || *one == at);
        for at in cut.collect::<Vec<_>>() {
            if self.machines[at].weather.borrow().outage.is_some() {
                continue;
            }
            self.machines[at].weather.borrow_mut().outage = Some(outage);
            self.after(lasts, Deed::LineUp(at));
            self.tell(Some(at), Seen::Line(outage))?;
        }
        Ok(())
    }

    /// Program and devices stop where they are.
    fn power_fails(&mut self, at: usize) -> Result<(), Violation> {
        self.later(POWER_CUTS, self.setup.profile.power, Deed::PowerFails(at));
        let world = &mut self.machines[at].world;
        world.wait_until(self.now);
        if !world.station.is_running() || !world.station.hardware.has_power() {
            return Ok(());
        }
        world.kill();
        self.powerless(at)
    }

    /// The devices are without power, too, and have it again after a while.
    pub(super) fn powerless(&mut self, at: usize) -> Result<(), Violation> {
        let world = &mut self.machines[at].world;
        world.station.lost_power = false;
        drop(world.station.hardware.switch_off());
        let lasts = 100 + i64::try_from(self.chance.below(20_000)).unwrap_or(0);
        self.after(lasts, Deed::PowerBack(at));
        self.tell(Some(at), Seen::Power(Power::Off))?;
        self.look(at)
    }

    fn power_back(&mut self, at: usize) -> Result<(), Violation> {
        let world = &mut self.machines[at].world;
        world.wait_until(self.now);
        if world.station.hardware.has_power() {
            return Ok(());
        }
        let reports = world.station.hardware.switch_on();
        world.hear(reports);
        self.tell(Some(at), Seen::Power(Power::On))?;
        self.look(at)
    }

    fn host_clock(&mut self) -> Result<(), Violation> {
        let ahead_s = JUMPS_S[index(&mut self.chance, JUMPS_S.len())];
        {
            let host = self.host.borrow();
            host.bank.wait_until(self.now);
            host.bank.set_clock(ahead_s);
        }
        let lasts = ROUND_MS + i64::try_from(self.chance.below(240_000)).unwrap_or(0);
        self.after(lasts, Deed::HostClockRight);
        self.tell(None, Seen::ClockSet(ahead_s * 1000))
    }

    fn machine_clock(&mut self, at: usize) -> Result<(), Violation> {
        let ahead_ms = JUMPS_S[index(&mut self.chance, JUMPS_S.len())] * 1000;
        self.machines[at].world.station.clock_ahead_ms = ahead_ms;
        self.later(CLOCKS, self.setup.profile.clocks, Deed::MachineClock(at));
        self.tell(Some(at), Seen::ClockSet(ahead_ms))
    }

    /// Of somebody who is at a machine, if anybody is: that is when it matters.
    fn report(&mut self) -> Result<(), Violation> {
        if self.reported.len() * 3 >= self.people.len() {
            // Somebody must be left to serve.
            return Ok(());
        }
        self.later(REPORTS, self.setup.profile.reports, Deed::Report);
        let here: Vec<_> = self.busy.iter().copied().collect();
        let all = if here.is_empty() { (0..self.people.len()).collect() } else { here };
        let holder = all[index(&mut self.chance, all.len())];
        self.report_card(holder)
    }

    /// Some cards are reported while their owner's cash is on its way.
    pub(super) fn approved(&mut self, account: AccountNumber) {
        let level = self.setup.profile.reports;
        if level == Level::Off || self.chance.below(1000) >= rate(level, HASTY_REPORTS) {
            return;
        }
        let owns = |person: &Customer| person.accounts.iter().any(|(owned, _)| *owned == account);
        let left = self.reported.len() * 3 < self.people.len();
        if let Some(holder) = self.people.iter().position(owns).filter(|_| left) {
            let soon = i64::try_from(self.chance.below(6_000)).unwrap_or(0);
            self.after(soon, Deed::ReportOf(holder));
        }
    }
}

/// How much of a record reaches the disk of whose writing nobody hears the end: nothing, a part, or all of it.
fn draw_reach(chance: &mut Chance) -> usize {
    match chance.below(3) {
        0 => 0,
        1 => 1 + index(chance, LONG),
        _ => usize::MAX,
    }
}

const fn rate(level: Level, [rare, heavy]: [u64; 2]) -> u64 {
    level.per_mille(rare, heavy)
}
