//! Streamed answers: from the provider's events, through the text filters, to the client's chunks, as they
//! arrive.
//!
//! The client's connection drives its stream, and through it the provider's connection: between the two sockets no task
//! waits for another. A stream ends with the answer, with an error in the client's format, or with the client: a client
//! that goes away cancels the provider's request at once. What is not complete never ends with the mark of a complete
//! answer.

use super::answer::{self, head};
use super::frames::Frames;
use super::life::{Cache, Life};
use super::seam::Seam;
use super::source::{Source, Step};
use super::{Body, failover, fault, quota};
use crate::chat::{Answer, Event, TextAt, Usage, channel};
use crate::error::{Error, Party};
use crate::format::Writer;
use crate::limit::Grant;
use crate::pipeline::chain::{self, GateFilter};
use crate::pipeline::stream::Guard;
use crate::route::MidStream;
use crate::sse;
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use http_body_util::BodyExt;
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio::time::Instant;

/// Writes to the client that may wait for its connection: backpressure beyond that reaches the provider.
const QUEUE: usize = 4;

/// Bytes of text between two looks at the budgets that may end a stream.
const LOOK: u64 = 256;

/// Starts the stream and gives the answer's head.
pub fn into_response(life: Life, source: Source, native: bool) -> Response<Body> {
    let (sender, receiver) = mpsc::channel(QUEUE);
    let mut headers = HeaderMap::new();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    life.describe(&mut headers, false);
    let stream = Stream::new(life, sender, native, !source.whole);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(stream.writer.media()));
    let frames = Frames::new(Box::pin(stream.run(source)), receiver);
    let mut response = Response::new(frames.map_err(|never| match never {}).boxed_unsync());
    *response.headers_mut() = headers;
    response
}

/// Why a stream ends before its end.
enum Broken {
    /// The client is told.
    Error(Error),
    /// There is nobody to tell.
    ClientGone,
    /// This budget allows for no more.
    CutOff(Arc<str>),
}

impl From<Error> for Broken {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

struct Stream {
    life: Life,
    sender: mpsc::Sender<Bytes>,
    guard: Guard<GateFilter>,
    writer: Writer,
    out: BytesMut,
    /// Whether the provider's frames go out as they came.
    relay: bool,
    /// Whether what is said is still to be counted.
    counts: bool,
    /// The tokens of the answer, as the client is told: those of a kept answer are told, but not billed again.
    usage: Usage,
    /// The answer so far, where something will look at it when it is complete, or another target may go on with it.
    gathered: Option<Answer>,
    /// Whether the client may have read something of the answer.
    spoke: bool,
    /// Where another target went on.
    seam: Option<Seam>,
    /// The facts that the client was told in frames that were relayed.
    facts: Vec<(String, String)>,
    /// Bytes of text at which the budgets are looked at next; none where none of them ends a stream.
    look: Option<u64>,
}

impl Stream {
    fn new(life: Life, sender: mpsc::Sender<Bytes>, native: bool, counts: bool) -> Self {
        let prompt = life.exchange.prompt();
        let says = head(life.exchange.id(), prompt.model());
        let writer = Writer::new(life.format, prompt.operation(), says, life.asked.body());
        let chain = &life.route.chain;
        let guard = chain.guard(&life.exchange);
        let goes_on = life.route.resilience.mid_stream == MidStream::Continue;
        let wanted = !life.keeps.is_empty() || chain.judges(&life.exchange) || goes_on;
        let relay = native && guard.is_empty() && life.format.is_native();
        Self {
            guard,
            writer,
            out: BytesMut::new(),
            relay,
            counts,
            usage: Usage::default(),
            gathered: wanted.then(Answer::default),
            spoke: false,
            seam: None,
            facts: Vec::new(),
            look: life.grants.iter().any(Grant::cuts_off).then_some(LOOK),
            sender,
            life,
        }
    }

    async fn run(mut self, mut source: Source) {
        let deadline = self.life.exchange.deadline();
        let ended = tokio::select! {
            biased;
            ended = self.deliver(&mut source) => ended,
            () = tokio::time::sleep_until(deadline) => Err(Broken::Error(Error::new(
                Party::Internal, StatusCode::GATEWAY_TIMEOUT, "timeout",
                "The answer took longer than the gateway's total timeout.",
            ))),
        };
        self.life.waited += source.waited;
        // Whatever the end is, the provider is let go before the client is told.
        source.let_go();
        match ended {
            Ok(()) => self.conclude().await,
            Err(Broken::Error(error)) => self.break_off(error).await,
            Err(Broken::ClientGone) => {}
            Err(Broken::CutOff(budget)) => self.cut_off(&budget, source.unfinished()).await,
        }
    }

