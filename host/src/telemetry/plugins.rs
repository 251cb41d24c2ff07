//! Metrics of plugins: per binding, and the plugins' own.

use super::metrics::{Metrics, Seconds, seconds};
use parking_lot::Mutex;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use std::collections::HashMap;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

/// Names of own metrics, with their labels, that one binding may make.
const MAX_OWN: usize = 100;
/// Bytes of one name or label.
const MAX_NAME: usize = 64;

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct BindingLabels {
    binding: String,
    tenant: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct CallLabels {
    binding: String,
    tenant: String,
    hook: &'static str,
    outcome: &'static str,
}

/// The labels of a plugin's own metric: open, so a list.
type OwnLabels = Vec<(String, String)>;

/// The families of all plugins.
#[derive(Clone)]
pub(super) struct PluginFamilies {
    calls: Family<CallLabels, Counter>,
    duration: Family<BindingLabels, Histogram, Seconds>,
    traps: Family<BindingLabels, Counter>,
    rejections: Family<BindingLabels, Counter>,
    edits: Family<BindingLabels, Counter>,
    instances: Family<BindingLabels, Gauge>,
    own: Family<OwnLabels, Counter>,
    samples: Family<OwnLabels, Histogram, Seconds>,
}

impl PluginFamilies {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let families = Self {
            calls: Family::default(),
            duration: Family::new_with_constructor(seconds as Seconds),
            traps: Family::default(),
            rejections: Family::default(),
            edits: Family::default(),
            instances: Family::default(),
            own: Family::default(),
            samples: Family::new_with_constructor(seconds as Seconds),
        };
        registry.register("plugin_calls", "Calls by hook and outcome", families.calls.clone());
        registry.register("plugin_call_duration_seconds", "Time of one call", families.duration.clone());
        registry.register("plugin_traps", "Calls that ended in a trap or at a bound", families.traps.clone());
        registry.register("plugin_rejections", "Calls that decided no", families.rejections.clone());
        registry.register("plugin_edits", "Edits of streamed or whole text", families.edits.clone());
        registry.register("plugin_instances", "Instances alive", families.instances.clone());
        registry.register("plugin_custom", "Counters of plugins' own", families.own.clone());
        registry.register("plugin_custom_sample", "Samples of plugins' own", families.samples.clone());
        families
    }
}

/// The metrics of one binding, resolved once.
pub struct PluginMetrics {
    families: PluginFamilies,
    labels: BindingLabels,
    calls: Mutex<HashMap<(&'static str, &'static str), Counter>>,
    duration: Histogram,
    traps: Counter,
    rejections: Counter,
    edits: Counter,
    instances: Gauge,
    own: Mutex<HashSet<OwnLabels>>,
}

impl PluginMetrics {
    /// The metrics of a binding of a tenant.
    #[must_use]
    pub fn new(metrics: &Metrics, binding: &str, tenant: &str) -> Arc<Self> {
        let families = &metrics.plugins;
        let labels = BindingLabels { binding: binding.to_owned(), tenant: tenant.to_owned() };
        Arc::new(Self {
            calls: Mutex::default(),
            duration: families.duration.get_or_create(&labels).clone(),
            traps: families.traps.get_or_create(&labels).clone(),
            rejections: families.rejections.get_or_create(&labels).clone(),
            edits: families.edits.get_or_create(&labels).clone(),
            instances: families.instances.get_or_create(&labels).clone(),
            own: Mutex::default(),
            families: families.clone(),
            labels,
        })
    }

    /// A call ended.
    pub fn called(&self, hook: &'static str, outcome: &'static str, elapsed: Duration) {
        self.calls
            .lock()
            .entry((hook, outcome))
            .or_insert_with(|| {
                let BindingLabels { binding, tenant } = self.labels.clone();
                self.families.calls.get_or_create(&CallLabels { binding, tenant, hook, outcome }).clone()
            })
            .inc();
        self.duration.observe(elapsed.as_secs_f64());
        match outcome {
            "rejected" => drop(self.rejections.inc()),
            "trap" | "deadline" | "memory" | "stack_overflow" | "bad_output" => drop(self.traps.inc()),
            _ => {}
        }
    }

    /// A filter made edits.
    pub fn edited(&self, edits: usize) {
        if edits > 0 {
            self.edits.inc_by(edits as u64);
        }
    }

    /// Instances were made or dropped.
    pub fn instances(&self, delta: i64) {
        self.instances.inc_by(delta);
    }

    /// A plugin's own counter.
    pub fn add(&self, name: &str, by: u64, labels: &[(String, String)]) {
        if let Some(labels) = self.own_labels(name, labels) {
            self.families.own.get_or_create(&labels).inc_by(by);
        }
    }

    /// A plugin's own sample.
    pub fn sample(&self, name: &str, value: f64, labels: &[(String, String)]) {
        if let Some(labels) = self.own_labels(name, labels).filter(|_| value.is_finite()) {
            self.families.samples.get_or_create(&labels).observe(value);
        }
    }

    /// The labels of an own metric; none past the bounds, so that a plugin cannot fill the registry.
    fn own_labels(&self, name: &str, labels: &[(String, String)]) -> Option<OwnLabels> {
        let word = |text: &str| {
            !text.is_empty()
                && text.len() <= MAX_NAME
                && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
                && !text.starts_with(|c: char| c.is_ascii_digit())
        };
        let fits = word(name)
            && labels.len() <= 4
            && labels.iter().all(|(key, value)| word(key) && value.len() <= MAX_NAME);
        if !fits {
            return None;
        }
        let mut all = vec![
            ("binding".to_owned(), self.labels.binding.clone()),
            ("tenant".to_owned(), self.labels.tenant.clone()),
            ("name".to_owned(), name.to_owned()),
        ];
        all.extend(
            labels.iter().filter(|(key, _)| !matches!(key.as_str(), "binding" | "tenant" | "name")).cloned(),
        );
        let mut own = self.own.lock();
        (own.contains(&all) || own.len() < MAX_OWN).then(|| {
            own.insert(all.clone());
            all
        })
    }
}
