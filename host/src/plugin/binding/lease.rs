//! An instance on loan for one call.
//!
//! While it is lent it is nowhere else, and it comes back only from a call that ended well: a trap, a
//! deadline, an answer against the contract, a panic of the host and a dropped future all lose it, and lose
//! nothing else. Calls that find every slot taken wait in a bounded queue for a bounded time.

use super::{Binding, LoadError};
use crate::exchange::Exchange;
use crate::plugin::call::{CallError, CallErrorKind};
use crate::plugin::hooks::HookIndices;
use crate::plugin::instance::Instance;
use crate::plugin::manifest::Hook;
use crate::plugin::meter::CallClock;
use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::SemaphorePermit;
use tokio::time::error::Elapsed;
use wasmtime::{PoolConcurrencyLimitError, Trap};

/// How a call ended: the host panicked, time was up, the guest trapped, it reported a fault, it answered.
pub(super) type Answered<T, F> = Result<Result<wasmtime::Result<Result<T, F>>, Elapsed>, Box<dyn Any + Send>>;

/// Bytes of a request's text for which a call has its deadline once; for as many more, once more. A guard reads all of
/// it: what is enough for a question is not for a book.
const SHARE: usize = 64 * 1024;

/// An instance on loan.
pub(super) struct Lease<'a> {
    binding: &'a Binding,
    hook: Hook,
    exchange: Option<&'a Arc<Exchange>>,
    started: Instant,
    instance: Option<Instance>,
    told: bool,
    _slot: SemaphorePermit<'a>,
}

impl Binding {
    /// Borrows an instance for one call.
    pub(super) async fn lease<'a>(
        &'a self,
        hook: Hook,
        exchange: Option<&'a Arc<Exchange>>,
    ) -> Result<Lease<'a>, CallError> {
        if let Some(exchange) = exchange
            && !self.breaker.is_closed()
        {
            // The one trial is not for a draft that may come to nothing.
            exchange.certain().await;
        }
        if !self.breaker.admits() {
            self.around.watch.called(hook, CallErrorKind::Breaker.name(), Duration::ZERO);
            return Err(self.error(CallErrorKind::Breaker, "it kept failing and is not called for a while"));
        }
        let slot = self.slot(hook).await?;
        let started = Instant::now();
        let mut lease =
            Lease { binding: self, hook, exchange, started, instance: None, told: false, _slot: slot };
        let shares = 1 + exchange.map_or(0, |exchange| exchange.text_bytes() / SHARE);
        let deadline = self.limits.deadline.saturating_mul(u32::try_from(shares).unwrap_or(u32::MAX));
        let clock = || CallClock::new(started, deadline, self.limits.wait);
        let instance = match self.warm.as_ref().and_then(|warm| warm.take()) {
            Some(instance) => instance,
            None => match self.fresh(clock()).await {
                Ok(instance) => instance,
                Err(error) => return Err(lease.failed(error.0, error.1)),
            },
        };
        lease.instance.insert(instance).arm(exchange, clock());
        Ok(lease)
    }

    async fn fresh(&self, clock: CallClock) -> Result<Instance, (CallErrorKind, String)> {
        let made = self.template.instantiate(&self.engine, &self.around, self.limits.memory, clock);
        match tokio::time::timeout(self.limits.wait, made).await {
            Ok(Ok(instance)) => Ok(instance),
            Ok(Err(error)) => Err((unmade(&error), chain(&error))),
            Err(_) => Err((CallErrorKind::Deadline, "it took too long to instantiate".to_owned())),
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
        let _place =
            Place::take(&self.waiting, self.limits.queue).ok_or_else(|| overloaded("its queue is full"))?;
        match tokio::time::timeout(self.limits.queue_wait, self.slots.acquire()).await {
            Ok(Ok(slot)) => Ok(slot),
            Ok(Err(_)) | Err(_) => Err(overloaded("no slot came free in time")),
        }
    }

    fn error(&self, kind: CallErrorKind, message: impl Into<String>) -> CallError {
        CallError { binding: self.name().to_owned(), kind, message: message.into() }
    }
}

