//! Limits and budgets, as they stand in the file.

use super::over::{Over, Queue};
use crate::limit::Dimension;
use schemars::JsonSchema;
use serde::Deserialize;

/// How much some may take in some time. What is not said is not limited.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RateLimit {
    /// Whom it is for; everyone where nothing is said.
    pub only: Only,
    /// Of what each has a counter of its own; where nothing is said, all share one. It is not for requests of which one
    /// of these is not known.
    pub by: Vec<Dimension>,
    /// In how long.
    pub per: Window,
    /// Requests.
    pub requests: Option<Amount>,
    /// Tokens, of requests and answers.
    pub tokens: Option<Amount>,
    /// US dollars.
    pub usd: Option<f64>,
    /// Exchanges at the same time.
    pub concurrent: Option<u64>,
    /// What becomes of a request over it: `reject`; of a limit of a provider or target `shift`, where nothing is said.
    pub over: Option<Over>,
    /// How requests wait, where they do (`over: queue`).
    pub queue: Option<Queue>,
    /// The targets that requests go to (`over: downgrade`, `over: shift`).
    pub to: Vec<String>,
}

/// Whom a limit is for: all that is said must be so. A value may end in `*`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Only {
    /// The organisation that the tenant is of.
    pub organisation: Option<String>,
    /// The tenant.
    pub tenant: Option<String>,
    /// The key's team.
    pub team: Option<String>,
    /// The key's user, or the one that a key which `delegates` names.
    pub user: Option<String>,
    /// The key's service.
    pub service: Option<String>,
    /// The key's agent, or the one that a key which `delegates` names.
    pub agent: Option<String>,
    /// The key's name.
    pub key: Option<String>,
    /// The tag `feature`, of the key or of a request whose key `delegates`.
    pub feature: Option<String>,
    /// The route.
    pub route: Option<String>,
    /// The model that the client names.
    pub model: Option<String>,
    /// The provider that is asked.
    pub provider: Option<String>,
    /// `provider/model`, as it is asked.
    pub target: Option<String>,
}

impl Only {
    /// What is said.
    pub fn said(&self) -> impl Iterator<Item = (Dimension, &str)> {
        [
            (Dimension::Organisation, &self.organisation),
            (Dimension::Tenant, &self.tenant),
            (Dimension::Team, &self.team),
            (Dimension::User, &self.user),
            (Dimension::Service, &self.service),
            (Dimension::Agent, &self.agent),
            (Dimension::Key, &self.key),
            (Dimension::Feature, &self.feature),
            (Dimension::Route, &self.route),
            (Dimension::Model, &self.model),
            (Dimension::Provider, &self.provider),
            (Dimension::Target, &self.target),
        ]
        .into_iter()
        .filter_map(|(dimension, value)| Some((dimension, value.as_deref()?)))
    }
}

/// How much: a number, within any time as long as `per`; or a bucket that holds `burst` and into which `limit` flow in
/// that time.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Amount {
    /// Within any time.
    Sliding(u64),
    /// Out of a bucket.
    Bucket(Bucket),
}

/// A bucket.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Bucket {
    /// How much flows in.
    pub limit: u64,
    /// How much it holds.
    pub burst: u64,
}

/// The time that a limit is for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Window {
    /// A second.
    Second,
    /// A minute.
    #[default]
    Minute,
    /// An hour.
    Hour,
    /// Twenty-four hours.
    Day,
}

/// How much some may spend.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// Whom it is for, as in a limit.
    #[serde(default)]
    pub only: Only,
    /// Of what each has a budget of its own, as in a limit.
    #[serde(default)]
    pub by: Vec<Dimension>,
    /// US dollars.
    #[serde(default)]
    pub usd: Option<f64>,
    /// The same in the currency of `prices`.
    #[serde(default)]
    pub amount: Option<f64>,
    /// For how long.
    pub per: Period,
    /// Whether it is for any time as long as `per` (a month is then 30 days), not for those of the calendar.
    #[serde(default)]
    pub rolling: bool,
    /// Where the calendar's days begin at midnight: a name of the IANA time zones, such as `Europe/Berlin`.
    #[serde(default = "utc")]
    pub timezone: String,
    /// Whether nothing is refused: what is spent is only counted, and told of (`warn_at`).
    #[serde(default)]
    pub soft: bool,
    /// Parts of it at which somebody is told: in the log, the metrics, a flag of answers, and by the webhooks. 0.8 is four
    /// fifths.
    #[serde(default)]
    pub warn_at: Vec<f64>,
    /// Whether a stream ends, as one that became too long, when it has used more than there is.
    #[serde(default)]
    pub cut_off: bool,
    /// What becomes of a request over it: `reject` or `downgrade`.
    #[serde(default)]
    pub over: Option<Over>,
    /// The targets that requests go to (`over: downgrade`).
    #[serde(default)]
    pub to: Vec<String>,
}

/// How much a tenant may spend.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Spending {
    /// As in a budget.
    #[serde(default)]
    pub usd: Option<f64>,
    /// As in a budget.
    #[serde(default)]
    pub amount: Option<f64>,
    /// For how long.
    pub per: Period,
    /// As in a budget.
    #[serde(default)]
    pub rolling: bool,
    /// As in a budget.
    #[serde(default = "utc")]
    pub timezone: String,
    /// As in a budget.
    #[serde(default)]
    pub soft: bool,
    /// As in a budget.
    #[serde(default)]
    pub warn_at: Vec<f64>,
    /// As in a budget.
    #[serde(default)]
    pub cut_off: bool,
    /// As in a budget.
    #[serde(default)]
    pub over: Option<Over>,
    /// As in a budget.
    #[serde(default)]
    pub to: Vec<String>,
}

/// The time that a budget is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Period {
    /// A day.
    Day,
    /// A week, from Monday.
    Week,
    /// A month.
    Month,
}

fn utc() -> String {
    "UTC".into()
}
