//! The component under evaluation: chosen from a configuration or taken as shipped, and called hook by hook.
//!
//! Calls are timed as the gateway would wait for them, from borrowing an instance to giving it back. The time that a call
//! may take is lifted, so that a busy machine changes latencies and no other figure.

use super::{EvalError, Kind};
use crate::app::{self, Lone, Source};
use crate::chat::{Operation, Prompt, TextAt, TextPart, channel};
use crate::config::{self, Binding, Loaded, OnError};
use crate::exchange::Exchange;
use crate::pipeline::chain::Chain;
use crate::pipeline::gate::Gate;
use crate::pipeline::stream::Stop;
use crate::plugin::{CallError, Candidates, Decision, Outcome, Ranked};
use serde_json::{Map, Value, json};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Whose calls they are.
pub const TENANT: &str = "eval";
/// Milliseconds that a call may compute, and take in all.
const DEADLINE_MS: u64 = 60_000;
/// Bounds of what the cache holds without a configuration: more than any distractors.
const ENTRIES: usize = 2_000_000;
const ENTRY_BYTES: usize = 4 << 30;
/// Time that an exchange may take.
const EXCHANGE: Duration = Duration::from_secs(3_600);

/// Which component is evaluated, and how it is configured.
#[derive(Debug, Clone, Default)]
pub struct Subject {
    /// A configuration file; without one the shipped component with its defaults.
    pub config: Option<PathBuf>,
    /// The chain that uses it, or the route whose router it is; the first that does where none is named.
    pub chain: Option<String>,
    /// The component's own configuration, instead of the one in the file.
    pub plugin_config: Option<Value>,
}

/// The component.
pub struct Component {
    lone: Lone,
    chain: Chain,
    label: String,
    collections: Vec<String>,
    configured: Value,
    calls: Vec<Duration>,
    exchanges: u64,
}

impl Component {
    /// Chooses, adjusts and loads it. `adjust` changes the configuration of a shipped component where its decision
    /// could not be seen otherwise.
    ///
    /// # Errors
    /// There is none, or it cannot be loaded.
    pub async fn load(
        kind: Kind,
        subject: &Subject,
        adjust: impl FnOnce(&mut Map<String, Value>),
    ) -> Result<Self, EvalError> {
        let loaded = match &subject.config {
            Some(file) => app::read(&Source::File(file.clone()), &())?,
            None => shipped(kind, subject)?,
        };
        let (at, mut binding) = choose(&loaded, kind, subject.chain.as_deref())?;
        if let Some(config) = &subject.plugin_config {
            binding.config = config.clone();
        }
        if binding.config.is_null() {
            binding.config = Value::Object(Map::new());
        }
        let configured = binding.config.clone();
        if let (true, Value::Object(config)) = (is_shipped(&loaded, &binding, kind), &mut binding.config) {
            adjust(config);
        }
        // A failure must be seen, not passed over.
        binding.on_error = OnError::Reject;
        binding.limits.deadline_ms = DEADLINE_MS;
        binding.limits.wait_ms = DEADLINE_MS;
        let label = label(&loaded, &binding);
        let collections = binding.grants.vectors.clone();
        let lone = app::lone(&loaded, TENANT, &at, &binding).await?;
        let chain = Chain::new(vec![lone.gate.clone()]);
        Ok(Self { lone, chain, label, collections, configured, calls: Vec::new(), exchanges: 0 })
    }

    /// Its name and version.
    #[must_use]
    pub fn label(&self) -> &str {
        &self.label
    }

    /// Its configuration as the operator wrote it.
    #[must_use]
    pub const fn configured(&self) -> &Value {
        &self.configured
    }

    /// How long each timed call took.
    #[must_use]
    pub fn calls(&self) -> &[Duration] {
        &self.calls
    }

    /// Begins an exchange with a chat completions body.
    pub fn exchange(&mut self, body: Value) -> Arc<Exchange> {
        self.exchanges += 1;
        let body = match body {
            Value::Object(body) => body,
            _ => Map::new(),
        };
        let prompt = Prompt::new(Operation::Chat, body, Vec::new());
        let id = format!("eval-{}", self.exchanges);
        Arc::new(Exchange::new(id, TENANT.into(), prompt, Instant::now() + EXCHANGE))
    }

    /// Calls `pre-request`, timed.
    ///
    /// # Errors
    /// The call failed.
    pub async fn ask(&mut self, x: &Arc<Exchange>) -> Result<Decision, CallError> {
        let start = Instant::now();
        let decision = self.gate().binding.on_request(x).await;
        self.calls.push(start.elapsed());
        decision
    }

    /// Calls `pre-request`, untimed, as the beginning of a case that is about something else.
    ///
    /// # Errors
    /// The call failed.
    pub async fn begin(&self, x: &Arc<Exchange>) -> Result<Decision, CallError> {
        self.gate().binding.on_request(x).await
    }

    /// Calls `post-response` with a complete answer, timed.
    ///
    /// # Errors
    /// The call failed.
    pub async fn judge(
        &mut self,
        x: &Arc<Exchange>,
        text: &str,
        summary: &[(String, String)],
    ) -> Result<Outcome, CallError> {
        let part = TextPart { at: content(), role: "assistant".into(), text: text.to_owned() };
        let start = Instant::now();
        let outcome = self.gate().binding.on_response(x, &[part], summary).await;
        self.calls.push(start.elapsed());
        outcome
    }

    /// Calls `text-filter` with a complete text, timed. None: the filter stopped it.
    ///
    /// # Errors
    /// The call failed.
    pub async fn filter(&mut self, x: &Arc<Exchange>, text: &str) -> Result<Option<String>, CallError> {
        let start = Instant::now();
        let filtered = self.restore(x, text).await;
        self.calls.push(start.elapsed());
        filtered
    }

