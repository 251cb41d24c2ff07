//! A canary: some of a route's exchanges try another target first, and none does any more when it does worse.
//!
//! Invariants: who is in stays in, as long as the share does not shrink; a comparison needs enough exchanges on both
//! sides; once rolled back it stays so until an operator says otherwise or changes its configuration, whatever else is
//! changed meanwhile, and after a restart where there is a journal. Only atomics, but for the reason of a roll-back, which is
//! written once.

mod memory;
#[cfg(test)]
mod tests;

pub use memory::{Memory, name};

use crate::balance::{Median, Ratio};
use parking_lot::Mutex;
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::time::Instant;

/// Failures of more than this share are too many, however the others do.
const TOO_MANY: f64 = 0.5;

/// A canary of a route.
#[derive(Debug)]
pub struct Canary {
    /// The places of its targets.
    pub places: Vec<usize>,
    /// The share of exchanges that try it, from 0 to 1.
    pub share: f64,
    /// What decides who tries it.
    pub by: By,
    /// How it has done.
    pub state: Arc<State>,
}

/// What decides who tries a canary: all requests that have it in common do, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// Each request for itself.
    Request,
    /// The key.
    Key,
    /// The user, or the key where there is none.
    User,
    /// The conversation.
    Conversation,
}

/// When a canary is rolled back.
#[derive(Debug, Clone, PartialEq)]
pub struct RollBack {
    /// The share of failures that it may have beyond the baseline's.
    pub error_rate: Option<f64>,
    /// How many times the baseline's median time it may take.
    pub latency: Option<f64>,
    /// Attempts that each side must have had.
    pub least: u32,
    /// The time in which an attempt loses half of its weight.
    pub half_life: Duration,
}

/// How one side has done.
#[derive(Debug)]
struct Side {
    failures: Ratio,
    times: Median,
}

impl Side {
    fn new(half_life: Duration) -> Self {
        Self { failures: Ratio::new(half_life), times: Median::new(half_life) }
    }
}

/// How a canary and its baseline have done. Outlives configurations that say the same of it.
#[derive(Debug)]
pub struct State {
    /// Whose it is.
    pub tenant: Arc<str>,
    /// The route it is on.
    pub route: Arc<str>,
    /// What the canary's targets are, so that another one draws other exchanges.
    seed: String,
    roll_back: Option<RollBack>,
    born: Instant,
    canary: Side,
    baseline: Side,
    off: AtomicBool,
    why: Mutex<Option<String>>,
    /// Where a roll-back is remembered, and under which name.
    memory: Option<(Arc<Memory>, String)>,
}

/// The figures of one side.
#[derive(Debug, Clone, PartialEq)]
pub struct Figures {
    /// Attempts, by what is left of their weight.
    pub attempts: u32,
    /// The share that failed, where there were any.
    pub error_rate: Option<f64>,
    /// The median time to an answer, where there was one.
    pub latency: Option<Duration>,
}

impl State {
    /// Of a canary that nothing is known of.
    #[must_use]
    pub fn new(tenant: Arc<str>, route: Arc<str>, seed: String, roll_back: Option<RollBack>) -> Self {
        // Without a roll-back the figures are for people to look at.
        let half_life = roll_back.as_ref().map_or(Duration::from_secs(300), |settings| settings.half_life);
        Self {
            tenant,
            route,
            seed,
            roll_back,
            born: Instant::now(),
            canary: Side::new(half_life),
            baseline: Side::new(half_life),
            off: AtomicBool::new(false),
            why: Mutex::default(),
            memory: None,
        }
    }

    /// The same, of which is remembered under a name that it was rolled back. It is, where that is remembered already.
    #[must_use]
    pub fn remembered(self, memory: Arc<Memory>, name: String) -> Self {
        let why = memory.why(&name);
        Self { off: why.is_some().into(), why: Mutex::new(why), memory: Some((memory, name)), ..self }
    }

    /// Whether it was rolled back.
    #[must_use]
    pub fn is_off(&self) -> bool {
        self.off.load(Ordering::Relaxed)
    }

    /// Why it was rolled back.
    #[must_use]
    pub fn why(&self) -> Option<String> {
        self.why.lock().clone()
    }

