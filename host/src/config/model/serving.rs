//! The settings of the process itself: its listeners, its bounds, its log, its engine.

use super::identity;
use crate::secret::Secret;
use schemars::JsonSchema;
use serde::Deserialize;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

/// Certificate files.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// PEM certificate chain.
    pub cert: PathBuf,
    /// PEM private key.
    pub key: PathBuf,
    /// PEM certificates that client certificates must be signed by; clients then need one.
    pub client_ca: Option<PathBuf>,
    /// Whether clients may come without a certificate all the same, with a key.
    #[serde(default)]
    pub client_optional: bool,
}

/// The admin listener.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Admin {
    /// Where it listens.
    #[schemars(with = "String")]
    pub listen: SocketAddr,
    /// The bearer token that everything but health and metrics needs. Without one, only loopback addresses
    /// are let in.
    #[schemars(with = "Option<String>")]
    pub token: Option<Secret>,
    /// Tokens with roles; `token` is an owner's.
    pub tokens: Vec<identity::AdminToken>,
}

impl Default for Admin {
    fn default() -> Self {
        Self { listen: (Ipv4Addr::LOCALHOST, 8081).into(), token: None, tokens: Vec::new() }
    }
}

/// Bounds on requests and connections.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Quotas {
    /// Bytes of a request's body.
    pub max_body_bytes: usize,
    /// Bytes of a request's headers.
    pub max_header_bytes: usize,
    /// Bytes of a provider's whole answer.
    pub max_answer_bytes: usize,
    /// Connections at the same time.
    pub max_connections: usize,
    /// Milliseconds for a client to send its headers.
    pub header_timeout_ms: u64,
    /// Milliseconds for a client to send its body.
    pub body_timeout_ms: u64,
    /// Milliseconds that a connection may be idle.
    pub idle_timeout_ms: u64,
    /// Milliseconds for a whole exchange.
    pub total_timeout_ms: u64,
    /// Milliseconds for open exchanges to finish when the gateway is told to stop.
    pub drain_ms: u64,
}

impl Default for Quotas {
    fn default() -> Self {
        Self {
            max_body_bytes: 20 * 1024 * 1024,
            max_header_bytes: 64 * 1024,
            max_answer_bytes: 64 * 1024 * 1024,
            max_connections: 50_000,
            header_timeout_ms: 10_000,
            body_timeout_ms: 60_000,
            idle_timeout_ms: 120_000,
            total_timeout_ms: 600_000,
            drain_ms: 30_000,
        }
    }
}

/// What is logged, on stderr.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    /// How a line looks.
    pub format: LogFormat,
    /// `error`, `warn`, `info`, `debug`, `trace`, or directives such as `info,lockgate::plugin=debug`.
    pub level: String,
}

impl Default for Log {
    fn default() -> Self {
        Self { format: LogFormat::Json, level: "info".into() }
    }
}

/// How a line of the log looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For people.
    Text,
}

/// The plugin engine.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Engine {
    /// Where compiled plugins are kept between runs; only its owner may be able to write there. The user's
    /// cache directory where none is named.
    pub cache_dir: Option<PathBuf>,
    /// Whether instances come from a pool of prepared memory, where the machine allows it.
    pub pooling: bool,
    /// Threads on which guards compute beside the exchange that they guard; one for every other core where nothing is
    /// said, and 0 for none.
    pub side_threads: Option<usize>,
}

impl Default for Engine {
    fn default() -> Self {
        Self { cache_dir: None, pooling: true, side_threads: None }
    }
}
