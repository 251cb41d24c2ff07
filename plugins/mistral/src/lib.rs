//! `mistral`: speaks the Mistral API for the gateway.
//!
//! The API is near to OpenAI's but strict about what it does not know, and its answers may be lists of chunks:
//! `encode` turns a canonical request into one that it takes, `embed` does so for embeddings, `decode` turns
//! its answers into canonical events, `options` holds the settings.
//! It never sees a credential and never drops a parameter silently unless the operator said so.
#![forbid(unsafe_code)]

mod decode;
mod embed;
mod encode;
mod options;

use adapter_kit::call::{fact, post, secret};
use adapter_kit::stream;
use decode::Decoder;
use lockgate_sdk::prelude::*;
use options::{Auth, Options};

struct Mistral {
    options: Options,
}

impl Plugin for Mistral {
    type Config = Options;

    fn configure(options: Options) -> Result<Self, Vec<Issue>> {
        Ok(Self { options })
    }
}

impl ProviderAdapter for Mistral {
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
    let model = fact(target, "model");
    let (path, body) = match fact(target, "operation") {
        "chat" | "completions" => {
            let streaming = fact(target, "streaming") == "true";
            ("/chat/completions", encode::body(request, model, streaming, options)?)
        }
        // The host reads embeddings itself: they are in OpenAI's format. Errors come to `decode`.
        "embeddings" => ("/embeddings", embed::body(request, model, options)?),
        other => {
            return Err(format!(
                "this provider has no operation `{other}`, only `chat`, `completions` and `embeddings`"
            ));
        }
    };
    let auth = (options.auth == Auth::Bearer).then(|| secret("authorization", "Bearer "));
    Ok(post(path.to_owned(), auth, Body::Bytes(body)))
}

plugin!(Mistral: ProviderAdapter);

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
        assert_eq!((chat.path.as_str(), chat.headers.len()), ("/chat/completions", 2));
        let embeddings = made("embeddings", Auth::None, r#"{"input":"Hi"}"#).unwrap();
        assert_eq!((embeddings.path.as_str(), embeddings.headers.len()), ("/embeddings", 1));
        assert!(made("video", Auth::None, "{}").unwrap_err().contains("video"));
    }
}
