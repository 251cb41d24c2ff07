//! A listener: binds, accepts, and at the end waits for what is open.
//!
//! Invariants: no more connections are open than allowed (the next one waits unaccepted); a failing `accept`
//! is tried again, with a pause when the system is out of something; draining closes the listener first.

use super::BoxError;
use super::connection::{ConnectionInfo, Listening};
use super::request_body::RequestBody;
use super::settings::Settings;
use super::tls::{TlsError, TlsReloader};
use crate::shutdown::Shutdown;
use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;

/// Pause after an `accept` that failed for want of files or memory.
const OUT_OF_RESOURCES_PAUSE: Duration = Duration::from_millis(100);

/// A listener that is bound.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    listening: Arc<Listening>,
    tls: Option<TlsReloader>,
    slots: Arc<Semaphore>,
    connections: TaskTracker,
}

/// Why a listener cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The address is taken, not ours, or not allowed.
    #[error("cannot listen on {address}")]
    Listen {
        /// Which address.
        address: SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// TLS cannot be set up.
    #[error("TLS of {address} is not usable")]
    Tls {
        /// Which address.
        address: SocketAddr,
        /// Why.
        #[source]
        source: TlsError,
    },
    /// A setting makes no sense.
    #[error("`{0}` must not be 0")]
    Zero(&'static str),
}

/// How many connections a listener has open.
#[derive(Debug, Clone)]
pub struct OpenConnections(TaskTracker);

impl OpenConnections {
    /// The number now.
    #[must_use]
    pub fn get(&self) -> usize {
        self.0.len()
    }
}

impl Server {
    /// Binds a listener. Must run within a Tokio runtime.
    ///
    /// # Errors
    /// As [`ServerError`] says.
    pub fn bind(settings: &Settings) -> Result<Self, ServerError> {
        let address = settings.listen;
        for (name, value) in [
            ("max_connections", settings.max_connections.into()),
            ("max_http2_streams", settings.max_http2_streams.into()),
            ("max_header_bytes", settings.max_header_bytes.into()),
            ("header_timeout_ms", settings.header_timeout_ms),
            ("idle_timeout_ms", settings.idle_timeout_ms),
            ("write_timeout_ms", settings.write_timeout_ms),
        ] {
            if value == 0 {
                return Err(ServerError::Zero(name));
            }
        }
        let tls = match &settings.tls {
            Some(files) => {
                let tls = TlsReloader::load(files, settings.http2);
                Some(tls.map_err(|source| ServerError::Tls { address, source })?)
            }
            None => None,
        };
        let failed = |source| ServerError::Listen { address, source };
        let listener = std::net::TcpListener::bind(address).map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        let listener = TcpListener::from_std(listener).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let slots =
            usize::try_from(settings.max_connections).unwrap_or(usize::MAX).min(Semaphore::MAX_PERMITS);
        Ok(Self {
            listener,
            address,
            listening: Arc::new(Listening::new(settings, tls.clone())),
            tls,
            slots: Arc::new(Semaphore::new(slots)),
            connections: TaskTracker::new(),
        })
    }

    /// Where it listens, with the port that the system chose.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// The number of open connections, for metrics.
    #[must_use]
    pub fn open_connections(&self) -> OpenConnections {
        OpenConnections(self.connections.clone())
    }

    /// Reads certificate, key and authorities again on demand; none without TLS.
    #[must_use]
    pub fn tls_reloader(&self) -> Option<TlsReloader> {
        self.tls.clone()
    }

    /// Serves until the drain is over: every connection has ended, or was dropped by the abort.
    pub async fn serve<S, F, B>(self, service: S, mut shutdown: Shutdown)
    where
        S: Fn(Request<RequestBody>, ConnectionInfo) -> F + Clone + Send + 'static,
        F: Future<Output = Response<B>> + Send + 'static,
        B: Body<Data = Bytes> + Unpin + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let Self { listener, listening, slots, connections, .. } = self;
        let (tracker, handles) = (connections.clone(), shutdown.clone());
        let accepting = async move {
            while let Ok(slot) = slots.clone().acquire_owned().await {
                let (stream, peer) = accept(&listener).await;
                let served = listening.clone().serve(stream, peer, service.clone(), handles.clone());
                tracker.spawn(async move {
                    served.await;
                    drop(slot);
                });
            }
        };
        // Whichever ends it, `accepting` is dropped here, and the listener with it.
        tokio::select! {
            biased;
            () = shutdown.draining() => {}
            () = accepting => {}
        }
        connections.close();
        connections.wait().await;
    }
}

async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(%peer, %error, "cannot set TCP_NODELAY");
                }
                return (stream, peer);
            }
            // The connection went away before it was accepted.
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::ConnectionAborted
                        | io::ErrorKind::ConnectionReset
                        | io::ErrorKind::Interrupted
                ) => {}
            Err(error) => {
                tracing::error!(%error, "cannot accept connections");
                tokio::time::sleep(OUT_OF_RESOURCES_PAUSE).await;
            }
        }
    }
}
