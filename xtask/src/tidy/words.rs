//! Words that must not stand in code, or only in certain places: one table.

use super::Finding;
use super::scan::is_word;
use super::source::Source;

/// Words with one rule.
struct Ban {
    words: &'static [&'static str],
    /// Paths, by how they begin, in which the rule holds.
    within: &'static [&'static str],
    /// Paths, by how they begin, that are the one place for it.
    except: &'static [&'static str],
    tests: Tests,
    instead: &'static str,
}

#[derive(PartialEq)]
enum Tests {
    Free,
    Bound,
}

const EVERYWHERE: &[&str] = &[""];
const CORE: &[&str] = &["crates/core/src/"];

const BANS: &[Ban] = &[
    Ban {
        words: &["SystemTime::now", "Timestamp::now", "Zoned::now", "UtcDateTime::now"],
        within: EVERYWHERE,
        except: &["crates/bank/src/clock"],
        tests: Tests::Bound,
        instead: "time comes in as an argument; only the bank's `Clock` asks for it",
    },
    Ban {
        words: &["Instant::now"],
        within: EVERYWHERE,
        except: &["crates/bank/src/clock", "xtask/src/process.rs"],
        tests: Tests::Free,
        instead: "time comes in as an argument; only the bank's `Clock` asks for it",
    },
    Ban {
        words: &["thread_rng", "getrandom", "OsRng", "SysRng", "rand"],
        within: EVERYWHERE,
        except: &["crates/bank/src/entropy"],
        tests: Tests::Free,
        instead: "randomness comes in as an argument; only the bank's `Entropy` asks the system",
    },
    Ban {
        words: &[".unwrap()", ".unwrap_err()"],
        within: EVERYWHERE,
        except: &[],
        tests: Tests::Free,
        instead: "`expect` with the reason it holds, or handle the error",
    },
    Ban {
        words: &["#[ignore"],
        within: EVERYWHERE,
        except: &[],
        tests: Tests::Bound,
        instead: "a test that does not run shows nothing: long versions go behind `cargo xtask soak`",
    },
    Ban {
        words: &["#[allow", "#![allow"],
        within: EVERYWHERE,
        except: &[],
        tests: Tests::Bound,
        instead: "`#[expect(lint, reason = \"…\")]`, which goes away when it is no longer needed",
    },
    Ban {
        words: &["todo!", "unimplemented!"],
        within: EVERYWHERE,
        except: &[],
        tests: Tests::Bound,
        instead: "finish it, or leave it out",
    },
    Ban {
        words: &[
            "async",
            "await",
            "serde",
            "std::time",
            "std::thread",
            "std::fs",
            "std::net",
            "std::io",
            "std::env",
            "std::process",
        ],
        within: CORE,
        except: &[],
        tests: Tests::Free,
        instead: "the core only thinks: facts, time and ids come in, a decision comes out",
    },
    Ban {
        words: &["f32", "f64"],
        within: &["crates/core/src/", "crates/wire/src/", "crates/bank/src/"],
        // It counts commands and estimates how many differ; no money passes it.
        except: &["crates/bank/src/measures.rs"],
        tests: Tests::Free,
        instead: "no floats where money is: whole minor units",
    },
    Ban {
        words: &["async", "tokio", "axum"],
        within: &["crates/bank/src/"],
        except: &["crates/bank/src/store/postgres/link"],
        tests: Tests::Free,
        instead: "the bank is synchronous: async ends at the host's queue, and in the one module that has a client in it (ADR 14)",
    },
];

/// Marks of unfinished work, looked for in comments.
const UNFINISHED: &[&str] = &["TODO", "FIXME"];

pub(super) fn check(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    let begins = |paths: &[&str]| paths.iter().any(|path| source.path.starts_with(path));
    for ban in BANS.iter().filter(|ban| begins(ban.within) && !begins(ban.except)) {
        for (line, code) in source.code_lines() {
            if ban.tests == Tests::Free && source.is_test(line) {
                continue;
            }
            let found = ban.words.iter().filter(|word| contains_word(code, word));
            findings.extend(found.map(|word| source.finding(line, format!("`{word}`: {}", ban.instead))));
        }
    }
    for (line, comment) in &source.scanned.comments {
        let found = UNFINISHED.iter().filter(|mark| contains_word(comment, mark));
        findings.extend(found.map(|mark| source.finding(*line, format!("`{mark}`: do it, or open an issue"))));
    }
    findings
}

