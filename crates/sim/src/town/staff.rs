//! What staff do at machines: they pass by, put right what is out of service, exchange cassettes; and what some of them take.

use std::collections::BTreeMap;

use cashpoint_bank::desk::{Counted, ReplenishRequest};
use cashpoint_core::command::CountedCassette;
use cashpoint_core::mix::Notes;
use cashpoint_core::money::Decimal;
use cashpoint_core::terminal::StaffAction;
use cashpoint_core::terminal::screen::Screen;
use cashpoint_devices::model::{Hardware, PersonAction, Place, Quality};

use super::faults::Deed;
use super::habits::index;
use super::{Phase, ROUND_MS, Town, watch};
use crate::audit::Violation;
use crate::audit::seen::Seen;
use crate::bench::NOTES;

/// How often in a row staff find a machine out of service before they open it, and how often where it seems to be about to
/// end something: what lies there is still the customer's.
const IDLE_ROUNDS: u32 = 2;
const BUSY_ROUNDS: u32 = 6;

/// How often staff look how far an exchange is.
const LOOKS_MS: i64 = 20_000;

/// An exchange of a machine's cassettes, from its order on.
#[derive(Clone, Debug)]
pub(super) struct Exchange {
    number: u64,
    stage: Stage,
}

/// How far it is.
#[derive(Clone, Debug)]
enum Stage {
    /// The machine has not opened.
    Ordered,
    /// It is open; what is stuck has been taken out.
    Open,
    /// Everything is taken out and filled again; the bank does not know the count yet.
    Counted(ReplenishRequest),
    /// It does.
    Said,
}

impl Exchange {
    /// Whether nobody but the staff at it should touch the machine.
    pub(super) const fn is_open(&self) -> bool {
        !matches!(self.stage, Stage::Ordered)
    }
}

