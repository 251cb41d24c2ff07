//! The parts of OpenAI's answers that the gateway reads, as they stand on the wire. Unknown fields are
//! passed over here; where an answer is relayed they travel with the original bytes.

use crate::chat::{Event, TextAt, Usage, channel};
use serde::Deserialize;
use std::borrow::Cow;

#[derive(Deserialize)]
pub(super) struct Body<'a> {
    #[serde(borrow)]
    pub id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub model: Option<Cow<'a, str>>,
    pub created: Option<u64>,
    #[serde(borrow)]
    pub system_fingerprint: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub service_tier: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub choices: Option<Vec<Choice<'a>>>,
    pub usage: Option<UsageBody>,
    pub error: Option<serde_json::Value>,
}

#[derive(Deserialize)]
pub(super) struct Choice<'a> {
    #[serde(default)]
    pub index: u32,
    /// Of a chunk.
    #[serde(borrow)]
    pub delta: Option<Message<'a>>,
    /// Of a whole answer.
    #[serde(borrow)]
    pub message: Option<Message<'a>>,
    /// Of the completion of a bare text, whole or in pieces.
    #[serde(borrow)]
    pub text: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub finish_reason: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
pub(super) struct Message<'a> {
    #[serde(borrow)]
    pub content: Option<Cow<'a, str>>,
    /// As DeepSeek, vLLM and others name it.
    #[serde(borrow)]
    pub reasoning_content: Option<Cow<'a, str>>,
    /// As OpenRouter and newer vLLM name it.
    #[serde(borrow)]
    pub reasoning: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub refusal: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub tool_calls: Option<Vec<Call<'a>>>,
}

#[derive(Deserialize)]
pub(super) struct Call<'a> {
    /// Chunks number their calls; whole answers list them.
    pub index: Option<u32>,
    #[serde(borrow)]
    pub id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub function: Option<Function<'a>>,
    /// Of a tool that takes a text.
    #[serde(borrow)]
    pub custom: Option<Function<'a>>,
}

#[derive(Deserialize)]
pub(super) struct Function<'a> {
    #[serde(borrow)]
    pub name: Option<Cow<'a, str>>,
    #[serde(borrow, alias = "input")]
    pub arguments: Option<Cow<'a, str>>,
}

#[derive(Deserialize, Default)]
pub(super) struct UsageBody {
    #[serde(default)]
    pub prompt_tokens: u64,
    #[serde(default)]
    pub completion_tokens: u64,
    pub prompt_tokens_details: Option<PromptDetails>,
    pub completion_tokens_details: Option<CompletionDetails>,
}

#[derive(Deserialize)]
pub(super) struct PromptDetails {
    pub cached_tokens: Option<u64>,
}

#[derive(Deserialize)]
pub(super) struct CompletionDetails {
    pub reasoning_tokens: Option<u64>,
}

impl UsageBody {
    pub(super) fn read(&self) -> Usage {
        Usage {
            input: self.prompt_tokens,
            output: self.completion_tokens,
            cache_read: self.prompt_tokens_details.as_ref().and_then(|d| d.cached_tokens).unwrap_or(0),
            cache_write: 0,
            reasoning: self.completion_tokens_details.as_ref().and_then(|d| d.reasoning_tokens).unwrap_or(0),
        }
    }
}

impl Body<'_> {
    pub(super) fn extras(&self) -> Vec<(String, String)> {
        let created = self.created.map(|created| Cow::Owned(created.to_string()));
        let named = [
            ("id", self.id.as_deref()),
            ("model", self.model.as_deref()),
            ("created", created.as_deref()),
            ("system_fingerprint", self.system_fingerprint.as_deref()),
            ("service_tier", self.service_tier.as_deref()),
        ];
        named.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?.to_owned()))).collect()
    }
}

impl Choice<'_> {
    /// The event of a bare text.
    pub(super) fn bare(&mut self) -> Option<Event> {
        let text = self.text.take().filter(|text| !text.is_empty())?;
        Some(Event::Text { at: TextAt::new(self.index, 0, channel::CONTENT), text: text.into_owned() })
    }
}

impl Message<'_> {
    /// The events of a message or delta. `known` says whether a tool call's number was seen before.
    pub(super) fn events(self, choice: u32, mut known: impl FnMut(u32) -> bool, events: &mut Vec<Event>) {
        let texts = [
            (channel::REASONING, self.reasoning_content.or(self.reasoning)),
            (channel::CONTENT, self.content),
            (channel::REFUSAL, self.refusal),
        ];
        for (channel, text) in texts {
            if let Some(text) = text.filter(|text| !text.is_empty()) {
                events.push(Event::Text { at: TextAt::new(choice, 0, channel), text: text.into_owned() });
            }
        }
        for (place, call) in (0_u32..).zip(self.tool_calls.unwrap_or_default()) {
            let part = call.index.unwrap_or(place);
            let function = call.function.or(call.custom).unwrap_or(Function { name: None, arguments: None });
            if !known(part) {
                events.push(Event::Tool {
                    choice,
                    part,
                    id: call.id.unwrap_or_default().into_owned(),
                    name: function.name.unwrap_or_default().into_owned(),
                });
            }
            if let Some(text) = function.arguments.filter(|text| !text.is_empty()) {
                events.push(Event::Text {
                    at: TextAt::new(choice, part, channel::TOOL_ARGS),
                    text: text.into_owned(),
                });
            }
        }
    }
}
