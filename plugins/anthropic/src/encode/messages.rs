//! The conversation: roles, turns and content blocks.
//!
//! Invariants: turns alternate; results of tools stand at the start of the user turn that follows the call;
//! what an assistant thought and the API signed stands before what it said; no block is empty (the API refuses
//! those); content that cannot be expressed is refused by its place, never dropped.

use adapter_kit::Refusal;
use adapter_kit::content::{Part, Source, inexpressible};
use adapter_kit::message::{Message, Role, messages};
use adapter_kit::reasoning::{ANTHROPIC, Thought};
use serde_json::{Map, Value, json};

const USER: &str = "user";
const ASSISTANT: &str = "assistant";

/// A translated conversation.
#[derive(Debug)]
pub struct Conversation {
    /// What stood in `system` and `developer` messages.
    pub system: Option<Value>,
    /// The turns.
    pub messages: Vec<Value>,
    /// The names of the tools that were called, each once.
    pub used_tools: Vec<String>,
    /// Where the answer begins that the model is to go on with: after what a user said last.
    pub under_way: usize,
    /// Whether that answer ends with calls, and the thinking that it began with is not known.
    pub in_tool_loop: bool,
}

#[derive(Debug)]
struct Turn {
    role: &'static str,
    blocks: Vec<Value>,
    /// How many of the first blocks are results of tools.
    results: usize,
}

/// Translates `messages`.
pub fn translate(given: Option<Value>) -> Result<Conversation, Refusal> {
    let (mut system, mut turns, mut used_tools) = (Vec::new(), Vec::new(), Vec::new());
    for mut message in messages(given)? {
        let place = message.index;
        add(&mut message, &mut system, &mut turns).map_err(|why| format!("`messages[{place}]` {why}"))?;
        for call in message.calls {
            if !used_tools.contains(&call.name) {
                used_tools.push(call.name);
            }
        }
    }
    if turns.is_empty() {
        // OpenAI takes a request of instructions alone; here someone must have said something.
        if system.is_empty() {
            return Err("`messages` says nothing".into());
        }
        turns.push(Turn { role: USER, blocks: std::mem::take(&mut system), results: 0 });
    }
    trim_prefill(&mut turns);
    let said = turns.iter().rposition(|turn| turn.role == USER && turn.blocks.len() > turn.results);
    let under_way = said.map_or(0, |at| at + 1);
    let answers = || turns.iter().skip(under_way).filter(|turn| turn.role == ASSISTANT);
    let calls =
        answers().next_back().is_some_and(|turn| turn.blocks.iter().any(|block| is(block, "tool_use")));
    let known = answers().next().is_some_and(|turn| turn.blocks.first().is_some_and(is_thought));
    Ok(Conversation {
        system: joined(system),
        used_tools,
        under_way,
        in_tool_loop: calls && !known,
        messages: turns
            .into_iter()
            .map(|turn| json!({ "role": turn.role, "content": turn.blocks }))
            .collect(),
    })
}

/// Takes the thinking out of the answer that begins at a place: where thinking is off, the API refuses it there.
pub fn forget(out: &mut Map<String, Value>, under_way: usize) {
    let messages = out.get_mut("messages").and_then(Value::as_array_mut);
    for message in messages.into_iter().flatten().skip(under_way) {
        if let Some(Value::Array(blocks)) = message.get_mut("content") {
            blocks.retain(|block| !is_thought(block));
        }
    }
}

fn is(block: &Value, kind: &str) -> bool {
    block.get("type").is_some_and(|given| given == kind)
}

fn is_thought(block: &Value) -> bool {
    is(block, "thinking") || is(block, "redacted_thinking")
}

/// Adds a message to the turn that it belongs to: the last one, or a new one. One that says nothing is left out.
fn add(message: &mut Message, system: &mut Vec<Value>, turns: &mut Vec<Turn>) -> Result<(), Refusal> {
    let (role, said) = match message.role {
        Role::System => {
            if let Some(other) = message.parts.iter().find(|part| !matches!(part, Part::Text(_))) {
                return Err(inexpressible(other.kind()));
            }
            system.extend(blocks(message)?);
            return Ok(());
        }
        Role::User => (USER, blocks(message)?),
        Role::Assistant => (ASSISTANT, assistant(message)?),
        Role::Tool => (USER, vec![tool_result(message)?]),
    };
    if said.is_empty() {
        return Ok(());
    }
    let last = turns.pop_if(|turn| turn.role == role);
    let mut turn = last.unwrap_or(Turn { role, blocks: Vec::new(), results: 0 });
    if message.role == Role::Tool {
        turn.blocks.splice(turn.results..turn.results, said);
        turn.results += 1;
    } else {
        turn.blocks.extend(said);
    }
    turns.push(turn);
    Ok(())
}

