//! What becomes of requests that a limit has no room for, and who is told of budgets, as it stands in the file.

use crate::secret::Secret;
use schemars::JsonSchema;
use serde::Deserialize;

/// What becomes of a request that a limit has no room for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Over {
    /// It is refused with the time to wait. Of a limit of a provider or target: no other target is asked.
    Reject,
    /// It waits for its turn; see `queue`.
    Queue,
    /// It goes to a cheaper target of its route: those that `to` names, or the cheapest. Without one it is refused. A budget
    /// must have room for what it costs there; a rate limit does not count it.
    Downgrade,
    /// It goes to those targets that `to` names. Of a limit of a provider or target: to the next one of the route.
    Shift,
}

/// How requests wait for a limit.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Queue {
    /// Requests that wait at the same time; one more is refused.
    #[schemars(range(min = 1, max = 100_000))]
    pub size: usize,
    /// Milliseconds that each waits before it is refused.
    #[schemars(range(min = 1))]
    pub wait_ms: u64,
}

impl Default for Queue {
    fn default() -> Self {
        Self { size: 100, wait_ms: 10_000 }
    }
}

/// Somebody who is told what happens.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    /// Where it is told, by POST.
    pub url: String,
    /// What signs it: `x-lockgate-signature` is `sha256=` and the HMAC of the time in `x-lockgate-timestamp`, a point and
    /// the body.
    #[schemars(with = "String")]
    pub secret: Secret,
    /// What it is told; everything where nothing is said.
    #[serde(default)]
    pub events: Vec<Occasion>,
}

/// What somebody is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum Occasion {
    /// A part of a budget is used that its `warn_at` names.
    #[serde(rename = "budget.threshold")]
    Threshold,
    /// A budget refuses a request.
    #[serde(rename = "budget.refused")]
    Refused,
}

/// Requests that may cost so much that somebody must approve of them first.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    /// US dollars that a request may cost without.
    pub above_usd: f64,
    /// What becomes of one without an approval.
    #[serde(default)]
    pub otherwise: Otherwise,
    /// What signs approvals. All replicas have the same.
    #[schemars(with = "String")]
    pub secret: Secret,
}

/// What becomes of a request that needs an approval and has none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Otherwise {
    /// It is refused with 403.
    #[default]
    Reject,
    /// It goes to those targets of its route that cost no more, and is refused where there is none.
    Downgrade,
}
