//! Content parts of a canonical message.
//!
//! Invariants: the order stands; a part that is not understood is refused by its place or handed over as
//! [`Part::Foreign`], never dropped; the bytes of media are moved, not decoded.

use crate::Refusal;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Where media is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// In the request itself.
    Data {
        /// Its media type.
        media: String,
        /// Its bytes, as base64.
        base64: String,
    },
    /// At an address.
    Url(String),
    /// With the provider, by its id.
    Id(String),
}

/// A part.
#[derive(Debug, Clone, PartialEq)]
pub enum Part {
    /// Text; a `refusal` counts as text.
    Text(String),
    /// An `image_url`.
    Image {
        /// Where it is.
        source: Source,
        /// How closely to look at it.
        detail: Option<String>,
    },
    /// An `input_audio`.
    Audio {
        /// `wav`, `mp3`.
        format: String,
        /// Its bytes, as base64.
        base64: String,
    },
    /// A `file`.
    File {
        /// Where it is.
        source: Source,
        /// What it is called.
        name: Option<String>,
    },
    /// A part of another type, which may be the provider's own.
    Foreign(String, Map<String, Value>),
}

/// The refusal of a part of a kind.
#[must_use]
pub fn inexpressible(kind: &str) -> Refusal {
    format!("has a part of type `{kind}`, which cannot be expressed")
}

/// The parts of a message's content.
///
/// # Errors
/// What is wrong with a part, by its place.
pub fn parts(content: Value) -> Result<Vec<Part>, Refusal> {
    match content {
        Value::Null => Ok(Vec::new()),
        Value::String(text) => Ok(vec![Part::Text(text)]),
        Value::Array(parts) => {
            let read = |(index, value)| {
                part(value).map_err(|why| format!("has a part that {why} (`content[{index}]`)"))
            };
            parts.into_iter().enumerate().map(read).collect()
        }
        _ => Err("has content that is neither text nor parts".to_owned()),
    }
}

/// Takes the marks of prompt caching (`cache_control`) off the parts of a message's content; each with its place.
pub fn marks(content: &mut Value) -> BTreeMap<usize, Value> {
    let parts = content.as_array_mut().into_iter().flatten().enumerate();
    let mark = |(place, part): (usize, &mut Value)| {
        let mark = part.as_object_mut()?.shift_remove("cache_control")?;
        (!mark.is_null()).then_some((place, mark))
    };
    parts.filter_map(mark).collect()
}

/// The texts of parts that are nothing else, joined by a separator.
///
/// # Errors
/// When there is something else.
pub fn text_of(parts: Vec<Part>, separator: &str) -> Result<String, Refusal> {
    let mut texts = Vec::with_capacity(parts.len());
    for part in parts {
        match part {
            Part::Text(text) => texts.push(text),
            other => return Err(inexpressible(other.kind())),
        }
    }
    Ok(texts.join(separator))
}

impl Part {
    /// Its canonical type.
    #[must_use]
    pub fn kind(&self) -> &str {
        match self {
            Self::Text(_) => "text",
            Self::Image { .. } => "image_url",
            Self::Audio { .. } => "input_audio",
            Self::File { .. } => "file",
            Self::Foreign(kind, _) => kind,
        }
    }

    /// Whether it says nothing.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        matches!(self, Self::Text(text) if text.is_empty())
    }
}

fn part(part: Value) -> Result<Part, Refusal> {
    let Value::Object(mut part) = part else { return Err("is not an object".to_owned()) };
    let kind = string(&mut part, "type").ok_or("has no type")?;
    match kind.as_str() {
        "text" | "refusal" => Ok(Part::Text(string(&mut part, &kind).ok_or("has no text")?)),
        "image_url" => {
            let (url, detail) = match part.remove("image_url") {
                Some(Value::Object(mut image)) => (string(&mut image, "url"), string(&mut image, "detail")),
                Some(Value::String(url)) => (Some(url), None),
                _ => (None, None),
            };
            Ok(Part::Image { source: source(url.ok_or("has no URL")?)?, detail })
        }
        "input_audio" => {
            let Some(Value::Object(mut audio)) = part.remove("input_audio") else {
                return Err("has no audio".to_owned());
            };
            let (format, data) = (string(&mut audio, "format"), string(&mut audio, "data"));
            let (Some(format), Some(base64)) = (format, data) else {
                return Err("has audio without its data or format".to_owned());
            };
            Ok(Part::Audio { format, base64 })
        }
        "file" => {
            let Some(Value::Object(mut file)) = part.remove("file") else {
                return Err("has no file".to_owned());
            };
            let name = string(&mut file, "filename");
            let source = match (string(&mut file, "file_data"), string(&mut file, "file_id")) {
                (Some(data), _) => source(data)?,
                (None, Some(id)) => Source::Id(id),
                (None, None) => return Err("has a file without data".to_owned()),
            };
            Ok(Part::File { source, name })
        }
        _ => Ok(Part::Foreign(kind, part)),
    }
}

/// Takes a string out of an object.
pub fn string(map: &mut Map<String, Value>, name: &str) -> Option<String> {
    match map.remove(name) {
        Some(Value::String(text)) => Some(text),
        _ => None,
    }
}

/// A `data:` URL, or another.
///
/// # Errors
/// When it is a data URL whose data is missing or not base64.
pub fn source(url: String) -> Result<Source, Refusal> {
    let Some(rest) = url.strip_prefix("data:") else { return Ok(Source::Url(url)) };
    let (head, data) = rest.split_once(',').ok_or("has a data URL without data")?;
    let media = head.strip_suffix(";base64").ok_or("has a data URL that is not base64")?;
    let media = media.split(';').next().unwrap_or(media).to_ascii_lowercase();
    Ok(Source::Data { media, base64: data.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::{Part, Source, parts, source};
    use serde_json::json;

    #[test]
    fn parts_are_read_in_order() {
        let data = || Source::Data { media: "image/png".into(), base64: "AA==".into() };
        let read = parts(json!([
            { "type": "text", "text": "a" },
            { "type": "image_url", "image_url": { "url": "data:image/PNG;x=1;base64,AA==", "detail": "low" } },
            { "type": "image_url", "image_url": "https://a/b" },
            { "type": "input_audio", "input_audio": { "format": "wav", "data": "BB" } },
            { "type": "file", "file": { "filename": "n", "file_id": "f1" } },
            { "type": "mine", "x": 1 },
        ]));
        let expected = vec![
            Part::Text("a".into()),
            Part::Image { source: data(), detail: Some("low".into()) },
            Part::Image { source: Source::Url("https://a/b".into()), detail: None },
            Part::Audio { format: "wav".into(), base64: "BB".into() },
            Part::File { source: Source::Id("f1".into()), name: Some("n".into()) },
            Part::Foreign("mine".into(), json!({ "x": 1 }).as_object().cloned().unwrap_or_default()),
        ];
        assert_eq!(read, Ok(expected));
    }

    #[test]
    fn what_is_no_part_is_named_by_its_place() {
        for bad in [
            json!(1),
            json!({ "type": "text" }),
            json!({ "text": "x" }),
            json!({ "type": "file", "file": {} }),
            json!({ "type": "input_audio", "input_audio": { "data": "x" } }),
        ] {
            let why = parts(json!([{ "type": "text", "text": "" }, bad])).err().unwrap_or_default();
            assert!(why.contains("content[1]"), "{why}");
        }
        assert!(parts(json!({})).is_err());
        assert!(source("data:image/png,raw".into()).is_err() && source("data:image/png".into()).is_err());
    }
}
