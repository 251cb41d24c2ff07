//! Answers: what the host renders for clients of an API reads, as a provider's answer, as it was.
//!
//! Left out, because an API cannot say it:
//! - every API but OpenAI's and Gemini's: more than one choice; refusals become words; what cost tokens but is no text.
//! - Anthropic: tokens spent on thinking; thoughts with no words and no signature; arguments that are no object.
//! - Gemini: signatures (they travel in the ids of calls); blocks of thinking are one; ends of `stop` with calls and of
//!   `tool_calls` without; what was written to a cache.
//! - Cohere: the model; signatures; blocks of thinking are one; an end of `content_filter` (it is an error there); an end
//!   of `stop` with calls; tokens spent on thinking, or written to a cache.
//! - OpenAI: the words of several thoughts are one; what was written to a cache.

use super::words::{arguments, base64, id, name, text};
use crate::provider::{Provider, cut, frame, holds, normal};
use bytes::BytesMut;
use lockgate::chat::channel::{self, Opaque};
use lockgate::chat::{Answer, Event, Operation, TextAt, Usage};
use lockgate::format::openai::{ChunkReader, DONE, read_answer};
use lockgate::format::{Format, Head, Writer};
use lockgate::plugin::Frame;
use lockgate::sse;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::TestCaseError;
use serde_json::{Map, Value, json};

const ANTHROPIC: &str = "anthropic-claude-v1";
const HEAD: Head<'_> = Head { exchange: "x-1", created: 7, model: "smart" };

/// A block of thinking.
#[derive(Debug, Clone)]
enum Thought {
    Bare(String),
    Signed(String, String),
    Encrypted(String),
}

/// A choice.
#[derive(Debug, Clone)]
struct Said {
    thoughts: Vec<Thought>,
    text: Option<String>,
    refusal: Option<String>,
    calls: Vec<(String, String, String)>,
    finish: &'static str,
}

/// An answer, and what decides how it is told.
#[derive(Debug, Clone)]
struct Told {
    choices: Vec<Said>,
    id: Option<String>,
    usage: Usage,
    /// How texts are broken into pieces, and whose piece comes next.
    order: Vec<Index>,
    /// How frames are put into batches.
    cuts: Vec<Index>,
}

fn thought() -> impl Strategy<Value = Thought> {
    prop_oneof![
        text().prop_map(Thought::Bare),
        (prop::option::of(text()), base64())
            .prop_map(|(text, signature)| Thought::Signed(text.unwrap_or_default(), signature)),
        base64().prop_map(Thought::Encrypted),
    ]
}

fn said() -> impl Strategy<Value = Said> {
    let call =
        (id(), name(), arguments()).prop_map(|(id, name, given)| (id, name, Value::from(given).to_string()));
    let finish = select(vec!["stop", "length", "tool_calls", "content_filter"]);
    let words = (prop::option::weighted(0.8, text()), prop::option::weighted(0.1, text()));
    (prop::collection::vec(thought(), 0..4), words, prop::collection::vec(call, 0..4), finish).prop_map(
        |(thoughts, (text, refusal), calls, finish)| Said { thoughts, text, refusal, calls, finish },
    )
}

fn told() -> impl Strategy<Value = Told> {
    let figures = [0_u32..5_000, 0..5_000, 0..5_000, 0..5_000, 0..5_000];
    let usage = figures.prop_map(|figures| {
        let [input, output, cache_read, cache_write, reasoning] = figures.map(u64::from);
        Usage {
            input: input + cache_read + cache_write,
            output: output + reasoning,
            cache_read,
            cache_write,
            reasoning,
            ..Usage::default()
        }
    });
    let choices =
        prop_oneof![3 => prop::collection::vec(said(), 1), 1 => prop::collection::vec(said(), 2..4)];
    let places = |most| prop::collection::vec(any::<Index>(), 0..most);
    (choices, prop::option::of(id()), usage, places(40), places(5))
        .prop_map(|(choices, id, usage, order, cuts)| Told { choices, id, usage, order, cuts })
}

