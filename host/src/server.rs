//! The front door: accepts connections, speaks TLS, HTTP/1.1 and HTTP/2, and hands requests to a service.
//!
//! One [`Server`] is one listener; a process may run several beside one another. What a client may cost is
//! bounded here: connections, header size, the time to send a header, the time to be idle, the time to leave
//! an answer unread. Malformed HTTP is answered by the protocol layer (400, 414, 431, or GOAWAY).
//!
//! Invariants: a panic of the service ends one request with 500, never the process; when a client goes away,
//! the service's future (or the body it gave) is dropped. Of a body it reads only what the service left unread, so that
//! its connection can go on ([`RequestBody`]); see [`body`] for the rest.

mod accept;
pub mod body;
mod connection;
mod guard;
mod identity;
mod request_body;
mod settings;
#[cfg(test)]
pub(crate) mod tests;
mod tls;
mod turns;
mod watch;

pub use accept::{OpenConnections, Server, ServerError};
pub use connection::ConnectionInfo;
pub use identity::{CertificateNames, ClientIdentity};
pub use request_body::RequestBody;
pub use settings::{Settings, TlsFiles};
pub use tls::{TlsError, TlsReloader};

/// Any error.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;
