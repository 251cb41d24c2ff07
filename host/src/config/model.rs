//! The settings, as they stand in the file. Doc comments are the descriptions of the JSON Schema.

use crate::auth::Permissions;
use crate::secret::Secret;
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

mod binding;
pub mod identity;
pub mod limit;
pub mod over;
mod provider;
pub mod resilience;
pub mod routing;
pub mod state;

pub use binding::{
    Binding, Destination, Grants, Hold, Isolation, Limits, OnError, OnOverflow, PluginSource, Streams,
};
pub use provider::{Aws, Entra, Google, Provider, ProviderKey, ProviderTimeouts, ProviderTls};

/// The configuration of a Lockgate gateway.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where clients connect.
    #[schemars(with = "String")]
    pub listen: SocketAddr,
    /// TLS for clients.
    pub tls: Option<Tls>,
    /// The admin listener: health, metrics, reload.
    pub admin: Admin,
    /// Bounds on requests and connections.
    pub limits: Quotas,
    /// What is logged.
    pub log: Log,
    /// The plugin engine.
    pub engine: Engine,
    /// Where requests go, on every route.
    pub routing: routing::Routing,
    /// Upstream accounts, by name.
    pub providers: BTreeMap<String, Provider>,
    /// Plugins, by name. Those that ship with Lockgate can be named `builtin:NAME` without an entry here.
    pub plugins: BTreeMap<String, PluginSource>,
    /// Ordered bindings, by name.
    pub chains: BTreeMap<String, Vec<Binding>>,
    /// What a client-visible model name leads to; a name may end in `*`.
    pub routes: BTreeMap<String, Route>,
    /// The tenants, by name.
    pub tenants: BTreeMap<String, Tenant>,
    /// How much some may take in some time, by name.
    pub rate_limits: BTreeMap<String, limit::RateLimit>,
    /// How much some may spend, by name.
    pub budgets: BTreeMap<String, limit::Budget>,
    /// Who is told what happens, by name.
    pub webhooks: BTreeMap<String, over::Webhook>,
    /// Requests that may cost so much that somebody must approve of them first.
    pub approval: Option<over::Approval>,
    /// The tenant of requests without a key. Without it they are refused.
    pub anonymous: Option<String>,
    /// What is done when a target fails, where a route does not say otherwise.
    pub resilience: resilience::Resilience,
    /// Requests that are made once.
    pub idempotency: resilience::Idempotency,
    /// Keys that are made at run time.
    pub keys: identity::Keys,
    /// Who asks, where that is not a key of a tenant.
    pub identity: identity::Identity,
    /// What `vectors.embed` uses.
    pub embeddings: Embeddings,
    /// What tokens cost.
    pub prices: Prices,
    /// Kept answers.
    pub cache: Cache,
    /// What was taken of limits and budgets.
    pub counters: Counters,
    /// The record of exchanges.
    pub ledger: Ledger,
    /// What else outlives the process.
    pub state: state::State,
    /// Whether changes of this file and of plugin files are taken up by themselves.
    pub watch: bool,
    /// How often commands that print secrets (`${command:…}`) are run again, in milliseconds; 0 for only when the
    /// configuration is read.
    pub command_refresh_ms: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: (Ipv4Addr::LOCALHOST, 8080).into(),
            tls: None,
            admin: Admin::default(),
            limits: Quotas::default(),
            log: Log::default(),
            engine: Engine::default(),
            routing: routing::Routing::default(),
            providers: BTreeMap::new(),
            plugins: BTreeMap::new(),
            chains: BTreeMap::new(),
            routes: BTreeMap::new(),
            tenants: BTreeMap::new(),
            rate_limits: BTreeMap::new(),
            budgets: BTreeMap::new(),
            webhooks: BTreeMap::new(),
            approval: None,
            anonymous: None,
            resilience: resilience::Resilience::default(),
            idempotency: resilience::Idempotency::default(),
            keys: identity::Keys::default(),
            identity: identity::Identity::default(),
            embeddings: Embeddings::Builtin {},
            prices: Prices::default(),
            cache: Cache::default(),
            counters: Counters::default(),
            ledger: Ledger::default(),
            state: state::State::default(),
            watch: true,
            command_refresh_ms: 300_000,
        }
    }
}

