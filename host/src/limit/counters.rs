//! Where counters are kept: the one thing that replicas may share.

use super::key::Key;
use super::meter::{Level, Meter, Micros, Short};
use futures_util::future::{BoxFuture, FutureExt as _, ready};

/// So much of one counter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Demand {
    /// Which counter.
    pub key: Key,
    /// How it counts.
    pub meter: Meter,
    /// How much.
    pub amount: u64,
    /// Whether it is given whatever there is, and only counted.
    pub soft: bool,
}

/// What became of something taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settlement {
    /// What was taken.
    pub demand: Demand,
    /// When.
    pub taken: Micros,
    /// How much of it was used; it may be more. What is held at the same time is given back whatever this says.
    pub used: u64,
}

/// There is no room for another counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many counters are in use")]
pub struct Full;

/// Why nothing is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The counter has less.
    Short(Short),
    /// There is no room for the counter.
    Full(Full),
    /// The counters cannot be reached.
    Unreachable,
}

/// Keeps counters.
pub trait Counters: Send + Sync {
    /// Takes all of the demands, or nothing; gives what each counter has left.
    ///
    /// The error names the place of the demand that was refused.
    fn take<'a>(
        &'a self,
        demands: &'a [Demand],
        now: Micros,
    ) -> BoxFuture<'a, Result<Vec<Level>, (usize, Refusal)>>;

    /// Replaces what was reserved by what was used. Never waits: it is called where an exchange is dropped.
    fn settle(&self, settlements: &[Settlement], now: Micros);

    /// What a counter says now, where that is known without waiting.
    fn level(&self, _demand: &Demand, _now: Micros) -> Option<Level> {
        None
    }

    /// Writes what is to be kept; to be awaited before the process ends.
    fn close(&self) -> BoxFuture<'_, ()> {
        ready(()).boxed()
    }
}
