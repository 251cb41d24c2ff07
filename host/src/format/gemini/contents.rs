//! Reading a request: its conversation.
//!
//! Invariants: the order stands; a response of a function finds its call, by id or as the oldest open one of its
//! name; content of a kind that is not known travels as it is, to be refused or understood by the adapter; thoughts
//! of earlier turns are left out, as what signs them is not kept; what signs a call stays beside it.

use super::request::take;
use crate::error::Error;
use crate::format::translate::wrong;
use serde_json::{Map, Value, json};
use std::collections::{HashMap, HashSet, VecDeque};

/// Where a call keeps its signature: where Google's own API in OpenAI's format has it.
/// Source: Gemini API documentation, "Thought signatures", "OpenAI compatibility".
pub(super) const SIGNED: &str = "extra_content";

/// Reads `systemInstruction` and `contents` into canonical messages.
///
/// # Errors
/// 400, naming the place of what is wrong.
pub fn read(system: Option<Value>, said: Value) -> Result<Vec<Value>, Error> {
    let mut reader = Reader::default();
    if let Some(system) = system {
        // The API takes a text, parts, or a content.
        let content = match system {
            Value::String(text) => json!([{ "type": "text", "text": text }]),
            Value::Object(mut content) => {
                let parts = parts("systemInstruction", content.remove("parts"))?;
                parts.into_iter().map(part).collect::<Vec<_>>().into()
            }
            _ => return Err(wrong("systemInstruction", "must be a content")),
        };
        reader.out.push(json!({ "role": "system", "content": content }));
    }
    let said = match said {
        Value::Array(said) => said,
        // One content may stand by itself.
        content @ Value::Object(_) => vec![content],
        _ => return Err(wrong("contents", "must be a list")),
    };
    if said.is_empty() {
        return Err(wrong("contents", "must not be empty"));
    }
    for (index, content) in said.into_iter().enumerate() {
        reader.content(&format!("contents[{index}]"), index, content)?;
    }
    Ok(reader.out)
}

#[derive(Default)]
struct Reader {
    out: Vec<Value>,
    /// The ids of calls by name, oldest first: responses may leave ids out.
    calls: HashMap<String, VecDeque<String>>,
    /// The ids that responses named.
    answered: HashSet<String>,
}

impl Reader {
    fn content(&mut self, at: &str, index: usize, content: Value) -> Result<(), Error> {
        let Value::Object(mut content) = content else { return Err(wrong(at, "must be an object")) };
        let role = content.remove("role").filter(|role| !role.is_null());
        let parts = parts(at, content.remove("parts"))?;
        match role.as_ref().map_or(Some("user"), Value::as_str) {
            Some("model") => self.model(at, index, parts),
            Some("user" | "function") => self.user(at, parts),
            _ => Err(wrong(&format!("{at}.role"), "must be user or model")),
        }
    }

    fn user(&mut self, at: &str, given: Vec<Map<String, Value>>) -> Result<(), Error> {
        let mut said = Vec::new();
        for mut given in given {
            match take(&mut given, "functionResponse") {
                Some(Value::Object(response)) => {
                    let message = self.response(at, response)?;
                    self.out.push(message);
                }
                Some(_) => {
                    return Err(wrong(&format!("{at}.parts"), "has a functionResponse that is no object"));
                }
                None => said.push(part(given)),
            }
        }
        if !said.is_empty() {
            self.out.push(json!({ "role": "user", "content": said }));
        }
        Ok(())
    }

    fn response(&mut self, at: &str, mut response: Map<String, Value>) -> Result<Value, Error> {
        let Some(Value::String(name)) = response.remove("name") else {
            return Err(wrong(&format!("{at}.parts"), "has a functionResponse without a name"));
        };
        let given = response.remove("id").and_then(|id| id.as_str().map(str::to_owned));
        let Some(id) = given.or_else(|| self.oldest_open(&name)) else {
            return Err(wrong(&format!("{at}.parts"), "has a functionResponse without a functionCall"));
        };
        self.answered.insert(id.clone());
        // What the gateway's own adapter writes for a text comes back as that text.
        let told = match response.remove("response") {
            Some(Value::Object(told)) => {
                match (told.len(), told.get("output").or_else(|| told.get("result"))) {
                    (1, Some(Value::String(text))) => text.clone(),
                    _ => Value::Object(told).to_string(),
                }
            }
            Some(Value::String(text)) => text,
            Some(other) => other.to_string(),
            None => String::new(),
        };
        // Media beside it; guards are to know of it.
        let things = parts(at, response.remove("parts"))?;
        let content = if things.is_empty() {
            told.into()
        } else {
            let told = Some(json!({ "type": "text", "text": told }));
            told.into_iter().chain(things.into_iter().map(part)).collect::<Value>()
        };
        Ok(json!({ "role": "tool", "tool_call_id": id, "content": content }))
    }

