//! `bedrock`: speaks Amazon Bedrock's Converse API for the gateway.
//!
//! This file only connects the hook to the translation: `encode` turns a canonical (OpenAI chat) request into a
//! Converse body, `decode` turns its answers and the frames of its streams into canonical events, `model` reads
//! model ids, `options` holds the settings. The host signs the request and takes the binary frames apart.
//! It never sees a credential and never drops a parameter silently unless the operator said so.
#![forbid(unsafe_code)]

mod decode;
mod encode;
mod model;
mod options;

use adapter_kit::call::{fact, post, secret};
use adapter_kit::stream;
use decode::Decoder;
use lockgate_sdk::prelude::*;
use model::Model;
use options::{Auth, Options};

/// The host's signer.
const SIGNER: &str = "aws-sigv4";

struct Bedrock {
    options: Options,
}

impl Plugin for Bedrock {
    type Config = Options;

    fn configure(options: Options) -> Result<Self, Vec<Issue>> {
        Ok(Self { options })
    }
}

impl ProviderAdapter for Bedrock {
    fn encode(&self, x: &Exchange, p: &Prompt, target: Attrs) -> Result<Call, Fault> {
        let options = self.options.for_target(&target).map_err(Fault::invalid)?;
        stream::begin(x, &Decoder::new(Model::of(fact(&target, "model"), &options).family))?;
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
    let id = fact(target, "model");
    let method = if fact(target, "streaming") == "true" { "converse-stream" } else { "converse" };
    let path = format!("/model/{}/{method}", model::segment(id)?);
    let body = encode::body(request, id, options)?;
    let auth = (options.auth == Auth::Bearer).then(|| secret("authorization", "Bearer "));
    let signer = (options.auth == Auth::Sigv4).then(|| SIGNER.to_owned());
    Ok(Call { signer, ..post(path, auth, Body::Bytes(body)) })
}

plugin!(Bedrock: ProviderAdapter);

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::{Options, Value, call};

    fn made(target: &[(&str, &str)]) -> Result<(String, String, Option<String>), String> {
        let target: Vec<_> = target.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let request = r#"{"messages":[{"role":"user","content":"Hi"}]}"#;
        let call = call(&Options::default().for_target(&target)?, &target, request)?;
        let key = call.headers.iter().find_map(|(name, value)| match value {
            Value::Secret(secret) => Some(format!("{name}: {}<{}>", secret.prefix, secret.name)),
            Value::Text(_) => None,
        });
        Ok((call.path, key.unwrap_or_default(), call.signer))
    }

    #[test]
    fn paths_keys_and_signers() {
        let claude = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";
        let path = |method: &str| format!("/model/us.anthropic.claude-sonnet-4-5-20250929-v1%3A0/{method}");
        let chat = |more: (&str, &str)| made(&[("operation", "chat"), ("model", claude), more]);
        let signed = Some("aws-sigv4".to_owned());
        assert_eq!(chat(("streaming", "false")).unwrap(), (path("converse"), String::new(), signed.clone()));
        assert_eq!(chat(("streaming", "true")).unwrap(), (path("converse-stream"), String::new(), signed));
        let bearer = "authorization: Bearer <api-key>".to_owned();
        assert_eq!(chat(("option.auth", "bearer")).unwrap(), (path("converse"), bearer, None));
        assert_eq!(chat(("option.auth", "none")).unwrap(), (path("converse"), String::new(), None));
        let arn = "arn:aws:bedrock:eu-west-1:123456789012:application-inference-profile/a1";
        let encoded = "arn%3Aaws%3Abedrock%3Aeu-west-1%3A123456789012%3Aapplication-inference-profile%2Fa1";
        let (path, ..) = made(&[("operation", "chat"), ("model", arn)]).unwrap();
        assert_eq!(path, format!("/model/{encoded}/converse"));
        assert!(made(&[("operation", "embeddings"), ("model", "m")]).unwrap_err().contains("embeddings"));
        assert!(made(&[("operation", "chat"), ("model", "")]).is_err());
        assert!(chat(("option.x", "1")).unwrap_err().contains("`x`"));
    }
}
