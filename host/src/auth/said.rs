//! What a request says of itself in headers: its tags, and how urgent it is.
//!
//! Invariants: a key's own tags cannot be said otherwise; only a key that `delegates` says more of them; no request is
//! more urgent than its key. What is said is short and printable: it ends in logs, records and names of counters.

use super::{AuthError, Holder};
use http::HeaderMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

const SAYS_TAGS: &str = "x-lockgate-tags";
const SAYS_PRIORITY: &str = "x-lockgate-priority";

/// Tags of a request at most, those of its key included.
const MAX_TAGS: usize = 16;
/// Bytes of a tag's name, and of its value.
const MAX_TAG: usize = 64;

/// Who goes first where requests wait.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Priority {
    /// Somebody waits for it.
    High,
    /// Nothing was said.
    #[default]
    Normal,
    /// Nobody waits for it.
    Low,
}

/// Names and values that requests are told apart by, as in reports: `feature=search`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tags(Option<Arc<BTreeMap<Box<str>, Box<str>>>>);

impl Tags {
    /// These tags; none where there is something that is no tag among them.
    #[must_use]
    pub fn of<'a>(tags: impl IntoIterator<Item = (&'a str, &'a str)>) -> Option<Self> {
        let mut map = BTreeMap::new();
        for (name, value) in tags {
            if !is_tag(name) || !is_tag(value) || map.len() >= MAX_TAGS {
                return None;
            }
            map.insert(name.into(), value.into());
        }
        Some(Self((!map.is_empty()).then(|| Arc::new(map))))
    }

    /// The value of a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.as_deref()?.get(name).map(|value| &**value)
    }

    /// All of them, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.as_deref().into_iter().flatten().map(|(name, value)| (&**name, &**value))
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }
}

/// Takes over what the headers say.
pub(super) fn read(holder: &mut Holder, headers: &HeaderMap) -> Result<(), AuthError> {
    if let Some(said) = headers.get(SAYS_TAGS) {
        let said = said.to_str().map_err(|_| AuthError::NoTags)?;
        let mut tags = Vec::new();
        for pair in said.split(',') {
            // A word alone is for rules of routing to look at, and nobody's limit or record.
            let Some((name, value)) = pair.split_once('=') else { continue };
            let (name, value) = (name.trim(), value.trim());
            match holder.tags.get(name) {
                Some(own) if own == value => {}
                None if holder.delegates => tags.push((name, value)),
                _ => return Err(AuthError::NotDelegated),
            }
        }
        let all = holder.tags.iter().chain(tags);
        holder.tags = Tags::of(all).ok_or(AuthError::NoTags)?;
    }
    if let Some(said) = headers.get(SAYS_PRIORITY) {
        let said = match said.as_bytes() {
            b"high" => Priority::High,
            b"normal" => Priority::Normal,
            b"low" => Priority::Low,
            _ => return Err(AuthError::NoPriority),
        };
        if said < holder.priority {
            return Err(AuthError::NotDelegated);
        }
        holder.priority = said;
    }
    Ok(())
}

fn is_tag(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b':' | b'/');
    (1..=MAX_TAG).contains(&text.len()) && text.bytes().all(fits)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use http::HeaderValue;

    fn told(holder: &Holder, name: &'static str, value: &str) -> Result<Holder, AuthError> {
        let mut headers = HeaderMap::new();
        headers.insert(name, HeaderValue::from_str(value).unwrap());
        let mut holder = holder.clone();
        read(&mut holder, &headers).map(|()| holder)
    }

    #[test]
    fn a_key_that_delegates_says_tags_and_never_other_than_its_own() {
        let own = Holder { tags: Tags::of([("feature", "search")]).unwrap(), ..Holder::default() };
        let free = Holder { delegates: true, ..own.clone() };
        let tags = |holder, said| {
            told(holder, SAYS_TAGS, said).map(|holder| {
                holder.tags.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>()
            })
        };
        assert_eq!(tags(&own, "feature=search"), Ok(vec!["feature=search".to_owned()]));
        assert_eq!(tags(&own, "feature=chat"), Err(AuthError::NotDelegated));
        assert_eq!(tags(&own, "run=7"), Err(AuthError::NotDelegated));
        assert_eq!(tags(&free, "run=7, feature=search").unwrap(), ["feature=search", "run=7"]);
        assert_eq!(tags(&free, "feature=chat"), Err(AuthError::NotDelegated));
        let long = format!("run={}", "x".repeat(65));
        assert_eq!(tags(&own, "nightly, feature=search").unwrap(), ["feature=search"]);
        for wrong in ["run=", "=7", "run=a b", &long, "run=7;x"] {
            assert_eq!(tags(&free, wrong), Err(AuthError::NoTags), "{wrong}");
        }
        let many: Vec<String> = (0..17).map(|n| format!("t{n}=1")).collect();
        assert_eq!(tags(&free, &many.join(",")), Err(AuthError::NoTags));
    }

    #[test]
    fn nobody_is_more_urgent_than_the_key() {
        let holder = Holder::default();
        let priority = |said| told(&holder, SAYS_PRIORITY, said).map(|holder| holder.priority);
        assert_eq!(priority("low"), Ok(Priority::Low));
        assert_eq!(priority("normal"), Ok(Priority::Normal));
        assert_eq!(priority("high"), Err(AuthError::NotDelegated));
        assert_eq!(priority("urgent"), Err(AuthError::NoPriority));
    }
}
