//! Tests of the embedders.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use super::*;
use bytes::Bytes;
use parking_lot::Mutex;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::HashMap;

fn similarity(a: &str, b: &str) -> f32 {
    HashedEmbedder::vector(a).iter().zip(HashedEmbedder::vector(b)).map(|(x, y)| x * y).sum()
}

#[test]
fn paraphrases_score_above_unrelated_texts() {
    let groups = [
        [
            "How do I reset my password?",
            "how can i reset the password of my account",
            "Password reset: how does it work?",
        ],
        [
            "What is the capital of France?",
            "Tell me the capital city of France",
            "which city is France's capital",
        ],
        [
            "Cancel my subscription please",
            "I would like to cancel the subscription",
            "cancelling a subscription",
        ],
        [
            "Wie setze ich mein Passwort zurück?",
            "Mein Passwort zurücksetzen, wie?",
            "Passwort zurückgesetzt werden",
        ],
        ["東京の天気はどうですか", "東京の天気を教えて", "今日の東京の天気"],
    ];
    for (n, group) in groups.iter().enumerate() {
        let close: Vec<f32> =
            [(0, 1), (0, 2), (1, 2)].iter().map(|(a, b)| similarity(group[*a], group[*b])).collect();
        let worst = close.iter().copied().fold(1.0, f32::min);
        for other in groups.iter().enumerate().filter(|(m, _)| *m != n).flat_map(|(_, other)| other) {
            let far = group.iter().map(|text| similarity(text, other)).fold(-1.0, f32::max);
            assert!(worst > far + 0.1, "{group:?} {close:?} against {other:?} {far}");
        }
    }
}

#[test]
fn case_and_punctuation_do_not_matter_but_words_do() {
    assert!(similarity("Hello, World!", "hello world") > 0.999);
    assert!(similarity("refund order 1234", "refund order 9876") < 0.9);
    assert!(similarity("the cat bit the dog", "the dog bit the cat") < 0.999, "order matters a little");
}

#[test]
fn vectors_are_the_same_everywhere_and_always() {
    let vector = HashedEmbedder::vector("The quick brown fox, 42 times; naïve 東京.");
    let bits = vector.iter().fold(0_u64, |sum, number| sum.rotate_left(7) ^ u64::from(number.to_bits()));
    assert_eq!(bits, 14_458_129_770_209_677_287, "kept vectors would no longer be found");
}

#[test]
fn a_text_without_words_has_no_direction() {
    for text in ["", " \n", "?!", "🙂"] {
        assert!(HashedEmbedder::vector(text).iter().all(|number| *number == 0.0), "{text}");
    }
}

fn meaning(a: &str, b: &str) -> f32 {
    StaticEmbedder::vector(a).iter().zip(StaticEmbedder::vector(b)).map(|(x, y)| x * y).sum()
}

#[test]
fn the_table_gives_the_vectors_that_it_was_distilled_to() {
    let cases: Vec<Value> = serde_json::from_str(include_str!("reference.json")).unwrap();
    assert!(cases.len() >= 12);
    for case in cases {
        let expected: Vec<f64> = serde_json::from_value(case["vector"].clone()).unwrap();
        let vector = StaticEmbedder::vector(case["text"].as_str().unwrap());
        let length = expected.iter().map(|x| x * x).sum::<f64>().sqrt();
        let cosine = expected.iter().zip(&vector).map(|(x, y)| x * f64::from(*y)).sum::<f64>() / length;
        assert!(cosine > 0.999, "{cosine} for {}", case["text"]);
    }
}

#[test]
fn the_table_sees_meaning_beyond_letters() {
    for (text, near, far) in [
        ("repair the car", "fix the automobile", "prepare the cake"),
        ("the film was great", "an excellent movie", "the firm was late"),
        ("purchase a cheap flight", "buy inexpensive plane tickets", "a cheap purple light"),
    ] {
        assert!(
            meaning(text, near) > meaning(text, far) + 0.1,
            "{text}: {} {}",
            meaning(text, near),
            meaning(text, far)
        );
    }
    assert!(StaticEmbedder::vector(" \n\u{200b}").iter().all(|number| *number == 0.0));
    assert!(meaning(&"word ".repeat(100_000), "word") > 0.999, "a long text is cut");
}

/// Knows every piece of three bytes at most.
struct Short;

impl wordpiece::Vocabulary for Short {
    fn row(&self, hash: u32, continues: bool, piece: &[u8]) -> Option<usize> {
        (piece.len() <= 3).then(|| hash as usize * 2 + usize::from(continues))
    }
}

proptest! {
    #[test]
    fn rows_are_counted_as_they_stand(text in "([a-cA-C]{1,20}[ .é]?){0,30}") {
        let mut one_by_one: HashMap<usize, u32> = HashMap::new();
        wordpiece::each_row(&text, &Short, |row| *one_by_one.entry(row).or_default() += 1);
        let mut counted: HashMap<usize, u32> = HashMap::new();
        for (row, count) in wordpiece::counted_rows(&text, &Short) {
            *counted.entry(row).or_default() += count;
        }
        prop_assert_eq!(one_by_one, counted);
    }
}

