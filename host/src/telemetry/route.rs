//! The figures of one tenant's route.
//!
//! Invariant: after the first exchange of its kind (status, provider), counting is atomics behind a read lock.

use super::histogram::Histogram;
use super::metrics::{Histograms, register, register_seconds};
use parking_lot::RwLock;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use std::collections::HashMap;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

type Dollars = Counter<f64, AtomicU64>;

#[derive(Clone)]
pub(super) struct RouteFamilies {
    requests: Family<RequestLabels, Counter>,
    in_flight: Family<RouteLabels, Gauge>,
    duration: Histograms<RouteLabels>,
    first_token: Histograms<RouteLabels>,
    overhead: Histograms<RouteLabels>,
    tokens: Family<TokenLabels, Counter>,
    cost: Family<CostLabels, Dollars>,
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
    route: String,
    provider: String,
    r#type: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CostLabels {
    tenant: String,
    route: String,
    provider: String,
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
            in_flight: register(registry, "requests_in_flight", "Requests being served.", Family::default()),
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
        }
    }
}

/// The figures of one tenant's route.
pub struct RouteMetrics {
    families: RouteFamilies,
    labels: RouteLabels,
    in_flight: Gauge,
    duration: Histogram,
    first_token: Histogram,
    overhead: Histogram,
    statuses: RwLock<HashMap<u16, Counter>>,
    providers: RwLock<HashMap<String, ProviderMetrics>>,
}

#[derive(Clone)]
struct ProviderMetrics {
    input: Counter,
    output: Counter,
    cache_read: Counter,
    cost: Dollars,
}

impl std::fmt::Debug for RouteMetrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("RouteMetrics").field(&self.labels).finish()
    }
}

/// A request that is being served, until this is dropped.
#[derive(Debug)]
pub struct InFlight(Gauge);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl RouteMetrics {
    pub(super) fn new(families: &RouteFamilies, tenant: &str, route: &str) -> Self {
        let labels = RouteLabels { tenant: tenant.to_owned(), route: route.to_owned() };
        Self {
            in_flight: families.in_flight.get_or_create_owned(&labels),
            duration: families.duration.get_or_create_owned(&labels),
            first_token: families.first_token.get_or_create_owned(&labels),
            overhead: families.overhead.get_or_create_owned(&labels),
            families: families.clone(),
            labels,
            statuses: RwLock::default(),
            providers: RwLock::default(),
        }
    }

    /// A request is being served.
    #[must_use]
    pub fn begin(&self) -> InFlight {
        self.in_flight.inc();
        InFlight(self.in_flight.clone())
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
        let provider = self.provider(provider);
        provider.input.inc_by(input);
        provider.output.inc_by(output);
        provider.cache_read.inc_by(cache_read);
    }

    /// An exchange cost this much. What is not a positive number is not counted.
    pub fn cost(&self, provider: &str, usd: f64) {
        if usd.is_finite() && usd > 0.0 {
            self.provider(provider).cost.inc_by(usd);
        }
    }

    fn status(&self, status: u16) -> Counter {
        if let Some(known) = self.statuses.read().get(&status) {
            return known.clone();
        }
        let RouteLabels { tenant, route } = self.labels.clone();
        let counter = self.families.requests.get_or_create_owned(&RequestLabels { tenant, route, status });
        self.statuses.write().entry(status).or_insert(counter).clone()
    }

    fn provider(&self, provider: &str) -> ProviderMetrics {
        if let Some(known) = self.providers.read().get(provider) {
            return known.clone();
        }
        let RouteLabels { tenant, route } = self.labels.clone();
        let tokens = |r#type| {
            let labels = TokenLabels { route: route.clone(), provider: provider.to_owned(), r#type };
            self.families.tokens.get_or_create_owned(&labels)
        };
        let metrics = ProviderMetrics {
            input: tokens("input"),
            output: tokens("output"),
            cache_read: tokens("cache_read"),
            cost: {
                let labels = CostLabels { tenant, route: route.clone(), provider: provider.to_owned() };
                self.families.cost.get_or_create_owned(&labels)
            },
        };
        self.providers.write().entry(provider.to_owned()).or_insert(metrics).clone()
    }
}
