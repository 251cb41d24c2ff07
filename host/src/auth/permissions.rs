//! What a principal may ask for, within what its tenant has.
//!
//! Plain data and its questions: nothing here knows a route, a format or a chain but by name. What is not said is
//! allowed; what is said allows nothing else.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::{Arc, LazyLock};

/// What nobody restricted.
static ALL: LazyLock<Arc<Permissions>> = LazyLock::new(Arc::default);

/// Bytes of one name or pattern.
const MAX_NAME: usize = 256;
/// Names in one list.
const MAX_NAMES: usize = 256;

/// What may be asked for, of what the tenant has. What is not said is allowed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Permissions {
    /// The routes, by name; an entry may end in `*`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub routes: Option<Vec<String>>,
    /// The models as clients name them; an entry may end in `*`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub models: Option<Vec<String>>,
    /// The client APIs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub formats: Option<Vec<ClientFormat>>,
    /// The tools that a request may offer to the model, by name; an entry may end in `*`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tools: Option<Vec<String>>,
    /// The most tokens that an answer may have, all its choices together. A request that asks for more is refused; one
    /// that does not say gets this bound.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub max_tokens: Option<u64>,
    /// The regions that requests may go to; without any, everywhere.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub residency: Vec<String>,
    /// A chain that replaces the chains of all routes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chain: Option<String>,
}

/// A client API, as permissions name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ClientFormat {
    /// Chat completions, embeddings and the rest of OpenAI's API.
    OpenAi,
    /// Anthropic's messages.
    Anthropic,
    /// Gemini's content.
    Gemini,
    /// OpenAI's responses.
    Responses,
    /// Cohere's chat, embeddings and rerank.
    Cohere,
}

impl ClientFormat {
    /// The name that the format has everywhere else.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::OpenAi => "openai",
            Self::Anthropic => "anthropic",
            Self::Gemini => "gemini",
            Self::Responses => "responses",
            Self::Cohere => "cohere",
        }
    }
}

impl Permissions {
    /// The permissions of whoever is not restricted; all of them share one.
    #[must_use]
    pub fn all() -> Arc<Self> {
        ALL.clone()
    }

    /// These, shared; those that restrict nothing share one.
    #[must_use]
    pub fn shared(self) -> Arc<Self> {
        if self == **ALL { Self::all() } else { Arc::new(self) }
    }

    /// Whether a request may be on this route.
    #[must_use]
    pub fn allows_route(&self, route: &str) -> bool {
        fits(self.routes.as_deref(), route)
    }

    /// Whether a model may be asked for that this route serves.
    #[must_use]
    pub fn allows(&self, route: &str, model: &str) -> bool {
        self.allows_route(route) && fits(self.models.as_deref(), model)
    }

    /// Whether a client API may be spoken.
    #[must_use]
    pub fn allows_format(&self, name: &str) -> bool {
        self.formats.as_ref().is_none_or(|formats| formats.iter().any(|format| format.name() == name))
    }

    /// Whether a tool may be offered.
    #[must_use]
    pub fn allows_tool(&self, name: &str) -> bool {
        fits(self.tools.as_deref(), name)
    }

    /// What makes no sense: the field, and why.
    #[must_use]
    pub fn faults(&self) -> Vec<(&'static str, String)> {
        let mut faults = Vec::new();
        let lists = [
            ("routes", self.routes.as_deref(), true),
            ("models", self.models.as_deref(), true),
            ("tools", self.tools.as_deref(), true),
            ("residency", Some(self.residency.as_slice()), false),
        ];
        for (field, names, patterns) in lists {
            let names = names.unwrap_or_default();
            if names.len() > MAX_NAMES {
                faults.push((field, format!("this may have {MAX_NAMES} entries at most")));
            }
            for name in names {
                if name.is_empty() || name.len() > MAX_NAME {
                    faults.push((field, format!("a name is 1 to {MAX_NAME} bytes")));
                } else if name.strip_suffix('*').filter(|_| patterns).unwrap_or(name).contains('*') {
                    let message = if patterns { "`*` may only end a name" } else { "a region has no `*`" };
                    faults.push((field, message.to_owned()));
                }
            }
        }
        if self.max_tokens == Some(0) {
            faults.push(("max_tokens", "this must be at least 1".to_owned()));
        }
        faults
    }
}

fn fits(patterns: Option<&[String]>, name: &str) -> bool {
    let Some(patterns) = patterns else { return true };
    patterns.iter().any(|pattern| matches(pattern, name))
}

/// Whether a name is the pattern, or begins with what stands before its `*`.
pub(super) fn matches(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(beginning) => name.starts_with(beginning),
        None => pattern == name,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn read(json: &str) -> Permissions {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn what_is_not_said_is_allowed_and_what_is_said_allows_nothing_else() {
        let all = Permissions::default();
        assert!(all.allows("r", "m") && all.allows_format("cohere") && all.allows_tool("t"));
        let some = read(
            r#"{"routes": ["smart", "openai/*"], "models": ["smart", "openai/gpt-*"], "formats": ["openai"],
                "tools": ["get_*"]}"#,
        );
        assert!(some.allows("smart", "smart") && some.allows("openai/*", "openai/gpt-5"));
        assert!(!some.allows("openai/*", "openai/o3") && !some.allows("other", "smart"));
        assert!(some.allows_format("openai") && !some.allows_format("responses"));
        assert!(some.allows_tool("get_weather") && !some.allows_tool("set_weather"));
        let none = read(r#"{"routes": [], "tools": [], "formats": []}"#);
        assert!(!none.allows("r", "m") && !none.allows_tool("t") && !none.allows_format("openai"));
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        let wrong = read(r#"{"routes": ["a*b"], "models": [""], "residency": ["eu*"], "max_tokens": 0}"#);
        let fields: Vec<_> = wrong.faults().into_iter().map(|(field, _)| field).collect();
        assert_eq!(fields, ["routes", "models", "residency", "max_tokens"]);
        assert_eq!(Permissions::default().faults(), []);
        assert!(serde_json::from_str::<Permissions>(r#"{"model": []}"#).is_err());
    }

    #[test]
    fn those_that_restrict_nothing_are_one() {
        assert!(Arc::ptr_eq(&Permissions::default().shared(), &Permissions::all()));
        let said = read(r#"{"chain": "strict"}"#);
        assert_eq!(serde_json::to_string(&said).unwrap(), r#"{"chain":"strict"}"#);
        assert!(!Arc::ptr_eq(&said.shared(), &Permissions::all()));
    }
}
