//! What a route's router was told so far, and what it said that holds for more than one exchange.
//!
//! Never locks: what is kept is replaced whole, and of two that replace it at once either is right.

use arc_swap::ArcSwapOption;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::time::Duration;
use tokio::time::Instant;

/// What is known of the rankings of a route.
#[derive(Debug, Default)]
pub struct Rankings {
    /// How often the targets were ranked: what takes turns goes by it.
    pub turns: AtomicU64,
    /// Whether its router ever asked how good the targets are: then it matters what users say of their answers.
    pub by_quality: AtomicBool,
    /// The orders that hold, of whole answers and of streams.
    held: [ArcSwapOption<Held>; 2],
}

/// An order of targets that its router will not change before its time is over.
#[derive(Debug)]
struct Held {
    /// Which were ranked.
    places: Box<[usize]>,
    /// The same or fewer, best first.
    order: Box<[usize]>,
    until: Instant,
}

impl Rankings {
    /// The order of these targets, where one holds.
    #[must_use]
    pub fn held(&self, places: &[usize], streaming: bool) -> Option<Vec<usize>> {
        let held = self.of(streaming).load();
        let held = held.as_ref().filter(|held| *held.places == *places && Instant::now() < held.until)?;
        Some(held.order.to_vec())
    }

    /// Keeps an order of these targets for so long, in the place of what was kept.
    pub fn hold(&self, places: &[usize], streaming: bool, order: &[usize], holds: Duration) {
        let until = Instant::now() + holds;
        let held = Held { places: places.into(), order: order.into(), until };
        self.of(streaming).store(Some(Arc::new(held)));
    }

    const fn of(&self, streaming: bool) -> &ArcSwapOption<Held> {
        let [whole, streams] = &self.held;
        if streaming { streams } else { whole }
    }
}

#[cfg(test)]
mod tests {
    use super::Rankings;
    use std::time::Duration;

    #[tokio::test(start_paused = true)]
    async fn an_order_holds_for_whoever_asks_alike_and_until_its_time_is_over() {
        let rankings = Rankings::default();
        assert_eq!(rankings.held(&[0, 1], false), None);
        rankings.hold(&[0, 1], false, &[1, 0], Duration::from_millis(10));
        assert_eq!(rankings.held(&[0, 1], false), Some(vec![1, 0]));
        assert_eq!((rankings.held(&[0, 1], true), rankings.held(&[1], false)), (None, None));
        tokio::time::advance(Duration::from_millis(9)).await;
        assert_eq!(rankings.held(&[0, 1], false), Some(vec![1, 0]));
        tokio::time::advance(Duration::from_millis(1)).await;
        assert_eq!(rankings.held(&[0, 1], false), None);
    }
}
