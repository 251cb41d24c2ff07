//! The Python packages that applications use, the providers' own first, against a live gateway, changed in nothing but their base URL and key.
//!
//! `cargo xtask test` makes an environment for each package and names their folder in `LOCKGATE_TEST_CLIENTS`.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use crate::support::{KEY, Stage, soon, standard_chain};
use lockgate_upstream::{Recorded, Reply};
use serde_json::json;
use std::path::Path;
use tokio::process::Command;

/// Answers as the scripts expect it.
fn answer(request: &Recorded) -> Reply {
    let said = request.last_user_text();
    let body = request.json();
    if request.path.ends_with("/embeddings") {
        return Reply::embeddings(16);
    }
    if request.path.ends_with("/rerank") {
        return Reply::rerank([0.25, 0.75]);
    }
    if said.contains("overload") {
        return Reply::error(503, "The engine is overloaded.");
    }
    if said.contains("break off") {
        return Reply::truncated(["It is ", "very "]);
    }
    if said.contains("hang") {
        return Reply::hang();
    }
    if body.get("tools").is_some() {
        return Reply::tool_call("send", r#"{"to":"<EMAIL_1>"}"#);
    }
    if body.get("response_format").is_some() {
        return Reply::text("```json\n{'city': 'Bern', 'population': 137000,}\n```");
    }
    Reply::echo()
}

/// Runs the script of a package, in the environment that has it.
async fn run(package: &str, base_url: impl FnOnce(String) -> String) {
    let Some(clients) = std::env::var_os("LOCKGATE_TEST_CLIENTS") else {
        unreachable!(
            "LOCKGATE_TEST_CLIENTS is not set: run `cargo xtask test`, or `cargo xtask setup` and name `clients` in the target folder"
        );
    };
    let stage = Stage::configured(answer, standard_chain(), |mut config| {
        config["routes"]["smart"] = json!({ "targets": ["openai/gpt-test"], "chain": "tested" });
        config["tenants"]["acme"]["routes"] = json!(["smart", "*"]);
        config
    })
    .await;
    let script = format!("tests/gateway/{}_package.py", package.replace('-', "_"));
    let mut command = Command::new(Path::new(&clients).join(package).join("bin/python3"));
    command.args(["-W", "error"]).arg(Path::new(env!("CARGO_MANIFEST_DIR")).join(script)).kill_on_drop(true);
    let base_url = base_url(stage.gateway.base_url());
    command.env_clear().env("BASE_URL", base_url).env("API_KEY", KEY);
    let ended = soon("the script's end", command.output()).await.unwrap();
    let said = String::from_utf8_lossy(&ended.stdout).into_owned() + &String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success(), "{said}");
    assert!(said.contains("everything as expected"), "{said}");
    assert!(stage.upstream.requests().iter().all(|seen| !seen.text().contains("ada@")));
}

#[tokio::test]
async fn the_openai_package_works_unchanged() {
    run("openai", |url| url).await;
}

#[tokio::test]
async fn the_anthropic_package_works_unchanged() {
    run("anthropic", |url| url.trim_end_matches("/v1").to_owned()).await;
}

#[tokio::test]
async fn the_google_genai_package_works_unchanged() {
    run("google-genai", |url| url.trim_end_matches("/v1").to_owned()).await;
}

#[tokio::test]
async fn the_mistralai_package_works_unchanged() {
    run("mistralai", |url| url.trim_end_matches("/v1").to_owned()).await;
}

#[tokio::test]
async fn the_cohere_package_works_unchanged() {
    run("cohere", |url| url.trim_end_matches("/v1").to_owned()).await;
}

#[tokio::test]
async fn litellm_works_as_a_client() {
    run("litellm", |url| url).await;
}

#[tokio::test]
async fn langchain_openai_works_as_a_client() {
    run("langchain-openai", |url| url).await;
}
