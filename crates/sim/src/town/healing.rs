//! How a run ends: nothing goes wrong any more, what was begun is ended, everything must agree.

use cashpoint_core::terminal::book::Book;
use cashpoint_core::terminal::screen::Screen;

use super::faults::Deed;
use super::staff::Exchange;
use super::{Machine, Phase, ROUND_MS, Town, ledger, staff, watch};
use crate::audit::seen::Seen;
use crate::audit::{Remains, Standing, Violation};
use crate::network::Network;

const DAY_US: i64 = 86_400_000_000;

/// Bytes that a journal has in the end.
const ROOM: u64 = 1 << 20;

/// How many rounds of staff everything is given once faults have stopped.
const HEALING_ROUNDS: u32 = 40;

/// For how many of them a machine may end what it began before staff open it.
const PATIENT_ROUNDS: u32 = 10;

impl Town<'_> {
    /// Nothing goes wrong any more, and everything is given time.
    pub(super) fn heal(&mut self) -> Result<(), Violation> {
        self.tell(None, Seen::Healed)?;
        self.agenda.clear();
        self.phase = Phase::Healed;
        {
            let mut host = self.host.borrow_mut();
            host.bank.wait_until(self.now);
            host.heal();
        }
        for machine in &mut self.machines {
            let world = &mut machine.world;
            (world.weather, world.network) = (None, Network::Up);
            world.station.hardware.clear_faults();
            let station = &mut world.station;
            (station.journal.failure, station.journal.limit) = (None, ROOM);
            (station.dies_before, station.powerless_after, station.clock_ahead_ms) = (None, None, 0);
        }
        for round in 0..HEALING_ROUNDS {
            // What was begun is ended, and power is everywhere.
            for at in 0..self.machines.len() {
                self.after(1, Deed::PowerBack(at));
                self.after(1, Deed::AtExchange(at));
            }
            self.after(ROUND_MS / 2, Deed::RoundEnds);
            while self.agenda.keys().next().is_some() {
                self.step()?;
            }
            if round % 2 == 0 {
                self.minute();
            }
            let unwell: Vec<usize> = (0..self.machines.len()).filter(|at| !self.is_well(*at)).collect();
            if unwell.is_empty() {
                return Ok(());
            }
            for at in unwell {
                let machine = &self.machines[at];
                let open = machine.exchange.as_ref().is_some_and(Exchange::is_open);
                let ends = staff::is_busy(machine.world.station.screen()) && round < PATIENT_ROUNDS;
                if !open && !ends {
                    self.put_right(at)?;
                }
            }
        }
        Ok(())
    }

    /// Whatever does not serve by now never will. Said last: which invariant is broken says more.
    pub(super) fn stuck(&self) -> Result<(), Violation> {
        let Some(at) = (0..self.machines.len()).find(|at| !self.is_well(*at)) else { return Ok(()) };
        let Machine { world, exchange, .. } = &self.machines[at];
        let what = format!("{}: {:?}, {exchange:?}", world.station.id, world.station.screen());
        Err(Violation { rule: "machines_serve_once_faults_stopped", at: self.now, what })
    }

    fn is_well(&self, at: usize) -> bool {
        let station = &self.machines[at].world.station;
        matches!(station.screen(), Some(Screen::Welcome { .. }))
            && self.machines[at].exchange.is_none()
            && self.standing(at).is_ok_and(|standing| standing.waiting == 0 && standing.open == 0)
    }

    /// How a machine stands, by its journal.
    pub(super) fn standing(&self, at: usize) -> Result<Standing, Violation> {
        let station = &self.machines[at].world.station;
        let broken = |what: String| Violation { rule: "invariant_22_every_intent_ends", at: self.now, what };
        let entries = station.journal.entries().map_err(|error| broken(format!("{}: {error:?}", station.id)))?;
        let book = Book::read(&entries).map_err(|error| broken(format!("{}: {error:?}", station.id)))?;
        Ok(Standing { machine: station.id, waiting: book.waiting(), open: usize::from(book.open().is_some()) })
    }

    /// Everything is counted and compared.
    pub(super) fn settle(&mut self) -> Result<(), Violation> {
        let mut standing = Vec::new();
        for at in 0..self.machines.len() {
            for (place, notes) in watch::count(&self.machines[at].world.station.hardware) {
                self.tell(Some(at), Seen::Counted(place, notes))?;
            }
            standing.push(self.standing(at)?);
        }
        // What waits to go along with something else is written.
        self.host.borrow_mut().bank.restart();
        self.tell_what_is_there()?;
        let records = self.file();
        let (rows, kept) = (ledger::rows(&records), self.kept());
        if self.start.micros().div_euclid(DAY_US) != self.now.micros().div_euclid(DAY_US) {
            self.tally.sometimes.reach("midnight");
        }
        self.tally.take_stock(&rows, &self.people);
        let remains = Remains { rows: &rows, records: Some(&records), standing: &standing, kept: &kept };
        self.observer.settled(&remains, self.now)
    }
}
