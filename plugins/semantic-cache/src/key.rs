//! What makes two requests the same: a digest of everything that can change an answer.
//!
//! Invariants: a field that is not known to be harmless is part of the key, so an unknown parameter causes a
//! miss and never a wrong hit; the order of object members and the two ways of writing a lone text do not
//! matter; a digest is never taken over ambiguous bytes.
//! It never lets text leave: only digests do.

use blake3::{Hash, Hasher};
use serde_json::Value;

/// Fields of a request that never change what is answered.
const HARMLESS: &[&str] = &[
    "metadata",
    "prompt_cache_key",
    "prompt_cache_options",
    "prompt_cache_retention",
    "responses",
    "safety_identifier",
    "service_tier",
    "store",
    "stream",
    "stream_options",
    "user",
];

/// The keys of a request.
#[derive(Debug, PartialEq)]
pub struct Keys {
    /// Of the request as a whole.
    pub exact: String,
    /// What may be compared by meaning, where anything may.
    pub similar: Option<Similar>,
}

/// The part of a request that may be said in other words.
#[derive(Debug, PartialEq)]
pub struct Similar {
    /// The last thing the user said.
    pub question: String,
    /// Of everything else.
    pub context: String,
}

/// Makes the keys of a canonical request. `partition` keeps apart what must not be shared.
pub fn keys(request: &Value, partition: &[&str]) -> Keys {
    let Some(question) = question(request) else {
        let exact = digest("exact", partition, request, false);
        return Keys { exact: exact.to_hex().to_string(), similar: None };
    };
    let context = digest("context", partition, request, true);
    // The context covers all but the question, so the two together are the request.
    let mut exact = Hasher::new();
    write_text(&mut exact, "question");
    exact.update(context.as_bytes());
    write_text(&mut exact, question);
    Keys {
        exact: exact.finalize().to_hex().to_string(),
        similar: Some(Similar { question: question.to_owned(), context: context.to_hex().to_string() }),
    }
}

/// The text of the last message, where a user said it and nothing but it.
fn question(request: &Value) -> Option<&str> {
    if ["tools", "functions"].iter().any(|name| request.get(name).is_some_and(|tools| !is_empty(tools))) {
        return None;
    }
    let last = request.get("messages")?.as_array()?.last()?;
    (last.get("role")?.as_str()? == "user").then_some(())?;
    let text = lone_text(last.get("content")?)?;
    (!text.trim().is_empty()).then_some(text)
}

/// A content that is one text, in either way of writing it.
fn lone_text(content: &Value) -> Option<&str> {
    match content {
        Value::String(text) => Some(text),
        Value::Array(parts) => match parts.as_slice() {
            [part] if part.get("type")?.as_str()? == "text" => part.get("text")?.as_str(),
            _ => None,
        },
        _ => None,
    }
}

fn is_empty(value: &Value) -> bool {
    value.is_null() || value.as_array().is_some_and(Vec::is_empty)
}

fn digest(kind: &str, partition: &[&str], request: &Value, without_question: bool) -> Hash {
    let mut hash = Hasher::new();
    write_text(&mut hash, kind);
    for part in partition {
        write_text(&mut hash, part);
    }
    let Value::Object(request) = request else { return hash.finalize() };
    let mut fields: Vec<_> = request
        .iter()
        .filter(|(name, value)| !value.is_null() && !HARMLESS.contains(&name.as_str()))
        .collect();
    fields.sort_by_key(|(name, _)| name.as_str());
    for (name, value) in fields {
        write_text(&mut hash, name);
        match (name.as_str(), value) {
            ("messages", Value::Array(messages)) => {
                mark(&mut hash, b'[');
                let last = messages.len().saturating_sub(1);
                for (index, message) in messages.iter().enumerate() {
                    write_message(&mut hash, message, without_question && index == last);
                }
            }
            _ => write(&mut hash, value),
        }
    }
    hash.finalize()
}

fn write_message(hash: &mut Hasher, message: &Value, without_content: bool) {
    let Value::Object(message) = message else { return write(hash, message) };
    let mut fields: Vec<_> = message.iter().filter(|(_, value)| !value.is_null()).collect();
    fields.sort_by_key(|(name, _)| name.as_str());
    mark(hash, b'{');
    for (name, value) in fields {
        if name == "content" && without_content {
            continue;
        }
        write_text(hash, name);
        match lone_text(value).filter(|_| name == "content") {
            Some(text) => write_text(hash, text),
            None => write(hash, value),
        }
    }
    mark(hash, b'}');
}

