//! Business dates: which day of the bank's books an instant belongs to.
//!
//! A business date begins at the cut-over, a time of day in the bank's own time zone, and is named after the calendar
//! day on which it begins. This module only converts; that the date in force moves forwards alone, and when a group of
//! commands moves it, is decided where the date is stored.

use std::fmt;

use cashpoint_core::time::{BusinessDate, Timestamp};
use jiff::civil::{Date, Time};
use jiff::tz::{AmbiguousOffset, TimeZone};

/// Days that are converted; what lies outside counts as the nearest of them. Far beyond both, jiff knows no dates.
const FIRST_DAY: i32 = -700_000;
const LAST_DAY: i32 = 2_900_000;

const MICROS_PER_DAY: i64 = 86_400_000_000;

/// Turns instants into business dates.
#[derive(Clone, Debug)]
pub struct BusinessCalendar {
    zone: TimeZone,
    name: String,
    cutover: CutoverTime,
}

/// The time of day at which a business date begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CutoverTime(Time);

impl CutoverTime {
    /// 00:00: business dates are calendar dates.
    pub const MIDNIGHT: Self = Self(Time::midnight());

    /// Reads `HH:MM`, 00:00 to 23:59.
    ///
    /// # Errors
    /// [`CalendarError::NoTimeOfDay`] for anything else.
    pub fn parse(text: &str) -> Result<Self, CalendarError> {
        let parse = || {
            let (hour, minute) = text.split_once(':')?;
            let two_digits = |t: &str| t.len() == 2 && t.bytes().all(|b| b.is_ascii_digit());
            if !two_digits(hour) || !two_digits(minute) {
                return None;
            }
            Time::new(hour.parse().ok()?, minute.parse().ok()?, 0, 0).ok()
        };
        parse().map(Self).ok_or_else(|| CalendarError::NoTimeOfDay(text.to_owned()))
    }
}

/// A calendar month, UTC.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Month(Date);

impl Month {
    /// Reads `YYYY-MM`.
    ///
    /// # Errors
    /// [`CalendarError::NoMonth`] for anything else.
    pub fn parse(text: &str) -> Result<Self, CalendarError> {
        let parse = || {
            let (year, month) = text.split_once('-')?;
            let digits = |t: &str, count| t.len() == count && t.bytes().all(|b| b.is_ascii_digit());
            if !digits(year, 4) || !digits(month, 2) {
                return None;
            }
            Date::new(year.parse().ok()?, month.parse().ok()?, 1).ok()
        };
        parse().map(Self).ok_or_else(|| CalendarError::NoMonth(text.to_owned()))
    }

    /// Its first instant.
    #[must_use]
    pub fn begins(self) -> Timestamp {
        let begins = self.0.to_zoned(TimeZone::UTC).expect("every date of four digits has a midnight");
        Timestamp::from_micros(begins.timestamp().as_microsecond())
    }
}

impl fmt::Display for Month {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:04}-{:02}", self.0.year(), self.0.month())
    }
}

impl Default for CutoverTime {
    fn default() -> Self {
        Self::MIDNIGHT
    }
}

/// Why there is no such calendar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CalendarError {
    /// No time zone of the IANA database has this name.
    UnknownZone(String),
    /// Not a time of day in the form `HH:MM`.
    NoTimeOfDay(String),
    /// Not `YYYY-MM`.
    NoMonth(String),
}

impl fmt::Display for CalendarError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownZone(name) => {
                write!(out, "there is no time zone {name:?}; give an IANA name such as Europe/Berlin or UTC")
            }
            Self::NoMonth(text) => write!(out, "{text:?} is no month (YYYY-MM)"),
            Self::NoTimeOfDay(text) => {
                write!(out, "{text:?} is not a time of day from 00:00 to 23:59")
            }
        }
    }
}

impl std::error::Error for CalendarError {}

