//! Mirrored requests: the same prompt, asked of another target beside the real exchange.
//!
//! Invariants: nothing of it reaches the client, nothing waits for it, and a bound that is reached means that it is left
//! out; it is asked only where the exchange's data may go; it is recorded apart, with what it cost. Of what was said only
//! figures outlive the comparison: how long it took, how long it was, how many words are the same.

#[cfg(test)]
mod tests;

use super::answer;
use super::attempt::{self, Opened};
use super::course;
use super::life::Life;
use super::plan::Plan;
use crate::chat::{Answer, TextAt, channel};
use crate::error::Error;
use crate::exchange::Exchange;
use crate::ledger::{MIRROR, MIRROR_FAILED};
use crate::price::Usd;
use crate::route::mirror::Mirror;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, oneshot};
use tokio::time::Instant;

/// Bytes of an answer that are compared.
const COMPARED: usize = 64 * 1024;

/// What is heard of the real answer, for the mirror to be compared with.
pub struct Heard {
    said: Said,
    /// Whether it was heard whole: its pieces are not heard again.
    whole: bool,
    tell: oneshot::Sender<Said>,
}

/// An answer, as far as it is compared.
#[derive(Debug, Default)]
struct Said {
    target: String,
    text: String,
    bytes: usize,
    took: Duration,
    answered: bool,
}

impl Said {
    fn of(answer: &Answer) -> Self {
        let mut said = Self::default();
        answer.texts().iter().filter(|part| is_compared(&part.at)).for_each(|part| said.hear(&part.text));
        said
    }

    fn hear(&mut self, text: &str) {
        self.bytes += text.len();
        let room = COMPARED.saturating_sub(self.text.len()).min(text.len());
        self.text.push_str(text.get(..text.floor_char_boundary(room)).unwrap_or_default());
    }
}

/// Only what is said of the first choice is.
fn is_compared(at: &TextAt) -> bool {
    at.item == 0 && at.channel == channel::CONTENT
}

impl Heard {
    /// A piece of a text of the real answer.
    pub fn hear(&mut self, at: &TextAt, text: &str) {
        if !self.whole && is_compared(at) {
            self.said.hear(text);
        }
    }

    /// The real answer, whole: what was heard before is not of it.
    pub fn hear_all(&mut self, answer: &Answer) {
        self.whole = true;
        self.said = Said::of(answer);
    }

    /// The real exchange is over.
    pub fn over(self, target: &str, took: Duration, answered: bool) {
        // A mirror that is over already does not ask.
        let _ = self.tell.send(Said { target: target.to_owned(), took, answered, ..self.said });
    }
}

/// Mirrors an exchange that is about to be asked, where its route says so and there is room.
pub fn start(life: &mut Life) {
    let route = life.route.clone();
    let Some(mirror) = route.policy.as_ref().and_then(|policy| policy.mirror.as_ref()) else { return };
    let prompt = life.exchange.prompt();
    // A file that is still coming can be sent on once, and what does not speak has nothing to compare.
    if !prompt.operation().speaks() || prompt.attachment().is_some() || !mirror.draws() {
        return;
    }
    let Some(place) = mirror.place() else {
        life.gateway.metrics.mirrored(life.exchange.tenant(), &route.name, "skipped");
        return;
    };
    let Ok(places) = course::permitted(&mirror.route, &course::demands(life), vec![0]) else {
        life.gateway.metrics.mirrored(life.exchange.tenant(), &route.name, "skipped");
        return;
    };
    let mut shadow = shadow(life, mirror);
    shadow.allow(places);
    let (tell, told) = oneshot::channel();
    life.course.heard = Some(Box::new(Heard { said: Said::default(), whole: false, tell }));
    tokio::spawn(run(shadow, told, place));
}

/// An exchange of its own, for the mirror's target.
fn shadow(life: &Life, mirror: &Mirror) -> Life {
    let prompt = life.exchange.prompt().as_ref().clone().whole();
    let (id, tenant) = (life.exchange.id().to_owned(), life.exchange.tenant().clone());
    let deadline = Instant::now() + life.gateway.total_timeout;
    let exchange = Arc::new(Exchange::new(id, tenant, prompt, deadline));
    exchange.set_attr("route.name", mirror.route.name.to_string());
    exchange.set_attr("client.format", life.format.name());
    let (gateway, principal) = (life.gateway.clone(), life.principal.clone());
    let mut shadow =
        Life::new(gateway, life.format, exchange, principal, mirror.route.clone(), Instant::now());
    shadow.course.mirrors = true;
    // However it ends, it is recorded as what it is.
    shadow.ended(499, MIRROR_FAILED);
    shadow
}

