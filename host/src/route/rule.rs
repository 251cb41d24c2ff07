//! Rules: which requests go another way, decided by what is known before any plugin is asked.
//!
//! Invariants: all conditions of a rule must hold, and not all of its exceptions; what is not known fits no condition;
//! what costs something to find out is found out once, and only when a rule asks for it.
//! Never sees a credential: headers are those that plugins may be shown.

#[cfg(test)]
mod tests;

use super::hours::Hours;
use super::language;
use super::pattern::{Pattern, any};
use crate::auth::Principal;
use crate::chat::{Modality, Prompt};
use jiff::Timestamp;
use serde_json::Value;
use std::cell::OnceCell;
use std::sync::Arc;
use whatlang::Lang;

/// The header with a request's tags, separated by commas.
const TAGS: &str = "x-lockgate-tags";
/// Tags of one request that are looked at.
const MAX_TAGS: usize = 64;
/// Bytes of text to a token. Source: OpenAI's rule of thumb for English.
const BYTES_PER_TOKEN: usize = 4;

/// A rule.
#[derive(Debug)]
pub struct Rule {
    /// Its name, as flags say it.
    pub name: Arc<str>,
    /// What must hold, the cheapest first.
    pub when: Vec<Condition>,
    /// What must not all hold; nothing to be excepted where there is none.
    pub unless: Vec<Condition>,
    /// What becomes of the request.
    pub action: Action,
}

/// What a rule says.
#[derive(Debug, Clone)]
pub enum Action {
    /// It goes to another route, by that route's rules.
    Route(Arc<str>),
    /// It stays, and goes where the plan says.
    Plan(Arc<Plan>),
}

/// Where a rule sends requests on their route.
#[derive(Debug)]
pub struct Plan {
    /// The rule's name.
    pub rule: Arc<str>,
    /// The places of the targets, in order, and no others; none for all.
    pub targets: Option<Vec<usize>>,
    /// What a place weighs, where it is not what the target says.
    pub weights: Vec<(usize, f64)>,
}

/// One thing that must hold.
#[derive(Debug)]
pub enum Condition {
    /// Who asks.
    Who(Who, Vec<Pattern>),
    /// The model that the client names.
    Model(Vec<Pattern>),
    /// What is asked for: `chat`, `embeddings`.
    Operation(Vec<Pattern>),
    /// Whether a stream is asked for.
    Streaming(bool),
    /// Whether the model is offered tools.
    Tools(bool),
    /// The value of a header.
    Header(String, Vec<Pattern>),
    /// A tag, by header or metadata.
    Tag(Vec<Pattern>),
    /// A value of the request's `metadata`.
    Metadata(String, Vec<Pattern>),
    /// The hours of the week.
    Hours(Hours),
    /// An input of any of these kinds; none stands for text alone.
    Modality(Vec<Option<Modality>>),
    /// Bytes of text, from and to, both inclusive.
    Bytes(usize, usize),
    /// Tokens of text as they are estimated, from and to, both inclusive.
    Tokens(usize, usize),
    /// The language of what the user said last.
    Language(Vec<Lang>),
}

/// Who asks, in which respect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// The tenant.
    Tenant,
    /// The key's team.
    Team,
    /// The user.
    User,
    /// The service.
    Service,
    /// The agent.
    Agent,
    /// The key.
    Key,
    /// The one for whom it is asked.
    OnBehalfOf,
}

/// What is asked, and by whom.
pub struct Asked<'a> {
    principal: &'a Principal,
    prompt: &'a Prompt,
    bytes: OnceCell<usize>,
    language: OnceCell<Option<Lang>>,
}

impl<'a> Asked<'a> {
    /// A request as the client sent it.
    #[must_use]
    pub const fn new(principal: &'a Principal, prompt: &'a Prompt) -> Self {
        Self { principal, prompt, bytes: OnceCell::new(), language: OnceCell::new() }
    }