/// What an API can say of an answer.
fn fit(format: Format, mut told: Told) -> Told {
    if !matches!(format, Format::OpenAi | Format::Gemini) {
        told.choices.truncate(1);
    }
    if format != Format::Anthropic {
        told.usage.cache_write = 0;
    }
    if matches!(format, Format::Anthropic | Format::Cohere) {
        told.usage.reasoning = 0;
    }
    for said in &mut told.choices {
        if format != Format::OpenAi {
            said.refusal = None;
        }
        match format {
            Format::Gemini | Format::Cohere => {
                let words = said.thoughts.iter().filter_map(|thought| match thought {
                    Thought::Bare(text) | Thought::Signed(text, _) => Some(text.as_str()),
                    Thought::Encrypted(_) => None,
                });
                let words: String = words.collect();
                said.thoughts = if words.is_empty() { Vec::new() } else { vec![Thought::Bare(words)] };
            }
            Format::OpenAi => {
                let mut silent = false;
                for thought in &mut said.thoughts {
                    match thought {
                        Thought::Bare(text) if silent => *thought = Thought::Encrypted(text.clone()),
                        Thought::Signed(text, _) if silent => text.clear(),
                        Thought::Signed(..) | Thought::Bare(_) => silent = true,
                        // Words are told as those of the first.
                        Thought::Encrypted(_) => silent = true,
                    }
                }
            }
            _ => {}
        }
        if matches!(format, Format::Gemini | Format::Cohere) {
            match (said.finish, said.calls.is_empty()) {
                ("stop", false) => said.finish = "tool_calls",
                ("tool_calls", true) => said.finish = "stop",
                ("content_filter", _) if format == Format::Cohere => said.finish = "length",
                _ => {}
            }
        }
    }
    told
}

/// A text as it is told, piece by piece, after what begins it.
struct Line {
    before: Option<Event>,
    at: TextAt,
    rest: Vec<char>,
}

impl Told {
    /// The events of the answer. What was thought comes first, block by block; words and calls come at once.
    fn events(&self) -> Vec<Event> {
        let mut facts = vec![("model".to_owned(), "smart".to_owned())];
        facts.extend(self.id.clone().map(|id| ("id".to_owned(), id)));
        let mut events = vec![Event::Extra(facts)];
        let mut order = self.order.iter().cycle();
        for (choice, said) in (0..).zip(&self.choices) {
            let line = |part, channel: String, text: &str, before| Line {
                before,
                at: TextAt { item: choice, part, channel: channel.into() },
                rest: text.chars().collect(),
            };
            for (part, thought) in (0..).zip(&said.thoughts) {
                let opaque = |opaque| channel::of_opaque(opaque);
                let (text, vouched) = match thought {
                    Thought::Bare(text) => (text.as_str(), None),
                    Thought::Signed(text, signature) => {
                        (text.as_str(), Some((opaque(Opaque::Signature(ANTHROPIC)), signature)))
                    }
                    Thought::Encrypted(data) => ("", Some((opaque(Opaque::Encrypted(ANTHROPIC)), data))),
                };
                let mut words = vec![line(part, channel::REASONING.into(), text, None)];
                tell(&mut words, &mut order, &mut events);
                // What cannot be read comes in one piece.
                events.extend(vouched.map(|(channel, told)| Event::Text {
                    at: TextAt { item: choice, part, channel: channel.into() },
                    text: told.clone(),
                }));
            }
            let spoken = [(channel::CONTENT, &said.text), (channel::REFUSAL, &said.refusal)];
            let spoken = spoken
                .into_iter()
                .filter_map(|(channel, text)| Some(line(0, channel.into(), text.as_ref()?, None)));
            let calls = (0..).zip(&said.calls).map(|(part, (id, name, given))| {
                let begins = Event::Tool { choice, part, id: id.clone(), name: name.clone() };
                line(part, channel::TOOL_ARGS.into(), given, Some(begins))
            });
            tell(&mut spoken.chain(calls).collect(), &mut order, &mut events);
            events.push(Event::Finish { choice, reason: said.finish.into() });
        }
        events.push(Event::Usage(self.usage));
        events
    }

    fn answer(&self) -> Answer {
        self.events().into_iter().collect()
    }
}

/// Tells lines in pieces, in any order, but that calls begin in theirs: they are numbered as they come.
fn tell<'a>(lines: &mut Vec<Line>, order: &mut impl Iterator<Item = &'a Index>, events: &mut Vec<Event>) {
    while !lines.is_empty() {
        let mut pick = |of: usize| order.next().map_or(0, |index| index.index(of));
        let mut place = pick(lines.len());
        if lines[place].before.is_some() {
            place = lines.iter().position(|line| line.before.is_some()).unwrap_or(place);
        }
        let line = &mut lines[place];
        events.extend(line.before.take());
        let length = (pick(line.rest.len() + 1) + 1).min(line.rest.len());
        if length > 0 {
            let text = line.rest.drain(..length).collect();
            events.push(Event::Text { at: line.at.clone(), text });
        }
        if line.rest.is_empty() {
            lines.remove(place);
        }
    }
}

