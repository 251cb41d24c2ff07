//! Documents that a client of this very API sent: text parts with a mark, so that guards read them.
//!
//! Invariants: their text is what guards left of it; those of users become the request's documents, in their order, those
//! of tools parts of type `document`; nobody else's are touched.

use serde_json::{Map, Value};

/// The word of the mark.
const MARK: &str = "cohere";

/// Takes the documents of users, and turns those of tools.
pub fn take(messages: &mut Option<Value>) -> Vec<Value> {
    let mut documents = Vec::new();
    for message in messages.as_mut().and_then(Value::as_array_mut).into_iter().flatten() {
        let role = message.get("role").and_then(Value::as_str).unwrap_or_default().to_owned();
        let Some(parts) = message.get_mut("content").and_then(Value::as_array_mut) else { continue };
        match role.as_str() {
            "user" => parts.retain_mut(|part| match document(part) {
                Some(document) => {
                    documents.push(document);
                    false
                }
                None => true,
            }),
            "tool" => {
                for part in parts {
                    if let Some(document) = document(part) {
                        let mut whole = Map::new();
                        whole.insert("type".into(), "document".into());
                        whole.insert("document".into(), document);
                        *part = whole.into();
                    }
                }
            }
            _ => {}
        }
    }
    documents
}

/// The document that a part is: fields where its text is such, with its id where it has one; else the text.
fn document(part: &mut Value) -> Option<Value> {
    let mut mark = part.get_mut(MARK)?.get_mut("document")?.take();
    let Some(Value::String(text)) = part.get_mut("text").map(Value::take) else { return None };
    let fields: Result<Map<String, Value>, _> = serde_json::from_str(&text);
    let data = fields.map_or_else(|_| Value::String(text), Value::Object);
    let id = mark.as_object_mut().and_then(|mark| mark.shift_remove("id"));
    if id.is_none() && data.is_string() {
        return Some(data);
    }
    let mut document = Map::new();
    document.extend(id.map(|id| ("id".to_owned(), id)));
    document.insert("data".into(), data);
    Some(document.into())
}

#[cfg(test)]
mod tests {
    use super::take;
    use serde_json::json;

    #[test]
    fn documents_go_where_the_api_wants_them() {
        let text =
            |text: &str, mark: serde_json::Value| json!({ "type": "text", "text": text, "cohere": mark });
        let mut messages = Some(json!([
            { "role": "user", "content": [
                text("plain", json!({ "document": {} })), text("{\"a\":1}", json!({ "document": { "id": "d" } })),
                { "type": "text", "text": "And?" },
            ] },
            { "role": "tool", "tool_call_id": "1", "content": [text("{\"b\":2}", json!({ "document": {} }))] },
            { "role": "user", "content": [text("kept", json!({})), text("kept", json!(1))] },
            { "role": "user", "content": "words" },
        ]));
        assert_eq!(take(&mut messages), [json!("plain"), json!({ "id": "d", "data": { "a": 1 } })]);
        let messages = messages.unwrap_or_default();
        assert_eq!(messages.pointer("/0/content"), Some(&json!([{ "type": "text", "text": "And?" }])));
        let document = json!([{ "type": "document", "document": { "data": { "b": 2 } } }]);
        assert_eq!(messages.pointer("/1/content"), Some(&document));
        assert_eq!(messages.pointer("/2/content/1/text"), Some(&json!("kept")));
    }
}
