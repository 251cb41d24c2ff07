//! Changes: proved before they serve, taken up without a pause, refused with their reasons.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use crate::support::{Stage, ask, ask_streamed, binding, config, soon, with};
use bytes::Bytes;
use http::Method;
use lockgate_guests::{ECHO, HOSTILE};
use lockgate_upstream::{Recorded, Reply};
use serde_json::{Value, json};
use tokio::sync::mpsc;

/// A provider that streams at the test's pace when asked to `wait`, and repeats what is said otherwise.
fn provider(paced: Reply) -> impl Fn(&Recorded) -> Reply + Send + Sync {
    move |request: &Recorded| {
        if request.last_user_text().contains("wait") { paced.clone() } else { Reply::text("a word") }
    }
}

fn replacing(to: &str) -> Value {
    json!([with(binding("words", json!({ "from": "word", "to": to })), "streams", json!("observe"))])
}

fn chunk(text: &str, finish: Value) -> Bytes {
    let chunk = json!({ "choices": [{ "index": 0, "delta": { "content": text }, "finish_reason": finish }] });
    Bytes::from(format!("data: {chunk}\n\n"))
}

/// A gateway whose chain replaces `word` in answers, and a stream of it that is under way.
async fn streaming(folder: &std::path::Path) -> (Stage, mpsc::Sender<Bytes>, lockgate_client::Open) {
    let component = folder.join("words.wasm");
    std::fs::write(&component, ECHO).unwrap();
    let (sender, receiver) = mpsc::channel(4);
    let stage = Stage::configured(provider(Reply::paced(receiver)), replacing("old"), |mut config| {
        config["plugins"] = json!({ "words": { "source": component } });
        config
    })
    .await;
    sender.send(chunk("one word, ", Value::Null)).await.unwrap();
    let client = stage.gateway.client();
    let request = client.request(Method::POST, "/v1/chat/completions");
    let mut open = client.open(request, ask_streamed("wait").to_string()).await.unwrap();
    soon("the first piece", open.until("one old, ")).await.unwrap();
    (stage, sender, open)
}

async fn finish(sender: mpsc::Sender<Bytes>, open: lockgate_client::Open) -> String {
    sender.send(chunk("another word", Value::Null)).await.unwrap();
    sender.send(chunk("", json!("stop"))).await.unwrap();
    drop(sender);
    let answer = soon("the end", open.rest()).await.unwrap();
    assert!(answer.is_done(), "{}", answer.body);
    answer.text()
}

fn changed(stage: &Stage, chain: Value) -> Value {
    let text = std::fs::read_to_string(&stage.gateway.file).unwrap();
    let mut changed: Value = serde_json::from_str(&text).unwrap();
    changed["chains"]["tested"] = chain;
    changed
}

#[tokio::test]
async fn new_exchanges_get_the_new_chain_and_open_streams_finish_on_the_old_one() {
    let folder = tempfile::tempdir().unwrap();
    let (stage, sender, open) = streaming(folder.path()).await;
    let reloaded = stage.gateway.reload(&changed(&stage, replacing("new"))).await;
    assert_eq!((reloaded.status.as_u16(), reloaded.json()), (200, json!({ "generation": 2 })));
    assert_eq!(stage.chat(&ask("hi")).await.text(), "a new");
    assert_eq!(finish(sender, open).await, "one old, another old");
    assert_eq!(stage.chat(&ask_streamed("hi")).await.text(), "a new");
}