/// The API refuses a last assistant turn (which the model continues) that ends in white space.
fn trim_prefill(turns: &mut [Turn]) {
    if let Some(Turn { role: ASSISTANT, blocks, .. }) = turns.last_mut()
        && let Some(Value::String(text)) = blocks.last_mut().and_then(|block| block.get_mut("text"))
    {
        text.truncate(text.trim_end().len());
    }
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

/// What an assistant message says: thinking, text, calls, in this order. Thinking alone says nothing: the API
/// refuses a turn that ends in it.
fn assistant(message: &mut Message) -> Result<Vec<Value>, Refusal> {
    let mut said = blocks(message)?;
    for call in &message.calls {
        let input = call.object()?;
        let mut block =
            json!({ "type": "tool_use", "id": safe_id(&call.id), "name": call.name, "input": input });
        let mark = call.more.get("cache_control").filter(|mark| !mark.is_null());
        if let (Some(mark), Some(block)) = (mark, block.as_object_mut()) {
            block.insert("cache_control".into(), mark.clone());
        }
        said.push(block);
    }
    if !said.is_empty() {
        said.splice(0..0, thoughts(message));
    }
    Ok(said)
}

/// What an assistant thought, as far as it can be sent back.
fn thoughts(message: &mut Message) -> Vec<Value> {
    let block = |thought| match thought {
        Thought::Signed { text, signature } => {
            json!({ "type": "thinking", "thinking": text, "signature": signature })
        }
        Thought::Encrypted(data) => json!({ "type": "redacted_thinking", "data": data }),
    };
    let thoughts: Vec<Value> = message.thoughts(ANTHROPIC).into_iter().map(block).collect();
    match message.more.remove("thinking_blocks") {
        // The same in Anthropic's own form.
        Some(Value::Array(own)) if thoughts.is_empty() => own,
        _ => thoughts,
    }
}

fn tool_result(message: &mut Message) -> Result<Value, Refusal> {
    let mut result = Map::new();
    result.insert("type".into(), "tool_result".into());
    result.insert("tool_use_id".into(), safe_id(message.call_id.as_deref().unwrap_or_default()).into());
    let blocks = blocks(message)?;
    if !blocks.is_empty() {
        result.insert("content".into(), blocks.into());
    }
    if message.more.remove("is_error") == Some(Value::Bool(true)) {
        result.insert("is_error".into(), true.into());
    }
    if let Some(mark) = message.more.remove("cache_control") {
        result.insert("cache_control".into(), mark);
    }
    Ok(result.into())
}

/// Ids here are letters, digits, `_` and `-`; those of other providers may not be.
fn safe_id(id: &str) -> String {
    id.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' }).collect()
}

/// A message's content as blocks, without those that are blank.
fn blocks(message: &mut Message) -> Result<Vec<Value>, Refusal> {
    let mut out = Vec::with_capacity(message.parts.len());
    for (place, part) in std::mem::take(&mut message.parts).into_iter().enumerate() {
        if matches!(&part, Part::Text(text) if text.trim().is_empty()) {
            continue;
        }
        let mut block = block(part)?;
        if let Some(mark) = message.marks.remove(&place) {
            block.insert("cache_control".into(), mark);
        }
        out.push(block.into());
    }
    Ok(out)
}

fn block(part: Part) -> Result<Map<String, Value>, Refusal> {
    let mut block = Map::new();
    let mut set = |name: &str, value: Value| block.insert(name.to_owned(), value);
    match part {
        Part::Text(text) => {
            set("type", "text".into());
            set("text", text.into());
        }
        Part::Image { source, .. } => {
            set("type", "image".into());
            set("source", image(source)?);
        }
        Part::File { source, name } => {
            set("type", "document".into());
            set("source", document(source)?);
            if let Some(name) = name {
                set("title", name.into());
            }
        }
        // Anthropic's own blocks.
        Part::Foreign(kind, own) if matches!(&*kind, "image" | "document" | "search_result") => {
            set("type", kind.into());
            block.extend(own);
        }
        Part::Audio { .. } | Part::Foreign(..) => return Err(inexpressible(part.kind())),
    }
    Ok(block)
}

fn image(source: Source) -> Result<Value, Refusal> {
    let (media, data) = match source {
        Source::Url(url) => return Ok(json!({ "type": "url", "url": url })),
        Source::Data { media, base64 } => (media, base64),
        Source::Id(id) => return Err(format!("names the file `{id}`, which is not in the request")),
    };
    let media = match &*media {
        "image/jpg" => "image/jpeg",
        media @ ("image/jpeg" | "image/png" | "image/gif" | "image/webp") => media,
        other => return Err(format!("has an image of type `{other}`, which cannot be expressed")),
    };
    Ok(json!({ "type": "base64", "media_type": media, "data": data }))
}

fn document(source: Source) -> Result<Value, Refusal> {
    match source {
        Source::Data { media, base64 } if media == "application/pdf" => {
            Ok(json!({ "type": "base64", "media_type": media, "data": base64 }))
        }
        Source::Id(id) => Err(format!("names the file `{id}`, which is not in the request")),
        Source::Data { .. } | Source::Url(_) => Err("has a file that is not a PDF in a data URL".into()),
    }
}
