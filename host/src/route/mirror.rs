//! Shadow traffic: a share of a route's requests is sent to another target as well, whose answers nobody gets.
//!
//! Invariants: no more are under way than the bound says, the rest are passed over, not queued; what is mirrored is
//! what the guards let through, and only where data may go.

use super::Route;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// What is mirrored, and whither.
pub struct Mirror {
    /// A route of the one target, without a chain: what goes there is that route's.
    pub route: Arc<Route>,
    /// The share of exchanges, from 0 to 1.
    pub share: f64,
    /// How many may be under way.
    pub places: Arc<Semaphore>,
}

impl Mirror {
    /// A mirror to the target of a route.
    #[must_use]
    pub fn new(route: Arc<Route>, share: f64, at_once: usize) -> Self {
        Self { route, share, places: Arc::new(Semaphore::new(at_once)) }
    }

    /// Whether this exchange is one of the share. By chance, so that no client can choose.
    #[must_use]
    pub fn draws(&self) -> bool {
        fastrand::f64() < self.share
    }

    /// A place, where one is free.
    #[must_use]
    pub fn place(&self) -> Option<OwnedSemaphorePermit> {
        self.places.clone().try_acquire_owned().ok()
    }
}