/// Arguments as what they mean, since they may be written anew.
fn meant(mut answer: Answer) -> Answer {
    for (at, text) in answer.choices.iter_mut().flat_map(|choice| &mut choice.texts) {
        if at.channel == channel::TOOL_ARGS
            && let Ok(value) = serde_json::from_str::<Value>(text)
        {
            *text = value.to_string();
        }
    }
    normal(answer)
}

/// The frames that a client gets.
fn frames(format: Format, told: &Told) -> Result<Vec<Frame>, TestCaseError> {
    let asked = json!({ "stream_options": { "include_usage": true } });
    let mut writer = Writer::new(format, Operation::Chat, HEAD, asked.as_object().unwrap_or(&Map::new()));
    let mut out = BytesMut::new();
    let mut usage = None;
    for event in told.events() {
        match event {
            Event::Usage(told) => usage = Some(told),
            event => writer.write(&event, &mut out),
        }
    }
    writer.end(usage.as_ref(), "lockgate: x", &mut out);
    let read = sse::Decoder::new(1 << 20).push(&out.freeze());
    let read = read.map_err(|error| TestCaseError::fail(error.to_string()))?;
    Ok(read.into_iter().map(|read| frame(&read.event, read.data)).collect())
}

/// Has answers come back, whole and as streams.
fn come_back(adapter: &str, format: Format, model: &'static str) {
    let provider = Provider::new(adapter);
    holds(200, told(), |told| {
        let told = fit(format, told);
        let expected = meant(known(format, &told));
        let whole = format.answer(Operation::Chat, &told.answer(), HEAD, &Map::new());
        let body = vec![vec![frame("", whole.to_string())]];
        prop_assert_eq!(meant(provider.answer(model, &body)?), expected.clone(), "whole: {}", whole);
        let frames = frames(format, &told)?;
        let streamed = provider.answer(model, &cut(&frames, &told.cuts))?;
        prop_assert_eq!(meant(streamed), expected, "as a stream");
        Ok(())
    });
}

/// The answer with what stands in where its provider said nothing, and without what the API does not tell.
fn known(format: Format, told: &Told) -> Answer {
    let mut answer = told.answer();
    if answer.extra("id").is_none() {
        let id = match format {
            Format::Anthropic => "msg_x-1",
            Format::OpenAi => "chatcmpl-x-1",
            _ => "x-1",
        };
        answer.extras.push(("id".into(), id.into()));
    }
    match format {
        Format::Cohere => drop(answer.take_extra("model")),
        Format::OpenAi => answer.extras.push(("created".into(), "7".into())),
        _ => {}
    }
    answer
}

#[test]
fn answers_of_the_anthropic_api() {
    come_back("anthropic", Format::Anthropic, super::anthropic::MODEL);
}

#[test]
fn answers_of_the_gemini_api() {
    come_back("gemini", Format::Gemini, super::gemini::MODEL);
}

#[test]
fn answers_of_the_cohere_api() {
    come_back("cohere", Format::Cohere, super::cohere::MODEL);
}

#[test]
fn answers_of_the_openai_api() {
    let fail = |error: serde_json::Error| TestCaseError::fail(error.to_string());
    holds(1_000, told(), |told| {
        let told = fit(Format::OpenAi, told);
        let expected = normal(known(Format::OpenAi, &told));
        let whole = Format::OpenAi.answer(Operation::Chat, &told.answer(), HEAD, &Map::new()).to_string();
        let read = read_answer(whole.as_bytes()).map_err(fail)?;
        prop_assert_eq!(normal(read.into_iter().collect()), expected.clone(), "whole: {}", whole);
        let (mut reader, mut streamed) = (ChunkReader::default(), Answer::default());
        for frame in frames(Format::OpenAi, &told)?.iter().filter(|frame| frame.data != DONE) {
            reader.read(&frame.data).map_err(fail)?.into_iter().for_each(|event| streamed.absorb(event));
        }
        prop_assert_eq!(normal(streamed), expected, "as a stream");
        Ok(())
    });
}
