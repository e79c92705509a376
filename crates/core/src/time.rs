//! Instants and business dates, and how they are written.
//!
//! Both are plain numbers that somebody else read off a clock. There is no clock here, no time zone, no daylight saving
//! and no parsing: which business date an instant belongs to is told to the rules, not worked out by them.

use std::fmt;

const MICROS_PER_MS: i64 = 1_000;
const MICROS_PER_S: i64 = 1_000_000;
const S_PER_DAY: i64 = 86_400;

/// Days from 0000-03-01 to 1970-01-01 in the Gregorian calendar carried backwards.
const EPOCH_FROM_MARCH_0000: i64 = 719_468;
/// Days in the 400 years after which the Gregorian calendar repeats.
const DAYS_PER_ERA: i64 = 146_097;

/// An instant: microseconds since 1970-01-01T00:00:00 UTC, without leap seconds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Timestamp(i64);

impl Timestamp {
    /// 1970-01-01T00:00:00Z, before everything that is ever stored.
    pub const EPOCH: Timestamp = Timestamp(0);

    /// The instant so many microseconds after the epoch.
    pub const fn from_micros(micros: i64) -> Timestamp {
        Timestamp(micros)
    }

    /// Microseconds since the epoch.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// This many milliseconds later (earlier, if negative), stopping at the ends of what can be held.
    #[must_use]
    pub const fn plus_ms(self, ms: i64) -> Timestamp {
        Timestamp(self.0.saturating_add(ms.saturating_mul(MICROS_PER_MS)))
    }

    /// This many seconds later (earlier, if negative), stopping at the ends of what can be held.
    #[must_use]
    pub const fn plus_s(self, s: i64) -> Timestamp {
        Timestamp(self.0.saturating_add(s.saturating_mul(MICROS_PER_S)))
    }

    /// Whole milliseconds that have passed since `earlier`; negative if it is later. A millisecond that has only begun
    /// does not count, so whoever waits for n of them never stops early.
    pub const fn since_ms(self, earlier: Timestamp) -> i64 {
        self.0.saturating_sub(earlier.0).div_euclid(MICROS_PER_MS)
    }
}

/// RFC 3339 in UTC with milliseconds, cut off: `2026-11-20T09:41:07.123Z`. The form is that of the standard for the
/// years 1970 to 9999.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.div_euclid(MICROS_PER_S);
        let ms = self.0.rem_euclid(MICROS_PER_S) / MICROS_PER_MS;
        let (year, month, day) = civil_from_days(seconds.div_euclid(S_PER_DAY));
        let of_day = seconds.rem_euclid(S_PER_DAY);
        let (hour, minute, second) = (of_day / 3_600, of_day / 60 % 60, of_day % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{ms:03}Z")
    }
}

/// A day of the bank's books: days since 1970-01-01. Says nothing about when that day begins or ends.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct BusinessDate(i32);

impl BusinessDate {
    /// The date so many days after 1970-01-01.
    pub const fn from_days(days: i32) -> BusinessDate {
        BusinessDate(days)
    }

    /// Days since 1970-01-01.
    pub const fn days(self) -> i32 {
        self.0
    }

    /// The date with this year (0 to 9999), month (from 1) and day (from 1); `None` if the calendar has no such day.
    pub fn from_civil(year: i32, month: u8, day: u8) -> Option<BusinessDate> {
        let possible = (0..=9_999).contains(&year) && (1..=12).contains(&month) && day >= 1;
        if !possible || day > days_in_month(year, month) {
            return None;
        }
        let days = days_from_civil(i64::from(year), i64::from(month), i64::from(day));
        i32::try_from(days).ok().map(BusinessDate)
    }

    /// Year, month (1 to 12) and day (1 to 31).
    pub fn civil(self) -> (i32, u8, u8) {
        let (year, month, day) = civil_from_days(i64::from(self.0));
        let narrow = |part: i64| u8::try_from(part).expect("months and days are at most 31");
        (i32::try_from(year).expect("days of 32 bits give years of 23"), narrow(month), narrow(day))
    }
}

/// `YYYY-MM-DD`.
impl fmt::Display for BusinessDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.civil();
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

/// Days from 1970-01-01 to this Gregorian date.
///
/// Years are counted from March, so that the leap day is a year's last and month lengths follow one straight line
/// (153 days in every five months). The method is Howard Hinnant's, "chrono-compatible low-level date algorithms".
const fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let march_year = if month <= 2 { year - 1 } else { year };
    let era = march_year.div_euclid(400);
    let year_of_era = march_year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * DAYS_PER_ERA + day_of_era - EPOCH_FROM_MARCH_0000
}

/// Year, month and day of the date so many days after 1970-01-01: [`days_from_civil`] backwards.
const fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let from_march = days + EPOCH_FROM_MARCH_0000;
    let era = from_march.div_euclid(DAYS_PER_ERA);
    let day_of_era = from_march.rem_euclid(DAYS_PER_ERA);
    let leap_days = day_of_era / 1_460 - day_of_era / 36_524 + day_of_era / 146_096;
    let year_of_era = (day_of_era - leap_days) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = (march_month + 2) % 12 + 1;
    let year = year_of_era + era * 400 + if month <= 2 { 1 } else { 0 };
    (year, month, day)
}

