//! Tests of plugins: the real component in the real engine, and behind a real gateway with a scripted provider.
//!
//! ```no_run
//! # async fn example() -> Result<(), lockgate_harness::HarnessError> {
//! use lockgate_harness::{Harness, Reply};
//! use serde_json::json;
//!
//! let shout = Harness::file("target/wasm32-wasip2/release/shout.wasm").config(json!({ "mark": "!" }));
//!
//! // One hook at a time, without a gateway:
//! let plugin = shout.plugin().await?;
//! let asked = plugin.on_request(json!({ "model": "m", "messages": [{ "role": "user", "content": "hi" }] })).await?;
//! println!("{:?} {}", asked.decision, asked.body);
//! plugin.assert_stream_equals_whole("some text of an answer").await;
//!
//! // The whole way, with a provider that answers what the test says:
//! let gateway = shout.gateway(|_: &lockgate_harness::Recorded| Reply::text("well, well")).await?;
//! let answer = gateway.ask(json!({ "model": "m", "messages": [{ "role": "user", "content": "hi" }] })).await?;
//! assert_eq!(answer.status, 200);
//! println!("the provider saw {:?}", gateway.provider_saw());
//! # Ok(())
//! # }
//! ```
//!
//! Nothing here is a mock: what passes here passes in `lockgate serve`.

mod gateway;
mod plugin;

pub use gateway::{CREDENTIAL, TestGateway};
pub use lockgate::config::Grants;
pub use lockgate::plugin::{Decision, Outcome};
pub use lockgate_client::Answer;
pub use lockgate_upstream::{Recorded, Reply, Script};
pub use plugin::{Requested, TestPlugin};

use serde_json::Value;
use std::path::{Path, PathBuf};

/// A plugin under test: a component, its configuration, its grants.
#[derive(Debug, Clone)]
pub struct Harness {
    component: PathBuf,
    config: Value,
    grants: Value,
}

/// A test cannot be set up, or a call failed.
#[derive(Debug, thiserror::Error)]
pub enum HarnessError {
    /// The component is no plugin, or refuses its configuration or grants.
    #[error("{0}")]
    Load(String),
    /// A call of the plugin failed.
    #[error("{0}")]
    Call(String),
    /// The machine does not play along.
    #[error("{0}")]
    Io(#[from] std::io::Error),
}

impl Harness {
    /// A component file.
    pub fn file(component: impl AsRef<Path>) -> Self {
        let empty = || Value::Object(serde_json::Map::new());
        Self { component: component.as_ref().to_owned(), config: empty(), grants: empty() }
    }

    /// With this configuration; `{}` without.
    #[must_use]
    pub fn config(mut self, config: Value) -> Self {
        self.config = config;
        self
    }

    /// With these grants, as a configuration file has them: `{"kv": ["bucket"]}`.
    #[must_use]
    pub fn grants(mut self, grants: Value) -> Self {
        self.grants = grants;
        self
    }

    /// The plugin alone, hook by hook.
    ///
    /// # Errors
    /// It cannot be loaded or configured.
    pub async fn plugin(&self) -> Result<TestPlugin, HarnessError> {
        TestPlugin::load(&self.component, self.config.clone(), self.grants.clone()).await
    }

    /// The plugin as the adapter of a provider, behind a gateway. `provider` answers in the provider's language,
    /// and each model that a client names is asked for there.
    ///
    /// # Errors
    /// It cannot be loaded, or the gateway cannot start.
    pub async fn adapter(
        &self,
        provider: impl lockgate_upstream::Handler,
    ) -> Result<TestGateway, HarnessError> {
        TestGateway::start(&self.component, gateway::Place::Adapter, provider).await
    }

    /// The plugin in the chain of a gateway, before a provider that answers what `provider` says.
    ///
    /// # Errors
    /// It cannot be loaded or configured, or the gateway cannot start.
    pub async fn gateway(
        &self,
        provider: impl lockgate_upstream::Handler,
    ) -> Result<TestGateway, HarnessError> {
        let place = gateway::Place::Chain { config: &self.config, grants: &self.grants };
        TestGateway::start(&self.component, place, provider).await
    }
}
