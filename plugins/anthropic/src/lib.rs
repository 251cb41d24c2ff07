//! `anthropic`: speaks the Anthropic Messages API for the gateway.
//!
//! This file only connects the hook to the translation: `encode` turns a canonical (OpenAI chat) request into
//! a Messages body, `decode` turns Messages frames into canonical events, `options` holds the settings.
//! It never sees a credential and never drops a parameter silently unless the operator said so.
#![forbid(unsafe_code)]

mod decode;
mod encode;
mod options;

use decode::Decoder;
use lockgate_sdk::prelude::*;
use options::{Auth, Options};

struct Anthropic {
    options: Options,
}

impl Plugin for Anthropic {
    type Config = Options;

    fn configure(options: Options) -> Result<Self, Vec<Issue>> {
        match options.issue() {
            Some((pointer, message)) => Err(vec![Issue::new(pointer, message)]),
            None => Ok(Self { options }),
        }
    }
}

impl ProviderAdapter for Anthropic {
    fn encode(&self, _x: &Exchange, p: &Prompt, target: Attrs) -> Result<Call, Fault> {
        let fact = |name: &str| target.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value);
        if fact("operation") != "chat" {
            let operation = fact("operation");
            return Err(Fault::invalid(format!("this provider has no operation `{operation}`, only `chat`")));
        }
        let options = self.options.for_target(&target).map_err(Fault::invalid)?;
        let request = p.json("").ok_or_else(|| Fault::invalid("the request is empty"))?;
        let body = encode::body(&request, fact("model"), fact("streaming") == "true", &options)
            .map_err(Fault::invalid)?;
        let text = |name: &str, value: &str| (name.to_owned(), Value::Text(value.to_owned()));
        let mut headers =
            vec![text("content-type", "application/json"), text("anthropic-version", &options.version)];
        if !options.beta.is_empty() {
            headers.push(text("anthropic-beta", &options.beta));
        }
        let secret = |prefix: &str| Value::Secret(Secret { name: "api-key".into(), prefix: prefix.into() });
        match options.auth {
            Auth::ApiKey => headers.push(("x-api-key".into(), secret(""))),
            Auth::Bearer => headers.push(("authorization".into(), secret("Bearer "))),
            Auth::None => {}
        }
        Ok(Call {
            method: "POST".into(),
            path: options.path,
            headers,
            body: Body::Bytes(body),
            signer: None,
            native: None,
        })
    }

    fn decode(
        &self,
        x: &Exchange,
        status: u16,
        headers: Attrs,
        frames: Vec<Frame>,
        last: bool,
    ) -> Result<Vec<Event>, Fault> {
        if status >= 400 {
            // The body may come before the end: the error is told once.
            if x.get("failed").is_some() || (frames.is_empty() && !last) {
                return Ok(Vec::new());
            }
            if !last {
                x.put("failed", &[1])?;
            }
            return Ok(vec![Event::Error(decode::failure(status, &headers, &frames))]);
        }
        let before = x.get("decoder");
        let mut decoder = before.as_deref().map_or_else(Decoder::default, Decoder::from_bytes);
        let mut events = Vec::new();
        for frame in &frames {
            decoder.frame(&frame.data, &mut events);
        }
        let after = decoder.to_bytes();
        if !last && before.is_none_or(|before| before != after) {
            x.put("decoder", &after)?;
        }
        Ok(events)
    }
}

plugin!(Anthropic: ProviderAdapter);
