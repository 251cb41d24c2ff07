//! The settings of tenants and of their keys.

use super::limit;
use crate::auth::Permissions;
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;

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
