//! Judges an answer against what was wanted: the first reading of it that fits, or what is wrong with it.
//!
//! Invariants: the same answer and the same wish give the same judgement; what was mended by leaving out or
//! guessing is not passed off as the answer, and neither is one of several values that fit alike.
//! It never talks to the host and never decides what is done about a bad answer (see `policy`).

use crate::repair::Mended;
use crate::rules::Rules;
use crate::{extract, note};
use jsonschema::Validator;
use std::sync::Arc;

/// How many violations are told.
const MAX_VIOLATIONS: usize = 8;

/// What an answer must be.
#[derive(Default)]
pub struct Wish<'a> {
    /// Whether it must be JSON.
    pub json: bool,
    /// Whether it must be an object, as `response_format: json_object` says.
    pub object: bool,
    /// The schemas that it must satisfy.
    pub schemas: Vec<Arc<Validator>>,
    /// What its text must satisfy.
    pub rules: Option<&'a Rules>,
    /// Whether what was mended by leaving out or guessing will do.
    pub accept_lossy: bool,
    /// Whether the provider said that the answer was cut off: then brackets are not all that is missing.
    pub cut_off: bool,
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
        /// Whether something was left out or guessed.
        lossy: bool,
    },
    /// Not what was wanted.
    Invalid(Vec<String>),
}

/// Judges one answer.
pub fn judge(answer: &str, wish: &Wish<'_>) -> Judgement {
    if !wish.json {
        let wrong = wish.rules.map(|rules| rules.violations(answer, None)).unwrap_or_default();
        return if wrong.is_empty() { Judgement::Valid } else { Judgement::Invalid(wrong) };
    }
    let mut first = None;
    let mut fits: Option<Mended> = None;
    for mut candidate in extract::candidates(answer) {
        candidate.lossy |= wish.cut_off && candidate.mends.contains(&"truncated");
        let text = if candidate.mends.is_empty() { answer.to_owned() } else { candidate.value.to_string() };
        let wrong = violations(&candidate, &text, wish);
        if !wrong.is_empty() {
            first.get_or_insert(wrong);
            continue;
        }
        match &fits {
            None => fits = Some(candidate),
            Some(other) if alike(other, &candidate) => {
                let several = "the answer holds several different values that fit; give one".to_owned();
                return Judgement::Invalid(vec![several]);
            }
            Some(_) => {}
        }
        // Only JSON alone is beyond doubt.
        if fits.as_ref().is_some_and(|fits| fits.mends.is_empty()) {
            break;
        }
    }
    match fits {
        Some(Mended { mends, .. }) if mends.is_empty() => Judgement::Valid,
        Some(Mended { value, mends, lossy, .. }) => {
            Judgement::Mended { text: value.to_string(), mends, lossy }
        }
        None => Judgement::Invalid(first.unwrap_or_else(|| {
            let what = if answer.trim().is_empty() { "is empty" } else { "is not JSON" };
            vec![format!("the answer {what}")]
        })),
    }
}

/// Whether two values that fit could each be the one that was meant: both lists or both objects, and neither
/// put together from words.
fn alike(a: &Mended, b: &Mended) -> bool {
    let plain = |mended: &Mended| !mended.mends.contains(&"unquoted-string") && !mended.lossy;
    let kinds = a.value.is_object() == b.value.is_object() && a.value.is_array() == b.value.is_array();
    kinds && plain(a) && plain(b) && a.value != b.value
}

fn violations(candidate: &Mended, text: &str, wish: &Wish<'_>) -> Vec<String> {
    let value = &candidate.value;
    let mut found = Vec::new();
    if wish.object && !value.is_object() {
        found.push("at the root: must be a JSON object".to_owned());
    }
    for schema in &wish.schemas {
        if !schema.is_valid(value) {
            found.extend(schema.iter_errors(value).take(MAX_VIOLATIONS).map(|error| note::violation(&error)));
        }
    }
    if let Some(rules) = wish.rules {
        found.extend(rules.violations(text, Some(value)));
    }
    if candidate.lossy && !wish.accept_lossy {
        let broken = format!("the JSON is broken where it cannot be mended ({})", lost(candidate));
        found.push(broken);
    }
    found.truncate(MAX_VIOLATIONS);
    found
}

fn lost(candidate: &Mended) -> String {
    if candidate.mends.is_empty() { "incomplete".to_owned() } else { candidate.mends.join(", ") }
}

#[cfg(test)]
mod damaged;
#[cfg(test)]
mod speed;

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

    use super::{Judgement, Wish, judge};
    use crate::note::note;
    use serde_json::json;
    use std::sync::Arc;

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
        let schemas = vec![Arc::new(jsonschema::validator_for(&schema).unwrap())];
        Wish { json: true, schemas, ..Wish::default() }
    }

    #[test]
    fn a_good_answer_is_left_alone() {
        assert_eq!(judge(r#"{"name": "Ann", "age": 3}"#, &wish()), Judgement::Valid);
    }

    #[test]
    fn a_mended_answer_keeps_its_order() {
        let Judgement::Mended { text, mends, lossy: false } =
            judge("```json\n{'name': 'Ann', age: 3,}\n```", &wish())
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
        let wish = Wish { json: true, object: true, ..Wish::default() };
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

    #[test]
    fn what_is_lost_is_not_passed_off() {
        let cut = r#"{"age": 3, "tags": ["a", "b"], "name": "Ann of Gre"#;
        assert!(matches!(judge(cut, &wish()), Judgement::Invalid(_)));
        let lenient = Wish { accept_lossy: true, ..wish() };
        assert!(matches!(judge(cut, &lenient), Judgement::Mended { lossy: true, .. }));
        // Only brackets are missing.
        let open = r#"{"name": "Ann", "age": 3, "tags": ["a", "b""#;
        assert!(matches!(judge(open, &wish()), Judgement::Mended { lossy: false, .. }));
        let told = Wish { cut_off: true, ..wish() };
        assert!(matches!(judge(open, &told), Judgement::Invalid(_)));
    }

    #[test]
    fn of_two_that_fit_none_is_chosen() {
        let text = r#"Either {"name": "Ann", "age": 3} or {"name": "Bob", "age": 4}."#;
        assert!(matches!(judge(text, &wish()), Judgement::Invalid(why) if why[0].contains("several")));
        let twice = r#"{"name": "Ann", "age": 3} {"name": "Ann", "age": 3}"#;
        assert!(matches!(judge(twice, &wish()), Judgement::Mended { .. }));
    }
}
