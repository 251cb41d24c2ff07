//! What a client-visible model name leads to: a chain, candidate targets, limits of the attempt loop.
//!
//! Plain composition of parts that were prepared elsewhere; resolving a name is all it does itself.

pub mod affinity;
pub mod canary;
pub mod hours;
pub mod language;
pub mod mirror;
pub mod pattern;
pub mod pin;
mod policy;
pub mod quality;
pub mod residency;
pub mod rule;

pub use policy::Policy;

use crate::balance::Health;
use crate::chat::Modality;
use crate::credential::Credentials;
use crate::pipeline::chain::{Chain, Gate};
use crate::plugin::Binding;
use crate::upstream::Upstream;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

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
    /// What else it says of where exchanges may go; none where it says nothing.
    pub policy: Option<Box<Policy>>,
    /// How often its targets were ranked by a plugin: what takes turns goes by it.
    pub turns: AtomicU64,
}

/// The routes that one tenant's keys may use.
pub struct Routes {
    exact: Vec<Arc<Route>>,
    /// With a trailing `*`, longest first.
    patterns: Vec<Arc<Route>>,
}

impl Routes {
    /// The routes of a tenant; of two patterns that fit a model, the longer one serves it.
    #[must_use]
    pub fn new(routes: Vec<Arc<Route>>) -> Self {
        let (mut patterns, exact): (Vec<_>, Vec<_>) =
            routes.into_iter().partition(|route| route.name.ends_with('*'));
        patterns.sort_by_key(|route| std::cmp::Reverse(route.name.len()));
        Self { exact, patterns }
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
            let own = route.policy.as_ref().map_or(route.targets.len(), |policy| policy.own);
            let owner = match route.targets.get(..own).unwrap_or_default() {
                [only] => only.provider.name.as_ref(),
                _ => "lockgate",
            };
            (route.name.as_ref(), owner)
        })
    }
}

impl Target {
    /// A configured fact.
    #[must_use]
    pub fn fact(&self, name: &str) -> Option<&str> {
        self.facts.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
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
