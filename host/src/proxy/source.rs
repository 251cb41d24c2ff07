//! Where the events of an answer come from: a provider's stream or body, or an answer that was kept.
//!
//! Invariants: an answer that ends without a finish for each of its choices is an error, never a complete
//! answer; what a provider sends is bounded by its frame size; waiting for it is cancel-safe.

use super::fault::{adapter_failed, fell_silent, incomplete, not_an_answer, provider_failed};
use crate::chat::{Event, Operation, ProviderError, TextAt};
use crate::error::Error;
use crate::eventstream;
use crate::exchange::Exchange;
use crate::format::openai;
use crate::plugin::{Binding, Frame};
use crate::sse;
use crate::upstream::UpstreamBody;
use bytes::Bytes;
use futures_util::FutureExt as _;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Pieces of a provider's answer that are read together at the most, when they have come already: the first of them is
/// not to wait for too many others.
const READ_TOGETHER: usize = 32;
/// Frames that may stand before the first token; past them an answer has begun, so that no provider fills the memory.
const MOST_BEFORE: usize = 256;

/// One provider frame: its events, and its bytes where they can be relayed as they are.
#[derive(Debug)]
pub struct Step {
    /// What it means.
    pub events: Vec<Event>,
    /// The data of the frame, in the host's native format.
    pub native: Option<Bytes>,
}

/// How the bytes are cut into frames.
#[derive(Debug)]
pub enum Framing {
    /// Server-sent events.
    Events(sse::Decoder),
    /// Amazon's event stream.
    Amazon(eventstream::Decoder),
}

impl Framing {
    fn push(&mut self, chunk: &Bytes) -> Result<Vec<sse::Frame>, Error> {
        match self {
            Self::Events(decoder) => decoder.push(chunk).map_err(not_an_answer),
            Self::Amazon(decoder) => decoder.push(chunk).map_err(not_an_answer),
        }
    }
}

/// Who reads the frames.
enum Reader {
    /// Frame by frame, when each is asked for: what came first is on its way before the rest is read.
    Native {
        reader: openai::ChunkReader,
        frames: VecDeque<sse::Frame>,
    },
    Adapter {
        adapter: Arc<Binding>,
        exchange: Arc<Exchange>,
        status: u16,
        headers: Vec<(String, String)>,
    },
}

/// The events of one answer.
pub struct Source {
    body: Option<UpstreamBody>,
    framing: Framing,
    reader: Reader,
    ready: VecDeque<Step>,
    /// The choices that began, and whether they ended.
    choices: BTreeMap<u32, bool>,
    over: bool,
    /// What the provider failed with, behind what it said.
    failed: Option<Error>,
    /// How long is waited for the next token, and since when.
    patience: Option<(Duration, Instant)>,
    /// Time spent waiting for the provider.
    pub waited: Duration,
    /// Whether it was whole from the beginning: what it says was counted when it came.
    pub whole: bool,
}

impl Source {
    /// A provider's event stream in the host's native format.
    #[must_use]
    pub fn native_stream(body: UpstreamBody, framing: Framing) -> Self {
        let reader = openai::ChunkReader::default();
        Self::new(Some(body), framing, Reader::Native { reader, frames: VecDeque::new() })
    }

    /// A provider's event stream that an adapter decodes.
    #[must_use]
    pub fn adapter_stream(
        body: UpstreamBody,
        framing: Framing,
        adapter: Arc<Binding>,
        exchange: Arc<Exchange>,
        status: u16,
        headers: Vec<(String, String)>,
    ) -> Self {
        Self::new(Some(body), framing, Reader::Adapter { adapter, exchange, status, headers })
    }

    /// Events that are there already.
    #[must_use]
    pub fn ready(events: Vec<Event>) -> Self {
        let reader = Reader::Native { reader: openai::ChunkReader::default(), frames: VecDeque::new() };
        let mut source = Self::new(None, Framing::Events(sse::Decoder::new(0)), reader);
        source.over = true;
        source.whole = true;
        source.ready.push_back(Step { events, native: None });
        source
    }

