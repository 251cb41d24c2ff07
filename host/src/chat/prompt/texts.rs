//! Where the texts of a request are.
//!
//! Invariant: what [`Prompt::visit`] sees under an address is what [`Prompt::slot`] gives for it, and nothing else.

use super::Prompt;
use crate::chat::{Operation, TextAt, channel};
use serde_json::Value;

/// Where a call has what it is given: arguments of a function, or the text of a custom tool.
const GIVEN: [&str; 2] = ["/function/arguments", "/custom/input"];

/// Where a tool has its description.
const DESCRIPTION: [&str; 2] = ["/function/description", "/custom/description"];

/// Fields with texts at most, in a request that is no chat. The part of a text is the number of its field; of one in an
/// object of a list, that and so many times its place in the object, counted from 1.
const FIELDS: u32 = 8;
/// What an object is: no text.
const KIND: &str = "type";

impl Prompt {
    pub(super) fn visit(&self, see: &mut dyn FnMut(TextAt, &str, &str)) {
        if self.operation == Operation::Chat {
            return self.visit_chat(see);
        }
        for (part, field) in (0..).zip(self.operation.fields()) {
            match self.body.get(*field) {
                Some(Value::String(text)) => see(TextAt::new(0, part, channel::INPUT), "user", text),
                Some(Value::Array(items)) => {
                    for (item, value) in numbered(items) {
                        if let Value::String(text) = value {
                            see(TextAt::new(item, part, channel::INPUT), "user", text);
                        }
                        for (place, (name, value)) in (0..).zip(value.as_object().into_iter().flatten()) {
                            if let Value::String(text) = value
                                && name != KIND
                            {
                                let part = part + FIELDS * (1 + place);
                                see(TextAt::new(item, part, channel::INPUT), "user", text);
                            }
                        }
                    }
                }
                _ => {}
            }
        }
    }

    fn visit_chat(&self, see: &mut dyn FnMut(TextAt, &str, &str)) {
        let list = |key: &str| self.body.get(key).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        for (item, message) in numbered(list("messages")) {
            let message = Message::of(message);
            let role = message.role.and_then(Value::as_str).unwrap_or("user");
            let own = channel_of(role);
            for (part, detail) in (1..).zip(items(message.details)) {
                if let Some(Value::String(text)) = detail.get("text") {
                    see(TextAt::new(item, part, channel::REASONING), role, text);
                }
            }
            let parts = items(message.content);
            let whole = [
                (message.content, own, 0),
                (message.reasoning, channel::REASONING, 0),
                (message.refusal, channel::REFUSAL, behind(parts)),
            ];
            for (value, channel, part) in whole {
                if let Some(Value::String(text)) = value {
                    see(TextAt::new(item, part, channel), role, text);
                }
            }
            for (part, value) in numbered(parts) {
                let (field, channel) = part_field(value, own);
                if let Some(Value::String(text)) = value.get(field) {
                    see(TextAt::new(item, part, channel), role, text);
                }
            }
            for (part, call) in numbered(items(message.calls)) {
                if let Some(Value::String(text)) = GIVEN.iter().find_map(|given| call.pointer(given)) {
                    see(TextAt::new(item, part, channel::TOOL_ARGS), role, text);
                }
            }
        }
        for (item, tool) in numbered(list("tools")) {
            if let Some(Value::String(text)) = DESCRIPTION.iter().find_map(|told| tool.pointer(told)) {
                see(TextAt::new(item, 0, channel::TOOL_DESCRIPTION), "system", text);
            }
        }
    }