#[tokio::test]
async fn a_bad_change_is_refused_with_every_reason_and_the_old_one_serves() {
    let folder = tempfile::tempdir().unwrap();
    let (stage, sender, open) = streaming(folder.path()).await;
    let good = changed(&stage, replacing("new"));
    let mut faulty = good.clone();
    faulty["routes"]["*"]["targets"] = json!(["openay/*"]);
    faulty["limits"] = json!({ "max_body_byte": 3 });
    let refused = stage.gateway.reload(&faulty).await;
    assert_eq!((refused.status.as_u16(), refused.error("code").as_str()), (422, "configuration_refused"));
    let faults = refused.json()["error"]["faults"].as_array().unwrap().clone();
    assert!(faults.len() >= 2, "{faults:?}");
    assert!(faults.iter().all(|fault| fault["line"].is_u64()), "{faults:?}");
    assert!(refused.body.contains("openai") && refused.body.contains("max_body_bytes"), "{}", refused.body);
    for (component, why) in [(&b"not a component"[..], "cannot be loaded"), (HOSTILE, "unknown field `from`")]
    {
        std::fs::write(folder.path().join("words.wasm"), component).unwrap();
        let refused = stage.gateway.reload(&good).await;
        assert_eq!(refused.status, 422, "{}", refused.body);
        assert!(refused.body.contains(why), "{}", refused.body);
    }
    let mut unconfigurable = good.clone();
    std::fs::write(folder.path().join("words.wasm"), ECHO).unwrap();
    unconfigurable["chains"]["tested"][0]["config"] = json!({ "form": "a misspelt key" });
    let refused = stage.gateway.reload(&unconfigurable).await;
    assert_eq!(refused.status, 422, "{}", refused.body);
    assert!(refused.body.contains("form"), "{}", refused.body);
    assert_eq!(stage.chat(&ask("hi")).await.text(), "a old");
    assert_eq!(finish(sender, open).await, "one old, another old");
    assert_eq!(stage.gateway.reload(&good).await.status, 200);
    assert_eq!(stage.chat(&ask("hi")).await.text(), "a new");
}

#[tokio::test]
async fn sighup_takes_up_a_change() {
    let stage = Stage::start(provider(Reply::hang()), json!([])).await;
    let masking =
        binding("builtin:content-filter", json!({ "words": ["word"], "action": "mask", "mask_with": "#" }));
    stage.gateway.write(&changed(&stage, json!([masking])));
    stage.gateway.signal("HUP").await;
    stage.gateway.log.wait_for("a new configuration serves").await;
    assert_eq!(stage.chat(&ask("hi")).await.text(), "a #");
}

#[tokio::test]
async fn a_changed_plugin_file_is_taken_up_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    let component = folder.path().join("words.wasm");
    std::fs::write(&component, ECHO).unwrap();
    let stage = Stage::configured(provider(Reply::hang()), replacing("old"), |mut config| {
        config["plugins"] = json!({ "words": { "source": component } });
        config["watch"] = json!(true);
        config
    })
    .await;
    assert_eq!(stage.chat(&ask("hi")).await.text(), "a old");
    // A broken file is refused, and what serves goes on serving.
    std::fs::write(&component, b"half a comp").unwrap();
    stage.gateway.log.wait_for("the new configuration is refused").await;
    assert_eq!(stage.chat(&ask("hi")).await.text(), "a old");
    // The content filter, under the old name: another program, another configuration.
    let filter = lockgate_bundle::find("content-filter", None).unwrap().wasm;
    let staged = folder.path().join("staged.wasm");
    std::fs::write(&staged, filter).unwrap();
    let masking = binding("words", json!({ "words": ["word"], "action": "mask", "mask_with": "#" }));
    stage.gateway.write(&changed(&stage, json!([masking])));
    std::fs::rename(&staged, &component).unwrap();
    stage.gateway.log.wait_for("a new configuration serves").await;
    assert_eq!(stage.chat(&ask("hi")).await.text(), "a #");
}

#[tokio::test]
async fn a_pinned_digest_must_be_that_of_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let (stage, sender, open) = streaming(folder.path()).await;
    let mut pinned = config(&stage.upstream, replacing("new"));
    let component = folder.path().join("words.wasm");
    pinned["plugins"] =
        json!({ "words": { "source": component, "digest": format!("sha256:{}", "0".repeat(64)) } });
    let refused = stage.gateway.reload(&pinned).await;
    assert_eq!(refused.status, 422);
    assert!(refused.body.contains("digest"), "{}", refused.body);
    assert_eq!(finish(sender, open).await, "one old, another old");
}
