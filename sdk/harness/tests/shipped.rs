//! The harness, on shipped components: a filter streams as it does whole, and the whole way masks and restores.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use lockgate_harness::{Decision, Harness, Recorded, Reply};
use serde_json::{Value, json};
use std::path::PathBuf;

/// A shipped component, as the file that an author would name.
fn component(folder: &tempfile::TempDir, name: &str) -> PathBuf {
    let file = folder.path().join(format!("{name}.wasm"));
    std::fs::write(&file, lockgate_bundle::find(name, None).unwrap().wasm).unwrap();
    file
}

fn ask(text: &str, stream: bool) -> Value {
    json!({ "model": "m", "stream": stream, "messages": [{ "role": "user", "content": text }] })
}

#[tokio::test]
async fn pii_mask_masks_and_its_streams_equal_its_whole_texts() {
    let folder = tempfile::tempdir().unwrap();
    let plugin = Harness::file(component(&folder, "pii-mask")).plugin().await.unwrap();
    let asked = plugin.on_request(ask("I am ada@example.org, or bob@example.org.", false)).await.unwrap();
    assert_eq!(asked.decision, Decision::Next);
    assert_eq!(asked.body["messages"][0]["content"], "I am <EMAIL_1>, or <EMAIL_2>.");
    assert_eq!(asked.flags, [("pii.email".to_owned(), "2".to_owned())]);
    assert_eq!(plugin.whole("Hello <EMAIL_2>!").await.unwrap(), "Hello bob@example.org!");
    for text in ["Hello <EMAIL_1> and <EMAIL_2>, not <EMAIL_3>", "<<EMAIL_1>>", "<EMAIL_", "é<EMAIL_1>é", ""]
    {
        plugin.assert_stream_equals_whole(text).await;
    }
}

#[tokio::test]
async fn content_filter_streams_as_it_does_whole_when_it_masks_and_when_it_stops() {
    let folder = tempfile::tempdir().unwrap();
    let rules = json!({ "words": ["swordfish"], "action": "mask" });
    let plugin = Harness::file(component(&folder, "content-filter")).config(rules).plugin().await.unwrap();
    plugin.on_request(ask("hi", true)).await.unwrap();
    let masked = plugin.whole("the Swordfish swims").await.unwrap();
    assert!(!masked.to_lowercase().contains("swordfish"), "{masked}");
    plugin.assert_stream_equals_whole("the Swordfish swims, swordfishes do not").await;
}

#[tokio::test]
async fn content_filter_scores_prompts_and_masks_sentences_of_streams() {
    let folder = tempfile::tempdir().unwrap();
    let component = component(&folder, "content-filter");
    let plugin = Harness::file(component.clone()).plugin().await.unwrap();
    let score = |flags: &[(String, String)]| {
        let score = flags.iter().find(|(name, _)| name == "content.score");
        score.map_or(0.0, |(_, score)| score.parse::<f64>().unwrap())
    };
    let threat = "I am going to kill him with a knife tonight.";
    let asked = plugin.on_request(ask(threat, false)).await.unwrap();
    assert_eq!(asked.decision, Decision::Next);
    assert!(score(&asked.flags) > 0.5, "{:?}", asked.flags);
    assert!(asked.flags.iter().any(|(name, _)| name == "content.violence"), "{:?}", asked.flags);
    let asked = plugin.on_request(ask("When does the museum open?", false)).await.unwrap();
    assert!(asked.flags.is_empty(), "nothing was found, so nothing is told: {:?}", asked.flags);
    let telling = Harness::file(component.clone()).config(json!({"scores": true})).plugin().await.unwrap();
    let asked = telling.on_request(ask("When does the museum open?", false)).await.unwrap();
    assert!(asked.flags.iter().any(|(name, _)| name == "content.score"), "{:?}", asked.flags);
    assert!(score(&asked.flags) < 0.2, "{:?}", asked.flags);

    let config = json!({ "profanity": "mask", "categories": { "violence": { "action": "mask" } } });
    let plugin = Harness::file(component).config(config).plugin().await.unwrap();
    plugin.on_request(ask("hi", true)).await.unwrap();
    let text = format!("Well, sh1t happens. {threat} The museum opens at nine, f u c k it.");
    assert_eq!(
        plugin.whole(&text).await.unwrap(),
        "Well, *** happens. *** The museum opens at nine, *** it."
    );
    plugin.assert_stream_equals_whole(&text).await;
}

#[tokio::test]
async fn behind_a_gateway_the_provider_sees_the_mask_and_the_client_its_own_words() {
    let folder = tempfile::tempdir().unwrap();
    let harness = Harness::file(component(&folder, "pii-mask"));
    let gateway = harness.gateway(|_: &Recorded| Reply::echo()).await.unwrap();
    for stream in [false, true] {
        let answer = gateway.ask(ask("write to ada@example.org today", stream)).await.unwrap();
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert!(answer.text().contains("ada@example.org"), "{}", answer.body);
    }
    for seen in gateway.provider_saw() {
        let sent = seen.json().to_string();
        assert!(sent.contains("<EMAIL_1>") && !sent.contains("ada@example.org"), "{sent}");
    }
}

#[tokio::test]
async fn what_cannot_be_loaded_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let wrong = Harness::file(component(&folder, "pii-mask")).config(json!({ "entities": ["shoe-size"] }));
    assert!(wrong.plugin().await.is_err());
    let ungranted = Harness::file(component(&folder, "semantic-cache")).plugin().await;
    let Err(error) = ungranted else { unreachable!("it imports what it is not granted") };
    assert!(error.to_string().contains("responses: true"), "{error}");
}
