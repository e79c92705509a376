//! Rules on whole files: length, opening, names of modules and types.

use super::Finding;
use super::scan::is_word;
use super::source::Source;

const LONGEST_FILE: usize = 500;
const EMPTY_NAMES: &[&str] = &["common", "types", "util", "utils", "helper", "helpers", "misc"];
const EMPTY_ENDINGS: &[&str] = &["Manager", "Service", "Helper", "Util", "Utils"];

pub(super) fn check(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    let shipped = source.shipped_lines();
    if shipped > LONGEST_FILE {
        let message = format!("{shipped} lines without tests, at most {LONGEST_FILE}: split it by idea");
        findings.push(source.finding(LONGEST_FILE + 1, message));
    }
    let opening = source.scanned.comments.first();
    let says_why = opening.is_some_and(|(line, text)| *line == 1 && text.starts_with("//!"));
    if !says_why && !source.is_test(1) {
        let message = "a file opens with `//!`: what it is for, and what it deliberately does not do";
        findings.push(source.finding(1, message));
    }
    let mut parts = source.path.trim_end_matches(".rs").split('/');
    if let Some(name) = parts.find(|part| EMPTY_NAMES.contains(part)) {
        findings.push(source.finding(1, empty_name(name)));
    }
    for (line, code) in source.code_lines() {
        findings.extend(declarations(code).into_iter().map(|message| source.finding(line, message)));
    }
    findings
}

fn empty_name(name: &str) -> String {
    format!("`{name}` says nothing: name the module for what it holds")
}

/// What is wrong with the names declared on one line.
fn declarations(code: &str) -> Vec<String> {
    let modules = declared(code, "mod").filter(|name| EMPTY_NAMES.contains(name)).map(empty_name);
    let getters = declared(code, "fn")
        .filter(|name| name.starts_with("get_"))
        .map(|name| format!("`{name}`: leave `get_` out, say what comes back"));
    let types = ["struct", "enum", "trait", "type"].into_iter().flat_map(|keyword| declared(code, keyword));
    let empty_types = types
        .filter(|name| EMPTY_ENDINGS.iter().any(|ending| name.ends_with(ending)))
        .map(|name| format!("`{name}`: its ending says nothing, name it for what it is"));
    modules.chain(getters).chain(empty_types).collect()
}

/// Names declared on this line after `keyword`.
fn declared<'a>(code: &'a str, keyword: &'a str) -> impl Iterator<Item = &'a str> {
    code.match_indices(keyword).filter_map(move |(at, _)| {
        let begins_word = !code[..at].ends_with(is_word);
        let rest = code[at + keyword.len()..].strip_prefix(' ').filter(|_| begins_word)?;
        let name = rest.split(|next: char| !is_word(next)).next()?;
        (!name.is_empty()).then_some(name)
    })
}

#[cfg(test)]
mod tests {
    use super::super::check_source;
    use super::super::tests::check_snippet;
    use super::*;

    const FILE: &str = "crates/host/src/x.rs";

    #[test]
    fn it_finds_a_file_that_is_too_long_without_its_tests() {
        let line = "const A: u8 = 1;\n";
        check_snippet(FILE, &line.repeat(499), &[]);
        check_snippet(FILE, &line.repeat(500), &[(501, "501 lines")]);
        let tests = format!("#[cfg(test)]\nmod tests {{\n{}}}\n", line.repeat(600));
        check_snippet(FILE, &(line.repeat(400) + &tests), &[]);
        check_snippet("crates/host/tests/x.rs", &line.repeat(600), &[]);
    }

    #[test]
    fn it_finds_a_file_without_a_module_doc() {
        let source = Source::new(FILE, "// note\nfn a() {}\n", &[]);
        assert_eq!(check_source(&source).len(), 1);
    }

    #[test]
    fn it_finds_names_that_say_nothing() {
        check_snippet(FILE, "pub mod util {}\n", &[(2, "`util`")]);
        check_snippet("crates/host/tests/common/mod.rs", "", &[(1, "`common`")]);
        check_snippet("crates/host/src/types.rs", "", &[(1, "`types`")]);
        check_snippet(FILE, "struct AccountManager;\n", &[(2, "Manager")]);
        check_snippet(FILE, "fn get_balance() {}\n", &[(2, "get_")]);
        check_snippet(FILE, "mod utility_bill {}\nfn target_of() {}\nstruct Managers;\n", &[]);
    }
}
