//! The conversation: roles, turns and parts.
//!
//! Invariants: the results of a turn's calls stand together in the turn after it; every result names its
//! function; content that cannot be expressed is refused by its place, never dropped.

use crate::model::Generation;
use crate::signature::{UNSIGNED, split};
use adapter_kit::Refusal;
use adapter_kit::content::{Part, Source, inexpressible, text_of};
use adapter_kit::message::{Message, Role, ToolCall, messages};
use serde_json::{Map, Value, json};
use std::collections::HashMap;

/// A translated conversation.
#[derive(Debug, Default)]
pub struct Conversation {
    /// What stood in `system` and `developer` messages.
    pub system: Option<Value>,
    /// The turns.
    pub contents: Vec<Value>,
}

/// Translates `messages`.
pub fn translate(given: Option<Value>, generation: Generation) -> Result<Conversation, Refusal> {
    let mut system = Vec::new();
    let mut turns: Vec<(Role, Vec<Value>)> = Vec::new();
    let mut names: HashMap<String, String> = HashMap::new();
    for mut message in messages(given)? {
        let spoken = std::mem::take(&mut message.parts);
        let parts = match message.role {
            Role::System => {
                system.extend(texts(spoken).map_err(|why| message.place(&why))?);
                continue;
            }
            Role::User => parts(spoken),
            Role::Assistant => assistant(&message, spoken, generation, &mut names),
            Role::Tool => result(&message, spoken, &names).map(|result| vec![result]),
        };
        let parts = parts.map_err(|why| message.place(&why))?;
        match turns.last_mut() {
            _ if parts.is_empty() => {}
            Some((role, turn)) if *role == message.role => turn.extend(parts),
            _ => turns.push((message.role, parts)),
        }
    }
    if turns.is_empty() {
        // OpenAI takes a request of instructions alone; here someone must have said something.
        if system.is_empty() {
            return Err("`messages` says nothing".into());
        }
        turns.push((Role::User, std::mem::take(&mut system)));
    }
    let content = |(role, parts): (Role, Vec<Value>)| json!({ "role": if role == Role::Assistant { "model" } else { "user" }, "parts": parts });
    Ok(Conversation {
        system: (!system.is_empty()).then(|| json!({ "parts": system })),
        contents: turns.into_iter().map(content).collect(),
    })
}

fn texts(parts: Vec<Part>) -> Result<Vec<Value>, Refusal> {
    let text = |part| text_of(vec![part], "").map(|text| json!({ "text": text }));
    parts.into_iter().filter(|part| !part.is_blank()).map(text).collect()
}

fn parts(parts: Vec<Part>) -> Result<Vec<Value>, Refusal> {
    parts.into_iter().filter(|part| !part.is_blank()).map(part).collect()
}

fn part(part: Part) -> Result<Value, Refusal> {
    match part {
        Part::Text(text) => Ok(json!({ "text": text })),
        Part::Image { source, .. } => media(source, "image/"),
        Part::Audio { format, base64 } => {
            Ok(json!({ "inlineData": { "mimeType": format!("audio/{format}"), "data": base64 } }))
        }
        Part::File { source, .. } => media(source, ""),
        Part::Foreign(kind, _) => Err(inexpressible(&kind)),
    }
}

/// Media in the request, at an address, or uploaded before (its id is its address).
fn media(source: Source, family: &str) -> Result<Value, Refusal> {
    match source {
        Source::Data { media, .. } if !media.starts_with(family) => {
            Err(format!("has an image of type `{media}`, which cannot be expressed"))
        }
        Source::Data { media, base64 } => {
            let media = if media == "image/jpg" { "image/jpeg".to_owned() } else { media };
            Ok(json!({ "inlineData": { "mimeType": media, "data": base64 } }))
        }
        Source::Url(url) => {
            let mut file = Map::new();
            if let Some(media) = media_type(&url) {
                file.insert("mimeType".into(), media.into());
            }
            file.insert("fileUri".into(), url.into());
            Ok(json!({ "fileData": file }))
        }
        Source::Id(id) if id.starts_with("https://") || id.starts_with("gs://") => {
            media(Source::Url(id), family)
        }
        Source::Id(id) => Err(format!("names the file `{id}`, which this provider does not have")),
    }
}

/// The media type that the end of an address tells.
fn media_type(url: &str) -> Option<&'static str> {
    let path = url.split(['?', '#']).next()?;
    let ending = path.rsplit('/').next()?.rsplit_once('.')?.1;
    Some(match ending.to_ascii_lowercase().as_str() {
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "webp" => "image/webp",
        "heic" => "image/heic",
        "heif" => "image/heif",
        "gif" => "image/gif",
        "pdf" => "application/pdf",
        "txt" => "text/plain",
        "mp3" => "audio/mp3",
        "wav" => "audio/wav",
        "mp4" => "video/mp4",
        _ => return None,
    })
}

/// What an assistant message says: text, then calls. What it thought is told by the signatures.
fn assistant(
    message: &Message,
    spoken: Vec<Part>,
    generation: Generation,
    names: &mut HashMap<String, String>,
) -> Result<Vec<Value>, Refusal> {
    let mut said = parts(spoken)?;
    for (index, call) in message.calls.iter().enumerate() {
        names.insert(call.id.clone(), call.name.clone());
        let (id, in_id) = split(&call.id);
        let mut part = Map::new();
        part.insert("functionCall".into(), json!({ "id": id, "name": call.name, "args": call.object()? }));
        // Of parallel calls, the API signs and checks the first.
        let unsigned = || (index == 0 && generation.has_levels()).then(|| UNSIGNED.to_owned());
        if let Some(signature) = beside(call).or(in_id).or_else(unsigned) {
            part.insert("thoughtSignature".into(), signature.into());
        }
        said.push(part.into());
    }
    Ok(said)
}

/// A signature that the client keeps where Google's own OpenAI-compatible API puts it.
fn beside(call: &ToolCall) -> Option<String> {
    let signature = call.more.get("extra_content")?.pointer("/google/thought_signature")?;
    signature.as_str().map(str::to_owned)
}

fn result(message: &Message, spoken: Vec<Part>, names: &HashMap<String, String>) -> Result<Value, Refusal> {
    let id = message.call_id.as_deref().unwrap_or_default();
    let given = || message.more.get("name").and_then(Value::as_str).map(str::to_owned);
    let name = names.get(id).cloned().or_else(given);
    let name = name.ok_or("answers a call (`tool_call_id`) that is not in the conversation")?;
    let (words, things): (Vec<_>, Vec<_>) =
        spoken.into_iter().partition(|part| matches!(part, Part::Text(_)));
    let text = text_of(words, "\n")?;
    let response = match serde_json::from_str(&text) {
        Ok(Value::Object(map)) => map.into(),
        _ => json!({ "output": text }),
    };
    let mut out = Map::new();
    out.insert("id".into(), split(id).0.into());
    out.insert("name".into(), name.into());
    out.insert("response".into(), response);
    if !things.is_empty() {
        let things: Vec<Value> = parts(things)?;
        if things.iter().any(|thing| thing.get("inlineData").is_none()) {
            return Err(
                "has a result with media that is not in the request, which cannot be expressed".into()
            );
        }
        out.insert("parts".into(), things.into());
    }
    Ok(json!({ "functionResponse": out }))
}
