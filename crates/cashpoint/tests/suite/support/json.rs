//! JSON as it stands on the wire, and patterns of it.
//!
//! Numbers keep their text, because `900.0` and `900.00` are different answers; an object that names a member twice is an
//! error. A pattern is JSON too: texts in angle brackets stand for kinds of values ([`Kind`]), a member whose name ends
//! in `?` may be missing, and a list that ends in `"..."` holds any number of its first element. Everything else has to
//! be there exactly, and nothing more.

use std::fmt;

/// A JSON value; numbers are their text.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Json {
    /// `null`
    Null,
    /// `true`, `false`
    Bool(bool),
    /// A number, as it was written.
    Number(String),
    /// A text, unescaped.
    Text(String),
    /// `[…]`
    List(Vec<Json>),
    /// `{…}`, in the order written.
    Object(Vec<(String, Json)>),
}

static NOTHING: Json = Json::Null;

impl Json {
    /// Reads a whole text.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut reader = Reader { text, at: 0 };
        let value = reader.value()?;
        reader.space();
        if reader.at == text.len() { Ok(value) } else { Err(format!("more after the value: {:?}", &text[reader.at..])) }
    }

    /// The member; `null` if there is none.
    pub(crate) fn member(&self, name: &str) -> &Self {
        let Self::Object(members) = self else { return &NOTHING };
        members.iter().find(|(own, _)| own == name).map_or(&NOTHING, |(_, value)| value)
    }

    /// The value at a path such as `/accounts/0/account_id`; `null` if there is none.
    pub(crate) fn at(&self, path: &str) -> &Self {
        path.split('/').skip(1).fold(self, |value, step| {
            let Self::List(elements) = value else { return value.member(step) };
            step.parse().ok().and_then(|n: usize| elements.get(n)).unwrap_or(&NOTHING)
        })
    }

    /// This, unless it is `null`.
    pub(crate) fn some(&self) -> Option<&Self> {
        (*self != Self::Null).then_some(self)
    }

    /// The text; panics on anything else.
    #[track_caller]
    pub(crate) fn text(&self) -> &str {
        let Self::Text(text) = self else { panic!("{self} should be a text") };
        text
    }

    /// The elements; panics on anything else.
    #[track_caller]
    pub(crate) fn list(&self) -> &[Self] {
        let Self::List(elements) = self else { panic!("{self} should be a list") };
        elements
    }

    /// An amount with two decimals in cents; panics on anything else.
    #[track_caller]
    pub(crate) fn cents(&self) -> i64 {
        let Self::Number(text) = self else { panic!("{self} should be a number") };
        assert!(is_money(text), "{text} should have two decimals");
        text.replace('.', "").parse().unwrap()
    }

    /// Where this value differs from the pattern; empty if it does not.
    pub(crate) fn differences(&self, pattern: &Self) -> Vec<String> {
        let mut found = Vec::new();
        compare(self, pattern, "", &mut found);
        found
    }
}

impl fmt::Display for Json {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => formatter.write_str("null"),
            Self::Bool(value) => write!(formatter, "{value}"),
            Self::Number(text) => formatter.write_str(text),
            Self::Text(text) => write!(formatter, "{text:?}"),
            Self::List(elements) => {
                formatter.write_str("[")?;
                for (n, element) in elements.iter().enumerate() {
                    write!(formatter, "{}{element}", if n == 0 { "" } else { "," })?;
                }
                formatter.write_str("]")
            }
            Self::Object(members) => {
                formatter.write_str("{")?;
                for (n, (name, value)) in members.iter().enumerate() {
                    write!(formatter, "{}{name:?}:{value}", if n == 0 { "" } else { "," })?;
                }
                formatter.write_str("}")
            }
        }
    }
}

