//! What an exchange is charged for: each attempt that a provider charges for, at the price of its own target.
//!
//! A provider that refuses charges nothing. One that answers charges what it reports. One that broke off or was left alone
//! charges the request and what it had produced by then. Invariants: what an attempt took is booked before another follows,
//! and never twice; what nobody told is estimated, and said to be; a cost of which one part is unknown is unknown.

use super::life::{Cache, Life};
use super::quota;
use super::trial::Trial;
use crate::chat::{Media, Prompt, Usage};
use crate::limit::Amounts;
use crate::price::Usd;

/// What figures of usage are based on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Basis {
    /// Nothing was used.
    None,
    /// The provider's report.
    Provider,
    /// The lengths of texts, in part at least.
    Estimate,
}

impl Basis {
    /// The name used in headers and records.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Provider => "provider",
            Self::Estimate => "estimate",
        }
    }
}

/// What earlier attempts of an exchange are charged for.
#[derive(Debug, Default)]
pub struct Booked {
    /// Whether a figure of the attempt that was made last is an estimate.
    estimates: bool,
    /// Whether estimates were corrected by what its provider reported.
    learnt: bool,
    /// Whether one of those before was an estimate.
    estimated: bool,
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
        target.cost(&self.gateway.prices, prompt.model(), &self.usage)
    }

    /// What the figures are based on.
    #[must_use]
    pub fn basis(&self) -> Basis {
        let of = |some: bool, estimates: bool| match (some, estimates) {
            (false, _) => Basis::None,
            (true, false) => Basis::Provider,
            (true, true) => Basis::Estimate,
        };
        let own = of(self.owes && self.cache != Cache::Hit, self.booked.estimates);
        own.max(of(!self.booked.is_empty(), self.booked.estimated))
    }

    /// What the attempts before the last one took.
    pub(super) fn booked(&self) -> Amounts {
        let usage = &self.booked.usage;
        Amounts { tokens: usage.input.saturating_add(usage.output), cost: self.booked.cost }
    }

    /// Completes the usage where a provider did not report it, and says so in a flag.
    pub fn estimate_missing_usage(&mut self, prompt: &Prompt) {
        if self.cache == Cache::Hit || !self.owes {
            return;
        }
        let (gateway, route) = (self.gateway.clone(), self.route.clone());
        let Some(target) = self.target.and_then(|place| route.targets.get(place)) else { return };
        let model = target.model_for(prompt.model());
        let (no_input, no_output) =
            (self.usage.input == 0, self.usage.output == 0 && self.produced_bytes > 0);
        if no_input || no_output {
            let sizes = self.sizes.unwrap_or_else(|| quota::sizes(prompt));
            if no_input {
                self.usage.input = gateway.tokens.tokens(model, &sizes);
            }
            if no_output {
                self.usage.output = gateway.tokens.answer(model, &sizes, self.produced_bytes);
            }
            self.booked.estimates = true;
        } else if let Some(sizes) = self.sizes
            && !(self.booked.estimates || self.booked.learnt)
            && self.usage.media == Media::default()
        {
            // It was estimated, so that estimates are worth correcting.
            self.booked.learnt = true;
            gateway.tokens.learn(model, &sizes, self.usage.input);
        }
        if self.booked.estimates {
            self.exchange.flag("usage", "estimated");
        }
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
        self.booked.estimated |= self.booked.estimates;
        self.booked.estimates = false;
        self.booked.learnt = false;
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
            let model = target.model_for(prompt.model());
            let sizes = self.sizes.unwrap_or_else(|| quota::sizes(&prompt));
            usage.input = self.gateway.tokens.tokens(model, &sizes);
            cost = target.cost(&self.gateway.prices, prompt.model(), &usage);
            self.exchange.flag("usage", "estimated");
        }
        if let Some(grant) = &mut trial.grant {
            grant.used(Amounts { tokens: usage.input, cost: cost.unwrap_or_default() });
        }
        if trial.sent {
            self.booked.estimated = true;
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
