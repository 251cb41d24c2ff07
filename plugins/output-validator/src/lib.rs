//! `output-validator`: answers that must be JSON are JSON, and of the right shape.
//!
//! Before the request it decides whether this exchange's answer must be JSON and asks the host to gather it;
//! after the answer it mends, asks again or refuses. Modules: `extract` finds JSON in prose, `repair` reads
//! it tolerantly, `judge` holds it against the schemas, `policy` decides.
//! It never touches an exchange that asked for plain text, unless the operator said so.
#![forbid(unsafe_code)]

mod answers;
mod extract;
mod judge;
mod note;
mod policy;
mod repair;
mod schema;
mod wanted;

use judge::Wish;
use lockgate_sdk::{log, prelude::*};
use policy::{Action, Situation};
use wanted::{Config, Settings, Wanted};

struct OutputValidator {
    settings: Settings,
}

impl Plugin for OutputValidator {
    type Config = Config;

    fn configure(config: Config) -> Result<Self, Vec<Issue>> {
        Settings::new(config)
            .map(|settings| Self { settings })
            .map_err(|issue| vec![Issue::new(issue.pointer, issue.message)])
    }
}

impl PreRequest for OutputValidator {
    fn on_request(&self, x: &Exchange, p: &Prompt) -> Result<Decision, Fault> {
        if p.operation() != "chat" {
            return Ok(Decision::Next);
        }
        let format = p.json("/response_format");
        let Some(wanted) = self.settings.wanted(format.as_deref()) else { return Ok(Decision::Next) };
        x.gather_answer();
        x.put("wanted", &wanted.to_bytes())?;
        Ok(Decision::Next)
    }
}

impl PostResponse for OutputValidator {
    fn on_response(&self, x: &Exchange, answer: Vec<TextPart>, summary: Attrs) -> Result<Outcome, Fault> {
        let Some(wanted) = x.get("wanted").and_then(|bytes| Wanted::from_bytes(&bytes)) else {
            return Ok(Outcome::Accept);
        };
        let fact = |name: &str| summary.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value);
        let choices = answers::choices(&answer, fact("finish"));
        if choices.is_empty() {
            x.flag("output", "not-applicable");
            return Ok(Outcome::Accept);
        }
        let wish: Wish<'_> = match self.settings.wish(&wanted) {
            Ok(wish) => wish,
            Err(reason) => {
                log::warn("the schema of the request cannot be used", &[("reason", &reason)]);
                x.flag("output", "unusable-schema");
                return Ok(Outcome::Accept);
            }
        };
        let retries = x.get("retries").and_then(|bytes| bytes.first().copied()).unwrap_or(0);
        let now = Situation {
            gathered: fact("gathered") != "false",
            attempts_left: fact("attempts-left").parse().unwrap_or(0),
            retries: u32::from(retries),
            cut_off: fact("finish") == "length",
        };
        let judgements = choices.iter().map(|choice| judge::judge(&choice.text, &wish)).collect();
        let (action, state) =
            policy::decide(judgements, self.settings.on_invalid(), self.settings.max_retries(), now);
        x.flag("output", state);
        Ok(match action {
            Action::Accept => Outcome::Accept,
            Action::Replace(texts) => Outcome::Replace(answers::replaced(&choices, texts)),
            Action::Retry(note) => {
                x.put("retries", &[retries.saturating_add(1)])?;
                x.flag("output.retries", &retries.saturating_add(1).to_string());
                Outcome::Retry(note)
            }
            Action::Reject(reason) => {
                log::info("an answer was refused", &[("violations", &reason)]);
                Outcome::Reject(Rejection::new(
                    502,
                    "output_invalid",
                    "The model did not produce output of the required form.",
                ))
            }
        })
    }
}

plugin!(OutputValidator: PreRequest, PostResponse);
