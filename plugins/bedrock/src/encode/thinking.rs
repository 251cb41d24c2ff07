//! `reasoning_effort` in the words of the model's maker, since Converse has none.
//!
//! Invariants: `thinking` and `output_config` in the request win over `reasoning_effort`; Claude's budget is at
//! least 1,024 and below `maxTokens`; thinking is left off where Claude would refuse the request for it.
//! Source: Anthropic's documentation, "Extended thinking" and "Adaptive thinking"; Amazon Nova 2 User Guide,
//! "Extended thinking"; Amazon Bedrock User Guide, "OpenAI models".

use crate::model::{Family, Model};
use crate::options::{Options, Thinking};
use adapter_kit::Refusal;
use adapter_kit::request::Request;
use serde_json::{Map, Value, json};

/// The least budget that Claude takes.
const LEAST_BUDGET: u64 = 1024;

/// What is left for the answer beside a budget where the request has no limit.
const ANSWER_TOKENS: u64 = 4096;

/// Why Claude may have to do without thinking.
#[derive(Debug, Clone, Copy)]
pub struct Bound {
    /// The conversation ends with the results of a call whose thinking is not known: a signed block would have
    /// to come first.
    pub in_tool_loop: bool,
    /// A call is forced.
    pub forced: bool,
}

/// Translates `reasoning_effort`.
pub fn translate(
    request: &mut Request,
    model: Model,
    bound: Bound,
    options: &Options,
    config: &mut Map<String, Value>,
    own: &mut Map<String, Value>,
) -> Result<(), Refusal> {
    let effort = request.take("reasoning_effort");
    if model.family == Family::Anthropic && exact(request, bound, own) {
        return Ok(());
    }
    let Some(effort) = effort else { return Ok(()) };
    let Some(level @ ("none" | "minimal" | "low" | "medium" | "high" | "xhigh" | "max")) = effort.as_str()
    else {
        return request.cannot("reasoning_effort", "of this value");
    };
    let of_three = match level {
        "minimal" | "low" => "low",
        "medium" => "medium",
        _ => "high",
    };
    match model.family {
        Family::Anthropic => return claude(level, request, model, bound, options, config, own),
        Family::OpenAi => {
            let level = if level == "minimal" { "low" } else { level };
            own.entry("reasoning").or_insert_with(|| json!({ "effort": level }));
        }
        Family::GptOss if level != "none" => {
            own.entry("reasoning_effort").or_insert_with(|| of_three.into());
        }
        Family::Nova if model.second => {
            own.entry("reasoningConfig").or_insert_with(|| match level {
                "none" => json!({ "type": "disabled" }),
                _ => json!({ "type": "enabled", "maxReasoningEffort": of_three }),
            });
        }
        // Which is what happens anyway.
        Family::Nova | Family::Other if level == "none" => {}
        Family::GptOss => request.cannot("reasoning_effort", "`none` to this model")?,
        Family::Nova | Family::Other => request.cannot("reasoning_effort", "to this model")?,
    }
    Ok(())
}

/// Anthropic's own words, where the request has them.
fn exact(request: &mut Request, bound: Bound, own: &mut Map<String, Value>) -> bool {
    let (thinking, output) = (request.take("thinking"), request.take("output_config"));
    let told = thinking.is_some() || output.is_some();
    // Thinking by budget is refused there, whoever asked for it.
    let by_budget = |thinking: &Value| thinking.get("type").is_some_and(|kind| kind == "enabled");
    let thinking = thinking.filter(|thinking| !(bound.in_tool_loop && by_budget(thinking)));
    for (name, value) in [("thinking", thinking), ("output_config", output)] {
        if let Some(value) = value {
            own.entry(name).or_insert(value);
        }
    }
    told
}

fn claude(
    level: &str,
    request: &mut Request,
    model: Model,
    bound: Bound,
    options: &Options,
    config: &mut Map<String, Value>,
    own: &mut Map<String, Value>,
) -> Result<(), Refusal> {
    let adaptive = match options.thinking {
        Thinking::Adaptive => true,
        Thinking::Budget => false,
        Thinking::Auto => model.claude_from(4, 6),
    };
    if level == "none" || bound.forced || own.contains_key("thinking") {
        return Ok(());
    }
    if adaptive {
        let mut thinking = json!({ "type": "adaptive" });
        if let Some(thinking) = thinking.as_object_mut().filter(|_| model.claude_from(4, 7)) {
            // Otherwise the words are left out of the answer, and only their signature comes.
            thinking.insert("display".into(), "summarized".into());
        }
        own.insert("thinking".into(), thinking);
        let effort = match level {
            "minimal" => "low",
            "xhigh" if !model.claude_from(4, 7) => "max",
            level => level,
        };
        if let Value::Object(output) = own.entry("output_config").or_insert_with(|| json!({})) {
            output.entry("effort").or_insert_with(|| effort.into());
        }
        return Ok(());
    }
    if bound.in_tool_loop || model.claude_before(3, 7) {
        return Ok(());
    }
    let budget = LEAST_BUDGET
        * match level {
            "minimal" => 1,
            "low" => 2,
            "medium" => 8,
            "high" => 16,
            _ => 32,
        };
    let budget = match config.get("maxTokens").map(Value::as_u64) {
        // OpenAI's limit includes reasoning; a quarter of it is kept for the answer.
        Some(Some(limit)) if limit > LEAST_BUDGET => budget.min(limit / 4 * 3).max(LEAST_BUDGET),
        Some(_) => return Ok(()),
        None => {
            config.insert("maxTokens".into(), ANSWER_TOKENS.saturating_add(budget).into());
            budget
        }
    };
    sampling(request, config)?;
    own.insert("thinking".into(), json!({ "type": "enabled", "budget_tokens": budget }));
    Ok(())
}

/// With a budget, Claude takes no temperature but 1 and no `top_k`.
fn sampling(request: &mut Request, config: &mut Map<String, Value>) -> Result<(), Refusal> {
    let together = "together with `reasoning_effort`";
    if config.get("temperature").is_some_and(|value| value.as_f64() != Some(1.0)) {
        request.cannot("temperature", together)?;
        config.shift_remove("temperature");
    }
    if request.take("top_k").is_some() {
        request.cannot("top_k", together)?;
    }
    Ok(())
}
