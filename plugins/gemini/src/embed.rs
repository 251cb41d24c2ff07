//! Embeddings on Vertex AI: a canonical request as `:predict` takes it, and its answer in the canonical shape.
//!
//! The Gemini API has a path for OpenAI's own shape; Vertex AI has not.
//! Invariant: there is an embedding for each text, in its place, or an error.
//! Source: Google Cloud, "Text embeddings API".

use adapter_kit::Refusal;
use adapter_kit::event::Events;
use adapter_kit::number::count;
use adapter_kit::request::Request;
use lockgate_sdk::prelude::Usage;
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// Translates a request.
///
/// # Errors
/// What cannot be expressed, by the name of the parameter.
pub fn body(request: &str, drop: bool) -> Result<Vec<u8>, Refusal> {
    let mut request = Request::parse(request, "Vertex AI", drop)?;
    let texts = match request.take("input") {
        Some(Value::Array(texts)) if texts.iter().all(Value::is_string) => texts,
        Some(text @ Value::String(_)) => vec![text],
        Some(_) => return Err("Vertex AI cannot express `input` of anything but texts".into()),
        None => return Err("`input` is missing".into()),
    };
    let purpose = request.take("task_type").or_else(|| request.take("input_type"));
    let instances = texts.into_iter().map(|text| {
        let mut instance = Map::from_iter([("content".to_owned(), text)]);
        instance.extend(purpose.clone().map(|purpose| ("task_type".to_owned(), purpose)));
        Value::Object(instance)
    });
    let mut parameters = Map::new();
    request.pass("dimensions", "outputDimensionality", &mut parameters);
    if request.take("encoding_format").is_some_and(|format| format != "float") {
        request.cannot("encoding_format", "of anything but `float`")?;
    }
    let mut out = json!({ "instances": instances.collect::<Vec<_>>() });
    if let Value::Object(out) = &mut out {
        if !parameters.is_empty() {
            out.insert("parameters".into(), parameters.into());
        }
        request.rest(out)?;
    }
    serde_json::to_vec(&out).map_err(|error| error.to_string())
}

#[derive(Deserialize)]
struct Answer {
    predictions: Vec<Prediction>,
}

#[derive(Deserialize)]
struct Prediction {
    embeddings: Embedding,
}

#[derive(Deserialize)]
struct Embedding {
    values: Vec<f64>,
    #[serde(default)]
    statistics: Statistics,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Statistics {
    #[serde(deserialize_with = "count")]
    token_count: u64,
}

/// Tells an answer as a canonical document.
pub fn told(data: &[u8], model: &str, events: &mut Events) {
    let answer: Answer = match serde_json::from_slice(data) {
        Ok(answer) => answer,
        Err(error) => return events.bad_frame(&error.to_string()),
    };
    let tokens: u64 = answer.predictions.iter().map(|one| one.embeddings.statistics.token_count).sum();
    let data = answer.predictions.into_iter().enumerate().map(
        |(index, one)| json!({ "object": "embedding", "index": index, "embedding": one.embeddings.values }),
    );
    let document = json!({
        "object": "list", "data": data.collect::<Vec<_>>(), "model": model,
        "usage": { "prompt_tokens": tokens, "total_tokens": tokens },
    });
    events.usage(Usage {
        input: tokens,
        output: 0,
        cache_read: 0,
        cache_write: 0,
        reasoning: 0,
        extra: Vec::new(),
    });
    events.facts(&[("body", &document.to_string())]);
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::body;
    use serde_json::{Value, json};

    fn made(request: Value) -> Result<Value, String> {
        body(&request.to_string(), false).map(|bytes| serde_json::from_slice(&bytes).unwrap())
    }

    #[test]
    fn requests() {
        let request = json!({ "model": "m", "input": ["a", "b"], "dimensions": 8, "task_type": "CLUSTERING",
                              "encoding_format": "float", "user": "u" });
        let instance = |text: &str| json!({ "content": text, "task_type": "CLUSTERING" });
        let expected = json!({ "instances": [instance("a"), instance("b")], "parameters": { "outputDimensionality": 8 } });
        assert_eq!(made(request), Ok(expected));
        assert_eq!(made(json!({ "input": "a" })), Ok(json!({ "instances": [{ "content": "a" }] })));
        for (bad, why) in [
            (json!({ "input": [[1]] }), "`input`"),
            (json!({}), "`input`"),
            (json!({ "input": "a", "encoding_format": "base64" }), "`encoding_format`"),
        ] {
            assert!(made(bad).unwrap_err().contains(why));
        }
    }
}
