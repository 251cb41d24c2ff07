//! What is secret stays secret: in logs, errors, answers and what the gateway shows of itself.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use crate::support::{
    CREDENTIAL, Gateway, KEY, ask, ask_streamed, config, soon, standard_chain, with_provider,
};
use lockgate_upstream::{Recorded, Reply, Upstream};
use serde_json::json;

#[tokio::test]
async fn no_secret_reaches_a_log_an_error_or_a_metric() {
    // The provider repeats what it was shown, as some do in their errors.
    let blabber = |request: &Recorded| Reply::error(401, request.header("authorization").unwrap_or_default());
    let bad = Upstream::start(blabber).await.unwrap();
    let good = Upstream::start(|_: &Recorded| Reply::echo()).await.unwrap();
    let mut config = with_provider(config(&good, standard_chain()), "bad", &bad);
    config["routes"]["*"]["targets"] = json!(["bad/a", "openai/b"]);
    config["routes"]["refused"] = json!({ "targets": ["bad/a"] });
    config["tenants"]["acme"]["routes"] = json!(["*", "refused"]);
    config["admin"]["token"] = json!("the-admin-token");
    config["log"] = json!({ "level": "trace" });
    let mut gateway = Gateway::start(&config).await;
    let private = "I am ada@example.org and my card is 4111 1111 1111 1111";
    let mut said = String::new();
    for body in
        [ask(private), ask_streamed(private), crate::support::with(ask(private), "model", json!("refused"))]
    {
        let answer = soon("an answer", gateway.client().chat(&body)).await.unwrap();
        said += &format!("{:?}", answer.headers);
        if answer.status == 200 {
            assert_eq!(answer.text(), private);
        } else {
            said += &answer.body;
        }
    }
    let wrong = gateway.anybody().with_key("a-wrong-key-of-somebody").chat(&ask("hi")).await.unwrap();
    assert_eq!(wrong.status, 401);
    said += &wrong.body;
    said += &gateway.metrics().await.0;
    // A change that is refused is told with its reasons, and without the values.
    let mut broken = config.clone();
    broken["providers"]["openai"]["timeouts"] = json!({ "credential": CREDENTIAL });
    broken["nonsense"] = json!(CREDENTIAL);
    gateway.write(&broken);
    let refused = gateway.admin().with_key("the-admin-token").post("/reload", "").await.unwrap();
    assert_eq!(refused.status, 422, "{}", refused.body);
    said += &refused.body;
    gateway.signal("TERM").await;
    gateway.exit().await;
    said += &gateway.log.text();
    for secret in [
        CREDENTIAL,
        KEY,
        "the-admin-token",
        "a-wrong-key",
        "ada@example.org",
        "4111 1111",
        "4111111111111111",
    ] {
        let at =
            said.find(secret).map(|at| said[at.saturating_sub(300)..].chars().take(400).collect::<String>());
        assert_eq!(at, None, "{secret}");
    }
}

#[tokio::test]
async fn secrets_that_change_are_taken_up() {
    let upstream = Upstream::start(|_: &Recorded| Reply::echo()).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (file, printed) = (folder.path().join("key"), folder.path().join("printed"));
    let write = |path: &std::path::Path, text: &str| {
        // As secret stores do it: all at once.
        let new = path.with_extension("new");
        std::fs::write(&new, text).unwrap();
        std::fs::rename(new, path).unwrap();
    };
    write(&file, "first-from-a-file\n");
    write(&printed, "first-from-a-command");
    let mut config = config(&upstream, json!([]));
    config["watch"] = json!(true);
    config["command_refresh_ms"] = json!(20);
    config["providers"]["openai"]["credential"] = json!(format!("${{file:{}}}", file.display()));
    config["providers"]["printed"] = config["providers"]["openai"].clone();
    config["providers"]["printed"]["credential"] = json!(format!("${{command:cat {}}}", printed.display()));
    config["routes"]["printed"] = json!({ "targets": ["printed/m"] });
    config["tenants"]["acme"]["routes"] = json!(["printed", "*"]);
    let gateway = Gateway::start(&config).await;
    let shown = async |model: &str| {
        let body = crate::support::with(ask("hi"), "model", json!(model));
        let answer = soon("an answer", gateway.client().chat(&body)).await.unwrap();
        assert_eq!(answer.status, 200, "{}", answer.body);
        upstream.last_request().unwrap().header("authorization").unwrap().to_owned()
    };
    assert_eq!(shown("any").await, "Bearer first-from-a-file");
    assert_eq!(shown("printed").await, "Bearer first-from-a-command");
    write(&file, "second-from-a-file");
    gateway.log.wait_for("\"generation\":2").await;
    assert_eq!(shown("any").await, "Bearer second-from-a-file");
    write(&printed, "second-from-a-command");
    gateway.log.wait_for("a command prints something else").await;
    gateway.log.wait_for("\"generation\":3").await;
    assert_eq!(shown("printed").await, "Bearer second-from-a-command");
    let log = gateway.log.text();
    assert!(!log.contains("-from-a-") && !log.contains("cat "), "{log}");
}
