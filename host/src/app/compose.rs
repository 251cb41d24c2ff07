//! From a configuration to a running one: loads plugins, prepares bindings, checks coverage.
//!
//! Everything that is wrong is collected and told with its place in the file. Nothing that serves is touched, and nothing is
//! begun: what comes out is swapped in as a whole, or not at all.

mod plugins;
mod providers;
mod resilience;
mod routing;

pub use plugins::{check_schemas, grants};

use super::notices::Notifier;
use super::{Shared, identity};
use crate::auth::Authenticator;
use crate::balance::Health;
use crate::chat::Modality;
use crate::config::{self, Document, Faults, Loaded, Sources};
use crate::credential::Credentials;
use crate::limit;
use crate::pipeline::chain::Chain;
use crate::pipeline::coverage;
use crate::pipeline::gate::Gate;
use crate::plugin::{Hook, Plugin};
use crate::price::Prices;
use crate::proxy::Gateway;
use crate::route::quality::Measured;
use crate::route::{Provider, Rankings, Route, Routes};
use crate::upstream::Upstream;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// A configuration that was proved, and nothing of which has begun.
pub struct Composed {
    gateway: Gateway,
    sources: Sources,
    notifier: Option<Arc<Notifier>>,
    upstreams: HashMap<String, Arc<Upstream>>,
    credentials: HashMap<String, Arc<Credentials>>,
}

impl Composed {
    /// It is accepted: what is its own begins, and the next configuration finds what it made. What serves from now on, and what
    /// that was made of: a change of it means a new configuration. Needs a tokio runtime.
    pub fn accept(self, shared: &Shared) -> (Gateway, Sources) {
        shared.upstreams.lock().extend(self.upstreams);
        shared.credentials.lock().extend(self.credentials);
        if let Some(notifier) = self.notifier {
            notifier.start();
        }
        for canary in self.gateway.canaries() {
            shared.metrics.canary_off(&canary.tenant, &canary.route, canary.is_off());
        }
        self.gateway.auth.warm();
        (self.gateway, self.sources)
    }
}

/// Composes a configuration.
///
/// # Errors
/// Everything that is wrong with it.
pub async fn compose(shared: &Arc<Shared>, loaded: &Loaded) -> Result<Composed, Faults> {
    let mut composer = Composer::new(shared, loaded);
    let prices = composer.prices();
    composer.benchmarks();
    composer.upstreams();
    let mut tenants = HashMap::new();
    for name in loaded.config.tenants.keys() {
        let mut routes = composer.tenant(name, None).await;
        for chain in identity::chains(&loaded.config, name) {
            routes.give(chain, composer.tenant(name, Some(chain)).await);
        }
        tenants.insert(Arc::<str>::from(name.as_str()), routes);
    }
    let auth = composer.auth();
    let composed_limits = composer.rate_limits();
    let limits = &loaded.config.limits;
    let Composer { mut faults, sources, notifier, upstreams, credentials, .. } = composer;
    let auth = faults.or(auth)?;
    let Some(auth) = auth else { return Err(Faults::one(&loaded.document.name, "the keys cannot be read")) };
    let gateway = Gateway {
        auth,
        admins: identity::admins(shared, &loaded.config),
        tenants,
        prices: Arc::new(prices),
        limits: composed_limits,
        currency: super::limits::currency(&loaded.config),
        tokens: shared.tokens.clone(),
        approvals: super::limits::approvals(&loaded.config, &shared.counters),
        reject_unpriced: loaded.config.prices.unknown == config::UnknownPrice::Reject,
        answers: shared.answers.clone(),
        feedback: shared.feedback.clone(),
        idempotency: shared.idempotency.clone(),
        quarantine: shared.quarantine.clone(),
        ledger: shared.ledger.clone(),
        metrics: shared.metrics.clone(),
        max_request_bytes: limits.max_body_bytes,
        max_answer_bytes: limits.max_answer_bytes,
        body_timeout: Duration::from_millis(limits.body_timeout_ms),
        total_timeout: Duration::from_millis(limits.total_timeout_ms),
    };
    Ok(Composed { gateway, sources, notifier, upstreams, credentials })
}

