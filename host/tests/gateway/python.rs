//! The official Python package of OpenAI against a live gateway, changed in nothing but its base URL and key.
//!
//! `cargo xtask test` makes the environment that has the package and names it in `LOCKGATE_TEST_PYTHON`.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use crate::support::{KEY, Stage, soon, standard_chain};
use lockgate_upstream::{Recorded, Reply};
use serde_json::json;
use std::path::Path;
use tokio::process::Command;

/// Answers as the script of the test expects it.
fn answer(request: &Recorded) -> Reply {
    let said = request.last_user_text();
    let body = request.json();
    if request.path.ends_with("/embeddings") {
        return Reply::embeddings(16);
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

#[tokio::test]
async fn the_openai_package_works_unchanged() {
    let Some(python) = std::env::var_os("LOCKGATE_TEST_PYTHON") else {
        unreachable!(
            "LOCKGATE_TEST_PYTHON is not set: run `cargo xtask test`, or `cargo xtask setup` and name its Python"
        );
    };
    let stage = Stage::configured(answer, standard_chain(), |mut config| {
        config["routes"]["smart"] = json!({ "targets": ["openai/gpt-test"], "chain": "tested" });
        config["tenants"]["acme"]["routes"] = json!(["smart", "*"]);
        config
    })
    .await;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/gateway/openai_package.py");
    let mut command = Command::new(python);
    command.arg("-W").arg("error").arg(script).kill_on_drop(true);
    command.env_clear().env("BASE_URL", stage.gateway.base_url()).env("API_KEY", KEY);
    let ended = soon("the script's end", command.output()).await.unwrap();
    let said = String::from_utf8_lossy(&ended.stdout).into_owned() + &String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success(), "{said}");
    assert!(said.contains("everything as expected"), "{said}");
    assert!(stage.upstream.requests().iter().all(|seen| !seen.text().contains("ada@")));
}
