//! A component with its configuration: configured once, snapshotted, compiled, and shared by every tenant
//! that uses the same two. Templates hold no tenant's data; instances, which do, are never shared.
//!
//! The snapshot is taken by wizer after `configure`. A component that cannot be snapshotted is configured
//! anew in each instance, and the log says so.

use super::artifact::{self, Plugin};
use super::binding::LoadError;
use super::bindings::host::{Plugin as Lifecycle, PluginIndices};
use super::bindings::observer::ObserverHookIndices;
use super::bindings::post_response::PostResponseHookIndices;
use super::bindings::pre_request::PreRequestHookIndices;
use super::bindings::provider_adapter::ProviderAdapterHookIndices;
use super::bindings::routing::RoutingHookIndices;
use super::bindings::text_filter::TextFilterHookIndices;
use super::call::Issue;
use super::console::Console;
use super::engine::{Engine, MAX_MEMORY};
use super::instance::{CallClock, Hooks, Instance, MemoryLimit, State, Surroundings};
use super::manifest::Hook;
use parking_lot::Mutex;
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::Duration;
use wasmtime::Store;
use wasmtime::component::{Component, Instance as Exports, InstancePre, ResourceTable};
use wasmtime_wasi::WasiCtx;
use wasmtime_wizer::{WasmtimeWizerComponent, Wizer};

/// Time that `configure` may take: it runs once, and may compile patterns.
const CONFIGURE_BUDGET: Duration = Duration::from_secs(10);
/// Changes when a snapshot of the same component and configuration would come out differently.
const SNAPSHOT_VERSION: &str = "snapshot-1";

/// The templates in use, by component and configuration.
#[derive(Default)]
pub(super) struct Templates(Mutex<HashMap<String, Weak<Template>>>);

/// A component with its configuration, ready to be instantiated.
pub(super) struct Template {
    pre: InstancePre<State>,
    hooks: HookIndices,
    /// What each instance must be configured with, where the snapshot does not hold it.
    configure: Option<String>,
}

struct HookIndices {
    lifecycle: PluginIndices,
    pre_request: Option<PreRequestHookIndices>,
    routing: Option<RoutingHookIndices>,
    provider_adapter: Option<ProviderAdapterHookIndices>,
    text_filter: Option<TextFilterHookIndices>,
    post_response: Option<PostResponseHookIndices>,
    observer: Option<ObserverHookIndices>,
}

impl Template {
    /// The template of a plugin and a configuration: in use, in the cache, or made now.
    pub(super) async fn get(
        engine: &Arc<Engine>,
        plugin: &Plugin,
        config: &str,
        around: &Arc<Surroundings>,
    ) -> Result<Arc<Self>, LoadError> {
        let key = key(plugin, config);
        if let Some(template) = engine.templates.0.lock().get(&key).and_then(Weak::upgrade) {
            return Ok(template);
        }
        let template = Arc::new(Self::make(engine, plugin, config, &key, around).await?);
        let mut known = engine.templates.0.lock();
        known.retain(|_, template| template.strong_count() > 0);
        known.insert(key, Arc::downgrade(&template));
        Ok(template)
    }

    async fn make(
        engine: &Arc<Engine>,
        plugin: &Plugin,
        config: &str,
        key: &str,
        around: &Arc<Surroundings>,
    ) -> Result<Self, LoadError> {
        if let Some(component) = artifact::cached(engine, key) {
            return Self::of(engine, &component, plugin, None);
        }
        let plain = Self::of(engine, &plugin.component, plugin, Some(config.to_owned()))?;
        // The admission test: what `configure` refuses is refused here, before any snapshot is tried.
        plain.instantiate(engine, around, MAX_MEMORY, CONFIGURE_BUDGET).await?;
        match snapshot(engine, plugin, config, key, around).await {
            Ok(component) => Self::of(engine, &component, plugin, None),
            Err(error) => {
                tracing::warn!(
                    plugin = plugin.name,
                    error = %error,
                    "the component cannot be snapshotted; it is configured anew in each instance"
                );
                Ok(plain)
            }
        }
    }

    fn of(
        engine: &Arc<Engine>,
        component: &Component,
        plugin: &Plugin,
        configure: Option<String>,
    ) -> Result<Self, LoadError> {
        let link = |error: wasmtime::Error| LoadError::Link(error.into());
        let pre = engine.linker.instantiate_pre(component).map_err(link)?;
        let has = |hook| plugin.manifest.hooks.contains(&hook);
        let when = |hook: Hook| has(hook).then_some(&pre);
        let hooks = HookIndices {
            lifecycle: PluginIndices::new(&pre).map_err(link)?,
            pre_request: when(Hook::PreRequest).map(PreRequestHookIndices::new).transpose().map_err(link)?,
            routing: when(Hook::Routing).map(RoutingHookIndices::new).transpose().map_err(link)?,
            provider_adapter: when(Hook::ProviderAdapter)
                .map(ProviderAdapterHookIndices::new)
                .transpose()
                .map_err(link)?,
            text_filter: when(Hook::TextFilter).map(TextFilterHookIndices::new).transpose().map_err(link)?,
            post_response: when(Hook::PostResponse)
                .map(PostResponseHookIndices::new)
                .transpose()
                .map_err(link)?,
            observer: when(Hook::Observer).map(ObserverHookIndices::new).transpose().map_err(link)?,
        };
        Ok(Self { pre, hooks, configure })
    }

