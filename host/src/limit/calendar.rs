//! Days, weeks and months as people count them: in a time zone, with its summer time.

use super::meter::Micros;
use jiff::civil::Weekday;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _, Zoned};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// A part of a calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// From midnight to midnight.
    Day,
    /// From Monday to Monday.
    Week,
    /// From the first to the first.
    Month,
}

/// A calendar that repeats a part.
#[derive(Debug)]
pub struct Calendar {
    part: Part,
    zone: TimeZone,
    /// The last answer: it stays right for hours, and finding it anew takes microseconds.
    known: [AtomicU64; 2],
}

impl Calendar {
    /// The parts of the calendar in a zone.
    #[must_use]
    pub fn new(part: Part, zone: TimeZone) -> Self {
        Self { part, zone, known: [AtomicU64::new(0), AtomicU64::new(0)] }
    }

    /// The zone of an IANA name.
    #[must_use]
    pub fn zone(name: &str) -> Option<TimeZone> {
        TimeZone::get(name).ok()
    }

    /// From when to when the part lasts that a point in time is in. Where no calendar reaches, that point alone.
    #[must_use]
    pub fn around(&self, now: Micros) -> (Micros, Micros) {
        let [from, to] = &self.known;
        let (from, to) = (from.load(Relaxed), to.load(Relaxed));
        // Two loads may see two answers; what they then say is no part, and `is_part` refuses it.
        if from <= now && now < to && self.is_part(from, to) {
            return (from, to);
        }
        let found = self.find(now).unwrap_or((now, now.saturating_add(1)));
        let [from, to] = &self.known;
        from.store(found.0, Relaxed);
        to.store(found.1, Relaxed);
        found
    }

    fn is_part(&self, from: Micros, to: Micros) -> bool {
        const HOUR: u64 = 3_600_000_000;
        let longest = match self.part {
            Part::Day => 25 * HOUR,
            Part::Week => (7 * 24 + 1) * HOUR,
            Part::Month => (31 * 24 + 1) * HOUR,
        };
        to - from <= longest
    }

    fn find(&self, now: Micros) -> Option<(Micros, Micros)> {
        let now = Timestamp::from_microsecond(i64::try_from(now).ok()?).ok()?.to_zoned(self.zone.clone());
        let today = now.date();
        let (first, step) = match self.part {
            Part::Day => (today, 1.day()),
            Part::Week => {
                let since = today.weekday().since(Weekday::Monday);
                (today.checked_sub(i64::from(since).days()).ok()?, 1.week())
            }
            Part::Month => (today.first_of_month(), 1.month()),
        };
        let next = first.checked_add(step).ok()?;
        let at = |zoned: Zoned| u64::try_from(zoned.timestamp().as_microsecond()).ok();
        let from = at(first.to_zoned(self.zone.clone()).ok()?)?;
        let to = at(next.to_zoned(self.zone.clone()).ok()?)?;
        Some((from, to))
    }
}

impl Clone for Calendar {
    fn clone(&self) -> Self {
        Self::new(self.part, self.zone.clone())
    }
}

impl PartialEq for Calendar {
    fn eq(&self, other: &Self) -> bool {
        self.part == other.part && self.zone == other.zone
    }
}

impl Eq for Calendar {}
