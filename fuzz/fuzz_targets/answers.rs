//! Any bytes as an answer in the native format: they are read or refused, and what is read can be rendered for clients of
//! every API. A line of the input is a frame of a stream, and an answer as a whole.

#![no_main]

use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use lockgate::chat::{Answer, Event, Operation};
use lockgate::format::openai::{ChunkReader, read_answer, read_document, read_error};
use lockgate::format::{Format, Head, Writer};
use serde_json::Map;

const HEAD: Head<'_> = Head { exchange: "x", created: 1, model: "m" };

/// Whose answers are documents.
const DOCUMENTS: [Operation; 6] = [
    Operation::Embeddings,
    Operation::Moderations,
    Operation::Images,
    Operation::Transcription,
    Operation::Translation,
    Operation::Rerank,
];

fuzz_target!(|input: &[u8]| {
    let frames: Vec<&[u8]> = input.split(|byte| *byte == b'\n').collect();
    let mut reader = ChunkReader::default();
    let mut streamed = Vec::new();
    for frame in &frames {
        let error = read_error(502, frame, None);
        assert!(error.message.len() <= 2_000);
        for operation in DOCUMENTS {
            let _ = read_document(operation, frame);
        }
        let _ = Format::Cohere.document(Operation::Embeddings, &Map::new(), frame, "x");
        let _ = Format::Cohere.document(Operation::Rerank, &Map::new(), frame, "x");
        if let Ok(events) = read_answer(frame) {
            render(events);
        }
        if let Ok(events) = reader.read(frame) {
            streamed.extend(events);
        }
    }
    render(streamed);
});

/// Renders what was read, whole and as a stream.
fn render(events: Vec<Event>) {
    for format in [Format::OpenAi, Format::Anthropic, Format::Gemini, Format::Responses, Format::Cohere] {
        let answer: Answer = events.iter().cloned().collect();
        let _ = format.answer(Operation::Chat, &answer, HEAD, &Map::new());
        let mut writer = Writer::new(format, Operation::Chat, HEAD, &Map::new());
        let mut out = BytesMut::new();
        events.iter().for_each(|event| writer.write(event, &mut out));
        writer.end(Some(&answer.usage), "", &mut out);
        let again: Answer = answer.events().into_iter().collect();
        assert_eq!(again.choices.len(), answer.choices.len());
    }
}
