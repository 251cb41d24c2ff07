//! Private data: which spans were masked, and as what.
//!
//! Every find is masked, whatever the operator's action is; the spans are read from the masked prompt, and the
//! component's own text filter says what each placeholder stands for. A span counts where type and place agree:
//! types by their canonical names (`entities`), places when they overlap. What the component finds and by default only
//! reports (its `impersonal` entities) is masked here, too.

mod entities;
mod spans;

use super::cases::label;
use super::component::Component;
use super::metrics::Counts;
use super::tally::Tally;
use super::{Options, Problem, Trial};
use entities::{Names, stands_for};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use spans::Span;
use std::collections::BTreeSet;

/// Wrong spans of a case that are named.
const NAMED: usize = 4;
/// The class of spans whatever their type: is it hidden from the provider at all?
const ANY: &str = "any entity, whatever its type";
/// Between placeholders that are restored together; no text has it.
const BETWEEN: char = '\u{1f}';

/// A line: all spans of a text, or whether it has an entity.
#[derive(Debug, Deserialize)]
pub struct Case {
    text: String,
    #[serde(default)]
    spans: Option<Vec<(usize, usize, String)>>,
    #[serde(default)]
    label: Option<Value>,
    #[serde(default)]
    entity: Option<String>,
    #[serde(default)]
    count: Option<u64>,
}

/// The trial.
pub struct Pii {
    names: Names,
    /// Entities that count; all where empty.
    only: BTreeSet<String>,
    /// Entities that some case so far has.
    labelled: BTreeSet<String>,
}

/// Every find becomes a placeholder: what is only flagged, redacted or refused leaves no place behind.
pub fn adjust(config: &mut Map<String, Value>) {
    config.insert("action".into(), "mask".into());
    config.insert("impersonal".into(), "mask".into());
    config.remove("actions");
    config.insert("restore".into(), true.into());
    for custom in config.get_mut("custom").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(custom) = custom.as_object_mut() {
            custom.remove("action");
        }
    }
}

impl Pii {
    /// A trial.
    #[must_use]
    pub fn new(options: &Options) -> Self {
        let names = Names::new(&options.aliases);
        let only = options.entities.iter().map(|name| names.canonical(name)).collect();
        Self { names, only, labelled: BTreeSet::new() }
    }

    fn counts(&self, entity: &str) -> bool {
        self.only.is_empty() || self.only.contains(entity)
    }

    /// The spans that the case says are there.
    fn expected(&self, case: &Case) -> Result<Vec<Span>, Problem> {
        let places: Vec<usize> =
            case.text.char_indices().map(|(at, _)| at).chain([case.text.len()]).collect();
        let mut expected = Vec::new();
        for (start, end, name) in case.spans.iter().flatten() {
            let ends = (places.get(*start), places.get(*end));
            let (Some(start), Some(end), true) = (ends.0, ends.1, start < end) else {
                return Err(Problem::Case("a span is empty or lies outside the text".into()));
            };
            expected.push(Span { start: *start, end: *end, entity: self.names.canonical(name) });
        }
        expected.retain(|span| self.counts(&span.entity));
        Ok(expected)
    }

    /// What the component finds.
    async fn found(&self, component: &mut Component, text: &str) -> Result<Vec<Span>, Problem> {
        let body = json!({ "model": "eval", "messages": [{ "role": "user", "content": text }] });
        let x = component.exchange(body);
        component.ask(&x).await?;
        let texts = x.prompt().texts();
        let Some(masked) = texts.first().map(|part| part.text.as_str()).filter(|masked| *masked != text)
        else {
            return Ok(Vec::new());
        };
        let placeholders = spans::placeholders(text, masked);
        let joined = placeholders.iter().fold(String::new(), |mut joined, placeholder| {
            joined.push_str(placeholder);
            joined.push(BETWEEN);
            joined
        });
        let restored = component.restore(&x, &joined).await?.unwrap_or_default();
        let values: Vec<&str> = restored.split_terminator(BETWEEN).collect();
        let mut found = spans::align(text, masked, &placeholders, &values);
        for span in &mut found {
            span.entity = self.names.canonical(&span.entity);
        }
        found.retain(|span| self.counts(&span.entity));
        Ok(found)
    }

