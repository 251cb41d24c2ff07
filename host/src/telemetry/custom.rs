//! Metrics that plugins make up: `lockgate_plugin_custom_*`.
//!
//! A plugin is not trusted with the size of the metrics page. Names, series and labels are bounded per
//! binding and in all; what is over a bound is dropped and counted. The labels `binding` and `tenant` are the
//! host's, whatever the plugin says.

use super::histogram::{ANYTHING, Histogram};
use super::metrics::{Histograms, register};
use super::plugin::PluginLabels;
use parking_lot::{Mutex, RwLock};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;
use std::collections::HashMap;
use std::sync::Arc;

/// Names in the whole process.
const MAX_NAMES: usize = 256;
/// Series of one binding, over all its names.
const MAX_SERIES: usize = 500;
/// Labels of one series.
const MAX_LABELS: usize = 8;
/// Bytes of a name or a label's name.
const MAX_NAME: usize = 64;
/// Bytes of a label's value; longer ones are cut.
const MAX_VALUE: usize = 64;

type Labels = Vec<(String, String)>;

/// Every plugin's own metrics.
pub(super) struct Custom {
    registry: Arc<Mutex<Registry>>,
    names: RwLock<HashMap<String, Kind>>,
    /// How many series a binding has.
    series: Mutex<HashMap<PluginLabels, usize>>,
    dropped: Family<PluginLabels, Counter>,
}

#[derive(Clone)]
enum Kind {
    Counter(Family<Labels, Counter>),
    Histogram(Histograms<Labels>),
}

impl Custom {
    pub fn new(registry: Arc<Mutex<Registry>>) -> Self {
        let help = "Additions and samples of plugins' own metrics that were over a bound.";
        let dropped = register(&mut registry.lock(), "plugin_custom_dropped", help, Family::default());
        Self { registry, names: RwLock::default(), series: Mutex::default(), dropped }
    }

    pub fn add(&self, plugin: &PluginLabels, name: &str, by: u64, labels: &[(String, String)]) {
        let make = || Kind::Counter(Family::default());
        let counted =
            self.kind(name, make).zip(labels_of(plugin, labels)).is_some_and(|(kind, labels)| match kind {
                Kind::Counter(family) if family.get(&labels).is_some() || self.admits(plugin) => {
                    family.get_or_create(&labels).inc_by(by);
                    true
                }
                _ => false,
            });
        self.note(plugin, counted);
    }

    pub fn sample(&self, plugin: &PluginLabels, name: &str, value: f64, labels: &[(String, String)]) {
        let make = || Kind::Histogram(Family::new_with_constructor(|| Histogram::new(ANYTHING)));
        let counted =
            self.kind(name, make).zip(labels_of(plugin, labels)).is_some_and(|(kind, labels)| match kind {
                Kind::Histogram(family) if family.get(&labels).is_some() || self.admits(plugin) => {
                    family.get_or_create(&labels).observe(value);
                    true
                }
                _ => false,
            });
        self.note(plugin, counted);
    }

    fn note(&self, plugin: &PluginLabels, counted: bool) {
        if !counted {
            self.dropped.get_or_create(plugin).inc();
        }
    }

    /// The family of a name; none where the name is not one, or is one too many.
    fn kind(&self, name: &str, make: impl FnOnce() -> Kind) -> Option<Kind> {
        let name = name_of(name)?;
        if let Some(known) = self.names.read().get(&name) {
            return Some(known.clone());
        }
        let mut names = self.names.write();
        if let Some(known) = names.get(&name) {
            return Some(known.clone());
        }
        // `x` and `x_count` would be one name on the page, if `x` is a histogram; as would `dropped` and ours.
        if names.len() >= MAX_NAMES || name == "dropped" {
            return None;
        }
        let kind = make();
        let (full, help) = (format!("plugin_custom_{name}"), "A plugin's own");
        match &kind {
            Kind::Counter(family) => self.registry.lock().register(full, help, family.clone()),
            Kind::Histogram(family) => self.registry.lock().register(full, help, family.clone()),
        }
        names.insert(name, kind.clone());
        Some(kind)
    }

    /// Whether a binding may have another series; if so, it has.
    fn admits(&self, plugin: &PluginLabels) -> bool {
        let mut series = self.series.lock();
        let count = series.entry(plugin.clone()).or_default();
        let admits = *count < MAX_SERIES;
        *count += usize::from(admits);
        admits
    }
}

/// A name that may stand on the page: dots and dashes become underscores, the suffixes that the format gives
/// to counters and histograms are left to it.
fn name_of(name: &str) -> Option<String> {
    let name = name.replace(['.', '-'], "_").to_ascii_lowercase();
    let mut name = name.as_str();
    while let Some(stripped) =
        ["_total", "_count", "_sum", "_bucket", "_created"].iter().find_map(|s| name.strip_suffix(s))
    {
        name = stripped;
    }
    is_name(name).then(|| name.to_owned())
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= MAX_NAME
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// The labels of a series, in one order however the plugin gave them; none where they are too many or no names.
fn labels_of(plugin: &PluginLabels, labels: &[(String, String)]) -> Option<Labels> {
    if labels.len() > MAX_LABELS {
        return None;
    }
    let mut all =
        vec![("binding".to_owned(), plugin.binding.clone()), ("tenant".to_owned(), plugin.tenant.clone())];
    for (name, value) in labels {
        if !is_name(name) || name.starts_with("__") || name == "le" {
            return None;
        }
        if !all.iter().any(|(known, _)| known == name) {
            let end = value.floor_char_boundary(MAX_VALUE);
            all.push((name.clone(), value.get(..end).unwrap_or_default().to_owned()));
        }
    }
    all.sort_unstable();
    Some(all)
}
