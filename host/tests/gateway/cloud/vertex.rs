//! Vertex AI: Gemini and Claude, with tokens for a service account, a user who logged in, or the machine itself.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use super::{Cloud, assert_unavailable, bearer, echo, tokens, told};
use crate::support::{ask_streamed, with};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use lockgate_upstream::{Recorded, Reply, Upstream};
use ring::signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, RsaKeyPair, UnparsedPublicKey};
use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::pem::PemObject as _;
use serde_json::{Value, json};

/// A key of nobody's, made for these tests.
const KEY: &str = include_str!("service_account.pem");
const EMAIL: &str = "gateway@acme-1.iam.gserviceaccount.com";
const GEMINI: &str = "gemini-2.5-flash";
const CLAUDE: &str = "claude-sonnet-4-5@20250929";
/// Where models stand.
const PLACE: &str = "/v1/projects/acme-1/locations/europe-west1/publishers";

fn account(tokens: &Upstream) -> Value {
    json!({
        "type": "service_account", "project_id": "acme-1", "private_key_id": "key-1", "private_key": KEY,
        "client_email": EMAIL, "token_uri": format!("{}/token", tokens.origin()),
    })
}

fn provider(preset: &str, upstream: &Upstream, credentials: Option<Value>) -> Value {
    let google =
        credentials.map_or(json!({}), |credentials| json!({ "credentials": credentials.to_string() }));
    let options = json!({ "project": "acme-1", "location": "europe-west1" });
    json!({ "preset": preset, "base_url": upstream.origin(), "options": options, "google": google })
}

/// A line of the key, as it would stand in a log.
fn line_of_the_key() -> &'static str {
    KEY.lines().nth(3).unwrap()
}

/// Asserts that a request for a token holds a signed statement of who asks for what, and returns what it asks for.
fn assert_asserted(seen: &Recorded, audience: &str) {
    let form = told(seen);
    assert_eq!(form["grant_type"], "urn:ietf:params:oauth:grant-type:jwt-bearer");
    let (signed, signature) = form["assertion"].rsplit_once('.').unwrap();
    let decoded = |text: &str| URL_SAFE_NO_PAD.decode(text).unwrap();
    let key = PrivatePkcs8KeyDer::from_pem_slice(KEY.as_bytes()).unwrap();
    let pair = RsaKeyPair::from_pkcs8(key.secret_pkcs8_der()).unwrap();
    let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, pair.public_key().as_ref());
    public.verify(signed.as_bytes(), &decoded(signature)).unwrap();
    let (head, claims) = signed.split_once('.').unwrap();
    let head: Value = serde_json::from_slice(&decoded(head)).unwrap();
    assert_eq!(head, json!({ "alg": "RS256", "typ": "JWT", "kid": "key-1" }));
    let claims: Value = serde_json::from_slice(&decoded(claims)).unwrap();
    let asked = (&claims["iss"], &claims["aud"], &claims["scope"]);
    let cloud = "https://www.googleapis.com/auth/cloud-platform";
    assert_eq!(asked, (&json!(EMAIL), &json!(audience), &json!(cloud)));
    let (issued, ends) = (claims["iat"].as_u64().unwrap(), claims["exp"].as_u64().unwrap());
    assert_eq!(ends - issued, 3_600);
    let now = lockgate::clock::unix_seconds();
    assert!((now - 300..=now).contains(&issued), "{issued} is not about {now}");
}

#[tokio::test]
async fn gemini_is_asked_with_the_token_of_a_service_account() {
    let (upstream, tokens) = (echo().await, tokens(json!(3_600)).await);
    let mut cloud = Cloud::start(provider("vertex", &upstream, Some(account(&tokens))), &[]).await;
    assert_eq!(cloud.ask(GEMINI).await.text(), "hello");
    let answer = cloud.send(&with(ask_streamed("good morning"), "model", json!(GEMINI))).await;
    assert_eq!((answer.text().as_str(), answer.is_done()), ("good morning", true), "{}", answer.body);
    let seen = upstream.requests();
    let paths: Vec<_> = seen.iter().map(|seen| seen.path.as_str()).collect();
    let path = format!("{PLACE}/google/models/{GEMINI}");
    let streamed = format!("{path}:streamGenerateContent?alt=sse");
    assert_eq!(paths, [format!("{path}:generateContent"), streamed]);
    assert!(seen.iter().all(|seen| bearer(seen) == "token-1" && seen.header("x-goog-api-key").is_none()));
    let [asked] = tokens.requests().try_into().unwrap();
    assert_eq!(asked.path, "/token");
    assert_asserted(&asked, &format!("{}/token", tokens.origin()));
    cloud.end(&["token-1", line_of_the_key(), told(&asked)["assertion"].as_str()]).await;
}

