//! What is done when a target fails, as it stands in the file.

use schemars::JsonSchema;
use serde::Deserialize;

/// What is done when a target fails. A part that a route leaves out is the one at the top of the file, or the default.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Resilience {
    /// When a target is left alone because it fails or is slow.
    pub breaker: Option<Breaker>,
    /// How a target is asked again.
    pub retries: Option<Retries>,
    /// How long is waited for a target.
    pub timeouts: Option<Timeouts>,
    /// Targets that are asked first after a failure, by its cause. They need not be among the route's `targets`.
    pub fallback: Option<Fallback>,
    /// Asks the next target as well when one is slow to begin; the first that begins to answer is taken. What the other may
    /// charge is estimated and booked.
    pub hedge: Option<Hedge>,
    /// What becomes of a streamed answer that breaks off after its beginning.
    pub mid_stream: Option<MidStream>,
    /// How long a client waits at most. A target that has lately been slower than what is left is passed over.
    pub latency_budget: Option<LatencyBudget>,
    /// What is done, in this order, when no target answers.
    pub degrade: Option<Vec<Degrade>>,
}

/// When a target is left alone.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Breaker {
    /// The share of recent calls that failed, from 0 to 1, at which a target is left alone. Answers of 429 do not count:
    /// they have their own pause.
    pub error_rate: f64,
    /// Milliseconds to the first token of a stream, or to a whole answer, that make a call slow; none is slow without.
    pub slow_ms: Option<u64>,
    /// The share of recent calls that were slow, from 0 to 1, at which a target is left alone.
    pub slow_rate: f64,
    /// Recent calls below which nothing is concluded.
    #[schemars(range(min = 1))]
    pub min_calls: u32,
    /// Milliseconds that a target is left alone for the first time; each time in a row doubles them.
    #[schemars(range(min = 1))]
    pub open_ms: u64,
    /// Milliseconds that a target is left alone at most.
    pub max_open_ms: u64,
    /// Calls at the same time that try whether it is well again.
    #[schemars(range(min = 1))]
    pub probes: u32,
    /// The share of failed calls, from 0 to 1, from which a target is set aside that fails four times as often as another one
    /// of the route; 0 for never.
    pub outlier_rate: f64,
}

impl Default for Breaker {
    fn default() -> Self {
        Self {
            error_rate: 0.5,
            slow_ms: None,
            slow_rate: 0.8,
            min_calls: 20,
            open_ms: 5_000,
            max_open_ms: 60_000,
            probes: 3,
            outlier_rate: 0.2,
        }
    }
}

/// How a target is asked again.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Retries {
    /// Milliseconds before a target is asked again for the first time; each time doubles them. At random, between half and
    /// all of them are waited.
    pub pause_ms: u64,
    /// Milliseconds that are waited at most, also where the provider asks for more: then nobody waits.
    pub max_pause_ms: u64,
    /// How often a target is asked again or ahead of its turn, as a share of what it is asked in turn, from 0 to 1.
    pub share: f64,
    /// How often a second besides.
    pub per_second: u32,
}

impl Default for Retries {
    fn default() -> Self {
        Self { pause_ms: 200, max_pause_ms: 2_000, share: 0.2, per_second: 10 }
    }
}

/// How long is waited for a target, in milliseconds; the provider's own timeouts hold where nothing is said.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Timeouts {
    /// To connect.
    #[schemars(range(min = 1))]
    pub connect_ms: Option<u64>,
    /// To the first token of a stream, or to a whole answer.
    #[schemars(range(min = 1))]
    pub first_token_ms: Option<u64>,
    /// Between two tokens of a stream. What keeps a connection alive is no token.
    #[schemars(range(min = 1))]
    pub between_tokens_ms: Option<u64>,
    /// For all of an answer.
    #[schemars(range(min = 1))]
    pub total_ms: Option<u64>,
}

/// Targets that are asked first after a failure, by its cause.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Fallback {
    /// After a 429.
    pub rate_limit: Vec<String>,
    /// After a target that did not answer in time.
    pub timeout: Vec<String>,
    /// After a target that failed or could not be reached.
    pub server_error: Vec<String>,
    /// After a request that was longer than the model reads. Without any, the route's other targets are asked.
    pub context_window: Vec<String>,
    /// After a request or an answer that the provider's own filter refused. Without any, the client is told.
    pub refused: Vec<String>,
    /// After an answer that a judge of the route found wanting. Without any, the same target is asked again.
    pub invalid_output: Vec<String>,
}

/// When the next target is asked as well: after `after_ms`, or as the target has been doing.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Hedge {
    /// Milliseconds without a token.
    #[schemars(range(min = 1))]
    pub after_ms: Option<u64>,
    /// In place of `after_ms`: as long as this many of a hundred recent first tokens of the target took at most. While
    /// nothing is known of a target, no other is asked.
    #[schemars(range(min = 1, max = 99))]
    pub after_percentile: u32,
    /// Milliseconds before which no other is asked, whatever is known.
    pub min_ms: u64,
}

