//! A small HTTP client: one request, one connection, everything of the answer.
//!
//! It speaks to this machine only, and shows what came as it came: nothing is retried, followed or mended.

mod answer;
mod open;

pub use answer::Answer;
use open::Driver;
pub use open::Open;

use bytes::Bytes;
use http::{Method, Request, header, request};
use http_body_util::Full;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use std::io;
use std::net::SocketAddr;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

/// A client of one gateway.
#[derive(Debug, Clone)]
pub struct Client {
    address: SocketAddr,
    key: Option<String>,
}

impl Client {
    /// A client without a key.
    #[must_use]
    pub const fn new(address: SocketAddr) -> Self {
        Self { address, key: None }
    }

    /// The same client with a key.
    #[must_use]
    pub fn with_key(&self, key: impl Into<String>) -> Self {
        Self { address: self.address, key: Some(key.into()) }
    }

    /// Asks for a chat completion, whole or streamed, and waits for all of it.
    ///
    /// # Errors
    /// The gateway cannot be reached, or breaks off.
    pub async fn chat(&self, body: &Value) -> io::Result<Answer> {
        self.post("/v1/chat/completions", body.to_string()).await
    }

    /// Sends a JSON body and waits for all of the answer.
    ///
    /// # Errors
    /// The gateway cannot be reached, or breaks off.
    pub async fn post(&self, path: &str, body: impl Into<Bytes>) -> io::Result<Answer> {
        self.open(self.request(Method::POST, path), body).await?.rest().await
    }

    /// Asks for a path.
    ///
    /// # Errors
    /// The gateway cannot be reached, or breaks off.
    pub async fn get(&self, path: &str) -> io::Result<Answer> {
        self.open(self.request(Method::GET, path), Bytes::new()).await?.rest().await
    }

    /// A request with the usual headers, to add others to.
    #[must_use]
    pub fn request(&self, method: Method, path: &str) -> request::Builder {
        let mut request =
            Request::builder().method(method).uri(path).header(header::HOST, self.address.to_string());
        request = request.header(header::CONTENT_TYPE, "application/json");
        match &self.key {
            Some(key) => request.header(header::AUTHORIZATION, format!("Bearer {key}")),
            None => request,
        }
    }

    /// Sends a request and waits for the head of the answer alone.
    ///
    /// # Errors
    /// The gateway cannot be reached, or does not speak HTTP.
    pub async fn open(&self, request: request::Builder, body: impl Into<Bytes>) -> io::Result<Open> {
        Self::open_over(TcpStream::connect(self.address).await?, request, body).await
    }

    /// The same over a connection that is open already.
    ///
    /// # Errors
    /// The other end does not speak HTTP.
    pub async fn open_over(
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        request: request::Builder,
        body: impl Into<Bytes>,
    ) -> io::Result<Open> {
        let request = request.body(Full::new(body.into())).map_err(io::Error::other)?;
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
        // It ends with this call, where this call is given up.
        let driver = Driver(tokio::spawn(connection));
        let answer = sender.send_request(request).await.map_err(io::Error::other)?;
        Ok(Open::new(answer, driver))
    }
}