#[tokio::test]
async fn claude_is_asked_with_the_token_of_a_service_account() {
    let (upstream, tokens) = (echo().await, tokens(json!(3_600)).await);
    let mut cloud = Cloud::start(provider("vertex-anthropic", &upstream, Some(account(&tokens))), &[]).await;
    assert_eq!(cloud.ask(CLAUDE).await.text(), "hello");
    let answer = cloud.send(&with(ask_streamed("good morning"), "model", json!(CLAUDE))).await;
    assert_eq!((answer.text().as_str(), answer.is_done()), ("good morning", true), "{}", answer.body);
    for (seen, method) in upstream.requests().iter().zip(["rawPredict", "streamRawPredict"]) {
        assert_eq!(seen.path, format!("{PLACE}/anthropic/models/{CLAUDE}:{method}"));
        assert_eq!(seen.json()["anthropic_version"], "vertex-2023-10-16");
        assert_eq!((seen.json().get("model"), bearer(seen)), (None, "token-1"));
        assert!(seen.header("x-api-key").is_none() && seen.header("anthropic-version").is_none());
    }
    assert_eq!((upstream.requests().len(), tokens.requests().len()), (2, 1));
    cloud.end(&["token-1", line_of_the_key()]).await;
}

#[tokio::test]
async fn texts_are_embedded() {
    let predict = |request: &Recorded| {
        let asked = request.json()["instances"].as_array().unwrap().len();
        let one = json!({ "embeddings": { "values": [0.5, 0.25], "statistics": { "token_count": 2 } } });
        Reply::status(200, json!({ "predictions": vec![one; asked] }))
    };
    let (upstream, tokens) = (Upstream::start(predict).await.unwrap(), tokens(json!(3_600)).await);
    let mut cloud = Cloud::start(provider("vertex", &upstream, Some(account(&tokens))), &[]).await;
    let ask = json!({ "model": "text-embedding-005", "input": ["one", "two"], "dimensions": 2 });
    let answer = cloud.post("/v1/embeddings", &ask).await;
    assert_eq!(answer.json()["data"][1]["embedding"], json!([0.5, 0.25]), "{}", answer.body);
    assert_eq!(answer.json()["usage"]["total_tokens"], 4);
    let seen = upstream.last_request().unwrap();
    assert_eq!(seen.path, format!("{PLACE}/google/models/text-embedding-005:predict"));
    assert_eq!(seen.json()["parameters"], json!({ "outputDimensionality": 2 }));
    assert_eq!(bearer(&seen), "token-1");
}

#[tokio::test]
async fn a_token_that_is_as_good_as_over_is_fetched_anew() {
    let (upstream, tokens) = (echo().await, tokens(json!(1)).await);
    let mut cloud = Cloud::start(provider("vertex", &upstream, Some(account(&tokens))), &[]).await;
    for number in 1..=3 {
        assert_eq!(cloud.ask(GEMINI).await.text(), "hello");
        assert_eq!(bearer(&upstream.last_request().unwrap()), format!("token-{number}"));
    }
    assert_eq!(tokens.requests().len(), 3);
}

