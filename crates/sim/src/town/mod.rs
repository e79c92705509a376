//! Many machines at one bank, and the people who come to them: one thread, virtual time, everything drawn from one seed.
//!
//! A run has a safety phase, in which whatever the [`Profile`] allows goes wrong, and a healed one, in which nothing does any
//! more and everything must be told and agree. Machines, bank and devices are the shipping ones; each machine is a [`World`]
//! of its own, and the town goes on where the earliest thing is due. What is seen goes to an [`Observer`]; nothing is judged
//! here.
//!
//! Days are short: people come one after the other, because signs of life in idle hours would be most of the work.

mod faults;
pub mod habits;
pub mod host;
pub mod profile;
pub mod sometimes;
mod tally;
pub mod trace;
pub mod watch;
pub mod weather;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::rc::Rc;

use cashpoint_bank::store::records::Records;
use cashpoint_core::terminal::StaffAction;
use cashpoint_core::terminal::book::Book;
use cashpoint_core::terminal::screen::{Finished, Screen};
use cashpoint_core::time::Timestamp;
use cashpoint_devices::model::{PersonAction, Place};
use tempfile::TempDir;

use crate::audit::seen::{Holder, Seen, Sight};
use crate::audit::{Observer, Standing, Violation};
use crate::bench;
use crate::chance::Chance;
use crate::host::{FILLING, Link};
use crate::network::Network;
use crate::person::Person;
use crate::site::GENEROUS;
use crate::world::World;

use faults::Deed;
use host::{Customer, Settled, TownHost};
use profile::{Limits, Partition, Profile};
pub use tally::Tally;
use trace::{Keep, Trace};
use watch::Watch;
use weather::Weather;

/// How long people wait for a machine before they go away, and how often they look.
const LOOKS: u32 = 30;
const LOOK_MS: i64 = 5_000;

/// How often staff pass by.
const ROUND_MS: i64 = 60_000;

/// How many rounds of staff everything is given once faults have stopped.
const HEALING_ROUNDS: u32 = 40;

/// What a run is made of.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Setup {
    /// What everything is drawn from.
    pub seed: u64,
    /// How many machines.
    pub machines: usize,
    /// How many visits at each.
    pub visits: u32,
    /// What goes wrong.
    pub profile: Profile,
    /// How much of what is seen is kept in words.
    pub keep: Keep,
}

/// How a run came out.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What must not be, if something was found.
    pub violation: Option<Violation>,
    /// What was seen, in words.
    pub trace: String,
    /// What was counted.
    pub tally: Tally,
}

/// A machine of the town.
struct Machine {
    world: World<Rc<RefCell<TownHost>>>,
    weather: Rc<RefCell<Weather>>,
    watch: Watch,
    /// Who is there.
    visitor: Option<Holder>,
    /// Visits that are still to come.
    to_come: u32,
    /// Visits so far.
    visit: u32,
    /// How often somebody has looked whether it serves.
    looked: u32,
    /// How often in a row staff found it out of service.
    found_out: u32,
    /// Whether who is there has got what they came for.
    served: bool,
}

/// The town.
struct Town<'a> {
    setup: Setup,
    observer: &'a mut dyn Observer,
    chance: Chance,
    folder: TempDir,
    host: Rc<RefCell<TownHost>>,
    people: Vec<Customer>,
    busy: BTreeSet<Holder>,
    /// Whose card was reported.
    reported: BTreeSet<Holder>,
    machines: Vec<Machine>,
    agenda: BTreeMap<(Timestamp, u64), Deed>,
    count: u64,
    start: Timestamp,
    now: Timestamp,
    trace: Trace,
    tally: Tally,
}

/// Runs a town from its beginning to its end.
///
/// # Panics
/// If the folder for its bank cannot be made.
pub fn run(setup: Setup, observer: &mut dyn Observer) -> Outcome {
    run_over(Link::Unsigned, setup, observer)
}

/// As [`run`], over a link of either kind: what is seen is the same.
///
/// # Panics
/// As [`run`].
pub fn run_over(link: Link, setup: Setup, observer: &mut dyn Observer) -> Outcome {
    let mut town = Town::new(link, setup, observer);
    let violation = town.live().err();
    let passed = town.now.since_ms(town.start);
    town.tally.machine_ms = passed * i64::try_from(town.machines.len()).unwrap_or(0);
    Outcome { violation, trace: town.trace.into_text(), tally: town.tally }
}