    /// Moves everything from the provider to the client, and from whoever goes on with what it broke off.
    async fn deliver(&mut self, source: &mut Source) -> Result<(), Broken> {
        loop {
            let error = match self.pump(source).await {
                Err(Broken::Error(error)) => error,
                ended => return ended,
            };
            self.life.waited += std::mem::take(&mut source.waited);
            // Boxed: it is rare, and asks another target.
            let gone_on =
                Box::pin(failover::go_on(&mut self.life, self.spoke, self.gathered.as_ref(), &error)).await;
            let Some((next, seam)) = gone_on else { return Err(error.into()) };
            *source = *next;
            self.join(seam);
        }
    }

    /// Another target goes on. What was relayed so far the writer has not seen: from here on it writes, and the facts that
    /// the client has been told stay.
    fn join(&mut self, seam: Seam) {
        if std::mem::take(&mut self.relay) {
            let mut told = BytesMut::new();
            let said = self.gathered.as_ref().map(Answer::events).unwrap_or_default();
            said.iter().for_each(|event| self.writer.write(event, &mut told));
            self.writer.write(&Event::Extra(std::mem::take(&mut self.facts)), &mut told);
        }
        self.usage = Usage::default();
        self.seam = Some(seam);
    }

    /// Moves everything from the provider to the client.
    async fn pump(&mut self, source: &mut Source) -> Result<(), Broken> {
        loop {
            while let Some(step) = source.take()? {
                self.step(step).await?;
                if self.life.first_byte.is_none() && !self.out.is_empty() {
                    // The client waits for the first byte most: the rest of what came is read behind it.
                    self.flush().await?;
                    tokio::task::yield_now().await;
                }
            }
            self.flush().await?;
            if source.is_over() {
                return Ok(source.complete()?);
            }
            let chunk = match self.guard.next_expiry() {
                None => source.wait().await?,
                Some(expiry) => tokio::select! {
                    chunk = source.wait() => chunk?,
                    () = tokio::time::sleep_until(expiry) => {
                        self.expire().await?;
                        continue;
                    }
                },
            };
            source.feed(chunk).await?;
        }
    }

    async fn step(&mut self, step: Step) -> Result<(), Broken> {
        let mut only_usage = !step.events.is_empty();
        let events = match &mut self.seam {
            None => step.events,
            Some(seam) => seam.join(step.events),
        };
        for event in events {
            only_usage &= matches!(event, Event::Usage(_) | Event::Extra(_));
            if let Event::Finish { reason, .. } = &event
                && !self.spoke
                && self.life.attempts < self.life.plan.limit
                && let Some(refusal) = failover::refused_by(&self.life, reason)
            {
                return Err(refusal.into());
            }
            match &event {
                Event::Text { at, text } => {
                    if self.counts {
                        self.life.produced_bytes += text.len() as u64;
                    }
                    self.spoke |= !text.is_empty();
                    if let Some(heard) = &mut self.life.course.heard {
                        heard.hear(at, text);
                    }
                }
                Event::Tool { .. } | Event::Finish { .. } => self.spoke = true,
                _ => {}
            }
            if let Some(gathered) = &mut self.gathered {
                gathered.absorb(event.clone());
            }
            match event {
                Event::Usage(usage) => {
                    self.usage.update(usage);
                    if self.life.cache != Cache::Hit {
                        self.life.usage.update(usage);
                    }
                    if self.seam.is_some() {
                        // What both took together.
                        self.usage = self.life.total_usage();
                    }
                    self.write(&Event::Usage(if self.seam.is_some() { self.usage } else { usage }));
                }
                Event::Error(error) => return Err(fault::refused(error, None).into()),
                event if !self.relay => self.pass(event).await?,
                Event::Extra(facts) => self.facts = facts,
                _ => {}
            }
        }
        self.check_budgets()?;
        // A chunk of nothing but usage is there because the gateway asked for it.
        if self.relay
            && let Some(data) = step.native
            && (self.writer.tells_usage() || !only_usage)
        {
            sse::encode("", &data, &mut self.out);
        }
        Ok(())
    }

    /// Passes an event through the filters.
    async fn pass(&mut self, event: Event) -> Result<(), Broken> {
        match event {
            Event::Text { at, text } if channel::opaque(&at.channel).is_some() => {
                // What it vouches for is over, and goes out before it.
                let vouched = TextAt::new(at.item, at.part, channel::REASONING);
                let released = self.guard.finish_text(&vouched).await;
                let rest = released.map_err(|stop| chain::stopped(&self.guard, stop))?;
                self.release(vouched, rest);
                self.write(&Event::Text { at, text });
            }
            Event::Text { at, text } => {
                if at.channel != channel::REASONING {
                    self.end_thinking(at.item).await?;
                }
                let released = self.guard.push(&at, &text).await;
                let text = released.map_err(|stop| chain::stopped(&self.guard, stop))?;
                self.release(at, text);
            }
            Event::Finish { choice, reason } => {
                let released = self.guard.finish_item(choice).await;
                let texts = released.map_err(|stop| chain::stopped(&self.guard, stop))?;
                texts.into_iter().for_each(|(at, text)| self.release(at, text));
                self.write(&Event::Finish { choice, reason });
            }
            event => {
                if let Event::Tool { choice, .. } = &event {
                    self.end_thinking(*choice).await?;
                }
                self.write(&event);
            }
        }
        Ok(())
    }

