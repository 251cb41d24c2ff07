//! What the fuzz targets `formats` and `answers` say of any bytes, of what is nearly right: requests and answers with slips.
#![expect(clippy::indexing_slicing, reason = "tests")]

use crate::adapters::requests;
use crate::adapters::spoil::{Slip, slipped, slips};
use crate::provider::holds;
use crate::roundtrip::{anthropic, cohere, gemini};
use bytes::BytesMut;
use lockgate::chat::{Answer, Event, Operation, Prompt, channel};
use lockgate::format::openai::{ChunkReader, read_answer, read_document, read_error};
use lockgate::format::{Format, Head, InPath, Writer};
use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;
use serde_json::{Map, Value, json};
use std::collections::HashSet;

const HEAD: Head<'_> = Head { exchange: "x", created: 1, model: "m" };

const FORMATS: [Format; 5] =
    [Format::OpenAi, Format::Anthropic, Format::Gemini, Format::Responses, Format::Cohere];

/// Every text of what can be read has a place of its own, by which it can be replaced.
fn is_read(format: Format, operation: Operation, body: &Value) -> TestCaseResult {
    let path = InPath { model: "m".into(), stream: false, list: false };
    let Ok(body) = format.parse(operation, body.to_string().as_bytes(), Some(&path)) else { return Ok(()) };
    let native = format.native(&body).into_owned();
    prop_assert_eq!(format.native(&native).into_owned(), native);
    let mut prompt = Prompt::new(operation, body, Vec::new());
    let texts = prompt.texts();
    prop_assert_eq!(prompt.text_bytes(), texts.iter().map(|part| part.text.len()).sum::<usize>());
    let places: HashSet<_> = texts.iter().map(|part| &part.at).collect();
    prop_assert_eq!(places.len(), texts.len(), "{:?}", texts);
    prop_assert!(texts.iter().all(|part| channel::opaque(&part.at.channel).is_none()));
    for part in &texts {
        prop_assert_eq!(prompt.set_text(&part.at, &format!("{}!", part.text)), Ok(()));
    }
    let mut changed = texts;
    changed.iter_mut().for_each(|part| part.text.push('!'));
    prop_assert_eq!(prompt.texts(), changed);
    prop_assert_eq!(
        prompt.media().into_iter().map(|(kind, _)| kind).collect::<Vec<_>>(),
        prompt.modalities()
    );
    Ok(())
}

fn with_slips(requests: impl Strategy<Value = Value>) -> impl Strategy<Value = Value> {
    (requests, slips(3)).prop_map(|(request, slips)| slipped(request, &slips))
}

#[test]
fn requests_of_the_openai_api_are_read_or_refused() {
    let model = |mut body: Map<String, Value>| {
        body.entry("model").or_insert_with(|| "m".into());
        Value::from(body)
    };
    let chats = requests::chats().prop_map(move |body| (Operation::Chat, model(body)));
    let others = requests::others().prop_map(move |(operation, body)| (operation, model(body)));
    holds(500, prop_oneof![chats, others], |(operation, body)| {
        FORMATS.iter().try_for_each(|format| is_read(*format, operation, &body))
    });
}

#[test]
fn requests_of_other_apis_are_read_or_refused() {
    let pick = |(sent, _): (Value, Value)| sent;
    holds(300, with_slips(anthropic::requests().prop_map(pick)), |body| {
        is_read(Format::Anthropic, Operation::Chat, &body)
    });
    holds(300, with_slips(gemini::requests().prop_map(pick)), |body| {
        is_read(Format::Gemini, Operation::Chat, &body)
    });
    holds(300, with_slips(cohere::requests().prop_map(pick)), |body| {
        is_read(Format::Cohere, Operation::Chat, &body)
    });
}

