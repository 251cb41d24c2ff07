//! Reranking: a request in the shape that Cohere and Jina share, as the Cohere API takes it.
//!
//! Invariants: documents keep their places, because the answer names them by these; `return_documents` is the
//! host's to fulfil, the API does not know it any more.
//! Source: Cohere API reference, "Rerank", v2.

use crate::API;
use crate::options::Options;
use adapter_kit::Refusal;
use adapter_kit::request::Request;
use serde_json::{Map, Value};

/// Translates a request.
///
/// # Errors
/// What cannot be expressed, by the name of the parameter or the place of the document.
pub fn body(request: &str, model: &str, options: &Options) -> Result<Vec<u8>, Refusal> {
    let mut request = Request::parse(request, API, options.drop_params)?;
    let query = request.take("query").filter(Value::is_string).ok_or("`query` is missing or not a text")?;
    let Some(Value::Array(documents)) = request.take("documents") else {
        return Err("`documents` is missing or not a list".into());
    };
    let documents: Vec<Value> = documents.into_iter().enumerate().map(document).collect::<Result<_, _>>()?;
    let mut out = Map::new();
    out.insert("model".into(), model.into());
    out.insert("query".into(), query);
    out.insert("documents".into(), documents.into());
    request.take("return_documents");
    // What only v1 knew.
    for name in ["rank_fields", "max_chunks_per_doc"] {
        if request.take(name).is_some() {
            request.cannot(name, "")?;
        }
    }
    request.rest(&mut out)?;
    serde_json::to_vec(&out).map_err(|error| error.to_string())
}

/// A document as text: its own, or that of its fields (JSON is YAML, too, which the API reads best).
fn document((index, document): (usize, Value)) -> Result<Value, Refusal> {
    match document {
        Value::String(text) => Ok(text.into()),
        Value::Object(mut fields) => Ok(match fields.shift_remove("text") {
            Some(Value::String(text)) => text.into(),
            Some(other) => {
                fields.insert("text".into(), other);
                Value::Object(fields).to_string().into()
            }
            None => Value::Object(fields).to_string().into(),
        }),
        _ => Err(format!("`documents[{index}]` is neither a text nor an object")),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::body;
    use crate::options::Options;
    use adapter_kit::testing::spoilt;
    use serde_json::{Value, json};

    fn with(request: &Value, drop_params: bool) -> Result<Value, String> {
        let options = Options { drop_params, ..Options::default() };
        body(&request.to_string(), "m", &options).map(|bytes| serde_json::from_slice(&bytes).unwrap())
    }

    #[test]
    fn reranking() {
        let request = json!({
            "model": "x", "query": "q", "top_n": 2, "max_tokens_per_doc": 512, "return_documents": true, "user": "u",
            "documents": ["a", { "text": "b", "id": 1 }, { "title": "c", "n": 1 }], "priority": 3,
        });
        assert_eq!(
            with(&request, false),
            Ok(
                json!({ "model": "m", "query": "q", "documents": ["a", "b", "{\"title\":\"c\",\"n\":1}"], "top_n": 2,
                       "max_tokens_per_doc": 512, "priority": 3 })
            )
        );
    }

    #[test]
    fn what_cannot_be_expressed_is_refused_by_name_or_dropped_on_request() {
        for (request, name) in [
            (json!({ "documents": ["a"] }), "`query`"),
            (json!({ "query": 1, "documents": ["a"] }), "`query`"),
            (json!({ "query": "q" }), "`documents`"),
            (json!({ "query": "q", "documents": ["a", 1] }), "`documents[1]`"),
        ] {
            let error = with(&request, false).unwrap_err();
            assert!(error.contains(name), "{error}");
        }
        let request = json!({ "query": "q", "documents": ["a"], "rank_fields": ["x"] });
        assert!(with(&request, false).unwrap_err().contains("`rank_fields`"));
        assert_eq!(with(&request, true).unwrap().get("rank_fields"), None);
    }

    #[test]
    fn hostile_requests_are_answered_or_refused() {
        let sample = json!({ "query": "q", "documents": ["a", { "text": "b" }, { "c": "d" }], "top_n": 1,
                             "return_documents": true, "rank_fields": [] });
        for request in spoilt(&sample) {
            let _ = with(&request, true);
        }
    }
}
