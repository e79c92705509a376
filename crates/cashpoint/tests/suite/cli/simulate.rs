//! `cashpoint simulate`: a page of what happened; the same seed, the same lines.

use std::time::Duration;

use crate::support::process::{cashpoint, finish_within, told};

const WITHIN: Duration = Duration::from_secs(180);

#[track_caller]
fn simulate(arguments: &[&str]) -> String {
    let (code, out, error) = told(&finish_within(cashpoint().arg("simulate").args(arguments), WITHIN));
    assert_eq!(code, 0, "{out}\n{error}");
    out
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
    let few = ["--policies", "--seed", "3", "--seeds", "1", "--machines", "2", "--visits", "12", "--report"];
    let out = simulate(&[&few[..], &[report.to_str().unwrap()]].concat());
    let page = std::fs::read_to_string(&report).unwrap();
    for choice in ["refuse", "cash, lease of 5,000"] {
        assert!(out.contains(choice) && page.contains(choice), "{out}\n{page}");
    }
    assert!(page.contains("<svg") && !page.contains("http"), "{page}");
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
