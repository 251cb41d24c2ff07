//! However a provider cuts its stream, on the wire and in its deltas, the client reads what it would have
//! read whole: real components, real sockets, cuts inside characters and frames.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use crate::support::{Gateway, ask, ask_streamed, binding, config, soon};
use bytes::Bytes;
use lockgate_upstream::{Recorded, Reply, Upstream};
use parking_lot::Mutex;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::sync::mpsc;

const CASES: u32 = 48;

/// What the provider says next: the pieces of its text, and the bytes at which its stream is cut.
#[derive(Debug, Clone)]
struct Said {
    pieces: Vec<String>,
    cuts: Vec<prop::sample::Index>,
}

/// Several filters in a row, of which each may see what another left.
fn chain() -> Value {
    json!([
        binding("builtin:pii-mask", json!({})),
        binding("builtin:content-filter", json!({ "words": ["swordfish", "über", "a b"], "action": "mask" })),
        binding(
            "builtin:content-filter",
            json!({ "action": "mask", "mask_with": "[…]",
            "patterns": [{ "name": "ticket", "pattern": "[A-Z]{2,4}-[0-9]{1,4}" }] })
        ),
    ])
}

/// Text full of what the filters look for, whole and in part.
fn pieces() -> impl Strategy<Value = Vec<String>> {
    let piece = prop_oneof![
        4 => prop::sample::select(vec![
            "<EMAIL_1>", "<EMAIL", "_1>", "<", ">", "<EMAIL_2>", "sword", "fish", "swordfish", "über", "ü", "ber", "a b",
            "a", " ", "b", "AB-12", "AB", "-", "1234", "5", "🙂", "\n", "é", "e\u{301}", "\"", "\\",
        ]).prop_map(str::to_owned),
        1 => "[ -~é🙂]{0,6}",
    ];
    prop::collection::vec(piece, 1..12)
}

fn frames(pieces: &[String]) -> Vec<u8> {
    let chunk = |delta: Value, finish: Value| {
        let chunk = json!({ "choices": [{ "index": 0, "delta": delta, "finish_reason": finish }] });
        format!("data: {chunk}\n\n")
    };
    let texts =
        pieces.iter().map(|piece| chunk(json!({ "content": piece }), Value::Null)).collect::<String>();
    format!("{texts}{}data: [DONE]\n\n", chunk(json!({}), json!("stop"))).into_bytes()
}

fn reply(said: &Said, streaming: bool) -> Reply {
    if !streaming {
        return Reply::chunks(said.pieces.clone());
    }
    let bytes = frames(&said.pieces);
    let mut cuts: Vec<usize> = said.cuts.iter().map(|cut| cut.index(bytes.len())).collect();
    cuts.extend([0, bytes.len()]);
    cuts.sort_unstable();
    let (sender, receiver) = mpsc::channel(cuts.len());
    for pair in cuts.windows(2) {
        let piece = bytes[pair[0]..pair[1]].to_vec();
        if !piece.is_empty() {
            sender.try_send(Bytes::from(piece)).unwrap();
        }
    }
    Reply::paced(receiver)
}

#[test]
fn streamed_answers_equal_whole_ones_for_every_cut() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let next: Arc<Mutex<Option<Said>>> = Arc::default();
    let script = next.clone();
    let (_upstream, gateway) = runtime.block_on(async {
        let handler = move |request: &Recorded| {
            let said = script.lock().clone().unwrap();
            reply(&said, request.json()["stream"] == true)
        };
        let upstream = Upstream::start(handler).await.unwrap();
        let gateway = Gateway::start(&config(&upstream, chain())).await;
        (upstream, gateway)
    });
    let said = (pieces(), prop::collection::vec(any::<prop::sample::Index>(), 0..8));
    let said = said.prop_map(|(pieces, cuts)| Said { pieces, cuts });
    let config = Config { cases: CASES, failure_persistence: None, ..Config::default() };
    let tried = TestRunner::new(config).run(&said, |said| {
        *next.lock() = Some(said);
        let (whole, streamed) = runtime.block_on(async {
            let client = gateway.client();
            let whole = soon("an answer", client.chat(&ask("I am ada@example.org"))).await.unwrap();
            let streamed =
                soon("a stream", client.chat(&ask_streamed("I am ada@example.org"))).await.unwrap();
            (whole, streamed)
        });
        prop_assert_eq!(whole.status.as_u16(), 200);
        prop_assert!(streamed.is_done(), "{}", streamed.body);
        prop_assert_eq!(streamed.text(), whole.text());
        Ok(())
    });
    tried.unwrap();
}
