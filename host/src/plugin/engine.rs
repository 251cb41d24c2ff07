//! The engine: wasmtime's settings, the epoch ticker, the linker with everything a plugin may import.
//!
//! One per process. The settings are those that DESIGN §5 measured; each deviation from wasmtime's defaults
//! says why.

use super::artifact::CodeCache;
use super::imports;
use super::instance::State;
use super::meter::TICK;
use super::side::{Side, SideSettings};
use super::template::Templates;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use wasmtime::component::Linker;
use wasmtime::{Config, Enabled, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig};

/// The most memory any instance may have; bindings may set less.
pub(super) const MAX_MEMORY: usize = 64 * 1024 * 1024;
/// Instances that the pool is made for, most wished first. Each reserves 4 GiB of address space (a smaller
/// reservation made regular expressions a quarter slower), so a machine that forbids much gets fewer.
const POOL_SIZES: [u32; 4] = [4_096, 1_024, 256, 64];

/// Instances that matter for [`Idle`] at most: what is warm holds memory as well.
const MAX_IDLE: usize = 4_096;

/// How an engine is made.
#[derive(Debug, Clone)]
pub struct EngineSettings {
    /// Where compiled code is kept between runs; nowhere when none.
    pub cache_dir: Option<PathBuf>,
    /// Whether instances come from a pool of prepared memory.
    pub pooling: bool,
    /// Threads beside those that serve.
    pub side: SideSettings,
}

impl Default for EngineSettings {
    fn default() -> Self {
        Self { cache_dir: None, pooling: true, side: SideSettings::default() }
    }
}

/// The engine cannot be made.
#[derive(Debug, thiserror::Error)]
#[error("the WebAssembly engine cannot be made on this machine")]
pub struct EngineError(#[source] Box<dyn std::error::Error + Send + Sync>);

/// The engine.
pub struct Engine {
    pub(super) wasm: wasmtime::Engine,
    pub(super) linker: Linker<State>,
    pub(super) templates: Templates,
    pub(super) cache: Option<CodeCache>,
    pub(super) idle: Idle,
    pub(super) side: Side,
    pooled: u32,
    stop: Arc<AtomicBool>,
}

impl Engine {
    /// Makes the engine and starts its ticker.
    ///
    /// # Errors
    /// wasmtime cannot run on this machine, or a thread cannot be had.
    pub fn new(settings: &EngineSettings) -> Result<Arc<Self>, EngineError> {
        let (wasm, pooled) = make(settings.pooling)?;
        let mut linker = Linker::new(&wasm);
        imports::link(&mut linker).map_err(|error| EngineError(error.into()))?;
        let cache = settings.cache_dir.as_deref().and_then(|dir| CodeCache::open(dir, &wasm));
        let engine = Arc::new(Self {
            wasm,
            linker,
            templates: Templates::default(),
            cache,
            idle: Idle::new(pooled),
            side: Side::new(settings.side).map_err(|error| EngineError(error.into()))?,
            pooled,
            stop: Arc::new(AtomicBool::new(false)),
        });
        tick(&engine)?;
        Ok(engine)
    }

    /// The size of the instance pool; 0 when instances are allocated one by one.
    #[must_use]
    pub const fn pooled(&self) -> u32 {
        self.pooled
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

/// How many warm instances all bindings together keep. Idle ones hold places of the pool, so half of it is
/// left for calls.
#[derive(Debug)]
pub(super) struct Idle {
    kept: AtomicUsize,
    most: usize,
}

impl Idle {
    fn new(pooled: u32) -> Self {
        let places = if pooled == 0 { MAX_IDLE } else { pooled as usize };
        Self { kept: AtomicUsize::new(0), most: places.min(MAX_IDLE) / 2 }
    }

    /// Takes a place, if there is one.
    pub(super) fn take(&self) -> bool {
        let taken = self.kept.fetch_add(1, Ordering::Relaxed) < self.most;
        if !taken {
            self.free(1);
        }
        taken
    }

    /// Gives places back.
    pub(super) fn free(&self, places: usize) {
        self.kept.fetch_sub(places, Ordering::Relaxed);
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine")
            .field("pooled", &self.pooled)
            .field("cache", &self.cache)
            .finish_non_exhaustive()
    }
}

fn make(pooling: bool) -> Result<(wasmtime::Engine, u32), EngineError> {
    let sizes = POOL_SIZES.into_iter().filter(|_| pooling);
    for size in sizes {
        match wasmtime::Engine::new(&config(Some(size))) {
            Ok(engine) => {
                tracing::debug!(size, "instances come from a pool");
                return Ok((engine, size));
            }
            Err(error) => tracing::warn!(size, %error, "an instance pool of this size cannot be had"),
        }
    }
    let engine = wasmtime::Engine::new(&config(None)).map_err(|error| EngineError(error.into()))?;
    tracing::info!("instances are allocated one by one, not from a pool");
    Ok((engine, 0))
}

fn config(pool: Option<u32>) -> Config {
    let mut config = Config::new();
    // Component-model async is not used: without it a call costs a quarter.
    config.concurrency_support(false);
    // Deadlines by epochs, not fuel: a tenth of the guards' time instead of a third.
    config.epoch_interruption(true);
    config.memory_init_cow(true);
    config.cranelift_opt_level(OptLevel::Speed);
    if let Some(size) = pool {
        let mut pool = PoolingAllocationConfig::new();
        pool.total_component_instances(size)
            .total_core_instances(size.saturating_mul(4))
            .total_memories(size)
            .total_tables(size.saturating_mul(2))
            .total_stacks(size)
            .max_memory_size(MAX_MEMORY)
            .pagemap_scan(Enabled::Auto)
            .linear_memory_keep_resident(1024 * 1024)
            .table_keep_resident(4_096)
            .async_stack_keep_resident(16 * 1024);
        config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    }
    config
}

/// Ticks on a thread of its own: a spinning guest can hold the worker that owns tokio's timer.
fn tick(engine: &Arc<Engine>) -> Result<(), EngineError> {
    let stop = engine.stop.clone();
    let wasm = engine.wasm.weak();
    let run = move || {
        while !stop.load(Ordering::Relaxed) {
            #[expect(clippy::disallowed_methods, reason = "this thread does nothing but wait")]
            thread::sleep(TICK);
            match wasm.upgrade() {
                Some(wasm) => wasm.increment_epoch(),
                None => return,
            }
        }
    };
    thread::Builder::new()
        .name("epoch".into())
        .spawn(run)
        .map(drop)
        .map_err(|error| EngineError(error.into()))
}
