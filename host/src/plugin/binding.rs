//! One use of a plugin: its configuration, grants, limits, instances and breaker.
//!
//! An instance is borrowed for one call. It is out of the pool while the call runs and comes back only when
//! the call succeeded, so a trap, a deadline and a cancelled future all lose it, and nothing else. Calls
//! that find every slot taken wait in a bounded queue for a bounded time.

use super::artifact::Plugin;
use super::breaker::Breaker;
use super::call::{CallError, CallErrorKind, Issue};
use super::engine::{Engine, MAX_MEMORY};
use super::grants::{Grants, UngrantedImport};
use super::imports::LogLimit;
use super::instance::{Instance, Surroundings};
use super::manifest::Hook;
use super::services::{Services, Watch};
use super::template::Template;
use crate::exchange::{BindingId, Exchange};
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::{Semaphore, SemaphorePermit};
use wasmtime::Trap;

mod calls;

/// Warm instances that a binding keeps at most; more than there are cores help nobody.
const MAX_WARM: usize = 16;

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
    /// No snapshot could be taken.
    #[error("no snapshot of it can be taken")]
    Snapshot(#[source] Box<dyn std::error::Error + Send + Sync>),
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
    isolation: Isolation,
    slots: Semaphore,
    waiting: AtomicUsize,
    warm: Mutex<Vec<Instance>>,
    breaker: Breaker,
}

impl Binding {
    /// Checks the grants, has the plugin accept its configuration, and makes a binding ready for calls.
    ///
    /// # Errors
    /// It cannot be made; nothing that serves is touched.
    pub async fn prepare(
        engine: &Arc<Engine>,
        settings: BindingSettings,
        services: Services,
        watch: Arc<dyn Watch>,
    ) -> Result<Arc<Self>, LoadError> {
        let missing = settings.grants.missing(&settings.plugin.manifest.imports);
        if !missing.is_empty() {
            return Err(LoadError::Ungranted(missing));
        }
        if settings.limits.memory > MAX_MEMORY {
            return Err(LoadError::Memory);
        }
        let around = Arc::new(Surroundings {
            id: settings.id,
            name: settings.name,
            tenant: settings.tenant,
            grants: settings.grants,
            services,
            watch,
            scratch_bytes: settings.limits.scratch,
            log: LogLimit::default(),
        });
        let config = settings.config.to_string();
        let template = Template::get(engine, &settings.plugin, &config, &around).await?;
        Ok(Arc::new(Self {
            engine: engine.clone(),
            template,
            around,
            plugin: settings.plugin,
            slots: Semaphore::new(settings.limits.concurrency),
            limits: settings.limits,
            isolation: settings.isolation,
            waiting: AtomicUsize::new(0),
            warm: Mutex::new(Vec::new()),
            breaker: Breaker::new(),
        }))
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.around.name
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

    /// Borrows an instance for one call.
    async fn lease(&self, hook: Hook, exchange: Option<&Arc<Exchange>>) -> Result<Lease<'_>, CallError> {
        if !self.breaker.admits() {
            self.around.watch.called(hook, CallErrorKind::Breaker.name(), Duration::ZERO);
            return Err(self.error(CallErrorKind::Breaker, "it kept failing and is not called for a while"));
        }
        let started = Instant::now();
        let slot = self.slot(hook).await?;
        let mut lease = Lease { binding: self, hook, started, instance: None, _slot: slot };
        let warm = if self.isolation == Isolation::Reuse { self.warm.lock().pop() } else { None };
        let mut instance = match warm {
            Some(instance) => instance,
            None => self.fresh(&mut lease).await?,
        };
        let state = instance.store.data_mut();
        state.exchange = exchange.cloned();
        state.memory.denied = false;
        state.clock.start();
        instance.store.set_epoch_deadline(1);
        lease.instance = Some(instance);
        Ok(lease)
    }

    async fn fresh(&self, lease: &mut Lease<'_>) -> Result<Instance, CallError> {
        let made =
            self.template.instantiate(&self.engine, &self.around, self.limits.memory, self.limits.deadline);
        let made = tokio::time::timeout(self.limits.wait, made).await;
        let failed = |kind, message: String| {
            let error = self.error(kind, message);
            lease.report(&error.kind);
            error
        };
        match made {
            Ok(Ok(instance)) => Ok(instance),
            Ok(Err(error)) => Err(failed(CallErrorKind::Internal, chain(&error))),
            Err(_) => Err(failed(CallErrorKind::Deadline, "it took too long to instantiate".into())),
        }
    }

