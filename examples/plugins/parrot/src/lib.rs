//! `parrot`: the adapter of a provider that does not exist, as an example of how one is written.
//!
//! The Parrot API takes `POST /say` with `{"voice", "lines": [{"who", "says"}], "live", "pitch"?, "most"?}`. It answers
//! `{"said", "heard", "spoken"}`, or live with the frames `{"bit"}` and, at the end, `{"over", "heard", "spoken"}`.
//! Its errors are `{"squawk"}`.
#![forbid(unsafe_code)]

use adapter_kit::call::{fact, post, secret};
use adapter_kit::content::text_of;
use adapter_kit::event::Events;
use adapter_kit::failure::failure;
use adapter_kit::message::{Role, messages};
use adapter_kit::option::{each, put};
use adapter_kit::request::Request;
use adapter_kit::{Refusal, stream};
use lockgate_sdk::prelude::*;
use serde_json::{Map, json};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {}

struct Parrot;

impl Plugin for Parrot {
    type Config = Config;

    fn configure(_: Config) -> Result<Self, Vec<Issue>> {
        Ok(Self)
    }
}

impl ProviderAdapter for Parrot {
    fn encode(&self, x: &Exchange, p: &Prompt, target: Attrs) -> Result<Call, Fault> {
        stream::begin(x, &Decoder::default())?;
        let request = p.json("").unwrap_or_default();
        let body = body(&request, &target).map_err(Fault::invalid)?;
        // The credential is a placeholder: the host puts the real one in.
        Ok(post("/say".to_owned(), Some(secret("x-parrot-key", "")), Body::Bytes(body)))
    }

    fn decode(
        &self,
        x: &Exchange,
        status: u16,
        headers: Attrs,
        frames: Vec<Frame>,
        last: bool,
    ) -> Result<Vec<Event>, Fault> {
        stream::decode::<Decoder>(x, status, &headers, &frames, last)
    }
}

/// The canonical request in the API's own words. What is not taken by the end is refused by name.
fn body(request: &str, target: &Attrs) -> Result<Vec<u8>, Refusal> {
    let mut drop = false;
    each(target, |name, value| match name {
        "drop_params" => put(&mut drop, value.parse().ok()),
        _ => None,
    })?;
    if fact(target, "operation") != "chat" {
        return Err("a parrot only talks".to_owned());
    }
    let mut request = Request::parse(request, "Parrot API", drop)?;
    let mut lines = Vec::new();
    for mut message in messages(request.take("messages"))? {
        let who = match message.role {
            Role::System => "trainer",
            Role::User => "visitor",
            Role::Assistant => "parrot",
            Role::Tool => return Err(message.place("cannot be expressed: a parrot has no tools")),
        };
        let parts = std::mem::take(&mut message.parts);
        let says = text_of(parts, "\n").map_err(|why| message.place(&why))?;
        lines.push(json!({ "who": who, "says": says }));
    }
    let mut out = Map::new();
    out.insert("voice".into(), fact(target, "model").into());
    out.insert("lines".into(), lines.into());
    out.insert("live".into(), (fact(target, "streaming") == "true").into());
    if let Some(limit) = request.limit() {
        out.insert("most".into(), limit);
    }
    request.pass_within("temperature", "pitch", (0.0, 1.0), &mut out)?;
    request.rest(&mut out)?;
    serde_json::to_vec(&out).map_err(|error| error.to_string())
}

/// A frame of a live answer, or a whole one.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Wire {
    said: Option<String>,
    bit: String,
    over: bool,
    heard: u64,
    spoken: u64,
    squawk: Option<String>,
}

/// What is remembered between frames: nothing.
#[derive(Default, Serialize, Deserialize)]
struct Decoder {}

impl stream::Decoder for Decoder {
    fn frame(&mut self, data: &[u8], events: &mut Events) {
        let frame: Wire = match serde_json::from_slice(data) {
            Ok(frame) => frame,
            Err(error) => return events.bad_frame(&error.to_string()),
        };
        if frame.squawk.is_some() {
            return events.error(<Self as stream::Decoder>::failure(502, &[], data));
        }
        let whole = frame.said.is_some();
        events.say(0, "content", frame.said.unwrap_or(frame.bit));
        if whole || frame.over {
            events.usage(Usage {
                input: frame.heard,
                output: frame.spoken,
                cache_read: 0,
                cache_write: 0,
                reasoning: 0,
                extra: Vec::new(),
            });
            events.finish(0, "stop");
        }
    }

    fn failure(status: u16, headers: &[(String, String)], body: &[u8]) -> ProviderError {
        let told: Wire = serde_json::from_slice(body).unwrap_or_default();
        failure(status, headers, body, Some("squawk".to_owned()), told.squawk)
    }
}

plugin!(Parrot: ProviderAdapter);
