//! The settings of routes and of the targets that they lead to.

use super::{Binding, Written, resilience, routing};
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;

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
    pub canary: Option<Written<routing::Canary>>,
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
