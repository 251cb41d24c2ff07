//! Telling the events of an answer.
//!
//! Invariants: no empty text is told; after an error nothing is told.

use lockgate_sdk::prelude::{Delta, Event, ProviderError, ToolCall, Usage};

/// The events of a batch of frames.
#[derive(Debug, Default)]
pub struct Events {
    told: Vec<Event>,
    over: bool,
}

impl Events {
    /// What was told.
    #[must_use]
    pub fn into_vec(self) -> Vec<Event> {
        self.told
    }

    /// Whether an error was told, which ends the answer.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.over
    }

    /// More of a choice's text. Blocks of one channel are one text to the client: part 0.
    pub fn say(&mut self, choice: u32, channel: &str, text: impl Into<String>) {
        self.text(choice, 0, channel, text.into());
    }

    /// More of a call's arguments.
    pub fn arguments(&mut self, choice: u32, part: u32, text: impl Into<String>) {
        self.text(choice, part, "tool-args", text.into());
    }

    /// More of a block of thinking. Blocks are numbered, so that each keeps its own signature.
    pub fn think(&mut self, choice: u32, block: u32, text: impl Into<String>) {
        self.text(choice, block, "reasoning", text.into());
    }

    /// More of the signature of a block of thinking: opaque, and shown to no filter.
    pub fn sign(&mut self, choice: u32, block: u32, format: &str, signature: impl Into<String>) {
        self.opaque(choice, block, "reasoning-signature", format, signature.into());
    }

    /// More of a block of thinking that only the provider can read.
    pub fn encrypted(&mut self, choice: u32, block: u32, format: &str, data: impl Into<String>) {
        self.opaque(choice, block, "reasoning-encrypted", format, data.into());
    }

    /// A call begins.
    pub fn call(&mut self, choice: u32, part: u32, id: impl Into<String>, name: impl Into<String>) {
        self.tell(Event::Tool(ToolCall { choice, part, id: id.into(), name: name.into() }));
    }

    /// Tokens so far.
    pub fn usage(&mut self, usage: Usage) {
        self.tell(Event::Usage(usage));
    }

    /// A choice is complete.
    pub fn finish(&mut self, choice: u32, reason: &str) {
        self.tell(Event::Finish((choice, reason.to_owned())));
    }

    /// Facts of the answer; empty ones are none.
    pub fn facts(&mut self, facts: &[(&str, &str)]) {
        let known = facts.iter().filter(|(_, value)| !value.is_empty());
        let known: Vec<_> = known.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        if !known.is_empty() {
            self.tell(Event::Extra(known));
        }
    }

    /// The provider failed.
    pub fn error(&mut self, error: ProviderError) {
        self.tell(Event::Error(error));
        self.over = true;
    }

    /// The provider sent what is not in its format.
    pub fn bad_frame(&mut self, why: &str) {
        self.error(ProviderError {
            status: 502,
            code: "bad_response".to_owned(),
            message: format!("the provider sent a frame that cannot be read: {why}"),
            retry_after_ms: None,
        });
    }

    fn opaque(&mut self, choice: u32, block: u32, channel: &str, format: &str, text: String) {
        self.text(choice, block, &format!("{channel}/{format}"), text);
    }

    fn text(&mut self, choice: u32, part: u32, channel: &str, text: String) {
        if !text.is_empty() {
            self.tell(Event::Text(Delta { choice, part, channel: channel.to_owned(), text }));
        }
    }

    fn tell(&mut self, event: Event) {
        if !self.over {
            self.told.push(event);
        }
    }
}