#[tokio::test]
async fn a_user_who_logged_in_has_a_file() {
    let (upstream, tokens) = (echo().await, tokens(json!(3_600)).await);
    let folder = tempfile::tempdir().unwrap();
    let usual = folder.path().join(".config/gcloud/application_default_credentials.json");
    std::fs::create_dir_all(usual.parent().unwrap()).unwrap();
    let login = json!({
        "type": "authorized_user", "client_id": "client", "client_secret": "the-clients-secret",
        "refresh_token": "the-refresh-token", "token_uri": tokens.origin(),
    });
    std::fs::write(&usual, login.to_string()).unwrap();
    let (home, file) = (folder.path().to_str().unwrap(), usual.to_str().unwrap());
    for environment in [("HOME", home), ("GOOGLE_APPLICATION_CREDENTIALS", file)] {
        let mut cloud = Cloud::start(provider("vertex", &upstream, None), &[environment]).await;
        assert_eq!(cloud.ask(GEMINI).await.text(), "hello", "{environment:?}");
        assert!(bearer(&upstream.last_request().unwrap()).starts_with("token-"));
        cloud.end(&["token-1", "token-2", "the-clients-secret", "the-refresh-token"]).await;
    }
    let asked = tokens.requests();
    assert_eq!(asked.len(), 2);
    for asked in asked.iter().map(told) {
        let told =
            ["grant_type", "client_id", "client_secret", "refresh_token"].map(|name| asked[name].as_str());
        assert_eq!(told, ["refresh_token", "client", "the-clients-secret", "the-refresh-token"]);
    }
}

#[tokio::test]
async fn the_machine_itself_has_a_token() {
    let (upstream, tokens) = (echo().await, tokens(json!(3_600)).await);
    let host = tokens.address().to_string();
    let mut cloud = Cloud::start(provider("vertex", &upstream, None), &[("GCE_METADATA_HOST", &host)]).await;
    for _ in 0..2 {
        assert_eq!(cloud.ask(GEMINI).await.text(), "hello");
        assert_eq!(bearer(&upstream.last_request().unwrap()), "token-1");
    }
    let [asked] = tokens.requests().try_into().unwrap();
    assert_eq!(asked.path, "/computeMetadata/v1/instance/service-accounts/default/token");
    assert_eq!((asked.method.as_str(), asked.header("metadata-flavor")), ("GET", Some("Google")));
    cloud.end(&["token-1"]).await;
}

#[tokio::test]
async fn without_a_token_another_target_answers() {
    let (upstream, other) = (echo().await, echo().await);
    let blabber = |seen: &Recorded| {
        let said = format!("Bad assertion {}", told(seen)["assertion"]);
        Reply::status(400, json!({ "error": "invalid_grant", "error_description": said }))
    };
    let tokens = Upstream::start(blabber).await.unwrap();
    let provider = || provider("vertex", &upstream, Some(account(&tokens)));
    let mut backed = Cloud::backed(provider(), &[], Some(&other)).await;
    let answer = backed.ask(GEMINI).await;
    assert_eq!((answer.text().as_str(), answer.header("x-lockgate-provider")), ("hello", "openai"));
    let mut alone = Cloud::start(provider(), &[]).await;
    assert_unavailable(&alone.ask(GEMINI).await);
    let asked: Vec<_> = tokens.requests().iter().map(|seen| told(seen)["assertion"].clone()).collect();
    assert_eq!(asked.len(), 2);
    for (cloud, assertion) in [backed, alone].into_iter().zip(&asked) {
        let log = cloud.end(&[assertion, line_of_the_key()]).await;
        assert!(log.contains("the token endpoint answered 400 (invalid_grant)"), "{log}");
    }
    assert!(upstream.requests().is_empty());
}

#[tokio::test]
async fn credentials_that_are_none_are_told_without_their_words() {
    let upstream = echo().await;
    let bad = [
        (json!({ "type": "service_account", "client_email": "e", "private_key": "swordfish" }), "no RSA key"),
        (json!({ "type": "external_account", "secret": "swordfish" }), "must be of the type"),
        (json!("swordfish"), "not the JSON that Google writes"),
    ];
    for (credentials, why) in bad {
        let mut cloud = Cloud::start(provider("vertex", &upstream, Some(credentials)), &[]).await;
        assert_unavailable(&cloud.ask(GEMINI).await);
        let log = cloud.end(&["swordfish"]).await;
        assert!(log.contains(why), "{why}: {log}");
    }
}
