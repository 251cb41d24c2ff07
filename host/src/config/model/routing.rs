//! Where requests go, as it stands in the file: rules, canaries, mirrors, affinity.

use super::RouteTarget;
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Where requests go, on every route.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Routing {
    /// Rules that are looked at before those of the routes; the first that fits decides.
    pub rules: Vec<Rule>,
    /// A file that `lockgate bench-models` wrote, relative to this one: how good targets are at what kinds of tasks, as the
    /// signals `quality` and `quality.<task>`. What a route says of a target itself counts before it.
    pub benchmarks: Option<PathBuf>,
}

/// Which requests go another way, and which way. It says one of `route`, `targets` and `pin`, or `weights` alone.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Rule {
    /// Its name in flags; its place where none is given.
    pub name: Option<String>,
    /// Which requests it is for: all that is said must hold. Everything where nothing is said.
    pub when: When,
    /// Which of those it is not for: where all of this holds.
    pub unless: Option<When>,
    /// They go to this route instead, by its chain and its rules.
    pub route: Option<String>,
    /// They go to these targets of the route, in this order, and to no others.
    pub targets: Option<Vec<String>>,
    /// They go to this target alone, which need not be one of the route's.
    pub pin: Option<String>,
    /// What targets of the route weigh for its router.
    pub weights: BTreeMap<String, f64>,
}

/// What must hold. Names may end in `*`; of several, any will do.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct When {
    /// The route that the request is on; of use in rules for every route.
    pub route: Names,
    /// The tenant.
    pub tenant: Names,
    /// The key's team.
    pub team: Names,
    /// The user.
    pub user: Names,
    /// The service.
    pub service: Names,
    /// The agent.
    pub agent: Names,
    /// The key's name.
    pub key: Names,
    /// The one on whose behalf it is asked.
    pub on_behalf_of: Names,
    /// The model that the client names.
    pub model: Names,
    /// What is asked for: `chat`, `embeddings`, ….
    pub operation: Names,
    /// Tags: of the header `x-lockgate-tags` (separated by commas) and of `metadata.tags`.
    pub tags: Names,
    /// Values of the request's `metadata`, by name.
    pub metadata: BTreeMap<String, Names>,
    /// Values of headers, by name. Those that may carry a credential cannot be named.
    pub headers: BTreeMap<String, Names>,
    /// Bytes of text.
    pub bytes: Option<Span>,
    /// Tokens of text, estimated at four bytes each.
    pub tokens: Option<Span>,
    /// Inputs, of which one must be there: `text` (and nothing else), `image`, `audio`, `file`, `tokens`, `other`.
    pub modality: Names,
    /// The language of what the user said last, guessed from its letters: two letters of ISO 639-1, or three of 639-3. A
    /// text that is too short to say is in none.
    pub language: Names,
    /// The hours of the week.
    pub time: Option<Time>,
    /// Whether a stream is asked for.
    pub streaming: Option<bool>,
    /// Whether the model is offered tools.
    pub tools: Option<bool>,
}

/// One name, or several.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Names {
    /// One.
    One(String),
    /// Any of these.
    Any(Vec<String>),
}

impl Default for Names {
    fn default() -> Self {
        Self::Any(Vec::new())
    }
}

impl Names {
    /// All of them.
    #[must_use]
    pub fn list(&self) -> &[String] {
        match self {
            Self::One(name) => std::slice::from_ref(name),
            Self::Any(names) => names,
        }
    }

    /// Their places below their own: none of its own for a single one.
    pub fn placed(&self) -> impl Iterator<Item = (String, &str)> {
        let single = matches!(self, Self::One(_));
        self.list().iter().enumerate().map(move |(place, name)| {
            (if single { String::new() } else { format!("/{place}") }, name.as_str())
        })
    }
}

/// From and to, both included.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Span {
    /// The least.
    pub min: Option<usize>,
    /// The most.
    pub max: Option<usize>,
}

/// Hours of the week.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Time {
    /// The days; all where none is named. Hours over midnight are of the day on which they begin.
    pub days: Vec<Day>,
    /// From when, as `HH:MM`; midnight where it is not said.
    pub from: Option<String>,
    /// Until when, as `HH:MM`; midnight where it is not said.
    pub to: Option<String>,
    /// Whose clock: a name of the IANA time zones, such as `Europe/Berlin`; UTC where none is named.
    pub timezone: Option<String>,
}

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Day {
    /// Monday.
    Mon,
    /// Tuesday.
    Tue,
    /// Wednesday.
    Wed,
    /// Thursday.
    Thu,
    /// Friday.
    Fri,
    /// Saturday.
    Sat,
    /// Sunday.
    Sun,
}

/// A new target that some of the requests try; where it fails, the route's own targets are asked.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Canary {
    /// The targets, in order.
    #[schemars(length(min = 1))]
    pub targets: Vec<RouteTarget>,
    /// Of a hundred requests (or keys, users, conversations), how many.
    #[schemars(range(min = 0, max = 100))]
    pub percent: f64,
    /// What decides: all requests that have it in common try it, or none.
    #[serde(default)]
    pub by: CanaryBy,
    /// When nobody tries it any more.
    pub roll_back: Option<RollBack>,
}

/// What decides who tries a canary.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum CanaryBy {
    /// Each request for itself.
    Request,
    /// The key.
    #[default]
    Key,
    /// The user, or the key of requests without one.
    User,
    /// The conversation: the header `x-lockgate-conversation`, or how it begins.
    Conversation,
}

/// When a canary is rolled back, in comparison with the route's own targets. It stays so until its configuration changes or
/// an operator resumes it.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RollBack {
    /// The share of failed attempts that it may have beyond theirs, from 0 to 1.
    pub error_rate: Option<f64>,
    /// How many times their median time it may take.
    pub latency: Option<f64>,
    /// The recent attempts that either side must have had.
    pub min_attempts: u32,
    /// Seconds in which an attempt loses half of its weight.
    pub half_life_s: u64,
}

impl Default for RollBack {
    fn default() -> Self {
        Self { error_rate: Some(0.05), latency: None, min_attempts: 50, half_life_s: 300 }
    }
}

/// A target that is asked beside, whose answers nobody gets.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Mirror {
    /// The target.
    pub target: RouteTarget,
    /// Of a hundred requests, how many.
    #[schemars(range(min = 0, max = 100))]
    pub percent: f64,
    /// Mirrored requests at the same time; beyond that, they are left out.
    #[serde(default = "eight")]
    #[schemars(range(min = 1, max = 4_096))]
    pub max_in_flight: usize,
}

const fn eight() -> usize {
    8
}

/// What keeps coming back to the same target.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Affinity {
    /// What is kept together.
    pub by: AffinityBy,
    /// Seconds for which a target is taken to know it.
    #[serde(default = "five_minutes")]
    #[schemars(range(min = 1, max = 86_400))]
    pub keep_s: u64,
    /// Bytes that a common beginning must have; providers keep none that are shorter than about 1,024 tokens.
    #[serde(default = "four_kib")]
    pub min_bytes: usize,
}

const fn five_minutes() -> u64 {
    300
}

const fn four_kib() -> usize {
    4_096
}

/// What is kept together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum AffinityBy {
    /// Conversations: by the header `x-lockgate-conversation`, or by how they begin.
    Conversation,
    /// Prompts with a long beginning in common, which their provider may have kept.
    Prefix,
}
