//! What a provider says of its own limits in the headers of its answers: how much is left, and when there is more.
//!
//! Invariants: what it does not say is not known, never zero; what it said is forgotten when it has reset; no lock.
//! Source: OpenAI's `x-ratelimit-*` (as Azure, Groq and others send them), Anthropic's `anthropic-ratelimit-*`, and
//! `ratelimit-*` of the IETF's draft.

use http::HeaderMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, SystemTime};

/// A reset that is further away is looked at again after this time.
const LONGEST: Duration = Duration::from_secs(300);
/// How long nothing is left where the provider does not say.
const UNSAID: Duration = Duration::from_secs(1);

const UNKNOWN: u64 = u64::MAX;

/// The names of what may be left, as signals have them.
const NAMES: [&str; 4] = ["requests-left", "tokens-left", "input-tokens-left", "output-tokens-left"];

/// Where each is said: what is left, and when it resets.
const HEADERS: [(usize, &str, &str); 7] = [
    (0, "x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"),
    (1, "x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"),
    (0, "anthropic-ratelimit-requests-remaining", "anthropic-ratelimit-requests-reset"),
    (1, "anthropic-ratelimit-tokens-remaining", "anthropic-ratelimit-tokens-reset"),
    (2, "anthropic-ratelimit-input-tokens-remaining", "anthropic-ratelimit-input-tokens-reset"),
    (3, "anthropic-ratelimit-output-tokens-remaining", "anthropic-ratelimit-output-tokens-reset"),
    (0, "ratelimit-remaining", "ratelimit-reset"),
];

#[derive(Debug)]
struct Slot {
    left: AtomicU64,
    /// Microseconds of whoever asks.
    reset: AtomicU64,
}

impl Default for Slot {
    fn default() -> Self {
        Self { left: AtomicU64::new(UNKNOWN), reset: AtomicU64::new(0) }
    }
}

/// What a provider said last.
#[derive(Debug, Default)]
pub(super) struct Learnt {
    slots: [Slot; 4],
    /// Whether it speaks for the whole target, and not for one of several keys.
    alone: AtomicBool,
}

impl Learnt {
    /// Reads the headers of an answer that came at `age`; `now` is that on the wall clock.
    pub fn read(&self, headers: &HeaderMap, alone: bool, age: Duration, now: SystemTime) {
        for (place, left, reset) in HEADERS {
            let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
            let Some(left) = text(left).and_then(|text| text.trim().parse::<u64>().ok()) else { continue };
            let Some(slot) = self.slots.get(place) else { continue };
            let reset = text(reset).and_then(|text| until(text.trim(), now)).unwrap_or(UNSAID);
            slot.reset.store(super::micros(age.saturating_add(reset.min(LONGEST))), Relaxed);
            slot.left.store(left.min(UNKNOWN - 1), Relaxed);
            self.alone.store(alone, Relaxed);
        }
    }

    /// How long nothing is left of something.
    pub fn exhausted(&self, age: Duration) -> Option<Duration> {
        if !self.alone.load(Relaxed) {
            return None;
        }
        let empty = self.slots.iter().filter(|slot| slot.left.load(Relaxed) == 0);
        let left = empty.filter_map(|slot| Duration::from_micros(slot.reset.load(Relaxed)).checked_sub(age));
        left.max().filter(|left| !left.is_zero())
    }

    /// What is left of something.
    #[expect(clippy::cast_precision_loss, reason = "nobody counts what is left to the last of 2^52")]
    pub fn left(&self, name: &str, age: Duration) -> Option<f64> {
        let (_, slot) = NAMES.iter().zip(&self.slots).find(|(known, _)| **known == name)?;
        let left = slot.left.load(Relaxed);
        let holds = left != UNKNOWN && slot.reset.load(Relaxed) > super::micros(age);
        holds.then_some(left as f64)
    }
}

/// How long until a point in time that is said in one of the ways there are: `6m0s`, seconds, seconds or milliseconds
/// since the Unix epoch, or a date.
fn until(text: &str, now: SystemTime) -> Option<Duration> {
    let since_epoch = |at: Duration| {
        let now = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        at.saturating_sub(now)
    };
    if let Ok(number) = text.parse::<f64>() {
        return match number {
            ms if ms >= 1e12 => Duration::try_from_secs_f64(ms / 1e3).ok().map(since_epoch),
            seconds if seconds >= 1e9 => Duration::try_from_secs_f64(seconds).ok().map(since_epoch),
            seconds => Duration::try_from_secs_f64(seconds).ok(),
        };
    }
    if let Ok(at) = text.parse::<jiff::Timestamp>() {
        let at = u64::try_from(at.as_microsecond()).ok().map(Duration::from_micros)?;
        return Some(since_epoch(at));
    }
    parts(text)
}

