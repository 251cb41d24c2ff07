//! A provider under a sky: what it answers, at which pace, and what it bills.
//!
//! It tells its usage with every piece of a stream, as self-hosted servers can, so that what it bills of an answer that
//! ended early is no guess. What it could not tell, it does not bill.

use crate::books::{Books, Told};
use crate::speech::{self, Asked};
use crate::weather::{Sky, Weather};
use bytes::Bytes;
use fastrand::Rng;
use lockgate_upstream::{Handler, Latency, Recorded, Reply};
use serde_json::{Value, json};
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// Between two bytes of an answer that gets nowhere.
const LORIS_PACE: Duration = Duration::from_millis(50);
/// What it takes to begin where nothing is wrong.
const USUAL: Latency = tail(10, 80);
/// What it takes to begin where it is slow.
const SLOW: Latency = tail(350, 1_200);

/// Times with a tail, as providers have them: by their median and their 99th percentile, in milliseconds.
const fn tail(median: u64, p99: u64) -> Latency {
    Latency::LongTailed { median: Duration::from_millis(median), p99: Duration::from_millis(p99) }
}

/// A provider.
pub(crate) struct Provider {
    pub(crate) sky: Sky,
    /// Whether it is one whose faults are counted.
    pub(crate) stormy: bool,
    pub(crate) begun: Instant,
    pub(crate) books: Arc<Books>,
    pub(crate) seen: AtomicU64,
}

impl Handler for Provider {
    fn reply(&self, request: &Recorded) -> Reply {
        let Some(asked) = Asked::read(request) else {
            return Reply::error(400, "This provider says words, and was asked for something else.");
        };
        let mut hasher = DefaultHasher::new();
        (&asked.id, self.seen.fetch_add(1, Ordering::Relaxed)).hash(&mut hasher);
        let number = hasher.finish();
        let mut random = Rng::with_seed(number);
        let weather = self.sky.over(self.begun.elapsed(), number);
        if self.stormy {
            self.books.met(weather);
        }
        match weather {
            Weather::Limited => {
                let wait = random.u64(100..1_500).to_string();
                Reply::error(429, "Too many requests.").with_header("retry-after-ms", &wait)
            }
            Weather::LimitedWithoutTime => Reply::error(429, "Too many requests."),
            Weather::Errors => {
                let status = random.choice([500, 502, 503, 529]).unwrap_or(500);
                Reply::error(status, "Something is wrong.")
            }
            Weather::Resets => Reply::reset(),
            Weather::Silent => Reply::hang(),
            Weather::WrongType => Reply::raw(200, "text/html", "<html><body>Please sign in.</body></html>"),
            Weather::Garbled => Reply::raw(200, "application/json", "{\"object\": \"chat.comp"),
            _ => self.answer(request, asked, weather, &mut random),
        }
    }
}

impl Provider {
    /// An answer at its own pace, as far as the weather lets it come.
    fn answer(&self, request: &Recorded, asked: Asked, weather: Weather, random: &mut Rng) -> Reply {
        let streams = request.json()["stream"] == true;
        let latency = if weather == Weather::Slow { SLOW } else { USUAL };
        let said = speech::said(request).min(asked.words);
        let words = asked.words - said;
        let answer = Answer {
            input: speech::prompt_words(request),
            words,
            said,
            // Half way: at least one word is out, and one is missing.
            until: (words > 1).then(|| random.usize(1..words)),
            weather,
            first: latency.at(random.f64()),
            pace: Duration::from_millis(random.u64(0..4)),
            asked,
        };
        let (sender, receiver) = mpsc::channel(1);
        let books = self.books.clone();
        let resets = weather == Weather::Broken;
        tokio::spawn(async move {
            let place = books.open(&answer.asked.id);
            let feed = Feed { sender, books, place, id: answer.asked.id.clone() };
            if streams { answer.stream(feed).await } else { answer.document(feed).await }
        });
        let reply = Reply::paced(receiver);
        let reply = if streams { reply } else { reply.with_header("content-type", "application/json") };
        if resets { reply.then_reset() } else { reply }
    }
}

struct Answer {
    asked: Asked,
    input: u64,
    /// Words that are left to say.
    words: usize,
    /// Words that were said before.
    said: usize,
    /// Where a fault stops it.
    until: Option<usize>,
    weather: Weather,
    first: Duration,
    pace: Duration,
}

