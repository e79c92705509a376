//! One Rust file as the rules see it: split by the scanner, and each line known as shipped or test code.

use super::Finding;
use super::scan::{self, Scanned, is_word};

/// A Rust file.
pub(super) struct Source {
    /// Path from the workspace root, with `/`.
    pub(super) path: String,
    /// Its text, split.
    pub(super) scanned: Scanned,
    /// For each line whether it is compiled for tests only.
    is_test: Vec<bool>,
}

impl Source {
    /// `test_only`: files that are modules under `#[cfg(test)]`, from [`test_only_files`].
    pub(super) fn new(path: &str, text: &str, test_only: &[String]) -> Self {
        let scanned = scan::scan(text);
        let mut is_test = vec![is_test_path(path) || test_only.iter().any(|file| file == path); text.lines().count()];
        for (from, to) in test_items(&scanned.code) {
            let lines = line_of(&scanned.code, from) - 1..line_of(&scanned.code, to);
            is_test[lines].fill(true);
        }
        Self { path: path.to_owned(), scanned, is_test }
    }

    /// Whether this line (from 1) is compiled for tests only.
    pub(super) fn is_test(&self, line: usize) -> bool {
        self.is_test.get(line - 1).copied().unwrap_or(false)
    }

    /// Number of lines that are shipped.
    pub(super) fn shipped_lines(&self) -> usize {
        self.is_test.iter().filter(|is_test| !**is_test).count()
    }

    /// Lines of code, from 1.
    pub(super) fn code_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.scanned.code.lines().enumerate().map(|(index, line)| (index + 1, line))
    }

    /// A finding in this file.
    pub(super) fn finding(&self, line: usize, message: impl Into<String>) -> Finding {
        Finding { file: self.path.clone(), line, message: message.into() }
    }
}

/// Tests and benchmarks of a crate, and modules named for tests.
fn is_test_path(path: &str) -> bool {
    let stem = path.rsplit('/').next().unwrap_or(path).trim_end_matches(".rs");
    path.split('/').any(|part| part == "tests" || part == "benches") || stem == "tests" || stem.ends_with("_tests")
}

/// Files that are compiled for tests only because their module is declared under `#[cfg(test)]` in another file.
pub(super) fn test_only_files(files: &[(String, String)]) -> Vec<String> {
    let mut found = Vec::new();
    for (path, text) in files.iter().filter(|(path, _)| path.ends_with(".rs")) {
        let code = scan::scan(text).code;
        let (folder, file) = path.rsplit_once('/').unwrap_or((".", path));
        // lib.rs, main.rs and mod.rs keep their modules beside them, every other file in a folder of its own name.
        let modules = match file {
            "lib.rs" | "main.rs" | "mod.rs" => folder.to_owned(),
            _ => path.trim_end_matches(".rs").to_owned(),
        };
        for (from, to) in test_items(&code) {
            let item = code[from..to].trim_end_matches(';');
            if let Some((_, name)) = item.rsplit_once("mod ").filter(|(_, name)| name.chars().all(is_word)) {
                found.push(format!("{modules}/{name}.rs"));
                found.push(format!("{modules}/{name}/mod.rs"));
            }
        }
    }
    found
}

/// Byte spans of the items under `#[cfg(test)]`.
fn test_items(code: &str) -> Vec<(usize, usize)> {
    let mut spans = Vec::new();
    let mut at = 0;
    while let Some(found) = code[at..].find("#[cfg(") {
        let start = at + found;
        let condition = &code[start + "#[cfg(".len()..];
        at = start + "#[cfg(".len();
        if condition.starts_with("test)") || condition.starts_with("all(test") {
            at = end_of_item(code, start);
            spans.push((start, at));
        }
    }
    spans
}

/// The end of the item that begins at `start`: its closing brace, or its semicolon if it has no braces.
fn end_of_item(code: &str, start: usize) -> usize {
    let mut depth = 0_usize;
    let mut braces = false;
    for (offset, character) in code[start..].char_indices() {
        match character {
            '(' | '[' => depth += 1,
            '{' => {
                depth += 1;
                braces = true;
            }
            ')' | ']' => depth = depth.saturating_sub(1),
            '}' => {
                depth = depth.saturating_sub(1);
                if depth == 0 && braces {
                    return start + offset + 1;
                }
            }
            ';' if depth == 0 => return start + offset + 1,
            _ => {}
        }
    }
    code.len()
}

/// The line (from 1) of a byte offset.
pub(super) fn line_of(code: &str, offset: usize) -> usize {
    code[..offset].matches('\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_knows_which_lines_are_tests() {
        let text = "fn a() {}\n#[cfg(test)]\nuse b::{c, d};\nfn e() {}\n#[cfg(test)]\nmod tests {\n    fn f() {}\n}\n";
        let source = Source::new("crates/core/src/x.rs", text, &[]);
        let tests: Vec<_> = (1..=8).filter(|line| source.is_test(*line)).collect();
        assert_eq!(tests, [2, 3, 5, 6, 7, 8]);
        assert_eq!(source.shipped_lines(), 2);
    }

    #[test]
    fn it_finds_modules_that_are_declared_for_tests() {
        let files = [("crates/core/src/lib.rs".to_owned(), "#[cfg(test)]\nmod model;\nmod money;\n".to_owned())];
        let found = test_only_files(&files);
        assert!(found.contains(&"crates/core/src/model.rs".to_owned()), "{found:?}");
        assert!(!found.iter().any(|file| file.contains("money")), "{found:?}");
    }

    #[test]
    fn it_takes_whole_files_under_tests_for_tests() {
        assert!(Source::new("crates/host/tests/rest/main.rs", "fn a() {}\n", &[]).is_test(1));
        assert!(Source::new("crates/core/src/decide/withdraw_tests.rs", "fn a() {}\n", &[]).is_test(1));
        assert!(!Source::new("crates/core/src/decide/withdraw.rs", "fn a() {}\n", &[]).is_test(1));
    }
}