/// The length of a month, 1 to 12, of that year.
const fn days_in_month(year: i32, month: u8) -> u8 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(days: i32, shown: &str, civil: (i32, u8, u8)) {
        let date = BusinessDate::from_days(days);
        assert_eq!(date.to_string(), shown);
        assert_eq!(date.civil(), civil);
        assert_eq!(BusinessDate::from_civil(civil.0, civil.1, civil.2), Some(date));
    }

    #[test]
    fn names_the_days_around_leap_years_and_centuries() {
        check(0, "1970-01-01", (1970, 1, 1));
        check(-1, "1969-12-31", (1969, 12, 31));
        check(789, "1972-02-29", (1972, 2, 29));
        check(790, "1972-03-01", (1972, 3, 1));
        check(10_956, "1999-12-31", (1999, 12, 31));
        check(11_016, "2000-02-29", (2000, 2, 29));
        check(11_017, "2000-03-01", (2000, 3, 1));
        check(20_777, "2026-11-20", (2026, 11, 20));
        check(47_540, "2100-02-28", (2100, 2, 28));
        check(47_541, "2100-03-01", (2100, 3, 1));
        check(2_932_896, "9999-12-31", (9999, 12, 31));
    }

    #[test]
    fn walks_eight_thousand_years_without_a_missing_or_double_day() {
        let mut days = 0;
        for year in 1970..=9999 {
            for month in 1..=12 {
                let length = match month {
                    2 if (year % 4 == 0 && year % 100 != 0) || year % 400 == 0 => 29,
                    2 => 28,
                    month => [31, 0, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][usize::from(month) - 1],
                };
                for day in 1..=length {
                    let date = BusinessDate::from_days(days);
                    assert_eq!(date.civil(), (year, month, day));
                    assert_eq!(BusinessDate::from_civil(year, month, day), Some(date));
                    days += 1;
                }
                assert_eq!(BusinessDate::from_civil(year, month, length + 1), None);
            }
        }
    }

    #[test]
    fn refuses_days_that_no_calendar_has() {
        let impossible =
            [(2026, 2, 29), (2100, 2, 29), (2026, 13, 1), (2026, 0, 1), (2026, 1, 0), (10_000, 1, 1), (-1, 1, 1)];
        for (year, month, day) in impossible {
            assert_eq!(BusinessDate::from_civil(year, month, day), None, "{year}-{month}-{day}");
        }
    }

    #[test]
    fn shows_any_day_that_can_be_held() {
        assert_eq!(BusinessDate::from_days(i32::MAX).to_string(), "5881580-07-11");
        assert_eq!(BusinessDate::from_days(i32::MIN).civil(), (-5_877_641, 6, 23));
        for micros in [i64::MIN, i64::MAX] {
            assert!(Timestamp::from_micros(micros).to_string().ends_with('Z'));
        }
    }

    #[test]
    fn shows_an_instant_as_rfc_3339() {
        let shown = |micros| Timestamp::from_micros(micros).to_string();
        assert_eq!(shown(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(shown(1_795_167_667_123_456), "2026-11-20T09:41:07.123Z");
        assert_eq!(shown(951_827_696_999_999), "2000-02-29T12:34:56.999Z");
        assert_eq!(shown(4_107_542_399_999_999), "2100-02-28T23:59:59.999Z");
        assert_eq!(shown(253_402_300_799_999_999), "9999-12-31T23:59:59.999Z");
        assert_eq!(shown(-1), "1969-12-31T23:59:59.999Z");
    }

    #[test]
    fn counts_only_whole_milliseconds() {
        let begin = Timestamp::from_micros(1_000_500);
        assert_eq!(begin.plus_ms(300).since_ms(begin), 300);
        assert_eq!(begin.plus_s(300).since_ms(begin), 300_000);
        assert_eq!(Timestamp::from_micros(1_001_499).since_ms(begin), 0);
        assert_eq!(begin.since_ms(Timestamp::from_micros(1_000_501)), -1);
        assert_eq!(begin.plus_s(-1), Timestamp::from_micros(500));
        assert!(Timestamp::EPOCH < begin && begin < begin.plus_ms(1));
    }

    #[test]
    fn stops_at_the_ends_instead_of_wrapping() {
        let last = Timestamp::from_micros(i64::MAX);
        assert_eq!(last.plus_ms(1), last);
        assert_eq!(last.plus_s(i64::MAX), last);
        assert_eq!(Timestamp::from_micros(-2).plus_s(i64::MIN), Timestamp::from_micros(i64::MIN));
        assert_eq!(last.since_ms(Timestamp::from_micros(i64::MIN)), i64::MAX / 1_000);
    }

    proptest! {
        #[test]
        fn shows_instants_in_the_order_of_time(a in 0..253_402_300_800_000_000i64, b in 0..253_402_300_800_000_000i64) {
            let (a, b) = (Timestamp::from_micros(a), Timestamp::from_micros(b));
            prop_assert_eq!(a.to_string().len(), 24);
            if a.micros() / 1_000 != b.micros() / 1_000 {
                prop_assert_eq!(a.cmp(&b), a.to_string().cmp(&b.to_string()));
            }
        }
    }
}
