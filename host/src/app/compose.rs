//! From a configuration to a running one: loads plugins, prepares bindings, checks coverage.
//!
//! Everything that is wrong is collected and told with its place in the file. Nothing that serves is touched:
//! what comes out is swapped in as a whole, or not at all.

mod providers;
mod resilience;
mod routing;

use super::notices::Notifier;
use super::services::Watched;
use super::{Shared, identity, services};
use crate::auth::Authenticator;
use crate::balance::Health;
use crate::chat::Modality;
use crate::config::{self, Document, Faults, Loaded, Sources};
use crate::exchange::BindingId;
use crate::limit;
use crate::pipeline::chain::{Chain, Gate};
use crate::pipeline::coverage::{self, Streams};
use crate::pipeline::stream::{Hold, OnError, OnOverflow};
use crate::plugin::{
    Binding, BindingSettings, Destination, Grants, Hook, Isolation, Limits, LoadError, Plugin, PluginError,
};
use crate::price::Prices;
use crate::proxy::Gateway;
use crate::route::quality::Measured;
use crate::route::{Provider, Route, Routes};
use crate::telemetry::PluginMetrics;
use crate::upstream::Upstream;
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// Numbers bindings, across reloads: a scratch is never read by another binding.
static NEXT_BINDING: AtomicU32 = AtomicU32::new(0);

/// A running configuration, and what it depends on.
pub struct Composed {
    /// What serves.
    pub gateway: Gateway,
    /// What it was made of: a change of it means a new configuration.
    pub sources: Sources,
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
    let mut faults = composer.faults;
    let sources = composer.sources;
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
    Ok(Composed { gateway, sources })
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
    /// Those made so far, by tenant and name; none where making failed, so that it is told once.
    providers: HashMap<(Arc<str>, String), Option<Arc<Provider>>>,
    sources: Sources,
    /// How good targets are at what.
    measured: Measured,
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
            providers: HashMap::new(),
            sources: loaded.sources.clone(),
            measured: Measured::default(),
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
            Ok(notifier) => limits.telling(self.shared.waiting.clone(), Arc::new(notifier)),
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
                turns: 0.into(),
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

    fn must_have(&mut self, gate: &Gate, hook: Hook, at: &str) -> bool {
        let has = gate.acts(hook);
        if !has {
            self.refuse(&format!("{at}/plugin"), format!("the plugin does not export `{hook}`"));
        }
        has
    }

    async fn gate(&mut self, tenant: &Arc<str>, at: &str, settings: &config::Binding) -> Option<Gate> {
        let plugin = self.plugin(&format!("{at}/plugin"), &settings.plugin).await?;
        let plain = settings.plugin.trim_start_matches("builtin:").split('@').next().unwrap_or_default();
        let plugin_config = match &settings.config {
            Value::Null => Value::Object(serde_json::Map::new()),
            given => given.clone(),
        };
        let binding = BindingSettings {
            id: next_binding(),
            name: settings.name.as_deref().unwrap_or(plain).into(),
            tenant: tenant.clone(),
            isolation: isolation(settings.isolation, self.source(&settings.plugin)),
            plugin,
            config: plugin_config,
            grants: grants(&settings.grants),
            limits: limits(&settings.limits),
        };
        let binding = self.prepare(at, binding).await?;
        let hooks = self.hooks(at, settings.hooks.as_deref(), &binding);
        Some(Gate {
            binding,
            on_error: match settings.on_error {
                config::OnError::Reject => OnError::Reject,
                config::OnError::Skip => OnError::Skip,
            },
            hold: Hold {
                bytes: settings.hold.bytes,
                time: Duration::from_millis(settings.hold.ms),
                on_overflow: match settings.hold.on_overflow {
                    config::OnOverflow::Reject => OnOverflow::Reject,
                    config::OnOverflow::Release => OnOverflow::Release,
                },
            },
            streams: settings.streams.map(|streams| match streams {
                config::Streams::Gather => Streams::Gather,
                config::Streams::OnDemand => Streams::OnDemand,
                config::Streams::Observe => Streams::Observe,
            }),
            uncovered: settings.uncovered.clone(),
            hooks,
        })
    }

    /// The hooks that the operator wants of a binding. One that the plugin does not have is a fault.
    fn hooks(&mut self, at: &str, wanted: Option<&[String]>, binding: &Binding) -> Option<Vec<Hook>> {
        let mut hooks = Vec::new();
        for (place, name) in wanted?.iter().enumerate() {
            match Hook::ALL.into_iter().find(|hook| hook.name() == name && binding.has(*hook)) {
                Some(hook) => hooks.push(hook),
                None => {
                    let had = Hook::ALL.into_iter().filter(|hook| binding.has(*hook)).map(Hook::name);
                    let message = format!(
                        "the plugin has no hook `{name}`, only {}",
                        had.collect::<Vec<_>>().join(", ")
                    );
                    self.refuse(&format!("{at}/hooks/{place}"), message);
                }
            }
        }
        Some(hooks)
    }

    /// Prepares a binding. What its configuration is refused for is told where it stands.
    async fn prepare(&mut self, at: &str, settings: BindingSettings) -> Option<Arc<Binding>> {
        let metrics = PluginMetrics::new(&self.shared.metrics, &settings.name, &settings.tenant);
        let watch = Arc::new(Watched(metrics));
        match Binding::prepare(&self.shared.engine, settings, self.shared.services.clone(), watch).await {
            Ok(binding) => Some(binding),
            Err(LoadError::Refused(issues)) => {
                for issue in issues {
                    self.refuse(&format!("{at}/config{}", issue.pointer), issue.message);
                }
                None
            }
            Err(LoadError::Ungranted(missing)) => {
                for import in missing {
                    self.refuse(&format!("{at}/grants"), import.to_string());
                }
                None
            }
            Err(error) => {
                self.refuse(at, services::chain(&error));
                None
            }
        }
    }

