//! Links between the project's documents: each must lead to a file that exists.
//!
//! Addresses on the network are not looked up.

use std::path::Path;

use super::Finding;

/// Checks every relative `](target)` of one document.
pub(super) fn check(root: &Path, file: &str, text: &str) -> Vec<Finding> {
    let folder = Path::new(file).parent().unwrap_or(Path::new(""));
    let mut findings = Vec::new();
    for (index, line) in text.lines().enumerate() {
        for piece in line.split("](").skip(1) {
            let target = piece.split([')', '#', ' ']).next().unwrap_or_default();
            let elsewhere = target.is_empty() || target.contains(':');
            if !elsewhere && !root.join(folder).join(target).exists() {
                let message = format!("the link leads to {target}, which does not exist");
                findings.push(Finding { file: file.to_owned(), line: index + 1, message });
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_finds_a_link_that_leads_nowhere() {
        let root = crate::process::root().unwrap();
        let text = "[a](Cargo.toml) [b](xtask/src)\n[c](no-such-file.md#part)\n[d](https://example.org/x) [e](#here)\n";
        let found = check(&root, "X.md", text);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].line, found[0].message.contains("no-such-file.md")), (2, true));
    }
}
