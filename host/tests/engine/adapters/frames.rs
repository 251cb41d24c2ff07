//! What each provider says, in small: frames as their documentation shows them.

use crate::provider::frame;
use lockgate::plugin::Frame;
use serde_json::{Value, json};

/// An answer as a stream, and as a whole body.
pub struct Recorded {
    pub stream: Vec<Frame>,
    pub whole: Frame,
}

/// What a shipped adapter's provider says.
pub fn of(adapter: &str) -> Recorded {
    let (stream, whole) = match adapter {
        "anthropic" => anthropic(),
        "bedrock" => bedrock(),
        "cohere" => cohere(),
        "gemini" => gemini(),
        "mistral" => mistral(),
        other => unreachable!("{other} has no frames here: add some"),
    };
    let stream = stream.into_iter().map(|(event, data)| frame(event, data.to_string())).collect();
    Recorded { stream, whole: frame("", whole.to_string()) }
}

type Said = (Vec<(&'static str, Value)>, Value);

fn anthropic() -> Said {
    let usage = json!({ "input_tokens": 7, "output_tokens": 1, "cache_read_input_tokens": 3,
        "cache_creation": { "ephemeral_1h_input_tokens": 1 }, "server_tool_use": { "web_search_requests": 1 } });
    let message = json!({ "id": "msg_1", "type": "message", "role": "assistant", "model": "claude", "content": [],
        "stop_reason": null, "usage": usage });
    let start = |index: u64, block: Value| {
        (
            "content_block_start",
            json!({ "type": "content_block_start", "index": index, "content_block": block }),
        )
    };
    let delta = |index: u64, delta: Value| {
        ("content_block_delta", json!({ "type": "content_block_delta", "index": index, "delta": delta }))
    };
    let stop = |index: u64| ("content_block_stop", json!({ "type": "content_block_stop", "index": index }));
    let stream = vec![
        ("message_start", json!({ "type": "message_start", "message": message })),
        start(0, json!({ "type": "thinking", "thinking": "", "signature": "" })),
        delta(0, json!({ "type": "thinking_delta", "thinking": "Hm" })),
        delta(0, json!({ "type": "signature_delta", "signature": "c2ln" })),
        stop(0),
        ("ping", json!({ "type": "ping" })),
        start(1, json!({ "type": "redacted_thinking", "data": "eno=" })),
        stop(1),
        start(2, json!({ "type": "text", "text": "" })),
        delta(2, json!({ "type": "text_delta", "text": "Let me see." })),
        stop(2),
        start(3, json!({ "type": "tool_use", "id": "t1", "name": "weather", "input": {} })),
        delta(3, json!({ "type": "input_json_delta", "partial_json": "{\"city\":\"Paris\"}" })),
        stop(3),
        (
            "message_delta",
            json!({ "type": "message_delta", "delta": { "stop_reason": "tool_use", "stop_sequence": null },
            "usage": { "output_tokens": 9, "output_tokens_details": { "thinking_tokens": 4 } } }),
        ),
        ("message_stop", json!({ "type": "message_stop" })),
    ];
    let whole = json!({ "id": "msg_1", "type": "message", "role": "assistant", "model": "claude", "stop_reason": "refusal",
        "stop_details": { "explanation": "No." }, "usage": usage, "content": [
            { "type": "thinking", "thinking": "Hm", "signature": "c2ln" },
            { "type": "text", "text": "Hi", "citations": [{ "type": "char_location" }] },
            { "type": "tool_use", "id": "t1", "name": "f", "input": { "a": [1, { "b": null }] } },
            { "type": "fallback", "to": { "model": "other" } },
        ] });
    (stream, whole)
}

fn bedrock() -> Said {
    let delta = |index: u64, delta: Value| {
        ("contentBlockDelta", json!({ "contentBlockIndex": index, "delta": delta, "p": "abc" }))
    };
    let stop = |index: u64| ("contentBlockStop", json!({ "contentBlockIndex": index }));
    let usage = json!({ "inputTokens": 10, "outputTokens": 30, "totalTokens": 47, "cacheReadInputTokens": 5,
        "cacheWriteInputTokens": 2, "cacheDetails": [{ "ttl": "1h", "inputTokens": 2 }] });
    let stream = vec![
        ("messageStart", json!({ "role": "assistant" })),
        delta(0, json!({ "reasoningContent": { "text": "Hm" } })),
        delta(0, json!({ "reasoningContent": { "signature": "c2ln" } })),
        stop(0),
        delta(1, json!({ "reasoningContent": { "redactedContent": "eno=" } })),
        stop(1),
        delta(2, json!({ "text": "Let me see." })),
        delta(2, json!({ "citation": { "title": "t" } })),
        stop(2),
        (
            "contentBlockStart",
            json!({ "contentBlockIndex": 3, "start": { "toolUse": { "toolUseId": "t1", "name": "f" } } }),
        ),
        delta(3, json!({ "toolUse": { "input": "{\"a\": 1}" } })),
        stop(3),
        ("messageStop", json!({ "stopReason": "tool_use" })),
        ("metadata", json!({ "usage": usage, "metrics": { "latencyMs": 7 }, "trace": {} })),
    ];
    let whole = json!({ "output": { "message": { "role": "assistant", "content": [
            { "reasoningContent": { "reasoningText": { "text": "Hm.", "signature": "s" } } },
            { "reasoningContent": { "redactedContent": "zz" } },
            { "citationsContent": { "content": [{ "text": "So: " }], "citations": [] } },
            { "text": "Hi" },
            { "toolUse": { "toolUseId": "t1", "name": "f", "input": { "a": [1, null] } } },
        ] } }, "stopReason": "end_turn", "usage": usage });
    (stream, whole)
}

fn cohere() -> Said {
    let event = |kind: &'static str, index: u64, message: Value| {
        (kind, json!({ "type": kind, "index": index, "delta": { "message": message } }))
    };
    let units = json!({ "input_tokens": 3, "output_tokens": 4, "search_units": 1 });
    let usage = json!({ "billed_units": units, "tokens": units, "cached_tokens": 1 });
    let citation = json!({ "start": 0, "end": 3, "text": "Let", "type": "TEXT_CONTENT", "content_index": 0,
        "sources": [{ "type": "document", "id": "d1", "document": { "title": "t" } }] });
    let call = json!({ "id": "t1", "type": "function", "function": { "name": "f", "arguments": "" } });
    let stream = vec![
        (
            "message-start",
            json!({ "type": "message-start", "id": "c-1", "delta": { "message": { "role": "assistant", "content": [] } } }),
        ),
        event("content-start", 0, json!({ "content": { "type": "thinking", "thinking": "" } })),
        event("content-delta", 0, json!({ "content": { "thinking": "Hm" } })),
        ("content-end", json!({ "type": "content-end", "index": 0 })),
        event("content-start", 1, json!({ "content": { "type": "text", "text": "" } })),
        event("content-delta", 1, json!({ "content": { "text": "Let me see." } })),
        event("citation-start", 0, json!({ "citations": citation })),
        event("tool-plan-delta", 0, json!({ "tool_plan": "I shall look." })),
        event("tool-call-start", 0, json!({ "tool_calls": call })),
        event("tool-call-delta", 0, json!({ "tool_calls": { "function": { "arguments": "{\"a\":1}" } } })),
        ("tool-call-end", json!({ "type": "tool-call-end", "index": 0 })),
        (
            "message-end",
            json!({ "type": "message-end", "id": "c-1", "delta": { "finish_reason": "TOOL_CALL", "usage": usage } }),
        ),
    ];
    let whole = json!({ "id": "c-1", "finish_reason": "COMPLETE", "usage": usage, "message": { "role": "assistant",
        "content": [{ "type": "thinking", "thinking": "Hm" }, { "type": "text", "text": "Let me" }],
        "tool_plan": "p", "tool_calls": [call], "citations": [citation] } });
    (stream, whole)
}

fn gemini() -> Said {
    let usage = json!({ "promptTokenCount": 8, "candidatesTokenCount": 3, "thoughtsTokenCount": 2, "totalTokenCount": 13,
        "cachedContentTokenCount": 1, "toolUsePromptTokenCount": 1 });
    let chunk = |parts: Value, finish: Value| {
        (
            "",
            json!({ "candidates": [{ "content": { "role": "model", "parts": parts }, "finishReason": finish, "index": 0,
            "groundingMetadata": { "webSearchQueries": ["q"] } }], "usageMetadata": usage, "modelVersion": "gemini", "responseId": "r1" }),
        )
    };
    let call = json!({ "functionCall": { "name": "f", "args": { "a": [1, { "b": 2.5 }] } }, "thoughtSignature": "c2ln" });
    let stream = vec![
        chunk(json!([{ "text": "Hm", "thought": true }]), json!(null)),
        chunk(json!([{ "text": "Let me see." }, { "executableCode": { "code": "1" } }]), json!(null)),
        chunk(json!([call, { "functionCall": { "id": "i", "name": "g", "args": {} } }]), json!("STOP")),
    ];
    let whole = json!({ "candidates": [
            { "content": { "role": "model", "parts": [{ "text": "Hi" }, call] }, "finishReason": "STOP", "index": 0 },
            { "content": { "parts": [] }, "finishReason": "SAFETY", "finishMessage": "No.", "index": 1 },
        ], "promptFeedback": { "blockReason": null }, "usageMetadata": usage, "modelVersion": "gemini", "responseId": "r1" });
    (stream, whole)
}

fn mistral() -> Said {
    let usage = json!({ "prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15,
        "prompt_tokens_details": { "cached_tokens": 4 }, "prompt_audio_seconds": null });
    let chunk = |delta: Value, finish: Value| {
        (
            "",
            json!({ "id": "c1", "object": "chat.completion.chunk", "created": 7, "model": "mistral",
            "choices": [{ "index": 0, "delta": delta, "finish_reason": finish }], "usage": usage }),
        )
    };
    let call = json!({ "id": "D681PevKs", "index": 0, "type": "function", "function": { "name": "f", "arguments": "{\"a\":1}" } });
    let thought = json!({ "type": "thinking", "thinking": [{ "type": "text", "text": "Hm" }] });
    let stream = vec![
        chunk(json!({ "role": "assistant", "content": "" }), json!(null)),
        chunk(json!({ "content": [thought] }), json!(null)),
        chunk(
            json!({ "content": [{ "type": "text", "text": "Let " }, { "type": "reference", "reference_ids": [1] }] }),
            json!(null),
        ),
        chunk(json!({ "content": "me see." }), json!(null)),
        chunk(json!({ "content": "", "tool_calls": [call] }), json!("tool_calls")),
    ];
    let whole = json!({ "id": "c1", "object": "chat.completion", "created": 7, "model": "mistral", "usage": usage, "choices": [
        { "index": 0, "finish_reason": "stop", "message": { "role": "assistant", "content": [thought, { "type": "text", "text": "Hi" }],
            "tool_calls": [{ "id": "x", "function": { "name": "f", "arguments": { "a": [1] } } }] } },
    ] });
    (stream, whole)
}
