//! The figures of one binding of a plugin, resolved once and kept with it.
//!
//! Invariant: telling of a call is a lock-free look at a short list and a few atomics; only a pair of hook
//! and outcome that was never seen before takes a lock.

use super::custom::Custom;
use super::histogram::Histogram;
use super::metrics::{Histograms, Metrics, register, register_seconds};
use arc_swap::ArcSwap;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use std::sync::Arc;
use std::time::Duration;

/// Outcomes that are a trap of the component: its own, or one of the engine's at a bound.
const TRAPS: [&str; 4] = ["trap", "stack_overflow", "memory", "deadline"];
/// The outcome of a call that decided no.
const REJECTED: &str = "rejected";

#[derive(Clone)]
pub(super) struct PluginFamilies {
    calls: Family<CallLabels, Counter>,
    duration: Histograms<HookLabels>,
    traps: Family<PluginLabels, Counter>,
    rejections: Family<PluginLabels, Counter>,
    edits: Family<PluginLabels, Counter>,
    instances: Family<PluginLabels, Gauge>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct PluginLabels {
    pub binding: String,
    pub tenant: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct HookLabels {
    binding: String,
    tenant: String,
    hook: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CallLabels {
    binding: String,
    tenant: String,
    hook: &'static str,
    outcome: &'static str,
}

impl PluginFamilies {
    pub fn register(registry: &mut Registry) -> Self {
        Self {
            calls: register(
                registry,
                "plugin_calls",
                "Calls of plugins by hook and outcome.",
                Family::default(),
            ),
            duration: register_seconds(
                registry,
                "plugin_call_duration",
                "Time of a call, waiting for an instance included.",
            ),
            traps: register(registry, "plugin_traps", "Calls that ended in a trap.", Family::default()),
            rejections: register(
                registry,
                "plugin_rejections",
                "Exchanges that a plugin refused.",
                Family::default(),
            ),
            edits: register(registry, "plugin_edits", "Edits that a plugin made to text.", Family::default()),
            instances: register(registry, "plugin_instances", "Instances alive.", Family::default()),
        }
    }
}

/// The figures of one binding.
pub struct PluginMetrics {
    families: PluginFamilies,
    labels: PluginLabels,
    custom: Arc<Custom>,
    calls: ArcSwap<Vec<Seen>>,
    traps: Counter,
    rejections: Counter,
    edits: Counter,
    instances: Gauge,
}

#[derive(Clone)]
struct Seen {
    hook: &'static str,
    outcome: &'static str,
    calls: Counter,
    duration: Histogram,
}

impl Seen {
    fn count(&self, elapsed: Duration) {
        self.calls.inc();
        self.duration.observe_duration(elapsed);
    }
}

impl std::fmt::Debug for PluginMetrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("PluginMetrics").field(&self.labels).finish()
    }
}

impl PluginMetrics {
    /// The figures of a tenant's binding. One that is made again, after a reload, goes on counting.
    #[must_use]
    pub fn new(metrics: &Metrics, binding: &str, tenant: &str) -> Arc<Self> {
        let families = &metrics.plugin_families;
        let labels = PluginLabels { binding: binding.to_owned(), tenant: tenant.to_owned() };
        Arc::new(Self {
            traps: families.traps.get_or_create_owned(&labels),
            rejections: families.rejections.get_or_create_owned(&labels),
            edits: families.edits.get_or_create_owned(&labels),
            instances: families.instances.get_or_create_owned(&labels),
            families: families.clone(),
            labels,
            custom: metrics.custom.clone(),
            calls: ArcSwap::default(),
        })
    }

    /// A call ended. `hook` and `outcome` are names from the code; an outcome that is a trap, or a rejection,
    /// counts as one.
    pub fn called(&self, hook: &'static str, outcome: &'static str, elapsed: Duration) {
        let find = |seen: &[Seen]| seen.iter().position(|seen| seen.hook == hook && seen.outcome == outcome);
        let known = self.calls.load();
        match find(&known).and_then(|at| known.get(at)) {
            Some(seen) => seen.count(elapsed),
            None => {
                let seen = self.resolve(hook, outcome);
                seen.count(elapsed);
                self.calls.rcu(|known| {
                    let mut known = Vec::clone(known);
                    if find(&known).is_none() {
                        known.push(seen.clone());
                    }
                    known
                });
            }
        }
        if TRAPS.contains(&outcome) {
            self.traps.inc();
        }
        if outcome == REJECTED {
            self.rejections.inc();
        }
    }

    /// The plugin made edits.
    pub fn edited(&self, edits: usize) {
        self.edits.inc_by(edits as u64);
    }

    /// Instances were made, or dropped.
    pub fn instances(&self, delta: i64) {
        self.instances.inc_by(delta);
    }

    /// The plugin's own counter. What is over the bounds is dropped, and counted as dropped.
    pub fn add(&self, name: &str, by: u64, labels: &[(String, String)]) {
        self.custom.add(&self.labels, name, by, labels);
    }

    /// The plugin's own histogram. What is over the bounds is dropped, and counted as dropped.
    pub fn sample(&self, name: &str, value: f64, labels: &[(String, String)]) {
        self.custom.sample(&self.labels, name, value, labels);
    }

    fn resolve(&self, hook: &'static str, outcome: &'static str) -> Seen {
        let PluginLabels { binding, tenant } = self.labels.clone();
        let duration = self.families.duration.get_or_create_owned(&HookLabels {
            binding: binding.clone(),
            tenant: tenant.clone(),
            hook,
        });
        let calls = self.families.calls.get_or_create_owned(&CallLabels { binding, tenant, hook, outcome });
        Seen { hook, outcome, calls, duration }
    }
}