fn compare(value: &Json, pattern: &Json, path: &str, found: &mut Vec<String>) {
    match (value, pattern) {
        (_, Json::Text(kinds)) if kinds.starts_with('<') && kinds.ends_with('>') => {
            let kinds = &kinds[1..kinds.len() - 1];
            if !kinds.split('|').any(|kind| is_a(value, kind)) {
                found.push(format!("{path} = {value} is no {kinds}"));
            }
        }
        (Json::Object(own), Json::Object(wanted)) => {
            let named = |wanted: &str| wanted.strip_suffix('?').unwrap_or(wanted).to_owned();
            for (name, value) in own {
                match wanted.iter().find(|(wanted, _)| named(wanted) == *name) {
                    Some((_, pattern)) => compare(value, pattern, &format!("{path}/{name}"), found),
                    None => found.push(format!("{path}/{name} = {value} should not be there")),
                }
            }
            for (wanted, _) in wanted.iter().filter(|(wanted, _)| !wanted.ends_with('?')) {
                if !own.iter().any(|(name, _)| name == wanted) {
                    found.push(format!("{path}/{wanted} is missing"));
                }
            }
        }
        (Json::List(own), Json::List(wanted)) => {
            let any_number = wanted.last() == Some(&Json::Text("...".to_owned()));
            if !any_number && own.len() != wanted.len() {
                found.push(format!("{path} has {} elements instead of {}: {value}", own.len(), wanted.len()));
            }
            for (n, element) in own.iter().enumerate() {
                let Some(pattern) = (if any_number { wanted.first() } else { wanted.get(n) }) else { break };
                compare(element, pattern, &format!("{path}/{n}"), found);
            }
        }
        (value, pattern) => {
            if value != pattern {
                found.push(format!("{path} = {value} should be {pattern}"));
            }
        }
    }
}

/// Whether the value is of the kind that a pattern names in angle brackets.
fn is_a(value: &Json, kind: &str) -> bool {
    match value {
        Json::Null => kind == "null",
        Json::Bool(_) => kind == "bool",
        Json::Number(text) => match kind {
            "money" => is_money(text),
            "count" => digits(text, 1..=18),
            _ => false,
        },
        Json::Text(text) => match kind {
            "text" => !text.is_empty(),
            "id" => digits(text, 1..=19),
            "account" => digits(text, 5..=19),
            "uuid" => is_uuid_v7(text),
            "time" => is_time(text),
            "month" => text.len() == 7 && text.as_bytes()[4] == b'-' && digits(&text.replace('-', ""), 6..=6),
            "token" => text.len() >= 43 && text.bytes().all(|byte| byte.is_ascii_graphic()),
            "pan" => digits(text, 12..=19) && passes_luhn(text),
            "pin" => digits(text, 4..=12),
            _ => false,
        },
        Json::List(_) => kind == "list",
        Json::Object(_) => kind == "object",
    }
}

fn digits(text: &str, length: std::ops::RangeInclusive<usize>) -> bool {
    length.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// A number with exactly two decimals and no needless zeros in front.
fn is_money(text: &str) -> bool {
    let positive = text.strip_prefix('-').unwrap_or(text);
    let Some((whole, decimals)) = positive.split_once('.') else { return false };
    digits(whole, 1..=15) && (whole == "0" || !whole.starts_with('0')) && digits(decimals, 2..=2)
}

fn is_uuid_v7(text: &str) -> bool {
    let groups: Vec<&str> = text.split('-').collect();
    let lengths = groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12]);
    let lower_hex = |group: &&str| group.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    lengths && groups.iter().all(lower_hex) && groups[2].starts_with('7')
}

/// RFC 3339, UTC, written with `Z`.
fn is_time(text: &str) -> bool {
    text.ends_with('Z') && text.contains('T') && text.parse::<jiff::Timestamp>().is_ok()
}