    /// Where a plugin comes from: `builtin:…`, or a path.
    fn source<'n>(&'n self, name: &'n str) -> &'n str {
        self.config.plugins.get(name).map_or(name, |plugin| plugin.source.as_str())
    }

    async fn plugin(&mut self, at: &str, name: &str) -> Option<Arc<Plugin>> {
        if let Some(known) = self.plugins.get(name) {
            return known.clone();
        }
        let loaded = self.load(name).await;
        let plugin = match loaded {
            Ok(plugin) => Some(plugin),
            Err(error) => {
                self.refuse(at, format!("the plugin `{name}` cannot be loaded: {error}"));
                None
            }
        };
        self.plugins.insert(name.to_owned(), plugin.clone());
        plugin
    }

    async fn load(&mut self, name: &str) -> Result<Arc<Plugin>, String> {
        let configured = self.config.plugins.get(name);
        let (source, digest) = match configured {
            Some(plugin) => (plugin.source.as_str(), plugin.digest.as_deref()),
            None => (name, None),
        };
        let (wasm, label) = match source.strip_prefix("builtin:") {
            Some(wanted) => {
                let (builtin, version) = wanted.split_once('@').map_or((wanted, None), |(n, v)| (n, Some(v)));
                let found = lockgate_bundle::find(builtin, version).ok_or("there is no such builtin")?;
                (found.wasm.to_vec(), format!("{}@{}", found.name, found.version))
            }
            None => {
                let file = self.beside(Path::new(source.trim_start_matches("file:")));
                let read = tokio::fs::read(&file).await;
                self.sources.files.push(file.clone());
                (read.map_err(|error| format!("{}: {error}", file.display()))?, file.display().to_string())
            }
        };
        let loaded = Plugin::load(&self.shared.engine, &label, wasm, digest).await;
        loaded.map_err(|error: PluginError| services::chain(&error))
    }

    /// A path as the configuration file means it: relative to itself.
    fn beside(&self, path: &Path) -> PathBuf {
        let folder = Path::new(&self.document.name).parent().unwrap_or(Path::new(""));
        folder.join(path)
    }
}

/// Reports what of the plugins' configurations does not fit the schemas that ship with them.
pub fn check_schemas(loaded: &Loaded, faults: &mut Faults) {
    let chains = loaded.config.chains.iter().flat_map(|(name, chain)| {
        chain
            .iter()
            .enumerate()
            .map(move |(n, binding)| (pointer(&["chains", name, &n.to_string()]), binding))
    });
    let routers = loaded
        .config
        .routes
        .iter()
        .filter_map(|(name, route)| Some((pointer(&["routes", name, "router"]), route.router.as_ref()?)));
    for (at, binding) in chains.chain(routers) {
        let source =
            loaded.config.plugins.get(&binding.plugin).map_or(binding.plugin.as_str(), |p| p.source.as_str());
        let Some(wanted) = source.strip_prefix("builtin:") else { continue };
        let name = wanted.split('@').next().unwrap_or(wanted);
        let Some(builtin) = lockgate_bundle::find(name, None) else { continue };
        if let (Ok(schema), false) = (serde_json::from_str(builtin.config_schema), binding.config.is_null()) {
            config::check_against(
                &schema,
                &loaded.document,
                &format!("{at}/config"),
                &binding.config,
                faults,
            );
        }
    }
}

fn next_binding() -> BindingId {
    BindingId(NEXT_BINDING.fetch_add(1, Ordering::Relaxed))
}

/// Plugins that ship with the gateway are reused within a tenant; others start fresh.
fn isolation(chosen: Option<config::Isolation>, source: &str) -> Isolation {
    match chosen {
        Some(config::Isolation::Fresh) => Isolation::Fresh,
        Some(config::Isolation::Reuse) => Isolation::Reuse,
        None if source.starts_with("builtin:") => Isolation::Reuse,
        None => Isolation::Fresh,
    }
}

/// Grants, as the engine takes them.
#[must_use]
pub fn grants(grants: &config::Grants) -> Grants {
    let destinations = |named: &BTreeMap<String, config::Destination>| {
        named
            .iter()
            .map(|(name, destination)| {
                let destination = Destination {
                    url: destination.url.clone(),
                    credential: destination.credential.clone(),
                    header: destination.header.clone(),
                };
                (name.clone(), destination)
            })
            .collect()
    };
    Grants {
        kv: grants.kv.clone(),
        responses: grants.responses,
        vectors: grants.vectors.clone(),
        http: grants.http.as_ref().map(destinations),
        attributes: grants.attributes.clone(),
        headers: grants.headers.clone(),
    }
}

fn limits(limits: &config::Limits) -> Limits {
    Limits {
        deadline: Duration::from_millis(limits.deadline_ms),
        wait: Duration::from_millis(limits.wait_ms),
        memory: limits.memory_mb * 1024 * 1024,
        concurrency: limits.concurrency,
        queue: limits.queue,
        queue_wait: Duration::from_millis(limits.queue_wait_ms),
        scratch: limits.scratch_kb * 1024,
        max_uses: limits.max_uses,
    }
}

/// A JSON pointer of tokens.
pub(super) fn pointer(tokens: &[&str]) -> String {
    tokens.iter().map(|token| format!("/{}", token.replace('~', "~0").replace('/', "~1"))).collect()
}
