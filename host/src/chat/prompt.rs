//! The canonical request.
//!
//! Invariants: the body is a JSON object; `model` and `stream` mirror the body. Texts are addressed by
//! [`TextAt`], and [`Prompt::texts`] and [`Prompt::set_text`] agree on every address. Never truncates,
//! reorders or drops a field it does not know.

use super::{TextAt, TextPart, channel};
use serde_json::{Map, Value};

/// What the client asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operation {
    /// A chat completion.
    Chat,
    /// Embeddings of texts.
    Embeddings,
}

impl Operation {
    /// The name that plugins and metrics see.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Embeddings => "embeddings",
        }
    }
}

/// A kind of input that is not text, and that text guards therefore cannot read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Modality {
    /// A picture.
    Image,
    /// Sound.
    Audio,
    /// A document or other file.
    File,
    /// Token numbers instead of text.
    Tokens,
    /// A content part of a type that the host does not know.
    Other,
}

impl Modality {
    /// Every kind.
    pub const ALL: [Self; 5] = [Self::Image, Self::Audio, Self::File, Self::Tokens, Self::Other];

    /// The name used in configurations and errors.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Audio => "audio",
            Self::File => "file",
            Self::Tokens => "tokens",
            Self::Other => "other",
        }
    }
}

/// Why a change to a prompt was not made.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum PromptError {
    /// The address names no text.
    #[error("there is no {channel} text at item {item}, part {part}")]
    NoSuchText {
        /// Item of the address.
        item: u32,
        /// Part of the address.
        part: u32,
        /// Channel of the address.
        channel: String,
    },
    /// The position lies behind the end of the conversation, or the request has none.
    #[error("no message can be inserted at {0}")]
    NoSuchPosition(u32),
    /// The patch is not JSON, is not an object, or would break an invariant of the request.
    #[error("the patch is refused: {0}")]
    BadPatch(String),
}

/// A request in canonical form.
#[derive(Debug, Clone)]
pub struct Prompt {
    operation: Operation,
    model: String,
    streaming: bool,
    body: Map<String, Value>,
    headers: Vec<(String, String)>,
    changed: bool,
}

impl Prompt {
    /// A prompt from a canonical body. `headers` are those a plugin may be shown: lower-case names, no
    /// credentials.
    #[must_use]
    pub fn new(operation: Operation, body: Map<String, Value>, headers: Vec<(String, String)>) -> Self {
        let model = body.get("model").and_then(Value::as_str).unwrap_or_default().to_owned();
        let streaming = body.get("stream").and_then(Value::as_bool).unwrap_or(false);
        Self { operation, model, streaming, body, headers, changed: false }
    }

    /// What the client asks for.
    #[must_use]
    pub const fn operation(&self) -> Operation {
        self.operation
    }

    /// The model asked for: a route's name or `provider/model`.
    #[must_use]
    pub fn model(&self) -> &str {
        &self.model
    }

    /// Asks for another model.
    pub fn set_model(&mut self, model: &str) {
        model.clone_into(&mut self.model);
        self.body.insert("model".into(), Value::String(model.to_owned()));
        self.changed = true;
    }

    /// Whether the client asked for a stream.
    #[must_use]
    pub const fn streaming(&self) -> bool {
        self.streaming
    }

    /// Whether anything but reading happened since [`Prompt::new`].
    #[must_use]
    pub const fn changed(&self) -> bool {
        self.changed
    }

    /// The canonical body.
    #[must_use]
    pub const fn body(&self) -> &Map<String, Value> {
        &self.body
    }

