//! One instance of a component, and what its store holds.

use super::bindings::{
    host::Plugin as Lifecycle, observer::ObserverHook, post_response::PostResponseHook,
    pre_request::PreRequestHook, provider_adapter::ProviderAdapterHook, routing::RoutingHook,
    text_filter::TextFilterHook,
};
use super::grants::Grants;
use super::services::{Services, Watch};
use crate::exchange::{BindingId, Exchange};
use std::sync::Arc;
use std::time::{Duration, Instant};
use wasmtime::component::ResourceTable;
use wasmtime::{ResourceLimiter, Store};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

/// The type of the exchange resource. A handle says nothing: the exchange of the running call is in the
/// store, so lending it costs no table entry.
pub struct ExchangeHandle;
/// The type of the prompt resource.
pub struct PromptHandle;

/// Elements of a component's tables at most; function tables are small.
const MAX_TABLE: usize = 100_000;

/// What a binding's instances share.
pub(super) struct Surroundings {
    pub id: BindingId,
    pub name: Arc<str>,
    pub tenant: Arc<str>,
    pub grants: Grants,
    pub services: Services,
    pub watch: Arc<dyn Watch>,
    pub scratch_bytes: usize,
    pub log: super::imports::LogLimit,
}

/// What a store holds.
pub(super) struct State {
    pub wasi: WasiCtx,
    pub table: ResourceTable,
    pub memory: MemoryLimit,
    pub clock: CallClock,
    pub exchange: Option<Arc<Exchange>>,
    pub around: Arc<Surroundings>,
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

/// How much a call has computed: time passed, less time spent waiting for the host.
pub(super) struct CallClock {
    started: Instant,
    waited: Duration,
    budget: Duration,
}

impl CallClock {
    pub(super) fn new(budget: Duration) -> Self {
        Self { started: Instant::now(), waited: Duration::ZERO, budget }
    }

    /// Starts anew for the next call.
    pub(super) fn start(&mut self) {
        self.started = Instant::now();
        self.waited = Duration::ZERO;
    }

    /// Notes time that the host took, not the guest.
    pub(super) fn waited_since(&mut self, from: Instant) {
        self.waited += from.elapsed();
    }

    /// Whether the guest has computed for as long as it may.
    pub(super) fn is_over(&self) -> bool {
        self.started.elapsed().saturating_sub(self.waited) >= self.budget
    }
}

/// The bound of an instance's memory. Remembers that it was reached: the trap that follows does not say so.
pub(super) struct MemoryLimit {
    limit: usize,
    pub denied: bool,
    pub peak: usize,
}

impl MemoryLimit {
    pub(super) const fn new(limit: usize) -> Self {
        Self { limit, denied: false, peak: 0 }
    }
}

impl ResourceLimiter for MemoryLimit {
    fn memory_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        self.denied |= desired > self.limit;
        if desired <= self.limit {
            self.peak = self.peak.max(desired);
        }
        Ok(desired <= self.limit)
    }

    fn table_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        Ok(desired <= MAX_TABLE)
    }
}

/// The exported functions of an instance.
#[derive(Default)]
pub(super) struct Hooks {
    pub lifecycle: Option<Lifecycle>,
    pub pre_request: Option<PreRequestHook>,
    pub routing: Option<RoutingHook>,
    pub provider_adapter: Option<ProviderAdapterHook>,
    pub text_filter: Option<TextFilterHook>,
    pub post_response: Option<PostResponseHook>,
    pub observer: Option<ObserverHook>,
}

/// An instance. Told to the watch when it is made and when it is gone.
pub(super) struct Instance {
    pub store: Store<State>,
    pub hooks: Hooks,
    pub uses: u32,
    pub watch: Arc<dyn Watch>,
}

impl Drop for Instance {
    fn drop(&mut self) {
        self.watch.instances(-1);
    }
}
