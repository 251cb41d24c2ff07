//! Figures of where exchanges go: canaries and mirrors.

use super::histogram::Histogram;
use super::metrics::{Metrics, register};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use std::sync::atomic::AtomicU64;

/// Similarities, from 0 to 1.
const SHARES: &[f64] = &[0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 1.0];

#[derive(Clone)]
pub(super) struct RoutingFamilies {
    canary_attempts: Family<ArmLabels, Counter>,
    canary_off: Family<RouteLabels, Gauge>,
    mirrored: Family<MirrorLabels, Counter>,
    mirror_cost: Family<RouteLabels, Counter<f64, AtomicU64>>,
    mirror_similarity: Family<RouteLabels, Histogram, fn() -> Histogram>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabels {
    tenant: String,
    route: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ArmLabels {
    tenant: String,
    route: String,
    arm: &'static str,
    result: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct MirrorLabels {
    tenant: String,
    route: String,
    result: &'static str,
}

impl RoutingFamilies {
    pub fn register(registry: &mut Registry) -> Self {
        let similarity: Family<RouteLabels, Histogram, fn() -> Histogram> =
            Family::new_with_constructor(|| Histogram::new(SHARES));
        Self {
            canary_attempts: register(
                registry,
                "canary_attempts",
                "Attempts at a canary and at its baseline.",
                Family::default(),
            ),
            canary_off: register(
                registry,
                "canary_rolled_back",
                "Whether a canary was rolled back.",
                Family::default(),
            ),
            mirrored: register(registry, "mirrored", "Requests that were mirrored.", Family::default()),
            mirror_cost: register(
                registry,
                "mirror_cost_usd",
                "What providers charge for mirrored requests, where their prices are known.",
                Family::default(),
            ),
            mirror_similarity: register(
                registry,
                "mirror_similarity",
                "How much of its words a mirror's answer has in common with the real one.",
                similarity,
            ),
        }
    }
}

impl Metrics {
    /// An attempt at a canary, or at its baseline, has ended.
    pub fn canary_attempt(&self, tenant: &str, route: &str, canary: bool, succeeded: bool) {
        let labels = ArmLabels {
            tenant: tenant.to_owned(),
            route: route.to_owned(),
            arm: if canary { "canary" } else { "baseline" },
            result: if succeeded { "answered" } else { "failed" },
        };
        self.routing_families.canary_attempts.get_or_create(&labels).inc();
    }

    /// A canary is rolled back, or is not any more.
    pub fn canary_off(&self, tenant: &str, route: &str, off: bool) {
        self.routing_families.canary_off.get_or_create(&labels(tenant, route)).set(i64::from(off));
    }

    /// A request was mirrored, or was to be: `answered`, `failed`, `skipped`.
    pub fn mirrored(&self, tenant: &str, route: &str, result: &'static str) {
        let labels = MirrorLabels { tenant: tenant.to_owned(), route: route.to_owned(), result };
        self.routing_families.mirrored.get_or_create(&labels).inc();
    }

    /// A mirrored request cost this much, in dollars. What is not a positive number is not counted.
    pub fn mirror_cost(&self, tenant: &str, route: &str, usd: f64) {
        if usd.is_finite() && usd > 0.0 {
            self.routing_families.mirror_cost.get_or_create(&labels(tenant, route)).inc_by(usd);
        }
    }

    /// A mirror's answer was as much like the real one, from 0 to 1.
    pub fn mirror_similarity(&self, tenant: &str, route: &str, share: f64) {
        self.routing_families.mirror_similarity.get_or_create(&labels(tenant, route)).observe(share);
    }
}

fn labels(tenant: &str, route: &str) -> RouteLabels {
    RouteLabels { tenant: tenant.to_owned(), route: route.to_owned() }
}
