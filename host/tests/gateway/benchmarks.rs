//! Models are measured through the gateway, and what was found decides who is asked.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use crate::support::{KEY, Stage, ask, binding, soon, with};
use http::Method;
use lockgate_upstream::{Recorded, Reply};
use serde_json::{Value, json};
use std::process::Output;
use tokio::process::Command;

/// A model `good` that can reckon and one `bad` that can only translate; `judge` likes what is short.
async fn stage() -> Stage {
    let reply = |request: &Recorded| {
        let model = request.json()["model"].as_str().unwrap_or_default().to_owned();
        let asked = request.last_user_text();
        match model.as_str() {
            "judge" => Reply::text(if asked.contains("Bonjour") { "{\"score\": 9}" } else { "no idea" }),
            "broken" => Reply::error(500, "oops"),
            _ if asked == "Hello in French?" => Reply::text("Bonjour"),
            "good" => Reply::text("4"),
            _ => Reply::text("5"),
        }
    };
    Stage::configured(reply, json!([]), |mut config| {
        let price = |usd: f64| json!({ "input_cost_per_token": usd, "output_cost_per_token": usd });
        config["prices"]["overrides"] =
            json!({ "openai/good": price(0.01), "openai/bad": price(0.001), "openai/broken": price(0.001) });
        config
    })
    .await
}

async fn bench(stage: &Stage, folder: &std::path::Path, targets: &str) -> Output {
    let tasks = folder.join("tasks.jsonl");
    let lines = [
        json!({ "task": "reason", "prompt": "2+2?", "expect": "4" }),
        json!({ "task": "reason", "prompt": "1+3?", "expect": ["4"], "judge": "contains" }),
        json!({ "task": "translate", "prompt": "Hello in French?", "judge": "llm" }),
    ];
    std::fs::write(&tasks, lines.map(|line| line.to_string()).join("\n")).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_lockgate"));
    command.arg("bench-models").arg("--tasks").arg(&tasks).args(["--targets", targets]);
    command.args([
        "--judge-model",
        "openai/judge",
        "--gateway",
        &format!("http://{}", stage.gateway.address),
    ]);
    command.arg("--out").arg(folder.join("quality.json")).env("LOCKGATE_API_KEY", KEY);
    soon("the benchmark", command.output()).await.unwrap()
}

#[tokio::test]
async fn the_cheapest_that_was_found_good_enough_is_asked() {
    let (stage, folder) = (stage().await, tempfile::tempdir().unwrap());
    let output = bench(&stage, folder.path(), "openai/good,openai/bad").await;
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{printed} {}", String::from_utf8_lossy(&output.stderr));
    assert!(printed.contains("openai/good") && !printed.contains("Bonjour") && !printed.contains(KEY));
    let file = folder.path().join("quality.json");
    let found: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    let quality = |target: &str, task: &str| found["targets"][target][task]["quality"].as_f64().unwrap();
    assert!((quality("openai/good", "reason") - 1.0).abs() < 1e-9, "{found}");
    assert!(quality("openai/bad", "reason").abs() < 1e-9);
    assert!((quality("openai/bad", "translate") - 0.9).abs() < 1e-9);
    // One word asked and one said.
    let cost = found["targets"]["openai/good"]["reason"]["cost_usd"].as_f64().unwrap();
    assert!((cost - 0.02).abs() < 1e-9, "{found}");

    let mut config: Value =
        serde_json::from_str(&std::fs::read_to_string(&stage.gateway.file).unwrap()).unwrap();
    config["routing"]["benchmarks"] = json!(file);
    config["routes"]["smart"] = json!({
        "targets": ["openai/good", "openai/bad"],
        "router": binding("builtin:router", json!({ "strategy": "quality" })),
    });
    config["tenants"]["acme"]["routes"] = json!(["*", "smart"]);
    let reloaded = stage.gateway.reload(&config).await;
    assert_eq!(reloaded.status, 200, "{}", reloaded.body);
    for (task, model) in [("reason", "good"), ("translate", "bad")] {
        let client = stage.gateway.client();
        let request = client.request(Method::POST, "/v1/chat/completions").header("x-lockgate-task", task);
        let body = with(ask("hi"), "model", json!("smart")).to_string();
        let open = soon("an answer", client.open(request, body)).await.unwrap();
        let answer = soon("an answer", open.rest()).await.unwrap();
        assert_eq!(answer.header("x-lockgate-model"), model, "{task}");
    }
    std::fs::write(&file, "nonsense").unwrap();
    let refused = stage.gateway.reload(&config).await;
    assert!(refused.error("message").contains("routing.benchmarks"), "{}", refused.body);
}

#[tokio::test]
async fn who_does_not_answer_is_not_found_bad() {
    let (stage, folder) = (stage().await, tempfile::tempdir().unwrap());
    let output = bench(&stage, folder.path(), "openai/broken").await;
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stdout).contains("status 500"));
    let file = std::fs::read_to_string(folder.path().join("quality.json")).unwrap();
    let found: Value = serde_json::from_str(&file).unwrap();
    assert_eq!(found["targets"]["openai/broken"]["reason"], json!({ "judged": 0, "failed": 2 }));
}
