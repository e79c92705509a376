//! `cashpoint bench`: the shape of its reports, and that its figures come from a bank that is in order.

use crate::support::cluster::{Cluster, Files};
use crate::support::process::{told, verify_is_clean};
use crate::support::{Json, run};

/// The report of a benchmark that must succeed.
#[track_caller]
fn report(arguments: &[&str]) -> Json {
    let (code, out, error) = told(&run(arguments));
    assert_eq!(code, 0, "{arguments:?}\n{out}{error}");
    assert_eq!(error, "", "nothing but the report, where standard error is no terminal");
    Json::parse(&out).unwrap()
}

#[track_caller]
fn figure(report: &Json, path: &str) -> f64 {
    let Json::Number(text) = report.at(path) else { panic!("{path} of {report} is no number") };
    text.parse().unwrap()
}

#[test]
fn it_reports_durable_withdrawals_of_the_bank_alone() {
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite:{}", folder.path().join("bank.db").display());
    let options = ["--seconds", "1", "--accounts", "100", "--rounds", "1", "--json", "--database", &database];
    let report = report(&[&["bench", "engine", "--groups-of", "16,64"], &options[..]].concat());
    for path in ["", "/median/1", "/runs/1"] {
        let at = |name: &str| figure(&report, &format!("{path}/{name}"));
        assert!((at("groups_of") - 64.0).abs() < 0.1, "{report}");
        assert!(at("durable_per_s") > 0.0 && at("group_p50_ms") > 0.0, "{report}");
        assert!(at("group_p50_ms") <= at("group_p99_ms"), "{report}");
        assert!((1.0..=64.0).contains(&at("mean_group")), "{report}");
        assert!(at("refusals") + at("errors") < 0.1, "{report}");
    }
    verify_is_clean(&folder.path().join("bank.db"));
    let (code, _, error) = told(&run(&["bench", "engine", "--accounts", "100", "--database", &database]));
    assert_eq!(code, 3, "{error}");
    assert!(error.contains("exists"), "{error}");
}

#[test]
fn it_reports_the_mix_over_http_beside_a_server_that_does_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite:{}", folder.path().join("bank.db").display());
    let options = ["--accounts", "100", "--rounds", "1", "--sessions", "100", "--json", "--database", &database];
    let report = report(&[&["bench", "http", "--seconds", "1", "--connections", "4"], &options[..]].concat());
    for path in ["/runs/0", "/median/0"] {
        let at = |name: &str| figure(&report, &format!("{path}/{name}"));
        assert!((at("connections") - 4.0).abs() < 0.1, "{report}");
        assert!(at("requests_per_s") > at("durable_per_s") && at("durable_per_s") > 0.0, "{report}");
        assert!((at("ratio") - at("requests_per_s") / at("baseline_per_s")).abs() < 0.01, "{report}");
        assert!(at("p50_ms") <= at("p99_ms") && at("p99_ms") <= at("p999_ms"), "{report}");
        assert!(at("refusals") + at("errors") < 0.1, "{report}");
    }
    figure(&report, "/bytes_per_session");
    verify_is_clean(&folder.path().join("bank.db"));
}

#[test]
fn it_reports_the_mix_on_a_database_server_beside_pgbench_and_on_two_hosts() {
    let server = Cluster::with(Files::Fast, &["max_connections=100"]);
    let url = server.url("postgres");
    let options = ["--accounts", "100", "--rounds", "1", "--sessions", "0", "--pgbench-scale", "1", "--json"];
    let options = [&options[..], &["--seconds", "1", "--connections", "4", "--database", &url]].concat();
    let report = report(&[&["bench", "http"], &options[..]].concat());
    let best = (0..3).map(|at| figure(&report, &format!("/pgbench/runs/{at}/transactions_per_s"))).fold(0.0, f64::max);
    assert!((figure(&report, "/pgbench/best_per_s") - best).abs() < 0.1 && best > 0.0, "{report}");
    let times = figure(&report, "/median/0/durable_per_s") / best;
    assert!((figure(&report, "/pgbench/times") - times).abs() < 0.01, "{report}");
    for path in ["/runs/0", "/two_hosts/0", "/two_hosts_median/0"] {
        assert!(figure(&report, &format!("{path}/durable_per_s")) > 0.0, "{report}");
        assert!(figure(&report, &format!("{path}/errors")) < 0.1, "{report}");
    }
    let left = "SELECT (SELECT count(*) FROM pg_tables WHERE tablename LIKE 'pgbench%')
                     + (SELECT count(*) FROM pg_namespace WHERE nspname LIKE '%pgbench%')";
    assert_eq!(server.sql("postgres", left), "0", "it leaves nothing behind");
}

#[test]
fn it_reports_withdrawals_at_terminals() {
    let report = report(&["bench", "terminal", "--terminals", "2", "--seconds", "6", "--json"]);
    assert!(figure(&report, "/visits") > 1.9 && figure(&report, "/wrong") < 0.1, "{report}");
    for times in ["machine", "log_in", "counting_out", "presenting"] {
        let at = |name: &str| figure(&report, &format!("/{times}/{name}"));
        assert!(at("p50_ms") > 0.0 && at("p50_ms") <= at("p99_ms"), "{report}");
    }
    assert!(figure(&report, "/host_cpu_s") > 0.0, "{report}");
}

#[test]
fn it_says_how_to_allow_more_connections_than_there_may_be_files() {
    let (code, _, error) = told(&run(&["bench", "http", "--connections", "4000000000"]));
    assert_eq!(code, 2, "{error}");
    assert!(error.contains("ulimit -n"), "{error}");
}