fn passes_luhn(digits: &str) -> bool {
    let sum: u32 = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(n, digit)| {
            let digit = u32::from(digit - b'0') * if n % 2 == 1 { 2 } else { 1 };
            if digit > 9 { digit - 9 } else { digit }
        })
        .sum();
    sum.is_multiple_of(10)
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl Reader<'_> {
    fn value(&mut self) -> Result<Json, String> {
        self.space();
        match self.text.as_bytes().get(self.at) {
            Some(b'{') => self.object(),
            Some(b'[') => self.list(),
            Some(b'"') => self.string().map(Json::Text),
            Some(_) => self.word(),
            None => Err("a value is missing at the end".to_owned()),
        }
    }

    fn object(&mut self) -> Result<Json, String> {
        let mut members: Vec<(String, Json)> = Vec::new();
        self.at += 1;
        while !self.took(b'}') {
            if !members.is_empty() {
                self.take(b',')?;
            }
            self.space();
            let name = self.string()?;
            self.take(b':')?;
            let value = self.value()?;
            if members.iter().any(|(other, _)| *other == name) {
                return Err(format!("{name} stands there twice"));
            }
            members.push((name, value));
        }
        Ok(Json::Object(members))
    }

    fn list(&mut self) -> Result<Json, String> {
        let mut elements = Vec::new();
        self.at += 1;
        while !self.took(b']') {
            if !elements.is_empty() {
                self.take(b',')?;
            }
            elements.push(self.value()?);
        }
        Ok(Json::List(elements))
    }

    /// Finds the closing quote and leaves the escapes to serde_json.
    fn string(&mut self) -> Result<String, String> {
        let from = self.at;
        let bytes = self.text.as_bytes();
        let mut to = from + 1;
        while bytes.get(to).is_some_and(|byte| *byte != b'"') {
            to += if bytes[to] == b'\\' { 2 } else { 1 };
        }
        self.at = to + 1;
        let text = self.text.get(from..=to).ok_or("a string does not end")?;
        serde_json::from_str(text).map_err(|error| format!("{text}: {error}"))
    }

    fn word(&mut self) -> Result<Json, String> {
        let rest = &self.text[self.at..];
        let length = rest.find(|c: char| ",]}".contains(c) || c.is_whitespace()).unwrap_or(rest.len());
        let word = &rest[..length];
        self.at += length;
        match word {
            "null" => Ok(Json::Null),
            "true" => Ok(Json::Bool(true)),
            "false" => Ok(Json::Bool(false)),
            number if serde_json::from_str::<serde_json::Number>(number).is_ok() => Ok(Json::Number(number.to_owned())),
            other => Err(format!("{other:?} is no value")),
        }
    }

    fn space(&mut self) {
        let rest = &self.text.as_bytes()[self.at..];
        self.at += rest.iter().take_while(|byte| b" \t\r\n".contains(byte)).count();
    }

    fn took(&mut self, byte: u8) -> bool {
        self.space();
        let here = self.text.as_bytes().get(self.at) == Some(&byte);
        self.at += usize::from(here);
        here
    }

    fn take(&mut self, byte: u8) -> Result<(), String> {
        if self.took(byte) { Ok(()) } else { Err(format!("{:?} is missing at {}", char::from(byte), self.at)) }
    }
}

#[test]
fn it_sees_every_difference() {
    let rows = [
        (r#"{"a":900.00}"#, r#"{"a":900.00}"#, 0),
        (r#"{"a":900.0}"#, r#"{"a":900.00}"#, 1),
        (r#"{"a":900.0,"b":1}"#, r#"{"a":"<money>"}"#, 2),
        (r#"{"a":-1.00}"#, r#"{"a":"<money>","b?":1,"c":2}"#, 1),
        (r#"[{"a":1},{"a":2.5}]"#, r#"[{"a":"<count>"},"..."]"#, 1),
        (r#"["2026-11-20T10:00:00Z", null]"#, r#"["<time|null>","<time|null>"]"#, 0),
        (r#"["2026-11-20T10:00:00+00:00"]"#, r#"["<time>"]"#, 1),
        (r#"["4539578763621486","4539578763621487"]"#, r#"["<pan>","<pan>"]"#, 1),
        (r"[1,2]", r"[1]", 1),
        (r#"{"a":[]}"#, r#"{"a":["<id>","..."]}"#, 0),
    ];
    for (value, pattern, expected) in rows {
        let found = Json::parse(value).unwrap().differences(&Json::parse(pattern).unwrap());
        assert_eq!(found.len(), expected, "{value} against {pattern}: {found:?}");
    }
    assert!(Json::parse(r#"{"a":1,"a":2}"#).is_err());
    assert!(Json::parse(r#"{"a":01}"#).is_err());
}
