//! What is printed: figures by run and their medians, as JSON or as a table.

use std::fmt;

use serde::Serialize;

use super::server::ServerReport;

/// One measurement over HTTP, or the medians of several.
#[derive(Clone, PartialEq, Serialize, Debug)]
pub(super) struct HttpRun {
    pub(super) connections: u32,
    /// Successful answers of the mix.
    pub(super) requests_per_s: f64,
    /// Those of them that moved money, which is durable when the answer comes.
    pub(super) durable_per_s: f64,
    /// Answers of the server that does nothing.
    pub(super) baseline_per_s: f64,
    /// `requests_per_s` / `baseline_per_s`.
    pub(super) ratio: f64,
    pub(super) p50_ms: f64,
    pub(super) p99_ms: f64,
    pub(super) p999_ms: f64,
    /// Answers 4xx, of the mix.
    pub(super) refusals: u64,
    /// Answers 5xx and broken connections, of the mix and of the baseline.
    pub(super) errors: u64,
    /// Any error, or more than one refusal in a hundred answers.
    pub(super) void: bool,
}

/// Where more connections stopped bringing more.
#[derive(Clone, Copy, PartialEq, Serialize, Debug)]
pub(super) struct Saturation {
    pub(super) connections: u32,
    pub(super) requests_per_s: f64,
}

/// What `bench http` prints.
#[derive(Clone, PartialEq, Serialize, Debug)]
pub(super) struct HttpReport {
    pub(super) accounts: u32,
    pub(super) seconds: u32,
    pub(super) runs: Vec<HttpRun>,
    /// Of the runs that are not void, by number of connections; each figure is the median of its own, and refusals and
    /// errors are the most there were.
    pub(super) median: Vec<HttpRun>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) saturation: Option<Saturation>,
    /// Resident memory that one more customer with an account and a session in use takes; none if not measured.
    pub(super) bytes_per_session: Option<u64>,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub(super) server: Option<ServerReport>,
}

/// One measurement of the bank alone, or the medians of several.
#[derive(Clone, PartialEq, Serialize, Debug)]
pub(super) struct EngineRun {
    pub(super) groups_of: u32,
    pub(super) durable_per_s: f64,
    /// From one group's answers to the next one's.
    pub(super) group_p50_ms: f64,
    pub(super) group_p99_ms: f64,
    /// How many commands a group really had.
    pub(super) mean_group: f64,
    pub(super) refusals: u64,
    pub(super) errors: u64,
}

/// What `bench engine` prints: the medians for the largest groups at the top, and for each size below.
#[derive(Clone, PartialEq, Serialize, Debug)]
pub(super) struct EngineReport {
    #[serde(flatten)]
    pub(super) largest: EngineRun,
    pub(super) accounts: u32,
    pub(super) seconds: u32,
    pub(super) median: Vec<EngineRun>,
    pub(super) runs: Vec<EngineRun>,
}

/// The middle figure; of two, their mean. Zero of none.
pub(super) fn median(figures: impl Iterator<Item = f64>) -> f64 {
    let mut figures: Vec<f64> = figures.collect();
    figures.sort_by(f64::total_cmp);
    let half = figures.len() / 2;
    match figures.len() {
        0 => 0.0,
        count if count % 2 == 1 => figures[half],
        _ => f64::midpoint(figures[half - 1], figures[half]),
    }
}

/// Rounds to so many decimals: more would only look exact.
pub(super) fn rounded(figure: f64, decimals: i32) -> f64 {
    let factor = 10_f64.powi(decimals);
    (figure * factor).round() / factor
}

impl HttpRun {
    /// Medians by number of connections, in the order in which they were measured.
    pub(super) fn medians(runs: &[Self]) -> Vec<Self> {
        let mut levels: Vec<u32> = Vec::new();
        for run in runs.iter().filter(|run| !run.void) {
            if !levels.contains(&run.connections) {
                levels.push(run.connections);
            }
        }
        let at = |connections| runs.iter().filter(move |run| !run.void && run.connections == connections);
        let middle = |connections: u32| {
            let of = |figure: fn(&Self) -> f64, decimals| rounded(median(at(connections).map(figure)), decimals);
            Self {
                connections,
                requests_per_s: of(|run| run.requests_per_s, 1),
                durable_per_s: of(|run| run.durable_per_s, 1),
                baseline_per_s: of(|run| run.baseline_per_s, 1),
                ratio: of(|run| run.ratio, 3),
                p50_ms: of(|run| run.p50_ms, 3),
                p99_ms: of(|run| run.p99_ms, 3),
                p999_ms: of(|run| run.p999_ms, 3),
                refusals: at(connections).map(|run| run.refusals).max().unwrap_or(0),
                errors: at(connections).map(|run| run.errors).max().unwrap_or(0),
                void: false,
            }
        };
        levels.into_iter().map(middle).collect()
    }
}

impl EngineRun {
    /// The medians of runs of one size.
    pub(super) fn median(runs: &[Self]) -> Self {
        let of = |figure: fn(&Self) -> f64, decimals| rounded(median(runs.iter().map(figure)), decimals);
        Self {
            groups_of: runs.first().map_or(0, |run| run.groups_of),
            durable_per_s: of(|run| run.durable_per_s, 1),
            group_p50_ms: of(|run| run.group_p50_ms, 3),
            group_p99_ms: of(|run| run.group_p99_ms, 3),
            mean_group: of(|run| run.mean_group, 1),
            refusals: runs.iter().map(|run| run.refusals).max().unwrap_or(0),
            errors: runs.iter().map(|run| run.errors).max().unwrap_or(0),
        }
    }
}

