//! What an exchange may take: reserved before anything else is done for it, settled when it ends.
//!
//! Never decides who may take how much: the limits do. What an exchange will use is not known before, so the most that it
//! may use is reserved: its prompt by length, and all that it allows the model to say.

use super::life::{BYTES_PER_TOKEN, Life, put};
use crate::auth::Principal;
use crate::chat::{Prompt, Usage};
use crate::error::{Error, Party};
use crate::limit::{Amounts, Denied, Dimension, Grant, Refusal, Subject, Unit};
use crate::price::Usd;
use crate::route::Target;
use http::{HeaderMap, StatusCode};
use serde_json::Value;
use std::time::Duration;

/// Tokens of an answer that are reserved where the request does not bound it.
const UNBOUNDED_ANSWER: u64 = 1_024;

/// The fields that bound an answer, in tokens.
const BOUNDS: [&str; 3] = ["max_completion_tokens", "max_tokens", "max_output_tokens"];

/// Reserves what a request may take.
///
/// # Errors
/// 429 with the time to wait, where there is less.
pub async fn enter(life: &mut Life) -> Result<(), Error> {
    let gateway = life.gateway.clone();
    if gateway.limits.is_empty() {
        return Ok(());
    }
    let prompt = life.exchange.prompt();
    let subject = subject(&life.principal, &life.route.name, prompt.model());
    let granted = gateway.limits.enter(&subject, || most(life, &prompt, &life.route.targets)).await;
    let grant = granted.map_err(|denied| explain(&denied))?;
    life.grants.push(grant);
    life.entered = life.grants.len();
    Ok(())
}

/// Reserves what asking one target may take.
///
/// # Errors
/// 429, where there is less; another target may have more.
pub async fn ask(life: &Life, target: &Target, model: &str) -> Result<Option<Grant>, Error> {
    if !life.gateway.limits.has_targets() {
        return Ok(None);
    }
    let prompt = life.exchange.prompt();
    let id = format!("{}/{model}", target.provider.name);
    let subject = subject(&life.principal, &life.route.name, life.asked.model())
        .with(Dimension::Provider, Some(&target.provider.name))
        .with(Dimension::Target, Some(&id));
    match life.gateway.limits.ask(&subject, || most(life, &prompt, std::slice::from_ref(target))).await {
        Ok(grant) => Ok(Some(grant)),
        Err(denied) => Err(Error { retryable: true, ..explain(&denied) }),
    }
}

/// Says what was used in the end.
pub fn settle(life: &mut Life) {
    settle_target(life);
    let all = life.total_usage();
    let tokens = all.input.saturating_add(all.output);
    let used = Amounts { tokens, cost: life.cost().unwrap_or_default() };
    for grant in &mut life.grants {
        grant.used(used);
    }
    life.grants.clear();
}

/// Says what was used of what was reserved of the target that was asked last.
pub fn settle_target(life: &mut Life) {
    let tokens = life.usage.input.saturating_add(life.usage.output);
    let used = if life.owes {
        Amounts { tokens, cost: life.last_cost().unwrap_or_default() }
    } else {
        Amounts::default()
    };
    for grant in life.grants.iter_mut().skip(life.entered) {
        grant.used(used);
    }
    life.grants.truncate(life.entered);
}

/// Tells the client what is left, as OpenAI does.
pub fn describe(life: &Life, headers: &mut HeaderMap) {
    let units = [
        (
            Unit::Requests,
            ["x-ratelimit-limit-requests", "x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"],
        ),
        (
            Unit::Tokens,
            ["x-ratelimit-limit-tokens", "x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"],
        ),
    ];
    for (unit, [limit, remaining, reset]) in units {
        let levels = life.grants.iter().filter_map(|grant| grant.level(unit));
        if let Some(level) = levels.min_by_key(|level| level.remaining) {
            put(headers, limit, &level.limit.to_string());
            put(headers, remaining, &level.remaining.to_string());
            put(headers, reset, &format!("{:.3}s", level.reset.as_secs_f64()));
        }
    }
}

fn subject<'a>(principal: &'a Principal, route: &'a str, model: &'a str) -> Subject<'a> {
    let holder = &principal.holder;
    Subject::default()
        .with(Dimension::Tenant, Some(&principal.tenant))
        .with(Dimension::Key, Some(&principal.key))
        .with(Dimension::Team, holder.team.as_deref())
        .with(Dimension::User, holder.user.as_deref())
        .with(Dimension::Service, holder.service.as_deref())
        .with(Dimension::Agent, holder.agent.as_deref())
        .with(Dimension::Route, Some(route))
        .with(Dimension::Model, Some(model))
}

/// The most that a request may come to use, of whichever of the targets. What is of no known price costs nothing here, as
/// it does in the ledger.
fn most(life: &Life, prompt: &Prompt, targets: &[Target]) -> Amounts {
    let input = (prompt.text_bytes() as u64).div_ceil(BYTES_PER_TOKEN);
    let field = |name: &&str| prompt.body().get(*name).and_then(Value::as_u64);
    let output = if prompt.operation().speaks() {
        let each = BOUNDS.iter().find_map(field).unwrap_or(UNBOUNDED_ANSWER);
        each.saturating_mul(field(&"n").unwrap_or(1).max(1))
    } else {
        0
    };
    let usage = Usage { input, output, ..Usage::default() };
    let prices = &life.gateway.prices;
    let price =
        |target: &Target| prices.cost(&target.provider.name, target.model_for(prompt.model()), &usage);
    let cost = targets.iter().filter_map(price).max().unwrap_or(Usd::ZERO);
    Amounts { tokens: input.saturating_add(output), cost }
}

fn explain(denied: &Denied) -> Error {
    let rule = &denied.rule;
    if !matches!(denied.refusal, Refusal::Short(_)) {
        let message = "The gateway cannot count what this request would take. Try again later.";
        return Error::new(Party::Internal, StatusCode::SERVICE_UNAVAILABLE, "limits_unavailable", message);
    }
    let (code, message) = if denied.budget {
        ("budget_exceeded", format!("The {rule} does not allow for what this request may cost."))
    } else if denied.is_hopeless() {
        (
            "request_exceeds_limit",
            format!("This request alone asks for more than the limit '{rule}' ever allows."),
        )
    } else {
        ("rate_limit_exceeded", format!("The limit '{rule}' is reached. Try again later."))
    };
    // What another exchange holds may be free at once.
    let soon = (denied.unit == Unit::Exchanges).then_some(Duration::from_secs(1));
    Error::new(Party::Client, StatusCode::TOO_MANY_REQUESTS, code, message)
        .retry_after(denied.wait().or(soon))
}
