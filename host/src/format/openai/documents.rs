//! What is asked for besides words: requests as they come in, and the usage of answers that pass through as they are.
//!
//! Source: OpenAI API reference (moderations, images, audio); Cohere and Jina API references (rerank).

use super::request::{missing, model_or, object, wrong_type};
use crate::chat::{Media, Operation, Usage};
use crate::error::Error;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use std::time::Duration;

/// Reads a request whose body is JSON.
///
/// # Errors
/// 400 for what lacks a field that every provider needs.
pub fn parse_document(operation: Operation, body: &[u8]) -> Result<Map<String, Value>, Error> {
    let mut body = object(body)?;
    let (default_model, needed) = match operation {
        Operation::Moderations => (Some("omni-moderation-latest"), &["input"][..]),
        Operation::Images => (Some("dall-e-2"), &["prompt"][..]),
        Operation::Rerank => (None, &["query", "documents"][..]),
        _ => (None, &["input"][..]),
    };
    model_or(&mut body, default_model)?;
    for field in needed {
        let fits = |value: &Value| match *field {
            "documents" => value.as_array().is_some_and(|documents| documents.iter().all(is_document)),
            "input" if operation != Operation::Speech => value.is_string() || value.is_array(),
            _ => value.is_string(),
        };
        let wanted = match *field {
            "documents" => "an array of texts or objects",
            "input" if operation != Operation::Speech => "a string or an array",
            _ => "a string",
        };
        match body.get(*field) {
            None | Some(Value::Null) => return Err(missing(field)),
            Some(value) if !fits(value) => return Err(wrong_type(field, wanted)),
            Some(_) => {}
        }
    }
    if matches!(operation, Operation::Embeddings | Operation::Moderations | Operation::Rerank) {
        // There is no stream of these; a stray field must not make one of it.
        body.shift_remove("stream");
    }
    Ok(body)
}

fn is_document(document: &Value) -> bool {
    document.is_string() || document.is_object()
}

/// The usage that an answer tells, in whichever words; nothing where it tells none.
///
/// # Errors
/// When the body is no answer to such a request.
pub fn read_document(operation: Operation, body: &[u8]) -> Result<Usage, serde_json::Error> {
    let told: Result<Told, _> = serde_json::from_slice(body);
    let told = match operation {
        // A transcript may be bare text.
        operation if operation.listens() => told.unwrap_or_default(),
        _ => told?,
    };
    let proof = match operation {
        Operation::Embeddings | Operation::Images => ("data", told.data.is_some()),
        Operation::Moderations | Operation::Rerank => ("results", told.results.is_some()),
        _ => ("", true),
    };
    if let (field, false) = proof {
        return Err(serde::de::Error::missing_field(field));
    }
    Ok(told.read(operation))
}

/// A ranking with the documents that a client asked to see again; none where it did not, or they stand there already.
#[must_use]
pub fn with_documents(request: &Map<String, Value>, ranking: &[u8]) -> Option<Vec<u8>> {
    request.get("return_documents").filter(|wanted| **wanted == true)?;
    let documents = request.get("documents")?.as_array()?;
    let mut ranking: Value = serde_json::from_slice(ranking).ok()?;
    for result in ranking.get_mut("results")?.as_array_mut()? {
        let place = result.get("index").and_then(Value::as_u64).and_then(|place| usize::try_from(place).ok());
        let document = place.and_then(|place| documents.get(place));
        if let (Some(result), Some(document)) = (result.as_object_mut(), document) {
            let shown = match document {
                Value::String(text) => serde_json::json!({ "text": text }),
                object => object.clone(),
            };
            result.insert("document".into(), shown);
        }
    }
    serde_json::to_vec(&ranking).ok()
}

/// The same usage of an answer whose images are as large as its request said, where the answer does not say it.
#[must_use]
pub fn sized(mut usage: Usage, asked: Option<&str>) -> Usage {
    let media = &mut usage.media;
    if media.images > 0
        && media.pixels == 0
        && let Some(size) = asked
    {
        media.pixels = media.images.saturating_mul(pixels(size));
    }
    usage.believed()
}

