//! The warm instances of one binding, last used first.
//!
//! An instance is in here only while no call uses it, so a call that ends badly simply does not bring it
//! back. Retired are those that served long enough, grew large, or lay idle while others worked.

use super::Limits;
use crate::plugin::engine::Engine;
use crate::plugin::instance::Instance;
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Warm instances that a binding keeps at most; calls compute, so more than there are cores help little.
const MAX_WARM: usize = 16;
/// How long an instance may lie idle while others are used.
const MAX_IDLE: Duration = Duration::from_secs(60);

/// The warm instances of one binding.
pub(super) struct Warm {
    stack: Mutex<Vec<Instance>>,
    engine: Arc<Engine>,
    max_uses: u32,
    max_bytes: usize,
}

impl Warm {
    pub(super) fn new(engine: &Arc<Engine>, limits: &Limits) -> Self {
        Self {
            stack: Mutex::default(),
            engine: engine.clone(),
            max_uses: limits.max_uses,
            max_bytes: limits.memory / 4 * 3,
        }
    }

    /// The instance that was used last.
    pub(super) fn take(&self) -> Option<Instance> {
        let instance = self.stack.lock().pop()?;
        self.engine.idle.free(1);
        Some(instance)
    }

    /// Takes an instance back that behaved, unless it is to be retired. It holds nothing of its call any more.
    pub(super) fn put(&self, mut instance: Instance) {
        instance.uses = instance.uses.saturating_add(1);
        instance.rested = Instant::now();
        if self.is_worn(instance.uses)
            || state_is_large(&instance, self.max_bytes)
            || !self.engine.idle.take()
        {
            return;
        }
        let mut stack = self.stack.lock();
        let retired = match stack.first() {
            _ if stack.len() >= MAX_WARM => Some(instance),
            Some(oldest) if instance.rested.duration_since(oldest.rested) > MAX_IDLE => {
                stack.push(instance);
                Some(stack.remove(0))
            }
            _ => {
                stack.push(instance);
                None
            }
        };
        // What is retired is dropped outside of the lock.
        drop(stack);
        if retired.is_some() {
            self.engine.idle.free(1);
        }
    }

    /// Retired give or take a quarter, so that instances made together do not end together.
    fn is_worn(&self, uses: u32) -> bool {
        let earliest = self.max_uses / 4 * 3;
        uses >= earliest && uses >= earliest.saturating_add(fastrand::u32(0..=self.max_uses / 2))
    }
}

impl Drop for Warm {
    fn drop(&mut self) {
        self.engine.idle.free(self.stack.get_mut().len());
    }
}

fn state_is_large(instance: &Instance, max_bytes: usize) -> bool {
    instance.store.data().memory.peak > max_bytes
}
