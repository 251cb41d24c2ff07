//! What operators see: the log and the metrics.
//!
//! Never holds a text, a key or a header's value. Handles to metrics are resolved once, so that the hot path
//! touches atomics only.

mod log;
mod metrics;
mod plugins;

pub use log::{Format, init};
pub use metrics::{Metrics, RouteMetrics};
pub use plugins::PluginMetrics;
