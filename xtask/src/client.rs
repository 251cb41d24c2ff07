//! A small HTTP client: one request, one connection, everything of the answer.
//!
//! It speaks to this machine only and reads streams of the OpenAI API far enough to show them.

use anyhow::{Context, Result};
use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use std::net::SocketAddr;
use tokio::net::TcpStream;

/// An answer.
pub(crate) struct Answer {
    /// Its status.
    pub(crate) status: StatusCode,
    /// Its headers, and its trailers when it has some.
    pub(crate) headers: HeaderMap,
    /// Its body.
    pub(crate) body: String,
}

impl Answer {
    /// A header.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The text that the model said, or the message of the error.
    pub(crate) fn text(&self) -> String {
        if self.header("content-type").starts_with("text/event-stream") {
            return self.deltas().concat();
        }
        let body: Value = serde_json::from_str(&self.body).unwrap_or_default();
        let said = body.pointer("/choices/0/message/content").or(body.pointer("/error/message"));
        said.and_then(Value::as_str).unwrap_or(&self.body).to_owned()
    }

    /// The pieces in which a streamed text came.
    pub(crate) fn deltas(&self) -> Vec<String> {
        self.body
            .lines()
            .filter_map(|line| line.strip_prefix("data: "))
            .filter_map(|data| serde_json::from_str::<Value>(data).ok())
            .filter_map(|chunk| Some(chunk.pointer("/choices/0/delta/content")?.as_str()?.to_owned()))
            .filter(|delta| !delta.is_empty())
            .collect()
    }

    /// The code of an error, in the OpenAI format.
    pub(crate) fn error_code(&self) -> String {
        let body: Value = serde_json::from_str(&self.body).unwrap_or_default();
        body.pointer("/error/code").and_then(Value::as_str).unwrap_or_default().to_owned()
    }
}

/// Asks for a chat completion.
pub(crate) async fn chat(gateway: SocketAddr, key: &str, body: &Value) -> Result<Answer> {
    let request = Request::builder()
        .method(Method::POST)
        .uri("/v1/chat/completions")
        .header("host", gateway.to_string())
        .header("content-type", "application/json")
        .header("authorization", format!("Bearer {key}"))
        .body(Full::new(Bytes::from(body.to_string())))?;
    send(gateway, request).await
}

/// Asks for a path without a key.
pub(crate) async fn get(address: SocketAddr, path: &str) -> Result<Answer> {
    let request = Request::get(path).header("host", address.to_string()).body(Full::default())?;
    send(address, request).await
}

async fn send(address: SocketAddr, request: Request<Full<Bytes>>) -> Result<Answer> {
    let stream = TcpStream::connect(address).await.with_context(|| format!("no connection to {address}"))?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let driver = tokio::spawn(connection);
    let (head, body) = sender.send_request(request).await?.into_parts();
    let body = body.collect().await.context("the answer broke off")?;
    driver.abort();
    let mut headers = head.headers;
    headers.extend(body.trailers().cloned().unwrap_or_default());
    let body = String::from_utf8_lossy(&body.to_bytes()).into_owned();
    Ok(Answer { status: head.status, headers, body })
}