    /// The oldest call of a function that no response has named.
    fn oldest_open(&mut self, name: &str) -> Option<String> {
        let calls = self.calls.get_mut(name)?;
        while let Some(id) = calls.pop_front() {
            if !self.answered.contains(&id) {
                return Some(id);
            }
        }
        None
    }

    fn model(&mut self, at: &str, index: usize, given: Vec<Map<String, Value>>) -> Result<(), Error> {
        let mut said = Vec::new();
        let mut calls = Vec::new();
        for mut given in given {
            match take(&mut given, "functionCall") {
                Some(Value::Object(mut call)) => {
                    let Some(Value::String(name)) = call.remove("name") else {
                        return Err(wrong(&format!("{at}.parts"), "has a functionCall without a name"));
                    };
                    let id = match call.remove("id") {
                        Some(Value::String(id)) if !id.is_empty() => id,
                        _ => format!("call_{index}_{}", calls.len()),
                    };
                    let arguments = call.remove("args").unwrap_or_else(|| json!({})).to_string();
                    self.calls.entry(name.clone()).or_default().push_back(id.clone());
                    let mut call = json!({
                        "id": id, "type": "function", "function": { "name": name, "arguments": arguments },
                    });
                    let signature = take(&mut given, "thoughtSignature").filter(Value::is_string);
                    if let (Some(signature), Some(call)) = (signature, call.as_object_mut()) {
                        call.insert(SIGNED.into(), json!({ "google": { "thought_signature": signature } }));
                    }
                    calls.push(call);
                }
                Some(_) => return Err(wrong(&format!("{at}.parts"), "has a functionCall that is no object")),
                None if given.get("thought") == Some(&Value::Bool(true)) => {}
                None => said.push(part(given)),
            }
        }
        let content: Value = match (said.is_empty(), calls.is_empty()) {
            (false, _) => said.into(),
            (true, false) => Value::Null,
            (true, true) => "".into(),
        };
        let mut message = json!({ "role": "assistant", "content": content });
        if let (false, Some(message)) = (calls.is_empty(), message.as_object_mut()) {
            message.insert("tool_calls".into(), calls.into());
        }
        self.out.push(message);
        Ok(())
    }
}

fn parts(at: &str, parts: Option<Value>) -> Result<Vec<Map<String, Value>>, Error> {
    let parts = match parts {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Array(parts)) => parts,
        Some(part @ Value::Object(_)) => vec![part],
        Some(_) => return Err(wrong(&format!("{at}.parts"), "must be a list")),
    };
    let read = |(index, part)| match part {
        Value::Object(part) => Ok(part),
        _ => Err(wrong(&format!("{at}.parts[{index}]"), "must be an object")),
    };
    parts.into_iter().enumerate().map(read).collect()
}

/// A part as a canonical one.
fn part(mut given: Map<String, Value>) -> Value {
    if let Some(text @ Value::String(_)) = given.remove("text") {
        return json!({ "type": "text", "text": text });
    }
    if let Some(Value::Object(mut data)) = take(&mut given, "inlineData") {
        let media = take(&mut data, "mimeType");
        if let (Some(Value::String(media)), Some(Value::String(data))) = (media, data.remove("data")) {
            return media_part(&media, format!("data:{media};base64,{data}"), &data);
        }
    }
    if let Some(Value::Object(mut file)) = take(&mut given, "fileData") {
        let media = take(&mut file, "mimeType");
        if let Some(Value::String(address)) = take(&mut file, "fileUri") {
            let image =
                media.as_ref().and_then(Value::as_str).is_none_or(|media| media.starts_with("image/"));
            return match image {
                true => json!({ "type": "image_url", "image_url": { "url": address } }),
                false => json!({ "type": "file", "file": { "file_id": address } }),
            };
        }
    }
    given.entry("type").or_insert_with(|| "gemini".into());
    Value::Object(given)
}

fn media_part(media: &str, url: String, data: &str) -> Value {
    match media.split_once('/') {
        Some(("image", _)) => json!({ "type": "image_url", "image_url": { "url": url } }),
        Some(("audio", kind)) => {
            json!({ "type": "input_audio", "input_audio": { "format": kind, "data": data } })
        }
        _ => json!({ "type": "file", "file": { "file_data": url } }),
    }
}
