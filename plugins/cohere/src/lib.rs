//! `cohere`: speaks the Cohere API (v2) for the gateway.
//!
//! This file only connects the hook to the translation: `encode` turns a canonical (OpenAI chat) request into one
//! that the API takes, `embed` and `rerank` do so for embeddings and reranking, `decode` turns its answers into
//! canonical events, `options` holds the settings. Answers of embeddings and reranking become the client's whole
//! body, told as the fact `body`.
//! It never sees a credential and never drops a parameter silently unless the operator said so.
#![forbid(unsafe_code)]

mod decode;
mod embed;
mod encode;
mod options;
mod rerank;

use adapter_kit::call::{fact, post, secret};
use adapter_kit::stream;
use decode::Decoder;
use lockgate_sdk::prelude::*;
use options::{Auth, Options};

/// What refusals call the provider's API.
const API: &str = "Cohere API";

struct Cohere {
    options: Options,
}

impl Plugin for Cohere {
    type Config = Options;

    fn configure(options: Options) -> Result<Self, Vec<Issue>> {
        Ok(Self { options })
    }
}

impl ProviderAdapter for Cohere {
    fn encode(&self, x: &Exchange, p: &Prompt, target: Attrs) -> Result<Call, Fault> {
        stream::begin(x, &Decoder::new(fact(&target, "operation"), fact(&target, "model")))?;
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
    let model = fact(target, "model");
    let (path, body) = match fact(target, "operation") {
        "chat" | "completions" => {
            let streaming = fact(target, "streaming") == "true";
            ("/v2/chat", encode::body(request, model, streaming, options)?)
        }
        "embeddings" => ("/v2/embed", embed::body(request, model, options)?),
        "rerank" => ("/v2/rerank", rerank::body(request, model, options)?),
        other => {
            return Err(format!(
                "this provider has no operation `{other}`, only `chat`, `completions`, `embeddings` and `rerank`"
            ));
        }
    };
    let auth = (options.auth == Auth::Bearer).then(|| secret("authorization", "Bearer "));
    Ok(post(path.to_owned(), auth, Body::Bytes(body)))
}

plugin!(Cohere: ProviderAdapter);

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::{Auth, Options, call};

    #[test]
    fn paths_and_keys() {
        let made = |operation: &str, auth, request: &str| {
            let target = [("operation".to_owned(), operation.to_owned())];
            call(&Options { auth, ..Options::default() }, &target, request)
        };
        let chat = made("chat", Auth::Bearer, r#"{"messages":[{"role":"user","content":"Hi"}]}"#).unwrap();
        assert_eq!((chat.path.as_str(), chat.headers.len()), ("/v2/chat", 2));
        let embeddings = made("embeddings", Auth::None, r#"{"input":"Hi"}"#).unwrap();
        assert_eq!((embeddings.path.as_str(), embeddings.headers.len()), ("/v2/embed", 1));
        assert!(embeddings.native.is_none());
        let rerank = made("rerank", Auth::Bearer, r#"{"query":"q","documents":["a"]}"#).unwrap();
        assert_eq!((rerank.path.as_str(), rerank.headers.len()), ("/v2/rerank", 2));
        assert!(made("video", Auth::None, "{}").unwrap_err().contains("video"));
    }
}