impl Lease<'_> {
    /// The instance, and where its hooks are.
    pub(super) fn parts(&mut self) -> Option<(&mut Instance, &HookIndices)> {
        Some((self.instance.as_mut()?, &self.binding.template.hooks))
    }

    /// Ends the call. `read` makes the answer the host's and says how the call is counted, or says how the
    /// answer breaks the contract. A fault that the plugin reported leaves its instance sound.
    pub(super) fn settle<R, T, F: Into<(String, String)>>(
        mut self,
        answered: Answered<R, F>,
        read: impl FnOnce(R) -> Result<(T, &'static str), String>,
    ) -> Result<T, CallError> {
        let Some(instance) = self.instance.take() else {
            return Err(self.failed(CallErrorKind::Internal, "the call had no instance"));
        };
        match answered {
            Ok(Ok(Ok(Ok(answer)))) => match read(answer) {
                Ok((value, outcome)) => {
                    self.give_back(instance);
                    self.behaved();
                    self.tell(outcome);
                    Ok(value)
                }
                Err(message) => Err(self.failed(CallErrorKind::BadOutput, message)),
            },
            Ok(Ok(Ok(Err(fault)))) => {
                self.give_back(instance);
                let (code, message) = fault.into();
                Err(self.failed(CallErrorKind::Fault { code }, message))
            }
            Ok(Ok(Err(error))) => {
                // The causes before the last are where in the component it was; that is for its author.
                tracing::debug!(binding = self.binding.name(), error = %format!("{error:#}"), "plugin trapped");
                Err(self.failed(died_of(&error, &instance), error.root_cause().to_string()))
            }
            Ok(Err(_)) => Err(self.failed(CallErrorKind::Deadline, "it took longer than it may in all")),
            Err(_) => Err(self.failed(CallErrorKind::Internal, "a service of the host panicked")),
        }
    }

    /// What it has seen of a draft that comes to nothing is nobody's to remember: then the instance is gone.
    fn give_back(&self, mut instance: Instance) {
        instance.disarm();
        let Some(warm) = self.binding.warm.clone() else { return };
        self.once_certain(move || warm.put(instance));
    }

    /// Does something that others can tell from how they fare.
    fn once_certain(&self, deed: impl FnOnce() + Send + 'static) {
        match self.exchange {
            Some(exchange) => exchange.once_certain(deed),
            None => deed(),
        }
    }

    fn behaved(&self) {
        let breaker = &self.binding.breaker;
        if !breaker.is_sound() {
            let breaker = breaker.clone();
            self.once_certain(move || breaker.succeeded());
        }
    }

    fn misbehaved(&self) {
        let (breaker, name) = (self.binding.breaker.clone(), self.binding.name_shared());
        self.once_certain(move || {
            if breaker.failed() {
                tracing::error!(binding = %name, "plugin keeps failing; its breaker is open");
            }
        });
    }

    fn failed(&mut self, kind: CallErrorKind, message: impl Into<String>) -> CallError {
        self.tell(kind.name());
        if kind.is_misbehaviour() {
            self.misbehaved();
        } else {
            self.behaved();
        }
        self.binding.error(kind, message)
    }

    fn tell(&mut self, outcome: &'static str) {
        self.told = true;
        self.binding.around.watch.called(self.hook, outcome, self.started.elapsed());
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        if !self.told {
            self.tell("cancelled");
        }
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

/// Why an instance could not be made.
fn unmade(error: &LoadError) -> CallErrorKind {
    match error {
        LoadError::Instantiate(cause) if is_pool_exhausted(cause.as_ref()) => CallErrorKind::Overloaded,
        LoadError::Configure(_) => CallErrorKind::Trap,
        LoadError::ConfigureTimeout => CallErrorKind::Deadline,
        _ => CallErrorKind::Internal,
    }
}

fn is_pool_exhausted(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut causes = std::iter::successors(Some(error), |error| error.source());
    causes.any(|cause| cause.is::<PoolConcurrencyLimitError>())
}

/// What a failed call died of.
fn died_of(error: &wasmtime::Error, instance: &Instance) -> CallErrorKind {
    match error.downcast_ref::<Trap>() {
        _ if instance.store.data().memory.denied => CallErrorKind::Memory,
        Some(Trap::Interrupt) => CallErrorKind::Deadline,
        Some(Trap::StackOverflow) => CallErrorKind::StackOverflow,
        Some(_) | None => CallErrorKind::Trap,
    }
}

/// An error and its causes in one line.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
