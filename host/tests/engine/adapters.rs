//! Fuzzing of the shipped adapters, as the components that serve: libFuzzer cannot link those.
//!
//! Whatever a provider says and whatever a client asks, an adapter answers in its bounds: it never traps, never runs out
//! of time or memory, tells no more than it was given, and does not mind how frames are cut into batches.
#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "tests")]

mod frames;
pub mod requests;
pub mod spoil;

use crate::provider::{Provider, asking, chat, cut, frame, holds, normal, only_faults};
use frames::Recorded;
use lockgate::chat::{Answer, Event, Operation};
use lockgate::plugin::{Frame, Hook, Manifest};
use proptest::prelude::*;
use serde_json::json;
use spoil::{mishap, spoilt};

/// Adapters that read what their providers say, each with names of models that it treats differently.
const DECODING: [(&str, &[&str]); 5] = [
    ("anthropic", &["claude-sonnet-4-5", "claude-opus-5", "claude-3-haiku"]),
    ("bedrock", &["anthropic.claude-sonnet-4-5-v1:0", "amazon.nova-pro-v1:0", "openai.gpt-oss-120b-1:0"]),
    ("cohere", &["command-a", "command-a-reasoning"]),
    ("gemini", &["gemini-2.5-flash", "gemini-3-pro-preview", "gemma-3-27b-it"]),
    ("mistral", &["mistral-large-latest", "magistral-medium"]),
];

/// The host reads this one's answers itself.
const NATIVE: (&str, &[&str]) = ("openai", &["gpt-5", "gpt-4o", "o3"]);

/// Frames, told in a way that one can read.
struct Said(Vec<Frame>);

impl std::fmt::Debug for Said {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for frame in &self.0 {
            let data: String = String::from_utf8_lossy(&frame.data).chars().take(400).collect();
            write!(f, "\n{:?} {} bytes: {data}", frame.event, frame.data.len())?;
        }
        Ok(())
    }
}

/// Each adapter has tests of its own, so that they run beside one another.
macro_rules! each_adapter {
    ($($adapter:ident)+) => { $(
        mod $adapter {
            #[test]
            fn whatever_a_provider_says_is_read_within_bounds() {
                super::decodes(stringify!($adapter));
            }

            #[test]
            fn whatever_a_client_asks_is_encoded_or_refused() {
                super::encodes(stringify!($adapter));
            }
        }
    )+ };
}
each_adapter!(anthropic bedrock cohere gemini mistral);

mod openai {
    #[test]
    fn whatever_a_client_asks_is_encoded_or_refused() {
        super::encodes("openai");
    }
}

#[test]
fn every_shipped_adapter_is_fuzzed() {
    for builtin in lockgate_bundle::BUILTINS {
        let manifest = Manifest::read(builtin.wasm).expect("it is a plugin");
        let fuzzed = DECODING.iter().chain([&NATIVE]).any(|(name, _)| *name == builtin.name);
        assert_eq!(manifest.hooks.contains(&Hook::ProviderAdapter), fuzzed, "{}", builtin.name);
    }
}

fn models(adapter: &str) -> &'static [&'static str] {
    DECODING.iter().chain([&NATIVE]).find(|(name, _)| *name == adapter).map_or(&[], |(_, models)| models)
}

