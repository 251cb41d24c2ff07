//! How much: what everyone may take, in requests, tokens and money, and at the same time.
//!
//! An exchange reserves before it begins what it may come to use, of every limit that it falls under, and settles when it
//! ends. Invariants: it gets all it reserves, or nothing; what is reserved and used together never exceeds a limit, except
//! where an exchange used more than it had reserved; what was reserved is settled exactly once, by [`Grant`]'s drop if by
//! nothing else. Never asks who a principal is: it is told.

mod calendar;
mod counters;
mod durable;
mod file;
mod local;
mod meter;
mod rule;
#[cfg(test)]
mod tests;

pub use calendar::{Calendar, Part};
pub use counters::{Counters, Demand, Full, Refusal, Settlement};
pub use durable::Durable;
pub use file::FileError;
pub use local::Local;
pub use meter::{Counter, Level, Meter, Micros, Short};
pub use rule::{Dimension, Rule, Span, Subject, Unit};

use crate::price::Usd;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

/// What an exchange may come to use, or has used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Amounts {
    /// Tokens, of the request and the answer.
    pub tokens: u64,
    /// What it costs; nothing where nobody knows.
    pub cost: Usd,
}

impl Amounts {
    const fn of(&self, unit: Unit) -> u64 {
        match unit {
            Unit::Requests | Unit::Exchanges => 1,
            Unit::Tokens => self.tokens,
            Unit::Nanodollars => self.cost.nanos(),
        }
    }
}

/// Why an exchange may not begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denied {
    /// The rule's name.
    pub rule: Arc<str>,
    /// What it counts.
    pub unit: Unit,
    /// Whether it is a budget.
    pub budget: bool,
    /// Why.
    pub refusal: Refusal,
}

impl Denied {
    /// How long to wait; none where nobody knows, or where it never helps.
    #[must_use]
    pub const fn wait(&self) -> Option<Duration> {
        match self.refusal {
            Refusal::Short(short) => short.wait,
            Refusal::Full(_) | Refusal::Unreachable => None,
        }
    }

    /// Whether the request alone asks for more than there ever is.
    #[must_use]
    pub const fn is_hopeless(&self) -> bool {
        matches!(self.refusal, Refusal::Short(Short { wait: None, .. }))
            && !matches!(self.unit, Unit::Exchanges)
    }
}

/// All limits of a configuration.
pub struct Limits {
    of_request: Vec<Rule>,
    of_target: Vec<Rule>,
    counters: Arc<dyn Counters>,
}

impl Limits {
    /// These rules, over these counters.
    #[must_use]
    pub fn new(rules: Vec<Rule>, counters: Arc<dyn Counters>) -> Self {
        let (of_target, of_request) = rules.into_iter().partition(Rule::is_of_target);
        Self { of_request, of_target, counters }
    }

    /// Whether there are any.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.of_request.is_empty() && self.of_target.is_empty()
    }

    /// Whether there are any of targets.
    #[must_use]
    pub fn has_targets(&self) -> bool {
        !self.of_target.is_empty()
    }

    /// Reserves what a request may come to use: `most` is asked where a limit in tokens or money is for it.
    ///
    /// # Errors
    /// Of some limit there is less.
    pub async fn enter(
        &self,
        subject: &Subject<'_>,
        most: impl FnOnce() -> Amounts,
    ) -> Result<Grant, Denied> {
        self.take(&self.of_request, subject, most).await
    }

    /// Reserves what asking one target may come to use.
    ///
    /// # Errors
    /// Of some limit of the target there is less.
    pub async fn ask(&self, subject: &Subject<'_>, most: impl FnOnce() -> Amounts) -> Result<Grant, Denied> {
        self.take(&self.of_target, subject, most).await
    }

    async fn take(
        &self,
        rules: &[Rule],
        subject: &Subject<'_>,
        most: impl FnOnce() -> Amounts,
    ) -> Result<Grant, Denied> {
        let at = now();
        let mut grant = Grant { counters: self.counters.clone(), taken: Vec::new(), levels: Vec::new(), at };
        let counters: Vec<(&Rule, Arc<str>)> =
            rules.iter().filter_map(|rule| Some((rule, rule.counter(subject)?))).collect();
        if counters.is_empty() {
            return Ok(grant);
        }
        let heavy = counters.iter().any(|(rule, _)| matches!(rule.unit, Unit::Tokens | Unit::Nanodollars));
        let most = if heavy { most() } else { Amounts::default() };
        let demand = |(rule, key): (_, _)| {
            let rule: &Rule = rule;
            (rule, Demand { key, meter: rule.meter(at), amount: most.of(rule.unit) })
        };
        let (asked, demands): (Vec<&Rule>, Vec<Demand>) = counters.into_iter().map(demand).unzip();
        match self.counters.take(&demands, at).await {
            Ok(levels) => {
                let units = asked.iter().map(|rule| rule.unit);
                grant.levels = units.clone().zip(levels).collect();
                grant.taken =
                    units.zip(demands).map(|(unit, demand)| Taken { unit, demand, used: most }).collect();
                Ok(grant)
            }
            Err((place, refusal)) => Err(match asked.get(place) {
                Some(rule) => {
                    Denied { rule: rule.name.clone(), unit: rule.unit, budget: rule.budget, refusal }
                }
                None => Denied { rule: "".into(), unit: Unit::Requests, budget: false, refusal },
            }),
        }
    }
}

struct Taken {
    unit: Unit,
    demand: Demand,
    used: Amounts,
}

/// What was reserved. Dropped, it is settled: with what was used, or in full where nobody said.
pub struct Grant {
    counters: Arc<dyn Counters>,
    taken: Vec<Taken>,
    levels: Vec<(Unit, Level)>,
    at: Micros,
}

impl Grant {
    /// Says what was used in the end.
    pub fn used(&mut self, amounts: Amounts) {
        for taken in &mut self.taken {
            taken.used = amounts;
        }
    }

    /// What is left of a unit, by the limit that has least.
    #[must_use]
    pub fn level(&self, unit: Unit) -> Option<Level> {
        let of_unit = self.levels.iter().filter(|(of, _)| *of == unit).map(|(_, level)| *level);
        of_unit.min_by_key(|level| level.remaining)
    }
}

impl Drop for Grant {
    fn drop(&mut self) {
        if self.taken.is_empty() {
            return;
        }
        let settlement = |taken: Taken| Settlement {
            used: taken.used.of(taken.unit),
            taken: self.at,
            demand: taken.demand,
        };
        let settlements: Vec<_> = std::mem::take(&mut self.taken).into_iter().map(settlement).collect();
        self.counters.settle(&settlements, now());
    }
}

/// Now, as counters have it. Nothing waits by it, so that it may jump costs no more than a window.
#[must_use]
pub fn now() -> Micros {
    let since = crate::clock::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}