/// Where an answer goes.
struct Feed {
    sender: mpsc::Sender<Bytes>,
    books: Arc<Books>,
    place: usize,
    id: String,
}

impl Feed {
    /// Sends bytes; says whether they went out.
    async fn send(&self, bytes: impl Into<Bytes>) -> bool {
        // The channel holds one: when there is room again, what was in it was taken.
        self.sender.send(bytes.into()).await.is_ok() && self.sender.reserve().await.is_ok()
    }

    fn told(&self, told: Told) {
        self.books.told(&self.id, self.place, told);
    }
}

impl Answer {
    fn usage(&self, output: usize) -> Value {
        let total = self.input + output as u64;
        json!({ "prompt_tokens": self.input, "completion_tokens": output, "total_tokens": total })
    }

    fn told(&self, output: usize, complete: bool) -> Told {
        Told { input: self.input, output: output as u64, complete }
    }

    fn chunk(&self, delta: &Value, finish: &Value, output: usize) -> String {
        let chunk = json!({
            "id": format!("chatcmpl-{}", self.asked.id), "object": "chat.completion.chunk", "created": 1_760_000_000,
            "model": "words", "usage": self.usage(output),
            "choices": [{ "index": 0, "delta": delta, "finish_reason": finish }],
        });
        format!("data: {chunk}\n\n")
    }

    async fn stream(self, feed: Feed) {
        tokio::time::sleep(self.first).await;
        let opening = self.chunk(&json!({ "role": "assistant", "content": "" }), &Value::Null, 0);
        if self.weather == Weather::Loris {
            return dribble(&feed, &opening).await;
        }
        let pause = self.asked.pause.map(|pause| pause.saturating_sub(self.said));
        let faulty = matches!(self.weather, Weather::Truncated | Weather::Broken | Weather::Stalled);
        for place in 0..self.words {
            if pause == Some(place) || (faulty && self.until == Some(place)) {
                if pause == Some(place) {
                    feed.books.waits(&feed.id);
                }
                if pause == Some(place) || self.weather == Weather::Stalled {
                    feed.sender.closed().await;
                }
                return;
            }
            tokio::time::sleep(self.pace).await;
            let delta = json!({ "content": self.asked.word(self.said + place) });
            let mut bytes = self.chunk(&delta, &Value::Null, place + 1);
            if place == 0 {
                bytes.insert_str(0, &opening);
            }
            if !feed.send(bytes).await {
                return;
            }
            feed.told(self.told(place + 1, false));
        }
        let end = self.chunk(&json!({}), &json!("stop"), self.words);
        if feed.send(format!("{end}data: [DONE]\n\n")).await {
            feed.told(self.told(self.words, true));
        }
    }

    async fn document(self, feed: Feed) {
        tokio::time::sleep(self.first + self.pace * u32::try_from(self.words).unwrap_or_default()).await;
        let text: String = (self.said..self.asked.words).map(|place| self.asked.word(place)).collect();
        let document = json!({
            "id": format!("chatcmpl-{}", self.asked.id), "object": "chat.completion", "created": 1_760_000_000,
            "model": "words", "usage": self.usage(self.words),
            "choices": [{
                "index": 0, "finish_reason": "stop", "message": { "role": "assistant", "content": text },
            }],
        });
        let document = document.to_string();
        match self.weather {
            Weather::Loris => dribble(&feed, &document).await,
            Weather::Truncated | Weather::Broken | Weather::Stalled => {
                let half = document.get(..document.len() / 2).unwrap_or_default().to_owned();
                feed.send(half).await;
                if self.weather == Weather::Stalled {
                    feed.sender.closed().await;
                }
            }
            _ => {
                if feed.send(document).await {
                    feed.told(self.told(self.words, true));
                }
            }
        }
    }
}

/// Sends a text byte by byte, and stops one before its end.
async fn dribble(feed: &Feed, text: &str) {
    for byte in text.as_bytes().split_last().map(|(_, bytes)| bytes).unwrap_or_default() {
        tokio::time::sleep(LORIS_PACE).await;
        if !feed.send(vec![*byte]).await {
            return;
        }
    }
    feed.sender.closed().await;
}
