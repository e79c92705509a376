//! How fast towns go by: terminal-days a minute of one processor's work, the auditor on. Linux counts it, whatever else the
//! machine does meanwhile.
//!
//! `cargo run --release -p cashpoint-sim --example pace [TOWNS [FIRST SEED [MACHINES]]]`

#![expect(clippy::print_stdout, reason = "it is what it is for")]
use std::time::Duration;

use cashpoint_sim::series::{Scale, Series, VISITS_A_DAY};
use cashpoint_sim::town::trace::Keep;

/// What this thread has worked so far, seconds.
fn worked_s() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux counts it");
    let ns: u64 = text.split(' ').next().and_then(|ns| ns.parse().ok()).expect("it begins with nanoseconds");
    Duration::from_nanos(ns).as_secs_f64()
}

fn main() {
    let mut given = std::env::args().skip(1).map(|text| text.parse::<u64>().expect("a number"));
    let (towns, first, machines) = (given.next().unwrap_or(20), given.next().unwrap_or(1), given.next());
    let mut series = Series::default();
    let began = worked_s();
    for seed in first..first + towns {
        let machines = machines.unwrap_or(3 + seed % 8);
        let scale = Scale { machines: usize::try_from(machines).expect("few"), visits: VISITS_A_DAY };
        if let Err(failure) = series.run(seed, scale, Keep::Last) {
            println!("seed {seed}: {}", failure.violation);
        }
    }
    let seconds = worked_s() - began;
    println!("{series}");
    let (days, visits) = (series.hundredths_of_days() as f64 / 100.0, series.tally.visits as f64);
    println!("{:.1} messages a visit", series.tally.messages as f64 / visits);
    println!(
        "{seconds:.1} s, {:.0} µs a visit: {:.0} terminal-days a minute",
        seconds * 1e6 / visits,
        days / seconds * 60.0
    );
}