    /// Calls `text-filter` with a complete text, untimed. None: the filter stopped it.
    ///
    /// # Errors
    /// The call failed.
    pub async fn restore(&self, x: &Arc<Exchange>, text: &str) -> Result<Option<String>, CallError> {
        match self.chain.guard(x).whole(&content(), text).await {
            Ok(text) => Ok(Some(text)),
            Err(Stop::Rejected { .. } | Stop::HeldTooMuch { .. }) => Ok(None),
            Err(Stop::Failed { failure, .. }) => Err(failure),
        }
    }

    /// Calls `routing`, timed.
    ///
    /// # Errors
    /// The call failed.
    pub async fn rank(
        &mut self,
        x: &Arc<Exchange>,
        targets: Arc<dyn Candidates>,
    ) -> Result<Ranked, CallError> {
        let start = Instant::now();
        let ranked = self.gate().binding.rank(x, targets).await;
        self.calls.push(start.elapsed());
        ranked
    }

    /// The host's stores and services.
    #[must_use]
    pub const fn shared(&self) -> &Arc<app::Shared> {
        &self.lone.shared
    }

    /// The collections of vectors that it may use.
    #[must_use]
    pub fn collections(&self) -> &[String] {
        &self.collections
    }

    const fn gate(&self) -> &Gate {
        &self.lone.gate
    }
}

/// A flag of an exchange that is a number.
pub fn number(flags: &[(String, String)], name: &str) -> Option<f64> {
    flags.iter().find(|(key, _)| key == name).and_then(|(_, value)| value.parse().ok())
}

fn content() -> TextAt {
    TextAt::new(0, 0, channel::CONTENT)
}

/// A configuration of nothing but the shipped component.
fn shipped(kind: Kind, subject: &Subject) -> Result<Loaded, EvalError> {
    if let Some(chain) = &subject.chain {
        return Err(EvalError::Usage(format!("there is no chain `{chain}` without --config")));
    }
    let mut binding = json!({ "plugin": format!("builtin:{}", kind.plugin()) });
    if let (Some(binding), Some(config)) = (binding.as_object_mut(), &subject.plugin_config) {
        binding.insert("config".into(), config.clone());
    }
    if let (Some(binding), Kind::Cache) = (binding.as_object_mut(), kind) {
        let collection = subject.plugin_config.as_ref().and_then(|config| config.get("collection")?.as_str());
        let collection = collection.unwrap_or("semantic-cache");
        binding.insert("grants".into(), json!({ "responses": true, "vectors": [collection] }));
    }
    let text = json!({ "chains": { "eval": [binding] }, "cache": { "max_entries": ENTRIES, "max_bytes": ENTRY_BYTES } });
    let text = text.to_string();
    let loaded = config::parse("command line", &text, &())?;
    let mut faults = config::Faults::new("command line");
    app::check_schemas(&loaded, &mut faults);
    Ok(faults.or(loaded)?)
}

/// The use of the component and its place in the configuration.
fn choose(loaded: &Loaded, kind: Kind, name: Option<&str>) -> Result<(String, Binding), EvalError> {
    let all = uses(loaded, kind, name);
    let own = all.iter().find(|(_, binding)| is_shipped(loaded, binding, kind));
    // A chain of one is chosen by its name alone: it may use a plugin of the operator's own.
    let lone = all.first().filter(|_| name.is_some() && all.len() == 1);
    own.or(lone).cloned().ok_or_else(|| {
        let place = name.map_or_else(|| "the configuration".into(), |name| format!("`{name}`"));
        let plugin = kind.plugin();
        EvalError::Usage(format!(
            "{place} does not use builtin:{plugin}; to evaluate a plugin of your own, name a chain of it alone"
        ))
    })
}

fn uses(loaded: &Loaded, kind: Kind, name: Option<&str>) -> Vec<(String, Binding)> {
    let config = &loaded.config;
    let routers = config.routes.iter().filter(|_| kind == Kind::Routing).filter_map(|(route, settings)| {
        Some((route, format!("/routes/{}/router", token(route)), settings.router.clone()?))
    });
    let chains = config.chains.iter().flat_map(|(chain, bindings)| {
        let at = move |n: usize| format!("/chains/{}/{n}", token(chain));
        bindings.iter().enumerate().map(move |(n, binding)| (chain, at(n), binding.clone()))
    });
    let named = routers.chain(chains).filter(|(place, _, _)| name.is_none_or(|name| name == *place));
    named.map(|(_, at, binding)| (at, binding)).collect()
}

fn token(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

fn source<'a>(loaded: &'a Loaded, binding: &'a Binding) -> &'a str {
    let configured = loaded.config.plugins.get(&binding.plugin);
    configured.map_or(binding.plugin.as_str(), |plugin| plugin.source.as_str())
}

fn is_shipped(loaded: &Loaded, binding: &Binding, kind: Kind) -> bool {
    let builtin = source(loaded, binding).strip_prefix("builtin:");
    builtin.and_then(|name| name.split('@').next()) == Some(kind.plugin())
}

fn label(loaded: &Loaded, binding: &Binding) -> String {
    let source = source(loaded, binding);
    let builtin = source.strip_prefix("builtin:").and_then(|name| name.split('@').next());
    match builtin.and_then(|name| lockgate_bundle::find(name, None)) {
        Some(builtin) => format!("{}@{}", builtin.name, builtin.version),
        None => source.to_owned(),
    }
}
