//! The configuration, and what becomes of it: categories, and rules over one set of words and a list of
//! patterns.
//!
//! Everything that can be wrong is reported at once, by JSON pointer.

use crate::patterns::Pattern;
use crate::words::Words;
use serde::Deserialize;
use std::collections::BTreeMap;

/// What happens to a match.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// The request is refused; the answer ends with an error.
    Stop,
    /// The match is replaced.
    Mask,
    /// Only the flag is set.
    Flag,
}

/// How bad a category is; also its action where none is written.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth a flag.
    Low,
    /// Worth a mask.
    #[default]
    Medium,
    /// Worth a stop.
    High,
}

impl Severity {
    /// As in the flag's value.
    pub fn name(self) -> &'static str {
        match self {
            Severity::Low => "low",
            Severity::Medium => "medium",
            Severity::High => "high",
        }
    }

    fn action(self) -> Action {
        match self {
            Severity::Low => Action::Flag,
            Severity::Medium => Action::Mask,
            Severity::High => Action::Stop,
        }
    }
}

/// Which side is filtered.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// What goes to the model.
    Prompt,
    /// What comes back.
    Answer,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PatternConfig {
    name: String,
    pattern: String,
    action: Option<Action>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct CategoryConfig {
    severity: Severity,
    action: Option<Action>,
    words: Vec<String>,
    patterns: Vec<PatternConfig>,
}

/// What the operator writes.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    words: Vec<String>,
    patterns: Vec<PatternConfig>,
    categories: BTreeMap<String, CategoryConfig>,
    action: Option<Action>,
    apply_to: Option<Vec<Side>>,
    profanity: Option<Action>,
    mask_with: Option<String>,
    max_match_bytes: Option<usize>,
}

/// A category, as flags and messages name it.
#[derive(Debug)]
pub struct Category {
    /// Its name.
    pub name: String,
    /// How bad it is.
    pub severity: Severity,
}

/// What a match means.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// An index into the categories.
    pub category: usize,
    /// What happens.
    pub action: Action,
}

/// What a wrong configuration is told: a JSON pointer and what would be right.
pub type Wrong = (String, String);

/// The configuration, ready to use.
#[derive(Debug)]
pub struct Settings {
    /// The categories.
    pub categories: Vec<Category>,
    /// The rules.
    pub rules: Vec<Rule>,
    /// The words of all rules.
    pub words: Words,
    /// The patterns, each with the index of its rule.
    pub patterns: Vec<(Pattern, usize)>,
    /// What stands in place of a match.
    pub mask: String,
    /// The longest match of a pattern.
    pub max: usize,
    sides: Vec<Side>,
}

/// The words the option `profanity` adds.
const PROFANITY: &str = include_str!("profanity.txt");

impl Settings {
    /// Checks a configuration.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn new(config: Config) -> Result<Settings, Vec<Wrong>> {
        let mut build = Build { max: config.max_match_bytes.unwrap_or(64), ..Build::default() };
        if !(1..=4096).contains(&build.max) {
            build.wrong.push(("/max_match_bytes".into(), "choose 1 to 4096".into()));
        }
        let own = CategoryConfig {
            severity: Severity::Medium,
            action: Some(config.action.unwrap_or(Action::Stop)),
            words: config.words,
            patterns: config.patterns,
        };
        build.category("custom", "", own);
        if let Some(action) = config.profanity {
            let words = PROFANITY.lines().map(str::to_owned).collect();
            build.category(
                "profanity",
                "",
                CategoryConfig { severity: Severity::Low, action: Some(action), words, patterns: Vec::new() },
            );
        }
        for (name, category) in config.categories {
            let pointer = format!("/categories/{}", name.replace('~', "~0").replace('/', "~1"));
            let plain = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, b'_' | b'-');
            if name.is_empty() || name.len() > 32 || !name.bytes().all(plain) {
                build
                    .wrong
                    .push((pointer.clone(), "name categories with 1 to 32 of a-z, 0-9, _ and -".into()));
            }
            if build.categories.iter().any(|c| c.name == name) {
                build.wrong.push((pointer.clone(), "this name is built in; choose another".into()));
            }
            build.category(&name, &pointer, category);
        }
        let sides = config.apply_to.unwrap_or_else(|| vec![Side::Prompt, Side::Answer]);
        if sides.is_empty() {
            build.wrong.push(("/apply_to".into(), "name prompt, answer or both".into()));
        }
        let words =
            Words::new(&build.words).map_err(|error| vec![("/words".to_owned(), error.to_string())])?;
        if !build.wrong.is_empty() {
            return Err(build.wrong);
        }
        let mask = config.mask_with.unwrap_or_else(|| "***".to_owned());
        Ok(Settings {
            categories: build.categories,
            rules: build.rules,
            words,
            patterns: build.patterns,
            mask,
            max: build.max,
            sides,
        })
    }

    /// Whether a side is filtered.
    pub fn covers(&self, side: Side) -> bool {
        self.sides.contains(&side) && !self.rules.is_empty()
    }

    /// The rule of an index that [`Words`] or the patterns carry.
    pub fn rule(&self, index: usize) -> Option<&Rule> {
        self.rules.get(index)
    }
}

/// What is gathered while the configuration is read.
#[derive(Default)]
struct Build {
    categories: Vec<Category>,
    rules: Vec<Rule>,
    words: Vec<(String, usize)>,
    patterns: Vec<(Pattern, usize)>,
    wrong: Vec<Wrong>,
    max: usize,
}

impl Build {
    fn rule(&mut self, category: usize, action: Action) -> usize {
        self.rules.push(Rule { category, action });
        self.rules.len() - 1
    }

    fn category(&mut self, name: &str, pointer: &str, config: CategoryConfig) {
        let category = self.categories.len();
        let action = config.action.unwrap_or(config.severity.action());
        self.categories.push(Category { name: name.to_owned(), severity: config.severity });
        if !config.words.is_empty() {
            let rule = self.rule(category, action);
            for (n, word) in config.words.iter().enumerate() {
                match word.trim() {
                    "" => self.wrong.push((
                        format!("{pointer}/words/{n}"),
                        "an empty word matches nothing; remove it".into(),
                    )),
                    word if word.len() > 256 => self.wrong.push((
                        format!("{pointer}/words/{n}"),
                        "longer than 256 bytes; use a pattern".into(),
                    )),
                    word => self.words.push((word.to_owned(), rule)),
                }
            }
        }
        for (n, pattern) in config.patterns.into_iter().enumerate() {
            if pattern.name.is_empty() {
                self.wrong.push((format!("{pointer}/patterns/{n}/name"), "give it a name".into()));
            }
            let rule = self.rule(category, pattern.action.unwrap_or(action));
            match Pattern::new(&pattern.pattern, self.max) {
                Ok(compiled) => self.patterns.push((compiled, rule)),
                Err(error) => self.wrong.push((format!("{pointer}/patterns/{n}/pattern"), error)),
            }
        }
    }
}

#[cfg(test)]
mod tests;
