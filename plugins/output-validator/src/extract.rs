//! Finds the JSON in what a model wrote: alone, in a fence, or amid prose.
//!
//! Invariants: an answer that is JSON as a whole is taken as it is; candidates come best first and are few.
//! It never decides whether a value is the one that was wanted (see `judge`).

use crate::repair::{self, Mended};
use serde_json::Value;

/// How many places of an answer are tried at most.
const MAX_CANDIDATES: usize = 8;
/// How many brackets are tried as the start of one.
const MAX_TRIES: usize = 64;

/// The values that the answer may have meant, best first; the mends say how each was reached.
pub fn candidates(answer: &str) -> Vec<Mended> {
    // The white space at the end is kept: a number with some behind it was not cut off.
    let bare = answer.trim_start();
    let text = bare.trim_start_matches('\u{feff}').trim_start();
    if text.is_empty() {
        return Vec::new();
    }
    if let Ok(value) = serde_json::from_str(text) {
        let inner = inner(&value);
        let mends = if bare.starts_with('\u{feff}') { vec!["byte-order-mark"] } else { Vec::new() };
        let whole = Mended { value, mends, end: text.len(), lossy: false };
        return std::iter::once(whole).chain(inner).collect();
    }
    let mut found = Vec::new();
    // JSON with its quotes escaped, as if it stood in a string.
    let escaped = text.starts_with(['{', '['])
        && text.find('"').is_some_and(|at| text.get(..at).is_some_and(|before| before.ends_with('\\')));
    if escaped && let Ok(value) = serde_json::from_str(&format!("\"{}\"", text.trim_end())) {
        found.extend(inner(&value));
    }
    // What was read whole from a fence: where it begins, and how long it is.
    let mut fenced = Vec::new();
    for body in fences(text) {
        let body = body.trim_start();
        if body.starts_with(['{', '['])
            && let Some(length) = push(&mut found, body, Some("fence"))
            && found.last().is_some_and(|mended| !mended.lossy)
        {
            fenced.push((body.as_ptr().addr() - text.as_ptr().addr(), length));
        }
    }
    let (mut from, mut broken) = (0, false);
    for _ in 0..MAX_TRIES {
        if found.len() >= MAX_CANDIDATES {
            break;
        }
        let Some(start) = text.get(from..).and_then(|rest| rest.find(['{', '['])).map(|at| from + at) else {
            break;
        };
        if let Some((_, length)) = fenced.iter().find(|(begin, _)| *begin == start) {
            from = start + length;
            continue;
        }
        let Some(body) = text.get(start..) else { break };
        let before = found.len();
        let length = push(&mut found, body, (start > 0).then_some("prose"));
        // What stands within JSON that cannot be read is a part of the answer, not the answer.
        broken |= length.is_none() && repair::begins(body);
        found.iter_mut().skip(before).for_each(|mended| mended.lossy |= broken);
        from = start + length.unwrap_or(1);
    }
    // A scalar in odd clothes, such as `True` or `'yes'`; but a sentence is not a string without quotes.
    let guessed =
        |mended: &Mended| mended.mends.iter().any(|m| matches!(*m, "truncated" | "unquoted-string"));
    if found.is_empty()
        && let Some(mended) =
            repair::read(text).filter(|mended| !guessed(mended) && mended.end == text.trim_end().len())
    {
        found.push(mended);
    }
    // What was cut off is the last resort; otherwise the longest is most likely the answer. The sort is
    // stable, so a fence stays before the same value found as prose.
    found.sort_by_key(|mended| {
        (mended.lossy, mended.mends.contains(&"truncated"), std::cmp::Reverse(mended.end))
    });
    found
}

/// What a string says, where that is an object or an array of JSON: the model encoded its answer twice.
fn inner(value: &Value) -> Option<Mended> {
    let text = value.as_str()?.trim();
    let value = text.starts_with(['{', '[']).then(|| serde_json::from_str(text).ok())??;
    Some(Mended { value, mends: vec!["encoded-twice"], end: text.len(), lossy: false })
}

/// Reads a candidate and returns how long it is.
fn push(found: &mut Vec<Mended>, body: &str, around: Option<&'static str>) -> Option<usize> {
    let mut mended = repair::read(body)?;
    let end = mended.end.max(1);
    let trails = body.get(mended.end..).is_some_and(|rest| !rest.trim().is_empty());
    if let Some(around) = around.or(trails.then_some("prose")) {
        mended.mends.insert(0, around);
    }
    if !found.iter().any(|other| other.value == mended.value) {
        found.push(mended);
    }
    Some(end)
}

