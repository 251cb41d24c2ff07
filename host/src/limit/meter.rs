//! The arithmetic of one counter: what may be taken now, and when there will be more.
//!
//! Pure: time is an argument, in microseconds of the wall clock. Integers throughout, so that nothing is lost or won by
//! rounding; where something must be rounded, it is against the taker. Invariant: what is taken never exceeds the limit;
//! only a settlement that finds more used than was reserved can, and then nothing more is given until that is paid off.

use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A point in time: microseconds since the Unix epoch.
pub type Micros = u64;

/// Parts that a window is counted in. What lies in the oldest counts whole: a window forgets up to a fifteenth late, and
/// never early.
const SLOTS: usize = 16;

/// How a counter counts, and how much it gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Meter {
    /// No more than `limit` within any `window`.
    Window {
        /// How much.
        limit: u64,
        /// In how long.
        window: Duration,
    },
    /// A bucket that holds `burst`, and into which `limit` flow in each `window`.
    Bucket {
        /// How much flows in.
        limit: u64,
        /// In how long.
        window: Duration,
        /// How much it holds.
        burst: u64,
    },
    /// No more than `limit` at the same time.
    AtOnce {
        /// How many.
        limit: u64,
    },
    /// No more than `limit` from one point in time to another.
    Period {
        /// How much.
        limit: u64,
        /// When it begins.
        from: Micros,
        /// When it is over.
        to: Micros,
    },
}

/// What a counter has to give after it was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Level {
    /// The most it ever gives.
    pub limit: u64,
    /// What it would still give now.
    pub remaining: u64,
    /// What was used, as far as it is settled. It may be more than the limit.
    pub used: u64,
    /// How long until it would give all again; nothing for what is held, which nobody knows.
    pub reset: Duration,
}

/// A counter gives less than was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Short {
    /// What it has.
    pub level: Level,
    /// How long until it gives as much, if nobody else takes it; none where it never does, or nobody knows.
    pub wait: Option<Duration>,
}

/// The state of one counter. One that was never used is [`Counter::default`].
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub enum Counter {
    /// Nothing was taken yet.
    #[default]
    Fresh,
    /// Of [`Meter::Window`].
    Window(Box<Window>),
    /// Of [`Meter::Bucket`].
    Bucket(Bucket),
    /// Of [`Meter::AtOnce`].
    AtOnce(u64),
    /// Of [`Meter::Period`].
    Period(Period),
}

/// What was taken in the last slots, the one of `newest` included.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Window {
    /// The number of the newest slot since the epoch.
    newest: u64,
    /// By the slot's number, modulo [`SLOTS`].
    taken: [u64; SLOTS],
}

/// A bucket's level.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Bucket {
    /// What is missing from full, in units times microseconds of the window; so it drains by `limit` a microsecond.
    missing: u128,
    at: Micros,
}

/// What was used in a period, and what is promised.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Period {
    from: Micros,
    used: u64,
    reserved: u64,
}

impl Meter {
    /// The most it gives at once.
    #[must_use]
    pub const fn most(&self) -> u64 {
        match *self {
            Self::Window { limit, .. } | Self::AtOnce { limit } | Self::Period { limit, .. } => limit,
            Self::Bucket { burst, .. } => burst,
        }
    }
}

impl Counter {
    /// Takes `amount`, or nothing at all.
    ///
    /// # Errors
    /// There is less.
    pub fn take(&mut self, meter: &Meter, amount: u64, now: Micros) -> Result<Level, Short> {
        let level = self.level(meter, now);
        if amount > level.remaining {
            let wait = if amount > meter.most() { None } else { self.wait(meter, amount, now) };
            return Err(Short { level, wait });
        }
        self.add(meter, amount, now);
        let left = self.level(meter, now);
        Ok(Level { remaining: level.remaining - amount, ..left })
    }

    /// Takes `amount`, whatever there is: of what is only watched.
    pub fn force(&mut self, meter: &Meter, amount: u64, now: Micros) -> Level {
        self.add(meter, amount, now);
        self.level(meter, now)
    }

