//! The registry: every family, its name, and its text form.
//!
//! Invariant: the registry's lock is taken to register and to render, never to count.

use super::budget::BudgetFamilies;
use super::custom::Custom;
use super::histogram::{Histogram, SECONDS};
use super::plugin::PluginFamilies;
use super::route::{RouteFamilies, RouteMetrics};
use super::routing::RoutingFamilies;
use parking_lot::{Mutex, RwLock};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Metric, Registry, Unit};
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::hash::Hash;
use std::sync::Arc;

/// The `content-type` of what [`Metrics::render`] gives.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Kinds of upstream errors that are told apart.
const MAX_KINDS: usize = 64;
/// Bytes of one.
const MAX_KIND: usize = 48;

/// A family of histograms.
pub(super) type Histograms<S> = Family<S, Histogram, fn() -> Histogram>;

/// All figures of the process.
pub struct Metrics {
    registry: Arc<Mutex<Registry>>,
    routes: RwLock<HashMap<String, HashMap<String, Arc<RouteMetrics>>>>,
    route_families: RouteFamilies,
    pub(super) plugin_families: PluginFamilies,
    pub(super) routing_families: RoutingFamilies,
    pub(super) custom: Arc<Custom>,
    budgets: BudgetFamilies,
    upstream_errors: Family<UpstreamLabels, Counter>,
    breakers: Family<BreakerLabels, Counter>,
    /// The kinds of upstream errors so far.
    kinds: RwLock<HashSet<String>>,
    in_flight: Gauge,
    connections: Family<ListenerLabels, Gauge>,
    watched: Mutex<Vec<Watched>>,
}

/// A figure that is read when it is rendered.
struct Watched {
    gauge: Gauge,
    read: Box<dyn Fn() -> usize + Send>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct UpstreamLabels {
    provider: String,
    kind: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct BreakerLabels {
    target: String,
    to: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ListenerLabels {
    listener: &'static str,
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

impl Metrics {
    /// A registry with every family of the gateway.
    #[must_use]
    pub fn new() -> Arc<Self> {
        let mut registry = Registry::with_prefix("lockgate");
        let route_families = RouteFamilies::register(&mut registry);
        let plugin_families = PluginFamilies::register(&mut registry);
        let routing_families = RoutingFamilies::register(&mut registry);
        let budgets = BudgetFamilies::register(&mut registry);
        let upstream_errors =
            register(&mut registry, "upstream_errors", "Failed attempts at providers.", Family::default());
        let breakers = register(
            &mut registry,
            "breaker_changes",
            "Changes of the targets' breakers, by the state they changed to.",
            Family::default(),
        );
        let in_flight = register(
            &mut registry,
            "exchanges_in_flight",
            "Exchanges that are not settled.",
            Gauge::default(),
        );
        let connections =
            register(&mut registry, "connections", "Open client connections.", Family::default());
        let registry = Arc::new(Mutex::new(registry));
        Arc::new(Self {
            custom: Arc::new(Custom::new(registry.clone())),
            registry,
            routes: RwLock::default(),
            route_families,
            plugin_families,
            routing_families,
            budgets,
            upstream_errors,
            breakers,
            kinds: RwLock::default(),
            in_flight,
            connections,
            watched: Mutex::default(),
        })
    }

    /// The figures of a tenant's route, both named by the configuration.
    #[must_use]
    pub fn route(&self, tenant: &str, route: &str) -> Arc<RouteMetrics> {
        if let Some(known) = self.routes.read().get(tenant).and_then(|routes| routes.get(route)) {
            return known.clone();
        }
        let mut routes = self.routes.write();
        let routes = routes.entry(tenant.to_owned()).or_default();
        let made = || Arc::new(RouteMetrics::new(&self.route_families, tenant, route));
        routes.entry(route.to_owned()).or_insert_with(made).clone()
    }

    /// Somebody is told that a part of a budget is used, or that it refuses.
    pub fn budget_notice(&self, budget: &str, part: &str) {
        self.budgets.notice(budget, part);
    }

    /// An attempt at a provider failed. The kind may be the provider's own word: what is no word, or one word
    /// too many, is counted as `other`.
    pub fn upstream_error(&self, provider: &str, kind: &str) {
        let kind = if self.admits(kind) { kind } else { "other" };
        let labels = UpstreamLabels { provider: provider.to_owned(), kind: kind.to_owned() };
        self.upstream_errors.get_or_create(&labels).inc();
    }

    /// The breaker of a target, named by the configuration, is now `open`, `half_open` or `closed`.
    pub fn breaker(&self, target: &str, to: &'static str) {
        self.breakers.get_or_create(&BreakerLabels { target: target.to_owned(), to }).inc();
    }

    fn admits(&self, kind: &str) -> bool {
        if self.kinds.read().contains(kind) {
            return true;
        }
        let is_word = (1..=MAX_KIND).contains(&kind.len())
            && kind.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'));
        let mut kinds = self.kinds.write();
        is_word && (kinds.contains(kind) || kinds.len() < MAX_KINDS && kinds.insert(kind.to_owned()))
    }

    /// An exchange begins (1) or is settled (-1).
    pub fn in_flight(&self, delta: i64) {
        self.in_flight.inc_by(delta);
    }

    /// Shows how many connections a listener has open, read when it is rendered.
    pub fn watch_connections(&self, listener: &'static str, read: impl Fn() -> usize + Send + 'static) {
        let gauge = self.connections.get_or_create_owned(&ListenerLabels { listener });
        self.watched.lock().push(Watched { gauge, read: Box::new(read) });
    }

    /// Shows how many requests wait for a limit, read when it is rendered.
    pub fn watch_waiting(&self, read: impl Fn() -> usize + Send + 'static) {
        let gauge = Gauge::default();
        let help = "Requests that wait for a limit.";
        let gauge = register(&mut self.registry.lock(), "requests_waiting", help, gauge);
        self.watched.lock().push(Watched { gauge, read: Box::new(read) });
    }

    /// Everything, in the OpenMetrics text format.
    #[must_use]
    pub fn render(&self) -> String {
        for Watched { gauge, read } in &*self.watched.lock() {
            gauge.set(i64::try_from(read()).unwrap_or(i64::MAX));
        }
        let mut text = String::new();
        if prometheus_client::encoding::text::encode(&mut text, &self.registry.lock()).is_err() {
            // A string takes everything, so only a metric can refuse, and none of ours does.
            tracing::error!("the metrics could not be rendered");
        }
        text
    }
}

pub(super) fn register<M: Metric + Clone>(registry: &mut Registry, name: &str, help: &str, metric: M) -> M {
    // The library ends the text with a full stop itself.
    registry.register(name, help.trim_end_matches('.'), metric.clone());
    metric
}

pub(super) fn register_seconds<S>(registry: &mut Registry, name: &str, help: &str) -> Histograms<S>
where
    S: EncodeLabelSet + fmt::Debug + Clone + Hash + Eq + Send + Sync + 'static,
{
    let family: Histograms<S> = Family::new_with_constructor(|| Histogram::new(SECONDS));
    registry.register_with_unit(name, help.trim_end_matches('.'), Unit::Seconds, family.clone());
    family
}
