//! A scripted model provider on a real socket, or in memory for tests whose time is paused.
//!
//! A test says what the provider answers, points a gateway at [`Upstream::base_url`], and reads back what the
//! provider saw, byte for byte. It misbehaves on request, too: it hangs, resets, sends garbage, stops half way,
//! dribbles.
//!
//! ```
//! # async fn example() -> std::io::Result<()> {
//! use lockgate_upstream::{Reply, Script, Upstream};
//!
//! let script = Script::new([Reply::reset(), Reply::text("Hello again.")]);
//! let upstream = Upstream::start(script).await?;
//! let base_url = upstream.base_url(); // http://127.0.0.1:PORT/v1
//! // ... send requests through the gateway ...
//! upstream.wait_for_requests(2).await;
//! assert_eq!(upstream.requests().len(), 2);
//! # Ok(())
//! # }
//! ```
//!
//! It speaks the language that a request asks in: OpenAI's, Anthropic's, Gemini's, Mistral's, Bedrock's, Cohere's.
//! It never leaves the loopback interface, keeps no time but its replies' own, and never answers anything its script did not say.

#![expect(
    clippy::indexing_slicing,
    reason = "only JSON values are indexed, and what is missing reads as null"
)]

mod anthropic;
mod bedrock;
mod cohere;
mod gemini;
mod latency;
mod mistral;
mod openai;
mod recorded;
mod reply;
mod script;
mod serve;
mod wire;

pub use latency::Latency;
pub use recorded::Recorded;
pub use reply::Reply;
pub use script::{Handler, Script};

use serve::Seen;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::DuplexStream;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

/// Bytes on their way at a time in memory.
const ON_THE_WAY: usize = 64 * 1024;

/// How long a test waits for what it says must happen.
const PATIENCE: Duration = Duration::from_secs(20);

/// A provider that is listening. It stops, and drops its connections, when this is dropped.
#[derive(Debug)]
pub struct Upstream {
    address: SocketAddr,
    seen: Arc<Seen>,
    accepting: JoinHandle<()>,
    /// To the provider, where it is in memory.
    lines: Option<mpsc::UnboundedSender<DuplexStream>>,
}

impl Upstream {
    /// Starts a provider on a free port of the loopback interface.
    ///
    /// # Errors
    /// No port can be bound.
    pub async fn start(handler: impl Handler) -> io::Result<Self> {
        Self::start_on(SocketAddr::from(([127, 0, 0, 1], 0)), handler).await
    }

    /// Starts a provider at an address: the way back for one that was down.
    ///
    /// # Errors
    /// The address cannot be bound.
    pub async fn start_on(address: SocketAddr, handler: impl Handler) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let seen = Arc::new(Seen::default());
        let accepting = tokio::spawn(serve::accept(listener, Arc::new(handler), seen.clone()));
        Ok(Self { address, seen, accepting, lines: None })
    }

    /// Starts a provider that is reached by [`Upstream::connect`] alone. Must run within a runtime.
    #[must_use]
    pub fn in_memory(handler: impl Handler) -> Self {
        let seen = Arc::new(Seen::default());
        let (lines, incoming) = mpsc::unbounded_channel();
        let accepting = tokio::spawn(serve::take(incoming, Arc::new(handler), seen.clone()));
        Self { address: SocketAddr::from(([127, 0, 0, 1], 0)), seen, accepting, lines: Some(lines) }
    }

    /// A connection to a provider that is in memory.
    ///
    /// # Errors
    /// It is not in memory, or has ended.
    pub fn connect(&self) -> io::Result<DuplexStream> {
        let (ours, theirs) = tokio::io::duplex(ON_THE_WAY);
        let gone = || io::Error::from(io::ErrorKind::ConnectionRefused);
        self.lines.as_ref().ok_or_else(gone)?.send(theirs).map_err(|_| gone())?;
        Ok(ours)
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The base URL as a client of the OpenAI API takes it: `http://127.0.0.1:PORT/v1`.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// The origin: `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Every request so far, in the order in which their bodies were complete.
    #[must_use]
    pub fn requests(&self) -> Vec<Recorded> {
        self.seen.requests()
    }

    /// The last request, when there was one.
    #[must_use]
    pub fn last_request(&self) -> Option<Recorded> {
        self.seen.requests().pop()
    }

    /// Connections accepted so far.
    #[must_use]
    pub fn connections(&self) -> usize {
        *self.seen.connections.borrow()
    }

    /// Clients that went away before their answer ended.
    #[must_use]
    pub fn disconnects(&self) -> usize {
        *self.seen.disconnects.borrow()
    }

    /// Waits until there were `count` requests, and returns them all.
    ///
    /// # Panics
    /// There were not within 20 seconds.
    pub async fn wait_for_requests(&self, count: usize) -> Vec<Recorded> {
        reach(self.seen.requests.subscribe(), count, "requests").await;
        self.requests()
    }

    /// Waits until `count` clients went away before their answer ended.
    ///
    /// # Panics
    /// They did not within 20 seconds.
    pub async fn wait_for_disconnects(&self, count: usize) {
        reach(self.seen.disconnects.subscribe(), count, "disconnects").await;
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

#[expect(clippy::panic, reason = "a test that waits for what does not come has failed, and says so")]
async fn reach(mut figure: watch::Receiver<usize>, count: usize, what: &str) {
    let reached = tokio::time::timeout(PATIENCE, figure.wait_for(|now| *now >= count)).await.is_ok();
    if !reached {
        panic!("the provider saw {} {what} in {PATIENCE:?}, not {count}", *figure.borrow());
    }
}
