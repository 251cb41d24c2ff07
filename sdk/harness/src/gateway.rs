//! A real gateway in this process, with the plugin as its chain and a scripted provider behind it.

use crate::HarnessError;
use bytes::Bytes;
use http::{Request, header};
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::TokioIo;
use lockgate::app::{self, App, Source};
use lockgate::server::{Server, Settings};
use lockgate::shutdown::Drain;
use lockgate_upstream::{Handler, Recorded, Upstream};
use serde_json::{Value, json};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

/// A gateway; it stops when this is dropped.
pub struct TestGateway {
    upstream: Upstream,
    address: SocketAddr,
    drain: Drain,
    app: Arc<App>,
    _folder: TempDir,
}

/// What a client got.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers, `x-lockgate-*` among them.
    pub headers: http::HeaderMap,
    /// The body.
    pub body: String,
}

impl Answer {
    /// The body as JSON; null where it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }

    /// The text of the first choice, whole or put together from a stream.
    #[must_use]
    pub fn text(&self) -> String {
        if let Some(whole) = self.json().pointer("/choices/0/message/content").and_then(Value::as_str) {
            return whole.to_owned();
        }
        let chunks = self.body.lines().filter_map(|line| line.strip_prefix("data: "));
        let chunks = chunks.filter_map(|data| serde_json::from_str::<Value>(data).ok());
        chunks
            .filter_map(|chunk| {
                chunk.pointer("/choices/0/delta/content").and_then(Value::as_str).map(str::to_owned)
            })
            .collect()
    }
}

impl TestGateway {
    pub(crate) async fn start(
        component: &Path,
        config: &Value,
        grants: &Value,
        provider: impl Handler,
    ) -> Result<Self, HarnessError> {
        let upstream = Upstream::start(provider).await?;
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("lockgate.json");
        let configuration = json!({
            "watch": false,
            "engine": { "cache_dir": folder.path().join("cache"), "pooling": false },
            "providers": { "scripted": { "adapter": "builtin:openai", "base_url": upstream.base_url() } },
            "plugins": { "tested": { "source": std::path::absolute(component)? } },
            "chains": { "tested": [{
                "plugin": "tested", "config": config, "grants": grants, "streams": "on-demand",
                "limits": { "deadline_ms": 30_000, "wait_ms": 60_000 },
            }] },
            "routes": { "*": { "targets": ["scripted/*"], "chain": "tested" } },
            "tenants": { "test": { "routes": ["*"] } },
            "anonymous": "test",
        });
        std::fs::write(&file, configuration.to_string())?;
        let source = Source::File(file);
        let loaded = app::read(&source, &()).map_err(|faults| HarnessError::Load(faults.to_string()))?;
        let app = App::start(source, loaded, Arc::new(()))
            .await
            .map_err(|error| HarnessError::Load(error.to_string()))?;
        let server = Server::bind(&Settings::new((Ipv4Addr::LOCALHOST, 0).into()))
            .map_err(|error| HarnessError::Load(error.to_string()))?;
        let address = server.local_addr();
        let drain = Drain::new(Duration::ZERO);
        let serving = app.clone();
        let service = move |request, connection: lockgate::server::ConnectionInfo| {
            lockgate::api::handle(serving.gateway(), request, connection.peer.ip())
        };
        tokio::spawn(server.serve(service, drain.shutdown()));
        Ok(Self { upstream, address, drain, app, _folder: folder })
    }

    /// Where an OpenAI client connects.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// Sends a chat completions request and gives the answer.
    ///
    /// # Errors
    /// The gateway could not be reached.
    pub async fn ask(&self, body: Value) -> Result<Answer, HarnessError> {
        let failed = |error: &dyn std::fmt::Display| HarnessError::Http(error.to_string());
        let stream = tokio::net::TcpStream::connect(self.address).await?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|error| failed(&error))?;
        tokio::spawn(connection);
        let request = Request::post("/v1/chat/completions")
            .header(header::HOST, "lockgate.test")
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::new(Bytes::from(body.to_string())))
            .map_err(|error| failed(&error))?;
        let answer = sender.send_request(request).await.map_err(|error| failed(&error))?;
        let (head, body) = answer.into_parts();
        let body = body.collect().await.map_err(|error| failed(&error))?.to_bytes();
        Ok(Answer {
            status: head.status.as_u16(),
            headers: head.headers,
            body: String::from_utf8_lossy(&body).into_owned(),
        })
    }

    /// What the provider was sent so far.
    #[must_use]
    pub fn provider_saw(&self) -> Vec<Recorded> {
        self.upstream.requests()
    }

    /// The application, for tests that reload it.
    #[must_use]
    pub fn app(&self) -> &Arc<App> {
        &self.app
    }
}

impl Drop for TestGateway {
    fn drop(&mut self) {
        self.drain.start();
        self.drain.abort();
    }
}
