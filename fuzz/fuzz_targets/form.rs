//! Any bytes as a form: read or refused; and what is read, written and read again, is the same.
//! Run with `cargo +nightly fuzz run form`.

#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use lockgate::format::openai::{parse_form, write_form};
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

fuzz_target!(|input: (bool, &str, Vec<u8>)| {
    let (plain, kind, mut body) = input;
    let kind = if plain {
        // So that more of them are forms.
        body.splice(
            ..0,
            *b"--b\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\n\r\n--b\r\n",
        );
        body.extend_from_slice(
            b"\r\n--b\r\ncontent-disposition: form-data; name=\"model\"\r\n\r\nm\r\n--b--\r\n",
        );
        "multipart/form-data; boundary=b"
    } else {
        kind
    };
    let Ok((fields, Some(attachment))) = now(parse_form(Some(kind), body.into())) else { return };
    let model = fields.get("model").and_then(|model| model.as_str()).unwrap_or_default();
    let (kind, written): (String, Bytes) = write_form(&fields, model, &attachment);
    let (again, file) = now(parse_form(Some(&kind), written)).expect("it is a form");
    assert_eq!(file.expect("it has a file").bytes, attachment.bytes);
    // Names are written so that they cannot break out of their quotes: those with quotes or breaks come back as others.
    let tame = |name: &str| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_[]-".contains(&byte));
    if fields.keys().all(|name| tame(name)) {
        assert_eq!(again, fields);
    }
});

/// What a future that waits for nothing gives.
fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => unreachable!("all of the body is there"),
    }
}
