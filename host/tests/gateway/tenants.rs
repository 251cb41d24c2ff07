//! Tenants: own keys, own routes, own chains; nothing of one is another's.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use crate::support::{Stage, ask, binding, hash, soon, with};
use lockgate_client::Answer;
use lockgate_upstream::{Recorded, Reply};
use serde_json::{Value, json};

async fn two_tenants() -> Stage {
    let chain = json!([binding("builtin:pii-mask", json!({}))]);
    Stage::configured(
        |_: &Recorded| Reply::echo(),
        chain,
        |mut config| {
            config["chains"]["open"] = json!([]);
            config["routes"]["smart"] = json!({ "targets": ["openai/large"], "chain": "tested" });
            config["tenants"]["globex"] = json!({
                "keys": [{ "name": "k", "hash": hash("globex") }], "routes": ["smart"], "chain": "open",
            });
            config["anonymous"] = json!("guests");
            config["tenants"]["guests"] = json!({ "routes": ["smart"] });
            config
        },
    )
    .await
}

#[tokio::test]
async fn plugins_that_may_know_are_told_of_the_organisation_and_the_tags() {
    let folder = tempfile::tempdir().unwrap();
    let component = folder.path().join("echo.wasm");
    std::fs::write(&component, lockgate_guests::ECHO).unwrap();
    let granted = ["principal.organisation", "principal.tags"];
    let mut shown = binding("echo", json!({ "attrs": granted }));
    shown["grants"] = json!({ "attributes": granted });
    shown["hooks"] = json!(["pre-request"]);
    let stage = Stage::configured(
        |_: &Recorded| Reply::echo(),
        json!([shown]),
        |mut config| {
            config["plugins"]["echo"] = json!({ "source": component });
            config["tenants"]["acme"]["organisation"] = json!("acme-group");
            config["tenants"]["acme"]["keys"][0]["tags"] = json!({ "feature": "search" });
            config
        },
    )
    .await;
    let flags = async |stage: &Stage| stage.chat(&ask("hi")).await.header("x-lockgate-flags").to_owned();
    let told = flags(&stage).await;
    for wanted in ["principal.organisation=acme-group", "principal.tags=feature=search"] {
        assert!(told.contains(wanted), "{told}");
    }
    let mut config: Value =
        serde_json::from_str(&std::fs::read_to_string(&stage.gateway.file).unwrap()).unwrap();
    config["chains"]["tested"][0]["grants"] = json!({});
    assert_eq!(stage.gateway.reload(&config).await.status, 200);
    let told = flags(&stage).await;
    assert!(told.contains("principal.tags=-") && told.contains("principal.organisation=-"), "{told}");
}

async fn as_globex(stage: &Stage, body: &Value) -> Answer {
    soon("an answer", stage.gateway.anybody().with_key("globex").chat(body)).await.unwrap()
}

#[tokio::test]
async fn the_same_request_passes_the_chain_of_its_tenant() {
    let stage = two_tenants().await;
    let body = with(ask("I am ada@example.org"), "model", json!("smart"));
    assert_eq!(stage.chat(&ask("I am ada@example.org")).await.text(), "I am ada@example.org");
    assert_eq!(as_globex(&stage, &body).await.text(), "I am ada@example.org");
    let seen: Vec<String> = stage.upstream.requests().iter().map(Recorded::last_user_text).collect();
    assert_eq!(seen, ["I am <EMAIL_1>", "I am ada@example.org"]);
    let models: Vec<Value> =
        stage.upstream.requests().iter().map(|seen| seen.json()["model"].clone()).collect();
    assert_eq!(models, ["gpt-test", "large"]);
}

#[tokio::test]
async fn a_tenant_has_its_own_routes_and_nothing_else() {
    let stage = two_tenants().await;
    assert_eq!(as_globex(&stage, &ask("hi")).await.error("code"), "model_not_found");
    let listed = |answer: Answer| -> Vec<String> {
        let models = answer.json()["data"].as_array().cloned().unwrap_or_default();
        models.iter().filter_map(|model| model["id"].as_str().map(str::to_owned)).collect()
    };
    let globex = stage.gateway.anybody().with_key("globex").get("/v1/models").await.unwrap();
    assert_eq!(listed(globex), ["smart"]);
    let acme = stage.gateway.client().get("/v1/models/smart").await.unwrap();
    assert_eq!((acme.status.as_u16(), acme.error("code").as_str()), (404, "model_not_found"));
}

#[tokio::test]
async fn who_comes_without_a_key_is_the_anonymous_tenant_and_who_comes_with_a_wrong_one_is_nobody() {
    let stage = two_tenants().await;
    let body = with(ask("hi"), "model", json!("smart"));
    let guest = stage.gateway.anybody();
    assert_eq!(guest.chat(&body).await.unwrap().text(), "hi");
    assert_eq!(guest.with_key("wrong").chat(&body).await.unwrap().status, 401);
}
