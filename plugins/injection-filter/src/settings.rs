//! The configuration, and what becomes of it: the rule book, thresholds by scope, what a find leads to.
//!
//! Everything that can be wrong is reported at once, by JSON pointer.

use crate::rules::{Book, RuleSource};
use crate::score::{Score, score};
use serde::Deserialize;
use std::collections::BTreeMap;

/// What a find leads to.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// The request is refused.
    #[default]
    Reject,
    /// Only the flags are set.
    Flag,
    /// The request goes on, on another route.
    Reroute,
    /// The request is kept for review, and refused.
    Quarantine,
}

/// What the operator writes.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    threshold: Option<f64>,
    action: Action,
    route: Option<String>,
    scopes: Option<BTreeMap<String, f64>>,
    rules: Vec<RuleSource>,
    weights: BTreeMap<String, f64>,
    disabled: Vec<String>,
}

/// What a wrong configuration is told: a JSON pointer and what would be right.
pub type Wrong = (String, String);

/// The configuration, ready to use.
pub struct Settings {
    book: Book,
    scopes: BTreeMap<String, f64>,
    /// What a find leads to.
    pub action: Action,
    /// Where `reroute` leads.
    pub route: String,
}

impl Settings {
    /// Checks a configuration.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn new(config: Config) -> Result<Settings, Vec<Wrong>> {
        let mut book = Book::built_in()
            .map_err(|error| vec![(String::new(), format!("the built-in rules: {error}"))])?;
        let mut wrong = Vec::new();
        for (n, rule) in config.rules.into_iter().enumerate() {
            if let Err(error) = book.add(rule) {
                wrong.push((format!("/rules/{n}"), error));
            }
        }
        for (id, weight) in &config.weights {
            if !(0.0..=1.0).contains(weight) {
                wrong.push((format!("/weights/{id}"), "choose a number from 0 to 1".into()));
            } else if !book.weigh(id, *weight) {
                wrong.push((format!("/weights/{id}"), "there is no such rule".into()));
            }
        }
        for (n, id) in config.disabled.iter().enumerate() {
            if !book.weigh(id, 0.0) {
                wrong.push((format!("/disabled/{n}"), "there is no such rule".into()));
            }
        }
        let threshold = config.threshold.unwrap_or(0.8);
        let scopes =
            config.scopes.unwrap_or_else(|| ["user", "tool"].map(|s| (s.to_owned(), threshold)).into());
        let all = scopes.iter().map(|(name, value)| (format!("/scopes/{name}"), value));
        for (pointer, value) in all.chain([("/threshold".to_owned(), &threshold)]) {
            let usable = *value > 0.0 && *value <= 1.0;
            if !usable && !wrong.iter().any(|(at, _)| *at == pointer) {
                wrong.push((pointer, "choose a number above 0 and up to 1".into()));
            }
        }
        match (config.action, &config.route) {
            (Action::Reroute, None) => {
                wrong.push(("/route".into(), "reroute needs the name of a route".into()))
            }
            (Action::Reroute, Some(_)) | (_, None) => {}
            (_, Some(_)) => wrong.push((
                "/route".into(),
                "only reroute uses a route; remove it or set action: reroute".into(),
            )),
        }
        if !wrong.is_empty() {
            return Err(wrong);
        }
        Ok(Settings { book, scopes, action: config.action, route: config.route.unwrap_or_default() })
    }

    /// Scores a text of a role and channel against its scope's threshold: the score, and whether it is a
    /// find. `None` where the scope is not watched.
    pub fn judge(&self, role: &str, channel: &str, text: &str) -> Option<(Score, bool)> {
        let scope = scope(role, channel);
        let threshold = self.scopes.get(scope)?;
        let score = score(&self.book, scope, text);
        // Half a hundredth of slack: the flag shows two places, and what shows as the threshold is a find.
        let found = score.value + 0.005 > *threshold;
        Some((score, found))
    }
}

/// What a text counts as: whatever tools say about themselves or answer is `tool`; the rest goes by role.
fn scope<'r>(role: &'r str, channel: &str) -> &'r str {
    match channel {
        "tool-result" | "tool-description" => "tool",
        _ => role,
    }
}

#[cfg(test)]
mod tests;
