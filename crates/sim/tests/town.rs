//! Towns under every fault: nothing that must not be is found, and the same seed gives the same bytes.

#![expect(clippy::print_stdout, reason = "the long form tells what it did")]

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hasher as _};
use std::time::{Duration, Instant};

use cashpoint_bank::execute::Failure;
use cashpoint_core::command::GrantLease;
use cashpoint_core::currency::Currency;
use cashpoint_core::enrolled::GrantedLease;
use cashpoint_core::id::MachineId;
use cashpoint_core::money::Amount;
use cashpoint_core::time::Timestamp;
use cashpoint_sim::audit::seen::{Seen, Sight};
use cashpoint_sim::audit::{Auditor, Observer, Remains, Violation};
use cashpoint_sim::bench;
use cashpoint_sim::explore::{Point, choices, explore};
use cashpoint_sim::host::{BankHost, Kept, Link};
use cashpoint_sim::series::{Scale, Series};
use cashpoint_sim::town::gauge::Minute;
use cashpoint_sim::town::profile::{Level, Partition, Profile};
use cashpoint_sim::town::sometimes::ALL;
use cashpoint_sim::town::trace::Keep;
use cashpoint_sim::town::{Outcome, Setup, Tally, run, run_over};

const SMALL: Scale = Scale { machines: 3, visits: 10 };

/// How long the test runs for fresh seeds, and in its long form.
const SHORT: Duration = Duration::from_secs(15);
const LONG: Duration = Duration::from_secs(300);

fn check(series: &mut Series, seed: u64, scale: Scale) {
    if let Err(failure) = series.run(seed, scale, Keep::Last) {
        panic!("{failure}");
    }
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let town = |seed| {
        let setup = Setup { seed, machines: 3, visits: 10, profile: Profile::drawn(seed), keep: Keep::All };
        run(setup, &mut Auditor::new())
    };
    for seed in [3, 17] {
        let (one, other) = (town(seed), town(seed));
        assert!(one.tally.visits == 30 && one.trace.lines().count() > 300, "{}", one.trace);
        let differs = one.trace.lines().zip(other.trace.lines()).find(|(one, other)| one != other);
        assert_eq!(differs, None, "seed {seed}");
        assert_eq!((one.trace.len(), one.tally), (other.trace.len(), other.tally), "seed {seed}");
    }
}

/// Nobody in a town forges messages, and every store keeps to the same: it makes no difference whether messages are signed
/// and where rows are.
#[test]
fn neither_a_signed_link_nor_a_file_makes_a_difference() {
    for seed in [5, 11, 23] {
        let town = |ground| {
            // No file fails because it is told to.
            let profile = Profile::drawn(seed).without(&["commits"]);
            let setup = Setup { seed, machines: 2, visits: 8, profile, keep: Keep::All };
            run_over(ground, setup, &mut Auditor::new())
        };
        let one = town((Link::Unsigned, Kept::InMemory));
        assert!(one.trace.lines().count() > 150, "{}", one.trace);
        for ground in [(Link::Signed, Kept::InMemory), (Link::Unsigned, Kept::InFile), (Link::Signed, Kept::InFile)] {
            let other = town(ground);
            let differs = one.trace.lines().zip(other.trace.lines()).find(|(one, other)| one != other);
            assert_eq!(differs, None, "seed {seed}, {ground:?}");
            assert_eq!((one.trace.len(), &one.tally), (other.trace.len(), &other.tally), "seed {seed}, {ground:?}");
        }
    }
}

#[test]
fn nothing_is_wrong_with_seeds_that_are_always_the_same() {
    let mut series = Series::default();
    (0..8).for_each(|seed| check(&mut series, seed, SMALL));
    assert_eq!(series.tally.visits, 240);
    let never = series.never();
    assert!(never.len() * 2 < ALL.len(), "nothing is shown where nothing happens: {never:?}");
}

/// Stumbles over what it sees first of a customer.
struct Stumbles;

impl Observer for Stumbles {
    fn see(&mut self, sight: &Sight) -> Result<(), Violation> {
        assert_ne!(sight.what, Seen::CardIn, "a card");
        Ok(())
    }

    fn settled(&mut self, _: &Remains<'_>, _: Timestamp) -> Result<(), Violation> {
        Ok(())
    }
}

#[test]
fn a_bug_is_told_like_what_must_not_be_with_what_led_to_it() {
    let setup = Setup { seed: 1, machines: 1, visits: 3, profile: Profile::calm(Partition::Refuse), keep: Keep::Last };
    let Outcome { violation, trace, sights, .. } = run(setup, &mut Stumbles);
    let Violation { rule, what, .. } = violation.expect("it stumbled");
    assert!(rule == "nothing_panics" && what.contains("a card"), "{rule}: {what}");
    assert!(trace.ends_with("a card goes in\n") && sights > 1, "{trace}");
}

#[test]
#[should_panic(expected = "by a bug of the bank's")]
fn a_bank_that_fails_by_itself_is_not_taken_for_one_that_is_away() {
    let folder = tempfile::tempdir().unwrap();
    let mut host = BankHost::settling(folder.path(), Kept::InMemory, bench::noon());
    let terminal = MachineId::parse("ATM1").unwrap();
    bench::enrol(&mut host, terminal);
    let (amount, granted) = (Amount::new(0, Currency::USD), bench::noon());
    let lease = GrantedLease { nonce: [1; 16], amount, used: 0, presents: 0, granted, closed: false };
    let failed = host.bank.execute(GrantLease { terminal, lease });
    assert_eq!(failed.map(drop), Err(Failure::Internal), "no store takes a lease of nothing");
    host.restart();
}

