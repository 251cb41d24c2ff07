//! How long a judgement takes. Run with `cargo test --release -p output-validator speed -- --ignored --nocapture`.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "tests")]

use super::{Wish, judge};
use crate::schema::{Compiler, Draft};
use crate::stream::{State, check, tops_from_bytes, tops_to_bytes};
use crate::toplevel::TopLevel;
use serde_json::json;
use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::{Duration, Instant};

fn per_call(mut call: impl FnMut()) -> Duration {
    let started = Instant::now();
    for _ in 0..2_000 {
        call();
    }
    started.elapsed() / 2_000
}

#[test]
#[ignore = "measures, and needs --release"]
fn two_kilobytes() {
    let schema = json!({
        "type": "object", "required": ["id", "items"], "additionalProperties": false,
        "properties": {
            "id": {"type": "string", "pattern": "^[a-z0-9-]+$"},
            "items": {"type": "array", "items": {
                "type": "object", "required": ["name", "price", "tags"], "additionalProperties": false,
                "properties": {
                    "name": {"type": "string", "minLength": 1, "maxLength": 80},
                    "price": {"type": "number", "minimum": 0},
                    "tags": {"type": "array", "items": {"enum": ["a", "b", "c"]}},
                    "kind": {"anyOf": [{"const": "x"}, {"const": "y"}]},
                },
            }},
        },
    });
    let item = |n: u32| {
        json!({"name": format!("item number {n} of this list"), "price": f64::from(n) * 1.5,
               "tags": ["a", "b"], "kind": "y"})
    };
    let value = json!({"id": "abc-123", "items": (0..26).map(item).collect::<Vec<_>>()});
    let compiler = Compiler::new(BTreeMap::new(), false, Draft::default());
    let text = schema.to_string();
    let wish = Wish { json: true, schemas: vec![compiler.cached(&text).unwrap()], ..Wish::default() };
    let answer = value.to_string();
    let wrong = answer.replace("\"y\"", "\"z\"");
    let fenced = format!("Here:\n```json\n{}\n```", answer.replace('"', "'").replace("]}", ",]}"));
    println!("answer: {} bytes", answer.len());
    println!("compile a schema: {:?}", per_call(|| drop(black_box(compiler.compile(&schema)))));
    println!("compiled already: {:?}", per_call(|| drop(black_box(compiler.cached(&text)))));
    println!("valid: {:?}", per_call(|| drop(black_box(judge(&answer, &wish)))));
    println!("wrong, told: {:?}", per_call(|| drop(black_box(judge(&wrong, &wish)))));
    println!("mended: {:?}", per_call(|| drop(black_box(judge(&fenced, &wish)))));
    let tops = tops_to_bytes(&[TopLevel::of(&schema)]);
    let whole = per_call(|| {
        black_box(check(&mut State::default(), &answer, true, || tops_from_bytes(&tops)));
    });
    println!("checked as one window: {whole:?}");
    let pieces: Vec<&str> = answer.split_inclusive(' ').collect();
    let cut = per_call(|| {
        let mut state = State::default();
        for piece in &pieces {
            state = State::from_bytes(&state.to_bytes());
            black_box(check(&mut state, piece, false, || tops_from_bytes(&tops)));
        }
    });
    println!("checked as {} windows: {:?} each", pieces.len(), cut / u32::try_from(pieces.len()).unwrap());
}
