//! What is known after a kill: requests under a key, canaries, opinions, webhooks that wait.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod feedback;
mod webhooks;

use crate::support::{Gateway, Stage, ask, ask_streamed, soon, with_provider};
use bytes::Bytes;
use http::Method;
use lockgate_client::Answer;
use lockgate_upstream::{Recorded, Reply, Upstream};
use serde_json::{Value, json};
use std::path::Path;
use tokio::sync::mpsc;

fn answer(request: &Recorded) -> Reply {
    let text = request.json()["messages"][0]["content"].as_str().unwrap_or_default().to_owned();
    match text.as_str() {
        "hang" => Reply::hang(),
        "refuse" => Reply::error(400, "no"),
        _ => Reply::text(format!("You said {text}.")),
    }
}

async fn keyed(gateway: &Gateway, key: &str, body: &Value) -> Answer {
    let client = gateway.client();
    let request = client.request(Method::POST, "/v1/chat/completions").header("idempotency-key", key);
    soon("an answer", async { client.open(request, body.to_string()).await.unwrap().rest().await.unwrap() })
        .await
}

/// What was written before this is in the file when this returns: rows are in the order in which they came.
async fn everything_is_written(gateway: &Gateway) {
    let key = gateway.address.to_string();
    let answer = keyed(gateway, &key, &ask("barrier")).await;
    assert_eq!((answer.status.as_u16(), answer.header("idempotent-replayed")), (200, ""), "{}", answer.body);
}

/// Kills the gateway and starts another one in its place.
async fn kill(stage: &mut Stage) {
    let config: Value = serde_json::from_str(&std::fs::read_to_string(&stage.gateway.file).unwrap()).unwrap();
    stage.gateway.signal("KILL").await;
    stage.gateway.exit().await;
    stage.gateway = Gateway::start(&config).await;
}

#[tokio::test]
async fn a_key_never_bills_twice_across_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state.db");
    let mut stage = Stage::configured(answer, json!([]), |mut config| {
        config["state"]["file"] = json!(file);
        config["idempotency"]["max_answer_bytes"] = json!(2_000);
        config
    })
    .await;
    let whole = keyed(&stage.gateway, "whole", &ask("hello")).await;
    let streamed = keyed(&stage.gateway, "streamed", &ask_streamed("hello")).await;
    let large = ask(&"word ".repeat(1_000));
    assert_eq!(keyed(&stage.gateway, "large", &large).await.status, 200);
    assert_eq!(keyed(&stage.gateway, "refused", &ask("refuse")).await.status, 400);
    let client = stage.gateway.client();
    let open = tokio::spawn(async move {
        let request = client.request(Method::POST, "/v1/chat/completions").header("idempotency-key", "open");
        client.open(request, ask("hang").to_string()).await.map(|_| ())
    });
    // At the moment at which the provider has it, the journal has its beginning.
    let asked = soon("the last request", stage.upstream.wait_for_requests(5)).await.len();
    kill(&mut stage).await;
    assert!(open.await.unwrap().is_err());

    for (key, body, first) in
        [("whole", ask("hello"), &whole), ("streamed", ask_streamed("hello"), &streamed)]
    {
        let again = keyed(&stage.gateway, key, &body).await;
        assert_eq!((again.status.as_u16(), &again.body), (200, &first.body));
        assert_eq!(again.header("idempotent-replayed"), "true");
        for header in ["x-request-id", "content-type", "x-lockgate-route"] {
            assert_eq!(again.header(header), first.header(header));
        }
    }
    let unknown = keyed(&stage.gateway, "open", &ask("hang")).await;
    assert_eq!(
        (unknown.status.as_u16(), unknown.error("code").as_str()),
        (409, "idempotency_outcome_unknown")
    );
    let gone = keyed(&stage.gateway, "large", &large).await;
    assert_eq!((gone.status.as_u16(), gone.error("code").as_str()), (409, "idempotency_answer_gone"));
    for key in ["whole", "open"] {
        let other = keyed(&stage.gateway, key, &ask("something else")).await;
        assert_eq!((other.status.as_u16(), other.error("code").as_str()), (422, "idempotency_key_reused"));
    }
    assert_eq!(stage.upstream.requests().len(), asked, "nothing was made again");
    assert_eq!(keyed(&stage.gateway, "refused", &ask("refuse")).await.status, 400);
    assert_eq!(stage.upstream.requests().len(), asked + 1, "what was not charged for may be");
    owner_alone(&file);
    // A second end changes nothing.
    kill(&mut stage).await;
    assert_eq!(keyed(&stage.gateway, "whole", &ask("hello")).await.body, whole.body);
    assert_eq!(
        keyed(&stage.gateway, "open", &ask("hang")).await.error("code"),
        "idempotency_outcome_unknown"
    );
    assert_eq!(stage.upstream.requests().len(), asked + 1);
}

