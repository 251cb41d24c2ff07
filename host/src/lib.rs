//! Lockgate: an AI gateway.
pub mod server;
pub mod shutdown;
pub mod sse;
pub mod telemetry;
pub mod upstream;
