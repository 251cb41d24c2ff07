//! What runs out: fetched when first needed, shared, and renewed before its end.
//!
//! Invariants: one fetch at a time; while what was fetched is good, nobody waits for the next, and nobody locks.

use super::SignError;
use arc_swap::ArcSwapOption;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::Instant;

/// Renewed this long before its end by whoever comes by.
const AHEAD: Duration = Duration::from_secs(300);
/// Not used any more this long before its end: clocks differ, and the request takes a while.
const MARGIN: Duration = Duration::from_secs(30);
/// Nothing is believed to be good for longer.
const LONGEST: Duration = Duration::from_secs(86_400);

/// A value that runs out.
#[derive(Debug)]
pub struct Fetched<V> {
    value: V,
    ends: Instant,
}

impl<V> Fetched<V> {
    /// A value that is good for so long.
    #[must_use]
    pub fn new(value: V, good_for: Duration) -> Self {
        Self { value, ends: Instant::now() + good_for.min(LONGEST) }
    }

    fn left(&self) -> Duration {
        self.ends.saturating_duration_since(Instant::now())
    }
}

/// Where such values come from.
pub trait Source: Send + Sync {
    /// What is fetched.
    type Value: Clone + Send + Sync;
    /// Fetches a new one.
    fn fetch(&self) -> impl Future<Output = Result<Fetched<Self::Value>, SignError>> + Send;
}

/// The values of a source.
#[derive(Debug)]
pub struct Renewed<S: Source> {
    source: S,
    current: ArcSwapOption<Fetched<S::Value>>,
    fetching: Mutex<()>,
}

impl<S: Source> Renewed<S> {
    /// The values of a source.
    #[must_use]
    pub fn new(source: S) -> Self {
        Self { source, current: ArcSwapOption::empty(), fetching: Mutex::new(()) }
    }

    /// The source.
    #[must_use]
    pub const fn source(&self) -> &S {
        &self.source
    }

    /// A value that is good.
    ///
    /// # Errors
    /// There is none, and none can be fetched.
    pub async fn get(&self) -> Result<S::Value, SignError> {
        let known = self.current.load_full().filter(|known| known.left() > MARGIN);
        let Some(known) = known else {
            let _turn = self.fetching.lock().await;
            return match self.current.load_full().filter(|known| known.left() > MARGIN) {
                Some(fetched) => Ok(fetched.value.clone()),
                None => self.fetch().await,
            };
        };
        if known.left() < AHEAD
            && let Ok(_turn) = self.fetching.try_lock()
        {
            // What is known is good still: a source that fails now is asked again by the next who comes by.
            return Ok(self.fetch().await.unwrap_or_else(|_| known.value.clone()));
        }
        Ok(known.value.clone())
    }

    async fn fetch(&self) -> Result<S::Value, SignError> {
        let fetched = self.source.fetch().await?;
        let value = fetched.value.clone();
        self.current.store(Some(Arc::new(fetched)));
        Ok(value)
    }
}
