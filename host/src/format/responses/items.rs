//! Reading a request: its instructions and its items.
//!
//! Invariants: the order stands; all that an assistant says and calls in one go is one canonical message, so that the
//! outputs of its calls stand right behind it; reasoning goes with the message that follows it, and is left out where
//! none does.

use super::parts::{content, list};
use super::seal;
use crate::error::Error;
use crate::format::translate::wrong;
use serde_json::{Map, Value, json};

/// Reads `instructions` and `input` into canonical messages.
///
/// # Errors
/// 400, naming the place of what is wrong.
pub fn read(instructions: Option<Value>, input: Value) -> Result<Vec<Value>, Error> {
    let mut reader = Reader::default();
    let items = match input {
        Value::String(_) => vec![json!({ "role": "user", "content": input })],
        Value::Array(items) => items,
        _ => return Err(wrong("input", "must be a text or a list of items")),
    };
    for (index, item) in items.into_iter().enumerate() {
        reader.item(&format!("input[{index}]"), item)?;
    }
    if reader.out.is_empty() {
        return Err(wrong("input", "must not be empty"));
    }
    let instructions = instructions.map(|text| json!({ "role": "system", "content": text }));
    Ok(instructions.into_iter().chain(reader.out.into_iter().map(Value::Object)).collect())
}

#[derive(Default)]
struct Reader {
    out: Vec<Map<String, Value>>,
    /// What was thought for the message that is to come, in words.
    thoughts: Vec<String>,
    /// The same with what vouches for it.
    details: Vec<Map<String, Value>>,
}

impl Reader {
    fn item(&mut self, at: &str, item: Value) -> Result<(), Error> {
        let Value::Object(mut item) = item else { return Err(wrong(at, "must be an object")) };
        let kind = match item.remove("type") {
            Some(Value::String(kind)) => kind,
            // A message need not say that it is one.
            None | Some(Value::Null) if item.contains_key("role") => "message".to_owned(),
            _ => return Err(wrong(&format!("{at}.type"), "is required")),
        };
        match kind.as_str() {
            "message" => self.message(at, item),
            "function_call" => {
                let (id, name) = (text(at, &mut item, "call_id")?, text(at, &mut item, "name")?);
                let function = json!({ "name": name, "arguments": text(at, &mut item, "arguments")? });
                self.call(json!({ "id": id, "type": "function", "function": function }));
                Ok(())
            }
            "custom_tool_call" => {
                let (id, name) = (text(at, &mut item, "call_id")?, text(at, &mut item, "name")?);
                let custom = json!({ "name": name, "input": text(at, &mut item, "input")? });
                self.call(json!({ "id": id, "type": "custom", "custom": custom }));
                Ok(())
            }
            "function_call_output" | "custom_tool_call_output" => self.output(at, item),
            "reasoning" => {
                self.reasoning(item);
                Ok(())
            }
            "item_reference" => {
                let message = format!("{at}: the gateway keeps no items; send the item itself.");
                Err(Error::bad_request("unsupported_item", message).param(at))
            }
            kind => {
                let message = format!("{at}: items of type '{kind}' are not supported.");
                Err(Error::bad_request("unsupported_item", message).param(at))
            }
        }
    }

    fn message(&mut self, at: &str, mut item: Map<String, Value>) -> Result<(), Error> {
        let said = content(&format!("{at}.content"), item.remove("content").unwrap_or_default())?;
        match item.get("role").and_then(Value::as_str) {
            Some("assistant") => self.assistant(|message| {
                let before = message.get_mut("content").map(Value::take).unwrap_or_default();
                let all = match before {
                    Value::Null => said,
                    before => list(before).into_iter().chain(list(said)).collect(),
                };
                message.insert("content".into(), all);
            }),
            Some(role @ ("user" | "system" | "developer")) => {
                let message = json!({ "role": role, "content": said });
                self.push(message);
            }
            _ => return Err(wrong(&format!("{at}.role"), "must be user, assistant, system or developer")),
        }
        Ok(())
    }