impl BusinessCalendar {
    /// The calendar of a bank in this IANA time zone. The system's time zone database is used if it has one, the
    /// built-in one otherwise.
    ///
    /// # Errors
    /// [`CalendarError::UnknownZone`].
    pub fn new(zone: &str, cutover: CutoverTime) -> Result<Self, CalendarError> {
        let found = TimeZone::get(zone).ok().filter(|found| !found.is_unknown());
        let found = found.ok_or_else(|| CalendarError::UnknownZone(zone.to_owned()))?;
        Ok(Self { zone: found, name: zone.to_owned(), cutover })
    }

    /// The name of the time zone, as it was given.
    #[must_use]
    pub fn zone_name(&self) -> &str {
        &self.name
    }

    /// The business date that an instant belongs to: the latest that has begun.
    #[must_use]
    pub fn date_at(&self, now: Timestamp) -> BusinessDate {
        let utc_day = now.micros().div_euclid(MICROS_PER_DAY);
        let utc_day = i32::try_from(utc_day).expect("64 bits of microseconds are 108 million days");
        let utc_day = utc_day.clamp(FIRST_DAY, LAST_DAY);
        // Zones are at most 26 hours from UTC, so the day in the zone is one of these. The clock's own reading is no
        // better guess: set back across the cut-over, it shows the day before once more.
        (utc_day - 3..=utc_day + 2)
            .rev()
            .map(BusinessDate::from_days)
            .find(|date| self.begin(*date) <= now)
            .unwrap_or(BusinessDate::from_days(FIRST_DAY))
    }

    /// The first instant after `now` at which the business date changes.
    #[must_use]
    pub fn next_cutover(&self, now: Timestamp) -> Timestamp {
        let today = self.date_at(now).days();
        // A date begins together with the next where a zone skipped a whole day.
        (today + 1..=today + 3)
            .map(|day| self.begin(BusinessDate::from_days(day)))
            .find(|begin| *begin > now)
            .unwrap_or(Timestamp::from_micros(i64::MAX))
    }

    /// When a business date begins: the first instant of its day at which the clock shows the cut-over or later. A
    /// cut-over that the clock skips takes place when it skips it; one that it shows twice, at the first.
    #[must_use]
    pub fn begin(&self, date: BusinessDate) -> Timestamp {
        let local = civil(date).to_datetime(self.cutover.0);
        let ambiguous = self.zone.to_ambiguous_timestamp(local);
        let skipped = matches!(ambiguous.offset(), AmbiguousOffset::Gap { .. });
        // For a skipped time this is as long after the skip as the time lies inside it.
        let begin = ambiguous.compatible().expect("the days converted are inside jiff's range");
        let jump = if skipped { self.zone.preceding(next_after(begin)).next() } else { None };
        let begin = jump.map_or(begin, |transition| transition.timestamp());
        Timestamp::from_micros(begin.as_microsecond())
    }
}

/// Iterators over transitions are exclusive of where they begin.
fn next_after(instant: jiff::Timestamp) -> jiff::Timestamp {
    instant + jiff::SignedDuration::from_nanos(1)
}

