//! The README's walk-through, run from the README's own text.

use std::process::Command;

use crate::support::Demo;
use crate::support::control::Control;
use crate::support::process::{finish, told, verify_is_clean};

const MARK: &str = "<!-- test: walk-through -->";

/// The shell blocks that follow a mark, in order.
fn blocks(text: &str) -> Vec<&str> {
    let after = text.split(MARK).skip(1);
    after.filter_map(|part| part.split_once("```sh\n")?.1.split_once("```").map(|(block, _)| block)).collect()
}

#[test]
fn it_runs_as_the_readme_says() {
    let readme = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md");
    let text = std::fs::read_to_string(&readme).unwrap_or_else(|error| panic!("README.md: {error}"));
    let blocks = blocks(&text);
    assert!(!blocks.is_empty(), "no ```sh block follows {MARK}");
    let script = blocks.join("\n");
    for command in ["curl", "/api/sessions", "/balance", "/withdraw", "/transactions", "DELETE"] {
        assert!(script.contains(command), "the walk-through shows a whole visit, so it has {command}");
    }
    let folder = tempfile::tempdir().unwrap();
    let mut demo = Demo::start_in(folder.path());
    let control = Control::of_demo(demo.process(), "ATM901");
    // Every line has to succeed, and `--fail` makes curl say so when the host answers with an error.
    let script = format!("set -euo pipefail\ncurl() {{ command curl --fail-with-body \"$@\"; }}\n{script}");
    let script = script.replace("http://127.0.0.1:8080", &demo.url()).replace("http://127.0.0.1:43805", control.url());
    let (code, out, error) = told(&finish(Command::new("bash").args(["-c", &script]).current_dir(folder.path())));
    assert_eq!(code, 0, "{script}\n{out}\n{error}");
    assert!(out.contains("\"balance\":") && out.contains("\"transaction_id\":"), "{out}");
    assert!(out.contains("Withdrawal    $80.00") && out.contains("Balance       $1,920.00"), "{out}");
    drop(demo);
    verify_is_clean(&folder.path().join("bank.db"));
}

#[test]
fn it_finds_the_marked_blocks() {
    let text = format!("```sh\nno\n```\n{MARK}\n```sh\none\n```\ntext\n{MARK}\n\n```sh\ntwo\n```\n```sh\nno\n```\n");
    assert_eq!(blocks(&text), ["one\n", "two\n"]);
}