    fn new(body: Option<UpstreamBody>, framing: Framing, reader: Reader) -> Self {
        Self {
            body,
            framing,
            reader,
            ready: VecDeque::new(),
            choices: BTreeMap::new(),
            over: false,
            failed: None,
            patience: None,
            waited: Duration::ZERO,
            whole: false,
        }
    }

    /// Ends the answer when no token comes for this long, whatever else does.
    pub fn expect_tokens_within(&mut self, limit: Option<Duration>) {
        self.patience = limit.map(|limit| (limit, Instant::now()));
    }

    /// The next step, or none at the end of a complete answer.
    ///
    /// # Errors
    /// The provider failed, broke off, or sent what is not an answer.
    pub async fn next(&mut self) -> Result<Option<Step>, Error> {
        loop {
            if let Some(step) = self.take()? {
                return Ok(Some(step));
            }
            if self.is_over() {
                return self.complete().map(|()| None);
            }
            let chunk = self.wait().await?;
            self.feed(chunk).await?;
        }
    }

    /// Waits until the answer has begun: something is said, not only told about it. Gives the error it begins with, if it
    /// does.
    ///
    /// # Errors
    /// The provider failed before that.
    pub async fn begin(&mut self) -> Result<Option<ProviderError>, Error> {
        let mut looked_at = 0;
        loop {
            if looked_at == self.ready.len() {
                let step = self.read()?;
                self.ready.extend(step);
            }
            if let Some(step) = self.ready.get(looked_at) {
                looked_at += 1;
                listen_on(&mut self.patience, step);
                // Facts are no token: `message_start`, or a role alone, comes before the model has said anything.
                let is_fact = |event: &&Event| matches!(event, Event::Extra(_) | Event::Usage(_));
                let Some(said) = step.events.iter().find(|event| !is_fact(event)) else { continue };
                return Ok(match said {
                    Event::Error(error) => Some(error.clone()),
                    _ => None,
                });
            }
            if self.over {
                return self.complete().map(|()| None);
            }
            if looked_at >= MOST_BEFORE {
                return Ok(None);
            }
            let chunk = self.wait().await?;
            self.feed(chunk).await?;
        }
    }

