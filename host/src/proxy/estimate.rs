//! What a request would cost, and whether it would be let in, without asking a provider.
//!
//! Nothing leaves the gateway, no plugin is asked, nothing is reserved and nothing settled. Tells of limits what their
//! headers tell; of budgets only whether the request fits: what others spend is not everybody's business.

use super::answer::json_response;
use super::inbound::Inbound;
use super::quota;
use super::{Body, Gateway, permit, routes};
use crate::chat::{Prompt, Usage};
use crate::error::Error;
use crate::limit::{Amounts, Over, Unit};
use crate::price::Usd;
use crate::tokens::Family;
use http::{HeaderValue, Response, StatusCode};
use serde_json::{Value, json};
use std::sync::Arc;

/// Tokens of a request, and how they were counted.
pub(super) struct Counted {
    pub tokens: u64,
    /// Whether a tokenizer did; it was estimated by length otherwise.
    pub exact: bool,
}

impl Counted {
    /// How, in the word of headers and records.
    pub const fn by(&self) -> &'static str {
        if self.exact { "tokenizer" } else { "estimate" }
    }
}

/// Tokens that a chat of OpenAI's has around each message, and around all.
/// Source: "How to count tokens with tiktoken", OpenAI's cookbook.
const AROUND_MESSAGE: u64 = 3;
const AROUND_CHAT: u64 = 3;

/// Counts the tokens of a request for a model, with its own tokenizer where there is one here.
pub(super) async fn count(gateway: &Gateway, prompt: &Arc<Prompt>, model: &str) -> Counted {
    let family = Family::of(model);
    // How tools and what is not text come to the model is known to nobody else.
    let plain = prompt.modalities().is_empty() && !prompt.body().contains_key("tools");
    if plain && family.has_tokenizer() {
        let read = prompt.clone();
        // The tokenizer is made when it is first asked for; that takes a while, and so do long texts.
        let counted = tokio::task::spawn_blocking(move || {
            let texts = read.texts();
            family.count(texts.iter().map(|part| part.text.as_str()))
        });
        if let Ok(Some((tokens, whole))) = counted.await {
            let messages = prompt.body().get("messages").and_then(Value::as_array).map(Vec::len);
            let around = messages.map_or(0, |count| AROUND_CHAT + AROUND_MESSAGE * count as u64);
            return Counted { tokens: tokens.saturating_add(around), exact: whole };
        }
    }
    Counted { tokens: gateway.tokens.tokens(model, &quota::sizes(prompt)), exact: false }
}

/// Answers with what a request would cost.
///
/// # Errors
/// What the client is to be told in its format.
pub async fn estimate(gateway: &Arc<Gateway>, inbound: Inbound) -> Result<Response<Body>, Error> {
    let id = inbound.id.clone();
    let principal = inbound.authenticate(gateway).await?;
    let routes = routes(gateway, &principal)?;
    let (_, mut prompt) = inbound.parse(gateway).await?;
    let route = permit::admit(routes, &principal, &mut prompt)?;
    let prompt = Arc::new(prompt);
    let (mut targets, mut most) = (Vec::new(), Amounts::default());
    let mut by = "tokenizer";
    for target in route.ranked() {
        let model = target.model_for(prompt.model());
        let counted = count(gateway, &prompt, model).await;
        let output = quota::output(&prompt);
        let cost = |output| {
            let usage = Usage { input: counted.tokens, output, ..Usage::default() };
            target.cost(&gateway.prices, prompt.model(), &usage)
        };
        let (least, dearest) = (cost(0), cost(output));
        most.tokens = most.tokens.max(counted.tokens.saturating_add(output));
        most.cost = most.cost.max(dearest.unwrap_or(Usd::ZERO));
        if !counted.exact {
            by = counted.by();
        }
        targets.push(json!({
            "target": format!("{}/{model}", target.provider.name),
            "input_tokens": counted.tokens,
            "counted_by": counted.by(),
            "max_output_tokens": output,
            "priced": dearest.is_some(),
            "min_cost_usd": least.map(|cost| cost.to_string()),
            "max_cost_usd": dearest.map(|cost| cost.to_string()),
        }));
    }
    let needs_approval = gateway.approvals.as_ref().is_some_and(|approvals| approvals.needed(most.cost));
    let subject = quota::subject(&gateway.limits, &principal, &route.name, prompt.model());
    let (mut limits, mut over) = (Vec::new(), None);
    for (rule, asks, level) in gateway.limits.look(&subject, most) {
        let fits = rule.terms.soft || level.is_none_or(|level| asks <= level.remaining);
        if !fits {
            over = over.max(Some(match rule.terms.over {
                Over::Queue(_) => Then::Waits,
                Over::Turn(_) => Then::Downgrades,
                Over::Reject | Over::Shift => Then::Refused,
            }));
        }
        let unit = match rule.unit {
            Unit::Requests => "requests",
            Unit::Tokens => "tokens",
            Unit::Nanodollars => "usd",
            Unit::Exchanges => "concurrent",
        };
        let open = level.filter(|_| matches!(rule.unit, Unit::Requests | Unit::Tokens) && !rule.budget);
        limits.push(json!({
            "name": *rule.name,
            "unit": unit,
            "fits": fits,
            "asks": open.map(|_| asks),
            "left": open.map(|level| level.remaining),
        }));
    }
    let then = over.map_or("admitted", Then::name);
    let body = json!({
        "object": "estimate",
        "model": prompt.model(),
        "route": *route.name,
        "targets": targets,
        "max_tokens": most.tokens,
        "max_cost_usd": most.cost.to_string(),
        "limits": limits,
        "needs_approval": needs_approval,
        "outcome": if needs_approval && over != Some(Then::Refused) { "needs_approval" } else { then },
    });
    let mut response = json_response(StatusCode::OK, &body, &id);
    response.headers_mut().insert("x-lockgate-usage", HeaderValue::from_static(by));
    Ok(response)
}

/// What becomes of a request that does not fit; the worst last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Then {
    Downgrades,
    Waits,
    Refused,
}

impl Then {
    const fn name(self) -> &'static str {
        match self {
            Self::Downgrades => "downgraded",
            Self::Waits => "queued",
            Self::Refused => "refused",
        }
    }
}
