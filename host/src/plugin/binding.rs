//! One use of a plugin: its configuration, grants, limits, instances and breaker.
//!
//! An instance is borrowed for one call ([`lease`]), and only between the waits of an exchange, never across
//! them. Warm ones wait in [`warm`]; no instance is ever seen by two bindings, so none by two tenants.

use super::breaker::Breaker;
use super::call::Issue;
use super::engine::{Engine, MAX_MEMORY};
use super::grants::{Grants, UngrantedImport};
use super::imports::LogLimit;
use super::instance::Surroundings;
use super::manifest::Hook;
use super::meter::CallClock;
use super::services::{Services, Watch};
use super::side::Side;
use super::source::Plugin;
use super::template::Template;
use crate::exchange::BindingId;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;
use warm::Warm;

mod calls;
mod lease;
mod warm;

/// Whether a call may find traces of an earlier one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Isolation {
    /// A new instance for each call, from the snapshot.
    Fresh,
    /// Warm instances, retired now and then; never shared between tenants.
    Reuse,
}

/// The bounds of a binding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Time that one call may compute.
    pub deadline: Duration,
    /// Time that one call may take in all, waiting for the host included.
    pub wait: Duration,
    /// Bytes of an instance's memory.
    pub memory: usize,
    /// Calls at the same time.
    pub concurrency: usize,
    /// Calls that may wait for one of those.
    pub queue: usize,
    /// How long.
    pub queue_wait: Duration,
    /// Bytes of an exchange's scratch.
    pub scratch: usize,
    /// Calls after which a warm instance is retired, give or take a quarter.
    pub max_uses: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            deadline: Duration::from_millis(50),
            wait: Duration::from_secs(2),
            memory: MAX_MEMORY,
            concurrency: 64,
            queue: 256,
            queue_wait: Duration::from_secs(1),
            scratch: 256 * 1024,
            max_uses: 10_000,
        }
    }
}

/// What a binding is made of.
pub struct BindingSettings {
    /// Which it is.
    pub id: BindingId,
    /// Its name in logs, errors and metrics.
    pub name: Arc<str>,
    /// Whose it is.
    pub tenant: Arc<str>,
    /// The plugin.
    pub plugin: Arc<Plugin>,
    /// Its configuration.
    pub config: serde_json::Value,
    /// What it may use.
    pub grants: Grants,
    /// Its bounds.
    pub limits: Limits,
    /// How its calls are kept apart.
    pub isolation: Isolation,
}

/// Why a binding cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// It imports what it is not granted.
    #[error("{}", list(.0))]
    Ungranted(Vec<UngrantedImport>),
    /// Its configuration is refused.
    #[error("its configuration is refused: {}", list_issues(.0))]
    Refused(Vec<Issue>),
    /// It may have no more memory than the engine gives.
    #[error("at most {MAX_MEMORY} bytes of memory can be given")]
    Memory,
    /// Its imports or exports do not fit the contract.
    #[error("it does not fit the contract")]
    Link(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It could not be instantiated.
    #[error("it cannot be instantiated")]
    Instantiate(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// `configure` trapped.
    #[error("it failed while it was configured")]
    Configure(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// `configure` took too long.
    #[error("it took too long to be configured")]
    ConfigureTimeout,
    /// Its code cannot be compiled.
    #[error("it is not valid WebAssembly")]
    Compile(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The thread that made it went away.
    #[error("making it was broken off")]
    BrokenOff,
}

fn list(missing: &[UngrantedImport]) -> String {
    missing.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

fn list_issues(issues: &[Issue]) -> String {
    issues.iter().map(|i| format!("{} {}", i.pointer, i.message)).collect::<Vec<_>>().join("; ")
}

/// One use of a plugin.
pub struct Binding {
    engine: Arc<Engine>,
    template: Arc<Template>,
    around: Arc<Surroundings>,
    plugin: Arc<Plugin>,
    limits: Limits,
    slots: Semaphore,
    waiting: AtomicUsize,
    /// None where each call has an instance of its own.
    warm: Option<Arc<Warm>>,
    asks_for_signals: bool,
    breaker: Arc<Breaker>,
}

impl Binding {
    /// Checks the grants, has the plugin accept its configuration, and makes a binding ready for calls. An
    /// instance of the plugin and its configuration is made before any of them serves, so one that cannot be made is
    /// known now; further bindings of the two, those of other tenants, make their own when they are first called.
    ///
    /// # Errors
    /// It cannot be made; nothing that serves is touched.
    pub async fn prepare(
        engine: &Arc<Engine>,
        settings: BindingSettings,
        services: Services,
        watch: Arc<dyn Watch>,
    ) -> Result<Arc<Self>, LoadError> {
        let BindingSettings { id, name, tenant, plugin, config, grants, limits, isolation } = settings;
        let missing = grants.missing(&plugin.manifest.imports);
        if !missing.is_empty() {
            return Err(LoadError::Ungranted(missing));
        }
        if limits.memory > MAX_MEMORY {
            return Err(LoadError::Memory);
        }
        let log = LogLimit::default();
        let scratch_bytes = limits.scratch;
        let around = Arc::new(Surroundings { id, name, tenant, grants, services, watch, scratch_bytes, log });
        let template = Template::get(engine, &plugin, config.to_string(), &around).await?;
        let warm = (isolation == Isolation::Reuse).then(|| Arc::new(Warm::new(engine, &limits)));
        if !template.is_proven(limits.memory) {
            let clock = CallClock::new(Instant::now(), limits.deadline, limits.wait);
            let first = template.instantiate(engine, &around, limits.memory, clock).await?;
            template.proved(limits.memory);
            if let Some(warm) = &warm {
                warm.put(first);
            }
        }
        Ok(Arc::new(Self {
            engine: engine.clone(),
            template,
            around,
            asks_for_signals: plugin.manifest.asks_for_signals(),
            plugin,
            slots: Semaphore::new(limits.concurrency.min(Semaphore::MAX_PERMITS)),
            limits,
            waiting: AtomicUsize::new(0),
            warm,
            breaker: Arc::new(Breaker::new()),
        }))
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.around.name
    }

    pub(super) fn name_shared(&self) -> Arc<str> {
        self.around.name.clone()
    }

    /// The threads on which its calls may be made beside the exchange.
    #[must_use]
    pub fn side(&self) -> &Side {
        &self.engine.side
    }

    /// Whether it has nothing but the exchange and its own computing: no service that waits or that anybody else sees.
    #[must_use]
    pub fn only_computes(&self) -> bool {
        self.around.grants.only_computes()
    }

    /// Whether its calls may have to wait: for a service that is elsewhere, or that takes one after another.
    #[must_use]
    pub fn may_wait(&self) -> bool {
        let Surroundings { grants: Grants { kv, vectors, http, .. }, services, .. } = &*self.around;
        http.is_some()
            || !kv.is_empty() && services.kv.may_wait()
            || !vectors.is_empty() && services.vectors.may_wait()
    }

    /// Which it is.
    #[must_use]
    pub fn id(&self) -> BindingId {
        self.around.id
    }

    /// Whether its plugin exports a hook.
    #[must_use]
    pub fn has(&self, hook: Hook) -> bool {
        self.plugin.manifest.hooks.contains(&hook)
    }
}

impl std::fmt::Debug for Binding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Binding")
            .field("name", &self.name())
            .field("plugin", &self.plugin)
            .finish_non_exhaustive()
    }
}
