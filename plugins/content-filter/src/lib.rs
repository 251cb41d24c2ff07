//! `content-filter`: unwanted content by category, swear words in many languages, and the operator's own words and
//! patterns, on requests and on answers.
//!
//! `pre-request` judges every text of the request; `text-filter` judges the answer as it comes, and gives
//! the same output for every way of cutting the stream. `guard` joins what the rules (`judge`) and the classifier
//! (`classify`, `model`) say. This file only connects the hooks to the logic, which never calls the host. What matched is never put into a message, a flag or the log.
#![forbid(unsafe_code)]

mod classify;
mod features;
mod guard;
mod judge;
mod lexicon;
mod model;
mod openings;
mod patterns;
mod reader;
mod settings;
mod sums;
#[cfg(test)]
#[path = "../training/tools.rs"]
mod tools;
mod trie;
mod units;
mod verdict;
mod view;
mod walk;
mod window;
mod words;

use guard::{State, inspect};
use lockgate_sdk::prelude::*;
use model::Model;
use settings::{Config, Settings, Side};
use window::Decided;

/// Scores that say as little as this are not told.
const SHOWN: f32 = 0.01;

struct ContentFilter {
    settings: Settings,
    model: Option<Model>,
}

impl Plugin for ContentFilter {
    type Config = Config;

    fn configure(config: Config) -> Result<Self, Vec<Issue>> {
        let issues = |wrong: Vec<settings::Wrong>| {
            wrong.into_iter().map(|(at, what)| Issue::new(at, what)).collect::<Vec<_>>()
        };
        let settings = Settings::new(config).map_err(issues)?;
        let model = if settings.guards.is_empty() { None } else { Model::built_in() };
        Ok(ContentFilter { settings, model })
    }
}

impl ContentFilter {
    /// Sets what is known of a text, where it is not what was told before.
    fn report(&self, x: &Exchange, before: Option<&State>, now: &State) {
        let told = |state: &&State| self.settings.scores || state.found();
        if !told(&now) {
            return;
        }
        let before = before.filter(told);
        let (scores, seen) = now.scores(&self.settings);
        let (old_scores, old_seen) = before.map(|state| state.scores(&self.settings)).unwrap_or_default();
        for (name, severity) in seen.iter().filter(|flag| !old_seen.contains(flag)) {
            x.flag(&format!("content.{name}"), severity.name());
        }
        let score = now.score(&self.settings);
        if self.model.is_some() && before.is_none_or(|state| state.score(&self.settings) != score) {
            x.flag("content.score", &format!("{score:.3}"));
        }
        // What was told before and has become too little to tell is told once more.
        let told = |name: &str| old_scores.iter().any(|old| old.0 == name && old.1 >= SHOWN);
        let news = scores.iter().filter(|score| !old_scores.contains(score));
        for (name, score) in news.filter(|score| score.1 >= SHOWN || told(score.0)) {
            x.flag(&format!("content.score.{name}"), &format!("{score:.3}"));
        }
    }

    /// The refusal, if there is one.
    fn refusal(&self, decided: &Decided, what: &str) -> Option<Rejection> {
        let category = self.settings.categories.get(decided.stop?)?;
        let message = format!("The {what} was stopped by a content rule ({}).", category.name);
        Some(Rejection::new(400, "content_filtered", message))
    }
}

impl PreRequest for ContentFilter {
    fn on_request(&self, x: &Exchange, p: &Prompt) -> Result<Decision, Fault> {
        if !self.settings.covers(Side::Answer) {
            x.pass_answer();
        }
        if !self.settings.covers(Side::Prompt) {
            return Ok(Decision::Next);
        }
        let mut all = State::default();
        for part in p.texts() {
            let json = part.at.channel == "tool-args" || view::is_document(&part.text);
            let mut state = State::default();
            let decided = inspect(&self.settings, self.model.as_ref(), &part.text, json, true, &mut state);
            all.join(&state);
            if let Some(rejection) = self.refusal(&decided, "request") {
                self.report(x, None, &all);
                return Ok(Decision::Reject(rejection));
            }
            if !decided.changes.is_empty() {
                p.set_text(&part.at, &window::apply(&part.text, &decided))?;
            }
        }
        self.report(x, None, &all);
        Ok(Decision::Next)
    }
}

impl TextFilter for ContentFilter {
    fn inspect(&self, x: &Exchange, w: Window) -> Result<Verdict, Fault> {
        if !self.settings.covers(Side::Answer) {
            return Ok(Verdict::Pass(Pass::all(&w)));
        }
        // A repeated attempt is a new answer: what the one before left behind must not be its context.
        let attempt = x.attr("attempt").unwrap_or_default();
        let key = format!("{attempt}/{}/{}/{}", w.at.item, w.at.part, w.at.channel);
        let before = x.get(&key).map(|bytes| State::decode(&bytes)).unwrap_or_default();
        let mut now = before.clone();
        let json = w.at.channel == "tool-args";
        let decided = inspect(&self.settings, self.model.as_ref(), &w.text, json, w.last, &mut now);
        self.report(x, Some(&before), &now);
        if let Some(rejection) = self.refusal(&decided, "answer") {
            return Ok(Verdict::Stop(rejection));
        }
        // What nothing follows needs not be known to it.
        if !w.last && now != before {
            x.put(&key, &now.encode())?;
        }
        let edits = decided.changes.into_iter().map(|c| Edit::new(c.start, c.end, c.to)).collect();
        Ok(Verdict::release(decided.safe, edits))
    }
}

plugin!(ContentFilter: PreRequest, TextFilter);
