//! Days, weeks and months.

use super::*;
use jiff::Timestamp;
use jiff::tz::TimeZone;

fn part(part: Part, zone: &str, at: &str) -> (String, String) {
    let calendar = Calendar::new(part, TimeZone::get(zone).unwrap());
    let micros = |text: &str| u64::try_from(text.parse::<Timestamp>().unwrap().as_microsecond()).unwrap();
    let show = |at: Micros| Timestamp::from_microsecond(i64::try_from(at).unwrap()).unwrap().to_string();
    let (from, to) = calendar.around(micros(at));
    assert_eq!(calendar.around(from), (from, to));
    assert_eq!(calendar.around(to - 1), (from, to));
    assert_eq!(calendar.around(to).0, to);
    (show(from), show(to))
}

#[test]
fn parts_begin_and_end_at_midnight_there() {
    for (of, zone, at, from, to) in [
        (Part::Day, "UTC", "2026-11-21T15:00:00Z", "2026-11-21T00:00:00Z", "2026-11-22T00:00:00Z"),
        (Part::Day, "Asia/Tokyo", "2026-11-21T15:00:00Z", "2026-11-21T15:00:00Z", "2026-11-22T15:00:00Z"),
        // The days that are an hour shorter, and an hour longer.
        (Part::Day, "Europe/Berlin", "2026-03-29T12:00:00Z", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"),
        (Part::Day, "Europe/Berlin", "2026-10-25T12:00:00Z", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"),
        (Part::Week, "UTC", "2026-11-22T23:59:59Z", "2026-11-16T00:00:00Z", "2026-11-23T00:00:00Z"),
        (Part::Month, "UTC", "2024-02-29T00:00:00Z", "2024-02-01T00:00:00Z", "2024-03-01T00:00:00Z"),
        (
            Part::Month,
            "America/New_York",
            "2026-11-01T03:00:00Z",
            "2026-10-01T04:00:00Z",
            "2026-11-01T04:00:00Z",
        ),
    ] {
        assert_eq!(part(of, zone, at), (from.to_owned(), to.to_owned()), "{of:?} {zone} {at}");
    }
}
