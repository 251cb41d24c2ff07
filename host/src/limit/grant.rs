//! What was reserved for one exchange, until it is settled.

use super::counters::{Demand, Settlement};
use super::meter::{Level, Micros};
use super::rule::{Rule, Unit};
use super::{Amounts, Books, now};
use std::sync::Arc;

pub(super) struct Taken {
    pub rule: Arc<Rule>,
    pub demand: Demand,
    pub level: Level,
    pub used: Amounts,
}

/// What was reserved. Dropped, it is settled: with what was used, or in full where nobody said.
pub struct Grant {
    pub(super) books: Arc<Books>,
    pub(super) taken: Vec<Taken>,
    pub(super) at: Micros,
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
        let hard = self.taken.iter().filter(|taken| !taken.rule.terms.soft);
        let of_unit = hard.filter(|taken| taken.rule.unit == unit).map(|taken| taken.level);
        of_unit.min_by_key(|level| level.remaining)
    }

    /// The budgets of which a part is used at which somebody is to be told, and that part in thousandths.
    pub fn warnings(&self) -> impl Iterator<Item = (&str, u16)> {
        self.taken.iter().filter_map(|taken| {
            let part = part(&taken.rule, &taken.level)?;
            Some((&*taken.rule.name, part))
        })
    }

    /// Whether a limit is to end a stream that uses more than there is.
    #[must_use]
    pub fn cuts_off(&self) -> bool {
        self.taken.iter().any(|taken| taken.rule.terms.cut_off)
    }

    /// The limit that ends a stream which has used this much: its reservation is used up, and so is what was left.
    #[must_use]
    pub fn exceeded(&self, running: Amounts) -> Option<&Arc<str>> {
        let cutting = self.taken.iter().filter(|taken| taken.rule.terms.cut_off);
        let exceeded = cutting.filter(|taken| {
            let (running, reserved) = (running.of(taken.rule.unit), taken.demand.amount);
            // The counter holds the reservation, so that what is left is beside it.
            let left = || self.books.counters.level(&taken.demand, now()).map_or(0, |level| level.remaining);
            running > reserved && running - reserved > left()
        });
        exceeded.map(|taken| &taken.rule.name).next()
    }
}

impl Drop for Grant {
    fn drop(&mut self) {
        if self.taken.is_empty() {
            return;
        }
        let taken = std::mem::take(&mut self.taken);
        let (rules, settlements): (Vec<Arc<Rule>>, Vec<Settlement>) = taken
            .into_iter()
            .map(|Taken { rule, demand, used, .. }| {
                let used = used.of(rule.unit);
                (rule, Settlement { demand, taken: self.at, used })
            })
            .unzip();
        let now = now();
        self.books.counters.settle(&settlements, now);
        for (rule, Settlement { demand, .. }) in rules.iter().zip(&settlements) {
            self.books.waiting.freed(&demand.key);
            if !rule.terms.warn_at.is_empty()
                && let Some(level) = self.books.counters.level(demand, now)
                && let Some(part) = part(rule, &level)
            {
                self.books.notices.reached(rule, demand, &level, part, now);
            }
        }
    }
}

/// The highest part of a limit that is used and at which somebody is to be told.
pub(super) fn part(rule: &Rule, level: &Level) -> Option<u16> {
    let reaches = |part: &&u16| {
        u128::from(level.used) * 1_000 >= u128::from(level.limit) * u128::from(**part) && level.used > 0
    };
    rule.terms.warn_at.iter().rev().find(reaches).copied()
}
