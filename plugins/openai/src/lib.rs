//! `openai`: OpenAI and everything that speaks its API (vLLM, Ollama, llama.cpp, Azure OpenAI, …).
//!
//! The canonical request is an OpenAI body already, so the host sends what it holds and reads the answer
//! itself; this adapter only says where to and with which headers. It never copies the prompt and never sees
//! a credential.
#![forbid(unsafe_code)]

mod options;

use adapter_kit::call::segment;
use lockgate_sdk::prelude::*;
use options::{Auth, Options};

/// The host's signer of requests to Azure.
const ENTRA: &str = "entra";

struct OpenAi {
    options: Options,
}

impl Plugin for OpenAi {
    type Config = Options;

    fn configure(options: Options) -> Result<Self, Vec<Issue>> {
        Ok(Self { options })
    }
}

impl ProviderAdapter for OpenAi {
    fn encode(&self, x: &Exchange, _p: &Prompt, target: Attrs) -> Result<Call, Fault> {
        x.hold_call();
        call(&self.options, &target).map_err(Fault::invalid)
    }

    fn decode(
        &self,
        _x: &Exchange,
        _status: u16,
        _headers: Attrs,
        _frames: Vec<Frame>,
        _last: bool,
    ) -> Result<Vec<Event>, Fault> {
        Err(Fault::internal("answers in OpenAI's format are read by the host"))
    }
}

fn call(options: &Options, target: &[(String, String)]) -> Result<Call, String> {
    let options = options.for_target(target)?;
    let fact = |name: &str| target.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value);
    let path = match fact("operation") {
        "chat" => "/chat/completions",
        "completions" => "/completions",
        "embeddings" => "/embeddings",
        "moderations" => "/moderations",
        "images" => "/images/generations",
        "speech" => "/audio/speech",
        "transcription" => "/audio/transcriptions",
        "translation" => "/audio/translations",
        "rerank" => "/rerank",
        other => return Err(format!("this provider has no operation `{other}`")),
    };
    let mut path = match options.deployments {
        true => format!("/openai/deployments/{}{path}", segment(fact("model"))?),
        false => path.to_owned(),
    };
    if !options.api_version.is_empty() {
        path.push_str(&format!("?api-version={}", segment(&options.api_version)?));
    }
    let mut headers = vec![("content-type".to_owned(), Value::Text("application/json".to_owned()))];
    let secret =
        |prefix: &str| Value::Secret(Secret { name: "api-key".to_owned(), prefix: prefix.to_owned() });
    match options.auth {
        Auth::Bearer => headers.push(("authorization".to_owned(), secret("Bearer "))),
        Auth::ApiKey => headers.push(("api-key".to_owned(), secret(""))),
        Auth::Entra | Auth::None => {}
    }
    for (name, value) in
        [("openai-organization", &options.organization), ("openai-project", &options.project)]
    {
        if !value.is_empty() {
            headers.push((name.to_owned(), Value::Text(value.to_string())));
        }
    }
    Ok(Call {
        method: "POST".to_owned(),
        path,
        headers,
        body: Body::Prompt,
        signer: (options.auth == Auth::Entra).then(|| ENTRA.to_owned()),
        native: Some("openai".to_owned()),
    })
}

plugin!(OpenAi: ProviderAdapter);

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

    use super::{Body, Options, Value, call};

    #[track_caller]
    fn check(target: &[(&str, &str)], path: &str, headers: &[(&str, &str)]) {
        let target: Vec<_> = target.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let call = call(&Options::default(), &target).unwrap_or_else(|why| panic!("{why}"));
        let shown: Vec<(String, String)> = call
            .headers
            .into_iter()
            .map(|(name, value)| match value {
                Value::Text(text) => (name, text),
                Value::Secret(secret) => (name, format!("{}<{}>", secret.prefix, secret.name)),
            })
            .collect();
        let shown: Vec<(&str, &str)> = shown.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        assert_eq!(shown, headers);
        assert_eq!((call.method.as_str(), call.path.as_str()), ("POST", path));
        assert_eq!(call.native.unwrap(), "openai");
        assert!(matches!(call.body, Body::Prompt));
    }

    const JSON: (&str, &str) = ("content-type", "application/json");

    #[test]
    fn chat_and_embeddings() {
        let key = ("authorization", "Bearer <api-key>");
        check(&[("provider", "openai"), ("operation", "chat")], "/chat/completions", &[JSON, key]);
        check(&[("operation", "embeddings")], "/embeddings", &[JSON, key]);
    }

    #[test]
    fn options_of_the_provider() {
        check(
            &[
                ("operation", "chat"),
                ("option.organization", "org"),
                ("option.project", "p"),
                ("option.auth", "none"),
            ],
            "/chat/completions",
            &[JSON, ("openai-organization", "org"), ("openai-project", "p")],
        );
        check(
            &[("operation", "chat"), ("option.auth", "api-key"), ("option.api_version", "2024-10-21")],
            "/chat/completions?api-version=2024-10-21",
            &[JSON, ("api-key", "<api-key>")],
        );
        check(
            &[
                ("operation", "embeddings"),
                ("model", "my deployment"),
                ("option.auth", "none"),
                ("option.deployments", "true"),
                ("option.resource", "mine"),
            ],
            "/openai/deployments/my%20deployment/embeddings",
            &[JSON],
        );
    }

    #[test]
    fn azure_may_have_requests_signed() {
        let target = [("operation", "chat"), ("option.auth", "entra")];
        let target = target.map(|(k, v)| (k.to_owned(), v.to_owned()));
        let call = call(&Options::default(), &target).unwrap();
        assert_eq!((call.signer.as_deref(), call.headers.len()), (Some("entra"), 1));
    }

    #[test]
    fn an_unknown_operation_is_refused() {
        assert!(call(&Options::default(), &[("operation".to_owned(), "video".to_owned())]).is_err());
    }
}
