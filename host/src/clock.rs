//! Wall-clock time, in one place. Everything that waits or measures uses monotonic time instead.
//!
//! A runtime whose time is paused has dates of its own where a test asks for them ([`follow_runtime`]), so that a calendar
//! and a pause agree. Nothing else changes what the date is.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// Whether the date goes with the time of the runtime.
static FOLLOWS: AtomicBool = AtomicBool::new(false);

/// Now.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "the one place that asks for the date")]
pub fn now() -> SystemTime {
    let now = SystemTime::now();
    if FOLLOWS.load(Ordering::Relaxed) { as_runtime_has_it(now) } else { now }
}

/// From here on the date is ahead of the world's by as much as the time of the runtime is that asks for it: for tests that
/// pause it. Where it is not paused, nothing changes.
pub fn follow_runtime() {
    FOLLOWS.store(true, Ordering::Relaxed);
}

fn as_runtime_has_it(now: SystemTime) -> SystemTime {
    let (runtime, real) = (tokio::time::Instant::now().into_std(), std::time::Instant::now());
    let moved = match runtime.checked_duration_since(real) {
        Some(ahead) => now.checked_add(ahead),
        None => now.checked_sub(real.saturating_duration_since(runtime)),
    };
    moved.unwrap_or(now)
}

/// Seconds since the Unix epoch.
#[must_use]
pub fn unix_seconds() -> u64 {
    now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
