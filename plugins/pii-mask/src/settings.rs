//! The configuration, and what becomes of it: kinds of entities with their actions, and how each is found.
//!
//! Invariant: kinds 0 to 5 are the built-in entities in the order of [`BUILT_IN`]; the operator's own
//! follow. Everything that can be wrong is reported at once, by JSON pointer.

use crate::scan::{BUILT_IN, Found, Scanner};
use regex::{Regex, RegexBuilder};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// What happens to a find.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// A numbered placeholder, restored in the answer.
    #[default]
    Mask,
    /// `[EMAIL REDACTED]`, not restored.
    Redact,
    /// `<EMAIL:3f2a…>`, a digest that is the same in every exchange; not restored.
    Hash,
    /// The request is refused.
    Reject,
    /// The text stays; only the flag is set.
    Flag,
}

/// An entity of the operator's own.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Custom {
    /// Lower case letters, digits, `_` and `-`.
    pub name: String,
    /// A regular expression.
    pub pattern: String,
    /// Overrides `action`.
    pub action: Option<Action>,
}

/// What the operator writes.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    entities: Option<Vec<String>>,
    action: Action,
    actions: BTreeMap<String, Action>,
    allow: BTreeSet<String>,
    custom: Vec<Custom>,
    restore: Option<bool>,
    salt: String,
}

/// A kind of entity.
#[derive(Debug)]
pub struct Kind {
    /// As in `pii.<name>`.
    pub name: String,
    /// As in `<LABEL_1>`.
    pub label: String,
    /// What happens to a find.
    pub action: Action,
}

/// What a wrong configuration is told: a JSON pointer and what would be right.
pub type Wrong = (String, String);

/// The configuration, ready to use.
pub struct Settings {
    kinds: Vec<Kind>,
    scanner: Scanner,
    custom: Vec<Regex>,
    allow: BTreeSet<String>,
    /// Whether placeholders are replaced in the answer.
    pub restore: bool,
    /// Hashed before a value.
    pub salt: String,
}

impl Settings {
    /// Checks a configuration.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn new(config: Config) -> Result<Settings, Vec<Wrong>> {
        let mut wrong = Vec::new();
        let mut on = [config.entities.is_none(); BUILT_IN.len()];
        for (n, name) in config.entities.iter().flatten().enumerate() {
            match BUILT_IN.iter().position(|k| k == name).and_then(|k| on.get_mut(k)) {
                Some(slot) => *slot = true,
                None => wrong.push((
                    format!("/entities/{n}"),
                    format!("unknown entity; known are {}", BUILT_IN.join(", ")),
                )),
            }
        }
        let mut kinds: Vec<Kind> = BUILT_IN.iter().map(|name| kind(name, config.action)).collect();
        let mut custom = Vec::new();
        for (n, rule) in config.custom.iter().enumerate() {
            if !is_name(&rule.name) {
                wrong.push((
                    format!("/custom/{n}/name"),
                    "use 1 to 32 lower case letters, digits, _ and -, a letter first".into(),
                ));
            } else if kinds.iter().any(|k| k.label == label(&rule.name)) {
                wrong.push((format!("/custom/{n}/name"), "this name is taken; choose another".into()));
            }
            match RegexBuilder::new(&rule.pattern).size_limit(1 << 20).build() {
                Ok(regex) if regex.is_match("") => {
                    wrong.push((
                        format!("/custom/{n}/pattern"),
                        "the pattern matches the empty text; require a character".into(),
                    ));
                }
                Ok(regex) => custom.push(regex),
                Err(error) => wrong.push((format!("/custom/{n}/pattern"), error.to_string())),
            }
            kinds.push(kind(&rule.name, rule.action.unwrap_or(config.action)));
        }
        for (name, action) in &config.actions {
            match kinds.iter_mut().find(|k| k.name == *name) {
                Some(kind) => kind.action = *action,
                None => wrong
                    .push((format!("/actions/{name}"), "no such entity, neither built in nor custom".into())),
            }
        }
        if !wrong.is_empty() {
            return Err(wrong);
        }
        let restore = config.restore.unwrap_or(true);
        Ok(Settings {
            kinds,
            scanner: Scanner::new(on),
            custom,
            allow: config.allow,
            restore,
            salt: config.salt,
        })
    }

    /// The kinds, by the index that finds carry.
    pub fn kinds(&self) -> &[Kind] {
        &self.kinds
    }

    /// A kind; finds only carry indexes that exist.
    pub fn kind(&self, index: usize) -> Option<&Kind> {
        self.kinds.get(index)
    }

    /// Everything private in a text, in order, without overlaps, without what is allowed.
    pub fn find(&self, text: &str) -> Vec<Found> {
        let mut found = Vec::new();
        self.scanner.scan(text, &mut found);
        if !self.custom.is_empty() {
            for (n, regex) in self.custom.iter().enumerate() {
                let kind = BUILT_IN.len() + n;
                found.extend(regex.find_iter(text).filter(|m| !m.is_empty()).map(|m| Found {
                    start: m.start(),
                    end: m.end(),
                    kind,
                }));
            }
            found = disjoint(found);
        }
        if !self.allow.is_empty() {
            found.retain(|f| text.get(f.start..f.end).is_none_or(|value| !self.allow.contains(value)));
        }
        found
    }
}

/// Joins overlapping finds: nothing that any of them covers may stay, and the longest names the whole
/// (the operator's own where two are equally long).
fn disjoint(mut found: Vec<Found>) -> Vec<Found> {
    found.sort_by_key(|f| (f.start, std::cmp::Reverse((f.end, f.kind))));
    let mut out: Vec<(Found, usize)> = Vec::with_capacity(found.len());
    for f in found {
        let len = f.end - f.start;
        match out.last_mut() {
            Some((last, best)) if f.start < last.end => {
                last.end = last.end.max(f.end);
                if len > *best || (len == *best && f.kind > last.kind) {
                    last.kind = f.kind;
                    *best = len;
                }
            }
            _ => out.push((f, len)),
        }
    }
    out.into_iter().map(|(f, _)| f).collect()
}

fn kind(name: &str, action: Action) -> Kind {
    Kind { name: name.to_owned(), label: label(name), action }
}

fn label(name: &str) -> String {
    name.to_ascii_uppercase().replace('-', "_")
}

fn is_name(name: &str) -> bool {
    let inner = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, b'_' | b'-');
    (1..=32).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.bytes().all(inner)
}

#[cfg(test)]
mod tests;
