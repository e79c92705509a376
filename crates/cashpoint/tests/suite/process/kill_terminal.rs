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
use crate::support::network::{Holder, Network, SETTLING, Wiring};
use crate::support::person::{Person, Wish, visit};
use crate::support::process::{Process, Rows};

/// How long a visit may take, whatever is killed in it.
const VISIT: Duration = Duration::from_secs(90);

/// How long after a visit its last boundaries may be passed.
const AFTERWARDS: Duration = Duration::from_secs(4);

/// How long what comes at its own times may take: a feed is kept and a hot list is confirmed every half a minute.
const BY_ITSELF: Duration = Duration::from_secs(70);

/// Banks with a machine each that are at work at once.
const AT_ONCE: usize = 3;

/// Boundaries that a short run tries; and where the bank is on a database server.
const SHORT: usize = 9;
const SHORT_ON_A_SERVER: usize = 2;

/// Those that once left something behind: a short run tries them too.
const FOUND: [&str; 2] = ["request.approve.answered", "journal.approved.after"];

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

/// Boundaries of one process: what they are around, at which moments, and which; those of every visit, of a withdrawal,
/// and of a deposit.
struct Boundaries {
    who: Who,
    what: &'static str,
    when: &'static [&'static str],
    both: &'static [&'static str],
    cash: &'static [&'static str],
    deposit: &'static [&'static str],
}

/// Every boundary that a start and a visit pass. What is not here and is passed fails the test, and what is here and is
/// not passed.
const TABLE: [Boundaries; 6] = [
    Boundaries {
        who: Who::Terminal,
        what: "journal",
        when: &["before", "after"],
        both: &["begun", "acknowledged"],
        cash: &["intent", "approved", "dispensing", "presenting", "completed"],
        deposit: &["depositing", "storing", "deposited"],
    },
    Boundaries {
        who: Who::Terminal,
        what: "device",
        when: &["before", "sent", "answered"],
        both: &[
            "CardReader.Move",
            "CardReader.ReadRawData",
            "CashAcceptor.GetCashInStatus",
            "CashManagement.GetBankNoteTypes",
            "Common.Capabilities",
            "Common.GetCommandNonce",
            "Common.Status",
            "KeyManagement.ImportKey",
            "Keyboard.DataEntry",
            "Keyboard.GetLayout",
            "Keyboard.PinEntry",
            "PinPad.GetPinBlock",
            "Storage.GetStorage",
        ],
        cash: &[
            "CashDispenser.Dispense",
            "CashDispenser.GetPresentStatus",
            "CashDispenser.Present",
            "Common.ClearCommandNonce",
        ],
        deposit: &["CashAcceptor.CashIn", "CashAcceptor.CashInEnd", "CashAcceptor.CashInStart"],
    },
    Boundaries {
        who: Who::Terminal,
        what: "request",
        when: &["before", "answered"],
        both: &["heartbeat", "log_in", "log_out"],
        cash: &["approve", "completed"],
        deposit: &["deposited"],
    },
    Boundaries {
        who: Who::Devices,
        what: "state",
        when: &["before", "after"],
        both: &["file"],
        cash: &[],
        deposit: &[],
    },
    Boundaries {
        who: Who::Host,
        what: "commit",
        when: &["before", "after"],
        both: &["LogInWithCard", "LogOut", "NoteTerminal"],
        cash: &["Approve", "Complete"],
        deposit: &["DepositAdvice"],
    },
    Boundaries {
        who: Who::Host,
        what: "answer",
        when: &["before"],
        both: &["heartbeat", "log_in", "log_out"],
        cash: &["approve", "completed"],
        deposit: &["deposited"],
    },
];

/// What comes at its own times, in a visit or not. A long run tries it too.
const BY_TIME: [(Who, &str); 4] = [
    (Who::Host, "commit.ClaimFeed"),
    (Who::Host, "commit.KeepFeed"),
    (Who::Terminal, "journal.hot_list"),
    (Who::Terminal, "journal.hot_list_confirmed"),
];

