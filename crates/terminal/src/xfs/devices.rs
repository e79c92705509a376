//! The devices of one terminal, for its shell: commands in, reports out.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

use cashpoint_core::terminal::device::{Command, Failure, Report, Unit};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::{Config, discovery};

/// Reports that wait to be read. Whoever reads them must keep up: a full queue makes the devices wait.
const QUEUE: usize = 1_024;

/// Units that a whole machine has.
const ALL: usize = 5;

/// The devices of one terminal. Dropping it ends all connections.
#[derive(Debug)]
pub struct Devices {
    registry: Arc<Registry>,
    reports: mpsc::Sender<Report>,
    task: JoinHandle<()>,
}

/// More commands than a device can be behind with: a defect of whoever gave them. The command was not taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Full;

/// Why a unit that is there is not used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Problem {
    /// The PIN pad makes no PIN blocks of ISO 9564-1 format 4.
    NoFormat4,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NoFormat4 => out.write_str("the PIN pad makes no PIN blocks of ISO 9564-1 format 4"),
        }
    }
}

/// Which service a unit is behind.
#[derive(Debug, Default)]
pub(super) struct Registry {
    routes: Mutex<BTreeMap<Unit, Route>>,
    /// Rings when a unit is reached.
    reached: Condvar,
    problems: Mutex<BTreeMap<Unit, Problem>>,
}

#[derive(Debug)]
struct Route {
    address: String,
    commands: mpsc::Sender<Command>,
    live: bool,
}

impl Devices {
    /// Begins to connect, in the background and for as long as it lives: units that are reached tell so by
    /// `Event::Connected`. Must be called inside of a tokio runtime.
    #[must_use]
    pub fn connect(config: Config) -> (Self, mpsc::Receiver<Report>) {
        let (reports, receiver) = mpsc::channel(QUEUE);
        let registry = Arc::new(Registry::default());
        let task = tokio::spawn(discovery::run(Arc::new(config), Arc::clone(&registry), reports.clone()));
        (Self { registry, reports, task }, receiver)
    }

    /// Waits until every unit is reached, but no longer than this: some machines lack one, and some devices start late.
    pub(crate) fn wait(&self, limit: Duration) {
        let routes = lock(&self.registry.routes);
        let waited = self.registry.reached.wait_timeout_while(routes, limit, |routes| !are_complete(routes));
        drop(waited.expect("no holder of this lock can panic"));
    }

    /// Gives a command to its device and returns at once. It ends with one report of its unit, but for a cancellation, which
    /// has none of its own. A unit that was never reached is lost.
    ///
    /// # Errors
    /// [`Full`].
    pub fn execute(&self, command: Command) -> Result<(), Full> {
        let unit = command.unit();
        let route = lock(&self.registry.routes).get(&unit).map(|route| route.commands.clone());
        match (route, command) {
            (Some(route), command) => route.try_send(command).map_err(|_| Full),
            (None, Command::Cancel(_)) => Ok(()),
            (None, _) => self.reports.try_send(Report::Failed(unit, Failure::Lost)).map_err(|_| Full),
        }
    }

    /// Why a unit that is there is not used.
    #[must_use]
    pub fn problem(&self, unit: Unit) -> Option<Problem> {
        lock(&self.registry.problems).get(&unit).copied()
    }
}

impl Drop for Devices {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Registry {
    /// A service has this unit. Whether it is used: not if another one, alive, has it already.
    pub(super) fn connected(&self, unit: Unit, address: &str, commands: &mpsc::Sender<Command>) -> bool {
        let mut routes = lock(&self.routes);
        if routes.get(&unit).is_some_and(|route| route.live && route.address != address) {
            return false;
        }
        routes.insert(unit, Route { address: address.to_owned(), commands: commands.clone(), live: true });
        drop(routes);
        self.reached.notify_all();
        lock(&self.problems).remove(&unit);
        true
    }

    /// The service of these units is away. Its task still answers for them.
    pub(super) fn disconnected(&self, units: &[Unit]) {
        let mut routes = lock(&self.routes);
        for unit in units {
            if let Some(route) = routes.get_mut(unit) {
                route.live = false;
            }
        }
    }

    pub(super) fn refuse(&self, unit: Unit, problem: Problem) {
        lock(&self.problems).insert(unit, problem);
    }

    /// Whether every unit is reached.
    pub(super) fn is_complete(&self) -> bool {
        are_complete(&lock(&self.routes))
    }
}

fn are_complete(routes: &BTreeMap<Unit, Route>) -> bool {
    routes.values().filter(|route| route.live).count() == ALL
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no holder of this lock can panic")
}
