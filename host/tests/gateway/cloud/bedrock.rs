//! Amazon Bedrock: every request carries a valid signature (Signature Version 4), by whatever credentials there are.
//!
//! The signature is computed anew, by the letter of Amazon's "Create a signed AWS API request", from what arrived.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::{Cloud, assert_unavailable, echo, form};
use crate::support::{ask_streamed, with};
use lockgate_upstream::{Recorded, Reply, Upstream};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use ring::{digest, hmac};
use serde_json::{Value, json};
use std::fmt::Write as _;

const ID: &str = "AKIDOFTHETESTS";
const SECRET: &str = "the/secret+access/key";
const SESSION: &str = "the-token-of-the-session";
const REGION: &str = "eu-central-1";
const CLAUDE: &str = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";
const ARN: &str = "arn:aws:bedrock:eu-central-1:123456789012:application-inference-profile/a1b2";
/// What a path keeps as it is: unreserved characters, and the slash.
const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');
/// The instance's metadata is not looked for.
const ALONE: (&str, &str) = ("AWS_EC2_METADATA_DISABLED", "true");

fn provider(upstream: &Upstream, aws: Value) -> Value {
    json!({ "preset": "bedrock", "base_url": upstream.origin(), "options": { "region": REGION }, "aws": aws })
}

fn keys() -> Value {
    json!({ "access_key_id": ID, "secret_access_key": SECRET, "session_token": SESSION })
}

fn hex(bytes: impl AsRef<[u8]>) -> String {
    bytes.as_ref().iter().fold(String::new(), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

fn sha256(data: impl AsRef<[u8]>) -> String {
    hex(digest::digest(&digest::SHA256, data.as_ref()))
}

fn keyed(key: impl AsRef<[u8]>, data: &str) -> hmac::Tag {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key.as_ref()), data.as_bytes())
}

/// Asserts that a request is signed by this key for Bedrock in this region, and that nothing of it is unsigned that
/// must not be.
fn assert_signed(seen: &Recorded, (id, secret, session): (&str, &str, Option<&str>), region: &str) {
    let told = seen.header("authorization").unwrap();
    let parts = told.strip_prefix("AWS4-HMAC-SHA256 ").unwrap().split(", ").map(|part| part.split_once('='));
    let parts: Vec<_> = parts.map(|part| part.unwrap().1).collect();
    let [credential, names, signature] = parts.as_slice() else { unreachable!("{told}") };
    let date = seen.header("x-amz-date").unwrap();
    let scope = format!("{}/{region}/bedrock/aws4_request", date.split('T').next().unwrap());
    assert_eq!(*credential, format!("{id}/{scope}"));
    assert_eq!(seen.header("x-amz-security-token"), session);
    for name in ["host", "x-amz-date", "content-type", "x-amz-security-token"] {
        let signed = names.split(';').any(|signed| signed == name);
        assert_eq!(signed, seen.header(name).is_some(), "{name} in {names}");
    }
    // Neither of them has a query. The path is encoded once more than it was sent.
    let path = utf8_percent_encode(&seen.path, KEPT);
    let headers: String =
        names.split(';').map(|name| format!("{name}:{}\n", seen.header(name).unwrap().trim())).collect();
    let canonical = format!("{}\n{path}\n\n{headers}\n{names}\n{}", seen.method, sha256(&seen.body));
    let to_sign = format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{}", sha256(canonical));
    let key = scope
        .split('/')
        .fold(format!("AWS4{secret}").into_bytes(), |key, part| keyed(key, part).as_ref().to_vec());
    assert_eq!(*signature, hex(keyed(key, &to_sign)));
}

#[tokio::test]
async fn requests_are_signed_whatever_the_model_is_called() {
    let upstream = echo().await;
    let mut cloud = Cloud::start(provider(&upstream, keys()), &[ALONE]).await;
    let models = [
        (CLAUDE, "/model/us.anthropic.claude-sonnet-4-5-20250929-v1%3A0"),
        (
            ARN,
            "/model/arn%3Aaws%3Abedrock%3Aeu-central-1%3A123456789012%3Aapplication-inference-profile%2Fa1b2",
        ),
    ];
    for (model, path) in models {
        let answer = cloud.ask(model).await;
        assert_eq!((answer.status.as_u16(), answer.text().as_str()), (200, "hello"), "{}", answer.body);
        let seen = upstream.last_request().unwrap();
        assert_eq!(seen.path, format!("{path}/converse"));
        assert_signed(&seen, (ID, SECRET, Some(SESSION)), REGION);
        let answer = cloud.send(&with(ask_streamed("Grüezi mitenand"), "model", json!(model))).await;
        assert_eq!((answer.text().as_str(), answer.is_done()), ("Grüezi mitenand", true), "{}", answer.body);
        let seen = upstream.last_request().unwrap();
        assert_eq!(seen.path, format!("{path}/converse-stream"));
        assert_signed(&seen, (ID, SECRET, Some(SESSION)), REGION);
    }
    for seen in upstream.requests() {
        assert!(!format!("{seen:?}").contains(SECRET));
    }
    cloud.end(&[SECRET, SESSION]).await;
}

