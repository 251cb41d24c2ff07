//! The memory of a component after `configure`, made into a component of its own.
//!
//! Wizer adds exports through which the memory can be read, `configure` runs once in that copy, and what it
//! leaves becomes the initial memory of every instance. Only memory is kept: a handle of the host's would
//! dangle, so a component that holds one is not snapshotted. Neither is one that wizer does not understand.

use super::binding::LoadError;
use super::engine::{Engine, MAX_MEMORY};
use super::hooks::HookIndices;
use super::instance::{Instance, Surroundings, store};
use super::meter::CallClock;
use super::source::Plugin;
use super::template::{CONFIGURE, configure};
use futures_util::FutureExt as _;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;
use wasmtime::component::Component;
use wasmtime_wizer::{WasmtimeWizerComponent, Wizer};

/// Why there is no snapshot.
pub(super) enum NoSnapshot {
    /// The component was refused, or failed, while it was configured; bare it would fare no better.
    Refused(LoadError),
    /// It cannot be snapshotted, but may serve without.
    Unsuitable(String),
}

impl From<wasmtime::Error> for NoSnapshot {
    fn from(error: wasmtime::Error) -> Self {
        Self::Unsuitable(format!("{error:#}"))
    }
}

/// Configures a copy of the component and gives the component that starts from there. Computes for long:
/// not for an async thread.
pub(super) async fn take(
    engine: &Engine,
    plugin: &Plugin,
    config: &str,
    around: &Arc<Surroundings>,
) -> Result<Vec<u8>, NoSnapshot> {
    // Wizer panics at what it does not expect in a component, and a component is anybody's.
    let taken = AssertUnwindSafe(instrumented(engine, plugin, config, around)).catch_unwind().await;
    taken.unwrap_or_else(|_| Err(NoSnapshot::Unsuitable("the snapshot panicked".to_owned())))
}

async fn instrumented(
    engine: &Engine,
    plugin: &Plugin,
    config: &str,
    around: &Arc<Surroundings>,
) -> Result<Vec<u8>, NoSnapshot> {
    let wizer = Wizer::new();
    let (context, wasm) = wizer.instrument_component(&plugin.wasm)?;
    let pre = engine.linker.instantiate_pre(&Component::new(&engine.wasm, &wasm)?)?;
    let hooks = HookIndices::new(&pre, &plugin.manifest)?;
    let clock = || CallClock::new(Instant::now(), CONFIGURE, CONFIGURE);
    let mut store = store(engine, around, MAX_MEMORY, clock());
    let exports = pre.instantiate_async(&mut store).await?;
    let mut instance = Instance::new(store, exports);
    configure(&mut instance, &hooks, config).await.map_err(NoSnapshot::Refused)?;
    instance.arm(None, clock());
    if !instance.store.data().table.is_empty() {
        return Err(NoSnapshot::Unsuitable("it holds a resource of the host after `configure`".to_owned()));
    }
    let mut view = WasmtimeWizerComponent { store: &mut instance.store, instance: exports };
    Ok(wizer.snapshot_component(&context, &mut view).await?)
}