/// A duration in parts, such as `1h6m0.5s` or `20ms`.
fn parts(mut text: &str) -> Option<Duration> {
    let mut sum = Duration::ZERO;
    while !text.is_empty() {
        let number = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (amount, rest) = text.split_at(number);
        let unit = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        let (unit, rest) = rest.split_at(unit);
        let seconds = match unit {
            "ms" => 1e-3,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3_600.0,
            "d" => 86_400.0,
            _ => return None,
        };
        let part = Duration::try_from_secs_f64(amount.parse::<f64>().ok()? * seconds).ok()?;
        sum = sum.checked_add(part)?;
        text = rest;
    }
    Some(sum)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use proptest::prelude::*;

    const NOW: u64 = 1_700_000_000;

    fn now() -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(NOW)
    }

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    fn left(learnt: &Learnt, seconds: u64) -> Vec<(&'static str, f64)> {
        let age = Duration::from_secs(seconds);
        NAMES.iter().filter_map(|name| Some((*name, learnt.left(name, age)?))).collect()
    }

    #[test]
    fn resets_are_read_in_every_way_there_is() {
        for (text, seconds) in [
            ("6m0s", 360.0),
            ("1h2m3.5s", 3_723.5),
            ("20ms", 0.02),
            ("1d", 86_400.0),
            ("0", 0.0),
            ("12.5", 12.5),
            ("1700000010", 10.0),
            ("1700000010500", 10.5),
            ("1600000000", 0.0),
            ("2023-11-14T22:13:30Z", 10.0),
        ] {
            assert_eq!(until(text, now()), Some(Duration::from_secs_f64(seconds)), "{text}");
        }
        for text in ["", "-1", "soon", "6x", "m", "NaN", "inf", "1e400", "99999999999999999999d", "..s"] {
            let read = until(text, now());
            assert!(read.is_none() || text.is_empty() && read == Some(Duration::ZERO), "{text}: {read:?}");
        }
    }

    #[test]
    fn nothing_is_left_until_the_reset() {
        let learnt = Learnt::default();
        let at = Duration::from_secs;
        let openai = [
            ("x-ratelimit-remaining-requests", "0"),
            ("x-ratelimit-reset-requests", "10s"),
            ("x-ratelimit-remaining-tokens", "900"),
            ("x-ratelimit-reset-tokens", "1m"),
        ];
        assert_eq!((learnt.exhausted(at(5)), left(&learnt, 5)), (None, vec![]));
        learnt.read(&headers(&openai), true, at(5), now());
        assert_eq!((learnt.exhausted(at(6)), learnt.exhausted(at(15))), (Some(at(9)), None));
        assert_eq!(left(&learnt, 6), [("requests-left", 0.0), ("tokens-left", 900.0)]);
        assert_eq!(left(&learnt, 16).len(), 1, "what has reset is not known");
        // The next answer knows better.
        learnt.read(&headers(&[("x-ratelimit-remaining-requests", "3")]), true, at(7), now());
        assert_eq!(learnt.exhausted(at(7)), None);
        // One of several keys says nothing of the target.
        learnt.read(&headers(&openai), false, at(8), now());
        assert_eq!(learnt.exhausted(at(8)), None);
    }

    #[test]
    fn anthropic_says_it_in_its_own_way() {
        let learnt = Learnt::default();
        let said = [
            ("anthropic-ratelimit-output-tokens-remaining", "0"),
            ("anthropic-ratelimit-output-tokens-reset", "2023-11-14T22:13:40Z"),
        ];
        learnt.read(&headers(&said), true, Duration::ZERO, now());
        assert_eq!(learnt.exhausted(Duration::ZERO), Some(Duration::from_secs(20)));
        // A day is looked at again before it is over; a reset that is not said is near.
        let far = [("ratelimit-remaining", "0"), ("ratelimit-reset", "86400")];
        learnt.read(&headers(&far), true, Duration::ZERO, now());
        assert_eq!(learnt.exhausted(Duration::ZERO), Some(LONGEST));
    }

    proptest! {
        #[test]
        fn no_header_panics(left in "[0-9a-z.]{0,24}", reset in "[0-9a-zTZ:.+-]{0,24}") {
            let learnt = Learnt::default();
            let said = headers(&[("x-ratelimit-remaining-tokens", &left), ("x-ratelimit-reset-tokens", &reset)]);
            learnt.read(&said, true, Duration::from_secs(1), now());
            prop_assert!(learnt.exhausted(Duration::from_secs(1)).is_none_or(|left| left <= LONGEST));
        }
    }
}
