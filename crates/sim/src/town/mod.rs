//! Many machines at one bank, and the people who come to them: one thread, virtual time, everything drawn from one seed.
//!
//! A run has a safety phase, in which whatever the [`Profile`] allows goes wrong, and a healed one, in which nothing does any
//! more and everything must be told and agree. Machines, bank and devices are the shipping ones; each machine is a [`World`]
//! of its own, and the town goes on where the earliest thing is due. What is seen goes to an [`Observer`]; nothing is judged
//! here.
//!
//! Days are short: people come one after the other, because signs of life in idle hours would be most of the work.

mod desk;
mod faults;
pub mod gauge;
pub mod habits;
mod healing;
pub mod host;
pub mod ledger;
mod machines;
pub mod profile;
mod secrets;
mod situations;
pub mod sometimes;
mod staff;
mod tally;
pub mod trace;
mod truth;
mod visitors;
pub mod watch;
pub mod weather;
mod words;

use std::any::Any;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::rc::Rc;

use cashpoint_core::id::AccountNumber;
use cashpoint_core::terminal::screen::{Finished, Screen};
use cashpoint_core::time::Timestamp;
use tempfile::TempDir;

use crate::audit::seen::{Holder, Seen, Sight};
use crate::audit::{Observer, Violation};
use crate::bench;
use crate::chance::Chance;
use crate::host::{FILLING, Kept, Link};
use crate::world::World;

use faults::Deed;
use gauge::Gauge;
use host::{Customer, Settled, TownHost};
use ledger::Reading;
use machines::{Due, Machines};
use profile::Profile;
use staff::Exchange;
pub use tally::Tally;
use trace::{Keep, Trace};
use truth::Truth;
use watch::Watch;
use weather::Weather;

/// How long people wait for a machine before they go away, and how often they look.
const LOOKS: u32 = 30;
const LOOK_MS: i64 = 5_000;

/// How often staff pass by.
const ROUND_MS: i64 = 60_000;

const MINUTE_MS: i64 = 60_000;
/// How many sights lie between two looks at the ledger.
const LEDGER_EVERY: u32 = 2_000;

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
    /// How many sights there were.
    pub sights: u64,
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
    /// The exchange of its cassettes that was ordered.
    exchange: Option<Exchange>,
    /// What came out of it into staff's hands and was told, by denomination.
    with_staff: BTreeMap<i64, u32>,
}

impl Machine {
    /// One to which nobody has come yet.
    fn new(world: World<Rc<RefCell<TownHost>>>, weather: Rc<RefCell<Weather>>, to_come: u32) -> Self {
        Self {
            world,
            weather,
            watch: Watch::default(),
            visitor: None,
            to_come,
            visit: 0,
            looked: 0,
            found_out: 0,
            served: false,
            exchange: None,
            with_staff: BTreeMap::new(),
        }
    }
}

/// Whether anything may still go wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Phase {
    /// It may.
    Faults,
    /// It may not, and nobody begins anything.
    Healed,
}

impl Due for Machine {
    fn due(&self) -> Option<Timestamp> {
        self.world.next_due()
    }
}

/// The town.
struct Town<'a> {
    setup: Setup,
    observer: &'a mut dyn Observer,
    chance: Chance,
    /// Where the bank's keys are, and its rows if they are in a file.
    folder: TempDir,
    host: Rc<RefCell<TownHost>>,
    /// How far the ledger was read.
    reading: Reading,
    /// Sights since then.
    unread: u32,
    people: Vec<Customer>,
    busy: BTreeSet<Holder>,
    /// Whose card was reported.
    reported: BTreeSet<Holder>,
    /// Accounts that were closed.
    closed: BTreeSet<AccountNumber>,
    /// Whose card is locked until staff unlock it.
    locked: BTreeSet<Holder>,
    /// Who was paid without the bank's being asked, last.
    paid_unasked: Option<Holder>,
    /// Whose card a thief has.
    prey: Option<Holder>,
    truth: Truth,
    gauge: Gauge,
    phase: Phase,
    machines: Machines<Machine>,
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
    run_over((Link::Unsigned, Kept::InMemory), setup, observer)
}

/// As [`run`], over a link and with rows of either kind: what is seen is the same.
///
/// # Panics
/// As [`run`].
pub fn run_over(ground: (Link, Kept), setup: Setup, observer: &mut dyn Observer) -> Outcome {
    let mut town = Town::new(ground, setup, observer);
    // A bug is told like everything that must not be, with what led to it; nothing of the town is used after it.
    let violation = match catch_unwind(AssertUnwindSafe(|| town.live())) {
        Ok(lived) => lived.err(),
        Err(panic) => Some(Violation { rule: "nothing_panics", at: town.now, what: words_of(&*panic) }),
    };
    let passed = town.now.since_ms(town.start);
    town.tally.machine_ms = passed * i64::try_from(town.machines.len()).unwrap_or(0);
    town.tally.course = town.gauge.course;
    let sights = town.trace.lines;
    Outcome { violation, trace: town.trace.into_text(), tally: town.tally, sights }
}

fn words_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref().copied());
    text.unwrap_or("without a word").to_owned()
}

