//! Staff exchange a terminal's cassettes, by the control interface of its devices and by the host's: what differs from the
//! books is exactly what somebody took, an open suspect explains what it can, and nothing posts twice wherever the program
//! dies.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

use std::collections::BTreeMap;

use cashpoint_bank::desk::{Counted, ReplenishRequest};
use cashpoint_bank::sandbox::PEOPLE;
use cashpoint_bank::store::CasesWanted;
use cashpoint_bank::store::records::Records;
use cashpoint_bank::verify::verify;
use cashpoint_core::command::CountedCassette;
use cashpoint_core::currency::Currency;
use cashpoint_core::id::{AccountNumber, MachineId};
use cashpoint_core::money::{Amount, Decimal};
use cashpoint_core::replenishment::Replenishment;
use cashpoint_core::terminal::screen::Screen;
use cashpoint_devices::model::{Armed, Fault, PersonAction, Place, Step};
use cashpoint_sim::bench::{self, FILLING as FULL, walked_away_with};
use cashpoint_sim::host::BankHost;
use cashpoint_sim::network::Network;
use cashpoint_sim::person::{Person, Plan, Takes, Wish};
use cashpoint_sim::world::World;
use tempfile::TempDir;

const JOHN: AccountNumber = AccountNumber::new(400_000_000_011);
const OPENING: i64 = 1_500_00;
const NOTES: [i64; 3] = [50_00, 20_00, 10_00];
const WANTED: i64 = 180_00;
/// How many notes staff put into each cassette.
const FILLED: [u32; 3] = [70, 90, 40];

struct Bench {
    folder: TempDir,
    world: World<BankHost>,
    asked: u32,
}

