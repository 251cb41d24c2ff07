//! The conversation: roles, chunks and ids of calls.
//!
//! Invariants: ids of calls are nine letters or digits, the same for a call and its result; an assistant
//! message says or calls something (the API refuses others); a last assistant message is a prefix of the
//! answer; content that cannot be expressed is refused by its place, never dropped.

use adapter_kit::Refusal;
use adapter_kit::content::{Part, Source, inexpressible, text_of};
use adapter_kit::message::{Message, Role, messages};
use serde_json::{Map, Value, json};
use std::borrow::Cow;

/// How long the API wants the ids of calls.
const ID_LENGTH: usize = 9;

/// Translates `messages`; with `thinks`, what the assistant thought is sent back.
pub fn translate(given: Option<Value>, thinks: bool) -> Result<Vec<Value>, Refusal> {
    let mut out = Vec::new();
    for mut message in messages(given)? {
        let translated = one(&mut message, thinks).map_err(|why| message.place(&why))?;
        out.extend(translated.map(Value::Object));
    }
    if out.is_empty() {
        return Err("`messages` says nothing".into());
    }
    if let Some(Value::Object(last)) = out.last_mut()
        && last.get("role").is_some_and(|role| role == "assistant")
        && !last.contains_key("tool_calls")
    {
        last.entry("prefix").or_insert(true.into());
    }
    Ok(out)
}

fn one(message: &mut Message, thinks: bool) -> Result<Option<Map<String, Value>>, Refusal> {
    let mut out = Map::new();
    let parts: Vec<Part> =
        std::mem::take(&mut message.parts).into_iter().filter(|part| !part.is_blank()).collect();
    match message.role {
        Role::System => {
            out.insert("role".into(), "system".into());
            out.insert("content".into(), text_of(parts, "\n\n")?.into());
        }
        Role::User => {
            out.insert("role".into(), "user".into());
            out.insert("content".into(), content(parts)?);
        }
        Role::Assistant => {
            let thought = message.reasoning().filter(|_| thinks);
            if parts.is_empty() && message.calls.is_empty() {
                return Ok(None);
            }
            out.insert("role".into(), "assistant".into());
            out.insert("content".into(), said(parts, thought)?);
            if !message.calls.is_empty() {
                let calls = message.calls.iter().map(|call| {
                    let arguments = if call.arguments.trim().is_empty() { "{}" } else { &call.arguments };
                    json!({ "id": id(&call.id), "type": "function",
                            "function": { "name": call.name, "arguments": arguments } })
                });
                out.insert("tool_calls".into(), calls.collect());
            }
            if let Some(prefix) = message.more.remove("prefix") {
                out.insert("prefix".into(), prefix);
            }
        }
        Role::Tool => {
            out.insert("role".into(), "tool".into());
            out.insert("tool_call_id".into(), id(message.call_id.as_deref().unwrap_or_default()).into());
            if let Some(name) = message.more.remove("name") {
                out.insert("name".into(), name);
            }
            out.insert("content".into(), content(parts)?);
        }
    }
    Ok(Some(out))
}

/// What an assistant said, after what it thought.
fn said(parts: Vec<Part>, thought: Option<String>) -> Result<Value, Refusal> {
    let Some(thought) = thought else { return content(parts) };
    let thinking = json!({ "type": "thinking", "thinking": [{ "type": "text", "text": thought }] });
    let said = parts.into_iter().map(chunk);
    std::iter::once(Ok(thinking)).chain(said).collect()
}

/// Text as a string, anything more as chunks.
fn content(parts: Vec<Part>) -> Result<Value, Refusal> {
    match parts.as_slice() {
        [] => Ok("".into()),
        [Part::Text(text)] => Ok(text.clone().into()),
        _ => parts.into_iter().map(chunk).collect(),
    }
}

fn chunk(part: Part) -> Result<Value, Refusal> {
    Ok(match part {
        Part::Text(text) => json!({ "type": "text", "text": text }),
        Part::Image { source, detail } => {
            let mut image = Map::new();
            image.insert("url".into(), address(source)?.into());
            if let Some(detail) = detail {
                image.insert("detail".into(), detail.into());
            }
            json!({ "type": "image_url", "image_url": image })
        }
        Part::Audio { base64, .. } => json!({ "type": "input_audio", "input_audio": base64 }),
        Part::File { source: Source::Id(id), .. } => json!({ "type": "file", "file_id": id }),
        Part::File { source, name } => {
            let mut document = Map::new();
            document.insert("type".into(), "document_url".into());
            document.insert("document_url".into(), address(source)?.into());
            if let Some(name) = name {
                document.insert("document_name".into(), name.into());
            }
            document.into()
        }
        // Mistral's own chunks.
        Part::Foreign(kind, mut chunk) if matches!(&*kind, "document_url" | "reference" | "thinking") => {
            chunk.insert("type".into(), kind.into());
            chunk.into()
        }
        Part::Foreign(kind, _) => return Err(inexpressible(&kind)),
    })
}

fn address(source: Source) -> Result<String, Refusal> {
    match source {
        Source::Url(url) => Ok(url),
        Source::Data { media, base64 } => Ok(format!("data:{media};base64,{base64}")),
        Source::Id(id) => Err(format!("names the file `{id}` where an address is wanted")),
    }
}

/// An id as the API wants it: one that fits already, or another that depends on it alone.
fn id(id: &str) -> Cow<'_, str> {
    if id.len() == ID_LENGTH && id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return id.into();
    }
    // Source: FNV-1a, 64 bits. Nine digits to base 62 hold 53 bits of it.
    let mut hash = id
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
    let digits = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut out = String::with_capacity(ID_LENGTH);
    for _ in 0..ID_LENGTH {
        let digit = usize::try_from(hash % 62).ok().and_then(|at| digits.get(at));
        out.push(digit.map_or('0', |digit| char::from(*digit)));
        hash /= 62;
    }
    out.into()
}

#[cfg(test)]
mod tests {
    use super::id;

    #[test]
    fn ids_are_nine_letters_or_digits() {
        assert_eq!(id("aB3456789"), "aB3456789");
        for foreign in ["", "call_abc", "call_abd", "toolu_01A09q90qw90lq917835lq9", "aB345678é"] {
            let made = id(foreign);
            assert!(made.len() == 9 && made.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{made}");
            assert_eq!(made, id(foreign));
        }
        assert_ne!(id("call_abc"), id("call_abd"));
    }
}