/// A folder for the bank of a run: in memory, where the system has such a place.
fn folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    let place = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
    let folder = tempfile::Builder::new().prefix("cashpoint-sim-").tempdir_in(place);
    folder.expect("a folder can be made")
}

impl<'a> Town<'a> {
    fn new(link: Link, setup: Setup, observer: &'a mut dyn Observer) -> Self {
        let mut chance = Chance::new(setup.seed);
        let folder = folder();
        let (mut bank, people, stations) = Settled::with(setup.machines).begin(folder.path());
        bank.link = link;
        match setup.profile.partition {
            Partition::Refuse => {}
            Partition::Limited(Limits { card, outage, lease }) => {
                let [card, outage, lease] = [card, outage, lease].map(|limit| limit.to_string());
                let limits =
                    [("offline_card_limit", &*card), ("offline_outage_limit", &outage), ("offline_lease", &lease)];
                bank.set_policy(&GENEROUS);
                bank.set_policy(&limits);
            }
            Partition::NoCash => {
                bank.set_policy(&GENEROUS);
                bank.set_policy(&[("offline_withdrawal", "refuse")]);
            }
        }
        // Some days have a midnight in them.
        let start = bench::noon().plus_s(i64::try_from(chance.below(86_400)).unwrap_or(0));
        let host = Rc::new(RefCell::new(TownHost::new(bank, setup.seed, &setup.profile)));
        let machine = |(at, station): (usize, _)| {
            let weather = Weather::new(setup.seed.wrapping_add(1 + at as u64), &setup.profile);
            let mut world = World::new(station, Rc::clone(&host), start);
            world.weather = Some(Weather::of(&weather));
            let (to_come, watch) = (setup.visits, Watch::default());
            Machine { world, weather, watch, visitor: None, to_come, visit: 0, looked: 0, found_out: 0, served: false }
        };
        let machines = stations.into_iter().enumerate().map(machine).collect();
        let trace = Trace::new(setup.keep, start);
        Self {
            setup,
            observer,
            chance,
            folder,
            host,
            people,
            busy: BTreeSet::new(),
            reported: BTreeSet::new(),
            machines,
            agenda: BTreeMap::new(),
            count: 0,
            start,
            now: start,
            trace,
            tally: Tally::default(),
        }
    }

    fn live(&mut self) -> Result<(), Violation> {
        self.begin()?;
        while self.machines.iter().any(|machine| machine.to_come > 0 || machine.visitor.is_some()) {
            self.step()?;
        }
        self.heal()?;
        self.settle()
    }

    fn begin(&mut self) -> Result<(), Violation> {
        for holder in 0..self.people.len() {
            for (account, balance) in self.people[holder].accounts {
                self.tell(None, Seen::Opened { holder, account, balance })?;
            }
        }
        for at in 0..self.machines.len() {
            let note = |(value, count): (&str, u32)| (value.parse::<i64>().unwrap_or(0) * 100, count);
            self.tell(Some(at), Seen::Loaded(FILLING.map(note).to_vec()))?;
            let machine = &mut self.machines[at];
            machine.watch.begin(&machine.world);
            let soon = habits::pause_ms(&mut self.chance);
            self.after(15_000 + soon, Deed::Comes(at));
            self.after(ROUND_MS, Deed::StaffPass(at));
        }
        self.draw_faults();
        Ok(())
    }

    fn after(&mut self, ms: i64, deed: Deed) {
        self.count += 1;
        self.agenda.insert((self.now.plus_ms(ms), self.count), deed);
    }

    /// Does the next thing that is due anywhere.
    fn step(&mut self) -> Result<(), Violation> {
        let deed = self.agenda.keys().next().map(|(due, _)| *due);
        let machines = self.machines.iter().enumerate();
        let world = machines.filter_map(|(at, machine)| Some((machine.world.next_due()?, at))).min();
        if let Some(due) = deed.filter(|due| world.is_none_or(|(world, _)| *due <= world)) {
            self.now = self.now.max(due);
            let (_, deed) = self.agenda.pop_first().expect("one was found");
            return self.perform(deed);
        }
        let (due, at) = world.expect("staff always pass by");
        self.now = self.now.max(due);
        self.machines[at].world.step(due);
        self.look(at)
    }

