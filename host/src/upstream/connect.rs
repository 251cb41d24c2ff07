//! Opening one connection: resolve, connect (the address families raced), TLS, protocol.

use super::UpstreamSetupError;
use super::dial::Dial;
use super::error::UpstreamError;
use super::http1::Http1;
use super::payload::Sent;
use super::settings::{Http2, UpstreamSettings};
use super::tls;
use super::url::BaseUrl;
use http::Uri;
use hyper::client::conn::{http1, http2};
use hyper::service::Service;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use rustls_pki_types::ServerName;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;

/// Bytes of the head of an answer.
const MAX_HEAD: u32 = 64 * 1024;
/// Bytes a provider may send ahead on one HTTP/2 stream.
const STREAM_WINDOW: u32 = 1 << 20;
const CONNECTION_WINDOW: u32 = 8 << 20;
/// An HTTP/2 connection with requests is asked this often whether it lives, and has as long to say so.
const PING: Duration = Duration::from_secs(20);

/// An open connection, or the half of it that sends.
pub(super) enum Sender {
    Http1(Http1),
    Http2(http2::SendRequest<Sent>),
}

pub(super) struct Connector {
    target: Uri,
    tcp: TowerToHyperService<HttpConnector>,
    tls: Option<(TlsConnector, ServerName<'static>)>,
    /// Without TLS, whether HTTP/2 is known to be spoken.
    prior_knowledge: bool,
    /// Who opens connections instead; none where the network does.
    dial: Option<Arc<dyn Dial>>,
}

impl Connector {
    pub fn new(
        base: &BaseUrl,
        settings: &UpstreamSettings,
        http2: Http2,
    ) -> Result<Self, UpstreamSetupError> {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_keepalive(Some(Duration::from_secs(60)));
        let tls = if base.is_tls() {
            Some((
                TlsConnector::from(tls::client_config(settings, http2)?),
                base.server_name().map_err(UpstreamSetupError::Url)?,
            ))
        } else {
            None
        };
        let prior_knowledge = tls.is_none() && http2 == Http2::Always;
        Ok(Self {
            target: base.target().map_err(UpstreamSetupError::Url)?,
            tcp: TowerToHyperService::new(tcp),
            tls,
            prior_knowledge,
            dial: None,
        })
    }

    /// The same without a network: what this opens speaks HTTP/1.1 in the clear.
    pub fn over(self, dial: Arc<dyn Dial>) -> Self {
        Self { dial: Some(dial), tls: None, ..self }
    }

    /// Opens a connection. How long that may take is the caller's business.
    pub async fn connect(&self) -> Result<Sender, UpstreamError> {
        if let Some(dial) = &self.dial {
            return http1(dial.dial().await.map_err(UpstreamError::connect)?).await;
        }
        let stream = self.tcp.call(self.target.clone()).await.map_err(UpstreamError::connect)?.into_inner();
        match &self.tls {
            None if self.prior_knowledge => http2(stream).await,
            None => http1(stream).await,
            Some((tls, name)) => {
                let stream = tls.connect(name.clone(), stream).await.map_err(UpstreamError::tls)?;
                if stream.get_ref().1.alpn_protocol() == Some(b"h2") {
                    http2(stream).await
                } else {
                    http1(stream).await
                }
            }
        }
    }
}

async fn http1(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
) -> Result<Sender, UpstreamError> {
    let (sender, connection) = http1::Builder::new()
        .max_header_size(usize::try_from(MAX_HEAD).unwrap_or(usize::MAX))
        .handshake(TokioIo::new(stream))
        .await
        .map_err(UpstreamError::connect)?;
    Ok(Sender::Http1(Http1::new(sender, connection)))
}

async fn http2(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
) -> Result<Sender, UpstreamError> {
    let (sender, connection) = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .keep_alive_interval(PING)
        .keep_alive_timeout(PING)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_header_list_size(MAX_HEAD)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(UpstreamError::connect)?;
    // Its requests share it, so none of them can drive it. It ends when its sender and its answers are gone.
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "upstream connection ended");
        }
    });
    Ok(Sender::Http2(sender))
}
