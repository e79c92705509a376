//! Headers that other programs write: `X-Forwarded-For`, a webhook's signature, `Retry-After`.
//!
//! What holds: nobody but our own proxies decides which address a client has, whatever stands left of what they
//! wrote; a webhook is believed exactly if it carries the signature that its secret makes, in time; and a wish to wait
//! is read as the seconds or the date that it says.

use std::net::IpAddr;
use std::sync::LazyLock;

use axum::http::{HeaderMap, HeaderValue};
use cashpoint_core::time::{BusinessDate, Timestamp};
use cashpoint_host::address::{Address, Proxies};
use cashpoint_host::notify::retry_after;
use cashpoint_wire::webhook::{Forged, Signed, WebhookSecret};

use crate::Target;

/// See the module.
pub(crate) const TARGET: Target = Target {
    name: "headers",
    check,
    finish: || {},
    dictionary: &[
        "10.0.0.1",
        "203.0.113.7",
        ", ",
        "[2001:db8::1]",
        ":443",
        "::ffff:10.0.0.2",
        "fd00::1",
        "unknown",
        "\t",
        "\n",
        "v1,",
        "v1a,",
        "whsec_",
        "1614265330",
        "1614265631",
        "9223372036854775807",
        "-9223372036854775808",
        "msg_1",
        "Sun, ",
        "06 Nov 1994 ",
        "29 Feb 2000 ",
        "08:49:37",
        " GMT",
        "23:59:60",
        "=",
        " ",
    ],
};

const PROXY: &str = "10.0.0.1";
const STRANGER: &str = "198.51.100.77";

static PROXIES: LazyLock<Proxies> = LazyLock::new(|| {
    let networks = ["10.0.0.0/8", "fd00::/8"];
    Proxies::new(networks.iter().map(|network| network.parse().expect("it is a network")).collect())
});

fn check(bytes: &[u8]) {
    forwarded(bytes);
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    webhook(text);
    secret(text);
    wait(text);
}

fn client(peer: &str, forwarded: &[&[u8]]) -> Address {
    let mut headers = HeaderMap::new();
    for value in forwarded.iter().filter_map(|value| HeaderValue::from_bytes(value).ok()) {
        headers.append("x-forwarded-for", value);
    }
    PROXIES.client(address(peer), &headers)
}

fn address(text: &str) -> IpAddr {
    text.parse().expect("it is an address")
}

/// One header a line.
fn forwarded(bytes: &[u8]) {
    let headers: Vec<_> = bytes.split(|byte| *byte == b'\n').collect();
    // A client that is no proxy says nothing about itself.
    assert_eq!(client(STRANGER, &headers), Address::of(address(STRANGER)));

    let found = client(PROXY, &headers);
    let shown = found.to_string();
    let shown = shown.strip_suffix("/64").unwrap_or(&shown);
    assert_eq!(Address::of(address(shown)), found, "an address is shown as itself");
    // Our proxy appends whom it sees: then nothing that came before counts.
    for seen in ["203.0.113.7", "2001:db8:1:2::9", "203.0.113.7:4711", "[2001:db8:1:2::9]"] {
        let expected = client(PROXY, &[seen.as_bytes()]);
        let appended = [headers.clone(), vec![seen.as_bytes()]].concat();
        assert_eq!(client(PROXY, &appended), expected);
        let joined = [bytes, b", ".as_slice(), seen.as_bytes()].concat();
        let joined: Vec<_> = joined.split(|byte| *byte == b'\n').collect();
        assert_eq!(client(PROXY, &joined), if is_header(joined[joined.len() - 1]) { expected } else { found });
    }
    // Somebody who is no proxy of ours was found: then what the client itself put to the left changes nothing.
    if !PROXIES.include(address(shown)) {
        let spoofed = [vec![b"192.0.2.1, 10.9.9.9".as_slice()], headers].concat();
        assert_eq!(client(PROXY, &spoofed), found);
    }
}

fn is_header(value: &[u8]) -> bool {
    HeaderValue::from_bytes(value).is_ok()
}

/// The first three lines are id, timestamp and signature, the rest is the body.
fn webhook(text: &str) {
    const NOW: i64 = 1_614_265_330;
    let secret = WebhookSecret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").expect("it is a secret");
    let mut lines = text.splitn(4, '\n');
    let mut next = || lines.next().unwrap_or_default();
    let (id, timestamp, signature, body) = (next(), next(), next(), next().as_bytes());
    let sent: Result<i64, _> = timestamp.parse();
    let right = sent.as_ref().map(|sent| secret.sign(id, *sent, body));
    let good = right.as_ref().is_ok_and(|right| signature.split(' ').any(|one| one == right));
    let believed = secret.verify(Signed { id, timestamp, signature }, body, NOW);
    let plain = sent.as_ref().is_ok_and(|sent| sent.to_string() == timestamp);
    match believed {
        Ok(()) => assert!(good && plain && sent.is_ok_and(|sent| NOW.abs_diff(sent) <= 300)),
        Err(Forged::Stale) => assert!(good && plain && sent.is_ok_and(|sent| NOW.abs_diff(sent) > 300)),
        Err(Forged::Signature) => assert!(!good || !plain),
    }
    let signed = secret.sign(id, NOW, body);
    let now = NOW.to_string();
    let headers = Signed { id, timestamp: &now, signature: &signed };
    assert_eq!(secret.verify(headers, body, NOW + 300), Ok(()));
    assert_eq!(secret.verify(headers, body, NOW + 301), Err(Forged::Stale));
    assert_eq!(secret.verify(headers, &[body, b" "].concat(), NOW), Err(Forged::Signature));
}

fn secret(text: &str) {
    if let Ok(secret) = WebhookSecret::parse(text) {
        assert!((32..=88).contains(&(text.trim().len() - "whsec_".len())), "{text:?}");
        assert_eq!(format!("{secret:?}"), "WebhookSecret(****)");
    }
}

fn wait(text: &str) {
    // Before every date that can be written, so that none is over.
    let year_0 = BusinessDate::from_civil(0, 1, 1).expect("there is such a day");
    let now = Timestamp::from_micros(i64::from(year_0.days()) * 86_400_000_000);
    let Some(wait_ms) = retry_after::parse(text, now) else { return };
    let value = text.trim();
    if value.bytes().all(|b| b.is_ascii_digit()) {
        let seconds =
            value.trim_start_matches('0').parse().unwrap_or(if value.contains(|c| c != '0') { i64::MAX } else { 0 });
        assert_eq!(wait_ms, seconds.saturating_mul(1_000), "{text:?}");
        return;
    }
    let (_, date) = value.split_once(", ").expect("a date has a day of the week before it");
    let (day, second) = (wait_ms / 86_400_000, wait_ms / 1_000 % 86_400);
    let day = year_0.days() + i32::try_from(day).expect("four digits of a year fit");
    let (year, month, day) = BusinessDate::from_days(day).civil();
    let month = MONTHS[usize::from(month) - 1];
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    let shown = format!("{day:02} {month} {year:04} {hour:02}:{minute:02}:{second:02} GMT");
    // A leap second is the first of the next minute.
    assert!(shown == date || date.ends_with(":60 GMT") && second == 0, "{text:?} is read as {shown}");
}

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
