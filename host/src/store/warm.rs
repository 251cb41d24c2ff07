//! Which target last answered something that goes on: a conversation, a long beginning of a prompt.
//!
//! Invariants: bounded, and what is not used is forgotten; holds digests and names of targets, no text.

use super::bounded::{Bounded, Limits};
use std::sync::Arc;
use std::time::Duration;

/// What an entry costs: a digest, and a name that the configuration holds as well.
const BYTES: usize = 64;

/// The targets that are warm, by a digest of what they are warm for.
#[derive(Debug)]
pub struct Warm(Bounded<Arc<str>>);

impl Warm {
    /// An empty store of so many entries at most.
    #[must_use]
    pub fn new(entries: usize) -> Self {
        Self(Bounded::new(Limits { entries, bytes: entries.saturating_mul(4 * BYTES) }))
    }

    /// The id of the target that is warm.
    #[must_use]
    pub fn get(&self, digest: u64) -> Option<Arc<str>> {
        self.0.get(&digest.to_le_bytes())
    }

    /// A target is warm from now on, for this long.
    pub fn set(&self, digest: u64, target: Arc<str>, keep: Duration) {
        // An entry is far smaller than what a store takes.
        let _ = self.0.insert(&digest.to_le_bytes(), target, BYTES, Some(keep));
    }
}

#[cfg(test)]
mod tests {
    use super::Warm;
    use std::time::Duration;

    #[tokio::test(start_paused = true)]
    async fn what_is_not_used_is_forgotten() {
        let warm = Warm::new(100);
        warm.set(1, "a/1".into(), Duration::from_secs(60));
        assert_eq!(warm.get(1).as_deref(), Some("a/1"));
        tokio::time::advance(Duration::from_secs(61)).await;
        assert_eq!(warm.get(1), None);
    }

    #[test]
    fn it_is_bounded() {
        let warm = Warm::new(100);
        for digest in 0..10_000 {
            warm.set(digest, "a/1".into(), Duration::from_secs(60));
        }
        assert!((0..10_000).filter(|digest| warm.get(*digest).is_some()).count() <= 100);
    }
}
