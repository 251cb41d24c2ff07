//! What becomes of an answer that breaks off, or that a provider's own filter refused.
//!
//! While nothing of it has been said, another target answers as if nothing had been. Once the client has read some of it, the
//! route's policy decides: it ends with the error, or a target that can goes on with it. What that target is shown is what
//! the first one produced, never what a filter made of it: no private value that was restored for the client leaves the
//! gateway.

use super::attempt::{self, Opened};
use super::life::Life;
use super::seam::Seam;
use super::source::Source;
use crate::chat::{Answer, Choice, Prompt, PromptError, channel};
use crate::error::{Cause, Error, Party};
use crate::exchange::Exchange;
use crate::route::{MidStream, Prefill, Target};
use crate::tokens::Sizes;
use http::StatusCode;
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// The fields that bound an answer, in tokens.
const BOUNDS: [&str; 3] = ["max_completion_tokens", "max_tokens", "max_output_tokens"];

/// What a provider says as the reason of an answer that its own filter ended.
const REFUSED: &str = "content_filter";

/// An answer that a target is to go on with.
#[derive(Debug)]
pub struct Resume {
    /// What was said of it, without white space at its end: some models refuse that.
    said: String,
    /// About as many tokens.
    tokens: u64,
}

impl Resume {
    /// The exchange as a target is asked to go on; none where it cannot be.
    #[must_use]
    pub fn exchange(&self, exchange: &Exchange, target: &Target) -> Option<Exchange> {
        let fork = exchange.fork();
        let prefill = target.prefill?;
        let changed = fork.change_prompt(|prompt| self.ask(prompt, prefill));
        changed.is_ok().then_some(fork)
    }

    fn ask(&self, prompt: &mut Prompt, prefill: Prefill) -> Result<(), PromptError> {
        let mut messages =
            prompt.body().get("messages").and_then(Value::as_array).cloned().unwrap_or_default();
        let mut message = json!({ "role": "assistant", "content": self.said });
        let mut patch = Map::new();
        match (prefill, message.as_object_mut()) {
            (Prefill::Prefix, Some(message)) => drop(message.insert("prefix".into(), true.into())),
            (Prefill::ContinueFinal, _) => {
                patch.insert("continue_final_message".into(), true.into());
                patch.insert("add_generation_prompt".into(), false.into());
            }
            (Prefill::Message | Prefill::Prefix, _) => {}
        }
        messages.push(message);
        patch.insert("messages".into(), messages.into());
        for bound in BOUNDS {
            if let Some(most) = prompt.body().get(bound).and_then(Value::as_u64) {
                patch.insert(bound.into(), most.saturating_sub(self.tokens).max(1).into());
            }
        }
        prompt.merge(&Value::Object(patch).to_string())
    }
}

/// Whether another target may be asked after this error; the attempt that failed is then settled.
pub fn may_ask_another(life: &mut Life, error: &Error) -> bool {
    life.broke_off(error.status.as_u16(), error.retry_after);
    may_follow(life, error)
}

/// Whether another target may be asked after a judge refused an answer: one that the route names for that, and that was not
/// asked. The attempt is then settled; nothing of it is held against the target, which did answer.
pub fn found_wanting(life: &mut Life, error: &Error) -> bool {
    Cause::of(error) == Cause::InvalidOutput && may_follow(life, error)
}

fn may_follow(life: &mut Life, error: &Error) -> bool {
    let place = life.target;
    let more = life.plan(|plan, life| {
        place.is_some_and(|place| plan.failed(life, place, error)) && life.attempts < plan.limit
    });
    if more {
        life.book();
    }
    more
}

/// That a provider's own filter ended a whole answer, as an error: where the route names targets for that.
#[must_use]
pub fn refusal(life: &Life, answer: &Answer) -> Option<Error> {
    let refused = |choice: &Choice| choice.finish.as_deref() == Some(REFUSED);
    let all = !answer.choices.is_empty() && answer.choices.iter().all(refused);
    all.then(|| refused_by(life, REFUSED)).flatten()
}

/// That a provider's own filter ended a choice for this reason, as an error: where the route names targets for that.
#[must_use]
pub fn refused_by(life: &Life, reason: &str) -> Option<Error> {
    let named = || life.route.resilience.fallback.iter().any(|(cause, _)| *cause == Cause::Refused);
    let message = "The provider's own filter refused this request.";
    (reason == REFUSED && named())
        .then(|| Error::new(Party::Upstream, StatusCode::BAD_REQUEST, "content_filter", message))
}

/// Goes on with an answer that broke off with this error: with its rest, from another target, or, where nothing was said yet,
/// with another answer. `said` is the answer so far, where the route keeps it.
pub async fn go_on(
    life: &mut Life,
    spoke: bool,
    said: Option<&Answer>,
    error: &Error,
) -> Option<(Box<Source>, Seam)> {
    if error.party != Party::Upstream || !life.owes {
        return None;
    }
    let seam = if spoke {
        if !error.retryable {
            return None;
        }
        let said = said.filter(|_| life.route.resilience.mid_stream == MidStream::Continue)?;
        resume(life, said)?
    } else {
        Seam::anew()
    };
    if !may_ask_another(life, error) {
        return None;
    }
    let source = match attempt::open(life).await {
        Ok(Opened::Stream { source, .. }) => source,
        Ok(Opened::Whole { answer, .. }) => {
            life.answered();
            Box::new(Source::ready(answer.events()))
        }
        // The client is told of what happened first.
        Ok(Opened::Document { .. } | Opened::Relayed(_)) | Err(_) => return None,
    };
    let how = if spoke { "continued" } else { "anew" };
    life.rescued("failover", how, how);
    Some((source, seam))
}

/// Prepares the exchange for going on with what was said; none where nobody could.
fn resume(life: &mut Life, said: &Answer) -> Option<Seam> {
    let [choice] = said.choices.as_slice() else { return None };
    let plain = |name: &str| name == channel::CONTENT || name == channel::REASONING;
    let is_plain =
        choice.texts.iter().all(|(at, _)| plain(&at.channel) || channel::opaque(&at.channel).is_some());
    let several = life.exchange.prompt().body().get("n").and_then(Value::as_u64).is_some_and(|n| n > 1);
    if several || !choice.tools.is_empty() || !is_plain || choice.finish.is_some() {
        return None;
    }
    let able: Vec<usize> = (0..)
        .zip(&life.route.targets)
        .filter(|(_, target)| target.prefill.is_some())
        .map(|(place, _)| place)
        .collect();
    if able.is_empty() {
        return None;
    }
    let all = choice.channel(channel::CONTENT).unwrap_or_default();
    let part = choice.texts.iter().rfind(|(at, _)| at.channel == channel::CONTENT).map(|(at, _)| at.part);
    let whole = all.trim_end();
    let seam = Seam::behind(whole, all.get(whole.len()..).unwrap_or_default(), part);
    // Before a word was said of the answer itself, it is asked for anew: thoughts are not gone on with.
    if !whole.is_empty() {
        let mut sizes = Sizes::default();
        sizes.add(whole);
        let prompt = life.exchange.prompt();
        let model = life.target().map_or(prompt.model(), |target| target.model_for(prompt.model()));
        let tokens = life.gateway.tokens.tokens(model, &sizes);
        life.resume = Some(Arc::new(Resume { said: whole.to_owned(), tokens }));
        life.plan(|plan, _| plan.only_those(&able));
    }
    Some(seam)
}
