//! One fuzz target under libFuzzer, the one that `CASHPOINT_FUZZ_TARGET` names.
//!
//! Before libFuzzer looks for its corpus, the target's seeds are written into the folder that `CASHPOINT_FUZZ_SEEDS`
//! names, and its dictionary into the file that `CASHPOINT_FUZZ_DICTIONARY` names.
#![no_main]

use std::sync::OnceLock;

use cashpoint_fuzz::{Target, corpus};
use libfuzzer_sys::fuzz_target;

static TARGET: OnceLock<&'static Target> = OnceLock::new();

fuzz_target!(
    init: prepare(),
    |data: &[u8]| {
        if let Some(target) = TARGET.get() {
            (target.check)(data);
        }
    }
);

fn prepare() {
    let variable = |name| std::env::var(name).unwrap_or_else(|_| panic!("set {name}"));
    let target = Target::named(&variable("CASHPOINT_FUZZ_TARGET")).expect("there is a target of that name");
    let folder = variable("CASHPOINT_FUZZ_SEEDS");
    for seed in corpus::seeds(target) {
        std::fs::write(format!("{folder}/{}", seed.name), seed.bytes).expect("the folder takes seeds");
    }
    std::fs::write(variable("CASHPOINT_FUZZ_DICTIONARY"), corpus::dictionary(target)).expect("the file is writable");
    TARGET.set(target).expect("it is prepared once");
}