async fn run(mut shadow: Life, told: oneshot::Receiver<Said>, place: OwnedSemaphorePermit) {
    let deadline = shadow.exchange.deadline();
    let asked = tokio::time::timeout_at(deadline, ask(&mut shadow)).await;
    // Its place is for who asks; comparing waits for the real exchange, which may take its time.
    drop(place);
    let said = match asked {
        Ok(Ok(said)) => said,
        Ok(Err(error)) => return shadow.ended(error.status.as_u16(), MIRROR_FAILED),
        Err(_) => return shadow.ended(504, MIRROR_FAILED),
    };
    shadow.ended(200, MIRROR);
    if let Ok(Ok(real)) = tokio::time::timeout_at(deadline, told).await {
        compare(&shadow, &said, &real);
    }
}

async fn ask(shadow: &mut Life) -> Result<Said, Error> {
    let began = Instant::now();
    let order: Vec<usize> = (0..shadow.route.targets.len()).collect();
    shadow.set_plan(Plan::new(order, &shadow.route));
    let answer = match attempt::open(shadow).await? {
        Opened::Whole { answer, .. } => answer,
        Opened::Stream { mut source, .. } => answer::gather(&mut source, &mut shadow.produced_bytes).await?,
        Opened::Document { .. } | Opened::Relayed(_) => {
            return Err(Error::internal("A mirror was asked for something that is not said."));
        }
    };
    shadow.usage = answer.usage;
    shadow.produced_bytes = answer.texts().iter().map(|part| part.text.len() as u64).sum();
    Ok(Said { took: began.elapsed(), answered: true, ..Said::of(&answer) })
}

/// Counts a mirrored request that is over, apart from those that clients made.
pub fn count(shadow: &Life, cost: Option<Usd>, answered: bool) {
    let (metrics, tenant, route) = (&shadow.gateway.metrics, shadow.exchange.tenant(), &shadow.route.name);
    metrics.mirrored(tenant, route, if answered { "answered" } else { "failed" });
    if let Some(cost) = cost {
        metrics.mirror_cost(tenant, route, cost.as_f64());
    }
}

/// Writes down how much alike the two are.
fn compare(shadow: &Life, mirrored: &Said, real: &Said) {
    let flag = |name: &str, value: &str| shadow.exchange.flag(name, value);
    flag("mirror.of", &real.target);
    if !real.answered {
        return flag("mirror.real", "failed");
    }
    let ratio = |one: f64, other: f64| (other > 0.0).then(|| format!("{:.3}", one / other));
    let ms = |said: &Said| said.took.as_millis().to_string();
    flag("mirror.ms", &ms(mirrored));
    flag("mirror.real-ms", &ms(real));
    if let Some(latency) = ratio(mirrored.took.as_secs_f64(), real.took.as_secs_f64()) {
        flag("mirror.latency-ratio", &latency);
    }
    if let Some(length) = ratio(float(mirrored.bytes), float(real.bytes)) {
        flag("mirror.length-ratio", &length);
    }
    let same = mirrored.bytes == real.bytes && mirrored.text == real.text;
    flag("mirror.same", if same { "true" } else { "false" });
    let alike = similarity(&mirrored.text, &real.text);
    flag("mirror.similarity", &format!("{alike:.3}"));
    shadow.gateway.metrics.mirror_similarity(shadow.exchange.tenant(), &shadow.route.name, alike);
}

/// How many of their words two texts have in common, from 0 to 1 (the F1 of their words, case set aside).
/// Source: Rajpurkar et al., "SQuAD", 2016, section 6.1.
fn similarity(one: &str, other: &str) -> f64 {
    let words = |text: &str| -> Vec<String> {
        let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
        words.map(str::to_lowercase).collect()
    };
    let (one, other) = (words(one), words(other));
    if one.is_empty() && other.is_empty() {
        return 1.0;
    }
    let mut counts: HashMap<&str, usize> = HashMap::new();
    one.iter().for_each(|word| *counts.entry(word).or_default() += 1);
    let mut common = 0;
    for word in &other {
        if let Some(count) = counts.get_mut(word.as_str()).filter(|count| **count > 0) {
            *count -= 1;
            common += 1;
        }
    }
    2.0 * float(common) / float(one.len() + other.len())
}

#[expect(clippy::cast_precision_loss, reason = "lengths of answers are far below 2^52")]
fn float(number: usize) -> f64 {
    number as f64
}
