//! What belongs together goes to the same target: a conversation, or prompts whose long beginning a provider keeps.
//!
//! Invariants: a preference, no more: a target that is cooling down, much busier than the others, or not among those
//! that may be asked is not preferred. Holds digests, no text.

#[cfg(test)]
mod tests;

use super::Target;
use crate::chat::Prompt;
use crate::store::warm::Warm;
use foldhash::quality::FixedState;
use serde_json::Value;
use std::hash::{BuildHasher as _, Hasher};
use std::sync::Arc;
use std::time::Duration;

/// The header that names a conversation.
const CONVERSATION: &str = "x-lockgate-conversation";
/// Bytes of such a name.
const MAX_NAME: usize = 256;
/// Places at the end of a prompt where a beginning that is known may end.
const LAST_PLACES: usize = 24;
/// Attempts under way that are never too many.
const FREE_LOAD: u32 = 8;
/// How many times the others' load is too much.
const TOO_BUSY: f64 = 2.0;

/// What is kept together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// Conversations: by the header, or by how they begin.
    Conversation,
    /// Prompts with a long beginning in common.
    Prefix,
}

/// How a route keeps things together.
#[derive(Debug)]
pub struct Affinity {
    /// What.
    pub by: By,
    /// How long a target stays warm.
    pub keep: Duration,
    /// Bytes that a beginning must have to be worth it.
    pub least: usize,
    /// Which target is warm for what.
    pub warm: Arc<Warm>,
}

/// What an exchange is known by.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Marks {
    /// Digests of what it may share with others, the longest first.
    pub known_by: Vec<u64>,
    /// The same of those by which the next may know it.
    pub leaves: Vec<u64>,
}

impl Affinity {
    /// What a prompt is known by. `owner` parts what must not be mixed: tenant, route, key.
    #[must_use]
    pub fn marks(&self, owner: &[&str], prompt: &Prompt) -> Marks {
        match self.by {
            By::Conversation => match conversation(owner, prompt) {
                Some(mark) => Marks { known_by: vec![mark], leaves: vec![mark] },
                None => Marks::default(),
            },
            By::Prefix => beginnings(owned(owner), prompt, self.least),
        }
    }

    /// Puts the target first that is warm for this. Without one, a conversation has the same target first wherever it
    /// is asked, where `free` says that nothing else has ordered them.
    pub fn prefer(&self, marks: &Marks, order: &mut [usize], targets: &[Target], free: bool) {
        let warm = marks.known_by.iter().find_map(|mark| self.warm.get(*mark));
        let at = warm.and_then(|id| {
            order.iter().position(|place| targets.get(*place).is_some_and(|target| *target.id == *id))
        });
        let willing =
            |place: &usize| targets.get(*place).is_some_and(|target| is_willing(target, order, targets));
        if let Some(at) = at.filter(|at| order.get(*at).is_some_and(willing)) {
            if let Some(beginning) = order.get_mut(..=at) {
                beginning.rotate_right(1);
            }
        } else if let (true, By::Conversation, Some(mark)) = (free, self.by, marks.known_by.first()) {
            let busy: Vec<usize> = order.iter().copied().filter(|place| !willing(place)).collect();
            let score = |place: usize| targets.get(place).map_or(0.0, |target| rendezvous(*mark, target));
            order.sort_by(|one, other| {
                let last = |place: &usize| busy.contains(place);
                last(one).cmp(&last(other)).then(score(*other).total_cmp(&score(*one)))
            });
        }
    }

    /// A target has answered.
    pub fn answered(&self, marks: &Marks, target: &str) {
        let target: Arc<str> = target.into();
        marks.leaves.iter().for_each(|mark| self.warm.set(*mark, target.clone(), self.keep));
    }
}

/// Whether more may be asked of a target: it is well, and not much busier than the others.
fn is_willing(target: &Target, order: &[usize], targets: &[Target]) -> bool {
    let load = target.health.in_flight();
    if target.health.cooling_down() {
        return false;
    }
    let all: u32 = order.iter().filter_map(|place| Some(targets.get(*place)?.health.in_flight())).sum();
    let count = u32::try_from(order.len()).unwrap_or(u32::MAX).max(1);
    load <= FREE_LOAD || f64::from(load) <= TOO_BUSY * f64::from(all) / f64::from(count)
}

