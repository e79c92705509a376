//! Instants as text: RFC 3339 in, RFC 3339 in UTC out.

use cashpoint_core::time::Timestamp;

/// Reads an RFC 3339 instant with any offset; what is finer than a microsecond is cut off. `None` for anything else,
/// local times without an offset and time zone names included.
#[must_use]
pub fn parse(text: &str) -> Option<Timestamp> {
    // The parser knows more than RFC 3339: years of six digits, dates without hyphens, offsets without minutes, names of
    // zones. Longer fractions than this are nobody's.
    if text.len() > 40 || !has_form(text.as_bytes()) {
        return None;
    }
    let instant: jiff::Timestamp = text.parse().ok()?;
    Some(Timestamp::from_micros(instant.as_microsecond()))
}

/// The grammar of RFC 3339, 5.6: date, `T`, time, perhaps a fraction, and `Z` or an offset in hours and minutes.
fn has_form(text: &[u8]) -> bool {
    let Some((head, tail)) = text.split_at_checked(19) else { return false };
    let tail = match tail.split_first() {
        Some((b'.', fraction)) => {
            let zone = fraction.iter().position(|b| !b.is_ascii_digit()).unwrap_or(fraction.len());
            if zone == 0 {
                return false;
            }
            &fraction[zone..]
        }
        Some(_) | None => tail,
    };
    fits(head, b"0000-00-00T00:00:00") && (fits(tail, b"Z") || fits(tail, b"+00:00") || fits(tail, b"-00:00"))
}

/// Whether the text is `form` with any digits for its zeros, its letters in either case.
fn fits(text: &[u8], form: &[u8]) -> bool {
    let alike =
        |(byte, form): (&u8, &u8)| if *form == b'0' { byte.is_ascii_digit() } else { byte.eq_ignore_ascii_case(form) };
    text.len() == form.len() && text.iter().zip(form).all(alike)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_reads_what_it_writes_and_any_offset() {
        let shown = |text: &str| parse(text).map(|instant| instant.to_string());
        let utc = "2026-11-20T09:41:07.123Z";
        assert_eq!(shown(utc).as_deref(), Some(utc));
        assert_eq!(shown("2026-11-20T10:41:07.123+01:00").as_deref(), Some(utc));
        assert_eq!(shown("2026-11-20t09:41:07.123z").as_deref(), Some(utc));
        for bad in
            ["", "2026-11-20", "2026-11-20T09:41:07", "2026-13-01T00:00:00Z", "2026-11-20T09:41:07Z[UTC]", "yesterday"]
        {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn it_reads_no_other_form_of_iso_8601() {
        for bad in [
            "20261120T094107Z",
            "2026-11-20T0941:07Z",
            "+002026-11-20T09:41:07Z",
            "-009999-01-02T01:59:59Z",
            "2026-11-20 09:41:07Z",
            "2026-11-20T09:41Z",
            "2026-11-20T09:41:07,5Z",
            "2026-11-20T09:41:07.Z",
            "2026-11-20T09:41:07+01",
            "2026-11-20T09:41:07+0100",
            "2026-11-20T09:41:07+01:00:30",
            "2026-11-20T09:41:07\u{2212}01:00",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