/// What staff found in a machine: notes by cassette, and what its bins are worth.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Found {
    notes: [u32; 3],
    bins: [i64; 3],
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut host = BankHost::new(folder.path(), bench::noon());
        let station = bench::machine(&mut host, MachineId::parse("ATM901").unwrap());
        let mut world = World::new(station, host, bench::noon());
        world.pass(20);
        let bench = Self { folder, world, asked: 0 };
        assert!(bench.serves(), "{:?}", bench.world.station.screen());
        bench
    }

    fn serves(&self) -> bool {
        matches!(self.world.station.screen(), Some(Screen::Welcome { .. }))
    }

    fn enter(&mut self, cash: Takes) {
        let wish = Wish::Cash(JOHN, Amount::new(WANTED, Currency::USD));
        self.world.enter(Person::new(Plan { cash, ..bench::plan(&PEOPLE[0], wish) }));
    }

    fn visit(&mut self, cash: Takes) {
        self.enter(cash);
        self.world.pass(240);
        self.world.leave();
        self.world.station.hardware.clear_faults();
        self.world.pass(240);
    }

    fn hand(&mut self, action: &PersonAction) {
        self.world.station.hardware.attempt(action).unwrap();
    }

    /// Takes everything out by hand, jams first, and says what it was.
    fn empty(&mut self) -> Found {
        let before = self.world.station.hardware.census().at(Place::Staff).value();
        let reports = self.world.station.hardware.person(&PersonAction::ClearJams);
        self.world.hear(reports);
        self.world.pass(60);
        let hardware = &self.world.station.hardware;
        let stuck = hardware.census().at(Place::Staff).value() - before;
        let ways = [Place::Transport, Place::Stacker, Place::Exit, Place::Escrow];
        let left: i64 = ways.iter().map(|way| hardware.census().at(*way).value()).sum();
        let notes = [0, 1, 2].map(|at| hardware.census().at(Place::Cassette(at)).count());
        let bins = [Place::DepositBin, Place::RejectBin, Place::RetractBin];
        let mut found = Found { notes, bins: bins.map(|bin| hardware.census().at(bin).value()) };
        // What was stuck or lay on the way is told with the rejected notes.
        found.bins[1] += stuck + left;
        for place in [0, 1, 2].map(Place::Cassette).into_iter().chain(bins).chain(ways) {
            let count = self.world.station.hardware.census().at(place).count();
            self.hand(&PersonAction::RemoveNotes(place, count));
        }
        found
    }

    fn fill(&mut self) {
        for (at, count) in FILLED.into_iter().enumerate() {
            self.hand(&PersonAction::FillCassette(at, count));
        }
    }

    fn ask(&mut self, found: Option<Found>) -> u64 {
        self.asked += 1;
        let figure = |minor: i64| Decimal::new(minor.unsigned_abs(), 2);
        let cassette = |(at, note): (usize, i64)| CountedCassette {
            denomination: figure(note),
            counted_out: found.unwrap().notes[at],
            counted_in: FILLED[at],
        };
        let bin = |at: usize| found.map(|found| figure(found.bins[at]));
        let request = ReplenishRequest {
            machine: self.world.station.id,
            cassettes: found.map_or_else(Vec::new, |_| NOTES.into_iter().enumerate().map(cassette).collect()),
            deposit_bin: bin(0),
            reject_bin: bin(1),
            retract_bin: bin(2),
        };
        let host = &self.world.host;
        let done = host.bank.replenish(host.admin, &self.asked.to_string(), request).unwrap();
        match done.unwrap().0 {
            Counted::Ordered { number, .. } => number,
            other @ Counted::Posted(_) => panic!("{other:?}"),
        }
    }

    fn row(&self, number: u64) -> (Replenishment, Option<u64>) {
        let host = &self.world.host;
        host.bank.replenishment(host.admin, self.world.station.id, number).unwrap().unwrap()
    }

    /// Waits until the exchange is open.
    fn opened(&mut self) -> u64 {
        let number = self.ask(None);
        for _ in 0..60 {
            self.world.pass(5);
            if self.row(number).1 == Some(number) {
                return number;
            }
        }
        panic!("the exchange does not open: {:?}", self.world.station.alarms);
    }

    /// All of it: open, take out and count, fill, tell; and what it came to.
    fn replenish(&mut self) -> Replenishment {
        let number = self.opened();
        assert!(!self.serves(), "nobody is served meanwhile");
        let found = self.empty();
        self.fill();
        assert_eq!(self.ask(Some(found)), number);
        for _ in 0..30 {
            self.world.pass(10);
            if self.serves() {
                return self.row(number).0;
            }
        }
        panic!("it stays out of service: {:?} {:?}", self.world.station.screen(), self.world.station.alarms);
    }

    /// Balances by account, as the bank's records have them; an asset's stand on the debit side. All of it adds up.
    fn balances(&self) -> BTreeMap<String, i64> {
        let records = Records::open(&self.folder.path().join("bank.db")).unwrap();
        let report = verify(&records, None).unwrap();
        assert!(report.is_clean(), "{:#?}", report.differences);
        let mut balances = BTreeMap::new();
        records.accounts(|row| balances.extend([(row.code, row.credits - row.debits)])).unwrap();
        balances
    }

    fn balance(&self, account: &str) -> i64 {
        self.balances().get(account).copied().unwrap_or(0)
    }

    /// What is short, by the bank's over/short account since the beginning.
    fn short(&self) -> i64 {
        -self.balance("bank:over_short:USD")
    }

    /// Whether host, devices and notes agree on what is in the machine.
    fn agrees(&self) {
        let hardware = &self.world.station.hardware;
        assert!(hardware.census().is_conserved());
        let inside = hardware.census().inside();
        assert_eq!(-self.balance("atm:ATM901:cash:USD"), inside, "the ledger's cash is what is in the machine");
        let host = &self.world.host;
        let view = host.bank.machine(host.admin, self.world.station.id).unwrap().unwrap();
        let mirror: Vec<u32> = view.holdings.cassettes.iter().map(|cassette| cassette.count).collect();
        let devices: Vec<u32> = hardware.counters().cassettes.iter().map(|cassette| cassette.left()).collect();
        let physical: Vec<u32> = (0..3).map(|at| hardware.census().at(Place::Cassette(at)).count()).collect();
        assert_eq!((&mirror, &devices), (&physical, &physical));
    }

    fn open_cases(&self) -> Vec<cashpoint_core::case::Case> {
        let host = &self.world.host;
        host.bank.cases(host.admin, CasesWanted::Open, None, 100).unwrap().unwrap().cases
    }

    fn walked_away_with(&self) -> i64 {
        walked_away_with(&self.world.station.hardware)
    }
}

const AFTER: i64 = 50_00 * 70 + 20_00 * 90 + 10_00 * 40;

