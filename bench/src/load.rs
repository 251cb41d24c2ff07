//! The load: connections in a closed loop, one task each.
//!
//! A connection sends its next request when it has the whole answer to the last, on hyper's bare HTTP/1.1
//! client; the same task drives the connection, so that no figure includes a hop between threads. An answer
//! that is not a success, or a stream without its end, fails the measurement: it is never counted.

use crate::target::{Answer, Asks, Target};
use anyhow::{Context, Result, bail};
use bytes::Bytes;
use hdrhistogram::Histogram;
use http::{HeaderMap, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use lockgate_bench::Prompts;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// The longest time that is told apart from longer ones.
const LONGEST: Duration = Duration::from_secs(60);
/// How long past its end a measurement may take to finish its last answers.
const GRACE: Duration = Duration::from_secs(30);
/// Characters of an unexpected answer that are shown.
const SHOWN: usize = 400;

/// In which Lockgate says how long it took itself, waiting for the provider left out, in milliseconds.
const OWN: &str = "x-lockgate-overhead-ms";

/// What one measurement gave.
#[derive(Debug)]
pub(crate) struct Sample {
    times: Histogram<u64>,
    /// The target's own part of them, of whole answers that tell it.
    own: Histogram<u64>,
    answers: u64,
    frames: u64,
    elapsed: Duration,
}

impl Sample {
    fn new() -> Result<Self> {
        let longest = u64::try_from(LONGEST.as_nanos())?;
        let times = Histogram::new_with_bounds(1, longest, 3)?;
        Ok(Self { own: times.clone(), times, answers: 0, frames: 0, elapsed: Duration::ZERO })
    }

    fn add(&mut self, other: &Self) -> Result<()> {
        self.times.add(&other.times)?;
        self.own.add(&other.own)?;
        self.answers += other.answers;
        self.frames += other.frames;
        Ok(())
    }

    fn record(&mut self, time: Duration, frames: u64) {
        self.times.saturating_record(nanos(time));
        self.answers += 1;
        self.frames += frames;
    }

    /// A quantile, in microseconds, of the times of whole answers, or to the first byte of streams.
    pub(crate) fn micros(&self, quantile: f64) -> f64 {
        micros(&self.times, quantile)
    }

    /// A quantile, in microseconds, of what whole answers took of the target's own time; none where they do not tell.
    pub(crate) fn own_micros(&self, quantile: f64) -> Option<f64> {
        (!self.own.is_empty()).then(|| micros(&self.own, quantile))
    }

    /// Answers in a second.
    pub(crate) fn answers_per_second(&self) -> f64 {
        per_second(self.answers, self.elapsed)
    }

    /// Microseconds of a time for each answer.
    #[expect(clippy::cast_precision_loss, reason = "answers are far fewer than 2^52")]
    pub(crate) fn share_of(&self, time: Duration) -> f64 {
        time.as_secs_f64() * 1e6 / self.answers as f64
    }

    /// Frames in a second.
    pub(crate) fn frames_per_second(&self) -> f64 {
        per_second(self.frames, self.elapsed)
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

fn micros(times: &Histogram<u64>, quantile: f64) -> f64 {
    Duration::from_nanos(times.value_at_quantile(quantile)).as_secs_f64() * 1e6
}

/// What an answer tells of the target's own time.
fn own(headers: &HeaderMap) -> Option<Duration> {
    let millis: f64 = headers.get(OWN)?.to_str().ok()?.parse().ok()?;
    Duration::try_from_secs_f64(millis / 1e3).ok()
}

fn per_second(count: u64, elapsed: Duration) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX)) / elapsed.as_secs_f64().max(f64::MIN_POSITIVE)
}

/// Every connection of a run has prompts of its own.
static SEED: AtomicU64 = AtomicU64::new(1);

/// Measures a target: this many connections for this long.
///
/// # Errors
/// A connection or an answer failed.
pub(crate) async fn measure(
    target: &Target,
    connections: usize,
    answer: Answer,
    duration: Duration,
) -> Result<Sample> {
    let mut tasks = JoinSet::new();
    let started = Instant::now();
    for _ in 0..connections {
        let target = target.clone();
        let prompts = target.prompts(SEED.fetch_add(1, Ordering::Relaxed));
        tasks.spawn(async move { one_connection(&target, prompts, answer, started + duration).await });
    }
    let mut sum = Sample::new()?;
    let finish = async {
        while let Some(done) = tasks.join_next().await {
            let sample = done.context("a connection panicked")??;
            sum.add(&sample)?;
        }
        anyhow::Ok(())
    };
    let patience = duration + GRACE;
    match tokio::time::timeout(patience, finish).await {
        Ok(outcome) => outcome?,
        Err(_) => bail!("not all answers had ended after {patience:?}"),
    }
    sum.elapsed = started.elapsed();
    if sum.answers == 0 {
        bail!("there was no answer in {duration:?}");
    }
    Ok(sum)
}

