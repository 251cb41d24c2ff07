//! What an exchange may take: reserved before anything else is done for it, settled when it ends.
//!
//! Never decides who may take how much: the limits do. What an exchange will use is not known before, so the most that it
//! may use is reserved: its prompt by length, and all that it allows the model to say.

use super::life::Life;
use super::{Gateway, detour};
use crate::auth::Principal;
use crate::chat::{Prompt, Usage};
use crate::error::{Error, Party};
use crate::limit::{Amounts, Denied, Dimension, Grant, Limits, Over, Refusal, Subject, Unit};
use crate::price::Usd;
use crate::route::Target;
use crate::tokens::Sizes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde_json::Value;
use std::sync::Arc;
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
    loop {
        let (principal, route) = (life.principal.clone(), life.route.clone());
        let subject = subject(&gateway.limits, &principal, &route.name, prompt.model());
        let passed = std::mem::take(&mut life.detours.passed);
        let granted = gateway.limits.enter(&subject, &passed, || most(life, &prompt)).await;
        life.detours.passed = passed;
        match granted {
            Ok(grant) => {
                for (rule, part) in grant.warnings() {
                    life.exchange.flag(&rule.replace(' ', "."), &format!("{}%", part / 10));
                }
                life.grants.push(grant);
                life.entered = life.grants.len();
                return Ok(());
            }
            Err(denied) => {
                let costs = costs(life);
                detour::take(life, denied, &costs).map_err(|denied| explain(&denied))?;
            }
        }
    }
}

/// The targets that limits have left of an order to try them in: no others are asked from here on.
///
/// # Errors
/// 429 where none is left.
pub fn allowed(life: &mut Life, mut order: Vec<usize>) -> Result<Vec<usize>, Error> {
    if life.detours.is_empty() {
        return Ok(order);
    }
    let costs = costs(life);
    let left = detour::places(life, &life.route, &costs);
    order.retain(|place| left.contains(place));
    if order.is_empty() {
        let message = "A limit is reached, and its route has no cheaper target for this request.";
        return Err(Error::new(Party::Client, StatusCode::TOO_MANY_REQUESTS, "rate_limit_exceeded", message));
    }
    life.restrict(&left);
    Ok(order)
}

/// The budget that ends a stream: what it has used by now is more than was reserved for it and is left.
pub fn exceeded(life: &Life) -> Option<Arc<str>> {
    let prompt = life.exchange.prompt();
    let target = life.target()?;
    let model = target.model_for(prompt.model());
    let (tokens, sizes) = (&life.gateway.tokens, life.sizes.unwrap_or_default());
    let input = if life.usage.input > 0 { life.usage.input } else { tokens.tokens(model, &sizes) };
    let output = life.usage.output.max(tokens.answer(model, &sizes, life.produced_bytes));
    let usage = Usage { input, output, ..life.usage };
    let (before, cost) = (life.booked(), target.cost(&life.gateway.prices, prompt.model(), &usage));
    let running = Amounts {
        tokens: before.tokens.saturating_add(input).saturating_add(output),
        cost: before.cost + cost.unwrap_or_default(),
    };
    life.grants.iter().find_map(|grant| grant.exceeded(running)).cloned()
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
    let limits = &life.gateway.limits;
    let subject = subject(limits, &life.principal, &life.route.name, life.asked.model())
        .with(Dimension::Provider, Some(&target.provider.name))
        .with(Dimension::Target, Some(&id));
    let most = || {
        let sizes = life.sizes.unwrap_or_else(|| sizes(&prompt));
        of_target(&life.gateway, &prompt, (&sizes, output(&prompt)), target).0
    };
    match limits.ask(&subject, most).await {
        Ok(grant) => Ok(Some(grant)),
        Err(denied) => Err(Error { retryable: denied.over != Over::Reject, ..explain(&denied) }),
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

/// What is told of a unit: the limit, what remains of it, and when it is whole again. Made once: reading a name takes as
/// long as telling it.
static TOLD: [(Unit, [HeaderName; 3]); 2] = [
    (
        Unit::Requests,
        [
            HeaderName::from_static("x-ratelimit-limit-requests"),
            HeaderName::from_static("x-ratelimit-remaining-requests"),
            HeaderName::from_static("x-ratelimit-reset-requests"),
        ],
    ),
    (
        Unit::Tokens,
        [
            HeaderName::from_static("x-ratelimit-limit-tokens"),
            HeaderName::from_static("x-ratelimit-remaining-tokens"),
            HeaderName::from_static("x-ratelimit-reset-tokens"),
        ],
    ),
];

/// Tells the client what is left, as OpenAI does.
pub fn describe(life: &Life, headers: &mut HeaderMap) {
    for (unit, [limit, remaining, reset]) in &TOLD {
        let levels = life.grants.iter().filter_map(|grant| grant.level(*unit));
        if let Some(level) = levels.min_by_key(|level| level.remaining) {
            headers.insert(limit, level.limit.into());
            headers.insert(remaining, level.remaining.into());
            let reset_in = level.reset;
            let text = format!("{}.{:03}s", reset_in.as_secs(), reset_in.subsec_millis());
            if let Ok(text) = HeaderValue::try_from(text) {
                headers.insert(reset, text);
            }
        }
    }
}

pub(super) fn subject<'a>(
    limits: &'a Limits,
    principal: &'a Principal,
    route: &'a str,
    model: &'a str,
) -> Subject<'a> {
    let holder = &principal.holder;
    let mut subject = Subject::default()
        .with(Dimension::Organisation, limits.organisation(&principal.tenant))
        .with(Dimension::Tenant, Some(&principal.tenant))
        .with(Dimension::Key, Some(&principal.key))
        .with(Dimension::Team, holder.team.as_deref())
        .with(Dimension::User, holder.user.as_deref())
        .with(Dimension::Service, holder.service.as_deref())
        .with(Dimension::Agent, holder.agent.as_deref())
        .with(Dimension::Feature, holder.tags.get("feature"))
        .with(Dimension::Route, Some(route))
        .with(Dimension::Model, Some(model));
    subject.class = holder.priority as u8;
    subject
}

