//! The reader of JSON objects, against another reader of JSON.
//!
//! What holds: it takes every object that `serde_json` takes and no field stands in twice, and nothing that is no
//! object; it sees the same fields with the same values; every kind of value is read as itself or refused; and a
//! complaint names a field in at most 80 characters.

use cashpoint_wire::malformed::Malformed;
use cashpoint_wire::object::{Object, Value};
use serde_json::Value as Json;

use crate::Target;

/// See the module.
pub(crate) const TARGET: Target = Target { name: "json", check, finish: || {}, dictionary: DICTIONARY };

/// Pieces of bodies.
pub(crate) const DICTIONARY: &[&str] = &[
    "{\"",
    "\":",
    ",\"",
    "\"}",
    "[",
    "]",
    "{}",
    "[]",
    "null",
    "true",
    "false",
    "\"amount\":",
    "\"atm_id\":",
    "\"pin\":",
    "\\u0000",
    "\\ud800",
    "\\udc00",
    "\\\"",
    "\\n",
    "1e308",
    "-0",
    "0.10",
    "100.00",
    "4294967296",
    "\u{feff}",
    "\u{2028}",
    "[[[[[[[[[[[[[[[[",
    "{\"a\":{\"a\":{\"a\":",
    "\"account\":{\"type\":\"savings\",\"currency\":\"USD\"}",
    "\"email\":\"a@b\"",
    "\"name\":\"A\"",
    "\"denomination\":20.00",
    "\"count\":1",
    "\"currency\":\"EUR\"",
    "\"counted_out\":0",
    "\"accounts\":[",
    "\"cassettes\":[",
    "\"password\":\"12345678\"",
    "\"withdrawal_limit\":",
    "\"target_account_id\":\"67890\"",
    "\"customer_id\":\"77\"",
];

fn check(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let other: Result<Json, _> = serde_json::from_str(text);
    match Object::parse_open(text) {
        Ok(object) => {
            let names: Vec<_> = object.names().map(str::to_owned).collect();
            assert!(names.iter().enumerate().all(|(at, name)| !names[..at].contains(name)), "a field is there twice");
            // The other reader refuses numbers that no double holds, and half characters, which are refused here once
            // they are read.
            let own = other.as_ref().ok();
            assert!(own.is_none_or(Json::is_object), "{text:?} is no object");
            assert!(own.and_then(Json::as_object).is_none_or(|own| own.len() == names.len()));
            for (name, value) in object.members() {
                value_holds(value, own.map(|own| &own[name]));
            }
            strict(text, &names);
        }
        Err(complaint) => {
            short(&complaint);
            let twice = matches!(&complaint, Malformed::Request { detail, .. } if detail == "it is there twice");
            let too_many = matches!(&complaint, Malformed::Request { detail, .. } if detail.starts_with("more than"));
            assert!(twice || too_many || !other.is_ok_and(|own| own.is_object()), "{text:?}: {complaint:?}");
        }
    }
}

/// Only fields that are known are taken.
fn strict(text: &str, names: &[String]) {
    let known: Vec<&str> = names.iter().map(String::as_str).collect();
    assert!(Object::parse(text, &known).is_ok());
    if let Some((last, others)) = known.split_last() {
        assert!(Object::parse(text, others).is_err(), "{last:?} is not known");
    }
}

/// Reads a value as everything that it could be.
fn value_holds(value: Value<'_, '_>, own: Option<&Json>) {
    let is = |kind: fn(&Json) -> bool| own.is_none_or(kind);
    assert!(own.is_none_or(|own| own.is_null() == value.is_null() && own.is_string() == value.is_text()));
    if let Ok(text) = value.text().map_err(|complaint| short(&complaint)) {
        assert!(own.is_none_or(|own| own.as_str() == Some(&text)));
    } else {
        assert!(own.is_none_or(|own| !own.is_string()));
    }
    if let Ok(line) = value.line(40).map_err(|complaint| short(&complaint)) {
        assert!((1..=40).contains(&line.chars().count()) && !line.chars().any(char::is_control));
    }
    if let Ok(count) = value.count().map_err(|complaint| short(&complaint)) {
        assert!(own.is_none_or(|own| own.as_u64() == Some(count.into())));
    }
    if value.amount().map_err(|complaint| short(&complaint)).is_ok() {
        assert!(is(|own| own.is_number() || own.is_string()));
    }
    if let Ok(account) = value.account().map_err(|complaint| short(&complaint)) {
        assert!(own.is_none_or(|own| {
            own.as_str().is_some_and(|text| account.number() == u64::MAX || text == account.to_string())
        }));
    }
    if let Ok(currency) = value.currency().map_err(|complaint| short(&complaint)) {
        assert!(own.is_none_or(|own| own.as_str() == Some(currency.code())));
    }
    if value.object(&["a", "amount"]).map_err(|complaint| short(&complaint)).is_ok() {
        assert!(is(|own| own.as_object().is_some_and(|own| own.keys().all(|name| name == "a" || name == "amount"))));
    }
    if let Ok(list) = value.list(8).map_err(|complaint| short(&complaint)) {
        assert!((1..=8).contains(&list.len()));
        assert!(own.is_none_or(|own| own.as_array().is_some_and(|own| own.len() == list.len())));
        for (at, element) in list.into_iter().enumerate() {
            // Two levels are all that the interface has; a list's element is no list.
            if !own.is_some_and(|own| own[at].is_array()) {
                value_holds(element, own.map(|own| &own[at]));
            }
        }
    }
}

/// A complaint may be shown and logged: it is short, whatever was sent.
pub(crate) fn short(complaint: &Malformed) {
    let (field, detail) = match complaint {
        Malformed::Request { field, detail } => (field.as_deref(), detail.as_str()),
        Malformed::Amount { field, detail } => (Some(field.as_str()), detail.as_str()),
        Malformed::AccountId { field } => (Some(field.as_str()), ""),
    };
    assert!(
        field.is_none_or(|field| field.chars().count() <= 80),
        "{} characters of {complaint:.200?}",
        field.map_or(0, str::len)
    );
    assert!(detail.len() <= 200, "{complaint:?}");
}
