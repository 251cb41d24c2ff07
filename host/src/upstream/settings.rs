//! How a provider is reached. Plain data; nothing here is read from disk.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// How a provider is reached.
#[derive(Clone, PartialEq, Eq)]
pub struct UpstreamSettings {
    /// Where the provider is: `https://host/prefix`. Paths are appended to it.
    pub base_url: String,
    /// Time to resolve, connect and shake hands.
    pub connect: Duration,
    /// Time from sending a request to the head of its answer.
    pub first_byte: Duration,
    /// Time of silence within an answer.
    pub idle: Duration,
    /// Time for everything.
    pub total: Duration,
    /// Authorities to trust instead of the system's, as a PEM file.
    pub ca_file: Option<PathBuf>,
    /// A certificate to show to the provider, as a PEM file; needs `client_key`.
    pub client_cert: Option<PathBuf>,
    /// Its private key, as a PEM file.
    pub client_key: Option<PathBuf>,
}

/// How long is waited for one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// Time to resolve, connect and shake hands.
    pub connect: Duration,
    /// Time from sending a request to the head of its answer.
    pub first_byte: Duration,
    /// Time of silence within an answer.
    pub idle: Duration,
    /// Time for everything.
    pub total: Duration,
}

/// How connections are kept and shared. The defaults fit the providers there are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PoolSettings {
    /// When HTTP/2 is spoken.
    pub http2: Http2,
    /// Requests at once on one HTTP/2 connection before another is opened.
    pub max_http2_streams: usize,
    /// Idle HTTP/1.1 connections that are kept.
    pub max_idle_connections: usize,
    /// Milliseconds that an idle connection is kept; best below what the provider itself allows.
    pub idle_timeout_ms: u64,
    /// Bytes of an answer's body.
    pub max_response_bytes: usize,
}

/// When HTTP/2 is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Http2 {
    /// Where the provider offers it in the TLS handshake.
    #[default]
    Auto,
    /// Always; without TLS by prior knowledge.
    Always,
    /// Never.
    Never,
}

impl UpstreamSettings {
    /// How long is waited where a request says nothing of it.
    #[must_use]
    pub const fn patience(&self) -> Patience {
        Patience { connect: self.connect, first_byte: self.first_byte, idle: self.idle, total: self.total }
    }

    /// Timeouts that fit a model that thinks before it speaks, and the system's authorities.
    #[must_use]
    pub fn new(base_url: impl Into<String>) -> Self {
        Self {
            base_url: base_url.into(),
            connect: Duration::from_secs(10),
            first_byte: Duration::from_secs(300),
            idle: Duration::from_secs(120),
            total: Duration::from_secs(600),
            ca_file: None,
            client_cert: None,
            client_key: None,
        }
    }
}

/// Without the base URL, which an operator may have put a credential into by mistake.
impl fmt::Debug for UpstreamSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UpstreamSettings")
            .field("connect", &self.connect)
            .field("first_byte", &self.first_byte)
            .field("idle", &self.idle)
            .field("total", &self.total)
            .finish_non_exhaustive()
    }
}

impl Default for PoolSettings {
    fn default() -> Self {
        Self {
            http2: Http2::Auto,
            max_http2_streams: 100,
            max_idle_connections: 512,
            // Load balancers commonly close after a minute.
            idle_timeout_ms: 50_000,
            max_response_bytes: 64 * 1024 * 1024,
        }
    }
}

impl PoolSettings {
    /// Time that an idle connection is kept.
    #[must_use]
    pub fn idle_timeout(&self) -> Duration {
        Duration::from_millis(self.idle_timeout_ms)
    }
}
