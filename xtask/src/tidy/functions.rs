//! Rules on functions: length, number and kind of parameters. Test code is free.

use super::Finding;
use super::scan::is_word;
use super::source::{Source, line_of};

const LONGEST: usize = 60;
const MOST_PARAMETERS: usize = 5;
/// Methods of other people's traits, whose parameters are not ours to choose.
const NOT_OURS: &[&str] = &["visit_bool", "serialize_bool", "record_bool", "from", "verify_server_cert"];

pub(super) fn check(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    for function in functions(&source.scanned.code) {
        if source.is_test(function.line) {
            continue;
        }
        let name = function.name;
        if function.lines > LONGEST {
            let message =
                format!("`{name}` has {} lines, at most {LONGEST}: move a step into a function", function.lines);
            findings.push(source.finding(function.line, message));
        }
        let count = function.parameters.len();
        if count > MOST_PARAMETERS && !NOT_OURS.contains(&name) {
            let message = format!(
                "`{name}` takes {count} parameters, at most {MOST_PARAMETERS}: give what belongs together a type"
            );
            findings.push(source.finding(function.line, message));
        }
        let takes_bool = function.parameters.iter().any(|parameter| is_bool(parameter));
        if takes_bool && !NOT_OURS.contains(&name) {
            let message = format!("`{name}` takes a `bool`: an enum says at the call what is meant");
            findings.push(source.finding(function.line, message));
        }
    }
    findings
}

fn is_bool(parameter: &str) -> bool {
    parameter.rsplit_once(':').is_some_and(|(_, kind)| kind.trim() == "bool")
}

struct Function<'a> {
    name: &'a str,
    line: usize,
    lines: usize,
    parameters: Vec<&'a str>,
}

fn functions(code: &str) -> Vec<Function<'_>> {
    code.match_indices("fn ")
        .filter(|(at, _)| !code[..*at].ends_with(is_word))
        .filter_map(|(at, _)| function(code, at))
        .collect()
}

/// The function whose `fn` stands at `at`; nothing for pointers to functions and for macro patterns.
fn function(code: &str, at: usize) -> Option<Function<'_>> {
    let rest = &code[at + "fn ".len()..];
    let name = &rest[..rest.find(|next: char| !is_word(next))?];
    if name.is_empty() {
        return None;
    }
    let after_name = at + "fn ".len() + name.len();
    let open =
        if code[after_name..].starts_with('<') { after_name + closing(&code[after_name..])? } else { after_name };
    if !code[open..].starts_with('(') {
        return None;
    }
    let close = open + closing(&code[open..])?;
    let parameters = split_top_level(&code[open + 1..close - 1]);
    let end = end_of_body(code, close)?;
    let line = line_of(code, at);
    Some(Function { name, line, lines: line_of(code, end) - line + 1, parameters })
}

/// Length of the bracketed part at the start of `code`, brackets included.
fn closing(code: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let mut before = ' ';
    for (offset, character) in code.char_indices() {
        depth = depth_after(depth, before, character);
        if depth == 0 {
            return Some(offset + character.len_utf8());
        }
        before = character;
    }
    None
}

fn depth_after(depth: usize, before: char, character: char) -> usize {
    match character {
        '(' | '[' | '{' | '<' => depth + 1,
        // The arrow of a return type closes nothing.
        '>' if before == '-' || before == '=' => depth,
        ')' | ']' | '}' | '>' => depth.saturating_sub(1),
        _ => depth,
    }
}

fn split_top_level(list: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut depth, mut before, mut start) = (0, ' ', 0);
    for (offset, character) in list.char_indices() {
        if character == ',' && depth == 0 {
            parts.push(&list[start..offset]);
            start = offset + 1;
        }
        depth = depth_after(depth, before, character);
        before = character;
    }
    parts.push(&list[start..]);
    parts.retain(|part| !part.trim().is_empty());
    parts
}

/// Offset of the closing brace of the body, or of the semicolon of a declaration without one.
fn end_of_body(code: &str, from: usize) -> Option<usize> {
    let mut depth = 0_usize;
    for (offset, character) in code[from..].char_indices() {
        match character {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' => depth = depth.saturating_sub(1),
            '}' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return Some(from + offset);
                }
            }
            ';' if depth == 0 => return Some(from + offset),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::tests::check_snippet;

    const FILE: &str = "crates/host/src/x.rs";

    #[test]
    fn it_finds_a_function_that_is_too_long() {
        let body = |lines: usize| format!("fn long() -> [u8; 2] {{\n{}}}\n", "    a();\n".repeat(lines));
        check_snippet(FILE, &body(58), &[]);
        check_snippet(FILE, &body(59), &[(2, "`long` has 61 lines")]);
        check_snippet("crates/host/tests/x.rs", &body(200), &[]);
        let tests = format!("#[cfg(test)]\nmod tests {{\n{}}}\n", body(200));
        check_snippet(FILE, &tests, &[]);
    }

    #[test]
    fn it_finds_too_many_parameters() {
        check_snippet(FILE, "fn five(a: A, b: B<C, D>, e: impl Fn(F, G) -> H, i: (J, K), l: L) {}\n", &[]);
        check_snippet(
            FILE,
            "fn six<T>(\n    a: A,\n    b: B,\n    c: C,\n    d: D,\n    e: E,\n    f: T,\n);\n",
            &[(2, "6 parameters")],
        );
        check_snippet(FILE, "fn with_bound<F: Fn(A, B) -> C>(a: F) -> Vec<u8> { a() }\n", &[]);
    }

    #[test]
    fn it_finds_a_bool_parameter() {
        check_snippet(FILE, "fn pay(offline: bool) {}\n", &[(2, "takes a `bool`")]);
        check_snippet(FILE, "fn pays(a: A) -> bool { true }\n", &[]);
        check_snippet(FILE, "fn filter(keep: impl Fn(u8) -> bool, by: fn(bool) -> u8) {}\n", &[]);
    }
}
