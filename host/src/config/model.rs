//! The settings, as they stand in the file. Doc comments are the descriptions of the JSON Schema.

use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};

mod binding;
mod cache;
pub mod identity;
pub mod limit;
pub mod over;
mod prices;
mod provider;
pub mod resilience;
mod route;
pub mod routing;
mod serving;
mod state;
mod tenant;
mod written;

pub use binding::{
    Binding, Destination, Grants, Hold, Isolation, Limits, OnError, OnOverflow, PluginSource, Streams,
};
pub use cache::{Cache, Embeddings};
pub use prices::{Prices, UnknownPrice};
pub use provider::{Aws, Entra, Google, Provider, ProviderKey, ProviderTimeouts, ProviderTls};
pub use route::{Route, RouteTarget, Target};
pub use serving::{Admin, Engine, Log, LogFormat, Quotas, Tls};
pub use state::{Counters, Ledger, State};
pub use tenant::{Tenant, TenantKey};
pub use written::Written;

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
    pub state: State,
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
            state: State::default(),
            watch: true,
            command_refresh_ms: 300_000,
        }
    }
}
