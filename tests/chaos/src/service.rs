//! The services: they ask, wait, check what they got to the last word, and sometimes go away or ask twice.

use crate::books::Books;
use crate::speech::Asked;
use crate::stage::{KEY_OF, Stage};
use fastrand::Rng;
use http::Method;
use lockgate_client::{Answer, Client};
use serde_json::json;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// How long a service waits for an answer.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long one that means to go away waits until its provider has told everything: it may never come to that.
const LINGERS: Duration = Duration::from_secs(3);

/// Who asks how much.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Decides what is asked.
    pub seed: u64,
    /// Services.
    pub services: u64,
    /// Models; a service asks for one of them.
    pub models: usize,
    /// How much each asks at the same time.
    pub at_once: u64,
    /// How many requests each of these lines has, at most.
    pub requests: u64,
    /// When the last one is sent, at the latest.
    pub until: Duration,
    /// Between an answer and the next request, at most.
    pub rest: Duration,
}

/// What became of a request.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The exchange.
    pub id: String,
    /// Which of the models was asked for.
    pub model: usize,
    /// Whether it was streamed.
    pub streamed: bool,
    /// Why it is no answer; none where it is the right one.
    pub fault: Option<String>,
    /// Whether the service went away on purpose.
    pub left: bool,
    /// Whether the gateway refused it for a limit of its own.
    pub refused: bool,
    /// After how long the first byte came.
    pub first: Duration,
    /// After how long it was over.
    pub took: Duration,
    /// When it was sent, from the beginning of all.
    pub at: Duration,
    /// How many attempts the gateway says it made.
    pub attempts: u64,
}

/// Lets services ask until the plan is over. `books`: those of the providers that answer in the end.
pub async fn serve(gateway: SocketAddr, plan: Plan, books: &Arc<Books>) -> Vec<Outcome> {
    let begun = Instant::now();
    let mut lines = JoinSet::new();
    for number in 0..plan.services {
        for line in 0..plan.at_once {
            let client = Client::new(gateway).with_key(KEY_OF(number));
            let service = Service { client, books: books.clone(), begun };
            lines.spawn(service.line(plan, number, line));
        }
    }
    lines.join_all().await.into_iter().flatten().collect()
}

struct Service {
    client: Client,
    books: Arc<Books>,
    begun: Instant,
}

impl Service {
    /// One request after the other.
    async fn line(self, plan: Plan, service: u64, line: u64) -> Vec<Outcome> {
        let mut random = Rng::with_seed(plan.seed ^ (service << 32) ^ (line << 48));
        let mut outcomes = Vec::new();
        for number in 0..plan.requests {
            if self.begun.elapsed() >= plan.until {
                break;
            }
            let words = random.usize(4..24);
            let leaves = random.u8(..100) < 3;
            let asked = Asked {
                id: format!("s{service}-{line}-{number}"),
                words,
                pause: leaves.then(|| random.usize(1..words)),
            };
            let streamed = leaves || random.bool();
            let model = random.usize(..plan.models);
            if !leaves && random.u8(..100) < 4 {
                let again = format!("{}+again", asked.id);
                let (one, other) = tokio::join!(
                    self.ask(&asked, &asked.id, model, streamed, true),
                    self.ask(&asked, &again, model, streamed, true)
                );
                outcomes.extend([one, other]);
            } else {
                outcomes.push(self.ask(&asked, &asked.id, model, streamed, false).await);
            }
            tokio::time::sleep(plan.rest.mul_f64(random.f64())).await;
        }
        outcomes
    }

    /// Asks once. A request that may come twice says so.
    async fn ask(&self, asked: &Asked, id: &str, model: usize, streamed: bool, twice: bool) -> Outcome {
        let started = Instant::now();
        let mut outcome = Outcome {
            id: id.to_owned(),
            model,
            streamed,
            fault: None,
            left: false,
            refused: false,
            first: Duration::ZERO,
            took: Duration::ZERO,
            at: self.begun.elapsed(),
            attempts: 0,
        };
        let told = tokio::time::timeout(PATIENCE, self.exchange(asked, twice, &mut outcome)).await;
        outcome.took = started.elapsed();
        match told {
            Err(_) => outcome.fault = Some("no end within 30 s".into()),
            Ok(Err(error)) => outcome.fault = Some(format!("the connection failed: {error}")),
            Ok(Ok(None)) => outcome.left = true,
            Ok(Ok(Some(answer))) => {
                let code = answer.error("code");
                outcome.refused = answer.status == 429 && code == "rate_limit_exceeded";
                outcome.fault = fault(asked, streamed, &answer, &code);
            }
        }
        outcome
    }

    /// The answer; none where the service went away before its end.
    async fn exchange(
        &self,
        asked: &Asked,
        twice: bool,
        outcome: &mut Outcome,
    ) -> io::Result<Option<Answer>> {
        let started = Instant::now();
        let messages = json!([{ "role": "user", "content": asked.prompt() }]);
        let model = Stage::model(outcome.model);
        let body = json!({ "model": model, "stream": outcome.streamed, "messages": messages });
        let mut request = self.client.request(Method::POST, "/v1/chat/completions");
        request = request.header("x-request-id", &outcome.id);
        if twice {
            request = request.header("idempotency-key", &asked.id);
        }
        let mut answer = self.client.open(request, body.to_string()).await?;
        outcome.first = started.elapsed();
        let attempts = answer.headers.get("x-lockgate-attempts");
        outcome.attempts = attempts.and_then(|value| value.to_str().ok()?.parse().ok()).unwrap_or_default();
        let Some(pause) = asked.pause else { return answer.rest().await.map(Some) };
        // What comes instead of the words is an error, and that is an answer too.
        if answer.until(asked.word(pause - 1).trim_end()).await.is_err() {
            return answer.rest().await.map(Some);
        }
        let _ = tokio::time::timeout(LINGERS, self.books.until_waiting(&asked.id)).await;
        Ok(None)
    }
}

/// Why an answer is not the one that was asked for.
fn fault(asked: &Asked, streamed: bool, answer: &Answer, code: &str) -> Option<String> {
    if !code.is_empty() || !answer.status.is_success() {
        return Some(format!("{} {code}", answer.status.as_u16()));
    }
    if streamed && !answer.is_done() {
        return Some("a stream without its end".into());
    }
    (answer.text() != asked.answer()).then(|| "another text than was asked for".into())
}
