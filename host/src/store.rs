//! What the host keeps for plugins and for itself, in memory: small values, answers, vectors.
//!
//! Invariants: everything is bounded in entries and bytes and evicted rather than refused; every key begins
//! with the tenant, so no tenant reaches another's values. Nothing here waits, does I/O, or knows plugins; but for `file`,
//! which opens the files of others.

pub mod answers;
mod bounded;
pub mod feedback;
pub mod file;
pub mod idempotency;
pub mod kv;
pub mod quarantine;
pub mod vectors;
pub mod warm;

pub use bounded::{Limits, TooLarge};
