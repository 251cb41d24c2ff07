//! The counters of one process, in its memory.
//!
//! Invariants: what several rules demand together is taken whole or not at all; no lock covers more than a fraction of
//! the counters, and none is held over an await; a counter that is as if never used is forgotten, one that is in use never
//! is: where there is no room for another, its request is refused.

use super::counters::{Counters, Demand, Full, Refusal, Settlement};
use super::key::{Hashed, Key};
use super::meter::{Counter, Level, Meter, Micros};
use futures_util::future::{BoxFuture, FutureExt as _, ready};
use parking_lot::Mutex;
use std::collections::HashMap;

const SHARDS: usize = 64;

/// Counters at most: with each of them some 300 bytes, 300 MB. What a key may name of itself must not fill more.
const MOST: usize = 1_000_000;

type Shard = HashMap<Key, Kept, Hashed>;

struct Kept {
    counter: Counter,
    meter: Meter,
}

/// Counters in memory.
pub struct Local {
    shards: Vec<Mutex<Shard>>,
    most: usize,
}

impl Default for Local {
    fn default() -> Self {
        Self::with_room(MOST)
    }
}

impl Local {
    /// Room for about this many counters.
    #[must_use]
    pub fn with_room(most: usize) -> Self {
        let shards = (0..SHARDS).map(|_| Mutex::default()).collect();
        Self { shards, most: most.div_ceil(SHARDS) }
    }

    /// Counters that are kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().len()).sum()
    }

    /// Whether nothing is counted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A counter that is known from before.
    pub(super) fn restore(&self, key: Key, counter: Counter, meter: Meter) {
        if let Some(shard) = self.shard(&key) {
            shard.lock().insert(key, Kept { counter, meter });
        }
    }

    /// A counter as it is.
    pub(super) fn snapshot(&self, key: &Key) -> Option<Counter> {
        Some(self.shard(key)?.lock().get(key)?.counter.clone())
    }

    fn shard(&self, key: &Key) -> Option<&Mutex<Shard>> {
        self.shards.get(key.part(SHARDS))
    }

    fn take_one(&self, demand: &Demand, now: Micros) -> Result<Level, Refusal> {
        let Some(shard) = self.shard(&demand.key) else { return Err(Refusal::Full(Full)) };
        let mut shard = shard.lock();
        if let Some(kept) = shard.get_mut(&demand.key) {
            kept.meter = demand.meter;
            if demand.soft {
                return Ok(kept.counter.force(&demand.meter, demand.amount, now));
            }
            return kept.counter.take(&demand.meter, demand.amount, now).map_err(Refusal::Short);
        }
        if shard.len() >= self.most {
            shard.retain(|_, kept| !kept.counter.is_fresh(&kept.meter, now));
            if shard.len() >= self.most {
                return Err(Refusal::Full(Full));
            }
        }
        let mut counter = Counter::default();
        let level = match demand.soft {
            true => counter.force(&demand.meter, demand.amount, now),
            false => counter.take(&demand.meter, demand.amount, now).map_err(Refusal::Short)?,
        };
        shard.insert(demand.key.clone(), Kept { counter, meter: demand.meter });
        Ok(level)
    }

    fn settle_one(&self, settlement: &Settlement, now: Micros) {
        let demand = &settlement.demand;
        let Some(shard) = self.shard(&demand.key) else { return };
        let mut shard = shard.lock();
        if let Some(kept) = shard.get_mut(&demand.key) {
            kept.counter.settle(&demand.meter, settlement.taken, demand.amount, settlement.used, now);
        }
    }

    pub(super) fn take_all(&self, demands: &[Demand], now: Micros) -> Result<Vec<Level>, (usize, Refusal)> {
        let mut levels = Vec::with_capacity(demands.len());
        for (place, demand) in demands.iter().enumerate() {
            match self.take_one(demand, now) {
                Ok(level) => levels.push(level),
                Err(refusal) => {
                    for demand in demands.iter().take(place) {
                        let back = Settlement { demand: demand.clone(), taken: now, used: 0 };
                        self.settle_one(&back, now);
                    }
                    return Err((place, refusal));
                }
            }
        }
        Ok(levels)
    }
}

impl Counters for Local {
    fn take<'a>(
        &'a self,
        demands: &'a [Demand],
        now: Micros,
    ) -> BoxFuture<'a, Result<Vec<Level>, (usize, Refusal)>> {
        ready(self.take_all(demands, now)).boxed()
    }

    fn level(&self, demand: &Demand, now: Micros) -> Option<Level> {
        let counter = self.snapshot(&demand.key).unwrap_or_default();
        Some(counter.level(&demand.meter, now))
    }

    fn settle(&self, settlements: &[Settlement], now: Micros) {
        for settlement in settlements {
            self.settle_one(settlement, now);
        }
    }
}
