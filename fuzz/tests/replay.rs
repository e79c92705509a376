//! The short run: every seed, and some thousand changes of them. `CASHPOINT_FUZZ_SEED` starts it from another number.

#![expect(clippy::print_stdout, reason = "what a run began with, and what it found, is told")]

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use cashpoint_fuzz::mutation::{Dice, mutated};
use cashpoint_fuzz::{Target, corpus};

/// The number that the changes start from, unless another is given.
const SEED: u64 = 20_261_120;

#[track_caller]
fn check(name: &str, changes: usize) {
    let target = Target::named(name).expect("there is a target of that name");
    let seed = std::env::var("CASHPOINT_FUZZ_SEED").ok().map_or(SEED, |text| text.parse().expect("a number"));
    let seeds = corpus::seeds(target);
    println!("{name}: {} seeds, {changes} changes from seed {seed}", seeds.len());
    for seed in &seeds {
        one(target, &seed.bytes, &format!("seed {}", seed.name));
    }
    let inputs: Vec<_> = seeds.into_iter().map(|seed| seed.bytes).collect();
    let mut dice = Dice::new(seed);
    for number in 0..changes {
        let input = mutated(&mut dice, &inputs, target.dictionary);
        one(target, &input, &format!("change {number} from seed {seed}"));
    }
    (target.finish)();
}

fn one(target: &Target, input: &[u8], what: &str) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| (target.check)(input))) {
        println!("{}, {what}: \"{}\"", target.name, input.escape_ascii());
        resume_unwind(panic);
    }
}

#[test]
fn identifiers_hold() {
    check("identifiers", 50_000);
}

#[test]
fn amounts_hold() {
    check("amounts", 5_000);
}

#[test]
fn json_holds() {
    check("json", 50_000);
}

#[test]
fn bodies_hold() {
    check("bodies", 20_000);
}

#[test]
fn listings_hold() {
    check("listings", 50_000);
}

#[test]
fn stored_holds() {
    check("stored", 20_000);
}

#[test]
fn headers_hold() {
    check("headers", 8_000);
}

#[test]
fn http_holds() {
    check("http", 2_500);
}

#[test]
fn configuration_holds() {
    check("configuration", 5_000);
}

#[test]
fn tokens_hold() {
    check("tokens", 10000);
}

#[test]
fn pin_blocks_hold() {
    check("pin_blocks", 5000);
}

#[test]
fn key_blocks_hold() {
    check("key_blocks", 5000);
}

#[test]
fn link_holds() {
    check("link", 2000);
}

#[test]
fn journal_holds() {
    check("journal", 20000);
}

#[test]
fn every_target_is_run_here() {
    let here = include_str!("replay.rs");
    for target in &Target::ALL {
        assert!(here.contains(&format!("check(\"{}\",", target.name)), "{} is not", target.name);
    }
}
