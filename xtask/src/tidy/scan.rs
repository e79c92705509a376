//! Splits Rust text into code, comments and literals.
//!
//! It knows just enough of the language for that: nested comments, raw and byte strings, characters against lifetimes.
//! Code keeps its lines; what was a comment or the inside of a literal is blank in it.

/// A text, split.
#[derive(Debug, Default)]
pub(super) struct Scanned {
    /// The text with comments and the insides of literals blanked; same lines.
    pub(super) code: String,
    /// Line (from 1) and text of every comment; a block comment gives one per line.
    pub(super) comments: Vec<(usize, String)>,
    /// Line (from 1) on which it begins, and inside, of every string literal.
    pub(super) literals: Vec<(usize, String)>,
}

/// Splits `text`. Text that does not compile gives some split, never a panic.
pub(super) fn scan(text: &str) -> Scanned {
    let mut scanner = Scanner { chars: text.chars().collect(), at: 0, line: 1, out: Scanned::default() };
    while let Some(next) = scanner.peek(0) {
        match (next, scanner.peek(1)) {
            ('/', Some('/')) => scanner.line_comment(),
            ('/', Some('*')) => scanner.block_comment(),
            ('"', _) => scanner.string(),
            ('r', _) if scanner.raw_hashes().is_some() => scanner.raw_string(),
            ('\'', _) => scanner.character_or_lifetime(),
            (_, _) => scanner.keep(),
        }
    }
    scanner.out
}

struct Scanner {
    chars: Vec<char>,
    at: usize,
    line: usize,
    out: Scanned,
}

impl Scanner {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }

    /// Takes one character as code.
    fn keep(&mut self) {
        let Some(next) = self.peek(0) else { return };
        self.out.code.push(next);
        self.step(next);
    }

    /// Takes one character as something else; the code gets a blank, or the line's end.
    fn blank(&mut self) -> Option<char> {
        let next = self.peek(0)?;
        self.out.code.push(if next == '\n' { '\n' } else { ' ' });
        self.step(next);
        Some(next)
    }

    fn step(&mut self, taken: char) {
        self.at += 1;
        self.line += usize::from(taken == '\n');
    }

    fn line_comment(&mut self) {
        let line = self.line;
        let mut text = String::new();
        while self.peek(0).is_some_and(|next| next != '\n') {
            text.extend(self.blank());
        }
        self.out.comments.push((line, text));
    }

    fn block_comment(&mut self) {
        let first = self.line;
        let mut text = String::new();
        let mut depth = 0;
        while let Some(next) = self.peek(0) {
            let change = match (next, self.peek(1)) {
                ('/', Some('*')) => 1,
                ('*', Some('/')) => -1,
                (_, _) => 0,
            };
            text.extend(self.blank());
            if change != 0 {
                text.extend(self.blank());
                depth += change;
            }
            if depth == 0 {
                break;
            }
        }
        self.out.comments.extend(text.lines().enumerate().map(|(index, line)| (first + index, line.to_owned())));
    }

    fn string(&mut self) {
        let line = self.line;
        let mut text = String::new();
        self.keep();
        while let Some(next) = self.peek(0) {
            if next == '"' {
                self.keep();
                break;
            }
            text.extend(self.blank());
            if next == '\\' {
                text.extend(self.blank());
            }
        }
        self.out.literals.push((line, text));
    }

    /// The number of `#` if a raw string begins here.
    fn raw_hashes(&self) -> Option<usize> {
        let before = self.at.checked_sub(1).and_then(|at| self.chars.get(at));
        // In `br"…"` and `cr"…"` the letter before belongs to the literal.
        let inside_a_word = before.is_some_and(|before| is_word(*before) && !matches!(before, 'b' | 'c'));
        let hashes = self.chars[self.at + 1..].iter().take_while(|next| **next == '#').count();
        (!inside_a_word && self.peek(1 + hashes) == Some('"')).then_some(hashes)
    }

    fn raw_string(&mut self) {
        let Some(hashes) = self.raw_hashes() else {
            return;
        };
        let line = self.line;
        let mut text = String::new();
        for _ in 0..hashes + 2 {
            self.keep();
        }
        let ends_here =
            |scanner: &Self| scanner.peek(0) == Some('"') && (1..=hashes).all(|ahead| scanner.peek(ahead) == Some('#'));
        while self.peek(0).is_some() && !ends_here(self) {
            text.extend(self.blank());
        }
        for _ in 0..=hashes {
            self.keep();
        }
        self.out.literals.push((line, text));
    }

    fn character_or_lifetime(&mut self) {
        let is_character = self.peek(1) == Some('\\') || self.peek(2) == Some('\'');
        self.keep();
        if !is_character {
            return;
        }
        if self.blank() == Some('\\') {
            self.blank();
        }
        while self.peek(0).is_some_and(|next| next != '\'') {
            self.blank();
        }
        self.keep();
    }
}

/// Whether this character can stand in an identifier.
pub(super) fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_separates_code_comments_and_literals() {
        let text = "let a = \"x // y\"; // why \"z\"\n/* one\n/* two */ three */ let b = 1;\n";
        let scanned = scan(text);
        assert_eq!(scanned.code.lines().count(), text.lines().count());
        assert!(scanned.code.starts_with("let a = \"      \";  "), "{}", scanned.code);
        assert!(scanned.code.contains(" let b = 1;"));
        assert_eq!(scanned.literals, [(1, "x // y".to_owned())]);
        let lines: Vec<_> = scanned.comments.iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, [1, 2, 3]);
    }

    #[test]
    fn it_knows_raw_strings_escapes_characters_and_lifetimes() {
        let scanned = scan(
            r####"f(r#"a " b"#, "c \" d", b"e", br"f\", '"', '\'', '\u{41}', for_r"g"); fn h<'a>(i: &'a str) {}"####,
        );
        let literals: Vec<_> = scanned.literals.iter().map(|(_, text)| text.as_str()).collect();
        assert_eq!(literals, ["a \" b", "c \\\" d", "e", "f\\", "g"]);
        assert!(scanned.code.ends_with("fn h<'a>(i: &'a str) {}"), "{}", scanned.code);
    }

    #[test]
    fn it_survives_text_that_never_ends() {
        for text in ["\"", "r#\"", "/*", "'", "'\\", "\"\\", "r"] {
            scan(text);
        }
    }
}
