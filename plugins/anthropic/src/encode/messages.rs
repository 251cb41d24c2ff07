//! The conversation: roles, turns and content blocks.
//!
//! Invariants: turns alternate; results of tools stand at the start of the user turn that follows the call;
//! no block is empty (the API refuses those); content that cannot be expressed is refused by its place, never
//! dropped.

use super::Refusal;
use serde_json::{Map, Value, json};

/// A translated conversation.
#[derive(Debug, Default)]
pub struct Conversation {
    /// What stood in `system` and `developer` messages.
    pub system: Option<Value>,
    /// The turns.
    pub messages: Vec<Value>,
    /// The names of the tools that were called, each once.
    pub used_tools: Vec<String>,
    /// Whether it ends with the results of a call whose thinking is not known.
    pub in_tool_loop: bool,
}

struct Turn {
    role: &'static str,
    blocks: Vec<Value>,
    /// How many of the first blocks are results of tools.
    results: usize,
}

/// Translates `messages`.
pub fn translate(messages: Option<Value>) -> Result<Conversation, Refusal> {
    let Some(Value::Array(messages)) = messages else { return Err("`messages` is missing".into()) };
    let mut out = Conversation::default();
    let mut system: Vec<Value> = Vec::new();
    let mut turns: Vec<Turn> = Vec::new();
    for (index, message) in messages.into_iter().enumerate() {
        let place = |why: Refusal| format!("`messages[{index}]` {why}");
        let Value::Object(mut message) = message else { return Err(place("is not an object".into())) };
        let role = message.remove("role");
        let content = message.remove("content").unwrap_or(Value::Null);
        match role.as_ref().and_then(Value::as_str) {
            Some("system" | "developer") => system.extend(blocks(content).map_err(place)?),
            Some("user") => {
                let blocks = blocks(content).map_err(place)?;
                turn(&mut turns, "user").blocks.extend(blocks);
                out.in_tool_loop = false;
            }
            Some("assistant") => {
                let said = assistant(&mut message, content, &mut out).map_err(place)?;
                turn(&mut turns, "assistant").blocks.extend(said);
            }
            Some("tool") => {
                let result = tool_result(&mut message, content).map_err(place)?;
                let turn = turn(&mut turns, "user");
                turn.blocks.insert(turn.results, result);
                turn.results += 1;
            }
            Some(other) => return Err(place(format!("has the role `{other}`, which cannot be expressed"))),
            None => return Err(place("has no role".into())),
        }
    }
    turns.retain(|turn| !turn.blocks.is_empty());
    if turns.is_empty() {
        // OpenAI takes a request of instructions alone; here someone must have said something.
        if system.is_empty() {
            return Err("`messages` says nothing".into());
        }
        turns.push(Turn { role: "user", blocks: std::mem::take(&mut system), results: 0 });
    }
    trim_prefill(&mut turns);
    out.system = joined(system);
    out.messages = merged(turns);
    Ok(out)
}

/// The turn that a message of this role belongs to: the last one, or a new one.
fn turn<'a>(turns: &'a mut Vec<Turn>, role: &'static str) -> &'a mut Turn {
    let index = match turns.last() {
        Some(last) if last.role == role => turns.len() - 1,
        _ => turns.len(),
    };
    if index == turns.len() {
        turns.push(Turn { role, blocks: Vec::new(), results: 0 });
    }
    #[expect(clippy::indexing_slicing, reason = "the turn was pushed above where there was none")]
    &mut turns[index]
}

/// The API refuses a last assistant turn (which the model continues) that ends in white space.
fn trim_prefill(turns: &mut [Turn]) {
    if let Some(Turn { role: "assistant", blocks, .. }) = turns.last_mut()
        && let Some(Value::String(text)) = blocks.last_mut().and_then(|block| block.get_mut("text"))
    {
        text.truncate(text.trim_end().len());
    }
}

fn merged(turns: Vec<Turn>) -> Vec<Value> {
    let mut out: Vec<(&str, Vec<Value>)> = Vec::new();
    for turn in turns {
        // Dropping an empty turn can leave two of a kind side by side.
        match out.last_mut() {
            Some((role, blocks)) if *role == turn.role => blocks.extend(turn.blocks),
            _ => out.push((turn.role, turn.blocks)),
        }
    }
    out.into_iter().map(|(role, blocks)| json!({ "role": role, "content": blocks })).collect()
}

/// The system prompt: a string, or blocks where one of them asks for caching.
fn joined(system: Vec<Value>) -> Option<Value> {
    if system.is_empty() {
        return None;
    }
    if system.iter().any(|block| block.get("cache_control").is_some()) {
        return Some(system.into());
    }
    let texts: Vec<&str> = system.iter().filter_map(|block| block.get("text")?.as_str()).collect();
    Some(texts.join("\n\n").into())
}

