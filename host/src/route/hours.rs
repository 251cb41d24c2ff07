//! Hours of the week in a time zone: office hours, nights, weekends.
//!
//! Invariant: hours that end before they begin last over midnight, and are of the day on which they began.

use jiff::civil::{Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};

/// Hours of some days.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hours {
    /// The days; none for every day.
    pub days: Vec<Weekday>,
    /// When they begin; none for midnight.
    pub from: Option<Time>,
    /// When they end; none for midnight.
    pub to: Option<Time>,
    /// Whose clock.
    pub zone: TimeZone,
}

impl Hours {
    /// Whether a point in time is in them.
    #[must_use]
    pub fn contain(&self, now: Timestamp) -> bool {
        let now = now.to_zoned(self.zone.clone());
        let (time, today) = (now.time(), now.weekday());
        let is_day = |day: Weekday| self.days.is_empty() || self.days.contains(&day);
        let begun = self.from.is_none_or(|from| time >= from);
        let open = self.to.is_none_or(|to| time < to);
        let over_midnight = self.from.zip(self.to).is_some_and(|(from, to)| to < from);
        if !over_midnight {
            return begun && open && is_day(today);
        }
        let yesterday = now.date().checked_sub(1.day()).map_or(today, |date| date.weekday());
        begun && is_day(today) || open && is_day(yesterday)
    }
}

/// A time of day, as `HH:MM`.
#[must_use]
pub fn time(text: &str) -> Option<Time> {
    let (hours, minutes) = text.split_once(':')?;
    let digits = |part: &str| {
        let all = part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
        all.then(|| part.parse::<i8>().ok()).flatten()
    };
    Time::new(digits(hours)?, digits(minutes)?, 0, 0).ok()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::{Hours, TimeZone, Weekday, time};

    const WORKDAYS: [Weekday; 5] =
        [Weekday::Monday, Weekday::Tuesday, Weekday::Wednesday, Weekday::Thursday, Weekday::Friday];

    fn hours(days: &[Weekday], from: &str, to: &str) -> Hours {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        Hours { days: days.to_vec(), from: time(from), to: time(to), zone }
    }

    #[test]
    fn office_hours_follow_the_zone_and_its_summer_time() {
        let office = hours(&WORKDAYS, "09:00", "17:00");
        for (now, inside) in [
            ("2026-07-01T07:00:00Z", true),  // a Wednesday, 9:00 in summer
            ("2026-07-01T06:59:59Z", false), // a second before
            ("2026-07-01T15:00:00Z", false), // the end is outside
            ("2026-01-07T07:30:00Z", false), // 8:30 in winter
            ("2026-07-04T10:00:00Z", false), // a Saturday
        ] {
            assert_eq!(office.contain(now.parse().unwrap()), inside, "{now}");
        }
    }

    #[test]
    fn a_night_is_of_the_day_it_began_on() {
        let night = hours(&[Weekday::Friday], "22:00", "06:00");
        for (now, inside) in [
            ("2026-07-03T21:00:00Z", true),  // Friday, 23:00
            ("2026-07-04T03:00:00Z", true),  // Saturday, 5:00
            ("2026-07-03T03:00:00Z", false), // Friday, 5:00: Thursday's night
            ("2026-07-04T21:00:00Z", false), // Saturday, 23:00
        ] {
            assert_eq!(night.contain(now.parse().unwrap()), inside, "{now}");
        }
    }

    #[test]
    fn without_hours_it_is_all_day() {
        let weekend = hours(&[Weekday::Saturday, Weekday::Sunday], "", "");
        assert!(weekend.contain("2026-07-04T00:00:00Z".parse().unwrap()));
        assert!(!weekend.contain("2026-07-06T00:00:00Z".parse().unwrap()));
    }

    #[test]
    fn times_are_two_digits_each() {
        assert!(time("00:00").is_some() && time("23:59").is_some());
        for wrong in ["24:00", "9:00", "09:60", "09", "", "-1:00", "09:00:00"] {
            assert_eq!(time(wrong), None, "{wrong}");
        }
    }
}
