//! Wall-clock time, in one place. Everything that waits or measures uses monotonic time instead.

use std::time::{SystemTime, UNIX_EPOCH};

/// Now.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "the one place that asks for the date")]
pub fn now() -> SystemTime {
    SystemTime::now()
}

/// Seconds since the Unix epoch.
#[must_use]
pub fn unix_seconds() -> u64 {
    now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
