//! When a provider says it is worth trying again.
//!
//! Invariants: what it does not say, or not in a way there is, is not known; a time that is over is now; no provider can put
//! anything off for longer than a day.
//! Source: RFC 9110, section 10.2.3; `retry-after-ms` is OpenAI's.

use http::HeaderMap;
use std::time::{Duration, SystemTime};

/// What is further away is looked at again after this time.
const LONGEST: Duration = Duration::from_secs(24 * 3_600);

/// How long to wait by these headers: milliseconds, seconds, or until a date. `now` is on the wall clock.
#[must_use]
pub fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = |name: &str| Some(headers.get(name)?.to_str().ok()?.trim());
    let seconds = |text: &str| Duration::try_from_secs_f64(text.parse().ok()?).ok();
    let millis = text("retry-after-ms").and_then(|text| Some(seconds(text)? / 1_000));
    let said = millis.or_else(|| {
        let text = text("retry-after")?;
        seconds(text).or_else(|| {
            let date = httpdate::parse_http_date(text).ok()?;
            Some(date.duration_since(now).unwrap_or_default())
        })
    })?;
    Some(said.min(LONGEST))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use proptest::prelude::*;

    /// Tue, 14 Nov 2023 22:13:20 GMT.
    fn now() -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000)
    }

    fn read(pairs: &[(&'static str, &str)]) -> Option<Duration> {
        let headers = pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        retry_after(&headers.collect(), now())
    }

    #[test]
    fn it_is_said_in_seconds_in_milliseconds_or_as_a_date() {
        for (said, seconds) in [
            ("7", 7.0),
            (" 1.5 ", 1.5),
            ("0", 0.0),
            ("Tue, 14 Nov 2023 22:14:00 GMT", 40.0),
            ("Tuesday, 14-Nov-23 22:14:00 GMT", 40.0),
            ("Tue Nov 14 22:14:00 2023", 40.0),
            ("Tue, 14 Nov 2023 22:00:00 GMT", 0.0),
            ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0),
            ("Fri, 31 Dec 9999 23:59:59 GMT", 86_400.0),
            ("1e300", 86_400.0),
            ("99999999", 86_400.0),
        ] {
            let read = read(&[("retry-after", said)]);
            // What no duration holds is not known.
            assert!(
                read == Some(Duration::from_secs_f64(seconds)) || said == "1e300" && read.is_none(),
                "{said}"
            );
        }
        assert_eq!(
            read(&[("retry-after", "9"), ("retry-after-ms", "250")]),
            Some(Duration::from_millis(250))
        );
        assert_eq!(read(&[("retry-after", "9"), ("retry-after-ms", "soon")]), Some(Duration::from_secs(9)));
    }

    #[test]
    fn what_is_none_is_not_known() {
        for said in ["", "-1", "soon", "NaN", "inf", "Tue, 32 Nov 2023 22:14:00 GMT", "2023-11-14T22:14:00Z"]
        {
            assert_eq!(read(&[("retry-after", said)]), None, "{said}");
        }
        assert_eq!(read(&[]), None);
    }

    proptest! {
        #[test]
        fn no_header_panics_or_puts_off_for_long(said in "[ -~]{0,40}", ms in "[0-9.e+-]{0,12}") {
            let read = read(&[("retry-after", &said), ("retry-after-ms", &ms)]);
            prop_assert!(read.is_none_or(|wait| wait <= LONGEST));
        }
    }
}
