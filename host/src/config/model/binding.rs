//! Plugins and their bindings, as they stand in the file.

use crate::secret::Secret;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// Where a plugin comes from.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PluginSource {
    /// `builtin:NAME`, `builtin:NAME@VERSION`, or the path of a component file, relative to this file.
    pub source: String,
    /// `sha256:` and the hexadecimal digest that the component must have.
    #[schemars(regex(pattern = r"^sha256:[0-9a-f]{64}$"))]
    pub digest: Option<String>,
}

/// One use of a plugin.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Binding {
    /// The plugin's name under `plugins`, or `builtin:NAME`.
    pub plugin: String,
    /// Which of its hooks run; all where nothing is said.
    pub hooks: Option<Vec<String>>,
    /// Its name in logs and metrics; the plugin's where none is given.
    pub name: Option<String>,
    /// The plugin's own configuration.
    #[serde(default)]
    #[schemars(with = "Option<BTreeMap<String, Value>>")]
    pub config: Value,
    /// What its failure means. A binding that rejects is a guard: its coverage of every route is checked.
    #[serde(default)]
    pub on_error: OnError,
    /// How its calls are kept apart. Plugins that ship with Lockgate are reused within a tenant, others fresh.
    pub isolation: Option<Isolation>,
    /// What it may use.
    #[serde(default)]
    pub grants: Grants,
    /// Its bounds.
    #[serde(default)]
    pub limits: Limits,
    /// How much it may hold back of a streamed text.
    #[serde(default)]
    pub hold: Hold,
    /// How it judges streamed answers; must be chosen for a guard that judges complete answers.
    pub streams: Option<Streams>,
    /// The exceptions to its coverage: `image`, `audio`, `file`, `tokens`, `other`, `streams`.
    #[serde(default)]
    pub uncovered: Vec<String>,
}

/// What a plugin's failure means.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OnError {
    /// The exchange is refused.
    #[default]
    Reject,
    /// The exchange goes on as if the plugin were not there.
    Skip,
}

/// How calls are kept apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Isolation {
    /// A new instance for each call.
    Fresh,
    /// Warm instances, never shared between tenants.
    Reuse,
}

/// How streamed answers are judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Streams {
    /// Each is gathered, judged, then streamed.
    Gather,
    /// Gathered when the plugin asks for it, observed otherwise.
    OnDemand,
    /// Judged after the client has it: flags only.
    Observe,
}

/// What a binding may use. Denied unless granted.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Grants {
    /// Buckets of the key-value service.
    pub kv: Vec<String>,
    /// Kept answers.
    pub responses: bool,
    /// Collections of vectors.
    pub vectors: Vec<String>,
    /// Named HTTP destinations. Empty braces grant the interface and no destination.
    pub http: Option<BTreeMap<String, Destination>>,
    /// Facts of the exchange beyond the usual ones: `principal.key`, `client.ip`.
    pub attributes: Vec<String>,
    /// Request headers beyond `x-lockgate-*`.
    pub headers: Vec<String>,
}

/// A granted destination.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Destination {
    /// Its base URL.
    pub url: String,
    /// Its credential, which the plugin never sees.
    #[schemars(with = "Option<String>")]
    pub credential: Option<Secret>,
    /// The header that carries the credential; `authorization: Bearer …` where none is named.
    pub header: Option<String>,
}

/// The bounds of a binding.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Milliseconds that one call may compute; once more for every 64 KiB of text in the request.
    #[schemars(range(min = 1, max = 60_000))]
    pub deadline_ms: u64,
    /// Milliseconds that one call may take in all.
    #[schemars(range(min = 1, max = 600_000))]
    pub wait_ms: u64,
    /// Mebibytes of an instance's memory.
    #[schemars(range(min = 1, max = 64))]
    pub memory_mb: usize,
    /// Calls at the same time.
    #[schemars(range(min = 1, max = 4_096))]
    pub concurrency: usize,
    /// Calls that may wait for one of those.
    pub queue: usize,
    /// Milliseconds they may wait.
    pub queue_wait_ms: u64,
    /// Kibibytes of scratch per exchange.
    pub scratch_kb: usize,
    /// Calls after which a warm instance is retired.
    #[schemars(range(min = 1))]
    pub max_uses: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            deadline_ms: 50,
            wait_ms: 2_000,
            memory_mb: 64,
            concurrency: 64,
            queue: 256,
            queue_wait_ms: 1_000,
            scratch_kb: 256,
            max_uses: 10_000,
        }
    }
}

/// How much may be held back of a streamed text.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Hold {
    /// Bytes of one text.
    pub bytes: usize,
    /// Milliseconds since the oldest held byte arrived.
    pub ms: u64,
    /// What happens at either bound.
    pub on_overflow: OnOverflow,
}

impl Default for Hold {
    fn default() -> Self {
        Self { bytes: 16 * 1024, ms: 5_000, on_overflow: OnOverflow::Release }
    }
}

/// What happens when a bound of holding is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OnOverflow {
    /// The answer ends with an error.
    Reject,
    /// The filter decides with what it has, and the text is released.
    Release,
}
