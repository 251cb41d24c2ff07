//! What is measured: an address, and what a request to it says.

use bytes::Bytes;
use http::{HeaderValue, Request, header};
use http_body_util::Full;
use lockgate_bench::{Prompts, SHORT_FRAMES, Texts, request};
use std::net::SocketAddr;

/// Something that is measured.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    /// Its row in the table.
    pub(crate) name: String,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// The key it wants.
    pub(crate) key: &'static str,
    /// The model that requests name: behind Lockgate, the route.
    pub(crate) model: String,
    /// Which prompts it is sent.
    pub(crate) asks: Asks,
    /// How long they are, in bytes.
    pub(crate) prompt_bytes: usize,
    /// What they are made of, where it is not the benchmark's few words.
    pub(crate) texts: Texts,
    /// The process whose time is measured, where there is one.
    pub(crate) process: Option<u32>,
}

/// Which prompts are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asks {
    /// A new one each time.
    Anew,
    /// The same one each time: what a cache is for.
    TheSame,
}

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// One document.
    Whole,
    /// A stream.
    Stream,
    /// A short stream, to its end.
    Short,
}

impl Target {
    /// Prompts to ask it with.
    pub(crate) fn prompts(&self, seed: u64) -> Prompts {
        Prompts::new(seed).of(self.prompt_bytes).among(self.texts.clone())
    }

    /// A request with a prompt.
    pub(crate) fn request(&self, prompt: &str, answer: Answer) -> Request<Full<Bytes>> {
        let limit = (answer == Answer::Short).then_some(SHORT_FRAMES);
        let body = request(&self.model, prompt, answer != Answer::Whole, limit);
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = http::Method::POST;
        *request.uri_mut() = http::Uri::from_static("/v1/chat/completions");
        let headers = request.headers_mut();
        headers.insert(header::HOST, HeaderValue::from_static("bench"));
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Ok(value) = HeaderValue::try_from(format!("Bearer {}", self.key)) {
            headers.insert(header::AUTHORIZATION, value);
        }
        request
    }
}