/// Pixels of a size such as `1024x1536`; none of one that is not said so.
fn pixels(size: &str) -> u64 {
    let Some((width, height)) = size.split_once('x') else { return 0 };
    let side = |text: &str| text.parse::<u32>().map_or(0, u64::from);
    side(width).saturating_mul(side(height))
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Told {
    data: Option<Vec<serde::de::IgnoredAny>>,
    /// Of each image, where it is told.
    #[serde(deserialize_with = "lenient")]
    size: Option<String>,
    results: Option<serde::de::IgnoredAny>,
    #[serde(deserialize_with = "lenient")]
    usage: Tokens,
    /// Seconds of sound, in a transcript in detail.
    #[serde(deserialize_with = "lenient")]
    duration: Seconds,
    #[serde(deserialize_with = "lenient")]
    meta: Meta,
}

/// What is no usage is none: it is not what the client asked for.
fn lenient<'de, D: serde::Deserializer<'de>, T: DeserializeOwned + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    let value = Value::deserialize(deserializer)?;
    Ok(serde_json::from_value(value).unwrap_or_default())
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Tokens {
    prompt_tokens: Option<u64>,
    input_tokens: Option<u64>,
    output_tokens: Option<u64>,
    completion_tokens: Option<u64>,
    total_tokens: Option<u64>,
    input_tokens_details: Kinds,
    output_tokens_details: Kinds,
    seconds: Seconds,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Kinds {
    image_tokens: u64,
    audio_tokens: u64,
}

/// Some write a number, some a text.
#[derive(Deserialize, Default)]
#[serde(untagged)]
enum Seconds {
    #[default]
    None,
    Number(f64),
    Text(String),
}

impl Seconds {
    fn millis(&self) -> u64 {
        let seconds = match self {
            Self::None => return 0,
            Self::Number(number) => *number,
            Self::Text(text) => text.parse().unwrap_or(0.0),
        };
        Duration::try_from_secs_f64(seconds).map_or(0, |time| u64::try_from(time.as_millis()).unwrap_or(0))
    }
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Meta {
    billed_units: Billed,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Billed {
    search_units: Option<f64>,
}

impl Told {
    fn read(&self, operation: Operation) -> Usage {
        let tokens = &self.usage;
        let output = tokens.completion_tokens.or(tokens.output_tokens).unwrap_or(0);
        let total = tokens.total_tokens.map(|total| total.saturating_sub(output));
        let input = tokens.prompt_tokens.or(tokens.input_tokens).or(total).unwrap_or(0);
        let mut media = Media {
            image_input: tokens.input_tokens_details.image_tokens,
            image_output: tokens.output_tokens_details.image_tokens,
            audio_input: tokens.input_tokens_details.audio_tokens,
            audio_output: tokens.output_tokens_details.audio_tokens,
            ..Media::default()
        };
        match operation {
            Operation::Images => {
                media.images = self.data.as_ref().map_or(0, |images| images.len() as u64);
                media.pixels = media.images.saturating_mul(self.size.as_deref().map_or(0, pixels));
            }
            Operation::Rerank => {
                let units = self.meta.billed_units.search_units.filter(|units| (1.0..1e9).contains(units));
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked above")]
                let units = units.map_or(1, |units| units as u64);
                media.queries = units;
            }
            Operation::Transcription | Operation::Translation => {
                media.millis = tokens.seconds.millis().max(self.duration.millis());
            }
            _ => {}
        }
        Usage { input, output, media, ..Usage::default() }.believed()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::{Media, Operation, Usage, read_document, sized};
    use serde_json::{Value, json};

    #[test]
    fn images_are_as_large_as_is_told_or_was_asked_for() {
        let read = |body: Value| read_document(Operation::Images, body.to_string().as_bytes()).unwrap();
        let told = read(json!({ "data": [{}, {}], "size": "1024x1536" }));
        assert_eq!((told.media.images, told.media.pixels), (2, 2 * 1024 * 1536));
        assert_eq!(sized(told, Some("1x1")), told, "what is told counts");
        let silent = read(json!({ "data": [{}], "size": null }));
        assert_eq!(sized(silent, Some("512x512")).media.pixels, 512 * 512);
        for size in [Some("auto"), Some("x"), Some("-1x5"), Some("99999999999999999999x1"), None] {
            assert_eq!(sized(silent, size).media.pixels, 0, "{size:?}");
        }
        let huge = read(json!({ "data": [{}, {}], "size": "4294967295x4294967295" }));
        assert!(huge.media.pixels <= 1 << 53);
    }

    #[test]
    fn usage_is_read_in_whichever_words_it_is_told() {
        let media = |media| Usage { media, ..Usage::default() };
        let read = |operation, body: Value| read_document(operation, body.to_string().as_bytes()).ok();
        let embedded = json!({ "data": [], "usage": { "prompt_tokens": 3, "total_tokens": 3 } });
        assert_eq!(read(Operation::Embeddings, embedded), Some(Usage { input: 3, ..Usage::default() }));
        let images = json!({ "data": [{}, {}], "usage": {
            "input_tokens": 7, "output_tokens": 9, "input_tokens_details": { "image_tokens": 5, "text_tokens": 2 } } });
        let made = Media { images: 2, image_input: 5, ..Media::default() };
        assert_eq!(read(Operation::Images, images), Some(Usage { input: 7, output: 9, ..media(made) }));
        let ranked = json!({ "results": [], "meta": { "billed_units": { "search_units": 2 } } });
        assert_eq!(read(Operation::Rerank, ranked), Some(media(Media { queries: 2, ..Media::default() })));
        assert_eq!(
            read(Operation::Rerank, json!({ "results": [], "usage": 1, "meta": [] })),
            Some(media(Media { queries: 1, ..Media::default() }))
        );
        for heard in [
            json!({ "text": "", "duration": "1.5" }),
            json!({ "usage": { "type": "duration", "seconds": 1.5 } }),
        ] {
            assert_eq!(
                read(Operation::Transcription, heard),
                Some(media(Media { millis: 1500, ..Media::default() }))
            );
        }
        assert_eq!(read_document(Operation::Transcription, b"1\n00:00").unwrap(), Usage::default());
        for operation in [Operation::Embeddings, Operation::Images, Operation::Rerank, Operation::Moderations]
        {
            assert_eq!(read(operation, json!({ "error": "x" })), None);
        }
    }
}