    async fn slot(&self, hook: Hook) -> Result<SemaphorePermit<'_>, CallError> {
        if let Ok(slot) = self.slots.try_acquire() {
            return Ok(slot);
        }
        let overloaded = |message: &str| {
            self.around.watch.called(hook, CallErrorKind::Overloaded.name(), Duration::ZERO);
            self.error(CallErrorKind::Overloaded, message)
        };
        let place =
            Place::take(&self.waiting, self.limits.queue).ok_or_else(|| overloaded("its queue is full"))?;
        let waited = tokio::time::timeout(self.limits.queue_wait, self.slots.acquire()).await;
        drop(place);
        match waited {
            Ok(Ok(slot)) => Ok(slot),
            Ok(Err(_)) | Err(_) => Err(overloaded("no slot came free in time")),
        }
    }

    fn error(&self, kind: CallErrorKind, message: impl Into<String>) -> CallError {
        CallError { binding: self.name().to_owned(), kind, message: message.into() }
    }

    /// Takes an instance back, unless it has served long enough or has grown too large.
    fn take_back(&self, mut instance: Instance) {
        if self.isolation == Isolation::Fresh {
            return;
        }
        instance.store.data_mut().exchange = None;
        instance.uses += 1;
        // Retired give or take a quarter, so that instances made together do not end together.
        let jitter = fastrand::u32(0..=self.limits.max_uses / 2);
        let worn = instance.uses >= (self.limits.max_uses / 4 * 3).saturating_add(jitter);
        let swollen = instance.store.data().memory.peak > self.limits.memory / 4 * 3;
        if worn || swollen {
            return;
        }
        let mut warm = self.warm.lock();
        if warm.len() < MAX_WARM {
            warm.push(instance);
        }
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

/// A place in the queue.
struct Place<'a>(&'a AtomicUsize);

impl<'a> Place<'a> {
    fn take(waiting: &'a AtomicUsize, most: usize) -> Option<Self> {
        if waiting.fetch_add(1, Ordering::Relaxed) >= most {
            waiting.fetch_sub(1, Ordering::Relaxed);
            return None;
        }
        Some(Self(waiting))
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// An instance on loan. Dropped without [`Lease::settle`], the instance is lost, as after a cancelled call.
struct Lease<'a> {
    binding: &'a Binding,
    hook: Hook,
    started: Instant,
    instance: Option<Instance>,
    _slot: SemaphorePermit<'a>,
}

impl Lease<'_> {
    /// Ends the call: gives the instance back when it answered, and says how it failed when not. A fault that
    /// the plugin reported leaves its instance sound.
    fn settle<T, F>(
        mut self,
        answered: Result<wasmtime::Result<Result<T, F>>, tokio::time::error::Elapsed>,
    ) -> Result<T, CallError>
    where
        F: Into<(String, String)>,
    {
        let Some(instance) = self.instance.take() else {
            return Err(self.binding.error(CallErrorKind::Internal, "the call had no instance"));
        };
        let (kind, message) = match answered {
            Ok(Ok(Ok(value))) => {
                self.binding.take_back(instance);
                return Ok(value);
            }
            Ok(Ok(Err(fault))) => {
                self.binding.take_back(instance);
                let (code, message) = fault.into();
                (CallErrorKind::Fault { code }, message)
            }
            Ok(Err(error)) => (classify(&error, &instance), chain(error.as_ref())),
            Err(_) => (CallErrorKind::Deadline, "it took longer than it may in all".to_owned()),
        };
        self.report(&kind);
        Err(self.binding.error(kind, message))
    }

    /// Notes a failure.
    fn report(&self, kind: &CallErrorKind) {
        self.binding.around.watch.called(self.hook, kind.name(), self.started.elapsed());
        if kind.is_misbehaviour() {
            if self.binding.breaker.failed() {
                tracing::error!(binding = self.binding.name(), "plugin keeps failing; its breaker is open");
            }
        } else {
            self.binding.breaker.succeeded();
        }
    }
}

/// What a failed call died of.
fn classify(error: &wasmtime::Error, instance: &Instance) -> CallErrorKind {
    match error.downcast_ref::<Trap>() {
        _ if instance.store.data().memory.denied => CallErrorKind::Memory,
        Some(Trap::Interrupt) => CallErrorKind::Deadline,
        Some(Trap::StackOverflow) => CallErrorKind::StackOverflow,
        Some(_) => CallErrorKind::Trap,
        None => CallErrorKind::Trap,
    }
}

/// An error and its causes in one line.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        line.push_str(": ");
        line.push_str(&error.to_string());
        cause = error.source();
    }
    line
}