#[test]
fn taking_notes_by_hand_is_found_to_the_note() {
    let mut bench = Bench::new();
    bench.visit(Takes::All);
    let mut stolen = 0;
    for (at, note) in NOTES.into_iter().enumerate() {
        for k in [0, 1, 7, 40] {
            bench.hand(&PersonAction::RemoveNotes(Place::Cassette(at), k));
            let came_to = bench.replenish().posted.unwrap();
            let taken = note * i64::from(k);
            stolen += taken;
            assert_eq!((came_to.difference.minor(), came_to.held.minor()), (-taken, 0), "{k} of {note}");
            assert_eq!((came_to.cash.minor(), bench.short()), (AFTER, stolen));
            bench.agrees();
        }
    }
    assert_eq!(bench.posted("shortage"), stolen, "the differences bear the machine's name");
    bench.visit(Takes::All);
    assert_eq!(bench.walked_away_with(), 2 * WANTED, "it pays again");
    bench.agrees();
}

#[test]
fn it_comes_between_visits_and_after_everything_that_waits() {
    let mut bench = Bench::new();
    bench.enter(Takes::All);
    bench.world.pass(8);
    let number = bench.ask(None);
    bench.world.pass(2);
    assert!(bench.world.is_visited() && bench.row(number).1.is_none());
    // The line goes while the notes come out: what was paid is told when it is back, and only then anything opens.
    while bench.walked_away_with() == 0 {
        bench.world.pass(1);
    }
    bench.world.network = Network::Cut;
    bench.world.pass(60);
    bench.world.leave();
    assert_eq!((bench.row(number).1, bench.serves()), (None, false));
    bench.world.network = Network::Up;
    bench.world.pass(60);
    assert_eq!(bench.row(number).1, Some(number));
    let found = bench.empty();
    bench.fill();
    assert_eq!(bench.ask(Some(found)), number);
    bench.world.pass(60);
    assert_eq!(bench.row(number).0.posted.unwrap().difference.minor(), 0, "the visit was posted before");
    assert!(bench.serves());
    bench.agrees();
}

#[test]
fn a_count_that_was_made_before_is_carried_out_at_once() {
    let mut bench = Bench::new();
    bench.visit(Takes::All);
    let found = bench.empty();
    bench.fill();
    let number = bench.ask(Some(found));
    bench.world.pass(60);
    assert_eq!(bench.row(number).0.posted.unwrap().difference.minor(), 0);
    assert!(bench.serves());
    bench.agrees();
}

/// What leaves it open whether a withdrawal was paid, some of it with the cash in the machine, some without.
const SUSPECT: [(Fault, Step); 7] = [
    (Fault::Jam, Step::Stack),
    (Fault::Jam, Step::EjectCard),
    (Fault::Jam, Step::Retract),
    (Fault::RetractUncounted, Step::Retract),
    (Fault::LostPresentStatus, Step::PresentStatus),
    (Fault::PowerLossAfter, Step::Present),
    (Fault::ConnectionLossBefore, Step::EjectCard),
];

