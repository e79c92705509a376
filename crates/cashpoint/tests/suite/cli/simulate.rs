//! `cashpoint simulate`: a page of what happened; the same seed, the same lines.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::Pid;

use crate::support::deadline::Deadline;
use crate::support::process::{cashpoint, finish_within, told};

const WITHIN: Duration = Duration::from_secs(180);

#[track_caller]
fn simulate(arguments: &[&str]) -> String {
    let (code, out, error) = told(&finish_within(cashpoint().arg("simulate").args(arguments), WITHIN));
    assert_eq!(code, 0, "{out}\n{error}");
    out
}

/// Starts a run; it waits for Ctrl-C when this returns.
#[track_caller]
fn begun(command: &mut Command) -> Child {
    let running = command.spawn().unwrap();
    let waits = || {
        let status = std::fs::read_to_string(format!("/proc/{}/status", running.id())).unwrap();
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap().trim().to_owned();
        u64::from_str_radix(&caught, 16).unwrap() & 2 != 0
    };
    Deadline::after(WITHIN).wait(|| waits().then_some(())).expect("it waits for Ctrl-C");
    running
}

#[test]
fn it_says_what_happened() {
    let out = simulate(&["--seed", "5", "--seeds", "2", "--machines", "2", "--visits", "5"]);
    for line in ["2 towns, 20 visits: 0.20 terminal-days", "seeds 5 to 6", "nothing was wrong", "cash paid online"] {
        assert!(out.contains(line), "{line:?} is not in\n{out}");
    }
}

#[test]
fn it_shows_a_run_as_a_page_and_leaves_faults_away() {
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("run.html");
    let few = ["--seed", "11", "--seeds", "1", "--machines", "2", "--visits", "8", "--without", "devices,host-deaths"];
    let out = simulate(&[&few[..], &["--report", report.to_str().unwrap()]].concat());
    assert!(out.contains("never reached") && out.contains("device fault waiting; "), "{out}");
    let page = std::fs::read_to_string(&report).unwrap();
    assert_eq!(page.matches("<svg").count(), 2, "{page}");
    for part in ["Machines that serve", "Money at risk", "open cases", "Nothing was wrong", "<td>visits<td>16"] {
        assert!(page.contains(part), "{part:?} is not in\n{page}");
    }
    assert!(!page.contains("http") && !page.contains("<script"), "{page}");
}

#[test]
fn it_compares_policies_for_machines_that_are_cut_off() {
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("policies.html");
    // Three machines with leases of 5,000 each ask for more than the bank has for all of them.
    let few = ["--policies", "--seed", "3", "--seeds", "1", "--machines", "3", "--visits", "24", "--report"];
    let out = simulate(&[&few[..], &[report.to_str().unwrap()]].concat());
    let page = std::fs::read_to_string(&report).unwrap();
    for part in ["refuse", "cash, lease of 5,000", "served in an hour"] {
        assert!(out.contains(part) && page.contains(part), "{part:?}: {out}\n{page}");
    }
    assert!(page.contains("<svg") && !page.contains("http"), "{page}");
}

#[test]
fn it_says_at_once_where_no_report_can_be_written_and_leaves_the_last_one_alone() {
    let folder = tempfile::tempdir().unwrap();
    let away = folder.path().join("away/run.html");
    let tried = |report: &Path| told(&finish_within(cashpoint().arg("simulate").arg("--report").arg(report), WITHIN));
    let (code, out, error) = tried(&away);
    assert_eq!((code, out.as_str()), (3, ""), "{error}");
    let said = format!("cashpoint: the report cannot be written to {}: No such file", away.display());
    assert!(error.starts_with(&said), "{error}");

    let last = folder.path().join("run.html");
    std::fs::write(&last, "an earlier run").unwrap();
    let mut running = begun(cashpoint().args(["simulate", "--minutes", "60", "--report"]).arg(&last));
    running.kill().unwrap();
    running.wait().unwrap();
    assert_eq!(std::fs::read_to_string(&last).unwrap(), "an earlier run");
}

#[test]
fn it_says_nothing_to_whoever_reads_no_more_and_why_it_cannot_write() {
    let few = ["simulate", "--seed", "7", "--seeds", "1", "--machines", "1", "--visits", "3"];
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let (code, _, error) = told(&cashpoint().args(few).stdout(writer).output().unwrap());
    assert_eq!((code, error.as_str()), (3, ""));
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let (code, _, error) = told(&cashpoint().args(few).stdout(full).output().unwrap());
    assert!(code == 3 && error.starts_with("cashpoint: standard output: No space left"), "{code}: {error}");
}

#[test]
fn it_ends_with_the_town_that_is_under_way_when_it_is_interrupted() {
    let few = ["simulate", "--seed", "7", "--minutes", "60", "--machines", "1", "--visits", "3"];
    let running = begun(cashpoint().args(few).stdout(Stdio::piped()).stderr(Stdio::piped()));
    rustix::process::kill_process(Pid::from_child(&running), rustix::process::Signal::INT).unwrap();
    let (code, out, error) = told(&running.wait_with_output().unwrap());
    assert_eq!(code, 0, "{error}");
    assert!(error.contains("Ctrl-C again ends it at once"), "{error}");
    assert!(out.contains("terminal-days") && out.contains("nothing was wrong"), "{out}");
}

#[test]
fn the_same_seed_gives_the_same_lines() {
    let traced = || simulate(&["--seed", "7", "--machines", "2", "--visits", "5", "--trace"]);
    let (one, other) = (traced(), traced());
    let seen =
        |text: &str| text.lines().take_while(|line| !line.contains("towns,")).map(str::to_owned).collect::<Vec<_>>();
    assert!(seen(&one).len() > 100, "{one}");
    assert_eq!(seen(&one), seen(&other));
}
