//! `--help`, `completions`, `man`

use expect_test::expect_file;

use crate::support::process::told;
use crate::support::run;

#[test]
fn it_explains_every_command_with_examples() {
    for words in [
        "",
        "demo",
        "tour",
        "host",
        "devices",
        "terminal",
        "terminal enrol",
        "operator",
        "operator add",
        "operator load-keys",
        "verify",
        "migrate",
        "copy",
        "archive",
        "bench",
        "bench http",
        "bench engine",
        "bench terminal",
        "simulate",
        "completions",
        "man",
    ] {
        let arguments: Vec<&str> = words.split_whitespace().chain(["--help"]).collect();
        let (code, out, error) = told(&run(&arguments));
        assert_eq!((code, error.as_str()), (0, ""), "{words} --help");
        let name = if words.is_empty() { "cashpoint".to_owned() } else { words.replace(' ', "-") };
        if !matches!(words, "operator" | "bench") {
            assert!(out.contains("Example") || out.contains("Try it"), "{words} --help shows no example:\n{out}");
        }
        expect_file![format!("help/{name}.txt")].assert_eq(&out);
    }
}

#[test]
fn it_writes_completions_and_a_manual_page() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let (code, out, _) = told(&run(&["completions", shell]));
        assert_eq!(code, 0, "{shell}");
        assert!(out.contains("cashpoint") && out.contains("tour"), "{shell}:\n{out}");
    }
    let (code, out, _) = told(&run(&["man"]));
    assert_eq!(code, 0);
    assert!(out.contains(".TH") && out.contains("cashpoint"), "{out}");
    let (code, out, _) = told(&run(&["--version"]));
    assert_eq!((code, out.as_str()), (0, concat!("cashpoint ", env!("CARGO_PKG_VERSION"), "\n")));
}