/// How much a target is the one for a mark, by its weight: the highest is, wherever it is asked.
/// Source: Schindelhauer and Schomaker, "Weighted Distributed Hash Tables", 2005.
#[expect(clippy::cast_precision_loss, reason = "53 bits fit a double")]
fn rendezvous(mark: u64, target: &Target) -> f64 {
    let mut hash = FixedState::default().build_hasher();
    hash.write_u64(mark);
    feed_text(&mut hash, &target.id);
    let chance = ((hash.finish() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64;
    let weight = target.fact("weight").and_then(|weight| weight.parse::<f64>().ok()).unwrap_or(1.0);
    weight.max(0.0) / -chance.ln()
}

/// A hash that begins with what must not be mixed.
fn owned(owner: &[&str]) -> impl Hasher + use<> {
    let mut hash = FixedState::default().build_hasher();
    owner.iter().for_each(|part| feed_text(&mut hash, part));
    hash
}

/// A digest of a conversation, by its name, or by all up to the first words of the user.
#[must_use]
pub fn conversation(owner: &[&str], prompt: &Prompt) -> Option<u64> {
    let mut hash = owned(owner);
    if let Some(name) = prompt.header(CONVERSATION).find(|name| (1..=MAX_NAME).contains(&name.len())) {
        hash.write_u8(1);
        feed_text(&mut hash, name);
        return Some(hash.finish());
    }
    hash.write_u8(2);
    for message in prompt.body().get("messages")?.as_array()? {
        feed(&mut hash, message);
        if message.get("role").and_then(Value::as_str) == Some("user") {
            return Some(hash.finish());
        }
    }
    None
}

/// The beginnings of a prompt that are long enough, each ending with a message or a part of one.
fn beginnings(mut hash: impl Hasher, prompt: &Prompt, least: usize) -> Marks {
    let Some(messages) = prompt.body().get("messages").and_then(Value::as_array) else {
        return Marks::default();
    };
    feed_text(&mut hash, prompt.model());
    // Tools stand before the messages in what a provider keeps.
    let mut bytes = prompt.body().get("tools").map_or(0, |tools| feed(&mut hash, tools));
    let mut ends: Vec<(usize, u64)> = Vec::new();
    let mut instructions = None;
    let mut leading = true;
    for message in messages {
        let role = message.get("role").and_then(Value::as_str).unwrap_or_default();
        feed_text(&mut hash, role);
        match message.get("content") {
            Some(Value::Array(parts)) => {
                for part in parts {
                    bytes += feed(&mut hash, part);
                    ends.push((bytes, hash.finish()));
                }
            }
            content => {
                bytes += content.map_or(0, |content| feed(&mut hash, content));
                bytes += message.get("tool_calls").map_or(0, |calls| feed(&mut hash, calls));
                ends.push((bytes, hash.finish()));
            }
        }
        leading &= matches!(role, "system" | "developer");
        if leading {
            instructions = ends.last().copied();
        }
    }
    let count = ends.len();
    let long = |end: &&(usize, u64)| end.0 >= least;
    let last = ends.iter().rev().take(LAST_PLACES).filter(long).map(|(_, mark)| *mark);
    let instructions = instructions.as_ref().filter(long).map(|(_, mark)| *mark);
    let known_by: Vec<u64> = last.chain(instructions).collect();
    // The next prompt goes on from here, or asks something else of the same.
    let behind = |back: usize| count.checked_sub(back).and_then(|at| ends.get(at)).filter(long);
    let mut leaves: Vec<u64> =
        [behind(1), behind(2)].into_iter().flatten().map(|(_, mark)| *mark).chain(instructions).collect();
    leaves.dedup();
    Marks { known_by, leaves }
}

fn feed_text(hash: &mut impl Hasher, text: &str) {
    hash.write_usize(text.len());
    hash.write(text.as_bytes());
}

/// Feeds a value, and says how many bytes of text are in it.
fn feed(hash: &mut impl Hasher, value: &Value) -> usize {
    match value {
        Value::Null => hash.write_u8(0),
        Value::Bool(is) => hash.write_u8(1 + u8::from(*is)),
        Value::Number(number) => feed_text(hash, &number.to_string()),
        Value::String(text) => {
            feed_text(hash, text);
            return text.len();
        }
        Value::Array(items) => {
            hash.write_usize(items.len());
            return items.iter().map(|item| feed(hash, item)).sum();
        }
        Value::Object(fields) => {
            hash.write_usize(fields.len());
            let each = fields.iter().map(|(name, value)| {
                feed_text(hash, name);
                feed(hash, value)
            });
            return each.sum();
        }
    }
    0
}
