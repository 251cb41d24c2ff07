//! The configuration, and what becomes of it: categories, rules over one set of words and a list of patterns, and
//! thresholds for the classifier's heads.
//!
//! Everything that can be wrong is reported at once, by JSON pointer.

use crate::model::NAMES;
use crate::patterns::Pattern;
use crate::trie::Word;
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
    /// Nothing: it is not even looked for.
    Off,
}

/// How bad a category is; also its action where none is written.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
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
    severity: Option<Severity>,
    action: Option<Action>,
    threshold: Option<f32>,
    min_severity: Option<Severity>,
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
    languages: Option<Vec<String>>,
    classifier: Option<bool>,
    scores: bool,
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

/// What a head of the classifier does.
#[derive(Clone, Copy, Debug)]
pub struct Guard {
    /// The head.
    pub head: usize,
    /// An index into the categories.
    pub category: usize,
    /// What happens from `min_severity` on; below, the flag is set.
    pub action: Action,
    /// The least score that counts.
    pub threshold: f32,
    /// The least severity that the action is for.
    pub min_severity: Severity,
}

impl Guard {
    /// How bad a score is: in thirds of what is above the threshold.
    pub fn severity(&self, score: f32) -> Option<Severity> {
        let above = (score - self.threshold) / (1.0 - self.threshold).max(f32::EPSILON);
        match above {
            _ if score < self.threshold => None,
            a if a < THIRD => Some(Severity::Low),
            a if a < 2.0 * THIRD => Some(Severity::Medium),
            _ => Some(Severity::High),
        }
    }
}

const THIRD: f32 = 1.0 / 3.0;
/// The score from which a head's category is flagged, unless configured.
const THRESHOLD: f32 = 0.5;

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
    /// The heads of the classifier that are looked at.
    pub guards: Vec<Guard>,
    /// Whether scores are told where nothing was found.
    pub scores: bool,
    /// What stands in place of a match.
    pub mask: String,
    /// The longest match of a pattern.
    pub max: usize,
    sides: Vec<Side>,
}

/// The words the option `profanity` adds.
const PROFANITY: &str = include_str!("../data/profanity.txt");

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
            action: Some(config.action.unwrap_or(Action::Stop)),
            words: config.words,
            patterns: config.patterns,
            ..CategoryConfig::default()
        };
        build.category("custom", "", own);
        let mut categories = config.categories;
        if let Some(languages) = &config.languages {
            build.languages(languages);
        }
        let profane = categories.get("profanity").and_then(|c| c.action).or(config.profanity);
        let least = categories.get("profanity").and_then(|c| c.min_severity).unwrap_or(Severity::Medium);
        build.profanity(profane.unwrap_or(Action::Flag), least, config.languages.as_deref());
        if config.classifier.unwrap_or(true) {
            build.guards(&mut categories);
        }
        for (name, mut category) in categories {
            let pointer = format!("/categories/{}", name.replace('~', "~0").replace('/', "~1"));
            let plain = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, b'_' | b'-');
            if name.is_empty() || name.len() > 32 || !name.bytes().all(plain) {
                let what = "name categories with 1 to 32 of a-z, 0-9, _ and -";
                build.wrong.push((pointer.clone(), what.into()));
            }
            if name == "custom" {
                build.wrong.push((pointer.clone(), "this name is built in; choose another".into()));
            }
            let judged = NAMES.iter().skip(1).any(|judged| *judged == name);
            let listed = name == "profanity" && category.threshold.is_none();
            if !judged && !listed && (category.threshold.is_some() || category.min_severity.is_some()) {
                let what = "only what the classifier knows has a threshold: sexual, hate, violence, harassment, self-harm, sexual-minors";
                build.wrong.push((pointer.clone(), what.into()));
            }
            if category
                .threshold
                .is_some_and(|threshold| !(0.0..1.0).contains(&threshold) || threshold == 0.0)
            {
                build
                    .wrong
                    .push((format!("{pointer}/threshold"), "choose more than 0 and less than 1".into()));
            }
            if name == "profanity" {
                category.action = category.action.or(profane).or(Some(Action::Flag));
            }
            build.category(&name, &pointer, category);
        }
        let sides = config.apply_to.unwrap_or_else(|| vec![Side::Prompt, Side::Answer]);
        if sides.is_empty() {
            build.wrong.push(("/apply_to".into(), "name prompt, answer or both".into()));
        }
        let words = Words::new(&build.words);
        if !build.wrong.is_empty() {
            return Err(build.wrong);
        }
        let mask = config.mask_with.unwrap_or_else(|| "***".to_owned());
        Ok(Settings {
            categories: build.categories,
            rules: build.rules,
            words,
            patterns: build.patterns,
            guards: build.guards,
            scores: config.scores,
            mask,
            max: build.max,
            sides,
        })
    }

    /// Whether a side is filtered.
    pub fn covers(&self, side: Side) -> bool {
        self.sides.contains(&side) && !(self.rules.is_empty() && self.guards.is_empty())
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
    words: Vec<Word>,
    patterns: Vec<(Pattern, usize)>,
    guards: Vec<Guard>,
    wrong: Vec<Wrong>,
    max: usize,
}

