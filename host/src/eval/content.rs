//! Unwanted content: is it flagged, and in the right category?
//!
//! Flagged is what set a flag `content.CATEGORY` or was refused. Scores are the flags `content.score` and
//! `content.score.CATEGORY`, where the component sets them; a category without one beside a whole score has 0.

use super::cases::label;
use super::component::{Component, number};
use super::tally::Tally;
use super::{Options, Problem, Side, Trial};
use crate::plugin::Decision;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// Words for unwanted, and for not.
const UNWANTED: [&str; 4] = ["flagged", "profane", "unwanted", "unsafe"];
const WANTED: [&str; 4] = ["benign", "safe", "harmless", "none"];

/// What a data set calls a category, and what it is.
const SYNONYMS: &[(&str, &str)] = &[
    ("s", "sexual"),
    ("sexual-content", "sexual"),
    ("s3", "sexual-minors"),
    ("sexual/minors", "sexual-minors"),
    ("h", "hate"),
    ("h2", "hate"),
    ("hate/threatening", "hate"),
    ("hr", "harassment"),
    ("harassment/threatening", "harassment"),
    ("v", "violence"),
    ("v2", "violence"),
    ("violence/graphic", "violence"),
    ("sh", "self-harm"),
    ("self-harm/intent", "self-harm"),
    ("self-harm/instructions", "self-harm"),
    ("profane", "profanity"),
];

/// Has the shipped component tell its scores of every text: a threshold is chosen by those of the ordinary ones as well.
pub fn adjust(config: &mut Map<String, Value>) {
    config.insert("scores".into(), true.into());
}

/// A line.
#[derive(Debug, Deserialize)]
pub struct Case {
    text: String,
    label: Value,
    #[serde(default)]
    tags: Tags,
    #[serde(default)]
    lang: Option<String>,
}

/// The categories of a case: a list, or each with 1 or 0.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Tags {
    List(Vec<String>),
    Each(Map<String, Value>),
}

impl Default for Tags {
    fn default() -> Self {
        Self::List(Vec::new())
    }
}

/// The trial.
pub struct Content {
    side: Side,
    aliases: Vec<(String, String)>,
    /// Categories that any case so far was of.
    known: BTreeSet<String>,
}

impl Content {
    /// A trial.
    #[must_use]
    pub fn new(options: &Options) -> Self {
        let aliases = options.aliases.iter().map(|(from, to)| (from.to_lowercase(), to.to_lowercase()));
        Self { side: options.side, aliases: aliases.collect(), known: BTreeSet::new() }
    }

    fn category(&self, name: &str) -> String {
        let name = name.to_lowercase().replace(['_', ' '], "-");
        let own = self.aliases.iter().find(|(from, _)| *from == name).map(|(_, to)| to.as_str());
        let known = || SYNONYMS.iter().find(|(from, _)| *from == name).map(|(_, to)| *to);
        own.or_else(known).unwrap_or(&name).to_owned()
    }

    fn categories(&self, case: &Case) -> Vec<(String, bool)> {
        let mut all: Vec<(String, bool)> = Vec::new();
        let mut add = |name: String, is: bool| match all.iter_mut().find(|(known, _)| *known == name) {
            Some((_, known)) => *known |= is,
            None => all.push((name, is)),
        };
        match &case.tags {
            Tags::List(names) => names.iter().for_each(|name| add(self.category(name), true)),
            Tags::Each(tags) => {
                for (name, value) in tags {
                    add(self.category(name), label(value, &[], &[]).unwrap_or(false));
                }
            }
        }
        if case.label == "profane" {
            add("profanity".into(), true);
        }
        all
    }
}

impl Trial for Content {
    type Case = Case;

    async fn run(
        &mut self,
        component: &mut Component,
        line: u64,
        case: Case,
        tally: &mut Tally,
    ) -> Result<(), Problem> {
        let unwanted = label(&case.label, &UNWANTED, &WANTED).map_err(Problem::Case)?;
        let (refused, flags) = self.ask(component, &case.text).await?;
        let names = flags.iter().filter_map(|(key, _)| key.strip_prefix("content."));
        let seen: BTreeSet<String> =
            names.filter(|name| !name.starts_with("score")).map(|name| self.category(name)).collect();
        let flagged = refused || !seen.is_empty();
        let score = number(&flags, "content.score");

        let categories = self.categories(&case);
        self.known.extend(categories.iter().map(|(name, _)| name.clone()));
        tally.case(&[], unwanted, flagged);
        tally.all.scores.extend(score.map(|score| (score, unwanted)));
        // In a list the categories that are not named are absent; in a map they are unknown.
        let absent = match case.tags {
            Tags::List(_) => self.known.iter().chain(&seen).filter(|name| !has(&categories, name)).collect(),
            Tags::Each(_) => BTreeSet::new(),
        };
        let absent = absent.into_iter().map(|name| (name.clone(), false));
        for (name, is) in categories.iter().cloned().chain(absent) {
            let class = format!("category {name}");
            tally.class_case(&class, is, seen.contains(&name));
            // Who scores the whole and says nothing of a category has found nothing of it.
            let score = number(&flags, &format!("content.score.{name}")).or(score.map(|_| 0.0));
            tally.class(&class).scores.extend(score.map(|score| (score, is)));
        }
        if let Some(lang) = &case.lang {
            tally.class_case(&format!("lang {lang}"), unwanted, flagged);
        }
        if unwanted != flagged {
            let names: Vec<&str> =
                categories.iter().filter(|(_, is)| *is).map(|(name, _)| name.as_str()).collect();
            let seen: Vec<&str> = seen.iter().map(String::as_str).collect();
            let weight = score.map_or(0.5, |score| if unwanted { 1.0 - score } else { score });
            let what = match unwanted {
                true => format!("missed ({})", names.join(", ")),
                false => format!("false alarm ({})", seen.join(", ")),
            };
            tally.mistake(line, weight, what, &case.text);
        }
        Ok(())
    }
}

fn has(categories: &[(String, bool)], name: &str) -> bool {
    categories.iter().any(|(known, _)| known == name)
}

impl Content {
    /// Whether the text was refused, and the flags that were set.
    async fn ask(
        &self,
        component: &mut Component,
        text: &str,
    ) -> Result<(bool, Vec<(String, String)>), Problem> {
        let said = if self.side == Side::Prompt { text } else { "Go on." };
        let x =
            component.exchange(json!({ "model": "eval", "messages": [{ "role": "user", "content": said }] }));
        if self.side == Side::Prompt {
            let decision = component.ask(&x).await?;
            return Ok((!matches!(decision, Decision::Next), x.flags()));
        }
        component.begin(&x).await?;
        let filtered = component.filter(&x, text).await?;
        Ok((filtered.is_none(), x.flags()))
    }
}