/// Prepares one binding for a tenant. `at` is its place in the configuration.
///
/// # Errors
/// Everything that is wrong with it.
pub async fn gate(
    shared: &Arc<Shared>,
    loaded: &Loaded,
    tenant: &str,
    at: &str,
    binding: &config::Binding,
) -> Result<Gate, Faults> {
    let mut composer = Composer::new(shared, loaded);
    let gate = composer.gate(&tenant.into(), at, binding).await;
    let gate = composer.faults.or(gate)?;
    gate.ok_or_else(|| Faults::one(&loaded.document.name, "the binding cannot be made"))
}

struct Composer<'a> {
    shared: &'a Arc<Shared>,
    config: &'a config::Config,
    document: &'a Document,
    faults: Faults,
    /// Those loaded so far; none where loading failed, so that it is told once.
    plugins: HashMap<String, Option<Arc<Plugin>>>,
    upstreams: HashMap<String, Arc<Upstream>>,
    credentials: HashMap<String, Arc<Credentials>>,
    /// Those made so far, by tenant and name; none where making failed, so that it is told once.
    providers: HashMap<(Arc<str>, String), Option<Arc<Provider>>>,
    sources: Sources,
    /// How good targets are at what.
    measured: Measured,
    /// Who is told of budgets.
    notifier: Option<Arc<Notifier>>,
}

impl<'a> Composer<'a> {
    fn new(shared: &'a Arc<Shared>, loaded: &'a Loaded) -> Self {
        Self {
            shared,
            config: &loaded.config,
            document: &loaded.document,
            faults: Faults::new(&loaded.document.name),
            plugins: HashMap::new(),
            upstreams: HashMap::new(),
            credentials: HashMap::new(),
            providers: HashMap::new(),
            sources: loaded.sources.clone(),
            measured: Measured::default(),
            notifier: None,
        }
    }

    fn refuse(&mut self, pointer: &str, message: impl Into<String>) {
        let fault = self.document.fault(pointer, message);
        self.faults.add(fault);
    }

    fn prices(&mut self) -> Prices {
        let mut prices = match &self.config.prices.file {
            None => Prices::builtin(),
            Some(file) => {
                let mut prices = Prices::empty();
                let read = std::fs::read_to_string(file).map_err(|error| error.to_string());
                let laid = read.and_then(|json| prices.overlay(&json).map_err(|error| error.to_string()));
                if let Err(error) = laid {
                    self.refuse("/prices/file", format!("the price list cannot be read: {error}"));
                }
                self.sources.files.push(file.clone());
                prices
            }
        };
        let own = serde_json::to_string(&self.config.prices.overrides).unwrap_or_default();
        if let Err(error) = prices.overlay(&own) {
            self.refuse("/prices/overrides", error.to_string());
        }
        for (name, provider) in &self.config.providers {
            if let Some(known) = provider.price_name().filter(|known| known != name) {
                prices.alias(name, known);
            }
        }
        prices
    }

    fn auth(&mut self) -> Option<Authenticator> {
        match Authenticator::new(identity::clients(self.shared, self.config)) {
            Ok(auth) => Some(auth),
            Err(errors) => {
                for error in errors {
                    self.refuse("/tenants", error.to_string());
                }
                None
            }
        }
    }

    fn rate_limits(&mut self) -> limit::Limits {
        let rules = super::limits::rules(self.config).unwrap_or_else(|faults| self.refuse_all(faults));
        let organisation = |(name, tenant): (&String, &config::Tenant)| {
            Some((Arc::from(name.as_str()), Arc::from(tenant.organisation.as_deref()?)))
        };
        let organisations = self.config.tenants.iter().filter_map(organisation).collect();
        let limits = limit::Limits::new(rules, self.shared.counters.clone()).of_organisations(organisations);
        let (metrics, journal) = (self.shared.metrics.clone(), self.shared.journal.as_ref());
        match Notifier::new(self.config, metrics, journal) {
            Ok(notifier) => {
                let notifier = self.notifier.insert(Arc::new(notifier)).clone();
                limits.telling(self.shared.waiting.clone(), notifier)
            }
            Err(faults) => {
                self.refuse_all::<()>(faults);
                limits
            }
        }
    }

