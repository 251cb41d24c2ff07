//! One instance of a component, and what its store holds.

use super::candidates::Candidates;
use super::console::{self, Console};
use super::engine::Engine;
use super::grants::Grants;
use super::hooks::Hooks;
use super::imports::LogLimit;
use super::meter::{CallClock, MemoryLimit, Turn};
use super::services::{Services, Watch};
use crate::exchange::{BindingId, Exchange};
use std::sync::Arc;
use std::time::{Duration, Instant};
use wasmtime::component::{Instance as Exports, ResourceTable};
use wasmtime::{Store, UpdateDeadline};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

/// The type of the exchange resource. A handle says nothing: the exchange of the running call is in the
/// store, so lending it costs no table entry.
pub struct ExchangeHandle;
/// The type of the prompt resource.
pub struct PromptHandle;

/// What a binding's instances share.
pub(super) struct Surroundings {
    pub id: BindingId,
    pub name: Arc<str>,
    pub tenant: Arc<str>,
    pub grants: Grants,
    pub services: Services,
    pub watch: Arc<dyn Watch>,
    pub scratch_bytes: usize,
    pub log: LogLimit,
}

/// What a store holds.
pub(super) struct State {
    /// Made at its first use: most instances never ask for the time, a random number or their console.
    wasi: Option<(WasiCtx, Console)>,
    pub table: ResourceTable,
    pub memory: MemoryLimit,
    pub clock: CallClock,
    pub exchange: Option<Arc<Exchange>>,
    /// The targets that a running `rank` orders.
    pub candidates: Option<Arc<dyn Candidates>>,
    /// How long the order that it returns holds, as it says.
    pub holds: Duration,
    /// Whether the call that a running `encode` returns holds for others, as it says.
    pub holds_call: bool,
    pub around: Arc<Surroundings>,
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        let new = || console::inert(&self.around, self.exchange.as_ref());
        let (ctx, _) = self.wasi.get_or_insert_with(new);
        WasiCtxView { ctx, table: &mut self.table }
    }
}

/// An instance. The watch is told when it is made and when it is gone.
pub(super) struct Instance {
    pub store: Store<State>,
    pub exports: Exports,
    pub hooks: Hooks,
    pub uses: u32,
    /// When its last call ended.
    pub rested: Instant,
}

impl Instance {
    pub(super) fn new(store: Store<State>, exports: Exports) -> Self {
        store.data().around.watch.instances(1);
        Self { store, exports, hooks: Hooks::default(), uses: 0, rested: Instant::now() }
    }

    /// Makes it ready for a call: whose it is, and its deadline.
    pub(super) fn arm(&mut self, exchange: Option<&Arc<Exchange>>, clock: CallClock) {
        let state = self.store.data_mut();
        state.belongs_to(exchange);
        state.memory.denied = false;
        state.clock = clock;
        self.store.set_epoch_deadline(1);
    }

    /// Takes from it what its call was about.
    pub(super) fn disarm(&mut self) {
        let state = self.store.data_mut();
        state.belongs_to(None);
        state.candidates = None;
    }
}

impl State {
    fn belongs_to(&mut self, exchange: Option<&Arc<Exchange>>) {
        self.exchange = exchange.cloned();
        if let Some((_, console)) = &self.wasi {
            console.belongs_to(exchange);
        }
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        self.store.data().around.watch.instances(-1);
    }
}

/// A store whose guest has nothing but its memory and what the linker offers.
pub(super) fn store(
    engine: &Engine,
    around: &Arc<Surroundings>,
    memory: usize,
    clock: CallClock,
) -> Store<State> {
    let state = State {
        wasi: None,
        table: ResourceTable::new(),
        memory: MemoryLimit::new(memory),
        clock,
        exchange: None,
        candidates: None,
        holds: Duration::ZERO,
        holds_call: false,
        around: around.clone(),
    };
    let mut store = Store::new(&engine.wasm, state);
    store.limiter(|state| &mut state.memory);
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(|mut context| {
        Ok(match context.data_mut().clock.tick() {
            Turn::Over => UpdateDeadline::Interrupt,
            Turn::On => UpdateDeadline::Continue(1),
            Turn::Next => UpdateDeadline::YieldCustom(1, Box::pin(tokio::task::yield_now())),
        })
    });
    store
}
