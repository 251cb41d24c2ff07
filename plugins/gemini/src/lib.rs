//! `gemini`: speaks the Google Gemini API for the gateway.
//!
//! This file only connects the hook to the translation: `encode` turns a canonical (OpenAI chat) request into
//! a `generateContent` body, `decode` turns its answers into canonical events, `signature` keeps thought
//! signatures, `model` reads names, `options` holds the settings. Embeddings go to the OpenAI-compatible path
//! of the same API, whose answers the host reads itself.
//! On Vertex AI the same API stands below a project, and the host signs.
//! It never sees a credential and never drops a parameter silently unless the operator said so.
#![forbid(unsafe_code)]

mod decode;
mod embed;
mod encode;
mod model;
mod options;
mod signature;

use adapter_kit::call::{fact, post, secret, segment};
use adapter_kit::stream;
use decode::Decoder;
use lockgate_sdk::prelude::*;
use options::{Auth, Options, Platform, Signatures};

struct Gemini {
    options: Options,
}

impl Plugin for Gemini {
    type Config = Options;

    fn configure(options: Options) -> Result<Self, Vec<Issue>> {
        match options.issue() {
            Some((pointer, message)) => Err(vec![Issue::new(pointer, message)]),
            None => Ok(Self { options }),
        }
    }
}

impl ProviderAdapter for Gemini {
    fn encode(&self, x: &Exchange, p: &Prompt, target: Attrs) -> Result<Call, Fault> {
        let options = self.options.for_target(&target).map_err(Fault::invalid)?;
        let decoder = match (fact(&target, "operation"), options.platform) {
            ("embeddings", Platform::Vertex) => Decoder::of_embeddings(fact(&target, "model")),
            _ => Decoder::new(options.signatures == Signatures::InId),
        };
        stream::begin(x, &decoder)?;
        call(&options, &target, || p.json("")).map_err(Fault::invalid)
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

/// The host's signer of requests to Google Cloud.
const GOOGLE: &str = "google-oauth";

fn call(
    options: &Options,
    target: &[(String, String)],
    request: impl FnOnce() -> Option<String>,
) -> Result<Call, String> {
    let operation = fact(target, "operation");
    let vertex = options.platform == Platform::Vertex;
    match operation {
        "chat" | "completions" => {
            let model = fact(target, "model");
            let body = encode::body(&request().ok_or("the request is empty")?, model, options)?;
            let method = match fact(target, "streaming") {
                "true" => "streamGenerateContent?alt=sse",
                _ => "generateContent",
            };
            let body = Body::Bytes(body);
            if vertex {
                let call = post(format!("{}:{method}", place(options, model)?), None, body);
                return Ok(Call { signer: Some(GOOGLE.to_owned()), ..call });
            }
            let auth = match options.auth {
                Auth::ApiKey => Some(secret("x-goog-api-key", "")),
                Auth::Bearer => Some(secret("authorization", "Bearer ")),
                Auth::None => None,
            };
            Ok(post(format!("/{}/{}:{method}", options.api_version, resource(model)?), auth, body))
        }
        "embeddings" if !vertex => {
            let auth = (options.auth != Auth::None).then(|| secret("authorization", "Bearer "));
            let path = format!("/{}/openai/embeddings", options.api_version);
            Ok(Call { native: Some("openai".to_owned()), ..post(path, auth, Body::Prompt) })
        }
        "embeddings" => {
            let body = embed::body(&request().ok_or("the request is empty")?, options.drop_params)?;
            let call =
                post(format!("{}:predict", place(options, fact(target, "model"))?), None, Body::Bytes(body));
            Ok(Call { signer: Some(GOOGLE.to_owned()), ..call })
        }
        other => Err(format!("this provider has no operation `{other}`")),
    }
}

/// The resource that a model's name means: `models/NAME`, unless it says another collection itself.
fn resource(model: &str) -> Result<String, String> {
    let (collection, name) = match model.split_once('/') {
        Some((collection @ ("models" | "tunedModels"), name)) => (collection, name),
        _ => ("models", model),
    };
    Ok(format!("{collection}/{}", segment(name)?))
}

/// Where Vertex AI serves a model: Google's own, or one that was deployed there (`endpoints/ID`).
/// Source: Google Cloud, "Vertex AI API", `projects.locations.publishers.models` and `projects.locations.endpoints`.
fn place(options: &Options, model: &str) -> Result<String, String> {
    let (project, location) = (segment(&options.project)?, segment(&options.location)?);
    let within = match model.split_once('/') {
        Some(("endpoints", id)) => format!("endpoints/{}", segment(id)?),
        _ => format!("publishers/google/models/{}", segment(model)?),
    };
    Ok(format!("/v1/projects/{project}/locations/{location}/{within}"))
}

plugin!(Gemini: ProviderAdapter);

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::{Body, Options, Value, call};

    fn made(target: &[(&str, &str)]) -> Result<(String, String, bool), String> {
        let target: Vec<_> = target.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let request = r#"{"messages":[{"role":"user","content":"Hi"}]}"#;
        let options = Options::default().for_target(&target)?;
        let call = call(&options, &target, || Some(request.to_owned()))?;
        let key = call.headers.iter().find_map(|(name, value)| match value {
            Value::Secret(secret) => Some(format!("{name}: {}<{}>", secret.prefix, secret.name)),
            Value::Text(_) => None,
        });
        let native = call.native.is_some() && matches!(call.body, Body::Prompt);
        Ok((call.path, key.unwrap_or_default(), native))
    }

    #[test]
    fn paths_and_keys() {
        let key = || "x-goog-api-key: <api-key>".to_owned();
        let chat = |model, streaming| {
            made(&[("operation", "chat"), ("model", model), ("streaming", streaming)]).unwrap()
        };
        let path = "/v1beta/models/gemini-2.5-flash:generateContent".to_owned();
        assert_eq!(chat("gemini-2.5-flash", "false"), (path, key(), false));
        let path = "/v1beta/tunedModels/mine:streamGenerateContent?alt=sse".to_owned();
        assert_eq!(chat("tunedModels/mine", "true"), (path, key(), false));
        let path = "/v1beta/models/a%2F..%2Fb%3Fc:generateContent".to_owned();
        assert_eq!(chat("a/../b?c", "false"), (path, key(), false));
        let path = "/v1beta/openai/embeddings".to_owned();
        let bearer = "authorization: Bearer <api-key>".to_owned();
        assert_eq!(made(&[("operation", "embeddings"), ("model", "e")]).unwrap(), (path, bearer, true));
        assert!(made(&[("operation", "video")]).unwrap_err().contains("video"));
        let none = made(&[("operation", "chat"), ("model", "m"), ("option.auth", "none")]).unwrap();
        assert_eq!(none.1, "");
    }
}
