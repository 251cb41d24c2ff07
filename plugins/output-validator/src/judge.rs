//! Judges an answer against what was wanted: the first reading of it that fits, or what is wrong with it.
//!
//! Invariants: the same answer and the same wish give the same judgement; violations name a place and a
//! reason and quote at most a few words of the answer.
//! It never talks to the host and never decides what is done about a bad answer (see `policy`).

use crate::extract;
use jsonschema::Validator;
use serde_json::Value;
use std::borrow::Cow;
use std::fmt::Write as _;

/// How many violations are told.
const MAX_VIOLATIONS: usize = 8;
/// How much of one violation is told.
const MAX_VIOLATION_BYTES: usize = 240;

/// What an answer must be.
#[derive(Default)]
pub struct Wish<'a> {
    /// Whether it must be an object, as `response_format: json_object` says.
    pub object: bool,
    /// The schemas that it must satisfy.
    pub schemas: Vec<Cow<'a, Validator>>,
}

/// What an answer is.
#[derive(Debug, PartialEq)]
pub enum Judgement {
    /// What was wanted, as it stands.
    Valid,
    /// What was wanted, once mended.
    Mended {
        /// The JSON to give to the client.
        text: String,
        /// What was mended.
        mends: Vec<&'static str>,
    },
    /// Not what was wanted.
    Invalid(Vec<String>),
}

/// Judges one answer.
pub fn judge(answer: &str, wish: &Wish<'_>) -> Judgement {
    let mut first = None;
    for candidate in extract::candidates(answer) {
        let violations = violations(&candidate.value, wish);
        if violations.is_empty() {
            return if candidate.mends.is_empty() {
                Judgement::Valid
            } else {
                Judgement::Mended { text: candidate.value.to_string(), mends: candidate.mends }
            };
        }
        first.get_or_insert(violations);
    }
    Judgement::Invalid(first.unwrap_or_else(|| {
        vec![
            if answer.trim().is_empty() { "the answer is empty" } else { "the answer is not JSON" }
                .to_owned(),
        ]
    }))
}

fn violations(value: &Value, wish: &Wish<'_>) -> Vec<String> {
    let mut found = Vec::new();
    if wish.object && !value.is_object() {
        found.push("at the root: must be a JSON object".to_owned());
    }
    for schema in &wish.schemas {
        if schema.is_valid(value) {
            continue;
        }
        for error in schema.iter_errors(value).take(MAX_VIOLATIONS) {
            let at = error.instance_path().to_string();
            let place = if at.is_empty() { "the root" } else { &at };
            found.push(clip(&format!("at {place}: {error}"), MAX_VIOLATION_BYTES));
        }
    }
    found.truncate(MAX_VIOLATIONS);
    found
}

/// The note that asks the model to try again.
pub fn note(violations: &[String]) -> String {
    let mut note = String::from("Your previous answer was not acceptable:\n");
    for violation in violations {
        let _ = writeln!(note, "- {violation}");
    }
    note.push_str(
        "Answer the last request again with only the corrected JSON: no prose before or after it, no code fence.",
    );
    note
}

fn clip(text: &str, max: usize) -> String {
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

    use super::{Judgement, Wish, judge, note};
    use serde_json::json;
    use std::borrow::Cow;

    fn wish() -> Wish<'static> {
        let schema = json!({
            "type": "object",
            "required": ["name", "age"],
            "properties": {
                "name": {"type": "string", "pattern": "^[A-Z]"},
                "age": {"type": "integer", "minimum": 0},
                "tags": {"type": "array", "items": {"enum": ["a", "b"]}},
            },
            "additionalProperties": false,
        });
        Wish { object: false, schemas: vec![Cow::Owned(jsonschema::validator_for(&schema).unwrap())] }
    }

    #[test]
    fn a_good_answer_is_left_alone() {
        assert_eq!(judge(r#"{"name": "Ann", "age": 3}"#, &wish()), Judgement::Valid);
    }

    #[test]
    fn a_mended_answer_keeps_its_order() {
        let Judgement::Mended { text, mends } = judge("```json\n{'name': 'Ann', age: 3,}\n```", &wish())
        else {
            unreachable!("should be mended")
        };
        assert_eq!(text, r#"{"name":"Ann","age":3}"#);
        assert_eq!(mends, ["fence", "single-quotes", "unquoted-key", "trailing-comma"]);
    }

    #[test]
    fn violations_name_the_place_and_the_reason() {
        let Judgement::Invalid(violations) =
            judge(r#"{"name": "ann", "age": -1, "tags": ["c"], "x": 1}"#, &wish())
        else {
            unreachable!("should be invalid")
        };
        let all = violations.join("\n");
        for part in ["at /name", "at /age", "at /tags/0", "'x'"] {
            assert!(all.contains(part), "{part} in {all}");
        }
        assert!(note(&violations).contains("at /tags/0"));
    }

    #[test]
    fn the_candidate_that_fits_is_taken() {
        let text = r#"An example is {"name": "x", "whatever": [1, 2, 3, 4]}, so: {"name": "Ann", "age": 3}"#;
        assert!(matches!(judge(text, &wish()), Judgement::Mended { text, .. } if text.contains("Ann")));
    }

    #[test]
    fn a_truncated_answer_that_lacks_fields_is_invalid() {
        assert!(matches!(judge(r#"{"name": "Ann", "ag"#, &wish()), Judgement::Invalid(_)));
    }

    #[test]
    fn an_object_is_not_a_list() {
        let wish = Wish { object: true, schemas: vec![] };
        assert_eq!(judge("{}", &wish), Judgement::Valid);
        assert_eq!(
            judge("[1]", &wish),
            Judgement::Invalid(vec!["at the root: must be a JSON object".to_owned()])
        );
        assert_eq!(judge("  ", &wish), Judgement::Invalid(vec!["the answer is empty".to_owned()]));
        assert_eq!(judge("no", &wish), Judgement::Invalid(vec!["the answer is not JSON".to_owned()]));
    }

    #[test]
    fn long_violations_are_clipped() {
        let long = format!(r#"{{"name": "{}", "age": 1}}"#, "ü".repeat(5_000));
        let Judgement::Invalid(violations) = judge(&long, &wish()) else { unreachable!("should be invalid") };
        assert!(violations.iter().all(|v| v.len() < 300));
    }
}