/// A folder for the bank of a run: in memory, where the system has such a place.
fn folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    let place = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
    let folder = tempfile::Builder::new().prefix("cashpoint-sim-").tempdir_in(place);
    folder.expect("a folder can be made")
}

/// How many seconds after noon a town begins; every third has a midnight in it.
fn begins_s(chance: &mut Chance) -> u64 {
    let any = chance.below(86_400);
    if chance.below(3) == 0 { 43_200 - any % 1_200 } else { any }
}

impl<'a> Town<'a> {
    fn new((link, kept): (Link, Kept), setup: Setup, observer: &'a mut dyn Observer) -> Self {
        let mut chance = Chance::new(setup.seed);
        let folder = folder();
        let (mut bank, people, stations) = Settled::with(setup.machines, kept).begin(folder.path());
        bank.link = link;
        desk::choose_at_first(&bank, &setup.profile);
        let start = bench::noon().plus_s(i64::try_from(begins_s(&mut chance)).unwrap_or(0));
        let host = Rc::new(RefCell::new(TownHost::new(bank, setup.seed, &setup.profile)));
        let machine = |(at, station): (usize, _)| {
            let weather = Weather::new(setup.seed.wrapping_add(1 + at as u64), &setup.profile);
            let mut world = World::new(station, Rc::clone(&host), start);
            world.weather = Some(Weather::of(&weather));
            Machine::new(world, weather, setup.visits)
        };
        let machines = Machines::new(stations.into_iter().enumerate().map(machine).collect());
        let trace = Trace::new(setup.keep, start);
        Self {
            setup,
            observer,
            chance,
            folder,
            host,
            reading: Reading::default(),
            unread: 0,
            people,
            busy: BTreeSet::new(),
            reported: BTreeSet::new(),
            closed: BTreeSet::new(),
            locked: BTreeSet::new(),
            paid_unasked: None,
            prey: None,
            truth: Truth::default(),
            gauge: Gauge::default(),
            phase: Phase::Faults,
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
        self.settle()?;
        self.stuck()
    }

    fn begin(&mut self) -> Result<(), Violation> {
        for holder in 0..self.people.len() {
            let Customer { accounts, products, .. } = self.people[holder];
            for ((account, balance), product) in accounts.into_iter().zip(products) {
                self.tell(None, Seen::Opened { holder, account, product, balance })?;
            }
        }
        self.tell_secrets()?;
        self.look_at_ledger()?;
        for at in 0..self.machines.len() {
            let note = |(value, count): (&str, u32)| (value.parse::<i64>().unwrap_or(0) * 100, count);
            self.tell(Some(at), Seen::Loaded(FILLING.map(note).to_vec()))?;
            let machine = &mut self.machines[at];
            machine.watch.begin(&machine.world);
            let soon = habits::pause_ms(&mut self.chance);
            self.after(15_000 + soon, Deed::Comes(at));
            self.after(ROUND_MS, Deed::StaffPass(at));
        }
        self.after(MINUTE_MS, Deed::Minute);
        self.draw_faults();
        Ok(())
    }

    fn after(&mut self, ms: i64, deed: Deed) {
        self.count += 1;
        self.agenda.insert((self.now.plus_ms(ms), self.count), deed);
    }

    /// Does the next thing that is due anywhere. Machines go first: what is due at one when a deed comes to it has then been
    /// done and told, and in its order.
    fn step(&mut self) -> Result<(), Violation> {
        let deed = self.agenda.keys().next().map(|(due, _)| *due);
        let world = self.machines.next();
        if let Some(due) = deed.filter(|due| world.is_none_or(|(world, _)| *due < world)) {
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
        let began_again = sights.iter().any(|sight| sight.what == Seen::Died);
        for sight in sights {
            self.see(sight)?;
        }
        if began_again {
            self.tell_what_is_there()?;
        } else if self.unread >= LEDGER_EVERY {
            self.look_at_ledger()?;
        }
        let mut seen = Vec::new();
        let machine = &mut self.machines[at];
        machine.watch.look(&mut machine.world, &mut seen);
        let lost_power = std::mem::take(&mut machine.world.station.lost_power);
        let gone = machine.visitor.is_some() && !machine.world.is_visited();
        for what in seen {
            self.count_service(at, &what);
            self.tell(Some(at), what)?;
        }
        if lost_power {
            self.powerless(at)?;
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

    fn tell(&mut self, at: Option<usize>, what: Seen) -> Result<(), Violation> {
        let machine = at.map(|at| self.machines[at].world.station.id);
        self.see(Sight { at: self.now, machine, what })
    }

    fn see(&mut self, sight: Sight) -> Result<(), Violation> {
        self.unread += 1;
        self.tally.note(&sight);
        self.trace.add(&sight);
        self.truth.note(&sight);
        self.gauge.note(&sight);
        self.follow(&sight);
        self.observer.see(&sight)
    }

    /// How it stands now.
    fn minute(&mut self) {
        let serves = |machine: &&Machine| staff::serves(machine.world.station.screen());
        let serving = self.machines.iter().filter(serves).count();
        self.gauge.minute(self.machines.len() as u64, serving as u64);
    }
}