/// The lengths of a request's texts.
pub(super) fn sizes(prompt: &Prompt) -> Sizes {
    let mut sizes = Sizes::default();
    prompt.each_text(&mut |text| sizes.add(text));
    sizes
}

/// The most tokens that may be answered.
pub(super) fn output(prompt: &Prompt) -> u64 {
    if !prompt.operation().speaks() {
        return 0;
    }
    let field = |name: &&str| prompt.body().get(*name).and_then(Value::as_u64);
    let each = BOUNDS.iter().find_map(field).unwrap_or(UNBOUNDED_ANSWER);
    each.saturating_mul(field(&"n").unwrap_or(1).max(1))
}

/// The most that a request may come to use, of whichever of the targets that are left to it.
fn most(life: &mut Life, prompt: &Prompt) -> Amounts {
    let sizes = *life.sizes.get_or_insert_with(|| sizes(prompt));
    let output = output(prompt);
    let of = |target: &Target| of_target(&life.gateway, prompt, (&sizes, output), target);
    let targets = &life.route.targets;
    let more = |most: Amounts, amounts: Amounts| Amounts {
        tokens: most.tokens.max(amounts.tokens),
        cost: most.cost.max(amounts.cost),
    };
    if life.detours.is_empty() {
        return targets.iter().map(|target| of(target).0).fold(Amounts::default(), more);
    }
    let all: Vec<(Amounts, Option<Usd>)> = targets.iter().map(of).collect();
    let costs: Vec<Option<Usd>> = all.iter().map(|(_, cost)| *cost).collect();
    let left = detour::places(life, &life.route, &costs);
    left.iter().filter_map(|place| Some(all.get(*place)?.0)).fold(Amounts::default(), more)
}

/// What each target of the route would charge for a request at most; none where nobody knows.
pub(super) fn costs(life: &mut Life) -> Vec<Option<Usd>> {
    let prompt = life.exchange.prompt();
    let sizes = *life.sizes.get_or_insert_with(|| sizes(&prompt));
    let output = output(&prompt);
    let of = |target: &Target| of_target(&life.gateway, &prompt, (&sizes, output), target).1;
    life.route.targets.iter().map(of).collect()
}

/// The most that one target may come to use, and what it would charge. What is of no known price costs nothing here, as it
/// does in the ledger.
fn of_target(
    gateway: &Gateway,
    prompt: &Prompt,
    (sizes, output): (&Sizes, u64),
    target: &Target,
) -> (Amounts, Option<Usd>) {
    let model = target.model_for(prompt.model());
    let input = gateway.tokens.tokens(model, sizes);
    let usage = Usage { input, output, ..Usage::default() };
    let cost = target.cost(&gateway.prices, prompt.model(), &usage);
    (Amounts { tokens: input.saturating_add(output), cost: cost.unwrap_or_default() }, cost)
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