struct Server {
    answer: Value,
    asked: Mutex<Vec<Value>>,
}

#[async_trait]
impl Fetch for &Server {
    async fn post(&self, path: &str, body: Bytes, limit: usize) -> Result<Bytes, FetchError> {
        assert_eq!(path, "/embeddings");
        let asked: Value = serde_json::from_slice(&body).unwrap();
        let count = asked["input"].as_array().unwrap().len();
        self.asked.lock().push(asked);
        let answer = match &self.answer {
            Value::Null => {
                let data: Vec<Value> =
                    (0..count).rev().map(|n| json!({ "index": n, "embedding": [n, 1.0] })).collect();
                json!({ "data": data }).to_string()
            }
            Value::String(raw) => raw.clone(),
            answer => answer.to_string(),
        };
        if answer.len() > limit { Err(FetchError::TooLarge(limit)) } else { Ok(answer.into()) }
    }
}

fn server(answer: Value) -> Server {
    Server { answer, asked: Mutex::default() }
}

fn texts(count: usize) -> Vec<String> {
    (0..count).map(|n| n.to_string()).collect()
}

#[tokio::test]
async fn a_server_is_asked_in_batches_and_its_vectors_are_put_in_order() {
    let server = server(Value::Null);
    let embedder = OpenAiEmbedder::new(&server, "small", 2).shortened();
    let vectors = embedder.embed(&texts(300)).await.unwrap();
    assert_eq!((vectors.len(), embedder.dimensions()), (300, 2));
    assert_eq!(vectors[0], [0.0, 1.0]);
    assert!((vectors[1][0] - 0.5_f32.sqrt()).abs() < 1e-6);
    assert_eq!(OpenAiEmbedder::new(&server, "m", 2).embed(&[]).await.unwrap().len(), 0);
    let asked = server.asked.lock();
    assert_eq!(
        asked.iter().map(|body| body["input"].as_array().unwrap().len()).collect::<Vec<_>>(),
        [256, 44]
    );
    assert_eq!((&asked[0]["model"], &asked[0]["dimensions"]), (&json!("small"), &json!(2)));
}

#[tokio::test]
async fn an_answer_that_is_not_what_was_asked_for_is_refused_whole() {
    let item = |index: usize, embedding: Value| json!({ "index": index, "embedding": embedding });
    for (answer, why) in [
        (json!({ "data": [item(0, json!([1, 0]))] }), "1 vectors for 2 texts"),
        (json!({ "data": [item(0, json!([1, 0])), item(0, json!([1, 0]))] }), "the index 0 twice"),
        (json!({ "data": [item(0, json!([1, 0])), item(2, json!([1, 0]))] }), "the index 2 twice, or out"),
        (json!({ "data": [item(0, json!([1, 0])), item(1, json!([1]))] }), "a vector of 1 dimensions"),
        (json!({ "data": [item(0, json!([1, 1e39])), item(1, json!([1, 0]))] }), "number out of range"),
        (json!({ "error": { "message": "no" } }), "missing field `data`"),
        (json!("<html>"), "expected value"),
        (json!("x".repeat(10_000)), "longer than"),
    ] {
        let server = server(answer);
        let error = OpenAiEmbedder::new(&server, "m", 2).embed(&texts(2)).await.unwrap_err();
        let told = std::error::Error::source(&error).map_or(error.to_string(), ToString::to_string);
        assert!(told.contains(why), "{told} is not {why}");
    }
}

proptest! {
    #[test]
    fn every_text_gives_a_unit_vector_or_none(text in "\\PC{0,80}") {
        let vector = HashedEmbedder::vector(&text);
        let length: f32 = vector.iter().map(|number| number * number).sum();
        prop_assert_eq!(vector.len(), HashedEmbedder.dimensions());
        prop_assert!(length == 0.0 || (length - 1.0).abs() < 1e-4);
        prop_assert_eq!(vector, HashedEmbedder::vector(&text));
    }

    #[test]
    fn every_text_gives_a_vector_of_the_table_or_none(text in "\\PC{0,80}|(\\w|[ÀŒßǅ가한京#'-]){0,30}") {
        let vector = StaticEmbedder::vector(&text);
        let length: f32 = vector.iter().map(|number| number * number).sum();
        prop_assert_eq!(vector.len(), StaticEmbedder.dimensions());
        prop_assert!(length == 0.0 || (length - 1.0).abs() < 1e-4);
    }

    #[test]
    fn no_answer_panics(answer in r#"\{"data":\[(\{"index":[0-9]{1,3},"embedding":\[[0-9.,e-]{0,9}\]\},?){0,3}\]\}"#) {
        let server = server(json!(answer));
        let embedder = OpenAiEmbedder::new(&server, "m", 2);
        let _ = tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(embedder.embed(&texts(1)));
    }
}
