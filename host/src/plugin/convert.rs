//! Between the contract's types and the host's. What comes from a plugin is checked here, once.

use super::bindings::host::exports::lockgate::plugin::lifecycle;
use super::bindings::host::lockgate::plugin::types as wit;
use super::bindings::observer::exports::lockgate::plugin::observer;
use super::bindings::post_response::exports::lockgate::plugin::post_response as judge;
use super::bindings::pre_request::exports::lockgate::plugin::pre_request as admit;
use super::bindings::provider_adapter::exports::lockgate::plugin::provider_adapter as adapter;
use super::bindings::routing::exports::lockgate::plugin::routing;
use super::bindings::text_filter::exports::lockgate::plugin::text_filter as filter;
use super::call::{
    Call, CallBody, Decision, Edit, Frame, HeaderValue, Issue, ObservedEvent, Outcome, Rejection, Verdict,
};
use super::candidates::TargetView;
use crate::chat::{Event, Media, ProviderError, Service, TextAt, TextPart, Usage};
use std::time::Duration;

impl From<lifecycle::Issue> for Issue {
    fn from(issue: lifecycle::Issue) -> Self {
        Self { pointer: issue.pointer, message: issue.message }
    }
}

pub(super) fn at_to_wit(at: &TextAt) -> wit::TextAt {
    wit::TextAt { item: at.item, part: at.part, channel: at.channel.to_string() }
}

pub(super) fn at_from_wit(at: wit::TextAt) -> TextAt {
    TextAt { item: at.item, part: at.part, channel: at.channel.into() }
}

pub(super) fn texts_to_wit(texts: Vec<TextPart>) -> Vec<wit::TextPart> {
    texts.into_iter().map(|t| wit::TextPart { at: at_to_wit(&t.at), role: t.role, text: t.text }).collect()
}

fn rejection(rejection: wit::Rejection) -> Rejection {
    Rejection {
        status: rejection.status,
        code: rejection.code,
        message: rejection.message,
        retry_after: millis(rejection.retry_after_ms),
    }
}

fn millis(ms: Option<u32>) -> Option<Duration> {
    ms.map(|ms| Duration::from_millis(ms.into()))
}

pub(super) fn decision(decision: admit::Decision) -> Decision {
    match decision {
        admit::Decision::Next => Decision::Next,
        admit::Decision::Reject(no) => Decision::Reject(rejection(no)),
        admit::Decision::Answer(text) => Decision::Answer(text),
        admit::Decision::Replay(id) => Decision::Replay(id),
        admit::Decision::Reroute(route) => Decision::Reroute(route),
        admit::Decision::Quarantine(no) => Decision::Quarantine(rejection(no)),
    }
}

pub(super) fn outcome(outcome: judge::Outcome) -> Outcome {
    match outcome {
        judge::Outcome::Accept => Outcome::Accept,
        judge::Outcome::Retry(note) => Outcome::Retry(note),
        judge::Outcome::Replace(parts) => Outcome::Replace(
            parts
                .into_iter()
                .map(|p| TextPart { at: at_from_wit(p.at), role: p.role, text: p.text })
                .collect(),
        ),
        judge::Outcome::Reject(no) => Outcome::Reject(rejection(no)),
    }
}

/// A verdict about a window, or what is wrong with it.
pub(super) fn verdict(verdict: filter::Verdict, text: &str, last: bool) -> Result<Verdict, String> {
    let pass = match verdict {
        filter::Verdict::Stop(no) => return Ok(Verdict::Stop(rejection(no))),
        filter::Verdict::Pass(pass) => pass,
    };
    let safe = if last { text.len() } else { pass.safe as usize };
    if !text.is_char_boundary(safe) {
        return Err(format!(
            "`safe` is {safe}, which is no character boundary of a window of {} bytes",
            text.len()
        ));
    }
    let mut from = 0;
    let mut edits = Vec::with_capacity(pass.edits.len());
    for edit in pass.edits {
        let (start, end) = (edit.start as usize, edit.end as usize);
        let ordered = from <= start && start <= end && end <= safe;
        if !ordered || !text.is_char_boundary(start) || !text.is_char_boundary(end) {
            return Err(format!(
                "the edit {start}..{end} is out of order, not below {safe}, or splits a character"
            ));
        }
        from = end;
        edits.push(Edit { start, end, to: edit.to });
    }
    Ok(Verdict::Pass { safe, edits })
}

pub(super) fn target(target: TargetView) -> routing::Target {
    let TargetView { id, provider, model, signals } = target;
    routing::Target { id, provider, model, signals }
}

