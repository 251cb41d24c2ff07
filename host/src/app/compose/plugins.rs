//! From what a configuration says of plugins to bindings: loads components, checks what they want against what they are
//! granted, and prepares them.

use super::{Composer, pointer};
use crate::app::services::{self, Watched};
use crate::config::{self, Faults, Loaded};
use crate::exchange::BindingId;
use crate::pipeline::coverage::Streams;
use crate::pipeline::gate::Gate;
use crate::pipeline::stream::{Hold, OnError, OnOverflow};
use crate::plugin::{
    Binding, BindingSettings, Destination, Grants, Hook, Isolation, Limits, LoadError, Plugin, PluginError,
};
use crate::telemetry::PluginMetrics;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// Numbers bindings, across reloads: a scratch is never read by another binding.
static NEXT_BINDING: AtomicU32 = AtomicU32::new(0);

impl Composer<'_> {
    pub(super) fn must_have(&mut self, gate: &Gate, hook: Hook, at: &str) -> bool {
        let has = gate.acts(hook);
        if !has {
            self.refuse(&format!("{at}/plugin"), format!("the plugin does not export `{hook}`"));
        }
        has
    }

    pub(super) async fn gate(
        &mut self,
        tenant: &Arc<str>,
        at: &str,
        settings: &config::Binding,
    ) -> Option<Gate> {
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
    pub(super) async fn prepare(&mut self, at: &str, settings: BindingSettings) -> Option<Arc<Binding>> {
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

    pub(super) async fn plugin(&mut self, at: &str, name: &str) -> Option<Arc<Plugin>> {
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
        let loaded = match source.strip_prefix("builtin:") {
            Some(wanted) => {
                let (builtin, version) = wanted.split_once('@').map_or((wanted, None), |(n, v)| (n, Some(v)));
                let found = lockgate_bundle::find(builtin, version).ok_or("there is no such builtin")?;
                let label = format!("{}@{}", found.name, found.version);
                Plugin::shipped(&label, (found.wasm, found.digest), digest)
            }
            None => {
                let file = self.beside(Path::new(source.trim_start_matches("file:")));
                let read = tokio::fs::read(&file).await;
                self.sources.files.push(file.clone());
                let wasm = read.map_err(|error| format!("{}: {error}", file.display()))?;
                Plugin::load(&self.shared.engine, &file.display().to_string(), wasm, digest).await
            }
        };
        loaded.map_err(|error: PluginError| services::chain(&error))
    }

    /// A path as the configuration file means it: relative to itself.
    pub(super) fn beside(&self, path: &Path) -> PathBuf {
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

pub(super) fn next_binding() -> BindingId {
    BindingId(NEXT_BINDING.fetch_add(1, Ordering::Relaxed))
}

/// Plugins that ship with the gateway are reused within a tenant; others start fresh.
pub(super) fn isolation(chosen: Option<config::Isolation>, source: &str) -> Isolation {
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
