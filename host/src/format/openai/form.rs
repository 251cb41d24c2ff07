//! Requests that come as a form, with a file: transcriptions and translations.
//!
//! Invariants: every field travels, under its name; the file is not copied, and goes on while it comes; a form has one
//! file, a bounded number of fields, and bounded heads.

use super::request::{missing, model_or};
use crate::chat::Attachment;
use crate::error::{Error, Party};
use crate::upload::{Broken, Upload, Writer};
use bytes::Bytes;
use futures_util::Stream;
use heads::{Heads, Stopped};
use http::StatusCode;
use serde_json::{Map, Value};

mod heads;

/// Fields of a form.
const MAX_FIELDS: usize = 100;

/// A form as far as it was read.
pub struct Form {
    /// Its fields, as the canonical body.
    pub fields: Map<String, Value>,
    /// Its file, which may still be coming.
    pub file: Attachment,
}

/// Reads a form up to its file, and gives what reads the rest. What stands behind the file is known when that has ended.
///
/// # Errors
/// 400 for what is no form, or has no file; what the body itself fails with.
pub async fn parse_form<S>(
    content_type: Option<&str>,
    body: S,
) -> Result<(Form, impl Future<Output = ()> + Send + 'static), Error>
where
    S: Stream<Item = Result<Bytes, Broken>> + Send + 'static,
{
    let boundary = content_type.and_then(|kind| multer::parse_boundary(kind).ok()).ok_or_else(|| {
        let message = "The body of the request must be multipart/form-data with a boundary.";
        Error::bad_request("invalid_form", message)
    })?;
    let heads = Heads::new();
    let mut form = multer::Multipart::new(heads.bound(body), boundary);
    let mut fields = Map::new();
    for _ in 0..MAX_FIELDS {
        let field = heads.next_field(&mut form).await.map_err(|error| unreadable(&error))?;
        let Some(field) = field else { return Err(missing("file")) };
        let name = field.name().unwrap_or_default().to_owned();
        if let Some(file) = field.file_name().map(str::to_owned) {
            let media = field.content_type().map(ToString::to_string).unwrap_or_default();
            let (upload, writer) = Upload::coming();
            let file = Attachment { field: name, name: file, media, upload };
            return Ok((Form { fields, file }, receive(form, heads, field, writer)));
        }
        let text = field.text().await.map_err(|error| unreadable(&error))?;
        add(&mut fields, name, text);
    }
    Err(too_many())
}

/// Checks the fields of a form, once all of them are known, or as soon as a model is.
///
/// # Errors
/// 400 for one without a model.
pub fn check_fields(fields: &mut Map<String, Value>) -> Result<(), Error> {
    model_or(fields, None)?;
    if let Some(stream) = fields.get_mut("stream").filter(|stream| stream.is_string()) {
        *stream = Value::Bool(stream == "true");
    }
    Ok(())
}

/// What stood behind the file, as fields of the canonical body.
#[must_use]
pub fn late_fields(late: Vec<(String, String)>) -> Map<String, Value> {
    let mut fields = Map::new();
    late.into_iter().for_each(|(name, text)| add(&mut fields, name, text));
    fields
}

/// Reads the file and what stands behind it.
async fn receive(
    mut form: multer::Multipart<'static>,
    heads: Heads,
    mut file: multer::Field<'static>,
    writer: Writer,
) {
    let read = async {
        while let Some(piece) = file.chunk().await? {
            writer.push(piece);
        }
        drop(file);
        let mut late = Vec::new();
        while let Some(field) = heads.next_field(&mut form).await? {
            if field.file_name().is_some() || late.len() == MAX_FIELDS {
                return Ok(None);
            }
            let name = field.name().unwrap_or_default().to_owned();
            late.push((name, field.text().await?));
        }
        Ok::<_, multer::Error>(Some(late))
    };
    match read.await {
        Ok(Some(late)) => writer.end(late),
        // A second file, or fields without end.
        Ok(None) => writer.fail(Broken::Off),
        Err(error) => writer.fail(match stopped(&error) {
            Some(Stopped::Broken(why)) => *why,
            Some(Stopped::Head) | None => Broken::Off,
        }),
    }
}

/// Why no more of the form was read; none where what was read is no form.
fn stopped(error: &multer::Error) -> Option<&Stopped> {
    match error {
        multer::Error::StreamReadFailed(error) => error.downcast_ref(),
        _ => None,
    }
}

fn unreadable(error: &multer::Error) -> Error {
    let why: &dyn std::error::Error = match stopped(error) {
        Some(Stopped::Broken(why)) => return upload_error(*why),
        Some(head @ Stopped::Head) => head,
        None => error,
    };
    Error::bad_request("invalid_form", format!("The form of the request cannot be read: {why}."))
}

fn too_many() -> Error {
    Error::bad_request("invalid_form", format!("The form has more than {MAX_FIELDS} fields."))
}

/// What a client is told of a body that did not come to its end.
#[must_use]
pub fn upload_error(why: Broken) -> Error {
    let (status, code, message) = match why {
        Broken::TooLarge => {
            (StatusCode::PAYLOAD_TOO_LARGE, "request_too_large", "The body of the request is too large.")
        }
        Broken::TooSlow => (
            StatusCode::REQUEST_TIMEOUT,
            "request_timeout",
            "The body of the request did not arrive in time.",
        ),
        Broken::Off => (StatusCode::BAD_REQUEST, "request_broken", "The body of the request broke off."),
    };
    Error::new(Party::Client, status, code, message).caused_by(why)
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

/// A form on its way out: its media type, and what stands before and behind the file's bytes.
pub struct Written {
    /// The media type, with the boundary.
    pub media: String,
    /// The fields, and the head of the file.
    pub before: Bytes,
    boundary: String,
}

/// Writes a form's fields and the head of its file.
#[must_use]
pub fn write_form(fields: &Map<String, Value>, model: &str, file: &Attachment) -> Written {
    // No client's bytes hold a number that was drawn after they came.
    let boundary = format!("lockgate-{:032x}", fastrand::u128(..));
    let mut out = String::new();
    for (name, value) in fields {
        let value = if name == "model" { &Value::from(model) } else { value };
        field(&boundary, name, value, &mut out);
    }
    let media = match file.media.as_str() {
        "" => String::new(),
        media => format!("\r\ncontent-type: {}", media.replace(['\r', '\n'], "")),
    };
    out.push_str(&head(&boundary, &file.field, &format!("; filename=\"{}\"{media}", quoted(&file.name))));
    Written { media: format!("multipart/form-data; boundary={boundary}"), before: out.into(), boundary }
}

impl Written {
    /// What stands behind the file: the fields that came late, and the end.
    #[must_use]
    pub fn behind(&self, known: &Map<String, Value>, late: Vec<(String, String)>) -> Bytes {
        let mut out = String::from("\r\n");
        for (name, value) in late_fields(late).iter().filter(|(name, _)| !known.contains_key(*name)) {
            field(&self.boundary, name, value, &mut out);
        }
        out.push_str(&format!("--{}--\r\n", self.boundary));
        out.into()
    }
}

fn field(boundary: &str, name: &str, value: &Value, out: &mut String) {
    let items = match value {
        Value::Array(items) => items.as_slice(),
        single => std::slice::from_ref(single),
    };
    for item in items {
        out.push_str(&head(boundary, name, ""));
        match item {
            Value::String(text) => out.push_str(text),
            other => out.push_str(&other.to_string()),
        }
        out.push_str("\r\n");
    }
}

fn head(boundary: &str, name: &str, more: &str) -> String {
    format!("--{boundary}\r\ncontent-disposition: form-data; name=\"{}\"{more}\r\n\r\n", quoted(name))
}

/// As browsers write names (WHATWG HTML, "multipart/form-data").
fn quoted(name: &str) -> String {
    name.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use futures_util::{StreamExt as _, TryStreamExt as _, stream};
    use serde_json::json;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    type Pieces = Vec<Result<Bytes, Broken>>;

    async fn parse(kind: Option<&str>, body: Pieces) -> Result<Form, Error> {
        let (mut form, rest) = parse_form(kind, stream::iter(body)).await?;
        rest.await;
        form.file.upload.ended().await.map_err(upload_error)?;
        for (name, value) in late_fields(form.file.upload.late()) {
            form.fields.insert(name, value);
        }
        check_fields(&mut form.fields)?;
        Ok(form)
    }

    async fn content(upload: &Upload) -> Vec<u8> {
        upload.pieces().try_concat_bytes().await
    }

    trait Concat {
        async fn try_concat_bytes(self) -> Vec<u8>;
    }

    impl<S: Stream<Item = Result<Bytes, Broken>>> Concat for S {
        async fn try_concat_bytes(self) -> Vec<u8> {
            self.try_fold(Vec::new(), |all, piece| async move { Ok([all, piece.to_vec()].concat()) })
                .await
                .unwrap()
        }
    }

    const BYTES: [u8; 6] = [0, 13, 10, 45, 45, 255];

    #[tokio::test]
    async fn a_form_goes_out_as_it_came_but_for_its_model() {
        let fields = json!({
            "model": "asked", "prompt": "a\r\nb", "odd\"name": "x", "timestamp_granularities[]": ["word", "segment"],
            "stream": true,
        });
        let fields = fields.as_object().unwrap();
        let (upload, writer) = Upload::coming();
        writer.push(Bytes::from_static(&BYTES));
        writer.end(Vec::new());
        let file = Attachment {
            field: "file".into(),
            name: "a \"b\".wav".into(),
            media: "audio/wav".into(),
            upload,
        };
        let written = write_form(fields, "theirs", &file);
        let late = vec![("language".to_owned(), "en".to_owned()), ("prompt".to_owned(), "second".to_owned())];
        let whole = [written.before.to_vec(), BYTES.to_vec(), written.behind(fields, late).to_vec()].concat();
        for size in [1, 7, whole.len()] {
            let pieces = whole.chunks(size).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
            let form = parse(Some(&written.media), pieces).await.unwrap();
            let field = |name: &str| form.fields.get(name).cloned();
            assert_eq!((field("prompt"), field("language")), (Some(json!("a\r\nb")), Some(json!("en"))));
            assert_eq!(field("timestamp_granularities[]"), fields.get("timestamp_granularities[]").cloned());
            assert_eq!((field("model"), field("stream")), (Some(json!("theirs")), Some(json!(true))));
            assert_eq!(
                (content(&form.file.upload).await.as_slice(), form.file.media.as_str()),
                (&BYTES[..], "audio/wav")
            );
        }
    }

    #[tokio::test]
    async fn what_is_known_before_the_file_is_known_before_its_end() {
        let (sender, receiver) = tokio::sync::mpsc::channel::<Result<Bytes, Broken>>(9);
        let body =
            stream::unfold(receiver, |mut receiver| async { Some((receiver.recv().await?, receiver)) });
        let start = "--x\r\ncontent-disposition: form-data; name=\"model\"\r\n\r\nm\r\n\
                     --x\r\ncontent-disposition: form-data; name=\"file\"; filename=\"f\"\r\n\r\nbeginning";
        sender.send(Ok(start.into())).await.unwrap();
        let (form, rest) = parse_form(Some("multipart/form-data; boundary=x"), body).await.unwrap();
        assert_eq!(form.fields.get("model"), Some(&json!("m")));
        let rest = tokio::spawn(rest);
        sender.send(Ok(Bytes::from_static(b" and more of it"))).await.unwrap();
        let mut pieces = Box::pin(form.file.upload.pieces());
        assert!(pieces.next().await.unwrap().unwrap().starts_with(b"begin"));
        sender.send(Err(Broken::TooLarge)).await.unwrap();
        rest.await.unwrap();
        assert_eq!(form.file.upload.broken(), Some(Broken::TooLarge));
    }

    #[tokio::test]
    async fn what_is_no_form_is_refused() {
        let file = "--x\r\ncontent-disposition: form-data; name=\"file\"; filename=\"f\"\r\n\r\nm\r\n";
        let boundary = Some("multipart/form-data; boundary=x");
        for (kind, body) in [
            (None, String::new()),
            (Some("application/json"), "{}".into()),
            (boundary, "--x\r\n".into()),
            (boundary, "--x--\r\n".into()),
            (boundary, format!("{file}--x--\r\n")),
            (boundary, format!("{file}{file}--x--\r\n")),
            (boundary, file.to_owned()),
            (boundary, "--x\r\ncontent-disposition: form-data; name=\"a\"\r\n\r\nm\r\n".repeat(200)),
        ] {
            let error = parse(kind, vec![Ok(body.clone().into())]).await.err().unwrap();
            assert_eq!(error.status, 400, "{body}");
        }
        let error = parse(boundary, vec![Err(Broken::TooSlow)]).await.err().unwrap();
        assert_eq!(error.status, 408);
    }

    #[tokio::test]
    async fn heads_are_bounded_and_files_are_not() {
        let boundary = Some("multipart/form-data; boundary=x");
        let file = |name: &str| {
            format!("--x\r\ncontent-disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n")
        };
        let model = "\r\n--x\r\ncontent-disposition: form-data; name=\"model\"\r\n\r\nm\r\n--x--\r\n";
        let long = "a".repeat(100_000);
        let whole = |name: &str, content: &str| file(name) + content + model;
        for size in [1_000, 1_000_000] {
            let read = Arc::new(AtomicUsize::new(0));
            let pieces = |body: String| {
                let read = read.clone();
                let cut = body.into_bytes().chunks(size).map(Bytes::copy_from_slice).collect::<Vec<_>>();
                stream::iter(cut).map(move |piece| {
                    read.fetch_add(piece.len(), Ordering::Relaxed);
                    Ok::<_, Broken>(piece)
                })
            };
            let (form, rest) = parse_form(boundary, pieces(whole("f", &long))).await.unwrap();
            rest.await;
            assert_eq!(content(&form.file.upload).await.len(), long.len());
            if size > long.len() {
                continue;
            }
            for endless in [whole(&long, "x"), long.clone() + &whole("f", "x")] {
                read.store(0, Ordering::Relaxed);
                let error = parse_form(boundary, pieces(endless)).await.err().unwrap();
                assert_eq!((error.status.as_u16(), error.code.as_ref()), (400, "invalid_form"));
                assert!(error.to_string().contains("head"), "{error}");
                assert!((16_000..20_000).contains(&read.load(Ordering::Relaxed)));
            }
            let late = file("f") + "x\r\n--x\r\ncontent-disposition: " + &long;
            let (form, rest) = parse_form(boundary, pieces(late)).await.unwrap();
            rest.await;
            assert_eq!(form.file.upload.broken(), Some(Broken::Off));
        }
    }
}
