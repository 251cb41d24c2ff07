//! The conversation: roles, parts and calls.
//!
//! Invariants: what the system says stands first, in one message (the API takes it nowhere else); an assistant
//! message says or calls something (the API refuses others); content that cannot be expressed is refused by
//! its place, never dropped.

use adapter_kit::Refusal;
use adapter_kit::content::{Part, Source, inexpressible, text_of};
use adapter_kit::message::{Message, Role, ToolCall, messages};
use serde_json::{Map, Value, json};

/// Translates `messages`; with `thinks`, what the assistant thought is sent back as such.
pub fn translate(given: Option<Value>, thinks: bool) -> Result<Vec<Value>, Refusal> {
    let (mut system, mut out) = (Vec::new(), Vec::new());
    for mut message in messages(given)? {
        let mut parts = std::mem::take(&mut message.parts);
        parts.retain(|part| !part.is_blank());
        if message.role == Role::System {
            let text = text_of(parts, "\n\n").map_err(|why| message.place(&why))?;
            system.extend(Some(text).filter(|text| !text.is_empty()));
        } else {
            let translated = one(&mut message, parts, thinks).map_err(|why| message.place(&why))?;
            out.extend(translated.map(Value::Object));
        }
    }
    if !system.is_empty() {
        out.insert(0, json!({ "role": "system", "content": system.join("\n\n") }));
    }
    if out.is_empty() {
        return Err("`messages` says nothing".into());
    }
    Ok(out)
}

fn one(message: &mut Message, parts: Vec<Part>, thinks: bool) -> Result<Option<Map<String, Value>>, Refusal> {
    let mut out = Map::new();
    let mut tell = |name: &str, value: Value| out.insert(name.to_owned(), value);
    match message.role {
        Role::System => return Ok(None),
        Role::User => {
            tell("role", "user".into());
            tell("content", content(parts, Role::User)?);
        }
        Role::Assistant => {
            let thought = message.reasoning();
            if parts.is_empty() && message.calls.is_empty() {
                return Ok(None);
            }
            tell("role", "assistant".into());
            let (thought, plan) = if thinks { (thought, None) } else { (None, thought) };
            if !parts.is_empty() || thought.is_some() {
                tell("content", said(parts, thought)?);
            }
            if !message.calls.is_empty() {
                if let Some(plan) = message.more.remove("tool_plan").or_else(|| plan.map(Value::from)) {
                    tell("tool_plan", plan);
                }
                tell("tool_calls", message.calls.iter().map(call).collect());
            }
            if let Some(citations) = message.more.remove("citations") {
                tell("citations", citations);
            }
        }
        Role::Tool => {
            tell("role", "tool".into());
            tell("tool_call_id", message.call_id.take().unwrap_or_default().into());
            tell("content", content(parts, Role::Tool)?);
        }
    }
    Ok(Some(out))
}

fn call(call: &ToolCall) -> Value {
    let arguments = if call.arguments.trim().is_empty() { "{}" } else { &call.arguments };
    json!({ "id": call.id, "type": "function", "function": { "name": call.name, "arguments": arguments } })
}

/// What an assistant said, after what it thought.
fn said(parts: Vec<Part>, thought: Option<String>) -> Result<Value, Refusal> {
    let Some(thought) = thought else { return content(parts, Role::Assistant) };
    let thinking = json!({ "type": "thinking", "thinking": thought });
    let said = parts.into_iter().map(|each| part(each, Role::Assistant));
    std::iter::once(Ok(thinking)).chain(said).collect()
}

/// Text as a string, anything more as parts.
fn content(parts: Vec<Part>, role: Role) -> Result<Value, Refusal> {
    match parts.as_slice() {
        [] => Ok("".into()),
        [Part::Text(text)] => Ok(text.clone().into()),
        _ => parts.into_iter().map(|each| part(each, role)).collect(),
    }
}

fn part(part: Part, role: Role) -> Result<Value, Refusal> {
    match (part, role) {
        (Part::Text(text), _) => Ok(json!({ "type": "text", "text": text })),
        (Part::Image { source, detail }, Role::User) => {
            let mut image = Map::new();
            image.insert("url".into(), address(source)?.into());
            if let Some(detail) = detail {
                image.insert("detail".into(), detail.into());
            }
            Ok(json!({ "type": "image_url", "image_url": image }))
        }
        // Cohere's own parts.
        (Part::Foreign(kind, mut own), role)
            if matches!((&*kind, role), ("thinking", Role::Assistant) | ("document", Role::Tool)) =>
        {
            own.insert("type".into(), kind.into());
            Ok(own.into())
        }
        (other, _) => Err(inexpressible(other.kind())),
    }
}

fn address(source: Source) -> Result<String, Refusal> {
    match source {
        Source::Url(url) => Ok(url),
        Source::Data { media, base64 } => Ok(format!("data:{media};base64,{base64}")),
        Source::Id(id) => Err(format!("names the file `{id}` where an address is wanted")),
    }
}
