//! What is printed of terminals: times, memory, and what went wrong.

use std::fmt;
use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;

use super::person::Visit;
use crate::bench::load::{new_histogram, quantile_ms};
use crate::bench::report::rounded;

/// All visits together.
pub(super) struct Visits {
    machine: Histogram<u64>,
    log_in: Histogram<u64>,
    counting_out: Histogram<u64>,
    presenting: Histogram<u64>,
    /// Minor units that people took, by the machine's number …
    pub(super) paid: Vec<i64>,
    /// … and what its devices hold in the end, if they say so.
    pub(super) inside: Vec<Option<i64>>,
    /// What went otherwise.
    pub(super) wrong: Vec<String>,
}

impl Visits {
    pub(super) fn new(machines: usize) -> Self {
        Self {
            machine: new_histogram(),
            log_in: new_histogram(),
            counting_out: new_histogram(),
            presenting: new_histogram(),
            paid: vec![0; machines],
            inside: vec![None; machines],
            wrong: Vec::new(),
        }
    }

    /// Adds those of one machine.
    pub(super) fn add(&mut self, machine: usize, visits: &[Visit]) {
        let record = |times: &mut Histogram<u64>, time: Duration| {
            times.saturating_record(u64::try_from(time.as_micros()).unwrap_or(u64::MAX));
        };
        for visit in visits {
            self.paid[machine] += visit.paid;
            record(&mut self.machine, visit.machine);
            record(&mut self.log_in, visit.log_in);
            record(&mut self.counting_out, visit.counting_out);
            record(&mut self.presenting, visit.presenting);
        }
    }
}

/// Memory in use in the second half of a run, bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
pub(super) struct Resident {
    /// The host's, when the second half began …
    host_half: u64,
    /// … and the most that it was from then on.
    host_most: u64,
    /// That of all terminals and devices together, likewise.
    terminals_half: u64,
    terminals_most: u64,
}

/// Which half of a run it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Half {
    First,
    Second,
}

impl Resident {
    /// Takes in what was seen.
    pub(super) fn look(&mut self, half: Half, (host, terminals): (u64, u64)) {
        match half {
            Half::First => (self.host_half, self.terminals_half) = (host, terminals),
            Half::Second => {
                self.host_most = self.host_most.max(host);
                self.terminals_most = self.terminals_most.max(terminals);
            }
        }
    }
}

/// A median and a worst case of some times, milliseconds.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
struct Times {
    p50_ms: f64,
    p99_ms: f64,
}

impl Times {
    fn of(times: &Histogram<u64>) -> Self {
        let at = |quantile| rounded(quantile_ms(times, quantile), 2);
        Self { p50_ms: at(0.5), p99_ms: at(0.99) }
    }
}

/// What `bench terminal` prints.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub(super) struct TerminalReport {
    pub(super) terminals: u32,
    pub(super) seconds: u32,
    visits: u64,
    /// From the last key of the PIN to the notes within reach.
    machine: Times,
    log_in: Times,
    counting_out: Times,
    presenting: Times,
    /// Processor time of the host in all.
    host_cpu_s: f64,
    resident: Resident,
    /// Visits that went otherwise, the host's complaints, notes that differ.
    wrong: usize,
}

impl TerminalReport {
    pub(super) fn new((terminals, seconds): (u32, u32), visits: &Visits, resident: Resident, host_cpu_s: f64) -> Self {
        Self {
            terminals,
            seconds,
            visits: visits.machine.len(),
            machine: Times::of(&visits.machine),
            log_in: Times::of(&visits.log_in),
            counting_out: Times::of(&visits.counting_out),
            presenting: Times::of(&visits.presenting),
            host_cpu_s: rounded(host_cpu_s, 2),
            resident,
            wrong: visits.wrong.len(),
        }
    }
}

impl fmt::Display for TerminalReport {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { terminals, seconds, visits, wrong, .. } = self;
        writeln!(out, "{terminals} terminals, {seconds} s, {visits} withdrawals, {wrong} things wrong")?;
        writeln!(out, "milliseconds                     p50      p99")?;
        for (name, times) in [
            ("PIN to notes", self.machine),
            ("  PIN to menu", self.log_in),
            ("  amount to card", self.counting_out),
            ("  card taken to notes", self.presenting),
        ] {
            writeln!(out, "{name:<28} {:>7.2}  {:>7.2}", times.p50_ms, times.p99_ms)?;
        }
        let Resident { host_half, host_most, terminals_half, terminals_most } = self.resident;
        let mib = |bytes: u64| bytes >> 20;
        writeln!(out, "host: {:.1} s of processor time", self.host_cpu_s)?;
        writeln!(out, "memory, MiB: host {} at half time, {} at most after", mib(host_half), mib(host_most))?;
        writeln!(out, "             terminals and devices {}, {}", mib(terminals_half), mib(terminals_most))
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn prints_times_memory_and_what_went_wrong() {
        let mut visits = Visits::new(2);
        let ms = Duration::from_millis;
        for (machine, paid) in [(0, 20_00), (1, 20_00), (1, 50_00)] {
            let visit = Visit {
                paid,
                machine: ms(30),
                log_in: ms(10),
                counting_out: ms(12),
                presenting: ms(u64::from(paid > 20_00)),
            };
            visits.add(machine, &[visit]);
        }
        visits.wrong.push("ATM1: a note too few".to_owned());
        assert_eq!(visits.paid, [20_00, 70_00]);
        let mut resident = Resident::default();
        for (half, bytes) in [(Half::First, 90), (Half::First, 100), (Half::Second, 120), (Half::Second, 110)] {
            resident.look(half, (bytes << 20, bytes << 21));
        }
        let report = TerminalReport::new((2, 30), &visits, resident, 1.25);
        expect![[r#"
            2 terminals, 30 s, 3 withdrawals, 1 things wrong
            milliseconds                     p50      p99
            PIN to notes                   30.02    30.02
              PIN to menu                  10.01    10.01
              amount to card               12.01    12.01
              card taken to notes           0.00     1.00
            host: 1.2 s of processor time
            memory, MiB: host 100 at half time, 120 at most after
                         terminals and devices 200, 240
        "#]]
        .assert_eq(&report.to_string());
        expect![[r#"{"terminals":2,"seconds":30,"visits":3,"machine":{"p50_ms":30.02,"p99_ms":30.02},"log_in":{"p50_ms":10.01,"p99_ms":10.01},"counting_out":{"p50_ms":12.01,"p99_ms":12.01},"presenting":{"p50_ms":0.0,"p99_ms":1.0},"host_cpu_s":1.25,"resident":{"host_half":104857600,"host_most":125829120,"terminals_half":209715200,"terminals_most":251658240},"wrong":1}"#]].assert_eq(&serde_json::to_string(&report).unwrap());
    }
}
