//! `kill -9` of terminal, devices and host in the middle of visits: at every named boundary (`cashpoint-boundary`) that a
//! withdrawal or a deposit passes, and at random. Whatever ends is started again on its files, and people go on from what
//! they see. Then nothing was dispensed twice and nothing is lost: the notes in the machine, the ledger's cash and the
//! account of whoever stood there agree to the note, nothing waits, and no question is left for staff.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Mutex;
use std::time::Duration;

use crate::support::deadline::Deadline;
use crate::support::dice::Dice;
use crate::support::machine::{FILLED, Machine, Motion};
use crate::support::network::{Holder, Network, Wiring};
use crate::support::person::{Person, Wish, visit};
use crate::support::process::{Process, verify_is_clean};

/// How long a visit may take, whatever is killed in it.
const VISIT: Duration = Duration::from_secs(90);

/// How long after a visit its last boundaries may be passed.
const AFTERWARDS: Duration = Duration::from_secs(4);

/// Banks with a machine each that are at work at once.
const AT_ONCE: usize = 4;

const CASH: Wish = Wish::Cash(80);
const DEPOSIT: Wish = Wish::Deposit(2);

/// Which process.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Who {
    Terminal,
    Devices,
    Host,
}

const EVERYBODY: [Who; 3] = [Who::Terminal, Who::Devices, Who::Host];

/// A place in a visit.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Place {
    who: Who,
    name: String,
    /// The how-manieth time since the process began.
    nth: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:?} {} ({})", self.who, self.name, self.nth)
    }
}

/// One bank, its machine, and who comes there.
struct Ground {
    network: Network,
    holder: Holder,
}

impl Ground {
    fn new(motion: Motion) -> Self {
        let network = Network::start(1, Wiring::Direct, motion);
        let holder = network.holder(1_000_000);
        Self { network, holder }
    }

    fn process(&mut self, who: Who) -> &mut Process {
        let machine = &mut self.network.machines[0];
        let process = match who {
            Who::Terminal => &mut machine.terminal,
            Who::Devices => &mut machine.devices,
            Who::Host => &mut self.network.host,
        };
        process.as_mut().expect("it was started")
    }

    fn start(network: &mut Network, machine: &mut Machine, who: Who, ends_at: Option<&str>) {
        match who {
            Who::Terminal => machine.start_terminal(ends_at),
            Who::Devices => machine.start_devices(ends_at),
            Who::Host => network.start_host(ends_at),
        }
    }

    fn ended(network: &mut Network, machine: &mut Machine, who: Who) -> bool {
        let process = match who {
            Who::Terminal => &mut machine.terminal,
            Who::Devices => &mut machine.devices,
            Who::Host => &mut network.host,
        };
        process.as_mut().is_some_and(Process::has_ended)
    }

    fn kill(network: &mut Network, machine: &mut Machine, who: Who) {
        match who {
            Who::Terminal => machine.kill_terminal(),
            Who::Devices => machine.kill_devices(),
            Who::Host => network.kill_host(),
        }
    }

    /// Which boundaries a visit passes, its processes' start included, and how often.
    fn passed_in(&mut self, wish: Wish) -> BTreeMap<(Who, String), usize> {
        let mut machine = self.network.machines.remove(0);
        for who in EVERYBODY {
            Self::kill(&mut self.network, &mut machine, who);
            Self::start(&mut self.network, &mut machine, who, None);
        }
        self.network.machines.push(machine);
        self.network.in_service();
        assert!(visit(&mut self.network.machines[0], Person::new(&self.holder, wish), VISIT, |_| {}));
        self.settle();
        let mut passed = BTreeMap::new();
        for who in EVERYBODY {
            let said = self.process(who).stderr();
            for name in said.split("reached at=\"").skip(1).filter_map(|rest| rest.split('"').next()) {
                *passed.entry((who, name.to_owned())).or_default() += 1;
            }
        }
        passed
    }

    /// A visit in which a process ends there and is started again. Whether it got there.
    fn end_at(&mut self, place: &Place, wish: Wish) -> bool {
        let Self { network, holder } = self;
        let who = place.who;
        let ends_at = format!("{} {}", place.name, place.nth);
        let mut machine = network.machines.remove(0);
        Self::kill(network, &mut machine, who);
        Self::start(network, &mut machine, who, Some(&ends_at));
        let mut ended = false;
        let mut rise = |machine: &mut Machine| {
            if !ended && Self::ended(network, machine, who) {
                ended = true;
                Self::start(network, machine, who, None);
            }
            ended
        };
        visit(&mut machine, Person::new(holder, wish), VISIT, |machine| _ = rise(machine));
        let reached = Deadline::after(AFTERWARDS).wait(|| rise(&mut machine).then_some(())).is_some();
        network.machines.push(machine);
        self.settle();
        reached
    }