    /// Whose key it is.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.principal.key
    }

    /// The model that the client names.
    #[must_use]
    pub fn model(&self) -> &str {
        self.prompt.model()
    }

    fn bytes(&self) -> usize {
        *self.bytes.get_or_init(|| self.prompt.text_bytes())
    }

    fn language(&self) -> Option<Lang> {
        *self.language.get_or_init(|| {
            let texts = self.prompt.texts();
            // What a system prompt is written in says nothing of who asks.
            let last = texts.iter().rev().find(|part| part.role == "user").or(texts.last());
            last.and_then(|part| language::of(&part.text))
        })
    }

    fn who(&self, who: Who) -> Option<&str> {
        let holder = &self.principal.holder;
        match who {
            Who::Tenant => Some(&self.principal.tenant),
            Who::Key => Some(&self.principal.key),
            Who::Team => holder.team.as_deref(),
            Who::User => holder.user.as_deref(),
            Who::Service => holder.service.as_deref(),
            Who::Agent => holder.agent.as_deref(),
            Who::OnBehalfOf => holder.on_behalf_of.as_deref(),
        }
    }

    fn has_tag(&self, patterns: &[Pattern]) -> bool {
        let listed = self.prompt.header(TAGS).flat_map(|tags| tags.split(','));
        let metadata = self.prompt.body().get("metadata").and_then(|metadata| metadata.get("tags"));
        let (text, list) = match metadata {
            Some(Value::String(text)) => (Some(text.split(',')), None),
            Some(Value::Array(list)) => (None, Some(list.iter().filter_map(Value::as_str))),
            _ => (None, None),
        };
        let mut tags = listed.chain(text.into_iter().flatten()).chain(list.into_iter().flatten());
        tags.by_ref().take(MAX_TAGS).any(|tag| any(patterns, tag.trim()))
    }

    fn has_metadata(&self, name: &str, patterns: &[Pattern]) -> bool {
        let value = self.prompt.body().get("metadata").and_then(|metadata| metadata.get(name));
        match value {
            Some(Value::String(text)) => any(patterns, text),
            Some(value @ (Value::Bool(_) | Value::Number(_))) => any(patterns, &value.to_string()),
            _ => false,
        }
    }

    fn is_of(&self, kinds: &[Option<Modality>]) -> bool {
        let there = self.prompt.modalities();
        kinds.iter().any(|kind| match kind {
            None => there.is_empty(),
            Some(kind) => there.contains(kind),
        })
    }
}

impl Rule {
    /// Whether a request is one of those that it is for.
    #[must_use]
    pub fn fits(&self, asked: &Asked<'_>) -> bool {
        let holds = |condition: &Condition| condition.holds(asked);
        self.when.iter().all(holds) && (self.unless.is_empty() || !self.unless.iter().all(holds))
    }
}

impl Condition {
    fn holds(&self, asked: &Asked<'_>) -> bool {
        let prompt = asked.prompt;
        match self {
            Self::Who(who, patterns) => asked.who(*who).is_some_and(|name| any(patterns, name)),
            Self::Model(patterns) => any(patterns, prompt.model()),
            Self::Operation(patterns) => any(patterns, prompt.operation().name()),
            Self::Streaming(wanted) => prompt.streaming() == *wanted,
            Self::Tools(wanted) => {
                let tools = prompt.body().get("tools").and_then(Value::as_array);
                tools.is_some_and(|tools| !tools.is_empty()) == *wanted
            }
            Self::Header(name, patterns) => prompt.header(name).any(|value| any(patterns, value)),
            Self::Tag(patterns) => asked.has_tag(patterns),
            Self::Metadata(name, patterns) => asked.has_metadata(name, patterns),
            Self::Hours(hours) => {
                Timestamp::try_from(crate::clock::now()).is_ok_and(|now| hours.contain(now))
            }
            Self::Modality(kinds) => asked.is_of(kinds),
            Self::Bytes(from, to) => (*from..=*to).contains(&asked.bytes()),
            Self::Tokens(from, to) => (*from..=*to).contains(&asked.bytes().div_ceil(BYTES_PER_TOKEN)),
            Self::Language(wanted) => asked.language().is_some_and(|found| wanted.contains(&found)),
        }
    }
}
