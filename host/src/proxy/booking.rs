//! What an exchange is charged for: each attempt that a provider charges for, at the price of its own target.
//!
//! Invariant: what an attempt took is booked before another follows, and never twice. What nobody told is estimated, and a
//! flag says so.

use super::life::{BYTES_PER_TOKEN, Cache, Life};
use super::quota;
use super::trial::Trial;
use crate::chat::Usage;
use crate::limit::Amounts;
use crate::price::Usd;

/// What earlier attempts of an exchange are charged for.
#[derive(Debug, Default)]
pub struct Booked {
    usage: Usage,
    cost: Usd,
    /// Whether the price of one of them is unknown: then the sum is, too.
    unknown: bool,
}

impl Booked {
    /// Whether there is nothing on it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.usage == Usage::default()
    }

    fn add(&mut self, usage: Usage, cost: Option<Usd>) {
        self.usage = self.usage.plus(usage);
        match cost {
            Some(cost) => self.cost = sum(self.cost, cost),
            None => self.unknown = true,
        }
    }
}

impl Life {
    /// What all attempts took.
    #[must_use]
    pub fn total_usage(&self) -> Usage {
        if self.booked.is_empty() { self.usage } else { self.booked.usage.plus(self.usage) }
    }

    /// What it cost; none where a price is unknown.
    #[must_use]
    pub fn cost(&self) -> Option<Usd> {
        if self.booked.unknown {
            return None;
        }
        Some(sum(self.booked.cost, self.last_cost()?))
    }

    /// What the attempt that was made last cost; none where its price is unknown.
    #[must_use]
    pub fn last_cost(&self) -> Option<Usd> {
        if self.cache == Cache::Hit || !self.owes {
            return Some(Usd::ZERO);
        }
        let target = self.target()?;
        let prompt = self.exchange.prompt();
        self.gateway.prices.cost(&target.provider.name, target.model_for(prompt.model()), &self.usage)
    }

    /// The attempt that was made last is over, and another may follow: what it took is charged for.
    pub fn book(&mut self) {
        if !self.owes {
            return;
        }
        self.estimate_missing_usage(&self.exchange.prompt());
        self.booked.add(self.usage, self.last_cost());
        self.count_tokens(self.target, self.usage);
        quota::settle_target(self);
        self.owes = false;
        self.usage = Usage::default();
        self.produced_bytes = 0;
    }

    /// Another target was faster than this one, which was asked as well. Nobody tells what it charges: what it has read is
    /// estimated.
    pub fn book_overtaken(&mut self, place: usize, mut trial: Trial) {
        let prompt = self.exchange.prompt();
        let Some(target) = self.route.targets.get(place) else { return };
        if let Some(watch) = trial.watch.take() {
            super::plan::note(self, target, watch.overtaken(prompt.streaming()));
        }
        let (mut usage, mut cost) = (Usage::default(), Some(Usd::ZERO));
        if trial.sent {
            usage.input = (prompt.text_bytes() as u64).div_ceil(BYTES_PER_TOKEN);
            let model = target.model_for(prompt.model());
            cost = self.gateway.prices.cost(&target.provider.name, model, &usage);
            self.exchange.flag("usage", "estimated");
        }
        if let Some(grant) = &mut trial.grant {
            grant.used(Amounts { tokens: usage.input, cost: cost.unwrap_or_default() });
        }
        if trial.sent {
            self.booked.add(usage, cost);
            self.count_tokens(Some(place), usage);
        }
    }

    fn count_tokens(&self, place: Option<usize>, usage: Usage) {
        let Some(target) = place.and_then(|place| self.route.targets.get(place)) else { return };
        let metrics = self.gateway.metrics.route(self.exchange.tenant(), &self.route.name);
        metrics.tokens(&target.provider.name, usage.input, usage.output, usage.cache_read);
    }
}

fn sum(one: Usd, other: Usd) -> Usd {
    Usd::from_nanos(one.nanos().saturating_add(other.nanos()))
}
