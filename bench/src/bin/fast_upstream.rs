//! A model provider that answers at once: what is measured through it is what stands before it.
//!
//! HTTP/1.1 with keep-alive, read with as little work as it can be: the head is searched, the body is skipped
//! but for three marks (`"stream":true`, the held model, the path of the Anthropic API). Every answer is a
//! constant. It is no HTTP server for anyone but the benchmark, and refuses what it does not expect by closing
//! the connection.

use bytes::{Buf, BytesMut};
use clap::Parser;
use lockgate_bench::{FRAMES, HELD_MODEL, SHORT_FRAMES};
use memchr::memmem;
use std::fmt::Write as _;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Bytes of a head at most.
const MAX_HEAD: usize = 64 * 1024;
/// What the model says; the placeholder is what a guard that masks puts in place of the prompt's address.
const WORDS: &str = "I have written to <EMAIL_1> and will report when there is an answer.";

/// A model provider that answers at once.
#[derive(Parser)]
struct Arguments {
    /// Where it listens; port 0 takes a free one, which the first line of the output names.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
}

#[tokio::main]
async fn main() -> io::Result<()> {
    let listener = TcpListener::bind(Arguments::parse().listen).await?;
    println!("listening on {}", listener.local_addr()?);
    let answers = Arc::new(Answers::new());
    loop {
        // Out of file descriptors, say: the next connection may fare better.
        let Ok((stream, _)) = listener.accept().await else { continue };
        let answers = answers.clone();
        tokio::spawn(async move {
            // A client that goes away ends its connection, and nothing else.
            let _ = serve(stream, &answers).await;
        });
    }
}

/// The constants.
struct Answers {
    whole: Vec<u8>,
    message: Vec<u8>,
    stream: Vec<Vec<u8>>,
    message_stream: Vec<Vec<u8>>,
    short: Vec<Vec<u8>>,
    short_message: Vec<Vec<u8>>,
}

/// The head of a stream; its frames follow as chunks.
const STREAM_HEAD: &[u8] =
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

impl Answers {
    fn new() -> Self {
        let completion = format!(
            r#"{{"id":"chatcmpl-bench","object":"chat.completion","created":1760000000,"model":"answer","choices":[{{"index":0,"message":{{"role":"assistant","content":"{WORDS}","refusal":null}},"logprobs":null,"finish_reason":"stop"}}],"usage":{{"prompt_tokens":180,"completion_tokens":16,"total_tokens":196}}}}"#
        );
        let message = format!(
            r#"{{"id":"msg_bench","type":"message","role":"assistant","model":"answer","content":[{{"type":"text","text":"{WORDS}"}}],"stop_reason":"end_turn","stop_sequence":null,"usage":{{"input_tokens":180,"output_tokens":16}}}}"#
        );
        Self {
            whole: document(&completion),
            message: document(&message),
            stream: openai_frames(FRAMES),
            message_stream: anthropic_frames(FRAMES),
            short: openai_frames(SHORT_FRAMES),
            short_message: anthropic_frames(SHORT_FRAMES),
        }
    }
}

fn document(body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}")
        .into_bytes()
}

/// An event as an HTTP chunk.
fn chunk(event: &str) -> Vec<u8> {
    format!("{:x}\r\n{event}\r\n", event.len()).into_bytes()
}

/// The texts of a stream: the words again and again, one a frame.
fn texts(frames: usize) -> impl Iterator<Item = String> {
    WORDS.split_inclusive(' ').cycle().take(frames).map(str::to_owned)
}