/// The names of all boundaries in the table that such a visit passes.
fn boundaries(wish: Wish) -> BTreeSet<(Who, String)> {
    let of = |row: &Boundaries| {
        let own = if wish == CASH { row.cash } else { row.deposit };
        let which: Vec<_> = row.both.iter().chain(own).copied().collect();
        let (who, what, when) = (row.who, row.what, row.when);
        which.into_iter().flat_map(move |which| when.iter().map(move |when| (who, format!("{what}.{which}.{when}"))))
    };
    TABLE.iter().flat_map(of).collect()
}

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

/// Whether it comes at its own times.
fn is_by_time((who, name): &(Who, String)) -> bool {
    BY_TIME.contains(&(*who, name.rsplit_once('.').expect("it says when").0))
}

/// One bank, its machine, and who comes there.
struct Ground {
    network: Network,
    /// Who has come there with a card; it is the last one's turn, and the cards of the others were reported.
    holders: Vec<Holder>,
    /// Questions that staff had to answer.
    doubts: usize,
}

/// Whose turn it is.
fn last(holders: &[Holder]) -> &Holder {
    holders.last().expect("somebody comes there")
}

/// A card is reported: the terminal gets another hot list, and the next visits are somebody else's.
fn report_card(network: &Network, holders: &mut Vec<Holder>) {
    let path = format!("/api/cards/{}/report", last(holders).card.id);
    let answer = network.staff().ask("POST", &path).json(r#"{"reason":"lost"}"#).send();
    assert_eq!(answer.status(), 204, "{answer}");
    holders.push(network.holder(1_000_000));
}

impl Ground {
    fn new(rows: Rows, motion: Motion) -> Self {
        let network = Network::kept(rows, 1, Wiring::Direct, motion);
        let holders = vec![network.holder(1_000_000)];
        Self { network, holders, doubts: 0 }
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
        // All end before any begins, and the terminal begins last: it passes nothing that comes of another's death.
        for who in EVERYBODY {
            Self::kill(&mut self.network, &mut machine, who);
        }
        for who in EVERYBODY.into_iter().rev() {
            Self::start(&mut self.network, &mut machine, who, None);
        }
        self.network.machines.push(machine);
        self.network.in_service();
        assert!(visit(&mut self.network.machines[0], Person::new(last(&self.holders), wish), VISIT, |_| {}));
        self.settle();
        // What is settled may still be on its way into the journal.
        let mut passed = BTreeMap::new();
        Deadline::after(SETTLING).wait(|| {
            passed = self.passed();
            boundaries(wish).iter().all(|named| passed.contains_key(named)).then_some(())
        });
        passed
    }

    fn passed(&mut self) -> BTreeMap<(Who, String), usize> {
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
        let Self { network, holders, .. } = self;
        let who = place.who;
        let ends_at = format!("{} {}", place.name, place.nth);
        let mut machine = network.machines.remove(0);
        Self::kill(network, &mut machine, who);
        Self::start(network, &mut machine, who, Some(&ends_at));
        let mut ended = false;
        let mut rise = |network: &mut Network, machine: &mut Machine| {
            if !ended && Self::ended(network, machine, who) {
                ended = true;
                Self::start(network, machine, who, None);
            }
            ended
        };
        // Who comes to a host that has not started yet is sent away, and never gets to the boundary.
        Deadline::after(VISIT).wait(|| if rise(network, &mut machine) { Some(()) } else { network.serves(&machine) });
        visit(&mut machine, Person::new(last(holders), wish), VISIT, |machine| _ = rise(network, machine));
        if place.name.starts_with("journal.hot_list.") {
            report_card(network, holders);
        }
        let by_time = is_by_time(&(who, place.name.clone()));
        let limit = if by_time { BY_ITSELF } else { AFTERWARDS };
        let reached = Deadline::after(limit).wait(|| rise(network, &mut machine).then_some(())).is_some();
        if !reached {
            // It would end in somebody else's visit.
            Self::kill(network, &mut machine, who);
            Self::start(network, &mut machine, who, None);
        }
        network.machines.push(machine);
        self.settle_after(who);
        reached
    }

    /// A visit in which this process is killed after a while, and started again after another.
    fn kill_after(&mut self, who: Who, (moment, pause): (Duration, Duration), wish: Wish) -> bool {
        let Self { network, holders, .. } = self;
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
        let served = visit(&mut machine, Person::new(last(holders), wish), VISIT, |machine| _ = act(machine));
        Deadline::after(VISIT).wait(|| act(&mut machine).then_some(()));
        network.machines.push(machine);
        self.settle_after(who);
        served
    }

    /// Devices that end with notes on the stacker and a card half-way leave a question, whatever else they know: so does a
    /// thief who holds the card. It is the only one, and staff answer it by counting.
    fn settle_after(&mut self, killed: Who) {
        let Self { network, holders, doubts } = self;
        let machine = &network.machines[0];
        if killed == Who::Devices {
            let case = Deadline::after(SETTLING).wait(|| match network.agrees(machine, holders, FILLED)? {
                Ok(()) => Some(None),
                Err(_) => network.cases().first().cloned().map(Some),
            });
            if let Some(Some(case)) = case {
                assert!(case.member("evidence").text().contains("failure=Lost"), "{case}");
                assert_eq!(network.counted_and_resolved(machine, &case), "suspect", "{case}");
                *doubts += 1;
            }
        }
        self.settle();
    }

    fn settle(&mut self) {
        self.network.settled(&self.network.machines[0], &self.holders, FILLED);
    }

    /// After everything: people are served as ever, and all records agree.
    fn is_whole(&mut self) {
        self.network.in_service();
        for wish in [CASH, DEPOSIT] {
            let served = visit(&mut self.network.machines[0], Person::new(last(&self.holders), wish), VISIT, |_| {});
            assert!(served, "{wish:?} is served");
        }
        self.settle();
        self.network.no_cases();
        let (code, told) = self.network.verified(&[]);
        assert!(code == 0 && told.contains("journals") && told.contains("machine_notes"), "{told}");
    }
}

pub(super) fn is_soak() -> bool {
    std::env::var("CASHPOINT_SOAK").is_ok_and(|soak| soak == "1")
}

/// Has up to `AT_ONCE` workers, each on a ground of its own, do what there is to do; then each ground must be whole.
/// How many questions staff had to answer.
fn divide<T: Send>((rows, motion): (Rows, Motion), cases: Vec<T>, work: impl Fn(&mut Ground, T) + Sync) -> usize {
    let doubts = Mutex::new(0);
    let workers = cases.len().min(AT_ONCE);
    let cases = Mutex::new(cases.into_iter());
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                let mut ground = Ground::new(rows, motion);
                loop {
                    let Some(case) = cases.lock().unwrap().next() else { break };
                    work(&mut ground, case);
                }
                ground.is_whole();
                *doubts.lock().unwrap() += ground.doubts;
            });
        }
    });
    doubts.into_inner().unwrap()
}