    /// A case that says all its spans.
    fn count_spans(&mut self, line: u64, text: &str, expected: &[Span], found: &[Span], tally: &mut Tally) {
        self.labelled.extend(expected.iter().map(|span| span.entity.clone()));
        let mut wrong = Vec::new();
        let mut all = Counts::default();
        for span in expected {
            let hit =
                found.iter().any(|other| stands_for(&other.entity, &span.entity) && other.overlaps(span));
            let counts = Counts { found: u64::from(hit), missed: u64::from(!hit), ..Counts::default() };
            tally.class(&format!("entity {}", span.entity)).counts.add(&counts);
            all.add(&counts);
            let hidden = found.iter().any(|other| other.overlaps(span));
            let counts = Counts { found: u64::from(hidden), missed: u64::from(!hidden), ..Counts::default() };
            tally.class(ANY).counts.add(&counts);
            if !hit {
                wrong.push(format!("missed {} {}", span.entity, span.place(text)));
            }
        }
        for span in found {
            let hit =
                expected.iter().any(|other| stands_for(&span.entity, &other.entity) && other.overlaps(span));
            let counts = Counts { right: u64::from(hit), wrong: u64::from(!hit), ..Counts::default() };
            tally.class(&format!("entity {}", span.entity)).counts.add(&counts);
            all.add(&counts);
            let private = expected.iter().any(|other| other.overlaps(span));
            let counts =
                Counts { right: u64::from(private), wrong: u64::from(!private), ..Counts::default() };
            tally.class(ANY).counts.add(&counts);
            if !hit {
                wrong.push(format!("wrong {} {}", span.entity, span.place(text)));
            }
        }
        tally.all.counts.add(&all);
        if !wrong.is_empty() {
            let more = wrong.len().saturating_sub(NAMED);
            let named = wrong.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
            let what = if more > 0 { format!("{named}, and {more} more") } else { named };
            tally.mistake(line, wrong.len() as f64, what, text);
        }
    }

    /// A case that says whether an entity is there; the others are not looked at.
    fn count_match(
        &mut self,
        line: u64,
        case: &Case,
        (entity, present): (&str, bool),
        found: &[Span],
        tally: &mut Tally,
    ) {
        let found = found.iter().filter(|span| stands_for(&span.entity, entity)).count() as u64;
        let there = if present { case.count.unwrap_or(1) } else { 0 };
        self.labelled.insert(entity.to_owned());
        tally.case(&[format!("entity {entity}")], present, found > 0);
        tally.count("values_of_matches", there);
        tally.count("values_found", found.min(there));
        if found != there {
            let what = format!("{entity}: {there} there, {found} found");
            tally.mistake(line, found.abs_diff(there) as f64, what, &case.text);
        }
    }
}

impl Trial for Pii {
    type Case = Case;

    async fn run(
        &mut self,
        component: &mut Component,
        line: u64,
        case: Case,
        tally: &mut Tally,
    ) -> Result<(), Problem> {
        let word = case.label.as_ref().filter(|_| case.entity.is_some());
        let present =
            word.map(|word| label(word, &["match"], &["no-match", "nomatch", "no_match"])).transpose();
        match (present.map_err(Problem::Case)?, &case.entity) {
            (Some(present), Some(entity)) => {
                let entity = self.names.canonical(entity);
                if self.counts(&entity) {
                    let found = self.found(component, &case.text).await?;
                    self.count_match(line, &case, (&entity, present), &found, tally);
                }
            }
            _ if case.spans.is_none() => {
                return Err(Problem::Case("it has neither `spans` nor `label` and `entity`".into()));
            }
            _ => {
                let expected = self.expected(&case)?;
                let found = self.found(component, &case.text).await?;
                self.count_spans(line, &case.text, &expected, &found, tally);
            }
        }
        Ok(())
    }

    fn finish(&mut self, tally: &mut Tally) {
        let mut labelled = Counts::default();
        for entity in &self.labelled {
            labelled.add(&tally.class(&format!("entity {entity}")).counts);
        }
        tally.class("types that the data labels").counts = labelled;
    }
}
