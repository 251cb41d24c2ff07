//! Connections that somebody else opens: to a provider in the same process.
//!
//! Scenarios whose time is paused are run so: over a network, time would pass while bytes are on their way. All that
//! becomes of a connection once it is open is as over a network. A configuration cannot ask for it.

use async_trait::async_trait;
use std::io;
use tokio::io::DuplexStream;

/// Opens connections.
#[async_trait]
pub trait Dial: Send + Sync + 'static {
    /// Opens one, or takes as long as it takes.
    ///
    /// # Errors
    /// There is nobody there.
    async fn dial(&self) -> io::Result<DuplexStream>;
}
