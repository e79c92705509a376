//! The house rules that no compiler knows, checked (STYLE.md gives their reasons).
//!
//! It reads the text of the tree and `cargo metadata`; it does not parse Rust. A scanner separates code, comments and
//! literals, and the rules look at one of the three, so that a word in a comment is not taken for a call. What clippy
//! or the compiler can say (`unsafe`, `_ =>`, printing) is left to them.

mod edges;
mod functions;
mod links;
mod literals;
mod scan;
mod shape;
mod source;
mod words;

use std::fmt;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use source::Source;

/// One place that breaks one rule.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    /// Path from the workspace root.
    pub(crate) file: String,
    /// Line, from 1.
    pub(crate) line: usize,
    /// What is wrong, and what to do instead.
    pub(crate) message: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}: {}", self.file, self.line, self.message)
    }
}

/// Checks the whole tree under `root`; findings by file and line.
pub(crate) fn check(root: &Path) -> Result<Vec<Finding>> {
    let mut files = Vec::new();
    collect(root, root, &mut files)?;
    let test_only = source::test_only_files(&files);

    let mut findings = edges::check(root)?;
    for (path, text) in &files {
        if path.ends_with(".rs") {
            findings.extend(check_source(&Source::new(path, text, &test_only)));
        } else {
            findings.extend(literals::machine_paths_in_text(path, text));
        }
        if path.ends_with(".md") {
            findings.extend(links::check(root, path, text));
        }
        if path.ends_with("Cargo.toml") {
            findings.extend(edges::check_manifest(path, text));
        }
    }
    findings.sort();
    Ok(findings)
}

fn check_source(source: &Source) -> Vec<Finding> {
    let mut findings = shape::check(source);
    findings.extend(functions::check(source));
    findings.extend(words::check(source));
    findings.extend(literals::check(source));
    findings
}

/// Path (from the root, with `/`) and text of every file that somebody wrote.
fn collect(root: &Path, folder: &Path, files: &mut Vec<(String, String)>) -> Result<()> {
    const WRITTEN: &[&str] = &["rs", "md", "toml", "sql", "sh", "html", "css", "js"];
    let listing = fs::read_dir(folder).with_context(|| format!("listing {}", folder.display()))?;
    for entry in listing {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() {
            let not_ours = name.starts_with('.') || name == "target" || name.starts_with("cashpoint-data");
            if !not_ours {
                collect(root, &path, files)?;
            }
            continue;
        }
        let written = path.extension().is_none_or(|extension| WRITTEN.iter().any(|known| extension == *known));
        if let (true, Ok(text)) = (written, fs::read_to_string(&path)) {
            let inside = path.strip_prefix(root).context("a listed file lies in the folder listed")?;
            files.push((inside.to_string_lossy().into_owned(), text));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tree_is_tidy() {
        let findings = check(&crate::process::root().unwrap()).unwrap();
        let listed: Vec<_> = findings.iter().map(Finding::to_string).collect();
        assert!(findings.is_empty(), "{} to tidy:\n{}", listed.len(), listed.join("\n"));
    }

    /// Checks `code` as the file `path`; each expectation is a line and a part of its message.
    #[track_caller]
    pub(super) fn check_snippet(path: &str, code: &str, expected: &[(usize, &str)]) {
        let text = format!("//! What it is for.\n{code}");
        let findings = check_source(&Source::new(path, &text, &[]));
        let listed: Vec<_> = findings.iter().map(Finding::to_string).collect();
        assert_eq!(findings.len(), expected.len(), "in\n{text}\nfound {listed:#?}");
        for ((line, part), finding) in expected.iter().zip(&findings) {
            assert_eq!(finding.line, *line, "{finding}");
            assert!(finding.message.contains(part), "{finding}");
        }
    }
}
