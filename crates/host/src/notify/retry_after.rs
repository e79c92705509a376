//! `Retry-After` (RFC 9110, 10.2.3): seconds, or an HTTP date.

use cashpoint_core::time::{BusinessDate, Timestamp};

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// How long the receiver wants to be left alone, in milliseconds; none if it does not say so.
#[must_use]
pub fn parse(value: &str, now: Timestamp) -> Option<i64> {
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit()) {
        let seconds: i64 = value.parse().unwrap_or(i64::MAX);
        return Some(seconds.saturating_mul(1_000));
    }
    Some(date(value)?.since_ms(now).max(0))
}

/// The one form of date that senders may still write: `Sun, 06 Nov 1994 08:49:37 GMT`.
fn date(text: &str) -> Option<Timestamp> {
    let (_, rest) = text.split_once(", ")?;
    let mut parts = rest.split(' ');
    let day: u8 = number(parts.next()?, 2)?;
    let name = parts.next()?;
    let month = MONTHS.iter().position(|month| *month == name)?;
    let year: i32 = number(parts.next()?, 4)?;
    let mut clock = parts.next()?.split(':');
    let (hour, minute, second): (i64, i64, i64) =
        (number(clock.next()?, 2)?, number(clock.next()?, 2)?, number(clock.next()?, 2)?);
    if clock.next().is_some() || parts.next() != Some("GMT") || parts.next().is_some() {
        return None;
    }
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let days = BusinessDate::from_civil(year, u8::try_from(month).ok()? + 1, day)?.days();
    let seconds = i64::from(days) * 86_400 + hour * 3_600 + minute * 60 + second;
    Some(Timestamp::from_micros(seconds * 1_000_000))
}

fn number<T: std::str::FromStr>(text: &str, digits: usize) -> Option<T> {
    let plain = text.len() == digits && text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|_| plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(value: &str, expected: Option<i64>) {
        // Sun, 06 Nov 1994 08:49:37 GMT
        let now = Timestamp::from_micros(784_111_777_000_000);
        assert_eq!(parse(value, now), expected, "{value}");
    }

    #[test]
    fn reads_seconds() {
        check("120", Some(120_000));
        check(" 0 ", Some(0));
        check("99999999999999999999", Some(i64::MAX));
        for bad in ["", "-1", "1.5", "+3", "soon"] {
            check(bad, None);
        }
    }

    #[test]
    fn reads_dates() {
        check("Sun, 06 Nov 1994 08:49:47 GMT", Some(10_000));
        check("Mon, 07 Nov 1994 08:49:37 GMT", Some(86_400_000));
        check("Sun, 06 Nov 1994 08:49:37 GMT", Some(0));
        check("Sat, 05 Nov 1994 08:49:37 GMT", Some(0));
        for bad in [
            "Sun, 06 Nov 1994 08:49:37",
            "Sun, 06 Nov 1994 08:49:37 CET",
            "Sun, 6 Nov 1994 08:49:37 GMT",
            "Sun, 31 Feb 1994 08:49:37 GMT",
            "Sun, 06 Now 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 24:49:37 GMT",
            "Sun, 06 Nov 1994 08:49:37 GMT x",
            "1994-11-06T08:49:37Z",
        ] {
            check(bad, None);
        }
    }
}