impl fmt::Display for HttpReport {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "{} accounts, medians; requests and latencies are of the mix", self.accounts)?;
        write_runs(&self.median, out)?;
        let void = self.runs.iter().filter(|run| run.void).count();
        if void > 0 {
            writeln!(out, "{void} of {} runs are void", self.runs.len())?;
        }
        if let Some(Saturation { connections, requests_per_s }) = self.saturation {
            writeln!(out, "saturated at {connections} connections: {requests_per_s:.0} requests/s")?;
        }
        if let Some(bytes) = self.bytes_per_session {
            writeln!(out, "one more customer, account and session in use: {bytes} bytes")?;
        }
        self.server.as_ref().map_or(Ok(()), |server| server.fmt(out))
    }
}

/// A table of runs.
pub(super) fn write_runs(runs: &[HttpRun], out: &mut fmt::Formatter<'_>) -> fmt::Result {
    writeln!(out, "connections  requests/s  durable/s  baseline/s  ratio   p50 ms   p99 ms  p99.9 ms")?;
    for run in runs {
        let HttpRun { connections, requests_per_s, durable_per_s, baseline_per_s, ratio, .. } = run;
        write!(out, "{connections:>11}  {requests_per_s:>10.0}  {durable_per_s:>9.0}  {baseline_per_s:>10.0}")?;
        writeln!(out, "  {ratio:>5.3}  {:>7.2}  {:>7.2}  {:>8.2}", run.p50_ms, run.p99_ms, run.p999_ms)?;
    }
    Ok(())
}

impl fmt::Display for EngineReport {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "{} accounts, durable withdrawals, medians", self.accounts)?;
        writeln!(out, "groups of  durable/s  group p50 ms  group p99 ms  mean group")?;
        for run in &self.median {
            let EngineRun { groups_of, durable_per_s, group_p50_ms, group_p99_ms, mean_group, .. } = run;
            write!(out, "{groups_of:>9}  {durable_per_s:>9.0}  {group_p50_ms:>12.3}  {group_p99_ms:>12.3}")?;
            writeln!(out, "  {mean_group:>10.1}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    fn run(connections: u32, rate: f64, errors: u64) -> HttpRun {
        HttpRun {
            connections,
            requests_per_s: rate,
            durable_per_s: rate * 0.85,
            baseline_per_s: 100_000.0,
            ratio: rate / 100_000.0,
            p50_ms: 1.0,
            p99_ms: 4.0,
            p999_ms: 9.0,
            refusals: 0,
            errors,
            void: errors > 0,
        }
    }

    #[test]
    fn finds_the_middle() {
        assert_eq!(median([].into_iter()), 0.0);
        assert_eq!(median([3.0, 1.0, 2.0].into_iter()), 2.0);
        assert_eq!(median([4.0, 1.0].into_iter()), 2.5);
    }

    #[test]
    fn leaves_void_runs_out_of_the_medians() {
        let runs = [run(64, 10_000.0, 0), run(256, 30_000.0, 0), run(256, 1.0, 5), run(256, 50_000.0, 0)];
        let medians = HttpRun::medians(&runs);
        assert_eq!(
            medians.iter().map(|run| (run.connections, run.requests_per_s)).collect::<Vec<_>>(),
            [(64, 10_000.0), (256, 40_000.0)]
        );
        assert_eq!(HttpRun::medians(&runs[2..3]), []);
    }

    #[test]
    fn prints_the_shape_of_the_contract() {
        let runs = vec![run(256, 30_000.0, 0)];
        let median = HttpRun::medians(&runs);
        let report = HttpReport {
            accounts: 10,
            seconds: 1,
            runs,
            median,
            saturation: None,
            bytes_per_session: Some(900),
            server: None,
        };
        expect![[r#"{"accounts":10,"seconds":1,"runs":[{"connections":256,"requests_per_s":30000.0,"durable_per_s":25500.0,"baseline_per_s":100000.0,"ratio":0.3,"p50_ms":1.0,"p99_ms":4.0,"p999_ms":9.0,"refusals":0,"errors":0,"void":false}],"median":[{"connections":256,"requests_per_s":30000.0,"durable_per_s":25500.0,"baseline_per_s":100000.0,"ratio":0.3,"p50_ms":1.0,"p99_ms":4.0,"p999_ms":9.0,"refusals":0,"errors":0,"void":false}],"bytes_per_session":900}"#]]
        .assert_eq(&serde_json::to_string(&report).unwrap());
        expect![[r"
            10 accounts, medians; requests and latencies are of the mix
            connections  requests/s  durable/s  baseline/s  ratio   p50 ms   p99 ms  p99.9 ms
                    256       30000      25500      100000  0.300     1.00     4.00      9.00
            one more customer, account and session in use: 900 bytes
        "]]
        .assert_eq(&report.to_string());
    }

    #[test]
    fn puts_the_largest_groups_on_top() {
        let run = EngineRun {
            groups_of: 1_024,
            durable_per_s: 20_000.0,
            group_p50_ms: 50.0,
            group_p99_ms: 60.0,
            mean_group: 1_024.0,
            refusals: 0,
            errors: 0,
        };
        let median = EngineRun::median(std::slice::from_ref(&run));
        let report =
            EngineReport { largest: median.clone(), accounts: 10, seconds: 1, median: vec![median], runs: vec![run] };
        let text = serde_json::to_string(&report).unwrap();
        assert!(text.starts_with(r#"{"groups_of":1024,"durable_per_s":20000.0,"#), "{text}");
    }
}
