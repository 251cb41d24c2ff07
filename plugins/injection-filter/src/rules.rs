//! The rule book: reads the data file and finds where its patterns match.
//!
//! A pattern is a row of steps: `word`, `one|two` (any of them), `@set` (a named list of words; may stand
//! among alternatives), a `?` after a step that may be missing, and as many dots as words may stand
//! between two steps (`..` for up to two; at most eight). Invariant: no pattern needs fewer than two words, so a single trigger word never counts.

use crate::lexicon::{Lexicon, MOST, Sets};
use crate::markers::Markers;
use crate::model::Model;
use crate::score::MODEL;
use crate::tokens::{Token, Tokens};
use serde::Deserialize;
use std::collections::{BTreeMap, HashMap};
use text_kit::fold;

/// What ships with the plugin.
pub const BUILT_IN: &str = include_str!("rules.json");

/// A rule as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RuleSource {
    /// Unique; as in the flag `injection.rule`.
    pub id: String,
    /// What the client is told.
    pub category: String,
    /// How sure a match makes us, 0 to 1.
    pub weight: f64,
    /// Only in texts of this scope (`tool`).
    pub scope: Option<String>,
    /// Rows of words.
    pub patterns: Vec<String>,
    /// Literal texts, in any case, looked for before normalisation.
    pub markers: Vec<String>,
}

/// A context as it is written: where it matches, other matches count less.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ContextSource {
    #[serde(rename = "id")]
    _id: String,
    factor: f64,
    patterns: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct BookSource {
    words: BTreeMap<String, String>,
    rules: Vec<RuleSource>,
    context: Vec<ContextSource>,
    layers: BTreeMap<String, String>,
}

/// A rule, ready to use.
#[derive(Debug)]
pub struct Rule {
    /// Unique.
    pub id: String,
    /// What the client is told.
    pub category: String,
    /// How sure a match makes us.
    pub weight: f64,
    /// Only in texts of this scope.
    pub scope: Option<String>,
}

/// What a pattern belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// The rule of this index.
    Rule(usize),
    /// The context of this index.
    Context(usize),
}

#[derive(Clone, Copy, Debug)]
struct Step {
    set: usize,
    gap: usize,
    optional: bool,
}

#[derive(Debug)]
struct Pattern {
    owner: Owner,
    steps: Vec<Step>,
}

/// A match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Match {
    /// What matched.
    pub owner: Owner,
    /// Whether all of it stands in quotes.
    pub quoted: bool,
}

/// All rules, ready to use.
#[derive(Debug, Default)]
pub struct Book {
    /// The words.
    pub lexicon: Lexicon,
    /// The rules.
    pub rules: Vec<Rule>,
    /// The factors of the contexts.
    pub contexts: Vec<f64>,
    /// The set of words that betray each layer, by its name.
    pub layers: BTreeMap<String, usize>,
    /// The classifier, and what its probability weighs.
    pub model: Option<(Model, f64)>,
    patterns: Vec<Pattern>,
    /// For each set that starts patterns, which.
    starts: BTreeMap<usize, Vec<usize>>,
    starting: Sets,
    markers: Markers,
    named: BTreeMap<String, Vec<String>>,
    sets: HashMap<String, usize, std::hash::BuildHasherDefault<crate::lexicon::Fnv>>,
}

