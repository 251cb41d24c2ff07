//! Embeddings: a canonical request as the Mistral API takes it.
//!
//! Source: Mistral API reference, "Embeddings".

use crate::options::Options;
use adapter_kit::Refusal;
use adapter_kit::request::Request;
use serde_json::{Map, Value};

/// Translates a request.
///
/// # Errors
/// What cannot be expressed, by the name of the parameter.
pub fn body(request: &str, model: &str, options: &Options) -> Result<Vec<u8>, Refusal> {
    let mut request = Request::parse(request, "Mistral API", options.drop_params)?;
    let input = request.take("input").ok_or("`input` is missing")?;
    if let Value::Array(items) = &input
        && !items.iter().all(Value::is_string)
    {
        return Err("the Mistral API cannot express `input` of token numbers".into());
    }
    let mut out = Map::new();
    out.insert("model".into(), model.into());
    out.insert("input".into(), input);
    request.pass("dimensions", "output_dimension", &mut out);
    request.rest(&mut out)?;
    serde_json::to_vec(&out).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::body;
    use crate::options::Options;
    use serde_json::{Value, json};

    #[test]
    fn embeddings() {
        let made = |request: Value| {
            let body = body(&request.to_string(), "m", &Options::default())?;
            serde_json::from_slice::<Value>(&body).map_err(|error| error.to_string())
        };
        assert_eq!(
            made(
                json!({ "model": "x", "input": ["a"], "dimensions": 8, "encoding_format": "base64", "user": "u" })
            ),
            Ok(json!({ "model": "m", "input": ["a"], "output_dimension": 8, "encoding_format": "base64" }))
        );
        assert!(made(json!({ "input": [[1, 2]] })).is_err_and(|why| why.contains("`input`")));
        assert!(made(json!({})).is_err());
    }
}
