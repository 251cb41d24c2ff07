//! Short ways to make what hooks answer.

use crate::bindings::post_response::exports::lockgate::plugin::post_response::Outcome;
use crate::prelude::{Edit, Fault, Issue, Pass, Rejection, TextAt, TextPart, Verdict, Window};

impl Fault {
    /// A fault with a code of the plugin's own.
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code: code.into(), message: message.into() }
    }

    /// What was asked cannot be done.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new("invalid", message)
    }

    /// The plugin is at fault.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new("internal", message)
    }
}

impl Rejection {
    /// A no with a status (400 to 599), a stable code and what the client reads.
    pub fn new(status: u16, code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { status, code: code.into(), message: message.into(), retry_after_ms: None }
    }
}

impl Issue {
    /// What is wrong at a JSON pointer of the configuration.
    pub fn new(pointer: impl Into<String>, message: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), message: message.into() }
    }
}

impl Pass {
    /// Releases the whole window as it is.
    #[must_use]
    pub fn all(window: &Window) -> Self {
        Self { safe: length(&window.text), edits: Vec::new() }
    }
}

impl Verdict {
    /// Releases the bytes below `safe` with the edits applied.
    #[must_use]
    pub fn release(safe: usize, edits: Vec<Edit>) -> Self {
        Self::Pass(Pass { safe: narrow(safe), edits })
    }
}

impl Edit {
    /// Replaces the bytes `start..end`.
    pub fn new(start: usize, end: usize, to: impl Into<String>) -> Self {
        Self { start: narrow(start), end: narrow(end), to: to.into() }
    }
}

impl Outcome {
    /// Replaces one text of the answer.
    #[must_use]
    pub fn replace_one(at: TextAt, role: String, text: String) -> Self {
        Self::Replace(vec![TextPart { at, role, text }])
    }
}

fn length(text: &str) -> u32 {
    narrow(text.len())
}

/// A component's memory is addressed by 32 bits, so no text in it is longer.
fn narrow(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}