/// Certificate files.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// PEM certificate chain.
    pub cert: PathBuf,
    /// PEM private key.
    pub key: PathBuf,
    /// PEM certificates that client certificates must be signed by; clients then need one.
    pub client_ca: Option<PathBuf>,
    /// Whether clients may come without a certificate all the same, with a key.
    #[serde(default)]
    pub client_optional: bool,
}

/// The admin listener.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Admin {
    /// Where it listens.
    #[schemars(with = "String")]
    pub listen: SocketAddr,
    /// The bearer token that everything but health and metrics needs. Without one, only loopback addresses
    /// are let in.
    #[schemars(with = "Option<String>")]
    pub token: Option<Secret>,
    /// Tokens with roles; `token` is an owner's.
    pub tokens: Vec<identity::AdminToken>,
}

impl Default for Admin {
    fn default() -> Self {
        Self { listen: (Ipv4Addr::LOCALHOST, 8081).into(), token: None, tokens: Vec::new() }
    }
}

/// Bounds on requests and connections.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Quotas {
    /// Bytes of a request's body.
    pub max_body_bytes: usize,
    /// Bytes of a request's headers.
    pub max_header_bytes: usize,
    /// Bytes of a provider's whole answer.
    pub max_answer_bytes: usize,
    /// Connections at the same time.
    pub max_connections: usize,
    /// Milliseconds for a client to send its headers.
    pub header_timeout_ms: u64,
    /// Milliseconds for a client to send its body.
    pub body_timeout_ms: u64,
    /// Milliseconds that a connection may be idle.
    pub idle_timeout_ms: u64,
    /// Milliseconds for a whole exchange.
    pub total_timeout_ms: u64,
    /// Milliseconds for open exchanges to finish when the gateway is told to stop.
    pub drain_ms: u64,
}

impl Default for Quotas {
    fn default() -> Self {
        Self {
            max_body_bytes: 20 * 1024 * 1024,
            max_header_bytes: 64 * 1024,
            max_answer_bytes: 64 * 1024 * 1024,
            max_connections: 50_000,
            header_timeout_ms: 10_000,
            body_timeout_ms: 60_000,
            idle_timeout_ms: 120_000,
            total_timeout_ms: 600_000,
            drain_ms: 30_000,
        }
    }
}

/// What is logged, on stderr.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    /// How a line looks.
    pub format: LogFormat,
    /// `error`, `warn`, `info`, `debug`, `trace`, or directives such as `info,lockgate::plugin=debug`.
    pub level: String,
}

impl Default for Log {
    fn default() -> Self {
        Self { format: LogFormat::Json, level: "info".into() }
    }
}

/// How a line of the log looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For people.
    Text,
}

/// The plugin engine.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Engine {
    /// Where compiled plugins are kept between runs; only its owner may be able to write there. The user's
    /// cache directory where none is named.
    pub cache_dir: Option<PathBuf>,
    /// Whether instances come from a pool of prepared memory, where the machine allows it.
    pub pooling: bool,
}

impl Default for Engine {
    fn default() -> Self {
        Self { cache_dir: None, pooling: true }
    }
}