fn decodes(adapter: &'static str) {
    let provider = Provider::new(adapter);
    let Recorded { stream, whole } = frames::of(adapter);
    let recorded = prop_oneof![3 => Just(stream), 1 => Just(vec![whole])];
    let garbage = prop::collection::vec(prop::collection::vec(any::<u8>(), 0..400), 0..6)
        .prop_map(|frames| frames.into_iter().map(|bytes| frame("", bytes)).collect());
    let said = prop_oneof![
        9 => (recorded, prop::collection::vec(mishap(), 0..6)).prop_map(|(frames, mishaps)| spoilt(frames, &mishaps)),
        1 => garbage,
    ]
    .prop_map(Said);
    let status = prop_oneof![8 => Just(200), 1 => Just(404), 1 => 100_u16..=599];
    let operation = prop_oneof![6 => Just(Operation::Chat), 1 => Just(Operation::Embeddings), 1 => Just(Operation::Rerank)];
    let cuts = prop::collection::vec(any::<prop::sample::Index>(), 0..6);
    let all = (said, status, operation, prop::sample::select(models(adapter)), cuts);
    holds(250, all, |(Said(frames), status, operation, model, cuts)| {
        let read = |batches: &[Vec<Frame>]| {
            let body = json!({ "messages": [{ "role": "user", "content": "Hi" }], "input": "Hi", "query": "Hi", "documents": ["Hi"] });
            let x = asking(operation, body.as_object().cloned().unwrap_or_default());
            if let Err(error) = provider.encode(&x, model) {
                only_faults(&error, &["invalid"])?;
            }
            match provider.decode(&x, status, batches) {
                Ok(events) => Ok(Some(events)),
                // What is remembered between batches may be more than the host keeps.
                Err(error) => only_faults(&error, &["invalid"]).map(|()| None),
            }
        };
        let given = frames.iter().map(|frame| frame.data.len() + frame.event.len() + 1).sum();
        let whole = read(std::slice::from_ref(&frames))?;
        let cut = read(&cut(&frames, &cuts))?;
        for events in [&whole, &cut].into_iter().flatten() {
            bounded(events, given)?;
        }
        if let (Some(whole), Some(cut)) = (whole, cut) {
            let gathered = |events: Vec<Event>| normal(events.into_iter().collect::<Answer>());
            prop_assert_eq!(gathered(whole), gathered(cut));
        }
        Ok(())
    });
}

/// No more is told than what was given can be made into: JSON grows when it is written again, an error has words of its own.
fn bounded(events: &[Event], given: usize) -> Result<(), TestCaseError> {
    let told: usize = events.iter().map(size).sum();
    prop_assert!(events.len() <= 16 + given / 2, "{} events of {given} bytes", events.len());
    prop_assert!(told <= 4_096 + 16 * given, "{told} bytes of {given}");
    let figures = events.iter().filter_map(|event| match event {
        Event::Usage(usage) => {
            Some([usage.input, usage.output, usage.cache_read, usage.cache_write, usage.reasoning])
        }
        _ => None,
    });
    for figure in figures.flatten() {
        prop_assert!(figure < 1 << 60, "{figure} tokens");
    }
    Ok(())
}

fn size(event: &Event) -> usize {
    match event {
        Event::Text { at, text } => at.channel.len() + text.len(),
        Event::Tool { id, name, .. } => id.len() + name.len(),
        Event::Usage(_) => 0,
        Event::Finish { reason, .. } => reason.len(),
        Event::Extra(facts) => facts.iter().map(|(name, value)| name.len() + value.len()).sum(),
        Event::Error(error) => error.code.len() + error.message.len(),
    }
}

fn encodes(adapter: &'static str) {
    let provider = Provider::new(adapter);
    let chats = requests::chats().prop_map(|body| (Operation::Chat, body));
    let all = (prop_oneof![5 => chats, 1 => requests::others()], prop::sample::select(models(adapter)));
    let made = std::cell::Cell::new(0);
    // So many that the few of them that Bedrock can express do not hang on luck.
    holds(1_200, all, |((operation, body), model)| {
        let call = provider.encode(&asking(operation, body), model);
        match call {
            Ok(call) => {
                made.set(made.get() + 1);
                if call.holds {
                    let other = json!({ "messages": [], "input": "Hi", "stream": true });
                    let other = asking(operation, other.as_object().cloned().unwrap_or_default());
                    prop_assert_eq!(Ok(call), provider.encode(&other, model), "it goes by the request");
                }
            }
            Err(error) => only_faults(&error, &["invalid"])?,
        }
        Ok(())
    });
    // A strategy whose every request is refused proves little.
    assert!(made.get() > 20, "only {} requests could be expressed", made.get());
    let call = provider
        .encode(&chat(json!({ "messages": [{ "role": "user", "content": "Hi" }] })), models(adapter)[0])
        .expect("it still works");
    assert_eq!(call.holds, adapter == NATIVE.0, "of what others send, all is the exchange's own");
}
