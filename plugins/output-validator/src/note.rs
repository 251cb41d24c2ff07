//! What was wrong with an answer, in words: for the model that is asked again, and for the operator's log.
//!
//! Invariants: a violation names its place as a JSON pointer, what was expected and what is there; the whole is
//! bounded; of a value of the answer no more than a few characters are told to the model, and none to the log.
//! It never judges (see `judge`) and never decides (see `policy`).

use jsonschema::ValidationError;
use jsonschema::error::{TypeKind, ValidationErrorKind as Kind};
use serde_json::Value;
use std::fmt::Write as _;

/// How much of one violation is told.
const MAX_BYTES: usize = 240;
/// How much of what the schema expects is told.
const MAX_EXPECTED_BYTES: usize = 120;
/// How many characters of a value are told.
const MAX_VALUE_CHARS: usize = 12;
/// How many names are told.
const MAX_NAMES: usize = 4;
/// Stands between what was expected and what is there.
const FOUND: &str = "; found ";

/// A violation in words.
pub fn violation(error: &ValidationError<'_>) -> String {
    let at = error.instance_path().to_string();
    let place = if at.is_empty() { "the root" } else { &at };
    clip(&format!("at {}: {}{}", clip(place, MAX_EXPECTED_BYTES), expected(error), found(error)), MAX_BYTES)
}

/// A violation without anything of the answer's values.
pub fn for_log(violation: &str) -> &str {
    violation.split(FOUND).next().unwrap_or_default()
}

/// The note that asks the model to try again.
pub fn note(violations: &[String]) -> String {
    let mut note = String::from("Your previous answer was not acceptable:\n");
    for violation in violations {
        let _ = writeln!(note, "- {violation}");
    }
    note.push_str("Answer the last request again with only the corrected answer: no comment on it");
    note.push_str("; where it is JSON, only the JSON, without prose around it and without a code fence.");
    note
}

fn expected(error: &ValidationError<'_>) -> String {
    match error.kind() {
        Kind::Type { kind: TypeKind::Single(one) } => format!("must be of type {one}"),
        Kind::Type { kind: TypeKind::Multiple(several) } => {
            let names: Vec<_> = several.iter().map(|one| one.to_string()).collect();
            format!("must be of type {}", names.join(" or "))
        }
        Kind::Required { property } => {
            format!("lacks the required property '{}'", name(property.as_str().unwrap_or_default()))
        }
        Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => {
            format!("has properties that are not allowed: {}", names(unexpected))
        }
        Kind::PropertyNames { .. } => "has a property whose name is not allowed".to_owned(),
        Kind::Enum { options } => format!("must be one of {}", told(options)),
        Kind::Constant { expected_value } => format!("must be {}", told(expected_value)),
        Kind::Pattern { pattern } => format!("must match the pattern {}", clip(pattern, MAX_EXPECTED_BYTES)),
        Kind::Format { format } => format!("must be of the format '{}'", name(format)),
        Kind::Minimum { limit } => format!("must be at least {limit}"),
        Kind::Maximum { limit } => format!("must be at most {limit}"),
        Kind::ExclusiveMinimum { limit } => format!("must be more than {limit}"),
        Kind::ExclusiveMaximum { limit } => format!("must be less than {limit}"),
        Kind::MultipleOf { multiple_of } => format!("must be a multiple of {multiple_of}"),
        Kind::MinLength { limit } => format!("must have at least {limit} characters"),
        Kind::MaxLength { limit } => format!("must have at most {limit} characters"),
        Kind::MinItems { limit } => format!("must have at least {limit} items"),
        Kind::MaxItems { limit } => format!("must have at most {limit} items"),
        Kind::MinProperties { limit } => format!("must have at least {limit} properties"),
        Kind::MaxProperties { limit } => format!("must have at most {limit} properties"),
        Kind::AdditionalItems { limit } => format!("must have no more than {limit} items"),
        Kind::UnevaluatedItems { .. } => "has items that are not allowed".to_owned(),
        Kind::UniqueItems => "must not have the same item twice".to_owned(),
        Kind::Contains => "lacks an item of the kind that it must contain".to_owned(),
        Kind::AnyOf { context } | Kind::OneOfNotValid { context } => {
            let of = format!("fits none of the {} alternatives", context.len());
            // The alternative that is nearest: with the least that is wrong, as deep inside as can be.
            let nearest = context.iter().filter(|errors| !errors.is_empty()).min_by_key(|errors| {
                let deepest = errors.iter().map(|error| error.instance_path().to_string().len()).max();
                (errors.len(), std::cmp::Reverse(deepest))
            });
            match nearest.and_then(|errors| errors.first()) {
                Some(inner) => {
                    format!("{of}; for the nearest, {} {}", inner.instance_path(), expected(inner))
                }
                None => of,
            }
        }
        Kind::OneOfMultipleValid { .. } => "fits more than one alternative, and must fit one only".to_owned(),
        Kind::FalseSchema => "must not be there".to_owned(),
        Kind::Not { .. } => "is what it must not be".to_owned(),
        _ => clip(&error.masked_with("the value").to_string(), MAX_EXPECTED_BYTES),
    }
}

