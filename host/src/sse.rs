//! Server-sent events: bytes in, frames out, and back.
//!
//! The rules are those of the WHATWG HTML standard, section 9.2.6 ("Interpreting an event stream"): LF, CR
//! and CRLF end a line, a blank line ends an event, a first byte order mark is dropped, comments, `id` and
//! `retry` mean nothing here, an event without `data` and an event that the stream breaks off are dropped.
//!
//! Invariants: the frames do not depend on how the bytes are cut; no more than the bound is ever buffered;
//! data that lies in one line of one chunk is not copied. Never looks into the data, which stays bytes.

#[cfg(test)]
mod tests;

use bytes::{BufMut, Bytes, BytesMut};
use memchr::{memchr, memchr2};

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// One event.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Frame {
    /// Its name; empty when the stream gave none.
    pub event: String,
    /// Its data lines, joined by LF.
    pub data: Bytes,
}

/// What a decoder refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an event of the stream is larger than {max} bytes")]
pub struct FrameTooLarge {
    /// The bound.
    pub max: usize,
}

/// Turns the bytes of a stream, however they are cut, into frames.
#[derive(Debug)]
pub struct Decoder {
    /// The beginning of a line whose end has not come yet.
    partial: BytesMut,
    event: String,
    data: Data,
    /// The last byte was a CR: an LF that follows belongs to it.
    after_cr: bool,
    /// No line has been read yet.
    first: bool,
    max: usize,
}

/// The data lines of the event so far. Most events have one, which is kept as it came.
#[derive(Debug, Default)]
enum Data {
    #[default]
    None,
    One(Bytes),
    Many(BytesMut),
}

impl Data {
    fn len(&self) -> usize {
        match self {
            Self::None => 0,
            Self::One(line) => line.len(),
            Self::Many(lines) => lines.len(),
        }
    }

    fn append(&mut self, line: Bytes) {
        match self {
            Self::None => *self = Self::One(line),
            Self::One(first) => {
                let mut lines = BytesMut::with_capacity(first.len() + 1 + line.len());
                lines.extend_from_slice(first);
                lines.put_u8(b'\n');
                lines.extend_from_slice(&line);
                *self = Self::Many(lines);
            }
            Self::Many(lines) => {
                lines.put_u8(b'\n');
                lines.extend_from_slice(&line);
            }
        }
    }

    fn take(&mut self) -> Option<Bytes> {
        match std::mem::take(self) {
            Self::None => None,
            Self::One(line) => Some(line),
            Self::Many(lines) => Some(lines.freeze()),
        }
    }
}

impl Decoder {
    /// A decoder that refuses events of more than `max` bytes: one line, with what the event holds before it.
    #[must_use]
    pub fn new(max: usize) -> Self {
        Self {
            partial: BytesMut::new(),
            event: String::new(),
            data: Data::None,
            after_cr: false,
            first: true,
            max,
        }
    }

    /// Takes the next bytes and gives the events that they complete.
    ///
    /// # Errors
    /// An event is too large. The stream is of no use from there on; events that came before the large one
    /// in the same bytes are lost. [`Decoder::push_into`] keeps them.
    pub fn push(&mut self, chunk: &Bytes) -> Result<Vec<Frame>, FrameTooLarge> {
        let mut frames = Vec::new();
        self.push_into(chunk, &mut frames)?;
        Ok(frames)
    }

    /// Takes the next bytes and appends the events that they complete.
    ///
    /// # Errors
    /// An event is too large; the stream is of no use from there on.
    pub fn push_into(&mut self, chunk: &Bytes, frames: &mut Vec<Frame>) -> Result<(), FrameTooLarge> {
        let mut rest = chunk.clone();
        loop {
            if self.after_cr && !rest.is_empty() {
                self.after_cr = false;
                if rest.first() == Some(&b'\n') {
                    let _ = rest.split_to(1);
                }
            }
            let Some(end) = memchr2(b'\n', b'\r', &rest) else {
                self.partial.extend_from_slice(&rest);
                return self.check(self.partial.len());
            };
            self.after_cr = rest.get(end) == Some(&b'\r');
            let mut line = rest.split_to(end);
            let _ = rest.split_to(1);
            if !self.partial.is_empty() {
                self.partial.extend_from_slice(&line);
                line = self.partial.split().freeze();
            }
            self.check(line.len())?;
            if std::mem::take(&mut self.first) && line.starts_with(BYTE_ORDER_MARK) {
                let _ = line.split_to(BYTE_ORDER_MARK.len());
            }
            if line.is_empty() {
                frames.extend(self.dispatch());
            } else {
                self.field(line);
            }
        }
    }

    /// Whether bytes of an unfinished event are held; at the end of a stream they are to be dropped.
    #[must_use]
    pub fn is_midway(&self) -> bool {
        !self.partial.is_empty() || !self.event.is_empty() || !matches!(self.data, Data::None)
    }

    fn check(&self, line: usize) -> Result<(), FrameTooLarge> {
        if line + self.event.len() + self.data.len() > self.max {
            return Err(FrameTooLarge { max: self.max });
        }
        Ok(())
    }

    fn field(&mut self, mut line: Bytes) {
        let (name, value) = match memchr(b':', &line) {
            Some(colon) => {
                let name = line.split_to(colon);
                let _ = line.split_to(1);
                if line.first() == Some(&b' ') {
                    let _ = line.split_to(1);
                }
                (name, line)
            }
            None => (line, Bytes::new()),
        };
        match &*name {
            b"data" => self.data.append(value),
            b"event" => self.event = String::from_utf8_lossy(&value).into_owned(),
            _ => {}
        }
    }

    fn dispatch(&mut self) -> Option<Frame> {
        let event = std::mem::take(&mut self.event);
        self.data.take().map(|data| Frame { event, data })
    }
}

/// Writes one event. An empty `event` is left out; every line of the data becomes a `data` line, so that
/// CR and CRLF in it arrive as LF. Of a name with a line break, what stands before it is written.
pub fn encode(event: &str, data: &(impl AsRef<[u8]> + ?Sized), out: &mut BytesMut) {
    let data = data.as_ref();
    out.reserve(data.len() + event.len() + 24);
    let event = event.split(['\r', '\n']).next().unwrap_or_default();
    if !event.is_empty() {
        out.put_slice(b"event: ");
        out.put_slice(event.as_bytes());
        out.put_u8(b'\n');
    }
    each_line(data, |line| {
        out.put_slice(b"data: ");
        out.put_slice(line);
        out.put_u8(b'\n');
    });
    out.put_u8(b'\n');
}

/// Writes a comment, which clients ignore.
pub fn encode_comment(text: &str, out: &mut BytesMut) {
    out.reserve(text.len() + 8);
    each_line(text.as_bytes(), |line| {
        out.put_slice(b": ");
        out.put_slice(line);
        out.put_u8(b'\n');
    });
    out.put_u8(b'\n');
}

fn each_line(text: &[u8], mut write: impl FnMut(&[u8])) {
    let mut rest = text;
    while let Some((line, after)) =
        memchr2(b'\n', b'\r', rest).and_then(|end| Some((rest.get(..end)?, rest.get(end..)?)))
    {
        write(line);
        rest = after.strip_prefix(b"\r\n").or_else(|| after.get(1..)).unwrap_or_default();
    }
    write(rest);
}