    /// Replaces what was reserved at `taken` by what was used: more, or less.
    pub fn settle(&mut self, meter: &Meter, taken: Micros, reserved: u64, used: u64, now: Micros) {
        match (self, *meter) {
            (Self::Window(state), Meter::Window { window, .. }) => {
                let slot = number(taken, window);
                // What has left the window is of no account any more.
                if state.newest.saturating_sub(slot) < SLOTS as u64 {
                    state.change(slot, |taken| taken.saturating_sub(reserved).saturating_add(used));
                }
            }
            (Self::Bucket(state), Meter::Bucket { limit, window, .. }) => {
                state.drain(limit, now);
                let each = u128::from(micros(window));
                let (back, more) = (u128::from(reserved) * each, u128::from(used) * each);
                state.missing = state.missing.saturating_sub(back).saturating_add(more);
            }
            (Self::AtOnce(held), _) => *held = held.saturating_sub(reserved),
            (Self::Period(state), Meter::Period { from, .. }) if state.from == from => {
                state.reserved = state.reserved.saturating_sub(reserved);
                state.used = state.used.saturating_add(used);
            }
            // Another period has begun, or the rule is another by now: what was reserved is forgotten already.
            _ => {}
        }
    }

    /// What it is when nobody is left to settle what was reserved.
    pub(super) fn abandoned(mut self) -> Self {
        if let Self::Period(state) = &mut self {
            state.used = state.used.saturating_add(std::mem::take(&mut state.reserved));
        }
        self
    }

    /// Whether it is as if nothing had ever been taken.
    #[must_use]
    pub fn is_fresh(&self, meter: &Meter, now: Micros) -> bool {
        match (self, meter) {
            (Self::Period(state), Meter::Period { to, .. }) => {
                now >= *to || (state.used == 0 && state.reserved == 0)
            }
            (Self::AtOnce(held), _) => *held == 0,
            _ => self.level(meter, now).remaining >= meter.most(),
        }
    }

    /// What it would give now.
    #[must_use]
    pub fn level(&self, meter: &Meter, now: Micros) -> Level {
        let limit = meter.most();
        let (remaining, used, reset) = match (self, *meter) {
            (Self::Window(state), Meter::Window { window, .. }) => {
                let used = state.sum(number(now, window));
                let reset = if used == 0 { Duration::ZERO } else { state.reset(now, window) };
                (limit.saturating_sub(used), used, reset)
            }
            (Self::Bucket(state), Meter::Bucket { limit: flow, window, burst }) => {
                let missing = state.missing_at(flow, now);
                let each = u128::from(micros(window));
                let units = u64::try_from(missing.div_ceil(each)).unwrap_or(u64::MAX);
                (burst.saturating_sub(units), units, after(missing, flow))
            }
            (Self::AtOnce(held), _) => (limit.saturating_sub(*held), *held, Duration::ZERO),
            (Self::Period(state), Meter::Period { from, to, .. }) if state.from == from => {
                let gone = state.used.saturating_add(state.reserved);
                (
                    limit.saturating_sub(gone),
                    state.used,
                    if gone == 0 { Duration::ZERO } else { Duration::from_micros(to.saturating_sub(now)) },
                )
            }
            _ => (limit, 0, Duration::ZERO),
        };
        Level { limit, remaining, used, reset }
    }

    /// How long until `amount` can be taken.
    fn wait(&self, meter: &Meter, amount: u64, now: Micros) -> Option<Duration> {
        match (self, *meter) {
            (Self::Window(state), Meter::Window { limit, window }) => {
                Some(state.wait(limit - amount, now, window))
            }
            (Self::Bucket(state), Meter::Bucket { limit, window, burst }) => {
                let each = u128::from(micros(window));
                let allowed = u128::from(burst - amount) * each;
                Some(after(state.missing_at(limit, now).saturating_sub(allowed), limit))
            }
            (Self::Period(_), Meter::Period { to, .. }) => {
                Some(Duration::from_micros(to.saturating_sub(now)))
            }
            _ => None,
        }
    }

