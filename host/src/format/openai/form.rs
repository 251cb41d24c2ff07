//! Requests that come as a form, with a file: transcriptions and translations.
//!
//! Invariants: every field travels, under its name and in its order; the file is not copied; a form has one file and a
//! bounded number of fields.

use super::request::{missing, model_or};
use crate::chat::Attachment;
use crate::error::Error;
use bytes::Bytes;
use serde_json::{Map, Value};

/// Fields of a form.
const MAX_FIELDS: usize = 100;

/// Reads a form: its fields as the canonical body, and its file.
///
/// # Errors
/// 400 for what is no form, or lacks its file or model.
pub async fn parse_form(
    content_type: Option<&str>,
    body: Bytes,
) -> Result<(Map<String, Value>, Option<Attachment>), Error> {
    let boundary = content_type.and_then(|kind| multer::parse_boundary(kind).ok()).ok_or_else(|| {
        Error::bad_request(
            "invalid_form",
            "The body of the request must be multipart/form-data with a boundary.",
        )
    })?;
    let broken = |error: multer::Error| {
        Error::bad_request("invalid_form", "The form of the request cannot be read.").caused_by(error)
    };
    let whole = futures_util::stream::once(async { Ok::<_, std::convert::Infallible>(body) });
    let mut form = multer::Multipart::new(whole, boundary);
    let (mut fields, mut attachment, mut count) = (Map::new(), None, 0);
    while let Some(field) = form.next_field().await.map_err(broken)? {
        count += 1;
        if count > MAX_FIELDS {
            return Err(Error::bad_request(
                "invalid_form",
                format!("The form has more than {MAX_FIELDS} fields."),
            ));
        }
        let name = field.name().unwrap_or_default().to_owned();
        if let Some(file) = field.file_name().map(str::to_owned) {
            if attachment.is_some() {
                return Err(
                    Error::bad_request("invalid_form", "The form has more than one file.").param("file")
                );
            }
            let media = field.content_type().map(ToString::to_string).unwrap_or_default();
            let bytes = field.bytes().await.map_err(broken)?;
            attachment = Some(Attachment { field: name, name: file, media, bytes });
        } else {
            let text = field.text().await.map_err(broken)?;
            add(&mut fields, name, text);
        }
    }
    if attachment.is_none() {
        return Err(missing("file"));
    }
    model_or(&mut fields, None)?;
    if let Some(stream) = fields.get_mut("stream") {
        *stream = Value::Bool(stream == "true");
    }
    Ok((fields, attachment))
}

/// `name[]` may come several times: so forms write lists.
fn add(fields: &mut Map<String, Value>, name: String, text: String) {
    if !name.ends_with("[]") {
        fields.insert(name, text.into());
    } else if let Some(Value::Array(list)) = fields.get_mut(&name) {
        list.push(text.into());
    } else {
        fields.insert(name, Value::Array(vec![text.into()]));
    }
}

/// Writes a form: its media type and its bytes.
#[must_use]
pub fn write_form(fields: &Map<String, Value>, model: &str, attachment: &Attachment) -> (String, Bytes) {
    // No client's bytes hold a number that was drawn after they came.
    let boundary = format!("lockgate-{:032x}", fastrand::u128(..));
    let mut out = Vec::with_capacity(attachment.bytes.len() + 1_024);
    let mut part = |name: &str, more: &str, bytes: &[u8]| {
        let head = format!(
            "--{boundary}\r\ncontent-disposition: form-data; name=\"{}\"{more}\r\n\r\n",
            quoted(name)
        );
        out.extend_from_slice(head.as_bytes());
        out.extend_from_slice(bytes);
        out.extend_from_slice(b"\r\n");
    };
    for (name, value) in fields {
        let items = match value {
            Value::Array(items) => items.as_slice(),
            single => std::slice::from_ref(single),
        };
        for item in items {
            match item {
                _ if name == "model" => part(name, "", model.as_bytes()),
                Value::String(text) => part(name, "", text.as_bytes()),
                other => part(name, "", other.to_string().as_bytes()),
            }
        }
    }
    let media = match attachment.media.as_str() {
        "" => String::new(),
        media => format!("\r\ncontent-type: {}", media.replace(['\r', '\n'], "")),
    };
    let more = format!("; filename=\"{}\"{media}", quoted(&attachment.name));
    part(&attachment.field, &more, &attachment.bytes);
    out.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    (format!("multipart/form-data; boundary={boundary}"), out.into())
}

/// As browsers write names (WHATWG HTML, "multipart/form-data").
fn quoted(name: &str) -> String {
    name.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::{Attachment, parse_form, write_form};
    use serde_json::json;

    #[tokio::test]
    async fn a_form_goes_out_as_it_came_but_for_its_model() {
        let fields = json!({
            "model": "asked", "prompt": "a\r\nb", "odd\"name": "x", "timestamp_granularities[]": ["word", "segment"],
            "stream": true,
        });
        let file = Attachment {
            field: "file".into(),
            name: "a \"b\".wav".into(),
            media: "audio/wav".into(),
            bytes: vec![0, 13, 10, 45, 45, 255].into(),
        };
        let (kind, bytes) = write_form(fields.as_object().unwrap(), "theirs", &file);
        let (read, attached) = parse_form(Some(&kind), bytes).await.unwrap();
        let mut expected = fields.clone();
        *expected.get_mut("model").unwrap() = json!("theirs");
        let read: serde_json::Value = read.into();
        assert_eq!(read.get("prompt"), expected.get("prompt"));
        assert_eq!(read.get("timestamp_granularities[]"), expected.get("timestamp_granularities[]"));
        assert_eq!((read.get("model"), read.get("stream")), (Some(&json!("theirs")), Some(&json!(true))));
        let attached = attached.unwrap();
        assert_eq!((attached.bytes, attached.media.as_str()), (file.bytes, "audio/wav"));
    }

    #[tokio::test]
    async fn what_is_no_form_is_refused() {
        for (kind, body) in [
            (None, ""),
            (Some("application/json"), "{}"),
            (Some("multipart/form-data; boundary=x"), "--x\r\n"),
            (Some("multipart/form-data; boundary=x"), "--x--\r\n"),
            (
                Some("multipart/form-data; boundary=x"),
                "--x\r\ncontent-disposition: form-data; name=\"model\"\r\n\r\nm\r\n--x--\r\n",
            ),
        ] {
            let error = parse_form(kind, body.into()).await.unwrap_err();
            assert_eq!(error.status, 400, "{body}");
        }
    }
}