/// Writes a value so that no two values write the same bytes: members sorted, texts with their length.
fn write(hash: &mut Hasher, value: &Value) {
    match value {
        Value::Null => mark(hash, b'n'),
        Value::Bool(on) => mark(hash, if *on { b't' } else { b'f' }),
        Value::Number(number) => {
            // 1 and 1.0 ask for the same.
            let number = number.as_f64().map_or_else(|| number.to_string(), |float| float.to_string());
            write_text(hash, &number);
        }
        Value::String(text) => write_text(hash, text),
        Value::Array(items) => {
            mark(hash, b'[');
            items.iter().for_each(|item| write(hash, item));
            mark(hash, b']');
        }
        Value::Object(map) => {
            let mut members: Vec<_> = map.iter().collect();
            members.sort_by_key(|(name, _)| name.as_str());
            mark(hash, b'{');
            for (name, value) in members {
                write_text(hash, name);
                write(hash, value);
            }
            mark(hash, b'}');
        }
    }
}

fn write_text(hash: &mut Hasher, text: &str) {
    mark(hash, b's');
    hash.update(&u64::try_from(text.len()).unwrap_or(u64::MAX).to_le_bytes());
    hash.update(text.as_bytes());
}

fn mark(hash: &mut Hasher, mark: u8) {
    hash.update(&[mark]);
}

/// The digest of a text, as hex.
pub fn text_digest(text: &str) -> String {
    blake3::hash(text.as_bytes()).to_hex().to_string()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::{Keys, keys, text_digest};
    use serde_json::{Value, json};

    fn of(request: Value) -> Keys {
        keys(&request, &["", "m"])
    }

    fn chat(more: Value) -> Value {
        let mut request = json!({ "model": "m", "messages": [
            { "role": "system", "content": "Be kind." }, { "role": "user", "content": "What is a lock?" } ] });
        request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        request
    }

    #[test]
    fn what_does_not_change_the_answer_does_not_change_the_key() {
        let plain = of(chat(json!({})));
        assert_eq!(
            plain,
            of(chat(json!({ "stream": true, "user": "u", "metadata": { "a": "b" }, "seed": null })))
        );
        let parts = json!([
            { "content": [{ "type": "text", "text": "Be kind." }], "role": "system" },
            { "content": "What is a lock?", "role": "user", "name": null },
        ]);
        assert_eq!(plain, of(chat(json!({ "messages": parts }))));
        assert_eq!(of(chat(json!({ "temperature": 1 }))), of(chat(json!({ "temperature": 1.0 }))));
        let schema =
            |text: &str| of(chat(json!({ "response_format": serde_json::from_str::<Value>(text).unwrap() })));
        assert_eq!(schema(r#"{"a": 1, "b": [2]}"#), schema(r#"{"b": [2], "a": 1}"#));
    }

    #[test]
    fn what_may_change_the_answer_changes_both_keys() {
        let plain = of(chat(json!({})));
        for more in [
            json!({ "temperature": 0.1 }),
            json!({ "max_tokens": 5 }),
            json!({ "response_format": { "type": "json_object" } }),
            json!({ "some_new_parameter": true }),
            json!({ "messages": [
                { "role": "system", "content": "Be rude." }, { "role": "user", "content": "What is a lock?" } ] }),
            json!({ "messages": [
                { "role": "developer", "content": "Be kind." }, { "role": "user", "content": "What is a lock?" } ] }),
        ] {
            let other = of(chat(more.clone()));
            assert_ne!(plain.exact, other.exact, "{more}");
            assert_ne!(plain.similar.as_ref().unwrap().context, other.similar.unwrap().context, "{more}");
        }
        assert_ne!(plain.exact, keys(&chat(json!({})), &["other", "m"]).exact);
        assert_ne!(keys(&json!({}), &["a", "b"]).exact, keys(&json!({}), &["ab", ""]).exact);
    }

    #[test]
    fn another_question_shares_the_context_only() {
        let plain = of(chat(json!({})));
        let other = of(chat(json!({ "messages": [
            { "role": "system", "content": "Be kind." }, { "role": "user", "content": "Explain locks." } ] })));
        assert_ne!(plain.exact, other.exact);
        let (plain, other) = (plain.similar.unwrap(), other.similar.unwrap());
        assert_eq!(plain.context, other.context);
        assert_eq!((plain.question.as_str(), other.question.as_str()), ("What is a lock?", "Explain locks."));
    }

    #[test]
    fn only_a_lone_text_of_a_user_is_compared_by_meaning() {
        let image =
            json!([{ "type": "text", "text": "x" }, { "type": "image_url", "image_url": { "url": "u" } }]);
        for more in [
            json!({ "tools": [{ "type": "function", "function": { "name": "f" } }] }),
            json!({ "messages": [{ "role": "user", "content": image }] }),
            json!({ "messages": [{ "role": "assistant", "content": "x" }] }),
            json!({ "messages": [{ "role": "user", "content": " " }] }),
            json!({ "messages": [] }),
        ] {
            assert_eq!(of(chat(more.clone())).similar, None, "{more}");
        }
        assert!(of(chat(json!({ "tools": [] }))).similar.is_some());
        assert_eq!(of(json!({ "model": "e", "input": ["a"] })).similar, None);
    }

    #[test]
    fn digests_are_hex() {
        assert_eq!(text_digest("")[..16], *"af1349b9f5f9a1a6");
        assert_eq!(of(json!({})).exact.len(), 64);
    }
}
