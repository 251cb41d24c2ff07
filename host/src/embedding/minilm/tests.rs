//! Tests of the model: a tiny one made here, and the real one where there is one.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use super::*;
use serde_json::{Map, Value, json};
use tempfile::TempDir;

const WIDTH: usize = 4;
const VOCABULARY: [&str; 5] = ["[CLS]", "[SEP]", "lock", "gate", "##keeper"];

/// The tensors of a network of one layer that adds nothing, so that its output can be told by hand.
fn tensors() -> Vec<(String, Vec<usize>, Vec<f32>)> {
    let zeros = |shape: &[usize]| vec![0.0; shape.iter().product()];
    let spread = |rows: usize, step: f32| -> Vec<f32> {
        (0..rows * WIDTH).map(|n| (f32::from(u16::try_from(n).unwrap()) * step).sin()).collect()
    };
    let mut list = vec![
        ("bert.embeddings.word_embeddings.weight".to_owned(), vec![5, WIDTH], spread(5, 1.3)),
        ("embeddings.position_embeddings.weight".to_owned(), vec![8, WIDTH], spread(8, 0.7)),
        ("embeddings.token_type_embeddings.weight".to_owned(), vec![2, WIDTH], zeros(&[2, WIDTH])),
    ];
    let layer = |part: &str| format!("encoder.layer.0.{part}");
    for part in
        ["attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense"]
    {
        list.push((layer(&format!("{part}.weight")), vec![WIDTH, WIDTH], zeros(&[WIDTH, WIDTH])));
        list.push((layer(&format!("{part}.bias")), vec![WIDTH], zeros(&[WIDTH])));
    }
    for (part, outputs, inputs) in [("intermediate.dense", 6, WIDTH), ("output.dense", WIDTH, 6)] {
        list.push((layer(&format!("{part}.weight")), vec![outputs, inputs], zeros(&[outputs, inputs])));
        list.push((layer(&format!("{part}.bias")), vec![outputs], zeros(&[outputs])));
    }
    let norms = ["attention.output.LayerNorm", "output.LayerNorm"].map(layer);
    for name in norms.into_iter().chain(["embeddings.LayerNorm".to_owned()]) {
        list.push((format!("{name}.weight"), vec![WIDTH], vec![1.0; WIDTH]));
        list.push((format!("{name}.bias"), vec![WIDTH], zeros(&[WIDTH])));
    }
    list
}

fn safetensors(tensors: &[(String, Vec<usize>, Vec<f32>)]) -> Vec<u8> {
    let (mut head, mut numbers) = (Map::new(), Vec::new());
    head.insert("__metadata__".into(), json!({ "format": "pt" }));
    for (name, shape, values) in tensors {
        let start = numbers.len();
        numbers.extend(values.iter().flat_map(|value| value.to_le_bytes()));
        let tensor = json!({ "dtype": "F32", "shape": shape, "data_offsets": [start, numbers.len()] });
        head.insert(name.clone(), tensor);
    }
    let head = serde_json::to_vec(&Value::Object(head)).unwrap();
    let mut file = u64::try_from(head.len()).unwrap().to_le_bytes().to_vec();
    file.extend(head);
    file.extend(numbers);
    file
}

fn config() -> Value {
    json!({ "hidden_size": WIDTH, "intermediate_size": 6, "max_position_embeddings": 8, "num_attention_heads": 2,
        "num_hidden_layers": 1, "layer_norm_eps": 1e-12, "vocab_size": 5 })
}

/// A folder with a model.
fn folder(config: &Value, vocabulary: &str, file: &[u8]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("config.json"), config.to_string()).unwrap();
    std::fs::write(folder.path().join("vocab.txt"), vocabulary).unwrap();
    std::fs::write(folder.path().join("model.safetensors"), file).unwrap();
    folder
}

fn tiny() -> MiniLmEmbedder {
    let folder = folder(&config(), &VOCABULARY.join("\n"), &safetensors(&tensors()));
    MiniLmEmbedder::load(folder.path()).unwrap()
}

async fn one(embedder: &MiniLmEmbedder, text: &str) -> Vec<f32> {
    embedder.embed(&[text.to_owned()]).await.unwrap().remove(0)
}

