//! What the operator sees: log lines and metrics.
//!
//! Metrics are resolved once (per route, per binding) into handles whose methods are atomics and, at most,
//! a short read lock; nothing on the hot path builds a label or looks a family up. Every label's values are
//! bounded by the configuration, or by a limit here.
//!
//! Never records text of an exchange, and never lets a transport library log what it carries.

mod budget;
mod custom;
mod histogram;
mod logging;
mod metrics;
mod plugin;
mod route;
mod routing;
#[cfg(test)]
mod tests;

pub use histogram::Histogram;
pub use logging::{FilterError, Format, check_filter, init};
pub use metrics::{CONTENT_TYPE, Metrics};
pub use plugin::PluginMetrics;
pub use route::RouteMetrics;