    /// A visit in which this process is killed after a while, and started again after another.
    fn kill_after(&mut self, who: Who, (moment, pause): (Duration, Duration), wish: Wish) -> bool {
        let Self { network, holder } = self;
        let mut machine = network.machines.remove(0);
        let moment = Deadline::after(moment);
        let mut pausing: Option<Deadline> = None;
        let mut risen = false;
        let mut act = |machine: &mut Machine| {
            match &pausing {
                None if moment.is_over() => {
                    Self::kill(network, machine, who);
                    pausing = Some(Deadline::after(pause));
                }
                Some(pause) if !risen && pause.is_over() => {
                    risen = true;
                    Self::start(network, machine, who, None);
                }
                None | Some(_) => {}
            }
            risen
        };
        let served = visit(&mut machine, Person::new(holder, wish), VISIT, |machine| _ = act(machine));
        Deadline::after(VISIT).wait(|| act(&mut machine).then_some(()));
        network.machines.push(machine);
        self.settle();
        served
    }

    fn settle(&mut self) {
        let Self { network, holder } = self;
        network.settled(&network.machines[0], std::slice::from_ref(holder), FILLED);
    }

    /// After everything: people are served as ever, and all records agree.
    fn is_whole(&mut self) {
        self.network.in_service();
        for wish in [CASH, DEPOSIT] {
            let served = visit(&mut self.network.machines[0], Person::new(&self.holder, wish), VISIT, |_| {});
            assert!(served, "{wish:?} is served");
        }
        self.settle();
        self.network.no_cases();
        verify_is_clean(&self.network.bank.database());
    }
}

fn is_soak() -> bool {
    std::env::var("CASHPOINT_SOAK").is_ok_and(|soak| soak == "1")
}

#[expect(clippy::print_stdout, reason = "the soak collects this line")]
#[test]
fn nothing_is_lost_whichever_process_ends_at_whichever_boundary() {
    let mut dice = Dice::roll("boundaries");
    let mut ground = Ground::new(Motion(0));
    let mut cases: Vec<(Wish, Place)> = Vec::new();
    for wish in [CASH, DEPOSIT] {
        for ((who, name), count) in ground.passed_in(wish) {
            eprintln!("{wish:?} {who:?} {name} {count}");
            cases.extend((1..=count).map(|nth| (wish, Place { who, name: name.clone(), nth })));
        }
    }
    // In an order by chance, so that a short run looks elsewhere every time.
    for at in (1..cases.len()).rev() {
        cases.swap(at, usize::try_from(dice.below(at as u64 + 1)).unwrap());
    }
    cases.truncate(std::env::var("KILLS_N").ok().and_then(|n| n.parse().ok()).unwrap_or(usize::MAX));
    let cases = Mutex::new(cases.into_iter());
    let missed: Mutex<BTreeSet<String>> = Mutex::default();
    let done = std::sync::atomic::AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                let mut ground = Ground::new(Motion(0));
                loop {
                    let Some((wish, place)) = cases.lock().unwrap().next() else { break };
                    eprintln!("{wish:?} {place}");
                    if !ground.end_at(&place, wish) {
                        missed.lock().unwrap().insert(format!("{wish:?} {place}"));
                    }
                    done.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                }
                ground.is_whole();
            });
        }
    });
    println!("soak: {} missed {:?}", done.into_inner(), missed.lock().unwrap());
}

#[expect(clippy::print_stdout, reason = "the soak collects this line")]
#[test]
fn nothing_is_lost_whoever_is_killed_at_whichever_moment() {
    let kills = if is_soak() { 50 } else { 3 };
    let mut dice = Dice::roll("kill_terminal");
    let mut ground = Ground::new(Motion(40));
    let (mut served, mut visits) = (0, 0);
    for _ in 0..kills {
        for who in EVERYBODY {
            let wish = *dice.one_of(&[CASH, DEPOSIT]);
            let moments = (Duration::from_millis(dice.below(1_800)), Duration::from_millis(dice.below(400)));
            served += u32::from(ground.kill_after(who, moments, wish));
            visits += 1;
        }
    }
    ground.is_whole();
    println!("soak: {kills} kills each of terminal, devices and host in {visits} visits, {served} served all the same");
}
