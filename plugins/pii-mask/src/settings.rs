//! The configuration, and what becomes of it: kinds of entities with their actions, and how each is found.
//!
//! Invariant: the first kinds are the built-in entities in the order of [`BUILT_IN`]; the operator's own
//! patterns follow, then the lists. Everything that can be wrong is reported at once, by JSON pointer.

use crate::detect::entity::{LOCATION, PERSON, PUBLIC_PLACE, TITLE, is_impersonal};
use crate::detect::{BUILT_IN, Detector, Found, Scanner};
use crate::impersonal::Impersonal;
use crate::names::Names;
use crate::rules::{Lists, Patterns};
use regex::{Regex, RegexBuilder};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// The score a find needs, unless the operator says otherwise: chosen on one half of the recogniser cases, see
/// the README.
const THRESHOLD: f32 = 0.5;

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
    /// A value of the same form that is nobody's; restored in the answer.
    Replace,
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

/// Values of an entity of the operator's own.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct List {
    /// Lower case letters, digits, `_` and `-`.
    pub name: String,
    /// Found as whole words, whatever their case.
    pub values: Vec<String>,
    /// Overrides `action`.
    pub action: Option<Action>,
}

/// What the operator writes.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    entities: Option<Vec<String>>,
    threshold: Option<f32>,
    action: Action,
    actions: BTreeMap<String, Action>,
    impersonal: Option<Action>,
    allow: BTreeSet<String>,
    allow_domains: Vec<String>,
    custom: Vec<Custom>,
    lists: Vec<List>,
    restore: Option<bool>,
    salt: String,
    key: String,
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
    /// Whether nobody asked for it: it identifies nobody by itself, and has no flag of its own.
    pub quiet: bool,
}

/// What a wrong configuration is told: a JSON pointer and what would be right.
pub type Wrong = (String, String);

/// The configuration, ready to use.
pub struct Settings {
    kinds: Vec<Kind>,
    detectors: Vec<Box<dyn Detector + Send + Sync>>,
    names: Option<Names>,
    impersonal: Option<Impersonal>,
    allow: BTreeSet<String>,
    allow_domains: Vec<String>,
    /// Whether placeholders are replaced in the answer.
    pub restore: bool,
    /// Hashed before a value where there is no key.
    pub salt: String,
    /// Keys digests and fakes.
    pub key: String,
}