/// Whether `word` stands in `text` and is not part of a longer word.
fn contains_word(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(at, _)| {
        let longer_before = word.starts_with(is_word) && text[..at].ends_with(is_word);
        let longer_after = word.ends_with(is_word) && text[at + word.len()..].starts_with(is_word);
        !longer_before && !longer_after
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::check_snippet;

    const HOST: &str = "crates/host/src/x.rs";
    const CORE: &str = "crates/core/src/x.rs";
    const BANK: &str = "crates/bank/src/x.rs";
    const TEST: &str = "crates/host/tests/x.rs";

    #[test]
    fn it_finds_clocks_outside_the_clock() {
        let code = "fn a() {\n    let now = SystemTime::now();\n}\n";
        check_snippet(HOST, code, &[(3, "SystemTime::now")]);
        check_snippet(TEST, code, &[(3, "SystemTime::now")]);
        check_snippet("crates/bank/src/clock.rs", code, &[]);
        check_snippet(HOST, "fn a() { jiff::Timestamp::now(); }\n", &[(2, "Timestamp::now")]);
        check_snippet(HOST, "fn a() { Instant::now(); }\n", &[(2, "Instant::now")]);
        check_snippet(TEST, "fn a() { Instant::now(); }\n", &[]);
    }

    #[test]
    fn it_finds_randomness_outside_entropy() {
        check_snippet(BANK, "fn a() { getrandom::fill(b); }\n", &[(2, "getrandom")]);
        check_snippet(HOST, "fn a() { rand::rng(); }\n", &[(2, "`rand`")]);
        check_snippet("crates/bank/src/entropy.rs", "fn a() { getrandom::fill(b); }\n", &[]);
        check_snippet(HOST, "fn operand() {}\n", &[]);
    }

    #[test]
    fn it_finds_unwrap_outside_tests() {
        check_snippet(HOST, "fn a() { b.unwrap(); }\n", &[(2, "expect")]);
        check_snippet(HOST, "fn a() { b.unwrap_or(c); }\n#[cfg(test)]\nmod tests { fn d() { e.unwrap(); } }\n", &[]);
        check_snippet(HOST, "// says .unwrap()\nconst A: &str = \".unwrap()\";\n", &[]);
    }

    #[test]
    fn it_finds_what_hides_a_problem() {
        check_snippet(TEST, "#[ignore]\nfn a() {}\n", &[(2, "does not run")]);
        check_snippet(TEST, "#[ignore = \"slow\"]\nfn a() {}\n", &[(2, "does not run")]);
        check_snippet(HOST, "#[allow(dead_code)]\nfn a() {}\n", &[(2, "expect")]);
        check_snippet(HOST, "#![allow(dead_code)]\n", &[(2, "expect")]);
        check_snippet(HOST, "fn a() { todo!() }\n", &[(2, "finish it")]);
        check_snippet(HOST, "// TODO: later\n", &[(2, "TODO")]);
        check_snippet(HOST, "/* one\n FIXME */\n", &[(3, "FIXME")]);
        check_snippet(HOST, "const A: &str = \"TODO\";\n", &[]);
    }

    #[test]
    fn it_keeps_the_core_pure() {
        for code in ["async fn a() {}\n", "use serde::Serialize;\n", "use std::time::Duration;\n", "use std::thread;\n"]
        {
            check_snippet(CORE, code, &[(2, "only thinks")]);
        }
        check_snippet(CORE, "// async, serde, f64\nfn asynchronous() {}\n", &[]);
        check_snippet(HOST, "async fn a() {}\nuse serde::Serialize;\nuse std::time::Duration;\n", &[]);
    }

    #[test]
    fn it_finds_floats_near_money() {
        check_snippet(CORE, "fn a(b: f64) {}\n", &[(2, "no floats")]);
        check_snippet("crates/wire/src/x.rs", "fn a() { b as f32; }\n", &[(2, "no floats")]);
        check_snippet(HOST, "fn a(seconds: f64) {}\n", &[]);
    }

    #[test]
    fn it_keeps_the_bank_synchronous() {
        check_snippet(BANK, "async fn a() {}\n", &[(2, "synchronous")]);
        check_snippet(BANK, "use tokio::sync::mpsc;\n", &[(2, "synchronous")]);
    }
}
