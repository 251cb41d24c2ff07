//! Any bytes as a form with a file, cut anywhere: read or refused, the same however it is cut; and what is read, written and
//! read again, is the same.
//!
//! The first byte of the input says how to cut; where it is odd, the boundary is `b`, else the first line names it.

#![no_main]

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use libfuzzer_sys::fuzz_target;
use lockgate::chat::Attachment;
use lockgate::format::openai::{late_fields, parse_form, write_form};
use serde_json::{Map, Value};
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

fuzz_target!(|input: &[u8]| {
    let Some((size, body)) = input.split_first() else { return };
    let (kind, body) = if size % 2 == 1 {
        ("multipart/form-data; boundary=b".into(), body)
    } else {
        let end = body.iter().position(|byte| *byte == b'\n').unwrap_or(body.len());
        (String::from_utf8_lossy(&body[..end]), body.get(end + 1..).unwrap_or_default())
    };
    let whole = read(&kind, body, usize::MAX);
    let cut = read(&kind, body, usize::from(size / 2) + 1);
    assert_eq!(whole.as_ref().map(Read::said), cut.as_ref().map(Read::said));

    let Some(Read { fields, late, file, bytes }) = whole else { return };
    let written = write_form(&fields, fields.get("model").and_then(Value::as_str).unwrap_or_default(), &file);
    let body = [&written.before[..], &bytes, &written.behind(&fields, late.clone())].concat();
    let again = read(&written.media, &body, usize::MAX).expect("it is a form with a file");
    assert_eq!(again.bytes, bytes);
    // Names are written so that they cannot break out of their quotes: those with quotes or breaks come back as others.
    let tame = |name: &str| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_[]-".contains(&byte));
    let late = late_fields(late);
    if fields.keys().chain(late.keys()).all(|name| tame(name)) {
        assert_eq!(again.fields, fields);
        // What was known before the file is not said again behind it.
        let new: Map<_, _> = late.into_iter().filter(|(name, _)| !fields.contains_key(name)).collect();
        assert_eq!(late_fields(again.late), new);
    }
});

/// What a form says.
struct Read {
    fields: Map<String, Value>,
    late: Vec<(String, String)>,
    file: Attachment,
    bytes: Vec<u8>,
}

impl Read {
    /// What can be compared.
    fn said(&self) -> (&Map<String, Value>, &[(String, String)], &[u8], [&str; 3]) {
        let Attachment { field, name, media, .. } = &self.file;
        (&self.fields, &self.late, &self.bytes, [field, name, media])
    }
}

/// A form that comes in pieces of some size, once all of it was there.
fn read(kind: &str, body: &[u8], size: usize) -> Option<Read> {
    let pieces: Vec<_> = body.chunks(size).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
    now(async {
        let (form, rest) = parse_form(Some(kind), stream::iter(pieces)).await.ok()?;
        rest.await;
        form.file.upload.ended().await.ok()?;
        let pieces: Vec<_> = form.file.upload.pieces().collect().await;
        let bytes = pieces.into_iter().flat_map(|piece| piece.expect("it ended well")).collect();
        Some(Read { fields: form.fields, late: form.file.upload.late(), file: form.file, bytes })
    })
}

/// What a future that waits for nothing but its turn gives.
fn now<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    for _ in 0..1_000_000 {
        if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return value;
        }
    }
    unreachable!("all of the body is there")
}