fn openai_frames(count: usize) -> Vec<Vec<u8>> {
    let event = |choices: &str, usage: &str| {
        chunk(&format!(
            "data: {{\"id\":\"chatcmpl-bench\",\"object\":\"chat.completion.chunk\",\"created\":1760000000,\"model\":\"answer\",\"choices\":[{choices}],\"usage\":{usage}}}\n\n"
        ))
    };
    let choice = |delta: &str, finish: &str| {
        event(&format!(r#"{{"index":0,"delta":{delta},"logprobs":null,"finish_reason":{finish}}}"#), "null")
    };
    let mut frames = vec![choice(r#"{"role":"assistant","content":""}"#, "null")];
    frames.extend(texts(count).map(|text| choice(&format!(r#"{{"content":"{text}"}}"#), "null")));
    frames.push(choice("{}", r#""stop""#));
    frames.push(event("", r#"{"prompt_tokens":180,"completion_tokens":64,"total_tokens":244}"#));
    frames.push(chunk("data: [DONE]\n\n"));
    frames
}

fn anthropic_frames(count: usize) -> Vec<Vec<u8>> {
    let event =
        |name: &str, rest: &str| chunk(&format!("event: {name}\ndata: {{\"type\":\"{name}\"{rest}}}\n\n"));
    let mut frames = vec![
        event(
            "message_start",
            r#","message":{"id":"msg_bench","type":"message","role":"assistant","model":"answer","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":180,"output_tokens":1}}"#,
        ),
        event("content_block_start", r#","index":0,"content_block":{"type":"text","text":""}"#),
    ];
    frames.extend(texts(count).map(|text| {
        let mut rest = String::new();
        let _ = write!(rest, r#","index":0,"delta":{{"type":"text_delta","text":"{text}"}}"#);
        event("content_block_delta", &rest)
    }));
    frames.push(event("content_block_stop", r#","index":0"#));
    frames.push(event(
        "message_delta",
        r#","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":64}"#,
    ));
    frames.push(event("message_stop", ""));
    frames
}

/// What a request wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Wanted {
    stream: bool,
    held: bool,
    short: bool,
    anthropic: bool,
}

async fn serve(mut connection: TcpStream, answers: &Answers) -> io::Result<()> {
    connection.set_nodelay(true)?;
    let mut buffer = BytesMut::with_capacity(16 * 1024);
    while let Some(wanted) = next_request(&mut connection, &mut buffer).await? {
        let (whole, frames) = match (wanted.anthropic, wanted.short) {
            (true, false) => (&answers.message, &answers.message_stream),
            (true, true) => (&answers.message, &answers.short_message),
            (false, false) => (&answers.whole, &answers.stream),
            (false, true) => (&answers.whole, &answers.short),
        };
        if !wanted.stream {
            connection.write_all(whole).await?;
            continue;
        }
        connection.write_all(STREAM_HEAD).await?;
        if wanted.held {
            // Enough for every guard to have let go of something.
            for frame in frames.iter().take(frames.len() / 2) {
                connection.write_all(frame).await?;
            }
            // The stream stays open until the client goes away.
            while connection.read_buf(&mut buffer).await? > 0 {}
            return Ok(());
        }
        // One write a frame: a gateway gets them as a model would send them, and not as one block.
        for frame in frames {
            connection.write_all(frame).await?;
        }
        connection.write_all(LAST_CHUNK).await?;
    }
    Ok(())
}

/// Reads a request and takes it from the buffer; none when the client is done.
async fn next_request(connection: &mut TcpStream, buffer: &mut BytesMut) -> io::Result<Option<Wanted>> {
    loop {
        if let Some((wanted, length)) = parse(buffer)? {
            buffer.advance(length);
            return Ok(Some(wanted));
        }
        if connection.read_buf(buffer).await? == 0 {
            return Ok(None);
        }
    }
}

/// A whole request at the start of the bytes, and its length.
fn parse(bytes: &[u8]) -> io::Result<Option<(Wanted, usize)>> {
    let Some(end) = memmem::find(bytes, b"\r\n\r\n") else {
        return if bytes.len() > MAX_HEAD { Err(io::ErrorKind::InvalidData.into()) } else { Ok(None) };
    };
    let (head, rest) = bytes.split_at_checked(end + 4).unwrap_or((bytes, &[]));
    let body = match header(head, "content-length") {
        Some(length) => {
            let length: usize = length.parse().map_err(|_| io::ErrorKind::InvalidData)?;
            match rest.get(..length) {
                Some(body) => body,
                None => return Ok(None),
            }
        }
        None if header(head, "transfer-encoding").is_some() => match memmem::find(rest, b"\r\n0\r\n\r\n") {
            Some(last) => rest.get(..last + 7).unwrap_or(rest),
            None => return Ok(None),
        },
        None => &[],
    };
    let stream = memmem::find(body, b"\"stream\":true").is_some();
    let held = stream && memmem::find(body, format!("\"{HELD_MODEL}\"").as_bytes()).is_some();
    let short = stream && memmem::find(body, format!("max_tokens\":{SHORT_FRAMES},").as_bytes()).is_some();
    let anthropic = head.starts_with(b"POST /v1/messages");
    Ok(Some((Wanted { stream, held, short, anthropic }, head.len() + body.len())))
}

/// The value of a header.
fn header<'a>(head: &'a [u8], name: &str) -> Option<&'a str> {
    head.split(|byte| *byte == b'\n').find_map(|line| {
        let line = std::str::from_utf8(line).ok()?;
        let (found, value) = line.split_once(':')?;
        found.eq_ignore_ascii_case(name).then_some(value.trim())
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn parsed(text: &str) -> Option<(Wanted, usize)> {
        parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn a_request_is_whole_only_with_its_body() {
        let text = "POST /v1/chat/completions HTTP/1.1\r\nContent-Length: 15\r\n\r\n{\"stream\":true}";
        let wanted = Wanted { stream: true, held: false, short: false, anthropic: false };
        assert_eq!(parsed(text), Some((wanted, text.len())));
        for cut in 0..text.len() {
            assert_eq!(parsed(text.get(..cut).unwrap()), None, "{cut}");
        }
        assert_eq!(parsed(&format!("{text}POST /next")), Some((wanted, text.len())));
    }

    #[test]
    fn chunked_bodies_and_both_formats_are_told_apart() {
        let text = "POST /v1/messages HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
        let wanted = Wanted { stream: false, held: false, short: false, anthropic: true };
        assert_eq!(parsed(text), Some((wanted, text.len())));
        let body = "{\"model\":\"held\",\"stream\":true}";
        let text =
            format!("POST /v1/chat/completions HTTP/1.1\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        assert!(parsed(&text).unwrap().0.held);
    }

    #[test]
    fn every_event_of_the_streams_is_json() {
        let answers = Answers::new();
        for frame in answers.stream.iter().chain(&answers.message_stream).chain(&answers.short_message) {
            let text = std::str::from_utf8(frame).unwrap();
            let (length, rest) = text.split_once("\r\n").unwrap();
            let event = rest.strip_suffix("\r\n").unwrap();
            assert_eq!(usize::from_str_radix(length, 16).unwrap(), event.len());
            let data = event.split_once("data: ").unwrap().1.trim_end();
            assert!(data == "[DONE]" || serde_json::from_str::<serde_json::Value>(data).is_ok(), "{data}");
        }
        for document in [&answers.whole, &answers.message] {
            let text = std::str::from_utf8(document).unwrap();
            assert!(
                serde_json::from_str::<serde_json::Value>(text.split_once("\r\n\r\n").unwrap().1).is_ok()
            );
        }
    }
}