    /// Lets it try again, with nothing held against it.
    pub fn resume(&self) {
        for side in [&self.canary, &self.baseline] {
            side.failures.forget();
            side.times.forget();
        }
        *self.why.lock() = None;
        if let Some((memory, name)) = &self.memory {
            memory.forget(name);
        }
        self.off.store(false, Ordering::Relaxed);
    }

    /// Figures of the canary and of the baseline.
    #[must_use]
    pub fn figures(&self) -> (Figures, Figures) {
        let age = self.born.elapsed();
        let figures = |side: &Side| Figures {
            attempts: side.failures.samples(age),
            error_rate: side.failures.get(age),
            latency: side.times.get(age),
        };
        (figures(&self.canary), figures(&self.baseline))
    }

    /// An attempt has ended: how long it took where it succeeded. Says why, when it is this one that rolls it back.
    pub fn ended(&self, canary: bool, took: Option<Duration>) -> Option<String> {
        let age = self.born.elapsed();
        let side = if canary { &self.canary } else { &self.baseline };
        side.failures.add(took.is_none(), age);
        if let Some(took) = took {
            side.times.add(took, age);
        }
        self.judge()
    }

    /// An answer that had begun well broke off. Says why, when that rolls it back.
    pub fn broke(&self, canary: bool) -> Option<String> {
        let side = if canary { &self.canary } else { &self.baseline };
        side.failures.amend(self.born.elapsed());
        self.judge()
    }

    fn judge(&self) -> Option<String> {
        let settings = self.roll_back.as_ref().filter(|_| !self.is_off())?;
        let (canary, baseline) = self.figures();
        let why = too_bad(settings, &canary, &baseline)?;
        // Of several that find it at once, one tells.
        if self.off.swap(true, Ordering::Relaxed) {
            return None;
        }
        *self.why.lock() = Some(why.clone());
        if let Some((memory, name)) = &self.memory {
            memory.remember(name, &why);
        }
        Some(why)
    }
}

/// Why a canary is to be rolled back. What is not known of the baseline excuses nothing but what needs comparing.
fn too_bad(settings: &RollBack, canary: &Figures, baseline: &Figures) -> Option<String> {
    if canary.attempts < settings.least {
        return None;
    }
    let comparable = baseline.attempts >= settings.least;
    if let Some((most, rate)) = settings.error_rate.zip(canary.error_rate) {
        let other = baseline.error_rate.filter(|_| comparable);
        let worse = other.is_some_and(|other| rate - other > most);
        if worse || other.is_none() && rate > most.max(TOO_MANY) {
            let other = other.map_or_else(|| "unknown".to_owned(), |other| format!("{other:.3}"));
            return Some(format!("its error rate is {rate:.3}, the baseline's {other}"));
        }
    }
    let (most, took) = settings.latency.zip(canary.latency)?;
    let other = baseline.latency.filter(|_| comparable)?;
    let slower = took.as_secs_f64() > other.as_secs_f64() * most;
    slower.then(|| {
        format!("its median time is {} ms, the baseline's {} ms", took.as_millis(), other.as_millis())
    })
}

impl Canary {
    /// Whether what goes by this name tries the canary.
    #[must_use]
    pub fn draws(&self, name: &str) -> bool {
        !self.state.is_off() && position(&self.state, name) < self.share
    }

    /// Whether a place is one of its targets.
    #[must_use]
    pub fn holds(&self, place: usize) -> bool {
        self.places.contains(&place)
    }
}

/// A number from 0 up to 1 that is always the same for a name, and another for another canary.
#[expect(clippy::cast_precision_loss, reason = "53 bits fit a double")]
fn position(state: &State, name: &str) -> f64 {
    let mut hash = Sha256::new();
    for part in [&*state.tenant, &state.route, &state.seed, name] {
        hash.update(part.len().to_le_bytes());
        hash.update(part);
    }
    let mut bits = [0; 8];
    bits.copy_from_slice(hash.finalize().split_at(8).0);
    (u64::from_le_bytes(bits) >> 11) as f64 / (1_u64 << 53) as f64
}