    fn refuse_all<T>(&mut self, faults: Vec<(String, String)>) -> Vec<T> {
        for (at, message) in faults {
            self.refuse(&at, message);
        }
        Vec::new()
    }

    /// The routes of a tenant. With a `strict` chain, those of principals that pass it instead of the routes' own.
    async fn tenant(&mut self, name: &str, strict: Option<&str>) -> Routes {
        let tenant: Arc<str> = name.into();
        let Some(settings) = self.config.tenants.get(name) else { return Routes::new(Vec::new()) };
        let mut chains: HashMap<&str, Chain> = HashMap::new();
        let mut routes = Vec::new();
        for route_name in &settings.routes {
            let Some(route) = self.config.routes.get(route_name) else { continue };
            let chain_name = strict.or(settings.chain.as_deref()).or(route.chain.as_deref());
            let chain = match chain_name {
                None => Chain::default(),
                Some(chain_name) => match chains.get(chain_name) {
                    Some(chain) => chain.clone(),
                    None => {
                        let chain = self.chain(&tenant, chain_name).await;
                        chains.insert(chain_name, chain.clone());
                        chain
                    }
                },
            };
            let mut targets = Vec::new();
            let when_failing = route.resilience.or(&self.config.resilience);
            let reserves = resilience::reserves(&route.targets, &when_failing);
            for described in route.targets.iter().chain(&reserves) {
                targets.extend(self.target(&tenant, described, described.facts()).await);
            }
            let router = match &route.router {
                Some(binding) => {
                    let at = pointer(&["routes", route_name, "router"]);
                    self.gate(&tenant, &at, binding)
                        .await
                        .filter(|gate| self.must_have(gate, Hook::Routing, &at))
                }
                None => None,
            };
            let modalities = self.modalities(route_name, route, &chain);
            let resilience = resilience::settings(&route.targets, &when_failing, &targets);
            let making = routing::Making {
                tenant: &tenant,
                owner: settings,
                name: route_name,
                route,
                chain: &chain,
                targets: &mut targets,
                hidden: Vec::new(),
            };
            let policy = self.policy(making).await;
            routes.push(Arc::new(Route {
                name: route_name.as_str().into(),
                chain,
                router,
                targets,
                attempts: route.attempts,
                modalities,
                resilience,
                policy,
                rankings: Rankings::default(),
            }));
        }
        Routes::new(routes)
    }

    /// The inputs a route admits, its coverage checked.
    fn modalities(&mut self, name: &str, route: &config::Route, chain: &Chain) -> Vec<Modality> {
        let guards: Vec<_> = chain.guarding().collect();
        let modalities = match &route.modalities {
            None => coverage::default_modalities(&guards),
            Some(names) => Modality::ALL
                .into_iter()
                .filter(|kind| names.iter().any(|name| name == kind.name()))
                .collect(),
        };
        let gaps = coverage::gaps(name, &modalities, &guards);
        for gap in gaps {
            self.refuse(&pointer(&["routes", name]), gap.to_string());
        }
        modalities
    }

    fn health(&self, id: &str) -> Arc<Health> {
        self.shared.health.lock().entry(id.to_owned()).or_default().clone()
    }

    async fn chain(&mut self, tenant: &Arc<str>, name: &str) -> Chain {
        let Some(bindings) = self.config.chains.get(name) else { return Chain::default() };
        let mut gates = Vec::new();
        for (n, binding) in bindings.iter().enumerate() {
            let at = pointer(&["chains", name, &n.to_string()]);
            gates.extend(self.gate(tenant, &at, binding).await);
        }
        Chain::new(gates)
    }
}

/// A JSON pointer of tokens.
pub(super) fn pointer(tokens: &[&str]) -> String {
    tokens.iter().map(|token| format!("/{}", token.replace('~', "~0").replace('/', "~1"))).collect()
}
