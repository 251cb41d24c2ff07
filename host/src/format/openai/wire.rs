//! The parts of OpenAI's answers that the gateway reads, as they stand on the wire. Unknown fields are
//! passed over here; where an answer is relayed they travel with the original bytes.

use crate::chat::channel::{self, Opaque};
use crate::chat::{Event, Media, Service, TextAt, Usage};
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
    /// Reasoning that the provider vouches for, as OpenRouter tells it.
    #[serde(borrow, default)]
    pub reasoning_details: Option<Vec<Detail<'a>>>,
}

#[derive(Deserialize)]
pub(super) struct Detail<'a> {
    #[serde(borrow)]
    pub format: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub signature: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub data: Option<Cow<'a, str>>,
    pub index: Option<u32>,
}

impl Detail<'_> {
    /// What only the provider can read of it.
    fn event(self, choice: u32) -> Option<Event> {
        let format = self.format?;
        let (opaque, text) = match (self.signature, self.data) {
            (Some(signature), _) => (Opaque::Signature(&format), signature),
            (None, Some(data)) => (Opaque::Encrypted(&format), data),
            (None, None) => return None,
        };
        let channel = Cow::Owned(channel::of_opaque(opaque));
        let at = TextAt { item: choice, part: self.index.unwrap_or(0), channel };
        Some(Event::Text { at, text: text.into_owned() })
    }
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
    pub audio_tokens: Option<u64>,
    pub image_tokens: Option<u64>,
}

#[derive(Deserialize)]
pub(super) struct CompletionDetails {
    pub reasoning_tokens: Option<u64>,
    pub audio_tokens: Option<u64>,
}

impl UsageBody {
    pub(super) fn read(&self) -> Usage {
        let prompt = |pick: fn(&PromptDetails) -> Option<u64>| {
            self.prompt_tokens_details.as_ref().and_then(pick).unwrap_or(0)
        };
        let completion = |pick: fn(&CompletionDetails) -> Option<u64>| {
            self.completion_tokens_details.as_ref().and_then(pick).unwrap_or(0)
        };
        Usage {
            input: self.prompt_tokens,
            output: self.completion_tokens,
            cache_read: prompt(|details| details.cached_tokens),
            cache_write: 0,
            reasoning: completion(|details| details.reasoning_tokens),
            media: Media {
                audio_input: prompt(|details| details.audio_tokens),
                image_input: prompt(|details| details.image_tokens),
                audio_output: completion(|details| details.audio_tokens),
                ..Media::default()
            },
            ..Usage::default()
        }
        .believed()
    }
}

impl Body<'_> {
    /// The usage, where it is told.
    pub(super) fn usage(&self) -> Option<Event> {
        let service = Service::of(self.service_tier.as_deref());
        self.usage.as_ref().map(|usage| Event::Usage(Usage { service, ..usage.read() }))
    }

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
        let details = self.reasoning_details.unwrap_or_default();
        events.extend(details.into_iter().filter_map(|detail| detail.event(choice)));
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