/// In each of those, what the count finds missing goes to the case as far as it can, the rest is over/short; and when
/// staff have resolved the case by the truth, only what was stolen is short.
#[test]
fn a_shortage_is_evidence_in_open_cases_first() {
    let mut reached = [0, 0];
    for (fault, step) in SUSPECT {
        for stolen in [0, 2] {
            let mut bench = Bench::new();
            let lasts = if step == Step::Take { Armed::always } else { Armed::once };
            bench.world.station.hardware.arm(lasts(fault, step)).unwrap();
            bench.visit(if step == Step::Retract { Takes::Nothing } else { Takes::All });
            let open = bench.open_cases();
            let [case] = open.as_slice() else { panic!("{fault:?} at {step:?}: {open:?}") };
            let (away, theft) = (bench.walked_away_with(), 50_00 * i64::from(stolen));
            bench.hand(&PersonAction::RemoveNotes(Place::Cassette(0), stolen));
            let about = format!("{fault:?} at {step:?}, {away} away, {theft} stolen");
            let came_to = bench.replenish().posted.unwrap();
            let held = (away + theft).min(WANTED);
            assert_eq!(came_to.difference.minor(), -(away + theft), "{about}");
            assert_eq!((came_to.held.minor(), bench.short()), (held, away + theft - held), "{about}");
            assert_eq!(bench.balance("bank:suspense:USD"), -held, "{about}");
            assert_eq!(bench.balance("atm:ATM901:in_flight:USD"), WANTED, "nobody is credited on a guess");
            bench.agrees();
            let host = &bench.world.host;
            let case = host.bank.case(host.admin, case.id).unwrap().unwrap();
            let evidence = format!("short_at_replenishment_1={}", Amount::new(held, Currency::USD));
            assert!(case.evidence.ends_with(&evidence) && case.short == held, "{about}: {case:?}");
            let paid = Decimal::new(away.unsigned_abs(), 2);
            host.bank.resolve_case(host.admin, "truth", case.id, paid).unwrap().unwrap();
            assert_eq!(bench.short(), theft, "{about}");
            assert_eq!(bench.balance("bank:suspense:USD"), 0, "{about}");
            assert_eq!(bench.balance(&JOHN.number().to_string()), OPENING - away, "{about}");
            bench.agrees();
            reached[usize::from(away > 0)] += 1;
        }
    }
    assert!(reached.iter().all(|times| *times >= 2), "cases without and with cash paid: {reached:?}");
}

/// Notes of a deposit that jammed lie in the escrow, and their case is open: staff take them out with the others.
#[test]
fn ends_an_exchange_over_notes_that_a_jam_left_in_the_escrow() {
    let mut bench = Bench::new();
    bench.world.station.hardware.arm(Armed::once(Fault::Jam, Step::TakeNotes)).unwrap();
    let wish = Wish::Deposit(JOHN, vec![(50_00, 2), (20_00, 2)]);
    bench.world.enter(Person::new(bench::plan(&PEOPLE[0], wish)));
    bench.world.pass(240);
    bench.world.leave();
    let hardware = &bench.world.station.hardware;
    assert!(!hardware.census().at(Place::Escrow).is_empty(), "{:?}", hardware.census());
    assert_eq!(bench.open_cases().len(), 1);
    let came_to = bench.replenish().posted.unwrap();
    assert_eq!((came_to.difference.minor(), came_to.cash.minor()), (140_00, AFTER), "it is over by what was laid in");
    bench.agrees();
}

/// The program dies before each thing that it would do in an exchange.
#[test]
fn it_posts_once_wherever_the_program_dies() {
    let mut bench = Bench::new();
    let exchange = |bench: &mut Bench, dies_after: Option<u64>| {
        bench.hand(&PersonAction::RemoveNotes(Place::Cassette(1), 3));
        let from = bench.world.station.done;
        bench.world.station.dies_before = dies_after.map(|after| from + after);
        let came_to = bench.replenish().posted.unwrap();
        assert_eq!(came_to.difference.minor(), -60_00, "dead after {dies_after:?}");
        assert!(dies_after.is_none() || bench.world.station.dies_before.is_none(), "it lived on");
        bench.world.station.done - from
    };
    exchange(&mut bench, None);
    let whole = exchange(&mut bench, None);
    assert!(whole > 15, "{whole}");
    for after in 0..whole {
        exchange(&mut bench, Some(after));
    }
    let times = i64::try_from(whole).unwrap() + 2;
    assert_eq!(bench.posted("shortage"), 60_00 * times);
    assert_eq!(bench.posted("replenishment"), FULL + AFTER * times);
    assert_eq!(bench.posted("removal"), FULL + AFTER * (times - 1) - 60_00 * times);
    bench.agrees();
}

impl Bench {
    /// What was posted of a kind with the machine's name.
    fn posted(&self, kind: &str) -> i64 {
        let records = Records::open(&self.folder.path().join("bank.db")).unwrap();
        let (mut machines, mut kinds, mut sum) = (BTreeMap::new(), BTreeMap::new(), 0);
        records.machines(|row| machines.extend([(row.number, row.id)])).unwrap();
        records.transfer_kinds(|row| kinds.extend([(row.code, row.name)])).unwrap();
        records
            .transfers(|row| {
                let here = row.machine.is_some_and(|number| machines[&number] == "ATM901");
                sum += if here && kinds[&row.kind] == kind { row.amount } else { 0 };
            })
            .unwrap();
        sum
    }
}
