//! Embeddings: a canonical request as the Cohere API takes it.
//!
//! Invariant: embeddings of one type are asked for, because an answer in OpenAI's shape holds one for each input.
//! Source: Cohere API reference, "Embed", v2.

use crate::API;
use crate::options::Options;
use adapter_kit::Refusal;
use adapter_kit::request::Request;
use serde_json::{Map, Value, json};

/// Cohere's own names for what is to be embedded.
const OWN_INPUTS: &[&str] = &["texts", "inputs", "images"];

/// Translates a request.
///
/// # Errors
/// What cannot be expressed, by the name of the parameter.
pub fn body(request: &str, model: &str, options: &Options) -> Result<Vec<u8>, Refusal> {
    let mut request = Request::parse(request, API, options.drop_params)?;
    request.exact("cohere");
    let mut out = Map::new();
    out.insert("model".into(), model.into());
    input(&mut request, &mut out)?;
    let input_type = request.take("input_type").unwrap_or_else(|| json!(options.input_type));
    out.insert("input_type".into(), input_type);
    out.insert("embedding_types".into(), json!([kind(&mut request)?]));
    request.pass("dimensions", "output_dimension", &mut out);
    // How much of each text is read: not OpenAI's parameter of that name, which embeddings do not have.
    request.pass("max_tokens", "max_tokens", &mut out);
    request.rest(&mut out)?;
    serde_json::to_vec(&out).map_err(|error| error.to_string())
}

fn input(request: &mut Request, out: &mut Map<String, Value>) -> Result<(), Refusal> {
    let texts = match request.take("input") {
        Some(Value::String(text)) => vec![text.into()],
        Some(Value::Array(items)) if items.iter().all(Value::is_string) => items,
        Some(Value::Array(items)) => {
            let inputs: Result<Vec<Value>, Refusal> = items.into_iter().map(part).collect();
            out.insert("inputs".into(), inputs?.into());
            return Ok(());
        }
        Some(_) => return Err("`input` is neither a text nor a list of texts".into()),
        None => {
            let own = OWN_INPUTS.iter().filter_map(|name| Some((*name, request.take(name)?)));
            let own: Vec<(&str, Value)> = own.collect();
            if own.is_empty() {
                return Err("`input` is missing".into());
            }
            out.extend(own.into_iter().map(|(name, value)| (name.to_owned(), value)));
            return Ok(());
        }
    };
    out.insert("texts".into(), texts.into());
    Ok(())
}

/// A text or a picture as one input.
fn part(item: Value) -> Result<Value, Refusal> {
    let kind = item.get("type").and_then(Value::as_str);
    let part = match (item.as_str(), kind) {
        (Some(text), _) => json!({ "type": "text", "text": text }),
        (None, Some("text" | "image_url")) => item,
        _ => return Err(format!("the {API} cannot express `input` of anything but texts and pictures")),
    };
    Ok(json!({ "content": [part] }))
}

/// The type of the embeddings: Cohere's own word for it wins.
fn kind(request: &mut Request) -> Result<Value, Refusal> {
    let encoding = request.take("encoding_format");
    match request.take("embedding_types") {
        Some(Value::Array(kinds)) => {
            if kinds.len() > 1 {
                request.cannot("embedding_types", "of more than one")?;
            }
            return kinds.into_iter().next().ok_or_else(|| "`embedding_types` is empty".into());
        }
        Some(_) => return Err("`embedding_types` is not a list".into()),
        None => {}
    }
    Ok(match encoding.as_ref().map(|word| word.as_str().unwrap_or_default()) {
        None | Some("float") => "float".into(),
        Some("base64") => "base64".into(),
        Some(_) => request.cannot("encoding_format", "of this value").map(|()| "float".into())?,
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::body;
    use crate::options::{InputType, Options};
    use adapter_kit::testing::spoilt;
    use serde_json::{Value, json};

    fn with(request: &Value, options: &Options) -> Result<Value, String> {
        body(&request.to_string(), "m", options).map(|bytes| serde_json::from_slice(&bytes).unwrap())
    }

    fn made(request: Value) -> Result<Value, String> {
        with(&request, &Options::default())
    }

    #[test]
    fn embeddings() {
        assert_eq!(
            made(json!({ "model": "x", "input": ["a", "b"], "dimensions": 256, "encoding_format": "base64",
                         "user": "u", "truncate": "END", "max_tokens": 9, "input_type": "clustering" })),
            Ok(json!({ "model": "m", "texts": ["a", "b"], "input_type": "clustering",
                       "embedding_types": ["base64"], "output_dimension": 256, "max_tokens": 9,
                       "truncate": "END" }))
        );
        let plain = json!({ "model": "m", "texts": ["a"], "input_type": "search_document", "embedding_types": ["float"] });
        assert_eq!(made(json!({ "input": "a" })), Ok(plain));
        let options = Options { input_type: InputType::SearchQuery, ..Options::default() };
        let out = with(&json!({ "input": "a" }), &options).unwrap();
        assert_eq!(out.get("input_type"), Some(&json!("search_query")));
    }

    #[test]
    fn texts_and_pictures() {
        let picture = json!({ "type": "image_url", "image_url": { "url": "data:image/png;base64,A" } });
        let out =
            made(json!({ "input": ["a", picture], "cohere": { "input_type": "image", "truncate": "END" } }));
        assert_eq!(
            out,
            Ok(json!({ "model": "m", "input_type": "image", "embedding_types": ["float"], "truncate": "END",
                       "inputs": [{ "content": [{ "type": "text", "text": "a" }] }, { "content": [picture] }] }))
        );
    }

    #[test]
    fn cohere_s_own_words() {
        let image = json!({ "images": ["data:image/png;base64,A"], "input_type": "image", "embedding_types": ["int8"] });
        let mut expected = image.clone();
        expected.as_object_mut().unwrap().insert("model".into(), "m".into());
        assert_eq!(made(image), Ok(expected));
    }

    #[test]
    fn what_cannot_be_expressed_is_refused_by_name_or_dropped_on_request() {
        for (request, name) in [
            (json!({}), "`input`"),
            (json!({ "input": [[1, 2]] }), "`input`"),
            (json!({ "input": [1, 2] }), "`input`"),
            (json!({ "input": 1 }), "`input`"),
            (json!({ "input": "a", "embedding_types": [] }), "`embedding_types`"),
            (json!({ "input": "a", "embedding_types": "float" }), "`embedding_types`"),
        ] {
            let error = made(request).unwrap_err();
            assert!(error.contains(name), "{error}");
        }
        let options = Options { drop_params: true, ..Options::default() };
        for (name, value) in
            [("embedding_types", json!(["float", "int8"])), ("encoding_format", json!("binary"))]
        {
            let request = json!({ "input": "a", name: value });
            let error = made(request.clone()).unwrap_err();
            assert!(error.contains(name), "{error}");
            let out = with(&request, &options).unwrap();
            assert_eq!(out.get("embedding_types"), Some(&json!(["float"])));
        }
    }

    #[test]
    fn hostile_requests_are_answered_or_refused() {
        let sample = json!({ "input": ["a"], "input_type": "image", "embedding_types": ["float"],
                             "encoding_format": "float", "dimensions": 1, "images": [] });
        for request in spoilt(&sample) {
            let _ = made(request);
        }
    }
}
