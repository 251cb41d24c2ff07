//! From matches and the classifier's probability to a score: each rule counts once, the classifier as one more
//! voice, `1 - Π(1 - weight)`.
//!
//! A match that stands wholly in quotes counts less, and so does every match where a short text speaks
//! about attacks; a match in a hidden layer counts in full, and the hiding counts as well. The text itself
//! never becomes part of a score.

use crate::layers;
use crate::markup;
use crate::rules::{Book, Match, Owner};
use crate::tokens::{Token, read};

/// What a match in quotes keeps of its weight.
const QUOTED: f64 = 0.6;
/// What it says that an instruction was hidden in another encoding or in invisible characters.
const HIDING: f64 = 0.5;
/// So many words of a turned text betray it.
const BETRAYED: usize = 2;
/// A text of more words does not merely mention an attack, whatever else it speaks of.
const MENTION: usize = 150;
/// From here on the classifier takes a hidden layer for an attack.
const SURE: f64 = 0.8;
/// From this weight on a rule is named rather than the classifier.
const CLEAR: f64 = 0.5;
/// What the classifier is called among the rules.
pub const MODEL: &str = "model";
/// Fewer tag characters are the flags among the emoji.
const TAGS: usize = 8;

/// What was made of a text.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Score {
    /// 0 to 1.
    pub value: f64,
    /// The id of the rule that weighs most; empty when none matched.
    pub rule: String,
    /// Its category.
    pub category: String,
}

/// Scores a text that was found in a scope (`user`, `tool`).
pub fn score(book: &Book, scope: &str, text: &str) -> Score {
    let tokens = read(&book.lexicon, text);
    let mut tally = Tally { book, scope, weights: vec![0.0; book.rules.len()], model: 0.0, hidden: 0.0 };
    tally.model = book.probability(scope, &tokens);
    let mut hidden_too = tokens.tags >= TAGS;
    tally.open(&tokens.all, text);
    for layer in hidden_layers(book, text, &tokens.all) {
        hidden_too |= tally.hidden(&layer);
    }
    for span in markup::hidden(text) {
        hidden_too |= tally.hidden(span);
    }
    if hidden_too {
        tally.hidden = HIDING;
    }
    tally.sum()
}

/// The texts hidden in a text.
fn hidden_layers(book: &Book, text: &str, tokens: &[Token]) -> Vec<String> {
    let betrayed = |name: &str| {
        let set = book.layers.get(name);
        set.is_some_and(|set| tokens.iter().filter(|t| t.sets.has(*set)).count() >= BETRAYED)
    };
    let mut out = layers::encoded(text);
    out.extend(layers::escaped(text));
    if betrayed("rot13") {
        out.push(layers::rot13(text));
    }
    if betrayed("reversed") {
        out.push(layers::reversed(text));
    }
    out
}

struct Tally<'b> {
    book: &'b Book,
    scope: &'b str,
    /// By rule, the most that one of its matches weighs.
    weights: Vec<f64>,
    /// What the classifier's probability weighs.
    model: f64,
    hidden: f64,
}

impl Tally<'_> {
    /// Counts what stands in the open.
    fn open(&mut self, tokens: &[Token], text: &str) {
        let matches = self.book.matches(tokens);
        let context = |m: &Match| match m.owner {
            Owner::Context(n) => self.book.contexts.get(n).copied(),
            Owner::Rule(_) => None,
        };
        let short = tokens.len() <= MENTION;
        let damping: f64 = matches.iter().filter_map(context).filter(|_| short).fold(1.0, f64::min);
        for found in &matches {
            if let Owner::Rule(rule) = found.owner {
                self.count(rule, damping * if found.quoted { QUOTED } else { 1.0 });
            }
        }
        for rule in self.book.marked(text) {
            self.count(rule, damping);
        }
    }

    /// Counts what stands in a hidden layer; whether that is anything.
    fn hidden(&mut self, layer: &str) -> bool {
        let tokens = read(&self.book.lexicon, layer);
        let mut any = false;
        for found in self.book.matches(&tokens.all) {
            if let Owner::Rule(rule) = found.owner {
                self.count(rule, 1.0);
                any = true;
            }
        }
        let heard = ["user", "tool"].map(|scope| self.book.probability(scope, &tokens));
        let loudest = heard.into_iter().fold(0.0, f64::max);
        if loudest >= SURE {
            self.model = self.model.max(loudest);
            any = true;
        }
        any
    }

    fn count(&mut self, rule: usize, factor: f64) {
        let Some(source) = self.book.rules.get(rule) else { return };
        if source.scope.as_deref().is_some_and(|scope| scope != self.scope) {
            return;
        }
        if let Some(weight) = self.weights.get_mut(rule) {
            *weight = weight.max(source.weight * factor);
        }
    }

    fn sum(self) -> Score {
        let rest: f64 = self.weights.iter().map(|w| 1.0 - w).product();
        let value = 1.0 - rest * (1.0 - self.model) * (1.0 - self.hidden);
        let named = |rule: &str, category: &str| Score {
            value,
            rule: rule.to_owned(),
            category: category.to_owned(),
        };
        let heaviest = self.weights.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
        // A rule says more than the classifier does, so a clear one is named first.
        let rule = heaviest.filter(|(_, weight)| **weight > 0.0 && **weight >= self.model.min(CLEAR));
        match rule.and_then(|(n, _)| self.book.rules.get(n)) {
            Some(rule) => named(&rule.id, &rule.category),
            None if self.model > 0.0 => {
                named(MODEL, if self.scope == "tool" { "indirect_injection" } else { "jailbreak" })
            }
            None if value > 0.0 => named("hidden.tags", "hidden_text"),
            None => Score::default(),
        }
    }
}

#[cfg(test)]
mod tests;
