//! What an exchange is charged: of every attempt what its provider bills, as far as anybody can tell.
//!
//! A provider that refuses bills nothing. One that answers bills what it reports. One that broke off or was left alone
//! bills the request and what it had produced by then. Invariants: every attempt is charged once; what an attempt used is
//! kept when another follows it; a cost of which one part is unknown is unknown.

use super::life::{Cache, Life};
use super::quota;
use crate::chat::{Media, Prompt, Usage};
use crate::error::Error;
use crate::limit::{Amounts, Grant};
use crate::price::Usd;
use http::StatusCode;

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

/// The attempts of one exchange, as they are charged.
pub struct Bill {
    /// The target of the attempt under way that may be billed: its place among the route's.
    open: Option<usize>,
    /// Whether a figure of the attempt under way was estimated.
    estimated: bool,
    /// Whether estimates were corrected by what its provider reported.
    learnt: bool,
    /// What is reserved of the limits of its target.
    pub(super) grant: Option<Grant>,
    /// What is reserved for the attempt that is about to begin.
    next: Option<Grant>,
    past: Usage,
    past_cost: Option<Usd>,
    basis: Basis,
}

impl Default for Bill {
    fn default() -> Self {
        Self {
            open: None,
            estimated: false,
            learnt: false,
            grant: None,
            next: None,
            past: Usage::default(),
            past_cost: Some(Usd::ZERO),
            basis: Basis::None,
        }
    }
}

impl Bill {
    /// Keeps what is reserved for an attempt until it begins.
    pub(super) fn reserve(&mut self, grant: Option<Grant>) {
        self.next = grant;
    }

    /// An attempt is over: gives back what was reserved for it where nothing was sent.
    pub(super) fn release(&mut self) {
        if let Some(mut grant) = self.next.take() {
            grant.used(Amounts::default());
        }
    }
}

impl Life {
    /// A request is about to be sent to the target: from here on it may be billed.
    pub(super) fn sends(&mut self) {
        self.write_off();
        self.bill.open = self.target;
        self.bill.grant = self.bill.next.take();
    }

    /// The provider refused the request: it bills nothing.
    pub(super) fn spared(&mut self) {
        self.bill.open = None;
        if let Some(mut grant) = self.bill.grant.take() {
            grant.used(Amounts::default());
        }
    }

    /// No answer came. Who could not be reached, or hung up before a word, bills nothing; who was given up may.
    pub(super) fn unanswered(&mut self, error: &Error) {
        if error.status != StatusCode::GATEWAY_TIMEOUT {
            self.spared();
        }
    }

    /// Puts what the last attempt used to what was used before.
    fn write_off(&mut self) {
        let prompt = self.exchange.prompt();
        self.estimate_missing_usage(&prompt);
        if let Some(amounts) = self.attempt_amounts(&prompt)
            && let Some(mut grant) = self.bill.grant.take()
        {
            grant.used(amounts);
        }
        self.bill.past_cost = self.cost();
        self.bill.past = self.total();
        self.bill.basis = self.basis();
        self.bill.open = None;
        self.bill.estimated = false;
        self.bill.learnt = false;
        self.usage = Usage::default();
        self.produced_bytes = 0;
    }

    /// Completes the usage where a provider did not report it, and says so in a flag.
    pub fn estimate_missing_usage(&mut self, prompt: &Prompt) {
        if self.cache == Cache::Hit || self.bill.open.is_none() {
            return;
        }
        let Some(target) = self.bill.open.and_then(|place| self.route.targets.get(place)) else { return };
        let model = target.model_for(prompt.model());
        let (no_input, no_output) =
            (self.usage.input == 0, self.usage.output == 0 && self.produced_bytes > 0);
        if no_input || no_output {
            let sizes = quota::sizes(prompt);
            if no_input {
                self.usage.input = self.gateway.tokens.tokens(model, &sizes);
            }
            if no_output {
                self.usage.output = self.gateway.tokens.answer(model, &sizes, self.produced_bytes);
            }
            self.bill.estimated = true;
        } else if let Some(sizes) = self.sizes
            && !(self.bill.estimated || self.bill.learnt)
            && self.usage.media == Media::default()
        {
            // It was estimated, so that estimates are worth correcting.
            self.bill.learnt = true;
            self.gateway.tokens.learn(model, &sizes, self.usage.input);
        }
        if self.bill.estimated {
            self.exchange.flag("usage", "estimated");
        }
    }

    /// What all attempts used; that of a kept answer where there was none.
    #[must_use]
    pub fn total(&self) -> Usage {
        let counts = self.bill.open.is_some() || self.attempts == 0 || self.cache == Cache::Hit;
        if counts { self.bill.past.plus(self.usage) } else { self.bill.past }
    }

    /// What it cost; none where the price is unknown.
    #[must_use]
    pub fn cost(&self) -> Option<Usd> {
        if self.bill.open.is_none() {
            return self.bill.past_cost;
        }
        Some(self.bill.past_cost? + self.attempt_cost(&self.exchange.prompt())?)
    }

    /// What the figures are based on.
    #[must_use]
    pub fn basis(&self) -> Basis {
        let own = match self.bill.open {
            None => Basis::None,
            Some(_) if self.bill.estimated => Basis::Estimate,
            Some(_) => Basis::Provider,
        };
        own.max(self.bill.basis)
    }

    /// What the attempts before this one used.
    pub(super) fn before(&self) -> Amounts {
        let past = &self.bill.past;
        Amounts {
            tokens: past.input.saturating_add(past.output),
            cost: self.bill.past_cost.unwrap_or_default(),
        }
    }

    /// What limits are to be told of the exchange, and what the limits of the last attempt's target.
    pub(super) fn amounts(&self) -> (Amounts, Option<Amounts>) {
        if self.cache == Cache::Hit {
            return Default::default();
        }
        let of = |usage: Usage, cost: Option<Usd>| Amounts {
            tokens: usage.input.saturating_add(usage.output),
            cost: cost.unwrap_or_default(),
        };
        let all = if self.attempts == 0 { Amounts::default() } else { of(self.total(), self.cost()) };
        (all, self.attempt_amounts(&self.exchange.prompt()))
    }

    fn attempt_amounts(&self, prompt: &Prompt) -> Option<Amounts> {
        self.bill.open?;
        let tokens = self.usage.input.saturating_add(self.usage.output);
        Some(Amounts { tokens, cost: self.attempt_cost(prompt).unwrap_or_default() })
    }

    fn attempt_cost(&self, prompt: &Prompt) -> Option<Usd> {
        let target = self.route.targets.get(self.bill.open?)?;
        self.gateway.prices.cost(&target.provider.name, target.model_for(prompt.model()), &self.usage)
    }
}
