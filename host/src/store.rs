//! What the host keeps for plugins and for itself, in memory: small values, answers, vectors; and the journal of what must
//! outlive the process.
//!
//! Invariants: everything is bounded in entries and bytes and evicted rather than refused; every key begins
//! with the tenant, so no tenant reaches another's values. Nothing here knows plugins; nothing but the journal waits or
//! does I/O.

pub mod answers;
mod bounded;
pub mod feedback;
pub mod file;
pub mod idempotency;
pub mod journal;
pub mod kv;
pub mod quarantine;
pub mod vectors;
pub mod warm;

pub use bounded::{Limits, TooLarge};
