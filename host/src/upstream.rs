//! Connections to providers: TLS, pools, a timeout for each phase, and cancellation.
//!
//! Invariants: dropping a request or a body ends it at the provider at once; every wait has an end; a body is
//! bounded where it is gathered. Never logs a header's value or a body.

mod body;
mod client;
#[cfg(test)]
mod tests;
mod tls;

pub use body::UpstreamBody;
pub use client::{Phase, Upstream, UpstreamError, UpstreamErrorKind, UpstreamResponse, UpstreamSettings};
