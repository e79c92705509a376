//! Query strings, instants and cursors.
//!
//! What holds: a page's limit is 1 to 500; an instant shows itself so that it is read back as the same, and is one
//! for a plain reading of RFC 3339 too; a cursor is taken only in the one form that it is made in.

use axum::extract::Query;
use axum::http::Uri;
use cashpoint_bank::fuzzing::{reread_cursor, reread_machine_cursor};
use cashpoint_core::time::Timestamp;
use cashpoint_wire::instant;
use cashpoint_wire::request::listing::{HistoryParameters, MachineParameters};

use super::json::short;
use crate::Target;

/// See the module.
pub(crate) const TARGET: Target = Target {
    name: "listings",
    check,
    finish: || {},
    dictionary: &[
        "type=",
        "&from=",
        "&to=",
        "&limit=",
        "&cursor=",
        "atm_id=",
        "withdrawal",
        "transfer_in",
        "%2B",
        "%00",
        "%",
        "+",
        ";",
        "2026-11-20T09:41:07Z",
        "-009999-01-01T00:00:00Z",
        "9999-12-31T23:59:59.999999Z",
        "T24:00:00",
        "+23:59",
        ":60Z",
        "t",
        "z",
        "500",
        "501",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "_",
        "-",
        "\u{2212}",
        ",",
    ],
};

fn check(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let uri = format!("/api/accounts/12345/transactions?{text}").parse::<Uri>();
    if let Some(Query(pairs)) = uri.ok().and_then(|uri| Query::<Vec<(String, String)>>::try_from_uri(&uri).ok()) {
        lists(&pairs);
    }
    // And once more with what no decoder would have let through.
    let pairs = text.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    lists(&pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect::<Vec<_>>());
    instants(text);
    cursors(text);
}

fn lists(pairs: &[(String, String)]) {
    let sent = |name: &str| pairs.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str());
    let only = |known: &[&str]| pairs.iter().all(|(name, _)| known.contains(&name.as_str()));
    match HistoryParameters::read(pairs.to_vec()) {
        Ok(read) => {
            assert!(only(&["type", "from", "to", "limit", "cursor"]) && (1..=500).contains(&read.limit));
            assert!(read.kind == sent("type") && read.cursor.as_deref() == sent("cursor"));
            assert_eq!((read.from.is_some(), read.to.is_some()), (sent("from").is_some(), sent("to").is_some()));
            assert_eq!(sent("limit").map_or(50, |limit| limit.parse().expect("it was read")), read.limit);
        }
        Err(complaint) => short(&complaint),
    }
    match MachineParameters::read(pairs.to_vec()) {
        Ok(read) => {
            assert!(only(&["atm_id", "limit", "cursor"]) && (1..=500).contains(&read.limit));
            assert_eq!(sent("atm_id"), Some(read.machine.as_str()));
        }
        Err(complaint) => short(&complaint),
    }
    for (_, value) in pairs {
        instants(value);
        cursors(value);
    }
}

fn instants(text: &str) {
    if let Some(instant) = instant::parse(text) {
        // Shown are milliseconds, and years of four digits.
        let shown = instant.to_string();
        if shown.starts_with(|c: char| c.is_ascii_digit()) {
            let cut = Timestamp::from_micros(instant.micros().div_euclid(1_000) * 1_000);
            assert_eq!(instant::parse(&shown), Some(cut), "{text:?} is shown as {shown}");
        }
        assert!(is_rfc_3339(text), "{text:?} is taken as {instant}");
    }
}

/// The grammar of RFC 3339, 5.6, without looking at whether there is such a day.
fn is_rfc_3339(text: &str) -> bool {
    let Some((head, tail)) = text.split_at_checked(19) else { return false };
    let shape = head.bytes().zip("0000-00-00T00:00:00".bytes()).all(|(byte, form)| match form {
        b'0' => byte.is_ascii_digit(),
        b'T' => byte.eq_ignore_ascii_case(&b'T'),
        form => byte == form,
    });
    let zone = match tail.strip_prefix('.') {
        Some(rest) => {
            let zone = rest.trim_start_matches(|c: char| c.is_ascii_digit());
            if zone.len() == rest.len() { return false } else { zone }
        }
        None => tail,
    };
    let offset = zone.len() == 6
        && zone.bytes().zip("+00:00".bytes()).all(|(byte, form)| match form {
            b'0' => byte.is_ascii_digit(),
            b'+' => byte == b'+' || byte == b'-',
            form => byte == form,
        });
    shape && (zone.eq_ignore_ascii_case("Z") || offset)
}

fn cursors(text: &str) {
    if let Some((_, _, again)) = reread_cursor(text) {
        assert_eq!(again, text);
    }
    if let Some((_, again)) = reread_machine_cursor(text) {
        assert_eq!(again, text);
    }
}