#[tokio::test]
async fn an_end_that_is_asked_for_waits_for_requests_under_a_key() {
    let folder = tempfile::tempdir().unwrap();
    let (provider, receiver) = mpsc::channel(4);
    let reply = Reply::paced(receiver);
    let mut stage = Stage::configured(
        move |_: &Recorded| reply.clone(),
        json!([]),
        |mut config| {
            config["state"]["file"] = json!(folder.path().join("state.db"));
            config["limits"] = json!({ "drain_ms": 600_000 });
            config
        },
    )
    .await;
    let config: Value = serde_json::from_str(&std::fs::read_to_string(&stage.gateway.file).unwrap()).unwrap();
    let chunk = |text: &str, finish: Value| {
        let choice = json!({ "index": 0, "delta": { "content": text }, "finish_reason": finish });
        Bytes::from(format!("data: {}\n\n", json!({ "choices": [choice] })))
    };
    provider.send(chunk("one ", Value::Null)).await.unwrap();
    let client = stage.gateway.client();
    let request = client.request(Method::POST, "/v1/chat/completions").header("idempotency-key", "k");
    let mut open = soon("the head", client.open(request, ask_streamed("hi").to_string())).await.unwrap();
    soon("the first piece", open.until("one ")).await.unwrap();
    // The client goes away, and then the gateway is told to end.
    drop(open);
    stage.gateway.signal("TERM").await;
    stage.gateway.log.wait_for("\"draining\"").await;
    soon("the closing of the listener", async {
        while tokio::net::TcpStream::connect(stage.gateway.address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    provider.send(chunk("two", json!("stop"))).await.unwrap();
    provider.send("data: [DONE]\n\n".into()).await.unwrap();
    drop(provider);
    assert!(stage.gateway.exit().await.success());
    assert!(stage.gateway.log.text().contains("\"outcome\":\"answered\""), "{}", stage.gateway.log.text());
    stage.gateway = Gateway::start(&config).await;
    let again = keyed(&stage.gateway, "k", &ask_streamed("hi")).await;
    assert_eq!((again.text().as_str(), again.is_done()), ("one two", true));
    assert_eq!(stage.upstream.requests().len(), 1);
}

#[cfg(unix)]
fn owner_alone(file: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    for end in ["", "-wal"] {
        let mode = std::fs::metadata(format!("{}{end}", file.display())).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "answers are private");
    }
}

#[cfg(not(unix))]
fn owner_alone(_: &Path) {}

#[tokio::test]
async fn a_key_of_another_client_api_is_told_of_the_kill_in_its_own_words() {
    let folder = tempfile::tempdir().unwrap();
    let mut stage = Stage::configured(answer, json!([]), |mut config| {
        // State is beside the counters where nothing else is said.
        config["counters"]["file"] = json!(folder.path().join("counters.db"));
        config
    })
    .await;
    let body = json!({
        "model": "gpt-test", "max_tokens": 10, "messages": [{ "role": "user", "content": "hang" }],
    });
    let ask = async |gateway: &Gateway| {
        let client = gateway.client();
        let request = client.request(Method::POST, "/v1/messages").header("idempotency-key", "k");
        let open = client.open(request, body.to_string()).await.ok()?;
        open.rest().await.ok()
    };
    tokio::select! {
        _ = ask(&stage.gateway) => panic!("it hangs"),
        _ = stage.upstream.wait_for_requests(1) => {}
    }
    kill(&mut stage).await;
    let told = soon("an answer", ask(&stage.gateway)).await.unwrap();
    assert_eq!((told.status.as_u16(), &told.json()["type"]), (409, &json!("error")), "{}", told.body);
    assert!(told.body.contains("not known"), "{}", told.body);
    assert_eq!(stage.upstream.requests().len(), 1);
    assert!(folder.path().join("counters.db.state").exists());
}

#[tokio::test]
async fn a_canary_that_was_rolled_back_gets_nothing_after_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let new = Upstream::start(|_: &Recorded| Reply::error(500, "oops")).await.unwrap();
    let mut stage = Stage::configured(answer, json!([]), |config| {
        let mut config = with_provider(config, "new", &new);
        config["state"]["file"] = json!(folder.path().join("state.db"));
        config["routes"]["*"]["canary"] = json!({
            "targets": ["new/model"], "percent": 100, "by": "request",
            "roll_back": { "error_rate": 0.1, "min_attempts": 2 },
        });
        config
    })
    .await;
    for _ in 0..3 {
        assert_eq!(stage.chat(&ask("hi")).await.text(), "You said hi.");
    }
    assert_eq!(new.requests().len(), 2);
    everything_is_written(&stage.gateway).await;
    kill(&mut stage).await;
    let canary = async |stage: &Stage| {
        soon("the state", stage.gateway.admin().get("/routing")).await.unwrap().json()["canaries"][0].clone()
    };
    let state = canary(&stage).await;
    assert_eq!(state["rolled_back"], true);
    assert!(state["reason"].as_str().unwrap().contains("error rate"), "{state}");
    let metrics = stage.gateway.metrics().await;
    assert!((metrics.sum("lockgate_canary_rolled_back", &["acme"]) - 1.0).abs() < 0.1);
    stage.chat(&ask("hi")).await;
    assert_eq!(new.requests().len(), 2);
    let resumed = stage.gateway.admin().post("/routing/resume?tenant=acme&route=*", "").await.unwrap();
    assert_eq!(resumed.status, 200);
    everything_is_written(&stage.gateway).await;
    kill(&mut stage).await;
    assert_eq!(canary(&stage).await["rolled_back"], false);
}