    /// Makes an instance, its deadline armed for the first call.
    pub(super) async fn instantiate(
        &self,
        engine: &Engine,
        around: &Arc<Surroundings>,
        memory: usize,
        budget: Duration,
    ) -> Result<Instance, LoadError> {
        let mut store = store(engine, around, memory, budget);
        let exports =
            self.pre.instantiate_async(&mut store).await.map_err(|e| LoadError::Instantiate(e.into()))?;
        let hooks = self.hooks.load(&mut store, &exports).map_err(|error| LoadError::Link(error.into()))?;
        around.watch.instances(1);
        let mut instance = Instance { store, hooks, uses: 0, watch: around.watch.clone() };
        if let (Some(config), Some(lifecycle)) = (&self.configure, &instance.hooks.lifecycle) {
            instance.store.data_mut().clock = CallClock::new(CONFIGURE_BUDGET);
            configure(&mut instance.store, lifecycle, config).await?;
            instance.store.data_mut().clock = CallClock::new(budget);
        }
        Ok(instance)
    }
}

impl HookIndices {
    fn load(&self, store: &mut Store<State>, exports: &Exports) -> wasmtime::Result<Hooks> {
        Ok(Hooks {
            lifecycle: Some(self.lifecycle.load(&mut *store, exports)?),
            pre_request: self.pre_request.as_ref().map(|i| i.load(&mut *store, exports)).transpose()?,
            routing: self.routing.as_ref().map(|i| i.load(&mut *store, exports)).transpose()?,
            provider_adapter: self
                .provider_adapter
                .as_ref()
                .map(|i| i.load(&mut *store, exports))
                .transpose()?,
            text_filter: self.text_filter.as_ref().map(|i| i.load(&mut *store, exports)).transpose()?,
            post_response: self.post_response.as_ref().map(|i| i.load(&mut *store, exports)).transpose()?,
            observer: self.observer.as_ref().map(|i| i.load(&mut *store, exports)).transpose()?,
        })
    }
}

/// A store whose guest has nothing but its memory and what the linker offers.
fn store(engine: &Engine, around: &Arc<Surroundings>, memory: usize, budget: Duration) -> Store<State> {
    let console = Console::new(around.name.clone());
    let wasi = WasiCtx::builder().stdout(console.clone()).stderr(console).build();
    let state = State {
        wasi,
        table: ResourceTable::new(),
        memory: MemoryLimit::new(memory),
        clock: CallClock::new(budget),
        exchange: None,
        around: around.clone(),
    };
    let mut store = Store::new(&engine.wasm, state);
    store.limiter(|state| &mut state.memory);
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(|context| {
        if context.data().clock.is_over() {
            return Ok(wasmtime::UpdateDeadline::Interrupt);
        }
        Ok(wasmtime::UpdateDeadline::Continue(1))
    });
    store
}

async fn configure(store: &mut Store<State>, lifecycle: &Lifecycle, config: &str) -> Result<(), LoadError> {
    let configured = lifecycle.lockgate_plugin_lifecycle().call_configure(&mut *store, config);
    let answer = tokio::time::timeout(CONFIGURE_BUDGET * 2, configured)
        .await
        .map_err(|_| LoadError::ConfigureTimeout)?
        .map_err(|error| LoadError::Configure(error.into()))?;
    answer.map_err(|issues| {
        LoadError::Refused(
            issues.into_iter().map(|i| Issue { pointer: i.pointer, message: i.message }).collect(),
        )
    })
}

/// Configures the component in an instrumented copy and compiles the memory it leaves.
async fn snapshot(
    engine: &Arc<Engine>,
    plugin: &Plugin,
    config: &str,
    key: &str,
    around: &Arc<Surroundings>,
) -> Result<Component, LoadError> {
    let failed = |error: wasmtime::Error| LoadError::Snapshot(error.into());
    let wizer = Wizer::new();
    let (context, instrumented) = wizer.instrument_component(&plugin.wasm).map_err(failed)?;
    let compiler = engine.clone();
    let instrumented = tokio::task::spawn_blocking(move || Component::new(&compiler.wasm, &instrumented))
        .await
        .map_err(|_| LoadError::ConfigureTimeout)?
        .map_err(failed)?;
    let pre = engine.linker.instantiate_pre(&instrumented).map_err(failed)?;
    let mut store = store(engine, around, MAX_MEMORY, CONFIGURE_BUDGET);
    let exports = pre.instantiate_async(&mut store).await.map_err(failed)?;
    let lifecycle =
        PluginIndices::new(&pre).and_then(|indices| indices.load(&mut store, &exports)).map_err(failed)?;
    configure(&mut store, &lifecycle, config).await?;
    store.data_mut().clock = CallClock::new(CONFIGURE_BUDGET);
    let mut view = WasmtimeWizerComponent { store: &mut store, instance: exports };
    let wasm = wizer.snapshot_component(&context, &mut view).await.map_err(failed)?;
    let (engine, key) = (engine.clone(), key.to_owned());
    tokio::task::spawn_blocking(move || artifact::compile(&engine, &key, &wasm))
        .await
        .map_err(|_| LoadError::ConfigureTimeout)?
        .map_err(failed)
}

/// What a template is made of: the component, its configuration, and how it is made.
fn key(plugin: &Plugin, config: &str) -> String {
    let mut hash = Sha256::new();
    for part in [SNAPSHOT_VERSION, &plugin.digest, config] {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    artifact::hex(&hash.finalize())
}
