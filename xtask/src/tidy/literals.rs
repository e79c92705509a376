//! Rules on what stands inside string literals: SQL, and paths of somebody's machine.

use super::Finding;
use super::source::Source;

/// The stores and the terminal's journal, where SQL is at home.
const STORES: [&str; 2] = ["crates/bank/src/store", "crates/terminal/src/journal"];
/// How SQL statements begin.
const STATEMENTS: &[&str] = &["SELECT ", "INSERT INTO", "INSERT OR ", "DELETE FROM", "CREATE TABLE", "PRAGMA "];
const MACHINE_PATHS: &[&str] = &["/root/", "/work/", "/home/", "/tmp/"];

pub(super) fn check(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    // The rules themselves name what they look for.
    if source.path.starts_with("xtask/src/tidy") {
        return findings;
    }
    let shipped = source.scanned.literals.iter().filter(|(line, _)| !source.is_test(*line));
    for (line, text) in shipped {
        if !STORES.iter().any(|store| source.path.starts_with(store)) && is_sql(text) {
            findings.push(source.finding(*line, "SQL outside a store: ask the store".to_owned()));
        }
        if let Some(path) = machine_path(text, MACHINE_PATHS) {
            findings.push(source.finding(*line, format!("`{path}…` is a path of one machine: take it as an argument")));
        }
    }
    findings
}

/// Documents, scripts and configuration: no path of the machine they were written on.
pub(super) fn machine_paths_in_text(file: &str, text: &str) -> Vec<Finding> {
    let found = text.lines().enumerate().filter_map(|(index, line)| {
        let path = machine_path(line, &["/root/", "/work/", "/home/"])?;
        let message = format!("`{path}…` is a path of one machine");
        Some(Finding { file: file.to_owned(), line: index + 1, message })
    });
    found.collect()
}

fn is_sql(text: &str) -> bool {
    let updates = text.split_once("UPDATE ").is_some_and(|(_, rest)| rest.contains(" SET "));
    updates || STATEMENTS.iter().any(|statement| text.contains(statement))
}

/// The path that begins in `text`; not where it is the middle of a longer one.
fn machine_path<'a>(text: &str, paths: &[&'a str]) -> Option<&'a str> {
    let begins = |path: &str| {
        text.match_indices(path)
            .any(|(at, _)| !text[..at].ends_with(|before: char| before.is_alphanumeric() || "._-*~}".contains(before)))
    };
    paths.iter().copied().find(|path| begins(path))
}

#[cfg(test)]
mod tests {
    use super::super::tests::check_snippet;
    use super::*;

    const HOST: &str = "crates/host/src/x.rs";

    #[test]
    fn it_finds_sql_outside_the_stores() {
        for sql in [
            "SELECT a FROM b",
            "INSERT INTO a VALUES (1)",
            "UPDATE a SET b = 1",
            "DELETE FROM a",
            "PRAGMA user_version",
        ] {
            let code = format!("const SQL: &str = \"{sql}\";\n");
            check_snippet(HOST, &code, &[(2, "SQL outside")]);
            check_snippet("crates/bank/src/store/sqlite.rs", &code, &[]);
            check_snippet("crates/cashpoint/tests/x.rs", &code, &[]);
        }
        check_snippet(HOST, "const A: &str = \"select an amount\";\nconst B: &str = \"UPDATE later\";\n", &[]);
    }

    #[test]
    fn it_finds_paths_of_one_machine() {
        check_snippet(HOST, "const A: &str = \"/tmp/bank.db\";\n", &[(2, "`/tmp/…`")]);
        check_snippet(HOST, "const A: &str = r\"/root/x\";\n", &[(2, "`/root/…`")]);
        check_snippet(HOST, "const A: &str = \"/api/tmp/x\";\n", &[]);
        check_snippet("crates/host/tests/x.rs", "const A: &str = \"/tmp/x\";\n", &[]);
        let found = machine_paths_in_text("docs/x.md", "fine\nsee /home/me/notes\nhttps://a.example/home/x\n");
        assert_eq!(found.iter().map(|finding| finding.line).collect::<Vec<_>>(), [2]);
    }
}
