//! `output-validator`: answers that must be JSON are JSON, and of the right shape; and texts keep the rules.
//!
//! Before the request it decides what this exchange's answer must be and asks the host to gather it; after the
//! answer it mends, asks again or refuses. Where the operator would rather have streams pass at once, it stops one
//! at the first byte that makes it impossible. Modules: `wanted` is the configuration, `schema` compiles, `extract`
//! finds JSON in prose, `repair` reads it tolerantly, `judge` holds it against `schema`s and `rules`, `note` words
//! what is wrong, `policy` decides; `prefix` and `toplevel` check streams.
//! It never touches an exchange that asked for plain text, unless the operator said so, and never fetches anything.
#![forbid(unsafe_code)]

mod answers;
mod extract;
mod judge;
mod language;
mod note;
mod policy;
mod prefix;
mod repair;
mod rules;
mod schema;
mod stream;
mod toplevel;
mod wanted;

use judge::Wish;
use lockgate_sdk::{log, prelude::*};
use policy::{Action, Situation};
use stream::{Checked, State};
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
            x.pass_answer();
            return Ok(Decision::Next);
        }
        let (format, route) = (p.json("/response_format"), x.attr("route.name"));
        let Some(wanted) = self.settings.wanted(format.as_deref(), route.as_deref()) else {
            x.pass_answer();
            return Ok(Decision::Next);
        };
        if let Err(reason) = self.settings.wish(&wanted) {
            let message = format!("The schema of `response_format` cannot be used: {reason}");
            return Ok(Decision::Reject(Rejection::new(400, "unusable_schema", message)));
        }
        x.put("wanted", &wanted.to_bytes())?;
        // A choice that calls a tool may say anything before it does.
        let tools = || p.json("/tools").is_some_and(|tools| tools != "[]" && tools != "null");
        if p.streaming() && self.settings.checks_stream(&wanted) && !tools() {
            x.put("tops", &stream::tops_to_bytes(&self.settings.tops(&wanted)))?;
        } else {
            x.gather_answer();
        }
        Ok(Decision::Next)
    }
}

impl TextFilter for OutputValidator {
    fn inspect(&self, x: &Exchange, w: Window) -> Result<Verdict, Fault> {
        if w.at.channel != "content" {
            return Ok(Verdict::Pass(Pass::all(&w)));
        }
        let Some(tops) = x.get("tops").filter(|tops| !tops.is_empty()) else {
            return Ok(Verdict::Pass(Pass::all(&w)));
        };
        // A repeated attempt is a new answer.
        let key = format!("state/{}/{}", x.attr("attempt").unwrap_or_default(), w.at.item);
        let mut state = x.get(&key).map(|bytes| State::from_bytes(&bytes)).unwrap_or_default();
        // Nothing was held back, so all of it is new; the contract allows for the other.
        let fresh = w.text.get(w.fresh as usize..).unwrap_or_default();
        let checked = stream::check(&mut state, fresh, w.last, || stream::tops_from_bytes(&tops));
        if checked == Checked::Possible {
            x.put(&key, &state.to_bytes())?;
            return Ok(Verdict::Pass(Pass::all(&w)));
        }
        x.flag("output", "invalid");
        log::info("a stream was stopped", &[("reason", checked.reason())]);
        Ok(Verdict::Stop(refusal()))
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
            Ok(wish) => Wish { cut_off: fact("finish") == "length", ..wish },
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
        if now.gathered {
            // What was judged here is not checked again on its way out.
            x.put("tops", &[])?;
        }
        let judgements = choices.iter().map(|choice| judge::judge(&choice.text, &wish)).collect();
        let decided =
            policy::decide(judgements, self.settings.on_invalid(), self.settings.max_retries(), now);
        x.flag("output", decided.state);
        if !decided.mends.is_empty() {
            x.flag("output.mends", &decided.mends.join(","));
        }
        if decided.lossy {
            x.flag("output.lossy", "true");
        }
        Ok(match decided.action {
            Action::Accept => Outcome::Accept,
            Action::Replace(texts) => Outcome::Replace(answers::replaced(&choices, texts)),
            Action::Retry(note) => {
                x.put("retries", &[retries.saturating_add(1)])?;
                x.flag("output.retries", &retries.saturating_add(1).to_string());
                Outcome::Retry(note)
            }
            Action::Reject(reason) => {
                log::info("an answer was refused", &[("violations", &reason)]);
                match self.settings.fallback().and_then(|text| answers::instead(&choices, text)) {
                    Some(parts) => {
                        x.flag("output", "fallback");
                        Outcome::Replace(parts)
                    }
                    None => Outcome::Reject(refusal()),
                }
            }
        })
    }
}

fn refusal() -> Rejection {
    let message = "The model did not produce output of the required form.";
    Rejection::new(502, "output_invalid", message)
}

plugin!(OutputValidator: PreRequest, TextFilter, PostResponse);
