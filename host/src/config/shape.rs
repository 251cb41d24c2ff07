//! The shape of a configuration: its JSON Schema, and what does not fit it.
//!
//! Values are never quoted in a fault: they may be secrets.

use super::document::Document;
use super::fault::{Fault, Faults, nearest};
use super::model::Config;
use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::{ValidationError, Validator};
use serde_json::Value;

/// The schema of the configuration, draft 2020-12.
#[must_use]
pub fn schema() -> Value {
    schemars::schema_for!(Config).to_value()
}

/// Reports everything that does not fit the schema.
pub fn check(document: &Document, faults: &mut Faults) {
    match jsonschema::validator_for(&schema()) {
        Ok(validator) => report(&validator, &schema(), document, "", &document.value, faults),
        Err(error) => faults.add(document.fault("", format!("the schema itself is broken: {error}"))),
    }
}

/// Reports what of a value of the document, at `pointer`, does not fit a schema of its own: a plugin's.
pub fn check_against(schema: &Value, document: &Document, pointer: &str, value: &Value, faults: &mut Faults) {
    if let Ok(validator) = jsonschema::validator_for(schema) {
        report(&validator, schema, document, pointer, value, faults);
    }
}

fn report(
    validator: &Validator,
    schema: &Value,
    document: &Document,
    base: &str,
    value: &Value,
    faults: &mut Faults,
) {
    for error in validator.iter_errors(value) {
        for fault in explain(&error, schema, document, base) {
            faults.add(fault);
        }
    }
}

fn explain(error: &ValidationError<'_>, schema: &Value, document: &Document, base: &str) -> Vec<Fault> {
    let pointer = format!("{base}{}", error.instance_path().as_str());
    let known = || known_keys(schema, error.schema_path().as_str(), error.evaluation_path().as_str());
    let one = |message: String| vec![document.fault(&pointer, message)];
    let one_of = |words: Vec<&str>| {
        let said = error.instance().as_str().unwrap_or_default();
        let fault = document.fault(&pointer, format!("this must be one of {}", words.join(", ")));
        vec![Fault { suggestion: nearest(said, words.iter().copied()), ..fault }]
    };
    match error.kind() {
        ValidationErrorKind::AdditionalProperties { unexpected }
        | ValidationErrorKind::UnevaluatedProperties { unexpected } => unexpected
            .iter()
            .map(|key| Fault {
                suggestion: nearest(key, known().iter().map(String::as_str)),
                ..document.fault(&format!("{pointer}/{}", super::document::token(key)), "unknown key")
            })
            .collect(),
        ValidationErrorKind::Required { property } => {
            one(format!("`{}` is missing", property.as_str().unwrap_or_default()))
        }
        ValidationErrorKind::Type { kind } => {
            let wanted = match kind {
                TypeKind::Single(kind) => kind.to_string(),
                TypeKind::Multiple(kinds) => {
                    kinds.iter().map(|kind| kind.to_string()).collect::<Vec<_>>().join(" or ")
                }
            };
            one(format!("this must be of type {wanted}"))
        }
        ValidationErrorKind::Enum { options } => {
            one_of(options.as_array().into_iter().flatten().filter_map(Value::as_str).collect())
        }
        ValidationErrorKind::Minimum { limit } => one(format!("this must be at least {limit}")),
        ValidationErrorKind::Maximum { limit } => one(format!("this must be at most {limit}")),
        ValidationErrorKind::MinItems { limit } => one(format!("this must have at least {limit} entries")),
        ValidationErrorKind::Pattern { .. } => one("this is not of the form its place wants".into()),
        // Words that have a description each.
        ValidationErrorKind::OneOfNotValid { context } if !words(context).is_empty() => {
            one_of(words(context))
        }
        // Of several shapes, the faults of the one that comes nearest say most.
        ValidationErrorKind::AnyOf { context } | ValidationErrorKind::OneOfNotValid { context } => {
            let of_kind = |errors: &&Vec<ValidationError<'_>>| {
                !errors.iter().any(|e| {
                    matches!(e.kind(), ValidationErrorKind::Type { .. })
                        && e.instance_path() == error.instance_path()
                })
            };
            match context.iter().find(of_kind).or_else(|| context.first()) {
                Some(errors) => {
                    errors.iter().flat_map(|error| explain(error, schema, document, base)).collect()
                }
                None => one("this fits none of the forms its place allows".into()),
            }
        }
        other => one(format!("this does not fit the schema ({})", other.keyword())),
    }
}

/// The words of alternatives that are nothing but words.
fn words<'a>(alternatives: &'a [Vec<ValidationError<'_>>]) -> Vec<&'a str> {
    let word = |errors: &'a Vec<ValidationError<'_>>| match errors.first()?.kind() {
        ValidationErrorKind::Constant { expected_value } => expected_value.as_str(),
        _ => None,
    };
    alternatives.iter().map(word).collect::<Option<_>>().unwrap_or_default()
}

/// The keys that the object with the unknown one may have.
fn known_keys(schema: &Value, schema_path: &str, _evaluation: &str) -> Vec<String> {
    let parent = schema_path.rsplit_once('/').map_or("", |(parent, _)| parent);
    let properties = schema.pointer(parent).and_then(|object| object.get("properties"));
    properties.and_then(Value::as_object).map(|map| map.keys().cloned().collect()).unwrap_or_default()
}