    /// Tells what is new at a machine and at the host.
    fn look(&mut self, at: usize) -> Result<(), Violation> {
        let sights = std::mem::take(&mut self.host.borrow_mut().seen);
        for sight in sights {
            self.see(sight)?;
        }
        let mut seen = Vec::new();
        let machine = &mut self.machines[at];
        machine.watch.look(&mut machine.world, &mut seen);
        let gone = machine.visitor.is_some() && !machine.world.is_visited();
        for what in seen {
            self.count_service(at, &what);
            self.tell(Some(at), what)?;
        }
        if gone { self.gone(at) } else { Ok(()) }
    }

    /// What a screen says of service.
    fn count_service(&mut self, at: usize, what: &Seen) {
        let Seen::Shown(Screen::Done(_) | Screen::Balance { .. }) = what else { return };
        let Some(holder) = self.machines[at].visitor else { return };
        if let Seen::Shown(Screen::Done(Finished::Withdrawal { amount, transaction: None, .. })) = what {
            self.tally.offline += amount.minor();
            self.tally.stolen += if self.reported.contains(&holder) { amount.minor() } else { 0 };
        }
        let goodbye = matches!(what, Seen::Shown(Screen::Done(Finished::Goodbye)));
        if !goodbye && !std::mem::replace(&mut self.machines[at].served, true) {
            self.tally.served += 1;
        }
    }

    /// The visitor has left.
    fn gone(&mut self, at: usize) -> Result<(), Violation> {
        if let Some(holder) = self.machines[at].visitor.take() {
            self.busy.remove(&holder);
        }
        let soon = habits::pause_ms(&mut self.chance);
        self.after(soon, Deed::Comes(at));
        self.tell(Some(at), Seen::Left)
    }

    fn tell(&mut self, at: Option<usize>, what: Seen) -> Result<(), Violation> {
        let machine = at.map(|at| self.machines[at].world.station.id);
        self.see(Sight { at: self.now, machine, what })
    }

    fn see(&mut self, sight: Sight) -> Result<(), Violation> {
        self.tally.note(&sight);
        self.trace.add(&sight);
        self.observer.see(&sight)
    }

    /// Somebody comes to a machine, if it serves and nothing of anybody's lies there.
    fn comes(&mut self, at: usize) -> Result<(), Violation> {
        let machine = &mut self.machines[at];
        machine.world.wait_until(self.now);
        if machine.to_come == 0 || machine.visitor.is_some() {
            return Ok(());
        }
        let serves = matches!(machine.world.station.screen(), Some(Screen::Welcome { .. }));
        if !serves || !watch::is_clear(&machine.world.station.hardware) {
            machine.looked += 1;
            let tired = machine.looked >= LOOKS;
            if tired {
                (machine.looked, machine.to_come) = (0, machine.to_come - 1);
            }
            self.after(LOOK_MS, Deed::Comes(at));
            return if tired { self.tell(Some(at), Seen::TurnedAway) } else { Ok(()) };
        }
        let holder = self.draw_holder();
        let plan = habits::plan(&self.people[holder], &self.setup.profile, &mut self.chance);
        let patience = habits::patience_ms(&self.setup.profile, &mut self.chance);
        self.arm(at)?;
        let machine = &mut self.machines[at];
        (machine.looked, machine.to_come, machine.visitor) = (0, machine.to_come - 1, Some(holder));
        (machine.visit, machine.served) = (machine.visit + 1, false);
        let visit = machine.visit;
        let entered = Seen::Entered { holder, wish: plan.wish.clone(), cash: plan.cash };
        machine.world.enter(Person::new(plan));
        self.after(patience, Deed::GivesUp(at, visit));
        self.tell(Some(at), entered)
    }

    fn draw_holder(&mut self) -> Holder {
        let free: Vec<Holder> = (0..self.people.len()).filter(|holder| !self.busy.contains(holder)).collect();
        let holder = free[habits::index(&mut self.chance, free.len())];
        self.busy.insert(holder);
        holder
    }

    fn gives_up(&mut self, at: usize, visit: u32) -> Result<(), Violation> {
        let machine = &mut self.machines[at];
        if machine.visitor.is_none() || machine.visit != visit {
            return Ok(());
        }
        machine.world.leave();
        self.look(at)
    }

