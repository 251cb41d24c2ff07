//! Providers whose requests are signed or carry fetched tokens, or that have several keys: scripted servers check what
//! they are sent, and nothing secret is ever told.
//!
//! Each gateway logs all there is to log and has an environment of its own: what a developer's machine knows of clouds
//! stays out.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod azure;
mod bedrock;
mod keys;
mod vertex;

use crate::support::{Gateway, ask, config, soon, with_provider};
use lockgate_client::Answer;
use lockgate_upstream::{Recorded, Reply, Upstream};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A server that echoes in whatever language it is asked.
async fn echo() -> Upstream {
    Upstream::start(|_: &Recorded| Reply::echo()).await.unwrap()
}

/// A server of tokens: `token-1`, `token-2`, …, each good for so long.
async fn tokens(expires_in: Value) -> Upstream {
    let count = std::sync::atomic::AtomicUsize::new(1);
    let next = move |_: &Recorded| {
        let number = count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        let token = json!({ "access_token": format!("token-{number}"), "expires_in": expires_in, "token_type": "Bearer" });
        Reply::status(200, token)
    };
    Upstream::start(next).await.unwrap()
}

/// A gateway whose provider `tested` serves every model.
struct Cloud {
    gateway: Gateway,
    said: String,
}

impl Cloud {
    async fn start(provider: Value, environment: &[(&str, &str)]) -> Self {
        Self::backed(provider, environment, None).await
    }

    /// The same, with another provider, `openai`, to fall back on.
    async fn backed(provider: Value, environment: &[(&str, &str)], other: Option<&Upstream>) -> Self {
        let unused = echo().await;
        let mut config = with_provider(config(&unused, json!([])), "openai", other.unwrap_or(&unused));
        config["providers"]["tested"] = provider;
        let targets = if other.is_some() { json!(["tested/*", "openai/*"]) } else { json!(["tested/*"]) };
        config["routes"]["*"]["targets"] = targets;
        config["log"] = json!({ "level": "trace" });
        Self { gateway: Gateway::within(environment, &config).await, said: String::new() }
    }

    async fn send(&mut self, body: &Value) -> Answer {
        let answer = soon("an answer", self.gateway.client().chat(body)).await.unwrap();
        self.said += &format!("{:?}{}", answer.headers, answer.body);
        answer
    }

    /// Asks for something else than a chat.
    async fn post(&mut self, path: &str, body: &Value) -> Answer {
        let answer = soon("an answer", self.gateway.client().post(path, body.to_string())).await.unwrap();
        self.said += &answer.body;
        answer
    }

    /// Asks a model to repeat something.
    async fn ask(&mut self, model: &str) -> Answer {
        self.send(&crate::support::with(ask("hello"), "model", json!(model))).await
    }

    /// Ends it. None of this may have been in anything that it said, to clients or in its log.
    async fn end(mut self, secrets: &[&str]) -> String {
        self.said += &self.gateway.metrics().await.0;
        self.gateway.signal("TERM").await;
        self.gateway.exit().await;
        let log = self.gateway.log.text();
        for secret in secrets {
            for text in [&self.said, &log] {
                let at = text.find(secret).map(|at| text[..at].chars().rev().take(300).collect::<String>());
                let before = at.map(|reversed| reversed.chars().rev().collect::<String>());
                assert_eq!(before, None, "{secret} was told");
            }
        }
        log
    }
}

/// The fields of a form.
fn form(text: &str) -> BTreeMap<String, String> {
    form_urlencoded::parse(text.as_bytes()).into_owned().collect()
}

/// The bearer token of a request.
fn bearer(seen: &Recorded) -> &str {
    seen.header("authorization").unwrap_or_default().trim_start_matches("Bearer ")
}

/// The fields of a request for a token.
fn told(seen: &Recorded) -> BTreeMap<String, String> {
    assert_eq!(seen.header("content-type"), Some("application/x-www-form-urlencoded"));
    form(&seen.text())
}

/// That no credential could be had: the client is told so, and no more.
fn assert_unavailable(answer: &Answer) {
    assert_eq!((answer.status.as_u16(), answer.error("code").as_str()), (502, "credential_unavailable"));
    assert_eq!(answer.error("message"), "The gateway has no valid credential for the provider.");
}