async fn one_connection(
    target: &Target,
    mut prompts: Prompts,
    answer: Answer,
    deadline: Instant,
) -> Result<Sample> {
    let (mut sender, connection) = connect(target).await?;
    let work = async {
        let mut sample = Sample::new()?;
        let same = target.prompts(0).next_prompt();
        while Instant::now() < deadline {
            let request = match target.asks {
                Asks::Anew => target.request(&prompts.next_prompt(), answer),
                Asks::TheSame => target.request(&same, answer),
            };
            let started = Instant::now();
            sender.ready().await?;
            let response = sender.send_request(request).await?;
            let (status, told) = (response.status(), own(response.headers()));
            let body = response.into_body();
            match answer {
                Answer::Whole => {
                    read_whole(status, body).await?;
                    sample.record(started.elapsed(), 0);
                    told.into_iter().for_each(|told| sample.own.saturating_record(nanos(told)));
                }
                Answer::Stream => {
                    let (first, frames) = read_stream(status, body, started).await?;
                    sample.record(first, frames);
                }
                Answer::Short => {
                    let (_, frames) = read_stream(status, body, started).await?;
                    sample.record(started.elapsed(), frames);
                }
            }
        }
        anyhow::Ok(sample)
    };
    let (mut work, mut connection) = (pin!(work), pin!(connection));
    tokio::select! {
        sample = &mut work => sample,
        // The connection ended before the work did: the work gets what was left to read, and then an error.
        _ = &mut connection => work.await,
    }
}

/// A connection, and what drives it.
///
/// # Errors
/// The target does not take connections.
pub(crate) async fn connect(
    target: &Target,
) -> Result<(SendRequest<Full<Bytes>>, http1::Connection<TokioIo<TcpStream>, Full<Bytes>>)> {
    let stream = TcpStream::connect(target.address)
        .await
        .with_context(|| format!("{} cannot be reached", target.address))?;
    stream.set_nodelay(true)?;
    Ok(http1::handshake(TokioIo::new(stream)).await?)
}

async fn read_whole(status: StatusCode, mut body: Incoming) -> Result<()> {
    if status != StatusCode::OK {
        return Err(unexpected(status, body).await);
    }
    while let Some(frame) = body.frame().await {
        frame?;
    }
    Ok(())
}

/// The time to the first byte, and the number of events.
async fn read_stream(status: StatusCode, mut body: Incoming, started: Instant) -> Result<(Duration, u64)> {
    if status != StatusCode::OK {
        return Err(unexpected(status, body).await);
    }
    let mut first = None;
    let mut events = Events::default();
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame?.into_data() {
            first.get_or_insert_with(|| started.elapsed());
            events.read(&data);
        }
    }
    match first {
        Some(first) if events.done => Ok((first, events.count)),
        _ => bail!("a stream ended without [DONE] after {} events", events.count),
    }
}

/// An answer that is no success, as an error.
pub(crate) async fn unexpected(status: StatusCode, body: Incoming) -> anyhow::Error {
    let bytes = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let shown: String = String::from_utf8_lossy(&bytes).chars().take(SHOWN).collect();
    anyhow::anyhow!("answered {status}: {shown}")
}

/// Counts events that carry data, however the stream is cut.
#[derive(Debug, Default)]
struct Events {
    count: u64,
    done: bool,
    /// The start of the line that has not ended, as far as it matters.
    line: Vec<u8>,
}

impl Events {
    fn read(&mut self, mut data: &[u8]) {
        while let Some(end) = memchr::memchr(b'\n', data) {
            let (line, rest) = data.split_at_checked(end + 1).unwrap_or((data, &[]));
            self.keep(line);
            self.count += u64::from(self.line.starts_with(b"data:"));
            self.done |= self.line.starts_with(b"data: [DONE]");
            self.line.clear();
            data = rest;
        }
        self.keep(data);
    }

    fn keep(&mut self, more: &[u8]) {
        let room = b"data: [DONE]".len().saturating_sub(self.line.len());
        self.line.extend(more.iter().take(room));
    }
}

#[cfg(test)]
mod tests {
    use super::Events;

    #[test]
    fn events_are_counted_however_the_stream_is_cut() {
        let stream = b"data: {\"a\": 1}\n\n: a comment\n\nevent: x\ndata: {}\n\ndata: [DONE]\n\n";
        for step in 1..stream.len() {
            let mut events = Events::default();
            stream.chunks(step).for_each(|piece| events.read(piece));
            assert_eq!((events.count, events.done), (3, true), "pieces of {step}");
        }
    }
}