/// A route.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// The candidates, in order of preference.
    #[schemars(length(min = 1))]
    pub targets: Vec<RouteTarget>,
    /// The chain that its exchanges pass.
    pub chain: Option<String>,
    /// Attempts that one exchange may make, those that plugins ask for included.
    #[serde(default = "three")]
    #[schemars(range(min = 1, max = 20))]
    pub attempts: u32,
    /// The inputs it admits besides text: `image`, `audio`, `file`, `tokens`, `other`. Where nothing is said,
    /// those that its chain's guards cover.
    pub modalities: Option<Vec<String>>,
    /// The plugin that orders the targets; without one the order above stands.
    pub router: Option<Binding>,
    /// What is done when a target fails, where it is not what the top of the file says.
    #[serde(default)]
    pub resilience: resilience::Resilience,
    /// Which requests go another way; the first rule that fits decides.
    #[serde(default)]
    pub rules: Vec<routing::Rule>,
    /// Models that lead to one target (`provider/model`) and no other, whatever a rule, a canary, a router or a failure
    /// would have. A name may end in `*`.
    #[serde(default)]
    pub pins: BTreeMap<String, String>,
    /// The regions of which each target that is asked must be in one: `eu` is `eu` and all that begins with `eu-`.
    #[serde(default)]
    pub residency: Vec<String>,
    /// The same for requests in which a guard found data of a category: by the flag it sets (`pii`, `pii.iban`).
    #[serde(default)]
    pub residency_when: BTreeMap<String, Vec<String>>,
    /// A new target that some of the requests try.
    pub canary: Option<routing::Canary>,
    /// A target that is asked beside, whose answers nobody gets.
    pub mirror: Option<routing::Mirror>,
    /// What keeps coming back to the same target.
    pub affinity: Option<routing::Affinity>,
}

const fn three() -> u32 {
    3
}

/// A candidate: `provider/model`, or the same with facts about it.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum RouteTarget {
    /// `provider/model`, or `provider/*` for the model that the client names.
    Id(String),
    /// With facts.
    Described(Target),
}

/// A candidate with facts that routing sees.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// `provider/model`.
    pub target: String,
    /// Its share where a router weighs.
    pub weight: Option<f64>,
    /// Where it runs.
    pub region: Option<String>,
    /// More facts: `quality.code`, ….
    #[serde(default)]
    pub signals: BTreeMap<String, String>,
    /// How long is waited for it, where it is not what its route says.
    #[serde(default)]
    pub timeouts: resilience::Timeouts,
    /// How it is asked to go on with an answer that another target began; without, it never is.
    pub prefill: Option<resilience::Prefill>,
}

impl RouteTarget {
    /// `provider/model`.
    #[must_use]
    pub fn id(&self) -> &str {
        match self {
            Self::Id(id) => id,
            Self::Described(target) => &target.target,
        }
    }

    /// How long is waited for it, where it is not what its route says.
    #[must_use]
    pub fn timeouts(&self) -> Option<&resilience::Timeouts> {
        match self {
            Self::Id(_) => None,
            Self::Described(target) => Some(&target.timeouts),
        }
    }

    /// How it is asked to go on with an answer.
    #[must_use]
    pub fn prefill(&self) -> Option<resilience::Prefill> {
        match self {
            Self::Id(_) => None,
            Self::Described(target) => target.prefill,
        }
    }

    /// Where it runs, where that is known.
    #[must_use]
    pub fn region(&self) -> Option<&str> {
        let Self::Described(target) = self else { return None };
        target.region.as_ref().or_else(|| target.signals.get("region")).map(String::as_str)
    }

    /// The facts that routing sees.
    #[must_use]
    pub fn facts(&self) -> Vec<(String, String)> {
        let Self::Described(target) = self else { return Vec::new() };
        let mut facts: Vec<_> =
            target.signals.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
        facts.extend(target.weight.map(|weight| ("weight".to_owned(), weight.to_string())));
        facts.extend(target.region.as_ref().map(|region| ("region".to_owned(), region.clone())));
        facts
    }
}

/// A tenant: the unit of isolation.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tenant {
    /// Its keys.
    #[serde(default)]
    pub keys: Vec<TenantKey>,
    /// The routes its keys may use.
    pub routes: Vec<String>,
    /// A chain that replaces the chains of its routes.
    pub chain: Option<String>,
    /// Further chains that permissions of its keys may name: those of keys made at run time, and of its issuers' tokens.
    #[serde(default)]
    pub chains: Vec<String>,
    /// Targets that the pins of its keys made at run time may name, besides those of all of its routes.
    #[serde(default)]
    pub pin_targets: Vec<String>,
    /// The organisation it is of, for limits and budgets of several tenants together.
    pub organisation: Option<String>,
    /// How much it may spend.
    pub budget: Option<limit::Spending>,
    /// The regions of which each target that its requests go to must be in one, beside what its routes demand.
    #[serde(default)]
    pub residency: Vec<String>,
}

