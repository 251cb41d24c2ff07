//! Requests that wait for a limit: who is next, and when it is worth a look.
//!
//! One lane for each counter that has nobody left to give to. First come those of a higher class; within a class each
//! tenant gets its share, by what its requests ask for (start-time fair queueing), and within a tenant the first is the
//! first. Invariants: only the first of a lane looks at its counter, and only when something was given back or when the
//! counter said that there would be more; who stops waiting, in whatever way, makes room at once; what waits is bounded;
//! where nothing waits, no lock is taken.

use parking_lot::Mutex;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::Notify;

/// How often the first looks again where nobody can tell it when: others may share its counter.
const LOOK: Duration = Duration::from_secs(1);

/// Before whom a request is: its class, its share's turn, its number.
type Place = (u8, u128, u64);

#[derive(Default)]
struct Lane {
    places: BTreeMap<Place, Arc<Notify>>,
    /// Where the turns of each class have come to.
    turns: HashMap<u8, u128>,
    /// The turn after the last one of each class and tenant.
    next: HashMap<(u8, Arc<str>), u128>,
}

#[derive(Default)]
struct State {
    lanes: HashMap<Arc<str>, Lane>,
    /// How many wait, by rule.
    counts: HashMap<Arc<str>, usize>,
    number: u64,
}

/// Requests that wait.
#[derive(Default)]
pub struct Waiting {
    state: Mutex<State>,
    count: AtomicUsize,
}

/// Who wants to wait.
#[derive(Debug, Clone, Copy)]
pub(super) struct Who<'a> {
    pub tenant: &'a str,
    pub class: u8,
    /// What it asks for: a tenant whose requests ask for more waits more often.
    pub amount: u64,
}

impl Waiting {
    /// How many wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.count.load(Ordering::Acquire)
    }

    /// Whether nobody waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether somebody waits for a counter.
    pub(super) fn has(&self, key: &str) -> bool {
        !self.is_empty() && self.state.lock().lanes.contains_key(key)
    }

    /// Something was given back to a counter: its first has a look.
    pub(super) fn freed(&self, key: &str) {
        if !self.is_empty()
            && let Some(lane) = self.state.lock().lanes.get(key)
        {
            lane.call();
        }
    }

    /// A place in the lane of a counter; none where `most` wait for the rule already.
    pub(super) fn join(
        self: &Arc<Self>,
        rule: &Arc<str>,
        key: &Arc<str>,
        who: Who<'_>,
        most: usize,
    ) -> Option<Ticket> {
        let mut state = self.state.lock();
        let waiting = state.counts.entry(rule.clone()).or_default();
        if *waiting >= most {
            return None;
        }
        *waiting += 1;
        state.number += 1;
        let number = state.number;
        let lane = state.lanes.entry(key.clone()).or_default();
        let flow = (who.class, Arc::from(who.tenant));
        let now = lane.turns.get(&who.class).copied().unwrap_or_default();
        let turn = lane.next.get(&flow).copied().unwrap_or_default().max(now);
        lane.next.insert(flow, turn + u128::from(who.amount.max(1)));
        let (place, called) = ((who.class, turn, number), Arc::new(Notify::new()));
        lane.places.insert(place, called.clone());
        self.count.fetch_add(1, Ordering::AcqRel);
        Some(Ticket {
            waiting: self.clone(),
            rule: rule.clone(),
            key: key.clone(),
            place,
            called,
            served: false,
        })
    }
}

impl Lane {
    fn call(&self) {
        if let Some(first) = self.places.values().next() {
            first.notify_one();
        }
    }
}

/// A place among those that wait. Dropped, it is free.
pub(super) struct Ticket {
    waiting: Arc<Waiting>,
    rule: Arc<str>,
    pub key: Arc<str>,
    place: Place,
    called: Arc<Notify>,
    served: bool,
}

impl Ticket {
    /// Whether nobody is before it.
    pub fn is_first(&self) -> bool {
        let state = self.waiting.state.lock();
        let first = state.lanes.get(&self.key).and_then(|lane| lane.places.keys().next());
        first == Some(&self.place)
    }

    /// Waits until it is worth a look: it is the first, and something was given back, or it has just become the first, or
    /// `pause` is over.
    pub async fn turn(&self, pause: Option<Duration>) {
        let pause = tokio::time::sleep(pause.unwrap_or(LOOK));
        tokio::pin!(pause);
        loop {
            if self.is_first() {
                tokio::select! {
                    () = self.called.notified() => {}
                    () = &mut pause => {}
                }
            } else {
                self.called.notified().await;
            }
            if self.is_first() {
                return;
            }
        }
    }

    /// It got what it waited for.
    pub fn served(mut self) {
        self.served = true;
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut state = self.waiting.state.lock();
        if let Some(waiting) = state.counts.get_mut(&self.rule) {
            *waiting = waiting.saturating_sub(1);
            if *waiting == 0 {
                state.counts.remove(&self.rule);
            }
        }
        if let Some(lane) = state.lanes.get_mut(&self.key) {
            let was_first = lane.places.keys().next() == Some(&self.place);
            lane.places.remove(&self.place);
            if self.served {
                let turn = lane.turns.entry(self.place.0).or_default();
                *turn = self.place.1.max(*turn);
            }
            if lane.places.is_empty() {
                state.lanes.remove(&self.key);
            } else if was_first {
                lane.call();
            }
        }
        self.waiting.count.fetch_sub(1, Ordering::AcqRel);
    }
}
