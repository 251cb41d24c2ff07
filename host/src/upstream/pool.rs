//! The open connections of one upstream.
//!
//! HTTP/1.1 connections are lent to one request at a time, the one used last first, so that the others
//! grow old and are closed. HTTP/2 connections are shared up to a number of requests each.
//!
//! Invariants: a connection comes back only after its answer was read to the end; one that is closed or was
//! idle too long is never lent; the lock is never held while anything waits.

use super::connect::{Connector, Sender};
use super::error::UpstreamError;
use super::http1::Http1;
use super::payload::Sent;
use super::settings::{Http2, PoolSettings};
use hyper::client::conn::http2;
use parking_lot::Mutex;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::time::Instant;

type Http2Sender = http2::SendRequest<Sent>;

pub(super) struct Pool {
    connector: Connector,
    open: Mutex<Open>,
    /// Held while an HTTP/2 connection is opened, so that those who come meanwhile share it.
    opening: tokio::sync::Mutex<()>,
    speaks_http2: AtomicBool,
    sweeping: AtomicBool,
    max_idle: usize,
    max_streams: usize,
    idle_timeout: Duration,
}

#[derive(Default)]
struct Open {
    idle: Vec<(Http1, Instant)>,
    shared: Vec<Shared>,
}

/// An HTTP/2 connection. Requests hold clones of `requests`.
struct Shared {
    sender: Http2Sender,
    requests: Arc<()>,
    used: Instant,
}

/// A connection that a request may use.
pub(super) struct Lease {
    pub sender: Leased,
    /// Whether it was used before: its peer may have closed it since.
    pub reused: bool,
}

pub(super) enum Leased {
    Http1(Http1),
    Http2 {
        sender: Http2Sender,
        /// Counts this request among those of the connection, for as long as it lives.
        _counted: Arc<()>,
    },
}

impl Pool {
    pub fn new(connector: Connector, settings: &PoolSettings) -> Self {
        Self {
            connector,
            open: Mutex::default(),
            opening: tokio::sync::Mutex::default(),
            speaks_http2: AtomicBool::new(settings.http2 == Http2::Always),
            sweeping: AtomicBool::new(false),
            max_idle: settings.max_idle_connections,
            max_streams: settings.max_http2_streams.max(1),
            idle_timeout: settings.idle_timeout(),
        }
    }

    /// A connection that is open, or a new one.
    pub async fn lease(self: &Arc<Self>) -> Result<Lease, UpstreamError> {
        if let Some(lease) = self.share() {
            return Ok(lease);
        }
        while let Some(mut connection) = self.pop() {
            // Its peer may have closed it, or answered without taking all of the request: that may never be ready.
            if connection.is_usable() {
                return Ok(Lease { sender: Leased::Http1(connection), reused: true });
            }
        }
        // Boxed: a handshake's state is large, and most requests need none.
        Box::pin(self.open()).await
    }

    /// A new connection; in HTTP/2 also one that was opened meanwhile.
    pub async fn open(self: &Arc<Self>) -> Result<Lease, UpstreamError> {
        let _opening = if self.speaks_http2.load(Relaxed) {
            let before = Instant::now();
            let opening = self.opening.lock().await;
            let opened = self.open.lock().shared.iter().any(|shared| shared.used >= before);
            if let Some(lease) = opened.then(|| self.share()).flatten() {
                return Ok(lease);
            }
            Some(opening)
        } else {
            None
        };
        self.sweep();
        match self.connector.connect().await? {
            Sender::Http1(connection) => {
                self.speaks_http2.store(false, Relaxed);
                Ok(Lease { sender: Leased::Http1(connection), reused: false })
            }
            Sender::Http2(sender) => {
                self.speaks_http2.store(true, Relaxed);
                let requests = Arc::new(());
                let shared =
                    Shared { sender: sender.clone(), requests: requests.clone(), used: Instant::now() };
                self.open.lock().shared.push(shared);
                Ok(Lease { sender: Leased::Http2 { sender, _counted: requests }, reused: false })
            }
        }
    }

    /// Takes a connection back after its answer was read to the end.
    pub fn give_back(&self, connection: Http1) {
        let mut open = self.open.lock();
        if open.idle.len() < self.max_idle {
            open.idle.push((connection, Instant::now()));
        }
    }

    fn pop(&self) -> Option<Http1> {
        let mut open = self.open.lock();
        let (connection, since) = open.idle.pop()?;
        if since.elapsed() >= self.idle_timeout {
            // Those below are older still.
            open.idle.clear();
            return None;
        }
        Some(connection)
    }

    fn share(&self) -> Option<Lease> {
        if !self.speaks_http2.load(Relaxed) {
            return None;
        }
        let mut open = self.open.lock();
        open.shared.retain(|shared| !shared.sender.is_closed());
        let now = Instant::now();
        let fit = |shared: &&mut Shared| Arc::strong_count(&shared.requests) <= self.max_streams;
        let shared = open.shared.iter_mut().find(fit)?;
        shared.used = now;
        let sender = Leased::Http2 { sender: shared.sender.clone(), _counted: shared.requests.clone() };
        Some(Lease { sender, reused: true })
    }

    /// Closes what was idle too long, also when no request comes that would notice.
    fn sweep(self: &Arc<Self>) {
        if self.sweeping.swap(true, Relaxed) {
            return;
        }
        let (pool, pause): (Weak<Self>, _) =
            (Arc::downgrade(self), self.idle_timeout.max(Duration::from_secs(1)));
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(pause).await;
                let Some(pool) = pool.upgrade() else { return };
                let keep = pool.idle_timeout;
                let mut open = pool.open.lock();
                open.idle.retain_mut(|(connection, since)| since.elapsed() < keep && connection.is_usable());
                open.shared.retain(|shared| {
                    let busy = Arc::strong_count(&shared.requests) > 1;
                    !shared.sender.is_closed() && (busy || shared.used.elapsed() < keep)
                });
            }
        });
    }

    #[cfg(test)]
    pub fn counts(&self) -> (usize, usize) {
        let open = self.open.lock();
        (open.idle.len(), open.shared.len())
    }
}
