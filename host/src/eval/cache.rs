//! Answers from memory: after the answer to `a` was kept, is `b` answered with it?
//!
//! Before the next pair the answer and its vector are forgotten, so that no pair meets another's; distractors
//! stay. What is kept is an answer that says nothing. Latency is that of `b` alone.

use super::cases::label;
use super::component::{Component, TENANT, number};
use super::tally::Tally;
use super::{EvalError, Options, Problem, Trial, texts};
use crate::chat::{Event, TextAt, Usage, channel};
use crate::plugin::{CallError, Decision};
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// The lowest score that is looked at for a threshold table without thresholds of its own.
const LOWEST: f64 = 0.5;
/// The threshold of the shipped cache.
const THRESHOLD: f64 = 0.85;

/// A line. Each side is the text of a question, or the messages of a conversation.
#[derive(Debug, Deserialize)]
pub struct Case {
    a: Value,
    b: Value,
    label: Value,
    #[serde(default)]
    cat: Option<String>,
}

/// The trial.
pub struct Cache {
    /// From here on a score is a hit, where the component was made to look lower.
    threshold: Option<f64>,
}

/// For a threshold table, the component must show what lies under its threshold.
pub fn adjust(config: &mut Map<String, Value>, options: &Options) {
    if let Some(sweep) = &options.sweep {
        let lowest = sweep.iter().copied().reduce(f64::min).unwrap_or(LOWEST);
        config.insert("threshold".into(), lowest.clamp(0.0, threshold(config)).into());
    }
}

fn threshold(config: &Map<String, Value>) -> f64 {
    config.get("threshold").and_then(Value::as_f64).unwrap_or(THRESHOLD)
}

impl Cache {
    /// A trial, with the distractors kept.
    ///
    /// # Errors
    /// They cannot be read or kept.
    pub async fn new(options: &Options, component: &mut Component) -> Result<Self, EvalError> {
        if let Some(file) = &options.distractors {
            for text in texts(file, &["text", "a", "question"])? {
                let kept = keep(component, &Value::String(text)).await;
                kept.map_err(|error| EvalError::Usage(format!("a distractor cannot be kept: {error}")))?;
            }
        }
        let configured = component.configured().as_object().map_or(THRESHOLD, threshold);
        Ok(Self { threshold: options.sweep.as_ref().map(|_| configured) })
    }
}

impl Trial for Cache {
    type Case = Case;

    async fn run(
        &mut self,
        component: &mut Component,
        line: u64,
        case: Case,
        tally: &mut Tally,
    ) -> Result<(), Problem> {
        let same = label(&case.label, &["same", "hit"], &["different", "miss"]).map_err(Problem::Case)?;
        for side in [&case.a, &case.b] {
            if !side.is_string() && !side.is_array() {
                return Err(Problem::Case("`a` and `b` are each a text or a list of messages".into()));
            }
        }
        let marks = keep(component, &case.a).await?;
        let x = component.exchange(request(&case.b));
        let decision = component.ask(&x).await;
        let flags = x.flags();
        let asked = decision.map(|decision| match decision {
            Decision::Replay(id) => Some(id),
            _ => None,
        });
        forget(component, &marks).await;
        // What was asked in vain left a vector behind; its answer never came.
        let asked_for: Vec<String> = x.take_keeps().into_iter().map(|mark| mark.id).collect();
        forget(component, &asked_for).await;
        let replayed = asked?;

        let exact = flags.iter().any(|(key, value)| key == "cache" && value == "hit");
        // What the component goes by; one that weighs nothing but the vectors sets the similarity alone.
        let scored = number(&flags, "cache.score").or_else(|| number(&flags, "cache.similarity"));
        let score = match (&replayed, exact) {
            (None, _) => 0.0,
            (Some(_), true) => 1.0,
            (Some(_), false) => scored.unwrap_or(1.0),
        };
        let hit = replayed.is_some() && self.threshold.is_none_or(|threshold| score >= threshold);
        let elsewhere = hit && replayed.as_ref().is_some_and(|id| !marks.contains(id));
        let classes: Vec<String> = case.cat.iter().map(|cat| format!("cat {cat}")).collect();
        if elsewhere {
            // The answer to another question: wrong whatever the label, and the right one was not given.
            tally.count("hits_of_distractors", 1);
            tally.all.counts.wrong += 1;
            tally.all.counts.missed += u64::from(same);
        } else {
            tally.case(&classes, same, hit);
        }
        if self.threshold.is_some() {
            tally.all.scores.push((score, same && !elsewhere));
        }
        if same != hit || elsewhere {
            let what = match (same, elsewhere) {
                (_, true) => format!("hit of a distractor, score {score:.3}"),
                (true, _) => format!("missed, score {score:.3}"),
                (false, _) => format!("wrong hit, score {score:.3}"),
            };
            let weight = if hit { 1.0 + score } else { 1.0 - score };
            tally.mistake(line, weight, what, &format!("{} | {}", shown(&case.a), shown(&case.b)));
        }
        Ok(())
    }

    fn finish(&mut self, tally: &mut Tally) {
        tally.all.whole_cases = true;
        let counts = tally.all.counts;
        let hits = counts.right + counts.wrong;
        tally.count("hits", hits);
        let wrong = super::metrics::share(counts.wrong, hits);
        tally.facts.insert("wrong_share_of_hits".into(), wrong.into());
    }
}

/// Asks a question as if for the first time and keeps an answer to it; gives the ids.
async fn keep(component: &mut Component, question: &Value) -> Result<Vec<String>, CallError> {
    let x = component.exchange(request(question));
    component.begin(&x).await?;
    let marks = x.take_keeps();
    for mark in &marks {
        let events = vec![
            Event::Text { at: TextAt::new(0, 0, channel::CONTENT), text: "an answer".into() },
            Event::Finish { choice: 0, reason: "stop".into() },
        ];
        component.shared().answers.put(TENANT, mark, events, "eval", "eval", Usage::default());
    }
    Ok(marks.into_iter().map(|mark| mark.id).collect())
}

/// Takes kept answers and their vectors away.
async fn forget(component: &Component, ids: &[String]) {
    let shared = component.shared();
    for id in ids {
        shared.answers.forget(TENANT, id);
        for collection in component.collections() {
            // A vector that is not there need not go.
            let _ = shared.services.vectors.remove(TENANT, collection, id).await;
        }
    }
}

fn request(question: &Value) -> Value {
    match question {
        Value::Array(messages) => json!({ "model": "eval", "messages": messages }),
        question => json!({ "model": "eval", "messages": [{ "role": "user", "content": question }] }),
    }
}

fn shown(question: &Value) -> String {
    question.as_str().map_or_else(|| question.to_string(), str::to_owned)
}
