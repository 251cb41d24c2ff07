//! The example plugins, built as their author would: plain `cargo build`, then named by file.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use lockgate_harness::{CREDENTIAL, Harness, Recorded, Reply};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Builds the examples, unless they are built already, and names one component.
fn component(name: &str) -> PathBuf {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/plugins");
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("examples");
    let mut build = Command::new(env!("CARGO"));
    build.args(["build", "--target", "wasm32-wasip2", "--release", "--locked", "--quiet"]);
    build.current_dir(examples).env("CARGO_TARGET_DIR", &target);
    // What the outer cargo was told is not for wasm.
    for (flags, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().contains("RUSTFLAGS")) {
        build.env_remove(flags);
    }
    let output = build.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    target.join("wasm32-wasip2/release").join(name).with_extension("wasm")
}

fn ask(text: &str, stream: bool) -> Value {
    json!({ "model": "m", "stream": stream, "messages": [{ "role": "user", "content": text }] })
}

#[tokio::test]
async fn shout_acts_on_whole_answers_and_on_streams() {
    let shout = Harness::file(component("shout"));
    let plugin = shout.plugin().await.unwrap();
    for text in ["quietly", "straße, naïve, ŉ", ""] {
        plugin.assert_stream_equals_whole(text).await;
    }
    let gateway = shout.gateway(|_: &Recorded| Reply::text("be quiet, please")).await.unwrap();
    for stream in [false, true] {
        let answer = gateway.ask(ask("hi", stream)).await.unwrap();
        assert_eq!((answer.status.as_u16(), answer.text().as_str()), (200, "BE QUIET, PLEASE"));
    }
}

#[tokio::test]
async fn house_style_asks_for_its_words_and_puts_them_in_place() {
    let say = json!({ "say": { "utilise": "use", "user": "customer", "use case": "need" } });
    let house = Harness::file(component("house_style")).config(say);
    let plugin = house.plugin().await.unwrap();
    assert_eq!(plugin.whole("utilise it, user: a use case").await.unwrap(), "use it, customer: a need");
    for text in ["utilise it, user: a use case", "use use cas usutilise", "é utilis", ""] {
        plugin.assert_stream_equals_whole(text).await;
    }
    let gateway = house.gateway(|_: &Recorded| Reply::text("we utilise words")).await.unwrap();
    for stream in [false, true] {
        let answer = gateway.ask(ask("hi", stream)).await.unwrap();
        assert_eq!(answer.text(), "we use words");
    }
    for seen in gateway.provider_saw() {
        let first = &seen.json()["messages"][0];
        assert_eq!(first["role"], "system");
        assert!(first["content"].as_str().unwrap().contains("\"use\" instead of \"utilise\""));
    }
}

#[tokio::test]
async fn house_style_says_what_is_wrong_with_its_configuration() {
    let wrong = Harness::file(component("house_style")).config(json!({ "say": { "": "x" } }));
    let Err(error) = wrong.plugin().await else { unreachable!("it must refuse the empty text") };
    assert!(error.to_string().contains("the empty text cannot be replaced"), "{error}");
}

/// The provider that does not exist, as its documentation has it.
fn squawks(request: &Recorded) -> Reply {
    let body = request.json();
    let heard = request.last_user_text();
    assert!(heard.is_empty(), "no other provider's language");
    if body["lines"][0]["says"] == "bite" {
        return Reply::raw(418, "application/json", r#"{"squawk":"Ouch!"}"#);
    }
    if body["live"] == true {
        let frames =
            ["{\"bit\":\"Hello \"}", "{\"bit\":\"there\"}", "{\"over\":true,\"heard\":2,\"spoken\":3}"];
        let stream: String = frames.iter().map(|frame| format!("data: {frame}\n\n")).collect();
        return Reply::raw(200, "text/event-stream", stream);
    }
    Reply::raw(200, "application/json", r#"{"said":"Hello there","heard":2,"spoken":3}"#)
}

#[tokio::test]
async fn parrot_makes_a_provider_that_nobody_knew_answer_openai_clients() {
    let gateway = Harness::file(component("parrot")).adapter(squawks).await.unwrap();
    for stream in [false, true] {
        let mut question = ask("Hi", stream);
        question["temperature"] = json!(0.5);
        question["stream_options"] = if stream { json!({ "include_usage": true }) } else { Value::Null };
        let answer = gateway.ask(question).await.unwrap();
        assert_eq!((answer.status.as_u16(), answer.text().as_str()), (200, "Hello there"), "{}", answer.body);
        let told = if stream { answer.events().pop().unwrap() } else { answer.json() };
        assert_eq!(told["usage"]["total_tokens"], 5);
    }
    let seen = gateway.provider_saw();
    assert_eq!((seen[0].path.as_str(), seen[0].header("x-parrot-key")), ("/say", Some(CREDENTIAL)));
    assert_eq!(
        seen[0].json(),
        json!({ "voice": "m", "lines": [{ "who": "visitor", "says": "Hi" }], "live": false, "pitch": 0.5 })
    );
    let bitten = gateway.ask(ask("bite", false)).await.unwrap();
    assert_eq!((bitten.status.as_u16(), bitten.error("message").as_str()), (418, "Ouch!"));
    let mut loud = ask("Hi", false);
    loud["temperature"] = json!(2);
    let refused = gateway.ask(loud).await.unwrap();
    assert_eq!((refused.status.as_u16(), refused.error("code").as_str()), (400, "unsupported_parameter"));
    assert!(refused.error("message").contains("`temperature` outside 0 to 1"), "{}", refused.body);
}
