//! From `generateContent` answers to canonical events.
//!
//! Invariants: a chunk of a stream and a whole body are the same object and take the same road; what is
//! remembered between batches is small (no text); parts of server-side tools are passed over, but media that
//! the gateway's answers cannot carry is an error, never silence.

mod error;
mod wire;

use crate::embed;
use crate::signature::join;
use adapter_kit::event::Events;
use adapter_kit::stream;
use lockgate_sdk::prelude::{ProviderError, Usage};
use serde::{Deserialize, Serialize};
use wire::{Answer, Candidate, Chunk, Feedback, FunctionCall, Part, Tokens};

/// What is remembered between batches of frames.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Decoder {
    /// Whether ids carry no signatures.
    unsigned: bool,
    /// The answer's id and model were told.
    begun: bool,
    /// Calls so far, by choice.
    calls: Vec<(u32, u32)>,
    /// The model that embeds, where the answer is embeddings of Vertex AI's.
    embeds: Option<String>,
}

impl Decoder {
    /// A decoder whose ids carry the signatures of their calls, or not.
    pub fn new(signed: bool) -> Self {
        Self { unsigned: !signed, ..Self::default() }
    }

    /// A decoder of embeddings.
    pub fn of_embeddings(model: &str) -> Self {
        Self { embeds: Some(model.to_owned()), ..Self::default() }
    }

    fn answer(&mut self, answer: Answer, events: &mut Events) {
        if let Some(error) = &answer.error {
            events.error(error::in_stream(error));
            return;
        }
        if !self.begun {
            self.begun = true;
            events.facts(&[("id", &answer.response_id), ("model", &answer.model_version)]);
        }
        let empty = answer.candidates.is_empty();
        if let Some(tokens) = &answer.usage_metadata {
            events.usage(usage(tokens));
        }
        for candidate in answer.candidates {
            self.candidate(candidate, &answer.response_id, events);
        }
        if let Some(Feedback { block_reason: Some(_), block_reason_message }) = answer.prompt_feedback
            && empty
        {
            events.say(0, "refusal", block_reason_message.unwrap_or_default());
            events.finish(0, "content_filter");
        }
    }

    fn candidate(&mut self, candidate: Candidate, answer: &str, events: &mut Events) {
        let choice = candidate.index;
        for part in candidate.content.map(|content| content.parts).unwrap_or_default() {
            self.part(choice, part, answer, events);
        }
        for (name, told) in
            [("grounding", candidate.grounding_metadata), ("citations", candidate.citation_metadata)]
        {
            if let Some(told) = told {
                events.facts(&[(name, &told.to_string())]);
            }
        }
        let Some(reason) = candidate.finish_reason else { return };
        let called = self.calls.iter().any(|(of, _)| *of == choice);
        match reason.as_str() {
            "FINISH_REASON_UNSPECIFIED" | "" => {}
            "STOP" => events.finish(choice, if called { "tool_calls" } else { "stop" }),
            "MAX_TOKENS" => events.finish(choice, "length"),
            "SAFETY"
            | "RECITATION"
            | "LANGUAGE"
            | "BLOCKLIST"
            | "PROHIBITED_CONTENT"
            | "SPII"
            | "IMAGE_SAFETY"
            | "IMAGE_PROHIBITED_CONTENT"
            | "IMAGE_RECITATION" => {
                events.say(choice, "refusal", candidate.finish_message.unwrap_or_default());
                events.finish(choice, "content_filter");
            }
            // The model failed at what it was to write: asking again may help.
            "MALFORMED_FUNCTION_CALL"
            | "UNEXPECTED_TOOL_CALL"
            | "TOO_MANY_TOOL_CALLS"
            | "NO_IMAGE"
            | "MALFORMED_RESPONSE"
            | "MISSING_THOUGHT_SIGNATURE" => {
                let message =
                    candidate.finish_message.unwrap_or_else(|| format!("the model ended with {reason}"));
                events.error(broken(&reason.to_ascii_lowercase(), message));
            }
            other => events.finish(choice, &other.to_ascii_lowercase()),
        }
    }

    fn part(&mut self, choice: u32, part: Part, answer: &str, events: &mut Events) {
        if let Some(text) = part.text {
            events.say(choice, if part.thought { "reasoning" } else { "content" }, text);
        }
        if let Some(call) = part.function_call {
            self.call(choice, call, part.thought_signature.as_deref(), answer, events);
        }
        if let Some(media) = part.inline_data.filter(|_| !part.thought) {
            let message = format!("the answer holds {}, which cannot be passed on", media.mime_type);
            events.error(broken("unsupported_output", message));
        }
    }

    fn call(
        &mut self,
        choice: u32,
        call: FunctionCall,
        signature: Option<&str>,
        answer: &str,
        events: &mut Events,
    ) {
        let at = self.calls.iter().position(|(of, _)| *of == choice).unwrap_or(self.calls.len());
        if at == self.calls.len() {
            self.calls.push((choice, 0));
        }
        let Some((_, calls)) = self.calls.get_mut(at) else { return };
        let number = *calls;
        *calls += 1;
        let id = match call.id.as_str() {
            "" => {
                // Different in each answer, so that results in a long conversation find their calls.
                let answer: String = answer.chars().filter(char::is_ascii_alphanumeric).take(24).collect();
                format!("call_{answer}_{choice}_{number}")
            }
            own => own.to_owned(),
        };
        let id = match signature.filter(|signature| !signature.is_empty() && !self.unsigned) {
            Some(signature) => join(&id, signature),
            None => id,
        };
        events.call(choice, number, id, call.name);
        events.arguments(choice, number, serde_json::Value::Object(call.args).to_string());
    }
}

impl stream::Decoder for Decoder {
    fn frame(&mut self, data: &[u8], events: &mut Events) {
        if let Some(model) = &self.embeds {
            return embed::told(data, model, events);
        }
        match serde_json::from_slice::<Chunk>(data) {
            Ok(Chunk::One(answer)) => self.answer(*answer, events),
            // A stream that is not one of events is a list.
            Ok(Chunk::List(answers)) => answers.into_iter().for_each(|answer| self.answer(answer, events)),
            Err(error) => events.bad_frame(&error.to_string()),
        }
    }

    fn failure(status: u16, headers: &[(String, String)], body: &[u8]) -> ProviderError {
        error::failure(status, headers, body)
    }
}

/// The API counts thinking apart from the answer, and what tools brought apart from the prompt; the gateway
/// counts all input and all output together.
fn usage(tokens: &Tokens) -> Usage {
    Usage {
        input: tokens.prompt_token_count + tokens.tool_use_prompt_token_count,
        output: tokens.candidates_token_count + tokens.thoughts_token_count,
        cache_read: tokens.cached_content_token_count,
        cache_write: 0,
        reasoning: tokens.thoughts_token_count,
        extra: Vec::new(),
    }
}

fn broken(code: &str, message: String) -> ProviderError {
    ProviderError { status: 502, code: code.to_owned(), message, retry_after_ms: None }
}

#[cfg(test)]
mod tests;