impl Book {
    /// Reads the built-in rules.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn built_in() -> Result<Book, String> {
        let source: BookSource = serde_json::from_str(BUILT_IN).map_err(|error| error.to_string())?;
        let model = Model::built_in().ok_or("the classifier's file is damaged")?;
        let mut book = Book { model: Some((model, 1.0)), ..Book::default() };
        for (name, words) in &source.words {
            book.named.insert(name.clone(), words.split_whitespace().map(fold::word).collect());
        }
        for rule in source.rules {
            let id = rule.id.clone();
            book.add(rule).map_err(|error| format!("{id}: {error}"))?;
        }
        for context in source.context {
            let owner = Owner::Context(book.contexts.len());
            book.contexts.push(context.factor);
            for pattern in &context.patterns {
                book.pattern(owner, pattern)?;
            }
        }
        for (name, words) in source.layers {
            let set = book.set(&words.split_whitespace().collect::<Vec<_>>().join("|"))?;
            book.layers.insert(name, set);
        }
        Ok(book)
    }

    /// Adds a rule.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn add(&mut self, source: RuleSource) -> Result<(), String> {
        if !(0.0..=1.0).contains(&source.weight) || source.weight == 0.0 {
            return Err("give it a weight above 0 and up to 1".to_owned());
        }
        if source.id.is_empty()
            || source.category.is_empty()
            || (source.patterns.is_empty() && source.markers.is_empty())
        {
            return Err("give it an id, a category and at least one pattern".to_owned());
        }
        if source.id == MODEL || self.rules.iter().any(|rule| rule.id == source.id) {
            return Err("this id is taken; choose another".to_owned());
        }
        let index = self.rules.len();
        self.rules.push(Rule {
            id: source.id,
            category: source.category,
            weight: source.weight,
            scope: source.scope,
        });
        for marker in &source.markers {
            if marker.trim().len() < 4 {
                return Err("a marker needs at least 4 bytes".to_owned());
            }
            self.markers.add(marker, index);
        }
        source.patterns.iter().try_for_each(|pattern| self.pattern(Owner::Rule(index), pattern))
    }

    /// Gives a rule, or the classifier, another weight; whether there is such a rule.
    pub fn weigh(&mut self, id: &str, weight: f64) -> bool {
        if let (MODEL, Some((_, own))) = (id, &mut self.model) {
            *own = weight;
            return true;
        }
        let rule = self.rules.iter_mut().find(|rule| rule.id == id);
        rule.map(|rule| rule.weight = weight).is_some()
    }

    fn pattern(&mut self, owner: Owner, text: &str) -> Result<(), String> {
        let mut steps = Vec::new();
        let mut gap = 0;
        for part in text.split_whitespace() {
            if part.bytes().all(|c| c == b'.') {
                gap = part.len();
                continue;
            }
            let (names, optional) = part.strip_suffix('?').map_or((part, false), |names| (names, true));
            steps.push(Step { set: self.set(names)?, gap: std::mem::take(&mut gap), optional });
        }
        let needed = steps.iter().filter(|step| !step.optional).count();
        let starts_well = steps.first().is_some_and(|step| !step.optional && step.gap == 0);
        if needed < 2 || !starts_well || steps.iter().any(|step| step.gap > 8) {
            return Err(format!(
                "{text:?}: a pattern needs two words, begins with one that may not be missing, and skips at most eight"
            ));
        }
        let first = steps.first().map_or(0, |step| step.set);
        self.starting.add(first);
        self.starts.entry(first).or_default().push(self.patterns.len());
        self.patterns.push(Pattern { owner, steps });
        Ok(())
    }

    /// The set for `one|@two`, made when it is new.
    fn set(&mut self, names: &str) -> Result<usize, String> {
        if let Some(set) = self.sets.get(names) {
            return Ok(*set);
        }
        let set = self.sets.len();
        if set >= MOST {
            return Err(format!("more than {MOST} different sets of words"));
        }
        self.sets.insert(names.to_owned(), set);
        for name in names.split('|') {
            match name.strip_prefix('@') {
                Some(name) => {
                    let words = self
                        .named
                        .get(name)
                        .ok_or_else(|| format!("there is no list of words called {name}"))?;
                    words.iter().for_each(|word| self.lexicon.add(word, set));
                }
                None => match fold::word(name) {
                    word if word.is_empty() => return Err(format!("{names:?} has an empty word")),
                    word => self.lexicon.add(&word, set),
                },
            }
        }
        Ok(set)
    }

    /// Everything that matches in a row of tokens.
    pub fn matches(&self, tokens: &[Token]) -> Vec<Match> {
        let mut out = Vec::new();
        for (at, token) in tokens.iter().enumerate().filter(|(_, token)| token.sets.meets(&self.starting)) {
            for set in token.sets.shared(&self.starting) {
                for pattern in
                    self.starts.get(&set).into_iter().flatten().filter_map(|n| self.patterns.get(*n))
                {
                    let rest = tokens.get(at + 1..).unwrap_or_default();
                    let Some(len) = follow(pattern.steps.get(1..).unwrap_or_default(), rest) else {
                        continue;
                    };
                    let quoted =
                        token.quoted && rest.get(..len).is_some_and(|all| all.iter().all(|t| t.quoted));
                    let found = Match { owner: pattern.owner, quoted };
                    if !out.contains(&found) {
                        out.push(found);
                    }
                }
            }
        }
        out
    }

    /// What the classifier's probability of an attack weighs.
    pub fn probability(&self, scope: &str, text: &Tokens) -> f64 {
        self.model.as_ref().map_or(0.0, |(model, weight)| weight * model.probability(scope, text))
    }

    /// The rules whose markers stand in a text.
    pub fn marked(&self, text: &str) -> Vec<usize> {
        self.markers.found(text)
    }
}

/// How many tokens the steps take, where they match from the first token on.
fn follow(steps: &[Step], tokens: &[Token]) -> Option<usize> {
    let Some((step, later)) = steps.split_first() else { return Some(0) };
    for skip in 0..=step.gap {
        if tokens.get(skip).is_some_and(|token| token.sets.has(step.set))
            && let Some(rest) = follow(later, tokens.get(skip + 1..)?)
        {
            return Some(skip + 1 + rest);
        }
    }
    if step.optional { follow(later, tokens) } else { None }
}

#[cfg(test)]
mod tests;
