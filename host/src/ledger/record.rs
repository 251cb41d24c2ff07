//! What is written down of one exchange. Never holds what was said: no prompt, no answer, no credential.

use crate::chat::Usage;
use crate::price::Usd;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How a mirrored request ended: with an answer that nobody got.
pub const MIRROR: &str = "mirror";
/// The same without an answer.
pub const MIRROR_FAILED: &str = "mirror-failed";
/// Who asked, as far as it is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Who {
    /// A team.
    pub team: Option<Arc<str>>,
    /// A person.
    pub user: Option<Arc<str>>,
    /// An application.
    pub service: Option<Arc<str>>,
    /// An agent.
    pub agent: Option<Arc<str>>,
    /// For whom it acted.
    pub on_behalf_of: Option<Arc<str>>,
    /// What requests are told apart by.
    pub tags: Vec<(String, String)>,
}

/// One exchange.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The exchange's id; a client may choose it, so it need not be unique.
    pub id: String,
    /// Whose it was.
    pub tenant: Arc<str>,
    /// The name of the key.
    pub key: Arc<str>,
    /// Who asked.
    pub who: Who,
    /// The route.
    pub route: Arc<str>,
    /// `provider/model`; empty where no target was asked.
    pub target: String,
    /// The provider's name of the model.
    pub model: String,
    /// The status that the client got; 499 where it went away.
    pub status: u16,
    /// How it ended, in a word.
    pub outcome: &'static str,
    /// Tokens of all attempts.
    pub usage: Usage,
    /// What tokens and cost are based on: `provider`, `tokenizer`, `estimate`, or `none` where nothing was used.
    pub basis: &'static str,
    /// What it cost; none where the price is unknown.
    pub cost: Option<Usd>,
    /// Attempts made.
    pub attempts: u32,
    /// `none`, `miss` or `hit`.
    pub cache: &'static str,
    /// When it was accepted.
    pub started: SystemTime,
    /// From then to its end.
    pub duration: Duration,
    /// From then to the first byte of the answer.
    pub ttft: Option<Duration>,
    /// What plugins noted.
    pub flags: Vec<(String, String)>,
}

impl Record {
    /// Whether it is of a mirrored request: what that used is nobody's who asked, and counts in no sum of theirs.
    #[must_use]
    pub fn is_mirror(&self) -> bool {
        matches!(self.outcome, MIRROR | MIRROR_FAILED)
    }

    /// When it was accepted, in milliseconds since the Unix epoch.
    #[must_use]
    pub fn started_ms(&self) -> u64 {
        let since = self.started.duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }

    /// When it ended, in milliseconds since the Unix epoch.
    #[must_use]
    pub fn ended_ms(&self) -> u64 {
        let took = u64::try_from(self.duration.as_millis()).unwrap_or(u64::MAX);
        self.started_ms().saturating_add(took)
    }

    /// The record as named values, as observers are told of it: `tenant`, `key`, `route`, `target`, `model`,
    /// `status`, `outcome`, `usage.*`, `usage-basis`, `team`, `user`, `service`, `agent`, `on-behalf-of`, `tag.*`,
    /// `cost-usd`, `attempts`, `cache`, `duration-ms`, `ttft-ms`, `flag.*`.
    #[must_use]
    pub fn fields(&self) -> Vec<(String, String)> {
        let ms = |time: Duration| time.as_millis().to_string();
        let name = |name: &Option<Arc<str>>| name.as_deref().map(str::to_owned);
        let facts = [
            ("tenant", Some(self.tenant.to_string())),
            ("key", Some(self.key.to_string())),
            ("route", Some(self.route.to_string())),
            ("target", (!self.target.is_empty()).then(|| self.target.clone())),
            ("model", (!self.model.is_empty()).then(|| self.model.clone())),
            ("status", Some(self.status.to_string())),
            ("outcome", Some(self.outcome.to_owned())),
            ("usage.input", Some(self.usage.input.to_string())),
            ("usage.output", Some(self.usage.output.to_string())),
            ("usage.cache-read", Some(self.usage.cache_read.to_string())),
            ("usage.cache-write", Some(self.usage.cache_write.to_string())),
            ("usage.reasoning", Some(self.usage.reasoning.to_string())),
            ("usage-basis", Some(self.basis.to_owned())),
            ("team", name(&self.who.team)),
            ("user", name(&self.who.user)),
            ("service", name(&self.who.service)),
            ("agent", name(&self.who.agent)),
            ("on-behalf-of", name(&self.who.on_behalf_of)),
            ("cost-usd", self.cost.map(|cost| cost.to_string())),
            ("attempts", Some(self.attempts.to_string())),
            ("cache", Some(self.cache.to_owned())),
            ("duration-ms", Some(ms(self.duration))),
            ("ttft-ms", self.ttft.map(ms)),
        ];
        let known = facts.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
        let media = self.usage.media.figures();
        let media = media.map(|(name, figure)| (format!("usage.{name}"), figure.to_string()));
        known
            .chain(media)
            .chain(self.who.tags.iter().map(|(name, value)| (format!("tag.{name}"), value.clone())))
            .chain(self.flags.iter().map(|(key, value)| (format!("flag.{key}"), value.clone())))
            .collect()
    }
}
