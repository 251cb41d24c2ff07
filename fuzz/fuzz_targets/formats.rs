//! Any bytes as a request of any client API: they are read or refused, and of what is read every text can be found and
//! replaced where it was named. The first two bytes say which API and
//! which operation.

#![no_main]

use libfuzzer_sys::fuzz_target;
use lockgate::chat::{Operation, Prompt, channel};
use lockgate::format::{Format, InPath};
use std::collections::HashSet;

const FORMATS: [Format; 5] =
    [Format::OpenAi, Format::Anthropic, Format::Gemini, Format::Responses, Format::Cohere];

/// Those without a file; of files, `form` reads.
const OPERATIONS: [Operation; 7] = [
    Operation::Chat,
    Operation::Completions,
    Operation::Embeddings,
    Operation::Moderations,
    Operation::Images,
    Operation::Speech,
    Operation::Rerank,
];

fuzz_target!(|input: &[u8]| {
    let [format, operation, body @ ..] = input else { return };
    let format = FORMATS[usize::from(*format) % FORMATS.len()];
    let operation = OPERATIONS[usize::from(*operation) % OPERATIONS.len()];
    let path = InPath { model: "m".into(), stream: false, list: false };
    let Ok(body) = format.parse(operation, body, Some(&path)) else { return };

    let native = format.native(&body).into_owned();
    assert_eq!(format.native(&native).into_owned(), native, "nothing is left to take out");

    let mut prompt = Prompt::new(operation, body, Vec::new());
    let texts = prompt.texts();
    assert_eq!(prompt.text_bytes(), texts.iter().map(|part| part.text.len()).sum::<usize>());
    let places: HashSet<_> = texts.iter().map(|part| &part.at).collect();
    assert_eq!(places.len(), texts.len(), "each has a place of its own");
    assert!(texts.iter().all(|part| channel::opaque(&part.at.channel).is_none()));
    for part in &texts {
        assert_eq!(prompt.set_text(&part.at, &format!("{}!", part.text)), Ok(()));
    }
    let changed = prompt.texts();
    assert_eq!(changed.len(), texts.len());
    for (before, after) in texts.iter().zip(&changed) {
        assert_eq!((&before.at, format!("{}!", before.text)), (&after.at, after.text.clone()));
    }
    let kinds = prompt.media();
    assert_eq!(kinds.iter().map(|(kind, _)| *kind).collect::<Vec<_>>(), prompt.modalities());
    assert!(kinds.iter().all(|(_, count)| *count > 0));
});
