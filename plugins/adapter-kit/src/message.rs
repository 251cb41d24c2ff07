//! Messages of a canonical conversation.
//!
//! Invariants: the order stands; what is wrong is told by the message's place; arguments of calls stay text
//! until somebody needs them as an object.

use crate::Refusal;
use crate::content::{Part, marks, parts, string};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// `system` or `developer`.
    System,
    /// `user`.
    User,
    /// `assistant`.
    Assistant,
    /// `tool`.
    Tool,
}

/// A call of a tool.
#[derive(Debug, Clone, PartialEq)]
pub struct ToolCall {
    /// Its id.
    pub id: String,
    /// The tool's name.
    pub name: String,
    /// The arguments, as the client sent them.
    pub arguments: String,
    /// What else stands beside the function, such as `extra_content`.
    pub more: Map<String, Value>,
}

/// A message.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// Its place in the conversation.
    pub index: usize,
    /// Who speaks.
    pub role: Role,
    /// What is said; an assistant's `refusal` is among it.
    pub parts: Vec<Part>,
    /// The marks of prompt caching (`cache_control`), by the place of the part that has one.
    pub marks: BTreeMap<usize, Value>,
    /// The calls of an assistant.
    pub calls: Vec<ToolCall>,
    /// The call that a tool answers.
    pub call_id: Option<String>,
    /// What else stands in it: `name`, `reasoning_content`, `prefix`, ….
    pub more: Map<String, Value>,
}

impl Message {
    /// A refusal of this message.
    #[must_use]
    pub fn place(&self, why: &str) -> Refusal {
        format!("`messages[{}]` {why}", self.index)
    }

    /// What an assistant thought, where the client sent it back.
    pub fn reasoning(&mut self) -> Option<String> {
        let newer = string(&mut self.more, "reasoning");
        string(&mut self.more, "reasoning_content").or(newer).filter(|text| !text.is_empty())
    }
}

impl ToolCall {
    /// The arguments as an object; none are an empty one.
    ///
    /// # Errors
    /// When they are something else.
    pub fn object(&self) -> Result<Map<String, Value>, Refusal> {
        match self.arguments.trim() {
            "" => Ok(Map::new()),
            text => match serde_json::from_str(text) {
                Ok(Value::Object(map)) => Ok(map),
                _ => Err(format!("has a call of `{}` whose arguments are not a JSON object", self.name)),
            },
        }
    }
}

/// Reads `messages`.
///
/// # Errors
/// What is wrong with a message, by its place.
pub fn messages(messages: Option<Value>) -> Result<Vec<Message>, Refusal> {
    let Some(Value::Array(messages)) = messages else { return Err("`messages` is missing".to_owned()) };
    let read = |(index, value)| message(index, value).map_err(|why| format!("`messages[{index}]` {why}"));
    messages.into_iter().enumerate().map(read).collect()
}

fn message(index: usize, message: Value) -> Result<Message, Refusal> {
    let Value::Object(mut more) = message else { return Err("is not an object".to_owned()) };
    more.retain(|_, value| !value.is_null());
    let role = match string(&mut more, "role").as_deref() {
        Some("system" | "developer") => Role::System,
        Some("user") => Role::User,
        Some("assistant") => Role::Assistant,
        Some("tool") => Role::Tool,
        Some(other) => return Err(format!("has the role `{other}`, which cannot be expressed")),
        None => return Err("has no role".to_owned()),
    };
    let mut content = more.remove("content").unwrap_or_default();
    let marks = marks(&mut content);
    let mut parts = parts(content)?;
    let mut calls = Vec::new();
    if role == Role::Assistant {
        for old in ["function_call", "audio"] {
            if more.contains_key(old) {
                return Err(format!("has `{old}`, which cannot be expressed"));
            }
        }
        parts.extend(string(&mut more, "refusal").map(Part::Text));
        calls = match more.remove("tool_calls") {
            Some(Value::Array(given)) => given.into_iter().enumerate().map(call).collect::<Result<_, _>>()?,
            Some(_) => return Err("has `tool_calls` that are not a list".to_owned()),
            None => calls,
        };
    }
    let call_id = string(&mut more, "tool_call_id");
    if role == Role::Tool && call_id.is_none() {
        return Err("has no `tool_call_id`".to_owned());
    }
    Ok(Message { index, role, parts, marks, calls, call_id, more })
}

