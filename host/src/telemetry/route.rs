//! The figures of one tenant's route.
//!
//! Invariant: after the first exchange of its kind (status, provider), counting is atomics behind a read lock.

use super::histogram::Histogram;
use super::metrics::{Histograms, register, register_seconds};
use parking_lot::RwLock;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;
use std::collections::HashMap;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

type Dollars = Counter<f64, AtomicU64>;

#[derive(Clone)]
pub(super) struct RouteFamilies {
    requests: Family<RequestLabels, Counter>,
    duration: Histograms<RouteLabels>,
    first_token: Histograms<RouteLabels>,
    overhead: Histograms<RouteLabels>,
    tokens: Family<TokenLabels, Counter>,
    cost: Family<RouteLabels, Dollars>,
    cache: Family<CacheLabels, Counter>,
    rescues: Family<RescueLabels, Counter>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RescueLabels {
    tenant: String,
    route: String,
    by: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabels {
    tenant: String,
    route: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    tenant: String,
    route: String,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TokenLabels {
    tenant: String,
    route: String,
    provider: String,
    r#type: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CacheLabels {
    tenant: String,
    route: String,
    result: &'static str,
}

impl RouteFamilies {
    pub fn register(registry: &mut Registry) -> Self {
        Self {
            requests: register(
                registry,
                "requests",
                "Requests by the status they were answered with.",
                Family::default(),
            ),
            duration: register_seconds(
                registry,
                "request_duration",
                "From accepting a request to the end of its answer.",
            ),
            first_token: register_seconds(
                registry,
                "time_to_first_token",
                "From accepting a request to the first byte of a streamed answer.",
            ),
            overhead: register_seconds(
                registry,
                "overhead",
                "Time of a request that was not spent waiting for the provider.",
            ),
            tokens: register(registry, "tokens", "Tokens by provider and kind.", Family::default()),
            cost: register(
                registry,
                "cost_usd",
                "What providers charge, where their prices are known.",
                Family::default(),
            ),
            cache: register(registry, "cache", "Lookups of kept answers.", Family::default()),
            rescues: register(
                registry,
                "rescues",
                "Exchanges that went on when a target failed or was slow, by what was done.",
                Family::default(),
            ),
        }
    }
}

/// The figures of one tenant's route.
pub struct RouteMetrics {
    families: RouteFamilies,
    labels: RouteLabels,
    duration: Histogram,
    first_token: Histogram,
    overhead: Histogram,
    cost: Dollars,
    statuses: RwLock<HashMap<u16, Counter>>,
    cache: RwLock<HashMap<&'static str, Counter>>,
    providers: RwLock<HashMap<String, TokenMetrics>>,
}

#[derive(Clone)]
struct TokenMetrics {
    input: Counter,
    output: Counter,
    cache_read: Counter,
}

impl std::fmt::Debug for RouteMetrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("RouteMetrics").field(&self.labels).finish()
    }
}

impl RouteMetrics {
    pub(super) fn new(families: &RouteFamilies, tenant: &str, route: &str) -> Self {
        let labels = RouteLabels { tenant: tenant.to_owned(), route: route.to_owned() };
        Self {
            duration: families.duration.get_or_create_owned(&labels),
            first_token: families.first_token.get_or_create_owned(&labels),
            overhead: families.overhead.get_or_create_owned(&labels),
            cost: families.cost.get_or_create_owned(&labels),
            families: families.clone(),
            labels,
            statuses: RwLock::default(),
            cache: RwLock::default(),
            providers: RwLock::default(),
        }
    }

    /// An exchange has ended.
    pub fn exchange(
        &self,
        status: u16,
        duration: Duration,
        overhead: Duration,
        first_token: Option<Duration>,
    ) {
        self.status(status).inc();
        self.duration.observe_duration(duration);
        self.overhead.observe_duration(overhead);
        if let Some(first_token) = first_token {
            self.first_token.observe_duration(first_token);
        }
    }

    /// Tokens were used. `cache_read` are those of the input that the provider had kept.
    pub fn tokens(&self, provider: &str, input: u64, output: u64, cache_read: u64) {
        // An exchange that never reached a provider used none, and has no provider to name.
        if input == 0 && output == 0 && cache_read == 0 {
            return;
        }
        let tokens = self.provider(provider);
        tokens.input.inc_by(input);
        tokens.output.inc_by(output);
        tokens.cache_read.inc_by(cache_read);
    }

    /// An exchange cost this much. What is not a positive number is not counted.
    pub fn cost(&self, usd: f64) {
        if usd.is_finite() && usd > 0.0 {
            self.cost.inc_by(usd);
        }
    }

    /// Something was done for an exchange whose target failed or was slow: `hedge_won`, `hedge_lost`, `continued`, `anew`,
    /// a step of degradation, `replayed`. Rare enough to be looked up each time.
    pub fn rescue(&self, by: &'static str) {
        let RouteLabels { tenant, route } = self.labels.clone();
        self.families.rescues.get_or_create_owned(&RescueLabels { tenant, route, by }).inc();
    }

    /// A kept answer was looked for: `hit`, `miss`.
    pub fn cache(&self, result: &'static str) {
        let known = self.cache.read().get(result).cloned();
        known.unwrap_or_else(|| self.new_cache_result(result)).inc();
    }

    fn new_cache_result(&self, result: &'static str) -> Counter {
        let RouteLabels { tenant, route } = self.labels.clone();
        let counter = self.families.cache.get_or_create_owned(&CacheLabels { tenant, route, result });
        self.cache.write().entry(result).or_insert(counter).clone()
    }

    fn status(&self, status: u16) -> Counter {
        let known = self.statuses.read().get(&status).cloned();
        known.unwrap_or_else(|| self.new_status(status))
    }

    fn new_status(&self, status: u16) -> Counter {
        let RouteLabels { tenant, route } = self.labels.clone();
        let counter = self.families.requests.get_or_create_owned(&RequestLabels { tenant, route, status });
        self.statuses.write().entry(status).or_insert(counter).clone()
    }

    fn provider(&self, provider: &str) -> TokenMetrics {
        let known = self.providers.read().get(provider).cloned();
        known.unwrap_or_else(|| self.new_provider(provider))
    }

    fn new_provider(&self, provider: &str) -> TokenMetrics {
        let tokens = |r#type| {
            let RouteLabels { tenant, route } = self.labels.clone();
            let labels = TokenLabels { tenant, route, provider: provider.to_owned(), r#type };
            self.families.tokens.get_or_create_owned(&labels)
        };
        let metrics = TokenMetrics {
            input: tokens("input"),
            output: tokens("output"),
            cache_read: tokens("cache_read"),
        };
        self.providers.write().entry(provider.to_owned()).or_insert(metrics).clone()
    }
}