impl Town<'_> {
    /// Staff pass by; what has been out of service since they were last there they put right.
    pub(super) fn staff_pass(&mut self, at: usize) -> Result<(), Violation> {
        let machine = &mut self.machines[at];
        let screen = machine.world.station.screen();
        let idle = machine.visitor.is_none();
        let well = matches!(screen, Some(Screen::Welcome { .. })) && watch::is_clear(&machine.world.station.hardware);
        let open = machine.exchange.as_ref().is_some_and(Exchange::is_open);
        let rounds = if is_busy(screen) { BUSY_ROUNDS } else { IDLE_ROUNDS };
        machine.found_out = if well || open || !idle { 0 } else { machine.found_out + 1 };
        let acts = machine.found_out >= rounds;
        self.after(ROUND_MS, Deed::StaffPass(at));
        if acts { self.put_right(at) } else { Ok(()) }
    }

    /// Staff take out what is stuck or lies about, and open the machine.
    pub(super) fn put_right(&mut self, at: usize) -> Result<(), Violation> {
        // Notes that a withdrawal has presented are its customer's until the terminal has ended it: whoever takes them
        // out before that has them taken for the customer's.
        let ended = self.machines[at].world.station.is_running() && self.standing(at)?.open == 0;
        self.restart_over_a_broken_journal(at)?;
        let world = &mut self.machines[at].world;
        world.station.hardware.clear_faults();
        let reports = world.station.hardware.switch_on();
        world.hear(reports);
        let left = if ended { world.station.hardware.census().at(Place::Exit).count() } else { 0 };
        // Who left notes that were given back has them handed over.
        let acts = [PersonAction::ClearJams, PersonAction::RemoveNotes(Place::Exit, left), PersonAction::TakeReturned];
        for act in acts {
            let reports = world.station.hardware.person(&act);
            world.hear(reports);
        }
        world.staff(StaffAction::Open);
        self.machines[at].found_out = 0;
        self.tell(Some(at), Seen::Staff(StaffAction::Open))?;
        self.look(at)
    }

    /// A journal that broke takes nothing until the process begins again.
    fn restart_over_a_broken_journal(&mut self, at: usize) -> Result<(), Violation> {
        let world = &mut self.machines[at].world;
        world.wait_until(self.now);
        if !world.station.journal.is_broken() || !world.station.is_running() {
            return Ok(());
        }
        world.kill();
        self.look(at)
    }

    /// Staff order that a machine's cassettes be exchanged, unless they are at it.
    pub(super) fn order_exchange(&mut self, at: usize) -> Result<(), Violation> {
        if self.machines[at].exchange.is_some() {
            return Ok(());
        }
        let machine = self.machines[at].world.station.id;
        let nothing =
            ReplenishRequest { machine, cassettes: Vec::new(), deposit_bin: None, reject_bin: None, retract_bin: None };
        let Some(number) = self.ask_exchange(nothing) else {
            self.later(Self::EXCHANGES, self.setup.profile.exchanges, Deed::Exchange(at));
            return Ok(());
        };
        self.machines[at].exchange = Some(Exchange { number, stage: Stage::Ordered });
        self.after(LOOKS_MS, Deed::AtExchange(at));
        self.tell(Some(at), Seen::Ordered(number))
    }

    fn ask_exchange(&mut self, request: ReplenishRequest) -> Option<u64> {
        let (key, now) = (self.next_key(), self.now);
        let done = self.host.borrow_mut().staff(now, |bank, admin| {
            bank.replenish(admin, &key, request.clone())
                .map(|done| done.map(|done| done.0).map_err(|told| told.refusal))
        })?;
        match done {
            Counted::Ordered { number, .. } => Some(number),
            Counted::Posted(_) => None,
        }
    }

    /// Staff see to an exchange that was ordered.
    pub(super) fn see_to_exchange(&mut self, at: usize) -> Result<(), Violation> {
        let Some(Exchange { number, stage }) = self.machines[at].exchange.clone() else { return Ok(()) };
        self.restart_over_a_broken_journal(at)?;
        let (machine, now) = (self.machines[at].world.station.id, self.now);
        let row = self.host.borrow_mut().staff(now, |bank, admin| bank.replenishment(admin, machine, number));
        if self.phase == Phase::Faults {
            self.after(LOOKS_MS, Deed::AtExchange(at));
        }
        let Some((row, open)) = row else { return Ok(()) };
        if let Some(posted) = row.posted {
            self.machines[at].exchange = None;
            self.later(Self::EXCHANGES, self.setup.profile.exchanges, Deed::Exchange(at));
            let (difference, held) = (posted.difference.minor(), posted.held.minor());
            return self.tell(Some(at), Seen::Replenished { number, difference, held });
        }
        let next = match stage {
            Stage::Ordered if open == Some(number) => {
                self.free(at);
                Stage::Open
            }
            Stage::Open if open == Some(number) => {
                let counted = self.exchange_notes(at)?;
                self.say_count(counted)
            }
            Stage::Counted(counted) => self.say_count(counted),
            other @ (Stage::Ordered | Stage::Open | Stage::Said) => other,
        };
        self.machines[at].exchange = Some(Exchange { number, stage: next });
        self.look(at)
    }

    fn say_count(&mut self, counted: ReplenishRequest) -> Stage {
        match self.ask_exchange(counted.clone()) {
            Some(_) => Stage::Said,
            None => Stage::Counted(counted),
        }
    }

    /// Takes out what is stuck; the terminal is given time to see that.
    fn free(&mut self, at: usize) {
        let world = &mut self.machines[at].world;
        world.wait_until(self.now);
        world.station.hardware.clear_faults();
        let reports = world.station.hardware.person(&PersonAction::ClearJams);
        world.hear(reports);
    }

    /// Everything is taken out, counted, and other notes are laid in.
    fn exchange_notes(&mut self, at: usize) -> Result<ReplenishRequest, Violation> {
        let machine = &mut self.machines[at];
        let hardware = &mut machine.world.station.hardware;
        let figure = |minor: i64| Decimal::new(minor.unsigned_abs(), 2);
        let bins = [Place::DepositBin, Place::RetractBin].map(|bin| hardware.census().at(bin).value());
        let ways = [Place::Transport, Place::Stacker, Place::Exit, Place::Escrow];
        let all = (0..NOTES.len()).map(Place::Cassette).chain([Place::DepositBin, Place::RejectBin, Place::RetractBin]);
        let out: Vec<u32> = (0..NOTES.len()).map(|at| hardware.census().at(Place::Cassette(at)).count()).collect();
        for place in all.chain(ways) {
            let count = hardware.census().at(place).count();
            drop(hardware.person(&PersonAction::RemoveNotes(place, count)));
        }
        let now = with_staff(hardware);
        let fetched = more(&machine.with_staff, &now);
        machine.with_staff = now;
        let found: i64 = fetched.iter().map(|(note, count)| note * i64::from(*count)).sum();
        let cassettes: i64 = NOTES.iter().zip(&out).map(|(note, count)| note * i64::from(*count)).sum();
        let mut counted = Vec::new();
        let mut filled = Vec::new();
        for (position, (denomination, counted_out)) in NOTES.into_iter().zip(out).enumerate() {
            let counted_in = 60 + u32::try_from(self.chance.below(41)).unwrap_or(0);
            let hardware = &mut self.machines[at].world.station.hardware;
            drop(hardware.person(&PersonAction::FillCassette(position, counted_in)));
            counted.push(CountedCassette { denomination: figure(denomination), counted_out, counted_in });
            filled.push((denomination, counted_in));
        }
        self.tell(Some(at), Seen::Fetched(fetched))?;
        self.tell(Some(at), Seen::Loaded(filled))?;
        Ok(ReplenishRequest {
            machine: self.machines[at].world.station.id,
            cassettes: counted,
            deposit_bin: Some(figure(bins[0])),
            // What was stuck or lay about is told with the rejected notes.
            reject_bin: Some(figure(found - cassettes - bins[0] - bins[1])),
            retract_bin: Some(figure(bins[1])),
        })
    }

    /// Whoever can open a machine takes a few notes.
    pub(super) fn rob(&mut self, at: usize) -> Result<(), Violation> {
        self.later(Self::ROBBERIES, self.setup.profile.insiders, Deed::Rob(at));
        let (position, count) = (index(&mut self.chance, NOTES.len()), 1 + self.chance.below(4));
        let count = u32::try_from(count).unwrap_or(1);
        let machine = &mut self.machines[at];
        let open = machine.exchange.as_ref().is_some_and(Exchange::is_open);
        if machine.visitor.is_some() || open {
            return Ok(());
        }
        let act = PersonAction::RemoveNotes(Place::Cassette(position), count);
        if machine.world.station.hardware.attempt(&act).is_err() {
            return Ok(());
        }
        let notes = vec![(NOTES[position], count)];
        *machine.with_staff.entry(NOTES[position]).or_default() += count;
        self.tell(Some(at), Seen::Fetched(notes.clone()))?;
        self.tell(Some(at), Seen::Stolen(notes))
    }
}

/// Whether a machine serves somebody, if only with what they left.
pub(super) const fn is_busy(screen: Option<&Screen>) -> bool {
    !matches!(screen, None | Some(Screen::Welcome { .. } | Screen::OutOfService { .. }))
}

/// Whether a machine serves or could.
pub(super) const fn serves(screen: Option<&Screen>) -> bool {
    !matches!(screen, None | Some(Screen::OutOfService { .. }))
}

/// Genuine notes in staff's hands, by denomination.
fn with_staff(hardware: &Hardware) -> BTreeMap<i64, u32> {
    let mut notes = BTreeMap::new();
    for (note, count) in hardware.census().at(Place::Staff).iter().filter(|(note, _)| note.quality != Quality::False) {
        *notes.entry(note.denomination).or_default() += count;
    }
    notes
}

/// What is more of it than was.
fn more(before: &BTreeMap<i64, u32>, now: &BTreeMap<i64, u32>) -> Notes {
    let more = |(note, count): (&i64, &u32)| (*note, count - before.get(note).copied().unwrap_or(0));
    now.iter().map(more).filter(|(_, count)| *count > 0).collect()
}
