//! The packages that applications use, against a live gateway, changed in nothing but their base URL and key: what
//! their scripts in every language are answered, and what must be so of each run.
//!
//! `cargo xtask test` makes an environment for each package and names their folder in `LOCKGATE_TEST_CLIENTS`.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use crate::support::{KEY, Stage, soon, standard_chain};
use lockgate_upstream::{Recorded, Reply};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::Output;
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

/// The environment that has a package.
pub fn environment(package: &str) -> PathBuf {
    let Some(clients) = std::env::var_os("LOCKGATE_TEST_CLIENTS") else {
        unreachable!(
            "LOCKGATE_TEST_CLIENTS is not set: run `cargo xtask test`, or `cargo xtask setup` and name `clients` in the target folder"
        );
    };
    Path::new(&clients).join(package)
}

/// The script of this file name.
pub fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/gateway").join(name)
}

/// Runs a script against a gateway of its own. Nothing private may have reached the provider.
pub async fn run(mut command: Command, base_url: impl FnOnce(String) -> String) -> Output {
    let stage = Stage::configured(answer, standard_chain(), |mut config| {
        config["routes"]["smart"] = json!({ "targets": ["openai/gpt-test"], "chain": "tested" });
        config["tenants"]["acme"]["routes"] = json!(["smart", "*"]);
        config
    })
    .await;
    let base_url = base_url(stage.gateway.base_url());
    command.env_clear().env("BASE_URL", base_url).env("API_KEY", KEY).kill_on_drop(true);
    let ended = soon("the script's end", command.output()).await.unwrap();
    let said = String::from_utf8_lossy(&ended.stdout).into_owned() + &String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success(), "{said}");
    assert!(said.contains("everything as expected"), "{said}");
    assert!(stage.upstream.requests().iter().all(|seen| !seen.text().contains("ada@")));
    ended
}

/// The base URL as packages take it that add the version themselves.
pub fn without_version(base_url: String) -> String {
    base_url.trim_end_matches("/v1").to_owned()
}
