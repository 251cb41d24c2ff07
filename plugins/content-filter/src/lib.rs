//! `content-filter`: the operator's own words and patterns, on requests and on answers.
//!
//! `pre-request` judges every text of the request; `text-filter` judges the answer as it comes, and gives
//! the same output for every way of cutting the stream. This file only connects the hooks to the logic,
//! which never calls the host. What matched is never put into a message, a flag or the log.
#![forbid(unsafe_code)]

mod judge;
mod patterns;
mod settings;
mod view;
mod window;
mod words;

use lockgate_sdk::prelude::*;
use settings::{Config, Settings, Side};
use window::{Before, Decided, decide};

struct ContentFilter {
    settings: Settings,
}

impl Plugin for ContentFilter {
    type Config = Config;

    fn configure(config: Config) -> Result<Self, Vec<Issue>> {
        let issues = |wrong: Vec<settings::Wrong>| {
            wrong.into_iter().map(|(at, what)| Issue::new(at, what)).collect::<Vec<_>>()
        };
        Settings::new(config).map(|settings| ContentFilter { settings }).map_err(issues)
    }
}

impl ContentFilter {
    /// Sets a flag for each category that was seen, and gives the refusal if there is one.
    fn report(&self, x: &Exchange, decided: &Decided, what: &str) -> Option<Rejection> {
        let category = |index: usize| self.settings.categories.get(index);
        for category in decided.seen.iter().filter_map(|index| category(*index)) {
            x.flag(&format!("content.{}", category.name), category.severity.name());
        }
        let category = category(decided.stop?)?;
        let message = format!("The {what} was stopped by a content rule ({}).", category.name);
        Some(Rejection::new(400, "content_filtered", message))
    }
}

impl PreRequest for ContentFilter {
    fn on_request(&self, x: &Exchange, p: &Prompt) -> Result<Decision, Fault> {
        if !self.settings.covers(Side::Prompt) {
            return Ok(Decision::Next);
        }
        for part in p.texts() {
            let json = part.at.channel == "tool-args" || view::is_document(&part.text);
            let decided = decide(&self.settings, &part.text, json, true, Before::default());
            if let Some(rejection) = self.report(x, &decided, "request") {
                return Ok(Decision::Reject(rejection));
            }
            if !decided.changes.is_empty() {
                p.set_text(&part.at, &window::apply(&part.text, &decided))?;
            }
        }
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
        let before = x.get(&key).map(|bytes| Before::decode(&bytes)).unwrap_or_default();
        let decided = decide(&self.settings, &w.text, w.at.channel == "tool-args", w.last, before);
        if let Some(rejection) = self.report(x, &decided, "answer") {
            return Ok(Verdict::Stop(rejection));
        }
        if decided.before != before {
            x.put(&key, &decided.before.encode())?;
        }
        let edits = decided.changes.into_iter().map(|c| Edit::new(c.start, c.end, c.to)).collect();
        Ok(Verdict::release(decided.safe, edits))
    }
}

plugin!(ContentFilter: PreRequest, TextFilter);