/// What is there, where that helps: its kind and length, and the beginning of a scalar.
fn found(error: &ValidationError<'_>) -> String {
    let needless = matches!(
        error.kind(),
        Kind::Required { .. } | Kind::AdditionalProperties { .. } | Kind::UnevaluatedProperties { .. }
    );
    if needless {
        return String::new();
    }
    let what = match &**error.instance() {
        Value::Null => "null".to_owned(),
        Value::Array(items) => format!("an array of {}", items.len()),
        Value::Object(_) => "an object".to_owned(),
        Value::String(text) => format!("the string \"{}\"", start(text)),
        scalar => start(&scalar.to_string()),
    };
    format!("{FOUND}{what}")
}

fn start(text: &str) -> String {
    match text.char_indices().nth(MAX_VALUE_CHARS) {
        None => text.to_owned(),
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
    }
}

fn told(expected: &Value) -> String {
    clip(&expected.to_string(), MAX_EXPECTED_BYTES)
}

fn name(name: &str) -> String {
    clip(name, MAX_EXPECTED_BYTES / 2)
}

/// Names come from the answer: few of them, and short.
fn names(all: &[String]) -> String {
    let told: Vec<_> = all.iter().take(MAX_NAMES).map(|name| format!("'{}'", clip(name, 24))).collect();
    let more = if all.len() > MAX_NAMES { ", …" } else { "" };
    format!("{}{more}", told.join(", "))
}

/// A text, cut at a character boundary where it is longer than `max` bytes.
pub fn clip(text: &str, max: usize) -> String {
    if text.len() <= max {
        return text.to_owned();
    }
    let mut end = max;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}…", text.get(..end).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::{for_log, note, violation};
    use serde_json::{Value, json};

    #[track_caller]
    fn check(schema: Value, value: Value, told: &str) {
        let validator = jsonschema::validator_for(&schema).unwrap();
        let violations: Vec<_> = validator.iter_errors(&value).map(|error| violation(&error)).collect();
        assert_eq!(violations.join("\n"), told);
    }

    #[test]
    fn a_violation_names_place_expectation_and_find() {
        let items = json!({"properties": {"a/b": {"items": {"type": "integer"}}}});
        check(items, json!({"a/b": [1, "x"]}), "at /a~1b/1: must be of type integer; found the string \"x\"");
        check(json!({"required": ["a"]}), json!({}), "at the root: lacks the required property 'a'");
        let closed = json!({"properties": {"b": true}, "additionalProperties": false});
        check(closed, json!({"a": 1}), "at the root: has properties that are not allowed: 'a'");
        check(json!({"enum": ["a", 1]}), json!(true), "at the root: must be one of [\"a\",1]; found true");
        check(json!({"minimum": 3}), json!(2), "at the root: must be at least 3; found 2");
        check(
            json!({"type": ["string", "null"]}),
            json!([1]),
            "at the root: must be of type null or string; found an array of 1",
        );
        check(
            json!({"anyOf": [{"required": ["x", "y"]}, {"properties": {"k": {"const": 1}}}]}),
            json!({"k": 2}),
            "at the root: fits none of the 2 alternatives; for the nearest, /k must be 1; found an object",
        );
    }

    #[test]
    fn little_of_a_value_is_told_and_none_to_the_log() {
        let validator = jsonschema::validator_for(&json!({"pattern": "^x", "maxLength": 3})).unwrap();
        let secret = json!("4111 1111 1111 1111 is my card");
        for error in validator.iter_errors(&secret) {
            let told = violation(&error);
            assert!(told.contains("4111 1111 11…") && !told.contains("1111 1111 1111"), "{told}");
            assert!(!for_log(&told).contains("4111"), "{told}");
        }
        assert!(note(&["at /a: is bad".to_owned()]).contains("- at /a: is bad\n"));
    }
}