impl Build {
    /// Every language must be one that there is a list for.
    fn languages(&mut self, languages: &[String]) {
        for (n, language) in languages.iter().enumerate() {
            if !PROFANITY.lines().any(|line| line.strip_prefix("= ") == Some(language)) {
                let known: Vec<&str> = PROFANITY.lines().filter_map(|line| line.strip_prefix("= ")).collect();
                self.wrong.push((format!("/languages/{n}"), format!("choose of {}", known.join(", "))));
            }
        }
    }

    /// Adds the lists of swear words, the mild ones, where they are asked for, as a category of the same name and a
    /// lower severity.
    fn profanity(&mut self, action: Action, least: Severity, languages: Option<&[String]>) {
        if action == Action::Off {
            return;
        }
        let mut rule = |severity| {
            self.categories.push(Category { name: "profanity".to_owned(), severity });
            self.rule(self.categories.len() - 1, action)
        };
        let (mild, usual) = (rule(Severity::Low), rule(Severity::Medium));
        let mut language = "";
        for line in PROFANITY.lines().filter(|line| !line.starts_with('#')) {
            if let Some(name) = line.strip_prefix("= ") {
                language = name;
            } else if languages.is_none_or(|chosen| chosen.iter().any(|chosen| chosen == language)) {
                let (word, rule) = line.strip_prefix('~').map_or((line, usual), |word| (word, mild));
                // Parts of foreign words are everyday words of other languages.
                let split = language == "en" && word.len() > 3;
                if rule == usual || least == Severity::Low {
                    self.words.push(Word { text: word.to_owned(), rule, split });
                }
            }
        }
    }

    /// Adds the heads of the classifier.
    fn guards(&mut self, categories: &mut BTreeMap<String, CategoryConfig>) {
        for (head, name) in NAMES.iter().enumerate().skip(1) {
            let of = categories.get_mut(*name);
            let (action, threshold, min_severity) =
                of.map(|c| (c.action, c.threshold, c.min_severity)).unwrap_or_default();
            let action = action.unwrap_or(Action::Flag);
            if action != Action::Off {
                self.categories.push(Category { name: (*name).to_owned(), severity: Severity::Low });
                self.guards.push(Guard {
                    head,
                    category: self.categories.len() - 1,
                    action,
                    threshold: threshold.unwrap_or(THRESHOLD),
                    min_severity: min_severity.unwrap_or(Severity::Low),
                });
            }
        }
    }

    fn rule(&mut self, category: usize, action: Action) -> usize {
        self.rules.push(Rule { category, action });
        self.rules.len() - 1
    }

    fn category(&mut self, name: &str, pointer: &str, config: CategoryConfig) {
        let category = self.categories.len();
        let severity = config.severity.unwrap_or_default();
        let action = config.action.unwrap_or(severity.action());
        self.categories.push(Category { name: name.to_owned(), severity });
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
                    word => self.words.push(Word { text: word.to_owned(), rule, split: true }),
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
