//! Instants as text: RFC 3339 in, RFC 3339 in UTC out.

use cashpoint_core::time::Timestamp;

/// Reads an RFC 3339 instant with any offset; what is finer than a microsecond is cut off. `None` for anything else,
/// local times without an offset and time zone names included.
#[must_use]
pub fn parse(text: &str) -> Option<Timestamp> {
    // The parser also knows the bracketed zone names of RFC 9557, and spaces; RFC 3339 has neither.
    if text.len() > 40 || text.contains(['[', ' ']) {
        return None;
    }
    let instant: jiff::Timestamp = text.parse().ok()?;
    Some(Timestamp::from_micros(instant.as_microsecond()))
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
        for bad in
            ["", "2026-11-20", "2026-11-20T09:41:07", "2026-13-01T00:00:00Z", "2026-11-20T09:41:07Z[UTC]", "yesterday"]
        {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