fn call((index, call): (usize, Value)) -> Result<ToolCall, Refusal> {
    let wrong = || format!("has a call without an id or a function's name (`tool_calls[{index}]`)");
    let Value::Object(mut more) = call else { return Err(wrong()) };
    let Some(Value::Object(mut function)) = more.remove("function") else { return Err(wrong()) };
    let (id, name) = (string(&mut more, "id"), string(&mut function, "name"));
    let (Some(id), Some(name)) = (id, name) else { return Err(wrong()) };
    let arguments = match function.remove("arguments") {
        Some(Value::String(text)) => text,
        None | Some(Value::Null) => String::new(),
        Some(other) => other.to_string(),
    };
    Ok(ToolCall { id, name, arguments, more })
}

#[cfg(test)]
mod tests {
    use super::{Role, messages};
    use serde_json::{Value, json};

    #[test]
    fn a_conversation_is_read() {
        let read = messages(Some(json!([
            { "role": "developer", "content": [
                { "type": "text", "text": "Be" }, { "type": "text", "text": "kind.", "cache_control": { "a": 1 } } ] },
            { "role": "assistant", "content": null, "refusal": "No.", "reasoning_content": "hm", "tool_calls": [
                { "id": "1", "type": "function", "function": { "name": "f", "arguments": "{\"a\":1}" } } ] },
            { "role": "tool", "tool_call_id": "1", "content": "ok" },
        ])));
        let mut read = read.unwrap_or_default();
        assert_eq!(
            read.iter().map(|m| m.role).collect::<Vec<_>>(),
            [Role::System, Role::Assistant, Role::Tool]
        );
        let marks =
            read.first().map(|m| m.marks.iter().map(|(place, mark)| (*place, mark.clone())).collect());
        assert_eq!(marks, Some(vec![(1, json!({ "a": 1 }))]));
        let assistant = read.get_mut(1);
        let told =
            assistant.map(|m| (m.parts.len(), m.reasoning(), m.calls.first().map(super::ToolCall::object)));
        let arguments = json!({ "a": 1 }).as_object().cloned().unwrap_or_default();
        assert_eq!(told, Some((1, Some("hm".to_owned()), Some(Ok(arguments)))));
    }

    #[test]
    fn mistakes_are_named_by_their_place() {
        let call = |function: Value| json!({ "role": "assistant", "tool_calls": [{ "id": "1", "function": function }] });
        for bad in [
            json!("hi"),
            json!({ "content": "x" }),
            json!({ "role": "narrator", "content": "x" }),
            json!({ "role": "tool", "content": "x" }),
            json!({ "role": "assistant", "tool_calls": {} }),
            json!({ "role": "assistant", "audio": { "id": "a" } }),
            call(json!({})),
        ] {
            let why =
                messages(Some(json!([{ "role": "user", "content": "" }, bad]))).err().unwrap_or_default();
            assert!(why.starts_with("`messages[1]` has") || why.contains("[1]` is not"), "{why}");
        }
        assert!(messages(None).is_err() && messages(Some(json!({}))).is_err());
        for (arguments, fine) in [("", true), ("{}", true), ("[1", false), ("[]", false)] {
            let read = messages(Some(json!([call(json!({ "name": "f", "arguments": arguments }))])));
            let object =
                read.unwrap_or_default().first().and_then(|m| m.calls.first().map(|c| c.object().is_ok()));
            assert_eq!(object, Some(fine), "{arguments}");
        }
    }
}