#[tokio::test]
async fn credentials_and_the_region_come_from_the_environment() {
    let upstream = echo().await;
    let environment =
        [("AWS_ACCESS_KEY_ID", ID), ("AWS_SECRET_ACCESS_KEY", SECRET), ("AWS_REGION", "us-west-2"), ALONE];
    let provider = json!({ "preset": "bedrock", "base_url": upstream.origin() });
    let mut cloud = Cloud::start(provider, &environment).await;
    assert_eq!(cloud.ask(CLAUDE).await.text(), "hello");
    assert_signed(&upstream.last_request().unwrap(), (ID, SECRET, None), "us-west-2");
    cloud.end(&[SECRET]).await;
}

#[tokio::test]
async fn credentials_come_from_a_profile() {
    let upstream = echo().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("credentials");
    let other = "[default]\naws_access_key_id = OTHER\naws_secret_access_key = other\n";
    let named = format!("[gateway]\naws_access_key_id = {ID}\naws_secret_access_key = {SECRET}\n");
    std::fs::write(&file, other.to_owned() + &named).unwrap();
    let config = folder.path().join("config");
    std::fs::write(&config, "[profile gateway]\nregion = eu-west-3\n").unwrap();
    let environment = [
        ("AWS_SHARED_CREDENTIALS_FILE", file.to_str().unwrap()),
        ("AWS_CONFIG_FILE", config.to_str().unwrap()),
        ALONE,
    ];
    let provider =
        json!({ "preset": "bedrock", "base_url": upstream.origin(), "aws": { "profile": "gateway" } });
    let mut cloud = Cloud::start(provider, &environment).await;
    assert_eq!(cloud.ask(CLAUDE).await.text(), "hello");
    assert_signed(&upstream.last_request().unwrap(), (ID, SECRET, None), "eu-west-3");
    cloud.end(&[SECRET]).await;
}

#[tokio::test]
async fn a_role_is_taken_on_once() {
    let upstream = echo().await;
    let answer = "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult><Credentials>\
        <AccessKeyId>ASIAOFTHEROLE</AccessKeyId><SecretAccessKey>the-roles-secret</SecretAccessKey>\
        <SessionToken>the-roles-session</SessionToken><Expiration>2999-01-01T00:00:00Z</Expiration>\
        </Credentials></AssumeRoleResult></AssumeRoleResponse>";
    let sts = Upstream::start(move |_: &Recorded| Reply::raw(200, "text/xml", answer)).await.unwrap();
    let arn = "arn:aws:iam::123456789012:role/gateway";
    let aws = with(with(keys(), "role_arn", json!(arn)), "endpoint_url", json!(sts.origin()));
    let mut cloud = Cloud::start(provider(&upstream, aws), &[ALONE]).await;
    for _ in 0..2 {
        assert_eq!(cloud.ask(CLAUDE).await.text(), "hello");
        let seen = upstream.last_request().unwrap();
        assert_signed(&seen, ("ASIAOFTHEROLE", "the-roles-secret", Some("the-roles-session")), REGION);
    }
    let [asked] = sts.requests().try_into().unwrap();
    let asked = form(&asked.text());
    assert_eq!((asked["Action"].as_str(), asked["RoleArn"].as_str()), ("AssumeRole", arn));
    cloud.end(&[SECRET, SESSION, "the-roles-secret", "the-roles-session"]).await;
}

#[tokio::test]
async fn without_credentials_another_target_answers() {
    let (upstream, other) = (echo().await, echo().await);
    let nowhere = "/nonexistent/credentials";
    let environment = [("AWS_SHARED_CREDENTIALS_FILE", nowhere), ("AWS_CONFIG_FILE", nowhere), ALONE];
    let mut cloud = Cloud::backed(provider(&upstream, json!({})), &environment, Some(&other)).await;
    let answer = cloud.ask(CLAUDE).await;
    assert_eq!(
        (answer.text().as_str(), answer.header("x-lockgate-attempts")),
        ("hello", "2"),
        "{}",
        answer.body
    );
    let log = cloud.end(&[]).await;
    assert!(log.contains("no credentials of Amazon's are found"), "{log}");
    let mut alone = Cloud::start(provider(&upstream, json!({})), &environment).await;
    assert_unavailable(&alone.ask(CLAUDE).await);
    // Without a region there is nothing to sign for.
    let nowhere = json!({ "preset": "bedrock", "base_url": upstream.origin(), "aws": keys() });
    let mut nowhere = Cloud::start(nowhere, &environment).await;
    assert_unavailable(&nowhere.ask(CLAUDE).await);
    assert!(nowhere.end(&[SECRET, SESSION]).await.contains("set `aws.region` or AWS_REGION"));
    assert!(upstream.requests().is_empty());
}