/// Three leases of 5,000 are more than the bank has for all machines; one that a machine let go of may be another's.
#[test]
fn a_lease_that_a_machine_let_go_of_is_free_for_others() {
    let choice = choices().pop().expect("the most generous one");
    let point = explore(&choice, &[3], Scale { machines: 3, visits: 30 }).expect("nothing is wrong");
    assert_eq!(point.exposed, 10_000_00, "of all machines together");
}

/// Whoever waits until a line is back is served as well, but meanwhile nobody else is.
#[test]
fn machines_that_pay_while_they_are_cut_off_serve_more_people_in_an_hour() {
    let [shut, .., pays, _] = &choices()[..] else { panic!("there are more choices") };
    let [shut, pays] = [shut, pays].map(|choice| explore(choice, &[50, 51], Scale { machines: 3, visits: 60 }));
    let (shut, pays) = (shut.expect("nothing is wrong"), pays.expect("nothing is wrong"));
    assert!(shut.served_in_ten_hours() < pays.served_in_ten_hours(), "{shut:?}\n{pays:?}");
    let tally = Tally { stolen: 30_00, unpaid: 5_00, ..pays.tally.clone() };
    assert_eq!(Point { tally, ..pays }.lost(), 35_00);
}

/// Without faults everybody is served, and nobody has anything to ask.
#[test]
fn everybody_is_served_where_nothing_goes_wrong() {
    let profile = Profile::calm(Partition::Refuse);
    assert_eq!(profile.loss, Level::Off);
    let setup = Setup { seed: 1, machines: 2, visits: 30, profile, keep: Keep::All };
    let Outcome { violation, trace, tally, .. } = run(setup, &mut Auditor::new());
    assert_eq!(violation, None, "{trace}");
    assert_eq!((tally.visits, tally.cases), (60, 0), "{trace}");
    let reached = |name| tally.sometimes.counts().any(|(known, count)| known == name && count > 0);
    assert!(reached("cash paid online") && reached("deposit credited"), "{trace}");
    assert!(!reached("customer turned away") && !reached("card kept"), "{trace}");
    let minutes = tally.course.0;
    let [serving, machines] = [|minute: &Minute| minute.serving, |minute: &Minute| minute.machines]
        .map(|count| minutes.iter().map(count).sum::<u64>());
    assert!(machines > 10 && serving * 10 > machines * 9, "{minutes:?}");
}

/// A profile that says heavy and nothing that happens would show nothing.
#[test]
fn what_is_heavy_happens() {
    let (calm, heavy) = (Profile::calm(Partition::Refuse), Level::Heavy);
    let profiles = [
        (Profile { outages: heavy, ..calm.clone() }, "line cut"),
        (Profile { repeats: heavy, ..calm.clone() }, "message repeated"),
        (Profile { devices: heavy, ..calm.clone() }, "device fault waiting"),
        (Profile { deaths: heavy, ..calm.clone() }, "terminal died"),
        (Profile { host_deaths: heavy, ..calm.clone() }, "host died"),
        (Profile { clocks: heavy, ..calm.clone() }, "clock set"),
        (Profile { reports: heavy, ..calm.clone() }, "card reported"),
        (Profile { exchanges: heavy, ..calm.clone() }, "cassettes exchanged"),
        (Profile { altered: heavy, ..calm.clone() }, "altered request refused"),
        (Profile { power: heavy, ..calm }, "machine without power"),
    ];
    for (profile, situation) in profiles {
        let reached = |seed| {
            let setup = Setup { seed, machines: 2, visits: 15, profile: profile.clone(), keep: Keep::Last };
            let Outcome { violation, trace, tally, .. } = run(setup, &mut Auditor::new());
            assert_eq!(violation, None, "{situation}, seed {seed}: {trace}");
            tally.sometimes.counts().any(|(known, count)| known == situation && count > 0)
        };
        assert!((0..6).any(reached), "{situation}");
    }
}

#[test]
fn nothing_is_wrong_with_fresh_towns() {
    let soak = std::env::var("CASHPOINT_SOAK").is_ok_and(|soak| soak == "1");
    let (long, scale) = if soak { (LONG, Scale { machines: 3, visits: 100 }) } else { (SHORT, SMALL) };
    #[expect(clippy::disallowed_methods, reason = "how long the test itself runs is no matter of the town's clock")]
    let now = Instant::now;
    let (began, first) = (now(), RandomState::new().build_hasher().finish());
    let (mut series, mut seed) = (Series::default(), first);
    while now().duration_since(began) < long {
        check(&mut series, seed, scale);
        seed = seed.wrapping_add(1);
    }
    if soak {
        let never = series.never();
        let days = series.hundredths_of_days() / 100;
        println!("soak: seeds {first} to {}: {} towns, {days} terminal-days", seed.wrapping_sub(1), series.towns);
        println!("soak: never reached: {never:?}");
        println!("{series}");
        assert!(never.is_empty(), "situations that so many towns must reach: {never:?}");
    }
}