    /// The next bytes of the provider; none at their end.
    ///
    /// # Errors
    /// The provider failed.
    ///
    /// # Cancel safety
    /// Nothing is lost when this is dropped before it is ready.
    pub async fn wait(&mut self) -> Result<Option<Bytes>, Error> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        let Some(body) = &mut self.body else { return Ok(None) };
        let from = Instant::now();
        let chunk = match self.patience {
            None => body.next().await,
            Some((limit, since)) => match tokio::time::timeout_at(since + limit, body.next()).await {
                Ok(chunk) => chunk,
                Err(_) => {
                    self.waited += from.elapsed();
                    return Err(fell_silent());
                }
            },
        };
        self.waited += from.elapsed();
        chunk.transpose().map_err(provider_failed)
    }

    /// Takes in what [`Source::wait`] gave.
    ///
    /// # Errors
    /// The bytes are not an event stream of the provider's format.
    pub async fn feed(&mut self, chunk: Option<Bytes>) -> Result<(), Error> {
        match chunk {
            Some(chunk) => {
                let mut frames = self.framing.push(&chunk)?;
                // What has come already is read with it: one call of an adapter, and one write to the client.
                for _ in 0..READ_TOGETHER {
                    match self.body.as_mut().and_then(|body| body.next().now_or_never()) {
                        Some(Some(chunk)) => {
                            let more =
                                chunk.map_err(provider_failed).and_then(|chunk| self.framing.push(&chunk));
                            match more {
                                Ok(more) => frames.extend(more),
                                Err(error) => {
                                    self.failed = Some(error);
                                    break;
                                }
                            }
                        }
                        Some(None) => {
                            self.over = true;
                            break;
                        }
                        None => break,
                    }
                }
                self.decode(frames, self.over).await
            }
            None => {
                self.over = true;
                self.decode(Vec::new(), true).await
            }
        }
    }

    /// A step that is ready.
    ///
    /// # Errors
    /// What the provider sent is not an answer.
    pub fn take(&mut self) -> Result<Option<Step>, Error> {
        let step = match self.ready.pop_front() {
            Some(step) => step,
            None => match self.read()? {
                Some(step) => step,
                None => return Ok(None),
            },
        };
        listen_on(&mut self.patience, &step);
        for event in &step.events {
            match event {
                Event::Text { at: TextAt { item: choice, .. }, .. } | Event::Tool { choice, .. } => {
                    self.choices.entry(*choice).or_insert(false);
                }
                Event::Finish { choice, .. } => {
                    self.choices.insert(*choice, true);
                }
                Event::Usage(_) | Event::Extra(_) | Event::Error(_) => {}
            }
        }
        Ok(Some(step))
    }

    /// Reads the next frame that has come.
    fn read(&mut self) -> Result<Option<Step>, Error> {
        let Reader::Native { reader, frames } = &mut self.reader else { return Ok(None) };
        let Some(frame) = frames.pop_front() else { return Ok(None) };
        if frame.data == openai::DONE {
            self.over = true;
            frames.clear();
            return Ok(None);
        }
        let events = reader.read(&frame.data).map_err(not_an_answer)?;
        Ok(Some(Step { events, native: Some(frame.data) }))
    }

    /// Whether nothing more will become ready, once [`Source::take`] gave nothing.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.over
    }

    /// Lets go of the provider: at the end of an answer its connection is kept for the next request, before
    /// that the request is cancelled.
    pub fn let_go(&mut self) {
        if let Some(body) = self.body.take().filter(|_| self.over) {
            body.let_go();
        }
    }

    /// The choices that began and have not ended.
    #[must_use]
    pub fn unfinished(&self) -> Vec<u32> {
        let open = self.choices.iter().filter(|(_, ended)| !**ended);
        open.map(|(choice, _)| *choice).collect()
    }

    /// Whether every choice that began has ended, and one has.
    ///
    /// # Errors
    /// It has not: the answer is truncated.
    pub fn complete(&self) -> Result<(), Error> {
        if !self.choices.is_empty() && self.choices.values().all(|ended| *ended) {
            return Ok(());
        }
        Err(incomplete())
    }

    async fn decode(&mut self, frames: Vec<sse::Frame>, last: bool) -> Result<(), Error> {
        match &mut self.reader {
            Reader::Native { frames: waiting, .. } => waiting.extend(frames),
            Reader::Adapter { adapter, exchange, status, headers } => {
                if frames.is_empty() && !last {
                    return Ok(());
                }
                let frames: Vec<Frame> =
                    frames.into_iter().map(|f| Frame { event: f.event, data: f.data.to_vec() }).collect();
                let events =
                    adapter.decode(exchange, *status, headers, frames, last).await.map_err(adapter_failed)?;
                self.ready.push_back(Step { events, native: None });
            }
        }
        Ok(())
    }
}

/// Waits for the next token from now on, where a frame tells anything.
fn listen_on(patience: &mut Option<(Duration, Instant)>, step: &Step) {
    if let Some((_, since)) = patience.as_mut().filter(|_| !step.events.is_empty()) {
        *since = Instant::now();
    }
}

/// Reads a whole body into events.
///
/// # Errors
/// It is not an answer.
pub async fn read_whole(
    native: bool,
    operation: Operation,
    adapter: &Arc<Binding>,
    exchange: &Arc<Exchange>,
    status: u16,
    headers: &[(String, String)],
    body: &Bytes,
) -> Result<Vec<Event>, Error> {
    if native {
        return match operation.speaks() {
            true => openai::read_answer(body).map_err(not_an_answer),
            false => openai::read_document(operation, body)
                .map(|usage| vec![Event::Usage(usage)])
                .map_err(not_an_answer),
        };
    }
    let frames = vec![Frame { event: String::new(), data: body.to_vec() }];
    adapter.decode(exchange, status, headers, frames, true).await.map_err(adapter_failed)
}