#[tokio::test]
async fn a_network_that_adds_nothing_gives_the_mean_of_its_pieces() {
    let embedder = tiny();
    let tensors = tensors();
    // "[CLS] gate ##keeper [SEP]"
    let mut expected = vec![0.0; WIDTH];
    for (place, piece) in [0, 3, 4, 1].into_iter().enumerate() {
        let row = |tensor: usize, at: usize| &tensors[tensor].2[at * WIDTH..(at + 1) * WIDTH];
        let sum: Vec<f32> = row(0, piece).iter().zip(row(1, place)).map(|(x, y)| x + y).collect();
        let mean = sum.iter().sum::<f32>() / 4.0;
        let deviation = (sum.iter().map(|x| (x - mean).powi(2)).sum::<f32>() / 4.0).sqrt();
        expected.iter_mut().zip(sum).for_each(|(total, x)| *total += (x - mean) / deviation);
    }
    crate::embedding::normalise(&mut expected);
    let vector = one(&embedder, "Gatekeeper").await;
    assert!(vector.iter().zip(&expected).all(|(x, y)| (x - y).abs() < 1e-5), "{vector:?} {expected:?}");
    assert_eq!(embedder.dimensions(), WIDTH);
}

#[tokio::test]
async fn it_sees_order_and_bounds_what_it_reads() {
    let embedder = tiny();
    let both = embedder.embed(&["lock gate".to_owned(), "gate lock".to_owned()]).await.unwrap();
    assert_ne!(both[0], both[1]);
    assert_eq!(one(&embedder, "?!").await, [0.0; WIDTH], "no piece of it is known");
    let long = one(&embedder, &"lock ".repeat(5_000)).await;
    assert_eq!(long, one(&embedder, &"lock ".repeat(6)).await, "eight places, two of them for marks");
    let _all: Vec<Place<'_>> = std::iter::from_fn(|| Place::take(&embedder.waiting)).collect();
    assert!(matches!(embedder.embed(&["lock".to_owned()]).await, Err(EmbedError::Busy)));
}

#[test]
fn what_is_no_such_model_is_refused_with_its_file() {
    let vocabulary = VOCABULARY.join("\n");
    let file = safetensors(&tensors());
    let refused = |config: &Value, vocabulary: &str, file: &[u8]| {
        let folder = folder(config, vocabulary, file);
        MiniLmEmbedder::load(folder.path()).unwrap_err().to_string()
    };
    let mut heads = config();
    heads["num_attention_heads"] = json!(3);
    let mut wide = config();
    wide["intermediate_size"] = json!(7);
    for (config, vocabulary, file, told) in [
        (json!({}), vocabulary.as_str(), &file[..], "hidden_size"),
        (heads, vocabulary.as_str(), &file[..], "do not fit"),
        (wide, vocabulary.as_str(), &file[..], "intermediate.dense"),
        (config(), "lock\ngate", &file[..], "[CLS]"),
        (config(), vocabulary.as_str(), &file[..4], "within its head"),
        (config(), vocabulary.as_str(), &[255; 64][..], "within its head"),
        (config(), vocabulary.as_str(), &file[..file.len() - 1], "outside the file"),
        (config(), vocabulary.as_str(), &safetensors(&tensors()[1..])[..], "word_embeddings"),
    ] {
        let error = refused(&config, vocabulary, file);
        assert!(error.contains(told), "{error}");
    }
    let nothing = tempfile::tempdir().unwrap();
    let error = MiniLmEmbedder::load(nothing.path()).unwrap_err().to_string();
    assert!(error.contains("config.json") && error.contains("cannot be read"), "{error}");
}

/// `LOCKGATE_MINILM=FOLDER cargo test -p lockgate --lib the_real_model -- --ignored`: all-MiniLM-L6-v2 gives what the
/// forward pass in `data/training/distil.py` gives.
#[tokio::test]
#[ignore = "needs the model"]
async fn the_real_model_gives_its_own_vectors() {
    let folder = std::env::var_os("LOCKGATE_MINILM").unwrap();
    let embedder = MiniLmEmbedder::load(Path::new(&folder)).unwrap();
    let vector = one(&embedder, "How do I reset my password?").await;
    let expected = [0.006_903_06, -0.063_023_42, -0.072_043_99, -0.032_496_1, -0.042_709_36, 0.070_429_4];
    assert!(vector.iter().zip(expected).all(|(x, y)| (x - y).abs() < 1e-5), "{vector:?}");
}