#[test]
fn requests_of_the_responses_api_are_read_or_refused() {
    let request = json!({
        "model": "m", "instructions": "Be kind.", "stream": true, "max_output_tokens": 9, "temperature": 0.5,
        "reasoning": { "effort": "low", "summary": "auto" }, "text": { "format": { "type": "json_schema", "name": "n", "schema": {} } },
        "tools": [{ "type": "function", "name": "f", "description": "d", "parameters": {}, "strict": true },
            { "type": "custom", "name": "c", "description": "d" }],
        "tool_choice": { "type": "function", "name": "f" },
        "input": [
            { "role": "user", "content": "Hi" },
            { "type": "message", "role": "user", "content": [{ "type": "input_text", "text": "Look" },
                { "type": "input_image", "image_url": "https://a.test/b.png", "detail": "low" },
                { "type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,AA==" }] },
            { "type": "reasoning", "id": "r", "summary": [{ "type": "summary_text", "text": "Hm" }], "encrypted_content": "e" },
            { "type": "message", "role": "assistant", "content": [{ "type": "output_text", "text": "Yes" }, { "type": "refusal", "refusal": "No" }] },
            { "type": "function_call", "call_id": "1", "name": "f", "arguments": "{}" },
            { "type": "function_call_output", "call_id": "1", "output": [{ "type": "input_text", "text": "out" }] },
            { "type": "custom_tool_call", "call_id": "2", "name": "c", "input": "in" },
            { "type": "custom_tool_call_output", "call_id": "2", "output": "out" },
        ],
    });
    holds(500, with_slips(Just(request)), |body| is_read(Format::Responses, Operation::Chat, &body));
}

/// What a provider says it counted, sense or not.
fn figures() -> impl Strategy<Value = Value> {
    let figure = || prop_oneof![3 => 0_u64..5_000, 1 => Just(u64::MAX), 1 => any::<u64>()];
    [figure(), figure(), figure(), figure(), figure(), figure()].prop_map(|[prompt, cached, heard, said, thought, units]| {
        json!({ "prompt_tokens": prompt, "completion_tokens": said, "total_tokens": said, "search_units": units,
            "prompt_tokens_details": { "cached_tokens": cached, "audio_tokens": heard },
            "completion_tokens_details": { "reasoning_tokens": thought, "audio_tokens": units },
            "input_tokens": prompt, "output_tokens": said })
    })
}

/// Answers in the native format, whole and as chunks.
fn answers() -> impl Strategy<Value = Vec<Value>> {
    let said = json!({ "role": "assistant", "content": "Hi", "refusal": "No", "reasoning_content": "Hm",
        "reasoning_details": [{ "type": "reasoning.text", "signature": "s", "format": "f", "index": 0 }, { "type": "reasoning.encrypted", "data": "d", "format": "f", "index": 1 }],
        "tool_calls": [{ "index": 0, "id": "1", "function": { "name": "f", "arguments": "{}" } }, { "index": 1, "id": "2", "custom": { "name": "g", "input": "x" } }] });
    let answer = json!({ "id": "a", "created": 7, "model": "m", "usage": {}, "service_tier": "default",
        "choices": [{ "index": 0, "message": said, "delta": said, "finish_reason": "stop" }, { "index": 1, "text": "bare" }],
        "data": [{ "index": 0, "embedding": [0.5] }], "results": [{ "index": 0, "relevance_score": 0.5 }] });
    let one = (slips(3), figures()).prop_map(move |(slips, usage): (Vec<Slip>, Value)| {
        let mut answer = answer.clone();
        answer["usage"] = usage;
        slipped(answer, &slips)
    });
    prop::collection::vec(one, 1..4)
}

#[test]
fn answers_of_the_native_format_are_read_or_refused_and_rendered_for_every_client() {
    let operations = [
        Operation::Embeddings,
        Operation::Moderations,
        Operation::Images,
        Operation::Transcription,
        Operation::Rerank,
    ];
    holds(500, answers(), |answers| {
        let (mut reader, mut streamed) = (ChunkReader::default(), Vec::new());
        for answer in &answers {
            let bytes = answer.to_string();
            prop_assert!(read_error(502, bytes.as_bytes(), None).message.len() <= 2_000);
            operations.iter().for_each(|operation| drop(read_document(*operation, bytes.as_bytes())));
            for operation in [Operation::Embeddings, Operation::Rerank] {
                let _ = Format::Cohere.document(operation, &Map::new(), bytes.as_bytes(), "x");
            }
            read_answer(bytes.as_bytes()).into_iter().for_each(render);
            streamed.extend(reader.read(bytes.as_bytes()).unwrap_or_default());
        }
        render(streamed);
        Ok(())
    });
}

fn render(events: Vec<Event>) {
    for format in FORMATS {
        let answer: Answer = events.iter().cloned().collect();
        let _ = format.answer(Operation::Chat, &answer, HEAD, &Map::new());
        let mut writer = Writer::new(format, Operation::Chat, HEAD, &Map::new());
        let mut out = BytesMut::new();
        events.iter().for_each(|event| writer.write(event, &mut out));
        writer.end(Some(&answer.usage), "", &mut out);
    }
}
