//! The gateway's own metrics, in OpenMetrics text.

use super::plugins::PluginFamilies;
use parking_lot::RwLock;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

/// Labels of a route's metrics.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct RouteLabels {
    tenant: String,
    route: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct StatusLabels {
    tenant: String,
    route: String,
    status: u32,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct TokenLabels {
    tenant: String,
    route: String,
    provider: String,
    kind: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ErrorLabels {
    provider: String,
    kind: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct CacheLabels {
    tenant: String,
    route: String,
    result: &'static str,
}

/// A tenant's name and a route's.
type RouteKey = (Arc<str>, Arc<str>);

pub(super) type Seconds = fn() -> Histogram;

/// From 10 µs to 84 s, doubling: overhead is microseconds, answers are minutes.
pub(super) fn seconds() -> Histogram {
    Histogram::new(exponential_buckets(1e-5, 2.0, 24))
}

/// All metrics.
pub struct Metrics {
    registry: Registry,
    requests: Family<StatusLabels, Counter>,
    duration: Family<RouteLabels, Histogram, Seconds>,
    first_byte: Family<RouteLabels, Histogram, Seconds>,
    overhead: Family<RouteLabels, Histogram, Seconds>,
    tokens: Family<TokenLabels, Counter>,
    cost: Family<RouteLabels, Counter<f64, AtomicU64>>,
    upstream_errors: Family<ErrorLabels, Counter>,
    cache: Family<CacheLabels, Counter>,
    in_flight: Gauge,
    pub(super) plugins: PluginFamilies,
    routes: RwLock<HashMap<RouteKey, Arc<RouteMetrics>>>,
}

impl Metrics {
    /// A registry with every metric of the gateway.
    #[must_use]
    pub fn new() -> Arc<Self> {
        let mut registry = Registry::with_prefix("lockgate");
        let new = Family::<RouteLabels, Histogram, Seconds>::new_with_constructor;
        let (duration, first_byte, overhead) = (new(seconds as Seconds), new(seconds), new(seconds));
        let requests = Family::default();
        let tokens = Family::default();
        let cost = Family::default();
        let upstream_errors = Family::default();
        let cache = Family::default();
        let in_flight = Gauge::default();
        registry.register("requests", "Requests by outcome", requests.clone());
        registry.register(
            "request_duration_seconds",
            "Time from the first byte in to the last byte out",
            duration.clone(),
        );
        registry.register(
            "time_to_first_token_seconds",
            "Time until the client's first byte",
            first_byte.clone(),
        );
        registry.register("overhead_seconds", "Time not spent waiting for a provider", overhead.clone());
        registry.register("tokens", "Tokens by kind", tokens.clone());
        registry.register("cost_usd", "Cost in US dollars, where the price is known", cost.clone());
        registry.register("upstream_errors", "Failures of providers", upstream_errors.clone());
        registry.register("cache", "Answers by cache result", cache.clone());
        registry.register("exchanges_in_flight", "Exchanges that are not settled yet", in_flight.clone());
        let plugins = PluginFamilies::register(&mut registry);
        Arc::new(Self {
            registry,
            requests,
            duration,
            first_byte,
            overhead,
            tokens,
            cost,
            upstream_errors,
            cache,
            in_flight,
            plugins,
            routes: RwLock::default(),
        })
    }

    /// The metrics of a tenant's route; made once.
    pub fn route(self: &Arc<Self>, tenant: &Arc<str>, route: &Arc<str>) -> Arc<RouteMetrics> {
        let key = (tenant.clone(), route.clone());
        if let Some(known) = self.routes.read().get(&key) {
            return known.clone();
        }
        let labels = RouteLabels { tenant: tenant.to_string(), route: route.to_string() };
        let made = Arc::new(RouteMetrics {
            duration: self.duration.get_or_create(&labels).clone(),
            first_byte: self.first_byte.get_or_create(&labels).clone(),
            overhead: self.overhead.get_or_create(&labels).clone(),
            cost: self.cost.get_or_create(&labels).clone(),
            all: self.clone(),
            labels,
        });
        self.routes.write().entry(key).or_insert(made).clone()
    }

    /// Counts a failure of a provider.
    pub fn upstream_error(&self, provider: &str, kind: &str) {
        let labels = ErrorLabels { provider: provider.to_owned(), kind: kind.to_owned() };
        self.upstream_errors.get_or_create(&labels).inc();
    }

    /// An exchange begins (1) or is settled (-1).
    pub fn in_flight(&self, delta: i64) {
        self.in_flight.inc_by(delta);
    }

    /// Everything, as `/metrics` answers.
    #[must_use]
    pub fn render(&self) -> String {
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}

/// The metrics of one tenant's route.
pub struct RouteMetrics {
    all: Arc<Metrics>,
    labels: RouteLabels,
    duration: Histogram,
    first_byte: Histogram,
    overhead: Histogram,
    cost: Counter<f64, AtomicU64>,
}

impl RouteMetrics {
    /// An exchange was settled.
    pub fn exchange(
        &self,
        status: u16,
        duration: Duration,
        overhead: Duration,
        first_byte: Option<Duration>,
    ) {
        let RouteLabels { tenant, route } = self.labels.clone();
        self.all.requests.get_or_create(&StatusLabels { tenant, route, status: status.into() }).inc();
        self.duration.observe(duration.as_secs_f64());
        self.overhead.observe(overhead.as_secs_f64());
        if let Some(first_byte) = first_byte {
            self.first_byte.observe(first_byte.as_secs_f64());
        }
    }

    /// Tokens were used.
    pub fn tokens(&self, provider: &str, input: u64, output: u64, cached: u64) {
        for (kind, tokens) in [("input", input), ("output", output), ("cache_read", cached)] {
            if tokens > 0 {
                let RouteLabels { tenant, route } = self.labels.clone();
                let labels = TokenLabels { tenant, route, provider: provider.to_owned(), kind };
                self.all.tokens.get_or_create(&labels).inc_by(tokens);
            }
        }
    }

    /// Money was spent.
    pub fn cost(&self, usd: f64) {
        self.cost.inc_by(usd);
    }

    /// An answer came from the cache, or could have.
    pub fn cache(&self, result: &'static str) {
        let RouteLabels { tenant, route } = self.labels.clone();
        self.all.cache.get_or_create(&CacheLabels { tenant, route, result }).inc();
    }
}