impl Default for Hedge {
    fn default() -> Self {
        Self { after_ms: None, after_percentile: 95, min_ms: 50 }
    }
}

/// What becomes of a streamed answer that breaks off after its beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MidStream {
    /// It ends with an error in the client's format.
    Error,
    /// A target that has `prefill` goes on with it; where there is none, or where it was calling a tool, it ends with the
    /// error.
    Continue,
}

/// How a target is asked to go on with an answer that another began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Prefill {
    /// The last message is the assistant's: Anthropic's models that allow it.
    Message,
    /// The same, with `"prefix": true` in that message: Mistral, DeepSeek.
    Prefix,
    /// The same, with `"continue_final_message": true` beside the messages: vLLM.
    ContinueFinalMessage,
}

/// How long a client waits at most, in milliseconds.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LatencyBudget {
    /// For the first token of a stream, or for a whole answer.
    #[schemars(range(min = 1))]
    pub first_token_ms: Option<u64>,
    /// For all of an answer.
    #[schemars(range(min = 1))]
    pub total_ms: Option<u64>,
}

/// What is done when no target answers: one of these.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Degrade {
    /// Waits until a target is to be asked again, and asks.
    Wait(Wait),
    /// Asks these targets, which need not be among the route's: smaller models, mostly.
    Targets(Vec<String>),
    /// Gives the last answer to the same request.
    Stale(Stale),
    /// Gives this text as the answer.
    Answer(String),
}

/// Waiting for a target.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Wait {
    /// Milliseconds at most.
    #[schemars(range(min = 1))]
    pub max_ms: u64,
    /// Exchanges of the route that may wait at the same time.
    #[schemars(range(min = 1))]
    pub max_waiting: usize,
}

impl Default for Wait {
    fn default() -> Self {
        Self { max_ms: 10_000, max_waiting: 256 }
    }
}

/// Answers kept for when no target answers.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Stale {
    /// Seconds that an answer may be old.
    #[schemars(range(min = 1))]
    pub max_age_s: u64,
}

impl Default for Stale {
    fn default() -> Self {
        Self { max_age_s: 86_400 }
    }
}

/// Requests that are made once: clients name them in `idempotency-key`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Idempotency {
    /// Seconds that an answer is kept for who asks again.
    #[schemars(range(min = 1))]
    pub ttl_s: u64,
    /// Answers that are kept at most.
    #[schemars(range(min = 1))]
    pub max_entries: usize,
    /// Bytes that they take at most.
    pub max_bytes: usize,
    /// Bytes of one answer; of a larger one only that it was given is kept.
    pub max_answer_bytes: usize,
}

impl Default for Idempotency {
    fn default() -> Self {
        Self {
            ttl_s: 86_400,
            max_entries: 100_000,
            max_bytes: 256 * 1024 * 1024,
            max_answer_bytes: 1024 * 1024,
        }
    }
}

impl Resilience {
    /// This, with the parts of another where it says nothing.
    #[must_use]
    pub fn or(&self, top: &Self) -> Self {
        Self {
            breaker: self.breaker.clone().or_else(|| top.breaker.clone()),
            retries: self.retries.clone().or_else(|| top.retries.clone()),
            timeouts: self.timeouts.clone().or_else(|| top.timeouts.clone()),
            fallback: self.fallback.clone().or_else(|| top.fallback.clone()),
            hedge: self.hedge.clone().or_else(|| top.hedge.clone()),
            mid_stream: self.mid_stream.or(top.mid_stream),
            latency_budget: self.latency_budget.clone().or_else(|| top.latency_budget.clone()),
            degrade: self.degrade.clone().or_else(|| top.degrade.clone()),
        }
    }

    /// The targets that it names, each with its place below this.
    pub fn targets(&self) -> impl Iterator<Item = (String, &str)> + use<'_> {
        let fallback = self.fallback.iter().flat_map(Fallback::lists).flat_map(|(cause, targets)| {
            targets.iter().enumerate().map(move |(n, id)| (format!("/fallback/{cause}/{n}"), id.as_str()))
        });
        let degrade = self.degrade.iter().flatten().enumerate().flat_map(|(step, degrade)| {
            let targets = match degrade {
                Degrade::Targets(targets) => targets.as_slice(),
                Degrade::Wait(_) | Degrade::Stale(_) | Degrade::Answer(_) => &[],
            };
            targets
                .iter()
                .enumerate()
                .map(move |(n, id)| (format!("/degrade/{step}/targets/{n}"), id.as_str()))
        });
        fallback.chain(degrade)
    }
}

impl Fallback {
    /// The targets by the name of their cause.
    #[must_use]
    pub fn lists(&self) -> [(&'static str, &Vec<String>); 6] {
        [
            ("rate_limit", &self.rate_limit),
            ("timeout", &self.timeout),
            ("server_error", &self.server_error),
            ("context_window", &self.context_window),
            ("refused", &self.refused),
            ("invalid_output", &self.invalid_output),
        ]
    }
}