/// The bodies of the fenced blocks of a Markdown text; a fence that is never closed goes to the end.
fn fences(text: &str) -> Vec<&str> {
    let mut bodies = Vec::new();
    let mut rest = text;
    while let Some((_, after)) = rest.split_once("```") {
        // The rest of the opening line is the language.
        let Some((_, body)) = after.split_once('\n') else {
            // A fence on one line: ```{"a": 1}```
            bodies.push(after.trim_start_matches("json").trim_end_matches("```"));
            break;
        };
        // The line break before the closing fence is kept: a number before it is whole.
        let line = body.find("\n```").map(|at| (body.get(..=at), body.get(at + 4..)));
        match line
            .map(|(a, b)| (a.unwrap_or_default(), b.unwrap_or_default()))
            .or_else(|| body.rsplit_once("```"))
        {
            Some((inside, next)) => {
                bodies.push(inside);
                rest = next;
            }
            None => {
                bodies.push(body);
                break;
            }
        }
        if bodies.len() >= MAX_CANDIDATES {
            break;
        }
    }
    bodies
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::candidates;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    #[track_caller]
    fn check(text: &str, value: Value, mends: &[&str]) {
        let first = candidates(text).into_iter().next().unwrap();
        assert_eq!(first.value, value, "{text}");
        assert_eq!(first.mends, mends, "{text}");
    }

    #[test]
    fn json_alone_is_untouched() {
        check(" {\"a\": 1}\n", json!({"a": 1}), &[]);
        check("12", json!(12), &[]);
        check("\"text\"", json!("text"), &[]);
        check("True", json!(true), &["foreign-literal"]);
    }

    #[test]
    fn fences_are_opened() {
        check("```json\n{\"a\": 1}\n```", json!({"a": 1}), &["fence"]);
        check(
            "Here you are:\n```\n[1, 2,]\n```\nAnything else?",
            json!([1, 2]),
            &["fence", "trailing-comma"],
        );
        check("```json\n{\"a\": \"```\"}\n```", json!({"a": "```"}), &["fence"]);
        check("```{\"a\": 1}```", json!({"a": 1}), &["fence"]);
        check("```json\n{\"a\": 12\n```", json!({"a": 12}), &["fence", "truncated"]);
        assert!(candidates("```json\n{\"a\": 12\n```").iter().all(|mended| !mended.lossy));
        check("```json\n{\"a\": [1,", json!({"a": [1]}), &["fence", "truncated"]);
    }

    #[test]
    fn prose_around_is_left_out() {
        check("Sure! {\"a\": 1} Hope this helps {smile}.", json!({"a": 1}), &["prose"]);
        check(
            "[see below] The answer: {\"name\": \"Ann\", \"age\": 3}",
            json!({"name": "Ann", "age": 3}),
            &["prose"],
        );
        check("{\"a\": 1} and more", json!({"a": 1}), &["prose"]);
    }

    #[test]
    fn the_longest_complete_value_comes_first() {
        let all = candidates("Either {\"a\": 1} or {\"a\": 1, \"b\": 22}");
        assert_eq!(all.len(), 2);
        assert_eq!(all.first().unwrap().value, json!({"a": 1, "b": 22}));
    }

    #[test]
    fn a_part_of_what_cannot_be_read_is_not_the_whole() {
        let parts = candidates(r#"{"a": 1 2, "b": {"c": 1}}"#);
        assert!(parts.iter().all(|mended| mended.lossy), "{parts:?}");
        let after_prose = candidates(r#"In {braces} and [so on: {"a": 1}"#);
        assert!(after_prose.iter().any(|mended| !mended.lossy), "{after_prose:?}");
    }

    #[test]
    fn text_without_json_has_no_candidates() {
        assert!(candidates("").is_empty());
        assert!(candidates("I cannot do that.").is_empty());
        assert!(candidates("Use } and { with care").is_empty());
    }

    #[test]
    fn hostile_text_is_read_in_bounded_time() {
        let started = std::time::Instant::now();
        for part in [
            "[",
            "{",
            "{\"",
            "\"",
            "{a:",
            "[\"a\" ",
            "{\"a\":[",
            "[1}",
            "```\n{",
            "\\\"",
            "{'",
            "[/*",
            "{\"a\":\"b, \"",
        ] {
            candidates(&part.repeat(30_000 / part.len()));
            candidates(&format!("{{\"a\":[{}", part.repeat(30_000 / part.len())));
        }
        assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_text_is_read_without_a_panic(text in "[\\[\\]{}\"'`:,\\\\ \nutrx0-9.eéN…“”/*#=-]{0,60}") {
            candidates(&text);
        }
    }
}
