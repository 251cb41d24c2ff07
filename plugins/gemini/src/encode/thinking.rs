//! `reasoning_effort` as a thinking level or a thinking budget.
//!
//! Invariants: `thinking_config` in the request wins; thinking that is asked for is shown; a model that cannot
//! think is not asked to. The limit of the answer's length counts thinking here as it does with OpenAI.
//! Source: Gemini API documentation, "Thinking".

use crate::model::Generation;
use adapter_kit::Refusal;
use adapter_kit::request::Request;
use serde_json::{Map, Value, json};

/// Translates `reasoning_effort` into `thinkingConfig`.
pub fn translate(
    request: &mut Request,
    model: &str,
    generation: Generation,
    config: &mut Map<String, Value>,
) -> Result<(), Refusal> {
    let effort = request.take("reasoning_effort");
    if let Some(own) = request.first(&["thinkingConfig", "thinking_config"]) {
        config.insert("thinkingConfig".into(), own);
    }
    let Some(effort) = effort else { return Ok(()) };
    if config.contains_key("thinkingConfig") || config.contains_key("thinking_config") {
        return Ok(());
    }
    let effort = effort.as_str().unwrap_or_default();
    if !["none", "minimal", "low", "medium", "high", "xhigh", "max"].contains(&effort) {
        return request.cannot("reasoning_effort", "of this value");
    }
    if !generation.thinks() {
        return Ok(());
    }
    let thinking = if generation.has_levels() {
        let level = match effort {
            "none" => return request.cannot("reasoning_effort", "of `none` for a model that always thinks"),
            "minimal" if model.contains("flash") => "minimal",
            "minimal" | "low" => "low",
            // The first of them knows only two levels.
            "medium" if generation > Generation(3, 0) || model.contains("flash") => "medium",
            _ => "high",
        };
        json!({ "thinkingLevel": level, "includeThoughts": true })
    } else {
        let budget = match effort {
            "none" => 0,
            "minimal" => 512,
            "low" => 1024,
            "medium" => 8192,
            // The most that every model of this generation takes.
            _ => 24_576,
        };
        json!({ "thinkingBudget": budget, "includeThoughts": budget > 0 })
    };
    config.insert("thinkingConfig".into(), thinking);
    Ok(())
}
