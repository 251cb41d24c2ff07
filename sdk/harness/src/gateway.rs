//! A real gateway in this process, with the plugin as its chain and a scripted provider behind it.

use crate::HarnessError;
use lockgate::app::{self, App, Source};
use lockgate::server::{Server, Settings};
use lockgate::shutdown::Drain;
use lockgate_client::{Answer, Client};
use lockgate_upstream::{Handler, Recorded, Upstream};
use serde_json::{Value, json};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

/// The credential that an adapter's placeholder becomes.
pub const CREDENTIAL: &str = "credential-of-the-harness";

/// Where the plugin under test is put.
pub(crate) enum Place<'a> {
    /// In the chain, with a configuration and grants.
    Chain { config: &'a Value, grants: &'a Value },
    /// Before the provider.
    Adapter,
}

/// A gateway; it stops when this is dropped.
pub struct TestGateway {
    upstream: Upstream,
    address: SocketAddr,
    drain: Drain,
    app: Arc<App>,
    _folder: TempDir,
}

impl TestGateway {
    pub(crate) async fn start(
        component: &Path,
        place: Place<'_>,
        provider: impl Handler,
    ) -> Result<Self, HarnessError> {
        let upstream = Upstream::start(provider).await?;
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("lockgate.json");
        let (provider, chain) = match place {
            Place::Chain { config, grants } => (
                json!({ "adapter": "builtin:openai", "base_url": upstream.base_url() }),
                json!([{
                    "plugin": "tested", "config": config, "grants": grants, "streams": "on-demand",
                    "limits": { "deadline_ms": 30_000, "wait_ms": 60_000 },
                }]),
            ),
            Place::Adapter => (
                json!({ "adapter": "tested", "base_url": upstream.origin(), "credential": CREDENTIAL }),
                json!([]),
            ),
        };
        let configuration = json!({
            "watch": false,
            "engine": { "cache_dir": folder.path().join("cache"), "pooling": false },
            "providers": { "scripted": provider },
            "plugins": { "tested": { "source": std::path::absolute(component)? } },
            "chains": { "tested": chain },
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
        Ok(Client::new(self.address).chat(&body).await?)
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
