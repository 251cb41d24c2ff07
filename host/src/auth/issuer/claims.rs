//! What a verified token says, and whom that names.
//!
//! Invariant: a claim that is not of the kind it must be is a fault of the token, never a claim that is not there.

use serde_json::{Map, Value};
use std::str::FromStr;
use std::sync::Arc;

/// Bytes of a name.
const MAX_NAME: usize = 256;

/// Where a claim stands: its name, or, with a slash before it, a JSON pointer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim(String);

/// It names no claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a claim is a name, or a JSON pointer such as /act/sub")]
pub struct NoClaim;

impl FromStr for Claim {
    type Err = NoClaim;

    fn from_str(text: &str) -> Result<Self, NoClaim> {
        if text.is_empty() || text == "/" { Err(NoClaim) } else { Ok(Self(text.to_owned())) }
    }
}

/// Which claims name whom.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClaimNames {
    /// The tenant.
    pub tenant: Option<Claim>,
    /// The team.
    pub team: Option<Claim>,
    /// The person.
    pub user: Option<Claim>,
    /// The application.
    pub service: Option<Claim>,
    /// The agent.
    pub agent: Option<Claim>,
    /// For whom it acts.
    pub on_behalf_of: Option<Claim>,
}

/// What a token says.
#[derive(Debug)]
pub struct Claims {
    all: Map<String, Value>,
    expires: u64,
    not_before: Option<u64>,
}

/// A claim is not of the kind it must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed;

impl Claims {
    /// The claims of a token, where its times are times. One without an end is none.
    pub(super) fn read(all: Map<String, Value>) -> Option<Self> {
        let expires = seconds(all.get("exp")?)?;
        let not_before = match all.get("nbf") {
            None => None,
            Some(time) => Some(seconds(time)?),
        };
        Some(Self { all, expires, not_before })
    }

    /// When it ends, where that is later than now, and it has begun.
    pub(super) fn lasts(&self, now: u64, skew: u64) -> Option<u64> {
        let ends = self.expires.saturating_add(skew);
        let begun = self.not_before.is_none_or(|begins| begins <= now.saturating_add(skew));
        (begun && ends > now).then_some(ends)
    }

    /// Whether it is for one of these.
    pub(super) fn is_for(&self, audience: &[String]) -> bool {
        let wanted = |one: &Value| one.as_str().is_some_and(|one| audience.iter().any(|known| known == one));
        match self.all.get("aud") {
            Some(Value::Array(list)) => list.iter().any(wanted),
            Some(one) => wanted(one),
            None => false,
        }
    }

    /// Whether a claim is one of these, or a list or words among which is one of them.
    pub(super) fn says(&self, claim: &Claim, wanted: &[String]) -> bool {
        self.values(claim).iter().any(|said| wanted.iter().any(|wanted| wanted == said))
    }

    /// The words of a claim: of a list its texts, of a text itself and what its spaces part (as scopes are written).
    #[must_use]
    pub fn values(&self, claim: &Claim) -> Vec<&str> {
        match self.get(claim) {
            Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).collect(),
            Some(Value::String(text)) if text.contains(' ') => {
                std::iter::once(text.as_str()).chain(text.split_ascii_whitespace()).collect()
            }
            Some(Value::String(text)) => vec![text],
            _ => Vec::new(),
        }
    }

    /// The name that a claim gives; none where it is missing.
    ///
    /// # Errors
    /// It is there and no name.
    pub fn name(&self, claim: &Claim) -> Result<Option<Arc<str>>, Malformed> {
        let text = match self.get(claim) {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::String(text)) => text.clone(),
            Some(Value::Number(number)) if number.is_u64() => number.to_string(),
            Some(_) => return Err(Malformed),
        };
        let fits = (1..=MAX_NAME).contains(&text.len()) && !text.chars().any(char::is_control);
        if fits { Ok(Some(text.into())) } else { Err(Malformed) }
    }

    fn get(&self, claim: &Claim) -> Option<&Value> {
        let Some(pointer) = claim.0.strip_prefix('/') else { return self.all.get(&claim.0) };
        let (first, rest) =
            pointer.split_once('/').map_or((pointer, None), |(first, rest)| (first, Some(rest)));
        let top = self.all.get(&first.replace("~1", "/").replace("~0", "~"))?;
        rest.map_or(Some(top), |rest| top.pointer(&format!("/{rest}")))
    }
}

/// A time, which may have a fraction (RFC 7519, section 2).
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be in range")]
fn seconds(value: &Value) -> Option<u64> {
    let whole = value.as_u64();
    whole.or_else(|| value.as_f64().filter(|time| (0.0..1e15).contains(time)).map(|time| time as u64))
}
