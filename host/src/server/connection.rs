//! One connection: TLS handshake, protocol, its limits, and its part in the drain.
//!
//! Invariants: it ends when its client, its limits or the abort say so, and dropping it drops every request
//! it serves. Nothing of it outlives its task but HTTP/2 streams, which end with it.

use super::BoxError;
use super::guard;
use super::identity::ClientIdentity;
use super::request_body::{Leftover, RequestBody};
use super::settings::Settings;
use super::tls::TlsReloader;
use super::turns::{InTurns, Turns};
use super::watch::{Limits, Verdict, Watch, Watched};
use crate::shutdown::{Phase, Shutdown};
use bytes::{Bytes, BytesMut};
use http::{Request, Response};
use http_body::Body;
use hyper::rt::{Read, Write};
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulConnection;
use std::fmt::Display;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_rustls::TlsAcceptor;

/// What a client that knows to speak HTTP/2 sends first. Source: RFC 9113, section 3.4.
const HTTP2_PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Bytes a client may send ahead on one HTTP/2 stream: a long prompt without a round trip.
const STREAM_WINDOW: u32 = 1 << 20;
const CONNECTION_WINDOW: u32 = 4 << 20;

/// What is known of the connection that a request came by.
#[derive(Debug, Clone)]
pub struct ConnectionInfo {
    /// The other end's address.
    pub peer: SocketAddr,
    /// Whether it is encrypted.
    pub tls: bool,
    /// Who the client proved to be, where the listener asks for certificates.
    pub client_identity: Option<ClientIdentity>,
}

/// What every connection of a listener shares.
pub(super) struct Listening {
    http1: http1::Builder,
    http2: http2::Builder<InTurns>,
    tls: Option<TlsReloader>,
    offers_http2: bool,
    limits: Limits,
}

impl Listening {
    pub fn new(settings: &Settings, tls: Option<TlsReloader>) -> Self {
        let mut http1 = http1::Builder::new();
        // Limits in time are `Watch`'s.
        http1
            .header_read_timeout(None)
            .max_header_size(usize::try_from(settings.max_header_bytes).unwrap_or(usize::MAX));
        let mut http2 = http2::Builder::new(InTurns);
        http2
            .timer(TokioTimer::new())
            .keep_alive_interval(settings.write_timeout())
            .keep_alive_timeout(settings.write_timeout())
            .max_concurrent_streams(settings.max_http2_streams)
            .max_header_list_size(settings.max_header_bytes)
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW);
        Self {
            http1,
            http2,
            tls,
            offers_http2: settings.http2,
            limits: Limits {
                header: settings.header_timeout(),
                idle: settings.idle_timeout(),
                write: settings.write_timeout(),
            },
        }
    }

    /// Serves a connection until it ends.
    pub async fn serve<S, F, B>(
        self: Arc<Self>,
        stream: TcpStream,
        peer: SocketAddr,
        service: S,
        shutdown: Shutdown,
    ) where
        S: Fn(Request<RequestBody>, ConnectionInfo) -> F + Clone + Send + 'static,
        F: Future<Output = Response<B>> + Send + 'static,
        B: Body<Data = Bytes> + Unpin + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let mut greeting = shutdown.clone();
        let greeted = tokio::select! {
            // Boxed, so that a connection does not carry the room for its handshake as long as it lives.
            greeted = timeout(self.limits.header, Box::pin(self.greet(stream, peer))) => greeted,
            _ = greeting.draining() => return,
        };
        match greeted {
            Ok(Ok(Greeted::Plain { stream, read, info, http2 })) => {
                self.speak(stream, read, http2, info, service, shutdown).await;
            }
            Ok(Ok(Greeted::Tls { stream, info, http2 })) => {
                self.speak(stream, Bytes::new(), http2, info, service, shutdown).await;
            }
            Ok(Err(error)) => tracing::debug!(%peer, %error, "no connection came about"),
            Err(_) => tracing::debug!(%peer, "the beginning of a connection took too long"),
        }
    }

    /// Shakes hands, and finds out what the client speaks.
    async fn greet(&self, mut stream: TcpStream, peer: SocketAddr) -> io::Result<Greeted> {
        let mut info = ConnectionInfo { peer, tls: false, client_identity: None };
        let Some(tls) = &self.tls else {
            if !self.offers_http2 {
                return Ok(Greeted::Plain { stream, read: Bytes::new(), info, http2: false });
            }
            let (read, http2) = read_preface(&mut stream).await?;
            return Ok(Greeted::Plain { stream, read, info, http2 });
        };
        let stream = Box::new(TlsAcceptor::from(tls.current()).accept(stream).await?);
        let session = stream.get_ref().1;
        info.tls = true;
        info.client_identity =
            session.peer_certificates().and_then(|chain| chain.first()).map(ClientIdentity::of);
        let http2 = session.alpn_protocol() == Some(b"h2");
        Ok(Greeted::Tls { stream, info, http2 })
    }

    async fn speak<T, S, F, B>(
        &self,
        stream: T,
        read: Bytes,
        http2: bool,
        info: ConnectionInfo,
        service: S,
        shutdown: Shutdown,
    ) where
        TokioIo<T>: Read + Write,
        T: Unpin + Send + 'static,
        S: Fn(Request<RequestBody>, ConnectionInfo) -> F + Clone + Send + 'static,
        F: Future<Output = Response<B>> + Send + 'static,
        B: Body<Data = Bytes> + Unpin + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let (watch, peer) = (Watch::new(self.limits, http2), info.peer);
        let noting = watch.clone();
        // A stream of HTTP/2 ends without its connection.
        let leftover = (!http2).then(Leftover::default);
        let service = service_fn(move |request| {
            guard::serve(service.clone(), request, info.clone(), noting.clone(), leftover.clone())
        });
        let io = Watched::new(TokioIo::new(stream), read, watch.clone());
        if http2 {
            drive(Box::pin(self.http2.serve_connection(io, service)), peer, &watch, shutdown).await;
        } else {
            drive(Box::pin(self.http1.serve_connection(io, service)), peer, &watch, shutdown).await;
        }
    }
}

