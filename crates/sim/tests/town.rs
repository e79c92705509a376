//! Towns under every fault: nothing that must not be is found, and the same seed gives the same bytes.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hasher as _};

use cashpoint_sim::audit::Auditor;
use cashpoint_sim::town::profile::Profile;
use cashpoint_sim::town::trace::Keep;
use cashpoint_sim::town::{Outcome, Setup, run};

fn town(seed: u64, keep: Keep) -> Outcome {
    let setup = Setup { seed, machines: 3, visits: 12, profile: Profile::drawn(seed), keep };
    run(setup, &mut Auditor::new())
}

fn check(seed: u64) {
    let outcome = town(seed, Keep::Last);
    let Outcome { violation, trace, .. } = outcome;
    if let Some(violation) = violation {
        panic!("seed {seed}, {:?}\n{trace}\n{violation}", Profile::drawn(seed));
    }
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    for seed in [3, 17] {
        let (one, other) = (town(seed, Keep::All), town(seed, Keep::All));
        assert!(one.tally.visits == 36 && one.trace.lines().count() > 300, "{}", one.trace);
        let differs = one.trace.lines().zip(other.trace.lines()).find(|(one, other)| one != other);
        assert_eq!(differs, None, "seed {seed}");
        assert_eq!(one.trace.len(), other.trace.len(), "seed {seed}");
    }
}

#[test]
fn nothing_is_wrong_with_seeds_that_are_always_the_same() {
    (0..12).for_each(check);
}

#[test]
fn nothing_is_wrong_with_fresh_seeds() {
    let first = RandomState::new().build_hasher().finish();
    for seed in (0..6).map(|more| first.wrapping_add(more)) {
        check(seed);
    }
}