/// A ranking of so many targets, each named at most once; or what is wrong with it.
pub(super) fn ranking(mut ranked: Vec<u32>, targets: usize) -> Result<Vec<u32>, String> {
    let mut seen = vec![false; targets];
    if let Some(place) = ranked.iter().find(|place| **place as usize >= targets) {
        return Err(format!("it ranked target {place} of {targets}"));
    }
    ranked.retain(|place| seen.get_mut(*place as usize).is_some_and(|seen| !std::mem::replace(seen, true)));
    Ok(ranked)
}

pub(super) fn frame(frame: Frame) -> adapter::Frame {
    adapter::Frame { event: frame.event, data: frame.data }
}

pub(super) fn observed(event: ObservedEvent) -> observer::Event {
    observer::Event { exchange: event.exchange, kind: event.kind, at_ms: event.at_ms, fields: event.fields }
}

/// `holds`: whether the adapter said that the call goes by nothing but the target.
pub(super) fn call(call: adapter::Call, holds: bool) -> Call {
    let value = |value| match value {
        adapter::Value::Text(text) => HeaderValue::Text(text),
        adapter::Value::Secret(secret) => HeaderValue::Secret { name: secret.name, prefix: secret.prefix },
    };
    let mut call = Call {
        method: call.method,
        path: call.path,
        headers: call.headers.into_iter().map(|(name, v)| (name, value(v))).collect(),
        body: match call.body {
            adapter::Body::Prompt => CallBody::Prompt,
            adapter::Body::Bytes(bytes) => CallBody::Bytes(bytes),
        },
        signer: call.signer,
        native: call.native,
        holds: false,
    };
    // An adapter that decodes the answer may go by what it kept of the request.
    call.holds = holds && call.body == CallBody::Prompt && call.is_native();
    call
}

pub(super) fn event(event: adapter::Event) -> Event {
    match event {
        adapter::Event::Text(delta) => Event::Text {
            at: TextAt { item: delta.choice, part: delta.part, channel: delta.channel.into() },
            text: delta.text,
        },
        adapter::Event::Tool(tool) => {
            Event::Tool { choice: tool.choice, part: tool.part, id: tool.id, name: tool.name }
        }
        adapter::Event::Usage(told) => {
            let usage = Usage {
                input: told.input,
                output: told.output,
                cache_read: told.cache_read,
                cache_write: told.cache_write,
                reasoning: told.reasoning,
                media: media(&told.extra),
                service: Service::of(said(&told.extra, "service_tier")),
            };
            Event::Usage(usage.believed())
        }
        adapter::Event::Finish((choice, reason)) => Event::Finish { choice, reason },
        adapter::Event::Extra(extras) => Event::Extra(extras),
        adapter::Event::Error(error) => Event::Error(ProviderError {
            status: error.status,
            code: error.code,
            message: error.message,
            retry_after: millis(error.retry_after_ms),
        }),
    }
}

fn said<'a>(extra: &'a [(String, String)], name: &str) -> Option<&'a str> {
    extra.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

/// The figures of what is not text; others than numbers are none.
fn media(extra: &[(String, String)]) -> Media {
    let mut media = Media::default();
    for (name, figure) in extra {
        if let Ok(figure) = figure.parse() {
            media.set(name, figure);
        }
    }
    media
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pass(safe: u32, edits: &[(u32, u32)]) -> filter::Verdict {
        let edits = edits.iter().map(|&(start, end)| filter::Edit { start, end, to: "x".into() }).collect();
        filter::Verdict::Pass(filter::Pass { safe, edits })
    }

    #[test]
    fn a_ranking_names_each_target_once_and_none_that_is_not_there() {
        assert_eq!(ranking(vec![2, 0, 2], 3), Ok(vec![2, 0]));
        assert_eq!(ranking(Vec::new(), 3), Ok(Vec::new()));
        assert!(ranking(vec![3], 3).is_err());
    }

    #[test]
    fn edits_that_break_the_contract_are_refused() {
        let text = "naïve"; // ï is bytes 2 and 3
        assert!(verdict(pass(6, &[(0, 1), (1, 1), (4, 6)]), text, false).is_ok());
        for (safe, edits) in
            [(7, &[][..]), (3, &[]), (4, &[(4, 6)]), (6, &[(2, 3)]), (6, &[(4, 2)]), (6, &[(0, 4), (2, 6)])]
        {
            assert!(verdict(pass(safe, edits), text, false).is_err(), "{safe} {edits:?}");
        }
        let Ok(Verdict::Pass { safe, .. }) = verdict(pass(0, &[]), text, true) else {
            unreachable!("it is last")
        };
        assert_eq!(safe, 6);
    }
}