/// What an assistant message says: thinking, text, calls, in this order.
fn assistant(
    message: &mut Map<String, Value>,
    content: Value,
    out: &mut Conversation,
) -> Result<Vec<Value>, Refusal> {
    let mut said = match message.remove("thinking_blocks") {
        Some(Value::Array(thoughts)) => thoughts,
        _ => Vec::new(),
    };
    let thought = !said.is_empty();
    said.extend(blocks(content)?);
    if let Some(Value::String(refusal)) = message.remove("refusal") {
        said.extend(text_block(refusal));
    }
    let calls = match message.remove("tool_calls") {
        Some(Value::Array(calls)) => calls,
        _ => Vec::new(),
    };
    out.in_tool_loop = !calls.is_empty() && !thought;
    for (index, call) in calls.iter().enumerate() {
        let name = call.pointer("/function/name").and_then(Value::as_str);
        let id = call.get("id").and_then(Value::as_str);
        let (Some(name), Some(id)) = (name, id) else {
            return Err(format!("has a call without an id or a function's name (`tool_calls[{index}]`)"));
        };
        let arguments = call.pointer("/function/arguments").and_then(Value::as_str).unwrap_or_default();
        let input: Value = match arguments.trim() {
            "" => json!({}),
            text => serde_json::from_str(text).unwrap_or_default(),
        };
        if !input.is_object() {
            return Err(format!("has arguments that are not a JSON object (`tool_calls[{index}]`)"));
        }
        if !out.used_tools.iter().any(|used| used == name) {
            out.used_tools.push(name.to_owned());
        }
        said.push(json!({ "type": "tool_use", "id": safe_id(id), "name": name, "input": input }));
    }
    Ok(said)
}

fn tool_result(message: &mut Map<String, Value>, content: Value) -> Result<Value, Refusal> {
    let Some(Value::String(id)) = message.remove("tool_call_id") else {
        return Err("has no `tool_call_id`".into());
    };
    let mut result = json!({ "type": "tool_result", "tool_use_id": safe_id(&id) });
    let blocks = blocks(content)?;
    if let Value::Object(map) = &mut result {
        if !blocks.is_empty() {
            map.insert("content".into(), blocks.into());
        }
        if let Some(cache) = message.remove("cache_control") {
            map.insert("cache_control".into(), cache);
        }
    }
    Ok(result)
}

/// Ids here are letters, digits, `_` and `-`; those of other providers may not be.
fn safe_id(id: &str) -> String {
    id.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' }).collect()
}

/// A message's content as blocks.
fn blocks(content: Value) -> Result<Vec<Value>, Refusal> {
    match content {
        Value::Null => Ok(Vec::new()),
        Value::String(text) => Ok(text_block(text).into_iter().collect()),
        Value::Array(parts) => {
            let mut out = Vec::with_capacity(parts.len());
            for (index, part) in parts.into_iter().enumerate() {
                out.extend(block(part).map_err(|why| format!("has a part that {why} (`content[{index}]`)"))?);
            }
            Ok(out)
        }
        _ => Err("has content that is neither text nor parts".into()),
    }
}

fn text_block(text: String) -> Option<Value> {
    (!text.trim().is_empty()).then(|| json!({ "type": "text", "text": text }))
}

fn block(part: Value) -> Result<Option<Value>, Refusal> {
    let Value::Object(mut part) = part else { return Err("is not an object".into()) };
    let mut block = match part.get("type").and_then(Value::as_str) {
        Some(kind @ ("text" | "refusal")) => match part.get(kind).and_then(Value::as_str) {
            Some(text) => match text_block(text.to_owned()) {
                Some(block) => block,
                None => return Ok(None),
            },
            None => return Err("has no text".into()),
        },
        Some("image_url") => {
            let url = part.get("image_url").and_then(|image| image.get("url").unwrap_or(image).as_str());
            image(url.ok_or("has no URL")?)?
        }
        Some("file") => document(part.get("file").unwrap_or(&Value::Null))?,
        // Anthropic's own blocks.
        Some("image" | "document" | "search_result") => return Ok(Some(Value::Object(part))),
        Some(other) => return Err(format!("is of type `{other}`, which cannot be expressed")),
        None => return Err("has no type".into()),
    };
    if let (Value::Object(map), Some(cache)) = (&mut block, part.remove("cache_control")) {
        map.insert("cache_control".into(), cache);
    }
    Ok(Some(block))
}

fn image(url: &str) -> Result<Value, Refusal> {
    let Some((kind, data)) = data_url(url)? else {
        return Ok(json!({ "type": "image", "source": { "type": "url", "url": url } }));
    };
    let kind = match kind {
        "image/jpg" => "image/jpeg",
        kind @ ("image/jpeg" | "image/png" | "image/gif" | "image/webp") => kind,
        other => return Err(format!("is an image of type `{other}`, which cannot be expressed")),
    };
    Ok(json!({ "type": "image", "source": { "type": "base64", "media_type": kind, "data": data } }))
}

fn document(file: &Value) -> Result<Value, Refusal> {
    let data =
        file.get("file_data").and_then(Value::as_str).ok_or("names a file that is not in the request")?;
    match data_url(data)? {
        Some((kind @ "application/pdf", data)) => {
            let mut block = json!({ "type": "document", "source": { "type": "base64", "media_type": kind, "data": data } });
            if let (Value::Object(map), Some(name)) = (&mut block, file.get("filename")) {
                map.insert("title".into(), name.clone());
            }
            Ok(block)
        }
        _ => Err("is a file that is not a PDF in a data URL".into()),
    }
}

/// The media type and the base64 of a `data:` URL; `None` when it is another URL.
fn data_url(url: &str) -> Result<Option<(&str, &str)>, Refusal> {
    let Some(rest) = url.strip_prefix("data:") else { return Ok(None) };
    let (head, data) = rest.split_once(',').ok_or("has a data URL without data")?;
    let kind = head.strip_suffix(";base64").ok_or("has a data URL that is not base64")?;
    Ok(Some((kind.split(';').next().unwrap_or(kind), data)))
}