impl Settings {
    /// Checks a configuration.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn new(config: Config) -> Result<Settings, Vec<Wrong>> {
        let mut wrong = Vec::new();
        let on = switched_on(&config, &mut wrong);
        let threshold = config.threshold.unwrap_or(THRESHOLD);
        if !(0.0..=1.0).contains(&threshold) {
            wrong.push(("/threshold".into(), "use a number from 0 to 1".into()));
        }
        let built_in = |(n, name): (usize, &&str)| match config.impersonal {
            _ if !is_impersonal(n) => kind(name, config.action),
            Some(action) => kind(name, action),
            None => Kind { quiet: true, ..kind(name, Action::Flag) },
        };
        let mut kinds: Vec<Kind> = BUILT_IN.iter().enumerate().map(built_in).collect();
        let mut patterns = Vec::new();
        for (n, rule) in config.custom.iter().enumerate() {
            named(&kinds, &rule.name, &format!("/custom/{n}/name"), &mut wrong);
            match pattern(&rule.pattern) {
                Ok(regex) => patterns.push((kinds.len(), regex)),
                Err(what) => wrong.push((format!("/custom/{n}/pattern"), what)),
            }
            kinds.push(kind(&rule.name, rule.action.unwrap_or(config.action)));
        }
        let mut lists = Lists::default();
        for (n, list) in config.lists.iter().enumerate() {
            named(&kinds, &list.name, &format!("/lists/{n}/name"), &mut wrong);
            for (v, value) in list.values.iter().enumerate() {
                if !value.contains(char::is_alphanumeric) {
                    let at = format!("/lists/{n}/values/{v}");
                    wrong.push((at, "a value needs a letter or a digit".into()));
                }
                lists.add(value, kinds.len());
            }
            kinds.push(kind(&list.name, list.action.unwrap_or(config.action)));
        }
        for (name, action) in &config.actions {
            match kinds.iter_mut().find(|k| k.name == *name) {
                Some(kind) => (kind.action, kind.quiet) = (*action, false),
                None => wrong.push((
                    format!("/actions/{name}"),
                    "no such entity, neither built in nor your own".into(),
                )),
            }
        }
        if !wrong.is_empty() {
            return Err(wrong);
        }
        let mut detectors: Vec<Box<dyn Detector + Send + Sync>> =
            vec![Box::new(Scanner::new(on, per_cent(threshold)))];
        if !patterns.is_empty() {
            detectors.push(Box::new(Patterns(patterns)));
        }
        if !lists.is_empty() {
            detectors.push(Box::new(lists));
        }
        Ok(Settings {
            kinds,
            detectors,
            names: Names::new(on, per_cent(threshold)),
            impersonal: Impersonal::new(on, per_cent(threshold)),
            allow: config.allow,
            allow_domains: config.allow_domains.iter().map(|d| d.to_lowercase()).collect(),
            restore: config.restore.unwrap_or(true),
            salt: config.salt,
            key: config.key,
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

    /// Everything private in a text that `lead` comes before, in order, without overlaps, without what is
    /// allowed.
    pub fn find(&self, text: &str, lead: &str) -> Vec<Found> {
        let mut found = self.structured(text, lead);
        if let Some(names) = &self.names {
            names.detect(text, lead, &mut found);
            found.sort_by_key(|f| f.start);
        }
        if let Some(impersonal) = &self.impersonal {
            impersonal.detect(text, &mut found);
        }
        self.without_allowed(text, found)
    }

    /// The same without names: for what is no words.
    pub fn values(&self, text: &str, lead: &str) -> Vec<Found> {
        self.without_allowed(text, self.structured(text, lead))
    }

    fn structured(&self, text: &str, lead: &str) -> Vec<Found> {
        let mut found = Vec::new();
        for detector in &self.detectors {
            detector.detect(text, lead, &mut found);
        }
        if self.detectors.len() > 1 {
            found = disjoint(found);
        }
        found
    }

    /// The tagger, where names are looked for.
    pub fn names(&self) -> Option<&Names> {
        self.names.as_ref()
    }

    /// The finds whose values may not stay.
    pub fn without_allowed(&self, text: &str, mut found: Vec<Found>) -> Vec<Found> {
        if !self.allow.is_empty() || !self.allow_domains.is_empty() {
            found.retain(|f| text.get(f.start..f.end).is_none_or(|value| !self.allows(value)));
        }
        found
    }

    fn allows(&self, value: &str) -> bool {
        let domain = || value.rsplit_once('@').map(|(_, domain)| domain.to_lowercase());
        let within = |domain: String| {
            let inside = |allowed: &String| {
                domain.strip_suffix(allowed.as_str()).is_some_and(|sub| sub.is_empty() || sub.ends_with('.'))
            };
            self.allow_domains.iter().any(inside)
        };
        self.allow.contains(value) || (!self.allow_domains.is_empty() && domain().is_some_and(within))
    }
}

/// The bits of the entities that are looked for.
fn switched_on(config: &Config, wrong: &mut Vec<Wrong>) -> u128 {
    let Some(names) = &config.entities else { return u128::MAX };
    let mut on = 0;
    for (n, name) in names.iter().enumerate() {
        match BUILT_IN.iter().position(|known| known == name) {
            Some(kind) => on |= 1 << kind,
            None => {
                let known = BUILT_IN.join(", ");
                wrong.push((format!("/entities/{n}"), format!("unknown entity; known are {known}")));
            }
        }
    }
    // These are told from, or stand behind, finds of another.
    for (kind, other) in [(PUBLIC_PLACE, LOCATION), (TITLE, PERSON)] {
        if on >> kind & 1 == 1 && on >> other & 1 == 0 {
            let name = |kind: usize| BUILT_IN.get(kind).copied().unwrap_or_default();
            let what = format!("{} is found only with {}; add it", name(kind), name(other));
            wrong.push(("/entities".into(), what));
        }
    }
    on
}

/// Complains about a name that cannot be one, or that is taken.
fn named(kinds: &[Kind], name: &str, at: &str, wrong: &mut Vec<Wrong>) {
    if !is_name(name) {
        let what = "use 1 to 32 lower case letters, digits, _ and -, a letter first";
        wrong.push((at.to_owned(), what.into()));
    } else if kinds.iter().any(|k| k.label == label(name)) {
        wrong.push((at.to_owned(), "this name is taken; choose another".into()));
    }
}

fn pattern(source: &str) -> Result<Regex, String> {
    match RegexBuilder::new(source).size_limit(1 << 20).build() {
        Ok(regex) if regex.is_match("") => {
            Err("the pattern matches the empty text; require a character".into())
        }
        Ok(regex) => Ok(regex),
        Err(error) => Err(error.to_string()),
    }
}

/// A threshold as scores are counted.
fn per_cent(threshold: f32) -> u8 {
    (0..=100).find(|n| f32::from(*n) >= threshold * 100.0 - 0.01).unwrap_or(100)
}

/// Joins overlapping finds: nothing that any of them covers may stay; the best score names the whole, then the
/// longest, then the operator's own.
fn disjoint(mut found: Vec<Found>) -> Vec<Found> {
    found.sort_by_key(|f| (f.start, f.end));
    let rank = |f: &Found, len: usize| (f.score, len, f.kind);
    let mut out: Vec<(Found, usize)> = Vec::with_capacity(found.len());
    for f in found {
        let len = f.end - f.start;
        match out.last_mut() {
            Some((last, best)) if f.start < last.end => {
                last.end = last.end.max(f.end);
                if rank(&f, len) > rank(last, *best) {
                    (last.kind, last.score, *best) = (f.kind, f.score, len);
                }
            }
            _ => out.push((f, len)),
        }
    }
    out.into_iter().map(|(f, _)| f).collect()
}

fn kind(name: &str, action: Action) -> Kind {
    Kind { name: name.to_owned(), label: label(name), action, quiet: false }
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
