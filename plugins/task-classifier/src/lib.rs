//! `task-classifier`: says what kind of task a request is, for rules and routers to go by.
//!
//! `features` is what it sees of a text, `model` what it makes of that. This file only connects the hook to them. It sets
//! flags and changes nothing; the text itself is never put into a flag or the log.
#![forbid(unsafe_code)]

mod features;
mod model;
#[cfg(test)]
mod tests;
#[cfg(test)]
#[path = "../training/tools.rs"]
mod tools;

use lockgate_sdk::prelude::*;
use model::{Model, Task};
use serde::Deserialize;

/// What the operator writes.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Config {
    /// How sure it must be to say anything.
    threshold: f32,
    /// What it says where it is not sure.
    otherwise: Option<Task>,
}

impl Default for Config {
    fn default() -> Self {
        Self { threshold: 0.5, otherwise: None }
    }
}

/// So many words, in so many bytes, say little.
const LITTLE: usize = 3;
const LITTLE_BYTES: usize = 30;

struct TaskClassifier {
    config: Config,
    model: Model,
}

impl Plugin for TaskClassifier {
    type Config = Config;

    fn configure(config: Config) -> Result<Self, Vec<Issue>> {
        if !(0.0..=1.0).contains(&config.threshold) {
            return Err(vec![Issue::new("/threshold", "is a share, from 0 to 1")]);
        }
        let Some(model) = Model::built_in() else {
            return Err(vec![Issue::new("", "the weights that ship with the plugin cannot be read")]);
        };
        Ok(Self { config, model })
    }
}

impl PreRequest for TaskClassifier {
    fn on_request(&self, x: &Exchange, p: &Prompt) -> Result<Decision, Fault> {
        let texts = p.texts();
        let last = |role: &str| {
            let mut of_role = texts.iter().filter(|part| part.role == role && part.at.channel == "content");
            of_role.next_back().map(|part| part.text.as_str())
        };
        if let Some((task, score)) = self.judge(last("user"), last("system").or(last("developer"))) {
            x.flag("task", task.name());
            x.flag("task.score", &format!("{score:.2}"));
        }
        Ok(Decision::Next)
    }
}

impl TaskClassifier {
    /// What the user asks for. Where they say little, or nothing that is clear, the system prompt may say what is done with it.
    fn judge(&self, user: Option<&str>, system: Option<&str>) -> Option<(Task, f32)> {
        let sure = |(_, score): &(Task, f32)| *score >= self.config.threshold;
        let by = |text: Option<&str>| self.model.judge(text?).filter(sure);
        let little = user
            .is_none_or(|text| text.split_whitespace().nth(LITTLE).is_none() && text.len() < LITTLE_BYTES);
        let (first, second) = if little { (system, user) } else { (user, system) };
        by(first).or_else(|| by(second)).or_else(|| self.config.otherwise.map(|task| (task, 0.0)))
    }
}

plugin!(TaskClassifier: PreRequest);