fn civil(date: BusinessDate) -> Date {
    let days = i64::from(date.days().clamp(FIRST_DAY - 3, LAST_DAY + 3));
    let epoch = Date::constant(1970, 1, 1);
    epoch.checked_add(jiff::SignedDuration::from_hours(24 * days)).expect("clamped to jiff's range")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calendar(zone: &str, cutover: &str) -> BusinessCalendar {
        BusinessCalendar::new(zone, CutoverTime::parse(cutover).unwrap()).unwrap()
    }

    fn instant(utc: &str) -> Timestamp {
        Timestamp::from_micros(utc.parse::<jiff::Timestamp>().unwrap().as_microsecond())
    }

    /// The business date is `before` until `cutover` (UTC) and `after` from then on, and the one after that begins
    /// `hours` later.
    #[track_caller]
    fn check(calendar: &BusinessCalendar, (before, cutover, after): (&str, &str, &str), minutes: i64) {
        let cutover = instant(cutover);
        let just_before = Timestamp::from_micros(cutover.micros() - 1);
        assert_eq!(calendar.date_at(just_before).to_string(), before, "just before");
        assert_eq!(calendar.date_at(cutover).to_string(), after, "at the cut-over");
        assert_eq!(calendar.begin(calendar.date_at(cutover)), cutover);
        assert_eq!(calendar.next_cutover(just_before), cutover);
        let next = calendar.next_cutover(cutover);
        assert_eq!((next.micros() - cutover.micros()) / 60_000_000, minutes, "length in minutes");
    }

    #[test]
    fn days_are_23_24_and_25_hours_long_in_new_york() {
        let bank = calendar("America/New_York", "00:00");
        check(&bank, ("2026-03-07", "2026-03-08T05:00:00Z", "2026-03-08"), 23 * 60);
        check(&bank, ("2026-03-08", "2026-03-09T04:00:00Z", "2026-03-09"), 24 * 60);
        check(&bank, ("2026-10-31", "2026-11-01T04:00:00Z", "2026-11-01"), 25 * 60);
        check(&bank, ("2026-11-01", "2026-11-02T05:00:00Z", "2026-11-02"), 24 * 60);
    }

    #[test]
    fn the_date_begins_at_one_where_midnight_is_skipped() {
        let bank = calendar("America/Sao_Paulo", "00:00");
        check(&bank, ("2018-11-03", "2018-11-04T03:00:00Z", "2018-11-04"), 23 * 60);
        let bank = calendar("Asia/Beirut", "00:00");
        check(&bank, ("2024-03-30", "2024-03-30T22:00:00Z", "2024-03-31"), 23 * 60);
    }

    #[test]
    fn the_date_waits_for_the_second_midnight_where_the_first_never_comes() {
        // At what would be midnight the clock goes back to 23:00 of the same day.
        let bank = calendar("America/Sao_Paulo", "00:00");
        check(&bank, ("2018-02-16", "2018-02-17T02:00:00Z", "2018-02-17"), 25 * 60);
        check(&bank, ("2018-02-17", "2018-02-18T03:00:00Z", "2018-02-18"), 24 * 60);
        let bank = calendar("Asia/Beirut", "00:00");
        check(&bank, ("2024-10-26", "2024-10-26T22:00:00Z", "2024-10-27"), 24 * 60);
    }

    #[test]
    fn the_date_does_not_go_back_when_the_clock_shows_the_day_before_again() {
        // St. John's went back at 00:01, to 23:01 of the day before.
        let bank = calendar("America/St_Johns", "00:00");
        check(&bank, ("2006-10-28", "2006-10-29T02:30:00Z", "2006-10-29"), 25 * 60);
        for minute in 0..90 {
            let later = Timestamp::from_micros(instant("2006-10-29T02:30:00Z").micros() + minute * 60_000_000);
            assert_eq!(bank.date_at(later).to_string(), "2006-10-29", "{minute} minutes later");
        }
    }

    #[test]
    fn a_midnight_shown_twice_counts_once() {
        // Havana went back at 01:00, to 00:00 of the same day.
        let bank = calendar("America/Havana", "00:00");
        check(&bank, ("2025-11-01", "2025-11-02T04:00:00Z", "2025-11-02"), 25 * 60);
    }

    #[test]
    fn a_cutover_inside_the_skipped_hour_takes_place_at_the_skip() {
        let bank = calendar("Europe/Berlin", "02:30");
        check(&bank, ("2026-03-28", "2026-03-29T01:00:00Z", "2026-03-29"), 23 * 60 + 30);
        check(&bank, ("2026-10-24", "2026-10-25T00:30:00Z", "2026-10-25"), 25 * 60);
    }

    #[test]
    fn a_date_is_named_after_the_day_on_which_it_begins() {
        let bank = calendar("America/New_York", "18:00");
        check(&bank, ("2026-06-09", "2026-06-10T22:00:00Z", "2026-06-10"), 24 * 60);
        check(&calendar("UTC", "23:59"), ("2026-06-09", "2026-06-10T23:59:00Z", "2026-06-10"), 24 * 60);
    }

    #[test]
    fn a_day_that_a_zone_skipped_is_no_business_date() {
        // Samoa had no 30 December 2011.
        let bank = calendar("Pacific/Apia", "00:00");
        check(&bank, ("2011-12-29", "2011-12-30T10:00:00Z", "2011-12-31"), 24 * 60);
        assert_eq!(bank.begin(BusinessDate::from_civil(2011, 12, 30).unwrap()), instant("2011-12-30T10:00:00Z"));
    }

    #[test]
    fn zones_far_from_utc_have_their_own_day() {
        check(&calendar("Pacific/Kiritimati", "00:00"), ("2026-06-09", "2026-06-09T10:00:00Z", "2026-06-10"), 24 * 60);
        check(&calendar("Etc/GMT+12", "23:00"), ("2026-06-08", "2026-06-10T11:00:00Z", "2026-06-09"), 24 * 60);
    }

    #[test]
    fn dates_only_grow_and_change_at_cutovers_alone() {
        for (zone, cutover) in [("America/St_Johns", "00:00"), ("Asia/Beirut", "23:30"), ("Africa/Casablanca", "02:15")]
        {
            let bank = calendar(zone, cutover);
            let mut now = instant("2005-01-01T00:00:00Z");
            let mut next = bank.next_cutover(now);
            let mut date = bank.date_at(now);
            // Seventeen minutes: prime to the hour, so every part of it is met.
            for _ in 0..60_000 {
                now = now.plus_s(17 * 60);
                let reached = bank.date_at(now);
                assert_eq!(reached > date, now >= next, "{zone} {now}");
                assert!(reached.days() - date.days() <= 1, "{zone} {now}");
                if reached > date {
                    (date, next) = (reached, bank.next_cutover(now));
                }
            }
        }
    }

    #[test]
    fn instants_beyond_all_dates_have_the_nearest() {
        let bank = calendar("America/New_York", "00:00");
        for micros in [i64::MIN, -62_200_000_000_000_000, 0, 253_500_000_000_000_000, i64::MAX] {
            let now = Timestamp::from_micros(micros);
            assert!(bank.next_cutover(now) > now || micros > 200_000_000_000_000_000, "{micros}");
        }
    }

    #[test]
    fn needs_no_time_zone_database_on_the_machine() {
        for zone in ["America/Sao_Paulo", "Asia/Beirut", "Pacific/Apia"] {
            assert!(jiff::tz::TimeZoneDatabase::bundled().get(zone).is_ok(), "{zone}");
        }
    }

    #[test]
    fn names_the_zone_or_time_that_does_not_exist() {
        for name in ["", "Mars/Olympus_Mons", "+02:00", "../etc/passwd"] {
            let error = BusinessCalendar::new(name, CutoverTime::MIDNIGHT).unwrap_err();
            assert_eq!(error, CalendarError::UnknownZone(name.to_owned()));
            assert!(error.to_string().contains(name), "{error}");
        }
        assert_eq!(CutoverTime::parse("00:00"), Ok(CutoverTime::default()));
        for text in ["", "24:00", "12:60", "1:00", "12:000", "+1:00", "12:00:00", "noon"] {
            assert_eq!(CutoverTime::parse(text), Err(CalendarError::NoTimeOfDay(text.to_owned())));
        }
    }

    #[test]
    fn months_are_read_and_begin_at_midnight_utc() {
        for (text, begins) in [("1970-01", 0), ("1970-02", 31), ("2024-03", 19_783), ("2026-08", 20_666)] {
            let month = Month::parse(text).expect("it is a month");
            assert_eq!(month.begins().micros(), begins * MICROS_PER_DAY, "{text}");
            assert_eq!(month.to_string(), text);
        }
        assert!(Month::parse("9999-12").is_ok_and(|month| month.begins() > Timestamp::EPOCH));
        for text in ["", "2026", "2026-8", "2026-13", "2026-00", "26-08", "2026-08-01", "-026-08", "2026-+8"] {
            assert_eq!(Month::parse(text), Err(CalendarError::NoMonth(text.to_owned())));
        }
    }
}