    pub(super) fn slot(&mut self, at: &TextAt) -> Option<&mut String> {
        let found = match self.operation {
            Operation::Chat => self.chat_slot(at)?,
            operation => {
                let (field, place) = ((at.part % FIELDS) as usize, (at.part / FIELDS).checked_sub(1));
                let field = operation.fields().get(field).filter(|_| at.channel == channel::INPUT)?;
                match (self.body.get_mut(*field)?, place) {
                    (whole @ Value::String(_), None) if at.item == 0 => whole,
                    (Value::Array(items), None) => items.get_mut(at.item as usize)?,
                    (Value::Array(items), Some(place)) => {
                        let object = items.get_mut(at.item as usize)?.as_object_mut()?;
                        let named = object.iter_mut().nth(place as usize);
                        named.filter(|(name, _)| name.as_str() != KIND).map(|(_, value)| value)?
                    }
                    _ => return None,
                }
            }
        };
        match found {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    fn chat_slot(&mut self, at: &TextAt) -> Option<&mut Value> {
        let (item, part, wanted) = (at.item as usize, at.part as usize, at.channel.as_ref());
        if wanted == channel::TOOL_DESCRIPTION {
            return pointed(self.body.get_mut("tools")?.get_mut(item)?, DESCRIPTION);
        }
        let message = self.body.get_mut("messages")?.get_mut(item)?;
        let own = channel_of(message.get("role").and_then(Value::as_str).unwrap_or("user"));
        if wanted == channel::TOOL_ARGS {
            return pointed(message.get_mut("tool_calls")?.get_mut(part)?, GIVEN);
        }
        if wanted == channel::REASONING && part > 0 {
            return message.get_mut("reasoning_details")?.get_mut(part - 1)?.get_mut("text");
        }
        let whole = message_fields(own, message).into_iter().find(|(field, channel, place)| {
            *channel == wanted && *place == at.part && message.get(*field).is_some_and(Value::is_string)
        });
        if let Some((field, ..)) = whole {
            return message.get_mut(field);
        }
        let value = message.get_mut("content")?.get_mut(part)?;
        let (field, channel) = part_field(value, own);
        if channel == wanted { value.get_mut(field) } else { None }
    }
}

/// The first of these places that there is.
fn pointed<'a>(value: &'a mut Value, places: [&str; 2]) -> Option<&'a mut Value> {
    let place = places.into_iter().find(|place| value.pointer(place).is_some())?;
    value.pointer_mut(place)
}

/// The channel of the text that a role says.
fn channel_of(role: &str) -> &'static str {
    match role {
        "system" | "developer" => channel::SYSTEM,
        "tool" | "function" => channel::TOOL_RESULT,
        _ => channel::CONTENT,
    }
}

/// The string fields of a message, their channels and parts. Of reasoning they are part 0; its details, which usually say
/// the same again, are the parts from 1. A refusal stands behind the parts of the content, among which may be others.
fn message_fields(own: &'static str, message: &Value) -> [(&'static str, &'static str, u32); 3] {
    let behind = behind(items(message.get("content")));
    [("content", own, 0), ("reasoning_content", channel::REASONING, 0), ("refusal", channel::REFUSAL, behind)]
}

/// The part behind these.
fn behind(parts: &[Value]) -> u32 {
    u32::try_from(parts.len()).unwrap_or(u32::MAX)
}

/// The fields of a message in which texts are.
#[derive(Default)]
struct Message<'a> {
    role: Option<&'a Value>,
    content: Option<&'a Value>,
    reasoning: Option<&'a Value>,
    details: Option<&'a Value>,
    refusal: Option<&'a Value>,
    calls: Option<&'a Value>,
}

impl<'a> Message<'a> {
    /// In one pass: every request is read several times over, and looking a name up costs as much as a short message.
    fn of(message: &'a Value) -> Self {
        let mut found = Self::default();
        for (name, value) in message.as_object().into_iter().flatten() {
            let place = match name.as_str() {
                "role" => &mut found.role,
                "content" => &mut found.content,
                "reasoning_content" => &mut found.reasoning,
                "reasoning_details" => &mut found.details,
                "refusal" => &mut found.refusal,
                "tool_calls" => &mut found.calls,
                _ => continue,
            };
            *place = Some(value);
        }
        found
    }
}

fn items(value: Option<&Value>) -> &[Value] {
    value.and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The text field of a content part and its channel.
fn part_field(part: &Value, own: &'static str) -> (&'static str, &'static str) {
    match part.get("type").and_then(Value::as_str) {
        Some("refusal") => ("refusal", channel::REFUSAL),
        _ => ("text", own),
    }
}

fn numbered(values: &[Value]) -> impl Iterator<Item = (u32, &Value)> {
    (0_u32..).zip(values)
}
