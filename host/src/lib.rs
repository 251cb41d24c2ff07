//! Lockgate: an AI gateway.
pub mod sse;