    /// Staff pass by; what has been out of service since they were last there they put right.
    fn staff_pass(&mut self, at: usize) -> Result<(), Violation> {
        let machine = &mut self.machines[at];
        let screen = machine.world.station.screen();
        let idle = machine.visitor.is_none();
        let well = matches!(screen, Some(Screen::Welcome { .. })) && watch::is_clear(&machine.world.station.hardware);
        machine.found_out = if well || !idle { 0 } else { machine.found_out + 1 };
        let acts = machine.found_out >= 2;
        self.after(ROUND_MS, Deed::StaffPass(at));
        if acts { self.put_right(at) } else { Ok(()) }
    }

    /// Staff take out what is stuck or lies about, and open the machine.
    fn put_right(&mut self, at: usize) -> Result<(), Violation> {
        let world = &mut self.machines[at].world;
        world.wait_until(self.now);
        world.station.hardware.clear_faults();
        let left = world.station.hardware.census().at(Place::Exit).count();
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

    /// Nothing goes wrong any more, and everything is given time.
    fn heal(&mut self) -> Result<(), Violation> {
        self.tell(None, Seen::Healed)?;
        self.agenda.clear();
        {
            let mut host = self.host.borrow_mut();
            host.bank.wait_until(self.now);
            host.heal();
        }
        for machine in &mut self.machines {
            let world = &mut machine.world;
            (world.weather, world.network) = (None, Network::Up);
            world.station.hardware.clear_faults();
            world.station.journal.failure = None;
            (world.station.dies_before, world.station.clock_ahead_ms) = (None, 0);
        }
        for _ in 0..HEALING_ROUNDS {
            self.after(ROUND_MS / 2, Deed::RoundEnds);
            while self.agenda.keys().next().is_some() {
                self.step()?;
            }
            let unwell: Vec<usize> = (0..self.machines.len()).filter(|at| !self.is_well(*at)).collect();
            if unwell.is_empty() {
                break;
            }
            for at in unwell {
                self.put_right(at)?;
            }
        }
        Ok(())
    }

    fn is_well(&self, at: usize) -> bool {
        let station = &self.machines[at].world.station;
        let standing = self.standing(at);
        standing.is_ok_and(|standing| standing.waiting == 0 && standing.open == 0)
            && matches!(station.screen(), Some(Screen::Welcome { .. }))
    }

    /// How a machine stands, by its journal.
    fn standing(&self, at: usize) -> Result<Standing, Violation> {
        let station = &self.machines[at].world.station;
        let broken = |what: String| Violation { rule: "invariant_22_every_intent_ends", at: self.now, what };
        let entries = station.journal.entries().map_err(|error| broken(format!("{}: {error:?}", station.id)))?;
        let book = Book::read(&entries).map_err(|error| broken(format!("{}: {error:?}", station.id)))?;
        Ok(Standing { machine: station.id, waiting: book.waiting(), open: usize::from(book.open().is_some()) })
    }

    /// Everything is counted and compared.
    fn settle(&mut self) -> Result<(), Violation> {
        let mut standing = Vec::new();
        for at in 0..self.machines.len() {
            for (place, notes) in watch::count(&self.machines[at].world.station.hardware) {
                self.tell(Some(at), Seen::Counted(place, notes))?;
            }
            standing.push(self.standing(at)?);
        }
        // What waits to go along with something else is written.
        self.host.borrow_mut().bank.restart();
        let records = Records::open(&self.folder.path().join("bank.db")).expect("a bank can be read");
        let (tally, readable) = (&mut self.tally, "a bank can be read");
        records
            .cases(|row| {
                tally.cases += u64::from(row.resolved.is_none());
                let uncharged = matches!(row.matter.as_str(), "withdrawal_unclaimed" | "withdrawal_unclear");
                tally.unpaid += if uncharged && row.resolved.is_none() { row.amount } else { 0 };
            })
            .expect(readable);
        let theirs: BTreeSet<String> = self
            .people
            .iter()
            .flat_map(|person| person.accounts)
            .map(|(account, _)| account.number().to_string())
            .collect();
        let below = |code: &str, balance: i64| if theirs.contains(code) { (-balance).max(0) } else { 0 };
        records.accounts(|row| tally.unpaid += below(&row.code, row.credits - row.debits)).expect(readable);
        self.observer.settled(&records, &standing, self.now)
    }
}