    /// Takes, whatever there is.
    pub(super) fn add(&mut self, meter: &Meter, amount: u64, now: Micros) {
        match *meter {
            Meter::Window { window, .. } => {
                if !matches!(self, Self::Window(_)) {
                    *self = Self::Window(Box::default());
                }
                if let Self::Window(state) = self {
                    let slot = number(now, window);
                    state.advance(slot);
                    state.change(state.newest, |taken| taken.saturating_add(amount));
                }
            }
            Meter::Bucket { limit, window, .. } => {
                if !matches!(self, Self::Bucket(_)) {
                    *self = Self::Bucket(Bucket { missing: 0, at: now });
                }
                if let Self::Bucket(state) = self {
                    state.drain(limit, now);
                    state.missing =
                        state.missing.saturating_add(u128::from(amount) * u128::from(micros(window)));
                }
            }
            Meter::AtOnce { .. } => match self {
                Self::AtOnce(held) => *held = held.saturating_add(amount),
                _ => *self = Self::AtOnce(amount),
            },
            Meter::Period { from, .. } => match self {
                Self::Period(state) if state.from == from => {
                    state.reserved = state.reserved.saturating_add(amount);
                }
                _ => *self = Self::Period(Period { from, used: 0, reserved: amount }),
            },
        }
    }
}

impl Window {
    fn change(&mut self, slot: u64, to: impl FnOnce(u64) -> u64) {
        if let Some(taken) = self.taken.get_mut(place(slot)) {
            *taken = to(*taken);
        }
    }

    fn at(&self, slot: u64) -> u64 {
        self.taken.get(place(slot)).copied().unwrap_or_default()
    }

    /// Forgets what lies behind the window that `slot` ends. A clock that goes back changes nothing.
    fn advance(&mut self, slot: u64) {
        let gone = slot.saturating_sub(self.newest).min(SLOTS as u64);
        for old in 0..gone {
            self.change(slot - old, |_| 0);
        }
        self.newest = self.newest.max(slot);
    }

    /// What counts in the window that ends in `slot`.
    fn sum(&self, slot: u64) -> u64 {
        let slot = slot.max(self.newest);
        let gone = slot - self.newest;
        if gone == 0 {
            return self.taken.iter().fold(0, |sum: u64, taken| sum.saturating_add(*taken));
        }
        let kept = (SLOTS as u64).saturating_sub(gone);
        (0..kept).fold(0, |sum: u64, back| sum.saturating_add(self.at(self.newest.saturating_sub(back))))
    }

    /// When a slot no longer counts.
    fn leaves(slot: u64, window: Duration) -> Micros {
        (slot + SLOTS as u64).saturating_mul(length(window))
    }

    /// How long until all of it has left.
    fn reset(&self, now: Micros, window: Duration) -> Duration {
        let newest = (0..SLOTS as u64)
            .map(|back| self.newest.saturating_sub(back))
            .find(|slot| self.at(*slot) > 0)
            .unwrap_or(self.newest);
        Duration::from_micros(Self::leaves(newest, window).saturating_sub(now))
    }

    /// How long until no more than `rest` counts.
    fn wait(&self, rest: u64, now: Micros, window: Duration) -> Duration {
        let current = number(now, window).max(self.newest);
        let oldest = current.saturating_sub(SLOTS as u64 - 1);
        let mut sum = self.sum(current);
        for slot in oldest..=self.newest {
            if sum <= rest {
                break;
            }
            sum = sum.saturating_sub(self.at(slot));
            if sum <= rest {
                return Duration::from_micros(Self::leaves(slot, window).saturating_sub(now));
            }
        }
        Duration::ZERO
    }
}

impl Bucket {
    fn missing_at(&self, flow: u64, now: Micros) -> u128 {
        self.missing.saturating_sub(u128::from(flow) * u128::from(now.saturating_sub(self.at)))
    }

    fn drain(&mut self, flow: u64, now: Micros) {
        self.missing = self.missing_at(flow, now);
        self.at = self.at.max(now);
    }
}

/// How long `flow` units a microsecond need for `missing`, rounded up.
fn after(missing: u128, flow: u64) -> Duration {
    let flow = u128::from(flow.max(1));
    Duration::from_micros(u64::try_from(missing.div_ceil(flow)).unwrap_or(u64::MAX))
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX).max(1)
}

/// The length of a slot: with one less than there are, they cover the window at any time.
fn length(window: Duration) -> u64 {
    micros(window).div_ceil(SLOTS as u64 - 1)
}

/// Where a slot is kept.
fn place(slot: u64) -> usize {
    usize::try_from(slot % SLOTS as u64).unwrap_or_default()
}

fn number(at: Micros, window: Duration) -> u64 {
    at / length(window)
}
