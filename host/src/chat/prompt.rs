//! The canonical request.
//!
//! Invariants: the body is a JSON object; `model` and `stream` mirror the body. Texts are addressed by
//! [`TextAt`], and [`Prompt::texts`] and [`Prompt::set_text`] agree on every address. Never truncates,
//! reorders or drops a field it does not know.

mod modality;
mod texts;

pub use modality::Modality;

use super::{Operation, TextAt, TextPart};
use crate::upload::Upload;
use serde_json::{Map, Value};
use std::fmt;

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

/// A file that came with a request.
#[derive(Clone)]
pub struct Attachment {
    /// The name of its field.
    pub field: String,
    /// What it is called.
    pub name: String,
    /// Its media type; empty where the client told none.
    pub media: String,
    /// What is in it, which may still be coming.
    pub upload: Upload,
}

/// Without what is in it.
impl fmt::Debug for Attachment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attachment")
            .field("media", &self.media)
            .field("upload", &self.upload)
            .finish_non_exhaustive()
    }
}

/// A request in canonical form.
#[derive(Debug, Clone)]
pub struct Prompt {
    operation: Operation,
    model: String,
    streaming: bool,
    body: Map<String, Value>,
    headers: Vec<(String, String)>,
    attachment: Option<Attachment>,
    changed: bool,
}

impl Prompt {
    /// A prompt from a canonical body. `headers` are those a plugin may be shown: lower-case names, no
    /// credentials.
    #[must_use]
    pub fn new(operation: Operation, body: Map<String, Value>, headers: Vec<(String, String)>) -> Self {
        let model = body.get("model").and_then(Value::as_str).unwrap_or_default().to_owned();
        let streaming = body.get("stream").and_then(Value::as_bool).unwrap_or(false);
        Self { operation, model, streaming, body, headers, attachment: None, changed: false }
    }

    /// The same with a file.
    #[must_use]
    pub fn attaching(mut self, attachment: Option<Attachment>) -> Self {
        self.attachment = attachment;
        self
    }

    /// The same for an answer that comes whole.
    #[must_use]
    pub fn whole(mut self) -> Self {
        if self.streaming {
            self.streaming = false;
            self.body.shift_remove("stream");
            self.body.shift_remove("stream_options");
            self.changed = true;
        }
        self
    }

    /// Adds what stood behind the file in its form, once that is known. It replaces nothing.
    pub fn complete(&mut self, late: Map<String, Value>) {
        for (name, value) in late {
            self.body.entry(name).or_insert(value);
        }
    }

    /// The file that came with it.
    #[must_use]
    pub const fn attachment(&self) -> Option<&Attachment> {
        self.attachment.as_ref()
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

    /// Shows every text the model would see, in order.
    pub fn each_text(&self, see: &mut dyn FnMut(&str)) {
        self.visit(&mut |_, _, text| see(text));
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
