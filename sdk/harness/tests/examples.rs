//! The example plugins, built as their author would: plain `cargo build`, then named by file.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use lockgate_harness::{Harness, Recorded, Reply};
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
