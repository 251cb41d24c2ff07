//! `injection-filter`: scores what users and tools say for attempts to take the model over, and acts on it.
//!
//! `score` joins what the rules (`rules`) and the classifier (`model`) say of a text as `tokens` reads it and of
//! what `layers` and `markup` find hidden in it. This file only connects the hook to that logic, which never
//! calls the host. The text itself is never put into a message, a flag or the log.
#![forbid(unsafe_code)]

mod features;
mod layers;
mod lexicon;
mod markers;
mod markup;
mod model;
mod rules;
mod score;
mod settings;
mod tokens;
#[cfg(test)]
#[path = "../training/tools.rs"]
mod tools;

use lockgate_sdk::prelude::*;
use score::Score;
use settings::{Action, Config, Settings};

/// A score that shows as zero is none.
const SHOWN: f64 = 0.005;

struct InjectionFilter {
    settings: Settings,
}

impl Plugin for InjectionFilter {
    type Config = Config;

    fn configure(config: Config) -> Result<Self, Vec<Issue>> {
        let issues = |wrong: Vec<settings::Wrong>| {
            wrong.into_iter().map(|(at, what)| Issue::new(at, what)).collect::<Vec<_>>()
        };
        Settings::new(config).map(|settings| InjectionFilter { settings }).map_err(issues)
    }
}

impl PreRequest for InjectionFilter {
    fn on_request(&self, x: &Exchange, p: &Prompt) -> Result<Decision, Fault> {
        let texts = p.texts();
        let judged =
            texts.iter().filter_map(|part| self.settings.judge(&part.role, &part.at.channel, &part.text));
        // A find outweighs a higher score that its own scope tolerates.
        let worst = judged
            .max_by(|(a, a_found), (b, b_found)| a_found.cmp(b_found).then(a.value.total_cmp(&b.value)));
        let Some((score, found)) = worst.filter(|(score, _)| score.value >= SHOWN) else {
            return Ok(Decision::Next);
        };
        x.flag("injection.score", &format!("{:.2}", score.value));
        x.flag("injection.rule", &score.rule);
        if !found {
            return Ok(Decision::Next);
        }
        Ok(match self.settings.action {
            Action::Flag => Decision::Next,
            Action::Reject => Decision::Reject(rejection(&score)),
            Action::Quarantine => Decision::Quarantine(rejection(&score)),
            Action::Reroute => Decision::Reroute(self.settings.route.clone()),
        })
    }
}

fn rejection(score: &Score) -> Rejection {
    let message = format!("The request looks like an attempt to manipulate the model ({}).", score.category);
    Rejection::new(400, "prompt_injection", message)
}

plugin!(InjectionFilter: PreRequest);
