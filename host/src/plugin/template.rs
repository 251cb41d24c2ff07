//! A component with its configuration: configured once, snapshotted, compiled, and shared by every tenant
//! that uses the same two. Templates hold no tenant's data; instances, which do, are never shared.
//!
//! A component that cannot be snapshotted is configured anew in each instance, and the log says so.

use super::artifact;
use super::binding::LoadError;
use super::call::Issue;
use super::engine::Engine;
use super::hooks::HookIndices;
use super::instance::{Instance, State, Surroundings, store};
use super::meter::CallClock;
use super::snapshot::{self, NoSnapshot};
use super::source::{Plugin, hex};
use parking_lot::Mutex;
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use wasmtime::component::{Component, InstancePre};

/// Time that `configure` may take: it runs once, and may compile patterns.
pub(super) const CONFIGURE: Duration = Duration::from_secs(5);
/// Changes when a snapshot of the same component and configuration would come out differently.
const SNAPSHOT_VERSION: &str = "snapshot-2";

/// The templates in use, by component and configuration.
#[derive(Default)]
pub(super) struct Templates(Mutex<HashMap<String, Arc<Place>>>);

/// Where a template is, or is being made: whoever wants the same one waits for it.
type Place = tokio::sync::Mutex<Weak<Template>>;

impl Templates {
    fn place(&self, key: &str) -> Arc<Place> {
        let mut places = self.0.lock();
        places.retain(|_, place| {
            let unused = place.try_lock().is_ok_and(|template| template.strong_count() == 0);
            !unused || Arc::strong_count(place) > 1
        });
        places.entry(key.to_owned()).or_default().clone()
    }
}

/// A component with its configuration, ready to be instantiated.
pub(super) struct Template {
    pre: InstancePre<State>,
    pub(super) hooks: HookIndices,
    /// What each instance must be configured with, where the snapshot does not hold it.
    configure: Option<String>,
    /// The least memory that an instance was made with.
    proven: AtomicUsize,
}

impl Template {
    /// Whether an instance was made with as little memory: nothing of it depends on whose it is, so that a thousand
    /// tenants need no thousand proofs.
    pub(super) fn is_proven(&self, memory: usize) -> bool {
        memory >= self.proven.load(Ordering::Relaxed)
    }

    /// An instance was made.
    pub(super) fn proved(&self, memory: usize) {
        self.proven.fetch_min(memory, Ordering::Relaxed);
    }

    /// The template of a plugin and a configuration: in use, in the cache, or made now.
    pub(super) async fn get(
        engine: &Arc<Engine>,
        plugin: &Arc<Plugin>,
        config: String,
        around: &Arc<Surroundings>,
    ) -> Result<Arc<Self>, LoadError> {
        let key = key(plugin, &config);
        let place = engine.templates.place(&key);
        let mut template = place.lock().await;
        if let Some(template) = template.upgrade() {
            return Ok(template);
        }
        let (engine, plugin, around) = (engine.clone(), plugin.clone(), around.clone());
        let runtime = Handle::current();
        // Compiling and configuring compute for long, so neither is done on an async thread.
        let make = move || runtime.block_on(Self::make(&engine, &plugin, config, &key, &around));
        let made = Arc::new(tokio::task::spawn_blocking(make).await.map_err(|_| LoadError::BrokenOff)??);
        *template = Arc::downgrade(&made);
        Ok(made)
    }

    async fn make(
        engine: &Engine,
        plugin: &Plugin,
        config: String,
        key: &str,
        around: &Arc<Surroundings>,
    ) -> Result<Self, LoadError> {
        if let Some(component) = artifact::cached(engine, key) {
            return Self::new(engine, &component, plugin, None);
        }
        let why = match snapshot::take(engine, plugin, &config, around).await {
            Ok(wasm) => match artifact::compile(engine, key, &wasm) {
                Ok(component) => return Self::new(engine, &component, plugin, None),
                Err(error) => format!("{error:#}"),
            },
            Err(NoSnapshot::Refused(error)) => return Err(error),
            Err(NoSnapshot::Unsuitable(why)) => why,
        };
        let bare = plugin.digest.trim_start_matches("sha256:");
        let component = artifact::compile(engine, bare, &plugin.wasm)
            .map_err(|error| LoadError::Compile(error.into()))?;
        let template = Self::new(engine, &component, plugin, Some(config))?;
        tracing::warn!(
            plugin = plugin.name,
            why,
            "the plugin cannot be snapshotted; it is configured anew in each instance"
        );
        Ok(template)
    }

    fn new(
        engine: &Engine,
        component: &Component,
        plugin: &Plugin,
        configure: Option<String>,
    ) -> Result<Self, LoadError> {
        let link = |error: wasmtime::Error| LoadError::Link(error.into());
        let pre = engine.linker.instantiate_pre(component).map_err(link)?;
        let hooks = HookIndices::new(&pre, &plugin.manifest).map_err(link)?;
        Ok(Self { pre, hooks, configure, proven: AtomicUsize::new(usize::MAX) })
    }

    /// Makes an instance, ready to be armed for a call.
    pub(super) async fn instantiate(
        &self,
        engine: &Engine,
        around: &Arc<Surroundings>,
        memory: usize,
        clock: CallClock,
    ) -> Result<Instance, LoadError> {
        let mut store = store(engine, around, memory, clock);
        let exports =
            self.pre.instantiate_async(&mut store).await.map_err(|e| LoadError::Instantiate(e.into()))?;
        let mut instance = Instance::new(store, exports);
        if let Some(config) = &self.configure {
            configure(&mut instance, &self.hooks, config).await?;
        }
        Ok(instance)
    }
}

/// Calls `configure`, which may take its own time.
pub(super) async fn configure(
    instance: &mut Instance,
    hooks: &HookIndices,
    config: &str,
) -> Result<(), LoadError> {
    let failed = |error: wasmtime::Error| LoadError::Configure(error.into());
    let lifecycle = instance.lifecycle(hooks).map_err(failed)?;
    instance.arm(None, CallClock::new(Instant::now(), CONFIGURE, CONFIGURE));
    let configured = lifecycle.lockgate_plugin_lifecycle().call_configure(&mut instance.store, config);
    let answer =
        tokio::time::timeout(CONFIGURE, configured).await.map_err(|_| LoadError::ConfigureTimeout)?;
    let refused = |issues: Vec<_>| LoadError::Refused(issues.into_iter().map(Issue::from).collect());
    answer.map_err(failed)?.map_err(refused)
}

/// What a template is made of: the component, its configuration, and how it is made.
fn key(plugin: &Plugin, config: &str) -> String {
    let mut hash = Sha256::new();
    for part in [SNAPSHOT_VERSION, &plugin.digest, config] {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hex(&hash.finalize())
}