    /// The values of a header, by its lower-case name.
    pub fn header<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers.iter().filter(move |(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    /// Every text the model would see, in order.
    #[must_use]
    pub fn texts(&self) -> Vec<TextPart> {
        let mut found = Vec::new();
        self.visit(&mut |at, role, text| {
            found.push(TextPart { at, role: role.to_owned(), text: text.to_owned() });
        });
        found
    }

    /// Bytes of text the model would see; the base of token estimates.
    #[must_use]
    pub fn text_bytes(&self) -> usize {
        let mut sum = 0;
        self.visit(&mut |_, _, text| sum += text.len());
        sum
    }

    /// Replaces a text that [`Prompt::texts`] named.
    ///
    /// # Errors
    /// [`PromptError::NoSuchText`] where the address names none.
    pub fn set_text(&mut self, at: &TextAt, value: &str) -> Result<(), PromptError> {
        let slot = self.slot(at).ok_or_else(|| PromptError::NoSuchText {
            item: at.item,
            part: at.part,
            channel: at.channel.to_string(),
        })?;
        value.clone_into(slot);
        self.changed = true;
        Ok(())
    }

    /// Inserts a message before message `at`, or at the end.
    ///
    /// # Errors
    /// [`PromptError::NoSuchPosition`] behind the end, or where the request has no messages.
    pub fn insert(&mut self, at: u32, role: &str, text: &str) -> Result<(), PromptError> {
        let messages = self
            .body
            .get_mut("messages")
            .and_then(Value::as_array_mut)
            .ok_or(PromptError::NoSuchPosition(at))?;
        let index = at as usize;
        if index > messages.len() {
            return Err(PromptError::NoSuchPosition(at));
        }
        messages.insert(index, serde_json::json!({ "role": role, "content": text }));
        self.changed = true;
        Ok(())
    }

    /// Appends a message.
    ///
    /// # Errors
    /// [`PromptError::NoSuchPosition`] where the request has no messages.
    pub fn append(&mut self, role: &str, text: &str) -> Result<(), PromptError> {
        let end = self.body.get("messages").and_then(Value::as_array).map_or(0, Vec::len);
        self.insert(u32::try_from(end).unwrap_or(u32::MAX), role, text)
    }

    /// The JSON at a pointer (RFC 6901); the empty pointer gives the whole body.
    #[must_use]
    pub fn json(&self, pointer: &str) -> Option<String> {
        if pointer.is_empty() {
            return serde_json::to_string(&self.body).ok();
        }
        let mut tokens = pointer.strip_prefix('/')?.splitn(2, '/');
        let first = tokens.next()?.replace("~1", "/").replace("~0", "~");
        let top = self.body.get(&first)?;
        let found = match tokens.next() {
            Some(rest) => top.pointer(&format!("/{rest}"))?,
            None => top,
        };
        serde_json::to_string(found).ok()
    }

    /// Applies a JSON merge patch (RFC 7396). Whether the answer is a stream is the client's to say, so a
    /// patch may not change `stream`.
    ///
    /// # Errors
    /// [`PromptError::BadPatch`]; the prompt is then as it was.
    pub fn merge(&mut self, patch: &str) -> Result<(), PromptError> {
        let patch: Map<String, Value> =
            serde_json::from_str(patch).map_err(|error| PromptError::BadPatch(error.to_string()))?;
        if patch.contains_key("stream") {
            return Err(PromptError::BadPatch("`stream` is the client's to choose".into()));
        }
        if patch.get("model").is_some_and(|model| !model.is_string()) {
            return Err(PromptError::BadPatch("`model` must be a string".into()));
        }
        merge_into(&mut self.body, patch);
        if let Some(model) = self.body.get("model").and_then(Value::as_str) {
            model.clone_into(&mut self.model);
        }
        self.changed = true;
        Ok(())
    }

    /// The kinds of input that are not text, each once, in a fixed order.
    #[must_use]
    pub fn modalities(&self) -> Vec<Modality> {
        let mut found = Vec::new();
        match self.operation {
            Operation::Chat => {
                let messages = self.body.get("messages").and_then(Value::as_array);
                for part in messages
                    .into_iter()
                    .flatten()
                    .filter_map(|message| message.get("content").and_then(Value::as_array))
                    .flatten()
                {
                    let kind = match part.get("type").and_then(Value::as_str) {
                        Some("text" | "refusal") => continue,
                        Some("image_url") => Modality::Image,
                        Some("input_audio") => Modality::Audio,
                        Some("file") => Modality::File,
                        _ => Modality::Other,
                    };
                    found.push(kind);
                }
            }
            Operation::Embeddings => {
                let is_tokens = |value: &Value| value.is_number() || value.is_array();
                let tokens = match self.body.get("input") {
                    Some(Value::Array(items)) => items.iter().any(is_tokens),
                    _ => false,
                };
                if tokens {
                    found.push(Modality::Tokens);
                }
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    fn visit(&self, see: &mut dyn FnMut(TextAt, &str, &str)) {
        match self.operation {
            Operation::Chat => self.visit_chat(see),
            Operation::Embeddings => match self.body.get("input") {
                Some(Value::String(text)) => see(TextAt::new(0, 0, channel::INPUT), "user", text),
                Some(Value::Array(items)) => {
                    for (item, text) in numbered(items) {
                        if let Value::String(text) = text {
                            see(TextAt::new(item, 0, channel::INPUT), "user", text);
                        }
                    }
                }
                _ => {}
            },
        }
    }

    fn visit_chat(&self, see: &mut dyn FnMut(TextAt, &str, &str)) {
        let list = |key: &str| self.body.get(key).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        for (item, message) in numbered(list("messages")) {
            let role = message.get("role").and_then(Value::as_str).unwrap_or("user");
            let own = channel_of(role);
            for (field, channel) in message_fields(own) {
                if let Some(Value::String(text)) = message.get(field) {
                    see(TextAt::new(item, 0, channel), role, text);
                }
            }
            if let Some(Value::Array(parts)) = message.get("content") {
                for (part, value) in numbered(parts) {
                    let (field, channel) = part_field(value, own);
                    if let Some(Value::String(text)) = value.get(field) {
                        see(TextAt::new(item, part, channel), role, text);
                    }
                }
            }
            if let Some(Value::Array(calls)) = message.get("tool_calls") {
                for (part, call) in numbered(calls) {
                    if let Some(Value::String(text)) = call.pointer("/function/arguments") {
                        see(TextAt::new(item, part, channel::TOOL_ARGS), role, text);
                    }
                }
            }
        }
        for (item, tool) in numbered(list("tools")) {
            if let Some(Value::String(text)) = tool.pointer("/function/description") {
                see(TextAt::new(item, 0, channel::TOOL_DESCRIPTION), "system", text);
            }
        }
    }

    fn slot(&mut self, at: &TextAt) -> Option<&mut String> {
        let (item, part) = (at.item as usize, at.part as usize);
        let found = match (self.operation, at.channel.as_ref()) {
            (Operation::Embeddings, channel::INPUT) => match self.body.get_mut("input")? {
                whole @ Value::String(_) if item == 0 => whole,
                Value::Array(items) => items.get_mut(item)?,
                _ => return None,
            },
            (Operation::Embeddings, _) => return None,
            (Operation::Chat, channel::TOOL_DESCRIPTION) => {
                self.body.get_mut("tools")?.get_mut(item)?.pointer_mut("/function/description")?
            }
            (Operation::Chat, wanted) => {
                let message = self.body.get_mut("messages")?.get_mut(item)?;
                let own = channel_of(message.get("role").and_then(Value::as_str).unwrap_or("user"));
                if wanted == channel::TOOL_ARGS {
                    message.get_mut("tool_calls")?.get_mut(part)?.pointer_mut("/function/arguments")?
                } else if part == 0
                    && let Some((field, _)) = message_fields(own).into_iter().find(|(field, channel)| {
                        *channel == wanted && message.get(*field).is_some_and(Value::is_string)
                    })
                {
                    message.get_mut(field)?
                } else {
                    let value = message.get_mut("content")?.get_mut(part)?;
                    let (field, channel) = part_field(value, own);
                    if channel != wanted {
                        return None;
                    }
                    value.get_mut(field)?
                }
            }
        };
        match found {
            Value::String(text) => Some(text),
            _ => None,
        }
    }
}

/// The channel of the text that a role says.
fn channel_of(role: &str) -> &'static str {
    match role {
        "system" | "developer" => channel::SYSTEM,
        "tool" | "function" => channel::TOOL_RESULT,
        _ => channel::CONTENT,
    }
}

/// The string fields of a message and their channels.
const fn message_fields(own: &'static str) -> [(&'static str, &'static str); 3] {
    [("content", own), ("reasoning_content", channel::REASONING), ("refusal", channel::REFUSAL)]
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

fn merge_into(target: &mut Map<String, Value>, patch: Map<String, Value>) {
    for (key, value) in patch {
        match (value, target.get_mut(&key)) {
            (Value::Null, _) => {
                target.shift_remove(&key);
            }
            (Value::Object(patch), Some(Value::Object(inner))) => merge_into(inner, patch),
            (Value::Object(patch), _) => {
                let mut inner = Map::new();
                merge_into(&mut inner, patch);
                target.insert(key, Value::Object(inner));
            }
            (value, _) => {
                target.insert(key, value);
            }
        }
    }
}