/// Every boundary that the table names is passed, and no other; each as often as it was.
fn cases(ground: &mut Ground, wish: Wish) -> Vec<(Wish, Place)> {
    let passed = ground.passed_in(wish);
    let names: BTreeSet<_> = passed.keys().cloned().collect();
    let named = boundaries(wish);
    let missing: Vec<_> = named.difference(&names).collect();
    let unnamed: Vec<_> = names.difference(&named).filter(|name| !is_by_time(name)).collect();
    assert!(
        missing.is_empty() && unnamed.is_empty(),
        "{wish:?}: never passed {missing:?}, not in the table {unnamed:?}"
    );
    let places = passed.into_iter().filter(|(place, _)| named.contains(place)).flat_map(|((who, name), count)| {
        // A start asks the same of one device after the other.
        let most = if name.contains("Common.") { 2 } else { count };
        (1..=count.min(most)).map(move |nth| Place { who, name: name.clone(), nth })
    });
    places.map(|place| (wish, place)).collect()
}

/// What comes at its own times, in a withdrawal.
fn cases_by_time() -> Vec<(Wish, Place)> {
    let places = BY_TIME.iter().flat_map(|(who, name)| {
        ["before", "after"].map(|when| (CASH, Place { who: *who, name: format!("{name}.{when}"), nth: 1 }))
    });
    places.collect()
}

