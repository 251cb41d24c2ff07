//! What an operator may set about a provider's connections. Plain data; nothing here is read from disk.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// How a provider is reached.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UpstreamSettings {
    /// Where the provider is: `https://host/prefix`.
    pub base_url: String,
    /// Milliseconds to resolve, connect and shake hands.
    #[serde(default = "default_connect_timeout_ms")]
    pub connect_timeout_ms: u64,
    /// Milliseconds from sending a request to the head of its answer.
    #[serde(default = "default_first_byte_timeout_ms")]
    pub first_byte_timeout_ms: u64,
    /// Milliseconds of silence within an answer.
    #[serde(default = "default_idle_timeout_ms")]
    pub idle_timeout_ms: u64,
    /// Milliseconds for everything.
    #[serde(default = "default_total_timeout_ms")]
    pub total_timeout_ms: u64,
    /// Authorities to trust instead of the system's, as a PEM file.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// A certificate to show to the provider, as a PEM file; needs `client_key`.
    #[serde(default)]
    pub client_cert: Option<PathBuf>,
    /// Its private key, as a PEM file.
    #[serde(default)]
    pub client_key: Option<PathBuf>,
    /// When HTTP/2 is spoken.
    #[serde(default)]
    pub http2: Http2,
    /// Requests at once on one HTTP/2 connection before another is opened.
    #[serde(default = "default_max_http2_streams")]
    pub max_http2_streams: usize,
    /// Idle HTTP/1.1 connections that are kept.
    #[serde(default = "default_max_idle_connections")]
    pub max_idle_connections: usize,
    /// Milliseconds that an idle connection is kept; best below what the provider itself allows.
    #[serde(default = "default_pool_idle_timeout_ms")]
    pub pool_idle_timeout_ms: u64,
    /// Bytes of an answer's body.
    #[serde(default = "default_max_response_bytes")]
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
    /// The defaults, for a base URL.
    #[must_use]
    pub fn new(base_url: impl Into<String>) -> Self {
        Self {
            base_url: base_url.into(),
            connect_timeout_ms: default_connect_timeout_ms(),
            first_byte_timeout_ms: default_first_byte_timeout_ms(),
            idle_timeout_ms: default_idle_timeout_ms(),
            total_timeout_ms: default_total_timeout_ms(),
            ca_file: None,
            client_cert: None,
            client_key: None,
            http2: Http2::Auto,
            max_http2_streams: default_max_http2_streams(),
            max_idle_connections: default_max_idle_connections(),
            pool_idle_timeout_ms: default_pool_idle_timeout_ms(),
            max_response_bytes: default_max_response_bytes(),
        }
    }

    /// Time to resolve, connect and shake hands.
    #[must_use]
    pub fn connect_timeout(&self) -> Duration {
        Duration::from_millis(self.connect_timeout_ms)
    }

    /// Time to the head of an answer.
    #[must_use]
    pub fn first_byte_timeout(&self) -> Duration {
        Duration::from_millis(self.first_byte_timeout_ms)
    }

    /// Time of silence within an answer.
    #[must_use]
    pub fn idle_timeout(&self) -> Duration {
        Duration::from_millis(self.idle_timeout_ms)
    }

    /// Time for everything.
    #[must_use]
    pub fn total_timeout(&self) -> Duration {
        Duration::from_millis(self.total_timeout_ms)
    }

    /// Time that an idle connection is kept.
    #[must_use]
    pub fn pool_idle_timeout(&self) -> Duration {
        Duration::from_millis(self.pool_idle_timeout_ms)
    }
}

/// Without the base URL, which an operator may have put a credential into by mistake.
impl fmt::Debug for UpstreamSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UpstreamSettings").field("http2", &self.http2).finish_non_exhaustive()
    }
}

const fn default_connect_timeout_ms() -> u64 {
    10_000
}
const fn default_first_byte_timeout_ms() -> u64 {
    300_000
}
const fn default_idle_timeout_ms() -> u64 {
    120_000
}
const fn default_total_timeout_ms() -> u64 {
    600_000
}
const fn default_max_http2_streams() -> usize {
    100
}
const fn default_max_idle_connections() -> usize {
    512
}
const fn default_pool_idle_timeout_ms() -> u64 {
    50_000
}
const fn default_max_response_bytes() -> usize {
    64 * 1024 * 1024
}
