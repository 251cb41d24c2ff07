//! Answers of a form: are the right ones accepted, the wrong ones refused, the damaged ones mended to what they were?
//!
//! The schema stands in the request, as clients send it. A line with `data` is a verdict: the data is answered as
//! JSON, and a positive is data that must be refused. A line with `text` is a repair: a positive is an answer that
//! must come out as its original.

use super::cases::label;
use super::component::Component;
use super::metrics::Counts;
use super::tally::Tally;
use super::{Problem, Trial};
use crate::plugin::Outcome;
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

/// The dialect of a schema that a line says is of draft 7.
const DRAFT_7: &str = "http://json-schema.org/draft-07/schema#";

/// A line.
#[derive(Debug, Deserialize)]
pub struct Case {
    schema: Value,
    #[serde(default, deserialize_with = "present")]
    data: Option<Value>,
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    valid: Option<bool>,
    #[serde(default)]
    label: Option<Value>,
    #[serde(default, deserialize_with = "present")]
    expected: Option<Value>,
    #[serde(default)]
    draft: Option<String>,
    #[serde(default)]
    optional: bool,
    #[serde(default, alias = "kind")]
    cat: Option<String>,
}

/// A `null` that is there is a value.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// The trial.
#[derive(Debug, Default)]
pub struct Output {
    verdicts: u64,
    agreed: u64,
    repairs: u64,
    restored: u64,
}

/// What became of an answer.
enum Became {
    /// It went on, perhaps with another text.
    Passed(String),
    /// It was refused, or would have been.
    Refused,
}

impl Output {
    /// Sends an answer through the component.
    async fn answer(
        component: &mut Component,
        schema: &Value,
        text: &str,
        tally: &mut Tally,
    ) -> Result<Became, Problem> {
        let format = json!({ "type": "json_schema", "json_schema": { "name": "eval", "schema": schema } });
        let messages = json!([{ "role": "user", "content": "Answer in JSON." }]);
        let x =
            component.exchange(json!({ "model": "eval", "messages": messages, "response_format": format }));
        component.begin(&x).await?;
        let summary = [
            ("finish", "stop"),
            ("attempt", "1"),
            ("attempts-left", "0"),
            ("streaming", "false"),
            ("gathered", "true"),
        ];
        let summary = summary.map(|(key, value)| (key.to_owned(), value.to_owned()));
        let outcome = component.judge(&x, text, &summary).await?;
        let flag = x.flags().into_iter().find(|(key, _)| key == "output").map(|(_, value)| value);
        match flag.as_deref() {
            Some("unusable-schema") => tally.count("unusable_schemas", 1),
            Some("not-applicable") | None => tally.count("not_judged", 1),
            _ => {}
        }
        Ok(match outcome {
            Outcome::Reject(_) | Outcome::Retry(_) => Became::Refused,
            _ if matches!(flag.as_deref(), Some("invalid" | "fallback")) => Became::Refused,
            Outcome::Accept => Became::Passed(text.to_owned()),
            Outcome::Replace(parts) => {
                Became::Passed(parts.into_iter().next().map_or_else(|| text.to_owned(), |part| part.text))
            }
        })
    }

    async fn verdict(
        &mut self,
        component: &mut Component,
        line: u64,
        case: &Case,
        data: &Value,
        tally: &mut Tally,
    ) -> Result<(), Problem> {
        let said = match (&case.valid, &case.label) {
            (Some(valid), _) => Ok(*valid),
            (None, Some(word)) => label(word, &["valid"], &["invalid"]),
            (None, None) => Err("it has neither `valid` nor `label`".into()),
        };
        let valid = said.map_err(Problem::Case)?;
        let mut schema = case.schema.clone();
        if let (Some("draft7" | "draft-07"), Some(schema)) = (case.draft.as_deref(), schema.as_object_mut()) {
            schema.entry("$schema").or_insert_with(|| DRAFT_7.into());
        }
        let became = Self::answer(component, &schema, &data.to_string(), tally).await?;
        let refused = matches!(became, Became::Refused);
        if let Became::Passed(text) = &became
            && serde_json::from_str::<Value>(text).ok().as_ref() != Some(data)
        {
            tally.count("changed_although_whole", 1);
        }
        let draft = case.draft.as_deref().unwrap_or("any draft");
        if case.optional {
            // What the suite calls optional is shown and not counted.
            tally.class_case(&format!("optional of {draft}"), !valid, refused);
            return Ok(());
        }
        self.verdicts += 1;
        self.agreed += u64::from(valid != refused);
        tally.case(&[format!("required of {draft}")], !valid, refused);
        if valid == refused {
            let what = if valid { "refused although valid" } else { "passed although invalid" };
            tally.mistake(line, 1.0, what, &format!("{data} against {schema}"));
        }
        Ok(())
    }

    async fn repair(
        &mut self,
        component: &mut Component,
        line: u64,
        case: &Case,
        text: &str,
        tally: &mut Tally,
    ) -> Result<(), Problem> {
        let became = Self::answer(component, &case.schema, text, tally).await?;
        let value = match &became {
            Became::Passed(text) => Some(serde_json::from_str::<Value>(text).ok()),
            Became::Refused => None,
        };
        let restored = |value: &Option<Value>| match &case.expected {
            Some(expected) => value.as_ref() == Some(expected),
            None => value.is_some(),
        };
        let must_fail = case.valid == Some(false);
        let mut counts = Counts::default();
        let (weight, what) = match value {
            None if must_fail => {
                counts.passed = 1;
                (0.0, "")
            }
            None => {
                counts.missed = 1;
                (1.0, "refused")
            }
            Some(_) if must_fail => {
                counts.wrong = 1;
                (2.0, "passed although beyond repair")
            }
            Some(value) if restored(&value) => {
                (counts.found, counts.right) = (1, 1);
                (0.0, "")
            }
            Some(_) => {
                (counts.missed, counts.wrong) = (1, 1);
                (2.0, "repaired to another value")
            }
        };
        self.repairs += u64::from(!must_fail);
        self.restored += counts.found;
        tally.all.counts.add(&counts);
        let class = case.cat.as_ref().map_or_else(|| "repairs".into(), |cat| format!("repairs {cat}"));
        tally.class(&class).counts.add(&counts);
        if weight > 0.0 {
            tally.mistake(line, weight, what, text);
        }
        Ok(())
    }
}

impl Trial for Output {
    type Case = Case;

    async fn run(
        &mut self,
        component: &mut Component,
        line: u64,
        case: Case,
        tally: &mut Tally,
    ) -> Result<(), Problem> {
        match (&case.data, &case.text) {
            (Some(data), None) => self.verdict(component, line, &case, data, tally).await,
            (None, Some(text)) => self.repair(component, line, &case, text, tally).await,
            _ => Err(Problem::Case("it has either `data` or `text`".into())),
        }
    }

    fn finish(&mut self, tally: &mut Tally) {
        for (name, part, whole) in
            [("agreement", self.agreed, self.verdicts), ("restored", self.restored, self.repairs)]
        {
            if let Some(share) = super::metrics::share(part, whole) {
                tally.facts.insert(name.into(), share.into());
            }
        }
    }
}