    fn call(&mut self, call: Value) {
        // What was said before it belongs to the same message.
        let thoughts = self.take_thoughts();
        let mut message = self.last_assistant().unwrap_or_else(new_assistant);
        thoughts.attach(&mut message);
        match message.get_mut("tool_calls").and_then(Value::as_array_mut) {
            Some(calls) => calls.push(call),
            None => drop(message.insert("tool_calls".into(), json!([call]))),
        }
        self.out.push(message);
    }

    /// Says more in the assistant's message: the last one while its calls are open, or a new one.
    fn assistant(&mut self, say: impl FnOnce(&mut Map<String, Value>)) {
        let thoughts = self.take_thoughts();
        let mut message = match self.last_assistant() {
            Some(calling) if calling.contains_key("tool_calls") => calling,
            Some(said) => {
                self.out.push(said);
                new_assistant()
            }
            None => new_assistant(),
        };
        say(&mut message);
        thoughts.attach(&mut message);
        self.out.push(message);
    }

    fn output(&mut self, at: &str, mut item: Map<String, Value>) -> Result<(), Error> {
        let id = text(at, &mut item, "call_id")?;
        let told = content(&format!("{at}.output"), item.remove("output").unwrap_or_default())?;
        self.push(json!({ "role": "tool", "tool_call_id": id, "content": told }));
        Ok(())
    }

    fn reasoning(&mut self, mut item: Map<String, Value>) {
        let mut words = String::new();
        for list in ["summary", "content"] {
            let Some(Value::Array(parts)) = item.remove(list) else { continue };
            // A summary stands for the whole.
            if words.is_empty() {
                let texts = parts.iter().filter_map(|part| part.get("text").and_then(Value::as_str));
                words = texts.collect::<Vec<_>>().join("\n\n");
            }
        }
        self.details.extend(item.get("encrypted_content").and_then(Value::as_str).and_then(seal::open));
        self.thoughts.extend(Some(words).filter(|words| !words.is_empty()));
    }

    fn push(&mut self, message: Value) {
        self.take_thoughts();
        if let Value::Object(message) = message {
            self.out.push(message);
        }
    }

    fn take_thoughts(&mut self) -> Thoughts {
        Thoughts { words: std::mem::take(&mut self.thoughts), details: std::mem::take(&mut self.details) }
    }

    fn last_assistant(&mut self) -> Option<Map<String, Value>> {
        self.out.pop_if(|message| message.get("role").is_some_and(|role| role == "assistant"))
    }
}

struct Thoughts {
    words: Vec<String>,
    details: Vec<Map<String, Value>>,
}

impl Thoughts {
    fn attach(self, message: &mut Map<String, Value>) {
        if !self.words.is_empty() {
            let before = message.get("reasoning_content").and_then(Value::as_str).map(str::to_owned);
            let words: Vec<String> = before.into_iter().chain(self.words).collect();
            message.insert("reasoning_content".into(), words.join("\n\n").into());
        }
        if !self.details.is_empty() {
            let mut details = match message.remove("reasoning_details") {
                Some(Value::Array(details)) => details,
                _ => Vec::new(),
            };
            for mut detail in self.details {
                detail.insert("index".into(), details.len().into());
                details.push(detail.into());
            }
            message.insert("reasoning_details".into(), details.into());
        }
    }
}

fn new_assistant() -> Map<String, Value> {
    let mut message = Map::new();
    message.insert("role".into(), "assistant".into());
    message.insert("content".into(), Value::Null);
    message
}

fn text(at: &str, item: &mut Map<String, Value>, name: &str) -> Result<Value, Error> {
    match item.remove(name) {
        Some(text @ Value::String(_)) => Ok(text),
        _ => Err(wrong(&format!("{at}.{name}"), "must be a text")),
    }
}