    /// Once a choice speaks or calls, what it thought is over: the end of a thought that a guard holds still goes out
    /// before, not behind what follows it.
    async fn end_thinking(&mut self, choice: u32) -> Result<(), Broken> {
        if !self.guard.is_empty() {
            let released = self.guard.finish_channel(choice, channel::REASONING).await;
            let texts = released.map_err(|stop| chain::stopped(&self.guard, stop))?;
            texts.into_iter().for_each(|(at, text)| self.release(at, text));
        }
        Ok(())
    }

    async fn expire(&mut self) -> Result<(), Broken> {
        let released = self.guard.expire(Instant::now()).await;
        let texts = released.map_err(|stop| chain::stopped(&self.guard, stop))?;
        texts.into_iter().for_each(|(at, text)| self.release(at, text));
        self.flush().await
    }

    fn release(&mut self, at: TextAt, text: String) {
        if !text.is_empty() {
            self.write(&Event::Text { at, text });
        }
    }

    fn write(&mut self, event: &Event) {
        self.writer.write(event, &mut self.out);
    }

    async fn flush(&mut self) -> Result<(), Broken> {
        if self.out.is_empty() {
            return Ok(());
        }
        self.life.first_byte.get_or_insert_with(Instant::now);
        let bytes = self.out.split().freeze();
        self.sender.send(bytes).await.map_err(|_| Broken::ClientGone)
    }

    /// Ends a complete answer.
    async fn conclude(&mut self) {
        if let Some(gathered) = self.gathered.take() {
            self.observe(&gathered).await;
            answer::keep(&self.life, gathered.events());
        }
        let prompt = self.life.exchange.prompt();
        self.life.estimate_missing_usage(&prompt);
        let told = if self.usage == Usage::default() { self.life.total_usage() } else { self.usage };
        let told = Some(&told).filter(|_| !self.relay);
        self.writer.end(told, &self.life.epilogue(), &mut self.out);
        if self.flush().await.is_ok() {
            self.life.ended(StatusCode::OK.as_u16(), "answered");
        }
    }

    /// Tells the judges of an answer that the client has already.
    async fn observe(&self, gathered: &Answer) {
        let chain = &self.life.route.chain;
        if chain.judges(&self.life.exchange) && !self.life.exchange.gathers() {
            let summary = answer::summary(&self.life, gathered, false);
            if let Err(error) = chain.judge(&self.life.exchange, gathered.texts(), &summary, false).await {
                tracing::warn!(
                    id = self.life.exchange.id(),
                    error = error.chain(),
                    "an answer could not be judged"
                );
            }
        }
    }

    /// Looks at the budgets that may end a stream, when it has come far enough.
    fn check_budgets(&mut self) -> Result<(), Broken> {
        if self.look.is_some_and(|at| self.life.produced_bytes >= at) {
            self.look = Some(self.life.produced_bytes + LOOK);
            if let Some(budget) = quota::exceeded(&self.life) {
                return Err(Broken::CutOff(budget));
            }
        }
        Ok(())
    }

    /// Ends an answer for which there is no more money, as one that became too long. What was said so far stands.
    async fn cut_off(&mut self, budget: &str, unfinished: Vec<u32>) {
        tracing::info!(id = self.life.exchange.id(), budget, "a stream is ended: the budget is used up");
        self.life.exchange.flag("cut-off", &budget.replace(' ', "."));
        // Half an answer is not worth keeping, nor judging.
        self.gathered = None;
        for choice in unfinished {
            let finish = Event::Finish { choice, reason: "length".into() };
            if let Err(Broken::Error(error)) = self.pass(finish).await {
                return self.break_off(error).await;
            }
        }
        self.conclude().await;
    }

    /// Ends an answer that cannot go on: with the format's error, and without the mark of its end.
    async fn break_off(&mut self, error: Error) {
        let error = self.life.explain(error);
        self.writer.break_off(&error, self.life.exchange.id(), &self.life.epilogue(), &mut self.out);
        self.life.ended(error.status.as_u16(), error.party.name());
        // A client that is gone does not need to be told.
        let _ = self.flush().await;
    }
}
