//! `reasoning_effort` as Cohere's `thinking`.
//!
//! Invariants: `thinking` in the request wins; the highest effort has no budget, as Cohere recommends.
//! Source: Cohere documentation, "Reasoning".

use adapter_kit::Refusal;
use adapter_kit::request::Request;
use serde_json::{Map, Value, json};

/// Translates `reasoning_effort`. Tells whether the model thinks, as far as the request and its name show it.
pub fn translate(request: &mut Request, model: &str, out: &mut Map<String, Value>) -> Result<bool, Refusal> {
    let effort = request.take("reasoning_effort");
    let thinking = match request.take("thinking") {
        Some(own) => Some(own),
        None => match effort.as_ref().map(|effort| effort.as_str().unwrap_or_default()) {
            None => None,
            Some("none") => Some(json!({ "type": "disabled" })),
            Some("minimal") => Some(enabled(512)),
            Some("low") => Some(enabled(1024)),
            Some("medium") => Some(enabled(8192)),
            Some("high" | "xhigh" | "max") => Some(json!({ "type": "enabled" })),
            Some(_) => request.cannot("reasoning_effort", "of this value").map(|()| None)?,
        },
    };
    let kind = thinking.as_ref().and_then(|thinking| thinking.get("type")).and_then(Value::as_str);
    let thinks = kind.map_or_else(|| model.contains("reasoning"), |kind| kind != "disabled");
    out.extend(thinking.map(|thinking| ("thinking".to_owned(), thinking)));
    Ok(thinks)
}

fn enabled(budget: u32) -> Value {
    json!({ "type": "enabled", "token_budget": budget })
}
