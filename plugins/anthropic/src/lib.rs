//! `anthropic`: speaks the Anthropic Messages API for the gateway, with Anthropic itself or on Vertex AI.
//!
//! This file only connects the hook to the translation: `encode` turns a canonical (OpenAI chat) request into
//! a Messages body, `decode` turns Messages frames into canonical events, `options` holds the settings.
//! It never sees a credential and never drops a parameter silently unless the operator said so.
#![forbid(unsafe_code)]

mod decode;
mod encode;
mod options;

use adapter_kit::call::{fact, post, secret, segment, text};
use adapter_kit::stream;
use decode::Decoder;
use lockgate_sdk::prelude::*;
use options::{Auth, Options, Platform};

/// The host's signer of requests to Google Cloud.
const GOOGLE: &str = "google-oauth";

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
    fn encode(&self, x: &Exchange, p: &Prompt, target: Attrs) -> Result<Call, Fault> {
        stream::begin(x, &Decoder::default())?;
        let options = self.options.for_target(&target).map_err(Fault::invalid)?;
        let request = p.json("").ok_or_else(|| Fault::invalid("the request is empty"))?;
        call(&options, &target, &request).map_err(Fault::invalid)
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

fn call(options: &Options, target: &[(String, String)], request: &str) -> Result<Call, String> {
    let operation = fact(target, "operation");
    if !matches!(operation, "chat" | "completions") {
        return Err(format!("this provider has no operation `{operation}`, only `chat` and `completions`"));
    }
    let (model, streaming) = (fact(target, "model"), fact(target, "streaming") == "true");
    let body = Body::Bytes(encode::body(request, model, streaming, options)?);
    let mut call = match options.platform {
        Platform::Anthropic => {
            let auth = match options.auth {
                Auth::ApiKey => Some(secret("x-api-key", "")),
                Auth::Bearer => Some(secret("authorization", "Bearer ")),
                Auth::None => None,
            };
            let mut call = post(options.path.clone(), auth, body);
            call.headers.push(text("anthropic-version", &options.version));
            call
        }
        Platform::Vertex => {
            let call = post(vertex(options, model, streaming)?, None, body);
            Call { signer: Some(GOOGLE.to_owned()), ..call }
        }
    };
    if !options.beta.is_empty() {
        call.headers.push(text("anthropic-beta", &options.beta));
    }
    Ok(call)
}

/// Where Vertex AI serves a model.
/// Source: Google Cloud's "Request predictions with Claude models".
fn vertex(options: &Options, model: &str, streaming: bool) -> Result<String, String> {
    let (project, location) = (segment(&options.project)?, segment(&options.location)?);
    let model = segment(model)?;
    let method = if streaming { "streamRawPredict" } else { "rawPredict" };
    Ok(format!("/v1/projects/{project}/locations/{location}/publishers/anthropic/models/{model}:{method}"))
}

plugin!(Anthropic: ProviderAdapter);

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::{Call, Options, Value, call};

    fn made(target: &[(&str, &str)]) -> Result<Call, String> {
        let target: Vec<_> = target.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let request = r#"{"messages":[{"role":"user","content":"Hi"}]}"#;
        call(&Options::default().for_target(&target)?, &target, request)
    }

    fn headers(call: &Call) -> Vec<String> {
        let header = |(name, value): &(String, Value)| match value {
            Value::Text(text) => format!("{name}: {text}"),
            Value::Secret(secret) => format!("{name}: {}<{}>", secret.prefix, secret.name),
        };
        call.headers.iter().map(header).collect()
    }

    #[test]
    fn anthropic_takes_a_key_and_a_version() {
        let chat = [("operation", "chat"), ("model", "claude-x")];
        let call = made(&chat).unwrap();
        assert_eq!((call.path.as_str(), &call.signer), ("/v1/messages", &None));
        let (json, version) = ("content-type: application/json", "anthropic-version: 2023-06-01");
        assert_eq!(headers(&call), [json, "x-api-key: <api-key>", version]);
        let call = made(&[&chat[..], &[("option.auth", "bearer"), ("option.beta", "b")]].concat()).unwrap();
        let bearer = "authorization: Bearer <api-key>";
        assert_eq!(headers(&call), [json, bearer, version, "anthropic-beta: b"]);
        let call = made(&[&chat[..], &[("option.auth", "none"), ("option.path", "/m")]].concat()).unwrap();
        assert_eq!((call.path.as_str(), headers(&call).len()), ("/m", 2));
        assert!(made(&[("operation", "embeddings")]).unwrap_err().contains("embeddings"));
    }

    #[test]
    fn vertex_takes_the_model_in_the_path_and_a_signature() {
        let vertex = |model, streaming, more: &[(&str, &str)]| {
            let target = [
                ("operation", "chat"),
                ("model", model),
                ("streaming", streaming),
                ("option.platform", "vertex"),
                ("option.project", "acme-1"),
            ];
            made(&[&target[..], more].concat())
        };
        let call = vertex("claude-opus-4-1@20250805", "false", &[("option.beta", "b")]).unwrap();
        let models = "/v1/projects/acme-1/locations/global/publishers/anthropic/models";
        assert_eq!(call.path, format!("{models}/claude-opus-4-1@20250805:rawPredict"));
        assert_eq!(call.signer.as_deref(), Some("google-oauth"));
        assert_eq!(headers(&call), ["content-type: application/json", "anthropic-beta: b"]);
        let call = vertex("a/../b?c", "true", &[("option.location", "europe-west1")]).unwrap();
        let models = models.replace("global", "europe-west1");
        assert_eq!(call.path, format!("{models}/a%2F..%2Fb%3Fc:streamRawPredict"));
        assert!(vertex("..", "true", &[]).is_err());
        assert!(vertex("m", "true", &[("option.project", "..")]).is_err());
    }
}
