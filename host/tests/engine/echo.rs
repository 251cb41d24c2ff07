//! Every hook is found, called, and given and taken what the contract says.
#![expect(clippy::expect_used, reason = "tests")]

use crate::support::{exchange, flag, house};
use lockgate::chat::{Event, TextAt, TextPart, channel};
use lockgate::plugin::*;
use lockgate_guests::ECHO;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

fn attrs(list: &[(&str, &str)]) -> Vec<(String, String)> {
    list.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

#[tokio::test]
async fn each_hook_is_found_in_the_exports() {
    let used = house().bind(ECHO, json!({}), |_| {}).await;
    assert!(Hook::ALL.into_iter().all(|hook| used.binding.has(hook)));
}

#[tokio::test]
async fn a_request_is_read_and_changed() {
    let config = json!({
        "from": "secret", "to": "[hidden]", "model": "other", "system": "Be brief.",
        "merge": "{\"temperature\":0.5,\"user\":\"u\"}",
    });
    let used = house().bind(ECHO, config, |_| {}).await;
    let x = exchange("a secret is a secret");
    assert_eq!(used.binding.on_request(&x).await, Ok(Decision::Next));
    let prompt = x.prompt();
    assert_eq!(prompt.model(), "other");
    assert_eq!(prompt.json("/temperature").as_deref(), Some("0.5"));
    let texts: Vec<String> = prompt.texts().into_iter().map(|part| part.text).collect();
    assert_eq!(texts, ["Be brief.", "a [hidden] is a [hidden]"]);
}

#[tokio::test]
async fn a_change_that_the_host_refuses_is_a_fault() {
    let used = house().bind(ECHO, json!({ "merge": "{\"stream\":true}" }), |_| {}).await;
    let failed = used.binding.on_request(&exchange("hello")).await.expect_err("the stream is the client's");
    assert_eq!(failed.fault().map(|(code, _)| code), Some("invalid"));
}

#[tokio::test]
async fn only_granted_facts_and_headers_are_seen() {
    let config = json!({
        "attrs": ["route.name", "client.ip", "principal.key"],
        "headers": ["x-lockgate-cache", "user-agent"],
    });
    let house = house();
    for granted in [false, true] {
        let grant = |settings: &mut BindingSettings| {
            if granted {
                settings.grants.attributes = vec!["client.ip".into()];
                settings.grants.headers = vec!["user-agent".into()];
            }
        };
        let used = house.bind(ECHO, config.clone(), grant).await;
        let x = exchange("hello");
        x.set_attr("route.name", "smart");
        x.set_attr("client.ip", "192.0.2.1");
        x.set_attr("principal.key", "web");
        assert_eq!(used.binding.on_request(&x).await, Ok(Decision::Next));
        let flag = |key| flag(&x, key).unwrap_or_default();
        assert_eq!((flag("route.name").as_str(), flag("principal.key").as_str()), ("smart", "-"));
        assert_eq!(flag("client.ip"), if granted { "192.0.2.1" } else { "-" });
        assert_eq!(flag("x-lockgate-cache"), "skip");
        assert_eq!(flag("user-agent"), if granted { "curl" } else { "" });
    }
}

#[tokio::test]
async fn targets_are_ranked() {
    let used = house().bind(ECHO, json!({}), |_| {}).await;
    let target = |id: &str| TargetView {
        id: id.into(),
        provider: "p".into(),
        model: "m".into(),
        signals: attrs(&[("weight", "1")]),
    };
    let targets = Arc::new(vec![target("a"), target("b"), target("c")]);
    let ranked = Ranked { order: vec![2, 1, 0], holds: Duration::ZERO };
    assert_eq!(used.binding.rank(&exchange("hello"), targets).await, Ok(ranked));
}

#[tokio::test]
async fn a_provider_is_spoken_to() {
    let used = house().bind(ECHO, json!({}), |_| {}).await;
    let x = exchange("hello");
    let call = used.binding.encode(&x, attrs(&[("model", "m")])).await.expect("it encodes");
    let CallBody::Bytes(body) = call.body else { unreachable!("it sends bytes") };
    assert!(String::from_utf8_lossy(&body).contains("hello"));
    assert_eq!((call.method.as_str(), call.path.as_str()), ("POST", "/echo"));
    let secret = HeaderValue::Secret { name: "api-key".into(), prefix: "Bearer ".into() };
    let model = HeaderValue::Text("m".into());
    assert_eq!(call.headers, [("authorization".to_owned(), secret), ("model".to_owned(), model)]);
    let frames = vec![Frame { event: String::new(), data: b"hi".to_vec() }];
    let events = used.binding.decode(&x, 200, &[], frames, true).await.expect("it decodes");
    let text = Event::Text { at: TextAt::new(0, 0, channel::CONTENT), text: "hi".into() };
    assert_eq!(events, [text, Event::Finish { choice: 0, reason: "stop".into() }]);
}

#[tokio::test]
async fn only_a_call_without_anything_of_its_exchange_holds_for_others() {
    let ways = [
        (true, Some("openai"), true),
        (true, Some("other"), false),
        (true, None, false),
        (false, Some("openai"), false),
    ];
    for (send_prompt, native, may_hold) in ways {
        let config = json!({ "hold_call": "same", "send_prompt": send_prompt, "native": native });
        let used = house().bind(ECHO, config, |_| {}).await;
        // The same instance says of one that it holds, and nothing of the next.
        for (text, says) in [("other", false), ("the same", true), ("other", false)] {
            let call = used.binding.encode(&exchange(text), attrs(&[("model", "m")])).await;
            assert_eq!(call.expect("it encodes").holds, may_hold && says, "{native:?}: {text}");
        }
    }
}

#[tokio::test]
async fn text_is_edited_and_the_edits_are_counted() {
    let used = house().bind(ECHO, json!({ "from": "b", "to": "xyz" }), |_| {}).await;
    let at = TextAt::new(0, 0, channel::CONTENT);
    let verdict = used.binding.inspect(&exchange("hello"), &at, "abcb", 0, true).await;
    let edit = |start| Edit { start, end: start + 1, to: "xyz".into() };
    assert_eq!(verdict, Ok(Verdict::Pass { safe: 4, edits: vec![edit(1), edit(3)] }));
    assert_eq!((used.counts.edits(), used.counts.outcome("ok")), (2, 1));
}

#[tokio::test]
async fn an_answer_is_judged() {
    let used = house().bind(ECHO, json!({ "from": "b", "to": "x" }), |_| {}).await;
    let part = |text: &str| TextPart {
        at: TextAt::new(0, 0, channel::CONTENT),
        role: "assistant".into(),
        text: text.into(),
    };
    let outcome = used.binding.on_response(&exchange("hello"), &[part("abc")], &[]).await;
    assert_eq!(outcome, Ok(Outcome::Replace(vec![part("axc")])));
}

#[tokio::test]
async fn an_observer_is_told() {
    let used = house().bind(ECHO, json!({}), |_| {}).await;
    let event = |exchange: &str| ObservedEvent {
        exchange: exchange.into(),
        kind: "exchange".into(),
        at_ms: 1,
        fields: Vec::new(),
    };
    assert_eq!(used.binding.observe(vec![event("x-1"), event("x-2")]).await, Ok(()));
    assert_eq!(used.counts.own("observed"), 2);
}

#[tokio::test]
async fn a_hook_that_is_not_exported_cannot_be_called() {
    let used = house().hostile("nothing", |_| {}).await;
    let failed = used.binding.observe(Vec::new()).await.expect_err("it does not observe");
    assert!(failed.message.contains("`observer`"), "{failed}");
}
