//! Amazon's event streams (`application/vnd.amazon.eventstream`): bytes in, frames out.
//!
//! The framing and its checksums are read by Amazon's own crate; here a message is cut out once all of it has come.
//! Invariants: the frames do not depend on how the bytes are cut; no more than the bound is ever buffered. An event is
//! named by its `:event-type`, an exception by its `:exception-type`, and both carry their payload.

use crate::sse::Frame;
use aws_smithy_eventstream::frame::read_message_from;
use aws_smithy_types::event_stream::Message;
use bytes::{Bytes, BytesMut};

/// Bytes of a message that is nothing but its prelude and checksums.
const LEAST: usize = 16;

/// What a decoder refuses.
#[derive(Debug, thiserror::Error)]
pub enum NotAStream {
    /// A message is too large.
    #[error("a message of the stream is larger than {0} bytes")]
    TooLarge(usize),
    /// A message is none: a length that cannot be, a wrong checksum, unreadable headers.
    #[error("a message of the stream cannot be read: {0}")]
    Broken(String),
}

/// Turns the bytes of a stream, however they are cut, into frames.
#[derive(Debug)]
pub struct Decoder {
    partial: BytesMut,
    max: usize,
}

impl Decoder {
    /// A decoder that refuses messages of more than `max` bytes.
    #[must_use]
    pub fn new(max: usize) -> Self {
        Self { partial: BytesMut::new(), max }
    }

    /// Takes the next bytes and gives the messages that they complete.
    ///
    /// # Errors
    /// A message is too large or broken. The stream is of no use from there on.
    pub fn push(&mut self, chunk: &Bytes) -> Result<Vec<Frame>, NotAStream> {
        self.partial.extend_from_slice(chunk);
        let mut frames = Vec::new();
        while let Some(length) = self.partial.first_chunk::<4>() {
            let length = u32::from_be_bytes(*length) as usize;
            if length > self.max {
                return Err(NotAStream::TooLarge(self.max));
            }
            if length < LEAST {
                return Err(NotAStream::Broken("it is too short".into()));
            }
            if self.partial.len() < length {
                break;
            }
            let message = self.partial.split_to(length).freeze();
            let message =
                read_message_from(message).map_err(|error| NotAStream::Broken(error.to_string()))?;
            frames.extend(frame(&message));
        }
        Ok(frames)
    }
}

/// The frame of a message; none of one that says nothing of its kind.
fn frame(message: &Message) -> Option<Frame> {
    let header = |name: &str| {
        let header = message.headers().iter().find(|header| header.name().as_str() == name)?;
        Some(header.value().as_string().ok()?.as_str().to_owned())
    };
    match header(":message-type")?.as_str() {
        "event" => Some(Frame { event: header(":event-type")?, data: message.payload().clone() }),
        "exception" => Some(Frame { event: header(":exception-type")?, data: message.payload().clone() }),
        "error" => {
            let text = header(":error-message").unwrap_or_default();
            let data = serde_json::json!({ "message": text }).to_string().into();
            Some(Frame { event: header(":error-code")?, data })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

    use super::{Decoder, NotAStream};
    use crate::sse::Frame;
    use aws_smithy_eventstream::frame::write_message_to;
    use aws_smithy_types::event_stream::{Header, HeaderValue, Message};
    use bytes::{Bytes, BytesMut};
    use proptest::prelude::*;

    fn message(headers: &[(&'static str, &'static str)], payload: &str) -> Vec<u8> {
        let headers = headers
            .iter()
            .map(|(name, value)| Header::new(*name, HeaderValue::String((*value).into())))
            .collect();
        let message = Message::new_from_parts(headers, Bytes::from(payload.to_owned()));
        let mut out = Vec::new();
        write_message_to(&message, &mut out).unwrap();
        out
    }

    fn stream() -> (Vec<u8>, Vec<Frame>) {
        let event = |name, data: &'static str| Frame { event: String::from(name), data: data.into() };
        let bytes = [
            message(
                &[(":message-type", "event"), (":event-type", "messageStart")],
                r#"{"role":"assistant"}"#,
            ),
            message(&[("x", "y")], "unnamed"),
            message(&[(":message-type", "exception"), (":exception-type", "throttlingException")], "{}"),
            message(&[(":message-type", "error"), (":error-code", "Bad"), (":error-message", "no")], ""),
        ];
        let frames = vec![
            event("messageStart", r#"{"role":"assistant"}"#),
            event("throttlingException", "{}"),
            event("Bad", r#"{"message":"no"}"#),
        ];
        (bytes.concat(), frames)
    }

    proptest! {
        #[test]
        fn frames_do_not_depend_on_how_the_bytes_are_cut(cuts in prop::collection::vec(1_usize..40, 0..60)) {
            let (bytes, frames) = stream();
            let mut rest = Bytes::from(bytes);
            let mut decoder = Decoder::new(1_000);
            let mut seen = Vec::new();
            for cut in cuts {
                seen.extend(decoder.push(&rest.split_to(cut.min(rest.len()))).unwrap());
            }
            seen.extend(decoder.push(&rest).unwrap());
            prop_assert_eq!(seen, frames);
        }

        #[test]
        fn what_is_no_stream_is_refused_and_never_a_panic(garbage in prop::collection::vec(any::<u8>(), 0..200), flip in 0_usize..400) {
            let _ = Decoder::new(1_000).push(&garbage.into());
            let (mut bytes, frames) = stream();
            let at = flip % bytes.len();
            bytes[at] ^= 0x10;
            match Decoder::new(1_000).push(&bytes.into()) {
                // A length that grew is waited for.
                Ok(seen) => prop_assert!(seen.len() < frames.len()),
                Err(NotAStream::Broken(_) | NotAStream::TooLarge(_)) => {}
            }
        }
    }

    #[test]
    fn a_large_message_is_refused_before_it_is_buffered() {
        let mut decoder = Decoder::new(100);
        let mut head = BytesMut::from(&101_u32.to_be_bytes()[..]);
        head.extend_from_slice(&[0; 8]);
        assert!(matches!(decoder.push(&head.freeze()), Err(NotAStream::TooLarge(100))));
    }
}
