//! What a client-visible model name leads to: a chain, candidate targets, limits of the attempt loop.
//!
//! Plain composition of parts that were prepared elsewhere; resolving a name is all it does itself.

pub mod affinity;
pub mod calls;
pub mod canary;
pub mod hours;
pub mod language;
pub mod mirror;
pub mod pattern;
pub mod pin;
mod policy;
pub mod quality;
mod rankings;
pub mod residency;
mod resilience;
pub mod rule;

pub use policy::Policy;
pub use rankings::Rankings;
pub use resilience::{
    Degrade, Hedge, HedgeAfter, LatencyBudget, MidStream, Prefill, Resilience, Retries, Timeouts,
};

use crate::balance::Health;
use crate::chat::{Modality, Usage};
use crate::credential::Credentials;
use crate::pipeline::chain::Chain;
use crate::pipeline::gate::Gate;
use crate::plugin::Binding;
use crate::price::{Price, Prices, Usd};
use crate::upstream::Upstream;
use calls::Calls;
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

/// An upstream account, as one tenant uses it: the adapter's instances never cross tenants.
pub struct Provider {
    /// Its name in the configuration.
    pub name: Arc<str>,
    /// How it speaks.
    pub adapter: Arc<Binding>,
    /// Connections to it.
    pub upstream: Arc<Upstream>,
    /// What the host puts in place of `secret("api-key")`, and what signs.
    pub credentials: Arc<Credentials>,
    /// What the operator configured for the adapter.
    pub options: Vec<(String, String)>,
    /// What the adapter made of requests, as far as it holds.
    pub calls: Calls,
}

/// One provider and model that a route may use.
pub struct Target {
    /// `provider/model`, or `provider/*`.
    pub id: String,
    /// The provider's own name of the model; none when the client names it behind `provider/`.
    pub model: Option<String>,
    /// Who serves it.
    pub provider: Arc<Provider>,
    /// How it has been doing.
    pub health: Arc<Health>,
    /// The configured facts that routing sees: `weight`, `region`, `quality.*`.
    pub facts: Vec<(String, String)>,
    /// What of the route's timeouts is otherwise here.
    pub timeouts: Timeouts,
    /// How it is asked to go on with an answer that another began; none where it cannot.
    pub prefill: Option<Prefill>,
    /// What its model costs, once somebody has looked it up.
    pub priced: OnceLock<Option<Arc<Price>>>,
}

/// A route of a tenant.
pub struct Route {
    /// Its name, which is also the model's name or pattern (`openai/*`, `*`) that clients ask for.
    pub name: Arc<str>,
    /// The plugins on its way.
    pub chain: Chain,
    /// Who orders the targets; none for the order of the configuration.
    pub router: Option<Gate>,
    /// The candidates.
    pub targets: Vec<Target>,
    /// How many attempts one exchange may make, those asked for by plugins included.
    pub attempts: u32,
    /// The inputs it admits besides text.
    pub modalities: Vec<Modality>,
    /// What is done when a target fails.
    pub resilience: Resilience,
    /// What else it says of where exchanges may go; none where it says nothing.
    pub policy: Option<Box<Policy>>,
    /// What its router was told, and what it said.
    pub rankings: Rankings,
}

/// The routes that one tenant's keys may use.
pub struct Routes {
    exact: Vec<Arc<Route>>,
    /// With a trailing `*`, longest first.
    patterns: Vec<Arc<Route>>,
    /// The same routes behind other chains, by the chain's name.
    strict: BTreeMap<Box<str>, Routes>,
}

impl Routes {
    /// The routes of a tenant; of two patterns that fit a model, the longer one serves it.
    #[must_use]
    pub fn new(routes: Vec<Arc<Route>>) -> Self {
        let (mut patterns, exact): (Vec<_>, Vec<_>) =
            routes.into_iter().partition(|route| route.name.ends_with('*'));
        patterns.sort_by_key(|route| std::cmp::Reverse(route.name.len()));
        Self { exact, patterns, strict: BTreeMap::new() }
    }

    /// Keeps the same routes behind another chain, for principals that are given it.
    pub fn give(&mut self, chain: &str, routes: Self) {
        self.strict.insert(chain.into(), routes);
    }

    /// The routes of a principal: behind a chain that it is given, where it is given one. None where that chain is not
    /// to be had: it is never left out.
    #[must_use]
    pub fn behind(&self, chain: Option<&str>) -> Option<&Self> {
        match chain {
            None => Some(self),
            Some(chain) => self.strict.get(chain),
        }
    }

    /// The route that serves a model.
    #[must_use]
    pub fn resolve(&self, model: &str) -> Option<&Arc<Route>> {
        self.exact.iter().find(|route| *route.name == *model).or_else(|| {
            self.patterns.iter().find(|route| model.starts_with(route.name.trim_end_matches('*')))
        })
    }

    /// The route of this very name.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<&Arc<Route>> {
        self.all().find(|route| *route.name == *name)
    }

    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = &Arc<Route>> {
        self.exact.iter().chain(&self.patterns)
    }

    /// What `/v1/models` lists: every name that can be asked for, and who owns it.
    pub fn models(&self) -> impl Iterator<Item = (&str, &str)> {
        self.exact.iter().map(|route| {
            let owner = match route.ranked() {
                [only] => only.provider.name.as_ref(),
                _ => "lockgate",
            };
            (route.name.as_ref(), owner)
        })
    }
}

impl Route {
    /// The targets that are asked in their turn: those that only a failure leads to stand behind them.
    #[must_use]
    pub fn ranked(&self) -> &[Target] {
        self.targets.get(..self.resilience.ranked).unwrap_or(&self.targets)
    }
}

impl Target {
    /// A configured fact.
    #[must_use]
    pub fn fact(&self, name: &str) -> Option<&str> {
        self.facts.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// What its model costs, for an exchange that asks for `asked`. `prices`: those of the same configuration.
    #[must_use]
    pub fn price<'a>(&'a self, prices: &'a Prices, asked: &str) -> Option<&'a Arc<Price>> {
        match &self.model {
            Some(model) => {
                let find = || prices.find(&self.provider.name, model).cloned();
                self.priced.get_or_init(find).as_ref()
            }
            None => prices.find(&self.provider.name, self.model_for(asked)),
        }
    }

    /// What this usage of it costs; none where the price is unknown.
    #[must_use]
    pub fn cost(&self, prices: &Prices, asked: &str, usage: &Usage) -> Option<Usd> {
        self.price(prices, asked)?.cost(usage)
    }

    /// The provider's name of the model for an exchange that asks for `asked`.
    #[must_use]
    pub fn model_for<'a>(&'a self, asked: &'a str) -> &'a str {
        match &self.model {
            Some(model) => model,
            None => asked
                .strip_prefix(&*self.provider.name)
                .and_then(|rest| rest.strip_prefix('/'))
                .unwrap_or(asked),
        }
    }
}