#[test]
fn nothing_is_lost_whichever_process_ends_at_whichever_boundary() {
    a_process_ends_at_a_boundary(Rows::File, SHORT, |place| FOUND.contains(&place.name.as_str()));
}

/// The other processes do not know where the bank is.
#[test]
fn nothing_is_lost_where_the_bank_is_on_a_server_and_its_host_ends_at_a_boundary() {
    a_process_ends_at_a_boundary(Rows::Server, SHORT_ON_A_SERVER, |place| place.who == Who::Host);
}

#[test]
fn nothing_is_lost_whoever_is_killed_at_whichever_moment() {
    a_process_is_killed_at_a_moment(Rows::File, if is_soak() { 50 } else { 2 });
}

#[test]
fn nothing_is_lost_where_the_bank_is_on_a_server_whoever_is_killed_at_whichever_moment() {
    a_process_is_killed_at_a_moment(Rows::Server, if is_soak() { 50 } else { 1 });
}

/// A short run tries `short` of the boundaries, those that come `first` before others.
#[expect(clippy::print_stdout, reason = "the soak collects this line")]
fn a_process_ends_at_a_boundary(rows: Rows, short: usize, first: impl Fn(&Place) -> bool) {
    let mut dice = Dice::roll("boundaries");
    let mut ground = Ground::new(rows, Motion(0));
    let mut chosen: Vec<(Wish, Place)> =
        [CASH, DEPOSIT].into_iter().flat_map(|wish| cases(&mut ground, wish)).collect();
    drop(ground);
    if is_soak() {
        chosen.extend(cases_by_time());
    }
    let all = chosen.len();
    if !is_soak() {
        // By chance, so that a short run looks elsewhere every time.
        for at in (1..chosen.len()).rev() {
            chosen.swap(at, usize::try_from(dice.below(at as u64 + 1)).unwrap());
        }
        chosen.sort_by_key(|(_, place)| !first(place));
        chosen.truncate(short);
    }
    let (reached, missed) = (Mutex::new(0), Mutex::new(Vec::new()));
    let doubts = divide((rows, Motion(0)), chosen, |ground, (wish, place)| {
        eprintln!("{wish:?}: {place}");
        // What every visit passes is not missed twice, whatever turned somebody away on a busy machine.
        let tries = if place.nth == 1 { 3 } else { 1 };
        if (0..tries).any(|_| ground.end_at(&place, wish)) {
            *reached.lock().unwrap() += 1;
        } else {
            missed.lock().unwrap().push((wish, place));
        }
    });
    let (reached, missed) = (reached.into_inner().unwrap(), missed.into_inner().unwrap());
    let never: Vec<_> = missed.iter().filter(|(_, place)| place.nth == 1).collect();
    assert!(never.is_empty(), "not passed this time: {never:?}");
    println!(
        "soak: ({rows:?}) ended at {reached} of {all} boundaries of a withdrawal and a deposit, {} not passed again, {doubts} \
         questions for staff",
        missed.len()
    );
}

/// So often each of the three.
#[expect(clippy::print_stdout, reason = "the soak collects this line")]
fn a_process_is_killed_at_a_moment(rows: Rows, kills: usize) {
    let mut dice = Dice::roll("kill_terminal");
    let mut case = |who| {
        let wish = *dice.one_of(&[CASH, DEPOSIT]);
        (who, wish, Duration::from_millis(dice.below(1_800)), Duration::from_millis(dice.below(400)))
    };
    let cases: Vec<_> = (0..kills).flat_map(|_| EVERYBODY).map(&mut case).collect();
    let (visits, served) = (cases.len(), Mutex::new(0));
    let doubts = divide((rows, Motion(40)), cases, |ground, (who, wish, moment, pause)| {
        if ground.kill_after(who, (moment, pause), wish) {
            *served.lock().unwrap() += 1;
        }
    });
    let served = served.into_inner().unwrap();
    println!(
        "soak: ({rows:?}) {kills} kills each of terminal, devices and host in {visits} visits, {served} served all the same, \
         {doubts} questions for staff"
    );
}