/// A key of a tenant.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TenantKey {
    /// Its name in logs and records.
    pub name: String,
    /// `sha256:` and the hexadecimal digest of the key (`lockgate hash-key` makes it).
    #[schemars(regex(pattern = r"^sha256:[0-9a-f]{64}$"))]
    pub hash: String,
    /// The team it is of.
    pub team: Option<String>,
    /// The person it is of.
    pub user: Option<String>,
    /// The application it is of.
    pub service: Option<String>,
    /// The agent it is of.
    pub agent: Option<String>,
    /// Whether its requests may say which user and agent they are of (`x-lockgate-user`, `x-lockgate-agent`), and on
    /// whose behalf (`x-lockgate-on-behalf-of`).
    #[serde(default)]
    pub delegates: bool,
    /// What it may be used for.
    #[serde(default)]
    pub permissions: Permissions,
    /// Models that lead to one target for this key, as `pins` of a route.
    #[serde(default)]
    pub pins: BTreeMap<String, String>,
    /// What its requests are told apart by in limits (`feature`) and records, such as `feature: search`. A key that
    /// `delegates` may say more (`x-lockgate-tags: run=7`).
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// Whether its requests go before others where they wait for a limit. A request may ask for less
    /// (`x-lockgate-priority`).
    #[serde(default)]
    pub priority: crate::auth::Priority,
}

/// What `vectors.embed` uses.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(tag = "backend", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Embeddings {
    /// A table of word pieces distilled from all-MiniLM-L6-v2, which ships with the gateway: needs no service.
    Builtin {},
    /// Hashed words and runs of letters: needs neither a service nor a table, and sees no meaning beyond letters.
    Hashed {},
    /// A whole sentence model such as all-MiniLM-L6-v2, run on the processor: milliseconds a text.
    Minilm {
        /// The folder with its `config.json`, `vocab.txt` and `model.safetensors`.
        model: PathBuf,
    },
    /// An OpenAI-compatible endpoint.
    Openai {
        /// Its base URL, such as `https://api.openai.com/v1`.
        base_url: String,
        /// Its key.
        #[schemars(with = "Option<String>")]
        credential: Option<Secret>,
        /// The model.
        model: String,
        /// Numbers in a vector.
        dimensions: usize,
    },
}

impl Default for Embeddings {
    fn default() -> Self {
        Self::Builtin {}
    }
}

/// What tokens cost.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Prices {
    /// A price list in the widely used JSON format, instead of the one that ships.
    pub file: Option<PathBuf>,
    /// Prices of single models, in the same format.
    pub overrides: BTreeMap<String, serde_json::Value>,
    /// What becomes of a request for a model whose price is unknown.
    pub unknown: UnknownPrice,
    /// The currency that costs are said in beside dollars, and that budgets may be written in (`amount`).
    pub currency: Option<Currency>,
}

/// A currency, at a rate that stays until it is changed here.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Currency {
    /// Its three letters, such as `EUR`.
    #[schemars(regex(pattern = r"^[A-Z]{3}$"))]
    pub code: String,
    /// The dollars that one of it is worth.
    pub usd: f64,
}

/// What becomes of a request for a model whose price is unknown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum UnknownPrice {
    /// It is served; its cost stays unknown.
    #[default]
    AllowUnpriced,
    /// It is refused.
    Reject,
}

/// Kept answers.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Cache {
    /// Answers at most.
    pub max_entries: usize,
    /// Bytes of all of them at most.
    pub max_bytes: usize,
}

impl Default for Cache {
    fn default() -> Self {
        Self { max_entries: 100_000, max_bytes: 256 * 1024 * 1024 }
    }
}

/// What was taken of limits and budgets.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Counters {
    /// The SQLite file that those of an hour and more are kept in; in memory alone where none is named.
    pub file: Option<PathBuf>,
}

/// The record of exchanges.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Ledger {
    /// The SQLite file it is written to; in memory alone where none is named.
    pub file: Option<PathBuf>,
}
