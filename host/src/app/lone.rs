//! One binding of a configuration by itself, in the engine and with the services that it would have when served.
//!
//! For commands that look at a component alone. Never serves: no listener, no ledger file, no provider.

use super::{Shared, StartError, compose, share};
use crate::config::{Binding, Loaded};
use crate::pipeline::gate::Gate;
use std::sync::Arc;

/// A binding and what it lives on.
pub struct Lone {
    /// The binding.
    pub gate: Gate,
    /// Engine, services, kept answers.
    pub shared: Arc<Shared>,
}

/// Prepares a binding for a tenant. `at` is its place in the configuration, for faults.
///
/// # Errors
/// The binding is not sound, or a part of the machine does not play along.
pub async fn lone(loaded: &Loaded, tenant: &str, at: &str, binding: &Binding) -> Result<Lone, StartError> {
    let mut config = loaded.config.clone();
    config.ledger.file = None;
    config.keys.file = None;
    let shared = Arc::new(share(&config)?);
    let gate = compose::gate(&shared, loaded, tenant, at, binding).await?;
    Ok(Lone { gate, shared })
}
