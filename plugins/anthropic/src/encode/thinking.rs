//! `reasoning_effort` as extended thinking.
//!
//! Invariants: `thinking` in the request wins over `reasoning_effort`; a budget is at least 1,024 and below
//! `max_tokens`; thinking that is only an effort is left off where the API would refuse the request for it, thinking
//! by the client's own budget is so only where the gateway has lost what was thought before.
//! Source: Anthropic's documentation, "Thinking", "Extended thinking" and "Define tools".

use super::{output_config, tools};
use crate::options::{Options, Thinking};
use adapter_kit::Refusal;
use adapter_kit::request::Request;
use serde_json::{Map, Value, json};

/// The least budget that the API takes.
const LEAST_BUDGET: u64 = 1024;

/// Translates `reasoning_effort`, while the request's own limit is still in `request`, and after the tools.
///
/// `in_tool_loop`: the conversation ends with the results of a tool call whose thinking is not known. The API
/// refuses to think by budget from there on, because a signed thinking block would have to come first; and
/// where a call is forced, because a call would have to come first. Adaptive thinking may do both.
pub fn translate(
    request: &mut Request,
    model: &str,
    in_tool_loop: bool,
    options: &Options,
    out: &mut Map<String, Value>,
) -> Result<(), Refusal> {
    let effort = request.take("reasoning_effort");
    let forced = tools::forces(out);
    if let Some(thinking) = request.take("thinking") {
        let by_budget = thinking.get("type").is_some_and(|kind| kind == "enabled");
        if by_budget && in_tool_loop {
            return Ok(());
        }
        if by_budget && forced {
            return request.cannot("thinking", "by budget together with a `tool_choice` that forces a call");
        }
        out.insert("thinking".into(), thinking);
        return Ok(());
    }
    let Some(effort) = effort else { return Ok(()) };
    let level = effort.as_str().unwrap_or_default();
    let budget = LEAST_BUDGET
        * match level {
            "none" => return Ok(()),
            "minimal" => 1,
            "low" => 2,
            "medium" => 8,
            "high" => 16,
            "xhigh" | "max" => 32,
            _ => return request.cannot("reasoning_effort", "of this value"),
        };
    let version = version(model);
    let adaptive = match options.thinking {
        Thinking::Adaptive => true,
        Thinking::Budget => false,
        Thinking::Auto => version >= (4, 6),
    };
    if adaptive {
        out.insert("thinking".into(), json!({ "type": "adaptive" }));
        let effort = match level {
            "minimal" => "low",
            "xhigh" if version < (4, 7) => "max",
            level => level,
        };
        output_config(out, "effort", effort.into());
        return Ok(());
    }
    if in_tool_loop || forced || !thinks(version) {
        return Ok(());
    }
    let limit = request.get("max_completion_tokens").or_else(|| request.get("max_tokens"));
    let budget = match limit.and_then(Value::as_u64) {
        // OpenAI's limit includes reasoning; a quarter of it is kept for the answer.
        Some(limit) if limit > LEAST_BUDGET => budget.min(limit / 4 * 3).max(LEAST_BUDGET),
        Some(_) => return Ok(()),
        None => {
            out.insert("max_tokens".into(), options.max_tokens.saturating_add(budget).into());
            budget
        }
    };
    sampling(request)?;
    out.insert("thinking".into(), json!({ "type": "enabled", "budget_tokens": budget }));
    Ok(())
}

/// With a budget, the API takes no temperature but 1 and no `top_k`.
fn sampling(request: &mut Request) -> Result<(), Refusal> {
    for name in ["temperature", "top_k"] {
        if request.get(name).is_some_and(|value| name == "top_k" || value.as_f64() != Some(1.0)) {
            request.cannot(name, "together with `reasoning_effort`")?;
            request.take(name);
        }
    }
    Ok(())
}

/// Whether the model will think: from version 5 on it does unless told not to.
pub fn is_on(model: &str, out: &Map<String, Value>) -> bool {
    match out.get("thinking") {
        Some(thinking) => thinking.get("type").is_none_or(|kind| kind != "disabled"),
        None => version(model) >= (5, 0),
    }
}

/// The version in a model's name: `claude-sonnet-4-5-20250929` is (4, 5), `claude-3-7-sonnet` is (3, 7).
/// A name without one counts as the newest: aliases follow the newest models.
fn version(model: &str) -> (u32, u32) {
    let numbers: Vec<u32> = model
        .split(['-', '.', '/', '@', ':', '_'])
        .skip_while(|word| !word.contains("claude"))
        .skip_while(|word| word.parse::<u32>().is_err())
        .map_while(|word| word.parse().ok())
        .filter(|number| *number < 1000)
        .collect();
    match numbers.as_slice() {
        [] => (u32::MAX, 0),
        [major] => (*major, 0),
        [major, minor, ..] => (*major, *minor),
    }
}

/// Whether a model can think at all.
fn thinks(version: (u32, u32)) -> bool {
    version >= (3, 7)
}

#[cfg(test)]
mod tests;