/// A connection whose protocol is known.
enum Greeted {
    Plain { stream: TcpStream, read: Bytes, info: ConnectionInfo, http2: bool },
    Tls { stream: Box<tokio_rustls::server::TlsStream<TcpStream>>, info: ConnectionInfo, http2: bool },
}

/// Reads as long as it may be HTTP/2: what was read, and whether it was.
async fn read_preface(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<(Bytes, bool)> {
    let mut read = BytesMut::with_capacity(HTTP2_PREFACE.len());
    loop {
        let left = HTTP2_PREFACE.len() - read.len();
        if stream.take(left as u64).read_buf(&mut read).await? == 0 {
            // The client is gone; HTTP/1 knows what to make of what it left.
            return Ok((read.freeze(), false));
        }
        if !HTTP2_PREFACE.starts_with(&read) {
            return Ok((read.freeze(), false));
        }
        if read.len() == HTTP2_PREFACE.len() {
            return Ok((read.freeze(), true));
        }
    }
}

/// The connection comes boxed: moved through futures it would take its room several times over, and every
/// connection would take that of the largest kind.
async fn drive<C>(mut connection: Pin<Box<C>>, peer: SocketAddr, watch: &Watch, mut shutdown: Shutdown)
where
    C: GracefulConnection,
    C::Error: Display,
{
    let mut timer = pin!(sleep_until(Instant::now()));
    let (mut phase, mut closing) = (Phase::Running, false);
    let mut turns = Turns::new();
    loop {
        tokio::select! {
            biased;
            ended = poll_fn(|cx| turns.poll(connection.as_mut(), cx)) => {
                if let Err(error) = ended {
                    tracing::debug!(%peer, %error, "connection ended");
                }
                return;
            }
            now = shutdown.past(phase) => {
                if now == Phase::Aborting {
                    return;
                }
                phase = now;
                closing = true;
                connection.as_mut().graceful_shutdown();
            }
            () = timer.as_mut() => match watch.verdict() {
                Verdict::LookAt(when) => timer.as_mut().reset(when),
                // An idle connection says good-bye, and gets a header's time to hear it back.
                Verdict::Idle if !closing => {
                    closing = true;
                    connection.as_mut().graceful_shutdown();
                    timer.as_mut().reset(Instant::now() + watch.limits().header);
                }
                verdict => {
                    tracing::debug!(%peer, ?verdict, "connection dropped");
                    return;
                }
            },
        }
    }
}
