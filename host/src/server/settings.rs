//! What an operator may set about a listener. Plain data; nothing here is read from disk.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// A listener.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Where to listen: an address and a port; port 0 lets the system choose.
    #[schemars(with = "String")]
    pub listen: SocketAddr,
    /// TLS from files. Without it the listener speaks plain HTTP.
    #[serde(default)]
    pub tls: Option<TlsFiles>,
    /// Whether HTTP/2 is offered: by ALPN with TLS, by prior knowledge without.
    #[serde(default = "yes")]
    pub http2: bool,
    /// Open connections at most; further ones wait in the system's queue.
    #[serde(default = "default_max_connections")]
    pub max_connections: u32,
    /// Requests at once on one HTTP/2 connection.
    #[serde(default = "default_max_streams")]
    pub max_http2_streams: u32,
    /// Bytes of a request's header section; more is answered with 431.
    #[serde(default = "default_max_header_bytes")]
    pub max_header_bytes: u32,
    /// Bytes of a request's body; more is answered with 413.
    #[serde(default = "default_max_body_bytes")]
    pub max_body_bytes: usize,
    /// Milliseconds for the TLS handshake, and again for each request's header section.
    #[serde(default = "default_header_timeout_ms")]
    pub header_timeout_ms: u64,
    /// Milliseconds for a request's body.
    #[serde(default = "default_body_timeout_ms")]
    pub body_timeout_ms: u64,
    /// Milliseconds that a connection may stay open between requests.
    #[serde(default = "default_idle_timeout_ms")]
    pub idle_timeout_ms: u64,
    /// Milliseconds that a client may leave an answer unread.
    #[serde(default = "default_write_timeout_ms")]
    pub write_timeout_ms: u64,
}

/// Certificate and key, as PEM files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TlsFiles {
    /// The certificate chain, the server's own first.
    pub cert: PathBuf,
    /// The private key.
    pub key: PathBuf,
    /// Authorities whose certificates clients must show; without it clients show none.
    #[serde(default)]
    pub client_ca: Option<PathBuf>,
    /// Whether a client may show none all the same. One that is shown must be theirs.
    #[serde(default)]
    pub client_optional: bool,
}

impl Settings {
    /// A plain listener with the defaults.
    #[must_use]
    pub fn new(listen: SocketAddr) -> Self {
        Self {
            listen,
            tls: None,
            http2: true,
            max_connections: default_max_connections(),
            max_http2_streams: default_max_streams(),
            max_header_bytes: default_max_header_bytes(),
            max_body_bytes: default_max_body_bytes(),
            header_timeout_ms: default_header_timeout_ms(),
            body_timeout_ms: default_body_timeout_ms(),
            idle_timeout_ms: default_idle_timeout_ms(),
            write_timeout_ms: default_write_timeout_ms(),
        }
    }

    /// Time for the TLS handshake, and for each header section.
    #[must_use]
    pub fn header_timeout(&self) -> Duration {
        Duration::from_millis(self.header_timeout_ms)
    }

    /// Time for a request's body.
    #[must_use]
    pub fn body_timeout(&self) -> Duration {
        Duration::from_millis(self.body_timeout_ms)
    }

    /// Time between requests.
    #[must_use]
    pub fn idle_timeout(&self) -> Duration {
        Duration::from_millis(self.idle_timeout_ms)
    }

    /// Time that an answer may stay unread.
    #[must_use]
    pub fn write_timeout(&self) -> Duration {
        Duration::from_millis(self.write_timeout_ms)
    }
}

const fn yes() -> bool {
    true
}
const fn default_max_connections() -> u32 {
    16_384
}
const fn default_max_streams() -> u32 {
    256
}
const fn default_max_header_bytes() -> u32 {
    32 * 1024
}
const fn default_max_body_bytes() -> usize {
    32 * 1024 * 1024
}
const fn default_header_timeout_ms() -> u64 {
    10_000
}
const fn default_body_timeout_ms() -> u64 {
    60_000
}
const fn default_idle_timeout_ms() -> u64 {
    75_000
}
const fn default_write_timeout_ms() -> u64 {
    60_000
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn an_address_is_all_it_takes() {
        let settings: Settings = serde_json::from_str(r#"{"listen":"127.0.0.1:8080"}"#).unwrap();
        assert_eq!(settings, Settings::new("127.0.0.1:8080".parse().unwrap()));
    }

    #[test]
    fn what_is_misspelt_is_refused() {
        let error = serde_json::from_str::<Settings>(r#"{"listen":"[::]:1","idle_timeout":3}"#).unwrap_err();
        assert!(error.to_string().contains("unknown field `idle_timeout`"), "{error}");
    }
}
