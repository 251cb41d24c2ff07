//! What runs out: fetched when first needed, shared, and renewed before its end.
//!
//! Invariants: one fetch at a time; while what was fetched is good, nobody waits for the next; a fetch that fails fails
//! for all who waited for it, so that a source that hangs costs each of them its patience once.

use super::SignError;
use arc_swap::ArcSwapOption;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, OwnedMutexGuard};
use tokio::time::Instant;

/// Renewed this long before its end, or in the last quarter of its time where that is shorter, once somebody comes by.
const AHEAD: Duration = Duration::from_secs(300);
/// After a renewal that failed, the next is not tried sooner.
const AGAIN: Duration = Duration::from_secs(5);
/// Not used any more this long before its end: clocks differ, and the request takes a while.
const MARGIN: Duration = Duration::from_secs(30);
/// Nothing is believed to be good for longer.
const LONGEST: Duration = Duration::from_secs(86_400);

/// A value that runs out.
#[derive(Debug)]
pub struct Fetched<V> {
    value: V,
    ends: Instant,
    ahead: Duration,
}

impl<V> Fetched<V> {
    /// A value that is good for so long.
    #[must_use]
    pub fn new(value: V, good_for: Duration) -> Self {
        let good_for = good_for.min(LONGEST);
        Self { value, ends: Instant::now() + good_for, ahead: AHEAD.min(good_for / 4) }
    }

    fn left(&self) -> Duration {
        self.ends.saturating_duration_since(Instant::now())
    }
}

/// Where such values come from.
pub trait Source: Send + Sync {
    /// What is fetched.
    type Value: Clone + Send + Sync + 'static;
    /// Fetches a new one.
    fn fetch(&self) -> impl Future<Output = Result<Fetched<Self::Value>, SignError>> + Send;
}

/// The values of a source.
pub struct Renewed<S: Source>(Arc<Inner<S>>);

struct Inner<S: Source> {
    source: S,
    current: ArcSwapOption<Fetched<S::Value>>,
    /// Whoever fetches holds it; it remembers the last failure.
    turn: Arc<Mutex<Option<Failure>>>,
}

#[derive(Debug)]
struct Failure {
    at: Instant,
    error: SignError,
}

impl<S: Source + 'static> Renewed<S> {
    /// The values of a source.
    #[must_use]
    pub fn new(source: S) -> Self {
        Self(Arc::new(Inner { source, current: ArcSwapOption::empty(), turn: Arc::default() }))
    }

    /// The source.
    #[must_use]
    pub fn source(&self) -> &S {
        &self.0.source
    }

    /// A value that is good.
    ///
    /// # Errors
    /// There is none, and none can be fetched.
    pub async fn get(&self) -> Result<S::Value, SignError> {
        let Some(known) = self.0.good() else { return self.fetched().await };
        if known.left() < known.ahead
            && let Ok(turn) = self.0.turn.clone().try_lock_owned()
            && turn.as_ref().is_none_or(|failure| failure.at.elapsed() >= AGAIN)
        {
            let inner = self.0.clone();
            tokio::spawn(async move {
                if let Err(error) = inner.fetch(turn).await {
                    tracing::warn!(%error, "a credential could not be renewed");
                }
            });
        }
        Ok(known.value.clone())
    }

    async fn fetched(&self) -> Result<S::Value, SignError> {
        let asked = Instant::now();
        let turn = self.0.turn.clone().lock_owned().await;
        if let Some(fetched) = self.0.good() {
            return Ok(fetched.value.clone());
        }
        match turn.as_ref() {
            Some(failure) if failure.at > asked => Err(failure.error.clone()),
            _ => self.0.fetch(turn).await,
        }
    }
}

impl<S: Source> Inner<S> {
    fn good(&self) -> Option<Arc<Fetched<S::Value>>> {
        self.current.load_full().filter(|known| known.left() > MARGIN)
    }

    async fn fetch(&self, mut turn: OwnedMutexGuard<Option<Failure>>) -> Result<S::Value, SignError> {
        match self.source.fetch().await {
            Ok(fetched) => {
                let value = fetched.value.clone();
                self.current.store(Some(Arc::new(fetched)));
                *turn = None;
                Ok(value)
            }
            Err(error) => {
                *turn = Some(Failure { at: Instant::now(), error: error.clone() });
                Err(error)
            }
        }
    }
}
