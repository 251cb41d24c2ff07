//! Azure OpenAI: deployments in the path, keys in `api-key`, and tokens of Entra by each of its proofs.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use super::{Cloud, assert_unavailable, bearer, echo, form, tokens, told};
use crate::support::{ask_streamed, soon, with};
use lockgate_upstream::{Recorded, Reply, Upstream};
use serde_json::{Value, json};

const CHAT: &str = "/openai/deployments/our%20gpt/chat/completions?api-version=2024-10-21";

fn provider(upstream: &Upstream, more: (&str, Value)) -> Value {
    with(json!({ "preset": "azure-openai", "base_url": upstream.origin() }), more.0, more.1)
}

#[tokio::test]
async fn a_deployment_stands_in_the_path_and_the_key_in_its_header() {
    let upstream = Upstream::start(|seen: &Recorded| match seen.path.contains("/embeddings") {
        true => Reply::embeddings(4),
        false => Reply::echo(),
    });
    let upstream = upstream.await.unwrap();
    let mut cloud = Cloud::start(provider(&upstream, ("credential", json!("the-azure-key"))), &[]).await;
    assert_eq!(cloud.ask("our gpt").await.text(), "hello");
    let answer = cloud.send(&with(ask_streamed("good morning"), "model", json!("our gpt"))).await;
    assert_eq!((answer.text().as_str(), answer.is_done()), ("good morning", true), "{}", answer.body);
    let client = cloud.gateway.client();
    let embed = json!({ "model": "vectors", "input": "one" }).to_string();
    let answer = soon("the vectors", client.post("/v1/embeddings", embed)).await.unwrap();
    assert_eq!(answer.json()["data"][0]["embedding"].as_array().unwrap().len(), 4, "{}", answer.body);
    let seen = upstream.requests();
    let paths: Vec<_> = seen.iter().map(|seen| seen.path.as_str()).collect();
    assert_eq!(paths, [CHAT, CHAT, "/openai/deployments/vectors/embeddings?api-version=2024-10-21"]);
    for seen in &seen {
        assert_eq!((seen.header("api-key"), seen.header("authorization")), (Some("the-azure-key"), None));
    }
    cloud.end(&["the-azure-key"]).await;
}

#[tokio::test]
async fn the_version_of_the_api_is_the_operators() {
    let upstream = echo().await;
    let options = json!({ "api_version": "2025-04-01-preview" });
    let provider = with(provider(&upstream, ("credential", json!("k"))), "options", options);
    let mut cloud = Cloud::start(provider, &[]).await;
    assert_eq!(cloud.ask("our gpt").await.text(), "hello");
    let path = upstream.last_request().unwrap().path;
    assert_eq!(path, "/openai/deployments/our%20gpt/chat/completions?api-version=2025-04-01-preview");
}

/// Asks twice by this proof, and returns the one request for a token.
async fn asked_by(entra: impl FnOnce(&Upstream) -> Value, expires_in: Value) -> Recorded {
    let (upstream, tokens) = (echo().await, tokens(expires_in).await);
    let mut cloud = Cloud::start(provider(&upstream, ("entra", entra(&tokens))), &[]).await;
    for _ in 0..2 {
        assert_eq!(cloud.ask("our gpt").await.text(), "hello");
        let seen = upstream.last_request().unwrap();
        assert_eq!((seen.path.as_str(), bearer(&seen), seen.header("api-key")), (CHAT, "token-1", None));
    }
    cloud.end(&["token-1", "the-applications-secret", "the-federated-token"]).await;
    let [asked] = tokens.requests().try_into().unwrap();
    asked
}

#[tokio::test]
async fn entra_takes_a_secret() {
    let entra = |tokens: &Upstream| {
        json!({
            "tenant_id": "our-directory", "client_id": "our-app", "client_secret": "the-applications-secret",
            "authority": format!("{}/", tokens.origin()),
        })
    };
    let asked = asked_by(entra, json!(3_599)).await;
    assert_eq!(asked.path, "/our-directory/oauth2/v2.0/token");
    let asked = told(&asked);
    let told = ["grant_type", "client_id", "client_secret", "scope"].map(|name| asked[name].as_str());
    let scope = "https://cognitiveservices.azure.com/.default";
    assert_eq!(told, ["client_credentials", "our-app", "the-applications-secret", scope]);
}

#[tokio::test]
async fn entra_takes_a_federated_token() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, "the-federated-token\n").unwrap();
    let entra = |tokens: &Upstream| {
        json!({
            "tenant_id": "our-directory", "client_id": "our-app", "federated_token_file": file,
            "authority": tokens.origin(), "scope": "api://ours/.default",
        })
    };
    let asked = asked_by(entra, json!(3_599)).await;
    assert_eq!(asked.path, "/our-directory/oauth2/v2.0/token");
    let asked = told(&asked);
    let names = ["grant_type", "client_id", "client_assertion_type", "client_assertion", "scope"];
    let told = names.map(|name| asked[name].as_str());
    let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
    assert_eq!(told, ["client_credentials", "our-app", kind, "the-federated-token", "api://ours/.default"]);
}

#[tokio::test]
async fn the_machine_itself_has_an_identity() {
    let entra = |tokens: &Upstream| json!({ "client_id": "ours", "identity_url": format!("{}/identity", tokens.origin()) });
    // The identity service writes figures as strings.
    let asked = asked_by(entra, json!("86399")).await;
    assert_eq!((asked.method.as_str(), asked.header("metadata")), ("GET", Some("true")));
    let (path, query) = asked.path.split_once('?').unwrap();
    let query = form(query);
    let told = ["api-version", "resource", "client_id"].map(|name| query[name].as_str());
    assert_eq!(path, "/identity");
    assert_eq!(told, ["2018-02-01", "https://cognitiveservices.azure.com", "ours"]);
}

#[tokio::test]
async fn without_a_token_another_target_answers() {
    let (upstream, other) = (echo().await, echo().await);
    let tokens = Upstream::start(|_: &Recorded| {
        Reply::status(
            401,
            json!({ "error": "invalid_client", "error_description": "AADSTS7000215 the-applications-secret" }),
        )
    });
    let tokens = tokens.await.unwrap();
    let wrong = json!({
        "tenant_id": "t", "client_id": "c", "client_secret": "the-applications-secret", "authority": tokens.origin(),
    });
    let no_file = json!({ "tenant_id": "t", "client_id": "c", "federated_token_file": "/nonexistent/token" });
    let causes = [(wrong, "401 (invalid_client)"), (no_file, "/nonexistent/token: entity not found")];
    for (entra, why) in causes {
        let provider = provider(&upstream, ("entra", entra));
        let mut backed = Cloud::backed(provider.clone(), &[], Some(&other)).await;
        assert_eq!(backed.ask("our gpt").await.header("x-lockgate-provider"), "openai");
        let mut alone = Cloud::start(provider, &[]).await;
        assert_unavailable(&alone.ask("our gpt").await);
        for cloud in [backed, alone] {
            let log = cloud.end(&["the-applications-secret"]).await;
            assert!(log.contains(why), "{why}: {log}");
        }
    }
    assert!(upstream.requests().is_empty());
}
