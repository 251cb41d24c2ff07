//! Content parts as Converse's blocks.
//!
//! Invariants: a document's name has only characters that the API takes, and no two documents of a request the
//! same; media is in the request or in S3, since Bedrock fetches from nowhere else.
//! Source: Amazon Bedrock API Reference, `ImageBlock` and `DocumentBlock`.

use adapter_kit::Refusal;
use adapter_kit::content::{Part, Source, inexpressible};
use serde_json::{Value, json};
use std::collections::HashSet;

/// How long a document's name may be.
const NAME_CHARS: usize = 200;

/// Converse's own blocks, which a client may send as parts of their name.
const OWN: &[&str] = &["cachePoint", "document", "guardContent", "searchResult"];

/// The names that documents of this request have.
#[derive(Debug, Default)]
pub struct Names(HashSet<String>);

/// A part as a block; none where it says nothing, because the API refuses blank text.
pub fn block(part: Part, names: &mut Names) -> Result<Option<Value>, Refusal> {
    Ok(Some(match part {
        Part::Text(text) if text.trim().is_empty() => return Ok(None),
        Part::Text(text) => json!({ "text": text }),
        Part::Image { source, .. } => image(source)?,
        Part::File { source: source @ Source::Data { .. }, .. } if is_image(&source) => image(source)?,
        Part::File { source, name } => document(source, name, names)?,
        Part::Foreign(kind, mut own) if OWN.contains(&kind.as_str()) && own.contains_key(&kind) => {
            let block = own.remove(&kind).unwrap_or_default();
            json!({ kind: block })
        }
        other => return Err(inexpressible(other.kind())),
    }))
}

fn is_image(source: &Source) -> bool {
    matches!(source, Source::Data { media, .. } if media.starts_with("image/"))
}

fn image(source: Source) -> Result<Value, Refusal> {
    let kind = match &source {
        Source::Data { media, .. } => media.strip_prefix("image/").unwrap_or(media),
        Source::Url(address) | Source::Id(address) => ending(address),
    };
    let format = match kind.to_ascii_lowercase().as_str() {
        "jpg" | "jpeg" => "jpeg",
        "png" => "png",
        "gif" => "gif",
        "webp" => "webp",
        // An address elsewhere is refused for what it is, not for its ending.
        _ if !in_reach(&source) => "",
        _ => return Err(format!("has an image of type `{kind}`, which cannot be expressed")),
    };
    Ok(json!({ "image": { "format": format, "source": place(source)? } }))
}

fn document(source: Source, name: Option<String>, names: &mut Names) -> Result<Value, Refusal> {
    let path = match &source {
        Source::Data { .. } => String::new(),
        Source::Url(address) | Source::Id(address) => address.clone(),
    };
    let given = name.as_deref().unwrap_or_else(|| path.rsplit('/').next().unwrap_or_default());
    let by_name = || by_ending(ending(given)).or_else(|| by_ending(ending(&path)));
    let format = match &source {
        Source::Data { media, .. } => match by_media(media) {
            // Text of a kind that its name tells.
            None | Some("txt") => by_name().or_else(|| by_media(media)),
            known => known,
        },
        Source::Url(_) | Source::Id(_) => by_name(),
    };
    let source = place(source)?;
    let format =
        format.ok_or_else(|| format!("has a file (`{given}`) of a type that cannot be expressed"))?;
    Ok(json!({ "document": { "format": format, "name": names.take(given), "source": source } }))
}

/// Whether Bedrock can get it.
fn in_reach(source: &Source) -> bool {
    match source {
        Source::Data { .. } => true,
        Source::Url(address) | Source::Id(address) => address.starts_with("s3://"),
    }
}

/// Where media is.
fn place(source: Source) -> Result<Value, Refusal> {
    match source {
        Source::Data { base64, .. } => Ok(json!({ "bytes": base64 })),
        Source::Url(uri) | Source::Id(uri) if uri.starts_with("s3://") => {
            Ok(json!({ "s3Location": { "uri": uri } }))
        }
        Source::Url(_) => Err("has media at an address, which cannot be expressed: Bedrock takes the data \
                               itself, or an `s3://` address"
            .to_owned()),
        Source::Id(id) => Err(format!("names the file `{id}`, which this provider does not have")),
    }
}

fn ending(name: &str) -> &str {
    name.rsplit('/').next().and_then(|file| file.rsplit_once('.')).map_or("", |(_, ending)| ending)
}

fn by_ending(ending: &str) -> Option<&'static str> {
    Some(match ending.to_ascii_lowercase().as_str() {
        "pdf" => "pdf",
        "csv" => "csv",
        "doc" => "doc",
        "docx" => "docx",
        "xls" => "xls",
        "xlsx" => "xlsx",
        "html" | "htm" => "html",
        "txt" => "txt",
        "md" | "markdown" => "md",
        _ => return None,
    })
}

fn by_media(media: &str) -> Option<&'static str> {
    Some(match media {
        "application/pdf" => "pdf",
        "text/csv" => "csv",
        "application/msword" => "doc",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document" => "docx",
        "application/vnd.ms-excel" => "xls",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet" => "xlsx",
        "text/html" => "html",
        "text/plain" => "txt",
        "text/markdown" => "md",
        _ => return None,
    })
}

impl Names {
    /// A name for a document of this file name that the API takes, and that no other document has.
    fn take(&mut self, file: &str) -> String {
        let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
        let fit = |c: char| if c.is_ascii_alphanumeric() || "-()[]".contains(c) { c } else { ' ' };
        let fitting: String = stem.chars().map(fit).collect();
        let words: Vec<&str> = fitting.split_whitespace().collect();
        let name: String = words.join(" ").chars().take(NAME_CHARS - 10).collect();
        let name = match name.trim() {
            name if name.contains(|c: char| c.is_ascii_alphanumeric()) => name.to_owned(),
            _ => "document".to_owned(),
        };
        let mut unique = name.clone();
        let mut number = 1_u32;
        while !self.0.insert(unique.to_ascii_lowercase()) {
            number = number.saturating_add(1);
            unique = format!("{name} ({number})");
        }
        unique
    }
}

#[cfg(test)]
mod tests {
    use super::Names;

    #[test]
    fn names_are_fit_and_different() {
        let mut names = Names::default();
        for (file, name) in [
            ("Q3_report  v2.pdf", "Q3 report v2"),
            ("Q3 report v2.docx", "Q3 report v2 (2)"),
            ("q3 report v2", "q3 report v2 (3)"),
            ("", "document"),
            ("報告書.pdf", "document (2)"),
            ("../a[1]<b>.txt", "a[1] b"),
        ] {
            assert_eq!(names.take(file), name, "{file}");
        }
        assert!(names.take(&"x".repeat(500)).len() <= 200);
    }
}
